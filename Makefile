# SPDX-License-Identifier: GPL-2.0-or-later
#
# make            builds programs and libraries into build/
# make check      installs what it lacks, and passes every test and make lint
# make demo       installs what it lacks, and shows two guests getting their network
# make install    PREFIX=/usr/local, DESTDIR=
# make lint       style, static analysis, include graph
# make asan       the tests that need no guest, with AddressSanitizer and UndefinedBehaviorSanitizer
# make bench-ports  measures attach, detach and restart against the kernel's floor and others
# make bench-pool measures the choice of an address, from an empty to a full pool
# make bench-dhcp measures DHCP against a reflector, Kea and dnsmasq, in eight minutes
# make bench-guard measures what the guard costs, beside none and a bare bridge, in four minutes
# make bench-rates measures what TCP gets of a port's rate, in a minute
# make soak       SOAK_KILLS=1000 times kill -9 under load, and every ACK is still there
# make fuzz       FUZZ_SECONDS=60 of each fuzz target (clang)
# make clean
#
# One makefile for everything. SAN=1 and CC=clang build beside, in a directory of their own.

VERSION := 0.1.0
PREFIX ?= /usr/local
PARALLEL := -j$(shell nproc)
ifeq ($(origin CC),default)
CC := gcc
endif
Q := $(if $(V),,@)
FUZZ_SECONDS ?= 60
SOAK_KILLS ?= 1000

MODULES := mac dhcp bridge tap
, := ,
B := build$(if $(filter clang%,$(CC)),/clang)$(if $(SAN),/san)$(if $(FUZZ),/fuzz)$(if $(WERROR),/werror)

WARN := -Wall -Wextra -Wshadow -Wconversion -Wformat=2 -Wvla -Wmissing-prototypes -Wswitch-enum
OPT ?= -O2 -g
SANFLAGS := $(if $(SAN),-fsanitize=address$(,)undefined -fno-omit-frame-pointer -fno-sanitize-recover=undefined) \
	$(if $(FUZZ),-fsanitize=fuzzer-no-link)
CPPFLAGS += -D_GNU_SOURCE -DNETD_VERSION='"$(VERSION)"' -Iinclude $(PKG_CFLAGS)
CFLAGS += -std=gnu17 $(OPT) $(WARN) -fvisibility=hidden -fPIC $(if $(WERROR),-Werror)

# Asked for when something is compiled, so that targets that install things run without them.
PKGS := libnl-3.0 libmnl libnftnl jansson libconfuse sqlite3
PKG_CFLAGS = $(eval PKG_CFLAGS := $(patsubst -I%,-isystem %,$(shell pkg-config --cflags $(PKGS))))$(PKG_CFLAGS)
LIBS_mac :=
LIBS_dhcp :=
LIBS_bridge := -lnl-3 -lnftnl -lmnl
LIBS_tap :=
LIBS_daemon := -ljansson -lconfuse -lsqlite3 -lm
LIBS_client := -ljansson
LIBS_capture := -lpcap

# --- what is built ---

SRC_mac := $(wildcard mac/*.c)
SRC_dhcp := $(wildcard dhcp/*.c)
SRC_bridge := $(wildcard bridge/*.c)
SRC_tap := $(wildcard tap/*.c)
SRC_daemon := $(filter-out netd/main.c,$(wildcard netd/*.c))
SRC_client := $(wildcard netd/lib/*.c)
SRC_ctl := $(wildcard netd/ctl/*.c)
SRC_capture := $(wildcard netd/capture/*.c)
PROGRAM_SRC := $(SRC_mac) $(SRC_dhcp) $(SRC_bridge) $(SRC_tap) $(SRC_daemon) netd/main.c $(SRC_client) $(SRC_ctl) $(SRC_capture)
ALL_SRC := $(PROGRAM_SRC)

objs = $(patsubst %.c,$(B)/%.o,$(1))
ARCHIVES := $(foreach m,tap bridge dhcp mac,$(B)/$(m).a)

all: $(B)/netd/netd $(B)/netd/netd-capture $(B)/netd/netdctl $(B)/libnetd.a $(B)/libnetd.so.0

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(if $(V),,@echo '  CC $<')
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(SANFLAGS) -MMD -MP -c -o $@ $<

$(B)/netd/api.o: $(B)/gen/io_netd_varlink.h
$(B)/netd/api.o: CPPFLAGS += -I$(B)/gen

$(B)/gen/io_netd_varlink.h: netd/io.netd.varlink
	@mkdir -p $(@D)
	@{ echo '/* Made from $<. */'; echo 'static const char io_netd_varlink[] ='; \
	   sed 's/\\/\\\\/g; s/"/\\"/g; s/^/\t"/; s/$$/\\n"/' $<; echo ';'; } >$@

define archive
$(B)/$(1).a: $(call objs,$(SRC_$(1)))
	$(Q)rm -f $$@ && $(AR) rcs $$@ $$^
endef
$(foreach m,$(MODULES),$(eval $(call archive,$(m))))

$(B)/netd.a: $(call objs,$(SRC_daemon))
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/libnetd.a: $(call objs,$(SRC_client))
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/libnetd.so.0: $(call objs,$(SRC_client))
	$(if $(V),,@echo '  LD $@')
	$(Q)$(CC) $(SANFLAGS) -shared -Wl,-soname,libnetd.so.0 -Wl,-z,defs $(LDFLAGS) -o $@ $^ $(LIBS_client) $(if $(SAN),-lasan -lubsan)

$(B)/netd/netd: $(B)/netd/main.o $(B)/netd.a $(ARCHIVES)
	$(if $(V),,@echo '  LD $@')
	$(Q)$(CC) $(SANFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_daemon) $(LIBS_bridge)

$(B)/netd/netdctl: $(call objs,$(SRC_ctl)) $(B)/libnetd.a
	$(if $(V),,@echo '  LD $@')
	$(Q)$(CC) $(SANFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_client) -lm

$(B)/netd/netd-capture: $(call objs,$(SRC_capture))
	$(if $(V),,@echo '  LD $@')
	$(Q)$(CC) $(SANFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_capture)

# --- drop-ins: what takes another program's place, on libnetd ---

SRC_helper := $(wildcard netd/helper/*.c)
SRC_cni := $(wildcard netd/cni/*.c)
PROGRAM_SRC += $(SRC_helper) $(SRC_cni)
ALL_SRC += $(SRC_helper) $(SRC_cni)
all: $(B)/netd/netd-bridge-helper $(B)/netd/netd-cni

$(B)/netd/netd-bridge-helper: $(call objs,$(SRC_helper)) $(B)/libnetd.a
	$(if $(V),,@echo '  LD $@')
	$(Q)$(CC) $(SANFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_client)

$(B)/netd/netd-cni: $(call objs,$(SRC_cni)) $(B)/libnetd.a
	$(if $(V),,@echo '  LD $@')
	$(Q)$(CC) $(SANFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_client)

$(B)/tests/unit/%.o: CPPFLAGS += -Inetd/helper -Inetd/cni
$(B)/tests/unit/unit: $(addprefix $(B)/netd/helper/,acl.o choose.o qemu.o)
$(B)/tests/unit/unit: $(addprefix $(B)/netd/cni/,request.o name.o result.o)

# --- tests ---

# Of netdctl, what does without its commands.
UNIT_CTL := vmm vmm_format lease_file peer qmp cloud_hypervisor
SRC_unit := $(wildcard tests/unit/*.c)
ALL_SRC += $(SRC_unit) tests/netns/testopener.c tests/netns/testvmm.c tests/netns/testload.c $(wildcard tests/bench/*.c)

$(B)/tests/unit/%.o: CPPFLAGS += -Ibridge -Inetd -Inetd/ctl -Inetd/lib -Inetd/capture -Itests/unit

$(B)/tests/unit/unit: $(call objs,$(SRC_unit)) $(UNIT_CTL:%=$(B)/netd/ctl/%.o) $(B)/netd/capture/pcapng.o $(B)/netd.a $(B)/libnetd.a $(ARCHIVES)
	$(if $(V),,@echo '  LD $@')
	$(Q)$(CC) $(SANFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_daemon) $(LIBS_bridge) -lpcap -lcheck -lsubunit -pthread -lrt -lm

$(B)/tests/netns/testvmm: $(B)/tests/netns/testvmm.o $(B)/tests/netns/testopener.o $(B)/mac.a
	$(if $(V),,@echo '  LD $@')
	$(Q)$(CC) $(SANFLAGS) $(LDFLAGS) -o $@ $^

$(B)/tests/netns/testload: $(B)/tests/netns/testload.o $(B)/libnetd.a $(B)/mac.a
	$(if $(V),,@echo '  LD $@')
	$(Q)$(CC) $(SANFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_client)

# The guest's image does not depend on how netd is built.
build/guest/initramfs.gz: $(wildcard tests/guest/*)
	@tests/guest/image.sh build/guest

# A guest that runs netd and QEMU itself.
$(B)/guest/host-initramfs.gz: build/guest/initramfs.gz $(B)/netd/netd $(B)/netd/netd-capture $(B)/netd/netdctl $(B)/tests/netns/testvmm
	@mkdir -p $(@D)
	@tests/guest/host_image.sh build/guest $(B) $(@D)

deps-%:
	@tests/deps.sh $*

check: deps-check
	@$(MAKE) --no-print-directory $(PARALLEL) all test-programs build/guest/initramfs.gz
	@$(MAKE) --no-print-directory check-unit check-fuzz check-install check-netns check-guest lint

# Every test has a host, an internet and guests of its own, in namespaces.
NETNS_TESTS := $(sort $(wildcard tests/netns/test_*.py))
# They wait for most of their time, so that some go side by side.
NETNS_LANES ?= 3

# --- fuzz targets: replayed over their corpus by `make check`, run by `make fuzz` ---

FUZZERS := packet options config message leases arp clients vmm
# Of netdctl, what reads from outside.
FUZZ_CTL := lease_file peer qmp cloud_hypervisor
SRC_fuzz := $(wildcard tests/fuzz/*.c)
ALL_SRC += $(SRC_fuzz)
CORPUS = $(wildcard tests/fuzz/corpus/$(1)/*)
LIBS_fuzz := $(LIBS_daemon) $(LIBS_bridge)

$(B)/tests/fuzz/%.o: CPPFLAGS += -Inetd -Inetd/ctl -Itests/unit

$(B)/tests/fake.a: $(call objs,$(wildcard tests/unit/fake_*.c))
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/tests/fuzz/replay-%: $(B)/tests/fuzz/%.o $(B)/tests/fuzz/replay.o $(FUZZ_CTL:%=$(B)/netd/ctl/%.o) $(B)/tests/fake.a $(B)/netd.a $(ARCHIVES)
	$(if $(V),,@echo '  LD $@')
	$(Q)$(CC) $(SANFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_fuzz)

$(B)/tests/fuzz/fuzz-%: $(B)/tests/fuzz/%.o $(FUZZ_CTL:%=$(B)/netd/ctl/%.o) $(B)/tests/fake.a $(B)/netd.a $(ARCHIVES)
	$(if $(V),,@echo '  LD $@')
	$(Q)$(CC) $(SANFLAGS) -fsanitize=fuzzer $(LDFLAGS) -o $@ $^ $(LIBS_fuzz)

check-fuzz: $(FUZZERS:%=$(B)/tests/fuzz/replay-%)
	@$(foreach f,$(FUZZERS),echo "  REPLAY $(f): $(words $(call CORPUS,$(f))) inputs" && \
		$(B)/tests/fuzz/replay-$(f) $(call CORPUS,$(f)) &&) true

fuzz: deps-check
	@$(MAKE) --no-print-directory CC=clang SAN=1 FUZZ=1 fuzz-run

fuzz-run: $(FUZZERS:%=$(B)/tests/fuzz/fuzz-%)
	@for f in $(FUZZERS); do \
		mkdir -p build/corpus/$$f && echo "  FUZZ $$f for $(FUZZ_SECONDS) s" && \
		$(B)/tests/fuzz/fuzz-$$f -max_total_time=$(FUZZ_SECONDS) -timeout=10 -max_len=16384 -print_final_stats=1 \
			-artifact_prefix=build/ build/corpus/$$f tests/fuzz/corpus/$$f 2>build/fuzz-$$f.log || \
			{ tail -n 40 build/fuzz-$$f.log; exit 1; }; \
		grep stat::number_of_executed_units build/fuzz-$$f.log; \
	done

$(B)/tests/bench/ports: $(B)/tests/bench/ports.o $(B)/tests/bench/floor.o $(B)/libnetd.a
	$(if $(V),,@echo '  LD $@')
	$(Q)$(CC) $(SANFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_client)

$(B)/tests/bench/hold: $(B)/tests/bench/hold.o $(B)/libnetd.a
	$(if $(V),,@echo '  LD $@')
	$(Q)$(CC) $(SANFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_client)

$(B)/tests/bench/pool: $(B)/tests/bench/pool.o $(B)/dhcp.a $(B)/mac.a
	$(if $(V),,@echo '  LD $@')
	$(Q)$(CC) $(SANFLAGS) $(LDFLAGS) -o $@ $^

bench-pool: $(B)/tests/bench/pool
	@$<

$(B)/tests/bench/reflector: $(B)/tests/bench/reflector.o $(B)/bridge.a $(B)/mac.a
	$(if $(V),,@echo '  LD $@')
	$(Q)$(CC) $(SANFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_bridge)

$(B)/tests/bench/burst: $(B)/tests/bench/burst.o
	$(if $(V),,@echo '  LD $@')
	$(Q)$(CC) $(SANFLAGS) $(LDFLAGS) -o $@ $^

$(B)/tests/bench/guard: $(B)/tests/bench/guard.o $(B)/libnetd.a $(B)/bridge.a $(B)/mac.a
	$(if $(V),,@echo '  LD $@')
	$(Q)$(CC) $(SANFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_client) $(LIBS_bridge) -pthread

bench-ports: deps-ports
	@$(MAKE) --no-print-directory all $(B)/tests/bench/ports $(B)/tests/bench/hold
	@/usr/bin/python3 tests/bench/bench_ports.py

bench-dhcp: deps-bench
	@$(MAKE) --no-print-directory all $(B)/tests/bench/reflector $(B)/tests/bench/burst
	@/usr/bin/python3 tests/bench/bench_dhcp.py

bench-rates: deps-demo
	@$(MAKE) --no-print-directory all $(B)/tests/netns/testvmm
	@/usr/bin/python3 tests/bench/bench_rates.py

bench-guard: deps-guard
	@$(MAKE) --no-print-directory all $(B)/tests/bench/guard
	@/usr/bin/python3 tests/bench/bench_guard.py

GUEST_TESTS := $(sort $(wildcard tests/guest/test_*.py))

check-guest: all build/guest/initramfs.gz $(B)/guest/host-initramfs.gz
	@for test in $(GUEST_TESTS); do \
		echo "  TEST $$test"; \
		NETD_BUILD=$(CURDIR)/$(B) /usr/bin/python3 -W ignore::ResourceWarning $$test || exit 1; \
	done

check-netns: all $(B)/tests/netns/testvmm $(B)/tests/netns/testload
	@echo $(NETNS_TESTS) | NETD_BUILD=$(CURDIR)/$(B) xargs -n 1 -P $(NETNS_LANES) tests/netns/run.sh

# The crash test of check-netns, for longer.
soak: deps-check
	@$(MAKE) --no-print-directory all $(B)/tests/netns/testload
	@NETD_KILLS=$(SOAK_KILLS) NETD_BUILD=$(CURDIR)/$(B) /usr/bin/python3 tests/netns/test_crash.py

demo: deps-demo
	@$(MAKE) --no-print-directory all build/guest/initramfs.gz
	@/usr/bin/python3 tests/demo/demo.py

check-unit: $(B)/tests/unit/unit
	@echo "  TEST $<"
	@$(if $(CK_FORK),CK_FORK=$(CK_FORK) )$<

check-install: all
	@tests/install.sh $(B)

# Everything that runs without a guest, with AddressSanitizer and UndefinedBehaviorSanitizer. The unit tests in
# one process: looking for leaks at the end of each of 1,800 takes ten times as long.
asan: deps-check
	@$(MAKE) --no-print-directory SAN=1 CK_FORK=no check-unit check-fuzz check-netns

# --- lint ---

C_FILES = $(shell git ls-files -co --exclude-standard '*.c' '*.h')
SCRIPTS = $(shell git ls-files -co --exclude-standard '*.sh') .ci/run tests/guest/init
BENCH_PROGRAMS := tests/bench/ports tests/bench/hold tests/bench/pool tests/bench/reflector tests/bench/burst tests/bench/guard
TEST_PROGRAMS := tests/unit/unit tests/netns/testvmm tests/netns/testload $(BENCH_PROGRAMS) $(FUZZERS:%=tests/fuzz/replay-%)

lint: deps-lint
	@echo "  BUILD with gcc and with clang, warnings are errors"
	@$(MAKE) --no-print-directory $(PARALLEL) WERROR=1 all test-programs >/dev/null
	@$(MAKE) --no-print-directory $(PARALLEL) WERROR=1 CC=clang all test-programs >/dev/null
	@$(MAKE) --no-print-directory $(PARALLEL) WERROR=1 tidy
	@$(MAKE) --no-print-directory WERROR=1 lint-run

test-programs: $(TEST_PROGRAMS:%=$(B)/%)

tidy: $(PROGRAM_SRC:%.c=$(B)/%.tidy)

lint-run: tidy
	@echo "  RULES" && /usr/bin/python3 tests/lint/rules.py $(B)
	@echo "  CLANG-FORMAT" && clang-format --dry-run -Werror $(C_FILES)
	@echo "  CPPCHECK" && cppcheck --quiet --error-exitcode=1 --suppressions-list=tests/lint/cppcheck.txt \
		--enable=warning,portability,performance --std=c11 -D_GNU_SOURCE -Iinclude -I$(B)/gen \
		--library=tests/lint/cppcheck.cfg $(PROGRAM_SRC)
	@echo "  SHELLCHECK" && shellcheck $(SCRIPTS)
	@echo "  MANDOC" && mandoc -T lint -W warning netd/man/*

# Again when the object was made again, which is when a header that it reads has changed.
$(B)/%.tidy: %.c $(B)/%.o .clang-tidy
	@echo "  TIDY $<"
	@clang-tidy --quiet $< -- -std=gnu17 $(CPPFLAGS) -I$(B)/gen 2>$@.log >$@.out || { cat $@.out $@.log; exit 1; }
	@touch $@

# --- install ---

BINDIR ?= $(PREFIX)/bin
SBINDIR ?= $(PREFIX)/sbin
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR ?= $(PREFIX)/share/man
LIBEXECDIR ?= $(PREFIX)/libexec/netd
VARLINKDIR ?= $(PREFIX)/share/varlink
UNITDIR ?= $(PREFIX)/lib/systemd/system
FILL = sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' \
	-e 's|@SBINDIR@|$(SBINDIR)|' -e 's|@VERSION@|$(VERSION)|'

install: all
	install -d $(addprefix $(DESTDIR),$(BINDIR) $(SBINDIR) $(LIBDIR)/pkgconfig $(INCLUDEDIR) $(MANDIR)/man1 $(MANDIR)/man5 \
		$(MANDIR)/man8 $(VARLINKDIR) $(UNITDIR))
	install -m 755 $(B)/netd/netd $(DESTDIR)$(SBINDIR)/netd
	install -m 755 $(B)/netd/netd-capture $(DESTDIR)$(SBINDIR)/netd-capture
	install -m 755 $(B)/netd/netdctl $(DESTDIR)$(BINDIR)/netdctl
	install -m 644 $(B)/libnetd.a $(DESTDIR)$(LIBDIR)/libnetd.a
	install -m 755 $(B)/libnetd.so.0 $(DESTDIR)$(LIBDIR)/libnetd.so.0
	ln -sf libnetd.so.0 $(DESTDIR)$(LIBDIR)/libnetd.so
	install -m 644 include/netd.h $(DESTDIR)$(INCLUDEDIR)/netd.h
	$(FILL) netd/netd.pc.in >$(DESTDIR)$(LIBDIR)/pkgconfig/netd.pc
	install -m 644 netd/man/netdctl.1 $(DESTDIR)$(MANDIR)/man1/netdctl.1
	install -m 644 netd/man/netd.conf.5 $(DESTDIR)$(MANDIR)/man5/netd.conf.5
	install -m 644 netd/man/netd.8 $(DESTDIR)$(MANDIR)/man8/netd.8
	install -m 644 netd/io.netd.varlink $(DESTDIR)$(VARLINKDIR)/io.netd.varlink
	$(FILL) netd/netd.service.in >$(DESTDIR)$(UNITDIR)/netd.service
	install -m 644 netd/netd.socket $(DESTDIR)$(UNITDIR)/netd.socket
	install -d $(DESTDIR)$(LIBEXECDIR)
	install -m 755 $(B)/netd/netd-bridge-helper $(B)/netd/netd-cni $(DESTDIR)$(LIBEXECDIR)
	install -m 644 netd/man/netd-bridge-helper.8 netd/man/netd-cni.8 $(DESTDIR)$(MANDIR)/man8

clean:
	rm -rf build

-include $(patsubst %.o,%.d,$(call objs,$(ALL_SRC)))

.PHONY: all install lint lint-run tidy asan test-programs check-install check check-unit check-netns check-guest check-fuzz clean demo bench-ports bench-pool bench-dhcp bench-guard bench-rates soak fuzz fuzz-run
.SECONDARY:
.DELETE_ON_ERROR:

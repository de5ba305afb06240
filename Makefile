# SPDX-License-Identifier: GPL-2.0-or-later
#
# make            builds programs and libraries into build/
# make check      installs what it lacks, and passes every test
# make demo       installs what it lacks, and shows two guests getting their network
# make install    PREFIX=/usr/local, DESTDIR=
# make lint       style, static analysis, include graph
# make asan       the tests that need no guest, with AddressSanitizer and UndefinedBehaviorSanitizer
# make bench      measures attach and detach against the kernel's floor
# make fuzz       FUZZ_SECONDS=60 of each fuzz target (clang)
# make clean
#
# One makefile for everything. SAN=1 and CC=clang build beside, in a directory of their own.

VERSION := 0.1.0
PREFIX ?= /usr/local
ifeq ($(origin CC),default)
CC := gcc
endif
Q := $(if $(V),,@)
FUZZ_SECONDS ?= 60

MODULES := mac dhcp bridge tap
B := build$(if $(filter clang%,$(CC)),/clang)$(if $(SAN),/san)

WARN := -Wall -Wextra -Wshadow -Wconversion -Wformat=2 -Wvla -Wmissing-prototypes -Wswitch-enum
OPT ?= -O2 -g
SANFLAGS := $(if $(SAN),-fsanitize=address$(,)undefined -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
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

comma := ,
, := ,

# --- what is built ---

SRC_mac := $(wildcard mac/*.c)
SRC_dhcp := $(wildcard dhcp/*.c)
SRC_bridge := $(wildcard bridge/*.c)
SRC_tap := $(wildcard tap/*.c)
SRC_daemon := $(filter-out netd/main.c,$(wildcard netd/*.c))
SRC_client := $(wildcard netd/lib/*.c)
SRC_ctl := $(wildcard netd/ctl/*.c)
ALL_SRC := $(SRC_mac) $(SRC_dhcp) $(SRC_bridge) $(SRC_tap) $(SRC_daemon) netd/main.c $(SRC_client) $(SRC_ctl)

objs = $(patsubst %.c,$(B)/%.o,$(1))
ARCHIVES := $(foreach m,tap bridge dhcp mac,$(B)/$(m).a)

all: $(B)/netd/netd $(B)/netd/netdctl $(B)/libnetd.a $(B)/libnetd.so.0

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

# --- tests ---

SRC_unit := $(wildcard tests/unit/*.c)
ALL_SRC += $(SRC_unit) tests/netns/testvmm.c

$(B)/tests/unit/%.o: CPPFLAGS += -Inetd -Inetd/ctl -Inetd/lib -Itests/unit

$(B)/tests/unit/unit: $(call objs,$(SRC_unit)) $(B)/netd/ctl/vmm.o $(B)/netd.a $(B)/libnetd.a $(ARCHIVES)
	$(if $(V),,@echo '  LD $@')
	$(Q)$(CC) $(SANFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_daemon) $(LIBS_bridge) -lpcap -lcheck -lsubunit -pthread -lrt -lm

$(B)/tests/netns/testvmm: $(B)/tests/netns/testvmm.o $(B)/mac.a
	$(if $(V),,@echo '  LD $@')
	$(Q)$(CC) $(SANFLAGS) $(LDFLAGS) -o $@ $^

# The guest's image does not depend on how netd is built.
build/guest/initramfs.gz: $(wildcard tests/guest/*)
	@tests/guest/image.sh build/guest

# A guest that runs netd and QEMU itself.
$(B)/guest/host-initramfs.gz: build/guest/initramfs.gz $(B)/netd/netd $(B)/netd/netdctl
	@mkdir -p $(@D)
	@tests/guest/host_image.sh build/guest $(B) $(@D)

deps-%:
	@tests/deps.sh $*

check: deps-check
	@$(MAKE) --no-print-directory check-unit check-netns check-guest

# Every test has a host, an internet and guests of its own, in namespaces.
NETNS_TESTS := $(sort $(wildcard tests/netns/test_*.py))

check-guest: all build/guest/initramfs.gz $(B)/guest/host-initramfs.gz
	@echo "  TEST tests/guest/test_guests.py"
	@NETD_BUILD=$(CURDIR)/$(B) /usr/bin/python3 -W ignore::ResourceWarning tests/guest/test_guests.py

check-netns: all $(B)/tests/netns/testvmm
	@for test in $(NETNS_TESTS); do \
		echo "  TEST $$test"; \
		NETD_BUILD=$(CURDIR)/$(B) /usr/bin/python3 -W ignore::ResourceWarning $$test || exit 1; \
	done

demo: deps-demo
	@$(MAKE) --no-print-directory all build/guest/initramfs.gz
	@/usr/bin/python3 tests/demo/demo.py

check-unit: $(B)/tests/unit/unit
	$(B)/tests/unit/unit

clean:
	rm -rf build

-include $(patsubst %.o,%.d,$(call objs,$(ALL_SRC)))

.PHONY: all check check-unit check-netns check-guest clean demo
.DELETE_ON_ERROR:

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tests/install.sh BUILD: installs into a directory of its own, and builds a launcher against what is there, as somebody
# else would: header, pkg-config file, static and shared library.
set -eu

build=$(realpath "$1")
root=$(mktemp -d)
trap 'rm -rf "$root" "$root.list"' EXIT
fail() {
	echo "install: $*" >&2
	exit 1
}

make --no-print-directory B="$1" DESTDIR="$root" PREFIX=/opt/netd install >/dev/null
(cd "$root" && find . -type f -o -type l | LC_ALL=C sort) >"$root.list"
diff - "$root.list" <<'EOF' || fail 'other files than these were installed'
./opt/netd/bin/netdctl
./opt/netd/include/netd.h
./opt/netd/lib/libnetd.a
./opt/netd/lib/libnetd.so
./opt/netd/lib/libnetd.so.0
./opt/netd/lib/pkgconfig/netd.pc
./opt/netd/lib/systemd/system/netd.service
./opt/netd/lib/systemd/system/netd.socket
./opt/netd/libexec/netd/netd-bridge-helper
./opt/netd/libexec/netd/netd-cni
./opt/netd/sbin/netd
./opt/netd/sbin/netd-capture
./opt/netd/share/man/man1/netdctl.1
./opt/netd/share/man/man5/netd.conf.5
./opt/netd/share/man/man8/netd-bridge-helper.8
./opt/netd/share/man/man8/netd-cni.8
./opt/netd/share/man/man8/netd.8
./opt/netd/share/varlink/io.netd.varlink
EOF
if grep -r '@[A-Z]*@' "$root/opt/netd/lib/pkgconfig" "$root/opt/netd/lib/systemd"; then
	fail 'a placeholder was left'
fi
cat >"$root/launcher.c" <<'EOF'
#include <netd.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
	struct netd *n;
	struct netd_port port;
	struct netd_attach a = { .guest = "web1" };

	if (netd_connect("/nonexistent/netd.sock", &n) == 0)
		return 1;
	puts(netd_error(n));
	if (netd_attach(n, &a, &port) == 0 || strlen(netd_error(n)) == 0)
		return 2;
	netd_close(n);
	return 0;
}
EOF
system=$(pkg-config --variable pc_path pkg-config)
export PKG_CONFIG_LIBDIR="$root/opt/netd/lib/pkgconfig:$system"
export PKG_CONFIG_SYSROOT_DIR="$root"
cflags=$(pkg-config --cflags netd)
sentence='cannot reach netd at /nonexistent/netd.sock: No such file or directory'
# shellcheck disable=SC2046,SC2086 # words
gcc -std=c11 -Wall -Wextra -Wpedantic -Werror $cflags -o "$root/shared" "$root/launcher.c" $(pkg-config --libs netd)
[ "$(LD_LIBRARY_PATH="$root/opt/netd/lib" "$root/shared")" = "$sentence" ] || fail 'the shared library does not work'
# shellcheck disable=SC2086
gcc -std=c11 $cflags -o "$root/static" "$root/launcher.c" "$root/opt/netd/lib/libnetd.a" -ljansson
[ "$("$root/static")" = "$sentence" ] || fail 'the static library does not work'
nm -D --defined-only "$root/opt/netd/lib/libnetd.so.0" | awk '{ print $3 }' | grep -v '^netd_' && fail 'it exports more than netd_'
"$root/opt/netd/bin/netdctl" --version | grep -q "^netdctl $(PKG_CONFIG_SYSROOT_DIR='' pkg-config --modversion netd)$" ||
	fail 'versions differ'
[ -x "$build/netd/netd" ]
[ "$(echo '{}' | CNI_COMMAND=VERSION "$root/opt/netd/libexec/netd/netd-cni" | grep -c 1.1.0)" -ge 1 ] || fail 'netd-cni does not run'
"$root/opt/netd/libexec/netd/netd-bridge-helper" --help | grep -q '^usage: netd-bridge-helper' || fail 'netd-bridge-helper does not run'
echo "  INSTALL ok"

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tests/deps.sh build|demo|check|bench|guard|ports|lint: installs the Debian packages that this needs and that are missing, and
# nothing when none is. Without root it says what is missing.
set -eu

build='gcc make pkg-config libc6-dev libnl-3-dev libmnl-dev libnftnl-dev libpcap-dev libjansson-dev libconfuse-dev
	libsqlite3-dev'
# guests: QEMU without graphics, a busybox to run in them; their kernel is only unpacked (see tests/guest/image.sh)
guest='qemu-system-x86 busybox-static cpio kmod python3 iproute2 util-linux'
tests='check kea-admin udhcpc isc-dhcp-client isc-dhcp-relay nftables iptables sqlite3 iputils-ping procps podman libasan8 libubsan1'
# kea-admin has perfdhcp
bench='kea-admin kea-dhcp4-server dnsmasq-base python3 iproute2 util-linux'
ports='containernetworking-plugins qemu-system-common python3 iproute2 util-linux'
guard='nftables python3 iproute2 util-linux'
lint='clang clang-format clang-tidy cppcheck shellcheck mandoc'

case ${1:-} in
build) wanted=$build ;;
demo) wanted="$build $guest" ;;
check) wanted="$build $guest $tests $lint" ;;
bench) wanted="$build $bench" ;;
guard) wanted="$build $guard" ;;
ports) wanted="$build $ports" ;;
lint) wanted="$build check $lint" ;;
*)
	echo "usage: $0 build|demo|check|bench|guard|ports|lint" >&2
	exit 2
	;;
esac

missing=
for package in $wanted; do
	case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true) in
	*' installed') ;;
	*) missing="$missing $package" ;;
	esac
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" -ne 0 ]; then
	echo "These Debian packages are missing:$missing" >&2
	echo "Install them: apt-get install --no-install-recommends$missing" >&2
	exit 1
fi
echo "Installing:$missing"
export DEBIAN_FRONTEND=noninteractive
# A relay or podman's socket is not to run on this machine because a test wants the program.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	trap 'rm -f "$policy"' EXIT
	trap 'exit 1' HUP INT TERM
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
fi
apt-get -q -q update </dev/null
# What somebody changed in a file of a package that is upgraded on the way stays, without a question.
# shellcheck disable=SC2086 # a list of words
apt-get -q -q -y -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold \
	install --no-install-recommends $missing </dev/null >/dev/null

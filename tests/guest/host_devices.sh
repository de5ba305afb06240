#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs inside the guest of host_image.sh: TAPs that are opened by name, on the host and in a namespace, and a veth pair.
set -eu

# shellcheck source=tests/guest/host_lib.sh
. /host_lib.sh
modprobe -a tun veth
# As udev has it.
chmod 666 /dev/net/tun
echo 'mac { secret = x } network default { mode = isolated  subnet = 10.77.0.1/24 }' >/tmp/netd.conf
user=12345

links() {
	(cd /sys/class/net && echo *)
}

# opener GUEST TAP [COMMAND...]: a VMM that opens it by its name, started by the command.
opener() {
	name=$1 tap=$2
	shift 2
	mkfifo "/tmp/out-$name"
	"$@" testvmm "firecracker=$tap:1:$user" "$(member "$name" '"mac":"\([^"]*\)"')" >"/tmp/out-$name" 2>"/tmp/run-$name" &
	eval "pid_$name=$!"
	read -r _ <"/tmp/out-$name" || { cat "/tmp/run-$name"; exit 1; }
}

start
before=$(links)
netdctl attach fc --tap --owner $user
tap=$(device fc)
echo "tap: $($iproute -o -d link show dev "$tap")"
echo "carrier: $(cat "/sys/class/net/$tap/carrier")"
opener fc "$tap"
echo "carrier: $(cat "/sys/class/net/$tap/carrier")"
lease fc
reaches fc host 10.77.0.1
# shellcheck disable=SC2154 # by opener
echo "opener: $pid_fc"
echo "again: $(netdctl attach fc --tap 2>&1 || true)"

# One in a namespace.
namespace jail
# shellcheck disable=SC2154 # by namespace
netdctl attach within --tap tap0 --owner $user --netns "/proc/$pid_jail/ns/net"
opener within tap0 nsenter --net="/proc/$pid_jail/ns/net" --
lease within
reaches within fc "$(sed -n 's/^ip=//p' /tmp/lease-fc)"

# A container.
namespace c1
# shellcheck disable=SC2154
netdctl attach c1 --netns "/proc/$pid_c1/ns/net"
echo "addresses c1: $(member c1 '"addresses":\["\([^"]*\)"')"
echo "card c1: $(in_guest c1 $iproute -o -4 addr show dev eth0 | sed 's/.*inet \([^ ]*\).*/\1/')"
reaches c1 host 10.77.0.1
reaches c1 fc "$(sed -n 's/^ip=//p' /tmp/lease-fc)"

kill -9 $netd
wait $netd || true
start
echo "adopted: $(netdctl --json guests | tr -d '\n ')"
for name in fc within c1; do reaches $name host-after 10.77.0.1; done

# Who has nobody is reaped, who has somebody is not; until that ends.
sed -i '1i tap-grace = 1' /tmp/netd.conf
netdctl reload
netdctl attach idle --tap
netdctl wait idle --for gone
reaches fc host-still 10.77.0.1
# shellcheck disable=SC2154
kill "$pid_fc" "$pid_within" "$pid_c1"
for name in fc within c1; do netdctl wait $name --for gone; done
kill "$pid_jail"
echo "reaped: $(grep -c 'has had it open for 1 s' /tmp/netd.log)"
[ "$before" = "$(links)" ] && echo 'links: as before'
echo "links: $(links)"

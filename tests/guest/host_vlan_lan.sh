#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs inside the guest of host_image.sh: VLANs of a LAN, behind an uplink in netd's bridge, and in a bridge that was there
# before and does not filter them.
set -eu

# shellcheck source=tests/guest/host_lib.sh
. /host_lib.sh
modprobe -a tun 8021q veth

# configure HOSTS
configure() {
	cat >/tmp/netd.conf <<-END
		mac { secret = "a test's secret" }
		network lan {
			mode = bridge
			uplink = up0
			$1
			host t { trunk = { 100, 200 } }
		}
	END
}

# As the uplink's move is told by nothing that a script can wait for.
is_up() {
	until netdctl --json network "$1" | tr -d '\n ' | grep -q '"up":true'; do :; done
}

# The LAN: a router with an address without a tag, and one in each of three VLANs.
namespace lan
# shellcheck disable=SC2154 # by namespace
$iproute link add up0 type veth peer name eth0 netns "$pid_lan"
in_guest lan $iproute addr add 192.0.2.1/24 dev eth0
in_guest lan $iproute link set eth0 up
for vlan in 100 200 300; do
	in_guest lan $iproute link add link eth0 name eth0.$vlan type vlan id $vlan
	in_guest lan $iproute addr add 10.0.$((vlan / 100)).1/24 dev eth0.$vlan
	in_guest lan $iproute link set eth0.$vlan up
done
$iproute link set up0 up
$iproute addr add 192.0.2.2/24 dev up0
$iproute route add default via 192.0.2.1

configure 'host a { vlan = 100 }'
start
is_up lan
echo "filtering: $(cat /sys/class/net/nd-lan/bridge/vlan_filtering)"
echo "vlans of up0: $(vlans up0)"
say "host reaches lan" ping -c 1 -W 20 192.0.2.1
for name in a t p; do guest $name --network lan; done
in_guest a $iproute addr add 10.0.1.10/24 dev eth0
in_guest p $iproute addr add 192.0.2.30/24 dev eth0
reaches a lan 10.0.1.1
say "lan reaches a" in_guest lan ping -c 1 -W 20 10.0.1.10
reaches p lan 192.0.2.1
reaches p host 192.0.2.2
# In the VLAN of another, whatever addresses it has.
in_guest a $iproute addr add 192.0.2.31/24 dev eth0
apart a untagged 192.0.2.1
in_guest a $iproute addr del 192.0.2.31/24 dev eth0
tagged t 100 10.0.1.20
reaches t lan-by-100 10.0.1.1
reaches t a 10.0.1.10
tagged t 200 10.0.2.20
reaches t lan-by-200 10.0.2.1
tagged t 300 10.0.3.20
apart t lan-by-300 10.0.3.1

kill -9 $netd
wait $netd || true
start
reaches a lan 10.0.1.1
# Another VLAN, which the uplink has not carried until then.
configure 'host a { vlan = 300 }'
netdctl reload
echo "vlans of up0: $(vlans up0)"
apart a lan 10.0.1.1
in_guest a $iproute addr flush dev eth0
in_guest a $iproute addr add 10.0.3.10/24 dev eth0
reaches a lan 10.0.3.1
# None has VLANs any more.
configure ''
sed -i '/host t/d' /tmp/netd.conf
netdctl reload
echo "filtering: $(cat /sys/class/net/nd-lan/bridge/vlan_filtering)"
reaches p lan 192.0.2.1

# shellcheck disable=SC2154 # by guest
kill "$pid_a" "$pid_t" "$pid_p"
for name in a t p; do netdctl wait $name --for gone; done
kill $netd
wait $netd || true
echo "up0 has: $($iproute -o -4 addr show dev up0 | sed 's/.*inet \([^ ]*\).*/\1/')"
echo "links: $(cd /sys/class/net && echo *)"

# A bridge of the host's.
$iproute link add br0 type bridge
$iproute link set br0 up
$iproute link set up0 master br0
cat >/tmp/netd.conf <<-END
	mac { secret = "a test's secret" }
	network found { mode = bridge  bridge = br0  host a { vlan = 100 } }
END
start
is_up found
before=$(cd /sys/class/net && echo *)
for name in a p; do
	netdctl run "$name" --network found -- true '{fds}' 2>/tmp/run && echo "refused $name: no"
	echo "refused $name: $(cat /tmp/run)"
done
echo "found filters: $(cat /sys/class/net/br0/bridge/vlan_filtering)"
[ "$before" = "$(cd /sys/class/net && echo *)" ] && echo "found is: as it was"
echo "found guests: $(netdctl --json guests | tr -d '\n ')"
# What the sentence says.
ip=$iproute
$ip link set br0 type bridge vlan_filtering 1
bridge vlan add dev up0 vid 100
rm /tmp/out-a
guest a --network found
in_guest a $iproute addr add 10.0.1.10/24 dev eth0
reaches a lan-by-br0 10.0.1.1
echo "vlans of a: $(vlans "$(device a)")"
echo "vlans of br0: $(vlans br0)"
echo "vlans of up0: $(vlans up0)"

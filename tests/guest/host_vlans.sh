#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs inside the guest of host_image.sh, whose kernel has bridges that filter VLANs: access and trunk ports of an isolated
# network, and an interface that joins it as a LAN's trunk would. Prints what is to be seen as "key: value" lines.
set -eu

# shellcheck source=tests/guest/host_lib.sh
. /host_lib.sh
modprobe -a tun 8021q veth

configure() {
	cat >/tmp/netd.conf <<-END
		mac { secret = "a test's secret" }
		network default {
			mode = isolated
			subnet = 10.77.0.1/24
			host a { $1 }
			host b { vlan = 100 }
			host c { vlan = 200 }
			host t { trunk = { 100, 200 }  address = 10.77.0.50 }
			port up0 { trunk = { 100, 200 } }
		}
	END
}

# The LAN: a namespace behind up0, with an address and a DHCP server in VLAN 100.
namespace lan
# shellcheck disable=SC2154 # by namespace
$iproute link add up0 type veth peer name eth0 netns "$pid_lan"
in_guest lan $iproute link set eth0 up
in_guest lan $iproute link add link eth0 name eth0.100 type vlan id 100
in_guest lan $iproute addr add 10.77.0.200/24 dev eth0.100
in_guest lan $iproute link set eth0.100 up
configure 'vlan = 100'
start
for name in a b c t; do guest $name; done
until netdctl --json network default | tr -d '\n ' | grep -q '"joined":true'; do :; done

echo "filtering: $(cat /sys/class/net/nd-default/bridge/vlan_filtering)"
for name in a b c; do lease $name; done
eval "$(for name in a b c; do echo "ip_$name=$(sed -n 's/^ip=//p' /tmp/lease-$name)"; done)"
# shellcheck disable=SC2154 # by the eval above
reaches a b "$ip_b"
# shellcheck disable=SC2154
apart a c "$ip_c"
apart a host 10.77.0.1
reaches a lan 10.77.0.200
apart c lan 10.77.0.200
tagged t 100 10.77.0.50
# shellcheck disable=SC2154
reaches t a "$ip_a"
tagged t 200 10.77.0.50
reaches t c "$ip_c"
apart t a-by-200 "$ip_a"
tagged t 300 10.77.0.50
apart t a-by-300 "$ip_a"
drops t
tagged t 100 10.77.0.99
apart t a-as-another "$ip_a"
drops t
in_guest t $iproute neigh replace "$ip_a" lladdr 02:00:00:00:00:01 nud permanent dev eth0.100
apart t a-as-another "$ip_a"
drops t
in_guest t $iproute link set eth0.100 address 02:00:00:00:00:99
apart t a-with-another-mac "$ip_a"
drops t
tagged t 100 10.77.0.50
in_guest lan sh -c 'printf "interface eth0.100\nstart 10.77.0.210\nend 10.77.0.210\nlease_file /tmp/udhcpd.leases\n" >/tmp/udhcpd.conf
	touch /tmp/udhcpd.leases; udhcpd -f /tmp/udhcpd.conf >/dev/null 2>&1 &'
lease t eth0.100
tagged b 100 "$ip_b"
apart b a-with-a-tag "$ip_a"
drops b

kill -9 $netd
wait $netd || true
start
reaches a lan 10.77.0.200
tagged t 100 10.77.0.50
reaches t a "$ip_a"
configure 'vlan = 200'
netdctl reload
reaches a c "$ip_c"
apart a lan 10.77.0.200
echo "vlans of t: $(vlans "$(device t)")"

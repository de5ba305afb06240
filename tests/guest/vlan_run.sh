#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs inside the guest of host_image.sh, whose kernel has bridges that filter VLANs: access and trunk ports of an isolated
# network, and an interface that joins it as a LAN's trunk would. Prints what is to be seen as "key: value" lines.
set -eu

export PATH=/bin:/usr/bin:/sbin
iproute=/usr/bin/ip
mkdir -p /run /var/lib /tmp/leases
modprobe tun
modprobe 8021q
modprobe veth

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

start() {
	netd -c /tmp/netd.conf --debug 2>>/tmp/netd.log &
	netd=$!
	until netdctl status >/tmp/status 2>&1; do
		kill -0 $netd || { cat /tmp/netd.log; exit 1; }
	done
}

# guest NAME: a namespace on a port; its process is in pid_NAME.
guest() {
	mkfifo "/tmp/out-$1"
	netdctl run "$1" -- testvmm '{fds}' '{mac}' >"/tmp/out-$1" 2>"/tmp/run-$1" &
	eval "pid_$1=$!"
	read -r _ <"/tmp/out-$1" || { cat "/tmp/run-$1"; exit 1; }
}

# in NAME COMMAND...
in_guest() {
	eval "pid=\$pid_$1"
	shift
	# shellcheck disable=SC2154 # by the eval above
	nsenter --net="/proc/$pid/ns/net" -- "$@"
}

# say KEY COMMAND...: yes or no.
say() {
	key=$1
	shift
	if "$@" >/dev/null 2>&1; then echo "$key: yes"; else echo "$key: no"; fi
}

reaches() {
	say "$1 reaches $2" in_guest "$1" ping -c 1 -W 3 "$3"
}

lease() {
	if LEASE_FILE=/tmp/leases/$1 in_guest "$1" udhcpc -i "${2:-eth0}" -n -q -f -t 5 -T 1 -s /etc/udhcpc.sh >/tmp/udhcpc 2>&1; then
		echo "lease $1 ${2:-eth0}: $(sed -n 's/^ip=//p' /tmp/leases/"$1")"
	else
		echo "lease $1 ${2:-eth0}: none"
	fi
}

# member GUEST PATTERN: the first that is behind the guest's name, of which the pattern has a group.
member() {
	netdctl --json guests | tr -d '\n ' | sed "s/.*\"guest\":\"$1\"//; s/$2.*/#\1/; s/.*#//"
}

drops() {
	echo "drops $1: $(member "$1" '"drops":{\([^}]*\)}')"
}

# tagged NAME VLAN ADDRESS: the one address that the guest's card has is there, with that tag.
tagged() {
	for old in 100 200 300; do in_guest "$1" $iproute link del "eth0.$old" 2>/dev/null || true; done
	in_guest "$1" $iproute link add link eth0 name "eth0.$2" type vlan id "$2"
	in_guest "$1" $iproute addr flush dev eth0
	in_guest "$1" $iproute addr add "$3/24" dev "eth0.$2"
	in_guest "$1" $iproute link set "eth0.$2" up
}

# The LAN: a namespace behind up0, with an address and a DHCP server in VLAN 100.
unshare -n sleep 100000 &
pid_lan=$!
until [ "$(readlink /proc/$pid_lan/ns/net)" != "$(readlink /proc/$$/ns/net)" ]; do :; done
$iproute link add up0 type veth peer name eth0 netns $pid_lan
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
eval "$(for name in a b c; do echo "ip_$name=$(sed -n 's/^ip=//p' /tmp/leases/$name)"; done)"
# shellcheck disable=SC2154 # by the eval above
reaches a b "$ip_b"
# shellcheck disable=SC2154
reaches a c "$ip_c"
reaches a host 10.77.0.1
reaches a lan 10.77.0.200
reaches c lan 10.77.0.200
tagged t 100 10.77.0.50
# shellcheck disable=SC2154
reaches t a "$ip_a"
tagged t 200 10.77.0.50
reaches t c "$ip_c"
reaches t a-by-200 "$ip_a"
tagged t 300 10.77.0.50
reaches t a-by-300 "$ip_a"
drops t
tagged t 100 10.77.0.99
reaches t a-as-another "$ip_a"
drops t
in_guest t $iproute neigh replace "$ip_a" lladdr 02:00:00:00:00:01 nud permanent dev eth0.100
reaches t a-as-another "$ip_a"
drops t
in_guest t $iproute link set eth0.100 address 02:00:00:00:00:99
reaches t a-with-another-mac "$ip_a"
drops t
tagged t 100 10.77.0.50
in_guest lan sh -c 'printf "interface eth0.100\nstart 10.77.0.210\nend 10.77.0.210\nlease_file /tmp/udhcpd.leases\n" >/tmp/udhcpd.conf
	touch /tmp/udhcpd.leases; udhcpd -f /tmp/udhcpd.conf >/dev/null 2>&1 &'
lease t eth0.100
tagged b 100 "$ip_b"
reaches b a-with-a-tag "$ip_a"
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
reaches a lan 10.77.0.200
port=$(member t '"interface":"\([^"]*\)"')
echo "vlans of t: $(bridge -c=never vlan show dev "$port" | tr -s '\n\t ' ' ')"

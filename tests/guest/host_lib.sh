# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the scripts that run inside the guest of host_image.sh share: netd, guests on its ports, and what is to be seen of
# them, printed as "key: value" lines. The configuration is /tmp/netd.conf; netd's process is $netd.

export PATH=/bin:/usr/bin:/sbin
# That of busybox knows less.
# shellcheck disable=SC2034 # for those who read this
iproute=/usr/bin/ip

start() {
	netd -c /tmp/netd.conf --debug 2>>/tmp/netd.log &
	netd=$!
	until netdctl status >/tmp/status 2>&1; do
		kill -0 $netd || { cat /tmp/netd.log; exit 1; }
	done
}

# guest NAME OPTION...: a namespace on a port; its process is in pid_NAME.
guest() {
	name=$1
	shift
	mkfifo "/tmp/out-$name"
	netdctl run "$name" "$@" -- testvmm '{fds}' '{mac}' >"/tmp/out-$name" 2>"/tmp/run-$name" &
	eval "pid_$name=$!"
	read -r _ <"/tmp/out-$name" || { cat "/tmp/run-$name"; exit 1; }
}

# namespace NAME: one with nobody in it but its process, in pid_NAME.
namespace() {
	unshare -n sleep 100000 &
	eval "pid_$1=$!"
	until [ "$(readlink "/proc/$!/ns/net")" != "$(readlink /proc/$$/ns/net)" ]; do :; done
}

# in_guest NAME COMMAND...
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

# reaches NAME WHAT ADDRESS [SECONDS]
reaches() {
	say "$1 reaches $2" in_guest "$1" ping -c 1 -W "${4:-20}" "$3"
}

# apart NAME WHAT ADDRESS: as is expected not to reach it; what does takes milliseconds.
apart() {
	reaches "$@" 1
}

# lease NAME [CARD]
lease() {
	if LEASE_FILE=/tmp/lease-$1 in_guest "$1" udhcpc -i "${2:-eth0}" -n -q -f -t 5 -T 1 -s /etc/udhcpc.sh >/tmp/udhcpc 2>&1; then
		echo "lease $1 ${2:-eth0}: $(sed -n 's/^ip=//p' "/tmp/lease-$1")"
	else
		echo "lease $1 ${2:-eth0}: none"
	fi
}

# member GUEST PATTERN: the first that is behind the guest's name, of which the pattern has a group.
member() {
	netdctl --json guests | tr -d '\n ' | sed "s/.*\"guest\":\"$1\"//; s/$2.*/#\1/; s/.*#//"
}

# device GUEST: its interface on the host.
device() {
	member "$1" '"interface":"\([^"]*\)"'
}

# vlans DEVICE: what the bridge lets through there.
vlans() {
	bridge -c=never vlan show dev "$1" | tr -s '\n\t ' ' '
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

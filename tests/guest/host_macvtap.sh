#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs inside the guest of host_image.sh: a network of mode macvtap on one end of a veth pair, whose other end is the LAN,
# and an inner QEMU on it with vhost and two queues. Prints what is to be seen as "key: value" lines.
set -eu

export PATH=/bin:/usr/bin:/sbin
mkdir -p /run /var/lib /etc/netd
modprobe -a vhost_net veth macvtap
ip link add up0 type veth
# shellcheck disable=SC2010 # names of interfaces
lan=$(ls /sys/class/net | grep -v -e '^lo$' -e '^up0$')
ip addr add 192.0.2.1/24 dev "$lan"
ip link set "$lan" up
ip link set up0 up
echo 'network lan { mode = macvtap  uplink = up0  subnet = 192.0.2.1/24  range = { 192.0.2.50-192.0.2.59 } }' \
	>/etc/netd/netd.conf
netd -c /etc/netd/netd.conf --debug 2>/tmp/netd.log &
until netdctl status >/tmp/status 2>&1; do
	kill -0 $! || { cat /tmp/netd.log; exit 1; }
done
mkfifo /tmp/in /tmp/out
netdctl run inner --vhost on --queues 2 -- qemu-system-x86_64 -M q35 -accel tcg -cpu max -m 192 -nodefaults \
	-no-user-config -display none -no-reboot -serial stdio -serial file:/tmp/inner-console -kernel /vmlinuz \
	-initrd /initramfs.gz -append 'console=ttyS1 quiet panic=-1 random.trust_cpu=on no_timer_check mitigations=off' <>/tmp/in >/tmp/out 2>/tmp/run.log &
qemu=$!
exec 3<>/tmp/in 4</tmp/out

# Lines of the inner guest up to one that begins with $1; they are printed.
expect() {
	while read -r line <&4; do
		echo "inner: $line"
		case $line in "$1"*) return 0 ;; esac
	done
	echo "the inner guest ended"
	cat /tmp/run.log /tmp/inner-console /tmp/netd.log
	return 1
}

expect 'guest: ready'
address=$(netdctl --json guests | tr -d '\n ' | sed 's/.*"addresses":\["\([0-9.]*\).*/\1/')
echo "address: $address"
echo "ip addr add $address/24 dev eth0; ip link set eth0 up; ping -c 3 192.0.2.1" >&3
expect 'guest: rc 0'
echo "guests: $(netdctl --json guests | tr -d '\n ')"
# shellcheck disable=SC2009 # busybox has no pgrep that counts
echo "workers: $(ps | grep -c "\[vhost-$qemu\]")"
# Another's address, which the guard does not let out.
echo 'ip addr add 192.0.2.77/24 dev eth0; ping -c 1 -W 1 -I 192.0.2.77 192.0.2.1; true' >&3
expect 'guest: rc 0'
echo "spoofed: $(netdctl --json guests | tr -d '\n ')"
echo "nodes: $(ls /dev/net)"
kill $qemu
netdctl wait inner --for gone
echo "after: $(netdctl --json guests | tr -d '\n ')"
echo "left: $(cd /sys/class/net && echo *)"

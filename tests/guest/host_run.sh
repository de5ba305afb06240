#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs inside the guest of host_image.sh: plugs an inner QEMU into netd with vhost, has it get its address, and prints
# what is to be seen as "key: value" lines. Arguments are more options of netdctl run; the inner QEMU has $INNER_CPUS.
set -eu

export PATH=/bin:/usr/bin:/sbin
mkdir -p /run /var/lib
modprobe vhost_net
echo "device: $(ls -l /dev/vhost-net)"
netd --debug 2>/tmp/netd.log &
until netdctl status >/tmp/status 2>&1; do
	kill -0 $! || { cat /tmp/netd.log; exit 1; }
done
mkfifo /tmp/in /tmp/out
netdctl run inner --vhost on "$@" -- qemu-system-x86_64 -M q35 -accel tcg -cpu max -smp "${INNER_CPUS:-1}" -m 192 -nodefaults \
	-qmp unix:/tmp/qmp,server=on,wait=off -device pcie-root-port,id=hot0,chassis=1 \
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
	cat /tmp/run.log /tmp/inner-console
	return 1
}

expect 'guest: ready'
echo "arguments: $(tr '\0' ' ' </proc/$qemu/cmdline)"
# shellcheck disable=SC2016 # the inner guest's variables
echo 'udhcpc -i eth0 -n -q -f -t 20 -T 1 -s /etc/udhcpc.sh; . /tmp/lease; echo "ip=$ip"; ping -c 3 $router' >&3
expect 'guest: rc 0'
# How often each queue's input has been attended to, after a flow of each CPU.
if [ "${INNER_CPUS:-1}" = 2 ]; then
	# shellcheck disable=SC2016,SC2028 # they are of the inner shell and of sed
	echo '. /tmp/lease; for cpu in 1 2; do taskset $cpu ping -c 10 -i 0.1 $router >/dev/null; sed -n "s/^ *[0-9]*: *\([0-9]*\) *\([0-9]*\) .*-\(input.[01]\)\$/\3 $cpu=\1+\2/p" /proc/interrupts; done' >&3
	expect 'guest: rc 0'
fi
# A card more with one queue, plugged in while it runs.
netdctl attach inner/1 --qmp /tmp/qmp --bus hot0 --vhost on 2>/tmp/plug.log
# shellcheck disable=SC2016
echo 'until [ -e /sys/class/net/eth1 ]; do :; done; udhcpc -i eth1 -n -q -f -t 20 -T 1 -s /etc/udhcpc.sh; . /tmp/lease; echo "plugged=$ip"; ping -c 3 -I eth1 $router | tail -n 2' >&3
expect 'guest: rc 0'
echo "plugged: $(netdctl --json guests | tr -d '\n ')"
# shellcheck disable=SC2009
echo "plugged workers: $(ps | grep -c "\[vhost-$qemu\]")"
netdctl detach inner/1 --qmp /tmp/qmp
# shellcheck disable=SC2009
echo "unplugged workers: $(ps | grep -c "\[vhost-$qemu\]")"
netdctl release inner/1
echo "guests: $(netdctl --json guests | tr -d '\n ')"
# shellcheck disable=SC2009 # busybox has no pgrep that counts
echo "workers: $(ps | grep -c "\[vhost-$qemu\]")"
echo "said: $(head -n 1 /tmp/run.log)"
kill $qemu
netdctl wait inner --for gone
echo "after: $(netdctl --json guests | tr -d '\n ')"

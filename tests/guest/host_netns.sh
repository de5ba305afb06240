#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# host_netns.sh COMMAND...: runs it in the guest of host_image.sh as on a host that has just booted: a network namespace and
# directories of its own. What it leaves running ends with it, so that one boot serves many tests.
export PATH=/bin:/usr/bin:/sbin
host=$(readlink /proc/$$/ns/net)
# shellcheck disable=SC2016 # the inner shell's variables
unshare -n -m sh -c '
	mount -t sysfs sys /sys && for directory in /run /var/lib /tmp /etc/netd; do
		mkdir -p $directory && mount -t tmpfs none $directory || exit 1
	done
	ip link set lo up
	exec "$@"' sh "$@"
code=$?
# Who is in a network namespace of the test's.
for process in /proc/[0-9]*; do
	space=$(readlink "$process/ns/net") && [ "$space" != "$host" ] && kill -9 "${process#/proc/}"
done
exit $code

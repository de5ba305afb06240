#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What udhcpc calls in a test's guest: puts the lease on the interface, and what it was told into $LEASE_FILE.
# shellcheck disable=SC2154 # udhcpc sets interface, ip, mask, …
case $1 in
bound | renew)
	ip addr flush dev "$interface"
	ip addr add "$ip/$mask" broadcast "${broadcast:-+}" dev "$interface"
	if [ -n "${mtu:-}" ]; then ip link set "$interface" mtu "$mtu"; fi
	if [ -n "${router:-}" ]; then ip route replace default via "${router%% *}" dev "$interface"; fi
	env >"${LEASE_FILE:-/tmp/lease}"
	;;
deconfig)
	ip link set "$interface" up
	;;
esac
exit 0

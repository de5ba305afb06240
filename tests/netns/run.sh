#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tests/netns/run.sh TEST...: runs each and says what it said when it has ended, so that several of these can run side
# by side. Ends at the first that fails.
set -eu

# The daemons' states are in memory.
if [ -z "${NETD_TEST_STATE:-}" ] && [ -w /dev/shm ]; then
	export NETD_TEST_STATE=/dev/shm
fi
said=$(mktemp)
trap 'rm -f "$said"' EXIT
for test; do
	if ! /usr/bin/python3 -W ignore::ResourceWarning "$test" >"$said" 2>&1; then
		echo "  TEST $test"
		cat "$said"
		exit 255 # which ends xargs, too
	fi
	echo "  TEST $test: $(sed -n 's/^Ran /ran /p' "$said")"
	grep '^LEFT OUT' "$said" || true
done

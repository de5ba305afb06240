#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Measures attach and detach beside the kernel's floor, in one run, and prints a table."""

import os
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# pylint: disable=wrong-import-position
from harness.daemon import BUILD, Daemon
from harness.namespaces import Host, enter_private

COUNTS = ["1", "100", "1000"]
ROUNDS = 3
CONFIG = "network default { subnet = 10.64.0.1/20 dns = { 192.0.2.53 } }\n"


def measure(in_memory):
    """One run: {(name, count): (p50, p99)}; with the state on this machine's disk, or in memory."""
    host = Host()
    daemon = Daemon(host, CONFIG, start=False)
    os.makedirs(daemon.state)
    if in_memory:
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", daemon.state], check=True)
    try:
        daemon.start()
        done = subprocess.run(host.ns.enter(os.path.join(BUILD, "tests", "bench", "ports"), daemon.socket, daemon.state,
                                            *COUNTS), stdout=subprocess.PIPE, text=True, check=True)
    finally:
        daemon.stop()
        if in_memory:
            subprocess.run(["umount", daemon.state], check=True)
        daemon.close()
        host.close()
    lines = [line.split() for line in done.stdout.splitlines()]
    return {(name, count): (float(p50), float(p99)) for name, count, p50, p99 in lines}


def medians(rounds):
    return {key: tuple(statistics.median(r[key][i] for r in rounds) for i in (0, 1)) for key in rounds[0]}


def main():
    enter_private()
    disk, memory = [], []
    for _ in range(ROUNDS):
        disk.append(measure(False))
        memory.append(measure(True))
    disk, memory = medians(disk), medians(memory)
    sync, memory_sync = disk["durable-write", "1"][0], memory["durable-write", "1"][0]
    print(f"Microseconds, medians of {ROUNDS} rounds. A durable write of one page: {sync:.0f} on disk, {memory_sync:.0f} in "
          f"memory. `ip tuntap add` and `ip link set`: {disk['ip-attach', '1'][0]:.0f}.")
    print()
    print("| ports | | floor | netd | p99 | bound | netd / bound | state in memory | p99 | bound | netd / bound |")
    print("| ---: | --- |" + " ---: |" * 9)
    for count in COUNTS:
        for what in ("attach", "detach"):
            row = []
            for result, write in ((disk, sync), (memory, memory_sync)):
                p50, p99 = result[f"netd-{what}", count]
                bound = 1.5 * result[f"floor-{what}", count][0] + write
                row += [f"{p50:.0f}", f"{p99:.0f}", f"{bound:.0f}", f"{p50 / bound:.2f}"]
            print(f"| {count} | {what} | {disk[f'floor-{what}', count][0]:.0f} | {' | '.join(row)} |")
    print()
    print("floor: TUNSETIFF and one RTM_SETLINK, or closing the descriptor. bound: 1.5 x floor and one durable write.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Measures what the guard costs: frames and attaches with guard on, guard off and on a bare bridge, and prints tables.

Each round has hosts of its own, in namespaces, which take turns. What is judged are ratios within a round, and of those the
median: two hosts that are alike differ by up to 4 %, all the time that they stand, by where their memory is and how their
tables are hashed. tests/bench/guard.c says what is measured, and how.
"""

import contextlib
import itertools
import os
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# pylint: disable=wrong-import-position
from harness.daemon import BUILD, Daemon
from harness.namespaces import Failed, Host, Namespace, enter_private

GUARD = os.path.join(BUILD, "tests", "bench", "guard")
PREFIX = "10.64.0.1/20"
ROUNDS, MS = 40, 50            # of frames and attaches, and how long one measurement of frames lasts
PATHS, QUEUES, KINDS = ["ports", "nat"], [1, 2], ["64", "1500", "gso"]
FLAT = [1, 100, 1000]          # other ports on the bridge
FLAT_ROUNDS, FLAT_TURNS = 11, 5
ATTACHED, ATTACH_TURNS = 10, 4  # guests in one go, and how often in a round
ELEMENTS, ELEMENT_ROUNDS = [1, 1000, 2000], 5
LOST = 0.001                   # share of the frames that may be
BARE, OFF, ON = "bare bridge", "guard off", "guard on"
SAY = {"ports": "port to port", "nat": "port to world, NAT", "64": "64 B", "1500": "1,500 B", "gso": "GSO 64 KB"}


def doing(text):
    """One line of what is being done, where somebody looks on."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def set_sysctl(namespace, name, value):
    """Of a namespace; nothing where the kernel has no such switch."""
    namespace.run("sh", "-c", f"! [ -e /proc/sys/net/{name} ] || echo {value} >/proc/sys/net/{name}")


# --- hosts ---


class Contender:
    """A host with an uplink, its bridge, and the program that holds its ports."""

    def __init__(self, name):
        self.name, self.load, self.others = name, None, 0
        self.host = Host()
        # What guests send to the world ends there.
        self.host.internet.run("ip", "route", "add", "blackhole", "203.0.113.9")
        # Bridged frames would go through the IP rules, and cost more than what is measured here.
        for which in ("iptables", "ip6tables", "arptables"):
            set_sysctl(self.host.ns, f"bridge/bridge-nf-call-{which}", 0)

    def start_load(self, where, bridge):
        self.load = self.host.ns.popen(GUARD, "load", where, bridge, str(self.host.internet.pid), stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, text=True)
        if self.load.stdout.readline() != "ready\n":
            raise Failed(f"{self.name}: the load does not start")
        passed, = self.say("spoof")
        if passed != (self.name != ON):
            raise Failed(f"{self.name}: of one spoofed frame {passed} passed")

    def say(self, *words):
        self.load.stdin.write(" ".join(map(str, words)) + "\n")
        self.load.stdin.flush()
        line = self.load.stdout.readline().split()
        if not line:
            raise Failed(f"{self.name}: the load ended at {' '.join(map(str, words))}")
        return [int(word) for word in line]

    def run(self, path, queues, kind):
        """(frames a second, octets a frame, share of them lost)"""
        rate, octets, sent, delivered = self.say("run", path, kind, queues, MS)
        return rate, octets, max(0, 1 - delivered / sent)

    def attach(self, count):
        """So many more; the median of the µs that one takes."""
        self.others, took = self.say("others", self.others + count)
        return took / 1e3

    def close(self):
        if self.load:
            self.load.stdin.close()
            self.load.wait()
            self.load.stdout.close()
        self.host.close()


class Bare(Contender):
    """A bridge as netd's, and no rules in its family; masquerade is nft's."""

    def __init__(self, name):
        super().__init__(name)
        run = self.host.ns.run
        run("ip", "link", "add", "br0", "address", "02:00:00:00:ff:fe", "type", "bridge", "forward_delay", "0",
            "mcast_snooping", "0")
        set_sysctl(self.host.ns, "ipv6/conf/br0/disable_ipv6", 1)
        run("ip", "addr", "add", PREFIX, "dev", "br0")
        run("ip", "link", "set", "br0", "up")
        for link in ("br0", "up0"):
            set_sysctl(self.host.ns, f"ipv4/conf/{link}/forwarding", 1)
        run("nft", "table ip bench { chain postrouting { type nat hook postrouting priority 100; "
            f"ip saddr {PREFIX} oifname != br0 masquerade; }}; }}")
        self.start_load("bare", "br0")


class Netd(Contender):
    """netd with its state in memory: the disk's time is not what is measured."""

    def __init__(self, name, guard):
        super().__init__(name)
        self.daemon = Daemon(self.host, f"network default {{ subnet = {PREFIX} dns = {{ 192.0.2.53 }} {guard} }}\n",
                             start=False)
        os.makedirs(self.daemon.state)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", self.daemon.state], check=True)
        try:
            self.daemon.start()
            self.start_load(self.daemon.socket, "nd-default")
        except Failed:
            self.close()
            raise

    def close(self):
        super().close()
        if self.daemon.process and self.daemon.process.poll() is None:
            self.daemon.stop()
        subprocess.run(["umount", self.daemon.state], check=True)
        self.daemon.close()


MAKE = {BARE: lambda: Bare(BARE), OFF: lambda: Netd(OFF, "guard = off"), ON: lambda: Netd(ON, "guard = on")}

# --- measures ---


def ratio(a, b):
    """The median of what it was each time."""
    return statistics.median(x / y for x, y in zip(a, b))


@contextlib.contextmanager
def hosts(turn, *names):
    """New ones, in order of the names; each round another one is made first."""
    made = {}
    with contextlib.ExitStack() as stack:
        for i in range(len(names)):
            name = names[(turn + i) % len(names)]
            made[name] = stack.enter_context(contextlib.closing(MAKE[name]()))
        yield [made[name] for name in names]


def attach_costs(contenders):
    """What an attach takes in µs, by name, while they take turns."""
    turns = [[c.attach(ATTACHED) for c in contenders] for _ in range(ATTACH_TURNS)]
    return {c.name: statistics.median(took) for c, took in zip(contenders, zip(*turns))}


def measure_rounds():
    """Each round's rate, length and loss, {(path, queues, kind): {name: [result, …]}}, and attaches, {name: [µs, …]}."""
    found, attach = {}, {}
    for turn in range(ROUNDS):
        doing(f"round {turn + 1} of {ROUNDS}")
        with hosts(turn, BARE, OFF, ON) as contenders:
            for key in itertools.product(PATHS, QUEUES, KINDS):
                for c in contenders:
                    found.setdefault(key, {}).setdefault(c.name, []).append(c.run(*key))
            for name, took in attach_costs(contenders).items():
                attach.setdefault(name, []).append(took)
    return found, attach


def measure_flat():
    """What 64-byte frames take with more and more other ports on the bridge, in terms of what they take with the fewest:
    {ports: [cost, …]}.

    It is the same pair of ports that sends. Attaching so many takes a while, in which the machine may have become slower: so
    each cost is first put in terms of what another host's frames take at that moment.
    """
    found = {}
    for turn in range(FLAT_ROUNDS):
        with hosts(turn, ON, OFF) as (crowded, beside):
            cost = {}
            for count in FLAT:
                doing(f"other ports, round {turn + 1} of {FLAT_ROUNDS}: {count}")
                crowded.attach(count - crowded.others)
                cost[count] = ratio(*zip(*((beside.run("ports", 1, "64")[0], crowded.run("ports", 1, "64")[0])
                                           for _ in range(FLAT_TURNS))))
                found.setdefault(count, []).append(cost[count] / cost[FLAT[0]])
    return found


def measure_elements():
    """{ports: µs}"""
    doing("elements")
    namespace = Namespace("elements")
    try:
        found = {}
        for _ in range(ELEMENT_ROUNDS):
            for line in namespace.run(GUARD, "elements", *map(str, ELEMENTS)).splitlines():
                count, p50, _ = line.split()
                found.setdefault(int(count), []).append(float(p50))
        return {count: statistics.median(took) for count, took in found.items()}
    finally:
        namespace.close()


# --- tables ---


def table(head, rows):
    doing("")
    print(f"| {' | '.join(head)} |")
    print("| --- |" + " ---: |" * (len(head) - 1))
    for row in rows:
        print(f"| {' | '.join(str(cell) for cell in row)} |")
    print(flush=True)


def rates(results, name):
    return [rate for rate, _, _ in results[name]]


def gbit(results, name):
    return statistics.median(rate * octets * 8 / 1e9 for rate, octets, _ in results[name])


def label(path, queues, kind):
    return f"{SAY[path]}, {queues} queue{'s' if queues > 1 else ''}, {SAY[kind]}"


def print_frames(found):
    names = [BARE, OFF, ON]
    rows = []
    for key, results in found.items():
        lost = max(loss for name in names for _, _, loss in results[name])
        shares = [ratio(rates(results, a), rates(results, b)) for a, b in ((OFF, BARE), (ON, BARE), (ON, OFF))]
        rows.append((label(*key), *(f"{statistics.median(rates(results, n)) / 1e3:.0f}" for n in names),
                     *(f"{gbit(results, n):.1f}" for n in names), *(f"{share:.3f}" for share in shares),
                     f"{lost * 100:.2f}"))
    table(("", *(f"k/s: {names[0]}", *names[1:]), *(f"Gbit/s: {names[0]}", *names[1:]), "off / bare", "on / bare",
           "on / off", "% lost, at worst"), rows)


def print_targets(found, flat, attach, elements):
    aims = []
    for (path, queues, kind), results in found.items():
        aims.append((f"on / off, {label(path, queues, kind)}", ratio(rates(results, ON), rates(results, OFF)),
                     0.9 if kind == "64" else 0.97, None, "×"))
    lost = max(loss for results in found.values() for of in results.values() for _, _, loss in of)
    aims.append(("frames lost, worst of all measurements", lost * 100, None, LOST * 100, "%"))
    for count in FLAT[1:]:
        aims.append((f"cost of a frame, {count} other ports / {FLAT[0]}", statistics.median(flat[count]), 0.95, 1.05, "×"))
    micros = " / ".join(f"{statistics.median(attach[name]):.0f}" for name in (ON, OFF, BARE))
    aims.append((f"attach, p50, on / off ({micros} µs on, off, bare)", ratio(attach[ON], attach[OFF]), None, 1.2, "×"))
    for count, took in elements.items():
        aims.append((f"elements of one attach, {count} ports", took, None, 50, "µs"))
    rows = []
    for what, value, least, most, unit in aims:
        reach = f"{least}–{most}" if least and most else f"≥ {least}" if least else f"≤ {most:g}"
        reached = (least is None or value >= least) and (most is None or value <= most)
        rows.append((what, f"{reach} {unit}", f"{value:.3f} {unit}" if unit == "×" else f"{value:.2f} {unit}",
                     "reached" if reached else "missed"))
    table(("netd, guard on", "to reach", "measured", ""), rows)


def measure():
    """Prints each table when it is complete."""
    found, attach = measure_rounds()
    print_frames(found)
    print_targets(found, measure_flat(), attach, measure_elements())
    doing("")
    print(f"Frames: medians of {ROUNDS} rounds of {MS} ms with hosts of their own; rates are those of the median batch "
          "of writes,\nand two queues are two threads. Lengths are those of the frame, but 1,500 B is the packet's. Again: "
          "make bench-guard.")


def main():
    enter_private(left_out=False)
    with contextlib.suppress(PermissionError):
        os.nice(-20)  # what else the machine does is not what is measured
    try:
        measure()
    except Failed as e:
        doing("")
        print(e, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

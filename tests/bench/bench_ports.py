#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Measures attach, detach and restart beside the kernel's floor and other programs, in one run, and prints tables."""

import json
import os
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# pylint: disable=wrong-import-position
from harness.daemon import BUILD, Daemon
from harness.namespaces import Host, enter_private

ROUNDS = int(os.environ.get("NETD_ROUNDS", "3"))
COUNT, WINDOW = 1000, 100
CLIENTS = 16
OTHERS = 50  # ports by programs that take milliseconds for one
KINDS = ("descriptors", "tap", "veth")
CONFIG = "network default { subnet = 10.64.0.1/20 dns = { 192.0.2.53 } }\n"
PORTS = os.path.join(BUILD, "tests", "bench", "ports")
HOLD = os.path.join(BUILD, "tests", "bench", "hold")
QEMU_HELPER = "/usr/lib/qemu/qemu-bridge-helper"
OUR_HELPER = os.path.join(BUILD, "netd", "netd-bridge-helper")
CNI = "/usr/lib/cni/bridge"
OUR_CNI = os.path.join(BUILD, "netd", "netd-cni")
CNI_CONFIG = {"cniVersion": "1.0.0", "name": "bench", "type": "bridge", "bridge": "benchcni",
              "ipam": {"type": "host-local", "subnet": "10.99.0.0/16"}}
TICKS = os.sysconf("SC_CLK_TCK")


def note(text):
    print(f"  {text}", file=sys.stderr, flush=True)


class Bench:
    """A daemon of its own for each measurement; its state on this machine's disk, or in memory."""

    def __init__(self, in_memory=False):
        self.host = Host()
        self.daemon = Daemon(self.host, CONFIG, start=False, debug=False)
        self.in_memory = in_memory

    def __enter__(self):
        os.makedirs(self.daemon.state)
        if self.in_memory:
            subprocess.run(["mount", "-t", "tmpfs", "tmpfs", self.daemon.state], check=True)
        self.daemon.start()
        return self

    def __exit__(self, *_):
        self.daemon.stop()
        if self.in_memory:
            subprocess.run(["umount", self.daemon.state], check=True)
        self.daemon.close()
        self.host.close()

    def ports(self, *argv, **environment):
        """What the program measures: {name: (p50, p99)}."""
        done = subprocess.run(self.host.ns.enter(PORTS, *map(str, argv)), capture_output=True, text=True, check=False,
                              env={**os.environ, **environment})
        if done.returncode:
            raise RuntimeError(f"ports {' '.join(map(str, argv))}: {done.stderr[-1000:]}")
        lines = [line.split() for line in done.stdout.splitlines()]
        return {name: (float(a), float(b)) for name, a, b in lines}


def measure_each(in_memory):
    result = {}
    for kind in KINDS:
        with Bench(in_memory) as b:
            result.update(b.ports("each", b.daemon.socket, kind, COUNT, WINDOW))
            result.update(b.ports("sync", b.daemon.state))
    return result


def measure_many():
    with Bench() as b:
        result = b.ports("many", b.daemon.socket, CLIENTS, COUNT)
    return {name: (rate, each) for name, (rate, each) in result.items()}


def measure_others():
    """What other programs take for the same, and ours that are called like them."""
    result = {}
    with Bench() as b:
        config = os.path.join(b.daemon.directory, "cni.json")
        result.update(b.ports("ip", OTHERS))
        result.update(named("qemu-helper", b.ports("helper", QEMU_HELPER, "benchbr", OTHERS)))
        result.update(named("netd-helper", b.ports("helper", OUR_HELPER, "default", OTHERS,
                                                   NETD_SOCKET=b.daemon.socket)))
        with open(config, "w", encoding="utf-8") as out:
            json.dump({**CNI_CONFIG, "ipam": {**CNI_CONFIG["ipam"], "dataDir": b.daemon.directory + "/cni"}}, out)
        result.update(named("cni-bridge", b.ports("cni", CNI, config, OTHERS)))
        with open(config, "w", encoding="utf-8") as out:
            json.dump({"cniVersion": "1.0.0", "name": "bench", "type": "netd-cni", "network": "default",
                       "socket": b.daemon.socket}, out)
        result.update(named("netd-cni", b.ports("cni", OUR_CNI, config, OTHERS)))
    return result


def named(name, result):
    return {f"{name}-{key.split('-', 1)[1]}": value for key, value in result.items()}


# --- restart ---


def seconds_of_cpu(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:")) / 1024


def adopted(daemon, since):
    """Seconds until the API says that all ports are there."""
    while True:
        try:
            if daemon.call("GetStatus")["attached"] == COUNT:
                return time.monotonic() - since
        except OSError:
            time.sleep(0.001)


def measure_restart():
    with Bench() as b:
        hold = b.host.ns.popen(HOLD, b.daemon.socket, str(COUNT), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert hold.stdout.readline() == "ready\n"
        pid = daemon_pid(b.daemon)
        megabytes, cpu, begin = resident(pid), seconds_of_cpu(pid), time.monotonic()
        time.sleep(20)
        idle = (seconds_of_cpu(pid) - cpu) / (time.monotonic() - begin)
        os.kill(pid, 9)
        b.daemon.process.wait()
        since = time.monotonic()
        hold.stdin.write("discover\n")
        hold.stdin.flush()
        b.daemon.start(wait=False)
        api = adopted(b.daemon, since)
        offer = float(hold.stdout.readline().split()[1]) / 1e6
        megabytes = max(megabytes, resident(daemon_pid(b.daemon)))
        hold.stdin.write("stop\n")
        hold.stdin.flush()
        _, sent, received = hold.stdout.readline().split()
        hold.wait()
    return {"api": api, "offer": offer, "lost": int(sent) - int(received), "sent": int(sent), "megabytes": megabytes,
            "idle": idle}


def daemon_pid(daemon):
    return daemon.process.pid  # nsenter has become it


# --- tables ---


def medians(rounds):
    return {key: tuple(statistics.median(r[key][i] for r in rounds) for i in (0, 1)) for key in rounds[0]}


def reached(good):
    return "reached" if good else "missed"


def print_each(disk, memory):
    sync = {True: memory["durable-write"][0], False: disk["durable-write"][0]}
    print(f"Microseconds, medians of {ROUNDS} rounds; {COUNT} ports one after the other, of which the first {WINDOW} and the "
          f"last. A durable write of one page: {sync[False]:.0f} on disk, {sync[True]:.0f} in memory.")
    print()
    print("| | ports | floor | netd | p99 | bound | netd / bound | | state in memory | netd / bound |")
    print("| --- | --- |" + " ---: |" * 5 + " --- | ---: | ---: |")
    for kind in KINDS:
        for what in ("attach", "detach"):
            for part in ("first", "last"):
                name = f"{kind}-{what}-{part}"
                floor, (p50, p99), in_memory = disk[f"floor-{name}"][0], disk[f"netd-{name}"], memory[f"netd-{name}"][0]
                bound = 1.5 * floor + sync[False]
                memory_bound = 1.5 * memory[f"floor-{name}"][0] + sync[True]
                print(f"| {kind}, {what} | {part} {WINDOW} | {floor:.0f} | {p50:.0f} | {p99:.0f} | {bound:.0f} | "
                      f"{p50 / bound:.2f} | {reached(p50 <= bound)} | {in_memory:.0f} | {in_memory / memory_bound:.2f} |")
    print()
    print("bound: 1.5 x floor and one durable write.")
    print()


def print_many(many):
    ratio = many["netd-many"][0] / many["floor-many"][0]
    print(f"{CLIENTS} clients at once: netd {many['netd-many'][0]:.0f} ports a second, floor {many['floor-many'][0]:.0f}: "
          f"{ratio:.2f} (to reach: 0.8; {reached(ratio >= 0.8)}).")
    print()


def print_others(others, disk):
    rows = (("`ip tuntap add`, `ip link set`", "ip", disk["netd-tap-attach-first"][0], "tap, by the socket"),
            ("qemu-bridge-helper", "qemu-helper", disk["netd-descriptors-attach-first"][0], "descriptors, by the socket"),
            ("qemu-bridge-helper", "qemu-helper", others["netd-helper-attach"][0], "netd-bridge-helper"),
            ("CNI bridge, host-local", "cni-bridge", disk["netd-veth-attach-first"][0], "veth, by the socket"),
            ("CNI bridge, host-local", "cni-bridge", others["netd-cni-attach"][0], "netd-cni"))
    print("| other | attach | detach | netd's | attach | other / netd |")
    print("| --- | ---: | ---: | --- | ---: | ---: |")
    for text, name, ours, what in rows:
        print(f"| {text} | {others[name + '-attach'][0]:.0f} | {others[name + '-detach'][0]:.0f} | {what} | {ours:.0f} | "
              f"{others[name + '-attach'][0] / ours:.1f} |")
    print()


def print_restart(rounds):
    worst = {key: max(r[key] for r in rounds) for key in rounds[0]}
    print(f"kill -9 and start again with {COUNT} ports, the worst of {ROUNDS}: all adopted after {worst['api']:.3f} s, the "
          f"last guest is offered its address after {worst['offer']:.3f} s (to reach: 0.5; "
          f"{reached(max(worst['api'], worst['offer']) <= 0.5)}); of a packet a millisecond from guest to guest "
          f"{worst['lost']} of {worst['sent']} lost ({reached(worst['lost'] <= 0)}). Resident: {worst['megabytes']:.1f} MB (24; "
          f"{reached(worst['megabytes'] <= 24)}). Idle: {100 * worst['idle']:.2f} % of a CPU (0.1; "
          f"{reached(worst['idle'] < 0.001)}).")


def main():
    enter_private()
    with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
        if " /etc/qemu " not in mounts.read():
            os.makedirs("/etc/qemu", exist_ok=True)
            subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/etc/qemu"], check=True)
    with open("/etc/qemu/bridge.conf", "w", encoding="ascii") as acl:
        acl.write("allow all\n")
    disk, memory, many, others, restart = [], [], [], [], []
    for i in range(ROUNDS):
        note(f"round {i + 1} of {ROUNDS}")
        disk.append(measure_each(False))
        memory.append(measure_each(True))
        many.append(measure_many())
        others.append(measure_others())
        restart.append(measure_restart())
    disk, memory = medians(disk), medians(memory)
    print_each(disk, memory)
    print_many(medians(many))
    print_others(medians(others), disk)
    print_restart(restart)
    return 0


if __name__ == "__main__":
    sys.exit(main())

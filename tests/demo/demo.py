#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Two QEMU guests get their network from netd, in front of the reader.

Everything happens in network namespaces made here, which end with this process: a host that runs netd with its built-in
network, and behind the host's uplink a namespace that stands for the internet.
"""

import concurrent.futures
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# pylint: disable=wrong-import-position
from harness.daemon import Daemon
from harness.guest import Guest
from harness.namespaces import DEADLINE, Failed, Host, enter_private
from harness.varlink import Error

FAR_PORT = 7
# The far side tells each caller under which address it sees it.
FAR_SERVER = f"""
import socket
s = socket.create_server(("{Host.INTERNET_ADDRESS}", {FAR_PORT}))
print("ready", flush=True)
while True:
    c, peer = s.accept()
    c.sendall((peer[0] + "\\n").encode())
    c.close()
"""


class Screen:
    """Lines with the time since the begin in front; what fails is remembered."""

    def __init__(self):
        self.begin = time.monotonic()
        self.failures = []

    def say(self, text, who="host"):
        print(f"{time.monotonic() - self.begin:5.1f} s  {who:<4}  {text}", flush=True)

    def check(self, good, text, who):
        if not good:
            self.failures.append(f"{who}: {text}")
        self.say(text if good else f"FAILED: {text}", who)


class Actor:
    """One guest and what the reader is to see of it."""

    def __init__(self, screen, daemon, name):
        self.screen, self.daemon, self.name = screen, daemon, name
        self.said = os.path.join(daemon.directory, f"run-{name}")
        with open(self.said, "wb") as log:
            self.guest = Guest(daemon.socket, daemon.directory, name, stderr=log)
        self.wait("attached")
        self.port = daemon.guests()[f"{name}/0"]
        self.address = self.port["addresses"][0].split("/")[0]
        with open(self.said, encoding="utf-8") as log:
            screen.say(log.readline().strip(), name)

    def wait(self, what):
        """Waits for what only a VMM that runs can bring about."""
        for _ in range(DEADLINE):
            try:
                return self.daemon.call("Wait", guest=self.name, **{"for": what, "timeoutSeconds": 1})
            except Error as e:
                if e.name != "io.netd.TimedOut":
                    raise
            if self.guest.process.poll() is not None:
                with open(self.said, encoding="utf-8") as log:
                    raise Failed(f"{self.name}: the VMM has ended: {log.read().strip()}")
        raise Failed(f"{self.name}: not {what} within {DEADLINE} s")

    def boot(self):
        self.guest.wait_ready()
        self.screen.say("has booted", self.name)

    def get_address(self):
        lease = self.guest.lease()
        self.wait("bound")
        event = next(e for e in iter(self.events.next, None)
                     if e["event"] == "lease-bound" and e["guest"] == self.name)
        self.screen.check(lease["ip"] == self.address and lease["serverid"] == self.port["gateway"],
                          f"DHCP: {lease['ip']}/{lease['mask']} for {lease['lease']} s, given by {lease['serverid']} "
                          f"(netd); DISCOVER to ACK {event['exchangeMicroseconds'] / 1000:.1f} ms", self.name)

    def listen(self):
        self.events = self.daemon.watch(since=1)

    def use_network(self, peer):
        guest, check = self.guest, self.screen.check
        check(guest.ping(self.port["gateway"]), f"pings its gateway {self.port['gateway']}", self.name)
        check(guest.ping(peer), f"pings the other guest, {peer}", self.name)
        check(guest.ping(Host.INTERNET_ADDRESS), f"pings the internet, {Host.INTERNET_ADDRESS}", self.name)
        code, seen = guest.run(f"nc {Host.INTERNET_ADDRESS} {FAR_PORT} </dev/null", check=False)
        check(code == 0 and seen.strip() == Host.UPLINK_ADDRESS,
              f"talks to the internet through NAT: the far side saw {seen.strip() or 'nothing'}", self.name)


def together(screen, actors, step):
    """Runs a step of every guest side by side; says what failed."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for actor, done in [(a, pool.submit(step, a)) for a in actors]:
            try:
                done.result()
            except (Error, Failed, KeyError, OSError, StopIteration) as e:
                screen.check(False, str(e), actor.name)
    return not screen.failures


def play(screen, daemon):
    network = daemon.call("GetStatus")["networks"][0]
    screen.say(f"netd serves its built-in network {network['name']}: {network['mode']}, {network['subnet']} on bridge "
               f"{network['bridge']}")
    screen.say("netdctl run web1 -- qemu-system-x86_64 …; netdctl run web2 -- qemu-system-x86_64 …")
    actors = [Actor(screen, daemon, name) for name in ("web1", "web2")]
    peer = {actors[0]: actors[1].address, actors[1]: actors[0].address}
    try:
        for actor in actors:
            actor.listen()
        if together(screen, actors, Actor.boot) and together(screen, actors, Actor.get_address):
            together(screen, actors, lambda a: a.use_network(peer[a]))
        print(daemon.ctl("guests")[1], end="", flush=True)
    finally:
        for actor in actors:
            actor.guest.close()
            actor.events.close()
    for actor in actors:
        actor.wait("gone")
    screen.say("both guests have ended, and their devices with them")


def main():
    enter_private(left_out=False)
    screen = Screen()
    host = Host()
    far = host.internet.popen(sys.executable, "-c", FAR_SERVER, stdout=subprocess.PIPE)
    far.stdout.readline()
    daemon = Daemon(host, config=None)
    try:
        play(screen, daemon)
    except (Error, Failed, OSError) as e:
        screen.check(False, str(e), "host")
    finally:
        daemon.close()
        far.kill()
        far.wait()
        far.stdout.close()
        host.close()
    if screen.failures:
        print(f"FAILED: {len(screen.failures)} of what the guests should be able to do: {screen.failures[0]}")
        return 1
    print("OK: both guests have their addresses, reach their gateway and each other, and reach the internet through NAT.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

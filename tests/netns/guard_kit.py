# SPDX-License-Identifier: GPL-2.0-or-later
"""The stage on which a guest attacks its neighbour, and the judgement of what came of it.

A test describes an attack by its frames, the reason for which they have to be held back, and what they would do to the
victim. It is played with guard = on; subclasses play the same with guard = off, where it has to succeed: so it is seen
that the checks can fail.
"""

import re
import socket
import subprocess
import sys
import time

from support import NetnsTest

from harness import frames
from harness.daemon import CONFIG
from harness.namespaces import DEADLINE, Failed

GATEWAY, OUTSIDE = "10.77.0.1", "203.0.113.7"
STRANGER = "52:54:00:00:00:77"


class Station:
    """A guest with its address in use, as the attacker, the victim, or one that they both know."""

    def __init__(self, test, name, *options, lease=True):
        self.name, self.daemon = name, test.netd
        self.vmm = test.vmm(test.netd, name, *options)
        self.port = port = test.netd.guests()[f"{name}/0"]
        self.mac, self.interface = port["mac"], port["interface"]
        self.address = port["addresses"][0].split("/")[0]
        self.link_local = frames.link_local(self.mac)
        if lease:
            self.vmm.udhcpc()
        else:
            self.vmm.run("ip", "addr", "add", port["addresses"][0], "dev", "eth0")
            self.vmm.run("ip", "route", "add", "default", "via", GATEWAY)
        self.wire = frames.Sniffer(self.vmm)
        test.addCleanup(self.wire.close)
        # It believes at once what it is told, so that an attack that gets through is seen to.
        self.vmm.run("sysctl", "-q", "net.ipv4.neigh.eth0.locktime=0", "net.ipv4.conf.all.accept_redirects=1",
                     "net.ipv4.conf.eth0.accept_redirects=1")

    def send(self, *many):
        for frame in many:
            self.wire.send(frame)

    def packet(self, to, source, payload, **more):
        """An IPv4 packet from this MAC to another station's; more: as for frames.ipv4."""
        return frames.ethernet(self.mac, to.mac, frames.IPV4, frames.ipv4(source, to.address, frames.UDP, payload, **more))

    def ipv6_at_once(self):
        """The link-local address can be used without waiting for duplicate address detection."""
        self.vmm.run("sysctl", "-q", "net.ipv6.conf.eth0.disable_ipv6=1")
        self.vmm.run("sysctl", "-q", "net.ipv6.conf.eth0.accept_dad=0")
        self.vmm.run("sysctl", "-q", "net.ipv6.conf.eth0.disable_ipv6=0")
        self.ready6()

    def ready6(self):
        """Its addresses are there, and none is tentative; the kernel tells of that by no file."""
        end = time.monotonic() + DEADLINE
        while re.search(r"\A\Z|tentative", self.vmm.run("ip", "-6", "addr", "show", "dev", "eth0").strip()):
            if time.monotonic() > end:
                raise Failed(f"{self.name} has no IPv6 address")

    def neighbour(self, address):
        """The MAC that this station believes an address to have; None: it knows of none."""
        said = self.vmm.run("ip", "neigh", "show", address, "dev", "eth0")
        found = re.search(r"lladdr (\S+)", said)
        return found and found[1]

    def drops(self):
        return {k: n for k, n in self.daemon.guests()[f"{self.name}/0"]["guard"]["drops"].items() if n}


class GuardTest(NetnsTest):
    """GUARD: the mode. MORE: further lines of the network's block. LEASE: stations get their addresses by DHCP."""

    GUARD = "on"
    MORE = ""
    LEASE = True

    def setUp(self):
        super().setUp()
        self.marks = 0
        # Where the kernel has br_netfilter it would put fragments together, and look into headers itself.
        self.host.ns.run("sh", "-c", "for call in /proc/sys/net/bridge/bridge-nf-call-*; do echo 0 >$call; done", check=False)
        self.netd = self.daemon(self.config())
        self.attacker = self.station("attacker")
        self.victim = self.station("victim")
        self.watch = self.netd.watch()
        self.addCleanup(self.watch.close)
        self.told = set()

    def config(self, guard=None):
        return CONFIG.replace("domain", f"guard = {guard or self.GUARD}\n\t{self.MORE}\n\tdomain")

    def station(self, name, *options, lease=None):
        return Station(self, name, *options, lease=self.LEASE if lease is None else lease)

    # --- what came ---

    def marker(self, sender, receiver):
        """A frame that sender may send, unlike all before, and that receiver's kernel makes nothing of.

        To everybody: it comes even when the bridge believes the receiver elsewhere."""
        self.marks += 1
        reply = frames.icmp(frames.ECHO_REPLY, 0, b"\x6d\x6b" + self.marks.to_bytes(2, "big"))
        return frames.ethernet(sender.mac, frames.BROADCAST, frames.IPV4,
                               frames.ipv4(sender.address, receiver.address, frames.ICMP, reply))

    def seen(self, sender, receiver):
        """What came to receiver, up to all that sender has sent so far."""
        marker = self.marker(sender, receiver)
        sender.send(marker)
        seen = receiver.wire.until(marker)
        self.assertEqual(receiver.wire.lost(), 0, "the test itself did not keep up")
        return seen

    def forwarding(self):
        """{MAC: the interfaces that the bridge has learnt it to be behind}."""
        entries = {}
        for entry in self.host.ns.json("bridge", "-j", "fdb", "show", "br", "nd-default"):
            if entry.get("state") == "permanent":
                continue
            entries.setdefault(entry["mac"], set()).add(entry["ifname"])
        return entries

    # --- the judgement ---

    def attack(self, reason, sent, harmed=None, off="harm", counted=None, told=True, receiver=None):
        """Plays it, and judges.

        reason: the one, or those of which one applies to each frame. harmed: whether the victim believes it. off: what
        happens without a guard: "harm", "seen" where this victim knows how to look after itself, and "nothing" where
        something else than the guard is in the way, too. counted: how many frames, where that is not all of them; a
        function that judges the number.
        """
        reasons = (reason,) if isinstance(reason, str) else reason
        receiver = receiver or self.victim
        before, innocent = self.attacker.drops(), self.victim.drops()
        self.seen(self.attacker, receiver)
        self.attacker.send(*sent)
        seen = self.seen(self.attacker, receiver)
        came = [frame for frame in sent if frame in seen]
        if self.GUARD == "on":
            self.assertEqual([frame.hex() for frame in came], [], "the victim saw this")
            if harmed:
                self.assertFalse(harmed(), "the victim believes it")
        elif off == "nothing":
            self.assertEqual(came, [])
        else:
            self.assertEqual([f.hex() for f in came], [f.hex() for f in sent], "this was to come through")
            if harmed and off == "harm":
                self.until(harmed)
        if self.GUARD == "off":
            self.assertEqual((self.attacker.drops(), self.victim.drops()), (before, innocent), "what is off counts nothing")
            return
        after = self.attacker.drops()
        changed = {k: n - before.get(k, 0) for k, n in after.items() if n != before.get(k, 0)}
        self.assertLessEqual(set(changed), set(reasons), changed)
        self.assertEqual(sum(changed.values()), len(sent) if counted is None else counted)
        self.assertEqual(self.victim.drops(), innocent, "nobody else pays for it")
        if told and changed and not set(changed) & self.told:
            self.expect_event(set(changed))
            self.told |= set(changed)
        if self.GUARD == "on":
            self.assertTrue(self.victim.vmm.ping(GATEWAY), "the victim's own traffic")

    def expect_event(self, reasons):
        event = self.watch.until("spoof")
        self.assertEqual((event["network"], event["guest"], event["nic"], event["interface"]),
                         ("default", self.attacker.name, 0, self.attacker.interface))
        self.assertTrue(any(re.search(rf"(?<![\w-]){reason}(?![\w-])", event["detail"]) for reason in reasons), event)
        self.assertNotIn("\n", event["detail"])
        return event

    def passes(self, *sent, sender=None, receiver=None):
        """What is a guest's right: all of it comes, and nothing is counted."""
        sender, receiver = sender or self.attacker, receiver or self.victim
        before = sender.drops()
        sender.send(*sent)
        seen = self.seen(sender, receiver)
        self.assertEqual([f.hex() for f in sent if f not in seen], [], "these did not come")
        self.assertEqual(sender.drops(), before)

    def in_vain(self, sent, sender=None, receiver=None):
        """It does not come; nothing is said of what counts it."""
        sender, receiver = sender or self.attacker, receiver or self.victim
        sender.send(*sent)
        seen = self.seen(sender, receiver)
        self.assertEqual([f.hex() for f in sent if f in seen], [], "the victim saw this")



# Runs in the guest's namespace: hands its UDP socket, bound to a port, to whoever started it.
UDP_OPENER = """
import socket, sys
s = socket.socket(getattr(socket, sys.argv[1]), socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind((sys.argv[3], int(sys.argv[2])))
socket.send_fds(socket.socket(fileno=0), [b"x"], [s.fileno()])
"""


def udp_socket(place, port, family="AF_INET", address=""):
    """A UDP socket in a guest or namespace, for what reaches its programs."""
    ours, theirs = socket.socketpair()
    with theirs:
        subprocess.run(place.enter(sys.executable, "-c", UDP_OPENER, family, str(port), address), stdin=theirs, check=True,
                       timeout=DEADLINE)
    _, fds, _, _ = socket.recv_fds(ours, 1, 1)
    ours.close()
    s = socket.socket(fileno=fds[0])
    s.settimeout(DEADLINE)
    return s

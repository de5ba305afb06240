#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest that sends too much costs itself only: its neighbours see little of it, and netd goes on."""

import os
import unittest

from guard_kit import GATEWAY, OUTSIDE, GuardTest, udp_socket

from harness import arp, dhcp, frames
from harness.frames import frame6

FRAMES = int(os.environ.get("NETD_FLOOD", "10000"))
BATCH = 250  # less than the queue of a guest's card holds


class FloodTest(GuardTest):
    def flood(self, many, wanted):
        """Sends them all; how many of those that are wanted the victim saw. In between it goes about its business."""
        came, sent = 0, 0
        for frame in many:
            self.attacker.send(frame)
            sent += 1
            if sent % BATCH == 0:
                came += sum(wanted(seen) for seen in self.seen(self.attacker, self.victim))
            if sent % (FRAMES // 4) == 0:
                self.victim.vmm.run("ip", "neigh", "flush", "dev", "eth0")
                self.assertTrue(self.victim.vmm.ping(GATEWAY))
        return came + sum(wanted(seen) for seen in self.seen(self.attacker, self.victim))

    def from_attacker(self, ethertype):
        head = dhcp.mac_octets(self.attacker.mac) + ethertype.to_bytes(2, "big")
        return lambda frame: frame[6:14] == head

    def lost(self):
        """Packets that found no room in a netlink socket, such as the one by which netd is told."""
        return sum(int(line.split()[8]) for line in self.host.ns.run("cat", "/proc/net/netlink").splitlines()[1:])

    def resident(self):
        with open(f"/proc/{self.netd.process.pid}/status", encoding="utf-8") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))

    def events_until_detached(self):
        """All events up to that of a guest that is detached now."""
        self.netd.ctl("detach", "victim")
        events = [self.watch.next()]
        while events[-1]["event"] != "detached":
            events.append(self.watch.next())
        return events

    def serves(self):
        """The victim's requests are answered, and so are those of a guest that comes now."""
        self.assertEqual(self.victim.vmm.udhcpc()["ip"], self.victim.address)
        late = self.station("late")
        self.assertTrue(late.vmm.ping(OUTSIDE))
        self.assertTrue(late.vmm.ping(self.victim.address))


class Bounded(FloodTest):
    """What each guest may send, but not so much of it."""

    def test_arp(self):
        mac, address = self.attacker.mac, self.attacker.address
        came = self.flood((arp.frame(arp.REQUEST, mac, address, f"10.77.{n >> 8 & 255}.{n & 255}") for n in range(FRAMES)),
                          self.from_attacker(frames.ARP))
        print(f"of {FRAMES} ARP requests {came} came")
        if self.GUARD == "off":
            self.assertGreaterEqual(came, FRAMES)
            return
        self.assertGreater(came, 0)
        self.assertLess(came, FRAMES / 4)
        self.assertEqual(set(self.attacker.drops()), {"arp-rate"})
        self.assertGreaterEqual(self.attacker.drops()["arp-rate"], FRAMES - came)
        self.assertEqual(self.victim.drops(), {})
        self.expect_event({"arp-rate"})
        self.serves()
        self.assertEqual(self.lost(), 0)
        self.assertEqual([e for e in self.events_until_detached() if e["event"] == "spoof"], [], "told of once")

    def test_nd(self):
        for station in (self.attacker, self.victim):
            station.ipv6_at_once()
        mac, source = self.attacker.mac, self.attacker.link_local
        came = self.flood((frame6(mac, frames.ns(source, f"fe80::5054:ff:{n:x}:1", mac=mac)) for n in range(FRAMES)),
                          self.from_attacker(frames.IPV6))
        print(f"of {FRAMES} neighbour solicitations {came} came")
        if self.GUARD == "off":
            self.assertGreaterEqual(came, FRAMES)
            return
        self.assertGreater(came, 0)
        self.assertLess(came, FRAMES / 4)
        self.assertEqual(set(self.attacker.drops()), {"nd-rate"})
        self.assertEqual(self.victim.drops(), {})
        self.expect_event({"nd-rate"})
        other = self.station("other")
        other.ipv6_at_once()
        self.assertTrue(self.victim.vmm.ok("ping", "-6", "-c", "1", "-W", "10", f"{other.link_local}%eth0"))
        self.serves()

    def test_a_little_is_not_too_much(self):
        """A guest that starts, and asks for all of its neighbours at once."""
        mac, address = self.attacker.mac, self.attacker.address
        self.passes(arp.probe(mac, address), arp.probe(mac, address), arp.announcement(mac, address),
                    *[arp.frame(arp.REQUEST, mac, address, f"10.77.0.{n}") for n in range(2, 34)])

    def test_own_arp_afterwards(self):
        """The flood over, the attacker is heard again."""
        if self.GUARD == "off":
            return
        mac, address = self.attacker.mac, self.attacker.address
        self.flood((arp.frame(arp.REQUEST, mac, address, "10.77.0.66") for _ in range(FRAMES // 10)),
                   self.from_attacker(frames.ARP))
        self.victim.vmm.run("ip", "neigh", "flush", "dev", "eth0")
        self.until(lambda: self.victim.vmm.ok("ping", "-c", "1", "-W", "1", address))


class BoundedOff(Bounded):
    GUARD = "off"


class Spoofs(FloodTest):
    """What no guest may send, in numbers: counted to the last, told of once, and nothing fills up."""

    def spoofs(self, kind):
        me, them = self.attacker, self.victim
        udp = frames.udp(GATEWAY, them.address, 40000, 9, b"x")
        for n in range(FRAMES):
            other = f"52:54:01:00:{n >> 8 & 255:02x}:{n & 255:02x}"
            address = f"10.77.{n >> 8 & 255}.{n & 255 or 1}"
            if kind == "mac":
                yield frames.ethernet(other, them.mac, frames.IPV4, frames.ipv4(GATEWAY, them.address, frames.UDP, udp))
            elif kind == "ip":
                source = address if address not in (me.address, "10.77.0.0") else OUTSIDE
                yield frames.ethernet(me.mac, them.mac, frames.IPV4, frames.ipv4(source, them.address, frames.UDP, udp))
            elif kind == "arp":
                yield frames.arp(arp.REPLY, me.mac, other, address, them.mac, them.address)
            elif kind == "vlan":
                yield frames.ethernet(me.mac, them.mac, frames.ARP, b"x" * 46, [(frames.VLAN, n % 4096)])
            else:
                yield frames.ethernet(me.mac, them.mac, 0x88B5 + n % 16, b"x" * 46)

    def test_each(self):
        before, forwarding = self.resident(), len(self.forwarding())
        kinds = ("mac", "ip", "arp", "vlan", "ethertype")
        for kind in kinds:
            came = self.flood(self.spoofs(kind), lambda frame: frame[6:12] != dhcp.mac_octets(self.attacker.mac) and
                              frame[6:9] == b"\x52\x54\x01")
            self.assertEqual(came, 0)
        drops = self.attacker.drops()
        self.assertLessEqual(set(drops), {*kinds, "arp-rate"})
        self.assertEqual({k: n for k, n in drops.items() if k not in ("arp", "arp-rate")},
                         {k: FRAMES for k in kinds if k != "arp"})
        self.assertEqual(drops.get("arp", 0) + drops.get("arp-rate", 0), FRAMES)
        self.assertEqual(self.victim.drops(), {})
        self.assertEqual(len(self.forwarding()), forwarding, "the bridge has learnt nothing")
        self.serves()
        self.assertEqual(self.lost(), 0)
        self.assertLess(self.resident() - before, 1024)
        self.assertLess(len(self.netd.logged().splitlines()), 100)
        told = [event["detail"] for event in self.events_until_detached() if event["event"] == "spoof"]
        self.assertLessEqual(len(told), 2 * len(kinds), told)
        self.assertGreaterEqual(len(told), len(kinds) - 1, told)

    def test_dhcp(self):
        """Requests of cards that nobody has, and of some that others have: own MAC, and forged ones."""
        before, kept = self.resident(), self.netd.ctl_json("leases")
        for n in range(FRAMES):
            card = f"52:54:02:00:{n >> 8 & 255:02x}:{n & 255:02x}"
            payload = dhcp.message(mac=card if n % 3 else self.victim.mac, options=[(53, b"\x01")])
            self.attacker.send(dhcp.frame(payload, mac=self.attacker.mac if n % 2 else card))
            if n % BATCH == 0:
                self.seen(self.attacker, self.victim)
        self.seen(self.attacker, self.victim)
        self.serves()
        self.assertEqual(self.lost(), 0)
        self.assertLess(self.resident() - before, 1024)
        known = {row["address"]: row["guest"] for row in self.netd.ctl_json("leases")}
        self.assertLessEqual({row["address"]: row["guest"] for row in kept}.items(), known.items())
        self.assertEqual(set(known.values()), {"attacker", "victim", "late"})
        self.assertEqual(self.victim.drops(), {})


class Connections(FloodTest):
    """More connections than the host can keep track of (NETD_CONNECTIONS), by a guest that may have so many."""

    MORE = "max-connections = 1000"
    CAP = 1000
    TRIED = int(os.environ.get("NETD_CONNECTIONS", "100000"))
    BESIDE = 64  # what the victim, the host and its neighbours have

    def tracked(self):
        return int(self.host.ns.run("cat", "/proc/sys/net/netfilter/nf_conntrack_count"))

    def spray(self):
        """Datagrams that have nothing in common but where they go."""
        bridge = self.netd.call("ListNetworks")["networks"][0]["bridgeMac"]
        source = self.attacker.address
        for n in range(self.TRIED):
            datagram = frames.udp(source, OUTSIDE, 1024 + n % 60000, 10000 + n // 60000, b"x")
            yield frames.ethernet(self.attacker.mac, bridge, frames.IPV4, frames.ipv4(source, OUTSIDE, frames.UDP, datagram))

    def test_udp(self):
        self.host.internet.run("sysctl", "-q", "net.ipv4.icmp_ratelimit=0")
        self.assertTrue(self.attacker.vmm.ping(OUTSIDE))
        self.flood(self.spray(), lambda frame: False)
        tracked = self.tracked()
        print(f"{self.TRIED} connections tried, {tracked} tracked")
        if self.CAP:
            self.assertLessEqual(tracked, self.CAP + self.BESIDE)
        else:
            self.assertGreater(tracked, 2000)
        self.assertTrue(self.victim.vmm.ping(OUTSIDE))
        self.assertTrue(self.station("late").vmm.ping(OUTSIDE))
        self.serves_others()
        self.assertEqual(self.attacker.drops(), {}, "there is nothing forged")

    def serves_others(self):
        """A new connection of the victim's, to a program outside and back."""
        with udp_socket(self.host.internet, 9, address=OUTSIDE) as heard, udp_socket(self.victim.vmm, 9009) as asks:
            asks.sendto(b"victim", (OUTSIDE, 9))
            text, sender = heard.recvfrom(100)
            while text != b"victim":
                text, sender = heard.recvfrom(100)
            heard.sendto(b"answer", sender)
            self.assertEqual(asks.recv(100), b"answer")


class ConnectionsUncapped(Connections):
    """So it is seen that they are all tracked where nobody says otherwise."""

    MORE = "max-connections = 0"
    CAP = 0
    TRIED = 5000


if __name__ == "__main__":
    unittest.main()

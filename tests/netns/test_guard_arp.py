#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest that lies by ARP: about the gateway, about its neighbours, and about itself."""

import struct
import unittest

from guard_kit import GATEWAY, OUTSIDE, STRANGER, GuardTest

from harness import arp, frames
from harness.dhcp import ip, mac_octets


class Arp(GuardTest):
    def believes(self, address=GATEWAY, mac=None):
        """Whether the victim sends to the attacker, or another, what is for the gateway or another."""
        return lambda: self.victim.neighbour(address) == (mac or self.attacker.mac)

    def known(self, *addresses):
        """The victim knows these, rightly."""
        for address in addresses:
            self.assertTrue(self.victim.vmm.ping(address))
            self.assertNotIn(self.victim.neighbour(address), (None, self.attacker.mac))

    def frame(self, operation, sender, source=None, sender_mac=None, destination=None, **more):
        """From the attacker to the victim."""
        mac = self.attacker.mac
        return frames.arp(operation, source or mac, sender_mac or mac, sender, self.victim.mac, self.victim.address,
                          destination=destination or self.victim.mac, **more)

    def test_own(self):
        """What it says of itself, and asks for: probe, announcement, request, reply."""
        mac, address = self.attacker.mac, self.attacker.address
        self.passes(arp.probe(mac, address), arp.announcement(mac, address), arp.frame(arp.REPLY, mac, address, address),
                    arp.frame(arp.REQUEST, mac, address, self.victim.address),
                    arp.frame(arp.REQUEST, mac, address, GATEWAY), arp.frame(arp.REQUEST, mac, address, "10.77.0.66"),
                    self.frame(arp.REPLY, address))
        self.until(self.believes(address))
        # The kernel's own, from an empty cache.
        for station, other in ((self.attacker, self.victim), (self.victim, self.attacker)):
            station.vmm.run("ip", "neigh", "flush", "dev", "eth0")
            self.assertTrue(station.vmm.ping(other.address))
            self.assertEqual(station.neighbour(other.address), other.mac)
        self.passes()

    def test_reply_for_the_gateway(self):
        self.known(GATEWAY)
        self.attack("arp", [self.frame(arp.REPLY, GATEWAY)], harmed=self.believes())

    def test_request_for_the_gateway(self):
        """Who asks is believed as well (RFC 826)."""
        self.known(GATEWAY)
        self.attack("arp", [self.frame(arp.REQUEST, GATEWAY)], harmed=self.believes())

    def test_gratuitous_for_the_gateway(self):
        self.known(GATEWAY)
        mac = self.attacker.mac
        self.attack("arp", [arp.announcement(mac, GATEWAY)], harmed=self.believes())
        self.attack("arp", [arp.frame(arp.REPLY, mac, GATEWAY, GATEWAY, target_mac=frames.BROADCAST)])
        self.known(*([GATEWAY] if self.GUARD == "on" else []))

    def test_gratuitous_for_a_neighbour(self):
        friend = self.station("friend")
        self.known(friend.address)
        self.attack("arp", [arp.announcement(self.attacker.mac, friend.address)], harmed=self.believes(friend.address))

    def test_gratuitous_for_the_victim(self):
        """As a machine that has the victim's own address: it would give it up (RFC 5227 2.4)."""
        mac, address = self.attacker.mac, self.victim.address
        self.attack("arp", [arp.announcement(mac, address), arp.frame(arp.REPLY, mac, address, address),
                            self.frame(arp.REPLY, address), self.frame(arp.REQUEST, address)])

    def test_probe_for_a_neighbour(self):
        """Whoever asks for an address that is being asked for takes it away (RFC 5227 2.1.1)."""
        self.attack("arp", [arp.probe(self.attacker.mac, self.victim.address), arp.probe(self.attacker.mac, GATEWAY),
                            arp.probe(self.attacker.mac, "10.77.0.66")])

    def test_denial_of_a_new_address(self):
        """The victim asks whether anybody has an address, and the attacker says so."""
        asked = arp.probe(self.victim.mac, self.victim.address)
        self.passes(asked, sender=self.victim, receiver=self.attacker)
        self.attack("arp", [self.frame(arp.REPLY, self.victim.address),
                            frames.arp(arp.REPLY, self.attacker.mac, self.attacker.mac, self.victim.address,
                                       self.victim.mac, "0.0.0.0", destination=self.victim.mac)])

    def test_sender_that_is_not_the_source(self):
        """The frame is from the attacker, and in it stands somebody else; and the other way round."""
        self.known(GATEWAY)
        mac, address = self.attacker.mac, self.attacker.address
        self.attack("arp", [self.frame(arp.REPLY, GATEWAY, sender_mac=STRANGER)], harmed=self.believes(mac=STRANGER))
        self.attack("arp", [self.frame(arp.REPLY, address, sender_mac=STRANGER),
                            self.frame(arp.REQUEST, address, sender_mac=STRANGER),
                            self.frame(arp.REQUEST, address, sender_mac=frames.NOBODY),
                            self.frame(arp.REPLY, "0.0.0.0"),
                            frames.arp(arp.REQUEST, mac, STRANGER, "0.0.0.0", frames.NOBODY, address)])
        self.attack("mac", [self.frame(arp.REPLY, address, source=STRANGER),
                            self.frame(arp.REPLY, GATEWAY, source="52:54:00:00:00:78", sender_mac=mac)])
        self.attack(("mac", "arp"), [self.frame(arp.REPLY, GATEWAY, source=STRANGER, sender_mac=STRANGER)])

    def test_to_the_gateway(self):
        """Lies that are for the host: who it is that has the victim's address."""
        self.assertTrue(self.victim.vmm.ping(GATEWAY))
        bridge = self.netd.call("ListNetworks")["networks"][0]["bridgeMac"]
        for operation in (arp.REPLY, arp.REQUEST):
            self.attacker.send(frames.arp(operation, self.attacker.mac, self.attacker.mac, self.victim.address, bridge,
                                          GATEWAY, destination=bridge))
        self.seen(self.attacker, self.victim)
        neighbour = self.host.ns.run("ip", "neigh", "show", self.victim.address)
        self.assertIn(self.attacker.mac if self.GUARD != "on" else self.victim.mac, neighbour)
        if self.GUARD == "on":
            self.assertEqual(self.attacker.drops(), {"arp": 2})
            self.assertTrue(self.victim.vmm.ping(OUTSIDE))

    def test_malformed(self):
        """No two readers agree on what is in these, and an honest machine sends none."""
        address = self.attacker.address
        whole = self.frame(arp.REPLY, GATEWAY)
        sent = [self.frame(arp.REPLY, GATEWAY, sizes=(8, 4)), self.frame(arp.REPLY, GATEWAY, sizes=(6, 16)),
                self.frame(arp.REPLY, GATEWAY, sizes=(0, 0)), self.frame(arp.REPLY, GATEWAY, sizes=(255, 255)),
                self.frame(arp.REPLY, GATEWAY, hardware=6), self.frame(arp.REPLY, GATEWAY, protocol=frames.IPV6),
                self.frame(arp.REPLY, address, sizes=(8, 4)), self.frame(arp.REPLY, address, protocol=0x1000),
                whole[:-1], whole[:-4], whole[:32], whole[:28], whole[:22], whole[:21], whole[:14]]
        self.attack("arp", sent)

    def test_other_operations(self):
        """RARP's and InARP's, with a forged sender."""
        self.attack("arp", [self.frame(operation, GATEWAY) for operation in (0, 3, 4, 8, 9, 0xFFFF)])
        self.attack("ethertype", [frames.ethernet(self.attacker.mac, frames.BROADCAST, 0x8035,
                                                  struct.pack("!HHBBH", 1, 0x0800, 6, 4, 3) +
                                                  mac_octets(self.attacker.mac) + ip("0.0.0.0") +
                                                  mac_octets(self.victim.mac) + ip("0.0.0.0"))])

    def test_padded(self):
        """Behind an ARP packet anything may follow (RFC 1042: padding); in front of it is what counts."""
        self.passes(self.frame(arp.REPLY, self.attacker.address) + bytes(18))
        self.known(GATEWAY)
        self.attack("arp", [self.frame(arp.REPLY, GATEWAY) + self.frame(arp.REPLY, self.attacker.address)[14:]],
                    harmed=self.believes())


class ArpOff(Arp):
    GUARD = "off"


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest that sends as somebody else: MAC and IPv4 sources, tags, other protocols, fragments, redirects."""

import unittest

from guard_kit import GATEWAY, OUTSIDE, STRANGER, GuardTest, udp_socket

from harness import arp, dhcp, frames


class Identity(GuardTest):
    def datagram(self, mac, source, destination=None, destination_mac=None, text=b"who?"):
        to, to_mac = destination or self.victim.address, destination_mac or self.victim.mac
        return frames.ethernet(mac, to_mac, frames.IPV4,
                               frames.ipv4(source, to, frames.UDP, frames.udp(source, to, 40000, 9, text)))

    def test_own(self):
        """Its own address, to one and to all, and what it says of itself."""
        mac, address = self.attacker.mac, self.attacker.address
        self.passes(self.datagram(mac, address), self.datagram(mac, address, "10.77.0.255", frames.BROADCAST),
                    self.datagram(mac, address, "224.0.0.251", "01:00:5e:00:00:fb"))
        self.assertTrue(self.attacker.vmm.ping(GATEWAY))
        self.assertTrue(self.attacker.vmm.ping(self.victim.address))
        self.assertTrue(self.attacker.vmm.ping(OUTSIDE))
        self.assertTrue(self.victim.vmm.ping(self.attacker.address, size=1472))
        self.passes()

    def test_mac_of_nobody(self):
        self.attack("mac", [self.datagram(STRANGER, self.attacker.address), self.datagram(STRANGER, "10.77.0.66"),
                            self.datagram("52:54:00:00:00:78", "0.0.0.0", "255.255.255.255", frames.BROADCAST)],
                    harmed=lambda: self.attacker.interface in self.forwarding().get(STRANGER, ()))

    def test_mac_of_the_victim(self):
        """The bridge would send to the attacker what is the victim's."""
        self.assertEqual(self.forwarding()[self.victim.mac], {self.victim.interface})
        self.attack("mac", [self.datagram(self.victim.mac, self.victim.address, "255.255.255.255", frames.BROADCAST),
                            arp.announcement(self.victim.mac, self.victim.address)],
                    harmed=lambda: self.attacker.interface in self.forwarding()[self.victim.mac])

    def test_mac_of_the_bridge(self):
        """The bridge itself cannot be made to learn its own address elsewhere."""
        bridge = self.netd.call("ListNetworks")["networks"][0]["bridgeMac"]
        self.attack("mac", [self.datagram(bridge, GATEWAY), arp.announcement(bridge, GATEWAY)], off="seen")
        self.assertNotIn(self.attacker.interface, self.forwarding().get(bridge, ()))
        self.assertTrue(self.victim.vmm.ping(OUTSIDE))

    def test_mac_of_the_port(self):
        """The host's own end of the attacker's port, and of the victim's."""
        ends = ["fe" + station.mac[2:] for station in (self.attacker, self.victim)]
        self.attack("mac", [self.datagram(end, self.attacker.address) for end in ends])

    def test_mac_that_is_none(self):
        """Groups and nobody: the bridge itself takes no such source, and so nothing has to count it."""
        sent = [self.datagram(mac, self.attacker.address) for mac in ("01:00:5e:00:00:01", "33:33:00:00:00:01",
                                                                      frames.BROADCAST, frames.NOBODY)]
        self.attack("mac", sent, off="nothing", counted=0, told=False)
        for mac in ("01:00:5e:00:00:01", frames.NOBODY):
            self.assertNotIn(self.attacker.interface, self.forwarding().get(mac, ()))

    def test_address_of_others(self):
        addresses = (self.victim.address, GATEWAY, OUTSIDE, "10.77.0.66", "127.0.0.1", "255.255.255.255", "224.0.0.1")
        self.attack("ip", [self.datagram(self.attacker.mac, address) for address in addresses])

    def test_address_that_a_program_would_hear(self):
        """Down to a socket of the victim's."""
        with udp_socket(self.victim.vmm, 9) as heard:
            heard.setblocking(False)
            self.attack("ip", [self.datagram(self.attacker.mac, GATEWAY)],
                        harmed=lambda: b"who?" in self.received(heard))
            self.passes(self.datagram(self.attacker.mac, self.attacker.address, text=b"me"))
            self.until(lambda: b"me" in self.received(heard))

    @staticmethod
    def received(sock):
        texts = []
        try:
            while True:
                texts.append(sock.recv(4096))
        except BlockingIOError:
            return texts

    def test_address_of_nobody(self):
        """The source that is none is for who has no address, and is not answered; so it is for DHCP only."""
        self.attack("ip", [self.datagram(self.attacker.mac, "0.0.0.0"),
                           self.datagram(self.attacker.mac, "0.0.0.0", "255.255.255.255", frames.BROADCAST)])

    def test_to_the_gateway_as_the_victim(self):
        """What would be charged to the victim, by the host and outside."""
        bridge = self.netd.call("ListNetworks")["networks"][0]["bridgeMac"]
        before = self.attacker.drops() if self.GUARD == "on" else {}
        with udp_socket(self.host.internet, 9) as heard:
            heard.setblocking(False)
            self.attacker.send(self.datagram(self.attacker.mac, self.victim.address, OUTSIDE, bridge, b"forged"))
            self.attacker.send(self.datagram(self.attacker.mac, self.attacker.address, OUTSIDE, bridge, b"true"))
            texts = []
            self.until(lambda: texts.extend(self.received(heard)) or b"true" in texts)
        self.assertEqual(b"forged" in texts, self.GUARD != "on")
        if self.GUARD == "on":
            self.assertEqual(self.attacker.drops().get("ip", 0), before.get("ip", 0) + 1)

    def test_options(self):
        """IP options move the ports; they change nothing of who it is."""
        options = b"\x94\x04\0\0" + b"\x01" * 8
        own = frames.udp(self.attacker.address, self.victim.address, 40000, 9, b"x")
        self.passes(self.attacker.packet(self.victim, self.attacker.address, own, options=options))
        forged = frames.udp(GATEWAY, self.victim.address, 40000, 9, b"x")
        self.attack("ip", [self.attacker.packet(self.victim, GATEWAY, forged, options=options),
                           self.attacker.packet(self.victim, GATEWAY, forged, options=b"\x01" * 40)])

    def test_cut_short(self):
        """Frames that end where an address would be."""
        whole = frames.ipv4(GATEWAY, self.victim.address, frames.UDP, b"")
        sent = [frames.ethernet(self.attacker.mac, self.victim.mac, frames.IPV4, whole[:n]) for n in (0, 1, 12, 15, 19)]
        self.in_vain_or_seen("ip", sent)

    def in_vain_or_seen(self, reason, sent):
        """The kernel itself drops some of these; what it leaves, the guard does."""
        if self.GUARD == "on":
            before = self.attacker.drops()
            self.in_vain(sent)
            self.assertLessEqual({k for k, n in self.attacker.drops().items() if n != before.get(k, 0)}, {reason})
        self.assertTrue(self.victim.vmm.ping(GATEWAY))


class IdentityOff(Identity):
    GUARD = "off"


class Also(GuardTest):
    """Further addresses of a guest's first card."""

    MORE = "host attacker { also = { 10.77.0.100, 10.77.0.101 } }"

    def test_also(self):
        bridge = self.netd.call("ListNetworks")["networks"][0]["bridgeMac"]
        for address in ("10.77.0.100", "10.77.0.101"):
            self.passes(arp.announcement(self.attacker.mac, address), arp.probe(self.attacker.mac, address),
                        self.attacker.packet(self.victim, address, frames.udp(address, self.victim.address, 40000, 9, b"x")))
            self.attacker.vmm.run("ip", "addr", "add", f"{address}/24", "dev", "eth0")
            self.assertTrue(self.victim.vmm.ping(address))
            self.assertTrue(self.attacker.vmm.ok("ping", "-c", "1", "-W", "10", "-I", address, OUTSIDE))
        self.assertEqual(self.attacker.drops(), {})
        forged = "10.77.0.102"
        self.attack("ip", [self.attacker.packet(self.victim, forged,
                                                frames.udp(forged, self.victim.address, 40000, 9, b"x"))])
        self.attack("arp", [arp.announcement(self.attacker.mac, forged)])
        # They are the attacker's only, and its own address is not for others either.
        taken = self.victim.packet(self.attacker, "10.77.0.100",
                                   frames.udp("10.77.0.100", self.attacker.address, 40000, 9, b"x"))
        self.in_vain([taken, frames.ethernet(self.attacker.mac, bridge, frames.IPV4, b"\x45")], sender=self.victim,
                     receiver=self.attacker)
        self.assertEqual(self.victim.drops(), {"ip": 1, "mac": 1})


    def use(self, address):
        return self.attacker.packet(self.victim, address, frames.udp(address, self.victim.address, 40000, 9, b"x"))

    def test_also_of_a_live_port(self):
        """A reload gives an address, and takes one; the port stays as it is."""
        self.passes(self.use("10.77.0.100"), self.use("10.77.0.101"))
        self.netd.configure(self.config().replace("10.77.0.101", "10.77.0.103"))
        self.netd.ctl("reload")
        self.passes(self.use("10.77.0.100"), self.use("10.77.0.103"), self.use(self.attacker.address))
        self.attack("ip", [self.use("10.77.0.101")])
        self.netd.configure(self.config().replace(self.MORE, ""))
        self.netd.ctl("reload")
        self.passes(self.use(self.attacker.address))
        self.attack("ip", [self.use("10.77.0.100"), self.use("10.77.0.101"), self.use("10.77.0.103")])

    def test_also_after_a_restart(self):
        self.netd.kill()
        self.attacker.send(self.use("10.77.0.100"))
        self.assertIn(self.use("10.77.0.100"), self.seen(self.attacker, self.victim))
        self.netd.start()
        self.passes(self.use("10.77.0.100"), arp.announcement(self.attacker.mac, "10.77.0.101"))
        self.in_vain([self.use("10.77.0.102")])

    def test_also_is_for_nobody_else(self):
        """What is given this way is not given by DHCP, nor to those who ask for it by name."""
        for asked in ("10.77.0.100", "10.77.0.101"):
            said = self.netd.ctl("attach", "other", "--address", asked, check=False)
            self.assertEqual(said[0], 1)
            self.assertIn("also", said[2])
            self.assertNotEqual(self.victim.vmm.udhcpc("-r", asked)["ip"], asked)
        full = self.config().replace(self.MORE, f"range = {{ 10.77.0.98-10.77.0.102 }} {self.MORE}")
        self.netd.configure(full)
        self.netd.ctl("reload")
        given = [self.station(f"many{n}").address for n in range(3)]
        self.assertEqual(sorted(given), ["10.77.0.102", "10.77.0.98", "10.77.0.99"])

    def test_bad(self):
        """One sentence with the place; the guard goes on as it was."""
        for also, why in (("10.77.0.1", "10.77.0.1"), ("10.78.0.5", "10.78.0.5"), ("10.77.0.255", "10.77.0.255"),
                          ("10.77.0.0", "10.77.0.0"), ("nonsense", "nonsense"), ("fe80::1", "fe80::1"),
                          ("10.77.0.0/24", "10.77.0.0/24")):
            with self.subTest(also):
                self.netd.configure(self.config().replace("10.77.0.100, 10.77.0.101", also))
                code, _, said = self.netd.ctl("reload", check=False)
                self.assertEqual(code, 1, also)
                self.assertRegex(said, r"netd\.conf:\d+: .*also")
                self.assertIn(why, said)
                self.assertEqual(said.count("\n"), 1)
        self.passes(self.use("10.77.0.100"))


class Shared(GuardTest):
    """Two guests that take an address from one another (RFC 5798), and one that has no part in it."""

    MORE = "host attacker { also = { 10.77.0.100 } } host partner { also = { 10.77.0.100 } }"

    def test_shared(self):
        partner = self.station("partner")
        for station, other in ((self.attacker, partner), (partner, self.attacker), (self.attacker, partner)):
            other.vmm.run("ip", "addr", "del", "10.77.0.100/24", "dev", "eth0", check=False)
            station.vmm.run("ip", "addr", "add", "10.77.0.100/24", "dev", "eth0")
            self.passes(arp.announcement(station.mac, "10.77.0.100"), sender=station)
            self.until(lambda: self.victim.neighbour("10.77.0.100") in (station.mac, None))
            self.assertTrue(self.victim.vmm.ping("10.77.0.100"))
            self.assertEqual(self.victim.neighbour("10.77.0.100"), station.mac)
        self.in_vain([arp.announcement(self.victim.mac, "10.77.0.100")], sender=self.victim, receiver=self.attacker)


class Moved(GuardTest):
    """A port that gets another address, because somebody on the LAN has its own."""

    MORE = "sweep = 1d"

    def setUp(self):
        super().setUp()
        self.attacker = self.station("moved", lease=False)

    def test_moved(self):
        ns, lan = self.host.ns, self.host.internet
        ns.run("ip", "link", "add", "lan0", "type", "veth", "peer", "name", "eth0", "netns", str(lan.pid))
        ns.run("ip", "link", "set", "lan0", "master", "nd-default", "up")
        lan.run("ip", "link", "set", "eth0", "address", STRANGER, "up")
        self.until(lambda: "state forwarding" in ns.run("bridge", "link", "show", "dev", "lan0"))
        old = self.attacker.address
        with dhcp.Wire(lan) as wire:
            wire.send(arp.announcement(STRANGER, old))
        self.watch.until("quarantined", guest="moved", address=old)
        self.attacker.address = self.netd.guests()["moved/0"]["addresses"][0].split("/")[0]
        self.assertNotEqual(self.attacker.address, old)
        self.passes(arp.announcement(self.attacker.mac, self.attacker.address))
        self.attack("arp", [arp.announcement(self.attacker.mac, old)])
        self.attack("ip", [self.attacker.packet(self.victim, old, frames.udp(old, self.victim.address, 9, 9, b"x"))])


class Tags(GuardTest):
    """No tag, though the bridge does not look at it and the victim's card would."""

    def inner(self):
        return frames.ipv4(self.attacker.address, self.victim.address, frames.UDP,
                           frames.udp(self.attacker.address, self.victim.address, 40000, 9, b"x"))

    def tagged(self, *tags, ethertype=frames.IPV4, payload=None, mac=None):
        return frames.ethernet(mac or self.attacker.mac, self.victim.mac, ethertype,
                               self.inner() if payload is None else payload, tags)

    def test_single(self):
        self.attack("vlan", [self.tagged((frames.VLAN, 7)), self.tagged((frames.VLAN, 1)), self.tagged((frames.VLAN, 4095)),
                             self.tagged((frames.QINQ, 7)), self.tagged((frames.VLAN, 0xE007))])

    def test_priority(self):
        """VLAN 0 is no VLAN: the victim takes the packet as if it had no tag."""
        self.attack("vlan", [self.tagged((frames.VLAN, 0)), self.tagged((frames.VLAN, 0xE000)),
                             self.tagged((frames.QINQ, 0))])

    def test_double(self):
        self.attack("vlan", [self.tagged((frames.QINQ, 7), (frames.VLAN, 8)), self.tagged((frames.VLAN, 7), (frames.VLAN, 8)),
                             self.tagged((frames.VLAN, 0), (frames.VLAN, 0)), self.tagged((frames.QINQ, 0), (frames.VLAN, 8)),
                             self.tagged(*[(frames.VLAN, 1)] * 3)])

    def test_what_hides_behind(self):
        """ARP, DHCP server's and IPv6 behind one tag or two: one reason, whatever it is."""
        fake = frames.arp(arp.REPLY, self.attacker.mac, self.attacker.mac, GATEWAY, self.victim.mac, self.victim.address)[14:]
        ra = frames.frame6(self.attacker.mac, frames.ra(self.attacker.link_local, self.attacker.mac))[14:]
        sent = []
        for tags in (((frames.VLAN, 0),), ((frames.VLAN, 0), (frames.VLAN, 0)), ((frames.QINQ, 0), (frames.VLAN, 0))):
            sent += [self.tagged(*tags, ethertype=frames.ARP, payload=fake),
                     self.tagged(*tags, ethertype=frames.IPV6, payload=ra)]
        self.victim.vmm.ping(GATEWAY)
        self.attack("vlan", sent, harmed=lambda: self.victim.neighbour(GATEWAY) == self.attacker.mac)

    def test_victim_with_a_vlan_of_its_own(self):
        if not self.victim.vmm.ok("ip", "link", "add", "link", "eth0", "name", "v7", "type", "vlan", "id", "7"):
            self.leave_out("the kernel has no VLAN interfaces")
        self.victim.vmm.run("ip", "link", "set", "v7", "up")
        announcement = arp.announcement(self.attacker.mac, self.attacker.address, vlan=7)

        def arrived():
            return int(self.victim.vmm.run("cat", "/sys/class/net/v7/statistics/rx_packets")) > 0
        self.attack("vlan", [announcement], harmed=arrived)


class TagsOff(Tags):
    GUARD = "off"


class Ethertypes(GuardTest):
    def test_bpdu(self):
        self.attack("ethertype", [frames.bpdu(self.attacker.mac)])

    def test_llc(self):
        """IEEE 802.2, also with a SNAP header that says that it is IPv4."""
        mac, to = self.attacker.mac, self.victim.mac
        packet = frames.ipv4(GATEWAY, self.victim.address, frames.UDP, b"")
        self.attack("ethertype", [frames.llc(mac, to, b"\xe0\xe0\x03" + b"ipx" * 10),
                                  frames.llc(mac, to, b"\xff\xff" + b"x" * 30),
                                  frames.llc(mac, to, b"\xaa\xaa\x03\0\0\0\x08\0" + packet)])

    def test_lldp(self):
        """The nearest bridge's group goes no further than the bridge; to the others it would."""
        body = b"\x02\x07\x04" + b"\x52\x54\0\0\0\x01" + b"\x04\x02\x07a" + b"\x06\x02\0\x78" + b"\0\0"
        others = [frames.ethernet(self.attacker.mac, to, frames.LLDP, body)
                  for to in (frames.BPDU_GROUP, frames.BROADCAST, self.victim.mac)]
        self.attack("ethertype", others)
        self.in_vain([frames.ethernet(self.attacker.mac, frames.LLDP_GROUP, frames.LLDP, body)])

    def test_others(self):
        sent = [frames.ethernet(self.attacker.mac, to, kind, b"\x11" * 46)
                for kind in (frames.PPPOE, 0x8864, frames.MACSEC, 0x88B5, 0x888E, 0x0842, 0x8847, 0x9000, 0x6003, 0xFFFF)
                for to in (self.victim.mac, frames.BROADCAST)]
        self.attack("ethertype", sent)


class EthertypesOff(Ethertypes):
    GUARD = "off"


class Redirects(GuardTest):
    def believed(self):
        return f"via {self.attacker.address}" in self.victim.vmm.run("ip", "route", "get", OUTSIDE)

    def frame(self, router, destination=OUTSIDE, gateway=None):
        return frames.ethernet(self.attacker.mac, self.victim.mac, frames.IPV4,
                               frames.redirect(router, self.victim.address, destination, gateway or self.attacker.address))

    def test_redirect(self):
        """ICMP: the attacker is on the way to everything."""
        self.assertTrue(self.victim.vmm.ping(self.attacker.address))
        self.assertTrue(self.victim.vmm.ping(OUTSIDE))
        self.attack(("ip", "redirect"), [self.frame(GATEWAY)], harmed=self.believed)

    def test_redirect_of_its_own(self):
        """To whom it is the gateway indeed: nothing is forged but the advice."""
        friend = self.station("friend")
        self.victim.vmm.run("ip", "route", "add", "198.51.100.7", "via", self.attacker.address)
        self.victim.vmm.run("sysctl", "-q", "net.ipv4.conf.all.secure_redirects=0", "net.ipv4.conf.eth0.secure_redirects=0")
        self.assertTrue(self.victim.vmm.ping(friend.address))
        self.assertTrue(self.victim.vmm.ping(self.attacker.address))
        self.victim.vmm.ok("ping", "-c", "1", "-W", "0.01", "198.51.100.7")
        self.attack("redirect", [self.frame(self.attacker.address, "198.51.100.7", friend.address)],
                    harmed=lambda: f"via {friend.address}" in self.victim.vmm.run("ip", "route", "get", "198.51.100.7"))

    def test_redirect_in_fragments(self):
        """The type stands in the first fragment, and that one is held back."""
        message = frames.redirect(self.attacker.address, self.victim.address, OUTSIDE, self.attacker.address)[20:]
        first, second = frames.ipv4_fragments(self.attacker.address, self.victim.address, frames.ICMP, message, 8)
        self.attack("redirect", [frames.ethernet(self.attacker.mac, self.victim.mac, frames.IPV4, first)])
        self.passes(frames.ethernet(self.attacker.mac, self.victim.mac, frames.IPV4, second))

    def test_other_icmp(self):
        mac, me = self.attacker.mac, self.attacker.address
        self.passes(*[frames.ethernet(mac, self.victim.mac, frames.IPV4,
                                      frames.ipv4(me, self.victim.address, frames.ICMP, frames.icmp(kind, 0, b"\0\1\0\1")))
                      for kind in (0, 3, 8, 11, 13)])


class RedirectsOff(Redirects):
    GUARD = "off"


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest that plays DHCP server, speaks in its neighbour's name, or has machines of its own behind it."""

import unittest

from guard_kit import GATEWAY, OUTSIDE, STRANGER, GuardTest, udp_socket

from harness import arp, dhcp, frames

DISCOVER, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE = 1, 2, 3, 4, 5, 6, 7


class ServerTest(GuardTest):
    """OFF: what becomes of it without the guard."""

    OFF = "harm"

    def setUp(self):
        super().setUp()
        self.heard = udp_socket(self.victim.vmm, 68)
        self.heard6 = udp_socket(self.victim.vmm, 546, "AF_INET6")
        for each in (self.heard, self.heard6):
            self.addCleanup(each.close)
            each.setblocking(False)

    def reaches_client(self):
        """Whether the victim's DHCP client hears a word of it."""
        for each in (self.heard, self.heard6):
            try:
                if each.recv(4096):
                    return True
            except BlockingIOError:
                pass
        return False

    def answer(self, kind=OFFER):
        return dhcp.message(mac=self.victim.mac, op=2, yiaddr="10.77.0.66",
                            options=[(53, bytes([kind])), (54, dhcp.ip(self.attacker.address)),
                                     (3, dhcp.ip(self.attacker.address)), (51, b"\0\0\x0e\x10")])

    def packet(self, kind=OFFER, to="255.255.255.255", source=None, source_port=67, port=68, **more):
        source = source or self.attacker.address
        return frames.ipv4(source, to, frames.UDP, frames.udp(source, to, source_port, port, self.answer(kind)), **more)

    def frame(self, *args, to="255.255.255.255", **more):
        to_mac = frames.BROADCAST if to == "255.255.255.255" else self.victim.mac
        return frames.ethernet(self.attacker.mac, to_mac, frames.IPV4, self.packet(*args, to=to, **more))


class Servers(ServerTest):
    """On a network that has its server elsewhere."""

    MORE = "dhcp = off"
    LEASE = False

    def test_broadcast(self):
        for kind in (OFFER, ACK, NAK):
            self.attack("dhcp-server", [self.frame(kind)], harmed=self.reaches_client, off=self.OFF)

    def test_unicast(self):
        for kind in (OFFER, ACK):
            self.attack("dhcp-server", [self.frame(kind, to=self.victim.address)], harmed=self.reaches_client, off=self.OFF)

    def test_from_another_port(self):
        """Clients don't look where it comes from."""
        for port in (1067, 4011, 68):
            self.attack("dhcp-server", [self.frame(source_port=port), self.frame(source_port=port, to=self.victim.address)],
                        harmed=self.reaches_client, off=self.OFF)

    def test_in_anothers_name(self):
        self.attack(("dhcp-server", "ip"), [self.frame(source=GATEWAY), self.frame(source=OUTSIDE)],
                    harmed=self.reaches_client, off=self.OFF)

    def test_options(self):
        """The ports are not where they mostly are."""
        for options in (b"\x01" * 4, b"\x94\x04\0\0", b"\x01" * 40):
            self.attack("dhcp-server", [self.frame(options=options)], harmed=self.reaches_client, off=self.OFF)

    def fragments(self, first, to="255.255.255.255"):
        source = self.attacker.address
        message = frames.udp(source, to, 67, 68, self.answer())
        return [frames.ethernet(self.attacker.mac, frames.BROADCAST, frames.IPV4, packet)
                for packet in frames.ipv4_fragments(source, to, frames.UDP, message, first)]

    def test_fragments(self):
        """Without its beginning nobody puts it together; the rest has no ports to look at."""
        for first, turned in ((8, False), (128, False), (8, True)):
            head, rest = self.fragments(first)
            if self.GUARD != "on":
                self.attack("dhcp-server", [rest, head] if turned else [head, rest], harmed=self.reaches_client, off=self.OFF)
                continue
            if turned:
                self.passes(rest)
            self.attack("dhcp-server", [head])
            if not turned:
                self.passes(rest)
            self.assertFalse(self.reaches_client())

    def test_tiny_and_overlapping_fragments(self):
        """RFC 1858: the ports in no fragment, or in a second one that is put over the first."""
        source, to = self.attacker.address, self.victim.address
        message = frames.udp(source, to, 67, 68, self.answer())
        harmless = frames.udp(source, to, 1000, 2000, self.answer())

        def part(offset, more, octets, ident):
            return frames.ethernet(self.attacker.mac, self.victim.mac, frames.IPV4,
                                   frames.ipv4(source, to, frames.UDP, octets, ident=ident, fragment=offset, more=more))
        self.attacker.send(part(0, True, message[:4], 1), part(0, True, b"", 1), part(8, False, message[8:], 1),
                           part(0, True, harmless[:24], 2), part(0, True, message[:8], 2), part(24, False, message[24:], 2),
                           part(8, False, message[8:], 3), part(0, True, harmless[:8], 3), part(0, True, message[:8], 3))
        self.seen(self.attacker, self.victim)
        self.assertFalse(self.reaches_client())
        if self.GUARD == "on":
            self.assertEqual(self.victim.drops(), {})
            self.assertGreaterEqual(self.attacker.drops().get("dhcp-server", 0), 2)

    def test_dhcp6(self):
        """ADVERTISE to one, to all, and from elsewhere than it should be."""
        for station in (self.attacker, self.victim):
            station.ipv6_at_once()
        me, to = self.attacker.link_local, self.victim.link_local
        for target, target_mac in ((to, self.victim.mac), (frames.ALL_NODES, frames.group_mac(frames.ALL_NODES))):
            for port in (547, 1547):
                packet = frames.dhcp6_advertise(me, target, source_port=port)
                self.attack("dhcp-server", [frames.ethernet(self.attacker.mac, target_mac, frames.IPV6, packet)],
                            harmed=self.reaches_client)

    def test_dhcp6_behind_headers(self):
        self.victim.ipv6_at_once()
        self.attacker.ipv6_at_once()
        me, to = self.attacker.link_local, self.victim.link_local
        message = frames.dhcp6_advertise(me, to)[40:]
        for header in (frames.HOP_BY_HOP, frames.DESTINATION):
            packet = frames.ipv6(me, to, header, frames.options_header(frames.UDP) + message)
            frame = frames.ethernet(self.attacker.mac, self.victim.mac, frames.IPV6, packet)
            self.attack(("dhcp-server", "fragment"), [frame], harmed=self.reaches_client)
        head, rest = frames.ipv6_fragments(me, to, frames.UDP, message, 16)
        self.attack(("dhcp-server", "fragment"), [frames.ethernet(self.attacker.mac, self.victim.mac, frames.IPV6, head)],
                    off="seen")
        self.attacker.send(frames.ethernet(self.attacker.mac, self.victim.mac, frames.IPV6, rest))
        self.seen(self.attacker, self.victim)
        if self.GUARD == "on":
            self.assertFalse(self.reaches_client())

    def test_dhcp6_hidden_in_fragments(self):
        """The ports are in the second fragment; in the first there are options only (RFC 7112)."""
        self.victim.ipv6_at_once()
        self.attacker.ipv6_at_once()
        me, to = self.attacker.link_local, self.victim.link_local
        message = frames.options_header(frames.UDP, 16) + frames.dhcp6_advertise(me, to)[40:]
        for first in (16, 8):
            head, rest = [frames.ethernet(self.attacker.mac, self.victim.mac, frames.IPV6, packet)
                          for packet in frames.ipv6_fragments(me, to, frames.DESTINATION, message, first)]
            self.attack(("dhcp-server", "fragment"), [head], off="seen")
            self.attacker.send(rest)
            self.seen(self.attacker, self.victim)
            self.assertFalse(self.reaches_client())

    def test_malformed(self):
        """Headers that lie about where the ports are, or how long it all is: no client hears of it."""
        packets = [self.packet(to=self.victim.address, **lie) for lie in ({"first": 0x44}, {"first": 0x4F}, {"first": 0x65},
                   {"first": 0x55}, {"length": 20}, {"length": 2000}, {"length": 0}, {"length": 27})]
        self.attacker.send(*[frames.ethernet(self.attacker.mac, self.victim.mac, frames.IPV4, packet) for packet in packets])
        self.seen(self.attacker, self.victim)
        self.assertFalse(self.reaches_client())


class ServersOff(Servers):
    GUARD = "off"


class ServersServed(ServerTest):
    """Where netd is the server the trap is in the way as well, whatever the guard is set to."""

    OFF = "nothing"

    def test_rogue(self):
        for frame in (self.frame(OFFER), self.frame(ACK, to=self.victim.address), self.frame(source_port=1067)):
            self.attack("dhcp-server", [frame], harmed=self.reaches_client, off=self.OFF)
        self.assertEqual(self.victim.vmm.udhcpc()["ip"], self.victim.address)


class ServersServedOff(ServersServed):
    GUARD = "off"


class Elsewhere(GuardTest):
    """A guest's own DHCP on a network whose server is not netd."""

    MORE = "dhcp = off"
    LEASE = False

    def test_client(self):
        lan, mac = self.host.internet, self.attacker.mac
        self.host.ns.run("ip", "link", "add", "lan0", "type", "veth", "peer", "name", "eth0", "netns", str(lan.pid))
        self.host.ns.run("ip", "link", "set", "lan0", "master", "nd-default", "up")
        lan.run("ip", "link", "set", "eth0", "address", STRANGER, "up")
        self.until(lambda: "state forwarding" in self.host.ns.run("bridge", "link", "show", "dev", "lan0"))
        discover = dhcp.frame(dhcp.message(mac=mac, options=[(53, bytes([DISCOVER]))]), mac=mac)
        renewal = dhcp.frame(dhcp.message(mac=mac, ciaddr=self.attacker.address, options=[(53, bytes([REQUEST]))]), mac=mac,
                             source=self.attacker.address, destination="10.77.0.2", destination_mac=STRANGER)
        rebinding = dhcp.frame(dhcp.message(mac=mac, ciaddr=self.attacker.address, options=[(53, bytes([REQUEST]))]), mac=mac,
                               source=self.attacker.address)
        with frames.Sniffer(lan) as server:
            self.attacker.send(discover, renewal, rebinding)
            marker = self.marker(self.attacker, self.victim)
            self.attacker.send(marker)
            seen = server.until(marker)
            self.assertEqual([f for f in seen if dhcp.is_dhcp(f)], [discover, renewal, rebinding])
            server.send(dhcp.frame(dhcp.message(mac=mac, op=2, yiaddr=self.attacker.address, options=[(53, bytes([OFFER]))]),
                                   mac=STRANGER, source="10.77.0.2", source_port=67, port=68))
            self.assertEqual(self.attacker.wire.receive().type, OFFER)
        self.passes(discover, rebinding)

    def test_from_no_address_only_that(self):
        mac = self.attacker.mac
        message = dhcp.message(mac=mac, options=[(53, bytes([DISCOVER]))])
        self.attack("ip", [dhcp.frame(message, mac=mac, source="10.77.0.66"), dhcp.frame(message, mac=mac, source=GATEWAY),
                           dhcp.frame(message, mac=mac, source_port=1068, port=53),
                           dhcp.frame(message, mac=mac, source_port=68, port=69)])
        self.attack("mac", [dhcp.frame(message, mac=STRANGER)])


class ElsewhereOff(Elsewhere):
    GUARD = "off"


class Names(GuardTest):
    """What a guest says to netd's server of its neighbour."""

    def message(self, kind, **more):
        """In the victim's name."""
        options = [(53, bytes([kind])), (54, dhcp.ip(GATEWAY)), *more.pop("options", ())]
        return dhcp.message(mac=self.victim.mac, options=options, **more)

    def forged(self, kind):
        """By whose frame, from whose address: in all ways that there are."""
        them, me = self.victim, self.attacker
        client = (61, b"\x01" + dhcp.mac_octets(them.mac))
        asked = (50, dhcp.ip(them.address))
        for options in ((), (client,), (asked,), (client, asked)):
            payload = self.message(kind, ciaddr=them.address if kind == RELEASE else "0.0.0.0", options=options)
            for mac, source in ((me.mac, me.address), (me.mac, them.address), (them.mac, them.address), (me.mac, "0.0.0.0"),
                                (them.mac, "0.0.0.0")):
                yield dhcp.frame(payload, mac=mac, source=source, destination=GATEWAY)
                yield dhcp.frame(payload, mac=mac, source=source)

    def heard(self):
        """netd has heard all that the attacker sent: it answers what came after it."""
        self.attacker.send(dhcp.frame(dhcp.message(mac=self.attacker.mac, xid=0x600D, options=[(53, bytes([DISCOVER]))]),
                                      mac=self.attacker.mac))
        while self.attacker.wire.receive().xid != 0x600D:
            pass

    def leases(self):
        return {row["address"]: (row["state"], row["guest"], row["mac"]) for row in self.netd.ctl_json("leases")}

    def check(self, kind):
        before = self.leases()[self.victim.address]
        self.assertEqual(before, ("bound", "victim", self.victim.mac))
        for frame in self.forged(kind):
            self.attacker.send(frame)
        self.heard()
        self.assertEqual(self.leases()[self.victim.address], before)
        self.assertEqual(self.netd.guests()["victim/0"]["lease"]["state"], "bound")
        self.assertEqual(self.netd.guests()["victim/0"]["addresses"], self.victim.port["addresses"])
        if self.GUARD != "off":
            self.assertEqual(self.victim.drops(), {})
        self.assertTrue(self.victim.vmm.ping(OUTSIDE))
        self.assertEqual(self.victim.vmm.udhcpc()["ip"], self.victim.address)

    def test_release(self):
        self.check(RELEASE)

    def test_decline(self):
        self.check(DECLINE)

    def test_request(self):
        """It is not given the victim's address, and what it is told is not for the victim."""
        for frame in self.forged(REQUEST):
            self.attacker.send(frame)
        self.heard()
        self.assertEqual(self.leases()[self.victim.address][1:], ("victim", self.victim.mac))

    def test_relay_agent(self):
        """giaddr and option 82 of an untrusted port: nobody gets an address by them, or of another subnet."""
        before = self.leases()
        dropped = self.netd.ctl_json("status")["dhcpDropped"].get("relay", 0)
        guarded = sum(self.attacker.drops().values()) if self.GUARD != "off" else 0
        sent = []
        for giaddr, options in (("10.9.0.1", ()), (GATEWAY, ()), (self.victim.address, ()), ("0.0.0.0", ((82, b"\x01\x01a"),)),
                                (OUTSIDE, ((82, b"\x01\x01a\x05\x04" + dhcp.ip("10.9.0.0")),))):
            payload = dhcp.message(mac="52:54:00:00:00:07", giaddr=giaddr, options=[(53, bytes([DISCOVER])), *options])
            sent.append(dhcp.frame(payload, mac=self.attacker.mac, source=self.attacker.address, destination=GATEWAY,
                                   source_port=68 if giaddr == "0.0.0.0" else 67))
        self.attacker.send(*sent)
        self.heard()
        told = self.netd.ctl_json("status")["dhcpDropped"].get("relay", 0) - dropped
        guarded = (sum(self.attacker.drops().values()) if self.GUARD != "off" else 0) - guarded
        self.assertEqual(told + guarded, len(sent))
        self.assertEqual(self.leases(), before)


class NamesOff(Names):
    """The port says who it is; this does not need the guard."""

    GUARD = "off"


class NamesByIdentifier(Names):
    MORE = "identity = client-id"


class NamesByMac(Names):
    MORE = "identity = mac"


class Nested(GuardTest):
    """A machine behind a guest's port may send under the MAC and address of its lease, and nothing else."""

    MORE = "identity = client-id"

    def setUp(self):
        super().setUp()
        vmm = self.attacker.vmm
        # Only what the test sends counts; and each card answers for itself.
        vmm.run("sysctl", "-q", "net.ipv6.conf.default.disable_ipv6=1", "net.ipv4.conf.all.arp_ignore=1",
                "net.ipv4.conf.all.arp_announce=2", "net.ipv4.conf.default.accept_local=1")
        self.card = vmm.card("inner", STRANGER)

    def datagram(self, mac, source):
        return frames.ethernet(mac, self.victim.mac, frames.IPV4,
                               frames.ipv4(source, self.victim.address, frames.UDP,
                                           frames.udp(source, self.victim.address, 40000, 9, b"x")))

    def test_nested(self):
        self.attack("mac", [self.datagram(STRANGER, "10.77.0.66")])
        inner = self.attacker.vmm.udhcpc(card=self.card)["ip"]
        self.assertNotEqual(inner, self.attacker.address)
        self.passes(self.datagram(STRANGER, inner), arp.announcement(STRANGER, inner), arp.probe(STRANGER, inner),
                    arp.frame(arp.REQUEST, STRANGER, inner, self.victim.address),
                    self.datagram(self.attacker.mac, self.attacker.address))
        self.assertTrue(self.attacker.vmm.ok("ping", "-c", "1", "-W", "10", "-I", self.card, GATEWAY))
        self.attack("ip", [self.datagram(STRANGER, "10.77.0.66"), self.datagram(STRANGER, self.victim.address)])
        self.attack("arp", [arp.announcement(STRANGER, self.victim.address), arp.announcement(STRANGER, GATEWAY)])
        self.attack("mac", [self.datagram("52:54:00:00:00:78", inner)])

    def test_not_each_others(self):
        """The MAC of one with the address of the other is neither."""
        inner = self.attacker.vmm.udhcpc(card=self.card)["ip"]
        self.attack("ip", [self.datagram(STRANGER, self.attacker.address), self.datagram(self.attacker.mac, inner)])
        self.attack("arp", [arp.announcement(STRANGER, self.attacker.address), arp.announcement(self.attacker.mac, inner)])

    def release(self, mac, address):
        self.attacker.send(dhcp.frame(dhcp.message(mac=mac, ciaddr=address, options=[
            (53, bytes([RELEASE])), (54, dhcp.ip(GATEWAY)), (61, b"\x01" + dhcp.mac_octets(mac))]), mac=mac,
            source=address, destination=GATEWAY))
        self.watch.until("lease-released", address=address)

    def test_after_its_release(self):
        inner = self.attacker.vmm.udhcpc(card=self.card)["ip"]
        self.passes(self.datagram(STRANGER, inner))
        self.release(STRANGER, inner)
        self.attack(("mac", "ip"), [self.datagram(STRANGER, inner)])

    def lease_as(self, mac):
        """The attacker asks as somebody with this MAC; the address that it is given, if any."""
        def ask(kind, *options):
            self.attacker.send(dhcp.frame(dhcp.message(mac=mac, xid=0x77, options=[(53, bytes([kind])), *options]), mac=mac))
            self.attacker.send(dhcp.frame(dhcp.message(mac=self.attacker.mac, xid=0x600D, options=[(53, bytes([DISCOVER]))]),
                                          mac=self.attacker.mac))
            answers = []
            while not answers or answers[-1].xid != 0x600D:
                answers.append(self.attacker.wire.receive())
            return answers[0] if answers[0].xid == 0x77 else None
        offer = ask(DISCOVER)
        ack = offer and ask(REQUEST, (50, dhcp.ip(offer.yiaddr)), (54, dhcp.ip(GATEWAY)))
        return ack.yiaddr if ack and ack.type == ACK else None

    def test_lease_under_anothers_mac(self):
        """DHCP names the client; that makes it neither the victim nor the host."""
        bridge = self.netd.call("ListNetworks")["networks"][0]["bridgeMac"]
        others = [self.victim.mac, bridge, "fe" + self.victim.mac[2:], "fe" + self.attacker.mac[2:]]
        for mac in others:
            address = self.lease_as(mac)
            if address:
                self.attack("mac", [self.datagram(mac, address), self.datagram(mac, self.victim.address)])
            self.attack("mac", [frames.ethernet(mac, frames.BROADCAST, frames.IPV4, self.datagram(mac, GATEWAY)[14:]),
                                arp.announcement(mac, GATEWAY)])
            self.assertNotIn(self.attacker.interface, self.forwarding().get(mac, ()))
        self.assertEqual(self.lease_as("52:54:00:00:00:78") is None, False, "this way others do get one")
        self.assertTrue(self.victim.vmm.ping(OUTSIDE))

    def test_lease_under_no_mac(self):
        """A group's, or none: no such source passes, and the host's rules know none."""
        for mac in ("01:00:5e:00:00:01", frames.BROADCAST, frames.NOBODY):
            payload = dhcp.message(mac=mac, options=[(53, bytes([DISCOVER])), (61, b"x" + dhcp.mac_octets(mac))])
            self.attacker.send(dhcp.frame(payload, mac=self.attacker.mac))
        self.lease_as(self.attacker.mac)
        self.in_vain([self.datagram(mac, "10.77.0.66") for mac in ("01:00:5e:00:00:01", frames.BROADCAST, frames.NOBODY)])

    def test_after_a_restart(self):
        inner = self.attacker.vmm.udhcpc(card=self.card)["ip"]
        self.netd.kill()
        self.passes_unasked(self.datagram(STRANGER, inner))
        self.netd.start()
        self.passes(self.datagram(STRANGER, inner))
        self.passes_unasked(self.datagram(self.attacker.mac, self.attacker.address))
        self.in_vain([self.datagram(STRANGER, "10.77.0.66"), self.datagram("52:54:00:00:00:78", inner)])

    def passes_unasked(self, frame):
        self.attacker.send(frame)
        self.assertIn(frame, self.seen(self.attacker, self.victim))

    def test_not_with_identity_port(self):
        """A client with a lease is in the way; after a reload nothing nested is served, and so nothing nested may send."""
        inner = self.attacker.vmm.udhcpc(card=self.card)["ip"]
        self.passes(self.datagram(STRANGER, inner))
        self.netd.configure(self.config().replace(self.MORE, "identity = port"))
        self.assertEqual(self.netd.ctl("reload", check=False)[::2], (
            1, "netdctl: network 'default' cannot change under its guests: DHCP client "
            f"{STRANGER} with the lease of {inner} is attached\n"))
        self.passes(self.datagram(STRANGER, inner))
        self.release(STRANGER, inner)
        self.netd.ctl("reload")
        self.attack("mac", [self.datagram(STRANGER, inner)])
        self.passes(self.datagram(self.attacker.mac, self.attacker.address))


class NestedByMac(Nested):
    MORE = "identity = mac"


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest that lies by IPv6: as router, as a neighbour, and behind extension headers and fragments."""

import unittest

from guard_kit import GuardTest, STRANGER

from harness import frames
from harness.frames import frame6

MANUAL, GLOBAL = "fe80::66", "2001:db8:77::66"
PREFIX = "2001:db8:bad::"


class Ip6Test(GuardTest):
    def setUp(self):
        super().setUp()
        for station in (self.attacker, self.victim):
            station.ipv6_at_once()
        self.mac, self.link_local = self.attacker.mac, self.attacker.link_local

    def friend(self):
        """One whom the victim knows, rightly."""
        friend = self.station("friend")
        friend.ipv6_at_once()
        self.assertTrue(self.reaches(self.victim, friend))
        self.assertEqual(self.victim.neighbour(friend.link_local), friend.mac)
        return friend

    @staticmethod
    def reaches(station, other, address=None):
        return station.vmm.ok("ping", "-6", "-c", "1", "-W", "10", f"{address or other.link_local}%eth0")

    def believes(self, address, mac=None):
        return lambda: self.victim.neighbour(address) == (mac or self.attacker.mac)

    def plain(self, source, destination=None, mac=None, **more):
        """A datagram; to the victim, or to all nodes."""
        to = destination or self.victim.link_local
        message = frames.udp(source, to, 40000, 9, b"who?")
        to_mac = self.victim.mac if destination is None else frames.group_mac(to)
        return frames.ethernet(mac or self.mac, to_mac, frames.IPV6, frames.ipv6(source, to, frames.UDP, message), **more)


class Sources(Ip6Test):
    def test_own(self):
        """Its link-local address, in all that a machine does with it."""
        asked = frames.ns("::", self.link_local)
        self.passes(frame6(self.mac, asked), self.plain(self.link_local), self.plain(self.link_local, frames.ALL_NODES),
                    frame6(self.mac, frames.ns(self.link_local, self.victim.link_local, mac=self.mac)),
                    frame6(self.mac, frames.na(self.link_local, self.link_local, mac=self.mac)),
                    frame6(self.mac, frames.na(self.link_local, self.link_local)),
                    frame6(self.mac, frames.na(self.link_local, self.link_local, self.victim.link_local, self.mac, 0x60),
                           self.victim.mac))
        for station, other in ((self.attacker, self.victim), (self.victim, self.attacker)):
            station.vmm.run("ip", "-6", "neigh", "flush", "dev", "eth0")
            self.assertTrue(self.reaches(station, other))
        self.passes()

    def test_start_of_a_kernel(self):
        """Duplicate address detection, multicast reports from :: and on, router solicitation: nothing of it is an attack."""
        self.attacker.vmm.run("sysctl", "-q", "net.ipv6.conf.eth0.disable_ipv6=1")
        self.attacker.vmm.run("sysctl", "-q", "net.ipv6.conf.eth0.accept_dad=1", "net.ipv6.conf.eth0.router_solicitations=1",
                              "net.ipv6.conf.eth0.router_solicitation_delay=0")
        self.attacker.vmm.run("sysctl", "-q", "net.ipv6.conf.eth0.disable_ipv6=0")
        kinds = set()
        while not {frames.NS, frames.RS, 143} <= kinds:
            data = self.victim.wire.incoming()
            if data[6:12] == bytes.fromhex(self.mac.replace(":", "")) and data[12:14] == b"\x86\xdd":
                kinds.add(data[62] if data[20] == frames.HOP_BY_HOP else data[54])
        self.passes()
        self.assertEqual(self.attacker.drops() if self.GUARD != "off" else {}, {})

    def test_address_of_others(self):
        addresses = (self.victim.link_local, GLOBAL, "2001:db8:77::1", "::1", "fd00::1", "ff02::1", "::ffff:10.77.0.1",
                     "fec0::1")
        self.attack(("ip6",), [self.plain(address) for address in addresses])

    def test_address_of_nobody(self):
        """From :: only neighbour solicitation and multicast reports come (RFC 4861, RFC 3810)."""
        self.attack("ip6", [self.plain("::"), self.plain("::", frames.ALL_NODES)])

    def test_mac_of_others(self):
        self.attack("mac", [self.plain(self.link_local, mac=STRANGER),
                            self.plain(self.victim.link_local, frames.ALL_NODES, mac=self.victim.mac),
                            frame6(STRANGER, frames.ns("::", frames.link_local(STRANGER)))])

    def test_behind_headers(self):
        """The source is where it always is, whatever stands between."""
        forged = frames.udp(GLOBAL, self.victim.link_local, 40000, 9, b"x")
        own = frames.udp(self.link_local, self.victim.link_local, 40000, 9, b"x")
        for header in (frames.HOP_BY_HOP, frames.DESTINATION, frames.ROUTING):
            def packet(source, payload, kind=header):
                front = (frames.routing_header if kind == frames.ROUTING else frames.options_header)(frames.UDP)
                return frames.ethernet(self.mac, self.victim.mac, frames.IPV6,
                                       frames.ipv6(source, self.victim.link_local, kind, front + payload))
            self.passes(packet(self.link_local, own))
            self.attack("ip6", [packet(GLOBAL, forged)])

    def test_cut_short(self):
        """Frames that end within the header."""
        whole = frames.ipv6(GLOBAL, self.victim.link_local, frames.UDP, b"")
        sent = [frames.ethernet(self.mac, self.victim.mac, frames.IPV6, whole[:n]) for n in (0, 1, 6, 8, 23, 39)]
        if self.GUARD == "on":
            self.in_vain(sent)
            self.assertLessEqual(set(self.attacker.drops()), {"ip6", "fragment"})
        self.assertTrue(self.reaches(self.victim, self.attacker))


class SourcesOff(Sources):
    GUARD = "off"


class FirstCome(Ip6Test):
    """A link-local address that does not follow from a MAC is whose port used it first (RFC 6620)."""

    def test_first_come(self):
        self.passes(frame6(self.victim.mac, frames.ns("::", MANUAL)), sender=self.victim, receiver=self.attacker)
        self.passes(self.plain_of_victim(MANUAL), sender=self.victim, receiver=self.attacker)
        self.attack("ip6", [self.plain(MANUAL)])
        self.attack(("nd", "ip6"), [frame6(self.mac, frames.na(MANUAL, MANUAL, mac=self.mac)),
                                    frame6(self.mac, frames.ns(MANUAL, self.victim.link_local, mac=self.mac))])
        self.attack("nd", [frame6(self.mac, frames.na(self.link_local, MANUAL, mac=self.mac)),
                           frame6(self.mac, frames.ns("::", MANUAL))])
        # Another is free for the attacker, and then not for the victim.
        self.passes(self.plain("fe80::67"))
        self.in_vain([self.plain_of_victim("fe80::67")], sender=self.victim, receiver=self.attacker)
        self.assertEqual(self.victim.drops(), {"ip6": 1})
        self.passes(self.plain_of_victim(MANUAL), sender=self.victim, receiver=self.attacker)

    def plain_of_victim(self, source):
        message = frames.udp(source, self.link_local, 40000, 9, b"x")
        return frames.ethernet(self.victim.mac, self.mac, frames.IPV6,
                               frames.ipv6(source, self.link_local, frames.UDP, message))

    def test_kernel(self):
        """As kernels do it: add the address, ask, use it."""
        self.victim.vmm.run("ip", "-6", "addr", "add", f"{MANUAL}/64", "dev", "eth0")
        self.victim.ready6()
        self.assertTrue(self.victim.vmm.ok("ping", "-6", "-c", "1", "-W", "10", "-I", f"{MANUAL}%eth0",
                                           f"{self.link_local}%eth0"))
        self.attacker.vmm.run("ip", "-6", "neigh", "flush", "dev", "eth0")
        self.assertTrue(self.reaches(self.attacker, self.victim, MANUAL))
        self.attack("ip6", [self.plain(MANUAL)])
        self.assertTrue(self.reaches(self.attacker, self.victim, MANUAL))

    def test_own_is_never_taken(self):
        """What follows from the victim's MAC is its own before it ever said a word."""
        late = self.station("late")
        late.vmm.run("sysctl", "-q", "net.ipv6.conf.eth0.disable_ipv6=1")
        self.attack("ip6", [self.plain(late.link_local)])
        self.attack("nd", [frame6(self.mac, frames.ns("::", late.link_local))])
        late.ipv6_at_once()
        self.assertTrue(self.reaches(late, self.victim))

    def test_attached_again(self):
        """What a guest has bound stays its own while it is away, as by a restart of it."""
        self.passes(self.plain_of_victim(MANUAL), frame6(self.victim.mac, frames.ns("::", MANUAL)), sender=self.victim,
                    receiver=self.attacker)
        friend = self.station("friend")
        self.victim.vmm.close()
        self.watch.until("gone", guest="victim")
        self.in_vain([frame6(self.mac, frames.ns("::", MANUAL)), self.plain(MANUAL, frames.ALL_NODES)], receiver=friend)
        self.victim = self.station("victim")
        self.passes(self.plain_of_victim(MANUAL), sender=self.victim, receiver=self.attacker)
        self.told.update(("ip6", "nd"))
        self.attack("ip6", [self.plain(MANUAL)])

    def test_claimed_while_away(self):
        """The address that follows from the victim's MAC, which the attacker knows, is the victim's when it comes again."""
        friend = self.station("friend")
        self.victim.vmm.close()
        self.watch.until("gone", guest="victim")
        self.attacker.send(frame6(self.mac, frames.ns("::", self.victim.link_local)),
                           self.plain(self.victim.link_local, frames.ALL_NODES))
        self.seen(self.attacker, friend)
        self.victim = self.station("victim")
        self.victim.ipv6_at_once()
        self.told.update(("ip6", "nd"))
        self.attack("ip6", [self.plain(self.victim.link_local)])
        self.attack("nd", [frame6(self.mac, frames.na(self.link_local, self.victim.link_local, mac=self.mac)),
                           frame6(self.mac, frames.ns("::", self.victim.link_local))])
        self.assertTrue(self.reaches(self.attacker, self.victim))

    def test_gateway(self):
        """The host's own link-local address on the bridge was there before any guest."""
        said = self.host.ns.json("ip", "-j", "-6", "addr", "show", "dev", "nd-default", "scope", "link")
        addresses = [info["local"] for link in said for info in link.get("addr_info", ())]
        print(f"the bridge has {addresses or 'no link-local address'}")
        bridge = self.netd.call("ListNetworks")["networks"][0]["bridgeMac"]
        for address in {*addresses, frames.link_local(bridge)}:
            self.attack("ip6", [self.plain(address)])
            self.attack("nd", [frame6(self.mac, frames.na(self.link_local, address, mac=self.mac)),
                               frame6(self.mac, frames.ns("::", address))])

    def test_not_of_the_prefix(self):
        """fe80::/10 is more than fe80::/64, and the rest of it is nobody's (RFC 4291 2.5.6)."""
        self.attack("ip6", [self.plain("fe80:0:0:1::66"), self.plain("fe81::66"), self.plain("febf::1")])

    def test_many(self):
        """Who takes all that there are takes nobody's, and neither from those who come later."""
        addresses = [f"fe80::1:{n:x}" for n in range(2000)]
        for address in addresses:
            self.attacker.send(self.plain(address))
            if address.endswith("00"):
                self.seen(self.attacker, self.victim)
        self.seen(self.attacker, self.victim)
        self.assertTrue(self.reaches(self.victim, self.attacker))
        self.passes(self.plain_of_victim("fe80::abcd"), sender=self.victim, receiver=self.attacker)
        late = self.station("late")
        late.ipv6_at_once()
        self.assertTrue(self.reaches(late, self.victim))


class Joined(Ip6Test):
    """A machine behind an interface of the host that has joined: no guest, but it was there first."""

    MORE = "port lan0 { serve = yes }"

    def test_joined(self):
        ns, lan, address = self.host.ns, self.host.internet, frames.link_local(STRANGER)
        ns.run("ip", "link", "add", "lan0", "type", "veth", "peer", "name", "eth0", "netns", str(lan.pid))
        lan.run("ip", "link", "set", "eth0", "addrgenmode", "none", "address", STRANGER, "up")
        self.until(lambda: "state forwarding" in ns.run("bridge", "link", "show", "dev", "lan0"))
        asked = frame6(STRANGER, frames.ns("::", address))
        said = frame6(STRANGER, frames.na(address, address, mac=STRANGER))
        with frames.Sniffer(lan) as wire:
            wire.send(asked)
            wire.send(said)
        self.assertIn(asked, self.victim.wire.until(said))
        self.attack(("nd", "ip6"), [frame6(self.mac, frames.na(address, address, mac=self.mac))])
        self.attack("nd", [frame6(self.mac, frames.na(self.link_local, address, mac=self.mac)),
                           frame6(self.mac, frames.ns("::", address))])


class Neighbours(Ip6Test):
    def test_advertisement(self):
        friend = self.friend()
        lie = frames.na(friend.link_local, friend.link_local, mac=self.mac)
        self.attack(("nd", "ip6"), [frame6(self.mac, lie)], harmed=self.believes(friend.link_local))

    def test_advertisement_with_its_own_source(self):
        friend = self.friend()
        for flags in (0x20, 0x60, 0xE0):
            lie = frames.na(self.link_local, friend.link_local, self.victim.link_local, self.mac, flags)
            self.attack("nd", [frame6(self.mac, lie, self.victim.mac)], harmed=self.believes(friend.link_local))
        lie = frames.na(self.link_local, friend.link_local, mac=STRANGER)
        self.attack("nd", [frame6(self.mac, lie)], harmed=self.believes(friend.link_local, STRANGER))

    def test_solicitation(self):
        """Who asks is believed as well (RFC 4861 7.2.3)."""
        friend = self.friend()
        lie = frames.ns(friend.link_local, self.victim.link_local, mac=self.mac)
        self.attack(("nd", "ip6"), [frame6(self.mac, lie)], harmed=self.believes(friend.link_local))

    def test_global(self):
        """An address of no allocation."""
        self.attack(("nd", "ip6"), [frame6(self.mac, frames.na(GLOBAL, GLOBAL, mac=self.mac)),
                                    frame6(self.mac, frames.ns(GLOBAL, self.victim.link_local, mac=self.mac))])
        self.attack("nd", [frame6(self.mac, frames.na(self.link_local, GLOBAL, mac=self.mac)),
                           frame6(self.mac, frames.ns("::", GLOBAL))])

    def denied(self):
        """Whether the victim has given up its own address."""
        return "dadfailed" in self.victim.vmm.run("ip", "-6", "addr", "show", "dev", "eth0")

    def asking(self):
        """The victim begins anew, and asks for a long time whether anybody has its address."""
        self.victim.vmm.run("sysctl", "-q", "net.ipv6.conf.eth0.disable_ipv6=1")
        self.victim.vmm.run("sysctl", "-q", "net.ipv6.conf.eth0.dad_transmits=100", "net.ipv6.conf.eth0.accept_dad=1")
        self.victim.vmm.run("sysctl", "-q", "net.ipv6.conf.eth0.disable_ipv6=0")
        self.assertIn("tentative", self.victim.vmm.run("ip", "-6", "addr", "show", "dev", "eth0"))

    def test_denial_by_solicitation(self):
        self.asking()
        self.attack("nd", [frame6(self.mac, frames.ns("::", self.victim.link_local))], harmed=self.denied)

    def test_denial_by_advertisement(self):
        self.asking()
        mine = frames.na(self.link_local, self.victim.link_local, mac=self.mac)
        self.attack("nd", [frame6(self.mac, mine)], harmed=self.denied)

    def test_denial_as_the_victim(self):
        self.asking()
        theirs = frames.na(self.victim.link_local, self.victim.link_local, mac=self.mac)
        self.attack(("nd", "ip6"), [frame6(self.mac, theirs)], harmed=self.denied)

    def test_behind_headers(self):
        """Hop-by-hop and destination options in front of it, which no honest machine sends."""
        friend = self.friend()
        lie = frames.na(self.link_local, friend.link_local, mac=self.mac)
        for before in ((frames.HOP_BY_HOP,), (frames.DESTINATION,), (frames.HOP_BY_HOP, frames.DESTINATION),
                       (frames.ROUTING,), (frames.DESTINATION,) * 6):
            self.attack(("nd", "fragment"), [frame6(self.mac, lie, before=before)], harmed=self.believes(friend.link_local))
        lie = frames.ns("::", self.victim.link_local)
        self.attack(("nd", "fragment", "ip6"), [frame6(self.mac, lie, before=(frames.DESTINATION,))], off="seen")

    def test_wrong_hop_limit(self):
        """The victim sees by itself that this is from elsewhere (RFC 4861 7.1.2); others may not."""
        friend = self.friend()
        lie = frames.na(self.link_local, friend.link_local, mac=self.mac)
        self.attack("nd", [frame6(self.mac, lie, hops=64)], off="seen", harmed=self.believes(friend.link_local))

    def test_malformed(self):
        """Cut off before the target, or with options of no length."""
        friend = self.friend()
        message, source, to = frames.na(self.link_local, friend.link_local, mac=self.mac)
        sent = [frame6(self.mac, (message[:n], source, to)) for n in (4, 8, 23)]
        self.attack(("nd", "ip6"), sent)
        self.attack("nd", [frame6(self.mac, (message[:24] + b"\x02\0" + message[26:], source, to))])
        self.assertTrue(self.reaches(self.victim, friend))


class NeighboursOff(Neighbours):
    GUARD = "off"


class Routers(Ip6Test):
    def routed(self):
        """Whether the victim has a default route, or an address of the prefix, that the attacker told it of."""
        said = self.victim.vmm.run("ip", "-6", "route", "show", "default") + self.victim.vmm.run("ip", "-6", "addr")
        return f"via {self.link_local}" in said or PREFIX in said

    def test_advertisement(self):
        ra = frames.ra(self.link_local, self.mac)
        self.attack("ra", [frame6(self.mac, ra)], harmed=self.routed)

    def test_to_one(self):
        ra = frames.ra(self.link_local, self.mac, destination=self.victim.link_local)
        self.attack("ra", [frame6(self.mac, ra, self.victim.mac)], harmed=self.routed)

    def test_as_another(self):
        """In a neighbour's name, to take away its default route, or as nobody."""
        sent = [frame6(self.mac, frames.ra(self.victim.link_local, self.mac)), frame6(self.mac, frames.ra("::", self.mac)),
                frame6(self.mac, frames.ra(GLOBAL, self.mac))]
        self.attack(("ra", "ip6"), sent, off="seen")

    def test_behind_headers(self):
        """RFC 7113 1: what an RA guard that looks only at the first header does not see."""
        ra = frames.ra(self.link_local, self.mac)
        for before in ((frames.HOP_BY_HOP,), (frames.DESTINATION,), (frames.HOP_BY_HOP, frames.DESTINATION),
                       (frames.DESTINATION, frames.DESTINATION), (frames.ROUTING,), (frames.ROUTING, frames.DESTINATION),
                       (frames.DESTINATION,) * 10):
            self.attack(("ra", "fragment"), [frame6(self.mac, ra, before=before)], harmed=self.routed)

    def fragments(self, message, before=b"", kind=frames.ICMP6, first=8):
        """In two, as frames; before: what stands in front of the message, in the first of them."""
        payload, source, to = message
        return [frames.ethernet(self.mac, frames.group_mac(to), frames.IPV6, packet)
                for packet in frames.ipv6_fragments(source, to, kind, before + payload, first)]

    def test_in_fragments(self):
        """The header in the first fragment, or in the second behind options that fill the first (RFC 7113, RFC 6980)."""
        ra = frames.ra(self.link_local, self.mac)
        self.attack(("ra", "fragment"), self.fragments(ra), off="seen")
        hidden = self.fragments(ra, frames.options_header(frames.ICMP6, 64), frames.DESTINATION, 64)
        self.attack(("ra", "fragment"), hidden, off="seen")

    def test_atomic_fragment(self):
        """A fragment header, and all of it in one piece."""
        payload, source, to = frames.ra(self.link_local, self.mac)
        packet = frames.ipv6(source, to, frames.FRAGMENT, frames.fragment_header(frames.ICMP6) + payload)
        self.attack(("ra", "fragment"), [frames.ethernet(self.mac, frames.group_mac(to), frames.IPV6, packet)], off="seen")

    def test_neighbours_in_fragments(self):
        for message in (frames.na(self.link_local, self.victim.link_local, mac=self.mac),
                        frames.ns("::", self.victim.link_local), frames.redirect6(self.link_local, self.victim.link_local,
                                                                                  GLOBAL, GLOBAL, self.mac)):
            self.attack(("nd", "redirect", "fragment"), self.fragments(message), off="seen")
            hidden = self.fragments(message, frames.options_header(frames.ICMP6, 16), frames.DESTINATION, 16)
            self.attack(("nd", "redirect", "fragment"), hidden, off="seen")

    def test_overlapping_fragments(self):
        """The first says echo request, the second says it over (RFC 5722)."""
        payload, source, to = frames.ra(self.link_local, self.mac)
        harmless = frames.icmp6(source, to, 128, b"\0\1\0\1" + payload[8:])
        packets = [frames.ipv6(source, to, frames.FRAGMENT, frames.fragment_header(frames.ICMP6, offset, more) + part)
                   for offset, more, part in ((0, True, harmless[:16]), (0, True, payload[:16]), (16, False, payload[16:]))]
        self.attack(("ra", "fragment"), [frames.ethernet(self.mac, frames.group_mac(to), frames.IPV6, p) for p in packets],
                    off="seen")

    def test_large_datagram(self):
        """Fragments of its own that are no attack."""
        source, to = self.link_local, self.victim.link_local
        message = frames.udp(source, to, 40000, 9, b"x" * 2000)
        self.passes(*[frames.ethernet(self.mac, self.victim.mac, frames.IPV6, packet)
                      for packet in frames.ipv6_fragments(source, to, frames.UDP, message, 1200)])

    def test_redirect(self):
        """That the attacker's is the better way to somebody behind the friend, in the friend's name."""
        friend = self.friend()
        self.assertTrue(self.reaches(self.victim, self.attacker))
        self.victim.vmm.run("ip", "-6", "addr", "add", GLOBAL + "/128", "dev", "eth0", "nodad")
        self.victim.vmm.run("ip", "-6", "route", "add", "2001:db8:9::/64", "via", friend.link_local, "dev", "eth0")
        message = frames.redirect6(friend.link_local, GLOBAL, "2001:db8:9::1", self.link_local, self.mac)
        self.attack(("redirect", "ip6"), [frame6(self.mac, message, self.victim.mac)], harmed=self.redirected(self.link_local))

    def test_redirect_of_its_own(self):
        """Of a route that goes by the attacker indeed."""
        friend = self.friend()
        self.assertTrue(self.reaches(self.victim, self.attacker))
        self.victim.vmm.run("ip", "-6", "addr", "add", GLOBAL + "/128", "dev", "eth0", "nodad")
        self.victim.vmm.run("ip", "-6", "route", "add", "2001:db8:9::/64", "via", self.link_local, "dev", "eth0")
        message = frames.redirect6(self.link_local, GLOBAL, "2001:db8:9::1", friend.link_local, friend.mac)
        self.attack("redirect", [frame6(self.mac, message, self.victim.mac)], harmed=self.redirected(friend.link_local))
        self.attack(("redirect", "fragment"), [frame6(self.mac, message, self.victim.mac, before=(frames.DESTINATION,))])

    def redirected(self, to):
        return lambda: f"via {to}" in self.victim.vmm.run("ip", "-6", "route", "get", "2001:db8:9::1", "from", GLOBAL)


class RoutersOff(Routers):
    GUARD = "off"


if __name__ == "__main__":
    unittest.main()

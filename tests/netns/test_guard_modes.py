#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The guard's modes, and that it is there whatever becomes of netd, of the configuration and of ports."""

import threading
import unittest

from guard_kit import GATEWAY, OUTSIDE, STRANGER, GuardTest

from harness import arp, dhcp, frames
from harness.frames import frame6


class ModeTest(GuardTest):
    MORE = "dhcp = off"  # so that nothing else is in the way
    LEASE = False

    def setUp(self):
        super().setUp()
        for station in (self.attacker, self.victim):
            station.ipv6_at_once()

    def datagram(self, mac=None, source=None, text=b"x"):
        mac, source = mac or self.attacker.mac, source or self.attacker.address
        return frames.ethernet(mac, self.victim.mac, frames.IPV4,
                               frames.ipv4(source, self.victim.address, frames.UDP,
                                           frames.udp(source, self.victim.address, 40000, 9, text)))

    def one_of_each(self):
        """{reason: a frame that only this one holds against}."""
        me, them, mac = self.attacker.link_local, self.victim.link_local, self.attacker.mac
        plain = frames.udp("2001:db8::1", them, 40000, 9, b"x")
        nd, source, to = frames.na(me, me, mac=mac)
        return {
            "mac": self.datagram(STRANGER), "ip": self.datagram(source=GATEWAY), "arp": arp.announcement(mac, GATEWAY),
            "ip6": frames.ethernet(mac, self.victim.mac, frames.IPV6, frames.ipv6("2001:db8::1", them, frames.UDP, plain)),
            "nd": frame6(mac, frames.na(me, them, mac=mac)),
            "dhcp-server": dhcp.frame(dhcp.message(op=2, options=[(53, b"\x02")]), mac=mac, source=self.attacker.address,
                                      source_port=67, port=68),
            "ra": frame6(mac, frames.ra(me, mac)),
            "redirect": frames.ethernet(mac, self.victim.mac, frames.IPV4,
                                        frames.redirect(self.attacker.address, self.victim.address, OUTSIDE, GATEWAY)),
            "vlan": frames.ethernet(mac, self.victim.mac, frames.IPV4, self.datagram()[14:], [(frames.VLAN, 0)]),
            "ethertype": frames.ethernet(mac, self.victim.mac, frames.LLDP, b"x" * 46),
            "fragment": frames.ethernet(mac, frames.group_mac(to), frames.IPV6,
                                        frames.ipv6_fragments(source, to, frames.ICMP6, nd, 16)[0]),
        }

    def mode(self):
        return {name: port["guard"]["mode"] for name, port in self.netd.guests().items()}

    def reload(self, guard):
        self.GUARD = guard  # pylint: disable=invalid-name
        self.netd.configure(self.config())
        self.netd.ctl("reload")
        self.assertEqual(self.mode(), {"attacker/0": guard, "victim/0": guard})

    def each(self, off="seen"):
        for reason, frame in self.one_of_each().items():
            with self.subTest(reason):
                self.attack(reason, [frame], off=off)


class On(ModeTest):
    def test_each(self):
        self.assertEqual(self.mode(), {"attacker/0": "on", "victim/0": "on"})
        self.each()
        self.assertEqual(self.attacker.drops(), dict.fromkeys(self.one_of_each(), 1))
        # Not once more: rate-limited by port and reason, so the next is of another port.
        self.each()
        self.in_vain([self.victim.packet(self.attacker, GATEWAY, b"x")], sender=self.victim, receiver=self.attacker)
        event = self.watch.until("spoof")
        self.assertEqual((event["guest"], event["interface"]), ("victim", self.victim.interface))

    def test_summary(self):
        """Who was said to send what to whom."""
        self.attacker.send(self.one_of_each()["ip"])
        detail = self.expect_event({"ip"})["detail"]
        for part in (GATEWAY, self.victim.address):
            self.assertIn(part, detail)
        self.attacker.send(self.one_of_each()["mac"])
        self.assertIn(STRANGER, self.expect_event({"mac"})["detail"])
        self.attacker.send(self.one_of_each()["ip6"])
        self.assertIn("2001:db8::1", self.expect_event({"ip6"})["detail"])

    def test_shown(self):
        """In the API as in netdctl, and for people."""
        self.attack("ip", [self.datagram(source=GATEWAY)] * 3)
        guard = self.netd.guests()["attacker/0"]["guard"]
        self.assertEqual(guard["mode"], "on")
        self.assertEqual(guard["drops"]["ip"], 3)


class Log(ModeTest):
    GUARD = "log"

    def test_each(self):
        self.assertEqual(self.mode(), {"attacker/0": "log", "victim/0": "log"})
        self.each()
        self.assertEqual(self.attacker.drops(), dict.fromkeys(self.one_of_each(), 1))


class LogOfMany(ModeTest):
    """A network that is not the first."""

    GUARD = "log"

    def config(self, guard=None):
        return "network another { subnet = 10.78.0.1/24 }\n" + super().config(guard)

    def test_left_as_it_was(self):
        """What passes bears no mark that the host's own rules could stumble on."""
        self.host.ns.run("nft", "add table bridge other; add chain bridge other c { type filter hook forward priority 0; }; "
                         "add rule bridge other c meta mark != 0 counter log group 9")
        self.each()
        self.passes(*[frame6(self.attacker.mac, frames.ns("::", address))
                      for address in (self.attacker.link_local, "fe80::66")])
        self.assertIn("counter packets 0 bytes 0", self.host.ns.run("nft", "list", "table", "bridge", "other"))


class Off(ModeTest):
    GUARD = "off"

    def test_each(self):
        self.each()
        self.assertEqual(self.attacker.drops(), {})
        # Nothing was told of it: what is told next is of later.
        self.netd.ctl("detach", "victim")
        event = self.watch.next()
        while event["event"] != "detached":
            self.assertNotEqual(event["event"], "spoof")
            event = self.watch.next()


class Default(GuardTest):
    """No word of it in the configuration."""

    def config(self, guard=None):
        return super().config().replace("guard = on\n\t", "")

    def test_on(self):
        self.assertNotIn("guard", self.config())
        self.attack("arp", [arp.announcement(self.attacker.mac, GATEWAY)])

    def test_bad_value(self):
        self.netd.configure(super().config().replace("guard = on", "guard = maybe"))
        code, _, said = self.netd.ctl("reload", check=False)
        self.assertEqual(code, 1)
        self.assertRegex(said, r"netd\.conf:\d+: .*guard.*maybe|netd\.conf:\d+: .*maybe.*guard")
        self.assertEqual(said.count("\n"), 1)
        self.attack("arp", [arp.announcement(self.attacker.mac, GATEWAY)])


class Live(ModeTest):
    def test_reload(self):
        for mode in ("log", "off", "on", "off", "log", "on"):
            self.reload(mode)
            self.attack("ip", [self.datagram(source=GATEWAY), self.datagram(source="10.77.0.66")], told=False)
            self.passes(self.datagram())

    def test_stream(self):
        """A frame each millisecond, through all changes: none is lost, none twice, none out of order."""
        stop = threading.Event()
        sent = [0]

        def stream():
            while not stop.is_set():
                self.attacker.send(self.datagram(text=b"stream" + sent[0].to_bytes(4, "big")))
                sent[0] += 1
                stop.wait(0.001)
        sender = threading.Thread(target=stream)
        sender.start()
        try:
            for mode in ("log", "off", "on") * 5:
                self.reload(mode)
        finally:
            stop.set()
            sender.join()
        came = [int.from_bytes(frame[48:52], "big") for frame in self.seen(self.attacker, self.victim)
                if frame[42:48] == b"stream"]
        self.assertGreater(sent[0], 15)
        self.assertEqual(came, list(range(sent[0])))

    def test_killed(self):
        """The rules are the kernel's; netd may be dead."""
        self.each()
        before = self.attacker.drops()
        frames_ = list(self.one_of_each().values())
        self.netd.kill()
        self.in_vain(frames_)
        self.attacker.send(self.datagram())
        self.assertIn(self.datagram(), self.seen(self.attacker, self.victim))
        self.assertTrue(self.victim.vmm.ping(OUTSIDE))
        self.netd.start()
        self.in_vain(frames_)
        after = self.attacker.drops()
        print(f"drops before the kill {before}; after the start {after}")
        for reason in before:
            self.assertIn(after[reason], range(1, 4), reason)
        self.assertEqual(self.victim.drops(), {})
        self.watch.close()
        self.watch = self.netd.watch()
        self.told = set()
        self.attack("ip", [self.datagram(source=GATEWAY)], told=False)

    def test_stopped_and_started(self):
        """Nothing gets through between; the port is adopted and guarded as before."""
        self.each()
        self.netd.stop()
        self.in_vain(list(self.one_of_each().values()))
        self.netd.start()
        self.assertEqual(self.mode(), {"attacker/0": "on", "victim/0": "on"})
        self.in_vain(list(self.one_of_each().values()))
        self.passes(self.datagram())

    def test_mode_that_changed_meanwhile(self):
        self.netd.stop()
        self.netd.configure(self.config("log"))
        self.netd.start()
        self.assertEqual(self.mode(), {"attacker/0": "log", "victim/0": "log"})
        self.GUARD = "log"
        self.attack("ip", [self.datagram(source=GATEWAY)], told=False)

    def first_come(self, again):
        """The victim uses an address, and the attacker wants it after that and after the other."""
        theirs, taken = "fe80::66", self.victim.link_local
        to = self.attacker.link_local
        claim = frames.ethernet(self.victim.mac, self.attacker.mac, frames.IPV6,
                                frames.ipv6(theirs, to, frames.UDP, frames.udp(theirs, to, 40000, 9, b"x")))
        theft = frames.ethernet(self.attacker.mac, self.victim.mac, frames.IPV6,
                                frames.ipv6(theirs, taken, frames.UDP, frames.udp(theirs, taken, 40000, 9, b"x")))
        self.passes(claim, sender=self.victim, receiver=self.attacker)
        self.in_vain([theft])
        again()
        self.in_vain([theft])
        self.passes(claim, sender=self.victim, receiver=self.attacker)

    def test_first_come_and_reload(self):
        self.first_come(lambda: self.reload("on"))

    def test_first_come_and_restart(self):
        self.first_come(lambda: (self.netd.kill(), self.netd.start()))

    def test_first_come_and_another_port(self):
        """Ports that come and go change nothing of it."""
        self.first_come(lambda: self.vmm(self.netd, "other").close())


class Ports(ModeTest):
    def old_and_new(self, old):
        """Frames of the port under its former MAC and address."""
        return [self.datagram(old.mac, old.address), self.datagram(old.mac), arp.announcement(old.mac, old.address)]

    def test_other_mac(self):
        old = self.attacker
        self.attack("ip", [self.datagram(source=GATEWAY)])
        old.vmm.close()
        self.watch.until("gone", guest="attacker")
        self.netd.ctl("release", "attacker")
        self.attacker = self.station("attacker", "--mac", "52:54:00:00:00:99")
        self.assertEqual(self.attacker.mac, "52:54:00:00:00:99")
        self.assertEqual(self.attacker.drops(), {}, "it is another port")
        self.passes(self.datagram())
        self.attack("mac", self.old_and_new(old), told=False)
        self.attack("ip", [self.datagram(source=GATEWAY)], told=False)

    def test_attached_again(self):
        self.attack("ip", [self.datagram(source=GATEWAY)])
        self.attacker.vmm.close()
        self.watch.until("gone", guest="attacker")
        self.attacker = self.station("attacker")
        self.passes(self.datagram())
        self.attack("ip", [self.datagram(source=GATEWAY)], told=False)

    def test_who_has_gone(self):
        """Its MAC and address are nobody's then; a newcomer does not inherit a thing."""
        old = self.attacker
        old.vmm.close()
        self.watch.until("gone", guest="attacker")
        self.attacker = self.station("newcomer")
        self.attack("mac", self.old_and_new(old), told=False)
        self.attack("ip", [self.datagram(source=old.address)], told=False)

    def test_second_card(self):
        """Two cards of one guest are two."""
        vmm = self.vmm(self.netd, "attacker", "--nic", "1")
        port = self.netd.guests()["attacker/1"]
        address = port["addresses"][0].split("/")[0]
        with frames.Sniffer(vmm) as wire:
            wire.send(self.datagram(port["mac"], address))
            wire.send(self.datagram(self.attacker.mac, self.attacker.address, b"other card"))
            wire.send(self.datagram(port["mac"], address, b"last"))
            seen = self.victim.wire.until(self.datagram(port["mac"], address, b"last"))
        self.assertIn(self.datagram(port["mac"], address), seen)
        self.assertNotIn(self.datagram(self.attacker.mac, self.attacker.address, b"other card"), seen)
        drops = {name: {k: n for k, n in p["guard"]["drops"].items() if n} for name, p in self.netd.guests().items()}
        self.assertEqual(drops, {"attacker/0": {}, "attacker/1": {"mac": 1}, "victim/0": {}})
        self.assertEqual(self.watch.until("spoof")["nic"], 1)
        self.attack("mac", [self.datagram(port["mac"], address)])

    def test_two_networks(self):
        """A guard that is off on one network is on on another."""
        self.netd.configure(self.config() + "network other { subnet = 10.78.0.1/24 guard = off }\n")
        self.netd.ctl("reload")
        vmm = self.vmm(self.netd, "elsewhere", "--network", "other")
        self.vmm(self.netd, "hears", "--network", "other")
        self.assertEqual(self.mode(), {"attacker/0": "on", "victim/0": "on", "elsewhere/0": "off", "hears/0": "off"})
        self.attack("ip", [self.datagram(source=GATEWAY)])
        vmm.udhcpc()
        self.assertTrue(vmm.ping("10.78.0.1"))


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Who reaches whom: isolate, reach, host-access, rules, and how many connections a guest may have."""

import re
import unittest

from support import NetnsTest

from harness.namespaces import Host
from harness.speak import Speaker, reached

OUT = Host.INTERNET_ADDRESS
ONE = "network one {{ subnet = 10.77.1.1/24 dns = {{ 192.0.2.53 }} {} }}\n"
TWO = "network two {{ subnet = 10.77.2.1/24 dns = {{ 192.0.2.53 }} {} }}\n"


class PolicyTest(NetnsTest):
    def guest(self, daemon, name, network="one"):
        vmm = self.vmm(daemon, name, "--network", network)
        vmm.address = vmm.udhcpc()["ip"]
        return vmm

    def speaker(self, place, *words):
        speaker = Speaker(place, *words)
        self.addCleanup(speaker.close)
        return speaker

    def stream(self, place, target):
        stream = self.speaker(place, "stream", target)
        self.assertEqual(stream.hear(), "ready")
        return stream

    def serve(self, place, *targets):
        self.assertEqual(self.speaker(place, "serve", *targets).hear(), "ready")

    def assert_reached(self, place, yes, no):
        """Those of the first list answer, and those of the second do not."""
        self.assertEqual(sorted(reached(place, [*yes, *no], yes)), sorted(yes))

    def pings(self, place, address):
        return place.ok("ping", "-c", "1", "-W", "1", address)

    def reload(self, daemon, config):
        daemon.configure(config)
        daemon.ctl("reload")

    def with_and_without_br_netfilter(self):
        """Whether the bridge calls the rules of forwarding for what it bridges; where the host does not know, it does not."""
        switch = "/proc/sys/net/bridge/bridge-nf-call-iptables"
        for on in "01":
            if self.host.ns.ok("sh", "-c", f"test ! -e {switch} || echo {on} > {switch}"):
                yield on

    def isolated_flag(self, daemon, port):
        name = daemon.guests()[port]["interface"]
        return self.host.ns.json("bridge", "-j", "-d", "link", "show", "dev", name)[0]["isolated"]


class Isolate(PolicyTest):
    def test_on_and_off_again(self):
        daemon = self.daemon(ONE.format("isolate = yes"))
        a, b = self.guest(daemon, "a"), self.guest(daemon, "b")
        self.assertTrue(self.isolated_flag(daemon, "a/0"))
        self.assertTrue(daemon.ctl_json("network", "one")["isolate"])
        self.assertFalse(self.pings(a, b.address))
        self.assertTrue(a.ping("10.77.1.1"))
        self.assertTrue(b.ping(OUT))
        # Past the bridge, by way of the host.
        for vmm, other in ((a, b), (b, a)):
            vmm.run("ip", "route", "add", f"{other.address}/32", "via", "10.77.1.1")
        for _ in self.with_and_without_br_netfilter():
            self.assertFalse(self.pings(a, b.address))
            self.assertFalse(self.pings(b, a.address))
        self.reload(daemon, ONE.format(""))
        self.assertFalse(self.isolated_flag(daemon, "a/0"))
        self.assertFalse(daemon.ctl_json("network", "one")["isolate"])
        self.assertTrue(a.ping(b.address), "the detour is none any more")
        a.run("ip", "route", "del", f"{b.address}/32")
        b.run("ip", "route", "del", f"{a.address}/32")
        self.assertTrue(a.ping(b.address))
        self.reload(daemon, ONE.format("isolate = yes"))
        self.assertTrue(self.isolated_flag(daemon, "a/0"))
        self.assertFalse(self.pings(a, b.address))

    def test_detour_to_the_port_s_own_address(self):
        """The host hears a frame to its side of the port as well as one to the bridge."""
        daemon = self.daemon(ONE.format("isolate = yes"))
        a, b = self.guest(daemon, "a"), self.guest(daemon, "b")
        for vmm, other in ((a, b), (b, a)):
            mac = self.host.ns.links()[daemon.guests()[f"{vmm.name}/0"]["interface"]]["address"]
            vmm.run("ip", "route", "add", f"{other.address}/32", "via", "10.77.1.1")
            vmm.run("ip", "neigh", "replace", "10.77.1.1", "lladdr", mac, "dev", "eth0", "nud", "permanent")
        self.assertTrue(a.ping(OUT), "the host routes for such a frame")
        self.assertFalse(self.pings(a, b.address))
        self.reload(daemon, ONE.format(""))
        self.assertTrue(a.ping(b.address), "nothing else was in the way")

    def test_put_right(self):
        for on in (True, False):
            daemon = self.daemon(ONE.format(f"isolate = {'yes' if on else 'no'}"))
            guest = self.guest(daemon, "a")
            name = daemon.guests()["a/0"]["interface"]
            self.host.ns.run("bridge", "link", "set", "dev", name, "isolated", "off" if on else "on")
            self.until(lambda: self.isolated_flag(daemon, "a/0") == on)  # pylint: disable=cell-var-from-loop
            guest.close()
            daemon.close()

    def test_adopted(self):
        """Guests of a daemon that ended are isolated by the next."""
        daemon = self.daemon(ONE.format(""))
        a, b = self.guest(daemon, "a"), self.guest(daemon, "b")
        self.assertTrue(a.ping(b.address))
        daemon.kill()
        daemon.configure(ONE.format("isolate = yes"))
        daemon.start()
        self.assertTrue(self.isolated_flag(daemon, "a/0"))
        self.assertFalse(self.pings(a, b.address))

    def test_an_interface_of_the_host_is_no_guest(self):
        ns = self.host.ns
        daemon = self.daemon(ONE.format("isolate = yes port v0 { }"))
        guest = self.guest(daemon, "a")
        ns.run("ip", "link", "add", "v0", "type", "veth", "peer", "name", "eth0", "netns", str(self.host.internet.pid))
        self.host.internet.run("ip", "link", "set", "eth0", "up")
        self.host.internet.run("ip", "addr", "add", "10.77.1.250/24", "dev", "eth0")
        self.until(lambda: ns.links().get("v0", {}).get("master") == "nd-one")
        for _ in self.with_and_without_br_netfilter():
            self.assertTrue(guest.ping("10.77.1.250"))
            self.assertTrue(self.host.internet.ok("ping", "-c", "1", "-W", "10", "-I", "eth0", guest.address))


class Reach(PolicyTest):
    def test_one_way_and_its_answers(self):
        config = ONE.format("reach = { two }") + TWO.format("")
        daemon = self.daemon(config)
        one, two = self.guest(daemon, "g1"), self.guest(daemon, "g2", "two")
        self.serve(one, "tcp:7001", "udp:7001")
        self.serve(two, "tcp:7002", "udp:7002")
        there = [f"tcp:{two.address}:7002", f"udp:{two.address}:7002"]
        self.assertEqual(daemon.ctl_json("network", "one")["reach"], ["two"])
        self.assertEqual(reached(one, there, there), dict.fromkeys(there, one.address), "under its own address")
        self.assertTrue(one.ping(two.address))
        self.assert_reached(two, [], [f"tcp:{one.address}:7001", f"udp:{one.address}:7001"])
        self.assertFalse(self.pings(two, one.address))
        # Both ways, and no way at all; a connection that stands goes on.
        stream = self.stream(one, there[0])
        self.assertEqual(stream.say("1"), f"1{one.address}")
        self.reload(daemon, ONE.format("reach = { two }") + TWO.format("reach = { one }"))
        self.assertTrue(two.ping(one.address))
        self.reload(daemon, ONE.format("") + TWO.format(""))
        self.assertFalse(self.pings(one, two.address))
        self.assert_reached(one, [], there)
        self.assertEqual(stream.say("2"), f"2{one.address}")

    def test_isolated_networks(self):
        daemon = self.daemon(ONE.format("mode = isolated reach = { two }") + TWO.format("") +
                             "network three { mode = isolated subnet = 10.77.3.1/24 }\n")
        one, two, three = self.guest(daemon, "g1"), self.guest(daemon, "g2", "two"), self.guest(daemon, "g3", "three")
        self.assertEqual(daemon.guests()["g1/0"]["gateway"], "10.77.1.1")
        self.assertIsNone(daemon.guests()["g3/0"]["gateway"])
        self.assertTrue(one.ping(two.address))
        self.assertFalse(self.pings(two, one.address))
        self.assertFalse(self.pings(one, OUT))
        three.run("ip", "route", "add", "default", "via", "10.77.3.1")
        self.assertFalse(self.pings(three, two.address))
        self.assertFalse(self.pings(three, one.address))
        self.assertFalse(self.pings(one, three.address))


class HostAccess(PolicyTest):
    def test_closed_and_open(self):
        daemon = self.daemon(ONE.format("") + TWO.format("host-access = { tcp:8000, udp:9000-9001 }"))
        one, two = self.guest(daemon, "g1"), self.guest(daemon, "g2", "two")
        self.serve(self.host.ns, "tcp:53", "udp:53", "tcp:8000", "udp:8000", "tcp:22", "udp:9000", "udp:9001", "udp:9002")

        def targets(address, *services):
            return [service.replace(":", f":{address}:") for service in services]

        for address in ("10.77.1.1", Host.UPLINK_ADDRESS):
            self.assert_reached(one, targets(address, "tcp:53", "udp:53"),
                                targets(address, "tcp:8000", "udp:8000", "tcp:22", "udp:9000"))
            self.assertTrue(one.ping(address))
        self.assert_reached(two, targets("10.77.2.1", "tcp:53", "tcp:8000", "udp:9000", "udp:9001"),
                            targets("10.77.2.1", "udp:8000", "tcp:22", "udp:9002"))
        # From elsewhere it is nobody's business here, and the host itself reaches its guests.
        self.assert_reached(self.host.internet, targets(Host.UPLINK_ADDRESS, "tcp:22", "udp:9002"), [])
        self.serve(one, "tcp:7001")
        self.assert_reached(self.host.ns, [f"tcp:{one.address}:7001"], [])
        self.assertTrue(one.udhcpc()["ip"], "DHCP goes on")
        self.reload(daemon, ONE.format("host-access = { any }") + TWO.format(""))
        self.assert_reached(one, targets("10.77.1.1", "tcp:22", "udp:9002"), [])
        self.assert_reached(two, targets("10.77.2.1", "tcp:53"), targets("10.77.2.1", "tcp:8000", "udp:9000"))

    def test_loopback_stays_the_host_s(self):
        """Also where somebody has made it reachable, as for published ports."""
        daemon = self.daemon(ONE.format(""))
        guest = self.guest(daemon, "a")
        self.serve(self.host.ns, "udp:53")
        self.host.ns.run("sysctl", "-q", "-w", "net.ipv4.conf.nd-one.route_localnet=1")
        guest.run("ip", "route", "del", "local", "127.0.0.0/8", "dev", "lo", "table", "local", check=False)
        guest.run("ip", "route", "del", "local", "127.0.0.1", "dev", "lo", "table", "local", check=False)
        guest.run("sysctl", "-q", "-w", "net.ipv4.conf.all.route_localnet=1")
        guest.run("ip", "route", "add", "127.0.0.9/32", "via", "10.77.1.1", "src", guest.address)
        self.assert_reached(guest, ["udp:10.77.1.1:53"], ["udp:127.0.0.9:53"])
        rules = self.host.ns.run("nft", "list", "chain", "inet", "netd", "loopback")
        self.assertRegex(rules, r"daddr 127\.0\.0\.0/8 counter packets [1-9]", "it came so far, and was dropped")


class Rules(PolicyTest):
    """A routed network, which an outside knows the way to, so that everybody reaches everybody without rules."""

    def setUp(self):
        super().setUp()
        self.host.internet.run("ip", "route", "add", "10.77.0.0/16", "via", Host.UPLINK_ADDRESS)

    @staticmethod
    def config(in_network="", top=""):
        return top + ONE.format("mode = route " + in_network)

    def outside(self, *services):
        return [service.replace(":", f":{OUT}:") for service in services]

    def test_out(self):
        daemon = self.daemon(self.config("rule { deny out tcp:7001 to 203.0.113.7 } rule { allow out tcp:7001,7002 }\n"
                                         "rule { allow out udp:7000-7005 to 203.0.113.0/24 }"))
        guest = self.guest(daemon, "a")
        self.serve(self.host.internet, "tcp:7001", "tcp:7002", "tcp:7003", "udp:7001", "udp:7005", "udp:7006")
        self.assert_reached(guest, [*self.outside("tcp:7002", "udp:7001", "udp:7005"), "tcp:192.0.2.1:7001"],
                            [*self.outside("tcp:7001", "tcp:7003", "udp:7006"), "udp:192.0.2.1:7001"])
        self.assertFalse(self.pings(guest, OUT), "no rule matches")
        self.assertTrue(self.pings(self.host.internet, guest.address), "there is none for this direction")
        self.assertTrue(guest.ping("10.77.1.1"), "the host is not what is behind it")

    def test_in(self):
        daemon = self.daemon(self.config("rule { allow in tcp:7001 from 192.0.2.0/24 } rule { allow in icmp }"))
        guest = self.guest(daemon, "a")
        self.serve(guest, "tcp:7001", "tcp:7002", "udp:7001")
        self.assert_reached(self.host.internet, [f"tcp:{guest.address}:7001"],
                            [f"tcp:{guest.address}:7002", f"udp:{guest.address}:7001"])
        self.assertTrue(self.pings(self.host.internet, guest.address))
        self.assertFalse(self.host.internet.ok("ping", "-c", "1", "-W", "1", "-I", "lo", "-I", "192.0.2.77", guest.address))
        self.assertTrue(guest.ping(OUT), "out is up to the mode")
        self.reload(daemon, self.config("rule { allow in tcp:7001 from 198.51.100.0/24 }"))
        self.assert_reached(self.host.internet, [], [f"tcp:{guest.address}:7001"])
        self.assertFalse(self.pings(self.host.internet, guest.address))

    def test_protocols_by_number_and_deny_any(self):
        daemon = self.daemon(self.config("rule { allow in 1 } rule { deny in any } rule { allow in udp }"))
        guest = self.guest(daemon, "a")
        self.serve(guest, "udp:7001")
        self.assertTrue(self.pings(self.host.internet, guest.address))
        self.assert_reached(self.host.internet, [], [f"udp:{guest.address}:7001"])

    def test_guest_before_groups_before_network(self):
        daemon = self.daemon(self.config("""
            rule { allow in tcp:7001-7003 }
            group front { rule { deny in tcp:7002 } rule { allow in tcp:7004 } }
            host a { rule { deny in tcp:7001 } groups = { front, back } }
            host b { groups = { back, front } }
            """, "group back { rule { allow in tcp:7005 }  rule { deny in tcp:7004 } }\n"))
        guests = {name: self.guest(daemon, name) for name in "abc"}
        served = [f"tcp:{port}" for port in range(7001, 7006)]
        for name, ports in (("a", (7003, 7004, 7005)), ("b", (7001, 7003, 7005)), ("c", (7001, 7002, 7003))):
            with self.subTest(guest=name):
                self.serve(guests[name], *served)
                all_of_them = {p: f"tcp:{guests[name].address}:{p}" for p in range(7001, 7006)}
                self.assert_reached(self.host.internet, [all_of_them[p] for p in ports],
                                    [t for p, t in all_of_them.items() if p not in ports])
        # All cards of a guest, and nobody's when it is gone.
        second = self.vmm(daemon, "a", "--network", "one", "--nic", "1")
        second.address = second.udhcpc()["ip"]
        self.serve(second, *served)
        self.assert_reached(self.host.internet, [f"tcp:{second.address}:7003"],
                            [f"tcp:{second.address}:7001", f"tcp:{second.address}:7002"])
        for vmm in (second, *guests.values()):
            vmm.close()
        self.until(lambda: all(g["state"] == "reserved" for g in daemon.guests().values()))
        sets = self.host.ns.run("nft", "list", "ruleset")
        for kind in ("policy", "group"):
            self.assertRegex(sets, rf"set {kind}-1 {{\s*type ipv4_addr\s*}}", "nothing is left in it")

    def test_members_of_a_group(self):
        """They are known by their addresses, also from other networks, as soon as they are there."""
        daemon = self.daemon(self.config("host db { rule { allow in tcp:7001 from group web } }", "group web { }\n") +
                             TWO.format("reach = { one } host w1 { groups = { web } }"))
        db, other = self.guest(daemon, "db"), self.guest(daemon, "w2", "two")
        self.serve(db, "tcp:7001")
        member = self.guest(daemon, "w1", "two")
        self.assert_reached(member, [f"tcp:{db.address}:7001"], [])
        self.assert_reached(other, [], [f"tcp:{db.address}:7001"])
        self.assert_reached(self.host.internet, [], [f"tcp:{db.address}:7001"])

    def test_from_a_network(self):
        daemon = self.daemon(self.config("rule { allow in tcp:7001 from network two } rule { allow out any to network two }") +
                             TWO.format("reach = { one }") +
                             "network three { subnet = 10.77.3.1/24 dns = { 192.0.2.53 } reach = { one } }\n")
        one, two, three = (self.guest(daemon, f"g{n}", name) for n, name in enumerate(("one", "two", "three")))
        self.serve(one, "tcp:7001")
        self.assert_reached(two, [f"tcp:{one.address}:7001"], [])
        self.assert_reached(three, [], [f"tcp:{one.address}:7001"])
        self.assertFalse(self.pings(one, OUT))

    def test_neighbours_are_bridged_past_rules(self):
        daemon = self.daemon(self.config("rule { deny in any } rule { deny out any }"))
        a, b = self.guest(daemon, "a"), self.guest(daemon, "b")
        for _ in self.with_and_without_br_netfilter():
            self.assertTrue(a.ping(b.address))
            self.assertFalse(self.pings(a, OUT))
        self.assertTrue(self.host.ns.ok("ping", "-c", "1", "-W", "10", a.address), "nor do they hold for the host")

    def test_what_was_published_by_others(self):
        """Somebody's own rule sends a port of the host to a guest: the guest's rules decide, for neighbours as well."""
        ns = self.host.ns
        ns.run("nft", "add table ip mine; add chain ip mine c { type nat hook prerouting priority dstnat; };"
               "add rule ip mine c ip daddr 192.0.2.2 tcp dport { 7001, 7002 } dnat to 10.77.1.9")
        for mode in ("nat", "route"):
            with self.subTest(mode=mode):
                config = f"mode = {mode} isolate = yes host a {{ address = 10.77.1.9 %s }}"
                daemon = self.daemon(ONE.format(config % "") + TWO.format(""))
                guest, other = self.guest(daemon, "a"), self.guest(daemon, "g2", "two")
                self.serve(guest, "tcp:7001", "tcp:7002")
                for place in (self.host.internet, other):
                    self.assert_reached(place, ["tcp:192.0.2.2:7001"], [])
                self.reload(daemon, ONE.format(config % "rule { allow in tcp:7002 }") + TWO.format(""))
                for place in (self.host.internet, other):
                    self.assert_reached(place, ["tcp:192.0.2.2:7002"], ["tcp:192.0.2.2:7001"])
                for vmm in (guest, other):
                    vmm.close()
                daemon.close()

    def test_a_rule_lets_nobody_past_reach(self):
        daemon = self.daemon(self.config("rule { allow in any } rule { allow out any }") + TWO.format(""))
        one, two = self.guest(daemon, "g1"), self.guest(daemon, "g2", "two")
        self.assertFalse(self.pings(two, one.address))
        self.assertFalse(self.pings(one, two.address))

    def test_changed_under_a_stream(self):
        """Other rules hold for running guests at once, and what was let through goes on."""
        daemon = self.daemon(self.config())
        guest = self.guest(daemon, "a")
        self.serve(self.host.internet, "tcp:7001")
        self.serve(guest, "tcp:7002")
        out = self.stream(guest, f"tcp:{OUT}:7001")
        inward = self.stream(self.host.internet, f"tcp:{guest.address}:7002")
        for n, more in enumerate(("rule { deny out any } rule { deny in any }", "",
                                  "host a { rule { deny out any } rule { deny in any } }",
                                  "host a { groups = { g } } group g { rule { deny in any } rule { deny out any } }")):
            self.reload(daemon, self.config(more))
            self.assertEqual(out.say(f"{n}:"), f"{n}:{guest.address}")
            self.assertEqual(inward.say(f"{n}:")[:2], f"{n}:")
            yes, no = self.outside("tcp:7001"), [f"tcp:{guest.address}:7002"]
            if more:
                self.assert_reached(guest, [], yes)
                self.assert_reached(self.host.internet, [], no)
            else:
                self.assert_reached(guest, yes, [])
                self.assert_reached(self.host.internet, no, [])

    def test_a_refused_reload_changes_nothing(self):
        daemon = self.daemon(self.config("rule { deny out icmp } rule { allow out any }"))
        guest = self.guest(daemon, "a")
        before = self.host.ns.dump()
        daemon.configure(self.config("rule { deny out icmp }\nrule {\n allow out tpc:80 }"))
        code, _, said = daemon.ctl("reload", check=False)
        self.assertEqual(code, 1)
        self.assertIn("netd.conf:2: rule: 'tpc' is not a protocol: tcp, udp, icmp, any or a number from 1 to 255", said)
        self.assertEqual(self.host.ns.dump(), before)
        self.assertFalse(self.pings(guest, OUT))


class Connections(PolicyTest):
    def drops(self, chain):
        listed = self.host.ns.run("nft", "list", "chain", "inet", "netd", chain)
        return sum(map(int, re.findall(r"counter packets (\d+)", listed)))

    def test_one_guest_has_no_more_than_its_share(self):
        daemon = self.daemon(ONE.format("max-connections = 50"))
        greedy, other = self.guest(daemon, "a"), self.guest(daemon, "b")
        self.serve(self.host.internet, "udp:7001", "tcp:7002")
        filler = self.speaker(greedy, "fill", "80", f"udp:{OUT}:7001")
        self.assertEqual(filler.hear(), "50")
        self.assertGreaterEqual(self.drops("cap/nd-one"), 30)
        self.assert_reached(greedy, [], [f"tcp:{OUT}:7002"])
        self.assertFalse(self.pings(greedy, "10.77.1.1"), "with the host, too")
        self.assertTrue(greedy.udhcpc()["ip"])
        self.assert_reached(other, [f"udp:{OUT}:7001", f"tcp:{OUT}:7002"], [])
        self.assertTrue(other.ping("10.77.1.1"))

    def test_packets_of_one_connection_are_one(self):
        """Also those that nobody has answered yet."""
        daemon = self.daemon(ONE.format("max-connections = 5"))
        guest = self.guest(daemon, "a")
        self.serve(self.host.internet, "udp:7002")
        guest.run("/usr/bin/python3", "-c", "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);"
                  f"[s.sendto(b'x', ('{OUT}', 7002 + (n == 999))) for n in range(1000)]")
        self.assertEqual(self.drops("cap/nd-one"), 0)
        self.assert_reached(guest, [f"udp:{OUT}:7002"], [])

    def test_no_limit(self):
        daemon = self.daemon(ONE.format("max-connections = 0"))
        guest = self.guest(daemon, "a")
        self.serve(self.host.internet, "udp:7001")
        self.assertEqual(self.speaker(guest, "fill", "200", f"udp:{OUT}:7001").hear(), "200")
        self.assertNotIn("ct count", self.host.ns.run("nft", "list", "ruleset"))


if __name__ == "__main__":
    unittest.main()

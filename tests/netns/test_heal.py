#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Self-healing: what others do to what is netd's is noticed, put back, counted and told."""

import re
import subprocess
import unittest

from support import NetnsTest

from harness.daemon import CONFIG
from harness.namespaces import Host

FOREIGN = ("add table inet mine; add chain inet mine c { type filter hook forward priority 5; };"
           "add rule inet mine c meta mark 7 drop; add table bridge mine; add set bridge mine s { type ether_addr; };"
           "add element bridge mine s { 02:00:00:00:00:01 }")
BY_NFT = r" by nft \(pid \d+\)"


class HealTest(NetnsTest):
    """A daemon with a guest that has its lease, and one who watches."""

    CONFIG = CONFIG

    def setUp(self):
        super().setUp()
        self.host.ns.run("nft", FOREIGN)
        self.netd = self.daemon(self.CONFIG)
        self.guest = self.vmm(self.netd, "web1")
        self.address = self.guest.udhcpc()["ip"]
        self.port = self.netd.guests()["web1/0"]["interface"]
        self.foreign = self.foreign_tables()
        self.rules = self.own_tables()
        self.events = self.netd.watch()
        self.addCleanup(self.events.close)

    def foreign_tables(self):
        return [self.host.ns.run("nft", "-a", "list", "table", family, "mine") for family in ("inet", "bridge")]

    def own_tables(self):
        """Without what guests' packets put into sets, and handles."""
        text = "".join(self.host.ns.run("nft", "-s", "list", "table", family, "netd") for family in ("inet", "bridge"))
        return re.sub(r"\s*elements = {[^}]*limit rate[^}]*}", "", text)

    def counted(self):
        status = self.netd.ctl_json("status")
        return status["rulesRestored"], status["healed"]

    def no_more_events(self):
        """None of an incident that was told already; what was done before this has been told when a marker is."""
        self.netd.ctl("reload")
        while True:
            event = self.events.next()
            if event["event"] == "reloaded":
                return
            self.assertNotIn(event["event"], ("rules-restored", "healed"), event)

    def reaches(self):
        self.assertTrue(self.guest.ping("10.77.0.1"))
        self.assertTrue(self.guest.ping(Host.INTERNET_ADDRESS))


class Rules(HealTest):
    def put_back(self, command, detail):
        """Somebody runs nft; netd puts its rules back and says what was done."""
        before = self.counted()
        self.host.ns.run("nft", command)
        event = self.events.until("rules-restored")
        self.assertRegex(event["detail"], f"^{detail}{BY_NFT}$")
        self.assertEqual(self.own_tables(), self.rules)
        self.assertEqual(self.counted(), (before[0] + 1, before[1]))
        self.reaches()
        return event

    def handle(self, family, chain, text):
        """Of the first rule of a chain that has this in it."""
        listed = self.host.ns.run("nft", "-a", "list", "chain", family, "netd", chain)
        return re.search(rf"{text}.* # handle (\d+)", listed).group(1)

    def test_flush_ruleset(self):
        self.put_back("flush ruleset", "tables bridge netd and inet netd were deleted")
        self.no_more_events()

    def test_deleted_tables(self):
        self.put_back("delete table bridge netd", "table bridge netd was deleted")
        self.put_back("delete table inet netd", "table inet netd was deleted")
        self.assertEqual(self.foreign_tables(), self.foreign)
        self.guest.udhcpc()
        self.no_more_events()

    def test_flushed_table(self):
        self.put_back("flush table inet netd", "rules of table inet netd were deleted")

    def test_a_rule_deleted_and_one_added(self):
        handle = self.handle("inet", "postrouting", "masquerade")
        self.put_back(f"delete rule inet netd postrouting handle {handle}",
                      "a rule of chain postrouting of table inet netd was deleted")
        self.put_back("insert rule inet netd forward drop", "a rule of chain forward of table inet netd was added")
        handle = self.handle("inet", "postrouting", "masquerade")
        self.put_back(f"replace rule inet netd postrouting handle {handle} counter accept",
                      "rules of chain postrouting of table inet netd were replaced")
        self.assertEqual(self.foreign_tables(), self.foreign)
        self.no_more_events()

    def test_a_chain(self):
        self.put_back("add chain inet netd forward { policy drop; }", "chain forward of table inet netd was added or changed")
        self.put_back("add chain inet netd more { type filter hook forward priority -5; policy drop; }",
                      "chain more of table inet netd was added or changed")

    def test_elements(self):
        self.put_back("flush set inet netd bridges", "elements of set bridges of table inet netd were deleted")
        self.put_back("add element inet netd bridges { other }", "elements of set bridges of table inet netd were added")
        self.no_more_events()

    def test_a_dormant_table(self):
        self.put_back("add table inet netd { flags dormant; }", "table inet netd was added or changed")

    def test_what_is_others_is_nothing_to_netd(self):
        before = self.counted()
        self.host.ns.run("nft", "add table inet other; add chain inet other c; add table ip netd; delete table ip netd")
        self.host.ns.run("nft", "delete table inet other")
        self.no_more_events()
        self.assertEqual(self.counted(), before)
        self.assertEqual(self.foreign_tables(), self.foreign)

    def test_own_changes_are_nothing_to_it(self):
        self.assertEqual(self.counted(), (0, 0))
        other = self.vmm(self.netd, "web2")
        other.udhcpc()
        other.close()
        self.events.until("gone", guest="web2")
        self.netd.configure(self.CONFIG + "network new { subnet = 10.79.0.1/24 }\n")
        self.no_more_events()
        self.netd.configure(self.CONFIG)
        self.no_more_events()
        self.assertEqual(self.counted(), (0, 0))

    def test_flushes_without_end(self):
        """Whoever does that keeps netd from nothing, and gets less and less attention."""
        loop = self.host.ns.popen("sh", "-c", "while nft flush ruleset; do :; done", stderr=subprocess.DEVNULL)
        self.addCleanup(loop.wait)
        self.addCleanup(loop.kill)
        for _ in range(24):
            self.events.until("rules-restored")
        # In between guests come all the same.
        guests = [self.vmm(self.netd, f"more{n}") for n in range(3)]
        loop.kill()
        loop.wait()
        self.until(lambda: self.own_tables_are_there() and self.own_tables())
        self.events.until("rules-restored")
        for guest in guests:
            guest.udhcpc()
            self.assertTrue(guest.ping(Host.INTERNET_ADDRESS))
        self.reaches()
        self.assertLess(self.counted()[0], 60)
        self.assertEqual(self.netd.ctl_json("status")["warnings"], [])

    def own_tables_are_there(self):
        return {"table inet netd", "table bridge netd"} <= set(self.host.ns.run("nft", "list", "tables").splitlines())


class Links(HealTest):
    def put_right(self, command, detail, **members):
        """Somebody runs a command; netd puts it right, and says once what it was."""
        before = self.counted()
        self.host.ns.run(*command.split())
        event = self.events.until("healed")
        self.assertEqual(event["detail"], detail)
        self.assertEqual({k: event.get(k) for k in members}, members)
        self.no_more_events()
        self.assertEqual(self.counted(), (before[0], before[1] + 1))
        self.reaches()
        self.assertEqual(self.foreign_tables(), self.foreign)

    def sysctl(self, path):
        return self.host.ns.run("cat", f"/proc/sys/net/{path}").strip()

    def test_bridge(self):
        bridge = {"network": "default", "interface": "nd-default", "guest": None}
        self.put_right("ip link del nd-default", "bridge nd-default was deleted", **bridge)
        self.put_right("ip link set nd-default down", "interface nd-default was set down", **bridge)
        self.put_right("ip link set nd-default mtu 1400", "the MTU of nd-default was changed to 1400", **bridge)
        self.put_right("ip addr del 10.77.0.1/24 dev nd-default", "address 10.77.0.1/24 was removed from nd-default", **bridge)
        self.put_right("sysctl -q net.ipv4.conf.nd-default.forwarding=0", "forwarding of nd-default was switched off", **bridge)

    def test_port(self):
        port = {"network": "default", "interface": self.port, "guest": "web1", "nic": 0, "address": self.address}
        self.put_right(f"ip link set {self.port} nomaster",
                       f"interface {self.port} was taken out of bridge nd-default", **port)
        self.put_right(f"ip link set {self.port} down", f"interface {self.port} was set down", **port)
        self.put_right(f"ip link set {self.port} mtu 1400", f"the MTU of {self.port} was changed to 1400", **port)
        self.put_right(f"ip link set {self.port} address 52:54:00:00:00:99",
                       f"the MAC address of interface {self.port} was changed", **port)
        self.host.ns.run("ip", "link", "add", "other", "type", "bridge")
        self.put_right(f"ip link set {self.port} master other",
                       f"interface {self.port} was taken out of bridge nd-default", **port)

    def test_uplink(self):
        self.put_right("sysctl -q net.ipv4.conf.up0.forwarding=0", "forwarding of up0 was switched off",
                       interface="up0", network=None)

    def test_ip_forward_off(self):
        """All of a host's interfaces at once: an incident each."""
        self.host.ns.run("sysctl", "-q", "net.ipv4.ip_forward=1")
        self.until(lambda: self.netd.ctl_json("status")["uplinks"][0]["forwarding"] == "for everybody")
        self.host.ns.run("sysctl", "-q", "net.ipv4.ip_forward=0")
        details = {self.events.until("healed")["detail"] for _ in range(2)}
        self.assertEqual(details, {"forwarding of nd-default was switched off", "forwarding of up0 was switched off"})
        self.no_more_events()
        self.reaches()

    def test_ipv6_stays_off(self):
        for link in ("nd-default", self.port):
            self.put_right(f"sysctl -q net.ipv6.conf.{link}.disable_ipv6=0", f"IPv6 was switched on for {link}", interface=link)
            self.assertEqual(self.sysctl(f"ipv6/conf/{link}/disable_ipv6"), "1")

    def test_of_a_guest_that_was_there_before_netd(self):
        self.netd.kill()
        self.netd.start()
        self.events = self.netd.watch()
        self.addCleanup(self.events.close)
        self.test_port()

    def test_what_netd_did_itself_is_no_incident(self):
        self.assertEqual(self.counted(), (0, 0))
        for text in (self.CONFIG.replace("dns", "mtu = 1400 dns"), self.CONFIG.replace("dns", "mode = isolated dns"), self.CONFIG):
            self.netd.configure(text)
            self.no_more_events()
        self.host.ns.run("ip", "link", "set", "up0", "mtu", "1420")
        self.until(lambda: self.host.ns.links()[self.port]["mtu"] == 1420)
        self.vmm(self.netd, "web2").udhcpc()
        self.no_more_events()
        self.assertEqual(self.counted(), (0, 0))

    def test_without_end(self):
        loop = self.host.ns.popen("sh", "-c", f"while ip link set {self.port} nomaster; do :; done", stderr=subprocess.DEVNULL)
        self.addCleanup(loop.wait)
        self.addCleanup(loop.kill)
        for _ in range(24):
            self.events.until("healed")
        self.vmm(self.netd, "more").udhcpc()
        loop.kill()
        loop.wait()
        self.until(lambda: self.host.ns.links()[self.port].get("master") == "nd-default")
        self.reaches()
        self.assertLess(self.counted()[1], 60)


class Isolated(Links):
    """All of it with ports that are isolated from one another."""

    CONFIG = CONFIG.replace("dns", "isolate = yes dns")

    def isolated(self):
        return self.host.ns.json("bridge", "-j", "-d", "link", "show", "dev", self.port)[0]["isolated"]

    def test_isolation(self):
        self.assertTrue(self.isolated())
        self.put_right(f"bridge link set dev {self.port} isolated off",
                       f"isolation of interface {self.port} was switched off", guest="web1")
        self.assertTrue(self.isolated())

    def test_reload_is_no_incident(self):
        self.netd.configure(CONFIG)
        self.no_more_events()
        self.assertFalse(self.isolated())
        self.put_right(f"bridge link set dev {self.port} isolated on",
                       f"isolation of interface {self.port} was switched on", guest="web1")
        self.netd.configure(self.CONFIG)
        self.no_more_events()
        self.assertTrue(self.isolated())


class Joined(HealTest):
    CONFIG = CONFIG.replace("dns", "port veth7 { serve = yes } dns")

    def setUp(self):
        super().setUp()
        self.host.ns.run("ip", "link", "add", "veth7", "type", "veth", "peer", "name", "peer7")
        self.until(lambda: self.host.ns.links()["veth7"].get("master") == "nd-default")
        self.until(lambda: self.netd.ctl_json("network", "default")["interfaces"][0]["joined"])

    def test_taken_out(self):
        for restarted in (False, True):
            if restarted:
                self.netd.stop()
                self.netd.start()
                self.events = self.netd.watch()
                self.addCleanup(self.events.close)
            self.host.ns.run("ip", "link", "set", "veth7", "nomaster")
            event = self.events.until("healed", interface="veth7")
            self.assertEqual(event["detail"], "interface veth7 was taken out of bridge nd-default")
            self.no_more_events()
            self.assertEqual(self.host.ns.links()["veth7"]["master"], "nd-default")

    def test_given_to_another_bridge_is_theirs(self):
        self.host.ns.run("ip", "link", "add", "other", "type", "bridge")
        self.host.ns.run("ip", "link", "set", "veth7", "master", "other")
        self.until(lambda: not self.netd.ctl_json("network", "default")["interfaces"][0]["joined"])
        self.no_more_events()
        self.assertEqual(self.host.ns.links()["veth7"]["master"], "other")


class Settings(HealTest):
    """What is the host's own is explained and left alone."""

    def warnings(self):
        return self.netd.ctl_json("status")["warnings"]

    def other_link(self):
        self.host.ns.run("ip", "link", "add", "other", "type", "veth", "peer", "name", "end")
        for link in ("other", "end"):
            self.host.ns.run("ip", "link", "set", link, "up")

    def test_overlapping_route(self):
        ns = self.host.ns
        self.other_link()
        self.assertEqual(self.warnings(), [])
        for route, why in (("10.77.0.128/25 via 192.0.2.1 dev up0",
                            "what is for guests with addresses in 10.77.0.128/25 goes there instead"),
                           ("10.0.0.0/8 dev other",
                            "what is there with addresses in 10.77.0.0/24 is not reached: the network has them")):
            what = f"route {route} overlaps subnet 10.77.0.0/24 of network default"
            ns.run("ip", "route", "add", *route.split())
            event = self.events.until("host-setting", network="default")
            self.assertEqual(event["detail"], f"{what}; ip route del {route} mends it")
            self.assertEqual(self.warnings(), [f"{what}: {why}"])
            ns.run("sh", "-c", event["detail"].removesuffix(" mends it").split("; ")[1])
            self.until(lambda: self.warnings() == [])
        # Neither a default route, nor a VPN's halves of one.
        ns.run("ip", "route", "add", "0.0.0.0/1", "dev", "other")
        self.no_more_events()
        self.assertEqual(self.warnings(), [])

    def test_br_netfilter(self):
        paths = [f"net.bridge.bridge-nf-call-{what}" for what in ("iptables", "ip6tables", "arptables")]
        if not self.host.ns.ok("sysctl", *paths):
            self.leave_out("the kernel has no br_netfilter")
        what = "frames between guests of one bridge pass the host's own firewall"
        for value in (0, 1):
            self.netd.stop()
            self.host.ns.run("sysctl", "-q", *(f"{path}=0" for path in paths))
            self.host.ns.run("sysctl", "-q", f"{paths[0]}={value}")
            before = len(self.netd.logged())
            self.netd.start()
            said = self.netd.logged()[before:]
            self.assertEqual(said.count(what), value)
            self.assertEqual(said.count(f"sysctl {paths[0]}=0 mends it"), value)
        self.assertEqual(self.warnings(), [], "it is a note: netd's own rules let them pass")

    def test_br_netfilter_that_comes_later(self):
        paths = [f"net.bridge.bridge-nf-call-{what}" for what in ("iptables", "ip6tables", "arptables")]
        if not self.host.ns.ok("sysctl", *paths):
            self.leave_out("the kernel has no br_netfilter")
        self.host.ns.run("sysctl", "-q", *(f"{path}=0" for path in paths))
        self.no_more_events()
        self.host.ns.run("sysctl", "-q", f"{paths[1]}=1")
        event = self.events.until("host-setting")
        self.assertIn(f"sysctl {paths[1]}=0", event["detail"])

    def test_ipv6_forwarding_and_router_advertisements(self):
        ns = self.host.ns
        if not ns.ok("test", "-e", "/proc/sys/net/ipv6/conf/up0/accept_ra"):
            self.leave_out("the kernel has no IPv6")
        # An address with a lifetime is what a router advertisement leaves.
        ns.run("ip", "addr", "add", "2001:db8::2/64", "dev", "up0", "valid_lft", "3000", "preferred_lft", "2000", "nodad")
        self.assertEqual(self.warnings(), [])
        ns.run("sysctl", "-q", "net.ipv6.conf.all.forwarding=1")
        event = self.events.until("host-setting")
        self.assertIn("sysctl net.ipv6.conf.up0.accept_ra=2 mends it", event["detail"])
        self.assertEqual(len(self.warnings()), 1)
        ns.run("sysctl", "-q", "net.ipv6.conf.up0.accept_ra=2")
        self.netd.ctl("reload")
        self.assertEqual(self.warnings(), [])

    def test_netd_leaves_ipv6_forwarding_alone(self):
        for link in ("all", "default", "up0"):
            self.assertEqual(self.host.ns.run("cat", f"/proc/sys/net/ipv6/conf/{link}/forwarding").strip(), "0")

    def test_strict_rp_filter_with_two_uplinks(self):
        ns = self.host.ns
        self.other_link()
        ns.run("ip", "addr", "add", "198.51.100.2/24", "dev", "other")
        ns.run("sysctl", "-q", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.up0.rp_filter=1", "net.ipv4.conf.other.rp_filter=2")
        ns.run("ip", "route", "add", "default", "via", "198.51.100.1", "metric", "100")
        event = self.events.until("host-setting")
        self.assertIn("sysctl net.ipv4.conf.up0.rp_filter=2 mends it", event["detail"])
        self.assertEqual(self.warnings(), [])


if __name__ == "__main__":
    unittest.main()

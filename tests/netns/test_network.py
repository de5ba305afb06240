#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Networks: bridges, subnets, modes, forwarding, rules."""

import unittest

from support import NetnsTest

from harness.daemon import CONFIG
from harness.namespaces import Host, Namespace
from harness.varlink import Error

LAN = """
network {name} {{
	mode = {mode}
	subnet = {subnet}
	dns = {{ 192.0.2.53 }}
}}
"""


class Bridge(NetnsTest):
    def test_as_documented(self):
        self.daemon()
        link = self.host.ns.links()["nd-default"]
        data = link["linkinfo"]["info_data"]
        self.assertEqual((data["stp_state"], data["forward_delay"], data["mcast_snooping"]), (0, 0, 0))
        self.assertEqual(link["ifalias"], "netd:default")
        self.assertEqual(link["mtu"], 1500)
        addresses = self.host.ns.json("ip", "-j", "addr", "show", "dev", "nd-default")[0]["addr_info"]
        self.assertEqual([(a["family"], a["local"], a["prefixlen"], a["broadcast"]) for a in addresses],
                         [("inet", "10.77.0.1", 24, "10.77.0.255")], "and no IPv6 for a guest's router advertisements")

    def test_mac_stays_when_ports_come_and_go(self):
        daemon = self.daemon()
        before = self.host.ns.links()["nd-default"]["address"]
        self.vmm(daemon, "web1")
        self.assertEqual(self.host.ns.links()["nd-default"]["address"], before)
        daemon.stop()
        self.host.ns.run("ip", "link", "del", "nd-default")
        daemon.start()
        self.assertEqual(self.host.ns.links()["nd-default"]["address"], before, "the same after it was made anew")

    def test_a_foreign_bridge_of_that_name_is_left_alone(self):
        self.host.ns.run("ip", "link", "add", "nd-default", "type", "bridge")
        before = self.host.ns.dump()
        daemon = self.daemon(CONFIG.replace("10.77.0.1", "10.77.3.1"))
        network = daemon.ctl_json("network", "default")
        self.assertFalse(network["up"])
        self.assertEqual(network["reason"], "interface nd-default exists and is not netd's")
        with self.assertRaises(Error) as refused:
            daemon.call("Attach", guest="web1")
        self.assertEqual(refused.exception.name, "io.netd.NetworkDown")
        self.assertEqual(self.host.ns.dump(), before)

    def test_deleted_bridge_is_made_anew_with_its_ports(self):
        daemon = self.daemon()
        vmm = self.vmm(daemon, "web1")
        vmm.udhcpc()
        watch = daemon.watch()
        self.host.ns.run("ip", "link", "del", "nd-default")
        watch.until("network-up", network="default")
        watch.close()
        self.assertTrue(vmm.ping("10.77.0.1"))
        self.assertTrue(vmm.ping(Host.INTERNET_ADDRESS))
        self.assertEqual(vmm.udhcpc()["serverid"], "10.77.0.1")

    def test_uplink_s_mtu_is_followed(self):
        daemon = self.daemon()
        self.vmm(daemon, "web1")
        port = daemon.guests()["web1/0"]["interface"]
        self.host.ns.run("ip", "link", "set", "up0", "mtu", "1420")
        self.until(lambda: [self.host.ns.links()[link]["mtu"] for link in ("nd-default", port)] == [1420, 1420])
        self.assertEqual(daemon.ctl_json("network", "default")["mtu"], 1420)


class Subnet(NetnsTest):
    def test_auto_avoids_what_the_host_uses_and_is_remembered(self):
        # Of a supernet of four /24s, a route, an address and another network's subnet take three.
        self.host.ns.run("ip", "route", "add", "10.64.0.0/24", "via", "192.0.2.1")
        self.host.ns.run("ip", "addr", "add", "10.64.1.9/24", "dev", "up0")
        daemon = self.daemon("supernet = 10.64.0.0/22\nnetwork a { subnet = 10.64.2.1/24 }\nnetwork b { }\n")
        self.assertEqual(daemon.ctl_json("network", "b")["subnet"], "10.64.3.0/24")
        daemon.stop()
        daemon.start()
        self.assertEqual(daemon.ctl_json("network", "b")["subnet"], "10.64.3.0/24")

    def test_auto_without_room(self):
        self.host.ns.run("ip", "route", "add", "10.64.0.0/22", "via", "192.0.2.1")
        daemon = self.daemon("supernet = 10.64.0.0/23\n" + "network default { }\n")
        self.assertEqual(daemon.ctl_json("network", "default")["reason"],
                         "every /24 of the supernet is in use, the last by route 10.64.0.0/22 dev up0")
        # It is up as soon as there is room: the route's end is noticed with the next change of the default route.
        self.host.ns.run("ip", "route", "del", "10.64.0.0/22")
        daemon.ctl("reload")
        self.assertTrue(daemon.ctl_json("network", "default")["up"])

    def test_explicit_overlap_is_refused_with_what_it_hits(self):
        self.host.ns.run("ip", "route", "add", "10.77.0.128/25", "via", "192.0.2.1")
        before = self.host.ns.dump()
        daemon = self.daemon()
        self.assertEqual(self.host.ns.dump().replace("nd-default", ""), before)
        reason = "subnet 10.77.0.1/24 overlaps route 10.77.0.128/25 dev up0"
        self.assertEqual(daemon.ctl_json("network", "default")["reason"], reason)
        code, _, said = daemon.ctl("run", "web1", "--", "true", "{fds}", check=False)
        self.assertEqual((code, said), (1, f"netdctl: network 'default' is not up: {reason}\n"))
        self.assertIn(f"network default is not up: {reason}", daemon.ctl_json("status")["warnings"])

    def test_two_explicit_ones(self):
        daemon = self.daemon("network a { subnet = 10.77.0.1/24 }\nnetwork b { subnet = 10.77.0.129/25 }\n", start=False)
        daemon.start(expect_ready=False)
        self.assertEqual(daemon.process.wait(), 1)
        self.assertIn("netd.conf:2: subnet: 10.77.0.129/25 overlaps 10.77.0.1/24 of network 'a' at ", daemon.logged())


class Modes(NetnsTest):
    """Who reaches whom, with two networks and an outside that knows the way to the routed one."""

    def lan(self, mode):
        daemon = self.daemon(LAN.format(name="one", mode=mode, subnet="10.77.1.1/24") +
                             LAN.format(name="two", mode="nat", subnet="10.77.2.1/24"))
        self.host.internet.run("ip", "route", "add", "10.77.0.0/16", "via", Host.UPLINK_ADDRESS)
        first, second = (self.vmm(daemon, f"g{n}", "--network", "one") for n in range(2))
        other = self.vmm(daemon, "g2", "--network", "two")
        return daemon, first, second, other, {v: v.udhcpc() for v in (first, second, other)}

    def outside_pings(self, address):
        return self.host.internet.ok("ping", "-c", "1", "-W", "1", address)

    def test_nat(self):
        _, first, second, other, lease = self.lan("nat")
        self.assertTrue(first.ping(lease[second]["ip"]))
        self.assertTrue(first.ping("10.77.1.1"))
        self.assertTrue(first.ping(Host.INTERNET_ADDRESS))
        self.assertFalse(first.ok("ping", "-c", "1", "-W", "1", lease[other]["ip"]), "networks are apart")
        self.assertFalse(other.ok("ping", "-c", "1", "-W", "1", lease[first]["ip"]))
        self.assertFalse(self.outside_pings(lease[first]["ip"]), "nobody comes in from outside")

    def test_route(self):
        _, first, _, other, lease = self.lan("route")
        self.assertTrue(first.ping(Host.INTERNET_ADDRESS))
        self.assertTrue(self.outside_pings(lease[first]["ip"]))
        self.assertFalse(first.ok("ping", "-c", "1", "-W", "1", lease[other]["ip"]))
        self.assertFalse(other.ok("ping", "-c", "1", "-W", "1", lease[first]["ip"]))

    def test_isolated(self):
        _, first, second, other, lease = self.lan("isolated")
        self.assertTrue(first.ping(lease[second]["ip"]))
        self.assertTrue(first.ping("10.77.1.1"), "the host is reached")
        self.assertNotIn("router", lease[first])
        first.run("ip", "route", "add", "default", "via", "10.77.1.1")
        self.assertFalse(first.ok("ping", "-c", "1", "-W", "1", Host.INTERNET_ADDRESS))
        self.assertFalse(self.outside_pings(lease[first]["ip"]))
        self.assertFalse(other.ok("ping", "-c", "1", "-W", "1", lease[first]["ip"]))

    def test_source_seen_outside(self):
        for mode, source in (("nat", Host.UPLINK_ADDRESS), ("route", None)):
            daemon, first, _, _, lease = self.lan(mode)
            server = self.host.internet.popen(
                "/usr/bin/python3", "-c", "import socket; s = socket.create_server(('203.0.113.7', 7777));"
                "print('ready', flush=True); c, a = s.accept(); print(a[0], flush=True)", stdout=-1, text=True)
            server.stdout.readline()
            first.run("busybox", "nc", "-w", "5", "203.0.113.7", "7777", check=False)
            self.assertEqual(server.stdout.readline().strip(), source or lease[first]["ip"])
            server.wait()
            server.stdout.close()
            daemon.close()
            self.doCleanups()
            self.setUp()

    def test_a_guest_s_foreign_source_goes_nowhere(self):
        _, first, _, _, _ = self.lan("route")
        first.run("ip", "addr", "add", "198.51.100.9/32", "dev", "eth0")
        self.host.internet.run("ip", "route", "add", "198.51.100.0/24", "via", Host.UPLINK_ADDRESS)
        self.host.ns.run("ip", "route", "add", "198.51.100.9/32", "dev", "nd-one")
        self.assertFalse(first.ok("ping", "-c", "1", "-W", "1", "-I", "198.51.100.9", Host.INTERNET_ADDRESS))


class Forwarding(NetnsTest):
    def forwarding(self, link):
        return self.host.ns.run("cat", f"/proc/sys/net/ipv4/conf/{link}/forwarding").strip()

    def test_on_where_it_is_needed_and_nowhere_else(self):
        self.host.ns.run("ip", "link", "add", "other", "type", "bridge")
        daemon = self.daemon()
        self.assertEqual([self.forwarding(link) for link in ("nd-default", "up0", "other", "all", "default")],
                         ["1", "1", "0", "0", "0"])
        self.assertEqual(daemon.ctl_json("status")["uplinks"],
                         [{"interface": "up0", "mtu": 1500, "forwarding": "switched on by netd, for its networks only"}])

    def test_the_host_forwards_for_nobody_else(self):
        """The uplink's forwarding does not make the host a router between it and its other links."""
        inner = Namespace("inner")
        self.addCleanup(inner.close)
        ns = self.host.ns
        ns.run("ip", "link", "add", "in0", "type", "veth", "peer", "name", "eth0", "netns", str(inner.pid))
        ns.run("ip", "link", "set", "in0", "up")
        ns.run("ip", "addr", "add", "172.16.0.1/24", "dev", "in0")
        inner.run("ip", "link", "set", "eth0", "up")
        inner.run("ip", "addr", "add", "172.16.0.2/24", "dev", "eth0")
        inner.run("ip", "route", "add", "default", "via", "172.16.0.1")
        self.host.internet.run("ip", "route", "add", "172.16.0.0/24", "via", Host.UPLINK_ADDRESS)
        daemon = self.daemon()
        self.assertIn("@uplinks", ns.run("nft", "list", "ruleset"))
        ns.run("sysctl", "-q", "net.ipv4.conf.in0.forwarding=1")
        self.assertFalse(self.host.internet.ok("ping", "-c", "1", "-W", "1", "172.16.0.2"))
        # When the host's owner makes it a router, netd does not stand in the way.
        ns.run("sysctl", "-q", "net.ipv4.ip_forward=1")
        self.until(lambda: daemon.ctl_json("status")["uplinks"][0]["forwarding"] == "for everybody")
        self.assertTrue(self.host.internet.ok("ping", "-c", "1", "-W", "5", "172.16.0.2"))

    def test_remembered_across_restarts(self):
        daemon = self.daemon()
        daemon.stop()
        daemon.start()
        self.assertEqual(daemon.ctl_json("status")["uplinks"][0]["forwarding"],
                         "switched on by netd, for its networks only")

    def test_foreign_tables_are_not_touched(self):
        ns = self.host.ns
        ns.run("nft", "add table inet mine; add chain inet mine c { type filter hook forward priority 5; };"
               "add rule inet mine c counter; add table bridge mine")
        before = ns.run("nft", "-a", "list", "table", "inet", "mine") + ns.run("nft", "-a", "list", "table", "bridge", "mine")
        daemon = self.daemon()
        daemon.ctl("reload")
        daemon.stop()
        after = ns.run("nft", "-a", "list", "table", "inet", "mine") + ns.run("nft", "-a", "list", "table", "bridge", "mine")
        self.assertEqual(after, before)


class NoUplink(NetnsTest):
    UPLINK = False

    def test_guests_reach_each_other_all_the_same(self):
        daemon = self.daemon()
        self.assertEqual(daemon.ctl_json("status")["warnings"],
                         ["the host has no default route: guests reach nothing beyond it"])
        vmms = [self.vmm(daemon, f"web{n}") for n in range(2)]
        leases = [vmm.udhcpc() for vmm in vmms]
        self.assertTrue(vmms[0].ping(leases[1]["ip"]))

    def test_an_uplink_that_comes_later(self):
        daemon = self.daemon()
        ns = self.host.ns
        ns.run("ip", "link", "add", "late0", "type", "veth", "peer", "name", "peer0")
        ns.run("ip", "link", "set", "late0", "mtu", "1300", "up")
        ns.run("ip", "link", "set", "peer0", "up")
        ns.run("ip", "addr", "add", "192.0.2.2/24", "dev", "late0")
        ns.run("ip", "route", "add", "default", "via", "192.0.2.1")
        self.until(lambda: daemon.ctl_json("status")["uplinks"])
        self.assertEqual(daemon.ctl_json("status")["warnings"], [])
        self.assertEqual(ns.links()["nd-default"]["mtu"], 1300)


class Reload(NetnsTest):
    def test_a_network_more_and_one_less(self):
        daemon = self.daemon(CONFIG + "network old { subnet = 10.78.0.1/24 }\n")
        vmm = self.vmm(daemon, "web1")
        vmm.udhcpc()
        daemon.configure(CONFIG + "network new { subnet = 10.79.0.1/24 }\n")
        daemon.ctl("reload")
        self.assertEqual([n["name"] for n in daemon.ctl_json("networks")], ["default", "new"])
        links = self.host.ns.links()
        self.assertIn("nd-new", links)
        self.assertNotIn("nd-old", links)
        self.assertEqual(daemon.guests()["web1/0"]["state"], "attached")
        self.assertTrue(vmm.ping(Host.INTERNET_ADDRESS))
        self.vmm(daemon, "web2", "--network", "new").udhcpc()

    def test_by_signal(self):
        daemon = self.daemon()
        watch = daemon.watch()
        daemon.configure(CONFIG + "network new { subnet = 10.79.0.1/24 }\n")
        daemon.reload_by_signal()
        watch.until("reloaded")
        watch.close()
        self.assertTrue(daemon.ctl_json("network", "new")["up"])

    def test_options_reach_a_running_guest(self):
        daemon = self.daemon()
        vmm = self.vmm(daemon, "web1")
        vmm.udhcpc()
        daemon.configure(CONFIG.replace("vm.internal", "other.internal").replace("192.0.2.53", "192.0.2.54"))
        daemon.ctl("reload")
        lease = vmm.udhcpc()
        self.assertEqual((lease["domain"], lease["dns"]), ("other.internal", "192.0.2.54"))

    def test_scopes_reach_a_running_guest(self):
        daemon = self.daemon()
        vmm = self.vmm(daemon, "web1")
        for address in ("192.0.2.7", "192.0.2.8"):
            daemon.configure(CONFIG + f"""
                option ntp-servers {{ value = {address} }}
                class test {{ vendor-class = "udhcp*"  next-server = {address}  boot-file = "{address}.efi" }}
                class other {{ vendor-class = "dhcp*"  boot-file = "other.efi"  option root-path {{ value = "/other" }} }}""")
            daemon.ctl("reload")
            lease = vmm.udhcpc("-O", "ntpsrv", "-O", "rootpath", "-O", "bootfile")
            self.assertEqual((lease["ntpsrv"], lease["siaddr"], lease["boot_file"]), (address, address, f"{address}.efi"))
            self.assertNotIn("rootpath", lease)

    def test_refused_reloads_change_nothing(self):
        daemon = self.daemon()
        vmm = self.vmm(daemon, "web1")
        vmm.udhcpc()
        self.host.ns.run("ip", "route", "add", "10.99.0.0/24", "via", "192.0.2.1")
        before, networks = self.host.ns.dump(), daemon.ctl_json("networks")
        cases = (
            (CONFIG + "nonsense = 1\n", r"netd\.conf:8: no such option 'nonsense'$"),
            (CONFIG.replace("10.77.0.1/24", "10.77.0.1/25"), r"'default' cannot change under its guests: web1/0 is attached"),
            ("network other { subnet = 10.80.0.1/24 }\n", r"'default' cannot change under its guests: web1/0 is attached"),
            (CONFIG + "network x { subnet = 10.99.0.1/24 }\n",
             r"network 'x': subnet 10\.99\.0\.1/24 overlaps route 10\.99\.0\.0/24 dev up0"),
            (CONFIG + "network x { subnet = 192.0.2.129/25 }\n",
             r"network 'x': subnet 192\.0\.2\.129/25 overlaps (route|address) 192\.0\.2\."),
        )
        for text, pattern in cases:
            daemon.configure(text)
            code, _, said = daemon.ctl("reload", check=False)
            self.assertEqual(code, 1, text)
            self.assertRegex(said, pattern)
            self.assertEqual((self.host.ns.dump(), daemon.ctl_json("networks")), (before, networks))
        self.assertTrue(vmm.ping(Host.INTERNET_ADDRESS))

    def test_subnet_of_a_network_without_guests_can_change(self):
        daemon = self.daemon()
        self.vmm(daemon, "web1").close()
        daemon.call("Wait", guest="web1", **{"for": "gone"})
        daemon.configure(CONFIG.replace("10.77.0.1", "10.78.0.1"))
        daemon.ctl("reload")
        addresses = self.host.ns.json("ip", "-j", "-4", "addr", "show", "dev", "nd-default")[0]["addr_info"]
        self.assertEqual([a["local"] for a in addresses], ["10.78.0.1"])
        self.assertRegex(daemon.guests()["web1/0"]["addresses"][0], r"^10\.78\.0\.")
        self.assertEqual(self.vmm(daemon, "web1").udhcpc()["serverid"], "10.78.0.1")


if __name__ == "__main__":
    unittest.main()

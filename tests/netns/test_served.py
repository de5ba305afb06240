#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Interfaces that netd did not make: they join its bridge, their clients get DHCP, also by a relay agent."""

import subprocess
import unittest

from support import NetnsTest

from harness import dhcp
from harness.daemon import CONFIG, udhcpc
from harness.namespaces import Namespace

SERVED = CONFIG.replace("domain", """range = 10.77.0.50-10.77.0.199
	probe = off
	port veth7 { serve = yes }
	relay 10.9.0.1/24 { range = 10.9.0.100-10.9.0.199  option 42 { value = 10.9.0.5 } }
	domain""")

PINGED = SERVED.replace("10.9.0.100-10.9.0.199", "10.9.0.100-10.9.0.101").replace("probe = off", "probe = off\n\tping = on")


class Served(NetnsTest):
    def namespace(self, name):
        ns = Namespace(name)
        self.addCleanup(ns.close)
        return ns

    def wire(self, outer, outer_name, inner, inner_name):
        """A veth pair between two namespaces; both ends exist, and the outer one is down."""
        outer.run("ip", "link", "add", outer_name, "type", "veth", "peer", "name", inner_name, "netns", str(inner.pid))
        for ns, name in ((outer, outer_name), (inner, inner_name)):
            ns.run("ip", "link", "set", name, "addrgenmode", "none")
        inner.run("ip", "link", "set", inner_name, "up")

    def interface(self, daemon):
        return daemon.ctl_json("network", "default")["interfaces"][0]

    def joined(self, daemon):
        self.until(lambda: self.interface(daemon)["joined"])

    def far_station(self, station):
        """Another namespace in the network of the relay agent."""
        self.wire(self.agent, f"lan-{station.name}", station, "eth0")
        self.agent.run("ip", "link", "set", f"lan-{station.name}", "master", "lan0", "up")

    def relay_agent(self):
        """A relay agent between veth7 and a network of its own; the namespace of a client there."""
        agent, far = self.namespace("agent"), self.namespace("far")
        self.agent = agent
        self.wire(self.host.ns, "veth7", agent, "up0")
        agent.run("ip", "link", "add", "lan0", "type", "bridge")
        self.far_station(far)
        for name, address in (("up0", "10.77.0.2/24"), ("lan0", "10.9.0.1/24")):
            agent.run("ip", "addr", "add", address, "dev", name)
            agent.run("ip", "link", "set", name, "up")
        agent.run("sysctl", "-q", "-w", "net.ipv4.ip_forward=1")
        relay = agent.popen("dhcrelay", "-4", "-d", "--no-pid", "-a", "-id", "lan0", "-iu", "up0", "10.77.0.1",
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def stop():
            relay.terminate()
            relay.wait()
        self.addCleanup(stop)
        return far

    def test_container(self):
        inside = self.namespace("inside")
        daemon = self.daemon(SERVED)
        self.assertEqual(self.interface(daemon), {"name": "veth7", "present": False, "joined": False, "served": False,
                                                  "reason": None})
        watch = daemon.watch()
        self.wire(self.host.ns, "veth7", inside, "eth0")
        self.joined(daemon)
        self.assertEqual(self.host.ns.links()["veth7"]["master"], "nd-default")
        lease = udhcpc(inside, daemon.directory)
        self.assertTrue(lease["ip"].startswith("10.77.0."), lease)
        event = watch.until("lease-bound", interface="veth7")
        self.assertEqual((event["address"], "guest" in event), (lease["ip"], False))
        vmm = self.vmm(daemon, "web1")
        address = vmm.udhcpc()["ip"]
        self.assertTrue(inside.ok("ping", "-c", "1", "-W", "10", address))
        # It outlives the daemon, and keeps its address.
        daemon.kill()
        daemon.start()
        self.assertEqual(udhcpc(inside, daemon.directory)["ip"], lease["ip"])
        # When the interface goes, so does the lease.
        self.host.ns.run("ip", "link", "del", "veth7")
        watch.close()
        self.until(lambda: [r["state"] for r in daemon.ctl_json("leases") if r["address"] == lease["ip"]] == ["released"])
        self.assertFalse(self.interface(daemon)["present"])

    def test_put_back(self):
        self.wire(self.host.ns, "veth7", self.namespace("inside"), "eth0")
        without = SERVED.replace("port veth7 { serve = yes }", "")
        daemon = self.daemon(without)
        before = self.host.ns.links()["veth7"]
        nft = self.host.ns.run("nft", "-s", "list", "ruleset")
        for again in (daemon.reload_by_signal, lambda: (daemon.stop(), daemon.start())):
            daemon.configure(SERVED)
            again()
            self.joined(daemon)
            self.assertNotEqual(self.host.ns.run("nft", "-s", "list", "ruleset"), nft)
            daemon.configure(without)
            again()
            self.until(lambda: "master" not in self.host.ns.links()["veth7"])
            after = self.host.ns.links()["veth7"]
            self.assertNotIn("UP", after["flags"])
            after["qdisc"] = before["qdisc"]  # the kernel's, from its first time up
            self.assertEqual(after, before)
            self.assertEqual(self.host.ns.run("nft", "-s", "list", "ruleset"), nft)

    def test_added_and_removed_beside_another(self):
        """By reloads; the other's client has its lease and its way all the time."""
        one, two = self.namespace("one"), self.namespace("two")
        self.wire(self.host.ns, "veth7", one, "eth0")
        self.wire(self.host.ns, "veth8", two, "eth0")
        before = self.host.ns.links()["veth8"]
        both = SERVED.replace("port veth7", "port veth8 { serve = yes }\n\tport veth7")
        daemon = self.daemon(SERVED)
        self.joined(daemon)
        first = udhcpc(one, daemon.directory)["ip"]
        for _ in range(2):
            daemon.configure(both)
            self.assertEqual([c["host"] for c in daemon.ctl_json("plan")], ["veth8 joins nd-default"])
            daemon.ctl("reload")
            self.until(lambda: all(i["joined"] and i["served"] for i in daemon.ctl_json("network", "default")["interfaces"]))
            second = udhcpc(two, daemon.directory)["ip"]
            self.assertNotEqual(second, first)
            self.assertTrue(two.ok("ping", "-c", "1", "-W", "10", first))
            self.assertEqual(udhcpc(one, daemon.directory)["ip"], first)
            daemon.configure(SERVED)
            self.assertEqual([c["host"] for c in daemon.ctl_json("plan")], ["veth8 leaves nd-default"])
            daemon.ctl("reload")
            self.until(lambda: "master" not in self.host.ns.links()["veth8"])
            self.assertNotIn("UP", self.host.ns.links()["veth8"]["flags"])
            self.assertEqual(self.host.ns.links()["veth8"]["address"], before["address"])
            self.assertTrue(one.ok("ping", "-c", "1", "-W", "10", "10.77.0.1"))
            self.assertEqual(udhcpc(one, daemon.directory)["ip"], first)

    def test_left_alone(self):
        inside = self.namespace("inside")
        self.wire(self.host.ns, "veth7", inside, "eth0")
        self.host.ns.run("ip", "addr", "add", "198.51.100.1/24", "dev", "veth7")
        self.host.ns.run("ip", "link", "set", "veth7", "up")
        before = self.host.ns.run("ip", "-d", "addr", "show", "veth7")
        daemon = self.daemon(SERVED)
        why = "it has the address 198.51.100.1/24, which would not work in a bridge"
        self.assertEqual(self.interface(daemon)["reason"], why)
        self.assertIn(f"interface veth7 is not in network default: {why}", daemon.ctl("status")[1])
        self.assertEqual(self.host.ns.run("ip", "-d", "addr", "show", "veth7"), before)

    def test_relay_agent(self):
        far = self.relay_agent()
        daemon = self.daemon(SERVED)
        self.joined(daemon)
        watch = daemon.watch()
        lease = udhcpc(far, daemon.directory, "-O", "ntpsrv")
        self.assertEqual((lease["router"], lease["serverid"], lease["mask"], lease["ntpsrv"]),
                         ("10.9.0.1", "10.77.0.1", "24", "10.9.0.5"))
        self.assertIn(lease["ip"], [f"10.9.0.{n}" for n in range(100, 200)])
        relays = daemon.ctl_json("network", "default")["relays"]
        self.assertEqual(relays, [{"subnet": "10.9.0.0/24", "router": "10.9.0.1", "poolSize": 100, "poolUsed": 1}])
        # A renewal is routed past the relay agent.
        watch.until("lease-bound", address=lease["ip"])
        mac = far.links()["eth0"]["address"]
        renewal = dhcp.message(mac=mac, ciaddr=lease["ip"], options=((53, b"\x03"), (61, b"\x01" + dhcp.mac_octets(mac))))
        far.run("python3", "-c", "import socket, sys; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);"
                f"s.bind(('{lease['ip']}', 68)); s.settimeout(10); s.sendto(bytes.fromhex('{renewal.hex()}'), "
                "('10.77.0.1', 67)); d = s.recv(4096); sys.exit(d[16:20] != socket.inet_aton("
                f"'{lease['ip']}'))")
        watch.until("lease-renewed", address=lease["ip"])
        watch.close()

    def far_squatter(self, address):
        """Somebody there who has an address that was not given, and a way back to us."""
        squatter = self.namespace("squatter")
        self.far_station(squatter)
        squatter.run("ip", "addr", "add", f"{address}/24", "dev", "eth0")
        squatter.run("ip", "route", "add", "default", "via", "10.9.0.1")
        self.until(lambda: squatter.ok("ping", "-c", "1", "-W", "1", "10.9.0.1"))

    def test_pinged(self):
        """What answers ping behind the relay agent is passed over in the same exchange, and told of."""
        far = self.relay_agent()
        daemon = self.daemon(PINGED)
        self.joined(daemon)
        self.far_squatter("10.9.0.100")
        self.host.ns.run("ip", "route", "add", "10.9.0.0/24", "via", "10.77.0.2")
        self.assertTrue(self.host.ns.ok("ping", "-c", "1", "-W", "10", "10.9.0.100"))
        watch = daemon.watch()
        self.assertEqual(udhcpc(far, daemon.directory, "-r", "10.9.0.100")["ip"], "10.9.0.101")
        event = watch.until("conflict")
        watch.close()
        self.assertEqual((event["network"], event["address"], "mac" in event), ("default", "10.9.0.100", False))
        self.assertRegex(event["detail"], "^it answers ping; it was about to be given, and is in quarantine ")
        states = {lease["address"]: lease["state"] for lease in daemon.ctl_json("leases")}
        self.assertEqual(states, {"10.9.0.100": "declined", "10.9.0.101": "bound"})

    def test_pinged_without_a_route(self):
        """Who cannot be asked does not keep the client waiting, and the log says so."""
        far = self.relay_agent()
        daemon = self.daemon(PINGED)
        self.joined(daemon)
        self.host.ns.run("ip", "route", "del", "default")
        self.assertEqual(udhcpc(far, daemon.directory, "-r", "10.9.0.100")["ip"], "10.9.0.100")
        self.assertIn("network default: 10.9.0.100 is given without being asked for: cannot send an echo request: "
                      "Network is unreachable", daemon.logged())

    def test_relayed_by_a_guest(self):
        """What a relay agent could say is not believed from a guest's port, nor from a port that is not trusted."""
        daemon = self.daemon(SERVED.replace("serve = yes", "serve = yes  trusted = no"))
        inside = self.namespace("inside")
        self.wire(self.host.ns, "veth7", inside, "eth0")
        self.joined(daemon)
        vmm = self.vmm(daemon, "web1")
        for place in (vmm, inside):
            with dhcp.Wire(place) as wire:
                for giaddr, options in (("10.9.0.1", ()), ("0.0.0.0", ((82, b"\x01\x01a"),))):
                    options = ((53, b"\x01"), *options)
                    wire.send(dhcp.frame(dhcp.message(mac="52:54:00:00:00:07", giaddr=giaddr, options=options),
                                         source_port=67 if giaddr != "0.0.0.0" else 68))
        self.until(lambda: daemon.ctl_json("status")["dhcpDropped"].get("relay", 0) == 4)
        self.assertEqual(daemon.ctl_json("leases"), [])


if __name__ == "__main__":
    unittest.main()

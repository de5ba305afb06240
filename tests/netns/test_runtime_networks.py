#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Networks that are made and deleted at run time: one a tenant, kept apart, there again after a crash, and gone without a
trace."""

import concurrent.futures
import random
import threading
import unittest

from support import NetnsTest

from harness.daemon import CONFIG
from harness.varlink import Error

SUPERNET = "supernet = { 10.0.0.0/16 }\n" + CONFIG


class NetworksTest(NetnsTest):
    def networks(self, daemon):
        return {n["name"]: n for n in daemon.ctl_json("networks")}

    def create(self, daemon, name, **more):
        return daemon.call("CreateNetwork", name=name, **more)["network"]

    def refused(self, daemon, *argv):
        code, _, why = daemon.ctl(*argv, check=False)
        self.assertEqual(code, 1)
        return why.removeprefix("netdctl: ").rstrip("\n")

    def assert_consistent(self, daemon):
        """Each network is up, and each bridge is a network's."""
        networks = self.networks(daemon)
        self.assertEqual([n for n in networks.values() if not n["up"]], [])
        bridges = {name for name, link in self.host.ns.links().items()
                   if link.get("linkinfo", {}).get("info_kind") == "bridge"}
        self.assertEqual(bridges, {n["bridge"] for n in networks.values()})
        return networks


class Tenants(NetworksTest):
    TENANTS = 20

    def make(self, daemon):
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            made = list(pool.map(lambda n: self.create(daemon, f"tenant{n}"), range(self.TENANTS)))
        self.assertEqual({n["subnet"] for n in made}, {f"10.0.{n}.0/24" for n in range(self.TENANTS)})
        self.assertTrue(all(n["up"] and n["owner"] == 0 and n["configured"] is None for n in made))
        return {n["name"]: n for n in made}

    def test_tenants(self):
        daemon = self.daemon(SUPERNET)
        before = self.host.ns.dump()
        made = self.make(daemon)
        guests = [self.vmm(daemon, name, "--network", network)
                  for name, network in (("a", "tenant3"), ("b", "tenant3"), ("c", "tenant7"))]
        a, b, c = guests
        address = {g.name: g.udhcpc()["ip"] for g in guests}
        self.assert_apart(made, a, b, c, address)

        daemon.kill()
        daemon.start()
        again = self.assert_consistent(daemon)
        self.assertEqual({name: again[name]["subnet"] for name in made}, {n: m["subnet"] for n, m in made.items()})
        self.assertEqual([again[n]["attached"] for n in ("tenant3", "tenant7", "tenant0")], [2, 1, 0])
        self.assert_apart(made, a, b, c, address)
        self.assertEqual(a.udhcpc()["ip"], address["a"])

        self.assertEqual(self.refused(daemon, "network", "delete", "tenant3"),
                         "network 'tenant3' cannot change under its guests: a/0, b/0 is attached")
        self.assertTrue(a.ping(address["b"]))
        daemon.ctl("network", "delete", "tenant3", "--force")
        self.assertEqual([g for g in daemon.ctl_json("guests") if g["network"] == "tenant3"], [])
        self.assertEqual(daemon.ctl_json("leases", "tenant7")[0]["address"], address["c"])
        c.close()
        self.until(lambda: daemon.guests()["c/0"]["state"] == "reserved")
        for name in made:
            if name != "tenant3":
                daemon.ctl("network", "delete", name)
        self.assertEqual(list(self.networks(daemon)), ["default"])
        self.assertEqual(self.host.ns.dump(), before)
        daemon.stop()
        self.assertEqual(daemon.rows(), "-\n")
        self.assertEqual(daemon.lease_rows(), [])

    def assert_apart(self, made, a, b, c, address):
        self.assertTrue(a.ping(address["b"]))
        self.assertTrue(a.ping(made["tenant3"]["gateway"]))
        self.assertTrue(c.ping(made["tenant7"]["gateway"]))
        self.assertTrue(c.ping(self.host.INTERNET_ADDRESS))
        for one, other in ((a, address["c"]), (c, address["a"])):
            self.assertFalse(one.ok("ping", "-c", "1", "-W", "1", other))


class Made(NetworksTest):
    def test_by_hand(self):
        daemon = self.daemon(SUPERNET)
        watch = daemon.watch()
        self.addCleanup(watch.close)
        daemon.ctl("network", "create", "web", "--subnet", "10.5.0.1/24", "--set", "lease-time=10m", "--set",
                   "dns={ 192.0.2.9 }", "--", "host web1 { address = 10.5.0.77 }", "rule { allow in tcp:22 }")
        self.assertEqual(watch.until("network-created")["detail"], "nat, 10.5.0.1/24")
        network = daemon.ctl_json("network", "web")
        self.assertEqual((network["subnet"], network["rules"]), ("10.5.0.0/24", ["allow in tcp:22"]))
        guest = self.vmm(daemon, "web1", "--network", "web")
        lease = guest.udhcpc()
        self.assertEqual((lease["ip"], lease["dns"], lease["lease"]), ("10.5.0.77", "192.0.2.9", "600"))
        guest.close()
        self.until(lambda: daemon.guests()["web1/0"]["state"] == "reserved")
        daemon.ctl("network", "delete", "web")
        watch.until("network-deleted", network="web")
        self.assertEqual(self.refused(daemon, "network", "web"), "there is no network 'web'")

    def test_names_that_are_commands(self):
        daemon = self.daemon(SUPERNET)
        for name in ("create", "delete"):
            daemon.ctl("network", "create", name)
            self.assertEqual(daemon.ctl_json("network", name)["name"], name)
            daemon.ctl("network", "delete", name)
        for argv in (["create"], ["create", "a", "--force"], ["delete", "a", "--mode", "nat"], ["x", "y"],
                     ["create", "a", "--set", "x"]):
            self.assertIn(daemon.ctl("network", *argv, check=False)[0], (1, 2), argv)

    def test_refused(self):
        daemon = self.daemon(SUPERNET)
        before = self.host.ns.dump()
        for argv, why in ((["default"], f"there is a network 'default' already: {daemon.config}:4"),
                          (["a", "--subnet", "192.0.2.9/24"],
                           "network 'a': subnet 192.0.2.9/24 overlaps route 192.0.2.0/24 dev up0"),
                          (["a", "--mode", "fast"],
                           "state:a:2: mode: 'fast' is not nat, route, isolated, bridge or macvtap"),
                          (["a", "--set", "lease-time=0"], None)):
            said = self.refused(daemon, "network", "create", *argv)
            if why:
                self.assertEqual(said, why)
        self.assertEqual(self.refused(daemon, "network", "delete", "default"),
                         f"name is not acceptable: network 'default' stands at {daemon.config}:4")
        self.host.ns.run("ip", "link", "add", "nd-mine", "type", "bridge")
        self.assertEqual(self.refused(daemon, "network", "create", "mine"),
                         "network 'mine' is not up: interface nd-mine exists and is not netd's")
        self.host.ns.run("ip", "link", "del", "nd-mine")
        self.assertEqual(self.host.ns.dump(), before)
        self.assertEqual(list(self.networks(daemon)), ["default"])

    def test_with_an_interface_of_the_host(self):
        self.host.ns.run("ip", "link", "add", "veth7", "type", "veth", "peer", "name", "veth8")
        for name in ("veth7", "veth8"):
            self.host.ns.run("ip", "link", "set", name, "addrgenmode", "none")
        daemon = self.daemon(SUPERNET)
        before = self.host.ns.dump()
        daemon.ctl("network", "create", "a", "--", "port veth7 { serve = yes }")
        self.until(lambda: daemon.ctl_json("network", "a")["interfaces"][0]["joined"])
        self.assertEqual(self.host.ns.links()["veth7"]["master"], "nd-a")
        daemon.ctl("network", "delete", "a")
        self.until(lambda: "UP" not in self.host.ns.links()["veth7"]["flags"])
        self.assertEqual(self.host.ns.dump().replace(" qdisc noqueue", " qdisc noop"),
                         before.replace(" qdisc noqueue", " qdisc noop"))

    def test_supernet_is_used_up(self):
        daemon = self.daemon(SUPERNET.replace("10.0.0.0/16", "10.0.0.0/23"))
        self.create(daemon, "a")
        self.create(daemon, "b")
        self.assertEqual(self.refused(daemon, "network", "create", "c"),
                         "network 'c': every /24 of the supernet is in use, the last by subnet 10.0.1.1/24 of "
                         "network 'b'")

    def test_file_gets_the_name(self):
        daemon = self.daemon(SUPERNET)
        self.create(daemon, "a")
        daemon.configure(SUPERNET + "network a { subnet = 10.88.0.1/24 }\n")
        self.assertIn("network 'a' was made at run time: delete it", self.refused(daemon, "reload"))
        plan = daemon.ctl_json("plan")
        self.assertEqual([c["effect"] for c in plan if c["network"] == "a"][-1], "refused")
        self.assertEqual(self.networks(daemon)["a"]["subnet"], "10.0.0.0/24")
        daemon.ctl("network", "delete", "a")
        daemon.ctl("reload")
        self.assertEqual(self.networks(daemon)["a"]["subnet"], "10.88.0.0/24")


class Crash(NetworksTest):
    ROUNDS = 12

    def test_client_is_gone(self):
        """It hangs up before it has the answer: then there is no network, and nothing of it."""
        daemon = self.daemon(SUPERNET)
        before = self.host.ns.dump()
        for _ in range(10):
            with daemon.client() as client:
                client.send({"method": "io.netd.CreateNetwork", "parameters": {"name": "a"}})
            self.until(lambda: list(self.networks(daemon)) == ["default"] and self.host.ns.dump() == before)
        self.create(daemon, "a")

    def test_killed_in_between(self):
        """Each network that was promised is there, each that is there is whole, and nothing else is."""
        seed = random.randrange(1 << 32)
        print(f"seed {seed}")
        chance = random.Random(seed)
        daemon = self.daemon(SUPERNET)
        promised = set()
        for n in range(self.ROUNDS):
            worker = threading.Thread(target=self.work, args=(daemon, n, promised))
            worker.start()
            for _ in range(chance.randrange(16)):
                try:
                    daemon.call("GetStatus")
                except (OSError, EOFError):
                    break
            daemon.kill()
            worker.join()
            daemon.start()
            there = set(self.assert_consistent(daemon)) - {"default"}
            self.assertLessEqual(promised, there)
            for name in there:
                daemon.ctl("network", "delete", name)
            promised.clear()
            self.assert_consistent(daemon)

    def test_killed_while_reloading(self):
        """What is started again has what the file says, whole, and nothing of what it said before."""
        daemon = self.daemon(SUPERNET)
        self.create(daemon, "made")
        chance = random.Random(self.ROUNDS)
        for n in range(self.ROUNDS):
            names = {f"net{n}x{i}" for i in range(3)}
            daemon.configure(SUPERNET + "".join(f"network {name} {{ dns = 192.0.2.53 }}\n" for name in sorted(names)))
            worker = threading.Thread(target=daemon.ctl, args=("reload",), kwargs={"check": False})
            worker.start()
            for _ in range(chance.randrange(8)):
                try:
                    daemon.call("GetStatus")
                except (OSError, EOFError):
                    break
            daemon.kill()
            worker.join()
            daemon.start()
            self.assertEqual(set(self.assert_consistent(daemon)), names | {"default", "made"})

    def work(self, daemon, n, promised):
        """Makes networks and deletes some, until netd is gone."""
        try:
            with daemon.client() as client:
                for i in range(1000):
                    name = f"n{n}-{i}"
                    client.call("io.netd.CreateNetwork", name=name)
                    promised.add(name)
                    if i % 3 == 2:
                        promised.remove(name)
                        client.call("io.netd.DeleteNetwork", name=name)
        except (OSError, EOFError, Error):
            pass


if __name__ == "__main__":
    unittest.main()

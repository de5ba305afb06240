#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests outlive the daemon: clean ends, kill -9, lost state, VMMs that die meanwhile."""

import contextlib
import os
import random
import threading
import unittest

from support import NetnsTest

from harness import dhcp
from harness.daemon import CONFIG
from harness.namespaces import Host
from harness.varlink import Client, Error


class Restart(NetnsTest):
    def check_alive(self, vmm):
        self.assertTrue(vmm.ping("10.77.0.1"))
        self.assertTrue(vmm.ping(Host.INTERNET_ADDRESS))

    def test_term_leaves_everything_running(self):
        daemon = self.daemon()
        vmm = self.vmm(daemon, "web1")
        vmm.udhcpc()
        before, guest = self.host.ns.dump(), daemon.guests()
        self.assertEqual(daemon.stop(), 0)
        self.assertFalse(os.path.exists(daemon.socket))
        self.assertEqual(self.host.ns.dump(), before)
        self.check_alive(vmm)
        daemon.start()
        self.assertEqual(self.host.ns.dump(), before)
        self.assertEqual(daemon.guests(), guest)
        self.check_alive(vmm)
        watch = daemon.watch(since=1)
        self.assertEqual(watch.until("adopted")["guest"], "web1")
        watch.close()
        self.assertEqual(vmm.udhcpc()["ip"] + "/24", guest["web1/0"]["addresses"][0])

    def test_kill_adopts_and_renews(self):
        daemon = self.daemon()
        vmms = [self.vmm(daemon, f"web{n}") for n in range(3)]
        leases = [vmm.udhcpc() for vmm in vmms]
        before, guests = self.host.ns.dump(), daemon.guests()
        daemon.kill()
        rows = daemon.rows()
        daemon.start()
        self.assertEqual(self.host.ns.dump(), before)
        self.assertEqual(daemon.guests(), guests)
        for vmm, lease in zip(vmms, leases):
            port = guests[f"{vmm.name}/0"]
            with dhcp.Wire(vmm) as wire:
                renew = dhcp.message(mac=port["mac"], ciaddr=lease["ip"], options=[(53, b"\x03")])
                self.assertEqual(wire.exchange(dhcp.frame(renew, mac=port["mac"], source=lease["ip"])).type, 5)
        with self.assertRaises(Error) as refused:
            daemon.call("Attach", guest="web1")
        self.assertEqual(refused.exception.name, "io.netd.AlreadyAttached")
        daemon.stop()
        self.assertEqual(daemon.rows(), rows)

    def test_a_vmm_that_dies_meanwhile(self):
        daemon = self.daemon()
        before = self.host.ns.dump()
        vmm = self.vmm(daemon, "web1")
        vmm.udhcpc()
        daemon.kill()
        vmm.close()
        self.until(lambda: not [link for link in self.host.ns.links() if link.startswith("nt")])
        daemon.start()
        port = daemon.guests()["web1/0"]
        self.assertEqual((port["state"], port["interface"]), ("reserved", None))
        self.assertEqual(self.host.ns.dump(), before, "its element went with the old rules")
        self.vmm(daemon, "web1").udhcpc()

    def test_lost_state(self):
        """Running guests are known by their marks; they keep MAC and address."""
        daemon = self.daemon()
        vmm = self.vmm(daemon, "web1")
        vmm.udhcpc()
        given = self.vmm(daemon, "web2", "--mac", "52:54:00:00:00:42")
        guests = daemon.guests()
        daemon.kill()
        for leaf in os.listdir(daemon.state):
            os.unlink(os.path.join(daemon.state, leaf))
        daemon.start()
        recovered = daemon.guests()
        for name in guests:
            for key in ("mac", "addresses", "interface", "state"):
                self.assertEqual(recovered[name][key], guests[name][key], (name, key))
        self.assertIn("it was recovered from interface", daemon.logged())
        self.check_alive(vmm)
        self.assertEqual(vmm.udhcpc()["ip"] + "/24", guests["web1/0"]["addresses"][0])
        self.assertEqual(given.udhcpc()["ip"] + "/24", guests["web2/0"]["addresses"][0])

    def test_unfinished_bridge_is_taken_over(self):
        """Killed between making a bridge and marking it."""
        daemon = self.daemon()
        daemon.stop()
        before = self.host.ns.links()["nd-default"]
        ns = self.host.ns
        ns.run("ip", "link", "del", "nd-default")
        ns.run("ip", "link", "add", "nd-default", "address", before["address"], "type", "bridge")
        daemon.start()
        after = ns.links()["nd-default"]
        self.assertEqual((after["ifalias"], after["address"]), ("netd:default", before["address"]))
        self.assertTrue(daemon.ctl_json("network", "default")["up"])

    def test_bridge_of_a_network_that_is_gone(self):
        daemon = self.daemon(CONFIG + "network other { subnet = 10.78.0.1/24 }\n")
        vmm = self.vmm(daemon, "web1", "--network", "other")
        daemon.stop()
        daemon.configure(CONFIG)
        daemon.start()
        self.assertIn("nd-other", self.host.ns.links(), "a guest is on it")
        daemon.stop()
        vmm.close()
        self.until(lambda: not [link for link in self.host.ns.links() if link.startswith("nt")])
        daemon.start()
        self.assertNotIn("nd-other", self.host.ns.links())


class Kills(NetnsTest):
    """kill -9 at random moments while clients attach, detach and release and a guest asks for leases."""

    ROUNDS = 25

    def load(self, daemon, number, stop):
        """One client: what it was told is what must be so after every restart."""
        held = {}
        rng = random.Random(number)
        while not stop.is_set():
            name = f"load{number}-{rng.randrange(4)}"
            try:
                with contextlib.closing(Client(daemon.socket)) as client:
                    if name in held:
                        client.call(rng.choice(["io.netd.Detach", "io.netd.Release"]), guest=name)
                        for fd in held.pop(name):
                            os.close(fd)
                    else:
                        port = client.call("io.netd.Attach", guest=name)["port"]
                        held[name] = client.fds
                        self.told.setdefault(name, set()).add((port["mac"], port["addresses"][0]))
            except (OSError, EOFError, Error):
                # The daemon was killed under the call. What a call without an answer did is not known, so give it up.
                for fd in held.pop(name, []):
                    os.close(fd)
        for fds in held.values():
            for fd in fds:
                os.close(fd)

    def test_kill_at_any_moment(self):
        seed = random.randrange(1 << 32)
        rng = random.Random(seed)
        daemon = self.daemon()
        self.told = {}
        vmm = self.vmm(daemon, "steady")
        lease = vmm.udhcpc()
        empty = self.host.ns.dump()
        stop = threading.Event()
        clients = [threading.Thread(target=self.load, args=(daemon, n, stop)) for n in range(3)]
        for client in clients:
            client.start()
        try:
            for _ in range(self.ROUNDS):
                watch = daemon.watch(since=1)
                for _ in range(rng.randrange(1, 30)):
                    watch.next()
                watch.close()
                daemon.kill()
                daemon.start()
        finally:
            stop.set()
            for client in clients:
                client.join()
        with self.subTest(seed=seed):
            self.until(lambda: all(g["state"] == "reserved" for n, g in daemon.guests().items() if n != "steady/0"))
            guests = daemon.guests()
            addresses = [g["addresses"][0] for g in guests.values()]
            macs = [g["mac"] for g in guests.values()]
            self.assertEqual(len(addresses), len(set(addresses)), "no address twice")
            self.assertEqual(len(macs), len(set(macs)), "no MAC twice")
            for name, identities in self.told.items():
                self.assertEqual(len(identities), 1, f"{name} was always told the same: {identities}")
            self.assertEqual(guests["steady/0"]["addresses"], [lease["ip"] + "/24"])
            self.assertTrue(vmm.ping("10.77.0.1"))
            self.assertEqual(vmm.udhcpc()["ip"], lease["ip"])
            # One more restart takes the set elements of ports that died under a dead daemon.
            daemon.kill()
            daemon.start()
            self.assertEqual(self.host.ns.dump(), empty, "nothing is left over")


if __name__ == "__main__":
    unittest.main()

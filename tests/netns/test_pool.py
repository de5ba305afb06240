#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A network's addresses as guests and clients see them: exclusions, growth, leases that are kept."""

import unittest

from support import NetnsTest

from harness import dhcp
from harness.daemon import CONFIG
from harness.varlink import Error

NESTED = "52:54:00:77:00:01"


def config(keys):
    return CONFIG.replace("domain", keys + "\n\tdomain")


class Pool(NetnsTest):
    def ask(self, wire, **message):
        return wire.exchange(dhcp.frame(dhcp.message(mac=NESTED, **message), mac=NESTED))

    def bind(self, wire):
        """DORA of a client behind a guest's port; its address."""
        offer = self.ask(wire, options=[(53, b"\x01")])
        ack = self.ask(wire, options=[(53, b"\x03"), (54, dhcp.ip("10.77.0.1")), (50, dhcp.ip(offer.yiaddr))])
        self.assertEqual((offer.type, ack.type, ack.yiaddr), (2, 5, offer.yiaddr))
        return ack.yiaddr

    def test_exclusion(self):
        """Of a live network: the client is refused and gets another address, the port's guest keeps its own."""
        keys = "identity = mac range = { 10.77.0.10-10.77.0.12 }"
        daemon = self.daemon(config(keys))
        vmm = self.vmm(daemon, "web1")
        own = vmm.udhcpc()["ip"]
        with dhcp.Wire(vmm) as wire:
            address = self.bind(wire)
            daemon.configure(config(f"{keys} exclude = {{ {own}, {address} }}"))
            daemon.ctl("reload")
            nak = self.ask(wire, ciaddr=address, options=[(53, b"\x03")])
            self.assertEqual(nak.type, 6)
            other = self.bind(wire)
            self.assertEqual(sorted([own, address, other]), ["10.77.0.10", "10.77.0.11", "10.77.0.12"])
        self.assertEqual(vmm.udhcpc()["ip"], own)
        with self.assertRaises(Error) as refused:
            daemon.call("Attach", guest="web2")
        self.assertIn("PoolExhausted", str(refused.exception))
        daemon.kill()
        daemon.start()
        self.assertEqual({row["address"]: row["state"] for row in daemon.ctl_json("leases")},
                         {own: "bound", other: "bound", address: "released"})
        self.assertEqual(self.vmm(daemon, "web3", "--address", address).udhcpc()["ip"], address)

    def test_growth(self):
        """Guests go on where the range ends, each range is told of once, and a kill -9 forgets none of it."""
        daemon = self.daemon(config("range = { 10.77.0.10 } grow = { 10.77.0.20, 10.77.0.30-10.77.0.49 }"))
        watch = daemon.watch()
        vmms = [self.vmm(daemon, f"web{n}") for n in range(2)]
        self.assertEqual([vmm.udhcpc()["ip"] for vmm in vmms], ["10.77.0.10", "10.77.0.20"])
        for grown in ("10.77.0.20-10.77.0.20", "10.77.0.30-10.77.0.49"):
            self.assertEqual(watch.until("pool-grown")["detail"], grown + " is in use now")
        watch.close()
        self.assertRegex(self.vmm(daemon, "web2").udhcpc()["ip"], r"^10\.77\.0\.[34][0-9]$")
        network = daemon.ctl_json("networks")[0]
        self.assertEqual((network["poolUsed"], network["poolSize"]), (3, 22))
        daemon.kill()
        daemon.start()
        network = daemon.ctl_json("networks")[0]
        self.assertEqual((network["poolUsed"], network["poolSize"]), (3, 22))
        self.assertRegex(self.vmm(daemon, "web3").udhcpc()["ip"], r"^10\.77\.0\.[34][0-9]$")
        self.assertEqual(daemon.logged().count("so it has grown"), 2)

    def test_leases_that_are_kept(self):
        daemon = self.daemon(config("identity = mac keep-leases = yes"))
        vmm = self.vmm(daemon, "web1")
        own = vmm.udhcpc()["ip"]
        with dhcp.Wire(vmm) as wire:
            address = self.bind(wire)
        watch = daemon.watch()
        vmm.close()
        watch.until("gone", guest="web1")
        watch.close()
        daemon.kill()
        daemon.start()
        self.assertEqual({row["address"]: row["state"] for row in daemon.ctl_json("leases")},
                         {own: "bound", address: "bound"})
        # They are renewed where they were.
        with dhcp.Wire(self.vmm(daemon, "web1")) as wire:
            ack = self.ask(wire, ciaddr=address, options=[(53, b"\x03")])
            self.assertEqual((ack.type, ack.yiaddr), (5, address))


if __name__ == "__main__":
    unittest.main()

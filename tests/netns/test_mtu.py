#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""One MTU from the uplink to bridge, TAP, DHCP option 26 and VMM; what it follows, and what is said where it cannot be."""

import unittest

from support import NetnsTest

from harness.daemon import CONFIG
from harness.namespaces import Namespace

JOINED = "port veth7 { }"


def config(more):
    return CONFIG.replace("\tdomain", f"\t{more}\n\tdomain")


class Mtu(NetnsTest):
    def chain(self, netd, guest="web1"):
        """What bridge, TAP, and netd say, and what the guest is told."""
        port = netd.guests()[f"{guest}/0"]
        links = self.host.ns.links()
        return [links["nd-default"]["mtu"], links[port["interface"]]["mtu"], port["mtu"], netd.ctl_json("network", "default")["mtu"]]

    def assert_chain(self, netd, vmm, mtu):
        self.until(lambda: self.chain(netd) == [mtu] * 4)
        self.assertEqual(vmm.udhcpc("-O", "mtu")["mtu"], str(mtu))

    def veth7(self, mtu):
        inner = Namespace("container")
        self.addCleanup(inner.close)
        self.host.ns.run("ip", "link", "add", "veth7", "mtu", str(mtu), "type", "veth", "peer", "name", "eth0", "netns",
                         str(inner.pid))

    def healed(self, netd):
        return netd.ctl_json("status")["healed"]

    def test_the_uplink_is_followed(self):
        netd = self.daemon()
        vmm = self.vmm(netd, "web1")
        self.assert_chain(netd, vmm, 1500)
        for mtu in (1400, 1480):
            self.host.ns.run("ip", "link", "set", "up0", "mtu", str(mtu))
            self.assert_chain(netd, vmm, mtu)
        self.assertEqual(self.healed(netd), 0)

    def test_what_is_in_the_bridge_is_followed(self):
        self.veth7(1400)
        netd = self.daemon(config(JOINED))
        vmm = self.vmm(netd, "web1")
        self.assert_chain(netd, vmm, 1400)
        self.host.ns.run("ip", "link", "set", "veth7", "mtu", "1450")
        self.assert_chain(netd, vmm, 1450)
        self.host.ns.run("ip", "link", "set", "veth7", "mtu", "9000")
        self.assert_chain(netd, vmm, 1500)
        self.host.ns.run("ip", "link", "set", "veth7", "mtu", "1300")
        self.assert_chain(netd, vmm, 1300)
        netd.configure(CONFIG)
        netd.ctl("reload")
        self.assert_chain(netd, vmm, 1500)
        self.assertEqual(self.healed(netd), 0)

    def test_one_that_joins_later(self):
        netd = self.daemon(config(JOINED))
        vmm = self.vmm(netd, "web1")
        self.assert_chain(netd, vmm, 1500)
        self.veth7(1400)
        self.assert_chain(netd, vmm, 1400)
        self.host.ns.run("ip", "link", "del", "veth7")
        self.assert_chain(netd, vmm, 1500)
        self.assertEqual(self.healed(netd), 0)

    def test_what_cannot_be(self):
        """It is as it was asked for, and there is a warning."""
        self.veth7(1400)
        netd = self.daemon(config("mtu = 1500\n\t" + JOINED))
        vmm = self.vmm(netd, "web1")
        self.until(lambda: netd.ctl_json("network", "default")["interfaces"][0]["joined"])
        self.assert_chain(netd, vmm, 1500)
        sentence = "guests' packets can be too large for veth7"
        self.assertEqual(netd.ctl_json("status")["warnings"],
                         [f"network default: {sentence}: its MTU is 1400, theirs 1500"])
        self.assertIn(sentence, netd.ctl("doctor", check=False)[1])
        self.assertEqual(self.healed(netd), 0)
        self.host.ns.run("ip", "link", "set", "veth7", "mtu", "1500")
        self.until(lambda: not netd.ctl_json("status")["warnings"])

    def test_drift_is_mended(self):
        self.veth7(1500)
        netd = self.daemon(config(JOINED))
        vmm = self.vmm(netd, "web1")
        self.assert_chain(netd, vmm, 1500)
        events = netd.watch()
        self.addCleanup(events.close)
        for link in ("nd-default", netd.guests()["web1/0"]["interface"]):
            for mtu in (1400, 9000):
                self.host.ns.run("ip", "link", "set", link, "mtu", str(mtu))
                self.assertEqual(events.until("healed")["detail"], f"the MTU of {link} was changed to {mtu}")
                self.assert_chain(netd, vmm, 1500)


class Jumbo(NetnsTest):
    MTU = 65535

    def test_no_more_than_a_tap_can_have(self):
        netd = self.daemon()
        vmm = self.vmm(netd, "web1")
        vmm.udhcpc()
        self.assertEqual(netd.ctl_json("network", "default")["mtu"], 65521)
        vmm.run("ip", "link", "set", "eth0", "mtu", "65521")
        self.assertTrue(vmm.ping("10.77.0.1", 65521 - 28))


if __name__ == "__main__":
    unittest.main()

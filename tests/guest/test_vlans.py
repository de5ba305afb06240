#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""VLANs of ports, in a guest whose kernel has bridges that filter them."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "netns"))
# pylint: disable=wrong-import-position
from support import NetnsTest

from harness.daemon import BUILD
from harness.guest import SerialGuest, qemu


class Vlans(NetnsTest):
    def setUp(self):
        console = os.path.join(BUILD, "guest", "vlan-console")
        image = os.path.join(BUILD, "guest", "host-initramfs.gz")
        self.outer = SerialGuest("host", qemu(console, memory=1536, initramfs=image), console)
        self.addCleanup(self.outer.close)
        self.outer.wait_ready()

    def test_access_and_trunk(self):
        code, text = self.outer.run("sh /vlan_run.sh 2>&1", check=False)
        self.assertEqual(code, 0, text)
        seen = {}
        for line in text.splitlines():
            key, _, value = line.partition(": ")
            seen.setdefault(key, []).append(value)
        if os.environ.get("NETD_TEST_LOG"):
            print(text)
        self.assertEqual(seen["filtering"], ["1"])
        # DHCP is answered at access ports, whatever their VLAN.
        for guest in "abc":
            self.assertRegex(seen[f"lease {guest} eth0"][0], r"^10\.77\.0\.")
        # Who is in which VLAN; before and after the restart, and after the reload that moves a.
        self.assertEqual(seen["a reaches b"], ["yes"])
        self.assertEqual(seen["a reaches c"], ["no", "yes"])
        self.assertEqual(seen["a reaches host"], ["no"])
        self.assertEqual(seen["a reaches lan"], ["yes", "yes", "no"])
        self.assertEqual(seen["c reaches lan"], ["no"])
        # A trunk, in its VLANs and no other.
        self.assertEqual(seen["t reaches a"], ["yes", "yes"])
        self.assertEqual(seen["t reaches c"], ["yes"])
        self.assertEqual(seen["t reaches a-by-200"], ["no"])
        self.assertEqual(seen["t reaches a-by-300"], ["no"])
        # The guard looks into tagged frames; and at access ports there are none.
        before, arp, ip, mac = seen["drops t"]
        self.assertEqual(before, "")
        self.assertIn('"arp":', arp)
        self.assertIn('"ip":', ip)
        self.assertIn('"mac":', mac)
        self.assertEqual(seen["t reaches a-as-another"] + seen["t reaches a-with-another-mac"], ["no", "no", "no"])
        self.assertEqual(seen["b reaches a-with-a-tag"], ["no"])
        self.assertIn('"vlan":', seen["drops b"][0])
        # DHCP with a tag is for the server in that VLAN.
        self.assertEqual(seen["lease t eth0.100"], ["10.77.0.210"])
        self.assertRegex(seen["vlans of t"][0], r"^port vlan-id nt\w+ 100 200 $")


if __name__ == "__main__":
    unittest.main()

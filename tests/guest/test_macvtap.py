#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A network of mode macvtap with Debian's kernel: a guest that is a host, and QEMU in it with vhost-net and two queues."""

import json
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "netns"))
# pylint: disable=wrong-import-position
from support import NetnsTest

from harness.daemon import BUILD
from harness.guest import SerialGuest, qemu


class MacvtapHost(NetnsTest):

    def test_vhost_on_macvtap(self):
        console = os.path.join(BUILD, "guest", "host-console")
        image = os.path.join(BUILD, "guest", "host-initramfs.gz")
        outer = SerialGuest("host", qemu(console, memory=1536, initramfs=image), console)
        self.addCleanup(outer.close)
        outer.wait_ready()
        _, text = outer.run("sh /host_macvtap.sh 2>&1")
        seen = {}
        for line in text.splitlines():
            key, _, value = line.partition(": ")
            seen.setdefault(key, []).append(value)
        port = json.loads(seen["guests"][0])[0]
        self.assertEqual((port["state"], port["vhost"], port["queues"], port["bridge"]), ("attached", True, 2, ""))
        self.assertIn("3 packets transmitted, 3 packets received, 0% packet loss", seen["inner"])
        self.assertEqual(seen["workers"], ["2"], "a vhost worker of the kernel for each queue")
        self.assertIn("1 packets transmitted, 0 packets received, 100% packet loss", seen["inner"])
        drops = json.loads(seen["spoofed"][0])[0]["guard"]["drops"]
        self.assertGreaterEqual(drops.get("arp", 0) + drops.get("ip", 0), 1)
        after = json.loads(seen["after"][0])[0]
        self.assertEqual((after["state"], after["interface"]), ("reserved", None))
        self.assertNotIn(port["interface"], seen["left"][0])


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest with Debian's kernel that is a KVM host itself, and tests in it; one boot serves all of a file's."""

import os
import unittest

from .daemon import BUILD
from .guest import SerialGuest, qemu
from .namespaces import Failed

IMAGE = os.path.join(BUILD, "guest", "host-initramfs.gz")


class OuterTest(unittest.TestCase):
    outer = None

    def setUp(self):
        if OuterTest.outer:
            return
        console = os.path.join(BUILD, "guest", "host-console")
        OuterTest.outer = SerialGuest("host", qemu(console, memory=1536, initramfs=IMAGE, more=("-smp", "2")), console)
        unittest.addModuleCleanup(self.end)
        OuterTest.outer.wait_ready()

    @staticmethod
    def end():
        if OuterTest.outer:
            OuterTest.outer.close()
            OuterTest.outer = None

    def host_run(self, command):
        """Runs a script as on a host that has just booted: what it said, by key, in its order."""
        try:
            code, text = self.outer.run(f"sh /host_netns.sh {command} 2>&1", check=False)
        except Failed:
            # It would answer the next test with what is this one's.
            self.end()
            raise
        if os.environ.get("NETD_TEST_LOG"):
            print(text)
        self.assertEqual(code, 0, text)
        seen = {}
        for line in text.splitlines():
            key, _, value = line.partition(": ")
            seen.setdefault(key, []).append(value)
        return seen

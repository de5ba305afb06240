# SPDX-License-Identifier: GPL-2.0-or-later
"""What every test in namespaces begins with."""

import os
import signal
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# pylint: disable=wrong-import-position
from harness.daemon import CONFIG, Daemon, TestLoad, TestVmm
from harness.namespaces import DEADLINE, Host, enter_private

enter_private()
# A shell's job in the background begins with it ignored, and so would all that is started here.
signal.signal(signal.SIGINT, signal.default_int_handler)


class NetnsTest(unittest.TestCase):
    """A host of its own for each test; daemons and guests end with it, in the reverse order."""

    MTU = 1500
    UPLINK = True

    def setUp(self):
        self.host = Host(self.MTU, self.UPLINK)
        self.addCleanup(self.host.close)

    def daemon(self, config=CONFIG, **more):
        daemon = Daemon(self.host, config, **more)
        self.addCleanup(self.end_daemon, daemon)
        return daemon

    def end_daemon(self, daemon):
        if not os.path.exists(daemon.directory):
            return
        log = daemon.logged() if os.path.exists(daemon.log) else ""
        if os.environ.get("NETD_TEST_LOG"):
            print(log, file=sys.stderr)
        daemon.close()
        self.assertNotIn("Sanitizer", log)
        self.assertNotIn("runtime error", log)

    def leave_out(self, why):
        """Skips a test so that everybody sees it."""
        print(f"LEFT OUT: {self.id().removeprefix('__main__.')}: {why}")
        self.skipTest(why)

    def until(self, predicate):
        """Asks again and again, for what no event tells."""
        end = time.monotonic() + DEADLINE
        while not predicate():
            self.assertLess(time.monotonic(), end, "it did not come true")

    def vmm(self, daemon, guest, *options):
        vmm = TestVmm(daemon, guest, *options)
        self.addCleanup(vmm.close)
        return vmm

    def load(self, daemon, guests):
        load = TestLoad(daemon, guests)
        self.addCleanup(load.close)
        return load

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""gc: what is left over is named and goes; what somebody uses, and what is not netd's, stays."""

import unittest

from support import NetnsTest

from harness.daemon import CONFIG
from harness.namespaces import Namespace

OLD = CONFIG + "network old { subnet = 10.78.0.1/24 }\n"


class Gc(NetnsTest):
    def gc(self, daemon, *options):
        return daemon.ctl("gc", *options)[1].splitlines()

    def test_a_network_that_is_configured_no_more(self):
        daemon = self.daemon()
        before = self.host.ns.dump()
        daemon.stop()
        daemon.configure(OLD)
        daemon.start()
        self.assertEqual(self.gc(daemon), ["nothing is left over"])
        ns = Namespace("c1")
        self.addCleanup(ns.close)
        daemon.ctl("attach", "c1", "--network", "old", "--netns", f"/proc/{ns.pid}/ns/net")
        daemon.ctl("attach", "vm", "--network", "old", "--tap", "tap7")
        pair = daemon.guests()["c1/0"]["interface"]
        self.assertEqual(self.gc(daemon), ["nothing is left over"])
        daemon.stop()
        daemon.configure(CONFIG)
        daemon.start()
        # What is not netd's, with names and kinds like netd's.
        self.host.ns.run("ip", "tuntap", "add", "nt0123456789ab", "mode", "tap")
        self.host.ns.run("ip", "link", "add", "nd-other", "type", "bridge")
        held = self.host.ns.dump()
        why = "network old is not configured"
        kept = [f"interface {pair}: {why}; stays: its other end may be in use", f"bridge nd-old: {why}; stays: {pair} is in it",
                f"rows: {why}: 2 allocations, 0 leases; stays: {pair} is still there"]
        self.assertEqual(sorted(self.gc(daemon, "--dry-run")), sorted([*kept, f"interface tap7: {why}; would be removed"]))
        self.assertEqual(self.host.ns.dump(), held)
        self.assertEqual(sorted(self.gc(daemon)), sorted([*kept, f"interface tap7: {why}; removed"]))
        self.assertNotIn("tap7", self.host.ns.links())
        self.assertEqual(sorted(self.gc(daemon)), sorted(kept))
        ns.run("ip", "link", "del", "eth0")
        items = daemon.ctl_json("gc")
        self.assertEqual([(i["kind"], i["removed"]) for i in items], [("bridge", True), ("rows", True)])
        self.assertEqual(self.gc(daemon), ["nothing is left over"])
        for mine in ("nt0123456789ab", "nd-other"):
            self.host.ns.run("ip", "link", "del", mine)
        self.assertEqual(self.host.ns.dump(), before)
        daemon.stop()
        self.assertNotIn("old", daemon.rows())


if __name__ == "__main__":
    unittest.main()

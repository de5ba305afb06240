#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""netdctl link: nothing passes by a port that is set down, until it is set up again."""

import unittest

from support import NetnsTest

GATEWAY = "10.77.0.1"


class Link(NetnsTest):
    def setUp(self):
        super().setUp()
        self.netd = self.daemon()
        self.events = self.netd.watch()
        self.addCleanup(self.events.close)

    def guest(self, name="web1"):
        guest = self.vmm(self.netd, name)
        guest.udhcpc()
        return guest

    def unreachable(self, guest):
        """One packet, which cannot come back: its TAP takes nothing."""
        return not guest.ok("ping", "-c", "1", "-W", "1", GATEWAY)

    def test_down_and_up(self):
        guest, other = self.guest(), self.guest("web2")
        self.netd.ctl("link", "web1", "down")
        self.assertEqual(self.events.until("link-down")["guest"], "web1")
        self.assertEqual(self.netd.guests()["web1/0"]["link"], "down")
        self.assertEqual(self.netd.guests()["web2/0"]["link"], "up")
        self.assertIn("attached, down", self.netd.ctl("guests")[1])
        self.assertTrue(self.unreachable(guest))
        self.assertTrue(other.ping(GATEWAY))
        self.assertIn("netdctl link web1/0 up", self.netd.ctl("doctor", "web1", check=False)[1])
        self.netd.ctl("reload")
        self.assertTrue(self.unreachable(guest))
        self.netd.ctl("link", "web1/0", "up")
        self.events.until("link-up")
        self.until(lambda: guest.ping(GATEWAY))     # its kernel may have just given up to ask for the gateway
        self.assertEqual(self.netd.ctl_json("status")["healed"], 0)

    def test_it_survives_kill_9(self):
        guest = self.guest()
        self.netd.ctl("link", "web1", "down")
        self.netd.kill()
        self.netd.start()
        self.assertEqual(self.netd.guests()["web1/0"]["link"], "down")
        self.assertTrue(self.unreachable(guest))
        self.netd.ctl("link", "web1", "up")
        self.until(lambda: guest.ping(GATEWAY))

    def test_somebody_sets_it_up(self):
        guest = self.guest()
        self.netd.ctl("link", "web1", "down")
        self.host.ns.run("ip", "link", "set", self.netd.guests()["web1/0"]["interface"], "up")
        self.assertIn("was set up", self.events.until("healed")["detail"])
        self.assertTrue(self.unreachable(guest))

    def test_refusals(self):
        code, _, err = self.netd.ctl("link", "nobody", "down", check=False)
        self.assertEqual((code, err), (1, "netdctl: there is no guest 'nobody'\n"))
        self.assertEqual(self.netd.ctl("link", "web1", "sideways", check=False)[0], 2)
        self.assertEqual(self.netd.ctl("link", "web1", check=False)[0], 2)


if __name__ == "__main__":
    unittest.main()

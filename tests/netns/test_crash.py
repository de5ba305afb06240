#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""kill -9 again and again under DHCP load: what a client was told is what the state says. NETD_KILLS: how often."""

import os
import random
import unittest

from support import NetnsTest

CONFIG = """
mac { secret = "a test's secret" }
network default {
	subnet = 10.77.0.1/24
	dns = { 192.0.2.53 }
	max-lease-time = 365d
}
"""


class Crash(NetnsTest):
    KILLS = int(os.environ.get("NETD_KILLS", "200"))
    GUESTS = 16
    UPLINK = False

    @staticmethod
    def identities(guests):
        return {name: (g["mac"], g["addresses"], g["interface"], g["state"]) for name, g in guests.items()}

    def check_rows(self, acks, rows):
        """Every ACK that was seen is in a row, and so no older than that row."""
        self.assertEqual(len(rows), len({row[0] for row in rows}), "a MAC has one lease")
        held = {mac: (address, state, seconds) for mac, address, state, seconds in rows}
        for mac, (address, seconds) in acks.items():
            self.assertIn(mac, held)
            self.assertEqual(held[mac][:2], (address, "bound"))
            self.assertGreaterEqual(held[mac][2], seconds, f"an ACK to {mac} was not stored")

    def check_served(self, acks, guests, before):
        """The daemon that was started on those rows serves them."""
        self.assertEqual(self.identities(guests), before)
        for guest in guests.values():
            if guest["mac"] in acks:
                self.assertEqual(guest["addresses"], [acks[guest["mac"]][0] + "/24"])
                self.assertEqual(guest["lease"]["state"], "bound")

    def test_no_ack_is_lost(self):
        seed = random.randrange(1 << 32)
        rng = random.Random(seed)
        daemon = self.daemon(CONFIG)
        load = self.load(daemon, self.GUESTS)
        before = self.identities(daemon.guests())
        self.assertEqual(len({address for _, (address,), _, _ in before.values()}), self.GUESTS)
        with self.subTest(seed=seed):
            for _ in range(self.KILLS):
                load.go(rng.randrange(1, 400))
                daemon.kill()
                acks = load.stop()
                self.check_rows(acks, daemon.lease_rows())
                daemon.start()
                self.check_served(acks, daemon.guests(), before)
            self.assertEqual(len(acks), self.GUESTS, "the load was real")


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""perfdhcp, Kea's client of many clients, as a relay agent behind a served port: all are served, and nothing twice."""

import unittest

from support import NetnsTest

from harness.perfdhcp import FIRST, LAST, PORT, PREFIX, SERVER, Wire

CONFIG = f"""
mac {{ secret = "a test's secret" }}
network default {{
	mode = isolated
	subnet = {PREFIX}
	range = {{ {FIRST}-{LAST} }}
	dns = {{ 192.0.2.53 }}
	identity = client-id
	probe = off
	port {PORT} {{ serve = yes }}
}}
"""
CLIENTS = 100
# 200 exchanges a second, a second in which the last answers can come, and no answer that is too late before.
PACE = ("-r", 200, "-W", 1000000, "-d", 60)
# So many exchanges, or a few more, and each of another client.
EACH_ONCE = (*PACE, "-n", CLIENTS, "-R", 10 * CLIENTS)


class Perfdhcp(NetnsTest):
    UPLINK = False

    def serve(self):
        wire = Wire(self.host.ns)
        self.addCleanup(wire.close)
        daemon = self.daemon(CONFIG)
        # The first question for the server's MAC is asked before the bridge forwards, and a second later again.
        self.until(lambda: wire.clients.ok("ping", "-c", "1", "-W", "1", SERVER))
        return daemon, wire

    def check_complete(self, report, *exchanges):
        """Every message of these exchanges was answered, and no address was given twice."""
        self.assertIn("REQUEST-ACK", exchanges)
        for name in exchanges:
            exchange = report.exchange[name]
            self.assertGreater(exchange.sent, 0, name)
            self.assertEqual((exchange.received, exchange.rejected, exchange.twice), (exchange.sent, 0, 0), report.text)

    def check_answered(self, daemon):
        """Whatever arrived was answered; what netd says of itself."""
        status = daemon.ctl_json("status")
        received, sent = status["dhcpReceived"], status["dhcpSent"]
        self.assertEqual(sent, {"OFFER": received["DISCOVER"], "ACK": received["REQUEST"]})
        return status

    def check_leases(self, daemon, clients):
        """Each client has one lease, each address one client; and the state says the same. The leases that run."""
        leases = daemon.ctl_json("leases")
        self.assertEqual(len(leases), clients)
        for of in "address", "mac":
            self.assertEqual(len({lease[of] for lease in leases}), clients, f"a lease for each {of}")
        told = {(lease["mac"], lease["address"], lease["state"]) for lease in leases}
        daemon.stop()
        self.assertEqual({row[:3] for row in daemon.lease_rows()}, told)
        return [lease for lease in leases if lease["state"] == "bound"]

    def test_relayed(self):
        daemon, wire = self.serve()
        report = wire.perfdhcp("-u", *EACH_ONCE)
        self.check_complete(report, "DISCOVER-OFFER", "REQUEST-ACK")
        self.check_answered(daemon)
        self.assertEqual(len(self.check_leases(daemon, report.begun)), report.begun)

    def test_broadcast(self):
        daemon, wire = self.serve()
        report = wire.perfdhcp("-B", *EACH_ONCE)
        self.check_complete(report, "DISCOVER-OFFER", "REQUEST-ACK")
        self.check_answered(daemon)
        self.assertEqual(len(self.check_leases(daemon, report.begun)), report.begun)

    def test_renewals_and_releases(self):
        daemon, wire = self.serve()
        report = wire.perfdhcp(*PACE, "-R", CLIENTS, "-p", 2, "-f", 50, "-F", 50)
        self.check_complete(report, "DISCOVER-OFFER", "REQUEST-ACK", "REQUEST-ACK (renewal)")
        self.assertGreater(report.exchange["RELEASE"].sent, 0)
        status = self.check_answered(daemon)
        self.assertEqual(status["dhcpReceived"]["RELEASE"], report.exchange["RELEASE"].sent)
        # It takes leases at random, and so gives some up twice.
        self.assertLessEqual(set(status["dhcpDropped"]), {"not-held"})
        self.assertLessEqual(len(self.check_leases(daemon, CLIENTS)), CLIENTS)

    def test_avalanche(self):
        """All at once, and again until all are answered. What perfdhcp itself cannot take is lost, and asked again."""
        daemon, wire = self.serve()
        report = wire.perfdhcp("--scenario", "avalanche", "-R", 3 * CLIENTS)
        self.check_complete(report, "DISCOVER-OFFER", "REQUEST-ACK")
        self.check_answered(daemon)
        self.assertEqual(len(self.check_leases(daemon, 3 * CLIENTS)), 3 * CLIENTS)


if __name__ == "__main__":
    unittest.main()

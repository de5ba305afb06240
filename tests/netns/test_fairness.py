#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest that floods costs itself only."""

import os
import unittest

from support import NetnsTest

from harness.daemon import CONFIG

GUESTS, CAP, MESSAGES = 12, 8, int(os.environ.get("NETD_FLOOD", "10000"))


class Flood(NetnsTest):
    def resident(self, daemon):
        with open(f"/proc/{daemon.process.pid}/status", encoding="utf-8") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))

    def lost(self):
        """Packets that found no room in a netlink socket, such as the one that all ports' DHCP comes through."""
        return sum(int(line.split()[8]) for line in self.host.ns.run("cat", "/proc/net/netlink").splitlines()[1:])

    def events_until(self, watch, kind):
        events = [watch.next()]
        while events[-1]["event"] != kind:
            events.append(watch.next())
        return events

    def flood(self, config):
        """The first guest floods, with the others asking meanwhile; the daemon, and what it said of it."""
        daemon = self.daemon(config)
        load = self.load(daemon, GUESTS)
        macs = {guest: port["mac"] for guest, port in daemon.guests().items()}
        load.flood(100)  # what is allocated once is
        before, lines = self.resident(daemon), len(daemon.logged().splitlines())
        watch = daemon.watch()
        leases, lasted = load.flood(MESSAGES)
        grown, lines = self.resident(daemon) - before, len(daemon.logged().splitlines()) - lines
        slowest = max(us for us, _ in leases.values()) / 1000
        print(f"{2 * MESSAGES} messages in {lasted / 1000:.0f} ms; the last of {GUESTS - 1} other guests has its lease "
              f"after {slowest:.1f} ms; {grown} kB more, {lines} lines logged")
        self.assertEqual(set(leases), {mac for guest, mac in macs.items() if guest != "load0/0"})
        self.assertEqual({tries for _, tries in leases.values()}, {1})
        self.assertEqual(self.lost(), 0)
        self.assertLess(grown, 1024)
        # Debugging is on: a line for each lease, and a few of what was dropped.
        self.assertLess(lines, 3 * GUESTS + 40)
        daemon.ctl("detach", "load1")
        events = self.events_until(watch, "detached")
        self.assertEqual([event["guest"] for event in events if event["event"] == "dhcp-flood"], ["load0"])
        self.assertLess(len(events), 3 * GUESTS + 20)
        watch.close()
        load.close()
        return daemon

    def test_t_dhcp_114_ports(self):
        daemon = self.flood(CONFIG)
        self.assertEqual({row["guest"] for row in daemon.ctl_json("leases")}, {f"load{n}" for n in range(1, GUESTS)})

    def test_t_dhcp_114_clients(self):
        daemon = self.flood(CONFIG.replace("domain", f"identity = client-id port-leases = {CAP}\n\tdomain"))
        guests = [row["guest"] for row in daemon.ctl_json("leases")]
        self.assertLessEqual(guests.count("load0"), CAP)
        self.assertGreaterEqual(daemon.call("GetStatus")["dhcpDropped"]["too-many-clients"], 100)


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""netdctl doctor: what it finds, and that the commands that it names mend it."""

import json
import unittest

from support import NetnsTest

from harness import arp
from harness.daemon import CONFIG


class Doctor(NetnsTest):
    def setUp(self):
        super().setUp()
        # Where there is br_netfilter, a new namespace has it at work, which is worth a note.
        self.host.ns.run("sh", "-c", "for call in /proc/sys/net/bridge/bridge-nf-call-*; do "
                                     "[ ! -e $call ] || echo 0 >$call; done")

    def examine(self, daemon, *guest):
        """Exit code and findings, by what."""
        code, out, _ = daemon.ctl("doctor", *guest, "--json", check=False)
        return code, {finding["what"]: finding for finding in json.loads(out)}

    def mend(self, finding):
        self.host.ns.run("sh", "-c", finding["command"])

    def test_all_is_well(self):
        daemon = self.daemon()
        self.vmm(daemon, "web1").udhcpc()
        self.assertEqual(daemon.ctl("doctor"), (0, "", ""))
        self.assertEqual(self.examine(daemon, "web1"), (0, {}))

    def test_notes_are_no_fault(self):
        daemon = self.daemon()
        self.vmm(daemon, "web1")
        code, findings = self.examine(daemon, "web1/0")
        self.assertEqual(code, 0)
        self.assertEqual(findings["its guest has not asked for an address"]["severity"], "note")
        daemon.ctl("detach", "web1")
        code, findings = self.examine(daemon, "web1")
        self.assertEqual((code, findings["it is not attached"]["port"]), (0, "web1/0"))

    def test_unknown_guest(self):
        code, _, said = self.daemon().ctl("doctor", "nobody", check=False)
        self.assertEqual((code, said), (1, "netdctl: there is no guest 'nobody'\n"))

    def test_no_way_out(self):
        self.host.ns.run("ip", "route", "del", "default")
        daemon = self.daemon()
        code, findings = self.examine(daemon)
        finding = findings["guests reach nothing beyond the host"]
        self.assertEqual((code, finding["severity"]), (1, "error"))
        self.mend({"command": finding["command"].replace("GATEWAY", "192.0.2.1")})
        self.until(lambda: self.examine(daemon) == (0, {}))

    def test_what_the_guard_held_back(self):
        daemon = self.daemon()
        vmm = self.vmm(daemon, "web1")
        vmm.udhcpc()
        watch = daemon.watch()
        mac = daemon.guests()["web1/0"]["mac"]
        vmm.run("/usr/bin/python3", "-c", "import socket; s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW);"
                f"s.bind(('eth0', 0)); s.send(bytes.fromhex('{arp.announcement(mac, '10.77.0.1').hex()}'))")
        watch.until("spoof", guest="web1")
        watch.close()
        code, findings = self.examine(daemon, "web1")
        finding = findings["the guard has held back 1 packets (arp)"]
        self.assertEqual((code, finding["severity"], finding["command"]), (1, "warning", "netdctl capture web1/0 --dropped"))
        self.assertIn("by ARP", finding["why"])

    def test_a_network_that_is_not_up(self):
        self.host.ns.run("ip", "link", "add", "nd-default", "type", "bridge")
        code, findings = self.examine(self.daemon())
        self.assertEqual((code, findings["network default is not up"]["why"]),
                         (1, "interface nd-default exists and is not netd's"))

    def test_packets_too_large_for_the_uplink(self):
        daemon = self.daemon(CONFIG.replace("domain", "mtu = 9000\n\tdomain"))
        code, findings = self.examine(daemon)
        self.assertEqual((code, findings["guests' packets can be too large for up0"]["why"]),
                         (1, "its MTU is 1500, theirs 9000"))
        daemon.configure(CONFIG)
        daemon.ctl("reload")
        self.assertEqual(self.examine(daemon), (0, {}))

    def test_one_line_a_finding(self):
        daemon = self.daemon(CONFIG.replace("domain", "mtu = 9000\n\tdomain"))
        code, out, _ = daemon.ctl("doctor", check=False)
        self.assertEqual((code, out), (1, "warning: network default: guests' packets can be too large for up0: its MTU is 1500, "
                                          "theirs 9000; to mend it: set mtu = auto for network default in netd.conf, and run "
                                          "netdctl reload\n"))


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What netdctl metrics prints is Prometheus' text format, and says what has happened."""

import re
import unittest

from support import NetnsTest

LINE = re.compile(r'(\w+)(?:\{((?:\w+="[^"\\\n]*",?)*)\})? ([0-9.e+-]+)\n')


class Metrics(NetnsTest):
    def read(self, daemon):
        """{(name, labels): value}; every line is one of the format, and every name has been described before."""
        samples, described = {}, set()
        for line in daemon.ctl("metrics")[1].splitlines(keepends=True):
            if line.startswith("#"):
                _, what, name, _ = line.split(" ", 3)
                self.assertIn(what, ("HELP", "TYPE"))
                described.add((what, name))
                continue
            sample = LINE.fullmatch(line)
            self.assertIsNotNone(sample, line)
            name, labels, value = sample.groups()
            self.assertLessEqual({("HELP", name), ("TYPE", name)}, described)
            self.assertNotIn((name, labels or ""), samples)
            samples[name, labels or ""] = float(value)
        return samples

    def test_metrics(self):
        daemon = self.daemon()
        before = self.read(daemon)
        self.assertEqual(before["netd_ports", ""], 0)
        self.assertEqual(before["netd_network_up", 'network="default",mode="nat"'], 1)
        vmm = self.vmm(daemon, "web1")
        vmm.udhcpc()
        vmm.run("/usr/bin/python3", "-c", "import socket; s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW);"
                "s.bind(('eth0', 0)); s.send(b'\\xff' * 6 + b'\\x02' * 6 + b'\\x88\\xb5' + bytes(46))")
        after = self.read(daemon)
        self.assertEqual(after["netd_ports_attached", ""], 1)
        self.assertEqual(after["netd_leases", ""], 1)
        self.assertEqual(after["netd_network_pool_addresses_used", 'network="default",mode="nat"'],
                         before["netd_network_pool_addresses_used", 'network="default",mode="nat"'] + 1)
        self.assertEqual(after["netd_dhcp_sent_total", 'message="ACK"'], 1)
        self.assertEqual(after["netd_guard_packets_total", 'network="default",guest="web1",nic="0",reason="mac"'], 1)
        self.assertGreater(after["process_cpu_seconds_total", ""], 0)


if __name__ == "__main__":
    unittest.main()

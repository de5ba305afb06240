#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests of another DHCP server keep MAC and address."""

import json
import os
import unittest

from support import NetnsTest

from harness import dhcp
from harness.daemon import CONFIG, Daemon
from harness.namespaces import Host

LEASES = """\
1700003600 52:54:00:00:00:01 10.77.0.101 web1 01:52:54:00:00:00:01
0 52:54:00:00:00:02 10.77.0.102 * *
1700003600 52:54:00:00:00:03 10.77.0.103 taken *
1700003600 52:54:00:00:00:04 10.99.0.104 outside *
what is this
1700003600 52:54:00:00:00:05 10.77.0.101 twice *
1700003600 52:54:00:00:00:01 10.77.0.106 again *
1700003600 52:54:00:00:00:07 10.77.0.9 reserved *
1700003600 01:00:5e:00:00:01 10.77.0.108 multicast *
duid 00:01:00:01:2c:a1:b2:c3:52:54:00:aa:bb:cc
1700003600 1193046 fd00::1f0 web1 00:01:00:01
"""

REFUSED = [
    "line 4: 10.99.0.104 is not a host of subnet 10.77.0.1/24",
    "line 5: it is not a line of dnsmasq's",
    "line 6: 10.77.0.101 is in use by port web1/0 of network default",
    "line 7: 52:54:00:00:00:01 is in use by port web1/0 of network default",
    "line 8: 10.77.0.9 is in use by the reservation for db",
    "line 9: mac is not acceptable: ",
]


class Import(NetnsTest):
    def setUp(self):
        super().setUp()
        self.netd = self.daemon(CONFIG.replace("domain", "host db { address = 10.77.0.9 }\n\tdomain"))
        self.path = os.path.join(self.netd.directory, "leases")
        self.write(LEASES)

    def write(self, text):
        with open(self.path, "w", encoding="utf-8") as out:
            out.write(text)

    def identities(self):
        return {name: (g["mac"], g["addresses"], g["state"], g["owner"]) for name, g in self.netd.guests().items()}

    def test_dnsmasq(self):
        vmm = self.vmm(self.netd, "taken")
        before = self.netd.guests()
        for options in (["--dry-run"], [], []):
            code, out, said = self.netd.ctl("import", *options, self.path, check=False)
            lines = said.splitlines()
            self.assertEqual(code, 1)
            self.assertEqual(len(lines), len(REFUSED) + 1)
            for line, refused in zip(lines, REFUSED):
                self.assertTrue(line.startswith(f"netdctl: {self.path}: {refused}"), line)
            would = "would be " if options else ""
            self.assertEqual(lines[-1], f"netdctl: 3 {would}imported, 6 refused, 1 of DHCPv6 skipped")
            self.assertEqual(out.splitlines(), ["web1: MAC 52:54:00:00:00:01, address 10.77.0.101",
                                                "import-525400000002: MAC 52:54:00:00:00:02, address 10.77.0.102",
                                                "import-525400000003: MAC 52:54:00:00:00:03, address 10.77.0.103"])
            if options:
                self.assertEqual(self.netd.guests(), before)
        self.netd.kill()
        self.netd.start()
        guests = self.identities()
        self.assertEqual(len(guests), 4)
        self.assertEqual(guests["web1/0"], ("52:54:00:00:00:01", ["10.77.0.101/24"], "reserved", 0))
        web1 = self.vmm(self.netd, "web1")
        self.assertEqual(self.netd.guests()["web1/0"]["mac"], "52:54:00:00:00:01")
        self.assertEqual(web1.udhcpc()["ip"], "10.77.0.101")
        self.assertEqual(vmm.udhcpc()["ip"] + "/24", before["taken/0"]["addresses"][0])

    def test_libvirt(self):
        self.write(json.dumps([{"ip-address": "10.77.0.101", "mac-address": "52:54:00:00:00:01", "hostname": "web1",
                                "expiry-time": 1700003600}]))
        self.assertEqual(self.netd.ctl_json("import", "--network", "default", self.path),
                         [{"line": 1, "mac": "52:54:00:00:00:01", "address": "10.77.0.101", "guest": "web1"}])
        self.assertEqual(self.identities(), {"web1/0": ("52:54:00:00:00:01", ["10.77.0.101/24"], "reserved", 0)})

    def test_what_cannot_be(self):
        self.assertEqual(self.netd.ctl("import", "--network", "none", self.path, check=False)[::2],
                         (1, "netdctl: there is no network 'none'; 0 were imported before that\n"))
        self.assertEqual(self.netd.ctl("import", self.path + "x", check=False)[::2],
                         (1, f"netdctl: cannot read {self.path}x: No such file or directory\n"))
        self.write("[ 1")
        self.assertEqual(self.netd.ctl("import", self.path, check=False)[::2],
                         (1, f"netdctl: {self.path}: it begins like a list in JSON, and is none\n"))

    def test_t_dhcp_119(self):
        """A guest that runs on moves to another host: its lease arrives first, and it is renewed there."""
        there = Host()
        self.addCleanup(there.close)
        daemon = Daemon(there)
        self.addCleanup(self.end_daemon, daemon)
        lease = self.vmm(self.netd, "web1").udhcpc("-x", "hostname:web1")
        self.write(self.netd.ctl("leases", "--format", "dnsmasq")[1])
        daemon.ctl("import", self.path)
        watch = daemon.watch()
        vmm = self.vmm(daemon, "web1")
        mac = daemon.guests()["web1/0"]["mac"]
        self.assertEqual(mac, self.netd.guests()["web1/0"]["mac"])
        with dhcp.Wire(vmm) as wire:
            # What a VMM sends when its guest goes on (RFC 5227 2.3), and then the guest.
            wire.send(b"\xff" * 6 + dhcp.mac_octets(mac) + bytes.fromhex("08060001080006040001") + dhcp.mac_octets(mac) +
                      dhcp.ip(lease["ip"]) + bytes(6) + dhcp.ip(lease["ip"]))
            renewed = wire.exchange(dhcp.frame(
                dhcp.message(mac=mac, ciaddr=lease["ip"], options=[(53, b"\x03"), (61, b"\x01" + dhcp.mac_octets(mac))]),
                mac=mac, source=lease["ip"], destination=lease["serverid"]))
        self.assertEqual((renewed.type, renewed.yiaddr), (5, lease["ip"]))
        self.assertEqual([watch.next()["event"] for _ in range(2)], ["attached", "lease-bound"])
        watch.close()

    def test_many(self):
        """More than one call has room for, and more than there are ports for."""
        self.netd.close()
        self.netd = self.daemon("max-ports = 600\nnetwork default { subnet = 10.77.0.1/16 }\n")
        self.path = os.path.join(self.netd.directory, "leases")
        self.write("".join(f"0 52:54:00:00:{n >> 8:02x}:{n & 255:02x} 10.77.{n >> 8}.{n & 255} h{n} *\n"
                           for n in range(2, 702)))
        code, _, said = self.netd.ctl("import", self.path, check=False)
        self.assertEqual((code, said.splitlines()[-1]), (1, "netdctl: 600 imported, 100 refused, 0 of DHCPv6 skipped"))
        self.assertIn("max-ports", said.splitlines()[0])
        self.assertEqual(len(self.netd.guests()), 600)


if __name__ == "__main__":
    unittest.main()

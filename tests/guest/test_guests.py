#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Real guests: QEMU with Debian's kernel on ports that netd made."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "netns"))
# pylint: disable=wrong-import-position
from support import NetnsTest

from harness.daemon import BUILD
from harness.guest import Guest, SerialGuest, qemu
from harness.namespaces import Host


class Qemu(NetnsTest):
    def guest(self, daemon, name, *options):
        log = open(os.path.join(daemon.directory, f"run-{name}"), "wb")
        self.addCleanup(log.close)
        guest = Guest(daemon.socket, daemon.directory, name, *options, stderr=log)
        self.addCleanup(guest.close)
        return guest

    def test_two_guests(self):
        daemon = self.daemon(None)
        guests = [self.guest(daemon, f"web{n}") for n in range(2)]
        for guest in guests:
            guest.wait_ready()
        leases = [guest.lease() for guest in guests]
        ports = daemon.guests()
        for guest, lease in zip(guests, leases):
            port = ports[f"{guest.name}/0"]
            self.assertEqual((lease["ip"] + "/" + lease["mask"], lease["serverid"], lease["router"]),
                             (port["addresses"][0], port["gateway"], port["gateway"]))
            self.assertEqual(port["lease"]["state"], "bound")
            _, mac = guest.run("cat /sys/class/net/eth0/address")
            self.assertEqual(mac, port["mac"])
            self.assertTrue(guest.ping(port["gateway"]))
            self.assertTrue(guest.ping(Host.INTERNET_ADDRESS))
        self.assertTrue(guests[0].ping(leases[1]["ip"]))
        self.assertTrue(guests[1].ping(leases[0]["ip"]))
        # The daemon dies and comes back; the guests do not notice, and renew.
        daemon.kill()
        daemon.start()
        self.assertTrue(guests[0].ping(leases[1]["ip"]))
        self.assertEqual(guests[0].lease()["ip"], leases[0]["ip"])
        watch = daemon.watch()
        guests[0].process.kill()
        watch.until("gone", guest="web0")
        watch.close()
        self.assertTrue(guests[1].ping(Host.INTERNET_ADDRESS))

    def test_bridge_helper(self):
        """A machine with QEMU's own -netdev bridge, and cards whose MACs QEMU chooses: address, gateway, world, guard."""
        daemon = self.daemon()
        acl, helper = (os.path.join(daemon.directory, name) for name in ("bridge.conf", "helper"))
        with open(acl, "w", encoding="utf-8") as out:
            out.write("allow nd-default\n")
        with open(helper, "w", encoding="utf-8") as out:
            out.write(f'#!/bin/sh\nexec {BUILD}/netd/netd-bridge-helper --acl={acl} "$@"\n')
        os.chmod(helper, 0o755)
        log = open(os.path.join(daemon.directory, "qemu"), "wb")
        self.addCleanup(log.close)
        console = os.path.join(daemon.directory, "console")
        argv = qemu(console, more=("-name", "web1", "-netdev", f"bridge,id=a,br=nd-default,helper={helper}", "-netdev",
                                   f"bridge,id=b,br=nd-default,helper={helper}", "-device", "virtio-net-pci,netdev=b,addr=9",
                                   "-device", "virtio-net-pci,netdev=a,addr=8"))
        guest = SerialGuest("web1", self.host.ns.enter(*argv), console, stderr=log,
                            env={**os.environ, "NETD_SOCKET": daemon.socket})
        self.addCleanup(guest.close)
        guest.wait_ready()
        for card in (0, 1):
            port = daemon.guests()[f"web1/{card}"]
            self.assertEqual(guest.run(f"cat /sys/class/net/eth{card}/address")[1], port["mac"])
            guest.run(f"udhcpc -i eth{card} -n -q -f -t 20 -T 1 -s /etc/udhcpc.sh >/tmp/udhcpc 2>&1 || "
                      "{ cat /tmp/udhcpc; false; }")
            self.assertIn("ip=" + port["addresses"][0].split("/")[0], guest.run("cat /tmp/lease")[1].split())
            for address in (port["gateway"], Host.INTERNET_ADDRESS):
                self.assertTrue(guest.ping(address), address)
            guest.run(f"ip link set eth{card} down")
        ports = daemon.guests()
        self.assertEqual([ports[f"web1/{card}"]["mac"] for card in (0, 1)], ["52:54:00:12:34:57", "52:54:00:12:34:56"])
        self.assertEqual([ports[f"web1/{card}"]["guard"]["drops"] for card in (0, 1)], [{}, {}])
        watch = daemon.watch()
        guest.process.kill()
        watch.until("gone", guest="web1")
        watch.until("gone", guest="web1")
        watch.close()

    def test_mtu_reaches_the_card(self):
        """host_mtu: the guest's card has it before any DHCP."""
        daemon = self.daemon("network default { subnet = 10.77.0.1/24 mtu = 1300 }\n")
        guest = self.guest(daemon, "web1")
        guest.wait_ready()
        self.assertEqual(guest.run("cat /sys/class/net/eth0/mtu")[1], "1300")


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Real QEMU: several queues, several cards, and cards that come and go while the guest runs."""

import os
import signal
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "netns"))
# pylint: disable=wrong-import-position
from support import NetnsTest

from harness.daemon import CONFIG
from harness.guest import Guest, SerialGuest, qemu
from harness.namespaces import Host
from harness.vmm import Qmp, QmpProxy

LAB = CONFIG + """
network lab {
	subnet = 10.88.0.1/24
	mtu = 1300
}
"""


class Vmm(NetnsTest):
    def plugged(self, daemon, name, *options, extra=()):
        """A guest that netdctl run starts."""
        log = open(os.path.join(daemon.directory, f"run-{name}"), "wb")
        self.addCleanup(log.close)
        guest = Guest(daemon.socket, daemon.directory, name, *options, extra=extra, stderr=log)
        self.addCleanup(guest.close)
        guest.wait_ready()
        return guest

    def bare(self, daemon, name, ports=1):
        """A guest without a card, with ports to plug some into, and its QMP socket."""
        console, socket = (os.path.join(daemon.directory, f"{what}-{name}") for what in ("console", "qmp"))
        extra = ["-smp", "2", "-qmp", f"unix:{socket},server=on,wait=off"]
        for n in range(ports):
            extra += ["-device", f"pcie-root-port,id=hot{n},chassis={n + 1}"]
        guest = SerialGuest(name, qemu(console, more=extra), console)
        self.addCleanup(guest.close)
        guest.wait_ready()
        return guest, socket

    def queues(self, guest, card="eth0"):
        return sorted(guest.run(f"ls /sys/class/net/{card}/queues")[1].split())

    def interrupts(self, guest, card="eth0"):
        """How often each queue of a card has had the guest's attention: {"input.0": count, …}."""
        _, device = guest.run(f"basename $(readlink -f /sys/class/net/{card}/device)")
        counts = {}
        for line in guest.run("cat /proc/interrupts")[1].splitlines():
            words = line.split()
            if words and words[-1].startswith(device + "-"):
                counts[words[-1].removeprefix(device + "-")] = sum(int(w) for w in words[1:] if w.isdigit())
        return counts

    def both_queues_carry(self, guest, gateway, card="eth0"):
        """A flow of each CPU goes out by that CPU's queue, and what answers it comes in by the same."""
        for queue, other in ((0, 1), (1, 0)):
            before = self.interrupts(guest, card)
            guest.run(f"taskset {1 << queue} ping -c 10 -i 0.05 -W 20 {gateway}")
            after = self.interrupts(guest, card)
            gained = {name: after[name] - before[name] for name in after}
            self.assertGreaterEqual(gained[f"input.{queue}"], 8, gained)
            self.assertLess(gained[f"input.{other}"], 8, gained)

    # --- run ---

    def test_two_queues(self):
        daemon = self.daemon()
        guest = self.plugged(daemon, "web1", "--queues", "2", extra=["-smp", "2"])
        guest.lease()
        self.assertEqual(self.queues(guest), ["rx-0", "rx-1", "tx-0", "tx-1"])
        port = daemon.guests()["web1/0"]
        self.assertEqual(port["queues"], 2)
        self.both_queues_carry(guest, port["gateway"])

    def test_two_cards_on_two_networks(self):
        daemon = self.daemon(LAB)
        guest = self.plugged(daemon, "web1", "--network", "default", "--network", "lab", "--queues", "1", "--mac", "auto",
                             "--mac", "52:54:00:12:34:56")
        ports = [daemon.guests()[f"web1/{nic}"] for nic in (0, 1)]
        self.assertEqual([port["network"] for port in ports], ["default", "lab"])
        self.assertEqual(ports[1]["mac"], "52:54:00:12:34:56")
        for card, port, mtu in zip(("eth0", "eth1"), ports, ("1500", "1300")):
            self.assertEqual(guest.run(f"cat /sys/class/net/{card}/address /sys/class/net/{card}/mtu")[1].split(),
                             [port["mac"], mtu])
            lease = guest.lease(card)
            self.assertEqual(f"{lease['ip']}/{lease['mask']}", port["addresses"][0])
            self.assertTrue(guest.ping(port["gateway"]))

    # --- hot-plug ---

    def test_plug_and_unplug(self):
        daemon = self.daemon()
        before = self.host.ns.dump()
        guest, qmp = self.bare(daemon, "web1")
        self.assertEqual(guest.run("ls /sys/class/net")[1].split(), ["lo"])
        for _ in range(2):
            _, _, said = daemon.ctl("attach", "web1", "--qmp", qmp, "--bus", "hot0", "--queues", "2")
            port = daemon.guests()["web1/0"]
            self.assertIn(f"port web1/0: {port['interface']} on default", said)
            guest.run("until [ -e /sys/class/net/eth0 ]; do :; done")
            self.assertEqual(guest.run("cat /sys/class/net/eth0/address")[1], port["mac"])
            lease = guest.lease()
            self.assertEqual(f"{lease['ip']}/{lease['mask']}", port["addresses"][0])
            self.assertTrue(guest.ping(port["gateway"]))
            self.assertTrue(guest.ping(Host.INTERNET_ADDRESS))
            self.both_queues_carry(guest, port["gateway"])
            # The one that is there is not doubled.
            code, _, said = daemon.ctl("attach", "web1", "--qmp", qmp, check=False)
            self.assertEqual(code, 1)
            self.assertIn("web1/0", said)
            daemon.ctl("detach", "web1", "--qmp", qmp)
            self.assertEqual(guest.run("ls /sys/class/net")[1].split(), ["lo"])
            self.assertEqual(daemon.guests()["web1/0"]["state"], "reserved")
            self.assertEqual(self.host.ns.dump(), before)
        # There is nothing left to take out, and that is no failure.
        daemon.ctl("detach", "web1", "--qmp", qmp)

    def test_bus_that_takes_none(self):
        """QEMU's own sentence, and everything is undone, so that the next try succeeds."""
        daemon = self.daemon()
        before = self.host.ns.dump()
        guest, qmp = self.bare(daemon, "web1")
        code, _, said = daemon.ctl("attach", "web1", "--qmp", qmp, check=False)
        self.assertEqual((code, said), (1, "netdctl: QEMU refuses device_add: Bus 'pcie.0' does not support hotplugging\n"))
        self.assertEqual(self.host.ns.dump(), before)
        self.assertEqual(daemon.guests()["web1/0"]["state"], "reserved")
        code, _, said = daemon.ctl("attach", "web1", "--qmp", qmp, "--bus", "nowhere", check=False)
        self.assertEqual((code, said), (1, "netdctl: QEMU refuses device_add: Bus 'nowhere' not found\n"))
        self.assertEqual(self.host.ns.dump(), before)
        daemon.ctl("attach", "web1", "--qmp", qmp, "--bus", "hot0")
        guest.run("until [ -e /sys/class/net/eth0 ]; do :; done")
        self.assertTrue(guest.ping(guest.lease()["router"]))

    def test_guest_that_does_not_let_go(self):
        """A guest that does not run can't; the card stays, and goes when it runs again."""
        daemon = self.daemon()
        console, qmp, other = (os.path.join(daemon.directory, what) for what in ("console", "qmp", "other"))
        guest = SerialGuest("web1", qemu(console, more=[
            "-device", "pcie-root-port,id=hot0,chassis=1", "-qmp", f"unix:{qmp},server=on,wait=off",
            "-qmp", f"unix:{other},server=on,wait=off"]), console)
        self.addCleanup(guest.close)
        guest.wait_ready()
        daemon.ctl("attach", "web1", "--qmp", qmp, "--bus", "hot0")
        guest.run("until [ -e /sys/class/net/eth0 ]; do :; done")
        monitor = Qmp(other)
        self.addCleanup(monitor.close)
        monitor.run("stop")
        code, _, said = daemon.ctl("detach", "web1", "--qmp", qmp, "--timeout", "0.3", check=False)
        self.assertEqual((code, said), (1, "netdctl: card web1/0: the guest does not let the card go in time; it stays\n"))
        self.assertEqual(daemon.guests()["web1/0"]["state"], "attached")
        monitor.run("cont")
        # Asked once more, or found to have done what it was asked for.
        daemon.ctl("detach", "web1", "--qmp", qmp)
        self.assertEqual(guest.run("ls /sys/class/net")[1].split(), ["lo"])
        self.assertEqual(daemon.guests()["web1/0"]["state"], "reserved")

    def test_killed_at_each_step(self):
        """netdctl is killed before QEMU hears of a step, and behind it: QEMU has nothing then, and neither has the host."""
        daemon = self.daemon()
        before = self.host.ns.dump()
        guest, qmp = self.bare(daemon, "web1")
        proxy_path = os.path.join(daemon.directory, "proxy")
        for step in ("getfd", "netdev_add", "device_add"):
            for behind in (False, True):
                with self.subTest(step=step, behind=behind):
                    proxy = QmpProxy(proxy_path, qmp, step, behind)
                    code, _, _ = daemon.ctl("attach", "web1", "--qmp", proxy_path, "--bus", "hot0", "--queues", "2", check=False)
                    self.assertEqual(code, -signal.SIGKILL)
                    self.until(lambda: daemon.guests()["web1/0"]["state"] == "reserved")
                    self.until(lambda: self.host.ns.dump() == before)
                    proxy.close()
                    self.until(lambda: guest.run("ls /sys/class/net")[1] == "lo")
        daemon.ctl("attach", "web1", "--qmp", qmp, "--bus", "hot0", "--queues", "2")
        guest.run("until [ -e /sys/class/net/eth0 ]; do :; done")
        self.assertTrue(guest.ping(guest.lease()["router"]))

    def test_card_of_run_is_not_unplugged(self):
        daemon = self.daemon()
        qmp = os.path.join(daemon.directory, "qmp")
        guest = self.plugged(daemon, "web1", extra=["-qmp", f"unix:{qmp},server=on,wait=off"])
        code, _, said = daemon.ctl("detach", "web1", "--qmp", qmp, check=False)
        self.assertEqual((code, said), (1, "netdctl: the VMM has no card web1/0 that netdctl plugged in; it is detached "
                                           "without --qmp\n"))
        self.assertTrue(guest.ping(guest.lease()["router"]))


if __name__ == "__main__":
    unittest.main()

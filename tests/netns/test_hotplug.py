#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Cards plugged into a VMM over its socket: what it is told, and that nothing is left of one that fails half way."""

import fcntl
import json
import os
import signal
import unittest

from support import NetnsTest

from harness.vmm import FakeCloudHypervisor, FakeQemu

TUNGETIFF = 0x800454D2


def device_of(fd):
    """The name of the TAP that a descriptor is of."""
    return fcntl.ioctl(fd, TUNGETIFF, b"\0" * 40)[:16].rstrip(b"\0").decode()


def kill(pid):
    os.kill(pid, signal.SIGKILL)


class Hotplug(NetnsTest):
    VMM = None
    OPTION = None

    def setUp(self):
        super().setUp()
        self.netd = self.daemon()
        self.before = self.host.ns.dump()
        self.path = os.path.join(self.netd.directory, "vmm")

    def serve(self, **more):
        vmm = self.VMM(self.path, **more)
        self.addCleanup(vmm.close)
        return vmm

    def plug(self, *options, check=True):
        return self.netd.ctl("attach", "web1", self.OPTION, self.path, *options, check=check)

    def unplug(self, *options, check=True):
        return self.netd.ctl("detach", "web1", self.OPTION, self.path, *options, check=check)

    def nothing_is_left(self):
        self.assertEqual(self.host.ns.dump(), self.before)
        self.assertIn([p["state"] for p in self.netd.guests().values()], ([], ["reserved"]))

    def until_nothing_is_left(self):
        """The guard of a netdctl that was killed is nobody's child here."""
        self.until(lambda: all(p["state"] == "reserved" for p in self.netd.guests().values()))
        self.until(lambda: self.host.ns.dump() == self.before)


class Qmp(Hotplug):
    VMM = FakeQemu
    OPTION = "--qmp"
    STEPS = ("getfd", "netdev_add", "device_add")

    def qemu_has_nothing(self, qemu):
        self.assertEqual((qemu.named, qemu.netdevs, qemu.devices), ({}, {}, {}))

    def test_dialogue(self):
        qemu = self.serve()
        self.plug("--queues", "2", "--mac", "52:54:00:12:34:56", "--bus", "hot0")
        port = self.netd.guests()["web1/0"]
        self.assertEqual(qemu.seen, [
            ("qmp_capabilities", {}),
            ("getfd", {"fdname": "netd-web1-0-tap0"}),
            ("getfd", {"fdname": "netd-web1-0-tap1"}),
            ("netdev_add", {"type": "tap", "id": "netd-web1-0", "fds": "netd-web1-0-tap0:netd-web1-0-tap1"}),
            ("device_add", {"driver": "virtio-net-pci", "id": "netd-web1-0", "netdev": "netd-web1-0",
                            "mac": "52:54:00:12:34:56", "host_mtu": 1500, "mq": True, "vectors": 6, "bus": "hot0"})])
        self.assertEqual([device_of(fd) for fd in qemu.netdevs["netd-web1-0"]], [port["interface"]] * 2)
        self.assertEqual((port["state"], port["queues"]), ("attached", 2))
        # netdctl has gone, and QEMU alone has the device.
        qemu.seen.clear()
        self.unplug()
        self.assertEqual(qemu.seen, [("qmp_capabilities", {}), ("device_del", {"id": "netd-web1-0"}),
                                     ("netdev_del", {"id": "netd-web1-0"})])
        self.qemu_has_nothing(qemu)
        self.nothing_is_left()

    def test_json(self):
        self.serve()
        _, out, _ = self.plug("--json")
        self.assertEqual(json.loads(out), self.netd.guests()["web1/0"])
        self.unplug()

    def test_interrupted(self):
        """What a terminal sends to all that it runs, and an end by the service manager."""
        for number in (signal.SIGINT, signal.SIGTERM):
            qemu = self.serve(at={"netdev_add": lambda pid, n=number: os.kill(pid, n)})
            self.assertEqual(self.plug(check=False)[0], -number)
            self.until_nothing_is_left()
            self.until(lambda q=qemu: not (q.named or q.netdevs or q.devices))
            qemu.close()

    def test_all_cards_are_unplugged(self):
        qemu = self.serve()
        for nic in (0, 3):
            self.netd.ctl("attach", f"web1/{nic}", "--qmp", self.path)
        self.assertEqual(sorted(qemu.devices), ["netd-web1-0", "netd-web1-3"])
        self.unplug()
        self.qemu_has_nothing(qemu)
        self.assertEqual(self.host.ns.dump(), self.before)

    def test_refused_at_each_step(self):
        for step in self.STEPS:
            with self.subTest(step=step):
                qemu = self.serve(at={step: "error"})
                code, _, said = self.plug("--queues", "2", check=False)
                self.assertEqual((code, said), (1, f"netdctl: QEMU refuses {step}: it is told to fail at {step}\n"))
                self.qemu_has_nothing(qemu)
                self.nothing_is_left()
                qemu.close()

    def test_closed_at_each_step(self):
        """It hangs up without an answer: what it has is taken back over another connection."""
        for step in ("qmp_capabilities", *self.STEPS):
            with self.subTest(step=step):
                qemu = self.serve(at={step: "close"})
                code, _, said = self.plug("--queues", "2", check=False)
                self.assertEqual((code, said), (1, f"netdctl: {step}: {self.path} was closed\n"))
                self.qemu_has_nothing(qemu)
                self.nothing_is_left()
                qemu.close()

    def test_killed_at_each_step(self):
        for step in ("qmp_capabilities", *self.STEPS):
            with self.subTest(step=step):
                qemu = self.serve(at={step: kill})
                self.assertEqual(self.plug("--queues", "2", check=False)[0], -signal.SIGKILL)
                self.until_nothing_is_left()
                self.until(lambda q=qemu: not (q.named or q.netdevs or q.devices))
                qemu.close()

    def test_daemon_that_is_gone_half_way(self):
        """netd is killed while QEMU is told: the device is QEMU's to end, and the daemon that comes back has none."""
        qemu = self.serve(at={"device_add": lambda _: self.netd.kill() or "error"})
        self.assertEqual(self.plug(check=False)[0], 1)
        self.qemu_has_nothing(qemu)
        self.netd.start()
        self.until_nothing_is_left()

    def test_no_greeting(self):
        self.serve(greets=False)
        code, _, said = self.plug("--timeout", "0.2", check=False)
        self.assertEqual((code, said), (1, f"netdctl: {self.path} does not greet: is somebody else connected to it?\n"))
        self.assertEqual(self.netd.guests(), {})
        self.nothing_is_left()

    def test_nobody_there(self):
        code, _, said = self.plug(check=False)
        self.assertEqual((code, said), (1, f"netdctl: cannot reach {self.path}: No such file or directory\n"))
        self.assertEqual(self.netd.guests(), {})

    def test_refused_by_netd(self):
        """What netd refuses, QEMU is not told of."""
        qemu = self.serve()
        code, _, said = self.plug("--network", "nowhere", check=False)
        self.assertEqual((code, said), (1, "netdctl: there is no network 'nowhere'\n"))
        self.assertEqual(qemu.seen, [("qmp_capabilities", {})])

    def test_unplugging_what_is_not_there(self):
        qemu = self.serve()
        self.plug()
        self.netd.ctl("detach", "web1")
        qemu.seen.clear()
        # The device has gone from under the card; what is left of it in QEMU goes, too.
        self.unplug()
        self.qemu_has_nothing(qemu)
        self.unplug()
        self.assertEqual(self.unplug(check=False)[0], 0)
        self.netd.ctl("release", "web1")
        self.assertEqual(self.unplug(check=False)[2], "netdctl: there is no guest 'web1'\n")

    def test_unplug_fails(self):
        for step, sentence in (("device_del", "card web1/0: QEMU refuses device_del: it is told to fail at device_del"),
                               ("netdev_del", "card web1/0: QEMU refuses netdev_del: it is told to fail at netdev_del")):
            with self.subTest(step=step):
                qemu = self.serve(at={step: "error"})
                self.plug()
                code, _, said = self.unplug(check=False)
                self.assertEqual((code, said), (1, f"netdctl: {sentence}\n"))
                self.assertEqual(self.netd.guests()["web1/0"]["state"], "attached")
                self.unplug()
                self.qemu_has_nothing(qemu)
                self.nothing_is_left()
                qemu.close()


class CloudHypervisor(Hotplug):
    VMM = FakeCloudHypervisor
    OPTION = "--ch-api"

    def test_dialogue(self):
        vmm = self.serve()
        self.plug("--queues", "2", "--mac", "52:54:00:12:34:56")
        port = self.netd.guests()["web1/0"]
        self.assertEqual(vmm.seen, [
            ("GET", "vmm.ping", None, 0),
            ("PUT", "vm.add-net", {"id": "netd-web1-0", "mac": "52:54:00:12:34:56", "num_queues": 4}, 2)])
        self.assertEqual([device_of(fd) for fd in vmm.cards["netd-web1-0"]], [port["interface"]] * 2)
        vmm.seen.clear()
        self.unplug()
        self.assertEqual(vmm.seen, [("GET", "vmm.ping", None, 0), ("PUT", "vm.remove-device", {"id": "netd-web1-0"}, 0)])
        self.assertEqual(vmm.cards, {})
        self.nothing_is_left()

    def test_refused_and_closed(self):
        cases = ((500, "cloud-hypervisor refuses vm.add-net with 500: it is told to fail"),
                 (400, "cloud-hypervisor refuses vm.add-net with 400: it is told to fail"),
                 ("close", f"vm.add-net: {self.path} was closed"),
                 ("garbage", f"vm.add-net: {self.path} answers with what is not HTTP"))
        for what, sentence in cases:
            with self.subTest(what=what):
                vmm = self.serve(at={"vm.add-net": what})
                code, _, said = self.plug(check=False)
                self.assertEqual((code, said), (1, f"netdctl: {sentence}\n"))
                self.assertEqual(vmm.cards, {})
                self.assertIn(("PUT", "vm.remove-device", {"id": "netd-web1-0"}, 0), vmm.seen)
                self.nothing_is_left()
                vmm.close()

    def test_killed(self):
        for command in ("vmm.ping", "vm.add-net"):
            with self.subTest(command=command):
                vmm = self.serve(at={command: kill})
                self.assertEqual(self.plug(check=False)[0], -signal.SIGKILL)
                self.until_nothing_is_left()
                self.until(lambda v=vmm: not v.cards)
                vmm.close()

    def test_vm_that_is_no_more(self):
        vmm = self.serve()
        self.plug()
        vmm.close()
        code, _, said = self.unplug(check=False)
        self.assertEqual((code, said), (1, f"netdctl: cannot reach {self.path}: No such file or directory\n"))
        self.netd.ctl("detach", "web1")
        self.nothing_is_left()

    def test_guest_that_does_not_let_go(self):
        vmm = self.serve(at={"vm.remove-device": 204})
        self.plug()
        code, _, said = self.unplug("--timeout", "0.2", check=False)
        self.assertEqual((code, said), (1, "netdctl: card web1/0: the guest does not let the card go in time\n"))
        self.assertEqual(self.netd.guests()["web1/0"]["state"], "attached")
        self.unplug()
        self.assertEqual(vmm.cards, {})

    def test_options_that_do_not_go_together(self):
        for options in (["--vhost", "on"], ["--bus", "pci.1"], ["--qmp", "x"], ["--format", "json"],
                        ["--network", "default", "--network", "default"]):
            code, out, said = self.plug(*options, check=False)
            self.assertEqual((code, out), (2, ""), options)
            self.assertRegex(said, r"^netdctl: .*; see netdctl --help\n$")
        self.assertEqual(self.netd.guests(), {})


if __name__ == "__main__":
    unittest.main()

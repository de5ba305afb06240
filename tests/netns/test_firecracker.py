#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Devices that a VMM opens by name: firecracker by netdctl run, and what firecracker and libvirt are told by attach."""

import json
import os
import subprocess
import sys
import unittest
import xml.etree.ElementTree

from support import NetnsTest

from harness.daemon import CONFIG, NETDCTL
from harness.namespaces import DEADLINE

TWO = "tap-grace = 1s\n" + CONFIG + """
network lab { subnet = 10.88.0.1/24 mtu = 1300 }
"""

# Reads its configuration as firecracker does (src/firecracker/src/main.rs), and opens its devices with the flags that
# firecracker has (src/vmm/src/devices/virtio/net/tap.rs open_named).
PROGRAM = f"""#!{sys.executable}
import fcntl, json, os, struct, sys
path = sys.argv[sys.argv.index("--config-file") + 1]
with open(path, encoding="utf-8") as file:
    configuration = json.load(file)
opened = []
for card in configuration["network-interfaces"]:
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.ioctl(fd, 0x400454CA, struct.pack("16sH22x", card["host_dev_name"].encode(), 0x2 | 0x1000 | 0x4000))
    opened.append(fd)
print(json.dumps({{"arguments": sys.argv[1:], "configuration": configuration}}), flush=True)
sys.stdin.read()
"""


class Firecracker(NetnsTest):
    def setUp(self):
        super().setUp()
        self.netd = self.daemon(TWO)
        self.before = self.host.ns.dump()
        self.program = os.path.join(self.netd.directory, "firecracker")
        with open(self.program, "w", encoding="utf-8") as out:
            out.write(PROGRAM)
        os.chmod(self.program, 0o755)
        self.configuration = os.path.join(self.netd.directory, "vm.json")

    def configure(self):
        with open(self.configuration, "w", encoding="utf-8") as out:
            json.dump({"boot-source": {"kernel_image_path": "vmlinux"}}, out)

    def start(self, *options):
        process = self.host.ns.popen(NETDCTL, "-s", self.netd.socket, "run", "web1", *options, "--", self.program, "--no-api",
                                     "--config-file", self.configuration, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.end, process)
        return process

    def end(self, process):
        if process.poll() is None:
            process.communicate(timeout=DEADLINE)

    def test_run(self):
        self.configure()
        process = self.start("--network", "default", "--network", "lab")
        given = json.loads(process.stdout.readline())
        ports = [self.netd.guests()[f"web1/{nic}"] for nic in (0, 1)]
        self.assertEqual(given["configuration"], {
            "boot-source": {"kernel_image_path": "vmlinux"},
            "network-interfaces": [{"iface_id": f"netd{nic}", "guest_mac": port["mac"], "host_dev_name": port["interface"]}
                                   for nic, port in enumerate(ports)]})
        self.assertEqual(given["arguments"][:2], ["--no-api", "--config-file"])
        self.assertRegex(given["arguments"][2], r"^/proc/self/fd/\d+$")
        with open(self.configuration, encoding="utf-8") as own:
            self.assertNotIn("network-interfaces", own.read())
        process.communicate(timeout=DEADLINE)
        # It has ended, and some time later so have its devices.
        self.until(lambda: all(p["state"] == "reserved" for p in self.netd.guests().values()))
        # The bridge's MTU is put right after its last device has gone.
        self.until(lambda: self.host.ns.dump() == self.before)

    def test_configuration_that_does_not_do(self):
        for text, sentence in (("[1]", "it is not an object"), ("{", "line 1: string or '}' expected near end of file"),
                               ('{"network-interfaces": [{"iface_id": "netd0"}]}', "it has an interface 'netd0' already")):
            with open(self.configuration, "w", encoding="utf-8") as out:
                out.write(text)
            process = self.start()
            _, said = process.communicate(timeout=DEADLINE)
            self.assertEqual((process.returncode, said), (1, f"netdctl: {self.configuration}: {sentence}\n"))
            # Nobody has to find out that nobody has it open.
            self.assertEqual(self.netd.guests()["web1/0"]["state"], "reserved")
            self.assertEqual(self.host.ns.dump(), self.before)

    def test_program_that_is_not_there(self):
        self.configure()
        os.unlink(self.program)
        process = self.start()
        _, said = process.communicate(timeout=DEADLINE)
        self.assertEqual(process.returncode, 1)
        self.assertEqual(said.splitlines()[-1], f"netdctl: cannot run {self.program}: No such file or directory")
        self.assertEqual(self.host.ns.dump(), self.before)

    def test_second_card_is_refused(self):
        self.configure()
        process = self.start("--network", "default", "--network", "nowhere")
        _, said = process.communicate(timeout=DEADLINE)
        self.assertEqual((process.returncode, said), (1, "netdctl: card web1/1: there is no network 'nowhere'\n"))
        self.assertEqual(self.host.ns.dump(), self.before)


class ByName(NetnsTest):
    """attach --format returns at once, and the device is there for who opens it."""

    def test_firecracker(self):
        daemon = self.daemon()
        _, out, said = daemon.ctl("attach", "web1", "--format", "firecracker")
        port = daemon.guests()["web1/0"]
        self.assertEqual(json.loads(out), {"network-interfaces": [
            {"iface_id": "netd0", "guest_mac": port["mac"], "host_dev_name": port["interface"]}]})
        self.assertIn(f"port web1/0: {port['interface']} on default", said)
        self.assertTrue(self.host.ns.links()[port["interface"]]["linkinfo"]["info_data"]["persist"])
        code, _, said = daemon.ctl("attach", "web2", "--format", "firecracker", "--queues", "2", check=False)
        self.assertEqual((code, said), (2, "netdctl: firecracker takes a card of one queue from netdctl, not of 2; "
                                           "see netdctl --help\n"))

    def test_libvirt(self):
        daemon = self.daemon()
        _, out, _ = daemon.ctl("attach", "web1", "--format", "libvirt", "--tap", "vm0", "--queues", "2")
        port = daemon.guests()["web1/0"]
        card = xml.etree.ElementTree.fromstring(out)
        self.assertEqual((card.tag, card.attrib), ("interface", {"type": "ethernet"}))
        self.assertEqual({child.tag: child.attrib for child in card}, {
            "mac": {"address": port["mac"]}, "target": {"dev": "vm0", "managed": "no"}, "model": {"type": "virtio"},
            "mtu": {"size": "1500"}, "driver": {"queues": "2"}})
        self.assertTrue(self.host.ns.links()["vm0"]["linkinfo"]["info_data"]["multi_queue"])

    def test_what_does_not_go_together(self):
        daemon = self.daemon()
        for options in (["--format", "qemu", "--tap"], ["--qmp", "x", "--tap"],
                        ["--tap", "vm0", "--network", "default", "--network", "default"]):
            code, out, _ = daemon.ctl("attach", "web1", *options, check=False)
            self.assertEqual((code, out), (2, ""), options)
        self.assertEqual(daemon.guests(), {})


if __name__ == "__main__":
    unittest.main()

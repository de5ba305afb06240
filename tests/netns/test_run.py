#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""netdctl run and attach --format: what a VMM gets, and what is left when it does not."""

import ctypes
import fcntl
import json
import os
import signal
import subprocess
import sys
import unittest

from support import NetnsTest

from harness.daemon import CONFIG, NETDCTL
from harness.namespaces import DEADLINE

TUNGETIFF = 0x800454D2
PIDFD_GETFD = 438

TWO = CONFIG + """
network lab { subnet = 10.88.0.1/24 mtu = 1300 }
"""

# Stands for a VMM: says how it was called, which descriptors it has, and whether they block.
PROGRAM = f"""#!{sys.executable}
import json, fcntl, os, sys
def device(fd):
    try:
        return fcntl.ioctl(fd, {TUNGETIFF}, b"\\0" * 40)[:16].rstrip(b"\\0").decode()
    except OSError:
        return None
taps = {{fd: device(fd) for fd in map(int, os.listdir("/proc/self/fd")) if os.path.exists(f"/proc/self/fd/{{fd}}")}}
print(json.dumps({{"arguments": sys.argv[1:], "taps": {{fd: name for fd, name in taps.items() if name}},
                  "blocking": [os.get_blocking(fd) for fd, name in taps.items() if name],
                  "environment": {{k: v for k, v in os.environ.items() if k.startswith("NETD_")}}}}))
"""


class Run(NetnsTest):
    def setUp(self):
        super().setUp()
        self.netd = self.daemon(TWO)
        self.before = self.host.ns.dump()

    def program(self, name):
        path = os.path.join(self.netd.directory, name)
        with open(path, "w", encoding="utf-8") as out:
            out.write(PROGRAM)
        os.chmod(path, 0o755)
        return path

    def run_vmm(self, name, *options, arguments=()):
        """What a VMM of that name was given, and its ports."""
        _, out, said = self.netd.ctl("run", "web1", *options, "--", self.program(name), *arguments)
        given = json.loads(out)
        given["taps"] = {int(fd): device for fd, device in given["taps"].items()}
        given["interfaces"] = [line.split(": ")[2].split(" ")[0] for line in said.splitlines()]
        given["ports"] = self.netd.guests()
        return given

    def all_gone(self):
        self.until(lambda: all(p["state"] == "reserved" for p in self.netd.guests().values()))
        self.assertEqual(self.host.ns.dump(), self.before)

    def test_descriptors_are_those_of_the_arguments(self):
        for name, template in (("qemu-system-test", "tap,id=netd0,fds={0}:{1}"),
                               ("cloud-hypervisor", "fd=[{0},{1}],mac={mac},num_queues=4,mtu=1500")):
            with self.subTest(vmm=name):
                given = self.run_vmm(name, "--queues", "2", arguments=["-x"])
                fds = sorted(given["taps"])
                self.assertEqual(list(given["taps"].values()), [given["interfaces"][0]] * 2)
                self.assertEqual(given["arguments"][:1], ["-x"])
                self.assertIn(template.format(*fds, mac=given["ports"]["web1/0"]["mac"]), given["arguments"])
                self.assertEqual(given["blocking"], [False, False])
                self.all_gone()

    def test_single_queue(self):
        for name, template, blocking in (
                ("crosvm", "tap-fd={0},mac={mac}", False),
                ("lkvm", "mode=tap,fd={0},guest_mac={mac},tapif=/dev/net/tun", True)):
            with self.subTest(vmm=name):
                given = self.run_vmm(name)
                (fd,) = given["taps"]
                self.assertEqual(given["arguments"][1], template.format(fd, mac=given["ports"]["web1/0"]["mac"]))
                self.assertEqual(given["blocking"], [blocking])
                code, _, said = self.netd.ctl("run", "web1", "--queues", "2", "--", self.program(name), check=False)
                self.assertEqual((code, said), (2, f"netdctl: {name} takes a card of one queue from netdctl, not of 2; "
                                                   "see netdctl --help\n"))
                self.all_gone()

    def test_two_cards(self):
        given = self.run_vmm("kvm", "--network", "lab", "--network", "default", "--queues", "2", "--queues", "1", "--address",
                             "10.88.0.9", "--address", "auto", arguments=["-m", "1G"])
        netdevs = [a for a in given["arguments"] if a.startswith("tap,")]
        self.assertRegex(netdevs[0], r"^tap,id=netd0,fds=\d+:\d+$")
        self.assertRegex(netdevs[1], r"^tap,id=netd1,fds=\d+$")
        ports = [given["ports"][f"web1/{nic}"] for nic in (0, 1)]
        self.assertEqual([p["network"] for p in ports], ["lab", "default"])
        self.assertEqual(ports[0]["addresses"], ["10.88.0.9/24"])
        devices = [a for a in given["arguments"] if a.startswith("virtio-")]
        self.assertEqual(devices, [f"virtio-net-pci,netdev=netd0,mac={ports[0]['mac']},host_mtu=1300,mq=on,vectors=6",
                                   f"virtio-net-pci,netdev=netd1,mac={ports[1]['mac']},host_mtu=1500"])
        for i, arg in enumerate(netdevs):
            for fd in map(int, arg.split("fds=")[1].split(":")):
                self.assertEqual(given["taps"][fd], given["interfaces"][i])
        # Numbers of cards: those behind the first, or each its own.
        given = self.run_vmm("any", "--network", "default", "--network", "lab", "--nic", "3", "--nic", "1",
                             arguments=["{mac}", "{mac.1}", "{address.1}", "{mtu.1}"])
        ports = [given["ports"][f"web1/{nic}"] for nic in (3, 1)]
        self.assertEqual(given["arguments"],
                         [ports[0]["mac"], ports[1]["mac"], ports[1]["addresses"][0].split("/")[0], "1300"])
        self.all_gone()

    def test_second_card_is_refused(self):
        code, out, said = self.netd.ctl("run", "web1", "--network", "default", "--network", "nowhere", "--",
                                        self.program("kvm"), check=False)
        self.assertEqual((code, out, said), (1, "", "netdctl: card web1/1: there is no network 'nowhere'\n"))
        self.all_gone()

    def test_options_that_do_not_fit(self):
        two = ["--network", "default", "--network", "lab"]
        for options, sentence in (
                ([*two, "--mac", "52:54:00:12:34:56"], "--mac is given once, for 2 cards"),
                (["--queues", "1", "--queues", "2"], "--queues is given more than once, for 1 card"),
                ([*two, "--nic", "1"], "--nic is given once, for 2 cards"),
                (["--format", "json"], "run --format is qemu, cloud-hypervisor, crosvm, lkvm, firecracker or shell"),
                (["--qmp", "x"], "unknown option '--qmp'")):
            code, out, said = self.netd.ctl("run", "web1", *options, "--", self.program("kvm"), check=False)
            self.assertEqual((code, out), (2, ""), options)
            self.assertEqual(said, f"netdctl: {sentence}; see netdctl --help\n")
        code, _, said = self.netd.ctl("run", "web1", "--vhost", "on", "--", self.program("cloud-hypervisor"), check=False)
        self.assertEqual((code, said), (2, "netdctl: cloud-hypervisor does not take vhost-net's descriptors; "
                                           "see netdctl --help\n"))
        self.assertEqual(self.netd.guests(), {})

    def test_format_of_another_name(self):
        given = self.run_vmm("start-web1", "--format", "crosvm")
        self.assertRegex(given["arguments"][1], r"^tap-fd=\d+,mac=")
        given = self.run_vmm("start-web1", "--format", "shell", "--network", "default", "--network", "lab")
        self.assertEqual(given["arguments"], [])
        environment = {k: v for k, v in given["environment"].items() if k != "NETD_BUILD"}
        ports = [given["ports"][f"web1/{nic}"] for nic in (0, 1)]
        self.assertEqual([environment["NETD_MAC"], environment["NETD_MAC_1"]], [p["mac"] for p in ports])
        self.assertEqual([environment["NETD_INTERFACE"], environment["NETD_INTERFACE_1"]], given["interfaces"])
        self.assertEqual(sorted(given["taps"]), sorted(int(environment[k]) for k in ("NETD_FDS", "NETD_FDS_1")))
        self.all_gone()

    def test_program_that_is_not_there(self):
        code, _, said = self.netd.ctl("run", "web1", "--", "/nowhere/kvm", check=False)
        self.assertEqual(code, 1)
        self.assertEqual(said.splitlines()[-1], "netdctl: cannot run /nowhere/kvm: No such file or directory")
        self.all_gone()

    def test_firecracker_without_a_configuration(self):
        code, _, said = self.netd.ctl("run", "web1", "--", "/nowhere/firecracker", "--no-api", "--", "--config-file", "x",
                                      check=False)
        self.assertEqual((code, said), (1, "netdctl: /nowhere/firecracker has a network card in its configuration: there is no "
                                           "--config-file to put it in; see also netdctl attach --format firecracker\n"))
        code, _, said = self.netd.ctl("run", "web1", "--", "/nowhere/firecracker", "--config-file", "/nowhere/x", check=False)
        self.assertEqual((code, said), (1, "netdctl: cannot read /nowhere/x: No such file or directory\n"))
        self.assertEqual(self.netd.guests(), {})


class Format(NetnsTest):
    """attach --format: the words on stdout, while netdctl holds the device."""

    def setUp(self):
        super().setUp()
        self.netd = self.daemon(TWO)

    def attach(self, *options):
        process = subprocess.Popen([NETDCTL, "-s", self.netd.socket, "attach", "web1", *options], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.end, process)
        return process

    def end(self, process):
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=DEADLINE)

    def fetch(self, pid, fd):
        """A descriptor of another process, as a launcher takes it."""
        pidfd = os.pidfd_open(pid)
        got = ctypes.CDLL(None, use_errno=True).syscall(PIDFD_GETFD, pidfd, fd, 0)
        self.assertGreaterEqual(got, 0, os.strerror(ctypes.get_errno()))
        os.close(pidfd)
        return got

    def test_arguments(self):
        process = self.attach("--format", "qemu", "--queues", "2")
        lines = [process.stdout.readline().rstrip("\n") for _ in range(4)]
        port = self.netd.guests()["web1/0"]
        self.assertRegex(lines[1], r"^tap,id=netd0,fds=\d+:\d+$")
        self.assertEqual([lines[0], *lines[2:]],
                         ["-netdev", "-device", f"virtio-net-pci,netdev=netd0,mac={port['mac']},host_mtu=1500,mq=on,vectors=6"])
        self.assertIsNone(process.poll())

    def test_json(self):
        process = self.attach("--format", "json", "--queues", "2")
        text = ""
        for line in iter(process.stdout.readline, "}\n"):
            text += line
        given = json.loads(text + "}")
        self.assertEqual((given["guest"], given["nic"], given["network"], given["pid"]), ("web1", 0, "default", process.pid))
        self.assertEqual((len(given["tapFileDescriptors"]), given["vhostFileDescriptors"]), (2, []))
        fd = self.fetch(process.pid, given["tapFileDescriptors"][1])
        # The device is that of who has it open.
        self.end(process)
        self.assertEqual(fcntl.ioctl(fd, TUNGETIFF, b"\0" * 40)[:16].rstrip(b"\0").decode(), given["interface"])
        self.assertEqual(self.netd.guests()["web1/0"]["state"], "attached")
        os.close(fd)
        self.until(lambda: self.netd.guests()["web1/0"]["state"] == "reserved")

    def test_shell(self):
        process = self.attach("--format", "shell", "--network", "lab")
        lines = ""
        for line in iter(process.stdout.readline, ""):
            lines += line
            if line.startswith("NETD_PID="):
                break
        done = subprocess.run(["sh", "-c", 'eval "$1"; echo "$NETD_GUEST $NETD_NETWORK $NETD_MAC $NETD_MTU $NETD_PID"', "sh",
                               lines], capture_output=True, text=True, check=True)
        port = self.netd.guests()["web1/0"]
        self.assertEqual(done.stdout.split(), ["web1", "lab", port["mac"], "1300", str(process.pid)])

    def test_no_such_format(self):
        code, _, said = self.netd.ctl("attach", "web1", "--format", "vmware", check=False)
        self.assertEqual((code, said), (2, "netdctl: --format is qemu, cloud-hypervisor, crosvm, lkvm, firecracker, libvirt, "
                                           "json or shell; see netdctl --help\n"))
        for option in ("--bus", "--timeout"):
            self.assertEqual(self.netd.ctl("attach", "web1", option, "1", check=False)[0], 2)
        self.assertEqual(self.netd.guests(), {})


if __name__ == "__main__":
    unittest.main()

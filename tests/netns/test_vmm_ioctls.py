#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""VMMs that are not here: what each does with the descriptors that its arguments name, in its order, and that packets pass."""

import os
import sys
import unittest

from support import NetnsTest

from harness.daemon import NETDCTL
from harness.namespaces import DEADLINE

GUEST = "10.77.0.9"
GATEWAY = "10.77.0.1"

# What they have in common: the ioctls, and a guest that asks who the gateway is.
COMMON = f"""#!{sys.executable}
import errno, fcntl, os, re, select, socket, struct, sys
TUNSETIFF, TUNGETIFF, TUNSETOFFLOAD, TUNSETVNETHDRSZ = 0x400454CA, 0x800454D2, 0x400454D0, 0x400454D8
TAP, NO_PI, VNET_HDR, MULTI_QUEUE = 0x2, 0x1000, 0x4000, 0x100
CSUM, TSO4, TSO6, UFO = 1, 2, 4, 16
def ifreq(name=b"", value=0):
    return struct.pack("16sH22x", name, value)
def nonblocking(fd):
    fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_NONBLOCK)
def get_interface(fd):
    name, flags = struct.unpack("16sH22x", fcntl.ioctl(fd, TUNGETIFF, ifreq()))
    return name, flags
def set_header(fd):
    fcntl.ioctl(fd, TUNSETVNETHDRSZ, struct.pack("i", 12))
def ask(fds, mac, blocking=False):
    mac = bytes.fromhex(mac.replace(":", ""))
    arp = (b"\\xff" * 6 + mac + b"\\x08\\x06" + struct.pack("!HHBBH", 1, 0x800, 6, 4, 1) + mac +
           socket.inet_aton("{GUEST}") + bytes(6) + socket.inet_aton("{GATEWAY}"))
    for fd in fds:
        os.write(fd, bytes(12) + arp)
        while True:
            ready = [fd] if blocking else select.select(fds, [], [], 30)[0]
            if not ready:
                sys.exit("no answer")
            frame = os.read(ready[0], 70000)[12:]
            if frame[12:14] == b"\\x08\\x06" and frame[28:32] == socket.inet_aton("{GATEWAY}"):
                break
    print("answered", len(fds))
"""

# net_util/src/tap.rs from_tap_fd, virtio-devices/src/net.rs from_tap_fds and activate
CLOUD_HYPERVISOR = COMMON + """
card = re.fullmatch(r"fd=\\[([0-9,]+)\\],mac=([0-9a-f:]+),num_queues=(\\d+),mtu=(\\d+)", sys.argv[sys.argv.index("--net") + 1])
fds = [int(fd) for fd in card[1].split(",")]
assert int(card[3]) == 2 * len(fds) and min(fds) > 2
taps = []
for fd in fds:
    fd = os.dup(fd)
    nonblocking(fd)
    name, _ = get_interface(fd)
    try:
        fcntl.ioctl(fd, TUNSETIFF, ifreq(name, TAP | NO_PI | VNET_HDR | (MULTI_QUEUE if len(fds) > 1 else 0)))
    except OSError as e:
        assert e.errno == errno.EEXIST, e
    set_header(fd)
    taps.append(fd)
with socket.socket(socket.AF_UNIX) as s:
    fcntl.ioctl(s, 0x8922, struct.pack("16si20x", name, int(card[4])))
    assert struct.unpack("16si20x", fcntl.ioctl(s, 0x8921, ifreq(name)))[1] == int(card[4])
for fd in taps:
    fcntl.ioctl(fd, TUNSETOFFLOAD, CSUM | TSO4 | TSO6)
ask(taps, card[2])
"""

# net_util/src/sys/linux/tap.rs from_raw_descriptor, devices/src/virtio/net/sys/linux.rs validate_and_configure_tap
CROSVM = COMMON + """
card = re.fullmatch(r"tap-fd=(\\d+),mac=([0-9a-f:]+)(,vhost-net)?", sys.argv[sys.argv.index("--net") + 1])
fd = int(card[1])
nonblocking(fd)
_, flags = get_interface(fd)
assert flags & (TAP | NO_PI | VNET_HDR) == TAP | NO_PI | VNET_HDR and not flags & MULTI_QUEUE, flags
set_header(fd)
fcntl.ioctl(fd, TUNSETOFFLOAD, CSUM | TSO4)
ask([fd], card[2])
"""

# kvmtool's virtio/net.c virtio_net__tap_create, virtio_net__tap_init and virtio_net_rx_thread
LKVM = COMMON + """
card = dict(word.split("=") for word in sys.argv[sys.argv.index("--network") + 1].split(","))
assert card["mode"] == "tap" and card["tapif"].startswith("/"), card
fd = int(card["fd"])
try:  # what it would do without the tapif
    fcntl.ioctl(fd, TUNSETIFF, ifreq(b"", TAP | NO_PI | VNET_HDR))
    sys.exit("a second TUNSETIFF is no failure")
except OSError as e:
    assert e.errno == errno.EEXIST, e
try:
    fcntl.ioctl(fd, TUNSETOFFLOAD, CSUM | TSO4 | TSO6 | UFO)
except OSError:
    fcntl.ioctl(fd, TUNSETOFFLOAD, CSUM | TSO4 | TSO6)
set_header(fd)
ask([fd], card["guest_mac"], blocking=True)
"""


class Ioctls(NetnsTest):
    def check(self, name, program, *options, queues=1):
        daemon = self.daemon()
        path = os.path.join(daemon.directory, name)
        with open(path, "w", encoding="utf-8") as out:
            out.write(program)
        os.chmod(path, 0o755)
        done = self.host.ns.run("timeout", str(DEADLINE), NETDCTL, "-s", daemon.socket, "run", "web1", "--address", GUEST,
                                *options, "--", path)
        self.assertEqual(done, f"answered {queues}\n")

    def test_cloud_hypervisor(self):
        self.check("cloud-hypervisor", CLOUD_HYPERVISOR)

    def test_cloud_hypervisor_with_queues(self):
        self.check("cloud-hypervisor", CLOUD_HYPERVISOR, "--queues", "4", queues=4)

    def test_crosvm(self):
        self.check("crosvm", CROSVM)

    def test_lkvm(self):
        self.check("lkvm", LKVM)


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: GPL-2.0-or-later
"""A real guest: QEMU without hardware acceleration, Debian's cloud kernel, busybox; commands go over its serial line."""

import os
import select
import subprocess
import time

from .daemon import NETDCTL, TOP
from .namespaces import Failed

IMAGE = os.path.join(TOP, "build", "guest")
BOOT_DEADLINE = 240  # a guest boots in three seconds on an idle machine


def qemu(console, memory=256, kernel=None, initramfs=None, more=()):
    """The command line of a guest whose commands come on stdin; the kernel's console goes to a file."""
    return ["qemu-system-x86_64", "-M", "q35", "-accel", "tcg", "-cpu", "max", "-m", str(memory), "-nodefaults",
            "-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio", "-serial", f"file:{console}",
            "-kernel", kernel or os.path.join(IMAGE, "vmlinuz"),
            "-initrd", initramfs or os.path.join(IMAGE, "initramfs.gz"),
            "-append", "console=ttyS1 quiet panic=-1 random.trust_cpu=on no_timer_check", *more]


class SerialGuest:
    """A guest that is running and carries out commands."""

    def __init__(self, name, argv, console, **more):
        self.name = name
        self.console = console
        self.buffer = b""
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **more)

    def read_line(self, deadline):
        while b"\n" not in self.buffer:
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self.process.stdout], [], [], max(left, 0))
            data = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            if not data:
                why = "ended" if ready else "does not answer"
                raise Failed(f"guest {self.name} {why}: {self.buffer.decode(errors='replace')}\n{self.console_tail()}")
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.decode(errors="replace").rstrip("\r")

    def console_tail(self):
        try:
            with open(self.console, encoding="utf-8", errors="replace") as console:
                return "".join(console.readlines()[-15:])
        except FileNotFoundError:
            return ""

    def wait_ready(self, deadline=BOOT_DEADLINE):
        end = time.monotonic() + deadline
        while self.read_line(end) != "guest: ready":
            pass

    def run(self, command, check=True, deadline=BOOT_DEADLINE):
        """Runs a shell command line in the guest: (exit code, output)."""
        end = time.monotonic() + deadline
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()
        lines = []
        while True:
            line = self.read_line(end)
            if line.startswith("guest: rc "):
                code = int(line.split()[-1])
                break
            lines.append(line)
        output = "\n".join(lines)
        if check and code:
            raise Failed(f"in guest {self.name}: {command}: exit {code}: {output}")
        return code, output

    def lease(self, card="eth0"):
        """Gets a lease by udhcpc; what its script was told."""
        self.run(f"udhcpc -i {card} -n -q -f -t 20 -T 1 -s /etc/udhcpc.sh >/tmp/udhcpc 2>&1 || {{ cat /tmp/udhcpc; false; }}")
        _, text = self.run("cat /tmp/lease")
        return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)

    def ping(self, address):
        return self.run(f"ping -c 1 -W 20 {address} >/dev/null", check=False)[0] == 0

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class Guest(SerialGuest):
    """A guest that netdctl run plugs in and starts; extra: more of QEMU's arguments."""

    def __init__(self, socket, directory, name, *options, extra=(), **more):
        console = os.path.join(directory, f"console-{name}")
        super().__init__(name, [NETDCTL, "-s", socket, "run", name, *options, "--", *qemu(console, more=extra)], console,
                         **more)

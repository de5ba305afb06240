# SPDX-License-Identifier: GPL-2.0-or-later
"""The DHCP servers that bench_dhcp.py compares, each with a wire and a directory of its own."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import time

from harness.daemon import BUILD
from harness.namespaces import DEADLINE, Failed, Namespace
from harness.perfdhcp import CARD, FIRST, LAST, PORT, PREFIX, SERVER, Wire

# On this machine's disk: /tmp is in memory on some.
DISK = os.environ.get("NETD_BENCH_DIRECTORY", os.path.join(BUILD, "bench"))
LEASES = 51000
LEASE_SECONDS = 86400
NS_PER_S = 1e9


class Server:
    """One server; its process is the child that measures are taken of."""

    name = "?"

    def __init__(self):
        os.makedirs(DISK, exist_ok=True)
        self.directory = tempfile.mkdtemp(prefix="dhcp-", dir=DISK)
        self.namespace = Namespace("server")
        self.wire = Wire(self.namespace)
        self.process = None
        self.prepare()

    def prepare(self):
        self.wire.add_bridge()

    def command(self):
        raise NotImplementedError

    def environment(self):
        return dict(os.environ)

    def launch(self):
        """Returns at once."""
        with open(os.path.join(self.directory, "log"), "ab") as log:
            self.process = self.namespace.popen(*self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                                  env=self.environment())

    def start(self, serial=255):
        """Seconds from the launch to the first OFFER that a client gets."""
        listener = self.wire.clients.popen(os.path.join(BUILD, "tests", "bench", "burst"), CARD, "first", str(serial),
                                           stdout=subprocess.PIPE, text=True)
        began = time.monotonic()
        self.launch()
        said = listener.communicate(timeout=DEADLINE)[0]
        if listener.returncode or self.process.poll() is not None:
            raise Failed(f"{self.name} does not serve: {self.logged()[-2000:]}")
        return float(said) - began

    def listens(self):
        return re.search(r":0043 ", self.namespace.run("cat", "/proc/self/net/udp"))

    def launch_bound(self):
        """Returns when it listens; no client has been there."""
        self.launch()
        end = time.monotonic() + DEADLINE
        while not self.listens():
            if time.monotonic() > end or self.process.poll() is not None:
                raise Failed(f"{self.name} does not listen: {self.logged()[-2000:]}")

    def logged(self):
        with open(os.path.join(self.directory, "log"), encoding="utf-8", errors="replace") as log:
            return log.read()

    def stop(self, kill=False):
        if kill:
            self.process.kill()
        else:
            self.process.terminate()
        self.process.wait(DEADLINE)

    def close(self):
        if self.process and self.process.poll() is None:
            self.stop()
        self.wire.close()
        self.namespace.close()
        shutil.rmtree(self.directory)

    # --- measures ---

    def cpu(self):
        """Seconds of CPU that it has used, system and user, all threads: what utime + stime of /proc/PID/stat are
        rounded from."""
        used = 0
        for thread in os.listdir(f"/proc/{self.process.pid}/task"):
            with open(f"/proc/{self.process.pid}/task/{thread}/schedstat", encoding="ascii") as stat:
                used += int(stat.read().split()[0])
        return used / NS_PER_S

    def resident(self):
        """MB"""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return int(re.search(r"^VmRSS:\s+(\d+) kB", status.read(), re.M).group(1)) / 1024

    def burst(self, count, serial):
        """So many new clients at once: milliseconds to the OFFER, (median, 99th percentile, longest)."""
        said = self.wire.clients.run(os.path.join(BUILD, "tests", "bench", "burst"), CARD, str(count), str(serial))
        return tuple(float(ms) for ms in said.split()[1:])


class Reflector(Server):
    name = "reflector"

    def command(self):
        return os.path.join(BUILD, "tests", "bench", "reflector"), "br0", PORT, PREFIX


class Kea(Server):
    """With its lease file on disk, which it does not sync, and without its cleaning of that file in between."""

    name = "Kea"

    def prepare(self):
        super().prepare()
        config = {"interfaces-config": {"interfaces": ["br0"], "dhcp-socket-type": "raw"},
                  "lease-database": {"type": "memfile", "name": os.path.join(self.directory, "leases"),
                                     "lfc-interval": 0},
                  "valid-lifetime": LEASE_SECONDS,
                  "subnet4": [{"id": 1, "subnet": "10.90.0.0/16", "pools": [{"pool": f"{FIRST}-{LAST}"}],
                               "option-data": [{"name": "routers", "data": SERVER},
                                               {"name": "domain-name-servers", "data": "192.0.2.53"}]}],
                  "loggers": [{"name": "kea-dhcp4", "severity": "WARN", "output_options": [{"output": "stderr"}]}]}
        with open(os.path.join(self.directory, "conf"), "w", encoding="utf-8") as out:
            json.dump({"Dhcp4": config}, out)

    def command(self):
        return "kea-dhcp4", "-c", os.path.join(self.directory, "conf")

    def environment(self):
        return {**os.environ, "KEA_PIDFILE_DIR": self.directory, "KEA_LOCKFILE_DIR": self.directory}


class Dnsmasq(Server):
    """With its lease file on disk. It asks for an address by ping before it offers it, unless told not to."""

    name = "dnsmasq"

    def __init__(self, ping=False):
        self.options = [] if ping else ["--no-ping"]
        super().__init__()

    def command(self):
        return ("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--interface=br0",
                "--bind-interfaces", f"--dhcp-range={FIRST},{LAST},255.255.0.0,{LEASE_SECONDS}",
                f"--dhcp-lease-max={LEASES}", f"--dhcp-leasefile={self.directory}/leases",
                f"--pid-file={self.directory}/pid", "--user=root", "--quiet-dhcp", *self.options)


class Netd(Server):
    """Its state is on disk, or in memory; `more`: lines of its network's block."""

    def __init__(self, in_memory=False, more="probe = off"):
        self.in_memory, self.more = in_memory, more
        self.name = "netd, state in memory" if in_memory else "netd"
        super().__init__()

    def prepare(self):
        state = os.path.join(self.directory, "state")
        os.makedirs(state)
        if self.in_memory:
            subprocess.run(["mount", "-t", "tmpfs", "tmpfs", state], check=True)
        with open(os.path.join(self.directory, "conf"), "w", encoding="utf-8") as out:
            out.write(f"""
max-leases = {LEASES}
mac {{ secret = "a benchmark's secret" }}
network bench {{
	mode = isolated
	subnet = {PREFIX}
	range = {{ {FIRST}-{LAST} }}
	dns = {{ 192.0.2.53 }}
	lease-time = {LEASE_SECONDS}s
	identity = client-id
	{self.more}
	port {PORT} {{ serve = yes }}
}}
""")

    def command(self):
        return (os.path.join(BUILD, "netd", "netd"), "-c", os.path.join(self.directory, "conf"), "--state",
                os.path.join(self.directory, "state"), "--socket", os.path.join(self.directory, "sock"))

    def listens(self):
        return "master" in self.namespace.links()[PORT]

    def close(self):
        if self.process and self.process.poll() is None:
            self.stop()
        if self.in_memory:
            subprocess.run(["umount", os.path.join(self.directory, "state")], check=True)
        super().close()

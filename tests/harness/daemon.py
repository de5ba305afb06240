# SPDX-License-Identifier: GPL-2.0-or-later
"""netd in a namespace, and what talks to it."""

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile

from .namespaces import DEADLINE, Failed
from .varlink import Client, Watch

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("NETD_BUILD", os.path.join(TOP, "build"))
NETD = os.path.join(BUILD, "netd", "netd")
NETDCTL = os.path.join(BUILD, "netd", "netdctl")
TESTVMM = os.path.join(BUILD, "tests", "netns", "testvmm")
TESTLOAD = os.path.join(BUILD, "tests", "netns", "testload")

# A network whose lease times, names and addresses do not depend on the machine.
CONFIG = """
mac { secret = "a test's secret" }
network default {
	subnet = 10.77.0.1/24
	dns = { 192.0.2.53 }
	domain = vm.internal
}
"""


def udhcpc(place, directory, *options, card="eth0"):
    """Gets a lease for a card of a namespace or VMM, and returns what udhcpc's script was told."""
    seen = os.path.join(directory, f"lease-{place.name}")
    script = os.path.join(TOP, "tests", "guest", "udhcpc.sh")
    done = subprocess.run(place.enter("busybox", "udhcpc", "-i", card, "-n", "-q", "-f", "-t", "10", "-T", "1",
                                      "-s", script, *options),
                          capture_output=True, text=True, timeout=DEADLINE, env={**os.environ, "LEASE_FILE": seen})
    if done.returncode:
        raise Failed(f"udhcpc in {place.name}: {done.stdout}{done.stderr}")
    with open(seen, encoding="utf-8") as lease:
        return dict(line.rstrip("\n").split("=", 1) for line in lease if "=" in line)


class Daemon:
    """One netd with its directory. It can be stopped, killed and started again. config None: the built-in network.

    wrapper: the command line that runs it, such as setpriv's.
    """

    def __init__(self, host, config=CONFIG, start=True, environment=None, wrapper=(), debug=True):
        self.host = host
        self.wrapper = wrapper
        self.options = ["--debug"] if debug else []
        self.directory = tempfile.mkdtemp(prefix="netd-test-")
        # A disk that is busy with what was just built can keep one who waits for it for seconds.
        memory = os.environ.get("NETD_TEST_STATE")
        self.place = tempfile.mkdtemp(prefix="netd-test-", dir=memory) if memory else self.directory
        self.state = os.path.join(self.place, "state")
        self.socket = os.path.join(self.directory, "netd.sock")
        self.config = os.path.join(self.directory, "netd.conf")
        self.log = os.path.join(self.directory, "log")
        # Where it looks for a configuration when none is named; never what this machine has in /etc.
        self.environment = {"CONFIGURATION_DIRECTORY": os.path.join(self.directory, "etc"), **(environment or {})}
        self.process = None
        self.builtin = config is None
        if not self.builtin:
            self.configure(config)
        if start:
            self.start()

    def configure(self, text):
        with open(self.config, "w", encoding="utf-8") as out:
            out.write(text)

    def start(self, expect_ready=True, wait=True):
        """Starts and waits for the word that it is ready; or for its end when that is what is expected; or for nothing."""
        notify = os.path.join(self.directory, "notify")
        if os.path.exists(notify):
            os.unlink(notify)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
            listener.bind(notify)
            listener.settimeout(0.05)
            with open(self.log, "ab") as log:
                config = [] if self.builtin else ["-c", self.config]
                self.process = self.host.ns.popen(
                    *self.wrapper, NETD, *config, "--state", self.state, "--socket", self.socket, *self.options, stderr=log,
                    stdin=subprocess.DEVNULL, env={**os.environ, "NOTIFY_SOCKET": notify, **self.environment})
            while wait and self.process.poll() is None:
                try:
                    if b"READY=1" in listener.recv(4096):
                        return
                except socket.timeout:
                    pass
        if wait and expect_ready:
            raise Failed(f"netd ended: exit {self.process.returncode}: {self.logged()}")

    def logged(self):
        with open(self.log, encoding="utf-8") as log:
            return log.read()

    def stop(self):
        """A clean end; its exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(DEADLINE)

    def kill(self):
        self.process.kill()
        self.process.wait(DEADLINE)

    def reload_by_signal(self):
        self.process.send_signal(signal.SIGHUP)

    def close(self):
        if self.process and self.process.poll() is None:
            self.stop()
        shutil.rmtree(self.place)
        shutil.rmtree(self.directory, ignore_errors=self.place == self.directory)

    # --- talking to it ---

    def client(self):
        return Client(self.socket)

    def watch(self, since=None):
        return Watch(self.socket, since)

    def call(self, method, **parameters):
        with self.client() as client:
            return client.call(f"io.netd.{method}", **parameters)

    def ctl(self, *argv, check=True):
        """netdctl: (exit code, stdout, stderr)."""
        done = subprocess.run([NETDCTL, "-s", self.socket, *argv], capture_output=True, text=True, timeout=DEADLINE)
        if check and done.returncode:
            raise Failed(f"netdctl {' '.join(argv)}: exit {done.returncode}: {done.stderr}")
        return done.returncode, done.stdout, done.stderr

    def ctl_json(self, *argv):
        return json.loads(self.ctl("--json", *argv)[1])

    def guests(self):
        return {f"{g['guest']}/{g['nic']}": g for g in self.ctl_json("guests")}

    def rows(self):
        """The state's tables as text; the daemon must not be running, since it locks them."""
        path = os.path.join(self.state, "state.db")
        done = subprocess.run(["sqlite3", path, "SELECT * FROM allocation ORDER BY 1, 2, 3; SELECT '-';"
                               "SELECT * FROM address ORDER BY 1, 2"], capture_output=True, text=True, check=True)
        return done.stdout

    def lease_rows(self):
        """The state's leases, of a copy: what a dead daemon left behind is for the next one to recover."""
        with tempfile.TemporaryDirectory(dir=self.directory) as copy:
            shutil.copytree(self.state, copy, dirs_exist_ok=True)
            db = sqlite3.connect(os.path.join(copy, "state.db"))
            try:
                return db.execute("SELECT mac, address, state, seconds FROM lease").fetchall()
            finally:
                db.close()


class TestLoad:
    """Many guests that ask for leases as fast as they get them, by testload."""

    def __init__(self, daemon, guests):
        self.process = subprocess.Popen([TESTLOAD, daemon.socket, str(guests)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.expect("ready")

    def expect(self, word):
        line = self.process.stdout.readline().rstrip("\n")
        if line != word:
            raise Failed(f"testload said '{line}' instead of '{word}'")

    def say(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def go(self, frames):
        """Starts all clients and returns after so many frames; they go on."""
        self.say(f"go {frames}")
        self.expect("now")

    def stop(self):
        """Every ACK that was seen last: {MAC: (address, seconds)}."""
        self.say("stop")
        acks = {}
        for line in iter(self.process.stdout.readline, ".\n"):
            if not line:
                raise Failed("testload ended")
            mac, address, seconds = line.split()
            acks[mac] = (address, int(seconds))
        return acks

    def flood(self, n):
        """The first guest sends 2 n messages of cards that nobody has. For the others {MAC: (microseconds to the lease,
        tries)}; and how many microseconds the flood lasted."""
        self.say(f"flood {n}")
        leases, lasted = {}, None
        for line in iter(self.process.stdout.readline, ".\n"):
            if not line:
                raise Failed("testload ended")
            first, *numbers = line.split()
            if first == "flooded":
                lasted = int(numbers[0])
            else:
                leases[first] = tuple(map(int, numbers))
        return leases, lasted

    def close(self):
        self.process.stdin.close()
        self.process.wait(DEADLINE)
        self.process.stdout.close()


class TestVmm:
    """A namespace as a guest, by netdctl run and testvmm."""

    def __init__(self, daemon, guest, *options):
        self.daemon = daemon
        self.name = guest
        self.process = subprocess.Popen(
            [NETDCTL, "-s", daemon.socket, "run", guest, *options, "--", TESTVMM, "{fds}", "{mac}"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        self.said = ""
        if self.process.stdout.readline() != "ready\n":
            self.process.wait(DEADLINE)
            raise Failed(f"the test VMM of {guest} did not start: {self.process.stderr.read()}")
        self.pid = self.process.pid

    def enter(self, *argv):
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net", "--", *argv]

    def run(self, *argv, check=True):
        done = subprocess.run(self.enter(*argv), capture_output=True, text=True, timeout=DEADLINE)
        if check and done.returncode:
            raise Failed(f"in guest {self.name}: {' '.join(argv)}: exit {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def ok(self, *argv):
        return subprocess.run(self.enter(*argv), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              timeout=DEADLINE).returncode == 0

    def ping(self, address, size=56):
        return self.ok("ping", "-c", "1", "-W", "10", "-s", str(size), "-M", "do", address)

    def card(self, name, mac):
        """A macvlan on the guest's card, as a machine inside it would have; its name."""
        self.run("ip", "link", "add", name, "link", "eth0", "address", mac, "type", "macvlan", "mode", "bridge")
        self.run("ip", "link", "set", name, "up")
        return name

    def udhcpc(self, *options, card="eth0"):
        """Gets a lease and returns what udhcpc's script was told."""
        return udhcpc(self, self.daemon.directory, *options, card=card)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(DEADLINE)
        if not self.process.stdout.closed:
            self.said = self.process.stderr.read()
            self.process.stdout.close()
            self.process.stderr.close()

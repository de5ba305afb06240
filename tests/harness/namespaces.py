# SPDX-License-Identifier: GPL-2.0-or-later
"""Network namespaces that a test makes for itself. They end with the process that holds them, and so with the test."""

import json
import os
import re
import subprocess
import sys

DEADLINE = 60  # seconds that anything may take before a test gives up on it; nothing waits for that long


def why_not_private(flags):
    """What keeps this user from making a host in namespaces; None when nothing does."""
    probe = subprocess.run(["unshare", *flags, "true"], capture_output=True, text=True)
    if probe.returncode:
        return f"this user may make no network namespace ({probe.stderr.strip()})"
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR))
    except OSError as e:
        return f"this user may not open /dev/net/tun ({e.strerror})"
    return None


def enter_private(left_out=True):
    """Puts the whole process into namespaces of its own; without root that takes user namespaces.

    Where it is not possible it says why and ends: as left out, or as failed.
    """
    if os.environ.get("NETD_TEST_PRIVATE") == str(os.getuid()):
        return
    os.environ["NETD_TEST_PRIVATE"] = "0"
    flags = ["--net", "--mount"] + ([] if os.getuid() == 0 else ["--user", "--map-root-user"])
    why_not = why_not_private(flags)
    if why_not:
        print(f"LEFT OUT: all of {os.path.basename(sys.argv[0])}: {why_not}; run as root" if left_out else
              f"FAILED: {why_not}; run as root")
        sys.exit(0 if left_out else 1)
    os.execvp("unshare", ["unshare", *flags, sys.executable, *sys.argv])


# What changes by itself: carrier, and what follows from it, the bridge's own timers, who has sent DHCP lately, and who has
# connections; and whose link-local addresses are, which an allocation has also without a device.
VOLATILE = re.compile(r"NO-CARRIER,|,LOWER_UP| state [A-Z]+|(?<=bridge_slave) state [a-z]+|\blinkdown\b *| [a-z_]*_timer +[0-9.]+| tso_max_\w+ \d+"
                      r"|\s*elements = {[^}]* (?:limit rate|ct count) [^}]*}|set owned6 {[^}]*}[^}]*}")


class Failed(AssertionError):
    pass


class Namespace:
    """A network namespace, held by a process that waits for the end of its input."""

    def __init__(self, name):
        self.name = name
        self.holder = subprocess.Popen(["unshare", "--net", "--", "sh", "-c", "echo; exec cat"],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.holder.stdout.readline()
        self.pid = self.holder.pid
        self.run("ip", "link", "set", "lo", "up")

    def enter(self, *argv):
        """The command line that runs argv in here."""
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net", "--", *argv]

    def run(self, *argv, check=True, **more):
        """Runs a command to its end and returns what it printed."""
        done = subprocess.run(self.enter(*argv), capture_output=True, text=True, timeout=DEADLINE, **more)
        if check and done.returncode:
            raise Failed(f"in {self.name}: {' '.join(argv)}: exit {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def ok(self, *argv):
        """Whether a command succeeds."""
        return subprocess.run(self.enter(*argv), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              timeout=DEADLINE).returncode == 0

    def popen(self, *argv, **more):
        return subprocess.Popen(self.enter(*argv), **more)

    def json(self, *argv):
        return json.loads(self.run(*argv) or "[]")

    def links(self):
        """Every link by name, without what changes by itself."""
        return {link["ifname"]: link for link in self.json("ip", "-j", "-d", "link", "show")}

    def dump(self):
        """All that a daemon could leave behind in here, as text to compare."""
        parts = [self.run("ip", "-d", "link", "show"), self.run("ip", "addr", "show"),
                 self.run("ip", "route", "show", "table", "all"), self.run("nft", "-s", "list", "ruleset"),
                 self.run("sh", "-c", "grep -H . /proc/sys/net/ipv4/conf/*/forwarding")]
        return VOLATILE.sub("", "\n".join(parts))

    def close(self):
        if self.holder:
            self.holder.stdin.close()
            self.holder.stdout.close()
            self.holder.wait()
            self.holder = None


class Host:
    """A host with an uplink to a namespace that stands for the internet.

    The uplink is `up0`, 192.0.2.2/24, MTU as given; the internet is 192.0.2.1 and 203.0.113.7.
    """

    UPLINK_ADDRESS = "192.0.2.2"
    INTERNET_ADDRESS = "203.0.113.7"

    def __init__(self, mtu=1500, uplink=True):
        self.ns = Namespace("host")
        self.internet = Namespace("internet") if uplink else None
        if not uplink:
            return
        self.ns.run("ip", "link", "add", "up0", "type", "veth", "peer", "name", "net0", "netns",
                    str(self.internet.pid))
        for ns, name in ((self.ns, "up0"), (self.internet, "net0")):
            # Its IPv6 address would come a second later, and into every comparison.
            ns.run("ip", "link", "set", name, "addrgenmode", "none")
            ns.run("ip", "link", "set", name, "mtu", str(mtu), "up")
        self.ns.run("ip", "addr", "add", f"{self.UPLINK_ADDRESS}/24", "dev", "up0")
        self.internet.run("ip", "addr", "add", "192.0.2.1/24", "dev", "net0")
        self.internet.run("ip", "addr", "add", f"{self.INTERNET_ADDRESS}/32", "dev", "lo")
        self.ns.run("ip", "route", "add", "default", "via", "192.0.2.1")

    def close(self):
        self.ns.close()
        if self.internet:
            self.internet.close()

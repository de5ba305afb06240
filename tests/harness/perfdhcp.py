# SPDX-License-Identifier: GPL-2.0-or-later
"""A wire with a DHCP server's port at one end and perfdhcp at the other, and what perfdhcp says."""

import re
import subprocess

from .namespaces import DEADLINE, Failed, Namespace

PORT, CARD = "veth7", "eth0"  # the server's end of the wire, and the clients'
PREFIX, SERVER, RELAY = "10.90.0.1/16", "10.90.0.1", "10.90.0.2"
FIRST, LAST = "10.90.1.0", "10.90.255.254"
PERFDHCP_INCOMPLETE = 3  # exit code: some exchanges were not completed


class Wire:
    """A server's namespace, one for clients, and the wire between them, whose server's end is up and in no bridge."""

    def __init__(self, server):
        self.server, self.clients = server, Namespace("clients")
        self.server.run("ip", "link", "add", PORT, "type", "veth", "peer", "name", CARD, "netns", str(self.clients.pid))
        for ns, name in ((self.server, PORT), (self.clients, CARD)):
            ns.run("ip", "link", "set", name, "addrgenmode", "none")
            ns.run("ip", "link", "set", name, "up")
        self.clients.run("ip", "addr", "add", f"{RELAY}/16", "dev", CARD)

    def add_bridge(self, name="br0"):
        """For a server that has none of its own."""
        self.server.run("ip", "link", "add", name, "type", "bridge", "forward_delay", "0", "mcast_snooping", "0")
        self.server.run("ip", "link", "set", PORT, "master", name)
        self.server.run("ip", "link", "set", name, "up")
        self.server.run("ip", "addr", "add", PREFIX, "dev", name)
        return name

    def perfdhcp(self, *options):
        """Runs it to its end, as a relay agent. Its report; what was dropped is in it."""
        done = subprocess.run(self.clients.enter("perfdhcp", "-4", "-l", RELAY, *map(str, options), SERVER),
                              capture_output=True, text=True, timeout=DEADLINE, check=False)
        if done.returncode not in (0, PERFDHCP_INCOMPLETE):
            raise Failed(f"perfdhcp {options}: exit {done.returncode}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        return Report(done.stdout)

    def close(self):
        self.clients.close()


class Exchange:
    """One of DISCOVER-OFFER, REQUEST-ACK, REQUEST-ACK (renewal) and RELEASE in a report."""

    def __init__(self, text):
        counts = {name: int(n) for name, n in re.findall(r"^([a-z ]+): (\d+)$", text, re.M)}
        self.sent, self.received = counts["sent packets"], counts.get("received packets", 0)
        self.rejected, self.twice = counts.get("rejected leases", 0), counts.get("non unique addresses", 0)


class Report:
    """What perfdhcp printed; with -x t also the time that each exchange took, in seconds and sorted."""

    def __init__(self, text):
        self.text = text
        parts = re.split(r"^\*\*\*Statistics for: (.*)\*\*\*$", text.split("***Timestamps", 1)[0], flags=re.M)
        self.exchange = {name: Exchange(part) for name, part in zip(parts[1::2], parts[2::2])}
        self.times = {name: sorted(float(b) - float(a) for a, b in self.stamps(part)) for name, part in
                      re.findall(r"^\*\*\*Timestamps for packets: (.*?)\*\*\*\n(.*?)(?=^\*\*\*|\Z)", text, re.M | re.S)}

    @staticmethod
    def stamps(part):
        # Seconds and microseconds; the former are padded to six digits.
        return re.findall(r"^sent / received: (\d+\.\d{6}) / (\d+\.\d{6})$", part, re.M)

    @property
    def begun(self):
        return self.exchange["DISCOVER-OFFER"].sent

    @property
    def completed(self):
        return self.exchange["REQUEST-ACK"].received

    @property
    def dropped(self):
        """The share of the exchanges that were begun and got no ACK."""
        return 1 - self.completed / self.begun if self.begun else 1.0

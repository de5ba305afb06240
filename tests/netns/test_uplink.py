#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Mode bridge: an uplink into netd's bridge and back, under a stream; a gateway that goes silent; a LAN's guests."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from support import NetnsTest

from harness.daemon import NETD
from harness.namespaces import Host

LAN = """
mac {{ secret = "a test's secret" }}
network lan {{
	mode = bridge
	uplink = up0
	{more}
}}
"""
GATEWAY = "192.0.2.1"

# Runs in a namespace: a stream of numbered octets to another, and what came back of it, both ways at once.
STREAM = r"""
import socket, sys, threading
role, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
family = socket.AF_INET6 if ":" in address else socket.AF_INET
if role == "serve":
    listener = socket.create_server((address, port), family=family)
    print("ready", flush=True)
    s = listener.accept()[0]
    while data := s.recv(65536):
        s.sendall(data)
    s.close()
else:
    s = socket.create_connection((address, port), timeout=60)
    pattern = bytes(range(251)) * 64
    sent, stop = [0], threading.Event()
    def feed():
        while not stop.is_set():
            at = sent[0] % 251
            part = pattern[at:at + 4096]
            s.sendall(part)
            sent[0] += len(part)
            stop.wait(0.002)
        s.shutdown(socket.SHUT_WR)
    feeder = threading.Thread(target=feed)
    feeder.start()
    came, good = 0, True
    def watch():
        for line in sys.stdin:
            if line == "count\n":
                print(came, flush=True)
        stop.set()
    threading.Thread(target=watch, daemon=True).start()
    while data := s.recv(65536):
        at = came % 251
        good = good and data == (pattern * 2)[at:at + len(data)] if len(data) < 16000 else good and all(
            octet == (came + i) % 251 for i, octet in enumerate(data))
        came += len(data)
    feeder.join()
    print("end", sent[0], came, good, flush=True)
"""


class Stream:
    """One TCP connection from a place to a server in another, which sends back all that it gets."""

    def __init__(self, client, server, address, port=7000):
        self.server = subprocess.Popen(server.enter(sys.executable, "-c", STREAM, "serve", address, str(port)),
                                       stdout=subprocess.PIPE, text=True)
        assert self.server.stdout.readline() == "ready\n"
        self.client = subprocess.Popen(client.enter(sys.executable, "-c", STREAM, "send", address, str(port)),
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def count(self):
        self.client.stdin.write("count\n")
        self.client.stdin.flush()
        return int(self.client.stdout.readline())

    def flows(self, test):
        """More comes than had come by now."""
        before = self.count()
        test.until(lambda: self.count() > before + 20000)

    def end(self):
        """(octets sent, octets that came back, whether they were the same)."""
        self.client.stdin.close()
        _, sent, came, good = self.client.stdout.readline().split()
        return int(sent), int(came), good == "True"

    def close(self):
        for process in (self.client, self.server):
            process.kill()
            process.wait()
            process.stdout.close()


def plain(addresses):
    """Without lifetimes that run."""
    return json.loads(json.dumps(addresses), object_hook=lambda o: {
        k: v for k, v in o.items() if k not in ("valid_life_time", "preferred_life_time")})


class UplinkTest(NetnsTest):
    maxDiff = None
    MORE = ""

    def setUp(self):
        super().setUp()
        for ns, name, address in ((self.host.ns, "up0", 2), (self.host.internet, "net0", 1)):
            ns.run("sysctl", "-q", "-w", f"net.ipv6.conf.{name}.accept_dad=0")
            ns.run("ip", "addr", "add", f"2001:db8::{address}/64", "dev", name, "nodad")
        self.until(self.is_settled)

    def is_settled(self):
        """Every address of IPv6 has its route, which the kernel makes a moment later."""
        ns = self.host.ns
        routes = {r["dst"] for r in ns.json("ip", "-6", "-j", "route", "show", "table", "local")}
        return routes >= {a["local"] for link in ns.json("ip", "-6", "-j", "addr") for a in link["addr_info"]}

    def dress(self):
        """More of what an uplink can have."""
        for words in ("addr add 198.51.100.2/24 dev up0", "addr add 198.51.100.3/24 dev up0",
                      "addr add 203.0.113.200/32 dev up0 label up0:x valid_lft 5000 preferred_lft 4000",
                      "addr add 2001:db8:1::2/64 dev up0 nodad", "addr add 2001:db8:2::2/64 dev up0 noprefixroute nodad",
                      "route add 10.1.0.0/16 via 192.0.2.1 metric 7 proto 42 src 198.51.100.2 mtu 1400",
                      "route add 10.1.0.0/16 via 192.0.2.9 metric 8",
                      "route add 10.2.0.0/16 dev up0 scope link",
                      "route add 10.3.0.0/16 via 10.2.0.9 dev up0",
                      "route add 10.4.0.0/16 via 172.31.0.1 dev up0 onlink",
                      "route add default via 192.0.2.1 table 77", "route add 10.5.0.0/16 dev up0 table 7777 proto static",
                      "-6 route add default via 2001:db8::1", "-6 route add 2001:db8:9::/48 via fe80::1 dev up0 metric 50",
                      "-6 route add 2001:db8:a::/48 dev up0 table 77 pref high",
                      "rule add from 10.0.0.0/8 table 77"):
            self.host.ns.run("ip", *words.split())

    def has(self, name="up0"):
        """All but what the kernel makes for each link by itself."""
        ns = self.host.ns
        self.until(self.is_settled)
        own = ("fe80::", "ff00::", "multicast")
        return [[a for a in plain(ns.json("ip", "-j", "addr", "show", "dev", name)[0]["addr_info"]) if a["scope"] != "link"],
                ns.json("ip", "-4", "-j", "route", "show", "table", "all", "dev", name),
                [r for r in ns.json("ip", "-6", "-j", "route", "show", "table", "all", "dev", name)
                 if not r["dst"].startswith(own)]]

    def lan(self, more="", start=True):
        daemon = self.daemon(LAN.format(more=self.MORE + more), start=False)
        if start:
            daemon.start()
        return daemon

    def network(self, daemon):
        return daemon.ctl_json("network", "lan")

    def is_up(self, daemon):
        self.until(lambda: self.network(daemon)["up"])

    def stream(self, address=Host.INTERNET_ADDRESS, port=7000):
        stream = Stream(self.host.ns, self.host.internet, address, port)
        self.addCleanup(stream.close)
        return stream


class Move(UplinkTest):
    def test_under_a_stream(self):
        self.dress()
        before, links = self.has(), self.host.ns.links()
        rules = self.host.ns.run("ip", "rule")
        four, six = self.stream(), self.stream("2001:db8::1", 7001)
        four.flows(self)
        six.flows(self)
        daemon = self.lan()
        watch = daemon.watch(since=1)
        event = watch.until("uplink-moved", network="lan")
        watch.close()
        self.assertEqual(event["interface"], "up0")
        self.is_up(daemon)
        four.flows(self)
        six.flows(self)
        now = self.host.ns.links()
        self.assertEqual((now["up0"]["master"], now["nd-lan"]["address"], now["nd-lan"]["mtu"]),
                         ("nd-lan", links["up0"]["address"], 1500))
        self.assertEqual(self.has(), [[], [], []], "the uplink has nothing")
        there = json.loads(json.dumps(self.has("nd-lan")).replace("nd-lan", "up0"))
        self.assertEqual(there, before)
        self.assertEqual(daemon.stop(), 0)
        four.flows(self)
        six.flows(self)
        self.assertEqual(self.has(), before)
        self.assertNotIn("nd-lan", self.host.ns.links())
        self.assertEqual(self.host.ns.run("ip", "rule"), rules)
        for stream in (four, six):
            sent, came, good = stream.end()
            self.assertEqual((came, good), (sent, True))
            self.assertGreater(sent, 80000)

    def test_restart_and_reload(self):
        before = self.has()
        stream = self.stream()
        stream.flows(self)
        daemon = self.lan()
        self.is_up(daemon)
        there = self.has("nd-lan")
        for _ in range(3):
            daemon.kill()
            daemon.start()
            self.assertTrue(self.network(daemon)["up"], "at once")
            self.assertEqual(self.has("nd-lan"), there)
        self.assertEqual(self.network(daemon)["uplink"], "up0")
        daemon.configure("network other { subnet = 10.78.0.1/24 }")
        daemon.ctl("reload")
        self.assertEqual(self.has(), before)
        self.assertNotIn("nd-lan", self.host.ns.links())
        sent, came, good = stream.end()
        self.assertEqual((came, good), (sent, True))

    def test_killed_at_any_moment(self):
        """Whenever it ends, the host has all that it had, on one link or on both, and the next start moves it."""
        self.dress()
        before = self.has()
        stream = self.stream()
        for wait in range(20):
            daemon = self.lan(start=False)
            config = ["-c", daemon.config, "--state", daemon.state, "--socket", daemon.socket]
            process = self.host.ns.popen(NETD, *config, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
            try:
                process.wait(0.01 * wait)
            except subprocess.TimeoutExpired:
                pass
            process.kill()
            process.wait()
            stream.flows(self)
            daemon.start()
            self.is_up(daemon)
            there = json.loads(json.dumps(self.has("nd-lan")).replace("nd-lan", "up0"))
            self.assertEqual(there, before)
            daemon.stop()
            self.assertEqual(self.has(), before)
        sent, came, good = stream.end()
        self.assertEqual((came, good), (sent, True))

    def test_stays_with_guests(self):
        before = self.has()
        daemon = self.lan()
        self.is_up(daemon)
        vmm = self.vmm(daemon, "web1", "--network", "lan")
        self.assertEqual(daemon.stop(), 0)
        self.assertIn("uplink up0 stays in bridge nd-lan, since guests are attached", daemon.logged())
        self.assertEqual(self.has(), [[], [], []])
        daemon.start()
        watch = daemon.watch()
        vmm.close()
        watch.until("gone", guest="web1")
        watch.close()
        daemon.stop()
        self.assertEqual(self.has(), before)

    def found(self, daemon):
        return [f["what"] for f in json.loads(daemon.ctl("--json", "doctor", check=False)[1])]

    def test_what_others_do(self):
        daemon = self.lan()
        self.is_up(daemon)
        stream = self.stream()
        stream.flows(self)
        there = self.has("nd-lan")
        watch = daemon.watch()
        self.host.ns.run("ip", "link", "set", "up0", "nomaster")
        watch.until("healed", network="lan")
        self.assertEqual(self.host.ns.links()["up0"]["master"], "nd-lan")
        # As a DHCP client does that runs on the uplink.
        self.host.ns.run("ip", "addr", "add", "198.51.100.9/24", "dev", "up0", "valid_lft", "600", "preferred_lft", "600")
        watch.until("healed", network="lan")
        self.assertIn("198.51.100.9", [a["local"] for a in self.has("nd-lan")[0]])
        self.assertEqual(self.has(), [[], [], []])
        self.assertIn("an address of the host on nd-lan ends by itself", self.found(daemon))
        self.host.ns.run("ip", "addr", "del", "198.51.100.9/24", "dev", "nd-lan")
        self.until(lambda: "an address of the host on nd-lan ends by itself" not in self.found(daemon))
        self.host.ns.run("ip", "link", "del", "nd-lan")
        self.until(lambda: "nd-lan" in self.host.ns.links() and self.has("nd-lan") == there)
        watch.close()
        sent, came, good = stream.end()
        self.assertEqual((came, good), (sent, True))

    def test_comes_later(self):
        daemon = self.daemon(LAN.format(more="").replace("up0", "eth7"))
        self.assertEqual(self.network(daemon)["reason"], "there is no interface eth7")
        self.host.ns.run("ip", "link", "add", "eth7", "type", "veth", "peer", "name", "eth8")
        self.host.ns.run("ip", "link", "set", "eth8", "up")
        self.host.ns.run("ip", "link", "set", "eth7", "up")
        self.is_up(daemon)
        self.host.ns.run("ip", "link", "del", "eth7")
        self.until(lambda: self.network(daemon)["reason"] == "there is no interface eth7")

    def test_no_enslaving(self):
        """What the kernel lets into no bridge: here one that has a macvlan on it."""
        self.host.ns.run("ip", "link", "add", "mv0", "link", "up0", "type", "macvlan", "mode", "bridge")
        self.dress()
        before = [self.has(), set(self.host.ns.links())]
        daemon = self.lan()
        why = "up0 cannot join bridge nd-lan: Device or resource busy"
        self.until(lambda: self.network(daemon)["reason"] == why)
        self.assertEqual([self.has(), set(self.host.ns.links())], before)
        daemon.stop()
        daemon.configure(LAN.format(more="").replace("up0", "lo"))
        daemon.start()
        self.assertEqual(self.network(daemon)["reason"], "interface lo is no Ethernet interface")


class Silent(UplinkTest):
    MORE = "uplink-deadline = 2s"

    def test_rollback(self):
        """The gateway answers until the uplink is in a bridge; then it is deaf to ARP."""
        self.dress()
        before, links = self.has(), set(self.host.ns.links())
        stream = self.stream()
        stream.flows(self)
        # All that the bridge asks by ARP; what the stream needs is known already.
        self.host.ns.run("nft", "-f", "-", input="table bridge deaf { chain out { type filter hook output priority 0; "
                         "ether type arp drop; }; }")
        daemon = self.lan()
        watch = daemon.watch(since=1)
        event = watch.until("uplink-back", network="lan")
        watch.close()
        why = "gateway 192.0.2.1 did not answer by bridge nd-lan in 2 s"
        self.assertEqual(event["detail"], why)
        self.until(lambda: self.network(daemon)["reason"] == why)
        self.assertEqual(self.has(), before)
        self.assertEqual(set(self.host.ns.links()), links)
        stream.flows(self)
        # For good, until it is told to try again.
        self.host.ns.run("nft", "delete", "table", "bridge", "deaf")
        daemon.ctl("reload")
        self.is_up(daemon)
        sent, came, good = stream.end()
        self.assertEqual((came, good), (sent, True))

    def test_never_answered(self):
        self.host.internet.run("ip", "link", "set", "net0", "arp", "off")
        daemon = self.lan()
        self.is_up(daemon)
        self.assertIn("gateway 192.0.2.1 does not answer by up0 as it is", daemon.logged())


class Guests(UplinkTest):
    """Guests as stations of the LAN, whose DHCP server is busybox' at the gateway."""

    def setUp(self):
        super().setUp()
        directory = tempfile.mkdtemp(prefix="netd-test-")
        self.addCleanup(shutil.rmtree, directory)
        config = os.path.join(directory, "udhcpd.conf")
        with open(config, "w", encoding="utf-8") as out:
            out.write("start 192.0.2.100\nend 192.0.2.150\ninterface net0\noption subnet 255.255.255.0\n"
                      f"option router {GATEWAY}\nlease_file {directory}/leases\npidfile {directory}/pid\n")
        with open(os.path.join(directory, "leases"), "w", encoding="utf-8"):
            pass
        server = self.host.internet.popen("busybox", "udhcpd", "-f", config, stdout=subprocess.DEVNULL,
                                          stderr=subprocess.DEVNULL)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)

    def station(self, daemon, name):
        return self.vmm(daemon, name, "--network", "lan")

    def serves(self, config=None):
        daemon = self.lan() if config is None else self.daemon(config)
        self.is_up(daemon)
        return daemon

    def check_lan(self, daemon):
        first, second = self.station(daemon, "web1"), self.station(daemon, "web2")
        lease, other = first.udhcpc(), second.udhcpc()
        self.assertEqual(lease["serverid"], GATEWAY)
        for address in (GATEWAY, Host.UPLINK_ADDRESS, other["ip"]):
            self.assertTrue(first.ping(address), address)
        self.assertTrue(self.host.internet.ok("ping", "-c", "1", "-W", "10", lease["ip"]))
        self.assertEqual(daemon.guests()["web1/0"]["addresses"], [])
        # Of IPv6 it has what the LAN gives, and nobody takes it from it.
        for vmm, address in ((first, "2001:db8::100"), (second, "2001:db8::101")):
            vmm.run("ip", "addr", "add", f"{address}/64", "dev", "eth0", "nodad")
            self.assertTrue(vmm.ok("ping", "-c", "1", "-W", "10", "2001:db8::1"))
        second.run("ip", "addr", "add", "2001:db8::100/128", "dev", "eth0", "nodad")
        self.assertFalse(second.ok("ping", "-c", "1", "-W", "1", "-I", "2001:db8::100", "2001:db8::1"))
        # Whoever the LAN makes it, it is neither the router nor the host.
        before = daemon.guests()["web2/0"]["guard"]["drops"].get("arp", 0)
        for address in (GATEWAY, Host.UPLINK_ADDRESS):
            second.ok("arping", "-c", "1", "-w", "1", "-U", "-I", "eth0", "-s", address, address)
            second.run("ip", "addr", "add", f"{address}/32", "dev", "eth0")
            self.assertFalse(second.ok("ping", "-c", "1", "-W", "1", "-I", address, lease["ip"]))
            second.run("ip", "addr", "del", f"{address}/32", "dev", "eth0")
        self.assertGreater(sum(daemon.guests()["web2/0"]["guard"]["drops"].values()), before)
        # As somebody else it is not heard.
        self.assertEqual(daemon.guests()["web1/0"]["guard"]["drops"], {})
        first.run("ip", "link", "set", "eth0", "down")
        first.run("ip", "link", "set", "eth0", "address", "52:54:00:00:00:77")
        first.run("ip", "link", "set", "eth0", "up")
        self.assertFalse(first.ok("ping", "-c", "1", "-W", "1", GATEWAY))
        self.assertGreater(daemon.guests()["web1/0"]["guard"]["drops"]["mac"], 0)
        self.assertTrue(second.ping(GATEWAY))

    def test_uplink(self):
        self.check_lan(self.serves())

    def test_found_bridge(self):
        ns = self.host.ns
        ns.run("ip", "link", "add", "br0", "type", "bridge", "stp_state", "0", "forward_delay", "0")
        ns.run("ip", "addr", "flush", "dev", "up0")
        ns.run("ip", "link", "set", "br0", "addrgenmode", "none", "mtu", "1400")
        ns.run("ip", "link", "set", "up0", "master", "br0")
        ns.run("ip", "link", "set", "br0", "up")
        ns.run("ip", "addr", "add", "192.0.2.2/24", "dev", "br0")
        ns.run("ip", "route", "add", "default", "via", GATEWAY)
        self.until(lambda: ns.ok("ping", "-c", "1", "-W", "1", GATEWAY))
        dumps = lambda: [ns.run("ip", "-d", "link", "show", "dev", n) for n in ("br0", "up0")] + [
            ns.run("ip", "addr"), ns.run("ip", "route", "show", "table", "all"),
            ns.run("sh", "-c", "grep -Hs . /proc/sys/net/ipv[46]/conf/br0/*", check=False)]
        still = lambda: [re.sub(r"[a-z_]*_timer\S*[ :]+[0-9.]+|topology_change\S* \d|mtu \d+ |stable_secret.*|gc_timer:\d+",
                                "", part) for part in dumps()]
        before = still()
        config = LAN.format(more="").replace("uplink = up0", "bridge = br0")
        daemon = self.serves(config)
        self.assertEqual(still(), before)
        self.assertEqual(self.network(daemon)["mtu"], 1400)
        self.check_lan(daemon)
        port = daemon.guests()["web2/0"]["interface"]
        self.assertEqual((ns.links()[port]["mtu"], ns.links()[port]["master"]), (1400, "br0"))
        ns.run("ip", "link", "set", "br0", "mtu", "1300")
        self.until(lambda: ns.links()[port]["mtu"] == 1300)
        daemon.stop()
        daemon.start()
        for guest in ("web1", "web2"):
            daemon.ctl("detach", guest)
        daemon.configure("mac { secret = x }")
        daemon.ctl("reload")
        daemon.stop()
        ns.run("ip", "link", "set", "br0", "mtu", "1400")
        self.assertEqual(still(), before)

    def test_reserved(self):
        """Whose address is known has no other."""
        daemon = self.serves(LAN.format(more="host web1 { address = 192.0.2.60 }"))
        vmm = self.station(daemon, "web1")
        vmm.run("ip", "addr", "add", "192.0.2.60/24", "dev", "eth0")
        self.assertTrue(vmm.ping(GATEWAY))
        vmm.run("ip", "addr", "flush", "dev", "eth0")
        vmm.run("ip", "addr", "add", "192.0.2.61/24", "dev", "eth0")
        self.assertFalse(vmm.ok("ping", "-c", "1", "-W", "1", GATEWAY))
        self.assertGreater(daemon.guests()["web1/0"]["guard"]["drops"]["arp"], 0)

    def test_isolated(self):
        daemon = self.serves(LAN.format(more="isolate = yes"))
        first, second = self.station(daemon, "web1"), self.station(daemon, "web2")
        first.udhcpc()
        other = second.udhcpc()["ip"]
        self.assertTrue(first.ping(GATEWAY))
        self.assertFalse(first.ok("ping", "-c", "1", "-W", "1", other))

    def test_served(self):
        """netd plans addresses of the LAN's subnet, and tells them; what somebody has is not given."""
        self.host.internet.run("ip", "addr", "add", "192.0.2.200/24", "dev", "net0")
        daemon = self.serves(LAN.format(more="subnet = 192.0.2.1/24\nrange = 192.0.2.200-192.0.2.201\ndhcp = on"))
        vmm = self.station(daemon, "web1")
        self.assertEqual(daemon.guests()["web1/0"]["addresses"], ["192.0.2.201/24"])
        lease = vmm.udhcpc()
        self.assertEqual((lease["ip"], lease["router"], lease["serverid"]), ("192.0.2.201", GATEWAY, Host.UPLINK_ADDRESS))
        self.assertTrue(vmm.ping(Host.INTERNET_ADDRESS))
        vmm.run("ip", "addr", "add", "192.0.2.202/24", "dev", "eth0")
        self.assertFalse(vmm.ok("ping", "-c", "1", "-W", "1", "-I", "192.0.2.202", GATEWAY))

    def test_with_nat_beside(self):
        """The bridge is the way out of other networks, whose forwarding serves them alone, and bridges all the same."""
        nat = "network nat { subnet = 10.77.0.1/24  dns = { 192.0.2.53 } }\n"
        daemon = self.serves(LAN.format(more="") + nat)
        vmm, station = self.vmm(daemon, "db1", "--network", "nat"), self.station(daemon, "web1")
        vmm.udhcpc()
        station.udhcpc()
        self.until(lambda: [u["interface"] for u in daemon.ctl_json("status")["uplinks"]] == ["nd-lan"])
        self.assertTrue(vmm.ping(Host.INTERNET_ADDRESS))
        self.assertTrue(station.ping(GATEWAY))


if __name__ == "__main__":
    unittest.main()

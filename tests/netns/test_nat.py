#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""NAT: what guests go out under, and ports of the host that lead to them."""

import json
import subprocess
import sys
import unittest

from support import NetnsTest

from harness.daemon import CONFIG
from harness.namespaces import DEADLINE, Host
from harness.varlink import Error

TWO = """
network default {{
	subnet = 10.77.0.1/24
	dns = {{ 192.0.2.53 }}
	{default}
}}
network other {{
	subnet = 10.78.0.1/24
	dns = {{ 192.0.2.53 }}
	{other}
}}
"""

# Answers each connection or datagram with who sent it, and to which port; says "ready" when it listens.
ECHO = """
import select, socket, sys
sockets = []
for spec in sys.argv[1:]:
    kind, address, port = spec.split(":")
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((address, int(port)))
    if kind == "tcp":
        s.listen()
    sockets.append(s)
print("ready", flush=True)
while True:
    for s in select.select(sockets, [], [])[0]:
        if s.type == socket.SOCK_STREAM:
            c, who = s.accept()
            c.sendall(f"{who[0]} {who[1]} {s.getsockname()[1]}".encode())
            c.close()
        else:
            _, who = s.recvfrom(100)
            s.sendto(f"{who[0]} {who[1]} {s.getsockname()[1]}".encode(), who)
"""

# Says what the other side answers; without an answer its exit code is 1.
ASK = """
import socket, sys
kind, address, port, seconds = sys.argv[1:5]
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
s.settimeout(float(seconds))
try:
    s.connect((address, int(port)))
    if kind == "udp":
        s.send(b"who am I")
    print(s.recv(100).decode())
except OSError as e:
    print(e)
    sys.exit(1)
"""

# Asks by a broadcast who has an address, and says how many of its own frames came back before the answer did.
REFLECTED = """
import fcntl, socket, struct, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
s.bind(("eth0", 0))
s.settimeout(20)
mac = s.getsockname()[4]
own, asked = map(socket.inet_aton, sys.argv[1:3])
for _ in range(3):
    s.send(b"\\xff" * 6 + mac + b"\\x08\\x06" + struct.pack("!HHBBH", 1, 0x800, 6, 4, 1) + mac + own + bytes(6) + asked)
back = answers = 0
while answers < 3:
    frame, where = s.recvfrom(2000)
    back += where[2] != socket.PACKET_OUTGOING and frame[6:12] == mac
    answers += frame[6:12] != mac and frame[12:14] == b"\\x08\\x06" and frame[28:32] == asked
print(back)
"""

# Sends numbered datagrams a millisecond apart from one socket until its input ends, and says how many.
STREAM = """
import select, socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect((sys.argv[1], int(sys.argv[2])))
n, due = 0, time.monotonic()
while not select.select([sys.stdin], [], [], 0)[0]:
    s.send(n.to_bytes(8, "big"))
    n += 1
    due += 0.001
    time.sleep(max(0, due - time.monotonic()))
print(n)
"""

# Counts them by sender until its input ends: {"address port": [how many, the last of them, those out of turn]}.
COUNT = """
import json, select, socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, 33, 1 << 24)  # SO_RCVBUFFORCE
s.bind((sys.argv[1], int(sys.argv[2])))
print("ready", flush=True)
seen = {}
while True:
    ready = select.select([s, sys.stdin], [], [])[0]
    if s in ready:
        data, who = s.recvfrom(100)
        one = seen.setdefault(f"{who[0]} {who[1]}", [0, -1, 0])
        n = int.from_bytes(data, "big")
        one[2] += n != one[1] + 1
        one[0], one[1] = one[0] + 1, n
    elif sys.stdin in ready:
        break
print(json.dumps(seen), flush=True)
"""


class NatTest(NetnsTest):
    def python(self, place, program, *argv, **more):
        process = subprocess.Popen(place.enter(sys.executable, "-c", program, *map(str, argv)), text=True, **more)
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.kill()
        process.wait(DEADLINE)
        for stream in (process.stdin, process.stdout):
            if stream and not stream.closed:
                stream.close()

    def echo(self, place, *specs):
        """A server on addresses and ports of a namespace or guest."""
        process = self.python(place, ECHO, *specs, stdout=subprocess.PIPE)
        self.assertEqual(process.stdout.readline(), "ready\n")
        return process

    def ask(self, place, address, port, kind="tcp", seconds=DEADLINE):
        """What a server says: (address, port) that it sees the question from, and the port that it came to."""
        done = subprocess.run(place.enter(sys.executable, "-c", ASK, kind, address, str(port), str(seconds)),
                              capture_output=True, text=True, timeout=DEADLINE + 5, check=False)
        self.assertEqual(done.returncode, 0, f"{kind} {address}:{port} from {place.name}: {done.stdout}{done.stderr}")
        who, source, to = done.stdout.split()
        return who, int(source), int(to)

    def no_answer(self, place, address, port, kind="tcp"):
        """Refused at once, or not answered in a second."""
        done = subprocess.run(place.enter(sys.executable, "-c", ASK, kind, address, str(port), "1"),
                              capture_output=True, text=True, timeout=DEADLINE, check=False)
        self.assertEqual(done.returncode, 1, f"{kind} {address}:{port} from {place.name}: {done.stdout}{done.stderr}")

    def guest(self, daemon, name, *options):
        vmm = self.vmm(daemon, name, *options)
        vmm.udhcpc()
        return vmm

    def listener(self, kind, address, port):
        return self.echo(self.host.ns, f"{kind}:{address}:{port}")

    def localnet(self, bridge):
        return self.host.ns.run("cat", f"/proc/sys/net/ipv4/conf/{bridge}/route_localnet").strip()


class Source(NatTest):
    def network(self, *lines):
        return self.daemon(CONFIG.replace("domain", "\n\t".join(lines) + "\n\tdomain"))

    def test_fixed_address_and_ports(self):
        self.host.ns.run("ip", "addr", "add", "192.0.2.10/24", "dev", "up0")
        daemon = self.network("snat = 192.0.2.10", "snat-ports = 20000-20099")
        guest = self.guest(daemon, "web1")
        self.echo(self.host.internet, "tcp:203.0.113.7:80", "udp:203.0.113.7:53")
        for kind, port in (("tcp", 80), ("udp", 53)):
            address, source, _ = self.ask(guest, Host.INTERNET_ADDRESS, port, kind)
            self.assertEqual(address, "192.0.2.10")
            self.assertIn(source, range(20000, 20100))
        self.assertTrue(guest.ping(Host.INTERNET_ADDRESS), "what has no ports gets out, too")

    def test_a_guest_keeps_one_address_of_a_range(self):
        for last in range(10, 14):
            self.host.ns.run("ip", "addr", "add", f"192.0.2.{last}/24", "dev", "up0")
        for last in range(8, 16):
            self.host.internet.run("ip", "addr", "add", f"203.0.113.{last}/32", "dev", "lo")
        daemon = self.network("snat = 192.0.2.10-192.0.2.13")
        guest = self.guest(daemon, "web1")
        self.echo(self.host.internet, "tcp:0.0.0.0:80")
        seen = {self.ask(guest, f"203.0.113.{last}", 80)[0] for last in range(7, 16)}
        self.assertEqual(len(seen), 1, seen)
        self.assertIn(seen.pop(), {f"192.0.2.{last}" for last in range(10, 14)})

    def test_ports_of_masquerade(self):
        guest = self.guest(self.network("snat-ports = 30000-30009"), "web1")
        self.echo(self.host.internet, "tcp:203.0.113.7:80")
        for _ in range(5):
            address, source, _ = self.ask(guest, Host.INTERNET_ADDRESS, 80)
            self.assertEqual(address, Host.UPLINK_ADDRESS)
            self.assertIn(source, range(30000, 30010))

    def test_nothing_between_own_networks(self):
        """A guest's own address is what a guest of another network sees, when it reaches it at all."""
        self.host.ns.run("ip", "addr", "add", "192.0.2.10/24", "dev", "up0")
        daemon = self.daemon(TWO.format(default="snat = 192.0.2.10",
                                        other="publish { guest = db  port = tcp:5432 }"))
        web, db = self.guest(daemon, "web1"), self.guest(daemon, "db", "--network", "other")
        self.echo(db, "tcp:0.0.0.0:5432")
        address, _, _ = self.ask(web, "10.77.0.1", 5432)
        self.assertIn(f"{address}/24", daemon.guests()["web1/0"]["addresses"])


class Published(NatTest):
    def published(self, more=""):
        """A daemon, and a guest web1 that serves what is published for it."""
        daemon = self.daemon(TWO.format(default="publish { guest = web1  port = { tcp:8080:80, udp:5000-5003:6000-6003 } }"
                                        + more, other=""))
        guest = self.guest(daemon, "web1")
        self.echo(guest, "tcp:0.0.0.0:80", *(f"udp:0.0.0.0:{port}" for port in range(6000, 6004)))
        return daemon, guest

    def test_from_outside(self):
        self.published()
        address, _, port = self.ask(self.host.internet, Host.UPLINK_ADDRESS, 8080)
        self.assertEqual((address, port), ("192.0.2.1", 80), "the guest sees who asks")
        for port in range(4):
            address, _, to = self.ask(self.host.internet, Host.UPLINK_ADDRESS, 5000 + port, "udp")
            self.assertEqual((address, to), ("192.0.2.1", 6000 + port))
        self.no_answer(self.host.internet, Host.UPLINK_ADDRESS, 5004, "udp")
        self.no_answer(self.host.internet, Host.UPLINK_ADDRESS, 80)

    def test_the_guest_s_rules_hold(self):
        self.host.internet.run("ip", "addr", "add", "192.0.2.9/24", "dev", "net0")
        self.published(more="\n\trule { allow in tcp:80 from 192.0.2.1 }")
        self.ask(self.host.internet, Host.UPLINK_ADDRESS, 8080)
        self.host.internet.run("ip", "route", "replace", Host.UPLINK_ADDRESS, "dev", "net0", "src", "192.0.2.9")
        self.no_answer(self.host.internet, Host.UPLINK_ADDRESS, 8080)

    def test_from_the_host(self):
        self.published()
        self.assertEqual(self.ask(self.host.ns, Host.UPLINK_ADDRESS, 8080)[0], Host.UPLINK_ADDRESS)
        for kind, port in (("tcp", 8080), ("udp", 5001)):
            self.assertEqual(self.ask(self.host.ns, "127.0.0.1", port, kind)[0], "10.77.0.1")
        self.assertEqual(self.ask(self.host.ns, "10.77.0.1", 8080)[2], 80)

    def test_from_guests(self):
        daemon, guest = self.published()
        neighbour = self.guest(daemon, "web2")
        stranger = self.guest(daemon, "web3", "--network", "other")
        for asked in (Host.UPLINK_ADDRESS, "10.77.0.1"):
            self.assertEqual(self.ask(guest, asked, 8080)[0], "10.77.0.1", "itself")
            self.assertEqual(self.ask(neighbour, asked, 8080)[0], "10.77.0.1")
        self.assertEqual(self.ask(neighbour, Host.UPLINK_ADDRESS, 5002, "udp")[0], "10.77.0.1")
        address = daemon.guests()["web3/0"]["addresses"][0].split("/")[0]
        for asked in (Host.UPLINK_ADDRESS, "10.77.0.1", "10.78.0.1"):
            self.assertEqual(self.ask(stranger, asked, 8080)[0], address)
        self.no_answer(stranger, daemon.guests()["web1/0"]["addresses"][0].split("/")[0], 80)

    def test_only_that_comes_back_by_its_port(self):
        """With br_netfilter, what a guest sends to itself leaves by the port that it came by; its broadcasts do not."""
        daemon, guest = self.published()
        self.ask(guest, Host.UPLINK_ADDRESS, 8080)
        if self.host.ns.run("sysctl", "-n", "net.bridge.bridge-nf-call-iptables").strip() != "1":
            self.leave_out("there is no br_netfilter")
        port = daemon.guests()["web1/0"]

        def hairpin():
            return "hairpin on" in self.host.ns.run("bridge", "-d", "link", "show", "dev", port["interface"])
        self.assertTrue(hairpin())
        back = guest.run(sys.executable, "-c", REFLECTED, port["addresses"][0].split("/")[0], "10.77.0.1")
        self.assertEqual(back, "0\n")
        daemon.configure(TWO.format(default="", other=""))
        daemon.ctl("reload")
        self.until(lambda: not hairpin())

    def test_an_isolated_network_reaches_none(self):
        daemon = self.daemon(TWO.format(default="publish { guest = web1  port = tcp:8080:80 }", other="mode = isolated"))
        guest, stranger = self.guest(daemon, "web1"), self.guest(daemon, "web3", "--network", "other")
        self.echo(guest, "tcp:0.0.0.0:80")
        self.no_answer(stranger, "10.78.0.1", 8080)
        self.ask(self.host.ns, "127.0.0.1", 8080)

    def test_of_one_address(self):
        self.host.ns.run("ip", "addr", "add", "192.0.2.10/24", "dev", "up0")
        daemon = self.daemon()
        first, second = self.guest(daemon, "web1"), self.guest(daemon, "web2")
        for guest, port in ((first, 81), (second, 82)):
            self.echo(guest, f"tcp:0.0.0.0:{port}")
        daemon.ctl("publish", "web1", "tcp:8080:81", "--address", "192.0.2.10")
        daemon.ctl("publish", "web2", "tcp:8080:82", "--address", "127.0.0.1")
        self.assertEqual(self.ask(self.host.internet, "192.0.2.10", 8080)[2], 81)
        self.assertEqual(self.ask(self.host.ns, "127.0.0.1", 8080)[2], 82)
        self.no_answer(self.host.internet, Host.UPLINK_ADDRESS, 8080)
        self.assertEqual(daemon.ctl("publish", "web1", "tcp:8081:81", "--address", "192.0.2.99", check=False)[2],
                         "netdctl: address is not acceptable: it is not an address of this host\n")

    def test_loopback_stays_the_host_s_own(self):
        """With route_localnet a guest could reach what listens on 127.0.0.1, and send as if it did."""
        daemon, guest = self.published()
        self.assertEqual((self.localnet("nd-default"), self.localnet("nd-other")), ("1", "0"))
        self.listener("tcp", "127.0.0.1", 9999)
        self.listener("udp", "127.0.0.1", 9999)
        guest.run("ip", "route", "add", "127.0.0.0/8", "via", "10.77.0.1", "dev", "eth0", "table", "99")
        guest.run("ip", "rule", "add", "pref", "0", "to", "127.0.0.0/8", "iif", "lo", "lookup", "99")
        guest.run("ip", "rule", "del", "pref", "0", "lookup", "local")
        guest.run("ip", "rule", "add", "pref", "10", "lookup", "local")
        guest.run("sysctl", "-qw", "net.ipv4.conf.eth0.route_localnet=1")
        for kind in ("tcp", "udp"):
            self.no_answer(guest, "127.0.0.1", 9999, kind)
        daemon.configure(TWO.format(default="", other=""))
        daemon.ctl("reload")
        self.assertEqual(self.localnet("nd-default"), "0")

    def test_gone_with_the_configuration_and_back(self):
        daemon, _ = self.published()
        with open(daemon.config, encoding="utf-8") as text:
            configuration = text.read()
        daemon.configure(TWO.format(default="", other=""))
        daemon.ctl("reload")
        self.no_answer(self.host.internet, Host.UPLINK_ADDRESS, 8080)
        daemon.configure(configuration)
        daemon.ctl("reload")
        self.ask(self.host.internet, Host.UPLINK_ADDRESS, 8080)


class AtRunTime(NatTest):
    def test_publish_and_unpublish(self):
        daemon = self.daemon()
        guest = self.guest(daemon, "web1")
        self.echo(guest, "tcp:0.0.0.0:80", "tcp:0.0.0.0:443")
        before = self.host.ns.dump()
        daemon.ctl("publish", "web1", "tcp:8080:80", "tcp:443")
        self.assertEqual(self.ask(self.host.internet, Host.UPLINK_ADDRESS, 8080)[2], 80)
        self.assertEqual(self.ask(self.host.internet, Host.UPLINK_ADDRESS, 443)[2], 443)
        published = daemon.ctl_json("published")
        self.assertEqual([(p["guest"], p["protocol"], p["port"], p["guestPort"], p["configured"]) for p in published],
                         [("web1", "tcp", 8080, 80, None), ("web1", "tcp", 443, 443, None)])
        self.assertEqual(daemon.guests()["web1/0"]["published"], published)
        self.assertEqual(daemon.ctl_json("network", "default")["published"], published)
        self.assertIn("tcp:8080", daemon.ctl("published")[1])
        daemon.ctl("unpublish", "web1", "tcp:8080")
        self.no_answer(self.host.internet, Host.UPLINK_ADDRESS, 8080)
        self.ask(self.host.internet, Host.UPLINK_ADDRESS, 443)
        daemon.ctl("unpublish", "web1")
        self.assertEqual(daemon.ctl_json("published"), [])
        self.assertEqual(self.host.ns.dump(), before)

    def test_stays_over_kill_and_restart(self):
        daemon = self.daemon()
        guest = self.guest(daemon, "web1")
        self.echo(guest, "tcp:0.0.0.0:80")
        daemon.ctl("publish", "web1", "tcp:8080:80")
        published = daemon.ctl_json("published")
        daemon.kill()
        self.ask(self.host.internet, Host.UPLINK_ADDRESS, 8080)
        daemon.start()
        self.assertEqual(daemon.ctl_json("published"), published)
        self.ask(self.host.internet, Host.UPLINK_ADDRESS, 8080)
        self.assertEqual(self.localnet("nd-default"), "1")

    def test_is_put_back_with_the_rules(self):
        daemon = self.daemon()
        guest = self.guest(daemon, "web1")
        self.echo(guest, "tcp:0.0.0.0:80")
        daemon.ctl("publish", "web1", "tcp:8080:80")
        self.host.ns.run("nft", "flush", "ruleset")
        self.until(lambda: "8080" in self.host.ns.run("nft", "list", "ruleset"))
        self.ask(self.host.internet, Host.UPLINK_ADDRESS, 8080)
        daemon.ctl("unpublish", "web1")
        self.assertNotIn("8080", self.host.ns.run("nft", "list", "ruleset"))

    def test_gone_with_the_guest_s_release(self):
        daemon = self.daemon()
        guest = self.guest(daemon, "web1")
        self.echo(guest, "tcp:0.0.0.0:80")
        before = self.host.ns.run("nft", "list", "table", "inet", "netd")
        daemon.ctl("publish", "web1", "tcp:8080:80")
        self.ask(self.host.internet, Host.UPLINK_ADDRESS, 8080)
        daemon.ctl("release", "web1")
        self.assertEqual(daemon.ctl_json("published"), [])
        self.assertEqual(self.host.ns.run("nft", "list", "table", "inet", "netd"), before)
        self.assertEqual(self.localnet("nd-default"), "0")
        daemon.stop()
        daemon.start()
        self.assertEqual(daemon.ctl_json("published"), [])

    def test_follows_the_guest(self):
        daemon = self.daemon()
        guest = self.guest(daemon, "web1", "--address", "10.77.0.50")
        daemon.ctl("publish", "web1", "tcp:8080:80")
        guest.close()
        daemon.ctl("wait", "web1", "--for", "gone")
        guest = self.guest(daemon, "web1", "--address", "10.77.0.60")
        self.echo(guest, "tcp:0.0.0.0:80")
        self.assertEqual(daemon.ctl_json("published")[0]["target"], "10.77.0.60")
        self.ask(self.host.internet, Host.UPLINK_ADDRESS, 8080)

    def test_refused_with_who(self):
        daemon = self.daemon(CONFIG.replace("domain", "publish { guest = web2  port = tcp:443 }\n\tdomain"))
        self.guest(daemon, "web1")
        self.guest(daemon, "web2")
        pid = self.listener("tcp", "127.0.0.1", 8080).pid
        self.listener("udp", Host.UPLINK_ADDRESS, 5001)
        before = self.host.ns.dump()
        for ports, port, holder in ((["tcp:8080:80"], "tcp:8080", f"(pid {pid})"),
                                    (["tcp:80", "udp:5000-5009:5000-5009"], "udp:5001", "process python3"),
                                    (["tcp:440-449:440-449"], "tcp:443", "guest web2/0 of network default, ")):
            with self.assertRaises(Error) as refused:
                daemon.call("Publish", guest="web1", ports=ports)
            self.assertEqual(refused.exception.name, "io.netd.PortInUse")
            self.assertEqual(refused.exception.parameters["port"], port)
            self.assertIn(holder, refused.exception.parameters["holder"])
        with self.assertRaises(Error) as refused:
            daemon.call("Publish", guest="nobody", ports=["tcp:80"])
        self.assertEqual(refused.exception.name, "io.netd.NoSuchGuest")
        self.assertEqual(self.host.ns.dump(), before)
        daemon.ctl("publish", "web1", "tcp:8080:80", "--address", Host.UPLINK_ADDRESS)
        daemon.ctl("publish", "web1", "udp:8080:80")
        with self.assertRaises(Error) as refused:
            daemon.call("Publish", guest="web2", ports=["udp:8080"])
        self.assertEqual(refused.exception.parameters, {"port": "udp:8080", "holder": "guest web1/0 of network default"})

    def test_refused_with_whose_process_when_it_is_not_seen(self):
        """With what netd.service leaves it, it cannot look into processes that may more."""
        daemon = self.daemon(wrapper=["setpriv", "--no-new-privs", "--inh-caps=-all",
                                      "--bounding-set=-all,+net_admin,+net_raw,+chown"])
        self.guest(daemon, "web1")
        self.listener("tcp", "0.0.0.0", 8080)
        with self.assertRaises(Error) as refused:
            daemon.call("Publish", guest="web1", ports=["tcp:8080"])
        self.assertRegex(refused.exception.parameters["holder"], r"^a process of .*user id 0\)?$")

    def test_a_reload_is_refused_with_who(self):
        daemon = self.daemon()
        guest = self.guest(daemon, "web1")
        self.echo(guest, "tcp:0.0.0.0:80")
        pid = self.listener("tcp", "0.0.0.0", 8080).pid
        before = self.host.ns.dump()
        daemon.configure(CONFIG.replace("domain", "publish { guest = web1  port = tcp:8080:80 }\n\tdomain"))
        code, _, why = daemon.ctl("reload", check=False)
        self.assertEqual(code, 1)
        self.assertRegex(why, rf"netd.conf:6: port: tcp:8080 is taken by process python3\S* \(pid {pid}\)$")
        self.assertEqual(self.host.ns.dump(), before)

    def test_at_start_only_that_port_is_left_out(self):
        server = self.listener("tcp", "0.0.0.0", 8080)
        daemon = self.daemon(CONFIG.replace("domain", "publish { guest = web1  port = { tcp:8080:80, tcp:8081:80 } }"
                                            "\n\tdomain"))
        guest = self.guest(daemon, "web1")
        self.echo(guest, "tcp:0.0.0.0:80")
        self.assertIn("port tcp:8080 of guest web1/0 is not published: tcp:8080 is taken by process python3",
                      "\n".join(daemon.ctl_json("status")["warnings"]))
        self.assertEqual(self.ask(self.host.internet, Host.UPLINK_ADDRESS, 8080)[2], 8080, "it is the process's")
        self.assertEqual(self.ask(self.host.internet, Host.UPLINK_ADDRESS, 8081)[2], 80)
        self.end(server)
        daemon.ctl("reload")
        self.assertEqual(daemon.ctl_json("status")["warnings"], [])
        self.assertEqual(self.ask(self.host.internet, Host.UPLINK_ADDRESS, 8080)[2], 80)


class Replacement(NatTest):
    RELOADS = 100

    def test_a_stream_loses_nothing_over_reloads(self):
        """Each reload changes the structure, so both tables are made anew while packets pass, all under one port."""
        configs = [CONFIG + f"network more {{\n\tsubnet = 10.79.{n}.1/24\n\tdns = {{ 192.0.2.53 }}\n}}\n" for n in (0, 1)]
        daemon = self.daemon(configs[0])
        guest = self.guest(daemon, "web1")
        counter = self.python(self.host.internet, COUNT, Host.INTERNET_ADDRESS, 7, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE)
        self.assertEqual(counter.stdout.readline(), "ready\n")
        handles = {self.handle()}
        sender = self.python(guest, STREAM, Host.INTERNET_ADDRESS, 7, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for i in range(1, self.RELOADS + 1):
            daemon.configure(configs[i % 2])
            daemon.ctl("reload")
            handles.add(self.handle())
        sent = int(sender.communicate(timeout=DEADLINE)[0])
        self.assertTrue(guest.ping(Host.INTERNET_ADDRESS), "behind them by the same way: all have come that will")
        seen = json.loads(counter.communicate(timeout=DEADLINE)[0])
        self.assertEqual(len(handles), self.RELOADS + 1, "each reload made the table anew")
        self.assertGreater(sent, self.RELOADS)
        self.assertEqual(list(seen.values()), [[sent, sent - 1, 0]], seen)

    def handle(self):
        tables = self.host.ns.json("nft", "-j", "-a", "list", "tables")["nftables"]
        return next(t["table"]["handle"] for t in tables if t.get("table", {}).get("name") == "netd"
                    and t["table"]["family"] == "inet")


if __name__ == "__main__":
    unittest.main()

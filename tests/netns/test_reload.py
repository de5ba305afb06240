#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A reload under a running guest: it keeps port, address and connections, and is told what is new at its next renewal. And
plan, which says beforehand what the reload does."""

import json
import subprocess
import unittest

from test_nat import COUNT, STREAM, NatTest

from harness import dhcp
from harness.daemon import CONFIG
from harness.namespaces import DEADLINE, Host

# A connection that answers each line with the same line.
ECHO_LINES = """
import socket, sys
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind((sys.argv[1], int(sys.argv[2])))
s.listen()
print("ready", flush=True)
c = s.accept()[0].makefile("rw")
for line in c:
    c.write(line)
    c.flush()
"""

# Sends each line of its input by one connection, and says what comes back.
SAY_LINES = """
import socket, sys
c = socket.create_connection((sys.argv[1], int(sys.argv[2]))).makefile("rw")
for line in sys.stdin:
    c.write(line)
    c.flush()
    print(c.readline(), end="", flush=True)
"""

WORDS = "domain = vm.internal"


class Live(NatTest):
    xid = 1000

    def renew(self, wire, port):
        """What the guest is told when it renews: {option: octets}. It keeps its card and address, as a real one does."""
        self.xid += 1
        address = port["addresses"][0].split("/")[0]
        asked = bytes([1, 3, 6, 12, 15, 42, 51])
        ask = dhcp.message(mac=port["mac"], xid=self.xid, ciaddr=address, options=[(53, b"\x03"), (55, asked)])
        ack = wire.exchange(dhcp.frame(ask, mac=port["mac"], source=address, destination="10.77.0.1"))
        self.assertEqual((ack.xid, ack.type, ack.yiaddr), (self.xid, 5, address))
        return dict(ack.options)

    def change(self, daemon, config, *keys):
        """Reloads, after plan has said just these keys, and that all of it is live."""
        daemon.configure(config)
        plan = daemon.ctl_json("plan")
        self.assertEqual([(c["key"], c["effect"]) for c in plan], [(key, "live") for key in keys])
        self.assertEqual(len(daemon.ctl("plan")[1].splitlines()), len(keys))
        daemon.ctl("reload")
        self.assertEqual(daemon.ctl_json("plan"), [])

    def test_changes_under_a_guest(self):
        daemon = self.daemon(CONFIG)
        guest = self.vmm(daemon, "web1")
        address = guest.udhcpc()["ip"]
        wire = dhcp.Wire(guest)
        self.addCleanup(wire.close)
        before = daemon.guests()["web1/0"]
        counter = self.python(self.host.internet, COUNT, Host.INTERNET_ADDRESS, 7, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE)
        server = self.python(self.host.internet, ECHO_LINES, Host.INTERNET_ADDRESS, 9, stdout=subprocess.PIPE)
        for process in (counter, server):
            self.assertEqual(process.stdout.readline(), "ready\n")
        sender = self.python(guest, STREAM, Host.INTERNET_ADDRESS, 7, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        connection = self.python(guest, SAY_LINES, Host.INTERNET_ADDRESS, 9, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        last = int(address.rsplit(".", 1)[1])
        outside = "10.77.0.200-10.77.0.210" if last < 200 else "10.77.0.20-10.77.0.30"
        lines = []
        for more, keys, told in (
                (f"range = {outside}", ["range"], {}),
                ("lease-time = 20m", ["lease-time"], {51: (1200).to_bytes(4, "big")}),
                ("option ntp-servers { value = 192.0.2.9 }", ["option ntp-servers"], {42: dhcp.ip("192.0.2.9")}),
                ("host other { address = 10.77.0.15 }", ["host other"], {}),
                ("rule { deny out tcp:25 } rule { allow out any }", ["rule"], {}),
                ("host-access = { tcp:8000 }", ["host-access"], {}),
                ("max-connections = 100", ["max-connections"], {}),
                ("publish { guest = web1 port = tcp:8080:80 }", ["publish"], {}),
                ("isolate = yes", ["isolate"], {}),
                ("guard = log", ["guard"], {}),
                ("probe = off", ["probe"], {}),
                ("class c { vendor-class = \"x*\" }", ["class c"], {}),
                ("host web1 { hostname = other-name }", ["host web1"], {12: b"other-name"})):
            lines.append(more)
            self.change(daemon, CONFIG.replace(WORDS, WORDS + "\n" + "\n".join(lines)), *keys)
            connection.stdin.write(more + "\n")
            connection.stdin.flush()
            self.assertEqual(connection.stdout.readline(), more + "\n")
            self.assertLessEqual(told.items(), self.renew(wire, before).items())
        config = CONFIG.replace(WORDS, "domain = elsewhere.internal\n" + "\n".join(lines)).replace("192.0.2.53", "192.0.2.54")
        self.change(daemon, config, "dns", "domain")
        told = self.renew(wire, before)
        self.assertEqual((told[6], told[15]), (dhcp.ip("192.0.2.54"), b"elsewhere.internal"))
        # While it is off nobody answers; the address stays the guest's.
        self.change(daemon, config.replace("isolate = yes", "isolate = yes\ndhcp = off"), "dhcp")
        self.change(daemon, config, "dhcp")
        self.renew(wire, before)
        sent = int(sender.communicate(timeout=DEADLINE)[0])
        self.assertTrue(guest.ping(Host.INTERNET_ADDRESS), "behind them by the same way: all have come that will")
        seen = json.loads(counter.communicate(timeout=DEADLINE)[0])
        self.assertEqual(list(seen.values()), [[sent, sent - 1, 0]], seen)
        after = daemon.guests()["web1/0"]
        for key in ("interface", "interfaceIndex", "mac", "addresses", "state", "bridge"):
            self.assertEqual(after[key], before[key])

    def test_refused_with_who(self):
        daemon = self.daemon(CONFIG + "network other { subnet = 10.78.0.1/24 }\n")
        guest = self.vmm(daemon, "web1")
        guest.udhcpc()
        before = self.host.ns.dump()
        for config, network, key in (
                (CONFIG.replace("10.77.0.1/24", "10.79.0.1/24").replace(WORDS, "domain = x.y"), "default", "subnet"),
                ("network other { subnet = 10.78.0.1/24 }\n", "default", None),
                (CONFIG.replace(WORDS, "mode = bridge\n uplink = up0\n dhcp = on\n range = 10.77.0.9\n" + WORDS),
                 "default", "mode")):
            daemon.configure(config)
            refused = [c for c in daemon.ctl_json("plan") if c["effect"] == "refused"]
            self.assertEqual([(c["network"], c["key"], c["reason"]) for c in refused],
                             [(network, key, "web1/0 is in the way")])
            code, _, why = daemon.ctl("reload", check=False)
            self.assertEqual((code, why), (1, "netdctl: network 'default' cannot change under its guests: web1/0 is "
                                              "attached\n"))
            self.assertEqual(self.host.ns.dump(), before)
        self.assertTrue(guest.ping("10.77.0.1"))
        self.assertEqual({n["name"] for n in daemon.ctl_json("networks")}, {"default", "other"})

    def test_what_plan_says_is_made(self):
        daemon = self.daemon(CONFIG)
        daemon.configure(CONFIG + "network web { domain = x.y }\n")
        before = self.host.ns.dump()
        change, = daemon.ctl_json("plan")
        self.assertEqual(self.host.ns.dump(), before)
        self.assertEqual((change["network"], change["key"], change["effect"]), ("web", None, "live"))
        daemon.ctl("reload")
        web = daemon.ctl_json("network", "web")
        self.assertEqual(change["host"], f"bridge nd-web with {web['gateway']}/24 is made")
        daemon.configure(CONFIG)
        self.assertEqual(daemon.ctl_json("plan")[0]["host"], f"bridge nd-web with {web['gateway']}/24 is removed")
        daemon.ctl("reload")
        self.assertEqual(self.host.ns.dump(), before)


if __name__ == "__main__":
    unittest.main()

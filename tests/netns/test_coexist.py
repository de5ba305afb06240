#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Firewalls of others that drop guests' packets: found, named, mended by the command that is said; and Docker's chain."""

import json
import os
import re
import subprocess
import unittest

from support import NetnsTest

from harness.daemon import CONFIG
from harness.namespaces import DEADLINE, Failed

FIREWALLS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "firewalls")
INTERNET = "203.0.113.7"

# A chain of nft as many write it by hand.
PLAIN = """
table inet filter {
	chain input { type filter hook input priority filter; policy accept; }
	chain forward { type filter hook forward priority filter; policy drop;
		ct state established,related accept
		tcp dport { 80, 443 } iifname "lan0" accept
	}
}
"""
LISTENER = "import socket; s = socket.create_server(('', 8000)); print('ready', flush=True); s.accept()"
CONNECT = "import socket; socket.create_connection(('{}', 8000), {})"

DOCKER_COMMAND = ("iptables -I DOCKER-USER -i nd-default -j ACCEPT && "
                  "iptables -I DOCKER-USER -o nd-default -j ACCEPT")


class CoexistTest(NetnsTest):
    def setUp(self):
        super().setUp()
        self.bridged_ip("0")

    def bridged_ip(self, value):
        """Whether what is bridged passes chains for IPv4; False where the kernel has no br_netfilter."""
        return self.host.ns.ok("sh", "-c", f"echo {value} >/proc/sys/net/bridge/bridge-nf-call-iptables")

    def feed(self, *argv, text):
        done = subprocess.run(self.host.ns.enter(*argv), input=text, capture_output=True, text=True, timeout=DEADLINE)
        if done.returncode:
            raise Failed(f"{' '.join(argv)}: {done.stderr}")

    def load(self, name):
        with open(os.path.join(FIREWALLS, name), encoding="utf-8") as file:
            text = file.read()
        self.feed(*(["nft", "-f", "-"] if name.endswith(".nft") else ["iptables-nft-restore"]), text=text)

    def shell(self, command):
        """As a person types it who was told to."""
        self.host.ns.run("sh", "-e", "-c", command)

    def foreign(self):
        """All tables that are not netd's, as text, without what counts."""
        tables = re.split(r"(?m)^(?=table )", self.host.ns.run("nft", "-s", "list", "ruleset"))
        return "".join(t for t in tables if t.startswith("table ") and t.split()[2] != "netd")

    def found(self, daemon):
        return [w for w in daemon.ctl_json("status")["warnings"] if w.startswith("table ")]

    def told(self, watch):
        return watch.until("foreign-firewall")["detail"]

    def reaches(self, vmm, seconds=10):
        """A connection from a guest to the internet; what is dropped is not answered however long one waits."""
        with subprocess.Popen(self.host.internet.enter("python3", "-c", LISTENER), stdout=subprocess.PIPE) as server:
            self.assertEqual(server.stdout.readline(), b"ready\n")
            try:
                return vmm.ok("python3", "-c", CONNECT.format(INTERNET, seconds))
            finally:
                server.kill()


def lost(vmm, address=INTERNET):
    return not vmm.ok("ping", "-c", "1", "-W", "1", address)



class Published(CoexistTest):
    """A chain that lets guests out and their answers in, and nobody else to them."""

    CHAIN = """
table inet filter {
	chain forward { type filter hook forward priority filter; policy drop;
		ct state established,related accept
		ip saddr 10.77.0.0/24 accept
	}
}
"""

    def test_only_what_is_published_is_in_its_way(self):
        self.feed("nft", "-f", "-", text=self.CHAIN)
        daemon = self.daemon()
        self.vmm(daemon, "web1").udhcpc()
        self.assertEqual(self.found(daemon), [])
        before = daemon.ctl("doctor", check=False)[1]
        self.assertNotIn("published", before)
        daemon.ctl("publish", "web1", "tcp:8080:80")
        self.until(lambda: "published ports" in daemon.ctl("doctor", check=False)[1])
        daemon.ctl("unpublish", "web1")
        self.until(lambda: "published ports" not in daemon.ctl("doctor", check=False)[1])


class Found(CoexistTest):
    """Of each firewall: what is said, and that the command does it."""

    def mended(self, what, command, told=None):
        """A guest reaches nothing; what and command are said; after the command it does, and nothing is said."""
        daemon = self.daemon()
        vmm = self.vmm(daemon, "web1")
        vmm.udhcpc()
        watch = daemon.watch(since=1)
        self.addCleanup(watch.close)
        [warning] = self.found(daemon)
        self.assertEqual(re.sub(r"handle \d+", "handle N", warning), f"{what}; {command}")
        self.assertEqual(self.told(watch), warning)
        self.assertTrue(lost(vmm))
        self.shell(command)
        daemon.ctl("reload")
        self.assertEqual(self.told(watch), warning.replace(f"; {command}", ": no longer"))
        self.assertEqual(self.found(daemon), [])
        self.assertTrue(vmm.ping(INTERNET))
        self.assertIn(told or what, daemon.logged())

    def clear(self, daemon, command):
        """The command, and then nothing is found."""
        self.shell(command)
        daemon.ctl("reload")
        self.assertEqual(self.found(daemon), [])

    def test_docker(self):
        self.load("docker.rules")
        self.mended("table ip filter chain FORWARD policy drop drops what guests of default send out and the answers to it",
                    DOCKER_COMMAND)

    def test_iptables_policy(self):
        self.host.ns.run("iptables", "-P", "FORWARD", "DROP")
        self.mended("table ip filter chain FORWARD policy drop drops what guests of default send out and the answers to it",
                    "iptables -I FORWARD -i nd-default -j ACCEPT && iptables -I FORWARD -o nd-default -j ACCEPT")

    def test_iptables_reject_at_the_end(self):
        for rule in ("-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", "-i lan0 -j ACCEPT", "-j REJECT"):
            self.host.ns.run("iptables", "-A", "FORWARD", *rule.split())
        self.mended("table ip filter chain FORWARD handle N drops what guests of default send out",
                    "iptables -I FORWARD -i nd-default -j ACCEPT", told='counter xt target "REJECT"')

    def test_plain_nft(self):
        self.feed("nft", "-f", "-", text=PLAIN)
        self.mended("table inet filter chain forward policy drop drops what guests of default send out",
                    "nft 'insert rule inet filter forward iifname \"nd-default\" accept'")

    def test_early_chain(self):
        self.host.ns.run("iptables", "-t", "mangle", "-A", "PREROUTING", "-s", "10.0.0.0/8", "-j", "DROP")
        daemon = self.daemon()
        [warning] = self.found(daemon)
        self.assertRegex(warning, r"^table ip mangle chain PREROUTING handle \d+ drops what guests of default send out and "
                                  "pings of guests of default to the host; iptables -t mangle -I PREROUTING -i nd-default "
                                  "-j ACCEPT$")
        self.clear(daemon, warning.split("; ", 1)[1])

    def test_input(self):
        """The gateway's address stays silent; DHCP is no rule's to drop."""
        self.host.ns.run("iptables", "-A", "INPUT", "-i", "nd-+", "-j", "DROP")
        daemon = self.daemon()
        vmm = self.vmm(daemon, "web1")
        vmm.udhcpc()
        self.assertTrue(lost(vmm, "10.77.0.1"))
        self.assertTrue(vmm.ping(INTERNET))
        command = "iptables -I INPUT -i nd-default -j ACCEPT"
        [warning] = self.found(daemon)
        self.assertRegex(warning, r"^table ip filter chain INPUT handle \d+ drops pings of guests of default to the host; " +
                         command + "$")
        self.assertRegex(daemon.logged(), r'iifname "nd-\*" counter drop')
        self.clear(daemon, command)
        self.assertTrue(vmm.ping("10.77.0.1"))

    def test_bridge_chain(self):
        self.feed("nft", "-f", "-", text="table bridge fw { chain f { type filter hook forward priority 0; policy drop; }\n}")
        daemon = self.daemon()
        one, two = self.vmm(daemon, "web1"), self.vmm(daemon, "web2")
        one.udhcpc()
        address = two.udhcpc()["ip"]
        self.assertTrue(lost(one, address))
        command = "nft 'insert rule bridge fw f iifname \"nt*\" accept'"
        self.assertEqual(self.found(daemon),
                         [f"table bridge fw chain f policy drop drops what guests of default send one another; {command}"])
        self.clear(daemon, command)
        self.assertTrue(one.ping(address))

    def test_bridged_packets_in_chains_for_ip(self):
        """br_netfilter: what guests send one another passes FORWARD."""
        if not self.bridged_ip("1"):
            self.leave_out("this kernel has no br_netfilter")
        self.host.ns.run("iptables", "-P", "FORWARD", "DROP")
        daemon = self.daemon()
        one, two = self.vmm(daemon, "web1"), self.vmm(daemon, "web2")
        one.udhcpc()
        address = two.udhcpc()["ip"]
        self.assertTrue(lost(one, address))
        [warning] = self.found(daemon)
        self.assertIn("what guests of default send out, the answers to it and what guests of default send one another",
                      warning)
        self.clear(daemon, warning.split("; ", 1)[1])
        self.assertTrue(one.ping(address))

    def test_route(self):
        """What is sent to guests is asked about, too; a rule of somebody's own for one of them is a matter of theirs."""
        self.feed("nft", "-f", "-", text=PLAIN)
        self.feed("nft", "-f", "-", text="insert rule inet filter forward ip daddr 10.77.0.9 drop")
        daemon = self.daemon(CONFIG.replace("subnet =", "mode = route subnet ="))
        command = ("nft 'insert rule inet filter forward iifname \"nd-default\" accept; "
                   "insert rule inet filter forward oifname \"nd-default\" accept'")
        self.assertEqual(self.found(daemon), ["table inet filter chain forward policy drop drops what guests of default send "
                                              f"out and what is sent to guests of default; {command}"])
        self.clear(daemon, command)

    def test_ufw(self):
        """It lets pings through, and nothing else."""
        self.load("ufw.rules")
        daemon = self.daemon()
        vmm = self.vmm(daemon, "web1")
        vmm.udhcpc()
        self.assertFalse(self.reaches(vmm, 1))
        self.assertEqual(self.found(daemon),
                         ["table ip filter chain FORWARD policy drop drops what guests of default send out; "
                          "ufw route allow in on nd-default"])
        # What that makes.
        self.host.ns.run("iptables", "-A", "ufw-user-forward", "-i", "nd-default", "-j", "ACCEPT")
        daemon.ctl("reload")
        self.assertEqual(self.found(daemon), [])
        self.assertTrue(self.reaches(vmm))

    def test_firewalld(self):
        self.load("firewalld.nft")
        daemon = self.daemon()
        vmm = self.vmm(daemon, "web1")
        vmm.udhcpc()
        self.assertTrue(lost(vmm))
        command = "firewall-cmd --permanent --zone=trusted --add-interface=nd-default && firewall-cmd --reload"
        [warning] = self.found(daemon)
        self.assertRegex(warning, r"^table inet firewalld chain filter_FWD_public handle \d+ drops what guests of default "
                                  r"send out; " + command + "$")
        self.assertIn("reject with icmpx admin-prohibited", daemon.logged())
        # What that makes.
        self.host.ns.run("nft", "delete", "table", "inet", "firewalld")
        self.load("firewalld-trusted.nft")
        daemon.ctl("reload")
        self.assertEqual(self.found(daemon), [])
        self.assertTrue(vmm.ping(INTERNET))

    def test_doctor(self):
        """It tells of rules that drop on a condition, too, and of a guest's own network only."""
        self.feed("nft", "-f", "-", text="table inet a { chain f { type filter hook forward priority 0; policy accept; "
                                         "iifname \"nd-lan\" drop; iifname \"nd-default\" tcp dport 25 reject\n}\n}")
        daemon = self.daemon(CONFIG + "network lan { subnet = 10.78.0.1/24 }\n")
        self.vmm(daemon, "web1")
        found = [f for f in json.loads(daemon.ctl("--json", "doctor", check=False)[1]) if "table " in f["what"]]
        self.assertEqual([(f["network"], f["severity"]) for f in found], [("lan", "error"), ("default", "warning")])
        self.assertRegex(found[1]["what"], r"^table inet a chain f handle \d+ may drop what guests of default send out$")
        self.assertRegex(found[1]["why"], r"handle \d+: iifname \"nd-default\" tcp dport 25 reject$")
        self.assertEqual(found[1]["command"], "nft 'insert rule inet a f iifname \"nd-default\" accept'")
        found = json.loads(daemon.ctl("--json", "doctor", "web1", check=False)[1])
        self.assertNotIn("lan", [f.get("network") for f in found])

    def test_is_noticed_by_itself(self):
        daemon = self.daemon()
        watch = daemon.watch()
        self.addCleanup(watch.close)
        self.host.ns.run("iptables", "-P", "FORWARD", "DROP")
        what = "table ip filter chain FORWARD policy drop drops what guests of default send out and the answers to it"
        self.assertTrue(self.told(watch).startswith(f"{what}; iptables -I"))
        self.host.ns.run("nft", "flush", "ruleset")
        self.assertEqual(self.told(watch), f"{what}: no longer")

    def test_what_lets_guests_through_is_no_finding(self):
        """A firewall that knows netd's bridges; one that drops others; one for IPv6."""
        self.feed("nft", "-f", "-", text="""
            table inet a { chain f { type filter hook forward priority 0; policy drop; iifname "nd-*" accept
                oifname "nd-*" ct state { established, related } accept
                }
            }
            table inet b { chain f { type filter hook forward priority 1; policy accept; iifname { "eth7", "eth8" } drop
                ip saddr { 10.78.0.0/16, 192.168.0.0/16 } drop
                oifname . ip daddr vmap { "eth7" . 10.77.0.9 : drop }
                ct state vmap { invalid : drop, new : accept }
                }
            }
            table inet d { chain p { type filter hook postrouting priority 0; policy drop; iifname "nd-*" accept
                oifname "nd-*" accept
                }
            }
            table ip6 c { chain f { type filter hook forward priority 0; policy drop; }
            }
            """)
        daemon = self.daemon()
        vmm = self.vmm(daemon, "web1")
        vmm.udhcpc()
        self.assertEqual(self.found(daemon), [])
        self.assertTrue(vmm.ping(INTERNET))

    def test_rules_of_the_guests_own_network_were_meant(self):
        """Who lets guests have the web only has thought of them."""
        self.feed("nft", "-f", "-", text="""
            table inet a { chain f { type filter hook forward priority 0; policy drop; ct state established accept
                iifname "nd-default" tcp dport { 80, 443 } accept
                }
            }
            """)
        daemon = self.daemon()
        self.assertEqual(self.found(daemon), [])


class Docker(CoexistTest):
    CONFIG = "coexist = docker\n" + CONFIG

    def rules(self):
        listed = self.host.ns.run("iptables", "-S", "DOCKER-USER").splitlines()
        return sorted(line for line in listed if line.startswith("-A"))

    OURS = ["-A DOCKER-USER -i nd-default -m comment --comment netd -j ACCEPT",
            "-A DOCKER-USER -o nd-default -m comment --comment netd -j ACCEPT"]

    def test_is_off_by_default(self):
        self.load("docker.rules")
        before = self.foreign()
        daemon = self.daemon()
        daemon.ctl("reload")
        self.assertEqual(self.foreign(), before)

    def test_is_kept_there(self):
        self.load("docker.rules")
        before = self.foreign()
        daemon = self.daemon(self.CONFIG)
        vmm = self.vmm(daemon, "web1")
        vmm.udhcpc()
        self.assertEqual(self.found(daemon), [])
        self.assertEqual(self.rules(), self.OURS)
        self.assertTrue(vmm.ping(INTERNET))
        daemon.ctl("reload")
        self.assertEqual(self.rules(), self.OURS, "once")
        self.host.ns.run("iptables", "-F", "DOCKER-USER")
        self.until(lambda: self.rules() == self.OURS)
        self.assertTrue(vmm.ping(INTERNET))
        daemon.configure(CONFIG)
        daemon.ctl("reload")
        self.assertEqual(self.foreign(), before, "nothing is left of them")
        self.assertEqual(len(self.found(daemon)), 1)

    def test_others_rules_stay(self):
        self.load("docker.rules")
        for rule in ("-i eth7 -j DROP", "-i nd-default -d 192.0.2.99 -j DROP", "-j RETURN"):
            self.host.ns.run("iptables", "-A", "DOCKER-USER", *rule.split())
        self.feed("nft", "-f", "-", text='insert rule ip filter DOCKER-USER iifname "x0" drop comment "netd"')
        before = self.foreign()
        daemon = self.daemon(self.CONFIG)
        vmm = self.vmm(daemon, "web1")
        vmm.udhcpc()
        self.assertTrue(vmm.ping(INTERNET))
        daemon.stop()
        daemon.configure(CONFIG)
        daemon.start()
        self.assertEqual(self.foreign(), before, "what an earlier netd put there is removed, and nothing else")

    def test_goes_with_its_network(self):
        self.load("docker.rules")
        more = "network lan { subnet = 10.78.0.1/24 }\nnetwork cell { mode = isolated subnet = 10.79.0.1/24 }\n"
        daemon = self.daemon(self.CONFIG + more)
        self.assertEqual([r.split()[3] for r in self.rules()], ["nd-default", "nd-lan", "nd-default", "nd-lan"])
        daemon.configure(self.CONFIG)
        daemon.ctl("reload")
        self.assertEqual(self.rules(), self.OURS)

    def test_without_docker_there_is_nothing(self):
        daemon = self.daemon(self.CONFIG)
        self.assertEqual(self.foreign(), "")
        self.assertEqual(self.found(daemon), [])


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Rates of ports: the qdiscs that there are, that they hold back what is too much, and what becomes of them.

How close a stream comes to its rate is what tests/bench/rates.py measures.
"""

import json
import unittest

from support import NetnsTest

from harness.daemon import CONFIG

GATEWAY = "10.77.0.1"


def config(more):
    return CONFIG.replace("\tdomain", f"\t{more}\n\tdomain")


class Rates(NetnsTest):
    RATE = "rate { in = 8mbit  out = 4mbit }"

    def setUp(self):
        super().setUp()
        self.netd = self.daemon(config(self.RATE))
        self.links = self.link_names()
        self.guest = self.vmm(self.netd, "web1")
        self.guest.udhcpc()

    def link_names(self):
        return {link["ifname"] for link in json.loads(self.host.ns.run("ip", "-j", "link"))}

    def port(self, guest="web1"):
        return self.netd.guests()[f"{guest}/0"]["interface"]

    def ifb(self, guest="web1"):
        """The name of the port's ifb, by its mark; None."""
        links = json.loads(self.host.ns.run("ip", "-j", "link", "show", "type", "ifb"))
        found = [link["ifname"] for link in links if link.get("ifalias") == f"netd:default/{guest}/0#ifb"]
        self.assertLessEqual(len(found), 1)
        return found[0] if found else None

    def root(self, link):
        """The root qdisc of a link, with its statistics."""
        return next(q for q in json.loads(self.host.ns.run("tc", "-j", "-s", "qdisc", "show", "dev", link)) if q.get("root"))

    def rate(self, link):
        """What tc says, in bits; None where nothing is limited."""
        root = self.root(link)
        return root["options"]["rate"] * 8 if root["kind"] == "tbf" else None

    def redirected(self, link):
        """To where what comes in goes; tc's JSON of a filter is not the same in all versions."""
        text = self.host.ns.run("tc", "filter", "show", "dev", link, "parent", "ffff:")
        return text.split("Redirect to device ")[1].split(")")[0] if "Redirect to device " in text else None

    def assert_rates(self, rate_in, rate_out, guest="web1"):
        self.assertEqual(self.rate(self.port(guest)), rate_in)
        ifb = self.ifb(guest)
        self.assertEqual(self.redirected(self.port(guest)), ifb)
        self.assertEqual(self.rate(ifb) if ifb else None, rate_out)
        told = self.netd.guests()[f"{guest}/0"]["rate"]
        self.assertEqual((told["in"], told["out"]), (rate_in, rate_out))

    def watch(self):
        events = self.netd.watch()
        self.addCleanup(events.close)
        return events

    def test_attach_and_end(self):
        self.assert_rates(8000000, 4000000)
        self.assertTrue(self.guest.ping(GATEWAY, 1400))
        events = self.watch()
        self.guest.close()
        events.until("gone")
        self.until(lambda: self.link_names() == self.links)

    def test_detach(self):
        self.netd.ctl("detach", "web1")
        self.assertEqual(self.link_names(), self.links)

    def flood(self, place, address):
        """More than the rate has room for, at once: 4,000 datagrams of 1,400 octets."""
        place.run("python3", "-c", "import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
                  f"for i in range(4000): s.sendto(bytes(1400), ('{address}', 9))")

    def test_what_is_too_much_is_held_back(self):
        address = self.netd.guests()["web1/0"]["addresses"][0].split("/")[0]
        ifb = self.ifb()
        self.flood(self.guest, GATEWAY)
        stats = self.root(ifb)
        self.assertGreater(stats["overlimits"], 0, stats)
        self.assertGreater(stats["drops"], 1000, stats)
        self.flood(self.host.ns, address)
        stats = self.root(self.port())
        self.assertGreater(stats["overlimits"], 0, stats)

    def test_dhcp_and_guard_see_what_comes_by_the_ifb(self):
        self.assertTrue(self.guest.udhcpc()["ip"])
        self.guest.run("ip", "addr", "add", "10.77.0.99/24", "dev", "eth0")
        self.assertFalse(self.guest.ok("ping", "-c", "1", "-W", "1", "-I", "10.77.0.99", GATEWAY))
        drops = self.netd.guests()["web1/0"]["guard"]["drops"]
        self.assertGreater(sum(drops.values()), 0, drops)

    def reload(self, more):
        self.netd.configure(config(more))
        self.netd.ctl("reload")

    def test_reload(self):
        ifb, port = self.ifb(), self.port()
        self.reload("rate { in = 16mbit  out = 5mbit }")
        self.assert_rates(16000000, 5000000)
        self.assertEqual((self.ifb(), self.port()), (ifb, port))
        self.reload("host web1 { rate { in = 1gbit  out = unlimited } }")
        self.assert_rates(1000000000, None)
        self.reload("")
        self.assert_rates(None, None)
        self.assertNotIn("ingress", self.host.ns.run("tc", "qdisc", "show", "dev", port))
        self.assertTrue(self.guest.ping(GATEWAY))
        self.reload(self.RATE)
        self.assert_rates(8000000, 4000000)
        self.assertEqual(self.netd.ctl_json("status")["healed"], 0)

    def test_kill_9(self):
        ifb = self.ifb()
        self.netd.kill()
        self.assertTrue(self.guest.ping(GATEWAY))
        self.netd.start()
        self.assert_rates(8000000, 4000000)
        self.assertEqual(self.ifb(), ifb)
        self.assertEqual(self.netd.ctl_json("status")["healed"], 0)

    def test_a_guest_that_ends_without_netd(self):
        self.netd.kill()
        self.guest.close()
        self.assertIsNotNone(self.ifb())
        self.netd.start()
        self.assertEqual(self.link_names(), self.links)

    def test_it_heals(self):
        events = self.watch()
        for command in (["tc", "qdisc", "del", "dev", self.port(), "root"],
                        ["tc", "qdisc", "del", "dev", self.port(), "ingress"],
                        ["tc", "qdisc", "del", "dev", self.ifb(), "root"],
                        ["ip", "link", "del", self.ifb()]):
            self.host.ns.run(*command)
            event = events.until("healed")
            self.assertIn("the rate of interface", event["detail"])
            self.assertEqual(event["guest"], "web1")
            self.assert_rates(8000000, 4000000)
        self.assertTrue(self.guest.ping(GATEWAY))

    def test_foreign_ifb_stays(self):
        self.host.ns.run("ip", "link", "add", "ni0123456789ab", "type", "ifb")
        self.netd.ctl("reload")
        self.netd.kill()
        self.netd.start()
        self.assertIn("ni0123456789ab", self.link_names())


class LargeFrames(NetnsTest):
    """Of an MTU that no burst of a low rate has room for."""

    MTU = 65535

    def test_large_frames_pass(self):
        netd = self.daemon(config("mtu = 65521\n\trate { in = 1mbit  out = 1mbit  burst = 2kb }"))
        guest = self.vmm(netd, "web1")
        guest.udhcpc()
        guest.run("ip", "link", "set", "eth0", "mtu", "65521")
        self.assertTrue(guest.ping(GATEWAY, 60000))


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What holds for a port whatever its device is: links that are down, rates, and a network that goes with all of them."""

import unittest

from test_tap import USER, TapTest

from harness.daemon import CONFIG
from harness.namespaces import Namespace

GATEWAY, ROUTER = "10.77.0.1", "192.0.2.1"
LAN = "network lan {{ mode = macvtap  uplink = up0  subnet = 192.0.2.1/24  range = {{ 192.0.2.50-192.0.2.99 }}  {} }}\n"
DEVICES = ("tap", "within", "veth", "macvtap")


def config(more=""):
    return CONFIG.replace("\tdomain", f"\t{more}\n\tdomain") + LAN.format(more)


class EveryDevice(TapTest):
    def place(self, name):
        ns = Namespace(name)
        self.addCleanup(ns.close)
        return ns

    def begin(self, daemon, device, network=None):
        """A guest by that name with its address in use: (where it is, whom it asks)."""
        where = ("--network", network) if network else ()
        if device == "macvtap":
            guest = self.vmm(daemon, device, *(where or ("--network", "lan")))
            guest.run("ip", "addr", "replace", daemon.guests()["macvtap/0"]["addresses"][0], "dev", "eth0")
            return guest, ROUTER
        if device == "veth":
            guest = self.place(device)
            self.attach(daemon, device, *where, "--netns", f"/proc/{guest.pid}/ns/net")
            return guest, daemon.guests()["veth/0"]["gateway"]
        jail = self.place(device) if device == "within" else None
        inside = ("--netns", f"/proc/{jail.pid}/ns/net") if jail else ()
        port = self.attach(daemon, device, *where, "--tap", "--owner", str(USER), *inside)
        guest = self.opener(daemon, "firecracker", port, ns=jail)
        guest.udhcpc()
        return guest, port["gateway"]

    @staticmethod
    def reaches(guest, address, size=56):
        return guest.ok("ping", "-c", "1", "-W", "10", "-s", str(size), address)

    @staticmethod
    def silent(guest, address):
        """One packet, which cannot come back."""
        return not guest.ok("ping", "-c", "1", "-W", "1", address)


class Link(EveryDevice):
    def test_down_and_up(self):
        daemon = self.daemon(config())
        for device in DEVICES:
            with self.subTest(device=device):
                guest, gateway = self.begin(daemon, device)
                self.assertTrue(self.reaches(guest, gateway))
                daemon.ctl("link", device, "down")
                self.assertTrue(self.silent(guest, gateway))
                daemon.kill()
                daemon.start()
                self.assertEqual(daemon.guests()[f"{device}/0"]["link"], "down")
                self.assertTrue(self.silent(guest, gateway))
                daemon.ctl("reload")
                self.assertTrue(self.silent(guest, gateway))
                # Another device of the same port.
                daemon.ctl("detach", device)
                guest.close()
                guest = self.begin_again(daemon, device)
                self.assertNotIn("UP", self.host.ns.links()[daemon.guests()[f"{device}/0"]["interface"]]["flags"])
                self.assertTrue(self.silent(guest, gateway))
                daemon.ctl("link", device, "up")
                self.until(lambda: self.reaches(guest, gateway))   # pylint: disable=cell-var-from-loop
                self.assertEqual(daemon.ctl_json("status")["healed"], 0)
                guest.close()

    def begin_again(self, daemon, device):
        """Its card has its address without DHCP, since nothing passes."""
        if device == "veth":
            guest = self.place(device)
            self.attach(daemon, device, "--netns", f"/proc/{guest.pid}/ns/net")
            return guest
        if device == "macvtap":
            return self.begin(daemon, device)[0]
        jail = self.place(device) if device == "within" else None
        inside = ("--netns", f"/proc/{jail.pid}/ns/net") if jail else ()
        port = self.attach(daemon, device, "--tap", "--owner", str(USER), *inside)
        guest = self.opener(daemon, "firecracker", port, ns=jail)
        guest.run("ip", "addr", "add", port["addresses"][0], "dev", "eth0")
        return guest


class Rates(EveryDevice):
    RATE = "rate { in = 8mbit  out = 4mbit }"

    def root(self, link):
        """The root qdisc of a link, with its statistics."""
        return next(q for q in self.host.ns.json("tc", "-j", "-s", "qdisc", "show", "dev", link) if q.get("root"))

    def ifbs(self, guest):
        return [name for name, link in self.host.ns.links().items() if link.get("ifalias", "").endswith(f"/{guest}/0#ifb")]

    @staticmethod
    def flood(place, address):
        """More than the rate has room for, at once."""
        place.run("python3", "-c", "import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
                  f"for i in range(4000): s.sendto(bytes(1400), ('{address}', 9))")

    def test_both_ways(self):
        daemon = self.daemon(config(self.RATE))
        before = set(self.host.ns.links())
        for device in DEVICES:
            with self.subTest(device=device):
                guest, gateway = self.begin(daemon, device)
                self.assertTrue(self.reaches(guest, gateway, 1400))
                self.check(daemon, device, guest, gateway)
                daemon.kill()
                daemon.start()
                self.check(daemon, device, guest, gateway)
                self.assertTrue(self.reaches(guest, gateway, 1400))
                self.assertEqual(daemon.ctl_json("status")["healed"], 0)
                daemon.ctl("detach", device)
                guest.close()
                self.assertEqual(set(self.host.ns.links()), before)

    def check(self, daemon, device, guest, gateway):
        port = daemon.guests()[f"{device}/0"]
        ifb, = self.ifbs(device)
        # A macvtap device sends what its guest sends.
        to_guest, from_guest = (ifb, port["interface"]) if device == "macvtap" else (port["interface"], ifb)
        rate = {link: self.root(link)["options"]["rate"] * 8 for link in (to_guest, from_guest)}
        self.assertEqual(rate, {to_guest: 8000000, from_guest: 4000000})
        self.assertEqual((port["rate"]["in"], port["rate"]["out"]), (8000000, 4000000))
        for link, place, address in ((from_guest, guest, gateway),
                                     (to_guest, self.host.internet if device == "macvtap" else self.host.ns,
                                      port["addresses"][0].split("/")[0])):
            had = self.root(link)
            self.flood(place, address)
            has = self.root(link)
            self.assertGreater(has["packets"], had["packets"], f"{link} of {device}")
            self.assertGreater(has["overlimits"], had["overlimits"], f"{link} of {device}")
            self.assertGreater(has["drops"], had["drops"], f"{link} of {device}")


class Mtu(EveryDevice):
    def test_it_stays_when_the_last_port_goes(self):
        """A bridge of which nobody has said what its MTU is has that of its ports, and 1500 without any."""
        for network, mtu in (("default", 1300), ("moved", 1300), ("moved", 1500)):
            with self.subTest(network=network, mtu=mtu):
                daemon = self.daemon(CONFIG.replace("\tdomain", "\tmtu = 1300\n\tdomain") if network == "default" else
                                     "network moved { mode = bridge  uplink = up0  mtu = %d }\n" % mtu)
                self.until(lambda: daemon.ctl_json("network", network)["up"])   # pylint: disable=cell-var-from-loop
                bridge = daemon.ctl_json("network", network)["bridge"]
                place = self.place("container")
                for again in range(2):
                    self.attach(daemon, "tap", "--network", network, "--tap")
                    port = self.attach(daemon, "veth", "--network", network, "--netns", f"/proc/{place.pid}/ns/net")
                    links = self.host.ns.links()
                    self.assertEqual({links[name]["mtu"] for name in (bridge, port["interface"])}, {mtu})
                    self.assertEqual((port["mtu"], place.links()["eth0"]["mtu"]), (mtu, mtu))
                    daemon.ctl("detach", "veth")
                    daemon.ctl("detach", "tap")
                    self.assertEqual(self.host.ns.links()[bridge]["mtu"], mtu)
                    if not again:
                        daemon.kill()
                        daemon.start()
                self.assertEqual(daemon.ctl_json("status")["healed"], 0)
                daemon.close()


    def test_an_uplink_in_a_bridge_is_followed(self):
        daemon = self.daemon("network moved { mode = bridge  uplink = up0 }\n")
        self.until(lambda: daemon.ctl_json("network", "moved")["up"])
        self.attach(daemon, "tap", "--network", "moved", "--tap")

        def chain():
            port, links = daemon.guests()["tap/0"], self.host.ns.links()
            return [port["mtu"], links[port["interface"]]["mtu"], links["nd-moved"]["mtu"]]
        for mtu in (1400, 1480):
            self.host.ns.run("ip", "link", "set", "up0", "mtu", str(mtu))
            self.until(lambda: chain() == [mtu] * 3)    # pylint: disable=cell-var-from-loop
        self.assertEqual(daemon.ctl_json("status")["healed"], 0)
        self.assertEqual(daemon.ctl_json("status")["warnings"], [])
        daemon.configure("network moved { mode = bridge  uplink = up0  mtu = 1500 }\n")
        daemon.ctl("reload")
        self.until(lambda: chain() == [1500] * 3)
        self.assertEqual(daemon.ctl_json("status")["warnings"],
                         ["network moved: guests' packets can be too large for up0: its MTU is 1480, theirs 1500"])


class Networks(EveryDevice):
    maxDiff = None

    def test_deleted_by_force(self):
        """With every device that a network can have, and rates: nothing is left, inside or outside."""
        daemon = self.daemon("supernet = { 10.0.0.0/16 }\n" + CONFIG)
        before = self.host.ns.dump()
        daemon.ctl("network", "create", "t", "--", Rates.RATE)
        daemon.ctl("network", "create", "m", "--mode", "macvtap", "--subnet", "192.0.2.1/24", "--set", "uplink=up0",
                   "--set", "range={ 192.0.2.50-192.0.2.99 }", "--", Rates.RATE)
        self.assertEqual({n["name"]: (n["mode"], n["up"]) for n in daemon.ctl_json("networks")},
                         {"default": ("nat", True), "t": ("nat", True), "m": ("macvtap", True)})
        guests = {device: self.begin(daemon, device, "m" if device == "macvtap" else "t") for device in DEVICES}
        for guest, gateway in guests.values():
            self.assertTrue(self.reaches(guest, gateway))
        for network in ("t", "m"):
            self.assertEqual(daemon.ctl("network", "delete", network, check=False)[0], 1)
        daemon.kill()
        daemon.start()
        for guest, gateway in guests.values():
            self.assertTrue(self.reaches(guest, gateway))
        for network in ("t", "m"):
            daemon.ctl("network", "delete", network, "--force")
        self.assertEqual(daemon.guests(), {})
        self.assertEqual(guests["veth"][0].json("ip", "-j", "link", "show", "type", "veth"), [])
        for guest, _ in guests.values():
            guest.close()
        self.assertEqual(self.host.ns.dump(), before)
        self.assertEqual(self.host.ns.run("tc", "qdisc", "show", "dev", "up0"), "qdisc noqueue 0: root refcnt 2 \n")

    def test_made_on_a_bridge_of_the_hosts(self):
        self.host.ns.run("sh", "-c", "ip link add br-lan address 52:54:00:00:00:99 type bridge && sysctl -qw net.ipv6.conf.br-lan.disable_ipv6=1 && "
                         "ip link set br-lan up")
        daemon = self.daemon(CONFIG)
        before = self.host.ns.dump()
        for options in (("--mode", "bridge", "--set", "bridge=br-lan"), ("--mode", "bridge", "--set", "uplink=up0")):
            daemon.ctl("network", "create", "lan", *options)
            self.until(lambda: daemon.ctl_json("network", "lan")["up"])
            vmm = self.vmm(daemon, "one", "--network", "lan")
            daemon.ctl("network", "delete", "lan", "--force")
            vmm.close()
            self.assertEqual(self.host.ns.dump(), before)


if __name__ == "__main__":
    unittest.main()

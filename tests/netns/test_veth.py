#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Containers: a veth pair whose other end is in a network namespace, and calls that carry descriptors."""

import os
import socket
import unittest

from support import NetnsTest

from harness.daemon import udhcpc
from harness.namespaces import Namespace
from harness.varlink import Error

SPOOF = ("import socket; s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); s.bind(('eth0', 0));"
         "s.send(b'\\xff' * 6 + bytes.fromhex('%s') + b'\\x08\\x06' + bytes(46))")


class VethTest(NetnsTest):
    def container(self, name="c1"):
        ns = Namespace(name)
        self.addCleanup(ns.close)
        return ns

    def netns(self, ns):
        fd = os.open(f"/proc/{ns.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self.addCleanup(os.close, fd)
        return fd

    def attach(self, daemon, guest, ns, *options):
        """By netdctl; the port."""
        daemon.ctl("attach", guest, "--netns", f"/proc/{ns.pid}/ns/net", *options)
        return daemon.guests()[f"{guest}/0"]

    def pings(self, ns, address):
        return ns.ok("ping", "-c", "1", "-W", "10", address)


class Veth(VethTest):
    def test_device_is_as_documented(self):
        daemon = self.daemon()
        ns = self.container()
        port = self.attach(daemon, "c1", ns)
        self.assertEqual((port["state"], port["device"], port["guestInterface"]), ("attached", "veth", "eth0"))
        link = self.host.ns.json("ip", "-j", "-d", "link", "show", "dev", port["interface"])[0]
        self.assertEqual(link["linkinfo"]["info_kind"], "veth")
        self.assertEqual((link["ifalias"], link["altnames"], link["master"], link["group"]),
                         ("netd:default/c1/0", ["c1.0"], "nd-default", "default"))
        self.assertEqual(link["address"], "fe" + port["mac"][2:])
        inside = ns.json("ip", "-j", "addr", "show", "dev", "eth0")[0]
        self.assertEqual((inside["address"], inside["mtu"]), (port["mac"], port["mtu"]))
        self.assertIn("UP", inside["flags"])
        self.assertEqual([f"{a['local']}/{a['prefixlen']}" for a in inside["addr_info"] if a["family"] == "inet"],
                         port["addresses"])
        self.assertEqual(ns.json("ip", "-j", "route", "show", "default")[0]["gateway"], "10.77.0.1")

    def test_reaches_gateway_guest_and_another_container(self):
        daemon = self.daemon()
        one, two = self.container("c1"), self.container("c2")
        first, second = self.attach(daemon, "c1", one), self.attach(daemon, "c2", two, "--ifname", "net0")
        vmm = self.vmm(daemon, "web1")
        guest = vmm.udhcpc()["ip"]
        for address in ("10.77.0.1", guest, second["addresses"][0].split("/")[0], self.host.INTERNET_ADDRESS):
            self.assertTrue(self.pings(one, address), address)
        self.assertTrue(vmm.ping(first["addresses"][0].split("/")[0]))

    def test_gets_the_same_address_by_dhcp(self):
        daemon = self.daemon()
        ns = self.container()
        port = self.attach(daemon, "c1", ns)
        self.assertEqual(udhcpc(ns, daemon.directory)["ip"], port["addresses"][0].split("/")[0])

    def test_spoofing_is_held_back(self):
        daemon = self.daemon()
        ns = self.container()
        self.attach(daemon, "c1", ns)
        watch = daemon.watch()
        ns.run("/usr/bin/python3", "-c", SPOOF % "525400999999")
        self.assertEqual(watch.until("spoof")["guest"], "c1")
        watch.close()

    def test_ends_with_either_end_or_the_namespace(self):
        daemon = self.daemon()
        before = self.host.ns.dump()
        for end in ("inside", "outside", "namespace", "detach"):
            with self.subTest(end=end):
                ns = self.container()
                port = self.attach(daemon, "c1", ns)
                watch = daemon.watch()
                if end == "inside":
                    ns.run("ip", "link", "del", "eth0")
                elif end == "outside":
                    self.host.ns.run("ip", "link", "del", port["interface"])
                elif end == "namespace":
                    ns.close()
                else:
                    daemon.ctl("detach", "c1")
                watch.until("detached" if end == "detach" else "gone", guest="c1")
                watch.close()
                self.assertEqual(self.host.ns.dump(), before)
                self.assertEqual(daemon.guests()["c1/0"]["state"], "reserved")

    def test_kill_and_restart(self):
        daemon = self.daemon()
        ns = self.container()
        port = self.attach(daemon, "c1", ns)
        before = self.host.ns.dump()
        daemon.kill()
        daemon.start()
        again = daemon.guests()["c1/0"]
        for key in ("interface", "mac", "addresses", "state", "device", "guestInterface"):
            self.assertEqual(again[key], port[key], key)
        self.assertTrue(self.pings(ns, "10.77.0.1"))
        self.assertEqual(self.host.ns.dump(), before)
        daemon.ctl("release", "c1")
        self.assertEqual(ns.json("ip", "-j", "link", "show", "type", "veth"), [])

    def test_unfinished_pairs_are_removed_at_start(self):
        """What a netd leaves behind that ends in the middle of an attach; and what only looks like it stays."""
        daemon = self.daemon()
        before = self.host.ns.dump()
        daemon.stop()
        group = str(0x6e657464)
        self.host.ns.run("ip", "link", "add", "nt0123456789ab", "group", group, "type", "veth", "peer", "name", "x0")
        self.host.ns.run("ip", "link", "add", "ntabcdefghjkmn", "group", group, "type", "veth", "peer", "name", "x1")
        self.host.ns.run("ip", "link", "set", "ntabcdefghjkmn", "alias", "netd:default/c1/0")
        daemon.start()
        self.assertEqual(self.host.ns.dump(), before)
        daemon.stop()
        self.host.ns.run("ip", "link", "add", "foreign0", "group", group, "type", "veth", "peer", "name", "x0")
        self.host.ns.run("ip", "link", "add", "nt0123456789ab", "type", "veth", "peer", "name", "x1")
        daemon.start()
        links = self.host.ns.links()
        self.assertIn("foreign0", links)
        self.assertIn("nt0123456789ab", links)

    def test_refusals(self):
        daemon = self.daemon()
        ns = self.container()
        ns.run("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "other")
        before, inside = self.host.ns.dump(), ns.dump()
        path = f"/proc/{ns.pid}/ns/net"
        for argv, said in (
                (("--netns", path), "interface is not acceptable: the network namespace has an interface eth0 already"),
                (("--netns", "/dev/null"), "networkNamespace is not acceptable: the descriptor is not of a network namespace"),
                (("--netns", "/nonexistent"), "cannot open network namespace /nonexistent: No such file or directory"),
                (("--netns", f"/proc/{ns.pid}/ns/mnt"),
                 "networkNamespace is not acceptable: the descriptor is not of a network namespace"),
                (("--netns", f"/proc/{self.host.ns.pid}/ns/net"),
                 "networkNamespace is not acceptable: it is the host's own network namespace"),
                (("--netns", path, "--ifname", "a/b"),
                 "interface is not acceptable: it has characters that no name of an interface has"),
                (("--netns", path, "--ifname", "x" * 16),
                 "interface is not acceptable: it does not have from 1 to 15 characters"),
                (("--netns", path, "--ifname", "net0", "--queues", "2"), "queues is not acceptable: a veth pair has none")):
            with self.subTest(argv=argv):
                code, _, err = daemon.ctl("attach", "c1", *argv, check=False)
                self.assertEqual(code, 1)
                self.assertIn(said, err)
                self.assertEqual((self.host.ns.dump(), ns.dump(), daemon.guests()), (before, inside, {}))
        self.attach(daemon, "c1", ns, "--ifname", "net0")
        code, _, err = daemon.ctl("attach", "c1", "--netns", path, "--ifname", "net1", check=False)
        self.assertEqual(code, 1)
        self.assertRegex(err, r"port c1/0 is attached already: interface nt\w+ on network default")


class Descriptors(VethTest):
    """What comes with a call."""

    def open_descriptors(self, daemon):
        """Before something, it can be that some are open for a moment; so many more are sent."""
        return len(os.listdir(f"/proc/{daemon.process.pid}/fd"))

    def test_they_are_closed(self):
        daemon = self.daemon()
        ns = self.container()
        with daemon.client() as client:
            client.call("io.netd.GetStatus")
            before = self.open_descriptors(daemon)
            client.call_fds("io.netd.Attach", [self.netns(ns)] * 16, guest="c1", device="veth", networkNamespace=15)
            client.call("io.netd.GetStatus")
            self.assertLessEqual(self.open_descriptors(daemon), before)
            with self.assertRaises(Error) as refused:
                client.call_fds("io.netd.Nothing", [self.netns(ns)])
            self.assertEqual(refused.exception.name, "org.varlink.service.MethodNotFound")
            client.call("io.netd.GetStatus")
            self.assertLessEqual(self.open_descriptors(daemon), before)

    def test_an_index_without_descriptor(self):
        daemon = self.daemon()
        with daemon.client() as client:
            for fds, index in (([], 0), ([self.netns(self.container())], 1)):
                with self.assertRaises(Error) as refused:
                    client.call_fds("io.netd.Attach", fds, guest="c1", device="veth", networkNamespace=index)
                self.assertEqual((refused.exception.name, refused.exception.parameters["parameter"]),
                                 ("io.netd.BadValue", "networkNamespace"))

    def test_too_many(self):
        daemon = self.daemon()
        before = self.open_descriptors(daemon)
        fd = self.netns(self.container())
        with daemon.client() as client:
            with self.assertRaises(Error) as refused:
                client.call_fds("io.netd.GetStatus", [fd] * 17)
            self.assertEqual(refused.exception.name, "io.netd.BadMessage")
            self.assertIsNone(client.receive())
        with daemon.client() as client:
            for _ in range(17):
                socket.send_fds(client.socket, [b"{"], [fd])
            with self.assertRaises(Error) as refused:
                client.reply()
            self.assertEqual(refused.exception.name, "io.netd.BadMessage")
        daemon.call("GetStatus")
        self.until(lambda: self.open_descriptors(daemon) <= before)

    def test_they_are_the_call_s_that_they_came_with(self):
        """A call before it, sent at the same time, has none; and one that is sent in pieces has them."""
        daemon = self.daemon()
        ns = self.container()
        call = (b'{"method":"io.netd.Attach","parameters":{"guest":"c%d","device":"veth","networkNamespace":0,'
                b'"interface":"e%d"}}\0')
        with daemon.client() as client:
            client.socket.sendall(call % (1, 1))
            socket.send_fds(client.socket, [call % (2, 2)], [self.netns(ns)])
            with self.assertRaises(Error):
                client.reply()
            self.assertEqual(client.reply()["port"]["guest"], "c2")
            text = call % (3, 3)
            socket.send_fds(client.socket, [text[:1]], [self.netns(ns)])
            client.socket.sendall(text[1:] + b'{"method":"io.netd.GetStatus"}\0')
            self.assertEqual(client.reply()["port"]["guestInterface"], "e3")
            self.assertIn("version", client.reply())

    def test_a_client_that_hangs_up(self):
        daemon = self.daemon()
        before = self.open_descriptors(daemon)
        client = daemon.client()
        socket.send_fds(client.socket, [b'{"method":'], [self.netns(self.container())] * 16)
        client.close()
        self.until(lambda: self.open_descriptors(daemon) <= before)


if __name__ == "__main__":
    unittest.main()

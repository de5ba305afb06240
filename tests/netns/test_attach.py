#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Ports: what an attach makes, what it refuses, and what stays and goes."""

import fcntl
import os
import struct
import unittest

from support import NetnsTest

from harness.daemon import CONFIG
from harness.varlink import Error

TUNGETIFF = 0x800454D2
IFF_TAP, IFF_NO_PI, IFF_VNET_HDR, IFF_MULTI_QUEUE = 0x2, 0x1000, 0x4000, 0x100


def tun_flags(fd):
    name, flags = struct.unpack("16sH22x", fcntl.ioctl(fd, TUNGETIFF, b"\0" * 40))
    return name.rstrip(b"\0").decode(), flags


class Attach(NetnsTest):
    def test_device_is_as_documented(self):
        daemon = self.daemon()
        with daemon.client() as client:
            reply = client.call("io.netd.Attach", guest="web1")
            port = reply["port"]
            link = self.host.ns.json("ip", "-j", "-d", "link", "show", "dev", port["interface"])[0]
            self.assertEqual(link["ifalias"], "netd:default/web1/0")
            self.assertEqual(link["altnames"], ["web1.0"])
            self.assertEqual(link["address"], "fe" + port["mac"][2:])
            self.assertEqual(link["master"], "nd-default")
            self.assertIn("UP", link["flags"])
            self.assertEqual(link["linkinfo"]["info_data"]["type"], "tap")
            self.assertFalse(link["linkinfo"]["info_data"]["persist"])
            self.assertTrue(link["linkinfo"]["info_data"]["vnet_hdr"])
            self.assertEqual(self.host.ns.json("ip", "-j", "addr", "show", "dev", port["interface"])[0]["addr_info"], [],
                             "the host's side of a port has no address, link-local ones included")
            self.assertEqual(link["ifindex"], port["interfaceIndex"])
            self.assertRegex(port["interface"], r"^nt[0-9a-z]{12}$")
            name, flags = tun_flags(client.fds[reply["tapFileDescriptors"][0]])
            self.assertEqual(name, port["interface"])
            self.assertEqual(flags & (IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE),
                             IFF_TAP | IFF_NO_PI | IFF_VNET_HDR)
            for fd in client.fds:
                os.close(fd)

    def test_multi_queue(self):
        daemon = self.daemon()
        with daemon.client() as client:
            reply = client.call("io.netd.Attach", guest="web1", queues=4, vhost="off")
            self.assertEqual(reply["tapFileDescriptors"], [0, 1, 2, 3])
            self.assertEqual(reply["vhostFileDescriptors"], [])
            self.assertIsNone(reply["vhostNote"])
            self.assertEqual(len(client.fds), 4)
            for fd in client.fds:
                self.assertTrue(tun_flags(fd)[1] & IFF_MULTI_QUEUE)
            info = self.host.ns.json("ip", "-j", "-d", "link", "show", "dev", reply["port"]["interface"])
            self.assertTrue(info[0]["linkinfo"]["info_data"]["multi_queue"])
            self.assertEqual(info[0]["linkinfo"]["info_data"]["numqueues"], 4)
            for fd in client.fds:
                os.close(fd)

    def test_vhost_wishes(self):
        if os.path.exists("/dev/vhost-net"):
            self.leave_out("this machine has vhost-net; the guest test shows it at work")
        daemon = self.daemon()
        before = self.host.ns.dump()
        with self.assertRaises(Error) as refused:
            daemon.call("Attach", guest="web1", vhost="on")
        self.assertEqual(refused.exception.name, "io.netd.NoVhost")
        self.assertIn("/dev/vhost-net", refused.exception.parameters["reason"])
        self.assertEqual(self.host.ns.dump(), before, "nothing is left of the refused attach")
        self.assertEqual(daemon.guests(), {})
        code, _, said = daemon.ctl("run", "web1", "--vhost", "on", "--", "true", "{fds}", check=False)
        self.assertEqual(code, 1)
        self.assertRegex(said, r"^netdctl: there is no vhost-net: cannot open /dev/vhost-net: .*\n$")
        vmm = self.vmm(daemon, "web1")
        vmm.close()
        self.assertIn("vhost off: cannot open /dev/vhost-net", vmm.said)

    def test_death_of_the_vmm_removes_the_device(self):
        daemon = self.daemon()
        before = self.host.ns.dump()
        watch = daemon.watch()
        vmm = self.vmm(daemon, "web1")
        attached = watch.until("attached", guest="web1")
        vmm.process.kill()
        gone = watch.until("gone", guest="web1")
        self.assertEqual(gone["interface"], attached["interface"])
        watch.close()
        self.assertEqual(self.host.ns.dump(), before)
        self.assertEqual(daemon.guests()["web1/0"]["state"], "reserved")

    def test_detach_and_release(self):
        daemon = self.daemon()
        before = self.host.ns.dump()
        self.vmm(daemon, "web1")
        port = daemon.guests()["web1/0"]
        daemon.ctl("detach", "web1")
        self.assertEqual(self.host.ns.dump(), before)
        kept = daemon.guests()["web1/0"]
        self.assertEqual((kept["state"], kept["mac"], kept["addresses"], kept["interface"]),
                         ("reserved", port["mac"], port["addresses"], None))
        daemon.ctl("release", "web1")
        self.assertEqual(daemon.guests(), {})
        self.assertEqual(daemon.ctl("detach", "web1", check=False)[0], 1)
        self.assertEqual(daemon.ctl("release", "web1/3", check=False)[2], "netdctl: there is no guest 'web1/3'\n")

    def test_second_attach_is_refused_with_the_holder(self):
        daemon = self.daemon()
        self.vmm(daemon, "web1")
        port = daemon.guests()["web1/0"]
        before = self.host.ns.dump()
        with self.assertRaises(Error) as refused:
            daemon.call("Attach", guest="web1")
        self.assertEqual(refused.exception.name, "io.netd.AlreadyAttached")
        self.assertEqual(refused.exception.parameters["port"], "web1/0")
        self.assertIn(port["interface"], refused.exception.parameters["holder"])
        code, _, said = daemon.ctl("run", "web1", "--", "true", "{fds}", check=False)
        self.assertEqual((code, said), (1, f"netdctl: port web1/0 is attached already: interface {port['interface']} "
                                           "on network default\n"))
        self.assertEqual(self.host.ns.dump(), before)

    def test_second_card(self):
        daemon = self.daemon()
        self.vmm(daemon, "web1")
        self.vmm(daemon, "web1", "--nic", "1")
        guests = daemon.guests()
        self.assertEqual(sorted(guests), ["web1/0", "web1/1"])
        self.assertNotEqual(guests["web1/0"]["mac"], guests["web1/1"]["mac"])
        self.assertNotEqual(guests["web1/0"]["addresses"], guests["web1/1"]["addresses"])
        daemon.ctl("detach", "web1/1")
        self.assertEqual(daemon.guests()["web1/0"]["state"], "attached")
        daemon.ctl("release", "web1")
        self.assertEqual(daemon.guests(), {})


class Identity(NetnsTest):
    def test_same_guest_same_identity(self):
        """After detach, restart, release, and the loss of the state."""
        daemon = self.daemon()

        def identity():
            vmm = self.vmm(daemon, "web1")
            port = daemon.guests()["web1/0"]
            vmm.close()
            daemon.call("Wait", guest="web1", **{"for": "gone"})
            return port["mac"], port["addresses"], port["interface"]

        first = identity()
        self.assertEqual(identity(), first)
        daemon.stop()
        daemon.start()
        self.assertEqual(identity(), first)
        daemon.ctl("release", "web1")
        self.assertEqual(identity(), first)
        daemon.stop()
        for leaf in os.listdir(daemon.state):
            os.unlink(os.path.join(daemon.state, leaf))
        daemon.start()
        self.assertEqual(identity(), first)

    def test_generated_mac(self):
        daemon = self.daemon()
        self.vmm(daemon, "web1")
        first = int(daemon.guests()["web1/0"]["mac"][:2], 16)
        self.assertEqual(first & 0x0f, 2, "a locally administered, unicast address of the AAI quadrant")

    def test_policies_and_prefix(self):
        for mac, pattern in (("policy = hash prefix = 52:54:00", r"^52:54:00:"),
                             ("policy = random prefix = 52:54:00", r"^52:54:00:"),
                             ("policy = host", r"^00:1a:9b:"), ("policy = random", r"^.2:")):
            daemon = self.daemon("mac { %s }\nnetwork default { subnet = 10.77.0.1/24 }\n" % mac)
            vmm = self.vmm(daemon, "web1")
            self.assertRegex(daemon.guests()["web1/0"]["mac"], pattern)
            vmm.close()
            daemon.close()

    def test_conflicts_name_the_holder(self):
        daemon = self.daemon(CONFIG.replace("domain", 'host db { address = 10.77.0.9 mac = 52:54:00:00:00:09 }\n\tdomain'))
        self.vmm(daemon, "web1", "--mac", "52:54:00:00:00:01", "--address", "10.77.0.5")
        before = self.host.ns.dump()
        cases = (
            ({"mac": "52:54:00:00:00:01"}, "MacInUse", "holder", "port web1/0 of network default"),
            ({"mac": "52:54:00:00:00:09"}, "MacInUse", "holder", "the reservation for db in network default"),
            ({"addresses": ["10.77.0.5"]}, "AddressInUse", "holder", "port web1/0 of network default"),
            ({"addresses": ["10.77.0.9"]}, "AddressInUse", "holder", "the reservation for db"),
            ({"addresses": ["10.77.0.1"]}, "AddressInUse", "holder", "the gateway"),
            ({"addresses": ["10.77.0.255"]}, "AddressOutside", "subnet", "10.77.0.1/24"),
            ({"addresses": ["10.78.0.5"]}, "AddressOutside", "subnet", "10.77.0.1/24"),
            ({"mac": "01:00:5e:00:00:01"}, "BadValue", "parameter", "mac"),
            ({"mac": "52:54"}, "BadValue", "parameter", "mac"),
            ({"addresses": ["10.77.0"]}, "BadValue", "parameter", "addresses"),
            ({"queues": 0}, "BadValue", "parameter", "queues"),
            ({"queues": 33}, "BadValue", "parameter", "queues"),
            ({"nic": 64}, "BadValue", "parameter", "nic"),
            ({"vhost": "perhaps"}, "BadValue", "parameter", "vhost"),
            ({"guest": "a/b"}, "BadValue", "parameter", "guest"),
            ({"guest": ""}, "BadValue", "parameter", "guest"),
            ({"guest": "x" * 64}, "BadValue", "parameter", "guest"),
            ({"network": "none"}, "NoSuchNetwork", "network", "none"),
        )
        for parameters, name, key, value in cases:
            with self.subTest(parameters=parameters), self.assertRaises(Error) as refused:
                daemon.call("Attach", **{"guest": "web2", **parameters})
            self.assertEqual(refused.exception.name, f"io.netd.{name}")
            self.assertEqual(refused.exception.parameters[key], value)
        self.assertEqual(self.host.ns.dump(), before)
        self.assertEqual(sorted(daemon.guests()), ["web1/0"])

    def test_host_address_and_mac_are_not_given(self):
        """What the host itself has on the network is passed over, and refused when it is asked for."""
        daemon = self.daemon("mac { secret = s }\nnetwork default { subnet = 10.77.0.1/29 }\n")
        for last in (2, 3):
            self.host.ns.run("ip", "addr", "add", f"10.77.0.{last}/29", "dev", "nd-default")
        self.host.ns.run("ip", "link", "add", "other", "type", "bridge")
        self.host.ns.run("ip", "link", "set", "other", "address", "52:54:00:aa:bb:cc")
        daemon.call("GetStatus")
        for n in range(3):
            self.vmm(daemon, f"web{n}")
        given = {g["addresses"][0] for g in daemon.guests().values()}
        self.assertEqual(given, {"10.77.0.4/29", "10.77.0.5/29", "10.77.0.6/29"})
        with self.assertRaises(Error) as refused:
            daemon.call("Attach", guest="web3", addresses=["10.77.0.2"])
        self.assertEqual(refused.exception.parameters["holder"], "the host's interface nd-default")
        with self.assertRaises(Error) as refused:
            daemon.call("Attach", guest="web3", mac="52:54:00:aa:bb:cc")
        self.assertEqual(refused.exception.parameters["holder"], "the host's interface other")

    def test_full_pool(self):
        daemon = self.daemon("network default { subnet = 10.77.0.1/30 }\n")
        self.vmm(daemon, "web1")
        before = self.host.ns.dump()
        with self.assertRaises(Error) as refused:
            daemon.call("Attach", guest="web2")
        self.assertEqual(refused.exception.name, "io.netd.PoolExhausted")
        code, _, said = daemon.ctl("run", "web2", "--", "true", "{fds}", check=False)
        self.assertEqual((code, said), (1, "netdctl: network 'default' has no free address\n"))
        self.assertEqual(self.host.ns.dump(), before)
        daemon.ctl("release", "web1")
        self.vmm(daemon, "web2")
        self.assertEqual(daemon.guests()["web2/0"]["addresses"], ["10.77.0.2/30"])

    def test_reservation(self):
        daemon = self.daemon(CONFIG.replace("domain", 'host db { address = 10.77.0.9 mac = 52:54:00:00:00:09 '
                                                      'hostname = database }\n\tdomain'))
        vmm = self.vmm(daemon, "db")
        port = daemon.guests()["db/0"]
        self.assertEqual((port["mac"], port["addresses"]), ("52:54:00:00:00:09", ["10.77.0.9/24"]))
        lease = vmm.udhcpc("-O", "hostname")
        self.assertEqual((lease["ip"], lease["hostname"]), ("10.77.0.9", "database"))

    def test_released_mac_rests(self):
        daemon = self.daemon()
        self.vmm(daemon, "web1", "--mac", "52:54:00:00:00:01").close()
        daemon.call("Wait", guest="web1", **{"for": "gone"})
        daemon.ctl("release", "web1")
        self.vmm(daemon, "web1", "--mac", "52:54:00:00:00:01")

    def test_mac_seen_on_the_bridge_is_in_use(self):
        """A station behind another port of the bridge, which no row knows."""
        daemon = self.daemon()
        ns = self.host.ns
        ns.run("ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1")
        ns.run("ip", "link", "set", "v0", "master", "nd-default", "up")
        ns.run("ip", "link", "set", "v1", "up")
        ns.run("bridge", "fdb", "add", "52:54:00:dd:ee:ff", "dev", "v0", "master", "dynamic")
        with self.assertRaises(Error) as refused:
            daemon.call("Attach", guest="web1", mac="52:54:00:dd:ee:ff")
        self.assertEqual(refused.exception.name, "io.netd.MacInUse")
        self.assertEqual(refused.exception.parameters["holder"], "a station behind v0 on bridge nd-default")

    def test_moving_mac_is_an_event(self):
        daemon = self.daemon(CONFIG.replace("domain", "guard = off\n\tdomain"))
        self.vmm(daemon, "web1")
        vmm = self.vmm(daemon, "web2")
        mac = daemon.guests()["web1/0"]["mac"]
        watch = daemon.watch()
        vmm.run("/usr/bin/python3", "-c", "import socket; s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW);"
                f"s.bind(('eth0', 0)); s.send(b'\\xff' * 6 + bytes.fromhex('{mac.replace(':', '')}') + b'\\x88\\xb5' + bytes(46))")
        event = watch.until("mac-conflict", guest="web1")
        self.assertEqual(event["mac"], mac)
        self.assertIn("web2/0", event["detail"])
        watch.close()


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""netd-cni, called the way libcni calls a plugin."""

import json
import os
import socket
import subprocess
import unittest

from support import NetnsTest

from harness.cni import PLUGIN, CniError, Container, Runtime
from harness.daemon import CONFIG
from harness.namespaces import Host

VERSIONS = ("0.3.1", "0.4.0", "1.0.0", "1.1.0")
OTHER = CONFIG + "network other { subnet = 10.78.0.1/24 }\n"


class CniTest(NetnsTest):
    CONFIG = CONFIG

    def setUp(self):
        super().setUp()
        self.netd = self.daemon(self.CONFIG)
        self.runtime = Runtime(self.netd)

    def container(self, name):
        container = Container(self.netd.directory, name)
        self.addCleanup(container.close)
        return container

    def refused(self, code, words, call, *argv, **more):
        with self.assertRaises(CniError) as refused:
            call(*argv, **more)
        self.assertEqual(refused.exception.code, code, refused.exception)
        self.assertIn(words, refused.exception.details)


class Add(CniTest):
    def test_container_and_guest(self):
        """They share the network: addresses, gateway, guard, and netdctl's list."""
        before = self.host.ns.dump()
        vmm = self.vmm(self.netd, "web1")
        lease = vmm.udhcpc()
        box = self.container("box")
        result = self.runtime.add(box)
        port = next(p for p in self.netd.guests().values() if p["guest"] != "web1")
        self.assertEqual((port["state"], port["device"], port["guestInterface"]), ("attached", "veth", "eth0"))
        self.assertRegex(port["guest"], r"^box-0123456789abcdef-cni-[0-9a-f]{6}-[0-9a-f]{12}$")
        host_mac = self.host.ns.json("ip", "-j", "link", "show", "dev", port["interface"])[0]["address"]
        self.assertEqual(result, {
            "cniVersion": "1.1.0",
            "interfaces": [{"name": port["interface"], "mac": host_mac, "mtu": 1500},
                           {"name": "eth0", "mac": port["mac"], "mtu": 1500, "sandbox": box.path}],
            "ips": [{"address": port["addresses"][0], "gateway": "10.77.0.1", "interface": 1}],
            "routes": [{"dst": "0.0.0.0/0", "gw": "10.77.0.1"}],
            "dns": {"nameservers": ["192.0.2.53"], "domain": "vm.internal"},
        })
        link = box.json("ip", "-j", "addr", "show", "dev", "eth0")[0]
        self.assertEqual(link["address"], port["mac"])
        self.assertEqual([f"{a['local']}/{a['prefixlen']}" for a in link["addr_info"] if a["family"] == "inet"],
                         port["addresses"])
        for address in (lease["ip"], "10.77.0.1", Host.INTERNET_ADDRESS):
            self.assertTrue(box.ping(address), address)
        self.assertTrue(vmm.ping(port["addresses"][0].split("/")[0]))
        self.assertIsNone(self.runtime.check(box))
        self.runtime.delete(box)
        self.assertEqual(set(self.netd.guests()), {"web1/0"})
        self.assertEqual(list(box.links()), ["lo"])
        vmm.close()
        self.netd.ctl("wait", "web1", "--for", "gone")
        self.netd.ctl("release", "web1")
        self.assertEqual(self.host.ns.dump(), before)

    def test_guard(self):
        """A container has no other address than its own."""
        box, victim = self.container("box"), self.vmm(self.netd, "web1")
        address = victim.udhcpc()["ip"]
        self.runtime.add(box)
        self.assertTrue(box.ping(address))
        box.run("ip", "addr", "add", "10.77.0.99/24", "dev", "eth0")
        self.assertFalse(box.ok("ping", "-c", "1", "-W", "1", "-I", "10.77.0.99", address))
        drops = {name.split("-cni-")[0]: p["guard"]["drops"] for name, p in self.netd.guests().items()}
        self.assertTrue(drops["box-0123456789abcdef"].get("ip", 0) + drops["box-0123456789abcdef"].get("arp", 0))

    def test_versions(self):
        for version in VERSIONS:
            with self.subTest(version=version):
                runtime = Runtime(self.netd, version)
                box = self.container("v" + version)
                result = runtime.add(box)
                self.assertEqual(result["cniVersion"], version)
                self.assertEqual(result["ips"][0].get("version"), "4" if version < "1" else None)
                self.assertEqual("mtu" in result["interfaces"][1], version == "1.1.0")
                if version == "0.3.1":
                    self.refused(1, "CHECK needs 0.4.0", runtime.check, box)
                else:
                    runtime.check(box)
                runtime.delete(box)
        for version in (None, "0.1.0", "0.3.0", "1.2.0", "2.0.0", ""):
            with self.subTest(version=version):
                runtime = Runtime(self.netd, version)
                self.refused(1, "cniVersion is", runtime.add, self.container(f"x{version}"))
        self.assertEqual(self.netd.guests(), {})

    def test_wishes(self):
        """MAC and address: capabilities before args before CNI_ARGS before the configuration."""
        cases = (
            (dict(mac="02:00:00:00:00:01", address="10.77.0.21"), None, ("02:00:00:00:00:01", "10.77.0.21/24")),
            (dict(mac="02:00:00:00:00:01", address="10.77.0.21"), "IgnoreUnknown=1;MAC=02:00:00:00:00:02;IP=10.77.0.22/24",
             ("02:00:00:00:00:02", "10.77.0.22/24")),
            (dict(conf_args={"cni": {"ips": ["10.77.0.23"]}}), "IP=10.77.0.22;MAC=02:00:00:00:00:03",
             ("02:00:00:00:00:03", "10.77.0.23/24")),
            (dict(conf_args={"cni": {"ips": ["10.77.0.23"]}},
                  runtimeConfig={"mac": "02:00:00:00:00:04", "ips": ["10.77.0.24/24"]}),
             "IP=10.77.0.22;MAC=02:00:00:00:00:03", ("02:00:00:00:00:04", "10.77.0.24/24")),
        )
        for i, (more, args, expected) in enumerate(cases):
            with self.subTest(case=i):
                box = self.container(f"box{i}")
                result = self.runtime.add(box, args=args, **more)
                self.assertEqual((result["interfaces"][1]["mac"], result["ips"][0]["address"]), expected)
                self.runtime.check(box)

    def test_pod(self):
        """The pod's name is in the guest's; it is found again without."""
        box = self.container("box")
        args = "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=front/end;K8S_POD_INFRA_CONTAINER_ID=x"
        self.runtime.add(box, args=args)
        (guest,) = self.netd.guests()
        self.assertRegex(guest, r"^front_end-cni-[0-9a-f]{6}-[0-9a-f]{12}/0$")
        self.runtime.check(box)
        self.runtime.delete(box)
        self.assertEqual(self.netd.guests(), {})
        self.runtime.add(box, args=args)
        self.runtime.delete(box, args=args)
        self.assertEqual(self.netd.guests(), {})

    def test_two_cards(self):
        """Of one network, and of two; the second has no default route, and does not say so."""
        box = self.container("box")
        first = self.runtime.add(box)
        second = self.runtime.add(box, "eth1")
        third = self.runtime.add(box, "net1")
        other = Runtime(self.netd, name="again")
        fourth = other.add(box, "eth2")
        self.assertEqual(first["routes"], [{"dst": "0.0.0.0/0", "gw": "10.77.0.1"}])
        for result in (second, third, fourth):
            self.assertNotIn("routes", result)
        self.assertEqual(len({r["ips"][0]["address"] for r in (first, second, third, fourth)}), 4)
        cards = sorted((p["guestInterface"], p["nic"]) for p in self.netd.guests().values())
        self.assertEqual(cards, [("eth0", 0), ("eth1", 1), ("eth2", 2), ("net1", 1)])
        for ifname in ("eth0", "eth1", "net1"):
            self.runtime.check(box, ifname)
        self.runtime.delete(box, "eth1")
        self.assertEqual(sorted(box.links()), ["eth0", "eth2", "lo", "net1"])

    def test_chain(self):
        """What a plugin before it has said is said again."""
        box = self.container("box")
        before = {"cniVersion": "1.1.0", "interfaces": [{"name": "lo", "sandbox": box.path}],
                  "ips": [{"address": "127.0.0.1/8", "interface": 0}], "dns": {"nameservers": ["192.0.2.99"]}}
        result = self.runtime.add(box, prevResult=before)
        self.assertEqual(result["interfaces"][0], before["interfaces"][0])
        self.assertEqual([ip["interface"] for ip in result["ips"]], [0, 2])
        self.assertEqual(result["interfaces"][2]["name"], "eth0")
        self.assertEqual(result["dns"], before["dns"])
        self.runtime.check(box)

    def test_dns_of_the_configuration(self):
        mine = {"nameservers": ["192.0.2.7"], "search": ["example.org"]}
        result = self.runtime.add(self.container("box"), dns=mine)
        self.assertEqual(result["dns"], mine)
        result = self.runtime.add(self.container("box2"), dns=mine, runtimeConfig={"dns": {"servers": ["192.0.2.8"]}})
        self.assertEqual(result["dns"], {"nameservers": ["192.0.2.8"], "search": ["example.org"]})

    def test_published_ports(self):
        box = self.container("box")
        result = self.runtime.add(box, runtimeConfig={"portMappings": [
            {"hostPort": 8080, "containerPort": 80, "protocol": "TCP"},
            {"hostPort": 8053, "containerPort": 53, "protocol": "udp", "hostIP": Host.UPLINK_ADDRESS}]})
        published = sorted((p["protocol"], p["address"], p["port"], p["guestPort"], p["target"])
                           for p in self.netd.ctl_json("published"))
        address = result["ips"][0]["address"].split("/")[0]
        self.assertEqual(published, [("tcp", None, 8080, 80, address), ("udp", Host.UPLINK_ADDRESS, 8053, 53, address)])
        before = self.netd.guests()
        self.refused(102, "port tcp:8080 is in use", self.runtime.add, self.container("box2"),
                     runtimeConfig={"portMappings": [{"hostPort": 8080, "containerPort": 80}]})
        self.assertEqual(set(self.netd.guests()), set(before), "a refusal half way leaves nothing")
        self.runtime.delete(box)
        self.assertEqual(self.netd.ctl_json("published"), [])


class Refused(CniTest):
    CONFIG = OTHER

    def test_nothing_is_left(self):
        box, vmm = self.container("box"), self.vmm(self.netd, "web1")
        before, guests = self.host.ns.dump(), set(self.netd.guests())
        box.run("ip", "link", "add", "eth7", "type", "veth", "peer", "name", "eth8")
        cases = (
            (7, "there is no network 'none'", dict(network="none")),
            (7, "10.99.0.1 is not a host of subnet", dict(address="10.99.0.1")),
            (7, "'fe80::1' is not an IPv4 address", dict(address="fe80::1")),
            (7, "netd gives one address a card", dict(runtimeConfig={"ips": ["10.77.0.3", "10.77.0.4"]})),
            (7, "mac is not acceptable", dict(mac="02:00:00:00:00")),
            (7, "network is not a string", dict(network=7)),
            (7, "name is missing", dict(name="")),
            (7, "name is not one: a b", dict(name="a b")),
            (102, "is in use by", dict(mac=self.netd.guests()["web1/0"]["mac"])),
            (102, "is in use by", dict(address=self.netd.guests()["web1/0"]["addresses"][0].split("/")[0])),
            (2, '"type": "host-local"', dict(ipam={"type": "host-local"})),
            (7, "portMappings: number 0", dict(runtimeConfig={"portMappings": [{"hostPort": 1, "containerPort": 70000}]})),
            (11, "cannot reach netd at /nonexistent/netd.sock", dict(socket="/nonexistent/netd.sock")),
        )
        for code, words, more in cases:
            with self.subTest(words=words):
                self.refused(code, words, self.runtime.add, box, **more)
        self.refused(4, "eth7", self.runtime.add, box, "eth7")
        box.path = f"/proc/{self.host.ns.pid}/ns/net"
        self.refused(8, "the namespace of the runtime itself", self.runtime.add, box)
        box.path = "/nonexistent/netns"
        self.refused(8, "No such file or directory", self.runtime.add, box)
        box.path = "/dev/null"
        self.refused(8, "not of a network namespace", self.runtime.add, box)
        box.path = os.path.join(self.netd.directory, "netns-box")
        self.assertEqual(set(self.netd.guests()), guests)
        self.assertEqual(sorted(box.links()), ["eth7", "eth8", "lo"])
        self.assertEqual(self.host.ns.dump(), before)
        vmm.close()

    def test_environment(self):
        box = self.container("box")
        good = self.runtime.environment("ADD", box, "eth0")
        cases = (
            ({"CNI_COMMAND": None}, "CNI_COMMAND is missing"),
            ({"CNI_COMMAND": "add"}, "CNI_COMMAND is add"),
            ({"CNI_CONTAINERID": None}, "ADD needs CNI_CONTAINERID"),
            ({"CNI_IFNAME": None, "CNI_NETNS": ""}, "ADD needs CNI_NETNS CNI_IFNAME"),
            ({"CNI_CONTAINERID": "-box"}, "CNI_CONTAINERID '-box' is not a name"),
            ({"CNI_CONTAINERID": "a/b"}, "CNI_CONTAINERID 'a/b' is not a name"),
            ({"CNI_IFNAME": "a/b"}, "CNI_IFNAME 'a/b'"),
            ({"CNI_IFNAME": "a b"}, "CNI_IFNAME 'a b'"),
            ({"CNI_IFNAME": ".."}, "CNI_IFNAME '..'"),
            ({"CNI_IFNAME": "averyverylongname"}, "CNI_IFNAME 'averyverylongname'"),
            ({"CNI_ARGS": "IP"}, "CNI_ARGS: 'IP' is not KEY=VALUE"),
        )
        for change, words in cases:
            environment = {k: v for k, v in {**good, **change}.items() if v is not None}
            with self.subTest(change=change):
                self.refused(4, words, self.runtime.run, environment)
        self.assertEqual(self.netd.guests(), {})

    def test_text(self):
        environment = self.runtime.environment("ADD", self.container("box"), "eth0")
        for text in ("", "{", "[]", '{"name": "a", "name": "b"}', "\0", "nonsense", "{" * 10000):
            with self.subTest(text=text[:40]):
                code, out, _ = self.runtime.execute(environment, text)
                result = json.loads(out)
                self.assertEqual((code, result["code"], result["cniVersion"]), (1, 6, "1.1.0"))
        code, out, _ = self.runtime.execute(environment, "[" + " " * (9 << 20) + "]")
        self.assertEqual((code, json.loads(out)["code"]), (1, 5))
        code, out, _ = self.runtime.execute(environment, '{"cniVersion": "0.4.0", "name": ""}')
        self.assertEqual((json.loads(out)["code"], json.loads(out)["cniVersion"]), (7, "0.4.0"))

    def test_unknown_key(self):
        code, _, said = self.runtime.execute(self.runtime.environment("ADD", self.container("box"), "eth0"),
                                             json.dumps({**self.runtime.config, "adress": "10.77.0.9"}))
        self.assertEqual((code, said), (0, "netd-cni: network 'vms': 'adress' is not known, and ignored\n"))

    def test_twice(self):
        box = self.container("box")
        self.runtime.add(box)
        kept = dict(self.runtime.results)
        self.refused(102, "is attached already", self.runtime.add, box)
        self.runtime.results = kept
        self.runtime.check(box)
        self.runtime.delete(box)
        self.runtime.add(box)


class Delete(CniTest):
    CONFIG = OTHER

    def test_idempotent(self):
        box = self.container("box")
        before = self.host.ns.dump()
        self.runtime.add(box)
        for _ in range(3):
            self.runtime.delete(box)
        self.assertEqual(self.netd.guests(), {})
        self.assertEqual(list(box.links()), ["lo"])
        self.assertEqual(self.host.ns.dump(), before)
        self.runtime.delete(self.container("other"))

    def test_without_the_namespace(self):
        """It is gone, or not said, or was never there: what netd keeps goes all the same."""
        watch = self.netd.watch()
        for case in ("gone", "unsaid", "both"):
            with self.subTest(case=case):
                box = self.container(case)
                self.runtime.add(box)
                watch.until("attached")
                if case != "unsaid":
                    box.forget()
                    watch.until("gone")
                    self.assertEqual([p["state"] for p in self.netd.guests().values()], ["reserved"])
                self.runtime.delete(box, netns=case == "gone")
                self.assertEqual(self.netd.guests(), {})
        watch.close()

    def test_network_is_gone(self):
        """A configuration that names a network which is no more does not keep containers."""
        box = self.container("box")
        runtime = Runtime(self.netd, network="other")
        runtime.add(box)
        runtime.config["network"] = "renamed"
        runtime.delete(box)
        self.assertEqual(self.netd.guests(), {})

    def test_netd_is_down(self):
        """The runtime is to come again."""
        box = self.container("box")
        self.runtime.add(box)
        self.netd.kill()
        with self.assertRaises(CniError) as refused:
            self.runtime.delete(box)
        self.assertEqual(refused.exception.code, 11)
        self.netd.start()
        self.assertTrue(box.ping("10.77.0.1"), "it goes on as it was")
        self.runtime.delete(box)
        self.assertEqual(self.netd.guests(), {})

    def test_nobody_takes_the_result(self):
        """ADD whose result cannot be written leaves nothing."""
        box = self.container("box")
        before = self.host.ns.dump()
        read, write = os.pipe()
        os.close(read)
        done = subprocess.run(self.host.ns.enter(PLUGIN), input=json.dumps(self.runtime.config).encode(),
                              env=self.runtime.environment("ADD", box, "eth0"), stdout=write, stderr=subprocess.PIPE)
        os.close(write)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(self.netd.guests(), {})
        self.assertEqual(list(box.links()), ["lo"])
        self.assertEqual(self.host.ns.dump(), before)

    def test_killed(self):
        """Before netd has the call nothing is made; after its answer the runtime's DEL, without a result, undoes it."""
        box = self.container("box")
        before = self.host.ns.dump()
        path = os.path.join(self.netd.directory, "proxy")
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path)
            server.listen()
            plugin = subprocess.Popen(self.host.ns.enter(PLUGIN), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      env=self.runtime.environment("ADD", box, "eth0"))
            plugin.stdin.write(json.dumps({**self.runtime.config, "socket": path}).encode())
            plugin.stdin.close()
            connection, _ = server.accept()
            message, fds, _, _ = socket.recv_fds(connection, 65536, 4)
            with socket.socket(socket.AF_UNIX) as to_netd:
                to_netd.connect(self.netd.socket)
                socket.send_fds(to_netd, [message], fds)
                for fd in fds:
                    os.close(fd)
                reply = to_netd.recv(65536)
            self.assertIn(b'"guestInterface":"eth0"', reply)
            plugin.kill()
            plugin.wait()
            plugin.stdout.close()
            connection.close()
        self.assertEqual([p["state"] for p in self.netd.guests().values()], ["attached"])
        self.runtime.delete(box)
        self.assertEqual(self.netd.guests(), {})
        self.assertEqual(list(box.links()), ["lo"])
        self.assertEqual(self.host.ns.dump(), before)


    def test_killed_at_any_moment(self):
        """Wherever it is killed, what DEL then leaves is nothing."""
        box = self.container("box")
        before = self.host.ns.dump()
        ended = 0
        for step in range(60):
            plugin = subprocess.Popen(self.host.ns.enter(PLUGIN), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      env=self.runtime.environment("ADD", box, "eth0"))
            plugin.stdin.write(json.dumps(self.runtime.config).encode())
            plugin.stdin.close()
            try:
                plugin.wait(step * 0.0002)
                ended += 1
            except subprocess.TimeoutExpired:
                plugin.kill()
                plugin.wait()
            plugin.stdout.close()
            self.runtime.delete(box)
            self.assertEqual(self.netd.guests(), {}, step)
            self.assertEqual(list(box.links()), ["lo"], step)
        self.assertEqual(self.host.ns.dump(), before)
        self.assertLess(ended, 60, "some were killed")


class Check(CniTest):
    def test_tampered(self):
        """Everything that ADD's result says, and that is not so any more, is code 103."""
        gateway = ("ip", "route", "add", "default", "via", "10.77.0.1", "dev", "eth0")
        box = self.container("box")
        result = self.runtime.add(box)
        address, mac = result["ips"][0]["address"], result["interfaces"][1]["mac"]
        cases = (
            (f"has not address {address}", [("ip", "addr", "del", address, "dev", "eth0")],
             [("ip", "addr", "add", address, "dev", "eth0"), gateway]),
            (f"has not address {address}", [("ip", "addr", "del", address, "dev", "eth0"),
                                            ("ip", "addr", "add", "10.77.0.200/24", "dev", "eth0")],
             [("ip", "addr", "flush", "dev", "eth0"), ("ip", "addr", "add", address, "dev", "eth0"), gateway]),
            ("has not its default route by 10.77.0.1", [("ip", "route", "del", "default")], [gateway]),
            ("has not its default route by 10.77.0.1", [("ip", "route", "replace", "default", "via", "10.77.0.77")],
             [("ip", "route", "del", "default"), gateway]),
            ("eth0 is down", [("ip", "link", "set", "eth0", "down")], [("ip", "link", "set", "eth0", "up"), gateway]),
            ("eth0 has MAC address 02:00:00:00:00:99", [("ip", "link", "set", "eth0", "address", "02:00:00:00:00:99")],
             [("ip", "link", "set", "eth0", "address", mac)]),
            ("eth0 is not in the container",
             [("ip", "link", "set", "eth0", "down"), ("ip", "link", "set", "eth0", "name", "x")],
             [("ip", "link", "set", "x", "name", "eth0"), ("ip", "link", "set", "eth0", "up"), gateway]),
        )
        self.runtime.check(box)
        for words, breaks, mends in cases:
            with self.subTest(words=words, breaks=breaks):
                for command in breaks:
                    box.run(*command)
                self.refused(103, words, self.runtime.check, box)
                for command in mends:
                    box.run(*command)
                self.runtime.check(box)

    def test_other_state(self):
        """What netd says now against what it said then."""
        box = self.container("box")
        result = self.runtime.add(box)
        self.runtime.results[box.id, "eth0"] = {**result, "ips": [{"address": "10.77.0.9/24", "interface": 1}]}
        self.refused(103, "which the result of ADD has not", self.runtime.check, box)
        self.runtime.results[box.id, "eth0"] = {**result, "interfaces": []}
        self.refused(7, "prevResult has no interface eth0", self.runtime.check, box)
        self.runtime.results[box.id, "eth0"] = None
        self.refused(7, "prevResult is missing", self.runtime.check, box)
        self.runtime.results[box.id, "eth0"] = result
        (guest,) = self.netd.guests()
        self.netd.ctl("detach", guest)
        self.refused(103, "has no device", self.runtime.check, box)
        self.netd.ctl("release", guest)
        self.refused(103, "netd has no such container", self.runtime.check, box)
        self.netd.stop()
        self.refused(11, "cannot reach netd", self.runtime.check, box)


class Others(CniTest):
    CONFIG = OTHER

    def test_gc(self):
        """What is not in the list goes: of this CNI network, and of it alone."""
        boxes = [self.container(f"box{i}") for i in range(4)]
        vmm, again = self.vmm(self.netd, "web1"), Runtime(self.netd, name="again")
        for box in boxes:
            self.runtime.add(box)
        self.runtime.add(boxes[0], "net1", args="K8S_POD_NAME=pod")
        again.add(self.container("other"))
        self.assertEqual(len(self.netd.guests()), 7)
        boxes[3].forget()
        self.runtime.gc([(boxes[0], "eth0"), (boxes[0], "net1"), (boxes[1], "eth0")])
        left = sorted(name.split("-cni-")[0] for name in self.netd.guests())
        self.assertEqual(left, ["box0-0123456789abcdef", "box1-0123456789abcdef", "other-0123456789abcdef", "pod", "web1/0"])
        self.assertEqual(list(boxes[2].links()), ["lo"])
        for box in boxes[:2]:
            self.runtime.check(box)
        self.runtime.run(self.runtime.environment("GC"), **{"cni.dev/valid-attachments": None})
        self.assertEqual(sorted(name.split("-cni-")[0] for name in self.netd.guests()), ["other-0123456789abcdef", "web1/0"])
        self.refused(7, "cni.dev/valid-attachments is not a list", again.run, again.environment("GC"))
        self.assertEqual(len(self.netd.guests()), 2)
        again.config["cniVersion"] = "1.0.0"
        self.refused(1, "GC needs 1.1.0", again.gc, [])
        vmm.close()

    def test_status(self):
        self.assertIsNone(self.runtime.status())
        self.assertIsNone(self.runtime.status(network="other"))
        self.refused(50, "there is no network 'none'", self.runtime.status, network="none")
        self.refused(1, "STATUS needs 1.1.0", self.runtime.status, cniVersion="1.0.0")
        self.refused(50, "cannot reach netd", self.runtime.status, socket="/nonexistent")
        self.netd.configure("network default { subnet = 10.77.0.1/24 range = { 10.77.0.5-10.77.0.6 } }\n")
        self.netd.ctl("reload")
        for i in range(2):
            self.assertIsNone(self.runtime.status())
            self.runtime.add(self.container(f"box{i}"))
        self.refused(50, "network 'default' has no free address", self.runtime.status)
        self.refused(11, "network 'default' has no free address", self.runtime.add, self.container("late"))

    def test_status_of_a_network_that_is_down(self):
        self.netd.stop()
        self.host.ns.run("ip", "link", "del", "nd-other")
        self.host.ns.run("ip", "link", "add", "nd-other", "type", "veth", "peer", "name", "foreign")
        self.netd.start()
        self.refused(51, "network 'other' is not up: ", self.runtime.status, network="other")
        self.refused(11, "network 'other' is not up: ", self.runtime.add, self.container("box"), network="other")

    def test_version(self):
        for text, version in (('{"cniVersion": "0.4.0"}', "0.4.0"), ('{"cniVersion": "9.0.0"}', "1.1.0"), ("", "1.1.0")):
            code, out, _ = self.runtime.execute(self.runtime.environment("VERSION"), text)
            self.assertEqual((code, json.loads(out)), (0, {"cniVersion": version, "supportedVersions": list(VERSIONS)}))

    def test_words(self):
        done = subprocess.run([PLUGIN, "--version"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        self.assertRegex(done.stdout, r"^netd-cni \d+\.\d+\.\d+\n$")
        done = subprocess.run([PLUGIN, "--help"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_many_at_once(self):
        """As a runtime does with different containers."""
        boxes = [self.container(f"box{i}") for i in range(8)]
        running = [subprocess.Popen(self.host.ns.enter(PLUGIN), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                    env=self.runtime.environment("ADD", box, "eth0")) for box in boxes]
        results = [json.loads(p.communicate(json.dumps(self.runtime.config).encode())[0]) for p in running]
        self.assertEqual(len({r["ips"][0]["address"] for r in results}), 8)
        self.assertTrue(boxes[0].ping(results[7]["ips"][0]["address"].split("/")[0]))


if __name__ == "__main__":
    unittest.main()

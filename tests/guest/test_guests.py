#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Real guests: QEMU with Debian's kernel on ports that netd made; and a guest that is a host with vhost-net."""

import json
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "netns"))
# pylint: disable=wrong-import-position
from support import NetnsTest

from harness.daemon import BUILD
from harness.guest import Guest, SerialGuest, qemu
from harness.namespaces import Host


class Qemu(NetnsTest):
    def guest(self, daemon, name, *options):
        log = open(os.path.join(daemon.directory, f"run-{name}"), "wb")
        self.addCleanup(log.close)
        guest = Guest(daemon.socket, daemon.directory, name, *options, stderr=log)
        self.addCleanup(guest.close)
        return guest

    def test_two_guests(self):
        daemon = self.daemon(None)
        guests = [self.guest(daemon, f"web{n}") for n in range(2)]
        for guest in guests:
            guest.wait_ready()
        leases = [guest.lease() for guest in guests]
        ports = daemon.guests()
        for guest, lease in zip(guests, leases):
            port = ports[f"{guest.name}/0"]
            self.assertEqual((lease["ip"] + "/" + lease["mask"], lease["serverid"], lease["router"]),
                             (port["addresses"][0], port["gateway"], port["gateway"]))
            self.assertEqual(port["lease"]["state"], "bound")
            _, mac = guest.run("cat /sys/class/net/eth0/address")
            self.assertEqual(mac, port["mac"])
            self.assertTrue(guest.ping(port["gateway"]))
            self.assertTrue(guest.ping(Host.INTERNET_ADDRESS))
        self.assertTrue(guests[0].ping(leases[1]["ip"]))
        self.assertTrue(guests[1].ping(leases[0]["ip"]))
        # The daemon dies and comes back; the guests do not notice, and renew.
        daemon.kill()
        daemon.start()
        self.assertTrue(guests[0].ping(leases[1]["ip"]))
        self.assertEqual(guests[0].lease()["ip"], leases[0]["ip"])
        watch = daemon.watch()
        guests[0].process.kill()
        watch.until("gone", guest="web0")
        watch.close()
        self.assertTrue(guests[1].ping(Host.INTERNET_ADDRESS))

    def test_bridge_helper(self):
        """A machine with QEMU's own -netdev bridge, and cards whose MACs QEMU chooses: address, gateway, world, guard."""
        daemon = self.daemon()
        acl, helper = (os.path.join(daemon.directory, name) for name in ("bridge.conf", "helper"))
        with open(acl, "w", encoding="utf-8") as out:
            out.write("allow nd-default\n")
        with open(helper, "w", encoding="utf-8") as out:
            out.write(f'#!/bin/sh\nexec {BUILD}/netd/netd-bridge-helper --acl={acl} "$@"\n')
        os.chmod(helper, 0o755)
        log = open(os.path.join(daemon.directory, "qemu"), "wb")
        self.addCleanup(log.close)
        console = os.path.join(daemon.directory, "console")
        argv = qemu(console, more=("-name", "web1", "-netdev", f"bridge,id=a,br=nd-default,helper={helper}", "-netdev",
                                   f"bridge,id=b,br=nd-default,helper={helper}", "-device", "virtio-net-pci,netdev=b,addr=9",
                                   "-device", "virtio-net-pci,netdev=a,addr=8"))
        guest = SerialGuest("web1", self.host.ns.enter(*argv), console, stderr=log,
                            env={**os.environ, "NETD_SOCKET": daemon.socket})
        self.addCleanup(guest.close)
        guest.wait_ready()
        for card in (0, 1):
            port = daemon.guests()[f"web1/{card}"]
            self.assertEqual(guest.run(f"cat /sys/class/net/eth{card}/address")[1], port["mac"])
            guest.run(f"udhcpc -i eth{card} -n -q -f -t 20 -T 1 -s /etc/udhcpc.sh >/tmp/udhcpc 2>&1 || "
                      "{ cat /tmp/udhcpc; false; }")
            self.assertIn("ip=" + port["addresses"][0].split("/")[0], guest.run("cat /tmp/lease")[1].split())
            for address in (port["gateway"], Host.INTERNET_ADDRESS):
                self.assertTrue(guest.ping(address), address)
            guest.run(f"ip link set eth{card} down")
        ports = daemon.guests()
        self.assertEqual([ports[f"web1/{card}"]["mac"] for card in (0, 1)], ["52:54:00:12:34:57", "52:54:00:12:34:56"])
        self.assertEqual([ports[f"web1/{card}"]["guard"]["drops"] for card in (0, 1)], [{}, {}])
        watch = daemon.watch()
        guest.process.kill()
        watch.until("gone", guest="web1")
        watch.until("gone", guest="web1")
        watch.close()

    def test_mtu_reaches_the_card(self):
        """host_mtu: the guest's card has it before any DHCP."""
        daemon = self.daemon("network default { subnet = 10.77.0.1/24 mtu = 1300 }\n")
        guest = self.guest(daemon, "web1")
        guest.wait_ready()
        self.assertEqual(guest.run("cat /sys/class/net/eth0/mtu")[1], "1300")


class VhostHost(NetnsTest):
    """A guest with Debian's kernel and /dev/vhost-net, in which netd runs and plugs in a guest of its own."""

    def setUp(self):
        console = os.path.join(BUILD, "guest", "host-console")
        image = os.path.join(BUILD, "guest", "host-initramfs.gz")
        self.outer = SerialGuest("host", qemu(console, memory=1536, initramfs=image), console)
        self.addCleanup(self.outer.close)
        self.outer.wait_ready()

    def host_run(self, command):
        """Runs it in the outer guest: what it said, by key."""
        _, text = self.outer.run(f"{command} 2>&1")
        seen = {}
        for line in text.splitlines():
            key, _, value = line.partition(": ")
            seen.setdefault(key, []).append(value)
        return seen

    def test_vhost_queues(self):
        """Two queues, each with a TAP and a vhost descriptor, in the same order; both carry what a CPU sends."""
        seen = self.host_run("INNER_CPUS=2 sh /host_run.sh --queues 2")
        port = json.loads(seen["guests"][0])[0]
        self.assertEqual((port["state"], port["vhost"], port["queues"]), ("attached", True, 2))
        self.assertRegex(seen["arguments"][0], r" -netdev tap,id=netd0,fds=\d+:\d+,vhost=on,vhostfds=\d+:\d+ -device "
                         rf"virtio-net-pci,netdev=netd0,mac={port['mac']},host_mtu=1500,mq=on,vectors=6 $")
        self.assertEqual(seen["workers"], ["2"], "a worker of the kernel's for each queue")
        counts = {}
        for line in seen["inner"]:
            if line.startswith("input."):
                where, _, numbers = line.partition("=")
                counts[where] = sum(map(int, numbers.split("+")))
        # One more card with two queues, over QMP: four workers, and two again when it has gone.
        plugged = next(p for p in json.loads(seen["plugged"][0]) if p["nic"] == 1)
        self.assertEqual((plugged["state"], plugged["vhost"], plugged["queues"]), ("attached", True, 2))
        self.assertIn("plugged=" + plugged["addresses"][0].split("/")[0], seen["inner"])
        self.assertEqual((seen["plugged workers"], seen["unplugged workers"]), (["4"], ["2"]))
        self.assertGreaterEqual(counts["input.0 1"], 8, counts)
        self.assertGreaterEqual(counts["input.1 2"] - counts["input.1 1"], 8, counts)
        self.assertLess(counts["input.0 2"] - counts["input.0 1"], 8, counts)

    def test_vhost(self):
        seen = self.host_run("sh /host_run.sh")
        port = json.loads(seen["guests"][0])[0]
        self.assertEqual((port["state"], port["vhost"], port["lease"]["state"]), ("attached", True, "bound"))
        self.assertIn("ip=" + port["addresses"][0].split("/")[0], seen["inner"])
        self.assertIn("3 packets transmitted, 3 packets received, 0% packet loss", seen["inner"])
        self.assertRegex(seen["arguments"][0], r" -netdev tap,id=netd0,fds=\d+,vhost=on,vhostfds=\d+ -device "
                         rf"virtio-net-pci,netdev=netd0,mac={port['mac']},host_mtu=1500 $")
        self.assertEqual(seen["workers"], ["1"], "the kernel's vhost worker served the guest")
        self.assertRegex(seen["said"][0], r"vhost on$")
        after = json.loads(seen["after"][0])[0]
        self.assertEqual((after["state"], after["interface"]), ("reserved", None))

    def test_kernel_without_a_feature(self):
        """Each missing module is one sentence and exit 1, and nothing is left behind."""
        hint = ("; are the kernel's modules nft_meta_bridge, nft_limit, nft_connlimit, nft_hash, nft_log, nft_ct, nft_nat, "
                "nft_masq and nft_fib_inet there?")
        # In the order in which netd needs them: what one start has loaded stays loaded for the next.
        cases = (("nfnetlink", "cannot open an nf_tables socket: Protocol not supported"),
                 ("nfnetlink_log", "cannot listen to nfnetlink_log group 28260: Invalid argument; "
                                   "is the kernel's module nfnetlink_log there?"),
                 ("nft_meta_bridge", "nf_tables: the kernel refuses a rule of chain held_mac: No such file or directory" + hint))
        self.outer.run("mkdir -p /var/lib /run /tmp/away")
        for module, sentence in cases:
            with self.subTest(module=module):
                _, path = self.outer.run(f"find /lib/modules -name {module}.ko")
                self.outer.run(f"mv {path} /tmp/away/")
                code, text = self.outer.run("PATH=/bin:/usr/bin:/sbin netd 2>&1", check=False, deadline=60)
                self.assertEqual((code, text.splitlines()[-1]), (1, "netd: " + sentence), text)
                self.outer.run(f"mv /tmp/away/{module}.ko {path}")
                self.assertEqual(self.outer.run("ls /sys/class/net")[1].split(), ["lo"])


if __name__ == "__main__":
    unittest.main()

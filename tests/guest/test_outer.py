#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""netd with Debian's kernel, in a guest that is a host: vhost-net, bridges that filter VLANs, macvtap, and QEMU in it."""

import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# pylint: disable=wrong-import-position
from harness.outer import OuterTest


class BareKernel(OuterTest):
    """By its name the first, since modules that another test loads stay loaded."""

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


class Vhost(OuterTest):
    def test_vhost_queues(self):
        """Two queues, each with a TAP and a vhost descriptor, in the same order; both carry what a CPU sends."""
        seen = self.host_run("env INNER_CPUS=2 sh /host_run.sh --queues 2")
        port = json.loads(seen["guests"][0])[0]
        self.assertEqual((port["state"], port["vhost"], port["queues"]), ("attached", True, 2))
        self.assertEqual(port["lease"]["state"], "bound")
        self.assertIn("ip=" + port["addresses"][0].split("/")[0], seen["inner"])
        self.assertIn("3 packets transmitted, 3 packets received, 0% packet loss", seen["inner"])
        self.assertRegex(seen["said"][0], r"vhost on$")
        self.assertRegex(seen["arguments"][0], r" -netdev tap,id=netd0,fds=\d+:\d+,vhost=on,vhostfds=\d+:\d+ -device "
                         rf"virtio-net-pci,netdev=netd0,mac={port['mac']},host_mtu=1500,mq=on,vectors=6 $")
        self.assertEqual(seen["workers"], ["2"], "a worker of the kernel's for each queue")
        counts = {}
        for line in seen["inner"]:
            if line.startswith("input."):
                where, _, numbers = line.partition("=")
                counts[where] = sum(map(int, numbers.split("+")))
        # One more card, with one queue, over QMP: a worker more for as long as it is there.
        plugged = next(p for p in json.loads(seen["plugged"][0]) if p["nic"] == 1)
        self.assertEqual((plugged["state"], plugged["vhost"], plugged["queues"]), ("attached", True, 1))
        self.assertIn("plugged=" + plugged["addresses"][0].split("/")[0], seen["inner"])
        self.assertEqual((seen["plugged workers"], seen["unplugged workers"]), (["3"], ["2"]))
        self.assertGreaterEqual(counts["input.0 1"], 8, counts)
        self.assertGreaterEqual(counts["input.1 2"] - counts["input.1 1"], 8, counts)
        self.assertLess(counts["input.0 2"] - counts["input.0 1"], 8, counts)
        after = json.loads(seen["after"][0])[0]
        self.assertEqual((after["state"], after["interface"]), ("reserved", None))


class Macvtap(OuterTest):
    def test_vhost_on_macvtap(self):
        seen = self.host_run("sh /host_macvtap.sh")
        port = json.loads(seen["guests"][0])[0]
        self.assertEqual((port["state"], port["vhost"], port["queues"], port["bridge"]), ("attached", True, 2, ""))
        self.assertIn("3 packets transmitted, 3 packets received, 0% packet loss", seen["inner"])
        self.assertEqual(seen["workers"], ["2"], "a vhost worker of the kernel for each queue")
        self.assertIn("1 packets transmitted, 0 packets received, 100% packet loss", seen["inner"])
        drops = json.loads(seen["spoofed"][0])[0]["guard"]["drops"]
        self.assertGreaterEqual(drops.get("arp", 0) + drops.get("ip", 0), 1)
        after = json.loads(seen["after"][0])[0]
        self.assertEqual((after["state"], after["interface"]), ("reserved", None))
        self.assertNotIn(port["interface"], seen["left"][0])


class Vlans(OuterTest):
    def test_access_and_trunk(self):
        seen = self.host_run("sh /host_vlans.sh")
        self.assertEqual(seen["filtering"], ["1"])
        # DHCP is answered at access ports, whatever their VLAN.
        for guest in "abc":
            self.assertRegex(seen[f"lease {guest} eth0"][0], r"^10\.77\.0\.")
        # Who is in which VLAN; before and after the restart, and after the reload that moves a.
        self.assertEqual(seen["a reaches b"], ["yes"])
        self.assertEqual(seen["a reaches c"], ["no", "yes"])
        self.assertEqual(seen["a reaches host"], ["no"])
        self.assertEqual(seen["a reaches lan"], ["yes", "yes", "no"])
        self.assertEqual(seen["c reaches lan"], ["no"])
        # A trunk, in its VLANs and no other.
        self.assertEqual(seen["t reaches a"], ["yes", "yes"])
        self.assertEqual(seen["t reaches c"], ["yes"])
        self.assertEqual(seen["t reaches a-by-200"], ["no"])
        self.assertEqual(seen["t reaches a-by-300"], ["no"])
        # The guard looks into tagged frames; and at access ports there are none.
        before, arp, ip, mac = seen["drops t"]
        self.assertEqual(before, "")
        self.assertIn('"arp":', arp)
        self.assertIn('"ip":', ip)
        self.assertIn('"mac":', mac)
        self.assertEqual(seen["t reaches a-as-another"] + seen["t reaches a-with-another-mac"], ["no", "no", "no"])
        self.assertEqual(seen["b reaches a-with-a-tag"], ["no"])
        self.assertIn('"vlan":', seen["drops b"][0])
        # DHCP with a tag is for the server in that VLAN.
        self.assertEqual(seen["lease t eth0.100"], ["10.77.0.210"])
        self.assertRegex(seen["vlans of t"][0], r"^port vlan-id nt\w+ 100 200 $")

    def test_of_a_lan(self):
        """An uplink in netd's bridge: tags of the LAN are those of the ports."""
        seen = self.host_run("sh /host_vlan_lan.sh")
        self.assertEqual(seen["filtering"], ["1", "0"])
        self.assertEqual(seen["host reaches lan"], ["yes"])
        # As it came up; and with the VLAN that a reload brought.
        self.assertEqual(seen["vlans of up0"][:2], ["port vlan-id up0 1 PVID Egress Untagged 100 200 ",
                                                    "port vlan-id up0 1 PVID Egress Untagged 100 200 300 "])
        # At start, after kill -9, and after the reload by its old address and its new.
        self.assertEqual(seen["a reaches lan"], ["yes", "yes", "no", "yes"])
        self.assertEqual(seen["lan reaches a"], ["yes"])
        self.assertEqual(seen["a reaches untagged"], ["no"])
        self.assertEqual(seen["p reaches lan"], ["yes", "yes"])
        self.assertEqual(seen["p reaches host"], ["yes"])
        for vlan in (100, 200):
            self.assertEqual(seen[f"t reaches lan-by-{vlan}"], ["yes"])
        self.assertEqual(seen["t reaches lan-by-300"], ["no"])
        self.assertEqual(seen["t reaches a"], ["yes"])
        # And back.
        self.assertEqual(seen["up0 has"], ["192.0.2.2/24"])
        self.assertNotIn("nd-lan", seen["links"][0].split())
        # A bridge that was there before and does not filter is not made to.
        for guest in "ap":
            self.assertRegex(seen[f"refused {guest}"][0], rf"^netdctl: port {guest}/0: nt\w+ cannot join bridge br0: bridge br0 does "
                             r"not filter VLANs, and is not netd's: ip link set br0 type bridge vlan_filtering 1$")
        self.assertEqual((seen["found filters"], seen["found is"], seen["found guests"]), (["0"], ["as it was"], ["[]"]))
        self.assertEqual(seen["a reaches lan-by-br0"], ["yes"])
        self.assertRegex(seen["vlans of a"][0], r"^port vlan-id nt\w+ 100 PVID Egress Untagged $")
        # What is not netd's is as its owner has it.
        self.assertEqual(seen["vlans of br0"], ["port vlan-id br0 1 PVID Egress Untagged "])
        self.assertEqual(seen["vlans of up0"][2], "port vlan-id up0 1 PVID Egress Untagged 100 ")


class Devices(OuterTest):
    def test_named_taps_and_veth(self):
        """On the oldest kernel that matters: who has a TAP open, until when it stays, and the way into a namespace."""
        seen = self.host_run("sh /host_devices.sh")
        self.assertRegex(seen["tap"][0], r" master nd-default .* tun type tap pi off vnet_hdr on persist on user 12345 ")
        self.assertEqual(seen["carrier"], ["0", "1"])
        self.assertRegex(seen["lease fc eth0"][0], r"^10\.77\.0\.")
        self.assertRegex(seen["again"][0], r"^netdctl: port fc/0 is attached already: interface nt\w+ on network default, "
                         rf"opened by testvmm \(pid {seen['opener'][0]}\)$")
        self.assertRegex(seen["lease within eth0"][0], r"^10\.77\.0\.")
        self.assertEqual(seen["addresses c1"], seen["card c1"])
        for what in ("fc reaches host", "within reaches fc", "c1 reaches host", "c1 reaches fc", "fc reaches host-after",
                     "within reaches host-after", "c1 reaches host-after", "fc reaches host-still"):
            self.assertEqual(seen[what], ["yes"], what)
        adopted = {port["guest"]: (port["state"], port["device"]) for port in json.loads(seen["adopted"][0])}
        self.assertEqual(adopted, {"fc": ("attached", "tap"), "within": ("attached", "tap"), "c1": ("attached", "veth")})
        self.assertGreaterEqual(int(seen["reaped"][0]), 3)
        self.assertEqual(seen["links"][0], "as before", seen["links"])


if __name__ == "__main__":
    unittest.main()

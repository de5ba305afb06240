#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""TAPs that stay and are opened by their names: by whom, for how long, and what is left of them."""

import os
import stat
import subprocess
import tempfile
import unittest

from support import NetnsTest

from harness.daemon import CONFIG, TESTVMM, TestVmm
from harness.namespaces import DEADLINE, Failed, Namespace

USER = 12345
SHORT = "tap-grace = 1\n" + CONFIG


class Opener(TestVmm):
    """A guest whose VMM opens a TAP by its name, as the named VMM does and as a user who is not root."""

    def __init__(self, daemon, vmm, port, queues=1, user=USER, ns=None):  # pylint: disable=super-init-not-called
        self.daemon = daemon
        self.name = port["guest"]
        tap = port["guestInterface"] or port["interface"]
        self.process = (ns or daemon.host.ns).popen(TESTVMM, f"{vmm}={tap}:{queues}:{user}", port["mac"],
                                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                                            text=True)
        self.said = ""
        if self.process.stdout.readline() != "ready\n":
            self.process.wait(DEADLINE)
            self.said = self.process.stderr.read()
            self.process.stdout.close()
            self.process.stderr.close()
            raise Failed(self.said)
        self.pid = self.process.pid


def give_everybody_tun():
    """Debian's udev does that; where it does not run, in this process's mounts alone."""
    if os.stat("/dev/net/tun").st_mode & 0o006 == 0o006:
        return
    with tempfile.TemporaryDirectory() as place:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "none", place], check=True)
        node = os.path.join(place, "tun")
        os.mknod(node, 0o666 | stat.S_IFCHR, os.makedev(10, 200))
        os.chmod(node, 0o666)
        subprocess.run(["mount", "--bind", node, "/dev/net/tun"], check=True)
        subprocess.run(["umount", "-l", place], check=True)


class TapTest(NetnsTest):
    def setUp(self):
        super().setUp()
        with open("/proc/self/uid_map", encoding="ascii") as uids:
            if int(uids.read().split()[2]) <= USER:
                self.leave_out("there is no other user in this namespace; run as root")
        give_everybody_tun()

    def attach(self, daemon, guest, *options):
        daemon.ctl("attach", guest, *options)
        return daemon.guests()[f"{guest}/0"]

    def opener(self, *args, **more):
        opener = Opener(*args, **more)
        self.addCleanup(opener.close)
        return opener


class Tap(TapTest):
    def test_device_is_as_documented(self):
        daemon = self.daemon()
        port = self.attach(daemon, "fc1", "--tap", "--owner", str(USER))
        self.assertEqual((port["state"], port["device"], port["queues"], port["guestInterface"]),
                         ("attached", "tap", 1, None))
        link = self.host.ns.json("ip", "-j", "-d", "link", "show", "dev", port["interface"])[0]
        info = link["linkinfo"]["info_data"]
        self.assertEqual((info["type"], info["persist"], info["user"], info["multi_queue"], info["vnet_hdr"]),
                         ("tap", True, USER, False, True))
        self.assertEqual((link["ifalias"], link["altnames"], link["master"], link["group"]),
                         ("netd:default/fc1/0", ["fc1.0"], "nd-default", "default"))
        self.assertIn("NO-CARRIER", link["flags"])
        many = self.attach(daemon, "fc2", "--tap", "vmtap7", "--owner", "nobody", "--queues", "4")
        self.assertEqual((many["interface"], many["queues"]), ("vmtap7", 4))
        info = self.host.ns.json("ip", "-j", "-d", "link", "show", "dev", "vmtap7")[0]["linkinfo"]["info_data"]
        self.assertEqual((info["user"], info["multi_queue"], info["numqueues"]), ("nobody", True, 0))

    def test_vmms_open_it(self):
        """The ioctls of each, in its order, as another user; and the guest gets its address by DHCP."""
        daemon = self.daemon()
        for vmm, queues, user in (("firecracker", 1, USER), ("cloud-hypervisor", 1, USER), ("crosvm", 1, USER),
                                  ("cloud-hypervisor", 4, USER), ("crosvm", 4, 0)):
            with self.subTest(vmm=vmm, queues=queues):
                port = self.attach(daemon, "vm", "--tap", "--owner", str(USER), "--queues", str(queues))
                opener = self.opener(daemon, vmm, port, queues, user)
                lease = opener.udhcpc()
                self.assertEqual(lease["ip"], port["addresses"][0].split("/")[0])
                self.assertTrue(opener.ping("10.77.0.1"))
                self.assertTrue(opener.ping(self.host.INTERNET_ADDRESS, 1400))
                opener.close()
                daemon.ctl("detach", "vm")

    def test_others_may_not_open_it(self):
        daemon = self.daemon()
        port = self.attach(daemon, "vm", "--tap", "--owner", str(USER))
        with self.assertRaisesRegex(Failed, "TUNSETIFF: Operation not permitted"):
            self.opener(daemon, "firecracker", port, user=USER + 1)
        self.opener(daemon, "firecracker", port)
        with self.assertRaisesRegex(Failed, "TUNSETIFF: Device or resource busy"):
            self.opener(daemon, "firecracker", port)

    def test_refusals_say_who_has_it(self):
        daemon = self.daemon()
        port = self.attach(daemon, "vm", "--tap", "tap7", "--owner", str(USER))
        for argv, said in (
                (("vm", "--tap"), "port vm/0 is attached already: interface tap7 on network default"),
                (("vm2", "--tap", "tap7"), "interface tap7 is in use by port vm/0 of network default")):
            self.assertEqual(daemon.ctl("attach", *argv, check=False)[::2], (1, f"netdctl: {said}\n"))
        opener = self.opener(daemon, "firecracker", port)
        by = f"opened by testvmm (pid {opener.pid})"
        for argv, said in (
                (("vm", "--tap"), f"port vm/0 is attached already: interface tap7 on network default, {by}"),
                (("vm2", "--tap", "tap7"), f"interface tap7 is in use by port vm/0 of network default, {by}")):
            self.assertEqual(daemon.ctl("attach", *argv, check=False)[::2], (1, f"netdctl: {said}\n"))
        self.host.ns.run("ip", "tuntap", "add", "foreign0", "mode", "tap")
        before = self.host.ns.dump()
        self.assertEqual(daemon.ctl("attach", "vm2", "--tap", "foreign0", check=False)[::2],
                         (1, "netdctl: interface foreign0 is in use by a device of the host\n"))
        self.assertEqual(daemon.ctl("attach", "vm2", "--tap", "up0", check=False)[::2],
                         (1, "netdctl: interface up0 is in use by a device of the host\n"))
        self.assertEqual(daemon.ctl("attach", "vm2", "--tap", "--owner", "nobody-of-that-name", check=False)[::2],
                         (1, "netdctl: there is no user 'nobody-of-that-name'\n"))
        self.assertEqual(daemon.ctl("attach", "vm2", "--owner", "root", check=False)[0], 2)
        self.assertEqual(daemon.ctl("attach", "vm2", "--tap", "--ifname", "eth0", check=False)[0], 2)
        self.assertEqual(self.host.ns.dump(), before)
        self.assertEqual(list(daemon.guests()), ["vm/0"])

    def test_detach_and_release(self):
        daemon = self.daemon()
        before = self.host.ns.dump()
        self.attach(daemon, "vm", "--tap")
        daemon.ctl("detach", "vm")
        self.assertEqual(self.host.ns.dump(), before)
        self.attach(daemon, "vm", "--tap")
        daemon.ctl("release", "vm")
        self.assertEqual((self.host.ns.dump(), daemon.guests()), (before, {}))

    def test_json(self):
        daemon = self.daemon()
        port = daemon.ctl_json("attach", "vm", "--tap", "tap9")
        self.assertEqual((port["interface"], port["device"]), ("tap9", "tap"))


class Within(TapTest):
    """A TAP in a network namespace, as Firecracker's jailer wants it."""

    def setUp(self):
        super().setUp()
        self.jail = Namespace("jail")
        self.addCleanup(self.jail.close)
        self.path = f"/proc/{self.jail.pid}/ns/net"

    def test_vmms_open_it(self):
        daemon = self.daemon()
        before, empty = self.host.ns.dump(), self.jail.dump()
        for options, queues in ((("--tap", "tap0"), 1), (("--tap",), 1), (("--tap", "--queues", "2"), 2)):
            with self.subTest(options=options):
                port = self.attach(daemon, "vm", *options, "--owner", str(USER), "--netns", self.path)
                self.assertEqual(port["guestInterface"], "tap0" if "tap0" in options else port["interface"])
                link = self.jail.links()[port["guestInterface"]]
                self.assertEqual((link["mtu"], link["ifalias"]), (port["mtu"], "netd:default/vm/0"))
                opener = self.opener(daemon, "cloud-hypervisor", port, queues, ns=self.jail)
                self.assertEqual(opener.udhcpc()["ip"], port["addresses"][0].split("/")[0])
                self.assertTrue(opener.ping("10.77.0.1"))
                self.assertTrue(opener.ping(self.host.INTERNET_ADDRESS, 1400))
                self.assertEqual(daemon.guests()["vm/0"]["guard"]["drops"], {}, "its way sends nothing of its own")
                code, _, said = daemon.ctl("attach", "vm", "--tap", check=False)
                self.assertEqual(code, 1)
                self.assertIn(f"opened by testvmm (pid {opener.pid})", said)
                opener.close()
                daemon.ctl("detach", "vm")
                self.assertEqual(self.host.ns.dump(), before)
                self.assertEqual(self.jail.dump(), empty)

    def test_refusals(self):
        daemon = self.daemon()
        self.jail.run("ip", "link", "add", "tap0", "type", "bridge")
        before, inside = self.host.ns.dump(), self.jail.dump()
        self.assertEqual(daemon.ctl("attach", "vm", "--tap", "tap0", "--netns", self.path, check=False)[::2],
                         (1, "netdctl: interface tap0 is in use by a device of the network namespace\n"))
        self.assertEqual(daemon.ctl("attach", "vm", "--tap", "tap1", "--netns", "/dev/null", check=False)[::2],
                         (1, "netdctl: networkNamespace is not acceptable: the descriptor is not of a network namespace\n"))
        self.assertEqual((self.host.ns.dump(), self.jail.dump(), daemon.guests()), (before, inside, {}))

    def test_killed_reaped_and_gone(self):
        daemon = self.daemon()
        before, empty = self.host.ns.dump(), self.jail.dump()
        port = self.attach(daemon, "vm", "--tap", "tap0", "--owner", str(USER), "--netns", self.path)
        opener = self.opener(daemon, "firecracker", port, ns=self.jail)
        opener.udhcpc()
        daemon.kill()
        daemon.start()
        again = daemon.guests()["vm/0"]
        for key in ("interface", "guestInterface", "device", "mac", "state"):
            self.assertEqual(again[key], port[key], key)
        self.assertTrue(opener.ping("10.77.0.1"))
        opener.close()
        daemon.stop()
        daemon.configure(SHORT)
        daemon.start()
        daemon.call("Wait", guest="vm", **{"for": "gone"})
        self.assertEqual((self.host.ns.dump(), self.jail.dump()), (before, empty))
        daemon.configure(CONFIG)
        daemon.call("Reload")
        self.attach(daemon, "vm", "--tap", "tap0", "--netns", self.path)
        watch = daemon.watch()
        self.jail.close()
        watch.until("gone", guest="vm")
        watch.close()
        self.assertEqual(self.host.ns.dump(), before)

    def test_unfinished_ones_are_removed_at_start(self):
        daemon = self.daemon()
        before, empty = list(self.host.ns.links()), self.jail.dump()
        port = self.attach(daemon, "vm", "--tap", "tap0", "--netns", self.path)
        daemon.kill()
        self.host.ns.run("ip", "link", "set", port["interface"], "group", str(0x6e657464))
        for leaf in os.listdir(daemon.state):
            os.unlink(os.path.join(daemon.state, leaf))
        daemon.start()
        self.assertEqual((list(self.host.ns.links()), self.jail.dump()), (before, empty))

    def test_lost_state(self):
        """It is known by its pair alone; detach takes all of it all the same."""
        daemon = self.daemon()
        before, empty = list(self.host.ns.links()), self.jail.dump()
        self.attach(daemon, "vm", "--tap", "tap0", "--netns", self.path)
        daemon.kill()
        for leaf in os.listdir(daemon.state):
            os.unlink(os.path.join(daemon.state, leaf))
        daemon.start()
        self.assertEqual(daemon.guests()["vm/0"]["state"], "attached")
        daemon.ctl("detach", "vm")
        self.assertEqual((list(self.host.ns.links()), self.jail.dump()), (before, empty))


class Reaping(TapTest):
    def test_never_opened(self):
        daemon = self.daemon(SHORT)
        before = self.host.ns.dump()
        watch = daemon.watch()
        port = self.attach(daemon, "vm", "--tap")
        event = watch.until("reaped", guest="vm")
        self.assertEqual((event["interface"], event["detail"]), (port["interface"], "nobody has had it open for 1 s"))
        watch.close()
        self.assertEqual(self.host.ns.dump(), before)
        self.assertEqual(daemon.guests()["vm/0"]["state"], "reserved")

    def test_after_its_vmm_has_ended(self):
        for queues in (1, 2):
            with self.subTest(queues=queues):
                daemon = self.daemon(SHORT)
                before = self.host.ns.dump()
                # Attach and open first: how long that takes is nobody's promise.
                daemon.configure(CONFIG)
                daemon.call("Reload")
                port = self.attach(daemon, "vm", "--tap", "--owner", str(USER), "--queues", str(queues))
                opener = self.opener(daemon, "cloud-hypervisor", port, queues)
                watch = daemon.watch()
                daemon.configure(SHORT)
                daemon.call("Reload")
                other = self.attach(daemon, "other", "--tap")
                self.assertEqual(watch.until("reaped")["interface"], other["interface"],
                                 "one that is open stays for longer than one that is not")
                self.assertTrue(opener.ping(self.host.UPLINK_ADDRESS) or opener.udhcpc())
                opener.close()
                self.assertEqual(watch.until("reaped")["interface"], port["interface"])
                watch.close()
                self.assertEqual(self.host.ns.dump(), before)
                daemon.close()

    def test_a_carrier_that_somebody_took_away(self):
        daemon = self.daemon()
        port = self.attach(daemon, "vm", "--tap", "--owner", str(USER))
        self.opener(daemon, "firecracker", port)
        self.host.ns.run("ip", "link", "set", port["interface"], "carrier", "off")
        watch = daemon.watch()
        daemon.configure(SHORT)
        daemon.call("Reload")
        for _ in range(2):
            self.assertEqual(watch.until("reaped", guest=self.attach(daemon, "other", "--tap")["guest"])["guest"], "other")
        watch.close()
        self.assertEqual(daemon.guests()["vm/0"]["state"], "attached")

    def test_killed_and_started_again(self):
        """One that is open is adopted and works; the other's time begins anew, and then it goes."""
        daemon = self.daemon()
        port = self.attach(daemon, "vm", "--tap", "--owner", str(USER))
        idle = self.attach(daemon, "idle", "--tap", "tapidle")
        opener = self.opener(daemon, "firecracker", port)
        opener.udhcpc()
        daemon.kill()
        daemon.start()
        guests = daemon.guests()
        self.assertEqual({g["interface"] for g in guests.values() if g["device"] == "tap" and g["state"] == "attached"},
                         {port["interface"], idle["interface"]})
        self.assertTrue(opener.ping("10.77.0.1"))
        daemon.kill()
        opener.close()
        daemon.configure(SHORT)
        daemon.start()
        with daemon.client() as client:
            gone = set()
            for reply in client.more("io.netd.Watch", **{"from": 1}):
                if reply["event"]["event"] == "reaped":
                    gone.add(reply["event"]["guest"])
                if len(gone) == 2:
                    break
        self.assertEqual(gone, {"vm", "idle"})
        self.assertEqual([link for link in self.host.ns.links() if link.startswith(("nt", "tap"))], [])

    def test_unfinished_ones_are_removed_at_start(self):
        daemon = self.daemon()
        before = self.host.ns.dump()
        daemon.stop()
        self.host.ns.run("ip", "tuntap", "add", "tap5", "mode", "tap")
        self.host.ns.run("ip", "link", "set", "tap5", "alias", "netd:default/vm/0")
        self.host.ns.run("ip", "link", "set", "tap5", "group", str(0x6e657464))
        daemon.start()
        self.assertEqual(self.host.ns.dump(), before)
        self.assertEqual(daemon.guests(), {})


if __name__ == "__main__":
    unittest.main()

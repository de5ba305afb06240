#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""netd-bridge-helper: QEMU's own bridge.conf and protocol, verdict for verdict; and QEMU that runs it."""

import array
import json
import os
import shutil
import socket
import struct
import subprocess
import tempfile
import unittest

from support import NetnsTest

from harness.daemon import BUILD, CONFIG
from harness.namespaces import DEADLINE, Failed
from harness.monitor import Monitor
from harness.varlink import Error
from test_attach import IFF_NO_PI, IFF_TAP, IFF_VNET_HDR, tun_flags

HELPER = os.path.join(BUILD, "netd", "netd-bridge-helper")
QEMUS = "/usr/lib/qemu/qemu-bridge-helper"

# What is in bridge.conf ({d}: its directory), and which of these bridges it allows.
BRIDGES = ("br0", "br1", "all", "averyveryverylo")
CASES = {
    "empty": ("", ()),
    "comments": ("# allow br0\n\n   # allow br1\n\t\n", ()),
    "allow": ("allow br0\n", ("br0",)),
    "allow without a newline": ("allow br0", ("br0",)),
    "two": ("allow br0\nallow br1\n", ("br0", "br1")),
    "spaces": ("   allow \t br0 \t \n\tallow br1\r\n", ("br0", "br1")),
    "a tab": ("allow\tbr0\n", ("br0",)),
    "a tab, and a blank behind": ("allow\tbr0 \n", None),
    "all": ("allow all\n", BRIDGES),
    "deny": ("deny br0\n", ()),
    "deny all": ("deny all\nallow br0\n", ()),
    "all but one": ("allow all\ndeny br0\n", tuple(b for b in BRIDGES if b != "br0")),
    "deny wins, first": ("deny br0\nallow br0\n", ()),
    "deny wins, last": ("allow br0\nallow br1\ndeny br0\n", ("br1",)),
    "deny all wins": ("allow all\nallow br0\ndeny all\n", ()),
    "fifteen": ("allow averyveryverylo\n", ("averyveryverylo",)),
    "sixteen": ("allow averyveryverylon\n", None),
    "sixteen denied": ("deny averyveryverylon\n", None),
    "sixteen included": ("allow br0\ninclude /doesnotexist/1\n", ("br0",)),
    "a comment is not behind": ("allow br0 #1st\nallow br1\n", ("br1",)),
    "two names are one": ("allow br0 br1\n", ()),
    "no name": ("allow br0\nallow\n", None),
    "an empty name": ("allow br0\nallow \n", ("br0",)),
    "no word": ("br0\n", None),
    "unknown": ("allow br0\npermit br1\n", None),
    "case": ("Allow br0\n", None),
    "include": ("include {d}/more\nallow br0\n", ("br0", "br1")),
    "include that denies": ("allow all\ninclude {d}/denies\n", tuple(b for b in BRIDGES if b != "br1")),
    "deny above an include": ("deny br1\ninclude {d}/more\nallow br0\n", ("br0",)),
    "include of nothing": ("allow br0\ninclude {d}/missing\n", ("br0",)),
    "include of a directory": ("allow br0\ninclude {d}\n", ("br0",)),
    "include that breaks off": ("include {d}/broken\nallow br0\n", ("br0", "br1")),
    "include that denies and breaks off": ("allow all\ninclude {d}/denies-broken\n", tuple(b for b in BRIDGES if b != "br0")),
    "include of an include": ("include {d}/nested\n", ("br0", "br1")),
    "long lines": ("allow br0" + 4086 * " " + "allow br1\n", ("br0", "br1")),
    "long comment": ("#" + 4094 * "x" + "allow br0\n", ("br0",)),
    "octets": ("allow br\xe4\nallow br0\0x\n", ("br0",)),
}
FILES = {
    "more": "allow br1\n",
    "denies": "deny br1\n",
    "broken": "allow br1\nnonsense here\nallow all\n",
    "denies-broken": "deny br0\nnonsense\ndeny all\n",
    "nested": "include {d}/more\nallow br0\n",
}


class Acl(NetnsTest):
    UPLINK = False

    def setUp(self):
        super().setUp()
        self.directory = tempfile.mkdtemp(prefix="netd-acl-")
        self.addCleanup(shutil.rmtree, self.directory)
        self.etc = os.path.join(self.directory, "etc")
        os.makedirs(os.path.join(self.etc, "qemu"))
        self.conf = os.path.join(self.etc, "qemu", "bridge.conf")

    def write(self, name, text):
        with open(name, "w", encoding="latin-1") as out:
            out.write(text.replace("{d}", self.directory))

    def verdict(self, argv, bridge):
        """True: allowed, False: denied, None: the file is refused. Each then fails, for want of a bridge or of netd."""
        done = subprocess.run([*argv, "--use-vnet", f"--br={bridge}", "--fd=0"], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=DEADLINE, errors="replace",
                              env={**os.environ, "NETD_SOCKET": "/nonexistent/netd.sock"})
        self.assertEqual(done.returncode, 1, done.stderr)
        last = done.stderr.splitlines()[-1]
        if "failed to get mtu of bridge" in last or "cannot reach netd at /nonexistent" in last:
            return True
        if last.startswith("access denied by acl file") or "access denied by acl file: " in last:
            return False
        if last.startswith("failed to parse default acl file") or ": access denied: " in last:
            return None
        self.fail(f"{argv[0]} said: {done.stderr}")

    def ours(self, bridge):
        return self.verdict([HELPER, f"--acl={self.conf}"], bridge)

    def theirs(self, bridge):
        return self.verdict(["unshare", "--mount", "sh", "-c", f'mount --bind {self.etc} /etc && exec "$@"', "sh", QEMUS],
                            bridge)

    def test_verdicts(self):
        """On the same files, what QEMU's helper says."""
        compare = os.path.exists(QEMUS)
        for name, text in FILES.items():
            self.write(os.path.join(self.directory, name), text)
        for name, (text, allowed) in CASES.items():
            self.write(self.conf, text)
            for bridge in BRIDGES:
                with self.subTest(case=name, bridge=bridge):
                    expected = None if allowed is None else bridge in allowed
                    self.assertEqual(self.ours(bridge), expected)
                    if compare:
                        self.assertEqual(self.theirs(bridge), expected)
        if not compare:
            self.leave_out(f"there is no {QEMUS} to compare with; ours alone was looked at")

    def test_long_name(self):
        """Refused before any file is read: cut, it could be another that is allowed (CVE-2019-13164)."""
        self.write(self.conf, "allow all\n")
        done = subprocess.run([HELPER, f"--acl={self.conf}", "--br=averyveryverylon", "--fd=0"], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr),
                         (1, "netd-bridge-helper: name 'averyveryverylon' is longer than 15 characters\n"))

    def test_missing_file(self):
        self.assertIsNone(self.ours("br0"))
        if os.path.exists(QEMUS):
            self.assertIsNone(self.theirs("br0"))

    def need_another_user(self):
        if subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "true"], stderr=subprocess.DEVNULL,
                          check=False).returncode:
            self.leave_out("root alone can become another user")

    def test_unreadable_file(self):
        """Read as the one who runs it, whatever it was installed as."""
        self.write(self.conf, "allow br0\n")
        os.chmod(self.conf, 0o600)
        os.chmod(self.directory, 0o755)
        self.need_another_user()
        done = subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all", HELPER,
                               f"--acl={self.conf}", "--br=br0", "--fd=0"], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr),
                         (1, f"netd-bridge-helper: access denied: cannot read {self.conf}: Permission denied\n"))

    def test_circle(self):
        """Each file is read once; QEMU's goes round until it has no descriptors left, and comes to the same."""
        self.write(self.conf, f"include {self.conf}\nallow br0\ninclude {{d}}/circle\ndeny br1\n")
        self.write(os.path.join(self.directory, "circle"), f"allow br1\ninclude {self.conf}\n")
        self.assertTrue(self.ours("br0"))
        self.assertFalse(self.ours("br1"))

    def test_too_deep(self):
        """Nothing is allowed when a rule could be missing."""
        self.write(self.conf, "allow all\ninclude {d}/0\n")
        for i in range(64):
            self.write(os.path.join(self.directory, str(i)), f"include {{d}}/{i + 1}\n")
        self.write(os.path.join(self.directory, "64"), "deny br0\n")
        self.assertIsNone(self.ours("br0"))
        self.write(os.path.join(self.directory, "62"), "deny br0\n")
        self.assertFalse(self.ours("br0"))
        self.assertTrue(self.ours("br1"))

    def test_setuid(self):
        """Installed set-uid it reads no file that its caller names, and is the caller to everybody."""
        self.need_another_user()
        subprocess.run(["mount", "-t", "tmpfs", "none", self.directory], check=True)
        self.addCleanup(subprocess.run, ["umount", self.directory], check=True)
        os.makedirs(os.path.join(self.etc, "qemu"))
        self.write(self.conf, "allow br0\n")
        os.chmod(self.directory, 0o755)
        helper = os.path.join(self.directory, "helper")
        shutil.copy(HELPER, helper)
        os.chmod(helper, 0o6755)
        as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        done = subprocess.run([*as_nobody, helper, f"--acl={self.conf}", "--br=br0", "--fd=0"], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr.splitlines()[0]),
                         (1, "usage: netd-bridge-helper [--use-vnet] --br=NAME --fd=DESCRIPTOR"))
        path = os.path.join(self.directory, "netd.sock")
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path)
            os.chmod(path, 0o777)
            server.listen()
            with subprocess.Popen(["unshare", "--mount", "sh", "-c", f'mount --bind {self.etc} /etc && exec "$@"', "sh",
                                   *as_nobody, helper, "--br=br0", "--fd=0"], stderr=subprocess.DEVNULL,
                                  env={**os.environ, "NETD_SOCKET": path}) as running:
                connection, _ = server.accept()
                with connection:
                    pid, uid, gid = struct.unpack("iII", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
                    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
                        seen = dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)
            self.assertEqual(running.returncode, 1)
        self.assertEqual((uid, gid), (65534, 65534))
        self.assertEqual((seen["Uid"], seen["Gid"]), ("\t".join(4 * ["65534"]), "\t".join(4 * ["65534"])))
        self.assertEqual((seen["CapPrm"], seen["CapEff"]), ("0" * 16, "0" * 16))


class Protocol(NetnsTest):
    """By hand, as QEMU's net_bridge_run_helper does it."""

    def setUp(self):
        super().setUp()
        self.netd = self.daemon()
        self.acl = os.path.join(self.netd.directory, "bridge.conf")
        self.allow("allow nd-default\nallow default\n")

    def allow(self, text):
        with open(self.acl, "w", encoding="utf-8") as out:
            out.write(text)

    def run_helper(self, *argv, **environment):
        """(exit code, what it said, descriptors, octets)"""
        here, there = socket.socketpair()
        with here, there:
            done = subprocess.run([HELPER, f"--acl={self.acl}", *argv, f"--fd={there.fileno()}"], capture_output=True,
                                  text=True, pass_fds=[there.fileno()], timeout=DEADLINE,
                                  env={**os.environ, "NETD_SOCKET": self.netd.socket, **environment})
            there.close()
            data, control, _, _ = here.recvmsg(16, socket.CMSG_SPACE(4 * 4))
        fds = array.array("i")
        for level, kind, octets in control:
            self.assertEqual((level, kind), (socket.SOL_SOCKET, socket.SCM_RIGHTS))
            fds.frombytes(octets)
        for fd in fds:
            self.addCleanup(os.close, fd)
        return done.returncode, done.stderr, list(fds), data

    def test_descriptor(self):
        for bridge in ("nd-default", "default"):
            with self.subTest(bridge=bridge):
                code, said, fds, data = self.run_helper("--use-vnet", f"--br={bridge}", NETD_GUEST=f"by-{bridge}")
                self.assertEqual((code, len(fds), data), (0, 1, b"\0"), said)
                port = self.netd.guests()[f"by-{bridge}/0"]
                name, flags = tun_flags(fds[0])
                self.assertEqual(name, port["interface"])
                self.assertEqual(flags & (IFF_TAP | IFF_VNET_HDR), IFF_TAP | IFF_VNET_HDR)
                self.assertEqual((port["state"], port["network"]), ("attached", "default"))
                self.assertIn(f"only a card with MAC {port['mac']} will get through", said,
                              "nobody told it the card's MAC, and it says so")

    def test_a_bridge_of_the_hosts(self):
        """A network of mode bridge uses it; who asks for it by its name gets that network's guard and addresses."""
        self.netd.host.ns.run("sh", "-c", "ip link add br-lan type bridge && ip link set br-lan up")
        self.netd.configure(CONFIG + "network lan { mode = bridge  bridge = br-lan }\n")
        self.netd.ctl("reload")
        code, said, fds, _ = self.run_helper("--use-vnet", "--br=br-lan", NETD_GUEST="web1")
        self.assertEqual((code, fds), (1, []))
        self.assertIn("access denied by acl file", said)
        self.allow("allow br-lan\n")
        code, said, fds, data = self.run_helper("--use-vnet", "--br=br-lan", NETD_GUEST="web1")
        self.assertEqual((code, len(fds), data), (0, 1, b"\0"), said)
        port = self.netd.guests()["web1/0"]
        self.assertEqual((port["state"], port["network"], port["bridge"]), ("attached", "lan", "br-lan"))
        self.assertEqual(tun_flags(fds[0])[0], port["interface"])
        self.assertEqual(self.netd.host.ns.links()[port["interface"]]["master"], "br-lan")

    def test_without_vnet(self):
        """Whoever does not say --use-vnet gets frames as they are, as by QEMU's own."""
        vmm = self.vmm(self.netd, "web2")
        code, said, fds, _ = self.run_helper("--br=nd-default", NETD_GUEST="web1")
        self.assertEqual((code, len(fds)), (0, 1), said)
        name, flags = tun_flags(fds[0])
        port = self.netd.guests()["web1/0"]
        self.assertEqual(name, port["interface"])
        self.assertEqual(flags & (IFF_TAP | IFF_NO_PI | IFF_VNET_HDR), IFF_TAP | IFF_NO_PI)
        vmm.run("ip", "addr", "add", self.netd.guests()["web2/0"]["addresses"][0], "dev", "eth0")
        vmm.ok("ping", "-c", "1", "-W", "1", port["addresses"][0].split("/")[0])
        os.set_blocking(fds[0], True)
        while (frame := os.read(fds[0], 2048))[12:14] != b"\x08\x06":
            pass
        self.assertEqual(frame[:6], b"\xff" * 6, "an ARP request, from its first octet on")
        with self.netd.client() as client:
            for more in ({"queues": 2}, {"device": "tap"}):
                with self.assertRaises(Error) as refused:
                    client.call("io.netd.Attach", guest="web3", vnetHeader=False, **more)
                self.assertEqual(refused.exception.parameters["parameter"], "vnetHeader")

    def test_device_goes_with_the_descriptor(self):
        watch = self.netd.watch()
        code, said, fds, _ = self.run_helper("--use-vnet", "--br=nd-default", NETD_GUEST="web1")
        self.assertEqual(code, 0, said)
        os.close(os.dup(fds[0]))
        self.assertEqual(self.netd.guests()["web1/0"]["state"], "attached")
        self.doCleanups_of(fds)
        watch.until("gone", guest="web1")
        watch.close()

    def doCleanups_of(self, fds):
        """Closes them now; what stands in for each is closed at the end."""
        for fd in fds:
            null = os.open("/dev/null", os.O_RDONLY)
            os.dup2(null, fd)
            os.close(null)

    def test_refusals(self):
        before = self.host.ns.dump()
        cases = (
            (("--use-vnet", "--br=nd-other"), "allow all\n",
             "netd has no network 'nd-other', and none with a bridge of that name"),
            (("--use-vnet", "--br=default"), "allow all\ndeny nd-default\n",
             "access denied by acl file: default is network 'default' with bridge 'nd-default'"),
            (("--use-vnet", "--br=nd-default"), "allow all\ndeny default\n",
             "access denied by acl file: nd-default is network 'default' with bridge 'nd-default'"),
            (("--use-vnet", "--br=nd-default"), "allow default\n",
             f"access denied by acl file: {self.acl} does not allow nd-default"),
        )
        for argv, acl, sentence in cases:
            with self.subTest(argv=argv, acl=acl):
                self.allow(acl)
                code, said, fds, data = self.run_helper(*argv)
                self.assertEqual((code, said, fds, data), (1, f"netd-bridge-helper: {sentence}\n", [], b""))
        self.allow("allow all\n")
        code, said, fds, _ = self.run_helper("--use-vnet", "--br=default", NETD_GUEST="a name")
        self.assertEqual((code, fds), (1, []))
        self.assertIn("it has other characters than letters", said)
        self.assertEqual(self.netd.guests(), {})
        self.assertEqual(self.host.ns.dump(), before)

    def test_usage(self):
        for argv in ([], ["--br=br0"], ["--fd=3"], ["--br=br0", "--fd=3", "--more"], ["-h"]):
            with self.subTest(argv=argv):
                done = subprocess.run([HELPER, *argv], capture_output=True, text=True)
                self.assertEqual((done.returncode, done.stdout), (1, ""))
                self.assertTrue(done.stderr.startswith("usage: netd-bridge-helper "))
        done = subprocess.run([HELPER, "--help"], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        done = subprocess.run([HELPER, "--version"], capture_output=True, text=True)
        self.assertRegex(done.stdout, r"^netd-bridge-helper \d+\.\d+\.\d+\n$")

    def test_nobody_takes_it(self):
        """The descriptor cannot be handed over: nothing is left, or what was there before."""
        before = self.host.ns.dump()
        here, there = socket.socketpair()
        with there:
            here.close()
            done = subprocess.run([HELPER, f"--acl={self.acl}", "--br=default", f"--fd={there.fileno()}"], capture_output=True,
                                  text=True, pass_fds=[there.fileno()], timeout=DEADLINE,
                                  env={**os.environ, "NETD_SOCKET": self.netd.socket, "NETD_GUEST": "web1"})
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot send the device's descriptor", done.stderr)
        self.assertEqual(self.netd.guests(), {})
        self.until(lambda: self.host.ns.dump() == before)


    def test_killed_at_any_moment(self):
        """No device is left, whoever had its descriptor last."""
        before = None
        for step in range(40):
            here, there = socket.socketpair()
            with here, there:
                helper = subprocess.Popen([HELPER, f"--acl={self.acl}", "--use-vnet", "--br=default", f"--fd={there.fileno()}"],
                                          pass_fds=[there.fileno()], stderr=subprocess.DEVNULL,
                                          env={**os.environ, "NETD_SOCKET": self.netd.socket, "NETD_GUEST": "web1"})
                try:
                    helper.wait(step * 0.0002)
                except subprocess.TimeoutExpired:
                    helper.kill()
                    helper.wait()
            self.until(lambda: all(p["interface"] is None for p in self.netd.guests().values()))
            before = before or self.host.ns.dump()
        self.assertEqual(self.host.ns.dump(), before)


class Qemu(NetnsTest):
    """QEMU that runs it, with machines that are not started."""

    def setUp(self):
        super().setUp()
        if not shutil.which("qemu-system-x86_64"):
            self.leave_out("there is no qemu-system-x86_64")
        self.netd = self.daemon(CONFIG + "network other { subnet = 10.78.0.1/24 }\n")
        self.acl = os.path.join(self.netd.directory, "bridge.conf")
        with open(self.acl, "w", encoding="utf-8") as out:
            out.write("allow nd-default\nallow nd-other\n")
        self.helper = os.path.join(self.netd.directory, "helper")
        # QEMU's helper= is a command line when it has a blank.
        with open(self.helper, "w", encoding="utf-8") as out:
            out.write(f'#!/bin/sh\nexec {HELPER} --acl={self.acl} "$@"\n')
        os.chmod(self.helper, 0o755)

    def qemu(self, *argv, name="vm", **environment):
        """It, and its monitor."""
        path = os.path.join(self.netd.directory, f"qmp-{name}")
        log = os.path.join(self.netd.directory, f"qemu-{name}")
        with open(log, "wb") as out:
            process = self.host.ns.popen(
                "qemu-system-x86_64", "-M", "q35", "-accel", "tcg", "-m", "64", "-nodefaults", "-no-user-config", "-display",
                "none", "-S", "-qmp", f"unix:{path},server=on,wait=off", *(a.replace("HELPER", self.helper) for a in argv),
                stdin=subprocess.DEVNULL, stderr=out, env={**os.environ, "NETD_SOCKET": self.netd.socket, **environment})
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        process.log = log
        return process, path

    def start(self, *argv, name="vm", **environment):
        process, path = self.qemu(*argv, name=name, **environment)
        try:
            monitor = Monitor(path, process)
        except Failed as e:
            with open(process.log, encoding="utf-8") as log:
                raise Failed(f"{e}: {log.read()}") from e
        self.addCleanup(monitor.close)
        return process, monitor

    def fails(self, *argv, **environment):
        """What QEMU says when it does not start."""
        process, _ = self.qemu(*argv, name="fails", **environment)
        self.assertEqual(process.wait(DEADLINE), 1)
        with open(process.log, encoding="utf-8") as log:
            return log.read()

    def said(self, process):
        with open(process.log, encoding="utf-8") as log:
            return log.read()

    def ports(self):
        return {name: (p["mac"], p["network"], p["state"]) for name, p in self.netd.guests().items()}

    def macs(self, monitor):
        """The MACs that QEMU has given to its cards, by the id of their backend."""
        text = monitor.call("human-monitor-command", **{"command-line": "info network"})
        seen = {}
        for line in text.splitlines():
            if "macaddr=" in line:
                mac = line.split("macaddr=")[1][:17]
            if line.startswith(" \\ "):
                seen[line[3:].split(":")[0]] = mac
        return seen

    def test_default_macs(self):
        """What QEMU gives by itself, in its order, is what netd was told."""
        process, monitor = self.start(
            "-name", "guest=three,debug-threads=on",
            "-netdev", "bridge,id=a,br=nd-default,helper=HELPER", "-netdev", "bridge,id=b,br=nd-other,helper=HELPER",
            "-netdev", "user,id=u", "-netdev", "bridge,id=c,br=nd-default,helper=HELPER",
            "-device", "e1000", "-device", "virtio-net-pci,netdev=c,mac=52:54:00:12:34:58",
            "-device", "virtio-net-pci,netdev=u", "-device", "virtio-net-pci,netdev=a", "-device", "e1000,netdev=b")
        macs = self.macs(monitor)
        self.assertEqual(self.ports(), {"three/0": (macs["a"], "default", "attached"),
                                        "three/1": (macs["b"], "other", "attached"),
                                        "three/2": (macs["c"], "default", "attached")})
        self.assertEqual(len(set(macs.values())), 4)
        self.assertNotIn("helper", self.said(process), "the drop-in says nothing when all is well")

    def test_every_way_to_say_it(self):
        """-nic, JSON, tap with a helper, a helper that is a command line, MACs that were asked for."""
        command = f"{self.helper} --br=nd-other"
        _, monitor = self.start(
            "-name", "ways",
            "-nic", "bridge,id=n1,br=nd-default,helper=HELPER,model=virtio-net-pci,mac=52:54:00:aa:00:01",
            "-nic", "bridge,id=n2,br=nd-default,helper=HELPER,model=e1000",
            "-netdev", "tap,id=t,br=nd-default,helper=HELPER",
            "-netdev", f"bridge,id=o,helper={command}",
            "-netdev", json.dumps({"type": "bridge", "id": "j", "br": "nd-default", "helper": self.helper}),
            "-device", json.dumps({"driver": "virtio-net-pci", "netdev": "j", "mac": "52:54:00:AA:00:02"}),
            "-device", "virtio-net-pci,netdev=t,mac=52:54:00:aa:00:03", "-device", "virtio-net-pci,netdev=o")
        ports = self.ports()
        self.assertEqual({(mac, network) for mac, network, _ in ports.values()},
                         {("52:54:00:aa:00:01", "default"), ("52:54:00:12:34:56", "default"),
                          ("52:54:00:aa:00:03", "default"), ("52:54:00:aa:00:02", "default"),
                          ("52:54:00:12:34:57", "other")})
        self.assertEqual(ports["ways/0"][0], "52:54:00:aa:00:02", "JSON comes first")
        self.assertEqual(self.macs(monitor)["o"], "52:54:00:12:34:57")

    def test_same_guest_again(self):
        """A machine that is started again is the same guest, with the same addresses; also with its cards in another order."""
        seen = []
        for order in ((0, 1), (1, 0), (0, 1)):
            argv = ["-name", "web1"]
            for i in order:
                argv += ["-netdev", f"bridge,id=n{i},br=nd-default,helper=HELPER",
                         "-device", f"virtio-net-pci,netdev=n{i},mac=52:54:00:aa:00:0{i}"]
            process, monitor = self.start(*argv)
            seen.append({(p["guest"], p["nic"], p["mac"], tuple(p["addresses"])) for p in self.netd.guests().values()})
            watch = self.netd.watch()
            monitor.close()
            process.kill()
            process.wait()
            watch.until("gone")
            watch.until("gone")
            watch.close()
        self.assertEqual(len(seen[0]), 2)
        self.assertEqual({name for name, *_ in seen[0]}, {"web1"})
        self.assertEqual(seen[1:], [seen[0], seen[0]])

    def test_names(self):
        netdev = ("-netdev", "bridge,id=a,br=nd-default,helper=HELPER", "-device")
        device = "virtio-net-pci,netdev=a,mac=52:54:00:aa:00:%02x"
        self.start("-name", "web shop", *netdev, device % 1, name="1")
        self.start("-uuid", "01234567-89ab-cdef-0123-456789abcdef", *netdev, device % 2, name="2")
        self.start(*netdev, device % 3, name="3")
        self.start("-name", "ignored", *netdev, device % 4, name="4", NETD_GUEST="given")
        self.start("-netdev", f"bridge,id=a,helper={self.helper} --br=nd-default", "-device", device % 5, "-name", "behind-sh",
                   name="5")
        names = {p["mac"][-2:]: p["guest"] for p in self.netd.guests().values()}
        self.assertRegex(names.pop("01"), r"^web_shop-[0-9a-f]{8}$")
        self.assertEqual(names, {"02": "qemu-01234567-89ab-cdef-0123-456789abcdef", "03": "qemu-525400aa0003", "04": "given",
                                 "05": "behind-sh"})

    def test_another_machine_of_the_same_name(self):
        argv = ("-name", "web1", "-netdev", "bridge,id=a,br=nd-default,helper=HELPER", "-device", "virtio-net-pci,netdev=a")
        process, _ = self.start(*argv)
        said = self.fails(*argv)
        self.assertRegex(said, r"guest 'web1' is running already: its interface nt\w+, MAC 52:54:00:12:34:56, is not of "
                         r"process \d+; give this machine a name \(-name\) and a MAC address of its own\n")
        said = self.fails("-name", "web2", *argv[2:])
        self.assertRegex(said, r"MAC address 52:54:00:12:34:56 is in use by .*web1.*; give the card one of its own: "
                         r"-device \.\.\.,mac=\n")
        self.assertEqual(list(self.ports()), ["web1/0"])
        self.assertIsNone(process.poll())

    def test_hot_plug(self):
        """A card that is plugged in later is not on the command line."""
        process, monitor = self.start("-name", "web1", "-netdev", "bridge,id=a,br=nd-default,helper=HELPER", "-device",
                                      "virtio-net-pci,netdev=a", "-device", "pcie-root-port,id=rp0")
        monitor.call("netdev_add", type="bridge", id="b", br="nd-default", helper=self.helper)
        port = self.netd.guests()["web1/1"]
        self.assertIn(f"only a card with MAC {port['mac']} will get through", self.said(process))
        monitor.call("device_add", driver="virtio-net-pci", id="late", netdev="b", mac=port["mac"], bus="rp0")
        self.assertEqual(self.macs(monitor)["b"], port["mac"])

    def test_card_without_a_device_yet(self):
        """Its MAC is not known; the others' are."""
        process, _ = self.start("-name", "web1", "-netdev", "bridge,id=a,br=nd-default,helper=HELPER", "-netdev",
                                "bridge,id=b,br=nd-default,helper=HELPER", "-device",
                                "virtio-net-pci,netdev=b,mac=52:54:00:aa:00:01")
        ports = self.netd.guests()
        self.assertEqual(ports["web1/1"]["mac"], "52:54:00:aa:00:01")
        self.assertIn(f"web1/0 on default: process {process.pid} asks for nd-default, and its card is not on its command line; "
                      f"only a card with MAC {ports['web1/0']['mac']} will get through", self.said(process))

    def test_refused_machine_leaves_nothing(self):
        before = self.host.ns.dump()
        said = self.fails("-netdev", "bridge,id=a,br=nd-none,helper=HELPER", "-device", "virtio-net-pci,netdev=a")
        self.assertIn("access denied by acl file", said)
        self.assertIn("bridge helper failed", said)
        self.assertEqual(self.host.ns.dump(), before)
        self.assertEqual(self.netd.guests(), {})


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Captures: what they see, who may have one, how they end, and what they leave behind."""

import os
import signal
import socket
import struct
import subprocess
import sys
import unittest

from support import NetnsTest

from harness import dhcp
from harness.daemon import CONFIG, NETDCTL
from harness.namespaces import DEADLINE, Host
from harness.pcapng import INBOUND, OUTBOUND, Capture
from harness.varlink import Error

NOBODY = 65534


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


def descriptors(pid):
    return sorted(os.readlink(f"/proc/{pid}/fd/{fd}").split(":")[0] for fd in os.listdir(f"/proc/{pid}/fd"))


def quiet(daemon):
    """The daemon's descriptors while it has one client, that it has answered, and nobody hangs up."""
    with daemon.client() as client:
        while client.call("io.netd.GetStatus")["clients"] != 1:
            pass
        return descriptors(daemon.process.pid)


def is_icmp(packet):
    return packet.data[12:14] == b"\x08\x00" and packet.data[23] == 1


def dhcp_ports(packet):
    return struct.unpack_from("!HH", packet.data, 34) if packet.data[12:14] == b"\x08\x00" and packet.data[23] == 17 else None


class Ctl:
    """netdctl capture, which has begun when this is made."""

    def __init__(self, daemon, *argv, wrapper=()):
        self.file = os.path.join(daemon.directory, "capture.pcapng")
        self.process = subprocess.Popen([*wrapper, NETDCTL, "-s", daemon.socket, "capture", "-w", "-", *argv],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.said = self.process.stderr.readline().decode()

    def end(self, number=signal.SIGINT):
        """Its exit code; the capture is in self.capture."""
        if number:
            self.process.send_signal(number)
        data, said = self.process.communicate(timeout=DEADLINE)
        self.said += said.decode()
        self.capture = Capture(data) if data else None
        return self.process.returncode

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


class CaptureTest(NetnsTest):
    def ctl(self, daemon, *argv, **more):
        ctl = Ctl(daemon, *argv, **more)
        self.addCleanup(ctl.close)
        return ctl

    def without_children(self, daemon):
        self.until(lambda: not children(daemon.process.pid))


class Packets(CaptureTest):
    def test_dhcp_and_ping_both_ways(self):
        daemon = self.daemon()
        vmm = self.vmm(daemon, "web1")
        port = daemon.guests()["web1/0"]
        ctl = self.ctl(daemon, "web1")
        lease = vmm.udhcpc()
        self.assertTrue(vmm.ping(Host.INTERNET_ADDRESS))
        self.assertEqual(ctl.end(), 0)
        seen = ctl.capture
        self.assertRegex(seen.application, r"^netd \d")
        self.assertEqual((seen.linktype, seen.snaplen, seen.interface, seen.description, seen.resolution, seen.filter),
                         (1, 262144, port["interface"], "port web1/0 of netd", 9, None))
        exchange = [(p.direction, dhcp_ports(p)) for p in seen.packets if dhcp_ports(p)]
        self.assertEqual(set(exchange), {(INBOUND, (68, 67)), (OUTBOUND, (67, 68))})
        self.assertGreaterEqual(exchange.count((OUTBOUND, (67, 68))), 2)
        pings = [p for p in seen.packets if is_icmp(p)]
        self.assertEqual([(p.direction, p.data[34]) for p in pings], [(INBOUND, 8), (OUTBOUND, 0)])
        self.assertEqual(socket.inet_ntoa(pings[0].data[26:30]), lease["ip"])
        self.assertEqual(dhcp.mac_text(pings[0].data[6:12]), port["mac"])
        self.assertEqual([p.time for p in seen.packets], sorted(p.time for p in seen.packets))
        self.assertGreaterEqual(seen.received, len(seen.packets))
        self.assertEqual(seen.lost, 0)
        self.assertEqual(ctl.said, "netdctl: capturing at port web1/0\n"
                                   f"netdctl: {len(seen.packets)} packets captured, 0 lost\n")


    def test_filter(self):
        daemon = self.daemon()
        vmm = self.vmm(daemon, "web1")
        ctl = self.ctl(daemon, "web1/0", "icmp", "and", "(icmp[0]", "=", "0", "or", "icmp[0] = 8)")
        vmm.udhcpc()
        self.assertTrue(vmm.ping(Host.INTERNET_ADDRESS))
        self.assertEqual(ctl.end(signal.SIGTERM), 0)
        self.assertEqual(ctl.capture.filter, "icmp and (icmp[0] = 0 or icmp[0] = 8)")
        self.assertEqual([(p.direction, is_icmp(p)) for p in ctl.capture.packets], [(INBOUND, True), (OUTBOUND, True)])

    def test_count_and_snaplen(self):
        daemon = self.daemon()
        vmm = self.vmm(daemon, "web1")
        vmm.udhcpc()
        ctl = self.ctl(daemon, "web1", "--count", "3", "--snaplen", "60", "--", "icmp")
        vmm.run("ping", "-c", "2", "-i", "0.01", "-s", "1000", "10.77.0.1")
        self.assertEqual(ctl.end(None), 0, ctl.said)
        self.assertEqual([(len(p.data), p.length) for p in ctl.capture.packets], [(60, 1042)] * 3)
        self.assertEqual(ctl.capture.snaplen, 60)
        self.assertIsNotNone(ctl.capture.received)

    def test_file(self):
        daemon = self.daemon()
        vmm = self.vmm(daemon, "web1")
        path = os.path.join(daemon.directory, "out.pcapng")
        process = subprocess.Popen([NETDCTL, "-s", daemon.socket, "capture", "web1", "-w", path], stderr=subprocess.PIPE)
        process.stderr.readline()
        vmm.udhcpc()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=DEADLINE)
        self.assertEqual(process.returncode, 0)
        with open(path, "rb") as file:
            self.assertTrue([p for p in Capture(file.read()).packets if dhcp_ports(p)])

    def test_not_to_a_terminal(self):
        daemon = self.daemon()
        self.vmm(daemon, "web1")
        master, slave = os.openpty()
        done = subprocess.run([NETDCTL, "-s", daemon.socket, "capture", "web1"], stdout=slave, stderr=subprocess.PIPE,
                              text=True, timeout=DEADLINE)
        os.close(slave)
        os.close(master)
        self.assertEqual((done.returncode, "-w FILE" in done.stderr), (2, True), done.stderr)


class Refusals(CaptureTest):
    def refused(self, daemon, **parameters):
        with self.assertRaises(Error) as refused:
            daemon.call("Capture", **parameters)
        return refused.exception.name.removeprefix("io.netd."), refused.exception.parameters

    def test_refusals(self):
        daemon = self.daemon()
        vmm = self.vmm(daemon, "web1")
        before = quiet(daemon)
        self.assertEqual(self.refused(daemon, guest="web2"), ("NoSuchGuest", {"guest": "web2"}))
        self.assertEqual(self.refused(daemon, guest="web1", nic=1), ("NoSuchGuest", {"guest": "web1/1"}))
        for length in (0, 262145):
            self.assertEqual(self.refused(daemon, guest="web1", snapshotLength=length)[0], "BadValue")
        self.assertEqual(self.refused(daemon, guest="web1", filter="x" * 1024)[1]["parameter"], "filter")
        for expression, why in (("tcp port", "syntax error"), ("icmp) or (icmp", "syntax error"),
                                ("tcp[99999999999]", ""), ("\u00e9", "")):
            with self.subTest(expression):
                name, parameters = self.refused(daemon, guest="web1", filter=expression)
                self.assertEqual((name, parameters["filter"]), ("BadFilter", expression))
                self.assertIn(why, parameters["reason"])
        code, out, said = daemon.ctl("capture", "web1", "-w", "-", "tcp", "port", check=False)
        self.assertEqual((code, out), (1, ""))
        self.assertRegex(said, r"^netdctl: filter 'tcp port' is not acceptable: .*syntax error\n$")
        vmm.close()
        daemon.call("Wait", guest="web1", **{"for": "gone"})
        self.assertEqual(self.refused(daemon, guest="web1"), ("NotAttached", {"port": "web1/0"}))
        self.without_children(daemon)
        self.until(lambda: quiet(daemon) == before)

    def test_arguments(self):
        daemon = self.daemon()
        for argv in ((), ("web1", "-w"), ("web1", "-x", "1"), ("web1", "--w", "x"), ("web1", "-w", "x", "-w", "y"),
                     ("web1", "--count", "0"), ("web1", "--snaplen", "x"), ("web1/x",), ("web1", "--dropped=1")):
            self.assertEqual(daemon.ctl("capture", *argv, check=False)[0], 2, argv)

    def test_no_more_than_there_may_be(self):
        daemon = self.daemon()
        self.vmm(daemon, "web1")
        before = quiet(daemon)
        fds = []
        for _ in range(16):
            with daemon.client() as client:
                client.call("io.netd.Capture", guest="web1")
                fds += client.fds
        self.assertEqual(len(fds), 16)
        self.assertEqual(self.refused(daemon, guest="web1"), ("TooManyCaptures", {}))
        os.close(fds.pop())
        self.until(lambda: len(children(daemon.process.pid)) == 15)
        with daemon.client() as client:
            client.call("io.netd.Capture", guest="web1")
            fds += client.fds
        for fd in fds:
            os.close(fd)
        self.without_children(daemon)
        self.until(lambda: quiet(daemon) == before)

    def test_caller_that_hangs_up(self):
        daemon = self.daemon()
        self.vmm(daemon, "web1")
        before = quiet(daemon)
        for _ in range(20):
            with daemon.client() as client:
                client.send({"method": "io.netd.Capture", "parameters": {"guest": "web1"}})
            with daemon.client() as client:
                client.send({"method": "io.netd.Capture", "parameters": {"guest": "web1"}, "oneway": True})
                client.call("io.netd.GetStatus")
            self.without_children(daemon)
        self.until(lambda: quiet(daemon) == before)


class Owner(CaptureTest):
    def setUp(self):
        super().setUp()
        if os.getuid() != 0 or subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "true"],
                                              stderr=subprocess.DEVNULL).returncode:
            self.leave_out("this user cannot become another")

    def owned(self, **more):
        """A daemon with a guest of a user's, and one of root's."""
        daemon = self.daemon("socket { mode = 0666 }\n" + CONFIG, **more)
        vmm = self.vmm(daemon, "web1")
        self.vmm(daemon, "web2")
        daemon.stop()
        subprocess.run(["sqlite3", os.path.join(daemon.state, "state.db"),
                        "UPDATE allocation SET owner = 1234 WHERE guest = 'web1'"], check=True)
        daemon.start()
        os.chmod(daemon.directory, 0o755)
        self.program = os.path.join(daemon.directory, "netdctl")
        subprocess.run(["install", "-m", "755", NETDCTL, self.program], check=True)
        return daemon, vmm

    def as_user(self, uid, *argv):
        return ["setpriv", "--reuid", str(uid), "--regid", str(uid), "--clear-groups", *argv]

    def said_to(self, daemon, uid, *argv):
        done = subprocess.run(self.as_user(uid, self.program, "-s", daemon.socket, *argv), capture_output=True, text=True,
                              timeout=DEADLINE)
        return done.returncode, done.stderr

    def test_owner_without_root(self):
        daemon, vmm = self.owned()
        script = os.path.join(daemon.directory, "run")
        with open(script, "w", encoding="ascii") as file:
            file.write(f"#!/bin/sh\nshift\nexec {self.program} \"$@\"\n")
        os.chmod(script, 0o755)
        ctl = self.ctl(daemon, "web1", wrapper=self.as_user(1234, script))
        vmm.udhcpc()
        self.assertEqual(ctl.end(), 0)
        self.assertTrue([p for p in ctl.capture.packets if dhcp_ports(p) == (67, 68)])
        # Nobody else's, and nobody else.
        for uid, guest in ((1234, "web2"), (1234, "web3"), (1235, "web1"), (1235, "web2"), (NOBODY, "web1")):
            self.assertEqual(self.said_to(daemon, uid, "capture", guest, "-w", "-"),
                             (1, f"netdctl: there is no guest '{guest}'\n"))
        self.assertEqual(self.said_to(daemon, 1234, "guests"), (0, ""))
        self.assertEqual(self.said_to(daemon, 1235, "guests")[0], 1)

    def test_four_of_a_user(self):
        daemon, _ = self.owned()
        script = ("import sys; sys.path.insert(0, sys.argv[2])\nfrom harness.varlink import *\n"
                  "keep = []\n"
                  "try:\n"
                  "    while True:\n"
                  "        keep.append(Client(sys.argv[1]))\n"
                  "        keep[-1].call('io.netd.Capture', guest='web1')\n"
                  "except Error as e:\n    print(len(keep) - 1, e.name)\n")
        helper = os.path.join(daemon.directory, "helper")
        subprocess.run(["cp", "-r", os.path.join(os.path.dirname(__file__), "..", "harness"), helper + "-harness"], check=True)
        os.makedirs(helper)
        os.rename(helper + "-harness", os.path.join(helper, "harness"))
        subprocess.run(["chmod", "-R", "a+rX", helper], check=True)
        done = subprocess.run(self.as_user(1234, sys.executable, "-c", script, daemon.socket, helper), capture_output=True,
                              text=True, timeout=DEADLINE)
        self.assertEqual(done.stdout.split(), ["4", "io.netd.TooManyCaptures"], done.stderr)
        self.without_children(daemon)

    def test_its_process_may_nothing(self):
        """Also with what netd.service leaves the daemon."""
        top = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
        with open(os.path.join(top, "netd", "netd.service.in"), encoding="utf-8") as unit:
            line = next(line for line in unit if line.startswith("CapabilityBoundingSet="))
        wanted = ",".join("+" + word.removeprefix("CAP_").lower() for word in line.split("=")[1].split())
        for wrapper in ((), ("setpriv", "--no-new-privs", "--inh-caps=-all", f"--bounding-set=-all,{wanted}")):
            daemon = self.daemon(CONFIG, wrapper=wrapper)
            vmm = self.vmm(daemon, "web1")
            ctl = self.ctl(daemon, "web1")
            pid, = children(daemon.process.pid)
            with open(f"/proc/{pid}/status", encoding="utf-8") as file:
                status = dict(line.rstrip("\n").split(":\t", 1) for line in file)
            self.assertEqual((status["Uid"].split(), status["Gid"].split(), status["Groups"].strip()),
                             ([str(NOBODY)] * 4, [str(NOBODY)] * 4, ""))
            for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
                self.assertEqual(int(status[name], 16), 0, name)
            self.assertEqual((status["NoNewPrivs"], status["Name"]), ("1", "netd-capture"))
            self.assertEqual([kind for kind in descriptors(pid) if kind not in ("/dev/null", "anon_inode")],
                             ["socket"] * 4, "the two to netd and the reader, and two of packets")
            vmm.udhcpc()
            self.assertEqual(ctl.end(), 0)
            self.assertTrue(ctl.capture.packets)
            vmm.close()
            daemon.stop()
            self.host.close()
            self.host.__init__(self.MTU, self.UPLINK)


class Ends(CaptureTest):
    def begin(self):
        daemon = self.daemon()
        vmm = self.vmm(daemon, "web1")
        self.before = quiet(daemon)
        self.sockets = self.host.ns.run("cat", "/proc/net/packet").count("\n")
        ctl = self.ctl(daemon, "web1")
        self.assertEqual(len(children(daemon.process.pid)), 1)
        vmm.udhcpc()
        return daemon, vmm, ctl

    def check(self, daemon, ctl):
        """It has ended by itself, as it should, and nothing is left of it."""
        self.assertEqual(ctl.end(None), 0)
        self.assertGreaterEqual(len([p for p in ctl.capture.packets if dhcp_ports(p)]), 4)
        self.assertIsNotNone(ctl.capture.received)
        if daemon.process.poll() is None:
            self.without_children(daemon)
            self.until(lambda: quiet(daemon) == self.before)

    def without_sockets(self):
        self.until(lambda: self.host.ns.run("cat", "/proc/net/packet").count("\n") == self.sockets)

    def test_detach(self):
        daemon, _, ctl = self.begin()
        daemon.ctl("detach", "web1")
        self.check(daemon, ctl)
        self.without_sockets()

    def test_death_of_the_vmm(self):
        daemon, vmm, ctl = self.begin()
        vmm.process.kill()
        self.check(daemon, ctl)
        self.without_sockets()

    def test_end_of_the_daemon(self):
        for how in ("stop", "kill"):
            daemon, vmm, ctl = self.begin()
            pid, = children(daemon.process.pid)
            getattr(daemon, how)()
            self.check(daemon, ctl)
            self.until(lambda pid=pid: not os.path.exists(f"/proc/{pid}"))
            # What it leaves behind is not in the way of the next one.
            daemon.start()
            self.assertEqual(self.ctl(daemon, "web1").end(), 0)
            vmm.close()
            daemon.stop()
            self.host.close()
            self.host.__init__(self.MTU, self.UPLINK)

    def test_reader_that_closes(self):
        """Also when no packet comes that would be written."""
        daemon, _, ctl = self.begin()
        ctl.process.kill()
        ctl.process.communicate()
        self.without_children(daemon)
        self.until(lambda: quiet(daemon) == self.before)
        self.without_sockets()

    def test_reader_that_does_not_read(self):
        """It loses packets, and neither the guest nor the daemon anything; what it gets at last is whole."""
        daemon, vmm, ctl = self.begin()
        with daemon.client() as client:
            client.call("io.netd.Capture", guest="web1", filter="icmp")
            stream = socket.socket(fileno=client.fds[0])
        vmm.run("ping", "-q", "-f", "-s", "1400", "-c", "4000", "10.77.0.1")
        self.assertTrue(vmm.ping(Host.INTERNET_ADDRESS))
        self.assertEqual(len(daemon.guests()), 1)
        vmm.udhcpc()
        stream.shutdown(socket.SHUT_WR)
        stream.settimeout(DEADLINE)
        data = b"".join(iter(lambda: stream.recv(1 << 20), b""))
        stream.close()
        seen = Capture(data)
        self.assertGreater(seen.lost, 0)
        self.assertGreaterEqual(seen.received, seen.lost + len(seen.packets))
        self.assertGreater(len(seen.packets), 100)
        self.assertEqual(ctl.end(), 0)

    def test_stuck_reader_s_capture_ends(self):
        """Its process waits for it no longer than a moment when the device has gone."""
        daemon, vmm, ctl = self.begin()
        ctl.end()
        with daemon.client() as client:
            client.call("io.netd.Capture", guest="web1")
            vmm.run("ping", "-q", "-f", "-s", "1400", "-c", "1000", "10.77.0.1")
            daemon.ctl("detach", "web1")
            self.without_children(daemon)
            for fd in client.fds:
                os.close(fd)

    def test_nothing_is_in_the_way_without_one(self):
        daemon, _, ctl = self.begin()
        self.assertEqual(self.host.ns.run("cat", "/proc/net/packet").count("\n"), self.sockets + 2)
        ctl.end()
        self.without_sockets()
        self.without_children(daemon)


class Dropped(CaptureTest):
    OTHER = "52:54:00:00:00:99"

    def captured(self):
        return self.host.ns.run("nft", "list", "set", "bridge", "netd", "captured")

    def test_with_the_reason(self):
        """What is dropped, and nothing else; each frame as the guest sent it."""
        daemon = self.daemon()
        vmm = self.vmm(daemon, "web1")
        self.vmm(daemon, "web2")
        port = daemon.guests()["web1/0"]
        before = quiet(daemon)
        ctl, udp = self.ctl(daemon, "web1", "--dropped"), self.ctl(daemon, "web1", "--dropped", "udp", "port", "7")
        self.assertRegex(self.captured(), f'elements = {{ "{port["interface"]}" }}')
        own = {"mac": port["mac"], "source": port["addresses"][0].split("/")[0]}
        frames = [("mac", dhcp.frame(b"x" * 20, port=7, **{**own, "mac": self.OTHER})),
                  ("ip", dhcp.frame(b"y" * 20, port=8, **{**own, "source": "10.77.0.9"})),
                  ("vlan", dhcp.frame(b"z" * 20, port=7, vlan=0x2005, **own)),
                  ("dhcp-server", dhcp.frame(b"s" * 300, source_port=67, port=68, **own)),
                  ("ethertype", dhcp.mac_octets("ff:ff:ff:ff:ff:ff" + port["mac"]) + b"\x88\xcc" + bytes(46))]
        with dhcp.Wire(vmm) as wire:
            for _, frame in frames:
                wire.send(frame)
                wire.send(dhcp.frame(b"x" * 20, port=7, **own))
        vmm.udhcpc()
        self.assertTrue(vmm.ping(Host.INTERNET_ADDRESS))
        self.assertEqual((ctl.end(), udp.end()), (0, 0))
        seen = [p for p in ctl.capture.packets if p.data[12:14] != b"\x86\xdd"]  # the card's own IPv6 begins by itself
        self.assertEqual([(p.comment, p.data) for p in seen], frames)
        self.assertEqual({p.direction for p in seen}, {INBOUND})
        self.assertEqual([p.time for p in seen], sorted(p.time for p in seen))
        self.assertEqual((ctl.capture.description, ctl.capture.lost),
                         ("what the guard dropped of port web1/0 of netd", 0))
        self.assertEqual([p.comment for p in udp.capture.packets], ["mac"])
        self.until(lambda: quiet(daemon) == before)
        self.assertNotIn("elements", self.captured())

    def spoof(self, vmm):
        with dhcp.Wire(vmm) as wire:
            wire.send(dhcp.frame(b"x" * 20, mac=self.OTHER, port=7))

    def test_rules_made_anew(self):
        daemon = self.daemon()
        vmm = self.vmm(daemon, "web1")
        ctl = self.ctl(daemon, "web1", "--dropped", "udp", "port", "7")
        self.spoof(vmm)
        handle = self.host.ns.run("nft", "-a", "list", "table", "bridge", "netd").split("handle", 1)[1].split()[0]
        daemon.configure(CONFIG + "network other { subnet = 10.78.0.1/24 }\n")
        daemon.ctl("reload")
        again = self.host.ns.run("nft", "-a", "list", "table", "bridge", "netd").split("handle", 1)[1].split()[0]
        self.assertNotEqual(handle, again)
        self.spoof(vmm)
        self.assertEqual(ctl.end(), 0)
        self.assertEqual([p.comment for p in ctl.capture.packets], ["mac"] * 2)

    def test_what_is_only_logged_is_not_dropped(self):
        daemon = self.daemon(CONFIG.replace("domain", "guard = log\n\tdomain"))
        vmm = self.vmm(daemon, "web1")
        ctl = self.ctl(daemon, "web1", "--dropped", "udp", "port", "7")
        self.spoof(vmm)
        self.assertTrue(vmm.udhcpc())
        self.assertEqual(ctl.end(), 0)
        self.assertEqual(ctl.capture.packets, [])

    def test_daemon_is_killed(self):
        daemon = self.daemon()
        vmm = self.vmm(daemon, "web1")
        ctl = self.ctl(daemon, "web1", "--dropped", "udp", "port", "7")
        self.spoof(vmm)
        # It is read, and is on its way to the process, when this is answered.
        self.until(lambda: daemon.call("GetStatus") and True)
        daemon.kill()
        self.assertEqual(ctl.end(None), 0)
        self.assertIsNotNone(ctl.capture.received)
        daemon.start()
        self.assertNotIn("elements", self.captured())

    def test_flood(self):
        """More than there is room for while netd does something else; the other guests are served all the same."""
        daemon = self.daemon()
        vmm, other = self.vmm(daemon, "web1"), self.vmm(daemon, "web2")
        with daemon.client() as client:
            client.call("io.netd.Capture", guest="web1", dropped=True, filter="udp port 7 or udp port 9")
            stream = socket.socket(fileno=client.fds[0])
        frame, last = (dhcp.frame(b"x" * size, mac=self.OTHER, port=port) for size, port in ((1000, 7), (20, 9)))
        daemon.process.send_signal(signal.SIGSTOP)
        with dhcp.Wire(vmm) as wire:
            for _ in range(20000):
                wire.send(frame)
            daemon.process.send_signal(signal.SIGCONT)
            other.udhcpc()
            stream.settimeout(0.05)
            data = b""
            while last not in data:
                wire.send(last)  # until there is room for it
                try:
                    data += stream.recv(1 << 20)
                except socket.timeout:
                    pass
        stream.settimeout(DEADLINE)
        stream.shutdown(socket.SHUT_WR)
        seen = Capture(data + b"".join(iter(lambda: stream.recv(1 << 20), b"")))
        stream.close()
        self.assertEqual({p.comment for p in seen.packets}, {"mac"})
        self.assertGreater(len(seen.packets), 50)
        self.assertGreater(seen.lost, 0)


if __name__ == "__main__":
    unittest.main()

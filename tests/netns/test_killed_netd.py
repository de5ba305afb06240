#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""netd is killed before each system call of an attach, and started again: of each kind of device nothing is left, on the
host or in a network namespace, or it is adopted. And a client that is killed, with each kind."""

import ctypes
import json
import os
import signal
import socket
import unittest

from support import NetnsTest

from harness.daemon import CONFIG
from harness.namespaces import Namespace

PTRACE_CONT, PTRACE_SYSCALL, PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_GET_SYSCALL_INFO = 7, 24, 0x4206, 0x4207, 0x420e
ENTRY = 1  # PTRACE_SYSCALL_INFO_ENTRY
PTRACE_O_TRACESYSGOOD = 1
LAN = CONFIG + "network lan { mode = macvtap  uplink = up0  subnet = 192.0.2.1/24  range = { 192.0.2.50-192.0.2.99 } }\n"


class Tracee:
    """The daemon's first thread, stopped at each system call."""

    def __init__(self, pid):
        self.pid = pid
        self.libc = ctypes.CDLL(None, use_errno=True)

    def ptrace(self, request, data=0, address=0):
        if self.libc.ptrace(request, self.pid, ctypes.c_void_p(address), ctypes.c_void_p(data)) < 0:
            raise OSError(ctypes.get_errno(), "ptrace")

    def seize(self):
        self.ptrace(PTRACE_SEIZE, PTRACE_O_TRACESYSGOOD)
        self.ptrace(PTRACE_INTERRUPT)
        os.waitpid(self.pid, 0)

    def at_entry(self):
        info = ctypes.create_string_buffer(128)
        self.libc.ptrace(PTRACE_GET_SYSCALL_INFO, self.pid, ctypes.c_void_p(len(info)), info)
        return info.raw[0] == ENTRY

    def run_to_entry(self):
        """Until the next system call begins."""
        while True:
            self.ptrace(PTRACE_SYSCALL)
            _, status = os.waitpid(self.pid, 0)
            if not os.WIFSTOPPED(status):
                raise AssertionError(f"it ended by itself: {status}")
            if os.WSTOPSIG(status) == signal.SIGTRAP | 0x80 and self.at_entry():
                return


class KilledTest(NetnsTest):
    def begin(self, config=CONFIG):
        self.box = Namespace("box")
        self.addCleanup(self.box.close)
        self.netns = os.open(f"/proc/{self.box.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self.addCleanup(os.close, self.netns)
        return self.daemon(config)

    def state(self):
        return self.host.ns.dump(), self.box.dump()

    def send(self, client, parameters):
        call = json.dumps({"method": "io.netd.Attach", "parameters": parameters}).encode() + b"\0"
        socket.send_fds(client.socket, [call], [self.netns] if "networkNamespace" in parameters else [])

    @staticmethod
    def answer(client):
        """The reply that a client has got, before its connection ended; None: there was none."""
        try:
            reply = client.reply()
        except (OSError, EOFError):
            return None
        for fd in client.fds:
            os.close(fd)
        return reply

    def dies(self, daemon, step):
        pid = os.fork()
        if pid == 0:
            try:
                client = daemon.client()
                step(client)
            finally:
                os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(pid, 0)


class KilledNetd(KilledTest):
    def killed_at(self, daemon, parameters, step):
        """Kills it before its step-th system call of an attach; whether that was before it was over, and the answer."""
        tracee = Tracee(daemon.process.pid)
        client = daemon.client()
        client.call("org.varlink.service.GetInfo")
        tracee.seize()
        self.send(client, parameters)
        client.socket.setblocking(False)
        for _ in range(step):
            tracee.run_to_entry()
        daemon.process.kill()
        daemon.process.wait()
        client.socket.setblocking(True)
        reply = self.answer(client)
        client.close()
        return reply

    def check(self, daemon, parameters, whole):
        """Until it is killed behind the answer. whole: what an adopted one must have."""
        guest = parameters["guest"]
        before = self.state()
        adopted = removed = 0
        step = 1
        while True:
            reply = self.killed_at(daemon, parameters, step)
            daemon.start()
            port = daemon.guests().get(f"{guest}/0")
            if port and port["state"] == "attached":
                adopted += 1
                whole(port)
                daemon.ctl("detach", guest)
            else:
                removed += 1
                self.assertTrue(reply is None or parameters.get("device") is None, (step, "it was answered, and is gone"))
            self.until(lambda: self.state() == before)
            self.assertEqual(self.state(), before, step)
            if reply is not None:
                break
            step += 1
        print(f"{parameters}: killed before {step} system calls: {removed} times nothing was left, {adopted} times it was adopted")
        self.assertGreater(removed, 10)
        return adopted

    def inside(self, name):
        return self.box.json("ip", "-j", "addr", "show", "dev", name)[0]

    def has_all(self, port):
        inside = self.inside(port["guestInterface"])
        self.assertEqual([f"{a['local']}/{a['prefixlen']}" for a in inside["addr_info"] if a["family"] == "inet"],
                         port["addresses"])
        self.assertEqual(self.box.json("ip", "-j", "route", "show", "default")[0]["gateway"], "10.77.0.1")

    def test_veth(self):
        daemon = self.begin()
        self.assertGreater(self.check(daemon, {"guest": "c1", "device": "veth", "networkNamespace": 0}, self.has_all), 0)

    def test_tap(self):
        daemon = self.begin()
        self.assertGreater(self.check(daemon, {"guest": "vm", "device": "tap"}, lambda port: None), 0)

    def test_tap_of_a_name(self):
        daemon = self.begin()
        self.assertGreater(self.check(daemon, {"guest": "vm", "device": "tap", "interface": "tap7"}, lambda port: None), 0)

    def test_tap_in_a_namespace(self):
        daemon = self.begin()
        self.assertGreater(self.check(daemon, {"guest": "vm", "device": "tap", "interface": "tap0", "networkNamespace": 0},
                                      lambda port: self.inside("tap0")), 0)

    def test_macvtap(self):
        self.check(self.begin(LAN), {"guest": "vm", "network": "lan", "vhost": "off"}, lambda port: None)

    def test_descriptors(self):
        self.check(self.begin(), {"guest": "vm", "network": "default", "vhost": "off"}, lambda port: None)


class KilledClient(KilledTest):
    """A call of a client that was killed, of each kind of device, is not carried out, or is undone."""

    KINDS = (("default", {"device": "veth", "networkNamespace": 0}), ("default", {"device": "tap"}),
             ("default", {"device": "tap", "networkNamespace": 0, "interface": "tap0"}), ("lan", {}), ("default", {}))

    def test_request_on_its_way(self):
        daemon = self.begin(LAN)
        before = self.state()
        for network, kind in self.KINDS:
            with self.subTest(kind=kind, network=network):
                known = daemon.client()
                known.call("org.varlink.service.GetInfo")
                daemon.process.send_signal(signal.SIGSTOP)
                os.waitid(os.P_PID, daemon.process.pid, os.WSTOPPED | os.WNOWAIT)
                self.send(known, {"guest": "a", "network": network, **kind})
                self.dies(daemon, lambda client: self.send(client, {"guest": "b", "network": network, **kind}))
                known.close()
                daemon.process.send_signal(signal.SIGCONT)
                self.until(lambda: daemon.call("GetStatus")["clients"] == 1 and self.state() == before)
                self.assertEqual([g for g in daemon.guests().values() if g["state"] != "reserved"], [])

    def test_parts_of_a_request(self):
        daemon = self.begin(LAN)
        before = self.state()
        for network, kind in self.KINDS:
            call = json.dumps({"method": "io.netd.Attach", "parameters": {"guest": "a", "network": network, **kind}}).encode()
            for n in range(1, len(call), 20):
                self.dies(daemon, lambda client: socket.send_fds(client.socket, [call[:n]], [self.netns]))
        self.until(lambda: daemon.call("GetStatus")["clients"] == 1)
        self.assertEqual(self.state(), before)
        self.assertEqual(daemon.guests(), {})


if __name__ == "__main__":
    unittest.main()

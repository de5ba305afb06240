#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A client that is killed, wherever it is in an attach, leaves nothing: no link, address, route, rule, and no row."""

import ctypes
import json
import os
import signal
import socket
import unittest

from support import NetnsTest

from harness.daemon import CONFIG, NETDCTL

CALL = json.dumps({"method": "io.netd.Attach", "parameters": {"guest": "web1", "vhost": "off"}}).encode() + b"\0"
PTRACE_TRACEME, PTRACE_SYSCALL = 0, 24


class KilledTest(NetnsTest):
    def begin(self, allocated):
        """A daemon with a guest beside the one in question, which has an allocation already, or not."""
        daemon = self.daemon(CONFIG)
        self.vmm(daemon, "other")
        if allocated:
            with daemon.client() as client:
                client.send(CALL)
                client.reply()
                for fd in client.fds:
                    os.close(fd)
            self.until(lambda: daemon.guests()["web1/0"]["state"] == "reserved")
        self.before = self.state(daemon)
        return daemon

    def state(self, daemon):
        """All of the host that could be left behind, and all that netd has of guests but when they did what."""
        return self.host.ns.dump(), daemon.call("ListGuests"), daemon.call("ListLeases"), daemon.call("ListPublished")

    def nothing_left(self, daemon, step):
        self.until(lambda: daemon.call("GetStatus")["clients"] == 1 and self.state(daemon) == self.before)
        self.assertEqual(self.state(daemon), self.before, step)

    def dies(self, daemon, step):
        """A process that connects, does a step, and is killed by nobody but the kernel's own SIGKILL."""
        pid = os.fork()
        if pid == 0:
            try:
                client = daemon.client()
                step(client)
            finally:
                os.kill(os.getpid(), signal.SIGKILL)
        return pid

    def end(self, pid):
        _, status = os.waitpid(pid, 0)
        self.assertEqual(os.WTERMSIG(status), signal.SIGKILL)

    def rows_are(self, daemon, before):
        """What is in the state, which can be read when the daemon is down."""
        daemon.stop()
        self.assertEqual(daemon.rows(), before)

    def rows(self, daemon):
        daemon.stop()
        rows = daemon.rows()
        daemon.start()
        return rows

    def check(self, allocated, *steps):
        """Each step is a client's last."""
        daemon = self.begin(allocated)
        rows = self.rows(daemon)
        for name, step in steps:
            with self.subTest(name):
                self.end(self.dies(daemon, step))
                self.nothing_left(daemon, name)
        self.rows_are(daemon, rows)


class Killed(KilledTest):
    # --- before there is a reply ---

    def test_connected(self):
        self.check(False, ("connected", lambda client: None))

    def test_every_part_of_a_request(self):
        self.check(False, *((f"{n} octets", lambda client, n=n: client.send(CALL[:n])) for n in range(1, len(CALL), 7)))

    def on_its_way(self, allocated):
        """netd finds whole requests of clients that are no more, one of which it knew."""
        daemon = self.begin(allocated)
        rows = self.rows(daemon)
        client = daemon.client()
        client.call("org.varlink.service.GetInfo")
        daemon.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, daemon.process.pid, os.WSTOPPED | os.WNOWAIT)
        client.send(CALL)
        self.end(self.dies(daemon, lambda another: another.send(CALL)))
        client.close()
        daemon.process.send_signal(signal.SIGCONT)
        self.nothing_left(daemon, "on its way")
        self.rows_are(daemon, rows)

    def test_request_on_its_way(self):
        self.on_its_way(True)

    def test_new_guest_s_request_on_its_way(self):
        self.on_its_way(False)

    # --- after it ---

    @staticmethod
    def take_no_descriptors(client):
        client.send(CALL)
        while not client.socket.recv(65536).endswith(b"\0"):
            pass

    @staticmethod
    def take_all(client):
        client.send(CALL)
        client.reply()

    def test_with_the_reply(self):
        """The reply was delivered: the allocation is the guest's, who had it before."""
        self.check(True, ("reply not read", lambda client: (client.send(CALL), client.socket.recv(1, socket.MSG_PEEK))),
                   ("descriptors not taken", self.take_no_descriptors), ("descriptors taken", self.take_all))

    def test_new_guest_with_the_reply(self):
        """Of a new guest the allocation stays, and nothing else, until it is released."""
        daemon = self.begin(False)
        rows = self.rows(daemon)
        for step in (self.take_no_descriptors, self.take_all):
            self.end(self.dies(daemon, step))
            self.until(lambda: daemon.guests()["web1/0"]["state"] == "reserved")
            self.assertEqual(self.host.ns.dump(), self.before[0])
            daemon.ctl("release", "web1")
            self.nothing_left(daemon, "released")
        self.rows_are(daemon, rows)


class EverySystemCall(KilledTest):
    """netdctl run, killed before and behind each system call that it makes, until it has become its VMM."""

    def killed_at(self, daemon, stop):
        """Runs it to its stop-th stop. Whether it had a socket, and whether it was still netdctl."""
        libc = ctypes.CDLL(None, use_errno=True)
        null = ctypes.c_void_p(0)
        pid = os.fork()
        if pid == 0:
            os.close(1)
            os.close(2)
            libc.ptrace(PTRACE_TRACEME, 0, null, null)
            os.execv(NETDCTL, ["netdctl", "-s", daemon.socket, "run", "web1", "--vhost", "off", "--", "/bin/sleep", "{fds}",
                               "infinity"])
        _, status = os.waitpid(pid, 0)  # behind execve
        if not os.WIFSTOPPED(status):
            self.leave_out("this user may not trace a process")
        for _ in range(stop):
            if libc.ptrace(PTRACE_SYSCALL, pid, null, null):
                raise OSError(ctypes.get_errno(), "ptrace")
            _, status = os.waitpid(pid, 0)
            if not os.WIFSTOPPED(status):
                raise AssertionError(f"it ended by itself: {status}")
        links = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
        program = os.readlink(f"/proc/{pid}/exe")
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        self.assertTrue(os.WIFSIGNALED(status))
        return any(link.startswith("socket:") for link in links), program.endswith("netdctl")

    def at_every_stop(self, allocated):
        daemon = self.begin(allocated)
        rows = self.rows(daemon)
        connected, promised, stop = 0, 0, 1
        while True:
            had_socket, is_netdctl = self.killed_at(daemon, stop)
            if not is_netdctl:
                break
            connected += had_socket
            self.until(lambda: daemon.call("GetStatus")["clients"] == 1 and daemon.call("GetStatus")["attached"] == 1)
            if not allocated and "web1/0" in daemon.guests():
                promised += 1
                daemon.ctl("release", "web1")
            if had_socket or promised:
                self.nothing_left(daemon, f"stop {stop}")
            stop += 1
        if not allocated:
            daemon.ctl("release", "web1")
        self.nothing_left(daemon, "its VMM")
        print(f"netdctl killed at {stop} places, {connected} of them with a connection")
        self.assertGreater(connected, 10)
        self.rows_are(daemon, rows)

    def test_run(self):
        self.at_every_stop(True)

    def test_run_of_a_new_guest(self):
        """What it was told of stays: its allocation. Whatever else there was is gone."""
        self.at_every_stop(False)


if __name__ == "__main__":
    unittest.main()

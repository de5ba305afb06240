#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What is malformed, too large, too much or broken: one sentence, a named error, and a daemon that goes on."""

import json
import os
import resource
import shutil
import socket
import subprocess
import unittest

from support import NetnsTest

from harness import dhcp
from harness.daemon import NETDCTL
from harness.namespaces import DEADLINE
from harness.varlink import Client, Error


def raw_call(path, data):
    """Sends octets; everything that comes back until the daemon closes the connection."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.settimeout(DEADLINE)
        s.connect(path)
        try:
            s.sendall(data)
        except BrokenPipeError:
            pass
        answer = b""
        while True:
            try:
                part = s.recv(65536)
            except ConnectionResetError:
                break
            if not part:
                break
            answer += part
        return [json.loads(text) for text in answer.split(b"\0") if text]


class Messages(NetnsTest):
    def test_not_a_message(self):
        daemon = self.daemon()
        with daemon.client() as client: # its own descriptor counts in both
            client.call("io.netd.GetStatus")
            fds = len(os.listdir(f"/proc/{daemon.process.pid}/fd"))
        deep = b'{"method":"io.netd.GetStatus","parameters":' + b'{"a":' * 20 + b"1" + b"}" * 20 + b"}\0"
        array = b"[" * 20000 + b"]" * 20000 + b"\0"
        cases = (
            (b"nonsense\0", "expected"),
            (b"\0", ""),
            (b'{"method":"io.netd.GetStatus"', None),
            (b"[]\0", "not a Varlink call"),
            (b'{"method":7}\0', "not a Varlink call"),
            (b'{"method":"io.netd.GetStatus","parameters":[]}\0', "not a Varlink call"),
            (b'{"method":"io.netd.GetStatus","more":1}\0', "not a Varlink call"),
            (b'{"method":"a","method":"b"}\0', "duplicate"),
            (b'{"method":"\xff\xfe"}\0', ""),
            (deep, "nested more than 16 deep"),
            (array, "nested more than 16 deep"),
            (b"x" * 65536, "longer than 65536 octets"),
            (b'{"method":"' + b"x" * 70000 + b'"}\0', "longer than 65536 octets"),
        )
        for data, reason in cases:
            with self.subTest(data=data[:60]):
                if reason is None:
                    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
                        s.connect(daemon.socket)
                        s.sendall(data)
                    continue
                answers = raw_call(daemon.socket, data)
                self.assertEqual(len(answers), 1)
                self.assertEqual(answers[0]["error"], "io.netd.BadMessage")
                self.assertIn(reason, answers[0]["parameters"]["reason"])
        with daemon.client() as client:
            self.until(lambda: client.call("io.netd.GetStatus")["clients"] == 1)
            self.assertEqual(len(os.listdir(f"/proc/{daemon.process.pid}/fd")), fds)

    def test_wrong_calls(self):
        daemon = self.daemon()
        cases = (
            ("io.netd.Nothing", {}, "org.varlink.service.MethodNotFound", {"method": "io.netd.Nothing"}),
            ("org.example.Nothing", {}, "org.varlink.service.InterfaceNotFound", {"interface": "org.example"}),
            ("nothing", {}, "org.varlink.service.InterfaceNotFound", {"interface": ""}),
            ("io.netd.Attach", {}, "org.varlink.service.InvalidParameter", {"parameter": "guest"}),
            ("io.netd.Attach", {"guest": 7}, "org.varlink.service.InvalidParameter", {"parameter": "guest"}),
            ("io.netd.Attach", {"guest": "a", "nic": -1}, "org.varlink.service.InvalidParameter", {"parameter": "nic"}),
            ("io.netd.Attach", {"guest": "a", "nic": 1 << 40}, "org.varlink.service.InvalidParameter", {"parameter": "nic"}),
            ("io.netd.Attach", {"guest": "a", "addresses": "x"}, "org.varlink.service.InvalidParameter",
             {"parameter": "addresses"}),
            ("io.netd.Attach", {"guest": "a", "addresses": [7]}, "org.varlink.service.InvalidParameter",
             {"parameter": "addresses"}),
            ("io.netd.Attach", {"guest": "a", "colour": "red"}, "org.varlink.service.InvalidParameter",
             {"parameter": "colour"}),
            ("io.netd.GetStatus", {"x": 1}, "org.varlink.service.InvalidParameter", {"parameter": "x"}),
            ("io.netd.Watch", {}, "org.varlink.service.ExpectedMore", {}),
            ("io.netd.ListNetworks", {"name": "none"}, "io.netd.NoSuchNetwork", {"network": "none"}),
            ("io.netd.ListLeases", {"network": "none"}, "io.netd.NoSuchNetwork", {"network": "none"}),
            ("io.netd.Detach", {"guest": "none"}, "io.netd.NoSuchGuest", {"guest": "none"}),
            ("io.netd.Wait", {"guest": "a", "for": "rain"}, "io.netd.BadValue",
             {"parameter": "for", "reason": "it is not attached, bound or gone"}),
            ("io.netd.Wait", {"guest": "a", "for": "bound", "timeoutSeconds": 0}, "io.netd.TimedOut", {}),
        )
        with daemon.client() as client:
            for method, parameters, name, expected in cases:
                with self.subTest(method=method, parameters=parameters):
                    with self.assertRaises(Error) as refused:
                        client.call(method, **parameters)
                    self.assertEqual((refused.exception.name, refused.exception.parameters), (name, expected))

    def test_pipelined_and_slow(self):
        """Several calls in one write, and one octet at a time."""
        daemon = self.daemon()
        one = b'{"method":"org.varlink.service.GetInfo"}\0'
        with daemon.client() as client:
            client.send(one * 20)
            for _ in range(20):
                self.assertEqual(client.reply()["vendor"], "netd")
            for octet in one:
                client.send(bytes([octet]))
            self.assertEqual(client.reply()["vendor"], "netd")

    def test_one_way(self):
        daemon = self.daemon()
        before = self.host.ns.dump()
        with daemon.client() as client:
            client.send({"method": "io.netd.Attach", "parameters": {"guest": "web1"}, "oneway": True})
            self.assertEqual(client.call("io.netd.ListGuests"), {"guests": []},
                             "nobody could have had the descriptors, so nothing is left")
        self.assertEqual(self.host.ns.dump(), before)
        self.vmm(daemon, "web2").close()
        daemon.call("Wait", guest="web2", **{"for": "gone"})
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
            s.connect(daemon.socket)
            s.sendall(b'{"method":"io.netd.Release","parameters":{"guest":"web2"},"oneway":true}\0')
        self.until(lambda: not daemon.guests())

    def test_hanging_up_before_the_reply(self):
        daemon = self.daemon()
        before = self.host.ns.dump()
        for _ in range(50):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
                s.connect(daemon.socket)
                s.sendall(b'{"method":"io.netd.Attach","parameters":{"guest":"web1"}}\0')
        self.until(lambda: all(g["state"] == "reserved" for g in daemon.guests().values()))
        self.until(lambda: self.host.ns.dump() == before)

    def test_a_client_that_does_not_read(self):
        daemon = self.daemon()
        with daemon.client() as deaf:
            deaf.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            deaf.send({"method": "io.netd.Watch", "parameters": {"from": 1}, "more": True})
            for n in range(600):
                with daemon.client() as client:
                    client.call("io.netd.Attach", guest=f"g{n % 5}", vhost="off")
                    for fd in client.fds:
                        os.close(fd)
                    client.call("io.netd.Detach", guest=f"g{n % 5}")
            numbers, lost = [], 0
            while not numbers or numbers[-1] < 1200:
                reply = deaf.reply()
                numbers.append(reply["event"]["number"])
                lost += reply["lost"]
            self.assertEqual(numbers, sorted(set(numbers)))
            self.assertEqual(len(numbers) + lost, numbers[-1], "what was lost is counted")

    def test_300_clients_at_once(self):
        daemon = self.daemon()
        resource.setrlimit(resource.RLIMIT_NOFILE, (2048, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        clients = [Client(daemon.socket) for _ in range(300)]
        for n, client in enumerate(clients):
            client.send({"method": "io.netd.Attach", "parameters": {"guest": f"g{n}", "vhost": "off"}})
        refused = attached = 0
        for client in clients:
            try:
                client.reply()
                attached += 1
            except Error as e:
                self.assertEqual(e.name, "io.netd.PoolExhausted")
                refused += 1
        self.assertEqual((attached, refused), (253, 47))
        self.assertEqual(daemon.call("GetStatus")["attached"], 253)
        guests = daemon.guests().values()
        self.assertEqual(len({g["addresses"][0] for g in guests}), 253)
        self.assertEqual(len({g["mac"] for g in guests}), 253)
        for client in clients:
            for fd in client.fds:
                os.close(fd)
            client.close()
        self.until(lambda: daemon.call("GetStatus")["attached"] == 0)

    def test_more_clients_than_may_be(self):
        daemon = self.daemon("max-clients = 8\nnetwork default { subnet = 10.77.0.1/24 }\n")
        clients = [Client(daemon.socket) for _ in range(8)]
        for client in clients:
            client.call("org.varlink.service.GetInfo")
        answers = raw_call(daemon.socket, b"")
        self.assertEqual([(a["error"], a["parameters"]) for a in answers], [("io.netd.TooManyClients", {"limit": 8})])
        done = subprocess.run([NETDCTL, "-s", daemon.socket, "status"], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (1, "netdctl: netd serves 8 clients already, which is all it may "
                                                             "(max-clients)\n"))
        clients.pop().close()
        self.until(lambda: daemon.ctl("status", check=False)[0] == 0)
        for client in clients:
            client.close()


class State(NetnsTest):
    """A state file that cannot be used ends the start with one sentence, and is left as it is."""

    def check(self, daemon, pattern):
        before = self.host.ns.dump()
        path = os.path.join(daemon.state, "state.db")
        with open(path, "rb") as file:
            content = file.read()
        daemon.start(expect_ready=False)
        self.assertEqual(daemon.process.wait(DEADLINE), 1)
        last = daemon.logged().splitlines()[-1]
        self.assertRegex(last, r"^netd: state .*state\.db: " + pattern)
        with open(path, "rb") as file:
            self.assertEqual(file.read(), content)
        self.assertEqual(self.host.ns.dump(), before)

    def used(self):
        daemon = self.daemon()
        for n in range(20):
            with daemon.client() as client:
                client.call("io.netd.Attach", guest=f"g{n}", vhost="off")
                for fd in client.fds:
                    os.close(fd)
        daemon.stop()
        return daemon, os.path.join(daemon.state, "state.db")

    def test_truncated(self):
        daemon, path = self.used()
        os.truncate(path, os.path.getsize(path) // 2)
        self.check(daemon, ".*(malformed|damaged)")

    def test_garbage(self):
        daemon, path = self.used()
        with open(path, "wb") as file:
            file.write(b"this is no database" * 1000)
        self.check(daemon, "file is not a database")

    def test_newer(self):
        daemon, path = self.used()
        subprocess.run(["sqlite3", path, "PRAGMA user_version = 99; PRAGMA wal_checkpoint(TRUNCATE)"], check=True,
                       stdout=subprocess.DEVNULL)
        self.check(daemon, r"a newer netd made it \(version 99, this one knows 4\)$")

    def test_foreign(self):
        daemon, path = self.used()
        os.unlink(path)
        subprocess.run(["sqlite3", path, "CREATE TABLE t (a)"], check=True)
        self.check(daemon, "it is a database, but not netd's$")

    def test_unreadable(self):
        daemon = self.daemon(start=False)
        os.makedirs(os.path.join(daemon.state, "state.db"))
        daemon.start(expect_ready=False)
        self.assertEqual(daemon.process.wait(DEADLINE), 1)
        self.assertRegex(daemon.logged().splitlines()[-1], r"^netd: state .*state\.db: unable to open database file")

    def test_in_use(self):
        daemon = self.daemon()
        other = self.daemon(start=False)
        shutil.rmtree(other.state, ignore_errors=True)
        os.symlink(daemon.state, other.state)
        other.start(expect_ready=False)
        self.assertEqual(other.process.wait(DEADLINE), 1)
        self.assertIn("another process uses it", other.logged())
        daemon.call("GetStatus")

    def test_full_disk(self):
        """Nothing is promised that cannot be kept, and it goes on when there is room again."""
        daemon = self.daemon(start=False)
        os.makedirs(daemon.state)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", daemon.state], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", daemon.state])
        daemon.start()
        steady = self.vmm(daemon, "steady")
        steady.udhcpc()
        with_steady = self.host.ns.dump()
        filler = os.path.join(daemon.state, "filler")
        watch = daemon.watch()
        refused = n = 0
        # netd makes room of its own first, so the disk has to be filled more than once.
        while not (refused and daemon.ctl_json("status")["warnings"]):
            with open(filler, "ab", buffering=0) as file, self.assertRaises(OSError):
                while True:
                    file.write(b"x" * 4096)
            n += 1
            try:
                with daemon.client() as client:
                    client.call("io.netd.Attach", guest=f"g{n}", vhost="off")
                    for fd in client.fds:
                        os.close(fd)
            except Error as e:
                self.assertEqual(e.name, "io.netd.StorageFailed")
                refused += 1
        self.assertIn("database or disk is full", watch.until("storage-failed")["detail"])
        self.until(lambda: self.host.ns.dump() == with_steady)
        self.assertEqual(daemon.ctl_json("status")["warnings"], ["the state cannot be written: nothing new is promised"])
        self.assertTrue(steady.ping("10.77.0.1"))
        with self.assertRaises(Error) as failed:
            daemon.call("Import", items=[{"mac": "52:54:00:00:00:01", "address": "10.77.0.200"}])
        self.assertEqual(failed.exception.name, "io.netd.StorageFailed")
        self.assertNotIn("import-525400000001/0", daemon.guests())
        port = daemon.guests()["steady/0"]
        address = port["addresses"][0].removesuffix("/24")
        renew = dhcp.message(mac=port["mac"], ciaddr=address, options=[(53, b"\x03")])
        with dhcp.Wire(steady) as wire:
            answer = wire.exchange(dhcp.frame(renew, mac=port["mac"], source=address))
        self.assertEqual((answer.type, answer.yiaddr), (5, address), "a lease that is durable is renewed from memory")
        os.unlink(filler)
        self.vmm(daemon, "after").udhcpc()
        watch.until("storage-recovered")
        watch.close()
        self.assertEqual(daemon.ctl_json("status")["warnings"], [])
        names = sorted(daemon.guests())
        daemon.kill()
        daemon.start()
        self.assertEqual(sorted(daemon.guests()), names, "what was refused was not stored")


class Environment(NetnsTest):
    def test_no_tun(self):
        """/dev/net/tun that may not be opened."""
        script = "mount -t tmpfs tmpfs /dev/net && exec \"$@\""
        daemon = self.daemon(start=False)
        real = self.host.ns.popen
        self.host.ns.popen = lambda *argv, **more: real("unshare", "--mount", "sh", "-c", script, "sh", *argv, **more)
        daemon.start()
        self.host.ns.popen = real
        before = self.host.ns.dump()
        code, _, said = daemon.ctl("run", "web1", "--", "true", "{fds}", check=False)
        self.assertEqual((code, said), (1, "netdctl: port web1/0: cannot open /dev/net/tun: No such file or directory\n"))
        self.assertEqual((self.host.ns.dump(), daemon.guests()), (before, {}))

    def test_second_daemon_on_the_socket(self):
        daemon = self.daemon()
        other = self.daemon(start=False)
        other.socket = daemon.socket
        before = self.host.ns.dump()
        other.start(expect_ready=False)
        self.assertEqual(other.process.wait(DEADLINE), 1)
        self.assertTrue("another netd serves it" in other.logged() or "nfnetlink_log group 28260" in other.logged())
        self.assertEqual(self.host.ns.dump(), before)
        daemon.call("GetStatus")

    def test_no_privilege(self):
        daemon = self.daemon(start=False)
        real = self.host.ns.popen
        self.host.ns.popen = lambda *argv, **more: real("setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin",
                                                        *argv, **more)
        daemon.start(expect_ready=False)
        self.host.ns.popen = real
        self.assertEqual(daemon.process.wait(DEADLINE), 1)
        self.assertRegex(daemon.logged().splitlines()[-1], r"Operation not permitted")

    def test_no_daemon(self):
        done = subprocess.run([NETDCTL, "-s", "/nonexistent/netd.sock", "status"], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout, done.stderr),
                         (1, "", "netdctl: cannot reach netd at /nonexistent/netd.sock: No such file or directory\n"))

    def test_usage(self):
        for argv in ([], ["nothing"], ["attach"], ["run", "web1"], ["run", "web1", "--"], ["detach", "a", "b"],
                     ["detach", "a/b"], ["wait", "a", "--for", "rain"], ["wait", "a", "--timeout", "x"], ["--nonsense"],
                     ["events", "--since", "yesterday"], ["status", "--colour"], ["attach", "a", "--queues", "x"]):
            done = subprocess.run([NETDCTL, "-s", "/nonexistent", *argv], capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stdout), (2, ""), argv)
            self.assertTrue(done.stderr)


if __name__ == "__main__":
    unittest.main()

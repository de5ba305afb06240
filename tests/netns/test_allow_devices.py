#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Which devices a user gets by an allow block: TAPs by name, and veth pairs into network namespaces of its own."""

import json
import os
import pwd
import socket
import subprocess
import unittest

from support import NetnsTest

from harness import people
from harness.people import Person
from harness.silent import FLUSH, SilentFile
from harness.varlink import Error

CONFIG = """socket { mode = 0666 }
network default { subnet = 10.77.0.1/24 allow { user = 1000 devices = { tap, veth } } }
"""


class Devices(NetnsTest):
    def setUp(self):
        if people.why_not():
            self.leave_out(people.why_not())
        super().setUp()
        self.daemon_ = self.daemon(CONFIG)
        self.alice = Person(self.daemon_, 1000)
        try:
            self.daemon_.call("Attach", guest="other", device="tap")
        except Error as e:
            self.leave_out(f"netd makes no TAP by name: {e}")
        self.daemon_.call("Release", guest="other")

    def attach(self, netns=None, **parameters):
        """The port, or why not."""
        with self.alice.connect() as client:
            if netns is not None:
                parameters["networkNamespace"] = 0
            call = json.dumps({"method": "io.netd.Attach", "parameters": {"guest": "a", **parameters}}).encode() + b"\0"
            socket.send_fds(client.socket, [call], [] if netns is None else [netns])
            try:
                return client.reply()["port"]
            except Error as e:
                return e.parameters["reason"]

    def held(self, *wrapper):
        """A network namespace that a process holds, made as the wrapper says."""
        holder = subprocess.Popen([*wrapper, "unshare", "--net", "sh", "-c", "echo; exec cat"], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE)
        self.addCleanup(holder.stdout.close)
        self.addCleanup(holder.wait)
        self.addCleanup(holder.stdin.close)
        if not holder.stdout.readline():
            self.leave_out("a user may make no namespace")
        fd = os.open(f"/proc/{holder.pid}/ns/net", os.O_RDONLY)
        self.addCleanup(os.close, fd)
        return holder.pid, fd

    def test_tap(self):
        self.assertEqual(self.attach(device="tap", user=1001), "a TAP of user 1000 is for no other user")
        self.assertEqual(self.attach(device="tap", interface="eth5"), "only root and operators name interfaces of the host")
        port = self.attach(device="tap")
        self.assertEqual((port["device"], port["owner"]), ("tap", 1000))
        link, = self.host.ns.json("ip", "-j", "-d", "link", "show", port["interface"])
        self.assertIn(link["linkinfo"]["info_data"]["user"], ("1000", *(u.pw_name for u in pwd.getpwall() if u.pw_uid == 1000)))
        self.alice.call("Release", guest="a")

    def test_veth(self):
        before = self.host.ns.dump()
        _, foreign = self.held()
        host = os.open(f"/proc/{self.host.ns.pid}/ns/net", os.O_RDONLY)
        self.addCleanup(os.close, host)
        for netns in (foreign, host):
            self.assertEqual(self.attach(netns, device="veth", interface="eth0"),
                             "the network namespace is not of a user namespace of user 1000")
        self.assertEqual(self.host.ns.dump(), before)
        pid, own = self.held("setpriv", "--reuid", "1000", "--regid", "1000", "--clear-groups", "unshare", "--user",
                             "--map-root-user")
        port = self.attach(own, device="veth", interface="eth0")
        self.assertEqual((port["device"], port["owner"]), ("veth", 1000))
        self.assertIn("eth0", subprocess.run(["nsenter", f"--net=/proc/{pid}/ns/net", "ip", "link"], capture_output=True,
                                             text=True, check=True).stdout)
        self.alice.call("Release", guest="a")
        self.until(lambda: self.host.ns.dump() == before)

    def test_files_that_do_not_answer(self):
        """What is asked of a descriptor that came with a call, and its close(), can take for ever."""
        try:
            silent = SilentFile()
        except OSError as e:
            self.leave_out(str(e))
        self.addCleanup(silent.close)
        for _ in range(3):
            for device in ("veth", "tap"):
                self.assertEqual(self.attach(silent.fd, device=device), "the network namespace cannot be looked at")
        silent.wait_asked(FLUSH)
        self.assertEqual(set(silent.asked), {FLUSH})
        with self.alice.connect() as client:
            socket.send_fds(client.socket, [b'{"method": "io.netd'], [silent.fd] * 16)
        self.daemon_.call("GetStatus")


if __name__ == "__main__":
    unittest.main()

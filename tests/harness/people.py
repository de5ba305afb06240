# SPDX-License-Identifier: GPL-2.0-or-later
"""Other users of the host: what a test does as one of them."""

import os
import shutil
import subprocess
import tempfile

from .daemon import NETDCTL
from .namespaces import DEADLINE
from .varlink import Client, Error


def why_not():
    """What keeps this process from becoming somebody else; None when nothing does."""
    with open("/proc/self/uid_map", encoding="ascii") as ids:
        if ids.read().split()[2] == "1":
            return "this user cannot become another"
    return None if os.geteuid() == 0 else "this user cannot become another"


class Person:
    """A user with a group and supplementary groups, who need not be in the host's tables."""

    def __init__(self, daemon, uid, gid=None, groups=()):
        self.daemon = daemon
        self.uid = uid
        self.gid = uid if gid is None else gid
        self.groups = list(groups)
        os.chmod(daemon.directory, 0o755)

    def connect(self):
        """A connection of this user's that this process holds. Who it is counts when it connects."""
        effective = os.getgroups(), os.getegid(), os.geteuid()
        os.setgroups(self.groups)
        os.setegid(self.gid)
        os.seteuid(self.uid)
        try:
            return Client(self.daemon.socket)
        finally:
            os.seteuid(effective[2])
            os.setegid(effective[1])
            os.setgroups(effective[0])

    def call(self, method, **parameters):
        """The reply; the descriptors that came with it are closed."""
        with self.connect() as client:
            try:
                return client.call(f"io.netd.{method}", **parameters)
            finally:
                for fd in client.fds:
                    os.close(fd)

    def refused(self, method, **parameters):
        """The error's name, and its parameters."""
        try:
            reply = self.call(method, **parameters)
        except Error as e:
            return e.name.rsplit(".", 1)[1], e.parameters
        raise AssertionError(f"{method} is not refused: {reply}")

    def why(self, method, **parameters):
        """The sentence of NotPermitted, without the directory of the configuration."""
        name, error = self.refused(method, **parameters)
        if name != "NotPermitted":
            raise AssertionError(f"{name} {error}")
        return error["reason"].replace(self.daemon.directory + "/", "")

    def ctl(self, *argv):
        """netdctl: (exit code, stdout, stderr)."""
        with tempfile.TemporaryDirectory() as directory:
            os.chmod(directory, 0o755)
            program = shutil.copy(NETDCTL, directory)
            done = subprocess.run([program, "-s", self.daemon.socket, *argv], capture_output=True, text=True,
                                  timeout=DEADLINE, user=self.uid, group=self.gid, extra_groups=self.groups)
        return done.returncode, done.stdout, done.stderr.replace(self.daemon.directory + "/", "")

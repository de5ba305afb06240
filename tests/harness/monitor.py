# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's monitor over its socket, by QMP."""

import json
import socket
import time

from .namespaces import DEADLINE, Failed


class Monitor:
    def __init__(self, path, process):
        """Connects as soon as QEMU, which is starting, listens; it fails when QEMU ends instead."""
        end = time.monotonic() + DEADLINE
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(DEADLINE)
        while self.socket.connect_ex(path):
            if process.poll() is not None or time.monotonic() > end:
                self.socket.close()
                raise Failed("QEMU does not listen")
        self.file = self.socket.makefile("r", encoding="utf-8")
        if "QMP" not in self.read():
            raise Failed("QEMU has no greeting")
        self.call("qmp_capabilities")

    def read(self):
        try:
            line = self.file.readline()
        except ConnectionResetError:
            line = ""
        if not line:
            self.close()
            raise Failed("QEMU has closed its monitor")
        return json.loads(line)

    def call(self, command, **arguments):
        self.socket.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        while True:
            reply = self.read()
            if "return" in reply:
                return reply["return"]
            if "error" in reply:
                raise Failed(f"{command}: {reply['error']['desc']}")

    def close(self):
        self.file.close()
        self.socket.close()

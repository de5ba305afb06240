# SPDX-License-Identifier: GPL-2.0-or-later
"""A file of a file server that falls silent: whoever asks it anything from then on waits (FUSE, linux/fuse.h)."""

import contextlib
import ctypes
import os
import struct
import tempfile
import threading

INIT, LOOKUP, GETATTR, OPEN, FLUSH = 26, 1, 3, 14, 25
ATTRIBUTES = struct.pack("<QQQQQQIIIIIIIIII", 2, 0, 0, 0, 0, 0, 0, 0, 0, 0o100644, 1, 0, 0, 0, 4096, 0)
DIRECTORY = struct.pack("<QQQQQQIIIIIIIIII", 1, 0, 0, 0, 0, 0, 0, 0, 0, 0o40755, 2, 0, 0, 0, 4096, 0)


class SilentFile:
    """`fd` is open; the requests that were not answered are in `asked`. OSError: there is no FUSE here."""

    def __init__(self):
        self.asked = []
        self.heard = threading.Condition()
        self.device = os.open("/dev/fuse", os.O_RDWR)
        self.directory = tempfile.mkdtemp()
        self.libc = ctypes.CDLL(None, use_errno=True)
        options = f"fd={self.device},rootmode=40000,user_id=0,group_id=0,allow_other".encode()
        if self.libc.mount(b"silent", self.directory.encode(), b"fuse", 0, options):
            os.close(self.device)
            os.rmdir(self.directory)
            raise OSError(ctypes.get_errno(), "cannot mount a FUSE file system")
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        self.fd = os.open(f"{self.directory}/file", os.O_RDONLY)

    def answer(self, opcode, node):
        """What it says to a request; None: nothing, ever."""
        if opcode == INIT:
            return struct.pack("<IIIIHHIIHH", 7, 31, 0, 0, 1, 1, 4096, 1, 1, 0) + bytes(28)
        if opcode == LOOKUP:
            return struct.pack("<QQQQII", 2, 0, 3600, 0, 0, 0) + ATTRIBUTES
        if opcode == GETATTR and node == 1:
            return struct.pack("<QII", 3600, 0, 0) + DIRECTORY
        if opcode == OPEN:
            return struct.pack("<QII", 1, 0, 0)
        return None

    def serve(self):
        while True:
            try:
                request = os.read(self.device, 1 << 17)
            except OSError:
                return
            _, opcode, unique, node = struct.unpack_from("<IIQQ", request)
            said = self.answer(opcode, node)
            if said is None:
                with self.heard:
                    self.asked.append(opcode)
                    self.heard.notify_all()
            else:
                os.write(self.device, struct.pack("<IiQ", 16 + len(said), 0, unique) + said)

    def wait_asked(self, opcode):
        with self.heard:
            self.heard.wait_for(lambda: opcode in self.asked)

    def close(self):
        """All who wait are answered that it is gone."""
        self.libc.umount2(self.directory.encode(), 1)  # MNT_FORCE: what waits is given up
        self.libc.umount2(self.directory.encode(), 2)  # MNT_DETACH: it is open still
        os.close(self.device)
        with contextlib.suppress(OSError):
            os.close(self.fd)
        os.rmdir(self.directory)

# SPDX-License-Identifier: GPL-2.0-or-later
"""VMMs' sockets: a client of QEMU's, and ones that play QEMU and cloud-hypervisor, as badly as they are told."""

import array
import json
import os
import signal
import socket
import threading


class Qmp:
    """A client of a QMP socket."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.file = self.socket.makefile("rwb")
        self.file.readline()
        self.run("qmp_capabilities")

    def run(self, command, **arguments):
        self.file.write(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        self.file.flush()
        while True:
            reply = json.loads(self.file.readline())
            if "return" in reply or "error" in reply:
                return reply

    def close(self):
        self.file.close()
        self.socket.close()


class Server:
    """Takes one client after the other; what it was asked is in `seen`."""

    def __init__(self, path):
        self.path = path
        self.seen = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(4)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with client:
                try:
                    self.talk(client)
                except (OSError, ValueError):
                    pass

    def talk(self, client):
        raise NotImplementedError

    @staticmethod
    def receive(client, size=65536):
        """(octets, descriptors)"""
        data, control, _, _ = client.recvmsg(size, socket.CMSG_SPACE(4 * 64))
        fds = array.array("i")
        for level, kind, octets in control:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                fds.frombytes(octets[:len(octets) - len(octets) % fds.itemsize])
        return data, list(fds)

    @staticmethod
    def peer_pid(client):
        return int.from_bytes(client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)[:4], "little")

    def close(self):
        if self.listener.fileno() < 0:
            return
        # What waits in accept() is woken by it; close() alone would not.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        os.unlink(self.path)
        self.thread.join()
        self.close_fds()

    def close_fds(self):
        raise NotImplementedError


class QmpProxy(Server):
    """Between a client and QEMU: every command of a client is passed on, but at the first of that name the client is
    killed, before it is passed on or behind it."""

    def __init__(self, path, qemu, command, behind):
        self.qemu, self.command, self.behind = qemu, command, behind
        super().__init__(path)

    def talk(self, client):
        # Set when replies are kept back; and when there was one.
        keeps, replied = threading.Event(), threading.Event()
        with socket.socket(socket.AF_UNIX) as qemu:
            qemu.connect(self.qemu)
            back = threading.Thread(target=self.pass_back, args=(qemu, client, keeps, replied), daemon=True)
            back.start()
            try:
                while self.pass_on(client, qemu, keeps, replied):
                    pass
            finally:
                qemu.shutdown(socket.SHUT_RDWR)
                back.join()

    def pass_on(self, client, qemu, keeps, replied):
        data, fds = self.receive(client)
        try:
            if not data:
                return False
            hit = self.command and f'"{self.command}"'.encode() in data
            if hit:
                self.command = None
            if hit and self.behind:
                keeps.set()
            if not hit or self.behind:
                socket.send_fds(qemu, [data], fds)
        finally:
            for fd in fds:
                os.close(fd)
        if hit and self.behind:
            qemu.sendall(b"\n")
            replied.wait(60)
        if hit:
            os.kill(self.peer_pid(client), signal.SIGKILL)
        return not hit

    @staticmethod
    def pass_back(qemu, client, keeps, replied):
        try:
            for data in iter(lambda: qemu.recv(65536), b""):
                if not keeps.is_set():
                    client.sendall(data)
                elif b'"return"' in data or b'"error"' in data:
                    replied.set()
        except OSError:
            pass

    def close_fds(self):
        pass


class FakeQemu(Server):
    """QMP as QEMU speaks it, of as much as a card needs. at: {command: what to do at its first time}, of "error", "close",
    or a function that is called with the client's process id."""

    def __init__(self, path, at=None, greets=True):
        self.at = dict(at or {})
        self.greets = greets
        self.named = {}
        self.netdevs = {}
        self.devices = {}
        super().__init__(path)

    def talk(self, client):
        if not self.greets:
            client.recv(1)
            return
        client.sendall(b'{"QMP": {"version": {}, "capabilities": []}}\r\n')
        buffer, fds = b"", []
        while True:
            data, more = self.receive(client)
            fds += more
            if not data:
                return
            buffer += data
            while b"\n" in buffer:
                line, buffer = buffer.split(b"\n", 1)
                message = json.loads(line)
                command, arguments = message["execute"], message.get("arguments", {})
                self.seen.append((command, arguments))
                what = self.at.pop(command, None)
                if callable(what):
                    what = what(self.peer_pid(client))
                reply = {"id": message["id"]}
                if what == "close":
                    return
                error = f"it is told to fail at {command}" if what == "error" else self.carry_out(command, arguments, fds)
                if error:
                    reply["error"] = {"class": "DeviceNotFound" if "not found" in error else "GenericError", "desc": error}
                else:
                    reply["return"] = {}
                client.sendall(json.dumps(reply).encode() + b"\r\n")
                if command == "device_del" and not error:
                    client.sendall(json.dumps({"event": "DEVICE_DELETED", "data": {"device": arguments["id"]}}).encode() + b"\r\n")

    def carry_out(self, command, arguments, fds):
        """What it says against it; None: nothing."""
        if command == "getfd":
            self.named[arguments["fdname"]] = fds.pop(0)
        elif command == "closefd":
            if arguments["fdname"] not in self.named:
                return f"File descriptor named '{arguments['fdname']}' not found"
            os.close(self.named.pop(arguments["fdname"]))
        elif command == "netdev_add":
            self.netdevs[arguments["id"]] = [self.named.pop(name) for key in ("fds", "vhostfds")
                                             for name in arguments.get(key, "").split(":") if name]
        elif command == "netdev_del":
            if arguments["id"] not in self.netdevs:
                return f"Device '{arguments['id']}' not found"
            for fd in self.netdevs.pop(arguments["id"]):
                os.close(fd)
        elif command == "device_add":
            self.devices[arguments["id"]] = arguments
        elif command == "device_del":
            if arguments["id"] not in self.devices:
                return f"Device '{arguments['id']}' not found"
            del self.devices[arguments["id"]]
        return None

    def close_fds(self):
        for fd in [*self.named.values(), *(fd for fds in self.netdevs.values() for fd in fds)]:
            os.close(fd)


class FakeCloudHypervisor(Server):
    """Its HTTP socket. at: {"vm.add-net": what to do at its first time}, of a status, "close", "garbage", or a function that
    is called with the client's process id."""

    def __init__(self, path, at=None):
        self.at = dict(at or {})
        self.cards = {}
        super().__init__(path)

    def talk(self, client):
        buffer, fds = b"", []
        while True:
            data, more = self.receive(client)
            fds += more
            if not data:
                return
            buffer += data
            while b"\r\n\r\n" in buffer:
                head, _, rest = buffer.partition(b"\r\n\r\n")
                lines = head.decode().split("\r\n")
                length = next((int(line.split(":")[1]) for line in lines if line.lower().startswith("content-length:")), 0)
                if len(rest) < length:
                    break
                buffer = rest[length:]
                method, path, _ = lines[0].split(" ")
                command = path.removeprefix("/api/v1/")
                body = json.loads(rest[:length]) if length else None
                self.seen.append((method, command, body, len(fds)))
                what = self.at.pop(command, None)
                if callable(what):
                    what = what(self.peer_pid(client))
                if what == "close":
                    for fd in fds:
                        os.close(fd)
                    return
                if what == "garbage":
                    client.sendall(b"not HTTP\r\n\r\n")
                    return
                status, answer = (what, ["Error from API", "it is told to fail"]) if what else \
                    self.carry_out(command, body, fds)
                text = json.dumps(answer).encode() if answer is not None else b""
                client.sendall(b"HTTP/1.1 %d \r\nServer: Cloud Hypervisor API\r\nConnection: keep-alive\r\nContent-Length: %d\r\n"
                               b"\r\n%s" % (status, len(text), text))
                if what:
                    for fd in fds:
                        os.close(fd)
                fds = []

    def carry_out(self, command, body, fds):
        if command == "vmm.ping":
            return 200, {"version": "v52.0", "pid": os.getpid()}
        if command == "vm.add-net":
            self.cards[body["id"]] = fds
            return 200, {"id": body["id"], "bdf": "0000:00:06.0"}
        if command == "vm.remove-device":
            if body["id"] not in self.cards:
                return 404, ["Error from API", f"Unknown device id: {body['id']}"]
            for fd in self.cards.pop(body["id"]):
                os.close(fd)
            return 204, None
        return 404, ["Not found"]

    def close_fds(self):
        for fds in self.cards.values():
            for fd in fds:
                os.close(fd)

# SPDX-License-Identifier: GPL-2.0-or-later
"""A Varlink client from the protocol's documentation, sharing no code with libnetd."""

import json
import socket

from .namespaces import DEADLINE


class Error(Exception):
    """A named error and its parameters."""

    def __init__(self, name, parameters):
        super().__init__(f"{name} {parameters}")
        self.name = name
        self.parameters = parameters


class Client:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(DEADLINE)
        try:
            self.socket.connect(path)
        except OSError:
            self.socket.close()
            raise
        self.buffer = b""
        self.fds = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, message):
        self.socket.sendall(message if isinstance(message, bytes) else json.dumps(message).encode() + b"\0")

    def receive(self):
        """One message, or None at the end of the connection. Descriptors go to self.fds."""
        while b"\0" not in self.buffer:
            data, fds, _, _ = socket.recv_fds(self.socket, 65536, 64)
            self.fds += fds
            if not data:
                return None
            self.buffer += data
        text, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(text)

    def reply(self):
        message = self.receive()
        if message is None:
            raise EOFError("the connection was closed")
        if "error" in message:
            raise Error(message["error"], message.get("parameters", {}))
        return message.get("parameters", {})

    def call(self, method, **parameters):
        self.send({"method": method, "parameters": parameters})
        return self.reply()

    def call_fds(self, method, fds, **parameters):
        """The same with descriptors, which stay the caller's."""
        message = json.dumps({"method": method, "parameters": parameters}).encode() + b"\0"
        socket.send_fds(self.socket, [message], fds)
        return self.reply()

    def more(self, method, **parameters):
        """Replies, one after the other, for as long as they come."""
        self.send({"method": method, "parameters": parameters, "more": True})
        while True:
            message = self.receive()
            if message is None:
                return
            if "error" in message:
                raise Error(message["error"], message.get("parameters", {}))
            yield message.get("parameters", {})
            if not message.get("continues"):
                return


class Watch:
    """Events of a daemon from a moment on; by a connection that is there, or a new one."""

    def __init__(self, path, since=None, client=None):
        self.client = client or Client(path)
        parameters = {} if since is None else {"from": since}
        self.client.send({"method": "io.netd.Watch", "parameters": parameters, "more": True})
        # The call before it on the same path has been carried out when this is answered.
        with Client(path) as other:
            other.call("org.varlink.service.GetInfo")

    def next(self):
        return self.client.reply()["event"]

    def until(self, kind, **members):
        """The next event of a kind whose members are so; those before it are passed over."""
        while True:
            event = self.next()
            if event["event"] == kind and all(event.get(k) == v for k, v in members.items()):
                return event

    def close(self):
        self.client.close()

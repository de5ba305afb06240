#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Servers and clients of TCP and UDP, for guests, hosts and what is outside.

Run as a program in a namespace:
    speak.py serve tcp:8000 udp:53 ...          answers with what it gets and the client's address; says "ready" first
    speak.py try EXPECTED tcp:10.77.0.1:8000 ...    says which of these answer
    speak.py stream tcp:10.77.0.1:8000          one connection: says "ready", then what comes back for each line of input
    speak.py fill COUNT udp:203.0.113.7:7000    begins so many connections, says how many were answered, and keeps them
"""

import selectors
import socket
import subprocess
import sys
import time

IP_PKTINFO = 8  # <linux/in.h>; Python has no name for it
DEADLINE = 10  # seconds in which what is expected comes; nothing waits for that long
GRACE = 0.3    # and for how long what is not expected is waited for, when that has come


def parse(target):
    protocol, *address, port = target.split(":")
    return protocol, address[0] if address else "", int(port)


def serve(targets):
    watch = selectors.DefaultSelector()
    for protocol, _, port in map(parse, targets):
        if protocol == "tcp":
            listener = socket.create_server(("", port), backlog=1024)
        else:
            listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            listener.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
            listener.bind(("", port))
        watch.register(listener, selectors.EVENT_READ, protocol)
    print("ready", flush=True)
    while True:
        for key, _ in watch.select():
            if key.data == "tcp":
                watch.register(key.fileobj.accept()[0], selectors.EVENT_READ, "connection")
            elif key.data == "udp":
                # Back from the address that was asked.
                data, info, _, source = key.fileobj.recvmsg(2048, 64)
                key.fileobj.sendmsg([data + source[0].encode()], info, 0, source)
            else:
                data = key.fileobj.recv(2048)
                if data:
                    key.fileobj.send(data + key.fileobj.getpeername()[0].encode())
                else:
                    watch.unregister(key.fileobj)
                    key.fileobj.close()


def begin(target):
    protocol, address, port = parse(target)
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM)
    s.setblocking(False)
    s.connect_ex((address, port))
    return s


def attempt(targets, expected):
    """The answers of all that were reached, by target, when so many as are expected were, and a little later."""
    watch = selectors.DefaultSelector()
    said = {}
    for target in targets:
        watch.register(begin(target), selectors.EVENT_WRITE, target)
    end = time.monotonic() + (DEADLINE if expected else GRACE)
    while len(said) < len(targets) and time.monotonic() < end:
        for key, events in watch.select(end - time.monotonic()):
            try:
                if events & selectors.EVENT_WRITE:
                    key.fileobj.send(b"from ")
                    watch.modify(key.fileobj, selectors.EVENT_READ, key.data)
                    continue
                data = key.fileobj.recv(2048).decode()
            except OSError:
                watch.unregister(key.fileobj)
                continue
            watch.unregister(key.fileobj)
            said[key.data] = data
            if len(said) == expected:
                end = min(end, time.monotonic() + GRACE)
    return said


def fill(count, target):
    """Like attempt, for many connections to one target, which stay."""
    watch = selectors.DefaultSelector()
    answered = 0
    end = time.monotonic() + DEADLINE
    for _ in range(count):
        watch.register(begin(target), selectors.EVENT_WRITE)
    while answered < count and time.monotonic() < end:
        for key, events in watch.select(end - time.monotonic()):
            try:
                if events & selectors.EVENT_WRITE:
                    key.fileobj.send(b"from ")
                    watch.modify(key.fileobj, selectors.EVENT_READ)
                    continue
                key.fileobj.recv(2048)
            except OSError:
                pass
            else:
                answered += 1
                end = time.monotonic() + GRACE
            watch.unregister(key.fileobj)
    print(answered, flush=True)
    sys.stdin.read()


def stream(target):
    _, address, port = parse(target)
    s = socket.create_connection((address, port), timeout=DEADLINE)
    print("ready", flush=True)
    for line in sys.stdin:
        s.send(line.strip().encode())
        print(s.recv(2048).decode(), flush=True)


# --- for tests ---


class Speaker:
    """One of the programs above in a place, that is a namespace or a test VMM, until it is closed."""

    def __init__(self, place, *words):
        self.process = subprocess.Popen(place.enter("/usr/bin/python3", __file__, *words), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def hear(self):
        return self.process.stdout.readline().strip()

    def say(self, line):
        """A line, and the answer."""
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.hear()

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def reached(place, targets, expected=()):
    """Which targets answer a client in this place, with what source they see: {target: address}."""
    done = subprocess.run(place.enter("/usr/bin/python3", __file__, "try", str(len(expected)), *targets),
                          capture_output=True, text=True, check=True)
    return dict(line.split(" from ") for line in done.stdout.splitlines())


def main(verb, *words):
    if verb == "serve":
        serve(words)
    elif verb == "try":
        for target, data in attempt(words[1:], int(words[0])).items():
            print(target, data)
    elif verb == "fill":
        fill(int(words[0]), words[1])
    elif verb == "stream":
        stream(words[0])


if __name__ == "__main__":
    main(*sys.argv[1:])

# SPDX-License-Identifier: GPL-2.0-or-later
"""DHCP frames made and read by hand, and a guest's wire to send them on; shares no code with dhcp/."""

import socket
import struct
import subprocess
import sys

from .namespaces import DEADLINE

COOKIE = b"\x63\x82\x53\x63"


def ip(text):
    return socket.inet_aton(text)


def mac_octets(text):
    return bytes.fromhex(text.replace(":", ""))


def mac_text(octets):
    return ":".join(f"{o:02x}" for o in octets)


def message(mac="52:54:00:00:00:01", op=1, xid=0x12345678, flags=0, ciaddr="0.0.0.0", yiaddr="0.0.0.0", giaddr="0.0.0.0",
            options=(), cookie=COOKIE, tail=b"\xff"):
    fixed = struct.pack("!BBBBIHH4s4s4s4s16s64s128s", op, 1, 6, 0, xid, 0, flags, ip(ciaddr), ip(yiaddr), ip("0.0.0.0"),
                        ip(giaddr), mac_octets(mac), b"", b"")
    return fixed + cookie + b"".join(bytes([code, len(value)]) + value for code, value in options) + tail


def folded_sum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def frame(payload, mac="52:54:00:00:00:01", source="0.0.0.0", destination="255.255.255.255",
          destination_mac="ff:ff:ff:ff:ff:ff", source_port=68, port=67, checksum="good", vlan=None):
    pseudo = ip(source) + ip(destination) + struct.pack("!HH", 17, 8 + len(payload))
    udp = struct.pack("!HHHH", source_port, port, 8 + len(payload), 0)
    value = {"good": 0xFFFF - folded_sum(pseudo + udp + payload), "none": 0, "partial": folded_sum(pseudo),
             "bad": (0xFFFF - folded_sum(pseudo + udp + payload)) ^ 0x0101}[checksum]
    udp = udp[:6] + struct.pack("!H", value)
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + len(payload), 0, 0, 64, 17, 0, ip(source), ip(destination))
    header = header[:10] + struct.pack("!H", 0xFFFF - folded_sum(header)) + header[12:]
    tag = struct.pack("!HH", 0x8100, vlan) if vlan is not None else b""
    return mac_octets(destination_mac) + mac_octets(mac) + tag + b"\x08\x00" + header + udp + payload


class Reply:
    """A frame from port 67, taken apart."""

    def __init__(self, data):
        self.destination_mac, self.source_mac = mac_text(data[:6]), mac_text(data[6:12])
        packet = data[14:]
        size = (packet[0] & 15) * 4
        self.source, self.destination = socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20])
        udp = packet[size:struct.unpack("!H", packet[2:4])[0]]
        pseudo = packet[12:20] + struct.pack("!HH", 17, len(udp))
        self.checksums_good = folded_sum(packet[:size]) == 0xFFFF and folded_sum(pseudo + udp) == 0xFFFF
        payload = udp[8:]
        self.xid = struct.unpack("!I", payload[4:8])[0]
        self.ciaddr, self.yiaddr = socket.inet_ntoa(payload[12:16]), socket.inet_ntoa(payload[16:20])
        self.options = []
        at = 240
        while at < len(payload) and payload[at] != 255:
            if payload[at]:
                self.options.append((payload[at], payload[at + 2:at + 2 + payload[at + 1]]))
                at += 1 + payload[at + 1]
            at += 1

    def option(self, code):
        return next((value for c, value in self.options if c == code), None)

    @property
    def type(self):
        return self.option(53)[0]


def is_arp(data):
    return data[12:14] == b"\x08\x06"


def arp_for(address):
    """A predicate: somebody asks for this address. The daemon asks for others by itself."""
    def is_arp_for(data):
        return is_arp(data) and data[38:42] == ip(address)
    return is_arp_for


def is_dhcp(data):
    return data[12:14] == b"\x08\x00" and data[23] == 17 and data[36:38] in (b"\x00\x43", b"\x00\x44")


# Runs in the guest's namespace: hands its packet socket to whoever started it.
OPENER = """
import socket
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
s.bind(("eth0", 3))
socket.send_fds(socket.socket(fileno=0), [b"x"], [s.fileno()])
"""


class Wire:
    """A packet socket on a guest's card."""

    def __init__(self, vmm):
        ours, theirs = socket.socketpair()
        with theirs:
            subprocess.run(vmm.enter(sys.executable, "-c", OPENER), stdin=theirs, check=True, timeout=DEADLINE)
        _, fds, _, _ = socket.recv_fds(ours, 1, 1)
        ours.close()
        self.socket = socket.socket(fileno=fds[0])
        self.socket.settimeout(DEADLINE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.send(data)

    def incoming(self):
        """The next frame that came in."""
        while True:
            data, address = self.socket.recvfrom(65536)
            if address[2] != socket.PACKET_OUTGOING:
                return data

    def first_of(self, *kinds):
        """Which kind of frame came first: the name of the first of these predicates that holds for one."""
        while True:
            data = self.incoming()
            for kind in kinds:
                if kind(data):
                    return kind.__name__

    def receive(self):
        """The next frame that a DHCP server sent."""
        while True:
            data = self.incoming()
            if is_dhcp(data) and data[34:36] == b"\x00\x43":
                return Reply(data)

    def exchange(self, data):
        self.send(data)
        return self.receive()

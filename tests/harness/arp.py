# SPDX-License-Identifier: GPL-2.0-or-later
"""ARP frames made and read by hand; shares no code with dhcp/."""

import struct

from .dhcp import ip, mac_octets, mac_text

BROADCAST = "ff:ff:ff:ff:ff:ff"
NOBODY = "00:00:00:00:00:00"
REQUEST, REPLY = 1, 2


def frame(operation, mac, sender, target, target_mac=NOBODY, destination=BROADCAST, vlan=None):
    tag = struct.pack("!HH", 0x8100, vlan) if vlan is not None else b""
    return (mac_octets(destination) + mac_octets(mac) + tag + b"\x08\x06" +
            struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation) + mac_octets(mac) + ip(sender) + mac_octets(target_mac) +
            ip(target))


def announcement(mac, address, **more):
    """RFC 5227 1.1: this MAC has this address from now on."""
    return frame(REQUEST, mac, address, address, **more)


def probe(mac, address):
    return frame(REQUEST, mac, "0.0.0.0", address)


class Probe:
    """A probe as RFC 5227 2.1.1 wants it, taken apart; None members are what it must not have."""

    def __init__(self, data):
        self.destination, self.source = mac_text(data[:6]), mac_text(data[6:12])
        self.operation = struct.unpack("!H", data[20:22])[0]
        self.sender_mac, self.sender = mac_text(data[22:28]), data[28:32]
        self.target_mac, self.target = mac_text(data[32:38]), data[38:42]

# SPDX-License-Identifier: GPL-2.0-or-later
"""pcapng taken apart, from its specification; shares no code with netd/."""

import struct

SECTION, INTERFACE, STATISTICS, PACKET = 0x0A0D0D0A, 1, 5, 6
INBOUND, OUTBOUND = 1, 2


def blocks(data):
    """(type, body) of each; what is not whole is a mistake."""
    at = 0
    while at < len(data):
        kind, length = struct.unpack_from(">II", data, at)
        if length % 4 or at + length > len(data) or struct.unpack_from(">I", data, at + length - 4)[0] != length:
            raise ValueError(f"a block of type {kind} and length {length} at {at} of {len(data)}")
        yield kind, data[at + 8:at + length - 4]
        at += length


def options(data):
    found, at = {}, 0
    while at < len(data):
        code, length = struct.unpack_from(">HH", data, at)
        if code == 0:
            break
        found[code] = data[at + 4:at + 4 + length]
        at += 4 + length + -length % 4
    return found


class Packet:
    def __init__(self, body):
        high, low, kept, self.length = struct.unpack_from(">4xIIII", body)
        self.time = high << 32 | low
        self.data = body[20:20 + kept]
        more = options(body[20 + kept + -kept % 4:])
        self.direction = struct.unpack(">I", more[2])[0] if 2 in more else None
        self.comment = more[1].decode() if 1 in more else None


class Capture:
    """A whole file: one section, one interface, packets, and at most one block of statistics at the end."""

    def __init__(self, data):
        self.packets, self.received, self.lost = [], None, None
        (kind, section), (second, interface), *rest = blocks(data)
        if (kind, second) != (SECTION, INTERFACE) or struct.unpack_from(">I", section)[0] != 0x1A2B3C4D:
            raise ValueError("it does not begin with a section and its interface")
        self.application = options(section[16:])[4].decode()
        self.linktype, self.snaplen = struct.unpack_from(">HxxI", interface)
        more = options(interface[8:])
        self.interface, self.description, self.resolution = more[2].decode(), more[3].decode(), more[9][0]
        self.filter = more[11][1:].decode() if 11 in more else None
        for kind, body in rest:
            if self.received is not None:
                raise ValueError("there is something behind the statistics")
            if kind == PACKET:
                self.packets.append(Packet(body))
            elif kind == STATISTICS:
                more = options(body[12:])
                self.received, self.lost = struct.unpack(">Q", more[4])[0], struct.unpack(">Q", more[5])[0]
            else:
                raise ValueError(f"a block of type {kind}")

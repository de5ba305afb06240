# SPDX-License-Identifier: GPL-2.0-or-later
"""Frames made by hand, good and bad, and a Sniffer that tells what of them came; shares no code with the daemon."""

import socket
import struct
import time

from . import dhcp
from .dhcp import folded_sum, mac_octets
from .namespaces import DEADLINE, Failed

BROADCAST, NOBODY = "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00"
BPDU_GROUP, LLDP_GROUP = "01:80:c2:00:00:00", "01:80:c2:00:00:0e"
ALL_NODES, ALL_ROUTERS = "ff02::1", "ff02::2"

IPV4, ARP, VLAN, IPV6, QINQ = 0x0800, 0x0806, 0x8100, 0x86DD, 0x88A8
PPPOE, SLOW, MACSEC, LLDP = 0x8863, 0x8809, 0x88E5, 0x88CC

HOP_BY_HOP, ICMP, TCP, UDP, ROUTING, FRAGMENT, ICMP6, DESTINATION = 0, 1, 6, 17, 43, 44, 58, 60

ECHO_REPLY, ECHO_REQUEST, REDIRECT = 0, 8, 5
RS, RA, NS, NA, REDIRECT6 = 133, 134, 135, 136, 137
SOURCE_LINK, TARGET_LINK = 1, 2


def ip6(text):
    return socket.inet_pton(socket.AF_INET6, text)


def link_local(mac):
    """RFC 4291 appendix A: the address that follows from a MAC."""
    octets = mac_octets(mac)
    return socket.inet_ntop(socket.AF_INET6, ip6("fe80::")[:8] + bytes([octets[0] ^ 2]) + octets[1:3] + b"\xff\xfe" +
                            octets[3:])


def solicited(address):
    """RFC 4291 2.7.1: the group of those whose address ends like this one."""
    return socket.inet_ntop(socket.AF_INET6, ip6("ff02::1:ff00:0")[:13] + ip6(address)[13:])


def group_mac(address):
    """RFC 2464 7."""
    return "33:33:" + ip6(address)[12:].hex(":")


# --- link layer ---

def ethernet(source, destination, ethertype, payload, tags=()):
    """tags: (ethertype, TCI) from the outermost on."""
    tagged = b"".join(struct.pack("!HH", *tag) for tag in tags)
    return mac_octets(destination) + mac_octets(source) + tagged + struct.pack("!H", ethertype) + payload


def llc(source, destination, payload):
    """IEEE 802.3: a length where the ethertype stands."""
    return ethernet(source, destination, len(payload), payload)


def bpdu(source):
    """IEEE 802.1D: a bridge that wants to be the root."""
    body = (b"\0\0\0\0\0" + b"\0\0" + mac_octets(source) + b"\0\0\0\0" + b"\0\0" + mac_octets(source) + b"\x80\x01" +
            b"\0\0\x14\0\x02\0\x0f\0")
    return llc(source, BPDU_GROUP, b"\x42\x42\x03" + body)


def arp(operation, source, sender_mac, sender, target_mac, target, destination=BROADCAST, hardware=1, protocol=IPV4,
        sizes=(6, 4), tags=()):
    """An ARP packet whose frame has a source of its own, and whose lengths may be lies."""
    body = (struct.pack("!HHBBH", hardware, protocol, *sizes, operation) + mac_octets(sender_mac) + dhcp.ip(sender) +
            mac_octets(target_mac) + dhcp.ip(target))
    return ethernet(source, destination, ARP, body, tags)


# --- IPv4 ---

def ipv4(source, destination, protocol, payload, options=b"", ident=1, fragment=0, more=False, ttl=64, first=None,
         length=None):
    """fragment: the offset in octets. options are a multiple of four octets. first and length: lies about version and
    header length, and about the total length."""
    size = 20 + len(options)
    flags = (0x2000 if more else 0) | fragment // 8
    header = struct.pack("!BBHHHBBH4s4s", 0x40 | size // 4 if first is None else first, 0,
                         size + len(payload) if length is None else length, ident, flags, ttl, protocol, 0,
                         dhcp.ip(source), dhcp.ip(destination)) + options
    return header[:10] + struct.pack("!H", 0xFFFF - folded_sum(header)) + header[12:] + payload


def ipv4_fragments(source, destination, protocol, payload, first, ident=7):
    """Two of them, the first of so many octets."""
    return [ipv4(source, destination, protocol, payload[:first], ident=ident, more=True),
            ipv4(source, destination, protocol, payload[first:], ident=ident, fragment=first)]


def udp(source, destination, source_port, port, payload):
    """With its checksum, for addresses of either family."""
    if ":" in source:
        pseudo = ip6(source) + ip6(destination) + struct.pack("!II", 8 + len(payload), UDP)
    else:
        pseudo = dhcp.ip(source) + dhcp.ip(destination) + struct.pack("!HH", UDP, 8 + len(payload))
    head = struct.pack("!HHH", source_port, port, 8 + len(payload))
    total = 0xFFFF - folded_sum(pseudo + head + b"\0\0" + payload)
    return head + struct.pack("!H", total or 0xFFFF) + payload


def icmp(kind, code, rest, payload=b""):
    """rest: the four octets behind the checksum."""
    head = struct.pack("!BB", kind, code)
    return head + struct.pack("!H", 0xFFFF - folded_sum(head + b"\0\0" + rest + payload)) + rest + payload


def redirect(router, victim, destination, gateway):
    """ICMP: what victim sends to destination should go by gateway; as router says."""
    about = ipv4(victim, destination, ICMP, icmp(ECHO_REPLY, 0, b"\0\x01\0\x01"))
    return ipv4(router, victim, ICMP, icmp(REDIRECT, 1, dhcp.ip(gateway), about[:28]))


# --- IPv6 ---

def ipv6(source, destination, next_header, payload, hops=255):
    return struct.pack("!IHBB", 6 << 28, len(payload), next_header, hops) + ip6(source) + ip6(destination) + payload


def options_header(next_header, octets=8):
    """Hop-by-hop or destination options of so many octets, all of them padding (RFC 8200 4.2)."""
    padding = b""
    while len(padding) < octets - 2:
        size = min(octets - 2 - len(padding), 257)
        padding += bytes([1, size - 2]) + bytes(size - 2) if size > 1 else b"\0"
    return struct.pack("!BB", next_header, octets // 8 - 1) + padding


def routing_header(next_header):
    """With no segments left: whoever does not know its type passes over it (RFC 8200 4.4)."""
    return struct.pack("!BBBBI", next_header, 0, 253, 0, 0)


def fragment_header(next_header, offset=0, more=False, ident=7):
    return struct.pack("!BBHI", next_header, 0, offset | more, ident)


def ipv6_fragments(source, destination, next_header, payload, first):
    """The fragmentable part in two fragments, the first of so many octets."""
    return [ipv6(source, destination, FRAGMENT, fragment_header(next_header, 0, True) + payload[:first]),
            ipv6(source, destination, FRAGMENT, fragment_header(next_header, first) + payload[first:])]


def icmp6(source, destination, kind, body, code=0):
    """body: from behind the checksum on."""
    head = struct.pack("!BB", kind, code)
    pseudo = ip6(source) + ip6(destination) + struct.pack("!II", 4 + len(body), ICMP6)
    return head + struct.pack("!H", 0xFFFF - folded_sum(pseudo + head + b"\0\0" + body)) + body


def nd_option(kind, mac):
    return bytes([kind, 1]) + mac_octets(mac)


def ns(source, target, destination=None, mac=None):
    """RFC 4861 4.3; from :: it asks whether anybody has the address (RFC 4862 5.4)."""
    to = destination or solicited(target)
    body = bytes(4) + ip6(target) + (nd_option(SOURCE_LINK, mac) if mac else b"")
    return icmp6(source, to, NS, body), source, to


def na(source, target, destination=ALL_NODES, mac=None, flags=0x20):
    """RFC 4861 4.4; 0x20: override."""
    body = bytes([flags, 0, 0, 0]) + ip6(target) + (nd_option(TARGET_LINK, mac) if mac else b"")
    return icmp6(source, destination, NA, body), source, destination


def ra(source, mac, prefix="2001:db8:bad::", destination=ALL_NODES):
    """RFC 4861 4.2: a router for everything, and a prefix to make addresses of."""
    body = struct.pack("!BBHII", 64, 0, 1800, 0, 0) + nd_option(SOURCE_LINK, mac)
    body += struct.pack("!BBBBIII", 3, 4, 64, 0xC0, 86400, 14400, 0) + ip6(prefix)
    return icmp6(source, destination, RA, body), source, destination


def redirect6(source, destination, about, target, mac):
    """RFC 4861 4.5: about is better reached by target."""
    body = bytes(4) + ip6(target) + ip6(about) + nd_option(TARGET_LINK, mac)
    return icmp6(source, destination, REDIRECT6, body), source, destination


def frame6(mac, message, destination=None, before=(), hops=255):
    """A message of ns(), na(), ra() or redirect6() as a frame; before: extension headers' types, in order."""
    payload, source, to = message
    kind = ICMP6
    for header in reversed(before):
        payload, kind = (routing_header if header == ROUTING else options_header)(kind) + payload, header
    if destination is None:
        destination = group_mac(to)
    return ethernet(mac, destination, IPV6, ipv6(source, to, kind, payload, hops))


def dhcp6_advertise(source, destination, client=b"\0\x03\0\x01\x52\x54\0\0\0\x01", source_port=547, port=546):
    """RFC 8415: an ADVERTISE with a name server."""
    server = b"\0\x03\0\x01\x52\x54\0\0\0\x66"
    body = b"\x02\x12\x34\x56"
    for code, value in ((1, client), (2, server), (23, ip6(source))):
        body += struct.pack("!HH", code, len(value)) + value
    return ipv6(source, destination, UDP, udp(source, destination, source_port, port, body))


# --- what came ---

SOL_PACKET, PACKET_STATISTICS, PACKET_AUXDATA = 263, 6, 8
TP_STATUS_VLAN_VALID, TP_STATUS_VLAN_TPID_VALID = 0x10, 0x40
SO_RCVBUFFORCE = 33


class Sniffer(dhcp.Wire):
    """A packet socket on a guest's card that sees frames as they came, with the tag that the kernel takes off."""

    def __init__(self, vmm):
        super().__init__(vmm)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
        self.socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self.marks = 0

    def incoming(self):
        while True:
            data, ancillary, _, address = self.socket.recvmsg(65536, 256)
            if address[2] != socket.PACKET_OUTGOING:
                return self.with_tag(data, ancillary)

    @staticmethod
    def with_tag(data, ancillary):
        for level, kind, value in ancillary:
            if (level, kind) != (SOL_PACKET, PACKET_AUXDATA):
                continue
            status, _, _, _, _, tci, tpid = struct.unpack("IIIHHHH", value[:20])
            if status & TP_STATUS_VLAN_VALID:
                tpid = tpid if status & TP_STATUS_VLAN_TPID_VALID else VLAN
                return data[:12] + struct.pack("!HH", tpid, tci) + data[12:]
        return data

    def until(self, marker):
        """All that came before this frame; the marker proves that nothing else is on its way."""
        seen = []
        end = time.monotonic() + DEADLINE
        while True:
            if time.monotonic() > end:
                raise Failed(f"the marker did not come; {len(seen)} other frames did")
            data = self.incoming()
            if data == marker:
                return seen
            seen.append(data)

    def lost(self):
        """How many frames did not fit into the socket since this was last asked."""
        packets_drops = self.socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8)
        return struct.unpack("II", packets_drops)[1]

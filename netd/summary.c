/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Says of a packet that somebody will be told of what it is. Pure; the octets are a guest's. */
#include <arpa/inet.h>
#include <linux/if_ether.h>

#include "base/buf.h"
#include "summary.h"

enum { FLOW_SIZE = 2 * INET6_ADDRSTRLEN + 8 };

static void skip(struct rd *r, size_t n)
{
	(void)rd_bytes(r, n);
}

static const char *protocol_text(uint8_t protocol, char buf[16])
{
	switch (protocol) {
	case IPPROTO_ICMP:
		return "ICMP";
	case IPPROTO_TCP:
		return "TCP";
	case IPPROTO_UDP:
		return "UDP";
	case IPPROTO_ICMPV6:
		return "ICMPv6";
	}
	snprintf(buf, 16, "protocol %u", protocol);
	return buf;
}

/* What is behind the IP header: ports, or an ICMP type. */
static void upper(struct rd r, uint8_t protocol, const char *flow, char buf[SUMMARY_SIZE])
{
	char text[16];
	unsigned a, b;

	if (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP) {
		a = rd_be16(&r);
		b = rd_be16(&r);
		if (!r.bad) {
			snprintf(buf, SUMMARY_SIZE, "%s, %s %u > %u", flow,
				 protocol_text(protocol, text), a, b);
			return;
		}
	} else if (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6) {
		a = rd_u8(&r);
		if (!r.bad) {
			snprintf(buf, SUMMARY_SIZE, "%s, %s type %u", flow,
				 protocol_text(protocol, text), a);
			return;
		}
	}
	snprintf(buf, SUMMARY_SIZE, "%s, %s", flow, protocol_text(protocol, text));
}

static bool ip4(const struct trap_packet *p, char buf[SUMMARY_SIZE])
{
	struct rd r = rd_init(p->ip, p->len);
	char from[IP4_TEXT_SIZE], to[IP4_TEXT_SIZE], flow[FLOW_SIZE];
	uint8_t head = rd_u8(&r), protocol;
	uint16_t fragment;

	skip(&r, 5);
	fragment = rd_be16(&r) & 0x1fff;
	skip(&r, 1);
	protocol = rd_u8(&r);
	skip(&r, 2);
	ip4_text(rd_be32(&r), from);
	ip4_text(rd_be32(&r), to);
	skip(&r, (size_t)(head & 0xf) * 4 > 20 ? (size_t)(head & 0xf) * 4 - 20 : 0);
	if (r.bad)
		return false;
	snprintf(flow, sizeof(flow), "%s > %s%s", from, to, fragment ? ", fragment" : "");
	if (fragment)
		r = rd_init(NULL, 0);
	upper(r, protocol, flow, buf);
	return true;
}

static bool ip6(const struct trap_packet *p, char buf[SUMMARY_SIZE])
{
	struct rd r = rd_init(p->ip, p->len);
	char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN], flow[FLOW_SIZE];
	const uint8_t *source, *destination;
	uint8_t next;

	skip(&r, 6);
	next = rd_u8(&r);
	skip(&r, 1);
	source = rd_bytes(&r, 16);
	destination = rd_bytes(&r, 16);
	if (r.bad)
		return false;
	inet_ntop(AF_INET6, source, from, sizeof(from));
	inet_ntop(AF_INET6, destination, to, sizeof(to));
	snprintf(flow, sizeof(flow), "%s > %s", from, to);
	upper(r, next, flow, buf);
	return true;
}

static bool arp(const struct trap_packet *p, char buf[SUMMARY_SIZE])
{
	struct rd r = rd_init(p->ip, p->len);
	char mac[MAC_TEXT_SIZE], sender[IP4_TEXT_SIZE], target[IP4_TEXT_SIZE];
	struct mac sender_mac;
	const uint8_t *octets;
	uint16_t operation;

	skip(&r, 6);
	operation = rd_be16(&r);
	octets = rd_bytes(&r, sizeof(sender_mac.octet));
	ip4_text(rd_be32(&r), sender);
	skip(&r, 6);
	ip4_text(rd_be32(&r), target);
	if (r.bad)
		return false;
	memcpy(sender_mac.octet, octets, sizeof(sender_mac.octet));
	mac_text(&sender_mac, mac);
	if (operation == 1)
		snprintf(buf, SUMMARY_SIZE, "ARP, who has %s, tell %s (%s)", target, sender, mac);
	else
		snprintf(buf, SUMMARY_SIZE, "ARP, %s is at %s", sender, mac);
	return true;
}

const char *packet_summary(const struct trap_packet *p, char buf[SUMMARY_SIZE])
{
	char src[MAC_TEXT_SIZE], dst[MAC_TEXT_SIZE], tail[SUMMARY_SIZE] = "";
	bool known = false;

	if (p->ethertype == ETH_P_IP)
		known = ip4(p, tail);
	else if (p->ethertype == ETH_P_IPV6)
		known = ip6(p, tail);
	else if (p->ethertype == ETH_P_ARP)
		known = arp(p, tail);
	if (!known)
		snprintf(tail, sizeof(tail), "%s 0x%04x", p->ethertype < 0x600 ? "length" : "type",
			 p->ethertype);
	snprintf(buf, SUMMARY_SIZE, "%s > %s, %s%.100s", mac_text(&p->src, src),
		 mac_text(&p->dst, dst), p->vlan ? "VLAN tag, " : "", tail);
	return buf;
}

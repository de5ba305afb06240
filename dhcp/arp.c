/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ARP packets for IPv4 over Ethernet (RFC 826): the octets of a probe, and what others say about
 * who has an address. Reads what a guest wrote. Pure; called by probe.c and by netd/ for each ARP
 * packet that is seen on a watched bridge.
 */
#include "dhcp.h"

enum { ETHERTYPE_ARP = 0x0806, ETHERTYPE_IPV4 = 0x0800, HARDWARE_ETHERNET = 1 };

static void read_mac(struct rd *r, struct mac *to)
{
	rd_copy(r, to->octet, sizeof(to->octet));
}

bool dhcp_arp_parse(const uint8_t *frame, size_t len, struct dhcp_arp *ret)
{
	struct rd r = rd_init(frame, len);
	struct dhcp_arp a;
	uint16_t type, op;
	uint32_t hardware, sizes;

	rd_bytes(&r, sizeof(a.src.octet));
	read_mac(&r, &a.src);
	type = rd_be16(&r);
	hardware = rd_be32(&r); /* hardware and protocol */
	sizes = rd_be16(&r);
	op = rd_be16(&r);
	read_mac(&r, &a.sender_mac);
	a.sender = rd_be32(&r);
	read_mac(&r, &a.target_mac);
	a.target = rd_be32(&r);
	if (r.bad || type != ETHERTYPE_ARP ||
	    hardware != ((uint32_t)HARDWARE_ETHERNET << 16 | ETHERTYPE_IPV4) || sizes != 0x0604 ||
	    (op != DHCP_ARP_REQUEST && op != DHCP_ARP_REPLY))
		return false;
	/* A group address, or none at all, is no station's. */
	if (a.sender_mac.octet[0] & 1 || mac_is_zero(&a.sender_mac))
		return false;
	a.op = (enum dhcp_arp_op)op;
	*ret = a;
	return true;
}

void dhcp_arp_probe_write(struct wr *w, const struct mac *ours, uint32_t addr)
{
	static const struct mac broadcast = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } }, none;

	wr_bytes(w, broadcast.octet, sizeof(broadcast.octet));
	wr_bytes(w, ours->octet, sizeof(ours->octet));
	wr_be16(w, ETHERTYPE_ARP);
	wr_be16(w, HARDWARE_ETHERNET);
	wr_be16(w, ETHERTYPE_IPV4);
	wr_be16(w, 0x0604); /* octets of either address */
	wr_be16(w, DHCP_ARP_REQUEST);
	wr_bytes(w, ours->octet, sizeof(ours->octet));
	wr_be32(w, 0);
	wr_bytes(w, none.octet, sizeof(none.octet));
	wr_be32(w, addr);
}

uint32_t dhcp_arp_claim(const struct dhcp_arp *a)
{
	return a->sender;
}

uint32_t dhcp_arp_interest(const struct dhcp_arp *a)
{
	if (a->sender)
		return a->sender;
	return a->op == DHCP_ARP_REQUEST ? a->target : 0;
}

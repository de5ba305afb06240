/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ethernet, IPv4 and UDP around a DHCP message. Reads what a guest wrote, so every length is
 * doubted; writes frames with complete checksums, since what a guest receives over a TAP without
 * offload is final. Pure; called by netd/ for each trapped packet and by server.c for each reply.
 */
#include "dhcp.h"

enum { IPV4_HEADER = 20, UDP_HEADER = 8, IPPROTO_UDP_NUMBER = 17, TTL = 64 };

const char *dhcp_drop_text(enum dhcp_drop drop)
{
	static const char *const text[DHCP_DROP_MAX] = {
		[DHCP_DROP_NONE] = "none",
		[DHCP_DROP_NOT_IPV4] = "not-ipv4",
		[DHCP_DROP_FRAGMENT] = "fragment",
		[DHCP_DROP_NOT_UDP] = "not-udp",
		[DHCP_DROP_LENGTH] = "length",
		[DHCP_DROP_CHECKSUM] = "checksum",
		[DHCP_DROP_VLAN] = "vlan",
		[DHCP_DROP_SHORT] = "size",
		[DHCP_DROP_NOT_REQUEST] = "not-request",
		[DHCP_DROP_HARDWARE] = "hardware",
		[DHCP_DROP_NO_COOKIE] = "no-cookie",
		[DHCP_DROP_OPTIONS] = "options",
		[DHCP_DROP_TYPE] = "type",
		[DHCP_DROP_NOT_SERVED] = "not-served",
		[DHCP_DROP_NOT_PORT_MAC] = "not-port-mac",
		[DHCP_DROP_RELAY] = "relay",
		[DHCP_DROP_RELAY_LOOP] = "relay-loop",
		[DHCP_DROP_NO_SUBNET] = "no-subnet",
		[DHCP_DROP_SOURCE_PORT] = "source-port",
		[DHCP_DROP_OTHER_SERVER] = "other-server",
		[DHCP_DROP_MALFORMED] = "malformed",
		[DHCP_DROP_NOT_HELD] = "not-held",
		[DHCP_DROP_DECLINES] = "declines",
		[DHCP_DROP_QUARANTINE] = "quarantine",
		[DHCP_DROP_NO_ADDRESS] = "no-address",
		[DHCP_DROP_CLIENTS] = "too-many-clients",
		[DHCP_DROP_WAITING] = "too-many-waiting",
		[DHCP_DROP_UNKNOWN] = "unknown-client",
	};

	return (unsigned)drop < DHCP_DROP_MAX ? text[drop] : "?";
}

/* Adds octets to a ones' complement sum (RFC 1071); an odd last octet is padded with zero. */
static uint32_t sum_add(uint32_t sum, const uint8_t *p, size_t len)
{
	for (; len > 1; len -= 2, p += 2)
		sum += (uint32_t)((p[0] << 8) | p[1]);
	if (len)
		sum += (uint32_t)(p[0] << 8);
	return sum;
}

static uint16_t sum_fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static uint32_t sum_pseudo(uint32_t saddr, uint32_t daddr, size_t udp_len)
{
	return (saddr >> 16) + (saddr & 0xffff) + (daddr >> 16) + (daddr & 0xffff) +
	       IPPROTO_UDP_NUMBER + (uint32_t)udp_len;
}

static bool udp_checksum_good(const struct dhcp_frame *f, const uint8_t *udp, size_t udp_len,
			      uint16_t check)
{
	uint32_t pseudo = sum_pseudo(f->saddr, f->daddr, udp_len);

	return check == 0 || check == sum_fold(pseudo) ||
	       sum_fold(sum_add(pseudo, udp, udp_len)) == 0xffff;
}

static enum dhcp_drop udp_parse(const uint8_t *p, size_t len, struct dhcp_frame *f)
{
	struct rd r = rd_init(p, len);
	size_t udp_len;
	uint16_t check;

	f->sport = rd_be16(&r);
	f->dport = rd_be16(&r);
	udp_len = rd_be16(&r);
	check = rd_be16(&r);
	if (r.bad || udp_len < UDP_HEADER || udp_len > len)
		return DHCP_DROP_LENGTH;
	if (f->dport != DHCP_SERVER_PORT)
		return DHCP_DROP_NOT_UDP;
	if (!udp_checksum_good(f, p, udp_len, check))
		return DHCP_DROP_CHECKSUM;
	f->payload = p + UDP_HEADER;
	f->len = udp_len - UDP_HEADER;
	return DHCP_DROP_NONE;
}

enum dhcp_drop dhcp_frame_parse(const struct mac *src, const struct mac *dst, const uint8_t *ip,
				size_t len, struct dhcp_frame *ret)
{
	struct dhcp_frame f = { .src = *src, .dst = *dst };
	struct rd r = rd_init(ip, len);
	uint8_t version, protocol;
	size_t header, total;
	uint16_t fragment;
	enum dhcp_drop drop;

	version = rd_u8(&r);
	rd_bytes(&r, 1);
	total = rd_be16(&r);
	rd_bytes(&r, 2);
	fragment = rd_be16(&r);
	rd_bytes(&r, 1);
	protocol = rd_u8(&r);
	rd_bytes(&r, 2);
	f.saddr = rd_be32(&r);
	f.daddr = rd_be32(&r);
	header = (size_t)(version & 15) * 4;
	if (r.bad || version >> 4 != 4 || header < IPV4_HEADER)
		return DHCP_DROP_NOT_IPV4;
	if (total < header || total > len)
		return DHCP_DROP_LENGTH;
	if (sum_fold(sum_add(0, ip, header)) != 0xffff)
		return DHCP_DROP_NOT_IPV4;
	if (fragment & 0x3fff) /* more fragments, or an offset */
		return DHCP_DROP_FRAGMENT;
	if (protocol != IPPROTO_UDP_NUMBER)
		return DHCP_DROP_NOT_UDP;
	drop = udp_parse(ip + header, total - header, &f);
	if (drop == DHCP_DROP_NONE)
		*ret = f;
	return drop;
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

void dhcp_frame_write(struct wr *w, const struct dhcp_frame *f)
{
	size_t udp_len = f->len + UDP_HEADER, udp_at, ip_at;
	uint16_t check;

	wr_bytes(w, f->dst.octet, sizeof(f->dst.octet));
	wr_bytes(w, f->src.octet, sizeof(f->src.octet));
	wr_be16(w, 0x0800);
	ip_at = w->len;
	wr_be16(w, 0x4500);
	wr_be16(w, (uint16_t)(udp_len + IPV4_HEADER));
	wr_be16(w, 0); /* identification: never fragmented (RFC 6864 4.1) */
	wr_be16(w, 0x4000);
	wr_u8(w, TTL);
	wr_u8(w, IPPROTO_UDP_NUMBER);
	wr_be16(w, 0);
	wr_be32(w, f->saddr);
	wr_be32(w, f->daddr);
	udp_at = w->len;
	wr_be16(w, f->sport);
	wr_be16(w, f->dport);
	wr_be16(w, (uint16_t)udp_len);
	wr_be16(w, 0);
	wr_bytes(w, f->payload, f->len);
	if (w->bad || udp_len + IPV4_HEADER > UINT16_MAX) {
		w->bad = true;
		return;
	}
	put16(w->p + ip_at + 10, (uint16_t)~sum_fold(sum_add(0, w->p + ip_at, IPV4_HEADER)));
	check = (uint16_t)~sum_fold(
		sum_add(sum_pseudo(f->saddr, f->daddr, udp_len), w->p + udp_at, udp_len));
	put16(w->p + udp_at + 6, check ? check : 0xffff); /* 0 would mean: no checksum (RFC 768) */
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fixed part of a DHCP message (RFC 2131 2). Pure; called by server.c and by tests. */
#include "dhcp.h"

const char *dhcp_type_text(unsigned type)
{
	static const char *const text[] = {
		[DHCP_DISCOVER] = "DISCOVER", [DHCP_OFFER] = "OFFER",	[DHCP_REQUEST] = "REQUEST",
		[DHCP_DECLINE] = "DECLINE",   [DHCP_ACK] = "ACK",	[DHCP_NAK] = "NAK",
		[DHCP_RELEASE] = "RELEASE",   [DHCP_INFORM] = "INFORM",
	};

	return type >= DHCP_DISCOVER && type <= DHCP_INFORM ? text[type] : "?";
}

enum dhcp_drop dhcp_message_parse(const uint8_t *p, size_t len, struct dhcp_message *ret)
{
	struct rd r = rd_init(p, len);
	struct dhcp_message m = { 0 };

	if (len > DHCP_PAYLOAD_MAX)
		return DHCP_DROP_SHORT;
	m.op = rd_u8(&r);
	m.htype = rd_u8(&r);
	m.hlen = rd_u8(&r);
	m.hops = rd_u8(&r);
	m.xid = rd_be32(&r);
	m.secs = rd_be16(&r);
	m.flags = rd_be16(&r);
	m.ciaddr = rd_be32(&r);
	m.yiaddr = rd_be32(&r);
	m.siaddr = rd_be32(&r);
	m.giaddr = rd_be32(&r);
	rd_copy(&r, m.chaddr, sizeof(m.chaddr));
	m.sname = rd_bytes(&r, 64);
	m.file = rd_bytes(&r, 128);
	if (r.bad)
		return DHCP_DROP_SHORT;
	if (m.hlen > sizeof(m.chaddr))
		return DHCP_DROP_HARDWARE;
	if (rd_be32(&r) == DHCP_COOKIE && !r.bad) {
		m.options_len = rd_left(&r);
		m.options = rd_bytes(&r, m.options_len);
	}
	*ret = m;
	return DHCP_DROP_NONE;
}

static void write_field(struct wr *w, const uint8_t *data, size_t len)
{
	if (data)
		wr_bytes(w, data, len);
	else
		wr_zero(w, len);
}

void dhcp_message_write(struct wr *w, const struct dhcp_message *m)
{
	wr_u8(w, m->op);
	wr_u8(w, m->htype);
	wr_u8(w, m->hlen);
	wr_u8(w, m->hops);
	wr_be32(w, m->xid);
	wr_be16(w, m->secs);
	wr_be16(w, m->flags);
	wr_be32(w, m->ciaddr);
	wr_be32(w, m->yiaddr);
	wr_be32(w, m->siaddr);
	wr_be32(w, m->giaddr);
	wr_bytes(w, m->chaddr, sizeof(m->chaddr));
	write_field(w, m->sname, 64);
	write_field(w, m->file, 128);
	wr_be32(w, DHCP_COOKIE);
}

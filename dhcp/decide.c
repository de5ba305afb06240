/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server's decisions: parse, find out who asks, decide by RFC 2131 4.3, have the reply built.
 * Pure: it changes the lease table and returns what must be stored before the reply may leave.
 *
 * The identity of a client is the port that its packet came in by. The port's allocation has one
 * address and one MAC, so the server is authoritative: it knows for every wanted address whether it
 * is right.
 */
#include "server.h"

enum {
	NS_PER_S = 1000000000,
	DECLINES_MAX = 4,      /* addresses that one port may have quarantined over its life */
	RETRANSMISSION_S = 10, /* an ACK with the same xid within this time is repeated as it was */
};

/* A host says its hardware type and length truthfully or needs a client identifier (RFC 4390 2.1,
 * RFC 2131 4.2). */
static enum dhcp_drop check_hardware(const struct exchange *x)
{
	size_t len;

	if (x->m.htype == DHCP_HTYPE_ETHERNET && x->m.hlen == 6)
		return DHCP_DROP_NONE;
	if (x->m.htype != DHCP_HTYPE_ETHERNET && dhcp_options_get(x->o, OPT_CLIENT_ID, &len) &&
	    len >= 2)
		return DHCP_DROP_NONE;
	return DHCP_DROP_HARDWARE;
}

static enum dhcp_drop check_port(const struct exchange *x)
{
	if (!x->net->serve || !x->lease || x->lease->l.net != x->in->net)
		return DHCP_DROP_NOT_SERVED;
	if (x->m.giaddr)
		return DHCP_DROP_RELAY;
	/* What bears another MAC behind this port is not its guest: a bridge or a macvlan inside
	 * it. */
	if (x->m.hlen == 6 && memcmp(x->m.chaddr, x->lease->l.mac.octet, 6))
		return DHCP_DROP_NOT_PORT_MAC;
	return DHCP_DROP_NONE;
}

static enum dhcp_drop parse(struct dhcp_server *s, struct exchange *x)
{
	enum dhcp_drop drop = dhcp_message_parse(x->in->frame->payload, x->in->frame->len, &x->m);

	if (drop)
		return drop;
	if (x->m.op != DHCP_OP_REQUEST)
		return DHCP_DROP_NOT_REQUEST;
	drop = dhcp_options_parse(&x->m, &s->options);
	if (drop)
		return drop;
	x->o = &s->options;
	drop = check_hardware(x);
	if (drop)
		return drop;
	if (!dhcp_options_u8(x->o, OPT_MESSAGE_TYPE, &x->type) ||
	    (x->type != DHCP_DISCOVER && x->type != DHCP_REQUEST && x->type != DHCP_DECLINE &&
	     x->type != DHCP_RELEASE && x->type != DHCP_INFORM)) {
		x->type = 0;
		return DHCP_DROP_TYPE;
	}
	return check_port(x);
}

/* RFC 2131 3.3 and 4.3.1: what the client asked for, within bounds; 0 and absent mean the default.
 */
static uint32_t lease_seconds(const struct exchange *x)
{
	const struct dhcp_net_config *net = x->net;
	uint32_t seconds = net->lease_time;

	dhcp_options_u32(x->o, OPT_LEASE_TIME, &seconds);
	if (!seconds)
		seconds = net->lease_time;
	if (seconds < net->min_lease_time)
		seconds = net->min_lease_time;
	return seconds > net->max_lease_time ? net->max_lease_time : seconds;
}

static int64_t end_of(int64_t now, uint32_t seconds)
{
	return seconds == DHCP_INFINITE ? INT64_MAX : now + (int64_t)seconds * NS_PER_S;
}

/* Fills the record with the lease as it now is and what the client said of itself. */
static void describe(const struct exchange *x, struct dhcp_action *a)
{
	size_t len;
	const uint8_t *p;

	lease_record(x->lease, &a->record);
	p = dhcp_options_get(x->o, OPT_CLIENT_ID, &len);
	if (p && len >= 2) {
		a->record.client_id = p;
		a->record.client_id_len = len;
	}
	p = dhcp_options_get(x->o, OPT_HOST_NAME, &len);
	if (p)
		dhcp_name_clean(p, len, a->record.hostname);
}

static void offer(struct dhcp_server *s, struct exchange *x, struct wr *out, struct dhcp_action *a)
{
	struct lease_slot *lease = x->lease;

	if (lease->l.state == DHCP_LEASE_DECLINED) {
		a->drop = DHCP_DROP_QUARANTINE;
		return;
	}
	a->before = lease->l;
	a->change = DHCP_CHANGE_OFFERED;
	/* A DISCOVER sent again within the hold belongs to the exchange that began before. */
	if (!lease->l.discovered || x->in->now >= end_of(lease->l.discovered, x->net->offer_hold))
		lease->l.discovered = x->in->now;
	/* A client that starts over keeps its binding until it asks for it again or lets it run
	 * out. */
	if (lease->l.state != DHCP_LEASE_BOUND)
		lease_set(s, lease, DHCP_LEASE_OFFERED, end_of(x->in->now, x->net->offer_hold));
	reply_write(x, DHCP_OFFER, lease_seconds(x), NULL, out);
	a->reply = DHCP_OFFER;
	describe(x, a);
}

static void nak(const struct exchange *x, const char *why, struct wr *out, struct dhcp_action *a)
{
	reply_write(x, DHCP_NAK, 0, why, out);
	a->reply = DHCP_NAK;
}

/* The time between the first DISCOVER and this ACK, and the end of the exchange. */
static int64_t exchange_time(struct exchange *x)
{
	int64_t since = x->lease->l.discovered;

	x->lease->l.discovered = 0;
	/* A DISCOVER whose offer has lapsed was the begin of another exchange. */
	return since && x->in->now < end_of(since, x->net->offer_hold) ? x->in->now - since : -1;
}

static void ack(struct dhcp_server *s, struct exchange *x, struct wr *out, struct dhcp_action *a)
{
	struct lease_slot *lease = x->lease;
	bool was_bound = lease->l.state == DHCP_LEASE_BOUND;
	bool again = was_bound && lease->l.xid == x->m.xid &&
		     x->in->now - lease->l.started < (int64_t)RETRANSMISSION_S * NS_PER_S;

	a->reply = DHCP_ACK;
	if (!again) {
		uint32_t seconds = lease_seconds(x);

		a->before = lease->l;
		a->exchange = exchange_time(x);
		/* A new exchange that begins with DISCOVER is a new start of the guest, bound or
		 * not. */
		a->change = was_bound && a->exchange < 0 ? DHCP_CHANGE_RENEWED : DHCP_CHANGE_BOUND;
		a->store = true;
		lease->l.seconds = seconds;
		lease->l.started = x->in->now;
		lease->l.xid = x->m.xid;
		lease_set(s, lease, DHCP_LEASE_BOUND, end_of(x->in->now, seconds));
		describe(x, a);
	}
	reply_write(x, DHCP_ACK, lease->l.seconds, NULL, out);
}

/* RFC 2131 4.3.2: the four kinds of REQUEST are told apart by what they carry. */
static void request(struct dhcp_server *s, struct exchange *x, struct wr *out,
		    struct dhcp_action *a)
{
	uint32_t server, wanted;
	bool has_server = dhcp_options_u32(x->o, OPT_SERVER_ID, &server);
	bool has_wanted = dhcp_options_u32(x->o, OPT_REQUESTED_ADDRESS, &wanted);

	if (has_server &&
	    server != x->net->server.addr) { /* SELECTING another's offer: ours is free again */
		a->drop = DHCP_DROP_OTHER_SERVER;
		if (x->lease->l.state == DHCP_LEASE_OFFERED) {
			a->before = x->lease->l;
			a->change = DHCP_CHANGE_OFFERED;
			lease_set(s, x->lease, DHCP_LEASE_FREE, INT64_MAX);
			describe(x, a);
		}
		return;
	}
	if (has_wanted == (x->m.ciaddr != 0)) { /* neither or both: no state of table 4 looks so */
		a->drop = DHCP_DROP_MALFORMED;
		return;
	}
	if (has_server && !has_wanted) {
		a->drop = DHCP_DROP_MALFORMED;
		return;
	}
	if (!has_wanted)
		wanted = x->m.ciaddr;
	if (x->lease->l.state == DHCP_LEASE_DECLINED || wanted != x->lease->l.addr)
		nak(x,
		    ip4_within(x->net->server, wanted) ? "not your address" : "not on this network",
		    out, a);
	else
		ack(s, x, out, a);
}

/* RFC 2131 4.3.5: no lease, no times, to the address that the client says it has. */
static void inform(const struct exchange *x, struct wr *out, struct dhcp_action *a)
{
	if (!x->m.ciaddr && !x->in->frame->saddr) {
		a->drop = DHCP_DROP_MALFORMED;
		return;
	}
	reply_write(x, DHCP_ACK, 0, NULL, out);
	a->reply = DHCP_ACK;
}

/* Whether a RELEASE or DECLINE names us, and the address that this client holds (RFC 2131 4.4.4,
 * table 5). */
static bool names_its_own(const struct exchange *x, uint32_t addr, struct dhcp_action *a)
{
	uint32_t server;

	if (!dhcp_options_u32(x->o, OPT_SERVER_ID, &server) || server != x->net->server.addr)
		a->drop = DHCP_DROP_OTHER_SERVER;
	else if (addr != x->lease->l.addr ||
		 (x->lease->l.state != DHCP_LEASE_BOUND && x->lease->l.state != DHCP_LEASE_OFFERED))
		a->drop = DHCP_DROP_NOT_HELD;
	return !a->drop;
}

static void release(struct dhcp_server *s, struct exchange *x, struct dhcp_action *a)
{
	if (!names_its_own(x, x->m.ciaddr, a))
		return;
	a->before = x->lease->l;
	a->change = DHCP_CHANGE_RELEASED;
	a->store = true;
	lease_set(s, x->lease, DHCP_LEASE_RELEASED, INT64_MAX);
	describe(x, a);
}

static void decline(struct dhcp_server *s, struct exchange *x, struct dhcp_action *a)
{
	uint32_t addr = 0;

	dhcp_options_u32(x->o, OPT_REQUESTED_ADDRESS, &addr);
	if (!names_its_own(x, addr, a))
		return;
	if (x->lease->l.declines >= DECLINES_MAX) {
		a->drop = DHCP_DROP_DECLINES;
		return;
	}
	a->before = x->lease->l;
	a->change = DHCP_CHANGE_DECLINED;
	a->store = true;
	x->lease->l.declines++;
	lease_set(s, x->lease, DHCP_LEASE_DECLINED, end_of(x->in->now, x->net->quarantine));
	describe(x, a);
}

static void decide(struct dhcp_server *s, struct exchange *x, struct wr *out, struct dhcp_action *a)
{
	switch ((enum dhcp_type)x->type) {
	case DHCP_DISCOVER:
		offer(s, x, out, a);
		break;
	case DHCP_REQUEST:
		request(s, x, out, a);
		break;
	case DHCP_DECLINE:
		decline(s, x, a);
		break;
	case DHCP_RELEASE:
		release(s, x, a);
		break;
	case DHCP_INFORM:
		inform(x, out, a);
		break;
	case DHCP_OFFER:
	case DHCP_ACK:
	case DHCP_NAK:
		break; /* parse() has refused these */
	}
}

void dhcp_input(struct dhcp_server *s, const struct dhcp_input *in, struct wr *out,
		struct dhcp_action *ret)
{
	static const struct dhcp_net_config unserved;
	struct exchange x = { .in = in,
			      .net = in->net < s->nets_cap ? &s->net[in->net] : &unserved };

	*ret = (struct dhcp_action){ .exchange = -1 };
	x.lease = lease_find_port(s, in->port);
	ret->drop = parse(s, &x);
	ret->request = x.type;
	s->count.received[x.type]++;
	if (!ret->drop)
		decide(s, &x, out, ret);
	s->count.dropped[ret->drop] += ret->drop != DHCP_DROP_NONE;
	s->count.sent[ret->reply] += ret->reply != 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server's decisions: parse, find out who asks, decide by RFC 2131 4.3, have the reply built.
 * Pure: it changes the lease table and returns what must be stored before the reply may leave.
 *
 * What comes by a port with the port's own MAC is the port's guest, whatever else it says. The
 * port's allocation has one address, so for it the server is authoritative: it knows for every
 * wanted address whether it is right. Others are clients of the network (client.c), where it is
 * configured to have any.
 */
#include "server.h"

enum {
	NS_PER_S = 1000000000,
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

/* A guest without Ethernet hardware says who it is by its port. */
static bool is_own_guest(const struct exchange *x)
{
	return x->port->l.addr && (x->m.hlen != 6 || !memcmp(x->m.chaddr, x->port->l.mac.octet, 6));
}

static enum dhcp_drop find_sender(struct dhcp_server *s, struct exchange *x)
{
	enum dhcp_drop drop;

	if (!x->net->serve || !x->port || x->port->l.net != x->in->net)
		return DHCP_DROP_NOT_SERVED;
	drop = relay_find(s, x);
	if (drop)
		return drop;
	if (is_own_guest(x)) {
		x->lease = x->port;
		return DHCP_DROP_NONE;
	}
	/* A bridge or a macvlan inside the guest. */
	if (x->net->identity == DHCP_IDENTITY_PORT && x->port->l.addr)
		return DHCP_DROP_NOT_PORT_MAC;
	client_find(s, x);
	return DHCP_DROP_NONE;
}

/* Port 67 as well: some clients and relay agents use it at both ends. What a relay agent sends can
 * come from any (RFC 8357). */
static bool is_source_port(const struct exchange *x)
{
	uint16_t sport = x->in->frame->sport;

	return sport == DHCP_CLIENT_PORT || sport == DHCP_SERVER_PORT || x->m.giaddr;
}

/*
 * BOOTP gives no lease, so it is for those alone who have their address for ever: guests of ports,
 * and clients with a reservation (RFC 1534 2). Others are dropped for what is wrong with their
 * message as one of DHCP.
 */
static enum dhcp_drop find_bootp_sender(struct dhcp_server *s, struct exchange *x,
					enum dhcp_drop otherwise)
{
	if (!x->net->bootp || find_sender(s, x))
		return otherwise;
	if (x->lease == x->port && x->port->l.state != DHCP_LEASE_DECLINED)
		x->bootp_addr = x->port->l.addr;
	else if (reserve_is_open(s, x))
		x->bootp_addr = x->reserved;
	else if (x->lease == x->port || x->reserved)
		return DHCP_DROP_NO_ADDRESS;
	return x->bootp_addr ? DHCP_DROP_NONE : otherwise;
}

static enum dhcp_drop parse(struct dhcp_server *s, struct exchange *x)
{
	enum dhcp_drop drop = dhcp_message_parse(x->in->frame->payload, x->in->frame->len, &x->m);
	size_t len;

	if (drop)
		return drop;
	if (x->m.op != DHCP_OP_REQUEST)
		return DHCP_DROP_NOT_REQUEST;
	if (!is_source_port(x))
		return DHCP_DROP_SOURCE_PORT;
	drop = dhcp_options_parse(&x->m, &s->options);
	x->o = &s->options;
	x->bootp = !x->m.options || !dhcp_options_get(x->o, OPT_MESSAGE_TYPE, &len);
	if (drop && x->m.options)
		return drop;
	if (!drop)
		drop = check_hardware(x);
	if (x->bootp && (!drop || !x->m.options))
		return find_bootp_sender(s, x, drop ? drop : DHCP_DROP_TYPE);
	if (drop)
		return drop;
	if (!dhcp_options_u8(x->o, OPT_MESSAGE_TYPE, &x->type) ||
	    (x->type != DHCP_DISCOVER && x->type != DHCP_REQUEST && x->type != DHCP_DECLINE &&
	     x->type != DHCP_RELEASE && x->type != DHCP_INFORM)) {
		x->type = 0;
		return DHCP_DROP_TYPE;
	}
	return find_sender(s, x);
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
	dhcp_client_name(x->o, a->record.hostname);
}

/*
 * There is no address for this client. One that would make up its own is told not to (RFC 2563):
 * it would be cut off on a link where everybody else has an address of ours.
 */
static void turn_away(const struct exchange *x, enum dhcp_drop drop, struct wr *out,
		      struct dhcp_action *a)
{
	uint8_t would;

	a->turned_away = drop;
	if (!dhcp_options_u8(x->o, OPT_AUTO_CONFIGURE, &would)) {
		a->drop = drop;
		return;
	}
	reply_write(x, DHCP_OFFER, 0, NULL, out);
	a->reply = DHCP_OFFER;
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

/* `before` is filled in when the lease was made or moved for this packet; else it is what it was.
 */
static void ack(struct dhcp_server *s, struct exchange *x, struct wr *out, struct dhcp_action *a)
{
	struct lease_slot *lease = x->lease;
	bool was_bound = lease->l.state == DHCP_LEASE_BOUND;
	bool again = was_bound && !lease->l.moved && lease->l.xid == x->m.xid &&
		     x->in->now - lease->l.started < (int64_t)RETRANSMISSION_S * NS_PER_S;

	a->reply = DHCP_ACK;
	if (!again) {
		uint32_t seconds = lease_seconds(x);

		if (!a->before.addr)
			a->before = lease->l;
		a->exchange = exchange_time(x);
		/* A new exchange that begins with DISCOVER is a new start of the guest, bound or
		 * not. */
		a->change = was_bound && a->exchange < 0 ? DHCP_CHANGE_RENEWED : DHCP_CHANGE_BOUND;
		a->store = true;
		lease->l.seconds = seconds;
		lease->l.started = x->in->now;
		lease->l.xid = x->m.xid;
		lease->l.moved = false;
		lease_set(s, lease, DHCP_LEASE_BOUND, end_of(x->in->now, seconds));
		describe(x, a);
		reserve_quit(s, x, a);
	}
	reply_write(x, DHCP_ACK, lease->l.seconds, NULL, out);
}

/* A client that has a lease, or had one, is behind this port now. One whose lease had ended, or
 * that was behind another, counts among the port's from now on, and somebody may have taken an
 * address meanwhile whose lease had ended (RFC 2131 2.2). */
static enum dhcp_drop come_back(struct dhcp_server *s, struct exchange *x)
{
	bool counted = !dhcp_lease_is_memory(&x->lease->l) && x->lease->l.port == x->in->port;

	if (!counted && !client_has_room(x))
		return DHCP_DROP_CLIENTS;
	if (!dhcp_lease_is_memory(&x->lease->l) || candidate_is_known(x, x->lease->l.addr))
		client_move(s, x->lease, x);
	return DHCP_DROP_NONE;
}

/* The address of the port's guest may be spoken of, by an OFFER or an ACK. */
static bool is_beyond_doubt(struct exchange *x)
{
	if (x->lease->in_doubt && x->lease->l.state != DHCP_LEASE_BOUND)
		x->lease->in_doubt = !candidate_is_known(x, x->lease->l.addr);
	return !x->wait;
}

/* The address that a client may have had before, or asks for (RFC 2131 4.3.1); or why none is to
 * be had. */
static enum dhcp_drop find_address(struct dhcp_server *s, struct exchange *x, struct dhcp_action *a)
{
	enum dhcp_drop drop = DHCP_DROP_NONE;
	uint32_t wanted = 0;

	reserve_leave(s, x);
	if (x->lease && dhcp_lease_is_memory(&x->lease->l) &&
	    !candidate_fits(x, x->lease->l.addr)) {
		client_remove(s, x->lease);
		x->lease = NULL;
	}
	if (x->lease && x->lease->l.client) {
		drop = come_back(s, x);
	} else if (!x->lease) {
		dhcp_options_u32(x->o, OPT_REQUESTED_ADDRESS, &wanted);
		x->lease = client_add(s, x, wanted, false, &drop);
		a->created = x->lease != NULL;
		a->clone = a->created && x->clone;
	} else if (x->lease->l.state == DHCP_LEASE_DECLINED) {
		drop = DHCP_DROP_QUARANTINE;
	} else {
		is_beyond_doubt(x);
	}
	return drop;
}

/* Whether this DISCOVER is answered with an ACK at once (RFC 4039 3.1; not where the client would
 * rather go without IPv4, RFC 8925 3.3). */
static bool is_rapid(const struct exchange *x)
{
	size_t n, len;
	const uint8_t *list = dhcp_options_get(x->o, OPT_REQUEST_LIST, &n);
	bool rather_ipv6 = list && memchr(list, OPT_IPV6_ONLY, n) &&
			   dhcp_option_set_get(x->net->options, OPT_IPV6_ONLY, &len);

	return x->net->rapid_commit && dhcp_options_get(x->o, OPT_RAPID_COMMIT, &len) &&
	       !rather_ipv6;
}

static void discover(struct dhcp_server *s, struct exchange *x, struct wr *out,
		     struct dhcp_action *a)
{
	struct dhcp_lease before = x->lease ? x->lease->l : (struct dhcp_lease){ 0 };
	enum dhcp_drop drop = find_address(s, x, a);
	struct lease_slot *lease = x->lease;

	if (drop) {
		turn_away(x, drop, out, a);
		return;
	}
	if (x->wait)
		return;
	a->before = a->created ? lease->l : before;
	/* A DISCOVER sent again within the hold belongs to the exchange that began before. */
	if (!lease->l.discovered || x->in->now >= end_of(lease->l.discovered, x->net->offer_hold))
		lease->l.discovered = x->in->waited ? x->in->came : x->in->now;
	if (is_rapid(x)) {
		ack(s, x, out, a);
		return;
	}
	a->change = DHCP_CHANGE_OFFERED;
	/* A client that starts over keeps its binding until it asks for it again or lets it run
	 * out. */
	if (lease->l.state != DHCP_LEASE_BOUND)
		lease_set(s, lease, DHCP_LEASE_OFFERED, end_of(x->in->now, x->net->offer_hold));
	reply_write(x, DHCP_OFFER, lease_seconds(x), NULL, out);
	a->reply = DHCP_OFFER;
	describe(x, a);
}

/* The four kinds of REQUEST, told apart by what they carry (RFC 2131 4.3.2, table 4). */
enum request_kind { SELECTING, INIT_REBOOT, RENEWING, REBINDING };

struct wanted {
	enum request_kind kind;
	uint32_t addr;
};

static bool classify(const struct exchange *x, struct wanted *ret, struct dhcp_action *a)
{
	uint32_t server = 0;
	bool has_server = dhcp_options_u32(x->o, OPT_SERVER_ID, &server);
	bool has_addr = dhcp_options_u32(x->o, OPT_REQUESTED_ADDRESS, &ret->addr);

	if (has_server && !relay_names_us(x, server))
		a->drop = DHCP_DROP_OTHER_SERVER;
	else if (has_addr == (x->m.ciaddr != 0) /* neither or both */ || (has_server && !has_addr))
		a->drop = DHCP_DROP_MALFORMED;
	if (!has_addr)
		ret->addr = x->m.ciaddr;
	ret->kind = has_server			      ? SELECTING :
		    has_addr			      ? INIT_REBOOT :
		    x->in->frame->daddr == UINT32_MAX ? REBINDING :
							RENEWING;
	return !a->drop;
}

/* The client chose another server's offer: ours is free again (RFC 2131 3.1, step 4). */
static void forget_offer(struct dhcp_server *s, struct exchange *x, struct dhcp_action *a)
{
	if (!x->lease || x->lease->l.state != DHCP_LEASE_OFFERED)
		return;
	a->before = x->lease->l;
	a->change = DHCP_CHANGE_OFFERED;
	describe(x, a);
	a->record.state = lease_lapse(s, x->lease);
	a->record.expires = INT64_MAX;
}

/*
 * A client that has no lease, or not this one. Where its address is free it gets it: our memory was
 * lost, or our offer has lapsed. Where not, it is refused; but a server that is not the authority
 * of its link leaves to others what it does not know (RFC 2131 4.3.2), unless the address cannot be
 * right here.
 */
static bool admit(struct dhcp_server *s, struct exchange *x, const struct wanted *w,
		  struct dhcp_action *a)
{
	bool to_all = w->kind == INIT_REBOOT || w->kind == REBINDING;
	bool unknown = to_all && !x->lease && !x->reserved && !x->net->authoritative &&
		       ip4_within(x->subnet.prefix, w->addr);

	if (unknown) {
		a->drop = DHCP_DROP_UNKNOWN;
		return false;
	}
	reserve_leave(s, x);
	if (x->lease || !client_may_have(s, x, w->addr))
		return false;
	x->lease = client_add(s, x, w->addr, true, &a->drop);
	a->created = x->lease != NULL;
	a->clone = a->created && x->clone;
	if (a->created)
		a->before = x->lease->l;
	return a->created;
}

/* Whether the sender has this address, or gets it now. */
static bool holds(struct dhcp_server *s, struct exchange *x, const struct wanted *w,
		  struct dhcp_action *a)
{
	if (!x->lease || (x->lease->l.client && x->lease->l.addr != w->addr))
		return admit(s, x, w, a);
	if (x->lease->l.state == DHCP_LEASE_DECLINED || x->lease->l.addr != w->addr ||
	    reserve_moves(s, x) ||
	    (dhcp_lease_is_memory(&x->lease->l) && !candidate_fits(x, w->addr)))
		return false;
	if (x->lease->l.client) {
		a->before = x->lease->l;
		a->drop = come_back(s, x);
		return !a->drop && !x->wait;
	}
	return is_beyond_doubt(x);
}

/* A client that is to leave the address that it asks for has lost it. */
static void refuse(struct dhcp_server *s, struct exchange *x, const struct wanted *w,
		   struct wr *out, struct dhcp_action *a)
{
	struct lease_slot *lost = reserve_refused(s, x, w->addr);

	if (lost) {
		x->lease = lost;
		a->before = lost->l;
		a->change = DHCP_CHANGE_RELEASED;
		a->store = true;
		lease_set(s, lost, DHCP_LEASE_RELEASED, INT64_MAX);
		describe(x, a);
	}
	nak(x, ip4_within(x->subnet.prefix, w->addr) ? "not your address" : "not on this network",
	    out, a);
}

/* RFC 2131 4.3.2 */
static void request(struct dhcp_server *s, struct exchange *x, struct wr *out,
		    struct dhcp_action *a)
{
	struct wanted w;

	if (!classify(x, &w, a)) {
		if (a->drop == DHCP_DROP_OTHER_SERVER)
			forget_offer(s, x, a);
		return;
	}
	if (holds(s, x, &w, a))
		ack(s, x, out, a);
	else if (!a->drop && !x->wait)
		refuse(s, x, &w, out, a);
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

/* A client's lease is behind another port than this one, which is there. */
static bool is_elsewhere(const struct exchange *x)
{
	const struct dhcp_lease *l = &x->lease->l;

	return l->client && l->port != DHCP_PORT_NONE && l->port != x->in->port;
}

/* Whether a RELEASE or DECLINE names us, and the address that this client holds (RFC 2131 4.4.4,
 * table 5). */
static bool names_its_own(struct exchange *x, uint32_t addr, struct dhcp_action *a)
{
	uint32_t server;

	if (x->left && x->left->l.addr == addr)
		x->lease = x->left;
	if (!dhcp_options_u32(x->o, OPT_SERVER_ID, &server) || !relay_names_us(x, server))
		a->drop = DHCP_DROP_OTHER_SERVER;
	else if (!x->lease || addr != x->lease->l.addr || is_elsewhere(x) ||
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
	if (x->port->l.declines >= DECLINES_MAX) {
		a->drop = DHCP_DROP_DECLINES;
		return;
	}
	a->before = x->lease->l;
	a->change = DHCP_CHANGE_DECLINED;
	a->store = true;
	x->port->l.declines++;
	if (x->lease->l.client)
		client_strip(s, x->lease);
	lease_set(s, x->lease, DHCP_LEASE_DECLINED, end_of(x->in->now, x->net->quarantine));
	describe(x, a);
}

static void decide(struct dhcp_server *s, struct exchange *x, struct wr *out, struct dhcp_action *a)
{
	switch ((enum dhcp_type)x->type) {
	case DHCP_DISCOVER:
		discover(s, x, out, a);
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
			      .net = in->net < s->nets_cap ? &s->net[in->net].config : &unserved };

	*ret = (struct dhcp_action){ .exchange = -1 };
	x.port = lease_find_port(s, in->port);
	ret->drop = parse(s, &x);
	ret->request = x.type;
	s->count.received[x.type] += !in->waited;
	if (!ret->drop && !x.bootp)
		decide(s, &x, out, ret);
	else if (!ret->drop)
		reply_write_bootp(&x, out);
	ret->bootp = x.bootp && !ret->drop;
	ret->wait = x.wait;
	memcpy(ret->wait_client.octet, x.m.chaddr, sizeof(ret->wait_client.octet));
	s->count.dropped[ret->drop] += ret->drop != DHCP_DROP_NONE;
	s->count.sent[ret->reply] += ret->reply || ret->bootp;
}

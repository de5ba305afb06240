/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Replies: which options, in which order, and to whom (RFC 2131 4.1, 4.3.1 table 3). Pure; called
 * by decide.c.
 *
 * A client that sends a parameter request list gets what the protocol demands and then what it
 * asked for, in its order, so far as something is configured (RFC 2132 9.8); one that sends none
 * gets all that is.
 */
#include "server.h"

enum { IP_AND_UDP = 28, DATAGRAM_MIN = 576, DATAGRAM_MAX = 1500 };
enum { CLIENT_ID_MIN = 2 }; /* RFC 2132 9.14 */
enum { FILE_SIZE = 128, DO_NOT_AUTO_CONFIGURE = 0 };
enum { SCOPES_MAX = 4 + DHCP_CLASSES_MAX }; /* host, classes, relay's subnet, network, global */

size_t reply_max_payload(const struct exchange *x)
{
	size_t max = DATAGRAM_MIN,
	       mtu = x->net->mtu && x->net->mtu < DATAGRAM_MAX ? x->net->mtu : DATAGRAM_MAX;
	uint16_t asked;

	if (dhcp_options_u16(x->o, OPT_MAX_SIZE, &asked) && asked > max)
		max = asked < mtu ? asked : mtu;
	return max - IP_AND_UDP;
}

/* Where configured options are looked for: the narrowest scope first, no NULL among them. */
struct scopes {
	const struct dhcp_option_set *at[SCOPES_MAX];
	unsigned n;
};

static void add_scope(struct scopes *s, const struct dhcp_option_set *set)
{
	if (set)
		s->at[s->n++] = set;
}

static struct scopes scopes_of(const struct exchange *x)
{
	struct scopes s = { .n = 0 };

	if (x->host)
		add_scope(&s, x->host->options);
	else if (x->lease)
		add_scope(&s, x->lease->l.options);
	for (unsigned i = 0; i < x->net->classes; i++)
		if (dhcp_class_match(x->net->class[i], &x -> m, x -> o))
			add_scope(&s, x->net->class[i] -> options);
	add_scope(&s, x->subnet.options);
	add_scope(&s, x->net->options);
	add_scope(&s, x->net->global);
	return s;
}

/* The value of the narrowest scope that has this code. */
static const uint8_t *configured(const struct scopes *s, uint8_t code, size_t *len)
{
	const uint8_t *p = NULL;

	for (unsigned i = 0; i < s->n && !p; i++)
		p = dhcp_option_set_get(s->at[i], code, len);
	return p;
}

static uint32_t next_server(const struct scopes *s)
{
	uint32_t addr = 0;

	for (unsigned i = 0; i < s->n && !addr; i++)
		addr = dhcp_option_set_get_next_server(s->at[i]);
	return addr;
}

/* The name that is configured for this client; NULL: none. */
static const char *hostname_of(const struct exchange *x)
{
	return x->host ? x->host->hostname : x->lease ? x->lease->l.hostname : NULL;
}

/* One reply under construction. */
struct reply {
	const struct exchange *x;
	enum dhcp_type type;
	uint32_t seconds;  /* lease time; 0: no lease is spoken of */
	bool no_classless; /* option 121 does not fit: 3 and 33 have to do */
	struct scopes scopes;
	struct dhcp_outs outs;
};

/* The answer to a DISCOVER that cannot be served (RFC 2563). */
static bool is_no_address(const struct reply *r)
{
	return r->type == DHCP_OFFER && !r->seconds;
}

/*
 * T1 is half and T2 seven eighths of the lease (RFC 2131 4.4.5). An infinite lease is never
 * renewed, and one of less than three seconds has no room for two times before its end.
 */
static void add_time(struct reply *r, uint8_t code)
{
	uint32_t seconds = r->seconds;

	if (seconds == DHCP_INFINITE || seconds < 3)
		return;
	if (code == OPT_T1)
		dhcp_outs_add_u32(&r->outs, code, seconds / 2);
	if (code == OPT_T2)
		dhcp_outs_add_u32(&r->outs, code, seconds - (seconds < 8 ? 1 : seconds / 8));
}

/*
 * Old Windows clients end their texts with a NUL and expect the same (seen in their option 12);
 * everybody else gets none (RFC 2132 2).
 */
static bool wants_nul(const struct exchange *x, uint8_t code)
{
	enum dhcp_option_type type = dhcp_option_info(code)->type;
	size_t len;
	const uint8_t *name = dhcp_options_get(x->o, OPT_HOST_NAME, &len);

	return (type == DHCP_OPT_TEXT || type == DHCP_OPT_DOMAIN) && name && len > 1 &&
	       !name[len - 1];
}

/* The value outlives the reply. */
static void add_value(struct reply *r, uint8_t code, const void *data, size_t len)
{
	uint8_t text[255]; /* of one option */

	if (!wants_nul(r->x, code) || len >= sizeof(text)) {
		dhcp_outs_add(&r->outs, code, data, len);
		return;
	}
	memcpy(text, data, len);
	text[len] = 0;
	dhcp_outs_add_copy(&r->outs, code, text, len + 1);
}

/* Option 249 is 121 by another number, and says the same where it is not configured itself. */
static const uint8_t *configured_routes(const struct reply *r, uint8_t code, size_t *len)
{
	const uint8_t *p = configured(&r->scopes, code, len);

	return p || code != OPT_MS_CLASSLESS_ROUTES ?
		       p :
		       configured(&r->scopes, OPT_CLASSLESS_ROUTES, len);
}

/*
 * A client that understands classless routes ignores options 3 and 33, so its default route has to
 * be among them (RFC 3442); it is appended here unless the configuration has one.
 */
static void add_classless_routes(struct reply *r, uint8_t code, const uint8_t *routes, size_t len)
{
	uint8_t all[sizeof(r->outs.inline_data)];
	struct rd rd = rd_init(routes, len);
	struct wr w = wr_init(all, sizeof(all));
	uint32_t router = r->x->subnet.router;
	bool has_default = false;

	while (rd_left(&rd)) {
		uint8_t width = rd_u8(&rd);

		has_default = has_default || width == 0;
		rd_bytes(&rd, (width + 7u) / 8 + 4);
	}
	wr_bytes(&w, routes, len);
	wr_u8(&w, 0);
	wr_be32(&w, router);
	if (has_default || !router || w.bad)
		dhcp_outs_add(&r->outs, code, routes, len);
	else
		dhcp_outs_add_copy(&r->outs, code, all, w.len);
}

/* What follows from the network's and the port's own keys. */
static void add_own(struct reply *r, uint8_t code)
{
	const struct subnet *subnet = &r->x->subnet;
	const char *hostname = hostname_of(r->x);
	uint16_t mtu16 = subnet->number ? 0 : r->x->net->mtu; /* of our link, not of others */

	if (code == OPT_SUBNET_MASK) {
		dhcp_outs_add_u32(&r->outs, code, ip4_mask(subnet->prefix.len));
	} else if (code == OPT_ROUTER && subnet->router) {
		dhcp_outs_add_u32(&r->outs, code, subnet->router);
	} else if (code == OPT_BROADCAST) {
		dhcp_outs_add_u32(&r->outs, code, ip4_broadcast(subnet->prefix));
	} else if (code == OPT_MTU && mtu16) {
		uint8_t mtu[2] = { (uint8_t)(mtu16 >> 8), (uint8_t)mtu16 };

		dhcp_outs_add_copy(&r->outs, code, mtu, sizeof(mtu));
	} else if (code == OPT_HOST_NAME && hostname) {
		add_value(r, code, hostname, strlen(hostname));
	} else if (r->seconds) {
		add_time(r, code);
	}
}

static void add_option(struct reply *r, uint8_t code)
{
	bool routes = code == OPT_CLASSLESS_ROUTES || code == OPT_MS_CLASSLESS_ROUTES;
	size_t len;
	const uint8_t *p =
		routes ? configured_routes(r, code, &len) : configured(&r->scopes, code, &len);

	if (routes && p)
		add_classless_routes(r, code, p, len);
	else if (p)
		add_value(r, code, p, len);
	else
		add_own(r, code);
}

/* What is not said although it is asked for. */
static bool is_withheld(const struct reply *r, uint8_t code, bool classless)
{
	if (code == OPT_ROUTER || code == OPT_STATIC_ROUTES || code == OPT_MS_CLASSLESS_ROUTES)
		return classless; /* RFC 3442 */
	if (code == OPT_CLASSLESS_ROUTES)
		return r->no_classless;
	if (code == OPT_T1 || code == OPT_T2)
		return false;
	return code == OPT_LEASE_TIME || dhcp_option_info(code)->flags & DHCP_OPT_PROTOCOL;
}

/* The answer to a request list: option 1 before 3 (RFC 2132 3.3), and 121 instead of 3, 33 and 249
 * (RFC 3442). */
static void add_requested(struct reply *r, const uint8_t *list, size_t n)
{
	bool classless = memchr(list, OPT_CLASSLESS_ROUTES, n) && !r->no_classless;
	size_t len;

	classless = classless && configured(&r->scopes, OPT_CLASSLESS_ROUTES, &len);
	for (size_t i = 0; i < n; i++) {
		uint8_t code = list[i];

		if (is_withheld(r, code, classless))
			continue;
		if (code == OPT_ROUTER && memchr(list, OPT_SUBNET_MASK, n))
			add_option(r, OPT_SUBNET_MASK);
		add_option(r, code);
	}
}

static void add_all(struct reply *r)
{
	static const uint8_t usual[] = { OPT_SUBNET_MASK, OPT_ROUTER,	 OPT_DNS,
					 OPT_DOMAIN_NAME, OPT_HOST_NAME, OPT_MTU,
					 OPT_BROADCAST,	  OPT_T1,	 OPT_T2 };
	uint8_t code;

	for (size_t i = 0; i < sizeof(usual); i++)
		add_option(r, usual[i]);
	for (unsigned set = 0; set < r->scopes.n; set++)
		for (unsigned i = 0; dhcp_option_set_nth(r->scopes.at[set], i, &code); i++)
			/* Never unasked (RFC 8925 3.3); in `file` of a BOOTREPLY, and nowhere
			 * else. */
			if (code != OPT_IPV6_ONLY && !(r->x->bootp && code == OPT_BOOT_FILE))
				add_option(r, code);
}

static void add_echoes(struct reply *r)
{
	static const uint8_t echoed[] = { OPT_CLIENT_ID /* RFC 6842 3 */,
					  OPT_SUBNET_SELECTION /* RFC 3011 2 */,
					  OPT_AGENT /* RFC 3046 2.2 */ };

	for (size_t i = 0; i < sizeof(echoed); i++) {
		size_t len;
		const uint8_t *p = dhcp_options_get(r->x->o, echoed[i], &len);

		if (p && (echoed[i] != OPT_CLIENT_ID || len >= CLIENT_ID_MIN) &&
		    (echoed[i] != OPT_SUBNET_SELECTION || r->x->selected))
			dhcp_outs_add(&r->outs, echoed[i], p, len);
	}
}

static bool is_vendor_class(const struct exchange *x, const char *prefix)
{
	size_t len;
	const uint8_t *p = dhcp_options_get(x->o, OPT_VENDOR_CLASS, &len);

	return p && len >= strlen(prefix) && !memcmp(p, prefix, strlen(prefix));
}

/*
 * What a boot ROM needs whether it asks for it or not: its own identifier back (RFC 4578 2.3), and,
 * when it boots by HTTP, the vendor class and the URI (UEFI specification, HTTP boot). A PXE client
 * is not told `PXEClient`, which would make us its boot server, unless that is configured.
 */
static void add_boot(struct reply *r)
{
	static const char http[] = "HTTPClient", pxe[] = "PXEClient";
	bool is_http = is_vendor_class(r->x, http);
	const uint8_t *id, *file;
	size_t len;

	if (!is_http && !is_vendor_class(r->x, pxe))
		return;
	id = dhcp_options_get(r->x->o, OPT_MACHINE_ID, &len);
	if (id)
		dhcp_outs_add(&r->outs, OPT_MACHINE_ID, id, len);
	file = is_http ? configured(&r->scopes, OPT_BOOT_FILE, &len) : NULL;
	if (!file)
		return;
	add_option(r, OPT_VENDOR_CLASS);
	dhcp_outs_add(&r->outs, OPT_VENDOR_CLASS, http, strlen(http));
	add_option(r, OPT_BOOT_FILE);
}

static void add_fqdn(struct reply *r)
{
	const char *hostname = hostname_of(r->x);
	char domain[DHCP_NAME_SIZE] = "";
	uint8_t answer[DHCP_NAME_SIZE + 8];
	struct wr w = wr_init(answer, sizeof(answer));
	size_t len;
	const uint8_t *p = configured(&r->scopes, OPT_DOMAIN_NAME, &len);

	if (p)
		dhcp_name_clean(p, len, domain);
	if (fqdn_answer(r->x->o, hostname, domain, &w))
		dhcp_outs_add_copy(&r->outs, OPT_FQDN, answer, w.len);
}

static void add_options(struct reply *r, const char *why)
{
	const uint8_t *list;
	size_t n;

	dhcp_outs_add_u8(&r->outs, OPT_MESSAGE_TYPE, (uint8_t)r->type);
	dhcp_outs_add_u32(&r->outs, OPT_SERVER_ID, r->x->server_id);
	if (r->type == DHCP_NAK) {
		add_echoes(r);
		if (why)
			dhcp_outs_add(&r->outs, OPT_MESSAGE, why, strlen(why));
		return;
	}
	if (is_no_address(r)) {
		add_echoes(r);
		dhcp_outs_add_u8(&r->outs, OPT_AUTO_CONFIGURE, DO_NOT_AUTO_CONFIGURE);
		return;
	}
	if (r->type == DHCP_ACK && r->x->type == DHCP_DISCOVER) /* RFC 4039 3.1 */
		dhcp_outs_add(&r->outs, OPT_RAPID_COMMIT, "", 0);
	if (r->seconds)
		dhcp_outs_add_u32(&r->outs, OPT_LEASE_TIME, r->seconds);
	add_echoes(r);
	add_fqdn(r);
	add_boot(r);
	list = dhcp_options_get(r->x->o, OPT_REQUEST_LIST, &n);
	if (list && n)
		add_requested(r, list, n);
	else
		add_all(r);
}

static bool was_left_out(const struct dhcp_outs *o, uint8_t code)
{
	for (unsigned i = 0; i < o->n; i++)
		if (o->at[i].code == code)
			return o->at[i].left_out;
	return false;
}

/* siaddr and file (RFC 2131 2): the boot file stands there as well as in option 67. */
static void set_boot_fields(const struct reply *r, struct dhcp_message *m, uint8_t file[FILE_SIZE])
{
	size_t len;
	const uint8_t *p = configured(&r->scopes, OPT_BOOT_FILE, &len);

	m->siaddr = next_server(&r->scopes);
	if (!p || len >= FILE_SIZE)
		return;
	memcpy(file, p, len);
	memset(file + len, 0, FILE_SIZE - len);
	m->file = file;
}

/*
 * Options and fixed part. Where not all fits, `file` is of more use for options, if option 67 says
 * the same; and when the routes do not fit, the client still needs a router.
 */
static void write_payload(struct reply *r, struct dhcp_message *m, const char *why, struct wr *w)
{
	size_t max = reply_max_payload(r->x);
	unsigned left_out;

	add_options(r, why);
	left_out = dhcp_outs_write(w, m, &r->outs, max);
	if (left_out && m->file && dhcp_outs_has(&r->outs, OPT_BOOT_FILE)) {
		m->file = NULL;
		w->len = 0;
		left_out = dhcp_outs_write(w, m, &r->outs, max);
	}
	if (left_out && was_left_out(&r->outs, OPT_CLASSLESS_ROUTES)) {
		r->no_classless = true;
		r->outs = (struct dhcp_outs){ 0 };
		add_options(r, why);
		w->len = 0;
		dhcp_outs_write(w, m, &r->outs, max);
	}
}

/* The client says so, or has no address that a frame could be sent to (RFC 4390 2.1). */
static bool wants_broadcast(const struct exchange *x)
{
	return x->m.flags & DHCP_FLAG_BROADCAST || x->m.htype != DHCP_HTYPE_ETHERNET;
}

/* RFC 2131 4.1. No ARP, no neighbour entry: the link-layer address is the client's own. */
static void address(const struct exchange *x, enum dhcp_type type, const struct dhcp_message *reply,
		    struct dhcp_frame *f)
{
	static const struct mac everyone = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };

	f->src = x->net->mac;
	f->saddr = x->net->server.addr;
	f->sport = DHCP_SERVER_PORT;
	f->dport = DHCP_CLIENT_PORT;
	f->dst = x->in->frame->src;
	if (x->m.giaddr) {
		f->daddr = x->m.giaddr;
		f->dport = relay_port(x);
	} else if (type == DHCP_NAK || (type == DHCP_OFFER && !reply->yiaddr) ||
		   (!x->m.ciaddr && reply->yiaddr && wants_broadcast(x))) {
		f->daddr = UINT32_MAX;
		f->dst = everyone;
	} else if (x->m.ciaddr) {
		f->daddr = x->m.ciaddr;
	} else if (reply->yiaddr) {
		f->daddr = reply->yiaddr;
		memcpy(f->dst.octet, x->m.chaddr, sizeof(f->dst.octet));
	} else { /* an INFORM without ciaddr */
		f->daddr = x->in->frame->saddr;
	}
}

static struct dhcp_message answer_to(const struct dhcp_message *m)
{
	struct dhcp_message reply = { .op = DHCP_OP_REPLY,
				      .htype = m->htype,
				      .hlen = m->hlen,
				      .xid = m->xid,
				      .flags = m->flags,
				      .giaddr = m->giaddr };

	memcpy(reply.chaddr, m->chaddr, sizeof(reply.chaddr));
	return reply;
}

static void write_frame(const struct exchange *x, enum dhcp_type type,
			const struct dhcp_message *reply, const struct wr *payload, struct wr *out)
{
	struct dhcp_frame f = { .payload = payload->p, .len = payload->len };

	address(x, type, reply, &f);
	dhcp_frame_write(out, &f);
	if (payload->bad)
		out->bad = true;
}

void reply_write(const struct exchange *x, enum dhcp_type type, uint32_t seconds, const char *why,
		 struct wr *out)
{
	uint8_t payload[DHCP_FRAME_MAX], file[FILE_SIZE];
	struct wr w = wr_init(payload, sizeof(payload));
	struct reply r = { .x = x, .type = type, .seconds = seconds, .scopes = scopes_of(x) };
	struct dhcp_message reply = answer_to(&x->m);

	if (type == DHCP_ACK)
		reply.ciaddr = x->m.ciaddr;
	/* The relay agent is to broadcast it (RFC 2131 4.3.2). */
	if (type == DHCP_NAK && x->m.giaddr)
		reply.flags |= DHCP_FLAG_BROADCAST;
	if (type != DHCP_NAK && seconds)
		reply.yiaddr = x->lease->l.addr;
	if (type != DHCP_NAK && !is_no_address(&r))
		set_boot_fields(&r, &reply, file);
	write_payload(&r, &reply, why, &w);
	write_frame(x, type, &reply, &w, out);
}

/* --- BOOTP --- */

enum { BOOTP_SIZE = 300 }; /* with a vendor area of 64 octets (RFC 951 3) */

/* A client that sends more than the least takes as much (RFC 1542 2.1). */
static size_t bootp_max_payload(const struct exchange *x)
{
	size_t mtu = x->net->mtu && x->net->mtu < DATAGRAM_MAX ? x->net->mtu : DATAGRAM_MAX;
	size_t len = x->in->frame->len;

	return len < BOOTP_SIZE ? BOOTP_SIZE : len < mtu - IP_AND_UDP ? len : mtu - IP_AND_UDP;
}

/*
 * RFC 1497's area in the order of a client's needs, whatever is in the request's: who knows no
 * other format than one of its own ignores it. Nothing that only DHCP has, and no option in `file`
 * or `sname`, where a BOOTP client takes it for a name (RFC 1534 2); what does not fit is left out.
 */
void reply_write_bootp(const struct exchange *x, struct wr *out)
{
	static const uint8_t no_name[FILE_SIZE];
	uint8_t payload[DHCP_FRAME_MAX], file[FILE_SIZE];
	struct wr w = wr_init(payload, sizeof(payload));
	struct reply r = { .x = x, .scopes = scopes_of(x) };
	struct dhcp_message reply = answer_to(&x->m);

	reply.ciaddr = x->m.ciaddr;
	reply.yiaddr = x->bootp_addr;
	reply.sname = reply.file = no_name;
	set_boot_fields(&r, &reply, file);
	add_echoes(&r);
	add_all(&r);
	dhcp_outs_write(&w, &reply, &r.outs, bootp_max_payload(x));
	write_frame(x, 0, &reply, &w, out);
}

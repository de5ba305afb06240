/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A rule of somebody else's as text: close enough to what `nft list ruleset` prints that a person
 * knows it again. What registers were loaded from is remembered, and written when it is compared.
 */
#include <inttypes.h>
#include <linux/if_ether.h>
#include <linux/netfilter/nf_conntrack_common.h>

#include "base/cleanup.h"
#include "foreign.h"

enum { SHOWN_ELEMENTS = 8, SHOWN_DEPENDENCY = 48 };

/* How octets are written. */
enum form {
	FORM_HEX,
	FORM_NAME,     /* of an interface; one that does not fill its register is a prefix */
	FORM_ADDRESS,  /* of IPv4; fewer than four octets are a prefix */
	FORM_PORT,     /* a number, the highest octet first */
	FORM_PROTOCOL, /* an octet of IPPROTO_… */
	FORM_FAMILY,   /* an octet of NFPROTO_… */
	FORM_ETHER,
	FORM_STATE,
	FORM_STATUS,
	FORM_HOST, /* a number in the host's order, in hexadecimal */
	FORM_ICMP,
};

struct source {
	const char *name; /* NULL: nothing was loaded */
	enum form form;
	uint32_t len;
	const uint8_t *mask; /* NULL: none */
	char hex[24];
};

struct out {
	char *buf;
	size_t size, len;
	struct source source[FOREIGN_REGISTERS / 4 + 1]; /* the last one of what is no register */
	char dependency[SHOWN_DEPENDENCY]; /* said when nothing behind it implies it */
	char protocol[16];
	bool transport; /* the dependency is a protocol that ports imply */
};

ERR_PRINTF(2, 3) static void put(struct out *o, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(o->buf + o->len, o->size - o->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		o->len += (size_t)n < o->size - o->len ? (size_t)n : o->size - o->len - 1;
}

static struct source *at(struct out *o, uint32_t reg)
{
	uint32_t i = reg / 4;

	return &o->source[i < FOREIGN_REGISTERS / 4 ? i : FOREIGN_REGISTERS / 4];
}

/* --- what is loaded --- */

struct named {
	uint32_t key;
	const char *name;
	enum form form;
	uint32_t len;
};

static const struct named metas[] = {
	{ NFT_META_IIFNAME, "iifname", FORM_NAME, 16 },
	{ NFT_META_OIFNAME, "oifname", FORM_NAME, 16 },
	{ NFT_META_BRI_IIFNAME, "meta ibrname", FORM_NAME, 16 },
	{ NFT_META_BRI_OIFNAME, "meta obrname", FORM_NAME, 16 },
	{ NFT_META_IIF, "meta iif", FORM_HOST, 4 },
	{ NFT_META_OIF, "meta oif", FORM_HOST, 4 },
	{ NFT_META_MARK, "meta mark", FORM_HOST, 4 },
	{ NFT_META_L4PROTO, "meta l4proto", FORM_PROTOCOL, 1 },
	{ NFT_META_NFPROTO, "meta nfproto", FORM_FAMILY, 1 },
	{ NFT_META_PROTOCOL, "meta protocol", FORM_ETHER, 2 },
	{ NFT_META_PKTTYPE, "meta pkttype", FORM_HEX, 1 },
	{ NFT_META_SKUID, "meta skuid", FORM_HOST, 4 },
	{ NFT_META_SKGID, "meta skgid", FORM_HOST, 4 },
	{ NFT_META_CGROUP, "meta cgroup", FORM_HOST, 4 },
	{ 0, NULL, FORM_HEX, 0 },
};

static const struct named cts[] = {
	{ NFT_CT_STATE, "ct state", FORM_STATE, 4 },
	{ NFT_CT_STATUS, "ct status", FORM_STATUS, 4 },
	{ NFT_CT_MARK, "ct mark", FORM_HOST, 4 },
	{ NFT_CT_DIRECTION, "ct direction", FORM_HEX, 1 },
	{ NFT_CT_ZONE, "ct zone", FORM_HEX, 2 },
	{ 0, NULL, FORM_HEX, 0 },
};

static void from_table(struct source *s, const struct named *table, uint32_t key, const char *other)
{
	*s = (struct source){ .name = other, .form = FORM_HEX, .len = 4 };
	for (; table->name; table++)
		if (table->key == key)
			*s = (struct source){ .name = table->name,
					      .form = table->form,
					      .len = table->len };
}

static const char *port_name(const struct out *o, uint32_t offset)
{
	if (!strcmp(o->protocol, "tcp"))
		return offset ? "tcp dport" : "tcp sport";
	if (!strcmp(o->protocol, "udp"))
		return offset ? "udp dport" : "udp sport";
	return offset ? "th dport" : "th sport";
}

static void from_payload(struct out *o, struct source *s, const struct foreign_expr *e)
{
	static const char *const bases[] = { [NFT_PAYLOAD_LL_HEADER] = "ll",
					     [NFT_PAYLOAD_NETWORK_HEADER] = "nh",
					     [NFT_PAYLOAD_TRANSPORT_HEADER] = "th" };
	bool network = e->key == NFT_PAYLOAD_NETWORK_HEADER,
	     transport = e->key == NFT_PAYLOAD_TRANSPORT_HEADER;

	*s = (struct source){ .form = FORM_HEX, .len = e->len };
	snprintf(s->hex, sizeof(s->hex), "@%s,%u,%u",
		 e->key < ARRAY_SIZE(bases) ? bases[e->key] : "ih", e->offset * 8, e->len * 8);
	s->name = s->hex;
	if (network && e->len <= 4 &&
	    (e->offset == FOREIGN_AT_SOURCE || e->offset == FOREIGN_AT_DESTINATION)) {
		s->name = e->offset == FOREIGN_AT_SOURCE ? "ip saddr" : "ip daddr";
		s->form = FORM_ADDRESS;
	} else if (network && e->offset == FOREIGN_AT_PROTOCOL && e->len == 1) {
		s->name = "ip protocol";
		s->form = FORM_PROTOCOL;
	} else if (transport && !strcmp(o->protocol, "icmp") && !e->offset && e->len == 1) {
		s->name = "icmp type";
		s->form = FORM_ICMP;
	} else if (transport && e->offset <= 2 && e->len == 2) {
		s->name = port_name(o, e->offset);
		s->form = FORM_PORT;
	}
	/* Ports say their protocol themselves, as addresses say that it is IPv4. */
	if ((transport && o->transport && s->form != FORM_HEX) ||
	    (network && !o->transport && s->form == FORM_ADDRESS))
		o->dependency[0] = 0;
}

/* --- values --- */

static void put_bits(struct out *o, uint32_t bits, const char *const *names, unsigned n)
{
	const char *comma = "";

	for (unsigned i = 0; i < n; i++) {
		if (!(bits & 1U << i) || !names[i])
			continue;
		put(o, "%s%s", comma, names[i]);
		comma = ",";
	}
	if (!*comma)
		put(o, "0x%x", bits);
}

static void put_states(struct out *o, uint32_t bits)
{
	static const char *const states[] = { "invalid", "established", "related",  "new",
					      NULL,	 NULL,		"untracked" };

	put_bits(o, bits, states, ARRAY_SIZE(states));
}

static void put_status(struct out *o, uint32_t bits)
{
	static const char *const status[] = { "expected",  "seen-reply", "assured",
					      "confirmed", "snat",	 "dnat" };

	put_bits(o, bits, status, ARRAY_SIZE(status));
}

static const char *protocol_name(uint8_t number)
{
	switch (number) {
	case IPPROTO_ICMP:
		return "icmp";
	case IPPROTO_IGMP:
		return "igmp";
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_ICMPV6:
		return "ipv6-icmp";
	case IPPROTO_SCTP:
		return "sctp";
	default:
		return NULL;
	}
}

static void put_name(struct out *o, const uint8_t *data, uint32_t len)
{
	bool whole = memchr(data, 0, len) || len == LINK_NAME_SIZE;

	put(o, "\"");
	for (uint32_t i = 0; i < len && data[i]; i++)
		put(o, "%c", data[i] >= ' ' && data[i] < 127 ? data[i] : '?');
	put(o, "%s\"", whole ? "" : "*");
}

static void put_address(struct out *o, const uint8_t *data, uint32_t len)
{
	uint8_t a[4] = { 0 };

	memcpy(a, data, len < 4 ? len : 4);
	put(o, "%u.%u.%u.%u", a[0], a[1], a[2], a[3]);
	if (len < 4)
		put(o, "/%u", len * 8);
}

static void put_hex(struct out *o, const uint8_t *data, uint32_t len)
{
	put(o, "0x");
	for (uint32_t i = 0; i < len; i++)
		put(o, "%02x", data[i]);
}

static uint32_t host_number(const uint8_t *data, uint32_t len)
{
	uint32_t n = 0;

	memcpy(&n, data, len < sizeof(n) ? len : sizeof(n));
	return n;
}

static void put_octet(struct out *o, enum form form, uint8_t v)
{
	const char *name = NULL;

	if (form == FORM_PROTOCOL)
		name = protocol_name(v);
	else if (form == FORM_FAMILY)
		name = foreign_family_text(v == NFPROTO_IPV4 ? NFPROTO_INET : v);
	else if (form == FORM_ICMP && v == 8)
		name = "echo-request";
	if (form == FORM_FAMILY && v == NFPROTO_IPV4)
		name = "ipv4";
	else if (form == FORM_FAMILY && v == NFPROTO_IPV6)
		name = "ipv6";
	if (name)
		put(o, "%s", name);
	else
		put(o, "%u", v);
}

static void put_value(struct out *o, enum form form, const uint8_t *data, uint32_t len)
{
	if (!data || !len) {
		put(o, "?");
		return;
	}
	switch (form) {
	case FORM_NAME:
		put_name(o, data, len);
		break;
	case FORM_ADDRESS:
		put_address(o, data, len);
		break;
	case FORM_PORT:
		put(o, "%u", len > 1 ? (unsigned)(data[0] << 8 | data[1]) : data[0]);
		break;
	case FORM_PROTOCOL:
	case FORM_FAMILY:
	case FORM_ICMP:
		put_octet(o, form, data[0]);
		break;
	case FORM_STATE:
		put_states(o, host_number(data, len));
		break;
	case FORM_STATUS:
		put_status(o, host_number(data, len));
		break;
	case FORM_HOST:
		put(o, "0x%x", host_number(data, len));
		break;
	case FORM_ETHER:
		if (len == 2 && data[0] == (ETH_P_IP >> 8) && data[1] == (ETH_P_IP & 0xff))
			put(o, "ip");
		else
			put_hex(o, data, len);
		break;
	case FORM_HEX:
		put_hex(o, data, len);
		break;
	}
}

/* --- comparisons --- */

static void say_dependency(struct out *o)
{
	if (o->dependency[0])
		put(o, "%s ", o->dependency);
	o->dependency[0] = 0;
}

static bool is_zero(const uint8_t *data, uint32_t len)
{
	for (uint32_t i = 0; data && i < len; i++)
		if (data[i])
			return false;
	return true;
}

/* Length of a prefix whose mask it is; -1: it is none. */
static int prefix_length(const uint8_t *mask, uint32_t len)
{
	int n = 0;

	while (n < (int)(8 * len) && mask[n / 8] & 0x80 >> n % 8)
		n++;
	for (int i = n; i < (int)(8 * len); i++)
		if (mask[i / 8] & 0x80 >> i % 8)
			return -1;
	return n;
}

static const char *operator(uint32_t op)
{
	static const char *const words[] = {
		[NFT_CMP_EQ] = "",     [NFT_CMP_NEQ] = "!= ", [NFT_CMP_LT] = "< ",
		[NFT_CMP_LTE] = "<= ", [NFT_CMP_GT] = "> ",   [NFT_CMP_GTE] = ">= "
	};

	return op < ARRAY_SIZE(words) ? words[op] : "? ";
}

static void put_masked(struct out *o, const struct source *s, const struct foreign_expr *e)
{
	int prefix = s->form == FORM_ADDRESS && s->len == 4 ? prefix_length(s->mask, 4) : -1;

	put(o, "%s ", s->name);
	if ((s->form == FORM_STATE || s->form == FORM_STATUS) && is_zero(e->data, e->len)) {
		put(o, "%s", e->key == NFT_CMP_EQ ? "! " : "");
		put_value(o, s->form, s->mask, s->len);
	} else if (prefix >= 0) {
		put(o, "%s", operator(e->key));
		put_value(o, s->form, e->data, e->len);
		put(o, "/%d", prefix);
	} else {
		put(o, "& ");
		put_value(o, s->form, s->mask, s->len);
		put(o, " %s", e->key == NFT_CMP_EQ ? "== " : operator(e->key));
		put_value(o, s->form, e->data, e->len);
	}
	put(o, " ");
}

/* A protocol or family that what follows may say itself is kept back. */
static bool keep_back(struct out *o, const struct source *s, const struct foreign_expr *e)
{
	const char *name;

	if (e->key != NFT_CMP_EQ || s->mask || !e->data || e->len != 1)
		return false;
	if (s->form == FORM_FAMILY && e->data[0] == NFPROTO_IPV4) {
		say_dependency(o);
		snprintf(o->dependency, sizeof(o->dependency), "meta nfproto ipv4");
		o->transport = false;
		return true;
	}
	name = s->form == FORM_PROTOCOL ? protocol_name(e->data[0]) : NULL;
	if (!name)
		return false;
	say_dependency(o);
	snprintf(o->dependency, sizeof(o->dependency), "%s %s", s->name, name);
	snprintf(o->protocol, sizeof(o->protocol), "%s", name);
	o->transport = true;
	return true;
}

static void put_cmp(struct out *o, const struct foreign_expr *e)
{
	const struct source *s = at(o, e->sreg);

	if (keep_back(o, s, e))
		return;
	say_dependency(o);
	if (s->mask) {
		put_masked(o, s, e);
		return;
	}
	put(o, "%s %s", s->name ? s->name : "?", operator(e->key));
	put_value(o, s->form, e->data, e->len);
	put(o, " ");
}

static void put_range(struct out *o, const struct foreign_expr *e)
{
	const struct source *s = at(o, e->sreg);

	say_dependency(o);
	put(o, "%s %s", s->name ? s->name : "?", e->invert ? "!= " : "");
	put_value(o, s->form, e->data, e->len);
	put(o, "-");
	put_value(o, s->form, e->more, e->len);
	put(o, " ");
}

/* --- sets --- */

/* The fields of a key, which stand in registers one behind the other. */
static void put_fields(struct out *o, const struct foreign_expr *e, const uint8_t *key)
{
	uint32_t len = e->set ? e->set->key_len : 4, done = 0;

	while (done < len) {
		const struct source *s = at(o, e->sreg + done);
		uint32_t here = s->name && s->len && s->len <= len - done ? s->len : len - done;

		put(o, "%s", done ? " . " : "");
		if (key)
			put_value(o, s->form, key + done, here);
		else
			put(o, "%s", s->name ? s->name : "?");
		done += (here + 3) / 4 * 4;
	}
}

static void put_verdict(struct out *o, uint32_t verdict, const char *chain);

/* The end of a range of which this is the first and that the first that is not within. */
static void put_last(struct out *o, const struct foreign_expr *e, const uint8_t *first,
		     const uint8_t *beyond)
{
	uint32_t len = e->set->key_len;
	uint8_t last[FOREIGN_REGISTERS], varies[FOREIGN_REGISTERS];
	int prefix;

	if (len > sizeof(last))
		return;
	memcpy(last, beyond, len);
	for (uint32_t i = len; i-- && !last[i]--;)
		;
	for (uint32_t i = 0; i < len; i++)
		varies[i] = (uint8_t) ~(first[i] ^ last[i]);
	prefix = at(o, e->sreg)->form == FORM_ADDRESS ? prefix_length(varies, len) : -1;
	if (prefix == (int)(8 * len) || !memcmp(first, last, len))
		return;
	if (prefix >= 0) {
		put(o, "/%d", prefix);
	} else {
		put(o, "-");
		put_fields(o, e, last);
	}
}

static void put_element(struct out *o, const struct foreign_expr *e, unsigned i)
{
	const struct foreign_element *el = &e->set->element[i];
	const struct foreign_element *next = i + 1 < e->set->elements ? el + 1 : NULL;

	if (el->catchall)
		put(o, "*");
	else
		put_fields(o, e, el->key);
	if (e->set->flags & NFT_SET_INTERVAL && next && next->key && el->key)
		put_last(o, e, el->key, next->key);
	if (el->has_verdict) {
		put(o, " : ");
		put_verdict(o, el->verdict, el->chain_name);
	}
}

static void put_elements(struct out *o, const struct foreign_expr *e)
{
	const char *comma = " ";
	unsigned shown = 0;

	put(o, "{");
	for (unsigned i = 0; i < e->set->elements; i++) {
		if (e->set->element[i].interval_end)
			continue;
		put(o, "%s", comma);
		comma = ", ";
		if (++shown > SHOWN_ELEMENTS) {
			put(o, "...");
			break;
		}
		put_element(o, e, i);
	}
	put(o, " } ");
}

static void put_lookup(struct out *o, const struct foreign_expr *e)
{
	say_dependency(o);
	put_fields(o, e, NULL);
	put(o, " %s%s", e->invert ? "!= " : "", e->verdicts ? "vmap " : e->mapped ? "map " : "");
	if (e->set && e->set->known && e->set->flags & NFT_SET_ANONYMOUS)
		put_elements(o, e);
	else
		put(o, "@%s ", e->name);
	if (e->mapped)
		*at(o, e->dreg) = (struct source){ .name = "map", .form = FORM_HEX, .len = 4 };
}

/* --- the rest --- */

static void put_verdict(struct out *o, uint32_t verdict, const char *chain)
{
	static const struct {
		int verdict;
		const char *name;
	} verdicts[] = { { NF_DROP, "drop" },	       { NF_ACCEPT, "accept" },
			 { NFT_CONTINUE, "continue" }, { NFT_JUMP, "jump" },
			 { NFT_GOTO, "goto" },	       { NFT_RETURN, "return" } };
	const char *name = "queue";

	for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++)
		if ((int)verdict == verdicts[i].verdict)
			name = verdicts[i].name;
	put(o, "%s%s%s", name, chain ? " " : "", chain ? chain : "");
}

static void put_match(struct out *o, const struct foreign_expr *e)
{
	bool invert;
	uint32_t states = foreign_xt_states(e, &invert);

	say_dependency(o);
	if (states) {
		put(o, "ct state %s", invert ? "!= " : "");
		put_states(o, states);
		put(o, " ");
	} else if (!strcmp(e->name, "comment")) {
		put(o, "/* %.*s */ ", (int)strnlen((const char *)e->data, e->len),
		    (const char *)e->data);
	} else {
		put(o, "xt match \"%s\" ", e->name);
	}
}

static void put_reject(struct out *o, const struct foreign_expr *e)
{
	if (e->key == NFT_REJECT_TCP_RST)
		put(o, "reject with tcp reset ");
	else if (e->key == NFT_REJECT_ICMPX_UNREACH &&
		 e->offset == NFT_REJECT_ICMPX_ADMIN_PROHIBITED)
		put(o, "reject with icmpx admin-prohibited ");
	else
		put(o, "reject ");
}

static void put_limit(struct out *o, const struct foreign_expr *e)
{
	const char *unit = e->offset == 1     ? "second" :
			   e->offset == 60    ? "minute" :
			   e->offset == 3600  ? "hour" :
			   e->offset == 86400 ? "day" :
						"week";

	put(o, "limit rate %s%" PRIu64 "%s/%s ", e->invert ? "over " : "", e->number,
	    e->key == NFT_LIMIT_PKT_BYTES ? " bytes" : "", unit);
}

/* Says whether it loads something, which is said when it is compared. */
static bool put_load(struct out *o, const struct foreign_expr *e)
{
	struct source *to = at(o, e->dreg);

	switch ((int)e->kind) {
	case FOREIGN_META:
		from_table(to, metas, e->key, "meta");
		return true;
	case FOREIGN_CT:
		from_table(to, cts, e->key, "ct");
		return true;
	case FOREIGN_PAYLOAD:
		from_payload(o, to, e);
		return true;
	case FOREIGN_LOAD:
		*to = (struct source){ .name = e->name, .form = FORM_HEX, .len = 4 };
		return true;
	case FOREIGN_BITWISE:
		*to = *at(o, e->sreg);
		if (to->name == at(o, e->sreg)->hex)
			to->name = to->hex;
		to->mask = e->data;
		return true;
	case FOREIGN_BYTEORDER:
		*to = *at(o, e->sreg);
		to->form = FORM_HEX;
		return true;
	case FOREIGN_IMMEDIATE:
		return true;
	default:
		return false;
	}
}

static void put_expr(struct out *o, const struct foreign_expr *e)
{
	if (put_load(o, e))
		return;
	if (e->kind != FOREIGN_CMP && e->kind != FOREIGN_MATCH && e->kind != FOREIGN_COUNTER)
		say_dependency(o);
	switch ((int)e->kind) {
	case FOREIGN_CMP:
		put_cmp(o, e);
		break;
	case FOREIGN_RANGE:
		put_range(o, e);
		break;
	case FOREIGN_LOOKUP:
		put_lookup(o, e);
		break;
	case FOREIGN_VERDICT:
		put_verdict(o, e->key, e->name);
		break;
	case FOREIGN_REJECT:
		put_reject(o, e);
		break;
	case FOREIGN_MATCH:
		put_match(o, e);
		break;
	case FOREIGN_TARGET:
		put(o, e->native ? "%s " : "xt target \"%s\" ", e->name);
		break;
	case FOREIGN_LIMIT:
		put_limit(o, e);
		break;
	case FOREIGN_LOG:
		put(o, e->name ? "log prefix \"%s\" " : "log ", e->name);
		break;
	case FOREIGN_COUNTER:
		put(o, "counter ");
		break;
	default:
		put(o, "%s ", e->name);
		break;
	}
}

const char *foreign_family_text(uint16_t family)
{
	switch (family) {
	case NFPROTO_INET:
		return "inet";
	case NFPROTO_IPV4:
		return "ip";
	case NFPROTO_IPV6:
		return "ip6";
	case NFPROTO_BRIDGE:
		return "bridge";
	case NFPROTO_NETDEV:
		return "netdev";
	case NFPROTO_ARP:
		return "arp";
	default:
		return "?";
	}
}

void foreign_rule_text(const struct foreign_chain *c, const struct foreign_rule *r, char *buf,
		       size_t size)
{
	struct out o = { .buf = buf, .size = size };

	buf[0] = 0;
	put(&o, "table %s %s, chain %s", foreign_family_text(c->family), c->table, c->name);
	if (!r) {
		put(&o, ": policy %s", c->policy == NF_DROP ? "drop" : "accept");
		return;
	}
	put(&o, ", handle %" PRIu64 ": ", r->handle);
	for (unsigned i = 0; i < r->exprs; i++)
		put_expr(&o, &r->expr[i]);
	say_dependency(&o);
	while (o.len && buf[o.len - 1] == ' ')
		buf[--o.len] = 0;
	if (r->comment)
		put(&o, " comment \"%s\"", r->comment);
}

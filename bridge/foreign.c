/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What becomes of a packet in a chain of somebody else's. Of a packet only so much is known as netd
 * asks about, so every comparison has three results: no, maybe, yes. A rule that holds for certain
 * is applied; one that may hold is applied, and the packet goes on as well. What comes out is which
 * ends the packet may have, and which rule, or policy, ends it for all that was let through by
 * none.
 *
 * Semantics are those of net/netfilter/nf_tables_core.c, nft_do_chain(). An expression that is not
 * known holds maybe. Each chain is walked once for a packet: what becomes of it there does not
 * depend on how it came, since rules load what they compare.
 */
#include "foreign.h"

enum { DEPTH_MAX = 32, NAME_OCTETS = LINK_NAME_SIZE };

/* What a register has: a name or address of the network that is asked about, or an address of which
 * nothing is known. */
enum about { ABOUT_ANYTHING, ABOUT_NETWORK, ABOUT_OUTSIDE };

struct registers {
	uint8_t at[FOREIGN_REGISTERS], known[FOREIGN_REGISTERS];
	enum about about[FOREIGN_REGISTERS / 4];
};

struct walk {
	struct foreign *f;
	const struct foreign_packet *packet;
	const char *open, *open_table;
	unsigned depth;
};

/* A rule that is carried out. */
struct at {
	struct walk *w;
	const struct foreign_chain *chain;
	const struct foreign_rule *rule;
	struct registers reg;
	enum foreign_truth truth; /* whether it holds, so far */
	bool meant;
	bool narrow; /* it is about some addresses outside: whoever drops those means to */
	struct foreign_fate *fate;
};

static enum foreign_truth both(enum foreign_truth a, enum foreign_truth b)
{
	return a < b ? a : b;
}

static enum foreign_truth not(enum foreign_truth t, bool really) {
	return really ? FOREIGN_YES - t : t;
}

/* --- registers --- */

static void load(struct registers *g, uint32_t to, const uint8_t *at, const uint8_t *known,
		 uint32_t len)
{
	if (to >= FOREIGN_REGISTERS)
		return;
	if (len > FOREIGN_REGISTERS - to)
		len = FOREIGN_REGISTERS - to;
	g->about[to / 4] = ABOUT_ANYTHING;
	/* A load fills its last register up with zeros. */
	for (uint32_t i = 0; i < len; i++) {
		g->known[to + i] = known ? known[i] : 0;
		g->at[to + i] = at ? at[i] & g->known[to + i] : 0;
	}
	for (uint32_t i = to + len; i % 4; i++) {
		g->at[i] = 0;
		g->known[i] = 0xff;
	}
}

static void load_unknown(struct registers *g, uint32_t to, uint32_t len)
{
	load(g, to, NULL, NULL, len);
}

static void load_known(struct registers *g, uint32_t to, const void *at, uint32_t len)
{
	static const uint8_t all[FOREIGN_REGISTERS] = { [0 ... FOREIGN_REGISTERS - 1] = 0xff };

	load(g, to, at, all, len > FOREIGN_REGISTERS ? FOREIGN_REGISTERS : len);
}

static void load_octets(struct registers *g, uint32_t to, const struct foreign_octets *o,
			uint32_t offset, uint32_t len, uint32_t size)
{
	if (offset > size || len > size - offset)
		load_unknown(g, to, len);
	else
		load(g, to, o->at + offset, o->known + offset, len);
}

static void load_name(struct registers *g, uint32_t to, const struct foreign_octets *name,
		      bool ours)
{
	load_octets(g, to, name, 0, NAME_OCTETS, NAME_OCTETS);
	if (to < FOREIGN_REGISTERS && ours)
		g->about[to / 4] = ABOUT_NETWORK;
}

static void load_index(struct registers *g, uint32_t to, uint32_t index)
{
	if (index)
		load_known(g, to, &index, sizeof(index));
	else
		load_unknown(g, to, sizeof(index));
}

/* What `meta nfproto` is of a packet of IPv4 (nft_pf() in include/net/netfilter/nf_tables.h). */
static uint8_t protocol_family(const struct at *a)
{
	return a->chain->family == NFPROTO_INET ? NFPROTO_IPV4 : (uint8_t)a->chain->family;
}

static void load_meta(struct at *a, const struct foreign_expr *e)
{
	static const uint8_t ipv4[2] = { 8, 0 };
	const struct foreign_packet *p = a->w->packet;
	struct registers *g = &a->reg;
	uint8_t family = protocol_family(a);

	switch (e->key) {
	case NFT_META_IIFNAME:
		load_name(g, e->dreg, &p->iif, p->iif_ours);
		break;
	case NFT_META_OIFNAME:
		load_name(g, e->dreg, &p->oif, p->oif_ours);
		break;
	case NFT_META_BRI_IIFNAME:
		load_name(g, e->dreg, &p->bridge_in, true);
		break;
	case NFT_META_BRI_OIFNAME:
		load_name(g, e->dreg, &p->bridge_out, true);
		break;
	case NFT_META_IIF:
		load_index(g, e->dreg, p->iif_index);
		break;
	case NFT_META_OIF:
		load_index(g, e->dreg, p->oif_index);
		break;
	case NFT_META_NFPROTO:
		load_known(g, e->dreg, &family, 1);
		break;
	case NFT_META_PROTOCOL:
		load_known(g, e->dreg, ipv4, sizeof(ipv4));
		break;
	case NFT_META_L4PROTO:
		load_octets(g, e->dreg, &p->network, FOREIGN_AT_PROTOCOL, 1, FOREIGN_IP_HEADER);
		break;
	case NFT_META_IIFKIND:
	case NFT_META_OIFKIND:
		load_unknown(g, e->dreg, NAME_OCTETS);
		break;
	default:
		load_unknown(g, e->dreg, 4);
		break;
	}
}

static void load_ct(struct at *a, const struct foreign_expr *e)
{
	enum { STATUS_DNAT = 1 << 5 }; /* IPS_DST_NAT */
	const struct foreign_packet *p = a->w->packet;
	uint8_t direction = p->reply == FOREIGN_YES;
	uint32_t status = p->dnat == FOREIGN_YES ? STATUS_DNAT : 0,
		 known = p->dnat == FOREIGN_MAYBE ? 0 : STATUS_DNAT;

	if (e->key == NFT_CT_STATE && p->state)
		load_known(&a->reg, e->dreg, &p->state, sizeof(p->state));
	else if (e->key == NFT_CT_DIRECTION && p->reply != FOREIGN_MAYBE)
		load_known(&a->reg, e->dreg, &direction, 1);
	else if (e->key == NFT_CT_STATUS)
		load(&a->reg, e->dreg, (uint8_t *)&status, (uint8_t *)&known, sizeof(status));
	else
		load_unknown(&a->reg, e->dreg, 4);
}

static void note_address(struct registers *g, const struct foreign_expr *e,
			 const struct foreign_packet *p)
{
	if (e->dreg < FOREIGN_REGISTERS && e->offset >= FOREIGN_AT_SOURCE &&
	    e->offset < FOREIGN_IP_HEADER)
		g->about[e->dreg / 4] = p->network.known[e->offset] ? ABOUT_NETWORK : ABOUT_OUTSIDE;
}

static void load_payload(struct at *a, const struct foreign_expr *e)
{
	static const uint8_t ipv4[2] = { 8, 0 };
	enum { TRANSPORT_OCTETS = 4, ETHERTYPE = 12 };
	const struct foreign_packet *p = a->w->packet;
	struct registers *g = &a->reg;

	if (e->key == NFT_PAYLOAD_NETWORK_HEADER) {
		load_octets(g, e->dreg, &p->network, e->offset, e->len, FOREIGN_IP_HEADER);
		note_address(g, e, p);
	} else if (e->key == NFT_PAYLOAD_TRANSPORT_HEADER) {
		load_octets(g, e->dreg, &p->transport, e->offset, e->len, TRANSPORT_OCTETS);
	} else if (e->key == NFT_PAYLOAD_LL_HEADER && e->offset == ETHERTYPE && e->len == 2) {
		load_known(g, e->dreg, ipv4, sizeof(ipv4));
	} else {
		load_unknown(g, e->dreg, e->len);
	}
}

static bool within_registers(uint32_t reg, uint32_t len)
{
	return reg < FOREIGN_REGISTERS && len <= FOREIGN_REGISTERS - reg;
}

static void do_bitwise(struct registers *g, const struct foreign_expr *e)
{
	uint8_t at[FOREIGN_REGISTERS], known[FOREIGN_REGISTERS];

	if (!e->data || !e->more || !within_registers(e->sreg, e->len)) {
		load_unknown(g, e->dreg, e->len);
		return;
	}
	for (uint32_t i = 0; i < e->len; i++) {
		known[i] = g->known[e->sreg + i] | (uint8_t)~e->data[i];
		at[i] = (g->at[e->sreg + i] & e->data[i]) ^ e->more[i];
	}
	load(g, e->dreg, at, known, e->len);
}

static void do_byteorder(struct registers *g, const struct foreign_expr *e)
{
	uint8_t at[FOREIGN_REGISTERS], known[FOREIGN_REGISTERS];

	if (!e->key || e->len % e->key || !within_registers(e->sreg, e->len)) {
		load_unknown(g, e->dreg, e->len);
		return;
	}
	for (uint32_t i = 0; i < e->len; i++) {
		uint32_t from = e->sreg + i / e->key * e->key + (e->key - 1 - i % e->key);

		at[i] = g->at[from];
		known[i] = g->known[from];
	}
	load(g, e->dreg, at, known, e->len);
}

/* --- comparisons --- */

static enum foreign_truth equals(const struct registers *g, uint32_t reg, const uint8_t *data,
				 uint32_t len)
{
	enum foreign_truth t = FOREIGN_YES;

	if (!data || !within_registers(reg, len))
		return FOREIGN_MAYBE;
	for (uint32_t i = 0; i < len; i++) {
		if ((g->at[reg + i] ^ data[i]) & g->known[reg + i])
			return FOREIGN_NO;
		if (g->known[reg + i] != 0xff)
			t = FOREIGN_MAYBE;
	}
	return t;
}

/* The least and the greatest that a register can be, as a number with the highest octet first. */
struct bounds {
	uint8_t least[FOREIGN_REGISTERS], most[FOREIGN_REGISTERS];
};

static bool bounds_of(const struct registers *g, uint32_t reg, uint32_t len, struct bounds *ret)
{
	if (!within_registers(reg, len))
		return false;
	for (uint32_t i = 0; i < len; i++) {
		ret->least[i] = g->at[reg + i] & g->known[reg + i];
		ret->most[i] = g->at[reg + i] | (uint8_t)~g->known[reg + i];
	}
	return true;
}

/* Whether it is from first to last; NULL: from the least, to the greatest there is. */
static enum foreign_truth in_range(const struct bounds *b, const uint8_t *first,
				   const uint8_t *last, uint32_t len)
{
	if ((first && memcmp(b->most, first, len) < 0) || (last && memcmp(b->least, last, len) > 0))
		return FOREIGN_NO;
	if ((!first || memcmp(b->least, first, len) >= 0) &&
	    (!last || memcmp(b->most, last, len) <= 0))
		return FOREIGN_YES;
	return FOREIGN_MAYBE;
}

static enum foreign_truth compare(const struct registers *g, const struct foreign_expr *e)
{
	struct bounds b;

	if (e->key == NFT_CMP_EQ || e->key == NFT_CMP_NEQ)
		return not(equals(g, e->sreg, e->data, e->len), e->key == NFT_CMP_NEQ);
	if (!e->data || !bounds_of(g, e->sreg, e->len, &b))
		return FOREIGN_MAYBE;
	switch (e->key) {
	case NFT_CMP_LTE:
		return in_range(&b, NULL, e->data, e->len);
	case NFT_CMP_GTE:
		return in_range(&b, e->data, NULL, e->len);
	case NFT_CMP_LT:
		return not(in_range(&b, e->data, NULL, e->len), true);
	case NFT_CMP_GT:
		return not(in_range(&b, NULL, e->data, e->len), true);
	default:
		return FOREIGN_MAYBE;
	}
}

static enum foreign_truth ranges(const struct registers *g, const struct foreign_expr *e)
{
	struct bounds b;

	if (!e->data || !e->more || !bounds_of(g, e->sreg, e->len, &b))
		return FOREIGN_MAYBE;
	return not(in_range(&b, e->data, e->more, e->len), e->invert);
}

/* --- sets --- */

/* Of a set of ranges: from the i-th element to the next one, which is the first that is not within.
 */
static enum foreign_truth in_interval(const struct bounds *b, const struct foreign_set *s,
				      unsigned i)
{
	const uint8_t *next = i + 1 < s->elements ? s->element[i + 1].key : NULL;
	enum foreign_truth from = in_range(b, s->element[i].key, NULL, s->key_len);
	enum foreign_truth beyond = next ? in_range(b, next, NULL, s->key_len) : FOREIGN_NO;

	return both(from, not(beyond, true));
}

static enum foreign_truth is_element(const struct registers *g, uint32_t reg,
				     const struct bounds *b, const struct foreign_set *s,
				     unsigned i)
{
	const struct foreign_element *e = &s->element[i];

	if (e->interval_end)
		return FOREIGN_NO;
	if (e->catchall)
		return FOREIGN_MAYBE;
	if (s->flags & NFT_SET_INTERVAL)
		return in_interval(b, s, i);
	return equals(g, reg, e->key, s->key_len);
}

static bool can_look(const struct at *a, const struct foreign_expr *e, struct bounds *ret)
{
	return e->set && e->set->known && !e->set->ranges &&
	       bounds_of(&a->reg, e->sreg, e->set->key_len, ret);
}

/* Whether it is in the set; *ret_element, if it is for certain, is the element. */
static enum foreign_truth look_up(struct at *a, const struct foreign_expr *e,
				  const struct foreign_element **ret_element)
{
	enum foreign_truth t = FOREIGN_NO;
	struct bounds b;

	*ret_element = NULL;
	if (!can_look(a, e, &b))
		return FOREIGN_MAYBE;
	for (unsigned i = 0; i < e->set->elements && t != FOREIGN_YES; i++) {
		enum foreign_truth this = is_element(&a->reg, e->sreg, &b, e->set, i);

		if (this > t)
			t = this;
		if (t == FOREIGN_YES)
			*ret_element = &e->set->element[i];
	}
	return t;
}

static enum foreign_truth lookup(struct at *a, const struct foreign_expr *e)
{
	const struct foreign_element *found;
	enum foreign_truth t = look_up(a, e, &found);

	if (e->mapped && found && found->data)
		load_known(&a->reg, e->dreg, found->data, found->data_len);
	else if (e->mapped)
		load_unknown(&a->reg, e->dreg, 4 * sizeof(uint32_t));
	return not(t, e->invert);
}

/* --- ends --- */

static const struct foreign_fate anything = { .may_accept = true,
					      .may_drop = true,
					      .may_go_on = true };

static const struct foreign_fate decided_elsewhere = { .may_accept = true, .may_drop = true };

static void run_chain(struct walk *w, const struct foreign_chain *c, struct foreign_fate *ret);

/* What became of the packet in a chain that the rule goes to. */
static void merge(struct at *a, enum foreign_truth t, const struct foreign_fate *sub)
{
	struct foreign_fate *fate = a->fate;

	fate->may_accept = fate->may_accept || sub->may_accept;
	fate->may_drop = fate->may_drop || sub->may_drop;
	fate->meant = fate->meant || sub->meant || (a->meant && sub->may_accept);
	if (sub->certain && t == FOREIGN_YES && !fate->certain) {
		fate->certain = sub->certain;
		fate->certain_chain = sub->certain_chain;
	} else if (sub->certain && !fate->perhaps) {
		fate->perhaps = sub->certain;
		fate->perhaps_chain = sub->certain_chain;
	}
	if (sub->perhaps && !fate->perhaps) {
		fate->perhaps = sub->perhaps;
		fate->perhaps_chain = sub->perhaps_chain;
	}
}

static bool accepts(struct at *a, enum foreign_truth t)
{
	a->fate->may_accept = true;
	a->fate->meant = a->fate->meant || a->meant;
	return t == FOREIGN_YES;
}

static bool drops(struct at *a, enum foreign_truth t)
{
	struct foreign_fate sub = { .may_drop = true,
				    .certain = a->rule,
				    .certain_chain = a->chain };

	if (a->narrow)
		return false;
	merge(a, t, &sub);
	return t == FOREIGN_YES;
}

static bool goes_to(struct at *a, enum foreign_truth t, const struct foreign_chain *to, bool back)
{
	struct foreign_fate sub = anything;

	if (to)
		run_chain(a->w, to, &sub);
	if (a->narrow)
		sub = (struct foreign_fate){ .may_accept = sub.may_accept, .may_go_on = true };
	merge(a, t, &sub);
	if (back)
		return t == FOREIGN_YES && !sub.may_go_on;
	a->fate->may_go_on = a->fate->may_go_on || sub.may_go_on;
	return t == FOREIGN_YES;
}

/* Carries a verdict out of which t says whether it is reached; says whether nothing is left of the
 * packet behind the rule. */
static bool conclude(struct at *a, enum foreign_truth t, uint32_t verdict,
		     const struct foreign_chain *to)
{
	if (t == FOREIGN_NO)
		return false;
	switch ((int)verdict) {
	case NF_ACCEPT:
		return accepts(a, t);
	case NF_DROP:
		return drops(a, t);
	case NFT_JUMP:
		return goes_to(a, t, to, true);
	case NFT_GOTO:
		return goes_to(a, t, to, false);
	case NFT_RETURN:
		a->fate->may_go_on = true;
		return t == FOREIGN_YES;
	case NFT_CONTINUE:
	case NFT_BREAK:
		return false;
	default: /* to a queue, whose reader decides */
		merge(a, FOREIGN_MAYBE, &decided_elsewhere);
		return t == FOREIGN_YES;
	}
}

static bool conclude_by_map(struct at *a, const struct foreign_expr *e)
{
	enum foreign_truth most = FOREIGN_NO;
	const struct foreign_set *s = e->set;
	struct bounds b;

	if (!can_look(a, e, &b)) {
		merge(a, FOREIGN_MAYBE, &anything);
		return false;
	}
	for (unsigned i = 0; i < s->elements && most != FOREIGN_YES; i++) {
		enum foreign_truth t = is_element(&a->reg, e->sreg, &b, s, i);

		if (t > most)
			most = t;
		if (s->element[i].has_verdict &&
		    conclude(a, both(a->truth, t), s->element[i].verdict, s->element[i].chain))
			return true;
	}
	return false;
}

static bool conclude_by_target(struct at *a, const struct foreign_expr *e)
{
	switch (foreign_xt_target(e->name)) {
	case FOREIGN_END_GO_ON:
		return false;
	case FOREIGN_END_ACCEPT:
		return accepts(a, a->truth);
	case FOREIGN_END_DROP:
		return drops(a, a->truth);
	case FOREIGN_END_ELSEWHERE:
		merge(a, FOREIGN_MAYBE, &decided_elsewhere);
		return a->truth == FOREIGN_YES;
	case FOREIGN_END_UNKNOWN:
		break;
	}
	merge(a, FOREIGN_MAYBE, &anything);
	return false;
}

/* --- rules and chains --- */

static enum about about_what(const struct registers *g, const struct foreign_expr *e)
{
	return e->sreg < FOREIGN_REGISTERS ? g->about[e->sreg / 4] : ABOUT_ANYTHING;
}

static void note_about(struct at *a, enum about about, enum foreign_truth t, bool equal)
{
	if (about == ABOUT_NETWORK && t == FOREIGN_YES && equal)
		a->meant = true;
	if (about == ABOUT_OUTSIDE && t == FOREIGN_MAYBE && equal)
		a->narrow = true;
}

static enum foreign_truth holds(struct at *a, const struct foreign_expr *e)
{
	enum about about = about_what(&a->reg, e);
	enum foreign_truth t = FOREIGN_YES;

	switch (e->kind) {
	case FOREIGN_CMP:
		t = compare(&a->reg, e);
		note_about(a, about, t, e->key == NFT_CMP_EQ);
		break;
	case FOREIGN_RANGE:
		t = ranges(&a->reg, e);
		break;
	case FOREIGN_LOOKUP:
		t = lookup(a, e);
		note_about(a, about, t, !e->invert);
		break;
	case FOREIGN_MATCH:
		t = foreign_xt_match(e, a->w->packet);
		break;
	case FOREIGN_LIMIT:
	case FOREIGN_UNKNOWN:
		t = FOREIGN_MAYBE;
		break;
	case FOREIGN_META:
	case FOREIGN_CT:
	case FOREIGN_PAYLOAD:
	case FOREIGN_LOAD:
	case FOREIGN_BITWISE:
	case FOREIGN_BYTEORDER:
	case FOREIGN_IMMEDIATE:
	case FOREIGN_VERDICT:
	case FOREIGN_REJECT:
	case FOREIGN_TARGET:
	case FOREIGN_LOG:
	case FOREIGN_COUNTER:
	case FOREIGN_PASS:
		break;
	}
	return t;
}

/* Whether it loads something. */
static bool loads(struct at *a, const struct foreign_expr *e)
{
	enum about about;

	switch ((int)e->kind) {
	case FOREIGN_META:
		load_meta(a, e);
		return true;
	case FOREIGN_CT:
		load_ct(a, e);
		return true;
	case FOREIGN_PAYLOAD:
		load_payload(a, e);
		return true;
	case FOREIGN_LOAD:
		load_unknown(&a->reg, e->dreg, e->len);
		return true;
	case FOREIGN_BITWISE:
		about = about_what(&a->reg, e);
		do_bitwise(&a->reg, e);
		if (e->dreg < FOREIGN_REGISTERS)
			a->reg.about[e->dreg / 4] = about;
		return true;
	case FOREIGN_BYTEORDER:
		do_byteorder(&a->reg, e);
		return true;
	case FOREIGN_IMMEDIATE:
		if (e->data)
			load_known(&a->reg, e->dreg, e->data, e->len);
		else
			load_unknown(&a->reg, e->dreg, e->len);
		return true;
	default:
		return false;
	}
}

/* Says whether nothing of the packet is left behind the rule. */
static bool run_rule(struct at *a)
{
	for (unsigned i = 0; i < a->rule->exprs; i++) {
		const struct foreign_expr *e = &a->rule->expr[i];

		if (loads(a, e))
			continue;
		if (e->kind == FOREIGN_VERDICT)
			return conclude(a, a->truth, e->key, e->chain);
		if (e->kind == FOREIGN_REJECT)
			return drops(a, a->truth);
		if (e->kind == FOREIGN_LOOKUP && e->verdicts)
			return conclude_by_map(a, e);
		if (e->kind == FOREIGN_TARGET && conclude_by_target(a, e))
			return true;
		a->truth = both(a->truth, holds(a, e));
		if (a->truth == FOREIGN_NO)
			return false;
	}
	return false;
}

static void run_rules(struct walk *w, const struct foreign_chain *c, struct foreign_fate *fate)
{
	for (const struct foreign_rule *r = c->rule; r; r = r->next) {
		struct at a = { .w = w, .chain = c, .rule = r, .truth = FOREIGN_YES, .fate = fate };

		if (run_rule(&a))
			return;
	}
	fate->may_go_on = true;
	/* What was not read can be what lets it through. */
	if (c->cut)
		fate->may_accept = fate->may_drop = fate->meant = true;
}

static bool is_open(const struct walk *w, const struct foreign_chain *c)
{
	return w->open && !strcmp(c->name, w->open) && !strcmp(c->table, w->open_table);
}

static void run_chain(struct walk *w, const struct foreign_chain *c, struct foreign_fate *ret)
{
	/* The interpreter's notes are the only thing about a chain that changes. */
	struct foreign_chain *notes = (struct foreign_chain *)(uintptr_t)c;
	struct foreign_fate fate = { 0 };

	if (c->walk == w->f->walk) {
		*ret = c->fate;
		return;
	}
	/* For one that comes back to itself, which the kernel does not allow. */
	notes->walk = w->f->walk;
	notes->fate = anything;
	if (is_open(w, c)) {
		fate.may_accept = true;
	} else if (w->depth >= DEPTH_MAX) {
		fate = anything;
	} else {
		w->depth++;
		run_rules(w, c, &fate);
		w->depth--;
	}
	notes->fate = fate;
	*ret = fate;
}

void foreign_walk(struct foreign *f, const struct foreign_chain *base,
		  const struct foreign_packet *p, const char *open, struct foreign_fate *ret)
{
	struct walk w = { .f = f, .packet = p, .open = open, .open_table = base->table };
	struct foreign_fate fate;

	f->walk++;
	run_chain(&w, base, &fate);
	if (fate.may_go_on && base->policy == NF_DROP) {
		fate.policy = !fate.certain;
		fate.may_drop = true;
	} else if (fate.may_go_on) {
		fate.may_accept = true;
	}
	fate.may_go_on = false;
	*ret = fate;
}

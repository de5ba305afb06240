/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the kernel's messages about tables that are not ours, which libnftnl takes apart, to the
 * model of foreign.h. What is not known becomes an expression that may do anything.
 */
#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/gen.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/udata.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "foreign_read.h"

CLEANUP_DEFINE(chain, struct nftnl_chain, nftnl_chain_free)
CLEANUP_DEFINE(rule, struct nftnl_rule, nftnl_rule_free)
CLEANUP_DEFINE(set, struct nftnl_set, nftnl_set_free)
CLEANUP_DEFINE(exprs, struct nftnl_expr_iter, nftnl_expr_iter_destroy)
CLEANUP_DEFINE(elements, struct nftnl_set_elems_iter, nftnl_set_elems_iter_destroy)
CLEANUP_DEFINE(gen, struct nftnl_gen, nftnl_gen_free)

/* Guests have IPv4 only, so far. */
static bool is_of_interest(uint32_t family, const char *table)
{
	return table && strcmp(table, "netd") &&
	       (family == NFPROTO_INET || family == NFPROTO_IPV4 || family == NFPROTO_BRIDGE ||
		family == NFPROTO_NETDEV);
}

/* --- chains --- */

static int take_devices(struct foreign *f, struct foreign_chain *to, const struct nftnl_chain *from)
{
	const char *const *names = NULL;
	const char *name = NULL;

	if (nftnl_chain_is_set(from, NFTNL_CHAIN_DEVICES))
		names = nftnl_chain_get(from, NFTNL_CHAIN_DEVICES);
	else if (nftnl_chain_is_set(from, NFTNL_CHAIN_DEV))
		name = nftnl_chain_get_str(from, NFTNL_CHAIN_DEV);
	if (name && !(to->device[to->devices++] = foreign_text(f, name)))
		return -ENOMEM;
	for (; names && *names && to->devices < FOREIGN_DEVICES_MAX; names++)
		if (!(to->device[to->devices++] = foreign_text(f, *names)))
			return -ENOMEM;
	return 0;
}

static int take_base(struct foreign *f, struct foreign_chain *to, const struct nftnl_chain *from)
{
	const char *type = nftnl_chain_get_str(from, NFTNL_CHAIN_TYPE);

	to->base = true;
	to->hook = nftnl_chain_get_u32(from, NFTNL_CHAIN_HOOKNUM);
	to->priority = nftnl_chain_get_s32(from, NFTNL_CHAIN_PRIO);
	to->policy = nftnl_chain_is_set(from, NFTNL_CHAIN_POLICY) ?
			     nftnl_chain_get_u32(from, NFTNL_CHAIN_POLICY) :
			     NF_ACCEPT;
	to->type = foreign_text(f, type ? type : "filter");
	return to->type ? take_devices(f, to, from) : -ENOMEM;
}

int foreign_parse_chain(struct foreign *f, const struct nlmsghdr *h)
{
	CLEANUP(cleanup_chain) struct nftnl_chain *c = nftnl_chain_alloc();
	struct foreign_chain *to;
	const char *table, *name;
	uint32_t family;

	if (!c)
		return -ENOMEM;
	if (nftnl_chain_nlmsg_parse(h, c) < 0)
		return -EBADMSG;
	family = nftnl_chain_get_u32(c, NFTNL_CHAIN_FAMILY);
	table = nftnl_chain_get_str(c, NFTNL_CHAIN_TABLE);
	name = nftnl_chain_get_str(c, NFTNL_CHAIN_NAME);
	if (!is_of_interest(family, table) || !name)
		return 0;
	to = foreign_chain_add(f, (uint16_t)family, table, name);
	if (!to)
		return -ENOMEM;
	return nftnl_chain_is_set(c, NFTNL_CHAIN_HOOKNUM) ? take_base(f, to, c) : 0;
}

/* --- expressions --- */

/* The number of a register as the octet that it begins at; those of sixteen octets are the same
 * ones as four of four each (net/netfilter/nf_tables_api.c, nft_parse_register()). */
static uint8_t octet_of(const struct nftnl_expr *e, uint16_t attr)
{
	uint32_t reg = nftnl_expr_get_u32(e, attr);

	if (reg >= NFT_REG_1 && reg <= NFT_REG_4)
		return (uint8_t)((reg - NFT_REG_1) * 16);
	if (reg >= NFT_REG32_00 && reg <= NFT_REG32_15)
		return (uint8_t)((reg - NFT_REG32_00) * 4);
	return FOREIGN_REGISTERS; /* none: nothing is loaded from or to it */
}

/* An attribute's octets; NULL without memory, or when there is none. */
static const uint8_t *octets(struct foreign *f, const struct nftnl_expr *e, uint16_t attr,
			     uint32_t *ret_len)
{
	const void *data = nftnl_expr_is_set(e, attr) ? nftnl_expr_get(e, attr, ret_len) : NULL;

	if (!data)
		*ret_len = 0;
	return data ? foreign_octets(f, data, *ret_len) : NULL;
}

static const char *text(struct foreign *f, const struct nftnl_expr *e, uint16_t attr)
{
	const char *value = nftnl_expr_is_set(e, attr) ? nftnl_expr_get_str(e, attr) : NULL;

	return value ? foreign_text(f, value) : NULL;
}

typedef void (*take_fn)(struct foreign *f, const struct nftnl_expr *from, struct foreign_expr *to);

static void take_meta(struct foreign *f, const struct nftnl_expr *from, struct foreign_expr *to)
{
	(void)f;
	to->key = nftnl_expr_get_u32(from, NFTNL_EXPR_META_KEY);
	to->dreg = octet_of(from, NFTNL_EXPR_META_DREG);
	if (nftnl_expr_is_set(from, NFTNL_EXPR_META_SREG))
		to->kind = FOREIGN_PASS; /* sets it */
}

static void take_ct(struct foreign *f, const struct nftnl_expr *from, struct foreign_expr *to)
{
	(void)f;
	to->key = nftnl_expr_get_u32(from, NFTNL_EXPR_CT_KEY);
	to->dreg = octet_of(from, NFTNL_EXPR_CT_DREG);
	if (nftnl_expr_is_set(from, NFTNL_EXPR_CT_SREG))
		to->kind = FOREIGN_PASS;
}

static void take_payload(struct foreign *f, const struct nftnl_expr *from, struct foreign_expr *to)
{
	(void)f;
	to->key = nftnl_expr_get_u32(from, NFTNL_EXPR_PAYLOAD_BASE);
	to->offset = nftnl_expr_get_u32(from, NFTNL_EXPR_PAYLOAD_OFFSET);
	to->len = nftnl_expr_get_u32(from, NFTNL_EXPR_PAYLOAD_LEN);
	to->dreg = octet_of(from, NFTNL_EXPR_PAYLOAD_DREG);
	if (nftnl_expr_is_set(from, NFTNL_EXPR_PAYLOAD_SREG))
		to->kind = FOREIGN_PASS;
}

static void take_bitwise(struct foreign *f, const struct nftnl_expr *from, struct foreign_expr *to)
{
	uint32_t len;

	to->sreg = octet_of(from, NFTNL_EXPR_BITWISE_SREG);
	to->dreg = octet_of(from, NFTNL_EXPR_BITWISE_DREG);
	to->data = octets(f, from, NFTNL_EXPR_BITWISE_MASK, &to->len);
	to->more = octets(f, from, NFTNL_EXPR_BITWISE_XOR, &len);
	if (len != to->len)
		to->data = to->more = NULL;
	to->len = nftnl_expr_get_u32(from, NFTNL_EXPR_BITWISE_LEN);
	if (len < to->len)
		to->data = to->more = NULL;
}

static void take_byteorder(struct foreign *f, const struct nftnl_expr *from,
			   struct foreign_expr *to)
{
	(void)f;
	to->sreg = octet_of(from, NFTNL_EXPR_BYTEORDER_SREG);
	to->dreg = octet_of(from, NFTNL_EXPR_BYTEORDER_DREG);
	to->len = nftnl_expr_get_u32(from, NFTNL_EXPR_BYTEORDER_LEN);
	to->key = nftnl_expr_get_u32(from, NFTNL_EXPR_BYTEORDER_SIZE);
}

static void take_immediate(struct foreign *f, const struct nftnl_expr *from,
			   struct foreign_expr *to)
{
	if (nftnl_expr_is_set(from, NFTNL_EXPR_IMM_VERDICT)) {
		to->kind = FOREIGN_VERDICT;
		to->key = nftnl_expr_get_u32(from, NFTNL_EXPR_IMM_VERDICT);
		to->name = text(f, from, NFTNL_EXPR_IMM_CHAIN);
		return;
	}
	to->dreg = octet_of(from, NFTNL_EXPR_IMM_DREG);
	to->data = octets(f, from, NFTNL_EXPR_IMM_DATA, &to->len);
}

static void take_cmp(struct foreign *f, const struct nftnl_expr *from, struct foreign_expr *to)
{
	to->sreg = octet_of(from, NFTNL_EXPR_CMP_SREG);
	to->key = nftnl_expr_get_u32(from, NFTNL_EXPR_CMP_OP);
	to->data = octets(f, from, NFTNL_EXPR_CMP_DATA, &to->len);
}

static void take_range(struct foreign *f, const struct nftnl_expr *from, struct foreign_expr *to)
{
	uint32_t len;

	to->sreg = octet_of(from, NFTNL_EXPR_RANGE_SREG);
	to->invert = nftnl_expr_get_u32(from, NFTNL_EXPR_RANGE_OP) == NFT_RANGE_NEQ;
	to->data = octets(f, from, NFTNL_EXPR_RANGE_FROM_DATA, &to->len);
	to->more = octets(f, from, NFTNL_EXPR_RANGE_TO_DATA, &len);
	if (len != to->len)
		to->more = NULL;
}

static void take_lookup(struct foreign *f, const struct nftnl_expr *from, struct foreign_expr *to)
{
	to->sreg = octet_of(from, NFTNL_EXPR_LOOKUP_SREG);
	to->name = text(f, from, NFTNL_EXPR_LOOKUP_SET);
	if (nftnl_expr_is_set(from, NFTNL_EXPR_LOOKUP_FLAGS))
		to->invert = nftnl_expr_get_u32(from, NFTNL_EXPR_LOOKUP_FLAGS) & NFT_LOOKUP_F_INV;
	if (!nftnl_expr_is_set(from, NFTNL_EXPR_LOOKUP_DREG))
		return;
	to->verdicts = nftnl_expr_get_u32(from, NFTNL_EXPR_LOOKUP_DREG) == NFT_REG_VERDICT;
	to->mapped = !to->verdicts;
	to->dreg = octet_of(from, NFTNL_EXPR_LOOKUP_DREG);
}

static void take_reject(struct foreign *f, const struct nftnl_expr *from, struct foreign_expr *to)
{
	(void)f;
	to->key = nftnl_expr_get_u32(from, NFTNL_EXPR_REJECT_TYPE);
	to->offset = nftnl_expr_get_u8(from, NFTNL_EXPR_REJECT_CODE);
}

static void take_match(struct foreign *f, const struct nftnl_expr *from, struct foreign_expr *to)
{
	to->name = text(f, from, NFTNL_EXPR_MT_NAME);
	to->key = nftnl_expr_get_u32(from, NFTNL_EXPR_MT_REV);
	to->data = octets(f, from, NFTNL_EXPR_MT_INFO, &to->len);
}

static void take_target(struct foreign *f, const struct nftnl_expr *from, struct foreign_expr *to)
{
	to->name = text(f, from, NFTNL_EXPR_TG_NAME);
	to->key = nftnl_expr_get_u32(from, NFTNL_EXPR_TG_REV);
	to->data = octets(f, from, NFTNL_EXPR_TG_INFO, &to->len);
}

static void take_limit(struct foreign *f, const struct nftnl_expr *from, struct foreign_expr *to)
{
	(void)f;
	to->number = nftnl_expr_get_u64(from, NFTNL_EXPR_LIMIT_RATE);
	to->offset = (uint32_t)nftnl_expr_get_u64(from, NFTNL_EXPR_LIMIT_UNIT);
	to->key = nftnl_expr_get_u32(from, NFTNL_EXPR_LIMIT_TYPE);
	to->invert = nftnl_expr_get_u32(from, NFTNL_EXPR_LIMIT_FLAGS) & NFT_LIMIT_F_INV;
}

static void take_log(struct foreign *f, const struct nftnl_expr *from, struct foreign_expr *to)
{
	to->name = text(f, from, NFTNL_EXPR_LOG_PREFIX);
}

/* What one loads from, with the attribute that says where to, and how many octets that are at most.
 */
static const struct {
	const char *name;
	uint16_t dreg;
} loads[] = {
	{ "rt", NFTNL_EXPR_RT_DREG },	      { "socket", NFTNL_EXPR_SOCKET_DREG },
	{ "tunnel", NFTNL_EXPR_TUNNEL_DREG }, { "numgen", NFTNL_EXPR_NG_DREG },
	{ "hash", NFTNL_EXPR_HASH_DREG },     { "fib", NFTNL_EXPR_FIB_DREG },
	{ "osf", NFTNL_EXPR_OSF_DREG },	      { "xfrm", NFTNL_EXPR_XFRM_DREG },
	{ "exthdr", NFTNL_EXPR_EXTHDR_DREG },
};

static const struct {
	const char *name;
	enum foreign_kind kind;
	take_fn take; /* NULL: nothing but the name */
} kinds[] = {
	{ "meta", FOREIGN_META, take_meta },
	{ "ct", FOREIGN_CT, take_ct },
	{ "payload", FOREIGN_PAYLOAD, take_payload },
	{ "bitwise", FOREIGN_BITWISE, take_bitwise },
	{ "byteorder", FOREIGN_BYTEORDER, take_byteorder },
	{ "immediate", FOREIGN_IMMEDIATE, take_immediate },
	{ "cmp", FOREIGN_CMP, take_cmp },
	{ "range", FOREIGN_RANGE, take_range },
	{ "lookup", FOREIGN_LOOKUP, take_lookup },
	{ "reject", FOREIGN_REJECT, take_reject },
	{ "match", FOREIGN_MATCH, take_match },
	{ "target", FOREIGN_TARGET, take_target },
	{ "limit", FOREIGN_LIMIT, take_limit },
	{ "log", FOREIGN_LOG, take_log },
	{ "counter", FOREIGN_COUNTER, NULL },
	{ "last", FOREIGN_PASS, NULL },
	{ "notrack", FOREIGN_PASS, NULL },
	{ "objref", FOREIGN_PASS, NULL }, /* counters and the like; a quota is one too, below */
	{ "flow_offload", FOREIGN_PASS, NULL },
	{ "dup", FOREIGN_PASS, NULL },
	/* These end the packet's way: what foreign_xt_target() says of their names. */
	{ "nat", FOREIGN_TARGET, NULL },
	{ "masq", FOREIGN_TARGET, NULL },
	{ "redir", FOREIGN_TARGET, NULL },
	{ "queue", FOREIGN_TARGET, NULL },
	{ "fwd", FOREIGN_TARGET, NULL },
	{ "tproxy", FOREIGN_TARGET, NULL },
	{ "synproxy", FOREIGN_TARGET, NULL },
};

/* A named quota or limit can end a rule, unlike a counter. */
static bool may_break(const struct nftnl_expr *from)
{
	uint32_t type;

	if (!nftnl_expr_is_set(from, NFTNL_EXPR_OBJREF_IMM_TYPE))
		return true;
	type = nftnl_expr_get_u32(from, NFTNL_EXPR_OBJREF_IMM_TYPE);
	return type == NFT_OBJECT_QUOTA || type == NFT_OBJECT_LIMIT ||
	       type == NFT_OBJECT_CONNLIMIT || type == NFT_OBJECT_SYNPROXY;
}

static bool take_load(struct foreign *f, const char *name, const struct nftnl_expr *from,
		      struct foreign_expr *to)
{
	for (size_t i = 0; i < ARRAY_SIZE(loads); i++) {
		if (strcmp(name, loads[i].name) || !nftnl_expr_is_set(from, loads[i].dreg))
			continue;
		to->kind = FOREIGN_LOAD;
		to->dreg = octet_of(from, loads[i].dreg);
		to->len = 4 * sizeof(uint32_t);
		to->name = foreign_text(f, name);
		return true;
	}
	return false;
}

static void take_known(struct foreign *f, const char *name, const struct nftnl_expr *from,
		       struct foreign_expr *to)
{
	to->kind = FOREIGN_UNKNOWN;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (strcmp(name, kinds[i].name))
			continue;
		to->kind = kinds[i].kind;
		to->native = !kinds[i].take;
		if (kinds[i].take)
			kinds[i].take(f, from, to);
	}
	if ((!strcmp(name, "objref") && may_break(from)) ||
	    (to->kind == FOREIGN_MATCH && !to->data))
		to->kind = FOREIGN_UNKNOWN;
}

static int take_expr(struct foreign *f, const struct nftnl_expr *from, struct foreign_expr *to)
{
	const char *name = nftnl_expr_get_str(from, NFTNL_EXPR_NAME);

	if (!take_load(f, name, from, to))
		take_known(f, name, from, to);
	if (!to->name && to->kind != FOREIGN_LOG && to->kind != FOREIGN_VERDICT)
		to->name = foreign_text(f, name);
	return to->name || to->kind == FOREIGN_LOG || to->kind == FOREIGN_VERDICT ? 0 : -ENOMEM;
}

/* --- rules --- */

static int find_comment(const struct nftnl_udata *u, void *arg)
{
	const char **comment = arg;
	const char *value = nftnl_udata_get(u);
	uint8_t len = nftnl_udata_len(u);

	if (nftnl_udata_type(u) == NFTNL_UDATA_RULE_COMMENT && len && !value[len - 1])
		*comment = value;
	return 0;
}

static const char *comment_of(struct foreign *f, const struct nftnl_rule *r)
{
	const char *comment = NULL;
	const void *data;
	uint32_t len;

	if (!nftnl_rule_is_set(r, NFTNL_RULE_USERDATA))
		return NULL;
	data = nftnl_rule_get_data(r, NFTNL_RULE_USERDATA, &len);
	if (nftnl_udata_parse(data, len, find_comment, &comment) < 0 || !comment)
		return NULL;
	return foreign_text(f, comment);
}

static unsigned count_exprs(const struct nftnl_rule *r)
{
	CLEANUP(cleanup_exprs) struct nftnl_expr_iter *iter = nftnl_expr_iter_create(r);
	unsigned n = 0;

	while (iter && nftnl_expr_iter_next(iter))
		n++;
	return n;
}

static int take_rule(struct foreign *f, struct foreign_chain *c, const struct nftnl_rule *r)
{
	CLEANUP(cleanup_exprs) struct nftnl_expr_iter *iter = nftnl_expr_iter_create(r);
	unsigned n = count_exprs(r);
	struct foreign_rule *to;
	struct nftnl_expr *e;

	if (!iter)
		return -ENOMEM;
	to = foreign_rule_add(f, c, nftnl_rule_get_u64(r, NFTNL_RULE_HANDLE), n);
	if (!to)
		return -ENOMEM;
	to->comment = comment_of(f, r);
	while (to->exprs < n && (e = nftnl_expr_iter_next(iter)))
		if (take_expr(f, e, &to->expr[to->exprs++]))
			return -ENOMEM;
	return 0;
}

int foreign_parse_rule(struct foreign *f, const struct nlmsghdr *h)
{
	CLEANUP(cleanup_rule) struct nftnl_rule *r = nftnl_rule_alloc();
	const char *table, *chain;
	struct foreign_chain *c;
	uint32_t family;

	if (!r)
		return -ENOMEM;
	if (nftnl_rule_nlmsg_parse(h, r) < 0)
		return -EBADMSG;
	family = nftnl_rule_get_u32(r, NFTNL_RULE_FAMILY);
	table = nftnl_rule_get_str(r, NFTNL_RULE_TABLE);
	chain = nftnl_rule_get_str(r, NFTNL_RULE_CHAIN);
	if (!is_of_interest(family, table) || !chain)
		return 0;
	c = foreign_chain_find(f, (uint16_t)family, table, chain);
	if (!c)
		return 0;
	if (f->rules < FOREIGN_RULES_MAX)
		return take_rule(f, c, r);
	f->incomplete = true;
	c->cut = true;
	return 0;
}

/* --- sets --- */

int foreign_parse_set(struct foreign *f, const struct nlmsghdr *h)
{
	CLEANUP(cleanup_set) struct nftnl_set *s = nftnl_set_alloc();
	struct foreign_set *to;
	const char *table, *name;
	uint32_t family;

	if (!s)
		return -ENOMEM;
	if (nftnl_set_nlmsg_parse(h, s) < 0)
		return -EBADMSG;
	family = nftnl_set_get_u32(s, NFTNL_SET_FAMILY);
	table = nftnl_set_get_str(s, NFTNL_SET_TABLE);
	name = nftnl_set_get_str(s, NFTNL_SET_NAME);
	if (!is_of_interest(family, table) || !name)
		return 0;
	to = foreign_set_add(f, (uint16_t)family, table, name);
	if (!to)
		return -ENOMEM;
	to->flags = nftnl_set_get_u32(s, NFTNL_SET_FLAGS);
	to->key_type = nftnl_set_get_u32(s, NFTNL_SET_KEY_TYPE);
	to->key_len = nftnl_set_get_u32(s, NFTNL_SET_KEY_LEN);
	to->ranges = to->flags & NFT_SET_CONCAT && to->flags & NFT_SET_INTERVAL;
	return 0;
}

/* What packets and time change is not what it was read as. */
static bool stays(const struct foreign_set *s)
{
	return !(s->flags & (NFT_SET_EVAL | NFT_SET_TIMEOUT)) && s->key_len <= FOREIGN_REGISTERS;
}

static int take_element(struct foreign *f, struct foreign_set *s, struct nftnl_set_elem *e)
{
	struct foreign_element *to = foreign_element_add(f, s);
	uint32_t flags = 0, len;
	const void *data;

	if (!to)
		return -ENOMEM;
	if (nftnl_set_elem_is_set(e, NFTNL_SET_ELEM_FLAGS))
		flags = nftnl_set_elem_get_u32(e, NFTNL_SET_ELEM_FLAGS);
	to->interval_end = flags & NFT_SET_ELEM_INTERVAL_END;
	to->catchall = flags & NFT_SET_ELEM_CATCHALL;
	data = nftnl_set_elem_get(e, NFTNL_SET_ELEM_KEY, &len);
	if (data && len == s->key_len)
		to->key = foreign_octets(f, data, len);
	if (!to->key && !to->catchall)
		return -EBADMSG;
	if (nftnl_set_elem_is_set(e, NFTNL_SET_ELEM_VERDICT)) {
		const char *chain = nftnl_set_elem_get_str(e, NFTNL_SET_ELEM_CHAIN);

		to->has_verdict = true;
		to->verdict = nftnl_set_elem_get_u32(e, NFTNL_SET_ELEM_VERDICT);
		to->chain_name = chain ? foreign_text(f, chain) : NULL;
	} else if (nftnl_set_elem_is_set(e, NFTNL_SET_ELEM_DATA)) {
		data = nftnl_set_elem_get(e, NFTNL_SET_ELEM_DATA, &to->data_len);
		to->data = data ? foreign_octets(f, data, to->data_len) : NULL;
	}
	return 0;
}

int foreign_parse_elements(struct foreign *f, struct foreign_set *s, const struct nlmsghdr *h)
{
	CLEANUP(cleanup_set) struct nftnl_set *from = nftnl_set_alloc();
	CLEANUP(cleanup_elements) struct nftnl_set_elems_iter *iter = NULL;
	struct nftnl_set_elem *e;

	if (!from)
		return -ENOMEM;
	if (nftnl_set_elems_nlmsg_parse(h, from) < 0)
		return -EBADMSG;
	iter = nftnl_set_elems_iter_create(from);
	if (!iter)
		return -ENOMEM;
	while ((e = nftnl_set_elems_iter_next(iter))) {
		int rc;

		if (f->elements >= FOREIGN_ELEMENTS_MAX || !stays(s)) {
			s->known = false;
			return 0;
		}
		rc = take_element(f, s, e);
		if (rc == -EBADMSG)
			s->known = false;
		else if (rc)
			return rc;
	}
	return 0;
}

int foreign_parse_generation(const struct nlmsghdr *h, uint32_t *ret)
{
	CLEANUP(cleanup_gen) struct nftnl_gen *g = nftnl_gen_alloc();

	if (!g)
		return -ENOMEM;
	if (nftnl_gen_nlmsg_parse(h, g) < 0)
		return -EBADMSG;
	*ret = nftnl_gen_get_u32(g, NFTNL_GEN_ID);
	return 0;
}

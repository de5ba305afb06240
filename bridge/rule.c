/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The expressions that rules are made of. Composes them and sends nothing; called by ruleset.c and
 * the files beside it. */
#include <arpa/inet.h>
#include <linux/netfilter/nf_conntrack_common.h>

#include "base/cleanup.h"
#include "batch.h"

struct nftnl_expr *rule_expr(struct rule *rule, const char *name)
{
	struct nftnl_expr *e = rule->r ? nftnl_expr_alloc(name) : NULL;

	if (e)
		nftnl_rule_add_expr(rule->r, e);
	else
		rule->b->failed = true;
	return e;
}

void rule_cmp(struct rule *rule, uint32_t reg, uint32_t op, const void *data, uint32_t len)
{
	struct nftnl_expr *e = rule_expr(rule, "cmp");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_SREG, reg);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_OP, op);
	nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, data, len);
}

void rule_meta(struct rule *rule, uint32_t key, uint32_t reg)
{
	struct nftnl_expr *e = rule_expr(rule, "meta");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, key);
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_DREG, reg);
}

void rule_meta_set(struct rule *rule, uint32_t key, uint32_t reg)
{
	struct nftnl_expr *e = rule_expr(rule, "meta");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, key);
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_SREG, reg);
}

void rule_payload(struct rule *rule, uint32_t base, uint32_t offset, uint32_t len, uint32_t reg)
{
	struct nftnl_expr *e = rule_expr(rule, "payload");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, base);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, len);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_DREG, reg);
}

void rule_ct(struct rule *rule, uint32_t key, uint32_t reg)
{
	struct nftnl_expr *e = rule_expr(rule, "ct");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_CT_KEY, key);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CT_DREG, reg);
}

void rule_bits(struct rule *rule, uint32_t reg, const void *keep, const void *turn, uint32_t len)
{
	struct nftnl_expr *e = rule_expr(rule, "bitwise");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_SREG, reg);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_DREG, reg);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_OP, NFT_BITWISE_BOOL);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_LEN, len);
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_MASK, keep, len);
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_XOR, turn, len);
}

void rule_mask(struct rule *rule, uint32_t reg, const void *bits, uint32_t len)
{
	static const uint8_t none[16];

	rule_bits(rule, reg, bits, none, len);
}

void rule_map(struct rule *rule, uint32_t reg, const char *set, uint32_t id, uint32_t to)
{
	struct nftnl_expr *e = rule_expr(rule, "lookup");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SREG, reg);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_DREG, to);
	nftnl_expr_set_str(e, NFTNL_EXPR_LOOKUP_SET, set);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SET_ID, id);
}

void rule_lookup(struct rule *rule, uint32_t reg, const char *set, uint32_t id, bool inverted)
{
	struct nftnl_expr *e = rule_expr(rule, "lookup");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SREG, reg);
	nftnl_expr_set_str(e, NFTNL_EXPR_LOOKUP_SET, set);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SET_ID, id);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_FLAGS, inverted ? NFT_LOOKUP_F_INV : 0);
}

void rule_set(struct rule *rule, uint32_t reg, const void *data, uint32_t len)
{
	struct nftnl_expr *e = rule_expr(rule, "immediate");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, reg);
	nftnl_expr_set(e, NFTNL_EXPR_IMM_DATA, data, len);
}

static struct nftnl_expr *immediate(struct rule *rule, int verdict)
{
	struct nftnl_expr *e = rule_expr(rule, "immediate");

	if (e) {
		nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
		nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, (uint32_t)verdict);
	}
	return e;
}

void rule_verdict(struct rule *rule, int verdict)
{
	immediate(rule, verdict);
}

static void to_chain(struct rule *rule, int verdict, const char *chain)
{
	struct nftnl_expr *e = immediate(rule, verdict);

	if (e)
		nftnl_expr_set_str(e, NFTNL_EXPR_IMM_CHAIN, chain);
}

void rule_jump(struct rule *rule, const char *chain)
{
	to_chain(rule, NFT_JUMP, chain);
}

void rule_goto(struct rule *rule, const char *chain)
{
	to_chain(rule, NFT_GOTO, chain);
}

void rule_counter(struct rule *rule)
{
	rule_expr(rule, "counter");
}

void rule_end_drop(struct rule *rule)
{
	rule_counter(rule);
	rule_verdict(rule, NF_DROP);
	rule_end(rule);
}

void rule_log(struct rule *rule, uint16_t group, const char *prefix)
{
	struct nftnl_expr *e = rule_expr(rule, "log");

	if (!e)
		return;
	nftnl_expr_set_u16(e, NFTNL_EXPR_LOG_GROUP, group);
	if (prefix)
		nftnl_expr_set_str(e, NFTNL_EXPR_LOG_PREFIX, prefix);
}

static struct nftnl_expr *dynset(struct rule *rule, const char *set, uint32_t id, uint32_t op)
{
	struct nftnl_expr *e = rule_expr(rule, "dynset");

	if (!e)
		return NULL;
	nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_SREG_KEY, REG(0));
	nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_OP, op);
	nftnl_expr_set_str(e, NFTNL_EXPR_DYNSET_SET_NAME, set);
	nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_SET_ID, id);
	return e;
}

void rule_keep(struct rule *rule, const struct rule_keep *k)
{
	struct nftnl_expr *e = dynset(rule, k->set, k->id, NFT_DYNSET_OP_UPDATE);

	if (e && k->seconds)
		nftnl_expr_set_u64(e, NFTNL_EXPR_DYNSET_TIMEOUT, k->seconds * 1000ULL);
}

/* What each element of a dynamic set has; the batch fails without memory. */
static void with(struct rule *rule, struct nftnl_expr *e, struct nftnl_expr *state)
{
	if (e && state) {
		nftnl_expr_set(e, NFTNL_EXPR_DYNSET_EXPR, state, 0);
		return;
	}
	rule->b->failed = true;
	if (state)
		nftnl_expr_free(state);
}

void rule_count(struct rule *rule, const char *set, uint32_t id)
{
	with(rule, dynset(rule, set, id, NFT_DYNSET_OP_UPDATE), nftnl_expr_alloc("counter"));
}

static void exthdr(struct rule *rule, uint8_t type, uint32_t offset, uint32_t len, uint32_t flags)
{
	struct nftnl_expr *e = rule_expr(rule, "exthdr");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_EXTHDR_DREG, REG(0));
	nftnl_expr_set_u8(e, NFTNL_EXPR_EXTHDR_TYPE, type);
	nftnl_expr_set_u32(e, NFTNL_EXPR_EXTHDR_OFFSET, offset);
	nftnl_expr_set_u32(e, NFTNL_EXPR_EXTHDR_LEN, len);
	nftnl_expr_set_u32(e, NFTNL_EXPR_EXTHDR_FLAGS, flags);
	nftnl_expr_set_u32(e, NFTNL_EXPR_EXTHDR_OP, NFT_EXTHDR_OP_IPV6);
}

void rule_load_header(struct rule *rule, uint8_t type, uint32_t offset, uint32_t len)
{
	exthdr(rule, type, offset, len, 0);
}

void rule_has_header(struct rule *rule, uint8_t type)
{
	uint8_t yes = 1;

	exthdr(rule, type, 0, 1, NFT_EXTHDR_F_PRESENT);
	rule_cmp(rule, REG(0), NFT_CMP_EQ, &yes, sizeof(yes));
}

void rule_rate(struct rule *rule, const struct rule_rate *r)
{
	struct nftnl_expr *e = dynset(rule, r->set, r->id, NFT_DYNSET_OP_UPDATE);
	struct nftnl_expr *limit = nftnl_expr_alloc("limit");

	if (limit) {
		nftnl_expr_set_u64(limit, NFTNL_EXPR_LIMIT_RATE, r->packets);
		nftnl_expr_set_u64(limit, NFTNL_EXPR_LIMIT_UNIT, r->unit);
		nftnl_expr_set_u32(limit, NFTNL_EXPR_LIMIT_BURST, r->burst);
		nftnl_expr_set_u32(limit, NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKTS);
		nftnl_expr_set_u32(limit, NFTNL_EXPR_LIMIT_FLAGS, r->over ? NFT_LIMIT_F_INV : 0);
	}
	with(rule, e, limit);
}

void rule_hash(struct rule *rule, uint32_t from, uint32_t len, uint32_t buckets, uint32_t to)
{
	struct nftnl_expr *e = rule_expr(rule, "hash");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_HASH_SREG, from);
	nftnl_expr_set_u32(e, NFTNL_EXPR_HASH_DREG, to);
	nftnl_expr_set_u32(e, NFTNL_EXPR_HASH_LEN, len);
	nftnl_expr_set_u32(e, NFTNL_EXPR_HASH_MODULUS, buckets);
	nftnl_expr_set_u32(e, NFTNL_EXPR_HASH_TYPE, NFT_HASH_JENKINS);
}

void rule_remember(struct rule *rule, const char *set, uint32_t id)
{
	dynset(rule, set, id, NFT_DYNSET_OP_ADD);
}

void rule_connections_over(struct rule *rule, const char *set, uint32_t id, uint32_t most)
{
	struct nftnl_expr *limit = nftnl_expr_alloc("connlimit"), *e = rule_expr(rule, "dynset");

	if (!e || !limit) {
		rule->b->failed = true;
		if (limit)
			nftnl_expr_free(limit);
		return;
	}
	nftnl_expr_set_u32(limit, NFTNL_EXPR_CONNLIMIT_COUNT, most);
	nftnl_expr_set_u32(limit, NFTNL_EXPR_CONNLIMIT_FLAGS, NFT_CONNLIMIT_F_INV);
	nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_SREG_KEY, REG(0));
	nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_OP, NFT_DYNSET_OP_ADD);
	nftnl_expr_set_str(e, NFTNL_EXPR_DYNSET_SET_NAME, set);
	nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_SET_ID, id);
	nftnl_expr_set(e, NFTNL_EXPR_DYNSET_EXPR, limit, 0);
}

/* --- what several tables match --- */

void match_meta(struct rule *rule, uint32_t key, uint32_t op, const void *data, uint32_t len)
{
	rule_meta(rule, key, REG(0));
	rule_cmp(rule, REG(0), op, data, len);
}

void match_link(struct rule *rule, uint32_t meta_key, uint32_t op, const char *name)
{
	char padded[LINK_NAME_SIZE] = { 0 };

	memcpy(padded, name, strnlen(name, LINK_NAME_SIZE - 1));
	match_meta(rule, meta_key, op, padded, sizeof(padded));
}

void match_ipv4(struct rule *rule)
{
	uint8_t ipv4 = NFPROTO_IPV4;

	match_meta(rule, NFT_META_NFPROTO, NFT_CMP_EQ, &ipv4, sizeof(ipv4));
}

void match_l4(struct rule *rule, uint32_t op, uint8_t protocol)
{
	match_meta(rule, NFT_META_L4PROTO, op, &protocol, sizeof(protocol));
}

void match_prefix(struct rule *rule, uint32_t offset, uint32_t op, struct ip4_prefix p)
{
	uint32_t bits = htonl(ip4_mask(p.len)), net = htonl(ip4_network(p));

	rule_payload(rule, NFT_PAYLOAD_NETWORK_HEADER, offset, 4, REG(0));
	if (p.len < 32)
		rule_mask(rule, REG(0), &bits, sizeof(bits));
	rule_cmp(rule, REG(0), op, &net, sizeof(net));
}

static void match_ct_bits(struct rule *rule, uint32_t key, uint32_t op, uint32_t bits)
{
	uint32_t none = 0;

	rule_ct(rule, key, REG(0));
	rule_mask(rule, REG(0), &bits, sizeof(bits));
	rule_cmp(rule, REG(0), op, &none, sizeof(none));
}

void match_ct_state(struct rule *rule, uint32_t bits)
{
	match_ct_bits(rule, NFT_CT_STATE, NFT_CMP_NEQ, bits);
}

void match_ct_status(struct rule *rule, uint32_t op, uint32_t bits)
{
	match_ct_bits(rule, NFT_CT_STATUS, op, bits);
}

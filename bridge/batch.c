/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables, chains, sets and elements as nf_tables messages of one transaction. Called by the files
 * that say what they are: ruleset.c and those beside it. */
#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>

#include "base/cleanup.h"
#include "batch.h"

enum {
	PAGE = 1 << 16,
	PAGE_OVERRUN = 1 << 14,
	/* nft's own numbers, so that it lists sets well */
	HOST_ENDIAN = 1,
	BIG_ENDIAN_ = 2,
};

void batch_begin(struct batch *b, uint32_t seq)
{
	*b = (struct batch){ .first = seq, .seq = seq };
	b->pages = nftnl_batch_alloc(PAGE, PAGE_OVERRUN);
	if (!b->pages) {
		b->failed = true;
		return;
	}
	nftnl_batch_begin(nftnl_batch_buffer(b->pages), b->seq++);
	b->failed = nftnl_batch_update(b->pages) < 0;
}

void batch_end(struct batch *b)
{
	if (b->failed)
		return;
	nftnl_batch_end(nftnl_batch_buffer(b->pages), b->seq++);
	b->failed = nftnl_batch_update(b->pages) < 0;
}

void batch_done(struct batch *b)
{
	if (b->pages)
		nftnl_batch_free(b->pages);
	free(b->what);
}

/* Remembers what the next message is about. */
static void name_next(struct batch *b, const char *kind, const char *name)
{
	size_t i = b->seq - b->first;

	if (i >= b->whats) {
		size_t n = i + 64;
		char(*what)[48] = realloc(b->what, n * sizeof(*what));

		if (!what) {
			b->failed = true;
			return;
		}
		memset(what + b->whats, 0, (n - b->whats) * sizeof(*what));
		b->what = what;
		b->whats = n;
	}
	snprintf(b->what[i], sizeof(b->what[i]), "%s %s", kind, name);
}

static struct nlmsghdr *message(struct batch *b, uint16_t type, uint16_t family, uint16_t flags,
				const char *kind, const char *name)
{
	name_next(b, kind, name);
	if (b->failed)
		return NULL;
	if (b->clean) /* as much as there is room for in any case */
		memset(nftnl_batch_buffer(b->pages), 0, PAGE_OVERRUN);
	return nftnl_nlmsg_build_hdr(nftnl_batch_buffer(b->pages), type, family, flags, b->seq);
}

static void message_done(struct batch *b)
{
	b->seq++;
	if (nftnl_batch_update(b->pages) < 0)
		b->failed = true;
}

static const char *family_text(uint16_t family)
{
	return family == NFPROTO_BRIDGE ? "bridge " NFT_TABLE :
	       family == NFPROTO_NETDEV ? "netdev " NFT_TABLE :
					  "inet " NFT_TABLE;
}

void batch_table(struct batch *b, uint16_t type, uint16_t family)
{
	struct nlmsghdr *h = message(b, type, family, type == NFT_MSG_NEWTABLE ? NLM_F_CREATE : 0,
				     "table", family_text(family));
	struct nftnl_table *t = nftnl_table_alloc();

	if (h && t) {
		nftnl_table_set_str(t, NFTNL_TABLE_NAME, NFT_TABLE);
		nftnl_table_nlmsg_build_payload(h, t);
		message_done(b);
	}
	b->failed = b->failed || !t;
	nftnl_table_free(t);
}

/* Where the kernel calls a chain; NULL: only rules jump there. */
struct hook {
	const char *type;
	uint32_t number;
	int priority;
	const char *device; /* for one alone; NULL: for all */
};

static void chain(struct batch *b, uint16_t family, const char *name, const struct hook *hook)
{
	struct nlmsghdr *h = message(b, NFT_MSG_NEWCHAIN, family, NLM_F_CREATE, "chain", name);
	struct nftnl_chain *c = nftnl_chain_alloc();

	if (h && c) {
		nftnl_chain_set_str(c, NFTNL_CHAIN_TABLE, NFT_TABLE);
		nftnl_chain_set_str(c, NFTNL_CHAIN_NAME, name);
		if (hook) {
			nftnl_chain_set_str(c, NFTNL_CHAIN_TYPE, hook->type);
			nftnl_chain_set_u32(c, NFTNL_CHAIN_HOOKNUM, hook->number);
			nftnl_chain_set_s32(c, NFTNL_CHAIN_PRIO, hook->priority);
			nftnl_chain_set_u32(c, NFTNL_CHAIN_POLICY, NF_ACCEPT);
			if (hook->device)
				nftnl_chain_set_str(c, NFTNL_CHAIN_DEV, hook->device);
		}
		nftnl_chain_nlmsg_build_payload(h, c);
		message_done(b);
	}
	b->failed = b->failed || !c;
	nftnl_chain_free(c);
}

void batch_chain(struct batch *b, uint16_t family, const char *name)
{
	chain(b, family, name, NULL);
}

void batch_base_chain(struct batch *b, uint16_t family, const char *name, const char *type,
		      uint32_t hook, int priority)
{
	chain(b, family, name, &(struct hook){ type, hook, priority, NULL });
}

void batch_device_chain(struct batch *b, const char *name, const char *device, uint32_t hook,
			int priority)
{
	chain(b, NFPROTO_NETDEV, name, &(struct hook){ "filter", hook, priority, device });
}

void batch_chain_del(struct batch *b, uint16_t family, const char *name)
{
	struct nlmsghdr *h = message(b, NFT_MSG_DELCHAIN, family, 0, "chain", name);
	struct nftnl_chain *c = nftnl_chain_alloc();

	if (h && c) {
		nftnl_chain_set_str(c, NFTNL_CHAIN_TABLE, NFT_TABLE);
		nftnl_chain_set_str(c, NFTNL_CHAIN_NAME, name);
		nftnl_chain_nlmsg_build_payload(h, c);
		message_done(b);
	}
	b->failed = b->failed || !c;
	nftnl_chain_free(c);
}

/* What nft(8) has to know to list it well; false when there is no memory. */
static bool annotate(struct nftnl_set *s, const struct batch_set *set)
{
	struct nftnl_udata_buf *note = nftnl_udata_buf_alloc(64);

	if (!note)
		return false;
	nftnl_udata_put_u32(note, NFTNL_UDATA_SET_KEYBYTEORDER,
			    set->key_big_endian ? BIG_ENDIAN_ : HOST_ENDIAN);
	if (set->data_type == TYPE_MARK)
		nftnl_udata_put_u32(note, NFTNL_UDATA_SET_DATABYTEORDER, HOST_ENDIAN);
	nftnl_set_set_data(s, NFTNL_SET_USERDATA, nftnl_udata_buf_data(note),
			   nftnl_udata_buf_len(note));
	nftnl_udata_buf_free(note);
	return true;
}

static void describe_set(struct nftnl_set *s, const struct batch_set *set)
{
	uint32_t flags = set->flags | (set->data_type ? NFT_SET_MAP : 0) |
			 (set->timeout_ms ? NFT_SET_TIMEOUT : 0);

	nftnl_set_set_str(s, NFTNL_SET_TABLE, NFT_TABLE);
	nftnl_set_set_str(s, NFTNL_SET_NAME, set->name);
	nftnl_set_set_u32(s, NFTNL_SET_ID, set->id);
	nftnl_set_set_u32(s, NFTNL_SET_KEY_TYPE, set->key_type);
	nftnl_set_set_u32(s, NFTNL_SET_KEY_LEN, set->key_len);
	if (flags)
		nftnl_set_set_u32(s, NFTNL_SET_FLAGS, flags);
	if (set->data_type) {
		nftnl_set_set_u32(s, NFTNL_SET_DATA_TYPE, set->data_type);
		nftnl_set_set_u32(s, NFTNL_SET_DATA_LEN, set->data_len);
	}
	if (set->timeout_ms)
		nftnl_set_set_u64(s, NFTNL_SET_TIMEOUT, set->timeout_ms);
	if (set->size)
		nftnl_set_set_u32(s, NFTNL_SET_DESC_SIZE, set->size);
}

void batch_set(struct batch *b, const struct batch_set *set)
{
	struct nlmsghdr *h =
		message(b, NFT_MSG_NEWSET, set->family, NLM_F_CREATE, "set", set->name);
	struct nftnl_set *s = nftnl_set_alloc();

	if (h && s && annotate(s, set)) {
		describe_set(s, set);
		nftnl_set_nlmsg_build_payload(h, s);
		message_done(b);
	}
	b->failed = b->failed || !s || !nftnl_set_is_set(s, NFTNL_SET_USERDATA);
	nftnl_set_free(s);
}

static void add_element(struct batch *b, struct nftnl_set *s, const struct batch_element *from,
			uint32_t key_len)
{
	struct nftnl_set_elem *e = nftnl_set_elem_alloc();

	if (!e) {
		b->failed = true;
		return;
	}
	nftnl_set_elem_set(e, NFTNL_SET_ELEM_KEY, from->key, key_len);
	if (from->chain) {
		nftnl_set_elem_set_u32(e, NFTNL_SET_ELEM_VERDICT, (uint32_t)from->verdict);
		nftnl_set_elem_set_str(e, NFTNL_SET_ELEM_CHAIN, from->chain);
	} else if (from->data) {
		nftnl_set_elem_set(e, NFTNL_SET_ELEM_DATA, from->data, from->data_len);
	}
	if (from->timeout_ms)
		nftnl_set_elem_set_u64(e, NFTNL_SET_ELEM_TIMEOUT, from->timeout_ms);
	nftnl_set_elem_add(s, e);
}

static void element_message(struct batch *b, uint16_t type, uint16_t family, const char *set,
			    uint32_t key_len, const struct batch_element *e, size_t n)
{
	struct nlmsghdr *h = message(b, type, family, type == NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0,
				     "elements of set", set);
	struct nftnl_set *s = nftnl_set_alloc();

	if (h && s) {
		nftnl_set_set_str(s, NFTNL_SET_TABLE, NFT_TABLE);
		nftnl_set_set_str(s, NFTNL_SET_NAME, set);
		for (size_t i = 0; i < n; i++)
			add_element(b, s, &e[i], key_len);
		nftnl_set_elems_nlmsg_build_payload(h, s);
		message_done(b);
	}
	b->failed = b->failed || !s;
	nftnl_set_free(s);
}

void batch_elements(struct batch *b, uint16_t type, uint16_t family, const char *set,
		    uint32_t key_len, const struct batch_element *e, size_t n)
{
	for (size_t i = 0; i < n; i += BATCH_ELEMENTS)
		element_message(b, type, family, set, key_len, e + i,
				n - i < BATCH_ELEMENTS ? n - i : BATCH_ELEMENTS);
}

void batch_keys(struct batch *b, uint16_t type, uint16_t family, const char *set, const void *keys,
		uint32_t key_len, size_t n)
{
	struct batch_element e[BATCH_ELEMENTS];

	for (size_t i = 0; i < n;) {
		size_t some = 0;

		for (; some < BATCH_ELEMENTS && i < n; some++, i++)
			e[some] = (struct batch_element){ .key = (const char *)keys + i * key_len };
		element_message(b, type, family, set, key_len, e, some);
	}
}

/* --- rules --- */

struct rule rule_begin(struct batch *b, uint16_t family, const char *chain_name)
{
	struct rule rule = {
		.b = b, .r = nftnl_rule_alloc(), .family = family, .chain = chain_name
	};

	if (!rule.r) {
		b->failed = true;
		return rule;
	}
	nftnl_rule_set_str(rule.r, NFTNL_RULE_TABLE, NFT_TABLE);
	nftnl_rule_set_str(rule.r, NFTNL_RULE_CHAIN, chain_name);
	return rule;
}

void rule_end(struct rule *rule)
{
	struct nlmsghdr *h;

	if (!rule->r)
		return;
	h = message(rule->b, NFT_MSG_NEWRULE, rule->family, NLM_F_CREATE | NLM_F_APPEND,
		    "a rule of chain", rule->chain);
	if (h) {
		nftnl_rule_nlmsg_build_payload(h, rule->r);
		message_done(rule->b);
	}
	nftnl_rule_free(rule->r);
}

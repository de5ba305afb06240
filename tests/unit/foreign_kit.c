/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "foreign_kit.h"

#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/xt_addrtype.h>
#include <linux/netfilter/xt_conntrack.h>

#include "unit.h"

enum { EXPRS = 24, WORD = 64 };

static const struct {
	const char *name;
	unsigned number;
} numbers[] = {
	{ "ip", NFPROTO_IPV4 },
	{ "inet", NFPROTO_INET },
	{ "bridge", NFPROTO_BRIDGE },
	{ "netdev", NFPROTO_NETDEV },
	{ "prerouting", NF_INET_PRE_ROUTING },
	{ "input", NF_INET_LOCAL_IN },
	{ "forward", NF_INET_FORWARD },
	{ "output", NF_INET_LOCAL_OUT },
	{ "postrouting", NF_INET_POST_ROUTING },
	{ "ingress", NF_NETDEV_INGRESS },
	{ "tcp", IPPROTO_TCP },
	{ "udp", IPPROTO_UDP },
	{ "icmp", IPPROTO_ICMP },
	{ "invalid", NF_CT_STATE_INVALID_BIT },
	{ "established", NF_CT_STATE_BIT(IP_CT_ESTABLISHED) },
	{ "related", NF_CT_STATE_BIT(IP_CT_RELATED) },
	{ "new", NF_CT_STATE_BIT(IP_CT_NEW) },
};

static unsigned number(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (!strcmp(word, numbers[i].name))
			return numbers[i].number;
	return (unsigned)strtoul(word, NULL, 10);
}

/* --- chains and sets --- */

struct foreign_chain *foreign_kit_chain(struct foreign *f, const char *text)
{
	char family[WORD], table[WORD], name[WORD], hook[WORD], policy[WORD];
	struct foreign_chain *c;
	int priority, n;

	n = sscanf(text, "%63s %63s %63s %63s %d %63s", family, table, name, hook, &priority,
		   policy);
	ck_assert_int_ge(n, 3);
	c = foreign_chain_add(f, (uint16_t)number(family), table, name);
	ck_assert_ptr_nonnull(c);
	if (n == 6) {
		c->base = true;
		c->hook = number(hook);
		c->priority = priority;
		c->policy = strcmp(policy, "drop") ? NF_ACCEPT : NF_DROP;
		c->type = "filter";
	}
	ck_assert_int_eq(foreign_sort(f), 0);
	return c;
}

struct foreign_set *foreign_kit_set(struct foreign *f, const struct foreign_chain *c,
				    const char *name, uint32_t key_len, uint32_t flags)
{
	struct foreign_set *s = foreign_set_add(f, c->family, c->table, name);

	ck_assert_ptr_nonnull(s);
	s->key_len = key_len;
	s->flags = flags;
	s->known = true;
	ck_assert_int_eq(foreign_sort(f), 0);
	return s;
}

struct foreign_element *foreign_kit_element(struct foreign *f, struct foreign_set *s,
					    const void *key)
{
	struct foreign_element *e = foreign_element_add(f, s);

	ck_assert_ptr_nonnull(e);
	e->interval_end = s->flags & NFT_SET_INTERVAL && s->elements % 2 == 0;
	e->key = key ? foreign_octets(f, key, s->key_len) : NULL;
	e->catchall = !key;
	return e;
}

/* --- rules --- */

struct writing {
	struct foreign *f;
	struct foreign_rule *r;
	const char *at;
	bool invert;
};

static struct foreign_expr *expr(struct writing *w, enum foreign_kind kind)
{
	ck_assert_uint_lt(w->r->exprs, EXPRS);
	w->r->expr[w->r->exprs] = (struct foreign_expr){ .kind = kind };
	return &w->r->expr[w->r->exprs++];
}

static bool next_word(struct writing *w, char ret[WORD])
{
	int n = 0;

	if (sscanf(w->at, " %63s%n", ret, &n) != 1)
		return false;
	w->at += n;
	return true;
}

static const char *argument(struct writing *w, char ret[WORD])
{
	ck_assert(next_word(w, ret));
	return ret;
}

static void load_meta(struct writing *w, uint32_t key)
{
	expr(w, FOREIGN_META)->key = key;
}

static void load_payload(struct writing *w, uint32_t base, uint32_t offset, uint32_t len)
{
	struct foreign_expr *e = expr(w, FOREIGN_PAYLOAD);

	e->key = base;
	e->offset = offset;
	e->len = len;
}

static void cmp(struct writing *w, uint32_t op, const void *data, uint32_t len)
{
	struct foreign_expr *e = expr(w, FOREIGN_CMP);

	e->key = w->invert ? NFT_CMP_NEQ : op;
	e->data = foreign_octets(w->f, data, len);
	e->len = len;
}

static void mask(struct writing *w, const void *bits, uint32_t len)
{
	struct foreign_expr *e = expr(w, FOREIGN_BITWISE);

	e->data = foreign_octets(w->f, bits, len);
	e->more = foreign_octets(w->f, "\0\0\0\0", len);
	e->len = len;
}

static void load_selector(struct writing *w, const char *word)
{
	if (!strcmp(word, "iif"))
		load_meta(w, NFT_META_IIFNAME);
	else if (!strcmp(word, "oif"))
		load_meta(w, NFT_META_OIFNAME);
	else if (!strcmp(word, "mark"))
		load_meta(w, NFT_META_MARK);
	else if (!strcmp(word, "proto"))
		load_meta(w, NFT_META_L4PROTO);
	else if (!strcmp(word, "saddr"))
		load_payload(w, NFT_PAYLOAD_NETWORK_HEADER, FOREIGN_AT_SOURCE, 4);
	else if (!strcmp(word, "daddr"))
		load_payload(w, NFT_PAYLOAD_NETWORK_HEADER, FOREIGN_AT_DESTINATION, 4);
	else if (!strncmp(word, "dport", 5))
		load_payload(w, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2);
	else if (!strcmp(word, "icmp"))
		load_payload(w, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1);
	else if (!strcmp(word, "state"))
		expr(w, FOREIGN_CT)->key = NFT_CT_STATE;
	else
		ck_abort_msg("no selector: %s", word);
}

static void compare_name(struct writing *w, const char *name)
{
	char padded[LINK_NAME_SIZE] = "";
	size_t n = strlen(name);

	ck_assert_uint_lt(n, sizeof(padded));
	memcpy(padded, name, n);
	if (n && name[n - 1] == '*')
		cmp(w, NFT_CMP_EQ, name, (uint32_t)n - 1);
	else
		cmp(w, NFT_CMP_EQ, padded, sizeof(padded));
}

static void compare_prefix(struct writing *w, const char *text)
{
	struct ip4_prefix p;
	uint32_t bits, addr;

	ck_assert(ip4_prefix_parse(text, &p));
	bits = htonl(ip4_mask(p.len));
	addr = htonl(ip4_network(p));
	if (p.len < 32)
		mask(w, &bits, sizeof(bits));
	cmp(w, NFT_CMP_EQ, &addr, sizeof(addr));
}

static void compare_bits(struct writing *w, uint32_t bits)
{
	uint32_t zero = 0;

	mask(w, &bits, sizeof(bits));
	cmp(w, w->invert ? NFT_CMP_EQ : NFT_CMP_NEQ, &zero, sizeof(zero));
	w->r->expr[w->r->exprs - 1].key = w->invert ? NFT_CMP_EQ : NFT_CMP_NEQ;
}

static void compare_ports(struct writing *w, const char *word)
{
	char first[WORD], last[WORD];
	uint16_t a = htons((uint16_t)atoi(argument(w, first))), b;
	struct foreign_expr *e;

	if (strcmp(word, "dports")) {
		cmp(w, strcmp(word, "dport>") ? NFT_CMP_EQ : NFT_CMP_GT, &a, sizeof(a));
		return;
	}
	b = htons((uint16_t)atoi(argument(w, last)));
	e = expr(w, FOREIGN_RANGE);
	e->data = foreign_octets(w->f, &a, sizeof(a));
	e->more = foreign_octets(w->f, &b, sizeof(b));
	e->len = sizeof(a);
	e->invert = w->invert;
}

static bool write_selector(struct writing *w, const char *word)
{
	static const char *const names[] = { "iif",    "oif",	 "saddr", "daddr", "proto", "dport",
					     "dport>", "dports", "icmp",  "state", "mark" };
	bool known = false;
	char value[WORD];
	uint32_t number32;
	uint8_t octet;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		known = known || !strcmp(word, names[i]);
	if (!known)
		return false;
	load_selector(w, word);
	if (!strncmp(word, "dport", 5)) {
		compare_ports(w, word);
		return true;
	}
	argument(w, value);
	number32 = number(value);
	octet = (uint8_t)number32;
	if (strstr(word, "if"))
		compare_name(w, value);
	else if (strstr(word, "addr"))
		compare_prefix(w, value);
	else if (!strcmp(word, "state"))
		compare_bits(w, number32);
	else if (!strcmp(word, "mark"))
		cmp(w, NFT_CMP_EQ, &number32, sizeof(number32));
	else
		cmp(w, NFT_CMP_EQ, &octet, 1);
	return true;
}

/* "saddr@ good", "state: map" */
static bool write_lookup(struct writing *w, char *word)
{
	size_t n = strlen(word);
	char sort = word[n - 1], value[WORD];
	struct foreign_expr *e;

	if (sort != '@' && sort != ':')
		return false;
	word[n - 1] = 0;
	load_selector(w, word);
	e = expr(w, FOREIGN_LOOKUP);
	e->name = foreign_text(w->f, argument(w, value));
	e->invert = w->invert;
	e->verdicts = sort == ':';
	return true;
}

static void write_match(struct writing *w, const char *name, uint32_t revision, const void *info,
			uint32_t len)
{
	struct foreign_expr *e = expr(w, FOREIGN_MATCH);

	e->name = foreign_text(w->f, name);
	e->key = revision;
	e->data = foreign_octets(w->f, info, len);
	e->len = len;
}

static bool write_xt(struct writing *w, const char *word)
{
	struct xt_conntrack_mtinfo3 states = { .match_flags = XT_CONNTRACK_STATE };
	struct xt_addrtype_info_v1 local = { .dest = XT_ADDRTYPE_LOCAL };
	char value[WORD];

	if (!strcmp(word, "xt")) {
		write_match(w, argument(w, value), 0, "", 1);
	} else if (!strcmp(word, "xt-state")) {
		states.state_mask = (uint16_t)number(argument(w, value));
		states.invert_flags = w->invert ? XT_CONNTRACK_STATE : 0;
		write_match(w, "conntrack", 3, &states, sizeof(states));
	} else if (!strcmp(word, "xt-local")) {
		local.flags = w->invert ? XT_ADDRTYPE_INVERT_DEST : 0;
		write_match(w, "addrtype", 1, &local, sizeof(local));
	} else if (!strcmp(word, "target")) {
		expr(w, FOREIGN_TARGET)->name = foreign_text(w->f, argument(w, value));
	} else {
		return false;
	}
	return true;
}

static bool write_verdict(struct writing *w, const char *word)
{
	static const struct {
		const char *name;
		int verdict;
		bool chain;
	} verdicts[] = { { "accept", NF_ACCEPT, false },  { "drop", NF_DROP, false },
			 { "return", NFT_RETURN, false }, { "queue", NF_QUEUE, false },
			 { "jump", NFT_JUMP, true },	  { "goto", NFT_GOTO, true } };
	char value[WORD];

	for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++) {
		struct foreign_expr *e;

		if (strcmp(word, verdicts[i].name))
			continue;
		e = expr(w, FOREIGN_VERDICT);
		e->key = (uint32_t)verdicts[i].verdict;
		e->name = verdicts[i].chain ? foreign_text(w->f, argument(w, value)) : NULL;
		return true;
	}
	return false;
}

static void write_other(struct writing *w, const char *word)
{
	struct foreign_expr *e;

	if (!strcmp(word, "dnat")) {
		expr(w, FOREIGN_CT)->key = NFT_CT_STATUS;
		compare_bits(w, 1 << 5);
	} else if (!strcmp(word, "fib")) {
		e = expr(w, FOREIGN_LOAD);
		e->name = "fib";
		e->len = 4;
		cmp(w, NFT_CMP_EQ, "\0\0\0\1", 4);
	} else if (!strcmp(word, "limit")) {
		e = expr(w, FOREIGN_LIMIT);
		e->number = 5;
		e->offset = 1;
	} else if (!strcmp(word, "unknown")) {
		expr(w, FOREIGN_UNKNOWN)->name = "quota";
	} else if (!strcmp(word, "counter")) {
		expr(w, FOREIGN_COUNTER)->name = "counter";
	} else if (!strcmp(word, "log")) {
		expr(w, FOREIGN_LOG)->name = "x: ";
	} else if (!strcmp(word, "reject")) {
		expr(w, FOREIGN_REJECT)->name = "reject";
	} else {
		ck_abort_msg("no word: %s", word);
	}
}

struct foreign_rule *foreign_kit_rule(struct foreign *f, struct foreign_chain *c, const char *text)
{
	struct writing w = { .f = f, .at = text };
	char word[WORD];

	w.r = foreign_rule_add(f, c, f->rules + 1, EXPRS);
	ck_assert_ptr_nonnull(w.r);
	while (next_word(&w, word)) {
		if (!strcmp(word, "!")) {
			w.invert = true;
			continue;
		}
		if (!write_selector(&w, word) && !write_lookup(&w, word) && !write_xt(&w, word) &&
		    !write_verdict(&w, word))
			write_other(&w, word);
		w.invert = false;
	}
	foreign_link(f);
	return w.r;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the two nf_tables tables named netd contain. Composes messages and sends nothing; called by
 * nft.c.
 *
 * table bridge netd: DHCP of our ports is logged to netd and dropped, before any other bridge
 * table's rules, so that neither another guest nor the host's firewall ever sees it; and no guest
 * plays DHCP server. What a server other than netd sends is logged, by whichever port it comes. All
 * that is logged goes through one socket buffer, in which a guest that floods would leave no room
 * for the others': so each has a rate of its own, beyond which its packets are only dropped, and
 * netd is told of that once a minute.
 *
 * table inet netd: who may reach whom by routing, and masquerading. Accepting here overrides
 * nobody: a packet that another table drops stays dropped. A network's rules name its bridge; rules
 * of all networks stand in one chain in order, so the first that matches decides.
 *
 * Structure (all of this) is replaced in one transaction; a port is an element of a set.
 */
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter_bridge.h>
#include <netinet/in.h>

#include "base/cleanup.h"
#include "ruleset.h"
#include "trap.h"

enum {
	PAGE = 1 << 16,
	PAGE_OVERRUN = 1 << 14,
	ELEMENTS = 256,	      /* in one message, well below the 64 KiB of an attribute */
	PRIORITY_TRAP = -350, /* before ebtables' and nft's own bridge chains */
	PRIORITY_FILTER = 0,
	PRIORITY_SRCNAT = 100,
	SET_BRIDGES = 1,
	SET_UPLINKS,
	SET_DHCP_PORTS,
	SET_RATES,
	SET_FLOODS,
	SET_SERVERS, /* ids within the transaction */
	TYPE_IFNAME = 41,
	TYPE_IFINDEX = 20,
	HOST_ENDIAN = 1, /* nft's own numbers, so that it lists sets well */
	RATES_MAX = 1 << 16,
	RATES_IDLE_MS = 60000, /* then a link's bucket is full again, and is forgotten */
};

/* A guest may send so many DHCP packets a second, and that many at once: more than a hundred nested
 * guests do that start together. */
enum { GUEST_RATE = 200, GUEST_BURST = 400, SERVER_RATE = 10, SERVER_BURST = 20 };

/* --- messages --- */

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
	return family == NFPROTO_BRIDGE ? "bridge " NFT_TABLE : "inet " NFT_TABLE;
}

static void table(struct batch *b, uint16_t type, uint16_t family)
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
		}
		nftnl_chain_nlmsg_build_payload(h, c);
		message_done(b);
	}
	b->failed = b->failed || !c;
	nftnl_chain_free(c);
}

static void base_chain(struct batch *b, uint16_t family, const char *name, const char *type,
		       uint32_t hook, int priority)
{
	chain(b, family, name, &(struct hook){ type, hook, priority });
}

/* What nft(8) has to know to list it well; false when there is no memory. */
static bool annotate(struct nftnl_set *s)
{
	struct nftnl_udata_buf *note = nftnl_udata_buf_alloc(64);

	if (!note)
		return false;
	nftnl_udata_put_u32(note, NFTNL_UDATA_SET_KEYBYTEORDER, HOST_ENDIAN);
	nftnl_set_set_data(s, NFTNL_SET_USERDATA, nftnl_udata_buf_data(note),
			   nftnl_udata_buf_len(note));
	nftnl_udata_buf_free(note);
	return true;
}

static void set(struct batch *b, uint16_t family, const char *name, uint32_t id, uint32_t type,
		uint32_t key_len)
{
	struct nlmsghdr *h = message(b, NFT_MSG_NEWSET, family, NLM_F_CREATE, "set", name);
	struct nftnl_set *s = nftnl_set_alloc();

	if (h && s && annotate(s)) {
		nftnl_set_set_str(s, NFTNL_SET_TABLE, NFT_TABLE);
		nftnl_set_set_str(s, NFTNL_SET_NAME, name);
		nftnl_set_set_u32(s, NFTNL_SET_ID, id);
		nftnl_set_set_u32(s, NFTNL_SET_KEY_TYPE, type);
		nftnl_set_set_u32(s, NFTNL_SET_KEY_LEN, key_len);
		nftnl_set_nlmsg_build_payload(h, s);
		message_done(b);
	}
	b->failed = b->failed || !s || !nftnl_set_is_set(s, NFTNL_SET_USERDATA);
	nftnl_set_free(s);
}

/* A set of links, each with a bucket of its own, which is filled in by the rules. */
static void rate_set(struct batch *b, const char *name, uint32_t id)
{
	struct nlmsghdr *h = message(b, NFT_MSG_NEWSET, NFPROTO_BRIDGE, NLM_F_CREATE, "set", name);
	struct nftnl_set *s = nftnl_set_alloc();

	if (h && s && annotate(s)) {
		nftnl_set_set_str(s, NFTNL_SET_TABLE, NFT_TABLE);
		nftnl_set_set_str(s, NFTNL_SET_NAME, name);
		nftnl_set_set_u32(s, NFTNL_SET_ID, id);
		nftnl_set_set_u32(s, NFTNL_SET_KEY_TYPE, TYPE_IFINDEX);
		nftnl_set_set_u32(s, NFTNL_SET_KEY_LEN, sizeof(uint32_t));
		nftnl_set_set_u32(s, NFTNL_SET_FLAGS, NFT_SET_EVAL | NFT_SET_TIMEOUT);
		nftnl_set_set_u64(s, NFTNL_SET_TIMEOUT, RATES_IDLE_MS);
		nftnl_set_set_u32(s, NFTNL_SET_DESC_SIZE, RATES_MAX);
		nftnl_set_nlmsg_build_payload(h, s);
		message_done(b);
	}
	b->failed = b->failed || !s || !nftnl_set_is_set(s, NFTNL_SET_USERDATA);
	nftnl_set_free(s);
}

/* n keys of key_len octets each. */
static void elements(struct batch *b, uint16_t type, uint16_t family, const char *name,
		     const void *keys, uint32_t key_len, size_t n)
{
	struct nlmsghdr *h = message(b, type, family, type == NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0,
				     "elements of set", name);
	struct nftnl_set *s = nftnl_set_alloc();

	if (h && s) {
		nftnl_set_set_str(s, NFTNL_SET_TABLE, NFT_TABLE);
		nftnl_set_set_str(s, NFTNL_SET_NAME, name);
		for (size_t i = 0; i < n; i++) {
			struct nftnl_set_elem *e = nftnl_set_elem_alloc();

			if (!e) {
				b->failed = true;
				break;
			}
			nftnl_set_elem_set(e, NFTNL_SET_ELEM_KEY, (const char *)keys + i * key_len,
					   key_len);
			nftnl_set_elem_add(s, e);
		}
		nftnl_set_elems_nlmsg_build_payload(h, s);
		message_done(b);
	}
	b->failed = b->failed || !s;
	nftnl_set_free(s);
}

/* --- rules, an expression at a time --- */

struct rule {
	struct batch *b;
	struct nftnl_rule *r;
	uint16_t family;
	const char *chain;
};

static struct rule rule_begin(struct batch *b, uint16_t family, const char *chain)
{
	struct rule rule = { .b = b, .r = nftnl_rule_alloc(), .family = family, .chain = chain };

	if (!rule.r) {
		b->failed = true;
		return rule;
	}
	nftnl_rule_set_str(rule.r, NFTNL_RULE_TABLE, NFT_TABLE);
	nftnl_rule_set_str(rule.r, NFTNL_RULE_CHAIN, chain);
	return rule;
}

static void rule_end(struct rule *rule)
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

/* A new expression of the rule; the batch fails when there is no memory for it, and NULL is
 * returned. */
static struct nftnl_expr *expr(struct rule *rule, const char *name)
{
	struct nftnl_expr *e = rule->r ? nftnl_expr_alloc(name) : NULL;

	if (e)
		nftnl_rule_add_expr(rule->r, e);
	else
		rule->b->failed = true;
	return e;
}

/* All matches work in one register. */
static void match(struct rule *rule, uint32_t op, const void *data, uint32_t len)
{
	struct nftnl_expr *e = expr(rule, "cmp");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_OP, op);
	nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, data, len);
}

static void load_meta(struct rule *rule, uint32_t key)
{
	struct nftnl_expr *e = expr(rule, "meta");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, key);
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_DREG, NFT_REG_1);
}

static void load_payload(struct rule *rule, uint32_t base, uint32_t offset, uint32_t len)
{
	struct nftnl_expr *e = expr(rule, "payload");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, base);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, len);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1);
}

static void mask(struct rule *rule, const void *bits, uint32_t len)
{
	static const uint8_t none[16];
	struct nftnl_expr *e = expr(rule, "bitwise");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_OP, NFT_BITWISE_BOOL);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_LEN, len);
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_MASK, bits, len);
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_XOR, none, len);
}

static void lookup(struct rule *rule, const char *name, uint32_t id, bool inverted)
{
	struct nftnl_expr *e = expr(rule, "lookup");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
	nftnl_expr_set_str(e, NFTNL_EXPR_LOOKUP_SET, name);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SET_ID, id);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_FLAGS, inverted ? NFT_LOOKUP_F_INV : 0);
}

/* So many packets of one link in `unit` seconds, and `burst` at once; over: more than that. */
struct rate {
	const char *set;
	uint32_t id;
	uint64_t packets, unit;
	uint32_t burst;
	bool over;
};

static void match_rate(struct rule *rule, const struct rate *r)
{
	struct nftnl_expr *limit = nftnl_expr_alloc("limit"), *e;

	load_meta(rule, NFT_META_IIF);
	e = expr(rule, "dynset");
	if (!e || !limit) {
		rule->b->failed = true;
		if (limit)
			nftnl_expr_free(limit);
		return;
	}
	nftnl_expr_set_u64(limit, NFTNL_EXPR_LIMIT_RATE, r->packets);
	nftnl_expr_set_u64(limit, NFTNL_EXPR_LIMIT_UNIT, r->unit);
	nftnl_expr_set_u32(limit, NFTNL_EXPR_LIMIT_BURST, r->burst);
	nftnl_expr_set_u32(limit, NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKTS);
	nftnl_expr_set_u32(limit, NFTNL_EXPR_LIMIT_FLAGS, r->over ? NFT_LIMIT_F_INV : 0);
	nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_SREG_KEY, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_OP, NFT_DYNSET_OP_UPDATE);
	nftnl_expr_set_str(e, NFTNL_EXPR_DYNSET_SET_NAME, r->set);
	nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_SET_ID, r->id);
	nftnl_expr_set(e, NFTNL_EXPR_DYNSET_EXPR, limit, 0);
}

static void verdict(struct rule *rule, int v)
{
	struct nftnl_expr *e = expr(rule, "immediate");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, (uint32_t)v);
}

static void jump(struct rule *rule, const char *chain_name)
{
	struct nftnl_expr *e = expr(rule, "immediate");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, (uint32_t)NFT_JUMP);
	nftnl_expr_set_str(e, NFTNL_EXPR_IMM_CHAIN, chain_name);
}

/* prefix NULL: none */
static void log_to(struct rule *rule, uint16_t group, const char *prefix)
{
	struct nftnl_expr *e = expr(rule, "log");

	if (!e)
		return;
	nftnl_expr_set_u16(e, NFTNL_EXPR_LOG_GROUP, group);
	if (prefix)
		nftnl_expr_set_str(e, NFTNL_EXPR_LOG_PREFIX, prefix);
}

static void match_link(struct rule *rule, uint32_t meta_key, uint32_t op,
		       const char name[LINK_NAME_SIZE])
{
	char padded[LINK_NAME_SIZE] = { 0 };

	memcpy(padded, name, strnlen(name, LINK_NAME_SIZE - 1));
	load_meta(rule, meta_key);
	match(rule, op, padded, sizeof(padded));
}

static void match_ipv4(struct rule *rule, uint32_t op)
{
	uint8_t ipv4 = NFPROTO_IPV4;

	load_meta(rule, NFT_META_NFPROTO);
	match(rule, op, &ipv4, sizeof(ipv4));
}

enum { IP_SOURCE = 12, IP_DESTINATION = 16 };

static void match_prefix(struct rule *rule, uint32_t offset, uint32_t op, struct ip4_prefix p)
{
	uint32_t bits = htonl(ip4_mask(p.len)), net = htonl(ip4_network(p));

	load_payload(rule, NFT_PAYLOAD_NETWORK_HEADER, offset, 4);
	if (p.len < 32)
		mask(rule, &bits, sizeof(bits));
	match(rule, op, &net, sizeof(net));
}

/* --- table bridge netd --- */

static void match_ipv4_udp(struct rule *rule)
{
	uint16_t ethertype = htons(ETH_P_IP);
	uint8_t udp = IPPROTO_UDP;

	load_meta(rule, NFT_META_PROTOCOL);
	match(rule, NFT_CMP_EQ, &ethertype, sizeof(ethertype));
	load_meta(rule, NFT_META_L4PROTO);
	match(rule, NFT_CMP_EQ, &udp, sizeof(udp));
}

/* An IPv4 UDP packet from one of our ports to this destination port. */
static void match_guest_udp(struct rule *rule, uint16_t port)
{
	uint16_t to = htons(port);

	load_meta(rule, NFT_META_IIF);
	lookup(rule, NFT_DHCP_SET, SET_DHCP_PORTS, false);
	match_ipv4_udp(rule);
	load_payload(rule, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2);
	match(rule, NFT_CMP_EQ, &to, sizeof(to));
}

/* A DHCP server's packet to a client, on any bridge: which one it is would take an expression
 * (meta ibrname) that not every kernel has, so netd looks itself. */
static void match_server(struct rule *rule)
{
	uint32_t ports = htonl(67 << 16 | 68);

	match_ipv4_udp(rule);
	load_payload(rule, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 4);
	match(rule, NFT_CMP_EQ, &ports, sizeof(ports));
}

/* Of the ports that netd made only: an interface of the host may lead to many relay agents. */
static void limit_guests(struct batch *b)
{
	static const struct rate rate = {
		"dhcp_rates", SET_RATES, GUEST_RATE, 1, GUEST_BURST, true
	};
	struct rule rule = rule_begin(b, NFPROTO_BRIDGE, "trap");

	load_meta(&rule, NFT_META_IIFNAME);
	match(&rule, NFT_CMP_EQ, LINK_PORT_PREFIX, sizeof(LINK_PORT_PREFIX) - 1);
	match_guest_udp(&rule, 67);
	match_rate(&rule, &rate);
	jump(&rule, "flood");
	rule_end(&rule);
}

/* What is too much is dropped, but for a packet a minute that says so. */
static void flood_rules(struct batch *b, uint16_t group)
{
	static const struct rate told = { "dhcp_floods", SET_FLOODS, 1, 60, 1, false };
	struct rule rule = rule_begin(b, NFPROTO_BRIDGE, "flood");

	match_rate(&rule, &told);
	log_to(&rule, group, TRAP_FLOOD_PREFIX);
	rule_end(&rule);
	rule = rule_begin(b, NFPROTO_BRIDGE, "flood");
	expr(&rule, "counter");
	verdict(&rule, NF_DROP);
	rule_end(&rule);
}

static void bridge_table(struct batch *b, const struct nft_plan *plan)
{
	static const struct rate servers = { "dhcp_servers", SET_SERVERS, SERVER_RATE, 1,
					     SERVER_BURST,   false };
	struct rule rule;

	set(b, NFPROTO_BRIDGE, NFT_DHCP_SET, SET_DHCP_PORTS, TYPE_IFINDEX, sizeof(uint32_t));
	rate_set(b, "dhcp_rates", SET_RATES);
	rate_set(b, "dhcp_floods", SET_FLOODS);
	rate_set(b, "dhcp_servers", SET_SERVERS);
	chain(b, NFPROTO_BRIDGE, "flood", NULL);
	base_chain(b, NFPROTO_BRIDGE, "trap", "filter", NF_BR_PRE_ROUTING, PRIORITY_TRAP);
	limit_guests(b);
	flood_rules(b, plan->trap_group);
	rule = rule_begin(b, NFPROTO_BRIDGE, "trap");
	match_guest_udp(&rule, 67);
	log_to(&rule, plan->trap_group, NULL);
	verdict(&rule, NF_DROP);
	rule_end(&rule);
	rule = rule_begin(b, NFPROTO_BRIDGE, "trap");
	match_server(&rule);
	match_rate(&rule, &servers);
	log_to(&rule, plan->trap_group, TRAP_SERVER_PREFIX);
	rule_end(&rule);
	rule = rule_begin(b, NFPROTO_BRIDGE, "trap");
	match_guest_udp(&rule, 68);
	verdict(&rule, NF_DROP);
	rule_end(&rule);
	for (size_t i = 0; i < plan->dhcp_ports; i += ELEMENTS)
		ruleset_dhcp_ports(b, NFT_MSG_NEWSETELEM, plan->dhcp_port + i,
				   plan->dhcp_ports - i < ELEMENTS ? plan->dhcp_ports - i :
								     ELEMENTS);
}

void ruleset_dhcp_ports(struct batch *b, uint16_t type, const uint32_t *ifindex, size_t n)
{
	elements(b, type, NFPROTO_BRIDGE, NFT_DHCP_SET, ifindex, sizeof(*ifindex), n);
}

/* --- table inet netd --- */

/* Frames that are bridged come here too where br_netfilter calls iptables: they stay on their
 * bridge. */
static void within_bridge(struct batch *b, const struct nft_network *n)
{
	struct rule rule = rule_begin(b, NFPROTO_INET, "forward");

	match_link(&rule, NFT_META_IIFNAME, NFT_CMP_EQ, n->bridge);
	match_link(&rule, NFT_META_OIFNAME, NFT_CMP_EQ, n->bridge);
	verdict(&rule, NF_ACCEPT);
	rule_end(&rule);
}

static void drop_link(struct batch *b, uint32_t meta_key, const struct nft_network *n)
{
	struct rule rule = rule_begin(b, NFPROTO_INET, "forward");

	match_link(&rule, meta_key, NFT_CMP_EQ, n->bridge);
	verdict(&rule, NF_DROP);
	rule_end(&rule);
}

/* Out of the network: IPv4 with its own source, and not into another of ours. */
static void from_guests(struct batch *b, const struct nft_network *n)
{
	struct rule rule = rule_begin(b, NFPROTO_INET, "forward");

	match_link(&rule, NFT_META_IIFNAME, NFT_CMP_EQ, n->bridge);
	load_meta(&rule, NFT_META_OIFNAME);
	lookup(&rule, "bridges", SET_BRIDGES, true);
	match_ipv4(&rule, NFT_CMP_EQ);
	match_prefix(&rule, IP_SOURCE, NFT_CMP_EQ, n->subnet);
	verdict(&rule, NF_ACCEPT);
	rule_end(&rule);
	drop_link(b, NFT_META_IIFNAME, n);
}

static void to_guests(struct batch *b, const struct nft_network *n)
{
	uint32_t bits = NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_BIT(IP_CT_RELATED),
		 none = 0;
	struct rule rule = rule_begin(b, NFPROTO_INET, "forward");

	match_link(&rule, NFT_META_OIFNAME, NFT_CMP_EQ, n->bridge);
	if (n->mode == BRIDGE_MODE_NAT) {
		struct nftnl_expr *ct = expr(&rule, "ct");

		if (ct) {
			nftnl_expr_set_u32(ct, NFTNL_EXPR_CT_KEY, NFT_CT_STATE);
			nftnl_expr_set_u32(ct, NFTNL_EXPR_CT_DREG, NFT_REG_1);
		}
		mask(&rule, &bits, sizeof(bits));
		match(&rule, NFT_CMP_NEQ, &none, sizeof(none));
	} else {
		match_ipv4(&rule, NFT_CMP_EQ);
		match_prefix(&rule, IP_DESTINATION, NFT_CMP_EQ, n->subnet);
	}
	verdict(&rule, NF_ACCEPT);
	rule_end(&rule);
	drop_link(b, NFT_META_OIFNAME, n);
}

/* Forwarding that was switched on for our networks serves nobody else. */
static void uplinks_serve_us(struct batch *b)
{
	struct rule rule = rule_begin(b, NFPROTO_INET, "forward");

	load_meta(&rule, NFT_META_IIFNAME);
	lookup(&rule, "uplinks", SET_UPLINKS, false);
	load_meta(&rule, NFT_META_OIFNAME);
	lookup(&rule, "bridges", SET_BRIDGES, true);
	verdict(&rule, NF_DROP);
	rule_end(&rule);
}

/* Multicast and broadcast keep their source: their receivers could not answer a masqueraded one. */
static void masquerade(struct batch *b, const struct nft_network *n)
{
	static const struct ip4_prefix multicast = { .addr = 0xe0000000, .len = 4 },
				       broadcast = { .addr = UINT32_MAX, .len = 32 };
	struct rule rule = rule_begin(b, NFPROTO_INET, "postrouting");

	match_ipv4(&rule, NFT_CMP_EQ);
	match_prefix(&rule, IP_SOURCE, NFT_CMP_EQ, n->subnet);
	load_meta(&rule, NFT_META_OIFNAME);
	lookup(&rule, "bridges", SET_BRIDGES, true);
	match_prefix(&rule, IP_DESTINATION, NFT_CMP_NEQ, multicast);
	match_prefix(&rule, IP_DESTINATION, NFT_CMP_NEQ, broadcast);
	expr(&rule, "masq");
	rule_end(&rule);
}

static void network_rules(struct batch *b, const struct nft_network *n)
{
	within_bridge(b, n);
	switch (n->mode) {
	case BRIDGE_MODE_NAT:
		from_guests(b, n);
		to_guests(b, n);
		masquerade(b, n);
		break;
	case BRIDGE_MODE_ROUTE:
		from_guests(b, n);
		to_guests(b, n);
		break;
	case BRIDGE_MODE_ISOLATED:
		drop_link(b, NFT_META_IIFNAME, n);
		drop_link(b, NFT_META_OIFNAME, n);
		break;
	}
}

static void inet_table(struct batch *b, const struct nft_plan *plan)
{
	set(b, NFPROTO_INET, "bridges", SET_BRIDGES, TYPE_IFNAME, LINK_NAME_SIZE);
	set(b, NFPROTO_INET, "uplinks", SET_UPLINKS, TYPE_IFNAME, LINK_NAME_SIZE);
	for (size_t i = 0; i < plan->networks; i++)
		elements(b, NFT_MSG_NEWSETELEM, NFPROTO_INET, "bridges", plan->network[i].bridge,
			 LINK_NAME_SIZE, 1);
	if (plan->uplinks)
		elements(b, NFT_MSG_NEWSETELEM, NFPROTO_INET, "uplinks", plan->uplink,
			 LINK_NAME_SIZE, plan->uplinks);
	base_chain(b, NFPROTO_INET, "forward", "filter", NF_INET_FORWARD, PRIORITY_FILTER);
	base_chain(b, NFPROTO_INET, "postrouting", "nat", NF_INET_POST_ROUTING, PRIORITY_SRCNAT);
	for (size_t i = 0; i < plan->networks; i++)
		network_rules(b, &plan->network[i]);
	uplinks_serve_us(b);
}

void ruleset_replace(struct batch *b, const struct nft_plan *plan)
{
	static const uint16_t family[] = { NFPROTO_BRIDGE, NFPROTO_INET };

	/* Made first, so that deleting what may not exist cannot fail; all of it is one
	 * transaction. */
	for (size_t i = 0; i < ARRAY_SIZE(family); i++) {
		table(b, NFT_MSG_NEWTABLE, family[i]);
		table(b, NFT_MSG_DELTABLE, family[i]);
		if (plan)
			table(b, NFT_MSG_NEWTABLE, family[i]);
	}
	if (!plan)
		return;
	bridge_table(b, plan);
	inet_table(b, plan);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The chains of table inet netd that translate addresses.
 *
 * Guests of networks of mode nat go out under the uplink's address, or under those that their
 * network names. A port that is published leads to a guest: from outside and from other guests when
 * they send to an address of the host (prerouting), and from the host itself (output). What is
 * published is elements of two maps, of which the one that names an address is asked first; the
 * rules are always there.
 *
 * Who connects to 127.0.0.1 has that address, too, which the kernel routes by a link only where
 * route_localnet is on. It is on for bridges with published ports, so guests could send from and to
 * 127.0.0.0/8 there: that is dropped before anything else, whether it is on or not.
 */
#include <arpa/inet.h>

#include "ruleset.h"

#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/rtnetlink.h>

#define PUBLISHED "published"
#define PUBLISHED_AT "published_at"
#define CHAIN_PUBLISHED "published"

static const struct ip4_prefix loopback = { .addr = 0x7f000000, .len = 8 };

static void match_bridges(struct rule *rule, uint32_t meta_key, bool inverted)
{
	rule_meta(rule, meta_key, REG(0));
	rule_lookup(rule, REG(0), "bridges", SET_BRIDGES, inverted);
}

/* --- the way out --- */

static void put_ports(struct rule *rule, const struct nft_snat *snat, uint32_t reg)
{
	uint16_t first = htons(snat->first), last = htons(snat->last);

	rule_set(rule, reg, &first, sizeof(first));
	rule_set(rule, reg + 1, &last, sizeof(last));
}

static void end_masquerade(struct rule *rule, const struct nft_snat *snat)
{
	struct nftnl_expr *e;

	if (snat->first)
		put_ports(rule, snat, REG(0));
	e = rule_expr(rule, "masq");
	if (e && snat->first) {
		nftnl_expr_set_u32(e, NFTNL_EXPR_MASQ_FLAGS, NF_NAT_RANGE_PROTO_SPECIFIED);
		nftnl_expr_set_u32(e, NFTNL_EXPR_MASQ_REG_PROTO_MIN, REG(0));
		nftnl_expr_set_u32(e, NFTNL_EXPR_MASQ_REG_PROTO_MAX, REG(1));
	}
	rule_end(rule);
}

/* Of several addresses a guest has one for all that it sends (RFC 4787 4.1, REQ-2). */
static void end_snat(struct rule *rule, const struct nft_snat *snat)
{
	uint32_t first = htonl(snat->addr.first), last = htonl(snat->addr.last);
	struct nftnl_expr *e;

	rule_set(rule, REG(0), &first, sizeof(first));
	rule_set(rule, REG(1), &last, sizeof(last));
	if (snat->first)
		put_ports(rule, snat, REG(2));
	e = rule_expr(rule, "nat");
	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_TYPE, NFT_NAT_SNAT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_FAMILY, NFPROTO_IPV4);
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_ADDR_MIN, REG(0));
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_ADDR_MAX, REG(1));
	if (snat->first) {
		nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_PROTO_MIN, REG(2));
		nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_PROTO_MAX, REG(3));
	}
	if (snat->addr.first != snat->addr.last)
		nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_FLAGS, NF_NAT_RANGE_PERSISTENT);
	rule_end(rule);
}

/* Multicast and broadcast keep their source: their receivers could not answer a translated one. */
static void way_out(struct batch *b, const struct nft_network *n)
{
	static const struct ip4_prefix multicast = { .addr = 0xe0000000, .len = 4 },
				       broadcast = { .addr = UINT32_MAX, .len = 32 };
	struct rule rule = rule_begin(b, NFPROTO_INET, "postrouting");

	match_ipv4(&rule);
	match_prefix(&rule, IP_SOURCE, NFT_CMP_EQ, n->subnet);
	match_bridges(&rule, NFT_META_OIFNAME, true);
	match_prefix(&rule, IP_DESTINATION, NFT_CMP_NEQ, multicast);
	match_prefix(&rule, IP_DESTINATION, NFT_CMP_NEQ, broadcast);
	if (n->snat.addr.first)
		end_snat(&rule, &n->snat);
	else
		end_masquerade(&rule, &n->snat);
}

/* --- what is published --- */

static void published_maps(struct batch *b)
{
	const uint32_t to = TYPE_CONCAT(TYPE_IP, TYPE_SERVICE);
	const uint32_t service = TYPE_CONCAT(TYPE_PROTOCOL, TYPE_SERVICE);
	struct batch_set map = { .family = NFPROTO_INET,
				 .name = PUBLISHED,
				 .id = SET_PUBLISHED,
				 .key_type = service,
				 .key_len = 8,
				 .key_big_endian = true,
				 .data_type = to,
				 .data_len = 8 };

	batch_set(b, &map);
	map.name = PUBLISHED_AT;
	map.id = SET_PUBLISHED_AT;
	map.key_type = TYPE_CONCAT(TYPE_CONCAT(TYPE_IP, TYPE_PROTOCOL), TYPE_SERVICE);
	map.key_len = 12;
	batch_set(b, &map);
}

/* Its key begins in the first register. */
static void end_lead(struct rule *rule, const char *map, uint32_t id)
{
	struct nftnl_expr *e;

	rule_map(rule, REG(0), map, id, REG(0));
	e = rule_expr(rule, "nat");
	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_TYPE, NFT_NAT_DNAT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_FAMILY, NFPROTO_IPV4);
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_ADDR_MIN, REG(0));
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_PROTO_MIN, REG(1));
	rule_end(rule);
}

static void lead_to_guests(struct batch *b)
{
	struct rule rule = rule_begin(b, NFPROTO_INET, CHAIN_PUBLISHED);

	rule_payload(&rule, NFT_PAYLOAD_NETWORK_HEADER, IP_DESTINATION, 4, REG(0));
	rule_meta(&rule, NFT_META_L4PROTO, REG(1));
	rule_payload(&rule, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, REG(2));
	end_lead(&rule, PUBLISHED_AT, SET_PUBLISHED_AT);
	rule = rule_begin(b, NFPROTO_INET, CHAIN_PUBLISHED);
	rule_meta(&rule, NFT_META_L4PROTO, REG(0));
	rule_payload(&rule, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, REG(1));
	end_lead(&rule, PUBLISHED, SET_PUBLISHED);
}

/* To an address of the host, whatever that is by now. */
static void to_the_host(struct batch *b, const char *chain)
{
	struct rule rule = rule_begin(b, NFPROTO_INET, chain);
	uint32_t local = RTN_LOCAL;
	struct nftnl_expr *e;

	match_ipv4(&rule);
	e = rule_expr(&rule, "fib");
	if (e) {
		nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_DREG, REG(0));
		nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
		nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_FLAGS, NFTA_FIB_F_DADDR);
	}
	rule_cmp(&rule, REG(0), NFT_CMP_EQ, &local, sizeof(local));
	rule_goto(&rule, CHAIN_PUBLISHED);
	rule_end(&rule);
}

/* An isolated network reaches no other, not by way of the host either. */
static void leave_isolated(struct batch *b, const struct nft_network *n)
{
	struct rule rule = rule_begin(b, NFPROTO_INET, "prerouting");

	match_link(&rule, NFT_META_IIFNAME, NFT_CMP_EQ, n->bridge);
	rule_verdict(&rule, NF_ACCEPT);
	rule_end(&rule);
}

/* A guest answers its neighbours, and what claims to be from 127.0.0.1, itself: so they, and the
 * host, ask under the gateway's address, which is the first of the bridge. */
static void come_back(struct batch *b, struct ip4_prefix from, const char *bridge)
{
	static const struct nft_snat any_port;
	struct rule rule = rule_begin(b, NFPROTO_INET, "postrouting");

	match_ct_status(&rule, NFT_CMP_NEQ, IPS_DST_NAT);
	match_ipv4(&rule);
	match_prefix(&rule, IP_SOURCE, NFT_CMP_EQ, from);
	if (bridge)
		match_link(&rule, NFT_META_OIFNAME, NFT_CMP_EQ, bridge);
	else
		match_bridges(&rule, NFT_META_OIFNAME, false);
	end_masquerade(&rule, &any_port);
}

/* All that the host receives comes by here, so a guess is made first, of which IPv6 may be, too. */
static void guess_loopback(struct batch *b, uint32_t field)
{
	struct rule rule = rule_begin(b, NFPROTO_INET, "loopback-guess");

	match_prefix(&rule, field, NFT_CMP_EQ, loopback);
	rule_goto(&rule, "loopback");
	rule_end(&rule);
}

static void keep_loopback(struct batch *b)
{
	static const uint32_t field[] = { IP_SOURCE, IP_DESTINATION };
	struct rule rule;

	batch_chain(b, NFPROTO_INET, "loopback");
	for (unsigned i = 0; i < 2; i++) {
		rule = rule_begin(b, NFPROTO_INET, "loopback");
		match_bridges(&rule, NFT_META_IIFNAME, false);
		match_ipv4(&rule);
		match_prefix(&rule, field[i], NFT_CMP_EQ, loopback);
		rule_counter(&rule);
		rule_verdict(&rule, NF_DROP);
		rule_end(&rule);
	}
	batch_base_chain(b, NFPROTO_INET, "loopback-guess", "filter", NF_INET_PRE_ROUTING,
			 PRIORITY_RAW);
	for (unsigned i = 0; i < 2; i++)
		guess_loopback(b, field[i]);
}

void ruleset_nat(struct batch *b, const struct nft_plan *plan)
{
	published_maps(b);
	keep_loopback(b);
	batch_chain(b, NFPROTO_INET, CHAIN_PUBLISHED);
	lead_to_guests(b);
	batch_base_chain(b, NFPROTO_INET, "prerouting", "nat", NF_INET_PRE_ROUTING,
			 PRIORITY_DSTNAT);
	batch_base_chain(b, NFPROTO_INET, "output", "nat", NF_INET_LOCAL_OUT, PRIORITY_DSTNAT);
	batch_base_chain(b, NFPROTO_INET, "postrouting", "nat", NF_INET_POST_ROUTING,
			 PRIORITY_SRCNAT);
	for (size_t i = 0; i < plan->networks; i++)
		if (plan->network[i].mode == BRIDGE_MODE_ISOLATED)
			leave_isolated(b, &plan->network[i]);
	to_the_host(b, "prerouting");
	to_the_host(b, "output");
	come_back(b, loopback, NULL);
	for (size_t i = 0; i < plan->networks; i++) {
		const struct nft_network *n = &plan->network[i];

		if (n->mode != BRIDGE_MODE_ISOLATED)
			come_back(b, n->subnet, n->bridge);
		if (n->mode == BRIDGE_MODE_NAT)
			way_out(b, n);
	}
}

/* --- elements --- */

/* As the kernel has them in its registers: each member begins with a word of its own. */
struct published_key {
	uint32_t addr;
	uint8_t protocol, pad[3];
	uint16_t port, pad2;
};

struct published_to {
	uint32_t addr;
	uint16_t port, pad;
};

enum { TOGETHER = BATCH_ELEMENTS };

static void publish_elements(struct batch *b, uint16_t type, const struct nft_publish *p)
{
	/* Without an address, the key begins behind it. */
	const size_t skip = p->addr ? 0 : sizeof(p->addr);
	struct published_key key[TOGETHER] = { 0 };
	struct published_to to[TOGETHER] = { 0 };
	struct batch_element e[TOGETHER];
	unsigned n;

	for (unsigned at = 0; at < p->count; at += n) {
		for (n = 0; n < TOGETHER && at + n < p->count; n++) {
			key[n].addr = htonl(p->addr);
			key[n].protocol = p->protocol;
			key[n].port = htons((uint16_t)(p->port + at + n));
			to[n].addr = htonl(p->to);
			to[n].port = htons((uint16_t)(p->to_port + at + n));
			e[n] = (struct batch_element){ .key = (const char *)&key[n] + skip };
			if (type != NFT_MSG_NEWSETELEM)
				continue;
			e[n].data = &to[n];
			e[n].data_len = sizeof(to[n]);
		}
		batch_elements(b, type, NFPROTO_INET, p->addr ? PUBLISHED_AT : PUBLISHED,
			       (uint32_t)(sizeof(key[0]) - skip), e, n);
	}
}

void ruleset_nat_published(struct batch *b, uint16_t type, const struct nft_publish *publish,
			   size_t n)
{
	for (size_t i = 0; i < n; i++)
		publish_elements(b, type, &publish[i]);
}

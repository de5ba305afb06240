/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The chains of table inet netd that say who may reach whom by routing.
 *
 * A packet between two networks has to be let out of one and into the other, and both may be up to
 * rules that groups share, whose last word is to accept. So there are two chains that the kernel
 * calls, one after the other: in `forward` accepting means "let out", in `forward-to` "let in". It
 * overrides nobody: a packet that another table drops stays dropped.
 *
 *	forward		from/<bridge>	what a network's guests send, to wherever
 *			leave/<bridge>	what the host routes for them
 *	forward-to	to/<bridge>	what is for a network's guests, from wherever
 *			arrive/<bridge>	what the host routes to them
 *
 * A network's chains are found by one lookup of its bridge, however many there are. Packets of
 * connections that are known pass before any rule of a guest is looked at.
 */
#include "ruleset.h"

#include <linux/if_ether.h>
#include <linux/netfilter/nf_conntrack_common.h>

enum { NAME = RULESET_NAME_SIZE, PORT_MAC = 0xfe };

const char *ruleset_name(char buf[NAME], const char *kind, const struct nft_network *n)
{
	snprintf(buf, NAME, "%s/%s", kind, n->bridge);
	return buf;
}

static void end_accept(struct rule *rule)
{
	rule_verdict(rule, NF_ACCEPT);
	rule_end(rule);
}

static void match_bridges(struct rule *rule, uint32_t meta_key, bool inverted)
{
	rule_meta(rule, meta_key, REG(0));
	rule_lookup(rule, REG(0), "bridges", SET_BRIDGES, inverted);
}

/* From one of our bridges to another, or back to the same one, that it may reach. */
static void match_reach(struct rule *rule, bool inverted)
{
	rule_meta(rule, NFT_META_IIFNAME, REG(0));
	rule_meta(rule, NFT_META_OIFNAME, REG(LINK_NAME_SIZE / 4));
	rule_lookup(rule, REG(0), "reach", SET_REACH, inverted);
}

void ruleset_accept_known(struct batch *b, const char *chain)
{
	struct rule rule = rule_begin(b, NFPROTO_INET, chain);

	match_ct_state(&rule, NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_BIT(IP_CT_RELATED));
	end_accept(&rule);
}

/* Only IPv4, and of a network's guests only their subnet. */
static void drop_strangers(struct batch *b, const char *chain, uint32_t offset,
			   const struct nft_network *n)
{
	uint8_t ipv4 = NFPROTO_IPV4;
	struct rule rule = rule_begin(b, NFPROTO_INET, chain);

	match_meta(&rule, NFT_META_NFPROTO, NFT_CMP_NEQ, &ipv4, sizeof(ipv4));
	rule_end_drop(&rule);
	rule = rule_begin(b, NFPROTO_INET, chain);
	match_ipv4(&rule);
	match_prefix(&rule, offset, NFT_CMP_NEQ, n->subnet);
	rule_end_drop(&rule);
}

static void drop_all(struct batch *b, const char *chain)
{
	struct rule rule = rule_begin(b, NFPROTO_INET, chain);

	rule_end_drop(&rule);
}

/* An isolated network has to do with other networks only, and with those only where one reaches
 * the other. */
static void drop_outside(struct batch *b, const char *chain, uint32_t meta_key)
{
	struct rule rule = rule_begin(b, NFPROTO_INET, chain);

	match_bridges(&rule, meta_key, true);
	rule_end_drop(&rule);
}

/* --- within a network --- */

/*
 * What comes by a bridge and leaves by it was routed, or was bridged and is seen here because
 * br_netfilter has the bridge call us. What was bridged passes. So does what was routed, unless
 * the guests are isolated: then it is a detour around that, by a frame to the host's own address,
 * which is the bridge's or that of the sender's port. What was published is neither: it goes
 * through the rules.
 */
static void drop_detour(struct batch *b, const char *chain, const uint8_t *mac, uint32_t len)
{
	struct rule rule = rule_begin(b, NFPROTO_INET, chain);

	rule_payload(&rule, NFT_PAYLOAD_LL_HEADER, 0, len, REG(0));
	rule_cmp(&rule, REG(0), NFT_CMP_EQ, mac, len);
	rule_end_drop(&rule);
}

static void within(struct batch *b, const char *chain, uint32_t meta_key, const char *routed,
		   const struct nft_network *n)
{
	static const uint8_t port_mac = PORT_MAC;
	bool from = meta_key == NFT_META_OIFNAME;
	struct rule rule = rule_begin(b, NFPROTO_INET, chain);

	match_link(&rule, meta_key, NFT_CMP_NEQ, n->bridge);
	rule_goto(&rule, routed);
	rule_end(&rule);
	rule = rule_begin(b, NFPROTO_INET, chain);
	match_ct_status(&rule, NFT_CMP_NEQ, IPS_DST_NAT);
	rule_goto(&rule, routed);
	rule_end(&rule);
	if (from && n->isolate) {
		drop_detour(b, chain, n->mac.octet, sizeof(n->mac.octet));
		drop_detour(b, chain, &port_mac, 1);
	}
	rule = rule_begin(b, NFPROTO_INET, chain);
	end_accept(&rule);
}

/* --- out of a network, and into one --- */

static void from_guests(struct batch *b, const struct nft_plan *plan, size_t at)
{
	const struct nft_network *n = &plan->network[at];
	bool isolated = n->mode == BRIDGE_MODE_ISOLATED;
	char from[NAME], leave[NAME];
	struct rule rule;

	ruleset_name(from, "from", n);
	ruleset_name(leave, "leave", n);
	ruleset_access_cap(b, from, n);
	within(b, from, NFT_META_OIFNAME, leave, n);
	if (isolated)
		drop_outside(b, leave, NFT_META_OIFNAME);
	drop_strangers(b, leave, IP_SOURCE, n);
	ruleset_accept_known(b, leave);
	if (isolated) {
		rule = rule_begin(b, NFPROTO_INET, leave);
		match_reach(&rule, true);
		rule_end_drop(&rule);
	}
	ruleset_rules_decide(b, leave, plan, at, true);
}

/* Who may begin something with guests of whom no rule says so. */
static void by_mode(struct batch *b, const char *chain, const struct nft_network *n)
{
	struct rule rule;

	if (n->mode == BRIDGE_MODE_ROUTE)
		return;
	rule = rule_begin(b, NFPROTO_INET, chain);
	match_bridges(&rule, NFT_META_IIFNAME, false); /* it was found that it may */
	end_accept(&rule);
	if (n->mode == BRIDGE_MODE_NAT) {
		rule = rule_begin(b, NFPROTO_INET, chain);
		match_ct_status(&rule, NFT_CMP_NEQ, IPS_DST_NAT);
		end_accept(&rule);
	}
	drop_all(b, chain);
}

static void to_guests(struct batch *b, const struct nft_plan *plan, size_t at)
{
	const struct nft_network *n = &plan->network[at];
	char to[NAME], arrive[NAME];
	struct rule rule;

	ruleset_name(to, "to", n);
	ruleset_name(arrive, "arrive", n);
	within(b, to, NFT_META_IIFNAME, arrive, n);
	if (n->mode == BRIDGE_MODE_ISOLATED)
		drop_outside(b, arrive, NFT_META_IIFNAME);
	drop_strangers(b, arrive, IP_DESTINATION, n);
	ruleset_accept_known(b, arrive);
	/* What was published is for whoever reaches the host, other networks' guests included. */
	rule = rule_begin(b, NFPROTO_INET, arrive);
	match_bridges(&rule, NFT_META_IIFNAME, false);
	match_ct_status(&rule, NFT_CMP_EQ, IPS_DST_NAT);
	match_reach(&rule, true);
	rule_end_drop(&rule);
	ruleset_rules_decide(b, arrive, plan, at, false);
	by_mode(b, arrive, n);
}

/* What a LAN's bridge hands from port to port is seen here where br_netfilter has it call us. It is
 * for another MAC than the bridge's; what is for that was routed. */
static void pass_bridged(struct batch *b, const struct nft_lan *lan)
{
	struct rule rule = rule_begin(b, NFPROTO_INET, "forward");

	match_link(&rule, NFT_META_IIFNAME, NFT_CMP_EQ, lan->bridge);
	match_link(&rule, NFT_META_OIFNAME, NFT_CMP_EQ, lan->bridge);
	rule_payload(&rule, NFT_PAYLOAD_LL_HEADER, 0, sizeof(lan->mac.octet), REG(0));
	rule_cmp(&rule, REG(0), NFT_CMP_NEQ, lan->mac.octet, sizeof(lan->mac.octet));
	end_accept(&rule);
}

/* Forwarding that was switched on for our networks serves nobody else. */
static void uplinks_serve_us(struct batch *b)
{
	struct rule rule = rule_begin(b, NFPROTO_INET, "forward");

	rule_meta(&rule, NFT_META_IIFNAME, REG(0));
	rule_lookup(&rule, REG(0), "uplinks", SET_UPLINKS, false);
	match_bridges(&rule, NFT_META_OIFNAME, true);
	rule_verdict(&rule, NF_DROP);
	rule_end(&rule);
}

/* --- sets --- */

static void put_reach(struct batch *b, const struct nft_plan *plan, size_t from, size_t to)
{
	char key[2 * LINK_NAME_SIZE];

	memcpy(key, plan->network[from].bridge, LINK_NAME_SIZE);
	memcpy(key + LINK_NAME_SIZE, plan->network[to].bridge, LINK_NAME_SIZE);
	batch_keys(b, NFT_MSG_NEWSETELEM, NFPROTO_INET, "reach", key, sizeof(key), 1);
}

void ruleset_policy_sets(struct batch *b, const struct nft_plan *plan)
{
	static const struct batch_set bridges = { .family = NFPROTO_INET,
						  .name = "bridges",
						  .id = SET_BRIDGES,
						  .key_type = TYPE_IFNAME,
						  .key_len = LINK_NAME_SIZE },
				      uplinks = { .family = NFPROTO_INET,
						  .name = "uplinks",
						  .id = SET_UPLINKS,
						  .key_type = TYPE_IFNAME,
						  .key_len = LINK_NAME_SIZE },
				      reach = { .family = NFPROTO_INET,
						.name = "reach",
						.id = SET_REACH,
						.key_type = TYPE_CONCAT(TYPE_IFNAME, TYPE_IFNAME),
						.key_len = 2 * LINK_NAME_SIZE };

	batch_set(b, &bridges);
	batch_set(b, &uplinks);
	batch_set(b, &reach);
	for (size_t i = 0; i < plan->networks; i++)
		batch_keys(b, NFT_MSG_NEWSETELEM, NFPROTO_INET, "bridges", plan->network[i].bridge,
			   LINK_NAME_SIZE, 1);
	batch_keys(b, NFT_MSG_NEWSETELEM, NFPROTO_INET, "uplinks", plan->uplink, LINK_NAME_SIZE,
		   plan->uplinks);
	for (size_t i = 0; i < plan->networks; i++) {
		put_reach(b, plan, i, i); /* what was published by the same network's guest */
		for (size_t j = 0; j < plan->network[i].reaches; j++)
			put_reach(b, plan, i, plan->network[i].reach[j]);
	}
}

/* Makes a chain for each network, and a map that finds it by the network's bridge. */
void ruleset_policy_chains(struct batch *b, const struct nft_plan *plan, const char *kind,
			   uint32_t id)
{
	const struct batch_set map = { .family = NFPROTO_INET,
				       .name = kind,
				       .id = id,
				       .key_type = TYPE_IFNAME,
				       .key_len = LINK_NAME_SIZE,
				       .data_type = NFT_DATA_VERDICT };
	char name[NAME];

	batch_set(b, &map);
	for (size_t i = 0; i < plan->networks; i++) {
		const struct nft_network *n = &plan->network[i];
		struct batch_element e = { .key = n->bridge,
					   .verdict = NFT_GOTO,
					   .chain = ruleset_name(name, kind, n) };

		batch_chain(b, NFPROTO_INET, name);
		batch_elements(b, NFT_MSG_NEWSETELEM, NFPROTO_INET, kind, LINK_NAME_SIZE, &e, 1);
	}
}

void ruleset_policy_find(struct batch *b, const char *chain, uint32_t meta_key, const char *kind,
			 uint32_t id)
{
	struct rule rule = rule_begin(b, NFPROTO_INET, chain);

	rule_meta(&rule, meta_key, REG(0));
	rule_map(&rule, REG(0), kind, id, NFT_REG_VERDICT);
	rule_end(&rule);
}

void ruleset_policy(struct batch *b, const struct nft_plan *plan)
{
	char name[NAME];

	ruleset_policy_chains(b, plan, "from", SET_FROM);
	ruleset_policy_chains(b, plan, "to", SET_TO);
	for (size_t i = 0; i < plan->networks; i++) {
		batch_chain(b, NFPROTO_INET, ruleset_name(name, "leave", &plan->network[i]));
		batch_chain(b, NFPROTO_INET, ruleset_name(name, "arrive", &plan->network[i]));
	}
	for (size_t i = 0; i < plan->networks; i++) {
		from_guests(b, plan, i);
		to_guests(b, plan, i);
	}
	batch_base_chain(b, NFPROTO_INET, "forward", "filter", NF_INET_FORWARD, PRIORITY_FILTER);
	batch_base_chain(b, NFPROTO_INET, "forward-to", "filter", NF_INET_FORWARD,
			 PRIORITY_FILTER + 1);
	ruleset_policy_find(b, "forward", NFT_META_IIFNAME, "from", SET_FROM);
	for (size_t i = 0; i < plan->lans; i++)
		pass_bridged(b, &plan->lan[i]);
	uplinks_serve_us(b);
	ruleset_policy_find(b, "forward-to", NFT_META_OIFNAME, "to", SET_TO);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The chains of table inet netd that say who may reach whom by routing. Accepting here overrides
 * nobody: a packet that another table drops stays dropped. A network's rules name its bridge; rules
 * of all networks stand in one chain in order, so the first that matches decides.
 */
#include "ruleset.h"

#include <linux/netfilter/nf_conntrack_common.h>

/* Frames that are bridged come here too where br_netfilter calls iptables: they stay on their
 * bridge. */
static void within_bridge(struct batch *b, const struct nft_network *n)
{
	struct rule rule = rule_begin(b, NFPROTO_INET, "forward");

	match_link(&rule, NFT_META_IIFNAME, NFT_CMP_EQ, n->bridge);
	match_link(&rule, NFT_META_OIFNAME, NFT_CMP_EQ, n->bridge);
	rule_verdict(&rule, NF_ACCEPT);
	rule_end(&rule);
}

static void drop_link(struct batch *b, uint32_t meta_key, const struct nft_network *n)
{
	struct rule rule = rule_begin(b, NFPROTO_INET, "forward");

	match_link(&rule, meta_key, NFT_CMP_EQ, n->bridge);
	rule_verdict(&rule, NF_DROP);
	rule_end(&rule);
}

/* Out of the network: IPv4 with its own source, and not into another of ours. */
static void from_guests(struct batch *b, const struct nft_network *n)
{
	struct rule rule = rule_begin(b, NFPROTO_INET, "forward");

	match_link(&rule, NFT_META_IIFNAME, NFT_CMP_EQ, n->bridge);
	rule_meta(&rule, NFT_META_OIFNAME, REG(0));
	rule_lookup(&rule, REG(0), "bridges", SET_BRIDGES, true);
	match_ipv4(&rule);
	match_prefix(&rule, IP_SOURCE, NFT_CMP_EQ, n->subnet);
	rule_verdict(&rule, NF_ACCEPT);
	rule_end(&rule);
	drop_link(b, NFT_META_IIFNAME, n);
}

static void to_guests(struct batch *b, const struct nft_network *n)
{
	struct rule rule = rule_begin(b, NFPROTO_INET, "forward");

	match_link(&rule, NFT_META_OIFNAME, NFT_CMP_EQ, n->bridge);
	if (n->mode == BRIDGE_MODE_NAT) {
		match_ct_state(&rule,
			       NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_BIT(IP_CT_RELATED));
	} else {
		match_ipv4(&rule);
		match_prefix(&rule, IP_DESTINATION, NFT_CMP_EQ, n->subnet);
	}
	rule_verdict(&rule, NF_ACCEPT);
	rule_end(&rule);
	drop_link(b, NFT_META_OIFNAME, n);
}

/* Forwarding that was switched on for our networks serves nobody else. */
static void uplinks_serve_us(struct batch *b)
{
	struct rule rule = rule_begin(b, NFPROTO_INET, "forward");

	rule_meta(&rule, NFT_META_IIFNAME, REG(0));
	rule_lookup(&rule, REG(0), "uplinks", SET_UPLINKS, false);
	rule_meta(&rule, NFT_META_OIFNAME, REG(0));
	rule_lookup(&rule, REG(0), "bridges", SET_BRIDGES, true);
	rule_verdict(&rule, NF_DROP);
	rule_end(&rule);
}

static void network_rules(struct batch *b, const struct nft_network *n)
{
	within_bridge(b, n);
	switch (n->mode) {
	case BRIDGE_MODE_NAT:
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
						  .key_len = LINK_NAME_SIZE };

	batch_set(b, &bridges);
	batch_set(b, &uplinks);
	for (size_t i = 0; i < plan->networks; i++)
		batch_keys(b, NFT_MSG_NEWSETELEM, NFPROTO_INET, "bridges", plan->network[i].bridge,
			   LINK_NAME_SIZE, 1);
	batch_keys(b, NFT_MSG_NEWSETELEM, NFPROTO_INET, "uplinks", plan->uplink, LINK_NAME_SIZE,
		   plan->uplinks);
}

void ruleset_policy(struct batch *b, const struct nft_plan *plan)
{
	batch_base_chain(b, NFPROTO_INET, "forward", "filter", NF_INET_FORWARD, PRIORITY_FILTER);
	for (size_t i = 0; i < plan->networks; i++)
		network_rules(b, &plan->network[i]);
	uplinks_serve_us(b);
}

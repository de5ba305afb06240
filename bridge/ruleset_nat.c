/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The chains of table inet netd that translate addresses: guests of networks of mode nat go out
 * under the uplink's. */

#include "ruleset.h"

/* Multicast and broadcast keep their source: their receivers could not answer a masqueraded one. */
static void masquerade(struct batch *b, const struct nft_network *n)
{
	static const struct ip4_prefix multicast = { .addr = 0xe0000000, .len = 4 },
				       broadcast = { .addr = UINT32_MAX, .len = 32 };
	struct rule rule = rule_begin(b, NFPROTO_INET, "postrouting");

	match_ipv4(&rule);
	match_prefix(&rule, IP_SOURCE, NFT_CMP_EQ, n->subnet);
	rule_meta(&rule, NFT_META_OIFNAME, REG(0));
	rule_lookup(&rule, REG(0), "bridges", SET_BRIDGES, true);
	match_prefix(&rule, IP_DESTINATION, NFT_CMP_NEQ, multicast);
	match_prefix(&rule, IP_DESTINATION, NFT_CMP_NEQ, broadcast);
	rule_expr(&rule, "masq");
	rule_end(&rule);
}

void ruleset_nat(struct batch *b, const struct nft_plan *plan)
{
	batch_base_chain(b, NFPROTO_INET, "postrouting", "nat", NF_INET_POST_ROUTING,
			 PRIORITY_SRCNAT);
	for (size_t i = 0; i < plan->networks; i++)
		if (plan->network[i].mode == BRIDGE_MODE_NAT)
			masquerade(b, &plan->network[i]);
}

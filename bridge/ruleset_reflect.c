/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * table bridge netd: ports that may get their own frames back.
 *
 * Where br_netfilter has a bridge call IPv4's rules, a guest that asks for a port that is published
 * for itself is not routed: its packet gets another destination while it is bridged, and is to
 * leave by the port that it came by (net/bridge/br_netfilter_hooks.c, br_nf_pre_routing_finish). A
 * bridge does that only with hairpin_mode, and then for everything, broadcasts among it. This drops
 * all but what is for the guest itself. There is such a chain only where br_netfilter is at work.
 */
#include "ruleset.h"

#include <linux/if_ether.h>
#include <linux/netfilter_bridge.h>

#define REFLECTED "reflected"
#define OWN "reflected_own"

/* As the kernel has them in its registers. */
struct way_key {
	uint32_t in, out;
};

struct own_key {
	uint32_t out;
	struct mac mac;
	uint8_t pad[2];
};

void ruleset_reflect(struct batch *b, const struct nft_plan *plan)
{
	static const struct batch_set reflected = { .family = NFPROTO_BRIDGE,
						    .name = REFLECTED,
						    .id = SET_REFLECTED,
						    .key_type =
							    TYPE_CONCAT(TYPE_IFINDEX, TYPE_IFINDEX),
						    .key_len = sizeof(struct way_key) },
				      own = { .family = NFPROTO_BRIDGE,
					      .name = OWN,
					      .id = SET_REFLECTED_OWN,
					      .key_type = TYPE_CONCAT(TYPE_IFINDEX, TYPE_ETHER),
					      .key_len = sizeof(struct own_key) };
	struct rule rule;

	if (!plan->reflecting)
		return;
	batch_set(b, &reflected);
	batch_set(b, &own);
	batch_base_chain(b, NFPROTO_BRIDGE, "reflect", "filter", NF_BR_FORWARD, PRIORITY_BRIDGED);
	rule = rule_begin(b, NFPROTO_BRIDGE, "reflect");
	rule_meta(&rule, NFT_META_IIF, REG(0));
	rule_meta(&rule, NFT_META_OIF, REG(1));
	rule_lookup(&rule, REG(0), REFLECTED, SET_REFLECTED, false);
	rule_meta(&rule, NFT_META_OIF, REG(0));
	rule_payload(&rule, NFT_PAYLOAD_LL_HEADER, 0, ETH_ALEN, REG(1));
	rule_lookup(&rule, REG(0), OWN, SET_REFLECTED_OWN, true);
	rule_verdict(&rule, NF_DROP);
	rule_end(&rule);
	ruleset_reflect_ports(b, NFT_MSG_NEWSETELEM, plan->reflect, plan->reflects);
}

void ruleset_reflect_ports(struct batch *b, uint16_t type, const struct nft_reflect *reflect,
			   size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct way_key way = { reflect[i].ifindex, reflect[i].ifindex };
		struct own_key own = { .out = reflect[i].ifindex, .mac = reflect[i].mac };

		batch_keys(b, type, NFPROTO_BRIDGE, REFLECTED, &way, sizeof(way), 1);
		batch_keys(b, type, NFPROTO_BRIDGE, OWN, &own, sizeof(own), 1);
	}
}

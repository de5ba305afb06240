/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables named netd as a whole. Composes messages and sends nothing; called by nft.c. */
#include "ruleset.h"
#include "base/cleanup.h"

void ruleset_ports(struct batch *b, uint16_t type, const struct nft_port *port, size_t n)
{
	/* Those of a bridge come one after the other; the others have chains of their own. */
	for (size_t i = 0, first = 0; i <= n; i++) {
		if (i < n && !port[i].egress)
			continue;
		ruleset_guard_ports(b, type, port + first, i - first);
		ruleset_rules_ports(b, type, port + first, i - first);
		first = i + 1;
	}
}

void ruleset_replace(struct batch *b, const struct nft_plan *plan)
{
	static const uint16_t family[] = { NFPROTO_BRIDGE, NFPROTO_INET };

	/* Made first, so that deleting what may not exist cannot fail; all of it is one
	 * transaction. */
	for (size_t i = 0; i < ARRAY_SIZE(family); i++) {
		batch_table(b, NFT_MSG_NEWTABLE, family[i]);
		batch_table(b, NFT_MSG_DELTABLE, family[i]);
		if (plan)
			batch_table(b, NFT_MSG_NEWTABLE, family[i]);
	}
	if (!plan)
		return;
	ruleset_guard(b, plan);
	ruleset_reflect(b, plan);
	ruleset_policy_sets(b, plan);
	ruleset_access_sets(b, plan);
	ruleset_rules_sets(b, plan);
	ruleset_policy(b, plan);
	ruleset_access(b, plan);
	ruleset_nat(b, plan);
	ruleset_ports(b, NFT_MSG_NEWSETELEM, plan->port, plan->ports);
	ruleset_guard6_owners(b, NFT_MSG_NEWSETELEM, plan->owner, plan->owners);
	for (size_t i = 0; i < plan->clients; i++)
		ruleset_guard_client(b, NFT_MSG_NEWSETELEM, &plan->client[i]);
	ruleset_guard_captured(b, NFT_MSG_NEWSETELEM, plan->captured, plan->captures);
	ruleset_nat_published(b, NFT_MSG_NEWSETELEM, plan->publish, plan->publishes);
}

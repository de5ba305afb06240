/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the rules of nf_tables say of who may reach whom, from the configuration. */
#ifndef NETD_POLICY_H
#define NETD_POLICY_H

#include "daemon.h"

/* What the policy's part of a plan points to. */
struct policy_plan {
	struct nft_group *group;
	struct nft_policy *policy;
	struct nft_rule *rule;
	uint32_t *reach;
};

/* Adds to a plan that has its networks, of which the i-th is d->network[slot[i]], and to these;
 * what they point to then goes with policy_done. -ENOMEM. */
MUST_CHECK int policy_plan(struct daemon *d, struct nft_plan *plan, struct nft_network *network,
			   const uint32_t *slot, struct policy_plan *ret);
void policy_done(struct policy_plan *p);

/* What concerns a port alone. */
void policy_port(const struct daemon *d, const struct port *p, struct nft_port *ret);

#endif

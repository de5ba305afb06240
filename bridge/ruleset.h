/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two tables named netd, each a file of rules, that are replaced in one transaction by
 * ruleset.c. What is constant (all of the structure) follows from a plan; what comes and goes, such
 * as a port, is elements of sets.
 */
#ifndef BRIDGE_RULESET_H
#define BRIDGE_RULESET_H

#include "batch.h"

/* The sets' ids within a transaction. */
enum {
	SET_BRIDGES = 1,
	SET_UPLINKS,
	SET_DHCP_PORTS,
	SET_RATES,
	SET_FLOODS,
	SET_SERVERS,
};

/* Hooks' priorities; the lower, the earlier. */
enum {
	PRIORITY_TRAP = -350, /* before ebtables' and nft's own bridge chains */
	PRIORITY_FILTER = 0,
	PRIORITY_SRCNAT = 100,
};

/* Removes both tables and, unless plan is NULL, makes them anew. */
void ruleset_replace(struct batch *b, const struct nft_plan *plan);

/* The elements of n ports: type NFT_MSG_NEWSETELEM or NFT_MSG_DELSETELEM. */
void ruleset_ports(struct batch *b, uint16_t type, const struct nft_port *port, size_t n);

/* --- ruleset_guard.c: table bridge netd --- */

void ruleset_guard(struct batch *b, const struct nft_plan *plan);
void ruleset_guard_ports(struct batch *b, uint16_t type, const struct nft_port *port, size_t n);

/* --- ruleset_policy.c: who reaches whom by routing, in table inet netd --- */

/* Sets that the other rules of the table look into; they come first. */
void ruleset_policy_sets(struct batch *b, const struct nft_plan *plan);
void ruleset_policy(struct batch *b, const struct nft_plan *plan);

/* --- ruleset_nat.c: addresses that are translated, in table inet netd --- */

void ruleset_nat(struct batch *b, const struct nft_plan *plan);

#endif

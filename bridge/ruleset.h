/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The netd tables as nf_tables messages; shared by ruleset.c, which composes them, and nft.c, which
 * sends them. */
#ifndef BRIDGE_RULESET_H
#define BRIDGE_RULESET_H

#include <libnftnl/batch.h>
#include <linux/netfilter/nf_tables.h>

#include "bridge.h"

#define NFT_TABLE "netd"
#define NFT_DHCP_SET "dhcp_ports"

/* Messages of one transaction; names each, so that an error can say what was refused. */
struct batch {
	struct nftnl_batch *pages;
	uint32_t first;	  /* sequence number of the batch's begin */
	uint32_t seq;	  /* of the next message */
	char (*what)[48]; /* by seq - first */
	size_t whats;
	bool failed; /* out of memory; sticky */
};

void batch_begin(struct batch *b, uint32_t seq);
void batch_end(struct batch *b);
void batch_done(struct batch *b);

/* Removes both tables and, unless plan is NULL, makes them anew. */
void ruleset_replace(struct batch *b, const struct nft_plan *plan);

/* Elements of the set of ports whose DHCP is trapped: type NFT_MSG_NEWSETELEM or
 * NFT_MSG_DELSETELEM. */
void ruleset_dhcp_ports(struct batch *b, uint16_t type, const uint32_t *ifindex, size_t n);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The socket of nf_tables, shared by nft.c, which sends transactions, and nft_sets.c, which asks.
 */
#ifndef BRIDGE_NFT_H
#define BRIDGE_NFT_H

#include "ruleset.h"

#include <libmnl/libmnl.h>

struct nft {
	struct mnl_socket *sock; /* not blocking */
	uint32_t seq;		 /* of the next message */
};

/* Sends a transaction, and reads what the kernel says to it. -errno. */
MUST_CHECK int nft_commit(struct nft *n, struct batch *b, struct err *err);

/* The elements of the guard's dynamic sets; freed by the caller. None, and 0, when there are no
 * rules. */
MUST_CHECK int nft_claims_list(struct nft *n, struct guard_claim **ret, size_t *ret_n,
			       struct err *err);

#endif

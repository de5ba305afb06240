/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The socket of nf_tables, shared by nft.c, which sends transactions, and nft_drops.c, which asks.
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

#endif

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
	uint16_t trap_group;	 /* of the last plan */
	bool macvtap;		 /* there is table netdev netd, */
	bool macvtap_looked;	 /* or it is known that there is none */
};

/* Sends a transaction, and reads what the kernel says to it. -errno. */
MUST_CHECK int nft_commit(struct nft *n, struct batch *b, struct err *err);

/* --- nft_macvtap.c --- */

/* Table netdev netd with all of a plan's ports that are guarded there; plan NULL, or none: no
 * table. */
MUST_CHECK int nft_macvtap_replace(struct nft *n, const struct nft_plan *plan, struct err *err);
/* As nft_port_add and nft_port_del, of a port with `egress`; one that is there is made anew. */
MUST_CHECK int nft_macvtap_add(struct nft *n, const struct nft_port *port, struct err *err);
MUST_CHECK int nft_macvtap_del(struct nft *n, const struct nft_port *port, struct err *err);

/* --- nft_sets.c --- */

/* The elements of the guard's dynamic sets; freed by the caller. None, and 0, when there are no
 * rules. */
MUST_CHECK int nft_claims_list(struct nft *n, struct guard_claim **ret, size_t *ret_n,
			       struct err *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Transactions about published ports: their elements, and those of ports that reach what is
 * published for themselves. */
#include "nft.h"

int nft_publish_change(struct nft *n, const struct nft_publish *del, size_t dels,
		       const struct nft_publish *add, size_t adds, struct err *err)
{
	struct batch b;
	int rc;

	batch_begin(&b, n->seq);
	ruleset_nat_published(&b, NFT_MSG_DELSETELEM, del, dels);
	ruleset_nat_published(&b, NFT_MSG_NEWSETELEM, add, adds);
	rc = nft_commit(n, &b, err);
	batch_done(&b);
	return rc;
}

int nft_reflect_change(struct nft *n, const struct nft_reflect *reflect, bool add, struct err *err)
{
	struct batch b;
	int rc;

	batch_begin(&b, n->seq);
	ruleset_reflect_ports(&b, add ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM, reflect, 1);
	rc = nft_commit(n, &b, err);
	batch_done(&b);
	return rc == -ENOENT && !add ? 0 : rc;
}

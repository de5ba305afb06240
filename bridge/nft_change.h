/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What somebody else's transactions on the rules of nf_tables changed, from the kernel's
 * notifications. Sends and receives nothing: nft_watch.c does. */
#ifndef BRIDGE_NFT_CHANGE_H
#define BRIDGE_NFT_CHANGE_H

#include <linux/netlink.h>

#include "bridge.h"

/* What is said of a change to our tables; the later ones are said instead of the earlier. */
enum nft_thing {
	NFT_THING_NONE,
	NFT_THING_ELEMENT,
	NFT_THING_OBJECT,
	NFT_THING_RULE,
	NFT_THING_SET,
	NFT_THING_CHAIN,
	NFT_THING_TABLE,
};

/* A transaction as far as it has been told. Zero: nothing of it. */
struct nft_changes {
	bool ours, others;
	enum nft_thing thing; /* of ours; the members below are about things of this kind */
	bool bridge, inet;    /* in which of the tables */
	bool added, deleted;
	unsigned n;    /* so many; 2 stands for more */
	bool mixed;    /* they have several names */
	char name[40]; /* of the chain or set */
};

/* Takes a notification. True when it was the last of its transaction, which is then in ret, and *c
 * is zero again. What is not of nf_tables, or makes no sense, is passed over. */
bool nft_change_take(struct nft_changes *c, const struct nlmsghdr *h, struct nft_change *ret);

#endif

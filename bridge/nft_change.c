/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Notifications of nf_tables, group NFNLGRP_NFTABLES, as sentences.
 *
 * A transaction is told when it has been committed: a message for each thing that it changed, then
 * NFT_MSG_NEWGEN, which says whose it was (net/netfilter/nf_tables_api.c, nf_tables_commit and
 * nf_tables_fill_gen_info). Transactions do not overlap. A table that is deleted brings a message
 * for each rule, chain and set of it, so what is said is the largest thing. Elements that the
 * packets' own rules put into a set, and those that time out, are not told.
 */
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "base/cleanup.h"
#include "nft_change.h"

/* By NFT_MSG_…; 0 where there is nothing to be said. */
static const struct {
	enum nft_thing thing;
	bool deleted;
} kinds[] = {
	[NFT_MSG_NEWTABLE] = { NFT_THING_TABLE, false },
	[NFT_MSG_DELTABLE] = { NFT_THING_TABLE, true },
	[NFT_MSG_NEWCHAIN] = { NFT_THING_CHAIN, false },
	[NFT_MSG_DELCHAIN] = { NFT_THING_CHAIN, true },
	[NFT_MSG_NEWRULE] = { NFT_THING_RULE, false },
	[NFT_MSG_DELRULE] = { NFT_THING_RULE, true },
	[NFT_MSG_NEWSET] = { NFT_THING_SET, false },
	[NFT_MSG_DELSET] = { NFT_THING_SET, true },
	[NFT_MSG_NEWSETELEM] = { NFT_THING_ELEMENT, false },
	[NFT_MSG_DELSETELEM] = { NFT_THING_ELEMENT, true },
	[NFT_MSG_NEWOBJ] = { NFT_THING_OBJECT, false },
	[NFT_MSG_DELOBJ] = { NFT_THING_OBJECT, true },
	[NFT_MSG_NEWFLOWTABLE] = { NFT_THING_OBJECT, false },
	[NFT_MSG_DELFLOWTABLE] = { NFT_THING_OBJECT, true },
};

/* Of one; of several with one name; of several with several. */
static const char *const words[][3] = {
	[NFT_THING_NONE] = { "nothing", "nothing", "nothing" },
	[NFT_THING_ELEMENT] = { "elements of set %s of ", "elements of set %s of ",
				"elements of sets of " },
	[NFT_THING_OBJECT] = { "object %s of ", "object %s of ", "objects of " },
	[NFT_THING_RULE] = { "a rule of chain %s of ", "rules of chain %s of ", "rules of " },
	[NFT_THING_SET] = { "set %s of ", "set %s of ", "sets of " },
	[NFT_THING_CHAIN] = { "chain %s of ", "chain %s of ", "chains of " },
	[NFT_THING_TABLE] = { "", "", "" },
};

/* What all these messages have in one place: the table's name; and but for chains, and tables,
 * which have others there, the name of a chain, set or object. */
enum { ATTR_TABLE = NFTA_RULE_TABLE, ATTR_NAME = NFTA_RULE_CHAIN, ATTR_MAX = NFTA_CHAIN_NAME };

static int take_attr(const struct nlattr *attr, void *arg)
{
	const struct nlattr **tb = arg;
	uint16_t type = mnl_attr_get_type(attr);

	if (type <= ATTR_MAX)
		tb[type] = attr;
	return MNL_CB_OK;
}

/* A name as text for a log or JSON: a process may call itself anything. */
static void copy_name(char *to, size_t size, const struct nlattr *attr)
{
	size_t len = attr ? mnl_attr_get_payload_len(attr) : 0, n = 0;
	const char *from = attr ? mnl_attr_get_payload(attr) : "";

	for (; n < len && n + 1 < size && from[n]; n++)
		to[n] = from[n] >= 0x20 && from[n] < 0x7f ? from[n] : '?';
	to[n] = 0;
}

static uint32_t get_be32(const struct nlattr *attr)
{
	uint32_t value = 0;

	if (attr && mnl_attr_get_payload_len(attr) == sizeof(value))
		memcpy(&value, mnl_attr_get_payload(attr), sizeof(value));
	return ntohl(value);
}

/* One more of the largest things so far, or the first of a larger one. */
static void note(struct nft_changes *c, enum nft_thing thing, bool deleted, uint8_t family,
		 const char *name)
{
	if (thing < c->thing)
		return;
	if (thing > c->thing)
		*c = (struct nft_changes){ .ours = true, .others = c->others, .thing = thing };
	c->bridge = c->bridge || family == NFPROTO_BRIDGE;
	c->inet = c->inet || family == NFPROTO_INET;
	c->deleted = c->deleted || deleted;
	c->added = c->added || !deleted;
	if (!c->n)
		snprintf(c->name, sizeof(c->name), "%s", name);
	else if (strcmp(c->name, name))
		c->mixed = true;
	c->n += c->n < 2;
}

static void describe(const struct nft_changes *c, char *ret, size_t size)
{
	bool both = c->bridge && c->inet, many = c->mixed || c->thing == NFT_THING_ELEMENT ||
						 (c->thing == NFT_THING_TABLE && both) ||
						 (c->thing == NFT_THING_RULE && c->n > 1);
	const char *form = words[c->thing][c->mixed ? 2 :
					   c->n > 1 ? 1 :
						      0],
		   *place = strstr(form, "%s");
	size_t before = place ? (size_t)(place - form) : strlen(form);

	snprintf(ret, size, "%.*s%s%s%s %s %s", (int)before, form, place ? c->name : "",
		 place ? place + 2 : "",
		 both	   ? "tables bridge netd and inet netd" :
		 c->bridge ? "table bridge netd" :
		 c->inet   ? "table inet netd" :
			     "table netdev netd",
		 many ? "were" : "was",
		 c->added && c->deleted	    ? "replaced" :
		 c->deleted		    ? "deleted" :
		 c->thing < NFT_THING_CHAIN ? "added" :
					      "added or changed");
}

static void end(struct nft_changes *c, const struct nlattr *const *tb, struct nft_change *ret)
{
	*ret = (struct nft_change){ .ours = c->ours,
				    .others = c->others,
				    .pid = get_be32(tb[NFTA_GEN_PROC_PID]) };
	copy_name(ret->process, sizeof(ret->process), tb[NFTA_GEN_PROC_NAME]);
	if (c->ours)
		describe(c, ret->what, sizeof(ret->what));
	*c = (struct nft_changes){ 0 };
}

bool nft_change_take(struct nft_changes *c, const struct nlmsghdr *h, struct nft_change *ret)
{
	const struct nlattr *tb[ATTR_MAX + 1] = { 0 };
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(h);
	uint16_t type = h->nlmsg_type & 0xff;
	char table[8], name[sizeof(c->name)];

	if (h->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES ||
	    mnl_nlmsg_get_payload_len(h) < sizeof(*nfg) ||
	    /* As the kernel has it; libmnl would look for attributes up to the next multiple. */
	    h->nlmsg_len % MNL_ALIGNTO || mnl_attr_parse(h, sizeof(*nfg), take_attr, tb) < 0)
		return false;
	if (type == NFT_MSG_NEWGEN) {
		end(c, tb, ret);
		return true;
	}
	if (type >= ARRAY_SIZE(kinds) || !kinds[type].thing)
		return false;
	copy_name(table, sizeof(table), tb[ATTR_TABLE]);
	if (strcmp(table, "netd") != 0 ||
	    (nfg->nfgen_family != NFPROTO_BRIDGE && nfg->nfgen_family != NFPROTO_INET &&
	     nfg->nfgen_family != NFPROTO_NETDEV)) {
		c->others = true;
		return false;
	}
	c->ours = true;
	copy_name(name, sizeof(name),
		  kinds[type].thing == NFT_THING_TABLE ? NULL :
		  kinds[type].thing == NFT_THING_CHAIN ? tb[NFTA_CHAIN_NAME] :
							 tb[ATTR_NAME]);
	note(c, kinds[type].thing, kinds[type].deleted, nfg->nfgen_family, name);
	return false;
}

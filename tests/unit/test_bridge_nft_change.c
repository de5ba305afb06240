/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Notifications of nf_tables as sentences. */
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "../../bridge/nft_change.h"
#include "unit.h"

static _Alignas(struct nlmsghdr) char buf[4096];
static struct nft_changes changes;
static struct nft_change change;

static void setup(void)
{
	changes = (struct nft_changes){ 0 };
}

static struct nlmsghdr *message(uint8_t type, uint8_t family)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg = mnl_nlmsg_put_extra_header(h, sizeof(*nfg));

	h->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
	nfg->nfgen_family = family;
	return h;
}

/* A message about a thing of a table; name NULL: none. */
static void tell(uint8_t type, uint8_t family, const char *table, const char *name)
{
	bool chain = type == NFT_MSG_NEWCHAIN || type == NFT_MSG_DELCHAIN;
	struct nlmsghdr *h = message(type, family);

	mnl_attr_put_strz(h, 1, table);
	if (chain)
		mnl_attr_put_u64(h, NFTA_CHAIN_HANDLE, 7);
	if (name)
		mnl_attr_put_strz(h, chain ? NFTA_CHAIN_NAME : NFTA_RULE_CHAIN, name);
	ck_assert(!nft_change_take(&changes, h, &change));
}

static void end(const char *process, uint32_t pid)
{
	struct nlmsghdr *h = message(NFT_MSG_NEWGEN, 0);

	mnl_attr_put_u32(h, NFTA_GEN_ID, htonl(3));
	if (process) {
		mnl_attr_put_u32(h, NFTA_GEN_PROC_PID, htonl(pid));
		mnl_attr_put_strz(h, NFTA_GEN_PROC_NAME, process);
	}
	ck_assert(nft_change_take(&changes, h, &change));
}

START_TEST(sentences)
{
	static const struct {
		struct {
			uint8_t type, family;
			const char *name;
		} told[6];
		const char *what;
	} cases[] = {
		{ { { NFT_MSG_DELRULE, NFPROTO_BRIDGE, "trap" },
		    { NFT_MSG_DELSET, NFPROTO_BRIDGE, "dhcp_ports" },
		    { NFT_MSG_DELCHAIN, NFPROTO_BRIDGE, "trap" },
		    { NFT_MSG_DELTABLE, NFPROTO_BRIDGE, NULL } },
		  "table bridge netd was deleted" },
		{ { { NFT_MSG_DELTABLE, NFPROTO_INET, NULL },
		    { NFT_MSG_DELTABLE, NFPROTO_BRIDGE, NULL } },
		  "tables bridge netd and inet netd were deleted" },
		{ { { NFT_MSG_DELTABLE, NFPROTO_INET, NULL },
		    { NFT_MSG_NEWTABLE, NFPROTO_INET, NULL },
		    { NFT_MSG_NEWRULE, NFPROTO_INET, "c" } },
		  "table inet netd was replaced" },
		{ { { NFT_MSG_NEWTABLE, NFPROTO_INET, NULL } },
		  "table inet netd was added or changed" },
		{ { { NFT_MSG_DELCHAIN, NFPROTO_INET, "forward" } },
		  "chain forward of table inet netd was deleted" },
		{ { { NFT_MSG_DELCHAIN, NFPROTO_INET, "a" },
		    { NFT_MSG_DELCHAIN, NFPROTO_INET, "b" } },
		  "chains of table inet netd were deleted" },
		{ { { NFT_MSG_NEWRULE, NFPROTO_INET, "a" } },
		  "a rule of chain a of table inet netd was added" },
		{ { { NFT_MSG_DELRULE, NFPROTO_INET, "a" },
		    { NFT_MSG_DELRULE, NFPROTO_INET, "a" } },
		  "rules of chain a of table inet netd were deleted" },
		{ { { NFT_MSG_DELRULE, NFPROTO_INET, "a" },
		    { NFT_MSG_DELRULE, NFPROTO_BRIDGE, "b" } },
		  "rules of tables bridge netd and inet netd were deleted" },
		{ { { NFT_MSG_NEWSETELEM, NFPROTO_BRIDGE, "dhcp_ports" } },
		  "elements of set dhcp_ports of table bridge netd were added" },
		{ { { NFT_MSG_DELSETELEM, NFPROTO_BRIDGE, "dhcp_ports" },
		    { NFT_MSG_NEWRULE, NFPROTO_BRIDGE, "trap" } },
		  "a rule of chain trap of table bridge netd was added" },
		{ { { NFT_MSG_NEWOBJ, NFPROTO_INET, "x" } },
		  "object x of table inet netd was added" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		for (unsigned j = 0; j < ARRAY_SIZE(cases[i].told) && cases[i].told[j].family; j++)
			tell(cases[i].told[j].type, cases[i].told[j].family, "netd",
			     cases[i].told[j].name);
		end("nft", 812);
		ck_assert(change.ours && !change.others && !change.overrun);
		ck_assert_str_eq(change.what, cases[i].what);
		ck_assert_str_eq(change.process, "nft");
		ck_assert_uint_eq(change.pid, 812);
	}
}
END_TEST

START_TEST(others)
{
	tell(NFT_MSG_NEWTABLE, NFPROTO_INET, "netdx", NULL);
	end("nft", 1);
	ck_assert(change.others && !change.ours);
	tell(NFT_MSG_NEWTABLE, NFPROTO_IPV4, "netd", NULL);
	end("nft", 1);
	ck_assert(change.others && !change.ours);
	tell(NFT_MSG_NEWRULE, NFPROTO_IPV4, "filter", "FORWARD");
	tell(NFT_MSG_DELTABLE, NFPROTO_INET, "netd", NULL);
	end("nft", 1);
	ck_assert(change.others && change.ours);
	end("nft", 1);
	ck_assert(!change.others && !change.ours);
}
END_TEST

/* The kernel does not say who, or a process calls itself something that is no text. */
START_TEST(who)
{
	end(NULL, 0);
	ck_assert_str_eq(change.process, "");
	ck_assert_uint_eq(change.pid, 0);
	end("a\nb\xff and more than fits", 1);
	ck_assert_str_eq(change.process, "a?b? and more t");
}
END_TEST

/* Cut anywhere, or of other types: nothing is read beyond the end, and nothing is made up. */
START_TEST(nonsense)
{
	struct nlmsghdr *h;
	uint32_t whole;

	tell(NFT_MSG_DELRULE, NFPROTO_INET, "netd", "forward");
	h = (struct nlmsghdr *)(void *)buf;
	whole = h->nlmsg_len;
	for (uint32_t len = NLMSG_HDRLEN; len < whole; len++) {
		char *cut = malloc(len);

		memcpy(cut, buf, len);
		((struct nlmsghdr *)(void *)cut)->nlmsg_len = len;
		changes = (struct nft_changes){ 0 };
		ck_assert(!nft_change_take(&changes, (struct nlmsghdr *)(void *)cut, &change));
		free(cut);
	}
	for (unsigned type = 0; type < 256; type++) {
		changes = (struct nft_changes){ 0 };
		h = message((uint8_t)type, NFPROTO_INET);
		ck_assert(nft_change_take(&changes, h, &change) == (type == NFT_MSG_NEWGEN));
		ck_assert(!changes.ours);
	}
	h->nlmsg_type = NLMSG_ERROR;
	ck_assert(!nft_change_take(&changes, h, &change));
}
END_TEST

UNIT_SUITE(bridge_nft_change)
{
	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, sentences);
	tcase_add_test(tc, others);
	tcase_add_test(tc, who);
	tcase_add_test(tc, nonsense);
}

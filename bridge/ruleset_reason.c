/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why the guard holds a frame back, in tables bridge and netdev netd alike: each reason has a
 * chain, whose first rules tell netd and count, by link and reason. Called by ruleset_guard.c and
 * ruleset_macvtap.c, which say what becomes of the frame.
 */
#include "ruleset.h"
#include "trap.h"

enum { DROPS_MAX = 1 << 16, TOLD_IDLE_MS = 60000 };
/* So often netd is told of one port and reason. */
enum { TOLD_A_MINUTE = 6 };

#define TOLD "told"

static const char *const reasons[NFT_REASONS] = {
	[NFT_REASON_MAC] = "mac",
	[NFT_REASON_IP] = "ip",
	[NFT_REASON_ARP] = "arp",
	[NFT_REASON_ARP_RATE] = "arp-rate",
	[NFT_REASON_IP6] = "ip6",
	[NFT_REASON_ND] = "nd",
	[NFT_REASON_ND_RATE] = "nd-rate",
	[NFT_REASON_DHCP_SERVER] = "dhcp-server",
	[NFT_REASON_RA] = "ra",
	[NFT_REASON_REDIRECT] = "redirect",
	[NFT_REASON_VLAN] = "vlan",
	[NFT_REASON_ETHERTYPE] = "ethertype",
	[NFT_REASON_FRAGMENT] = "fragment",
};

const char *nft_reason_text(enum nft_reason reason)
{
	return reasons[reason];
}

const char *ruleset_reason_chain(const char *prefix, enum nft_reason reason,
				 char ret[REASON_CHAIN_SIZE])
{
	snprintf(ret, REASON_CHAIN_SIZE, "%s_%s", prefix, nft_reason_text(reason));
	for (char *c = ret; *c; c++)
		if (*c == '-')
			*c = '_';
	return ret;
}

/* They are filled in by the rules. */
static void reason_set(struct batch *b, uint16_t family, const char *name, uint32_t id,
		       uint32_t idle_ms)
{
	batch_set(b, &(struct batch_set){ .family = family,
					  .name = name,
					  .id = id,
					  .key_type = TYPE_CONCAT(TYPE_IFINDEX, TYPE_MARK),
					  .key_len = sizeof(struct guard_drop),
					  .flags = NFT_SET_EVAL,
					  .timeout_ms = idle_ms,
					  .size = DROPS_MAX });
}

void ruleset_reason_sets(struct batch *b, uint16_t family)
{
	reason_set(b, family, GUARD_SET_DROPS, SET_DROPS, 0);
	reason_set(b, family, TOLD, SET_TOLD, TOLD_IDLE_MS);
}

/* The key of what is counted, and told. At egress a frame's link is that by which it leaves. */
static struct rule begin_with_key(struct batch *b, uint16_t family, const char *chain,
				  uint32_t reason)
{
	struct rule rule = rule_begin(b, family, chain);

	rule_meta(&rule, family == NFPROTO_NETDEV ? NFT_META_OIF : NFT_META_IIF, REG(0));
	rule_set(&rule, REG(1), &reason, sizeof(reason));
	return rule;
}

void ruleset_reason_begin(struct batch *b, uint16_t family, const char *chain,
			  enum nft_reason reason, uint16_t group)
{
	static const struct rule_rate told = { TOLD, SET_TOLD, TOLD_A_MINUTE, 60, 1, false };
	char prefix[64];
	struct rule rule;

	batch_chain(b, family, chain);
	rule = begin_with_key(b, family, chain, reason);
	rule_rate(&rule, &told);
	snprintf(prefix, sizeof(prefix), TRAP_SPOOF_PREFIX "%s", nft_reason_text(reason));
	rule_log(&rule, group, prefix);
	rule_end(&rule);
	rule = begin_with_key(b, family, chain, reason);
	rule_count(&rule, GUARD_SET_DROPS, SET_DROPS);
	rule_end(&rule);
}

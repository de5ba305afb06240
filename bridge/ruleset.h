/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two tables named netd, each a file of rules or several, that are replaced in one transaction
 * by ruleset.c. What is constant (all of the structure) follows from a plan; what comes and goes,
 * such as a port, is elements of sets.
 */
#ifndef BRIDGE_RULESET_H
#define BRIDGE_RULESET_H

#include "batch.h"

/* The sets' ids within a transaction. */
enum {
	SET_BRIDGES = 1,
	SET_UPLINKS,
	/* table bridge */
	SET_DHCP_PORTS,
	SET_RATES,
	SET_FLOODS,
	SET_SERVERS,
	SET_GUARDED,
	SET_NETWORKS,
	SET_JOINED,
	SET_LOGGED,
	SET_CAPTURED,
	SET_TRUNKS,
	SET_MACS,
	SET_SOURCES,
	SET_SOURCES6,
	SET_BOUND6,
	SET_OWNED6,
	SET_DROPS,
	SET_TOLD,
	SET_ARP_RATES,
	SET_ND_RATES,
	SET_BIND_RATES,
	SET_FROM,
	SET_TO,
	SET_HOST,
	SET_REACH,
	SET_CONNECTIONS,
	SET_FULL,
	SET_PUBLISHED,
	SET_PUBLISHED_AT,
	SET_STATIONS,
	SET_ANY_IP,
	SET_KEPT_IP,
	SET_REFLECTED,
	SET_REFLECTED_OWN,
	SET_GROUP = 1 << 20, /* and its number */
	SET_POLICY = 1 << 21,
};

/* Hooks' priorities; the lower, the earlier. */
enum {
	PRIORITY_TRAP = -350, /* before ebtables' and nft's own bridge chains */
	PRIORITY_RAW = -300,  /* before connections are tracked */
	/* not 0, where br_netfilter's hook is, and may or may not come first */
	PRIORITY_BRIDGED = -200,
	PRIORITY_DSTNAT = -100,
	PRIORITY_FILTER = 0,
	PRIORITY_SRCNAT = 100,
};

/* Removes both tables and, unless plan is NULL, makes them anew. */
void ruleset_replace(struct batch *b, const struct nft_plan *plan);

/* The elements of n ports: type NFT_MSG_NEWSETELEM or NFT_MSG_DELSETELEM. */
void ruleset_ports(struct batch *b, uint16_t type, const struct nft_port *port, size_t n);

/* --- ruleset_trap.c: DHCP on its way to netd, in table bridge netd --- */

void ruleset_trap_sets(struct batch *b);
/* The chain "dhcp", where what goes to port 67 or 68 has to go; guarded: some ports are. */
void ruleset_trap(struct batch *b, uint16_t group, bool guarded);

/* A set of links, each with a bucket of its own, which is filled in by the rules, and forgotten
 * when the link was idle for so long that it is full again. */
enum { RATES_IDLE_MS = 60000 };
void ruleset_rate_set(struct batch *b, const char *name, uint32_t id, uint32_t idle_ms);
/* More, or at most, so many of the link that the packet came in by. */
void ruleset_match_link_rate(struct rule *rule, const struct rule_rate *r);
/* --- ruleset_guard.c: the source guard, in table bridge netd --- */

#define GUARD_SET_SOURCES6 "sources6"
#define GUARD_SET_STATIONS "stations" /* links whose addresses a LAN gives */
#define GUARD_CHAIN_IP6 "guard_ip6"

/* The sets of table bridge; they come first. */
void ruleset_guard_sets(struct batch *b);
void ruleset_guard(struct batch *b, const struct nft_plan *plan);
void ruleset_guard_ports(struct batch *b, uint16_t type, const struct nft_port *port, size_t n);
void ruleset_guard_client(struct batch *b, uint16_t type, const struct nft_client *c);
/* A rule that logs, to the group behind this one, what is about to be dropped of a link that is
 * captured. */
void ruleset_guard_show(struct batch *b, const char *chain, uint16_t group, const char *reason);
/* n links of which that is so. */
void ruleset_guard_captured(struct batch *b, uint16_t type, const uint32_t *ifindex, size_t n);
/* Came in by a port that is guarded. */
void ruleset_match_guarded(struct rule *rule);
/* Came in by a port that may send tags, and has one. */
void ruleset_match_tagged(struct rule *rule);
/* Ends a rule: what it matches is held back for this reason. */
void ruleset_guard_drop(struct rule *rule, enum nft_reason reason);

/* --- ruleset_reason.c: why something is held back, in tables bridge and netdev netd --- */

/* What links have held back: key and size of an element of set "drops". */
#define GUARD_SET_DROPS "drops"
struct guard_drop {
	uint32_t ifindex, reason;
};

/* That set, and one that keeps count of what netd was told. */
void ruleset_reason_sets(struct batch *b, uint16_t family);

/* The chain of a reason. */
enum { REASON_CHAIN_SIZE = 32 };
const char *ruleset_reason_chain(const char *prefix, enum nft_reason reason,
				 char ret[REASON_CHAIN_SIZE]);
/* Begins it with the rules that tell netd of the frame, and count it. */
void ruleset_reason_begin(struct batch *b, uint16_t family, const char *chain,
			  enum nft_reason reason, uint16_t group);

/* --- ruleset_guard6.c: what the guard knows of IPv6 --- */

void ruleset_guard6_sets(struct batch *b);
/* The chain GUARD_CHAIN_IP6, where a guarded port's IPv6 whose MAC is good has to go. */
void ruleset_guard6(struct batch *b);
void ruleset_guard6_ports(struct batch *b, uint16_t type, const struct nft_port *port);
/* What a link of the host's says, so that no guest says it. */
void ruleset_guard6_joined(struct batch *b, uint16_t type, const struct nft_port *port);
void ruleset_guard6_owners(struct batch *b, uint16_t type, const struct nft_owner *owner, size_t n);
/* Rules of a chain that all that is not TCP passes: IPv6 of any port. */
void ruleset_guard6_any(struct batch *b, const char *chain);

/* What the kernel remembers of who uses which address, kept over a replacement of the rules. */
#define GUARD_SET_BOUND6 "bound6"
#define GUARD_SET_OWNED6 "owned6"
enum { GUARD_CLAIM_MAX = 24 };
struct guard_claim {
	const char *set; /* one of the two above */
	uint8_t key[GUARD_CLAIM_MAX];
	uint32_t len;
	uint64_t left_ms;
};
void ruleset_guard6_claims(struct batch *b, const struct guard_claim *claim, size_t n);

/* --- ruleset_policy.c: who reaches whom by routing, in table inet netd --- */

/* Sets that the other rules of the table look into; they come first. */
void ruleset_policy_sets(struct batch *b, const struct nft_plan *plan);
void ruleset_policy(struct batch *b, const struct nft_plan *plan);
enum { RULESET_NAME_SIZE = 16 + LINK_NAME_SIZE };
/* <kind>/<bridge>: the name of a network's chain. */
const char *ruleset_name(char buf[RULESET_NAME_SIZE], const char *kind,
			 const struct nft_network *n);
/* What belongs to a connection that was let through passes. */
void ruleset_accept_known(struct batch *b, const char *chain);
/* A chain <kind>/<bridge> for each network, and a map named for the kind that finds it; and the
 * rule that goes there. */
void ruleset_policy_chains(struct batch *b, const struct nft_plan *plan, const char *kind,
			   uint32_t id);
void ruleset_policy_find(struct batch *b, const char *chain, uint32_t meta_key, const char *kind,
			 uint32_t id);

/* --- ruleset_access.c: what guests have of the host, and how much of its memory --- */

void ruleset_access_sets(struct batch *b, const struct nft_plan *plan);
void ruleset_access(struct batch *b, const struct nft_plan *plan);
/* Drops what would be a connection too many of the sender's; comes after ruleset_access_sets. */
void ruleset_access_cap(struct batch *b, const char *chain, const struct nft_network *n);

/* --- ruleset_rules.c: the rules of guests, of groups and of networks --- */

/* With their chains, to which others jump. */
void ruleset_rules_sets(struct batch *b, const struct nft_plan *plan);
/* The rules for guests of a network, at the end of a chain: what they decide is decided, and where
 * there are some, what they do not match is dropped. */
void ruleset_rules_decide(struct batch *b, const char *chain, const struct nft_plan *plan,
			  size_t network, bool out);
void ruleset_rules_ports(struct batch *b, uint16_t type, const struct nft_port *port, size_t n);
/* Whether the service is spoken; `which` is one of its ports, or 0 where it has none. */
void ruleset_rules_service(struct rule *rule, const struct nft_service *s, unsigned which);

/* --- ruleset_nat.c: addresses that are translated, in table inet netd --- */

void ruleset_nat(struct batch *b, const struct nft_plan *plan);
/* The elements of n that are published, as ruleset_ports. */
void ruleset_nat_published(struct batch *b, uint16_t type, const struct nft_publish *publish,
			   size_t n);

/* --- ruleset_macvtap.c: the guard of ports in no bridge, in table netdev netd --- */

/* The table, and what all ports share. */
void ruleset_macvtap(struct batch *b, uint16_t group);
/* The chain of a port, which is guarded, and whose device is there. */
void ruleset_macvtap_port(struct batch *b, const struct nft_port *p);

/* --- ruleset_reflect.c: ports with hairpin_mode, in table bridge netd --- */

void ruleset_reflect(struct batch *b, const struct nft_plan *plan);
void ruleset_reflect_ports(struct batch *b, uint16_t type, const struct nft_reflect *reflect,
			   size_t n);

#endif

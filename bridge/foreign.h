/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules of nf_tables that are somebody else's, in memory, and what they do to a guest's packets.
 *
 *	foreign_read.c	asks the kernel for them
 *	foreign_parse.c	from libnftnl's objects to what is below
 *	foreign_model.c	puts it together
 *	foreign.c	what becomes of a packet in a chain
 *	foreign_xt.c	the same for the extensions of iptables-nft
 *	foreign_ask.c	which packets netd asks about, and what it finds
 *	foreign_mend.c	the command that mends it
 *	ruletext.c	a rule as text
 *
 * All but the first is without I/O.
 */
#ifndef BRIDGE_FOREIGN_H
#define BRIDGE_FOREIGN_H

#include <netinet/in.h> /* before <linux/in.h> */

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_ipv4.h>

#include "bridge.h"

enum {
	FOREIGN_RULES_MAX = 20000,    /* what is beyond is not read */
	FOREIGN_ELEMENTS_MAX = 20000, /* of all sets together */
	FOREIGN_REGISTERS = 64,	 /* octets: 16 registers of four (linux/netfilter/nf_tables.h) */
	FOREIGN_DEVICES_MAX = 4, /* of a chain of the netdev family */
};

enum foreign_kind {
	FOREIGN_META,	   /* key: NFT_META_…, dreg */
	FOREIGN_CT,	   /* key: NFT_CT_…, dreg */
	FOREIGN_PAYLOAD,   /* key: NFT_PAYLOAD_…_HEADER, offset, len, dreg */
	FOREIGN_LOAD,	   /* name: something else that is not known here, len, dreg */
	FOREIGN_BITWISE,   /* sreg, dreg, len; data: the mask, more: what is xor-ed to it; NULL: a
			      shift */
	FOREIGN_BYTEORDER, /* sreg, dreg, len, key: octets of a number */
	FOREIGN_IMMEDIATE, /* dreg, data, len */
	FOREIGN_CMP,	   /* sreg, key: NFT_CMP_…, data, len */
	FOREIGN_RANGE,	   /* sreg, invert, data: the first, more: the last, len */
	FOREIGN_LOOKUP,	   /* sreg, invert, name: of the set; mapped: dreg; verdicts: none */
	FOREIGN_VERDICT,   /* key: NF_…, NFT_… as a number; name: the chain to go to */
	FOREIGN_REJECT,	   /* key: NFT_REJECT_…, offset: the code */
	FOREIGN_MATCH,	   /* of iptables; name, key: its revision, data, len */
	FOREIGN_TARGET,	   /* the same */
	FOREIGN_LIMIT, /* number: packets or octets, offset: seconds, key: NFT_LIMIT_…, invert */
	FOREIGN_LOG,   /* name: its prefix, or NULL */
	FOREIGN_COUNTER,
	FOREIGN_PASS,	 /* name: what else changes no packet's way */
	FOREIGN_UNKNOWN, /* name: what may end the rule, or the packet */
};

struct foreign_chain;
struct foreign_set;

/* Members that are not named above are zero. */
struct foreign_expr {
	enum foreign_kind kind;
	uint8_t sreg, dreg; /* the first octet of FOREIGN_REGISTERS */
	bool invert, mapped, verdicts;
	bool native; /* a target of nf_tables itself, such as masq */
	uint32_t len;
	uint32_t key, offset;
	uint64_t number;
	const uint8_t *data, *more;
	const char *name;
	const struct foreign_set *set;	   /* of a lookup; NULL: not known */
	const struct foreign_chain *chain; /* of a jump or goto; NULL: not known */
};

struct foreign_rule {
	struct foreign_rule *next;
	uint64_t handle;
	const char *comment; /* NULL: none */
	struct foreign_expr *expr;
	unsigned exprs;
};

/* What became of a packet in a chain, as far as it is known: any of three may be. */
struct foreign_fate {
	bool may_accept, may_drop, may_go_on; /* on: to the end of the chain, or back */
	bool meant;  /* a rule that may accept it names its network, so that somebody chose; or
		       there are rules that were not read */
	bool policy; /* it is dropped for certain, if it comes so far: by the policy */
	const struct foreign_rule *certain;	   /* or by this rule, */
	const struct foreign_chain *certain_chain; /* of this chain */
	const struct foreign_rule *perhaps; /* a rule that drops it on a condition; NULL: none */
	const struct foreign_chain *perhaps_chain;
};

struct foreign_chain {
	struct foreign_chain *next;
	uint16_t family; /* NFPROTO_… */
	const char *table, *name;
	bool base; /* the kernel calls it: the members below are valid */
	uint32_t hook;
	int32_t priority;
	uint32_t policy; /* NF_DROP, NF_ACCEPT */
	const char *type;
	const char *device[FOREIGN_DEVICES_MAX];
	unsigned devices;
	bool cut; /* it has more rules than were read */
	struct foreign_rule *rule, **last;
	/* The interpreter's own. */
	uint64_t walk;
	struct foreign_fate fate;
};

struct foreign_element {
	const uint8_t *key;
	bool interval_end; /* the first that is not within */
	bool catchall;	   /* all that no other has; key is NULL */
	const uint8_t *data;
	uint32_t data_len;
	bool has_verdict;
	uint32_t verdict;
	const char *chain_name;
	const struct foreign_chain *chain;
};

struct foreign_set {
	struct foreign_set *next;
	uint16_t family;
	const char *table, *name;
	uint32_t flags; /* NFT_SET_… */
	uint32_t key_type, key_len;
	bool wanted; /* a rule looks into it */
	bool known;  /* element has all that are in it, and stays so */
	bool ranges; /* of several fields, by a first and a last of each */
	struct foreign_element *element;
	unsigned elements, cap;
};

/* All rules, or as many as were read. */
struct foreign {
	struct foreign_block *block; /* memory of all that is below */
	struct foreign_chain *chain, **last_chain;
	struct foreign_set *set;
	struct foreign_chain **sorted_chain; /* made by foreign_link */
	struct foreign_set **sorted_set;
	unsigned chains, sets, rules, elements;
	bool incomplete; /* there are more */
	bool legacy;	 /* iptables-legacy has rules, which nobody can read here */
	bool bridge_nf;	 /* what is bridged passes the chains for IPv4, too */
	uint64_t walk;
};

/* --- foreign_model.c: NULL when there is no memory --- */

struct foreign *foreign_new(void);
void foreign_free(struct foreign *f);
void *foreign_alloc(struct foreign *f, size_t size);
char *foreign_text(struct foreign *f, const char *text);
uint8_t *foreign_octets(struct foreign *f, const void *data, size_t len);
struct foreign_chain *foreign_chain_add(struct foreign *f, uint16_t family, const char *table,
					const char *name);
/* At the end of its chain, with room for so many expressions. */
struct foreign_rule *foreign_rule_add(struct foreign *f, struct foreign_chain *c, uint64_t handle,
				      unsigned exprs);
struct foreign_set *foreign_set_add(struct foreign *f, uint16_t family, const char *table,
				    const char *name);
struct foreign_element *foreign_element_add(struct foreign *f, struct foreign_set *set);
/* When all chains are there: they, and sets, can be found. */
MUST_CHECK int foreign_sort(struct foreign *f);
struct foreign_chain *foreign_chain_find(const struct foreign *f, uint16_t family,
					 const char *table, const char *name);
struct foreign_set *foreign_set_find(const struct foreign *f, uint16_t family, const char *table,
				     const char *name);
/* When all is there: names of chains and sets become pointers, and ranges are in order. */
void foreign_link(struct foreign *f);

/* --- foreign.c --- */

enum foreign_truth { FOREIGN_NO, FOREIGN_MAYBE, FOREIGN_YES };

/* Where things are in a header of IPv4 (RFC 791 3.1). */
enum {
	FOREIGN_AT_PROTOCOL = 9,
	FOREIGN_AT_SOURCE = 12,
	FOREIGN_AT_DESTINATION = 16,
	FOREIGN_IP_HEADER = 20,
};

/* Octets of which some bits are known. */
struct foreign_octets {
	uint8_t at[20];
	uint8_t known[20]; /* a bit is 1: that of `at` is valid; it is 0 otherwise */
};

/* A packet of IPv4 as a chain sees it. */
struct foreign_packet {
	struct foreign_octets iif, oif;		     /* interfaces' names, of 16 octets */
	struct foreign_octets bridge_in, bridge_out; /* of the bridges whose ports these are */
	uint32_t iif_index, oif_index;		     /* 0: not known */
	bool iif_ours, oif_ours;		     /* the names are of a network's bridge */
	struct foreign_octets network;		     /* its header of 20 octets */
	struct foreign_octets transport;	     /* the first four octets */
	uint32_t state;			/* NF_CT_STATE_BIT(…), one bit; 0: not known */
	enum foreign_truth reply, dnat; /* of its connection */
	enum foreign_truth local;	/* whether its destination is the host itself */
};

/*
 * What becomes of it in a base chain. A chain named `open`, of the same table, is taken to accept
 * what comes to it; NULL: none.
 */
void foreign_walk(struct foreign *f, const struct foreign_chain *base,
		  const struct foreign_packet *p, const char *open, struct foreign_fate *ret);

/* --- foreign_xt.c --- */

enum foreign_truth foreign_xt_match(const struct foreign_expr *e, const struct foreign_packet *p);

/* elsewhere: it leaves the chain, and what becomes of it is not for rules to say. */
enum foreign_end {
	FOREIGN_END_GO_ON,
	FOREIGN_END_ACCEPT,
	FOREIGN_END_DROP,
	FOREIGN_END_ELSEWHERE,
	FOREIGN_END_UNKNOWN
};

enum foreign_end foreign_xt_target(const char *name);
/* States of connections that a match asks for, as NF_CT_STATE_BIT(…); 0: it asks for something
 * else. */
uint32_t foreign_xt_states(const struct foreign_expr *e, bool *ret_invert);

/* --- ruletext.c --- */

/* "table ip filter, chain FORWARD, handle 7: iifname "nd-*" drop"; rule NULL: the policy. */
void foreign_rule_text(const struct foreign_chain *c, const struct foreign_rule *r, char *buf,
		       size_t size);
const char *foreign_family_text(uint16_t family);

/* --- foreign_ask.c, foreign_mend.c --- */

/* By what a packet is known to be of a network, in a rule that mends. */
enum {
	FOREIGN_BY_IIF = 1,	 /* it came from the network's bridge */
	FOREIGN_BY_OIF = 2,	 /* it goes there */
	FOREIGN_BY_SOURCE = 4,	 /* it has an address of the network */
	FOREIGN_BY_REPLY = 8,	 /* it is of a connection that there is */
	FOREIGN_BY_PORT_IN = 16, /* a port of the network's bridge */
	FOREIGN_BY_PORT_OUT = 32,
	FOREIGN_BY_DESTINATION = 64, /* it has an address of the network to go to */
};

/* One thing that is wrong: a chain that drops packets of a network. */
struct foreign_culprit {
	const struct foreign_chain *base;
	const struct foreign_chain *chain; /* that of the rule */
	const struct foreign_rule *rule;   /* NULL: the policy of base */
	uint32_t network;
	bool certain;
	unsigned flows;	  /* by their numbers, which foreign_ask.c has */
	unsigned by;	  /* FOREIGN_BY_… */
	bool host;	  /* what is dropped is to the host, or from it */
	bool docker, ufw; /* a rule in the chain that these have for their users would do */
};

/* Empty when there is no room for all of it: half a command is none. */
void foreign_mend(const struct foreign_culprit *c, const struct foreign_network *n, char *buf,
		  size_t size);

/* The chain that Docker has for rules of its users. */
#define FOREIGN_DOCKER_CHAIN "DOCKER-USER"

void foreign_find(struct foreign *f, const struct foreign_ask *ask, struct foreign_report *ret);

#endif

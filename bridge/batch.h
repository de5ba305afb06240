/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nf_tables messages of one transaction on the tables named netd: tables, chains, sets, elements,
 * and rules, which are put together an expression at a time. Sends nothing: nft.c does.
 *
 * Out of memory is sticky: it is in batch.failed at the end.
 */
#ifndef BRIDGE_BATCH_H
#define BRIDGE_BATCH_H

#include <netinet/in.h> /* before <linux/in.h> */
#include <stdio.h>

#include <libnftnl/batch.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "bridge.h"

#define NFT_TABLE "netd"

/* Messages of one transaction; names each, so that an error can say what was refused. */
struct batch {
	struct nftnl_batch *pages;
	uint32_t first;	  /* sequence number of the batch's begin */
	uint32_t seq;	  /* of the next message */
	char (*what)[48]; /* by seq - first */
	size_t whats;
	bool clean; /* padding is zero, so that the messages can be compared; libmnl leaves it as it
		       was */
	bool failed; /* out of memory; sticky */
};

void batch_begin(struct batch *b, uint32_t seq);
void batch_end(struct batch *b);
void batch_done(struct batch *b);

/* type: NFT_MSG_NEWTABLE or NFT_MSG_DELTABLE */
void batch_table(struct batch *b, uint16_t type, uint16_t family);

/* A chain that only rules jump to. */
void batch_chain(struct batch *b, uint16_t family, const char *name);
/* One that the kernel calls; type: "filter" or "nat". Its policy is to accept. */
void batch_base_chain(struct batch *b, uint16_t family, const char *name, const char *type,
		      uint32_t hook, int priority);

/* One that the kernel calls for a single device; family netdev. */
void batch_device_chain(struct batch *b, const char *name, const char *device, uint32_t hook,
			int priority);
/* With its rules. */
void batch_chain_del(struct batch *b, uint16_t family, const char *name);

/* Numbers of nft(8)'s types, so that it lists sets well (nftables, include/datatype.h). */
enum {
	TYPE_INTEGER = 4,
	TYPE_IP = 7,
	TYPE_IP6 = 8,
	TYPE_ETHER = 9,
	TYPE_PROTOCOL = 12,
	TYPE_SERVICE = 13,
	TYPE_MARK = 19,
	TYPE_IFINDEX = 20,
	TYPE_IFNAME = 41,
};
#define TYPE_CONCAT(a, b) ((uint32_t)(a) << 6 | (uint32_t)(b))

struct batch_set {
	uint16_t family;
	const char *name;
	uint32_t id; /* within the transaction; rules name the set by both */
	uint32_t key_type, key_len;
	bool key_big_endian;
	uint32_t data_type; /* of a map; NFT_DATA_VERDICT for one of verdicts; 0: a plain set */
	uint32_t data_len;
	uint32_t flags; /* NFT_SET_…; those of a map are added */
	uint64_t timeout_ms;
	uint32_t size; /* at most so many elements; 0: no limit */
};

void batch_set(struct batch *b, const struct batch_set *set);

struct batch_element {
	const void *key; /* of key_len octets */
	const void *data;
	uint32_t data_len;
	int verdict;	     /* NFT_GOTO or NFT_JUMP with a chain, in a map of verdicts */
	const char *chain;   /* NULL: data, or none */
	uint64_t timeout_ms; /* 0: it does not end, or as the set says */
};

/* What one message has room for, well below the 64 KiB of an attribute. */
enum { BATCH_ELEMENTS = 256 };

/* n elements, in as many messages as it takes; type: NFT_MSG_NEWSETELEM or NFT_MSG_DELSETELEM. */
void batch_elements(struct batch *b, uint16_t type, uint16_t family, const char *set,
		    uint32_t key_len, const struct batch_element *e, size_t n);
/* The same for n keys, one behind the other. */
void batch_keys(struct batch *b, uint16_t type, uint16_t family, const char *set, const void *keys,
		uint32_t key_len, size_t n);

/* --- rules, an expression at a time --- */

struct rule {
	struct batch *b;
	struct nftnl_rule *r;
	uint16_t family;
	const char *chain;
};

struct rule rule_begin(struct batch *b, uint16_t family, const char *chain);
void rule_end(struct rule *rule);
/* Counts what matches and drops it; the rule ends. */
void rule_end_drop(struct rule *rule);

/* A new expression of the rule; the batch fails when there is no memory for it, and NULL is
 * returned. */
struct nftnl_expr *rule_expr(struct rule *rule, const char *name);

/* Registers: the n-th one of four octets, of 16; most rules need the first only. */
#define REG(n) ((uint32_t)(NFT_REG32_00 + (n)))

void rule_meta(struct rule *rule, uint32_t key, uint32_t reg);
/* Changes it to what the register has. */
void rule_meta_set(struct rule *rule, uint32_t key, uint32_t reg);
void rule_payload(struct rule *rule, uint32_t base, uint32_t offset, uint32_t len, uint32_t reg);
void rule_ct(struct rule *rule, uint32_t key, uint32_t reg);
void rule_mask(struct rule *rule, uint32_t reg, const void *bits, uint32_t len);
/* Keeps the bits of `keep`, and then turns those of `turn`. */
void rule_bits(struct rule *rule, uint32_t reg, const void *keep, const void *turn, uint32_t len);
/* op: NFT_CMP_EQ, … */
void rule_cmp(struct rule *rule, uint32_t reg, uint32_t op, const void *data, uint32_t len);
void rule_lookup(struct rule *rule, uint32_t reg, const char *set, uint32_t id, bool inverted);
/* Of a map: its data to a register; of one of verdicts: NFT_REG_VERDICT. */
void rule_map(struct rule *rule, uint32_t reg, const char *set, uint32_t id, uint32_t to);
/* A constant to a register. */
void rule_set(struct rule *rule, uint32_t reg, const void *data, uint32_t len);
void rule_verdict(struct rule *rule, int verdict);
void rule_jump(struct rule *rule, const char *chain);
void rule_goto(struct rule *rule, const char *chain);
void rule_counter(struct rule *rule);
/* To nfnetlink_log; prefix NULL: none. */
void rule_log(struct rule *rule, uint16_t group, const char *prefix);

/* Adds the key in the first register to a set of NFT_SET_EVAL, or puts off its end; seconds: until
 * it ends, 0: never, or as the set says. */
struct rule_keep {
	const char *set;
	uint32_t id;
	uint32_t seconds;
};
void rule_keep(struct rule *rule, const struct rule_keep *k);
/* The same, with a counter of packets and octets. */
void rule_count(struct rule *rule, const char *set, uint32_t id);

/* So many packets of one key in `unit` seconds, and `burst` at once; over: more than that. The set
 * is one of NFT_SET_EVAL; the key stands in the first register. */
struct rule_rate {
	const char *set;
	uint32_t id;
	uint64_t packets, unit;
	uint32_t burst;
	bool over;
};
void rule_rate(struct rule *rule, const struct rule_rate *r);

/* Octets of an IPv6 extension header of this type to the first register; a rule that meets none
 * ends there. */
void rule_load_header(struct rule *rule, uint8_t type, uint32_t offset, uint32_t len);
/* Whether an IPv6 packet has an extension header of this type. */
void rule_has_header(struct rule *rule, uint8_t type);
/* Which of so many buckets what stands in the register `from` falls into, to the register `to`. */
void rule_hash(struct rule *rule, uint32_t from, uint32_t len, uint32_t buckets, uint32_t to);
/* Puts the key in the first register into a set of NFT_SET_EVAL, until its timeout. */
void rule_remember(struct rule *rule, const char *set, uint32_t id);

/* Counts the connection that the packet is of among those of the key in the first register, and
 * matches when there are more than `most`; the set is one of NFT_SET_EVAL. A packet must not be
 * counted twice: the kernel may take it for another connection (net/netfilter/nf_conncount.c). */
void rule_connections_over(struct rule *rule, const char *set, uint32_t id, uint32_t most);

/* What several tables match; all work in the first register. */
void match_meta(struct rule *rule, uint32_t key, uint32_t op, const void *data, uint32_t len);
void match_link(struct rule *rule, uint32_t meta_key, uint32_t op, const char *name);
void match_ipv4(struct rule *rule);
void match_l4(struct rule *rule, uint32_t op, uint8_t protocol);
enum { IP_SOURCE = 12, IP_DESTINATION = 16 };
void match_prefix(struct rule *rule, uint32_t offset, uint32_t op, struct ip4_prefix p);
/* bits: NF_CT_STATE_BIT(…); whether the connection is in one of these states */
void match_ct_state(struct rule *rule, uint32_t bits);
/* bits: IPS_…; whether the connection has one of these, with op NFT_CMP_NEQ, or none, NFT_CMP_EQ;
 * neither for a packet of none */
void match_ct_status(struct rule *rule, uint32_t op, uint32_t bits);

#endif

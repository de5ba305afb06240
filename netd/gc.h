/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is left over of what netd made, and that nobody asks for any more. */
#ifndef NETD_GC_H
#define NETD_GC_H

#include "daemon.h"

enum gc_kind {
	GC_INTERFACE, /* the device of a port */
	GC_BRIDGE,
	GC_ROWS, /* of the state, of a network */
	GC_MACS, /* that have rested for long enough */
};

struct gc_item {
	enum gc_kind kind;
	uint32_t index;		     /* of a link */
	char name[NAME_SIZE];	     /* of a link; else empty */
	char network[NAME_SIZE];     /* empty where there is none */
	char alias[LINK_ALIAS_SIZE]; /* of a veth device that has one */
	char why[160];
	char kept[160]; /* why it stays; empty: it goes */
	bool removed;
};

struct gc_list {
	struct gc_item *item;
	size_t n, cap;
};

void gc_list_done(struct gc_list *l);

/* Finds what is left over, and removes nothing. */
MUST_CHECK int gc_find(struct daemon *d, struct gc_list *ret, struct err *err);
/* Removes what was found and does not stay; of what cannot be, `kept` says why. The rows are gone
 * when the ticket is good. */
void gc_remove(struct daemon *d, struct gc_list *l, struct ticket *ret);

const char *gc_kind_text(enum gc_kind kind);

/* --- the judgement; pure --- */

/* A link with the mark of a port, or one whose attach was not finished, and what is known of it. */
struct gc_link {
	const struct rtnl_link *link;
	struct bridge_mark mark; /* guest empty: it has none */
	bool configured;	 /* its network is */
	bool loaded;		 /* and its allocations are known */
	bool own;		 /* it is the device of the port that its mark names */
	bool port;		 /* there is such a port, */
	const char *other;	 /* which has this device; NULL: none */
	const char *holder;	 /* the process that has the TAP open; NULL: none */
	int64_t idle, grace;	 /* seconds; idle -1: it is no TAP that is to be reaped */
};

bool gc_judge_link(const struct gc_link *l, struct gc_item *ret);

/* A bridge with our mark. */
struct gc_bridge {
	const struct rtnl_link *link;
	const char *network;
	bool configured;
	const char *port; /* a port of it that stays; NULL: it has none */
};

bool gc_judge_bridge(const struct gc_bridge *b, struct gc_item *ret);

/* Rows of a network. */
struct gc_rows {
	const char *network;
	bool configured;
	uint32_t allocations, leases;
	const char *port; /* a link of the network that stays; NULL: there is none */
};

bool gc_judge_rows(const struct gc_rows *r, struct gc_item *ret);

#endif

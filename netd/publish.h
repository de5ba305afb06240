/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ports of the host that lead to a guest's. They are published by the configuration or at run time,
 * and follow the guest by its name: what stands in the rules has the address of its allocation,
 * which need not be there yet, and may change.
 */
#ifndef NETD_PUBLISH_H
#define NETD_PUBLISH_H

#include "bridge.h"
#include "config.h"
#include "store.h"

struct daemon;
struct network;
struct port;
struct refusal;

enum { PUBLISHED_HOLDER_SIZE = 200, PUBLISHED_WHY_SIZE = 240 };

struct published {
	uint64_t id;	  /* of this run alone */
	uint32_t network; /* slot */
	char guest[NAME_SIZE];
	uint32_t nic;
	uint32_t address; /* of the host; 0: any of its */
	struct config_published port;
	bool configured;
	struct config_place place;	  /* of one that is configured */
	bool leaving;			  /* that it goes is not durable yet */
	bool judged;			  /* nobody else has the port */
	bool by_process;		  /* while one has: it is not another entry */
	char why_not[PUBLISHED_WHY_SIZE]; /* who has it, while it is not; empty: not known yet */
	bool made;
	struct nft_publish rule; /* while it is made: what stands in the rules */
};

struct publishes {
	struct published *at;
	size_t n, cap;
	uint64_t next;
	bool changed; /* what is made, and not all that follows from it yet */
};

/* --- what is configured, and what the state has --- */

/* What the configuration has in place of what it had; when the networks are there. */
void published_configure(struct daemon *d);
/* What was published at run time for guests of the network, from the state. */
MUST_CHECK int published_load(struct daemon *d, const struct network *n, struct err *err);
/* The network's memory goes, and what was published at run time for its guests with it. */
void published_forget(struct daemon *d, const struct network *n);
void published_done(struct daemon *d);
/* Sees who has the ports that are not published yet. */
void published_judge(struct daemon *d);
/* Whether some have to wait for others to give their ports up. */
bool published_waits(const struct daemon *d);
/* Whether a network of a configuration publishes what others have; refuses it then. */
MUST_CHECK int published_check(struct daemon *d, const struct config *c,
			       const struct config_network *n, struct refusal *r);

/* --- the table --- */

/* A copy at the end, with an id of its own; NULL without memory. */
struct published *published_add(struct daemon *d, const struct published *template);
void published_remove(struct daemon *d, uint64_t id);
/* NULL when it is gone. */
struct published *published_find(const struct daemon *d, uint64_t id);

struct published_holder {
	uint16_t port;			 /* the first that somebody has, */
	char who[PUBLISHED_HOLDER_SIZE]; /* and who, in words */
};

/* Who has one of the ports. -ENOENT (err untouched): nobody. */
MUST_CHECK int published_holder(struct daemon *d, uint32_t address,
				const struct config_published *port, struct published_holder *ret,
				struct err *err);
/* "tcp:8080" */
const char *published_port_text(const struct config_published *p, uint16_t port, char buf[16]);

/* --- rules --- */

/* All that is to stand in the rules, in room for publishes.n of them; their number. */
size_t published_plan(struct daemon *d, struct nft_publish *ret);
/* The rules are what the plan said. */
void published_planned(struct daemon *d);
/* Changes elements and route_localnet to what they should be. */
MUST_CHECK int published_sync(struct daemon *d, struct err *err);
/* The same at the end of a turn, when allocations may have changed. */
void published_follow(struct daemon *d);
/* Whether guests of the network are to be reached from 127.0.0.1. */
bool published_localnet(const struct daemon *d, const struct network *n);

/* --- reflect.c --- */

/* Whether br_netfilter is at work. */
void reflect_look(struct daemon *d);
/* The ports of which frames may come back, in room for all ports; whether there can be some. */
bool reflect_plan(struct daemon *d, struct nft_reflect *ret, size_t *ret_n);
/* Changes hairpin_mode of ports to what it should be. */
MUST_CHECK int reflect_sync(struct daemon *d, struct err *err);
/* The port's device is about to go. */
void reflect_forget(struct daemon *d, struct port *p);

/* --- ports --- */

/* The port leaves the tables, and is back, or is gone for good with all that was published for it
 * at run time. */
void published_leave(struct daemon *d, const struct port *p);
void published_stay(struct daemon *d, const struct port *p);
void published_gone(struct daemon *d, const struct port *p);

/* --- at run time --- */

struct publish_request {
	const char *guest;
	int64_t nic;	  /* -1: the first, or all that there are */
	uint32_t address; /* 0: any */
	const struct config_published *port;
	size_t ports;
};

/* What a call has changed. */
struct publish_change {
	struct daemon *daemon;
	bool unpublish;
	size_t n;
	uint64_t id[];
};

/* Rows, elements and all. The result is the caller's, who ends it by one of the two calls below
 * when it is durable or is not. */
MUST_CHECK int publish(struct daemon *d, const struct publish_request *q,
		       struct publish_change **ret, struct ticket *ticket, struct refusal *r);
/* Without ports: all that was published at run time. */
MUST_CHECK int unpublish(struct daemon *d, const struct publish_request *q,
			 struct publish_change **ret, struct ticket *ticket, struct refusal *r);
void publish_settled(struct publish_change *c);
void publish_taken_back(struct publish_change *c);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Durable state. What is put during a turn of the loop is one transaction, made durable by
 * store_commit at its end; a ticket names the turn, and nothing that depends on what was put may be
 * said before its ticket is good.
 */
#ifndef NETD_STORE_H
#define NETD_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "bridge.h"
#include "dhcp.h"
#include "mac.h"

struct store;

/* The promise that a turn's changes will be durable; only store.c makes one. */
struct ticket {
	uint64_t turn;
};

/*
 * Opens or creates the state. Errors name the file and end in SQLite's own words: not a database,
 * damaged, made by a newer netd, in use by another process, not to be written. A damaged file is
 * left as it is.
 */
MUST_CHECK int store_open(const char *path, struct store **ret, struct err *err);
void store_close(struct store *s);

/* The ticket of the turn at hand: for what depends on all that was put so far. */
struct ticket store_ticket(const struct store *s);

/* For what promises nothing, such as a NAK. */
static inline struct ticket ticket_no_promise(void)
{
	return (struct ticket){ 0 };
}

/*
 * Makes the turn durable and begins the next. 0, or -errno when nothing of the turn was stored: the
 * caller then takes back what it did and says nothing.
 */
MUST_CHECK int store_commit(struct store *s, struct err *err);

/* Whether the turn at hand has put anything. */
bool store_dirty(const struct store *s);

/* Puts what changes nothing, so that the turn's commit shows whether the state can be written. */
MUST_CHECK int store_touch(struct store *s, struct err *err);

/* --- allocations --- */

struct store_allocation {
	char network[NAME_SIZE], guest[NAME_SIZE];
	uint32_t nic;
	struct mac mac;
	bool mac_given;	     /* by the user, not by the generator */
	uint32_t generation; /* of the MAC */
	uint32_t address;
	bool address_given;
	uint32_t owner; /* uid that attached it last */
	uint32_t queues;
	bool vhost;
	int64_t created; /* wall clock, seconds */
	uint32_t user;	 /* uid that may open its TAP */
	char inside[LINK_NAME_SIZE];
	bool unplugged;	    /* on reading: the link of its port is down, as asked for */
	const char *device; /* "descriptors", "tap" or "veth"; valid during the callback */
};

/* Inserts, or replaces that of the same network, guest and nic. -EEXIST when MAC or address is
 * another's. */
MUST_CHECK int store_allocation_put(struct store *s, const struct store_allocation *a,
				    struct ticket *ret, struct err *err);
/* Removes it with its lease, and lets its MAC rest for `rest` seconds from now (wall clock); 0: not
 * at all. */
MUST_CHECK int store_allocation_del(struct store *s, const struct store_allocation *a, int64_t now,
				    int64_t rest, struct ticket *ret, struct err *err);
/* Whether a MAC rests, and then whose it was. */
MUST_CHECK int store_mac_rests(struct store *s, const struct mac *m, int64_t now,
			       char ret_guest[NAME_SIZE], uint32_t *ret_nic, bool *ret_rests,
			       struct err *err);

typedef int (*store_allocation_fn)(void *arg, const struct store_allocation *a);
/* Those of one network. */
MUST_CHECK int store_allocation_list(struct store *s, const char *network, store_allocation_fn fn,
				     void *arg, struct err *err);

/* Whether the link of an allocation's port is down, as somebody has asked for. Goes with the
 * allocation, which has to be there. */
MUST_CHECK int store_unplugged_put(struct store *s, const struct store_allocation *a,
				   struct ticket *ret, struct err *err);
MUST_CHECK int store_unplugged_del(struct store *s, const struct store_allocation *a,
				   struct ticket *ret, struct err *err);

/* --- published ports --- */

/* Ports that were published for an allocation at run time. They go with it. */
struct store_published {
	char network[NAME_SIZE], guest[NAME_SIZE];
	uint32_t nic;
	uint8_t protocol; /* IPPROTO_TCP or IPPROTO_UDP */
	uint32_t address; /* of the host; 0: any */
	uint16_t port, count, to;
};

/* -EEXIST when the first port is there, or the allocation is not. */
MUST_CHECK int store_published_put(struct store *s, const struct store_published *p,
				   struct ticket *ret, struct err *err);
/* By protocol, address and first port. */
MUST_CHECK int store_published_del(struct store *s, const struct store_published *p,
				   struct ticket *ret, struct err *err);
typedef int (*store_published_fn)(void *arg, const struct store_published *p);
/* Those of one network. */
MUST_CHECK int store_published_list(struct store *s, const char *network, store_published_fn fn,
				    void *arg, struct err *err);

/* --- leases --- */

struct store_lease {
	char network[NAME_SIZE];
	uint32_t address;
	struct mac mac;
	const uint8_t *client_id; /* NULL: none */
	size_t client_id_len;
	const char *hostname;  /* empty: none */
	char guest[NAME_SIZE]; /* empty: an address in quarantine */
	uint32_t nic;
	enum dhcp_lease_state state;
	uint32_t seconds;
	int64_t started_wall, expires_wall; /* seconds; expires INT64_MAX: never */
	int64_t started, expires; /* nanoseconds of CLOCK_BOOTTIME, of the boot that wrote it */
	bool same_boot;		  /* on reading: `started` and `expires` are of this boot */
};

MUST_CHECK int store_lease_put(struct store *s, const struct store_lease *l, struct ticket *ret,
			       struct err *err);
/* Only state and times of a lease change; nothing happens when it has no row. */
MUST_CHECK int store_lease_renew(struct store *s, const struct store_lease *l, struct ticket *ret,
				 struct err *err);
/*
 * The wall clock was set: the leases that were written in this boot get their wall times from
 * CLOCK_BOOTTIME, whose 0 was at `wall`. Those that are right to `slack` seconds stay as they are.
 */
MUST_CHECK int store_lease_set_wall(struct store *s, int64_t wall, int64_t slack, struct err *err);
/* Only the state of a lease changes; nothing happens when it has no row. */
MUST_CHECK int store_lease_end(struct store *s, const char *network, uint32_t address,
			       enum dhcp_lease_state state, struct ticket *ret, struct err *err);
MUST_CHECK int store_lease_del(struct store *s, const char *network, uint32_t address,
			       struct ticket *ret, struct err *err);
typedef int (*store_lease_fn)(void *arg, const struct store_lease *l);
/* Of one network, or of all when it is NULL. Texts and client_id are valid during the callback. */
MUST_CHECK int store_lease_list(struct store *s, const char *network, store_lease_fn fn, void *arg,
				struct err *err);

/* --- networks that were made at run time --- */

struct store_network {
	char name[NAME_SIZE];
	uint32_t owner;		   /* uid that made it */
	int64_t created;	   /* wall clock, seconds */
	const char *configuration; /* its block; valid during the callback */
};

/* -EEXIST when there is one of that name. */
MUST_CHECK int store_network_put(struct store *s, const struct store_network *n, struct ticket *ret,
				 struct err *err);
/* With its allocations, and so what is published for them, its leases and its subnet: all, or
 * nothing. */
MUST_CHECK int store_network_del(struct store *s, const char *name, struct ticket *ret,
				 struct err *err);
typedef int (*store_network_fn)(void *arg, const struct store_network *n);
/* In the order in which they were made. */
MUST_CHECK int store_network_list(struct store *s, store_network_fn fn, void *arg, struct err *err);

/* --- small things --- */

/* The subnet that a network with `subnet = auto` was given. -ENOENT when there is none. */
MUST_CHECK int store_subnet_get(struct store *s, const char *network, struct ip4_prefix *ret,
				struct err *err);
MUST_CHECK int store_subnet_put(struct store *s, const char *network, struct ip4_prefix p,
				struct err *err);

/* The links whose forwarding was switched on by us in this boot. */
MUST_CHECK int store_forwarding_list(struct store *s, int (*fn)(void *arg, const char *link),
				     void *arg, struct err *err);
MUST_CHECK int store_forwarding_put(struct store *s, const char *link, bool ours, struct err *err);

/* The links that joined a bridge because of us in this boot, and whether they were up before. */
MUST_CHECK int store_joined_list(struct store *s,
				 int (*fn)(void *arg, const char *link, bool was_up), void *arg,
				 struct err *err);
MUST_CHECK int store_joined_put(struct store *s, const char *link, bool was_up, struct ticket *ret,
				struct err *err);
MUST_CHECK int store_joined_del(struct store *s, const char *link, struct err *err);

/* 16 random octets that are made once and kept, for a host without a machine id. */
MUST_CHECK int store_secret(struct store *s, struct siphash_key *ret, struct err *err);

/* --- what may be left over --- */

struct store_rows {
	const char *network; /* valid during the callback */
	uint32_t allocations, leases;
};

typedef int (*store_rows_fn)(void *arg, const struct store_rows *rows);
/* Of each network that has some, whether it is configured or not. */
MUST_CHECK int store_rows_list(struct store *s, store_rows_fn fn, void *arg, struct err *err);
/* MAC addresses that rest no more. */
MUST_CHECK int store_rested_count(struct store *s, int64_t now, uint32_t *ret, struct err *err);
MUST_CHECK int store_rested_del(struct store *s, int64_t now, struct ticket *ret, struct err *err);

/* --- store_uplinks.c: links that were moved into a bridge of ours in this boot --- */

struct store_uplink {
	char link[LINK_NAME_SIZE], network[NAME_SIZE];
	bool moving;	    /* some of what it had may be lost, unless it is put back from `had` */
	bool answered;	    /* its gateway did, before */
	const uint8_t *had; /* rtnl_goods; of one that is read valid during the callback */
	size_t had_len;
};

MUST_CHECK int store_uplink_list(struct store *s,
				 int (*fn)(void *arg, const struct store_uplink *u), void *arg,
				 struct err *err);
/* Inserts, or replaces that of the same link. */
MUST_CHECK int store_uplink_put(struct store *s, const struct store_uplink *u, struct ticket *ret,
				struct err *err);
MUST_CHECK int store_uplink_del(struct store *s, const char *link, struct err *err);

#endif

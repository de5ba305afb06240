/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Networks of mode bridge: their guests are stations of a LAN. Theory in lan.c and uplink_move.c.
 */
#ifndef NETD_LAN_H
#define NETD_LAN_H

#include "bridge.h"
#include "doctor.h"
#include "loop.h"
#include "store.h"

struct daemon;
struct network;
struct seen_link;

/* How far an uplink is on its way into the network's bridge. */
enum lan_phase {
	LAN_IDLE,     /* nothing was begun: it is not there, or cannot be moved */
	LAN_ASKING,   /* its gateway is asked for, by the uplink; timer and since are valid */
	LAN_NOTING,   /* what it has is on its way to the disk */
	LAN_NOTED,    /* it is there */
	LAN_CHECKING, /* it is moved, and its gateway is asked for by the bridge; as LAN_ASKING */
	LAN_MOVED,    /* for good */
	LAN_REFUSED,  /* it is where it was, and stays there; why is valid */
};

/* Of one network. */
struct lan {
	enum lan_phase phase;
	uint32_t uplink; /* its index; 0: it is not there */
	bool restoring;	 /* there is a row of what it had, which may be in neither place now */
	bool answered;	 /* its gateway did, before */
	int64_t since;
	struct loop_timer timer;
	struct daemon *daemon;
	struct rtnl_gateway gateway;
	struct rtnl_goods had; /* what the bridge had last, while LAN_MOVED */
	struct err why;
};

/* --- lan.c --- */

bool lan_is(const struct network *n);
/* Whether its bridge is one of the host's, that netd found. */
bool lan_is_found(const struct network *n);
/* Whether its uplink is on its way into its bridge, and nothing is known to be wrong. */
bool lan_moves(const struct network *n);
/* Which links the networks have; at each reconciliation, before the rules are made. */
void lan_find(struct daemon *d);
/* The bridge, and the uplink in it. -EINPROGRESS while it is on its way. */
MUST_CHECK int lan_bring_up(struct daemon *d, struct network *n, struct err *err);
/* Moves uplinks back that no network has any more. */
void lan_leave(struct daemon *d);
/* The network is about to go: its uplink goes back. False when its bridge is to stay. */
bool lan_remove(struct daemon *d, struct network *n);
/* A reload: what was refused is tried again. */
void lan_retry(struct daemon *d);
/* netd is about to end. */
void lan_stop(struct daemon *d);
void lan_done(struct daemon *d);
/* A link has come, changed or gone; before: as it was seen last, or NULL. */
void lan_link(struct daemon *d, const struct rtnl_link *link, const struct seen_link *before);
void lan_link_gone(struct daemon *d, uint32_t index);
/* A link has got or lost an address. */
void lan_address(struct daemon *d, uint32_t index);
/* The address that the host has in the network's subnet, or the router's: what its guests know as
 * their DHCP server. */
uint32_t lan_server(const struct daemon *d, const struct network *n);
void lan_examine(struct daemon *d, const struct network *n, struct findings *f);
/* NULL: there is none. */
const struct seen_link *lan_link_by_name(const struct daemon *d, const char *name);

/* --- uplink_move.c --- */

/* *ret_quiet: it is on its way, and nothing is wrong. */
MUST_CHECK int uplink_bring_up(struct daemon *d, struct network *n, const struct seen_link *link,
			       bool *ret_quiet, struct err *err);
/* Moves back, if anything was moved, and forgets it; why: for the event. */
MUST_CHECK int uplink_back(struct daemon *d, const char *network, const char *uplink,
			   const char *why, struct err *err);
/* Nothing is under way any more. */
void uplink_reset(struct network *n);

#endif

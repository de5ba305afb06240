/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interfaces of the host that the configuration puts into a network's bridge: `port NAME { }`. */
#ifndef NETD_JOINED_H
#define NETD_JOINED_H

#include "bridge.h"
#include "config.h"

struct daemon;

enum { JOINED_MAX = CONFIG_PORTS_MAX };

struct joined {
	bool used;
	uint32_t network; /* slot */
	uint32_t number;  /* for dhcp/, beyond those of guests' ports */
	const struct config_port *config;
	char name[LINK_NAME_SIZE];
	uint32_t ifindex;   /* 0: there is no such interface */
	bool noted;	    /* it is on disk how it was */
	bool in_bridge;	    /* it is in its bridge, and up */
	unsigned hurt;	    /* enum heal_what */
	bool heard;	    /* the guard hears what is behind it */
	bool served;	    /* its clients' DHCP is ours */
	struct err why_not; /* while it is there and not in the bridge */
};

/* What the configuration has, when the networks are there; at start and after a reload. */
void joined_configure(struct daemon *d);
/* The network is about to be removed: those of it are no more, and are put back as they were. */
void joined_leave(struct daemon *d, const struct network *n);
/* Which of them the host has; before the rules are made. */
void joined_find(struct daemon *d);
/* Puts those that are there into their bridges, and those that the configuration has no more back
 * to where they were; when the bridges are there. */
void joined_put_right(struct daemon *d);
/* Whether some have to wait for what nobody tells of. */
bool joined_waits(const struct daemon *d);
/* Whether a link is to be joined, or is not as it should be. */
bool joined_is_wrong(struct daemon *d, const struct rtnl_link *link);
void joined_gone(struct daemon *d, uint32_t ifindex);

/* NULL when it is none, or is not served. */
const struct joined *joined_by_link(const struct daemon *d, uint32_t ifindex);
/* NULL when there is none. */
const struct joined *joined_by_number(const struct daemon *d, uint32_t number);

#endif

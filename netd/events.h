/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happened, for those who watch: a ring of the last events, numbered. */
#ifndef NETD_EVENTS_H
#define NETD_EVENTS_H

#include "bridge.h"

enum event_kind {
	EVENT_STARTED, /* netd serves */
	EVENT_NETWORK_UP,
	EVENT_NETWORK_DOWN, /* detail: why */
	EVENT_ATTACHED,
	EVENT_ADOPTED,	 /* found running at start */
	EVENT_DETACHED,	 /* on request */
	EVENT_GONE,	 /* the device vanished: its VMM died, or someone deleted it */
	EVENT_REAPED,	 /* a TAP that nobody had open; detail: for how long */
	EVENT_RELEASED,	 /* the allocation */
	EVENT_LINK_DOWN, /* on request */
	EVENT_LINK_UP,
	EVENT_LEASE_BOUND, /* exchange is valid */
	EVENT_LEASE_RENEWED,
	EVENT_LEASE_RELEASED,
	EVENT_LEASE_EXPIRED,
	EVENT_LEASE_DECLINED, /* detail: what became of the address */
	EVENT_LEASE_REFUSED,  /* a NAK */
	EVENT_MAC_CONFLICT,   /* detail: where else the MAC was seen */
	EVENT_CLONE,	      /* a DHCP client with the identifier of another that is live */
	EVENT_CONFLICT,	      /* mac has the address too, behind the port; detail: whose it is */
	EVENT_QUARANTINED,  /* the address, because of a conflict; detail: what the port has now */
	EVENT_POOL_LOW,	    /* detail: how many addresses are taken */
	EVENT_POOL_GROWN,   /* detail: the range that is in use from now on */
	EVENT_POOL_FULL,    /* mac asked for an address and there is none; detail: how many did */
	EVENT_DHCP_FLOOD,   /* the port's guest sends more DHCP than it may */
	EVENT_SPOOF,	    /* the port's guest sends what is not its own; detail: why, and what */
	EVENT_FOREIGN_DHCP, /* mac and address of a DHCP server behind the port */
	EVENT_FOREIGN_FIREWALL, /* somebody else's rules drop the network's packets, or no more */
	EVENT_RELOADED,
	EVENT_STORAGE_FAILED,	 /* detail: why */
	EVENT_STORAGE_RECOVERED, /* and all that was granted meanwhile is durable */
	EVENT_RULES_RESTORED,	 /* others had changed ours; detail: what, and who did */
	EVENT_HEALED,		 /* a link of ours was changed by others; detail: how */
	EVENT_HOST_SETTING,    /* one that is bad for guests has appeared; detail: which, and why */
	EVENT_NETWORK_CREATED, /* at run time; detail: its mode and subnet */
	EVENT_NETWORK_DELETED,
	EVENT_UPLINK_MOVED, /* into the network's bridge, with what it had */
	EVENT_UPLINK_BACK,  /* it is as it was; detail: why */
};

struct event {
	uint64_t number; /* from 1, without gaps */
	int64_t wall_us;
	enum event_kind kind;
	char network[NAME_SIZE]; /* the members below are empty or zero where they do not apply */
	char guest[NAME_SIZE];
	uint32_t nic;
	uint32_t owner; /* uid; 0 where guest is empty */
	char ifname[LINK_NAME_SIZE];
	struct mac mac;
	uint32_t address;
	uint32_t seconds;    /* of a lease */
	int64_t exchange_ns; /* DISCOVER to ACK; -1: not known */
	char hostname[64];
	char detail[512];
};

enum { EVENTS_KEPT = 1024 };

struct events {
	struct event *ring; /* [EVENTS_KEPT] */
	uint64_t next;	    /* number of the next event */
};

MUST_CHECK int events_init(struct events *e);
void events_done(struct events *e);

struct daemon;
struct port;

/* Adds an event, logs it, and wakes those who watch or wait at the end of the turn. */
struct event *event_add(struct daemon *d, enum event_kind kind);
/* The same with the members that a port gives. */
struct event *event_add_port(struct daemon *d, enum event_kind kind, const struct port *p);

/* An event by number; NULL when it is not kept any more or did not happen yet. */
const struct event *event_get(const struct events *e, uint64_t number);
/* The number of the oldest one that is kept. */
uint64_t events_oldest(const struct events *e);

const char *event_kind_text(enum event_kind kind);

#endif

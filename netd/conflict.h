/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who else uses the addresses of a network; theory in conflict.c. */
#ifndef NETD_CONFLICT_H
#define NETD_CONFLICT_H

#include "dhcp.h"
#include "host.h"
#include "log.h"

struct daemon;
struct network;

enum { CONFLICT_TOLD = 10 }; /* events in a minute that a network may have */

/* Of one network; zero: its ARP is not heard. */
struct conflict_watch {
	uint32_t ifindex;   /* of the bridge whose ARP is heard; 0: none */
	int64_t sweep_next; /* when the next given address is asked for */
	bool asking;	    /* given addresses are asked for, in turn */
	bool open;	    /* others than guarded ports may be in the bridge */
	uint32_t sweep_at;  /* place in the table of leases that is looked at next */
	struct log_limit told;
	struct { /* the last that were; zero: none */
		uint32_t address;
		int64_t at;
	} told_of[CONFLICT_TOLD];
	unsigned tolds;
	bool probing;		      /* addresses are probed before their first use */
	bool pinging;		      /* and those behind relay agents pinged */
	int64_t refill_next;	      /* not before this is the stock of probed ones filled up */
	struct log_limit quarantines; /* of addresses that were about to be given */
};

/* --- conflict.c --- */

/* Begins and ends to listen, as configuration and bridges demand; after every reconciliation, and
 * when a link that is not ours joins or leaves a bridge. */
void conflict_configure(struct daemon *d);
/* The network is about to go. */
void conflict_stop(struct daemon *d, struct network *n);
/* An ARP packet arrived at a bridge. */
void conflict_arp(void *arg, uint32_t ifindex, const uint8_t *frame, size_t len);
/* Somebody uses an address, or is about to: the event, at a limited rate, and once a minute for one
 * address. */
void conflict_tell(struct daemon *d, struct network *n, const struct dhcp_arp *a, uint32_t address,
		   const char *detail);
/* The same for one that answers ping; who that is cannot be said. */
void conflict_tell_ping(struct daemon *d, struct network *n, uint32_t address, const char *detail);
/* A DHCP server that is not us has sent something. */
void conflict_server(struct daemon *d, const struct trap_packet *packet);
void conflict_send_probe(struct daemon *d, const struct network *n, uint32_t address);

/* --- probe.c --- */

enum { PROBE_CANDIDATES = 8 }; /* addresses that one attach or packet may have probed */

/* What an attach that has to wait remembers between its tries; zero at the first. */
struct probe_wait {
	uint32_t address; /* whose probe it waits for; 0: it may wait for any */
	unsigned probes;  /* how many it began */
};

enum probe_answer {
	PROBE_TAKE,    /* it is clear, or nothing is probed here */
	PROBE_PASS,    /* somebody has it */
	PROBE_WAIT,    /* its probe runs: what was begun is to be tried again when it has ended */
	PROBE_UNKNOWN, /* and nobody is to wait for it: better take one of the stock */
};

/* Whether an address that is free by all tables may be given to a client; wait NULL: to one who
 * cannot wait. */
enum probe_answer probe_ask(struct daemon *d, const struct network *n, uint32_t address,
			    const struct mac *client, struct probe_wait *wait);
/* Begins the probe of an address for a client, if it has not begun; false when it cannot. */
bool probe_begin(struct daemon *d, const struct network *n, uint32_t address,
		 const struct mac *client);
/* The next address of the stock that is known to be clear; begin with *at = DHCP_PROBE_FIRST. */
bool probe_stock(const struct daemon *d, const struct network *n, uint32_t *at, uint32_t *ret);
/* The address was given to somebody. */
void probe_forget(struct daemon *d, const struct network *n, uint32_t address);
/* Fills the stocks up, and sets the timer for what is due next. */
void probe_schedule(struct daemon *d);
void probe_arp(struct daemon *d, struct network *n, const struct dhcp_arp *a);
/* An address has answered a ping. */
void probe_pong(void *arg, uint32_t address);
/* The network's addresses are probed no more, or pinged no more. */
void probe_stop(struct daemon *d, const struct network *n);

#endif

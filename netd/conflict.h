/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who else uses the addresses of a network; theory in conflict.c. */
#ifndef NETD_CONFLICT_H
#define NETD_CONFLICT_H

#include "host.h"
#include "log.h"

struct daemon;
struct network;

/* Of one network; zero: its ARP is not heard. */
struct conflict_watch {
	uint32_t ifindex;   /* of the bridge whose ARP is heard; 0: none */
	int64_t sweep_next; /* when the next given address is asked for */
	uint32_t sweep_at;  /* slot of the port that it will be, or of one before it */
	struct log_limit told;
};

/* Begins and ends to listen, as configuration and bridges demand; after every reconciliation. */
void conflict_configure(struct daemon *d);
/* The network is about to go. */
void conflict_stop(struct daemon *d, struct network *n);
/* An ARP packet arrived at a bridge. */
void conflict_arp(void *arg, uint32_t ifindex, const uint8_t *frame, size_t len);

#endif

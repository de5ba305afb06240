/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DHCP packets that cannot be decided before an address has been probed; theory in wait.c. */
#ifndef NETD_WAIT_H
#define NETD_WAIT_H

#include "dhcp.h"
#include "loop.h"

struct daemon;
struct network;

enum {
	WAITS_MAX = 1024,	 /* packets */
	WAIT_PAYLOAD_MAX = 1472, /* of one that can wait: what fits into an Ethernet frame */
};

/* What a packet knows when it is given to dhcp/ once more; zero at the first time. */
struct waited {
	uint32_t address; /* that it waited for */
	int64_t came;
	unsigned probes; /* how many addresses it had probed */
};

struct waiting;
struct waiting_link;

struct waits {
	struct siphash_key key;
	struct slots slots;
	struct waiting *at; /* [WAITS_MAX] */
	uint8_t (*payload)[WAIT_PAYLOAD_MAX];
	struct index by_addr; /* those whose probe runs */
	struct slots links;
	struct waiting_link *link; /* [WAITS_MAX] */
	struct index by_link;
	uint32_t first, last; /* whose probe has ended, in this order; SLOT_NONE: none */
	struct loop_timer timer;
};

MUST_CHECK int waits_init(struct waits *w, const struct siphash_key *key);
void waits_done(struct waits *w);

/*
 * Begins to probe w->address for a client, and keeps a copy of its packet until that has ended,
 * when it is given to serve_again. False when it cannot be kept: there are too many, of this link
 * or at all, or it had too many addresses probed.
 */
bool wait_begin(struct daemon *d, const struct network *n, uint32_t ifindex,
		const struct dhcp_frame *f, const struct mac *client, const struct waited *w);
/* How many packets that came by a link wait. */
uint32_t wait_count(const struct daemon *d, uint32_t ifindex);
/* The address's probe has ended, or was given up. */
void wait_probed(struct daemon *d, uint32_t net, uint32_t address);
/* The same for all of a network. */
void wait_probed_all(struct daemon *d, uint32_t net);
/* Hands over those that have waited for long enough, as many as this turn has room for. */
void wait_run(struct daemon *d);

#endif

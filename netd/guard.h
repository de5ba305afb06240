/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What guests may send as, beside what their ports are made with, and what became of the rest. */
#ifndef NETD_GUARD_H
#define NETD_GUARD_H

#include "base/table.h"
#include "bridge.h"

struct daemon;
struct port;

/* A DHCP client behind a guest's port that may send by it. */
struct guard_client {
	uint32_t network; /* slot */
	uint32_t ifindex;
	struct nft_source source;
};

struct guard {
	struct slots slots;
	struct guard_client *client; /* [slots.cap] */
	struct index by_address, by_mac;
};

/* Room for the clients of all networks. -ENOMEM. */
MUST_CHECK int guard_init(struct guard *g, uint32_t clients);
void guard_done(struct guard *g);

/*
 * The lease of an address may have changed: its client may send by the port that it is behind, or
 * no more. One whose MAC is another guest's, the host's, or that of a client elsewhere may not,
 * whatever lease it got.
 */
void guard_lease(struct daemon *d, uint32_t network, uint32_t address);
/* The same for all leases, when the rules are about to be made; nothing is done to them. */
void guard_leases(struct daemon *d);
/* The n-th of those who may, from slot *at on; NULL at the end. Begin with *at = 0. Whether its MAC
 * is in the rules by another's element. */
const struct guard_client *guard_next(struct daemon *d, uint32_t *at, bool *ret_mac_known);

/* The guard did not like this packet. */
void guard_spoof(struct daemon *d, const struct trap_packet *packet);
/* Those behind a port may send by it no more, since it has no device, or again. */
void guard_port_gone(struct daemon *d, const struct port *p, uint32_t ifindex);
void guard_port_here(struct daemon *d, const struct port *p);

/* Packets of a port by reason. */
struct guard_counts {
	uint64_t packets[NFT_REASONS];
};
/* Of all ports, by slot; NULL without memory. Freed by the caller. */
struct guard_counts *guard_counts(struct daemon *d);
/* The rules were replaced, and what they had counted is gone: the ports remember it. */
void guard_keep_counts(struct daemon *d, const struct guard_counts *before);
/* Nothing has been held back of a port, whose device is gone. */
void guard_forget_counts(struct daemon *d, struct port *p);

#endif

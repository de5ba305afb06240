/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of clients behind ports share: a network with a small pool and two ports without
 * an address of their own, and people who speak DHCP behind them. */
#ifndef TESTS_CLIENT_KIT_H
#define TESTS_CLIENT_KIT_H

#include "dhcp_kit.h"

enum {
	SHARED = 3,  /* a port without an address of its own */
	SHARED2 = 4, /* another */
	POOL = 4,
	HOLD = KIT_OFFER_HOLD,
};

#define FIRST KIT_IP(10, 77, 0, 100)
#define LAST (FIRST + POOL - 1)

struct net {
	struct kit k;
	struct dhcp_pool *pool;
	struct dhcp_hosts *hosts; /* NULL: none are reserved */
};

/* Authoritative; the port at hand is SHARED. */
void net_start(struct net *n, enum dhcp_identity identity);
void net_stop(struct net *n);
#define CLEAN_NET CLEANUP(net_stop)
/* A new configuration: another pool, and these reservations. */
void net_reserve(struct net *n, const struct dhcp_host *host, unsigned hosts);

/* Who speaks: behind which port, with which card and which identifier (hexadecimal; NULL: none). */
struct who {
	uint32_t port;
	uint8_t card;
	const char *id;
	const char *more; /* further options */
};

extern const struct who anna, berta, clara, dora, emma;

/* The begin of a message. */
void speak(struct net *n, const struct who *w, uint8_t type, struct kit_message *c);
/* Each returns the address of the reply; 0: none. Zero leaves a field or option out. */
uint32_t yiaddr(const struct net *n);
uint32_t discover(struct net *n, const struct who *w, uint32_t wanted);
/* Emma rebinds, which goes to all; the others renew, which goes to us. */
uint32_t request(struct net *n, const struct who *w, uint32_t server, uint32_t wanted,
		 uint32_t ciaddr);
/* DISCOVER to ACK, which there must be. */
uint32_t lease(struct net *n, const struct who *w);
void release(struct net *n, const struct who *w, uint32_t addr);
void decline(struct net *n, const struct who *w, uint32_t addr);
/* Every address that is taken in the pool has its lease or is reserved: there is no leak. */
void check_pool(const struct net *n);

#endif

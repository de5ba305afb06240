/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The direct implementation of the kernel seam, within itself. */
#ifndef NETD_HOST_DIRECT_H
#define NETD_HOST_DIRECT_H

#include "base/container.h"
#include "host.h"

struct arp_watch;

struct direct {
	struct host host;
	struct host_listener listener;
	struct rtnl *rtnl;
	struct rtnl_watch *watch;
	struct nft *nft;
	struct nft_watch *nft_watch;
	struct trap *trap;
	struct foreign_reader *foreign;
	struct ping *ping; /* NULL: nothing was pinged yet */
	struct macvtap *macvtap;
	struct loop_io watch_io, nft_watch_io, trap_io, ping_io, macvtap_io;
	struct loop_timer trap_pause;
	int64_t trap_read_at, trap_next_read;
	unsigned trapped; /* packets of the read at hand */
	struct loop *loop;
	struct arp_watch *arp;
	uint16_t trap_group;
	struct trap *dropped; /* NULL while nobody captures what the guard drops */
	struct loop_io dropped_io;
	struct loop_timer dropped_pause;
	uint32_t captured[HOST_CAPTURED_MAX]; /* of these links */
	unsigned captures;
};

static inline struct direct *direct(struct host *h)
{
	return CONTAINER_OF(h, struct direct, host);
}

/* --- host_direct_read.c: of struct host_ops, what has a socket to read --- */

MUST_CHECK int direct_watch_arp(struct host *h, uint32_t ifindex, struct err *err);
void direct_unwatch_arp(struct host *h, uint32_t ifindex);
void direct_unwatch_all_arp(struct direct *d);
MUST_CHECK int direct_send_ping(struct host *h, uint32_t addr, struct err *err);
MUST_CHECK int direct_capture_dropped(struct host *h, uint32_t ifindex, bool on, struct err *err);
/* Nothing when there is none. */
void direct_stop_dropped(struct direct *d);
/* The trap has packets. */
void direct_trap_ready(struct loop_io *io, uint32_t events);

#endif

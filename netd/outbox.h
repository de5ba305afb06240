/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is to be said at the end of a turn, in order. Nothing is said before its ticket is good:
 * when the turn could not be stored, each item is taken back instead, last one first.
 */
#ifndef NETD_OUTBOX_H
#define NETD_OUTBOX_H

#include "dhcp.h"
#include "store.h"

struct daemon;
struct outbox_item;

typedef void (*outbox_fn)(struct daemon *d, struct outbox_item *item);

struct outbox_item {
	struct ticket ticket;
	outbox_fn say;
	/* NULL: nothing to take back. What is true all the same gives its ticket up here, and is
	 * said. */
	outbox_fn take_back;
	void *arg;
	union {
		struct { /* a DHCP reply, or with len 0 only the lease's change */
			uint32_t ifindex;
			size_t len;
			uint32_t frame;	 /* number of its place in outbox.frames */
			uint32_t action; /* number of its place in outbox.actions */
		} dhcp;
		struct {
			struct handle conn;
		} reply;
	};
};

enum { OUTBOX_ITEMS = 1024, OUTBOX_FRAMES = 256 };

struct outbox {
	struct outbox_item item[OUTBOX_ITEMS];
	unsigned items;
	uint8_t (*frame)[DHCP_FRAME_MAX]; /* [OUTBOX_FRAMES] */
	struct dhcp_action *action;	  /* [OUTBOX_FRAMES] */
	unsigned frames;
};

MUST_CHECK int outbox_init(struct outbox *o);
void outbox_done(struct outbox *o);

/* A new item at the end, zeroed but for the ticket; NULL when the turn is full. */
struct outbox_item *outbox_add(struct outbox *o, struct ticket ticket);

/* Whether there is room for one more frame with its action. */
bool outbox_has_frame(const struct outbox *o);

/* After the commit: says everything, or takes all that needed it back. */
void outbox_settle(struct daemon *d, bool stored);

#endif

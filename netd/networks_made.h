/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Networks that are made and deleted at run time. The state keeps them. */
#ifndef NETD_NETWORKS_MADE_H
#define NETD_NETWORKS_MADE_H

#include "daemon.h"

/* The configuration that `files` says, with the networks of the state; `files` stays the caller's.
 */
MUST_CHECK int made_read(struct daemon *d, const struct config *files, struct config **ret,
			 struct err *err);
/* At start: d->config, which nothing points to yet, gets the networks of the state. */
MUST_CHECK int made_load(struct daemon *d, struct err *err);

struct network_request {
	const char *name;
	const char *mode;	   /* NULL: nat */
	const char *subnet;	   /* NULL or "auto": the lowest /24 of the supernet that is free */
	const char *configuration; /* more keys and blocks, as in a network block; NULL: none */
	uint32_t owner;		   /* uid */
};

/* What a call has changed. */
struct network_change {
	struct daemon *daemon;
	char name[NAME_SIZE];
	bool deleted;
};

/*
 * Row, bridge, rules and all: it is up when this returns 0, and nothing is left of it when not. The
 * result is the caller's, who ends it by network_change_end.
 */
MUST_CHECK int network_create(struct daemon *d, const struct network_request *q,
			      struct network_change **ret, struct ticket *ticket,
			      struct refusal *r);
/*
 * With its allocations, leases and what is published for its guests. Refused while guests are
 * attached, unless `force`: then their devices go first, and do not come back should it fail later.
 */
MUST_CHECK int network_delete(struct daemon *d, const char *name, bool force,
			      struct network_change **ret, struct ticket *ticket,
			      struct refusal *r);

enum network_change_end {
	NETWORK_CHANGE_KNOWN,	   /* durable, and whoever asked for it knows */
	NETWORK_CHANGE_UNKNOWN,	   /* durable, but nobody knows: one that was made goes again */
	NETWORK_CHANGE_TAKEN_BACK, /* it is not in the state: all is as it was before */
};
void network_change_end(struct network_change *c, enum network_change_end end);

#endif

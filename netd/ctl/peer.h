/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VMM's UNIX socket, talked to with the rights of whoever runs netdctl. Whoever is at its other
 * end may be slow, silent or hostile: nothing waits beyond the deadline, and no more is kept than
 * PEER_MAX.
 */
#ifndef NETDCTL_PEER_H
#define NETDCTL_PEER_H

#include <stddef.h>

#include "base/err.h"

enum { PEER_MAX = 1 << 20 };

struct peer {
	int fd;		  /* -1: none */
	double deadline;  /* of CLOCK_MONOTONIC, in seconds */
	const char *path; /* the caller's */
	char *in;	  /* what was received and not used yet */
	size_t len, cap;
};

/* Connects within so many seconds, which then are what is left for everything that follows. */
MUST_CHECK int peer_open(struct peer *p, const char *path, double timeout, struct err *err);
/* Of a socket that is connected: for tests. */
void peer_init(struct peer *p, int fd, const char *path, double timeout);
void peer_done(struct peer *p);

/* From now on. */
void peer_set_timeout(struct peer *p, double timeout);

/* Sends it all, the descriptors with the first octet; they stay the caller's. */
MUST_CHECK int peer_send(struct peer *p, const char *text, size_t len, const int *fds,
			 unsigned fds_len, struct err *err);
/* Waits for more octets behind those in p->in. -ETIMEDOUT; -ECONNRESET at the end. */
MUST_CHECK int peer_receive(struct peer *p, struct err *err);
/* Makes what it said fit for a terminal: one line of ASCII. */
void peer_make_printable(char *text);
/* Drops octets from the front of p->in. */
void peer_consume(struct peer *p, size_t len);

#endif

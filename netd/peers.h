/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The users that have connections, and how much of netd each has taken, so that none takes all of
 * it. Root, netd's own user and operators are counted, too, and not held to any of it.
 */
#ifndef NETD_PEERS_H
#define NETD_PEERS_H

#include <sys/types.h>

#include "authorize.h"
#include "base/table.h"

enum {
	PEER_CALLS = 8,		   /* of one user that are taken up in a turn of the loop */
	PEER_QUEUED_MAX = 8 << 20, /* octets of replies that one user's clients do not read */
};

struct peer {
	uid_t uid;
	uint32_t clients; /* connections */
	uint32_t waiting; /* calls that wait for something */
	size_t queued;	  /* octets of replies that are not wholly written */
	uint64_t turn;	  /* in which `calls` were taken up */
	unsigned calls;
};

struct peers {
	struct siphash_key key;
	struct slots slots;
	struct index by_uid;
	struct peer *at; /* [slots.cap] */
	gid_t *group;	 /* of whom peers_credentials was asked last */
	unsigned groups_cap;
};

/* For as many connections. */
MUST_CHECK int peers_init(struct peers *p, uint32_t clients, const struct siphash_key *key);
void peers_done(struct peers *p);

/* The entry of a user, with one more connection; there is room for as many as connections. It stays
 * where it is until peer_leave has been called as often. */
struct peer *peer_enter(struct peers *p, uid_t uid);
void peer_leave(struct peers *p, struct peer *one);

/* Whether a call of it is taken up in the turn of this number, and then counts it. */
bool peer_has_call(struct peer *one, uint64_t turn);

/*
 * Who is behind a connected socket: what it was when it connected (SO_PEERCRED, SO_PEERGROUPS). Its
 * groups are valid until this is called again.
 */
MUST_CHECK int peers_credentials(struct peers *p, int fd, struct credentials *ret);
/* The user who made the user namespace that a network namespace is of: root's for the host's. */
MUST_CHECK int peer_namespace_owner(int netns_fd, uint32_t *ret);

#endif

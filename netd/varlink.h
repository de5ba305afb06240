/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Varlink protocol on a UNIX stream socket: connections, messages of JSON ended by NUL, replies
 * with descriptors. https://varlink.org/Wire-Protocol. Knows no method; api.c has those.
 */
#ifndef NETD_VARLINK_H
#define NETD_VARLINK_H

#include <jansson.h>
#include <sys/types.h>

#include "authorize.h"
#include "daemon.h"

enum { VARLINK_MESSAGE_MAX = 65536, VARLINK_DEPTH_MAX = 16, VARLINK_CALL_FDS_MAX = 16 };

struct varlink_server;

/* One method call; valid until its handler returns. */
struct varlink_call {
	struct daemon *daemon;
	struct handle conn;
	uid_t uid;		/* of the peer, from SO_PEERCRED */
	struct credentials who; /* the same, and its groups unless `all` */
	bool all;		/* root, netd's own user, or an operator */
	const char *method;
	json_t *parameters; /* an object, borrowed */
	bool more, oneway;
	struct probe_wait wait; /* zero, or what varlink_park kept */
	const int *fds;		/* descriptors that came with it, close-on-exec, borrowed */
	unsigned n;
	/* Set before varlink_reply_fds: called with its arg when the reply's ticket was good and
	 * there is a peer, right before it is handed over; NULL: nothing is. */
	void (*due)(void *arg);
};

typedef void (*varlink_dispatch_fn)(struct varlink_call *call);

/*
 * Listens at path (mode, and group unless it is empty), or on fd when that is not -1, which it
 * takes over. A socket left behind at path is replaced; one that somebody listens on is
 * -EADDRINUSE.
 */
MUST_CHECK int varlink_server_new(struct daemon *d, const char *path, mode_t mode,
				  const char *group, int fd, varlink_dispatch_fn dispatch,
				  struct varlink_server **ret, struct err *err);
void varlink_server_free(struct varlink_server *s);
unsigned varlink_clients(const struct varlink_server *s);
/* Those of one user. */
unsigned varlink_clients_of(struct varlink_server *s, uid_t uid);
/* The configuration says anew who the operators are. */
void varlink_reauthorize(struct varlink_server *s);
/* varlink_parse.c: whether a message is nested deeper than a parser that recurses can bear, */
bool varlink_too_deep(const char *text);
/* and the parts of a call, borrowed from message; false when it is not one. */
bool varlink_parse_call(json_t *message, struct varlink_call *call);
/* varlink_listen.c: a listening socket at path; parameters as above. */
MUST_CHECK int varlink_listen(const char *path, mode_t mode, const char *group, int *ret_fd,
			      struct err *err);

/* Answers a call, when the ticket is good. Takes over parameters (NULL: an empty object). */
void varlink_reply(const struct varlink_call *call, struct ticket ticket, json_t *parameters);

/* What became of a reply. */
enum varlink_outcome {
	VARLINK_DELIVERED,  /* it was handed to the peer's socket */
	VARLINK_LOST,	    /* its ticket was good, but the peer is gone, or did not want a reply */
	VARLINK_TAKEN_BACK, /* its ticket was not good */
};

/* Called once for each reply. */
typedef void (*varlink_done_fn)(void *arg, enum varlink_outcome outcome);

/* The same with n descriptors (which stay the caller's, and open until `done`), and with a word of
 * what became of it. */
void varlink_reply_fds(const struct varlink_call *call, struct ticket ticket, json_t *parameters,
		       const int *fds, unsigned n, varlink_done_fn done, void *arg);

/* Answers with a named error. Takes over parameters (NULL: an empty object). */
void varlink_error(const struct varlink_call *call, const char *name, json_t *parameters);

/*
 * A call that is answered later: by at most one reply when `poll` gives parameters, tried at the
 * end of every turn in which something happened; or, for `more`, by one reply after the other for
 * as long as it gives some.
 */
struct varlink_stream {
	/* New parameters for the next reply, or NULL when there is nothing to say now. *ret_error:
	 * they are of this error. */
	json_t *(*poll)(struct daemon *d, struct varlink_stream *s, const char **ret_error);
	bool once;
	int64_t deadline; /* CLOCK_BOOTTIME; INT64_MAX: none. When it passes, the call ends with
			     error TimedOut */
	uint64_t next;	  /* number of an event, for poll */
	uint64_t lost;
	char guest[NAME_SIZE];
	uint32_t nic;
	int what;
	uid_t uid; /* whose call it is, and whether it is one who sees all: set by varlink.c */
	bool all;
};

void varlink_stream(const struct varlink_call *call, const struct varlink_stream *s);

/*
 * What the call needs is not there yet. Its handler, which has done nothing, is called again, from
 * the start but for call->wait, when varlink_wake is.
 */
void varlink_park(const struct varlink_call *call);
void varlink_wake(struct varlink_server *s);

/* At the end of a turn: serves those who wait or watch. */
void varlink_poll(struct varlink_server *s);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Captures: what passes at a port, or what the guard drops there, as pcapng on a socket that the
 * caller gets. A process of its own reads the packets and writes them; netd starts it, and tells it
 * when to end.
 *
 *	capture.c      which there are, on netd's side
 *	api_capture.c  the method
 *	capture/       their process, netd-capture, and all that is libpcap's
 */
#ifndef NETD_CAPTURE_H
#define NETD_CAPTURE_H

#include <sys/types.h>

#include "base/table.h"
#include "bridge.h"
#include "capture/line.h"
#include "log.h"
#include "loop.h"

struct daemon;
struct port;

enum {
	CAPTURES_MAX = 16,
	CAPTURES_OF_USER = 4, /* unless it is root */
	CAPTURE_FILTER_MAX = 1024,
};

/* What a process has to do. */
struct capture_job {
	char port[80]; /* "web1/0" */
	char interface[LINK_NAME_SIZE];
	char filter[CAPTURE_FILTER_MAX]; /* NUL-terminated; empty: everything */
	uint32_t snapshot;
	bool dropped; /* what the guard drops, instead of what passes */
};

/* Starts a process with the two sockets, which stay the caller's. */
typedef int (*capture_spawn_fn)(const struct capture_job *job, int stream_fd, int line_fd,
				pid_t *ret, struct err *err);

/* --- captures --- */

/*
 * CAPTURE_FREE: none. CAPTURE_STARTING: the process has said nothing yet. CAPTURE_READY and
 * CAPTURE_FAILED (why and bad_filter are valid): it has, and the caller was not answered yet.
 * CAPTURE_GIVEN: it was, or is gone, and nobody asks any more; the process may still run.
 */
enum capture_state {
	CAPTURE_FREE,
	CAPTURE_STARTING,
	CAPTURE_READY,
	CAPTURE_FAILED,
	CAPTURE_GIVEN,
};

struct capture {
	struct daemon *daemon;
	enum capture_state state;
	struct handle caller; /* whose call waits */
	uid_t uid;
	struct capture_job job;
	uint32_t ifindex;
	int stream_fd; /* the reader's end, until it was handed over; -1 */
	int line_fd;   /* -1: it was told to end */
	int pidfd;     /* -1: it has ended */
	struct loop_io line_io, exit_io;
	uint64_t lost; /* dropped packets that found no room on the line */
	bool bad_filter;
	struct err why;
};

struct captures {
	struct capture at[CAPTURES_MAX];
	capture_spawn_fn spawn; /* starts netd-capture, unless a test has another */
	struct log_limit log;
};

struct capture_request {
	const struct port *port; /* has a device */
	struct handle caller;
	uid_t uid;
	const char *filter; /* shorter than CAPTURE_FILTER_MAX */
	uint32_t snapshot;
	bool dropped;
};

void captures_init(struct daemon *d);
/* Has all of them end, without waiting for it. */
void captures_done(struct daemon *d);

/* Starts one; capture_of_caller has it from now on. -EUSERS: there are too many. */
MUST_CHECK int capture_start(struct daemon *d, const struct capture_request *q, struct err *err);
/* The one that this caller waits for; NULL: none. */
struct capture *capture_of_caller(struct daemon *d, struct handle caller);
/* The caller is answered: with the reader's end when it is ready. That stays open until
 * capture_delivered, which comes whether it was or not. */
void capture_answered(struct capture *c);
void capture_delivered(struct capture *c);

/* The device is gone. */
void captures_end_link(struct daemon *d, uint32_t ifindex);
/* What the guard dropped, and why. */
void captures_packet(void *arg, const struct trap_packet *p);
/* The links of which that is asked for, each once; returns how many. */
size_t captures_links(const struct daemon *d, uint32_t ret[CAPTURES_MAX]);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event loop. A turn has three phases: dispatch what is ready, commit what that wrote, transmit
 * what was promised. The clock is a parameter, so that whole days can be simulated in milliseconds.
 */
#ifndef NETD_LOOP_H
#define NETD_LOOP_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "base/err.h"
#include "base/heap.h"

#define NS_PER_S 1000000000LL

struct clock {
	int64_t (*boottime)(void *arg); /* nanoseconds, CLOCK_BOOTTIME */
	int64_t (*wall)(void *arg);	/* nanoseconds, CLOCK_REALTIME */
	/*
	 * NULL for a clock that runs by itself. A virtual one is told to go to `until` when nothing
	 * is ready and a timer waits.
	 */
	void (*advance)(void *arg, int64_t until);
	void *arg;
};

extern const struct clock clock_system;

struct loop;
struct loop_io;
struct loop_timer;

typedef void (*loop_io_fn)(struct loop_io *io, uint32_t events);
typedef void (*loop_timer_fn)(struct loop_timer *t);

/* A descriptor that is watched; part of the object that it belongs to. Zero: not watched. */
struct loop_io {
	struct loop *loop; /* while it is watched */
	int fd;
	loop_io_fn fn;
};

/* A timer; part of the object that it belongs to. Zero: not set. */
struct loop_timer {
	struct heap_node node;
	struct loop *loop; /* while it is set */
	loop_timer_fn fn;
};

/* What runs at the end of each turn, in this order; either may be NULL. */
struct loop_phases {
	void (*commit)(void *arg);
	void (*transmit)(void *arg);
	void *arg;
};

MUST_CHECK int loop_new(const struct clock *clock, const struct loop_phases *phases,
			struct loop **ret);
void loop_free(struct loop *l);

/* The time at which the turn at hand began: nanoseconds of CLOCK_BOOTTIME, seconds since 1970. */
int64_t loop_now(const struct loop *l);
int64_t loop_wall(const struct loop *l);
/* What the wall clock shows, or will show, at a time of CLOCK_BOOTTIME: seconds; INT64_MAX stays
 * what it is. */
int64_t loop_to_wall(const struct loop *l, int64_t boottime);

/* Watches fd, which stays the caller's, for EPOLLIN, EPOLLOUT, …. */
MUST_CHECK int loop_io_add(struct loop *l, struct loop_io *io, int fd, uint32_t events,
			   loop_io_fn fn);
MUST_CHECK int loop_io_change(struct loop_io *io, uint32_t events);
/* To be called before fd is closed; also within a callback, also when it is not watched. */
void loop_io_del(struct loop_io *io);

/* Sets, or sets again, for an absolute CLOCK_BOOTTIME. */
MUST_CHECK int loop_timer_set(struct loop *l, struct loop_timer *t, int64_t at, loop_timer_fn fn);
void loop_timer_cancel(struct loop_timer *t);

/* Blocks the signals of the set for the process and calls fn for each that comes. Once a loop. */
MUST_CHECK int loop_signals(struct loop *l, const sigset_t *set, void (*fn)(void *arg, int signo),
			    void *arg);

/* One turn; waits for something to do when `wait`. False when there was nothing and will be
 * nothing. */
bool loop_turn(struct loop *l, bool wait);

/* Turns until loop_stop was called; returns what it was given. */
int loop_run(struct loop *l);
void loop_stop(struct loop *l, int result);

#endif

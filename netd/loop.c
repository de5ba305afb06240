/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * epoll, timers in a heap, one timerfd for the first of them, one signalfd.
 *
 * Theory of operation: loop_io and loop_timer are parts of their objects, so there is nothing to
 * allocate or look up. An object may go away while a batch of events is being dispatched, its own
 * or another's: loop_io_del() then strikes the descriptor out of the rest of the batch.
 * CLOCK_BOOTTIME counts while the host is suspended, as leases do, and is not moved by whoever sets
 * the clock.
 */
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/container.h"
#include "loop.h"

enum { BATCH = 64 };

struct loop {
	struct clock clock;
	struct loop_phases phases;
	int epoll_fd, timer_fd, signal_fd;
	struct loop_io timer_io, signal_io;
	void (*signal_fn)(void *arg, int signo);
	void *signal_arg;
	struct heap timers;
	size_t timers_cap;
	bool timing;	   /* timers are being run */
	int64_t armed;	   /* what timer_fd is set to; INT64_MAX: not set */
	int64_t now, wall; /* nanoseconds, at the begin of the turn */
	struct epoll_event batch[BATCH];
	int batch_len, batch_at;
	bool stopped;
	int result;
};

static int64_t system_boottime(void *arg)
{
	struct timespec ts;

	(void)arg;
	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

static int64_t system_wall(void *arg)
{
	struct timespec ts;

	(void)arg;
	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

const struct clock clock_system = { .boottime = system_boottime, .wall = system_wall };

/* The timers themselves run in each turn; the descriptor only ends the wait. */
static void timer_ready(struct loop_io *io, uint32_t events)
{
	uint64_t expirations;

	(void)events;
	if (read(io->fd, &expirations, sizeof(expirations)) < 0)
		return; /* it was set anew meanwhile */
	io->loop->armed = INT64_MAX;
}

static void read_clocks(struct loop *l)
{
	l->now = l->clock.boottime(l->clock.arg);
	l->wall = l->clock.wall(l->clock.arg);
}

int loop_new(const struct clock *clock, const struct loop_phases *phases, struct loop **ret)
{
	struct loop *l = calloc(1, sizeof(*l));
	int rc = 0;

	if (!l)
		return -ENOMEM;
	l->clock = *clock;
	if (phases)
		l->phases = *phases;
	l->armed = INT64_MAX;
	read_clocks(l);
	l->signal_fd = -1;
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	l->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (l->epoll_fd < 0 || l->timer_fd < 0)
		rc = -errno;
	if (!rc)
		rc = loop_io_add(l, &l->timer_io, l->timer_fd, EPOLLIN, timer_ready);
	if (rc) {
		loop_free(l);
		return rc;
	}
	*ret = l;
	return 0;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	loop_io_del(&l->signal_io);
	loop_io_del(&l->timer_io);
	cleanup_fd(&l->signal_fd);
	cleanup_fd(&l->timer_fd);
	cleanup_fd(&l->epoll_fd);
	free(l->timers.at);
	free(l);
}

int64_t loop_now(const struct loop *l)
{
	return l->now;
}

int64_t loop_wall(const struct loop *l)
{
	return l->wall / NS_PER_S;
}

int64_t loop_to_wall(const struct loop *l, int64_t boottime)
{
	if (boottime == INT64_MAX)
		return INT64_MAX;
	/* Both clocks were read together, so the same moment gives the same second in every turn.
	 */
	return (l->wall + (boottime - l->now) + NS_PER_S / 2) / NS_PER_S;
}

/* --- descriptors --- */

int loop_io_add(struct loop *l, struct loop_io *io, int fd, uint32_t events, loop_io_fn fn)
{
	struct epoll_event e = { .events = events, .data.ptr = io };

	if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0)
		return -errno;
	*io = (struct loop_io){ .loop = l, .fd = fd, .fn = fn };
	return 0;
}

int loop_io_change(struct loop_io *io, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = io };

	return epoll_ctl(io->loop->epoll_fd, EPOLL_CTL_MOD, io->fd, &e) < 0 ? -errno : 0;
}

void loop_io_del(struct loop_io *io)
{
	struct loop *l = io->loop;

	if (!l)
		return;
	epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, io->fd, NULL);
	for (int i = l->batch_at; i < l->batch_len; i++)
		if (l->batch[i].data.ptr == io)
			l->batch[i].data.ptr = NULL;
	io->loop = NULL;
}

/* --- timers --- */

int loop_timer_set(struct loop *l, struct loop_timer *t, int64_t at, loop_timer_fn fn)
{
	loop_timer_cancel(t);
	if (l->timing && at <= l->now)
		at = l->now + 1; /* not in this turn */
	if (l->timers.len == l->timers_cap) {
		size_t cap = l->timers_cap ? 2 * l->timers_cap : 16;
		struct heap_node **grown = realloc(l->timers.at, cap * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		l->timers.at = grown;
		l->timers_cap = cap;
	}
	t->loop = l;
	t->fn = fn;
	heap_insert(&l->timers, &t->node, at);
	return 0;
}

void loop_timer_cancel(struct loop_timer *t)
{
	if (!t->loop)
		return;
	heap_remove(&t->loop->timers, &t->node);
	t->loop = NULL;
}

/* Runs the timers that were due when the turn began; one that sets itself again for now waits for
 * the next turn. */
static bool run_timers(struct loop *l)
{
	struct heap_node *first;
	bool any = false;

	l->timing = true;
	while ((first = heap_first(&l->timers)) && first->key <= l->now) {
		struct loop_timer *t = CONTAINER_OF(first, struct loop_timer, node);

		loop_timer_cancel(t);
		t->fn(t);
		any = true;
	}
	l->timing = false;
	return any;
}

static void arm(struct loop *l)
{
	const struct heap_node *first = heap_first(&l->timers);
	int64_t at = first ? first->key : INT64_MAX;
	struct itimerspec spec = { 0 };

	if (at == l->armed)
		return;
	if (at != INT64_MAX) {
		if (at < 1)
			at = 1; /* zero would disarm it */
		spec.it_value =
			(struct timespec){ .tv_sec = at / NS_PER_S, .tv_nsec = at % NS_PER_S };
	}
	timerfd_settime(l->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL);
	l->armed = at;
}

/* --- signals --- */

static void signal_ready(struct loop_io *io, uint32_t events)
{
	struct loop *l = io->loop;
	struct signalfd_siginfo info;

	(void)events;
	while (io->loop && read(io->fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		l->signal_fn(l->signal_arg, (int)info.ssi_signo);
}

int loop_signals(struct loop *l, const sigset_t *set, void (*fn)(void *arg, int signo), void *arg)
{
	if (sigprocmask(SIG_BLOCK, set, NULL) < 0)
		return -errno;
	l->signal_fd = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (l->signal_fd < 0)
		return -errno;
	l->signal_fn = fn;
	l->signal_arg = arg;
	return loop_io_add(l, &l->signal_io, l->signal_fd, EPOLLIN, signal_ready);
}

/* --- turns --- */

static int wait_for_events(struct loop *l, bool wait)
{
	const struct heap_node *first = heap_first(&l->timers);
	int n;

	if (!l->clock.advance)
		arm(l);
	do {
		n = epoll_wait(l->epoll_fd, l->batch, BATCH, wait && !l->clock.advance ? -1 : 0);
	} while (n < 0 && errno == EINTR);
	if (n <= 0 && wait && l->clock.advance && first &&
	    first->key > l->clock.boottime(l->clock.arg))
		l->clock.advance(l->clock.arg, first->key);
	return n;
}

bool loop_turn(struct loop *l, bool wait)
{
	bool any;

	l->batch_at = 0;
	l->batch_len = wait_for_events(l, wait);
	read_clocks(l);
	any = l->batch_len > 0;
	any = run_timers(l) || any;
	for (l->batch_at = 0; l->batch_at < l->batch_len;) {
		struct epoll_event *e = &l->batch[l->batch_at++];
		struct loop_io *io = e->data.ptr;

		if (io)
			io->fn(io, e->events);
	}
	l->batch_len = 0;
	if (l->phases.commit)
		l->phases.commit(l->phases.arg);
	if (l->phases.transmit)
		l->phases.transmit(l->phases.arg);
	return any;
}

int loop_run(struct loop *l)
{
	l->stopped = false;
	while (!l->stopped)
		loop_turn(l, true);
	return l->result;
}

void loop_stop(struct loop *l, int result)
{
	l->stopped = true;
	l->result = result;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The loop, with a clock that is told what time it is; and a little of it with the real one. */
#include <fcntl.h>
#include <time.h>

#include "base/container.h"
#include "loop.h"
#include "sequence.h"
#include "unit.h"

/* --- a virtual clock --- */

enum { START = 1000 }; /* any time but 0 */

static struct {
	int64_t now;
	unsigned advances;
} virtual;

static int64_t virtual_boottime(void *arg)
{
	(void)arg;
	return virtual.now;
}

static int64_t virtual_wall(void *arg)
{
	(void)arg;
	return 1700000000 * NS_PER_S + virtual.now;
}

static void virtual_advance(void *arg, int64_t until)
{
	(void)arg;
	ck_assert_int_gt(until, virtual.now); /* a clock does not go back */
	virtual.now = until;
	virtual.advances++;
}

static const struct clock virtual_clock = { .boottime = virtual_boottime,
					    .wall = virtual_wall,
					    .advance = virtual_advance };

static struct loop *loop;

/* What happened, a letter each. */
static char story[256];

static void make(void)
{
	virtual.now = START;
	virtual.advances = 0;
	memset(story, 0, sizeof(story));
	ck_assert_int_eq(loop_new(&virtual_clock, NULL, &loop), 0);
}

static void drop(void)
{
	loop_free(loop);
}

static void tell(char what)
{
	size_t n = strlen(story);

	ck_assert_uint_lt(n, sizeof(story) - 1);
	story[n] = what;
}

/* --- timers --- */

struct timed {
	struct loop_timer timer;
	char name;
	int64_t at, ran_at;
	unsigned runs;
	struct timed *victim; /* is cancelled */
	int64_t again;	      /* sets itself again, this much later; 0: does not */
};

static void timed_run(struct loop_timer *timer)
{
	struct timed *t = CONTAINER_OF(timer, struct timed, timer);

	t->runs++;
	t->ran_at = loop_now(loop);
	if (t->name)
		tell(t->name);
	if (t->victim)
		loop_timer_cancel(&t->victim->timer);
	if (t->again)
		ck_assert_int_eq(loop_timer_set(loop, timer, t->ran_at + t->again, timed_run), 0);
}

static void timed_set(struct timed *t, int64_t at)
{
	t->at = at;
	ck_assert_int_eq(loop_timer_set(loop, &t->timer, at, timed_run), 0);
}

static void turns(unsigned n)
{
	while (n--)
		loop_turn(loop, true);
}

START_TEST(a_day)
{
	enum { MINUTES = 24 * 60 };
	struct timed t = { .again = 60 * NS_PER_S };

	timed_set(&t, START + 60 * NS_PER_S);
	turns(MINUTES);
	ck_assert_uint_eq(t.runs, MINUTES);
	ck_assert_int_eq(t.ran_at, START + MINUTES * 60 * NS_PER_S);
	ck_assert_uint_eq(virtual.advances, MINUTES);
}
END_TEST

/* Many timers, set and set again and cancelled at random: each runs when it is due, in order. */
START_TEST(timers_in_order)
{
	enum { TIMERS = 200 };
	struct timed t[TIMERS] = { 0 };
	struct sequence s = { .state = (uint64_t)_i };
	int64_t last = START;
	unsigned left = 0;

	for (unsigned i = 0; i < 3 * TIMERS; i++)
		timed_set(&t[sequence_below(&s, TIMERS)], START + 1 + sequence_below(&s, 1000));
	for (unsigned i = 0; i < TIMERS; i += 3)
		loop_timer_cancel(&t[i].timer);
	for (unsigned i = 0; i < TIMERS; i++)
		left += t[i].timer.loop != NULL;
	while (loop_turn(loop, true)) {
		ck_assert_int_gt(loop_now(loop), last);
		last = loop_now(loop);
	}
	for (unsigned i = 0; i < TIMERS; i++) {
		left -= t[i].runs;
		ck_assert_uint_le(t[i].runs, i % 3 != 0);
		if (t[i].runs)
			ck_assert_int_eq(t[i].ran_at, t[i].at);
	}
	ck_assert_uint_eq(left, 0);
}
END_TEST

/* Those that are due in one turn run in order of their times. */
START_TEST(overdue_timers_in_order)
{
	struct timed a = { .name = 'a' }, b = { .name = 'b' }, c = { .name = 'c' };

	timed_set(&c, START - 1);
	timed_set(&a, START - 900);
	timed_set(&b, START - 20);
	turns(1);
	ck_assert_str_eq(story, "abc");
	ck_assert_uint_eq(virtual.advances, 0);
	ck_assert_int_eq(loop_now(loop), START);
}
END_TEST

START_TEST(timer_is_set_again)
{
	struct timed a = { .name = 'a' }, b = { .name = 'b' };

	timed_set(&a, START + 10);
	timed_set(&b, START + 20);
	timed_set(&a, START + 30);
	turns(3);
	ck_assert_str_eq(story, "ba");
	ck_assert_int_eq(a.ran_at, START + 30);
}
END_TEST

START_TEST(cancelled_timer_does_not_run)
{
	struct timed a = { .name = 'a' }, b = { .name = 'b' };

	loop_timer_cancel(&a.timer); /* not set: nothing happens */
	timed_set(&a, START + 10);
	timed_set(&b, START + 20);
	loop_timer_cancel(&a.timer);
	loop_timer_cancel(&a.timer);
	turns(2);
	ck_assert_str_eq(story, "b");
}
END_TEST

/* All are due in the same turn; the first cancels the second. */
START_TEST(cancel_while_dispatching)
{
	struct timed b = { .name = 'b' }, a = { .name = 'a', .victim = &b }, c = { .name = 'c' };

	timed_set(&a, START + 10);
	timed_set(&b, START + 11);
	timed_set(&c, START + 12);
	virtual.now = START + 100;
	turns(1);
	ck_assert_str_eq(story, "ac");
	ck_assert_ptr_null(b.timer.loop);
	ck_assert(!loop_turn(loop, true));
}
END_TEST

/* A timer may be set by one that runs, for what is already over: that is for the next turn, however
 * many others there are. */
START_TEST(again_for_now_is_the_next_turn)
{
	struct timed a = { .name = 'a', .again = (int64_t[]){ -5, -1 }[_i] };
	struct timed b = { .name = 'b' }, far = { .name = 'f' }, further = { .name = 'g' };

	timed_set(&a, START - 10);
	timed_set(&b, START - 5);
	timed_set(&far, START + NS_PER_S);
	timed_set(&further, START + 2 * NS_PER_S);
	turns(1);
	ck_assert_str_eq(story, "ab");
	turns(2);
	ck_assert_str_eq(story, "abaa");
}
END_TEST

static void free_timed(struct loop_timer *timer)
{
	free(CONTAINER_OF(timer, struct timed, timer));
	tell('x');
}

/* Its object may be gone when a timer's function returns. */
START_TEST(timer_frees_its_object)
{
	struct timed *t = calloc(1, sizeof(*t));

	ck_assert_int_eq(loop_timer_set(loop, &t->timer, START + 1, free_timed), 0);
	ck_assert(loop_turn(loop, true));
	ck_assert(!loop_turn(loop, true));
	ck_assert_str_eq(story, "x");
}
END_TEST

START_TEST(nothing_to_do)
{
	struct timed t = { 0 };

	ck_assert(!loop_turn(loop, true));
	ck_assert(!loop_turn(loop, false));
	timed_set(&t, START + 1);
	ck_assert(!loop_turn(loop, false)); /* does not wait, so time does not pass */
	ck_assert_int_eq(virtual.now, START);
	ck_assert(loop_turn(loop, true));
	ck_assert(!loop_turn(loop, true));
}
END_TEST

/* --- clocks --- */

static void move_clock(struct loop_timer *timer)
{
	(void)timer;
	virtual.now += 5 * NS_PER_S;
	ck_assert_int_eq(loop_now(loop), START + NS_PER_S);
	ck_assert_int_eq(loop_wall(loop), 1700000001);
	tell('x');
}

/* The time of a turn is that of its begin. */
START_TEST(time_stands_still_in_a_turn)
{
	struct loop_timer t = { 0 };

	ck_assert_int_eq(loop_timer_set(loop, &t, START + NS_PER_S, move_clock), 0);
	turns(1);
	ck_assert_str_eq(story, "x");
	ck_assert_int_eq(loop_now(loop), START + NS_PER_S);
	turns(1);
	ck_assert_int_eq(loop_now(loop), START + 6 * NS_PER_S);
	ck_assert_int_eq(loop_wall(loop), 1700000006);
}
END_TEST

START_TEST(wall_clock_of_a_time)
{
	ck_assert_int_eq(loop_to_wall(loop, INT64_MAX), INT64_MAX);
	ck_assert_int_eq(loop_to_wall(loop, START), 1700000000);
	ck_assert_int_eq(loop_to_wall(loop, START + 3600 * NS_PER_S), 1700003600);
	ck_assert_int_eq(loop_to_wall(loop, START - 3600 * NS_PER_S), 1699996400);
	virtual.now += NS_PER_S / 3;
	turns(1);
	ck_assert_int_eq(loop_to_wall(loop, START + 3600 * NS_PER_S), 1700003600);
}
END_TEST

/* --- descriptors --- */

struct piped {
	struct loop_io io;
	int fd[2]; /* a pipe that has an octet in it; io watches its reading end */
	char name;
	unsigned calls;
	uint32_t events;
	struct piped *victim; /* is not watched any more, and freed */
};

static void piped_ready(struct loop_io *io, uint32_t events)
{
	struct piped *p = CONTAINER_OF(io, struct piped, io);

	p->calls++;
	p->events = events;
	if (p->name)
		tell(p->name);
	if (p->victim) {
		struct piped *victim = p->victim;

		loop_io_del(&victim->io);
		close(victim->fd[0]);
		close(victim->fd[1]);
		free(victim);
	}
}

static struct piped *piped_new(char name)
{
	struct piped *p = calloc(1, sizeof(*p));

	p->name = name;
	ck_assert_int_eq(pipe2(p->fd, O_CLOEXEC | O_NONBLOCK), 0);
	ck_assert_int_eq(write(p->fd[1], "x", 1), 1);
	ck_assert_int_eq(loop_io_add(loop, &p->io, p->fd[0], EPOLLIN, piped_ready), 0);
	return p;
}

static void piped_free(struct piped *p)
{
	loop_io_del(&p->io);
	close(p->fd[0]);
	close(p->fd[1]);
	free(p);
}

START_TEST(io_is_called_while_it_is_ready)
{
	struct piped *p = piped_new('p');
	char octet;

	ck_assert(loop_turn(loop, false));
	ck_assert(loop_turn(loop, false));
	ck_assert_uint_eq(p->events, EPOLLIN);
	ck_assert_int_eq(read(p->fd[0], &octet, 1), 1);
	ck_assert(!loop_turn(loop, false));
	ck_assert_str_eq(story, "pp");
	piped_free(p);
}
END_TEST

START_TEST(io_changes)
{
	struct piped *p = piped_new('p');

	ck_assert_int_eq(loop_io_change(&p->io, 0), 0);
	ck_assert(!loop_turn(loop, false));
	ck_assert_int_eq(loop_io_change(&p->io, EPOLLIN), 0);
	ck_assert(loop_turn(loop, false));
	close(p->fd[1]);
	p->fd[1] = -1;
	ck_assert(loop_turn(loop, false));
	ck_assert_uint_eq(p->events, EPOLLIN | EPOLLHUP);
	piped_free(p);
}
END_TEST

/* Two are ready at once, and whichever comes first frees the other, whose turn it will not be. */
START_TEST(io_deletes_another)
{
	struct piped *a = piped_new('a'), *b = piped_new('b'), *left;

	a->victim = b;
	b->victim = a;
	turns(1);
	ck_assert_uint_eq(strlen(story), 1);
	left = story[0] == 'a' ? a : b;
	left->victim = NULL;
	piped_free(left);
	ck_assert(!loop_turn(loop, false));
}
END_TEST

START_TEST(io_deletes_itself)
{
	struct piped *a = piped_new('a');

	a->victim = a;
	ck_assert(loop_turn(loop, false));
	ck_assert(!loop_turn(loop, false));
	ck_assert_str_eq(story, "a");
}
END_TEST

struct killer {
	struct loop_timer timer;
	struct piped *victim;
};

static void kill_victim(struct loop_timer *timer)
{
	struct killer *k = CONTAINER_OF(timer, struct killer, timer);

	piped_free(k->victim);
	tell('k');
}

/* Timers run first: an object that is ready may be gone by then. */
START_TEST(timer_deletes_io)
{
	struct killer k = { .victim = piped_new('p') };

	ck_assert_int_eq(loop_timer_set(loop, &k.timer, START, kill_victim), 0);
	turns(2);
	ck_assert_str_eq(story, "k");
}
END_TEST

static struct loop_io *renewed;
static int renewed_fd;

static void count_renewed(struct loop_io *io, uint32_t events)
{
	(void)io;
	(void)events;
	tell('r');
}

static void renew(struct loop_io *io, uint32_t events)
{
	(void)io;
	(void)events;
	tell('n');
	loop_io_del(renewed);
	ck_assert_int_eq(loop_io_add(loop, renewed, renewed_fd, EPOLLIN, count_renewed), 0);
	loop_io_del(io);
}

/* An event that came for the object's former descriptor is not given to its next. */
START_TEST(io_is_renewed_within_a_batch)
{
	struct piped *a = piped_new('a'), *b = piped_new('b');
	int quiet[2];

	ck_assert_int_eq(pipe2(quiet, O_CLOEXEC), 0);
	renewed_fd = quiet[0];
	loop_io_del(&a->io);
	loop_io_del(&b->io);
	renewed = &b->io;
	ck_assert_int_eq(loop_io_add(loop, &a->io, a->fd[0], EPOLLIN, renew), 0);
	ck_assert_int_eq(loop_io_add(loop, &b->io, b->fd[0], EPOLLIN, count_renewed), 0);
	turns(2);
	/* b may have had its turn before a. */
	ck_assert_str_eq(story, story[0] == 'r' ? "rn" : "n");
	ck_assert_int_eq(write(quiet[1], "x", 1), 1);
	turns(1);
	ck_assert_int_eq(story[strlen(story) - 1], 'r');
	piped_free(a);
	piped_free(b);
	close(quiet[0]);
	close(quiet[1]);
}
END_TEST

/* More than one batch: nobody is left out. */
START_TEST(io_of_many)
{
	enum { MANY = 200 };
	struct piped *p[MANY];

	for (unsigned i = 0; i < MANY; i++)
		p[i] = piped_new(0);
	turns(MANY);
	for (unsigned i = 0; i < MANY; i++) {
		ck_assert_uint_gt(p[i]->calls, 0);
		piped_free(p[i]);
	}
}
END_TEST

START_TEST(io_that_cannot_be_watched)
{
	CLEAN_FD int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct loop_io io = { 0 };
	struct piped *p = piped_new('p');

	ck_assert_int_eq(loop_io_add(loop, &io, -1, EPOLLIN, count_renewed), -EBADF);
	ck_assert_int_eq(loop_io_add(loop, &io, file, EPOLLIN, count_renewed), -EPERM);
	ck_assert_int_eq(loop_io_add(loop, &io, p->fd[0], EPOLLIN, count_renewed), -EEXIST);
	ck_assert_ptr_null(io.loop);
	loop_io_del(&io); /* is not watched: nothing happens */
	turns(1);
	ck_assert_str_eq(story, "p");
	piped_free(p);
}
END_TEST

/* --- phases --- */

static void commit(void *arg)
{
	ck_assert_ptr_eq(arg, story);
	tell('C');
}

static void transmit(void *arg)
{
	ck_assert_ptr_eq(arg, story);
	tell('T');
}

static void use_phases(void (*first)(void *arg), void (*second)(void *arg))
{
	const struct loop_phases phases = { .commit = first, .transmit = second, .arg = story };

	loop_free(loop);
	ck_assert_int_eq(loop_new(&virtual_clock, &phases, &loop), 0);
}

/* In each turn: all that is dispatched, then commit, then transmit. */
START_TEST(commit_before_transmit)
{
	struct timed t = { .name = 't' }, u = { .name = 'u' };
	struct piped *p;

	use_phases(commit, transmit);
	p = piped_new('p');
	timed_set(&t, START);
	timed_set(&u, START + 1);
	turns(2);
	ck_assert_str_eq(story, "tpCTpCT");
	piped_free(p);
	turns(2);
	ck_assert_str_eq(story, "tpCTpCTuCTCT");
}
END_TEST

START_TEST(phases_may_be_missing)
{
	use_phases(NULL, transmit);
	turns(2);
	use_phases(commit, NULL);
	turns(1);
	use_phases(NULL, NULL);
	turns(1);
	ck_assert_str_eq(story, "TTC");
}
END_TEST

static void stop_at_transmit(void *arg)
{
	tell('T');
	(void)arg;
	loop_stop(loop, 42);
}

START_TEST(runs_until_it_is_stopped)
{
	struct timed t = { .name = 't' };

	use_phases(commit, stop_at_transmit);
	timed_set(&t, START + 1);
	ck_assert_int_eq(loop_run(loop), 42);
	ck_assert_str_eq(story, "tCT");
	ck_assert_int_eq(loop_run(loop), 42); /* again */
	ck_assert_str_eq(story, "tCTCT");
}
END_TEST

static void stop_now(struct loop_timer *timer)
{
	(void)timer;
	loop_stop(loop, 7);
}

/* The turn in which the loop is stopped is finished: what it promised is kept. */
START_TEST(finishes_its_last_turn)
{
	struct loop_timer t = { 0 };

	use_phases(commit, transmit);
	ck_assert_int_eq(loop_timer_set(loop, &t, START, stop_now), 0);
	ck_assert_int_eq(loop_run(loop), 7);
	ck_assert_str_eq(story, "CT");
}
END_TEST

/* --- signals --- */

static void on_signal(void *arg, int signo)
{
	ck_assert_ptr_eq(arg, story);
	tell(signo == SIGUSR1 ? '1' : signo == SIGUSR2 ? '2' : signo == SIGTERM ? 't' : '?');
	if (signo == SIGTERM)
		loop_stop(loop, 15);
}

static void take_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGTERM);
	ck_assert_int_eq(loop_signals(loop, &set, on_signal, story), 0);
}

START_TEST(signals)
{
	take_signals();
	ck_assert(!loop_turn(loop, false));
	raise(SIGUSR2);
	ck_assert(loop_turn(loop, false));
	ck_assert_str_eq(story, "2");
	raise(SIGUSR1);
	raise(SIGUSR1); /* while it is pending: one signal */
	raise(SIGUSR2);
	turns(1);
	ck_assert_str_eq(story, "212");
	ck_assert(!loop_turn(loop, false));
}
END_TEST

START_TEST(signal_stops_the_loop)
{
	struct timed t = { .again = 1 };

	take_signals();
	timed_set(&t, START + 1);
	raise(SIGTERM);
	ck_assert_int_eq(loop_run(loop), 15);
	ck_assert_str_eq(story, "t");
}
END_TEST

/* --- the clock of the system --- */

static void use_system_clock(void)
{
	loop_free(loop);
	ck_assert_int_eq(loop_new(&clock_system, NULL, &loop), 0);
}

/* The descriptor for timers wakes the loop, for whichever timer is the first by now; also for one
 * that is over, or before all time. Were it not to, this would wait for ever. */
START_TEST(real_timers_wake_the_loop)
{
	struct timed t[] = { { .name = 'a' }, { .name = 'b' }, { .name = 'c' }, { .name = 'd' } };

	use_system_clock();
	timed_set(&t[0], loop_now(loop) + 3600 * NS_PER_S);
	ck_assert(!loop_turn(loop, false)); /* armed for an hour */
	timed_set(&t[1], loop_now(loop) + 1000);
	while (!t[1].runs)
		loop_turn(loop, true);
	ck_assert_int_ge(t[1].ran_at, t[1].at);
	timed_set(&t[2], -NS_PER_S);
	while (!t[2].runs)
		loop_turn(loop, true);
	timed_set(&t[3], 0);
	while (!t[3].runs)
		loop_turn(loop, true);
	ck_assert_str_eq(story, "bcd");
	ck_assert(!loop_turn(loop, false));
	loop_timer_cancel(&t[0].timer);
}
END_TEST

/* A timer that is set for the time at which it has run already wakes the loop once more. */
START_TEST(real_timer_for_the_same_time)
{
	struct timed t = { .name = 't' };

	use_system_clock();
	timed_set(&t, loop_now(loop) + 1000);
	while (t.runs < 1)
		loop_turn(loop, true);
	timed_set(&t, t.at);
	while (t.runs < 2)
		loop_turn(loop, true);
	ck_assert_str_eq(story, "tt");
}
END_TEST

START_TEST(real_clock_is_both)
{
	struct timespec boot, wall;

	clock_gettime(CLOCK_BOOTTIME, &boot);
	clock_gettime(CLOCK_REALTIME, &wall);
	use_system_clock();
	ck_assert_int_ge(loop_now(loop), boot.tv_sec * NS_PER_S + boot.tv_nsec);
	ck_assert_int_ge(loop_wall(loop), wall.tv_sec);
	ck_assert_int_eq(loop_to_wall(loop, loop_now(loop) + 5 * NS_PER_S),
			 loop_to_wall(loop, loop_now(loop)) + 5);
}
END_TEST

UNIT_SUITE(netd_loop)
{
	tcase_add_checked_fixture(tc, make, drop);
	tcase_add_test(tc, a_day);
	tcase_add_loop_test(tc, timers_in_order, 0, 4);
	tcase_add_test(tc, overdue_timers_in_order);
	tcase_add_test(tc, timer_is_set_again);
	tcase_add_test(tc, cancelled_timer_does_not_run);
	tcase_add_test(tc, cancel_while_dispatching);
	tcase_add_loop_test(tc, again_for_now_is_the_next_turn, 0, 2);
	tcase_add_test(tc, timer_frees_its_object);
	tcase_add_test(tc, nothing_to_do);
	tcase_add_test(tc, time_stands_still_in_a_turn);
	tcase_add_test(tc, wall_clock_of_a_time);
	tcase_add_test(tc, io_is_called_while_it_is_ready);
	tcase_add_test(tc, io_changes);
	tcase_add_test(tc, io_deletes_another);
	tcase_add_test(tc, io_deletes_itself);
	tcase_add_test(tc, timer_deletes_io);
	tcase_add_test(tc, io_is_renewed_within_a_batch);
	tcase_add_test(tc, io_of_many);
	tcase_add_test(tc, io_that_cannot_be_watched);
	tcase_add_test(tc, commit_before_transmit);
	tcase_add_test(tc, phases_may_be_missing);
	tcase_add_test(tc, runs_until_it_is_stopped);
	tcase_add_test(tc, finishes_its_last_turn);
	tcase_add_test(tc, signals);
	tcase_add_test(tc, signal_stops_the_loop);
	tcase_add_test(tc, real_timers_wake_the_loop);
	tcase_add_test(tc, real_timer_for_the_same_time);
	tcase_add_test(tc, real_clock_is_both);
}

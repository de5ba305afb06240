/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Captures as netd has them, with processes that behave well, badly, or not at all in place of the
 * one that captures. */
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "fake_host.h"
#include "unit.h"

static struct fake_daemon f;
static struct port *web1;
static char before[160];

/* --- processes --- */

struct process {
	const struct capture_job *job;
	int stream_fd, line_fd;
};

/* Else it would hold the other ends itself. */
static void close_others(const struct process *p)
{
	for (int fd = 3; fd < 1024; fd++)
		if (fd != p->stream_fd && fd != p->line_fd)
			close(fd);
}

static void say(const struct process *p, const char *word)
{
	if (send(p->line_fd, word, strlen(word), MSG_NOSIGNAL) < 0)
		_exit(1);
}

static void wait_for_end(const struct process *p)
{
	struct pollfd fds[] = { { .fd = p->line_fd }, { .fd = p->stream_fd } };

	poll(fds, 2, -1);
	_exit(0);
}

static void run_well(const struct process *p)
{
	close_others(p);
	dprintf(p->stream_fd, "%s %s '%s' %u", p->job->port, p->job->interface, p->job->filter,
		p->job->snapshot);
	say(p, "r");
	wait_for_end(p);
}

static void run_mute(const struct process *p)
{
	close_others(p);
	wait_for_end(p);
}

static void run_bad_filter(const struct process *p)
{
	say(p, "fsyntax\x1b error");
}

static void run_babbling(const struct process *p)
{
	close_others(p);
	say(p, "x1\xff");
	for (unsigned i = 0; i < 100; i++)
		if (send(p->line_fd, "rrrr", 4, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			_exit(0);
}

static void run_dying(const struct process *p)
{
	(void)p;
	_exit(1);
}

/* Says on the stream what it gets from netd. */
static void run_dropped(const struct process *p)
{
	static uint8_t buf[1 << 17];
	struct capture_dropped d;
	ssize_t n;

	close_others(p);
	say(p, "r");
	while ((n = recv(p->line_fd, buf, sizeof(buf), 0)) > 0) {
		memcpy(&d, buf, sizeof(d));
		dprintf(p->stream_fd, "%lld %s:", (long long)d.time, d.reason);
		for (ssize_t i = (ssize_t)sizeof(d); i < n; i++)
			dprintf(p->stream_fd, " %02x", buf[i]);
		dprintf(p->stream_fd, "\n");
	}
	_exit(0);
}

typedef void (*run_fn)(const struct process *p);

static run_fn run;

static int spawn(const struct capture_job *job, int stream_fd, int line_fd, pid_t *ret,
		 struct err *err)
{
	pid_t pid = fork();

	if (pid < 0)
		return err_sys(err, errno, "fork");
	if (pid == 0) {
		run(&(struct process){ job, stream_fd, line_fd });
		_exit(0);
	}
	*ret = pid;
	return 0;
}

static int spawn_nothing(const struct capture_job *job, int stream_fd, int line_fd, pid_t *ret,
			 struct err *err)
{
	(void)job;
	(void)stream_fd;
	(void)line_fd;
	(void)ret;
	return err_set(err, ENOENT, "cannot run netd-capture");
}

/* --- the daemon --- */

static void setup(void)
{
	f = (struct fake_daemon){ 0 };
	fake_start(&f, "mac { secret = test }\nnetwork default { subnet = 10.77.0.1/24 }\n");
	web1 = fake_attach(&f, "web1", 0);
	run = run_well;
	f.d->captures.spawn = spawn;
	fake_dump(before, sizeof(before));
}

static void teardown(void)
{
	if (f.d)
		fake_stop(&f);
	fake_remove(&f);
}

static unsigned captures(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < CAPTURES_MAX; i++)
		n += f.d->captures.at[i].state != CAPTURE_FREE;
	return n;
}

/* Of how many links netd hears what is dropped; of web1's, or of none. */
static unsigned heard(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < FAKE_LINKS; i++)
		n += fake_host->captured[i];
	ck_assert(!n || fake_host->captured[web1->ifindex % FAKE_LINKS]);
	return n;
}

/* Turns until something of a capture is to be read or has ended; false when there is nothing. */
static bool turn(void)
{
	struct pollfd fds[2 * CAPTURES_MAX];
	nfds_t n = 0;

	for (unsigned i = 0; i < CAPTURES_MAX; i++) {
		const struct capture *c = &f.d->captures.at[i];

		if (c->state == CAPTURE_FREE)
			continue;
		if (c->line_io.loop)
			fds[n++] = (struct pollfd){ .fd = c->line_fd, .events = POLLIN };
		if (c->pidfd >= 0)
			fds[n++] = (struct pollfd){ .fd = c->pidfd, .events = POLLIN };
	}
	if (n)
		ck_assert_int_gt(poll(fds, n, 60000), 0);
	fake_turn(&f);
	return n > 0;
}

static void wait_for_word(void)
{
	for (unsigned i = 0; i < CAPTURES_MAX; i++)
		while (f.d->captures.at[i].state == CAPTURE_STARTING)
			ck_assert(turn());
	fake_turn(&f);
}

/* All have ended, been waited for, and left nothing. */
static void check_over(void)
{
	char after[160];

	while (captures())
		ck_assert(turn());
	fake_turn(&f);
	ck_assert_str_eq(fake_dump(after, sizeof(after)), before);
	ck_assert(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
	ck_assert_uint_eq(heard(), 0);
}

static int start(uid_t uid, bool dropped)
{
	struct capture_request q = { .port = web1,
				     .uid = uid,
				     .filter = "",
				     .snapshot = 1,
				     .dropped = dropped,
				     .caller = { 7777, 1 } }; /* who has hung up */

	return capture_start(f.d, &q, &unit_err);
}

/* --- callers --- */

static int call(const char *parameters)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char text[2048];
	int len = snprintf(text, sizeof(text),
			   "{\"method\": \"io.netd.Capture\", \"parameters\": %s}", parameters);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", f.socket);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	ck_assert_int_eq(send(fd, text, (size_t)len + 1, 0), len + 1);
	fake_turn(&f); /* accepts */
	fake_turn(&f); /* reads */
	return fd;
}

/* The reply's text, and its descriptor or -1. The caller is gone then. */
static void receive(int fd, char text[1024], int *ret_fd)
{
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { text, 1024 };
	struct msghdr mh = { .msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control,
			     .msg_controllen = sizeof(control) };
	struct cmsghdr *h;

	ck_assert_int_gt(recvmsg(fd, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC), 0);
	h = CMSG_FIRSTHDR(&mh);
	*ret_fd = -1;
	if (h)
		memcpy(ret_fd, CMSG_DATA(h), sizeof(*ret_fd));
	close(fd);
	fake_turn(&f);
}

/* --- tests --- */

START_TEST(is_given_to_the_caller)
{
	int fd = call("{\"guest\": \"web1\", \"filter\": \"icmp\", \"snapshotLength\": 96}"),
	    stream;
	char text[1024], want[128];
	ssize_t n;

	ck_assert_uint_eq(captures(), 1);
	wait_for_word();
	receive(fd, text, &stream);
	snprintf(want, sizeof(want), "{\"parameters\":{\"fileDescriptor\":0,\"interface\":\"%s\"}}",
		 web1->ifname);
	ck_assert_str_eq(text, want);
	ck_assert_int_ge(stream, 0);
	n = recv(stream, text, sizeof(text) - 1, 0);
	ck_assert_int_gt(n, 0);
	text[n] = 0;
	snprintf(want, sizeof(want), "web1/0 %s 'icmp' 96", web1->ifname);
	ck_assert_str_eq(text, want);
	/* It outlives the call, and ends with the device. */
	ck_assert_uint_eq(captures(), 1);
	fake_link_gone(web1->ifindex);
	ck_assert_int_eq(recv(stream, text, sizeof(text), 0), 0);
	close(stream);
	fake_turn(&f);
	while (captures())
		ck_assert(turn());
}
END_TEST

START_TEST(reader_ends_it)
{
	int fd = call("{\"guest\": \"web1\"}"), stream;
	char text[1024];

	wait_for_word();
	receive(fd, text, &stream);
	close(stream);
	check_over();
}
END_TEST

static const struct {
	run_fn run;
	const char *want;
} failures[] = {
	{ run_bad_filter, "{\"error\":\"io.netd.BadFilter\",\"parameters\":{\"filter\":\"a b\","
			  "\"reason\":\"syntax\\\\x1b error\"}}" },
	{ run_babbling, "\"reason\":\"1\\\\xff\"}}" },
	{ run_dying, "\"reason\":\"the capture has ended before it began\"}}" },
};

START_TEST(failure_is_told)
{
	char text[1024];
	int fd, stream;

	run = failures[_i].run;
	fd = call("{\"guest\": \"web1\", \"filter\": \"a b\"}");
	wait_for_word();
	receive(fd, text, &stream);
	ck_assert_int_eq(stream, -1);
	ck_assert_msg(strstr(text, failures[_i].want) != NULL, "%s", text);
	check_over();
}
END_TEST

static const struct {
	const char *parameters, *want;
} refusals[] = {
	{ "{\"guest\": \"web2\"}", "io.netd.NoSuchGuest\",\"parameters\":{\"guest\":\"web2\"" },
	{ "{\"guest\": \"web1\", \"nic\": 1}",
	  "io.netd.NoSuchGuest\",\"parameters\":{\"guest\":\"web1/1\"" },
	{ "{\"guest\": \"web1\", \"nic\": 4294967295}", "io.netd.NoSuchGuest" },
	{ "{\"guest\": \"web1\", \"snapshotLength\": 0}", "io.netd.BadValue" },
	{ "{\"guest\": \"web1\", \"snapshotLength\": 262145}", "io.netd.BadValue" },
	{ "{\"guest\": \"web1\", \"filter\": 1}", "org.varlink.service.InvalidParameter" },
	{ "{\"guest\": \"db\"}", "io.netd.NotAttached\",\"parameters\":{\"port\":\"db/0\"" },
};

START_TEST(is_refused)
{
	const struct network *n = &f.d->network[0];
	struct wish wish = { 0 };
	char text[1024];
	struct refusal r;
	struct port *db;
	int fd, stream;

	ck_assert_int_eq(port_reserve(f.d, n, "db", &wish, &db, &r), 0);
	fd = call(refusals[_i].parameters);
	receive(fd, text, &stream);
	ck_assert_msg(strstr(text, refusals[_i].want) != NULL, "%s", text);
	check_over();
}
END_TEST

START_TEST(filter_s_length)
{
	char parameters[CAPTURE_FILTER_MAX + 64], text[1024], filter[CAPTURE_FILTER_MAX + 1] = "";
	int fd, stream;

	for (size_t len = CAPTURE_FILTER_MAX - 1; len <= CAPTURE_FILTER_MAX; len++) {
		memset(filter, 'a', len);
		snprintf(parameters, sizeof(parameters),
			 "{\"guest\": \"web1\", \"filter\": \"%s\"}", filter);
		fd = call(parameters);
		wait_for_word();
		receive(fd, text, &stream);
		ck_assert_int_eq(stream >= 0, len < CAPTURE_FILTER_MAX);
		if (stream >= 0)
			close(stream);
		else
			ck_assert_ptr_nonnull(strstr(text, "\"parameter\":\"filter\""));
	}
	check_over();
}
END_TEST

/* Before its process has said a word, and before that was told. */
START_TEST(caller_hangs_up)
{
	int fd = call("{\"guest\": \"web1\"}");

	close(fd);
	check_over();
	run = run_bad_filter;
	close(call("{\"guest\": \"web1\"}"));
	check_over();
}
END_TEST

START_TEST(device_goes_before_it_begins)
{
	char text[1024];
	int fd, stream;

	run = run_mute;
	fd = call("{\"guest\": \"web1\"}");
	fake_link_gone(web1->ifindex);
	while (captures())
		ck_assert(turn());
	receive(fd, text, &stream);
	ck_assert_ptr_nonnull(strstr(text, "io.netd.CaptureFailed"));
	ck_assert_int_eq(stream, -1);
}
END_TEST

START_TEST(no_more_than_there_may_be)
{
	run = run_mute;
	for (unsigned i = 0; i < CAPTURES_OF_USER; i++)
		ck_ok(start(1000, false));
	ck_assert_int_eq(start(1000, false), -EUSERS);
	for (unsigned i = 0; i < CAPTURES_OF_USER; i++)
		ck_ok(start(1001, false));
	while (captures() < CAPTURES_MAX)
		ck_ok(start(0, false));
	ck_assert_int_eq(start(0, false), -EUSERS);
	ck_assert_int_eq(start(1002, false), -EUSERS);
	captures_end_link(f.d, web1->ifindex + 1);
	ck_assert_uint_eq(captures(), CAPTURES_MAX);
	captures_end_link(f.d, web1->ifindex);
	check_over();
	ck_ok(start(1000, false));
	captures_end_link(f.d, web1->ifindex);
	check_over();
}
END_TEST

static const uint8_t ethernet[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x08, 0x00 };

static struct trap_packet dropped_packet(void)
{
	return (struct trap_packet){ .ifindex = web1->ifindex,
				     .ethernet = ethernet,
				     .ip = (const uint8_t *)"\x45",
				     .len = 1,
				     .dropped = "mac",
				     .time = 42 };
}

static void drop(struct trap_packet p)
{
	fake_host->listener.dropped(fake_host->listener.arg, &p);
}

START_TEST(dropped_packets)
{
	struct trap_packet p = dropped_packet();
	char text[1024];
	int fd, stream;

	run = run_dropped;
	fd = call("{\"guest\": \"web1\", \"dropped\": true}");
	ck_assert_uint_eq(heard(), 1);
	wait_for_word();
	receive(fd, text, &stream);
	drop(p);
	p.ifindex++; /* another port's */
	drop(p);
	p = dropped_packet();
	p.dropped = NULL; /* not dropped */
	drop(p);
	p = dropped_packet();
	p.vlan = true;
	memcpy(p.tag, "\x81\x00\x20\x05", 4);
	p.time = 0; /* the kernel does not say: it is now */
	p.dropped =
		"a reason that is longer than netd has room for, which no reason of the guard is";
	drop(p);
	captures_end_link(f.d, web1->ifindex);
	memset(text, 0, sizeof(text));
	for (ssize_t n = 1, at = 0; n > 0; at += n)
		n = recv(stream, text + at, sizeof(text) - 1 - (size_t)at, 0);
	close(stream);
	ck_assert_str_eq(text, "42 mac: 01 02 03 04 05 06 07 08 09 0a 0b 0c 08 00 45\n"
			       "1800000000000000000 "
			       "a reason that is longer than netd has room for, which no reason: "
			       "01 02 03 04 05 06 07 08 09 0a 0b 0c 81 00 20 05 08 00 45\n");
	check_over();
}
END_TEST

/* The rules and the kernel's log are asked for once, and for as long as one of them is there. */
START_TEST(dropped_of_several)
{
	uint32_t links[CAPTURES_MAX];

	run = run_mute;
	ck_ok(start(0, false));
	ck_assert_uint_eq(captures_links(f.d, links), 0);
	ck_ok(start(0, true));
	ck_ok(start(0, true));
	ck_assert_uint_eq(captures_links(f.d, links), 1);
	ck_assert_uint_eq(links[0], web1->ifindex);
	ck_assert_uint_eq(heard(), 1);
	/* The rules are made anew, and it is still so. */
	ck_ok(rules_apply(f.d, true, &unit_err));
	ck_assert_uint_eq(heard(), 1);
	captures_end_link(f.d, web1->ifindex);
	ck_assert_uint_eq(captures_links(f.d, links), 0);
	check_over();
}
END_TEST

START_TEST(host_that_fails)
{
	fake_fail(1);
	ck_assert_int_eq(start(0, true), -EIO);
	fake_fail(0);
	ck_assert_uint_eq(captures(), 0);
	check_over();
	f.d->captures.spawn = spawn_nothing;
	ck_assert_int_eq(start(0, true), -ENOENT);
	ck_assert_str_eq(unit_err.text, "cannot run netd-capture");
	check_over();
}
END_TEST

/* Descriptors run out at each step there is. */
START_TEST(descriptors_run_out)
{
	struct rlimit most;
	unsigned refused = 0;
	rlim_t n = 0;

	run = run_mute;
	getrlimit(RLIMIT_NOFILE, &most);
	while (fcntl((int)n, F_GETFD) >= 0)
		n++;
	for (;; n++, refused++) {
		struct rlimit few = { n, most.rlim_max };
		int rc;

		setrlimit(RLIMIT_NOFILE, &few);
		rc = start(0, true);
		setrlimit(RLIMIT_NOFILE, &most);
		if (!rc)
			break;
		ck_assert_uint_eq(captures(), 0);
		check_over();
	}
	ck_assert_uint_ge(refused, 5); /* two pairs and a pidfd */
	captures_end_link(f.d, web1->ifindex);
	check_over();
}
END_TEST

/* netd does not wait for who does not read; what was lost is counted. */
START_TEST(dropped_packets_without_room)
{
	static uint8_t big[32768];
	struct trap_packet p = dropped_packet();
	const struct capture *c = NULL;

	run = run_mute;
	ck_ok(start(0, true));
	for (unsigned i = 0; i < CAPTURES_MAX; i++)
		if (f.d->captures.at[i].state != CAPTURE_FREE)
			c = &f.d->captures.at[i];
	p.ip = big;
	p.len = sizeof(big);
	for (unsigned i = 0; i < 1000; i++)
		drop(p);
	ck_assert_uint_gt(c->lost, 900);
	ck_assert_uint_lt(c->lost, 1000);
	captures_end_link(f.d, web1->ifindex);
	check_over();
}
END_TEST

START_TEST(daemon_ends)
{
	run = run_mute;
	ck_ok(start(0, true));
	ck_ok(start(0, false));
	fake_stop(&f);
	ck_assert_uint_eq(heard(), 0);
	for (unsigned i = 0; i < 2; i++)
		ck_assert_int_gt(waitpid(-1, NULL, 0), 0);
}
END_TEST

UNIT_SUITE(netd_capture)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, is_given_to_the_caller);
	tcase_add_test(tc, reader_ends_it);
	tcase_add_loop_test(tc, failure_is_told, 0, ARRAY_SIZE(failures));
	tcase_add_loop_test(tc, is_refused, 0, ARRAY_SIZE(refusals));
	tcase_add_test(tc, filter_s_length);
	tcase_add_test(tc, caller_hangs_up);
	tcase_add_test(tc, device_goes_before_it_begins);
	tcase_add_test(tc, no_more_than_there_may_be);
	tcase_add_test(tc, dropped_packets);
	tcase_add_test(tc, dropped_of_several);
	tcase_add_test(tc, host_that_fails);
	tcase_add_test(tc, descriptors_run_out);
	tcase_add_test(tc, dropped_packets_without_room);
	tcase_add_test(tc, daemon_ends);
}

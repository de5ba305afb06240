/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Captures on netd's side: a fixed table.
 *
 * Theory of operation: netd starts a process for each, of a program of its own, so that netd
 * neither loads libpcap and what that needs nor lends it its memory. It has two sockets: on the one
 * it writes pcapng to the reader; the other is the line to netd, on which it says once whether it
 * captures, and on which netd hands it what the guard dropped. Compiling a filter can ask a name
 * server, so the caller waits, parked, until that word comes. netd never waits: a line without room
 * loses the packet, and counts it. When netd closes the line, or dies, the process writes what it
 * still has and ends by itself; to kill it would cut the stream, and takes a capability that netd
 * does not have once the process is another user's.
 *
 * Nothing of this is in the way of packets while no one captures: there is then no packet socket,
 * no element in the rules' set of captured links, and no listener to what they log.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/container.h"
#include "varlink.h"

/* --- the process --- */

/* Beside netd itself, wherever that was installed. */
static int find_program(char path[PATH_MAX], struct err *err)
{
	static const char name[] = "netd-capture";
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - sizeof(name));

	if (n < 0)
		return err_sys(err, errno, "/proc/self/exe");
	while (n && path[n - 1] != '/')
		n--;
	memcpy(path + n, name, sizeof(name));
	return 0;
}

/* Neither of the two has one of the numbers: netd has more than that open before. */
static int hand_over(posix_spawn_file_actions_t *actions, int stream_fd, int line_fd)
{
	int rc = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDWR, 0);

	for (int fd = 1; fd < CAPTURE_STREAM_FD && !rc; fd++)
		rc = posix_spawn_file_actions_adddup2(actions, 0, fd);
	if (!rc)
		rc = posix_spawn_file_actions_adddup2(actions, stream_fd, CAPTURE_STREAM_FD);
	if (!rc)
		rc = posix_spawn_file_actions_adddup2(actions, line_fd, CAPTURE_LINE_FD);
	if (!rc)
		rc = posix_spawn_file_actions_addclosefrom_np(actions, CAPTURE_LINE_FD + 1);
	return rc;
}

static int spawn(const struct capture_job *job, int stream_fd, int line_fd, pid_t *ret,
		 struct err *err)
{
	char path[PATH_MAX], snapshot[16];
	char *argv[] = { path,
			 (char *)job->interface,
			 (char *)job->port,
			 snapshot,
			 (char *)(job->dropped ? CAPTURE_DROPPED : CAPTURE_PASSED),
			 (char *)job->filter,
			 NULL };
	char *environment[] = { NULL };
	posix_spawn_file_actions_t actions;
	int rc = find_program(path, err);

	if (rc)
		return rc;
	snprintf(snapshot, sizeof(snapshot), "%" PRIu32, job->snapshot);
	rc = posix_spawn_file_actions_init(&actions);
	if (rc)
		return err_set(err, rc, "out of memory");
	rc = hand_over(&actions, stream_fd, line_fd);
	if (!rc)
		rc = posix_spawn(ret, path, &actions, NULL, argv, environment);
	posix_spawn_file_actions_destroy(&actions);
	return rc ? err_sys(err, rc, "cannot run %s", path) : 0;
}

/* --- the table --- */

void captures_init(struct daemon *d)
{
	static const struct log_limit sixty_a_minute = { .interval = 60 * NS_PER_S, .burst = 60 };

	d->captures.spawn = spawn;
	d->captures.log = sixty_a_minute;
}

/* Nobody asks for it any more, and its process is gone. */
static void free_when_over(struct capture *c)
{
	if (c->state == CAPTURE_GIVEN && c->stream_fd < 0 && c->pidfd < 0)
		c->state = CAPTURE_FREE;
}

static void close_stream(struct capture *c)
{
	cleanup_fd(&c->stream_fd);
	c->stream_fd = -1;
}

/* --- what the guard dropped --- */

static bool wants_dropped(const struct capture *c, uint32_t ifindex)
{
	return c->state != CAPTURE_FREE && c->job.dropped && c->line_fd >= 0 &&
	       c->ifindex == ifindex;
}

static bool is_wanted(const struct daemon *d, uint32_t ifindex)
{
	for (unsigned i = 0; i < CAPTURES_MAX; i++)
		if (wants_dropped(&d->captures.at[i], ifindex))
			return true;
	return false;
}

size_t captures_links(const struct daemon *d, uint32_t ret[CAPTURES_MAX])
{
	size_t n = 0;

	for (unsigned i = 0; i < CAPTURES_MAX; i++) {
		const struct capture *c = &d->captures.at[i];
		bool known = !wants_dropped(c, c->ifindex);

		for (size_t k = 0; k < n; k++)
			known = known || ret[k] == c->ifindex;
		if (!known)
			ret[n++] = c->ifindex;
	}
	return n;
}

static void send_packet(struct capture *c, const struct trap_packet *p)
{
	struct capture_dropped head = { .time = p->time, .lost = c->lost };
	struct iovec iov[] = {
		{ &head, sizeof(head) },
		{ (void *)p->ethernet, TRAP_MACS },
		{ (void *)p->tag, p->vlan ? sizeof(p->tag) : 0 },
		{ (void *)(p->ethernet + TRAP_MACS), TRAP_ETHERNET - TRAP_MACS },
		{ (void *)p->ip, p->len },
	};
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = ARRAY_SIZE(iov) };

	if (!head.time)
		head.time = loop_to_wall(c->daemon->loop, loop_now(c->daemon->loop)) * NS_PER_S;
	snprintf(head.reason, sizeof(head.reason), "%s", p->dropped);
	if (sendmsg(c->line_fd, &mh, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		c->lost++;
}

void captures_packet(void *arg, const struct trap_packet *p)
{
	struct daemon *d = arg;

	if (!p->dropped)
		return;
	for (unsigned i = 0; i < CAPTURES_MAX; i++) {
		struct capture *c = &d->captures.at[i];

		c->lost += p->lost; /* whose they were is not known */
		if (wants_dropped(c, p->ifindex))
			send_packet(c, p);
	}
}

/* --- the end --- */

static void close_line(struct capture *c)
{
	struct daemon *d = c->daemon;
	struct err err;

	if (c->line_fd >= 0) {
		loop_io_del(&c->line_io);
		close(c->line_fd);
		c->line_fd = -1;
	}
	if (c->job.dropped && !is_wanted(d, c->ifindex) &&
	    d->host->ops->capture_dropped(d->host, c->ifindex, false, &err))
		log_warning("port %s: %s", c->job.port, err.text);
}

static void capture_end(struct capture *c)
{
	if (c->line_fd >= 0)
		close_line(c);
}

void captures_end_link(struct daemon *d, uint32_t ifindex)
{
	for (unsigned i = 0; i < CAPTURES_MAX; i++)
		if (d->captures.at[i].state != CAPTURE_FREE && d->captures.at[i].ifindex == ifindex)
			capture_end(&d->captures.at[i]);
}

void captures_done(struct daemon *d)
{
	for (unsigned i = 0; i < CAPTURES_MAX; i++) {
		struct capture *c = &d->captures.at[i];

		if (c->state == CAPTURE_FREE)
			continue;
		capture_end(c);
		close_stream(c);
		loop_io_del(&c->exit_io);
		cleanup_fd(&c->pidfd);
		c->state = CAPTURE_FREE;
	}
}

/* --- what the process says --- */

/* The caller is woken; one that has hung up does not ask. */
static void answer(struct capture *c)
{
	struct daemon *d = c->daemon;

	if (d->varlink)
		varlink_wake(d->varlink);
	if (c->state != CAPTURE_READY && c->state != CAPTURE_FAILED)
		return;
	capture_answered(c);
	capture_delivered(c);
}

static void failed(struct capture *c, bool bad_filter, const char *text)
{
	c->state = CAPTURE_FAILED;
	c->bad_filter = bad_filter;
	log_escape(text, c->why.text, sizeof(c->why.text));
	capture_end(c);
}

static void line_ready(struct loop_io *io, uint32_t events)
{
	struct capture *c = CONTAINER_OF(io, struct capture, line_io);
	char text[1 + CAPTURE_TEXT_MAX + 1];
	ssize_t n = recv(io->fd, text, sizeof(text) - 1, MSG_DONTWAIT);

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	/* It is listened to once: the process is not trusted to say no more. */
	loop_io_del(io);
	if (n <= 0)
		return; /* its end is about to be told */
	text[n] = 0;
	if (text[0] == CAPTURE_SAYS_READY)
		c->state = CAPTURE_READY;
	else
		failed(c, text[0] == CAPTURE_SAYS_BAD_FILTER, text + 1);
	answer(c);
}

static void exited(struct loop_io *io, uint32_t events)
{
	struct capture *c = CONTAINER_OF(io, struct capture, exit_io);
	siginfo_t info;

	(void)events;
	if (waitid(P_PIDFD, (id_t)c->pidfd, &info, WEXITED | WNOHANG) < 0 && errno == EINTR)
		return;
	loop_io_del(io);
	close(c->pidfd);
	c->pidfd = -1;
	/* What it said last may be told after its end. */
	if (c->state == CAPTURE_STARTING && c->line_io.loop)
		line_ready(&c->line_io, 0);
	if (c->state == CAPTURE_STARTING) {
		failed(c, false, "the capture has ended before it began");
		answer(c);
	}
	capture_end(c);
	free_when_over(c);
}

/* --- the caller --- */

struct capture *capture_of_caller(struct daemon *d, struct handle caller)
{
	for (unsigned i = 0; i < CAPTURES_MAX; i++) {
		struct capture *c = &d->captures.at[i];

		if (c->state != CAPTURE_FREE && c->state != CAPTURE_GIVEN &&
		    c->caller.slot == caller.slot && c->caller.generation == caller.generation)
			return c;
	}
	return NULL;
}

static void tell(struct capture *c)
{
	unsigned held_back;

	if (log_allow(&c->daemon->captures.log, loop_now(c->daemon->loop), &held_back))
		log_info("port %s: user %u captures %s (%u more like this)", c->job.port,
			 (unsigned)c->uid, c->job.dropped ? "what is dropped" : "its packets",
			 held_back);
}

void capture_answered(struct capture *c)
{
	if (c->state == CAPTURE_READY)
		tell(c);
	c->state = CAPTURE_GIVEN;
}

void capture_delivered(struct capture *c)
{
	/* When the caller has not got the other copy, the process finds that nobody reads. */
	close_stream(c);
	free_when_over(c);
}

/* --- the start --- */

static struct capture *find_place(struct daemon *d, uid_t uid)
{
	struct capture *place = NULL;
	unsigned of_user = 0;

	for (unsigned i = 0; i < CAPTURES_MAX; i++) {
		struct capture *c = &d->captures.at[i];

		if (c->state == CAPTURE_FREE)
			place = c;
		else if (c->uid == uid)
			of_user++;
	}
	return uid != 0 && of_user >= CAPTURES_OF_USER ? NULL : place;
}

static void fill_job(struct capture_job *job, const struct capture_request *q)
{
	char text[NAME_SIZE + 12];

	*job = (struct capture_job){ .snapshot = q->snapshot, .dropped = q->dropped };
	snprintf(job->port, sizeof(job->port), "%s", port_text(q->port, text));
	memcpy(job->interface, q->port->ifname, sizeof(job->interface));
	snprintf(job->filter, sizeof(job->filter), "%s", q->filter);
}

static int start_process(struct capture *c, int stream_fd, int line_fd, struct err *err)
{
	pid_t pid;
	int rc = c->daemon->captures.spawn(&c->job, stream_fd, line_fd, &pid, err);

	if (rc)
		return rc;
	/* Nobody has waited for it yet, so it is still this process's number. */
	c->pidfd = pidfd_open(pid, 0);
	if (c->pidfd >= 0)
		return 0;
	rc = err_sys(err, errno, "cannot watch the capture's process");
	if (kill(pid, SIGKILL) == 0)
		waitpid(pid, NULL, 0);
	return rc;
}

static int watch(struct capture *c, struct err *err)
{
	struct daemon *d = c->daemon;
	int rc = loop_io_add(d->loop, &c->line_io, c->line_fd, EPOLLIN, line_ready);

	if (!rc)
		rc = loop_io_add(d->loop, &c->exit_io, c->pidfd, EPOLLIN, exited);
	return rc ? err_sys(err, -rc, "cannot watch the capture's process") : 0;
}

static int open_capture(struct capture *c, struct err *err)
{
	int stream[2], line[2], rc;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stream) < 0)
		return err_sys(err, errno, "cannot make a socket");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, line) < 0) {
		rc = err_sys(err, errno, "cannot make a socket");
		close(stream[0]);
		close(stream[1]);
		return rc;
	}
	c->stream_fd = stream[0];
	c->line_fd = line[0];
	rc = start_process(c, stream[1], line[1], err);
	close(stream[1]);
	close(line[1]);
	return rc ? rc : watch(c, err);
}

/* What was started in part. Its process has just begun; also one that cannot be killed any more
 * ends at once, with its line. */
static void give_up(struct capture *c)
{
	siginfo_t info;

	close_line(c);
	close_stream(c);
	loop_io_del(&c->exit_io);
	c->state = CAPTURE_FREE;
	if (c->pidfd < 0)
		return;
	if (pidfd_send_signal(c->pidfd, SIGKILL, NULL, 0) < 0 ||
	    waitid(P_PIDFD, (id_t)c->pidfd, &info, WEXITED) < 0)
		log_warning("port %s: a capture's process is not waited for", c->job.port);
	close(c->pidfd);
}

int capture_start(struct daemon *d, const struct capture_request *q, struct err *err)
{
	struct capture *c = find_place(d, q->uid);
	int rc;

	if (!c)
		return err_set(err, EUSERS, "there are too many captures");
	*c = (struct capture){ .daemon = d,
			       .state = CAPTURE_STARTING,
			       .caller = q->caller,
			       .uid = q->uid,
			       .ifindex = q->port->ifindex,
			       .stream_fd = -1,
			       .line_fd = -1,
			       .pidfd = -1 };
	fill_job(&c->job, q);
	rc = q->dropped ? d->host->ops->capture_dropped(d->host, c->ifindex, true, err) : 0;
	if (!rc)
		rc = open_capture(c, err);
	if (rc)
		give_up(c);
	return rc;
}

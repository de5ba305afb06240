/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netdctl capture: copies the daemon's pcapng to a file or to standard output, block by block, so
 * that what is written is whole whatever ends it. Understands no more of a block than what it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "ctl.h"

#define USAGE "capture GUEST[/NIC] [-w FILE|-] [--dropped] [--count N] [--snaplen N] [FILTER...]"

enum {
	BLOCK_STATISTICS = 5,
	BLOCK_PACKET = 6,
	BLOCK_MIN = 12,
	BUFFER = 1 << 20, /* more than the largest block, whose packet has at most 262144 octets */
	SNAPLEN_MAX = 262144,
};

struct copy {
	int in, out, signals;
	uint8_t *buf;
	size_t len;
	uint64_t packets, most; /* most 0: no limit */
	uint64_t lost;
};

/* --- blocks --- */

/* The drops are the statistics' option 5; netd writes nothing but numbers of eight octets there. */
static void read_statistics(struct copy *c, const uint8_t *block, size_t len)
{
	struct rd r = rd_init(block, len - 4);

	rd_bytes(&r, 20);
	while (rd_left(&r) >= 4) {
		uint16_t code = rd_be16(&r), size = rd_be16(&r);
		uint64_t high = size == 8 ? rd_be32(&r) : 0, low = size == 8 ? rd_be32(&r) : 0;

		if (size != 8)
			return;
		if (code == 5)
			c->lost = high << 32 | low;
	}
}

static void write_all(int fd, const uint8_t *from, size_t len)
{
	while (len) {
		ssize_t n = write(fd, from, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			ctl_fail("cannot write: %s", strerror(errno));
		from += n;
		len -= (size_t)n;
	}
}

static void stop(struct copy *c)
{
	/* It fails when the other side has ended already, which is just as well. */
	shutdown(c->in, SHUT_WR);
}

static void take_block(struct copy *c, uint32_t type, const uint8_t *block, size_t len)
{
	if (type == BLOCK_STATISTICS)
		read_statistics(c, block, len);
	if (type == BLOCK_PACKET) {
		if (c->most && c->packets == c->most)
			return;
		if (++c->packets == c->most)
			stop(c);
	}
	write_all(c->out, block, len);
}

/* What is whole; the rest goes to the front of the buffer. */
static void take_blocks(struct copy *c)
{
	size_t at = 0;

	while (c->len - at >= 8) {
		struct rd r = rd_init(c->buf + at, 8);
		uint32_t type = rd_be32(&r), len = rd_be32(&r);

		if (len < BLOCK_MIN || len % 4 || len > BUFFER)
			ctl_fail("what netd sends is no pcapng that can be understood");
		if (c->len - at < len)
			break;
		take_block(c, type, c->buf + at, len);
		at += len;
	}
	c->len -= at;
	memmove(c->buf, c->buf + at, c->len);
}

/* --- the loop --- */

/* False at the end. */
static bool read_some(struct copy *c)
{
	ssize_t n = read(c->in, c->buf + c->len, BUFFER - c->len);

	if (n < 0 && errno == EINTR)
		return true;
	if (n <= 0)
		return false;
	c->len += (size_t)n;
	take_blocks(c);
	return true;
}

/* The first signal asks for the end, the second does not wait for it. */
static bool is_signalled(struct copy *c, bool *stopped)
{
	struct signalfd_siginfo info;
	bool second = *stopped;

	if (read(c->signals, &info, sizeof(info)) < 0)
		return false;
	stop(c);
	*stopped = true;
	return second;
}

static void copy(struct copy *c)
{
	bool stopped = false;

	for (;;) {
		struct pollfd fds[] = { { .fd = c->in, .events = POLLIN },
					{ .fd = c->signals, .events = POLLIN } };

		if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
			ctl_fail("cannot wait: %s", strerror(errno));
		if (fds[1].revents && is_signalled(c, &stopped))
			return;
		if (fds[0].revents && !read_some(c))
			return;
	}
}

/* --- the command --- */

static int watch_signals(void)
{
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGHUP);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	return signalfd(-1, &ends, SFD_CLOEXEC);
}

/* The words of the expression, as tcpdump(8) takes them; the caller frees it. */
static char *join(const struct ctl_args *a)
{
	size_t len = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		ctl_fail("out of memory");
	for (int i = 1; i < a->plains; i++)
		fprintf(out, "%s%s", i > 1 ? " " : "", a->plain[i]);
	for (int i = 0; a->rest && a->rest[i]; i++)
		fprintf(out, "%s%s", i || a->plains > 1 ? " " : "", a->rest[i]);
	if (fclose(out))
		ctl_fail("out of memory");
	return text;
}

static int open_output(const char *name)
{
	int fd = STDOUT_FILENO;

	if (name && strcmp(name, "-") != 0)
		fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		ctl_fail("%s: %s", name, strerror(errno));
	return fd;
}

int ctl_capture(struct ctl *c, int argc, char **argv)
{
	const char *file = NULL, *count = NULL, *snaplen = NULL;
	bool dropped = false;
	const struct ctl_option options[] = { { "w", &file, NULL },
					      { "count", &count, NULL },
					      { "snaplen", &snaplen, NULL },
					      { "dropped", NULL, &dropped },
					      { 0 } };
	struct netd_capture q = { 0 };
	struct copy copying = { 0 };
	CLEAN_FREE char *filter = NULL;
	struct ctl_args a;
	struct ctl_port p;

	ctl_parse(c, argc, argv, options, &a);
	if (!a.plains)
		ctl_usage("usage: netdctl %s", USAGE);
	p = ctl_parse_port(a.plain[0]);
	filter = join(&a);
	q = (struct netd_capture){ .guest = p.guest,
				   .nic = p.nic < 0 ? 0 : (uint32_t)p.nic,
				   .filter = filter,
				   .dropped = dropped };
	if (snaplen && !(q.snapshot_length = ctl_parse_number(snaplen, SNAPLEN_MAX, "--snaplen")))
		ctl_usage("--snaplen is 0");
	if (count && !(copying.most = ctl_parse_number(count, UINT32_MAX, "--count")))
		ctl_usage("--count is 0");
	if (!file && isatty(STDOUT_FILENO))
		ctl_usage(
			"pcapng is not for a terminal: use -w FILE, or pipe it into tcpdump -r -");
	ctl_connect(c);
	copying.signals = watch_signals();
	if (netd_capture(c->netd, &q, &copying.in))
		ctl_fail("%s", netd_error(c->netd));
	copying.out = open_output(file);
	copying.buf = malloc(BUFFER);
	if (copying.signals < 0 || !copying.buf)
		ctl_fail("out of memory");
	fprintf(stderr, "netdctl: capturing at port %s/%u\n", p.guest, q.nic);
	copy(&copying);
	free(copying.buf);
	fprintf(stderr, "netdctl: %llu packets captured, %llu lost\n",
		(unsigned long long)copying.packets, (unsigned long long)copying.lost);
	return EXIT_DONE;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Octets and descriptors over a VMM's socket, each step until the deadline and no longer. */
#include "peer.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/fds.h"

enum { READ_SIZE = 16384, RETRY_MS = 20 };

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void peer_set_timeout(struct peer *p, double timeout)
{
	p->deadline = now() + timeout;
}

void peer_init(struct peer *p, int fd, const char *path, double timeout)
{
	*p = (struct peer){ .fd = fd, .path = path };
	peer_set_timeout(p, timeout);
}

void peer_done(struct peer *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
	free(p->in);
	p->in = NULL;
	p->len = p->cap = 0;
}

/* What is left, for poll; at most a minute at once. */
static int left_ms(const struct peer *p)
{
	double left = (p->deadline - now()) * 1000;

	if (left <= 0)
		return 0;
	return left > 60000 ? 60000 : (int)left + 1;
}

static int wait_for(struct peer *p, short events, struct err *err)
{
	struct pollfd pfd = { .fd = p->fd, .events = events };
	int left, n;

	while ((left = left_ms(p)) > 0) {
		n = poll(&pfd, 1, left);
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return err_sys(err, errno, "poll");
	}
	return err_set(err, ETIMEDOUT, "%s does not answer in time", p->path);
}

/* A listener whose backlog is full refuses with EAGAIN, and there is no event when that changes:
 * net/unix/af_unix.c unix_stream_connect. */
static int connect_in_time(struct peer *p, const struct sockaddr_un *sun, struct err *err)
{
	while (connect(p->fd, (const struct sockaddr *)sun, sizeof(*sun)) < 0) {
		if (errno != EAGAIN && errno != EINTR)
			return err_sys(err, errno, "cannot reach %s", p->path);
		if (!left_ms(p))
			return err_set(err, ETIMEDOUT, "%s does not accept in time", p->path);
		poll(NULL, 0, RETRY_MS);
	}
	return 0;
}

int peer_open(struct peer *p, const char *path, double timeout, struct err *err)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int rc;

	peer_init(p, -1, path, timeout);
	if (strlen(path) >= sizeof(sun.sun_path))
		return err_set(err, ENAMETOOLONG, "socket %s: the path is too long", path);
	memcpy(sun.sun_path, path, strlen(path));
	p->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (p->fd < 0)
		return err_sys(err, errno, "cannot make a socket");
	rc = connect_in_time(p, &sun, err);
	if (rc)
		peer_done(p);
	return rc;
}

int peer_send(struct peer *p, const char *text, size_t len, const int *fds, unsigned fds_len,
	      struct err *err)
{
	if (fds_len > FDS_SEND_MAX)
		return err_set(err, EINVAL, "too many descriptors");
	if (p->fd < 0)
		return err_set(err, ENOTCONN, "%s is not connected", p->path);
	while (len) {
		ssize_t n = fds_send(p->fd, text, len, fds, fds_len, MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN) {
			int rc = wait_for(p, POLLOUT, err);

			if (rc)
				return rc;
		} else if (n < 0 && errno != EINTR) {
			return err_sys(err, errno, "cannot write to %s", p->path);
		} else if (n > 0) {
			text += n;
			len -= (size_t)n;
			fds_len = 0;
		}
	}
	return 0;
}

int peer_receive(struct peer *p, struct err *err)
{
	ssize_t n;

	if (p->fd < 0)
		return err_set(err, ENOTCONN, "%s is not connected", p->path);
	if (p->cap - p->len < READ_SIZE) {
		size_t cap = p->cap * 2 + READ_SIZE;
		char *grown = p->len < PEER_MAX ? realloc(p->in, cap) : NULL;

		if (!grown)
			return err_set(err, EMSGSIZE, "%s sends too much", p->path);
		p->in = grown;
		p->cap = cap;
	}
	do {
		int rc = wait_for(p, POLLIN, err);

		if (rc)
			return rc;
		/* No control buffer: descriptors that it may send are closed by the kernel. */
		n = recv(p->fd, p->in + p->len, p->cap - p->len, MSG_DONTWAIT);
	} while (n < 0 && (errno == EAGAIN || errno == EINTR));
	if (n < 0)
		return err_sys(err, errno, "cannot read from %s", p->path);
	if (!n)
		return err_set(err, ECONNRESET, "%s was closed", p->path);
	p->len += (size_t)n;
	return 0;
}

void peer_consume(struct peer *p, size_t len)
{
	p->len -= len;
	memmove(p->in, p->in + len, p->len);
}

void peer_make_printable(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = ' ';
}

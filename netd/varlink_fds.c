/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptors that come with calls. They travel with the first octet of a call, and what is read at
 * once ends behind the piece that descriptors came with (net/unix/af_unix.c,
 * unix_stream_read_generic): so they are of the last call that has begun. They are closed when it
 * is answered or waits no more, or when the connection ends. Called by varlink.c.
 *
 * Anything can have been sent, and close() of a file can take for ever: it waits for the answer of
 * the file's server (fs/fuse/file.c, fuse_flush), or for the peer of a socket that lingers. All but
 * network namespaces is closed by threads, of which there are a few and only while there is
 * something to do. Where none of them comes to an end, no more descriptors are taken from users:
 * the kernel then lets go of them without asking a server.
 */
#include "varlink_fds.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

/* --- closing --- */

enum { CLOSERS_MAX = 4, STUCK_AT = 32 };

/* The descriptors of one call. */
struct job {
	struct job *next;
	struct varlink_fds fds;
};

static struct {
	pthread_mutex_t lock;
	struct job *first;
	unsigned jobs, threads;
} closing = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* NULL: the thread that asks ends. */
static struct job *next_job(void)
{
	struct job *j;

	pthread_mutex_lock(&closing.lock);
	j = closing.first;
	if (j) {
		closing.first = j->next;
		closing.jobs--;
	} else {
		closing.threads--;
	}
	pthread_mutex_unlock(&closing.lock);
	return j;
}

static void *close_jobs(void *arg)
{
	struct job *j;

	(void)arg;
	while ((j = next_job())) {
		while (j->fds.n)
			close(j->fds.fd[--j->fds.n]);
		free(j);
	}
	return NULL;
}

/* One more thread unless there are enough; what it was to do is there in any case. */
static void start_closer(void)
{
	pthread_t thread;

	if (closing.threads == CLOSERS_MAX)
		return;
	closing.threads++;
	if (pthread_create(&thread, NULL, close_jobs, NULL))
		closing.threads--;
	else
		pthread_detach(thread);
}

static void close_later(const struct varlink_fds *f)
{
	struct job *j = malloc(sizeof(*j));

	if (!j) { /* better than to keep them */
		for (unsigned i = 0; i < f->n; i++)
			close(f->fd[i]);
		return;
	}
	j->fds = *f;
	pthread_mutex_lock(&closing.lock);
	j->next = closing.first;
	closing.first = j;
	closing.jobs++;
	start_closer();
	pthread_mutex_unlock(&closing.lock);
}

void varlink_fds_close(struct varlink_fds *f)
{
	struct varlink_fds others = { 0 };

	while (f->n) {
		int fd = f->fd[--f->n];

		if (rtnl_netns_is(fd))
			close(fd);
		else
			others.fd[others.n++] = fd;
	}
	if (others.n)
		close_later(&others);
}

bool varlink_fds_stuck(void)
{
	bool stuck;

	pthread_mutex_lock(&closing.lock);
	stuck = closing.jobs >= STUCK_AT;
	pthread_mutex_unlock(&closing.lock);
	return stuck;
}

/* --- receiving --- */

ssize_t varlink_fds_receive(int fd, char *to, size_t size, bool take, struct varlink_fds *ret_fds,
			    bool *ret_truncated)
{
	union {
		struct cmsghdr align;
		char octets[CMSG_SPACE(sizeof(int) * VARLINK_CALL_FDS_MAX)];
	} control;
	struct iovec iov = { to, size };
	struct msghdr mh = { .msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = take ? &control : NULL,
			     .msg_controllen = take ? sizeof(control) : 0 };
	ssize_t n = recvmsg(fd, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0)
		return n;
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&mh); h; h = CMSG_NXTHDR(&mh, h)) {
		size_t count = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		/* The kernel makes one of them, and has no room for more. */
		memcpy(ret_fds->fd, CMSG_DATA(h), count * sizeof(int));
		ret_fds->n = (unsigned)count;
	}
	*ret_truncated = mh.msg_flags & MSG_CTRUNC;
	return n;
}

const char *varlink_fds_keep(struct varlink_fds *f, struct varlink_fds *came, const char *in,
			     size_t in_len)
{
	const char *end = in_len > 1 ? memrchr(in, 0, in_len - 1) : NULL;
	size_t at = end ? (size_t)(end + 1 - in) : 0;

	if (!came->n)
		return NULL;
	if (f->n && f->at != at)
		return "descriptors of two calls at once";
	if (f->n + came->n > VARLINK_CALL_FDS_MAX)
		return "more than 16 descriptors came with a call";
	memcpy(f->fd + f->n, came->fd, came->n * sizeof(*came->fd));
	f->n += came->n;
	f->at = at;
	came->n = 0;
	return NULL;
}

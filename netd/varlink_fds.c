/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptors that come with calls. They travel with the first octet of a call, and what is read at
 * once ends behind the piece that descriptors came with (net/unix/af_unix.c,
 * unix_stream_read_generic): so they are of the last call that has begun. They are closed when it
 * is answered or waits no more, or when the connection ends. Called by varlink.c.
 */
#include "varlink_fds.h"

#include <sys/socket.h>

void varlink_fds_close(struct varlink_fds *f)
{
	while (f->n)
		close(f->fd[--f->n]);
}

ssize_t varlink_fds_receive(int fd, char *to, size_t size, struct varlink_fds *ret_fds,
			    bool *ret_truncated)
{
	union {
		struct cmsghdr align;
		char octets[CMSG_SPACE(sizeof(int) * VARLINK_CALL_FDS_MAX)];
	} control;
	struct iovec iov = { to, size };
	struct msghdr mh = { .msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = sizeof(control) };
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

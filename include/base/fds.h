/* SPDX-License-Identifier: MIT */
/* Descriptors that are sent over a socket of the family unix. */
#ifndef BASE_FDS_H
#define BASE_FDS_H

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

enum { FDS_SEND_MAX = 253 }; /* SCM_MAX_FD, include/net/scm.h */

/* As send(2), with n descriptors that travel with the first octet. */
static inline ssize_t fds_send(int socket, const void *data, size_t len, const int *fds, unsigned n,
			       int flags)
{
	union {
		struct cmsghdr align;
		char octets[CMSG_SPACE(sizeof(int) * FDS_SEND_MAX)];
	} control;
	struct iovec iov = { .iov_base = (void *)data, .iov_len = len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *h;

	if (n > FDS_SEND_MAX) {
		errno = EINVAL;
		return -1;
	}
	if (n) {
		memset(&control, 0, sizeof(control));
		mh.msg_control = &control;
		mh.msg_controllen = CMSG_SPACE(sizeof(int) * n);
		h = CMSG_FIRSTHDR(&mh);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof(int) * n);
		memcpy(CMSG_DATA(h), fds, sizeof(int) * n);
	}
	return sendmsg(socket, &mh, flags | MSG_NOSIGNAL);
}

#endif

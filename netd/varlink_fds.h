/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Descriptors that come with calls. */
#ifndef NETD_VARLINK_FDS_H
#define NETD_VARLINK_FDS_H

#include "varlink.h"

/* Those of one call that is in a connection's buffer, wholly or in part. */
struct varlink_fds {
	int fd[VARLINK_CALL_FDS_MAX];
	unsigned n;
	size_t at; /* where in the buffer the call begins */
};

/* Does not wait for it, whatever they are of. */
void varlink_fds_close(struct varlink_fds *f);
/* Whether so many are being closed, and do not come to an end, that no more may be taken. */
bool varlink_fds_stuck(void);

/* Reads at most size octets, and the descriptors that came along, close-on-exec; as recv.
 * take false: none of those are taken. *ret_truncated: there were more of them. */
ssize_t varlink_fds_receive(int fd, char *to, size_t size, bool take, struct varlink_fds *ret_fds,
			    bool *ret_truncated);

/*
 * Descriptors that came with the end of what is in the buffer become those of its last call: moves
 * them from came to f. Says why not, and leaves them, when it cannot.
 */
const char *varlink_fds_keep(struct varlink_fds *f, struct varlink_fds *came, const char *in,
			     size_t in_len);

#endif

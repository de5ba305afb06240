/* SPDX-License-Identifier: MIT */
/* What the files of libnetd share. */
#ifndef LIBNETD_CLIENT_H
#define LIBNETD_CLIENT_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "netd.h"

enum { CLIENT_FDS_MAX = 2 * NETD_QUEUES_MAX, CLIENT_CALL_FDS_MAX = 16 };

struct netd {
	int fd;
	struct err err;
	char error_name[96];
	char *text; /* what was handed out last */
	char *in;   /* octets received and not used yet */
	size_t in_len, in_cap;
	int fds[CLIENT_FDS_MAX]; /* descriptors received; -1 where one was taken */
	unsigned fds_len;
};

/* One call and its reply: *ret (a new reference, an object) are the parameters; its descriptors are
 * in n->fds. */
int client_call(struct netd *n, const char *method, json_t *parameters, json_t **ret);

/* The same, with n descriptors, which stay the caller's. */
int client_call_fds(struct netd *n, const char *method, json_t *parameters, const int *fds,
		    unsigned count, json_t **ret);

/* Closes the descriptors that nobody took, and forgets the others. */
void client_close_fds(struct netd *n);

/* A sentence for a named error and its parameters; for one that is not known, the name and the
 * parameters. */
void client_explain(const char *name, const json_t *parameters, struct err *err);

/* The errno that fits a named error best; positive. */
int client_errno(const char *name);

#endif

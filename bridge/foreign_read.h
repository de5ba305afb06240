/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files that read and write somebody else's rules by netlink share. */
#ifndef BRIDGE_FOREIGN_READ_H
#define BRIDGE_FOREIGN_READ_H

#include "foreign.h"

enum { FOREIGN_BUFFER = 1 << 16 };

struct mnl_socket;
struct nlmsghdr;

struct foreign_reader {
	struct mnl_socket *sock;
	uint32_t seq;
	_Alignas(8) char buf[FOREIGN_BUFFER];
};

/* --- foreign_parse.c: -errno; what is in tables named netd is passed over --- */

MUST_CHECK int foreign_parse_chain(struct foreign *f, const struct nlmsghdr *h);
MUST_CHECK int foreign_parse_rule(struct foreign *f, const struct nlmsghdr *h);
MUST_CHECK int foreign_parse_set(struct foreign *f, const struct nlmsghdr *h);
MUST_CHECK int foreign_parse_elements(struct foreign *f, struct foreign_set *s,
				      const struct nlmsghdr *h);
/* The number of the rules' state, which every change makes another. */
MUST_CHECK int foreign_parse_generation(const struct nlmsghdr *h, uint32_t *ret);

/* --- foreign_read.c --- */

typedef int (*foreign_message_fn)(void *arg, const struct nlmsghdr *h);

/* A request in r->buf: of a dump, unless `flags` says otherwise. */
struct nlmsghdr *foreign_request(struct foreign_reader *r, uint16_t type, uint16_t family,
				 uint16_t flags);
/* Sends it and calls fn for each message of the answer; -EINTR when the rules changed meanwhile. */
MUST_CHECK int foreign_answers(struct foreign_reader *r, struct nlmsghdr *request,
			       foreign_message_fn fn, void *arg);

#endif

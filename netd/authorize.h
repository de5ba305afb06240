/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may do what, decided by the configuration: netd.conf(5), block allow. No I/O: whoever asks,
 * and what is there, is handed in.
 *
 * Root, netd's own user and the operators see and do everything, and are not asked about here. A
 * user may do what one of the blocks that are for it allows: those of the network, and those at top
 * level. One block has to allow the whole of it; its max-ports counts what the block is about.
 */
#ifndef NETD_AUTHORIZE_H
#define NETD_AUTHORIZE_H

#include <sys/types.h>

#include "config.h"

/* Who asks. */
struct credentials {
	uid_t uid;
	gid_t gid;
	const gid_t *group; /* supplementary ones, borrowed */
	unsigned groups;
};

enum { AUTHORIZE_PUBLISHED_MAX = 64 }; /* ports, or ranges, that are published for one user */

/* An attach, as far as it matters. */
struct authorize_attach {
	const struct config_network *network;
	const char *guest;
	bool owned; /* there is such a guest, or a reservation says whose it is */
	uint32_t owner;
	bool fresh;		/* it takes another allocation */
	unsigned ports;		/* allocations that the caller has, */
	unsigned network_ports; /* and those of them on this network */
	unsigned device;	/* enum port_device */
	bool names_interface;	/* in the host's namespace */
	uint32_t user;		/* who may open a TAP */
	bool in_namespace;
	uint32_t namespace_owner; /* who made the user namespace that it is of */
	struct mac mac;		  /* another than it has; zero: none is asked for */
	bool outside;		  /* an address is asked for that is in no range */
};

/* Whether it is root, or in a group of operators. */
bool authorize_operator(const struct config *c, const struct credentials *who);
/* Whether there is an allow block for it, of this network or at top level; for n NULL: anywhere. */
bool authorize_network(const struct config *c, const struct config_network *n,
		       const struct credentials *who);
/* 0; or -EPERM, and why says why not, with file and line. */
MUST_CHECK int authorize_attach(const struct config *c, const struct credentials *who,
				const struct authorize_attach *q, struct err *why);
/* The same for n ports of the host that are to lead to a guest of the network; `published` others
 * do to guests of the caller. */
MUST_CHECK int authorize_publish(const struct config *c, const struct config_network *network,
				 const struct credentials *who, const struct config_published *port,
				 size_t n, size_t published, struct err *why);

#endif

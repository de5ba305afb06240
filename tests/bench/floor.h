/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's own floor for a port: no more requests than it takes to have the same device. */
#ifndef TESTS_BENCH_FLOOR_H
#define TESTS_BENCH_FLOOR_H

enum floor_kind {
	FLOOR_DESCRIPTORS, /* TUNSETIFF; RTM_SETLINK: joins the bridge and goes up */
	FLOOR_TAP,	   /* the same with TUNSETOWNER, TUNSETPERSIST, and the descriptor closed */
	FLOOR_VETH,	   /* RTM_NEWLINK; RTM_SETLINK; in the namespace an address, and up */
};

/* A netlink socket, one of its own for each thread. */
int floor_socket(void);
/* Finds or makes the bridge benchbr. */
unsigned floor_bridge(void);
/* The i-th device. Returns a descriptor that keeps it, -1 where none does. ns: of the namespace, of
 * a veth. */
int floor_attach(enum floor_kind kind, int netlink, unsigned bridge, unsigned i, int ns);
void floor_detach(enum floor_kind kind, int netlink, unsigned i, int fd);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Networks of mode macvtap, which have no bridge. The theory is in macvtap.c. */
#ifndef NETD_MACVTAP_H
#define NETD_MACVTAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct daemon;
struct network;
struct port;
struct refusal;
struct rtnl_link;

bool network_is_macvtap(const struct network *n);
/* The link by which the host's own packets reach the network; 0: none. */
uint32_t network_wire(const struct network *n);
/* Whether it is what the host got beside the guests of some network. */
bool network_is_host_link(const struct daemon *d, uint32_t ifindex);
/* Looks at the uplink, and makes what the host gets; -errno while the uplink is not there. */
MUST_CHECK int macvtap_bring_up(struct daemon *d, struct network *n, struct err *err);
/* What the host got goes. */
void macvtap_remove(struct daemon *d, struct network *n);
/* The same of a link of the host's that is configured no more; whether it is one of these. */
bool macvtap_remove_stale(struct daemon *d, const struct rtnl_link *link);
/* Whether the kernel tells of an uplink that is as it was not. */
bool macvtap_concerns(const struct daemon *d, const struct rtnl_link *link);
/* Whether a link that is gone was an uplink, or what the host got. */
bool macvtap_lost(const struct daemon *d, uint32_t index);
/* Whether there is room on the uplink for one more. */
MUST_CHECK int macvtap_check(struct daemon *d, const struct network *n, struct refusal *r);
/* What an attach has to say of host and guests. */
void macvtap_note(const struct network *n, char *ret, size_t size);
/* The device and its descriptors; nothing is left when it fails. */
MUST_CHECK int macvtap_make(struct daemon *d, const struct port *p, const char *ifname, int *fds,
			    uint32_t *ret_ifindex, struct err *err);
/* port_link_up of such a device. */
MUST_CHECK int macvtap_link_up(struct daemon *d, const struct port *p, const char *altname,
			       struct err *err);
/* The host's way to a port whose device stands. */
MUST_CHECK int macvtap_finish(struct daemon *d, const struct port *p, struct err *err);
/* The device of a port is gone, or about to go; nothing for others. */
void macvtap_end(struct daemon *d, const struct port *p);
/* Nobody has a device open any more (macvtap_fn): it goes, and is gone for its port. */
void macvtap_unused(void *arg, uint32_t ifindex);
/* Whether a link of ours is a macvtap device that nobody has open; then it is removed. */
bool macvtap_is_left(struct daemon *d, const struct rtnl_link *link);

#endif

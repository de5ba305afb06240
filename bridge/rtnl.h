/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of rtnetlink share. */
#ifndef BRIDGE_RTNL_H
#define BRIDGE_RTNL_H

#include "base/cleanup.h"
#include "bridge.h"

#include <netlink/msg.h>
#include <netlink/socket.h>

CLEANUP_DEFINE(msg, struct nl_msg, nlmsg_free)
#define CLEAN_MSG CLEANUP(cleanup_msg)

MUST_CHECK int rtnl_socket_open(struct nl_sock **ret, struct err *err);

/* A request with its header; NULL without memory. */
struct nl_msg *rtnl_request(struct rtnl *r, int type, int flags, const void *header, size_t len);
/* The same for a link that is to be made, with name and MAC. */
struct nl_msg *rtnl_request_new_link(struct rtnl *r, const char *name, const struct mac *mac);
/* A request could not be made; -ENOMEM. */
int rtnl_no_memory(struct err *err);
/* Sends one request, which asks for an ack, and waits for its outcome; fn, unless NULL, sees what
 * else comes. */
MUST_CHECK int rtnl_ask(struct rtnl *r, struct nl_msg *msg,
			int (*fn)(void *arg, struct nlmsghdr *h), void *arg, struct err *err);

/* The index of a link that was made just now. */
MUST_CHECK int rtnl_link_made(struct rtnl *r, const char *name, uint32_t *ret_index,
			      struct err *err);

/* False for what is no such object, or none that concerns us. */
bool rtnl_parse_link(struct nlmsghdr *h, struct rtnl_link *ret);
/* A link as the port of a bridge. */
bool rtnl_parse_port(struct nlmsghdr *h, struct rtnl_link *ret);
/* One of those that rtnl_qdisc.c makes. */
bool rtnl_parse_qdisc(struct nlmsghdr *h, struct rtnl_qdisc *ret);
bool rtnl_parse_addr(struct nlmsghdr *h, struct rtnl_addr *ret);
bool rtnl_parse_neigh(struct nlmsghdr *h, struct rtnl_neigh *ret);
/* Calls fn for each next hop, until it returns less than 0, which is returned. */
int rtnl_parse_route(struct nlmsghdr *h, rtnl_route_fn fn, void *arg);

#endif

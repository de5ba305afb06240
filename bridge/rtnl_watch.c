/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What rtnetlink notifies of, as events. */
#include <linux/if_addr.h>
#include <linux/netconf.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "rtnl.h"

enum { RECEIVE_SIZE = 1 << 14, DATAGRAMS = 16, WATCH_BUFFER = 1 << 22 };

struct rtnl_watch {
	struct nl_sock *sock;
	struct mmsghdr datagram[DATAGRAMS];
	_Alignas(struct nlmsghdr) uint8_t buf[DATAGRAMS][RECEIVE_SIZE];
};

int rtnl_watch_open(struct rtnl_watch **ret, struct err *err)
{
	static const int groups[] = { RTNLGRP_LINK,	   RTNLGRP_IPV4_IFADDR,
				      RTNLGRP_IPV4_ROUTE,  RTNLGRP_IPV4_NETCONF,
				      RTNLGRP_NEIGH,	   RTNLGRP_IPV6_IFINFO,
				      RTNLGRP_IPV6_IFADDR, RTNLGRP_TC };
	struct rtnl_watch *w = calloc(1, sizeof(*w));
	static const int size = WATCH_BUFFER;
	int rc;

	if (!w)
		return err_set(err, ENOMEM, "rtnetlink: out of memory");
	rc = rtnl_socket_open(&w->sock, err);
	for (size_t i = 0; !rc && i < ARRAY_SIZE(groups); i++) {
		if (nl_socket_add_membership(w->sock, groups[i]) < 0)
			rc = err_set(err, EPERM, "cannot subscribe to rtnetlink group %d",
				     groups[i]);
	}
	if (!rc && nl_socket_set_nonblocking(w->sock) < 0)
		rc = err_set(err, EINVAL, "cannot make an rtnetlink socket non-blocking");
	if (rc) {
		rtnl_watch_free(w);
		return rc;
	}
	/* A burst of a thousand ports is a few megabytes; without the privilege the default has to
	 * do. */
	setsockopt(nl_socket_get_fd(w->sock), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	*ret = w;
	return 0;
}

void rtnl_watch_free(struct rtnl_watch *w)
{
	if (!w)
		return;
	if (w->sock)
		nl_socket_free(w->sock);
	free(w);
}

int rtnl_watch_fd(const struct rtnl_watch *w)
{
	return nl_socket_get_fd(w->sock);
}

struct watcher {
	rtnl_event_fn fn;
	void *arg;
	enum rtnl_event_kind route_kind;
};

static int notify_route(void *arg, const struct rtnl_route *route)
{
	struct watcher *w = arg;
	struct rtnl_event e = { .kind = w->route_kind, .route = *route };

	w->fn(w->arg, &e);
	return 0;
}

static bool parse_forwarding(struct nlmsghdr *h, struct rtnl_forwarding *ret)
{
	struct nlattr *tb[NETCONFA_MAX + 1];
	int32_t index;

	if (nlmsg_parse(h, sizeof(struct netconfmsg), tb, NETCONFA_MAX, NULL) < 0 ||
	    !tb[NETCONFA_FORWARDING] || !tb[NETCONFA_IFINDEX])
		return false;
	index = (int32_t)nla_get_u32(tb[NETCONFA_IFINDEX]);
	*ret = (struct rtnl_forwarding){ .index = index > 0 ? (uint32_t)index : 0,
					 .on = nla_get_u32(tb[NETCONFA_FORWARDING]) != 0 };
	return index > 0 || index == NETCONFA_IFINDEX_ALL;
}

/* An address, or news of a link that has IPv6 (net/ipv6/addrconf.c, inet6_ifinfo_notify): where
 * disable_ipv6 is set there is neither. No notification has that sysctl itself. */
static bool is_ipv6(struct nlmsghdr *h, uint32_t index, struct rtnl_event *ret)
{
	const uint8_t *family = nlmsg_data(h);

	if (*family != AF_INET6 || (h->nlmsg_type != RTM_NEWLINK && h->nlmsg_type != RTM_NEWADDR))
		return false;
	*ret = (struct rtnl_event){ .kind = RTNL_IPV6, .link = { .index = index } };
	return true;
}

static void notify(struct watcher *w, struct nlmsghdr *h)
{
	struct rtnl_event e = { .kind = RTNL_LINK };
	struct ifinfomsg *ifi;
	struct ifaddrmsg *ifa;

	switch (h->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		/* AF_BRIDGE: a port left or joined a bridge; the link itself is announced as
		 * AF_UNSPEC. */
		ifi = nlmsg_data(h);
		if (is_ipv6(h, (uint32_t)ifi->ifi_index, &e))
			break;
		if (ifi->ifi_family == AF_BRIDGE && h->nlmsg_type == RTM_NEWLINK &&
		    rtnl_parse_port(h, &e.link)) {
			e.kind = RTNL_PORT;
			break;
		}
		if (ifi->ifi_family != AF_UNSPEC || !rtnl_parse_link(h, &e.link))
			return;
		e.kind = h->nlmsg_type == RTM_NEWLINK ? RTNL_LINK : RTNL_LINK_GONE;
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		ifa = nlmsg_data(h);
		if (is_ipv6(h, ifa->ifa_index, &e))
			break;
		if (!rtnl_parse_addr(h, &e.addr))
			return;
		e.kind = h->nlmsg_type == RTM_NEWADDR ? RTNL_ADDR : RTNL_ADDR_GONE;
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		w->route_kind = h->nlmsg_type == RTM_NEWROUTE ? RTNL_ROUTE : RTNL_ROUTE_GONE;
		rtnl_parse_route(h, notify_route, w);
		return;
	case RTM_NEWNEIGH:
		if (!rtnl_parse_neigh(h, &e.neigh) || !e.neigh.bridge || e.neigh.addr)
			return;
		e.kind = RTNL_FDB;
		break;
	case RTM_DELQDISC:
		if (!rtnl_parse_qdisc(h, &e.qdisc))
			return;
		e.kind = RTNL_QDISC_GONE;
		break;
	case RTM_NEWNETCONF:
		if (!parse_forwarding(h, &e.forwarding))
			return;
		e.kind = RTNL_FORWARDING;
		break;
	default:
		return;
	}
	w->fn(w->arg, &e);
}

/* A device that is made is told of a dozen times. */
static int receive(struct rtnl_watch *w, unsigned most)
{
	struct iovec iov[DATAGRAMS];

	for (unsigned i = 0; i < most; i++) {
		iov[i] = (struct iovec){ w->buf[i], sizeof(w->buf[i]) };
		w->datagram[i] =
			(struct mmsghdr){ .msg_hdr = { .msg_iov = &iov[i], .msg_iovlen = 1 } };
	}
	return recvmmsg(nl_socket_get_fd(w->sock), w->datagram, most, 0, NULL);
}

static void tell_overrun(struct watcher *w)
{
	struct rtnl_event e = { .kind = RTNL_OVERRUN };

	w->fn(w->arg, &e);
}

static void read_datagram(struct watcher *watcher, struct rtnl_watch *w, unsigned i)
{
	struct nlmsghdr *h = (struct nlmsghdr *)(void *)w->buf[i];
	int left = (int)w->datagram[i].msg_len;

	if (w->datagram[i].msg_hdr.msg_flags & MSG_TRUNC)
		tell_overrun(watcher);
	for (; nlmsg_ok(h, left); h = nlmsg_next(h, &left))
		notify(watcher, h);
}

int rtnl_watch_read(struct rtnl_watch *w, unsigned most, rtnl_event_fn fn, void *arg)
{
	struct watcher watcher = { .fn = fn, .arg = arg };

	while (most) {
		int n = receive(w, most < DATAGRAMS ? most : DATAGRAMS);

		if (n < 0 && errno == ENOBUFS) {
			tell_overrun(&watcher);
			most--;
			continue;
		}
		if (n < 0)
			return errno == EINTR ? 0 : -errno;
		for (int i = 0; i < n; i++)
			read_datagram(&watcher, w, (unsigned)i);
		most -= (unsigned)n;
	}
	return 0;
}

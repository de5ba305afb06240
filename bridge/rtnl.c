/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rtnetlink by libnl-3: builds requests and waits for the kernel's answer. Only the files rtnl*.c
 * know libnl. Nothing is cached: what the kernel says is handed on.
 *
 * One socket serves requests, each answered before the next is sent; another receives notifications
 * (rtnl_watch.c). Dumps that the kernel marks as interrupted are started over (NLM_F_DUMP_INTR,
 * net/netlink/af_netlink.c).
 */
#include <linux/if_addr.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/socket.h>
#include <sys/socket.h>

#include "rtnl.h"

enum { RECEIVE_SIZE = 1 << 16, DUMP_TRIES = 10, MESSAGES = 3 };

struct rtnl {
	struct nl_sock *sock;
	uint32_t seq;
	_Alignas(struct nlmsghdr) uint8_t buf[RECEIVE_SIZE];
};

int rtnl_socket_open(struct nl_sock **ret, struct err *err)
{
	struct nl_sock *sock = nl_socket_alloc();
	int rc;

	if (!sock)
		return err_set(err, ENOMEM, "rtnetlink: out of memory");
	rc = nl_connect(sock, NETLINK_ROUTE);
	if (rc < 0) {
		nl_socket_free(sock);
		return err_set(err, EPROTONOSUPPORT, "cannot open an rtnetlink socket: %s",
			       nl_geterror(rc));
	}
	*ret = sock;
	return 0;
}

int rtnl_open(struct rtnl **ret, struct err *err)
{
	static const int on = 1;
	struct rtnl *r = calloc(1, sizeof(*r));
	int fd, rc;

	if (!r)
		return err_set(err, ENOMEM, "rtnetlink: out of memory");
	rc = rtnl_socket_open(&r->sock, err);
	if (rc) {
		free(r);
		return rc;
	}
	fd = nl_socket_get_fd(r->sock);
	/* Kernels that lack one of these only tell less, or more than was asked for. */
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	*ret = r;
	return 0;
}

void rtnl_free(struct rtnl *r)
{
	if (!r)
		return;
	nl_socket_free(r->sock);
	free(r);
}

/* --- requests --- */

static struct nl_msg *request(struct rtnl *r, int type, int flags, const void *header, size_t len)
{
	struct nl_msg *msg = nlmsg_alloc_simple(type, NLM_F_REQUEST | flags);

	if (!msg)
		return NULL;
	nlmsg_hdr(msg)->nlmsg_seq = ++r->seq;
	if (nlmsg_append(msg, (void *)header, len, NLMSG_ALIGNTO) < 0) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

/* The kernel's own explanation behind an error, or NULL (NLMSGERR_ATTR_MSG). */
static const char *extended_ack(struct nlmsghdr *h)
{
	struct nlattr *tb[NLMSGERR_ATTR_MAX + 1];
	struct nlmsgerr *e = nlmsg_data(h);
	int at = (int)sizeof(*e);

	if (!(h->nlmsg_flags & NLM_F_ACK_TLVS))
		return NULL;
	if (!(h->nlmsg_flags & NLM_F_CAPPED))
		at += (int)NLMSG_ALIGN(e->msg.nlmsg_len - NLMSG_HDRLEN);
	if (nlmsg_parse(h, at, tb, NLMSGERR_ATTR_MAX, NULL) < 0 || !tb[NLMSGERR_ATTR_MSG])
		return NULL;
	return nla_get_string(tb[NLMSGERR_ATTR_MSG]);
}

/* The outcome in an NLMSG_ERROR message: 0 for an ack. */
static int outcome(struct nlmsghdr *h, struct err *err)
{
	struct nlmsgerr *e = nlmsg_data(h);
	const char *words;

	if (nlmsg_datalen(h) < (int)sizeof(*e))
		return err_set(err, EBADMSG, "a short answer from the kernel");
	if (!e->error)
		return 0;
	words = extended_ack(h);
	return err_set(err, -e->error, "%s%s%s", strerror(-e->error), words ? ": " : "",
		       words ? words : "");
}

typedef int (*message_fn)(void *arg, struct nlmsghdr *h);

/* From the kernel. In a network namespace of its own a user may send to our socket, too
 * (net/netlink/af_netlink.c, netlink_sendmsg). */
static ssize_t receive(struct rtnl *r)
{
	struct sockaddr_nl from;
	ssize_t n;

	do {
		socklen_t len = sizeof(from);

		from.nl_pid = 0;
		n = recvfrom(nl_socket_get_fd(r->sock), r->buf, sizeof(r->buf), 0,
			     (struct sockaddr *)&from, &len);
	} while (n < 0 ? errno == EINTR : from.nl_pid != 0);
	return n;
}

/*
 * Receives until the answers to `acks` requests, the last of them numbered r->seq, are here, or the
 * dump is done. Returns the first error that is not -ignore.
 */
static int answers(struct rtnl *r, unsigned acks, int ignore, message_fn fn, void *arg,
		   struct err *err)
{
	bool interrupted = false;
	int rc = 0;

	while (acks) {
		ssize_t n = receive(r);
		struct nlmsghdr *h = (struct nlmsghdr *)(void *)r->buf;
		int left = (int)n;

		if (n < 0)
			return err_sys(err, errno, "rtnetlink");
		for (; nlmsg_ok(h, left); h = nlmsg_next(h, &left)) {
			if (r->seq - h->nlmsg_seq >=
			    acks) /* left over from a request that was given up */
				continue;
			interrupted = interrupted || h->nlmsg_flags & NLM_F_DUMP_INTR;
			if (h->nlmsg_type == NLMSG_ERROR) {
				int one = outcome(h, rc ? NULL : err);

				rc = rc || one == -ignore ? rc : one;
				acks--;
			} else if (h->nlmsg_type == NLMSG_DONE) {
				acks--;
			} else if (fn && !rc) {
				rc = fn(arg, h);
			}
		}
	}
	return rc ? rc : interrupted ? -EAGAIN : 0;
}

/* Sends n messages, at most MESSAGES, in one datagram. */
static int send_messages(struct rtnl *r, struct nl_msg *const *msg, unsigned n, struct err *err)
{
	struct iovec iov[MESSAGES];
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = n };

	for (unsigned i = 0; i < n; i++)
		iov[i] = (struct iovec){ nlmsg_hdr(msg[i]), nlmsg_hdr(msg[i])->nlmsg_len };
	if (sendmsg(nl_socket_get_fd(r->sock), &mh, 0) < 0)
		return err_sys(err, errno, "rtnetlink");
	return 0;
}

/* One request and its answer. */
static int ask(struct rtnl *r, struct nl_msg *msg, message_fn fn, void *arg, struct err *err)
{
	int rc = send_messages(r, &msg, 1, err);

	return rc ? rc : answers(r, 1, 0, fn, arg, err);
}

int rtnl_no_memory(struct err *err)
{
	return err_set(err, ENOMEM, "rtnetlink: out of memory");
}

/* `attr`, unless it is 0, is an attribute of the request: only what has this value is told. */
static int dump_of(struct rtnl *r, int type, const void *header, size_t len, int attr,
		   uint32_t value, message_fn fn, void *arg, struct err *err)
{
	int rc = -EAGAIN;

	for (unsigned i = 0; i < DUMP_TRIES && rc == -EAGAIN; i++) {
		CLEAN_MSG struct nl_msg *msg = request(r, type, NLM_F_DUMP, header, len);

		if (!msg || (attr && nla_put_u32(msg, attr, value) < 0))
			return rtnl_no_memory(err);
		rc = ask(r, msg, fn, arg, err);
	}
	if (rc == -EAGAIN)
		return err_set(err, EAGAIN,
			       "the kernel's tables change faster than they can be read");
	return rc;
}

static int dump(struct rtnl *r, int type, const void *header, size_t len, message_fn fn, void *arg,
		struct err *err)
{
	return dump_of(r, type, header, len, 0, 0, fn, arg, err);
}

/* --- lists --- */

struct list {
	union {
		rtnl_link_fn link;
		rtnl_addr_fn addr;
		rtnl_route_fn route;
		rtnl_neigh_fn neigh;
	};
	void *arg;
};

static int list_link(void *arg, struct nlmsghdr *h)
{
	struct rtnl_link link;
	struct list *l = arg;

	return rtnl_parse_link(h, &link) ? l->link(l->arg, &link) : 0;
}

static int list_addr(void *arg, struct nlmsghdr *h)
{
	struct rtnl_addr addr;
	struct list *l = arg;

	return rtnl_parse_addr(h, &addr) ? l->addr(l->arg, &addr) : 0;
}

static int list_route(void *arg, struct nlmsghdr *h)
{
	struct list *l = arg;

	return rtnl_parse_route(h, l->route, l->arg);
}

static int list_neigh(void *arg, struct nlmsghdr *h)
{
	struct rtnl_neigh neigh;
	struct list *l = arg;

	return rtnl_parse_neigh(h, &neigh) ? l->neigh(l->arg, &neigh) : 0;
}

int rtnl_link_list(struct rtnl *r, rtnl_link_fn fn, void *arg, struct err *err)
{
	struct list l = { .link = fn, .arg = arg };
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };

	return dump(r, RTM_GETLINK, &ifi, sizeof(ifi), list_link, &l, err);
}

int rtnl_addr_list(struct rtnl *r, rtnl_addr_fn fn, void *arg, struct err *err)
{
	struct list l = { .addr = fn, .arg = arg };
	struct ifaddrmsg ifa = { .ifa_family = AF_INET };

	return dump(r, RTM_GETADDR, &ifa, sizeof(ifa), list_addr, &l, err);
}

int rtnl_route_list(struct rtnl *r, rtnl_route_fn fn, void *arg, struct err *err)
{
	struct list l = { .route = fn, .arg = arg };
	struct rtmsg rtm = { .rtm_family = AF_INET, .rtm_table = RT_TABLE_MAIN };

	return dump(r, RTM_GETROUTE, &rtm, sizeof(rtm), list_route, &l, err);
}

/* The kernel passes over the others (net/core/neighbour.c, neigh_dump_table). */
int rtnl_neigh_list(struct rtnl *r, uint32_t index, rtnl_neigh_fn fn, void *arg, struct err *err)
{
	struct list l = { .neigh = fn, .arg = arg };
	struct ndmsg ndm = { .ndm_family = AF_INET };

	return dump_of(r, RTM_GETNEIGH, &ndm, sizeof(ndm), index ? NDA_IFINDEX : 0, index,
		       list_neigh, &l, err);
}

static int store_neigh(void *arg, const struct rtnl_neigh *n)
{
	*(struct rtnl_neigh *)arg = *n;
	return 0;
}

/* Asks for one entry. -ENOENT, without a word, when there is none or none with a link-layer
 * address. */
static int find_neigh(struct rtnl *r, struct nl_msg *msg, struct rtnl_neigh *ret, struct err *err)
{
	struct list l = { .neigh = store_neigh, .arg = ret };
	struct err why;
	int rc = ask(r, msg, list_neigh, &l, &why);

	if (!rc && !ret->index)
		rc = -ENOENT;
	if (rc && rc != -ENOENT && err)
		*err = why;
	return rc;
}

int rtnl_fdb_find(struct rtnl *r, uint32_t bridge, const struct mac *mac, uint32_t *ret_port,
		  struct err *err)
{
	struct ndmsg ndm = { .ndm_family = AF_BRIDGE };
	struct rtnl_neigh found = { 0 };
	CLEAN_MSG struct nl_msg *msg = request(r, RTM_GETNEIGH, NLM_F_ACK, &ndm, sizeof(ndm));
	int rc;

	if (!msg || nla_put_u32(msg, NDA_MASTER, bridge) < 0 ||
	    nla_put(msg, NDA_LLADDR, sizeof(mac->octet), mac->octet) < 0)
		return rtnl_no_memory(err);
	rc = find_neigh(r, msg, &found, err);
	if (rc == -ENOENT)
		return rc;
	if (rc)
		return err_wrap(err, rc, "cannot look into a bridge's FDB");
	*ret_port = found.index;
	return 0;
}

int rtnl_neigh_find(struct rtnl *r, uint32_t index, uint32_t addr, struct mac *ret, struct err *err)
{
	struct ndmsg ndm = { .ndm_family = AF_INET, .ndm_ifindex = (int)index };
	struct rtnl_neigh found = { 0 };
	CLEAN_MSG struct nl_msg *msg = request(r, RTM_GETNEIGH, NLM_F_ACK, &ndm, sizeof(ndm));
	uint32_t wire = htonl(addr);
	int rc;

	if (!msg || nla_put(msg, NDA_DST, sizeof(wire), &wire) < 0)
		return rtnl_no_memory(err);
	rc = find_neigh(r, msg, &found, err);
	if (rc == -ENOENT)
		return rc;
	if (rc)
		return err_wrap(err, rc, "cannot look into the neighbour table");
	*ret = found.mac;
	return 0;
}

/* --- changes --- */

static struct nl_msg *change_message(struct rtnl *r, const struct rtnl_change *c)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC,
				 .ifi_index = (int)c->index,
				 .ifi_flags = c->up ? IFF_UP : 0,
				 .ifi_change = c->up || c->down ? IFF_UP : 0 };
	struct nl_msg *msg = request(r, RTM_NEWLINK, NLM_F_ACK, &ifi, sizeof(ifi));

	if (!msg)
		return NULL;
	if ((!c->index && nla_put_string(msg, IFLA_IFNAME, c->name) < 0) ||
	    ((c->master || c->leave) && nla_put_u32(msg, IFLA_MASTER, c->master) < 0) ||
	    (c->mtu && nla_put_u32(msg, IFLA_MTU, c->mtu) < 0) ||
	    (c->mac && nla_put(msg, IFLA_ADDRESS, sizeof(c->mac->octet), c->mac->octet) < 0) ||
	    (c->alias && nla_put_string(msg, IFLA_IFALIAS, c->alias) < 0) ||
	    ((c->unfinished || c->finished) &&
	     nla_put_u32(msg, IFLA_GROUP, c->unfinished ? LINK_GROUP_UNFINISHED : 0) < 0)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

static struct nl_msg *altname_message(struct rtnl *r, const struct rtnl_change *c)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC, .ifi_index = (int)c->index };
	struct nl_msg *msg =
		request(r, RTM_NEWLINKPROP, NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND | NLM_F_ACK,
			&ifi, sizeof(ifi));
	struct nlattr *list;

	if (!msg)
		return NULL;
	list = c->index || nla_put_string(msg, IFLA_IFNAME, c->name) == 0 ?
		       nla_nest_start(msg, IFLA_PROP_LIST) :
		       NULL;
	if (!list || nla_put_string(msg, IFLA_ALT_IFNAME, c->altname) < 0) {
		nlmsg_free(msg);
		return NULL;
	}
	nla_nest_end(msg, list);
	return msg;
}

/* For the bridge, and so a message of its own: a request that makes a link join a bridge cannot
 * have this of its port (net/core/rtnetlink.c, rtnl_changelink). */
static struct nl_msg *port_message(struct rtnl *r, const struct rtnl_change *c)
{
	struct ifinfomsg ifi = { .ifi_family = AF_BRIDGE, .ifi_index = (int)c->index };
	struct nl_msg *msg = request(r, RTM_SETLINK, NLM_F_ACK, &ifi, sizeof(ifi));
	struct nlattr *port = msg ? nla_nest_start(msg, IFLA_PROTINFO) : NULL;

	if (!port ||
	    ((c->isolate || c->unisolate) &&
	     nla_put_u8(msg, IFLA_BRPORT_ISOLATED, c->isolate) < 0) ||
	    ((c->hairpin || c->unhairpin) && nla_put_u8(msg, IFLA_BRPORT_MODE, c->hairpin) < 0)) {
		nlmsg_free(msg);
		return NULL;
	}
	nla_nest_end(msg, port);
	return msg;
}

int rtnl_link_set(struct rtnl *r, const struct rtnl_change *c, struct err *err)
{
	bool of_port = c->isolate || c->unisolate || c->hairpin || c->unhairpin;
	CLEAN_MSG struct nl_msg *change = change_message(r, c);
	CLEAN_MSG struct nl_msg *port = of_port ? port_message(r, c) : NULL;
	CLEAN_MSG struct nl_msg *altname = c->altname ? altname_message(r, c) : NULL;
	struct nl_msg *all[MESSAGES] = { change };
	unsigned n = 1;
	int rc;

	if (!change || (of_port && !port) || (c->altname && !altname))
		return rtnl_no_memory(err);
	if (port)
		all[n++] = port;
	if (altname)
		all[n++] = altname;
	rc = send_messages(r, all, n, err);
	/* -EEXIST can only be about the alternative name. */
	return rc ? rc : answers(r, n, EEXIST, NULL, NULL, err);
}

int rtnl_bridge_add(struct rtnl *r, const char *name, const struct mac *mac, uint32_t mtu,
		    struct err *err)
{
	CLEAN_MSG struct nl_msg *msg = rtnl_request_new_link(r, name, mac);
	struct nlattr *info, *data;
	int rc;

	if (!msg || nla_put_u32(msg, IFLA_MTU, mtu) < 0)
		return rtnl_no_memory(err);
	info = nla_nest_start(msg, IFLA_LINKINFO);
	if (!info || nla_put_string(msg, IFLA_INFO_KIND, "bridge") < 0)
		return rtnl_no_memory(err);
	data = nla_nest_start(msg, IFLA_INFO_DATA);
	if (!data || nla_put_u32(msg, IFLA_BR_STP_STATE, 0) < 0 ||
	    nla_put_u32(msg, IFLA_BR_FORWARD_DELAY, 0) < 0 ||
	    nla_put_u8(msg, IFLA_BR_MCAST_SNOOPING, 0) < 0)
		return rtnl_no_memory(err);
	nla_nest_end(msg, data);
	nla_nest_end(msg, info);
	rc = ask(r, msg, NULL, NULL, err);
	return rc ? err_wrap(err, rc, "cannot create bridge %s", name) : 0;
}

int rtnl_link_del(struct rtnl *r, uint32_t index, struct err *err)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC, .ifi_index = (int)index };
	CLEAN_MSG struct nl_msg *msg = request(r, RTM_DELLINK, NLM_F_ACK, &ifi, sizeof(ifi));
	int rc;

	if (!msg)
		return rtnl_no_memory(err);
	rc = ask(r, msg, NULL, NULL, err);
	return rc ? err_wrap(err, rc, "cannot delete interface %u", index) : 0;
}

static int change_addr(struct rtnl *r, int type, int flags, uint32_t index, struct ip4_prefix p,
		       struct err *err)
{
	struct ifaddrmsg ifa = { .ifa_family = AF_INET,
				 .ifa_prefixlen = p.len,
				 .ifa_index = index };
	uint32_t addr = htonl(p.addr), broadcast = htonl(ip4_broadcast(p));
	CLEAN_MSG struct nl_msg *msg = request(r, type, flags | NLM_F_ACK, &ifa, sizeof(ifa));

	if (!msg || nla_put(msg, IFA_LOCAL, sizeof(addr), &addr) < 0 ||
	    nla_put(msg, IFA_ADDRESS, sizeof(addr), &addr) < 0 ||
	    (type == RTM_NEWADDR && nla_put(msg, IFA_BROADCAST, sizeof(broadcast), &broadcast) < 0))
		return rtnl_no_memory(err);
	return ask(r, msg, NULL, NULL, err);
}

int rtnl_addr_add(struct rtnl *r, uint32_t index, struct ip4_prefix p, struct err *err)
{
	char text[IP4_PREFIX_TEXT_SIZE];
	int rc = change_addr(r, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, index, p, err);

	if (rc == -EEXIST)
		rc = 0;
	return rc ? err_wrap(err, rc, "cannot add address %s", ip4_prefix_text(p, text)) : 0;
}

int rtnl_addr_del(struct rtnl *r, uint32_t index, struct ip4_prefix p, struct err *err)
{
	char text[IP4_PREFIX_TEXT_SIZE];
	int rc = change_addr(r, RTM_DELADDR, 0, index, p, err);

	return rc ? err_wrap(err, rc, "cannot remove address %s", ip4_prefix_text(p, text)) : 0;
}

static int store_link(void *arg, const struct rtnl_link *link)
{
	*(struct rtnl_link *)arg = *link;
	return 0;
}

int rtnl_link_find(struct rtnl *r, const char *name, struct rtnl_link *ret, struct err *err)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };
	CLEAN_MSG struct nl_msg *msg = request(r, RTM_GETLINK, NLM_F_ACK, &ifi, sizeof(ifi));
	struct rtnl_link found = { 0 };
	struct list l = { .link = store_link, .arg = &found };
	struct err why;
	int rc;

	if (!msg || nla_put_string(msg, IFLA_IFNAME, name) < 0)
		return rtnl_no_memory(err);
	rc = ask(r, msg, list_link, &l, &why);
	if (!rc && !found.index)
		rc = -ENODEV;
	if (!rc)
		*ret = found;
	else if (rc != -ENODEV && err)
		*err = why;
	return rc;
}

/* --- for the other files of rtnetlink --- */

struct nl_msg *rtnl_request(struct rtnl *r, int type, int flags, const void *header, size_t len)
{
	return request(r, type, flags, header, len);
}

struct nl_msg *rtnl_request_new_link(struct rtnl *r, const char *name, const struct mac *mac)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };
	struct nl_msg *msg =
		request(r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, &ifi, sizeof(ifi));

	if (msg && (nla_put_string(msg, IFLA_IFNAME, name) < 0 ||
		    nla_put(msg, IFLA_ADDRESS, sizeof(mac->octet), mac->octet) < 0)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

int rtnl_link_made(struct rtnl *r, const char *name, uint32_t *ret_index, struct err *err)
{
	struct rtnl_link made;
	int rc = rtnl_link_find(r, name, &made, err);

	if (rc == -ENODEV)
		return err_set(err, ENODEV, "interface %s is gone again", name);
	if (!rc)
		*ret_index = made.index;
	return rc;
}

int rtnl_ask(struct rtnl *r, struct nl_msg *msg, int (*fn)(void *arg, struct nlmsghdr *h),
	     void *arg, struct err *err)
{
	return ask(r, msg, fn, arg, err);
}

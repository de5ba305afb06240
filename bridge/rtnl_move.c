/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is a link's, as the kernel's own messages, to be given to another link: addresses and
 * routes, with whatever attributes they have. Only what cannot be set is left out of them, and the
 * link's index is 0 in all of them, so that the same thing of two links is the same octets.
 */
#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "rtnl.h"

#ifndef IFA_PROTO
#define IFA_PROTO 11 /* Linux 5.18 */
#endif

/* Those flags of an address that are its user's to set; the others are states. */
enum {
	ADDR_FLAGS = IFA_F_NODAD | IFA_F_HOMEADDRESS | IFA_F_MANAGETEMPADDR | IFA_F_NOPREFIXROUTE |
		     IFA_F_MCAUTOJOIN,
	DUMP_TRIES = 10,
	/* Of what router advertisements made there is a copy on the other link, for so long, until
	 * one comes there. */
	ADVERTISED_S = 60,
};

struct listing {
	struct rtnl_goods *to;
	uint32_t index;
	const char *name;
	size_t room;
	uint32_t metric; /* of the gateway that was found */
	struct mac mac;
};

static struct nlmsghdr *header(const void *one)
{
	return (struct nlmsghdr *)one;
}

/* --- listing --- */

static int append(struct listing *l, struct nl_msg *msg)
{
	const struct nlmsghdr *h = nlmsg_hdr(msg);
	size_t len = NLMSG_ALIGN(h->nlmsg_len);

	if (l->to->len + len > RTNL_GOODS_MAX)
		return -E2BIG;
	if (l->to->len + len > l->room) {
		size_t room = 2 * (l->to->len + len);
		uint8_t *grown = realloc(l->to->data, room);

		if (!grown)
			return -ENOMEM;
		l->to->data = grown;
		l->room = room;
	}
	memset(l->to->data + l->to->len, 0, len);
	memcpy(l->to->data + l->to->len, h, h->nlmsg_len);
	l->to->len += len;
	return 0;
}

/* The address that follows from a MAC (RFC 4291 A). */
static bool follows_from_mac(const uint8_t *addr, const struct mac *m)
{
	const uint8_t id[8] = { m->octet[0] ^ 2, m->octet[1], m->octet[2], 0xff, 0xfe,
				m->octet[3],	 m->octet[4], m->octet[5] };

	return !memcmp(addr + 8, id, sizeof(id));
}

/* A link-local address that the kernel made; before Linux 5.18 it does not say so. */
static bool is_kernels_own(const struct listing *l, const struct ifaddrmsg *ifa, struct nlattr **tb)
{
	if (ifa->ifa_family != AF_INET6 || ifa->ifa_scope != RT_SCOPE_LINK)
		return false;
	return tb[IFA_PROTO] || !tb[IFA_ADDRESS] || nla_len(tb[IFA_ADDRESS]) != 16 ||
	       follows_from_mac(nla_data(tb[IFA_ADDRESS]), &l->mac);
}

static bool is_for_ever(struct nlattr *cacheinfo)
{
	const struct ifa_cacheinfo *ci = cacheinfo ? nla_data(cacheinfo) : NULL;

	return !ci || nla_len(cacheinfo) < (int)sizeof(*ci) || ci->ifa_valid == UINT32_MAX;
}

/* Only the lifetimes of it can be set; its time stamps would make no two the same. */
static int put_lifetimes(struct nl_msg *msg, struct nlattr *cacheinfo)
{
	struct ifa_cacheinfo ci = { 0 };

	if (is_for_ever(cacheinfo))
		return 0;
	memcpy(&ci, nla_data(cacheinfo), sizeof(ci));
	ci.cstamp = ci.tstamp = 0;
	return nla_put(msg, IFA_CACHEINFO, sizeof(ci), &ci);
}

static int put_addr_attrs(const struct listing *l, struct nl_msg *msg, struct nlattr **tb,
			  uint32_t flags)
{
	int rc = nla_put_u32(msg, IFA_FLAGS, flags & ADDR_FLAGS);

	for (int i = 1; i <= IFA_PROTO && rc >= 0; i++) {
		if (!tb[i] || i == IFA_FLAGS || i == IFA_CACHEINFO ||
		    (i == IFA_LABEL && !strcmp(nla_data(tb[i]), l->name)))
			continue;
		rc = nla_put(msg, i, nla_len(tb[i]), nla_data(tb[i]));
	}
	return rc < 0 ? rc : put_lifetimes(msg, tb[IFA_CACHEINFO]);
}

static int take_addr(void *arg, struct nlmsghdr *h)
{
	struct nlattr *tb[IFA_PROTO + 1];
	struct listing *l = arg;
	struct ifaddrmsg *ifa = nlmsg_data(h), own;
	CLEAN_MSG struct nl_msg *msg = NULL;

	if (h->nlmsg_type != RTM_NEWADDR || nlmsg_parse(h, sizeof(*ifa), tb, IFA_PROTO, NULL) < 0 ||
	    ifa->ifa_index != l->index || is_kernels_own(l, ifa, tb))
		return 0;
	own = (struct ifaddrmsg){ .ifa_family = ifa->ifa_family,
				  .ifa_prefixlen = ifa->ifa_prefixlen,
				  .ifa_scope = ifa->ifa_scope };
	msg = nlmsg_alloc_simple(RTM_NEWADDR, 0);
	if (!msg || nlmsg_append(msg, &own, sizeof(own), NLMSG_ALIGNTO) < 0 ||
	    put_addr_attrs(l, msg, tb,
			   tb[IFA_FLAGS] && nla_len(tb[IFA_FLAGS]) >= 4 ?
				   nla_get_u32(tb[IFA_FLAGS]) :
				   ifa->ifa_flags) < 0)
		return -ENOMEM;
	l->to->addrs++;
	l->to->leased =
		l->to->leased || (ifa->ifa_family == AF_INET && !is_for_ever(tb[IFA_CACHEINFO]));
	return append(l, msg);
}

/* --- routes --- */

/* The next hops by the link; of IPv6 without the others, which are routes of their own
 * (net/ipv6/route.c, ip6_route_multipath_add). -ENOENT when there is none. */
static int put_hops(const struct listing *l, struct nl_msg *msg, struct nlattr *attr,
		    uint8_t family)
{
	struct nlattr *list = nla_nest_start(msg, RTA_MULTIPATH);
	struct rtnexthop *nh = nla_data(attr);
	int rc = -ENOENT;

	if (!list)
		return -ENOMEM;
	for (int left = nla_len(attr); RTNH_OK(nh, left);
	     left -= RTNH_ALIGN(nh->rtnh_len), nh = RTNH_NEXT(nh)) {
		bool ours = (uint32_t)nh->rtnh_ifindex == l->index;
		struct rtnexthop *copy;

		if (!ours && family == AF_INET6)
			continue;
		copy = nlmsg_reserve(msg, nh->rtnh_len, NLMSG_ALIGNTO);
		if (!copy)
			return -ENOMEM;
		memcpy(copy, nh, nh->rtnh_len);
		copy->rtnh_flags &= RTNH_F_ONLINK;
		if (ours) {
			copy->rtnh_ifindex = 0;
			rc = 0;
		}
	}
	nla_nest_end(msg, list);
	return rc;
}

/* What is left of the time of a route of IPv6 is told by another attribute than it is set by. */
static int put_expiry(struct nl_msg *msg, struct nlattr *cacheinfo, uint8_t protocol)
{
	const struct rta_cacheinfo *ci = nla_data(cacheinfo);
	long tick = sysconf(_SC_CLK_TCK);
	uint32_t seconds;

	if (nla_len(cacheinfo) < (int)sizeof(*ci) || ci->rta_expires <= 0 || tick <= 0)
		return 0;
	seconds = (uint32_t)((long)ci->rta_expires / tick);
	if (protocol == RTPROT_RA && seconds > ADVERTISED_S)
		seconds = ADVERTISED_S;
	return nla_put_u32(msg, RTA_EXPIRES, seconds ? seconds : 1);
}

/* The kernel's own is to win over the copy of what a router advertisement made. */
static uint32_t metric_of(struct nlattr **tb, uint8_t protocol)
{
	uint32_t metric = tb[RTA_PRIORITY] && nla_len(tb[RTA_PRIORITY]) >= 4 ?
				  nla_get_u32(tb[RTA_PRIORITY]) :
				  0;

	return metric + (protocol == RTPROT_RA && metric < UINT32_MAX);
}

static int put_route_attrs(const struct listing *l, struct nl_msg *msg, struct nlattr **tb,
			   const struct rtmsg *rtm)
{
	uint32_t metric = metric_of(tb, rtm->rtm_protocol);
	int rc = 0;

	for (int i = 1; i <= RTA_MAX && rc >= 0; i++) {
		if (!tb[i] || i == RTA_IIF || i == RTA_EXPIRES)
			continue;
		if (i == RTA_OIF)
			rc = nla_put_u32(msg, i, 0);
		else if (i == RTA_PRIORITY)
			rc = nla_put_u32(msg, i, metric);
		else if (i == RTA_MULTIPATH)
			rc = put_hops(l, msg, tb[i], rtm->rtm_family);
		else if (i == RTA_CACHEINFO)
			rc = put_expiry(msg, tb[i], rtm->rtm_protocol);
		else
			rc = nla_put(msg, i, nla_len(tb[i]), nla_data(tb[i]));
	}
	return rc;
}

static void find_gateway(struct listing *l, const struct rtmsg *rtm, struct nlattr **tb)
{
	struct rtnl_gateway *g = &l->to->gateway;
	size_t len = rtm->rtm_family == AF_INET ? 4 : 16;
	uint32_t metric = metric_of(tb, rtm->rtm_protocol);

	if (rtm->rtm_dst_len || rtm->rtm_type != RTN_UNICAST || rtm->rtm_table != RT_TABLE_MAIN ||
	    !tb[RTA_GATEWAY] || nla_len(tb[RTA_GATEWAY]) != (int)len || !tb[RTA_OIF] ||
	    nla_len(tb[RTA_OIF]) < 4 || nla_get_u32(tb[RTA_OIF]) != l->index)
		return;
	if (g->family && (g->family != rtm->rtm_family || l->metric <= metric))
		return;
	*g = (struct rtnl_gateway){ .family = rtm->rtm_family };
	memcpy(g->addr, nla_data(tb[RTA_GATEWAY]), len);
	l->metric = metric;
}

static bool leads_out(const struct listing *l, struct nlattr **tb)
{
	const struct rtnexthop *nh;

	if (!tb[RTA_MULTIPATH])
		return tb[RTA_OIF] && nla_len(tb[RTA_OIF]) >= 4 &&
		       nla_get_u32(tb[RTA_OIF]) == l->index;
	nh = nla_data(tb[RTA_MULTIPATH]);
	for (int left = nla_len(tb[RTA_MULTIPATH]); RTNH_OK(nh, left);
	     left -= RTNH_ALIGN(nh->rtnh_len), nh = RTNH_NEXT(nh))
		if ((uint32_t)nh->rtnh_ifindex == l->index)
			return true;
	return false;
}

/* Routes of the kernel's own follow from addresses. */
static int take_route(void *arg, struct nlmsghdr *h)
{
	struct nlattr *tb[RTA_MAX + 1];
	struct rtmsg *rtm = nlmsg_data(h), own;
	struct listing *l = arg;
	CLEAN_MSG struct nl_msg *msg = NULL;
	int rc;

	if (h->nlmsg_type != RTM_NEWROUTE || nlmsg_parse(h, sizeof(*rtm), tb, RTA_MAX, NULL) < 0 ||
	    rtm->rtm_flags & RTM_F_CLONED || rtm->rtm_protocol == RTPROT_KERNEL ||
	    !leads_out(l, tb))
		return 0;
	if (tb[RTA_NH_ID])
		return -EOPNOTSUPP;
	own = *rtm;
	own.rtm_flags &= RTNH_F_ONLINK;
	msg = nlmsg_alloc_simple(RTM_NEWROUTE, 0);
	if (!msg || nlmsg_append(msg, &own, sizeof(own), NLMSG_ALIGNTO) < 0)
		return -ENOMEM;
	rc = put_route_attrs(l, msg, tb, rtm);
	if (rc < 0)
		return rc == -ENOENT ? 0 : -ENOMEM;
	find_gateway(l, rtm, tb);
	l->to->routes++;
	return append(l, msg);
}

static int dump_addrs(struct rtnl *r, struct listing *l, uint8_t family, struct err *err)
{
	struct ifaddrmsg ifa = { .ifa_family = family };
	CLEAN_MSG struct nl_msg *msg = rtnl_request(r, RTM_GETADDR, NLM_F_DUMP, &ifa, sizeof(ifa));

	return msg ? rtnl_ask(r, msg, take_addr, l, err) : rtnl_no_memory(err);
}

static int dump_routes(struct rtnl *r, struct listing *l, uint8_t family, struct err *err)
{
	struct rtmsg rtm = { .rtm_family = family };
	CLEAN_MSG struct nl_msg *msg = rtnl_request(r, RTM_GETROUTE, NLM_F_DUMP, &rtm, sizeof(rtm));

	if (!msg || nla_put_u32(msg, RTA_OIF, l->index) < 0)
		return rtnl_no_memory(err);
	return rtnl_ask(r, msg, take_route, l, err);
}

/* The kernel lists the newest address of IPv6 first (net/ipv6/addrconf.c, ipv6_link_dev_addr): put
 * in this order, they are in the same one again. */
static int turn_around(struct rtnl_goods *g, size_t from)
{
	size_t len = g->len - from, to = len;
	uint8_t *turned = malloc(len + 1);

	if (!turned)
		return -ENOMEM;
	for (size_t at = 0; at < len;) {
		const uint8_t *one = g->data + from + at;
		size_t size = NLMSG_ALIGN(header(one)->nlmsg_len);

		at += size;
		to -= size;
		memcpy(turned + to, one, size);
	}
	if (len)
		memcpy(g->data + from, turned, len);
	free(turned);
	return 0;
}

static int list_once(struct rtnl *r, struct listing *l, struct err *err)
{
	static const uint8_t family[] = { AF_INET, AF_INET6 };
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(family) && !rc; i++) {
		size_t from = l->to->len;

		rc = dump_addrs(r, l, family[i], err);
		if (!rc && family[i] == AF_INET6)
			rc = turn_around(l->to, from);
		if (!rc)
			rc = dump_routes(r, l, family[i], err);
	}
	return rc;
}

int rtnl_goods_list(struct rtnl *r, uint32_t index, const char *name, const struct mac *mac,
		    struct rtnl_goods *ret, struct err *err)
{
	struct rtnl_goods made = { 0 };
	struct listing l = { .to = &made, .index = index, .name = name, .mac = *mac };
	int rc = -EAGAIN;

	for (unsigned i = 0; i < DUMP_TRIES && rc == -EAGAIN; i++) {
		rtnl_goods_free(&made);
		l.room = 0;
		rc = list_once(r, &l, err);
	}
	if (!rc) {
		*ret = made;
		return 0;
	}
	rtnl_goods_free(&made);
	if (rc == -EOPNOTSUPP)
		return err_set(err, EOPNOTSUPP, "a route by %s uses a nexthop object", name);
	if (rc == -E2BIG)
		return err_set(err, E2BIG, "%s has too many routes to be moved", name);
	if (rc == -EAGAIN)
		return err_set(err, EAGAIN, "the routes by %s change all the time", name);
	return rc == -ENOMEM ? rtnl_no_memory(err) : rc;
}

void rtnl_goods_free(struct rtnl_goods *g)
{
	free(g->data);
	*g = (struct rtnl_goods){ 0 };
}

/* --- one after the other --- */

const void *rtnl_goods_next(const struct rtnl_goods *g, size_t *at)
{
	const uint8_t *one = g->data + *at;

	if (*at >= g->len)
		return NULL;
	*at += NLMSG_ALIGN(header(one)->nlmsg_len);
	return one;
}

bool rtnl_goods_is_route(const void *one)
{
	return header(one)->nlmsg_type == RTM_NEWROUTE;
}

bool rtnl_goods_is_behind(const void *one)
{
	return rtnl_goods_is_route(one) &&
	       (nlmsg_find_attr(header(one), sizeof(struct rtmsg), RTA_GATEWAY) ||
		nlmsg_find_attr(header(one), sizeof(struct rtmsg), RTA_VIA) ||
		nlmsg_find_attr(header(one), sizeof(struct rtmsg), RTA_MULTIPATH));
}

int rtnl_goods_parse(struct rtnl_goods *g)
{
	size_t at = 0;

	g->addrs = g->routes = 0;
	while (at < g->len) {
		struct nlmsghdr *h = header(g->data + at);
		size_t left = g->len - at, body;

		if (left < sizeof(*h) || h->nlmsg_len > left || NLMSG_ALIGN(h->nlmsg_len) > left)
			return -EBADMSG;
		body = h->nlmsg_type == RTM_NEWROUTE ? sizeof(struct rtmsg) :
						       sizeof(struct ifaddrmsg);
		if ((h->nlmsg_type != RTM_NEWROUTE && h->nlmsg_type != RTM_NEWADDR) ||
		    h->nlmsg_len < sizeof(*h) + body)
			return -EBADMSG;
		g->routes += h->nlmsg_type == RTM_NEWROUTE;
		g->addrs += h->nlmsg_type == RTM_NEWADDR;
		at += NLMSG_ALIGN(h->nlmsg_len);
	}
	return 0;
}

/* --- changes --- */

/* A request with what follows the header of one of the goods. */
static struct nl_msg *request_of(struct rtnl *r, const void *one, int type, int flags)
{
	return rtnl_request(r, type, flags | NLM_F_ACK, nlmsg_data(header(one)),
			    (size_t)nlmsg_datalen(header(one)));
}

/* The index, in a message of ours; in a route at each place that has it. */
static void set_index(struct nl_msg *msg, uint32_t index)
{
	struct nlmsghdr *h = nlmsg_hdr(msg);
	struct nlattr *oif, *hops;
	struct rtnexthop *nh;
	struct ifaddrmsg *ifa;

	if (h->nlmsg_type == RTM_NEWADDR || h->nlmsg_type == RTM_DELADDR) {
		ifa = nlmsg_data(h);
		ifa->ifa_index = index;
		return;
	}
	oif = nlmsg_find_attr(h, sizeof(struct rtmsg), RTA_OIF);
	if (oif && nla_len(oif) >= 4)
		memcpy(nla_data(oif), &index, sizeof(index));
	hops = nlmsg_find_attr(h, sizeof(struct rtmsg), RTA_MULTIPATH);
	nh = hops ? nla_data(hops) : NULL;
	for (int left = hops ? nla_len(hops) : 0; nh && RTNH_OK(nh, left);
	     left -= RTNH_ALIGN(nh->rtnh_len), nh = RTNH_NEXT(nh))
		if (!nh->rtnh_ifindex)
			nh->rtnh_ifindex = (int)index;
}

static int change(struct rtnl *r, uint32_t index, struct nl_msg *msg, struct err *err)
{
	if (!msg)
		return rtnl_no_memory(err);
	set_index(msg, index);
	return rtnl_ask(r, msg, NULL, NULL, err);
}

static uint32_t *flags_of(struct nlmsghdr *h)
{
	struct nlattr *flags = nlmsg_find_attr(h, sizeof(struct ifaddrmsg), IFA_FLAGS);

	return flags && nla_len(flags) >= 4 ? nla_data(flags) : NULL;
}

/*
 * Of IPv6 without duplicate address detection, for which the address could not be used meanwhile:
 * it is ours, and nothing has come in between. Then without that flag, if it had none, for when it
 * is to be detected later.
 */
static int put_addr(struct rtnl *r, uint32_t index, const void *one, struct err *err)
{
	const struct ifaddrmsg *ifa = nlmsg_data(header(one));
	CLEAN_MSG struct nl_msg *msg =
		request_of(r, one, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE);
	CLEAN_MSG struct nl_msg *again = NULL;
	uint32_t *flags = msg ? flags_of(nlmsg_hdr(msg)) : NULL;
	bool undo = ifa->ifa_family == AF_INET6 && flags && !(*flags & IFA_F_NODAD);
	int rc;

	if (undo)
		*flags |= IFA_F_NODAD;
	rc = change(r, index, msg, err);
	if (rc || !undo)
		return rc;
	again = request_of(r, one, RTM_NEWADDR, NLM_F_REPLACE);
	return change(r, index, again, err);
}

static void describe(const void *one, char *ret, size_t size)
{
	const struct nlmsghdr *h = header(one);
	const struct rtmsg *rtm = nlmsg_data(h);
	const struct ifaddrmsg *ifa = nlmsg_data(h);
	bool route = rtnl_goods_is_route(one);
	uint8_t family = route ? rtm->rtm_family : ifa->ifa_family;
	struct nlattr *attr = route ? nlmsg_find_attr(header(one), sizeof(*rtm), RTA_DST) :
				      nlmsg_find_attr(header(one), sizeof(*ifa), IFA_ADDRESS);
	char text[INET6_ADDRSTRLEN] = "default";

	if (attr && nla_len(attr) >= (family == AF_INET ? 4 : 16))
		inet_ntop(family, nla_data(attr), text, sizeof(text));
	snprintf(ret, size, "%s %s/%u", route ? "route" : "address", text,
		 route ? rtm->rtm_dst_len : ifa->ifa_prefixlen);
}

int rtnl_goods_put(struct rtnl *r, uint32_t index, const void *one, struct err *err)
{
	char what[80];
	int rc;

	if (rtnl_goods_is_route(one)) {
		CLEAN_MSG struct nl_msg *msg =
			request_of(r, one, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_APPEND);

		rc = change(r, index, msg, err);
	} else {
		rc = put_addr(r, index, one, err);
	}
	if (!rc || rc == -EEXIST)
		return 0;
	describe(one, what, sizeof(what));
	return err_wrap(err, rc, "cannot add %s", what);
}

/* All that tells an address from others (net/ipv4/devinet.c, inet_rtm_deladdr). */
static struct nl_msg *del_addr(struct rtnl *r, const void *one)
{
	static const int kept[] = { IFA_LOCAL, IFA_ADDRESS };
	const struct ifaddrmsg *ifa = nlmsg_data(header(one));
	struct nl_msg *msg = rtnl_request(r, RTM_DELADDR, NLM_F_ACK, ifa, sizeof(*ifa));

	for (size_t i = 0; msg && i < ARRAY_SIZE(kept); i++) {
		struct nlattr *a = nlmsg_find_attr(header(one), sizeof(*ifa), kept[i]);

		if (a && nla_put(msg, kept[i], nla_len(a), nla_data(a)) < 0) {
			nlmsg_free(msg);
			return NULL;
		}
	}
	return msg;
}

int rtnl_goods_del(struct rtnl *r, uint32_t index, const void *one, struct err *err)
{
	CLEAN_MSG struct nl_msg *msg =
		rtnl_goods_is_route(one) ? request_of(r, one, RTM_DELROUTE, 0) : del_addr(r, one);
	int rc = change(r, index, msg, err);
	char what[80];

	if (!rc || rc == -ESRCH || rc == -EADDRNOTAVAIL || rc == -ENODEV)
		return 0;
	describe(one, what, sizeof(what));
	return err_wrap(err, rc, "cannot remove %s", what);
}

/* --- a gateway --- */

/* A request about a neighbour, and its outcome. */
static int ask_about(struct rtnl *r, int type, uint8_t flags, uint32_t index,
		     const struct rtnl_gateway *gw, int (*fn)(void *arg, struct nlmsghdr *h),
		     void *arg, struct err *err)
{
	struct ndmsg ndm = { .ndm_family = gw->family,
			     .ndm_ifindex = (int)index,
			     .ndm_flags = flags };
	CLEAN_MSG struct nl_msg *msg = rtnl_request(
		r, type, NLM_F_ACK | (type == RTM_NEWNEIGH ? NLM_F_CREATE : 0), &ndm, sizeof(ndm));

	if (!msg || nla_put(msg, NDA_DST, gw->family == AF_INET ? 4 : 16, gw->addr) < 0)
		return rtnl_no_memory(err);
	return rtnl_ask(r, msg, fn, arg, err);
}

static int note_state(void *arg, struct nlmsghdr *h)
{
	const struct ndmsg *ndm = nlmsg_data(h);

	if (h->nlmsg_type == RTM_NEWNEIGH)
		*(uint16_t *)arg = ndm->ndm_state;
	return 0;
}

/* The kernel asks at once for a neighbour that is new to it, thrice in three seconds; then the
 * entry has failed (net/core/neighbour.c, __neigh_event_send, neigh_timer_handler). */
int rtnl_gateway_ask(struct rtnl *r, uint32_t index, const struct rtnl_gateway *gw, bool anew,
		     bool *ret_answered, struct err *err)
{
	enum { ANSWERED = NUD_REACHABLE | NUD_PERMANENT | NUD_NOARP };
	uint16_t state = 0;
	int rc;

	rc = ask_about(r, RTM_GETNEIGH, 0, index, gw, note_state, &state, err);
	if (rc && rc != -ENOENT)
		return err_wrap(err, rc, "cannot look into the neighbour table");
	*ret_answered = !anew && state & ANSWERED;
	if (state & (NUD_PERMANENT | NUD_NOARP)) {
		*ret_answered = true; /* the host is not to ask for it */
		return 0;
	}
	if (*ret_answered || (!anew && state == NUD_INCOMPLETE))
		return 0;
	rc = state ? ask_about(r, RTM_DELNEIGH, 0, index, gw, NULL, NULL, err) : 0;
	if (!rc || rc == -ENOENT)
		rc = ask_about(r, RTM_NEWNEIGH, NTF_USE, index, gw, NULL, NULL, err);
	return rc ? err_wrap(err, rc, "cannot ask for a neighbour") : 0;
}

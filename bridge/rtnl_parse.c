/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rtnetlink's messages as our own structs. Without I/O; called by rtnl.c and rtnl_watch.c. */
#include <linux/if_addr.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "rtnl.h"

static void copy_text(char *to, size_t size, struct nlattr *attr)
{
	to[0] = 0;
	if (attr)
		snprintf(to, size, "%.*s", nla_len(attr), (const char *)nla_data(attr));
}

static struct mac get_mac(struct nlattr *attr)
{
	struct mac m = { 0 };

	if (attr && nla_len(attr) == (int)sizeof(m.octet))
		memcpy(m.octet, nla_data(attr), sizeof(m.octet));
	return m;
}

static uint32_t get_u32(struct nlattr *attr)
{
	return attr && nla_len(attr) >= 4 ? nla_get_u32(attr) : 0;
}

static uint32_t get_ip4(struct nlattr *attr)
{
	return attr && nla_len(attr) == 4 ? ntohl(nla_get_u32(attr)) : 0;
}

static bool get_isolated(struct nlattr *port)
{
	struct nlattr *tb[IFLA_BRPORT_MAX + 1];

	return port && nla_parse_nested(tb, IFLA_BRPORT_MAX, port, NULL) == 0 &&
	       tb[IFLA_BRPORT_ISOLATED] && nla_len(tb[IFLA_BRPORT_ISOLATED]) >= 1 &&
	       nla_get_u8(tb[IFLA_BRPORT_ISOLATED]);
}

/* drivers/net/tun.c, tun_fill_info */
static void parse_tun(struct nlattr *data, struct rtnl_link *ret)
{
	struct nlattr *tb[IFLA_TUN_MAX + 1];

	if (!data || nla_parse_nested(tb, IFLA_TUN_MAX, data, NULL) < 0)
		return;
	ret->persistent = tb[IFLA_TUN_PERSIST] && nla_len(tb[IFLA_TUN_PERSIST]) >= 1 &&
			  nla_get_u8(tb[IFLA_TUN_PERSIST]);
	ret->user = get_u32(tb[IFLA_TUN_OWNER]);
}

/* net/bridge/br_netlink.c, br_fill_info */
static bool get_filtering(struct nlattr *data)
{
	struct nlattr *tb[IFLA_BR_MAX + 1];

	return data && nla_parse_nested(tb, IFLA_BR_MAX, data, NULL) == 0 &&
	       tb[IFLA_BR_VLAN_FILTERING] && nla_len(tb[IFLA_BR_VLAN_FILTERING]) >= 1 &&
	       nla_get_u8(tb[IFLA_BR_VLAN_FILTERING]);
}

static void parse_kind(struct nlattr *attr, struct rtnl_link *ret)
{
	struct nlattr *info[IFLA_INFO_MAX + 1], *slave;

	if (!attr || nla_parse_nested(info, IFLA_INFO_MAX, attr, NULL) < 0)
		return;
	copy_text(ret->kind, sizeof(ret->kind), info[IFLA_INFO_KIND]);
	if (!strcmp(ret->kind, "tun"))
		parse_tun(info[IFLA_INFO_DATA], ret);
	if (!strcmp(ret->kind, "bridge"))
		ret->filters = get_filtering(info[IFLA_INFO_DATA]);
	slave = info[IFLA_INFO_SLAVE_KIND];
	if (slave && nla_len(slave) == sizeof("bridge") && !nla_strcmp(slave, "bridge"))
		ret->isolated = get_isolated(info[IFLA_INFO_SLAVE_DATA]);
}

bool rtnl_parse_link(struct nlmsghdr *h, struct rtnl_link *ret)
{
	struct nlattr *tb[IFLA_MAX + 1];
	struct ifinfomsg *ifi = nlmsg_data(h);

	if (nlmsg_parse(h, sizeof(*ifi), tb, IFLA_MAX, NULL) < 0 || !tb[IFLA_IFNAME])
		return false;
	*ret = (struct rtnl_link){ .index = (uint32_t)ifi->ifi_index,
				   .master = get_u32(tb[IFLA_MASTER]),
				   .mtu = get_u32(tb[IFLA_MTU]),
				   .up = ifi->ifi_flags & IFF_UP,
				   .carrier = tb[IFLA_CARRIER] && nla_get_u8(tb[IFLA_CARRIER]),
				   .unfinished = get_u32(tb[IFLA_GROUP]) == LINK_GROUP_UNFINISHED,
				   .shaped = tb[IFLA_QDISC] &&
					     !strncmp(nla_data(tb[IFLA_QDISC]), "tbf",
						      (size_t)nla_len(tb[IFLA_QDISC])),
				   .mac = get_mac(tb[IFLA_ADDRESS]) };
	copy_text(ret->name, sizeof(ret->name), tb[IFLA_IFNAME]);
	copy_text(ret->alias, sizeof(ret->alias), tb[IFLA_IFALIAS]);
	parse_kind(tb[IFLA_LINKINFO], ret);
	return true;
}

/* What a bridge says of a port of its own (net/bridge/br_netlink.c, br_fill_ifinfo). */
bool rtnl_parse_port(struct nlmsghdr *h, struct rtnl_link *ret)
{
	struct nlattr *tb[IFLA_MAX + 1];
	struct ifinfomsg *ifi = nlmsg_data(h);

	if (nlmsg_parse(h, sizeof(*ifi), tb, IFLA_MAX, NULL) < 0 || !tb[IFLA_PROTINFO])
		return false;
	*ret = (struct rtnl_link){ .index = (uint32_t)ifi->ifi_index,
				   .isolated = get_isolated(tb[IFLA_PROTINFO]) };
	return true;
}

bool rtnl_parse_addr(struct nlmsghdr *h, struct rtnl_addr *ret)
{
	struct nlattr *tb[IFA_MAX + 1];
	struct ifaddrmsg *ifa = nlmsg_data(h);
	struct nlattr *own;

	if (nlmsg_parse(h, sizeof(*ifa), tb, IFA_MAX, NULL) < 0 || ifa->ifa_family != AF_INET)
		return false;
	own = tb[IFA_LOCAL] ? tb[IFA_LOCAL] : tb[IFA_ADDRESS];
	*ret = (struct rtnl_addr){ .index = ifa->ifa_index,
				   .prefix = { .addr = get_ip4(own), .len = ifa->ifa_prefixlen } };
	return own && ifa->ifa_prefixlen <= 32;
}

/* Calls fn for each next hop. */
int rtnl_parse_route(struct nlmsghdr *h, rtnl_route_fn fn, void *arg)
{
	struct nlattr *tb[RTA_MAX + 1];
	struct rtmsg *rtm = nlmsg_data(h);
	struct rtnl_route route;
	struct rtnexthop *nh;
	int left, rc = 0;

	if (nlmsg_parse(h, sizeof(*rtm), tb, RTA_MAX, NULL) < 0 || rtm->rtm_family != AF_INET ||
	    rtm->rtm_dst_len > 32 || rtm->rtm_flags & RTM_F_CLONED)
		return 0;
	route = (struct rtnl_route){
		.dst = { .addr = get_ip4(tb[RTA_DST]), .len = rtm->rtm_dst_len },
		.index = get_u32(tb[RTA_OIF]),
		.gateway = get_ip4(tb[RTA_GATEWAY]),
		.table = tb[RTA_TABLE] ? get_u32(tb[RTA_TABLE]) : rtm->rtm_table,
		.type = rtm->rtm_type
	};
	if (route.table != RT_TABLE_MAIN || route.type == RTN_LOCAL ||
	    route.type == RTN_BROADCAST || route.type == RTN_MULTICAST)
		return 0;
	if (!tb[RTA_MULTIPATH])
		return fn(arg, &route);
	nh = nla_data(tb[RTA_MULTIPATH]);
	for (left = nla_len(tb[RTA_MULTIPATH]); !rc && RTNH_OK(nh, left);
	     left -= RTNH_ALIGN(nh->rtnh_len), nh = RTNH_NEXT(nh)) {
		route.index = (uint32_t)nh->rtnh_ifindex;
		route.gateway = 0;
		rc = fn(arg, &route);
	}
	return rc;
}

bool rtnl_parse_neigh(struct nlmsghdr *h, struct rtnl_neigh *ret)
{
	struct nlattr *tb[NDA_MAX + 1];
	struct ndmsg *ndm = nlmsg_data(h);

	if (nlmsg_parse(h, sizeof(*ndm), tb, NDA_MAX, NULL) < 0 || !tb[NDA_LLADDR])
		return false;
	*ret = (struct rtnl_neigh){ .index = (uint32_t)ndm->ndm_ifindex,
				    .bridge = get_u32(tb[NDA_MASTER]),
				    .addr = ndm->ndm_family == AF_INET ? get_ip4(tb[NDA_DST]) : 0,
				    .mac = get_mac(tb[NDA_LLADDR]),
				    .local = ndm->ndm_state & NUD_PERMANENT };
	return ndm->ndm_family == AF_BRIDGE ||
	       !(ndm->ndm_state & (NUD_FAILED | NUD_INCOMPLETE | NUD_NOARP));
}

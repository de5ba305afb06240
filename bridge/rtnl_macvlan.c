/* SPDX-License-Identifier: GPL-2.0-or-later */
/* macvtap and macvlan devices on an uplink, and routes to single addresses behind one. Called
 * through the kernel seam. */
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <sys/socket.h>

#include "rtnl.h"

static const struct {
	uint32_t number;
	const char *text;
} modes[] = {
	[RTNL_MACVLAN_BRIDGE] = { MACVLAN_MODE_BRIDGE, "bridge" },
	[RTNL_MACVLAN_PRIVATE] = { MACVLAN_MODE_PRIVATE, "private" },
	[RTNL_MACVLAN_VEPA] = { MACVLAN_MODE_VEPA, "vepa" },
	[RTNL_MACVLAN_PASSTHRU] = { MACVLAN_MODE_PASSTHRU, "passthru" },
};

static int put_info(struct nl_msg *msg, const struct rtnl_macvlan *m)
{
	struct nlattr *info = nla_nest_start(msg, IFLA_LINKINFO), *data;

	if (!info || nla_put_string(msg, IFLA_INFO_KIND, m->tap ? "macvtap" : "macvlan") < 0)
		return -ENOMEM;
	data = nla_nest_start(msg, IFLA_INFO_DATA);
	if (!data || nla_put_u32(msg, IFLA_MACVLAN_MODE, modes[m->mode].number) < 0)
		return -ENOMEM;
	nla_nest_end(msg, data);
	nla_nest_end(msg, info);
	return 0;
}

int rtnl_macvlan_add(struct rtnl *r, const struct rtnl_macvlan *m, uint32_t *ret_index,
		     struct err *err)
{
	CLEAN_MSG struct nl_msg *msg = rtnl_request_new_link(r, m->name, m->mac);
	int rc;

	if (!msg || nla_put_u32(msg, IFLA_LINK, m->lower) < 0 ||
	    nla_put_u32(msg, IFLA_MTU, m->mtu) < 0 ||
	    nla_put_u32(msg, IFLA_GROUP, LINK_GROUP_UNFINISHED) < 0 || put_info(msg, m) < 0)
		return rtnl_no_memory(err);
	rc = rtnl_ask(r, msg, NULL, NULL, err);
	if (rc)
		return err_wrap(err, rc, "cannot create %s %s of mode %s",
				m->tap ? "macvtap" : "macvlan", m->name, modes[m->mode].text);
	return rtnl_link_made(r, m->name, ret_index, err);
}

/* --- routes --- */

int rtnl_host_route(struct rtnl *r, const struct rtnl_host_route *route, bool add, struct err *err)
{
	struct rtmsg rtm = { .rtm_family = AF_INET,
			     .rtm_dst_len = 32,
			     .rtm_table = RT_TABLE_MAIN,
			     .rtm_protocol = add ? RTPROT_STATIC : RTPROT_UNSPEC,
			     .rtm_scope = add ? RT_SCOPE_LINK : RT_SCOPE_NOWHERE,
			     .rtm_type = add ? RTN_UNICAST : RTN_UNSPEC };
	CLEAN_MSG struct nl_msg *msg =
		rtnl_request(r, add ? RTM_NEWROUTE : RTM_DELROUTE,
			     (add ? NLM_F_CREATE | NLM_F_EXCL : 0) | NLM_F_ACK, &rtm, sizeof(rtm));
	uint32_t to = htonl(route->to), from = htonl(route->from);
	char text[IP4_TEXT_SIZE];
	int rc;

	if (!msg || nla_put(msg, RTA_DST, sizeof(to), &to) < 0 ||
	    nla_put_u32(msg, RTA_OIF, route->index) < 0 ||
	    (add && nla_put(msg, RTA_PREFSRC, sizeof(from), &from) < 0))
		return rtnl_no_memory(err);
	rc = rtnl_ask(r, msg, NULL, NULL, err);
	if (rc == (add ? -EEXIST : -ESRCH))
		return 0;
	return rc ? err_wrap(err, rc, "cannot %s the route to %s", add ? "add" : "remove",
			     ip4_text(route->to, text)) :
		    0;
}

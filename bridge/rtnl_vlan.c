/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VLANs of a bridge and its ports, by rtnetlink.
 *
 * A port's VLANs are set without reading them: what it is to have is added, which changes nothing
 * where it has it, and then all others are taken away, which is no error where it has not
 * (net/bridge/br_netlink.c, br_vlan_info). So frames of those that stay get through all the time.
 */
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <sys/socket.h>

#include "rtnl.h"

enum { VLAN_LAST = 4094 };

int rtnl_vlan_filter(struct rtnl *r, uint32_t bridge, bool on, struct err *err)
{
	const struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC, .ifi_index = (int)bridge };
	CLEAN_MSG struct nl_msg *msg = rtnl_request(r, RTM_NEWLINK, NLM_F_ACK, &ifi, sizeof(ifi));
	struct nlattr *info = msg ? nla_nest_start(msg, IFLA_LINKINFO) : NULL, *data;
	int rc;

	if (!info || nla_put_string(msg, IFLA_INFO_KIND, "bridge") < 0)
		return rtnl_no_memory(err);
	data = nla_nest_start(msg, IFLA_INFO_DATA);
	if (!data || nla_put_u8(msg, IFLA_BR_VLAN_FILTERING, on) < 0)
		return rtnl_no_memory(err);
	nla_nest_end(msg, data);
	nla_nest_end(msg, info);
	rc = rtnl_ask(r, msg, NULL, NULL, err);
	return rc ? err_wrap(err, rc, "cannot switch VLAN filtering %s", on ? "on" : "off") : 0;
}

static int put_one(struct nl_msg *msg, uint16_t flags, uint16_t vid)
{
	const struct bridge_vlan_info v = { .flags = flags, .vid = vid };

	return nla_put(msg, IFLA_BRIDGE_VLAN_INFO, sizeof(v), &v);
}

static int put_range(struct nl_msg *msg, uint16_t first, uint16_t last)
{
	if (first > last)
		return 0;
	if (first == last)
		return put_one(msg, 0, first);
	return put_one(msg, BRIDGE_VLAN_INFO_RANGE_BEGIN, first) < 0 ?
		       -1 :
		       put_one(msg, BRIDGE_VLAN_INFO_RANGE_END, last);
}

static int put_wanted(struct nl_msg *msg, const struct rtnl_vlans *v)
{
	for (unsigned i = 0; i < v->n; i++)
		if (put_range(msg, v->tagged[i].first, v->tagged[i].last) < 0)
			return -1;
	return v->native ?
		       put_one(msg, BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED, v->native) :
		       0;
}

static bool is_wanted(const struct rtnl_vlans *v, unsigned vid)
{
	for (unsigned i = 0; i < v->n; i++)
		if (vid >= v->tagged[i].first && vid <= v->tagged[i].last)
			return true;
	return vid == v->native;
}

/* What is between those that are wanted. */
static int put_others(struct nl_msg *msg, const struct rtnl_vlans *v)
{
	unsigned first = 1;

	for (unsigned vid = 1; vid <= VLAN_LAST + 1; vid++) {
		if (vid <= VLAN_LAST && !is_wanted(v, vid))
			continue;
		if (put_range(msg, (uint16_t)first, (uint16_t)(vid - 1)) < 0)
			return -1;
		first = vid + 1;
	}
	return 0;
}

/* To add nothing is an error of the kernel's. */
static int change(struct rtnl *r, int type, uint32_t index, const struct rtnl_vlans *v,
		  struct err *err)
{
	const struct ifinfomsg ifi = { .ifi_family = AF_BRIDGE, .ifi_index = (int)index };
	CLEAN_MSG struct nl_msg *msg = rtnl_request(r, type, NLM_F_ACK, &ifi, sizeof(ifi));
	struct nlattr *list = msg ? nla_nest_start(msg, IFLA_AF_SPEC) : NULL;

	if (!list || (type == RTM_SETLINK ? put_wanted(msg, v) : put_others(msg, v)) < 0)
		return rtnl_no_memory(err);
	nla_nest_end(msg, list);
	return rtnl_ask(r, msg, NULL, NULL, err);
}

int rtnl_vlans_set(struct rtnl *r, uint32_t index, const struct rtnl_vlans *v, struct err *err)
{
	int rc = v->native || v->n ? change(r, RTM_SETLINK, index, v, err) : 0;

	if (!rc)
		rc = change(r, RTM_DELLINK, index, v, err);
	return rc ? err_wrap(err, rc, "cannot set VLANs") : 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pairs of veth devices, one end of which is in a network namespace. Called through the kernel
 * seam. */
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <netlink/attr.h>
#include <sys/socket.h>

#include "rtnl.h"

/* The other end: a header and attributes of its own (drivers/net/veth.c, veth_newlink). */
static int put_peer(struct nl_msg *msg, const struct rtnl_veth *v)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };
	struct nlattr *info = nla_nest_start(msg, IFLA_LINKINFO), *data, *peer;

	if (!info || nla_put_string(msg, IFLA_INFO_KIND, "veth") < 0)
		return -ENOMEM;
	data = nla_nest_start(msg, IFLA_INFO_DATA);
	peer = data ? nla_nest_start(msg, VETH_INFO_PEER) : NULL;
	if (!peer || nlmsg_append(msg, &ifi, sizeof(ifi), NLMSG_ALIGNTO) < 0 ||
	    nla_put_string(msg, IFLA_IFNAME, v->inside) < 0 ||
	    nla_put(msg, IFLA_ADDRESS, sizeof(v->inside_mac->octet), v->inside_mac->octet) < 0 ||
	    nla_put_u32(msg, IFLA_MTU, v->mtu) < 0 ||
	    nla_put_u32(msg, IFLA_NET_NS_FD, (uint32_t)v->netns) < 0)
		return -ENOMEM;
	nla_nest_end(msg, peer);
	nla_nest_end(msg, data);
	nla_nest_end(msg, info);
	return 0;
}

/* The kernel says of a name that it is taken, and not where. */
static int name_taken(struct rtnl *r, const struct rtnl_veth *v, struct err *err)
{
	struct rtnl_link link;
	int rc = rtnl_link_find(r, v->name, &link, err);

	if (rc == -ENODEV)
		return err_set(err, ENOTUNIQ, "the network namespace has an interface %s already",
			       v->inside);
	return rc ? rc : err_set(err, EEXIST, "there is an interface %s already", v->name);
}

int rtnl_veth_add(struct rtnl *r, const struct rtnl_veth *v, uint32_t *ret_index, struct err *err)
{
	CLEAN_MSG struct nl_msg *msg = rtnl_request_new_link(r, v->name, v->mac);
	int rc;

	if (!msg || nla_put_u32(msg, IFLA_MTU, v->mtu) < 0 ||
	    nla_put_u32(msg, IFLA_GROUP, LINK_GROUP_UNFINISHED) < 0 || put_peer(msg, v) < 0)
		return rtnl_no_memory(err);
	rc = rtnl_ask(r, msg, NULL, NULL, err);
	if (rc == -EEXIST)
		return name_taken(r, v, err);
	if (rc)
		return err_wrap(err, rc, "cannot create veth %s", v->name);
	return rtnl_link_made(r, v->name, ret_index, err);
}

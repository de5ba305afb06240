/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is done inside another network namespace. A socket belongs to the namespace of the thread
 * that makes it, so a thread of its own goes there, makes the socket and ends: the rest of the
 * process is never anywhere else than where it began. Called through the kernel seam.
 */
#include <fcntl.h>
#include <linux/nsfs.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "rtnl.h"

CLEANUP_DEFINE(msg, struct nl_msg, nlmsg_free)
#define CLEAN_MSG CLEANUP(cleanup_msg)
CLEANUP_DEFINE(rtnl, struct rtnl, rtnl_free)

int rtnl_netns_check(int fd, struct err *err)
{
	struct stat it, own;
	int type = ioctl(fd, NS_GET_NSTYPE);

	if (type != CLONE_NEWNET)
		return err_set(err, EINVAL, "the descriptor is not of a network namespace");
	if (fstat(fd, &it) < 0 || stat("/proc/thread-self/ns/net", &own) < 0)
		return err_sys(err, errno, "cannot look at the network namespace");
	if (it.st_dev == own.st_dev && it.st_ino == own.st_ino)
		return err_set(err, EINVAL, "it is the host's own network namespace");
	return 0;
}

struct visit {
	int netns;
	struct rtnl *rtnl;
	int rc;
	struct err err;
};

static void *visit(void *arg)
{
	struct visit *v = arg;

	if (setns(v->netns, CLONE_NEWNET) < 0)
		v->rc = err_sys(&v->err, errno, "cannot enter the network namespace");
	else
		v->rc = rtnl_open(&v->rtnl, &v->err);
	return NULL;
}

/* A socket for requests in another namespace. */
static int open_there(int netns, struct rtnl **ret, struct err *err)
{
	struct visit v = { .netns = netns };
	pthread_t thread;
	int code = pthread_create(&thread, NULL, visit, &v);

	if (code)
		return err_sys(err, code, "cannot start a thread");
	pthread_join(thread, NULL);
	if (v.rc) {
		*err = v.err;
		return v.rc;
	}
	*ret = v.rtnl;
	return 0;
}

static int add_default_route(struct rtnl *r, uint32_t index, uint32_t gateway, struct err *err)
{
	struct rtmsg rtm = { .rtm_family = AF_INET,
			     .rtm_table = RT_TABLE_MAIN,
			     .rtm_protocol = RTPROT_BOOT,
			     .rtm_scope = RT_SCOPE_UNIVERSE,
			     .rtm_type = RTN_UNICAST };
	CLEAN_MSG struct nl_msg *msg = rtnl_request(
		r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, &rtm, sizeof(rtm));
	uint32_t wire = htonl(gateway);
	int rc;

	if (!msg || nla_put(msg, RTA_GATEWAY, sizeof(wire), &wire) < 0 ||
	    nla_put_u32(msg, RTA_OIF, index) < 0)
		return err_set(err, ENOMEM, "rtnetlink: out of memory");
	rc = rtnl_ask(r, msg, NULL, NULL, err);
	if (rc == -EEXIST) /* another of its interfaces has it */
		return 0;
	return rc ? err_wrap(err, rc, "cannot add a default route") : 0;
}

int rtnl_inside_configure(int netns, const struct rtnl_inside *inside, struct err *err)
{
	CLEANUP(cleanup_rtnl) struct rtnl *r = NULL;
	struct rtnl_change up = { .up = true };
	struct rtnl_link link;
	int rc = open_there(netns, &r, err);

	if (!rc)
		rc = rtnl_link_find(r, inside->name, &link, err);
	if (rc == -ENODEV)
		err_set(err, ENODEV, "it is gone again");
	if (!rc && inside->address.addr)
		rc = rtnl_addr_add(r, link.index, inside->address, err);
	if (!rc) {
		up.index = link.index;
		rc = rtnl_link_set(r, &up, err);
	}
	if (!rc && inside->gateway)
		rc = add_default_route(r, link.index, inside->gateway, err);
	return rc ? err_wrap(err, rc, "interface %s in the network namespace", inside->name) : 0;
}

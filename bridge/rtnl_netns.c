/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is done inside another network namespace. A socket belongs to the namespace of the thread
 * that makes it, so a thread of its own goes there, makes the socket and ends: the rest of the
 * process is never anywhere else than where it began. Called through the kernel seam.
 */
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
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

CLEANUP_DEFINE(rtnl, struct rtnl, rtnl_free)

/*
 * Of a descriptor that anybody may have sent. What a file system is asked can take for ever: that
 * of a user's own server (FUSE) answers when it likes, ioctl included. So it is first seen to be of
 * the file system of namespaces, by what the kernel has at hand of its attributes
 * (AT_STATX_DONT_SYNC; fs/fuse/dir.c, fuse_update_get_attr).
 */
static bool look_at(int fd, bool *ret_own)
{
	struct statx it, own;

	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_INO, &it) < 0 ||
	    statx(AT_FDCWD, "/proc/thread-self/ns/net", 0, STATX_INO, &own) < 0)
		return false;
	if (it.stx_dev_major != own.stx_dev_major || it.stx_dev_minor != own.stx_dev_minor)
		return false;
	*ret_own = it.stx_ino == own.stx_ino;
	return ioctl(fd, NS_GET_NSTYPE) == CLONE_NEWNET;
}

bool rtnl_netns_is(int fd)
{
	bool own;

	return look_at(fd, &own);
}

int rtnl_netns_check(int fd, struct err *err)
{
	bool own;

	if (!look_at(fd, &own))
		return err_set(err, EINVAL, "the descriptor is not of a network namespace");
	return own ? err_set(err, EINVAL, "it is the host's own network namespace") : 0;
}

struct visit {
	int netns;
	rtnl_netns_fn fn;
	void *arg;
	int rc;
	struct err err;
};

static void *visit(void *arg)
{
	struct visit *v = arg;

	if (setns(v->netns, CLONE_NEWNET) < 0)
		v->rc = err_sys(&v->err, errno, "cannot enter the network namespace");
	else
		v->rc = v->fn(v->arg, &v->err);
	return NULL;
}

int rtnl_netns_call(int netns, rtnl_netns_fn fn, void *arg, struct err *err)
{
	struct visit v = { .netns = netns, .fn = fn, .arg = arg };
	pthread_t thread;
	int code = pthread_create(&thread, NULL, visit, &v);

	if (code)
		return err_sys(err, code, "cannot start a thread");
	pthread_join(thread, NULL);
	if (v.rc && err)
		*err = v.err;
	return v.rc;
}

static int open_here(void *arg, struct err *err)
{
	return rtnl_open(arg, err);
}

/* A socket for requests in another namespace. */
static int open_there(int netns, struct rtnl **ret, struct err *err)
{
	return rtnl_netns_call(netns, open_here, ret, err);
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
		return rtnl_no_memory(err);
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

/* --- a TAP behind a pair --- */

/* No address beyond the link, so that nothing is sent from there; where there is no IPv6 nothing is
 * anyhow. */
static int set_silent(struct rtnl *r, uint32_t index, struct err *err)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC, .ifi_index = (int)index };
	CLEAN_MSG struct nl_msg *msg = rtnl_request(r, RTM_NEWLINK, NLM_F_ACK, &ifi, sizeof(ifi));
	struct nlattr *spec = msg ? nla_nest_start(msg, IFLA_AF_SPEC) : NULL;
	struct nlattr *inet6 = spec ? nla_nest_start(msg, AF_INET6) : NULL;
	int rc;

	if (!inet6 || nla_put_u8(msg, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE) < 0)
		return rtnl_no_memory(err);
	nla_nest_end(msg, inet6);
	nla_nest_end(msg, spec);
	rc = rtnl_ask(r, msg, NULL, NULL, err);
	return rc == -EAFNOSUPPORT || rc == -EOPNOTSUPP ? 0 : rc;
}

/* master 0: none; alias NULL: as it is */
static int set_inside(struct rtnl *r, const char *name, uint32_t master, uint32_t mtu,
		      const char *alias, uint32_t *ret_index, struct err *err)
{
	struct rtnl_change c = { .master = master, .mtu = mtu, .alias = alias, .up = true };
	struct rtnl_link link;
	int rc = rtnl_link_find(r, name, &link, err);

	if (rc == -ENODEV)
		err_set(err, ENODEV, "it is gone again");
	if (!rc)
		rc = set_silent(r, link.index, err);
	c.index = link.index;
	if (!rc)
		rc = rtnl_link_set(r, &c, err);
	if (!rc && ret_index)
		*ret_index = link.index;
	return rc ? err_wrap(err, rc, "interface %s in the network namespace", name) : 0;
}

int rtnl_inside_join(int netns, const struct rtnl_inside_tap *t, struct err *err)
{
	CLEANUP(cleanup_rtnl) struct rtnl *r = NULL;
	struct rtnl_link end;
	uint32_t bridge = 0;
	int rc = open_there(netns, &r, err);

	if (!rc)
		rc = rtnl_link_find(r, t->end, &end, err);
	if (rc == -ENODEV)
		return err_set(err, ENODEV, "interface %s in the network namespace is gone again",
			       t->end);
	if (!rc)
		rc = rtnl_bridge_add(r, t->bridge, &end.mac, t->mtu, err);
	if (!rc)
		rc = set_inside(r, t->bridge, 0, 0, t->alias, &bridge, err);
	if (!rc)
		rc = set_inside(r, t->end, bridge, 0, NULL, NULL, err);
	if (!rc)
		rc = set_inside(r, t->tap, bridge, t->mtu, t->alias, NULL, err);
	return rc;
}

struct strangers {
	const char *alias, *bridge;
	uint32_t index[8];
	unsigned n;
};

static int collect(void *arg, struct nlmsghdr *h)
{
	struct strangers *s = arg;
	struct rtnl_link link;

	if (rtnl_parse_link(h, &link) && s->n < ARRAY_SIZE(s->index) &&
	    (!strcmp(link.alias, s->alias) ||
	     (!strcmp(link.kind, "bridge") && !strcmp(link.name, s->bridge))))
		s->index[s->n++] = link.index;
	return 0;
}

static int read_nsid(void *arg, struct nlmsghdr *h)
{
	struct nlattr *tb[IFLA_MAX + 1];

	if (nlmsg_parse(h, sizeof(struct ifinfomsg), tb, IFLA_MAX, NULL) == 0 &&
	    tb[IFLA_LINK_NETNSID] && nla_len(tb[IFLA_LINK_NETNSID]) >= 4)
		*(int32_t *)arg = nla_get_s32(tb[IFLA_LINK_NETNSID]);
	return 0;
}

/* What the kernel calls the namespace of the other end; -1: it is in ours, or nowhere. */
static int find_nsid(struct rtnl *r, uint32_t index, int32_t *ret, struct err *err)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC, .ifi_index = (int)index };
	CLEAN_MSG struct nl_msg *msg = rtnl_request(r, RTM_GETLINK, NLM_F_ACK, &ifi, sizeof(ifi));

	*ret = -1;
	if (!msg)
		return rtnl_no_memory(err);
	return rtnl_ask(r, msg, read_nsid, ret, err);
}

static int ask_there(struct rtnl *r, int type, int flags, uint32_t index, int32_t nsid,
		     struct strangers *s, struct err *err)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC, .ifi_index = (int)index };
	CLEAN_MSG struct nl_msg *msg = rtnl_request(r, type, flags, &ifi, sizeof(ifi));

	if (!msg || nla_put_s32(msg, IFLA_TARGET_NETNSID, nsid) < 0)
		return rtnl_no_memory(err);
	return rtnl_ask(r, msg, s ? collect : NULL, s, err);
}

int rtnl_inside_remove(struct rtnl *r, uint32_t index, const char *alias, const char *bridge,
		       struct err *err)
{
	struct strangers s = { .alias = alias, .bridge = bridge };
	int32_t nsid;
	int rc = find_nsid(r, index, &nsid, err);

	if (rc == -ENODEV || (!rc && nsid < 0))
		return 0;
	/* Of a list that changes meanwhile, what is ours does not. */
	if (!rc)
		rc = ask_there(r, RTM_GETLINK, NLM_F_DUMP, 0, nsid, &s, err);
	if (rc == -EAGAIN)
		rc = 0;
	for (unsigned i = 0; !rc && i < s.n; i++) {
		rc = ask_there(r, RTM_DELLINK, NLM_F_ACK, s.index[i], nsid, NULL, err);
		rc = rc == -ENODEV ? 0 : rc;
	}
	return rc ? err_wrap(err, rc, "cannot remove what is in the network namespace") : 0;
}

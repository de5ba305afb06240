/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rates of links, by rtnetlink's traffic control.
 *
 * What leaves by a link is shaped by a token bucket at its root (net/sched/sch_tbf.c). What comes
 * in cannot be shaped where it comes in, since nothing queues there: it is redirected to an
 * intermediate functional block (drivers/net/ifb.c), leaves by that, shaped, and is then received
 * as if it had come just now. A policer would need no such device, but it drops instead of
 * queueing, and TCP gets along with that badly.
 *
 * The qdisc has a handle of ours, by which it alone is changed and removed.
 */
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>
#include <sys/socket.h>

#include "rtnl.h"

enum { OURS = 0x6e64 /* "nd" */, U32_FIRST = 0x80000800 };

#define HANDLE_ROOT TC_H_MAKE(OURS << 16, 0)
#define HANDLE_INGRESS TC_H_MAKE(TC_H_INGRESS, 0)
/* Of a filter: its place among others, and that it is for every protocol. */
#define FILTER_INFO TC_H_MAKE(OURS << 16, htons(ETH_P_ALL))

static struct nl_msg *request(struct rtnl *r, int type, int flags, const struct tcmsg *t,
			      const char *kind)
{
	struct nl_msg *msg = rtnl_request(r, type, flags | NLM_F_ACK, t, sizeof(*t));

	if (msg && kind && nla_put_string(msg, TCA_KIND, kind) < 0) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

/* --- what leaves --- */

static int put_rate(struct nl_msg *msg, const struct rtnl_rate *rate)
{
	uint64_t octets = rate->bits / 8;
	/* Of Ethernet: the kernel computes the times itself, and needs no table of them. */
	struct tc_tbf_qopt q = { .rate = { .linklayer = TC_LINKLAYER_ETHERNET,
					   .rate = octets < UINT32_MAX ? (uint32_t)octets :
									 UINT32_MAX },
				 .limit = rate->limit };
	struct nlattr *options = nla_nest_start(msg, TCA_OPTIONS);

	if (!options || nla_put(msg, TCA_TBF_PARMS, sizeof(q), &q) < 0 ||
	    nla_put_u32(msg, TCA_TBF_BURST, rate->burst) < 0 ||
	    (octets >= UINT32_MAX && nla_put_u64(msg, TCA_TBF_RATE64, octets) < 0))
		return -ENOMEM;
	nla_nest_end(msg, options);
	return 0;
}

static int del_root(struct rtnl *r, uint32_t index, struct err *err)
{
	const struct tcmsg t = { .tcm_family = AF_UNSPEC,
				 .tcm_ifindex = (int)index,
				 .tcm_parent = TC_H_ROOT,
				 .tcm_handle = HANDLE_ROOT };
	CLEAN_MSG struct nl_msg *msg = request(r, RTM_DELQDISC, 0, &t, NULL);
	int rc = msg ? rtnl_ask(r, msg, NULL, NULL, err) : rtnl_no_memory(err);

	/* There is none, or another's (net/sched/sch_api.c, tc_get_qdisc). */
	return rc == -ENOENT || rc == -EINVAL ? 0 : rc;
}

int rtnl_rate_set(struct rtnl *r, uint32_t index, const struct rtnl_rate *rate, struct err *err)
{
	const struct tcmsg t = { .tcm_family = AF_UNSPEC,
				 .tcm_ifindex = (int)index,
				 .tcm_parent = TC_H_ROOT,
				 .tcm_handle = HANDLE_ROOT };
	CLEAN_MSG struct nl_msg *msg = NULL;
	int rc;

	if (!rate->bits)
		return del_root(r, index, err);
	msg = request(r, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, &t, "tbf");
	if (!msg || put_rate(msg, rate))
		return rtnl_no_memory(err);
	rc = rtnl_ask(r, msg, NULL, NULL, err);
	return rc ? err_wrap(err, rc, "cannot limit a rate") : 0;
}

/* --- what comes in --- */

int rtnl_ifb_add(struct rtnl *r, const char *name, const struct mac *mac, uint32_t *ret_index,
		 struct err *err)
{
	CLEAN_MSG struct nl_msg *msg = rtnl_request_new_link(r, name, mac);
	struct nlattr *info = msg ? nla_nest_start(msg, IFLA_LINKINFO) : NULL;
	int rc;

	if (!info || nla_put_string(msg, IFLA_INFO_KIND, "ifb") < 0)
		return rtnl_no_memory(err);
	nla_nest_end(msg, info);
	rc = rtnl_ask(r, msg, NULL, NULL, err);
	if (rc)
		return err_wrap(err, rc, "cannot create interface %s (ifb)", name);
	return rtnl_link_made(r, name, ret_index, err);
}

static int add_ingress(struct rtnl *r, uint32_t index, struct err *err)
{
	const struct tcmsg t = { .tcm_family = AF_UNSPEC,
				 .tcm_ifindex = (int)index,
				 .tcm_parent = TC_H_INGRESS,
				 .tcm_handle = HANDLE_INGRESS };
	CLEAN_MSG struct nl_msg *msg = request(r, RTM_NEWQDISC, NLM_F_CREATE, &t, "ingress");

	return msg ? rtnl_ask(r, msg, NULL, NULL, err) : rtnl_no_memory(err);
}

static int del_ingress(struct rtnl *r, uint32_t index, struct err *err)
{
	const struct tcmsg t = { .tcm_family = AF_UNSPEC,
				 .tcm_ifindex = (int)index,
				 .tcm_parent = TC_H_INGRESS,
				 .tcm_handle = HANDLE_INGRESS };
	/* With its kind: clsact has the same handle, and is not ours. */
	CLEAN_MSG struct nl_msg *msg = request(r, RTM_DELQDISC, 0, &t, "ingress");
	int rc = msg ? rtnl_ask(r, msg, NULL, NULL, err) : rtnl_no_memory(err);

	return rc == -ENOENT || rc == -EINVAL ? 0 : rc;
}

static int del_filter(struct rtnl *r, uint32_t index, struct err *err)
{
	const struct tcmsg t = { .tcm_family = AF_UNSPEC,
				 .tcm_ifindex = (int)index,
				 .tcm_parent = HANDLE_INGRESS,
				 .tcm_info = FILTER_INFO };
	CLEAN_MSG struct nl_msg *msg = request(r, RTM_DELTFILTER, 0, &t, NULL);
	int rc = msg ? rtnl_ask(r, msg, NULL, NULL, err) : rtnl_no_memory(err);

	return rc == -ENOENT ? 0 : rc;
}

/* The action, in the first place of a list of actions. */
static int put_redirect(struct nl_msg *msg, uint32_t to)
{
	const struct tc_mirred m = { .action = TC_ACT_STOLEN,
				     .eaction = TCA_EGRESS_REDIR,
				     .ifindex = to };
	struct nlattr *list = nla_nest_start(msg, TCA_U32_ACT);
	struct nlattr *first = list ? nla_nest_start(msg, 1) : NULL, *options;

	if (!first || nla_put_string(msg, TCA_ACT_KIND, "mirred") < 0)
		return -ENOMEM;
	options = nla_nest_start(msg, TCA_ACT_OPTIONS);
	if (!options || nla_put(msg, TCA_MIRRED_PARMS, sizeof(m), &m) < 0)
		return -ENOMEM;
	nla_nest_end(msg, options);
	nla_nest_end(msg, first);
	nla_nest_end(msg, list);
	return 0;
}

/* u32 with a key that compares nothing: kernels have it that have no matchall. */
static int put_filter(struct nl_msg *msg, uint32_t to)
{
	const struct tc_u32_sel sel = { .flags = TC_U32_TERMINAL, .nkeys = 1 };
	uint8_t any[sizeof(sel) + sizeof(struct tc_u32_key)] = { 0 };
	struct nlattr *options = nla_nest_start(msg, TCA_OPTIONS);

	memcpy(any, &sel, sizeof(sel));
	if (!options || nla_put(msg, TCA_U32_SEL, sizeof(any), any) < 0 || put_redirect(msg, to))
		return -ENOMEM;
	nla_nest_end(msg, options);
	return 0;
}

static int add_filter(struct rtnl *r, uint32_t index, uint32_t to, struct err *err)
{
	const struct tcmsg t = { .tcm_family = AF_UNSPEC,
				 .tcm_ifindex = (int)index,
				 .tcm_parent = HANDLE_INGRESS,
				 .tcm_handle = U32_FIRST,
				 .tcm_info = FILTER_INFO };
	CLEAN_MSG struct nl_msg *msg =
		request(r, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, &t, "u32");

	return msg && !put_filter(msg, to) ? rtnl_ask(r, msg, NULL, NULL, err) :
					     rtnl_no_memory(err);
}

int rtnl_redirect_set(struct rtnl *r, uint32_t index, uint32_t to, struct err *err)
{
	int rc = to ? add_ingress(r, index, err) : del_ingress(r, index, err);

	/* One that is there may lead to a device that is gone. */
	if (!rc && to)
		rc = del_filter(r, index, err);
	if (!rc && to)
		rc = add_filter(r, index, to, err);
	return rc ? err_wrap(err, rc, "cannot redirect what comes in") : 0;
}

bool rtnl_parse_qdisc(struct nlmsghdr *h, struct rtnl_qdisc *ret)
{
	const struct tcmsg *t = nlmsg_data(h);

	if (nlmsg_datalen(h) < (int)sizeof(*t) ||
	    (t->tcm_handle != HANDLE_ROOT && t->tcm_handle != HANDLE_INGRESS))
		return false;
	*ret = (struct rtnl_qdisc){ .index = (uint32_t)t->tcm_ifindex,
				    .incoming = t->tcm_handle == HANDLE_INGRESS };
	return true;
}

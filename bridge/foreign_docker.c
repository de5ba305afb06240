/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `coexist = docker`: the one place where netd puts rules into a table that is not its own. Docker
 * drops what it does not know in chain FORWARD, and has chain DOCKER-USER, which comes first, for
 * rules of others. Those that are ours bear the comment "netd"; no other rule is looked at, and
 * nothing is done where there is no such chain.
 */
#include <assert.h>
#include <libmnl/libmnl.h>
#include <libnftnl/udata.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "batch.h"
#include "foreign_read.h"

#define DOCKER_TABLE "filter"
#define DOCKER_COMMENT "netd"

enum { CHANGES_MAX = 100, CHANGE_SIZE = 512 }; /* of one transaction; what one takes */

static_assert((CHANGES_MAX + 2) * CHANGE_SIZE <= FOREIGN_BUFFER, "a transaction is one datagram");

CLEANUP_DEFINE(foreign, struct foreign, foreign_free)
CLEANUP_DEFINE(rule, struct nftnl_rule, nftnl_rule_free)
CLEANUP_DEFINE(udata, struct nftnl_udata_buf, nftnl_udata_buf_free)

/* Changes of one chain, sent when there are many, and at the end. */
struct changes {
	struct foreign_reader *r;
	uint16_t family;
	struct mnl_nlmsg_batch *batch;
	unsigned n;
	bool done; /* something was changed */
};

/* --- transactions --- */

static void boundary(struct changes *c, uint16_t type)
{
	char *at = mnl_nlmsg_batch_current(c->batch);

	if (type == NFNL_MSG_BATCH_BEGIN)
		nftnl_batch_begin(at, ++c->r->seq);
	else
		nftnl_batch_end(at, ++c->r->seq);
	mnl_nlmsg_batch_next(c->batch);
}

/* The first error; the kernel has queued all answers when sendto returns. */
static int read_errors(struct foreign_reader *r)
{
	int fd = mnl_socket_get_fd(r->sock), rc = 0;
	ssize_t len;

	while ((len = recv(fd, r->buf, sizeof(r->buf), MSG_DONTWAIT)) > 0) {
		const struct nlmsghdr *h = (const struct nlmsghdr *)(void *)r->buf;
		int left = (int)len;

		for (; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left)) {
			const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);

			if (h->nlmsg_type == NLMSG_ERROR && e->error && !rc)
				rc = e->error;
		}
	}
	return rc;
}

static int commit(struct changes *c)
{
	ssize_t sent;

	if (!c->n)
		return 0;
	boundary(c, NFNL_MSG_BATCH_END);
	sent = mnl_socket_sendto(c->r->sock, mnl_nlmsg_batch_head(c->batch),
				 mnl_nlmsg_batch_size(c->batch));
	mnl_nlmsg_batch_stop(c->batch);
	c->batch = NULL;
	c->n = 0;
	c->done = true;
	return sent < 0 ? -errno : read_errors(c->r);
}

/* Room for one more; the rule is of the chain. */
static int begin(struct changes *c, struct nftnl_rule *rule, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *h;
	int rc = c->n == CHANGES_MAX ? commit(c) : 0;

	if (rc)
		return rc;
	if (!c->batch) {
		c->batch = mnl_nlmsg_batch_start(c->r->buf, sizeof(c->r->buf));
		if (!c->batch)
			return -ENOMEM;
		boundary(c, NFNL_MSG_BATCH_BEGIN);
	}
	h = nftnl_nlmsg_build_hdr(mnl_nlmsg_batch_current(c->batch), type, c->family, flags,
				  ++c->r->seq);
	nftnl_rule_nlmsg_build_payload(h, rule);
	mnl_nlmsg_batch_next(c->batch);
	c->n++;
	return 0;
}

/* --- rules --- */

static struct nftnl_rule *new_rule(const struct changes *c)
{
	struct nftnl_rule *r = nftnl_rule_alloc();

	if (!r)
		return NULL;
	nftnl_rule_set_u32(r, NFTNL_RULE_FAMILY, c->family);
	nftnl_rule_set_str(r, NFTNL_RULE_TABLE, DOCKER_TABLE);
	nftnl_rule_set_str(r, NFTNL_RULE_CHAIN, FOREIGN_DOCKER_CHAIN);
	return r;
}

static int set_comment(struct nftnl_rule *r)
{
	CLEANUP(cleanup_udata)
	struct nftnl_udata_buf *u = nftnl_udata_buf_alloc(NFT_USERDATA_MAXLEN);

	if (!u || !nftnl_udata_put_strz(u, NFTNL_UDATA_RULE_COMMENT, DOCKER_COMMENT))
		return -ENOMEM;
	return nftnl_rule_set_data(r, NFTNL_RULE_USERDATA, nftnl_udata_buf_data(u),
				   nftnl_udata_buf_len(u)) < 0 ?
		       -ENOMEM :
		       0;
}

/* In front of all others, as by `iptables -I`. */
static int add_rule(struct changes *c, uint32_t key, const char bridge[LINK_NAME_SIZE])
{
	CLEANUP(cleanup_rule) struct nftnl_rule *r = new_rule(c);
	struct batch b = { 0 };
	struct rule rule = { .b = &b, .r = r, .family = c->family };

	if (!r || set_comment(r))
		return -ENOMEM;
	match_link(&rule, key, NFT_CMP_EQ, bridge);
	rule_counter(&rule);
	rule_verdict(&rule, NF_ACCEPT);
	return b.failed ? -ENOMEM : begin(c, r, NFT_MSG_NEWRULE, NLM_F_CREATE);
}

static int remove_rule(struct changes *c, uint64_t handle)
{
	CLEANUP(cleanup_rule) struct nftnl_rule *r = new_rule(c);

	if (!r)
		return -ENOMEM;
	nftnl_rule_set_u64(r, NFTNL_RULE_HANDLE, handle);
	return begin(c, r, NFT_MSG_DELRULE, 0);
}

/* --- what there is, and what is to be --- */

static int on_chain(void *arg, const struct nlmsghdr *h)
{
	return foreign_parse_chain(arg, h);
}

static int on_rule(void *arg, const struct nlmsghdr *h)
{
	return foreign_parse_rule(arg, h);
}

/* Whether it has our comment, and is such as add_rule() makes. */
static bool is_ours(const struct foreign_rule *r)
{
	const struct foreign_expr *e = r->expr;

	return r->comment && !strcmp(r->comment, DOCKER_COMMENT) && r->exprs == 4 &&
	       e[0].kind == FOREIGN_META &&
	       (e[0].key == NFT_META_IIFNAME || e[0].key == NFT_META_OIFNAME) &&
	       e[1].kind == FOREIGN_CMP && e[1].key == NFT_CMP_EQ && e[1].data &&
	       e[1].len == LINK_NAME_SIZE && e[2].kind == FOREIGN_COUNTER &&
	       e[3].kind == FOREIGN_VERDICT && e[3].key == NF_ACCEPT;
}

/* Whether ours accepts what has this bridge as that interface. */
static bool accepts(const struct foreign_rule *r, uint32_t key, const char bridge[LINK_NAME_SIZE])
{
	return r->expr[0].key == key && !memcmp(r->expr[1].data, bridge, LINK_NAME_SIZE);
}

/* Rules as they are to be: two for each bridge, in one order. */
static uint32_t wanted_key(size_t i)
{
	return i % 2 ? NFT_META_OIFNAME : NFT_META_IIFNAME;
}

static int change(struct changes *c, const struct foreign_chain *chain,
		  const char (*bridge)[LINK_NAME_SIZE], size_t bridges)
{
	bool *there = calloc(2 * bridges + 1, sizeof(*there));
	int rc = there ? 0 : -ENOMEM;

	for (const struct foreign_rule *r = chain->rule; r && !rc; r = r->next) {
		size_t i = 0;

		if (!is_ours(r))
			continue;
		while (i < 2 * bridges && (there[i] || !accepts(r, wanted_key(i), bridge[i / 2])))
			i++;
		there[i] = true;
		if (i == 2 * bridges)
			rc = remove_rule(c, r->handle);
	}
	for (size_t i = 0; i < 2 * bridges && !rc; i++)
		if (!there[i])
			rc = add_rule(c, wanted_key(i), bridge[i / 2]);
	free(there);
	return rc ? rc : commit(c);
}

/* The chain, with its rules if there is one; a request without it lists nothing else. */
static int read_chain(struct foreign_reader *r, struct foreign *f, uint16_t family)
{
	struct nlmsghdr *h = foreign_request(r, NFT_MSG_GETCHAIN, family, NLM_F_ACK);
	int rc;

	mnl_attr_put_strz(h, NFTA_CHAIN_TABLE, DOCKER_TABLE);
	mnl_attr_put_strz(h, NFTA_CHAIN_NAME, FOREIGN_DOCKER_CHAIN);
	rc = foreign_answers(r, h, on_chain, f);
	if (!rc)
		rc = foreign_sort(f);
	if (rc)
		return rc;
	h = foreign_request(r, NFT_MSG_GETRULE, family, 0);
	mnl_attr_put_strz(h, NFTA_RULE_TABLE, DOCKER_TABLE);
	mnl_attr_put_strz(h, NFTA_RULE_CHAIN, FOREIGN_DOCKER_CHAIN);
	return foreign_answers(r, h, on_rule, f);
}

static int do_family(struct foreign_reader *r, uint16_t family,
		     const char (*bridge)[LINK_NAME_SIZE], size_t bridges, bool *ret_changed)
{
	CLEANUP(cleanup_foreign) struct foreign *f = foreign_new();
	struct changes c = { .r = r, .family = family };
	int rc = f ? read_chain(r, f, family) : -ENOMEM;

	if (rc || !f->chain)
		return rc == -ENOENT ? 0 : rc;
	if (f->incomplete) /* ours could be among those that were not read */
		return -E2BIG;
	rc = change(&c, f->chain, bridge, bridges);
	if (c.batch)
		mnl_nlmsg_batch_stop(c.batch);
	*ret_changed = *ret_changed || c.done;
	return rc;
}

int foreign_docker(struct foreign_reader *r, const char (*bridge)[LINK_NAME_SIZE], size_t bridges,
		   bool *ret_changed, struct err *err)
{
	int rc;

	*ret_changed = false;
	rc = do_family(r, NFPROTO_IPV4, bridge, bridges, ret_changed);
	if (!rc)
		rc = do_family(r, NFPROTO_INET, bridge, bridges, ret_changed);
	return rc ? err_sys(err, -rc, "cannot change chain " FOREIGN_DOCKER_CHAIN) : 0;
}

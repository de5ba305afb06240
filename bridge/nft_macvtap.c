/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Transactions on table netdev netd, whose chains guard ports that are in no bridge. It is made
 * when there is the first of them. A chain goes when its device does, so the whole is put together
 * port by port when one of them has gone in the meantime.
 */
#include "base/cleanup.h"
#include "nft.h"

static bool is_guarded(const struct nft_port *p)
{
	return p->egress && p->guard != NFT_GUARD_OFF;
}

/* A kernel without the hook says so, and not of what (net/netfilter/core.c). */
static int explain(int rc, struct err *err)
{
	return rc == -EOPNOTSUPP ?
		       err_set(err, EOPNOTSUPP,
			       "the guard cannot hold on a macvtap device: this kernel has no egress "
			       "hook (Linux 5.16, CONFIG_NETFILTER_EGRESS); only guard = off can be "
			       "had") :
		       rc;
}

static int commit(struct nft *n, struct batch *b, struct err *err)
{
	int rc = nft_commit(n, b, err);

	batch_done(b);
	return explain(rc, err);
}

static int add_all(struct nft *n, const struct nft_plan *plan, struct err *err)
{
	struct batch b;

	batch_begin(&b, n->seq);
	ruleset_macvtap(&b, plan->trap_group);
	for (size_t i = 0; i < plan->ports; i++)
		if (is_guarded(&plan->port[i]))
			ruleset_macvtap_port(&b, &plan->port[i]);
	return commit(n, &b, err);
}

static int add_one(struct nft *n, const struct nft_port *port, struct err *err)
{
	struct batch b;

	batch_begin(&b, n->seq);
	if (!n->macvtap)
		ruleset_macvtap(&b, n->trap_group);
	/* Made first, so that deleting what may not exist cannot fail. */
	batch_chain(&b, NFPROTO_NETDEV, port->egress);
	batch_chain_del(&b, NFPROTO_NETDEV, port->egress);
	ruleset_macvtap_port(&b, port);
	return commit(n, &b, err);
}

static int add_each(struct nft *n, const struct nft_plan *plan, struct err *err)
{
	struct batch b;
	int rc;

	batch_begin(&b, n->seq);
	ruleset_macvtap(&b, plan->trap_group);
	rc = commit(n, &b, err);
	n->macvtap = !rc;
	for (size_t i = 0; i < plan->ports && !rc; i++) {
		if (!is_guarded(&plan->port[i]))
			continue;
		rc = add_one(n, &plan->port[i], err);
		if (rc == -ENOENT) /* the device has gone */
			rc = 0;
	}
	return rc;
}

/* Nothing is there on a kernel that cannot have it. */
static void remove_table(struct nft *n)
{
	struct batch b;
	struct err err;

	if (n->macvtap_looked && !n->macvtap)
		return;
	batch_begin(&b, n->seq);
	batch_table(&b, NFT_MSG_NEWTABLE, NFPROTO_NETDEV);
	batch_table(&b, NFT_MSG_DELTABLE, NFPROTO_NETDEV);
	if (commit(n, &b, &err) == 0)
		n->macvtap = false;
	n->macvtap_looked = true;
}

int nft_macvtap_replace(struct nft *n, const struct nft_plan *plan, struct err *err)
{
	size_t guarded = 0;
	int rc;

	if (plan)
		n->trap_group = plan->trap_group;
	for (size_t i = 0; plan && i < plan->ports; i++)
		guarded += is_guarded(&plan->port[i]);
	if (!guarded) {
		remove_table(n);
		return 0;
	}
	rc = add_all(n, plan, err);
	if (rc == -ENOENT)
		rc = add_each(n, plan, err);
	n->macvtap = n->macvtap || !rc;
	n->macvtap_looked = true;
	return rc;
}

int nft_macvtap_add(struct nft *n, const struct nft_port *port, struct err *err)
{
	int rc;

	if (!is_guarded(port))
		return 0;
	rc = add_one(n, port, err);
	n->macvtap = n->macvtap || !rc;
	return rc;
}

int nft_macvtap_del(struct nft *n, const struct nft_port *port, struct err *err)
{
	struct batch b;
	int rc;

	if (!n->macvtap || !is_guarded(port))
		return 0;
	batch_begin(&b, n->seq);
	batch_chain_del(&b, NFPROTO_NETDEV, port->egress);
	rc = commit(n, &b, err);
	return rc == -ENOENT ? 0 : rc;
}

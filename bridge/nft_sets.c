/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel has put into sets of tables bridge and netdev netd: what the guard has counted,
 * read and cleared by link, and who uses which link-local address. */
#include <libmnl/libmnl.h>
#include <libnftnl/set.h>
#include <linux/netfilter/nfnetlink.h>

#include "base/cleanup.h"
#include "nft.h"

enum { ANSWER_SIZE = 1 << 16 };

static struct nlmsghdr *request(struct nft *n, uint16_t family, const char *set, char *buf,
				struct err *err)
{
	struct nftnl_set *s = nftnl_set_alloc();
	struct nlmsghdr *h;

	if (!s) {
		err_set(err, ENOMEM, "nf_tables: out of memory");
		return NULL;
	}
	h = nftnl_nlmsg_build_hdr(buf, NFT_MSG_GETSETELEM, family, NLM_F_DUMP | NLM_F_ACK,
				  n->seq++);
	nftnl_set_set_str(s, NFTNL_SET_TABLE, NFT_TABLE);
	nftnl_set_set_str(s, NFTNL_SET_NAME, set);
	nftnl_set_elems_nlmsg_build_payload(h, s);
	nftnl_set_free(s);
	return h;
}

typedef int (*element_fn)(struct nftnl_set_elem *e, void *arg);

struct listing {
	element_fn fn;
	void *arg;
	bool failed;
};

static int each_message(const struct nlmsghdr *h, void *arg)
{
	struct listing *l = arg;
	struct nftnl_set *s = nftnl_set_alloc();

	if (!s || nftnl_set_elems_nlmsg_parse(h, s) < 0 ||
	    nftnl_set_elem_foreach(s, l->fn, l->arg) < 0)
		l->failed = true;
	nftnl_set_free(s);
	return MNL_CB_OK;
}

/* Calls fn for each element of a set; for none when there is no such set. */
static int list(struct nft *n, uint16_t family, const char *set, element_fn fn, void *arg,
		struct err *err)
{
	_Alignas(struct nlmsghdr) char buf[ANSWER_SIZE];
	struct listing l = { .fn = fn, .arg = arg };
	struct nlmsghdr *h = request(n, family, set, buf, err);
	uint32_t seq = n->seq - 1;
	int rc = MNL_CB_OK;

	if (!h)
		return -ENOMEM;
	if (mnl_socket_sendto(n->sock, h, h->nlmsg_len) < 0)
		return err_sys(err, errno, "nf_tables");
	while (rc > MNL_CB_STOP) {
		ssize_t len = mnl_socket_recvfrom(n->sock, buf, sizeof(buf));

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return err_sys(err, errno, "nf_tables");
		rc = mnl_cb_run(buf, (size_t)len, seq, mnl_socket_get_portid(n->sock), each_message,
				&l);
	}
	if (rc < 0 && errno != ENOENT)
		return err_sys(err, errno, "nf_tables");
	return l.failed ? err_set(err, ENOMEM, "nf_tables: out of memory") : 0;
}

/* --- what was counted --- */

struct drops {
	nft_drops_fn fn;
	void *arg;
};

static int each_drop(struct nftnl_set_elem *e, void *arg)
{
	const struct drops *d = arg;
	const struct nftnl_expr *counter = nftnl_set_elem_get(e, NFTNL_SET_ELEM_EXPR, NULL);
	struct guard_drop key;
	const void *data;
	uint32_t len;

	data = nftnl_set_elem_get(e, NFTNL_SET_ELEM_KEY, &len);
	if (!data || len != sizeof(key) || !counter)
		return 0;
	memcpy(&key, data, sizeof(key));
	if (key.reason < NFT_REASONS)
		d->fn(d->arg, &(struct nft_drops){ .ifindex = key.ifindex,
						   .reason = (enum nft_reason)key.reason,
						   .packets = nftnl_expr_get_u64(
							   counter, NFTNL_EXPR_CTR_PACKETS) });
	return 0;
}

static int list_drops(struct nft *n, uint16_t family, nft_drops_fn fn, void *arg, struct err *err)
{
	struct drops d = { fn, arg };

	return list(n, family, GUARD_SET_DROPS, each_drop, &d, err);
}

int nft_drops_list(struct nft *n, nft_drops_fn fn, void *arg, struct err *err)
{
	int rc = list_drops(n, NFPROTO_BRIDGE, fn, arg, err);

	return rc || !n->macvtap ? rc : list_drops(n, NFPROTO_NETDEV, fn, arg, err);
}

/* --- who uses which address --- */

struct claims {
	const char *set;
	struct guard_claim *at;
	size_t n, cap;
};

/* Those that do not end are made by netd, which makes them again. */
static int each_claim(struct nftnl_set_elem *e, void *arg)
{
	struct claims *c = arg;
	struct guard_claim *claim;
	const void *key;
	uint32_t len;

	key = nftnl_set_elem_get(e, NFTNL_SET_ELEM_KEY, &len);
	if (!key || len > GUARD_CLAIM_MAX || !nftnl_set_elem_is_set(e, NFTNL_SET_ELEM_EXPIRATION))
		return 0;
	if (c->n == c->cap) {
		size_t cap = c->cap ? 2 * c->cap : 64;
		struct guard_claim *grown = realloc(c->at, cap * sizeof(*grown));

		if (!grown)
			return -1;
		c->at = grown;
		c->cap = cap;
	}
	claim = &c->at[c->n];
	*claim = (struct guard_claim){
		.set = c->set,
		.len = len,
		.left_ms = nftnl_set_elem_get_u64(e, NFTNL_SET_ELEM_EXPIRATION),
	};
	memcpy(claim->key, key, len);
	c->n += claim->left_ms > 0;
	return 0;
}

int nft_claims_list(struct nft *n, struct guard_claim **ret, size_t *ret_n, struct err *err)
{
	static const char *const set[] = { GUARD_SET_BOUND6, GUARD_SET_OWNED6 };
	struct claims c = { 0 };
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(set) && !rc; i++) {
		c.set = set[i];
		rc = list(n, NFPROTO_BRIDGE, set[i], each_claim, &c, err);
	}
	if (rc) {
		free(c.at);
		return rc;
	}
	*ret = c.at;
	*ret_n = c.n;
	return 0;
}

/* --- clearing --- */

struct forgetting {
	uint32_t ifindex;
	bool has[NFT_REASONS];
	unsigned n;
};

static void note(void *arg, const struct nft_drops *drops)
{
	struct forgetting *f = arg;

	if (drops->ifindex != f->ifindex)
		return;
	f->has[drops->reason] = true;
	f->n++;
}

static int forget_drops(struct nft *n, uint16_t family, uint32_t ifindex, struct err *err)
{
	struct forgetting f = { .ifindex = ifindex };
	struct batch b;
	int rc = list_drops(n, family, note, &f, err);

	if (rc || !f.n)
		return rc;
	batch_begin(&b, n->seq);
	for (uint32_t i = 0; i < NFT_REASONS; i++) {
		struct guard_drop key = { .ifindex = ifindex, .reason = i };

		if (f.has[i])
			batch_keys(&b, NFT_MSG_DELSETELEM, family, GUARD_SET_DROPS, &key,
				   sizeof(key), 1);
	}
	rc = nft_commit(n, &b, err);
	batch_done(&b);
	return rc == -ENOENT ? 0 : rc;
}

int nft_drops_forget(struct nft *n, uint32_t ifindex, struct err *err)
{
	int rc = forget_drops(n, NFPROTO_BRIDGE, ifindex, err);

	return rc || !n->macvtap ? rc : forget_drops(n, NFPROTO_NETDEV, ifindex, err);
}

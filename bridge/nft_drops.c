/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the guard has counted: the set "drops" of table bridge netd, read and cleared by link. */
#include <libmnl/libmnl.h>
#include <libnftnl/set.h>
#include <linux/netfilter/nfnetlink.h>

#include "base/cleanup.h"
#include "nft.h"

enum { ANSWER_SIZE = 1 << 16 };

static struct nlmsghdr *request(struct nft *n, char *buf, struct err *err)
{
	struct nftnl_set *s = nftnl_set_alloc();
	struct nlmsghdr *h;

	if (!s) {
		err_set(err, ENOMEM, "nf_tables: out of memory");
		return NULL;
	}
	h = nftnl_nlmsg_build_hdr(buf, NFT_MSG_GETSETELEM, NFPROTO_BRIDGE, NLM_F_DUMP | NLM_F_ACK,
				  n->seq++);
	nftnl_set_set_str(s, NFTNL_SET_TABLE, NFT_TABLE);
	nftnl_set_set_str(s, NFTNL_SET_NAME, GUARD_SET_DROPS);
	nftnl_set_elems_nlmsg_build_payload(h, s);
	nftnl_set_free(s);
	return h;
}

struct listing {
	nft_drops_fn fn;
	void *arg;
};

static int each_element(struct nftnl_set_elem *e, void *arg)
{
	const struct listing *l = arg;
	const struct nftnl_expr *counter = nftnl_set_elem_get(e, NFTNL_SET_ELEM_EXPR, NULL);
	struct guard_drop key;
	const void *data;
	uint32_t len;

	data = nftnl_set_elem_get(e, NFTNL_SET_ELEM_KEY, &len);
	if (!data || len != sizeof(key) || !counter)
		return 0;
	memcpy(&key, data, sizeof(key));
	if (key.reason < NFT_REASONS)
		l->fn(l->arg, &(struct nft_drops){ .ifindex = key.ifindex,
						   .reason = (enum nft_reason)key.reason,
						   .packets = nftnl_expr_get_u64(
							   counter, NFTNL_EXPR_CTR_PACKETS) });
	return 0;
}

static int each_message(const struct nlmsghdr *h, void *arg)
{
	struct nftnl_set *s = nftnl_set_alloc();

	if (s && nftnl_set_elems_nlmsg_parse(h, s) == 0)
		nftnl_set_elem_foreach(s, each_element, arg);
	nftnl_set_free(s);
	return MNL_CB_OK;
}

int nft_drops_list(struct nft *n, nft_drops_fn fn, void *arg, struct err *err)
{
	_Alignas(struct nlmsghdr) char buf[ANSWER_SIZE];
	struct listing l = { fn, arg };
	struct nlmsghdr *h = request(n, buf, err);
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
	return rc < 0 && errno != ENOENT ? err_sys(err, errno, "nf_tables") : 0;
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

int nft_drops_forget(struct nft *n, uint32_t ifindex, struct err *err)
{
	struct forgetting f = { .ifindex = ifindex };
	struct batch b;
	int rc = nft_drops_list(n, note, &f, err);

	if (rc || !f.n)
		return rc;
	batch_begin(&b, n->seq);
	for (uint32_t i = 0; i < NFT_REASONS; i++) {
		struct guard_drop key = { .ifindex = ifindex, .reason = i };

		if (f.has[i])
			batch_keys(&b, NFT_MSG_DELSETELEM, NFPROTO_BRIDGE, GUARD_SET_DROPS, &key,
				   sizeof(key), 1);
	}
	rc = nft_commit(n, &b, err);
	batch_done(&b);
	return rc == -ENOENT ? 0 : rc;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sends nf_tables transactions by libmnl and reads the kernel's verdict. A transaction takes effect
 * whole or not at all (net/netfilter/nfnetlink.c, nfnetlink_rcv_batch). Only tables named netd are
 * ever touched.
 */
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "nft.h"

enum { ANSWER_SIZE = 1 << 14, SEND_BUFFER = 1 << 24, IOVECS = 256 };

int nft_open(struct nft **ret, struct err *err)
{
	static const int size = SEND_BUFFER, on = 1;
	struct nft *n = calloc(1, sizeof(*n));
	int fd;

	if (!n)
		return err_set(err, ENOMEM, "nf_tables: out of memory");
	n->sock = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!n->sock || mnl_socket_bind(n->sock, 0, MNL_SOCKET_AUTOPID) < 0) {
		int code = errno;

		nft_free(n);
		return err_sys(err, code, "cannot open an nf_tables socket");
	}
	fd = mnl_socket_get_fd(n->sock);
	/* A structure with thousands of ports is one datagram; without the privilege the default
	 * has to do. */
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	*ret = n;
	return 0;
}

void nft_free(struct nft *n)
{
	if (!n)
		return;
	if (n->sock)
		mnl_socket_close(n->sock);
	free(n);
}

uint32_t nft_portid(const struct nft *n)
{
	return mnl_socket_get_portid(n->sock);
}

static int send_batch(struct nft *n, struct batch *b, struct err *err)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	int pages = nftnl_batch_iovec_len(b->pages);
	struct iovec iov[IOVECS];
	struct msghdr mh = { .msg_name = &kernel,
			     .msg_namelen = sizeof(kernel),
			     .msg_iov = iov,
			     .msg_iovlen = (size_t)pages };

	if (pages > IOVECS)
		return err_set(err, E2BIG, "nf_tables: the transaction is too large");
	nftnl_batch_iovec(b->pages, iov, (uint32_t)pages);
	if (sendmsg(mnl_socket_get_fd(n->sock), &mh, 0) < 0)
		return err_sys(err, errno, "nf_tables");
	return 0;
}

/* A feature that is missing shows as one of these two, without a word of which it is. */
static const char *hint(int code)
{
	return code == ENOENT || code == EOPNOTSUPP ?
		       "; are the kernel's modules nft_meta_bridge, nft_limit, nft_connlimit, nft_hash, nft_log, nft_ct, nft_nat, nft_masq and nft_fib_inet there?" :
		       "";
}

static int explain(const struct batch *b, const struct nlmsghdr *h, int code, struct err *err)
{
	size_t which = h->nlmsg_seq - b->first;
	const char *what =
		which < b->whats && b->what[which][0] ? b->what[which] : "the transaction";

	return err_set(err, code, "nf_tables: the kernel refuses %s: %s%s", what, strerror(code),
		       hint(code));
}

/*
 * Turns the first error among the answers into a sentence; the kernel has queued all of them when
 * sendmsg returns.
 */
static int read_answers(struct nft *n, const struct batch *b, struct err *err)
{
	_Alignas(struct nlmsghdr) char buf[ANSWER_SIZE];
	int rc = 0;

	for (;;) {
		ssize_t len = mnl_socket_recvfrom(n->sock, buf, sizeof(buf));
		const struct nlmsghdr *h = (const struct nlmsghdr *)(void *)buf;
		int left = (int)len;

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return errno == EAGAIN || rc ? rc : err_sys(err, errno, "nf_tables");
		for (; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left)) {
			const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);

			if (h->nlmsg_type == NLMSG_ERROR && e->error && !rc &&
			    h->nlmsg_seq >= b->first)
				rc = explain(b, h, -e->error, err);
		}
	}
}

int nft_commit(struct nft *n, struct batch *b, struct err *err)
{
	int rc;

	batch_end(b);
	n->seq = b->seq;
	if (b->failed)
		return err_set(err, ENOMEM, "nf_tables: out of memory");
	rc = send_batch(n, b, err);
	return rc ? rc : read_answers(n, b, err);
}

int nft_replace(struct nft *n, const struct nft_plan *plan, struct err *err)
{
	struct guard_claim *claim = NULL;
	bool any = plan->networks || plan->lans;
	size_t claims = 0;
	struct batch b;
	int rc = nft_claims_list(n, &claim, &claims, err);

	if (rc)
		return rc;
	batch_begin(&b, n->seq);
	ruleset_replace(&b, any ? plan : NULL);
	/* Behind what is there in any case, which they do not change. */
	if (any)
		ruleset_guard6_claims(&b, claim, claims);
	rc = nft_commit(n, &b, err);
	batch_done(&b);
	free(claim);
	return rc ? rc : nft_macvtap_replace(n, plan, err);
}

int nft_plan_hash(const struct nft_plan *plan, const struct siphash_key *key, uint64_t *ret)
{
	struct nft_plan structure = *plan;
	struct siphash h = siphash_init(key);
	struct iovec iov[IOVECS];
	struct batch b;
	int pages, rc;

	structure.ports = structure.clients = structure.captures = structure.owners =
		structure.publishes = structure.reflects = 0;
	batch_begin(&b, 0);
	b.clean = true;
	ruleset_replace(&b, &structure);
	pages = b.failed ? 0 : nftnl_batch_iovec_len(b.pages);
	rc = b.failed ? -ENOMEM : 0;
	if (pages > IOVECS) /* which nft_replace refuses */
		pages = IOVECS;
	if (pages)
		nftnl_batch_iovec(b.pages, iov, (uint32_t)pages);
	for (int i = 0; i < pages; i++)
		siphash_add(&h, iov[i].iov_base, iov[i].iov_len);
	batch_done(&b);
	if (!rc)
		*ret = siphash_done(&h);
	return rc;
}

int nft_remove(struct nft *n, struct err *err)
{
	struct batch b;
	int rc;

	batch_begin(&b, n->seq);
	ruleset_replace(&b, NULL);
	rc = nft_commit(n, &b, err);
	batch_done(&b);
	return rc ? rc : nft_macvtap_replace(n, NULL, err);
}

static int change_port(struct nft *n, uint16_t type, const struct nft_port *port, struct err *err)
{
	struct batch b;
	int rc;

	batch_begin(&b, n->seq);
	ruleset_ports(&b, type, port, 1);
	rc = nft_commit(n, &b, err);
	batch_done(&b);
	return rc;
}

int nft_port_add(struct nft *n, const struct nft_port *port, struct err *err)
{
	if (port->egress)
		return nft_macvtap_add(n, port, err);
	return change_port(n, NFT_MSG_NEWSETELEM, port, err);
}

int nft_port_del(struct nft *n, const struct nft_port *port, struct err *err)
{
	int rc = port->egress ? nft_macvtap_del(n, port, err) :
				change_port(n, NFT_MSG_DELSETELEM, port, err);

	return rc == -ENOENT ? 0 : rc;
}

int nft_port_move(struct nft *n, const struct nft_port *from, const struct nft_port *to,
		  struct err *err)
{
	struct batch b;
	int rc;

	if (to->egress)
		return nft_macvtap_add(n, to, err);
	batch_begin(&b, n->seq);
	ruleset_ports(&b, NFT_MSG_DELSETELEM, from, 1);
	ruleset_ports(&b, NFT_MSG_NEWSETELEM, to, 1);
	rc = nft_commit(n, &b, err);
	batch_done(&b);
	/* Others have been at the old ones. */
	return rc == -ENOENT ? nft_port_add(n, to, err) : rc;
}

int nft_owner_del(struct nft *n, const struct nft_owner *owner, struct err *err)
{
	struct batch b;
	int rc;

	batch_begin(&b, n->seq);
	ruleset_guard6_owners(&b, NFT_MSG_DELSETELEM, owner, 1);
	rc = nft_commit(n, &b, err);
	batch_done(&b);
	return rc == -ENOENT ? 0 : rc;
}

static int change_client(struct nft *n, uint16_t type, const struct nft_client *c, struct err *err)
{
	struct batch b;
	int rc;

	batch_begin(&b, n->seq);
	ruleset_guard_client(&b, type, c);
	rc = nft_commit(n, &b, err);
	batch_done(&b);
	return rc;
}

int nft_client_add(struct nft *n, const struct nft_client *c, struct err *err)
{
	return change_client(n, NFT_MSG_NEWSETELEM, c, err);
}

int nft_client_del(struct nft *n, const struct nft_client *c, struct err *err)
{
	int rc = change_client(n, NFT_MSG_DELSETELEM, c, err);

	return rc == -ENOENT ? 0 : rc;
}

int nft_capture(struct nft *n, uint32_t ifindex, bool on, struct err *err)
{
	struct batch b;
	int rc;

	batch_begin(&b, n->seq);
	ruleset_guard_captured(&b, on ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM, &ifindex, 1);
	rc = nft_commit(n, &b, err);
	batch_done(&b);
	return !on && rc == -ENOENT ? 0 : rc;
}

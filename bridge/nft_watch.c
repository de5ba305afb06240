/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hears what others do to the rules of nf_tables. Decides nothing.
 *
 * Every message of a notification bears the port id of the socket that sent the transaction
 * (net/netfilter/nf_tables_api.c, nft_commit_notify), so our own are told apart by that. A filter
 * of the socket does it, before they are queued: an attach would wake netd up with its own
 * elements, and a replacement with thousands of ports would fill the buffer
 * (net/netlink/af_netlink.c, do_one_broadcast).
 */
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/filter.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "nft_change.h"

enum { RECEIVE_SIZE = 1 << 16, RECEIVE_BUFFER = 1 << 24 };

struct nft_watch {
	struct mnl_socket *sock;
	uint32_t own;
	struct nft_changes changes; /* of the transaction that is being told */
	_Alignas(struct nlmsghdr) uint8_t buf[RECEIVE_SIZE];
};

static int pass_over_own(int fd, uint32_t own)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_pid)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(own), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	struct sock_fprog program = { .len = ARRAY_SIZE(code), .filter = code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

int nft_watch_open(const struct nft *own, struct nft_watch **ret, struct err *err)
{
	static const int size = RECEIVE_BUFFER, group = NFNLGRP_NFTABLES;
	struct nft_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return err_set(err, ENOMEM, "nf_tables: out of memory");
	w->own = nft_portid(own);
	w->sock = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | SOCK_NONBLOCK);
	/* The filter comes first, so that nothing gets past it. */
	if (!w->sock || pass_over_own(mnl_socket_get_fd(w->sock), w->own) < 0 ||
	    mnl_socket_bind(w->sock, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_setsockopt(w->sock, NETLINK_ADD_MEMBERSHIP, (void *)&group, sizeof(group)) <
		    0) {
		int code = errno;

		nft_watch_free(w);
		return err_sys(err, code, "cannot subscribe to changes of nf_tables");
	}
	/* Others load sets of many thousand elements. Without the privilege the default has to do.
	 */
	setsockopt(mnl_socket_get_fd(w->sock), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	*ret = w;
	return 0;
}

void nft_watch_free(struct nft_watch *w)
{
	if (!w)
		return;
	if (w->sock)
		mnl_socket_close(w->sock);
	free(w);
}

int nft_watch_fd(const struct nft_watch *w)
{
	return mnl_socket_get_fd(w->sock);
}

static void take(struct nft_watch *w, const struct nlmsghdr *h, nft_change_fn fn, void *arg)
{
	struct nft_change change;

	if (h->nlmsg_pid != w->own && nft_change_take(&w->changes, h, &change) &&
	    (change.ours || change.others))
		fn(arg, &change);
}

int nft_watch_read(struct nft_watch *w, unsigned most, nft_change_fn fn, void *arg)
{
	while (most--) {
		ssize_t n = recv(mnl_socket_get_fd(w->sock), w->buf, sizeof(w->buf), 0);
		const struct nlmsghdr *h = (const struct nlmsghdr *)(void *)w->buf;
		int left = (int)n;

		if (n < 0 && errno == ENOBUFS) {
			w->changes = (struct nft_changes){ 0 };
			fn(arg, &(struct nft_change){ .overrun = true });
			continue;
		}
		if (n < 0)
			return errno == EINTR ? 0 : -errno;
		for (; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left))
			take(w, h, fn, arg);
	}
	return 0;
}

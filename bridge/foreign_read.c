/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asks the kernel for the rules of nf_tables that are not ours, on a socket of its own. Chains,
 * rules, sets and elements are lists that the kernel makes one by one: they belong together when
 * the number of the rules' state was the same before and after.
 */
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/cleanup.h"
#include "foreign_read.h"

enum { TRIES = 3, WAIT_S = 5 };

CLEANUP_DEFINE(foreign, struct foreign, foreign_free)

int foreign_open(struct foreign_reader **ret, struct err *err)
{
	/* The kernel answers a request at once; this is for one that does not. */
	static const struct timeval wait = { .tv_sec = WAIT_S };
	struct foreign_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return err_set(err, ENOMEM, "nf_tables: out of memory");
	r->sock = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!r->sock || mnl_socket_bind(r->sock, 0, MNL_SOCKET_AUTOPID) < 0) {
		int code = errno;

		foreign_close(r);
		return err_sys(err, code, "cannot open an nf_tables socket");
	}
	setsockopt(mnl_socket_get_fd(r->sock), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	*ret = r;
	return 0;
}

void foreign_close(struct foreign_reader *r)
{
	if (!r)
		return;
	if (r->sock)
		mnl_socket_close(r->sock);
	free(r);
}

struct nlmsghdr *foreign_request(struct foreign_reader *r, uint16_t type, uint16_t family,
				 uint16_t flags)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(r->buf);
	struct nfgenmsg *g = mnl_nlmsg_put_extra_header(h, sizeof(*g));

	h->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
	h->nlmsg_flags = NLM_F_REQUEST | (flags ? flags : NLM_F_DUMP);
	h->nlmsg_seq = ++r->seq;
	g->nfgen_family = (uint8_t)family;
	g->version = NFNETLINK_V0;
	return h;
}

struct answers {
	foreign_message_fn fn;
	void *arg;
	int rc;
};

static int answer(const struct nlmsghdr *h, void *arg)
{
	struct answers *a = arg;

	a->rc = a->fn(a->arg, h);
	return a->rc ? MNL_CB_ERROR : MNL_CB_OK;
}

int foreign_answers(struct foreign_reader *r, struct nlmsghdr *request, foreign_message_fn fn,
		    void *arg)
{
	struct answers a = { .fn = fn, .arg = arg };
	unsigned port = mnl_socket_get_portid(r->sock);
	int rc = MNL_CB_OK;

	if (mnl_socket_sendto(r->sock, request, request->nlmsg_len) < 0)
		return -errno;
	while (rc > MNL_CB_STOP) {
		ssize_t len = mnl_socket_recvfrom(r->sock, r->buf, sizeof(r->buf));

		if (len < 0)
			return -errno;
		rc = mnl_cb_run(r->buf, (size_t)len, r->seq, port, answer, &a);
		if (rc < 0)
			return a.rc ? a.rc : -errno;
	}
	return 0;
}

/* What is left of an answer that was not read to its end. */
static void drain(struct foreign_reader *r)
{
	while (recv(mnl_socket_get_fd(r->sock), r->buf, sizeof(r->buf), MSG_DONTWAIT) > 0)
		;
}

static int on_generation(void *arg, const struct nlmsghdr *h)
{
	return foreign_parse_generation(h, arg);
}

/* The answer is one message, and an ACK that ends it. */
static int generation(struct foreign_reader *r, uint32_t *ret)
{
	struct nlmsghdr *h = foreign_request(r, NFT_MSG_GETGEN, NFPROTO_UNSPEC, NLM_F_ACK);

	return foreign_answers(r, h, on_generation, ret);
}

static int on_chain(void *arg, const struct nlmsghdr *h)
{
	return foreign_parse_chain(arg, h);
}

static int on_rule(void *arg, const struct nlmsghdr *h)
{
	return foreign_parse_rule(arg, h);
}

static int on_set(void *arg, const struct nlmsghdr *h)
{
	return foreign_parse_set(arg, h);
}

struct of_set {
	struct foreign *f;
	struct foreign_set *set;
};

static int on_elements(void *arg, const struct nlmsghdr *h)
{
	struct of_set *o = arg;

	return foreign_parse_elements(o->f, o->set, h);
}

/* Only those that a rule looks into: there can be others with very many. */
static void want_sets(struct foreign *f)
{
	for (struct foreign_chain *c = f->chain; c; c = c->next)
		for (struct foreign_rule *rule = c->rule; rule; rule = rule->next)
			for (unsigned i = 0; i < rule->exprs; i++) {
				const struct foreign_expr *e = &rule->expr[i];
				struct foreign_set *s = NULL;

				if (e->kind == FOREIGN_LOOKUP && e->name)
					s = foreign_set_find(f, c->family, c->table, e->name);
				if (s)
					s->wanted = true;
			}
}

static int read_elements(struct foreign_reader *r, struct foreign *f)
{
	for (struct foreign_set *s = f->set; s; s = s->next) {
		struct of_set o = { .f = f, .set = s };
		struct nlmsghdr *h;
		int rc;

		if (!s->wanted || f->elements >= FOREIGN_ELEMENTS_MAX)
			continue;
		h = foreign_request(r, NFT_MSG_GETSETELEM, s->family, 0);
		mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_TABLE, s->table);
		mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_SET, s->name);
		s->known = true;
		rc = foreign_answers(r, h, on_elements, &o);
		if (rc)
			return rc;
	}
	return 0;
}

static int list(struct foreign_reader *r, uint16_t type, foreign_message_fn fn, struct foreign *f)
{
	return foreign_answers(r, foreign_request(r, type, NFPROTO_UNSPEC, 0), fn, f);
}

static int read_once(struct foreign_reader *r, struct foreign *f)
{
	uint32_t before = 0, after = 0;
	int rc = generation(r, &before);

	if (!rc)
		rc = list(r, NFT_MSG_GETCHAIN, on_chain, f);
	if (!rc)
		rc = list(r, NFT_MSG_GETSET, on_set, f);
	if (!rc)
		rc = foreign_sort(f);
	if (!rc)
		rc = list(r, NFT_MSG_GETRULE, on_rule, f);
	if (!rc)
		want_sets(f);
	if (!rc)
		rc = read_elements(r, f);
	if (!rc)
		rc = generation(r, &after);
	return !rc && before != after ? -EINTR : rc;
}

static int read_all(struct foreign_reader *r, struct foreign **ret, struct err *err)
{
	for (unsigned i = 0; i < TRIES; i++) {
		CLEANUP(cleanup_foreign) struct foreign *f = foreign_new();
		int rc = f ? read_once(r, f) : -ENOMEM;

		if (!rc) {
			foreign_link(f);
			*ret = take_ptr(f);
			return 0;
		}
		drain(r);
		/* A set that is gone when its elements are asked for: it was another state. */
		if (rc != -EINTR && rc != -ENOENT)
			return err_sys(err, -rc, "cannot read the rules of nf_tables");
	}
	return err_set(err, EAGAIN, "the rules of nf_tables change all the time");
}

/* Of the kernel's module for iptables-legacy: a table that was used, whose rules are another
 * interface's. */
static bool legacy_rules(void)
{
	CLEAN_FD int fd = open("/proc/net/ip_tables_names", O_RDONLY | O_CLOEXEC);
	char c;

	return fd >= 0 && read(fd, &c, 1) == 1;
}

/* 0 where the module br_netfilter is not loaded. */
static bool bridge_passes_ip(void)
{
	CLEAN_FD int fd =
		open("/proc/sys/net/bridge/bridge-nf-call-iptables", O_RDONLY | O_CLOEXEC);
	char c;

	return fd >= 0 && read(fd, &c, 1) == 1 && c != '0';
}

int foreign_check(struct foreign_reader *r, const struct foreign_ask *ask,
		  struct foreign_report *ret, struct err *err)
{
	CLEANUP(cleanup_foreign) struct foreign *f = NULL;
	int rc = read_all(r, &f, err);

	if (rc || !f)
		return rc;
	f->legacy = legacy_rules();
	f->bridge_nf = bridge_passes_ip();
	foreign_find(f, ask, ret);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which socket has a port of the host: asked of the kernel by sock_diag(7), which lists those that
 * listen and no others, and then /proc for the process that has it open. Called before a port is
 * published, which would take it from that process without a word.
 *
 * To see what other users' processes have open takes a capability by which they can be changed as
 * well (CAP_SYS_PTRACE), which the daemon is better without. The control group that a socket was
 * made in says enough: its name is that of the service.
 */
#include <dirent.h>
#include <ftw.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "bridge.h"

enum {
	ANSWER_SIZE = 1 << 15,
	GROUPS_OPEN = 16,
	TCP_CLOSE_ = 7,
	TCP_LISTEN_ = 10 /* net/tcp_states.h */
};

/* The lowest port that was found. */
struct search {
	const struct listen_query *query;
	bool found;
	uint16_t port;
	uint32_t inode, uid;
	uint64_t group; /* of its control group; 0: not told */
};

struct attributes {
	bool v6only;
	uint64_t group;
};

static int see_attribute(const struct nlattr *attr, void *arg)
{
	struct attributes *a = arg;
	size_t len = mnl_attr_get_payload_len(attr);

	if (mnl_attr_get_type(attr) == INET_DIAG_SKV6ONLY && len == sizeof(uint8_t))
		a->v6only = mnl_attr_get_u8(attr);
	if (mnl_attr_get_type(attr) == INET_DIAG_CGROUP_ID && len == sizeof(a->group))
		a->group = mnl_attr_get_u64(attr);
	return MNL_CB_OK;
}

/* The IPv4 address that it is bound to, 0 for any. False: it is for IPv6 alone. */
static bool bound_to(const struct inet_diag_msg *m, bool v6only, uint32_t *ret)
{
	static const uint32_t mapped[3] = { 0, 0, 0xffff };
	const __be32 *src = m->id.idiag_src;

	if (m->idiag_family == AF_INET) {
		*ret = ntohl(src[0]);
		return true;
	}
	if (m->idiag_family != AF_INET6)
		return false;
	if (src[0] == mapped[0] && src[1] == mapped[1] && src[2] == htonl(mapped[2])) {
		*ret = ntohl(src[3]);
		return true;
	}
	*ret = 0;
	return !v6only && !(src[0] | src[1] | src[2] | src[3]);
}

static int see_socket(const struct nlmsghdr *h, void *arg)
{
	const struct inet_diag_msg *m = mnl_nlmsg_get_payload(h);
	struct attributes a = { 0 };
	struct search *s = arg;
	uint16_t port;
	uint32_t addr;

	if (mnl_nlmsg_get_payload_len(h) < sizeof(*m))
		return MNL_CB_OK;
	mnl_attr_parse(h, sizeof(*m), see_attribute, &a);
	if (!bound_to(m, a.v6only, &addr))
		return MNL_CB_OK;
	port = ntohs(m->id.idiag_sport);
	if (port < s->query->first || port > s->query->last || (s->found && port >= s->port) ||
	    (addr && s->query->addr && addr != s->query->addr))
		return MNL_CB_OK;
	s->found = true;
	s->port = port;
	s->inode = m->idiag_inode;
	s->uid = m->idiag_uid;
	s->group = a.group;
	return MNL_CB_OK;
}

static int ask(struct mnl_socket *sock, uint8_t family, struct search *s, struct err *err)
{
	_Alignas(struct nlmsghdr) char buf[ANSWER_SIZE];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct inet_diag_req_v2 *r = mnl_nlmsg_put_extra_header(h, sizeof(*r));
	ssize_t len;
	int rc;

	h->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	h->nlmsg_seq = family;
	r->sdiag_family = family;
	r->sdiag_protocol = s->query->protocol;
	r->idiag_states = 1U << (s->query->protocol == IPPROTO_TCP ? TCP_LISTEN_ : TCP_CLOSE_);
	if (mnl_socket_sendto(sock, h, h->nlmsg_len) < 0)
		return err_sys(err, errno, "cannot ask for the host's sockets");
	do {
		len = mnl_socket_recvfrom(sock, buf, sizeof(buf));
		rc = len < 0 ? -1 : mnl_cb_run(buf, (size_t)len, family, 0, see_socket, s);
	} while (rc > 0 || (len < 0 && errno == EINTR));
	return rc < 0 ? err_sys(err, errno, "cannot list the host's sockets") : 0;
}

/* --- whose it is --- */

static bool has_open(const char *pid, uint32_t inode)
{
	char path[300], want[40], target[40];
	struct dirent *entry;
	bool found = false;
	DIR *fds;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	snprintf(want, sizeof(want), "socket:[%u]", inode);
	fds = opendir(path);
	if (!fds)
		return false;
	while (!found && (entry = readdir(fds))) {
		ssize_t n = readlinkat(dirfd(fds), entry->d_name, target, sizeof(target) - 1);

		if (n < 0)
			continue;
		target[n] = 0;
		found = !strcmp(target, want);
	}
	closedir(fds);
	return found;
}

/* Who chose a name can be anybody. */
static void make_plain(char *name)
{
	for (char *c = name; *c; c++)
		if (*c <= ' ' || *c > '~')
			*c = '?';
}

static void read_name(const char *pid, char *name, size_t size)
{
	char path[300];
	CLEAN_FILE FILE *in = NULL;

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	in = fopen(path, "re");
	if (!in || !fgets(name, (int)size, in))
		snprintf(name, size, "?");
	name[strcspn(name, "\n")] = 0;
	make_plain(name);
}

/* nftw(3) has no argument of the caller's, hence the static one. */
static struct {
	uint64_t group;
	char name[40];
} wanted;

static int see_group(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)type;
	if (st->st_ino != wanted.group)
		return 0;
	snprintf(wanted.name, sizeof(wanted.name), "%s", path + at->base);
	return 1;
}

/* The inode of a control group's directory has its number (fs/kernfs/dir.c). */
static bool find_group(uint64_t group, char *name, size_t size)
{
	wanted.group = group;
	wanted.name[0] = 0;
	if (!group || nftw("/sys/fs/cgroup", see_group, GROUPS_OPEN, FTW_PHYS | FTW_MOUNT) != 1)
		return false;
	make_plain(wanted.name);
	snprintf(name, size, "%s", wanted.name);
	return true;
}

static void name_holder(const struct search *s, struct listen_holder *ret)
{
	struct dirent *entry;
	char name[40];
	DIR *proc = opendir("/proc");

	snprintf(ret->who, sizeof(ret->who), "a process of user id %u", s->uid);
	if (find_group(s->group, name, sizeof(name)))
		snprintf(ret->who, sizeof(ret->who), "a process of %.30s (user id %u)", name,
			 s->uid);
	while (proc && (entry = readdir(proc))) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9' ||
		    !has_open(entry->d_name, s->inode))
			continue;
		read_name(entry->d_name, name, 20);
		snprintf(ret->who, sizeof(ret->who), "process %.19s (pid %.10s)", name,
			 entry->d_name);
		break;
	}
	if (proc)
		closedir(proc);
}

int listen_find(const struct listen_query *q, struct listen_holder *ret, struct err *err)
{
	static const uint8_t family[] = { AF_INET, AF_INET6 };
	struct mnl_socket *sock = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);
	struct search s = { .query = q };
	int rc = 0;

	if (!sock)
		return err_sys(err, errno, "cannot ask for the host's sockets");
	for (size_t i = 0; i < ARRAY_SIZE(family) && !rc; i++)
		rc = ask(sock, family[i], &s, err);
	mnl_socket_close(sock);
	if (rc)
		return rc;
	if (!s.found)
		return -ENOENT;
	ret->port = s.port;
	ret->who[0] = 0;
	if (!q->nameless)
		name_holder(&s, ret);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests to rtnetlink where somebody else answers, too, in a network namespace of the test. */
#include <linux/netlink.h>
#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bridge.h"
#include "unit.h"

struct forged {
	struct nlmsghdr h;
	struct nlmsgerr e;
};

/* As the owner of a namespace can: to a socket of somebody else's there. */
static bool answer_before_the_kernel(int victim)
{
	const struct forged m = {
		.h = { .nlmsg_len = sizeof(m), .nlmsg_type = NLMSG_ERROR, .nlmsg_seq = 1 },
		.e.error = -ENODEV
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct sockaddr_nl to;
	socklen_t len = sizeof(to);
	bool sent = !getsockname(victim, (struct sockaddr *)&to, &len) &&
		    to.nl_family == AF_NETLINK &&
		    sendto(fd, &m, sizeof(m), 0, (struct sockaddr *)&to, len) == sizeof(m);

	close(fd);
	return sent;
}

/* NULL: as it should be, or it cannot be tried here; else what is not. */
static void *ask(void *arg)
{
	int next = dup(0); /* which the socket is going to be */
	struct rtnl_link link;
	struct rtnl *r;
	struct err err;
	int rc;

	(void)arg;
	close(next);
	if (unshare(CLONE_NEWNET) < 0)
		return NULL;
	if (rtnl_open(&r, &err))
		return "no socket";
	if (!answer_before_the_kernel(next)) {
		rtnl_free(r);
		return "not sent";
	}
	rc = rtnl_link_find(r, "lo", &link, &err);
	rtnl_free(r);
	return rc ? "somebody else was believed" : NULL;
}

START_TEST(only_the_kernel_is_believed)
{
	pthread_t thread;
	void *wrong;

	ck_assert_int_eq(pthread_create(&thread, NULL, ask, NULL), 0);
	ck_assert_int_eq(pthread_join(thread, &wrong), 0);
	ck_assert_msg(!wrong, "%s", (const char *)wrong);
}
END_TEST

UNIT_SUITE(bridge_rtnl)
{
	tcase_add_test(tc, only_the_kernel_is_believed);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of users with connections, and what is asked about a socket. */
#include <fcntl.h>
#include <grp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peers.h"
#include "unit.h"

static const struct siphash_key key = { "key" };
static struct peers p;

static void setup(void)
{
	ck_ok(peers_init(&p, 4, &key));
}

static void teardown(void)
{
	peers_done(&p);
}

START_TEST(one_entry_a_user)
{
	struct peer *a = peer_enter(&p, 1000), *b = peer_enter(&p, 1001);

	ck_assert_ptr_ne(a, b);
	ck_assert_ptr_eq(peer_enter(&p, 1000), a);
	ck_assert_ptr_eq(peer_enter(&p, 1001), b);
	ck_assert_uint_eq(a->clients, 2);
	ck_assert_uint_eq(p.slots.used, 2);
	peer_leave(&p, a);
	ck_assert_ptr_eq(peer_enter(&p, 1000), a);
	ck_assert_uint_eq(a->uid, 1000);
}
END_TEST

START_TEST(leaves)
{
	for (uid_t round = 0; round < 1000; round++) {
		struct peer *one[4];

		for (uid_t i = 0; i < 4; i++)
			one[i] = peer_enter(&p, round * 4 + i);
		one[2]->waiting = 7;
		one[2]->queued = 9;
		for (unsigned i = 0; i < 4; i++) {
			ck_assert_uint_eq(one[i]->clients, 1);
			ck_assert_uint_eq(one[i]->uid, round * 4 + i);
			peer_leave(&p, one[i]);
		}
		ck_assert_uint_eq(p.slots.used, 0);
		ck_assert_uint_eq(p.by_uid.used, 0);
		/* Nothing is left of what it had. */
		one[0] = peer_enter(&p, round * 4 + 2);
		ck_assert_uint_eq(one[0]->waiting + one[0]->queued, 0);
		peer_leave(&p, one[0]);
	}
}
END_TEST

START_TEST(calls_of_a_turn)
{
	struct peer *a = peer_enter(&p, 1000), *b = peer_enter(&p, 1001);

	for (uint64_t turn = 0; turn < 3; turn++) {
		for (unsigned i = 0; i < PEER_CALLS; i++)
			ck_assert(peer_has_call(a, turn));
		ck_assert(!peer_has_call(a, turn));
		ck_assert(!peer_has_call(a, turn));
		ck_assert(peer_has_call(b, turn));
	}
}
END_TEST

/* --- sockets --- */

START_TEST(who_it_is)
{
	struct credentials who = { 0 };
	gid_t groups[256];
	int fds[2], n = getgroups(256, groups);

	ck_assert_int_ge(n, 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	for (unsigned i = 0; i < 2; i++) {
		ck_ok(peers_credentials(&p, fds[i], &who));
		ck_assert_uint_eq(who.uid, geteuid());
		ck_assert_uint_eq(who.gid, getegid());
		ck_assert_uint_eq(who.groups, (unsigned)n);
		if (n)
			ck_assert_mem_eq(who.group, groups, (size_t)n * sizeof(*groups));
	}
	close(fds[0]);
	close(fds[1]);
	ck_assert_int_lt(peers_credentials(&p, fds[0], &who), 0);
}
END_TEST

/* More groups than there was room for, and then fewer. */
START_TEST(many_groups)
{
	static const size_t counts[] = { 3, 1000, 0, 20000, 1 };
	struct credentials who = { 0 };
	static gid_t groups[20000];
	int fds[2];

	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		groups[i] = (gid_t)i + 5000;
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		if (setgroups(counts[i], groups))
			return; /* not root */
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
		ck_ok(peers_credentials(&p, fds[0], &who));
		ck_assert_uint_eq(who.groups, counts[i]);
		ck_assert(!counts[i] || who.group[counts[i] - 1] == groups[counts[i] - 1]);
		close(fds[0]);
		close(fds[1]);
	}
}
END_TEST

START_TEST(namespace_owner)
{
	int ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC),
	    file = open("/dev/null", O_RDONLY | O_CLOEXEC);
	uint32_t owner = 77;

	ck_assert_int_ge(ns, 0);
	ck_assert_int_eq(peer_namespace_owner(file, &owner), -ENOTTY);
	ck_assert_uint_eq(owner, 77);
	if (!peer_namespace_owner(ns, &owner)) /* not outside of this user namespace */
		ck_assert_uint_ne(owner, 77);
	close(ns);
	close(file);
}
END_TEST

UNIT_SUITE(netd_peers)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, one_entry_a_user);
	tcase_add_test(tc, leaves);
	tcase_add_test(tc, calls_of_a_turn);
	tcase_add_test(tc, who_it_is);
	tcase_add_test(tc, many_groups);
	tcase_add_test(tc, namespace_owner);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Probes against a virtual clock: what is sent when, and what is evidence. */
#include "dhcp_kit.h"

CLEANUP_DEFINE(probes, struct dhcp_probes, dhcp_probes_free)
#define CLEAN_PROBES CLEANUP(cleanup_probes)

#define MS INT64_C(1000000)

enum { NETS = 4, CAP = 192, MANY = 128 };

static const struct siphash_key key = { "probes of a test" };
#define CLIENT                                                                                     \
	{                                                                                          \
		{                                                                                  \
			2, 0, 0, 0, 0, 1                                                           \
		}                                                                                  \
	}
#define OTHER                                                                                      \
	{                                                                                          \
		{                                                                                  \
			2, 0, 0, 0, 0, 2                                                           \
		}                                                                                  \
	}

static const struct mac nobody, client = CLIENT;

static struct dhcp_probes *new_probes(void)
{
	struct dhcp_probes *p;

	ck_ok(dhcp_probes_new(NETS, CAP, &key, &p));
	return p;
}

/* Goes through all that is due until `end`, at the time at which it is. */
static void run(struct dhcp_probes *p, int64_t end)
{
	struct dhcp_probe_step step;

	while (dhcp_probe_next(p) <= end)
		dhcp_probe_step(p, dhcp_probe_next(p), &step);
}

START_TEST(timing)
{
	static const struct {
		int64_t at;
		enum dhcp_probe_todo todo;
	} want[] = {
		{ 0, DHCP_PROBE_SEND },
		{ 80 * MS, DHCP_PROBE_SEND },
		{ 160 * MS, DHCP_PROBE_ENDED },
		{ 60160 * MS, DHCP_PROBE_STALE },
	};
	struct dhcp_probes *p CLEAN_PROBES = new_probes();
	struct dhcp_probe_step step;

	ck_assert_int_eq(dhcp_probe_next(p), INT64_MAX);
	ck_assert(!dhcp_probe_step(p, INT64_MAX, &step));
	ck_ok(dhcp_probe_start(p, 3, KIT_ADDR, &nobody, 7));
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		ck_assert_int_eq(dhcp_probe_state(p, 3, KIT_ADDR),
				 i < 3 ? DHCP_PROBE_RUNNING : DHCP_PROBE_CLEAR);
		ck_assert_int_eq(dhcp_probe_next(p), want[i].at + 7);
		ck_assert(!dhcp_probe_step(p, want[i].at + 6, &step));
		ck_assert(dhcp_probe_step(p, want[i].at + 7, &step));
		ck_assert_int_eq(step.todo, want[i].todo);
		ck_assert_uint_eq(step.net, 3);
		ck_assert_uint_eq(step.addr, KIT_ADDR);
	}
	ck_assert_int_eq(dhcp_probe_state(p, 3, KIT_ADDR), DHCP_PROBE_NONE);
	ck_assert_int_eq(dhcp_probe_next(p), INT64_MAX);
}
END_TEST

/* A process that was stopped does not hurry: the others still have their time to answer. */
START_TEST(late_steps_wait_as_long)
{
	struct dhcp_probes *p CLEAN_PROBES = new_probes();
	struct dhcp_probe_step step;

	ck_ok(dhcp_probe_start(p, 0, KIT_ADDR, &nobody, 0));
	ck_assert(dhcp_probe_step(p, 5 * KIT_SECOND, &step));
	ck_assert(!dhcp_probe_step(p, 5 * KIT_SECOND, &step));
	ck_assert_int_eq(dhcp_probe_next(p), 5 * KIT_SECOND + 80 * MS);
}
END_TEST

/* A hundred clients at once are all known about within the time of one. */
START_TEST(many_in_parallel)
{
	struct dhcp_probes *p CLEAN_PROBES = new_probes();
	uint32_t at = DHCP_PROBE_FIRST, addr, n = 0;
	enum dhcp_probe_state state;

	for (uint32_t i = 0; i < MANY; i++)
		ck_ok(dhcp_probe_start(p, i % 2, KIT_ADDR + i, &nobody, i % 5 * MS));
	ck_ok(dhcp_probe_start(p, 0, KIT_ADDR, &nobody, 0)); /* is there already */
	run(p, 165 * MS);
	for (uint32_t i = 0; i < MANY; i++) {
		ck_assert_int_eq(dhcp_probe_state(p, i % 2, KIT_ADDR + i), DHCP_PROBE_CLEAR);
		ck_assert_int_eq(dhcp_probe_state(p, 1 - i % 2, KIT_ADDR + i), DHCP_PROBE_NONE);
	}
	while (dhcp_probe_stock(p, 1, &at, &addr, &state)) {
		ck_assert_int_eq(state, DHCP_PROBE_CLEAR);
		ck_assert_uint_eq((addr - KIT_ADDR) % 2, 1);
		n++;
	}
	ck_assert_uint_eq(n, MANY / 2);
}
END_TEST

/* --- evidence --- */

static const struct {
	const char *name;
	struct dhcp_arp arp;
	bool evidence;
} packets[] = {
	{ "reply", { .op = DHCP_ARP_REPLY, .sender_mac = OTHER, .sender = KIT_ADDR }, true },
	{ "request for another",
	  { .op = DHCP_ARP_REQUEST, .sender_mac = OTHER, .sender = KIT_ADDR, .target = KIT_SERVER },
	  true },
	{ "announcement",
	  { .op = DHCP_ARP_REQUEST, .sender_mac = OTHER, .sender = KIT_ADDR, .target = KIT_ADDR },
	  true },
	{ "gratuitous reply",
	  { .op = DHCP_ARP_REPLY, .sender_mac = OTHER, .sender = KIT_ADDR, .target = KIT_ADDR },
	  true },
	{ "probe", { .op = DHCP_ARP_REQUEST, .sender_mac = OTHER, .target = KIT_ADDR }, true },
	{ "a question for it",
	  { .op = DHCP_ARP_REQUEST, .sender_mac = OTHER, .sender = KIT_SERVER, .target = KIT_ADDR },
	  false },
	{ "a reply to nobody",
	  { .op = DHCP_ARP_REPLY, .sender_mac = OTHER, .target = KIT_ADDR },
	  false },
	{ "another address",
	  { .op = DHCP_ARP_REPLY, .sender_mac = OTHER, .sender = KIT_ADDR2 },
	  false },
	{ "the client's reply",
	  { .op = DHCP_ARP_REPLY, .sender_mac = CLIENT, .sender = KIT_ADDR },
	  false },
	{ "the client's probe",
	  { .op = DHCP_ARP_REQUEST, .sender_mac = CLIENT, .target = KIT_ADDR },
	  false },
};

/* Before the first packet, between the two, while waiting, and when it is clear. */
static const int64_t moments[] = { -1, 0, 80 * MS, 160 * MS };

START_TEST(t_dhcp_031)
{
	for (size_t m = 0; m < ARRAY_SIZE(moments); m++) {
		struct dhcp_probes *p CLEAN_PROBES = new_probes();
		const struct dhcp_arp *a = &packets[_i].arp;
		enum dhcp_probe_state before;
		uint32_t addr = 0;
		bool found;

		ck_ok(dhcp_probe_start(p, 1, KIT_ADDR, &client, 0));
		run(p, moments[m]);
		before = dhcp_probe_state(p, 1, KIT_ADDR);
		ck_assert(!dhcp_probe_evidence(p, 0, a, moments[m], &addr));
		found = dhcp_probe_evidence(p, 1, a, moments[m], &addr);
		ck_assert_msg(found == packets[_i].evidence, "%s at %zu", packets[_i].name, m);
		ck_assert_uint_eq(addr, found ? KIT_ADDR : 0);
		ck_assert_int_eq(dhcp_probe_state(p, 1, KIT_ADDR),
				 found ? DHCP_PROBE_TAKEN : before);
	}
}
END_TEST

/* What is taken stays so for a minute, whatever comes, and is told once. */
START_TEST(taken_ends)
{
	struct dhcp_probes *p CLEAN_PROBES = new_probes();
	struct dhcp_probe_step step;
	uint32_t addr;

	ck_ok(dhcp_probe_start(p, 1, KIT_ADDR, &client, 0));
	run(p, 0);
	ck_assert(dhcp_probe_evidence(p, 1, &packets[0].arp, 5 * MS, &addr));
	ck_assert(!dhcp_probe_evidence(p, 1, &packets[0].arp, 6 * MS, &addr));
	ck_ok(dhcp_probe_start(p, 1, KIT_ADDR, &client, 7 * MS));
	ck_assert_int_eq(dhcp_probe_state(p, 1, KIT_ADDR), DHCP_PROBE_TAKEN);
	ck_assert_int_eq(dhcp_probe_next(p), 60005 * MS);
	ck_assert(dhcp_probe_step(p, 60005 * MS, &step));
	ck_assert_int_eq(step.todo, DHCP_PROBE_STALE);
	ck_assert_int_eq(dhcp_probe_state(p, 1, KIT_ADDR), DHCP_PROBE_NONE);
}
END_TEST

/* An answer to ping is evidence at any time, and once, whoever it was asked for. */
START_TEST(answered)
{
	for (size_t m = 0; m < 2 * ARRAY_SIZE(moments); m++) {
		struct dhcp_probes *p CLEAN_PROBES = new_probes();
		int64_t at = moments[m / 2];

		ck_ok(dhcp_probe_start(p, 1, KIT_ADDR, m % 2 ? &client : &nobody, 0));
		run(p, at);
		ck_assert(!dhcp_probe_answered(p, 0, KIT_ADDR, at));
		ck_assert(!dhcp_probe_answered(p, 1, KIT_ADDR2, at));
		ck_assert(dhcp_probe_answered(p, 1, KIT_ADDR, at));
		ck_assert_int_eq(dhcp_probe_state(p, 1, KIT_ADDR), DHCP_PROBE_TAKEN);
		ck_assert_int_eq(dhcp_probe_next(p), at + 60000 * MS);
		ck_assert(!dhcp_probe_answered(p, 1, KIT_ADDR, at + MS));
		ck_assert_int_eq(dhcp_probe_next(p), at + 60000 * MS);
	}
}
END_TEST

/* What was probed for nobody is evidenced against by anybody. */
START_TEST(stock_has_no_client)
{
	struct dhcp_arp a = { .op = DHCP_ARP_REPLY, .sender_mac = CLIENT, .sender = KIT_ADDR };
	struct dhcp_probes *p CLEAN_PROBES = new_probes();
	uint32_t addr;

	ck_ok(dhcp_probe_start(p, 1, KIT_ADDR, &nobody, 0));
	ck_assert(dhcp_probe_evidence(p, 1, &a, 0, &addr));
}
END_TEST

static unsigned count_stock(const struct dhcp_probes *p, uint32_t net)
{
	uint32_t at = DHCP_PROBE_FIRST, addr;
	enum dhcp_probe_state state;
	unsigned n = 0;

	while (dhcp_probe_stock(p, net, &at, &addr, &state))
		n++;
	return n;
}

/* What is probed for a client is kept for it, until a second after that has ended. */
START_TEST(kept_for_a_client)
{
	static const struct mac other = OTHER;
	struct dhcp_probes *p CLEAN_PROBES = new_probes();
	uint32_t addr;

	ck_ok(dhcp_probe_start(p, 1, KIT_ADDR, &client, 0));
	for (unsigned i = 0; i < ARRAY_SIZE(moments); i++) {
		run(p, moments[i]);
		ck_ok(dhcp_probe_start(p, 1, KIT_ADDR, &other, moments[i]));
		ck_assert(dhcp_probe_for_another(p, 1, KIT_ADDR, &other));
		ck_assert(!dhcp_probe_for_another(p, 1, KIT_ADDR, &client));
		ck_assert(!dhcp_probe_for_another(p, 0, KIT_ADDR, &other));
		ck_assert_uint_eq(count_stock(p, 1), 0);
	}
	run(p, 1159 * MS);
	ck_assert(dhcp_probe_for_another(p, 1, KIT_ADDR, &other));
	run(p, 1160 * MS);
	ck_assert(!dhcp_probe_for_another(p, 1, KIT_ADDR, &other));
	ck_assert_int_eq(dhcp_probe_state(p, 1, KIT_ADDR), DHCP_PROBE_CLEAR);
	ck_assert_uint_eq(count_stock(p, 1), 1);
	/* Its first client can be the one that shows up with it now. */
	ck_assert(dhcp_probe_evidence(p, 1, &packets[8].arp, 1161 * MS, &addr));
	run(p, 70000 * MS);
	ck_assert_uint_eq(count_stock(p, 1), 0);
}
END_TEST

/* What is being probed for nobody becomes a client's; what has ended is anybody's. */
START_TEST(claimed)
{
	struct dhcp_probes *p CLEAN_PROBES = new_probes();

	ck_ok(dhcp_probe_start(p, 1, KIT_ADDR, &nobody, 0));
	ck_ok(dhcp_probe_start(p, 1, KIT_ADDR2, &nobody, 0));
	ck_ok(dhcp_probe_start(p, 1, KIT_ADDR, &client, 50 * MS));
	ck_assert_uint_eq(count_stock(p, 1), 1);
	ck_assert(dhcp_probe_for_another(p, 1, KIT_ADDR, &nobody));
	run(p, 160 * MS);
	ck_ok(dhcp_probe_start(p, 1, KIT_ADDR2, &client, 160 * MS));
	ck_assert_uint_eq(count_stock(p, 1), 1);
	ck_assert(!dhcp_probe_for_another(p, 1, KIT_ADDR2, &nobody));
}
END_TEST

/* One network alone gets half of the table, and leaves room for others. */
START_TEST(share_of_a_network)
{
	struct dhcp_probes *p CLEAN_PROBES = new_probes();
	uint32_t n[NETS] = { 0 };

	for (uint32_t net = 0; net < NETS; net++)
		while (dhcp_probe_start(p, net, KIT_ADDR + n[net], &client, 0) == 0)
			n[net]++;
	ck_assert_uint_eq(n[0], CAP / 2 + 1);
	for (uint32_t net = 1; net < NETS; net++)
		ck_assert_uint_ge(n[net], n[net - 1] / 2);
	ck_assert_int_eq(dhcp_probe_start(p, NETS, KIT_ADDR, &client, 0), -ENOSPC);
	dhcp_probe_forget_net(p, 0);
	ck_assert_int_eq(dhcp_probe_state(p, 0, KIT_ADDR), DHCP_PROBE_NONE);
	ck_assert_int_eq(dhcp_probe_state(p, 1, KIT_ADDR), DHCP_PROBE_RUNNING);
	ck_ok(dhcp_probe_start(p, 3, KIT_ADDR + n[3], &client, 0));
}
END_TEST

START_TEST(forgotten)
{
	struct dhcp_probes *p CLEAN_PROBES = new_probes();

	ck_ok(dhcp_probe_start(p, 1, KIT_ADDR, &nobody, 0));
	ck_ok(dhcp_probe_start(p, 1, KIT_ADDR2, &nobody, 0));
	ck_assert(dhcp_probe_forget(p, 1, KIT_ADDR));
	ck_assert(!dhcp_probe_forget(p, 1, KIT_ADDR));
	ck_assert_uint_eq(count_stock(p, 1), 1);
	ck_assert_int_eq(dhcp_probe_state(p, 1, KIT_ADDR), DHCP_PROBE_NONE);
	ck_assert_int_eq(dhcp_probe_state(p, 1, KIT_ADDR2), DHCP_PROBE_RUNNING);
	dhcp_probes_free(NULL);
}
END_TEST

UNIT_SUITE(dhcp_probe)
{
	tcase_add_test(tc, timing);
	tcase_add_test(tc, late_steps_wait_as_long);
	tcase_add_test(tc, many_in_parallel);
	tcase_add_loop_test(tc, t_dhcp_031, 0, ARRAY_SIZE(packets));
	tcase_add_test(tc, taken_ends);
	tcase_add_test(tc, answered);
	tcase_add_test(tc, stock_has_no_client);
	tcase_add_test(tc, kept_for_a_client);
	tcase_add_test(tc, claimed);
	tcase_add_test(tc, share_of_a_network);
	tcase_add_test(tc, forgotten);
}

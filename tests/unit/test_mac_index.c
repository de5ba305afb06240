/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mac.h"
#include "sequence.h"
#include "unit.h"

enum { CAP = 24, MACS = 10, KINDS = 2, IDS = 3, STEPS = 5000 };

static const struct siphash_key key = { "a key for a test" };
static struct mac_index *macs;

static void make(void)
{
	ck_assert_int_eq(mac_index_new(CAP, &key, &macs), 0);
}

static void drop(void)
{
	mac_index_free(macs);
}

static struct mac mac_of(uint32_t n)
{
	return (struct mac){ { 0x52, 0x54, 0, 0, (uint8_t)(n >> 8), (uint8_t)n } };
}

static unsigned holders(const struct mac *m)
{
	struct mac_holder who;
	unsigned n = 0;

	while (mac_index_find(macs, m, n, &who))
		n++;
	return n;
}

START_TEST(finds_what_was_added)
{
	struct mac a = mac_of(1), b = mac_of(2);
	struct mac_holder who = { 9, 9 };

	ck_assert(!mac_index_find(macs, &a, 0, &who));
	ck_assert_uint_eq(who.kind, 9);
	ck_assert_int_eq(mac_index_add(macs, &a, (struct mac_holder){ 1, 42 }), 0);
	ck_assert(mac_index_find(macs, &a, 0, &who));
	ck_assert_uint_eq(who.kind, 1);
	ck_assert_uint_eq(who.id, 42);
	ck_assert(!mac_index_find(macs, &a, 1, &who));
	ck_assert(!mac_index_find(macs, &b, 0, &who));
}
END_TEST

/* A row of one network and a host interface, say; kind and number both tell them apart. */
START_TEST(holds_several_of_one_mac)
{
	static const struct mac_holder three[] = { { 0, 7 }, { 1, 7 }, { 0, 8 } };
	struct mac a = mac_of(1);

	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(mac_index_add(macs, &a, three[i]), 0);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(mac_index_add(macs, &a, three[i]), -EEXIST);
	ck_assert_uint_eq(holders(&a), 3);
	mac_index_del(macs, &a, three[1]);
	ck_assert_uint_eq(holders(&a), 2);
	ck_assert_int_eq(mac_index_add(macs, &a, three[0]), -EEXIST);
	ck_assert_int_eq(mac_index_add(macs, &a, three[1]), 0);
}
END_TEST

START_TEST(deletes_nothing_else)
{
	struct mac a = mac_of(1), b = mac_of(2);

	ck_assert_int_eq(mac_index_add(macs, &a, (struct mac_holder){ 1, 2 }), 0);
	mac_index_del(macs, &b, (struct mac_holder){ 1, 2 });
	mac_index_del(macs, &a, (struct mac_holder){ 1, 1 });
	mac_index_del(macs, &a, (struct mac_holder){ 2, 2 });
	ck_assert_uint_eq(holders(&a), 1);
	mac_index_del(macs, &a, (struct mac_holder){ 1, 2 });
	mac_index_del(macs, &a, (struct mac_holder){ 1, 2 });
	ck_assert_uint_eq(holders(&a), 0);
}
END_TEST

START_TEST(fills_up)
{
	struct mac a = mac_of(0);

	for (uint32_t i = 0; i < CAP; i++) {
		struct mac m = mac_of(i);

		ck_assert_int_eq(mac_index_add(macs, &m, (struct mac_holder){ 0, i }), 0);
	}
	ck_assert_int_eq(mac_index_add(macs, &a, (struct mac_holder){ 0, CAP }), -ENOSPC);
	ck_assert_int_eq(mac_index_add(macs, &a, (struct mac_holder){ 0, 0 }), -EEXIST);
	ck_assert_uint_eq(holders(&a), 1);
	mac_index_del(macs, &a, (struct mac_holder){ 0, 0 });
	ck_assert_int_eq(mac_index_add(macs, &a, (struct mac_holder){ 0, CAP }), 0);
}
END_TEST

/* All holders of one MAC collide, whatever the key. */
START_TEST(fills_up_with_one_mac)
{
	struct mac a = mac_of(0);

	for (uint32_t i = 0; i < CAP; i++)
		ck_assert_int_eq(mac_index_add(macs, &a, (struct mac_holder){ 0, i }), 0);
	ck_assert_int_eq(mac_index_add(macs, &a, (struct mac_holder){ 0, CAP }), -ENOSPC);
	ck_assert_uint_eq(holders(&a), CAP);
}
END_TEST

START_TEST(has_no_room_at_all)
{
	struct mac a = mac_of(0);
	struct mac_index *none;

	ck_assert_int_eq(mac_index_new(0, &key, &none), 0);
	ck_assert_int_eq(mac_index_add(none, &a, (struct mac_holder){ 0, 0 }), -ENOSPC);
	mac_index_del(none, &a, (struct mac_holder){ 0, 0 });
	mac_index_free(none);
	mac_index_free(NULL);
}
END_TEST

/* --- random operations --- */

typedef bool model[MACS][KINDS][IDS];

static unsigned count(model in, uint32_t mac)
{
	unsigned n = 0;

	for (unsigned kind = 0; kind < KINDS; kind++)
		for (unsigned id = 0; id < IDS; id++)
			n += in[mac][kind][id];
	return n;
}

static unsigned count_all(model in)
{
	unsigned n = 0;

	for (uint32_t mac = 0; mac < MACS; mac++)
		n += count(in, mac);
	return n;
}

/* As many holders as the model has, each one of the model's, none twice. */
static void check(model in)
{
	for (uint32_t mac = 0; mac < MACS; mac++) {
		struct mac m = mac_of(mac);
		bool seen[KINDS][IDS] = { 0 };
		struct mac_holder who;
		unsigned n = 0;

		for (; mac_index_find(macs, &m, n, &who); n++) {
			ck_assert(who.kind < KINDS && who.id < IDS);
			ck_assert(in[mac][who.kind][who.id]);
			ck_assert(!seen[who.kind][who.id]);
			seen[who.kind][who.id] = true;
		}
		ck_assert_uint_eq(n, count(in, mac));
	}
}

START_TEST(random_operations)
{
	struct sequence s = { .state = (uint64_t)_i };
	model in = { 0 };

	for (unsigned step = 0; step < STEPS; step++) {
		uint32_t mac = sequence_below(&s, MACS);
		struct mac_holder who = { sequence_below(&s, KINDS), sequence_below(&s, IDS) };
		bool *there = &in[mac][who.kind][who.id];
		struct mac m = mac_of(mac);

		if (sequence_below(&s, 5) < 2) {
			mac_index_del(macs, &m, who);
			*there = false;
		} else {
			int rc = *there ? -EEXIST : count_all(in) == CAP ? -ENOSPC : 0;

			ck_assert_int_eq(mac_index_add(macs, &m, who), rc);
			*there = *there || rc == 0;
		}
		check(in);
	}
}
END_TEST

UNIT_SUITE(mac_index)
{
	tcase_add_checked_fixture(tc, make, drop);
	tcase_add_test(tc, finds_what_was_added);
	tcase_add_test(tc, holds_several_of_one_mac);
	tcase_add_test(tc, deletes_nothing_else);
	tcase_add_test(tc, fills_up);
	tcase_add_test(tc, fills_up_with_one_mac);
	tcase_add_test(tc, has_no_room_at_all);
	tcase_add_loop_test(tc, random_operations, 0, 4);
}

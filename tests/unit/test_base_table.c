/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Slots and indexes, by random operations against models that are plain arrays. */
#include "base/table.h"
#include "sequence.h"
#include "unit.h"

enum { CAP = 37, STEPS = 20000 };

/* --- slots --- */

START_TEST(slots_fill_up)
{
	struct slots s;
	bool seen[CAP] = { 0 };

	ck_assert(slots_init(&s, CAP));
	for (uint32_t n = 0; n < CAP; n++) {
		uint32_t i = slots_take(&s);

		ck_assert_uint_lt(i, CAP);
		ck_assert(!seen[i]);
		seen[i] = true;
		ck_assert_uint_eq(s.used, n + 1);
	}
	ck_assert_uint_eq(slots_take(&s), SLOT_NONE);
	ck_assert_uint_eq(s.used, CAP);
	slots_give(&s, 11);
	ck_assert_uint_eq(slots_take(&s), 11);
	ck_assert_uint_eq(slots_take(&s), SLOT_NONE);
	slots_done(&s);
}
END_TEST

START_TEST(slots_of_none)
{
	struct slots s;

	ck_assert(slots_init(&s, 0));
	ck_assert_uint_eq(slots_take(&s), SLOT_NONE);
	ck_assert(!slots_live(&s, 0));
	ck_assert_uint_eq(slots_find(&s, (struct handle){ 0 }), SLOT_NONE);
	slots_done(&s);
}
END_TEST

START_TEST(handle_dies_with_its_object)
{
	struct handle old, new;
	struct slots s;
	uint32_t i;

	ck_assert(slots_init(&s, 1));
	i = slots_take(&s);
	old = slots_handle(&s, i);
	ck_assert_uint_eq(old.generation & 1, 1);
	ck_assert_uint_eq(slots_find(&s, old), i);
	slots_give(&s, i);
	ck_assert_uint_eq(slots_find(&s, old), SLOT_NONE);
	ck_assert_uint_eq(slots_take(&s), i);
	new = slots_handle(&s, i);
	ck_assert_uint_eq(slots_find(&s, old), SLOT_NONE);
	ck_assert_uint_eq(slots_find(&s, new), i);
	slots_done(&s);
}
END_TEST

/* A handle that is all zeros, or that comes from elsewhere, is nobody's. */
START_TEST(handles_of_nothing)
{
	static const struct handle handles[] = {
		{ 0, 0 }, { 0, 2 }, { 1, 1 }, { 2, 1 }, { SLOT_NONE, 1 }, { SLOT_NONE, 0 },
	};
	struct slots s;

	ck_assert(slots_init(&s, 2));
	for (size_t i = 0; i < ARRAY_SIZE(handles); i++)
		ck_assert_uint_eq(slots_find(&s, handles[i]), SLOT_NONE);
	ck_assert_uint_eq(slots_take(&s), 0);
	for (size_t i = 0; i < ARRAY_SIZE(handles); i++)
		ck_assert_uint_eq(slots_find(&s, handles[i]), SLOT_NONE);
	slots_done(&s);
}
END_TEST

struct slots_model {
	struct handle now[CAP];	   /* generation 0: free */
	struct handle before[CAP]; /* of the object that had the slot before */
	uint32_t used;
};

static void check_slots(const struct slots *s, const struct slots_model *m)
{
	ck_assert_uint_eq(s->used, m->used);
	for (uint32_t i = 0; i < CAP; i++) {
		bool live = m->now[i].generation;

		ck_assert(slots_live(s, i) == live);
		ck_assert_uint_eq(slots_find(s, m->now[i]), live ? i : SLOT_NONE);
		ck_assert_uint_eq(slots_find(s, m->before[i]), SLOT_NONE);
	}
}

static void take_slot(struct slots *s, struct slots_model *m)
{
	uint32_t i = slots_take(s);

	if (i == SLOT_NONE) {
		ck_assert_uint_eq(m->used, CAP);
		return;
	}
	ck_assert_uint_lt(i, CAP);
	ck_assert_uint_eq(m->now[i].generation, 0);
	m->now[i] = slots_handle(s, i);
	m->used++;
}

START_TEST(slots_random)
{
	struct sequence q = { .state = (uint64_t)_i };
	struct slots_model m = { 0 };
	struct slots s;

	ck_assert(slots_init(&s, CAP));
	for (unsigned step = 0; step < 2000; step++) {
		uint32_t i = sequence_below(&q, CAP);

		if (m.now[i].generation) {
			m.before[i] = m.now[i];
			m.now[i] = (struct handle){ 0 };
			m.used--;
			slots_give(&s, i);
		}
		for (uint32_t n = sequence_below(&q, 3); n; n--)
			take_slot(&s, &m);
		check_slots(&s, &m);
	}
	slots_done(&s);
}
END_TEST

/* --- index --- */

struct entry {
	uint64_t hash;
	uint32_t slot;
};

struct index_model {
	struct entry at[CAP];
	uint32_t n;
};

/* The entries of one hash that a walk gives are those of the model, each once. */
static void check_hash(const struct index *x, const struct index_model *m, uint64_t hash)
{
	bool seen[CAP] = { 0 };
	uint32_t place = UINT32_MAX, slot, walked = 0, expected = 0;

	while ((slot = index_walk(x, hash, &place)) != SLOT_NONE) {
		uint32_t i = 0;

		while (i < m->n && (seen[i] || m->at[i].hash != hash || m->at[i].slot != slot))
			i++;
		ck_assert_msg(i < m->n, "slot %u of hash %lx is not in the model", slot,
			      (unsigned long)hash);
		seen[i] = true;
		walked++;
	}
	for (uint32_t i = 0; i < m->n; i++)
		expected += m->at[i].hash == hash;
	ck_assert_uint_eq(walked, expected);
}

/*
 * Few hashes, so that they collide: in all bits, in the place alone, next to one another, and at
 * the end of the table, where a cluster goes on at its begin. The upper halves differ, too.
 */
static uint64_t some_hash(uint32_t n)
{
	static const uint64_t hashes[] = {
		0, 1, 2, 0x80000000, 126, 127, 0x1007f, 0xffffffff00000080, 64, 0x12345678000000c0,
	};

	return hashes[n % ARRAY_SIZE(hashes)];
}

static void check_index(const struct index *x, const struct index_model *m)
{
	ck_assert_uint_eq(x->used, m->n);
	for (uint32_t n = 0; n < 10; n++)
		check_hash(x, m, some_hash(n));
	check_hash(x, m, 0x777); /* one that was never added */
}

static void index_step(struct index *x, struct index_model *m, struct sequence *q)
{
	uint32_t i = sequence_below(q, CAP);

	if (i < m->n) {
		index_del(x, m->at[i].hash, m->at[i].slot);
		m->at[i] = m->at[--m->n];
	} else {
		struct entry e = { some_hash(sequence_below(q, 10)), sequence_below(q, 8) };

		ck_assert(index_add(x, e.hash, e.slot));
		m->at[m->n++] = e;
	}
}

START_TEST(index_random)
{
	struct sequence q = { .state = (uint64_t)_i };
	struct index_model m = { 0 };
	struct index x;

	ck_assert(index_init(&x, CAP));
	ck_assert_uint_eq(x.mask, 127);
	for (unsigned step = 0; step < STEPS; step++) {
		index_step(&x, &m, &q);
		check_index(&x, &m);
	}
	index_done(&x);
}
END_TEST

/* What is not there is not removed, and nothing else instead. */
START_TEST(index_del_of_nothing)
{
	struct index_model m = { .at = { { 5, 1 }, { 5, 2 }, { 6, 3 } }, .n = 3 };
	struct index x;

	ck_assert(index_init(&x, CAP));
	index_del(&x, 5, 1);
	for (uint32_t i = 0; i < m.n; i++)
		ck_assert(index_add(&x, m.at[i].hash, m.at[i].slot));
	index_del(&x, 5, 3);
	index_del(&x, 6, 1);
	index_del(&x, 7, 1);
	for (uint32_t i = 0; i < m.n; i++)
		check_hash(&x, &m, m.at[i].hash);
	ck_assert_uint_eq(x.used, 3);
	index_done(&x);
}
END_TEST

/* Room for what was asked for, and still an end for every walk when it is full. */
START_TEST(index_capacity)
{
	static const uint32_t caps[] = { 0, 1, 8, 9, 37, 64, 1000 };
	uint32_t place = UINT32_MAX, n = 0;
	struct index x;

	ck_assert(index_init(&x, caps[_i]));
	while (index_add(&x, 0xdeadbeef, n))
		n++;
	ck_assert_uint_ge(n, caps[_i]);
	ck_assert_uint_eq(n, (x.mask + 1) / 2);
	ck_assert_uint_eq(index_walk(&x, 1, &place), SLOT_NONE);
	for (uint32_t i = 0; i < n; i++)
		ck_assert_uint_eq(index_walk(&x, 0xdeadbeef, &place), i);
	ck_assert_uint_eq(index_walk(&x, 0xdeadbeef, &place), SLOT_NONE);
	index_done(&x);
}
END_TEST

/* Both halves of a hash find the place, so a weak half does no harm. */
START_TEST(index_uses_the_whole_hash)
{
	uint32_t place = UINT32_MAX;
	struct index x;

	ck_assert(index_init(&x, CAP));
	ck_assert(index_add(&x, 0x0000000100000000, 1));
	ck_assert_uint_eq(index_walk(&x, 0x0000000200000000, &place), SLOT_NONE);
	ck_assert_uint_eq(index_walk(&x, 0, &place), SLOT_NONE);
	ck_assert_uint_eq(index_walk(&x, 0x0000000100000000, &place), 1);
	index_done(&x);
}
END_TEST

UNIT_SUITE(base_table)
{
	tcase_add_test(tc, slots_fill_up);
	tcase_add_test(tc, slots_of_none);
	tcase_add_test(tc, handle_dies_with_its_object);
	tcase_add_test(tc, handles_of_nothing);
	tcase_add_loop_test(tc, slots_random, 0, 8);
	tcase_add_loop_test(tc, index_random, 0, 8);
	tcase_add_test(tc, index_del_of_nothing);
	tcase_add_loop_test(tc, index_capacity, 0, 7);
	tcase_add_test(tc, index_uses_the_whole_hash);
}

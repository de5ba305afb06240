/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random operations against a model that is an array and a linear search. */
#include "base/heap.h"
#include "sequence.h"
#include "unit.h"

enum { NODES = 96, STEPS = 4000 };

static struct heap_node node[NODES], *room[NODES];
static struct heap heap;

static void empty(void)
{
	memset(node, 0, sizeof(node));
	heap = (struct heap){ .at = room };
}

/* Every node knows its place, no child is smaller than its parent, and what the model says is in.
 */
static void check_shape(const bool *in)
{
	size_t members = 0;

	for (size_t i = 0; i < heap.len; i++) {
		ck_assert_uint_eq(heap.at[i]->place, i + 1);
		if (i)
			ck_assert_int_le(heap.at[(i - 1) / 2]->key, heap.at[i]->key);
	}
	for (size_t i = 0; i < NODES; i++) {
		ck_assert(heap_has(&node[i]) == in[i]);
		members += in[i];
	}
	ck_assert_uint_eq(heap.len, members);
}

static void check_first(const bool *in)
{
	const struct heap_node *first = heap_first(&heap);

	for (size_t i = 0; i < NODES; i++)
		if (in[i]) {
			ck_assert_ptr_nonnull(first);
			ck_assert_int_le(first->key, node[i].key);
		}
}

/* Few keys, so that many are equal; now and then the ends of their range. */
static int64_t some_key(struct sequence *s)
{
	uint32_t v = sequence_below(s, 40);

	return v == 0 ? INT64_MIN : v == 1 ? INT64_MAX : (int64_t)v - 20;
}

START_TEST(random_operations)
{
	struct sequence s = { .state = (uint64_t)_i };
	bool in[NODES] = { 0 };

	for (unsigned step = 0; step < STEPS; step++) {
		uint32_t i = sequence_below(&s, step < STEPS / 2 ? NODES : NODES / 8);

		if (in[i])
			heap_remove(&heap, &node[i]);
		else
			heap_insert(&heap, &node[i], some_key(&s));
		in[i] = !in[i];
		check_shape(in);
		check_first(in);
	}
}
END_TEST

START_TEST(drains_in_order)
{
	struct sequence s = { .state = (uint64_t)_i };
	int64_t last = INT64_MIN;

	for (size_t i = 0; i < NODES; i++)
		heap_insert(&heap, &node[i], some_key(&s));
	for (size_t i = 0; i < NODES; i++) {
		struct heap_node *first = heap_first(&heap);

		ck_assert_int_ge(first->key, last);
		last = first->key;
		heap_remove(&heap, first);
		ck_assert(!heap_has(first));
	}
	ck_assert_ptr_null(heap_first(&heap));
}
END_TEST

START_TEST(holds_nothing_and_one)
{
	ck_assert_ptr_null(heap_first(&heap));
	ck_assert(!heap_has(&node[0]));
	heap_insert(&heap, &node[0], 7);
	ck_assert(heap_has(&node[0]));
	ck_assert_ptr_eq(heap_first(&heap), &node[0]);
	ck_assert_int_eq(node[0].key, 7);
	heap_remove(&heap, &node[0]);
	ck_assert_ptr_null(heap_first(&heap));
}
END_TEST

/* What takes the place of a removed node may have to go up: its new parent is in another branch. */
START_TEST(last_goes_up)
{
	static const int64_t keys[] = { 1, 10, 2, 11, 12, 3, 4 };
	bool in[NODES] = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		heap_insert(&heap, &node[i], keys[i]);
		in[i] = true;
	}
	heap_remove(&heap, &node[3]);
	in[3] = false;
	check_shape(in);
}
END_TEST

UNIT_SUITE(base_heap)
{
	tcase_add_checked_fixture(tc, empty, NULL);
	tcase_add_loop_test(tc, random_operations, 0, 8);
	tcase_add_loop_test(tc, drains_in_order, 0, 16);
	tcase_add_test(tc, holds_nothing_and_one);
	tcase_add_test(tc, last_goes_up);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pool in stages against a model that is too simple to be wrong, and what a search costs. */
#include "dhcp_kit.h"

CLEANUP_DEFINE(pool, struct dhcp_pool, dhcp_pool_free)
#define CLEAN_POOL CLEANUP(cleanup_pool)

/* --- stages --- */

/* Five ranges, of which the second stage has two. */
static const struct ip4_range range[] = {
	{ 1000, 1069 }, { 3000, 3129 }, { 2000, 2000 }, { 4000, 4062 }, { 100, 163 }
};
static const unsigned upto[] = { 1, 3, 3, 5 };
enum { STAGES = 4, SIZE = 70 + 130 + 1 + 63 + 64 };
static const uint32_t open_size[STAGES] = { 70, 201, 201, SIZE }; /* the third is empty */

static struct dhcp_pool *new_pool(void)
{
	struct dhcp_pool *p;

	ck_ok(dhcp_pool_new(range, ARRAY_SIZE(range), &p));
	ck_assert_uint_eq(dhcp_pool_open(p), SIZE);
	dhcp_pool_stage(p, upto, STAGES);
	return p;
}

static uint32_t addr_at(uint32_t place)
{
	for (size_t i = 0; i < ARRAY_SIZE(range); i++) {
		uint32_t n = range[i].last - range[i].first + 1;

		if (place < n)
			return range[i].first + place;
		place -= n;
	}
	ck_abort_msg("no such place");
	return 0;
}

struct model {
	bool taken[SIZE];
	unsigned grown;
};

static void compare(const struct model *m, struct dhcp_pool *p, uint64_t start)
{
	uint32_t open = open_size[m->grown], used = 0, all = 0, addr = 0, want = SIZE;
	uint32_t first = start < open ? (uint32_t)start : (uint32_t)(start % open_size[0]);
	uint64_t place = start;

	for (uint32_t i = 0; i < SIZE; i++) {
		all += m->taken[i];
		used += i < open && m->taken[i];
	}
	for (uint32_t i = 0; i < open && want == SIZE; i++)
		if (!m->taken[(first + i) % open])
			want = (first + i) % open;
	kit_must(dhcp_pool_used(p) == all && dhcp_pool_size(p) == SIZE);
	kit_must(dhcp_pool_open(p) == open && dhcp_pool_open_used(p) == used);
	kit_must(dhcp_pool_grown(p) == m->grown);
	kit_must(dhcp_pool_find(p, &place, &addr) == (want < SIZE));
	if (want < SIZE)
		kit_must(place == want && addr == addr_at(want) && dhcp_pool_is_open(p, addr));
	else
		kit_must(place == start);
}

/* Also addresses that are not open are taken and given; what is open is never closed. */
START_TEST(like_the_model)
{
	struct kit_random r = { (uint64_t)_i + 1 };
	struct dhcp_pool *p CLEAN_POOL = new_pool();
	struct model m = { 0 };

	for (unsigned round = 0; round < 4000; round++) {
		uint32_t at = kit_below(&r, SIZE), what = kit_below(&r, 1000);

		if (what == 0) {
			kit_must(dhcp_pool_grow(p) == (m.grown < STAGES - 1));
			m.grown += m.grown < STAGES - 1;
		} else if (what == 1) {
			dhcp_pool_reach(p, addr_at(at));
			while (at >= open_size[m.grown])
				m.grown++;
		} else if (what < 600) {
			kit_must(dhcp_pool_take(p, addr_at(at)) == !m.taken[at]);
			m.taken[at] = true;
		} else {
			dhcp_pool_give(p, addr_at(at));
			m.taken[at] = false;
		}
		/* The last open place plus one is where a walk ends; it begins anew. */
		at = kit_below(&r, 2 * SIZE);
		if (at != open_size[m.grown])
			compare(&m, p, at);
	}
	ck_assert_uint_gt(m.grown, 0);
}
END_TEST

/* What a hash leads to first does not depend on how far the pool has grown. */
START_TEST(growth_moves_nobody)
{
	struct dhcp_pool *p CLEAN_POOL = new_pool();
	struct kit_random r = { 1 };

	for (unsigned i = 0; i < 100; i++) {
		uint64_t hash = (uint64_t)kit_random(&r) << 32 | kit_random(&r);
		struct dhcp_pool *grown CLEAN_POOL = new_pool();
		uint64_t before = hash, after = hash;
		uint32_t is, was;

		while (dhcp_pool_grow(grown))
			;
		ck_assert(dhcp_pool_find(p, &before, &was));
		ck_assert(dhcp_pool_find(grown, &after, &is));
		ck_assert_uint_eq(is, was);
	}
}
END_TEST

/* From place to place once around: every open address, and no other. */
START_TEST(walk)
{
	struct dhcp_pool *p CLEAN_POOL = new_pool();

	for (unsigned grown = 0; grown < STAGES; grown++) {
		uint64_t place = 17, first = 17;
		uint32_t addr;

		for (uint32_t i = 0; i < open_size[grown]; i++, place++) {
			kit_must(dhcp_pool_find(p, &place, &addr));
			kit_must(place == (first + i) % open_size[grown]);
		}
		ck_assert_int_eq(dhcp_pool_grow(p), grown + 1 < STAGES);
	}
}
END_TEST

START_TEST(reach_of_a_stranger)
{
	struct dhcp_pool *p CLEAN_POOL = new_pool();

	dhcp_pool_reach(p, 5);
	dhcp_pool_reach(p, 1000);
	ck_assert_uint_eq(dhcp_pool_grown(p), 0);
	ck_assert(!dhcp_pool_is_open(p, 5) && !dhcp_pool_is_open(p, 3000));
	dhcp_pool_reach(p, 2000);
	ck_assert_uint_eq(dhcp_pool_grown(p), 1);
}
END_TEST

/* Nothing is left of the first range, and the pool can grow all the same. */
START_TEST(empty_first_stage)
{
	static const unsigned all_later[] = { 0, 1, 5 };
	struct dhcp_pool *p CLEAN_POOL = new_pool();
	uint64_t place = UINT64_MAX;
	uint32_t addr;

	dhcp_pool_stage(p, all_later, 3);
	ck_assert(!dhcp_pool_find(p, &place, &addr));
	ck_assert(dhcp_pool_grow(p));
	ck_assert(dhcp_pool_find(p, &place, &addr));
	ck_assert_uint_eq(addr, 1000);
}
END_TEST

/* --- what a search costs --- */

/* Up and down the four levels once, and once more from the start. */
enum { WORDS_MAX = 14, WHOLE = 1 << 16 };

/* Of 65,536 addresses so many are free. */
static const uint32_t free_of[] = { 65535, 64881, 32768, 655, 66, 2, 1 };
enum pattern { RANDOM, FIRST, LAST, PATTERNS };

static void fill(struct dhcp_pool *p, uint32_t frees, enum pattern pattern)
{
	struct kit_random r = { frees };
	uint32_t base = KIT_IP(10, 0, 0, 0), used = WHOLE - frees;

	for (uint32_t i = 0; pattern != RANDOM && i < used; i++)
		dhcp_pool_take(p, base + (pattern == FIRST ? i : WHOLE - 1 - i));
	while (dhcp_pool_used(p) < used)
		dhcp_pool_take(p, base + kit_below(&r, WHOLE));
}

/* The same bound on the words that are looked at, however full the pool is and wherever what is
 * free lies. */
START_TEST(search_cost)
{
	static const struct ip4_range whole = { KIT_IP(10, 0, 0, 0), KIT_IP(10, 0, 255, 255) };
	enum pattern pattern = (enum pattern)_i % PATTERNS;
	struct dhcp_pool *p CLEAN_POOL = NULL;
	struct kit_random r = { (uint64_t)_i + 1 };
	uint64_t most = 0;

	ck_ok(dhcp_pool_new(&whole, 1, &p));
	fill(p, free_of[_i / PATTERNS], pattern);
	for (unsigned i = 0; i < 100000; i++) {
		uint64_t place = (uint64_t)kit_random(&r) << 32 | kit_random(&r);
		uint64_t before = dhcp_pool_looks(p);
		uint32_t addr;

		kit_must(dhcp_pool_find(p, &place, &addr));
		if (dhcp_pool_looks(p) - before > most)
			most = dhcp_pool_looks(p) - before;
	}
	ck_assert_uint_ge(most, 1);
	ck_assert_uint_le(most, WORDS_MAX);
}
END_TEST

UNIT_SUITE(dhcp_pool_stages)
{
	tcase_add_loop_test(tc, like_the_model, 0, 10);
	tcase_add_test(tc, growth_moves_nobody);
	tcase_add_test(tc, walk);
	tcase_add_test(tc, reach_of_a_stranger);
	tcase_add_test(tc, empty_first_stage);
	tcase_add_loop_test(tc, search_cost, 0, ARRAY_SIZE(free_of) * PATTERNS);
}

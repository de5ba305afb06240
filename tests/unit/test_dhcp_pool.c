/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pool against a model that is too simple to be wrong: one bool an address. */
#include "dhcp_kit.h"

CLEANUP_DEFINE(pool, struct dhcp_pool, dhcp_pool_free)
#define CLEAN_POOL CLEANUP(cleanup_pool)

enum { RANGES_MAX = 4 };

/* --- making one --- */

static const struct {
	const char *name;
	int rc;
	struct ip4_range range[RANGES_MAX];
	unsigned n;
	uint32_t size;
} shapes[] = {
	{ "none", 0, { { 0 } }, 0, 0 },
	{ "one address", 0, { { 5, 5 } }, 1, 1 },
	{ "the first address of all", 0, { { 0, 0 } }, 1, 1 },
	{ "the last address of all", 0, { { UINT32_MAX, UINT32_MAX } }, 1, 1 },
	{ "both ends", 0, { { UINT32_MAX - 9, UINT32_MAX }, { 0, 9 } }, 2, 20 },
	{ "neighbours", 0, { { 10, 19 }, { 20, 29 } }, 2, 20 },
	{ "in any order", 0, { { 50, 59 }, { 10, 19 }, { 30, 39 } }, 3, 30 },
	{ "as large as can be", 0, { { 0x0a000000, 0x0a0fffff } }, 1, 1 << 20 },
	{ "largest of two", 0, { { 0, (1 << 20) - 2 }, { 1 << 24, 1 << 24 } }, 2, 1 << 20 },
	{ "reversed", -EINVAL, { { 6, 5 } }, 1, 0 },
	{ "second reversed", -EINVAL, { { 1, 2 }, { 6, 5 } }, 2, 0 },
	{ "twice the same", -EINVAL, { { 1, 2 }, { 1, 2 } }, 2, 0 },
	{ "last is first", -EINVAL, { { 1, 5 }, { 5, 9 } }, 2, 0 },
	{ "first is last", -EINVAL, { { 5, 9 }, { 1, 5 } }, 2, 0 },
	{ "one within another", -EINVAL, { { 1, 9 }, { 4, 5 } }, 2, 0 },
	{ "one around another", -EINVAL, { { 4, 5 }, { 1, 9 } }, 2, 0 },
	{ "third with first", -EINVAL, { { 1, 2 }, { 4, 5 }, { 2, 3 } }, 3, 0 },
	{ "one too many", -E2BIG, { { 0x0a000000, 0x0a100000 } }, 1, 0 },
	{ "one too many of two", -E2BIG, { { 0, (1 << 20) - 1 }, { 1 << 24, 1 << 24 } }, 2, 0 },
	{ "all there is", -E2BIG, { { 0, UINT32_MAX } }, 1, 0 },
};

START_TEST(shape)
{
	struct ip4_range range[RANGES_MAX];
	struct dhcp_pool *p CLEAN_POOL = NULL;
	int rc;

	/* Ranges are copied: what the caller does with them later does not matter. */
	memcpy(range, shapes[_i].range, sizeof(range));
	rc = dhcp_pool_new(range, shapes[_i].n, &p);
	ck_assert_msg(rc == shapes[_i].rc, "%s: %d", shapes[_i].name, rc);
	memset(range, 0xff, sizeof(range));
	ck_assert_int_eq(p != NULL, rc == 0);
	if (rc)
		return;
	ck_assert_uint_eq(dhcp_pool_size(p), shapes[_i].size);
	ck_assert_uint_eq(dhcp_pool_used(p), 0);
	for (unsigned i = 0; i < shapes[_i].n; i++) {
		ck_assert(dhcp_pool_contains(p, shapes[_i].range[i].first));
		ck_assert(dhcp_pool_contains(p, shapes[_i].range[i].last));
	}
}
END_TEST

START_TEST(borders)
{
	static const struct ip4_range range[] = { { 10, 12 }, { 20, 20 } };
	struct dhcp_pool *p CLEAN_POOL = NULL;

	ck_ok(dhcp_pool_new(range, 2, &p));
	for (uint32_t addr = 0; addr < 30; addr++) {
		bool inside = (addr >= 10 && addr <= 12) || addr == 20;

		ck_assert_int_eq(dhcp_pool_contains(p, addr), inside);
		ck_assert_int_eq(dhcp_pool_take(p, addr), inside);
		ck_assert(!dhcp_pool_take(p, addr));
	}
	ck_assert_uint_eq(dhcp_pool_used(p), 4);
	ck_assert(!dhcp_pool_contains(p, UINT32_MAX));
	dhcp_pool_free(NULL);
}
END_TEST

/* --- against the model --- */

struct model {
	struct ip4_range range[RANGES_MAX];
	unsigned ranges;
	uint32_t size, used;
	bool *taken; /* [size], by place */
};

static void model_free(struct model *m)
{
	free(m->taken);
}

static uint32_t model_addr(const struct model *m, uint32_t place)
{
	for (unsigned i = 0; i < m->ranges; i++) {
		uint32_t n = m->range[i].last - m->range[i].first + 1;

		if (place < n)
			return m->range[i].first + place;
		place -= n;
	}
	ck_abort_msg("no such place");
	return 0;
}

/* The first free place from `place` upwards and around; size: none. */
static uint32_t model_find(const struct model *m, uint64_t place)
{
	for (uint32_t i = 0; i < m->size; i++) {
		uint32_t at = (uint32_t)((place + i) % m->size);

		if (!m->taken[at])
			return at;
	}
	return m->size;
}

/* Splits `size` addresses into ranges that are neither sorted nor neighbours. */
static void model_make(struct model *m, uint32_t size, unsigned ranges)
{
	*m = (struct model){ .size = size, .ranges = ranges };
	for (unsigned i = 0; i < ranges; i++) {
		uint32_t n = i + 1 < ranges ? size / (ranges + i) : size;
		uint32_t first = KIT_IP(10, 0, 0, 7) + ((ranges - i) << 21);

		m->range[i] = (struct ip4_range){ first, first + n - 1 };
		size -= n;
	}
	m->taken = calloc(m->size ? m->size : 1, sizeof(*m->taken));
	ck_assert_ptr_nonnull(m->taken);
}

static void take(struct model *m, struct dhcp_pool *p, uint32_t place)
{
	kit_must(dhcp_pool_take(p, model_addr(m, place)) == !m->taken[place]);
	m->used += !m->taken[place];
	m->taken[place] = true;
}

static void give(struct model *m, struct dhcp_pool *p, uint32_t place)
{
	dhcp_pool_give(p, model_addr(m, place));
	m->used -= m->taken[place];
	m->taken[place] = false;
}

/* Finds from a start, and compares; returns the place, or size when all are taken. */
static uint32_t find(const struct model *m, struct dhcp_pool *p, uint64_t start)
{
	uint32_t want = model_find(m, start), addr = 0xdead;
	uint64_t place = start;
	bool found = dhcp_pool_find(p, &place, &addr);

	ck_assert_int_eq(found, want < m->size);
	ck_assert_uint_eq(place, found ? want : start);
	ck_assert_uint_eq(addr, found ? model_addr(m, want) : 0xdead);
	ck_assert_uint_eq(dhcp_pool_used(p), m->used);
	return want;
}

static const struct {
	uint32_t size;
	unsigned ranges, rounds;
} sizes[] = {
	{ 0, 0, 1 },	     { 1, 1, 100 },	  { 2, 2, 200 },      { 63, 1, 3000 },
	{ 64, 1, 3000 },     { 65, 1, 3000 },	  { 63, 3, 3000 },    { 64, 4, 3000 },
	{ 65, 2, 3000 },     { 4095, 1, 5000 },	  { 4096, 1, 5000 },  { 4097, 3, 5000 },
	{ 65536, 1, 3000 },  { 65536, 4, 3000 },  { 65537, 2, 3000 }, { 262145, 2, 2000 },
	{ 1 << 20, 1, 500 }, { 1 << 20, 4, 500 },
};

/*
 * Takes and gives at random with a tide that fills the pool and empties it; a large one, which the
 * tide would not fill, is nearly full at the start. Starts are what a hash gives: any 64-bit
 * number.
 */
START_TEST(random_operations)
{
	struct kit_random r = { (uint64_t)_i + 1 };
	struct model m CLEANUP(model_free) = { 0 };
	struct dhcp_pool *p CLEAN_POOL = NULL;

	model_make(&m, sizes[_i].size, sizes[_i].ranges);
	ck_ok(dhcp_pool_new(m.range, m.ranges, &p));
	ck_assert_uint_eq(dhcp_pool_size(p), m.size);
	for (uint32_t i = 0; m.size > 5000 && i < m.size; i++)
		if (kit_below(&r, 300))
			take(&m, p, i);
	for (unsigned round = 0; round < sizes[_i].rounds; round++) {
		bool filling = round * 4 / sizes[_i].rounds % 2 == 0;
		uint64_t start = (uint64_t)kit_random(&r) << 32 | kit_random(&r);
		uint32_t at = find(&m, p, start);

		if (at < m.size && kit_below(&r, 4) < (filling ? 4u : 1u))
			take(&m, p, at);
		if (m.size && kit_below(&r, 4) < (filling ? 1u : 3u))
			give(&m, p, kit_below(&r, m.size));
		if (m.size && kit_below(&r, 4) == 0)
			take(&m, p, kit_below(&r, m.size));
	}
	find(&m, p, 0);
}
END_TEST

/* Places to have the only free address, at the edges of words on every level. */
static uint32_t edge(uint32_t size, unsigned i)
{
	static const uint32_t at[] = { 0,    1,	   62,	 63,	64,	65,	4095,	4096,
				       4097, 8191, 8192, 65535, 262143, 262144, 262145, 524287 };

	return i < ARRAY_SIZE(at) ? at[i] % size : size - 1;
}

/* Full but for one: it is found from everywhere, around the end as well; then none is. */
START_TEST(one_left)
{
	struct model m CLEANUP(model_free) = { 0 };
	struct dhcp_pool *p CLEAN_POOL = NULL;
	uint32_t addr, size = sizes[_i].size;
	uint64_t place;

	model_make(&m, size, sizes[_i].ranges);
	ck_ok(dhcp_pool_new(m.range, m.ranges, &p));
	for (uint32_t i = 0; i < size; i++)
		take(&m, p, i);
	ck_assert_uint_eq(dhcp_pool_used(p), size);
	for (unsigned i = 0; size && i < 17; i++) {
		uint32_t only = edge(size, i);

		give(&m, p, only);
		for (unsigned j = 0; j < 17; j++) {
			place = edge(size, j) + (uint64_t)size * j;
			ck_assert(dhcp_pool_find(p, &place, &addr));
			ck_assert_uint_eq(place, only);
			ck_assert_uint_eq(addr, model_addr(&m, only));
		}
		take(&m, p, only);
	}
	place = 12345;
	addr = 0xdead;
	ck_assert(!dhcp_pool_find(p, &place, &addr));
	ck_assert(place == 12345 && addr == 0xdead);
}
END_TEST

/* Going on from place + 1 visits every address once, in order, and comes back to the first. */
START_TEST(walk)
{
	struct model m CLEANUP(model_free) = { 0 };
	struct dhcp_pool *p CLEAN_POOL = NULL;
	uint32_t addr, size = sizes[_i].size;
	uint64_t place = 0;

	model_make(&m, size, sizes[_i].ranges);
	ck_ok(dhcp_pool_new(m.range, m.ranges, &p));
	for (uint32_t i = 0; i < size; i++) {
		kit_must(dhcp_pool_find(p, &place, &addr));
		kit_must(place == i && addr == model_addr(&m, i));
		place++;
	}
	ck_assert_int_eq(dhcp_pool_find(p, &place, &addr), size > 0);
	ck_assert_uint_eq(place, 0);
}
END_TEST

/* What is outside or free already can be given without harm. */
START_TEST(giving_what_was_not_taken)
{
	static const struct ip4_range range[] = { { 100, 163 }, { 200, 299 } };
	struct dhcp_pool *p CLEAN_POOL = NULL;

	ck_ok(dhcp_pool_new(range, 2, &p));
	ck_assert(dhcp_pool_take(p, 150));
	for (uint32_t addr = 0; addr < 400; addr++)
		if (addr != 150)
			dhcp_pool_give(p, addr);
	ck_assert_uint_eq(dhcp_pool_used(p), 1);
	ck_assert(!dhcp_pool_take(p, 150));
	dhcp_pool_give(p, 150);
	dhcp_pool_give(p, 150);
	ck_assert_uint_eq(dhcp_pool_used(p), 0);
}
END_TEST

UNIT_SUITE(dhcp_pool)
{
	tcase_add_loop_test(tc, shape, 0, ARRAY_SIZE(shapes));
	tcase_add_test(tc, borders);
	tcase_add_loop_test(tc, random_operations, 0, ARRAY_SIZE(sizes));
	tcase_add_loop_test(tc, one_left, 0, ARRAY_SIZE(sizes));
	tcase_add_loop_test(tc, walk, 0, ARRAY_SIZE(sizes));
	tcase_add_test(tc, giving_what_was_not_taken);
}

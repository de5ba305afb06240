/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bridge.h"
#include "unit.h"

static const struct siphash_key key = { "0123456789abcdef" };

static struct ip4_prefix parsed(const char *text)
{
	struct ip4_prefix p;

	ck_assert(ip4_prefix_parse(text, &p));
	return p;
}

static struct bridge_taken taken(const char *prefix, const char *what)
{
	struct bridge_taken t = { .prefix = parsed(prefix) };

	snprintf(t.what, sizeof(t.what), "%s", what);
	return t;
}

/* Of one supernet, of which some is taken. */
static struct ip4_prefix chosen(const char *network, const char *super,
				const struct bridge_taken *t, size_t n)
{
	struct ip4_prefix s = parsed(super), p;

	ck_ok(bridge_subnet_choose(&key, network, &s, 1, t, n, &p, &unit_err));
	return p;
}

static void assert_prefix(struct ip4_prefix p, const char *text)
{
	char buf[IP4_PREFIX_TEXT_SIZE];

	ck_assert_str_eq(ip4_prefix_text(p, buf), text);
}

/* --- clashes --- */

static const struct {
	const char *prefix;
	int clash; /* index in `used`, -1: none */
} clashes[] = {
	{ "10.64.1.1/24", 0 },	 { "10.64.1.129/25", 0 }, { "10.64.0.1/16", 0 },
	{ "10.64.2.1/24", -1 },	 { "192.168.7.1/24", 1 }, { "192.168.7.200/30", 1 },
	{ "192.168.0.1/16", 1 }, { "172.16.0.1/24", -1 }, { "10.64.3.7/32", 2 },
	{ "10.64.3.0/29", 2 },	 { "10.64.3.8/29", -1 },  { "0.0.0.0/1", 0 },
	{ "128.0.0.1/1", 1 },
};

START_TEST(clash)
{
	const struct bridge_taken used[] = { taken("10.64.1.0/24", "route a"),
					     taken("192.168.7.1/24", "address b"),
					     taken("10.64.3.7/32", "address c") };
	const struct bridge_taken *found =
		bridge_subnet_clash(parsed(clashes[_i].prefix), used, ARRAY_SIZE(used));

	if (clashes[_i].clash < 0)
		ck_assert_ptr_null(found);
	else
		ck_assert_ptr_eq(found, &used[clashes[_i].clash]);
}
END_TEST

START_TEST(clash_of_nothing)
{
	ck_assert_ptr_null(bridge_subnet_clash(parsed("10.0.0.1/24"), NULL, 0));
}
END_TEST

/* --- the choice --- */

/* Computed by another implementation: a network keeps its subnet when the state was lost, and with
 * the next release. */
static const struct {
	const char *network, *super, *subnet;
} golden[] = {
	{ "default", "10.64.0.0/10", "10.106.194.1/24" },
	{ "blue", "10.64.0.0/10", "10.118.243.1/24" },
	{ "default", "192.168.0.0/16", "192.168.194.1/24" },
	{ "default", "192.168.5.0/24", "192.168.5.1/24" },
};

START_TEST(golden_choice)
{
	assert_prefix(chosen(golden[_i].network, golden[_i].super, NULL, 0), golden[_i].subnet);
}
END_TEST

START_TEST(depends_on_the_key)
{
	static const struct siphash_key other = { "1123456789abcdef" };
	struct ip4_prefix super = parsed("10.64.0.0/10"), mine, theirs;

	mine = chosen("default", "10.64.0.0/10", NULL, 0);
	ck_ok(bridge_subnet_choose(&other, "default", &super, 1, NULL, 0, &theirs, &unit_err));
	ck_assert_uint_ne(mine.addr, theirs.addr);
}
END_TEST

/* A whole supernet, one after the other: each /24 once, in order and around, from the same place.
 */
START_TEST(goes_up_and_around)
{
	struct ip4_prefix super = parsed("10.64.0.0/16"), first;
	struct bridge_taken used[256];

	first = chosen("default", "10.64.0.0/16", NULL, 0);
	for (uint32_t i = 0; i < 256; i++) {
		struct ip4_prefix p = chosen("default", "10.64.0.0/16", used, i);
		uint32_t slice = ((first.addr >> 8) + i) & 255;

		ck_assert_uint_eq(p.len, 24);
		ck_assert_uint_eq(p.addr, super.addr | slice << 8 | 1);
		used[i] = (struct bridge_taken){ .prefix = p };
	}
}
END_TEST

START_TEST(skips_what_is_taken)
{
	/* Half of the supernet in one prefix, and a single host in each other /24 but one. */
	struct bridge_taken used[128];
	size_t n = 0;

	used[n++] = taken("192.168.128.0/17", "route");
	for (uint32_t i = 0; i < 128; i++)
		if (i != 77)
			used[n++] = (struct bridge_taken){
				.prefix = { .addr = 0xc0a80007 + (i << 8), .len = 32 },
			};
	assert_prefix(chosen("default", "192.168.0.0/16", used, n), "192.168.77.1/24");
	assert_prefix(chosen("blue", "192.168.0.0/16", used, n), "192.168.77.1/24");
}
END_TEST

/* The sentence says what stood in the way last. */
START_TEST(exhausted)
{
	const struct bridge_taken used[] = { taken("10.64.0.0/17", "route 10.64.0.0/17 dev eth0"),
					     taken("10.64.128.0/17", "network 'blue'") };
	struct ip4_prefix super = parsed("10.64.0.0/16"), p = { 42, 7 };
	struct err err;
	int rc = bridge_subnet_choose(&key, "default", &super, 1, used, 2, &p, &err);

	ck_assert_int_eq(rc, -EADDRNOTAVAIL);
	ck_assert_str_eq(err.text,
			 "every /24 of the supernet is in use, the last by network 'blue'");
	ck_assert_uint_eq(p.addr, 42);
	ck_assert_uint_eq(p.len, 7);
}
END_TEST

/* --- several supernets --- */

START_TEST(uses_all_supernets)
{
	/* 1 + 4 + 2 /24s; the second /25 has none. */
	static const char *const supers[] = { "10.0.7.0/24", "10.1.0.0/25", "10.2.0.0/22",
					      "192.168.2.0/23" };
	static const char *const order[] = { "10.0.7.1/24",   "10.2.0.1/24", "10.2.1.1/24",
					     "10.2.2.1/24",   "10.2.3.1/24", "192.168.2.1/24",
					     "192.168.3.1/24" };
	struct bridge_taken used[ARRAY_SIZE(order)];
	struct ip4_prefix super[ARRAY_SIZE(supers)], p;
	size_t start = ARRAY_SIZE(order);

	for (size_t i = 0; i < ARRAY_SIZE(supers); i++)
		super[i] = parsed(supers[i]);
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		ck_ok(bridge_subnet_choose(&key, "default", super, ARRAY_SIZE(super), used, i, &p,
					   &unit_err));
		used[i] = (struct bridge_taken){ .prefix = p };
		for (size_t j = 0; i == 0 && j < ARRAY_SIZE(order); j++)
			if (parsed(order[j]).addr == p.addr)
				start = j;
		ck_assert_uint_lt(start, ARRAY_SIZE(order));
		assert_prefix(p, order[(start + i) % ARRAY_SIZE(order)]);
	}
	ck_assert_int_eq(bridge_subnet_choose(&key, "default", super, ARRAY_SIZE(super), used,
					      ARRAY_SIZE(used), &p, NULL),
			 -EADDRNOTAVAIL);
}
END_TEST

START_TEST(too_small)
{
	struct ip4_prefix super[] = { parsed("10.0.0.0/25"), parsed("10.1.0.0/30") }, p;
	struct err err;

	for (size_t n = 0; n <= 2; n++) {
		ck_assert_int_eq(bridge_subnet_choose(&key, "a", super, n, NULL, 0, &p, &err),
				 -EADDRNOTAVAIL);
		ck_assert_str_eq(err.text, "no supernet is as large as a /24");
	}
}
END_TEST

/* A supernet with bits behind its prefix is still that supernet. */
START_TEST(ignores_the_host_part)
{
	struct ip4_prefix a = chosen("default", "10.64.0.0/10", NULL, 0);
	struct ip4_prefix b = chosen("default", "10.77.1.2/10", NULL, 0);

	ck_assert_uint_eq(a.addr, b.addr);
}
END_TEST

/* In the order of the supernets, whatever the network is called. */
START_TEST(next_is_the_lowest)
{
	const struct ip4_prefix super[] = { parsed("10.9.0.0/23"), parsed("10.8.0.0/16") };
	const struct bridge_taken used[] = { taken("10.9.0.128/25", "a"), taken("10.9.1.0/24", "b"),
					     taken("10.8.0.7/32", "c") };
	static const char *const want[] = { "10.9.0.1/24", "10.9.1.1/24", "10.8.0.1/24",
					    "10.8.1.1/24" };
	struct ip4_prefix p;

	for (size_t n = 0; n < ARRAY_SIZE(want); n++) {
		ck_ok(bridge_subnet_next(super, 2, used, n, &p, &unit_err));
		assert_prefix(p, want[n]);
	}
	ck_assert_int_eq(bridge_subnet_next(super, 1, used, 2, &p, &unit_err), -EADDRNOTAVAIL);
	ck_assert_str_eq(unit_err.text, "every /24 of the supernet is in use, the last by b");
	ck_assert_int_eq(bridge_subnet_next(super, 0, used, 0, &p, &unit_err), -EADDRNOTAVAIL);
}
END_TEST

UNIT_SUITE(bridge_subnet)
{
	tcase_add_loop_test(tc, clash, 0, ARRAY_SIZE(clashes));
	tcase_add_test(tc, clash_of_nothing);
	tcase_add_loop_test(tc, golden_choice, 0, ARRAY_SIZE(golden));
	tcase_add_test(tc, depends_on_the_key);
	tcase_add_test(tc, goes_up_and_around);
	tcase_add_test(tc, skips_what_is_taken);
	tcase_add_test(tc, exhausted);
	tcase_add_test(tc, uses_all_supernets);
	tcase_add_test(tc, too_small);
	tcase_add_test(tc, ignores_the_host_part);
	tcase_add_test(tc, next_is_the_lowest);
}

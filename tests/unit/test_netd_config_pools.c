/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pool of a network as its configuration says: ranges, what is left out, stages. */
#include "config_kit.h"

static const struct {
	const char *keys, *subnet;
	uint32_t size;
	const char *in, *out[3];
} pools[] = {
	{ "", "10.77.0.1/24", 253, "10.77.0.254", { "10.77.0.0", "10.77.0.1", "10.77.0.255" } },
	{ "", "10.77.0.9/24", 253, "10.77.0.1", { "10.77.0.0", "10.77.0.9", "10.77.0.255" } },
	{ "", "10.77.0.2/30", 1, "10.77.0.1", { "10.77.0.0", "10.77.0.2", "10.77.0.3" } },
	{ "", "10.64.0.1/12", (1 << 20) - 3, "10.79.255.254", { "10.64.0.1", "10.79.255.255" } },
	{ "subnet = 10.77.0.1/24 range = 10.77.0.50-10.77.0.199",
	  "10.77.0.1/24",
	  150,
	  "10.77.0.199",
	  { "10.77.0.49", "10.77.0.200", "10.77.0.1" } },
	{ "subnet = 10.77.0.60/24 range = 10.77.0.50-10.77.0.199",
	  "10.77.0.60/24",
	  149,
	  "10.77.0.61",
	  { "10.77.0.60", "10.77.0.49" } },
	{ "subnet = 10.77.0.50/24 range = { 10.77.0.50-10.77.0.59, 10.77.0.7 }",
	  "10.77.0.50/24",
	  10,
	  "10.77.0.7",
	  { "10.77.0.50", "10.77.0.8" } },
	{ "subnet = 10.77.0.1/24 range = 10.77.0.0-10.77.0.255",
	  "10.77.0.1/24",
	  253,
	  "10.77.0.2",
	  { "10.77.0.0", "10.77.0.1", "10.77.0.255" } },
	{ "subnet = 10.77.0.1/24 exclude = { 10.77.0.9, 10.77.0.0-10.77.0.3, 10.77.0.254 }",
	  "10.77.0.1/24",
	  249,
	  "10.77.0.4",
	  { "10.77.0.3", "10.77.0.9", "10.77.0.254" } },
	{ "subnet = 10.77.0.1/24 range = { 10.77.0.10-10.77.0.19, 10.77.0.30-10.77.0.39 } "
	  "exclude = 10.77.0.19-10.77.0.30 grow = 10.77.0.20-10.77.0.29",
	  "10.77.0.1/24",
	  18,
	  "10.77.0.31",
	  { "10.77.0.19", "10.77.0.30", "10.77.0.25" } },
	{ "subnet = 10.77.0.1/24 range = 10.77.0.10 exclude = 10.77.0.10",
	  "10.77.0.1/24",
	  0,
	  NULL,
	  { "10.77.0.10" } },
	{ "subnet = 10.77.0.1/24 range = 10.77.0.1", "10.77.0.1/24", 0, NULL, { "10.77.0.1" } },
	{ "subnet = 10.77.0.1/24 range = 10.77.0.255", "10.77.0.1/24", 0, NULL, { "10.77.0.255" } },
	{ "subnet = 10.0.0.1/8 range = 10.1.0.0-10.15.255.255",
	  "10.0.0.1/8",
	  15 << 16,
	  "10.1.0.0",
	  { "10.0.255.255", "10.16.0.0" } },
};

static uint32_t address(const char *text)
{
	uint32_t addr;

	ck_assert(ip4_parse(text, &addr));
	return addr;
}

static struct dhcp_pool *pool_of(const char *keys, const char *subnet, int rc, struct err *err)
{
	CLEAN_CONFIG struct config *c = NULL;
	struct dhcp_pool *pool = NULL;
	struct ip4_prefix p;
	char text[2400];

	snprintf(text, sizeof(text), IN_NETWORK("%s"), keys);
	c = config_must_read(text);
	ck_assert(ip4_prefix_parse(subnet, &p));
	ck_assert_int_eq(config_pool(&c->network[0], p, &pool, err), rc);
	return pool;
}

START_TEST(pool)
{
	struct dhcp_pool *p = pool_of(pools[_i].keys, pools[_i].subnet, 0, NULL);

	ck_assert_uint_eq(dhcp_pool_size(p), pools[_i].size);
	ck_assert_uint_eq(dhcp_pool_used(p), 0);
	if (pools[_i].in)
		ck_assert(dhcp_pool_contains(p, address(pools[_i].in)));
	for (unsigned i = 0; i < 3 && pools[_i].out[i]; i++)
		ck_assert(!dhcp_pool_contains(p, address(pools[_i].out[i])));
	dhcp_pool_free(p);
}
END_TEST

START_TEST(pool_too_large)
{
	struct err err;

	ck_assert_ptr_null(pool_of("", "10.64.0.1/11", -E2BIG, &err));
	ck_assert_str_eq(err.text, "its pool has more than 2^20 addresses; set a range");
}
END_TEST

/* As many as there may be, each of 16 addresses. */
static size_t many(char *to, const char *key, unsigned third, const char *from, const char *last)
{
	size_t len = (size_t)sprintf(to, "%s = { ", key);

	for (unsigned i = 0; i < CONFIG_LIST_MAX; i++)
		len += (size_t)sprintf(to + len, "10.77.%u.%s-10.77.%u.%s%s", third + i, from,
				       third + i, last, i < CONFIG_LIST_MAX - 1 ? ", " : " } ");
	return len;
}

/* And the gateway and each exclusion cut one in two. */
START_TEST(pool_of_many_ranges)
{
	struct dhcp_pool *p;
	char keys[2048];
	size_t len = (size_t)sprintf(keys, "subnet = 10.77.15.8/16 ");

	len += many(keys + len, "range", 0, "1", "16");
	len += many(keys + len, "grow", 100, "1", "16");
	many(keys + len, "exclude", 100, "8", "9");
	p = pool_of(keys, "10.77.15.8/16", 0, NULL);
	ck_assert_uint_eq(dhcp_pool_size(p), 30 * CONFIG_LIST_MAX - 1);
	ck_assert_uint_eq(dhcp_pool_open(p), 16 * CONFIG_LIST_MAX - 1);
	ck_assert(!dhcp_pool_contains(p, address("10.77.15.8")));
	ck_assert(dhcp_pool_is_open(p, address("10.77.15.16")));
	for (unsigned i = 1; i <= CONFIG_LIST_MAX; i++) {
		ck_assert(dhcp_pool_grow(p));
		ck_assert_uint_eq(dhcp_pool_open(p), 16 * CONFIG_LIST_MAX - 1 + 14 * i);
	}
	ck_assert(!dhcp_pool_grow(p));
	ck_assert(!dhcp_pool_contains(p, address("10.77.115.8")));
	ck_assert(dhcp_pool_is_open(p, address("10.77.115.10")));
	dhcp_pool_free(p);
}
END_TEST

/* In the order that they are written in; an empty one is one all the same. */
START_TEST(pool_that_grows)
{
	struct dhcp_pool *p = pool_of("subnet = 10.77.0.1/24 range = 10.77.0.50-10.77.0.59 grow = "
				      "{ 10.77.0.200-10.77.0.219, 10.77.0.1, 10.77.0.2-10.77.0.6 } "
				      "exclude = 10.77.0.205",
				      "10.77.0.1/24", 0, NULL);
	static const uint32_t open[] = { 10, 29, 29, 34 };

	for (unsigned i = 0; i < ARRAY_SIZE(open); i++) {
		ck_assert_uint_eq(dhcp_pool_grown(p), i);
		ck_assert_uint_eq(dhcp_pool_open(p), open[i]);
		ck_assert_int_eq(dhcp_pool_is_open(p, address("10.77.0.219")), i > 0);
		ck_assert_int_eq(dhcp_pool_is_open(p, address("10.77.0.2")), i > 2);
		ck_assert_int_eq(dhcp_pool_grow(p), i < 3);
	}
	dhcp_pool_free(p);
}
END_TEST

UNIT_SUITE(netd_config_pools)
{
	scratch_use(tc);
	tcase_add_loop_test(tc, pool, 0, ARRAY_SIZE(pools));
	tcase_add_test(tc, pool_too_large);
	tcase_add_test(tc, pool_of_many_ranges);
	tcase_add_test(tc, pool_that_grows);
}

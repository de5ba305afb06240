/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/ip4.h"
#include "unit.h"

static const struct {
	const char *text;
	bool good;
	uint32_t addr;
} addresses[] = {
	{ "0.0.0.0", true, 0 },
	{ "10.77.0.1", true, 0x0a4d0001 },
	{ "255.255.255.255", true, 0xffffffff },
	{ "127.0.0.1", true, 0x7f000001 },
	{ "", false, 0 },
	{ "10", false, 0 },
	{ "10.77.1", false, 0 },
	{ "10.77.0.", false, 0 },
	{ "10.77.0.1.2", false, 0 },
	{ "10.77.0.256", false, 0 },
	{ "10.77.0.01", false, 0 },
	{ "0x0a.77.0.1", false, 0 },
	{ "10.77.0.-1", false, 0 },
	{ " 10.77.0.1", false, 0 },
	{ "10.77.0.1 ", false, 0 },
	{ "10..0.1", false, 0 },
	{ "::ffff:10.77.0.1", false, 0 },
	{ "localhost", false, 0 },
};

START_TEST(address)
{
	char text[IP4_TEXT_SIZE];
	uint32_t addr = 42;

	ck_assert(ip4_parse(addresses[_i].text, &addr) == addresses[_i].good);
	ck_assert_uint_eq(addr, addresses[_i].good ? addresses[_i].addr : 42);
	if (addresses[_i].good)
		ck_assert_str_eq(ip4_text(addr, text), addresses[_i].text);
}
END_TEST

static const struct {
	const char *text;
	bool good;
	uint32_t addr;
	uint8_t len;
} prefixes[] = {
	{ "10.77.0.1/24", true, 0x0a4d0001, 24 },
	{ "0.0.0.0/0", true, 0, 0 },
	{ "255.255.255.255/32", true, 0xffffffff, 32 },
	{ "10.64.0.0/10", true, 0x0a400000, 10 },
	{ "10.77.0.1", false, 0, 0 },
	{ "10.77.0.1/", false, 0, 0 },
	{ "/24", false, 0, 0 },
	{ "", false, 0, 0 },
	{ "10.77.0.1/33", false, 0, 0 },
	{ "10.77.0.1/-1", false, 0, 0 },
	{ "10.77.0.1/+24", false, 0, 0 },
	{ "10.77.0.1/ 24", false, 0, 0 },
	{ "10.77.0.1/24 ", false, 0, 0 },
	{ "10.77.0.1/2a", false, 0, 0 },
	{ "10.77.0.1/24/24", false, 0, 0 },
	{ "10.77.0.1/18446744073709551640", false, 0, 0 },
	{ "10.77.0/24", false, 0, 0 },
	{ "255.255.255.2555/24", false, 0, 0 },
	{ "1111111111111111111111111/24", false, 0, 0 },
};

START_TEST(prefix)
{
	struct ip4_prefix p = { 42, 7 };
	char text[IP4_PREFIX_TEXT_SIZE];
	bool good = prefixes[_i].good;

	ck_assert(ip4_prefix_parse(prefixes[_i].text, &p) == good);
	ck_assert_uint_eq(p.addr, good ? prefixes[_i].addr : 42);
	ck_assert_uint_eq(p.len, good ? prefixes[_i].len : 7);
	if (good)
		ck_assert_str_eq(ip4_prefix_text(p, text), prefixes[_i].text);
}
END_TEST

static struct ip4_prefix parsed(const char *text)
{
	struct ip4_prefix p;

	ck_assert(ip4_prefix_parse(text, &p));
	return p;
}

static const struct {
	const char *prefix, *network, *broadcast;
} ends[] = {
	{ "10.77.0.1/24", "10.77.0.0/24", "10.77.0.255/24" },
	{ "10.77.3.9/30", "10.77.3.8/30", "10.77.3.11/30" },
	{ "10.77.3.9/31", "10.77.3.8/31", "10.77.3.9/31" },
	{ "10.77.3.9/32", "10.77.3.9/32", "10.77.3.9/32" },
	{ "10.77.3.9/9", "10.0.0.0/9", "10.127.255.255/9" },
	{ "200.1.2.3/1", "128.0.0.0/1", "255.255.255.255/1" },
	{ "200.1.2.3/0", "0.0.0.0/0", "255.255.255.255/0" },
};

START_TEST(network_and_broadcast)
{
	struct ip4_prefix p = parsed(ends[_i].prefix);

	ck_assert_uint_eq(ip4_network(p), parsed(ends[_i].network).addr);
	ck_assert_uint_eq(ip4_broadcast(p), parsed(ends[_i].broadcast).addr);
}
END_TEST

START_TEST(masks)
{
	for (uint8_t len = 0; len <= 32; len++) {
		uint32_t bits = 0;

		for (uint8_t i = 0; i < len; i++)
			bits |= 0x80000000u >> i;
		ck_assert_uint_eq(ip4_mask(len), bits);
	}
}
END_TEST

static const struct {
	const char *prefix, *addr;
	bool within;
} members[] = {
	{ "10.77.0.1/24", "10.77.0.0", true },	  { "10.77.0.1/24", "10.77.0.255", true },
	{ "10.77.0.1/24", "10.77.1.0", false },	  { "10.77.0.1/24", "10.76.255.255", false },
	{ "10.77.0.1/32", "10.77.0.1", true },	  { "10.77.0.1/32", "10.77.0.0", false },
	{ "0.0.0.0/0", "255.255.255.255", true }, { "128.0.0.0/1", "127.255.255.255", false },
};

START_TEST(within)
{
	uint32_t addr;

	ck_assert(ip4_parse(members[_i].addr, &addr));
	ck_assert(ip4_within(parsed(members[_i].prefix), addr) == members[_i].within);
}
END_TEST

static const struct {
	const char *a, *b;
	bool overlap;
} pairs[] = {
	{ "10.77.0.1/24", "10.77.0.200/24", true },  { "10.77.0.1/24", "10.77.1.1/24", false },
	{ "10.77.0.1/24", "10.77.0.9/32", true },    { "10.77.0.1/24", "10.64.0.0/10", true },
	{ "10.128.0.1/24", "10.64.0.0/10", false },  { "0.0.0.0/0", "10.77.0.1/32", true },
	{ "10.77.0.0/25", "10.77.0.128/25", false }, { "10.77.0.0/31", "10.77.0.1/32", true },
	{ "10.77.0.0/32", "10.77.0.1/32", false },
};

START_TEST(overlap)
{
	struct ip4_prefix a = parsed(pairs[_i].a), b = parsed(pairs[_i].b);

	ck_assert(ip4_overlap(a, b) == pairs[_i].overlap);
	ck_assert(ip4_overlap(b, a) == pairs[_i].overlap);
	ck_assert(ip4_overlap(a, a));
}
END_TEST

UNIT_SUITE(base_ip4)
{
	tcase_add_loop_test(tc, address, 0, ARRAY_SIZE(addresses));
	tcase_add_loop_test(tc, prefix, 0, ARRAY_SIZE(prefixes));
	tcase_add_loop_test(tc, network_and_broadcast, 0, ARRAY_SIZE(ends));
	tcase_add_test(tc, masks);
	tcase_add_loop_test(tc, within, 0, ARRAY_SIZE(members));
	tcase_add_loop_test(tc, overlap, 0, ARRAY_SIZE(pairs));
}

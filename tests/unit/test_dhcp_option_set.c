/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configured options: a sorted set that owns what is in it. */
#include "dhcp_kit.h"

CLEANUP_DEFINE(set, struct dhcp_option_set, dhcp_option_set_free)
#define CLEAN_SET CLEANUP(cleanup_set)

static struct dhcp_option_set *new_set(void)
{
	struct dhcp_option_set *s;

	ck_ok(dhcp_option_set_new(&s));
	return s;
}

static void expect(const struct dhcp_option_set *s, uint8_t code, const void *data, size_t len)
{
	size_t got_len = 9999;
	const uint8_t *got = dhcp_option_set_get(s, code, &got_len);

	ck_assert_int_eq(got != NULL, data != NULL);
	ck_assert_uint_eq(got_len, data ? len : 9999);
	if (data && len)
		ck_assert_mem_eq(got, data, len);
}

START_TEST(no_set)
{
	uint8_t code = 7;

	expect(NULL, 6, NULL, 0);
	ck_assert(!dhcp_option_set_nth(NULL, 0, &code));
	ck_assert_uint_eq(code, 7);
	dhcp_option_set_free(NULL);
}
END_TEST

START_TEST(empty_set)
{
	struct dhcp_option_set *s CLEAN_SET = new_set();
	uint8_t code = 7;

	expect(s, 6, NULL, 0);
	ck_assert(!dhcp_option_set_nth(s, 0, &code));
	ck_assert_uint_eq(code, 7);
}
END_TEST

START_TEST(copies)
{
	struct dhcp_option_set *s CLEAN_SET = new_set();
	char value[] = "web";

	ck_ok(dhcp_option_set_put(s, 12, value, 3));
	value[0] = 'x';
	expect(s, 12, "web", 3);
	expect(s, 11, NULL, 0);
	expect(s, 13, NULL, 0);
}
END_TEST

START_TEST(replaces)
{
	struct dhcp_option_set *s CLEAN_SET = new_set();
	uint8_t code;

	ck_ok(dhcp_option_set_put(s, 12, "first", 5));
	ck_ok(dhcp_option_set_put(s, 12, "", 0));
	expect(s, 12, "", 0);
	ck_ok(dhcp_option_set_put(s, 12, "second", 6));
	expect(s, 12, "second", 6);
	ck_assert(dhcp_option_set_nth(s, 0, &code));
	ck_assert(!dhcp_option_set_nth(s, 1, &code));
}
END_TEST

/* An option without octets, like rapid commit, is there all the same. */
START_TEST(zero_length)
{
	struct dhcp_option_set *s CLEAN_SET = new_set();

	ck_ok(dhcp_option_set_put(s, 80, NULL, 0));
	expect(s, 80, "", 0);
}
END_TEST

static const struct {
	size_t len;
	int rc;
} lengths[] = { { 1, 0 }, { 255, 0 }, { 256, 0 }, { 65535, 0 }, { 65536, -EINVAL } };

START_TEST(long_value)
{
	static uint8_t value[65536];
	struct dhcp_option_set *s CLEAN_SET = new_set();

	for (size_t i = 0; i < sizeof(value); i++)
		value[i] = (uint8_t)(i * 3 + 1);
	ck_ok(dhcp_option_set_put(s, 43, "before", 6));
	ck_assert_int_eq(dhcp_option_set_put(s, 43, value, lengths[_i].len), lengths[_i].rc);
	if (lengths[_i].rc)
		expect(s, 43, "before", 6);
	else
		expect(s, 43, value, lengths[_i].len);
}
END_TEST

/* Every code, put in this order: the n-th is always the n-th. */
static void check_order(const struct dhcp_option_set *s, const bool there[256])
{
	unsigned n = 0;
	uint8_t got;

	for (unsigned code = 0; code < 256; code++) {
		if (!there[code])
			continue;
		kit_must(dhcp_option_set_nth(s, n++, &got));
		kit_must(got == code);
	}
	ck_assert(!dhcp_option_set_nth(s, n, &got));
}

START_TEST(every_code_in_any_order)
{
	struct kit_random r = { (uint64_t)_i + 1 };
	struct dhcp_option_set *s CLEAN_SET = new_set();
	bool there[256] = { 0 };
	uint8_t value[256][4] = { { 0 } };

	for (unsigned round = 0; round < 1000; round++) {
		uint8_t code = (uint8_t)kit_random(&r);

		for (unsigned i = 0; i < 4; i++)
			value[code][i] = (uint8_t)kit_random(&r);
		there[code] = true;
		ck_ok(dhcp_option_set_put(s, code, value[code], sizeof(value[code])));
		check_order(s, there);
	}
	for (unsigned code = 0; code < 256; code++)
		expect(s, (uint8_t)code, there[code] ? value[code] : NULL, 4);
}
END_TEST

UNIT_SUITE(dhcp_option_set)
{
	tcase_add_test(tc, no_set);
	tcase_add_test(tc, empty_set);
	tcase_add_test(tc, copies);
	tcase_add_test(tc, replaces);
	tcase_add_test(tc, zero_length);
	tcase_add_loop_test(tc, long_value, 0, ARRAY_SIZE(lengths));
	tcase_add_loop_test(tc, every_code_in_any_order, 0, 4);
}

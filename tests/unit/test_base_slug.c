/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names made of any text. The hashes are fixed: allocations are found again by them. */
#include "base/slug.h"
#include "bridge.h"
#include "unit.h"

#define LONG64 "0123456789012345678901234567890123456789012345678901234567890123"
#define LONG54 "012345678901234567890123456789012345678901234567890123"

static const struct {
	const char *text, *name;
} names[] = {
	{ "web1", "web1" },
	{ "a.b_c-d", "a.b_c-d" },
	{ LONG54 "012345678", LONG54 "012345678" },
	{ "web shop", "web_shop-" },
	{ "web_shop", "web_shop" },
	{ "-web", "web-" },
	{ "w\xc3\xa4", "w__-" },
	{ LONG64, LONG54 "-" },
	{ "", "x" },
	{ "///", "x" },
};

START_TEST(name)
{
	const char *want = names[_i].name;
	char got[NAME_SIZE];

	slug_name(names[_i].text, got, sizeof(got));
	ck_assert_ptr_null(bridge_name_refusal(got));
	if (!strcmp(names[_i].text, want)) {
		ck_assert_str_eq(got, want);
		return;
	}
	ck_assert_uint_eq(strlen(got), strlen(want) + 8);
	ck_assert(!strncmp(got, want, strlen(want)));
}
END_TEST

START_TEST(hashes_stay)
{
	char got[NAME_SIZE];

	slug_name("web shop", got, sizeof(got));
	ck_assert_str_eq(got, "web_shop-c57008d8");
}
END_TEST

UNIT_SUITE(base_slug)
{
	tcase_add_loop_test(tc, name, 0, ARRAY_SIZE(names));
	tcase_add_test(tc, hashes_stay);
}

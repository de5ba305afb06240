/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

START_TEST(sets)
{
	struct err err;

	ck_assert_int_eq(err_set(&err, EEXIST, "port %s/%d", "web1", 0), -EEXIST);
	ck_assert_str_eq(err.text, "port web1/0");
}
END_TEST

START_TEST(adds_the_systems_words)
{
	struct err err;

	ck_assert_int_eq(err_sys(&err, EBUSY, "cannot join bridge %s", "nd-default"), -EBUSY);
	ck_assert_str_eq(err.text, "cannot join bridge nd-default: Device or resource busy");
}
END_TEST

START_TEST(wraps_outwards)
{
	struct err err;
	int rc = err_sys(&err, EBUSY, "cannot join bridge nd-default");

	rc = err_wrap(&err, rc, "port %s/%d", "web1", 0);
	rc = err_wrap(&err, rc, "network '%s'", "default");
	ck_assert_int_eq(rc, -EBUSY);
	ck_assert_str_eq(err.text, "network 'default': port web1/0: cannot join bridge nd-default: "
				   "Device or resource busy");
}
END_TEST

/* Every caller may do without the sentence. */
START_TEST(of_nobody)
{
	ck_assert_int_eq(err_set(NULL, EEXIST, "x"), -EEXIST);
	ck_assert_int_eq(err_sys(NULL, EBUSY, "x"), -EBUSY);
	ck_assert_int_eq(err_wrap(NULL, -EIO, "x"), -EIO);
}
END_TEST

/* Puts `head` characters in front of a full text; all is cut at the end, none of it written
 * behind it. */
static void fill_and_wrap(size_t head)
{
	struct {
		struct err err;
		char guard;
	} e = { .guard = 0x55 };
	char x[1000], y[1000];
	size_t most = sizeof(e.err.text) - 1;

	memset(x, 'x', sizeof(x));
	memset(y, 'y', sizeof(y));
	err_set(&e.err, EIO, "%.*s", (int)sizeof(y), y);
	ck_assert_uint_eq(strlen(e.err.text), most);
	err_wrap(&e.err, -EIO, "%.*s", (int)head, x);
	ck_assert_uint_eq(strlen(e.err.text), most);
	ck_assert_int_eq(e.guard, 0x55);
	ck_assert_uint_eq(strspn(e.err.text, "x"), head < most ? head : most);
	if (head + 2 < most)
		ck_assert_mem_eq(e.err.text + head, ": y", 3);
}

START_TEST(cuts_what_is_too_long)
{
	static const size_t heads[] = { 1, 100, 476, 477, 478, 479, 480, 1000 };

	for (size_t i = 0; i < ARRAY_SIZE(heads); i++)
		fill_and_wrap(heads[i]);
}
END_TEST

START_TEST(cuts_the_systems_words)
{
	struct err err;
	char x[sizeof(err.text)];

	memset(x, 'x', sizeof(x));
	ck_assert_int_eq(err_sys(&err, EIO, "%.*s", 475, x), -EIO);
	ck_assert_str_eq(err.text + 475, ": In");
	ck_assert_int_eq(err_sys(&err, EIO, "%.*s", (int)sizeof(x), x), -EIO);
	ck_assert_uint_eq(strlen(err.text), sizeof(err.text) - 1);
}
END_TEST

/* Text of a user inside the arguments is no format. */
START_TEST(arguments_are_no_format)
{
	struct err err;

	err_set(&err, EINVAL, "%s", "%n%s%d");
	err_wrap(&err, -EINVAL, "%s", "100%");
	ck_assert_str_eq(err.text, "100%: %n%s%d");
}
END_TEST

UNIT_SUITE(base_err)
{
	tcase_add_test(tc, sets);
	tcase_add_test(tc, adds_the_systems_words);
	tcase_add_test(tc, wraps_outwards);
	tcase_add_test(tc, of_nobody);
	tcase_add_test(tc, cuts_what_is_too_long);
	tcase_add_test(tc, cuts_the_systems_words);
	tcase_add_test(tc, arguments_are_no_format);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mac.h"
#include "unit.h"

static const struct {
	const char *text, *canonical; /* canonical NULL: refused */
} rows[] = {
	{ "52:54:00:12:34:56", "52:54:00:12:34:56" },
	{ "AA:bB:0c:D:e:0F", "aa:bb:0c:0d:0e:0f" },
	{ "52-54-00-12-34-56", "52:54:00:12:34:56" },
	{ "52:54-00:12:34:56", NULL },
	{ "", NULL },
	{ "52:54:00:12:34", NULL },
	{ "52:54:00:12:34:56:78", NULL },
	{ "52:54:00:12:34:567", NULL },
	{ "52:54:00:12:34:", NULL },
	{ ":54:00:12:34:56", NULL },
	{ "52::00:12:34:56", NULL },
	{ "52:54:00:12:34:5g", NULL },
	{ " 52:54:00:12:34:56", NULL },
	{ "52:54:00:12:34:56 ", NULL },
	{ "525400123456", NULL },
};

START_TEST(parse)
{
	char text[MAC_TEXT_SIZE];
	struct mac m;

	ck_assert_int_eq(mac_parse(rows[_i].text, &m), rows[_i].canonical != NULL);
	if (rows[_i].canonical)
		ck_assert_str_eq(mac_text(&m, text), rows[_i].canonical);
}
END_TEST

static const struct {
	const char *text;
	bool assignable;
} refusals[] = {
	{ "52:54:00:12:34:56", true },	{ "02:00:00:00:00:01", true },
	{ "00:00:00:00:00:00", false }, { "ff:ff:ff:ff:ff:ff", false },
	{ "01:80:c2:00:00:00", false }, { "33:33:00:00:00:01", false },
	{ "01:00:5e:00:00:01", false }, { "00:00:5e:00:01:07", false },
	{ "00:00:5e:00:02:07", false }, { "00:00:5e:00:03:07", true },
	{ "fe:54:00:12:34:56", false }, { "fd:54:00:12:34:56", false },
};

START_TEST(refusal)
{
	struct mac m;

	ck_assert(mac_parse(refusals[_i].text, &m));
	ck_assert_int_eq(mac_refusal(&m) == NULL, refusals[_i].assignable);
}
END_TEST

START_TEST(host_side)
{
	char text[MAC_TEXT_SIZE];
	struct mac m;

	ck_assert(mac_parse("52:54:00:12:34:56", &m));
	m = mac_host_side(&m);
	ck_assert_str_eq(mac_text(&m, text), "fe:54:00:12:34:56");
}
END_TEST

UNIT_SUITE(mac_text)
{
	tcase_add_loop_test(tc, parse, 0, ARRAY_SIZE(rows));
	tcase_add_loop_test(tc, refusal, 0, ARRAY_SIZE(refusals));
	tcase_add_test(tc, host_side);
}

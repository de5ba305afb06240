/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Host names that clients send, made harmless (RFC 1123 2.1). */
#include "dhcp_kit.h"

#define A10 "aaaaaaaaaa"
#define A62 A10 A10 A10 A10 A10 A10 "aa"
#define A63 A62 "a"

/* The array's own NUL is not part of what was sent. */
#define SENT(s) s, sizeof(s) - 1

static const struct {
	const char *sent;
	size_t len;
	const char *clean;
} rows[] = {
	{ SENT("web1"), "web1" },
	{ SENT("WEB-1.Example.COM"), "web-1.example.com" },
	{ SENT("web1\0"), "web1" },
	{ SENT("web1\0\0"), "web1" },
	{ SENT("web1\0evil"), "web1" },
	{ SENT("\0web1"), "" },
	{ SENT(""), "" },
	{ SENT("."), "" },
	{ SENT("..."), "" },
	{ SENT("-"), "" },
	{ SENT("--.-"), "" },
	{ SENT("web1."), "web1" },
	{ SENT(".web1"), "web1" },
	{ SENT("a..b"), "a.b" },
	{ SENT("-a-.-b-"), "a.b" },
	{ SENT("a-b--c"), "a-b--c" },
	{ SENT("a_b c"), "abc" },
	{ SENT("../../etc/passwd"), "etcpasswd" },
	{ SENT("/"), "" },
	{ SENT("$(reboot)"), "reboot" },
	{ SENT("`id`;x|y&z"), "idxyz" },
	{ SENT("a\nb\r\tc"), "abc" },
	{ SENT("%n%s%x"), "nsx" },
	{ SENT("\x1b[31mred\x1b[0m"), "31mred0m" },
	{ SENT("\xc3\xa9t\xc3\xa9"), "t" },
	{ SENT("\xff\xfe\x80"), "" },
	{ SENT("\"'\\<>"), "" },
	{ SENT("!@#$%^&*()"), "" },
	{ SENT(A63), A63 },
	{ SENT(A63 "b"), A63 },
	{ SENT(A63 "bcd.e"), A63 ".e" },
	{ SENT(A62 "-b"), A62 },
	{ SENT(A63 "." A63 "." A63 "." A10 A10 A10 A10 A10 A10 "a"),
	  A63 "." A63 "." A63 "." A10 A10 A10 A10 A10 A10 "a" },
	{ SENT(A63 "." A63 "." A63 "." A62), A63 "." A63 "." A63 },
	{ SENT(A63 "." A63 "." A63 "." A62 ".b"), A63 "." A63 "." A63 ".b" },
};

static const char *clean(const char *sent, size_t len, char buf[DHCP_NAME_SIZE])
{
	uint8_t *exact CLEAN_FREE = kit_copy(sent, len);

	memset(buf, 'x', DHCP_NAME_SIZE);
	return dhcp_name_clean(exact, len, buf);
}

START_TEST(t_dhcp_020)
{
	char buf[DHCP_NAME_SIZE];

	ck_assert_ptr_eq(clean(rows[_i].sent, rows[_i].len, buf), buf);
	ck_assert_str_eq(buf, rows[_i].clean);
}
END_TEST

START_TEST(every_octet)
{
	for (unsigned c = 0; c < 256; c++) {
		bool upper = c >= 'A' && c <= 'Z';
		bool kept = upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
		char buf[DHCP_NAME_SIZE], sent = (char)c;

		clean(&sent, 1, buf);
		ck_assert_uint_eq(strlen(buf), kept);
		if (kept)
			ck_assert_int_eq(buf[0], upper ? (char)(c + 32) : (char)c);
	}
}
END_TEST

static bool harmless(const char *name)
{
	size_t label = 0;

	if (!*name)
		return true;
	for (const char *c = name; *c; c++) {
		bool edge = c == name || c[-1] == '.' || c[1] == '.' || !c[1];

		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-.", *c) ||
		    (edge && (*c == '-' || *c == '.')))
			return false;
		label = *c == '.' ? 0 : label + 1;
		if (label > 63)
			return false;
	}
	return strlen(name) <= 253;
}

/* Octets that are mostly of a name, and otherwise anything. */
static char random_octet(struct kit_random *r)
{
	static const char some[] = "abzAZ09--..";

	return (char)(kit_below(r, 8) ? (uint8_t)some[kit_below(r, sizeof(some) - 1)] :
					(uint8_t)(1 + kit_below(r, 255)));
}

START_TEST(whatever_is_sent)
{
	struct kit_random r = { (uint64_t)_i + 1 };

	for (unsigned round = 0; round < 2000; round++) {
		char sent[600], buf[DHCP_NAME_SIZE], again[DHCP_NAME_SIZE];
		size_t len = kit_below(&r, kit_below(&r, 2) ? 20 : sizeof(sent));

		for (size_t i = 0; i < len; i++)
			sent[i] = kit_below(&r, 4) || len < 100 ? random_octet(&r) : 'a';
		clean(sent, len, buf);
		ck_assert_msg(harmless(buf), "'%s'", buf);
		ck_assert_str_eq(clean(buf, strlen(buf), again), buf);
	}
}
END_TEST

UNIT_SUITE(dhcp_name)
{
	tcase_add_loop_test(tc, t_dhcp_020, 0, ARRAY_SIZE(rows));
	tcase_add_test(tc, every_octet);
	tcase_add_loop_test(tc, whatever_is_sent, 0, 4);
}

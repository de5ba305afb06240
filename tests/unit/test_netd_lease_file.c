/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What netdctl import understands of other DHCP servers' files. */
#include <string.h>

#include "ctl.h"
#include "unit.h"

static struct lease_file f;

static void parse(const char *text)
{
	const char *why = NULL;

	ck_assert_msg(lease_file_parse(text, strlen(text), &f, &why), "%s", why);
}

static void done(void)
{
	lease_file_done(&f);
}

static void check(size_t i, unsigned number, const char *mac, const char *address,
		  const char *guest)
{
	const struct lease_entry *e = &f.entry[i];

	ck_assert_uint_lt(i, f.entries);
	ck_assert_uint_eq(e->number, number);
	ck_assert_ptr_null(e->mistake);
	ck_assert_str_eq(e->mac, mac);
	ck_assert_str_eq(e->address, address);
	ck_assert_str_eq(e->guest, guest);
}

START_TEST(dnsmasq)
{
	parse("1700003600 52:54:00:12:34:56 192.168.122.45 web1 01:52:54:00:12:34:56\n"
	      "0 52:54:00:12:34:57 192.168.122.46 * *\n"
	      "\n"
	      "duid 00:01:00:01:2c:a1:b2:c3:52:54:00:aa:bb:cc\n"
	      "1700003600 1193046 fd00::1f0 web1 00:01\n"
	      "1700003600 T1193046 fd00::1f1 * 00:01\n");
	ck_assert(!f.json);
	ck_assert_uint_eq(f.entries, 2);
	ck_assert_uint_eq(f.skipped, 2);
	check(0, 1, "52:54:00:12:34:56", "192.168.122.45", "web1");
	check(1, 2, "52:54:00:12:34:57", "192.168.122.46", "");
}
END_TEST

START_TEST(last_line_without_an_end)
{
	parse("\n0 52:54:00:12:34:57 192.168.122.46 a.b-c_d *");
	ck_assert_uint_eq(f.entries, 1);
	check(0, 2, "52:54:00:12:34:57", "192.168.122.46", "a.b-c_d");
}
END_TEST

static const char *const mistakes[] = {
	"x",
	"0 52:54:00:12:34:57 192.168.122.46 *",
	"0 52:54:00:12:34:57 192.168.122.46 * * *",
	"never 52:54:00:12:34:57 192.168.122.46 * *",
	"-1 52:54:00:12:34:57 192.168.122.46 * *",
	"0 06-52:54:00:12:34:57 192.168.122.46 * *",
	"0 52:54:00:12:34 192.168.122.46 * *",
	"0 52:54:00:12:34:57:58 192.168.122.46 * *",
	"0 52:54:00:12:34:5g 192.168.122.46 * *",
	"0 52:54:00:12:34:57 192.168.122 * *",
	"0 52:54:00:12:34:57 192.168.122.256 * *",
	"0 52:54:00:12:34:57 fd00::1 * *",
};

/* A line that is none is said to be, and those around it are taken. */
START_TEST(mistake)
{
	char text[256];

	snprintf(text, sizeof(text), "0 52:54:00:00:00:01 10.0.0.1 a *\n%s\n%s", mistakes[_i],
		 "0 52:54:00:00:00:03 10.0.0.3 c *\n");
	parse(text);
	ck_assert_uint_eq(f.entries, 3);
	check(0, 1, "52:54:00:00:00:01", "10.0.0.1", "a");
	ck_assert_uint_eq(f.entry[1].number, 2);
	ck_assert_ptr_nonnull(f.entry[1].mistake);
	check(2, 3, "52:54:00:00:00:03", "10.0.0.3", "c");
}
END_TEST

/* A host name that can be no guest's is left out. */
START_TEST(names)
{
	static const char *const bad[] = {
		"_x",
		"-x",
		".x",
		"a/b",
		"a\tb",
		"\xc3\xa4",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	};
	char text[256];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(text, sizeof(text), "0 52:54:00:00:00:01 10.0.0.1 %s *\n", bad[i]);
		parse(text);
		check(0, 1, "52:54:00:00:00:01", "10.0.0.1", "");
		done();
	}
}
END_TEST

START_TEST(libvirt)
{
	parse("[ { \"ip-address\": \"192.168.122.45\", \"mac-address\": \"52:54:00:12:34:56\","
	      " \"hostname\": \"web1\", \"client-id\": \"01:52\", \"expiry-time\": 1700003600 },"
	      " { \"iaid\": \"7\", \"ip-address\": \"fd00::1\", \"expiry-time\": 1 },"
	      " { \"ip-address\": \"192.168.122.46\", \"mac-address\": \"52:54:00:12:34:57\" },"
	      " { \"ip-address\": \"192.168.122.47\" }, 7 ]");
	ck_assert(f.json);
	ck_assert_uint_eq(f.entries, 4);
	ck_assert_uint_eq(f.skipped, 1);
	check(0, 1, "52:54:00:12:34:56", "192.168.122.45", "web1");
	check(1, 3, "52:54:00:12:34:57", "192.168.122.46", "");
	ck_assert_ptr_nonnull(f.entry[2].mistake);
	ck_assert_ptr_nonnull(f.entry[3].mistake);
}
END_TEST

START_TEST(empty)
{
	static const char *const texts[] = { "", "\n", " \n\n", "[]", "\n[ ]\n" };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		parse(texts[i]);
		ck_assert_uint_eq(f.entries + f.skipped, 0);
	}
}
END_TEST

START_TEST(broken_list)
{
	static const char text[] = "[ { \"ip-address\": ";
	const char *why = NULL;

	ck_assert(!lease_file_parse(text, strlen(text), &f, &why));
	ck_assert_str_eq(why, "it begins like a list in JSON, and is none");
	ck_assert_ptr_null(f.entry);
}
END_TEST

UNIT_SUITE(netd_lease_file)
{
	tcase_add_checked_fixture(tc, NULL, done);
	tcase_add_test(tc, dnsmasq);
	tcase_add_test(tc, last_line_without_an_end);
	tcase_add_loop_test(tc, mistake, 0, ARRAY_SIZE(mistakes));
	tcase_add_test(tc, names);
	tcase_add_test(tc, libvirt);
	tcase_add_test(tc, empty);
	tcase_add_test(tc, broken_list);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/ip4.h"
#include "resolv.h"
#include "unit.h"

#define X60 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X240 X60 X60 X60 X60

enum { MOST = 3 };

static const struct {
	const char *text;
	const char *servers[MOST];
} files[] = {
	{ "", { NULL } },
	{ "nameserver 1.1.1.1\n", { "1.1.1.1" } },
	{ "nameserver 1.1.1.1", { "1.1.1.1" } },
	{ "# by hand\nsearch example.com\nnameserver 9.9.9.9\noptions ndots:2\nnameserver 1.1.1.1\n",
	  { "9.9.9.9", "1.1.1.1" } },
	{ "  nameserver\t 1.1.1.1 \t\n", { "1.1.1.1" } },
	{ "nameserver 1.1.1.1 # the first\n", { "1.1.1.1" } },
	{ "nameserver 1.1.1.1\r\nnameserver 2.2.2.2\r\n", { "1.1.1.1", "2.2.2.2" } },

	/* stubs, which no guest can reach */
	{ "nameserver 127.0.0.53\n", { NULL } },
	{ "nameserver 127.255.0.1\nnameserver 0.0.0.0\nnameserver 8.8.8.8\n", { "8.8.8.8" } },

	/* not ours to hand out, or nothing at all */
	{ "nameserver 2606:4700:4700::1111\nnameserver fe80::1%eth0\nnameserver ::1\n", { NULL } },
	{ "nameserver 1.1.1\nnameserver 256.1.1.1\nnameserver dns.example\nnameserver\n",
	  { NULL } },
	{ "nameserver\n1.1.1.1\n", { NULL } },
	{ "#nameserver 1.1.1.1\n; nameserver 1.1.1.1\nNameserver 1.1.1.1\n", { NULL } },
	{ "xnameserver 1.1.1.1\nnameservers 1.1.1.1\n", { NULL } },
	{ "nameserver1.1.1.1\n", { NULL } },
	{ "nameserver 1.1.1.1x\n", { NULL } },
	{ "nameserver 192.168.100.1004\n", { NULL } },
	{ "nameserver 1111111111111111111111\n", { NULL } },

	/* no more than were asked for */
	{ "nameserver 1.1.1.1\nnameserver 127.0.0.1\nnameserver 2.2.2.2\nnameserver 3.3.3.3\n"
	  "nameserver 4.4.4.4\n",
	  { "1.1.1.1", "2.2.2.2", "3.3.3.3" } },

	/* what is far out in a long line does not begin one */
	{ "search xxxxxxxx" X240 "nameserver 6.6.6.6\nnameserver 1.1.1.1\n", { "1.1.1.1" } },
	{ "# xxxxxxxxxxxx " X240 " nameserver 6.6.6.6\nnameserver 1.1.1.1\n", { "1.1.1.1" } },
	{ "# xxxxxxxxxxxx " X240 X240 " nameserver 6.6.6.6\n", { NULL } },
};

START_TEST(reads)
{
	const char *text = files[_i].text;
	CLEAN_FILE FILE *in = fmemopen((void *)text, strlen(text) + !*text, "r");
	uint32_t servers[MOST + 1] = { 0, 0, 0, 42 };
	unsigned n = resolv_read(in, servers, MOST), expected = 0;
	char buf[IP4_TEXT_SIZE];

	for (; expected < MOST && files[_i].servers[expected]; expected++)
		ck_assert_str_eq(ip4_text(servers[expected], buf), files[_i].servers[expected]);
	ck_assert_uint_eq(n, expected);
	ck_assert_uint_eq(servers[MOST], 42);
}
END_TEST

/* At every place where a buffer could end. */
START_TEST(reads_behind_a_line_of_any_length)
{
	char text[600];
	uint32_t server;

	for (int len = 0; len < 540; len++) {
		CLEAN_FILE FILE *in = NULL;

		snprintf(text, sizeof(text), "#%0*d nameserver 6.6.6.6\nnameserver 1.1.1.1", len,
			 0);
		in = fmemopen(text, strlen(text), "r");
		ck_assert_uint_eq(resolv_read(in, &server, 1), 1);
		ck_assert_uint_eq(server, 0x01010101);
	}
}
END_TEST

START_TEST(asked_for_none)
{
	char text[] = "nameserver 1.1.1.1\n";
	CLEAN_FILE FILE *in = fmemopen(text, strlen(text), "r");

	ck_assert_uint_eq(resolv_read(in, NULL, 0), 0);
}
END_TEST

UNIT_SUITE(netd_resolv)
{
	tcase_add_loop_test(tc, reads, 0, ARRAY_SIZE(files));
	tcase_add_test(tc, reads_behind_a_line_of_any_length);
	tcase_add_test(tc, asked_for_none);
}

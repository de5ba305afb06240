/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Blocks `rate`: what they are read as, how they are printed, and what is said of mistakes. */
#include "config_kit.h"

static const struct {
	const char *text;
	uint64_t bits;
	const char *printed;
} rates[] = {
	{ "8kbit", 8000, "8kbit" },
	{ "1000kbit", 1000000, "1mbit" },
	{ "1500kbit", 1500000, "1500kbit" },
	{ "100mbit", 100000000, "100mbit" },
	{ "2000mbit", 2000000000, "2gbit" },
	{ "400gbit", 400000000000, "400gbit" },
	{ "unlimited", CONFIG_RATE_UNLIMITED, "unlimited" },
};

START_TEST(rate)
{
	CLEAN_FREE char *printed = NULL;
	CLEAN_CONFIG struct config *c = NULL;
	char text[96];

	snprintf(text, sizeof(text), IN_NETWORK("rate { in = %s }"), rates[_i].text);
	c = config_must_read(text);
	ck_assert_uint_eq(c->network[0].rate.in, rates[_i].bits);
	ck_assert_uint_eq(c->network[0].rate.out, 0);
	printed = config_printed(c);
	snprintf(text, sizeof(text), "\trate {\n\t\tin = %s\n\t}\n", rates[_i].printed);
	ck_assert_msg(strstr(printed, text) != NULL, "%s", printed);
}
END_TEST

START_TEST(which_one)
{
	CLEAN_CONFIG struct config *c =
		config_must_read(IN_NETWORK("rate { in = 1mbit  out = 2mbit  burst = 3kb }\n"
					    "host a { rate { out = 4mbit } }\n"
					    "host b { rate { in = unlimited  burst = 5mb } }"));
	const struct config_network *n = &c->network[0];
	struct config_rate r = config_rate_of(n, NULL);

	ck_assert(r.in == 1000000 && r.out == 2000000 && r.burst == 3000);
	r = config_rate_of(n, config_host_find(n, "a"));
	ck_assert(r.in == 1000000 && r.out == 4000000 && r.burst == 3000);
	r = config_rate_of(n, config_host_find(n, "b"));
	ck_assert(r.in == 0 && r.out == 2000000 && r.burst == 5000000);
}
END_TEST

#define NO_RATE(text)                                                                              \
	":2: in: '" text "' is not a rate from 8kbit to 400gbit like 100mbit, or unlimited"
#define NO_SIZE(text) ":2: burst: '" text "' is not a size from 2kb to 1000mb like 256kb"

static const struct {
	const char *text, *sentence;
} mistakes[] = {
	{ IN_NETWORK("rate { in = 100 }"), NO_RATE("100") },
	{ IN_NETWORK("rate { in = mbit }"), NO_RATE("mbit") },
	{ IN_NETWORK("rate { in = -1mbit }"), NO_RATE("-1mbit") },
	{ IN_NETWORK("rate { in = 1Mbit }"), NO_RATE("1Mbit") },
	{ IN_NETWORK("rate { in = 1.5mbit }"), NO_RATE("1.5mbit") },
	{ IN_NETWORK("rate { in = 7kbit }"), NO_RATE("7kbit") },
	{ IN_NETWORK("rate { in = 0mbit }"), NO_RATE("0mbit") },
	{ IN_NETWORK("rate { in = 401gbit }"), NO_RATE("401gbit") },
	{ IN_NETWORK("rate { in = 18446744073709551615gbit }"),
	  NO_RATE("18446744073709551615gbit") },
	{ IN_NETWORK("rate { in = 99999999999999999999mbit }"),
	  NO_RATE("99999999999999999999mbit") },
	{ IN_NETWORK("rate { burst = 1kb }"), NO_SIZE("1kb") },
	{ IN_NETWORK("rate { burst = 1001mb }"), NO_SIZE("1001mb") },
	{ IN_NETWORK("rate { burst = 64000 }"), NO_SIZE("64000") },
	{ IN_NETWORK("rate { speed = 1mbit }"), ":2: no such option 'speed'" },
	{ IN_NETWORK("rate { in = 1mbit in = 2mbit }"), ":2: 'in' is set twice" },
	{ IN_NETWORK("rate { in = 1mbit }\nrate { out = 1mbit }"),
	  ":3: there are two blocks 'rate'" },
	{ IN_NETWORK("host b { match-mac = 2:0:0:0:0:9\nrate { in = 1mbit } }"),
	  ":3: rate: it is for guests; 'b' is a client's reservation" },
	{ "rate { in = 1mbit }", ":1: no such option 'rate'" },
};

START_TEST(mistake)
{
	config_must_refuse(mistakes[_i].text, mistakes[_i].sentence);
}
END_TEST

UNIT_SUITE(netd_config_rate)
{
	scratch_use(tc);
	tcase_add_loop_test(tc, rate, 0, ARRAY_SIZE(rates));
	tcase_add_test(tc, which_one);
	tcase_add_loop_test(tc, mistake, 0, ARRAY_SIZE(mistakes));
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of links are how netd finds its own after a restart, so they are golden; marks come from
 * the kernel, where anybody with enough privilege can write one. */
#include "bridge.h"
#include "unit.h"

#define X60 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct {
	const char *name, *refusal;
} names[] = {
	{ "a", NULL },
	{ "7", NULL },
	{ "web1", NULL },
	{ "Web_1.example-com", NULL },
	{ "a..b--c__", NULL },
	{ X60 "xxx", NULL },
	{ "", "it is empty" },
	{ X60 "xxxx", "it is longer than 63 characters" },
	{ "-a", "it does not begin with a letter or digit" },
	{ ".a", "it does not begin with a letter or digit" },
	{ "..", "it does not begin with a letter or digit" },
	{ "_a", "it does not begin with a letter or digit" },
	{ "\xc3\xa4", "it does not begin with a letter or digit" },
	{ "a b", "it has other characters than letters, digits, '.', '_' and '-'" },
	{ "a/b", "it has other characters than letters, digits, '.', '_' and '-'" },
	{ "a:b", "it has other characters than letters, digits, '.', '_' and '-'" },
	{ "a\n", "it has other characters than letters, digits, '.', '_' and '-'" },
	{ "a\x1b[31m", "it has other characters than letters, digits, '.', '_' and '-'" },
	{ "a\xc3\xa4", "it has other characters than letters, digits, '.', '_' and '-'" },
	{ "a%n", "it has other characters than letters, digits, '.', '_' and '-'" },
};

START_TEST(name_refusal)
{
	const char *why = bridge_name_refusal(names[_i].name);

	if (names[_i].refusal) {
		ck_assert_ptr_nonnull(why);
		ck_assert_str_eq(why, names[_i].refusal);
	} else {
		ck_assert_ptr_null(why);
	}
}
END_TEST

/* --- bridges --- */

static const struct {
	const char *network, *link;
} links[] = {
	{ "a", "nd-a" },
	{ "default", "nd-default" },
	{ "twelve-chars", "nd-twelve-chars" },
	{ "thirteen-char", "nd-thirtee-dhfn" },
	{ "thirteen-chas", "nd-thirtee-46cw" },
	{ X60 "xxx", "nd-xxxxxxx-ssw1" },
};

START_TEST(link_name)
{
	char link[LINK_NAME_SIZE];

	bridge_link_name(links[_i].network, link);
	ck_assert_str_eq(link, links[_i].link);
}
END_TEST

/* --- ports --- */

static const struct siphash_key key = { "0123456789abcdef" };

/* Computed by another implementation. */
static const struct {
	const char *network, *guest;
	uint32_t nic;
	unsigned attempt;
	const char *link;
} ports[] = {
	{ "default", "web1", 0, 0, "ntz702y572f0a6" },
	{ "default", "web1", 0, 1, "nt5jdw1j62n87q" },
	{ "default", "web1", 1, 0, "ntz5w57x7w43wy" },
	{ "default", "web2", 0, 0, "ntsavmex79mfvr" },
	{ "other", "web1", 0, 0, "nttba42g4wnrsz" },
	{ "default", X60 "xxx", 4294967295, 63, "ntf905rkcswen3" },
};

START_TEST(port_name)
{
	char link[LINK_NAME_SIZE];

	bridge_port_name(&key, ports[_i].network, ports[_i].guest, ports[_i].nic, ports[_i].attempt,
			 link);
	ck_assert_str_eq(link, ports[_i].link);
}
END_TEST

/* Fourteen characters that the kernel takes (net/core/dev.c dev_valid_name), whatever the hash. */
START_TEST(port_name_is_valid)
{
	for (uint32_t nic = 0; nic < 1000; nic++) {
		char link[LINK_NAME_SIZE];

		bridge_port_name(&key, "default", "web1", nic, 0, link);
		ck_assert_uint_eq(strlen(link), 14);
		ck_assert_uint_eq(strspn(link, "0123456789abcdefghjkmnpqrstvwxyz"), 14);
		ck_assert_mem_eq(link, "nt", 2);
	}
}
END_TEST

START_TEST(port_name_is_keyed)
{
	static const struct siphash_key other = { "1123456789abcdef" };
	char mine[LINK_NAME_SIZE], theirs[LINK_NAME_SIZE];

	bridge_port_name(&key, "default", "web1", 0, 0, mine);
	bridge_port_name(&other, "default", "web1", 0, 0, theirs);
	ck_assert_str_ne(mine, theirs);
}
END_TEST

/* Names that would read the same one after the other. */
START_TEST(port_names_do_not_run_together)
{
	char one[LINK_NAME_SIZE], two[LINK_NAME_SIZE];

	bridge_port_name(&key, "ab", "c", 0, 0, one);
	bridge_port_name(&key, "a", "bc", 0, 0, two);
	ck_assert_str_ne(one, two);
}
END_TEST

START_TEST(port_altname)
{
	char altname[LINK_ALTNAME_SIZE];

	bridge_port_altname("web1", 0, altname);
	ck_assert_str_eq(altname, "web1.0");
	bridge_port_altname(X60 "xxx", UINT32_MAX, altname);
	ck_assert_str_eq(altname, X60 "xxx.4294967295");
}
END_TEST

/* --- marks --- */

static const struct {
	const char *alias, *network, *guest;
	uint32_t nic;
} marks[] = {
	{ "netd:default", "default", "", 0 },
	{ "netd:default/web1/0", "default", "web1", 0 },
	{ "netd:a.b_c-d/Web-1/63", "a.b_c-d", "Web-1", 63 },
	{ "netd:0/0/4294967295", "0", "0", UINT32_MAX },
	{ "netd:" X60 "xxx/" X60 "xxx/4294967295", X60 "xxx", X60 "xxx", UINT32_MAX },
};

START_TEST(mark_round_trip)
{
	struct bridge_mark m = { .nic = marks[_i].nic }, back;
	char alias[LINK_ALIAS_SIZE];

	memcpy(m.network, marks[_i].network, strlen(marks[_i].network));
	memcpy(m.guest, marks[_i].guest, strlen(marks[_i].guest));
	bridge_mark_format(&m, alias);
	ck_assert_str_eq(alias, marks[_i].alias);
	memset(&back, 0x55, sizeof(back));
	ck_assert(bridge_mark_parse(alias, &back));
	ck_assert_str_eq(back.network, marks[_i].network);
	ck_assert_str_eq(back.guest, marks[_i].guest);
	ck_assert_uint_eq(back.nic, marks[_i].nic);
}
END_TEST

static const char *const hostile[] = {
	"",
	"n",
	"netd",
	"netd:",
	"Netd:default",
	" netd:default",
	"xnetd:default",
	"netd: default",
	"netd:default ",
	"netd:default\n",
	"netd:/",
	"netd://",
	"netd:///",
	"netd:/web1/0",
	"netd:default/",
	"netd:default/web1",
	"netd:default/web1/",
	"netd:default//0",
	"netd:default/web1/x",
	"netd:default/web1/-1",
	"netd:default/web1/+1",
	"netd:default/web1/ 1",
	"netd:default/web1/1 ",
	"netd:default/web1/1x",
	"netd:default/web1/0x1",
	"netd:default/web1/00",
	"netd:default/web1/01",
	"netd:default/web1/1/",
	"netd:default/web1/1/2",
	"netd:default/web1/4294967296",
	"netd:default/web1/18446744073709551616",
	"netd:default/web1/99999999999999999999999999999999999999",
	"netd:../../etc/passwd/0",
	"netd:default/../0",
	"netd:default/web 1/0",
	"netd:default/-web1/0",
	"netd:default/web1\x1b[31m/0",
	"netd:d\xc3\xa4/web1/0",
	"netd:" X60 "xxxx",
	"netd:" X60 "xxxx/web1/0",
	"netd:default/" X60 "xxxx/0",
	"netd:" X60 X60 X60 X60 "xxxxxxxxxx",
	"netd:default/" X60 X60 X60 X60 "xx",
	"netd:%n/%s/0",
};

START_TEST(mark_that_is_none)
{
	struct bridge_mark m, untouched;

	memset(&m, 0x55, sizeof(m));
	untouched = m;
	ck_assert(!bridge_mark_parse(hostile[_i], &m));
	ck_assert_mem_eq(&m, &untouched, sizeof(m));
}
END_TEST

/* Every truncation of a mark is either none, or another whole mark. */
START_TEST(mark_cut_off)
{
	static const char whole[] = "netd:default/web1/12";

	for (size_t len = 0; len < sizeof(whole) - 1; len++) {
		CLEAN_FREE char *cut = strndup(whole, len); /* exact, for the sanitizer */
		char again[LINK_ALIAS_SIZE];
		struct bridge_mark m;

		if (!bridge_mark_parse(cut, &m))
			continue;
		bridge_mark_format(&m, again);
		ck_assert_str_eq(again, cut);
	}
}
END_TEST

UNIT_SUITE(bridge_names)
{
	tcase_add_loop_test(tc, name_refusal, 0, ARRAY_SIZE(names));
	tcase_add_loop_test(tc, link_name, 0, ARRAY_SIZE(links));
	tcase_add_loop_test(tc, port_name, 0, ARRAY_SIZE(ports));
	tcase_add_test(tc, port_name_is_valid);
	tcase_add_test(tc, port_name_is_keyed);
	tcase_add_test(tc, port_names_do_not_run_together);
	tcase_add_test(tc, port_altname);
	tcase_add_loop_test(tc, mark_round_trip, 0, ARRAY_SIZE(marks));
	tcase_add_loop_test(tc, mark_that_is_none, 0, ARRAY_SIZE(hostile));
	tcase_add_test(tc, mark_cut_off);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules, groups and the keys of who reaches whom: what they are read as, how they are printed, and
 * what is said of mistakes in them. */
#include <netinet/in.h>
#include <sys/stat.h>

#include "config_kit.h"

#define IN_HOST(text) IN_NETWORK("host web1 {\n" text "\n}")

/* --- the words of a rule --- */

static const struct {
	const char *written, *printed;
} rules[] = {
	{ "allow in any", "allow in any" },
	{ "deny out any", "deny out any" },
	{ "allow in tcp", "allow in tcp" },
	{ "allow in tcp:22", "allow in tcp:22" },
	{ "allow in udp:1-65535", "allow in udp:1-65535" },
	{ "allow in tcp:022-022", "allow in tcp:22" },
	{ "allow in 6:22,80-90,7", "allow in tcp:22,80-90,7" },
	{ "allow in icmp", "allow in icmp" },
	{ "allow in 1", "allow in icmp" },
	{ "deny in 47", "deny in 47" },
	{ "deny in 255", "deny in 255" },
	{ "allow in any from any", "allow in any" },
	{ "allow in any from 192.0.2.1", "allow in any from 192.0.2.1" },
	{ "allow in any from 192.0.2.1/32", "allow in any from 192.0.2.1" },
	{ "allow in any from 0.0.0.0/0", "allow in any from 0.0.0.0/0" },
	{ "allow out tcp:443 to 203.0.113.0/24", "allow out tcp:443 to 203.0.113.0/24" },
	{ "allow out any to network a", "allow out any to network a" },
	{ "allow in any from group web", "allow in any from group web" },
	{ "allow in any from group network", "allow in any from group network" },
	{ " \t allow\n in\n\n any  ", "allow in any" },
	{ "allow in # a comment }\n any /* from } 192.0.2.1 */ // x\n", "allow in any" },
	{ "allow in tcp:1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16",
	  "allow in tcp:1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16" },
	{ "allow in tcp:10001-20001,10002-20002,10003-20003,10004-20004,10005-20005,10006-20006,"
	  "10007-20007,10008-20008,10009-20009,10010-20010,10011-20011,10012-20012,10013-20013,"
	  "10014-20014,10015-20015,10016-20016 from group "
	  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
	  "allow in tcp:10001-20001,10002-20002,10003-20003,10004-20004,10005-20005,10006-20006,"
	  "10007-20007,10008-20008,10009-20009,10010-20010,10011-20011,10012-20012,10013-20013,"
	  "10014-20014,10015-20015,10016-20016 from group "
	  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" },
};

#define GROUPS                                                                                     \
	"group web { } group network { }\n"                                                        \
	"group xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx { }\n"

/* Printed as expected, and read back the same. */
START_TEST(rule)
{
	static const char *const brace[] = { "rule {", "rule{", "rule\n{", "rule /* x */ {" };
	char text[1024], want[512], got[CONFIG_RULE_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(brace); i++) {
		struct config *c;
		char *printed;

		snprintf(text, sizeof(text), GROUPS "network a {\nmode = nat %s%s}\n}\n", brace[i],
			 rules[_i].written);
		c = config_must_read(text);
		ck_assert_uint_eq(c->network[0].rules.n, 1);
		ck_assert_str_eq(config_rule_text(&c->network[0].rules.at[0], got),
				 rules[_i].printed);
		printed = config_printed(c);
		snprintf(want, sizeof(want), "\trule { %s }\n", rules[_i].printed);
		ck_assert_ptr_nonnull(strstr(printed, want));
		config_free(c);
		c = config_must_read(printed);
		ck_assert_str_eq(config_rule_text(&c->network[0].rules.at[0], got),
				 rules[_i].printed);
		config_free(c);
		free(printed);
	}
}
END_TEST

START_TEST(reads_a_rule)
{
	CLEAN_CONFIG struct config *c = config_must_read(
		"group x { }\ngroup web { }\nnetwork a {\nrule { deny out udp:53,100-200 to 10.0.0.0/8 }\n"
		"\nrule {\n\tallow in any from group web\n}\n rule { allow in 47 } }\n");
	const struct config_rule *r = c->network[0].rules.at;

	ck_assert_uint_eq(c->network[0].rules.n, 3);
	ck_assert(!r[0].nft.allow && r[0].nft.out);
	ck_assert_uint_eq(r[0].nft.service.protocol, IPPROTO_UDP);
	ck_assert_uint_eq(r[0].nft.service.ports, 2);
	ck_assert_uint_eq(r[0].nft.service.port[0].last, 53);
	ck_assert_uint_eq(r[0].nft.service.port[1].first, 100);
	ck_assert_uint_eq(r[0].nft.service.port[1].last, 200);
	ck_assert_int_eq(r[0].nft.peer, NFT_PEER_PREFIX);
	ck_assert_uint_eq(r[0].nft.prefix.addr, 0x0a000000);
	ck_assert_uint_eq(r[0].nft.prefix.len, 8);
	ck_assert(r[1].nft.allow && !r[1].nft.out);
	ck_assert_int_eq(r[1].nft.peer, NFT_PEER_GROUP);
	ck_assert_uint_eq(r[1].nft.group, 2);
	ck_assert_int_eq(r[2].nft.peer, NFT_PEER_ANY);
	ck_assert_uint_eq(r[2].nft.service.protocol, 47);
	ck_assert_int_eq(r[0].place.line, 4);
	ck_assert_int_eq(r[1].place.line, 6);
	ck_assert_int_eq(r[2].place.line, 9);
}
END_TEST

/* What only looks like one: titles and values are left alone, and lines stay right behind rules. */
START_TEST(other_rules)
{
	CLEAN_CONFIG struct config *c = config_must_read(
		"network rule { host rule { hostname = rule rule { allow in any } }\n"
		"	class rule { arch = 1 } group rule { rule { deny in any } }\n"
		"	domain = rule rule { allow\n\nout any } range = { } }\n"
		"network 'a' { host b { } } network b { reach = { rule } rule {\ndeny in any }\n}\n");
	const struct config_network *n = &c->network[0];

	ck_assert_str_eq(n->name, "rule");
	ck_assert_str_eq(n->domain, "rule");
	ck_assert_str_eq(n->host[0].name, "rule");
	ck_assert_str_eq(n->host[0].hostname, "rule");
	ck_assert_uint_eq(n->host[0].rules.n, 1);
	ck_assert_uint_eq(n->groups.at[0].rules.n, 1);
	ck_assert_uint_eq(n->rules.n, 1);
	ck_assert_int_eq(n->rules.at[0].place.line, 3);
	ck_assert_int_eq(c->network[1].place.line, 6);
	ck_assert_str_eq(c->network[2].reach.at[0], "rule");
	ck_assert_int_eq(c->network[2].rules.at[0].place.line, 6);
	ck_assert_int_eq(c->network[2].place.line, 6);
}
END_TEST

/* --- numbers of groups and policies --- */

START_TEST(numbers)
{
	CLEAN_CONFIG struct config *c = config_must_read(
		"group web { } group db { }\n"
		"network a { group db { } group x { }\n"
		"  host h1 { groups = { web } } host h2 { } host h3 { groups = { web, db } }\n"
		"  host h4 { groups = { web } } host h5 { groups = { web } rule { deny in any } }\n"
		"  host h6 { groups = { db, web } } host h7 { groups = { web } } }\n"
		"network b { group x { } host h1 { groups = { x, db } } host h2 { groups = { web } } }\n");
	const struct config_host *a = c->network[0].host, *b = c->network[1].host;

	ck_assert_uint_eq(c->groups.at[1].number, 2);
	ck_assert_uint_eq(c->network[0].groups.at[0].number, 3);
	ck_assert_uint_eq(c->network[1].groups.at[0].number, 5);
	ck_assert_uint_eq(a[0].groups.number[0], 1);
	ck_assert_uint_eq(a[2].groups.number[1], 3); /* the network's own */
	ck_assert_uint_eq(b[0].groups.number[0], 5);
	ck_assert_uint_eq(b[0].groups.number[1], 2);
	ck_assert_uint_eq(a[0].policy, 1);
	ck_assert_uint_eq(a[1].policy, 0);
	ck_assert_uint_eq(a[2].policy, 2);
	ck_assert_uint_eq(a[3].policy, 1); /* nothing tells it from the first */
	ck_assert_uint_eq(a[4].policy, 3);
	ck_assert_uint_eq(a[5].policy, 4); /* another order */
	ck_assert_uint_eq(a[6].policy, 1);
	ck_assert_uint_eq(b[0].policy, 5);
	ck_assert_uint_eq(b[1].policy, 6); /* another network's rules come behind */
}
END_TEST

START_TEST(routes)
{
	CLEAN_CONFIG struct config *c = config_must_read(
		"network a { mode = isolated reach = b } network b { mode = isolated }\n"
		"network c { mode = isolated } network d { }\n");
	static const bool want[] = { true, true, false, true };

	for (unsigned i = 0; i < 4; i++)
		ck_assert_int_eq(config_network_routes(c, &c->network[i]), want[i]);
}
END_TEST

/* --- mistakes --- */

#define RULE(text) IN_NETWORK("rule { " text " }")
#define PROTOCOLS "is not a protocol: tcp, udp, icmp, any or a number from 1 to 255"
#define RANGES "is not a port from 1 to 65535, or a range of them like 8000-8010"
#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct {
	const char *text, *sentence;
} mistakes[] = {
	{ RULE(""), ":2: rule: it says neither allow nor deny" },
	{ IN_NETWORK("rule { # allow in any\n}"), ":2: rule: it says neither allow nor deny" },
	{ RULE("permit in any"), ":2: rule: 'permit' is neither allow nor deny" },
	{ RULE("Allow in any"), ":2: rule: 'Allow' is neither allow nor deny" },
	{ RULE("allow"), ":2: rule: it says neither in nor out" },
	{ RULE("allow tcp:22"), ":2: rule: 'tcp:22' is neither in nor out" },
	{ RULE("allow in"), ":2: rule: it names no protocol" },
	{ RULE("allow in tpc:22"), ":2: rule: 'tpc' " PROTOCOLS },
	{ RULE("allow in 0"), ":2: rule: '0' " PROTOCOLS },
	{ RULE("allow in 256"), ":2: rule: '256' " PROTOCOLS },
	{ RULE("allow in :22"), ":2: rule: '' " PROTOCOLS },
	{ RULE("allow in -1"), ":2: rule: '-1' " PROTOCOLS },
	{ RULE("allow in from"), ":2: rule: 'from' " PROTOCOLS },
	{ RULE("allow in tcp:"), ":2: rule: '' " RANGES },
	{ RULE("allow in tcp:0"), ":2: rule: '0' " RANGES },
	{ RULE("allow in tcp:65536"), ":2: rule: '65536' " RANGES },
	{ RULE("allow in tcp:99999999999999999999"), ":2: rule: '99999999999999999999' " RANGES },
	{ RULE("allow in tcp:http"), ":2: rule: 'http' " RANGES },
	{ RULE("allow in tcp:22,"), ":2: rule: '' " RANGES },
	{ RULE("allow in tcp:22,,80"), ":2: rule: '' " RANGES },
	{ RULE("allow in tcp:22-"), ":2: rule: '22-' " RANGES },
	{ RULE("allow in tcp:-22"), ":2: rule: '-22' " RANGES },
	{ RULE("allow in tcp:1-2-3"), ":2: rule: '1-2-3' " RANGES },
	{ RULE("allow in tcp:22:23"), ":2: rule: '22:23' " RANGES },
	{ RULE("allow in tcp:30-20"), ":2: rule: '30-20' ends before it begins" },
	{ RULE("allow in tcp:1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17"),
	  ":2: rule: more than 16 ports" },
	{ RULE("allow in icmp:8"), ":2: rule: 'icmp:8' has ports, which only tcp and udp have" },
	{ RULE("allow in any:8"), ":2: rule: 'any:8' has ports, which only tcp and udp have" },
	{ RULE("allow in 47:8"), ":2: rule: '47:8' has ports, which only tcp and udp have" },
	{ RULE("allow in any at 10.0.0.0/8"), ":2: rule: 'at' is neither from nor to" },
	{ RULE("allow in any to 10.0.0.0/8"),
	  ":2: rule: 'to' is for rules with out: one with in has from" },
	{ RULE("allow out any from 10.0.0.0/8"),
	  ":2: rule: 'from' is for rules with in: one with out has to" },
	{ RULE("allow in any from"), ":2: rule: it ends behind 'from'" },
	{ RULE("allow out any to"), ":2: rule: it ends behind 'to'" },
	{ RULE("allow in any from 10.0.0.0/33"),
	  ":2: rule: '10.0.0.0/33' is not an address or prefix like 10.0.0.0/8, or network or "
	  "group with a name" },
	{ RULE("allow in any from lan"),
	  ":2: rule: 'lan' is not an address or prefix like 10.0.0.0/8, or network or group with a "
	  "name" },
	{ RULE("allow in any from 2001:db8::/32"),
	  ":2: rule: '2001:db8::/32' is not an address or prefix like 10.0.0.0/8, or network or "
	  "group with a name" },
	{ RULE("allow in any from 10.0.0.1/8"),
	  ":2: rule: '10.0.0.1/8' is not a prefix: that is 10.0.0.0/8" },
	{ RULE("allow in any from 10.0.0.0/8 to"), ":2: rule: 'to' is a word too many" },
	{ RULE("allow in any from network"), ":2: rule: it does not say which network" },
	{ RULE("allow in any from group"), ":2: rule: it does not say which group" },
	{ RULE("allow in any from group /x"), ":2: rule: '/x' is not a name for a group: it does "
					      "not begin with a letter or digit" },
	{ RULE("allow in any from network nowhere"), ":2: rule: there is no network 'nowhere'" },
	{ RULE("allow in any from group web"), ":2: rule: there is no group 'web'" },
	{ "group web { rule { allow in any from group db } }\nnetwork a { group db { } }",
	  ":1: rule: there is no group 'db'" },
	{ IN_NETWORK("group b {\nrule { allow in any\nfrom network c } }"),
	  ":3: rule: there is no network 'c'" },
	{ IN_HOST("mac = 2:0:0:0:0:1\nrule {\nallow in any from\ngroup c }"),
	  ":4: rule: there is no group 'c'" },
	{ RULE("allow in 'any'"), ":2: rule: ''any'' " PROTOCOLS },
	{ RULE("allow in \\any\\"), ":2: rule: '\\any\\' " PROTOCOLS },
	{ RULE("allow in {any"), ":2: rule: '{any' " PROTOCOLS },
	{ RULE("allow in \"any"), ":2: rule: '\"any' " PROTOCOLS },
	{ RULE("allow in \x1f"), ":2: rule: '\\x1f' " PROTOCOLS },
	{ RULE("allow in " X64 X64 X64 X64 X64), ":2: rule: it is longer than 319 characters" },
	{ RULE("allow in " X64 X64 X64 X64),
	  ":2: rule: 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...' is longer than 255 characters" },
	{ "rule { allow in any }", ":1: no such option 'rule'" },
	{ "\nsocket {\nrule { allow in any } }", ":3: no such option 'rule'" },
	{ IN_NETWORK("rule allow { in any }"), ":2: missing equal sign after option 'rule'" },
	{ IN_NETWORK("port x {\nrule { deny\nin any } }"), ":3: no such option 'rule'" },
	/* lines are counted through rules */
	{ IN_NETWORK("rule {\nallow\nin\nany\n}\nmod = nat"), ":7: no such option 'mod'" },
	{ IN_NETWORK("rule { allow in any }\nrule {\n/*\n*/ deny # x\nin any }\nmtu = 1"),
	  ":7: mtu: '1' is not a number from 576 to 65521" },
	{ IN_NETWORK("rule { allow in any }\nrule = { 'deny in any' }"),
	  ":3: 'rule' is set twice" },
	{ "network a {\nrule { allow in any\n", ":2: the file ends inside a rule" },
	{ "network a {\n\nrule {", ":3: the file ends inside a rule" },
	{ "network a {\nrule { allow in any # }\n", ":2: the file ends inside a rule" },
	{ "network a {\nrule { allow in any }\n", ":2: the file ends inside a block" },
	/* groups */
	{ "group web { }\n\ngroup web { }", ":3: found duplicate title 'web'" },
	{ "group 'a b' { }", ":1: 'a b' is not a name for a group: it has other characters than "
			     "letters, digits, '.', '_' and '-'" },
	{ "group a {\nmac = 2:0:0:0:0:1 }", ":2: no such option 'mac'" },
	{ IN_HOST("groups = { web }"), ":3: groups: there is no group 'web'" },
	{ "group web { }\n" IN_HOST("groups = { web,\nweb }"), ":5: groups: 'web' is named twice" },
	{ "network b { group web { } }\n" IN_HOST("groups = web"),
	  ":4: groups: there is no group 'web'" },
	{ IN_HOST("groups = ''"), ":3: groups: '' is not a name: it is empty" },
	{ "group web { }\n" IN_HOST("match-mac = 2:0:0:0:0:1\ngroups = web"),
	  ":5: groups: it is for guests; 'web1' is a client's reservation" },
	{ IN_HOST("match-mac = 2:0:0:0:0:1\nrule { allow in any }"),
	  ":4: rule: it is for guests; 'web1' is a client's reservation" },
	/* networks */
	{ IN_NETWORK("reach = { b }"), ":2: reach: there is no network 'b'" },
	{ IN_NETWORK("mode = nat\nreach = a"), ":3: reach: 'a' is the network itself" },
	{ "network b { }\n" IN_NETWORK("reach = { b, b }"), ":3: reach: 'b' is named twice" },
	{ IN_NETWORK("isolate = perhaps"), ":2: isolate: 'perhaps' is neither on nor off" },
	{ IN_NETWORK("max-connections = -1"),
	  ":2: max-connections: '-1' is not a number from 0 to 1048576" },
	{ IN_NETWORK("max-connections = 1048577"),
	  ":2: max-connections: '1048577' is not a number from 0 to 1048576" },
	{ IN_NETWORK("host-access = { tcp:22,\n80 }"),
	  ":3: host-access: '80' is not a protocol: tcp, udp, icmp or any" },
	{ IN_NETWORK("host-access = tcp:65536"), ":2: host-access: '65536' " RANGES },
	{ IN_NETWORK("host-access = 'tcp:22 tcp:23'"), ":2: host-access: '22 tcp:23' " RANGES },
};

START_TEST(mistake)
{
	config_must_refuse(mistakes[_i].text, mistakes[_i].sentence);
}
END_TEST

/* Of two files, too. */
START_TEST(group_in_two_files)
{
	const char *path = scratch_path("netd.conf");
	char more[200], expected[sizeof(unit_err.text)];
	struct config *c = NULL;
	struct err err;

	scratch_write_text(path, "group web { }\n");
	ck_assert_int_eq(mkdir(scratch_path("networks.d"), 0700), 0);
	snprintf(more, sizeof(more), "%s", scratch_path("networks.d/a.conf"));
	scratch_write_text(more, "\ngroup web { }\n");
	ck_assert_int_eq(config_read(path, false, &c, &err), -EINVAL);
	snprintf(expected, sizeof(expected), "%s:2: group 'web' stands already at %s:1", more,
		 scratch_path("netd.conf"));
	ck_assert_str_eq(err.text, expected);
}
END_TEST

START_TEST(too_many_rules)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct config *c = NULL;
	struct err err;

	fputs("network a {\n", out);
	for (unsigned i = 0; i < 256; i++)
		fputs("rule { allow in any }\n", out);
	fflush(out);
	fputs("}\n", out);
	fflush(out);
	c = config_must_read(text);
	ck_assert_uint_eq(c->network[0].rules.n, 256);
	config_free(c);
	fseek(out, -2, SEEK_CUR);
	fputs("rule { allow in any }\n}\n", out);
	fclose(out);
	scratch_write_text(scratch_path("netd.conf"), text);
	ck_assert_int_eq(config_read(scratch_path("netd.conf"), false, &c, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, ":258: rule: more than 256 rules in a block"));
	free(text);
}
END_TEST

UNIT_SUITE(netd_config_rules)
{
	scratch_use(tc);
	tcase_add_loop_test(tc, rule, 0, ARRAY_SIZE(rules));
	tcase_add_test(tc, reads_a_rule);
	tcase_add_test(tc, other_rules);
	tcase_add_test(tc, numbers);
	tcase_add_test(tc, routes);
	tcase_add_loop_test(tc, mistake, 0, ARRAY_SIZE(mistakes));
	tcase_add_test(tc, group_in_two_files);
	tcase_add_test(tc, too_many_rules);
}

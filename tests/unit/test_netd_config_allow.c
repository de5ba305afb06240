/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How allow blocks, operators and owners are written, and what is said of mistakes. */
#include "config_kit.h"

static const char everything[] =
	"operators = { 27, root }\n"
	"max-clients-per-user = 5 max-waiting-per-user = 4\n"
	"allow { group = 1500 }\n"
	"network a {\n"
	"	subnet = 10.77.0.1/24\n"
	"	allow {\n"
	"		user = { root, 1000 }\n"
	"		group = daemon max-ports = 0 mac-prefix = 52:54:0\n"
	"		devices = { veth, descriptors }\n"
	"		publish = { 8000-8999, 80 }\n"
	"	}\n"
	"	allow { user = 4294967294 }\n"
	"	host web1 { owner = 1000 }\n"
	"	host db { owner = root address = 10.77.0.9 }\n"
	"}\n"
	"network b { host web1 { owner = 1000 } }\n";

START_TEST(reads)
{
	CLEAN_CONFIG struct config *c = config_must_read(everything);
	const struct config_allow *a = c->network[0].allows.at;

	ck_assert_uint_eq(c->operators.n, 2);
	ck_assert_uint_eq(c->operators.at[0].id, 27);
	ck_assert_uint_eq(c->operators.at[1].id, 0);
	ck_assert_uint_eq(c->max_clients_per_user, 5);
	ck_assert_uint_eq(c->max_waiting_per_user, 4);
	ck_assert_uint_eq(c->allows.n, 1);
	ck_assert_uint_eq(c->allows.at[0].groups.at[0].id, 1500);
	ck_assert_uint_eq(c->allows.at[0].max_ports, 64);
	ck_assert_uint_eq(c->allows.at[0].devices, 1);
	ck_assert_int_eq(c->allows.at[0].place.line, 3);
	ck_assert_uint_eq(c->network[0].allows.n, 2);
	ck_assert_uint_eq(c->network[1].allows.n, 0);
	ck_assert_int_eq(a->place.line, 6);
	ck_assert_uint_eq(a->users.n, 2);
	ck_assert_uint_eq(a->users.at[1].id, 1000);
	ck_assert_uint_eq(a->groups.n, 1);
	ck_assert_uint_eq(a->max_ports, 0);
	ck_assert_uint_eq(a->mac_prefix_len, 3);
	ck_assert_mem_eq(a->mac_prefix, "\x52\x54\x00", 3);
	ck_assert_uint_eq(a->devices, 1 | 4);
	ck_assert_uint_eq(a->publishes, 2);
	ck_assert_uint_eq(a->publish[0].last, 8999);
	ck_assert_uint_eq(a->publish[1].first, 80);
}
END_TEST

START_TEST(owners)
{
	CLEAN_CONFIG struct config *c = config_must_read(everything);

	ck_assert_uint_eq(config_owner_find(c, "web1")->uid, 1000);
	ck_assert_uint_eq(config_owner_find(c, "db")->uid, 0);
	ck_assert_ptr_null(config_owner_find(c, "web"));
	ck_assert_ptr_null(config_owner_find(c, "web2"));
	ck_assert_ptr_null(config_owner_find(c, ""));
	ck_assert_ptr_null(config_owner_find(c, "zz"));
}
END_TEST

START_TEST(prints)
{
	static const char *const parts[] = {
		"max-clients-per-user = 5\nmax-waiting-per-user = 4\noperators = { 27, root }\n",
		"}\nallow {\n	group = { 1500 }\n	max-ports = 64\n"
		"	devices = { descriptors }\n}\nnetwork a {\n",
		"	allow {\n		user = { root, 1000 }\n		group = { daemon }\n"
		"		max-ports = 0\n		mac-prefix = 52:54:00\n"
		"		devices = { descriptors, veth }\n"
		"		publish = { 8000-8999, 80 }\n	}\n",
		"	host web1 {\n		owner = 1000\n	}\n",
	};
	CLEAN_CONFIG struct config *c = config_must_read(everything), *again = NULL;
	CLEAN_FREE char *text = config_printed(c), *second = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		ck_assert_msg(strstr(text, parts[i]) != NULL, "%s\nis not in\n%s", parts[i], text);
	again = config_must_read(text);
	second = config_printed(again);
	ck_assert_str_eq(text, second);
}
END_TEST

START_TEST(texts)
{
	CLEAN_CONFIG struct config *c = config_must_read(everything);
	char devices[CONFIG_DEVICES_TEXT], ports[CONFIG_ALLOW_PUBLISH_TEXT];

	ck_assert_str_eq(config_devices_text(0, devices), "");
	ck_assert_str_eq(config_devices_text(7, devices), "descriptors, tap, veth");
	ck_assert_str_eq(config_devices_text(2, devices), "tap");
	ck_assert_str_eq(config_allow_publish_text(&c->allows.at[0], ports), "");
	ck_assert_str_eq(config_allow_publish_text(&c->network[0].allows.at[0], ports),
			 "8000-8999, 80");
}
END_TEST

#define NET "network a {\nsubnet = 10.77.0.1/24\n"
#define IN_ALLOW(text) "allow {\n" text "\n}\n"
#define X70 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct {
	const char *text, *sentence;
} mistakes[] = {
	{ "allow { }", ":1: allow: it has neither user nor group" },
	{ NET "\nallow {\nmax-ports = 3\n}\n}", ":4: allow: it has neither user nor group" },
	{ IN_ALLOW("user = { }"), ":1: allow: it has neither user nor group" },
	{ IN_ALLOW("user = no-such"), ":2: user: there is no user 'no-such'" },
	{ IN_ALLOW("group = no-such"), ":2: group: there is no group 'no-such'" },
	{ IN_ALLOW("user = { root,\nno-such }"), ":3: user: there is no user 'no-such'" },
	{ IN_ALLOW("user = ''"), ":2: user: there is no user ''" },
	{ IN_ALLOW("user = -1"), ":2: user: there is no user '-1'" },
	{ IN_ALLOW("user = 4294967295"), ":2: user: there is no user '4294967295'" },
	{ IN_ALLOW("user = 1x"), ":2: user: there is no user '1x'" },
	{ IN_ALLOW("user = " X70),
	  ":2: user: 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...' is longer than 63 characters" },
	{ IN_ALLOW("user = { 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17 }"),
	  ":2: user: more than 16 values" },
	{ IN_ALLOW("user = 1\nuser = 2"), ":3: 'user' is set twice" },
	{ IN_ALLOW("users = 1"), ":2: no such option 'users'" },
	{ "allow title { }", ":1: missing opening brace for section 'allow'" },
	{ IN_ALLOW("user = 1 max-ports = 65537"),
	  ":2: max-ports: '65537' is not a number from 0 to 65536" },
	{ IN_ALLOW("user = 1 mac-prefix = 52:54:00:12:34:56"),
	  ":2: mac-prefix: '52:54:00:12:34:56' is not one to five octets like 52:54:00" },
	{ IN_ALLOW("user = 1 mac-prefix = x"),
	  ":2: mac-prefix: 'x' is not one to five octets like 52:54:00" },
	{ IN_ALLOW("user = 1 devices = { tap, macvtap }"),
	  ":2: devices: 'macvtap' is not descriptors, tap or veth" },
	{ IN_ALLOW("user = 1 publish = 0-7"),
	  ":2: publish: '0-7' has a port that is not from 1 to 65535" },
	{ IN_ALLOW("user = 1 publish = { 80, tcp:81 }"),
	  ":2: publish: 'tcp:81' has no port where one should be" },
	{ IN_ALLOW("user = 1 publish = { 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17 }"),
	  ":2: publish: more than 16 values" },
	{ "operators = no-such", ":1: operators: there is no group 'no-such'" },
	{ "max-clients-per-user = 0",
	  ":1: max-clients-per-user: '0' is not a number from 1 to 4096" },
	{ NET "host b { owner = no-such }\n}", ":3: owner: there is no user 'no-such'" },
	{ NET "host b { match-mac = 2:0:0:0:0:1\nowner = 1000 }\n}",
	  ":4: owner: it is for guests; 'b' is a client's reservation" },
};

START_TEST(mistake)
{
	config_must_refuse(mistakes[_i].text, mistakes[_i].sentence);
}
END_TEST

/* Which of the two is named first is not said. */
START_TEST(two_owners)
{
	const char *path = scratch_path("netd.conf");
	struct config *c = NULL;
	struct err err;

	scratch_write_text(path, "network a {\nhost b { owner = 1 }\n}\n"
				 "network c {\nhost b { owner = 2 }\n}\n");
	ck_assert_int_eq(config_read(path, false, &c, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, ": owner: 'b' is another's at "));
	ck_assert_ptr_nonnull(strstr(err.text, "netd.conf:2"));
	ck_assert_ptr_nonnull(strstr(err.text, "netd.conf:5"));
}
END_TEST

UNIT_SUITE(netd_config_allow)
{
	scratch_use(tc);
	tcase_add_test(tc, reads);
	tcase_add_test(tc, owners);
	tcase_add_test(tc, prints);
	tcase_add_test(tc, texts);
	tcase_add_loop_test(tc, mistake, 0, ARRAY_SIZE(mistakes));
	tcase_add_test(tc, two_owners);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a reply's options come from: host, classes, network, all networks. */
#include "dhcp_kit.h"

enum { HOST = 1, NETWORK = 2, GLOBAL = 4 };

CLEANUP_DEFINE(option_set, struct dhcp_option_set, dhcp_option_set_free)
#define CLEAN_SET CLEANUP(cleanup_option_set)

/* Option 67 says which scope it is of; each scope has an option that no other has, too. */
static void fill(struct dhcp_option_set *set, uint8_t scope, uint8_t own)
{
	ck_ok(dhcp_option_set_put(set, 67, &scope, 1));
	ck_ok(dhcp_option_set_put(set, own, &scope, 1));
}

static struct dhcp_option_set *new_set(void)
{
	struct dhcp_option_set *set;

	ck_ok(dhcp_option_set_new(&set));
	return set;
}

/* Every set of scopes: the narrowest one that there is wins, and all contribute. */
START_TEST(narrowest_scope)
{
	struct dhcp_option_set *host CLEAN_SET = new_set(), *global CLEAN_SET = new_set();
	struct dhcp_port p = { .net = KIT_NET, .port = KIT_PORT };
	uint8_t wins = (uint8_t)(_i & -_i);
	struct kit k CLEAN_KIT;

	kit_start(&k);
	if (_i & NETWORK)
		fill(k.options, NETWORK, 201);
	fill(host, HOST, 200);
	fill(global, GLOBAL, 202);
	p.options = _i & HOST ? host : NULL;
	dhcp_port_update(k.s, &p);
	k.config.global = _i & GLOBAL ? global : NULL;
	kit_configure(&k);
	for (unsigned i = 0; i < 3; i++) {
		kit_ask(&k, i == 2 ? DHCP_INFORM : DHCP_DISCOVER, i ? "43 c8 c9 ca" : NULL);
		kit_expect_option(&k, 67, _i ? &wins : NULL, 1);
		for (unsigned scope = 0; scope < 3; scope++)
			ck_assert_int_eq(kit_has(&k, (uint8_t)(200 + scope)), _i >> scope & 1);
	}
}
END_TEST

/* What the client says, and whose option 67 and which of the classes' own options it gets. */
static const struct {
	const char *name, *options, *wins;
	bool own[4]; /* options 200 to 203: of class 0, 1, 2 and the network */
} classed[] = {
	{ "no class", "", "6e", { false, false, false, true } },
	{ "the first", "3c 01 61", "00", { true, false, false, true } },
	{ "the first of two", "3c 01 61 4d 01 62", "00", { true, true, false, true } },
	{ "the second", "4d 01 62", "01", { false, true, false, true } },
	{ "one without 67", "0c 01 63", "6e", { false, false, true, true } },
	{ "all", "0c 01 63 4d 01 62 3c 01 61", "00", { true, true, true, true } },
};

START_TEST(first_class_wins)
{
	struct dhcp_option_set *set[3] = { new_set(), new_set(), new_set() };
	struct dhcp_class class[3] = { { .vendor_class = "a" },
				       { .user_class = "b" },
				       { .hostname = "c" } };
	struct kit_message c;
	struct kit k CLEAN_KIT;

	kit_start(&k);
	kit_put(&k, 67, "6e");
	kit_put(&k, 203, "03");
	for (uint8_t i = 0; i < 3; i++) {
		ck_ok(dhcp_option_set_put(set[i], (uint8_t)(200 + i), &i, 1));
		if (i < 2)
			ck_ok(dhcp_option_set_put(set[i], 67, &i, 1));
		class[i].options = set[i];
		k.config.class[k.config.classes++] = &class[i];
	}
	kit_configure(&k);
	kit_message(&c, &k, DHCP_DISCOVER);
	kit_add_hex(&c, classed[_i].options);
	kit_send(&k, &c);
	kit_expect_hex(&k, 67, classed[_i].wins);
	for (uint8_t i = 0; i < 4; i++)
		ck_assert_msg(kit_has(&k, (uint8_t)(200 + i)) == classed[_i].own[i],
			      "%s: option %u", classed[_i].name, 200 + i);
	for (unsigned i = 0; i < 3; i++)
		dhcp_option_set_free(set[i]);
}
END_TEST

/* A host's option stands in front of its classes'. */
START_TEST(host_before_class)
{
	struct dhcp_option_set *host CLEAN_SET = new_set(), *set CLEAN_SET = new_set();
	const struct dhcp_class class = { .mac_prefix_len = 1,
					  .mac_prefix = { 0x52 },
					  .options = set };
	struct dhcp_port p = { .net = KIT_NET, .port = KIT_PORT, .options = host };
	struct kit k CLEAN_KIT;

	kit_start(&k);
	k.config.class[k.config.classes++] = &class;
	kit_configure(&k);
	fill(set, NETWORK, 200);
	fill(host, HOST, 201);
	dhcp_port_update(k.s, &p);
	kit_ask(&k, DHCP_DISCOVER, "43 c8");
	kit_expect_hex(&k, 67, "01");
	kit_expect_hex(&k, 200, "02");
	k.port = KIT_PORT2;
	kit_ask(&k, DHCP_DISCOVER, "43 c8");
	kit_expect_hex(&k, 67, "02");
}
END_TEST

UNIT_SUITE(dhcp_scopes)
{
	tcase_add_loop_test(tc, first_class_wins, 0, ARRAY_SIZE(classed));
	tcase_add_test(tc, host_before_class);
	tcase_add_loop_test(tc, narrowest_scope, 0, 8);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a reply's options come from: host, network, all networks. */
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

UNIT_SUITE(dhcp_scopes)
{
	tcase_add_loop_test(tc, narrowest_scope, 0, 8);
}

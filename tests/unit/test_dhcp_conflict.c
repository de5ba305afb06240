/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Somebody else has a port's address: what becomes of the lease. */
#include "dhcp_kit.h"

/* A client that is bound keeps its address; one whose address is in quarantine has none to lose. */
START_TEST(by_state)
{
	enum dhcp_lease_state state = kit_states[_i];
	bool moves = state != DHCP_LEASE_BOUND && state != DHCP_LEASE_DECLINED;
	struct dhcp_action a = { 0 };
	struct dhcp_lease before;
	struct kit k CLEAN_KIT;

	kit_start(&k);
	kit_prepare(&k, state);
	before = *kit_lease(&k);
	ck_assert_int_eq(dhcp_port_conflict(k.s, KIT_PORT, k.now, &a), moves);
	if (!moves) {
		ck_assert_int_eq(a.change, DHCP_CHANGE_NONE);
		ck_assert_int_eq(kit_lease(&k)->state, state);
		ck_assert_int_eq(kit_lease(&k)->expires, before.expires);
		return;
	}
	ck_assert_int_eq(a.change, DHCP_CHANGE_CONFLICT);
	ck_assert(a.store && !a.reply);
	ck_assert_int_eq(a.record.state, DHCP_LEASE_DECLINED);
	ck_assert_uint_eq(a.record.addr, KIT_ADDR);
	ck_assert_uint_eq(a.record.port, KIT_PORT);
	ck_assert_int_eq(a.record.expires, k.now + KIT_QUARANTINE * KIT_SECOND);
	ck_assert_int_eq(a.before.state, before.state);
	ck_assert_int_eq(dhcp_next(k.s), a.record.expires);
}
END_TEST

/* With another address the client is served at once; its offer of before is refused. */
START_TEST(moved_port_is_served)
{
	uint32_t other = KIT_IP(10, 77, 0, 20);
	struct dhcp_action a;
	struct kit k CLEAN_KIT;

	kit_start(&k);
	kit_discover(&k);
	ck_assert(dhcp_port_conflict(k.s, KIT_PORT, k.now, &a));
	ck_ok(dhcp_port_move(k.s, KIT_PORT, other));
	kit_request(&k, KIT_SERVER, KIT_ADDR, 0);
	ck_assert_int_eq(k.action.reply, DHCP_NAK);
	kit_discover(&k);
	ck_assert_int_eq(k.action.reply, DHCP_OFFER);
	ck_assert_uint_eq(k.m.yiaddr, other);
}
END_TEST

/* DECLINEs and conflicts together have one bound. */
START_TEST(t_dhcp_085)
{
	struct dhcp_action a;
	struct kit k CLEAN_KIT;
	unsigned n = 0;

	kit_start(&k);
	while (n < 3 && dhcp_port_conflict(k.s, KIT_PORT, k.now, &a))
		ck_ok(dhcp_port_move(k.s, KIT_PORT, KIT_IP(10, 77, 0, 100 + n++)));
	ck_assert_uint_eq(n, 3);
	kit_discover(&k);
	kit_decline(&k, KIT_SERVER, KIT_IP(10, 77, 0, 102));
	ck_assert_int_eq(k.action.change, DHCP_CHANGE_DECLINED);
	ck_ok(dhcp_port_move(k.s, KIT_PORT, KIT_IP(10, 77, 0, 103)));
	ck_assert(!dhcp_port_conflict(k.s, KIT_PORT, k.now, &a));
	ck_assert(!dhcp_port_conflict(k.s, 99, k.now, &a));
}
END_TEST

UNIT_SUITE(dhcp_conflict)
{
	tcase_add_loop_test(tc, by_state, 0, KIT_STATES);
	tcase_add_test(tc, moved_port_is_served);
	tcase_add_test(tc, t_dhcp_085);
}

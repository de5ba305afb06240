/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is decided about DISCOVER, INFORM, DECLINE and RELEASE, and the times of a lease. */
#include "dhcp_kit.h"

#define OTHER_SERVER KIT_IP(10, 77, 0, 2)
#define OTHER_NET KIT_IP(192, 168, 1, 10)

/* --- DISCOVER --- */

/* The client's own address, whatever was before (RFC 2131 4.3.1). */
START_TEST(t_dhcp_023)
{
	struct kit k CLEAN_KIT;

	kit_start(&k);
	kit_prepare(&k, kit_states[_i]);
	kit_discover(&k);
	kit_expect(&k, DHCP_OFFER, "DISCOVER");
	ck_assert_uint_eq(k.m.yiaddr, KIT_ADDR);
	ck_assert_int_eq(k.action.change, DHCP_CHANGE_OFFERED);
	ck_assert(!k.action.store);
	/* A client that starts over keeps what it has until it asks or lets it run out. */
	ck_assert_int_eq(kit_lease(&k)->state, kit_states[_i] == DHCP_LEASE_BOUND ?
						       DHCP_LEASE_BOUND :
						       DHCP_LEASE_OFFERED);
}
END_TEST

static const uint32_t wishes[] = {
	KIT_ADDR,  KIT_ADDR2, KIT_SERVER, KIT_IP(10, 77, 0, 0), KIT_IP(10, 77, 0, 255),
	OTHER_NET, 0,	      UINT32_MAX, KIT_IP(127, 0, 0, 1), KIT_IP(10, 77, 0, 99),
};

START_TEST(t_dhcp_024)
{
	struct kit_message c;
	struct kit k CLEAN_KIT;

	kit_start(&k);
	kit_message(&c, &k, DHCP_DISCOVER);
	kit_add_u32(&c, 50, wishes[_i]);
	kit_send(&k, &c);
	kit_expect(&k, DHCP_OFFER, "with a wish");
	ck_assert_uint_eq(k.m.yiaddr, KIT_ADDR);
}
END_TEST

START_TEST(t_dhcp_025)
{
	struct kit_message c;
	struct kit k CLEAN_KIT;

	kit_start(&k);
	kit_discover(&k);
	k.port = KIT_PORT2;
	kit_message(&c, &k, DHCP_DISCOVER);
	kit_add_u32(&c, 50, KIT_ADDR);
	kit_send(&k, &c);
	ck_assert_uint_eq(k.m.yiaddr, KIT_ADDR2);
}
END_TEST

START_TEST(t_dhcp_026)
{
	struct kit k CLEAN_KIT;

	kit_start(&k);
	kit_prepare(&k, kit_states[_i]);
	for (uint32_t i = 0; i < 20; i++) {
		struct kit_message c;

		kit_message(&c, &k, DHCP_DISCOVER);
		c.m.xid = KIT_XID + i / 2;
		k.now += KIT_SECOND;
		kit_send(&k, &c);
		kit_expect(&k, DHCP_OFFER, "again");
		ck_assert_uint_eq(k.m.yiaddr, KIT_ADDR);
		ck_assert_uint_eq(k.m.xid, c.m.xid);
		if (kit_states[_i] != DHCP_LEASE_BOUND) /* the hold begins anew */
			ck_assert_int_eq(dhcp_next(k.s), k.now + KIT_OFFER_HOLD * KIT_SECOND);
	}
}
END_TEST

/* A declined address is nobody's until its quarantine is over (RFC 2131 4.3.3). */
START_TEST(t_dhcp_084)
{
	struct kit k CLEAN_KIT;

	kit_start(&k);
	kit_prepare(&k, DHCP_LEASE_DECLINED);
	ck_assert_int_eq(k.action.record.expires, k.now + KIT_QUARANTINE * KIT_SECOND);
	kit_pass(&k, KIT_QUARANTINE - 1);
	kit_discover(&k);
	kit_expect_drop(&k, DHCP_DROP_QUARANTINE, "DISCOVER");
	kit_request(&k, KIT_SERVER, KIT_ADDR, 0);
	kit_expect(&k, DHCP_NAK, "SELECTING");
	kit_request(&k, 0, KIT_ADDR, 0);
	kit_expect(&k, DHCP_NAK, "INIT-REBOOT");
	kit_request(&k, 0, 0, KIT_ADDR);
	kit_expect(&k, DHCP_NAK, "RENEWING");
	ck_assert_int_eq(kit_lease(&k)->state, DHCP_LEASE_DECLINED);
	kit_pass(&k, 1);
	kit_expect_service(&k);
}
END_TEST

/* --- lease times --- */

enum { ABSENT = -1 };

static const struct {
	int64_t asked; /* option 51, or ABSENT */
	uint32_t time, min, max, granted;
} clamps[] = {
	{ ABSENT, 3600, 120, 86400, 3600 },
	{ 0, 3600, 120, 86400, 3600 },
	{ 1, 3600, 120, 86400, 120 },
	{ 119, 3600, 120, 86400, 120 },
	{ 120, 3600, 120, 86400, 120 },
	{ 121, 3600, 120, 86400, 121 },
	{ 86399, 3600, 120, 86400, 86399 },
	{ 86400, 3600, 120, 86400, 86400 },
	{ 86401, 3600, 120, 86400, 86400 },
	{ 0x7fffffff, 3600, 120, 86400, 86400 },
	{ 0xfffffffe, 3600, 120, 86400, 86400 },
	{ 0xffffffff, 3600, 120, 86400, 86400 },
	{ 0xffffffff, 3600, 120, DHCP_INFINITE, DHCP_INFINITE },
	{ 0xfffffffe, 3600, 120, DHCP_INFINITE, 0xfffffffe },
	{ ABSENT, DHCP_INFINITE, 120, DHCP_INFINITE, DHCP_INFINITE },
	{ 600, DHCP_INFINITE, 120, DHCP_INFINITE, 600 },
	{ 0, 3600, 3600, 3600, 3600 },
	{ 60, 3600, 3600, 3600, 3600 },
	{ 7200, 3600, 3600, 3600, 3600 },
};

static void ask_for_time(struct kit *k, uint8_t type, int64_t asked)
{
	struct kit_message c;

	kit_message(&c, k, type);
	if (type == DHCP_REQUEST)
		kit_add_u32(&c, 50, KIT_ADDR);
	if (asked != ABSENT)
		kit_add_u32(&c, 51, (uint32_t)asked);
	kit_send(k, &c);
}

START_TEST(t_dhcp_075)
{
	struct kit k CLEAN_KIT;

	kit_start(&k);
	k.config.lease_time = clamps[_i].time;
	k.config.min_lease_time = clamps[_i].min;
	k.config.max_lease_time = clamps[_i].max;
	kit_configure(&k);
	ask_for_time(&k, DHCP_DISCOVER, clamps[_i].asked);
	ck_assert_uint_eq(kit_u32(&k, 51), clamps[_i].granted);
	ask_for_time(&k, DHCP_REQUEST, clamps[_i].asked);
	ck_assert_uint_eq(kit_u32(&k, 51), clamps[_i].granted);
	ck_assert_uint_eq(kit_lease(&k)->seconds, clamps[_i].granted);
	ck_assert_uint_eq(k.action.record.seconds, clamps[_i].granted);
	ck_assert_int_eq(k.action.record.expires, clamps[_i].granted == DHCP_INFINITE ?
							  INT64_MAX :
							  k.now + clamps[_i].granted * KIT_SECOND);
}
END_TEST

/* RFC 2131 4.4.5. Leases of one and two seconds leave no room for two times before their end: the
 * client makes them up. */
static const uint32_t times[] = { 1,	      2,
				  3,	      4,
				  5,	      7,
				  8,	      9,
				  15,	      16,
				  30,	      31,
				  120,	      3600,
				  86399,      86400,
				  99999,      1u << 31,
				  0x7fffffff, 0xfffffff0,
				  0xfffffffe, DHCP_INFINITE };

START_TEST(t_dhcp_076)
{
	uint32_t t1, t2, lease = times[_i];
	struct kit k CLEAN_KIT;

	kit_start(&k);
	k.config.lease_time = lease;
	k.config.min_lease_time = 1;
	k.config.max_lease_time = DHCP_INFINITE;
	kit_configure(&k);
	kit_discover(&k);
	ck_assert_uint_eq(kit_u32(&k, 51), lease);
	ck_assert_int_eq(kit_has(&k, 58), lease > 2 && lease != DHCP_INFINITE);
	ck_assert_int_eq(kit_has(&k, 59), lease > 2 && lease != DHCP_INFINITE);
	if (!kit_has(&k, 58))
		return;
	t1 = kit_u32(&k, 58);
	t2 = kit_u32(&k, 59);
	ck_assert_uint_gt(t1, 0);
	ck_assert_uint_lt(t1, t2);
	ck_assert_uint_lt(t2, lease);
	ck_assert_uint_eq(t1, lease / 2);
	if (lease >= 8) /* 0.875, rounded up */
		ck_assert_uint_eq(t2, (uint32_t)(((uint64_t)lease * 7 + 7) / 8));
}
END_TEST

/* Renewing gives the whole time again; it never ends sooner than was promised. */
START_TEST(t_dhcp_077)
{
	struct kit k CLEAN_KIT;
	int64_t promised;

	kit_start(&k);
	kit_prepare(&k, DHCP_LEASE_BOUND);
	for (unsigned i = 0; i < 10; i++) {
		promised = kit_lease(&k)->expires;
		k.now += (20 + i * 397) * KIT_SECOND;
		kit_request(&k, 0, 0, KIT_ADDR);
		ck_assert_uint_eq(kit_u32(&k, 51), KIT_LEASE_TIME);
		ck_assert_int_eq(kit_lease(&k)->expires, k.now + KIT_LEASE_TIME * KIT_SECOND);
		ck_assert_int_gt(kit_lease(&k)->expires, promised);
	}
}
END_TEST

/* An expired lease whose end nobody has noticed yet is renewed all the same. */
START_TEST(renewed_after_its_end)
{
	struct kit k CLEAN_KIT;

	kit_start(&k);
	kit_prepare(&k, DHCP_LEASE_BOUND);
	k.now += (KIT_LEASE_TIME + 5) * KIT_SECOND;
	kit_request(&k, 0, 0, KIT_ADDR);
	kit_expect(&k, DHCP_ACK, "late");
	ck_assert_int_eq(dhcp_next(k.s), k.now + KIT_LEASE_TIME * KIT_SECOND);
}
END_TEST

/* --- how long an exchange took --- */

static const struct {
	const char *name;
	int64_t discover[3];   /* seconds after the start; 0 ends the list */
	int64_t request, took; /* took in seconds, -1: unknown */
} exchanges[] = {
	{ "ordinary", { 1 }, 2, 1 },
	{ "at once", { 1 }, 1, 0 },
	{ "no DISCOVER", { 0 }, 2, -1 },
	{ "DISCOVER sent again", { 1, 4, 10 }, 11, 10 },
	{ "an exchange that came to nothing before",
	  { 1, 2 + KIT_OFFER_HOLD },
	  40,
	  38 - KIT_OFFER_HOLD },
};

/* From the first DISCOVER that was still being answered. */
START_TEST(exchange_time)
{
	struct kit k CLEAN_KIT;
	int64_t start;

	kit_start(&k);
	start = k.now;
	for (unsigned i = 0; i < 3 && exchanges[_i].discover[i]; i++) {
		k.now = start + exchanges[_i].discover[i] * KIT_SECOND;
		kit_discover(&k);
		ck_assert_int_eq(k.action.exchange, -1);
	}
	k.now = start + exchanges[_i].request * KIT_SECOND;
	kit_request(&k, KIT_SERVER, KIT_ADDR, 0);
	ck_assert_msg(k.action.exchange ==
			      (exchanges[_i].took < 0 ? -1 : exchanges[_i].took * KIT_SECOND),
		      "%s: %lld ns", exchanges[_i].name, (long long)k.action.exchange);
	ck_assert_int_eq(k.action.change, DHCP_CHANGE_BOUND);
	k.now += 60 * KIT_SECOND;
	kit_request(&k, 0, 0, KIT_ADDR);
	ck_assert_int_eq(k.action.exchange, -1);
	ck_assert_int_eq(k.action.change, DHCP_CHANGE_RENEWED);
}
END_TEST

/* A guest that starts anew while it is bound is a new start, not a renewal. */
START_TEST(restart_while_bound)
{
	struct kit k CLEAN_KIT;

	kit_start(&k);
	kit_prepare(&k, DHCP_LEASE_BOUND);
	k.now += 60 * KIT_SECOND;
	kit_discover(&k);
	ck_assert_int_eq(kit_lease(&k)->state, DHCP_LEASE_BOUND);
	k.now += KIT_SECOND;
	kit_request(&k, KIT_SERVER, KIT_ADDR, 0);
	ck_assert_int_eq(k.action.change, DHCP_CHANGE_BOUND);
	ck_assert_int_eq(k.action.exchange, KIT_SECOND);
}
END_TEST

/* --- INFORM --- */

START_TEST(t_dhcp_080)
{
	struct kit_message c;
	struct kit k CLEAN_KIT;

	kit_start(&k);
	kit_prepare(&k, kit_states[_i]);
	kit_message(&c, &k, DHCP_INFORM);
	c.m.ciaddr = c.saddr = KIT_IP(10, 77, 0, 200); /* the client's own choice */
	c.m.flags = DHCP_FLAG_BROADCAST;
	kit_add(&c, 55, "\x33\x3a\x3b\x01\x03\x1a", 6);
	kit_send(&k, &c);
	kit_expect(&k, DHCP_ACK, "INFORM");
	ck_assert_uint_eq(k.frame.daddr, KIT_IP(10, 77, 0, 200));
	ck_assert(mac_equal(&k.frame.dst, &kit_mac));
	ck_assert_uint_eq(k.m.yiaddr, 0);
	ck_assert_uint_eq(k.m.ciaddr, KIT_IP(10, 77, 0, 200));
	ck_assert(!kit_has(&k, 51) && !kit_has(&k, 58) && !kit_has(&k, 59));
	ck_assert_uint_eq(kit_u32(&k, 3), KIT_SERVER);
	ck_assert(kit_has(&k, 26));
}
END_TEST

/* Without a request list it has all but the times. */
START_TEST(inform_asks_for_nothing_in_particular)
{
	struct kit k CLEAN_KIT;

	kit_start(&k);
	kit_inform(&k, KIT_ADDR);
	kit_expect(&k, DHCP_ACK, "INFORM");
	ck_assert(!kit_has(&k, 51) && !kit_has(&k, 58) && !kit_has(&k, 59));
	ck_assert(kit_has(&k, 1) && kit_has(&k, 3) && kit_has(&k, 26));
}
END_TEST

START_TEST(t_dhcp_081)
{
	struct kit_message c;
	struct kit k CLEAN_KIT;

	kit_start(&k);
	kit_message(&c, &k, DHCP_INFORM);
	c.m.flags = DHCP_FLAG_BROADCAST;
	kit_send(&k, &c);
	kit_expect_drop(&k, DHCP_DROP_MALFORMED, "no address at all");
	c.saddr = KIT_IP(10, 77, 0, 200);
	kit_send(&k, &c);
	kit_expect(&k, DHCP_ACK, "no ciaddr");
	ck_assert_uint_eq(k.frame.daddr, KIT_IP(10, 77, 0, 200));
	ck_assert(mac_equal(&k.frame.dst, &kit_mac));
	ck_assert_uint_eq(k.m.yiaddr, 0);
}
END_TEST

START_TEST(t_dhcp_082)
{
	struct kit k CLEAN_KIT;
	struct dhcp_lease before;

	kit_start(&k);
	kit_prepare(&k, kit_states[_i]);
	before = *kit_lease(&k);
	k.now += 3 * KIT_SECOND;
	kit_inform(&k, KIT_ADDR);
	ck_assert_int_eq(k.action.change, DHCP_CHANGE_NONE);
	ck_assert(!k.action.store);
	ck_assert_int_eq(kit_lease(&k)->state, before.state);
	ck_assert_int_eq(kit_lease(&k)->expires, before.expires);
	ck_assert_uint_eq(kit_lease(&k)->xid, before.xid);
}
END_TEST

/* --- DECLINE and RELEASE --- */

/* Only the address that this client holds, and only to us (RFC 2131 4.4.4, table 5). */
static const struct farewell {
	const char *name;
	enum dhcp_lease_state state;
	uint32_t server, addr;
	enum dhcp_drop drop;
} farewells[] = {
	{ "bound", DHCP_LEASE_BOUND, KIT_SERVER, KIT_ADDR, DHCP_DROP_NONE },
	{ "offered", DHCP_LEASE_OFFERED, KIT_SERVER, KIT_ADDR, DHCP_DROP_NONE },
	{ "free", DHCP_LEASE_FREE, KIT_SERVER, KIT_ADDR, DHCP_DROP_NOT_HELD },
	{ "released", DHCP_LEASE_RELEASED, KIT_SERVER, KIT_ADDR, DHCP_DROP_NOT_HELD },
	{ "expired", DHCP_LEASE_EXPIRED, KIT_SERVER, KIT_ADDR, DHCP_DROP_NOT_HELD },
	{ "declined", DHCP_LEASE_DECLINED, KIT_SERVER, KIT_ADDR, DHCP_DROP_NOT_HELD },
	{ "no server", DHCP_LEASE_BOUND, 0, KIT_ADDR, DHCP_DROP_OTHER_SERVER },
	{ "another server", DHCP_LEASE_BOUND, OTHER_SERVER, KIT_ADDR, DHCP_DROP_OTHER_SERVER },
	{ "no address", DHCP_LEASE_BOUND, KIT_SERVER, 0, DHCP_DROP_NOT_HELD },
	{ "another's address", DHCP_LEASE_BOUND, KIT_SERVER, KIT_ADDR2, DHCP_DROP_NOT_HELD },
	{ "the server's", DHCP_LEASE_BOUND, KIT_SERVER, KIT_SERVER, DHCP_DROP_NOT_HELD },
	{ "nobody's", DHCP_LEASE_BOUND, KIT_SERVER, OTHER_NET, DHCP_DROP_NOT_HELD },
};

/* Both ports are in the state, so that another's address would be there to be hit. */
static void prepare_both(struct kit *k, enum dhcp_lease_state state)
{
	k->port = KIT_PORT2;
	kit_prepare(k, state == DHCP_LEASE_EXPIRED ? DHCP_LEASE_BOUND : state);
	k->port = KIT_PORT;
	kit_prepare(k, state);
}

static void check_farewell(const struct farewell *f, uint8_t type)
{
	enum dhcp_lease_state after =
		type == DHCP_DECLINE ? DHCP_LEASE_DECLINED : DHCP_LEASE_RELEASED;
	struct kit k CLEAN_KIT;
	struct dhcp_lease other;

	kit_start(&k);
	prepare_both(&k, f->state);
	other = *dhcp_lease_by_port(k.s, KIT_PORT2);
	if (type == DHCP_DECLINE)
		kit_decline(&k, f->server, f->addr);
	else
		kit_release(&k, f->server, f->addr);
	kit_expect_drop(&k, f->drop, f->name); /* and never an answer */
	ck_assert_int_eq(k.action.store, f->drop == DHCP_DROP_NONE);
	ck_assert_int_eq(kit_lease(&k)->state, f->drop ? f->state : after);
	ck_assert_int_eq(dhcp_lease_by_port(k.s, KIT_PORT2)->state, other.state);
	ck_assert_int_eq(dhcp_lease_by_port(k.s, KIT_PORT2)->expires, other.expires);
}

START_TEST(t_dhcp_083)
{
	check_farewell(&farewells[_i], DHCP_DECLINE);
}
END_TEST

START_TEST(t_dhcp_086)
{
	check_farewell(&farewells[_i], DHCP_RELEASE);
}
END_TEST

/* A port may put four addresses out of use in its life, wherever it is moved meanwhile. */
START_TEST(t_dhcp_085)
{
	struct kit k CLEAN_KIT;

	kit_start(&k);
	for (uint32_t i = 0; i < 8; i++) {
		uint32_t addr = kit_lease(&k)->addr;

		kit_prepare(&k, DHCP_LEASE_BOUND);
		kit_decline(&k, KIT_SERVER, addr);
		kit_expect_drop(&k, i < 4 ? DHCP_DROP_NONE : DHCP_DROP_DECLINES, "DECLINE");
		ck_assert_uint_eq(kit_lease(&k)->declines, i < 4 ? i + 1 : 4);
		if (i == 0) /* the first in the same place, when its quarantine is over */
			kit_pass(&k, KIT_QUARANTINE);
		else if (i < 4)
			ck_ok(dhcp_port_move(k.s, KIT_PORT, KIT_ADDR + 10 + i));
		k.now += 20 * KIT_SECOND;
	}
	ck_assert_int_eq(kit_lease(&k)->state, DHCP_LEASE_BOUND);
	k.port = KIT_PORT2; /* another's count is its own */
	kit_prepare(&k, DHCP_LEASE_DECLINED);
}
END_TEST

START_TEST(t_dhcp_087)
{
	struct kit k CLEAN_KIT;

	kit_start(&k);
	kit_prepare(&k, DHCP_LEASE_RELEASED);
	ck_assert_int_eq(k.action.change, DHCP_CHANGE_RELEASED);
	ck_assert_int_eq(k.action.record.state, DHCP_LEASE_RELEASED);
	ck_assert_int_eq(dhcp_next(k.s), INT64_MAX);
	kit_pass(&k, INT64_C(365) * 86400);
	ck_assert_uint_eq(kit_lease(&k)->addr, KIT_ADDR);
	kit_expect_service(&k);
}
END_TEST

START_TEST(t_dhcp_088)
{
	struct kit k CLEAN_KIT;

	kit_start(&k);
	kit_prepare(&k, DHCP_LEASE_BOUND);
	kit_release(&k, KIT_SERVER, KIT_ADDR);
	ck_assert(!k.action.drop && !k.action.reply && !k.out_len);
	kit_prepare(&k, DHCP_LEASE_OFFERED);
	kit_decline(&k, KIT_SERVER, KIT_ADDR);
	ck_assert(!k.action.drop && !k.action.reply && !k.out_len);
}
END_TEST

UNIT_SUITE(dhcp_decide)
{
	tcase_add_loop_test(tc, t_dhcp_023, 0, KIT_STATES_SERVED);
	tcase_add_loop_test(tc, t_dhcp_024, 0, ARRAY_SIZE(wishes));
	tcase_add_test(tc, t_dhcp_025);
	tcase_add_loop_test(tc, t_dhcp_026, 0, KIT_STATES_SERVED);
	tcase_add_test(tc, t_dhcp_084);
	tcase_add_loop_test(tc, t_dhcp_075, 0, ARRAY_SIZE(clamps));
	tcase_add_loop_test(tc, t_dhcp_076, 0, ARRAY_SIZE(times));
	tcase_add_test(tc, t_dhcp_077);
	tcase_add_test(tc, renewed_after_its_end);
	tcase_add_loop_test(tc, exchange_time, 0, ARRAY_SIZE(exchanges));
	tcase_add_test(tc, restart_while_bound);
	tcase_add_loop_test(tc, t_dhcp_080, 0, KIT_STATES);
	tcase_add_test(tc, inform_asks_for_nothing_in_particular);
	tcase_add_test(tc, t_dhcp_081);
	tcase_add_loop_test(tc, t_dhcp_082, 0, KIT_STATES);
	tcase_add_loop_test(tc, t_dhcp_083, 0, ARRAY_SIZE(farewells));
	tcase_add_test(tc, t_dhcp_085);
	tcase_add_loop_test(tc, t_dhcp_086, 0, ARRAY_SIZE(farewells));
	tcase_add_test(tc, t_dhcp_087);
	tcase_add_test(tc, t_dhcp_088);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is decided about a REQUEST (RFC 2131 4.3.2) by a server whose clients are its ports: it
 * knows for every address whether it is the client's, so it is authoritative and never silent about
 * a wrong one.
 */
#include "dhcp_kit.h"

#define OTHER_SERVER KIT_IP(10, 77, 0, 2)
#define OTHER_NET KIT_IP(192, 168, 1, 10)

enum { ANY_STATE = -1 };

static const struct request {
	int number; /* of the statement that this is a case of */
	const char *name;
	int state; /* of the lease before; ANY_STATE: each that is served */
	uint32_t server, wanted, ciaddr;
	enum dhcp_type reply;
	enum dhcp_drop drop;
} requests[] = {
	{ 38, "another server", DHCP_LEASE_OFFERED, OTHER_SERVER, OTHER_NET, 0, 0,
	  DHCP_DROP_OTHER_SERVER },
	{ 38, "another server, our address", DHCP_LEASE_OFFERED, OTHER_SERVER, KIT_ADDR, 0, 0,
	  DHCP_DROP_OTHER_SERVER },
	{ 38, "another server, nothing wanted", DHCP_LEASE_OFFERED, OTHER_SERVER, 0, 0, 0,
	  DHCP_DROP_OTHER_SERVER },
	{ 38, "never offered", DHCP_LEASE_FREE, OTHER_SERVER, OTHER_NET, 0, 0,
	  DHCP_DROP_OTHER_SERVER },
	{ 39, "another's", ANY_STATE, KIT_SERVER, KIT_ADDR2, 0, DHCP_NAK, 0 },
	{ 39, "nobody's", ANY_STATE, KIT_SERVER, KIT_IP(10, 77, 0, 99), 0, DHCP_NAK, 0 },
	{ 39, "the server's", ANY_STATE, KIT_SERVER, KIT_SERVER, 0, DHCP_NAK, 0 },
	{ 39, "outside", ANY_STATE, KIT_SERVER, OTHER_NET, 0, DHCP_NAK, 0 },
	{ 39, "255.255.255.255", ANY_STATE, KIT_SERVER, UINT32_MAX, 0, DHCP_NAK, 0 },
	{ 40, "SELECTING with ciaddr", ANY_STATE, KIT_SERVER, KIT_ADDR, KIT_ADDR, 0,
	  DHCP_DROP_MALFORMED },
	{ 40, "SELECTING without 50", ANY_STATE, KIT_SERVER, 0, 0, 0, DHCP_DROP_MALFORMED },
	{ 40, "SELECTING by ciaddr", ANY_STATE, KIT_SERVER, 0, KIT_ADDR, 0, DHCP_DROP_MALFORMED },
	{ 42, "right", ANY_STATE, 0, KIT_ADDR, 0, DHCP_ACK, 0 },
	{ 43, "wrong network", ANY_STATE, 0, OTHER_NET, 0, DHCP_NAK, 0 },
	{ 44, "another's", ANY_STATE, 0, KIT_ADDR2, 0, DHCP_NAK, 0 },
	{ 44, "nobody's", ANY_STATE, 0, KIT_IP(10, 77, 0, 99), 0, DHCP_NAK, 0 },
	{ 45, "no record, right", DHCP_LEASE_FREE, 0, KIT_ADDR, 0, DHCP_ACK, 0 },
	{ 45, "no record, wrong", DHCP_LEASE_FREE, 0, KIT_IP(10, 77, 0, 99), 0, DHCP_NAK, 0 },
	{ 46, "bound", DHCP_LEASE_BOUND, 0, 0, KIT_ADDR, DHCP_ACK, 0 },
	{ 47, "not held, right", DHCP_LEASE_FREE, 0, 0, KIT_ADDR, DHCP_ACK, 0 },
	{ 47, "expired, right", DHCP_LEASE_EXPIRED, 0, 0, KIT_ADDR, DHCP_ACK, 0 },
	{ 47, "released, right", DHCP_LEASE_RELEASED, 0, 0, KIT_ADDR, DHCP_ACK, 0 },
	{ 47, "not held, wrong", DHCP_LEASE_FREE, 0, 0, KIT_IP(10, 77, 0, 99), DHCP_NAK, 0 },
	{ 47, "outside", DHCP_LEASE_FREE, 0, 0, OTHER_NET, DHCP_NAK, 0 },
	{ 48, "another's", ANY_STATE, 0, 0, KIT_ADDR2, DHCP_NAK, 0 },
	{ 56, "neither", ANY_STATE, 0, 0, 0, 0, DHCP_DROP_MALFORMED },
	{ 56, "both", ANY_STATE, 0, KIT_ADDR, KIT_ADDR, 0, DHCP_DROP_MALFORMED },
};

static void check_effect(const struct request *r, const struct kit *k,
			 const struct dhcp_lease *before)
{
	const struct dhcp_lease *l = kit_lease(k);

	if (r->reply == DHCP_ACK) {
		ck_assert(k->action.store && l->state == DHCP_LEASE_BOUND);
		ck_assert_uint_eq(k->m.yiaddr, KIT_ADDR);
		ck_assert_uint_eq(k->m.ciaddr, r->ciaddr);
	} else if (r->number == 38 && before->state == DHCP_LEASE_OFFERED) {
		ck_assert(!k->action.store && l->state == DHCP_LEASE_FREE);
		ck_assert_int_eq(dhcp_next(k->s), INT64_MAX);
	} else {
		ck_assert(k->action.change == DHCP_CHANGE_NONE && l->state == before->state);
		ck_assert_int_eq(l->expires, before->expires);
	}
}

static void check_request(const struct request *r, enum dhcp_lease_state state)
{
	struct kit k CLEAN_KIT;
	struct dhcp_lease before;

	kit_start(&k);
	kit_prepare(&k, state);
	k.now += 20 * KIT_SECOND; /* no retransmission of what was in kit_prepare */
	before = *kit_lease(&k);
	kit_request(&k, r->server, r->wanted, r->ciaddr);
	if (r->drop)
		kit_expect_drop(&k, r->drop, r->name);
	else
		kit_expect(&k, r->reply, r->name);
	check_effect(r, &k, &before);
}

/* All cases of a statement. */
static void check_requests(int number)
{
	unsigned n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		const struct request *r = &requests[i];

		if (r->number != number)
			continue;
		n++;
		for (unsigned s = 0; r->state == ANY_STATE && s < KIT_STATES_SERVED; s++)
			check_request(r, kit_states[s]);
		if (r->state != ANY_STATE)
			check_request(r, (enum dhcp_lease_state)r->state);
	}
	ck_assert_uint_gt(n, 0);
}

START_TEST(t_dhcp_038)
{
	check_requests(38);
}
END_TEST

START_TEST(t_dhcp_039)
{
	check_requests(39);
}
END_TEST

START_TEST(t_dhcp_040)
{
	check_requests(40);
}
END_TEST

START_TEST(t_dhcp_042)
{
	check_requests(42);
}
END_TEST

START_TEST(t_dhcp_043)
{
	check_requests(43);
}
END_TEST

START_TEST(t_dhcp_044)
{
	check_requests(44);
}
END_TEST

/* The port is the record: the server is authoritative for every client, so it is never silent. */
START_TEST(t_dhcp_045)
{
	check_requests(45);
}
END_TEST

START_TEST(t_dhcp_046)
{
	check_requests(46);
}
END_TEST

START_TEST(t_dhcp_047)
{
	check_requests(47);
}
END_TEST

START_TEST(t_dhcp_048)
{
	check_requests(48);
}
END_TEST

START_TEST(t_dhcp_056)
{
	check_requests(56);
}
END_TEST

/* A client that chose another server keeps what it is bound to here. */
START_TEST(other_server_while_bound)
{
	struct kit k CLEAN_KIT;

	kit_start(&k);
	kit_prepare(&k, DHCP_LEASE_BOUND);
	kit_request(&k, OTHER_SERVER, OTHER_NET, 0);
	kit_expect_drop(&k, DHCP_DROP_OTHER_SERVER, "bound");
	ck_assert_int_eq(k.action.change, DHCP_CHANGE_NONE);
	ck_assert_int_eq(kit_lease(&k)->state, DHCP_LEASE_BOUND);
}
END_TEST

START_TEST(t_dhcp_041)
{
	struct kit k CLEAN_KIT;

	kit_start(&k);
	kit_discover(&k);
	kit_pass(&k, KIT_OFFER_HOLD);
	ck_assert_int_eq(kit_lease(&k)->state, DHCP_LEASE_FREE);
	kit_request(&k, KIT_SERVER, KIT_ADDR, 0);
	kit_expect(&k, DHCP_ACK, "late");
}
END_TEST

/* Every binding is to be stored before its ACK leaves, and the record says all of it. */
START_TEST(t_dhcp_051)
{
	struct kit_message c;
	struct kit k CLEAN_KIT;
	const struct dhcp_record *r = &k.action.record;

	kit_start(&k);
	kit_prepare(&k, kit_states[_i]);
	k.now += 20 * KIT_SECOND;
	kit_message(&c, &k, DHCP_REQUEST);
	kit_add_u32(&c, 50, KIT_ADDR);
	kit_add_u32(&c, 51, 600);
	kit_add(&c, 61, "\0client", 7);
	kit_add(&c, 12, "Web_1.Example\0", 14);
	kit_send(&k, &c);
	kit_expect(&k, DHCP_ACK, "REQUEST");
	ck_assert(k.action.store);
	ck_assert(r->net == KIT_NET && r->addr == KIT_ADDR && r->port == KIT_PORT);
	ck_assert(mac_equal(&r->mac, &kit_mac));
	ck_assert_int_eq(r->state, DHCP_LEASE_BOUND);
	ck_assert_uint_eq(r->seconds, 600);
	ck_assert_int_eq(r->started, k.now);
	ck_assert_int_eq(r->expires, k.now + 600 * KIT_SECOND);
	ck_assert_uint_eq(r->client_id_len, 7);
	ck_assert_mem_eq(r->client_id, "\0client", 7);
	ck_assert_str_eq(r->hostname, "web1.example");
	ck_assert_int_eq(k.action.before.state, kit_states[_i]);
	ck_assert_int_eq(k.action.change, kit_states[_i] == DHCP_LEASE_BOUND ? DHCP_CHANGE_RENEWED :
									       DHCP_CHANGE_BOUND);
}
END_TEST

/* What is not in the message is not in the record. */
START_TEST(record_of_a_silent_client)
{
	struct kit k CLEAN_KIT;

	kit_start(&k);
	kit_prepare(&k, DHCP_LEASE_BOUND);
	ck_assert_ptr_null(k.action.record.client_id);
	ck_assert_uint_eq(k.action.record.client_id_len, 0);
	ck_assert_str_eq(k.action.record.hostname, "");
}
END_TEST

/* A server that lost its memory after the OFFER grants the same; after the ACK it knows. */
START_TEST(t_dhcp_053)
{
	struct kit before CLEAN_KIT, after CLEAN_KIT, later CLEAN_KIT;

	kit_start(&before);
	kit_start(&after);
	kit_start(&later);
	kit_discover(&before);
	kit_request(&after, KIT_SERVER, before.m.yiaddr, 0);
	kit_expect(&after, DHCP_ACK, "after a crash");
	ck_ok(dhcp_lease_restore(later.s, &after.action.record));
	ck_assert_int_eq(kit_lease(&later)->state, DHCP_LEASE_BOUND);
	ck_assert_int_eq(kit_lease(&later)->expires, kit_lease(&after)->expires);
	later.now += 60 * KIT_SECOND;
	kit_request(&later, 0, 0, KIT_ADDR);
	kit_expect(&later, DHCP_ACK, "after another");
	ck_assert_int_eq(later.action.change, DHCP_CHANGE_RENEWED);
}
END_TEST

static const struct {
	const char *name;
	int64_t wait;
	uint32_t xid;
	bool again; /* the same ACK, and nothing to store */
} repeats[] = {
	{ "at once", 0, KIT_XID, true },
	{ "after a second", 1, KIT_XID, true },
	{ "just in time", 9, KIT_XID, true },
	{ "too late", 10, KIT_XID, false },
	{ "another exchange", 0, KIT_XID + 1, false },
};

START_TEST(t_dhcp_054)
{
	uint8_t first[DHCP_FRAME_MAX];
	struct kit_message c;
	struct kit k CLEAN_KIT;
	int64_t expires;

	kit_start(&k);
	kit_prepare(&k, DHCP_LEASE_BOUND);
	memcpy(first, k.out, k.out_len);
	expires = kit_lease(&k)->expires;
	k.now += repeats[_i].wait * KIT_SECOND;
	kit_message(&c, &k, DHCP_REQUEST);
	c.m.xid = repeats[_i].xid;
	kit_add_u32(&c, 54, KIT_SERVER);
	kit_add_u32(&c, 50, KIT_ADDR);
	kit_send(&k, &c);
	kit_expect(&k, DHCP_ACK, repeats[_i].name);
	ck_assert_int_eq(k.action.store, !repeats[_i].again);
	ck_assert_int_eq(k.action.change == DHCP_CHANGE_NONE, repeats[_i].again);
	if (!repeats[_i].again)
		return;
	ck_assert_mem_eq(k.out, first, k.out_len);
	ck_assert_int_eq(kit_lease(&k)->expires, expires);
}
END_TEST

/* What was taken back is no ACK to repeat: the next one is stored. */
START_TEST(no_repetition_of_what_was_undone)
{
	struct kit k CLEAN_KIT;

	kit_start(&k);
	kit_prepare(&k, DHCP_LEASE_BOUND);
	dhcp_undo(k.s, &k.action);
	kit_request(&k, KIT_SERVER, KIT_ADDR, 0);
	kit_expect(&k, DHCP_ACK, "again");
	ck_assert(k.action.store);
}
END_TEST

START_TEST(t_dhcp_055)
{
	unsigned acks = 0;
	struct kit k CLEAN_KIT;

	kit_start(&k);
	for (uint32_t port = KIT_PORT; port <= KIT_PORT2; port++) {
		k.port = port;
		kit_request(&k, 0, KIT_ADDR2, 0);
		acks += k.action.reply == DHCP_ACK;
		ck_assert_uint_eq(k.action.reply, port == KIT_PORT2 ? DHCP_ACK : DHCP_NAK);
	}
	ck_assert_uint_eq(acks, 1);
}
END_TEST

/* The address was changed under a bound client: it is sent to its new one. */
START_TEST(t_dhcp_094)
{
	uint32_t moved = KIT_IP(10, 77, 0, 50);
	struct kit k CLEAN_KIT;

	kit_start(&k);
	kit_prepare(&k, DHCP_LEASE_BOUND);
	ck_ok(dhcp_port_move(k.s, KIT_PORT, moved));
	kit_request(&k, 0, 0, KIT_ADDR);
	kit_expect(&k, DHCP_NAK, "RENEWING");
	kit_request(&k, 0, KIT_ADDR, 0);
	kit_expect(&k, DHCP_NAK, "INIT-REBOOT");
	kit_discover(&k);
	ck_assert_uint_eq(k.m.yiaddr, moved);
	kit_request(&k, KIT_SERVER, moved, 0);
	kit_expect(&k, DHCP_ACK, "new");
}
END_TEST

UNIT_SUITE(dhcp_request)
{
	tcase_add_test(tc, t_dhcp_038);
	tcase_add_test(tc, t_dhcp_039);
	tcase_add_test(tc, t_dhcp_040);
	tcase_add_test(tc, t_dhcp_041);
	tcase_add_test(tc, t_dhcp_042);
	tcase_add_test(tc, t_dhcp_043);
	tcase_add_test(tc, t_dhcp_044);
	tcase_add_test(tc, t_dhcp_045);
	tcase_add_test(tc, t_dhcp_046);
	tcase_add_test(tc, t_dhcp_047);
	tcase_add_test(tc, t_dhcp_048);
	tcase_add_test(tc, t_dhcp_056);
	tcase_add_test(tc, other_server_while_bound);
	tcase_add_loop_test(tc, t_dhcp_051, 0, KIT_STATES_SERVED);
	tcase_add_test(tc, record_of_a_silent_client);
	tcase_add_test(tc, t_dhcp_053);
	tcase_add_loop_test(tc, t_dhcp_054, 0, ARRAY_SIZE(repeats));
	tcase_add_test(tc, no_repetition_of_what_was_undone);
	tcase_add_test(tc, t_dhcp_055);
	tcase_add_test(tc, t_dhcp_094);
}

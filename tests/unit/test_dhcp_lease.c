/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lease table: ports that come, move and go, states that end by themselves, and taking back. */
#include "dhcp_kit.h"

static const struct {
	enum dhcp_lease_state state;
	const char *text;
} states[] = {
	{ DHCP_LEASE_FREE, "free" },	   { DHCP_LEASE_OFFERED, "offered" },
	{ DHCP_LEASE_BOUND, "bound" },	   { DHCP_LEASE_RELEASED, "released" },
	{ DHCP_LEASE_EXPIRED, "expired" }, { DHCP_LEASE_DECLINED, "declined" },
};

START_TEST(state_names)
{
	enum dhcp_lease_state state = (enum dhcp_lease_state)99;

	ck_assert_str_eq(dhcp_lease_state_text(states[_i].state), states[_i].text);
	ck_assert(dhcp_lease_state_parse(states[_i].text, &state));
	ck_assert_int_eq(state, states[_i].state);
}
END_TEST

START_TEST(state_names_that_are_none)
{
	static const char *const none[] = { "", "Bound", "bound ", "?", "leased" };
	enum dhcp_lease_state state = DHCP_LEASE_EXPIRED;

	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		ck_assert(!dhcp_lease_state_parse(none[i], &state));
	ck_assert_int_eq(state, DHCP_LEASE_EXPIRED);
	ck_assert_str_eq(dhcp_lease_state_text((enum dhcp_lease_state)6), "?");
}
END_TEST

/* --- ports --- */

static struct dhcp_port a_port(uint32_t port, uint32_t addr)
{
	return (struct dhcp_port){ .net = KIT_NET,
				   .port = port,
				   .addr = addr,
				   .mac = { { 2, 0, 0, 0, 0, (uint8_t)port } } };
}

START_TEST(server_of_nothing)
{
	static const struct siphash_key key = { { 1 } };
	static const struct dhcp_limits none = { 0 };
	static const struct dhcp_net_config config = { .serve = true };
	struct dhcp_port p = a_port(1, KIT_ADDR);
	struct dhcp_server *s;
	struct dhcp_action a;

	ck_ok(dhcp_server_new(&none, &key, &s));
	ck_assert_int_eq(dhcp_net_set(s, 0, &config), -ENOSPC);
	ck_assert_int_eq(dhcp_port_add(s, &p), -ENOSPC);
	ck_assert_ptr_null(dhcp_lease_by_port(s, 1));
	ck_assert_int_eq(dhcp_next(s), INT64_MAX);
	ck_assert(!dhcp_expire(s, INT64_MAX, &a));
	dhcp_server_free(s);
	dhcp_server_free(NULL);
}
END_TEST

START_TEST(net_limit)
{
	struct kit k CLEAN_KIT;

	kit_start(&k);
	ck_ok(dhcp_net_set(k.s, 0, &k.config));
	ck_assert_int_eq(dhcp_net_set(k.s, 2, &k.config), -ENOSPC);
	ck_assert_int_eq(dhcp_net_set(k.s, UINT32_MAX, &k.config), -ENOSPC);
}
END_TEST

START_TEST(added_port)
{
	struct kit k CLEAN_KIT;
	struct dhcp_port p = a_port(20, KIT_IP(10, 77, 0, 20));
	const struct dhcp_lease *l;

	kit_start(&k);
	p.hostname = "web";
	p.options = k.options;
	ck_ok(dhcp_port_add(k.s, &p));
	l = dhcp_lease_by_port(k.s, 20);
	ck_assert_ptr_nonnull(l);
	ck_assert_ptr_eq(dhcp_lease_by_addr(k.s, KIT_NET, p.addr), l);
	ck_assert(l->net == KIT_NET && l->addr == p.addr && l->port == 20);
	ck_assert(mac_equal(&l->mac, &p.mac));
	ck_assert_int_eq(l->state, DHCP_LEASE_FREE);
	ck_assert(l->expires == INT64_MAX && !l->discovered && !l->declines && !l->seconds);
	ck_assert(l->hostname == p.hostname && l->options == p.options);
	ck_assert_ptr_null(dhcp_lease_by_addr(k.s, 0, p.addr));
}
END_TEST

static const struct {
	const char *name;
	uint32_t net, port, addr;
	int rc;
} additions[] = {
	{ "port is there", KIT_NET, KIT_PORT, KIT_IP(10, 77, 0, 20), -EEXIST },
	{ "port is there in another network", 0, KIT_PORT, KIT_IP(10, 77, 0, 20), -EEXIST },
	{ "address is there", KIT_NET, 20, KIT_ADDR, -EEXIST },
	{ "both are there", KIT_NET, KIT_PORT, KIT_ADDR2, -EEXIST },
	{ "the address in another network", 0, 20, KIT_ADDR, 0 },
	{ "new", KIT_NET, 20, KIT_IP(10, 77, 0, 20), 0 },
	{ "number 0", KIT_NET, 0, KIT_IP(10, 77, 0, 20), 0 },
};

START_TEST(port_add)
{
	struct dhcp_port p = a_port(additions[_i].port, additions[_i].addr);
	struct kit k CLEAN_KIT;

	kit_start(&k);
	p.net = additions[_i].net;
	ck_assert_msg(dhcp_port_add(k.s, &p) == additions[_i].rc, "%s", additions[_i].name);
	ck_assert_uint_eq(dhcp_lease_by_port(k.s, KIT_PORT)->addr, KIT_ADDR);
	ck_assert_uint_eq(dhcp_lease_by_addr(k.s, KIT_NET, KIT_ADDR)->port, KIT_PORT);
	if (!additions[_i].rc)
		ck_assert_uint_eq(dhcp_lease_by_port(k.s, p.port)->addr, p.addr);
}
END_TEST

static void fill(struct kit *k)
{
	for (uint32_t i = 20; i < 20 + KIT_LEASES - 2; i++) {
		struct dhcp_port p = a_port(i, KIT_IP(10, 77, 1, i));

		ck_ok(dhcp_port_add(k->s, &p));
	}
}

START_TEST(table_full)
{
	struct dhcp_port p = a_port(99, KIT_IP(10, 77, 2, 1));
	struct dhcp_record r = { .net = KIT_NET, .addr = p.addr, .state = DHCP_LEASE_DECLINED };
	struct kit k CLEAN_KIT;

	kit_start(&k);
	fill(&k);
	ck_assert_int_eq(dhcp_port_add(k.s, &p), -ENOSPC);
	ck_assert_int_eq(dhcp_lease_restore(k.s, &r), -ENOSPC);
	ck_assert_int_eq(dhcp_port_move(k.s, KIT_PORT, p.addr), -ENOSPC);
	ck_assert_uint_eq(dhcp_lease_by_port(k.s, KIT_PORT)->addr, KIT_ADDR);
	ck_assert_ptr_null(dhcp_lease_by_addr(k.s, KIT_NET, p.addr));
	dhcp_port_del(k.s, 20);
	ck_ok(dhcp_port_add(k.s, &p));
}
END_TEST

/* A port that goes frees its address at once, whatever was promised (a short-lived guest). */
START_TEST(t_dhcp_118)
{
	struct dhcp_port next = a_port(20, KIT_ADDR);
	struct kit k CLEAN_KIT;

	kit_start(&k);
	kit_prepare(&k, states[_i].state);
	dhcp_port_del(k.s, KIT_PORT);
	ck_assert_ptr_null(dhcp_lease_by_port(k.s, KIT_PORT));
	if (states[_i].state == DHCP_LEASE_DECLINED) { /* somebody else uses it */
		ck_assert_int_eq(dhcp_port_add(k.s, &next), -EEXIST);
		next.mac = kit_mac;
		ck_ok(dhcp_port_add(k.s, &next)); /* the guest that said so is back */
		ck_assert_int_eq(dhcp_lease_by_port(k.s, 20)->state, DHCP_LEASE_DECLINED);
		dhcp_port_del(k.s, 20);
		kit_pass(&k, KIT_QUARANTINE);
	}
	ck_assert_ptr_null(dhcp_lease_by_addr(k.s, KIT_NET, KIT_ADDR));
	ck_assert_int_eq(dhcp_next(k.s), INT64_MAX);
	ck_ok(dhcp_port_add(k.s, &next));
	k.port = 20;
	kit_expect_service(&k);
	dhcp_port_del(k.s, KIT_PORT); /* again: nothing happens */
	ck_assert_ptr_nonnull(dhcp_lease_by_addr(k.s, KIT_NET, KIT_ADDR));
}
END_TEST

START_TEST(ten_thousand_short_guests)
{
	struct kit k CLEAN_KIT;

	kit_start(&k);
	for (uint32_t i = 0; i < 10000; i++) {
		struct dhcp_port p = a_port(1000 + i, KIT_IP(10, 77, 0, 100));

		ck_ok(dhcp_port_add(k.s, &p));
		k.port = p.port;
		kit_prepare(&k, DHCP_LEASE_BOUND);
		dhcp_port_del(k.s, p.port);
	}
}
END_TEST

START_TEST(port_update)
{
	struct dhcp_port p = a_port(KIT_PORT, KIT_ADDR2);
	struct kit k CLEAN_KIT;
	struct dhcp_lease before;
	const struct dhcp_lease *l;

	kit_start(&k);
	kit_prepare(&k, DHCP_LEASE_BOUND);
	l = dhcp_lease_by_port(k.s, KIT_PORT);
	before = *l;
	p.hostname = "web";
	p.options = k.options;
	dhcp_port_update(k.s, &p);
	ck_assert(l->hostname == p.hostname && l->options == p.options);
	ck_assert(l->addr == KIT_ADDR && mac_equal(&l->mac, &kit_mac));
	ck_assert(l->state == before.state && l->expires == before.expires);
	p.port = 99;
	dhcp_port_update(k.s, &p);
	ck_assert_ptr_null(dhcp_lease_by_port(k.s, 99));
}
END_TEST

/* --- moving --- */

static const struct {
	const char *name;
	uint32_t port, addr;
	int rc;
} moves[] = {
	{ "no such port", 99, KIT_IP(10, 77, 0, 20), -ENOENT },
	{ "another's address", KIT_PORT, KIT_ADDR2, -EEXIST },
	{ "a free address", KIT_PORT, KIT_IP(10, 77, 0, 20), 0 },
};

START_TEST(port_move)
{
	struct kit k CLEAN_KIT;
	const struct dhcp_lease *l;

	kit_start(&k);
	kit_prepare(&k, DHCP_LEASE_BOUND);
	ck_assert_int_eq(dhcp_port_move(k.s, moves[_i].port, moves[_i].addr), moves[_i].rc);
	l = dhcp_lease_by_port(k.s, KIT_PORT);
	ck_assert_ptr_nonnull(l);
	ck_assert_uint_eq(l->addr, moves[_i].rc ? KIT_ADDR : moves[_i].addr);
	ck_assert_int_eq(l->state, moves[_i].rc ? DHCP_LEASE_BOUND : DHCP_LEASE_FREE);
	if (moves[_i].rc)
		return;
	ck_assert_ptr_null(dhcp_lease_by_addr(k.s, KIT_NET, KIT_ADDR));
	ck_assert(mac_equal(&l->mac, &kit_mac));
	kit_expect_service(&k);
}
END_TEST

/* What the port is stays with it; what was declined stays out of use. */
START_TEST(move_from_declined)
{
	struct dhcp_port p = a_port(KIT_PORT, KIT_ADDR), other = a_port(30, KIT_ADDR);
	struct kit k CLEAN_KIT;
	const struct dhcp_lease *l;

	kit_start(&k);
	p.hostname = "web";
	p.options = k.options;
	dhcp_port_update(k.s, &p);
	kit_prepare(&k, DHCP_LEASE_DECLINED);
	ck_ok(dhcp_port_move(k.s, KIT_PORT, KIT_IP(10, 77, 0, 20)));
	l = dhcp_lease_by_port(k.s, KIT_PORT);
	ck_assert(l->hostname == p.hostname && l->options == p.options && l->declines == 1);
	l = dhcp_lease_by_addr(k.s, KIT_NET, KIT_ADDR);
	ck_assert(l && l->port == DHCP_PORT_NONE && l->state == DHCP_LEASE_DECLINED);
	ck_assert(!l->hostname && !l->options);
	ck_assert_int_eq(dhcp_port_add(k.s, &other), -EEXIST);
	kit_expect_service(&k);
	kit_pass(&k, KIT_QUARANTINE);
	ck_assert_ptr_null(dhcp_lease_by_addr(k.s, KIT_NET, KIT_ADDR));
	ck_ok(dhcp_port_add(k.s, &other));
}
END_TEST

/* --- taking back --- */

static void expect_same(const struct dhcp_lease *l, const struct dhcp_lease *before)
{
	ck_assert_ptr_nonnull(l);
	ck_assert(l->net == before->net && l->addr == before->addr && l->port == before->port);
	ck_assert(mac_equal(&l->mac, &before->mac));
	ck_assert_int_eq(l->state, before->state);
	ck_assert_uint_eq(l->seconds, before->seconds);
	ck_assert_int_eq(l->started, before->started);
	ck_assert_int_eq(l->expires, before->expires);
	ck_assert_int_eq(l->discovered, before->discovered);
	ck_assert_uint_eq(l->xid, before->xid);
	ck_assert_uint_eq(l->declines, before->declines);
	ck_assert(l->hostname == before->hostname && l->options == before->options);
}

static const struct {
	enum dhcp_lease_state from;
	enum dhcp_change change;
} undone[] = {
	{ DHCP_LEASE_FREE, DHCP_CHANGE_OFFERED },    { DHCP_LEASE_RELEASED, DHCP_CHANGE_OFFERED },
	{ DHCP_LEASE_EXPIRED, DHCP_CHANGE_OFFERED }, { DHCP_LEASE_BOUND, DHCP_CHANGE_OFFERED },
	{ DHCP_LEASE_OFFERED, DHCP_CHANGE_BOUND },   { DHCP_LEASE_FREE, DHCP_CHANGE_BOUND },
	{ DHCP_LEASE_EXPIRED, DHCP_CHANGE_BOUND },   { DHCP_LEASE_BOUND, DHCP_CHANGE_RENEWED },
	{ DHCP_LEASE_BOUND, DHCP_CHANGE_RELEASED },  { DHCP_LEASE_OFFERED, DHCP_CHANGE_RELEASED },
	{ DHCP_LEASE_BOUND, DHCP_CHANGE_DECLINED },  { DHCP_LEASE_OFFERED, DHCP_CHANGE_DECLINED },
	{ DHCP_LEASE_FREE, DHCP_CHANGE_CONFLICT },   { DHCP_LEASE_OFFERED, DHCP_CHANGE_CONFLICT },
	{ DHCP_LEASE_BOUND, DHCP_CHANGE_EXPIRED },   { DHCP_LEASE_DECLINED, DHCP_CHANGE_FREED },
};

/* The message or the time that makes this change, which is in k->action then. */
static void cause(struct kit *k, enum dhcp_change change)
{
	switch (change) {
	case DHCP_CHANGE_OFFERED:
		kit_discover(k);
		break;
	case DHCP_CHANGE_BOUND:
		kit_request(k, 0, KIT_ADDR, 0);
		break;
	case DHCP_CHANGE_RENEWED:
		kit_request(k, 0, 0, KIT_ADDR);
		break;
	case DHCP_CHANGE_RELEASED:
		kit_release(k, KIT_SERVER, KIT_ADDR);
		break;
	case DHCP_CHANGE_DECLINED:
		kit_decline(k, KIT_SERVER, KIT_ADDR);
		break;
	case DHCP_CHANGE_CONFLICT:
		ck_assert(dhcp_port_conflict(k->s, KIT_PORT, k->now, &k->action));
		break;
	case DHCP_CHANGE_EXPIRED:
	case DHCP_CHANGE_FREED:
		ck_assert(dhcp_expire(k->s, dhcp_next(k->s), &k->action));
		break;
	case DHCP_CHANGE_NONE:
		break;
	}
}

START_TEST(undo)
{
	struct kit k CLEAN_KIT;
	struct dhcp_lease before;
	int64_t next;

	kit_start(&k);
	kit_prepare(&k, undone[_i].from);
	k.now += 60 * KIT_SECOND;
	before = *kit_lease(&k);
	next = dhcp_next(k.s);
	cause(&k, undone[_i].change);
	ck_assert_int_eq(k.action.change, undone[_i].change);
	dhcp_undo(k.s, &k.action);
	expect_same(kit_lease(&k), &before);
	ck_assert_int_eq(dhcp_next(k.s), next);
}
END_TEST

/* An answer without a change leaves nothing to take back. */
START_TEST(undo_of_nothing)
{
	struct kit k CLEAN_KIT;
	struct dhcp_lease before;

	kit_start(&k);
	kit_prepare(&k, DHCP_LEASE_BOUND);
	before = *kit_lease(&k);
	kit_inform(&k, KIT_ADDR);
	ck_assert_int_eq(k.action.change, DHCP_CHANGE_NONE);
	dhcp_undo(k.s, &k.action);
	expect_same(kit_lease(&k), &before);
}
END_TEST

/* Several actions of one turn, taken back last first. */
START_TEST(undo_in_reverse)
{
	enum { STEPS = 4 };
	static const enum dhcp_change steps[STEPS] = { DHCP_CHANGE_OFFERED, DHCP_CHANGE_BOUND,
						       DHCP_CHANGE_RELEASED, DHCP_CHANGE_OFFERED };
	struct dhcp_action done[STEPS];
	struct kit k CLEAN_KIT;
	struct dhcp_lease before;

	kit_start(&k);
	before = *kit_lease(&k);
	for (unsigned i = 0; i < STEPS; i++) {
		cause(&k, steps[i]);
		done[i] = k.action;
	}
	for (unsigned i = STEPS; i-- > 0;)
		dhcp_undo(k.s, &done[i]);
	expect_same(kit_lease(&k), &before);
	ck_assert_int_eq(dhcp_next(k.s), INT64_MAX);
}
END_TEST

START_TEST(undo_after_move)
{
	uint32_t away = KIT_IP(10, 77, 0, 20);
	struct dhcp_port p = a_port(KIT_PORT, KIT_ADDR);
	struct kit k CLEAN_KIT;
	struct dhcp_lease before;

	kit_start(&k);
	p.hostname = "web";
	p.options = k.options;
	dhcp_port_update(k.s, &p);
	kit_prepare(&k, DHCP_LEASE_BOUND);
	before = *kit_lease(&k);
	kit_decline(&k, KIT_SERVER, KIT_ADDR);
	ck_ok(dhcp_port_move(k.s, KIT_PORT, away));
	dhcp_undo(k.s, &k.action);
	expect_same(kit_lease(&k), &before);
	ck_assert_ptr_null(dhcp_lease_by_addr(k.s, KIT_NET, away));
	ck_assert_int_eq(dhcp_next(k.s), before.expires);
	ck_ok(dhcp_port_move(k.s, KIT_PORT, away));
	kit_expect_service(&k);
}
END_TEST

/* The port may have gone, and its number or address be another's, before storing fails. */
START_TEST(undo_without_the_port)
{
	struct kit k CLEAN_KIT;
	struct dhcp_port p = a_port(KIT_PORT, KIT_IP(10, 77, 0, 30));

	kit_start(&k);
	kit_prepare(&k, DHCP_LEASE_BOUND);
	kit_decline(&k, KIT_SERVER, KIT_ADDR);
	ck_ok(dhcp_port_move(k.s, KIT_PORT, KIT_IP(10, 77, 0, 20)));
	dhcp_port_del(k.s, KIT_PORT);
	dhcp_undo(k.s, &k.action);
	ck_assert_ptr_null(dhcp_lease_by_port(k.s, KIT_PORT));
	ck_ok(dhcp_port_add(k.s, &p));
	kit_expect_service(&k);
}
END_TEST

START_TEST(undo_with_the_address_given_away)
{
	struct kit k CLEAN_KIT;
	struct dhcp_port other = a_port(30, KIT_ADDR);

	kit_start(&k);
	kit_prepare(&k, DHCP_LEASE_BOUND);
	ck_ok(dhcp_port_move(k.s, KIT_PORT, KIT_IP(10, 77, 0, 20)));
	ck_ok(dhcp_port_add(k.s, &other));
	dhcp_undo(k.s, &k.action);
	ck_assert_uint_eq(dhcp_lease_by_addr(k.s, KIT_NET, KIT_ADDR)->port, 30);
	ck_assert_uint_eq(dhcp_lease_by_port(k.s, 30)->addr, KIT_ADDR);
	ck_assert_uint_eq(dhcp_lease_by_port(k.s, KIT_PORT)->addr, KIT_IP(10, 77, 0, 20));
}
END_TEST

/* --- what was stored --- */

START_TEST(restore)
{
	struct dhcp_record r = { .net = KIT_NET,
				 .addr = KIT_ADDR,
				 .port = KIT_PORT,
				 .mac = kit_mac,
				 .state = states[_i].state,
				 .seconds = 1234,
				 .started = 5 * KIT_SECOND,
				 .expires = 2000 * KIT_SECOND };
	bool ends = r.state == DHCP_LEASE_BOUND || r.state == DHCP_LEASE_DECLINED ||
		    r.state == DHCP_LEASE_OFFERED;
	struct kit k CLEAN_KIT;
	const struct dhcp_lease *l;

	kit_start(&k);
	ck_ok(dhcp_lease_restore(k.s, &r));
	l = dhcp_lease_by_port(k.s, KIT_PORT);
	ck_assert_int_eq(l->state, r.state);
	ck_assert_uint_eq(l->seconds, 1234);
	ck_assert_int_eq(l->started, r.started);
	ck_assert_int_eq(l->expires, ends ? r.expires : INT64_MAX);
	ck_assert_int_eq(dhcp_next(k.s), ends ? r.expires : INT64_MAX);
	/* Of one that had the address before it became this port's. */
	r.mac = kit_mac2;
	ck_assert_int_eq(dhcp_lease_restore(k.s, &r), -EEXIST);
	r.mac = kit_mac;
	r.port = KIT_PORT2;
	ck_assert_int_eq(dhcp_lease_restore(k.s, &r), -EEXIST);
}
END_TEST

/* Of an address that nobody has, only a quarantine is worth remembering. */
START_TEST(restore_without_a_port)
{
	struct dhcp_record r = { .net = KIT_NET,
				 .addr = KIT_IP(10, 77, 0, 30),
				 .state = states[_i].state,
				 .mac = kit_mac,
				 .expires = 2000 * KIT_SECOND };
	bool declined = r.state == DHCP_LEASE_DECLINED;
	struct kit k CLEAN_KIT;
	const struct dhcp_lease *l;

	kit_start(&k);
	ck_assert_int_eq(dhcp_lease_restore(k.s, &r), declined ? 0 : -ENOENT);
	l = dhcp_lease_by_addr(k.s, r.net, r.addr);
	ck_assert_int_eq(l != NULL, declined);
	if (!declined)
		return;
	ck_assert_uint_eq(l->port, DHCP_PORT_NONE);
	ck_assert_ptr_null(dhcp_lease_by_port(k.s, DHCP_PORT_NONE));
	ck_ok(dhcp_lease_restore(k.s, &r)); /* of one in quarantine: the same again */
	ck_assert_int_eq(dhcp_next(k.s), r.expires);
}
END_TEST

/* A restart finds the quarantine as it was (RFC 2131 4.3.3). */
START_TEST(t_dhcp_084)
{
	struct kit before CLEAN_KIT, after CLEAN_KIT;
	struct dhcp_action a;

	kit_start(&before);
	kit_start(&after);
	kit_prepare(&before, DHCP_LEASE_DECLINED);
	ck_assert(before.action.store);
	ck_assert_int_eq(before.action.record.state, DHCP_LEASE_DECLINED);
	ck_ok(dhcp_lease_restore(after.s, &before.action.record));
	kit_discover(&after);
	kit_expect_drop(&after, DHCP_DROP_QUARANTINE, "restored");
	after.now += KIT_QUARANTINE * KIT_SECOND - 1;
	ck_assert(!dhcp_expire(after.s, after.now, &a));
	after.now++;
	ck_assert(dhcp_expire(after.s, after.now, &a));
	ck_assert_int_eq(a.change, DHCP_CHANGE_FREED);
	kit_expect_service(&after);
}
END_TEST

/* --- what ends by itself --- */

START_TEST(t_dhcp_027)
{
	struct kit k CLEAN_KIT;
	struct dhcp_action a;

	kit_start(&k);
	kit_discover(&k);
	ck_assert(!k.action.store);
	ck_assert_int_eq(dhcp_next(k.s), k.now + KIT_OFFER_HOLD * KIT_SECOND);
	ck_assert(!dhcp_expire(k.s, dhcp_next(k.s) - 1, &a));
	ck_assert(dhcp_expire(k.s, dhcp_next(k.s), &a));
	ck_assert(a.change == DHCP_CHANGE_NONE && !a.store);
	ck_assert_int_eq(kit_lease(&k)->state, DHCP_LEASE_FREE);
	ck_assert_int_eq(dhcp_next(k.s), INT64_MAX);
}
END_TEST

static const struct {
	enum dhcp_lease_state state, after;
	enum dhcp_change change;
	int64_t seconds;
} expiries[] = {
	{ DHCP_LEASE_BOUND, DHCP_LEASE_EXPIRED, DHCP_CHANGE_EXPIRED, KIT_LEASE_TIME },
	{ DHCP_LEASE_DECLINED, DHCP_LEASE_FREE, DHCP_CHANGE_FREED, KIT_QUARANTINE },
};

START_TEST(expire)
{
	struct kit k CLEAN_KIT;
	struct dhcp_lease before;
	struct dhcp_action a;

	kit_start(&k);
	kit_prepare(&k, expiries[_i].state);
	before = *kit_lease(&k);
	ck_assert_int_eq(dhcp_next(k.s), k.now + expiries[_i].seconds * KIT_SECOND);
	ck_assert(!dhcp_expire(k.s, dhcp_next(k.s) - 1, &a));
	ck_assert(dhcp_expire(k.s, dhcp_next(k.s), &a));
	ck_assert(a.change == expiries[_i].change && a.store && !a.reply && !a.drop);
	ck_assert_int_eq(a.exchange, -1);
	expect_same(&a.before, &before);
	ck_assert(a.record.port == KIT_PORT && a.record.addr == KIT_ADDR);
	ck_assert(a.record.net == KIT_NET && mac_equal(&a.record.mac, &kit_mac));
	ck_assert_int_eq(a.record.state, expiries[_i].after);
	ck_assert_int_eq(a.record.expires, INT64_MAX);
	ck_assert_int_eq(kit_lease(&k)->state, expiries[_i].after);
	ck_assert(!dhcp_expire(k.s, INT64_MAX - 1, &a));
}
END_TEST

/* The end of a quarantine of nobody's address removes it, and still has its record. */
START_TEST(expire_without_a_port)
{
	struct kit k CLEAN_KIT;
	struct dhcp_action a;

	kit_start(&k);
	kit_prepare(&k, DHCP_LEASE_DECLINED);
	ck_ok(dhcp_port_move(k.s, KIT_PORT, KIT_IP(10, 77, 0, 20)));
	ck_assert(dhcp_expire(k.s, dhcp_next(k.s), &a));
	ck_assert(a.change == DHCP_CHANGE_FREED && a.store);
	ck_assert(a.record.addr == KIT_ADDR && a.record.port == DHCP_PORT_NONE);
	ck_assert_ptr_null(dhcp_lease_by_addr(k.s, KIT_NET, KIT_ADDR));
	ck_assert_int_eq(dhcp_next(k.s), INT64_MAX);
}
END_TEST

/* Times far beyond what 32 bits of seconds hold, and leases without an end. */
static const struct {
	int64_t now;
	uint32_t time;
	int64_t expires;
} ages[] = {
	{ (INT64_C(1) << 31) * KIT_SECOND, 3600, ((INT64_C(1) << 31) + 3600) * KIT_SECOND },
	{ (INT64_C(1) << 32) * KIT_SECOND, 3600, ((INT64_C(1) << 32) + 3600) * KIT_SECOND },
	{ 5, 0x7fffffff, 5 + INT64_C(0x7fffffff) * KIT_SECOND },
	{ 5, 0x80000000, 5 + INT64_C(0x80000000) * KIT_SECOND },
	{ 5, 0xfffffffe, 5 + INT64_C(0xfffffffe) * KIT_SECOND },
	{ 5, DHCP_INFINITE, INT64_MAX },
};

START_TEST(t_dhcp_096)
{
	struct kit k CLEAN_KIT;
	struct dhcp_action a;

	kit_start(&k);
	k.now = ages[_i].now;
	k.config.lease_time = ages[_i].time;
	k.config.max_lease_time = DHCP_INFINITE;
	kit_configure(&k);
	kit_prepare(&k, DHCP_LEASE_BOUND);
	ck_assert_uint_eq(kit_u32(&k, 51), ages[_i].time);
	ck_assert_int_eq(kit_lease(&k)->expires, ages[_i].expires);
	ck_assert_int_eq(dhcp_next(k.s), ages[_i].expires);
	ck_assert(!dhcp_expire(k.s, ages[_i].expires - 1, &a));
	ck_assert_int_eq(dhcp_expire(k.s, ages[_i].expires, &a), ages[_i].expires != INT64_MAX);
}
END_TEST

/* --- the end of a port's device --- */

static const struct {
	enum dhcp_lease_state state, after;
	bool ended;
} ends[] = {
	{ DHCP_LEASE_FREE, DHCP_LEASE_FREE, false },
	{ DHCP_LEASE_OFFERED, DHCP_LEASE_FREE, false },
	{ DHCP_LEASE_BOUND, DHCP_LEASE_RELEASED, true },
	{ DHCP_LEASE_RELEASED, DHCP_LEASE_RELEASED, false },
	{ DHCP_LEASE_EXPIRED, DHCP_LEASE_EXPIRED, false },
	{ DHCP_LEASE_DECLINED, DHCP_LEASE_DECLINED, false },
};

START_TEST(port_end)
{
	struct kit k CLEAN_KIT;
	struct dhcp_lease before;
	struct dhcp_action a;
	int64_t next;

	kit_start(&k);
	kit_prepare(&k, ends[_i].state);
	before = *kit_lease(&k);
	next = dhcp_next(k.s);
	ck_assert_int_eq(dhcp_port_end(k.s, KIT_PORT, &a), ends[_i].ended);
	ck_assert_int_eq(kit_lease(&k)->state, ends[_i].after);
	ck_assert_int_eq(dhcp_next(k.s), ends[_i].state == ends[_i].after ? next : INT64_MAX);
	if (!ends[_i].ended)
		return;
	ck_assert(a.change == DHCP_CHANGE_RELEASED && a.store && a.exchange == -1);
	ck_assert(a.record.state == DHCP_LEASE_RELEASED && a.record.addr == KIT_ADDR);
	dhcp_undo(k.s, &a);
	expect_same(kit_lease(&k), &before);
}
END_TEST

/* What the device asked before it went is no part of what the next one asks. */
START_TEST(end_ends_the_exchange)
{
	struct kit k CLEAN_KIT;
	struct dhcp_action a;

	kit_start(&k);
	kit_prepare(&k, DHCP_LEASE_OFFERED);
	ck_assert(!dhcp_port_end(k.s, KIT_PORT, &a));
	k.now += KIT_SECOND;
	kit_request(&k, 0, KIT_ADDR, 0);
	kit_expect(&k, DHCP_ACK, "INIT-REBOOT");
	ck_assert_int_eq(k.action.exchange, -1);
}
END_TEST

START_TEST(end_of_no_port)
{
	struct kit k CLEAN_KIT;
	struct dhcp_action a;

	kit_start(&k);
	ck_assert(!dhcp_port_end(k.s, 99, &a));
}
END_TEST

UNIT_SUITE(dhcp_lease)
{
	tcase_add_loop_test(tc, state_names, 0, ARRAY_SIZE(states));
	tcase_add_test(tc, state_names_that_are_none);
	tcase_add_test(tc, server_of_nothing);
	tcase_add_test(tc, net_limit);
	tcase_add_test(tc, added_port);
	tcase_add_loop_test(tc, port_add, 0, ARRAY_SIZE(additions));
	tcase_add_test(tc, table_full);
	tcase_add_loop_test(tc, t_dhcp_118, 0, ARRAY_SIZE(states));
	tcase_add_test(tc, ten_thousand_short_guests);
	tcase_add_test(tc, port_update);
	tcase_add_loop_test(tc, port_move, 0, ARRAY_SIZE(moves));
	tcase_add_test(tc, move_from_declined);
	tcase_add_loop_test(tc, undo, 0, ARRAY_SIZE(undone));
	tcase_add_test(tc, undo_of_nothing);
	tcase_add_test(tc, undo_in_reverse);
	tcase_add_test(tc, undo_after_move);
	tcase_add_test(tc, undo_without_the_port);
	tcase_add_test(tc, undo_with_the_address_given_away);
	tcase_add_loop_test(tc, restore, 0, ARRAY_SIZE(states));
	tcase_add_loop_test(tc, restore_without_a_port, 0, ARRAY_SIZE(states));
	tcase_add_test(tc, t_dhcp_084);
	tcase_add_test(tc, t_dhcp_027);
	tcase_add_loop_test(tc, expire, 0, ARRAY_SIZE(expiries));
	tcase_add_test(tc, expire_without_a_port);
	tcase_add_loop_test(tc, t_dhcp_096, 0, ARRAY_SIZE(ages));
	tcase_add_loop_test(tc, port_end, 0, ARRAY_SIZE(ends));
	tcase_add_test(tc, end_ends_the_exchange);
	tcase_add_test(tc, end_of_no_port);
}

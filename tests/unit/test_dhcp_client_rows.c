/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Clients behind ports whose leases come from rows: which of these counts, and whose it is. */
#include "client_kit.h"

START_TEST(restored)
{
	static const uint8_t id[] = { 0xff, 0x0a };
	struct net n CLEAN_NET;
	struct dhcp_record r = { .net = KIT_NET,
				 .addr = LAST,
				 .port = SHARED,
				 .state = DHCP_LEASE_BOUND,
				 .seconds = 3600,
				 .mac = { { 0x52, 0x54, 0, 0, 0, 1 } },
				 .client_id = id,
				 .client_id_len = sizeof(id) };

	net_start(&n, DHCP_IDENTITY_CLIENT_ID);
	r.started = n.k.now;
	r.expires = n.k.now + 3600 * KIT_SECOND;
	ck_ok(dhcp_lease_restore(n.k.s, &r));
	ck_assert_uint_eq(request(&n, &anna, 0, 0, LAST), LAST);
	ck_assert_int_eq(n.k.action.change, DHCP_CHANGE_RENEWED);
	r.addr = LAST + 1; /* in no pool */
	ck_assert_int_eq(dhcp_lease_restore(n.k.s, &r), -EEXIST);
	n.k.config.identity = DHCP_IDENTITY_PORT;
	kit_configure(&n.k);
	r.addr = FIRST;
	r.port = KIT_PORT;
	ck_assert_int_eq(dhcp_lease_restore(n.k.s, &r), -ENOENT);
	check_pool(&n);
}
END_TEST

/* One client, two rows: it had the one address before it got the other, and nobody has taken that
 * since. Whichever is read first, what counts is the one that runs. */
START_TEST(restored_twice)
{
	static const uint8_t id[] = { 0xff, 0x0a };
	enum dhcp_identity identity = _i & 1 ? DHCP_IDENTITY_MAC : DHCP_IDENTITY_CLIENT_ID;
	unsigned running = _i >> 1 & 1;
	struct net n CLEAN_NET;

	net_start(&n, identity);
	for (unsigned row = 0; row < 2; row++) {
		bool runs = row == running;
		struct dhcp_record r = { .net = KIT_NET,
					 .addr = runs ? LAST : FIRST,
					 .port = SHARED,
					 .state = runs ? DHCP_LEASE_BOUND : DHCP_LEASE_EXPIRED,
					 .seconds = 3600,
					 .mac = { { 0x52, 0x54, 0, 0, 0, 1 } },
					 .client_id = id,
					 .client_id_len = sizeof(id),
					 .started = n.k.now,
					 .expires = n.k.now + 3600 * KIT_SECOND };

		ck_assert_int_eq(dhcp_lease_restore(n.k.s, &r), row && !runs ? -EEXIST : 0);
	}
	ck_assert_uint_eq(request(&n, &anna, 0, 0, LAST), LAST);
	ck_assert_int_eq(n.k.action.change, DHCP_CHANGE_RENEWED);
	ck_assert_uint_eq(dhcp_pool_used(n.pool), 1);
	check_pool(&n);
}
END_TEST

/* A row that says a client is bound, or not. */
static struct dhcp_record row_of(const struct net *n, const struct who *w, uint32_t addr,
				 enum dhcp_lease_state state, int64_t started)
{
	static uint8_t id[2];

	kit_hex(w->id, id, sizeof(id));
	return (struct dhcp_record){ .net = KIT_NET,
				     .addr = addr,
				     .port = w->port,
				     .state = state,
				     .seconds = KIT_LEASE_TIME,
				     .mac = { { 0x52, 0x54, 0, 0, 0, w->card } },
				     .client_id = id,
				     .client_id_len = sizeof(id),
				     .started = started,
				     .expires = n->k.now + KIT_LEASE_TIME * KIT_SECOND };
}

/* Both rows of one client say that it runs, since the end of the first could not be stored: the
 * later one is true, in whichever order they are read. */
START_TEST(restored_twice_running)
{
	struct net n CLEAN_NET;

	net_start(&n, DHCP_IDENTITY_CLIENT_ID);
	for (int row = 0; row < 2; row++) {
		bool later = row == _i;
		struct dhcp_record r = row_of(&n, &anna, later ? LAST : FIRST, DHCP_LEASE_BOUND,
					      n.k.now - 600 * KIT_SECOND + later);

		ck_assert_int_eq(dhcp_lease_restore(n.k.s, &r), row && !later ? -EEXIST : 0);
	}
	ck_assert_uint_eq(request(&n, &anna, 0, 0, LAST), LAST);
	ck_assert_int_eq(n.k.action.change, DHCP_CHANGE_RENEWED);
	check_pool(&n);
}
END_TEST

/* What is bound finds room, whatever a table as small as this had to remember. */
START_TEST(restored_into_a_full_table)
{
	static const struct who *const ended[] = { &berta, &clara };
	static const struct siphash_key key = { "fixed for tests" };
	static const struct dhcp_limits limits = { .nets = 2, .leases = 4, .clients = 2 };
	struct dhcp_port shared = { .net = KIT_NET, .port = SHARED };
	struct net n CLEAN_NET;
	struct dhcp_record r;

	net_start(&n, DHCP_IDENTITY_CLIENT_ID);
	dhcp_server_free(n.k.s);
	ck_ok(dhcp_server_new(&limits, &key, &n.k.s));
	kit_configure(&n.k);
	ck_ok(dhcp_port_add(n.k.s, &shared));
	for (unsigned i = 0; i < 2; i++) {
		r = row_of(&n, ended[i], FIRST + i, DHCP_LEASE_EXPIRED, 1);
		ck_ok(dhcp_lease_restore(n.k.s, &r));
	}
	r = row_of(&n, &anna, LAST, DHCP_LEASE_BOUND, 1);
	ck_ok(dhcp_lease_restore(n.k.s, &r));
	ck_assert_uint_eq(request(&n, &anna, 0, 0, LAST), LAST);
	/* And the ports have their places in the table for themselves. */
	ck_assert_uint_ne(lease(&n, &berta), 0);
	ck_assert_uint_eq(discover(&n, &clara, 0), 0);
	kit_expect_drop(&n.k, DHCP_DROP_NO_ADDRESS, "a third client");
	shared.port = SHARED2;
	ck_ok(dhcp_port_add(n.k.s, &shared));
	check_pool(&n);
}
END_TEST

/* What was believed of an interface of the host is not for a guest to take over after a start, when
 * its port is not known: by card and identifier anybody can say who he is. */
START_TEST(restored_behind_an_interface)
{
	static const struct who twin = { SHARED, 4, "ff0d", NULL };
	struct dhcp_port trusted = { .net = KIT_NET, .port = SHARED2, .trusted = true };
	struct net n CLEAN_NET;
	struct dhcp_record r;

	net_start(&n, _i ? DHCP_IDENTITY_MAC : DHCP_IDENTITY_CLIENT_ID);
	dhcp_port_update(n.k.s, &trusted);
	r = row_of(&n, &dora, LAST, DHCP_LEASE_BOUND, 1);
	r.port = DHCP_PORT_NONE;
	ck_ok(dhcp_lease_restore(n.k.s, &r));
	ck_assert_uint_ne(lease(&n, &twin), LAST);
	ck_assert_uint_eq(request(&n, &dora, 0, 0, LAST), LAST);
	ck_assert_uint_eq(discover(&n, &dora, 0), LAST);
	check_pool(&n);
}
END_TEST

/* Of two with one identifier, the one that has the address that is reserved for it has that again,
 * whichever is read first. */
START_TEST(restored_clone_of_a_reservation)
{
	static const uint8_t id[] = { 0xff, 0x0a };
	static const struct who twin = { SHARED2, 9, "ff0a", NULL };
	static const struct dhcp_host host = { .addr = FIRST, .client_id = id, .client_id_len = 2 };
	struct net n CLEAN_NET;

	net_start(&n, DHCP_IDENTITY_CLIENT_ID);
	net_reserve(&n, &host, 1);
	for (int row = 0; row < 2; row++) {
		bool meant = row == _i;
		struct dhcp_record r = row_of(&n, meant ? &anna : &twin, meant ? FIRST : LAST,
					      DHCP_LEASE_BOUND, n.k.now - KIT_SECOND);

		ck_ok(dhcp_lease_restore(n.k.s, &r));
	}
	ck_assert_uint_eq(request(&n, &anna, 0, 0, FIRST), FIRST);
	ck_assert_int_eq(n.k.action.reply, DHCP_ACK);
	ck_assert_uint_eq(request(&n, &twin, 0, 0, LAST), LAST);
	ck_assert_int_eq(n.k.action.reply, DHCP_ACK);
	check_pool(&n);
}
END_TEST

/* And a row of what it had before, whose end was not stored, does not come between. */
START_TEST(restored_twice_beside_a_clone)
{
	static const uint8_t id[] = { 0xff, 0x0a };
	static const struct who twin = { SHARED2, 9, "ff0a", NULL };
	static const struct dhcp_host host = { .addr = FIRST, .client_id = id, .client_id_len = 2 };
	static const struct who *const who[] = { &twin, &anna, &anna };
	static const uint32_t addr[] = { LAST, FIRST + 1, FIRST };
	struct net n CLEAN_NET;

	net_start(&n, DHCP_IDENTITY_CLIENT_ID);
	net_reserve(&n, &host, 1);
	for (int row = 0; row < 3; row++) {
		struct dhcp_record r = row_of(&n, who[row], addr[row], DHCP_LEASE_BOUND,
					      n.k.now - (9 - row) * KIT_SECOND);

		ck_ok(dhcp_lease_restore(n.k.s, &r));
	}
	ck_assert_uint_eq(discover(&n, &anna, 0), FIRST);
	ck_assert_uint_eq(request(&n, &anna, 0, 0, FIRST), FIRST);
	ck_assert_uint_eq(request(&n, &twin, 0, 0, LAST), LAST);
	check_pool(&n);
}
END_TEST

UNIT_SUITE(dhcp_client_rows)
{
	tcase_add_test(tc, restored);
	tcase_add_loop_test(tc, restored_twice_running, 0, 2);
	tcase_add_test(tc, restored_into_a_full_table);
	tcase_add_loop_test(tc, restored_behind_an_interface, 0, 2);
	tcase_add_loop_test(tc, restored_twice, 0, 4);
	tcase_add_loop_test(tc, restored_clone_of_a_reservation, 0, 2);
	tcase_add_test(tc, restored_twice_beside_a_clone);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Clients and a pool that grows, that is configured anew, and whose leases outlive their port. */
#include "client_kit.h"

/* FIRST and LAST of the kit, and what comes after them. */
#define SECOND KIT_IP(10, 77, 0, 200)
#define THIRD KIT_IP(10, 77, 0, 220)

static const struct ip4_range stages[] = { { FIRST, LAST }, { SECOND, SECOND }, { THIRD, THIRD } };
static const unsigned upto[] = { 1, 2, 3 };

static struct dhcp_pool *new_pool(void)
{
	struct dhcp_pool *p;

	ck_ok(dhcp_pool_new(stages, ARRAY_SIZE(stages), &p));
	dhcp_pool_stage(p, upto, ARRAY_SIZE(upto));
	return p;
}

/* The network has this pool from now on, as after a reload. */
static void replace_pool(struct net *n, struct dhcp_pool *pool)
{
	struct dhcp_pool *old = n->pool;

	n->pool = n->k.config.pool = pool;
	kit_configure(&n->k);
	dhcp_pool_free(old);
}

static void fill_first_stage(struct net *n, uint32_t addr[POOL])
{
	static const struct who *const all[] = { &anna, &berta, &clara, &dora };

	for (unsigned i = 0; i < POOL; i++) {
		addr[i] = lease(n, all[i]);
		ck_assert(addr[i] >= FIRST && addr[i] <= LAST);
	}
}

/* --- who goes first --- */

/* Whose lease ended first, in whatever way; who has come back since is the last again. */
START_TEST(reclaimed_in_order)
{
	static const unsigned order[] = { 3, 1, 0, 2 };
	struct net n CLEAN_NET;
	struct dhcp_action a;
	uint32_t addr[POOL];

	net_start(&n, DHCP_IDENTITY_MAC);
	fill_first_stage(&n, addr);
	ck_assert(!dhcp_reclaim(n.k.s, KIT_NET));
	release(&n, &clara, addr[2]);
	ck_assert(dhcp_port_end(n.k.s, SHARED2, &a)); /* Dora */
	release(&n, &berta, addr[1]);
	ck_assert_uint_eq(request(&n, &clara, 0, addr[2], 0), addr[2]);
	kit_pass(&n.k, 1);
	ck_assert_uint_eq(request(&n, &clara, 0, 0, addr[2]), addr[2]);
	kit_pass(&n.k, KIT_LEASE_TIME); /* Anna's ends a second before Clara's */
	for (unsigned i = 0; i < POOL; i++) {
		ck_assert_uint_eq(dhcp_reclaimable(n.k.s, KIT_NET), POOL - i);
		ck_assert(dhcp_reclaim(n.k.s, KIT_NET));
		ck_assert_ptr_null(dhcp_lease_by_addr(n.k.s, KIT_NET, addr[order[i]]));
		check_pool(&n);
	}
	ck_assert(!dhcp_reclaim(n.k.s, KIT_NET));
}
END_TEST

/* Also of those that were loaded, in whatever order: by when they were granted. */
START_TEST(reclaimed_in_order_of_records)
{
	static const struct {
		uint8_t number;
		enum dhcp_lease_state state;
		int64_t started;
	} rows[] = { { 1, DHCP_LEASE_RELEASED, 30 },
		     { 2, DHCP_LEASE_EXPIRED, -10 },
		     { 3, DHCP_LEASE_BOUND, -20 },
		     { 0, DHCP_LEASE_RELEASED, 20 } };
	static const uint8_t order[] = { 2, 0, 1 };
	struct net n CLEAN_NET;

	net_start(&n, DHCP_IDENTITY_MAC);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct dhcp_record r = { .net = KIT_NET,
					 .addr = FIRST + rows[i].number,
					 .port = DHCP_PORT_NONE,
					 .state = rows[i].state,
					 .started = rows[i].started,
					 .expires = INT64_MAX,
					 .mac = { { 2, 0, 0, 0, 0, rows[i].number } } };

		ck_ok(dhcp_lease_restore(n.k.s, &r));
	}
	dhcp_leases_restored(n.k.s, KIT_NET);
	dhcp_leases_restored(n.k.s, 1000);
	ck_assert_uint_eq(dhcp_reclaimable(n.k.s, KIT_NET), ARRAY_SIZE(order));
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		ck_assert(dhcp_reclaim(n.k.s, KIT_NET));
		ck_assert_ptr_null(dhcp_lease_by_addr(n.k.s, KIT_NET, FIRST + order[i]));
		check_pool(&n);
	}
	ck_assert(!dhcp_reclaim(n.k.s, KIT_NET));
}
END_TEST

/* --- growth --- */

/* Only when nothing else is to be had, range by range, and what is not open nobody gets. */
START_TEST(grows_when_it_must)
{
	static const struct who fritz = { SHARED2, 6, NULL, NULL },
				gabi = { SHARED2, 7, NULL, NULL };
	struct net n CLEAN_NET;
	uint32_t addr[POOL];

	net_start(&n, DHCP_IDENTITY_MAC);
	replace_pool(&n, new_pool());
	fill_first_stage(&n, addr);
	ck_assert_uint_eq(dhcp_pool_grown(n.pool), 0);
	/* Whose lease has ended goes first. */
	release(&n, &anna, addr[0]);
	ck_assert_uint_eq(lease(&n, &emma), addr[0]);
	ck_assert_uint_eq(dhcp_pool_grown(n.pool), 0);
	ck_assert_uint_eq(lease(&n, &anna), SECOND);
	ck_assert_uint_eq(dhcp_pool_grown(n.pool), 1);
	ck_assert_uint_eq(lease(&n, &fritz), THIRD);
	ck_assert_uint_eq(discover(&n, &gabi, 0), 0);
	kit_expect_drop(&n.k, DHCP_DROP_NO_ADDRESS, "all ranges are full");
	ck_assert_uint_eq(dhcp_pool_used(n.pool), POOL + 2);
}
END_TEST

/* What a client asks for does not open a range. */
START_TEST(asking_opens_nothing)
{
	struct net n CLEAN_NET;
	uint32_t addr;

	net_start(&n, DHCP_IDENTITY_MAC);
	replace_pool(&n, new_pool());
	addr = discover(&n, &anna, SECOND);
	ck_assert(addr >= FIRST && addr <= LAST);
	request(&n, &berta, 0, SECOND, 0);
	kit_expect(&n.k, DHCP_NAK, "INIT-REBOOT");
	ck_assert_uint_eq(dhcp_pool_grown(n.pool), 0);
	dhcp_pool_reach(n.pool, SECOND);
	ck_assert_uint_eq(request(&n, &berta, 0, SECOND, 0), SECOND);
}
END_TEST

/* A new pool, and leases that are loaded, open what they are in. */
START_TEST(leases_keep_their_range_open)
{
	struct net n CLEAN_NET;
	struct dhcp_record row;
	uint32_t addr[POOL];

	net_start(&n, DHCP_IDENTITY_MAC);
	replace_pool(&n, new_pool());
	fill_first_stage(&n, addr);
	ck_assert_uint_eq(lease(&n, &emma), SECOND);
	row = n.k.action.record;
	replace_pool(&n, new_pool());
	ck_assert_uint_eq(dhcp_pool_grown(n.pool), 1);
	ck_assert_uint_eq(dhcp_pool_open_used(n.pool), POOL + 1);
	ck_assert_uint_eq(request(&n, &emma, 0, 0, SECOND), SECOND);
	net_stop(&n);

	net_start(&n, DHCP_IDENTITY_MAC);
	replace_pool(&n, new_pool());
	ck_ok(dhcp_lease_restore(n.k.s, &row));
	ck_assert_uint_eq(dhcp_pool_grown(n.pool), 1);
	ck_assert_uint_eq(request(&n, &emma, 0, 0, SECOND), SECOND);
}
END_TEST

/* A reservation can be anywhere, and says nothing of its range. */
START_TEST(reserved_address_opens_nothing)
{
	static const struct dhcp_host host = { .addr = SECOND,
					       .mac = { { 0x52, 0x54, 0, 0, 0, 1 } } };
	static const struct siphash_key key = { "reservations" };
	struct net n CLEAN_NET;
	struct dhcp_hosts *hosts;
	struct dhcp_record row;

	ck_ok(dhcp_hosts_new(&host, 1, &key, &hosts));
	net_start(&n, DHCP_IDENTITY_MAC);
	n.k.config.hosts = hosts;
	for (unsigned i = 0; i < 2; i++) {
		struct dhcp_pool *pool = new_pool();

		ck_assert(dhcp_pool_take(pool, SECOND));
		replace_pool(&n, pool);
		ck_assert_uint_eq(dhcp_pool_grown(n.pool), 0);
		ck_assert_uint_eq(lease(&n, &anna), SECOND);
		row = n.k.action.record;
		ck_assert_uint_eq(dhcp_pool_grown(n.pool), 0);
	}
	net_stop(&n);

	net_start(&n, DHCP_IDENTITY_MAC);
	n.k.config.hosts = hosts;
	replace_pool(&n, new_pool());
	ck_assert(dhcp_pool_take(n.pool, SECOND));
	ck_ok(dhcp_lease_restore(n.k.s, &row));
	ck_assert_uint_eq(dhcp_pool_grown(n.pool), 0);
	n.k.config.hosts = NULL;
	kit_configure(&n.k);
	dhcp_hosts_free(hosts);
}
END_TEST

START_TEST(find_free_of_no_pool)
{
	struct kit k CLEAN_KIT;
	uint64_t place = 1;
	uint32_t addr;

	kit_start(&k);
	ck_assert(!dhcp_find_free(k.s, KIT_NET, &place, &addr));
	ck_assert(!dhcp_find_free(k.s, 1000, &place, &addr));
}
END_TEST

/* --- exclusion --- */

/* An address that is taken out of the pool is refused to who has it, and is nobody's; its client
 * gets another. In every way that RFC 2131 4.3.2 knows to ask for it. */
START_TEST(excluded_is_refused)
{
	struct net n CLEAN_NET;
	struct ip4_range kept[2];
	struct dhcp_pool *pool;
	uint32_t addr[POOL], other;
	unsigned pieces = 0;

	net_start(&n, DHCP_IDENTITY_MAC);
	n.k.config.authoritative = _i < 2;
	fill_first_stage(&n, addr);
	release(&n, &dora, addr[3]);
	if (addr[0] > FIRST)
		kept[pieces++] = (struct ip4_range){ FIRST, addr[0] - 1 };
	if (addr[0] < LAST)
		kept[pieces++] = (struct ip4_range){ addr[0] + 1, LAST };
	ck_ok(dhcp_pool_new(kept, pieces, &pool));
	replace_pool(&n, pool);
	ck_assert_ptr_null(dhcp_lease_by_addr(n.k.s, KIT_NET, addr[0]));
	request(&n, &anna, 0, _i % 2 ? addr[0] : 0, _i % 2 ? 0 : addr[0]);
	if (_i == 3) /* INIT-REBOOT of a stranger, to a server that is not the authority */
		kit_expect_drop(&n.k, DHCP_DROP_UNKNOWN, "INIT-REBOOT");
	else
		kit_expect(&n.k, DHCP_NAK, "excluded");
	other = lease(&n, &anna);
	ck_assert_uint_eq(other, addr[3]);
	/* The others have lost nothing. */
	ck_assert_uint_eq(request(&n, &berta, 0, 0, addr[1]), addr[1]);
}
END_TEST

/* A port's own address stays with its guest. */
START_TEST(excluded_address_of_a_port)
{
	static const struct ip4_range whole = { FIRST, LAST };
	struct dhcp_pool *pool;
	struct net n CLEAN_NET;

	net_start(&n, DHCP_IDENTITY_MAC);
	n.k.port = KIT_PORT;
	kit_prepare(&n.k, DHCP_LEASE_BOUND);
	ck_ok(dhcp_pool_new(&whole, 1, &pool));
	replace_pool(&n, pool);
	ck_assert(!dhcp_pool_contains(n.pool, KIT_ADDR));
	kit_request(&n.k, 0, 0, KIT_ADDR);
	kit_expect(&n.k, DHCP_ACK, "renewing");
}
END_TEST

/* --- leases that outlive their port --- */

static unsigned end_port(struct net *n, uint32_t port)
{
	struct dhcp_action a;
	unsigned ended = 0;

	while (dhcp_port_end(n->k.s, port, &a))
		ended++;
	return ended;
}

/* Those that are bound stay until their time is over, and go with their owner when they come back;
 * an offer does not. */
START_TEST(kept_leases)
{
	struct net n CLEAN_NET;
	uint32_t addr;

	net_start(&n, DHCP_IDENTITY_MAC);
	n.k.config.keep_leases = true;
	kit_configure(&n.k);
	addr = lease(&n, &anna);
	ck_assert(discover(&n, &berta, 0));
	ck_assert_uint_eq(end_port(&n, SHARED), 0);
	ck_assert_uint_eq(dhcp_pool_used(n.pool), 1);
	ck_assert_int_eq(dhcp_lease_by_addr(n.k.s, KIT_NET, addr)->state, DHCP_LEASE_BOUND);
	ck_assert_uint_eq(dhcp_reclaimable(n.k.s, KIT_NET), 0);
	ck_assert_uint_eq(request(&n, &anna, 0, 0, addr), addr);
	ck_assert_uint_eq(end_port(&n, SHARED), 0);
	kit_pass(&n.k, KIT_LEASE_TIME);
	ck_assert_int_eq(dhcp_lease_by_addr(n.k.s, KIT_NET, addr)->state, DHCP_LEASE_EXPIRED);
	check_pool(&n);
}
END_TEST

/* With the port itself they go. */
START_TEST(kept_leases_of_a_port_that_goes)
{
	struct net n CLEAN_NET;
	struct dhcp_action a;
	uint32_t addr;

	net_start(&n, DHCP_IDENTITY_MAC);
	n.k.config.keep_leases = true;
	kit_configure(&n.k);
	addr = lease(&n, &anna);
	ck_assert_uint_eq(end_port(&n, SHARED), 0);
	ck_assert(dhcp_port_release(n.k.s, SHARED, &a));
	ck_assert_uint_eq(a.record.addr, addr);
	ck_assert(!dhcp_port_release(n.k.s, SHARED, &a));
	dhcp_port_del(n.k.s, SHARED);
	ck_assert_uint_eq(dhcp_reclaimable(n.k.s, KIT_NET), 1);
	check_pool(&n);
}
END_TEST

/* A port that comes and goes gets its clients no more addresses than one that stays. */
START_TEST(kept_leases_count)
{
	struct net n CLEAN_NET;

	net_start(&n, DHCP_IDENTITY_MAC);
	n.k.config.keep_leases = true;
	n.k.config.clients_max = 2;
	kit_configure(&n.k);
	lease(&n, &anna);
	lease(&n, &berta);
	ck_assert_uint_eq(end_port(&n, SHARED), 0);
	ck_assert_uint_eq(discover(&n, &clara, 0), 0);
	kit_expect_drop(&n.k, DHCP_DROP_CLIENTS, "the cap");
	n.k.config.keep_leases = false;
	kit_configure(&n.k);
	ck_assert_uint_eq(end_port(&n, SHARED), 2);
	lease(&n, &clara);
	check_pool(&n);
}
END_TEST

/* The port's own. */
START_TEST(kept_lease_of_a_port)
{
	struct kit k CLEAN_KIT;
	struct dhcp_action a;
	int64_t expires;

	kit_start(&k);
	k.config.keep_leases = true;
	kit_configure(&k);
	kit_prepare(&k, DHCP_LEASE_BOUND);
	expires = kit_lease(&k)->expires;
	ck_assert(!dhcp_port_end(k.s, KIT_PORT, &a));
	ck_assert_int_eq(kit_lease(&k)->state, DHCP_LEASE_BOUND);
	ck_assert_int_eq(kit_lease(&k)->expires, expires);
	ck_assert_int_eq(dhcp_next(k.s), expires);
	kit_pass(&k, KIT_LEASE_TIME);
	ck_assert_int_eq(kit_lease(&k)->state, DHCP_LEASE_EXPIRED);
	kit_prepare(&k, DHCP_LEASE_OFFERED);
	ck_assert(!dhcp_port_end(k.s, KIT_PORT, &a));
	ck_assert_int_eq(kit_lease(&k)->state, DHCP_LEASE_FREE);
}
END_TEST

UNIT_SUITE(dhcp_client_pool)
{
	tcase_add_test(tc, reclaimed_in_order);
	tcase_add_test(tc, reclaimed_in_order_of_records);
	tcase_add_test(tc, grows_when_it_must);
	tcase_add_test(tc, asking_opens_nothing);
	tcase_add_test(tc, leases_keep_their_range_open);
	tcase_add_test(tc, reserved_address_opens_nothing);
	tcase_add_test(tc, find_free_of_no_pool);
	tcase_add_loop_test(tc, excluded_is_refused, 0, 4);
	tcase_add_test(tc, excluded_address_of_a_port);
	tcase_add_test(tc, kept_leases);
	tcase_add_test(tc, kept_leases_of_a_port_that_goes);
	tcase_add_test(tc, kept_leases_count);
	tcase_add_test(tc, kept_lease_of_a_port);
}

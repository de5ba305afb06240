/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Clients behind ports: who is who, which address each gets, and what becomes of it. Tests that are
 * named by number are those of the statements of what a DHCP server must do.
 */
#include "client_kit.h"

/* --- who is who --- */

START_TEST(identities)
{
	static const struct who card2 = { SHARED, 9, "ff0a", NULL }, /* anna's identifier */
		id2 = { SHARED, 1, "ff99", NULL },		     /* anna's card */
		no_id = { SHARED, 1, NULL, NULL }, short_id = { SHARED, 1, "01", NULL };
	static const struct {
		enum dhcp_identity identity;
		const struct who *who;
		bool same;
	} cases[] = {
		{ DHCP_IDENTITY_CLIENT_ID, &card2, true }, /* t_dhcp_049: the card was replaced */
		{ DHCP_IDENTITY_CLIENT_ID, &id2, false },
		{ DHCP_IDENTITY_CLIENT_ID, &no_id, false },
		{ DHCP_IDENTITY_CLIENT_ID, &short_id, false },
		{ DHCP_IDENTITY_MAC, &card2, false },
		{ DHCP_IDENTITY_MAC, &id2, true },
		{ DHCP_IDENTITY_MAC, &no_id, true },
	};
	struct net n CLEAN_NET;
	uint32_t addr;

	net_start(&n, cases[_i].identity);
	addr = lease(&n, &anna);
	ck_assert(addr >= FIRST && addr <= LAST);
	ck_assert_int_eq(lease(&n, cases[_i].who) == addr, cases[_i].same);
	check_pool(&n);
}
END_TEST

/* The guest of a port has the port's address, whatever it says of itself. */
START_TEST(own_guest)
{
	struct net n CLEAN_NET;
	struct kit_message c;
	const struct who inner = { KIT_PORT, 1, "ff01", NULL };

	net_start(&n, DHCP_IDENTITY_CLIENT_ID);
	n.k.port = KIT_PORT;
	kit_message(&c, &n.k, DHCP_DISCOVER);
	kit_add_hex(&c, "3d 03 ff0a0b");
	kit_send(&n.k, &c);
	ck_assert_uint_eq(yiaddr(&n), KIT_ADDR);
	/* what is inside it is a client; */
	ck_assert_uint_ge(lease(&n, &inner), FIRST);
	ck_assert_uint_eq(dhcp_lease_by_port(n.k.s, KIT_PORT)->addr, KIT_ADDR);
	/* not where ports are the only identity. */
	n.k.config.identity = DHCP_IDENTITY_PORT;
	kit_configure(&n.k);
	discover(&n, &inner, 0);
	kit_expect_drop(&n.k, DHCP_DROP_NOT_PORT_MAC, "a nested client");
	/* Where the port has no address there is no other. */
	ck_assert_uint_ge(lease(&n, &anna), FIRST);
}
END_TEST

/* The identifier counts, and the hardware address where there is none. */
START_TEST(t_dhcp_089)
{
	static const struct who same_type = { SHARED, 8, "0001", NULL },
				other_type = { SHARED, 8, "0101", NULL };
	struct net n CLEAN_NET;
	uint32_t addr;

	net_start(&n, DHCP_IDENTITY_CLIENT_ID);
	addr = lease(&n, &same_type);
	ck_assert_uint_eq(lease(&n, &same_type), addr);
	ck_assert_uint_ne(lease(&n, &other_type), addr);
}
END_TEST

/* Firmware, the loader it starts, and the system: one card, three identifiers, one address. */
START_TEST(t_dhcp_090)
{
	static const struct who rom = { SHARED, 1, "00aabb", "3c 09 505845436c69656e74" },
				ipxe = { SHARED, 1, "01525400000001", "4d 04 69505845" },
				ipxe3004 = { SHARED, 1, "0152", "4d 05 0469505845" },
				http = { SHARED, 1, "00aacc", "3c 0a 48545450436c69656e74" },
				os = { SHARED, 1, "ff0102", NULL },
				other_card = { SHARED, 2, "ff0103", NULL },
				second = { SHARED, 1, "ff0104", NULL };
	struct net n CLEAN_NET;
	uint32_t addr;

	net_start(&n, DHCP_IDENTITY_CLIENT_ID);
	addr = lease(&n, &rom);
	ck_assert_uint_ne(lease(&n, &other_card), addr);
	ck_assert_uint_eq(lease(&n, &ipxe), addr);
	ck_assert_uint_eq(lease(&n, &ipxe3004), addr);
	ck_assert_uint_eq(lease(&n, &http), addr);
	ck_assert_uint_eq(lease(&n, &os), addr);
	/* A system's lease is not taken over: these are two that share a card (ipvlan). */
	ck_assert_uint_ne(lease(&n, &second), addr);
	ck_assert_uint_eq(request(&n, &os, 0, 0, addr), addr);
	ck_assert_uint_eq(dhcp_pool_used(n.pool), 3);
	check_pool(&n);
}
END_TEST

/* Cloned machines: one identifier, two live ports and cards. */
START_TEST(t_dhcp_091)
{
	static const struct who original = { SHARED, 1, "ff0a", NULL },
				clone = { SHARED2, 2, "ff0a", NULL };
	struct net n CLEAN_NET;
	struct dhcp_action a;
	uint32_t one, two;

	net_start(&n, DHCP_IDENTITY_CLIENT_ID);
	one = lease(&n, &original);
	two = discover(&n, &clone, 0);
	ck_assert(n.k.action.clone);
	ck_assert_uint_ne(one, two);
	ck_assert_uint_eq(request(&n, &clone, KIT_SERVER, two, 0), two);
	ck_assert(!n.k.action.clone); /* it was told once */
	ck_assert_uint_eq(request(&n, &original, 0, 0, one), one);
	ck_assert_uint_eq(request(&n, &clone, 0, 0, two), two);
	/* The original goes; the clone keeps what it has. */
	ck_assert(dhcp_port_end(n.k.s, SHARED, &a));
	ck_assert_uint_eq(request(&n, &clone, 0, 0, two), two);
	ck_assert_uint_eq(lease(&n, &clone), two);
	check_pool(&n);
}
END_TEST

/* Behind one port the second looks like a new card of the first, until both have been heard. */
START_TEST(clones_behind_one_port)
{
	static const struct who original = { SHARED, 1, "ff0a", NULL },
				clone = { SHARED, 2, "ff0a", NULL };
	struct net n CLEAN_NET;
	uint32_t one, two;

	net_start(&n, DHCP_IDENTITY_CLIENT_ID);
	one = lease(&n, &original);
	ck_assert_uint_eq(lease(&n, &clone), one);
	ck_assert(!n.k.action.clone);
	ck_assert_uint_eq(request(&n, &original, 0, 0, one), 0);
	kit_expect(&n.k, DHCP_NAK, "the address that its clone has");
	two = discover(&n, &original, 0);
	ck_assert(n.k.action.clone);
	ck_assert_uint_ne(two, one);
	ck_assert_uint_eq(request(&n, &original, KIT_SERVER, two, 0), two);
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_uint_eq(request(&n, &clone, 0, 0, one), one);
		ck_assert_uint_eq(request(&n, &original, 0, 0, two), two);
	}
	check_pool(&n);
}
END_TEST

/* A card that was replaced is not heard again; and a lease that has ended was nobody's. */
START_TEST(cards_replaced)
{
	static const struct who cards[] = { { SHARED, 1, "ff0a", NULL },
					    { SHARED, 2, "ff0a", NULL },
					    { SHARED, 3, "ff0a", NULL } };
	struct net n CLEAN_NET;
	uint32_t addr;

	net_start(&n, DHCP_IDENTITY_CLIENT_ID);
	addr = lease(&n, &cards[0]);
	ck_assert_uint_eq(lease(&n, &cards[1]), addr);
	/* One that was not stored did not take it over. */
	ck_assert_uint_eq(lease(&n, &cards[2]), addr);
	dhcp_undo(n.k.s, &n.k.action);
	ck_assert_uint_eq(lease(&n, &cards[2]), addr);
	release(&n, &cards[2], addr);
	ck_assert_uint_eq(lease(&n, &cards[1]), addr);
	ck_assert_uint_eq(dhcp_pool_used(n.pool), 1);
}
END_TEST

/* --- which address --- */

/* The binding, else the address of before, else the one that is asked for, else another. */
START_TEST(t_dhcp_023)
{
	struct net n CLEAN_NET;
	uint32_t addr, other;

	net_start(&n, DHCP_IDENTITY_CLIENT_ID);
	addr = discover(&n, &anna, LAST);
	ck_assert_uint_eq(addr, LAST);
	ck_assert_uint_eq(request(&n, &anna, KIT_SERVER, addr, 0), addr);
	ck_assert_uint_eq(discover(&n, &anna, FIRST), addr); /* bound */
	release(&n, &anna, addr);
	ck_assert_uint_eq(discover(&n, &anna, FIRST), addr); /* had it before */
	other = discover(&n, &berta, addr);
	ck_assert_uint_ne(other, addr); /* not free */
	ck_assert(other >= FIRST && other <= LAST);
}
END_TEST

/* Asked for, and not to be had: another is offered. */
START_TEST(t_dhcp_024)
{
	static const uint32_t wanted[] = { KIT_SERVER,
					   KIT_ADDR,
					   FIRST - 1,
					   LAST + 1,
					   UINT32_MAX,
					   KIT_IP(10, 77, 0, 255),
					   KIT_IP(10, 77, 0, 0),
					   KIT_IP(192, 0, 2, 1) };
	struct net n CLEAN_NET;

	net_start(&n, DHCP_IDENTITY_MAC);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		uint32_t addr = discover(&n, &anna, wanted[i]);

		ck_assert(addr >= FIRST && addr <= LAST);
		kit_pass(&n.k, HOLD);
	}
	/* One in quarantine. */
	lease(&n, &anna);
	decline(&n, &anna, LAST);
	decline(&n, &anna, dhcp_lease_by_addr(n.k.s, KIT_NET, LAST) ? LAST : FIRST);
	check_pool(&n);
}
END_TEST

/* What is offered is offered to nobody else, until the hold is over. */
START_TEST(t_dhcp_025)
{
	struct net n CLEAN_NET;
	uint32_t addr;

	net_start(&n, DHCP_IDENTITY_MAC);
	addr = discover(&n, &anna, 0);
	ck_assert_uint_ne(discover(&n, &berta, addr), addr);
	ck_assert_uint_ne(discover(&n, &clara, addr), addr);
	ck_assert_uint_eq(request(&n, &berta, KIT_SERVER, addr, 0), 0);
	ck_assert_int_eq(n.k.action.reply, DHCP_NAK);
}
END_TEST

/* A DISCOVER that is sent again takes no second address; an offer that nobody takes ends. */
START_TEST(t_dhcp_026)
{
	struct net n CLEAN_NET;
	uint32_t addr;

	net_start(&n, DHCP_IDENTITY_MAC);
	addr = discover(&n, &anna, 0);
	for (unsigned i = 0; i < 10; i++)
		ck_assert_uint_eq(discover(&n, &anna, 0), addr);
	ck_assert_uint_eq(dhcp_pool_used(n.pool), 1);
}
END_TEST

START_TEST(t_dhcp_027)
{
	struct net n CLEAN_NET;
	struct dhcp_action a;

	net_start(&n, DHCP_IDENTITY_MAC);
	discover(&n, &anna, 0);
	ck_assert(!dhcp_expire(n.k.s, n.k.now + HOLD * KIT_SECOND - 1, &a));
	ck_assert(dhcp_expire(n.k.s, n.k.now + HOLD * KIT_SECOND, &a));
	ck_assert(!a.store && a.change == DHCP_CHANGE_NONE);
	ck_assert_uint_eq(dhcp_pool_used(n.pool), 0);
	check_pool(&n);
}
END_TEST

START_TEST(t_dhcp_028)
{
	static const struct who *const all[] = { &anna, &berta, &clara, &dora };
	static const struct who lonely = { SHARED2, 6, NULL, "74 01 01" };
	struct net n CLEAN_NET;

	net_start(&n, DHCP_IDENTITY_MAC);
	for (unsigned i = 0; i < POOL; i++)
		lease(&n, all[i]);
	ck_assert_uint_eq(discover(&n, &emma, 0), 0);
	kit_expect_drop(&n.k, DHCP_DROP_NO_ADDRESS, "a full pool");
	/* RFC 2563: one that would configure itself is told not to. */
	ck_assert_uint_eq(discover(&n, &lonely, 0), 0);
	kit_expect(&n.k, DHCP_OFFER, "option 116");
	kit_expect_hex(&n.k, 116, "00");
	check_pool(&n);
}
END_TEST

/* When the pool is tight, the address goes that was free for longest. */
START_TEST(oldest_freed_first)
{
	static const struct who *const all[] = { &anna, &berta, &clara, &dora };
	struct net n CLEAN_NET;
	uint32_t addr[POOL];

	net_start(&n, DHCP_IDENTITY_MAC);
	for (unsigned i = 0; i < POOL; i++)
		addr[i] = lease(&n, all[i]);
	release(&n, &clara, addr[2]);
	release(&n, &anna, addr[0]);
	ck_assert_uint_eq(discover(&n, &emma, 0), addr[2]);
	/* Anna's is hers again; Clara's is gone, and no other is free. */
	ck_assert_uint_eq(lease(&n, &anna), addr[0]);
	ck_assert_uint_eq(discover(&n, &clara, 0), 0);
	kit_pass(&n.k, HOLD);
	ck_assert_uint_eq(lease(&n, &clara), addr[2]);
	check_pool(&n);
}
END_TEST

START_TEST(t_dhcp_035)
{
	static const struct ip4_range whole = { KIT_IP(10, 77, 0, 1), KIT_IP(10, 77, 0, 254) };
	struct net n CLEAN_NET;

	net_start(&n, DHCP_IDENTITY_MAC);
	dhcp_pool_free(n.pool);
	ck_ok(dhcp_pool_new(&whole, 1, &n.pool));
	n.k.config.pool = n.pool;
	kit_configure(&n.k);
	/* A port's address is taken in every pool; what its caller took is never given. */
	ck_assert(dhcp_pool_taken(n.pool, KIT_ADDR));
	ck_assert(dhcp_pool_take(n.pool, KIT_SERVER));
	for (unsigned i = 0; i < 3; i++) {
		const struct who w = { SHARED, (uint8_t)(10 + i), NULL, NULL };
		uint32_t addr = discover(&n, &w, i ? KIT_SERVER : KIT_ADDR);

		ck_assert(addr && addr != KIT_SERVER && addr != KIT_ADDR);
	}
}
END_TEST

START_TEST(t_dhcp_036)
{
	static const struct who quick = { SHARED, 1, NULL, "50 00" };
	struct net n CLEAN_NET;

	net_start(&n, DHCP_IDENTITY_MAC);
	discover(&n, &quick, 0);
	kit_expect(&n.k, DHCP_OFFER, "not configured");
	ck_assert(!kit_has(&n.k, 80));
	kit_pass(&n.k, HOLD);
	n.k.config.rapid_commit = true;
	kit_configure(&n.k);
	discover(&n, &quick, 0);
	kit_expect(&n.k, DHCP_ACK, "configured");
	kit_expect_option(&n.k, 80, "", 0);
	ck_assert(n.k.action.store && n.k.action.change == DHCP_CHANGE_BOUND);
	discover(&n, &anna, 0);
	kit_expect(&n.k, DHCP_OFFER, "the same client without option 80");
}
END_TEST

START_TEST(t_dhcp_037)
{
	static const struct who without_ipv4 = { SHARED, 1, NULL, "50 00 37 02 016c" };
	struct net n CLEAN_NET;

	net_start(&n, DHCP_IDENTITY_MAC);
	n.k.config.rapid_commit = true;
	kit_configure(&n.k);
	kit_put(&n.k, 108, "00000708");
	discover(&n, &without_ipv4, 0);
	kit_expect(&n.k, DHCP_OFFER, "IPv6 is preferred");
}
END_TEST

/* --- REQUEST of those that are not in the table --- */

START_TEST(requests_of_strangers)
{
	static const struct {
		const char *what;
		const struct who *who;
		uint32_t server, wanted, ciaddr;
		enum dhcp_type authority, guest; /* the answers; 0: none */
	} cases[] = {
		{ "t_dhcp_041", &anna, KIT_SERVER, FIRST, 0, DHCP_ACK, DHCP_ACK },
		{ "t_dhcp_039", &anna, KIT_SERVER, LAST + 1, 0, DHCP_NAK, DHCP_NAK },
		{ "t_dhcp_043", &anna, 0, KIT_IP(192, 0, 2, 9), 0, DHCP_NAK, DHCP_NAK },
		{ "t_dhcp_045", &anna, 0, FIRST, 0, DHCP_ACK, 0 },
		{ "t_dhcp_045 not free", &anna, 0, KIT_ADDR, 0, DHCP_NAK, 0 },
		{ "t_dhcp_047", &emma, 0, 0, FIRST, DHCP_ACK, 0 },
		{ "t_dhcp_047 not free", &emma, 0, 0, KIT_ADDR, DHCP_NAK, 0 },
		{ "t_dhcp_048 renewing", &anna, 0, 0, KIT_ADDR, DHCP_NAK, DHCP_NAK },
	};

	for (unsigned authority = 0; authority < 2; authority++) {
		enum dhcp_type expected = authority ? cases[_i].authority : cases[_i].guest;
		struct net n CLEAN_NET;

		net_start(&n, DHCP_IDENTITY_MAC);
		n.k.config.authoritative = authority;
		kit_configure(&n.k);
		request(&n, cases[_i].who, cases[_i].server, cases[_i].wanted, cases[_i].ciaddr);
		if (expected)
			kit_expect(&n.k, expected, cases[_i].what);
		else
			kit_expect_drop(&n.k, DHCP_DROP_UNKNOWN, cases[_i].what);
		check_pool(&n);
	}
}
END_TEST

/* It has an address and asks for another. */
START_TEST(t_dhcp_044)
{
	struct net n CLEAN_NET;
	uint32_t addr;

	net_start(&n, DHCP_IDENTITY_MAC);
	addr = lease(&n, &anna);
	request(&n, &anna, 0, addr == FIRST ? LAST : FIRST, 0);
	kit_expect(&n.k, DHCP_NAK, "another address");
	ck_assert_uint_eq(request(&n, &anna, 0, addr, 0), addr);
}
END_TEST

START_TEST(t_dhcp_055)
{
	struct net n CLEAN_NET;

	net_start(&n, DHCP_IDENTITY_MAC);
	ck_assert_uint_eq(request(&n, &anna, 0, FIRST, 0), FIRST);
	request(&n, &berta, 0, FIRST, 0);
	kit_expect(&n.k, DHCP_NAK, "the second");
}
END_TEST

/* --- DECLINE, RELEASE, the end of a port --- */

START_TEST(declined)
{
	struct net n CLEAN_NET;
	uint32_t addr;

	net_start(&n, DHCP_IDENTITY_MAC);
	addr = lease(&n, &anna);
	decline(&n, &berta, addr);
	kit_expect_drop(&n.k, DHCP_DROP_NOT_HELD, "not hers");
	decline(&n, &anna, addr);
	ck_assert_int_eq(n.k.action.change, DHCP_CHANGE_DECLINED);
	ck_assert(n.k.action.store);
	ck_assert_uint_eq(n.k.action.record.port, DHCP_PORT_NONE);
	ck_assert_uint_ne(lease(&n, &anna), addr);
	ck_assert_uint_ne(discover(&n, &berta, addr), addr);
	check_pool(&n);
}
END_TEST

/* A port can put so many addresses out of use, whoever of its clients declines. */
START_TEST(t_dhcp_085)
{
	unsigned declines = 0;
	struct net n CLEAN_NET;

	net_start(&n, DHCP_IDENTITY_MAC);
	n.k.config.quarantine = 1;
	kit_configure(&n.k);
	for (unsigned i = 0; i < 10; i++) {
		const struct who w = { SHARED, (uint8_t)(10 + i), NULL, NULL };

		decline(&n, &w, lease(&n, &w));
		declines += n.k.action.change == DHCP_CHANGE_DECLINED;
		if (!n.k.action.drop)
			dhcp_pool_give(n.pool, n.k.action.record.addr);
		kit_pass(&n.k, 7200);
	}
	ck_assert_uint_eq(declines, 4);
}
END_TEST

START_TEST(t_dhcp_087)
{
	struct net n CLEAN_NET;
	uint32_t addr;

	net_start(&n, DHCP_IDENTITY_CLIENT_ID);
	addr = lease(&n, &anna);
	release(&n, &anna, addr);
	lease(&n, &berta);
	lease(&n, &clara);
	ck_assert_uint_eq(lease(&n, &anna), addr);
	kit_pass(&n.k, KIT_LEASE_TIME + 1);
	ck_assert_int_eq(dhcp_lease_by_addr(n.k.s, KIT_NET, addr)->state, DHCP_LEASE_EXPIRED);
	/* An offer to one whose lease has ended leaves that as it was. */
	ck_assert_uint_eq(discover(&n, &anna, 0), addr);
	kit_pass(&n.k, HOLD);
	ck_assert_int_eq(dhcp_lease_by_addr(n.k.s, KIT_NET, addr)->state, DHCP_LEASE_EXPIRED);
	ck_assert_uint_eq(lease(&n, &anna), addr);
}
END_TEST

/* 10,000 cards behind one port take what that port may have, and nothing of the others'. */
START_TEST(t_dhcp_114)
{
	struct net n CLEAN_NET;
	unsigned offers = 0;

	net_start(&n, DHCP_IDENTITY_MAC);
	n.k.config.clients_max = 2;
	kit_configure(&n.k);
	for (unsigned i = 0; i < 10000; i++) {
		struct kit_message c;

		speak(&n, &anna, DHCP_DISCOVER, &c);
		c.m.chaddr[1] = (uint8_t)(i >> 8);
		c.m.chaddr[2] = (uint8_t)i;
		kit_send(&n.k, &c);
		offers += n.k.action.reply != 0;
		if (!n.k.action.reply)
			kit_must(n.k.action.drop == DHCP_DROP_CLIENTS);
	}
	ck_assert_uint_eq(offers, 2);
	ck_assert_uint_ne(lease(&n, &dora), 0);
	ck_assert_uint_ne(lease(&n, &emma), 0);
	check_pool(&n);
}
END_TEST

/* Nor by giving back what it has and then asking for all that it ever had. */
START_TEST(cap_of_those_that_come_back)
{
	static const struct who *const mine[] = { &anna, &berta, &clara };
	struct net n CLEAN_NET;
	uint32_t addr[3];

	net_start(&n, DHCP_IDENTITY_MAC);
	n.k.config.clients_max = 2;
	kit_configure(&n.k);
	for (unsigned i = 0; i < 3; i++) {
		addr[i] = lease(&n, mine[i]);
		release(&n, mine[i], addr[i]);
	}
	ck_assert_uint_eq(request(&n, mine[0], 0, addr[0], 0), addr[0]);
	ck_assert_uint_eq(request(&n, mine[1], 0, 0, addr[1]), addr[1]);
	ck_assert_uint_eq(request(&n, mine[2], 0, addr[2], 0), 0);
	kit_expect_drop(&n.k, DHCP_DROP_CLIENTS, "REQUEST");
	ck_assert_uint_eq(discover(&n, mine[2], 0), 0);
	kit_expect_drop(&n.k, DHCP_DROP_CLIENTS, "DISCOVER");
	check_pool(&n);
}
END_TEST

/* The machine behind a port is gone: what it had is to be had at once. */
START_TEST(t_dhcp_118)
{
	struct net n CLEAN_NET;
	struct dhcp_action a;
	unsigned stored = 0;

	net_start(&n, DHCP_IDENTITY_MAC);
	for (unsigned round = 0; round < 1000; round++) {
		for (uint8_t i = 0; i < POOL - 1; i++) {
			const struct who w = { SHARED, (uint8_t)(round * POOL + i), NULL, NULL };

			lease(&n, &w);
		}
		discover(&n, &clara, 0);
		stored = 0;
		while (dhcp_port_end(n.k.s, SHARED, &a))
			stored += a.store && a.record.state == DHCP_LEASE_RELEASED;
		kit_must(stored <= POOL);
		check_pool(&n);
	}
	dhcp_port_del(n.k.s, SHARED);
	check_pool(&n);
}
END_TEST

/* --- what is not stored is taken back; what is stored comes back --- */

START_TEST(undone)
{
	struct net n CLEAN_NET;
	struct dhcp_action a;
	uint32_t addr;

	net_start(&n, DHCP_IDENTITY_CLIENT_ID);
	ck_assert_uint_eq(request(&n, &anna, 0, FIRST, 0), FIRST);
	dhcp_undo(n.k.s, &n.k.action);
	ck_assert_uint_eq(dhcp_pool_used(n.pool), 0);
	addr = discover(&n, &anna, 0);
	request(&n, &anna, KIT_SERVER, addr, 0);
	dhcp_undo(n.k.s, &n.k.action);
	ck_assert_int_eq(dhcp_lease_by_addr(n.k.s, KIT_NET, addr)->state, DHCP_LEASE_OFFERED);
	request(&n, &anna, KIT_SERVER, addr, 0);
	decline(&n, &anna, addr);
	a = n.k.action;
	ck_assert_uint_ne(discover(&n, &anna, 0), addr);
	request(&n, &anna, KIT_SERVER, yiaddr(&n), 0);
	dhcp_undo(n.k.s, &n.k.action);
	dhcp_undo(n.k.s, &a);
	ck_assert_int_eq(dhcp_lease_by_addr(n.k.s, KIT_NET, addr)->state, DHCP_LEASE_BOUND);
	check_pool(&n);
}
END_TEST

/* A client that is there already and comes by another port counts there. */
START_TEST(cap_of_those_that_come_over)
{
	static const struct who *const there[] = { &dora, &emma };
	struct dhcp_port trusted = { .net = KIT_NET, .port = SHARED, .trusted = true };
	struct who guest = anna;
	struct net n CLEAN_NET;
	uint32_t addr;

	net_start(&n, DHCP_IDENTITY_CLIENT_ID);
	n.k.config.clients_max = 2;
	kit_configure(&n.k);
	dhcp_port_update(n.k.s, &trusted);
	for (unsigned i = 0; i < 2; i++)
		lease(&n, there[i]);
	addr = lease(&n, &anna);
	trusted.port = SHARED2;
	dhcp_port_update(n.k.s, &trusted);
	guest.port = SHARED2;
	ck_assert_uint_eq(request(&n, &guest, 0, 0, addr), addr);
	release(&n, &guest, addr);
	ck_assert_uint_eq(lease(&n, &anna), addr);
	trusted.trusted = false; /* now it is a guest's, with all that it may have */
	dhcp_port_update(n.k.s, &trusted);
	ck_assert_uint_ne(request(&n, &guest, 0, 0, addr), addr);
	ck_assert_uint_eq(request(&n, &anna, 0, 0, addr), addr);
}
END_TEST

/* An ACK is repeated for the client whose row it has: another of that name gets one of its own. */
START_TEST(repeated_for_the_same_only)
{
	struct who other = anna;
	struct kit_message c;
	struct net n CLEAN_NET;
	uint32_t addr;

	net_start(&n, DHCP_IDENTITY_CLIENT_ID);
	addr = lease(&n, &anna);
	for (unsigned i = 0; i < 4; i++) {
		if (i == 2) /* its network card was replaced */
			other.card = 9;
		speak(&n, &other, DHCP_REQUEST, &c);
		c.m.xid = 4711;
		kit_add_u32(&c, 50, addr);
		kit_send(&n.k, &c);
		kit_expect(&n.k, DHCP_ACK, "REQUEST");
		ck_assert(n.k.action.store == (i % 2 == 0));
		if (n.k.action.store)
			ck_assert_uint_eq(n.k.action.record.mac.octet[5], other.card);
	}
}
END_TEST

/* Between a DECLINE and its failure the client was offered another address: it has one again. */
START_TEST(undone_after_another_offer)
{
	struct dhcp_action a;
	struct net n CLEAN_NET;
	uint32_t addr, other;

	net_start(&n, DHCP_IDENTITY_MAC);
	addr = lease(&n, &anna);
	decline(&n, &anna, addr);
	a = n.k.action;
	other = discover(&n, &anna, 0);
	ck_assert_uint_ne(other, addr);
	dhcp_undo(n.k.s, &a);
	ck_assert_ptr_null(dhcp_lease_by_addr(n.k.s, KIT_NET, other));
	ck_assert_uint_eq(request(&n, &anna, 0, 0, addr), addr);
	check_pool(&n);
}
END_TEST

/* The same when that other one was the lease of the firmware that the client was started by. */
START_TEST(undone_after_the_offer_of_its_firmware)
{
	static const struct who rom = { SHARED, 1, "00aabb", "3c 09 505845436c69656e74" };
	struct dhcp_action a;
	struct net n CLEAN_NET;
	uint32_t addr, other;

	net_start(&n, DHCP_IDENTITY_CLIENT_ID);
	addr = lease(&n, &anna);
	other = lease(&n, &rom);
	decline(&n, &anna, addr);
	a = n.k.action;
	ck_assert_uint_eq(discover(&n, &anna, 0), other);
	dhcp_undo(n.k.s, &a);
	for (unsigned i = 0; i < 2; i++) {
		ck_assert_uint_eq(discover(&n, &anna, other), addr);
		ck_assert_uint_eq(request(&n, &anna, 0, 0, addr), addr);
		ck_assert(!n.k.action.left);
	}
	ck_assert_int_eq(dhcp_lease_by_addr(n.k.s, KIT_NET, other)->state, DHCP_LEASE_BOUND);
	check_pool(&n);
}
END_TEST

UNIT_SUITE(dhcp_client)
{
	tcase_add_loop_test(tc, identities, 0, 7);
	tcase_add_test(tc, own_guest);
	tcase_add_test(tc, t_dhcp_023);
	tcase_add_test(tc, t_dhcp_024);
	tcase_add_test(tc, t_dhcp_025);
	tcase_add_test(tc, t_dhcp_026);
	tcase_add_test(tc, t_dhcp_027);
	tcase_add_test(tc, t_dhcp_028);
	tcase_add_test(tc, t_dhcp_035);
	tcase_add_test(tc, t_dhcp_036);
	tcase_add_test(tc, t_dhcp_037);
	tcase_add_test(tc, t_dhcp_044);
	tcase_add_test(tc, t_dhcp_055);
	tcase_add_test(tc, t_dhcp_085);
	tcase_add_test(tc, t_dhcp_087);
	tcase_add_test(tc, t_dhcp_089);
	tcase_add_test(tc, t_dhcp_090);
	tcase_add_test(tc, t_dhcp_091);
	tcase_add_test(tc, clones_behind_one_port);
	tcase_add_test(tc, cards_replaced);
	tcase_add_test(tc, t_dhcp_114);
	tcase_add_test(tc, t_dhcp_118);
	tcase_add_test(tc, cap_of_those_that_come_back);
	tcase_add_test(tc, oldest_freed_first);
	tcase_add_loop_test(tc, requests_of_strangers, 0, 8);
	tcase_add_test(tc, declined);
	tcase_add_test(tc, undone);
	tcase_add_test(tc, cap_of_those_that_come_over);
	tcase_add_test(tc, repeated_for_the_same_only);
	tcase_add_test(tc, undone_after_another_offer);
	tcase_add_test(tc, undone_after_the_offer_of_its_firmware);
}

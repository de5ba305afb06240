/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reservations for clients: who is meant, what becomes of whoever has the address, and what of the
 * address that the client had before. Tests that are named by number are those of the statements of
 * what a DHCP server must do.
 */
#include "client_kit.h"

#define CARD(n)                                                                                    \
	{                                                                                          \
		{                                                                                  \
			0x52, 0x54, 0, 0, 0, (n)                                                   \
		}                                                                                  \
	}
#define OUTSIDE KIT_IP(10, 77, 0, 20) /* of the subnet, not of the pool */

static const uint8_t id_a[] = { 0xff, 0x0a }, id_b[] = { 0xff, 0x0b };

static void start(struct net *n, enum dhcp_identity identity)
{
	net_start(n, identity);
	n->k.config.bootp = true;
	kit_configure(&n->k);
}

static const struct dhcp_lease *at(const struct net *n, uint32_t addr)
{
	return dhcp_lease_by_addr(n->k.s, KIT_NET, addr);
}

/* Renews, and is refused: the lease has ended, and that is to be stored. */
static void lose(struct net *n, const struct who *w, uint32_t addr)
{
	ck_assert_uint_eq(request(n, w, 0, 0, addr), 0);
	kit_expect(&n->k, DHCP_NAK, "renewing what is another's");
	ck_assert(n->k.action.store);
	ck_assert_int_eq(n->k.action.change, DHCP_CHANGE_RELEASED);
	ck_assert_int_eq(n->k.action.record.state, DHCP_LEASE_RELEASED);
	ck_assert_uint_eq(n->k.action.record.addr, addr);
}

/* --- the table --- */

START_TEST(hosts)
{
	static const struct siphash_key key = { "hosts" };
	static const struct mac a = CARD(1), b = CARD(2), c = CARD(3);
	static const struct dhcp_host host[] = {
		{ .addr = 1, .mac = CARD(1) },
		{ .addr = 2, .client_id = id_a, .client_id_len = 2 },
		{ .addr = 3 },
		{ .mac = CARD(2), .hostname = "b" }
	};
	struct dhcp_hosts *h;

	ck_ok(dhcp_hosts_new(host, 4, &key, &h));
	ck_assert_uint_eq(dhcp_hosts_find(h, &a, NULL, 0)->addr, 1);
	ck_assert_uint_eq(dhcp_hosts_find(h, &a, id_b, 2)->addr, 1);
	ck_assert_uint_eq(dhcp_hosts_find(h, &c, id_a, 2)->addr, 2);
	ck_assert_uint_eq(dhcp_hosts_find(h, NULL, id_a, 2)->addr, 2);
	/* One client, two reservations (ISC CVE-2009-1892): the identifier counts. */
	ck_assert_uint_eq(dhcp_hosts_find(h, &a, id_a, 2)->addr, 2);
	ck_assert_ptr_null(dhcp_hosts_find(h, &c, id_a, 1));
	ck_assert_ptr_null(dhcp_hosts_find(h, NULL, NULL, 0));
	ck_assert_str_eq(dhcp_hosts_find(h, &b, NULL, 0)->hostname, "b");
	ck_assert_uint_eq(dhcp_hosts_at(h, 3)->addr, 3);
	ck_assert_ptr_null(dhcp_hosts_at(h, 4));
	ck_assert_ptr_null(dhcp_hosts_at(h, 0));
	ck_assert_ptr_null(dhcp_hosts_at(NULL, 1));
	ck_assert_ptr_null(dhcp_hosts_find(NULL, &a, id_a, 2));
	dhcp_hosts_free(h);
	ck_ok(dhcp_hosts_new(NULL, 0, &key, &h));
	ck_assert_ptr_null(dhcp_hosts_at(h, 1));
	dhcp_hosts_free(h);
}
END_TEST

/* --- who gets it --- */

START_TEST(by_mac_and_by_identifier)
{
	static const struct dhcp_host host[] = {
		{ .addr = OUTSIDE, .mac = CARD(1), .hostname = "anna" },
		{ .addr = LAST, .client_id = id_b, .client_id_len = 2 },
	};
	static const struct who other_card = { SHARED, 9, "ff0b", NULL };
	struct net n CLEAN_NET;

	start(&n, _i ? DHCP_IDENTITY_CLIENT_ID : DHCP_IDENTITY_PORT);
	net_reserve(&n, host, 2);
	ck_assert_uint_eq(discover(&n, &anna, FIRST), OUTSIDE); /* whatever it asks for */
	kit_expect_option(&n.k, 12, "anna", 4);
	ck_assert_uint_eq(lease(&n, &anna), OUTSIDE);
	ck_assert_uint_eq(lease(&n, &other_card), LAST);
	ck_assert(!kit_has(&n.k, 12));
	/* The same client on another card. */
	ck_assert_uint_eq(lease(&n, &berta), LAST);
	ck_assert_uint_ne(lease(&n, &clara), LAST);
	check_pool(&n);
}
END_TEST

START_TEST(both_match)
{
	static const struct dhcp_host host[] = {
		{ .addr = FIRST, .mac = CARD(1) },
		{ .addr = LAST, .client_id = id_a, .client_id_len = 2 },
	};
	struct net n CLEAN_NET;

	start(&n, DHCP_IDENTITY_CLIENT_ID);
	net_reserve(&n, host, 2);
	ck_assert_uint_eq(lease(&n, &anna), LAST);
	check_pool(&n);
}
END_TEST

/* A card's reservation is for whatever system it has started; others that look like one of them are
 * told apart as ever. */
START_TEST(one_card_two_systems)
{
	static const struct dhcp_host host = { .addr = LAST, .mac = CARD(1) };
	static const struct who other_system = { SHARED, 1, "ff77", NULL },
				elsewhere = { SHARED2, 1, "ff0a", NULL };
	struct net n CLEAN_NET;
	uint32_t addr;

	start(&n, DHCP_IDENTITY_CLIENT_ID);
	net_reserve(&n, &host, 1);
	ck_assert_uint_eq(lease(&n, &anna), LAST);
	ck_assert_uint_eq(lease(&n, &other_system), LAST);
	ck_assert_uint_eq(lease(&n, &anna), LAST);
	/* Another guest sends with its MAC. */
	addr = lease(&n, &elsewhere);
	ck_assert_uint_ne(addr, LAST);
	ck_assert_uint_eq(request(&n, &anna, 0, 0, LAST), LAST);
	check_pool(&n);
}
END_TEST

/* Clones have one identifier, and here a reservation each for their cards. */
START_TEST(clones)
{
	static const struct dhcp_host host[] = { { .addr = FIRST, .mac = CARD(1) },
						 { .addr = LAST, .mac = CARD(4) } };
	static const struct who clone = { SHARED2, 4, "ff0a", NULL },
				third = { SHARED2, 5, "ff0a", NULL };
	static const struct dhcp_host by_id = { .addr = LAST,
						.client_id = id_a,
						.client_id_len = 2 };
	struct net n CLEAN_NET;
	uint32_t addr;

	start(&n, DHCP_IDENTITY_CLIENT_ID);
	net_reserve(&n, host, 2);
	ck_assert_uint_eq(lease(&n, &anna), FIRST);
	ck_assert_uint_eq(lease(&n, &clone), LAST);
	addr = lease(&n, &third);
	ck_assert(addr != FIRST && addr != LAST);
	ck_assert_uint_eq(request(&n, &anna, 0, 0, FIRST), FIRST);
	ck_assert_uint_eq(request(&n, &clone, 0, 0, LAST), LAST);
	check_pool(&n);
	/* Where the reservation names the identifier, the first has it. */
	net_stop(&n);
	start(&n, DHCP_IDENTITY_CLIENT_ID);
	net_reserve(&n, &by_id, 1);
	ck_assert_uint_eq(lease(&n, &anna), LAST);
	addr = lease(&n, &clone);
	ck_assert_uint_ne(addr, LAST);
	release(&n, &anna, LAST);
	ck_assert_uint_eq(request(&n, &clone, 0, 0, addr), addr);
	ck_assert_uint_eq(lease(&n, &anna), LAST);
	check_pool(&n);
}
END_TEST

/* The clients behind the port have all that they may have, and still. */
START_TEST(there_is_always_room)
{
	static const struct dhcp_host host = { .addr = OUTSIDE, .mac = CARD(1) };
	static const struct who other = { SHARED, 9, NULL, NULL };
	struct net n CLEAN_NET;

	start(&n, DHCP_IDENTITY_MAC);
	n.k.config.clients_max = 2;
	kit_configure(&n.k);
	net_reserve(&n, &host, 1);
	lease(&n, &berta);
	lease(&n, &clara);
	ck_assert_uint_eq(lease(&n, &anna), OUTSIDE);
	release(&n, &anna, OUTSIDE);
	ck_assert_uint_eq(lease(&n, &anna), OUTSIDE);
	discover(&n, &other, 0);
	kit_expect_drop(&n.k, DHCP_DROP_CLIENTS, "one without a reservation");
	check_pool(&n);
}
END_TEST

/* Its own name and options, also where no address is reserved. */
START_TEST(host_scope)
{
	struct dhcp_option_set *options;
	struct dhcp_host host = { .mac = CARD(1), .hostname = "anna" };
	struct net n CLEAN_NET;
	struct kit_message c;
	uint32_t addr;

	ck_ok(dhcp_option_set_new(&options));
	ck_ok(dhcp_option_set_put(options, 42, "\1\2\3\4", 4));
	host.options = options;
	start(&n, DHCP_IDENTITY_MAC);
	kit_put(&n.k, 42, "05060708");
	net_reserve(&n, &host, 1);
	addr = lease(&n, &anna);
	ck_assert(addr >= FIRST && addr <= LAST);
	kit_expect_hex(&n.k, 42, "01020304");
	kit_expect_option(&n.k, 12, "anna", 4);
	lease(&n, &berta);
	kit_expect_hex(&n.k, 42, "05060708");
	speak(&n, &anna, DHCP_INFORM, &c);
	c.m.ciaddr = c.saddr = addr;
	kit_send(&n.k, &c);
	kit_expect_hex(&n.k, 42, "01020304");
	net_reserve(&n, NULL, 0);
	dhcp_option_set_free(options);
	ck_assert_uint_eq(request(&n, &anna, 0, 0, addr), addr);
	kit_expect_hex(&n.k, 42, "05060708");
}
END_TEST

/* It knows its clients by their reservations, so it need not be the authority to refuse them. */
START_TEST(known_by_its_reservation)
{
	static const struct dhcp_host host = { .addr = LAST, .mac = CARD(1) };
	struct net n CLEAN_NET;

	start(&n, DHCP_IDENTITY_MAC);
	n.k.config.authoritative = false;
	net_reserve(&n, &host, 1);
	ck_assert_uint_eq(request(&n, &anna, 0, FIRST, 0), 0);
	kit_expect(&n.k, DHCP_NAK, "INIT-REBOOT with another address");
	ck_assert(!n.k.action.store);
	ck_assert_uint_eq(request(&n, &anna, 0, LAST, 0), LAST);
	kit_expect(&n.k, DHCP_ACK, "INIT-REBOOT with its own");
	check_pool(&n);
}
END_TEST

/* --- an address is reserved that somebody has --- */

enum { RENEW, REBIND, REBOOT, SELECT, WAYS };

static void ask(struct net *n, const struct who *w, unsigned way, uint32_t addr)
{
	struct kit_message c;

	speak(n, w, DHCP_REQUEST, &c);
	if (way == RENEW || way == REBIND)
		c.m.ciaddr = c.saddr = addr;
	else
		kit_add_u32(&c, 50, addr);
	if (way == SELECT)
		kit_add_u32(&c, 54, KIT_SERVER);
	if (way == RENEW)
		c.daddr = KIT_SERVER;
	kit_send(&n->k, &c);
}

/* The old holder is refused, however it asks, also where others may be the authority. */
START_TEST(t_dhcp_092)
{
	static const struct who *const crowd[] = { &clara, &dora, &emma };
	struct dhcp_host host = { .mac = CARD(2) };
	struct net n CLEAN_NET;
	uint32_t addr, other;

	start(&n, DHCP_IDENTITY_CLIENT_ID);
	n.k.config.authoritative = _i / WAYS;
	kit_configure(&n.k);
	host.addr = addr = lease(&n, &anna);
	net_reserve(&n, &host, 1);
	ask(&n, &anna, (unsigned)_i % WAYS, addr);
	kit_expect(&n.k, DHCP_NAK, "the old holder");
	ck_assert(n.k.action.store);
	ck_assert_int_eq(n.k.action.record.state, DHCP_LEASE_RELEASED);
	ck_assert_uint_eq(n.k.action.record.client_id_len, 2);
	ck_assert_int_eq(at(&n, addr)->state, DHCP_LEASE_RELEASED);
	check_pool(&n);
	/* It begins anew, and gets another; what it had is to be had by nobody but Berta. */
	other = lease(&n, &anna);
	ck_assert_uint_ne(other, addr);
	for (unsigned i = 0; i < 3; i++) {
		uint32_t got = discover(&n, crowd[i], addr);

		ck_assert_uint_ne(got, addr);
		ck_assert_int_eq(got == 0, i == 2); /* the pool is exhausted */
		ask(&n, crowd[i], SELECT, addr);
		ck_assert_int_ne(n.k.action.reply, DHCP_ACK);
	}
	ck_assert_uint_eq(lease(&n, &berta), addr);
	check_pool(&n);
}
END_TEST

/* Until the old holder has gone, however it goes, the reserved client has another address; then it
 * is refused that, and gets its own. */
START_TEST(t_dhcp_093)
{
	struct dhcp_host host = { .mac = CARD(2) };
	struct net n CLEAN_NET;
	uint32_t addr, temporary;

	start(&n, DHCP_IDENTITY_CLIENT_ID);
	host.addr = addr = lease(&n, &anna);
	kit_pass(&n.k, 600);
	net_reserve(&n, &host, 1);
	temporary = lease(&n, &berta);
	ck_assert_uint_ne(temporary, addr);
	ck_assert_uint_eq(request(&n, &berta, 0, 0, temporary), temporary);
	ck_assert_uint_eq(request(&n, &berta, KIT_SERVER, addr, 0), 0);
	kit_expect(&n.k, DHCP_NAK, "not yet");
	ck_assert_int_eq(at(&n, temporary)->state, DHCP_LEASE_BOUND);
	if (_i == 0)
		lose(&n, &anna, addr);
	else if (_i == 1)
		release(&n, &anna, addr);
	else
		kit_pass(&n.k, KIT_LEASE_TIME - 600);
	lose(&n, &berta, temporary);
	ck_assert_uint_eq(discover(&n, &berta, temporary), addr);
	ck_assert_uint_eq(request(&n, &berta, KIT_SERVER, addr, 0), addr);
	check_pool(&n);
	/* What it had is somebody else's now. */
	ck_assert_uint_eq(request(&n, &dora, 0, temporary, 0), temporary);
	check_pool(&n);
}
END_TEST

/* One that has an address already, and is given another to keep. */
START_TEST(moves_to_its_own)
{
	static const struct dhcp_host host = { .addr = OUTSIDE, .mac = CARD(1) };
	struct net n CLEAN_NET;
	uint32_t addr;

	start(&n, DHCP_IDENTITY_CLIENT_ID);
	addr = lease(&n, &anna);
	net_reserve(&n, &host, 1);
	/* It may go on with the old one while it is offered its own: somebody only looks around. */
	ck_assert_uint_eq(discover(&n, &anna, addr), OUTSIDE);
	ck_assert_int_eq(at(&n, addr)->state, DHCP_LEASE_BOUND);
	kit_pass(&n.k, HOLD);
	ck_assert_ptr_null(at(&n, OUTSIDE));
	ck_assert_int_eq(at(&n, addr)->state, DHCP_LEASE_BOUND);
	/* Both change in one step, and are taken back in one. */
	ck_assert_uint_eq(discover(&n, &anna, addr), OUTSIDE);
	for (unsigned round = 0; round < 2; round++) {
		ck_assert_uint_eq(request(&n, &anna, KIT_SERVER, OUTSIDE, 0), OUTSIDE);
		ck_assert(n.k.action.store && n.k.action.left);
		ck_assert_uint_eq(n.k.action.left_record.addr, addr);
		ck_assert_int_eq(n.k.action.left_record.state, DHCP_LEASE_RELEASED);
		ck_assert_int_eq(at(&n, addr)->state, DHCP_LEASE_RELEASED);
		ck_assert_int_eq(at(&n, OUTSIDE)->state, DHCP_LEASE_BOUND);
		if (round)
			break;
		dhcp_undo(n.k.s, &n.k.action);
		ck_assert_int_eq(at(&n, addr)->state, DHCP_LEASE_BOUND);
		ck_assert_int_eq(at(&n, OUTSIDE)->state, DHCP_LEASE_OFFERED);
		check_pool(&n);
	}
	ck_assert_uint_eq(dhcp_reclaimable(n.k.s, KIT_NET), 1);
	check_pool(&n);
	/* The old one is no more its own, and to be had. */
	ck_assert_uint_eq(request(&n, &anna, 0, 0, addr), 0);
	ck_assert_int_eq(at(&n, OUTSIDE)->state, DHCP_LEASE_BOUND);
	ck_assert_uint_eq(request(&n, &anna, 0, 0, OUTSIDE), OUTSIDE);
	ck_assert(!n.k.action.left);
	ck_assert_uint_eq(request(&n, &dora, 0, addr, 0), addr);
}
END_TEST

/* The same when it asks for its own at once, and when that is granted at once. */
START_TEST(moves_at_once)
{
	static const struct dhcp_host host = { .addr = LAST, .mac = CARD(1) };
	static const struct who quick = { SHARED, 1, "ff0a", "50 00" };
	struct net n CLEAN_NET;
	uint32_t addr;

	start(&n, DHCP_IDENTITY_CLIENT_ID);
	n.k.config.rapid_commit = true;
	kit_configure(&n.k);
	addr = lease(&n, &anna);
	if (addr == LAST) { /* not what this is about */
		release(&n, &anna, addr);
		ck_assert_uint_eq(request(&n, &berta, 0, LAST, 0), LAST);
		addr = lease(&n, &anna);
		release(&n, &berta, LAST);
	}
	net_reserve(&n, &host, 1);
	if (_i)
		discover(&n, &quick, 0);
	else
		request(&n, &anna, 0, LAST, 0);
	kit_expect(&n.k, DHCP_ACK, "its own");
	ck_assert_uint_eq(n.k.m.yiaddr, LAST);
	ck_assert(n.k.action.left && n.k.action.created);
	ck_assert_uint_eq(n.k.action.left_record.addr, addr);
	dhcp_undo(n.k.s, &n.k.action);
	ck_assert_ptr_null(at(&n, LAST));
	ck_assert_int_eq(at(&n, addr)->state, DHCP_LEASE_BOUND);
	ck_assert_uint_eq(request(&n, &anna, 0, LAST, 0), LAST);
	check_pool(&n);
}
END_TEST

/* It has been offered its own, and speaks of the old one. */
START_TEST(between_two)
{
	static const struct dhcp_host host = { .addr = OUTSIDE, .mac = CARD(1) };
	struct net n CLEAN_NET;
	uint32_t addr;

	for (unsigned way = 0; way < 3; way++) {
		start(&n, DHCP_IDENTITY_CLIENT_ID);
		addr = lease(&n, &anna);
		net_reserve(&n, &host, 1);
		ck_assert_uint_eq(discover(&n, &anna, 0), OUTSIDE);
		if (way == 0)
			lose(&n, &anna, addr);
		else if (way == 1)
			release(&n, &anna, addr);
		else
			decline(&n, &anna, addr);
		ck_assert_uint_eq(n.k.action.record.addr, addr);
		ck_assert_int_ne(at(&n, addr)->state, DHCP_LEASE_BOUND);
		check_pool(&n);
		ck_assert_uint_eq(lease(&n, &anna), OUTSIDE);
		ck_assert_int_eq(n.k.action.left, way != 2);
		check_pool(&n);
		if (way < 2)
			net_stop(&n);
	}
}
END_TEST

/* A refusal that could not be stored was not said: the holder keeps the address, whoever was
 * offered it meanwhile. */
START_TEST(refusal_undone)
{
	struct dhcp_host host = { .mac = CARD(2) };
	struct net n CLEAN_NET;
	struct dhcp_action refusal, taken;
	uint32_t addr;

	start(&n, DHCP_IDENTITY_CLIENT_ID);
	n.k.config.rapid_commit = true;
	kit_configure(&n.k);
	host.addr = addr = lease(&n, &anna);
	net_reserve(&n, &host, 1);
	lose(&n, &anna, addr);
	refusal = n.k.action;
	if (_i == 1)
		ck_assert_uint_eq(discover(&n, &berta, 0), addr);
	if (_i == 2) {
		ck_assert_uint_eq(request(&n, &berta, 0, addr, 0), addr);
		taken = n.k.action;
		dhcp_undo(n.k.s, &taken);
	}
	dhcp_undo(n.k.s, &refusal);
	ck_assert_int_eq(at(&n, addr)->state, DHCP_LEASE_BOUND);
	ck_assert_uint_ne(discover(&n, &berta, 0), addr);
	lose(&n, &anna, addr);
	check_pool(&n);
}
END_TEST

/* The address is a port's, or in quarantine: these have to end first. */
START_TEST(not_to_be_had)
{
	static const struct dhcp_host ports = { .addr = KIT_ADDR, .mac = CARD(1) },
				      declined = { .addr = LAST, .mac = CARD(1) };
	struct net n CLEAN_NET;
	struct dhcp_action a;
	uint32_t addr;

	start(&n, DHCP_IDENTITY_MAC);
	net_reserve(&n, &ports, 1);
	addr = lease(&n, &anna);
	ck_assert_uint_ne(addr, KIT_ADDR);
	dhcp_port_del(n.k.s, KIT_PORT);
	lose(&n, &anna, addr);
	ck_assert_uint_eq(lease(&n, &anna), KIT_ADDR);
	release(&n, &anna, KIT_ADDR);
	net_reserve(&n, &declined, 1);
	ck_assert_uint_eq(lease(&n, &anna), LAST);
	decline(&n, &anna, LAST);
	addr = lease(&n, &anna);
	ck_assert_uint_ne(addr, LAST);
	n.k.now += KIT_QUARANTINE * KIT_SECOND;
	ck_assert(dhcp_expire(n.k.s, n.k.now, &a));
	ck_assert_int_eq(a.change, DHCP_CHANGE_FREED);
	lose(&n, &anna, addr);
	ck_assert_uint_eq(lease(&n, &anna), LAST);
	check_pool(&n);
}
END_TEST

/* An address that is a guest's by its name: whoever has it is refused, and nobody gets it. */
START_TEST(for_a_guest)
{
	struct dhcp_host host = { .hostname = NULL };
	struct net n CLEAN_NET;
	struct dhcp_port guest = { .net = KIT_NET, .port = 20, .mac = CARD(20) };
	uint32_t addr;

	start(&n, DHCP_IDENTITY_CLIENT_ID);
	host.addr = guest.addr = addr = lease(&n, &anna);
	net_reserve(&n, &host, 1);
	ck_assert_int_eq(dhcp_port_add(n.k.s, &guest), -EEXIST);
	lose(&n, &anna, addr);
	ck_assert_uint_ne(lease(&n, &anna), addr);
	ck_ok(dhcp_port_add(n.k.s, &guest));
	check_pool(&n);
}
END_TEST

/* --- reload and restart --- */

/* A reservation goes: the lease stays where the pool has the address. */
START_TEST(reservation_goes)
{
	const struct dhcp_host host = { .addr = _i ? OUTSIDE : LAST, .mac = CARD(1) };
	struct net n CLEAN_NET;

	start(&n, DHCP_IDENTITY_CLIENT_ID);
	net_reserve(&n, &host, 1);
	lease(&n, &anna);
	if (_i == 0)
		release(&n, &anna, LAST); /* and is to be had by others then */
	net_reserve(&n, NULL, 0);
	check_pool(&n);
	if (_i == 0) {
		ck_assert_uint_eq(dhcp_reclaimable(n.k.s, KIT_NET), 1);
		ck_assert_uint_eq(lease(&n, &anna), LAST);
		net_reserve(&n, NULL, 0);
		ck_assert_uint_eq(request(&n, &anna, 0, 0, LAST), LAST);
	} else {
		ck_assert_uint_eq(request(&n, &anna, 0, 0, OUTSIDE), 0);
		kit_expect(&n.k, DHCP_NAK, "no address of the network's any more");
	}
	check_pool(&n);
}
END_TEST

/* What was offered under other reservations is not granted, unless it is right. */
START_TEST(offers_lapse)
{
	struct dhcp_host host = { .mac = CARD(2) };
	struct net n CLEAN_NET;
	uint32_t addr;

	start(&n, DHCP_IDENTITY_CLIENT_ID);
	host.addr = addr = discover(&n, &anna, 0);
	net_reserve(&n, &host, 1);
	ck_assert_uint_eq(request(&n, &anna, KIT_SERVER, addr, 0), 0);
	kit_expect(&n.k, DHCP_NAK, "it is Berta's now");
	ck_assert_uint_eq(lease(&n, &berta), addr);
	addr = discover(&n, &clara, 0);
	net_reserve(&n, &host, 1);
	ck_assert_uint_eq(request(&n, &clara, KIT_SERVER, addr, 0), addr);
	check_pool(&n);
}
END_TEST

/* Rows of reserved addresses, which no pool has: that of the reserved client, and that of one who
 * had the address before. */
START_TEST(restored)
{
	const struct dhcp_host host = { .addr = _i & 1 ? OUTSIDE : LAST, .mac = CARD(1) };
	bool own = _i < 2;
	struct net n CLEAN_NET;
	struct dhcp_record r = { .net = KIT_NET,
				 .addr = host.addr,
				 .port = SHARED,
				 .state = DHCP_LEASE_BOUND,
				 .seconds = 3600,
				 .mac = CARD(own ? 1 : 2),
				 .client_id = own ? id_a : id_b,
				 .client_id_len = 2 };

	start(&n, DHCP_IDENTITY_CLIENT_ID);
	net_reserve(&n, &host, 1);
	r.started = n.k.now;
	r.expires = n.k.now + 3600 * KIT_SECOND;
	ck_ok(dhcp_lease_restore(n.k.s, &r));
	check_pool(&n);
	if (own) {
		ck_assert_uint_eq(request(&n, &anna, 0, 0, host.addr), host.addr);
		ck_assert_int_eq(n.k.action.change, DHCP_CHANGE_RENEWED);
	} else {
		ck_assert_uint_ne(discover(&n, &anna, 0), host.addr);
		lose(&n, &berta, host.addr);
		ck_assert_uint_eq(lease(&n, &anna), host.addr);
	}
	check_pool(&n);
}
END_TEST

/* The memory of the address that the client leaves gives way to its new lease, which stays. */
START_TEST(left_gives_way)
{
	static const struct siphash_key key = { "fixed for tests" };
	static const struct dhcp_limits limits = { .nets = 2, .leases = 4, .clients = 1 };
	static const struct dhcp_host host = { .addr = OUTSIDE,
					       .client_id = id_a,
					       .client_id_len = 2 };
	struct dhcp_port shared = { .net = KIT_NET, .port = SHARED };
	struct net n CLEAN_NET;

	start(&n, DHCP_IDENTITY_CLIENT_ID);
	dhcp_server_free(n.k.s);
	ck_ok(dhcp_server_new(&limits, &key, &n.k.s));
	kit_configure(&n.k);
	ck_ok(dhcp_port_add(n.k.s, &shared));
	release(&n, &anna, lease(&n, &anna));
	net_reserve(&n, &host, 1);
	ck_assert_uint_eq(request(&n, &anna, 0, OUTSIDE, 0), OUTSIDE);
	ck_assert(!n.k.action.left);
	ck_assert_int_eq(at(&n, OUTSIDE)->state, DHCP_LEASE_BOUND);
	ck_assert_uint_eq(request(&n, &anna, 0, 0, OUTSIDE), OUTSIDE);
	check_pool(&n);
}
END_TEST

/* Between the offer of a reserved address and its ACK another machine with the client's identifier
 * comes back to the address that it had before. */
START_TEST(clone_meanwhile)
{
	static const struct who twin = { SHARED, 9, "ff0d", NULL };
	static const struct dhcp_host host = { .addr = OUTSIDE, .mac = CARD(9) };
	struct net n CLEAN_NET;
	uint32_t addr;

	start(&n, DHCP_IDENTITY_CLIENT_ID);
	net_reserve(&n, &host, 1);
	addr = lease(&n, &dora);
	release(&n, &dora, addr);
	ck_assert_uint_eq(discover(&n, &twin, 0), OUTSIDE);
	ck_assert_uint_eq(request(&n, &dora, 0, addr, 0), addr);
	ck_assert_uint_eq(request(&n, &twin, KIT_SERVER, OUTSIDE, 0), OUTSIDE);
	for (unsigned i = 0; i < 2; i++) {
		ck_assert_uint_eq(request(&n, &dora, 0, 0, addr), addr);
		ck_assert_uint_eq(request(&n, &twin, 0, 0, OUTSIDE), OUTSIDE);
	}
	ck_assert_int_eq(at(&n, addr)->state, DHCP_LEASE_BOUND);
	ck_assert(at(&n, addr)->identity[0] != at(&n, OUTSIDE)->identity[0]);
	check_pool(&n);
}
END_TEST

UNIT_SUITE(dhcp_reserve)
{
	tcase_add_test(tc, hosts);
	tcase_add_loop_test(tc, by_mac_and_by_identifier, 0, 2);
	tcase_add_test(tc, both_match);
	tcase_add_test(tc, one_card_two_systems);
	tcase_add_test(tc, clones);
	tcase_add_test(tc, there_is_always_room);
	tcase_add_test(tc, host_scope);
	tcase_add_test(tc, known_by_its_reservation);
	tcase_add_loop_test(tc, t_dhcp_092, 0, 2 * WAYS);
	tcase_add_loop_test(tc, t_dhcp_093, 0, 3);
	tcase_add_test(tc, moves_to_its_own);
	tcase_add_loop_test(tc, moves_at_once, 0, 2);
	tcase_add_test(tc, between_two);
	tcase_add_loop_test(tc, refusal_undone, 0, 3);
	tcase_add_test(tc, not_to_be_had);
	tcase_add_test(tc, for_a_guest);
	tcase_add_loop_test(tc, reservation_goes, 0, 2);
	tcase_add_test(tc, offers_lapse);
	tcase_add_loop_test(tc, restored, 0, 4);
	tcase_add_test(tc, left_gives_way);
	tcase_add_test(tc, clone_meanwhile);
}

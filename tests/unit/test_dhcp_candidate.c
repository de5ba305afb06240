/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Clients on a network whose addresses are probed: what is asked for before it is given, who waits
 * for it, and who does not. What netd/ does is done here: it begins the probe that is asked for,
 * and gives the packet again when that has ended.
 */
#include "client_kit.h"

#define MS INT64_C(1000000)

static const struct mac nobody, squatter = { { 0x52, 0x54, 0, 0, 0, 0x77 } };

static struct net n;
static struct dhcp_probes *probes;
static unsigned asked; /* ARP probes that were sent */

static void setup(void)
{
	static const struct siphash_key key = { "probe clients" };

	net_start(&n, DHCP_IDENTITY_CLIENT_ID);
	ck_ok(dhcp_probes_new(KIT_NET + 1, 1024, &key, &probes));
	n.k.in = (struct dhcp_input){ .probes = probes };
	asked = 0;
}

static void teardown(void)
{
	dhcp_probes_free(probes);
	net_stop(&n);
}

/* Milliseconds pass. */
static void tick(int64_t ms)
{
	int64_t end = n.k.now + ms * MS;
	struct dhcp_probe_step step;

	while (dhcp_probe_next(probes) <= end) {
		n.k.now = dhcp_probe_next(probes);
		while (dhcp_probe_step(probes, n.k.now, &step))
			asked += step.todo == DHCP_PROBE_SEND;
	}
	n.k.now = end;
}

/* What netd/ does with an answer, or with none. The address of either; 0: neither. */
static uint32_t obey(void)
{
	const struct dhcp_action *a = &n.k.action;

	if (a->wait)
		ck_ok(dhcp_probe_start(probes, KIT_NET, a->wait, &a->wait_client, n.k.now));
	if (a->change == DHCP_CHANGE_OFFERED || a->change == DHCP_CHANGE_BOUND)
		dhcp_probe_forget(probes, KIT_NET, a->record.addr);
	return a->wait ? a->wait : yiaddr(&n);
}

static uint32_t ask(const struct who *w, uint32_t wanted)
{
	discover(&n, w, wanted);
	return obey();
}

/* The packet that waited for this address is given again. */
static uint32_t ask_again(const struct who *w, uint32_t waited)
{
	uint32_t ret;

	n.k.in.waited = waited;
	n.k.in.came = n.k.now - 160 * MS;
	ret = ask(w, 0);
	n.k.in.waited = 0;
	return ret;
}

static bool waits(void)
{
	return n.k.action.wait != 0;
}

/* The squatter answers for an address. */
static void answer(uint32_t addr)
{
	struct dhcp_arp a = { .op = DHCP_ARP_REPLY, .sender_mac = squatter, .sender = addr };
	uint32_t found;

	ck_assert(dhcp_probe_evidence(probes, KIT_NET, &a, n.k.now, &found));
	ck_assert_uint_eq(found, addr);
}

/* A lease, with all that has to be waited for. */
static uint32_t get_lease(const struct who *w)
{
	uint32_t addr = ask(w, 0);

	if (waits()) {
		tick(160);
		ck_assert_uint_eq(ask_again(w, addr), addr);
	}
	ck_assert_uint_eq(request(&n, w, KIT_SERVER, addr, 0), addr);
	obey();
	ck_assert_int_eq(n.k.action.reply, DHCP_ACK);
	return addr;
}

/* So many addresses that were probed ahead. */
static void fill_stock(unsigned many)
{
	for (uint32_t i = 0; i < many; i++)
		ck_ok(dhcp_probe_start(probes, KIT_NET, LAST - i, &nobody, n.k.now));
	tick(160);
}

/* --- who waits --- */

/* Nothing has happened when a packet waits; when the probe has ended it is answered. */
START_TEST(t_dhcp_029)
{
	uint32_t addr = ask(&anna, 0);

	ck_assert(waits());
	ck_assert_uint_eq(dhcp_pool_used(n.pool), 0);
	ck_assert_ptr_null(dhcp_lease_by_addr(n.k.s, KIT_NET, addr));
	ck_assert_uint_eq(dhcp_counters(n.k.s)->received[DHCP_DISCOVER], 1);
	/* Sent again meanwhile, it waits for the same. */
	tick(100);
	ck_assert_uint_eq(ask(&anna, 0), addr);
	ck_assert(waits());
	tick(60);
	ck_assert_uint_eq(asked, 2);
	ck_assert_uint_eq(ask_again(&anna, addr), addr);
	ck_assert_int_eq(n.k.action.reply, DHCP_OFFER);
	ck_assert_uint_eq(dhcp_counters(n.k.s)->received[DHCP_DISCOVER], 2);
	/* What is offered needs no other probe, nor what is bound. */
	ck_assert_uint_eq(ask(&anna, 0), addr);
	ck_assert_uint_eq(request(&n, &anna, KIT_SERVER, addr, 0), addr);
	ck_assert_int_eq(n.k.action.exchange, 160 * MS);
	ck_assert_uint_eq(ask(&anna, 0), addr);
	ck_assert_uint_eq(request(&n, &anna, 0, addr, 0), addr);
	ck_assert_uint_eq(request(&n, &anna, 0, 0, addr), addr);
	ck_assert(!waits());
	ck_assert_uint_eq(asked, 2);
	check_pool(&n);
}
END_TEST

/* An address that a client once had is probed again, whatever it says to get it. */
static const struct {
	bool released, discover;
	uint32_t server;
	bool wanted;
} returns[] = {
	{ true, true, 0, false },	    { false, true, 0, false },
	{ true, false, 0, true },	    /* INIT-REBOOT */
	{ false, false, KIT_SERVER, true }, /* SELECTING, long after the offer */
	{ false, false, 0, false },	    /* RENEWING, after the host slept */
};

START_TEST(former_address_is_probed)
{
	uint32_t addr = get_lease(&anna);
	unsigned before = asked + 2;

	/* No reason not to have the former one. */
	ck_ok(dhcp_probe_start(probes, KIT_NET, addr == LAST ? FIRST : LAST, &nobody, n.k.now));
	tick(160);
	if (returns[_i].released)
		release(&n, &anna, addr);
	else
		kit_pass(&n.k, KIT_LEASE_TIME);
	for (unsigned again = 0; again < 2; again++) {
		n.k.in.waited = again ? addr : 0;
		if (returns[_i].discover)
			discover(&n, &anna, 0);
		else
			request(&n, &anna, returns[_i].server, returns[_i].wanted ? addr : 0,
				returns[_i].wanted ? 0 : addr);
		ck_assert_int_eq(waits(), !again);
		ck_assert_uint_eq(obey(), addr);
		tick(160);
	}
	ck_assert_uint_eq(asked, before + 2);
	check_pool(&n);
}
END_TEST

/* Of an address that is not known to be theirs. */
START_TEST(requests_of_strangers_are_probed)
{
	static const struct {
		uint32_t server, wanted, ciaddr;
		const struct who *who;
	} cases[] = {
		{ KIT_SERVER, LAST, 0, &anna }, /* SELECTING */
		{ 0, LAST, 0, &anna },		/* INIT-REBOOT */
		{ 0, 0, LAST, &anna },		/* RENEWING */
		{ 0, 0, LAST, &emma },		/* REBINDING */
	};
	const struct who *w = cases[_i].who;

	request(&n, w, cases[_i].server, cases[_i].wanted, cases[_i].ciaddr);
	ck_assert_uint_eq(n.k.action.wait, LAST);
	obey();
	ck_assert_uint_eq(dhcp_pool_used(n.pool), 0);
	tick(160);
	n.k.in.waited = LAST;
	ck_assert_uint_eq(request(&n, w, cases[_i].server, cases[_i].wanted, cases[_i].ciaddr),
			  LAST);
	kit_expect(&n.k, DHCP_ACK, "the probe has ended");
	check_pool(&n);
}
END_TEST

START_TEST(rapid_commit_is_probed)
{
	static const struct who quick = { SHARED, 1, NULL, "50 00" };
	uint32_t addr;

	n.k.config.rapid_commit = true;
	kit_configure(&n.k);
	addr = ask(&quick, 0);
	ck_assert(waits());
	tick(160);
	ck_assert_uint_eq(ask_again(&quick, addr), addr);
	kit_expect(&n.k, DHCP_ACK, "the probe has ended");
	ck_assert_int_eq(n.k.action.exchange, 160 * MS);
}
END_TEST

/* A port's own guest was asked for when it was attached; and where nothing is probed nobody waits.
 */
START_TEST(who_need_not_wait)
{
	n.k.port = KIT_PORT;
	kit_discover(&n.k);
	kit_expect(&n.k, DHCP_OFFER, "a port's own guest");
	n.k.in.probes = NULL;
	ck_assert_uint_ne(discover(&n, &anna, 0), 0);
	ck_assert_uint_eq(asked, 0);
}
END_TEST

/* --- somebody has it --- */

/* The candidate after that is probed in the same exchange. */
START_TEST(t_dhcp_033)
{
	uint32_t addr = ask(&anna, 0), other;

	tick(80);
	answer(addr);
	other = ask_again(&anna, addr);
	ck_assert(waits());
	ck_assert_uint_ne(other, addr);
	tick(160);
	ck_assert_uint_eq(ask_again(&anna, other), other);
	kit_expect(&n.k, DHCP_OFFER, "the next candidate");
	/* Nor does anybody else get it, by asking for it or for any. */
	for (const struct who *const *w =
		     (const struct who *const[]){ &berta, &clara, &dora, NULL };
	     *w; w++)
		ck_assert_uint_ne(ask(*w, addr), addr);
	ck_assert(!waits());
	check_pool(&n);
}
END_TEST

/* One that was probed ahead means that it need not wait once more. */
START_TEST(stock_replaces_what_is_taken)
{
	uint32_t former = get_lease(&anna);

	release(&n, &anna, former);
	ck_assert_uint_eq(ask(&anna, 0), former);
	answer(former);
	for (uint32_t addr = FIRST; addr <= LAST; addr++)
		ck_ok(dhcp_probe_start(probes, KIT_NET, addr, &nobody, n.k.now));
	tick(160);
	ck_assert_uint_ne(ask_again(&anna, former), former);
	kit_expect(&n.k, DHCP_OFFER, "of the stock");
	/* Her former lease is not remembered any more. */
	ck_assert_ptr_null(dhcp_lease_by_addr(n.k.s, KIT_NET, former));
	check_pool(&n);
}
END_TEST

/* Who asks for that address is refused. */
START_TEST(taken_address_is_refused)
{
	uint32_t addr = get_lease(&anna);

	release(&n, &anna, addr);
	ck_ok(dhcp_probe_start(probes, KIT_NET, addr, &nobody, n.k.now));
	answer(addr);
	for (unsigned i = 0; i < 2; i++) {
		request(&n, i ? &berta : &anna, 0, addr, 0);
		kit_expect(&n.k, DHCP_NAK, "INIT-REBOOT");
		request(&n, i ? &berta : &anna, KIT_SERVER, addr, 0);
		kit_expect(&n.k, DHCP_NAK, "SELECTING");
	}
	check_pool(&n);
}
END_TEST

/* A quarantine takes the place of what is remembered of a client, and is that of the address. */
START_TEST(quarantine_of_a_former_address)
{
	uint32_t addr = get_lease(&anna);
	struct dhcp_record r = { .net = KIT_NET,
				 .addr = addr,
				 .port = DHCP_PORT_NONE,
				 .mac = squatter,
				 .state = DHCP_LEASE_DECLINED,
				 .expires = n.k.now + KIT_QUARANTINE * KIT_SECOND };

	release(&n, &anna, addr);
	ck_ok(dhcp_lease_restore(n.k.s, &r));
	ck_assert(dhcp_pool_take(n.pool, addr));
	check_pool(&n);
	ck_assert_uint_ne(get_lease(&anna), addr);
	check_pool(&n);
}
END_TEST

/* When a quarantine is over the address is probed before it is used. */
START_TEST(t_dhcp_084)
{
	uint32_t addr = get_lease(&anna);
	struct dhcp_action a;

	decline(&n, &anna, addr);
	ck_assert_int_eq(n.k.action.change, DHCP_CHANGE_DECLINED);
	ck_assert_uint_ne(ask(&berta, addr), addr);
	n.k.now += KIT_QUARANTINE * KIT_SECOND;
	ck_assert(dhcp_expire(n.k.s, n.k.now, &a));
	dhcp_pool_give(n.pool, addr);
	ck_assert_uint_eq(ask(&berta, addr), addr);
	ck_assert(waits());
}
END_TEST

/* A reserved address is probed as well; when somebody has it, the client keeps what it has, or gets
 * any. */
START_TEST(reserved_address)
{

	static const struct dhcp_host host = { .addr = KIT_IP(10, 77, 0, 20),
					       .mac = { { 0x52, 0x54, 0, 0, 0, 1 } } };
	uint32_t before = _i ? get_lease(&anna) : 0, other;

	net_reserve(&n, &host, 1);
	ck_assert_uint_eq(ask(&anna, 0), host.addr);
	ck_assert(waits());
	tick(160);
	ck_assert_uint_eq(ask_again(&anna, host.addr), host.addr);
	kit_expect(&n.k, DHCP_OFFER, "the probe has ended");
	kit_pass(&n.k, HOLD);
	ck_assert_uint_eq(ask(&anna, 0), host.addr);
	ck_assert(waits());
	answer(host.addr);
	other = ask_again(&anna, host.addr);
	ck_assert_int_eq(waits(), !_i);
	ck_assert(_i ? other == before : other >= FIRST && other <= LAST);
	check_pool(&n);
}
END_TEST

/* --- those who wait together --- */

enum { CROWD = 100 };

/* A server with room for them. */
static void make_room(void)
{
	static const struct ip4_range range = { KIT_IP(10, 77, 0, 100), KIT_IP(10, 77, 0, 219) };
	static const struct dhcp_limits limits = { .nets = KIT_NET + 1, .leases = 2 * CROWD };
	static const struct siphash_key key = { "a crowd" };
	struct dhcp_port shared = { .net = KIT_NET, .port = SHARED };

	dhcp_server_free(n.k.s);
	dhcp_pool_free(n.pool);
	ck_ok(dhcp_server_new(&limits, &key, &n.k.s));
	ck_ok(dhcp_pool_new(&range, 1, &n.pool));
	n.k.config.pool = n.pool;
	kit_configure(&n.k);
	ck_ok(dhcp_port_add(n.k.s, &shared));
}

/* All are answered within the time of one, and those who renew not even then. */
START_TEST(t_dhcp_034)
{
	uint32_t addr[CROWD], bound;
	struct who w = { .port = SHARED };

	make_room();
	bound = get_lease(&anna);
	asked = 0;
	for (w.card = 100; w.card < 100 + CROWD; w.card++) {
		addr[w.card - 100] = ask(&w, 0);
		kit_must(waits());
		tick(w.card == 150);
	}
	ck_assert_uint_eq(request(&n, &anna, 0, 0, bound), bound);
	ck_assert_int_eq(n.k.action.change, DHCP_CHANGE_RENEWED);
	tick(160);
	ck_assert_uint_eq(asked, 2 * CROWD);
	for (w.card = 100; w.card < 100 + CROWD; w.card++) {
		kit_must(ask_again(&w, addr[w.card - 100]) == addr[w.card - 100]);
		kit_expect(&n.k, DHCP_OFFER, "one of the crowd");
	}
	ck_assert_uint_eq(dhcp_pool_used(n.pool), CROWD + 1);
}
END_TEST

/* The address that somebody waits for is nobody else's, as long as there are others. */
START_TEST(nobody_waits_in_vain)
{
	static const struct who *const all[] = { &anna, &berta, &clara, &dora };
	uint32_t addr[POOL];

	for (unsigned i = 0; i < POOL; i++) {
		addr[i] = ask(all[i], i ? addr[i - 1] : 0);
		ck_assert(waits());
		for (unsigned j = 0; j < i; j++)
			ck_assert_uint_ne(addr[i], addr[j]);
	}
	discover(&n, &emma, 0);
	kit_expect_drop(&n.k, DHCP_DROP_NO_ADDRESS, "all are waited for");
	request(&n, &emma, 0, addr[2], 0);
	kit_expect(&n.k, DHCP_NAK, "INIT-REBOOT");
	tick(160);
	discover(&n, &emma, 0);
	kit_expect_drop(&n.k, DHCP_DROP_NO_ADDRESS, "all are about to be given");
	for (unsigned i = POOL; i-- > 0;)
		ck_assert_uint_eq(ask_again(all[i], addr[i]), addr[i]);
	check_pool(&n);
}
END_TEST

/* Who never comes back keeps it for a second; it is in stock then. */
START_TEST(nobody_waits_for_ever)
{
	uint32_t addr[POOL];
	static const struct who *const all[] = { &anna, &berta, &clara, &dora };

	for (unsigned i = 0; i < POOL; i++)
		addr[i] = ask(all[i], 0);
	tick(160 + 999);
	ck_assert_uint_eq(ask(&emma, 0), 0);
	tick(1);
	ck_assert_uint_ne(ask(&emma, 0), 0);
	kit_expect(&n.k, DHCP_OFFER, "of what was probed for others");
	ck_assert_uint_eq(ask(&anna, addr[0]), yiaddr(&n));
	check_pool(&n);
}
END_TEST

/* With a full pool, one whose lease has ended makes way, but not while it waits to have it back. */
START_TEST(former_client_that_waits)
{
	static const struct who *const all[] = { &anna, &berta, &clara, &dora };
	uint32_t addr[POOL];

	for (unsigned i = 0; i < POOL; i++)
		addr[i] = get_lease(all[i]);
	release(&n, &anna, addr[0]);
	release(&n, &berta, addr[1]);
	ck_assert_uint_eq(ask(&anna, 0), addr[0]);
	ck_assert_uint_eq(ask(&emma, 0), addr[1]);
	ck_assert(waits());
	tick(160);
	ck_assert_uint_eq(ask_again(&emma, addr[1]), addr[1]);
	ck_assert_uint_eq(ask_again(&anna, addr[0]), addr[0]);
	ck_assert_int_eq(n.k.action.reply, DHCP_OFFER);
	check_pool(&n);
}
END_TEST

/* Those who wait count among the clients of their port. */
START_TEST(waiting_clients_are_counted)
{
	n.k.config.clients_max = 2;
	kit_configure(&n.k);
	get_lease(&anna);
	ask(&berta, 0);
	ck_assert(waits());
	n.k.in.waiting = 1;
	discover(&n, &clara, 0);
	kit_expect_drop(&n.k, DHCP_DROP_CLIENTS, "the third client");
}
END_TEST

/* --- the stock --- */

/* What was probed ahead is offered at once, each to one; then there is none, and one waits. */
START_TEST(stock_is_offered_at_once)
{
	uint32_t first, second;

	fill_stock(2);
	first = ask(&anna, 0);
	second = ask(&berta, KIT_SERVER); /* which nobody can have */
	ck_assert(!waits());
	ck_assert_uint_eq(first + second, LAST + LAST - 1);
	ck_assert_uint_lt(ask(&clara, 0), LAST - 1);
	ck_assert(waits());
	check_pool(&n);
}
END_TEST

/* One that it asks for, and could have, is worth the wait. */
START_TEST(wish_goes_before_stock)
{
	fill_stock(2);
	ck_assert_uint_eq(ask(&anna, FIRST), FIRST);
	ck_assert(waits());
	/* One whose probe runs is not given to another either, whoever it was begun for. */
	ck_ok(dhcp_probe_start(probes, KIT_NET, FIRST + 1, &nobody, n.k.now));
	ck_assert_uint_eq(ask(&berta, FIRST + 1), FIRST + 1);
	ck_assert(waits());
	tick(160);
	ck_assert_uint_ne(ask(&clara, FIRST + 1), FIRST + 1);
	ck_assert_uint_eq(ask_again(&berta, FIRST + 1), FIRST + 1);
	kit_expect(&n.k, DHCP_OFFER, "what was asked for");
}
END_TEST

UNIT_SUITE(dhcp_candidate)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, t_dhcp_029);
	tcase_add_loop_test(tc, former_address_is_probed, 0, ARRAY_SIZE(returns));
	tcase_add_loop_test(tc, requests_of_strangers_are_probed, 0, 4);
	tcase_add_test(tc, rapid_commit_is_probed);
	tcase_add_test(tc, who_need_not_wait);
	tcase_add_test(tc, t_dhcp_033);
	tcase_add_test(tc, stock_replaces_what_is_taken);
	tcase_add_test(tc, taken_address_is_refused);
	tcase_add_test(tc, quarantine_of_a_former_address);
	tcase_add_test(tc, t_dhcp_084);
	tcase_add_loop_test(tc, reserved_address, 0, 2);
	tcase_add_test(tc, t_dhcp_034);
	tcase_add_test(tc, nobody_waits_in_vain);
	tcase_add_test(tc, nobody_waits_for_ever);
	tcase_add_test(tc, former_client_that_waits);
	tcase_add_test(tc, waiting_clients_are_counted);
	tcase_add_test(tc, stock_is_offered_at_once);
	tcase_add_test(tc, wish_goes_before_stock);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses that are probed before their first use: who waits, who does not, who gets which. */
#include "fake_host.h"
#include "unit.h"

#define NETWORK(more)                                                                              \
	"mac { secret = test }\n"                                                                  \
	"network default { subnet = 10.77.0.1/24 dns = 192.0.2.53 " more " }\n"
#define PROBED NETWORK("probe = on sweep = 0")
#define NO_STOCK NETWORK("probe = on probe-stock = 0 sweep = 0")

#define MS (NS_PER_S / 1000)

static const struct mac squatter = { { 0x52, 0x54, 0, 0, 0, 0x77 } };

static struct fake_daemon f;

static void begin(const char *config)
{
	f = (struct fake_daemon){ 0 };
	fake_start(&f, config);
	fake_turn(&f);
}

static void end(void)
{
	fake_stop(&f);
	fake_remove(&f);
}

static void setup(void)
{
	begin(NO_STOCK);
}

/* One try of an attach: 0, or why not. */
static int try(const char *guest, uint32_t address, struct probe_wait *wait)
{
	struct attach_request q = { .guest = guest,
				    .queues = 1,
				    .wish = { .address = address, .wait = wait } };
	struct attachment *a;
	struct ticket ticket;
	struct refusal r;

	if (port_attach(f.d, &q, &a, &ticket, &r))
		return (int)r.kind;
	fake_turn(&f);
	port_delivered(a);
	return 0;
}

/* Until the attach has its address; false when it is refused. */
static bool attach(const char *guest)
{
	struct probe_wait wait = { 0 };
	int rc;

	while ((rc = try(guest, 0, &wait)) == (int)REFUSED_WAIT)
		fake_tick(&f, 80 * MS);
	return rc == 0;
}

static uint32_t address_of(const char *guest)
{
	return port_find(f.d, 0, guest, 0)->address;
}

static void answer(uint32_t address)
{
	struct dhcp_arp a = {
		.src = squatter, .op = DHCP_ARP_REPLY, .sender_mac = squatter, .sender = address
	};

	fake_arp(f.d->network[0].bridge_index, &a);
	fake_turn(&f);
}

/* What this guest gets where nobody has anything. */
static uint32_t candidate(const char *guest)
{
	struct release *release;
	struct ticket ticket;
	struct refusal r;
	uint32_t address;

	ck_assert(attach(guest));
	address = address_of(guest);
	fake_link_gone(port_find(f.d, 0, guest, 0)->ifindex);
	ck_assert_int_eq(port_release(f.d, guest, 0, &release, &ticket, &r), 0);
	port_released(f.d, release);
	fake_pass(&f, 70); /* what was known is old */
	fake_host->probes = 0;
	return address;
}

static const struct event *last(enum event_kind kind)
{
	for (uint64_t n = f.d->events.next; n-- > 1;)
		if (event_get(&f.d->events, n)->kind == kind)
			return event_get(&f.d->events, n);
	return NULL;
}

/* --- an attach --- */

/* The attach waits for the probe of its own candidate, and has done nothing meanwhile. */
START_TEST(t_dhcp_029)
{
	uint32_t address = candidate("web1");
	struct probe_wait wait = { 0 };
	char before[160], after[160];

	fake_dump(before, sizeof(before));
	ck_assert_int_eq(try("web1", 0, &wait), REFUSED_WAIT);
	fake_turn(&f);
	ck_assert_str_eq(fake_dump(after, sizeof(after)), before);
	ck_assert_ptr_null(port_find(f.d, 0, "web1", 0));
	ck_assert_uint_eq(fake_host->probes, 1);
	ck_assert_uint_eq(fake_host->probe[0].addr, address);
	/* Others' probes wake it up as well. */
	ck_assert_int_eq(try("web1", 0, &wait), REFUSED_WAIT);
	fake_tick(&f, 80 * MS);
	ck_assert_uint_eq(fake_host->probes, 2);
	ck_assert_int_eq(try("web1", 0, &wait), REFUSED_WAIT);
	fake_tick(&f, 80 * MS);
	ck_assert_int_eq(try("web1", 0, &wait), 0);
	ck_assert_uint_eq(address_of("web1"), address);
	/* The next device of the guest has an address already. */
	fake_link_gone(port_find(f.d, 0, "web1", 0)->ifindex);
	fake_turn(&f);
	ck_assert_int_eq(try("web1", 0, &wait), 0);
	ck_assert_uint_eq(fake_host->probes, 2);
}
END_TEST

/* All of them are answered within the time of one, every address was probed. */
START_TEST(t_dhcp_034)
{
	struct probe_wait wait[12] = { 0 };
	char name[16];

	for (unsigned i = 0; i < 12; i++) {
		snprintf(name, sizeof(name), "web%u", i);
		ck_assert_int_eq(try(name, 0, &wait[i]), REFUSED_WAIT);
	}
	fake_turn(&f);
	fake_tick(&f, 80 * MS);
	fake_tick(&f, 80 * MS);
	for (unsigned i = 0; i < 12; i++) {
		unsigned asked = 0;

		snprintf(name, sizeof(name), "web%u", i);
		ck_assert_int_eq(try(name, 0, &wait[i]), 0);
		for (unsigned j = 0; j < fake_host->probes; j++)
			asked += fake_host->probe[j].addr == address_of(name);
		ck_assert_uint_eq(asked, 2);
	}
}
END_TEST

/* A candidate that somebody has goes into quarantine, an event names who, and the next one is
 * tried. */
START_TEST(t_dhcp_033)
{
	uint32_t address = candidate("web1");
	struct probe_wait wait = { 0 };
	const struct dhcp_lease *l;
	const struct event *e;

	ck_assert_int_eq(try("web1", 0, &wait), REFUSED_WAIT);
	fake_turn(&f);
	answer(address);
	e = last(EVENT_CONFLICT);
	ck_assert_ptr_nonnull(e);
	ck_assert_uint_eq(e->address, address);
	ck_assert(mac_equal(&e->mac, &squatter));
	ck_assert_ptr_nonnull(strstr(e->detail, "is in quarantine"));
	ck_assert_int_eq(try("web1", 0, &wait), REFUSED_WAIT); /* there is no stock */
	fake_tick(&f, 0);
	fake_tick(&f, 80 * MS);
	fake_tick(&f, 80 * MS);
	ck_assert_int_eq(try("web1", 0, &wait), 0);
	ck_assert_uint_ne(address_of("web1"), address);
	/* As by a DECLINE, also for the next daemon. */
	fake_stop(&f);
	fake_start(&f, NO_STOCK);
	l = dhcp_lease_by_addr(f.d->dhcp, 0, address);
	ck_assert_ptr_nonnull(l);
	ck_assert_int_eq(l->state, DHCP_LEASE_DECLINED);
	ck_assert(!dhcp_pool_take(f.d->network[0].pool, address));
	fake_pass(&f, 3600);
	ck_assert(dhcp_pool_take(f.d->network[0].pool, address));
}
END_TEST

/* An address that was asked for is not exchanged for another. */
START_TEST(wish_that_is_taken_is_refused)
{
	struct probe_wait wait = { 0 }, other = { 0 };

	ck_assert_int_eq(try("web1", 0x0a4d0005, &wait), REFUSED_WAIT);
	fake_turn(&f);
	answer(0x0a4d0005);
	ck_assert_int_eq(try("web1", 0x0a4d0005, &wait), REFUSED_ADDRESS_IN_USE);
	ck_assert_int_eq(try("web2", 0x0a4d0006, &other), REFUSED_WAIT);
	fake_tick(&f, 0);
	fake_tick(&f, 80 * MS);
	fake_tick(&f, 80 * MS);
	ck_assert_int_eq(try("web2", 0x0a4d0006, &other), 0);
	ck_assert_uint_eq(address_of("web2"), 0x0a4d0006);
}
END_TEST

/* One that answers for everything: the attach ends, and few addresses are in quarantine. */
START_TEST(squatter_of_everything)
{
	struct probe_wait wait = { 0 };
	int rc;

	while ((rc = try("web1", 0, &wait)) == (int)REFUSED_WAIT) {
		unsigned before = fake_host->probes;

		fake_turn(&f);
		for (unsigned i = before; i < fake_host->probes; i++)
			answer(fake_host->probe[i % FAKE_PROBES].addr);
	}
	ck_assert_int_eq(rc, REFUSED_POOL_EXHAUSTED);
	ck_assert_uint_le(dhcp_pool_used(f.d->network[0].pool), 32);
}
END_TEST

/* --- the stock --- */

static unsigned stock(void)
{
	uint32_t at = DHCP_PROBE_FIRST, address;
	unsigned n = 0;

	while (probe_stock(f.d, &f.d->network[0], &at, &address))
		n++;
	return n;
}

START_TEST(stock_is_filled_and_kept_fresh)
{
	end();
	begin(PROBED);
	fake_tick(&f, 80 * MS);
	fake_tick(&f, 80 * MS);
	ck_assert_uint_eq(stock(), 8);
	ck_assert_uint_eq(fake_host->probes, 16);
	for (unsigned i = 0; i < 70; i++)
		fake_pass(&f, 1);
	ck_assert_uint_eq(stock(), 8);
	ck_assert_uint_eq(fake_host->probes, 32);
}
END_TEST

/* The guest whose candidate is somebody else's waits once, and no longer. */
START_TEST(stock_helps_who_lost_its_candidate)
{
	struct probe_wait wait = { 0 };
	uint32_t address, at = DHCP_PROBE_FIRST, first;

	address = candidate("web1");
	end();
	begin(PROBED);
	for (unsigned i = 0; i < 4; i++)
		fake_tick(&f, 80 * MS);
	ck_assert_int_eq(try("web1", 0, &wait), REFUSED_WAIT);
	answer(address);
	ck_assert(probe_stock(f.d, &f.d->network[0], &at, &first));
	ck_assert_int_eq(try("web1", 0, &wait), 0);
	ck_assert_uint_eq(address_of("web1"), first);
	/* And it is filled up again. */
	ck_assert_uint_eq(stock(), 7);
	for (unsigned i = 0; i < 30; i++)
		fake_tick(&f, 80 * MS);
	ck_assert_uint_eq(stock(), 8);
}
END_TEST

/* A port that cannot wait: it is moved because of a conflict. */
START_TEST(moved_port_gets_one_of_the_stock)
{
	uint32_t address, at = DHCP_PROBE_FIRST, first;

	end();
	begin(PROBED);
	ck_assert(attach("web1"));
	address = address_of("web1");
	for (unsigned i = 0; i < 30; i++)
		fake_tick(&f, 80 * MS);
	ck_assert(probe_stock(f.d, &f.d->network[0], &at, &first));
	answer(address);
	ck_assert_uint_eq(address_of("web1"), first);
}
END_TEST

/* Whoever answers for all of the stock cannot have the whole pool put into quarantine. */
START_TEST(filling_is_bounded)
{
	end();
	begin(PROBED);
	for (unsigned i = 0; i < 600; i++) {
		unsigned before = fake_host->probes;

		fake_tick(&f, 100 * MS);
		for (unsigned j = before; j < fake_host->probes; j++)
			answer(fake_host->probe[j % FAKE_PROBES].addr);
	}
	ck_assert_uint_le(dhcp_pool_used(f.d->network[0].pool), 32);
	ck_assert_uint_le(fake_host->probes, 2 * 64);
}
END_TEST

/* --- where --- */

static void foreign_link(uint32_t index, uint32_t master)
{
	struct rtnl_event e = { .kind = RTNL_LINK,
				.link = { .index = index, .master = master, .name = "lan0" } };

	fake_host->listener.event(fake_host->listener.arg, &e);
	fake_turn(&f);
}

START_TEST(auto_is_on_with_a_foreign_port)
{
	struct rtnl_event gone = { .kind = RTNL_LINK_GONE, .link = { .index = 77 } };
	uint32_t bridge;

	end();
	begin(NETWORK(""));
	bridge = f.d->network[0].bridge_index;
	ck_assert(attach("web1"));
	ck_assert(!f.d->network[0].watch.probing);
	foreign_link(77, bridge + 100);
	ck_assert(!f.d->network[0].watch.probing);
	foreign_link(77, bridge);
	ck_assert(f.d->network[0].watch.probing);
	foreign_link(77, 0);
	ck_assert(!f.d->network[0].watch.probing);
	foreign_link(77, bridge);
	ck_assert(f.d->network[0].watch.probing);
	fake_host->listener.event(fake_host->listener.arg, &gone);
	ck_assert(!f.d->network[0].watch.probing);
}
END_TEST

START_TEST(off_is_off)
{
	end();
	begin(NETWORK("probe = off sweep = 0"));
	foreign_link(77, f.d->network[0].bridge_index);
	ck_assert_uint_eq(fake_host->arp_watches, 0);
	ck_assert(attach("web1"));
	ck_assert_uint_eq(fake_host->probes, 0);
}
END_TEST

UNIT_SUITE(netd_probe)
{
	tcase_add_checked_fixture(tc, setup, end);
	tcase_add_test(tc, t_dhcp_029);
	tcase_add_test(tc, t_dhcp_034);
	tcase_add_test(tc, t_dhcp_033);
	tcase_add_test(tc, wish_that_is_taken_is_refused);
	tcase_add_test(tc, squatter_of_everything);
	tcase_add_test(tc, stock_is_filled_and_kept_fresh);
	tcase_add_test(tc, stock_helps_who_lost_its_candidate);
	tcase_add_test(tc, moved_port_gets_one_of_the_stock);
	tcase_add_test(tc, filling_is_bounded);
	tcase_add_test(tc, auto_is_on_with_a_foreign_port);
	tcase_add_test(tc, off_is_off);
}

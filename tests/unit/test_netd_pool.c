/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A network's pool over attaches, reloads and restarts: what is excluded, what it grows into, and
 * leases that are kept. */
#include "fake_host.h"
#include "scratch.h"
#include "store_kit.h"
#include "unit.h"

#define NETWORK(keys)                                                                              \
	"mac { secret = test }\n"                                                                  \
	"network default { subnet = 10.77.0.1/24 " keys "\n host db { address = 10.77.0.230 } }\n"
#define ADDR(last) (0x0a4d0000u + (last))

static struct fake_daemon f;

static void teardown(void)
{
	if (f.d)
		fake_stop(&f);
	fake_remove(&f);
}

static void begin(const char *config)
{
	f = (struct fake_daemon){ 0 };
	fake_start(&f, config);
	fake_turn(&f);
}

/* Over a restart the host in memory and all that runs on it stay. */
static void restart(const char *config)
{
	fake_stop(&f);
	fake_start(&f, config);
	fake_turn(&f);
}

static void reload(const char *config)
{
	struct refusal r;

	ck_assert_msg(fake_reload(&f, config, &r) == 0, "%s", r.detail.text);
}

static int attach(const char *guest, uint32_t address, struct refusal *r)
{
	struct attach_request q = {
		.guest = guest, .queues = 1, .vhost = VHOST_OFF, .wish.address = address
	};
	struct attachment *a;
	struct ticket ticket;

	if (port_attach(f.d, &q, &a, &ticket, r))
		return -1;
	fake_turn(&f);
	port_delivered(a);
	return 0;
}

static struct port *port(const char *guest)
{
	return port_find(f.d, 0, guest, 0);
}

/* Attached; its address. */
static uint32_t attached(const char *guest, uint32_t address)
{
	struct refusal r;

	ck_assert_msg(attach(guest, address, &r) == 0, "%s: refused, %d", guest, (int)r.kind);
	return port(guest)->address;
}

static uint32_t attached_n(unsigned n)
{
	char guest[16];

	snprintf(guest, sizeof(guest), "g%u", n);
	return attached(guest, 0);
}

static struct dhcp_pool *pool(void)
{
	return f.d->network[0].pool;
}

/* Events of this kind since the daemon started; the last one's detail, or "". */
static unsigned events_of(enum event_kind kind, const char **ret_detail)
{
	unsigned n = 0;

	*ret_detail = "";
	for (uint64_t i = 1; i < f.d->events.next; i++) {
		const struct event *e = event_get(&f.d->events, i);

		if (e->kind != kind)
			continue;
		ck_assert_str_eq(e->network, "default");
		*ret_detail = e->detail;
		n++;
	}
	return n;
}

static void expect_growth(unsigned grown, unsigned told, const char *detail)
{
	const char *is;

	ck_assert_uint_eq(dhcp_pool_grown(pool()), grown);
	ck_assert_uint_eq(events_of(EVENT_POOL_GROWN, &is), told);
	ck_assert_str_eq(is, detail);
}

/* --- exclusion --- */

/* Nobody gets it without asking for it by name, and who has it keeps it. */
START_TEST(excluded)
{
	uint32_t own;

	begin(NETWORK("range = 10.77.0.50-10.77.0.53 exclude = { 10.77.0.51, 10.77.0.53 }"));
	ck_assert_uint_eq(network_pool_size(&f.d->network[0]), 2);
	own = attached("web1", 0);
	ck_assert(own == ADDR(50) || own == ADDR(52));
	ck_assert_uint_eq(attached("web2", 0), ADDR(50) + ADDR(52) - own);
	ck_assert_uint_eq(attached("web3", ADDR(51)), ADDR(51));
}
END_TEST

/* Of a live network: the port's guest keeps its address until it is released. */
START_TEST(excluded_while_in_use)
{
	struct release *release;
	struct ticket ticket;
	struct refusal r;
	uint32_t own;

	begin(NETWORK("range = 10.77.0.50-10.77.0.51"));
	own = attached("web1", 0);
	reload(own == ADDR(50) ? NETWORK("range = 10.77.0.50-10.77.0.51 exclude = 10.77.0.50") :
				 NETWORK("range = 10.77.0.50-10.77.0.51 exclude = 10.77.0.51"));
	ck_assert_uint_eq(port("web1")->address, own);
	ck_assert_uint_eq(dhcp_lease_by_port(f.d->dhcp, port("web1")->slot)->addr, own);
	ck_assert_uint_eq(network_pool_size(&f.d->network[0]), 1);
	ck_assert_uint_eq(network_pool_used(f.d, &f.d->network[0]), 0);
	ck_assert_int_eq(port_detach(f.d, "web1", 0, &r), 0);
	ck_assert_uint_eq(attached("web1", 0), own);
	ck_assert_int_eq(port_detach(f.d, "web1", 0, &r), 0);
	ck_assert_int_eq(port_release(f.d, "web1", 0, &release, &ticket, &r), 0);
	port_released(f.d, release);
	fake_turn(&f);
	ck_assert_uint_eq(attached("web1", 0), ADDR(50) + ADDR(51) - own);
	ck_assert_int_eq(attach("web2", 0, &r), -1);
	ck_assert_int_eq(r.kind, REFUSED_POOL_EXHAUSTED);
}
END_TEST

/* --- growth --- */

#define GROWING                                                                                    \
	NETWORK("range = 10.77.0.100-10.77.0.119 "                                                 \
		"grow = { 10.77.0.200-10.77.0.219, 10.77.0.230-10.77.0.249 }")

/* At 95 of a hundred, range by range, and each is told of once. */
START_TEST(grows_when_it_runs_low)
{
	const char *detail;

	begin(GROWING);
	for (unsigned i = 0; i < 18; i++)
		ck_assert_uint_lt(attached_n(i), ADDR(120));
	expect_growth(0, 0, "");
	ck_assert_uint_lt(attached_n(18), ADDR(120)); /* 19 of 20 */
	expect_growth(1, 1, "10.77.0.200-10.77.0.219 is in use now");
	ck_assert_uint_eq(network_pool_size(&f.d->network[0]), 40);
	for (unsigned i = 19; i < 37; i++)
		attached_n(i);
	expect_growth(1, 1, "10.77.0.200-10.77.0.219 is in use now");
	attached_n(37); /* 38 of 40 */
	expect_growth(2, 2, "10.77.0.230-10.77.0.249 is in use now");
	/* The reservation in it is taken from the begin, and is not in question before. */
	ck_assert_uint_eq(network_pool_used(f.d, &f.d->network[0]), 39);
	ck_assert_uint_eq(events_of(EVENT_POOL_LOW, &detail), 2);
	for (unsigned i = 38; i < 56; i++)
		attached_n(i);
	/* Nothing is left to grow into. */
	ck_assert_uint_eq(events_of(EVENT_POOL_LOW, &detail), 4);
	ck_assert_str_eq(detail, "57 of 60 addresses are taken");
	expect_growth(2, 2, "10.77.0.230-10.77.0.249 is in use now");
}
END_TEST

/* A small one is used up before 95 of a hundred of it can be; nobody is refused for that, also when
 * many come in one turn of the loop. */
START_TEST(grows_within_a_turn)
{
	struct attachment *a[4];
	struct refusal r;

	begin(NETWORK("range = 10.77.0.100-10.77.0.101 grow = { 10.77.0.7, 10.77.0.9 }"));
	for (unsigned i = 0; i < ARRAY_SIZE(a); i++) {
		char guest[8] = { (char)('a' + i) };
		struct attach_request q = { .guest = guest, .queues = 1, .vhost = VHOST_OFF };
		struct ticket ticket;

		ck_assert_int_eq(port_attach(f.d, &q, &a[i], &ticket, &r), 0);
	}
	fake_turn(&f);
	for (unsigned i = 0; i < ARRAY_SIZE(a); i++)
		port_delivered(a[i]);
	expect_growth(2, 2, "10.77.0.9-10.77.0.9 is in use now");
	ck_assert_int_eq(attach("e", 0, &r), -1);
	ck_assert_int_eq(r.kind, REFUSED_POOL_EXHAUSTED);
}
END_TEST

/* Asking for an address by name, and a reservation, open nothing. */
START_TEST(given_addresses_open_nothing)
{
	begin(GROWING);
	ck_assert_uint_eq(attached("web1", ADDR(201)), ADDR(201));
	ck_assert_uint_eq(attached("db", 0), ADDR(230));
	expect_growth(0, 0, "");
	restart(GROWING);
	reload(GROWING);
	expect_growth(0, 0, "");
	ck_assert_uint_eq(network_pool_used(f.d, &f.d->network[0]), 0);
}
END_TEST

/* Over reloads what was open stays open; over a restart, what is in use. Neither is told again. */
START_TEST(growth_is_found_again)
{
	uint32_t address = 0;
	struct refusal r;
	char guest[16];

	begin(GROWING);
	for (unsigned i = 0; i < 19; i++)
		attached_n(i);
	reload(GROWING);
	expect_growth(1, 1, "10.77.0.200-10.77.0.219 is in use now");
	for (unsigned i = 19; address < ADDR(200); i++)
		address = attached_n(i);
	restart(GROWING);
	expect_growth(1, 0, "");
	/* Also when it does not run low any more: */
	for (unsigned i = 0; i < 10; i++) {
		struct release *release;
		struct ticket ticket;

		snprintf(guest, sizeof(guest), "g%u", i);
		ck_assert_int_eq(port_detach(f.d, guest, 0, &r), 0);
		ck_assert_int_eq(port_release(f.d, guest, 0, &release, &ticket, &r), 0);
		port_released(f.d, release);
		fake_turn(&f);
	}
	reload(GROWING);
	expect_growth(1, 0, "");
	restart(GROWING);
	expect_growth(1, 0, "");
}
END_TEST

/* A row as it is left by a client behind web1, granted so many seconds ago. */
static void put_row(uint32_t address, enum dhcp_lease_state state, int64_t ago)
{
	const struct mac nested = { { 0x52, 0x54, 0, 0, 0, (uint8_t)address } };
	struct store_lease row = { .network = "default",
				   .address = address,
				   .mac = nested,
				   .guest = "web1",
				   .state = state,
				   .seconds = 3600 };

	row.started = f.boottime - ago * NS_PER_S;
	row.expires = row.started + 3600 * NS_PER_S;
	row.started_wall = f.wall / NS_PER_S - ago;
	row.expires_wall = row.started_wall + 3600;
	if (state == DHCP_LEASE_RELEASED)
		row.expires = row.expires_wall = INT64_MAX;
	ck_ok(store_lease_put(f.d->store, &row, NULL, &unit_err));
	fake_turn(&f);
}

static void put_lease(uint32_t address)
{
	put_row(address, DHCP_LEASE_BOUND, 0);
}

/* A client's lease in a range that came into use is there again after a restart. */
START_TEST(grown_lease_is_found_again)
{
	static const char config[] = NETWORK("identity = mac range = 10.77.0.100 "
					     "grow = 10.77.0.200-10.77.0.219");

	begin(config);
	attached("web1", ADDR(9));
	put_lease(ADDR(207));
	restart(config);
	expect_growth(1, 0, "");
	ck_assert_ptr_nonnull(dhcp_lease_by_addr(f.d->dhcp, 0, ADDR(207)));
	ck_assert_uint_eq(network_pool_used(f.d, &f.d->network[0]), 1);
}
END_TEST

/* What ended is given away in the order in which it was granted, also over a restart and a reboot.
 */
START_TEST(oldest_first_after_a_restart)
{
	static const uint8_t order[] = { 205, 209, 203, 207 };

	begin(NETWORK("identity = mac"));
	attached("web1", ADDR(9));
	put_row(ADDR(203), DHCP_LEASE_RELEASED, 10);
	put_row(ADDR(205), DHCP_LEASE_RELEASED, 30);
	put_row(ADDR(207), DHCP_LEASE_EXPIRED, 5);
	put_row(ADDR(209), DHCP_LEASE_EXPIRED, 20);
	fake_stop(&f);
	if (_i) { /* its CLOCK_BOOTTIME begins anew */
		store_meddle(f.state, "UPDATE lease SET boot = 'another'");
		f.boottime = 1000 * NS_PER_S;
	}
	fake_start(&f, NETWORK("identity = mac"));
	fake_turn(&f);
	ck_assert_uint_eq(dhcp_reclaimable(f.d->dhcp, 0), ARRAY_SIZE(order));
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		ck_assert(dhcp_reclaim(f.d->dhcp, 0));
		ck_assert_msg(!dhcp_lease_by_addr(f.d->dhcp, 0, ADDR(order[i])), "%u", order[i]);
	}
}
END_TEST

static int keep_state(void *arg, const struct store_lease *l)
{
	if (l->address == ADDR(207))
		*(enum dhcp_lease_state *)arg = l->state;
	return 0;
}

static enum dhcp_lease_state row_state(void)
{
	enum dhcp_lease_state state = DHCP_LEASE_FREE;

	ck_ok(store_lease_list(f.d->store, "default", keep_state, &state, &unit_err));
	return state;
}

/* The row of a lease that a reload has ended does not come back with its range; those of others
 * are as they were. */
START_TEST(row_of_an_excluded_client)
{
	begin(NETWORK("identity = mac"));
	attached("web1", ADDR(9));
	put_lease(ADDR(207));
	restart(NETWORK("identity = mac"));
	reload(NETWORK("identity = mac exclude = 10.77.0.208"));
	ck_assert_int_eq(row_state(), DHCP_LEASE_BOUND);
	reload(NETWORK("identity = mac exclude = 10.77.0.207"));
	ck_assert_int_eq(row_state(), DHCP_LEASE_RELEASED);
	ck_assert_ptr_null(dhcp_lease_by_addr(f.d->dhcp, 0, ADDR(207)));
	reload(NETWORK("identity = mac"));
	restart(NETWORK("identity = mac"));
	ck_assert_int_eq(dhcp_lease_by_addr(f.d->dhcp, 0, ADDR(207))->state, DHCP_LEASE_RELEASED);
}
END_TEST

/* --- leases of ports that are gone --- */

static enum dhcp_lease_state state_after_the_end(bool kept, bool died)
{
	struct refusal r;
	struct dhcp_record bound = { .state = DHCP_LEASE_BOUND, .seconds = 3600 };

	begin(kept ? NETWORK("keep-leases = yes") : NETWORK(""));
	bound.addr = attached("web1", 0);
	bound.port = port("web1")->slot;
	bound.mac = port("web1")->mac;
	bound.started = f.boottime;
	bound.expires = f.boottime + 3600 * NS_PER_S;
	ck_ok(dhcp_lease_restore(f.d->dhcp, &bound));
	if (died)
		fake_link_gone(port("web1")->ifindex);
	else
		ck_assert_int_eq(port_detach(f.d, "web1", 0, &r), 0);
	fake_turn(&f);
	ck_assert_int_eq(port("web1")->state, PORT_RESERVED);
	return dhcp_lease_by_addr(f.d->dhcp, 0, bound.addr)->state;
}

START_TEST(leases_are_kept)
{
	bool kept = _i & 1, died = _i & 2;

	ck_assert_int_eq(state_after_the_end(kept, died),
			 kept ? DHCP_LEASE_BOUND : DHCP_LEASE_RELEASED);
	fake_pass(&f, 3601);
	ck_assert_int_eq(dhcp_lease_by_port(f.d->dhcp, port("web1")->slot)->state,
			 kept ? DHCP_LEASE_EXPIRED : DHCP_LEASE_RELEASED);
}
END_TEST

/* Their rows go with the guest, and so nothing is kept of what was behind it. */
START_TEST(kept_leases_of_a_guest_that_goes)
{
	bool attached_still = _i;
	struct release *release;
	struct ticket ticket;
	struct refusal r;
	struct dhcp_record bound = { .addr = ADDR(150),
				     .state = DHCP_LEASE_BOUND,
				     .seconds = 3600,
				     .mac = { { 2, 0, 0, 0, 1, 1 } } };

	begin(NETWORK("identity = mac keep-leases = yes"));
	attached("web1", 0);
	bound.port = port("web1")->slot;
	bound.started = f.boottime;
	bound.expires = f.boottime + 3600 * NS_PER_S;
	ck_ok(dhcp_lease_restore(f.d->dhcp, &bound));
	if (!attached_still)
		ck_assert_int_eq(port_detach(f.d, "web1", 0, &r), 0);
	ck_assert_uint_eq(dhcp_bound_clients(f.d->dhcp, 0), 1);
	ck_assert_int_eq(port_release(f.d, "web1", 0, &release, &ticket, &r), 0);
	port_released(f.d, release);
	fake_turn(&f);
	ck_assert_uint_eq(dhcp_bound_clients(f.d->dhcp, 0), 0);
	ck_assert_uint_eq(dhcp_reclaimable(f.d->dhcp, 0), 1);
}
END_TEST

UNIT_SUITE(netd_pool)
{
	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, excluded);
	tcase_add_test(tc, excluded_while_in_use);
	tcase_add_test(tc, grows_when_it_runs_low);
	tcase_add_test(tc, grows_within_a_turn);
	tcase_add_test(tc, given_addresses_open_nothing);
	tcase_add_test(tc, growth_is_found_again);
	tcase_add_test(tc, grown_lease_is_found_again);
	tcase_add_loop_test(tc, oldest_first_after_a_restart, 0, 2);
	tcase_add_test(tc, row_of_an_excluded_client);
	tcase_add_loop_test(tc, leases_are_kept, 0, 4);
	tcase_add_loop_test(tc, kept_leases_of_a_guest_that_goes, 0, 2);
}

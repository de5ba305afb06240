/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DHCP service from the trap to the wire, on a host in memory: what is said while the state cannot
 * be written, and what becomes of leases when the wall clock is set. */

#include "dhcp_kit.h"
#include "fake_host.h"
#include "store_kit.h"

#define CONFIG                                                                                     \
	"mac { secret = test }\n"                                                                  \
	"network default { subnet = 10.77.0.1/24 dns = 192.0.2.53 lease-time = 1h }\n"

enum { HOUR = 3600, RETRY = 5 };

static struct fake_daemon f;

static void setup(void)
{
	f = (struct fake_daemon){ 0 };
	fake_start(&f, CONFIG);
	fake_turn(&f);
}

static void teardown(void)
{
	if (f.d)
		fake_stop(&f);
	fake_remove(&f);
}

static struct port *attached(const char *guest)
{
	return fake_attach(&f, guest, 0);
}

static struct port *port(void)
{
	return port_find(f.d, 0, "web1", 0);
}

static const struct dhcp_lease *lease(const struct port *p)
{
	return dhcp_lease_by_port(f.d->dhcp, p->slot);
}

/* --- clients --- */

/* A message as the trap hands it over; zero leaves ciaddr and option 50 out. */
static void say_as(const struct port *p, const struct mac *mac, uint8_t type, uint32_t ciaddr,
		   uint32_t wanted)
{
	static uint32_t xid;
	struct dhcp_message m = { .op = DHCP_OP_REQUEST,
				  .htype = DHCP_HTYPE_ETHERNET,
				  .hlen = 6,
				  .xid = ++xid,
				  .ciaddr = ciaddr };
	uint8_t payload[300] = { 0 };
	struct wr w = wr_init(payload, sizeof(payload));
	struct dhcp_frame frame = { .src = *mac,
				    .dst = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } },
				    .daddr = UINT32_MAX,
				    .sport = DHCP_CLIENT_PORT,
				    .dport = DHCP_SERVER_PORT,
				    .payload = payload,
				    .len = sizeof(payload) };

	memcpy(m.chaddr, mac->octet, 6);
	dhcp_message_write(&w, &m);
	wr_bytes(&w, (uint8_t[]){ 53, 1, type }, 3);
	if (wanted) {
		wr_bytes(&w, "\x32\x04", 2);
		wr_be32(&w, wanted);
	}
	wr_u8(&w, 255);
	fake_packet(p->ifindex, &frame);
}

/* ciaddr 0: the client has no address and asks for its port's. */
static void request(const struct port *p, uint32_t ciaddr)
{
	say_as(p, &p->mac, DHCP_REQUEST, ciaddr, ciaddr ? 0 : p->address);
}

/* A second passes; how many replies left in it. */
static unsigned replies(void)
{
	unsigned before = fake_host->frames;

	fake_pass(&f, 1);
	return fake_host->frames - before;
}

static void bind_lease(const struct port *p)
{
	request(p, 0);
	ck_assert_uint_eq(replies(), 1);
	ck_assert_int_eq(lease(p)->state, DHCP_LEASE_BOUND);
}

static unsigned events_of(enum event_kind kind)
{
	unsigned n = 0;

	for (uint64_t i = 1; i < f.d->events.next; i++)
		n += event_get(&f.d->events, i)->kind == kind;
	return n;
}

/* --- the rows --- */

static int keep_lease(void *arg, const struct store_lease *l)
{
	struct store_lease *kept = arg;

	ck_assert_uint_eq(kept->address, 0); /* there is one */
	*kept = *l;
	kept->hostname = NULL;
	kept->client_id = NULL;
	return 0;
}

static struct store_lease row(void)
{
	struct store_lease l = { .address = 0 };

	ck_ok(store_lease_list(f.d->store, NULL, keep_lease, &l, &unit_err));
	return l;
}

/* --- while the state cannot be written --- */

START_TEST(renewal_is_granted_from_memory)
{
	const struct port *p = attached("web1");
	int64_t expires;

	bind_lease(p);
	fake_pass(&f, HOUR / 2);
	expires = row().expires;
	store_break(true);
	for (unsigned i = 0; i < 3; i++) {
		request(p, p->address);
		ck_assert_uint_eq(replies(), 1);
		ck_assert_int_gt(lease(p)->expires, expires);
		ck_assert_int_eq(row().expires, expires);
	}
	ck_assert_uint_eq(events_of(EVENT_LEASE_RENEWED), 3);
	ck_assert_uint_eq(events_of(EVENT_STORAGE_FAILED), 1);
	fake_pass(&f, 3 * RETRY); /* it is tried, and fails */
	ck_assert_uint_eq(events_of(EVENT_STORAGE_FAILED), 1);
	ck_assert_uint_eq(events_of(EVENT_STORAGE_RECOVERED), 0);
	store_break(false);
	fake_pass(&f, RETRY);
	ck_assert_uint_eq(events_of(EVENT_STORAGE_RECOVERED), 1);
	ck_assert_int_eq(row().expires, lease(p)->expires);
	expires = row().expires;
	fake_stop(&f);
	fake_start(&f, CONFIG);
	ck_assert_int_eq(lease(port())->expires, expires);
}
END_TEST

/* Any commit that works again stores it, before the timer does. */
START_TEST(renewal_is_stored_with_the_next_commit)
{
	const struct port *p = attached("web1");

	bind_lease(p);
	store_break(true);
	request(p, p->address);
	ck_assert_uint_eq(replies(), 1);
	store_break(false);
	ck_assert_int_ne(row().expires, lease(p)->expires);
	attached("web2");
	ck_assert_int_eq(row().expires, lease(p)->expires);
	ck_assert_uint_eq(events_of(EVENT_STORAGE_RECOVERED), 1);
}
END_TEST

/* And a clean end tries once more. */
START_TEST(renewal_is_stored_at_the_end)
{
	const struct port *p = attached("web1");
	int64_t expires;

	bind_lease(p);
	store_break(true);
	request(p, p->address);
	ck_assert_uint_eq(replies(), 1);
	expires = lease(p)->expires;
	store_break(false);
	fake_stop(&f);
	fake_start(&f, CONFIG);
	ck_assert_int_eq(lease(port())->expires, expires);
}
END_TEST

START_TEST(a_new_lease_is_not_granted)
{
	const struct port *p = attached("web1");

	store_break(true);
	request(p, 0);
	ck_assert_uint_eq(replies(), 0);
	ck_assert_int_eq(lease(p)->state, DHCP_LEASE_FREE);
	/* Nor when it is renewed in the same turn: there is nothing on disk to renew. */
	request(p, 0);
	request(p, p->address);
	ck_assert_uint_eq(replies(), 0);
	ck_assert_int_eq(lease(p)->state, DHCP_LEASE_FREE);
	ck_assert_uint_eq(events_of(EVENT_LEASE_BOUND) + events_of(EVENT_LEASE_RENEWED), 0);
	store_break(false);
	bind_lease(p);
	ck_assert_uint_eq(events_of(EVENT_STORAGE_FAILED), 1);
	ck_assert_uint_eq(events_of(EVENT_STORAGE_RECOVERED), 1);
}
END_TEST

/* Two renewals in one turn: the first has a row to stand on. */
START_TEST(second_renewal_of_a_turn_waits)
{
	const struct port *p = attached("web1");

	bind_lease(p);
	store_break(true);
	request(p, p->address);
	request(p, p->address);
	ck_assert_uint_eq(replies(), 1);
	ck_assert_int_eq(lease(p)->state, DHCP_LEASE_BOUND);
	store_break(false);
	fake_pass(&f, RETRY);
	ck_assert_int_eq(row().expires, lease(p)->expires);
}
END_TEST

/* Killed before it could be stored: the lease ends sooner, and the address is still the port's. */
START_TEST(renewal_that_is_lost)
{
	const struct port *p = attached("web1");
	uint32_t address = p->address;
	int64_t stored;

	bind_lease(p);
	stored = row().expires;
	store_break(true);
	fake_pass(&f, HOUR / 2);
	request(p, p->address);
	ck_assert_uint_eq(replies(), 1);
	fake_stop(&f);
	store_break(false);
	fake_start(&f, CONFIG);
	ck_assert_uint_eq(port()->address, address);
	ck_assert_int_eq(lease(port())->expires, stored);
	fake_pass(&f, HOUR);
	ck_assert_int_eq(lease(port())->state, DHCP_LEASE_EXPIRED);
	request(port(), address);
	ck_assert_uint_eq(replies(), 1);
	ck_assert_int_eq(lease(port())->state, DHCP_LEASE_BOUND);
}
END_TEST

/* --- clocks --- */

static void set_wall_clock(int64_t seconds)
{
	f.wall += seconds * NS_PER_S;
}

static void restart(void)
{
	fake_stop(&f);
	fake_start(&f, CONFIG);
	fake_turn(&f);
}

/* The host is off for so long; the firmware's clock goes on. */
static void reboot(int64_t seconds)
{
	fake_stop(&f);
	store_meddle(f.state, "UPDATE lease SET boot = 'another'");
	f.boottime = 10 * NS_PER_S;
	set_wall_clock(seconds);
	fake_start(&f, CONFIG);
	fake_turn(&f);
}

/* The lease has so many seconds left, and that is so in the state, by both clocks. */
static void check_left(int64_t seconds)
{
	const struct dhcp_lease *l = lease(port());
	struct store_lease stored = row();
	int64_t left = (l->expires - f.boottime) / NS_PER_S;

	ck_assert_int_eq(l->state, DHCP_LEASE_BOUND);
	ck_assert_msg(llabs(left - seconds) <= 2, "%lld s are left, not %lld", (long long)left,
		      (long long)seconds);
	ck_assert(stored.same_boot);
	ck_assert_int_eq(stored.expires, l->expires);
	ck_assert_int_le(llabs(stored.expires_wall - f.wall / NS_PER_S - left), 2);
	ck_assert_int_le(llabs(stored.expires_wall - stored.started_wall - HOUR), 2);
}

static const int64_t steps[] = { 0, -86400, 86400, 30, -30 };

START_TEST(wall_clock_is_set)
{
	bind_lease(attached("web1"));
	set_wall_clock(steps[_i]);
	fake_pass(&f, HOUR / 2);
	check_left(HOUR / 2);
	fake_pass(&f, HOUR / 2);
	ck_assert_int_eq(lease(port())->state, DHCP_LEASE_EXPIRED);
}
END_TEST

START_TEST(wall_clock_is_set_over_a_restart)
{
	bind_lease(attached("web1"));
	fake_stop(&f);
	set_wall_clock(steps[_i]);
	fake_start(&f, CONFIG);
	fake_pass(&f, HOUR / 2);
	check_left(HOUR / 2);
	restart();
	fake_pass(&f, HOUR / 2);
	ck_assert_int_eq(lease(port())->state, DHCP_LEASE_EXPIRED);
}
END_TEST

/* It is right again when the host goes down: nothing of the step is left. */
START_TEST(wall_clock_is_set_before_a_reboot)
{
	bind_lease(attached("web1"));
	set_wall_clock(steps[_i]);
	fake_pass(&f, 600);
	reboot(600);
	check_left(HOUR - 1200);
	/* What was written in another boot follows from now on, too. */
	set_wall_clock(steps[_i]);
	fake_pass(&f, 600);
	reboot(600);
	check_left(HOUR - 2400);
}
END_TEST

/* Set back while the host is down: not more than the whole time is left, however often. */
START_TEST(wall_clock_goes_back_over_a_reboot)
{
	bind_lease(attached("web1"));
	for (unsigned i = 0; i < 3; i++) {
		fake_pass(&f, 60);
		reboot(-86400);
		check_left(HOUR);
	}
	fake_pass(&f, HOUR);
	ck_assert_int_eq(lease(port())->state, DHCP_LEASE_EXPIRED);
}
END_TEST

/* Set forward: as if the host had been off for so long. The guest gets its address again. */
START_TEST(wall_clock_goes_forward_over_a_reboot)
{
	uint32_t address, index;

	bind_lease(attached("web1"));
	address = port()->address;
	index = port()->ifindex;
	reboot(86400);
	fake_pass(&f, 1);
	ck_assert_int_eq(lease(port())->state, DHCP_LEASE_EXPIRED);
	ck_assert_uint_eq(port()->address, address);
	ck_assert_uint_eq(port()->ifindex, index); /* the host in memory keeps its links */
	bind_lease(port());
	check_left(HOUR - 1);
}
END_TEST

START_TEST(infinite_lease)
{
	bind_lease(attached("web1"));
	fake_stop(&f);
	store_meddle(f.state, "UPDATE lease SET expires = 9223372036854775807,"
			      " expires_wall = 9223372036854775807");
	fake_start(&f, CONFIG);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		set_wall_clock(steps[i]);
		fake_pass(&f, 60);
		reboot(steps[i]);
		ck_assert_int_eq(lease(port())->expires, INT64_MAX);
		ck_assert_int_eq(row().expires, INT64_MAX);
		ck_assert_int_eq(row().expires_wall, INT64_MAX);
	}
}
END_TEST

/* What ended before the host booted did so as long ago as the wall clock says: which of two leases
 * is the older one does not follow from how long they were. */
START_TEST(what_ended_before_a_reboot_keeps_its_age)
{
	const struct store_lease first = { .started_wall = 1000, .expires_wall = 1100 };
	const struct store_lease then = { .started_wall = 2000, .expires_wall = 4000 };
	struct dhcp_record r[2];

	serve_former_boot(&first, 10 * NS_PER_S, 5000, &r[0]);
	serve_former_boot(&then, 10 * NS_PER_S, 5000, &r[1]);
	ck_assert_int_lt(r[0].started, r[1].started);
	ck_assert_int_eq(r[0].started, (10 - 4000) * NS_PER_S);
	ck_assert_int_eq(r[0].expires, (10 - 3900) * NS_PER_S);
}
END_TEST

/* Of a hundred addresses so many are taken, and so many events have told of it. */
static void fill_pool(uint32_t taken, unsigned told)
{
	struct dhcp_pool *pool = f.d->network[0].pool;

	for (uint32_t i = 0; i < 100; i++)
		if (i < taken)
			dhcp_pool_take(pool, 0x0a4d0064 + i);
		else
			dhcp_pool_give(pool, 0x0a4d0064 + i);
	fake_turn(&f);
	ck_assert_uint_eq(events_of(EVENT_POOL_LOW), told);
}

static const struct event *last_of(enum event_kind kind)
{
	for (uint64_t i = f.d->events.next; i-- > 1;)
		if (event_get(&f.d->events, i)->kind == kind)
			return event_get(&f.d->events, i);
	ck_abort_msg("no %s", event_kind_text(kind));
	return NULL;
}

/* Who asks when no address is free gets no answer, and the administrator one event a minute. */
START_TEST(t_dhcp_028)
{
	struct mac mac = { { 2, 0, 0, 0, 1, 0 } };
	const struct event *e;
	const struct port *p;

	fake_stop(&f);
	fake_start(&f, "mac { secret = test }\n"
		       "network default { subnet = 10.77.0.1/24 identity = mac\n"
		       "range = 10.77.0.100-10.77.0.102 }\n");
	p = attached("web1");
	for (unsigned i = 0; i < 2; i++) {
		mac.octet[5]++;
		say_as(p, &mac, DHCP_DISCOVER, 0, 0);
		ck_assert_uint_eq(replies(), 1);
	}
	ck_assert_uint_eq(events_of(EVENT_POOL_FULL), 0);
	for (unsigned i = 0; i < 100; i++) {
		mac.octet[5]++;
		say_as(p, &mac, DHCP_DISCOVER, 0, 0);
	}
	ck_assert_uint_eq(replies(), 0);
	ck_assert_uint_eq(events_of(EVENT_POOL_FULL), 1);
	e = last_of(EVENT_POOL_FULL);
	ck_assert_str_eq(e->network, "default");
	ck_assert_str_eq(e->guest, "web1");
	ck_assert_uint_eq(e->mac.octet[5], 3);
	/* The offers lapse, are taken again, and then the next one is told with those before. */
	fake_pass(&f, 61);
	for (unsigned i = 0; i < 3; i++) {
		mac.octet[5]++;
		say_as(p, &mac, DHCP_DISCOVER, 0, 0);
	}
	ck_assert_uint_eq(replies(), 2);
	ck_assert_uint_eq(events_of(EVENT_POOL_FULL), 2);
	ck_assert_ptr_nonnull(strstr(last_of(EVENT_POOL_FULL)->detail, "99 more"));
}
END_TEST

/* A reservation's address is nobody else's, before its guest was there and after. */
START_TEST(reservation_after_its_guest)
{
	struct mac mac = { { 2, 0, 0, 0, 1, 1 } };
	struct release *release;
	struct ticket ticket;
	struct refusal r;

	fake_stop(&f);
	fake_start(&f, "mac { secret = test }\n"
		       "network default { subnet = 10.77.0.1/24 identity = mac\n"
		       "range = 10.77.0.100-10.77.0.101 host web1 { address = 10.77.0.100 } }\n");
	attached("web1");
	ck_assert_int_eq(port_release(f.d, "web1", -1, &release, &ticket, &r), 0);
	fake_turn(&f);
	port_released(f.d, release);
	ck_assert_uint_eq(attached("web2")->address, 0x0a4d0065);
	say_as(port_find(f.d, 0, "web2", 0), &mac, DHCP_DISCOVER, 0, 0x0a4d0064);
	ck_assert_uint_eq(replies(), 0);
	ck_assert_uint_eq(attached("web1")->address, 0x0a4d0064);
}
END_TEST

/* A guest that is refused again and again does not push out what else happened. */
START_TEST(refusals_are_told_at_a_limited_rate)
{
	const struct port *p = attached("web1");

	for (unsigned i = 0; i < 200; i++) {
		say_as(p, &p->mac, DHCP_REQUEST, 0, p->address + 1);
		fake_turn(&f);
		ck_assert_uint_eq(fake_host->frames, 1);
		fake_host->frames = 0;
	}
	ck_assert_uint_eq(events_of(EVENT_LEASE_REFUSED), 60);
}
END_TEST

/* What the rules have dropped is told of, and not answered. */
START_TEST(flood_is_told)
{
	const struct port *p = attached("web1");
	struct trap_packet packet = { .ifindex = p->ifindex, .src = p->mac, .flood = true };

	for (unsigned i = 0; i < 20; i++)
		fake_host->listener.packet(fake_host->listener.arg, &packet);
	ck_assert_uint_eq(replies(), 0);
	ck_assert_uint_eq(events_of(EVENT_DHCP_FLOOD), 10);
	ck_assert_str_eq(last_of(EVENT_DHCP_FLOOD)->guest, "web1");
}
END_TEST

/* A row of a former boot follows the wall clock like those of this one. */
START_TEST(former_boot_follows_the_wall_clock)
{
	struct mac mac = { { 2, 0, 0, 0, 1, 1 } };
	static const char config[] =
		"mac { secret = test }\n"
		"network default { subnet = 10.77.0.1/24 identity = mac lease-time = 1h }\n";
	const struct dhcp_lease *l;
	int64_t expires;

	fake_stop(&f);
	fake_start(&f, config);
	say_as(attached("web1"), &mac, DHCP_REQUEST, 0, 0x0a4d0064);
	ck_assert_uint_eq(replies(), 1);
	fake_stop(&f);
	store_meddle(f.state, "UPDATE lease SET boot = 'another'");
	f.boottime = 10 * NS_PER_S;
	fake_start(&f, config);
	l = dhcp_lease_by_addr(f.d->dhcp, 0, 0x0a4d0064);
	ck_assert_int_eq(l->state, DHCP_LEASE_BOUND);
	expires = l->expires;
	set_wall_clock(86400);
	fake_pass(&f, 1);
	fake_stop(&f);
	fake_start(&f, config);
	l = dhcp_lease_by_addr(f.d->dhcp, 0, 0x0a4d0064);
	ck_assert_int_eq(l->state, DHCP_LEASE_BOUND);
	ck_assert_int_eq(l->expires, expires);
}
END_TEST

/* Told at 80 and at 95 of a hundred, and again only when it was clearly better meanwhile. */
START_TEST(pool_that_becomes_full)
{
	fake_stop(&f);
	fake_start(&f,
		   "mac { secret = test }\n"
		   "network default { subnet = 10.77.0.1/24 range = 10.77.0.100-10.77.0.199 }\n");
	fill_pool(79, 0);
	fill_pool(80, 1);
	fill_pool(94, 1);
	fill_pool(95, 2);
	fill_pool(91, 2);
	fill_pool(100, 2);
	fill_pool(89, 2); /* below 95 again, and still above 80 */
	fill_pool(95, 3);
	fill_pool(10, 3);
	fill_pool(96, 4);
}
END_TEST

UNIT_SUITE(netd_serve)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, renewal_is_granted_from_memory);
	tcase_add_test(tc, renewal_is_stored_with_the_next_commit);
	tcase_add_test(tc, renewal_is_stored_at_the_end);
	tcase_add_test(tc, a_new_lease_is_not_granted);
	tcase_add_test(tc, second_renewal_of_a_turn_waits);
	tcase_add_test(tc, renewal_that_is_lost);
	tcase_add_loop_test(tc, wall_clock_is_set, 0, ARRAY_SIZE(steps));
	tcase_add_loop_test(tc, wall_clock_is_set_over_a_restart, 0, ARRAY_SIZE(steps));
	tcase_add_loop_test(tc, wall_clock_is_set_before_a_reboot, 0, ARRAY_SIZE(steps));
	tcase_add_test(tc, wall_clock_goes_back_over_a_reboot);
	tcase_add_test(tc, wall_clock_goes_forward_over_a_reboot);
	tcase_add_test(tc, what_ended_before_a_reboot_keeps_its_age);
	tcase_add_test(tc, infinite_lease);
	tcase_add_test(tc, pool_that_becomes_full);
	tcase_add_test(tc, t_dhcp_028);
	tcase_add_test(tc, reservation_after_its_guest);
	tcase_add_test(tc, refusals_are_told_at_a_limited_rate);
	tcase_add_test(tc, flood_is_told);
	tcase_add_test(tc, former_boot_follows_the_wall_clock);
}

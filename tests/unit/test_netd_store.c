/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state: what is put is what comes back, when it is durable, and what is refused. What happens
 * to damaged files and full disks is in test_netd_store_damage.c. */
#include <sys/wait.h>

#include "store_kit.h"

/* --- allocations --- */

START_TEST(allocation_round_trip)
{
	CLEAN_STORE struct store *s = store_must_open(STATE);

	store_must_put(s, 0, 200);
	ck_assert_uint_eq(store_count(s, "default"), 200);
	store_close(s);
	s = store_must_open(STATE);
	ck_assert_uint_eq(store_count(s, "default"), 200);
	ck_assert_uint_eq(store_count(s, "other"), 0);
}
END_TEST

struct found {
	struct store_allocation a;
	unsigned n;
};

static int keep_last(void *arg, const struct store_allocation *a)
{
	struct found *f = arg;

	f->a = *a;
	f->n++;
	return 0;
}

static struct store_allocation only_one(struct store *s, const char *network)
{
	struct found f = { .n = 0 };

	ck_ok(store_allocation_list(s, network, keep_last, &f, &unit_err));
	ck_assert_uint_eq(f.n, 1);
	return f.a;
}

/* The ends of what each member can hold. */
START_TEST(allocation_extremes)
{
	CLEAN_STORE struct store *s = store_must_open(STATE);
	struct store_allocation a = store_sample("default", 0), b;

	memset(a.network, 'n', sizeof(a.network) - 1);
	memset(a.guest, 'g', sizeof(a.guest) - 1);
	a.nic = a.generation = a.owner = a.queues = UINT32_MAX;
	a.address = UINT32_MAX;
	a.created = INT64_MIN;
	ck_ok(store_allocation_put(s, &a, NULL, &unit_err));
	ck_ok(store_commit(s, &unit_err));
	b = only_one(s, a.network);
	ck_assert_str_eq(b.network, a.network);
	ck_assert_str_eq(b.guest, a.guest);
	ck_assert_uint_eq(b.nic, a.nic);
	ck_assert_uint_eq(b.generation, a.generation);
	ck_assert_uint_eq(b.owner, a.owner);
	ck_assert_uint_eq(b.queues, a.queues);
	ck_assert_uint_eq(b.address, a.address);
	ck_assert_int_eq(b.created, a.created);
}
END_TEST

/* The same network, guest and nic: all is new but the time of creation. */
START_TEST(allocation_is_replaced)
{
	CLEAN_STORE struct store *s = store_must_open(STATE);
	struct store_allocation a = store_sample("default", 1), b = store_sample("default", 2), c;

	memcpy(b.guest, a.guest, sizeof(b.guest));
	b.nic = a.nic;
	ck_ok(store_allocation_put(s, &a, NULL, &unit_err));
	ck_ok(store_allocation_put(s, &b, NULL, &unit_err));
	c = only_one(s, "default");
	ck_assert(mac_equal(&c.mac, &b.mac));
	ck_assert_uint_eq(c.address, b.address);
	ck_assert_uint_eq(c.generation, b.generation);
	ck_assert_uint_eq(c.owner, b.owner);
	ck_assert_uint_eq(c.queues, b.queues);
	ck_assert_int_eq(c.created, a.created);
	ck_ok(store_allocation_put(s, &b, NULL, &unit_err)); /* with its own MAC and address */
}
END_TEST

/* --- conflicts --- */

static struct store_allocation sharing(const struct store_allocation *a, uint32_t n, bool mac)
{
	struct store_allocation b = store_sample(a->network, n);

	if (mac)
		b.mac = a->mac;
	else
		b.address = a->address;
	return b;
}

/* The row that is refused leaves nothing; what the turn put before and after it is stored. */
START_TEST(conflict)
{
	CLEAN_STORE struct store *s = store_must_open(STATE);
	struct store_allocation a = store_sample("default", 1), c = store_sample("default", 3),
				b = sharing(&a, 2, _i);
	char expected[600];
	struct ticket ticket = { 99 };
	struct err err;

	ck_ok(store_allocation_put(s, &a, NULL, &unit_err));
	ck_assert_int_eq(store_allocation_put(s, &b, &ticket, &err), -EEXIST);
	snprintf(expected, sizeof(expected), "state %s: UNIQUE constraint failed: %s", STATE,
		 _i ? "allocation.network, allocation.mac" : "address.network, address.address");
	ck_assert_str_eq(err.text, expected);
	ck_assert_uint_eq(ticket.turn, 99);
	ck_ok(store_allocation_put(s, &c, NULL, &unit_err));
	ck_ok(store_commit(s, &unit_err));
	ck_assert_uint_eq(store_count(s, "default"), 2);
	store_close(s);
	s = store_must_open(STATE);
	ck_assert_uint_eq(store_count(s, "default"), 2);
}
END_TEST

/* Who would be moved onto another's MAC or address keeps both of his own. */
START_TEST(conflict_of_a_replacement)
{
	CLEAN_STORE struct store *s = store_must_open(STATE);
	struct store_allocation a = store_sample("default", 1), b;

	store_must_put(s, 1, 2);
	b = sharing(&a, 2, _i);
	ck_assert_int_eq(store_allocation_put(s, &b, NULL, NULL), -EEXIST);
	ck_assert_uint_eq(store_count(s, "default"), 2);
	ck_ok(store_commit(s, &unit_err));
	ck_assert_uint_eq(store_count(s, "default"), 2);
}
END_TEST

/* MAC and address are each network's own. */
START_TEST(no_conflict_between_networks)
{
	CLEAN_STORE struct store *s = store_must_open(STATE);
	struct store_allocation a = store_sample("default", 1), b = store_sample("other", 1);

	ck_ok(store_allocation_put(s, &a, NULL, &unit_err));
	ck_ok(store_allocation_put(s, &b, NULL, &unit_err));
	ck_assert_uint_eq(store_count(s, "default"), 1);
	ck_assert_uint_eq(store_count(s, "other"), 1);
}
END_TEST

/* What was given back, even in the same turn, is free. */
START_TEST(no_conflict_with_what_is_gone)
{
	CLEAN_STORE struct store *s = store_must_open(STATE);
	struct store_allocation a = store_sample("default", 1), b = sharing(&a, 2, true);

	b.address = a.address;
	ck_ok(store_allocation_put(s, &a, NULL, &unit_err));
	ck_ok(store_allocation_del(s, &a, 0, 0, NULL, &unit_err));
	ck_ok(store_allocation_put(s, &b, NULL, &unit_err));
	ck_assert_str_eq(only_one(s, "default").guest, b.guest);
}
END_TEST

/* --- turns --- */

START_TEST(turns_and_tickets)
{
	CLEAN_STORE struct store *s = store_must_open(STATE);
	struct store_allocation a = store_sample("default", 1);
	struct ticket first = store_ticket(s), got;

	ck_assert(!store_dirty(s));
	ck_ok(store_commit(s, &unit_err)); /* of nothing */
	ck_assert_uint_eq(store_ticket(s).turn, first.turn + 1);
	ck_ok(store_allocation_put(s, &a, &got, &unit_err));
	ck_assert(store_dirty(s));
	ck_assert_uint_eq(got.turn, first.turn + 1);
	ck_assert_uint_eq(store_ticket(s).turn, first.turn + 1);
	ck_ok(store_commit(s, &unit_err));
	ck_assert(!store_dirty(s));
	ck_assert_uint_eq(store_ticket(s).turn, first.turn + 2);
	ck_assert_uint_lt(ticket_no_promise().turn, first.turn);
}
END_TEST

/* The names of the links, one behind the other. */
static int add_link(void *arg, const char *link)
{
	char *links = arg;

	ck_assert_uint_lt(strlen(links) + strlen(link) + 2, 64);
	strcat(strcat(links, link), " ");
	return 0;
}

/* Reading does not begin a turn's transaction. */
START_TEST(reading_is_not_dirty)
{
	CLEAN_STORE struct store *s = store_must_open(STATE);
	struct store_allocation a = store_sample("default", 1);
	struct ip4_prefix p;
	char guest[NAME_SIZE] = "";
	uint32_t nic;
	bool rests;

	ck_assert_uint_eq(store_count(s, "default"), 0);
	ck_ok(store_mac_rests(s, &a.mac, 0, guest, &nic, &rests, &unit_err));
	ck_ok(store_forwarding_list(s, add_link, guest, &unit_err));
	ck_assert_int_eq(store_subnet_get(s, "default", &p, NULL), -ENOENT);
	ck_assert(!store_dirty(s));
}
END_TEST

/* What was not committed is not there any more after a crash. */
START_TEST(uncommitted_is_gone)
{
	struct store_allocation a = store_sample("default", 9);
	CLEAN_STORE struct store *s = store_must_open(STATE);

	store_must_put(s, 0, 3);
	ck_ok(store_allocation_put(s, &a, NULL, &unit_err));
	ck_assert_uint_eq(store_count(s, "default"), 4);
	store_close(s);
	s = store_must_open(STATE);
	ck_assert_uint_eq(store_count(s, "default"), 3);
}
END_TEST

/* --- release --- */

static void assert_rests(struct store *s, const struct mac *m, int64_t now, const char *guest)
{
	char whose[NAME_SIZE] = "";
	uint32_t nic = 99;
	bool rests;

	ck_ok(store_mac_rests(s, m, now, whose, &nic, &rests, &unit_err));
	ck_assert(rests == (guest != NULL));
	if (guest) {
		ck_assert_str_eq(whose, guest);
		ck_assert_uint_eq(nic, 1);
	}
}

START_TEST(released_mac_rests)
{
	CLEAN_STORE struct store *s = store_must_open(STATE);
	struct store_allocation a = store_sample("default", 1);

	store_must_put(s, 0, 3);
	assert_rests(s, &a.mac, 1000, NULL);
	ck_ok(store_allocation_del(s, &a, 1000, 500, NULL, &unit_err));
	ck_assert_uint_eq(store_count(s, "default"), 2);
	assert_rests(s, &a.mac, 1000, a.guest);
	ck_ok(store_commit(s, &unit_err));
	store_close(s);
	s = store_must_open(STATE);
	assert_rests(s, &a.mac, 1499, a.guest);
	assert_rests(s, &a.mac, 1500, NULL);
}
END_TEST

/* One that was released again rests from then on; one whose rest is over is forgotten. */
START_TEST(mac_rests_again)
{
	CLEAN_STORE struct store *s = store_must_open(STATE);
	struct store_allocation a = store_sample("default", 1), b = store_sample("default", 9);

	ck_ok(store_allocation_del(s, &a, 1000, 500, NULL, &unit_err));
	ck_ok(store_allocation_del(s, &a, 1400, 500, NULL, &unit_err));
	assert_rests(s, &a.mac, 1600, a.guest);
	ck_ok(store_allocation_del(s, &b, 1900, 500, NULL, &unit_err));
	assert_rests(s, &a.mac, 1600, NULL); /* a clock that went back brings nothing back */
}
END_TEST

START_TEST(released_without_rest)
{
	CLEAN_STORE struct store *s = store_must_open(STATE);
	struct store_allocation a = store_sample("default", 1);

	store_must_put(s, 1, 1);
	ck_ok(store_allocation_del(s, &a, 1000, 0, NULL, &unit_err));
	assert_rests(s, &a.mac, 1000, NULL);
	ck_assert_uint_eq(store_count(s, "default"), 0);
}
END_TEST

/* --- leases --- */

static const uint8_t client_id[] = { 0x01, 0x00, 'a', 0xff, '\'', 0x00 };

static struct store_lease lease_of(const struct store_allocation *a, enum dhcp_lease_state state)
{
	struct store_lease l = { .address = a->address,
				 .mac = a->mac,
				 .client_id = client_id,
				 .client_id_len = sizeof(client_id),
				 .hostname = "web",
				 .nic = a->nic,
				 .state = state,
				 .seconds = 3600,
				 .started_wall = 1700000000,
				 .expires_wall = 1700003600,
				 .started = 5000000000,
				 .expires = 3605000000000 };

	memcpy(l.network, a->network, sizeof(l.network));
	memcpy(l.guest, a->guest, sizeof(l.guest));
	return l;
}

struct expected {
	const struct store_lease *lease;
	unsigned n;
	bool same_boot;
};

static int check_lease(void *arg, const struct store_lease *l)
{
	struct expected *e = arg;
	const struct store_lease *want = e->lease;

	e->n++;
	ck_assert_str_eq(l->network, want->network);
	ck_assert_uint_eq(l->address, want->address);
	ck_assert(mac_equal(&l->mac, &want->mac));
	ck_assert_uint_eq(l->client_id_len, want->client_id_len);
	if (want->client_id_len)
		ck_assert_mem_eq(l->client_id, want->client_id, want->client_id_len);
	ck_assert_str_eq(l->hostname, want->hostname);
	ck_assert_str_eq(l->guest, want->guest);
	ck_assert_uint_eq(l->nic, want->nic);
	ck_assert_int_eq(l->state, want->state);
	ck_assert_uint_eq(l->seconds, want->seconds);
	ck_assert_int_eq(l->started_wall, want->started_wall);
	ck_assert_int_eq(l->expires_wall, want->expires_wall);
	ck_assert_int_eq(l->started, want->started);
	ck_assert_int_eq(l->expires, want->expires);
	ck_assert(l->same_boot == e->same_boot);
	return 0;
}

static void assert_lease(struct store *s, const struct store_lease *l, bool same_boot)
{
	struct expected e = { .lease = l, .same_boot = same_boot };

	ck_ok(store_lease_list(s, NULL, check_lease, &e, &unit_err));
	ck_assert_uint_eq(e.n, 1);
}

/* Puts a lease, and finds it again at once, and after the state was closed and opened. */
static void lease_round_trip(const struct store_lease *l)
{
	CLEAN_STORE struct store *s = store_must_open(STATE);

	ck_ok(store_lease_put(s, l, NULL, &unit_err));
	assert_lease(s, l, true);
	ck_ok(store_commit(s, &unit_err));
	store_close(s);
	s = store_must_open(STATE);
	assert_lease(s, l, true);
	ck_ok(store_lease_del(s, l->network, l->address, NULL, &unit_err));
	ck_ok(store_commit(s, &unit_err));
}

static const enum dhcp_lease_state states[] = { DHCP_LEASE_FREE,    DHCP_LEASE_OFFERED,
						DHCP_LEASE_BOUND,   DHCP_LEASE_RELEASED,
						DHCP_LEASE_EXPIRED, DHCP_LEASE_DECLINED };

START_TEST(lease_of_each_state)
{
	struct store_allocation a = store_sample("default", 1);
	struct store_lease l = lease_of(&a, states[_i]);

	lease_round_trip(&l);
}
END_TEST

/* Names and identifiers come from guests. */
START_TEST(lease_of_strange_texts)
{
	static const char *const names[] = {
		"",	 "'); DROP TABLE lease; --", "a\nb\x1b[2J", "\xc3\xa4\xff", "%s%n", "?1",
		"x\"y`z"
	};
	struct store_allocation a = store_sample("default", 1);
	struct store_lease l = lease_of(&a, DHCP_LEASE_BOUND);
	uint8_t long_id[255];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		l.hostname = names[i];
		lease_round_trip(&l);
	}
	memset(long_id, 0, sizeof(long_id));
	l.client_id = long_id;
	for (l.client_id_len = 1; l.client_id_len <= sizeof(long_id); l.client_id_len += 127)
		lease_round_trip(&l);
	l.client_id = NULL;
	l.client_id_len = 0;
	l.expires = l.expires_wall = INT64_MAX;
	l.seconds = DHCP_INFINITE;
	lease_round_trip(&l);
	l.guest[0] = 0; /* an address in quarantine */
	l.nic = 0;
	l.state = DHCP_LEASE_DECLINED;
	lease_round_trip(&l);
}
END_TEST

/* Times of CLOCK_BOOTTIME mean nothing after a reboot. */
START_TEST(lease_of_another_boot)
{
	struct store_allocation a = store_sample("default", 1);
	struct store_lease l = lease_of(&a, DHCP_LEASE_BOUND);
	CLEAN_STORE struct store *s = store_must_open(STATE);

	ck_ok(store_lease_put(s, &l, NULL, &unit_err));
	ck_ok(store_commit(s, &unit_err));
	store_close(s);
	s = NULL;
	store_meddle(STATE, "UPDATE lease SET boot = 'another'");
	s = store_must_open(STATE);
	assert_lease(s, &l, false);
}
END_TEST

/* One lease an address: the next replaces it, all of it. */
START_TEST(lease_is_replaced)
{
	CLEAN_STORE struct store *s = store_must_open(STATE);
	struct store_allocation a = store_sample("default", 1), b = store_sample("default", 2);
	struct store_lease l = lease_of(&a, DHCP_LEASE_BOUND), m = lease_of(&b, DHCP_LEASE_OFFERED);

	m.address = l.address;
	m.client_id = NULL;
	m.client_id_len = 0;
	m.hostname = "";
	ck_ok(store_lease_put(s, &l, NULL, &unit_err));
	ck_ok(store_lease_put(s, &m, NULL, &unit_err));
	assert_lease(s, &m, true);
}
END_TEST

static int count_lease(void *arg, const struct store_lease *l)
{
	(void)l;
	++*(unsigned *)arg;
	return 0;
}

static unsigned leases(struct store *s, const char *network)
{
	unsigned n = 0;

	ck_ok(store_lease_list(s, network, count_lease, &n, &unit_err));
	return n;
}

START_TEST(leases_of_a_network)
{
	CLEAN_STORE struct store *s = store_must_open(STATE);

	for (uint32_t i = 0; i < 30; i++) {
		struct store_allocation a = store_sample(i % 3 ? "default" : "other", i);
		struct store_lease l = lease_of(&a, DHCP_LEASE_BOUND);

		ck_ok(store_lease_put(s, &l, NULL, &unit_err));
	}
	ck_assert_uint_eq(leases(s, "default"), 20);
	ck_assert_uint_eq(leases(s, "other"), 10);
	ck_assert_uint_eq(leases(s, "none"), 0);
	ck_assert_uint_eq(leases(s, NULL), 30);
}
END_TEST

START_TEST(lease_ends)
{
	CLEAN_STORE struct store *s = store_must_open(STATE);
	struct store_allocation a = store_sample("default", 1);
	struct store_lease l = lease_of(&a, DHCP_LEASE_BOUND);
	struct ticket ticket = { 0 };

	ck_ok(store_lease_end(s, "default", l.address, DHCP_LEASE_EXPIRED, NULL, &unit_err));
	ck_assert_uint_eq(leases(s, NULL), 0);
	ck_ok(store_lease_put(s, &l, NULL, &unit_err));
	ck_ok(store_lease_end(s, "default", l.address + 1, DHCP_LEASE_EXPIRED, NULL, &unit_err));
	ck_ok(store_lease_end(s, "other", l.address, DHCP_LEASE_EXPIRED, NULL, &unit_err));
	assert_lease(s, &l, true);
	ck_ok(store_lease_end(s, "default", l.address, DHCP_LEASE_EXPIRED, &ticket, &unit_err));
	ck_assert_uint_eq(ticket.turn, store_ticket(s).turn);
	l.state = DHCP_LEASE_EXPIRED;
	assert_lease(s, &l, true);
}
END_TEST

/* A release takes the guest's lease along, but not a quarantine, and nobody else's. */
START_TEST(release_takes_the_lease)
{
	CLEAN_STORE struct store *s = store_must_open(STATE);
	struct store_allocation a = store_sample("default", 1), b = store_sample("default", 2);
	struct store_lease mine = lease_of(&a, DHCP_LEASE_BOUND),
			   theirs = lease_of(&b, DHCP_LEASE_BOUND),
			   declined = lease_of(&a, DHCP_LEASE_DECLINED);

	declined.address += 100;
	ck_ok(store_lease_put(s, &mine, NULL, &unit_err));
	ck_ok(store_lease_put(s, &theirs, NULL, &unit_err));
	ck_ok(store_lease_put(s, &declined, NULL, &unit_err));
	ck_ok(store_allocation_del(s, &a, 0, 0, NULL, &unit_err));
	ck_assert_uint_eq(leases(s, NULL), 2);
	ck_ok(store_lease_del(s, "default", theirs.address, NULL, &unit_err));
	assert_lease(s, &declined, true);
}
END_TEST

/* --- lists --- */

static int stop(void *arg, const struct store_allocation *a)
{
	(void)a;
	return ++*(unsigned *)arg == 2 ? -ECANCELED : 0;
}

static int stop_lease(void *arg, const struct store_lease *l)
{
	(void)l;
	return ++*(unsigned *)arg == 2 ? -ECANCELED : 0;
}

START_TEST(list_is_stopped)
{
	CLEAN_STORE struct store *s = store_must_open(STATE);
	unsigned n = 0;

	store_must_put(s, 0, 3);
	for (uint32_t i = 0; i < 3; i++) {
		struct store_allocation a = store_sample("default", i);
		struct store_lease l = lease_of(&a, DHCP_LEASE_BOUND);

		ck_ok(store_lease_put(s, &l, NULL, &unit_err));
	}
	ck_assert_int_eq(store_allocation_list(s, "default", stop, &n, NULL), -ECANCELED);
	ck_assert_uint_eq(n, 2);
	n = 0;
	ck_assert_int_eq(store_lease_list(s, NULL, stop_lease, &n, NULL), -ECANCELED);
	ck_assert_uint_eq(n, 2);
	ck_assert_uint_eq(store_count(s, "default"), 3); /* and begins anew */
	ck_assert_uint_eq(leases(s, NULL), 3);
}
END_TEST

/* --- small things --- */

START_TEST(subnets)
{
	CLEAN_STORE struct store *s = store_must_open(STATE);
	struct ip4_prefix p = { 0x0a4d0001, 24 }, q = { 0xc0a80001, 30 }, got = { 42, 7 };

	ck_assert_int_eq(store_subnet_get(s, "default", &got, NULL), -ENOENT);
	ck_assert_uint_eq(got.addr, 42);
	ck_ok(store_subnet_put(s, "default", p, &unit_err));
	ck_ok(store_subnet_put(s, "other", p, &unit_err));
	ck_ok(store_subnet_put(s, "default", q, &unit_err));
	ck_ok(store_commit(s, &unit_err));
	store_close(s);
	s = store_must_open(STATE);
	ck_ok(store_subnet_get(s, "default", &got, &unit_err));
	ck_assert_uint_eq(got.addr, q.addr);
	ck_assert_uint_eq(got.len, q.len);
	ck_ok(store_subnet_get(s, "other", &got, &unit_err));
	ck_assert_uint_eq(got.addr, p.addr);
}
END_TEST

static void assert_forwarding(struct store *s, const char *expected)
{
	char links[64] = "";

	ck_ok(store_forwarding_list(s, add_link, links, &unit_err));
	ck_assert_str_eq(links, expected);
}

static int stop_link(void *arg, const char *link)
{
	(void)link;
	++*(unsigned *)arg;
	return -ECANCELED;
}

START_TEST(forwarding)
{
	CLEAN_STORE struct store *s = store_must_open(STATE);
	unsigned n = 0;

	assert_forwarding(s, "");
	ck_ok(store_forwarding_put(s, "eth0", false, &unit_err));
	assert_forwarding(s, "");
	ck_ok(store_forwarding_put(s, "eth0", true, &unit_err));
	ck_ok(store_forwarding_put(s, "eth0", true, &unit_err));
	ck_ok(store_forwarding_put(s, "eth1", true, &unit_err));
	assert_forwarding(s, "eth0 eth1 ");
	ck_assert_int_eq(store_forwarding_list(s, stop_link, &n, NULL), -ECANCELED);
	ck_assert_uint_eq(n, 1);
	ck_ok(store_forwarding_put(s, "eth0", false, &unit_err));
	ck_ok(store_commit(s, &unit_err));
	store_close(s);
	s = store_must_open(STATE);
	assert_forwarding(s, "eth1 ");
}
END_TEST

/* After a reboot the kernel has forgotten it, too. */
START_TEST(forwarding_of_another_boot)
{
	CLEAN_STORE struct store *s = store_must_open(STATE);

	ck_ok(store_forwarding_put(s, "eth0", true, &unit_err));
	ck_ok(store_commit(s, &unit_err));
	store_close(s);
	s = NULL;
	store_meddle(STATE, "UPDATE forwarding SET boot = 'another'");
	s = store_must_open(STATE);
	assert_forwarding(s, "");
	ck_ok(store_forwarding_put(s, "eth0", true, &unit_err));
	assert_forwarding(s, "eth0 ");
}
END_TEST

START_TEST(secret_is_kept)
{
	CLEAN_STORE struct store *s = store_must_open(STATE);
	struct siphash_key first, again, zero = { { 0 } };

	ck_ok(store_secret(s, &first, &unit_err));
	ck_assert_mem_ne(&first, &zero, sizeof(zero));
	ck_assert(store_dirty(s));
	ck_ok(store_secret(s, &again, &unit_err));
	ck_assert_mem_eq(&first, &again, sizeof(first));
	ck_ok(store_commit(s, &unit_err));
	store_close(s);
	s = store_must_open(STATE);
	ck_ok(store_secret(s, &again, &unit_err));
	ck_assert_mem_eq(&first, &again, sizeof(first));
	ck_assert(!store_dirty(s));
}
END_TEST

START_TEST(secrets_differ)
{
	CLEAN_STORE struct store *s = store_must_open(STATE);
	CLEAN_STORE struct store *t = store_must_open(scratch_path("other.db"));
	struct siphash_key a, b;

	ck_ok(store_secret(s, &a, &unit_err));
	ck_ok(store_secret(t, &b, &unit_err));
	ck_assert_mem_ne(&a, &b, sizeof(a));
}
END_TEST

/* --- opening --- */

START_TEST(opens_again_and_again)
{
	for (uint32_t i = 0; i < 10; i++) {
		CLEAN_STORE struct store *s = store_must_open(STATE);

		ck_assert_uint_eq(store_count(s, "default"), i);
		store_must_put(s, i, 1);
	}
}
END_TEST

/* Two daemons on one state would promise the same address twice. */
START_TEST(second_opener_is_refused)
{
	CLEAN_STORE struct store *s = store_must_open(STATE);

	store_must_refuse(STATE, EBUSY, "another process uses it");
	store_must_put(s, 0, 1);
	store_must_refuse(STATE, EBUSY, "another process uses it");
	store_close(s);
	s = store_must_open(STATE);
	ck_assert_uint_eq(store_count(s, "default"), 1);
}
END_TEST

/* What the second process does; SQLite knows nothing there of the first. */
static int try_to_open(int told)
{
	struct store *second = NULL;
	char octet;

	if (read(told, &octet, 1) != 1)
		return 2;
	return store_open(STATE, &second, NULL) == -EBUSY && !second ? 0 : 1;
}

START_TEST(second_process_is_refused)
{
	CLEAN_STORE struct store *s = NULL;
	int tell[2], status;
	pid_t pid;

	ck_assert_int_eq(pipe(tell), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(try_to_open(tell[0]));
	s = store_must_open(STATE);
	ck_assert_int_eq(write(tell[1], "x", 1), 1);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	store_must_put(s, 0, 1);
	close(tell[0]);
	close(tell[1]);
}
END_TEST

UNIT_SUITE(netd_store)
{
	scratch_use(tc);
	tcase_add_test(tc, allocation_round_trip);
	tcase_add_test(tc, allocation_extremes);
	tcase_add_test(tc, allocation_is_replaced);
	tcase_add_loop_test(tc, conflict, 0, 2);
	tcase_add_loop_test(tc, conflict_of_a_replacement, 0, 2);
	tcase_add_test(tc, no_conflict_between_networks);
	tcase_add_test(tc, no_conflict_with_what_is_gone);
	tcase_add_test(tc, turns_and_tickets);
	tcase_add_test(tc, reading_is_not_dirty);
	tcase_add_test(tc, uncommitted_is_gone);
	tcase_add_test(tc, released_mac_rests);
	tcase_add_test(tc, mac_rests_again);
	tcase_add_test(tc, released_without_rest);
	tcase_add_loop_test(tc, lease_of_each_state, 0, ARRAY_SIZE(states));
	tcase_add_test(tc, lease_of_strange_texts);
	tcase_add_test(tc, lease_of_another_boot);
	tcase_add_test(tc, lease_is_replaced);
	tcase_add_test(tc, leases_of_a_network);
	tcase_add_test(tc, lease_ends);
	tcase_add_test(tc, release_takes_the_lease);
	tcase_add_test(tc, list_is_stopped);
	tcase_add_test(tc, subnets);
	tcase_add_test(tc, forwarding);
	tcase_add_test(tc, forwarding_of_another_boot);
	tcase_add_test(tc, secret_is_kept);
	tcase_add_test(tc, secrets_differ);
	tcase_add_test(tc, opens_again_and_again);
	tcase_add_test(tc, second_opener_is_refused);
	tcase_add_test(tc, second_process_is_refused);
}

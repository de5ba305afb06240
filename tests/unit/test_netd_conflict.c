/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Somebody else has an address: what is heard, what is asked, what becomes of the port. */
#include <signal.h>
#include <sys/resource.h>

#include "fake_host.h"
#include "unit.h"

#define NETWORK(more)                                                                              \
	"mac { secret = test }\n"                                                                  \
	"network default { subnet = 10.77.0.1/24 dns = 192.0.2.53 " more " }\n"

static const struct mac squatter = { { 0x52, 0x54, 0, 0, 0, 0x77 } };

static struct fake_daemon f;

static void begin(const char *config)
{
	f = (struct fake_daemon){ 0 };
	fake_start(&f, config);
}

static void setup(void)
{
	begin(NETWORK(""));
}

static void teardown(void)
{
	fake_stop(&f);
	fake_remove(&f);
}

static struct port *attached(const char *guest, uint32_t address)
{
	return fake_attach(&f, guest, address);
}

/* An announcement: this MAC has this address. */
static void announce(uint32_t address, const struct mac *m)
{
	struct dhcp_arp a = { .src = *m,
			      .op = DHCP_ARP_REQUEST,
			      .sender_mac = *m,
			      .sender = address,
			      .target = address };

	fake_arp(f.d->network[0].bridge_index, &a);
	fake_turn(&f);
}

/* The last event of a kind; NULL: there was none. */
static const struct event *last(enum event_kind kind)
{
	for (uint64_t n = f.d->events.next; n-- > 1;)
		if (event_get(&f.d->events, n)->kind == kind)
			return event_get(&f.d->events, n);
	return NULL;
}

static unsigned count(enum event_kind kind)
{
	unsigned n = 0;

	for (uint64_t i = 1; i < f.d->events.next; i++)
		n += event_get(&f.d->events, i)->kind == kind;
	return n;
}

static void bind_lease(const struct port *p)
{
	struct dhcp_record r = { .addr = p->address,
				 .port = p->slot,
				 .mac = p->mac,
				 .state = DHCP_LEASE_BOUND,
				 .seconds = 3600,
				 .started = f.boottime,
				 .expires = f.boottime + 3600 * NS_PER_S };

	ck_ok(dhcp_lease_restore(f.d->dhcp, &r));
}

/* --- a client behind a port --- */

/* Its address is told of; the port that it is behind has nothing to do with it. */
START_TEST(client_keeps_its_address)
{
	static const struct mac nested = { { 0x52, 0x54, 0, 0, 0, 0x88 } };
	struct dhcp_record r = { .mac = nested, .state = DHCP_LEASE_BOUND, .seconds = 3600 };
	struct port *p;
	uint32_t own;

	teardown();
	begin(NETWORK("identity = mac"));
	p = attached("web1", 0);
	own = p->address;
	r.port = p->slot;
	r.addr = own == 0x0a4d0042 ? 0x0a4d0043 : 0x0a4d0042;
	r.started = f.boottime;
	r.expires = f.boottime + 3600 * NS_PER_S;
	ck_ok(dhcp_lease_restore(f.d->dhcp, &r));
	announce(r.addr, &nested);
	ck_assert_uint_eq(count(EVENT_CONFLICT), 0);
	ck_assert(!p->address_used);
	announce(r.addr, &squatter);
	announce(r.addr, &squatter);
	ck_assert_uint_eq(count(EVENT_CONFLICT), 1);
	ck_assert_ptr_nonnull(
		strstr(last(EVENT_CONFLICT)->detail, "the DHCP client 52:54:00:00:00:88's"));
	/* Another client behind the same port is another conflict. */
	r.addr += 2;
	r.mac.octet[5]++;
	ck_ok(dhcp_lease_restore(f.d->dhcp, &r));
	announce(r.addr, &squatter);
	ck_assert_uint_eq(count(EVENT_CONFLICT), 2);
	ck_assert_uint_eq(last(EVENT_CONFLICT)->address, r.addr);
	ck_assert_uint_eq(count(EVENT_QUARANTINED), 0);
	ck_assert_uint_eq(p->address, own);
	ck_assert(dhcp_lease_by_addr(f.d->dhcp, 0, r.addr)->client);
}
END_TEST

/* --- what becomes of the port --- */

START_TEST(unbound_port_gets_another)
{
	struct port *p = attached("web1", 0), *other = attached("web2", 0);
	uint32_t address = p->address;
	const struct event *e;

	fake_host->fdb_mac = squatter;
	fake_host->fdb_port = other->ifindex;
	announce(address, &squatter);
	e = last(EVENT_CONFLICT);
	ck_assert_ptr_nonnull(e);
	ck_assert_uint_eq(e->address, address);
	ck_assert(mac_equal(&e->mac, &squatter));
	ck_assert_str_eq(e->network, "default");
	ck_assert_str_eq(e->guest, "web2");
	ck_assert_str_eq(e->ifname, other->ifname);
	ck_assert_ptr_nonnull(strstr(e->detail, "web1/0's, which gets another"));
	e = last(EVENT_QUARANTINED);
	ck_assert_ptr_nonnull(e);
	ck_assert_str_eq(e->guest, "web1");
	ck_assert_uint_eq(e->address, address);
	ck_assert_uint_ne(p->address, address);
	ck_assert_uint_eq(dhcp_lease_by_addr(f.d->dhcp, 0, address)->port, DHCP_PORT_NONE);
	ck_assert_uint_eq(dhcp_lease_by_port(f.d->dhcp, p->slot)->addr, p->address);
	/* It is nobody's now. */
	announce(address, &squatter);
	ck_assert_uint_eq(count(EVENT_CONFLICT), 1);
}
END_TEST

/* The quarantine outlives the daemon, and ends. */
START_TEST(quarantine_survives_a_restart)
{
	struct port *p = attached("web1", 0);
	uint32_t address = p->address, moved;
	const struct dhcp_lease *l;

	announce(address, &squatter);
	moved = p->address;
	fake_stop(&f);
	fake_start(&f, NETWORK(""));
	p = port_find(f.d, 0, "web1", 0);
	ck_assert_uint_eq(p->address, moved);
	l = dhcp_lease_by_addr(f.d->dhcp, 0, address);
	ck_assert_ptr_nonnull(l);
	ck_assert_int_eq(l->state, DHCP_LEASE_DECLINED);
	ck_assert(!dhcp_pool_take(f.d->network[0].pool, address));
	fake_pass(&f, 3601);
	ck_assert_ptr_null(dhcp_lease_by_addr(f.d->dhcp, 0, address));
	ck_assert(dhcp_pool_take(f.d->network[0].pool, address));
}
END_TEST

START_TEST(bound_port_keeps_its_address)
{
	struct port *p = attached("web1", 0);
	uint32_t address = p->address;

	bind_lease(p);
	announce(address, &squatter);
	ck_assert_uint_eq(p->address, address);
	ck_assert_ptr_nonnull(strstr(last(EVENT_CONFLICT)->detail, "uses it and keeps it"));
	ck_assert_ptr_null(last(EVENT_QUARANTINED));
}
END_TEST

/* A guest without DHCP that was heard to use the address that its launcher was told. */
START_TEST(static_guest_keeps_its_address)
{
	struct port *p = attached("web1", 0);
	uint32_t address = p->address;

	announce(address, &p->mac);
	ck_assert_ptr_null(last(EVENT_CONFLICT));
	announce(address, &squatter);
	ck_assert_uint_eq(p->address, address);
	/* Its next device is another guest's, perhaps. */
	fake_link_gone(p->ifindex);
	fake_turn(&f);
	p = attached("web1", 0);
	announce(address, &squatter);
	ck_assert_uint_ne(p->address, address);
}
END_TEST

START_TEST(address_that_was_asked_for_stays)
{
	struct port *p = attached("web1", 0x0a4d0005);

	announce(0x0a4d0005, &squatter);
	ck_assert_uint_eq(p->address, 0x0a4d0005);
	ck_assert_int_eq(dhcp_lease_by_port(f.d->dhcp, p->slot)->state, DHCP_LEASE_FREE);
	ck_assert_ptr_nonnull(strstr(last(EVENT_CONFLICT)->detail, "which keeps it"));
}
END_TEST

/* Nothing would tell the guest. */
START_TEST(without_dhcp_nobody_moves)
{
	struct port *p;
	uint32_t address;

	teardown();
	begin(NETWORK("dhcp = off"));
	p = attached("web1", 0);
	address = p->address;
	announce(address, &squatter);
	ck_assert_uint_eq(p->address, address);
	ck_assert_ptr_nonnull(last(EVENT_CONFLICT));
	ck_assert_ptr_null(last(EVENT_QUARANTINED));
}
END_TEST

/* The reply with the address is on its way: what is heard next will do. */
START_TEST(attach_under_way_is_left_alone)
{
	struct attach_request q = { .guest = "web1", .queues = 1 };
	struct attachment *a;
	struct ticket ticket;
	struct refusal r;
	struct port *p;
	uint32_t address;

	ck_assert_int_eq(port_attach(f.d, &q, &a, &ticket, &r), 0);
	p = port_find(f.d, 0, "web1", 0);
	address = p->address;
	announce(address, &squatter);
	ck_assert_uint_eq(p->address, address);
	port_delivered(a);
	announce(address, &squatter);
	ck_assert_uint_ne(p->address, address);
}
END_TEST

/* A move that cannot be stored did not happen. */
START_TEST(move_that_is_not_stored_is_taken_back)
{
	struct port *p = attached("web1", 0);
	struct rlimit none = { 0, RLIM_INFINITY }, all = { RLIM_INFINITY, RLIM_INFINITY };
	uint32_t address = p->address, used = dhcp_pool_used(f.d->network[0].pool);

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
	announce(address, &squatter);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &all), 0);
	ck_assert_uint_eq(p->address, address);
	ck_assert_int_eq(dhcp_lease_by_port(f.d->dhcp, p->slot)->state, DHCP_LEASE_FREE);
	ck_assert_uint_eq(dhcp_lease_by_port(f.d->dhcp, p->slot)->addr, address);
	ck_assert_uint_eq(dhcp_pool_used(f.d->network[0].pool), used);
	ck_assert_ptr_null(last(EVENT_QUARANTINED));
	announce(address, &squatter);
	ck_assert_uint_ne(p->address, address);
}
END_TEST

START_TEST(detached_port_stays)
{
	struct port *p = attached("web1", 0);
	uint32_t address = p->address;

	fake_link_gone(p->ifindex);
	fake_turn(&f);
	announce(address, &squatter);
	ck_assert_uint_eq(p->address, address);
	ck_assert_ptr_nonnull(strstr(last(EVENT_CONFLICT)->detail, "not attached"));
}
END_TEST

/* A squatter that follows the port from address to address drains nothing. */
START_TEST(moves_are_bounded)
{
	struct port *p = attached("web1", 0);
	uint32_t used = dhcp_pool_used(f.d->network[0].pool);

	for (unsigned i = 0; i < 20; i++)
		announce(p->address, &squatter);
	ck_assert_uint_eq(count(EVENT_QUARANTINED), 4);
	ck_assert_uint_eq(dhcp_pool_used(f.d->network[0].pool), used + 4);
	ck_assert_int_eq(dhcp_lease_by_port(f.d->dhcp, p->slot)->state, DHCP_LEASE_FREE);
}
END_TEST

START_TEST(full_pool_moves_nobody)
{
	struct port *p;

	teardown();
	begin("network default { subnet = 10.77.0.1/30 dns = 192.0.2.53 }\n");
	p = attached("web1", 0);
	announce(p->address, &squatter);
	ck_assert_int_eq(dhcp_lease_by_port(f.d->dhcp, p->slot)->state, DHCP_LEASE_FREE);
	ck_assert_ptr_nonnull(last(EVENT_CONFLICT));
	ck_assert_ptr_null(last(EVENT_QUARANTINED));
}
END_TEST

/* --- telling --- */

START_TEST(lasting_conflict_is_told_once_a_minute)
{
	struct port *p = attached("web1", 0);

	bind_lease(p);
	for (unsigned i = 0; i < 10; i++)
		announce(p->address, &squatter);
	ck_assert_uint_eq(count(EVENT_CONFLICT), 1);
	fake_pass(&f, 61);
	announce(p->address, &squatter);
	ck_assert_uint_eq(count(EVENT_CONFLICT), 2);
}
END_TEST

/* Many stations that say they have one address are one conflict; so are many addresses, of which
 * ten a minute are told. */
START_TEST(events_of_a_network_are_bounded)
{
	struct mac m = squatter;
	char name[16];

	for (unsigned i = 0; i < 100; i++) {
		m.octet[5] = (uint8_t)i;
		announce(0x0a4d0001, &m);
	}
	ck_assert_uint_eq(count(EVENT_CONFLICT), 1);
	ck_assert_uint_eq(last(EVENT_CONFLICT)->address, 0x0a4d0001);
	ck_assert_ptr_nonnull(strstr(last(EVENT_CONFLICT)->detail, "the gateway's"));
	for (unsigned i = 0; i < 15; i++) {
		snprintf(name, sizeof(name), "web%u", i);
		bind_lease(attached(name, 0x0a4d0010 + i));
		announce(0x0a4d0010 + i, &squatter);
		announce(0x0a4d0010 + i, &squatter);
	}
	ck_assert_uint_eq(count(EVENT_CONFLICT), 10);
	ck_assert_uint_eq(last(EVENT_CONFLICT)->address, 0x0a4d0018);
}
END_TEST

/* Addresses that nobody was given, questions, and what is no ARP. */
START_TEST(of_no_concern)
{
	struct port *p = attached("web1", 0);
	struct dhcp_arp probe = { .src = squatter,
				  .op = DHCP_ARP_REQUEST,
				  .sender_mac = squatter,
				  .target = p->address };
	static const uint8_t junk[64];
	uint32_t address = p->address;

	announce(address + 1 == 0x0a4d00ff ? address - 1 : address + 1, &squatter);
	announce(0, &squatter);
	announce(UINT32_MAX, &squatter);
	fake_arp(f.d->network[0].bridge_index, &probe);
	fake_host->listener.arp(f.d, f.d->network[0].bridge_index, junk, sizeof(junk));
	fake_host->listener.arp(f.d, 9999, junk, sizeof(junk));
	fake_turn(&f);
	ck_assert_uint_eq(p->address, address);
	ck_assert_ptr_null(last(EVENT_CONFLICT));
}
END_TEST

/* --- other DHCP servers --- */

static void hear_server(uint32_t ifindex, size_t len)
{
	static const uint8_t ip[20] = { 0x45, [12] = 10, 77, 0, 66 };
	struct trap_packet packet = {
		.ifindex = ifindex, .src = squatter, .ip = ip, .len = len, .server = true
	};

	fake_host->listener.packet(fake_host->listener.arg, &packet);
	fake_turn(&f);
}

START_TEST(guest_that_plays_server)
{
	struct port *p = attached("web1", 0), *other = attached("web2", 0);
	const struct event *e;

	for (unsigned i = 0; i < 20; i++)
		hear_server(p->ifindex, 20);
	ck_assert_uint_eq(count(EVENT_FOREIGN_DHCP), 1);
	e = last(EVENT_FOREIGN_DHCP);
	ck_assert_str_eq(e->guest, "web1");
	ck_assert_str_eq(e->ifname, p->ifname);
	ck_assert_uint_eq(e->address, 0x0a4d0042);
	ck_assert(mac_equal(&e->mac, &squatter));
	/* Another one is told of all the same; its address is not in what came. */
	hear_server(other->ifindex, 15);
	ck_assert_str_eq(last(EVENT_FOREIGN_DHCP)->guest, "web2");
	ck_assert_uint_eq(last(EVENT_FOREIGN_DHCP)->address, 0);
	fake_pass(&f, 61);
	hear_server(p->ifindex, 20);
	ck_assert_uint_eq(count(EVENT_FOREIGN_DHCP), 3);
}
END_TEST

START_TEST(server_that_is_no_concern)
{
	struct port *p;

	hear_server(9999, 20);
	hear_server(2, 20); /* the uplink */
	teardown();
	begin(NETWORK("dhcp = off"));
	p = attached("web1", 0);
	hear_server(p->ifindex, 20);
	ck_assert_uint_eq(count(EVENT_FOREIGN_DHCP), 0);
}
END_TEST

/* --- the sweep --- */

START_TEST(sweep_asks_for_each_in_turn)
{
	enum { PORTS = 5 };
	struct port *p[PORTS];
	unsigned asked[PORTS] = { 0 };

	teardown();
	begin(NETWORK("guard = log"));
	for (unsigned i = 0; i < PORTS; i++)
		p[i] = attached((const char[]){ (char)('a' + i), 0 }, 0);
	fake_pass(&f, 5);
	fake_host->probes = 0;
	for (unsigned i = 0; i < 20; i++) /* two rounds of 5 s */
		fake_tick(&f, NS_PER_S / 2);
	ck_assert_uint_eq(fake_host->probes, 2 * PORTS);
	for (unsigned i = 0; i < fake_host->probes; i++) {
		ck_assert_uint_eq(fake_host->probe[i].ifindex, f.d->network[0].bridge_index);
		for (unsigned j = 0; j < PORTS; j++)
			asked[j] += fake_host->probe[i].addr == p[j]->address;
	}
	for (unsigned j = 0; j < PORTS; j++)
		ck_assert_uint_eq(asked[j], 2);
	/* One without a device is not asked for. */
	for (unsigned j = 0; j < PORTS; j++)
		fake_link_gone(p[j]->ifindex);
	fake_host->probes = 0;
	fake_pass(&f, 60);
	ck_assert_uint_eq(fake_host->probes, 0);
}
END_TEST

static void bind_client(const struct mac *m, uint32_t address)
{
	struct dhcp_record r = { .addr = address,
				 .port = DHCP_PORT_NONE,
				 .mac = *m,
				 .state = DHCP_LEASE_BOUND,
				 .seconds = 3600,
				 .started = f.boottime,
				 .expires = f.boottime + 3600 * NS_PER_S };

	ck_ok(dhcp_lease_restore(f.d->dhcp, &r));
}

/* Clients' addresses are asked for as guests' are, each once in a round, at an even pace. */
START_TEST(sweep_asks_for_clients)
{
	enum { CLIENTS = 19, GIVEN = CLIENTS + 1 };
	unsigned asked[GIVEN] = { 0 };
	struct mac m = { { 0x52, 0x54, 0, 1, 0, 0 } };

	teardown();
	begin(NETWORK("guard = off identity = mac"));
	fake_turn(&f);
	for (uint32_t i = 0; i < CLIENTS; i++, m.octet[5]++)
		bind_client(&m, 0x0a4d0040 + i);
	attached("web1", 0x0a4d0040 + CLIENTS);
	fake_pass(&f, 5);
	fake_host->probes = 0;
	for (unsigned i = 0; i < 40; i++) { /* two rounds of 5 s */
		unsigned before = fake_host->probes;

		fake_tick(&f, NS_PER_S / 4);
		ck_assert_uint_eq(fake_host->probes - before, 1);
	}
	for (unsigned i = 0; i < fake_host->probes; i++)
		asked[fake_host->probe[i].addr - 0x0a4d0040]++;
	for (unsigned i = 0; i < GIVEN; i++)
		ck_assert_uint_eq(asked[i], 2);
	/* Not when their leases have ended. */
	fake_link_gone(port_find(f.d, 0, "web1", 0)->ifindex);
	fake_pass(&f, 3600);
	fake_pass(&f, 5);
	fake_host->probes = 0;
	fake_pass(&f, 60);
	ck_assert_uint_eq(fake_host->probes, 0);
}
END_TEST

/* However many there are, and however short the round is. */
START_TEST(sweep_is_rate_limited)
{
	char name[16];

	teardown();
	begin(NETWORK("guard = off sweep = 1"));
	for (unsigned i = 0; i < 30; i++) {
		snprintf(name, sizeof(name), "web%u", i);
		attached(name, 0);
	}
	fake_pass(&f, 1);
	fake_host->probes = 0;
	for (unsigned i = 0; i < 200; i++)
		fake_tick(&f, NS_PER_S / 100);
	ck_assert_uint_eq(fake_host->probes, 20);
}
END_TEST

/* Until something comes into the bridge that is not guarded. */
START_TEST(sweep_of_guarded_ports)
{
	struct rtnl_link *link;

	attached("web1", 0);
	fake_pass(&f, 60);
	ck_assert_uint_eq(fake_host->probes, 0);
	link = fake_link_add("veth7");
	link->master = f.d->network[0].bridge_index;
	fake_link_told(link);
	fake_pass(&f, 6);
	ck_assert_uint_gt(fake_host->probes, 0);
}
END_TEST

START_TEST(no_sweep_costs_nothing)
{
	struct port *p;

	teardown();
	begin(NETWORK("sweep = 0"));
	p = attached("web1", 0);
	ck_assert_uint_eq(fake_host->arp_watches, 0);
	fake_pass(&f, 60);
	ck_assert_uint_eq(fake_host->probes, 0);
	announce(p->address, &squatter);
	ck_assert_ptr_null(last(EVENT_CONFLICT));
}
END_TEST

/* A bridge that was made anew is listened to, and the old one no more. */
START_TEST(listens_to_the_bridge_that_is_there)
{
	uint32_t old = f.d->network[0].bridge_index;

	ck_assert_uint_eq(fake_host->arp_watches, 1);
	fake_link_gone(old);
	fake_pass(&f, 1);
	ck_assert_uint_ne(f.d->network[0].bridge_index, old);
	ck_assert_uint_eq(fake_host->arp_watches, 1);
	ck_assert_uint_eq(fake_host->arp_watched[0], f.d->network[0].bridge_index);
}
END_TEST

/* A change of the configuration takes effect with the reload. */
START_TEST(reload_ends_and_begins_it)
{
	static const struct {
		const char *config;
		unsigned watches;
	} rows[] = { { NETWORK("sweep = 0"), 0 }, { NETWORK(""), 1 } };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		FILE *out = fopen(f.config, "w");
		struct refusal r;

		ck_assert_ptr_nonnull(out);
		fputs(rows[i].config, out);
		fclose(out);
		ck_assert_msg(daemon_reload(f.d, &r) == 0, "%s", r.detail.text);
		ck_assert_uint_eq(fake_host->arp_watches, rows[i].watches);
	}
}
END_TEST

UNIT_SUITE(netd_conflict)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, client_keeps_its_address);
	tcase_add_test(tc, unbound_port_gets_another);
	tcase_add_test(tc, quarantine_survives_a_restart);
	tcase_add_test(tc, bound_port_keeps_its_address);
	tcase_add_test(tc, static_guest_keeps_its_address);
	tcase_add_test(tc, address_that_was_asked_for_stays);
	tcase_add_test(tc, without_dhcp_nobody_moves);
	tcase_add_test(tc, attach_under_way_is_left_alone);
	tcase_add_test(tc, move_that_is_not_stored_is_taken_back);
	tcase_add_test(tc, detached_port_stays);
	tcase_add_test(tc, moves_are_bounded);
	tcase_add_test(tc, full_pool_moves_nobody);
	tcase_add_test(tc, lasting_conflict_is_told_once_a_minute);
	tcase_add_test(tc, events_of_a_network_are_bounded);
	tcase_add_test(tc, of_no_concern);
	tcase_add_test(tc, guest_that_plays_server);
	tcase_add_test(tc, server_that_is_no_concern);
	tcase_add_test(tc, sweep_asks_for_each_in_turn);
	tcase_add_test(tc, sweep_asks_for_clients);
	tcase_add_test(tc, sweep_is_rate_limited);
	tcase_add_test(tc, sweep_of_guarded_ports);
	tcase_add_test(tc, no_sweep_costs_nothing);
	tcase_add_test(tc, listens_to_the_bridge_that_is_there);
	tcase_add_test(tc, reload_ends_and_begins_it);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DHCP clients on a probed network, from the trap to the wire: packets that wait for a probe. */
#include "dhcp_kit.h"
#include "fake_host.h"

#define NETWORK(more)                                                                              \
	"mac { secret = test }\n"                                                                  \
	"network default { subnet = 10.77.0.1/20 dns = 192.0.2.53 identity = mac sweep = 0 "       \
	"port-leases = 0 probe = on " more " }\n"

#define MS (NS_PER_S / 1000)

static const struct mac squatter = { { 0x52, 0x54, 0, 0, 0, 0x77 } };

static struct fake_daemon f;

static struct port *attached(const char *guest)
{
	return fake_attach(&f, guest, 0);
}

static void end(void)
{
	fake_stop(&f);
	fake_remove(&f);
}

static void begin(const char *config)
{
	f = (struct fake_daemon){ 0 };
	fake_start(&f, config);
	fake_turn(&f);
	/* Their guests are attached without waiting, and so without a probe. */
	attached("web1");
	attached("web2");
	fake_host->probes = fake_host->frames = 0;
}

static void setup(void)
{
	begin(NETWORK("probe-stock = 0"));
}

static struct port *port(const char *guest)
{
	return port_find(f.d, 0, guest, 0);
}

/* --- clients --- */

static struct mac card(unsigned i)
{
	return (struct mac){ { 0x52, 0x54, 1, 0, (uint8_t)(i >> 8), (uint8_t)i } };
}

/* A message of a client as the trap hands it over; `wanted` is option 50 when it is not 0, and
 * `ciaddr` makes it a renewal. */
static void say_as(const char *guest, struct mac mac, uint8_t type, uint32_t wanted,
		   uint32_t ciaddr)
{
	static uint32_t xid;
	struct dhcp_message m = { .op = DHCP_OP_REQUEST,
				  .htype = DHCP_HTYPE_ETHERNET,
				  .hlen = 6,
				  .xid = ++xid,
				  .ciaddr = ciaddr };
	uint8_t payload[400];
	struct wr w = wr_init(payload, sizeof(payload));
	struct dhcp_frame frame = { .src = mac,
				    .dst = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } },
				    .daddr = UINT32_MAX,
				    .sport = DHCP_CLIENT_PORT,
				    .dport = DHCP_SERVER_PORT,
				    .payload = payload };

	memcpy(m.chaddr, mac.octet, 6);
	dhcp_message_write(&w, &m);
	wr_bytes(&w, (uint8_t[]){ 53, 1, type }, 3);
	if (wanted) {
		wr_bytes(&w, "\x32\x04", 2);
		wr_be32(&w, wanted);
	}
	wr_u8(&w, 255);
	frame.len = w.len;
	fake_packet(port(guest)->ifindex, &frame);
	fake_turn(&f);
}

static void say(const char *guest, unsigned client, uint8_t type, uint32_t wanted, uint32_t ciaddr)
{
	say_as(guest, card(client), type, wanted, ciaddr);
}

static void discover(const char *guest, unsigned client)
{
	say(guest, client, DHCP_DISCOVER, 0, 0);
}

/* Milliseconds pass, turn by turn. */
static void tick(unsigned ms)
{
	for (unsigned i = 0; i < ms; i += 20)
		fake_tick(&f, 20 * MS);
	/* What one turn has no room for goes into the next. */
	for (unsigned i = 0; i < 8; i++)
		fake_tick(&f, 1);
}

/* The address that a frame gives. */
static uint32_t yiaddr(unsigned frame)
{
	const uint8_t *p = fake_host->sent[frame].data + 14 + 28 + 16;

	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* The address that the last frame to this client gives it, and the port that it left by; 0: there
 * was none. */
static uint32_t given(unsigned client, uint32_t *ret_ifindex)
{
	struct mac m = card(client);

	for (unsigned i = fake_host->frames; i-- > 0;) {
		if (memcmp(fake_host->sent[i].data + 14 + 28 + 28, m.octet, 6) != 0)
			continue;
		*ret_ifindex = fake_host->sent[i].ifindex;
		return yiaddr(i);
	}
	return 0;
}

static uint32_t offered(unsigned client)
{
	uint32_t ifindex;

	return given(client, &ifindex);
}

static unsigned times_asked(uint32_t address)
{
	unsigned n = 0;

	ck_assert_uint_le(fake_host->probes, FAKE_PROBES);
	for (unsigned i = 0; i < fake_host->probes; i++)
		n += fake_host->probe[i].addr == address;
	return n;
}

static void answer(uint32_t address)
{
	struct dhcp_arp a = {
		.src = squatter, .op = DHCP_ARP_REPLY, .sender_mac = squatter, .sender = address
	};

	fake_arp(f.d->network[0].bridge_index, &a);
	fake_turn(&f);
}

static uint64_t dropped(enum dhcp_drop why)
{
	return dhcp_counters(f.d->dhcp)->dropped[why];
}

static const struct event *last(enum event_kind kind)
{
	for (uint64_t n = f.d->events.next; n-- > 1;)
		if (event_get(&f.d->events, n)->kind == kind)
			return event_get(&f.d->events, n);
	return NULL;
}

static uint32_t bind_client(const char *guest, unsigned client)
{
	uint32_t address;

	discover(guest, client);
	tick(160);
	address = offered(client);
	ck_assert_uint_ne(address, 0);
	say(guest, client, DHCP_REQUEST, address, 0);
	ck_assert_int_eq(dhcp_lease_by_addr(f.d->dhcp, 0, address)->state, DHCP_LEASE_BOUND);
	return address;
}

/* --- one client --- */

/* The OFFER leaves after the second probe and its time for an answer, by the port that the DISCOVER
 * came by. */
START_TEST(t_dhcp_029)
{
	uint32_t ifindex = 0;

	discover("web1", 1);
	tick(140);
	ck_assert_uint_eq(fake_host->frames, 0);
	ck_assert_uint_eq(wait_count(f.d, port("web1")->ifindex), 1);
	tick(20);
	ck_assert_uint_eq(fake_host->frames, 1);
	ck_assert_uint_eq(times_asked(given(1, &ifindex)), 2);
	ck_assert_uint_eq(ifindex, port("web1")->ifindex);
	ck_assert_uint_eq(wait_count(f.d, port("web1")->ifindex), 0);
	tick(2000);
	ck_assert_uint_eq(fake_host->frames, 1);
	ck_assert_uint_eq(fake_host->probes, 2);
}
END_TEST

/* A client that is impatient gets one answer, to what it sent last. */
START_TEST(sent_again_meanwhile)
{
	for (unsigned i = 0; i < 4; i++) {
		discover("web1", 1);
		tick(20);
	}
	ck_assert_uint_eq(wait_count(f.d, port("web1")->ifindex), 1);
	tick(160);
	ck_assert_uint_eq(fake_host->frames, 1);
	ck_assert_uint_eq(fake_host->probes, 2);
	discover("web1", 1);
	ck_assert_uint_eq(fake_host->frames, 2);
}
END_TEST

/* The squatter is told of, its address is in quarantine, and the client is offered the next one. */
START_TEST(t_dhcp_033)
{
	const struct dhcp_lease *l;
	const struct event *e;
	uint32_t address;

	discover("web1", 1);
	tick(20);
	address = fake_host->probe[0].addr;
	fake_host->fdb_mac = squatter;
	fake_host->fdb_port = port("web2")->ifindex;
	answer(address);
	e = last(EVENT_CONFLICT);
	ck_assert_ptr_nonnull(e);
	ck_assert_uint_eq(e->address, address);
	ck_assert(mac_equal(&e->mac, &squatter));
	ck_assert_str_eq(e->guest, "web2");
	ck_assert_str_eq(e->ifname, port("web2")->ifname);
	ck_assert_ptr_nonnull(strstr(e->detail, "is in quarantine"));
	tick(180);
	ck_assert_uint_ne(offered(1), 0);
	ck_assert_uint_ne(offered(1), address);
	ck_assert_uint_eq(times_asked(offered(1)), 2);
	/* As by a DECLINE, also for the next daemon. */
	fake_stop(&f);
	fake_start(&f, NETWORK("probe-stock = 0"));
	l = dhcp_lease_by_addr(f.d->dhcp, 0, address);
	ck_assert_ptr_nonnull(l);
	ck_assert_int_eq(l->state, DHCP_LEASE_DECLINED);
}
END_TEST

/* Its former address has another user now. */
START_TEST(former_address_is_taken)
{
	uint32_t address = bind_client("web1", 1);
	const struct dhcp_lease *l;

	fake_pass(&f, 86400);
	ck_assert_int_eq(dhcp_lease_by_addr(f.d->dhcp, 0, address)->state, DHCP_LEASE_EXPIRED);
	discover("web1", 1);
	tick(20);
	answer(address);
	l = dhcp_lease_by_addr(f.d->dhcp, 0, address);
	ck_assert(!l->client && l->state == DHCP_LEASE_DECLINED);
	tick(180);
	ck_assert_uint_ne(offered(1), address);
	ck_assert_uint_ne(bind_client("web1", 1), address);
}
END_TEST

/* One that answers for everything: the client gets nothing, and no more than so much is tried. */
START_TEST(squatter_of_everything)
{
	unsigned known = 0;

	discover("web1", 1);
	for (unsigned i = 0; i < 40; i++) {
		tick(20);
		for (; known < fake_host->probes; known++)
			answer(fake_host->probe[known].addr);
	}
	ck_assert_uint_eq(fake_host->frames, 0);
	ck_assert_uint_eq(fake_host->probes, PROBE_CANDIDATES);
	ck_assert_uint_eq(dropped(DHCP_DROP_NO_ADDRESS), 1);
	ck_assert_uint_eq(wait_count(f.d, port("web1")->ifindex), 0);
}
END_TEST

static void host_address(enum rtnl_event_kind kind, uint32_t address)
{
	struct rtnl_event e = { .kind = kind, .addr = { .index = 99, .prefix = { address, 24 } } };

	fake_host->listener.event(fake_host->listener.arg, &e);
	fake_turn(&f);
}

/* The host does not answer its own question. */
START_TEST(t_dhcp_035)
{
	host_address(RTNL_ADDR, 0x0a4d0505);
	say("web1", 1, DHCP_DISCOVER, 0x0a4d0505, 0);
	tick(160);
	ck_assert_uint_ne(offered(1), 0x0a4d0505);
	fake_stop(&f);
	fake_host->addr[fake_host->addrs].index = 99;
	fake_host->addr[fake_host->addrs++].prefix = (struct ip4_prefix){ 0x0a4d0505, 24 };
	fake_start(&f, NETWORK("probe-stock = 0"));
	fake_turn(&f);
	say("web1", 2, DHCP_DISCOVER, 0x0a4d0505, 0);
	tick(160);
	ck_assert_uint_ne(offered(2), 0x0a4d0505);
	host_address(RTNL_ADDR_GONE, 0x0a4d0505);
	say("web1", 3, DHCP_DISCOVER, 0x0a4d0505, 0);
	tick(160);
	ck_assert_uint_eq(offered(3), 0x0a4d0505);
	/* It has a client now. */
	host_address(RTNL_ADDR, 0x0a4d0505);
	host_address(RTNL_ADDR_GONE, 0x0a4d0505);
	say("web1", 4, DHCP_DISCOVER, 0x0a4d0505, 0);
	tick(160);
	ck_assert_uint_ne(offered(4), 0x0a4d0505);
}
END_TEST

/* --- many --- */

enum { CROWD = 500 };

/* All are probed, and answered within the time of one; who has a lease is answered meanwhile. */
START_TEST(t_dhcp_034)
{
	uint32_t bound = bind_client("web2", 9999);

	fake_host->probes = fake_host->frames = 0;
	for (unsigned i = 0; i < CROWD; i++)
		discover("web1", i);
	say("web2", 9999, DHCP_REQUEST, 0, bound);
	ck_assert_uint_eq(fake_host->frames, 1);
	ck_assert_uint_eq(offered(9999), bound);
	tick(160);
	ck_assert_uint_eq(fake_host->frames, 1 + CROWD);
	ck_assert_uint_eq(fake_host->probes, 2 * CROWD);
	for (unsigned i = 0; i < CROWD; i++)
		kit_must(offered(i) && times_asked(offered(i)) == 2);
	ck_assert_uint_eq(dropped(DHCP_DROP_WAITING), 0);
}
END_TEST

/* A port that floods gets half of the table, and others are served at once. */
START_TEST(t_dhcp_114)
{
	unsigned many = 2 * WAITS_MAX;

	for (unsigned i = 0; i < many; i++)
		discover("web1", i);
	ck_assert_uint_eq(wait_count(f.d, port("web1")->ifindex), WAITS_MAX / 2);
	ck_assert_uint_eq(dropped(DHCP_DROP_WAITING), many - WAITS_MAX / 2);
	discover("web2", 9999);
	ck_assert_uint_eq(wait_count(f.d, port("web2")->ifindex), 1);
	tick(160);
	ck_assert_uint_ne(offered(9999), 0);
	ck_assert_uint_eq(fake_host->frames, WAITS_MAX / 2 + 1);
}
END_TEST

/* --- what happens meanwhile --- */

START_TEST(port_goes)
{
	discover("web1", 1);
	discover("web2", 2);
	tick(40);
	fake_link_gone(port("web1")->ifindex);
	tick(160);
	ck_assert_uint_eq(fake_host->frames, 1);
	ck_assert_uint_ne(offered(2), 0);
	ck_assert_uint_eq(f.d->waits.slots.used, 0);
}
END_TEST

/* A guest that is attached with the very address that a client waits for. */
START_TEST(address_is_given_away)
{
	struct attach_request q = { .guest = "web3", .queues = 1, .vhost = VHOST_OFF };
	struct attachment *a;
	struct ticket ticket;
	struct refusal r;

	discover("web1", 1);
	tick(20);
	q.wish.address = fake_host->probe[0].addr;
	ck_assert_int_eq(port_attach(f.d, &q, &a, &ticket, &r), 0);
	fake_turn(&f);
	port_delivered(a);
	tick(200);
	ck_assert_uint_ne(offered(1), 0);
	ck_assert_uint_ne(offered(1), q.wish.address);
	ck_assert_uint_eq(times_asked(offered(1)), 2);
}
END_TEST

/* One that would choose it by itself passes it over. */
START_TEST(address_is_kept)
{
	uint32_t address = attached("web3")->address;
	struct release *release;
	struct ticket ticket;
	struct refusal r;

	fake_link_gone(port("web3")->ifindex);
	ck_assert_int_eq(port_release(f.d, "web3", 0, &release, &ticket, &r), 0);
	port_released(f.d, release);
	say("web1", 1, DHCP_DISCOVER, address, 0);
	tick(20);
	ck_assert_uint_ne(attached("web3")->address, address);
	tick(160);
	ck_assert_uint_eq(offered(1), address);
}
END_TEST

/* Nobody is probed any more: those who wait have waited for long enough. */
START_TEST(probing_ends)
{
	struct refusal r;
	FILE *out;

	discover("web1", 1);
	discover("web1", 2);
	tick(20);
	out = fopen(f.config, "w");
	fputs("mac { secret = test }\nnetwork default { subnet = 10.77.0.1/20 dns = 192.0.2.53 "
	      "identity = mac probe = off }\n",
	      out);
	fclose(out);
	ck_assert_int_eq(daemon_reload(f.d, &r), 0);
	tick(0);
	ck_assert_uint_eq(fake_host->frames, 2);
	ck_assert_uint_eq(f.d->waits.slots.used, 0);
}
END_TEST

/* --- a port that was moved in a hurry --- */

/* Its new address is probed before its guest gets it, and when somebody has that, too, it is moved
 * once more. */
START_TEST(moved_port_is_probed)
{
	uint32_t first = port("web1")->address, second, third;

	answer(first);
	second = port("web1")->address;
	ck_assert_uint_ne(second, first);
	ck_assert_uint_eq(fake_host->probes, 0);
	say_as("web1", port("web1")->mac, DHCP_DISCOVER, 0, 0);
	tick(40);
	ck_assert_uint_eq(times_asked(second), 1);
	ck_assert_uint_eq(fake_host->frames, 0);
	if (_i)
		answer(second);
	third = port("web1")->address;
	ck_assert_int_eq(third != second, _i);
	tick(200);
	ck_assert_uint_eq(fake_host->frames, 1);
	ck_assert_uint_eq(yiaddr(0), third);
	ck_assert_uint_eq(times_asked(third), 2);
	/* It is known now. */
	say_as("web1", port("web1")->mac, DHCP_DISCOVER, 0, 0);
	ck_assert_uint_eq(fake_host->frames, 2);
	say_as("web1", port("web1")->mac, DHCP_REQUEST, third, 0);
	ck_assert_uint_eq(fake_host->frames, 3);
	ck_assert_int_eq(dhcp_lease_by_port(f.d->dhcp, port("web1")->slot)->state,
			 DHCP_LEASE_BOUND);
}
END_TEST

/* One that got an address of the stock does not wait; and its guest may have it: that is no
 * conflict. */
START_TEST(moved_port_with_stock)
{
	struct dhcp_arp a = { .op = DHCP_ARP_REQUEST };
	const struct event *e;

	end();
	begin(NETWORK(""));
	tick(2000);
	answer(port("web1")->address);
	e = last(EVENT_CONFLICT);
	say_as("web1", port("web1")->mac, DHCP_REQUEST, port("web1")->address, 0);
	ck_assert_uint_eq(fake_host->frames, 1);
	a.src = a.sender_mac = port("web1")->mac;
	a.sender = a.target = port("web1")->address;
	fake_arp(f.d->network[0].bridge_index, &a);
	fake_turn(&f);
	ck_assert_ptr_eq(last(EVENT_CONFLICT), e);
}
END_TEST

/* --- the stock --- */

/* It makes the first OFFERs cost nothing, is filled up again, and none of it is given twice. */
START_TEST(stock_is_offered_at_once)
{
	end();
	begin(NETWORK("probe-stock = 12"));
	tick(2000);
	for (unsigned i = 0; i < 12; i++) {
		discover("web1", i);
		ck_assert_uint_ne(offered(i), 0);
		ck_assert_uint_ge(times_asked(offered(i)), 1); /* the first was before the count */
		for (unsigned j = 0; j < i; j++)
			ck_assert_uint_ne(offered(i), offered(j));
	}
	discover("web1", 12);
	ck_assert_uint_eq(offered(12), 0);
	tick(2000);
	ck_assert_uint_ne(offered(12), 0);
	for (unsigned i = 20; i < 32; i++) {
		discover("web1", i);
		ck_assert_uint_ne(offered(i), 0);
	}
}
END_TEST

UNIT_SUITE(netd_wait)
{
	tcase_add_checked_fixture(tc, setup, end);
	tcase_add_test(tc, t_dhcp_029);
	tcase_add_test(tc, sent_again_meanwhile);
	tcase_add_test(tc, t_dhcp_033);
	tcase_add_test(tc, former_address_is_taken);
	tcase_add_test(tc, squatter_of_everything);
	tcase_add_test(tc, t_dhcp_035);
	tcase_add_test(tc, t_dhcp_034);
	tcase_add_test(tc, t_dhcp_114);
	tcase_add_test(tc, port_goes);
	tcase_add_test(tc, address_is_given_away);
	tcase_add_test(tc, address_is_kept);
	tcase_add_test(tc, probing_ends);
	tcase_add_loop_test(tc, moved_port_is_probed, 0, 2);
	tcase_add_test(tc, moved_port_with_stock);
	tcase_add_test(tc, stock_is_offered_at_once);
}

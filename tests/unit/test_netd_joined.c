/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interfaces that exist and join a network's bridge, on a host in memory: when they do and when
 * not, whom they bring, and how they are left behind. */
#include "dhcp_kit.h"
#include "fake_host.h"

#define NETWORK(more)                                                                              \
	"mac { secret = test }\n"                                                                  \
	"network lan { subnet = 10.77.0.1/24 dns = 192.0.2.53 probe = off sweep = 0s " more " }\n"
#define WITHOUT NETWORK("")
#define WITH NETWORK("port veth7 { serve = yes } relay 10.9.0.1/24 { }")
#define SILENT NETWORK("port veth7 { }")

enum { RETRY = 10 };

static struct fake_daemon f;

static void setup(void)
{
	f = (struct fake_daemon){ 0 };
}

static void teardown(void)
{
	if (f.d)
		fake_stop(&f);
	fake_remove(&f);
}

static void start(const char *config)
{
	fake_start(&f, config);
	fake_turn(&f);
}

static struct rtnl_link *veth(void)
{
	struct rtnl_link *link = fake_link_find("veth7");

	ck_assert_ptr_nonnull(link);
	return link;
}

/* First what was is written down, then it is changed. */
static void pass(void)
{
	fake_pass(&f, 1);
	fake_pass(&f, 1);
}

/* Somebody makes the interface. */
static struct rtnl_link *make(void)
{
	struct rtnl_link *link = fake_link_add("veth7");

	fake_link_told(link);
	pass();
	return veth();
}

static bool is_in_bridge(void)
{
	return veth()->master && veth()->master == f.d->network[0].bridge_index && veth()->up;
}

static bool is_element(uint32_t ifindex)
{
	bool found = false;

	for (unsigned i = 0; i < fake_host->elements; i++)
		found = found || fake_host->element[i] == ifindex;
	return found;
}

/* A message by the interface, as the trap hands it over; the address of its answer, 0: none. */
static uint32_t say(uint8_t type, uint32_t giaddr, uint32_t wanted)
{
	static const struct mac agent = { { 0x52, 0x54, 0, 9, 9, 9 } };
	struct dhcp_message m = { .op = DHCP_OP_REQUEST,
				  .htype = DHCP_HTYPE_ETHERNET,
				  .hlen = 6,
				  .xid = 7,
				  .giaddr = giaddr,
				  .chaddr = { 0x52, 0x54, 0, 0, 0, 1 } };
	uint8_t payload[400];
	struct wr w = wr_init(payload, sizeof(payload));
	struct dhcp_frame frame = { .src = agent,
				    .dst = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } },
				    .daddr = UINT32_MAX,
				    .sport = DHCP_CLIENT_PORT,
				    .dport = DHCP_SERVER_PORT,
				    .payload = payload };
	unsigned before = fake_host->frames;
	struct dhcp_message reply;

	dhcp_message_write(&w, &m);
	wr_bytes(&w, (uint8_t[]){ 53, 1, type }, 3);
	if (wanted) {
		wr_bytes(&w, "\x32\x04", 2);
		wr_be32(&w, wanted);
		wr_bytes(&w, "\x36\x04\x0a\x4d\0\1", 6);
	}
	wr_u8(&w, 255);
	frame.len = w.len;
	fake_packet(veth()->index, &frame);
	fake_turn(&f);
	if (fake_host->frames == before)
		return 0;
	ck_assert_uint_eq(fake_host->sent[before % FAKE_FRAMES].ifindex, veth()->index);
	ck_assert_int_eq(dhcp_message_parse(fake_host->sent[before % FAKE_FRAMES].data + 42,
					    fake_host->sent[before % FAKE_FRAMES].len - 42, &reply),
			 DHCP_DROP_NONE);
	return reply.yiaddr;
}

static uint32_t settle(uint32_t giaddr)
{
	uint32_t addr = say(DHCP_DISCOVER, giaddr, 0);

	ck_assert_uint_ne(addr, 0);
	ck_assert_uint_eq(say(DHCP_REQUEST, giaddr, addr), addr);
	ck_assert_int_eq(dhcp_lease_by_addr(f.d->dhcp, 0, addr)->state, DHCP_LEASE_BOUND);
	return addr;
}

/* It may be there before, or come later, and come again. */
START_TEST(joins)
{
	uint32_t index;

	start(WITH);
	index = make()->index;
	ck_assert(is_in_bridge());
	ck_assert(is_element(index));
	ck_assert_uint_ne(say(DHCP_DISCOVER, 0, 0), 0);
	fake_link_gone(index);
	ck_assert(!is_element(index));
	make();
	ck_assert(is_in_bridge());
	ck_assert_uint_ne(veth()->index, index);
	ck_assert_uint_ne(say(DHCP_DISCOVER, 0, 0), 0);
	/* Somebody takes it out. */
	veth()->master = 0;
	fake_link_told(veth());
	pass();
	ck_assert(is_in_bridge());
}
END_TEST

/* Not asked for: it is in the bridge, and its DHCP is not ours. */
START_TEST(not_served)
{
	start(SILENT);
	make();
	ck_assert(is_in_bridge());
	ck_assert(!is_element(veth()->index));
	ck_assert_uint_eq(say(DHCP_DISCOVER, 0, 0), 0);
}
END_TEST

START_TEST(relayed)
{
	uint32_t addr;

	start(WITH);
	make();
	addr = settle(0x0a090001);
	ck_assert_uint_eq(addr & 0xffffff00, 0x0a090000);
	ck_assert_uint_eq(settle(0x0a4d00fa) & 0xffffff00, 0x0a4d0000);
	ck_assert_uint_eq(say(DHCP_DISCOVER, 0xc0a80001, 0), 0);
	/* Also after a restart; and a reload with another pool. */
	fake_stop(&f);
	start(WITH);
	ck_assert_uint_eq(say(DHCP_DISCOVER, 0x0a090001, 0), addr);
}
END_TEST

/* --- ping --- */

#define FAR_RANGE "relay 10.9.0.1/24 { range = 10.9.0.100-10.9.0.101 } "
#define PINGED NETWORK("ping = on port veth7 { serve = yes } " FAR_RANGE)

/* The probe of an address is over. */
static void pass_probe(void)
{
	for (unsigned i = 0; i < 3; i++)
		fake_tick(&f, 80 * NS_PER_S / 1000);
}

/* A client there asks, and what it might get is pinged. */
static uint32_t ask_far(void)
{
	unsigned before = fake_host->pings;

	ck_assert_uint_eq(say(DHCP_DISCOVER, 0x0a090001, 0), 0);
	ck_assert_uint_eq(fake_host->pings, before + 1);
	return fake_host->ping[before];
}

static uint32_t offered(void)
{
	const uint8_t *frame = fake_host->sent[fake_host->frames - 1].data;
	struct dhcp_message reply;

	ck_assert_uint_eq(fake_host->frames, 1);
	ck_assert_int_eq(dhcp_message_parse(frame + 42, fake_host->sent[0].len - 42, &reply),
			 DHCP_DROP_NONE);
	return reply.yiaddr;
}

static void pong(uint32_t address)
{
	fake_host->listener.pong(fake_host->listener.arg, address);
	fake_turn(&f);
}

static const struct event *last_conflict(unsigned *ret_count)
{
	const struct event *last = NULL;

	*ret_count = 0;
	for (uint64_t i = 1; i < f.d->events.next; i++) {
		const struct event *e = event_get(&f.d->events, i);

		if (e->kind != EVENT_CONFLICT)
			continue;
		last = e;
		++*ret_count;
	}
	return last;
}

/* Asked for twice, as by ARP, and offered when nobody answers; also when nobody could be asked. */
START_TEST(pinged)
{
	bool unreachable = _i == 1;
	unsigned conflicts;
	uint32_t address;

	start(PINGED);
	make();
	if (unreachable) {
		fake_fail(1);
		ck_assert_uint_eq(say(DHCP_DISCOVER, 0x0a090001, 0), 0);
		pass_probe();
		ck_assert_uint_eq(fake_host->pings, 1);
		address = fake_host->ping[0];
	} else {
		address = ask_far();
		pass_probe();
		ck_assert_uint_eq(fake_host->pings, 2);
	}
	ck_assert_uint_eq(offered(), address);
	/* An answer that comes after that is too late, and one for what nobody asked is none. */
	pong(address);
	pong(0x0a4d0064);
	ck_assert_ptr_null(last_conflict(&conflicts));
	/* What the client now has is not asked for, and nothing here is. */
	ck_assert_uint_eq(say(DHCP_REQUEST, 0x0a090001, address), address);
	ck_assert_uint_ne(say(DHCP_DISCOVER, 0, 0), 0);
	ck_assert_uint_eq(fake_host->pings, unreachable ? 1 : 2);
	ck_assert_uint_eq(fake_host->probes, 0);
}
END_TEST

/* The squatter's address goes into quarantine, which a restart does not end, and the client gets
 * another in the same exchange. */
START_TEST(squatter_answers_ping)
{
	const struct dhcp_lease *l;
	const struct event *e;
	uint32_t address, other;
	unsigned conflicts;

	start(PINGED);
	make();
	address = ask_far();
	pong(address);
	pong(address);
	e = last_conflict(&conflicts);
	ck_assert_uint_eq(conflicts, 1);
	ck_assert_str_eq(e->network, "lan");
	ck_assert_uint_eq(e->address, address);
	ck_assert(mac_is_zero(&e->mac));
	ck_assert_ptr_nonnull(strstr(e->detail, "it answers ping; it was about to be given, and is "
						"in quarantine"));
	pass_probe();
	other = offered();
	ck_assert_uint_eq(address + other, 2 * 0x0a090064 + 1);
	for (unsigned i = 0; i < 2; i++) {
		l = dhcp_lease_by_addr(f.d->dhcp, 0, address);
		ck_assert_ptr_nonnull(l);
		ck_assert_int_eq(l->state, DHCP_LEASE_DECLINED);
		if (i == 0) {
			fake_stop(&f);
			start(PINGED);
		}
	}
}
END_TEST

/* Two networks can ask for the same address: each hears the answer. */
START_TEST(pinged_by_two_networks)
{
	static const struct mac client = { { 0x52, 0x54, 0, 0, 0, 9 } };
	unsigned conflicts;
	uint32_t address;

	start(PINGED
	      "network other { subnet = 10.78.0.1/24 dns = 192.0.2.53 probe = off sweep = 0s "
	      "ping = on " FAR_RANGE " }\n");
	make();
	address = ask_far();
	ck_assert(probe_begin(f.d, &f.d->network[1], address, &client));
	fake_turn(&f);
	ck_assert_uint_eq(fake_host->pings, 2);
	pong(address);
	last_conflict(&conflicts);
	ck_assert_uint_eq(conflicts, 2);
	for (uint32_t net = 0; net < 2; net++)
		ck_assert_int_eq(dhcp_probe_state(f.d->probes, net, address), DHCP_PROBE_TAKEN);
}
END_TEST

/* Without ping nobody waits any more, and what was known is forgotten. */
START_TEST(ping_ends)
{
	struct refusal r;
	uint32_t address;

	start(PINGED);
	make();
	address = ask_far();
	ck_ok(fake_reload(&f, NETWORK("port veth7 { serve = yes } " FAR_RANGE), &r));
	fake_turn(&f);
	ck_assert_uint_eq(offered(), address);
	pass_probe();
	ck_assert_uint_eq(fake_host->pings, 1);
	ck_assert_int_eq(dhcp_probe_state(f.d->probes, 0, address), DHCP_PROBE_NONE);
}
END_TEST

/* What is there is not broken: it has an address, or is in another bridge. */
START_TEST(left_alone)
{
	struct rtnl_link *other;

	start(WITH);
	other = fake_link_add("br9");
	fake_link_told(other);
	fake_link_add("veth7")->master = other->index;
	fake_link_told(veth());
	pass();
	ck_assert_uint_eq(veth()->master, other->index);
	ck_assert_str_eq(f.d->joined[0].why_not.text, "it is in br9 already");
	ck_assert(!is_element(veth()->index));
	veth()->master = 0;
	fake_host->addr[fake_host->addrs++] =
		(struct rtnl_addr){ .index = veth()->index, .prefix = { 0xc0000205, 24 } };
	fake_link_told(veth());
	pass();
	ck_assert_str_eq(f.d->joined[0].why_not.text,
			 "it has the address 192.0.2.5/24, which would not work in a bridge");
	ck_assert_uint_eq(veth()->master, 0);
	fake_host->addrs--;
	fake_pass(&f, RETRY);
	pass();
	ck_assert(is_in_bridge());
	ck_assert_uint_ne(say(DHCP_DISCOVER, 0, 0), 0);
}
END_TEST

/* A reload, or a restart with another configuration, puts it back as it was; its clients' leases
 * end. */
START_TEST(put_back)
{
	bool restart = _i & 1, was_up = _i & 2;
	struct refusal r;
	uint32_t addr;

	fake_start(&f, WITH);
	fake_link_add("veth7")->up = was_up;
	fake_link_told(veth());
	pass();
	ck_assert(is_in_bridge());
	addr = settle(0);
	if (restart) {
		fake_stop(&f);
		start(WITHOUT);
	} else {
		ck_ok(fake_reload(&f, WITHOUT, &r));
		ck_assert_int_eq(dhcp_lease_by_addr(f.d->dhcp, 0, addr)->state,
				 DHCP_LEASE_RELEASED);
	}
	ck_assert_uint_eq(veth()->master, 0);
	ck_assert_int_eq(veth()->up, was_up);
	ck_assert(!is_element(veth()->index));
	ck_assert_uint_eq(say(DHCP_DISCOVER, 0, 0), 0);
	/* And once more: its client has its address again. */
	ck_ok(fake_reload(&f, WITH, &r));
	pass();
	ck_assert(is_in_bridge());
	ck_assert_uint_eq(say(DHCP_DISCOVER, 0, 0), addr);
}
END_TEST

/* A reload that changes nothing about it keeps its clients. */
START_TEST(reloaded)
{
	struct refusal r;
	uint32_t addr;

	start(WITH);
	make();
	addr = settle(0);
	ck_ok(fake_reload(&f, NETWORK("lease-time = 2h port veth7 { serve = yes }"), &r));
	ck_assert(is_in_bridge() && is_element(veth()->index));
	ck_assert_int_eq(dhcp_lease_by_addr(f.d->dhcp, 0, addr)->state, DHCP_LEASE_BOUND);
	ck_ok(fake_reload(&f, SILENT, &r));
	ck_assert(is_in_bridge() && !is_element(veth()->index));
	ck_assert_uint_eq(say(DHCP_DISCOVER, 0, 0), 0);
}
END_TEST

/* Somebody moved it elsewhere since: it is theirs. */
START_TEST(not_ours_any_more)
{
	struct rtnl_link *other;
	struct refusal r;

	start(WITH);
	make();
	other = fake_link_add("br9");
	fake_link_told(other);
	veth()->master = other->index;
	ck_ok(fake_reload(&f, WITHOUT, &r));
	ck_assert_uint_eq(veth()->master, other->index);
	ck_assert(veth()->up);
}
END_TEST

/* The interface's leases end with it, and can be had by others. */
START_TEST(gone)
{
	uint32_t addr;

	start(WITH);
	make();
	addr = settle(0);
	fake_link_gone(veth()->index);
	fake_turn(&f);
	ck_assert_int_eq(dhcp_lease_by_addr(f.d->dhcp, 0, addr)->state, DHCP_LEASE_RELEASED);
	make();
	ck_assert_uint_eq(say(DHCP_DISCOVER, 0, 0), addr);
}
END_TEST

UNIT_SUITE(netd_joined)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, joins);
	tcase_add_test(tc, not_served);
	tcase_add_test(tc, relayed);
	tcase_add_loop_test(tc, pinged, 0, 2);
	tcase_add_test(tc, squatter_answers_ping);
	tcase_add_test(tc, pinged_by_two_networks);
	tcase_add_test(tc, ping_ends);
	tcase_add_test(tc, left_alone);
	tcase_add_loop_test(tc, put_back, 0, 4);
	tcase_add_test(tc, reloaded);
	tcase_add_test(tc, not_ours_any_more);
	tcase_add_test(tc, gone);
}

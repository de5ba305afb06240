/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reservations for clients, on a host in memory: reloads that reserve an address that somebody has,
 * restarts in between, and a state that cannot be written. And BOOTP.
 */

#include "fake_host.h"
#include "store_kit.h"
#include "unit.h"

/* One address more than there are clients in any of these tests, and the guest's. */
#define NETWORK(more)                                                                              \
	"mac { secret = test }\n"                                                                  \
	"network default { subnet = 10.77.0.1/24 range = 10.77.0.10-10.77.0.14 identity = mac "    \
	"probe = off sweep = 0s " more " }\n"
#define PLAIN NETWORK("")

enum { FIRST = 0x0a4d000a, LAST = 0x0a4d000e, SERVER = 0x0a4d0001, OUTSIDE = 0x0a4d0063 };

static struct fake_daemon f;
static struct port *guest;

static struct port *attached(const char *name)
{
	return fake_attach(&f, name, 0);
}

static void setup(void)
{
	f = (struct fake_daemon){ 0 };
	fake_start(&f, PLAIN);
	fake_turn(&f);
	guest = attached("outer");
}

static void teardown(void)
{
	if (f.d)
		fake_stop(&f);
	fake_remove(&f);
}

/* A configuration with further blocks in its network. */
static const char *with(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static const char *with(const char *fmt, ...)
{
	static char text[1024];
	char more[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(more, sizeof(more), fmt, ap);
	va_end(ap);
	snprintf(text, sizeof(text), NETWORK("%s"), more);
	return text;
}

static const char *ip(uint32_t addr)
{
	static char text[IP4_TEXT_SIZE];

	return ip4_text(addr, text);
}

static void reload(const char *config)
{
	struct refusal r;

	ck_assert_msg(fake_reload(&f, config, &r) == 0, "%s", r.detail.text);
}

static void restart(const char *config)
{
	fake_stop(&f);
	fake_start(&f, config);
	fake_turn(&f);
	guest = port_find(f.d, 0, "outer", 0);
}

static const struct dhcp_lease *at(uint32_t addr)
{
	return dhcp_lease_by_addr(f.d->dhcp, 0, addr);
}

/* --- clients inside the guest --- */

static struct dhcp_message reply; /* the last; xid 0: there was none */
static uint8_t reply_type;

static void read_reply(unsigned before)
{
	const uint8_t *frame = fake_host->sent[before % FAKE_FRAMES].data;
	static struct dhcp_options o;

	reply = (struct dhcp_message){ 0 };
	reply_type = 0;
	if (fake_host->frames == before)
		return;
	ck_assert_uint_eq(fake_host->frames, before + 1);
	ck_assert_int_eq(dhcp_message_parse(frame + 42,
					    fake_host->sent[before % FAKE_FRAMES].len - 42, &reply),
			 DHCP_DROP_NONE);
	ck_assert_int_eq(dhcp_options_parse(&reply, &o), DHCP_DROP_NONE);
	dhcp_options_u8(&o, 53, &reply_type);
}

/* Zero leaves a field or option out; `type` 0 is BOOTP. */
static uint32_t say(struct mac mac, uint8_t type, uint32_t wanted, uint32_t ciaddr)
{
	static uint32_t xid;
	struct dhcp_message m = { .op = DHCP_OP_REQUEST,
				  .htype = DHCP_HTYPE_ETHERNET,
				  .hlen = 6,
				  .xid = ++xid,
				  .ciaddr = ciaddr };
	uint8_t payload[300] = { 0 };
	struct wr w = wr_init(payload, sizeof(payload));
	struct dhcp_frame frame = { .src = mac,
				    .dst = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } },
				    .saddr = ciaddr,
				    .daddr = ciaddr ? SERVER : UINT32_MAX,
				    .sport = DHCP_CLIENT_PORT,
				    .dport = DHCP_SERVER_PORT,
				    .payload = payload,
				    .len = sizeof(payload) };
	unsigned before = fake_host->frames;

	memcpy(m.chaddr, mac.octet, 6);
	dhcp_message_write(&w, &m);
	if (type)
		wr_bytes(&w, (uint8_t[]){ 53, 1, type }, 3);
	if (wanted) {
		wr_bytes(&w, (uint8_t[]){ 50, 4 }, 2);
		wr_be32(&w, wanted);
		wr_bytes(&w, (uint8_t[]){ 54, 4 }, 2);
		wr_be32(&w, SERVER);
	}
	wr_u8(&w, 255);
	fake_packet(guest->ifindex, &frame);
	fake_turn(&f);
	read_reply(before);
	return reply.yiaddr;
}

static struct mac card(uint8_t n)
{
	return (struct mac){ { 0x52, 0x54, 0, 0, 0, n } };
}

static uint32_t discover(uint8_t n)
{
	return say(card(n), DHCP_DISCOVER, 0, 0);
}

static uint32_t bind_client(uint8_t n)
{
	uint32_t addr = discover(n);

	ck_assert_uint_ne(addr, 0);
	ck_assert_uint_eq(say(card(n), DHCP_REQUEST, addr, 0), addr);
	ck_assert_int_eq(reply_type, DHCP_ACK);
	return addr;
}

static void renew(uint8_t n, uint32_t addr, enum dhcp_type answer)
{
	say(card(n), DHCP_REQUEST, 0, addr);
	ck_assert_int_eq(reply_type, answer);
}

/* --- rows and events --- */

struct wanted_row {
	uint32_t addr;
	enum dhcp_lease_state state;
	struct mac mac;
};

static int find_row(void *arg, const struct store_lease *l)
{
	struct wanted_row *r = arg;

	if (l->address == r->addr) {
		r->state = l->state;
		r->mac = l->mac;
	}
	return 0;
}

/* FREE: there is none. */
static enum dhcp_lease_state row(uint32_t addr)
{
	struct wanted_row r = { .addr = addr };

	ck_ok(store_lease_list(f.d->store, NULL, find_row, &r, &unit_err));
	return r.state;
}

static unsigned events_of(enum event_kind kind, uint32_t addr)
{
	unsigned n = 0;

	for (uint64_t i = 1; i < f.d->events.next; i++)
		n += event_get(&f.d->events, i)->kind == kind &&
		     event_get(&f.d->events, i)->address == addr;
	return n;
}

/* --- tests --- */

/* With a restart after each step, or without. */
START_TEST(t_dhcp_093_reload)
{
	const char *config;
	uint32_t addr = bind_client(1), temporary;

	config = with("host two { match-mac = 52:54:00:00:00:02 address = %s }", ip(addr));
	if (_i)
		restart(config);
	else
		reload(config);
	temporary = bind_client(2);
	ck_assert_uint_ne(temporary, addr);
	if (_i)
		restart(config);
	renew(2, temporary, DHCP_ACK);
	renew(1, addr, DHCP_NAK);
	ck_assert_int_eq(row(addr), DHCP_LEASE_RELEASED);
	ck_assert_uint_eq(events_of(EVENT_LEASE_RELEASED, addr), 1);
	ck_assert_uint_eq(events_of(EVENT_LEASE_REFUSED, addr), 1);
	if (_i)
		restart(config);
	renew(2, temporary, DHCP_NAK);
	ck_assert_int_eq(row(temporary), DHCP_LEASE_RELEASED);
	if (_i)
		restart(config);
	ck_assert_uint_eq(bind_client(2), addr);
	ck_assert_int_eq(row(addr), DHCP_LEASE_BOUND);
	if (_i)
		restart(config);
	renew(2, addr, DHCP_ACK);
	ck_assert_uint_ne(bind_client(1), addr);
}
END_TEST

/* The client takes its own before it has been refused the other: two rows in one step. */
START_TEST(moves)
{
	uint32_t addr = bind_client(1);
	const char *config =
		with("host one { match-mac = 52:54:00:00:00:01 address = %s }", ip(OUTSIDE));

	reload(config);
	ck_assert_uint_eq(discover(1), OUTSIDE);
	store_break(true);
	ck_assert_uint_eq(say(card(1), DHCP_REQUEST, OUTSIDE, 0), 0);
	ck_assert_int_eq(at(addr)->state, DHCP_LEASE_BOUND);
	ck_assert_int_eq(at(OUTSIDE)->state, DHCP_LEASE_OFFERED);
	ck_assert_uint_eq(events_of(EVENT_LEASE_RELEASED, addr), 0);
	store_break(false);
	ck_assert_int_eq(row(addr), DHCP_LEASE_BOUND);
	ck_assert_int_eq(row(OUTSIDE), DHCP_LEASE_FREE);
	ck_assert_uint_eq(say(card(1), DHCP_REQUEST, OUTSIDE, 0), OUTSIDE);
	ck_assert_int_eq(row(addr), DHCP_LEASE_RELEASED);
	ck_assert_int_eq(row(OUTSIDE), DHCP_LEASE_BOUND);
	ck_assert_uint_eq(events_of(EVENT_LEASE_RELEASED, addr), 1);
	ck_assert_uint_eq(events_of(EVENT_LEASE_BOUND, OUTSIDE), 1);
	restart(config);
	renew(1, OUTSIDE, DHCP_ACK);
	/* Of no pool, and no more reserved. */
	reload(PLAIN);
	renew(1, OUTSIDE, DHCP_NAK);
	ck_assert_uint_ne(bind_client(1), OUTSIDE);
}
END_TEST

/* A refusal that cannot be stored is not said. */
START_TEST(refusal_waits_for_the_state)
{
	uint32_t addr = bind_client(1);

	reload(with("host two { match-mac = 52:54:00:00:00:02 address = %s }", ip(addr)));
	store_break(true);
	renew(1, addr, 0);
	ck_assert_int_eq(at(addr)->state, DHCP_LEASE_BOUND);
	ck_assert_uint_ne(discover(2), addr);
	store_break(false);
	renew(1, addr, DHCP_NAK);
	ck_assert_uint_eq(discover(2), addr);
}
END_TEST

/* An address is reserved for a guest while a client has it: the guest gets another until then. */
START_TEST(for_a_guest)
{
	uint32_t addr = bind_client(1);
	struct port *p;
	struct refusal r;

	reload(with("host web1 { address = %s }", ip(addr)));
	p = attached("web1");
	ck_assert(p->address && p->address != addr && !p->address_given);
	renew(1, addr, DHCP_NAK);
	ck_assert_uint_ne(bind_client(1), addr);
	ck_assert_int_eq(port_detach(f.d, "web1", -1, &r), 0);
	p = attached("web1");
	ck_assert_uint_eq(p->address, addr);
}
END_TEST

/* What is reserved is not free when it is given back. */
START_TEST(stays_out_of_the_pool)
{
	struct release *release;
	struct ticket ticket;
	struct refusal r;
	const char *config = with("host web1 { address = 10.77.0.14 }");

	reload(config);
	ck_assert_uint_eq(attached("web1")->address, LAST);
	ck_assert_int_eq(port_release(f.d, "web1", -1, &release, &ticket, &r), 0);
	fake_turn(&f);
	port_released(f.d, release);
	for (uint8_t n = 1; n <= 4; n++) {
		uint32_t addr = discover(n);

		ck_assert_uint_ne(addr, LAST);
		ck_assert_int_eq(addr == 0, n == 4); /* the guest, three clients, and no more */
	}
	ck_assert_uint_eq(attached("web1")->address, LAST);
}
END_TEST

/* No guest gets a client's, by whatever name. */
START_TEST(not_for_guests)
{
	struct attach_request q = { .guest = "one", .queues = 1, .vhost = VHOST_OFF };
	struct attachment *a;
	struct ticket ticket;
	struct refusal r;

	reload(with("host one { match-mac = 52:54:00:00:00:01 address = 10.77.0.14 }"));
	ck_assert_uint_ne(attached("one")->address, LAST);
	q.guest = "two";
	q.wish.address = LAST;
	ck_assert_int_eq(port_attach(f.d, &q, &a, &ticket, &r), -1);
	ck_assert_int_eq(r.kind, REFUSED_ADDRESS_IN_USE);
	ck_assert_str_eq(r.holder, "the reservation of the client one");
	q.wish = (struct wish){ .mac = card(1) };
	ck_assert_int_eq(port_attach(f.d, &q, &a, &ticket, &r), -1);
	ck_assert_int_eq(r.kind, REFUSED_MAC_IN_USE);
	ck_assert_str_eq(r.holder, "the reservation for one in network default");
}
END_TEST

/* A guest and a client with a reservation are told their addresses; nothing is stored. */
START_TEST(t_dhcp_005_served)
{
	const char *host = "host one { match-mac = 52:54:00:00:00:01 address = 10.77.0.14 }";

	ck_assert_uint_eq(say(guest->mac, 0, 0, 0), guest->address);
	ck_assert_uint_eq(say(card(1), 0, 0, 0), 0);
	reload(with("%s", host));
	ck_assert_uint_eq(say(card(1), 0, 0, 0), LAST);
	ck_assert_uint_eq(reply_type, 0);
	ck_assert_int_eq(row(LAST), DHCP_LEASE_FREE);
	ck_assert_int_eq(row(guest->address), DHCP_LEASE_FREE);
	/* Nor does it need a state that can be written. */
	store_break(true);
	ck_assert_uint_eq(say(card(1), 0, 0, 0), LAST);
	store_break(false);
	reload(with("bootp = off %s", host));
	ck_assert_uint_eq(say(card(1), 0, 0, 0), 0);
	ck_assert_uint_eq(say(guest->mac, 0, 0, 0), 0);
}
END_TEST

UNIT_SUITE(netd_reserve)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, t_dhcp_093_reload, 0, 2);
	tcase_add_test(tc, moves);
	tcase_add_test(tc, refusal_waits_for_the_state);
	tcase_add_test(tc, for_a_guest);
	tcase_add_test(tc, stays_out_of_the_pool);
	tcase_add_test(tc, not_for_guests);
	tcase_add_test(tc, t_dhcp_005_served);
}

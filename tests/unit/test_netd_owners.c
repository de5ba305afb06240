/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose guests are: by attach, by the configuration, over reload, restart and the loss of the
 * state. */
#include <unistd.h>

#include "fake_host.h"
#include "unit.h"

#define NETS(more)                                                                                 \
	"mac { secret = test }\n"                                                                  \
	"network a { subnet = 10.77.0.1/24 " more " }\nnetwork b { subnet = 10.78.0.1/24 }\n"

static struct fake_daemon f;

static void setup(void)
{
	f = (struct fake_daemon){ 0 };
	fake_start(&f, NETS(""));
}

static void teardown(void)
{
	if (f.d)
		fake_stop(&f);
	fake_remove(&f);
}

static struct port *attach(const char *network, const char *guest, uint32_t nic, uint32_t owner)
{
	struct attach_request q = { .network = network,
				    .guest = guest,
				    .nic = nic,
				    .queues = 1,
				    .vhost = VHOST_OFF,
				    .owner = owner,
				    .netns = -1 };
	struct attachment *a;
	struct ticket ticket;
	struct refusal r;

	ck_assert_int_eq(port_attach(f.d, &q, &a, &ticket, &r), 0);
	fake_turn(&f);
	port_delivered(a);
	return port_by_guest(f.d, guest, nic);
}

static uint32_t owner_of(const char *guest)
{
	uint32_t owner = 7777777;

	ck_assert(guest_owner(f.d, guest, &owner));
	return owner;
}

START_TEST(by_attach)
{
	uint32_t owner = 9;

	attach("a", "web1", 0, 1000);
	attach("b", "web1", PORT_NIC_MAX, 1000);
	attach("b", "web2", PORT_NIC_MAX, 1001);
	ck_assert_uint_eq(owner_of("web1"), 1000);
	ck_assert_uint_eq(owner_of("web2"), 1001);
	ck_assert(!guest_owner(f.d, "web3", &owner));
	ck_assert(!guest_owner(f.d, "web", &owner));
	ck_assert_uint_eq(owner, 9);
}
END_TEST

START_TEST(is_of)
{
	attach("a", "web1", 0, 1000);
	attach("b", "web1", 3, 1000);
	ck_assert(guest_is_of(f.d, "web1", -1, 1000));
	ck_assert(guest_is_of(f.d, "web1", 3, 1000));
	ck_assert(!guest_is_of(f.d, "web1", 1, 1000));
	ck_assert(!guest_is_of(f.d, "web1", -1, 1001));
	ck_assert(!guest_is_of(f.d, "web2", -1, 1000));
	/* One that is of two is nobody's. */
	attach("a", "web1", 4, 1001);
	ck_assert(!guest_is_of(f.d, "web1", -1, 1000));
	ck_assert(!guest_is_of(f.d, "web1", 4, 1001));
}
END_TEST

START_TEST(counts)
{
	struct owner_ports own;

	attach("a", "web1", 0, 1000);
	attach("b", "web1", 1, 1000);
	attach("b", "web2", 0, 1000);
	attach("b", "web3", 0, 1001);
	fake_link_gone(port_by_guest(f.d, "web2", 0)->ifindex);
	fake_turn(&f);
	own = owner_count(f.d, NULL, 1000);
	ck_assert_uint_eq(own.ports, 3);
	ck_assert_uint_eq(own.attached, 2);
	ck_assert_uint_eq(own.addresses, 3);
	own = owner_count(f.d, network_find(f.d, "b"), 1000);
	ck_assert_uint_eq(own.ports, 2);
	ck_assert_uint_eq(own.attached, 1);
	ck_assert_uint_eq(owner_count(f.d, NULL, 1002).ports, 0);
}
END_TEST

static void restart(const char *config)
{
	fake_stop(&f);
	fake_start(&f, config);
}

START_TEST(over_restart)
{
	attach("a", "web1", 0, 1000);
	restart(NETS(""));
	ck_assert_uint_eq(owner_of("web1"), 1000);
}
END_TEST

START_TEST(lost_state)
{
	attach("a", "web1", 0, 1000);
	attach("a", "web2", 0, 1000);
	fake_stop(&f);
	ck_assert_int_eq(unlink(f.state), 0);
	fake_start(&f, NETS("host web2 { owner = 1001 }"));
	ck_assert_uint_eq(owner_of("web1"), 0);
	ck_assert_uint_eq(port_by_guest(f.d, "web1", 0)->owner, 0);
	ck_assert_uint_eq(port_by_guest(f.d, "web2", 0)->owner, 1001);
}
END_TEST

/* The configuration's owner has all cards, on all networks, and keeps them when it says so no more.
 */
START_TEST(by_configuration)
{
	struct refusal r;

	attach("a", "web1", 0, 1000);
	attach("b", "web1", 1, 1000);
	ck_assert_int_eq(
		fake_reload(&f, NETS("host web1 { owner = 1001 } host web2 { owner = 5 }"), &r), 0);
	ck_assert_uint_eq(owner_of("web1"), 1001);
	ck_assert(guest_is_of(f.d, "web1", -1, 1001));
	ck_assert_uint_eq(owner_of("web2"), 5);
	attach("b", "web2", 0, owner_of("web2"));
	restart(NETS(""));
	ck_assert(guest_is_of(f.d, "web1", -1, 1001));
	ck_assert(guest_is_of(f.d, "web2", -1, 5));
}
END_TEST

/* A guest that others' servers had, and one whose row is of another owner. */
START_TEST(comes_with_its_owner)
{
	struct wish wish = { 0 };
	struct refusal r;
	struct port *p;

	ck_assert_int_eq(fake_reload(&f, NETS("host web1 { owner = 1001 }"), &r), 0);
	ck_assert_int_eq(port_reserve(f.d, network_find(f.d, "a"), "web1", &wish, &p, &r), 0);
	ck_assert_uint_eq(p->owner, 1001);
	ck_assert_int_eq(port_reserve(f.d, network_find(f.d, "a"), "web9", &wish, &p, &r), 0);
	ck_assert_uint_eq(p->owner, 0);
}
END_TEST

START_TEST(events)
{
	uint64_t from = f.d->events.next;
	const struct event *e;
	struct refusal r;

	attach("a", "web1", 0, 1000);
	ck_assert_int_eq(port_detach(f.d, "web1", -1, &r), 0);
	for (; (e = event_get(&f.d->events, from)); from++)
		ck_assert_uint_eq(e->owner, e->guest[0] ? 1000 : 0);
}
END_TEST

UNIT_SUITE(netd_owners)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, by_attach);
	tcase_add_test(tc, is_of);
	tcase_add_test(tc, counts);
	tcase_add_test(tc, over_restart);
	tcase_add_test(tc, lost_state);
	tcase_add_test(tc, by_configuration);
	tcase_add_test(tc, comes_with_its_owner);
	tcase_add_test(tc, events);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What others do to what is netd's, on a host in memory: noticed, put back, counted, told once. */
#include "fake_host.h"
#include "unit.h"

#define NETWORK(more)                                                                              \
	"mac { secret = test }\n"                                                                  \
	"network default { subnet = 10.77.0.1/24 dns = 192.0.2.53 " more " }\n"

static struct fake_daemon f;

static void setup(void)
{
	f = (struct fake_daemon){ 0 };
	fake_start(&f, NETWORK(""));
}

static void teardown(void)
{
	fake_stop(&f);
	fake_remove(&f);
}

/* How many events of a kind there are, and the last of them in *ret_last. */
static unsigned count(enum event_kind kind, const struct event **ret_last)
{
	unsigned n = 0;

	for (uint64_t at = events_oldest(&f.d->events); at < f.d->events.next; at++) {
		if (event_get(&f.d->events, at)->kind != kind)
			continue;
		n++;
		*ret_last = event_get(&f.d->events, at);
	}
	return n;
}

/* The n-th event of a kind is the last, and says this. */
static const struct event *check_event(enum event_kind kind, unsigned n, const char *detail)
{
	const struct event *e = NULL;

	ck_assert_uint_eq(count(kind, &e), n);
	ck_assert_str_eq(e->detail, detail);
	return e;
}

/* A link of the fake host is as a test has made it; the daemon hears of it and puts it right. */
static void told(const struct rtnl_link *link)
{
	fake_link_told(link);
	fake_tick(&f, NS_PER_S / 50);
	fake_link_told(link);
	fake_tick(&f, NS_PER_S / 50);
}

/* --- rules --- */

static const struct nft_change deleted = {
	.ours = true, .what = "table bridge netd was deleted", .process = "nft", .pid = 812
};

START_TEST(rules)
{
	unsigned before = fake_host->replaced;
	struct nft_change c = deleted;

	fake_ruleset(&c);
	ck_assert_uint_eq(fake_host->replaced, before + 1);
	ck_assert_uint_eq(f.d->heal.rules_restored, 1);
	check_event(EVENT_RULES_RESTORED, 1, "table bridge netd was deleted by nft (pid 812)");
	c.process[0] = 0;
	fake_ruleset(&c);
	check_event(EVENT_RULES_RESTORED, 2, "table bridge netd was deleted by an unknown process");
	c = (struct nft_change){ .overrun = true };
	fake_ruleset(&c);
	check_event(EVENT_RULES_RESTORED, 3, "others changed more than could be heard of");
	c = (struct nft_change){ .others = true, .process = "nft", .pid = 1 };
	fake_ruleset(&c);
	ck_assert_uint_eq(fake_host->replaced, before + 3);
	ck_assert_uint_eq(f.d->heal.rules_restored, 3);
}
END_TEST

START_TEST(rules_in_a_loop)
{
	unsigned before = fake_host->replaced;

	for (unsigned i = 0; i < 1000; i++)
		fake_ruleset(&deleted);
	ck_assert_uint_eq(fake_host->replaced, before + 20);
	for (unsigned second = 1; second <= 5; second++) {
		fake_pass(&f, 1);
		ck_assert_uint_eq(fake_host->replaced, before + 21);
	}
	check_event(
		EVENT_RULES_RESTORED, 21,
		"table bridge netd was deleted by nft (pid 812); and there were 979 more changes");
	/* Five seconds' worth is paid back; then it is once a second. */
	for (unsigned second = 0; second < 10; second++) {
		for (unsigned i = 0; i < 100; i++)
			fake_ruleset(&deleted);
		fake_pass(&f, 1);
	}
	ck_assert_uint_ge(fake_host->replaced, before + 21 + 10);
	ck_assert_uint_le(fake_host->replaced, before + 21 + 10 + 5);
	fake_pass(&f, 60);
	before = fake_host->replaced;
	fake_ruleset(&deleted);
	ck_assert_uint_eq(fake_host->replaced, before + 1);
}
END_TEST

START_TEST(rules_that_cannot_be_put_back)
{
	unsigned before = fake_host->replaced;
	const struct event *e = NULL;

	fake_fail(1);
	fake_ruleset(&deleted);
	fake_fail(0);
	ck_assert_uint_eq(fake_host->replaced, before);
	ck_assert_uint_eq(count(EVENT_RULES_RESTORED, &e), 0);
	fake_pass(&f, 1);
	ck_assert_uint_eq(fake_host->replaced, before + 1);
	check_event(EVENT_RULES_RESTORED, 1, "table bridge netd was deleted by nft (pid 812)");
}
END_TEST

/* --- links --- */

START_TEST(bridge)
{
	struct rtnl_link *link = fake_link_find("nd-default");
	const struct event *e;

	link->up = false;
	told(link);
	ck_assert(link->up);
	e = check_event(EVENT_HEALED, 1, "interface nd-default was set down");
	ck_assert_str_eq(e->network, "default");
	ck_assert_str_eq(e->ifname, "nd-default");
	link->mtu = 1280;
	told(link);
	ck_assert_uint_eq(link->mtu, 1500);
	check_event(EVENT_HEALED, 2, "the MTU of nd-default was changed to 1280");
	link->up = false;
	link->mtu = 1280;
	told(link);
	ck_assert_uint_eq(count(EVENT_HEALED, &e), 4);
	ck_assert_uint_eq(f.d->heal.healed, 4);
	fake_link_gone(link->index);
	fake_pass(&f, 1);
	ck_assert_ptr_nonnull(fake_link_find("nd-default"));
	check_event(EVENT_HEALED, 5, "bridge nd-default was deleted");
}
END_TEST

START_TEST(gateway)
{
	struct rtnl_event e = { .kind = RTNL_ADDR_GONE, .addr = fake_host->addr[0] };

	ck_assert_uint_eq(fake_host->addrs, 1);
	fake_host->addrs = 0;
	fake_told(&e);
	fake_pass(&f, 1);
	ck_assert_uint_eq(fake_host->addrs, 1);
	check_event(EVENT_HEALED, 1, "address 10.77.0.1/24 was removed from nd-default");
}
END_TEST

START_TEST(forwarding)
{
	static const char *const links[] = { "nd-default", "eth0" };

	for (unsigned i = 0; i < ARRAY_SIZE(links); i++) {
		uint32_t index = fake_link_find(links[i])->index;
		struct rtnl_event e = { .kind = RTNL_FORWARDING, .forwarding = { index, false } };
		char detail[64];

		ck_assert(fake_host->forwarding[index]);
		fake_host->forwarding[index] = false;
		fake_told(&e);
		fake_pass(&f, 1);
		ck_assert(fake_host->forwarding[index]);
		snprintf(detail, sizeof(detail), "forwarding of %s was switched off", links[i]);
		check_event(EVENT_HEALED, i + 1, detail);
	}
}
END_TEST

START_TEST(isolated)
{
	struct refusal r;
	uint32_t index;
	struct rtnl_event e = { .kind = RTNL_FORWARDING, .forwarding = { .on = true } };
	const struct event *last = NULL;

	ck_assert_int_eq(fake_reload(&f, NETWORK("mode = isolated"), &r), 0);
	ck_assert_uint_eq(count(EVENT_HEALED, &last), 0);
	index = fake_link_find("nd-default")->index;
	ck_assert(!fake_host->forwarding[index]);
	fake_host->forwarding[index] = true;
	e.forwarding.index = index;
	fake_told(&e);
	fake_pass(&f, 1);
	check_event(EVENT_HEALED, 1, "forwarding of nd-default was switched on");
	/* On a host that forwards for everybody it may. */
	fake_host->forwarding[0] = fake_host->forwarding[index] = true;
	e.forwarding.index = 0;
	fake_told(&e);
	fake_pass(&f, 1);
	ck_assert(fake_host->forwarding[index]);
	ck_assert_uint_eq(count(EVENT_HEALED, &last), 1);
}
END_TEST

START_TEST(port)
{
	struct port *p = fake_attach(&f, "web1", 0);
	struct rtnl_link *link = fake_link_find(p->ifname);
	const struct event *e = NULL;
	char detail[96];

	told(link);
	ck_assert_uint_eq(count(EVENT_HEALED, &e), 0);
	link->master = 0;
	told(link);
	ck_assert_uint_eq(link->master, f.d->network[0].bridge_index);
	snprintf(detail, sizeof(detail), "interface %s was taken out of bridge nd-default",
		 p->ifname);
	e = check_event(EVENT_HEALED, 1, detail);
	ck_assert_str_eq(e->guest, "web1");
	link->mtu = 1300;
	told(link);
	ck_assert_uint_eq(link->mtu, 1500);
	snprintf(detail, sizeof(detail), "the MTU of %s was changed to 1300", p->ifname);
	check_event(EVENT_HEALED, 2, detail);
	fake_told(&(struct rtnl_event){ .kind = RTNL_IPV6, .link = { .index = p->ifindex } });
	fake_pass(&f, 1);
	snprintf(detail, sizeof(detail), "IPv6 was switched on for %s", p->ifname);
	check_event(EVENT_HEALED, 3, detail);
}
END_TEST

/* Its user has given it the address of another guest: its bridge would take what is sent there. */
START_TEST(mac_of_another)
{
	struct port *p = fake_attach(&f, "web1", 0), *victim = fake_attach(&f, "web2", 0);
	struct rtnl_link *link = fake_link_find(p->ifname);
	struct mac own = mac_host_side(&p->mac), stolen = victim->mac;
	char detail[128];

	told(link);
	ck_assert(mac_equal(&link->mac, &own));
	snprintf(detail, sizeof(detail), "the MAC address of interface %s was changed", p->ifname);
	for (unsigned i = 1; i <= 20; i++) {
		link->mac = stolen;
		told(link);
		ck_assert(mac_equal(&link->mac, &own));
		check_event(EVENT_HEALED, i, detail);
	}
	/* Now it has to wait, and does so where it takes nothing from anybody. */
	link->mac = stolen;
	fake_link_told(link);
	ck_assert_uint_eq(link->master, 0);
	fake_link_told(link);
	fake_pass(&f, 2);
	ck_assert(mac_equal(&link->mac, &own));
	ck_assert_uint_eq(link->master, f.d->network[0].bridge_index);
	check_event(EVENT_HEALED, 21, detail);
}
END_TEST

/* A bridge that takes the MTU of a port, and one whose ports leave it since it is deleted: one
 * incident each. */
START_TEST(one_incident)
{
	struct port *p = fake_attach(&f, "web1", 0);
	struct rtnl_link *link = fake_link_find(p->ifname), *over = fake_link_find("nd-default");
	const struct event *e = NULL;

	told(link);
	link->mtu = over->mtu = 1300;
	fake_link_told(over);
	told(link);
	ck_assert_uint_eq(count(EVENT_HEALED, &e), 1);
	ck_assert_str_eq(e->guest, "web1");
	link->master = 0;
	fake_link_told(link);
	fake_link_gone(over->index);
	fake_pass(&f, 1);
	ck_assert_uint_eq(link->master, fake_link_find("nd-default")->index);
	check_event(EVENT_HEALED, 2, "bridge nd-default was deleted");
}
END_TEST

/* Whatever fails on the way, it is tried again, and told when it has been done, once. */
START_TEST(later)
{
	struct port *p = fake_attach(&f, "web1", 0);
	struct rtnl_link *link = fake_link_find(p->ifname);
	bool failed = true;

	told(link);
	for (unsigned n = 1; failed; n++) {
		uint64_t before = f.d->heal.healed;

		link->master = 0;
		fake_link_told(link);
		fake_fail(n);
		fake_pass(&f, 1);
		failed = fake_host->operations >= n;
		fake_fail(0);
		fake_pass(&f, 20);
		ck_assert_uint_eq(link->master, f.d->network[0].bridge_index);
		ck_assert_uint_eq(f.d->heal.healed, before + 1);
		ck_assert_uint_lt(n, 100);
	}
}
END_TEST

START_TEST(in_a_loop)
{
	struct rtnl_link *link = fake_link_find("nd-default");
	const struct event *e = NULL;

	for (unsigned i = 0; i < 300; i++) {
		link->up = false;
		fake_link_told(link);
		fake_tick(&f, NS_PER_S / 50);
	}
	/* In six seconds. */
	ck_assert_uint_ge(count(EVENT_HEALED, &e), 20);
	ck_assert_uint_le(count(EVENT_HEALED, &e), 28);
	fake_pass(&f, 2);
	ck_assert(link->up);
}
END_TEST

START_TEST(own_changes)
{
	const struct event *e = NULL;
	struct port *p = fake_attach(&f, "web1", 0);
	struct rtnl_link *link = fake_link_find(p->ifname), *uplink = fake_link_find("eth0");
	struct refusal r;

	told(link);
	ck_assert_int_eq(fake_reload(&f, NETWORK("mtu = 1400"), &r), 0);
	told(link);
	ck_assert_uint_eq(link->mtu, 1400);
	ck_assert_int_eq(fake_reload(&f, NETWORK(""), &r), 0);
	uplink->mtu = 1450;
	told(uplink);
	told(link);
	ck_assert_uint_eq(link->mtu, 1450);
	fake_stop(&f);
	link->master = 0;
	fake_start(&f, NETWORK(""));
	fake_pass(&f, 1);
	ck_assert_uint_ne(link->master, 0);
	ck_assert_uint_eq(count(EVENT_HEALED, &e) + count(EVENT_RULES_RESTORED, &e), 0);
	ck_assert_uint_eq(f.d->heal.healed + f.d->heal.rules_restored, 0);
}
END_TEST

UNIT_SUITE(netd_heal)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, rules);
	tcase_add_test(tc, rules_in_a_loop);
	tcase_add_test(tc, rules_that_cannot_be_put_back);
	tcase_add_test(tc, bridge);
	tcase_add_test(tc, gateway);
	tcase_add_test(tc, forwarding);
	tcase_add_test(tc, isolated);
	tcase_add_test(tc, port);
	tcase_add_test(tc, mac_of_another);
	tcase_add_test(tc, one_incident);
	tcase_add_test(tc, later);
	tcase_add_test(tc, in_a_loop);
	tcase_add_test(tc, own_changes);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Networks of mode bridge on a host in memory: an uplink into the bridge and back, whatever fails
 * and whenever netd ends; bridges of the host's. */
#include "fake_host.h"
#include "networks_made.h"
#include "unit.h"

#define LAN(more)                                                                                  \
	"mac { secret = test }\n"                                                                  \
	"network lan { mode = bridge uplink = eth0 " more " }\n"
#define NOTHING "mac { secret = test }\n"

enum { GOODS = 5 };

static struct fake_daemon f;

static struct rtnl_link *uplink(void)
{
	return fake_link_find("eth0");
}

static void setup(void)
{
	struct host_listener nobody = { 0 };
	struct host *h;

	f = (struct fake_daemon){ 0 };
	ck_assert_int_eq(fake_open_host(NULL, 0, &nobody, &h, NULL), 0);
	uplink()->mac = (struct mac){ { 2, 0, 0, 0, 0, 1 } };
	uplink()->carrier = true;
	for (uint32_t i = 0; i < GOODS; i++)
		fake_good(uplink()->index, i > 2, i);
	fake_host->answers_uplink = fake_host->answers_bridge = true;
}

static void teardown(void)
{
	if (f.d)
		fake_stop(&f);
	fake_remove(&f);
}

static unsigned count(enum event_kind kind)
{
	unsigned n = 0;

	for (uint64_t at = events_oldest(&f.d->events); at < f.d->events.next; at++)
		n += event_get(&f.d->events, at)->kind == kind;
	return n;
}

static void pass(unsigned ticks)
{
	while (ticks--)
		fake_tick(&f, NS_PER_S / 20);
}

static struct network *network(void)
{
	return network_find(f.d, "lan");
}

static void check_at(uint32_t index)
{
	ck_assert_uint_eq(fake_host->goods, GOODS);
	for (uint32_t i = 0; i < GOODS; i++)
		ck_assert(fake_has_good(index, i));
}

static void check_moved(void)
{
	const struct rtnl_link *bridge = fake_link_find("nd-lan");

	ck_assert(network()->up);
	ck_assert_ptr_nonnull(bridge);
	ck_assert_uint_eq(uplink()->master, bridge->index);
	ck_assert(mac_equal(&bridge->mac, &uplink()->mac));
	ck_assert(bridge->up);
	check_at(bridge->index);
}

static void check_back(void)
{
	ck_assert_uint_eq(uplink()->master, 0);
	ck_assert_ptr_null(fake_link_find("nd-lan"));
	check_at(uplink()->index);
}

START_TEST(moved_and_back)
{
	struct refusal r;

	fake_start(&f, LAN(""));
	ck_assert(!network()->up);
	pass(20);
	check_moved();
	ck_assert_uint_eq(count(EVENT_UPLINK_MOVED), 1);
	/* A restart changes nothing. */
	fake_stop(&f);
	fake_start(&f, LAN(""));
	check_moved();
	ck_assert_uint_eq(count(EVENT_UPLINK_MOVED) + count(EVENT_UPLINK_BACK), 0);
	ck_assert_int_eq(fake_reload(&f, NOTHING, &r), 0);
	check_back();
	ck_assert_uint_eq(count(EVENT_UPLINK_BACK), 1);
	ck_assert_int_eq(fake_reload(&f, LAN(""), &r), 0);
	pass(20);
	check_moved();
	lan_stop(f.d);
	check_back();
}
END_TEST

START_TEST(removed_while_netd_was_down)
{
	fake_start(&f, LAN(""));
	pass(20);
	fake_stop(&f);
	fake_start(&f, NOTHING);
	check_back();
}
END_TEST

START_TEST(silent_gateway)
{
	struct refusal r;

	fake_host->answers_bridge = false;
	fake_start(&f, LAN("uplink-deadline = 5"));
	pass(20);
	ck_assert(!network()->up);
	ck_assert_uint_ne(uplink()->master, 0);
	pass(110);
	check_back();
	ck_assert_str_eq(network()->why_not.text,
			 "gateway 192.0.2.1 did not answer by bridge nd-lan in 5 s");
	ck_assert_uint_eq(count(EVENT_UPLINK_BACK), 1);
	/* Not again and again. */
	pass(1000);
	check_back();
	ck_assert_uint_eq(count(EVENT_UPLINK_BACK), 1);
	fake_host->answers_bridge = true;
	ck_assert_int_eq(fake_reload(&f, LAN("uplink-deadline = 5"), &r), 0);
	pass(20);
	check_moved();
}
END_TEST

START_TEST(gateway_not_asked)
{
	fake_host->answers_bridge = fake_host->answers_uplink = false;
	fake_start(&f, LAN(""));
	pass(100);
	check_moved();
	lan_stop(f.d);
	fake_stop(&f);
	fake_host->asked_gateway = 0;
	fake_start(&f, LAN("uplink-deadline = 0"));
	pass(3);
	check_moved();
	ck_assert_uint_eq(fake_host->asked_gateway, 0);
}
END_TEST

/* Whatever fails, in the end it is moved or, for good, as it was; and nothing is lost meanwhile. */
START_TEST(each_step_fails)
{
	bool failed = true;

	for (unsigned n = 1; failed; n++) {
		struct refusal r;

		fake_start(&f, NOTHING);
		ck_assert_int_eq(fake_reload(&f, NOTHING, &r), 0);
		fake_fail(n);
		if (fake_reload(&f, LAN(""), &r))
			pass(1);
		for (unsigned i = 0; i < 40; i++) {
			pass(1);
			for (uint32_t good = 0; good < GOODS; good++)
				ck_assert(fake_has_good(uplink()->index, good) ||
					  fake_has_good(fake_link_find("nd-lan")->index, good));
		}
		failed = fake_host->operations >= n;
		fake_fail(0);
		pass(500);
		if (network() && network()->up)
			check_moved();
		else
			check_back();
		ck_assert_int_eq(fake_reload(&f, LAN(""), &r), 0);
		pass(100);
		check_moved();
		/* The way back. */
		fake_fail(n);
		if (fake_reload(&f, NOTHING, &r))
			pass(1);
		failed = failed || fake_host->operations >= n;
		fake_fail(0);
		pass(500);
		/* A reload that the host refuses is as if it had not been asked for. */
		if (network()) {
			pass(100);
			check_moved();
			ck_assert_int_eq(fake_reload(&f, NOTHING, &r), 0);
		}
		check_back();
		fake_stop(&f);
		ck_assert_uint_lt(n, 200);
	}
}
END_TEST

/* netd ends when so many operations were done, and begins anew. */
START_TEST(each_step_is_the_last)
{
	bool killed = true;

	for (unsigned n = 1; killed; n++) {
		fake_fail(0);
		fake_start(&f, NOTHING);
		fake_fail(n);
		fake_host->fail_from = true;
		{
			struct refusal r;

			if (fake_reload(&f, LAN(""), &r))
				pass(1);
		}
		pass(20);
		killed = fake_host->operations >= n;
		fake_stop(&f);
		fake_host->fail_from = false;
		fake_fail(0);
		fake_start(&f, LAN(""));
		pass(100);
		check_moved();
		fake_stop(&f);
		fake_start(&f, NOTHING);
		pass(20);
		check_back();
		fake_stop(&f);
		ck_assert_uint_lt(n, 200);
	}
}
END_TEST

START_TEST(mended)
{
	struct rtnl_link *bridge;
	uint64_t healed;

	fake_start(&f, LAN(""));
	pass(20);
	healed = f.d->heal.healed;
	uplink()->master = 0;
	fake_link_told(uplink());
	pass(2);
	check_moved();
	ck_assert_uint_eq(f.d->heal.healed, healed + 1);
	/* A DHCP client gives the uplink an address. */
	fake_host->goods--; /* the last, a route of the bridge's, which it adds anew */
	fake_good(uplink()->index, true, GOODS - 1);
	fake_told(&(struct rtnl_event){ .kind = RTNL_ADDR, .addr = { .index = uplink()->index } });
	pass(2);
	check_moved();
	/* The bridge is deleted, with all that it has. */
	bridge = fake_link_find("nd-lan");
	uplink()->master = 0;
	fake_link_gone(bridge->index);
	fake_link_told(uplink());
	pass(10);
	check_moved();
}
END_TEST

START_TEST(uplink_comes_and_goes)
{
	struct rtnl_link was = *uplink();

	*uplink() = (struct rtnl_link){ 0 };
	fake_host->goods = 0;
	fake_start(&f, LAN(""));
	ck_assert_str_eq(network()->why_not.text, "there is no interface eth0");
	was.index = 50;
	fake_host->link[0] = was;
	for (uint32_t i = 0; i < GOODS; i++)
		fake_good(was.index, i > 2, i);
	fake_link_told(uplink());
	pass(20);
	check_moved();
	fake_link_gone(was.index);
	pass(10);
	ck_assert(!network()->up);
	was.index = 51;
	was.master = 0;
	fake_host->link[0] = was;
	fake_link_told(uplink());
	pass(20);
	check_moved();
}
END_TEST

START_TEST(unfit)
{
	static const struct {
		const char *what, *why;
	} cases[] = {
		{ "down", "interface eth0 is down" },
		{ "bridge",
		  "interface eth0 is a bridge; that is for bridge = eth0, without uplink" },
		{ "mac", "interface eth0 is no Ethernet interface" },
		{ "mark", "interface eth0 is netd's own" },
		{ "master", "interface eth0 is in bond0 already" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rtnl_link was = *uplink(), *link = uplink();

		link->up = strcmp(cases[i].what, "down") != 0;
		if (!strcmp(cases[i].what, "bridge"))
			snprintf(link->kind, sizeof(link->kind), "bridge");
		if (!strcmp(cases[i].what, "mac"))
			link->mac = (struct mac){ 0 };
		if (!strcmp(cases[i].what, "mark"))
			snprintf(link->alias, sizeof(link->alias), "netd:x/y/0");
		if (!strcmp(cases[i].what, "master"))
			link->master = fake_link_add("bond0")->index;
		fake_start(&f, LAN(""));
		pass(20);
		ck_assert(!network()->up);
		ck_assert_str_eq(network()->why_not.text, cases[i].why);
		check_at(uplink()->index);
		fake_stop(&f);
		*uplink() = was;
	}
}
END_TEST

START_TEST(found_bridge)
{
	struct rtnl_link *br0;
	struct refusal r;

	fake_start(&f, "mac { secret = test }\nnetwork lan { mode = bridge bridge = br0 }\n");
	ck_assert_str_eq(network()->why_not.text, "there is no bridge br0");
	br0 = fake_link_add("br0");
	fake_link_told(br0);
	pass(2);
	ck_assert_str_eq(network()->why_not.text, "interface br0 is no bridge");
	snprintf(br0->kind, sizeof(br0->kind), "bridge");
	br0->mtu = 9000;
	fake_link_told(br0);
	pass(2);
	ck_assert_str_eq(network()->why_not.text, "bridge br0 is down");
	br0->up = true;
	fake_link_told(br0);
	pass(2);
	ck_assert(network()->up);
	ck_assert_uint_eq(network()->mtu, 9000);
	br0->mtu = 1400;
	fake_link_told(br0);
	pass(2);
	ck_assert_uint_eq(network()->mtu, 1400);
	ck_assert_uint_eq(br0->mtu, 1400);
	fake_link_gone(br0->index);
	pass(2);
	ck_assert(!network()->up);
	br0 = fake_link_add("br0");
	snprintf(br0->kind, sizeof(br0->kind), "bridge");
	br0->up = true;
	fake_link_told(br0);
	pass(2);
	ck_assert(network()->up);
	ck_assert_int_eq(fake_reload(&f, NOTHING, &r), 0);
	ck_assert_ptr_nonnull(fake_link_find("br0"));
	ck_assert_str_eq(fake_link_find("br0")->alias, "");
}
END_TEST

static void ended(int rc, struct network_change *c, const struct refusal *r)
{
	ck_assert_msg(rc == 0, "%s %s %s", r->subject, r->holder, r->detail.text);
	fake_turn(&f);
	network_change_end(c, NETWORK_CHANGE_KNOWN);
	fake_turn(&f);
}

/* The answer does not wait for the gateway's. */
START_TEST(made_at_run_time)
{
	const struct network_request q = { .name = "lan",
					   .mode = "bridge",
					   .configuration = "uplink = eth0" };
	struct network_change *c = NULL;
	struct ticket ticket;
	struct refusal r;
	int rc;

	fake_start(&f, NOTHING);
	rc = network_create(f.d, &q, &c, &ticket, &r);
	ended(rc, c, &r);
	ck_assert(!network()->up);
	pass(20);
	check_moved();
	fake_stop(&f);
	fake_start(&f, NOTHING);
	check_moved();
	fake_attach(&f, "web1", 0);
	rc = network_delete(f.d, "lan", true, &c, &ticket, &r);
	ended(rc, c, &r);
	check_back();
	/* What cannot be is refused, and nothing is left. */
	uplink()->master = 99;
	fake_link_told(uplink());
	fake_tick(&f, NS_PER_S);
	ck_assert_int_eq(network_create(f.d, &q, &c, &ticket, &r), -1);
	ck_assert_int_eq(r.kind, REFUSED_NETWORK_DOWN);
	ck_assert_ptr_null(network());
	ck_assert_ptr_null(fake_link_find("nd-lan"));
}
END_TEST

/* A client that hangs up while the uplink moves, and later. */
START_TEST(taken_back_while_it_moves)
{
	const struct network_request q = { .name = "lan",
					   .mode = "bridge",
					   .configuration = "uplink = eth0" };
	struct network_change *c = NULL;
	struct ticket ticket;
	struct refusal r;

	fake_start(&f, NOTHING);
	ck_assert_int_eq(network_create(f.d, &q, &c, &ticket, &r), 0);
	pass((unsigned)_i);
	network_change_end(c, NETWORK_CHANGE_UNKNOWN);
	pass(20);
	ck_assert_ptr_null(network());
	check_back();
}
END_TEST

UNIT_SUITE(netd_lan)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, moved_and_back);
	tcase_add_test(tc, removed_while_netd_was_down);
	tcase_add_test(tc, silent_gateway);
	tcase_add_test(tc, gateway_not_asked);
	tcase_add_test(tc, each_step_fails);
	tcase_add_test(tc, each_step_is_the_last);
	tcase_add_test(tc, mended);
	tcase_add_test(tc, uplink_comes_and_goes);
	tcase_add_test(tc, unfit);
	tcase_add_test(tc, found_bridge);
	tcase_add_test(tc, made_at_run_time);
	tcase_add_loop_test(tc, taken_back_while_it_moves, 0, 8);
}

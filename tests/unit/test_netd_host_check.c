/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's settings: what follows from them, and when it is told. */
#include <linux/rtnetlink.h>

#include "fake_host.h"
#include "unit.h"

static struct host_settings settings;
static struct finding found[HOST_FINDINGS_MAX];

static unsigned judge(void)
{
	return host_judge(&settings, found, HOST_FINDINGS_MAX);
}

static void setup(void)
{
	settings = (struct host_settings){ .bridges = true,
					   .uplinks = 2,
					   .uplink = { { .name = "eth0" }, { .name = "wg0" } } };
}

START_TEST(nothing)
{
	ck_assert_uint_eq(judge(), 0);
}
END_TEST

START_TEST(bridge_nf)
{
	settings.nf_call_ip = settings.nf_call_arp = 1;
	ck_assert_uint_eq(judge(), 1);
	ck_assert_int_eq(found[0].severity, FINDING_NOTE);
	ck_assert_str_eq(found[0].what,
			 "frames between guests of one bridge pass the host's own firewall");
	ck_assert_str_eq(found[0].command, "sysctl net.bridge.bridge-nf-call-iptables=0 "
					   "net.bridge.bridge-nf-call-arptables=0");
	settings.bridges = false;
	ck_assert_uint_eq(judge(), 0);
}
END_TEST

START_TEST(rp_filter)
{
	static const struct {
		int all, one;
		bool strict;
	} cases[] = { { 0, 0, false }, { 0, 1, true },	{ 1, 0, true },
		      { 1, 1, true },  { 1, 2, false }, { 2, 1, false } };

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		settings.rp_filter = cases[i].all;
		settings.uplink[0].rp_filter = cases[i].one;
		settings.uplink[1].rp_filter = 2;
		settings.uplinks = 2;
		ck_assert_uint_eq(judge(), cases[i].strict);
		settings.uplinks = 1;
		ck_assert_uint_eq(judge(), 0);
	}
	settings.uplinks = 2;
	settings.rp_filter = 1;
	settings.uplink[0].rp_filter = 0;
	ck_assert_uint_eq(judge(), 1);
	ck_assert_str_eq(found[0].command, "sysctl net.ipv4.conf.eth0.rp_filter=2");
}
END_TEST

START_TEST(accept_ra)
{
	struct host_uplink *u = &settings.uplink[1];

	u->ipv6_forwarding = u->accept_ra = 1;
	ck_assert_uint_eq(judge(), 0);
	u->ipv6_autoconf = true;
	ck_assert_uint_eq(judge(), 1);
	ck_assert_str_eq(found[0].what,
			 "the host has no IPv6 default route by wg0 any more, or is to lose it");
	ck_assert_str_eq(found[0].command, "sysctl net.ipv6.conf.wg0.accept_ra=2");
	for (u->accept_ra = 0; u->accept_ra < 3; u->accept_ra += 2)
		ck_assert_uint_eq(judge(), 0);
	u->accept_ra = 1;
	u->ipv6_forwarding = 0;
	ck_assert_uint_eq(judge(), 0);
}
END_TEST

START_TEST(does_not_forward)
{
	settings.uplink[0].still = true;
	settings.stills = 1;
	strcpy(settings.still[0].network, "default");
	strcpy(settings.still[0].bridge, "nd-default");
	ck_assert_uint_eq(judge(), 2);
	ck_assert_int_eq(found[0].severity, FINDING_BREAKS);
	ck_assert_str_eq(found[0].network, "default");
	ck_assert_str_eq(found[0].command, "sysctl net.ipv4.conf.nd-default.forwarding=1");
	ck_assert_str_eq(found[1].command, "sysctl net.ipv4.conf.eth0.forwarding=1");
}
END_TEST

START_TEST(overlap)
{
	static const struct {
		struct ip4_prefix dst;
		uint32_t gateway;
		const char *link, *what;
		enum finding_severity severity;
	} cases[] = {
		{ { 0x0a4d0080, 25 },
		  0xc0000201,
		  "eth0",
		  "route 10.77.0.128/25 via 192.0.2.1 dev eth0",
		  FINDING_BREAKS },
		{ { 0x0a4d0000, 24 }, 0, "wg0", "route 10.77.0.0/24 dev wg0", FINDING_MAY },
		{ { 0x0a000000, 8 }, 0, "", "route 10.0.0.0/8", FINDING_MAY },
	};

	settings.overlaps = 1;
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		char what[224], command[256];

		settings.overlap[0] = (struct host_overlap){ .network = "default",
							     .subnet = { 0x0a4d0001, 24 },
							     .dst = cases[i].dst,
							     .gateway = cases[i].gateway };
		strcpy(settings.overlap[0].link, cases[i].link);
		ck_assert_uint_eq(judge(), 1);
		snprintf(what, sizeof(what), "%s overlaps subnet 10.77.0.0/24 of network default",
			 cases[i].what);
		snprintf(command, sizeof(command), "ip route del %s", cases[i].what + 6);
		ck_assert_str_eq(found[0].what, what);
		ck_assert_str_eq(found[0].command, command);
		ck_assert_int_eq(found[0].severity, cases[i].severity);
	}
}
END_TEST

START_TEST(no_room)
{
	settings.overlaps = HOST_OVERLAPS_MAX;
	settings.uplink[0].still = true;
	ck_assert_uint_eq(host_judge(&settings, found, 0), 0);
	ck_assert_uint_eq(host_judge(&settings, found, 3), 3);
	ck_assert_uint_eq(judge(), 1 + HOST_OVERLAPS_MAX);
}
END_TEST

/* --- the daemon --- */

static struct fake_daemon f;

static const struct event *last_told(unsigned *ret_n)
{
	const struct event *last = NULL;

	*ret_n = 0;
	for (uint64_t at = events_oldest(&f.d->events); at < f.d->events.next; at++) {
		if (event_get(&f.d->events, at)->kind != EVENT_HOST_SETTING)
			continue;
		last = event_get(&f.d->events, at);
		++*ret_n;
	}
	return last;
}

START_TEST(told_when_it_appears)
{
	struct rtnl_route *route;
	struct rtnl_event e;
	unsigned n;

	f = (struct fake_daemon){ 0 };
	fake_start(&f, "network default { subnet = 10.77.0.1/24 dns = 192.0.2.53 }");
	last_told(&n);
	ck_assert_uint_eq(n, 0);
	fake_sysctl("bridge/bridge-nf-call-iptables", 1);
	fake_pass(&f, 10);
	ck_assert_str_eq(last_told(&n)->detail,
			 "frames between guests of one bridge pass the host's own firewall; "
			 "sysctl net.bridge.bridge-nf-call-iptables=0 mends it");
	fake_pass(&f, 10);
	fake_host->routes = 1;
	route = &fake_host->route[0];
	*route = (struct rtnl_route){ .dst = { 0x0a4d0080, 25 },
				      .index = fake_link_find("eth0")->index,
				      .table = RT_TABLE_MAIN,
				      .type = RTN_UNICAST };
	e = (struct rtnl_event){ .kind = RTNL_ROUTE, .route = *route };
	fake_told(&e);
	fake_tick(&f, NS_PER_S / 50);
	ck_assert_str_eq(last_told(&n)->network, "default");
	ck_assert_uint_eq(n, 2);
	ck_assert_uint_eq(f.d->look.n, 2);
	fake_pass(&f, 10);
	fake_host->routes = 0;
	e.kind = RTNL_ROUTE_GONE;
	fake_told(&e);
	fake_tick(&f, NS_PER_S / 50);
	ck_assert_uint_eq(f.d->look.n, 1);
	/* The network's own, a default route, and a VPN's halves of one, are none. */
	route->dst = (struct ip4_prefix){ 0, 1 };
	fake_host->routes = 2;
	fake_host->route[1] = *route;
	fake_host->route[1].dst = (struct ip4_prefix){ 0x0a4d0000, 24 };
	fake_host->route[1].index = f.d->network[0].bridge_index;
	f.d->look.routes_changed = true;
	fake_pass(&f, 10);
	ck_assert_uint_eq(f.d->look.n, 1);
	last_told(&n);
	ck_assert_uint_eq(n, 2);
	fake_stop(&f);
	fake_remove(&f);
}
END_TEST

UNIT_SUITE(netd_host_check)
{
	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, nothing);
	tcase_add_test(tc, bridge_nf);
	tcase_add_test(tc, rp_filter);
	tcase_add_test(tc, accept_ra);
	tcase_add_test(tc, does_not_forward);
	tcase_add_test(tc, overlap);
	tcase_add_test(tc, no_room);
	tcase_add_test(tc, told_when_it_appears);
}

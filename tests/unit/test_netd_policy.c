/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who reaches whom: what of the configuration becomes the plan of the rules, and when it is
 * replaced; and ports that are isolated. */
#include <netinet/in.h>

#include "fake_host.h"
#include "unit.h"

#define SECRET "mac { secret = test }\n"
#define DNS "dns = 192.0.2.53 "
#define ONE(more) "network one { subnet = 10.77.1.1/24 " DNS more " }\n"
#define TWO(more) "network two { subnet = 10.77.2.1/24 " DNS more " }\n"

static struct fake_daemon f;
static char seen[4096]; /* the last plan that replaced the rules */
static unsigned plans;
static char ports[1024]; /* each port whose elements came or went since it was emptied */

__attribute__((format(printf, 3, 4))) static void say(char *to, size_t size, const char *fmt, ...)
{
	size_t n = strlen(to);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(to + n, size - n, fmt, ap);
	va_end(ap);
}

#define SEE(...) say(seen, sizeof(seen), __VA_ARGS__)

static void see_rules(const struct nft_rule *r, size_t n)
{
	char text[IP4_PREFIX_TEXT_SIZE];

	for (size_t i = 0; i < n; i++) {
		SEE(" [%c%c %u", r[i].allow ? '+' : '-', r[i].out ? '>' : '<',
		    r[i].service.protocol);
		for (unsigned p = 0; p < r[i].service.ports; p++)
			SEE(":%u-%u", r[i].service.port[p].first, r[i].service.port[p].last);
		if (r[i].peer == NFT_PEER_PREFIX)
			SEE(" %s", ip4_prefix_text(r[i].prefix, text));
		if (r[i].peer == NFT_PEER_GROUP)
			SEE(" g%u", r[i].group);
		SEE("]");
	}
}

static void see_plan(const struct nft_plan *plan)
{
	plans++;
	seen[0] = 0;
	for (size_t i = 0; i < plan->networks; i++) {
		const struct nft_network *n = &plan->network[i];

		SEE("%s%s %u", n->bridge, n->isolate ? " isolated" : "", n->max_connections);
		for (size_t j = 0; j < n->reaches; j++)
			SEE(" reach %s", plan->network[n->reach[j]].bridge);
		for (size_t j = 0; j < n->services; j++)
			SEE(" host %u:%u", n->service[j].protocol, n->service[j].port[0].first);
		see_rules(n->rule, n->rules);
		SEE("\n");
	}
	for (size_t i = 0; i < plan->groups; i++) {
		SEE("g%zu %s/%s", i + 1, plan->group[i].network, plan->group[i].name);
		see_rules(plan->group[i].rule, plan->group[i].rules);
		SEE("\n");
	}
	for (size_t i = 0; i < plan->policies; i++) {
		const struct nft_policy *p = &plan->policy[i];

		SEE("p%u %s/%s", p->number, plan->network[p->network].bridge, p->name);
		for (size_t j = 0; j < p->groups; j++)
			SEE(" g%u", p->group[j]);
		see_rules(p->rule, p->rules);
		SEE("\n");
	}
}

static void see_port(const struct nft_port *port, bool added)
{
	char text[IP4_TEXT_SIZE];

	say(ports, sizeof(ports), "%c%s%s p%u", added ? '+' : '-',
	    ip4_text(port->source[0].addr, text), port->dhcp ? " dhcp" : "", port->policy);
	for (size_t i = 0; i < port->groups; i++)
		say(ports, sizeof(ports), " g%u", port->group[i]);
	say(ports, sizeof(ports), "\n");
}

static void reload(const char *config)
{
	struct refusal r;

	ck_assert_msg(fake_reload(&f, config, &r) == 0, "%s", r.detail.text);
}

/* The first start's rules are made before a test can look. */
static void begin(const char *config)
{
	f = (struct fake_daemon){ 0 };
	fake_start(&f, config);
	fake_host->see_plan = see_plan;
	fake_host->see_port = see_port;
	reload(config);
	plans = 0;
	ports[0] = 0;
}

static void teardown(void)
{
	if (f.d)
		fake_stop(&f);
	fake_remove(&f);
}

static struct port *attached(const char *network, const char *guest)
{
	struct attach_request q = {
		.network = network, .guest = guest, .queues = 1, .vhost = VHOST_OFF
	};
	struct attachment *a;
	struct ticket ticket;
	struct refusal r;

	ck_assert_msg(port_attach(f.d, &q, &a, &ticket, &r) == 0, "%s", r.detail.text);
	fake_turn(&f);
	port_delivered(a);
	return port_by_guest(f.d, guest, 0);
}

/* --- plans --- */

START_TEST(nothing_said)
{
	begin(SECRET ONE(""));
	ck_assert_str_eq(seen, "nd-one 16384\n");
}
END_TEST

START_TEST(everything_said)
{
	begin(SECRET "group web { rule { allow in tcp:80,8000-8010 from group web } }\n" ONE(
		"isolate = yes reach = { two } max-connections = 7\n"
		"host-access = { tcp:22, any } rule { deny out udp:53 to network two }\n"
		"group db { rule { allow in any from group web } }\n"
		"host a { groups = { db, web } rule { allow out 47 to 192.0.2.1 } }\n"
		"host b { groups = { web } } host c { groups = { web } }")
		      TWO("group db { rule { deny in icmp } } host a { groups = { db } }"));
	ck_assert_str_eq(seen, "nd-one isolated 7 reach nd-two host 6:22 host 0:0"
			       " [-> 17:53-53 10.77.2.1/24]\n"
			       "nd-two 16384\n"
			       "g1 /web [+< 6:80-80:8000-8010 g1]\n"
			       "g2 nd-one/db [+< 0 g1]\n"
			       "g3 nd-two/db [-< 1]\n"
			       "p1 nd-one/a g2 g1 [+> 47 192.0.2.1/32]\n"
			       "p2 nd-one/b g1\n"
			       "p3 nd-two/a g3\n");
}
END_TEST

/* One whose bridge somebody else has is no peer, and its groups and policies keep their numbers. */
START_TEST(network_that_does_not_stand)
{
	static const char config[] = SECRET TWO("group x { } host a { groups = x }")
		ONE("reach = { two } rule { allow out any to network two } rule { allow in any }\n"
		    "group y { } host b { groups = y }");

	begin(SECRET ONE(""));
	fake_link_told(fake_link_add("nd-two"));
	reload(config);
	ck_assert_str_eq(seen, "nd-one 16384 [+< 0]\n"
			       "g1 nd-two/x\n"
			       "g2 nd-one/y\n"
			       "p2 nd-one/b g2\n");
}
END_TEST

START_TEST(replaced_when_it_is_another)
{
	static const char *const more[] = {
		"isolate = yes",
		"reach = { two }",
		"max-connections = 0",
		"host-access = { udp:1 }",
		"rule { allow in any }",
		"rule { allow in any } rule { deny in any }",
		"rule { deny in any } rule { allow in any }",
		"rule { allow in any from network two }",
		"host a { rule { allow in any } }",
		"host b { rule { allow in any } }",
		"group g { rule { allow in any } } host a { groups = g }",
		"group g { rule { deny in any } } host a { groups = g }",
		"",
	};
	char config[512];
	struct err err;

	begin(SECRET ONE("") TWO(""));
	for (size_t i = 0; i < ARRAY_SIZE(more); i++) {
		unsigned before;

		snprintf(config, sizeof(config), SECRET ONE("%s") TWO(""), more[i]);
		reload(config);
		before = plans;
		/* Whatever else is looked after then, the rules are as they are to be. */
		ck_ok(reconcile(f.d, &err));
		ck_assert_uint_eq(plans, before);
	}
}
END_TEST

/* What the hash tells apart, one after the other. */
START_TEST(hash)
{
	static const struct siphash_key key = { { 7 } };
	struct nft_rule rule = { .allow = true }, other = { .allow = true };
	struct nft_service service = { .protocol = IPPROTO_TCP };
	struct nft_network n[2] = { { .bridge = "nd-a", .subnet = { 0x0a4d0001, 24 } },
				    { .bridge = "nd-b", .subnet = { 0x0a4d0101, 24 } } };
	struct nft_group group = { .name = "g", .rule = &other };
	uint32_t number = 1, reach = 1;
	struct nft_policy policy = {
		.number = 1, .name = "p", .rule = &other, .group = &number, .groups = 1
	};
	struct nft_port port = { .ifindex = 7, .dhcp = true };
	struct nft_plan plan = { .network = n,
				 .networks = 2,
				 .trap_group = 1,
				 .group = &group,
				 .groups = 1,
				 .policy = &policy,
				 .policies = 1,
				 .port = &port };
	uint64_t had[16], same;
	unsigned hashes = 0;

#define DIFFERS(change)                                                                            \
	do {                                                                                       \
		change;                                                                            \
		ck_assert_int_eq(nft_plan_hash(&plan, &key, &had[hashes]), 0);                     \
		for (unsigned i = 0; i < hashes; i++)                                              \
			ck_assert_msg(had[i] != had[hashes], #change);                             \
		hashes++;                                                                          \
	} while (0)

	n[0].rule = &rule;
	n[0].service = &service;
	n[0].reach = &reach;
	DIFFERS(plan.trap_group = 1);
	DIFFERS(plan.guarded = true);
	DIFFERS(n[0].isolate = true);
	DIFFERS(n[0].mac.octet[5] = 1);
	DIFFERS(n[0].max_connections = 5);
	DIFFERS(n[0].reaches = 1);
	DIFFERS(n[0].services = 1);
	DIFFERS(service.ports = 1);
	DIFFERS(n[0].rules = 1);
	DIFFERS(rule.peer = NFT_PEER_PREFIX);
	DIFFERS(rule.prefix.len = 32);
	DIFFERS(rule.prefix.addr = 1);
	DIFFERS(group.rules = 1);
	DIFFERS(policy.rules = 1);
	DIFFERS(policy.network = 1);
	DIFFERS(n[1].mode = BRIDGE_MODE_ROUTE);
	plan.ports = 1; /* elements come and go by themselves */
	for (size_t i = 1; i < 20; i++) {
		/* What was in the memory before says nothing. */
		volatile uint8_t *litter = malloc(80 << 10);

		for (size_t at = 0; at < 80 << 10; at++)
			litter[at] = (uint8_t)i;
		free((void *)litter);
		ck_assert_int_eq(nft_plan_hash(&plan, &key, &same), 0);
		ck_assert(same == had[hashes - 1]);
	}
}
END_TEST

/* --- elements --- */

START_TEST(elements_of_ports)
{
	static const char config[] = SECRET "group web { } group db { }\n" ONE(
		"host a { address = 10.77.1.9 groups = { db, web } }\n"
		"host b { address = 10.77.1.8 rule { deny in any } } host c { address = 10.77.1.7 }");
	struct refusal r;

	begin(config);
	attached("one", "a");
	attached("one", "b");
	attached("one", "c");
	ck_assert_str_eq(ports, "+10.77.1.9 dhcp p1 g2 g1\n"
				"+10.77.1.8 dhcp p2\n"
				"+10.77.1.7 dhcp p0\n");
	ports[0] = 0;
	ck_assert_int_eq(port_detach(f.d, "a", -1, &r), 0);
	ck_assert_str_eq(ports, "-10.77.1.9 dhcp p1 g2 g1\n");
}
END_TEST

/* A guest that declines its address has the elements of the next, and none of the first's. */
START_TEST(elements_of_another_address)
{
	char was[IP4_TEXT_SIZE], is[IP4_TEXT_SIZE], want[128];
	struct port *p;

	begin(SECRET ONE("probe = off host a { rule { deny in any } }"));
	p = attached("one", "a");
	ip4_text(p->address, was);
	ports[0] = 0;
	ck_assert(port_declined(f.d, p));
	ip4_text(p->address, is);
	ck_assert_str_ne(was, is);
	snprintf(want, sizeof(want), "-%s dhcp p1\n+%s dhcp p1\n", was, is);
	ck_assert_str_eq(ports, want);
}
END_TEST

/* A port that comes while the kernel's rules are unknown brings all of them. */
START_TEST(port_before_rules)
{
	begin(SECRET ONE("host a { rule { deny in any } }"));
	free(f.d->rules);
	f.d->rules = NULL;
	attached("one", "a");
	ck_assert_uint_eq(plans, 1);
	ck_assert_str_eq(ports, "");
	ck_assert_uint_eq(fake_host->elements, 1);
}
END_TEST

/* --- isolation --- */

static struct rtnl_link *link_of(const struct port *p)
{
	return fake_link_find(p->ifname);
}

START_TEST(isolated_as_configured)
{
	struct port *p;

	begin(SECRET ONE("isolate = yes"));
	p = attached("one", "a");
	ck_assert(link_of(p)->isolated);
	reload(SECRET ONE(""));
	ck_assert(!link_of(p)->isolated);
	ck_assert(!link_of(attached("one", "b"))->isolated);
	reload(SECRET ONE("isolate = on"));
	ck_assert(link_of(p)->isolated);
	ck_assert(link_of(port_by_guest(f.d, "b", 0))->isolated);
}
END_TEST

static void told_of_port(const struct rtnl_link *link)
{
	struct rtnl_event e = { .kind = RTNL_PORT,
				.link = { .index = link->index, .isolated = link->isolated } };

	fake_host->listener.event(fake_host->listener.arg, &e);
}

/* Somebody changes it: it is put right. What is told of a port that is being made is not that. */
START_TEST(isolated_again)
{
	struct rtnl_link *link, lagging;

	begin(SECRET ONE("isolate = yes"));
	link = link_of(attached("one", "a"));
	lagging = *link;
	lagging.isolated = false;
	fake_link_told(&lagging);
	told_of_port(&lagging);
	ck_assert(!f.d->reconcile.loop);
	told_of_port(link);
	ck_assert(!f.d->reconcile.loop);
	link->isolated = false;
	told_of_port(link);
	ck_assert(f.d->reconcile.loop != NULL);
	fake_tick(&f, NS_PER_S);
	ck_assert(link->isolated);
}
END_TEST

/* --- isolated networks that have to do with others --- */

START_TEST(forwarding)
{
	const struct rtnl_link *link;

	begin(SECRET ONE("mode = isolated") TWO(""));
	link = fake_link_find("nd-one");
	ck_assert(!fake_host->forwarding[link->index % FAKE_LINKS]);
	reload(SECRET ONE("mode = isolated") TWO("reach = one"));
	ck_assert(fake_host->forwarding[link->index % FAKE_LINKS]);
	reload(SECRET ONE("mode = isolated") TWO(""));
	ck_assert(!fake_host->forwarding[link->index % FAKE_LINKS]);
}
END_TEST

UNIT_SUITE(netd_policy)
{
	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, nothing_said);
	tcase_add_test(tc, everything_said);
	tcase_add_test(tc, network_that_does_not_stand);
	tcase_add_test(tc, replaced_when_it_is_another);
	tcase_add_test(tc, elements_of_ports);
	tcase_add_test(tc, elements_of_another_address);
	tcase_add_test(tc, port_before_rules);
	tcase_add_test(tc, isolated_as_configured);
	tcase_add_test(tc, isolated_again);
	tcase_add_test(tc, forwarding);
}

UNIT_SUITE(bridge_plan)
{
	tcase_add_test(tc, hash);
}

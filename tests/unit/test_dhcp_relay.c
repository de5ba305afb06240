/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Relay agents: which subnet the client is in, what it knows us by, and where the answer goes. */
#include "client_kit.h"

#define AGENT KIT_IP(10, 9, 0, 1) /* also the router of its subnet */
#define FAR KIT_IP(10, 9, 0, 100) /* the first of two addresses there */
#define AGENT2 KIT_IP(10, 8, 0, 1)
#define FAR2 KIT_IP(10, 8, 0, 100)
#define HERE KIT_IP(10, 77, 0, 250) /* a relay agent in the network's own subnet */

enum { LAN = 9, FAR_POOL = 2 }; /* a trusted port */

struct lan {
	struct net n;
	struct dhcp_relay_subnet relay[2];
	struct dhcp_option_set *options; /* of the first */
};

static void lan_stop(struct lan *l)
{
	net_stop(&l->n);
	dhcp_option_set_free(l->options);
	for (size_t i = 0; i < ARRAY_SIZE(l->relay); i++)
		dhcp_pool_free(l->relay[i].pool);
}

#define CLEAN_LAN CLEANUP(lan_stop)

static void lan_start(struct lan *l)
{
	static const struct ip4_range far = { FAR, FAR + FAR_POOL - 1 },
				      far2 = { FAR2, FAR2 + FAR_POOL - 1 };
	struct dhcp_port port = { .net = KIT_NET, .port = LAN, .trusted = true };

	net_start(&l->n, DHCP_IDENTITY_CLIENT_ID);
	ck_ok(dhcp_option_set_new(&l->options));
	l->relay[0] = (struct dhcp_relay_subnet){ .prefix = { AGENT, 24 }, .options = l->options };
	l->relay[1] = (struct dhcp_relay_subnet){ .prefix = { AGENT2, 16 } };
	ck_ok(dhcp_pool_new(&far, 1, &l->relay[0].pool));
	ck_ok(dhcp_pool_new(&far2, 1, &l->relay[1].pool));
	l->n.k.config.relay = l->relay;
	l->n.k.config.relays = ARRAY_SIZE(l->relay);
	kit_configure(&l->n.k);
	ck_ok(dhcp_port_add(l->n.k.s, &port));
}

static const struct mac agent_mac = { { 0x52, 0x54, 0, 9, 9, 9 } };
static const struct who zoe = { LAN, 20, "ff20", NULL }, yan = { LAN, 21, "ff21", NULL },
			xia = { LAN, 22, "ff22", NULL };

/* A message of the client by a relay agent; `agent` is option 82 in hexadecimal, or NULL. */
static void relayed(struct lan *l, const struct who *w, uint8_t type, uint32_t giaddr,
		    const char *agent, struct kit_message *c)
{
	uint8_t data[64];

	speak(&l->n, w, type, c);
	c->m.giaddr = c->saddr = giaddr;
	c->m.hops = 1;
	c->src = agent_mac;
	c->daddr = KIT_SERVER;
	if (agent)
		kit_add(c, 82, data, kit_hex(agent, data, sizeof(data)));
}

static uint32_t ask(struct lan *l, const struct who *w, uint32_t giaddr, const char *agent)
{
	struct kit_message c;

	relayed(l, w, DHCP_DISCOVER, giaddr, agent, &c);
	kit_send(&l->n.k, &c);
	return yiaddr(&l->n);
}

static uint32_t take(struct lan *l, const struct who *w, uint32_t giaddr, uint32_t server,
		     uint32_t addr, const char *agent)
{
	struct kit_message c;

	relayed(l, w, DHCP_REQUEST, giaddr, agent, &c);
	kit_add_u32(&c, 54, server);
	kit_add_u32(&c, 50, addr);
	kit_send(&l->n.k, &c);
	return yiaddr(&l->n);
}

static uint32_t settle(struct lan *l, const struct who *w, uint32_t giaddr)
{
	uint32_t addr = ask(l, w, giaddr, NULL);

	ck_assert_uint_eq(take(l, w, giaddr, KIT_SERVER, addr, NULL), addr);
	ck_assert_int_eq(l->n.k.action.reply, DHCP_ACK);
	return addr;
}

/* To the relay agent, which is behind the port that the frame came in by; RFC 8357 says to which
 * of its UDP ports. */
START_TEST(t_dhcp_057)
{
	struct kit_message c;
	struct lan l CLEAN_LAN;
	struct kit *k = &l.n.k;

	lan_start(&l);
	for (unsigned i = 0; i < 4; i++) {
		bool own_port = i & 1, broadcast = i & 2;
		struct dhcp_frame f;
		uint8_t p[1024];

		relayed(&l, &zoe, DHCP_DISCOVER, AGENT, own_port ? "1300" : "0101aa", &c);
		c.m.flags = broadcast ? DHCP_FLAG_BROADCAST : 0;
		f = (struct dhcp_frame){ .src = c.src,
					 .dst = c.dst,
					 .saddr = AGENT,
					 .daddr = KIT_SERVER,
					 .sport = own_port ? 4711 : DHCP_SERVER_PORT,
					 .dport = DHCP_SERVER_PORT,
					 .payload = p,
					 .len = kit_payload(&c, p, sizeof(p)) };
		kit_input(k, &f);
		ck_assert_int_eq(k->action.reply, DHCP_OFFER);
		ck_assert_uint_eq(k->frame.daddr, AGENT);
		ck_assert_uint_eq(k->frame.dport, own_port ? 4711 : DHCP_SERVER_PORT);
		ck_assert_uint_eq(k->frame.sport, DHCP_SERVER_PORT);
		ck_assert(mac_equal(&k->frame.dst, &agent_mac));
		ck_assert_uint_eq(k->m.giaddr, AGENT);
		ck_assert_uint_eq(k->m.flags, c.m.flags);
		ck_assert_uint_eq(k->m.hops, 0);
		kit_expect_hex(k, 82, own_port ? "1300" : "0101aa");
	}
}
END_TEST

/* The answer to an INFORM as well. */
START_TEST(inform)
{
	struct kit_message c;
	struct lan l CLEAN_LAN;

	lan_start(&l);
	relayed(&l, &zoe, DHCP_INFORM, AGENT, NULL, &c);
	c.m.ciaddr = FAR + 50;
	kit_send(&l.n.k, &c);
	kit_expect(&l.n.k, DHCP_ACK, "INFORM");
	ck_assert_uint_eq(l.n.k.frame.daddr, AGENT);
	ck_assert_uint_eq(kit_u32(&l.n.k, 3), AGENT);
}
END_TEST

/* A refusal is to be broadcast there (RFC 2131 4.3.2). */
START_TEST(refusal)
{
	struct lan l CLEAN_LAN;

	lan_start(&l);
	ck_assert_uint_eq(take(&l, &zoe, AGENT, KIT_SERVER, KIT_ADDR, NULL), 0);
	kit_expect(&l.n.k, DHCP_NAK, "an address of another subnet");
	ck_assert_uint_eq(l.n.k.m.flags, DHCP_FLAG_BROADCAST);
	ck_assert_uint_eq(l.n.k.frame.daddr, AGENT);
	ck_assert_uint_eq(l.n.k.frame.dport, DHCP_SERVER_PORT);
}
END_TEST

static const struct {
	const char *name;
	uint32_t giaddr;
	const char *agent;
	uint32_t select; /* option 118; 0: none */
	uint32_t first;	 /* of the pool that the address is of; 0: no answer */
} selections[] = {
	{ "giaddr", AGENT, NULL, 0, FAR },
	{ "another giaddr of that subnet", AGENT + 7, NULL, 0, FAR },
	{ "the second subnet", AGENT2 + 0x100, NULL, 0, FAR2 },
	{ "our own subnet", HERE, NULL, 0, FIRST },
	{ "a subnet of nobody", KIT_IP(192, 168, 1, 1), NULL, 0, 0 },
	{ "link selection", AGENT, "0504 0a080000", 0, FAR2 },
	{ "link selection of our own subnet", AGENT, "0504 0a4d0000", 0, FIRST },
	{ "link selection of nobody's", AGENT, "0504 c0a80100", 0, 0 },
	{ "link selection of a wrong size", AGENT, "0503 0a0800", 0, FAR },
	{ "subnet selection", AGENT, NULL, KIT_IP(10, 8, 0, 0), FAR2 },
	{ "subnet selection without a relay agent", 0, NULL, KIT_IP(10, 8, 0, 0), FAR2 },
	{ "subnet selection of nobody's", AGENT, NULL, KIT_IP(10, 3, 0, 0), 0 },
	{ "both", AGENT, "0504 0a4d0000", KIT_IP(10, 8, 0, 0), FIRST },
};

static void expect_selection(struct lan *l, size_t i, bool enabled)
{
	uint32_t first = selections[i].first, addr, selected = 0;
	struct kit_message c;

	if (selections[i].select && !enabled)
		first = selections[i].agent ? FIRST : selections[i].giaddr ? FAR : FIRST;
	relayed(l, &zoe, DHCP_DISCOVER, selections[i].giaddr, selections[i].agent, &c);
	if (selections[i].select)
		kit_add_u32(&c, 118, selections[i].select);
	kit_send(&l->n.k, &c);
	addr = yiaddr(&l->n);
	if (!first) {
		kit_expect_drop(&l->n.k, DHCP_DROP_NO_SUBNET, selections[i].name);
		return;
	}
	ck_assert_msg(addr >= first && addr < first + POOL, "%s: %x", selections[i].name, addr);
	if (selections[i].giaddr)
		ck_assert_uint_eq(l->n.k.frame.daddr, selections[i].giaddr);
	if (kit_has(&l->n.k, 118))
		selected = kit_u32(&l->n.k, 118);
	ck_assert_uint_eq(selected, enabled && !selections[i].agent ? selections[i].select : 0);
}

/* RFC 3527 3: the answer goes to giaddr whatever chose the subnet. */
START_TEST(t_dhcp_099)
{
	struct lan l CLEAN_LAN;

	lan_start(&l);
	expect_selection(&l, (size_t)_i, false);
}
END_TEST

/* RFC 3011, where it is allowed; and the option is echoed when it was obeyed. */
START_TEST(t_dhcp_100)
{
	struct lan l CLEAN_LAN;

	lan_start(&l);
	l.n.k.config.subnet_selection = true;
	kit_configure(&l.n.k);
	expect_selection(&l, (size_t)_i, true);
}
END_TEST

/* Our own address as the relay agent's would make us answer ourselves. */
START_TEST(t_dhcp_101)
{
	struct lan l CLEAN_LAN;

	lan_start(&l);
	ck_assert_uint_eq(ask(&l, &zoe, KIT_SERVER, NULL), 0);
	kit_expect_drop(&l.n.k, DHCP_DROP_RELAY_LOOP, "our address");
}
END_TEST

/* RFC 5107 4. */
START_TEST(t_dhcp_103)
{
	static const char override[] = "0b04 0a090001";
	struct lan l CLEAN_LAN;
	struct kit_message c;
	uint32_t addr;

	lan_start(&l);
	addr = ask(&l, &zoe, AGENT, override);
	ck_assert_uint_eq(kit_u32(&l.n.k, 54), AGENT);
	/* Who does not see the relay agent's option does not know of the other name. */
	ck_assert_uint_eq(take(&l, &zoe, AGENT, AGENT, addr, NULL), 0);
	kit_expect_drop(&l.n.k, DHCP_DROP_OTHER_SERVER, "without option 82");
	addr = ask(&l, &zoe, AGENT, override);
	ck_assert_uint_eq(take(&l, &zoe, AGENT, AGENT, addr, override), addr);
	ck_assert_uint_eq(kit_u32(&l.n.k, 54), AGENT);
	ck_assert_uint_eq(take(&l, &zoe, AGENT, KIT_SERVER, addr, override), addr);
	relayed(&l, &zoe, DHCP_RELEASE, AGENT, override, &c);
	c.m.ciaddr = addr;
	kit_add_u32(&c, 54, AGENT);
	kit_send(&l.n.k, &c);
	ck_assert_int_eq(l.n.k.action.change, DHCP_CHANGE_RELEASED);
}
END_TEST

/* Mask, router and broadcast address are those of the subnet; its options go before the network's,
 * and the MTU of our link is not said. */
START_TEST(options_of_the_subnet)
{
	static const uint8_t ntp[] = { 10, 9, 0, 5 };
	struct lan l CLEAN_LAN;

	lan_start(&l);
	kit_put(&l.n.k, 42, "0a4d0002");
	kit_put(&l.n.k, 15, "6c616e");
	ck_ok(dhcp_option_set_put(l.options, 42, ntp, sizeof(ntp)));
	ask(&l, &zoe, AGENT, NULL);
	kit_expect_hex(&l.n.k, 1, "ffffff00");
	ck_assert_uint_eq(kit_u32(&l.n.k, 3), AGENT);
	kit_expect_hex(&l.n.k, 28, "0a0900ff");
	kit_expect_hex(&l.n.k, 42, "0a090005");
	kit_expect_hex(&l.n.k, 15, "6c616e");
	kit_expect_option(&l.n.k, 26, NULL, 0);
	ask(&l, &zoe, AGENT2, NULL);
	kit_expect_hex(&l.n.k, 1, "ffff0000");
	kit_expect_hex(&l.n.k, 42, "0a4d0002");
	ask(&l, &zoe, HERE, NULL);
	ck_assert_uint_eq(kit_u32(&l.n.k, 3), KIT_SERVER);
	kit_expect_hex(&l.n.k, 26, "05dc");
}
END_TEST

/* It is renewed past the relay agent, through a router (RFC 2131 4.3.2), and found by its address.
 */
START_TEST(renewal)
{
	struct kit_message c;
	struct lan l CLEAN_LAN;
	uint32_t addr;

	lan_start(&l);
	addr = settle(&l, &zoe, AGENT);
	ck_assert_uint_eq(request(&l.n, &zoe, 0, 0, addr), addr);
	ck_assert_int_eq(l.n.k.action.change, DHCP_CHANGE_RENEWED);
	ck_assert_uint_eq(l.n.k.frame.daddr, addr);
	kit_expect_hex(&l.n.k, 1, "ffffff00");
	speak(&l.n, &zoe, DHCP_RELEASE, &c);
	c.m.ciaddr = c.saddr = addr;
	kit_add_u32(&c, 54, KIT_SERVER);
	kit_send(&l.n.k, &c);
	ck_assert_int_eq(l.n.k.action.change, DHCP_CHANGE_RELEASED);
}
END_TEST

/* A client that moves to another subnet is another there, and its address of before is wrong. */
START_TEST(moves)
{
	struct lan l CLEAN_LAN;
	uint32_t first, second;

	lan_start(&l);
	first = settle(&l, &zoe, AGENT);
	ck_assert_uint_eq(take(&l, &zoe, AGENT2, KIT_SERVER, first, NULL), 0);
	kit_expect(&l.n.k, DHCP_NAK, "in the other subnet");
	second = settle(&l, &zoe, AGENT2);
	ck_assert_uint_ge(second, FAR2);
	ck_assert_uint_eq(ask(&l, &zoe, AGENT, NULL), first);
	ck_assert_uint_eq(settle(&l, &zoe, HERE) & 0xffffff00u, FIRST & 0xffffff00u);
}
END_TEST

/* One subnet's pool is no other's, and what is reclaimed is reclaimed in the subnet that needs it.
 */
START_TEST(full)
{
	struct lan l CLEAN_LAN;
	uint32_t old;

	lan_start(&l);
	old = settle(&l, &zoe, AGENT);
	settle(&l, &yan, AGENT);
	ck_assert_uint_eq(ask(&l, &xia, AGENT, NULL), 0);
	kit_expect_drop(&l.n.k, DHCP_DROP_NO_ADDRESS, "the pool of the subnet");
	release(&l.n, &xia, settle(&l, &xia, AGENT2));
	ck_assert_uint_eq(ask(&l, &xia, AGENT, NULL), 0);
	release(&l.n, &zoe, old);
	ck_assert_uint_eq(settle(&l, &xia, AGENT), old);
	ck_assert_uint_eq(dhcp_pool_used(l.relay[0].pool), FAR_POOL);
	ck_assert_uint_eq(dhcp_pool_used(l.relay[1].pool), 1);
	ck_assert_uint_eq(dhcp_reclaimable(l.n.k.s, KIT_NET), 0);
	ck_assert(!dhcp_reclaim(l.n.k.s, KIT_NET));
}
END_TEST

/* Stored leases of relayed clients are theirs again, also in a pool that is another now; without
 * the subnet they are forgotten. */
START_TEST(restored)
{
	static const uint8_t id[] = { 0xff, 0x20 };
	struct lan l CLEAN_LAN;
	struct dhcp_record r = { .net = KIT_NET,
				 .addr = FAR + 1,
				 .port = DHCP_PORT_NONE,
				 .state = DHCP_LEASE_BOUND,
				 .seconds = 3600,
				 .mac = { { 0x52, 0x54, 0, 0, 0, 20 } },
				 .client_id = id,
				 .client_id_len = sizeof(id) };
	static const struct ip4_range wider = { FAR, FAR + 20 };
	struct dhcp_pool *old;

	lan_start(&l);
	old = l.relay[0].pool;
	r.started = l.n.k.now;
	r.expires = l.n.k.now + 3600 * KIT_SECOND;
	ck_ok(dhcp_lease_restore(l.n.k.s, &r));
	ck_assert_uint_eq(ask(&l, &zoe, AGENT, NULL), FAR + 1);
	ck_ok(dhcp_pool_new(&wider, 1, &l.relay[0].pool));
	kit_configure(&l.n.k);
	dhcp_pool_free(old);
	ck_assert(dhcp_pool_taken(l.relay[0].pool, FAR + 1));
	ck_assert_uint_eq(ask(&l, &zoe, AGENT, NULL), FAR + 1);
	l.n.k.config.relays = 0;
	kit_configure(&l.n.k);
	ck_assert_ptr_null(dhcp_lease_by_addr(l.n.k.s, KIT_NET, FAR + 1));
	ck_assert_uint_eq(ask(&l, &zoe, AGENT, NULL), 0);
}
END_TEST

/* There is no limit to the clients behind a trusted port, but the pool. */
START_TEST(many_clients)
{
	struct lan l CLEAN_LAN;

	lan_start(&l);
	l.n.k.config.clients_max = 1;
	kit_configure(&l.n.k);
	settle(&l, &zoe, HERE);
	settle(&l, &yan, HERE);
	settle(&l, &xia, AGENT);
}
END_TEST

/* The same card and identifier behind another port, which a guest can send: only from one trusted
 * port to another is it the same machine. */
START_TEST(namesake)
{
	static const struct who names[] = { { SHARED, 20, "ff20", NULL },
					    { LAN, 20, "ff20", NULL } },
				same[] = { { SHARED2, 20, "ff20", NULL },
					   { LAN + 1, 20, "ff20", NULL } };
	struct dhcp_port second = { .net = KIT_NET, .port = LAN + 1, .trusted = true };
	const struct who *w = &names[_i & 1], *other = &same[_i & 1];
	bool trusted = _i & 1, by_mac = _i & 2;
	struct kit_message c;
	struct lan l CLEAN_LAN;
	uint32_t addr, theirs;

	lan_start(&l);
	ck_ok(dhcp_port_add(l.n.k.s, &second));
	if (by_mac)
		l.n.k.config.identity = DHCP_IDENTITY_MAC;
	kit_configure(&l.n.k);
	addr = lease(&l.n, w);
	/* Nor does it end the lease from there (RFC 2131 4.3.4). */
	speak(&l.n, other, DHCP_RELEASE, &c);
	c.m.ciaddr = c.saddr = addr;
	kit_add_u32(&c, 54, KIT_SERVER);
	kit_send(&l.n.k, &c);
	kit_expect_drop(&l.n.k, DHCP_DROP_NOT_HELD, "from another port");
	theirs = lease(&l.n, other);
	ck_assert_int_eq(theirs == addr, trusted);
	ck_assert_uint_eq(lease(&l.n, w), addr);
	ck_assert_uint_eq(lease(&l.n, other), theirs);
	check_pool(&l.n);
}
END_TEST

/* --- with ping --- */

#define MS INT64_C(1000000)

CLEANUP_DEFINE(probes, struct dhcp_probes, dhcp_probes_free)
#define CLEAN_PROBES CLEANUP(cleanup_probes)

static struct dhcp_probes *ping_start(struct lan *l)
{
	static const struct siphash_key key = { "pings" };
	struct dhcp_probes *p;

	lan_start(l);
	ck_ok(dhcp_probes_new(KIT_NET + 1, 16, &key, &p));
	l->n.k.in = (struct dhcp_input){ .pings = p };
	return p;
}

/* What netd/ does for a packet that is to wait for this address. */
static void begin(struct lan *l, struct dhcp_probes *p, uint32_t addr)
{
	const struct dhcp_action *a = &l->n.k.action;

	ck_assert_uint_eq(a->wait, addr);
	ck_assert_int_eq(a->change, DHCP_CHANGE_NONE);
	ck_ok(dhcp_probe_start(p, KIT_NET, addr, &a->wait_client, l->n.k.now));
}

static void pass_160ms(struct lan *l, struct dhcp_probes *p)
{
	struct dhcp_probe_step step;

	for (unsigned i = 0; i < 3; i++) {
		ck_assert(dhcp_probe_step(p, l->n.k.now, &step));
		ck_assert_int_eq(step.todo, i < 2 ? DHCP_PROBE_SEND : DHCP_PROBE_ENDED);
		l->n.k.now += i < 2 ? 80 * MS : 0;
	}
}

/* An address there is asked for before it is offered; one that answers is not. */
START_TEST(pinged)
{
	struct dhcp_probes *p CLEAN_PROBES = NULL;
	struct lan l CLEAN_LAN;
	uint32_t first, second;

	p = ping_start(&l);
	ck_assert_uint_eq(ask(&l, &zoe, AGENT, NULL), 0);
	first = l.n.k.action.wait;
	begin(&l, p, first);
	ck_assert(dhcp_probe_answered(p, KIT_NET, first, l.n.k.now));
	l.n.k.in.waited = first;
	ck_assert_uint_eq(ask(&l, &zoe, AGENT, NULL), 0);
	second = first == FAR ? FAR + 1 : FAR;
	begin(&l, p, second);
	pass_160ms(&l, p);
	l.n.k.in.waited = second;
	ck_assert_uint_eq(ask(&l, &zoe, AGENT, NULL), second);
	dhcp_probe_forget(p, KIT_NET, second);
	/* What was offered is not asked for again. */
	ck_assert_uint_eq(take(&l, &zoe, AGENT, KIT_SERVER, second, NULL), second);
	ck_assert_uint_eq(request(&l.n, &zoe, 0, 0, second), second);
	/* Nor is what is given in the network's own subnet, which ARP reaches. */
	ck_assert_uint_eq(ask(&l, &yan, HERE, NULL) & 0xffffff00, FIRST & 0xffffff00);
	ck_assert_uint_eq(l.n.k.action.wait, 0);
	/* There is none left. */
	l.n.k.in.waited = 0;
	ck_assert_uint_eq(ask(&l, &xia, AGENT, NULL), 0);
	ck_assert_uint_eq(l.n.k.action.wait, 0);
	ck_assert_int_eq(l.n.k.action.turned_away, DHCP_DROP_NO_ADDRESS);
}
END_TEST

/* Its former address is asked for when it comes back by a DISCOVER, but not when it says that it
 * has it: then it would answer itself. One that is known to be another's is not confirmed. */
START_TEST(pinged_former_address)
{
	struct dhcp_probes *p CLEAN_PROBES = NULL;
	struct kit_message c;
	struct lan l CLEAN_LAN;
	uint32_t addr;

	p = ping_start(&l);
	l.n.k.in.pings = NULL;
	addr = settle(&l, &zoe, AGENT);
	speak(&l.n, &zoe, DHCP_RELEASE, &c);
	c.m.ciaddr = c.saddr = addr;
	kit_add_u32(&c, 54, KIT_SERVER);
	kit_send(&l.n.k, &c);
	ck_assert_int_eq(l.n.k.action.change, DHCP_CHANGE_RELEASED);
	l.n.k.in.pings = p;
	ck_assert_uint_eq(ask(&l, &zoe, AGENT, NULL), 0);
	begin(&l, p, addr);
	if (_i)
		ck_assert(dhcp_probe_answered(p, KIT_NET, addr, l.n.k.now));
	relayed(&l, &zoe, DHCP_REQUEST, AGENT, NULL, &c);
	kit_add_u32(&c, 50, addr);
	kit_send(&l.n.k, &c);
	ck_assert_uint_eq(l.n.k.action.wait, 0);
	kit_expect(&l.n.k, _i ? DHCP_NAK : DHCP_ACK, "INIT-REBOOT");
	ck_assert_uint_eq(yiaddr(&l.n), _i ? 0 : addr);
}
END_TEST

UNIT_SUITE(dhcp_relay)
{
	tcase_add_test(tc, t_dhcp_057);
	tcase_add_loop_test(tc, t_dhcp_099, 0, ARRAY_SIZE(selections));
	tcase_add_loop_test(tc, t_dhcp_100, 0, ARRAY_SIZE(selections));
	tcase_add_test(tc, t_dhcp_101);
	tcase_add_test(tc, t_dhcp_103);
	tcase_add_test(tc, inform);
	tcase_add_test(tc, refusal);
	tcase_add_test(tc, options_of_the_subnet);
	tcase_add_test(tc, renewal);
	tcase_add_test(tc, moves);
	tcase_add_test(tc, full);
	tcase_add_test(tc, restored);
	tcase_add_test(tc, many_clients);
	tcase_add_loop_test(tc, namesake, 0, 4);
	tcase_add_test(tc, pinged);
	tcase_add_loop_test(tc, pinged_former_address, 0, 2);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What holds for a port whatever its device is: links that are down, rates, VLANs, and a network
 * that is deleted under all of them. */
#include "config_kit.h"
#include "fake_host.h"
#include "networks_made.h"
#include "plan.h"
#include "unit.h"

enum kind { DESCRIPTORS, NAMED, PAIR, WITHIN, MACVTAP, KINDS };

#define SECRET "mac { secret = test }\n"
#define BRIDGED(more) "network default { subnet = 10.77.0.1/24 dns = 192.0.2.53\n" more " }\n"
#define STATIONS(more) "network lan { mode = macvtap  uplink = eth0\n" more " }\n"
#define BOTH(more) SECRET BRIDGED(more) STATIONS(more)
#define PLAIN BOTH("")

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

static struct port *attach_to(const char *network, const char *guest, enum kind kind)
{
	struct attach_request q = { .network = network,
				    .guest = guest,
				    .queues = 1,
				    .vhost = VHOST_OFF,
				    .user = 1000,
				    .device = kind == PAIR		      ? PORT_VETH :
					      kind == NAMED || kind == WITHIN ? PORT_TAP :
										PORT_DESCRIPTORS,
				    .netns = kind == PAIR || kind == WITHIN ? FAKE_NETNS : -1 };
	struct attachment *a;
	struct ticket ticket;
	struct refusal r;

	ck_assert_msg(port_attach(f.d, &q, &a, &ticket, &r) == 0, "%s %s", r.holder, r.detail.text);
	fake_turn(&f);
	port_delivered(a);
	return port_by_guest(f.d, guest, 0);
}

static struct port *attached(int kind)
{
	return attach_to(kind == MACVTAP ? "lan" : "default", "web1", (enum kind)kind);
}

static struct rtnl_link *device(const struct port *p)
{
	return fake_link_find(p->ifname);
}

static void detached(void)
{
	struct refusal r;

	ck_assert_int_eq(port_detach(f.d, "web1", -1, &r), 0);
	fake_turn(&f);
}

static struct port *restarted(const char *config)
{
	fake_stop(&f);
	fake_start(&f, config);
	return port_by_guest(f.d, "web1", 0);
}

static void reload(const char *config)
{
	struct refusal r;

	ck_assert_msg(!fake_reload(&f, config, &r), "%s", r.detail.text);
}

/* What the kernel tells of a device that is as it is. */
static void told(const struct port *p)
{
	fake_link_told(device(p));
	fake_tick(&f, NS_PER_S / 50);
}

static unsigned healed(void)
{
	unsigned n = 0;

	for (uint64_t at = events_oldest(&f.d->events); at < f.d->events.next; at++)
		n += event_get(&f.d->events, at)->kind == EVENT_HEALED;
	return n;
}

/* --- links that are down --- */

static void plug(bool up)
{
	struct ticket ticket;
	struct plugging *g;
	struct refusal r;

	ck_assert_int_eq(port_plug(f.d, "web1", -1, up, &g, &ticket, &r), 0);
	fake_turn(&f);
	port_plugged(g);
}

START_TEST(a_link_stays_down)
{
	struct port *p;

	fake_start(&f, PLAIN);
	p = attached(_i);
	told(p);
	ck_assert(device(p)->up);
	plug(false);
	told(p);
	ck_assert(!device(p)->up);
	ck_assert_uint_eq(healed(), 0);
	p = restarted(PLAIN);
	ck_assert(p->ifindex && p->unplugged);
	ck_assert(!device(p)->up);
	detached();
	p = attached(_i);
	ck_assert(!device(p)->up);
	told(p);
	/* Somebody sets it up. */
	device(p)->up = true;
	told(p);
	ck_assert(!device(p)->up);
	ck_assert_uint_eq(healed(), 1);
	/* What else has to be put right does not set it up. */
	device(p)->mtu = 1400;
	told(p);
	ck_assert_uint_eq(device(p)->mtu, 1500);
	ck_assert(!device(p)->up);
	plug(true);
	ck_assert(device(p)->up);
	p = restarted(PLAIN);
	ck_assert(device(p)->up);
}
END_TEST

/* --- rates --- */

static uint64_t leaves(uint32_t index)
{
	return fake_host->rate[index % FAKE_LINKS].bits;
}

static uint64_t comes(uint32_t index)
{
	uint32_t ifb = fake_host->redirect[index % FAKE_LINKS];

	return ifb ? leaves(ifb) : 0;
}

/* A macvtap device sends what its guest sends; every other device of the host what it gets. */
static void check_rates(const struct port *p, int kind, uint64_t in, uint64_t out)
{
	uint64_t sent = leaves(p->ifindex), taken = comes(p->ifindex);

	ck_assert_uint_eq(kind == MACVTAP ? taken : sent, in);
	ck_assert_uint_eq(kind == MACVTAP ? sent : taken, out);
}

static unsigned ifbs(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < FAKE_LINKS; i++)
		n += fake_host->link[i].index && !strcmp(fake_host->link[i].kind, "ifb");
	return n;
}

#define RATES BOTH("rate { in = 100mbit out = 50mbit }")

START_TEST(rates_are_the_ports)
{
	struct port *p;

	fake_start(&f, RATES);
	p = attached(_i);
	check_rates(p, _i, 100000000, 50000000);
	ck_assert_uint_eq(ifbs(), 1);
	p = restarted(RATES);
	check_rates(p, _i, 100000000, 50000000);
	ck_assert_uint_eq(ifbs(), 1);
	ck_assert_uint_eq(healed(), 0);
	reload(BOTH("rate { in = 20mbit }"));
	check_rates(p, _i, 20000000, 0);
	reload(BOTH("rate { out = 10mbit }"));
	check_rates(p, _i, 0, 10000000);
	detached();
	ck_assert_uint_eq(ifbs(), 0);
}
END_TEST

/* Each step of an attach that fails takes the ifb with it. A TAP of descriptors goes with them. */
START_TEST(an_attach_that_fails_leaves_no_rate)
{
	fake_start(&f, RATES);
	for (unsigned n = 1;; n++) {
		struct attach_request q = { .network = _i == MACVTAP ? "lan" : "default",
					    .guest = "web1",
					    .queues = 1,
					    .vhost = VHOST_OFF,
					    .device = _i == PAIR ? PORT_VETH :
						      _i == NAMED || _i == WITHIN ?
								   PORT_TAP :
								   PORT_DESCRIPTORS,
					    .netns = _i == PAIR || _i == WITHIN ? FAKE_NETNS : -1 };
		struct attachment *a;
		struct ticket ticket;
		struct refusal r;
		int rc;

		fake_fail(n);
		rc = port_attach(f.d, &q, &a, &ticket, &r);
		fake_fail(0);
		fake_turn(&f);
		if (!rc) {
			ck_assert_uint_eq(ifbs(), 1);
			port_undelivered(a, true);
			break;
		}
		ck_assert_uint_eq(ifbs(), 0);
		ck_assert_uint_lt(n, 40);
	}
	ck_assert_uint_eq(ifbs(), 0);
}
END_TEST

/* --- VLANs --- */

#define VLANS                                                                                      \
	SECRET "network default { mode = isolated subnet = 10.77.0.1/24\n"                         \
	       "host web1 { vlan = 100 trunk = { 200-209 } } }\n" STATIONS("")

static void check_vlans(const struct port *p)
{
	const struct rtnl_vlans *v = &fake_host->vlans[p->ifindex % FAKE_LINKS];

	ck_assert_uint_eq(v->native, 100);
	ck_assert_uint_eq(v->n, 1);
	ck_assert_uint_eq(v->tagged[0].first, 200);
	ck_assert_uint_eq(v->tagged[0].last, 209);
}

START_TEST(vlans_are_the_ports)
{
	struct port *p;

	fake_start(&f, VLANS);
	p = attached(_i);
	check_vlans(p);
	/* It was down when it joined. */
	ck_assert(!fake_host->set_up[p->ifindex % FAKE_LINKS]);
	ck_assert(device(p)->up);
	memset(fake_host->vlans, 0, sizeof(fake_host->vlans));
	p = restarted(VLANS);
	check_vlans(p);
	plug(false);
	detached();
	p = attached(_i);
	check_vlans(p);
	ck_assert(!device(p)->up);
	plug(true);
	ck_assert(device(p)->up);
}
END_TEST

static const struct {
	const char *text;
	int line;
} tagged[] = {
	{ "vlan = 100", 2 },
	{ "trunk = { 100, 200 }", 2 },
	{ "host a { vlan = 7 }", 2 },
	{ "host a {\ntrunk = 7\n}", 3 },
};

START_TEST(a_macvtap_has_no_vlans)
{
	char text[256], says[160];
	struct err err;

	snprintf(text, sizeof(text), "network lan { mode = macvtap uplink = eth0\n%s }\n",
		 tagged[_i].text);
	ck_assert(fake_try_start(&f, text, &err) != 0);
	snprintf(says, sizeof(says),
		 "netd.conf:%d: vlan, trunk: they are for modes bridge and isolated",
		 tagged[_i].line);
	ck_assert_msg(strstr(err.text, says) != NULL, "%s", err.text);
	f.d = NULL;
}
END_TEST

/* --- all of them at once --- */

static unsigned links(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < FAKE_LINKS; i++)
		n += fake_host->link[i].index != 0;
	return n;
}

static void changed(int rc, struct network_change *c, const struct refusal *r)
{
	ck_assert_msg(rc == 0, "%s %s %s", r->subject, r->holder, r->detail.text);
	fake_turn(&f);
	network_change_end(c, NETWORK_CHANGE_KNOWN);
	fake_turn(&f);
}

static void make(const char *name, const char *mode, const char *more)
{
	const struct network_request q = { .name = name, .mode = mode, .configuration = more };
	struct network_change *c = NULL;
	struct ticket ticket;
	struct refusal r;

	int rc = network_create(f.d, &q, &c, &ticket, &r);

	changed(rc, c, &r);
}

static void delete_by_force(const char *name)
{
	struct network_change *c = NULL;
	struct ticket ticket;
	struct refusal r;

	int rc = network_delete(f.d, name, false, &c, &ticket, &r);

	ck_assert_int_eq(rc, -1);
	ck_assert_int_eq(r.kind, REFUSED_IN_USE);
	rc = network_delete(f.d, name, true, &c, &ticket, &r);
	changed(rc, c, &r);
	ck_assert_ptr_null(network_find(f.d, name));
}

START_TEST(a_deleted_network_takes_all_devices_with_it)
{
	char before[160], after[160];
	unsigned there;

	fake_start(&f, SECRET "supernet = 10.0.0.0/22\n" BRIDGED(""));
	there = links();
	fake_dump(before, sizeof(before));
	make("t", NULL, "rate { in = 100mbit out = 50mbit }");
	make("lan", "macvtap", "uplink = eth0 rate { out = 5mbit }");
	attach_to("t", "a", DESCRIPTORS);
	attach_to("t", "b", NAMED);
	attach_to("t", "c", PAIR);
	attach_to("t", "d", WITHIN);
	attach_to("lan", "e", MACVTAP);
	ck_assert_uint_eq(fake_host->joined, 1);
	delete_by_force("t");
	delete_by_force("lan");
	ck_assert_uint_eq(links(), there);
	ck_assert_uint_eq(fake_host->joined, 0);
	ck_assert_uint_eq(f.d->ports.used, 0);
	ck_assert_str_eq(fake_dump(after, sizeof(after)), before);
}
END_TEST

START_TEST(networks_of_a_lan_are_made_at_run_time)
{
	fake_start(&f, SECRET BRIDGED(""));
	make("m", "macvtap", "uplink = eth0");
	ck_assert(network_find(f.d, "m")->up);
	ck_assert_uint_eq(network_find(f.d, "m")->subnet.len, 0);
	attach_to("m", "web1", MACVTAP);
	ck_assert_uint_ne(restarted(SECRET BRIDGED(""))->ifindex, 0);
	ck_assert(network_find(f.d, "m")->up);
}
END_TEST

/* --- what a plan says of it --- */

/* "effect network key" of each change, a line each. */
static const char *planned(const char *config, char *text, size_t size)
{
	struct plan_changes p;
	struct refusal r;
	FILE *out = fopen(f.config, "w");
	size_t len = 0;

	ck_assert_ptr_nonnull(out);
	fputs(config, out);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_msg(!plan_make(f.d, &p, &r), "%s", r.detail.text);
	text[0] = 0;
	for (size_t i = 0; i < p.n && len < size; i++)
		len += (size_t)snprintf(
			text + len, size - len, "%s %s %s\n", plan_effect_text(p.at[i].effect),
			p.at[i].network ? p.at[i].network : "-", p.at[i].key ? p.at[i].key : "-");
	plan_done(&p);
	return text;
}

#define MORE                                                                                              \
	SECRET "tap-grace = 5\noperators = { root }\nallow { user = root }\n"                             \
	       "network default { mode = isolated subnet = 10.77.0.1/24\n"                                \
	       "vlan = 7 rate { in = 5mbit } host web1 { trunk = 9 } allow { user = root } }\n" STATIONS( \
		       "macvtap-mode = private")
#define LESS SECRET "network default { mode = isolated subnet = 10.77.0.1/24 }\n" STATIONS("")

START_TEST(a_plan_says_when)
{
	char text[1024];

	fake_start(&f, LESS);
	attach_to("default", "web1", NAMED);
	ck_assert_str_eq(planned(MORE, text, sizeof(text)),
			 "live - tap-grace\nlive - operators\nlive - allow\n"
			 "live default vlan\nlive default rate\nlive default host web1\n"
			 "live default allow\nlive lan macvtap-mode\n");
	reload(MORE);
	ck_assert_str_eq(planned(MORE, text, sizeof(text)), "");
	check_rates(port_by_guest(f.d, "web1", 0), NAMED, 5000000, 0);
	ck_assert_uint_eq(vlans_of(f.d, port_by_guest(f.d, "web1", 0)).n, 1);
}
END_TEST

/* A device keeps the mode that it was made with. */
START_TEST(a_mode_is_for_the_next_device)
{
	char text[1024];

	fake_start(&f, LESS);
	attach_to("lan", "web1", MACVTAP);
	ck_assert_str_eq(planned(MORE, text, sizeof(text)),
			 "live - tap-grace\nlive - operators\nlive - allow\n"
			 "live default vlan\nlive default rate\nlive default host web1\n"
			 "live default allow\nnext-attach lan macvtap-mode\n");
	reload(MORE);
	ck_assert_int_eq(fake_host->macvtap_mode, RTNL_MACVLAN_BRIDGE);
	detached();
	attach_to("lan", "web1", MACVTAP);
	ck_assert_int_eq(fake_host->macvtap_mode, RTNL_MACVLAN_PRIVATE);
}
END_TEST

UNIT_SUITE(netd_every_device)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, a_link_stays_down, 0, KINDS);
	tcase_add_loop_test(tc, rates_are_the_ports, 0, KINDS);
	tcase_add_loop_test(tc, an_attach_that_fails_leaves_no_rate, NAMED, KINDS);
	tcase_add_loop_test(tc, vlans_are_the_ports, 0, MACVTAP);
	tcase_add_loop_test(tc, a_macvtap_has_no_vlans, 0, ARRAY_SIZE(tagged));
	tcase_add_test(tc, a_deleted_network_takes_all_devices_with_it);
	tcase_add_test(tc, networks_of_a_lan_are_made_at_run_time);
	tcase_add_test(tc, a_plan_says_when);
	tcase_add_test(tc, a_mode_is_for_the_next_device);
}

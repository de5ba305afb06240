/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VLANs of ports: what is read, which hold, and what a bridge in memory is told. */
#include "config_kit.h"
#include "fake_host.h"

#define NETWORK(more)                                                                              \
	"mac { secret = test }\n"                                                                  \
	"network default { mode = isolated subnet = 10.77.0.1/24 " more " }\n"
#define VLANS                                                                                      \
	NETWORK("host a { vlan = 100 } host t { trunk = { 100, 200-209 } }\n"                      \
		"host n { vlan = 7 trunk = 200 } port eth1 { trunk = { 100, 200-209 } }\n")

static struct fake_daemon f;

static void setup(void)
{
	f = (struct fake_daemon){ 0 };
	fake_start(&f, VLANS);
}

static void teardown(void)
{
	if (f.d)
		fake_stop(&f);
	fake_remove(&f);
}

static const struct rtnl_vlans *vlans(const struct port *p)
{
	return &fake_host->vlans[p->ifindex % FAKE_LINKS];
}

static void check(const struct rtnl_vlans *v, uint16_t native, const char *tagged)
{
	char text[128] = "", one[CONFIG_VLAN_TEXT];

	for (unsigned i = 0; i < v->n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? " " : "",
			 config_vlan_text(&v->tagged[i], one));
	ck_assert_uint_eq(v->native, native);
	ck_assert_str_eq(text, tagged);
}

static void reload(const char *config)
{
	struct refusal r;

	ck_assert_msg(!fake_reload(&f, config, &r), "%s", r.detail.text);
}

static bool filters(void)
{
	return fake_link_find("nd-default")->filters;
}

START_TEST(of_an_attach)
{
	struct port *a = fake_attach(&f, "a", 0), *t = fake_attach(&f, "t", 0),
		    *n = fake_attach(&f, "n", 0), *other = fake_attach(&f, "other", 0);

	ck_assert(filters());
	check(vlans(a), 100, "");
	check(vlans(t), 0, "100 200-209");
	check(vlans(n), 7, "200");
	check(vlans(other), 1, "");
	/* Nothing of VLAN 1 gets to a port before it is where it belongs. */
	ck_assert(!fake_host->set_up[a->ifindex]);
	ck_assert(fake_link_find(a->ifname)->up);
}
END_TEST

START_TEST(no_filter_without_vlans)
{
	struct port *p;

	reload(NETWORK(""));
	ck_assert(!filters());
	p = fake_attach(&f, "a", 0);
	check(vlans(p), 0, "");
	reload(NETWORK("vlan = 5"));
	ck_assert(filters());
	check(vlans(p), 5, "");
	reload(NETWORK("vlan = 5 host a { trunk = 6 }"));
	check(vlans(p), 0, "6");
}
END_TEST

START_TEST(of_a_restart)
{
	struct port *p = fake_attach(&f, "t", 0);

	fake_host->vlans[p->ifindex] = (struct rtnl_vlans){ 0 };
	fake_stop(&f);
	fake_start(&f, VLANS);
	p = port_by_guest(f.d, "t", 0);
	check(vlans(p), 0, "100 200-209");
}
END_TEST

START_TEST(of_what_joins)
{
	struct rtnl_link *link = fake_link_add("eth1");

	fake_link_told(link);
	fake_pass(&f, 1);
	fake_pass(&f, 1);
	ck_assert_uint_ne(link->master, 0);
	fake_pass(&f, 11);
	ck_ok(reconcile(f.d, &unit_err));
	check(&fake_host->vlans[link->index], 0, "100 200-209");
}
END_TEST

/* Others switch it off: that is put right. */
START_TEST(it_heals)
{
	struct rtnl_link *bridge = fake_link_find("nd-default");

	fake_link_told(bridge);
	bridge->filters = false;
	fake_link_told(bridge);
	fake_tick(&f, NS_PER_S / 50);
	ck_assert(filters());
}
END_TEST

static struct nft_port seen;

static void see(const struct nft_port *port, bool added)
{
	if (added)
		seen = *port;
}

START_TEST(trunks_in_the_rules)
{
	fake_host->see_port = see;
	fake_attach(&f, "a", 0);
	ck_assert(!seen.trunk);
	fake_attach(&f, "t", 0);
	ck_assert(seen.trunk);
	fake_host->see_port = NULL;
}
END_TEST

START_TEST(a_failure_is_undone)
{
	unsigned n = 1;

	for (; n < 64; n++) {
		struct attach_request q = { .guest = "a", .queues = 1, .vhost = VHOST_OFF };
		struct attachment *a;
		struct ticket ticket;
		struct refusal r;
		int rc;

		fake_fail(n);
		rc = port_attach(f.d, &q, &a, &ticket, &r);
		fake_fail(0);
		fake_turn(&f);
		if (!rc) {
			port_undelivered(a, true);
			break;
		}
		ck_assert_ptr_nonnull(strstr(r.detail.text, "was made to fail"));
		ck_assert_uint_eq(f.d->ports.used, 0);
		for (unsigned i = 0; i < FAKE_LINKS; i++)
			if (!strcmp(fake_host->link[i].kind, "tun"))
				fake_host->link[i] = (struct rtnl_link){ 0 };
	}
	ck_assert_uint_ge(n, 7);
	ck_assert_uint_lt(n, 64);
}
END_TEST

UNIT_SUITE(netd_vlans)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, of_an_attach);
	tcase_add_test(tc, no_filter_without_vlans);
	tcase_add_test(tc, of_a_restart);
	tcase_add_test(tc, of_what_joins);
	tcase_add_test(tc, it_heals);
	tcase_add_test(tc, trunks_in_the_rules);
	tcase_add_test(tc, a_failure_is_undone);
}

/* --- the configuration --- */

#define NO_VLAN(text) ":2: vlan: '" text "' is not a VLAN from 1 to 4094"
#define NO_TRUNK(text) ":2: trunk: '" text "' is not a VLAN from 1 to 4094, or a range of them"
#define ISOLATED(text) IN_NETWORK("mode = isolated " text)

static const struct {
	const char *text, *sentence;
} mistakes[] = {
	{ ISOLATED("vlan = 0"), NO_VLAN("0") },
	{ ISOLATED("vlan = 4095"), NO_VLAN("4095") },
	{ ISOLATED("vlan = 65637"), NO_VLAN("65637") },
	{ ISOLATED("vlan = 1-2"), NO_VLAN("1-2") },
	{ ISOLATED("vlan = x"), NO_VLAN("x") },
	{ ISOLATED("trunk = { 7, 0 }"), NO_TRUNK("0") },
	{ ISOLATED("trunk = 9-8"), NO_TRUNK("9-8") },
	{ ISOLATED("trunk = 9-"), NO_TRUNK("9-") },
	{ ISOLATED("trunk = 9-4095"), NO_TRUNK("9-4095") },
	{ ISOLATED("trunk = { 10-19, 15 }"), ":2: trunk: '15' overlaps an earlier value" },
	{ ISOLATED("vlan = 15 trunk = { 10-19 }"), ":2: trunk: VLAN 15 is the one without a tag" },
	{ IN_NETWORK("vlan = 7"), ":2: vlan, trunk: they are for modes bridge and isolated" },
	{ IN_NETWORK("mode = route\nhost a { trunk = 7 }"),
	  ":3: vlan, trunk: they are for modes bridge and isolated" },
	{ ISOLATED("\nhost b { match-mac = 2:0:0:0:0:9\nvlan = 7 }"),
	  ":4: vlan, trunk: they are for guests; 'b' is a client's reservation" },
};

START_TEST(mistake)
{
	config_must_refuse(mistakes[_i].text, mistakes[_i].sentence);
}
END_TEST

START_TEST(printed)
{
	CLEAN_CONFIG struct config *c =
		config_must_read(ISOLATED("vlan = 9 trunk = { 1-8, 4094 } host b { vlan = 7 }"));
	CLEAN_FREE char *text = config_printed(c);

	ck_assert_ptr_nonnull(strstr(text, "\tvlan = 9\n\ttrunk = { 1-8, 4094 }\n"));
	ck_assert_ptr_nonnull(strstr(text, "\t\tvlan = 7\n"));
}
END_TEST

UNIT_SUITE(netd_config_vlan)
{
	scratch_use(tc);
	tcase_add_loop_test(tc, mistake, 0, ARRAY_SIZE(mistakes));
	tcase_add_test(tc, printed);
}

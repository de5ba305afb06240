/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What plan says, and that reload does just that: what is applied to a live network, what has to
 * wait, and what is refused with who is in the way, and then changes nothing. */
#include "config_diff.h"
#include "config_kit.h"
#include "fake_host.h"
#include "plan.h"
#include "unit.h"

#define NETWORK(more)                                                                              \
	"mac { secret = test }\n"                                                                  \
	"network default { subnet = 10.77.0.1/24 dns = 192.0.2.53\n" more " }\n"

static struct fake_daemon f;

static void setup(void)
{
	f = (struct fake_daemon){ 0 };
}

static void teardown(void)
{
	if (f.d)
		fake_stop(&f);
	if (f.directory[0])
		fake_remove(&f);
}

static void write_file(const char *text)
{
	FILE *out = fopen(f.config, "w");

	ck_assert_ptr_nonnull(out);
	fputs(text, out);
	ck_assert_int_eq(fclose(out), 0);
}

static const char *or_dash(const char *text)
{
	return text ? text : "-";
}

/* The changes as lines: effect, network, key, before, after, host, reason. */
static char *lines_of(const struct plan_changes *p)
{
	static char text[4096];
	size_t len = 0;

	text[0] = 0;
	for (size_t i = 0; i < p->n; i++) {
		const struct plan_change *c = &p->at[i];

		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s|%s|%s|%s|%s|%s|%s\n",
					plan_effect_text(c->effect), or_dash(c->network),
					or_dash(c->key), or_dash(c->before), or_dash(c->now),
					or_dash(c->host), or_dash(c->reason));
		ck_assert_uint_lt(len, sizeof(text));
	}
	return text;
}

/* Nothing changes, neither by the plan nor by a reload that is refused. */
static void must_plan(const char *config, const char *lines, bool refused)
{
	char before[200], after[200];
	struct plan_changes p;
	struct refusal r;

	fake_dump(before, sizeof(before));
	write_file(config);
	ck_assert_msg(plan_make(f.d, &p, &r) == 0, "%s", r.detail.text);
	ck_assert_str_eq(lines_of(&p), lines);
	plan_done(&p);
	ck_assert_str_eq(fake_dump(after, sizeof(after)), before);
	ck_assert_int_eq(daemon_reload(f.d, &r), refused ? -1 : 0);
	fake_turn(&f);
	ck_assert_int_eq(plan_make(f.d, &p, &r), 0);
	ck_assert_str_eq(lines_of(&p), refused ? lines : "");
	plan_done(&p);
	if (refused)
		ck_assert_str_eq(fake_dump(after, sizeof(after)), before);
}

START_TEST(nothing)
{
	fake_start(&f, NETWORK("publish { guest = a port = tcp:80 }\n"
			       "publish { guest = a port = tcp:81 }\nrule { allow in tcp:22 }"));
	must_plan(NETWORK("publish { guest = a port = tcp:80:80 }\n # x\n"
			  "publish { guest = a port = tcp:81 }\nrule { allow in tcp:22 }"),
		  "", false);
}
END_TEST

START_TEST(applied_live)
{
	fake_start(&f, NETWORK("publish { guest = a port = tcp:80 }\n"
			       "publish { guest = a port = tcp:81 }\n"
			       "rule { allow in tcp:22 }\nrule { deny in any }\n"
			       "host b { address = 10.77.0.20 }"));
	fake_attach(&f, "web1", 0);
	must_plan(
		NETWORK("range = 10.77.0.50-10.77.0.99 lease-time = 2h domain = x.y\n"
			"publish { guest = a port = tcp:80 }\n"
			"publish { guest = a port = tcp:82 }\n"
			"rule { deny in any }\nrule { allow in tcp:22 }\n"
			"host b { address = 10.77.0.21 hostname = bee }\n"
			"host c { address = 10.77.0.22 }\n"
			"option ntp-servers { value = 192.0.2.9 } port veth7 { serve = yes }"),
		"live|default|range|-|{ 10.77.0.50-10.77.0.99 }|-|-\n"
		"live|default|lease-time|1h|2h|-|-\n"
		"live|default|domain|-|x.y|-|-\n"
		"live|default|rule|{ allow in tcp:22 } { deny in any }|{ deny in any } { allow in tcp:22 "
		"}|-|-\n"
		"live|default|option ntp-servers|-|{ value = { 192.0.2.9 } }|-|-\n"
		"live|default|host b address|10.77.0.20|10.77.0.21|-|-\n"
		"live|default|host b hostname|-|bee|-|-\n"
		"live|default|host c|-|{ address = 10.77.0.22 }|-|-\n"
		"live|default|port veth7|-|{ serve = on trusted = on }|veth7 joins "
		"nd-default|-\n"
		"live|default|publish|{ guest = a nic = 0 port = { tcp:81:81 } }|{ guest = a nic "
		"= 0 port = { tcp:82:82 } }|-|-\n",
		false);
}
END_TEST

START_TEST(networks_come_and_go)
{
	struct ip4_prefix p;
	char lines[300], text[IP4_PREFIX_TEXT_SIZE];

	fake_start(&f, NETWORK("") "network old { subnet = 10.78.0.1/24 }\n");
	must_plan(NETWORK("") "network new { subnet = 10.79.0.1/24 mode = isolated }\n",
		  "live|new|-|-|-|bridge nd-new with 10.79.0.1/24 is made|-\n"
		  "live|old|-|-|-|bridge nd-old with 10.78.0.1/24 is removed|-\n",
		  false);
	ck_assert_ptr_nonnull(fake_link_find("nd-new"));
	ck_assert_ptr_null(fake_link_find("nd-old"));
	/* What it says of a subnet that is chosen is what comes. */
	write_file(NETWORK("") "network chosen { domain = x.y }\n");
	fake_stop(&f);
	fake_start(&f, NETWORK("") "network chosen { domain = x.y }\n");
	p = network_find(f.d, "chosen")->subnet;
	ck_assert_int_eq(fake_reload(&f, NETWORK(""), &(struct refusal){ 0 }), 0);
	snprintf(lines, sizeof(lines), "live|chosen|-|-|-|bridge nd-chosen with %s is made|-\n",
		 ip4_prefix_text(p, text));
	must_plan(NETWORK("") "network chosen { domain = x.y }\n", lines, false);
}
END_TEST

START_TEST(what_has_to_wait)
{
	fake_start(&f, NETWORK("host web1 { address = 10.77.0.9 }"));
	fake_attach(&f, "web1", 0);
	must_plan(
		"max-ports = 100\n" NETWORK(
			"host web1 { address = 10.77.0.10 hostname = w }") "socket { path = /tmp/x }\n",
		"next-start|-|max-ports|4096|100|-|-\n"
		"next-start|-|socket path|-|/tmp/x|-|-\n"
		"next-attach|default|host web1 address|10.77.0.9|10.77.0.10|-|the guest is "
		"attached\n"
		"live|default|host web1 hostname|-|w|-|-\n",
		false);
	ck_assert_uint_eq(port_find(f.d, 0, "web1", 0)->address, 0x0a4d0009);
}
END_TEST

#define WHO "web1/0 is in the way\n"

START_TEST(refused_under_guests)
{
	fake_start(&f, NETWORK(""));
	fake_attach(&f, "web1", 0);
	must_plan("mac { secret = test }\n"
		  "network default { subnet = 10.78.0.1/24 dns = 192.0.2.53 domain = x.y }\n",
		  "refused|default|subnet|10.77.0.1/24|10.78.0.1/24|10.78.0.1/24 on nd-default "
		  "instead of 10.77.0.1/24|" WHO "live|default|domain|-|x.y|-|-\n",
		  true);
	ck_assert_str_eq(f.d->network[0].config->domain, "");
	must_plan("mac { secret = test }\nnetwork b { subnet = 10.79.0.1/24 }\n",
		  "live|b|-|-|-|bridge nd-b with 10.79.0.1/24 is made|-\n"
		  "refused|default|-|-|-|bridge nd-default with 10.77.0.1/24 is removed|" WHO,
		  true);
	/* With its subnet, but on a LAN. */
	must_plan("mac { secret = test }\nnetwork default { mode = bridge uplink = eth0 dhcp = on "
		  "subnet = 10.77.0.1/24 range = 10.77.0.9 dns = 192.0.2.53 }\n",
		  "refused|default|mode|nat|bridge|nd-default is removed and made anew|" WHO
		  "live|default|uplink|-|eth0|nd-default is removed and made anew|-\n"
		  "live|default|uplink-deadline|-|10s|-|-\n"
		  "live|default|range|-|{ 10.77.0.9-10.77.0.9 }|-|-\n",
		  true);
	/* Modes of the same kind go into each other. */
	must_plan(NETWORK("mode = isolated"), "live|default|mode|nat|isolated|-|-\n", false);
	fake_forget_ports(&f);
	must_plan(
		"mac { secret = test }\nnetwork default { subnet = 10.78.0.1/24 }\n",
		"live|default|mode|isolated|nat|-|-\n"
		"live|default|subnet|10.77.0.1/24|10.78.0.1/24|10.78.0.1/24 on nd-default instead "
		"of 10.77.0.1/24|-\n"
		"live|default|dns|{ 192.0.2.53 }|{ auto }|-|-\n",
		false);
}
END_TEST

/* Nothing of the network's own keys changes. */
START_TEST(another_supernet)
{
	static const char small[] = "mac { secret = test }\nsupernet = 10.66.0.0/24\n"
				    "network default { dns = 192.0.2.53 }\n";
	static const char other[] = "mac { secret = test }\nsupernet = 10.67.0.0/24\n"
				    "network default { dns = 192.0.2.53 }\n";
	struct plan_changes p;
	struct refusal r;

	fake_start(&f, small);
	fake_attach(&f, "web1", 0);
	must_plan(other,
		  "live|-|supernet|{ 10.66.0.0/24 }|{ 10.67.0.0/24 }|-|-\n"
		  "refused|default|subnet|-|-|-|" WHO,
		  true);
	fake_forget_ports(&f);
	must_plan(
		other,
		"live|-|supernet|{ 10.66.0.0/24 }|{ 10.67.0.0/24 }|-|-\n"
		"live|default|subnet|10.66.0.1/24|10.67.0.1/24|10.67.0.1/24 on nd-default instead "
		"of 10.66.0.1/24|-\n",
		false);
	/* Two that are new, and one place: only one of them can be. */
	write_file("mac { secret = test }\nsupernet = { 10.67.0.0/24, 10.68.0.0/24 }\n"
		   "network default { dns = 192.0.2.53 }\nnetwork a { dns = 192.0.2.53 }\n"
		   "network b { dns = 192.0.2.53 }\n");
	ck_assert_int_eq(plan_make(f.d, &p, &r), 0);
	ck_assert_str_eq(lines_of(&p),
			 "live|-|supernet|{ 10.67.0.0/24 }|{ 10.67.0.0/24, 10.68.0.0/24 }|-|-\n"
			 "live|a|-|-|-|bridge nd-a with 10.68.0.1/24 is made|-\n"
			 "refused|b|-|-|-|-|network 'b': every /24 of the supernet is in use, the "
			 "last by subnet 10.68.0.1/24 of network 'a'\n");
	plan_done(&p);
	ck_assert_int_eq(daemon_reload(f.d, &r), -1);
	ck_assert_ptr_null(network_find(f.d, "a"));
}
END_TEST

START_TEST(a_mistake_is_reloads)
{
	struct plan_changes p;
	struct refusal plan, reload;

	fake_start(&f, NETWORK(""));
	write_file(NETWORK("domain = 7 7"));
	ck_assert_int_eq(plan_make(f.d, &p, &plan), -1);
	ck_assert_int_eq(daemon_reload(f.d, &reload), -1);
	ck_assert_int_eq(plan.kind, REFUSED_CONFIGURATION);
	ck_assert_str_eq(plan.detail.text, reload.detail.text);
}
END_TEST

/* Whatever the host refuses: the one or the other configuration is in force, as a whole. */
START_TEST(a_reload_that_fails_changes_nothing)
{
	static const char one[] =
		NETWORK("lease-time = 1h") "network old { subnet = 10.78.0.1/24 }\n";
	static const char two[] =
		NETWORK("lease-time = 2h") "network new { subnet = 10.79.0.1/24 }\n";
	unsigned refused = 0;

	fake_start(&f, one);
	fake_attach(&f, "web1", 0);
	for (unsigned n = 1; n < 60; n++) {
		char before[200], after[200];
		struct refusal r;
		int rc;

		fake_dump(before, sizeof(before));
		write_file(two);
		fake_fail(n);
		rc = daemon_reload(f.d, &r);
		fake_fail(0);
		fake_pass(&f, 11);
		fake_turn(&f);
		refused += rc != 0;
		ck_assert_uint_eq(network_find(f.d, "default")->config->lease_time,
				  rc ? 3600 : 7200);
		ck_assert((network_find(f.d, "old") != NULL) == (rc != 0));
		ck_assert((network_find(f.d, "new") != NULL) == (rc == 0));
		ck_assert(network_find(f.d, rc ? "old" : "new")->up);
		if (rc)
			ck_assert_str_eq(fake_dump(after, sizeof(after)), before);
		rc = fake_reload(&f, one, &r);
		ck_assert_msg(rc == 0, "step %u: %d %s %s", n, r.kind, r.holder, r.detail.text);
		fake_pass(&f, 11);
		ck_assert_str_eq(fake_dump(after, sizeof(after)), before);
	}
	ck_assert_uint_gt(refused, 5);
}
END_TEST

/* A client that would not be known by its new name. */
START_TEST(another_identity)
{
	struct refusal r;
	struct dhcp_record lease = { .addr = 0x0a4d0064,
				     .port = DHCP_PORT_NONE,
				     .state = DHCP_LEASE_BOUND,
				     .seconds = 3600,
				     .mac = { { 2, 0, 0, 0, 0, 7 } } };

	fake_start(&f, NETWORK("identity = mac"));
	lease.started = f.boottime;
	lease.expires = f.boottime + 3600 * NS_PER_S;
	ck_assert_int_eq(dhcp_lease_restore(f.d->dhcp, &lease), 0);
	serve_schedule(f.d);
	must_plan(NETWORK("identity = client-id"),
		  "refused|default|identity|mac|client-id|-|DHCP client 02:00:00:00:00:07 with the "
		  "lease of 10.77.0.100 is in the way\n",
		  true);
	ck_assert_int_eq(fake_reload(&f, NETWORK("identity = mac domain = x.y"), &r), 0);
	fake_pass(&f, 3700);
	must_plan(NETWORK("identity = client-id"),
		  "live|default|identity|mac|client-id|-|-\nlive|default|domain|x.y|-|-|-\n",
		  false);
}
END_TEST

/* --- the comparison alone --- */

static int count_change(void *arg, const struct config_change *c)
{
	ck_assert(c->network && c->block && c->key);
	++*(unsigned *)arg;
	return 0;
}

/* Every key is one, whatever kinds of blocks there are. */
START_TEST(everything)
{
	CLEAN_CONFIG struct config *all = config_must_read(config_everything),
				   *none = config_must_read(""),
				   *again = config_must_read(config_everything);
	unsigned n = 0, back = 0;

	ck_assert_int_eq(config_diff(all, again, count_change, &n), 0);
	ck_assert_uint_eq(n, 0);
	ck_assert_int_eq(config_diff(none, all, count_change, &n), 0);
	ck_assert_int_eq(config_diff(all, none, count_change, &back), 0);
	ck_assert_uint_gt(n, 8);
	ck_assert_uint_eq(n, back);
}
END_TEST

UNIT_SUITE(netd_plan)
{
	scratch_use(tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, nothing);
	tcase_add_test(tc, applied_live);
	tcase_add_test(tc, networks_come_and_go);
	tcase_add_test(tc, what_has_to_wait);
	tcase_add_test(tc, refused_under_guests);
	tcase_add_test(tc, another_supernet);
	tcase_add_test(tc, a_mistake_is_reloads);
	tcase_add_test(tc, a_reload_that_fails_changes_nothing);
	tcase_add_test(tc, another_identity);
	tcase_add_test(tc, everything);
}

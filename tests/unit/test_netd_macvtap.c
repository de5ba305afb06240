/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Networks of mode macvtap on a host in memory: every step of an attach undone, whose descriptors
 * end, restarts, the uplink, and what the host gets. */
#include "config_kit.h"
#include "fake_host.h"
#include "unit.h"

#define KNOWN(more)                                                                                \
	"mac { secret = test }\n"                                                                  \
	"network lan { mode = macvtap  uplink = eth0  subnet = 192.0.2.1/24  probe = off\n"        \
	"  range = { 192.0.2.50-192.0.2.99 } " more "}\n"
#define LAN "mac { secret = test }\nnetwork lan { mode = macvtap  uplink = eth0 }\n"

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

static int attach(const char *guest, struct attachment **ret, struct refusal *r)
{
	struct attach_request q = { .guest = guest, .queues = 2, .vhost = VHOST_OFF, .netns = -1 };
	struct ticket ticket;

	return port_attach(f.d, &q, ret, &ticket, r);
}

static struct port *attached(const char *guest)
{
	struct attachment *a;
	struct refusal r;

	ck_assert_msg(attach(guest, &a, &r) == 0, "%s %s", r.holder, r.detail.text);
	fake_turn(&f);
	port_delivered(a);
	return port_find(f.d, 0, guest, 0);
}

static struct rtnl_link *device_of(const struct port *p)
{
	return fake_link_find(p->ifname);
}

static unsigned devices(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < FAKE_LINKS; i++)
		n += !strcmp(fake_host->link[i].kind, "macvtap");
	return n;
}

START_TEST(a_device_bears_its_guests_mac)
{
	struct ticket ticket = ticket_no_promise();
	const struct rtnl_link *link;
	struct release *release;
	struct attachment *a;
	struct refusal r;
	struct port *p;
	struct mac mac;

	fake_start(&f, KNOWN(""));
	ck_ok(attach("web1", &a, &r));
	ck_assert_ptr_nonnull(strstr(a->note, "host and guest cannot reach one another"));
	fake_turn(&f);
	p = port_find(f.d, 0, "web1", 0);
	link = device_of(p);
	ck_assert(link->unfinished);
	port_delivered(a);
	ck_assert(mac_equal(&link->mac, &p->mac));
	ck_assert_str_eq(link->alias, "netd:lan/web1/0");
	ck_assert(link->up && !link->unfinished && !link->master);
	ck_assert_uint_eq(network_gateway(f.d, &f.d->network[0]), 0xc0000201);
	ck_assert(ip4_within((struct ip4_prefix){ 0xc0000200, 24 }, p->address));
	ck_assert_str_eq(f.d->network[0].bridge, "");
	/* Its MAC is its own, also when the kernel tells of the device. */
	fake_link_told(link);
	mac = p->mac;
	ck_ok(port_release(f.d, "web1", -1, &release, &ticket, &r));
	fake_turn(&f);
	port_released(f.d, release);
	ck_assert(mac_equal(&attached("web1")->mac, &mac));
}
END_TEST

/* As in test_netd_ports.c. */
START_TEST(every_step_is_undone)
{
	unsigned failures = 0;

	fake_start(&f, KNOWN("host-access = yes "));
	for (unsigned n = 1;; n++) {
		char before[160], after[160];
		struct attachment *a;
		struct refusal r;
		int rc;

		fake_dump(before, sizeof(before));
		fake_fail(n);
		rc = attach("web1", &a, &r);
		fake_fail(0);
		fake_turn(&f);
		if (rc == 0) {
			port_undelivered(a, true);
			ck_assert_str_eq(fake_dump(after, sizeof(after)), before);
			break;
		}
		ck_assert_int_eq(r.kind, REFUSED_SYSTEM);
		ck_assert_ptr_nonnull(strstr(r.detail.text, "was made to fail"));
		failures++;
		ck_assert_str_eq(fake_dump(after, sizeof(after)), before);
		ck_assert_uint_eq(f.d->ports.used, 0);
		ck_assert_uint_eq(fake_host->host_routes, 0);
	}
	ck_assert_uint_ge(failures, 6);
	ck_assert_uint_eq(devices(), 0);
}
END_TEST

START_TEST(the_device_goes_with_the_last_descriptor)
{
	struct port *p;
	uint32_t index;

	fake_start(&f, KNOWN(""));
	p = attached("web1");
	index = p->ifindex;
	fake_macvtap_closed(index);
	ck_assert_uint_eq(p->ifindex, 0);
	ck_assert_int_eq(p->state, PORT_RESERVED);
	ck_assert_uint_eq(devices(), 0);
	/* Once more, and of one that is nobody's. */
	fake_macvtap_closed(index);
	fake_macvtap_closed(1);
	ck_assert_uint_eq(devices(), 0);
	ck_assert_uint_ne(attached("web1")->ifindex, 0);
}
END_TEST

/* Before its reply was delivered its client may have closed them; the undoing is the attach's. */
START_TEST(a_reply_under_way_is_let_be)
{
	struct attachment *a;
	struct refusal r;

	fake_start(&f, KNOWN(""));
	ck_ok(attach("web1", &a, &r));
	fake_macvtap_closed(port_find(f.d, 0, "web1", 0)->ifindex);
	ck_assert_uint_eq(devices(), 1);
	fake_turn(&f);
	port_undelivered(a, true);
	ck_assert_uint_eq(devices(), 0);
	ck_assert_ptr_null(port_find(f.d, 0, "web1", 0));
}
END_TEST

START_TEST(a_restart_adopts_what_is_open_and_removes_the_rest)
{
	struct rtnl_link *alive, *other;
	struct port *p;

	fake_start(&f, KNOWN(""));
	alive = device_of(attached("alive"));
	fake_host->open[attached("dead")->ifindex % FAKE_LINKS] = false;
	fake_stop(&f);
	ck_assert_uint_eq(devices(), 2);
	other = fake_add_kind("nt0123", "macvtap");
	fake_start(&f, KNOWN(""));
	p = port_find(f.d, 0, "alive", 0);
	ck_assert_uint_eq(p->ifindex, alive->index);
	ck_assert_int_eq(p->state, PORT_ATTACHED);
	ck_assert_uint_eq(port_find(f.d, 0, "dead", 0)->ifindex, 0);
	ck_assert_uint_eq(devices(), 2);
	ck_assert_str_eq(other->name, "nt0123");
	/* It died, and that was not heard. */
	fake_host->open[alive->index % FAKE_LINKS] = false;
	ck_ok(reconcile(f.d, &unit_err));
	ck_assert_uint_eq(p->ifindex, 0);
	ck_assert_uint_eq(devices(), 1);
}
END_TEST

/* One whose state was lost is recovered from its mark, with the device's MAC. */
START_TEST(a_guest_is_recovered_from_its_device)
{
	struct rtnl_link *link;
	struct port *p;
	struct mac given = { { 0x52, 0x54, 0, 0, 0, 7 } };

	fake_start(&f, KNOWN(""));
	link = device_of(attached("web1"));
	fake_stop(&f);
	unlink(f.state);
	link->mac = given;
	fake_start(&f, KNOWN(""));
	p = port_find(f.d, 0, "web1", 0);
	ck_assert_ptr_nonnull(p);
	ck_assert(mac_equal(&p->mac, &given));
	ck_assert_uint_eq(p->ifindex, link->index);
}
END_TEST

/* A netd ended before the mark, or before the reply. */
START_TEST(what_was_not_finished_is_removed)
{
	struct rtnl_link *link;

	fake_start(&f, KNOWN(""));
	fake_stop(&f);
	link = fake_add_kind("nt0123456789ab", "macvtap");
	link->unfinished = true;
	link = fake_add_kind("nt1123456789ab", "macvtap");
	link->unfinished = true;
	snprintf(link->alias, sizeof(link->alias), "netd:lan/web1/0");
	fake_start(&f, KNOWN(""));
	ck_assert_uint_eq(devices(), 0);
}
END_TEST

START_TEST(passthru_is_for_one)
{
	struct attachment *a;
	struct refusal r;
	struct port *p;

	fake_start(&f, KNOWN("macvtap-mode = passthru "));
	p = attached("web1");
	ck_assert_int_eq(fake_host->macvtap_mode, RTNL_MACVLAN_PASSTHRU);
	ck_assert(mac_equal(&device_of(p)->mac, &p->mac));
	ck_assert_int_eq(attach("web2", &a, &r), -1);
	ck_assert_int_eq(r.kind, REFUSED_PARAMETER);
	ck_assert_str_eq(r.holder,
			 "guest web1/0 has uplink eth0 for itself (macvtap-mode = passthru)");
	ck_assert_ptr_null(port_find(f.d, 0, "web2", 0));
	fake_macvtap_closed(p->ifindex);
	attached("web2");
}
END_TEST

START_TEST(the_uplink_comes_and_goes)
{
	struct rtnl_link *uplink, was;
	struct network *n;
	struct port *p;
	struct attachment *a;
	struct refusal r;

	fake_start(&f, LAN);
	n = &f.d->network[0];
	p = attached("web1");
	ck_assert_uint_eq(p->address, 0);
	ck_assert_uint_eq(network_gateway(f.d, n), 0);
	uplink = fake_link_find("eth0");
	uplink->up = false;
	fake_link_told(uplink);
	fake_tick(&f, NS_PER_S);
	ck_assert(!n->up);
	ck_assert_str_eq(n->why_not.text, "its uplink eth0 is down");
	ck_assert_int_eq(attach("web2", &a, &r), -1);
	ck_assert_int_eq(r.kind, REFUSED_NETWORK_DOWN);
	ck_assert_uint_ne(p->ifindex, 0);
	uplink->up = true;
	uplink->mtu = 1400;
	fake_link_told(uplink);
	fake_tick(&f, NS_PER_S);
	ck_assert(n->up);
	ck_assert_uint_eq(n->mtu, 1400);
	ck_assert_uint_eq(device_of(p)->mtu, 1400);
	was = *uplink;
	fake_link_gone(p->ifindex);
	fake_link_gone(was.index);
	fake_tick(&f, NS_PER_S);
	ck_assert_str_eq(n->why_not.text, "its uplink eth0 is not there");
	ck_assert_uint_eq(p->ifindex, 0);
	uplink = fake_link_add("eth0");
	uplink->up = true;
	fake_link_told(uplink);
	fake_tick(&f, NS_PER_S);
	ck_assert(n->up);
	attached("web1");
}
END_TEST

START_TEST(the_host_gets_a_device_and_an_address)
{
	const struct rtnl_link *link;
	struct port *p;
	struct refusal r;
	uint32_t own;

	fake_start(&f, KNOWN("host-access = yes "));
	link = fake_link_find("nd-lan");
	ck_assert_ptr_nonnull(link);
	ck_assert_str_eq(link->kind, "macvlan");
	ck_assert_str_eq(link->alias, "netd:lan");
	ck_assert(link->up && !link->unfinished);
	own = f.d->network[0].host_address;
	ck_assert(ip4_within((struct ip4_prefix){ 0xc0000200, 24 }, own));
	ck_assert_uint_eq(fake_host->addrs, 1);
	ck_assert_uint_eq(fake_host->addr[0].prefix.addr, own);
	ck_assert_uint_eq(fake_host->addr[0].prefix.len, 32);
	p = attached("web1");
	ck_assert_uint_ne(p->address, own);
	ck_assert_uint_eq(fake_host->host_routes, 1);
	ck_assert_uint_eq(fake_host->host_route[0].to, p->address);
	ck_assert_uint_eq(fake_host->host_route[0].from, own);
	ck_assert_uint_eq(fake_host->host_route[0].index, link->index);
	fake_stop(&f);
	fake_start(&f, KNOWN("host-access = yes "));
	ck_assert_uint_eq(f.d->network[0].host_address, own);
	ck_assert_uint_eq(fake_host->addrs, 1);
	ck_assert_uint_eq(fake_host->host_routes, 1);
	p = port_find(f.d, 0, "web1", 0);
	fake_macvtap_closed(p->ifindex);
	ck_assert_uint_eq(fake_host->host_routes, 0);
	ck_ok(fake_reload(&f, KNOWN(""), &r));
	ck_assert_ptr_null(fake_link_find("nd-lan"));
}
END_TEST

START_TEST(what_is_not_netds_is_let_be)
{
	struct rtnl_link *other;

	fake_start(&f, LAN);
	fake_stop(&f);
	other = fake_add_kind("nd-lan", "macvlan");
	other->up = true;
	fake_start(&f, "mac { secret = test }\n"
		       "network lan { mode = macvtap  uplink = eth0  host-access = yes }\n");
	ck_assert(!f.d->network[0].up);
	ck_assert_str_eq(f.d->network[0].why_not.text, "interface nd-lan exists and is not netd's");
	ck_assert_ptr_eq(fake_link_find("nd-lan"), other);
}
END_TEST

static const struct {
	const char *text, *says;
} mistakes[] = {
	{ "macvtap-mode = tap", "macvtap-mode: 'tap' is not bridge, private, vepa or passthru" },
	{ "dhcp = on subnet = 192.0.2.1/24 range = { 192.0.2.5-192.0.2.9 }",
	  "dhcp: mode macvtap leaves it to the LAN's server" },
	{ "isolate = yes", "cannot have isolate: macvtap-mode = private does it" },
	{ "port veth7 { }", "cannot have port: there is no bridge that it could join" },
	{ "host-access = { tcp:80 }", "host-access: it is yes or no in mode macvtap" },
	{ "host-access = yes macvtap-mode = private",
	  "host-access: the host is reached with macvtap-mode = bridge only" },
};

START_TEST(a_mistake_is_told)
{
	char text[256];
	struct err err;

	snprintf(text, sizeof(text), "network lan { mode = macvtap uplink = eth0\n%s }\n",
		 mistakes[_i].text);
	ck_assert(fake_try_start(&f, text, &err) != 0);
	ck_assert_msg(strstr(err.text, mistakes[_i].says) != NULL, "%s", err.text);
	f.d = NULL;
}
END_TEST

START_TEST(other_modes_have_other_keys)
{
	struct err err;

	ck_assert(fake_try_start(&f, "network a { host-access = yes }\n", &err) != 0);
	ck_assert_ptr_nonnull(strstr(err.text, "host-access: yes is for mode macvtap"));
	ck_assert(fake_try_start(&f, "network a { macvtap-mode = vepa }\n", &err) != 0);
	ck_assert_ptr_nonnull(strstr(err.text, "macvtap-mode: it is for mode macvtap"));
	f.d = NULL;
}
END_TEST

START_TEST(it_is_printed_as_it_is_read)
{
	CLEAN_CONFIG struct config *c = config_must_read(
		"network a {\n\tmode = macvtap\n\tuplink = eth0\n\tmacvtap-mode = vepa\n}\n"
		"network b {\n\tmode = macvtap\n\tuplink = eth1\n\thost-access = yes\n}\n");
	CLEAN_FREE char *text = config_printed(c);

	ck_assert_ptr_nonnull(strstr(text, "macvtap-mode = vepa"));
	ck_assert_ptr_nonnull(strstr(text, "macvtap-mode = bridge"));
	ck_assert_ptr_nonnull(strstr(text, "host-access = { yes }"));
}
END_TEST

UNIT_SUITE(netd_macvtap)
{
	scratch_use(tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_device_bears_its_guests_mac);
	tcase_add_test(tc, every_step_is_undone);
	tcase_add_test(tc, the_device_goes_with_the_last_descriptor);
	tcase_add_test(tc, a_reply_under_way_is_let_be);
	tcase_add_test(tc, a_restart_adopts_what_is_open_and_removes_the_rest);
	tcase_add_test(tc, a_guest_is_recovered_from_its_device);
	tcase_add_test(tc, what_was_not_finished_is_removed);
	tcase_add_test(tc, passthru_is_for_one);
	tcase_add_test(tc, the_uplink_comes_and_goes);
	tcase_add_test(tc, the_host_gets_a_device_and_an_address);
	tcase_add_test(tc, what_is_not_netds_is_let_be);
	tcase_add_loop_test(tc, a_mistake_is_told, 0, ARRAY_SIZE(mistakes));
	tcase_add_test(tc, other_modes_have_other_keys);
	tcase_add_test(tc, it_is_printed_as_it_is_read);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Networks that are made and deleted at run time, against a host in memory: what they are cut from,
 * that they stay, who is in the way, and that nothing is left of one that was not made. */
#include <signal.h>
#include <sys/resource.h>

#include "fake_host.h"
#include "networks_made.h"
#include "unit.h"

#define CONFIG                                                                                     \
	"mac { secret = test }\n"                                                                  \
	"supernet = 10.0.0.0/22\n"                                                                 \
	"network default { subnet = 10.77.0.1/24 dns = 192.0.2.53 }\n"

static struct fake_daemon f;

static void setup(void)
{
	f = (struct fake_daemon){ 0 };
	fake_start(&f, CONFIG);
}

static void teardown(void)
{
	if (f.d)
		fake_stop(&f);
	fake_remove(&f);
}

static int try(const char *name, const char *more, struct network_change **ret, struct refusal *r)
{
	const struct network_request q = { .name = name, .configuration = more, .owner = 1000 };
	struct ticket ticket;

	return network_create(f.d, &q, ret, &ticket, r);
}

static struct network *make(const char *name, const char *more)
{
	struct network_change *c;
	struct refusal r;

	ck_assert_msg(try(name, more, &c, &r) == 0, "%s %s %s", r.subject, r.holder, r.detail.text);
	fake_turn(&f);
	network_change_end(c, NETWORK_CHANGE_KNOWN);
	fake_turn(&f);
	return network_find(f.d, name);
}

static int try_delete(const char *name, bool force, struct network_change **ret, struct refusal *r)
{
	struct ticket ticket;

	return network_delete(f.d, name, force, ret, &ticket, r);
}

static void must_delete(const char *name, bool force)
{
	struct network_change *c;
	struct refusal r;

	ck_assert_msg(try_delete(name, force, &c, &r) == 0, "%s %s %s", r.subject, r.holder,
		      r.detail.text);
	fake_turn(&f);
	network_change_end(c, NETWORK_CHANGE_KNOWN);
	fake_turn(&f);
}

static struct port *attach(const char *network, const char *guest)
{
	struct attach_request q = {
		.network = network, .guest = guest, .queues = 1, .vhost = VHOST_OFF
	};
	struct attachment *a;
	struct ticket ticket;
	struct refusal r;

	ck_assert_int_eq(port_attach(f.d, &q, &a, &ticket, &r), 0);
	fake_turn(&f);
	port_delivered(a);
	return port_by_guest(f.d, guest, 0);
}

static int count_row(void *arg, const struct store_network *n)
{
	(void)n;
	++*(unsigned *)arg;
	return 0;
}

static unsigned rows(void)
{
	unsigned n = 0;

	ck_ok(store_network_list(f.d->store, count_row, &n, &unit_err));
	return n;
}

static int count_allocation(void *arg, const struct store_allocation *a)
{
	(void)a;
	++*(unsigned *)arg;
	return 0;
}

static unsigned allocations(const char *network)
{
	unsigned n = 0;

	ck_ok(store_allocation_list(f.d->store, network, count_allocation, &n, &unit_err));
	return n;
}

static const char *subnet(const char *name)
{
	static char text[IP4_PREFIX_TEXT_SIZE];
	const struct network *n = network_find(f.d, name);

	return n && n->up ? ip4_prefix_text(n->subnet, text) : "none";
}

static void limit_files(rlim_t octets)
{
	struct rlimit limit = { octets, RLIM_INFINITY };

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* The turn cannot be stored. */
static void take_back(struct network_change *c)
{
	limit_files(0);
	ck_assert_int_lt(store_commit(f.d->store, &unit_err), 0);
	limit_files(RLIM_INFINITY);
	network_change_end(c, NETWORK_CHANGE_TAKEN_BACK);
	fake_turn(&f);
}

static const char *event_of(const char *network)
{
	static char text[64];

	text[0] = 0;
	for (uint64_t i = events_oldest(&f.d->events); i < f.d->events.next; i++) {
		const struct event *e = event_get(&f.d->events, i);

		if (!strcmp(e->network, network) && e->kind >= EVENT_NETWORK_CREATED)
			snprintf(text, sizeof(text), "%s", event_kind_text(e->kind));
	}
	return text;
}

/* --- what they get --- */

START_TEST(gets_the_lowest_that_is_free)
{
	struct network_change *c;
	struct refusal r;

	make("a", NULL);
	make("b", NULL);
	ck_assert_str_eq(subnet("a"), "10.0.0.1/24");
	ck_assert_str_eq(subnet("b"), "10.0.1.1/24");
	ck_assert_str_eq(event_of("a"), "network-created");
	must_delete("a", false);
	ck_assert_ptr_null(network_find(f.d, "a"));
	ck_assert_str_eq(event_of("a"), "network-deleted");
	make("c", NULL);
	ck_assert_str_eq(subnet("c"), "10.0.0.1/24");
	make("d", NULL);
	make("e", NULL);
	ck_assert_int_eq(try("full", NULL, &c, &r), -1);
	ck_assert_str_eq(r.detail.text, "network 'full': every /24 of the supernet is in use, the "
					"last by subnet 10.0.3.1/24 of network 'e'");
	ck_assert_uint_eq(rows(), 4);
}
END_TEST

START_TEST(stays)
{
	const struct network *n = make("a", "lease-time = 10m\nrule { allow in tcp:22 }\n"
					    "option 42 { value = { 192.0.2.1 } }");
	struct refusal r;
	char text[200];

	attach("a", "web1");
	fake_stop(&f);
	fake_start(&f, CONFIG);
	n = network_find(f.d, "a");
	ck_assert_str_eq(subnet("a"), "10.0.0.1/24");
	ck_assert(n->config->made && n->config->owner == 1000 && n->attached == 1);
	ck_assert_uint_eq(n->config->lease_time, 600);
	ck_assert_uint_eq(n->config->rules.n, 1);
	ck_assert_int_eq(fake_reload(&f, CONFIG "network more { domain = x.y }\n", &r), 0);
	ck_assert_str_eq(subnet("a"), "10.0.0.1/24");
	ck_assert_uint_eq(network_find(f.d, "a")->attached, 1);
	/* Another supernet moves nobody. */
	ck_assert_int_eq(fake_reload(&f, "mac { secret = test }\nsupernet = 10.8.0.0/16\n", &r), 0);
	ck_assert_str_eq(subnet("a"), "10.0.0.1/24");
	make("b", NULL);
	ck_assert_str_eq(subnet("b"), "10.8.0.1/24");
	fake_dump(text, sizeof(text));
	must_delete("b", false);
	make("b", NULL);
	ck_assert_str_eq(fake_dump((char[200]){ 0 }, 200), text);
}
END_TEST

/* --- what is refused --- */

static void must_refuse(const char *name, const char *more, enum refusal_kind kind,
			const char *holder, const char *detail)
{
	char before[200], after[200];
	struct network_change *c;
	struct refusal r;

	fake_dump(before, sizeof(before));
	ck_assert_int_eq(try(name, more, &c, &r), -1);
	fake_turn(&f);
	ck_assert_int_eq(r.kind, kind);
	ck_assert_str_eq(r.holder, holder);
	ck_assert_str_eq(r.detail.text, detail);
	ck_assert_str_eq(fake_dump(after, sizeof(after)), before);
	ck_assert_uint_eq(rows(), 0);
}

START_TEST(refused_with_the_reason)
{
	char place[160];

	snprintf(place, sizeof(place), "%s:3", f.config);
	must_refuse("default", NULL, REFUSED_EXISTS, place, "");
	must_refuse("no/name", NULL, REFUSED_PARAMETER, bridge_name_refusal("no/name"), "");
	must_refuse("a", "lease-time = soon", REFUSED_CONFIGURATION, "",
		    "state:a:4: lease-time: 'soon' is not a time like 90s, 1h30m or 7d");
	must_refuse("a", "mode = route", REFUSED_CONFIGURATION, "",
		    "state:a:4: 'mode' is set twice");
	must_refuse("a", "reach = b", REFUSED_CONFIGURATION, "",
		    "state:a:4: reach: there is no network 'b'");
	must_refuse("a", "}\nnetwork b {", REFUSED_CONFIGURATION, "",
		    "state:a: it is more than the one network");
	must_refuse("a", "}\nmax-ports = 3\nnetwork b {", REFUSED_CONFIGURATION, "",
		    "state:a: 'max-ports' stands outside of the network");
	must_refuse("a", "}", REFUSED_CONFIGURATION, "", "state:a:5: unexpected closing brace");
}
END_TEST

START_TEST(others_link_is_in_the_way)
{
	fake_link_told(fake_link_add("nd-a"));
	must_refuse("a", NULL, REFUSED_NETWORK_DOWN, "", "interface nd-a exists and is not netd's");
}
END_TEST

START_TEST(not_deleted_under_guests)
{
	struct network_change *c;
	struct refusal r;
	char why[200];

	make("a", NULL);
	attach("a", "web1");
	attach("a", "web2");
	attach("a", "web3");
	ck_assert_int_eq(try_delete("a", false, &c, &r), -1);
	ck_assert_int_eq(r.kind, REFUSED_IN_USE);
	ck_assert_str_eq(r.holder, "web1/0, web2/0 and 1 more");
	ck_assert_uint_eq(network_find(f.d, "a")->attached, 3);
	must_delete("a", true);
	ck_assert_ptr_null(network_find(f.d, "a"));
	ck_assert_ptr_null(port_by_guest(f.d, "web1", 0));
	ck_assert_uint_eq(allocations("a"), 0);
	ck_assert_int_eq(try_delete("a", true, &c, &r), -1);
	ck_assert_int_eq(r.kind, REFUSED_NO_NETWORK);
	ck_assert_int_eq(try_delete("default", true, &c, &r), -1);
	snprintf(why, sizeof(why), "network 'default' stands at %s:3", f.config);
	ck_assert_str_eq(r.holder, why);
}
END_TEST

START_TEST(not_deleted_while_another_names_it)
{
	struct network_change *c;
	struct refusal r;

	make("a", NULL);
	make("b", "reach = a");
	ck_assert_int_eq(try_delete("a", true, &c, &r), -1);
	ck_assert_int_eq(r.kind, REFUSED_CONFIGURATION);
	ck_assert_ptr_nonnull(strstr(r.detail.text, "reach: there is no network 'a'"));
	must_delete("b", false);
	must_delete("a", false);
}
END_TEST

/* --- the configuration has one of that name --- */

START_TEST(configuration_gets_its_name)
{
	static const char both[] = CONFIG "network a { subnet = 10.9.0.1/24 }\n";
	struct refusal r;
	char why[200];

	make("a", NULL);
	ck_assert_int_eq(fake_reload(&f, both, &r), -1);
	snprintf(why, sizeof(why),
		 "%s:4: network 'a' was made at run time: delete it (netdctl network delete), or "
		 "give this one another name",
		 f.config);
	ck_assert_str_eq(r.detail.text, why);
	ck_assert_str_eq(subnet("a"), "10.0.0.1/24");
	fake_stop(&f);
	/* It does not keep netd from starting. */
	fake_start(&f, both);
	ck_assert_str_eq(subnet("a"), "10.9.0.1/24");
	ck_assert_uint_eq(rows(), 1);
	ck_assert_int_eq(fake_reload(&f, CONFIG, &r), 0);
	ck_assert_str_eq(subnet("a"), "10.0.0.1/24");
}
END_TEST

/* What a newer configuration made of it wrong does not keep netd, or the others, from starting. */
START_TEST(a_mistake_concerns_it_alone)
{
	struct network_change *c;
	struct refusal r;

	make("a", NULL);
	make("b", "publish { guest = web1 port = tcp:80 }");
	ck_assert_int_eq(fake_reload(&f, CONFIG "network c { subnet = 10.0.1.1/24 }\n", &r), -1);
	ck_assert_str_eq(r.detail.text, "network 'c': subnet 10.0.1.1/24 overlaps subnet "
					"10.0.1.1/24 of network 'b'");
	fake_stop(&f);
	fake_start(&f, CONFIG "network c { subnet = 10.0.1.1/24 }\n");
	ck_assert_str_eq(subnet("a"), "10.0.0.1/24");
	ck_assert_str_eq(subnet("c"), "10.0.1.1/24");
	ck_assert_str_eq(subnet("b"), "none");
	ck_assert_ptr_nonnull(strstr(network_find(f.d, "b")->why_not.text, "overlaps"));
	/* What was wrong before is in nobody's way. */
	ck_assert_int_eq(
		fake_reload(&f, CONFIG "network c { subnet = 10.0.1.1/24 mtu = 1400 }\n", &r), 0);
	make("d", NULL);
	ck_assert_int_eq(fake_reload(&f, CONFIG, &r), 0);
	ck_assert_str_eq(subnet("b"), "10.0.1.1/24");
	ck_assert_int_eq(try_delete("b", false, &c, &r), 0);
	fake_turn(&f);
	network_change_end(c, NETWORK_CHANGE_KNOWN);
	ck_assert_uint_eq(rows(), 2);
}
END_TEST

/* --- what fails --- */

START_TEST(every_step_is_undone)
{
	char before[200], after[200];
	unsigned done = 0, refused = 0;

	for (unsigned n = 1; n < 60 && done < 20; n++) {
		struct network_change *c;
		struct refusal r;
		int rc;

		fake_dump(before, sizeof(before));
		fake_fail(n);
		rc = try("a", NULL, &c, &r);
		/* What it did not need to, it got over. */
		done += rc == 0;
		refused += rc != 0;
		fake_fail(0);
		fake_turn(&f);
		if (!rc) {
			network_change_end(c, NETWORK_CHANGE_KNOWN);
			must_delete("a", false);
		}
		fake_pass(&f, 11);
		fake_turn(&f);
		ck_assert_msg(!strcmp(fake_dump(after, sizeof(after)), before), "step %u: %s, %s",
			      n, before, after);
		ck_assert_uint_eq(rows(), 0);
		ck_assert_ptr_null(network_find(f.d, "a"));
		ck_assert(network_find(f.d, "default")->up);
	}
	ck_assert_uint_gt(refused, 15);
}
END_TEST

START_TEST(what_nobody_knows_of_is_undone)
{
	char before[200], after[200];
	struct network_change *a, *b;
	struct refusal r;

	fake_dump(before, sizeof(before));
	ck_assert_int_eq(try("a", NULL, &a, &r), 0);
	ck_assert_int_eq(try("b", NULL, &b, &r), 0);
	fake_turn(&f);
	network_change_end(a, NETWORK_CHANGE_UNKNOWN);
	network_change_end(b, NETWORK_CHANGE_KNOWN);
	fake_turn(&f);
	ck_assert_ptr_null(network_find(f.d, "a"));
	ck_assert_str_eq(subnet("b"), "10.0.1.1/24");
	ck_assert_uint_eq(rows(), 1);
	must_delete("b", false);
	ck_assert_str_eq(fake_dump(after, sizeof(after)), before);
}
END_TEST

START_TEST(what_is_not_stored_is_taken_back)
{
	char before[200], after[200];
	struct network_change *a, *b;
	struct refusal r;

	fake_dump(before, sizeof(before));
	ck_assert_int_eq(try("a", NULL, &a, &r), 0);
	take_back(a);
	ck_assert_str_eq(fake_dump(after, sizeof(after)), before);
	ck_assert_ptr_null(network_find(f.d, "a"));
	ck_assert_uint_eq(rows(), 0);
	/* And a deletion; the allocation comes back, its device does not. */
	make("b", NULL);
	attach("b", "web1");
	ck_assert_int_eq(try_delete("b", true, &b, &r), 0);
	ck_assert_ptr_null(network_find(f.d, "b"));
	take_back(b);
	ck_assert_str_eq(subnet("b"), "10.0.0.1/24");
	ck_assert_uint_eq(rows(), 1);
	ck_assert_ptr_nonnull(port_by_guest(f.d, "web1", 0));
	must_delete("b", false);
	ck_assert_str_eq(fake_dump(after, sizeof(after)), before);
}
END_TEST

/* A release, and the network, within one turn; both are told. */
START_TEST(goes_with_a_release_in_one_turn)
{
	struct network_change *c;
	struct release *gone;
	struct ticket ticket;
	struct refusal r;

	make("a", NULL);
	attach("a", "web1");
	ck_assert_int_eq(port_release(f.d, "web1", -1, &gone, &ticket, &r), 0);
	ck_assert_int_eq(try_delete("a", false, &c, &r), 0);
	fake_turn(&f);
	port_released(f.d, gone);
	network_change_end(c, NETWORK_CHANGE_KNOWN);
	fake_turn(&f);
	ck_assert_uint_eq(allocations("a"), 0);
	/* Neither was stored. */
	make("a", NULL);
	attach("a", "web1");
	ck_assert_int_eq(port_release(f.d, "web1", -1, &gone, &ticket, &r), 0);
	ck_assert_int_eq(try_delete("a", false, &c, &r), 0);
	take_back(c);
	port_unreleased(f.d, gone);
	ck_assert_uint_eq(network_find(f.d, "a")->attached, 0);
	ck_assert_uint_eq(f.d->ports.used, 1);
	ck_assert_uint_eq(allocations("a"), 1);
}
END_TEST

/* netd was killed between making the bridge and marking it. */
START_TEST(what_a_killed_one_left_is_removed)
{
	struct rtnl_link *link;

	fake_stop(&f);
	fake_start(&f, CONFIG);
	link = fake_link_add("nd-a");
	snprintf(link->kind, sizeof(link->kind), "bridge");
	link->mac = allocate_bridge_mac(f.d, "a");
	link = fake_link_add("nd-b");
	snprintf(link->kind, sizeof(link->kind), "bridge");
	fake_stop(&f);
	fake_start(&f, CONFIG);
	ck_assert_ptr_null(fake_link_find("nd-a"));
	ck_assert_ptr_nonnull(fake_link_find("nd-b"));
}
END_TEST

UNIT_SUITE(netd_networks_made)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, gets_the_lowest_that_is_free);
	tcase_add_test(tc, stays);
	tcase_add_test(tc, refused_with_the_reason);
	tcase_add_test(tc, others_link_is_in_the_way);
	tcase_add_test(tc, not_deleted_under_guests);
	tcase_add_test(tc, not_deleted_while_another_names_it);
	tcase_add_test(tc, configuration_gets_its_name);
	tcase_add_test(tc, a_mistake_concerns_it_alone);
	tcase_add_test(tc, every_step_is_undone);
	tcase_add_test(tc, what_nobody_knows_of_is_undone);
	tcase_add_test(tc, what_is_not_stored_is_taken_back);
	tcase_add_test(tc, goes_with_a_release_in_one_turn);
	tcase_add_test(tc, what_a_killed_one_left_is_removed);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Published ports against a host in memory: they follow their guest, are refused with who has the
 * port, and leave nothing behind when a step fails. */
#include <netinet/in.h>
#include <signal.h>
#include <sys/resource.h>

#include "fake_host.h"
#include "unit.h"

#define CONFIG(more)                                                                               \
	"mac { secret = test }\n"                                                                  \
	"network default { subnet = 10.77.0.1/24 dns = 192.0.2.53\n" more " }\n"

static struct fake_daemon f;

static void setup(void)
{
	f = (struct fake_daemon){ 0 };
	fake_start(&f, CONFIG(""));
}

static void teardown(void)
{
	if (f.d)
		fake_stop(&f);
	fake_remove(&f);
}

static int try(const char *guest, const char *spec, struct publish_change **ret, struct refusal *r)
{
	struct config_published port;
	struct publish_request q = { .guest = guest, .nic = -1, .port = &port, .ports = 1 };
	struct ticket ticket;

	ck_ok(config_published_parse(spec, &port, &unit_err));
	return publish(f.d, &q, ret, &ticket, r);
}

static void publish_it(const char *guest, const char *spec)
{
	struct publish_change *c = NULL;
	struct refusal r;

	ck_assert_msg(try(guest, spec, &c, &r) == 0, "%s %s", r.subject, r.holder);
	fake_turn(&f);
	publish_settled(c);
}

static int unpublish_it(const char *guest, const char *spec, struct publish_change **ret,
			struct refusal *r)
{
	struct config_published port;
	struct publish_request q = {
		.guest = guest, .nic = -1, .port = &port, .ports = spec != NULL
	};
	struct ticket ticket;

	if (spec)
		ck_ok(config_published_parse(spec, &port, &unit_err));
	return unpublish(f.d, &q, ret, &ticket, r);
}

static int count_row(void *arg, const struct store_published *p)
{
	(void)p;
	++*(unsigned *)arg;
	return 0;
}

static unsigned rows(void)
{
	unsigned n = 0;

	ck_ok(store_published_list(f.d->store, "default", count_row, &n, &unit_err));
	return n;
}

/* In the rules. */
static void check_rule(unsigned i, uint16_t port, uint32_t to, uint16_t to_port)
{
	ck_assert_uint_lt(i, fake_host->publishes);
	ck_assert_uint_eq(fake_host->published[i].port, port);
	ck_assert_uint_eq(fake_host->published[i].to, to);
	ck_assert_uint_eq(fake_host->published[i].to_port, to_port);
}

static bool localnet(void)
{
	return fake_host->localnet[f.d->network[0].bridge_index % FAKE_LINKS];
}

static void release(const char *guest)
{
	struct release *gone;
	struct ticket ticket;
	struct refusal r;

	ck_assert_int_eq(port_release(f.d, guest, -1, &gone, &ticket, &r), 0);
	fake_turn(&f);
	port_released(f.d, gone);
	fake_turn(&f);
}

/* --- following --- */

START_TEST(follows_a_changed_address)
{
	struct port *p = fake_attach(&f, "web1", 0x0a4d0032);

	ck_assert(!localnet());
	publish_it("web1", "tcp:8080:80");
	check_rule(0, 8080, 0x0a4d0032, 80);
	ck_assert(localnet());
	fake_link_gone(p->ifindex);
	fake_turn(&f);
	check_rule(0, 8080, 0x0a4d0032, 80); /* for as long as there is an allocation */
	fake_attach(&f, "web1", 0x0a4d003c);
	fake_turn(&f);
	ck_assert_uint_eq(fake_host->publishes, 1);
	check_rule(0, 8080, 0x0a4d003c, 80);
	ck_assert_uint_eq(rows(), 1);
}
END_TEST

START_TEST(goes_with_the_release)
{
	fake_attach(&f, "web1", 0);
	fake_attach(&f, "web2", 0);
	publish_it("web1", "tcp:8080:80");
	publish_it("web2", "udp:53");
	release("web1");
	ck_assert_uint_eq(rows(), 1);
	ck_assert_uint_eq(f.d->publishes.n, 1);
	ck_assert_uint_eq(fake_host->publishes, 1);
	ck_assert(localnet());
	release("web2");
	ck_assert_uint_eq(rows(), 0);
	ck_assert_uint_eq(fake_host->publishes, 0);
	ck_assert(!localnet());
	/* Another guest of that name has nothing of it. */
	fake_attach(&f, "web1", 0);
	fake_turn(&f);
	ck_assert_uint_eq(fake_host->publishes, 0);
}
END_TEST

START_TEST(one_that_is_configured_waits_for_its_guest)
{
	static const char config[] =
		CONFIG("publish { guest = web1 port = { tcp:8080:80, udp:53 } }");
	struct refusal r;

	ck_assert_int_eq(fake_reload(&f, config, &r), 0);
	ck_assert_uint_eq(fake_host->publishes, 0);
	for (unsigned i = 0; i < 2; i++) {
		fake_attach(&f, "web1", 0x0a4d0032);
		fake_turn(&f);
		ck_assert_uint_eq(fake_host->publishes, 2);
		check_rule(0, 8080, 0x0a4d0032, 80);
		release("web1");
		ck_assert_uint_eq(fake_host->publishes, 0);
	}
	ck_assert_uint_eq(rows(), 0);
}
END_TEST

START_TEST(is_there_after_a_restart_and_a_reload)
{
	struct refusal r;

	fake_attach(&f, "web1", 0x0a4d0032);
	publish_it("web1", "tcp:8080-8081:80-81");
	fake_stop(&f);
	fake_host->localnet[0] = true; /* whatever it was */
	fake_start(&f, CONFIG(""));
	ck_assert_uint_eq(fake_host->publishes, 1);
	check_rule(0, 8080, 0x0a4d0032, 80);
	ck_assert_uint_eq(fake_host->published[0].count, 2);
	ck_assert(localnet());
	ck_assert_int_eq(fake_reload(&f, CONFIG("lease-time = 2h"), &r), 0);
	ck_assert_uint_eq(fake_host->publishes, 1);
	ck_assert_uint_eq(f.d->publishes.n, 1);
}
END_TEST

/* Where br_netfilter is at work, the port of a guest that something is published for. */
START_TEST(reflects_where_the_bridge_calls_ip)
{
	struct port *p = fake_attach(&f, "web1", 0);
	uint32_t at = p->ifindex % FAKE_LINKS;
	struct publish_change *c;
	struct refusal r;

	p->settled = true;
	publish_it("web1", "tcp:80");
	ck_assert(!fake_host->hairpin[at]);
	f.d->bridge_calls = true; /* as when it was looked at */
	free(f.d->rules);
	f.d->rules = NULL;
	ck_ok(rules_apply(f.d, true, &unit_err));
	fake_turn(&f);
	ck_assert(fake_host->hairpin[at] && fake_host->reflected[at] && p->hairpin);
	ck_assert_int_eq(unpublish_it("web1", NULL, &c, &r), 0);
	ck_assert(!fake_host->hairpin[at] && !fake_host->reflected[at] && !p->hairpin);
	publish_settled(c);
}
END_TEST

/* --- what is refused --- */

static void must_refuse(const char *guest, const char *spec, enum refusal_kind kind,
			const char *subject, const char *holder)
{
	struct publish_change *c;
	struct refusal r;

	ck_assert_int_eq(try(guest, spec, &c, &r), -1);
	ck_assert_int_eq(r.kind, kind);
	ck_assert_str_eq(r.subject, subject);
	ck_assert_str_eq(r.holder, holder);
	ck_assert_uint_eq(rows(), f.d->publishes.n);
	ck_assert_uint_eq(fake_host->publishes, f.d->publishes.n);
}

START_TEST(refused_with_who_has_it)
{
	fake_attach(&f, "web1", 0);
	publish_it("web1", "tcp:8080:80");
	fake_host->listening =
		(struct listen_query){ .protocol = IPPROTO_UDP, .first = 50, .last = 59 };
	must_refuse("web1", "tcp:8080:81", REFUSED_PORT_IN_USE, "tcp:8080",
		    "guest web1/0 of network default");
	must_refuse("web1", "tcp:8000-8099", REFUSED_PORT_IN_USE, "tcp:8080",
		    "guest web1/0 of network default");
	must_refuse("web1", "udp:53", REFUSED_PORT_IN_USE, "udp:53", "process nginx (pid 812)");
	must_refuse("web2", "tcp:80", REFUSED_NO_GUEST, "web2", "");
	publish_it("web1", "udp:60");
}
END_TEST

START_TEST(unpublish_says_what_is_not_published)
{
	static const char config[] = CONFIG("publish { guest = web1 port = tcp:80 }");
	struct publish_change *c;
	struct refusal r;
	char why[160];

	ck_assert_int_eq(unpublish_it("web1", NULL, &c, &r), -1);
	ck_assert_int_eq(r.kind, REFUSED_NO_GUEST);
	ck_assert_int_eq(fake_reload(&f, config, &r), 0);
	fake_attach(&f, "web1", 0);
	publish_it("web1", "tcp:81");
	ck_assert_int_eq(unpublish_it("web1", "tcp:82", &c, &r), -1);
	ck_assert_str_eq(r.holder, "tcp:82:82 is not published for that guest");
	snprintf(why, sizeof(why), "tcp:80:80 is published by %s:3", f.config);
	ck_assert_int_eq(unpublish_it("web1", "tcp:80", &c, &r), -1);
	ck_assert_str_eq(r.holder, why);
	ck_assert_uint_eq(fake_host->publishes, 2);
	/* All means what was published at run time. */
	ck_assert_int_eq(unpublish_it("web1", NULL, &c, &r), 0);
	fake_turn(&f);
	publish_settled(c);
	ck_assert_uint_eq(fake_host->publishes, 1);
	check_rule(0, 80, fake_host->published[0].to, 80);
}
END_TEST

/* --- configured, and taken --- */

START_TEST(a_reload_is_refused_with_who)
{
	static const char config[] = CONFIG("\n\npublish { guest = web2 port = tcp:8080 }");
	struct refusal r;
	char why[200];

	fake_attach(&f, "web1", 0);
	publish_it("web1", "tcp:8080:80");
	ck_assert_int_eq(fake_reload(&f, config, &r), -1);
	ck_assert_int_eq(r.kind, REFUSED_CONFIGURATION);
	snprintf(why, sizeof(why),
		 "%s:5: port: tcp:8080 is taken by guest web1/0 of network default", f.config);
	ck_assert_str_eq(r.detail.text, why);
	release("web1");
	fake_host->listening =
		(struct listen_query){ .protocol = IPPROTO_TCP, .first = 8080, .last = 8080 };
	ck_assert_int_eq(fake_reload(&f, config, &r), -1);
	snprintf(why, sizeof(why), "%s:5: port: tcp:8080 is taken by process nginx (pid 812)",
		 f.config);
	ck_assert_str_eq(r.detail.text, why);
	ck_assert_uint_eq(f.d->publishes.n, 0);
	fake_host->listening.protocol = 0;
	ck_assert_int_eq(fake_reload(&f, config, &r), 0);
	/* It stands, whoever listens since. */
	fake_attach(&f, "web2", 0);
	fake_turn(&f);
	fake_host->listening.protocol = IPPROTO_TCP;
	ck_assert_int_eq(fake_reload(&f, config, &r), 0);
	ck_assert_uint_eq(fake_host->publishes, 1);
}
END_TEST

START_TEST(at_a_start_the_network_comes_up_without_it)
{
	static const char config[] = CONFIG("publish { guest = web1 port = { tcp:80, tcp:81 } }");

	fake_attach(&f, "web1", 0);
	fake_stop(&f);
	fake_host->listening =
		(struct listen_query){ .protocol = IPPROTO_TCP, .first = 80, .last = 80 };
	fake_start(&f, config);
	ck_assert(f.d->network[0].up);
	ck_assert_uint_eq(fake_host->publishes, 1);
	check_rule(0, 81, fake_host->published[0].to, 81);
	ck_assert_str_eq(f.d->publishes.at[0].why_not,
			 "tcp:80 is taken by process nginx (pid 812)");
	fake_host->listening.protocol = 0;
	fake_pass(&f, 11); /* it is tried again every ten seconds */
	fake_turn(&f);
	ck_assert_uint_eq(fake_host->publishes, 2);
	ck_assert_str_eq(f.d->publishes.at[0].why_not, "");
}
END_TEST

START_TEST(what_was_promised_comes_before_what_is_configured)
{
	static const char config[] = CONFIG("publish { guest = web2 port = tcp:80 }");

	fake_attach(&f, "web1", 0);
	fake_attach(&f, "web2", 0);
	publish_it("web1", "tcp:80");
	fake_stop(&f);
	fake_start(&f, config);
	ck_assert_uint_eq(fake_host->publishes, 1);
	ck_assert_uint_eq(fake_host->published[0].to, port_find(f.d, 0, "web1", 0)->address);
	release("web1");
	fake_tick(&f, NS_PER_S); /* what waits is looked at soon */
	fake_turn(&f);
	ck_assert_uint_eq(fake_host->publishes, 1);
	ck_assert_uint_eq(fake_host->published[0].to, port_find(f.d, 0, "web2", 0)->address);
}
END_TEST

/* --- what fails --- */

START_TEST(every_step_is_undone)
{
	unsigned n;

	fake_attach(&f, "web1", 0);
	fake_turn(&f);
	for (n = 1; n < 16; n++) {
		char before[200], after[200];
		struct publish_change *c;
		struct refusal r;
		int rc;

		fake_dump(before, sizeof(before));
		fake_fail(n);
		rc = try("web1", "tcp:8080:80", &c, &r);
		fake_fail(0);
		if (!rc) {
			fake_turn(&f);
			publish_settled(c);
			break;
		}
		ck_assert_int_eq(r.kind, REFUSED_SYSTEM);
		ck_assert_ptr_nonnull(strstr(r.detail.text, "was made to fail"));
		fake_tick(&f, NS_PER_S);
		ck_assert_uint_eq(f.d->publishes.n, 0);
		ck_assert_uint_eq(rows(), 0);
		ck_assert(!localnet());
		ck_assert_str_eq(fake_dump(after, sizeof(after)), before);
	}
	ck_assert_uint_ge(n, 4); /* listeners, elements, route_localnet */
	ck_assert_uint_lt(n, 16);
	ck_assert_uint_eq(fake_host->publishes, 1);
	ck_assert_uint_eq(rows(), 1);
}
END_TEST

static void limit_files(rlim_t size)
{
	struct rlimit limit = { size, RLIM_INFINITY };

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* As the outbox does it, in a turn that cannot be stored. */
static void take_back(struct publish_change *c)
{
	limit_files(0);
	ck_assert_int_lt(store_commit(f.d->store, &unit_err), 0);
	limit_files(RLIM_INFINITY);
	publish_taken_back(c);
	fake_turn(&f);
}

START_TEST(what_is_not_stored_is_taken_back)
{
	struct publish_change *c;
	struct release *gone;
	struct ticket ticket;
	struct refusal r;

	fake_attach(&f, "web1", 0);
	fake_turn(&f);
	ck_assert_int_eq(try("web1", "tcp:8080:80", &c, &r), 0);
	ck_assert_uint_eq(fake_host->publishes, 1);
	take_back(c);
	ck_assert_uint_eq(fake_host->publishes, 0);
	ck_assert_uint_eq(f.d->publishes.n, 0);
	publish_it("web1", "tcp:8080:80");
	ck_assert_int_eq(unpublish_it("web1", "tcp:8080", &c, &r), 0);
	ck_assert_uint_eq(fake_host->publishes, 0);
	take_back(c);
	ck_assert_uint_eq(fake_host->publishes, 1);
	ck_assert_uint_eq(rows(), 1);
	/* And a release. */
	ck_assert_int_eq(port_release(f.d, "web1", -1, &gone, &ticket, &r), 0);
	published_follow(f.d);
	ck_assert_uint_eq(fake_host->publishes, 0);
	limit_files(0);
	ck_assert_int_lt(store_commit(f.d->store, &unit_err), 0);
	limit_files(RLIM_INFINITY);
	port_unreleased(f.d, gone);
	fake_turn(&f);
	ck_assert_uint_eq(fake_host->publishes, 1);
	ck_assert_uint_eq(rows(), 1);
	ck_assert(localnet());
}
END_TEST

/* Released, attached and published again in one turn. */
START_TEST(a_port_changes_hands_within_a_turn)
{
	struct publish_change *c;
	struct release *gone;
	struct ticket ticket;
	struct refusal r;

	fake_attach(&f, "web1", 0x0a4d0032);
	fake_attach(&f, "web2", 0x0a4d0033);
	publish_it("web1", "tcp:8080:80");
	ck_assert_int_eq(port_release(f.d, "web1", -1, &gone, &ticket, &r), 0);
	ck_assert_int_eq(try("web2", "tcp:8080:81", &c, &r), 0);
	check_rule(0, 8080, 0x0a4d0033, 81);
	fake_turn(&f);
	port_released(f.d, gone);
	publish_settled(c);
	fake_turn(&f);
	ck_assert_uint_eq(fake_host->publishes, 1);
	ck_assert_uint_eq(rows(), 1);
	check_rule(0, 8080, 0x0a4d0033, 81);
}
END_TEST

/* Elements that cannot be changed are no reason to do without: the rules are made anew. */
START_TEST(a_change_that_fails_is_made_up_for)
{
	struct port *p = fake_attach(&f, "web1", 0x0a4d0032);

	publish_it("web1", "tcp:8080:80");
	fake_link_gone(p->ifindex);
	fake_turn(&f);
	p->address = 0x0a4d0040;
	fake_fail(1);
	fake_turn(&f);
	fake_fail(0);
	fake_tick(&f, NS_PER_S);
	fake_turn(&f);
	ck_assert_uint_eq(fake_host->publishes, 1);
	check_rule(0, 8080, 0x0a4d0040, 80);
	p->address = 0x0a4d0032;
}
END_TEST

UNIT_SUITE(netd_publish)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, follows_a_changed_address);
	tcase_add_test(tc, goes_with_the_release);
	tcase_add_test(tc, one_that_is_configured_waits_for_its_guest);
	tcase_add_test(tc, is_there_after_a_restart_and_a_reload);
	tcase_add_test(tc, reflects_where_the_bridge_calls_ip);
	tcase_add_test(tc, refused_with_who_has_it);
	tcase_add_test(tc, unpublish_says_what_is_not_published);
	tcase_add_test(tc, a_reload_is_refused_with_who);
	tcase_add_test(tc, at_a_start_the_network_comes_up_without_it);
	tcase_add_test(tc, what_was_promised_comes_before_what_is_configured);
	tcase_add_test(tc, every_step_is_undone);
	tcase_add_test(tc, what_is_not_stored_is_taken_back);
	tcase_add_test(tc, a_port_changes_hands_within_a_turn);
	tcase_add_test(tc, a_change_that_fails_is_made_up_for);
}

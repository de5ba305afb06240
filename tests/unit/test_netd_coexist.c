/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What netd makes of the rules that are in its guests' way, and when it looks. */
#include "doctor.h"
#include "fake_host.h"
#include "unit.h"

#define CONFIG                                                                                     \
	"mac { secret = test }\n"                                                                  \
	"network default { subnet = 10.77.0.1/24 }\n"                                              \
	"network cell { mode = isolated subnet = 10.78.0.1/24 }\n"

static struct fake_daemon f;

static void setup(void)
{
	f = (struct fake_daemon){ 0 };
	fake_start(&f, CONFIG);
}

static void teardown(void)
{
	fake_stop(&f);
	fake_remove(&f);
}

static void say(enum foreign_severity severity, const char *what)
{
	struct foreign_finding *to = &fake_host->report.finding[fake_host->report.findings++];

	*to = (struct foreign_finding){ .severity = severity };
	snprintf(to->what, sizeof(to->what), "%s", what);
	snprintf(to->command, sizeof(to->command), "mend %s", what);
	snprintf(to->rule, sizeof(to->rule), "rule %s", what);
}

/* The detail of the n-th event of this kind; "" when there are fewer. */
static const char *told(unsigned n)
{
	for (uint64_t i = events_oldest(&f.d->events); i < f.d->events.next; i++) {
		const struct event *e = event_get(&f.d->events, i);

		if (e->kind == EVENT_FOREIGN_FIREWALL && !n--)
			return e->detail;
	}
	return "";
}

START_TEST(is_told_when_it_appears_and_goes)
{
	const struct finding *found;
	unsigned n;

	say(FOREIGN_BREAKS, "a");
	say(FOREIGN_MAY, "b");
	coexist_run(f.d);
	coexist_run(f.d);
	ck_assert_str_eq(told(0), "a; mend a");
	ck_assert_str_eq(told(1), "");
	found = coexist_findings(f.d, &n);
	ck_assert_uint_eq(n, 2);
	ck_assert_int_eq(found[0].severity, FINDING_BREAKS);
	ck_assert_str_eq(found[0].network, "default");
	ck_assert_str_eq(found[0].why, "rule a");
	ck_assert_int_eq(found[1].severity, FINDING_MAY);
	fake_host->report.findings = 0;
	say(FOREIGN_BREAKS, "c");
	coexist_run(f.d);
	ck_assert_str_eq(told(1), "a: no longer");
	ck_assert_str_eq(told(2), "c; mend c");
	fake_host->report.findings = 0;
	coexist_run(f.d);
	ck_assert_str_eq(told(3), "c: no longer");
	coexist_findings(f.d, &n);
	ck_assert_uint_eq(n, 0);
}
END_TEST

/* It is not known that it is gone. */
START_TEST(stays_while_nothing_can_be_read)
{
	unsigned n;

	say(FOREIGN_BREAKS, "a");
	coexist_run(f.d);
	fake_host->report.findings = 0;
	fake_fail(1);
	coexist_run(f.d);
	coexist_findings(f.d, &n);
	ck_assert_uint_eq(n, 1);
	fake_fail(0);
	fake_pass(&f, 2); /* it tries again by itself */
	ck_assert_str_eq(told(1), "a: no longer");
}
END_TEST

START_TEST(looks_at_start_and_on_reload)
{
	unsigned before = fake_host->checks;
	struct refusal r;

	ck_assert_uint_eq(before, 1);
	ck_assert_int_eq(fake_reload(&f, CONFIG, &r), 0);
	ck_assert_uint_eq(fake_host->checks, before + 1);
}
END_TEST

/* Who changes rules a thousand times a second is looked at once a second. */
START_TEST(later_is_once)
{
	unsigned before;

	fake_pass(&f, 2);
	fake_turn(&f);
	before = fake_host->checks;
	for (unsigned i = 0; i < 5000; i++) {
		coexist_later(f.d);
		fake_tick(&f, NS_PER_S / 1000);
	}
	ck_assert_uint_ge(fake_host->checks - before, 4);
	ck_assert_uint_le(fake_host->checks - before, 6);
	fake_pass(&f, 2);
	before = fake_host->checks;
	fake_pass(&f, 60);
	ck_assert_uint_eq(fake_host->checks, before);
	coexist_later(f.d);
	fake_tick(&f, NS_PER_S / 4);
	ck_assert_uint_eq(fake_host->checks, before + 1);
}
END_TEST

/* DNS of the host is asked about where guests are told to use it. */
START_TEST(asks_about_networks)
{
	struct refusal r;

	ck_assert_str_eq(fake_host->asked[0].name, "default");
	ck_assert_str_eq(fake_host->asked[0].bridge, "nd-default");
	ck_assert_uint_eq(fake_host->asked[0].bridge_index, fake_link_find("nd-default")->index);
	ck_assert_uint_eq(fake_host->asked[0].subnet.addr, 0x0a4d0001);
	ck_assert(!fake_host->asked[0].host_dns);
	ck_assert_int_eq(fake_host->asked[1].mode, BRIDGE_MODE_ISOLATED);
	ck_assert_int_eq(fake_reload(&f,
				     "network default { subnet = 10.77.0.1/24 "
				     "dns = { 192.0.2.53, 10.77.0.1 } }\n"
				     "network cell { subnet = 10.78.0.1/24 dns = 10.77.0.1 }",
				     &r),
			 0);
	ck_assert(fake_host->asked[0].host_dns);
	ck_assert(!fake_host->asked[1].host_dns);
}
END_TEST

/* Only networks that go out pass Docker's chain. */
START_TEST(docker)
{
	struct refusal r;

	ck_assert_uint_eq(fake_host->docker, 0);
	ck_assert_int_eq(fake_reload(&f, "coexist = docker\n" CONFIG, &r), 0);
	ck_assert_uint_eq(fake_host->docker, 1);
	fake_host->docker = 0; /* flushed */
	coexist_run(f.d);
	ck_assert_uint_eq(fake_host->docker, 1);
	ck_assert_int_eq(fake_reload(&f, CONFIG, &r), 0);
	ck_assert_uint_eq(fake_host->docker, 0);
	fake_host->docker = 5; /* somebody else's, from now on */
	coexist_run(f.d);
	ck_assert_uint_eq(fake_host->docker, 5);
}
END_TEST

UNIT_SUITE(netd_coexist)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, is_told_when_it_appears_and_goes);
	tcase_add_test(tc, stays_while_nothing_can_be_read);
	tcase_add_test(tc, looks_at_start_and_on_reload);
	tcase_add_test(tc, later_is_once);
	tcase_add_test(tc, asks_about_networks);
	tcase_add_test(tc, docker);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Links of ports that are set down on request: what stays down, and what is put back. */
#include "fake_host.h"
#include "unit.h"

#define CONFIG                                                                                     \
	"mac { secret = test }\n"                                                                  \
	"network default { subnet = 10.77.0.1/24 dns = 192.0.2.53 }\n"

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

static const struct rtnl_link *device(const struct port *p)
{
	return fake_link_find(p->ifname);
}

static int plug(const char *guest, int64_t nic, bool up, struct refusal *r)
{
	struct ticket ticket;
	struct plugging *g;
	int rc = port_plug(f.d, guest, nic, up, &g, &ticket, r);

	fake_turn(&f);
	if (!rc)
		port_plugged(g);
	return rc;
}

static void plugged(const char *guest, bool up)
{
	struct refusal r;

	ck_assert_int_eq(plug(guest, -1, up, &r), 0);
}

static unsigned events(enum event_kind kind)
{
	unsigned n = 0;

	for (uint64_t at = events_oldest(&f.d->events); at < f.d->events.next; at++)
		n += event_get(&f.d->events, at)->kind == kind;
	return n;
}

static void told(const struct rtnl_link *link)
{
	fake_link_told(link);
	fake_tick(&f, NS_PER_S / 50);
	fake_link_told(link);
	fake_tick(&f, NS_PER_S / 50);
}

START_TEST(down_and_up)
{
	struct port *p = fake_attach(&f, "web1", 0), *other = fake_attach(&f, "web2", 0);
	uint64_t next;

	told(device(p));
	ck_assert(device(p)->up);
	plugged("web1", false);
	ck_assert(!device(p)->up);
	ck_assert(device(other)->up);
	ck_assert_uint_eq(events(EVENT_LINK_DOWN), 1);
	/* It is as it should be: nothing is healed. */
	told(device(p));
	ck_assert(!device(p)->up);
	ck_assert_uint_eq(events(EVENT_HEALED), 0);
	next = f.d->events.next;
	plugged("web1", false);
	ck_assert_uint_eq(f.d->events.next, next);
	plugged("web1", true);
	ck_assert(device(p)->up);
	ck_assert_uint_eq(events(EVENT_LINK_UP), 1);
}
END_TEST

START_TEST(others_cannot_set_it_up)
{
	struct port *p = fake_attach(&f, "web1", 0);
	const struct event *e;

	told(device(p));
	plugged("web1", false);
	told(device(p));
	fake_link_find(p->ifname)->up = true;
	told(device(p));
	ck_assert(!device(p)->up);
	ck_assert_uint_eq(events(EVENT_HEALED), 1);
	e = event_get(&f.d->events, f.d->events.next - 1);
	ck_assert_int_eq(e->kind, EVENT_HEALED);
	ck_assert_ptr_nonnull(strstr(e->detail, "was set up"));
}
END_TEST

START_TEST(it_stays_down)
{
	struct port *p = fake_attach(&f, "web1", 0);
	struct release *release;
	struct ticket ticket;
	struct refusal r;

	plugged("web1", false);
	fake_stop(&f);
	fake_start(&f, CONFIG);
	p = port_by_guest(f.d, "web1", 0);
	ck_assert(p->ifindex && p->unplugged);
	ck_assert(!device(p)->up);
	ck_assert_int_eq(port_detach(f.d, "web1", -1, &r), 0);
	p = fake_attach(&f, "web1", 0);
	ck_assert(!device(p)->up);
	ck_assert_int_eq(port_detach(f.d, "web1", -1, &r), 0);
	plugged("web1", true);
	p = fake_attach(&f, "web1", 0);
	ck_assert(device(p)->up);
	/* What is released is forgotten. */
	plugged("web1", false);
	ck_assert_int_eq(port_release(f.d, "web1", -1, &release, &ticket, &r), 0);
	fake_turn(&f);
	port_released(f.d, release);
	p = fake_attach(&f, "web1", 0);
	ck_assert(device(p)->up);
	fake_stop(&f);
	fake_start(&f, CONFIG);
	ck_assert(!port_by_guest(f.d, "web1", 0)->unplugged);
}
END_TEST

START_TEST(refusals)
{
	struct refusal r;

	fake_attach(&f, "web1", 0);
	ck_assert_int_eq(plug("web2", -1, false, &r), -1);
	ck_assert_int_eq(r.kind, REFUSED_NO_GUEST);
	ck_assert_str_eq(r.subject, "web2");
	ck_assert_int_eq(plug("web1", 1, false, &r), -1);
	ck_assert_int_eq(r.kind, REFUSED_NO_GUEST);
	ck_assert_str_eq(r.subject, "web1/1");
}
END_TEST

START_TEST(a_failure_is_undone)
{
	struct port *p = fake_attach(&f, "web1", 0);
	struct ticket ticket;
	struct plugging *g;
	struct refusal r;

	fake_fail(1);
	ck_assert_int_eq(plug("web1", -1, false, &r), -1);
	fake_fail(0);
	ck_assert_int_eq(r.kind, REFUSED_SYSTEM);
	ck_assert_ptr_nonnull(strstr(r.detail.text, "was made to fail"));
	ck_assert(!p->unplugged);
	ck_assert(device(p)->up);
	/* What was not durable is taken back. */
	ck_assert_int_eq(port_plug(f.d, "web1", -1, false, &g, &ticket, &r), 0);
	port_unplugged(g);
	ck_assert(!p->unplugged);
	ck_assert(device(p)->up);
	ck_assert_uint_eq(events(EVENT_LINK_DOWN), 0);
}
END_TEST

UNIT_SUITE(netd_plug)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, down_and_up);
	tcase_add_test(tc, others_cannot_set_it_up);
	tcase_add_test(tc, it_stays_down);
	tcase_add_test(tc, refusals);
	tcase_add_test(tc, a_failure_is_undone);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rates of ports: which one holds, what is made of it on a host in memory, and what becomes of the
 * links by which it is. */
#include "fake_host.h"
#include "unit.h"

#define NETWORK(more)                                                                              \
	"mac { secret = test }\n"                                                                  \
	"network default { subnet = 10.77.0.1/24 dns = 192.0.2.53 " more " }\n"
#define BOTH NETWORK("rate { in = 100mbit out = 50mbit }")

static struct fake_daemon f;

static void setup(void)
{
	f = (struct fake_daemon){ 0 };
	fake_start(&f, BOTH);
}

static void teardown(void)
{
	if (f.d)
		fake_stop(&f);
	fake_remove(&f);
}

static uint64_t in_of(const struct port *p)
{
	return fake_host->rate[p->ifindex % FAKE_LINKS].bits;
}

static const struct rtnl_link *ifb_of(const struct port *p)
{
	uint32_t index = fake_host->redirect[p->ifindex % FAKE_LINKS];

	for (unsigned i = 0; i < FAKE_LINKS; i++)
		if (index && fake_host->link[i].index == index)
			return &fake_host->link[i];
	return NULL;
}

static uint64_t out_of(const struct port *p)
{
	const struct rtnl_link *ifb = ifb_of(p);

	return ifb ? fake_host->rate[ifb->index % FAKE_LINKS].bits : 0;
}

static unsigned ifbs(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < FAKE_LINKS; i++)
		n += fake_host->link[i].index && !strcmp(fake_host->link[i].kind, "ifb");
	return n;
}

static void reload(const char *config)
{
	struct refusal r;

	ck_assert_msg(!fake_reload(&f, config, &r), "%s", r.detail.text);
}

static void reconciled(void)
{
	ck_ok(reconcile(f.d, &unit_err));
	fake_turn(&f);
}

static unsigned healed(void)
{
	unsigned n = 0;

	for (uint64_t at = events_oldest(&f.d->events); at < f.d->events.next; at++)
		n += event_get(&f.d->events, at)->kind == EVENT_HEALED;
	return n;
}

START_TEST(of_an_attach)
{
	struct port *p = fake_attach(&f, "web1", 0);
	struct refusal r;

	ck_assert_uint_eq(in_of(p), 100000000);
	ck_assert_uint_eq(out_of(p), 50000000);
	ck_assert_str_eq(ifb_of(p)->alias, "netd:default/web1/0#ifb");
	ck_assert(ifb_of(p)->up);
	ck_assert_uint_eq(ifbs(), 1);
	ck_assert_int_eq(port_detach(f.d, "web1", -1, &r), 0);
	ck_assert_uint_eq(ifbs(), 0);
}
END_TEST

START_TEST(of_a_guest_that_ends)
{
	struct port *p = fake_attach(&f, "web1", 0);

	fake_link_gone(p->ifindex);
	fake_turn(&f);
	ck_assert_uint_eq(ifbs(), 0);
}
END_TEST

/* Of each member the guest's, or the network's. */
START_TEST(which_one)
{
	struct port *a, *b, *c;

	reload(NETWORK("rate { in = 100mbit out = 50mbit burst = 300kb }\n"
		       "host a { rate { in = 1gbit } }\n"
		       "host b { rate { in = unlimited out = unlimited } }\n"));
	a = fake_attach(&f, "a", 0);
	b = fake_attach(&f, "b", 0);
	c = fake_attach(&f, "c", 0);
	ck_assert_uint_eq(in_of(a), 1000000000);
	ck_assert_uint_eq(out_of(a), 50000000);
	ck_assert_uint_eq(fake_host->rate[a->ifindex].burst, 300000);
	ck_assert_uint_eq(in_of(b), 0);
	ck_assert_ptr_null(ifb_of(b));
	ck_assert_uint_eq(in_of(c), 100000000);
	ck_assert_uint_eq(ifbs(), 2);
}
END_TEST

/* A frame as large as the MTU has to get through; 10 ms at once, and 50 that wait. */
START_TEST(sizes)
{
	struct port *p = fake_attach(&f, "web1", 0);

	ck_assert_uint_eq(fake_host->rate[p->ifindex].burst, 125000);
	ck_assert_uint_eq(fake_host->rate[p->ifindex].limit, 125000 + 625000);
	reload(NETWORK("rate { in = 8kbit }"));
	ck_assert_uint_eq(fake_host->rate[p->ifindex].burst, 16384);
	ck_assert_uint_eq(fake_host->rate[p->ifindex].limit, 16384 + 65536);
	reload(NETWORK("mtu = 65521 rate { in = 8kbit burst = 2kb }"));
	ck_assert_uint_eq(fake_host->rate[p->ifindex].burst, 65521 + 64);
	reload(NETWORK("rate { in = 400gbit }"));
	ck_assert_uint_eq(fake_host->rate[p->ifindex].burst, 500000000);
	ck_assert_uint_eq(fake_host->rate[p->ifindex].limit, 3000000000U);
}
END_TEST

START_TEST(of_a_reload)
{
	struct port *p = fake_attach(&f, "web1", 0);
	uint32_t ifb = ifb_of(p)->index;

	reload(NETWORK("rate { in = 200mbit out = 60mbit }"));
	ck_assert_uint_eq(in_of(p), 200000000);
	ck_assert_uint_eq(out_of(p), 60000000);
	ck_assert_uint_eq(ifb_of(p)->index, ifb);
	reload(NETWORK("rate { out = 60mbit }"));
	ck_assert_uint_eq(in_of(p), 0);
	ck_assert_uint_eq(out_of(p), 60000000);
	reload(NETWORK(""));
	ck_assert_ptr_null(ifb_of(p));
	ck_assert_uint_eq(ifbs(), 0);
	reload(BOTH);
	ck_assert_uint_eq(in_of(p), 100000000);
	ck_assert_uint_eq(out_of(p), 50000000);
	ck_assert_uint_eq(healed(), 0);
}
END_TEST

/* What is as it should be is left alone. */
START_TEST(of_a_restart)
{
	struct port *p = fake_attach(&f, "web1", 0);
	uint32_t ifb = ifb_of(p)->index;

	fake_stop(&f);
	fake_start(&f, BOTH);
	p = port_by_guest(f.d, "web1", 0);
	ck_assert_uint_eq(ifb_of(p)->index, ifb);
	ck_assert_uint_eq(out_of(p), 50000000);
	fake_stop(&f);
	fake_start(&f, NETWORK(""));
	p = port_by_guest(f.d, "web1", 0);
	ck_assert_uint_eq(in_of(p), 0);
	ck_assert_ptr_null(ifb_of(p));
	ck_assert_uint_eq(ifbs(), 0);
	ck_assert_uint_eq(healed(), 0);
}
END_TEST

/* Its guest ended while netd did not run, or netd did before it had a mark. */
START_TEST(left_behind)
{
	struct port *p = fake_attach(&f, "web1", 0);
	struct rtnl_link *ifb, *other, *device = fake_link_find(p->ifname);

	fake_stop(&f);
	*device = (struct rtnl_link){ 0 };
	fake_start(&f, BOTH);
	ck_assert_uint_eq(ifbs(), 0);
	p = fake_attach(&f, "web1", 0);
	ifb = fake_link_find(ifb_of(p)->name);
	device = fake_link_find(p->ifname);
	fake_stop(&f);
	*device = (struct rtnl_link){ 0 };
	ifb->alias[0] = 0;
	ifb->up = false;
	other = fake_link_add("ni0123456789ab");
	memcpy(other->kind, "ifb", sizeof("ifb"));
	fake_start(&f, BOTH);
	/* One that is not netd's stays. */
	ck_assert_uint_eq(ifbs(), 1);
	ck_assert_ptr_nonnull(fake_link_find("ni0123456789ab"));
}
END_TEST

/* A network that is configured no more, whose guest still runs: what it sends goes by its ifb. */
START_TEST(of_a_guest_without_network)
{
	struct port *p = fake_attach(&f, "web1", 0);
	char name[LINK_NAME_SIZE];

	memcpy(name, ifb_of(p)->name, sizeof(name));
	fake_stop(&f);
	fake_start(&f, "mac { secret = test } network other { subnet = 10.78.0.1/24 }");
	ck_assert_ptr_nonnull(fake_link_find(name));
}
END_TEST

START_TEST(it_heals)
{
	struct port *p = fake_attach(&f, "web1", 0);
	struct rtnl_event e = { .kind = RTNL_QDISC_GONE };
	struct rtnl_link *link = fake_link_find(p->ifname);

	fake_link_told(link);
	link->shaped = false;
	fake_host->rate[p->ifindex].bits = 0;
	e.qdisc.index = p->ifindex;
	fake_told(&e);
	fake_tick(&f, NS_PER_S / 50);
	ck_assert_uint_eq(in_of(p), 100000000);
	ck_assert_uint_eq(healed(), 1);
	fake_host->redirect[p->ifindex] = 0;
	e.qdisc.incoming = true;
	fake_told(&e);
	fake_tick(&f, NS_PER_S / 50);
	ck_assert_uint_eq(out_of(p), 50000000);
	ck_assert_uint_eq(healed(), 2);
	fake_link_gone(ifb_of(p)->index);
	fake_tick(&f, NS_PER_S / 50);
	ck_assert_uint_eq(out_of(p), 50000000);
	ck_assert_uint_eq(ifbs(), 1);
	ck_assert_uint_eq(healed(), 3);
	reconciled();
	ck_assert_uint_eq(healed(), 3);
}
END_TEST

/* Every operation on the host that an attach needs fails once, and leaves nothing. */
START_TEST(a_failure_is_undone)
{
	unsigned n = 1;

	for (; n < 64; n++) {
		struct attach_request q = { .guest = "web1", .queues = 1, .vhost = VHOST_OFF };
		char before[160], after[160];
		struct attachment *a;
		struct ticket ticket;
		struct refusal r;
		int rc;

		fake_dump(before, sizeof(before));
		fake_fail(n);
		rc = port_attach(f.d, &q, &a, &ticket, &r);
		fake_fail(0);
		fake_turn(&f);
		if (!rc) {
			port_undelivered(a, true);
			ck_assert_uint_eq(ifbs(), 0);
			break;
		}
		ck_assert_ptr_nonnull(strstr(r.detail.text, "was made to fail"));
		for (unsigned i = 0; i < FAKE_LINKS; i++)
			if (!strcmp(fake_host->link[i].kind, "tun"))
				fake_host->link[i] = (struct rtnl_link){ 0 };
		ck_assert_str_eq(fake_dump(after, sizeof(after)), before);
	}
	ck_assert_uint_ge(n, 9);
	ck_assert_uint_lt(n, 64);
}
END_TEST

/* A rate that cannot be made at a reload is made later. */
START_TEST(later)
{
	struct port *p = fake_attach(&f, "web1", 0);
	unsigned n = 1;

	/* The first operation of which the failure is that of the new rate. */
	for (; n < 64; n++) {
		struct refusal r;

		reload(BOTH);
		fake_fail(n);
		ck_assert_int_ge(fake_reload(&f, NETWORK("rate { in = 9mbit }"), &r), -1);
		fake_fail(0);
		if (f.d->rates_wait)
			break;
	}
	ck_assert_uint_lt(n, 64);
	fake_pass(&f, 11);
	ck_assert_uint_eq(in_of(p), 9000000);
	ck_assert(!f.d->rates_wait);
}
END_TEST

UNIT_SUITE(netd_rates)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, of_an_attach);
	tcase_add_test(tc, of_a_guest_that_ends);
	tcase_add_test(tc, which_one);
	tcase_add_test(tc, sizes);
	tcase_add_test(tc, of_a_reload);
	tcase_add_test(tc, of_a_restart);
	tcase_add_test(tc, left_behind);
	tcase_add_test(tc, of_a_guest_without_network);
	tcase_add_test(tc, it_heals);
	tcase_add_test(tc, a_failure_is_undone);
	tcase_add_test(tc, later);
}

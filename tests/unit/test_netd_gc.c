/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is left over: the judgement, and what becomes of it on a host. */
#include "fake_host.h"
#include "gc.h"
#include "unit.h"

/* --- the judgement --- */

#define TAP                                                                                        \
	{                                                                                          \
		.index = 7, .name = "nt0", .kind = "tun", .persistent = true                       \
	}
#define VETH                                                                                       \
	{                                                                                          \
		.index = 7, .name = "nt0", .kind = "veth"                                          \
	}
#define PORT                                                                                       \
	{                                                                                          \
		"blue", "web1", 0                                                                  \
	}

static const struct {
	const char *what;
	struct rtnl_link link;
	struct gc_link l;
	const char *why, *kept; /* NULL: it is not left over */
} links[] = {
	{ "a port's own",
	  TAP,
	  { .mark = PORT, .own = true, .port = true, .idle = -1 },
	  NULL,
	  NULL },
	{ "idle, within grace",
	  TAP,
	  { .mark = PORT, .own = true, .port = true, .idle = 59, .grace = 60 },
	  NULL,
	  NULL },
	{ "idle for too long",
	  TAP,
	  { .mark = PORT, .own = true, .port = true, .idle = 60, .grace = 60 },
	  "nobody has had it open for 60 s",
	  "" },
	{ "idle, but open",
	  TAP,
	  { .mark = PORT,
	    .own = true,
	    .port = true,
	    .idle = 60,
	    .grace = 60,
	    .holder = "x (pid 1)" },
	  NULL,
	  NULL },
	{ "of a network that could not be loaded",
	  TAP,
	  { .mark = PORT, .configured = true },
	  NULL,
	  NULL },
	{ "of no port",
	  TAP,
	  { .mark = PORT, .configured = true, .loaded = true },
	  "there is no allocation of web1/0",
	  "" },
	{ "of a port without a device",
	  VETH,
	  { .mark = PORT, .configured = true, .loaded = true, .port = true },
	  "it is not of port web1/0",
	  "" },
	{ "of a port with another device",
	  VETH,
	  { .mark = PORT, .configured = true, .loaded = true, .port = true, .other = "nt9" },
	  "port web1/0 has interface nt9",
	  "" },
	{ "of no network", TAP, { .mark = PORT }, "network blue is not configured", "" },
	{ "of no network, open",
	  TAP,
	  { .mark = PORT, .holder = "qemu (pid 12)" },
	  "network blue is not configured",
	  "qemu (pid 12) has it open" },
	{ "of no network, of descriptors",
	  { .index = 7, .name = "nt0", .kind = "tun" },
	  { .mark = PORT },
	  "network blue is not configured",
	  "somebody has it open" },
	{ "of no network, with a carrier",
	  { .index = 7, .name = "nt0", .kind = "tun", .persistent = true, .carrier = true },
	  { .mark = PORT },
	  "network blue is not configured",
	  "somebody has it open" },
	{ "a container's of no network",
	  VETH,
	  { .mark = PORT },
	  "network blue is not configured",
	  "its other end may be in use" },
	{ "without a mark", VETH, { .idle = -1 }, "its attach was not finished", "" },
	{ "of another kind",
	  { .index = 7, .name = "ifb0", .kind = "ifb" },
	  { .mark = PORT },
	  NULL,
	  NULL },
};

START_TEST(judges_links)
{
	struct gc_link l = links[_i].l;
	struct gc_item item = { 0 };
	bool left;

	l.link = &links[_i].link;
	left = gc_judge_link(&l, &item);
	ck_assert_msg(left == (links[_i].why != NULL), "%s", links[_i].what);
	if (!left)
		return;
	ck_assert_str_eq(item.why, links[_i].why);
	ck_assert_str_eq(item.kept, links[_i].kept);
	ck_assert_str_eq(item.name, "nt0");
	ck_assert_uint_eq(item.index, 7);
}
END_TEST

START_TEST(judges_bridges_and_rows)
{
	struct rtnl_link link = { .index = 3, .name = "nd-old", .kind = "bridge" };
	struct gc_bridge b = { .link = &link, .network = "old", .configured = true };
	struct gc_rows r = { .network = "old", .configured = true, .allocations = 3, .leases = 2 };
	struct gc_item item;

	ck_assert(!gc_judge_bridge(&b, &item));
	ck_assert(!gc_judge_rows(&r, &item));
	b.configured = r.configured = false;
	ck_assert(gc_judge_bridge(&b, &item));
	ck_assert_str_eq(item.why, "network old is not configured");
	ck_assert_str_eq(item.kept, "");
	ck_assert(gc_judge_rows(&r, &item));
	ck_assert_str_eq(item.why, "network old is not configured: 3 allocations, 2 leases");
	b.port = r.port = "eth7";
	ck_assert(gc_judge_bridge(&b, &item));
	ck_assert_str_eq(item.kept, "eth7 is in it");
	ck_assert(gc_judge_rows(&r, &item));
	ck_assert_str_eq(item.kept, "eth7 is still there");
}
END_TEST

/* --- on a host --- */

#define BOTH                                                                                       \
	"mac { secret = test }\n"                                                                  \
	"network default { subnet = 10.77.0.1/24 dns = 192.0.2.53 }\n"                             \
	"network old { subnet = 10.78.0.1/24 dns = 192.0.2.53 }\n"
#define ONE                                                                                        \
	"mac { secret = test }\n"                                                                  \
	"network default { subnet = 10.77.0.1/24 dns = 192.0.2.53 }\n"

static struct fake_daemon f;

static void setup(void)
{
	f = (struct fake_daemon){ 0 };
	fake_start(&f, BOTH);
}

static void teardown(void)
{
	fake_stop(&f);
	fake_remove(&f);
}

static void attach_tap(const char *network, const char *guest)
{
	struct attach_request q = {
		.network = network, .guest = guest, .queues = 1, .device = PORT_TAP, .netns = -1
	};
	struct attachment *a;
	struct ticket ticket;
	struct refusal r;

	ck_assert_int_eq(port_attach(f.d, &q, &a, &ticket, &r), 0);
	fake_turn(&f);
	port_delivered(a);
}

static struct gc_list found(void)
{
	struct gc_list l;

	ck_ok(gc_find(f.d, &l, &unit_err));
	return l;
}

static void check_nothing(void)
{
	struct gc_list l = found();

	ck_assert_uint_eq(l.n, 0);
	gc_list_done(&l);
}

START_TEST(nothing_is_left_over)
{
	attach_tap("default", "web1");
	attach_tap("old", "web2");
	fake_attach(&f, "web3", 0);
	fake_link_add("foreign0");
	check_nothing();
}
END_TEST

START_TEST(all_of_a_network_goes)
{
	struct ticket ticket = store_ticket(f.d->store);
	struct gc_list l;

	attach_tap("old", "web2");
	attach_tap("default", "web1");
	fake_stop(&f);
	fake_start(&f, ONE);
	ck_assert_ptr_nonnull(fake_link_find("nd-old"));
	l = found();
	ck_assert_uint_eq(l.n, 3);
	ck_assert_int_eq(l.item[0].kind, GC_INTERFACE);
	ck_assert_int_eq(l.item[1].kind, GC_BRIDGE);
	ck_assert_int_eq(l.item[2].kind, GC_ROWS);
	ck_assert_str_eq(l.item[2].why, "network old is not configured: 1 allocations, 0 leases");
	for (unsigned i = 0; i < 3; i++)
		ck_assert_str_eq(l.item[i].kept, "");
	gc_remove(f.d, &l, &ticket);
	fake_turn(&f);
	for (unsigned i = 0; i < 3; i++)
		ck_assert(l.item[i].removed);
	gc_list_done(&l);
	ck_assert_ptr_null(fake_link_find("nd-old"));
	ck_assert_uint_ne(port_find(f.d, 0, "web1", 0)->ifindex, 0);
	check_nothing();
}
END_TEST

/* A process has it open: so it stays, and with it its bridge and rows. */
START_TEST(what_is_used_stays)
{
	struct ticket ticket = store_ticket(f.d->store);
	struct gc_list l;

	attach_tap("old", "web2");
	fake_stop(&f);
	fake_start(&f, ONE);
	fake_host->opener = "crosvm (pid 5)";
	l = found();
	ck_assert_uint_eq(l.n, 3);
	ck_assert_str_eq(l.item[0].kept, "crosvm (pid 5) has it open");
	ck_assert_ptr_nonnull(strstr(l.item[1].kept, " is in it"));
	ck_assert_ptr_nonnull(strstr(l.item[2].kept, " is still there"));
	gc_remove(f.d, &l, &ticket);
	for (unsigned i = 0; i < 3; i++)
		ck_assert(!l.item[i].removed);
	gc_list_done(&l);
	ck_assert_ptr_nonnull(fake_link_find("nd-old"));
}
END_TEST

/* Whatever fails: what could not be removed says why, and is found again. */
START_TEST(failures_are_said)
{
	attach_tap("old", "web2");
	fake_stop(&f);
	fake_start(&f, ONE);
	for (unsigned n = 1; n < 3; n++) { /* the interface, then the bridge */
		struct ticket ticket = store_ticket(f.d->store);
		struct gc_list l = found();

		fake_fail(n);
		gc_remove(f.d, &l, &ticket);
		fake_fail(0);
		for (unsigned i = 0; n == 1 && i < 3; i++)
			ck_assert(!l.item[i].removed);
		ck_assert_ptr_nonnull(strstr(l.item[n - 1].kept, "was made to fail"));
		ck_assert_str_ne(l.item[2].kept, "");
		gc_list_done(&l);
	}
	fake_fail(1);
	ck_assert_int_lt(gc_find(f.d, &(struct gc_list){ 0 }, &unit_err), 0);
	fake_fail(0);
}
END_TEST

START_TEST(rested_macs)
{
	struct ticket ticket = store_ticket(f.d->store);
	struct release *release;
	struct refusal r;
	struct gc_list l;

	fake_attach(&f, "web1", 0);
	ck_assert_int_eq(port_release(f.d, "web1", 0, &release, &ticket, &r), 0);
	port_released(f.d, release);
	fake_turn(&f);
	check_nothing();
	fake_pass(&f, 86400);
	l = found();
	ck_assert_uint_eq(l.n, 1);
	ck_assert_str_eq(l.item[0].why, "1 have rested for long enough");
	gc_remove(f.d, &l, &ticket);
	gc_list_done(&l);
	fake_turn(&f);
	check_nothing();
}
END_TEST

UNIT_SUITE(netd_gc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, judges_links, 0, ARRAY_SIZE(links));
	tcase_add_test(tc, judges_bridges_and_rows);
	tcase_add_test(tc, nothing_is_left_over);
	tcase_add_test(tc, all_of_a_network_goes);
	tcase_add_test(tc, what_is_used_stays);
	tcase_add_test(tc, failures_are_said);
	tcase_add_test(tc, rested_macs);
}

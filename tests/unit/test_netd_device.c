/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices that outlive netd: veth pairs and TAPs that are opened by name, and what is left of them.
 */
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
	if (f.d)
		fake_stop(&f);
	fake_remove(&f);
}

static struct attach_request request(const char *guest, enum port_device device)
{
	return (struct attach_request){ .guest = guest,
					.queues = 1,
					.device = device,
					.user = 1000,
					.netns = device == PORT_VETH ? FAKE_NETNS : -1 };
}

static int attach(const struct attach_request *q, struct attachment **ret, struct refusal *r)
{
	struct ticket ticket;

	return port_attach(f.d, q, ret, &ticket, r);
}

static struct port *attached(const char *guest, enum port_device device)
{
	struct attach_request q = request(guest, device);
	struct attachment *a;
	struct refusal r;

	ck_assert_msg(attach(&q, &a, &r) == 0, "%s %s", r.holder, r.detail.text);
	fake_turn(&f);
	port_delivered(a);
	return port_find(f.d, 0, guest, 0);
}

static struct rtnl_link *link_of(const struct port *p)
{
	for (unsigned i = 0; i < FAKE_LINKS; i++)
		if (p->ifindex && fake_host->link[i].index == p->ifindex)
			return &fake_host->link[i];
	return NULL;
}

static unsigned count_links(const char *kind)
{
	unsigned n = 0;

	for (unsigned i = 0; i < FAKE_LINKS; i++)
		n += fake_host->link[i].index && !strcmp(fake_host->link[i].kind, kind);
	return n;
}

enum { WITHIN = PORT_VETH + 1 }; /* a TAP in a network namespace */

static const char *const kinds[] = { [PORT_TAP] = "tun", [PORT_VETH] = "veth" };

/* --- attach --- */

START_TEST(every_step_is_undone)
{
	enum port_device device = _i == WITHIN ? PORT_TAP : (enum port_device)_i;
	struct attach_request q = request("web1", device);
	unsigned n;

	if (_i == WITHIN)
		q.netns = FAKE_NETNS;

	for (n = 1;; n++) {
		char before[160], after[160];
		struct attachment *a;
		struct refusal r;
		int rc;

		fake_dump(before, sizeof(before));
		fake_fail(n);
		rc = attach(&q, &a, &r);
		fake_fail(0);
		fake_turn(&f);
		if (rc == 0) {
			ck_assert_uint_eq(a->queues, 0);
			port_undelivered(a, true);
		} else {
			ck_assert_ptr_nonnull(
				strstr(r.kind == REFUSED_PARAMETER ? r.holder : r.detail.text,
				       "was made to fail"));
		}
		fake_turn(&f);
		ck_assert_str_eq(fake_dump(after, sizeof(after)), before);
		ck_assert_uint_eq(f.d->ports.used, 0);
		ck_assert_uint_eq(dhcp_pool_used(f.d->network[0].pool), 0);
		if (rc == 0)
			break;
	}
	ck_assert_uint_ge(n, 7);
}
END_TEST

START_TEST(veth_is_made)
{
	struct port *p = attached("web1", PORT_VETH);
	const struct rtnl_link *link = link_of(p);

	ck_assert_str_eq(link->kind, "veth");
	ck_assert_str_eq(link->alias, "netd:default/web1/0");
	ck_assert(!link->unfinished);
	ck_assert_uint_eq(link->master, f.d->network[0].bridge_index);
	ck_assert_str_eq(fake_host->configured.name, "eth0");
	ck_assert_uint_eq(fake_host->configured.address.addr, p->address);
	ck_assert_uint_eq(fake_host->configured.address.len, 24);
	ck_assert_uint_eq(fake_host->configured.gateway, 0x0a4d0001);
	ck_assert_uint_eq(fake_host->elements, 1);
}
END_TEST

static uint32_t guarded;

static void see_guard(const struct nft_port *port, bool added)
{
	const struct rtnl_link *link = NULL;

	for (unsigned i = 0; added && i < FAKE_LINKS && !link; i++)
		if (fake_host->link[i].index == port->ifindex)
			link = &fake_host->link[i];
	if (!added)
		return;
	guarded = port->ifindex;
	ck_assert(link && !link->master && !link->up);
}

/* The other end is its user's from the beginning, who may send as soon as ours is in the bridge. */
START_TEST(rules_come_first)
{
	const struct port *p;

	fake_host->see_port = see_guard;
	p = attached("web1", PORT_VETH);
	ck_assert_uint_eq(guarded, p->ifindex);
	ck_assert_uint_ne(link_of(p)->master, 0);
	fake_host->see_port = NULL;
}
END_TEST

START_TEST(tap_is_made)
{
	struct attach_request q = request("web1", PORT_TAP);
	struct attachment *a;
	struct refusal r;
	const struct rtnl_link *link;

	q.interface = "tap7";
	q.queues = 4;
	ck_assert_int_eq(attach(&q, &a, &r), 0);
	ck_assert_uint_eq(a->queues, 0);
	link = fake_link_find("tap7");
	ck_assert_ptr_nonnull(link);
	ck_assert(link->unfinished && link->persistent);
	ck_assert_uint_eq(link->user, 1000);
	fake_turn(&f);
	port_delivered(a);
	ck_assert(!link->unfinished);
	ck_assert_uint_eq(port_find(f.d, 0, "web1", 0)->queues, 4);
}
END_TEST

static const struct {
	const char *what;
	enum port_device device;
	const char *interface;
	uint32_t queues;
	int netns;
	enum vhost_wish vhost;
	const char *subject, *why;
} refused[] = {
	{ "no namespace", PORT_VETH, NULL, 1, -1, VHOST_AUTO, "networkNamespace",
	  "a veth pair has its other end in one, and none was given" },
	{ "something else", PORT_VETH, NULL, 1, 0, VHOST_AUTO, "networkNamespace",
	  "it is no network namespace" },
	{ "queues", PORT_VETH, NULL, 2, FAKE_NETNS, VHOST_AUTO, "queues", "a veth pair has none" },
	{ "vhost", PORT_VETH, NULL, 1, FAKE_NETNS, VHOST_ON, "vhost", "a veth pair has none" },
	{ "taken inside", PORT_VETH, "taken0", 1, FAKE_NETNS, VHOST_AUTO, "interface",
	  "the network namespace has an interface taken0 already" },
	{ "dot", PORT_VETH, "..", 1, FAKE_NETNS, VHOST_AUTO, "interface",
	  "it is no name of an interface" },
	{ "a pattern", PORT_TAP, "tap%d", 1, -1, VHOST_AUTO, "interface",
	  "it has characters that no name of an interface has" },
	{ "a space", PORT_TAP, "tap 0", 1, -1, VHOST_AUTO, "interface",
	  "it has characters that no name of an interface has" },
	{ "empty", PORT_TAP, "", 1, -1, VHOST_AUTO, "interface",
	  "it does not have from 1 to 15 characters" },
	{ "long", PORT_TAP, "a123456789abcdef", 1, -1, VHOST_AUTO, "interface",
	  "it does not have from 1 to 15 characters" },
	{ "a TAP in something else", PORT_TAP, NULL, 1, 0, VHOST_AUTO, "networkNamespace",
	  "it is no network namespace" },
	{ "vhost of a TAP", PORT_TAP, NULL, 1, -1, VHOST_ON, "vhost",
	  "who opens a TAP by its name opens vhost-net as well" },
	{ "a name for descriptors", PORT_DESCRIPTORS, "tap7", 1, -1, VHOST_OFF, "interface",
	  "its name is not for choice when descriptors are handed over" },
};

START_TEST(refusals)
{
	struct attach_request q = request("web1", refused[_i].device);
	char before[160], after[160];
	struct attachment *a;
	struct refusal r;

	q.interface = refused[_i].interface;
	q.queues = refused[_i].queues;
	q.netns = refused[_i].netns;
	q.vhost = refused[_i].vhost;
	snprintf(fake_host->inside, sizeof(fake_host->inside), "taken0");
	fake_dump(before, sizeof(before));
	ck_assert_msg(attach(&q, &a, &r) < 0, "%s", refused[_i].what);
	ck_assert_int_eq(r.kind, REFUSED_PARAMETER);
	ck_assert_str_eq(r.subject, refused[_i].subject);
	ck_assert_str_eq(r.holder, refused[_i].why);
	fake_turn(&f);
	ck_assert_str_eq(fake_dump(after, sizeof(after)), before);
	ck_assert_uint_eq(f.d->ports.used, 0);
}
END_TEST

/* A TAP without a header for offloads: of one queue, and handed over. */
START_TEST(bare)
{
	struct attach_request q = request("web1", PORT_DESCRIPTORS);
	struct attachment *a;
	struct refusal r;

	q.bare = true;
	q.queues = 2;
	ck_assert_int_lt(attach(&q, &a, &r), 0);
	ck_assert_str_eq(r.subject, "vnetHeader");
	q.queues = 1;
	q.device = PORT_TAP;
	ck_assert_int_lt(attach(&q, &a, &r), 0);
	ck_assert_str_eq(r.subject, "vnetHeader");
	q.device = PORT_DESCRIPTORS;
	ck_assert_int_eq(attach(&q, &a, &r), 0);
	ck_assert(fake_host->bare);
	fake_turn(&f);
	port_delivered(a);
}
END_TEST

START_TEST(holders)
{
	struct attach_request q = request("web1", PORT_TAP);
	struct attachment *a;
	struct refusal r;
	char want[160];
	struct port *p;

	q.interface = "eth0";
	ck_assert_int_lt(attach(&q, &a, &r), 0);
	ck_assert_int_eq(r.kind, REFUSED_INTERFACE);
	ck_assert_str_eq(r.holder, "a device of the host");
	q.interface = NULL;
	p = attached("web1", PORT_TAP);
	fake_host->opener = "firecracker (pid 123)";
	ck_assert_int_lt(attach(&q, &a, &r), 0);
	ck_assert_int_eq(r.kind, REFUSED_ATTACHED);
	snprintf(want, sizeof(want),
		 "interface %s on network default, opened by firecracker (pid 123)", p->ifname);
	ck_assert_str_eq(r.holder, want);
	q.guest = "web2";
	q.interface = p->ifname;
	ck_assert_int_lt(attach(&q, &a, &r), 0);
	ck_assert_str_eq(r.holder, "port web1/0 of network default, opened by firecracker (pid "
				   "123)");
}
END_TEST

START_TEST(tap_in_a_namespace)
{
	struct attach_request q = request("web1", PORT_TAP);
	struct attachment *a;
	struct refusal r;
	struct port *p;

	q.netns = FAKE_NETNS;
	q.interface = "taken0";
	snprintf(fake_host->inside, sizeof(fake_host->inside), "taken0");
	ck_assert_int_lt(attach(&q, &a, &r), 0);
	ck_assert_int_eq(r.kind, REFUSED_INTERFACE);
	ck_assert_str_eq(r.holder, "a device of the network namespace");
	q.interface = "tap0";
	ck_assert_int_eq(attach(&q, &a, &r), 0);
	fake_turn(&f);
	port_delivered(a);
	p = port_find(f.d, 0, "web1", 0);
	ck_assert_str_eq(link_of(p)->kind, "veth");
	ck_assert_str_eq(device_tap_name(p), "tap0");
	/* Its pair has a carrier, which says nothing. */
	link_of(p)->carrier = true;
	fake_link_told(link_of(p));
	fake_turn(&f);
	fake_stop(&f);
	fake_start(&f, CONFIG);
	p = port_find(f.d, 0, "web1", 0);
	ck_assert_int_eq(p->device, PORT_TAP);
	ck_assert(p->within && p->ifindex);
	fake_host->opener = "firecracker (pid 9)";
	fake_pass(&f, 60);
	ck_assert_uint_ne(p->ifindex, 0);
	fake_host->opener = NULL;
	fake_pass(&f, 60);
	ck_assert_uint_eq(p->ifindex, 0);
	ck_assert_uint_eq(fake_host->joined, 0);
	ck_assert_uint_eq(count_links("veth"), 0);
}
END_TEST

/* --- start --- */

START_TEST(adopted)
{
	enum port_device device = (enum port_device)_i;
	struct port *p = attached("web1", device);
	struct port was = *p;

	fake_stop(&f);
	fake_start(&f, CONFIG);
	p = port_find(f.d, 0, "web1", 0);
	ck_assert_uint_eq(p->ifindex, was.ifindex);
	ck_assert_int_eq(p->device, device);
	ck_assert_uint_eq(p->user, was.user);
	ck_assert_str_eq(p->inside, was.inside);
	ck_assert_int_eq(p->state, PORT_ATTACHED);
}
END_TEST

/* The state was lost: what the link tells is known. */
START_TEST(recovered)
{
	enum port_device device = (enum port_device)_i;
	struct port *p = attached("web1", device);
	struct port was = *p;

	fake_stop(&f);
	unlink(f.state);
	fake_start(&f, CONFIG);
	p = port_find(f.d, 0, "web1", 0);
	ck_assert_uint_eq(p->ifindex, was.ifindex);
	ck_assert_int_eq(p->device, device);
	ck_assert_uint_eq(p->user, was.user);
	ck_assert_uint_eq(p->address, was.address);
}
END_TEST

/* netd ended before its row was durable: there was no answer. */
START_TEST(unfinished_without_a_row)
{
	enum port_device device = (enum port_device)_i;

	link_of(attached("web1", device))->unfinished = true;
	fake_stop(&f);
	unlink(f.state);
	fake_start(&f, CONFIG);
	ck_assert_uint_eq(count_links(kinds[device]), 0);
	ck_assert_uint_eq(f.d->ports.used, 0);
}
END_TEST

/* Nor was there one when the row is that of an attach before it, or was durable just now. */
START_TEST(unfinished_with_a_row)
{
	enum port_device device = (enum port_device)_i;
	struct port was = *attached("web1", device);

	link_of(&was)->unfinished = true;
	fake_stop(&f);
	fake_start(&f, CONFIG);
	ck_assert_uint_eq(count_links(kinds[device]), 0);
	ck_assert_uint_eq(port_find(f.d, 0, "web1", 0)->ifindex, 0);
	ck_assert_uint_eq(port_find(f.d, 0, "web1", 0)->address, was.address);
}
END_TEST

/* An answer is on its way only when the device is finished. */
START_TEST(finished_when_the_answer_is_due)
{
	struct attach_request q = { .guest = "web1",
				    .queues = 1,
				    .device = (enum port_device)_i,
				    .netns = _i == PORT_VETH ? FAKE_NETNS : -1 };
	struct attachment *a;
	struct ticket ticket;
	struct refusal r;
	struct port *p;

	ck_assert_int_eq(port_attach(f.d, &q, &a, &ticket, &r), 0);
	p = port_find(f.d, 0, "web1", 0);
	ck_assert(link_of(p)->unfinished);
	port_due(a);
	ck_assert(!link_of(p)->unfinished);
	port_delivered(a);
}
END_TEST

/* The row is of an attach before it, of another kind. */
START_TEST(unfinished_of_another_kind)
{
	struct port *p = fake_attach(&f, "web1", 0);
	struct rtnl_link *link = link_of(p);

	ck_assert_ptr_nonnull(link);
	snprintf(link->kind, sizeof(link->kind), "veth");
	link->unfinished = true;
	fake_stop(&f);
	fake_start(&f, CONFIG);
	ck_assert_uint_eq(count_links("veth"), 0);
	ck_assert_uint_eq(port_find(f.d, 0, "web1", 0)->ifindex, 0);
}
END_TEST

/* Without a mark, by its kind and name; and what only looks like it is let alone. */
START_TEST(unfinished_without_a_mark)
{
	struct rtnl_link *ours = fake_link_add("nt0123456789ab"), *named = fake_link_add("other0"),
			 *group = fake_link_add("nt1123456789ab"),
			 *kind = fake_link_add("nt2123456789ab"),
			 *alias = fake_link_add("nt3123456789ab");

	ours->unfinished = named->unfinished = kind->unfinished = alias->unfinished = true;
	snprintf(kind->kind, sizeof(kind->kind), "dummy");
	snprintf(alias->alias, sizeof(alias->alias), "mine");
	fake_stop(&f);
	fake_start(&f, CONFIG);
	ck_assert_uint_eq(ours->index, 0);
	ck_assert_uint_ne(named->index, 0);
	ck_assert_uint_ne(group->index, 0);
	ck_assert_uint_ne(kind->index, 0);
	ck_assert_uint_ne(alias->index, 0);
}
END_TEST

/* --- TAPs that nobody has open --- */

static void carrier(struct port *p, bool on)
{
	struct rtnl_link *link = link_of(p);

	link->carrier = on;
	fake_link_told(link);
	fake_turn(&f);
}

START_TEST(reaped_when_never_opened)
{
	struct port *p = attached("web1", PORT_TAP);
	const struct event *e;

	attached("web2", PORT_VETH);
	fake_attach(&f, "web3", 0);
	fake_pass(&f, 59);
	ck_assert_uint_ne(p->ifindex, 0);
	fake_pass(&f, 1);
	ck_assert_uint_eq(p->ifindex, 0);
	ck_assert_uint_eq(count_links("tun"), 1);
	ck_assert_uint_eq(count_links("veth"), 1);
	e = event_get(&f.d->events, f.d->events.next - 1);
	ck_assert_int_eq(e->kind, EVENT_REAPED);
	ck_assert_str_eq(e->detail, "nobody has had it open for 60 s");
	ck_assert_uint_eq(fake_host->elements, 2);
}
END_TEST

START_TEST(reaped_after_its_end)
{
	struct port *p = attached("web1", PORT_TAP);

	fake_pass(&f, 50);
	carrier(p, true);
	fake_pass(&f, 3600);
	ck_assert_uint_ne(p->ifindex, 0);
	carrier(p, false);
	fake_pass(&f, 30);
	carrier(p, false); /* told again */
	fake_pass(&f, 29);
	ck_assert_uint_ne(p->ifindex, 0);
	fake_pass(&f, 1);
	ck_assert_uint_eq(p->ifindex, 0);
}
END_TEST

START_TEST(not_reaped_while_a_process_has_it)
{
	struct port *p = attached("web1", PORT_TAP);

	fake_host->opener = "crosvm (pid 7)";
	fake_pass(&f, 600);
	ck_assert_uint_ne(p->ifindex, 0);
	fake_host->opener = NULL;
	fake_pass(&f, 60);
	ck_assert_uint_eq(p->ifindex, 0);
}
END_TEST

START_TEST(not_reaped_before_it_was_handed_over)
{
	struct attach_request q = request("web1", PORT_TAP);
	struct attachment *a;
	struct refusal r;
	struct port *p;

	ck_assert_int_eq(attach(&q, &a, &r), 0);
	fake_turn(&f);
	fake_pass(&f, 61);
	p = port_find(f.d, 0, "web1", 0);
	ck_assert_uint_ne(p->ifindex, 0);
	port_delivered(a);
	fake_pass(&f, 60);
	ck_assert_uint_eq(p->ifindex, 0);
}
END_TEST

START_TEST(grace_begins_anew_at_start)
{
	struct port *p;

	attached("web1", PORT_TAP);
	fake_pass(&f, 50);
	fake_stop(&f);
	fake_start(&f, CONFIG);
	p = port_find(f.d, 0, "web1", 0);
	fake_pass(&f, 59);
	ck_assert_uint_ne(p->ifindex, 0);
	fake_pass(&f, 1);
	ck_assert_uint_eq(p->ifindex, 0);
}
END_TEST

START_TEST(grace_of_a_reload)
{
	struct port *p = attached("web1", PORT_TAP);
	struct refusal r;

	fake_pass(&f, 10);
	ck_assert_int_eq(fake_reload(&f, "tap-grace = 5\n" CONFIG, &r), 0);
	fake_turn(&f);
	ck_assert_uint_eq(p->ifindex, 0);
}
END_TEST

UNIT_SUITE(netd_device)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, every_step_is_undone, PORT_TAP, WITHIN + 1);
	tcase_add_test(tc, tap_in_a_namespace);
	tcase_add_test(tc, veth_is_made);
	tcase_add_test(tc, rules_come_first);
	tcase_add_test(tc, tap_is_made);
	tcase_add_loop_test(tc, refusals, 0, ARRAY_SIZE(refused));
	tcase_add_test(tc, bare);
	tcase_add_test(tc, holders);
	tcase_add_loop_test(tc, adopted, PORT_TAP, PORT_VETH + 1);
	tcase_add_loop_test(tc, recovered, PORT_TAP, PORT_VETH + 1);
	tcase_add_loop_test(tc, unfinished_without_a_row, PORT_TAP, PORT_VETH + 1);
	tcase_add_loop_test(tc, unfinished_with_a_row, PORT_TAP, PORT_VETH + 1);
	tcase_add_loop_test(tc, finished_when_the_answer_is_due, PORT_TAP, PORT_VETH + 1);
	tcase_add_test(tc, unfinished_of_another_kind);
	tcase_add_test(tc, unfinished_without_a_mark);
	tcase_add_test(tc, reaped_when_never_opened);
	tcase_add_test(tc, reaped_after_its_end);
	tcase_add_test(tc, not_reaped_while_a_process_has_it);
	tcase_add_test(tc, not_reaped_before_it_was_handed_over);
	tcase_add_test(tc, grace_begins_anew_at_start);
	tcase_add_test(tc, grace_of_a_reload);
}

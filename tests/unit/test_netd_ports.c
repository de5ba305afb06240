/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attach, detach and release against a host that fails at every step there is. */
#include <signal.h>
#include <sys/resource.h>

#include "fake_host.h"
#include "unit.h"

#define CONFIG                                                                                     \
	"mac { secret = test }\n"                                                                  \
	"network default { subnet = 10.77.0.1/24 dns = 192.0.2.53\n"                               \
	"  host db { address = 10.77.0.9 mac = 52:54:00:00:00:09 } }\n"

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

static int attach(const char *guest, struct attachment **ret, struct refusal *r)
{
	struct attach_request q = { .guest = guest, .queues = 2 };
	struct ticket ticket;

	return port_attach(f.d, &q, ret, &ticket, r);
}

/* Attached, and its reply delivered. */
static struct port *attached(const char *guest)
{
	struct attachment *a;
	struct refusal r;

	ck_assert_msg(attach(guest, &a, &r) == 0, "%s", r.detail.text);
	fake_turn(&f);
	port_delivered(a);
	return port_find(f.d, 0, guest, 0);
}

struct rows {
	unsigned n;
	struct store_allocation last;
};

static int count_row(void *arg, const struct store_allocation *a)
{
	struct rows *rows = arg;

	rows->n++;
	rows->last = *a;
	return 0;
}

static struct rows rows(void)
{
	struct rows r = { 0 };

	ck_ok(store_allocation_list(f.d->store, "default", count_row, &r, &unit_err));
	return r;
}

static void check_tables(unsigned ports, uint32_t used)
{
	ck_assert_uint_eq(f.d->ports.used, ports);
	ck_assert_uint_eq(dhcp_pool_used(f.d->network[0].pool), used);
	ck_assert_uint_eq(rows().n, ports);
}

/* Every operation on the host that an attach needs fails once; the last round, in which none does,
 * succeeds. */
START_TEST(every_step_is_undone)
{
	unsigned failures = 0;

	for (unsigned n = 1;; n++) {
		char before[160], after[160];
		struct attachment *a;
		struct refusal r;
		int rc;

		fake_host->vhost = true;
		fake_dump(before, sizeof(before));
		fake_fail(n);
		rc = attach("web1", &a, &r);
		fake_fail(0);
		fake_turn(&f);
		if (rc == 0 && a->vhosts) {
			port_undelivered(a, true);
			break;
		}
		if (rc == 0) { /* the failed step was vhost, which `auto` does without */
			ck_assert_str_ne(a->vhost_note.text, "");
			port_undelivered(a, true);
		} else {
			ck_assert_int_eq(r.kind, REFUSED_SYSTEM);
			ck_assert_ptr_nonnull(strstr(r.detail.text, "was made to fail"));
		}
		failures++;
		/* The fake TAP goes when it is told to, as the real one does with its last
		 * descriptor. */
		for (unsigned i = 0; i < FAKE_LINKS; i++)
			if (!strcmp(fake_host->link[i].kind, "tun"))
				fake_host->link[i] = (struct rtnl_link){ 0 };
		ck_assert_str_eq(fake_dump(after, sizeof(after)), before);
		check_tables(0, 1); /* the reservation */
	}
	ck_assert_uint_ge(failures, 6);
	check_tables(0, 1);
}
END_TEST

/* The same for a guest that has an allocation and asks for another address: it keeps what it had.
 */
START_TEST(a_failed_change_is_undone)
{
	struct port *p = attached("web1");
	struct attach_request q = {
		.guest = "web1", .queues = 1, .vhost = VHOST_OFF, .wish = { .address = 0x0a4d0005 }
	};
	uint32_t address = p->address;
	struct mac mac = p->mac;
	struct attachment *a;
	struct ticket ticket;
	struct refusal r;
	unsigned n;

	fake_link_gone(p->ifindex);
	fake_turn(&f);
	ck_assert_uint_ne(address, q.wish.address);
	for (n = 1; n < 64; n++) {
		int rc;

		fake_fail(n);
		rc = port_attach(f.d, &q, &a, &ticket, &r);
		fake_fail(0);
		fake_turn(&f);
		if (rc == 0)
			break;
		ck_assert_uint_eq(p->address, address);
		ck_assert(mac_equal(&p->mac, &mac));
		ck_assert_uint_eq(rows().last.address, address);
		ck_assert_ptr_nonnull(dhcp_lease_by_addr(f.d->dhcp, 0, address));
		ck_assert_ptr_null(dhcp_lease_by_addr(f.d->dhcp, 0, q.wish.address));
		check_tables(1, 2);
		for (unsigned i = 0; i < FAKE_LINKS; i++)
			if (!strcmp(fake_host->link[i].kind, "tun"))
				fake_host->link[i] = (struct rtnl_link){ 0 };
	}
	ck_assert_uint_gt(n, 3);
	ck_assert_uint_lt(n, 64);
	ck_assert_uint_eq(p->address, q.wish.address);
	ck_assert_uint_eq(rows().last.address, q.wish.address);
	check_tables(1, 2);
	/* And undone as a whole when the reply is not delivered. */
	port_undelivered(a, true);
	fake_turn(&f);
	ck_assert_uint_eq(p->address, address);
	ck_assert_uint_eq(rows().last.address, address);
	check_tables(1, 2);
}
END_TEST

/* A turn that cannot be stored: what was attached in it is gone, and said to nobody. */
static void limit_files(rlim_t size)
{
	struct rlimit limit = { size, RLIM_INFINITY };

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

START_TEST(release_that_is_not_stored_is_taken_back)
{
	struct port *p = attached("web1");
	struct release *release;
	struct ticket ticket;
	struct refusal r;
	uint32_t address = p->address;

	ck_assert_int_eq(port_release(f.d, "web1", -1, &release, &ticket, &r), 0);
	ck_assert_ptr_null(port_find(f.d, 0, "web1", 0));
	limit_files(0);
	ck_assert_int_lt(store_commit(f.d->store, &unit_err), 0);
	port_unreleased(f.d, release);
	limit_files(RLIM_INFINITY);
	p = port_find(f.d, 0, "web1", 0);
	ck_assert_ptr_nonnull(p);
	ck_assert_uint_eq(p->address, address);
	check_tables(1, 2);
}
END_TEST

START_TEST(attach_that_is_not_stored_is_taken_back)
{
	char before[160], after[160];
	struct attachment *a;
	struct refusal r;

	fake_turn(&f);
	fake_dump(before, sizeof(before));
	ck_assert_int_eq(attach("web1", &a, &r), 0);
	limit_files(0);
	ck_assert_int_lt(store_commit(f.d->store, &unit_err), 0);
	limit_files(RLIM_INFINITY);
	port_undelivered(a, false);
	for (unsigned i = 0; i < FAKE_LINKS; i++)
		if (!strcmp(fake_host->link[i].kind, "tun"))
			fake_host->link[i] = (struct rtnl_link){ 0 };
	ck_assert_str_eq(fake_dump(after, sizeof(after)), before);
	check_tables(0, 1);
}
END_TEST

/* --- identity --- */

START_TEST(release_frees_and_the_mac_rests)
{
	struct port *p = attached("web1");
	struct attach_request q = { .guest = "web2", .queues = 1 };
	struct attachment *a;
	struct release *release;
	struct ticket ticket;
	struct refusal r;

	q.wish.mac = p->mac;
	ck_assert_int_eq(port_release(f.d, "web1", 0, &release, &ticket, &r), 0);
	port_released(f.d, release);
	fake_turn(&f);
	check_tables(0, 1);
	/* One that asks for it by name may have it: resting keeps the generator from it. */
	ck_assert_int_eq(port_attach(f.d, &q, &a, &ticket, &r), 0);
	port_undelivered(a, true);
	fake_turn(&f);
}
END_TEST

START_TEST(generated_mac_avoids_fdb_and_neighbours)
{
	struct port *p = attached("web1");
	struct mac first = p->mac;
	struct rtnl_link *link;
	struct release *release;
	struct ticket ticket;
	struct refusal r;

	ck_assert_int_eq(port_release(f.d, "web1", 0, &release, &ticket, &r), 0);
	port_released(f.d, release);
	fake_turn(&f);
	fake_host->fdb_mac = first;
	fake_host->fdb_port = 2;
	p = attached("web1");
	ck_assert_msg(mac_equal(&p->mac, &first), "where all are guarded the FDB is not asked");
	ck_assert_int_eq(port_release(f.d, "web1", 0, &release, &ticket, &r), 0);
	port_released(f.d, release);
	fake_turn(&f);
	link = fake_link_add("veth7");
	link->master = f.d->network[0].bridge_index;
	fake_link_told(link);
	p = attached("web1");
	ck_assert(!mac_equal(&p->mac, &first));
	fake_host->fdb_port = 0;
	ck_assert_int_eq(port_release(f.d, "web1", 0, &release, &ticket, &r), 0);
	port_released(f.d, release);
	fake_turn(&f);
	fake_host->neigh_index = 2; /* on the uplink */
	fake_host->neigh_mac = first;
	p = attached("web1");
	ck_assert(!mac_equal(&p->mac, &first));
}
END_TEST

/* However many guests are neighbours of the host, theirs are not listed. */
START_TEST(neighbours_are_asked_for_where_others_are)
{
	char name[LINK_NAME_SIZE];
	struct rtnl_link *link = NULL;
	unsigned asked, few = 3;

	attached("web1");
	asked = fake_host->neigh_asked;
	attached("web2");
	ck_assert_uint_eq(fake_host->neigh_listed, 0);
	ck_assert_uint_eq(fake_host->neigh_asked - asked, 1); /* on the uplink */
	for (unsigned i = 0; i < 12; i++) {
		snprintf(name, sizeof(name), "dummy%u", i);
		link = fake_link_add(name);
		link->up = true;
		link->mac = (struct mac){ { 0x02, 0, 0, 0, 1, (uint8_t)i } };
		if (i < few)
			fake_link_told(link);
	}
	asked = fake_host->neigh_asked;
	attached("web3");
	ck_assert_uint_eq(fake_host->neigh_listed, 0);
	ck_assert_uint_eq(fake_host->neigh_asked - asked, 1 + few);
	/* Where there are too many, one list is cheaper. */
	for (unsigned i = 0; i < FAKE_LINKS; i++)
		if (!strncmp(fake_host->link[i].name, "dummy", 5))
			fake_link_told(&fake_host->link[i]);
	asked = fake_host->neigh_asked;
	attached("web4");
	ck_assert_uint_eq(fake_host->neigh_listed, 1);
	ck_assert_uint_eq(fake_host->neigh_asked, asked);
}
END_TEST

START_TEST(address_avoids_live_neighbours_only)
{
	struct port *p = attached("web1");
	uint32_t first = p->address;
	struct release *release;
	struct ticket ticket;
	struct refusal r;

	ck_assert_int_eq(port_release(f.d, "web1", 0, &release, &ticket, &r), 0);
	port_released(f.d, release);
	fake_turn(&f);
	/* A squatter that the bridge sees has the address; */
	fake_host->neigh_index = f.d->network[0].bridge_index;
	fake_host->neigh_addr = first;
	fake_host->neigh_mac = fake_host->fdb_mac = (struct mac){ { 0x52, 0x54, 0, 0, 0, 0x77 } };
	fake_host->fdb_port = 2;
	p = attached("web1");
	ck_assert_uint_ne(p->address, first);
	ck_assert_int_eq(port_release(f.d, "web1", 0, &release, &ticket, &r), 0);
	port_released(f.d, release);
	fake_turn(&f);
	/* a neighbour entry whose station is gone does not keep it. */
	fake_host->fdb_port = 0;
	p = attached("web1");
	ck_assert_uint_eq(p->address, first);
}
END_TEST

/* --- the kernel says --- */

START_TEST(gone_device)
{
	struct port *p = attached("web1");
	uint32_t index = p->ifindex;
	const struct event *e;

	ck_assert_uint_eq(fake_host->elements, 1);
	fake_link_gone(index);
	fake_turn(&f);
	ck_assert_int_eq(p->state, PORT_RESERVED);
	ck_assert_ptr_null(port_by_link(f.d, index));
	ck_assert_uint_eq(fake_host->elements, 0);
	e = event_get(&f.d->events, f.d->events.next - 1);
	ck_assert_int_eq(e->kind, EVENT_GONE);
	ck_assert_str_eq(e->guest, "web1");
}
END_TEST

START_TEST(lost_notifications)
{
	struct port *p = attached("web1");
	struct rtnl_event e = { .kind = RTNL_OVERRUN };

	/* The device went while nobody could say so. */
	for (unsigned i = 0; i < FAKE_LINKS; i++)
		if (fake_host->link[i].index == p->ifindex)
			fake_host->link[i] = (struct rtnl_link){ 0 };
	fake_host->listener.event(fake_host->listener.arg, &e);
	fake_pass(&f, 1);
	ck_assert_int_eq(p->state, PORT_RESERVED);
	ck_assert_uint_eq(fake_host->elements, 0);
}
END_TEST

/* --- start --- */

/* Each operation of a start fails once: it ends with an error, or with a network that says why it
 * is not up. */
START_TEST(start_survives_any_failure)
{
	struct port *p = attached("web1");
	uint32_t address = p->address, index = p->ifindex;
	unsigned n;

	for (n = 1; n < 64; n++) {
		struct err err;
		int rc;

		fake_stop(&f);
		fake_fail(n);
		rc = fake_try_start(&f, CONFIG, &err);
		if (rc) {
			ck_assert_ptr_nonnull(strstr(err.text, "was made to fail"));
			fake_fail(0);
			fake_start(&f, CONFIG);
		} else if (fake_host->operations < n) {
			break;
		} else if (!f.d->network[0].up) {
			ck_assert_str_ne(f.d->network[0].why_not.text, "");
			fake_fail(0);
			fake_pass(&f, 11); /* it is tried again */
		}
		ck_assert(f.d->network[0].up);
		fake_fail(0);
		p = port_find(f.d, 0, "web1", 0);
		ck_assert_ptr_nonnull(p);
		ck_assert_uint_eq(p->address, address);
		ck_assert_uint_eq(p->ifindex, index);
	}
	ck_assert_uint_gt(n, 10);
	ck_assert_uint_lt(n, 64);
	ck_assert_uint_eq(fake_host->elements, 1);
}
END_TEST

UNIT_SUITE(netd_ports)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, every_step_is_undone);
	tcase_add_test(tc, a_failed_change_is_undone);
	tcase_add_test(tc, release_that_is_not_stored_is_taken_back);
	tcase_add_test(tc, attach_that_is_not_stored_is_taken_back);
	tcase_add_test(tc, release_frees_and_the_mac_rests);
	tcase_add_test(tc, generated_mac_avoids_fdb_and_neighbours);
	tcase_add_test(tc, neighbours_are_asked_for_where_others_are);
	tcase_add_test(tc, address_avoids_live_neighbours_only);
	tcase_add_test(tc, gone_device);
	tcase_add_test(tc, lost_notifications);
	tcase_add_test(tc, start_survives_any_failure);
}

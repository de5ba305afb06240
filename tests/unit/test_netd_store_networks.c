/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state's table of networks that were made at run time. */
#include <netinet/in.h>

#include "store_kit.h"
#include "unit.h"

static const char block[] = "network a {\n\tmode = nat\n\tdomain = 'it''s'\n}\n";

static struct store_network sample(const char *name, int64_t created)
{
	struct store_network n = { .owner = UINT32_MAX,
				   .created = created,
				   .configuration = block };

	snprintf(n.name, sizeof(n.name), "%s", name);
	return n;
}

struct names {
	char text[256];
};

static int add_name(void *arg, const struct store_network *n)
{
	struct names *names = arg;
	size_t len = strlen(names->text);

	snprintf(names->text + len, sizeof(names->text) - len, "%s ", n->name);
	ck_assert_uint_eq(n->owner, UINT32_MAX);
	ck_assert_str_eq(n->configuration, block);
	return 0;
}

static void must_have(struct store *s, const char *text)
{
	struct names names = { "" };

	ck_ok(store_network_list(s, add_name, &names, &unit_err));
	ck_assert_str_eq(names.text, text);
}

static void must_put(struct store *s, const char *name, int64_t created)
{
	const struct store_network n = sample(name, created);
	struct ticket ticket;

	ck_ok(store_network_put(s, &n, &ticket, &unit_err));
}

/* In the order in which they were made. */
START_TEST(round_trip)
{
	CLEAN_STORE struct store *s = store_must_open(STATE);
	const struct store_network again = sample("b", 9);

	must_put(s, "b", 7);
	must_put(s, "c", 5);
	must_put(s, "a", 7);
	ck_assert_int_eq(store_network_put(s, &again, NULL, &unit_err), -EEXIST);
	ck_ok(store_commit(s, &unit_err));
	store_close(s);
	s = store_must_open(STATE);
	must_have(s, "c a b ");
}
END_TEST

static int count_row(void *arg, const struct store_lease *l)
{
	(void)l;
	++*(unsigned *)arg;
	return 0;
}

static int count_published(void *arg, const struct store_published *p)
{
	(void)p;
	++*(unsigned *)arg;
	return 0;
}

static void put_all(struct store *s, const char *network)
{
	struct store_allocation a = store_sample(network, 1);
	struct store_lease l = {
		.address = a.address, .mac = a.mac, .hostname = "", .state = DHCP_LEASE_BOUND
	};
	struct store_published p = {
		.protocol = IPPROTO_TCP, .port = (uint16_t)*network, .count = 1, .to = 80
	};

	memcpy(l.network, a.network, sizeof(l.network));
	memcpy(p.network, a.network, sizeof(p.network));
	memcpy(p.guest, a.guest, sizeof(p.guest));
	p.nic = a.nic;
	must_put(s, network, 1);
	ck_ok(store_allocation_put(s, &a, NULL, &unit_err));
	ck_ok(store_lease_put(s, &l, NULL, &unit_err));
	ck_ok(store_published_put(s, &p, NULL, &unit_err));
	ck_ok(store_subnet_put(s, network, (struct ip4_prefix){ 0x0a000001, 24 }, &unit_err));
}

static unsigned rows_of(struct store *s, const char *network)
{
	struct ip4_prefix subnet;
	unsigned n = store_count(s, network);

	ck_ok(store_lease_list(s, network, count_row, &n, &unit_err));
	ck_ok(store_published_list(s, network, count_published, &n, &unit_err));
	return n + !store_subnet_get(s, network, &subnet, &unit_err);
}

/* With all that is of it, and nothing that is of others. */
START_TEST(goes_whole)
{
	CLEAN_STORE struct store *s = store_must_open(STATE);
	struct ticket ticket;

	put_all(s, "a");
	put_all(s, "b");
	ck_ok(store_commit(s, &unit_err));
	ck_assert_uint_eq(rows_of(s, "a"), 4);
	ck_ok(store_network_del(s, "a", &ticket, &unit_err));
	ck_assert_uint_eq(rows_of(s, "a"), 0);
	ck_assert_uint_eq(rows_of(s, "b"), 4);
	must_have(s, "b ");
	/* Until that is durable it can come back. */
	store_break(true);
	ck_assert_int_lt(store_commit(s, &unit_err), 0);
	store_break(false);
	ck_assert_uint_eq(rows_of(s, "a"), 4);
	must_have(s, "a b ");
	/* One that there is not. */
	ck_ok(store_network_del(s, "c", &ticket, &unit_err));
}
END_TEST

/* A name that no network can have was not put there by netd. */
START_TEST(a_row_that_cannot_be)
{
	CLEAN_STORE struct store *s = store_must_open(STATE);
	struct names names = { "" };

	store_close(s);
	store_meddle(STATE, "INSERT INTO network VALUES ('no/name', 0, 0, '')");
	s = store_must_open(STATE);
	ck_assert_int_eq(store_network_list(s, add_name, &names, &unit_err), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(unit_err.text, "a row of table network cannot be understood"));
}
END_TEST

UNIT_SUITE(netd_store_networks)
{
	scratch_use(tc);
	tcase_add_test(tc, round_trip);
	tcase_add_test(tc, goes_whole);
	tcase_add_test(tc, a_row_that_cannot_be);
}

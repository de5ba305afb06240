/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who may do what: a configuration, somebody, a wish, and what is said. */
#include <netinet/in.h>

#include "authorize.h"
#include "config_kit.h"
#include "daemon.h"

static const char text[] = "operators = { 2000, 2001 }\n"
			   "network a {\n" /* 2 */
			   "	allow {\n"
			   "		group = 1500 max-ports = 2 mac-prefix = 52:54:00\n"
			   "		publish = { 8000-8999, 9000 }\n"
			   "	}\n"
			   "	allow { user = { 1002, 1005 } devices = { tap, veth } }\n" /* 7 */
			   "	host reserved { }\n"					   /* 8 */
			   "	host 'client' { match-mac = 2:0:0:0:0:1 }\n"
			   "	publish { guest = web port = tcp:80 }\n" /* 10 */
			   "}\n"
			   "network b { }\n" /* 12 */
			   "network c {\n"
			   "	allow { user = 1 }\n"
			   "	allow { user = 2 group = 3 }\n"
			   "	allow { group = { 4, 5 } }\n"
			   "	allow { user = 6 }\n"
			   "	allow { user = 7 }\n"
			   "}\n"
			   "allow { user = 1009 max-ports = 4 publish = 7000 }\n" /* 20 */
			   "allow { group = 1509 max-ports = 3 }\n";

static struct config *c;

static void setup(void)
{
	c = config_must_read(text);
}

static void teardown(void)
{
	config_free(c);
}

/* --- who --- */

static const gid_t kvm[] = { 7, 8, 1500 }, operators[] = { 9, 2001 }, both[] = { 1500, 1509 };

#define GROUPS(list) .group = (list), .groups = ARRAY_SIZE(list)

static const struct credentials root = { 0, 0, NULL, 0 }, nobody = { 65534, 65534, NULL, 0 },
				alice = { 1000, 1000, GROUPS(kvm) },
				berta = { 1001, 1500, NULL, 0 }, clara = { 1002, 100, NULL, 0 },
				dora = { 1009, 100, NULL, 0 }, emma = { 1010, 100, GROUPS(both) },
				fred = { 1002, 1500, NULL, 0 },
				oper = { 1004, 100, GROUPS(operators) },
				chief = { 1003, 2000, NULL, 0 };

START_TEST(operator)
{
	ck_assert(authorize_operator(c, &root));
	ck_assert(authorize_operator(c, &oper));
	ck_assert(authorize_operator(c, &chief));
	ck_assert(!authorize_operator(c, &alice));
	ck_assert(!authorize_operator(c, &nobody));
	/* A group of number 0 is not root. */
	ck_assert(!authorize_operator(c, &(struct credentials){ 1000, 0, NULL, 0 }));
}
END_TEST

static const struct {
	const struct credentials *who;
	bool a, b, anywhere;
} networks[] = {
	{ &nobody, false, false, false }, { &alice, true, false, true },
	{ &berta, true, false, true },	  { &clara, true, false, true },
	{ &dora, true, true, true },	  { &emma, true, true, true },
	{ &oper, false, false, false },
};

START_TEST(network)
{
	const struct credentials *who = networks[_i].who;

	ck_assert_int_eq(authorize_network(c, config_network_find(c, "a"), who), networks[_i].a);
	ck_assert_int_eq(authorize_network(c, config_network_find(c, "b"), who), networks[_i].b);
	ck_assert_int_eq(authorize_network(c, NULL, who), networks[_i].anywhere);
}
END_TEST

/* --- attach --- */

#define MAC(...)                                                                                   \
	{                                                                                          \
		{                                                                                  \
			__VA_ARGS__                                                                \
		}                                                                                  \
	}

/* What is said, %s being the configuration; NULL: it is allowed. */
static const struct {
	const struct credentials *who;
	const char *network;
	struct authorize_attach q;
	const char *why;
} attaches[] = {
	/* the network */
	{ &alice, "a", { .fresh = true }, NULL },
	{ &berta, "a", { .fresh = true }, NULL },
	{ &nobody,
	  "a",
	  { .fresh = true },
	  "user 65534 may not use network 'a': %s:3 allows group 1500, %s:7 allows user 1002 and "
	  "others, %s:20 allows user 1009, ..." },
	{ &alice,
	  "b",
	  { .fresh = true },
	  "user 1000 may not use network 'b': %s:20 allows user 1009, %s:21 allows group 1509" },
	{ &alice,
	  "c",
	  { .fresh = true },
	  "user 1000 may not use network 'c': %s:14 allows user 1, %s:15 allows user 2 and others, "
	  "%s:16 allows group 4 and others, ..." },
	{ &dora, "b", { .fresh = true }, NULL },
	{ &emma, "b", { .fresh = true }, NULL },

	/* the guest */
	{ &alice, "a", { .owned = true, .owner = 1000 }, NULL },
	{ &alice, "a", { .owned = true, .owner = 1001 }, "guest 'g' belongs to another user" },
	{ &alice, "a", { .owned = true, .owner = 0 }, "guest 'g' belongs to another user" },
	{ &nobody,
	  "a",
	  { .owned = true, .owner = 65534 },
	  "user 65534 may not use network 'a': %s:3 allows group 1500, %s:7 allows user 1002 and "
	  "others, %s:20 allows user 1009, ..." },
	{ &alice,
	  "a",
	  { .guest = "reserved" },
	  "guest 'reserved' is reserved at %s:8, and has no owner there" },
	{ &dora,
	  "b",
	  { .guest = "reserved" },
	  "guest 'reserved' is reserved at %s:8, and has no owner there" },
	{ &alice, "a", { .guest = "reserved", .owned = true, .owner = 1000 }, NULL },
	{ &alice,
	  "a",
	  { .guest = "web" },
	  "guest 'web' is reserved at %s:10, and has no owner there" },
	{ &alice, "a", { .guest = "client" }, NULL },

	/* how many */
	{ &alice, "a", { .fresh = true, .ports = 100, .network_ports = 1 }, NULL },
	{ &alice,
	  "a",
	  { .fresh = true, .ports = 2, .network_ports = 2 },
	  "max-ports = 2 of %s:3 is reached" },
	{ &alice, "a", { .fresh = false, .ports = 7, .network_ports = 7 }, NULL },
	{ &dora, "b", { .fresh = true, .ports = 3, .network_ports = 3 }, NULL },
	{ &dora,
	  "b",
	  { .fresh = true, .ports = 4, .network_ports = 0 },
	  "max-ports = 4 of %s:20 is reached" },
	/* Two blocks: 2 on this network, 3 on all. */
	{ &emma, "a", { .fresh = true, .ports = 9, .network_ports = 1 }, NULL },
	{ &emma, "a", { .fresh = true, .ports = 2, .network_ports = 2 }, NULL },
	{ &emma,
	  "a",
	  { .fresh = true, .ports = 3, .network_ports = 2 },
	  "max-ports = 2 of %s:3 is reached" },

	/* devices */
	{ &alice,
	  "a",
	  { .device = PORT_TAP, .user = 1000 },
	  "user 1000 may not have a device of kind tap: %s:3 allows descriptors" },
	{ &clara,
	  "a",
	  { .device = PORT_DESCRIPTORS },
	  "user 1002 may not have a device of kind descriptors: %s:7 allows tap, veth" },
	{ &clara, "a", { .device = PORT_TAP, .user = 1002 }, NULL },
	{ &clara,
	  "a",
	  { .device = PORT_TAP, .user = 1000 },
	  "a TAP of user 1002 is for no other user" },
	{ &clara,
	  "a",
	  { .device = PORT_TAP, .user = 1002, .names_interface = true },
	  "only root and operators name interfaces of the host" },
	{ &clara,
	  "a",
	  { .device = PORT_VETH, .in_namespace = true, .namespace_owner = 1002 },
	  NULL },
	{ &clara,
	  "a",
	  { .device = PORT_VETH, .in_namespace = true, .namespace_owner = 0 },
	  "the network namespace is not of a user namespace of user 1002" },
	/* Two blocks: either has to allow all of it. */
	{ &fred,
	  "a",
	  { .device = PORT_TAP, .user = 1002, .fresh = true, .network_ports = 2 },
	  NULL },
	{ &fred,
	  "a",
	  { .device = PORT_DESCRIPTORS, .fresh = true, .network_ports = 2 },
	  "max-ports = 2 of %s:3 is reached" },

	/* MAC and address */
	{ &alice, "a", { .mac = MAC(0x52, 0x54, 0, 1, 2, 3) }, NULL },
	{ &alice,
	  "a",
	  { .mac = MAC(0x52, 0x54, 1, 1, 2, 3) },
	  "user 1000 may not choose that MAC address: %s:3 allows mac-prefix = 52:54:00" },
	{ &clara, "a", { .mac = MAC(2, 0, 0, 0, 0, 1), .device = PORT_TAP, .user = 1002 }, NULL },
	{ &alice,
	  "a",
	  { .outside = true },
	  "an address outside the ranges of network 'a' (%s:2) is only for its reservations" },
};

/* Each %s is where the configuration was read from. */
static void expect(const char *pattern, char *ret, size_t size)
{
	size_t n = 0;

	for (const char *at = pattern; *at && n + 1 < size; at++) {
		if (at[0] == '%' && at[1] == 's') {
			n += (size_t)snprintf(ret + n, size - n, "%s", scratch_path("netd.conf"));
			at++;
		} else {
			ret[n++] = *at;
		}
	}
	ret[n] = 0;
}

START_TEST(attach)
{
	struct authorize_attach q = attaches[_i].q;
	char expected[600];
	struct err err = { "untouched" };
	int rc;

	q.network = config_network_find(c, attaches[_i].network);
	if (!q.guest)
		q.guest = "g";
	rc = authorize_attach(c, attaches[_i].who, &q, &err);
	expect(attaches[_i].why ? attaches[_i].why : "untouched", expected, sizeof(expected));
	if (attaches[_i].why) {
		ck_assert_str_eq(err.text, expected);
		ck_assert_int_eq(rc, -EPERM);
	} else {
		ck_assert_msg(!rc, "%s", err.text);
	}
}
END_TEST

/* Without a configuration file nothing has a line. */
START_TEST(built_in)
{
	CLEAN_CONFIG struct config *none = NULL;
	struct authorize_attach q = { .guest = "g", .fresh = true };
	struct err err;

	ck_ok(config_read(scratch_path("none.conf"), true, &none, &unit_err));
	q.network = &none->network[0];
	ck_assert_int_eq(authorize_attach(none, &alice, &q, &err), -EPERM);
	ck_assert_str_eq(err.text, "user 1000 may not use network 'default', which has no allow "
				   "block (there is no configuration file)");
	ck_assert(!authorize_operator(none, &oper));
}
END_TEST

/* --- publish --- */

static const struct {
	const struct credentials *who;
	const char *network;
	struct config_published port;
	size_t published;
	const char *why;
} publishes[] = {
	{ &alice, "a", { IPPROTO_TCP, 8000, 80, 1 }, 0, NULL },
	{ &alice, "a", { IPPROTO_UDP, 8999, 80, 1 }, 0, NULL },
	{ &alice, "a", { IPPROTO_TCP, 8000, 1, 1000 }, 0, NULL },
	{ &alice, "a", { IPPROTO_TCP, 9000, 1, 1 }, 63, NULL },
	{ &alice,
	  "a",
	  { IPPROTO_TCP, 9000, 1, 1 },
	  64,
	  "user 1000 has as many published ports as one may: 64" },
	{ &alice,
	  "a",
	  { IPPROTO_TCP, 7999, 80, 1 },
	  0,
	  "user 1000 may not publish tcp:7999:80: %s:3 allows 8000-8999, 9000" },
	{ &alice,
	  "a",
	  { IPPROTO_TCP, 8999, 1, 2 },
	  0,
	  "user 1000 may not publish tcp:8999-9000:1-2: %s:3 allows 8000-8999, 9000" },
	{ &clara,
	  "a",
	  { IPPROTO_TCP, 8000, 80, 1 },
	  0,
	  "user 1002 may not publish tcp:8000:80: %s:7 allows none" },
	{ &fred, "a", { IPPROTO_TCP, 8000, 80, 1 }, 0, NULL },
	{ &fred,
	  "a",
	  { IPPROTO_TCP, 80, 80, 1 },
	  0,
	  "user 1002 may not publish tcp:80:80: %s:3 allows 8000-8999, 9000" },
	{ &dora, "b", { IPPROTO_TCP, 7000, 80, 1 }, 0, NULL },
	{ &alice,
	  "b",
	  { IPPROTO_TCP, 8000, 80, 1 },
	  0,
	  "user 1000 may not use network 'b': %s:20 allows user 1009, %s:21 allows group 1509" },
};

START_TEST(ports)
{
	const struct config_network *n = config_network_find(c, publishes[_i].network);
	char expected[600];
	struct err err = { "untouched" };
	int rc = authorize_publish(c, n, publishes[_i].who, &publishes[_i].port, 1,
				   publishes[_i].published, &err);

	if (!publishes[_i].why) {
		ck_assert_msg(!rc, "%s", err.text);
		return;
	}
	expect(publishes[_i].why, expected, sizeof(expected));
	ck_assert_str_eq(err.text, expected);
	ck_assert_int_eq(rc, -EPERM);
}
END_TEST

START_TEST(each_port)
{
	static const struct config_published list[] = { { IPPROTO_TCP, 8000, 80, 1 },
							{ IPPROTO_TCP, 9000, 80, 1 },
							{ IPPROTO_TCP, 22, 80, 1 } };
	const struct config_network *n = config_network_find(c, "a");
	struct err err;

	ck_ok(authorize_publish(c, n, &alice, list, 2, 62, &unit_err));
	ck_assert_int_eq(authorize_publish(c, n, &alice, list, 2, 63, &err), -EPERM);
	ck_assert_int_eq(authorize_publish(c, n, &alice, list, 3, 0, &err), -EPERM);
	ck_assert_ptr_nonnull(strstr(err.text, "may not publish tcp:22:80"));
}
END_TEST

UNIT_SUITE(netd_authorize)
{
	scratch_use(tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, operator);
	tcase_add_loop_test(tc, network, 0, ARRAY_SIZE(networks));
	tcase_add_loop_test(tc, attach, 0, ARRAY_SIZE(attaches));
	tcase_add_test(tc, built_in);
	tcase_add_loop_test(tc, ports, 0, ARRAY_SIZE(publishes));
	tcase_add_test(tc, each_port);
}

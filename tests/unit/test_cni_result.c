/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a container is called, and what is answered. */
#include "bridge.h"
#include "cni.h"
#include "unit.h"

/* --- names --- */

#define ID64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define POD64 "pod-with-a-name-that-is-so-long-that-netd-would-not-take-it-at-all"

static const struct {
	const char *id, *ifname, *pod;
	const char *front;
	uint32_t nic;
} names[] = {
	{ "box", "eth0", NULL, "box", 0 },
	{ "box", "eth63", "", "box", 63 },
	{ "box", "eth64", NULL, "box", 0 },
	{ "box", "eth01", NULL, "box", 0 },
	{ "box", "eth", NULL, "box", 0 },
	{ "box", "7", NULL, "box", 7 },
	{ "box", "eth123", NULL, "box", 0 },
	{ ID64, "net1", NULL, "0123456789ab", 1 },
	{ "0123456789abcde", "net1", NULL, "0123456789ab", 1 },
	{ "0123456789ab-cde", "net1", NULL, "0123456789ab-cde", 1 },
	{ ID64, "net1", "web", "web", 1 },
	{ ID64, "net1", POD64, "pod-with-a-name-that-is-so-long-that-ne", 1 },
	{ ID64, "net1", "/a b", "a_b", 1 },
	{ ID64, "net1", "///", "x", 1 },
};

START_TEST(name)
{
	char guest[CNI_GUEST_SIZE];
	const char *tail;

	ck_assert_uint_eq(
		cni_guest_name("net", names[_i].id, names[_i].ifname, names[_i].pod, guest),
		names[_i].nic);
	ck_assert_ptr_null(bridge_name_refusal(guest));
	tail = cni_guest_tail(guest);
	ck_assert_ptr_nonnull(tail);
	ck_assert_uint_eq((size_t)(tail - guest), strlen(names[_i].front));
	ck_assert(!strncmp(guest, names[_i].front, strlen(names[_i].front)));
	ck_assert(cni_guest_is_of(guest, "net"));
	ck_assert(!cni_guest_is_of(guest, "ten"));
}
END_TEST

/* Allocations are found again by it, by other versions of the plugin, too. */
START_TEST(names_stay)
{
	char guest[CNI_GUEST_SIZE];

	cni_guest_name("net", "box", "eth0", NULL, guest);
	ck_assert_str_eq(guest, "box-cni-fdbc1f-8b7ab995cfa9");
}
END_TEST

/* Each of these is another attachment. */
START_TEST(names_differ)
{
	static const char *const keys[][3] = {
		{ "net", "box", "eth0" },   { "net", "box", "eth1" },  { "net", "box", "net0" },
		{ "net", "box", "eth" },    { "net", "box", "eth00" }, { "net", "box", "eth64" },
		{ "net", "box", "eth065" }, { "net", "boxe", "th0" },  { "netb", "ox", "eth0" },
		{ "net2", "box", "eth0" },
	};
	char guest[ARRAY_SIZE(keys)][CNI_GUEST_SIZE];
	uint32_t nic[ARRAY_SIZE(keys)];

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		nic[i] = cni_guest_name(keys[i][0], keys[i][1], keys[i][2], "pod", guest[i]);
		for (size_t j = 0; j < i; j++)
			ck_assert(strcmp(guest[i], guest[j]) || nic[i] != nic[j]);
	}
}
END_TEST

START_TEST(others_are_none)
{
	static const char *const others[] = { "web1",
					      "",
					      "-cni-",
					      "web-cni-123456-0123456789a",
					      "web-cni-123456-0123456789aX",
					      "web-cni-12345-00123456789ab",
					      "-cni-123456-0123456789ab",
					      "webXcni-123456-0123456789ab" };

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		ck_assert_msg(!cni_guest_tail(others[i]), "%s", others[i]);
	ck_assert_ptr_nonnull(cni_guest_tail("w-cni-123456-0123456789ab"));
}
END_TEST

/* --- results --- */

static struct cni_request request(const char *text)
{
	struct cni_request q = { .version = CNI_1_1_0, .ifname = "eth0", .netns = "/n" };

	q.config = json_loads(text, 0, NULL);
	ck_assert_ptr_nonnull(q.config);
	q.prev = json_object_get(q.config, "prevResult");
	return q;
}

static void is_json(json_t *got, const char *text)
{
	json_t *want = json_loads(text, 0, NULL);
	char *shown = json_dumps(got, JSON_COMPACT | JSON_ENCODE_ANY);

	ck_assert_ptr_nonnull(want);
	ck_assert_msg(json_equal(got, want), "%s", shown);
	free(shown);
	json_decref(got);
	json_decref(want);
}

static struct cni_attached attached(void)
{
	return (struct cni_attached){ .interface = "nt1",
				      .interface_mac = "fe:00:00:00:00:01",
				      .ifname = "eth0",
				      .netns = "/n",
				      .mac = "02:00:00:00:00:01",
				      .address = "10.0.0.2/24",
				      .gateway = "10.0.0.1",
				      .mtu = 1400,
				      .routed = true };
}

#define IFS11                                                                                      \
	"{\"name\":\"nt1\",\"mac\":\"fe:00:00:00:00:01\",\"mtu\":1400},"                           \
	"{\"name\":\"eth0\",\"mac\":\"02:00:00:00:00:01\",\"mtu\":1400,\"sandbox\":\"/n\"}"
#define IFS                                                                                        \
	"{\"name\":\"nt1\",\"mac\":\"fe:00:00:00:00:01\"},"                                        \
	"{\"name\":\"eth0\",\"mac\":\"02:00:00:00:00:01\",\"sandbox\":\"/n\"}"
#define ROUTES "\"routes\":[{\"dst\":\"0.0.0.0/0\",\"gw\":\"10.0.0.1\"}]"

START_TEST(result)
{
	struct cni_request q = request("{}");
	struct cni_attached a = attached();

	is_json(cni_result(&q, &a),
		"{\"cniVersion\":\"1.1.0\",\"interfaces\":[" IFS11 "],"
		"\"ips\":[{\"address\":\"10.0.0.2/24\",\"gateway\":\"10.0.0.1\",\"interface\":1}]," ROUTES
		"}");
	q.version = CNI_1_0_0;
	is_json(cni_result(&q, &a),
		"{\"cniVersion\":\"1.0.0\",\"interfaces\":[" IFS "],"
		"\"ips\":[{\"address\":\"10.0.0.2/24\",\"gateway\":\"10.0.0.1\",\"interface\":1}]," ROUTES
		"}");
	q.version = CNI_0_3_1;
	is_json(cni_result(&q, &a),
		"{\"cniVersion\":\"0.3.1\",\"interfaces\":[" IFS "],\"ips\":[{\"version\":\"4\","
		"\"address\":\"10.0.0.2/24\",\"gateway\":\"10.0.0.1\",\"interface\":1}]," ROUTES
		"}");
	cni_request_done(&q);
}
END_TEST

/* A network without a router, or that gives no address. */
START_TEST(result_without)
{
	struct cni_request q = request("{}");
	struct cni_attached a = attached();

	a.routed = false;
	a.gateway[0] = a.interface_mac[0] = 0;
	a.mtu = 0;
	is_json(cni_result(&q, &a),
		"{\"cniVersion\":\"1.1.0\",\"interfaces\":[{\"name\":\"nt1\"},"
		"{\"name\":\"eth0\",\"mac\":\"02:00:00:00:00:01\",\"sandbox\":\"/n\"}],"
		"\"ips\":[{\"address\":\"10.0.0.2/24\",\"interface\":1}]}");
	a.address[0] = 0;
	is_json(cni_result(&q, &a),
		"{\"cniVersion\":\"1.1.0\",\"interfaces\":[{\"name\":\"nt1\"},"
		"{\"name\":\"eth0\",\"mac\":\"02:00:00:00:00:01\",\"sandbox\":\"/n\"}],"
		"\"ips\":[]}");
	cni_request_done(&q);
}
END_TEST

START_TEST(result_of_a_chain)
{
	struct cni_request q =
		request("{\"prevResult\":{\"cniVersion\":\"1.1.0\",\"x\":1,\"interfaces\":"
			"[{\"name\":\"lo\"}],\"ips\":[{\"address\":\"127.0.0.1/8\"}],"
			"\"routes\":[{\"dst\":\"10.9.0.0/16\"}],\"dns\":{}}}");
	struct cni_attached a = attached();

	a.dns = json_pack("{s:s}", "domain", "x");
	is_json(cni_result(&q, &a),
		"{\"cniVersion\":\"1.1.0\",\"x\":1,\"interfaces\":[{\"name\":\"lo\"}," IFS11 "],"
		"\"ips\":[{\"address\":\"127.0.0.1/8\"},"
		"{\"address\":\"10.0.0.2/24\",\"gateway\":\"10.0.0.1\",\"interface\":2}],"
		"\"routes\":[{\"dst\":\"10.9.0.0/16\"},{\"dst\":\"0.0.0.0/0\",\"gw\":\"10.0.0.1\"}],"
		"\"dns\":{}}");
	json_decref(a.dns);
	cni_request_done(&q);
}
END_TEST

static const struct {
	const char *config, *network, *dns; /* NULL: none */
} resolvers[] = {
	{ "{}", NULL, NULL },
	{ "{}", "{\"nameServers\":[],\"domain\":null}", NULL },
	{ "{}", "{\"nameServers\":[\"1.1.1.1\"],\"domain\":\"x\"}",
	  "{\"nameservers\":[\"1.1.1.1\"],\"domain\":\"x\"}" },
	{ "{\"dns\":{}}", "{\"nameServers\":[\"1.1.1.1\"]}", "{\"nameservers\":[\"1.1.1.1\"]}" },
	{ "{\"dns\":{\"search\":[\"y\"]}}", "{\"nameServers\":[\"1.1.1.1\"]}",
	  "{\"search\":[\"y\"]}" },
	{ "{\"dns\":{\"nameservers\":[\"2.2.2.2\"],\"domain\":\"d\"},\"runtimeConfig\":{\"dns\":"
	  "{\"servers\":[\"3.3.3.3\"],\"searches\":[\"s\"],\"options\":[\"o\"]}}}",
	  NULL,
	  "{\"nameservers\":[\"3.3.3.3\"],\"domain\":\"d\",\"search\":[\"s\"],\"options\":[\"o\"]}" },
	{ "{\"dns\":7,\"runtimeConfig\":7}", NULL, NULL },
};

START_TEST(resolver)
{
	struct cni_request q = request(resolvers[_i].config);
	json_t *network = resolvers[_i].network ? json_loads(resolvers[_i].network, 0, NULL) : NULL;
	json_t *dns = cni_dns(&q, network);

	if (resolvers[_i].dns)
		is_json(dns, resolvers[_i].dns);
	else
		ck_assert_ptr_null(dns);
	json_decref(network);
	cni_request_done(&q);
}
END_TEST

START_TEST(failure)
{
	struct cni_error e;

	ck_assert_int_eq(cni_fail(&e, CNI_BAD_CONFIG, "it is %s", "so"), -1);
	is_json(cni_error_result(&e, CNI_0_4_0),
		"{\"cniVersion\":\"0.4.0\",\"code\":7,\"msg\":\"invalid network configuration\","
		"\"details\":\"it is so\"}");
}
END_TEST

/* --- what CHECK expects --- */

static const struct {
	const char *prev;
	int index; /* -1: our interface is not there */
	const char *mac, *address, *gateway;
	unsigned addresses;
} expectations[] = {
	{ "{\"interfaces\":[" IFS11 "],\"ips\":[{\"address\":\"10.0.0.2/24\",\"interface\":1,"
	  "\"gateway\":\"10.0.0.1\"}]," ROUTES "}",
	  0, "02:00:00:00:00:01", "10.0.0.2/24", "10.0.0.1", 1 },
	/* the route's gateway is the address's */
	{ "{\"interfaces\":[" IFS11 "],\"ips\":[{\"address\":\"10.0.0.2/24\",\"interface\":1,"
	  "\"gateway\":\"10.0.0.7\"}],\"routes\":[{\"dst\":\"0.0.0.0/0\"}]}",
	  0, "02:00:00:00:00:01", "10.0.0.2/24", "10.0.0.7", 1 },
	/* no default route was made */
	{ "{\"interfaces\":[" IFS11 "],\"ips\":[{\"address\":\"10.0.0.2/24\",\"interface\":1,"
	  "\"gateway\":\"10.0.0.7\"}],\"routes\":[{\"dst\":\"10.0.0.0/8\"}]}",
	  0, "02:00:00:00:00:01", "10.0.0.2/24", NULL, 1 },
	/* others' addresses and those of IPv6 are not ours to see to; one without an interface is
	 */
	{ "{\"interfaces\":[" IFS11 "],\"ips\":[{\"address\":\"10.9.0.2/24\",\"interface\":0},"
	  "{\"address\":\"fd00::1/64\",\"interface\":1},{\"address\":\"10.0.0.3/24\"}]}",
	  0, "02:00:00:00:00:01", "10.0.0.3/24", NULL, 1 },
	{ "{\"interfaces\":[{\"name\":\"eth0\",\"sandbox\":\"/n\"}]}", 0, NULL, NULL, NULL, 0 },
	{ "{\"interfaces\":[{\"name\":\"eth0\"}]}", -1, NULL, NULL, NULL, 0 },
	{ "{\"interfaces\":[{\"name\":\"eth1\",\"sandbox\":\"/n\"}]}", -1, NULL, NULL, NULL, 0 },
	{ "{\"interfaces\":{}}", -1, NULL, NULL, NULL, 0 },
	{ "{}", -1, NULL, NULL, NULL, 0 },
};

START_TEST(expectation)
{
	char text[2048];
	struct cni_request q;
	struct cni_expected x;
	struct cni_error e;

	snprintf(text, sizeof(text), "{\"prevResult\":%s}", expectations[_i].prev);
	q = request(text);
	ck_assert_int_eq(cni_expect(&q, &x, &e), expectations[_i].index);
	if (!expectations[_i].index) {
		ck_assert_pstr_eq(x.mac, expectations[_i].mac);
		ck_assert_uint_eq(x.addresses, expectations[_i].addresses);
		ck_assert_pstr_eq(x.addresses ? x.address[0] : NULL, expectations[_i].address);
		ck_assert_pstr_eq(x.gateway, expectations[_i].gateway);
	}
	cni_request_done(&q);
}
END_TEST

UNIT_SUITE(cni_result)
{
	tcase_add_loop_test(tc, name, 0, ARRAY_SIZE(names));
	tcase_add_test(tc, names_stay);
	tcase_add_test(tc, names_differ);
	tcase_add_test(tc, others_are_none);
	tcase_add_test(tc, result);
	tcase_add_test(tc, result_without);
	tcase_add_test(tc, result_of_a_chain);
	tcase_add_loop_test(tc, resolver, 0, ARRAY_SIZE(resolvers));
	tcase_add_test(tc, failure);
	tcase_add_loop_test(tc, expectation, 0, ARRAY_SIZE(expectations));
}

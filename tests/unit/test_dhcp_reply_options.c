/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Replies: which configured options, and in which order (RFC 2132 9.8, RFC 3442, RFC 8925). */
#include "dhcp_kit.h"

static const uint8_t askers[] = { DHCP_DISCOVER, DHCP_REQUEST, DHCP_INFORM };

static const struct {
	int number;
	const char *list, *order; /* of the reply to a DISCOVER */
} orders[] = {
	{ 69, "03 01", "35 36 33 01 03" },
	{ 69, "03 06 01", "35 36 33 01 03 06" },
	{ 69, "06 03 0f 01 1a", "35 36 33 06 01 03 0f 1a" },
	{ 69, "01 03", "35 36 33 01 03" },
	{ 69, "03", "35 36 33 03" },
	{ 70, "1a 0f 06 03", "35 36 33 1a 0f 06 03" },
	{ 70, "2a 1c 06", "35 36 33 2a 1c 06" },
	{ 70, "3b 3a 01", "35 36 33 3b 3a 01" },
	{ 70, "06", "35 36 33 06" },
	{ 70, "06 06 01 06", "35 36 33 06 01" },
	{ 70, "33 36 35 06", "35 36 33 06" },
	{ 70, "0c 2c 77 06", "35 36 33 06" }, /* nothing is configured of the first three */
	{ 70, "c8", "35 36 33" },
};

static void check_order(const char *list, const char *order)
{
	struct kit k CLEAN_KIT;

	kit_start(&k);
	kit_put(&k, 6, "0a4d0001");
	kit_put(&k, 15, "766d");
	kit_put(&k, 42, "0a4d0001");
	kit_ask(&k, DHCP_DISCOVER, list);
	kit_expect_order(&k, order, list);
}

/* All cases of a statement. */
static void check_orders(int number)
{
	unsigned n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		if (orders[i].number != number)
			continue;
		check_order(orders[i].list, orders[i].order);
		n++;
	}
	ck_assert_uint_gt(n, 0);
}

START_TEST(t_dhcp_069)
{
	check_orders(69);
}
END_TEST

START_TEST(t_dhcp_070)
{
	check_orders(70);
}
END_TEST

/* A client that does not say what it wants gets everything, the usual first. */
START_TEST(no_list_gets_everything)
{
	struct dhcp_port p = { .net = KIT_NET, .port = KIT_PORT, .hostname = "web" };
	struct kit k CLEAN_KIT;

	kit_start(&k);
	dhcp_port_update(k.s, &p);
	kit_put(&k, 42, "0a4d0001");
	kit_put(&k, 15, "766d");
	kit_put(&k, 6, "0a4d0001");
	kit_put(&k, 200, "");
	kit_ask(&k, DHCP_DISCOVER, NULL);
	kit_expect_order(&k, "35 36 33 01 03 06 0f 0c 1a 1c 3a 3b 2a c8", "no list");
	kit_ask(&k, DHCP_REQUEST, "");
	kit_expect_order(&k, "35 36 33 01 03 06 0f 0c 1a 1c 3a 3b 2a c8", "empty list");
	kit_expect_hex(&k, 200, "");
}
END_TEST

/* What follows from the network's own keys. */
static const struct {
	const char *name;
	struct ip4_prefix server;
	uint32_t router;
	uint16_t mtu;
	const char *hostname;
	const char *mask, *routers, *broadcast, *interface_mtu, *name_option;
} networks[] = {
	{ "all",
	  { KIT_SERVER, 24 },
	  KIT_SERVER,
	  1500,
	  "web",
	  "ffffff00",
	  "0a4d0001",
	  "0a4d00ff",
	  "05dc",
	  "776562" },
	{ "nothing", { KIT_SERVER, 16 }, 0, 0, NULL, "ffff0000", NULL, "0a4dffff", NULL, NULL },
	{ "another router",
	  { KIT_SERVER, 25 },
	  KIT_IP(10, 77, 0, 126),
	  65535,
	  "a.b",
	  "ffffff80",
	  "0a4d007e",
	  "0a4d007f",
	  "ffff",
	  "612e62" },
	{ "/30",
	  { KIT_SERVER, 30 },
	  KIT_SERVER,
	  1400,
	  "web",
	  "fffffffc",
	  "0a4d0001",
	  "0a4d0003",
	  "0578",
	  "776562" },
};

START_TEST(network_options)
{
	struct dhcp_port p = { .net = KIT_NET,
			       .port = KIT_PORT,
			       .hostname = networks[_i].hostname };
	struct kit k CLEAN_KIT;

	kit_start(&k);
	k.config.server = networks[_i].server;
	k.config.router = networks[_i].router;
	k.config.mtu = networks[_i].mtu;
	kit_configure(&k);
	dhcp_port_update(k.s, &p);
	for (unsigned i = 0; i < 4; i++) {
		kit_ask(&k, i / 2 ? DHCP_INFORM : DHCP_DISCOVER, i % 2 ? "01 03 1c 1a 0c" : NULL);
		kit_expect_hex(&k, 1, networks[_i].mask);
		kit_expect_hex(&k, 3, networks[_i].routers);
		kit_expect_hex(&k, 28, networks[_i].broadcast);
		kit_expect_hex(&k, 26, networks[_i].interface_mtu);
		kit_expect_hex(&k, 12, networks[_i].name_option);
	}
}
END_TEST

/* The host's options stand in front of the network's, and another host does not see them. */
START_TEST(host_options)
{
	struct dhcp_option_set *host;
	struct dhcp_port p = { .net = KIT_NET, .port = KIT_PORT };
	struct kit k CLEAN_KIT;

	kit_start(&k);
	ck_ok(dhcp_option_set_new(&host));
	ck_ok(dhcp_option_set_put(host, 42, "host", 4));
	ck_ok(dhcp_option_set_put(host, 67, "boot", 4));
	ck_ok(dhcp_option_set_put(host, 3, "\x0a\x4d\0\2", 4));
	p.options = host;
	dhcp_port_update(k.s, &p);
	kit_put(&k, 42, "0a4d0001");
	kit_put(&k, 17, "61");
	for (unsigned i = 0; i < 2; i++) {
		kit_ask(&k, DHCP_DISCOVER, i ? "2a 11 43 03" : NULL);
		kit_expect_option(&k, 42, "host", 4);
		kit_expect_option(&k, 67, "boot", 4);
		kit_expect_option(&k, 17, "a", 1);
		ck_assert_uint_eq(kit_u32(&k, 3), KIT_IP(10, 77, 0, 2));
	}
	k.port = KIT_PORT2;
	kit_discover(&k);
	kit_expect_hex(&k, 42, "0a4d0001");
	kit_expect_hex(&k, 67, NULL);
	ck_assert_uint_eq(kit_u32(&k, 3), KIT_SERVER);
	p.options = NULL;
	dhcp_port_update(k.s, &p);
	dhcp_option_set_free(host);
}
END_TEST

/* A list that repeats itself takes no room from what comes behind. */
START_TEST(list_that_repeats_itself)
{
	static const char *const repeated[] = { "01 03*200 1c 1a 3a 3b",
						"03*125 01*125 1c 1a 3a 3b",
						"1a*250 1c 3a 3b 01 03" };
	struct kit k CLEAN_KIT;

	kit_start(&k);
	for (size_t i = 0; i < ARRAY_SIZE(repeated); i++) {
		kit_ask(&k, DHCP_DISCOVER, repeated[i]);
		ck_assert_uint_eq(kit_u32(&k, 1), 0xffffff00);
		ck_assert_uint_eq(kit_u32(&k, 28), KIT_IP(10, 77, 0, 255));
		ck_assert_uint_eq(kit_u32(&k, 58), KIT_LEASE_TIME / 2);
		ck_assert(kit_has(&k, 3) && kit_has(&k, 26) && kit_has(&k, 59));
	}
}
END_TEST

/* --- routes: RFC 3442 --- */

static const struct {
	const char *name;
	const char *routes; /* option 121 of the network; NULL: none */
	uint32_t router;
	const char *list;			   /* NULL: none */
	const char *classless, *routers, *statics; /* of the reply; NULL: absent */
	const char *microsoft;
} routings[] = {
	{ "default appended", "080a0a4d0002", KIT_SERVER, "79 03 21", "080a0a4d0002 000a4d0001",
	  NULL, NULL, NULL },
	{ "in any order", "080a0a4d0002", KIT_SERVER, "21 03 79", "080a0a4d0002 000a4d0001", NULL,
	  NULL, NULL },
	{ "121 alone", "080a0a4d0002", KIT_SERVER, "79", "080a0a4d0002 000a4d0001", NULL, NULL,
	  NULL },
	{ "121 not asked for", "080a0a4d0002", KIT_SERVER, "03 21", NULL, "0a4d0001",
	  "0a000000 0a4d0003", NULL },
	{ "121 not configured", NULL, KIT_SERVER, "79 03 21", NULL, "0a4d0001", "0a000000 0a4d0003",
	  NULL },
	{ "has a default", "000a4d0009 080a0a4d0002", KIT_SERVER, "79 03",
	  "000a4d0009 080a0a4d0002", NULL, NULL, NULL },
	{ "has a default last", "080a0a4d0002 000a4d0009", KIT_SERVER, "03 79",
	  "080a0a4d0002 000a4d0009", NULL, NULL, NULL },
	{ "host routes are no default", "20 00000000 0a4d0002", KIT_SERVER, "79",
	  "20 00000000 0a4d0002 000a4d0001", NULL, NULL, NULL },
	{ "no router", "080a0a4d0002", 0, "79 03", "080a0a4d0002", NULL, NULL, NULL },
	{ "249 alone", "080a0a4d0002", KIT_SERVER, "f9", NULL, NULL, NULL,
	  "080a0a4d0002 000a4d0001" },
	{ "249 beside 3", "080a0a4d0002", KIT_SERVER, "03 f9 21", NULL, "0a4d0001",
	  "0a000000 0a4d0003", "080a0a4d0002 000a4d0001" },
	{ "121 and 249", "080a0a4d0002", KIT_SERVER, "f9 79 03", "080a0a4d0002 000a4d0001", NULL,
	  NULL, NULL },
	{ "249, nothing configured", NULL, KIT_SERVER, "f9 79 03", NULL, "0a4d0001", NULL, NULL },
	{ "no list", "080a0a4d0002", KIT_SERVER, NULL, "080a0a4d0002 000a4d0001", "0a4d0001",
	  "0a000000 0a4d0003", NULL },
};

START_TEST(t_dhcp_074)
{
	struct kit k CLEAN_KIT;

	kit_start(&k);
	k.config.router = routings[_i].router;
	kit_configure(&k);
	if (routings[_i].routes)
		kit_put(&k, 121, routings[_i].routes);
	kit_put(&k, 33, "0a000000 0a4d0003");
	for (size_t i = 0; i < sizeof(askers); i++) {
		kit_ask(&k, askers[i], routings[_i].list);
		kit_expect_hex(&k, 121, routings[_i].classless);
		kit_expect_hex(&k, 3, routings[_i].routers);
		kit_expect_hex(&k, 33, routings[_i].statics);
		kit_expect_hex(&k, 249, routings[_i].microsoft);
	}
}
END_TEST

/* However many routes there are, the default is among them, and the rest of the reply is whole. */
static void check_routes(size_t n)
{
	uint8_t routes[KIT_VALUE_MAX];
	struct kit_message c;
	struct kit k CLEAN_KIT;
	size_t len = n * 8;

	kit_start(&k);
	for (size_t i = 0; i < len; i += 8)
		kit_hex("18 0a0000 0a4d0002", routes + i, 8);
	ck_ok(dhcp_option_set_put(k.options, 121, routes, len));
	kit_hex("00 0a4d0001", routes + len, 5);
	kit_message(&c, &k, DHCP_DISCOVER);
	kit_add_u16(&c, 57, 1500);
	kit_add(&c, 55, "\x79\x03\x01\x1c\x1a\x3a\x3b", 7);
	kit_send(&k, &c);
	kit_expect_option(&k, 121, routes, len + 5);
	ck_assert(kit_has(&k, 1) && kit_has(&k, 28) && kit_has(&k, 26));
	ck_assert(kit_has(&k, 58) && kit_has(&k, 59) && !kit_has(&k, 3));
}

/* Routes that fit nowhere take no router with them. */
START_TEST(routes_that_do_not_fit)
{
	uint8_t routes[KIT_VALUE_MAX];
	struct kit k CLEAN_KIT;

	kit_start(&k);
	for (size_t i = 0; i < 800; i += 8)
		kit_hex("18 0a0000 0a4d0002", routes + i, 8);
	ck_ok(dhcp_option_set_put(k.options, 121, routes, 800));
	kit_put(&k, 33, "0a000000 0a4d0003");
	kit_ask(&k, DHCP_DISCOVER, "79 03 21 01 06 f9");
	kit_expect_hex(&k, 121, NULL);
	kit_expect_hex(&k, 249, NULL);
	kit_expect_hex(&k, 33, "0a000000 0a4d0003");
	ck_assert_uint_eq(kit_u32(&k, 3), KIT_SERVER);
	ck_assert_uint_eq(kit_u32(&k, 1), 0xffffff00);
	kit_put(&k, 249, "080a0a4d0002"); /* a short one of its own */
	kit_ask(&k, DHCP_DISCOVER, "79 03 f9");
	kit_expect_hex(&k, 249, "080a0a4d0002 000a4d0001");
	ck_assert_uint_eq(kit_u32(&k, 3), KIT_SERVER);
}
END_TEST

START_TEST(many_routes)
{
	for (size_t n = 1; n <= 128; n++)
		check_routes(n);
}
END_TEST

/* RFC 8925 3.3: a client that does not ask for IPv6-only must not be told to be. */
START_TEST(t_dhcp_110)
{
	struct kit k CLEAN_KIT;

	kit_start(&k);
	kit_put(&k, 108, "00000708");
	for (size_t i = 0; i < sizeof(askers); i++) {
		kit_ask(&k, askers[i], NULL);
		kit_expect_hex(&k, 108, NULL);
		kit_ask(&k, askers[i], "01 03");
		kit_expect_hex(&k, 108, NULL);
		kit_ask(&k, askers[i], "01 6c 03");
		kit_expect_hex(&k, 108, "00000708");
	}
}
END_TEST

/* --- from the text of the configuration to the wire --- */

static void configure(struct kit *k, uint8_t code, const char *const *values, unsigned n)
{
	uint8_t octets[KIT_VALUE_MAX];
	struct wr w = wr_init(octets, sizeof(octets));

	ck_ok(dhcp_option_encode(code, values, n, &w, &unit_err));
	ck_ok(dhcp_option_set_put(k->options, code, octets, w.len));
}

#define LABEL "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0"

/* A search list of more than 255 octets comes in pieces, one behind the other, of which the first
 * is as long as can be (RFC 3397 2, RFC 3396 6); put together it is what was configured. */
START_TEST(long_search_list)
{
	static const char *const names[] = { LABEL ".example.org", LABEL ".example.net",
					     LABEL ".example.com", LABEL ".vm.internal", "last" };
	char text[1024], want[1024] = "";
	const uint8_t *p, *whole;
	struct kit_message c;
	struct kit k CLEAN_KIT;
	size_t len;

	kit_start(&k);
	configure(&k, 119, names, ARRAY_SIZE(names));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		snprintf(want + strlen(want), sizeof(want) - strlen(want), "%s%s", i ? ", " : "",
			 names[i]);
	for (size_t i = 0; i < sizeof(askers); i++) {
		kit_message(&c, &k, askers[i]);
		if (askers[i] == DHCP_INFORM)
			c.m.ciaddr = c.saddr = KIT_ADDR;
		if (askers[i] == DHCP_REQUEST)
			kit_add_u32(&c, 50, KIT_ADDR);
		kit_add_u16(&c, 57, 1500);
		kit_add(&c, 55, "\x77\x01", 2);
		kit_send(&k, &c);
		whole = dhcp_options_get(&k.o, 119, &len);
		ck_assert_ptr_nonnull(whole);
		ck_assert_uint_gt(len, 255);
		dhcp_option_decode(119, whole, len, text, sizeof(text));
		ck_assert_str_eq(text, want);
		/* 119, 255, 255 octets, 119, what is left, and it. */
		p = memmem(k.m.options, k.m.options_len, "\x77\xff", 2);
		ck_assert_ptr_nonnull(p);
		ck_assert_mem_eq(p + 2, whole, 255);
		ck_assert_uint_eq(p[257], 119);
		ck_assert_uint_eq(p[258], len - 255);
		ck_assert_mem_eq(p + 259, whole + 255, len - 255);
	}
}
END_TEST

/* RFC 5859: addresses in the order in which they were written, for who asks for them. */
START_TEST(tftp_servers)
{
	static const char *const servers[] = { "10.77.0.9", "10.77.0.2" };
	struct kit k CLEAN_KIT;

	kit_start(&k);
	configure(&k, 150, servers, 2);
	for (size_t i = 0; i < sizeof(askers); i++) {
		kit_ask(&k, askers[i], "42 96 01");
		kit_expect_hex(&k, 150, "0a4d0009 0a4d0002");
		kit_ask(&k, askers[i], "42 01");
		kit_expect_hex(&k, 150, NULL);
	}
}
END_TEST

/* RFC 3925 and 2132 8.4, as they were configured. */
START_TEST(vendor_options)
{
	static const char *const of_vendor[] = { "1 ip 10.77.0.9" };
	static const char *const of_enterprise[] = { "3561 1 text a", "9 2 u8 7" };
	struct kit k CLEAN_KIT;

	kit_start(&k);
	configure(&k, 43, of_vendor, 1);
	configure(&k, 125, of_enterprise, 2);
	for (size_t i = 0; i < sizeof(askers); i++) {
		kit_ask(&k, askers[i], "7d 2b");
		kit_expect_hex(&k, 43, "01040a4d0009");
		kit_expect_hex(&k, 125, "00000de9 03 010161 00000009 03 020107");
	}
}
END_TEST

UNIT_SUITE(dhcp_reply_options)
{
	tcase_add_test(tc, long_search_list);
	tcase_add_test(tc, tftp_servers);
	tcase_add_test(tc, vendor_options);
	tcase_add_test(tc, t_dhcp_069);
	tcase_add_test(tc, t_dhcp_070);
	tcase_add_test(tc, no_list_gets_everything);
	tcase_add_loop_test(tc, network_options, 0, ARRAY_SIZE(networks));
	tcase_add_test(tc, host_options);
	tcase_add_test(tc, list_that_repeats_itself);
	tcase_add_loop_test(tc, t_dhcp_074, 0, ARRAY_SIZE(routings));
	tcase_add_test(tc, many_routes);
	tcase_add_test(tc, routes_that_do_not_fit);
	tcase_add_test(tc, t_dhcp_110);
}

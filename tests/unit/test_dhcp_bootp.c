/* SPDX-License-Identifier: GPL-2.0-or-later */
/* BOOTP (RFC 951, 1497, 1534, 1542): who is answered, with what, and that nothing comes of it. */
#include "client_kit.h"

enum { BOOTP_SIZE = 300 };

static void start(struct kit *k)
{
	kit_start(k);
	k->config.bootp = true;
	kit_configure(k);
}

/* `vend` stands where the cookie would: with "63825363" it is one. */
static void boot_from(struct kit *k, const struct kit_message *c, const char *vend, size_t size)
{
	uint8_t p[DHCP_PAYLOAD_MAX];

	ck_assert_uint_le(size, sizeof(p));
	kit_payload(c, p, sizeof(p));
	memset(p + 236, 0, sizeof(p) - 236);
	kit_hex(vend, p + 236, sizeof(p) - 236);
	kit_send_payload(k, c, p, size);
}

static void boot(struct kit *k, const char *vend, size_t size)
{
	struct kit_message c;

	kit_message(&c, k, 0);
	boot_from(k, &c, vend, size);
}

static void expect_reply(const struct kit *k, uint32_t addr, const char *what)
{
	ck_assert_msg(k->action.bootp && !k->action.drop, "%s: dropped: %s", what,
		      dhcp_drop_text(k->action.drop));
	ck_assert_uint_eq(k->m.yiaddr, addr);
}

static const struct {
	const char *name, *vend;
	size_t size;
	enum dhcp_drop drop; /* when BOOTP is off */
} requests[] = {
	{ "no vendor area", "", 236, DHCP_DROP_NO_COOKIE },
	{ "half a cookie", "6382", 238, DHCP_DROP_NO_COOKIE },
	{ "zeros", "", 300, DHCP_DROP_NO_COOKIE },
	{ "another vendor's", "434d5500 01020304", 300, DHCP_DROP_NO_COOKIE },
	{ "a wrong cookie before options", "63825362 350101", 300, DHCP_DROP_NO_COOKIE },
	{ "a cookie", "63825363", 240, DHCP_DROP_TYPE },
	{ "a cookie and an end", "63825363 ff", 300, DHCP_DROP_TYPE },
	{ "options of RFC 1497", "63825363 0c0161 ff", 300, DHCP_DROP_TYPE },
	{ "a large one", "63825363 ff", 548, DHCP_DROP_TYPE },
};

/* The port's own guest, in whatever state its lease is; that does not change. */
START_TEST(t_dhcp_005_own_guest)
{
	const char *what = requests[_i].name;
	struct dhcp_lease before;
	struct kit k CLEAN_KIT;

	for (unsigned state = 0; state < KIT_STATES; state++) {
		start(&k);
		kit_prepare(&k, kit_states[state]);
		before = *kit_lease(&k);
		boot(&k, requests[_i].vend, requests[_i].size);
		if (kit_states[state] == DHCP_LEASE_DECLINED)
			kit_expect_drop(&k, DHCP_DROP_NO_ADDRESS, what);
		else
			expect_reply(&k, KIT_ADDR, what);
		ck_assert_mem_eq(kit_lease(&k), &before, sizeof(before));
		k.config.bootp = false;
		kit_configure(&k);
		boot(&k, requests[_i].vend, requests[_i].size);
		kit_expect_drop(&k, requests[_i].drop, what);
		if (state < KIT_STATES - 1)
			kit_stop(&k);
	}
}
END_TEST

/* What has a message type is DHCP, also where that makes no sense. */
START_TEST(not_bootp)
{
	static const char *const vend[] = { "63825363 3500 ff", "63825363 350109 ff",
					    "63825363 35020101 ff", "63825363 350102 ff" };
	struct kit k CLEAN_KIT;

	start(&k);
	for (size_t i = 0; i < 4; i++) {
		boot(&k, vend[i], 300);
		kit_expect_drop(&k, DHCP_DROP_TYPE, vend[i]);
	}
	boot(&k, "63825363 0cff61 ff", 300);
	kit_expect_drop(&k, DHCP_DROP_OPTIONS, "an option that runs past the end");
	kit_expect_service(&k);
}
END_TEST

/* A client has to have a reservation, and nobody else the address. */
START_TEST(t_dhcp_005_clients)
{
	struct dhcp_host host = { .addr = LAST, .mac = { { 0x52, 0x54, 0, 0, 0, 2 } } };
	struct net n CLEAN_NET;
	struct kit_message c;
	uint32_t addr;

	net_start(&n, DHCP_IDENTITY_CLIENT_ID);
	n.k.config.bootp = true;
	net_reserve(&n, &host, 1);
	speak(&n, &berta, 0, &c);
	boot_from(&n.k, &c, "", 300);
	expect_reply(&n.k, LAST, "a reservation");
	ck_assert_ptr_null(dhcp_lease_by_addr(n.k.s, KIT_NET, LAST));
	speak(&n, &anna, 0, &c);
	boot_from(&n.k, &c, "", 300);
	kit_expect_drop(&n.k, DHCP_DROP_NO_COOKIE, "no reservation");
	boot_from(&n.k, &c, "63825363 ff", 300);
	kit_expect_drop(&n.k, DHCP_DROP_TYPE, "no reservation");
	/* One without an address, and one whose address another still has. */
	addr = lease(&n, &anna);
	host.addr = 0;
	net_reserve(&n, &host, 1);
	speak(&n, &berta, 0, &c);
	boot_from(&n.k, &c, "", 300);
	kit_expect_drop(&n.k, DHCP_DROP_NO_COOKIE, "no address");
	host.addr = addr;
	net_reserve(&n, &host, 1);
	boot_from(&n.k, &c, "", 300);
	kit_expect_drop(&n.k, DHCP_DROP_NO_ADDRESS, "it is in use");
	release(&n, &anna, addr);
	speak(&n, &berta, 0, &c);
	boot_from(&n.k, &c, "", 300);
	expect_reply(&n.k, addr, "it is free");
	/* A DHCP client on the same card is the same client. */
	ck_assert_uint_eq(lease(&n, &berta), addr);
	speak(&n, &berta, 0, &c);
	boot_from(&n.k, &c, "", 300);
	expect_reply(&n.k, addr, "beside a lease");
	check_pool(&n);
}
END_TEST

/* The fixed part, and where the answer goes (RFC 2131 4.1). */
START_TEST(where_to)
{
	static const struct mac everyone = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
	struct kit k CLEAN_KIT;
	struct kit_message c;

	start(&k);
	dhcp_option_set_next_server(k.options, KIT_IP(10, 77, 0, 9));
	kit_put(&k, 67, "612e656669");
	boot(&k, "", 300);
	expect_reply(&k, KIT_ADDR, "unicast");
	ck_assert(mac_equal(&k.frame.dst, &kit_mac) && k.frame.daddr == KIT_ADDR);
	ck_assert(k.m.xid == KIT_XID && k.m.hops == 0 && k.m.secs == 0 && k.m.htype == 1);
	ck_assert_uint_eq(k.m.siaddr, KIT_IP(10, 77, 0, 9));
	ck_assert_str_eq((const char *)k.m.file, "a.efi");
	ck_assert(!kit_has(&k, 67));
	kit_message(&c, &k, 0);
	c.m.flags = DHCP_FLAG_BROADCAST;
	boot_from(&k, &c, "", 300);
	expect_reply(&k, KIT_ADDR, "broadcast");
	ck_assert(mac_equal(&k.frame.dst, &everyone) && k.frame.daddr == UINT32_MAX);
	kit_message(&c, &k, 0);
	c.m.ciaddr = KIT_ADDR;
	boot_from(&k, &c, "", 300);
	expect_reply(&k, KIT_ADDR, "ciaddr");
	ck_assert(k.m.ciaddr == KIT_ADDR && k.frame.daddr == KIT_ADDR);
	kit_message(&c, &k, 0);
	c.m.giaddr = KIT_IP(10, 77, 0, 8);
	boot_from(&k, &c, "", 300);
	kit_expect_drop(&k, DHCP_DROP_NO_COOKIE, "a guest is no relay agent");
}
END_TEST

/* By a relay agent: to it, and its option with it. */
START_TEST(relayed)
{
	static const struct dhcp_host host = { .addr = LAST,
					       .mac = { { 0x52, 0x54, 0, 0, 0, 2 } } };
	struct dhcp_port agent = { .net = KIT_NET, .port = SHARED, .trusted = true };
	struct net n CLEAN_NET;
	struct kit_message c;

	net_start(&n, DHCP_IDENTITY_PORT);
	n.k.config.bootp = true;
	dhcp_port_update(n.k.s, &agent);
	net_reserve(&n, &host, 1);
	speak(&n, &berta, 0, &c);
	c.m.giaddr = KIT_IP(10, 77, 0, 8);
	boot_from(&n.k, &c, "63825363 52 03 010178 ff", 300);
	expect_reply(&n.k, LAST, "relayed");
	ck_assert(n.k.m.giaddr == c.m.giaddr && n.k.frame.daddr == c.m.giaddr);
	ck_assert_uint_eq(n.k.frame.dport, DHCP_SERVER_PORT);
	kit_expect_hex(&n.k, 82, "010178");
}
END_TEST

/* RFC 1497's vendor area: 64 octets, or as many as the client has, and nowhere else. */
START_TEST(vendor_area)
{
	static const uint8_t zero[64];
	struct kit k CLEAN_KIT;
	uint8_t codes[256];

	start(&k);
	kit_put(&k, 6, "01010101 02020202");
	kit_put(&k, 15, "61*40");
	kit_put(&k, 17, "62*30");
	boot(&k, "63825363 ff", BOOTP_SIZE);
	expect_reply(&k, KIT_ADDR, "64 octets");
	ck_assert_uint_eq(k.frame.len, BOOTP_SIZE);
	/* What fits of what it needs first: mask, router, name servers, MTU, broadcast, root. */
	kit_expect_hex(&k, 1, "ffffff00");
	ck_assert_uint_eq(kit_u32(&k, 3), KIT_SERVER);
	kit_expect_hex(&k, 6, "01010101 02020202");
	ck_assert(!kit_has(&k, 15) && !kit_has(&k, 52));
	ck_assert_mem_eq(k.m.sname, zero, 64);
	ck_assert_mem_eq(k.m.file, zero, 64);
	for (unsigned code = 50; code < 62; code++)
		ck_assert(!kit_has(&k, (uint8_t)code));
	boot(&k, "63825363 ff", 548);
	expect_reply(&k, KIT_ADDR, "as much as the client sends");
	kit_expect_hex(&k, 15, "61*40");
	kit_expect_hex(&k, 17, "62*30");
	ck_assert_uint_eq(kit_order(&k, codes), 7);
	ck_assert_uint_le(k.frame.len, 548);
	boot(&k, "63825363 ff", 4000);
	expect_reply(&k, KIT_ADDR, "no more than a frame");
	ck_assert(!k.out_bad);
	ck_assert_uint_eq(dhcp_counters(k.s)->sent[0], 3);
	ck_assert_uint_eq(dhcp_counters(k.s)->received[0], 3);
}
END_TEST

UNIT_SUITE(dhcp_bootp)
{
	tcase_add_loop_test(tc, t_dhcp_005_own_guest, 0, sizeof(requests) / sizeof(requests[0]));
	tcase_add_test(tc, not_bootp);
	tcase_add_test(tc, t_dhcp_005_clients);
	tcase_add_test(tc, where_to);
	tcase_add_test(tc, relayed);
	tcase_add_test(tc, vendor_area);
}

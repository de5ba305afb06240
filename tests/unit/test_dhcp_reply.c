/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Replies: fields, destinations, sizes, what is echoed, NAK (RFC 2131 4.1, 4.3.1 table 3). */
#include "dhcp_kit.h"

static const uint8_t askers[] = { DHCP_DISCOVER, DHCP_REQUEST, DHCP_INFORM };

/* --- fields --- */

static const struct {
	const char *name;
	uint32_t xid;
	uint16_t secs, flags;
	uint8_t hops;
	const char *file;
} headers[] = {
	{ "ordinary", 0x12345678, 0, 0, 0, NULL },
	{ "zero", 0, 0, 0, 0, NULL },
	{ "all ones", UINT32_MAX, UINT16_MAX, UINT16_MAX, UINT8_MAX, "junk in file" },
	{ "broadcast", 0x80000000, 9, DHCP_FLAG_BROADCAST, 1, NULL },
};

START_TEST(t_dhcp_021)
{
	static const uint8_t zero[192];
	struct kit_message c;
	struct kit k CLEAN_KIT;

	kit_start(&k);
	kit_message(&c, &k, DHCP_DISCOVER);
	c.m.xid = headers[_i].xid;
	c.m.secs = headers[_i].secs;
	c.m.flags = headers[_i].flags;
	c.m.hops = headers[_i].hops;
	memset(c.m.chaddr + 6, 0xee, 10); /* padding is copied like the rest */
	if (headers[_i].file)
		memcpy(c.file, headers[_i].file, strlen(headers[_i].file));
	kit_send(&k, &c);
	kit_expect(&k, DHCP_OFFER, headers[_i].name);
	ck_assert(k.m.op == 2 && k.m.htype == 1 && k.m.hlen == 6 && k.m.hops == 0);
	ck_assert_uint_eq(k.m.xid, headers[_i].xid);
	ck_assert(k.m.secs == 0 && k.m.flags == headers[_i].flags);
	ck_assert(k.m.ciaddr == 0 && k.m.yiaddr == KIT_ADDR && k.m.giaddr == 0);
	ck_assert_mem_eq(k.m.chaddr, c.m.chaddr, 16);
	ck_assert_mem_eq(k.m.sname, zero, 192);
	ck_assert_uint_eq(kit_u32(&k, 54), KIT_SERVER);
	ck_assert_uint_eq(kit_u32(&k, 51), KIT_LEASE_TIME);
}
END_TEST

/* RFC 2131 table 3: what only clients send never comes back, even when it is asked for. */
START_TEST(t_dhcp_022)
{
	static const uint8_t types[] = { DHCP_DISCOVER, DHCP_REQUEST };
	struct kit k CLEAN_KIT;

	kit_start(&k);
	for (size_t i = 0; i < sizeof(types); i++) {
		struct kit_message c;

		kit_message(&c, &k, types[i]);
		kit_add_u32(&c, 50, KIT_ADDR);
		kit_add_u16(&c, 57, 1400);
		kit_add(&c, 55, "\x32\x37\x39\x3d\x52\x34\x35\x36\x33\x00\xff\x01", 12);
		kit_send(&k, &c);
		kit_expect_order(&k, "35 36 33 01", dhcp_type_text(types[i]));
	}
}
END_TEST

/* An ACK says what the OFFER said. */
static const char *const lists[] = { NULL,    "01 03 06 0f 1a 1c", "03 01", "79 03 2a 2b 3a 3b",
				     "00 ff", "2b 11 42 3c" };

START_TEST(t_dhcp_050)
{
	struct dhcp_message offer;
	uint8_t options[DHCP_FRAME_MAX];
	struct kit k CLEAN_KIT;

	kit_start(&k);
	kit_put(&k, 6, "0a4d0001 01010101");
	kit_put(&k, 42, "0a4d0001");
	kit_put(&k, 43, "ee*255");
	kit_put(&k, 17, "61*100");
	kit_put(&k, 121, "080a0a4d0002");
	kit_ask(&k, DHCP_DISCOVER, lists[_i]);
	offer = k.m;
	memcpy(options, k.m.options, k.m.options_len);
	kit_ask(&k, DHCP_REQUEST, lists[_i]);
	ck_assert_uint_eq(k.m.options_len, offer.options_len);
	ck_assert_uint_eq(k.m.yiaddr, offer.yiaddr);
	ck_assert_mem_eq(options, "\x35\x01\x02", 3);
	ck_assert_mem_eq(k.m.options, "\x35\x01\x05", 3);
	ck_assert_mem_eq(k.m.options + 3, options + 3, k.m.options_len - 3);
}
END_TEST

/* --- to whom: RFC 2131 4.1 --- */

static const struct destination {
	int number; /* of the statement that this is a case of */
	const char *name;
	uint8_t type;
	enum dhcp_type reply;
	uint16_t flags;
	uint32_t wanted, ciaddr, daddr;
	bool everyone; /* on the link as well */
} destinations[] = {
	{ 58, "RENEWING", DHCP_REQUEST, DHCP_ACK, 0, 0, KIT_ADDR, KIT_ADDR, false },
	{ 58, "RENEWING, broadcast bit", DHCP_REQUEST, DHCP_ACK, DHCP_FLAG_BROADCAST, 0, KIT_ADDR,
	  KIT_ADDR, false },
	{ 59, "DISCOVER", DHCP_DISCOVER, DHCP_OFFER, DHCP_FLAG_BROADCAST, 0, 0, UINT32_MAX, true },
	{ 59, "INIT-REBOOT", DHCP_REQUEST, DHCP_ACK, DHCP_FLAG_BROADCAST, KIT_ADDR, 0, UINT32_MAX,
	  true },
	{ 59, "all bits", DHCP_DISCOVER, DHCP_OFFER, 0xffff, 0, 0, UINT32_MAX, true },
	{ 60, "DISCOVER", DHCP_DISCOVER, DHCP_OFFER, 0, 0, 0, KIT_ADDR, false },
	{ 60, "DISCOVER, other bits", DHCP_DISCOVER, DHCP_OFFER, 0x7fff, 0, 0, KIT_ADDR, false },
	{ 60, "INIT-REBOOT", DHCP_REQUEST, DHCP_ACK, 0, KIT_ADDR, 0, KIT_ADDR, false },
	{ 61, "INIT-REBOOT", DHCP_REQUEST, DHCP_NAK, 0, KIT_ADDR2, 0, UINT32_MAX, true },
	{ 61, "RENEWING", DHCP_REQUEST, DHCP_NAK, 0, 0, KIT_ADDR2, UINT32_MAX, true },
	{ 61, "broadcast bit", DHCP_REQUEST, DHCP_NAK, DHCP_FLAG_BROADCAST, KIT_ADDR2, 0,
	  UINT32_MAX, true },
};

static void check_destination(const struct destination *d)
{
	static const struct mac all = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
	struct kit_message c;
	struct kit k CLEAN_KIT;

	kit_start(&k);
	kit_message(&c, &k, d->type);
	c.m.flags = d->flags;
	c.m.ciaddr = c.saddr = d->ciaddr;
	if (d->wanted)
		kit_add_u32(&c, 50, d->wanted);
	kit_send(&k, &c);
	kit_expect(&k, d->reply, d->name);
	ck_assert_uint_eq(k.frame.daddr, d->daddr);
	ck_assert(mac_equal(&k.frame.dst, d->everyone ? &all : &kit_mac));
}

/* All cases of a statement. */
static void check_destinations(int number)
{
	unsigned n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(destinations); i++) {
		if (destinations[i].number != number)
			continue;
		check_destination(&destinations[i]);
		n++;
	}
	ck_assert_uint_gt(n, 0);
}

START_TEST(t_dhcp_058)
{
	check_destinations(58);
}
END_TEST

START_TEST(t_dhcp_059)
{
	check_destinations(59);
}
END_TEST

START_TEST(t_dhcp_060)
{
	check_destinations(60);
}
END_TEST

START_TEST(t_dhcp_061)
{
	check_destinations(61);
}
END_TEST

/* Every reply comes from the address that option 54 names, and from the network's MAC. */
START_TEST(t_dhcp_063)
{
	uint32_t wanted[] = { KIT_ADDR, KIT_ADDR2 }; /* ACK, NAK */
	struct kit k CLEAN_KIT;

	kit_start(&k);
	kit_discover(&k);
	for (size_t i = 0; i < 2; i++) {
		ck_assert_uint_eq(k.frame.saddr, KIT_SERVER);
		ck_assert_uint_eq(kit_u32(&k, 54), KIT_SERVER);
		ck_assert(mac_equal(&k.frame.src, &kit_server_mac));
		kit_request(&k, 0, wanted[i], 0);
	}
	ck_assert_uint_eq(k.action.reply, DHCP_NAK);
	ck_assert_uint_eq(k.frame.saddr, KIT_SERVER);
	ck_assert(mac_equal(&k.frame.src, &kit_server_mac));
}
END_TEST

/* RFC 4390 2.1: without a hardware address of six octets there is nobody to unicast to. */
static const struct {
	uint8_t htype, hlen;
} no_ethernet[] = { { 32, 0 }, { 0, 0 }, { 6, 6 }, { 32, 16 }, { 255, 1 } };

START_TEST(t_dhcp_078)
{
	static const struct mac all = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
	struct kit k CLEAN_KIT;

	kit_start(&k);
	for (size_t i = 0; i < 2; i++) {
		struct kit_message c;

		kit_message(&c, &k, askers[i]);
		c.m.htype = no_ethernet[_i].htype;
		c.m.hlen = no_ethernet[_i].hlen;
		if (c.m.hlen != 6)
			memset(c.m.chaddr, 0, sizeof(c.m.chaddr));
		kit_add(&c, 61, "\xff\0\0\0\1id", 7);
		if (askers[i] == DHCP_REQUEST)
			kit_add_u32(&c, 50, KIT_ADDR);
		kit_send(&k, &c);
		kit_expect(&k, i ? DHCP_ACK : DHCP_OFFER, "no Ethernet");
		ck_assert(mac_equal(&k.frame.dst, &all));
		ck_assert_uint_eq(k.frame.daddr, UINT32_MAX);
		ck_assert(k.m.htype == c.m.htype && k.m.hlen == c.m.hlen);
	}
}
END_TEST

/* --- sizes --- */

START_TEST(t_dhcp_065)
{
	struct kit k CLEAN_KIT;

	kit_start(&k);
	kit_ask(&k, DHCP_DISCOVER, "01");
	ck_assert_uint_eq(k.frame.len, 300);
	kit_request(&k, 0, KIT_ADDR2, 0);
	ck_assert_uint_eq(k.action.reply, DHCP_NAK);
	ck_assert_uint_eq(k.frame.len, 300);
}
END_TEST

enum { ABSENT = -1 };

static const struct {
	int asked; /* option 57, or ABSENT */
	uint16_t mtu;
	size_t limit; /* of the IP datagram */
} limits[] = {
	{ ABSENT, 1500, 576 }, { 0, 1500, 576 },      { 1, 1500, 576 },	     { 2, 1500, 576 },
	{ 299, 1500, 576 },    { 300, 1500, 576 },    { 575, 1500, 576 },    { 576, 1500, 576 },
	{ 577, 1500, 577 },    { 1000, 1500, 1000 },  { 1499, 1500, 1499 },  { 1500, 1500, 1500 },
	{ 1501, 1500, 1500 },  { 65535, 1500, 1500 }, { 65535, 9000, 1500 }, { 65535, 0, 1500 },
	{ 1500, 1400, 1400 },  { 1300, 1400, 1300 },  { 65535, 576, 576 },   { ABSENT, 9000, 576 },
};

/* There is more to say than fits, in small pieces: the limit is kept, and made use of. */
START_TEST(t_dhcp_066)
{
	struct kit_message c;
	struct kit k CLEAN_KIT;

	kit_start(&k);
	k.config.mtu = limits[_i].mtu;
	kit_configure(&k);
	for (unsigned code = 160; code < 250; code++)
		kit_put(&k, (uint8_t)code, "ab*20");
	kit_message(&c, &k, DHCP_DISCOVER);
	if (limits[_i].asked != ABSENT)
		kit_add_u16(&c, 57, (uint16_t)limits[_i].asked);
	kit_send(&k, &c);
	kit_expect(&k, DHCP_OFFER, "large");
	ck_assert_uint_le(k.frame.len + 28, limits[_i].limit);
	ck_assert_uint_gt(k.frame.len + 28 + 22 + 3, limits[_i].limit);
	ck_assert(kit_has(&k, 51) && kit_has(&k, 54) && kit_has(&k, 1) && kit_has(&k, 3));
}
END_TEST

/* What must be there is, however much was asked for in front of it. */
START_TEST(t_dhcp_067)
{
	struct kit k CLEAN_KIT;

	kit_start(&k);
	kit_put(&k, 43, "ee*230");
	kit_put(&k, 17, "61*55");
	kit_put(&k, 60, "61*125");
	kit_put(&k, 66, "61*61");
	kit_ask(&k, DHCP_REQUEST, "2b 11 3c 42 03 01");
	kit_expect(&k, DHCP_ACK, "full");
	ck_assert_uint_le(k.frame.len, 548);
	ck_assert_uint_eq(kit_u32(&k, 54), KIT_SERVER);
	ck_assert_uint_eq(kit_u32(&k, 51), KIT_LEASE_TIME);
	ck_assert_uint_eq(kit_u32(&k, 1), 0xffffff00);
	ck_assert_uint_eq(kit_u32(&k, 3), KIT_SERVER);
	kit_expect_hex(&k, 43, "ee*230");
}
END_TEST

/* --- echoes --- */

static const char *const client_ids[] = { NULL,	      "01 525400123456", "00 77*2",
					  "ff 11*18", "00 aa*254",	 "00 00" };

/* RFC 6842 3: as it came, in every reply, and only if it came. */
START_TEST(t_dhcp_072)
{
	static const struct {
		uint8_t type, reply;
		uint32_t wanted, ciaddr;
	} cases[] = { { DHCP_DISCOVER, DHCP_OFFER, 0, 0 },
		      { DHCP_REQUEST, DHCP_ACK, KIT_ADDR, 0 },
		      { DHCP_REQUEST, DHCP_NAK, KIT_ADDR2, 0 },
		      { DHCP_INFORM, DHCP_ACK, 0, KIT_ADDR } };
	uint8_t id[255];
	size_t len = client_ids[_i] ? kit_hex(client_ids[_i], id, sizeof(id)) : 0;
	struct kit k CLEAN_KIT;

	kit_start(&k);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kit_message c;

		kit_message(&c, &k, cases[i].type);
		c.m.ciaddr = cases[i].ciaddr;
		if (cases[i].wanted)
			kit_add_u32(&c, 50, cases[i].wanted);
		if (client_ids[_i])
			kit_add(&c, 61, id, len);
		kit_send(&k, &c);
		kit_expect(&k, cases[i].reply, "client identifier");
		kit_expect_option(&k, 61, client_ids[_i] ? id : NULL, len);
	}
}
END_TEST

/* RFC 3046 2.2: with sub-options that nobody knows, in front of End, in every reply. */
START_TEST(t_dhcp_073)
{
	static const char agent[] = "\x01\x04port\xc8\x03???";
	uint32_t wanted[] = { 0, KIT_ADDR, KIT_ADDR2 }; /* OFFER, ACK, NAK */
	struct kit k CLEAN_KIT;

	kit_start(&k);
	kit_trust(&k);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		struct kit_message c;
		uint8_t codes[256];
		size_t n;

		kit_message(&c, &k, i ? DHCP_REQUEST : DHCP_DISCOVER);
		kit_add(&c, 82, agent, 11);
		if (wanted[i])
			kit_add_u32(&c, 50, wanted[i]);
		kit_send(&k, &c);
		kit_expect_option(&k, 82, agent, 11);
		n = kit_order(&k, codes);
		ck_assert_uint_eq(codes[n - 1], 82);
		kit_message(&c, &k, i ? DHCP_REQUEST : DHCP_DISCOVER);
		kit_add_u32(&c, 50, wanted[i] ? wanted[i] : KIT_ADDR);
		kit_send(&k, &c);
		kit_expect_option(&k, 82, NULL, 0);
	}
}
END_TEST

/* An option 82 can have any size; the answer comes without it, but it comes. */
START_TEST(agent_larger_than_the_reply)
{
	uint8_t piece[255] = { 0 };

	for (unsigned pieces = 1; pieces <= 30; pieces++) {
		struct kit_message c;
		struct kit k CLEAN_KIT;

		kit_start(&k);
		kit_trust(&k);
		kit_message(&c, &k, DHCP_REQUEST);
		kit_add_u32(&c, 50, KIT_ADDR);
		for (unsigned i = 0; i < pieces; i++)
			kit_add(&c, 82, piece, sizeof(piece));
		kit_send(&k, &c);
		kit_expect(&k, DHCP_ACK, "large option 82");
		ck_assert_int_eq(kit_has(&k, 82), pieces == 1);
		ck_assert_uint_eq(kit_u32(&k, 51), KIT_LEASE_TIME);
	}
}
END_TEST

/* --- NAK --- */

static const struct {
	uint32_t wanted, ciaddr;
	const char *why;
} naks[] = {
	{ KIT_ADDR2, 0, "not your address" },
	{ 0, KIT_ADDR2, "not your address" },
	{ KIT_SERVER, 0, "not your address" },
	{ KIT_IP(192, 168, 0, 1), 0, "not on this network" },
	{ 0, KIT_IP(10, 77, 1, 1), "not on this network" },
};

/* RFC 2131 table 3: neither an address nor anything configured. */
START_TEST(nak_contents)
{
	struct kit_message c;
	struct kit k CLEAN_KIT;

	kit_start(&k);
	kit_put(&k, 6, "0a4d0001");
	kit_message(&c, &k, DHCP_REQUEST);
	c.m.ciaddr = naks[_i].ciaddr;
	c.m.flags = DHCP_FLAG_BROADCAST;
	if (naks[_i].wanted)
		kit_add_u32(&c, 50, naks[_i].wanted);
	kit_add_u32(&c, 51, 600);
	kit_add(&c, 55, "\x01\x03\x06\x33", 4);
	kit_add(&c, 61, "\0id", 3);
	kit_send(&k, &c);
	kit_expect(&k, DHCP_NAK, naks[_i].why);
	kit_expect_order(&k, "35 36 3d 38", "NAK");
	kit_expect_option(&k, 56, naks[_i].why, strlen(naks[_i].why));
	ck_assert_uint_eq(kit_u32(&k, 54), KIT_SERVER);
	ck_assert(!k.m.ciaddr && !k.m.yiaddr && !k.m.siaddr && !k.m.giaddr);
	ck_assert_uint_eq(k.m.flags, DHCP_FLAG_BROADCAST);
	ck_assert_uint_eq(k.m.xid, KIT_XID);
}
END_TEST

/* --- memory --- */

/* Leaves a pattern where the next calls have their variables. */
__attribute__((noinline)) static void stain(uint8_t pattern)
{
	volatile uint8_t stack[64 * 1024];

	for (size_t i = 0; i < sizeof(stack); i++)
		stack[i] = pattern;
}

/* The same question gets the same octets, whatever the memory had in it (CVE-2017-14494). */
START_TEST(t_dhcp_079)
{
	static const uint8_t patterns[] = { 0x00, 0x55, 0xaa, 0xff };
	uint8_t first[DHCP_FRAME_MAX];
	struct kit_message c;
	struct kit k CLEAN_KIT;
	size_t len = 0;

	kit_start(&k);
	kit_put(&k, 43, "ee*255");
	kit_put(&k, 17, "61*100");
	kit_put(&k, 121, "080a0a4d0002");
	kit_message(&c, &k, askers[_i]);
	c.m.ciaddr = askers[_i] == DHCP_DISCOVER ? 0 : KIT_ADDR;
	for (size_t i = 0; i < sizeof(patterns); i++) {
		stain(patterns[i]);
		kit_send(&k, &c);
		ck_assert_uint_ne(k.action.reply, 0);
		if (i == 0) {
			len = k.out_len;
			memcpy(first, k.out, len);
		}
		ck_assert_uint_eq(k.out_len, len);
		ck_assert_mem_eq(k.out, first, len);
	}
}
END_TEST

UNIT_SUITE(dhcp_reply)
{
	tcase_add_loop_test(tc, t_dhcp_021, 0, ARRAY_SIZE(headers));
	tcase_add_test(tc, t_dhcp_022);
	tcase_add_loop_test(tc, t_dhcp_050, 0, ARRAY_SIZE(lists));
	tcase_add_test(tc, t_dhcp_058);
	tcase_add_test(tc, t_dhcp_059);
	tcase_add_test(tc, t_dhcp_060);
	tcase_add_test(tc, t_dhcp_061);
	tcase_add_test(tc, t_dhcp_063);
	tcase_add_loop_test(tc, t_dhcp_078, 0, ARRAY_SIZE(no_ethernet));
	tcase_add_test(tc, t_dhcp_065);
	tcase_add_loop_test(tc, t_dhcp_066, 0, ARRAY_SIZE(limits));
	tcase_add_test(tc, t_dhcp_067);
	tcase_add_loop_test(tc, t_dhcp_072, 0, ARRAY_SIZE(client_ids));
	tcase_add_test(tc, t_dhcp_073);
	tcase_add_test(tc, agent_larger_than_the_reply);
	tcase_add_loop_test(tc, nak_contents, 0, ARRAY_SIZE(naks));
	tcase_add_loop_test(tc, t_dhcp_079, 0, ARRAY_SIZE(askers));
}

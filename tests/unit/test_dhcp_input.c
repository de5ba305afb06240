/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What gets as far as a decision: hardware, identity, message type, broken options, and what is
 * counted. Whatever came in, the next client is served.
 */
#include "dhcp_kit.h"

enum { PAYLOAD_MAX = 1500 };

static const struct {
	uint8_t type;
	enum dhcp_drop drop;
} types[] = {
	{ DHCP_DISCOVER, DHCP_DROP_NONE },	  { DHCP_REQUEST, DHCP_DROP_MALFORMED },
	{ DHCP_DECLINE, DHCP_DROP_OTHER_SERVER }, { DHCP_RELEASE, DHCP_DROP_OTHER_SERVER },
	{ DHCP_INFORM, DHCP_DROP_MALFORMED },
};

static enum dhcp_drop drop_of(uint8_t type, bool *ret_known)
{
	*ret_known = false;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (types[i].type == type) {
			*ret_known = true;
			return types[i].drop;
		}
	}
	return DHCP_DROP_TYPE;
}

/* Bare messages of every type: those that only servers send, and what is no type, go no further. */
START_TEST(message_type)
{
	unsigned unknown = 0;
	struct kit k CLEAN_KIT;

	kit_start(&k);
	for (unsigned type = 0; type < 256; type++) {
		struct kit_message c;
		bool known;
		enum dhcp_drop want = drop_of((uint8_t)type, &known);

		kit_message(&c, &k, 0);
		kit_add_u8(&c, 53, (uint8_t)type);
		kit_send(&k, &c);
		ck_assert_int_eq(k.action.drop, want);
		ck_assert_uint_eq(k.action.request, known ? type : 0);
		unknown += !known;
		ck_assert_uint_eq(dhcp_counters(k.s)->received[known ? type : 0],
				  known ? 1 : unknown);
	}
}
END_TEST

START_TEST(t_dhcp_001)
{
	struct kit_message c;
	uint8_t p[PAYLOAD_MAX];
	struct kit k CLEAN_KIT;

	kit_start(&k);
	kit_message(&c, &k, DHCP_DISCOVER);
	kit_payload(&c, p, sizeof(p));
	for (size_t len = 0; len < DHCP_FIXED_SIZE; len++) {
		kit_send_payload(&k, &c, p, len);
		kit_expect_drop(&k, DHCP_DROP_SHORT, "below 236 octets");
		ck_assert_uint_eq(dhcp_counters(k.s)->dropped[DHCP_DROP_SHORT], len + 1);
	}
	kit_expect_service(&k);
}
END_TEST

START_TEST(t_dhcp_002)
{
	struct kit_message c;
	struct kit k CLEAN_KIT;

	kit_start(&k);
	kit_message(&c, &k, DHCP_DISCOVER);
	for (unsigned op = 0; op < 256; op++) {
		c.m.op = (uint8_t)op;
		kit_send(&k, &c);
		ck_assert_int_eq(k.action.drop, op == 1 ? DHCP_DROP_NONE : DHCP_DROP_NOT_REQUEST);
	}
}
END_TEST

static const struct {
	const char *name;
	uint8_t htype, hlen;
	const char *client_id; /* octets; NULL: none */
	enum dhcp_drop drop;
} hardware[] = {
	{ "Ethernet", 1, 6, NULL, DHCP_DROP_NONE },
	{ "Ethernet with client-id", 1, 6, "01 525400123456", DHCP_DROP_NONE },
	{ "Ethernet, no length", 1, 0, NULL, DHCP_DROP_HARDWARE },
	{ "Ethernet, 5 octets", 1, 5, NULL, DHCP_DROP_HARDWARE },
	{ "Ethernet, 7 octets", 1, 7, NULL, DHCP_DROP_HARDWARE },
	{ "Ethernet, 16 octets", 1, 16, NULL, DHCP_DROP_HARDWARE },
	{ "Ethernet, 17 octets", 1, 17, NULL, DHCP_DROP_HARDWARE },
	{ "Ethernet, 255 octets", 1, 255, "00 0102", DHCP_DROP_HARDWARE },
	{ "nothing", 0, 0, NULL, DHCP_DROP_HARDWARE },
	{ "nothing, with client-id", 0, 0, "00 0102", DHCP_DROP_NONE },
	{ "nothing, empty client-id", 0, 0, "", DHCP_DROP_HARDWARE },
	{ "nothing, client-id of 1", 0, 0, "00", DHCP_DROP_HARDWARE },
	{ "InfiniBand", 32, 0, NULL, DHCP_DROP_HARDWARE },
	{ "InfiniBand with client-id", 32, 0, "ff 00000001 0102", DHCP_DROP_NONE },
	{ "InfiniBand, 20 octets", 32, 20, "ff 00000001 0102", DHCP_DROP_HARDWARE },
	{ "IEEE 802", 6, 6, "00 0102", DHCP_DROP_NONE },
};

/* RFC 4390 2.1, RFC 2131 4.2. */
START_TEST(t_dhcp_004)
{
	const char *id = hardware[_i].client_id;
	struct kit_message c;
	uint8_t octets[32];
	struct kit k CLEAN_KIT;

	kit_start(&k);
	kit_message(&c, &k, DHCP_DISCOVER);
	c.m.htype = hardware[_i].htype;
	c.m.hlen = hardware[_i].hlen;
	if (id)
		kit_add(&c, 61, octets, kit_hex(id, octets, sizeof(octets)));
	kit_send(&k, &c);
	ck_assert_msg(k.action.drop == hardware[_i].drop, "%s: %s", hardware[_i].name,
		      dhcp_drop_text(k.action.drop));
	kit_expect_service(&k);
}
END_TEST

/* Where BOOTP is off; where it is not: test_dhcp_bootp.c. */
START_TEST(t_dhcp_005)
{
	struct kit_message c;
	uint8_t p[PAYLOAD_MAX];
	struct kit k CLEAN_KIT;
	size_t len;

	kit_start(&k);
	kit_message(&c, &k, DHCP_DISCOVER);
	len = kit_payload(&c, p, sizeof(p));
	for (size_t i = 236; i < 240; i++) {
		kit_send_payload(&k, &c, p, i);
		kit_expect_drop(&k, DHCP_DROP_NO_COOKIE, "BOOTP");
		p[i] ^= 1;
		kit_send_payload(&k, &c, p, len);
		kit_expect_drop(&k, DHCP_DROP_NO_COOKIE, "another cookie");
		p[i] ^= 1;
	}
	kit_send_payload(&k, &c, p, 240);
	kit_expect_drop(&k, DHCP_DROP_TYPE, "no options");
}
END_TEST

/* Each is as if it were absent. */
static const struct {
	const char *name;
	uint8_t type;
	const char *options;
	enum dhcp_drop drop; /* else it is answered, and: */
	uint32_t lease;	     /* option 51 of the answer */
} lengths[] = {
	{ "53 of 0", 0, "3500", DHCP_DROP_TYPE, 0 },
	{ "53 of 2", 0, "35020101", DHCP_DROP_TYPE, 0 },
	{ "50 of 0", DHCP_REQUEST, "3200", DHCP_DROP_MALFORMED, 0 },
	{ "50 of 3", DHCP_REQUEST, "32030a4d00", DHCP_DROP_MALFORMED, 0 },
	{ "50 of 5", DHCP_REQUEST, "32050a4d000a00", DHCP_DROP_MALFORMED, 0 },
	{ "54 of 3", DHCP_REQUEST, "3603010203 32040a4d000a", DHCP_DROP_NONE, KIT_LEASE_TIME },
	{ "54 of 5", DHCP_REQUEST, "36050102030405 32040a4d000a", DHCP_DROP_NONE, KIT_LEASE_TIME },
	{ "51 of 0", DHCP_DISCOVER, "3300", DHCP_DROP_NONE, KIT_LEASE_TIME },
	{ "51 of 3", DHCP_DISCOVER, "3303ffffff", DHCP_DROP_NONE, KIT_LEASE_TIME },
	{ "51 of 5", DHCP_DISCOVER, "33050000012c00", DHCP_DROP_NONE, KIT_LEASE_TIME },
	{ "51 of 4", DHCP_DISCOVER, "33040000012c", DHCP_DROP_NONE, 300 },
	{ "54 of 2 in RELEASE", DHCP_RELEASE, "36020a4d", DHCP_DROP_OTHER_SERVER, 0 },
	{ "57 of 1", DHCP_DISCOVER, "3901ff", DHCP_DROP_NONE, KIT_LEASE_TIME },
	{ "55 of 0", DHCP_DISCOVER, "3700", DHCP_DROP_NONE, KIT_LEASE_TIME },
};

START_TEST(t_dhcp_009)
{
	struct kit_message c;
	struct kit k CLEAN_KIT;

	kit_start(&k);
	kit_message(&c, &k, lengths[_i].type);
	kit_add_hex(&c, lengths[_i].options);
	kit_send(&k, &c);
	ck_assert_msg(k.action.drop == lengths[_i].drop, "%s: %s", lengths[_i].name,
		      dhcp_drop_text(k.action.drop));
	if (!lengths[_i].drop) {
		ck_assert_uint_eq(kit_u32(&k, 51), lengths[_i].lease);
		ck_assert(kit_has(&k, 1)); /* an empty 55 asks for nothing in particular */
	}
	kit_expect_service(&k);
}
END_TEST

/* CVE-2010-2156, CVE-2012-3571: a client identifier of no length is nobody's. */
static const size_t ids[] = { 0, 1, 2, 7, 254, 255 };

START_TEST(t_dhcp_010)
{
	struct kit_message c;
	uint8_t id[255] = { 0 };
	struct kit k CLEAN_KIT;
	size_t len = ids[_i];

	kit_start(&k);
	kit_message(&c, &k, DHCP_REQUEST);
	kit_add(&c, 61, id, len);
	kit_add_u32(&c, 50, KIT_ADDR);
	kit_send(&k, &c);
	kit_expect(&k, DHCP_ACK, "client identifier");
	ck_assert_int_eq(k.action.record.client_id != NULL, len >= 2);
	ck_assert_uint_eq(k.action.record.client_id_len, len >= 2 ? len : 0);
	kit_expect_option(&k, 61, len >= 2 ? id : NULL, len);
	ck_assert_uint_eq(k.m.yiaddr, KIT_ADDR);
	k.port = KIT_PORT2; /* the same identifier, another client */
	kit_message(&c, &k, DHCP_DISCOVER);
	kit_add(&c, 61, id, len);
	kit_send(&k, &c);
	ck_assert_uint_eq(k.m.yiaddr, KIT_ADDR2);
}
END_TEST

/* RFC 8357: any port is a relay agent's. */
static const struct {
	uint16_t sport;
	enum dhcp_drop direct, relayed;
} sources[] = {
	{ 68, DHCP_DROP_NONE, DHCP_DROP_RELAY },
	{ 67, DHCP_DROP_NONE, DHCP_DROP_RELAY },
	{ 0, DHCP_DROP_SOURCE_PORT, DHCP_DROP_RELAY },
	{ 66, DHCP_DROP_SOURCE_PORT, DHCP_DROP_RELAY },
	{ 69, DHCP_DROP_SOURCE_PORT, DHCP_DROP_RELAY },
	{ 546, DHCP_DROP_SOURCE_PORT, DHCP_DROP_RELAY },
	{ 65535, DHCP_DROP_SOURCE_PORT, DHCP_DROP_RELAY },
};

START_TEST(t_dhcp_016)
{
	for (unsigned relayed = 0; relayed < 2; relayed++) {
		struct kit_message c;
		uint8_t p[PAYLOAD_MAX];
		struct dhcp_frame f = { .src = kit_mac, .sport = sources[_i].sport };
		struct kit k CLEAN_KIT;

		kit_start(&k);
		kit_message(&c, &k, DHCP_DISCOVER);
		c.m.giaddr = relayed ? KIT_IP(10, 9, 0, 1) : 0;
		f.payload = p;
		f.len = kit_payload(&c, p, sizeof(p));
		kit_input(&k, &f);
		ck_assert_int_eq(k.action.drop, relayed ? sources[_i].relayed : sources[_i].direct);
		ck_assert_int_eq(k.action.reply != 0, !k.action.drop);
		kit_expect_service(&k);
	}
}
END_TEST

/* Two message types are one value of two octets (RFC 3396), and no type. */
START_TEST(t_dhcp_014)
{
	static const uint8_t second[] = { DHCP_DISCOVER, DHCP_REQUEST, DHCP_RELEASE, DHCP_OFFER };
	struct kit k CLEAN_KIT;

	kit_start(&k);
	for (size_t i = 0; i < sizeof(second); i++) {
		struct kit_message c;

		kit_message(&c, &k, DHCP_DISCOVER);
		kit_add_u8(&c, 53, second[i]);
		kit_send(&k, &c);
		kit_expect_drop(&k, DHCP_DROP_TYPE, "two types");
	}
}
END_TEST

/* Elapsed time and the bits that must be zero change nothing but the bits that are copied. */
START_TEST(t_dhcp_015)
{
	static const uint16_t secs[] = { 0, 1, 300, 0xffff };
	struct kit_message c;
	struct kit k CLEAN_KIT;

	kit_start(&k);
	kit_message(&c, &k, DHCP_DISCOVER);
	for (size_t i = 0; i < ARRAY_SIZE(secs); i++) {
		for (unsigned bit = 0; bit < 16; bit++) {
			c.m.secs = secs[i];
			c.m.flags = (uint16_t)(1u << bit);
			kit_send(&k, &c);
			kit_expect(&k, DHCP_OFFER, "flags");
			ck_assert_uint_eq(k.m.secs, 0);
			ck_assert_uint_eq(k.m.flags, c.m.flags);
			ck_assert_uint_eq(k.frame.daddr, bit == 15 ? UINT32_MAX : KIT_ADDR);
		}
	}
}
END_TEST

/* How much padding a client sends makes no difference to a single octet of the answer. */
START_TEST(t_dhcp_017)
{
	static const size_t sizes[] = { 244, 300, 548, 1472, DHCP_PAYLOAD_MAX };
	uint8_t first[DHCP_FRAME_MAX];
	size_t first_len = 0;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct kit_message c;
		struct kit k CLEAN_KIT;

		kit_start(&k);
		kit_message(&c, &k, DHCP_DISCOVER);
		c.least = sizes[i];
		kit_send(&k, &c);
		kit_expect(&k, DHCP_OFFER, "padded");
		if (i == 0) {
			memcpy(first, k.out, k.out_len);
			first_len = k.out_len;
		}
		ck_assert_uint_eq(k.out_len, first_len);
		ck_assert_mem_eq(k.out, first, first_len);
	}
}
END_TEST

/* --- who is served --- */

static void expect_relayed_is_dropped(uint32_t giaddr)
{
	struct kit k CLEAN_KIT;

	kit_start(&k);
	kit_prepare(&k, DHCP_LEASE_BOUND);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		struct kit_message c;

		kit_message(&c, &k, types[i].type);
		c.m.giaddr = giaddr;
		c.m.ciaddr = KIT_ADDR;
		kit_add_u32(&c, 54, KIT_SERVER);
		kit_send(&k, &c);
		kit_expect_drop(&k, DHCP_DROP_RELAY, dhcp_type_text(types[i].type));
		ck_assert_int_eq(k.action.change, DHCP_CHANGE_NONE);
	}
	ck_assert_int_eq(kit_lease(&k)->state, DHCP_LEASE_BOUND);
}

/* A relay agent behind a guest's port is a guest that forges. */
START_TEST(t_dhcp_104)
{
	static const uint32_t relays[] = { KIT_ADDR, KIT_IP(192, 168, 1, 1), 1, UINT32_MAX };

	for (size_t i = 0; i < ARRAY_SIZE(relays); i++)
		expect_relayed_is_dropped(relays[i]);
}
END_TEST

/* How far a packet came is a relay agent's business. */
START_TEST(t_dhcp_102)
{
	struct kit_message c;
	struct kit k CLEAN_KIT;

	kit_start(&k);
	kit_message(&c, &k, DHCP_DISCOVER);
	for (unsigned hops = 0; hops < 256; hops++) {
		c.m.hops = (uint8_t)hops;
		kit_send(&k, &c);
		kit_expect(&k, DHCP_OFFER, "hops");
		ck_assert_uint_eq(k.m.hops, 0);
	}
}
END_TEST

/* A bridge or a macvlan in the guest: its clients are not the port's. */
START_TEST(other_mac_behind_the_port)
{
	struct kit_message c;
	struct kit k CLEAN_KIT;

	kit_start(&k);
	for (unsigned bit = 0; bit < 48; bit++) {
		kit_message(&c, &k, DHCP_DISCOVER);
		c.m.chaddr[bit / 8] ^= (uint8_t)(1u << bit % 8);
		kit_send(&k, &c);
		kit_expect_drop(&k, DHCP_DROP_NOT_PORT_MAC, "chaddr");
	}
	kit_message(&c, &k, DHCP_DISCOVER); /* of another type, with a client identifier */
	c.m.htype = 6;
	c.m.chaddr[5] ^= 1;
	kit_add(&c, 61, "\0id", 3);
	kit_send(&k, &c);
	kit_expect_drop(&k, DHCP_DROP_NOT_PORT_MAC, "chaddr");
	ck_assert_int_eq(kit_lease(&k)->state, DHCP_LEASE_FREE);
}
END_TEST

static enum dhcp_drop input(struct kit *k, uint32_t net, uint32_t port)
{
	struct kit_message c;
	uint8_t p[PAYLOAD_MAX];
	struct wr out = wr_init(k->out, sizeof(k->out));
	struct dhcp_frame f = { .src = kit_mac, .sport = DHCP_CLIENT_PORT };
	struct dhcp_input in = { .net = net, .port = port, .now = k->now, .frame = &f };

	kit_message(&c, k, DHCP_DISCOVER);
	f.len = kit_payload(&c, p, sizeof(p));
	f.payload = p;
	dhcp_input(k->s, &in, &out, &k->action);
	ck_assert_int_eq(k->action.reply != 0, out.len != 0);
	return k->action.drop;
}

static const struct {
	uint32_t net, port;
	enum dhcp_drop drop;
} places[] = {
	{ KIT_NET, KIT_PORT, DHCP_DROP_NONE },
	{ KIT_NET, 99, DHCP_DROP_NOT_SERVED },
	{ KIT_NET, DHCP_PORT_NONE, DHCP_DROP_NOT_SERVED },
	{ 0, KIT_PORT, DHCP_DROP_NOT_SERVED }, /* served, but not this port's network */
	{ 2, KIT_PORT, DHCP_DROP_NOT_SERVED }, /* no such network */
	{ UINT32_MAX, KIT_PORT, DHCP_DROP_NOT_SERVED },
};

START_TEST(served_or_not)
{
	struct kit k CLEAN_KIT;

	kit_start(&k);
	ck_ok(dhcp_net_set(k.s, 0, &k.config));
	ck_assert_int_eq(input(&k, places[_i].net, places[_i].port), places[_i].drop);
}
END_TEST

START_TEST(network_that_is_not_served)
{
	struct kit k CLEAN_KIT;

	kit_start(&k);
	k.config.serve = false;
	kit_configure(&k);
	kit_discover(&k);
	kit_expect_drop(&k, DHCP_DROP_NOT_SERVED, "serve = false");
	ck_assert_uint_eq(k.action.request, DHCP_DISCOVER);
	k.config.serve = true;
	kit_configure(&k);
	kit_expect_service(&k);
}
END_TEST

/* An address in quarantine has no port, so nobody speaks for it. */
START_TEST(nobody_speaks_for_a_quarantine)
{
	struct kit k CLEAN_KIT;

	kit_start(&k);
	kit_prepare(&k, DHCP_LEASE_DECLINED);
	ck_ok(dhcp_port_move(k.s, KIT_PORT, KIT_IP(10, 77, 0, 20)));
	ck_assert_int_eq(input(&k, KIT_NET, DHCP_PORT_NONE), DHCP_DROP_NOT_SERVED);
}
END_TEST

/* --- bad input that has broken other servers --- */

static const struct {
	const char *name, *options; /* behind the cookie; 53 is not added */
} bad[] = {
	{ "nothing", "" },
	{ "type only, no End", "350101" },
	{ "51 of 0, last", "350103 3300" },
	{ "51 of 3, last", "350103 3303ffffff" },
	{ "51 without length", "350103 33" },
	{ "51 runs over", "350103 3304ff" },
	{ "50 of 0, last", "350103 3200" },
	{ "50 of 3, last", "350103 32030a4d00" },
	{ "50 runs over", "350103 32040a4d" },
	{ "54 of 0, last", "350103 3600" },
	{ "54 runs over", "350103 3604" },
	{ "57 of 0", "350101 39020000 ff" },
	{ "57 of 1", "350101 39020001 ff" },
	{ "57 of 2", "350101 39020002 ff" },
	{ "57 of 299", "350101 3902012b ff" },
	{ "57 of 300", "350101 3902012c ff" },
	{ "57 of 575", "350101 3902023f ff" },
	{ "57 of 65535", "350101 3902ffff ff" },
	{ "61 of 0", "350101 3d00 ff" },
	{ "61 of 1", "350101 3d0100 ff" },
	{ "61 of 255", "350101 3dff 41*255 ff" },
	{ "61 of 1020", "350101 3dff 41*255 3dff 42*255 3dff 43*255 3dff 44*255 ff" },
	{ "two of option 82", "350101 52060104 01*4 52060204 02*4 ff" },
	{ "82 of 255", "350101 52ff 01*255 ff" },
	{ "82 of 1020", "350101 52ff 01*255 52ff 01*255 52ff 01*255 52ff 01*255 ff" },
	{ "82 and 61 of 255", "350101 52ff 01*255 3dff 02*255 ff" },
	{ "82 broken inside", "350101 520401ff0101 ff" },
	{ "55 of 255 times 3", "350101 37ff 03*255 ff" },
	{ "55 of every code", "350101 37ff 01*1 03*1 51*1 52*1 00*250 ff*1 ff" },
	{ "55 of 2,040", "350101 37ff 79*255 37ff 06*255 37ff 0f*255 37ff 1a*255 ff" },
	{ "host name of nothing", "350103 32040a4d000a 0c00 ff" },
	{ "host name that cleans to nothing", "350103 32040a4d000a 0c05 2e2d2f2e2d ff" },
	{ "host name with escapes", "350103 32040a4d000a 0c0a 1b5b33316d0a2528293b ff" },
	{ "host name of 255", "350103 32040a4d000a 0cff 61*255 ff" },
	{ "host name of 1020", "350103 32040a4d000a 0cff 61*255 0cff 2e*255 0cff 62*255 ff" },
	{ "FQDN with labels of 64 and more", "350101 5144 000000 40 61*64 ff" },
	{ "FQDN of nothing", "350101 5100 ff" },
	{ "overload of everything", "340103 350101 ff" },
	{ "overload of overload", "340103 34ff 01*255 350101 ff" },
	{ "119 that points at itself", "350101 7702c000 ff" },
	{ "only End", "ff" },
	{ "only Pad", "00*60" },
	{ "one option of every length", "350101 2b00 2b0100 2b020000 2b03000000 ff" },
};

START_TEST(t_dhcp_113)
{
	uint8_t p[DHCP_PAYLOAD_MAX] = { 0 };
	struct kit_message c;
	struct kit k CLEAN_KIT;
	size_t len;

	kit_start(&k);
	kit_message(&c, &k, 0);
	kit_payload(&c, p, sizeof(p));
	len = 240 + kit_hex(bad[_i].options, p + 240, sizeof(p) - 240);
	kit_send_payload(&k, &c, p, len);
	/* Once more with file and sname full of what looks like options. */
	memset(p + 44, 0xfe, 64 + 128);
	kit_send_payload(&k, &c, p, len);
	ck_assert(!k.out_bad);
	kit_expect_service(&k);
}
END_TEST

/* A REQUEST with much in it, as the start of random damage. */
static size_t full_request(const struct kit *k, uint8_t *p, size_t size)
{
	struct kit_message c;

	kit_message(&c, k, DHCP_REQUEST);
	kit_add_u32(&c, 50, KIT_ADDR);
	kit_add_u32(&c, 54, KIT_SERVER);
	kit_add_u32(&c, 51, 7200);
	kit_add_u16(&c, 57, 1500);
	kit_add(&c, 61, "\x01RT\0\x12\x34\x56", 7);
	kit_add(&c, 12, "web1.example", 12);
	kit_add(&c, 55, "\x01\x79\x03\x06\x0f\x77\x1a\x1c\x2a\x3a\x3b", 11);
	kit_add(&c, 81, "\x01\0\0\x04web1", 8);
	kit_add(&c, 82, "\x01\x04port", 6);
	kit_add_u8(&c, 52, 3);
	memcpy(c.file, "\x0c\x01x\xff", 4);
	memcpy(c.sname, "\x0c\x01y\xff", 4);
	return kit_payload(&c, p, size);
}

/* Every length that the message can be cut to. */
START_TEST(cut_anywhere)
{
	uint8_t p[PAYLOAD_MAX];
	struct kit_message c;
	struct kit k CLEAN_KIT;
	size_t len;

	kit_start(&k);
	kit_trust(&k);
	kit_message(&c, &k, 0);
	len = full_request(&k, p, sizeof(p));
	kit_send_payload(&k, &c, p, len);
	kit_expect(&k, DHCP_ACK, "whole");
	for (size_t cut = 0; cut < len; cut++)
		kit_send_payload(&k, &c, p, cut);
	kit_expect_service(&k);
}
END_TEST

/* Random damage: kit_send_payload checks what holds for every action, the sanitizers the rest. */
START_TEST(damaged_anywhere)
{
	struct kit_random r = { (uint64_t)_i + 1 };
	uint8_t whole[PAYLOAD_MAX], p[PAYLOAD_MAX];
	struct kit_message c;
	struct kit k CLEAN_KIT;
	size_t len;

	kit_start(&k);
	kit_message(&c, &k, 0);
	len = full_request(&k, whole, sizeof(whole));
	for (unsigned round = 0; round < 300; round++) {
		memcpy(p, whole, len);
		for (unsigned i = 1 + kit_below(&r, 5); i > 0; i--)
			p[kit_below(&r, 3) ? 240 + kit_below(&r, (uint32_t)len - 240) :
					     kit_below(&r, (uint32_t)len)] =
				(uint8_t)(kit_below(&r, 2) ? kit_below(&r, 4) : kit_random(&r));
		k.now += kit_below(&r, 20) * KIT_SECOND;
		kit_send_payload(&k, &c, p, len);
		ck_assert(!k.out_bad);
	}
	kit_pass(&k, KIT_QUARANTINE);
	kit_expect_service(&k);
}
END_TEST

static uint32_t random_address(struct kit_random *r)
{
	static const uint32_t some[] = { 0, KIT_ADDR, KIT_SERVER, KIT_IP(8, 8, 8, 8), UINT32_MAX };

	return kit_below(r, 4) ? some[kit_below(r, ARRAY_SIZE(some))] : kit_random(r);
}

/* Whatever the addresses in a message are, its answer goes to the client's MAC or to all; that of a
 * relay agent to whoever sent the frame. */
START_TEST(t_dhcp_115)
{
	static const struct mac all = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
	struct kit_random r = { (uint64_t)_i + 1 };
	bool trusted = _i & 1;
	unsigned answers = 0;
	struct kit k CLEAN_KIT;

	kit_start(&k);
	if (trusted)
		kit_trust(&k);
	for (unsigned round = 0; round < 1000; round++) {
		struct kit_message c;

		kit_message(&c, &k, types[kit_below(&r, ARRAY_SIZE(types))].type);
		c.m.flags = (uint16_t)kit_random(&r);
		c.m.ciaddr = random_address(&r);
		c.m.giaddr = kit_below(&r, 8) ? 0 : random_address(&r);
		c.saddr = random_address(&r);
		c.daddr = random_address(&r);
		kit_add_u32(&c, 50, random_address(&r));
		kit_add_u32(&c, kit_below(&r, 2) ? 54 : 118, random_address(&r));
		if (trusted)
			kit_add_u32(&c, 82, random_address(&r));
		kit_send(&k, &c);
		kit_pass(&k, KIT_QUARANTINE);
		if (!k.action.reply)
			continue;
		answers++;
		ck_assert(mac_equal(&k.frame.dst, &all) || mac_equal(&k.frame.dst, &kit_mac));
		ck_assert(k.frame.daddr == UINT32_MAX || k.frame.daddr == KIT_ADDR ||
			  k.frame.daddr == c.m.ciaddr || k.frame.daddr == c.saddr ||
			  (trusted && k.frame.daddr == c.m.giaddr));
	}
	ck_assert_uint_gt(answers, 100);
}
END_TEST

/* --- counters --- */

START_TEST(counters)
{
	struct kit k CLEAN_KIT;
	const struct dhcp_counters *n;

	kit_start(&k);
	n = dhcp_counters(k.s);
	kit_discover(&k);
	kit_request(&k, KIT_SERVER, KIT_ADDR, 0);
	kit_request(&k, 0, KIT_ADDR2, 0);
	kit_inform(&k, KIT_ADDR);
	kit_release(&k, KIT_SERVER, KIT_ADDR);
	kit_release(&k, KIT_SERVER, KIT_ADDR);
	ck_assert_uint_eq(n->received[DHCP_DISCOVER], 1);
	ck_assert_uint_eq(n->received[DHCP_REQUEST], 2);
	ck_assert_uint_eq(n->received[DHCP_INFORM], 1);
	ck_assert_uint_eq(n->received[DHCP_RELEASE], 2);
	ck_assert_uint_eq(n->sent[DHCP_OFFER], 1);
	ck_assert_uint_eq(n->sent[DHCP_ACK], 2);
	ck_assert_uint_eq(n->sent[DHCP_NAK], 1);
	ck_assert_uint_eq(n->dropped[DHCP_DROP_NOT_HELD], 1);
	ck_assert_uint_eq(n->dropped[DHCP_DROP_NONE], 0);
	ck_assert_uint_eq(n->received[0] + n->sent[0], 0);
	dhcp_count_drop(k.s, DHCP_DROP_VLAN);
	ck_assert_uint_eq(n->dropped[DHCP_DROP_VLAN], 1);
}
END_TEST

UNIT_SUITE(dhcp_input)
{
	tcase_add_test(tc, message_type);
	tcase_add_test(tc, t_dhcp_001);
	tcase_add_test(tc, t_dhcp_002);
	tcase_add_loop_test(tc, t_dhcp_004, 0, ARRAY_SIZE(hardware));
	tcase_add_test(tc, t_dhcp_005);
	tcase_add_loop_test(tc, t_dhcp_009, 0, ARRAY_SIZE(lengths));
	tcase_add_loop_test(tc, t_dhcp_010, 0, ARRAY_SIZE(ids));
	tcase_add_test(tc, t_dhcp_014);
	tcase_add_test(tc, t_dhcp_015);
	tcase_add_loop_test(tc, t_dhcp_016, 0, ARRAY_SIZE(sources));
	tcase_add_test(tc, t_dhcp_017);
	tcase_add_test(tc, t_dhcp_104);
	tcase_add_test(tc, t_dhcp_102);
	tcase_add_test(tc, other_mac_behind_the_port);
	tcase_add_loop_test(tc, served_or_not, 0, ARRAY_SIZE(places));
	tcase_add_test(tc, network_that_is_not_served);
	tcase_add_test(tc, nobody_speaks_for_a_quarantine);
	tcase_add_loop_test(tc, t_dhcp_113, 0, ARRAY_SIZE(bad));
	tcase_add_test(tc, cut_anywhere);
	tcase_add_loop_test(tc, damaged_anywhere, 0, 16);
	tcase_add_loop_test(tc, t_dhcp_115, 0, 4);
	tcase_add_test(tc, counters);
}

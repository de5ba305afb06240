/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ethernet, IPv4 and UDP around a message: what a guest may write into them, and what we write. */
#include "dhcp_kit.h"

enum { BIG = 70000 };

/* What is written into a packet's UDP checksum field. */
enum check { RIGHT, WRONG, ZERO, PARTIAL };

/* A packet, described by how it departs from the ordinary; the zero shape is a good packet. */
struct shape {
	const char *name;
	enum dhcp_drop drop;
	int version;	  /* 0: 4 */
	int ihl;	  /* words; 0: 5 */
	int bare;	  /* 1: the IHL is a lie, there is no room for it */
	long total_delta; /* added to the total length */
	long udp_delta;	  /* added to the UDP length, with the checksum over what that says */
	int trailer;	  /* octets behind the IP packet: Ethernet's padding */
	int fragment;	  /* flags and offset */
	int protocol;	  /* 0: UDP */
	int dport;	  /* 0: 67 */
	int bad_header;	  /* 1: the header checksum is wrong */
	enum check check;
	size_t payload;
};

static void put16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint32_t pseudo(const uint8_t *ip, size_t udp_len)
{
	return (uint32_t)kit_sum(0, ip + 12, 8) + 17 + (uint32_t)udp_len;
}

static void put_udp(const struct shape *s, const uint8_t *ip, uint8_t *udp)
{
	size_t len = (size_t)((long)s->payload + 8 + s->udp_delta);
	size_t there = s->udp_delta < 0 ? len : s->payload + 8;
	uint16_t sum;

	put16(udp, 68);
	put16(udp + 2, (size_t)(s->dport ? s->dport : 67));
	put16(udp + 4, len);
	for (size_t i = 0; i < s->payload; i++)
		udp[8 + i] = (uint8_t)(i * 7 + 1);
	sum = (uint16_t)~kit_sum(pseudo(ip, len), udp, there);
	if (s->check == RIGHT)
		put16(udp + 6, sum ? sum : 0xffff);
	else if (s->check == WRONG)
		put16(udp + 6, (size_t)(sum ^ 0x0100));
	else if (s->check == PARTIAL)
		put16(udp + 6, kit_sum(pseudo(ip, len), NULL, 0));
}

/* Builds the packet; returns its length. */
static size_t build(const struct shape *s, uint8_t *ip)
{
	size_t ihl = (size_t)(s->ihl ? s->ihl : 5), header = s->bare ? 20 : ihl * 4;
	size_t len = header + 8 + s->payload;

	memset(ip, 0, len + (size_t)s->trailer);
	ip[0] = (uint8_t)((s->version ? s->version : 4) << 4 | (int)(ihl & 15));
	put16(ip + 2, (size_t)((long)len + s->total_delta));
	put16(ip + 6, (size_t)s->fragment);
	ip[8] = 64;
	ip[9] = (uint8_t)(s->protocol ? s->protocol : 17);
	kit_hex("0a4d000a ffffffff", ip + 12, 8);
	memset(ip + 20, 1, header > 20 ? header - 20 : 0); /* options: NOPs (RFC 791 3.1) */
	put_udp(s, ip, ip + header);
	put16(ip + 10, (uint16_t)~kit_sum(0, ip, ihl * 4 <= len ? ihl * 4 : 20));
	ip[10] ^= (uint8_t)s->bad_header;
	return len + (size_t)s->trailer;
}

static enum dhcp_drop parse(const uint8_t *ip, size_t len, struct dhcp_frame *ret)
{
	return dhcp_frame_parse(&kit_mac, &kit_server_mac, ip, len, ret);
}

/* Builds and parses a shape in memory of exactly its size. */
static void check_shape(const struct shape *s)
{
	static uint8_t big[BIG];
	size_t len = build(s, big);
	uint8_t *exact CLEAN_FREE = kit_copy(big, len);
	struct dhcp_frame f = { .sport = 1 };
	enum dhcp_drop drop;
	size_t payload = (size_t)((long)s->payload + s->udp_delta);

	drop = parse(exact, len, &f);
	ck_assert_msg(drop == s->drop, "%s: %s, not %s", s->name, dhcp_drop_text(drop),
		      dhcp_drop_text(s->drop));
	if (s->drop) {
		ck_assert_msg(f.sport == 1 && !f.payload, "%s: touched", s->name);
		return;
	}
	ck_assert(mac_equal(&f.src, &kit_mac) && mac_equal(&f.dst, &kit_server_mac));
	ck_assert_uint_eq(f.saddr, KIT_ADDR);
	ck_assert_uint_eq(f.daddr, UINT32_MAX);
	ck_assert_uint_eq(f.sport, 68);
	ck_assert_uint_eq(f.dport, 67);
	ck_assert_uint_eq(f.len, payload);
	ck_assert_ptr_eq(f.payload, exact + (s->ihl ? s->ihl : 5) * 4 + 8);
}

static const struct shape shapes[] = {
	{ "good", .payload = 300 },
	{ "empty payload", .payload = 0 },
	{ "odd payload", .payload = 301 },
	{ "jumbo", .payload = 9188 },
	{ "largest", .payload = 65535 - 28 },
	{ "version 6", DHCP_DROP_NOT_IPV4, .version = 6, .payload = 300 },
	{ "version 5", DHCP_DROP_NOT_IPV4, .version = 5, .payload = 300 },
	{ "bad header checksum", DHCP_DROP_NOT_IPV4, .bad_header = 1, .payload = 300 },
	{ "total below header", DHCP_DROP_LENGTH, .total_delta = -309, .payload = 300 },
	{ "total cuts UDP", DHCP_DROP_LENGTH, .total_delta = -1, .payload = 300 },
	{ "total cuts UDP header", DHCP_DROP_LENGTH, .total_delta = -301, .payload = 300 },
	{ "total beyond frame", DHCP_DROP_LENGTH, .total_delta = 1, .payload = 300 },
	{ "total far beyond", DHCP_DROP_LENGTH, .total_delta = 60000, .payload = 300 },
	{ "trailer of Ethernet", .trailer = 18, .payload = 0 },
	{ "UDP shorter than IP", .udp_delta = -20, .payload = 300 },
	{ "UDP of header only", .udp_delta = -300, .payload = 300 },
	{ "UDP below its header", DHCP_DROP_LENGTH, .udp_delta = -301, .payload = 300 },
	{ "UDP length zero", DHCP_DROP_LENGTH, .udp_delta = -308, .payload = 300 },
	{ "UDP beyond IP", DHCP_DROP_LENGTH, .udp_delta = 1, .payload = 300 },
	{ "UDP in the trailer", DHCP_DROP_LENGTH, .udp_delta = 10, .trailer = 10, .payload = 300 },
	{ "TCP", DHCP_DROP_NOT_UDP, .protocol = 6, .payload = 300 },
	{ "protocol 255", DHCP_DROP_NOT_UDP, .protocol = 255, .payload = 300 },
	{ "to a client", DHCP_DROP_NOT_UDP, .dport = 68, .payload = 300 },
	{ "to DNS", DHCP_DROP_NOT_UDP, .dport = 53, .payload = 300 },
};

START_TEST(parse_shapes)
{
	check_shape(&shapes[_i]);
}
END_TEST

static const struct shape aligned[] = {
	{ "one word of options", .ihl = 6, .payload = 300 },
	{ "most options", .ihl = 15, .payload = 300 },
	{ "IHL 0", DHCP_DROP_NOT_IPV4, .ihl = 16 /* its low four bits */, .bare = 1,
	  .payload = 300 },
	{ "IHL 1", DHCP_DROP_NOT_IPV4, .ihl = 1, .bare = 1, .payload = 300 },
	{ "IHL 4", DHCP_DROP_NOT_IPV4, .ihl = 4, .bare = 1, .payload = 300 },
	{ "IHL beyond the packet", DHCP_DROP_LENGTH, .ihl = 15, .bare = 1, .payload = 4 },
	{ "do not fragment", .fragment = 0x4000, .payload = 300 },
	{ "reserved flag", .fragment = 0x8000, .payload = 300 },
	{ "more fragments", DHCP_DROP_FRAGMENT, .fragment = 0x2000, .payload = 300 },
	{ "last fragment", DHCP_DROP_FRAGMENT, .fragment = 0x0001, .payload = 300 },
	{ "far fragment", DHCP_DROP_FRAGMENT, .fragment = 0x1fff, .payload = 300 },
};

/* Tagged frames are told apart before the IP packet comes here. */
START_TEST(t_dhcp_018)
{
	check_shape(&aligned[_i]);
}
END_TEST

static const struct shape checks[] = {
	{ "right", .check = RIGHT, .payload = 300 },
	{ "right, odd", .check = RIGHT, .payload = 299 },
	{ "wrong", DHCP_DROP_CHECKSUM, .check = WRONG, .payload = 300 },
	{ "wrong, odd", DHCP_DROP_CHECKSUM, .check = WRONG, .payload = 299 },
	{ "none", .check = ZERO, .payload = 300 },
	{ "partial", .check = PARTIAL, .payload = 300 },
	{ "partial, odd", .check = PARTIAL, .payload = 299 },
	{ "partial, padded", .check = PARTIAL, .udp_delta = -8, .payload = 300 },
};

START_TEST(t_dhcp_019)
{
	check_shape(&checks[_i]);
}
END_TEST

/* Every octet of the header decides, so a changed bit in the payload is always noticed (RFC 1071).
 */
START_TEST(changed_bits)
{
	static const struct shape good = { .payload = 64 };
	uint8_t ip[128];
	struct dhcp_frame f;
	size_t len = build(&good, ip);

	for (size_t i = 28; i < len; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			ip[i] ^= (uint8_t)(1u << bit);
			ck_assert_int_eq(parse(ip, len, &f), DHCP_DROP_CHECKSUM);
			ip[i] ^= (uint8_t)(1u << bit);
		}
	}
	ck_assert_int_eq(parse(ip, len, &f), DHCP_DROP_NONE);
}
END_TEST

START_TEST(truncated)
{
	static const struct shape good = { .ihl = 7, .payload = 40 };
	uint8_t ip[128];
	size_t whole = build(&good, ip);

	for (size_t len = 0; len < whole; len++) {
		uint8_t *exact CLEAN_FREE = kit_copy(ip, len);
		struct dhcp_frame f = { .sport = 1 };
		enum dhcp_drop drop = parse(exact, len, &f);

		ck_assert_int_eq(drop, len < 20 ? DHCP_DROP_NOT_IPV4 : DHCP_DROP_LENGTH);
		ck_assert_uint_eq(f.sport, 1);
	}
}
END_TEST

static struct dhcp_frame a_frame(const uint8_t *payload, size_t len)
{
	return (struct dhcp_frame){ .src = kit_server_mac,
				    .dst = kit_mac,
				    .saddr = KIT_SERVER,
				    .daddr = KIT_ADDR,
				    .sport = 67,
				    .dport = 67,
				    .payload = payload,
				    .len = len };
}

/* Each field where the standards put it (RFC 894, RFC 791 3.1, RFC 768). */
START_TEST(writes_headers)
{
	static const uint8_t head[] = {
		0x52, 0x54, 0x00, 0x12, 0x34, 0x56, 0x52, 0x54, 0x00, 0xaa, 0xbb, 0xcc, 0x08, 0x00,
		0x45, 0x00, 0x00, 0x1f, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11, 0x26, 0x2a, 10,   77,
		0,    1,    10,	  77,	0,    10,   0,	  67,	0,    67,   0x00, 0x0b,
	};
	uint8_t out[64];
	struct wr w = wr_init(out, sizeof(out));
	struct dhcp_frame f = a_frame((const uint8_t *)"abc", 3);

	dhcp_frame_write(&w, &f);
	ck_assert(!w.bad);
	ck_assert_uint_eq(w.len, 14 + 20 + 8 + 3);
	ck_assert_mem_eq(out, head, sizeof(head));
	ck_assert_mem_eq(out + 42, "abc", 3);
}
END_TEST

static const size_t sizes[] = { 0, 1, 2, 3, 299, 300, 301, 548, 1471, 1472, 65506, 65507 };

/* What we write is what we would accept, with a checksum that was computed. */
START_TEST(t_dhcp_064)
{
	static uint8_t payload[BIG], out[BIG];
	struct wr w = wr_init(out, sizeof(out));
	struct dhcp_frame f = a_frame(payload, sizes[_i]), back = { 0 };
	size_t udp_len = sizes[_i] + 8;

	for (size_t i = 0; i < sizes[_i]; i++)
		payload[i] = (uint8_t)(i * 31 + 5);
	dhcp_frame_write(&w, &f);
	ck_assert(!w.bad);
	ck_assert_uint_eq(w.len, 14 + 20 + udp_len);
	ck_assert_uint_eq(kit_sum(0, out + 14, 20), 0xffff);
	ck_assert(out[40] || out[41]);
	ck_assert_uint_eq(kit_sum(pseudo(out + 14, udp_len), out + 34, udp_len), 0xffff);
	ck_assert_int_eq(parse(out + 14, w.len - 14, &back), DHCP_DROP_NONE);
	ck_assert_uint_eq(back.len, sizes[_i]);
	ck_assert_mem_eq(back.payload, payload, sizes[_i]);
}
END_TEST

/* RFC 768: a sum of zero is sent as all ones, since zero means that there is none. */
START_TEST(checksum_zero_is_sent_as_ones)
{
	uint8_t payload[2] = { 0, 0 }, out[64];
	struct dhcp_frame f = a_frame(payload, sizeof(payload)), back;
	struct wr w = wr_init(out, sizeof(out));

	/* The payload that completes the sum to 0xffff is the checksum over a payload of zeros. */
	dhcp_frame_write(&w, &f);
	memcpy(payload, out + 40, 2);
	w = wr_init(out, sizeof(out));
	dhcp_frame_write(&w, &f);
	ck_assert_mem_eq(out + 40, "\xff\xff", 2);
	ck_assert_int_eq(parse(out + 14, w.len - 14, &back), DHCP_DROP_NONE);
}
END_TEST

/* A frame that does not fit is an error that is seen, and nothing lands behind the buffer. */
START_TEST(writer_has_no_room)
{
	static const uint8_t payload[30];
	struct dhcp_frame f = a_frame(payload, sizeof(payload));
	size_t whole = 14 + 28 + sizeof(payload);

	for (size_t cap = 0; cap <= whole; cap++) {
		uint8_t *exact CLEAN_FREE = malloc(cap ? cap : 1);
		struct wr w = wr_init(exact, cap);

		ck_assert_ptr_nonnull(exact);
		dhcp_frame_write(&w, &f);
		ck_assert_int_eq(w.bad, cap < whole);
	}
}
END_TEST

START_TEST(writer_refuses_what_ip_cannot_carry)
{
	static uint8_t payload[BIG], out[BIG + 64];
	struct dhcp_frame f = a_frame(payload, 65508);
	struct wr w = wr_init(out, sizeof(out));

	dhcp_frame_write(&w, &f);
	ck_assert(w.bad);
}
END_TEST

/* The names are the counters that users see: all there, no two alike. */
START_TEST(drop_names)
{
	for (unsigned i = 0; i < DHCP_DROP_MAX; i++) {
		const char *name = dhcp_drop_text((enum dhcp_drop)i);

		ck_assert_ptr_nonnull(name);
		ck_assert(*name && strcmp(name, "?"));
		for (unsigned j = 0; j < i; j++)
			ck_assert_str_ne(name, dhcp_drop_text((enum dhcp_drop)j));
	}
	ck_assert_str_eq(dhcp_drop_text(DHCP_DROP_MAX), "?");
}
END_TEST

UNIT_SUITE(dhcp_frame)
{
	tcase_add_loop_test(tc, parse_shapes, 0, ARRAY_SIZE(shapes));
	tcase_add_loop_test(tc, t_dhcp_018, 0, ARRAY_SIZE(aligned));
	tcase_add_loop_test(tc, t_dhcp_019, 0, ARRAY_SIZE(checks));
	tcase_add_loop_test(tc, t_dhcp_064, 0, ARRAY_SIZE(sizes));
	tcase_add_test(tc, changed_bits);
	tcase_add_test(tc, truncated);
	tcase_add_test(tc, writes_headers);
	tcase_add_test(tc, checksum_zero_is_sent_as_ones);
	tcase_add_test(tc, writer_has_no_room);
	tcase_add_test(tc, writer_refuses_what_ip_cannot_carry);
	tcase_add_test(tc, drop_names);
}

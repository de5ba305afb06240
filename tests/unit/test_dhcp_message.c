/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fixed part of a message, read and written. */
#include "dhcp_kit.h"

/* RFC 2131 2, figure 1: where each field is. The values differ from octet to octet. */
static void fill(uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(i + 1);
	if (len > 2)
		p[2] = 6;
	if (len >= DHCP_FIXED_SIZE + 4)
		kit_hex("63825363", p + DHCP_FIXED_SIZE, 4);
}

/* Parses a copy that is exactly as long as it says. */
static enum dhcp_drop parse(const uint8_t *p, size_t len, struct dhcp_message *m, uint8_t **ret)
{
	*ret = kit_copy(p, len);
	return dhcp_message_parse(*ret, len, m);
}

START_TEST(t_dhcp_001)
{
	uint8_t p[DHCP_FIXED_SIZE + 8];

	fill(p, sizeof(p));
	for (size_t len = 0; len <= sizeof(p); len++) {
		struct dhcp_message m = { .xid = 1 };
		uint8_t *exact CLEAN_FREE = NULL;
		enum dhcp_drop drop = parse(p, len, &m, &exact);

		ck_assert_int_eq(drop, len < DHCP_FIXED_SIZE ? DHCP_DROP_SHORT : DHCP_DROP_NONE);
		if (drop) {
			ck_assert_uint_eq(m.xid, 1);
			continue;
		}
		ck_assert_int_eq(m.options != NULL, len >= DHCP_FIXED_SIZE + 4);
		ck_assert_uint_eq(m.options_len,
				  len < DHCP_FIXED_SIZE + 4 ? 0 : len - DHCP_FIXED_SIZE - 4);
	}
}
END_TEST

static const size_t longs[] = { DHCP_PAYLOAD_MAX - 1, DHCP_PAYLOAD_MAX, DHCP_PAYLOAD_MAX + 1,
				65507 };

START_TEST(long_payload)
{
	static uint8_t p[65507];
	struct dhcp_message m;

	fill(p, sizeof(p));
	ck_assert_int_eq(dhcp_message_parse(p, longs[_i], &m),
			 longs[_i] > DHCP_PAYLOAD_MAX ? DHCP_DROP_SHORT : DHCP_DROP_NONE);
}
END_TEST

START_TEST(t_dhcp_003)
{
	uint8_t p[DHCP_FIXED_SIZE + 4];
	struct dhcp_message m;

	fill(p, sizeof(p));
	for (unsigned hlen = 0; hlen < 256; hlen++) {
		p[2] = (uint8_t)hlen;
		ck_assert_int_eq(dhcp_message_parse(p, sizeof(p), &m),
				 hlen > 16 ? DHCP_DROP_HARDWARE : DHCP_DROP_NONE);
	}
}
END_TEST

/* A wrong cookie makes the message one without options, never one whose options are guessed. */
START_TEST(t_dhcp_005)
{
	uint8_t p[DHCP_FIXED_SIZE + 4];
	struct dhcp_message m;

	fill(p, sizeof(p));
	ck_assert_int_eq(dhcp_message_parse(p, sizeof(p), &m), DHCP_DROP_NONE);
	ck_assert_ptr_eq(m.options, p + sizeof(p));
	for (size_t i = 0; i < 4; i++) {
		for (unsigned v = 0; v < 256; v++) {
			uint8_t right = p[DHCP_FIXED_SIZE + i];

			p[DHCP_FIXED_SIZE + i] = (uint8_t)v;
			ck_assert_int_eq(dhcp_message_parse(p, sizeof(p), &m), DHCP_DROP_NONE);
			ck_assert_int_eq(m.options != NULL, v == right);
			p[DHCP_FIXED_SIZE + i] = right;
		}
	}
}
END_TEST

START_TEST(fields)
{
	uint8_t p[DHCP_FIXED_SIZE + 9];
	struct dhcp_message m;

	fill(p, sizeof(p));
	ck_assert_int_eq(dhcp_message_parse(p, sizeof(p), &m), DHCP_DROP_NONE);
	ck_assert_uint_eq(m.op, 0x01);
	ck_assert_uint_eq(m.htype, 0x02);
	ck_assert_uint_eq(m.hlen, 6);
	ck_assert_uint_eq(m.hops, 0x04);
	ck_assert_uint_eq(m.xid, 0x05060708);
	ck_assert_uint_eq(m.secs, 0x090a);
	ck_assert_uint_eq(m.flags, 0x0b0c);
	ck_assert_uint_eq(m.ciaddr, 0x0d0e0f10);
	ck_assert_uint_eq(m.yiaddr, 0x11121314);
	ck_assert_uint_eq(m.siaddr, 0x15161718);
	ck_assert_uint_eq(m.giaddr, 0x191a1b1c);
	ck_assert_mem_eq(m.chaddr, p + 28, 16);
	ck_assert_ptr_eq(m.sname, p + 44);
	ck_assert_ptr_eq(m.file, p + 108);
	ck_assert_ptr_eq(m.options, p + 240);
	ck_assert_uint_eq(m.options_len, 5);
}
END_TEST

START_TEST(written_as_it_was_read)
{
	uint8_t p[DHCP_FIXED_SIZE + 4], out[DHCP_FIXED_SIZE + 4];
	struct wr w = wr_init(out, sizeof(out));
	struct dhcp_message m;

	fill(p, sizeof(p));
	ck_assert_int_eq(dhcp_message_parse(p, sizeof(p), &m), DHCP_DROP_NONE);
	dhcp_message_write(&w, &m);
	ck_assert(!w.bad);
	ck_assert_uint_eq(w.len, sizeof(p));
	ck_assert_mem_eq(out, p, sizeof(p));
}
END_TEST

START_TEST(absent_names_are_zero)
{
	static const uint8_t zero[64 + 128];
	struct dhcp_message m = { .op = DHCP_OP_REPLY };
	uint8_t out[DHCP_FIXED_SIZE + 4];
	struct wr w = wr_init(out, sizeof(out));

	memset(out, 0xa5, sizeof(out));
	dhcp_message_write(&w, &m);
	ck_assert_mem_eq(out + 44, zero, sizeof(zero));
	ck_assert_mem_eq(out + 236, "\x63\x82\x53\x63", 4);
}
END_TEST

START_TEST(writer_has_no_room)
{
	struct dhcp_message m = { .op = DHCP_OP_REPLY };

	for (size_t cap = 0; cap <= DHCP_FIXED_SIZE + 4; cap++) {
		uint8_t *exact CLEAN_FREE = malloc(cap ? cap : 1);
		struct wr w = wr_init(exact, cap);

		ck_assert_ptr_nonnull(exact);
		dhcp_message_write(&w, &m);
		ck_assert_int_eq(w.bad, cap < DHCP_FIXED_SIZE + 4);
	}
}
END_TEST

static const struct {
	unsigned type;
	const char *text;
} types[] = {
	{ 0, "?" },   { 1, "DISCOVER" }, { 2, "OFFER" },      { 3, "REQUEST" }, { 4, "DECLINE" },
	{ 5, "ACK" }, { 6, "NAK" },	 { 7, "RELEASE" },    { 8, "INFORM" },	{ 9, "?" },
	{ 255, "?" }, { 256, "?" },	 { UINT32_MAX, "?" }, /* no index into the names, whatever
								 it is */
};

START_TEST(type_names)
{
	ck_assert_str_eq(dhcp_type_text(types[_i].type), types[_i].text);
}
END_TEST

UNIT_SUITE(dhcp_message)
{
	tcase_add_test(tc, t_dhcp_001);
	tcase_add_loop_test(tc, long_payload, 0, ARRAY_SIZE(longs));
	tcase_add_test(tc, t_dhcp_003);
	tcase_add_test(tc, t_dhcp_005);
	tcase_add_test(tc, fields);
	tcase_add_test(tc, written_as_it_was_read);
	tcase_add_test(tc, absent_names_are_zero);
	tcase_add_test(tc, writer_has_no_room);
	tcase_add_loop_test(tc, type_names, 0, ARRAY_SIZE(types));
}

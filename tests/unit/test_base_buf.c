/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/buf.h"
#include "unit.h"

static const uint8_t wire[] = { 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0xff, 0xfe, 0xfd };

struct fields {
	uint8_t a;
	uint16_t b;
	uint32_t c;
	uint8_t d[3];
};

static struct fields read_fields(struct rd *r)
{
	struct fields f;

	f.a = rd_u8(r);
	f.b = rd_be16(r);
	f.c = rd_be32(r);
	memset(f.d, 0x55, sizeof(f.d));
	rd_copy(r, f.d, sizeof(f.d));
	return f;
}

START_TEST(reads)
{
	struct rd r = rd_init(wire, sizeof(wire));
	struct fields f = read_fields(&r);

	ck_assert_uint_eq(f.a, 0x01);
	ck_assert_uint_eq(f.b, 0x0203);
	ck_assert_uint_eq(f.c, 0x04050607);
	ck_assert_mem_eq(f.d, "\xff\xfe\xfd", 3);
	ck_assert(!r.bad);
	ck_assert_uint_eq(rd_left(&r), 0);
}
END_TEST

/* High bits must not spread by a shift of a signed number. */
START_TEST(reads_high_bits)
{
	struct rd r = rd_init("\xff\xff\xff\xff\xff\xff\xff", 7);

	ck_assert_uint_eq(rd_u8(&r), 0xff);
	ck_assert_uint_eq(rd_be16(&r), 0xffff);
	ck_assert_uint_eq(rd_be32(&r), 0xffffffff);
}
END_TEST

/* The input ends after _i octets: all whole fields before that come, nothing after. */
START_TEST(reads_short)
{
	CLEAN_FREE uint8_t *copy = malloc((size_t)_i + 1); /* exact, for the sanitizer */
	struct rd r = rd_init(copy, (size_t)_i);
	struct fields f;

	memcpy(copy, wire, (size_t)_i);
	f = read_fields(&r);
	ck_assert(r.bad);
	ck_assert_uint_eq(f.a, _i >= 1 ? 0x01 : 0);
	ck_assert_uint_eq(f.b, _i >= 3 ? 0x0203 : 0);
	ck_assert_uint_eq(f.c, _i >= 7 ? 0x04050607 : 0);
	ck_assert_mem_eq(f.d, "\0\0\0", 3);
	ck_assert_uint_eq(rd_left(&r), 0);
	ck_assert_uint_le(r.pos, (size_t)_i);
}
END_TEST

/* One octet would be left, but an earlier read failed. */
START_TEST(read_failure_sticks)
{
	struct rd r = rd_init(wire, 1);

	ck_assert_uint_eq(rd_be16(&r), 0);
	ck_assert_uint_eq(rd_u8(&r), 0);
	ck_assert_ptr_null(rd_bytes(&r, 0));
	ck_assert(r.bad);
}
END_TEST

START_TEST(reads_in_place)
{
	struct rd r = rd_init(wire, sizeof(wire));

	ck_assert_ptr_eq(rd_bytes(&r, 4), wire);
	ck_assert_ptr_eq(rd_bytes(&r, 0), wire + 4);
	ck_assert_ptr_eq(rd_bytes(&r, 6), wire + 4);
	ck_assert_ptr_eq(rd_bytes(&r, 0), wire + 10);
	ck_assert(!r.bad);
	ck_assert_ptr_null(rd_bytes(&r, 1));
}
END_TEST

/* Where pos + n would run over. */
START_TEST(length_that_wraps)
{
	uint8_t room[4];
	struct rd r = rd_init(wire, 4);
	struct wr w = wr_init(room, 4);

	ck_assert_uint_eq(rd_u8(&r), 1);
	ck_assert_ptr_null(rd_bytes(&r, SIZE_MAX));
	wr_u8(&w, 1);
	ck_assert_ptr_null(wr_room(&w, SIZE_MAX));
	ck_assert(r.bad && w.bad);
}
END_TEST

static void write_fields(struct wr *w)
{
	wr_u8(w, 0x01);
	wr_be16(w, 0x0203);
	wr_be32(w, 0x04050607);
	wr_bytes(w, "\xff\xfe", 2);
	wr_bytes(w, NULL, 0);
	wr_zero(w, 2);
	wr_zero(w, 0);
}

static const uint8_t written[] = { 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0xff, 0xfe, 0, 0 };

START_TEST(writes)
{
	uint8_t room[sizeof(written)];
	struct wr w = wr_init(room, sizeof(room));

	memset(room, 0x55, sizeof(room));
	write_fields(&w);
	ck_assert(!w.bad);
	ck_assert_uint_eq(w.len, sizeof(written));
	ck_assert_uint_eq(wr_left(&w), 0);
	ck_assert_mem_eq(room, written, sizeof(written));
}
END_TEST

/* There is room for _i octets: whole fields are there, and nothing behind the room is touched. */
START_TEST(writes_short)
{
	static const size_t whole[] = { 0, 1, 1, 3, 3, 3, 3, 7, 7, 9, 9 };
	uint8_t room[sizeof(written) + 8];
	struct wr w = wr_init(room, (size_t)_i);

	memset(room, 0x55, sizeof(room));
	write_fields(&w);
	ck_assert(w.bad);
	ck_assert_uint_eq(wr_left(&w), 0);
	ck_assert_uint_eq(w.len, whole[_i]);
	ck_assert_mem_eq(room, written, whole[_i]);
	for (size_t i = whole[_i]; i < sizeof(room); i++)
		ck_assert_uint_eq(room[i], 0x55);
}
END_TEST

/* One octet would still fit, but an earlier write did not. */
START_TEST(write_failure_sticks)
{
	uint8_t room[1] = { 0x55 };
	struct wr w = wr_init(room, sizeof(room));

	wr_be16(&w, 1);
	wr_u8(&w, 1);
	ck_assert_ptr_null(wr_room(&w, 0));
	ck_assert(w.bad);
	ck_assert_uint_eq(room[0], 0x55);
}
END_TEST

START_TEST(counts_what_is_left)
{
	uint8_t room[8];
	struct rd r = rd_init(wire, 7);
	struct wr w = wr_init(room, 8);

	ck_assert_uint_eq(rd_left(&r), 7);
	ck_assert_uint_eq(wr_left(&w), 8);
	rd_be32(&r);
	wr_be16(&w, 0);
	ck_assert_uint_eq(rd_left(&r), 3);
	ck_assert_uint_eq(wr_left(&w), 6);
}
END_TEST

START_TEST(room_is_the_buffers)
{
	uint8_t buf[4] = { 0 };
	struct wr w = wr_init(buf, sizeof(buf));
	uint8_t *room;

	wr_u8(&w, 1);
	room = wr_room(&w, 2);
	ck_assert_ptr_eq(room, buf + 1);
	room[0] = 2;
	room[1] = 3;
	wr_u8(&w, 4);
	ck_assert(!w.bad);
	ck_assert_mem_eq(buf, "\1\2\3\4", 4);
}
END_TEST

UNIT_SUITE(base_buf)
{
	tcase_add_test(tc, reads);
	tcase_add_test(tc, reads_high_bits);
	tcase_add_loop_test(tc, reads_short, 0, sizeof(wire));
	tcase_add_test(tc, read_failure_sticks);
	tcase_add_test(tc, reads_in_place);
	tcase_add_test(tc, length_that_wraps);
	tcase_add_test(tc, writes);
	tcase_add_loop_test(tc, writes_short, 0, sizeof(written));
	tcase_add_test(tc, write_failure_sticks);
	tcase_add_test(tc, counts_what_is_left);
	tcase_add_test(tc, room_is_the_buffers);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The option writer (RFC 2132, RFC 3396, RFC 3046). */
#include "dhcp_kit.h"

enum { OPTIONS_AT = DHCP_FIXED_SIZE + 4, MESSAGE_MAX = 1472 };

/* --- the list of options to write --- */

static uint8_t blob[70000];

static void fill_blob(void)
{
	for (size_t i = 0; i < sizeof(blob); i++)
		blob[i] = (uint8_t)(i * 13 + i / 256 + 1);
}

START_TEST(list_keeps_the_first)
{
	struct dhcp_outs o = { 0 };

	dhcp_outs_add(&o, 12, "a", 1);
	dhcp_outs_add(&o, 12, "bb", 2);
	dhcp_outs_add_u8(&o, 12, 3);
	ck_assert_uint_eq(o.n, 1);
	ck_assert_uint_eq(o.at[0].len, 1);
	ck_assert(dhcp_outs_has(&o, 12));
	ck_assert(!dhcp_outs_has(&o, 13));
}
END_TEST

START_TEST(list_is_bounded)
{
	struct dhcp_outs o = { 0 };

	for (unsigned code = 1; code < 255; code++)
		dhcp_outs_add(&o, (uint8_t)code, "x", 1);
	ck_assert_uint_eq(o.n, DHCP_OUT_MAX);
	ck_assert(dhcp_outs_has(&o, DHCP_OUT_MAX));
	ck_assert(!dhcp_outs_has(&o, DHCP_OUT_MAX + 1));
}
END_TEST

static const struct {
	size_t len;
	bool added;
} lens[] = { { 0, true }, { 1, true }, { 65535, true }, { 65536, false }, { 70000, false } };

START_TEST(list_refuses_what_no_option_can_be)
{
	struct dhcp_outs o = { 0 };

	dhcp_outs_add(&o, 12, blob, lens[_i].len);
	ck_assert_int_eq(dhcp_outs_has(&o, 12), lens[_i].added);
}
END_TEST

/* Copied values have room of their own, and a value that is there already needs none. */
START_TEST(list_copies)
{
	struct dhcp_outs o = { 0 };
	uint8_t value[4] = { 1, 2, 3, 4 };
	unsigned n = sizeof(o.inline_data) / sizeof(value);

	for (unsigned i = 0; i < 1000; i++)
		dhcp_outs_add_copy(&o, 1, value, sizeof(value));
	value[0] = 9;
	ck_assert_uint_eq(o.at[0].data[0], 1);
	for (unsigned i = 1; i < n && i < DHCP_OUT_MAX; i++)
		dhcp_outs_add_copy(&o, (uint8_t)(i + 1), value, sizeof(value));
	ck_assert_uint_eq(o.n, n < DHCP_OUT_MAX ? n : DHCP_OUT_MAX);
	ck_assert_uint_eq(o.inline_len, o.n * sizeof(value));
	dhcp_outs_add_copy(&o, 200, blob, sizeof(o.inline_data) + 1 - o.inline_len);
	ck_assert(!dhcp_outs_has(&o, 200));
}
END_TEST

START_TEST(list_numbers)
{
	struct dhcp_outs o = { 0 };

	dhcp_outs_add_u8(&o, 53, 0x81);
	dhcp_outs_add_u32(&o, 54, 0x81828384);
	dhcp_outs_add_copy(&o, 80, NULL, 0);
	ck_assert_uint_eq(o.n, 3);
	ck_assert_mem_eq(o.at[0].data, "\x81", 1);
	ck_assert_mem_eq(o.at[1].data, "\x81\x82\x83\x84", 4);
	ck_assert_uint_eq(o.at[2].len, 0);
}
END_TEST

/* --- writer --- */

/* A message written into memory of exactly `max` octets or 300, and read back. */
struct written {
	uint8_t out[MESSAGE_MAX];
	size_t len;
	unsigned left_out;
	struct dhcp_message m;
	struct dhcp_options o;
};

static void write_list(struct written *t, const struct dhcp_message *m, struct dhcp_outs *o,
		       size_t max)
{
	struct wr w = wr_init(t->out, max < 300 ? 300 : max);

	memset(t->out, 0xa5, sizeof(t->out));
	t->left_out = dhcp_outs_write(&w, m, o, max);
	ck_assert(!w.bad);
	t->len = w.len;
	ck_assert_int_eq(dhcp_message_parse(t->out, t->len, &t->m), DHCP_DROP_NONE);
	ck_assert_int_eq(dhcp_options_parse(&t->m, &t->o), DHCP_DROP_NONE);
}

static const struct dhcp_message bare = { .op = DHCP_OP_REPLY };

START_TEST(plain)
{
	static const uint8_t want[] = { 53, 1, 5, 80, 0, 12, 3, 'w', 'e', 'b', 255 };
	static const uint8_t zero[300];
	struct dhcp_outs o = { 0 };
	struct written t;

	dhcp_outs_add_u8(&o, 53, DHCP_ACK);
	dhcp_outs_add(&o, 80, NULL, 0);
	dhcp_outs_add(&o, 12, "web", 3);
	write_list(&t, &bare, &o, 548);
	ck_assert_uint_eq(t.left_out, 0);
	ck_assert_uint_eq(t.len, 300);
	ck_assert_mem_eq(t.out + OPTIONS_AT, want, sizeof(want));
	ck_assert_mem_eq(t.out + OPTIONS_AT + sizeof(want), zero, 300 - OPTIONS_AT - sizeof(want));
	ck_assert_mem_eq(t.out + 44, zero, 64 + 128);
}
END_TEST

/* Behind what the writer's buffer holds already, padding is counted from the message's start. */
START_TEST(behind_other_octets)
{
	struct dhcp_outs o = { 0 };
	uint8_t out[700];
	struct wr w = wr_init(out, sizeof(out));

	dhcp_outs_add_u8(&o, 53, DHCP_ACK);
	wr_zero(&w, 100);
	ck_assert_uint_eq(dhcp_outs_write(&w, &bare, &o, 548), 0);
	ck_assert_uint_eq(w.len, 400);
	ck_assert_mem_eq(out + 100 + OPTIONS_AT, "\x35\x01\x05\xff", 4);
}
END_TEST

/* RFC 1542 2.1: 300 octets at least, and no more than the options need above that. */
START_TEST(padding)
{
	for (uint16_t len = 0; len <= 255; len++) {
		struct dhcp_outs o = { 0 };
		size_t need = OPTIONS_AT + 2u + len + 1;
		struct written t;

		dhcp_outs_add(&o, 43, blob, len);
		write_list(&t, &bare, &o, 548);
		ck_assert_uint_eq(t.len, need < 300 ? 300 : need);
		ck_assert_uint_eq(t.out[need - 1], 255);
		for (size_t i = need; i < t.len; i++)
			kit_must(t.out[i] == 0);
	}
}
END_TEST

static const struct {
	uint16_t len, pieces;
} splits[] = { { 0, 1 },   { 1, 1 },   { 254, 1 }, { 255, 1 }, { 256, 2 },
	       { 509, 2 }, { 510, 2 }, { 511, 3 }, { 765, 3 }, { 766, 4 } };

START_TEST(t_dhcp_068)
{
	struct dhcp_outs o = { 0 };
	struct written t;
	size_t at = OPTIONS_AT, len = 0;
	const uint8_t *p;

	dhcp_outs_add(&o, 121, blob, splits[_i].len);
	write_list(&t, &bare, &o, MESSAGE_MAX);
	for (unsigned i = 0; i < splits[_i].pieces; i++) {
		ck_assert_uint_eq(t.out[at], 121);
		if (i + 1u < splits[_i].pieces)
			ck_assert_uint_eq(t.out[at + 1], 255);
		at += 2u + t.out[at + 1];
	}
	ck_assert_uint_eq(t.out[at], 255);
	p = dhcp_options_get(&t.o, 121, &len);
	ck_assert_ptr_nonnull(p);
	ck_assert_uint_eq(len, splits[_i].len);
	ck_assert(!len || !memcmp(p, blob, len));
}
END_TEST

/*
 * Options of the given lengths, codes 1, 2, …, into a message of 548 octets: 308 for options with
 * End, 128 for file and 64 for sname with theirs. `where` has a letter for each: o(ptions), f(ile),
 * s(name), - (left out).
 */
static const struct placement {
	const char *name;
	const uint16_t len[8]; /* 0: no more */
	const char *where;
	uint8_t overload;	  /* 0: no option 52 */
	bool has_file, has_sname; /* m uses these itself */
	uint16_t agent;		  /* length of option 82, which comes first; 0: none */
} placements[] = {
	{ "exactly full", { 255, 48 }, "oo", .overload = 0 },
	{ "one octet too many", { 255, 49 }, "of", .overload = 1 },
	{ "room for 52 is kept", { 255, 45, 2 }, "oof", .overload = 1 },
	{ "full with 52", { 255, 45, 125 }, "oof", .overload = 1 },
	{ "file full by one", { 255, 45, 126 }, "oo-", .overload = 0 },
	{ "file, then sname", { 255, 45, 125, 61 }, "oofs", .overload = 3 },
	{ "sname full by one", { 255, 45, 125, 62 }, "oof-", .overload = 1 },
	{ "sname alone", { 255, 45, 61 }, "oos", .overload = 2, .has_file = true },
	{ "file alone", { 255, 45, 61 }, "oof", .overload = 1, .has_sname = true },
	{ "no area", { 255, 45, 2 }, "oo-", .has_file = true, .has_sname = true },
	{ "a shorter one behind", { 200, 200, 10 }, "o-o", .overload = 0 },
	{ "back to options", { 250, 100, 20 }, "ofo", .overload = 1 },
	{ "split one needs one area", { 290, 10 }, "oo", .overload = 0 },
	{ "split one too long", { 301, 10 }, "-o", .overload = 0 },
	{ "many", { 100, 100, 100, 100, 100, 60, 60, 3 }, "oof--oso", .overload = 3 },
	{ "82 keeps its room", { 255, 30, 20 }, "off", .overload = 1, .agent = 40 },
	{ "82 alone", { 200, 48, 40 }, "oof", .overload = 1, .agent = 40 },
	{ "82 fits exactly", { 200, 60 }, "oo", .agent = 41 },
};

static void fill_fields(const struct placement *row, struct dhcp_message *m, struct dhcp_outs *o)
{
	*m = bare;
	m->file = row->has_file ? (const uint8_t *)blob + 1000 : NULL;
	m->sname = row->has_sname ? (const uint8_t *)blob + 2000 : NULL;
	*o = (struct dhcp_outs){ 0 };
	if (row->agent)
		dhcp_outs_add(o, 82, blob, row->agent);
	for (unsigned i = 0; i < ARRAY_SIZE(row->len) && row->len[i]; i++)
		dhcp_outs_add(o, (uint8_t)(i + 100), blob + i, row->len[i]);
}

/* Whether an area, whose End must be there, has the code. */
static bool area_has(const uint8_t *p, size_t len, uint8_t code)
{
	bool has = false;
	size_t i = 0;

	while (i < len && p[i] != 255) {
		has = has || p[i] == code;
		i += p[i] ? 2u + p[i + 1] : 1;
	}
	return has;
}

static char area_of(const struct written *t, const struct placement *row, uint8_t code)
{
	if (area_has(t->m.options, t->m.options_len, code))
		return 'o';
	if (!row->has_file && area_has(t->m.file, 128, code))
		return 'f';
	if (!row->has_sname && area_has(t->m.sname, 64, code))
		return 's';
	return '-';
}

static void check_placed(const struct placement *row, const struct written *t)
{
	unsigned left_out = 0;

	for (unsigned i = 0; row->where[i]; i++) {
		char area = area_of(t, row, (uint8_t)(i + 100));
		size_t len = 0;
		const uint8_t *p = dhcp_options_get(&t->o, (uint8_t)(i + 100), &len);

		ck_assert_msg(area == row->where[i], "%s: option %u is in %c", row->name, i, area);
		left_out += area == '-';
		if (area != '-')
			ck_assert(p && len == row->len[i] && !memcmp(p, blob + i, len));
	}
	ck_assert_uint_eq(t->left_out, left_out);
}

START_TEST(t_dhcp_067)
{
	const struct placement *row = &placements[_i];
	struct dhcp_message m;
	struct dhcp_outs o;
	struct written t;
	uint8_t overload = 0;

	fill_fields(row, &m, &o);
	write_list(&t, &m, &o, 548);
	ck_assert_uint_le(t.len, 548);
	ck_assert_int_eq(dhcp_options_u8(&t.o, 52, &overload), row->overload != 0);
	ck_assert_uint_eq(overload, row->overload);
	check_placed(row, &t);
	if (row->has_file)
		kit_must(!memcmp(t.m.file, blob + 1000, 128));
	if (row->has_sname)
		kit_must(!memcmp(t.m.sname, blob + 2000, 64));
	if (row->agent)
		ck_assert_int_eq(area_of(&t, row, 82), 'o');
}
END_TEST

/* What the protocol cannot do without is never left out for what a list has in front of it. */
START_TEST(essential_options_stay)
{
	static const uint8_t codes[] = { 1, 3, 51, 53, 54, 121 };
	struct dhcp_outs o = { 0 };
	struct written t;
	size_t len;

	dhcp_outs_add(&o, 43, blob, 255);
	dhcp_outs_add(&o, 17, blob, 45);
	dhcp_outs_add(&o, 60, blob, 125);
	dhcp_outs_add(&o, 66, blob, 61);
	for (unsigned i = 0; i < sizeof(codes); i++)
		dhcp_outs_add(&o, codes[i], blob, codes[i] == 53 ? 1 : 4);
	write_list(&t, &bare, &o, 548);
	for (unsigned i = 0; i < sizeof(codes); i++)
		ck_assert_msg(dhcp_options_get(&t.o, codes[i], &len), "%u is missing", codes[i]);
	ck_assert_uint_gt(t.left_out, 0);
}
END_TEST

/* Lengths of another option, from one that leaves room to one that fits nowhere. */
static const uint16_t others[] = { 0, 10, 200, 255, 300 };

/* RFC 3046 2.2: last in front of End, never in file or sname, whatever its place in the list. */
START_TEST(t_dhcp_073)
{
	uint16_t len = others[_i];
	struct dhcp_outs o = { 0 };
	struct written t;
	size_t end;

	dhcp_outs_add(&o, 82, blob, 30);
	dhcp_outs_add_u8(&o, 53, DHCP_ACK);
	dhcp_outs_add(&o, 43, blob, len);
	dhcp_outs_add(&o, 17, blob, 100);
	write_list(&t, &bare, &o, 548);
	for (end = 0; t.m.options[end] != 255; end += 2u + t.m.options[end + 1])
		;
	ck_assert_uint_eq(t.m.options[end - 32], 82);
	ck_assert_uint_eq(t.m.options[end - 31], 30);
	ck_assert_mem_eq(t.m.options + end - 30, blob, 30);
}
END_TEST

/* RFC 3046 2.2: a server that cannot copy the whole of option 82 sends its reply without it. */
START_TEST(agent_that_does_not_fit)
{
	for (uint16_t len = 0; len < 1200; len++) {
		struct dhcp_outs o = { 0 };
		struct written t;
		size_t got;
		uint8_t type;

		dhcp_outs_add_u8(&o, 53, DHCP_ACK);
		dhcp_outs_add(&o, 82, blob, len);
		dhcp_outs_add_u32(&o, 54, KIT_SERVER);
		write_list(&t, &bare, &o, 548);
		ck_assert(dhcp_options_u8(&t.o, 53, &type));
		ck_assert(dhcp_options_get(&t.o, 54, &got));
		if (dhcp_options_get(&t.o, 82, &got))
			ck_assert_uint_eq(got, len);
		else
			ck_assert_uint_gt(len, 280);
		ck_assert_uint_eq(t.left_out, !dhcp_options_get(&t.o, 82, &got));
	}
}
END_TEST

/* The octets behind the first End of an area are all zero; returns false when there is no End. */
static bool ends_once(const uint8_t *p, size_t len)
{
	size_t i = 0;

	while (i < len && p[i] != 255)
		i += p[i] ? 2u + p[i + 1] : 1;
	if (i >= len)
		return false;
	for (i++; i < len; i++)
		kit_must(p[i] == 0);
	return true;
}

static bool all_zero(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i])
			return false;
	return true;
}

static void check_areas(const struct written *t)
{
	uint8_t overload = 0;

	dhcp_options_u8(&t->o, 52, &overload);
	ck_assert(ends_once(t->m.options, t->m.options_len));
	ck_assert(overload & 1 ? ends_once(t->m.file, 128) : all_zero(t->m.file, 128));
	ck_assert(overload & 2 ? ends_once(t->m.sname, 64) : all_zero(t->m.sname, 64));
}

static void random_list(struct kit_random *r, struct dhcp_outs *o)
{
	unsigned n = 1 + kit_below(r, 12);

	*o = (struct dhcp_outs){ 0 };
	for (unsigned i = 0; i < n; i++) {
		uint8_t code = (uint8_t)(kit_below(r, 8) ? 1 + kit_below(r, 254) : 82);
		size_t len = kit_below(r, kit_below(r, 4) ? 60 : 400);

		if (code != 52)
			dhcp_outs_add(o, code, blob + kit_below(r, 1000), len);
	}
}

/* Each option of the list is there as it was given, or counted as left out. */
static void check_list(const struct written *t, const struct dhcp_outs *o, unsigned round)
{
	unsigned left_out = 0;

	for (unsigned i = 0; i < o->n; i++) {
		size_t len = 0;
		const uint8_t *p = dhcp_options_get(&t->o, o->at[i].code, &len);

		left_out += !p;
		ck_assert_msg(!p || (len == o->at[i].len && !memcmp(p, o->at[i].data, len)),
			      "round %u: option %u differs", round, o->at[i].code);
		ck_assert_int_eq(o->at[i].left_out, !p);
	}
	ck_assert_msg(left_out == t->left_out, "round %u: %u left out, not %u", round, t->left_out,
		      left_out);
}

START_TEST(t_dhcp_071)
{
	struct kit_random r = { (uint64_t)_i + 1 };

	for (unsigned round = 0; round < 500; round++) {
		size_t max = 300 + kit_below(&r, MESSAGE_MAX - 300 + 1);
		struct dhcp_outs o;
		struct written t;

		random_list(&r, &o);
		write_list(&t, &bare, &o, max);
		ck_assert_uint_ge(t.len, 300);
		ck_assert_uint_le(t.len, max);
		check_areas(&t);
		check_list(&t, &o, round);
	}
}
END_TEST

/* The writer never writes behind its buffer, and says so when it would have. */
START_TEST(writer_has_no_room)
{
	struct dhcp_outs o = { 0 };

	dhcp_outs_add_u8(&o, 53, DHCP_ACK);
	dhcp_outs_add(&o, 43, blob, 100);
	for (size_t cap = 0; cap <= 360; cap++) {
		uint8_t *exact CLEAN_FREE = malloc(cap ? cap : 1);
		struct wr w = wr_init(exact, cap);
		unsigned left_out;

		ck_assert_ptr_nonnull(exact);
		left_out = dhcp_outs_write(&w, &bare, &o, 548);
		ck_assert_uint_eq(left_out, 0);
		ck_assert_int_eq(w.bad, cap < 240 + 3 + 102 + 1);
	}
}
END_TEST

/* A limit below what a message needs is an error that is seen. */
START_TEST(limit_too_low)
{
	uint8_t out[600];
	struct dhcp_outs o = { 0 };

	for (size_t max = 0; max <= OPTIONS_AT; max++) {
		struct wr w = wr_init(out, sizeof(out));

		ck_assert_uint_eq(dhcp_outs_write(&w, &bare, &o, max), 0);
		ck_assert(w.bad);
	}
}
END_TEST

UNIT_SUITE(dhcp_option_write)
{
	fill_blob();
	tcase_add_test(tc, list_keeps_the_first);
	tcase_add_test(tc, list_is_bounded);
	tcase_add_loop_test(tc, list_refuses_what_no_option_can_be, 0, ARRAY_SIZE(lens));
	tcase_add_test(tc, list_copies);
	tcase_add_test(tc, list_numbers);
	tcase_add_test(tc, plain);
	tcase_add_test(tc, behind_other_octets);
	tcase_add_test(tc, padding);
	tcase_add_loop_test(tc, t_dhcp_068, 0, ARRAY_SIZE(splits));
	tcase_add_loop_test(tc, t_dhcp_067, 0, ARRAY_SIZE(placements));
	tcase_add_test(tc, essential_options_stay);
	tcase_add_loop_test(tc, t_dhcp_073, 0, ARRAY_SIZE(others));
	tcase_add_test(tc, agent_that_does_not_fit);
	tcase_add_loop_test(tc, t_dhcp_071, 0, 8);
	tcase_add_test(tc, writer_has_no_room);
	tcase_add_test(tc, limit_too_low);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The option walker (RFC 2132, RFC 3396); the writer is tested in test_dhcp_option_write.c. */
#include "dhcp_kit.h"

enum { OPTIONS_AT = DHCP_FIXED_SIZE + 4, AREA_MAX = 2048 };

struct areas {
	const char *name;
	enum dhcp_drop drop;
	const char *options, *file, *sname; /* octets as kit_hex reads them */
	uint8_t code;
	const char *value; /* NULL: absent */
};

/* Areas in memory of exactly their size, as the walker must not leave them. */
struct message {
	struct dhcp_message m;
	uint8_t *options, *file, *sname;
};

static void message_free(struct message *t)
{
	free(t->options);
	free(t->file);
	free(t->sname);
}

static uint8_t *exact_area(const char *hex, size_t fixed, size_t *ret_len)
{
	uint8_t all[AREA_MAX] = { 0 };
	size_t n = kit_hex(hex ? hex : "", all, fixed ? fixed : sizeof(all));

	*ret_len = fixed ? fixed : n;
	return kit_copy(all, *ret_len);
}

static void message_make(struct message *t, const struct areas *a)
{
	size_t len;

	*t = (struct message){ 0 };
	t->file = exact_area(a->file, 128, &len);
	t->sname = exact_area(a->sname, 64, &len);
	t->options = exact_area(a->options, 0, &t->m.options_len);
	t->m.file = t->file;
	t->m.sname = t->sname;
	t->m.options = t->options;
}

static void expect_value(const struct dhcp_options *o, const struct areas *a)
{
	uint8_t want[AREA_MAX];
	size_t want_len = kit_hex(a->value ? a->value : "", want, sizeof(want)), len = 9999;
	const uint8_t *got = dhcp_options_get(o, a->code, &len);

	ck_assert_msg((got != NULL) == (a->value != NULL), "%s: option %u is %s", a->name, a->code,
		      got ? "there" : "absent");
	if (!got) {
		ck_assert_uint_eq(len, 9999);
		return;
	}
	ck_assert_msg(len == want_len, "%s: %zu octets, not %zu", a->name, len, want_len);
	ck_assert_mem_eq(got, want, len);
}

static void walk(const struct areas *a)
{
	struct message t CLEANUP(message_free);
	struct dhcp_options o;
	enum dhcp_drop drop;

	memset(&o, 0xa5, sizeof(o));
	message_make(&t, a);
	drop = dhcp_options_parse(&t.m, &o);
	ck_assert_msg(drop == a->drop, "%s: %s, not %s", a->name, dhcp_drop_text(drop),
		      dhcp_drop_text(a->drop));
	if (!drop)
		expect_value(&o, a);
}

static const struct areas ends[] = {
	{ "in front of End", .options = "0c0161 ff", .code = 12, .value = "61" },
	{ "behind End", .options = "ff 0c0161", .code = 12 },
	{ "behind End, broken", .options = "0c0161 ff 0cff", .code = 12, .value = "61" },
	{ "Pad in front", .options = "00*5 0c0161 ff", .code = 12, .value = "61" },
	{ "Pad between", .options = "370101 00 00 0c0161 ff", .code = 12, .value = "61" },
	{ "Pad has no length octet", .options = "00 0c 01 00 ff", .code = 12, .value = "00" },
	{ "End and Pad in a value", .options = "0c03ff00ff 0f0162 ff", .code = 15, .value = "62" },
	{ "only Pad", .options = "00*60", .code = 0 },
	{ "Pad is no option", .options = "00*60 ff", .code = 0 },
	{ "End is no option", .options = "ff", .code = 255 },
	{ "nothing at all", .options = "", .code = 53 },
};

START_TEST(t_dhcp_006)
{
	walk(&ends[_i]);
}
END_TEST

static const struct areas no_end[] = {
	{ "one option", .options = "350101", .code = 53, .value = "01" },
	{ "zero length last", .options = "350101 50 00", .code = 80, .value = "" },
	{ "Pad last", .options = "350101 00*9", .code = 53, .value = "01" },
	{ "of 255 octets", .options = "0cff 61*255", .code = 12, .value = "61*255" },
	{ "full file", .options = "340101", .file = "0c7e 61*126", .code = 12, .value = "61*126" },
	{ "full sname", .options = "340102", .sname = "0c3e 61*62", .code = 12, .value = "61*62" },
};

START_TEST(t_dhcp_007)
{
	walk(&no_end[_i]);
}
END_TEST

static const struct areas beyond[] = {
	{ "no length octet", DHCP_DROP_OPTIONS, .options = "350101 0c", .code = 53 },
	{ "alone without length", DHCP_DROP_OPTIONS, .options = "35", .code = 53 },
	{ "no data", DHCP_DROP_OPTIONS, .options = "35 01", .code = 53 },
	{ "one octet short", DHCP_DROP_OPTIONS, .options = "0c05 61*4", .code = 12 },
	{ "by far", DHCP_DROP_OPTIONS, .options = "350101 0cff 61", .code = 12 },
	{ "swallows End", DHCP_DROP_OPTIONS, .options = "350101 0c02 ff", .code = 12 },
	{ "file", DHCP_DROP_OPTIONS, .options = "340101 ff", .file = "0c7f 61*126", .code = 12 },
	{ "file, last octet", DHCP_DROP_OPTIONS, .options = "340101", .file = "00*127 0c",
	  .code = 12 },
	{ "sname", DHCP_DROP_OPTIONS, .options = "340102 ff", .sname = "0c3f 61*62", .code = 12 },
	{ "sname of both", DHCP_DROP_OPTIONS, .options = "340103", .sname = "0cff", .code = 12 },
	{ "file not overloaded", .options = "350101 ff", .file = "0cff 61*126", .code = 53,
	  .value = "01" },
};

START_TEST(t_dhcp_008)
{
	walk(&beyond[_i]);
}
END_TEST

static const struct areas pieces[] = {
	{ "two", .options = "0c0161 0c0162 ff", .code = 12, .value = "6162" },
	{ "apart", .options = "0c0161 370101 0c0162 350101 0c0163 ff", .code = 12,
	  .value = "616263" },
	{ "empty and not", .options = "0c00 0c0162 0c00 ff", .code = 12, .value = "62" },
	{ "empty twice", .options = "0c00 0c00 ff", .code = 12, .value = "" },
	{ "above 255", .options = "79ff 11*255 79ff 22*255 7901 33", .code = 121,
	  .value = "11*255 22*255 33" },
	{ "neighbours stay whole", .options = "0b0161 0c0162 0d0163 0b0164 0d0165", .code = 12,
	  .value = "62" },
	{ "options, file, sname", .options = "340103 0c0161 ff", .file = "0c0162 ff",
	  .sname = "0c0163 ff", .code = 12, .value = "616263" },
	{ "file, sname", .options = "340103 ff", .file = "0c0162", .sname = "0c0163", .code = 12,
	  .value = "6263" },
	{ "an address in four", .options = "320177 320101 320102 320103", .code = 50,
	  .value = "77010203" },
};

START_TEST(t_dhcp_011)
{
	walk(&pieces[_i]);
}
END_TEST

/* 52 inside file or sname neither opens another area nor becomes part of the value. */
static const struct areas overloads[] = {
	{ "1: file", .options = "340101 ff", .file = "0c0162", .sname = "0c0163", .code = 12,
	  .value = "62" },
	{ "2: sname", .options = "340102 ff", .file = "0c0162", .sname = "0c0163", .code = 12,
	  .value = "63" },
	{ "3: both", .options = "340103 ff", .file = "0c0162", .sname = "0c0163", .code = 12,
	  .value = "6263" },
	{ "absent", .options = "350101 ff", .file = "0c0162", .sname = "0c0163", .code = 12 },
	{ "behind End", .options = "ff 340103", .file = "0c0162", .sname = "0c0163", .code = 12 },
	{ "nested in file", .options = "340101", .file = "340103 0c0162", .sname = "0c0163",
	  .code = 12, .value = "62" },
	{ "nested in sname", .options = "340102", .file = "0c0162", .sname = "340103 0c0163",
	  .code = 12, .value = "63" },
	{ "nested, the value", .options = "340101", .file = "340103", .code = 52, .value = "01" },
	{ "nested, broken", DHCP_DROP_OPTIONS, .options = "340101", .file = "34ff", .code = 52 },
	{ "the first counts", .options = "340101 340102 ff", .file = "0c0162", .sname = "0c0163",
	  .code = 12, .value = "62" },
	{ "End ends one area only", .options = "340103 ff", .file = "ff 0c0162",
	  .sname = "0c0163 ff", .code = 12, .value = "63" },
	{ "file is searched for all", .options = "340101", .file = "350103 3204 0a4d000a ff",
	  .code = 53, .value = "03" },
};

START_TEST(t_dhcp_012)
{
	walk(&overloads[_i]);
}
END_TEST

static const struct areas no_overloads[] = {
	{ "0", .options = "340100 ff", .file = "0c0162", .sname = "0c0163", .code = 12 },
	{ "4", .options = "340104 ff", .file = "0c0162", .sname = "0c0163", .code = 12 },
	{ "5", .options = "340105 ff", .file = "0c0162", .sname = "0c0163", .code = 12 },
	{ "255", .options = "3401ff ff", .file = "0c0162", .sname = "0c0163", .code = 12 },
	{ "empty", .options = "3400 ff", .file = "0c0162", .sname = "0c0163", .code = 12 },
	{ "two octets", .options = "34020101 ff", .file = "0c0162", .sname = "0c0163", .code = 12 },
	{ "broken file", .options = "340104 ff", .file = "0cff", .code = 52, .value = "04" },
};

START_TEST(t_dhcp_013)
{
	walk(&no_overloads[_i]);
}
END_TEST

START_TEST(no_cookie)
{
	struct dhcp_message m = { 0 };
	struct dhcp_options o;

	ck_assert_int_eq(dhcp_options_parse(&m, &o), DHCP_DROP_NO_COOKIE);
}
END_TEST

START_TEST(every_code)
{
	uint8_t options[5] = { 0, 2, 0x12, 0x34, 255 };
	struct dhcp_message m = { .options = options, .options_len = sizeof(options) };
	struct dhcp_options o;

	for (unsigned code = 1; code < 255; code++) {
		options[0] = (uint8_t)code;
		ck_assert_int_eq(dhcp_options_parse(&m, &o), DHCP_DROP_NONE);
		for (unsigned other = 0; other < 256; other++) {
			uint16_t v = 0;

			kit_must(dhcp_options_u16(&o, (uint8_t)other, &v) == (other == code));
			kit_must(v == (other == code ? 0x1234 : 0));
		}
	}
}
END_TEST

/* A number is there only in its own size, and what is not there changes nothing. */
START_TEST(numbers)
{
	static const uint8_t data[6] = { 0x81, 0x82, 0x83, 0x84, 0x85, 0x86 };

	for (uint8_t len = 0; len <= 6; len++) {
		uint8_t options[8] = { 12, len }, v8 = 7;
		struct dhcp_message m = { .options = options, .options_len = len + 2u };
		struct dhcp_options o;
		uint16_t v16 = 7;
		uint32_t v32 = 7;

		memcpy(options + 2, data, len);
		ck_assert_int_eq(dhcp_options_parse(&m, &o), DHCP_DROP_NONE);
		ck_assert_int_eq(dhcp_options_u8(&o, 12, &v8), len == 1);
		ck_assert_uint_eq(v8, len == 1 ? 0x81 : 7);
		ck_assert_int_eq(dhcp_options_u16(&o, 12, &v16), len == 2);
		ck_assert_uint_eq(v16, len == 2 ? 0x8182 : 7);
		ck_assert_int_eq(dhcp_options_u32(&o, 12, &v32), len == 4);
		ck_assert_uint_eq(v32, len == 4 ? 0x81828384 : 7);
		ck_assert(!dhcp_options_u32(&o, 13, &v32));
	}
}
END_TEST

/* The largest message that is accepted, full to the last octet with one option in every area. */
START_TEST(largest_message)
{
	static uint8_t payload[DHCP_PAYLOAD_MAX];
	struct dhcp_message m;
	struct dhcp_options o;
	size_t len, sum = 0;

	/* sname and file: options of code 1 and length 1, and Pad where no other fits. */
	memset(payload + 44, 1, 64 + 128);
	memset(payload + 44 + 64 - 64 % 3, 0, 64 % 3);
	memset(payload + 108 + 128 - 128 % 3, 0, 128 % 3);
	kit_hex("63825363 340103", payload + 236, 7);
	for (size_t at = OPTIONS_AT + 3; at + 2 < sizeof(payload); at += len + 2) {
		len = sizeof(payload) - at - 2 < 255 ? sizeof(payload) - at - 2 : 255;
		payload[at] = 1;
		payload[at + 1] = (uint8_t)len;
		sum += len;
	}
	ck_assert_int_eq(dhcp_message_parse(payload, sizeof(payload), &m), DHCP_DROP_NONE);
	ck_assert_int_eq(dhcp_options_parse(&m, &o), DHCP_DROP_NONE);
	ck_assert_ptr_nonnull(dhcp_options_get(&o, 1, &len));
	ck_assert_uint_eq(len, sum + 64 / 3 + 128 / 3);
}
END_TEST

/* A plain reading of RFC 3396 to compare with: concatenates by looking for one code at a time. */
static bool model_area(const uint8_t *p, size_t len, uint8_t code, uint8_t *to, size_t *n,
		       bool *there)
{
	for (size_t i = 0; i < len && p[i] != 255;) {
		if (p[i] == 0) {
			i++;
			continue;
		}
		if (i + 1 >= len || i + 2 + p[i + 1] > len)
			return false;
		if (p[i] == code) {
			memcpy(to + *n, p + i + 2, p[i + 1]);
			*n += p[i + 1];
			*there = true;
		}
		i += 2u + p[i + 1];
	}
	return true;
}

/* The value of the first option 52 if it is one octet, else 0. */
static uint8_t model_overload(const struct dhcp_message *m)
{
	for (size_t i = 0; i + 2 < m->options_len && m->options[i] != 255;) {
		if (m->options[i] == 52)
			return m->options[i + 1] == 1 ? m->options[i + 2] : 0;
		i += m->options[i] ? 2u + m->options[i + 1] : 1;
	}
	return 0;
}

static bool model(const struct dhcp_message *m, uint8_t code, uint8_t *to, size_t *n, bool *there)
{
	uint8_t overload = model_overload(m);
	bool file = overload == 1 || overload == 3, sname = overload == 2 || overload == 3;
	uint8_t outside = code == 52 ? 0 : code; /* 0 is never matched */

	return model_area(m->options, m->options_len, code, to, n, there) &&
	       (!file || model_area(m->file, 128, outside, to, n, there)) &&
	       (!sname || model_area(m->sname, 64, outside, to, n, there));
}

/* Options of few codes and short lengths; one in eight areas is left broken. */
static void random_area(struct kit_random *r, uint8_t *p, size_t len)
{
	static const uint8_t codes[] = { 0, 12, 12, 52, 53, 121, 121, 255 };

	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)kit_below(r, 4);
	for (size_t i = 0; i < len;) {
		size_t piece = kit_below(r, 20);

		p[i] = codes[kit_below(r, kit_below(r, 8) ? 7 : 8)];
		if (p[i] == 0 || i + 1 == len) {
			p[i++] = 0;
			continue;
		}
		if (i + 2 + piece > len && kit_below(r, 8))
			piece = len - i - 2;
		p[i + 1] = (uint8_t)piece;
		i += 2 + piece;
	}
}

static void compare_with_model(const struct dhcp_message *m, unsigned round)
{
	struct dhcp_options o;
	enum dhcp_drop drop = dhcp_options_parse(m, &o);

	for (unsigned code = 1; code < 255; code++) {
		uint8_t want[AREA_MAX];
		size_t want_len = 0, len = 0;
		bool there = false, good = model(m, (uint8_t)code, want, &want_len, &there);
		const uint8_t *got;

		if (good != (drop == DHCP_DROP_NONE))
			ck_abort_msg("round %u: drop %d", round, drop);
		if (!good)
			return;
		got = dhcp_options_get(&o, (uint8_t)code, &len);
		if ((got != NULL) != there || len != want_len || (len && memcmp(got, want, len)))
			ck_abort_msg("round %u, option %u: %zu octets, not %zu", round, code, len,
				     want_len);
	}
}

START_TEST(like_the_model)
{
	struct kit_random r = { (uint64_t)_i + 1 };

	for (unsigned round = 0; round < 500; round++) {
		uint8_t file[128], sname[64];
		size_t len = kit_below(&r, 200);
		uint8_t *options CLEAN_FREE = malloc(len ? len : 1);
		struct dhcp_message m = {
			.options = options, .options_len = len, .file = file, .sname = sname
		};

		ck_assert_ptr_nonnull(options);
		random_area(&r, options, len);
		random_area(&r, file, sizeof(file));
		random_area(&r, sname, sizeof(sname));
		compare_with_model(&m, round);
	}
}
END_TEST

UNIT_SUITE(dhcp_option)
{
	tcase_add_loop_test(tc, t_dhcp_006, 0, ARRAY_SIZE(ends));
	tcase_add_loop_test(tc, t_dhcp_007, 0, ARRAY_SIZE(no_end));
	tcase_add_loop_test(tc, t_dhcp_008, 0, ARRAY_SIZE(beyond));
	tcase_add_loop_test(tc, t_dhcp_011, 0, ARRAY_SIZE(pieces));
	tcase_add_loop_test(tc, t_dhcp_012, 0, ARRAY_SIZE(overloads));
	tcase_add_loop_test(tc, t_dhcp_013, 0, ARRAY_SIZE(no_overloads));
	tcase_add_test(tc, no_cookie);
	tcase_add_test(tc, every_code);
	tcase_add_test(tc, numbers);
	tcase_add_test(tc, largest_message);
	tcase_add_loop_test(tc, like_the_model, 0, 8);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Option values between text and wire, and the table that gives each option its type. */
#include <ctype.h>

#include "dhcp_kit.h"

enum { WIRE_MAX = 1024, TEXT_MAX = 8192 };

/* --- text to wire and back --- */

/* One option for each type; those of U8S and DOMAIN are never configured, so they are only read. */
enum {
	BYTES = 83,
	IP = 16,
	IPS = 42,
	PAIRS = 33,
	BOOL = 19,
	U8 = 23,
	U16 = 22,
	U16S = 25,
	U32 = 24,
	I32 = 2,
	TEXT = 17,
	DOMAIN_ = 15,
	DOMAINS = 119,
	ROUTES = 121,
	URI = 114,
	U8S = 55,
	UNASSIGNED = 200,
};

static const struct encoding {
	uint8_t code;
	const char *values[4];
	const char *wire; /* NULL: refused */
	const char *text; /* what it is printed as; NULL: the values with ", " between */
} encodings[] = {
	{ BYTES, { "01:a0:ff" }, "01a0ff", NULL },
	{ BYTES, { "01A0fF" }, "01a0ff", "01:a0:ff" },
	{ BYTES, { "01" }, "01", NULL },
	{ BYTES, { "" }, "", NULL },
	{ BYTES, { "0" }, NULL, NULL },
	{ BYTES, { "01:" }, NULL, NULL },
	{ BYTES, { ":01" }, NULL, NULL },
	{ BYTES, { "01::02" }, NULL, NULL },
	{ BYTES, { "01 02" }, NULL, NULL },
	{ BYTES, { "0x01" }, NULL, NULL },
	{ BYTES, { "0g" }, NULL, NULL },
	{ BYTES, { "01", "02" }, NULL, NULL },
	{ UNASSIGNED, { "de:ad" }, "dead", NULL },
	{ IP, { "10.77.0.1" }, "0a4d0001", NULL },
	{ IP, { "255.255.255.255" }, "ffffffff", NULL },
	{ IP, { "10.77.0" }, NULL, NULL },
	{ IP, { "10.77.0.256" }, NULL, NULL },
	{ IP, { "10.77.0.1 " }, NULL, NULL },
	{ IP, { "10.77.0.1/24" }, NULL, NULL },
	{ IP, { "::1" }, NULL, NULL },
	{ IP, { "" }, NULL, NULL },
	{ IP, { "10.77.0.1", "10.77.0.2" }, NULL, NULL },
	{ IPS, { "10.77.0.1" }, "0a4d0001", NULL },
	{ IPS, { "10.77.0.1", "0.0.0.0", "10.77.0.2" }, "0a4d0001 00000000 0a4d0002", NULL },
	{ IPS, { "10.77.0.1", "x" }, NULL, NULL },
	{ IPS, { NULL }, NULL, NULL },
	{ PAIRS, { "10.0.0.0 255.0.0.0" }, "0a000000 ff000000", NULL },
	{ PAIRS, { "1.2.3.4  5.6.7.8 " }, "01020304 05060708", "1.2.3.4 5.6.7.8" },
	{ PAIRS,
	  { "1.2.3.4 5.6.7.8", "0.0.0.0 10.77.0.1" },
	  "01020304 05060708 00000000 0a4d0001",
	  NULL },
	{ PAIRS, { "1.2.3.4" }, NULL, NULL },
	{ PAIRS, { "1.2.3.4 5.6.7.8 9" }, NULL, NULL },
	{ PAIRS, { "1.2.3.4 5.6.7" }, NULL, NULL },
	{ PAIRS, { "255.255.255.2551.2.3.4" }, NULL, NULL }, /* nothing between the two */
	{ PAIRS, { "1.2.3.4 255.255.255.2550" }, NULL, NULL },
	{ BOOL, { "yes" }, "01", NULL },
	{ BOOL, { "no" }, "00", NULL },
	{ BOOL, { "on" }, "01", "yes" },
	{ BOOL, { "off" }, "00", "no" },
	{ BOOL, { "true" }, "01", "yes" },
	{ BOOL, { "false" }, "00", "no" },
	{ BOOL, { "1" }, "01", "yes" },
	{ BOOL, { "0" }, "00", "no" },
	{ BOOL, { "2" }, NULL, NULL },
	{ BOOL, { "" }, NULL, NULL },
	{ BOOL, { "yess" }, NULL, NULL },
	{ U8, { "0" }, "00", NULL },
	{ U8, { "255" }, "ff", NULL },
	{ U8, { "0x40" }, "40", "64" },
	{ U8, { "256" }, NULL, NULL },
	{ U8, { "-1" }, NULL, NULL },
	{ U8, { "+1" }, NULL, NULL },
	{ U8, { " 1" }, NULL, NULL },
	{ U8, { "1 " }, NULL, NULL },
	{ U8, { "1.0" }, NULL, NULL },
	{ U8, { "" }, NULL, NULL },
	{ U8, { "64", "65" }, NULL, NULL },
	{ U16, { "65535" }, "ffff", NULL },
	{ U16, { "258" }, "0102", NULL },
	{ U16, { "65536" }, NULL, NULL },
	{ U16S, { "68", "296", "508" }, "0044 0128 01fc", NULL },
	{ U16S, { "68", "65536" }, NULL, NULL },
	{ U32, { "4294967295" }, "ffffffff", NULL },
	{ U32, { "16909060" }, "01020304", NULL },
	{ U32, { "4294967296" }, NULL, NULL },
	{ U32, { "18446744073709551616" }, NULL, NULL },
	{ I32, { "-18000" }, "ffffb9b0", NULL },
	{ I32, { "2147483647" }, "7fffffff", NULL },
	{ I32, { "-2147483648" }, "80000000", NULL },
	{ I32, { "2147483648" }, NULL, NULL },
	{ I32, { "-2147483649" }, NULL, NULL },
	{ I32, { "-" }, NULL, NULL },
	{ I32, { "" }, NULL, NULL },
	{ I32, { "1x" }, NULL, NULL },
	{ I32, { " 1" }, NULL, NULL },
	{ TEXT, { "/srv/root" }, "2f7372762f726f6f74", NULL },
	{ TEXT, { "a\\b\"c'" }, "615c62226327", "a\\x5cb\"c'" },
	{ TEXT, { "\xc3\xa9\n" }, "c3a90a", "\\xc3\\xa9\\x0a" },
	{ TEXT, { "" }, NULL, NULL },
	{ TEXT, { "a", "b" }, NULL, NULL },
	{ URI, { "https://portal/x?y#%20" }, "68747470733a2f2f706f7274616c2f783f7923253230", NULL },
	{ URI, { "a+b-1.0:c" }, "612b622d312e303a63", NULL },
	{ URI, { "" }, NULL, NULL },
	{ URI, { ":a" }, NULL, NULL },
	{ URI, { "https:" }, NULL, NULL },
	{ URI, { "portal.example" }, NULL, NULL },
	{ URI, { "1a:b" }, NULL, NULL },
	{ URI, { "https://a b" }, NULL, NULL },
	{ URI, { "https://a\x7f" }, NULL, NULL },
	{ URI, { "https://\xc3\xa9" }, NULL, NULL },
	{ DOMAINS, { "vm.internal" }, "02766d 08696e7465726e616c 00", NULL },
	{ DOMAINS, { "vm.internal." }, "02766d 08696e7465726e616c 00", "vm.internal" },
	{ DOMAINS, { "a", "b-_.c" }, "0161 00 03622d5f 0163 00", NULL },
	{ DOMAINS, { "" }, NULL, NULL },
	{ DOMAINS, { "." }, NULL, NULL },
	{ DOMAINS, { "a..b" }, NULL, NULL },
	{ DOMAINS, { ".a" }, NULL, NULL },
	{ DOMAINS, { "a b" }, NULL, NULL },
	{ DOMAINS, { "a/b" }, NULL, NULL },
	{ DOMAINS, { "a", "" }, NULL, NULL },
	{ ROUTES, { "10.0.0.0/8 via 10.77.0.2" }, "08 0a 0a4d0002", NULL },
	{ ROUTES, { "0.0.0.0/0 via 10.77.0.2" }, "00 0a4d0002", NULL },
	{ ROUTES, { "10.1.2.3/32 via 10.77.0.2" }, "20 0a010203 0a4d0002", NULL },
	{ ROUTES, { "10.128.0.0/9 via 0.0.0.0" }, "09 0a80 00000000", NULL },
	{ ROUTES,
	  { "10.1.0.0/16 via 1.2.3.4", "10.1.2.0/24 via 5.6.7.8" },
	  "10 0a01 01020304 18 0a0102 05060708",
	  NULL },
	{ ROUTES, { "255.255.255.255/32 via 255.255.255.255" }, "20 ff*8", NULL },
	{ ROUTES, { "10.0.0.0/33 via 10.77.0.2" }, NULL, NULL },
	{ ROUTES, { "10.0.0.0 via 10.77.0.2" }, NULL, NULL },
	{ ROUTES, { "10.0.0.1/8 via 10.77.0.2" }, NULL, NULL },
	{ ROUTES, { "10.0.0.0/8 10.77.0.2" }, NULL, NULL },
	{ ROUTES, { "10.0.0.0/8 via" }, NULL, NULL },
	{ ROUTES, { "10.0.0.0/8 via 10.77.0.2 x" }, NULL, NULL },
	{ ROUTES, { "10.0.0.0/8 via 10.77.0.2555" }, NULL, NULL },
	{ ROUTES, { "255.255.255.255/32via 10.77.0.2" }, NULL, NULL },
	{ ROUTES, { "10.0.0.0/8 via10.77.0.2" }, NULL, NULL },
	{ ROUTES, { "" }, NULL, NULL },
	{ U8S, { "1" }, NULL, NULL },	  /* the protocol's own */
	{ DOMAIN_, { "a" }, NULL, NULL }, /* follows from a key of the network */
};

static unsigned count(const struct encoding *e)
{
	unsigned n = 0;

	while (n < ARRAY_SIZE(e->values) && e->values[n])
		n++;
	return n;
}

static void join(const struct encoding *e, char *to, size_t size)
{
	size_t len = 0;

	to[0] = 0;
	for (unsigned i = 0; i < count(e); i++)
		len += (size_t)snprintf(to + len, size - len, "%s%s", i ? ", " : "", e->values[i]);
}

START_TEST(encode)
{
	const struct encoding *e = &encodings[_i];
	uint8_t wire[WIRE_MAX], want[WIRE_MAX];
	char text[TEXT_MAX], joined[TEXT_MAX];
	struct wr w = wr_init(wire, sizeof(wire));
	int rc;

	/* Who does not want to know why gets the same answer. */
	ck_assert_int_eq(dhcp_option_encode(e->code, e->values, count(e), &w, NULL),
			 e->wire ? 0 : -EINVAL);
	w = wr_init(wire, sizeof(wire));
	unit_err.text[0] = 0;
	rc = dhcp_option_encode(e->code, e->values, count(e), &w, &unit_err);
	if (!e->wire) {
		ck_assert_int_eq(rc, -EINVAL);
		ck_assert_str_ne(unit_err.text, "");
		ck_assert_ptr_null(strchr(unit_err.text, '\n'));
		return;
	}
	ck_assert_msg(rc == 0, "%s: %s", e->values[0], unit_err.text);
	ck_assert_uint_eq(w.len, kit_hex(e->wire, want, sizeof(want)));
	ck_assert(!w.len || !memcmp(wire, want, w.len));
	join(e, joined, sizeof(joined));
	ck_assert_str_eq(dhcp_option_decode(e->code, wire, w.len, text, sizeof(text)),
			 e->text ? e->text : joined);
}
END_TEST

/* The sentence names what is wrong: the option, and the value or the key to use instead. */
static const struct {
	uint8_t code;
	const char *values[2];
	const char *parts[2];
} sentences[] = {
	{ IPS, { "10.77.0.1", "10.77.0.x" }, { "option 42", "'10.77.0.x'" } },
	{ U8, { "300" }, { "option 23", "0 to 255" } },
	{ U16, { "70000" }, { "option 22", "0 to 65535" } },
	{ IP, { "1.1.1.1", "2.2.2.2" }, { "option 16", "one value" } },
	{ IP, { NULL }, { "option 16", "a value" } },
	{ DOMAIN_, { "a.b" }, { "domain-name", "'domain'" } },
	{ 1, { "255.0.0.0" }, { "subnet-mask", "'subnet'" } },
	{ 6, { "1.1.1.1" }, { "domain-name-servers", "'dns'" } },
	{ 26, { "1500" }, { "interface-mtu", "'mtu'" } },
	{ 53, { "5" }, { "option 53", "message-type" } },
	{ 54, { "1.1.1.1" }, { "option 54", "server-identifier" } },
	{ 82, { "01" }, { "option 82", "itself" } },
	{ 255, { "01" }, { "option 255", "itself" } },
	{ 0, { "01" }, { "option 0", "itself" } },
};

START_TEST(sentence)
{
	unsigned n = sentences[_i].values[1] ? 2 : sentences[_i].values[0] ? 1 : 0;
	uint8_t wire[64];
	struct wr w = wr_init(wire, sizeof(wire));

	ck_assert_int_eq(
		dhcp_option_encode(sentences[_i].code, sentences[_i].values, n, &w, &unit_err),
		-EINVAL);
	for (unsigned i = 0; i < 2; i++)
		ck_assert_msg(strstr(unit_err.text, sentences[_i].parts[i]), "%s", unit_err.text);
}
END_TEST

/* The limits of RFC 1035 2.3.4: 63 octets a label, 255 on the wire. */
static const struct {
	unsigned label, labels, last;
	bool good;
} names[] = {
	{ 63, 1, 0, true },  { 64, 1, 0, false }, { 63, 3, 61, true },	{ 63, 3, 62, false },
	{ 63, 4, 0, false }, { 1, 127, 0, true }, { 1, 127, 1, false },
};

START_TEST(name_limits)
{
	char name[600], text[TEXT_MAX];
	const char *values[] = { name };
	uint8_t wire[WIRE_MAX];
	struct wr w = wr_init(wire, sizeof(wire));
	size_t n = 0;

	for (unsigned l = 0; l < names[_i].labels + (names[_i].last > 0); l++) {
		unsigned len = l < names[_i].labels ? names[_i].label : names[_i].last;

		if (l)
			name[n++] = '.';
		memset(name + n, 'a', len);
		n += len;
	}
	name[n] = 0;
	ck_assert_int_eq(dhcp_option_encode(DOMAINS, values, 1, &w, NULL),
			 names[_i].good ? 0 : -EINVAL);
	if (!names[_i].good)
		return;
	ck_assert_uint_le(w.len, 255);
	ck_assert_str_eq(dhcp_option_decode(DOMAINS, wire, w.len, text, sizeof(text)), name);
}
END_TEST

/* What does not fit is an error, and nothing lands behind the buffer. */
static void encode_without_room(const struct encoding *e)
{
	uint8_t whole[WIRE_MAX];
	struct wr all = wr_init(whole, sizeof(whole));

	if (!e->wire)
		return;
	ck_ok(dhcp_option_encode(e->code, e->values, count(e), &all, &unit_err));
	for (size_t cap = 0; cap < all.len; cap++) {
		uint8_t *exact CLEAN_FREE = malloc(cap ? cap : 1);
		struct wr w = wr_init(exact, cap);

		kit_must(exact);
		kit_must(dhcp_option_encode(e->code, e->values, count(e), &w, &unit_err) ==
			 -EINVAL);
		kit_must(strstr(unit_err.text, "too long"));
	}
}

START_TEST(encode_too_long)
{
	for (size_t i = 0; i < ARRAY_SIZE(encodings); i++)
		encode_without_room(&encodings[i]);
}
END_TEST

/* --- wire to text --- */

/* What the type cannot explain comes out as octets, whole. */
static const struct {
	uint8_t code;
	const char *wire, *text;
} decodings[] = {
	{ U8S, "01 03 79", "1, 3, 121" },
	{ DOMAIN_, "766d", "vm" },
	{ DOMAIN_, "766d00", "vm\\x00" },
	{ TEXT, "1b5b33316d", "\\x1b[31m" },
	{ TEXT, "7f80ff", "\\x7f\\x80\\xff" },
	{ TEXT, "", "" },
	{ TEXT, "25732573 5c783030", "%s%s\\x5cx00" },
	{ BOOL, "02", "02" },
	{ BOOL, "0100", "01:00" },
	{ BOOL, "", "" },
	{ IP, "0a4d00", "0a:4d:00" },
	{ IP, "", "" },
	{ IP, "0a4d0001 0a4d0002", "0a:4d:00:01:0a:4d:00:02" }, /* one value, or none */
	{ U8, "01 02", "01:02" },
	{ U16, "0001 0002", "00:01:00:02" },
	{ U32, "00000001 00000002", "00:00:00:01:00:00:00:02" },
	{ I32, "ffffffff ffffffff", "ff:ff:ff:ff:ff:ff:ff:ff" },
	{ URI, "783a791b", "x:y\\x1b" },
	{ IPS, "0a4d000102", "0a:4d:00:01:02" },
	{ PAIRS, "0a4d0001", "0a:4d:00:01" },
	{ U16, "01", "01" },
	{ U16, "010203", "01:02:03" },
	{ U32, "ffffff", "ff:ff:ff" },
	{ I32, "ffffffff", "-1" },
	{ I32, "ff", "ff" },
	{ ROUTES, "08 0a 0a4d00", "08:0a:0a:4d:00" },
	{ ROUTES, "21 0a000000 0a4d0001", "21:0a:00:00:00:0a:4d:00:01" },
	{ ROUTES, "ff", "ff" },
	{ ROUTES, "00 0a4d0001 00", "00:0a:4d:00:01:00" },
	{ ROUTES, "", "" },
	{ 249, "00 0a4d0001", "0.0.0.0/0 via 10.77.0.1" },
	{ UNASSIGNED, "00ff", "00:ff" },
	{ 82, "0104 00000001", "01:04:00:00:00:01" },
};

START_TEST(decode)
{
	uint8_t wire[WIRE_MAX];
	size_t len = kit_hex(decodings[_i].wire, wire, sizeof(wire));
	char text[TEXT_MAX];

	ck_assert_str_eq(dhcp_option_decode(decodings[_i].code, wire, len, text, sizeof(text)),
			 decodings[_i].text);
}
END_TEST

#define A10 "aaaaaaaaaa"
#define A61 A10 A10 A10 A10 A10 A10 "a"
#define A63 A61 "aa"

/* RFC 3397 2, RFC 1035 4.1.4: pointers go backwards only, so none can be part of a loop. */
static const struct {
	const char *name, *wire, *text; /* text NULL: broken, hence octets */
} searches[] = {
	{ "RFC 3397's example", "03656e67 056170706c65 03636f6d 00 096d61726b6574696e67 c004",
	  "eng.apple.com, marketing.apple.com" },
	{ "pointer alone", "0161 00 c000", "a, a" },
	{ "pointer to a pointer", "0161 00 0162 c000 0163 c003", "a, b.a, c.b.a" },
	{ "name behind a pointer", "0161 00 c000 0162 00", "a, a, b" },
	{ "the root", "00", "" },
	{ "the root twice", "00 00", ", " },
	{ "dots and commas in labels", "03612e62 022c20 00", "a.b., " },
	{ "octets in labels", "04611b0a5c 00", "a\\x1b\\x0a\\x5c" },
	{ "to itself", "c000", NULL },
	{ "to itself behind a label", "0161 c000", NULL },
	{ "to its own pointer", "0161 c002", NULL },
	{ "each to the other", "c002 c000", NULL },
	{ "forwards", "c003 00 0161 00", NULL },
	{ "behind the end", "0161 00 c0ff", NULL },
	{ "far behind the end", "0161 00 ffff", NULL },
	{ "half a pointer", "0161 00 c0", NULL },
	{ "back and forth", "0161 c004 0162 c000", NULL },
	{ "label beyond the end", "0561", NULL },
	{ "no root", "0161", NULL },
	{ "no root behind a good one", "0161 00 0161", NULL },
	{ "reserved label type 01", "41 61*2 00", NULL },
	{ "reserved label type 10", "80 00", NULL },
	{ "longest name", "3f 61*63 3f 61*63 3f 61*63 3d 61*61 00", A63 "." A63 "." A63 "." A61 },
	{ "name too long", "3f 61*63 3f 61*63 3f 61*63 3e 61*62 00", NULL },
	{ "too long by a pointer", "3f 61*63 3f 61*63 3f 61*63 3d 61*61 00 0162 c000", NULL },
	{ "nothing", "", NULL },
};

START_TEST(t_dhcp_112)
{
	uint8_t wire[WIRE_MAX];
	size_t len = kit_hex(searches[_i].wire, wire, sizeof(wire));
	char text[TEXT_MAX], want[TEXT_MAX];
	size_t n = 0;

	dhcp_option_decode(DOMAINS, wire, len, text, sizeof(text));
	want[0] = 0;
	for (size_t i = 0; !searches[_i].text && i < len; i++)
		n += (size_t)snprintf(want + n, sizeof(want) - n, i ? ":%02x" : "%02x", wire[i]);
	if (!strcmp(searches[_i].name, "longest name"))
		ck_assert_uint_eq(strlen(text), 253);
	else
		ck_assert_msg(!strcmp(text, searches[_i].text ? searches[_i].text : want), "%s: %s",
			      searches[_i].name, text);
}
END_TEST

/* Whatever octets an option of any code has, its text is printable ASCII and inside its buffer. */
static void decode_noise(struct kit_random *r, uint8_t code)
{
	size_t len = kit_below(r, 80), size = 1 + kit_below(r, 100);
	uint8_t *wire CLEAN_FREE = malloc(len ? len : 1);
	char *text CLEAN_FREE = malloc(size);

	kit_must(wire && text);
	for (size_t i = 0; i < len; i++)
		wire[i] = (uint8_t)(kit_below(r, 2) ? kit_below(r, 8) : kit_random(r));
	memset(text, 1, size);
	kit_must(dhcp_option_decode(code, wire, len, text, size) == text);
	kit_must(memchr(text, 0, size));
	for (const char *c = text; *c; c++)
		kit_must(*c >= 0x20 && *c < 0x7f);
}

START_TEST(decode_is_printable)
{
	struct kit_random r = { (uint64_t)_i + 1 };

	for (unsigned round = 0; round < 10; round++)
		for (unsigned code = 0; code < 256; code++)
			decode_noise(&r, (uint8_t)code);
}
END_TEST

/* A buffer that is too small has the beginning of the text; one of no octets is left alone. */
static void decode_without_room(const struct encoding *e)
{
	uint8_t wire[WIRE_MAX];
	struct wr w = wr_init(wire, sizeof(wire));
	char whole[TEXT_MAX], guard = 'x';

	if (dhcp_option_encode(e->code, e->values, count(e), &w, NULL))
		return;
	dhcp_option_decode(e->code, wire, w.len, whole, sizeof(whole));
	for (size_t size = 1; size <= strlen(whole) + 1; size++) {
		char *text CLEAN_FREE = malloc(size);

		kit_must(text);
		dhcp_option_decode(e->code, wire, w.len, text, size);
		kit_must(strlen(text) < size);
		kit_must(strncmp(text, whole, strlen(text)) == 0);
	}
	kit_must(dhcp_option_decode(e->code, wire, w.len, &guard, 0) == &guard);
	kit_must(guard == 'x');
}

START_TEST(decode_is_cut)
{
	for (size_t i = 0; i < ARRAY_SIZE(encodings); i++)
		decode_without_room(&encodings[i]);
}
END_TEST

/* --- round trips --- */

/* A random value of the type, in wire form. */
static size_t random_wire(struct kit_random *r, enum dhcp_option_type type, uint8_t *to)
{
	static const uint8_t size[] = {
		[DHCP_OPT_IP] = 4,	 [DHCP_OPT_IPS] = 4, [DHCP_OPT_U8] = 1,
		[DHCP_OPT_IP_PAIRS] = 8, [DHCP_OPT_U16] = 2, [DHCP_OPT_U16S] = 2,
		[DHCP_OPT_U32] = 4,	 [DHCP_OPT_I32] = 4, [DHCP_OPT_BYTES] = 1
	};
	bool list = type == DHCP_OPT_IPS || type == DHCP_OPT_IP_PAIRS || type == DHCP_OPT_U16S ||
		    type == DHCP_OPT_BYTES;
	size_t len = size[type] * (list ? 1u + kit_below(r, 5) : 1u);

	for (size_t i = 0; i < len; i++)
		to[i] = (uint8_t)kit_random(r);
	return len;
}

/* Splits at ", ", which no value of these types has in it. */
static unsigned split(char *text, const char *values[16])
{
	unsigned n = 0;

	for (char *at = text; at && n < 16;) {
		char *comma = strstr(at, ", ");

		values[n++] = at;
		if (comma)
			*comma = 0;
		at = comma ? comma + 2 : NULL;
	}
	return n;
}

static const uint8_t round_trips[] = { BYTES, IP, IPS, PAIRS, U8, U16, U16S, U32, I32 };

START_TEST(what_is_printed_can_be_configured)
{
	uint8_t code = round_trips[_i];
	struct kit_random r = { code };

	for (unsigned round = 0; round < 500; round++) {
		uint8_t wire[64], back[64];
		size_t len = random_wire(&r, dhcp_option_info(code)->type, wire);
		struct wr w = wr_init(back, sizeof(back));
		const char *values[16];
		char text[512];

		dhcp_option_decode(code, wire, len, text, sizeof(text));
		ck_ok(dhcp_option_encode(code, values, split(text, values), &w, &unit_err));
		ck_assert_uint_eq(w.len, len);
		ck_assert_mem_eq(back, wire, len);
	}
}
END_TEST

/* Routes of every width, with nothing behind the prefix. */
static void check_width(uint8_t width)
{
	uint32_t net = 0xa5c3965au & ip4_mask(width);
	char text[64], back[64], addr[IP4_TEXT_SIZE];
	const char *values[] = { text };
	uint8_t wire[16];
	struct wr w = wr_init(wire, sizeof(wire));

	snprintf(text, sizeof(text), "%s/%u via 10.77.0.1", ip4_text(net, addr), width);
	ck_ok(dhcp_option_encode(ROUTES, values, 1, &w, &unit_err));
	ck_assert_uint_eq(w.len, 1 + (width + 7u) / 8 + 4);
	ck_assert_str_eq(dhcp_option_decode(ROUTES, wire, w.len, back, sizeof(back)), text);
}

START_TEST(route_of_every_width)
{
	for (uint8_t width = 0; width <= 32; width++)
		check_width(width);
}
END_TEST

/* --- table --- */

static bool name_is_good(const char *name)
{
	for (const char *c = name; *c; c++)
		if (!islower((unsigned char)*c) && !isdigit((unsigned char)*c) && *c != '-')
			return false;
	return *name && strspn(name, "0123456789") < strlen(name);
}

static void check_entry(unsigned n)
{
	const struct dhcp_option_info *info = dhcp_option_info((uint8_t)n);
	uint8_t code = 0xee;
	char number[16];

	ck_assert_ptr_nonnull(info);
	snprintf(number, sizeof(number), "%u", n);
	ck_assert(dhcp_option_lookup(number, &code));
	ck_assert_uint_eq(code, n);
	ck_assert_msg((info->key != NULL) == (info->flags == DHCP_OPT_SUBNET), "%u", n);
	ck_assert_msg(info->flags == 0 || info->flags == DHCP_OPT_PROTOCOL ||
			      info->flags == DHCP_OPT_SUBNET,
		      "%u", n);
	if (!info->name) { /* unassigned: bytes, free to configure */
		ck_assert_msg(info->type == DHCP_OPT_BYTES && !info->flags, "%u", n);
		return;
	}
	ck_assert_msg(name_is_good(info->name), "%s", info->name);
	code = 0xee;
	ck_assert(dhcp_option_lookup(info->name, &code));
	ck_assert_msg(code == n, "%s is %u and %u", info->name, code, n);
}

/* Every code has an entry, every name is one code's. */
START_TEST(table)
{
	for (unsigned n = 0; n < 256; n++)
		check_entry(n);
}
END_TEST

/* From IANA's registry; what clients and servers cannot do without. */
static const struct {
	const char *text;
	int code; /* -1: there is none */
} lookups[] = {
	{ "subnet-mask", 1 },
	{ "routers", 3 },
	{ "host-name", 12 },
	{ "Host-Name", 12 },
	{ "domain-search", 119 },
	{ "classless-routes", 121 },
	{ "6rd", 212 },
	{ "client-identifier", 61 },
	{ "end", 255 },
	{ "007", 7 },
	{ "0", 0 },
	{ "255", 255 },
	{ "256", -1 },
	{ "4294967297", -1 },
	{ "99999999999999999999999", -1 },
	{ "-1", -1 },
	{ "+1", -1 },
	{ " 1", -1 },
	{ "1 ", -1 },
	{ "1x", -1 },
	{ "", -1 },
	{ "subnet", -1 },
	{ "subnet-mask ", -1 },
	{ "0x10", -1 },
};

START_TEST(lookup)
{
	uint8_t code = 0xee;

	ck_assert_int_eq(dhcp_option_lookup(lookups[_i].text, &code), lookups[_i].code >= 0);
	ck_assert_int_eq(code, lookups[_i].code >= 0 ? lookups[_i].code : 0xee);
}
END_TEST

/* The server's own answers, and what only clients and relay agents send, cannot be configured. */
START_TEST(protocol_options)
{
	static const uint8_t codes[] = { 0,  50, 52, 53, 54, 55, 56,  57, 58,
					 59, 61, 80, 81, 82, 90, 118, 255 };

	for (size_t i = 0; i < sizeof(codes); i++)
		ck_assert_msg(dhcp_option_info(codes[i])->flags == DHCP_OPT_PROTOCOL, "%u",
			      codes[i]);
}
END_TEST

UNIT_SUITE(dhcp_option_text)
{
	tcase_add_loop_test(tc, encode, 0, ARRAY_SIZE(encodings));
	tcase_add_loop_test(tc, sentence, 0, ARRAY_SIZE(sentences));
	tcase_add_loop_test(tc, name_limits, 0, ARRAY_SIZE(names));
	tcase_add_test(tc, encode_too_long);
	tcase_add_loop_test(tc, decode, 0, ARRAY_SIZE(decodings));
	tcase_add_loop_test(tc, t_dhcp_112, 0, ARRAY_SIZE(searches));
	tcase_add_loop_test(tc, decode_is_printable, 0, 4);
	tcase_add_test(tc, decode_is_cut);
	tcase_add_loop_test(tc, what_is_printed_can_be_configured, 0, ARRAY_SIZE(round_trips));
	tcase_add_test(tc, route_of_every_width);
	tcase_add_test(tc, table);
	tcase_add_loop_test(tc, lookup, 0, ARRAY_SIZE(lookups));
	tcase_add_test(tc, protocol_options);
}

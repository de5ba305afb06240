/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options that are made of sub-options: 43, 125 and 175 between text and wire, and in replies. */
#include "dhcp_kit.h"

enum { VENDOR = 43, ENTERPRISES = 125, IPXE = 175, VALUES = 8 };

#define A8 "aaaaaaaa"
#define A64 A8 A8 A8 A8 A8 A8 A8 A8
#define A240 A64 A64 A64 A8 A8 A8 A8 A8 A8

/* --- text to wire and back --- */

static const struct {
	uint8_t code;
	const char *values[VALUES];
	const char *wire; /* NULL: refused */
	const char *text; /* what it is printed as, or a part of why it is refused */
} encodings[] = {
	/* octets as they are */
	{ VENDOR, { "01:02:03" }, "010203", "01:02:03" },
	{ VENDOR, { "0a01ff" }, "0a01ff", "10 bytes ff" },
	{ VENDOR, { "" }, "", "" },
	{ VENDOR, { "01:0" }, NULL, "pairs of hexadecimal digits" },
	{ VENDOR, { "01", "02" }, NULL, "'01' is not a sub-option like '1 ip 10.77.0.1'" },

	/* every type */
	{ VENDOR, { "1 bytes de:ad" }, "0102dead", "1 bytes de:ad" },
	{ VENDOR, { "1 bytes" }, "0100", "1 bytes" },
	{ VENDOR, { "2 ip 10.77.0.1" }, "02040a4d0001", "2 bytes 0a:4d:00:01" },
	{ VENDOR, { "2 ips 10.77.0.1" }, "02040a4d0001", "2 bytes 0a:4d:00:01" },
	{ VENDOR, { "3 ip-pairs 1.2.3.4 5.6.7.8" }, "03080102030405060708", NULL },
	{ VENDOR, { "4 bool yes" }, "040101", "4 bytes 01" },
	{ VENDOR, { "5 u8 255", "6 u16 258" }, "0501ff06020102", "5 bytes ff, 6 bytes 01:02" },
	{ VENDOR, { "7 u32 1", "8 i32 -1" }, "0704000000010804ffffffff", NULL },
	{ VENDOR, { "9 text a b" }, "0903612062", "9 bytes 61:20:62" },
	{ VENDOR, { "10 uri tftp://a" }, "0a08746674703a2f2f61", NULL },
	{ VENDOR, { "11 domain a.b" }, "0b03612e62", NULL },
	{ VENDOR, { "12 domains a.b" }, "0c0501610162 00", NULL },
	{ VENDOR, { "13 routes 10.0.0.0/8 via 10.77.0.2" }, "0d06080a0a4d0002", NULL },
	{ VENDOR, { "254 u8 1" }, "fe0101", "254 bytes 01" },
	{ VENDOR, { "1\t u8 \t1" }, "010101", "1 bytes 01" },

	/* several values of one sub-option, wherever they stand */
	{ VENDOR,
	  { "1 ips 1.1.1.1", "2 u8 7", "1 ips 2.2.2.2" },
	  "01080101010102020202 020107",
	  NULL },
	{ VENDOR, { "1 u8s 1", "1 u8s 2" }, "01020102", "1 bytes 01:02" },
	{ VENDOR, { "1 u8 1", "1 u8 2" }, NULL, "sub-option 1 is set twice" },
	{ VENDOR, { "1 u8s 1", "1 u16s 2" }, NULL, "sub-option 1 is set twice" },

	/* the end of PXE and of who wants it */
	{ VENDOR, { "1 u8 1", "end" }, "010101ff", "1 bytes 01, end" },
	{ VENDOR, { "end" }, "ff", "end" },
	{ VENDOR, { "end", "1 u8 1" }, NULL, "'end' is not a sub-option" },

	/* mistakes */
	{ VENDOR, { "0 u8 1" }, NULL, "'0 u8 1' is not a sub-option like '1 ip 10.77.0.1'" },
	{ VENDOR, { "255 u8 1" }, NULL, "'255 u8 1' is not a sub-option" },
	{ VENDOR, { "-1 u8 1" }, NULL, "is not a sub-option" },
	{ VENDOR, { "x u8 1" }, NULL, "is not a sub-option" },
	{ VENDOR, { "1 " }, NULL, "'1 ' is not a sub-option" },
	{ VENDOR, { " 1 u8 1" }, NULL, "is not a sub-option" },
	{ VENDOR, { "1 u9 1" }, NULL, "'1 u9 1': there is no type 'u9'" },
	{ VENDOR, { "1 sub-options 1" }, NULL, "there is no type 'sub-options'" },
	{ VENDOR,
	  { "1 u8 256" },
	  NULL,
	  "option 43 (vendor-encapsulated): '256' is not a number from 0 to 255" },
	{ VENDOR, { "1 u8" }, NULL, "'' is not a number" },
	{ VENDOR, { "1 text " A240 A8 A8 }, NULL, "sub-option 1 is longer than 255 octets" },
	{ VENDOR, { "1 u8 1", "2 u8 x" }, NULL, "'x' is not a number" },
	{ VENDOR, { "2 u8 1", "3561 1 u8 2" }, NULL, "'3561 1 u8 2' is not a sub-option" },
	{ VENDOR, { NULL }, NULL, "option 43 (vendor-encapsulated) takes a value" },

	/* PXE 2.1, each as a client reads it */
	{ VENDOR, { "pxe-discovery-control 8" }, "060108 ff", "6 bytes 08, end" },
	{ VENDOR, { "pxe-multicast-address 224.0.1.2" }, "0704e0000102 ff", NULL },
	{ VENDOR,
	  { "pxe-boot-server 0 10.77.0.1 10.77.0.2", "pxe-boot-server 32769 10.77.0.3" },
	  "0812 0000 02 0a4d0001 0a4d0002 8001 01 0a4d0003 ff",
	  NULL },
	{ VENDOR,
	  { "pxe-boot-menu 0 Local boot", "pxe-boot-menu 1 B" },
	  "0911 0000 0a 4c6f63616c20626f6f74 0001 01 42 ff",
	  NULL },
	{ VENDOR, { "pxe-menu-prompt 10 Press F8" }, "0a09 0a 5072657373204638 ff", NULL },
	{ VENDOR,
	  { "pxe-discovery-control 3", "71 bytes 00:01:00:00", "end" },
	  "060103 470400010000 ff",
	  "6 bytes 03, 71 bytes 00:01:00:00, end" },
	{ VENDOR, { "pxe-discovery-control 1", "6 u8 2" }, NULL, "sub-option 6 is set twice" },
	{ VENDOR, { "pxe-discovery-control 1", "pxe-discovery-control 2" }, NULL, "set twice" },
	{ VENDOR, { "pxe-boot-menu 0 a", "9 u8s 1" }, NULL, "sub-option 9 is set twice" },
	{ VENDOR, { "pxe-boot-server 0" }, NULL, "'0' is not a boot server like '0 10.77.0.1'" },
	{ VENDOR, { "pxe-boot-server 0 web" }, NULL, "'web' is not an IPv4 address" },
	{ VENDOR, { "pxe-boot-server 65536 1.1.1.1" }, NULL, "'65536' is not a number" },
	{ VENDOR, { "pxe-boot-menu 0 " }, NULL, "'0 ' is not a line of a menu" },
	{ VENDOR, { "pxe-boot-menu 0 " A240 A8 A8 }, NULL, "is not a line of a menu" },
	{ VENDOR,
	  { "pxe-boot-menu 0 " A240, "pxe-boot-menu 1 " A240 },
	  NULL,
	  "sub-option 9 is longer" },
	{ VENDOR, { "pxe-menu-prompt 10 " }, NULL, "'10 ' is not a prompt" },
	{ VENDOR, { "pxe-menu-prompt 256 a" }, NULL, "'256' is not a number" },
	{ VENDOR, { "pxe-colour 1 u8" }, NULL, "'pxe-colour 1 u8' is not a sub-option" },
	{ IPXE, { "pxe-discovery-control 8" }, NULL, "is not a sub-option" },

	{ IPXE, { "176 u8 1", "8 bytes" }, "b00101 0800", "176 bytes 01, 8 bytes" },

	/* RFC 3925 4 */
	{ ENTERPRISES, { "00:00:0d:e9:00" }, "00000de900", "00:00:0d:e9:00" },
	{ ENTERPRISES, { "3561 1 text a" }, "00000de9 03 010161", "3561 1 bytes 61" },
	{ ENTERPRISES,
	  { "3561 1 u8 1", "4294967295 1 u8 2", "3561 2 ips 1.1.1.1", "3561 2 ips 2.2.2.2" },
	  "00000de9 0d 010101 02080101010102020202 ffffffff 03 010102",
	  "3561 1 bytes 01, 3561 2 bytes 01:01:01:01:02:02:02:02, 4294967295 1 bytes 02" },
	{ ENTERPRISES,
	  { "1 ip 10.77.0.1" },
	  NULL,
	  "is not a sub-option like '3561 1 ip 10.77.0.1'" },
	{ ENTERPRISES, { "0 1 u8 1" }, NULL, "is not a sub-option" },
	{ ENTERPRISES, { "4294967296 1 u8 1" }, NULL, "is not a sub-option" },
	{ ENTERPRISES, { "3561 1 u8 1", "end" }, NULL, "'end' is not a sub-option" },
	{ ENTERPRISES, { "9 1 u8 1", "9 1 u8 1" }, NULL, "sub-option 1 is set twice" },
	{ ENTERPRISES,
	  { "9 1 text " A240, "9 2 text " A64 },
	  NULL,
	  "enterprise 9 has more than 255 octets" },
};

static unsigned count(const char *const *values)
{
	unsigned n = 0;

	while (n < VALUES && values[n])
		n++;
	return n;
}

/* What was written, printed, and read again, is the same. */
static void read_again(uint8_t code, const struct wr *w, char *text)
{
	const char *values[256];
	uint8_t octets[1024];
	struct wr again = wr_init(octets, sizeof(octets));
	unsigned n = 0;

	for (char *at = text; at;) {
		char *comma = strstr(at, ", ");

		values[n++] = at;
		if (comma)
			*comma = 0;
		at = comma ? comma + 2 : NULL;
	}
	ck_ok(dhcp_option_encode(code, values, n, &again, &unit_err));
	ck_assert_uint_eq(again.len, w->len);
	ck_assert(!w->len || !memcmp(octets, w->p, w->len));
}

START_TEST(encode)
{
	uint8_t wire[1024], want[1024];
	struct wr w = wr_init(wire, sizeof(wire));
	unsigned n = count(encodings[_i].values);
	char text[4096];
	int rc = dhcp_option_encode(encodings[_i].code, encodings[_i].values, n, &w, &unit_err);

	if (!encodings[_i].wire) {
		ck_assert_int_eq(rc, -EINVAL);
		ck_assert_msg(strstr(unit_err.text, encodings[_i].text), "%s", unit_err.text);
		return;
	}
	ck_assert_msg(rc == 0, "%s", unit_err.text);
	dhcp_option_decode(encodings[_i].code, wire, w.len, text, sizeof(text));
	if (encodings[_i].text)
		ck_assert_str_eq(text, encodings[_i].text);
	ck_assert_uint_eq(w.len, kit_hex(encodings[_i].wire, want, sizeof(want)));
	ck_assert(!w.len || !memcmp(wire, want, w.len));
	read_again(encodings[_i].code, &w, text);
}
END_TEST

/* --- wire to text --- */

/* What a client or another server sent is printed whatever it is. */
static const struct {
	uint8_t code;
	const char *wire, *text;
} decodings[] = {
	{ VENDOR, "01", "01" },
	{ VENDOR, "0102ff", "01:02:ff" },
	{ VENDOR, "0100 01", "01:00:01" },
	{ VENDOR, "000100", "00:01:00" },
	{ VENDOR, "010101 010102", "01:01:01:01:01:02" }, /* twice */
	{ VENDOR, "010101 ff00", "01:01:01:ff:00" },	  /* behind the end */
	{ ENTERPRISES, "00000de9", "00:00:0d:e9" },
	{ ENTERPRISES, "00000de9 01 01", "00:00:0d:e9:01:01" },
	{ ENTERPRISES, "00000de9 04 010101", "00:00:0d:e9:04:01:01:01" },
	{ ENTERPRISES, "00000000 03 010101", "00:00:00:00:03:01:01:01" },
	{ ENTERPRISES, "00000de9 01 ff", "00:00:0d:e9:01:ff" },
	{ ENTERPRISES, "00000009 03 010101 00000009 03 020101",
	  "00:00:00:09:03:01:01:01:00:00:00:09:03:02:01:01" },
};

START_TEST(decode)
{
	uint8_t wire[64];
	size_t len = kit_hex(decodings[_i].wire, wire, sizeof(wire));
	uint8_t *exact CLEAN_FREE = kit_copy(wire, len);
	struct wr w = wr_init(wire, len);
	char text[256];

	w.len = len;
	ck_assert_str_eq(dhcp_option_decode(decodings[_i].code, exact, len, text, sizeof(text)),
			 decodings[_i].text);
	read_again(decodings[_i].code, &w, text);
}
END_TEST

/* Any octets are printed as something that is read as these octets. */
START_TEST(any_octets)
{
	static const uint8_t codes[] = { VENDOR, ENTERPRISES, IPXE };
	struct kit_random r = { (uint64_t)_i + 1 };

	for (unsigned round = 0; round < 3000; round++) {
		uint8_t wire[40];
		size_t len = kit_below(&r, sizeof(wire));
		struct wr w = wr_init(wire, sizeof(wire));
		char text[1024];

		/* Mostly small numbers, so that many are sub-options. */
		for (size_t i = 0; i < len; i++)
			wire[i] = (uint8_t)(kit_below(&r, 8) ? kit_below(&r, 5) : kit_random(&r));
		w.len = len;
		dhcp_option_decode(codes[_i], wire, len, text, sizeof(text));
		read_again(codes[_i], &w, text);
	}
}
END_TEST

/* --- in replies --- */

/* The class decides by the vendor class which vendor's options a client is sent (RFC 2132 8.4): no
 * client gets another vendor's, and who is of none gets none. */
START_TEST(vendor_class_decides)
{
	static const char *const pxe[] = { "pxe-discovery-control 3" }, *const msft[] = {
		"1 u32 2"
	};
	static const char *const said[] = { "3c 09 505845436c69656e74", "3c 04 4d534654",
					    "3c 01 78", "" };
	static const char *const gets[] = { "060103ff", "010400000002", NULL, NULL };
	struct dhcp_option_set *set[2] = { NULL, NULL };
	struct dhcp_class class[2] = { { .vendor_class = "PXEClient*" },
				       { .vendor_class = "MSFT*" } };
	struct kit_message c;
	struct kit k CLEAN_KIT;

	kit_start(&k);
	for (unsigned i = 0; i < 2; i++) {
		uint8_t octets[64];
		struct wr w = wr_init(octets, sizeof(octets));

		ck_ok(dhcp_option_encode(VENDOR, i ? msft : pxe, 1, &w, &unit_err));
		ck_ok(dhcp_option_set_new(&set[i]));
		ck_ok(dhcp_option_set_put(set[i], VENDOR, octets, w.len));
		class[i].options = set[i];
		k.config.class[k.config.classes++] = &class[i];
	}
	kit_configure(&k);
	kit_message(&c, &k, DHCP_DISCOVER);
	kit_add_hex(&c, said[_i]);
	kit_add_hex(&c, "37 01 2b");
	kit_send(&k, &c);
	kit_expect(&k, DHCP_OFFER, said[_i]);
	if (gets[_i])
		kit_expect_hex(&k, VENDOR, gets[_i]);
	else
		ck_assert(!kit_has(&k, VENDOR));
	for (unsigned i = 0; i < 2; i++)
		dhcp_option_set_free(set[i]);
}
END_TEST

UNIT_SUITE(dhcp_option_subs)
{
	tcase_add_loop_test(tc, encode, 0, ARRAY_SIZE(encodings));
	tcase_add_loop_test(tc, decode, 0, ARRAY_SIZE(decodings));
	tcase_add_loop_test(tc, any_octets, 0, 3);
	tcase_add_loop_test(tc, vendor_class_decides, 0, 4);
}

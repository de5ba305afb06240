/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Classes: patterns, and what a client says of itself against one criterion and several. */
#include "dhcp_kit.h"

/* --- patterns --- */

static const struct {
	const char *pattern, *value; /* octets as kit_hex reads them */
	bool matches;
} patterns[] = {
	{ "", "", true },
	{ "", "61", false },
	{ "*", "", true },
	{ "*", "00 ff 61", true },
	{ "**", "", true },
	{ "?", "", false },
	{ "?", "00", true },
	{ "?", "61 61", false },
	{ "a", "61", true },
	{ "a", "41", false },
	{ "a", "61 00", false },
	{ "a", "61 61", false },
	{ "a*", "61", true },
	{ "a*", "61 00 62", true },
	{ "a*b", "61 00 62", true },
	{ "a*b", "61 62 63", false },
	{ "*b", "61 62 62", true },
	{ "*ab*", "61 61 61 62", true },
	{ "*ab*ab", "61 62 61 62", true },
	{ "*ab*ab", "61 62 63", false },
	{ "a?c*", "61 00 63", true },
	{ "a?c*", "61 63", false },
	{ "\xff*", "ff", true },
	{ "[a]", "61", false },
	{ "\\*", "2a", false },
	{ "*a*a*a*a*a*a*a*a*b", "61*255", false },
	{ "*a*a*a*a*a*a*a*a*b", "61*254 62", true },
	{ "????*", "61*255", true },
};

START_TEST(pattern)
{
	uint8_t value[KIT_VALUE_MAX];
	size_t len = kit_hex(patterns[_i].value, value, sizeof(value));
	uint8_t *exact CLEAN_FREE = kit_copy(value, len);

	ck_assert_msg(dhcp_pattern_match(patterns[_i].pattern, exact, len) == patterns[_i].matches,
		      "'%s' against %s", patterns[_i].pattern, patterns[_i].value);
}
END_TEST

/* --- criteria --- */

#define GIADDR KIT_IP(10, 9, 0, 1)
#define PXE "3c 09 505845436c69656e74 " /* option 60: PXEClient */

static const struct {
	struct dhcp_class class;
	const char *options; /* of the message */
	uint32_t giaddr;
	bool matches;
} criteria[] = {
	{ { .vendor_class = "PXEClient*" }, PXE, 0, true },
	{ { .vendor_class = "PXEClient" }, PXE, 0, true },
	{ { .vendor_class = "PXEClient" }, "3c 0a 505845436c69656e74 00", 0, true },
	{ { .vendor_class = "PXEClient" }, "3c 0b 505845436c69656e74 0000", 0, true },
	{ { .vendor_class = "PXEClient" }, "3c 05 505845436c 3c 04 69656e74", 0, true },
	{ { .vendor_class = "PXEClient?*" }, PXE, 0, false },
	{ { .vendor_class = "*" }, "", 0, false },
	{ { .vendor_class = "*" }, "3c 00", 0, true },
	{ { .vendor_class = "*" }, "3c ff 61*255", 0, true },
	{ { .vendor_class = "*" }, "3c ff 61*255 3c 01 61", 0, false }, /* longer than an option */

	/* RFC 3004, and the bare text */
	{ { .user_class = "iPXE" }, "4d 05 04 69505845", 0, true },
	{ { .user_class = "iPXE" }, "4d 04 69505845", 0, true },
	{ { .user_class = "iPXE" }, "4d 05 69505845 00", 0, true },
	{ { .user_class = "iPXE" }, "4d 08 02 6162 04 69505845", 0, true },
	{ { .user_class = "iPXE" }, "4d 08 04 69505845 02 6162", 0, true },
	{ { .user_class = "iPXE" }, "4d 07 04 69505845 02 61", 0, false }, /* the last is cut */
	{ { .user_class = "iPXE" }, "4d 06 05 69505845 00", 0, false },
	{ { .user_class = "a*" }, "4d 00", 0, false },
	{ { .user_class = "?" }, "4d 03 00 01 61", 0, true },
	{ { .user_class = "*" }, "", 0, false },
	/* iPXE's own option */
	{ { .user_class = "iPXE" }, "af 03 b1 01 01", 0, true },
	{ { .user_class = "iPXE" }, "4d 01 61 af 00", 0, true },
	{ { .user_class = "gPXE" }, "af 03 b1 01 01", 0, false },

	{ { .hostname = "web*" }, "0c 04 57454231", 0, true },
	{ { .hostname = "web*" }, "0c 05 57454231 00", 0, true },
	{ { .hostname = "web*" }, "0c 03 646231", 0, false },
	{ { .hostname = "*" }, "", 0, false },
	{ { .hostname = "*" }, "0c 02 2f2f", 0, false }, /* nothing is left of it */
	{ { .hostname = "db.vm" }, "51 09 04 0000 026462 02766d", 0, true },
	{ { .hostname = "web*" }, "0c 03 776562 51 06 00 0000 646231", 0, false },

	{ { .arch = { 7, 9 }, .archs = 2 }, "5d 02 0007", 0, true },
	{ { .arch = { 7, 9 }, .archs = 2 }, "5d 04 0000 0009", 0, true },
	{ { .arch = { 7, 9 }, .archs = 2 }, "5d 04 0000 0008", 0, false },
	{ { .arch = { 0 }, .archs = 1 }, "5d 02 0000", 0, true },
	{ { .arch = { 0 }, .archs = 1 }, "5d 01 00", 0, false },
	{ { .arch = { 0 }, .archs = 1 }, "5d 00", 0, false },
	{ { .arch = { 0 }, .archs = 1 }, "", 0, false },

	/* A guest is no relay agent. */
	{ { .circuit_id = "port 7" }, "52 08 01 06 706f72742037", GIADDR, true },
	{ { .circuit_id = "port 7" }, "52 08 01 06 706f72742037", 0, false },
	{ { .circuit_id = "port ?" }, "52 0b 02 01 61 01 06 706f72742037", GIADDR, true },
	{ { .circuit_id = "*" }, "52 03 02 01 61", GIADDR, false },
	{ { .circuit_id = "*" }, "52 02 01 01", GIADDR, false },
	{ { .circuit_id = "*" }, "52 01 01", GIADDR, false },
	{ { .circuit_id = "*" }, "", GIADDR, false },
	{ { .circuit_id = "a" }, "52 06 01 01 61 01 01 62", GIADDR, true },
	{ { .remote_id = "?" }, "52 06 01 01 61 02 01 00", GIADDR, true },
	{ { .remote_id = "?" }, "52 03 01 01 61", GIADDR, false },

	{ { .mac_prefix = { 0x52, 0x54, 0 }, .mac_prefix_len = 3 }, "", 0, true },
	{ { .mac_prefix = { 0x52, 0x54, 1 }, .mac_prefix_len = 3 }, "", 0, false },
	{ { .mac_prefix = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 }, .mac_prefix_len = 6 }, "", 0, true },

	/* All must hold. */
	{ { .vendor_class = "PXE*", .arch = { 7 }, .archs = 1 }, PXE "5d 02 0007", 0, true },
	{ { .vendor_class = "PXE*", .arch = { 7 }, .archs = 1 }, PXE "5d 02 0006", 0, false },
	{ { .vendor_class = "PXE*", .user_class = "iPXE" }, PXE, 0, false },
	{ { .vendor_class = "HTTP*", .user_class = "iPXE" }, PXE "af 00", 0, false },
	{ { .vendor_class = "PXE*", .hostname = "a" }, PXE "0c 01 61", 0, true },
	{ { .mac_prefix = { 1 }, .mac_prefix_len = 1, .vendor_class = "PXE*" }, PXE, 0, false },
};

START_TEST(criterion)
{
	struct dhcp_message m = { .htype = 1, .hlen = 6, .giaddr = criteria[_i].giaddr };
	uint8_t octets[KIT_VALUE_MAX];
	struct dhcp_options o;

	memcpy(m.chaddr, kit_mac.octet, 6);
	m.options_len = kit_hex(criteria[_i].options, octets, sizeof(octets));
	m.options = octets;
	ck_assert_int_eq(dhcp_options_parse(&m, &o), DHCP_DROP_NONE);
	ck_assert_int_eq(dhcp_class_match(&criteria[_i].class, &m, &o), criteria[_i].matches);
}
END_TEST

/* A shorter hardware address does not begin with a longer prefix, whatever chaddr's padding is. */
START_TEST(short_hardware_address)
{
	static const struct dhcp_class class = { .mac_prefix_len = 3 };
	struct dhcp_message m = { .hlen = 2, .options = (const uint8_t *)"", .options_len = 0 };
	struct dhcp_options o;

	ck_assert_int_eq(dhcp_options_parse(&m, &o), DHCP_DROP_NONE);
	ck_assert(!dhcp_class_match(&class, &m, &o));
	m.hlen = 3;
	ck_assert(dhcp_class_match(&class, &m, &o));
}
END_TEST

UNIT_SUITE(dhcp_class)
{
	tcase_add_loop_test(tc, pattern, 0, ARRAY_SIZE(patterns));
	tcase_add_loop_test(tc, criterion, 0, ARRAY_SIZE(criteria));
	tcase_add_test(tc, short_hardware_address);
}

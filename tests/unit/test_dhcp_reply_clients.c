/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Replies that depend on what kind of client asks. */
#include "dhcp_kit.h"

/* Texts of every kind get the NUL, what is no text does not. */
static const struct {
	const char *name; /* option 12; NULL: none */
	bool nul;
} name_options[] = {
	{ NULL, false },	{ "", false },		 { "776562", false }, { "776562 00", true },
	{ "7700 6562", false }, { "776562 0000", true }, { "00", false },
};

START_TEST(t_dhcp_108)
{
	struct dhcp_port p = { .net = KIT_NET, .port = KIT_PORT, .hostname = "web" };
	uint8_t name[8];
	size_t nul = name_options[_i].nul;
	struct kit_message c;
	struct kit k CLEAN_KIT;

	kit_start(&k);
	dhcp_port_update(k.s, &p);
	kit_put(&k, 15, "766d");
	kit_put(&k, 67, "61*250");
	kit_put(&k, 17, "61*255"); /* with a NUL it would be longer than an option */
	kit_put(&k, 43, "0102");
	kit_put(&k, 114, "783a79");
	kit_message(&c, &k, DHCP_DISCOVER);
	kit_add_u16(&c, 57, 1500);
	if (name_options[_i].name)
		kit_add(&c, 12, name, kit_hex(name_options[_i].name, name, sizeof(name)));
	kit_send(&k, &c);
	kit_expect_option(&k, 12, "web", 3 + nul);
	kit_expect_option(&k, 15, "vm", 2 + nul);
	kit_expect_hex(&k, 67, nul ? "61*250 00" : "61*250");
	kit_expect_hex(&k, 17, "61*255");
	kit_expect_hex(&k, 43, "0102");
	kit_expect_option(&k, 114, "x:y", 3);
}
END_TEST

/* RFC 8910 2: a URI without NUL, to whoever asks; the one that says that there is no portal, too.
 */
START_TEST(t_dhcp_111)
{
	static const char *const uris[] = { "https://portal.example/api?x=%20",
					    "urn:ietf:params:capport:unrestricted" };
	const char *uri = uris[_i];
	uint8_t wire[64];
	struct wr w = wr_init(wire, sizeof(wire));
	struct kit k CLEAN_KIT;

	kit_start(&k);
	ck_ok(dhcp_option_encode(114, &uri, 1, &w, &unit_err));
	ck_ok(dhcp_option_set_put(k.options, 114, wire, w.len));
	kit_ask(&k, DHCP_DISCOVER, "01 72");
	kit_expect_option(&k, 114, uri, strlen(uri));
	kit_ask(&k, DHCP_DISCOVER, "01 03");
	kit_expect_option(&k, 114, NULL, 0);
}
END_TEST

UNIT_SUITE(dhcp_reply_clients)
{
	tcase_add_loop_test(tc, t_dhcp_108, 0, ARRAY_SIZE(name_options));
	tcase_add_loop_test(tc, t_dhcp_111, 0, 2);
}

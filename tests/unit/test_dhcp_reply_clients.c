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

/* --- RFC 4702 --- */

#define NAME_63 "3f 61*63 "

static const struct {
	const char *option; /* 81 as the client sends it; NULL: none */
	const char *hostname, *domain;
	const char *answer; /* NULL: none */
	const char *name;   /* that is remembered; option 12 says "other" */
} fqdns[] = {
	/* flags: E (04), with S (01) it is overridden (02), with N (08) it stays */
	{ "04 00 00 03776562 02766d 00", NULL, NULL, "0c ff ff 03776562 02766d 00", "web.vm" },
	{ "05 00 00 03776562 02766d 00", NULL, NULL, "0e ff ff 03776562 02766d 00", "web.vm" },
	{ "0c 00 00 03776562 02766d 00", NULL, NULL, "0c ff ff 03776562 02766d 00", "web.vm" },
	{ "0d 00 00 03776562 02766d 00", NULL, NULL, "0e ff ff 03776562 02766d 00", "web.vm" },
	{ "f7 ff ff 03776562 02766d 00", NULL, NULL, "0e ff ff 03776562 02766d 00", "web.vm" },
	{ "00 00 00 7765622e766d", NULL, NULL, "08 ff ff 7765622e766d", "web.vm" },
	{ "01 00 00 7765622e766d", NULL, NULL, "0a ff ff 7765622e766d", "web.vm" },
	/* a partial name is completed, where there is a domain */
	{ "04 00 00 03776562", NULL, NULL, "0c ff ff 03776562", "web" },
	{ "04 00 00 03776562", NULL, "vm.b", "0c ff ff 03776562 02766d 0162 00", "web" },
	{ "00 00 00 776562", NULL, "vm.b", "08 ff ff 7765622e766d2e62", "web" },
	{ "00 00 00 5745622e766d", NULL, "b", "08 ff ff 7765622e766d", "web.vm" },
	/* what we call it comes first */
	{ "04 00 00 03776562 02766d 00", "db", "b", "0c ff ff 026462 0162 00", "web.vm" },
	{ "04 00 00", "db", "b", "0c ff ff 026462 0162 00", "other" },
	{ "04 00 00 00", NULL, NULL, "0c ff ff 056f74686572", "other" },
	/* broken, or nothing is left (CVE-2022-2929, CVE-2025-11232) */
	{ NULL, "db", "b", NULL, "other" },
	{ "", "db", "b", NULL, "other" },
	{ "04 00", "db", "b", NULL, "other" },
	{ "00 00 00 2f2e2e", "db", NULL, "08 ff ff 6462", "other" },
	{ "04 00 00 40 61*64 00", "db", NULL, "0c ff ff 026462", "other" },
	{ "04 00 00 0461", "db", NULL, "0c ff ff 026462", "other" },
	{ "04 00 00 c000", "db", NULL, "0c ff ff 026462", "other" },
	{ "04 00 00 0161 c003", "db", NULL, "0c ff ff 026462", "other" },
	{ "04 00 00 " NAME_63 NAME_63 NAME_63 " 3a 61*58 00", NULL, NULL,
	  "0c ff ff " NAME_63 NAME_63 NAME_63 " 3a 61*58 00", NULL },
};

START_TEST(t_dhcp_109)
{
	struct dhcp_port p = { .net = KIT_NET, .port = KIT_PORT, .hostname = fqdns[_i].hostname };
	uint8_t option[255];
	struct kit k CLEAN_KIT;

	kit_start(&k);
	dhcp_port_update(k.s, &p);
	if (fqdns[_i].domain)
		ck_ok(dhcp_option_set_put(k.options, 15, fqdns[_i].domain,
					  strlen(fqdns[_i].domain)));
	for (unsigned i = 0; i < 2; i++) {
		struct kit_message c;

		kit_message(&c, &k, i ? DHCP_REQUEST : DHCP_DISCOVER);
		kit_add_u16(&c, 57, 1500);
		kit_add(&c, 12, "other", 5);
		if (i)
			kit_add_u32(&c, 50, KIT_ADDR);
		if (fqdns[_i].option)
			kit_add(&c, 81, option, kit_hex(fqdns[_i].option, option, sizeof(option)));
		kit_send(&k, &c);
		kit_expect(&k, i ? DHCP_ACK : DHCP_OFFER, "FQDN");
		kit_expect_hex(&k, 81, fqdns[_i].answer);
		if (fqdns[_i].name)
			ck_assert_str_eq(k.action.record.hostname, fqdns[_i].name);
	}
	kit_request(&k, 0, KIT_ADDR2, 0);
	ck_assert(k.action.reply == DHCP_NAK && !kit_has(&k, 81));
}
END_TEST

/* --- RFC 2563, RFC 4039, RFC 8925 --- */

/* The port's address is in quarantine, and there is no other. */
START_TEST(t_dhcp_028)
{
	static const struct mac all = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
	struct kit_message c;
	struct kit k CLEAN_KIT;

	kit_start(&k);
	kit_put(&k, 6, "0a4d0001");
	kit_put(&k, 67, "61");
	kit_ask(&k, DHCP_DISCOVER, "74 06"); /* who can be served is not told */
	kit_expect_hex(&k, 116, NULL);
	kit_prepare(&k, DHCP_LEASE_DECLINED);
	kit_discover(&k);
	kit_expect_drop(&k, DHCP_DROP_QUARANTINE, "without option 116");
	for (uint8_t would = 0; would < 2; would++) {
		kit_message(&c, &k, DHCP_DISCOVER);
		kit_add(&c, 61, "\0id", 3);
		kit_add(&c, 55, "\x01\x03\x06\x43", 4);
		kit_add_u8(&c, 116, would);
		kit_send(&k, &c);
		kit_expect(&k, DHCP_OFFER, "with option 116");
		kit_expect_order(&k, "35 36 3d 74", "with option 116");
		kit_expect_hex(&k, 116, "00");
		ck_assert(!k.m.yiaddr && !k.m.siaddr && !k.m.file[0]);
		ck_assert_uint_eq(k.frame.daddr, UINT32_MAX);
		ck_assert(mac_equal(&k.frame.dst, &all));
		ck_assert_int_eq(k.action.change, DHCP_CHANGE_NONE);
	}
	kit_message(&c, &k, DHCP_DISCOVER);
	kit_add(&c, 116, "\1\1", 2);
	kit_send(&k, &c);
	kit_expect_drop(&k, DHCP_DROP_QUARANTINE, "a broken option 116");
}
END_TEST

/* No rapid commit is configured, so there is none, whatever else is asked for. */
static void check_no_rapid_commit(const char *list)
{
	struct kit_message c;
	uint8_t codes[8];
	struct kit k CLEAN_KIT;

	kit_start(&k);
	kit_put(&k, 108, "00000708");
	kit_message(&c, &k, DHCP_DISCOVER);
	kit_add(&c, 80, NULL, 0);
	kit_add(&c, 55, codes, kit_hex(list, codes, sizeof(codes)));
	kit_send(&k, &c);
	kit_expect(&k, DHCP_OFFER, list);
	kit_expect_hex(&k, 80, NULL);
	ck_assert(!k.action.store);
}

START_TEST(t_dhcp_036)
{
	check_no_rapid_commit("01 50");
}
END_TEST

START_TEST(t_dhcp_037)
{
	check_no_rapid_commit("01 6c 50");
}
END_TEST

/* --- booting --- */

/* Classes as an operator would write them: the second stage first. */
enum { IPXE, HTTP, UEFI, BIOS, CLASSES };

static const struct {
	struct dhcp_class match;
	const char *file;
	uint32_t next_server;
} stages[CLASSES] = {
	[IPXE] = { { .user_class = "iPXE" }, "http://10.77.0.1/menu.ipxe", KIT_SERVER },
	[HTTP] = { { .vendor_class = "HTTPClient*" }, "http://10.77.0.1/boot.efi", 0 },
	[UEFI] = { { .vendor_class = "PXEClient*", .arch = { 7, 9 }, .archs = 2 },
		   "ipxe.efi",
		   KIT_IP(10, 77, 0, 9) },
	[BIOS] = { { .vendor_class = "PXEClient*" }, "undionly.kpxe", KIT_IP(10, 77, 0, 9) },
};

struct boot_kit {
	struct kit k;
	struct dhcp_class class[CLASSES];
	struct dhcp_option_set *set[CLASSES];
};

static void boot_start(struct boot_kit *b)
{
	kit_start(&b->k);
	for (unsigned i = 0; i < CLASSES; i++) {
		ck_ok(dhcp_option_set_new(&b->set[i]));
		ck_ok(dhcp_option_set_put(b->set[i], 67, stages[i].file, strlen(stages[i].file)));
		dhcp_option_set_next_server(b->set[i], stages[i].next_server);
		b->class[i] = stages[i].match;
		b->class[i].options = b->set[i];
		b->k.config.class[i] = &b->class[i];
	}
	b->k.config.classes = CLASSES;
	kit_configure(&b->k);
}

static void boot_stop(struct boot_kit *b)
{
	kit_stop(&b->k);
	for (unsigned i = 0; i < CLASSES; i++)
		dhcp_option_set_free(b->set[i]);
}

#define PXE "3c 20 505845436c69656e743a417263683a30303030373a554e44493a303033303136 "
#define PXE_BARE "3c 09 505845436c69656e74 "
#define HTTP_CLIENT "3c 11 48545450436c69656e743a417263683a30 "
#define MACHINE "61 11 00 ab*16 "

static const struct {
	int number; /* of the statement that this is a case of */
	const char *options;
	int stage;		     /* whose boot file it gets; -1: nobody's */
	const char *class, *machine; /* options 60 and 97 of the reply */
} boots[] = {
	{ 105, PXE "5d 02 0007 " MACHINE "37 03 01 03 43", UEFI, NULL, "00 ab*16" },
	{ 105, PXE "5d 02 0009 " MACHINE "37 04 01 3c 43 61", UEFI, NULL, "00 ab*16" },
	{ 105, PXE "5d 02 0000 " MACHINE "37 01 01", BIOS, NULL, "00 ab*16" },
	{ 105, PXE_BARE, BIOS, NULL, NULL },
	{ 105, MACHINE "37 01 43", -1, NULL, NULL },
	{ 106, HTTP_CLIENT "37 02 01 03", HTTP, "48545450436c69656e74", NULL },
	{ 106, HTTP_CLIENT MACHINE, HTTP, "48545450436c69656e74", "00 ab*16" },
	{ 107, PXE "5d 02 0007 4d 04 69505845 37 02 01 43", IPXE, NULL, NULL },
	{ 107, PXE "5d 02 0007 4d 05 04 69505845 37 02 01 43", IPXE, NULL, NULL },
	{ 107, PXE "5d 02 0000 af 03 b10101 37 02 01 43", IPXE, NULL, NULL },
	{ 107, HTTP_CLIENT "af 00", IPXE, "48545450436c69656e74", NULL },
};

static void check_boot(size_t i)
{
	const char *file = boots[i].stage < 0 ? "" : stages[boots[i].stage].file;
	struct boot_kit b CLEANUP(boot_stop);
	struct kit_message c;

	boot_start(&b);
	kit_message(&c, &b.k, DHCP_DISCOVER);
	kit_add_hex(&c, boots[i].options);
	kit_send(&b.k, &c);
	kit_expect(&b.k, DHCP_OFFER, boots[i].options);
	ck_assert_str_eq((const char *)b.k.m.file, file);
	ck_assert_uint_eq(b.k.m.siaddr,
			  boots[i].stage < 0 ? 0 : stages[boots[i].stage].next_server);
	if (kit_has(&b.k, 67))
		kit_expect_option(&b.k, 67, file, strlen(file));
	kit_expect_hex(&b.k, 60, boots[i].class);
	kit_expect_hex(&b.k, 97, boots[i].machine);
	ck_assert(!kit_has(&b.k, 43)); /* there is none that would not be well-formed */
}

static void check_boots(int number)
{
	unsigned n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(boots); i++) {
		if (boots[i].number != number)
			continue;
		check_boot(i);
		n++;
	}
	ck_assert_uint_gt(n, 0);
}

START_TEST(t_dhcp_105)
{
	check_boots(105);
}
END_TEST

START_TEST(t_dhcp_106)
{
	check_boots(106);
}
END_TEST

/* The ROM gets iPXE; iPXE, which still says it is a PXE client, gets something else: no loop. */
START_TEST(t_dhcp_107)
{
	check_boots(107);
}
END_TEST

/* `file` is given up for options that would not fit, if option 67 says the same. */
START_TEST(file_makes_room)
{
	struct kit k CLEAN_KIT;

	kit_start(&k);
	kit_put(&k, 67, "61*20");
	kit_put(&k, 43, "ee*200");
	kit_put(&k, 17, "61*40");
	kit_put(&k, 66, "61*60");
	kit_ask(&k, DHCP_DISCOVER, "2b 11 42");
	ck_assert_uint_eq(k.m.file[0], 'a');
	kit_ask(&k, DHCP_DISCOVER, "43 2b 11 42");
	kit_expect_hex(&k, 67, "61*20");
	kit_put(&k, 17, "61*60");
	kit_ask(&k, DHCP_DISCOVER, "43 2b 11 42");
	kit_expect_hex(&k, 67, "61*20");
	kit_expect_hex(&k, 43, "ee*200");
	kit_expect_hex(&k, 17, "61*60");
	kit_expect_hex(&k, 66, "61*60");
}
END_TEST

/* A name of 127 octets and its NUL fill the field; a longer one is in option 67 alone. */
START_TEST(boot_file_sizes)
{
	static const char *const names[] = { "61*127", "61*128", "61*255" };
	struct kit k CLEAN_KIT;

	kit_start(&k);
	dhcp_option_set_next_server(k.options, KIT_SERVER);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		kit_put(&k, 67, names[i]);
		for (unsigned type = 0; type < 2; type++) {
			kit_ask(&k, type ? DHCP_INFORM : DHCP_DISCOVER, "43");
			kit_expect_hex(&k, 67, names[i]);
			ck_assert_uint_eq(strnlen((const char *)k.m.file, 128), i ? 0 : 127);
			ck_assert_uint_eq(k.m.siaddr, KIT_SERVER);
		}
	}
	kit_request(&k, 0, KIT_ADDR2, 0);
	kit_expect(&k, DHCP_NAK, "another's address");
	ck_assert(!k.m.siaddr && !k.m.file[0]);
}
END_TEST

UNIT_SUITE(dhcp_reply_clients)
{
	tcase_add_loop_test(tc, t_dhcp_109, 0, ARRAY_SIZE(fqdns));
	tcase_add_test(tc, t_dhcp_028);
	tcase_add_test(tc, t_dhcp_036);
	tcase_add_test(tc, t_dhcp_037);
	tcase_add_test(tc, t_dhcp_105);
	tcase_add_test(tc, t_dhcp_106);
	tcase_add_test(tc, t_dhcp_107);
	tcase_add_test(tc, file_makes_room);
	tcase_add_test(tc, boot_file_sizes);
	tcase_add_loop_test(tc, t_dhcp_108, 0, ARRAY_SIZE(name_options));
	tcase_add_loop_test(tc, t_dhcp_111, 0, 2);
}

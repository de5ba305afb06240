/* SPDX-License-Identifier: GPL-2.0-or-later */
/* netd.conf(5) against the tables that configuration is read by: options, their types, and keys. */
#include "config_keys.h"
#include "config_kit.h"

#define PAGE "netd/man/netd.conf.5"

static char *page;

static void read_page(void)
{
	size_t len;

	page = scratch_read(PAGE, &len);
}

static void free_page(void)
{
	free(page);
}

/* The next line from *at on, without its end; false at the end of the page. */
static bool next_line(const char **at, char *ret, size_t size)
{
	size_t n = strcspn(*at, "\n");

	if (!**at)
		return false;
	ck_assert_uint_lt(n, size);
	memcpy(ret, *at, n);
	ret[n] = 0;
	*at += n + ((*at)[n] == '\n');
	return true;
}

/* --- options --- */

/* The line of the page's table for an option, as it has to be. */
static void row_of(unsigned code, char *ret, size_t size)
{
	const struct dhcp_option_info *info = dhcp_option_info((uint8_t)code);

	snprintf(ret, size, ".It %u Ta %s Ta %s Ta %s%s", code, info->name,
		 dhcp_option_type_text(info->type), info->flags & DHCP_OPT_PROTOCOL ? "" : "Cm ",
		 info->flags & DHCP_OPT_PROTOCOL ? "netd" :
		 info->flags & DHCP_OPT_SUBNET	 ? info->key :
						   "option");
}

/* Line for line: none is missing, none is too many, and they are in order. */
START_TEST(options)
{
	const char *at = page;
	char line[400], want[400];
	unsigned rows = 0;

	for (unsigned code = 0; code < 256; code++) {
		if (!dhcp_option_info((uint8_t)code)->name)
			continue;
		do
			ck_assert_msg(next_line(&at, line, sizeof(line)), PAGE " ends at %u", code);
		while (strncmp(line, ".It ", 4) || !strstr(line, " Ta ") ||
		       strstr(line, "Em Code"));
		row_of(code, want, sizeof(want));
		ck_assert_str_eq(line, want);
		rows++;
	}
	ck_assert_uint_gt(rows, 100);
	while (next_line(&at, line, sizeof(line)))
		ck_assert_msg(!strstr(line, " Ta "), "%s", line);
}
END_TEST

/* --- items --- */

/* Whether an item of a list names this word: ".It Cm one , two No = ..." */
static bool is_item(const char *word)
{
	const char *at = page;
	char line[400];

	while (next_line(&at, line, sizeof(line))) {
		char *save, *end = strstr(line, " No =");

		if (strncmp(line, ".It Cm ", 7))
			continue;
		if (end)
			*end = 0;
		for (char *w = strtok_r(line + 7, " ,", &save); w; w = strtok_r(NULL, " ,", &save))
			if (!strcmp(w, word))
				return true;
	}
	return false;
}

START_TEST(types)
{
	for (int type = DHCP_OPT_BYTES; type <= DHCP_OPT_VENDOR_SUBS; type++) {
		const char *text = dhcp_option_type_text((enum dhcp_option_type)type);

		ck_assert_ptr_nonnull(text);
		ck_assert_msg(is_item(text), "type %s", text);
	}
	ck_assert(!is_item("no-such-type"));
}
END_TEST

START_TEST(keys)
{
	static const struct key *const tables[] = { config_keys_top,   config_keys_socket,
						    config_keys_mac,   config_keys_network,
						    config_keys_class, config_keys_group,
						    config_keys_allow, config_keys_rate };

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		for (const struct key *k = tables[i]; k->name; k++)
			ck_assert_msg(is_item(k->name), "key %s", k->name);
}
END_TEST

UNIT_SUITE(netd_manual)
{
	tcase_add_unchecked_fixture(tc, read_page, free_page);
	tcase_add_test(tc, options);
	tcase_add_test(tc, types);
	tcase_add_test(tc, keys);
}

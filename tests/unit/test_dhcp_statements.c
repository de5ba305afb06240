/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Statements 1 to 120 are what this DHCP server is held to. Each has a test that bears its number,
 * t_dhcp_ and three digits, or a line here that says why not. A line goes when its test comes.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>

#include "unit.h"

enum { STATEMENTS = 120 };

static const struct {
	unsigned number;
	const char *why;
} untested[] = {
	{ 32, "a squatter that ignores ICMP: test_conflict.py" },
	{ 52, "a full disk: test_bad_input.py, and test_netd_store_damage.c" },
	{ 62, "the port that a packet came in by is where the reply leaves: test_dhcp.py" },
	{ 95, "clocks: test_netd_loop.c and test_netd_store.c" },
	{ 97, "the state is SQLite's: test_netd_store_damage.c" },
	{ 98, "a newer state is left alone: test_netd_store_damage.c, test_bad_input.py" },
	{ 116, "test_netd_log.c" },
	{ 117, "capabilities: test_service.py" },
	{ 120, "a bridge forwards at once, without STP: test_network.py" },
};

/* Notes the numbers of all tests in a file. */
static void read_source(const char *path, bool seen[STATEMENTS + 1])
{
	CLEAN_FILE FILE *in = fopen(path, "re");
	char line[512];

	ck_assert_msg(in != NULL, "%s cannot be read", path);
	while (fgets(line, sizeof(line), in)) {
		const char *at = strstr(line, "t_dhcp_");
		unsigned number;

		if (at && sscanf(at + 7, "%3u", &number) == 1 && number <= STATEMENTS)
			seen[number] = true;
	}
}

static void read_folder(const char *folder, bool seen[STATEMENTS + 1])
{
	char path[4096];
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "%.*s/../%s", (int)(strrchr(__FILE__, '/') - __FILE__),
		 __FILE__, folder);
	d = opendir(path);
	ck_assert_msg(d != NULL, "%s cannot be read", path);
	while ((e = readdir(d))) {
		const char *dot = strrchr(e->d_name, '.');
		size_t len = strlen(path);

		if (!dot || (strcmp(dot, ".c") && strcmp(dot, ".py")))
			continue;
		snprintf(path + len, sizeof(path) - len, "/%s", e->d_name);
		read_source(path, seen);
		path[len] = 0;
	}
	closedir(d);
}

START_TEST(every_statement)
{
	bool seen[STATEMENTS + 1] = { false }, excused[STATEMENTS + 1] = { false };

	read_folder("unit", seen);
	read_folder("netns", seen);
	read_folder("guest", seen);
	for (size_t i = 0; i < ARRAY_SIZE(untested); i++) {
		ck_assert_msg(!seen[untested[i].number], "statement %u has a test now",
			      untested[i].number);
		excused[untested[i].number] = true;
	}
	for (unsigned n = 1; n <= STATEMENTS; n++)
		ck_assert_msg(seen[n] || excused[n], "statement %u has no test", n);
}
END_TEST

UNIT_SUITE(dhcp_statements)
{
	tcase_add_test(tc, every_statement);
}

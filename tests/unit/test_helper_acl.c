/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bridge.conf. tests/netns/test_bridge_helper.py has QEMU's own helper read the like. */
#include "helper.h"
#include "scratch.h"
#include "unit.h"

static char warned[480];

static void keep_warning(const char *sentence)
{
	snprintf(warned, sizeof(warned), "%s", sentence);
}

/* text with "@" for the scratch directory, as the file `leaf`. */
static void put(const char *leaf, const char *text)
{
	char *out;
	size_t size;
	FILE *f = open_memstream(&out, &size);

	for (; *text; text++)
		if (*text == '@')
			fputs(scratch_path(""), f);
		else
			fputc(*text, f);
	fclose(f);
	scratch_write_text(scratch_path(leaf), out);
	free(out);
}

static const struct {
	const char *text;
	const char *sentence; /* behind the directory; NULL: the file is good */
	bool br0, br1;
} files[] = {
	{ "", NULL, false, false },
	{ "# allow all\n \t\n", NULL, false, false },
	{ "allow br0", NULL, true, false },
	{ "  allow \t br0 \t\r\nallow\tbr1\n", NULL, true, true },
	{ "allow all\n", NULL, true, true },
	{ "allow br0\nallow br1\ndeny br1\n", NULL, true, false },
	{ "deny br1\nallow all\n", NULL, true, false },
	{ "deny all\nallow br0\n", NULL, false, false },
	{ "allow br\nallow br00\n", NULL, false, false },
	{ "include @more\nallow br0\n", NULL, true, true },
	{ "allow all\ninclude @deny\n", NULL, true, false },
	{ "allow br0\ninclude @missing\n", NULL, true, false },
	{ "allow br0\ninclude @\n", NULL, true, false },
	{ "allow br0\ninclude @broken\n", NULL, true, true },
	{ "include @conf\nallow br0\n", NULL, true, false },
	{ "allow br0\nallow\n", "conf:2: 'allow' is not followed by a name", false, false },
	{ "\n\nbr0\n", "conf:3: 'br0' is not followed by a name", false, false },
	{ "permit br0\n", "conf:1: 'permit' is not allow, deny or include", false, false },
	{ "allow\tbr0 x\n", "conf:1: 'allow\tbr0' is not allow, deny or include", false, false },
	{ "allow averyveryverylon\n",
	  "conf:1: name 'averyveryverylon' is longer than 15 characters", false, false },
};

START_TEST(file)
{
	struct acl acl = { .warn = keep_warning };
	char want[600];
	int rc;

	put("more", "allow br1\n");
	put("deny", "deny br1\n");
	put("broken", "allow br1\nnonsense here\ndeny all\n");
	put("conf", files[_i].text);
	rc = acl_read(&acl, scratch_path("conf"), &unit_err);
	if (files[_i].sentence) {
		snprintf(want, sizeof(want), "%s%s", scratch_path(""), files[_i].sentence);
		ck_assert_int_eq(rc, -EINVAL);
		ck_assert_str_eq(unit_err.text, want);
	} else {
		ck_assert_int_eq(rc, 0);
		ck_assert_int_eq(acl_allows(&acl, "br0"), files[_i].br0);
		ck_assert_int_eq(acl_allows(&acl, "br1"), files[_i].br1);
	}
	acl_done(&acl);
}
END_TEST

START_TEST(missing_and_unreadable)
{
	struct acl acl = { 0 };

	ck_assert_int_eq(acl_read(&acl, scratch_path("none"), &unit_err), -ENOENT);
	ck_assert_int_eq(acl_read(&acl, scratch_path(""), &unit_err), -EISDIR);
	ck_assert(!acl_allows(&acl, "br0"));
	acl_done(&acl);
}
END_TEST

START_TEST(what_is_ignored_is_told)
{
	struct acl acl = { .warn = keep_warning };

	put("broken", "allow br1\nnonsense here\n");
	put("conf", "include @broken\n");
	ck_ok(acl_read(&acl, scratch_path("conf"), &unit_err));
	ck_assert_ptr_nonnull(strstr(warned, "broken:2: 'nonsense' is not allow"));
	acl_done(&acl);
}
END_TEST

/* 64 files in a row are read; with one more, nothing is allowed, since it could deny. */
START_TEST(depth)
{
	struct acl acl = { 0 };
	char leaf[16], text[32];

	for (int i = 0; i < 63; i++) {
		snprintf(leaf, sizeof(leaf), "%d", i);
		snprintf(text, sizeof(text), "include @%d\n", i + 1);
		put(leaf, text);
	}
	put("63", "allow br0\n");
	ck_ok(acl_read(&acl, scratch_path("0"), &unit_err));
	ck_assert(acl_allows(&acl, "br0"));
	acl_done(&acl);
	put("conf", "allow all\ninclude @0\n");
	ck_assert_int_eq(acl_read(&acl, scratch_path("conf"), &unit_err), -ELOOP);
	acl_done(&acl);
}
END_TEST

/* Each includes all: read once each, they are not 10! files. */
START_TEST(all_include_all)
{
	struct acl acl = { 0 };
	char leaf[16], text[256] = "";

	for (int i = 0; i < 10; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "include @%d\n", i);
	for (int i = 0; i < 10; i++) {
		snprintf(leaf, sizeof(leaf), "%d", i);
		put(leaf, text);
	}
	ck_ok(acl_read(&acl, scratch_path("0"), &unit_err));
	acl_done(&acl);
}
END_TEST

UNIT_SUITE(helper_acl)
{
	scratch_use(tc);
	tcase_add_loop_test(tc, file, 0, ARRAY_SIZE(files));
	tcase_add_test(tc, missing_and_unreadable);
	tcase_add_test(tc, what_is_ignored_is_told);
	tcase_add_test(tc, depth);
	tcase_add_test(tc, all_include_all);
}

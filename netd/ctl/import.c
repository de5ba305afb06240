/* SPDX-License-Identifier: GPL-2.0-or-later */
/* netdctl import: from another DHCP server's file to allocations. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl.h"

enum { FILE_MAX = 64 << 20 };

static char *read_file(const char *path, size_t *ret_len)
{
	CLEAN_FILE FILE *in = fopen(path, "re");
	size_t size;
	char *text = NULL, chunk[4096];
	FILE *out = open_memstream(&text, &size);
	size_t n;

	if (!in)
		ctl_fail("cannot read %s: %s", path, strerror(errno));
	if (!out)
		ctl_fail("out of memory");
	for (*ret_len = 0; (n = fread(chunk, 1, sizeof(chunk), in)); *ret_len += n)
		if (*ret_len > FILE_MAX || fwrite(chunk, 1, n, out) != n)
			ctl_fail("%s is too long", path);
	if (ferror(in))
		ctl_fail("cannot read %s: %s", path, strerror(errno));
	if (fclose(out))
		ctl_fail("out of memory");
	return text;
}

static void complain(const char *path, const struct lease_file *f, unsigned number, const char *why)
{
	fprintf(stderr, "netdctl: %s: %s %u: %s\n", path, f->json ? "lease" : "line", number, why);
}

/* Those that are leases, as libnetd wants them. */
static struct netd_import *list_items(const struct lease_file *f, size_t *ret_n)
{
	struct netd_import *items = calloc(f->entries + 1, sizeof(*items));

	if (!items)
		ctl_fail("out of memory");
	*ret_n = 0;
	for (size_t i = 0; i < f->entries; i++) {
		const struct lease_entry *e = &f->entry[i];

		if (!e->mistake)
			items[(*ret_n)++] =
				(struct netd_import){ .mac = e->mac,
						      .address = e->address,
						      .guest = e->guest[0] ? e->guest : NULL };
	}
	return items;
}

static json_t *entry_json(const struct lease_entry *e, const struct netd_import *item)
{
	const char *reason = e->mistake ? e->mistake : item->reason;

	return json_pack("{s:i, s:s*, s:s*, s:s*, s:s*}", "line", (int)e->number, "mac",
			 item ? item->mac : NULL, "address", item ? item->address : NULL, "guest",
			 item && item->imported_as[0] ? item->imported_as : NULL, "reason",
			 reason[0] ? reason : NULL);
}

/* One line for each; returns how many were refused. */
static unsigned report(const struct ctl *c, const char *path, const struct lease_file *f,
		       const struct netd_import *items)
{
	json_t *list = json_array();
	unsigned refused = 0;

	for (size_t i = 0; i < f->entries; i++) {
		const struct lease_entry *e = &f->entry[i];
		const struct netd_import *item = e->mistake ? NULL : items++;

		json_array_append_new(list, entry_json(e, item));
		if (!item || item->reason[0]) {
			complain(path, f, e->number, item ? item->reason : e->mistake);
			refused++;
		} else if (!c->json) {
			printf("%s: MAC %s, address %s\n", item->imported_as, item->mac,
			       item->address);
		}
	}
	if (c->json)
		ctl_print_json(list);
	json_decref(list);
	return refused;
}

static size_t count_imported(const struct netd_import *items, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += items[i].imported_as[0] != 0;
	return count;
}

int ctl_import(struct ctl *c, int argc, char **argv)
{
	const char *network = NULL, *why;
	bool dry = false;
	const struct ctl_option options[] = { { "network", &network, NULL },
					      { "dry-run", NULL, &dry },
					      { 0 } };
	CLEAN_FREE struct netd_import *items = NULL;
	CLEAN_FREE char *text = NULL;
	struct lease_file f;
	struct ctl_args a;
	unsigned refused;
	size_t n;

	ctl_parse(c, argc, argv, options, &a);
	ctl_expect(&a, 1, 1, false, "import [--network NAME] [--dry-run] FILE");
	text = read_file(a.plain[0], &n);
	if (!lease_file_parse(text, n, &f, &why))
		ctl_fail("%s: %s", a.plain[0], why);
	items = list_items(&f, &n);
	ctl_connect(c);
	if (netd_import(c->netd, network, items, n, dry))
		ctl_fail("%s; %zu were imported before that", netd_error(c->netd),
			 count_imported(items, n));
	refused = report(c, a.plain[0], &f, items);
	fprintf(stderr, "netdctl: %zu %simported, %u refused, %zu of DHCPv6 skipped\n",
		f.entries - refused, dry ? "would be " : "", refused, f.skipped);
	lease_file_done(&f);
	return refused ? EXIT_FAILED : EXIT_DONE;
}

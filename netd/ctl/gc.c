/* SPDX-License-Identifier: GPL-2.0-or-later */
/* gc: what is left over, one line each. */
#include <stdio.h>

#include "ctl.h"

static void print_item(const json_t *i)
{
	const char *interface = ctl_text(i, "interface"), *kept = ctl_text(i, "kept");

	printf("%s%s%s: %s; %s%s\n", ctl_text(i, "kind"), *interface ? " " : "", interface,
	       ctl_text(i, "why"),
	       *kept					   ? "stays: " :
	       json_is_true(json_object_get(i, "removed")) ? "removed" :
							     "would be removed",
	       kept);
}

int ctl_gc(struct ctl *c, int argc, char **argv)
{
	bool dry_run = false;
	const struct ctl_option options[] = { { "dry-run", NULL, &dry_run }, { 0 } };
	json_t *reply, *items;
	struct ctl_args a;
	const json_t *i;
	size_t n;

	ctl_parse(c, argc, argv, options, &a);
	ctl_expect(&a, 0, 0, false, "gc [--dry-run]");
	reply = ctl_call(c, "io.netd.Gc", json_pack("{s:b}", "dryRun", dry_run));
	items = json_object_get(reply, "items");
	json_array_foreach (items, n, i)
		if (!c->json)
			print_item(i);
	if (c->json)
		ctl_print_json(items);
	else if (!json_array_size(items))
		puts("nothing is left over");
	json_decref(reply);
	return EXIT_DONE;
}

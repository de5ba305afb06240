/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One network: shown, made, deleted. And what a reload would change. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl.h"

static const char create_usage[] = "network create NAME [--mode MODE] [--subnet ADDRESS/LEN] "
				   "[--set KEY=VALUE]... [-- TEXT...]";
static const char delete_usage[] = "network delete NAME [--force]";

static void print_network(const struct ctl *c, const json_t *n)
{
	if (c->json)
		ctl_print_json(n);
	else
		ctl_print_members(n);
}

static int show(struct ctl *c, const char *name)
{
	json_t *reply = ctl_call(c, "io.netd.ListNetworks", json_pack("{s:s}", "name", name));

	print_network(c, json_array_get(json_object_get(reply, "networks"), 0));
	json_decref(reply);
	return EXIT_DONE;
}

/* --- create --- */

/* "KEY=VALUE" as the line of a block. */
static void write_set(const char *text, FILE *out)
{
	const char *equals = strchr(text, '=');

	if (!equals || equals == text || !equals[1])
		ctl_usage("--set '%s' is not KEY=VALUE", text);
	fprintf(out, "%.*s = %s\n", (int)(equals - text), text, equals + 1);
}

/* Takes every --set out of the arguments, which it can be several times among, and writes their
 * lines. */
static int take_sets(int argc, char **argv, FILE *out)
{
	int n = 0, i = 0;

	for (; i < argc && strcmp(argv[i], "--"); i++) {
		if (!strncmp(argv[i], "--set=", 6)) {
			write_set(argv[i] + 6, out);
		} else if (!strcmp(argv[i], "--set")) {
			if (++i == argc)
				ctl_usage("option --set needs a value");
			write_set(argv[i], out);
		} else {
			argv[n++] = argv[i];
		}
	}
	while (i < argc)
		argv[n++] = argv[i++];
	argv[n] = NULL;
	return n;
}

static int create(struct ctl *c, const char *name, const char *mode, const char *subnet,
		  const char *configuration)
{
	json_t *parameters = json_pack("{s:s}", "name", name), *reply;

	if (mode)
		json_object_set_new(parameters, "mode", json_string(mode));
	if (subnet)
		json_object_set_new(parameters, "subnet", json_string(subnet));
	if (*configuration)
		json_object_set_new(parameters, "configuration", json_string(configuration));
	reply = ctl_call(c, "io.netd.CreateNetwork", parameters);
	print_network(c, json_object_get(reply, "network"));
	json_decref(reply);
	return EXIT_DONE;
}

static int delete (struct ctl *c, const char *name, bool force)
{
	json_decref(ctl_call(c, "io.netd.DeleteNetwork",
			     json_pack("{s:s, s:b}", "name", name, "force", (int)force)));
	return EXIT_DONE;
}

/* One word is the name of a network, also when it is `create` or `delete`. */
int ctl_network(struct ctl *c, int argc, char **argv)
{
	const char *mode = NULL, *subnet = NULL;
	bool force = false;
	const struct ctl_option options[] = { { "mode", &mode, NULL },
					      { "subnet", &subnet, NULL },
					      { "force", NULL, &force },
					      { 0 } };
	CLEAN_FREE char *configuration = NULL;
	struct ctl_args a;
	size_t len;
	FILE *out = open_memstream(&configuration, &len);

	if (!out)
		ctl_fail("out of memory");
	argc = take_sets(argc, argv, out);
	ctl_parse(c, argc, argv, options, &a);
	for (char **rest = a.rest; rest && *rest; rest++)
		fprintf(out, "%s\n", *rest);
	if (fclose(out))
		ctl_fail("out of memory");
	if (a.plains == 2 && !strcmp(a.plain[0], "create") && !force)
		return create(c, a.plain[1], mode, subnet, configuration);
	if (mode || subnet || *configuration || a.rest)
		ctl_usage("usage: netdctl %s", create_usage);
	if (a.plains == 2 && !strcmp(a.plain[0], "delete"))
		return delete (c, a.plain[1], force);
	if (force)
		ctl_usage("usage: netdctl %s", delete_usage);
	ctl_expect(&a, 1, 1, false, "network NAME");
	return show(c, a.plain[0]);
}

/* --- plan --- */

static void print_change(const json_t *c)
{
	bool there = *ctl_text(c, "before"), then = *ctl_text(c, "after");

	printf("%-12s ", ctl_text(c, "effect"));
	if (*ctl_text(c, "network"))
		printf("network %s%s", ctl_text(c, "network"), *ctl_text(c, "key") ? " " : "");
	printf("%s", ctl_text(c, "key"));
	if (there || then)
		printf(": %s -> %s", there ? ctl_text(c, "before") : "-",
		       then ? ctl_text(c, "after") : "-");
	if (*ctl_text(c, "host"))
		printf(" (%s)", ctl_text(c, "host"));
	if (*ctl_text(c, "reason"))
		printf(": %s", ctl_text(c, "reason"));
	putchar('\n');
}

int ctl_plan(struct ctl *c, int argc, char **argv)
{
	const json_t *changes, *one;
	struct ctl_args a;
	json_t *reply;
	size_t i;

	ctl_parse(c, argc, argv, NULL, &a);
	ctl_expect(&a, 0, 0, false, "plan");
	reply = ctl_call(c, "io.netd.Plan", NULL);
	changes = json_object_get(reply, "changes");
	if (c->json)
		ctl_print_json(changes);
	else
		json_array_foreach (changes, i, one)
			print_change(one);
	json_decref(reply);
	return EXIT_DONE;
}

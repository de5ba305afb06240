/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The subcommands of published ports. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl.h"

static long long number(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static void add_port(struct ctl_table *t, const json_t *p, const char *key, const char *protocol)
{
	long long first = number(p, key), count = number(p, "count");
	char cell[48];

	if (count > 1)
		snprintf(cell, sizeof(cell), "%s%lld-%lld", protocol, first, first + count - 1);
	else
		snprintf(cell, sizeof(cell), "%s%lld", protocol, first);
	ctl_table_add(t, cell);
}

static void print_published(const json_t *list)
{
	static const char *const headings[] = { "PORT",	 "ADDRESS", "GUEST", "NETWORK",
						"LEADS", "TO",	    "BY" };
	struct ctl_table *t = ctl_table_new(headings, ARRAY_SIZE(headings));
	const json_t *p;
	size_t i;

	json_array_foreach (list, i, p) {
		char guest[96], protocol[16];

		snprintf(protocol, sizeof(protocol), "%s:", ctl_text(p, "protocol"));
		snprintf(guest, sizeof(guest), "%s/%lld", ctl_text(p, "guest"), number(p, "nic"));
		add_port(t, p, "port", protocol);
		ctl_table_add(t, *ctl_text(p, "address") ? ctl_text(p, "address") : "any");
		ctl_table_add(t, guest);
		ctl_table_add(t, ctl_text(p, "network"));
		ctl_table_add(t, ctl_text(p, "target"));
		add_port(t, p, "guestPort", "");
		ctl_table_add(t,
			      *ctl_text(p, "configured") ? ctl_text(p, "configured") : "netdctl");
	}
	ctl_table_print_and_free(t);
	json_array_foreach (list, i, p)
		if (*ctl_text(p, "reason"))
			printf("%s:%lld is not published: %s\n", ctl_text(p, "protocol"),
			       number(p, "port"), ctl_text(p, "reason"));
}

int ctl_published(struct ctl *c, int argc, char **argv)
{
	json_t *reply, *parameters = json_object();
	struct ctl_args a;

	ctl_parse(c, argc, argv, NULL, &a);
	ctl_expect(&a, 0, 1, false, "published [GUEST]");
	if (a.plains)
		json_object_set_new(parameters, "guest", json_string(a.plain[0]));
	reply = ctl_call(c, "io.netd.ListPublished", parameters);
	if (c->json)
		ctl_print_json(json_object_get(reply, "published"));
	else
		print_published(json_object_get(reply, "published"));
	json_decref(reply);
	return EXIT_DONE;
}

static int change(struct ctl *c, int argc, char **argv, const char *method, int least,
		  const char *usage)
{
	const char *address = NULL;
	const struct ctl_option options[] = { { "address", &address, NULL }, { 0 } };
	json_t *parameters, *ports = NULL, *reply;
	struct ctl_args a;
	struct ctl_port p;

	ctl_parse(c, argc, argv, options, &a);
	ctl_expect(&a, least, (int)ARRAY_SIZE(a.plain), false, usage);
	p = ctl_parse_port(a.plain[0]);
	if (a.plains > 1)
		ports = json_array();
	for (int i = 1; i < a.plains; i++)
		json_array_append_new(ports, json_string(a.plain[i]));
	parameters = json_pack("{s:s, s:o, s:o, s:o}", "guest", p.guest, "nic",
			       p.nic < 0 ? json_null() : json_integer(p.nic), "ports",
			       ports ? ports : json_null(), "address",
			       address ? json_string(address) : json_null());
	reply = ctl_call(c, method, parameters);
	if (c->json)
		ctl_print_json(json_object_get(reply, "published"));
	json_decref(reply);
	return EXIT_DONE;
}

int ctl_publish(struct ctl *c, int argc, char **argv)
{
	return change(c, argc, argv, "io.netd.Publish", 2,
		      "publish GUEST[/NIC] PROTO:PORT:GUESTPORT... [--address ADDRESS]");
}

int ctl_unpublish(struct ctl *c, int argc, char **argv)
{
	return change(c, argc, argv, "io.netd.Unpublish", 1,
		      "unpublish GUEST[/NIC] [PROTO:PORT:GUESTPORT]... [--address ADDRESS]");
}

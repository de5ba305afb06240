/* SPDX-License-Identifier: GPL-2.0-or-later */
/* doctor: what is wrong, why, and the command that mends it, one line a finding. */
#include <stdio.h>
#include <string.h>

#include "ctl.h"

static void print_finding(const json_t *x)
{
	const char *port = ctl_text(x, "port"), *network = ctl_text(x, "network"),
		   *why = ctl_text(x, "why"), *command = ctl_text(x, "command");

	printf("%s: %s%s%s%s%s%s%s%s\n", ctl_text(x, "severity"),
	       *port	? "port " :
	       *network ? "network " :
			  "",
	       *port ? port : network, *port || *network ? ": " : "", ctl_text(x, "what"),
	       *why ? ": " : "", why, *command ? "; to mend it: " : "", command);
}

int ctl_doctor(struct ctl *c, int argc, char **argv)
{
	json_t *parameters = json_object(), *reply, *list;
	struct ctl_args a;
	bool well = true;
	const json_t *x;
	size_t i;

	ctl_parse(c, argc, argv, NULL, &a);
	ctl_expect(&a, 0, 1, false, "doctor [GUEST[/NIC]]");
	if (a.plains) {
		struct ctl_port p = ctl_parse_port(a.plain[0]);

		json_object_set_new(parameters, "guest", json_string(p.guest));
		if (p.nic >= 0)
			json_object_set_new(parameters, "nic", json_integer(p.nic));
	}
	reply = ctl_call(c, "io.netd.Doctor", parameters);
	list = json_object_get(reply, "findings");
	json_array_foreach (list, i, x) {
		well = well && !strcmp(ctl_text(x, "severity"), "note");
		if (!c->json)
			print_finding(x);
	}
	if (c->json)
		ctl_print_json(list);
	json_decref(reply);
	return well ? EXIT_DONE : EXIT_FAILED;
}

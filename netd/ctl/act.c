/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The subcommands that do something. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl.h"

/* --- release, wait, reload --- */

int ctl_release(struct ctl *c, int argc, char **argv)
{
	struct ctl_args a;
	struct ctl_port p;

	ctl_parse(c, argc, argv, NULL, &a);
	ctl_expect(&a, 1, 1, false, "release GUEST[/NIC]");
	p = ctl_parse_port(a.plain[0]);
	ctl_connect(c);
	if (netd_release(c->netd, p.guest, p.nic))
		ctl_fail("%s", netd_error(c->netd));
	return EXIT_DONE;
}

int ctl_link(struct ctl *c, int argc, char **argv)
{
	struct ctl_args a;
	struct ctl_port p;
	json_t *parameters;
	bool up;

	ctl_parse(c, argc, argv, NULL, &a);
	ctl_expect(&a, 2, 2, false, "link GUEST[/NIC] up|down");
	p = ctl_parse_port(a.plain[0]);
	up = !strcmp(a.plain[1], "up");
	if (!up && strcmp(a.plain[1], "down"))
		ctl_usage("a link is set up or down");
	parameters = json_pack("{s:s, s:b}", "guest", p.guest, "up", (int)up);
	if (p.nic >= 0)
		json_object_set_new(parameters, "nic", json_integer(p.nic));
	json_decref(ctl_call(c, "io.netd.SetLink", parameters));
	return EXIT_DONE;
}

double ctl_parse_seconds(const char *text)
{
	char *end;
	double v = strtod(text, &end);

	if (*end || end == text || !isfinite(v) || v < 0)
		ctl_usage("--timeout '%s' is not a number of seconds", text);
	return v;
}

int ctl_wait(struct ctl *c, int argc, char **argv)
{
	const char *what = NULL, *timeout = NULL;
	const struct ctl_option options[] = { { "for", &what, NULL },
					      { "timeout", &timeout, NULL },
					      { 0 } };
	json_t *parameters, *reply;
	struct ctl_args a;
	struct ctl_port p;

	ctl_parse(c, argc, argv, options, &a);
	ctl_expect(&a, 1, 1, false,
		   "wait GUEST[/NIC] [--for bound|attached|gone] [--timeout SECONDS]");
	p = ctl_parse_port(a.plain[0]);
	if (what && strcmp(what, "bound") && strcmp(what, "attached") && strcmp(what, "gone"))
		ctl_usage("--for is bound, attached or gone");
	parameters = json_pack("{s:s, s:i, s:s}", "guest", p.guest, "nic", p.nic < 0 ? 0 : p.nic,
			       "for", what ? what : "bound");
	if (timeout)
		json_object_set_new(parameters, "timeoutSeconds",
				    json_real(ctl_parse_seconds(timeout)));
	reply = ctl_call(c, "io.netd.Wait", parameters);
	if (c->json)
		ctl_print_json(json_object_get(reply, "port"));
	json_decref(reply);
	return EXIT_DONE;
}

int ctl_reload(struct ctl *c, int argc, char **argv)
{
	struct ctl_args a;

	ctl_parse(c, argc, argv, NULL, &a);
	ctl_expect(&a, 0, 0, false, "reload");
	json_decref(ctl_call(c, "io.netd.Reload", NULL));
	return EXIT_DONE;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The method SetLink. */
#include "api.h"

static void settled(void *arg, enum varlink_outcome outcome)
{
	if (outcome == VARLINK_TAKEN_BACK)
		port_unplugged(arg);
	else
		port_plugged(arg);
}

void api_set_link(struct varlink_call *call)
{
	bool up = json_is_true(json_object_get(call->parameters, "up"));
	struct ticket ticket = api_now(call);
	struct plugging *g;
	struct refusal r;

	if (!api_has_guest(call, api_text(call, "guest"), api_integer(call, "nic", -1)))
		return;
	if (port_plug(call->daemon, api_text(call, "guest"), api_integer(call, "nic", -1), up, &g,
		      &ticket, &r))
		api_refuse(call, &r);
	else
		varlink_reply_fds(call, ticket, NULL, NULL, 0, settled, g);
}

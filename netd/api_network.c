/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The methods CreateNetwork, DeleteNetwork and Plan. */
#include <stdlib.h>

#include "api.h"
#include "networks_made.h"
#include "plan.h"

static void ended(void *arg, enum varlink_outcome outcome)
{
	switch (outcome) {
	case VARLINK_DELIVERED:
		network_change_end(arg, NETWORK_CHANGE_KNOWN);
		break;
	case VARLINK_LOST:
		network_change_end(arg, NETWORK_CHANGE_UNKNOWN);
		break;
	case VARLINK_TAKEN_BACK:
		network_change_end(arg, NETWORK_CHANGE_TAKEN_BACK);
		break;
	}
}

void api_create_network(struct varlink_call *call)
{
	const struct network_request q = { .name = api_text(call, "name"),
					   .mode = api_text(call, "mode"),
					   .subnet = api_text(call, "subnet"),
					   .configuration = api_text(call, "configuration"),
					   .owner = call->uid };
	struct ticket ticket = ticket_no_promise();
	struct network_change *c;
	struct refusal r;

	if (network_create(call->daemon, &q, &c, &ticket, &r)) {
		api_refuse(call, &r);
		return;
	}
	varlink_reply_fds(
		call, ticket,
		json_pack("{s:o}", "network",
			  api_json_network(call->daemon, network_find(call->daemon, q.name))),
		NULL, 0, ended, c);
}

void api_delete_network(struct varlink_call *call)
{
	bool force = json_is_true(json_object_get(call->parameters, "force"));
	struct ticket ticket = ticket_no_promise();
	struct network_change *c;
	struct refusal r;

	if (network_delete(call->daemon, api_text(call, "name"), force, &c, &ticket, &r))
		api_refuse(call, &r);
	else
		varlink_reply_fds(call, ticket, NULL, NULL, 0, ended, c);
}

static json_t *text_or_null(const char *text)
{
	return text ? json_string(text) : json_null();
}

static json_t *change_json(const struct plan_change *c)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:s, s:o, s:o}", "network", text_or_null(c->network),
			 "key", text_or_null(c->key), "before", text_or_null(c->before), "after",
			 text_or_null(c->now), "effect", plan_effect_text(c->effect), "host",
			 text_or_null(c->host), "reason", text_or_null(c->reason));
}

void api_plan(struct varlink_call *call)
{
	struct plan_changes changes;
	struct refusal r;
	json_t *list;

	if (plan_make(call->daemon, &changes, &r)) {
		api_refuse(call, &r);
		return;
	}
	list = json_array();
	for (size_t i = 0; i < changes.n; i++)
		json_array_append_new(list, change_json(&changes.at[i]));
	plan_done(&changes);
	varlink_reply(call, api_now(call), json_pack("{s:o}", "changes", list));
}

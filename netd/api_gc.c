/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The API's method Gc. */
#include "api.h"
#include "gc.h"

static json_t *item_json(const struct gc_item *i)
{
	json_t *o = json_pack("{s:s, s:s, s:b}", "kind", gc_kind_text(i->kind), "why", i->why,
			      "removed", i->removed);

	api_json_set_text(o, "interface", i->name);
	api_json_set_text(o, "network", i->network);
	api_json_set_text(o, "kept", i->kept);
	return o;
}

void api_gc(struct varlink_call *call)
{
	bool dry_run = json_is_true(json_object_get(call->parameters, "dryRun"));
	struct ticket ticket = api_now(call);
	struct gc_list list;
	json_t *items;
	struct err err;

	if (gc_find(call->daemon, &list, &err)) {
		varlink_error(call, "io.netd.SystemFailed", json_pack("{s:s}", "reason", err.text));
		return;
	}
	if (!dry_run)
		gc_remove(call->daemon, &list, &ticket);
	items = json_array();
	for (size_t i = 0; i < list.n; i++)
		json_array_append_new(items, item_json(&list.item[i]));
	gc_list_done(&list);
	varlink_reply(call, ticket, json_pack("{s:o}", "items", items));
}

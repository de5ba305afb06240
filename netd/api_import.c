/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Import: guests of another DHCP server keep MAC and address. Each item becomes an allocation
 * without a device, or is refused with a sentence; all that were taken are one turn's, and are
 * taken back together when that cannot be stored.
 */
#include <stdlib.h>

#include "api.h"

/* --- refusals --- */

static const char *refusal_text(const struct refusal *r, struct err *text)
{
	switch (r->kind) {
	case REFUSED_PARAMETER:
		err_put(text, "%s is not acceptable: %s", r->subject, r->holder);
		break;
	case REFUSED_MAC_IN_USE:
	case REFUSED_ADDRESS_IN_USE:
		err_put(text, "%s is in use by %s", r->subject, r->holder);
		break;
	case REFUSED_ADDRESS_OUTSIDE:
		err_put(text, "%s is not a host of subnet %s", r->subject, r->holder);
		break;
	case REFUSED_TOO_MANY_PORTS:
		err_put(text, "netd has as many ports as its configuration allows (max-ports)");
		break;
	case REFUSED_STORAGE:
	case REFUSED_SYSTEM:
	case REFUSED_NO_NETWORK:
	case REFUSED_NETWORK_DOWN:
	case REFUSED_NO_GUEST:
	case REFUSED_ATTACHED:
	case REFUSED_POOL_EXHAUSTED:
	case REFUSED_NO_VHOST:
	case REFUSED_CONFIGURATION:
	case REFUSED_IN_USE:
	case REFUSED_EXISTS:
	case REFUSED_PORT_IN_USE:
	case REFUSED_INTERFACE:
	case REFUSED_WAIT: /* an address that is asked for does not wait */
		err_put(text, "%s", r->detail.text[0] ? r->detail.text : "out of memory");
		break;
	}
	return text->text;
}

/* --- one item --- */

/* The guest's own name if netd takes it and nobody has it, else one from the MAC. */
static void name_guest(struct daemon *d, const char *wished, const struct mac *m,
		       char ret[NAME_SIZE])
{
	if (wished && !bridge_name_refusal(wished) && !port_by_guest(d, wished, 0))
		snprintf(ret, NAME_SIZE, "%s", wished);
	else
		snprintf(ret, NAME_SIZE, "import-%02x%02x%02x%02x%02x%02x", m->octet[0],
			 m->octet[1], m->octet[2], m->octet[3], m->octet[4], m->octet[5]);
}

/* The port that has both already: it was imported before. */
static const struct port *find_imported(struct daemon *d, const struct network *n,
					const struct wish *wish)
{
	const struct dhcp_lease *l = dhcp_lease_by_addr(d->dhcp, n->slot, wish->address);
	const struct port *p = l && slots_live(&d->ports, l->port) ? &d->port[l->port] : NULL;

	return p && p->address == wish->address && mac_equal(&p->mac, &wish->mac) ? p : NULL;
}

static const char *member(const json_t *item, const char *name)
{
	return json_string_value(json_object_get(item, name));
}

/* What became of one item. *ret_new: the port that was made for it, or NULL. */
static json_t *import_one(struct daemon *d, const struct network *n, const json_t *item,
			  struct port **ret_new)
{
	const char *mac = member(item, "mac"), *address = member(item, "address");
	const struct port *had;
	char guest[NAME_SIZE];
	struct refusal r;
	struct wish wish;
	struct err text;

	*ret_new = NULL;
	if (!mac || !mac_parse(mac, &wish.mac))
		return json_pack("{s:s}", "reason", "it has no MAC address");
	if (!address || !ip4_parse(address, &wish.address) || !wish.address)
		return json_pack("{s:s}", "reason", "it has no IPv4 address");
	had = find_imported(d, n, &wish);
	if (had)
		return json_pack("{s:s}", "guest", had->guest);
	name_guest(d, member(item, "guest"), &wish.mac, guest);
	if (port_reserve(d, n, guest, &wish, ret_new, &r))
		return json_pack("{s:s}", "reason", refusal_text(&r, &text));
	return json_pack("{s:s}", "guest", guest);
}

/* --- all of them --- */

/* The ports that one call made. */
struct import {
	struct daemon *d;
	size_t n;
	struct handle port[];
};

static void undo(struct import *i)
{
	while (i->n) {
		uint32_t slot = slots_find(&i->d->ports, i->port[--i->n]);

		if (slot != SLOT_NONE)
			port_remove(i->d, &i->d->port[slot]);
	}
}

static void imported(void *arg, enum varlink_outcome outcome)
{
	struct import *i = arg;

	if (outcome == VARLINK_TAKEN_BACK)
		undo(i);
	free(i);
}

/* Those that were made are stored, too, unless it is a dry run. */
static json_t *import_all(struct import *made, const struct network *n, const json_t *items,
			  bool dry)
{
	json_t *results = json_array();
	size_t i;
	json_t *item;

	json_array_foreach ((json_t *)items, i, item) {
		struct port *p;
		json_t *result = import_one(made->d, n, item, &p);
		struct err err;

		if (p && !dry && port_store(made->d, p, NULL, &err)) {
			port_remove(made->d, p);
			p = NULL;
			json_decref(result);
			result = json_pack("{s:s}", "reason", err.text);
		}
		if (p)
			made->port[made->n++] = slots_handle(&made->d->ports, p->slot);
		json_array_append_new(results, result);
	}
	return results;
}

void api_import(struct varlink_call *call)
{
	const json_t *items = json_object_get(call->parameters, "items");
	bool dry = json_is_true(json_object_get(call->parameters, "dryRun"));
	const char *name = member(call->parameters, "network");
	struct network *n = network_find_or_default(call->daemon, name);
	struct import *made;
	json_t *results;

	if (!n || !n->up) {
		struct refusal r;

		refuse(&r, n ? REFUSED_NETWORK_DOWN : REFUSED_NO_NETWORK,
		       n    ? n->config->name :
		       name ? name :
			      "default",
		       NULL);
		if (n)
			r.detail = n->why_not;
		api_refuse(call, &r);
		return;
	}
	made = calloc(1, sizeof(*made) + json_array_size(items) * sizeof(*made->port));
	if (!made) {
		struct refusal r;

		refuse(&r, REFUSED_SYSTEM, NULL, NULL);
		api_refuse(call, &r);
		return;
	}
	made->d = call->daemon;
	results = import_all(made, n, items, dry);
	if (dry)
		undo(made);
	varlink_reply_fds(call, store_ticket(call->daemon->store),
			  json_pack("{s:s, s:o}", "network", n->config->name, "results", results),
			  NULL, 0, imported, made);
}

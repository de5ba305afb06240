/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the API lets a user see and do who is neither root nor an operator. What is somebody else's
 * does not exist for it: it is in no list, and asked for by name it is not there. Only who wants to
 * take such a name is told that it is taken.
 *
 * Called by dispatch and the handlers; authorize.c decides what blocks of the configuration allow.
 */
#include <inttypes.h>

#include "api.h"
#include "base/cleanup.h"
#include "peers.h"

/* --- answers --- */

static void not_permitted(const struct varlink_call *call, const char *why)
{
	varlink_error(call, "io.netd.NotPermitted", json_pack("{s:s}", "reason", why));
}

static bool permitted(const struct varlink_call *call, int rc, const struct err *why)
{
	if (rc)
		not_permitted(call, why->text);
	return !rc;
}

bool api_may_call(const struct varlink_call *call, enum api_privilege privilege)
{
	struct err why;

	if (call->all || privilege == ANYBODY)
		return true;
	if (privilege == OPERATOR) {
		err_put(&why, "user %" PRIu32 " is neither root nor an operator", call->uid);
		not_permitted(call, why.text);
		return false;
	}
	if (authorize_network(call->daemon->config, NULL, &call->who) ||
	    owner_count(call->daemon, NULL, call->uid).ports)
		return true;
	err_put(&why, "no allow block of the configuration is for user %" PRIu32, call->uid);
	not_permitted(call, why.text);
	return false;
}

/* --- what is seen --- */

bool api_sees_port(const struct varlink_call *call, const struct port *p)
{
	return call->all || p->owner == call->uid;
}

bool api_sees_guest(const struct varlink_call *call, const char *guest, int64_t nic)
{
	return call->all || guest_is_of(call->daemon, guest, nic, call->uid);
}

bool api_has_guest(const struct varlink_call *call, const char *guest, int64_t nic)
{
	char text[NAME_SIZE + 24];

	/* For those who see all there is a guest, or the handler says so itself. */
	if (api_sees_guest(call, guest, nic))
		return true;
	if (nic < 0)
		snprintf(text, sizeof(text), "%s", guest);
	else
		snprintf(text, sizeof(text), "%.63s/%" PRId64, guest, nic);
	varlink_error(call, "io.netd.NoSuchGuest", json_pack("{s:s}", "guest", text));
	return false;
}

bool api_sees_network(const struct varlink_call *call, const struct network *n)
{
	return call->all || authorize_network(call->daemon->config, n->config, &call->who) ||
	       owner_count(call->daemon, n, call->uid).ports;
}

bool api_sees_lease(const struct varlink_call *call, const struct store_lease *l)
{
	const struct network *n;
	const struct port *p;

	if (call->all)
		return true;
	n = network_find(call->daemon, l->network);
	p = n && l->guest[0] ? port_find(call->daemon, n->slot, l->guest, l->nic) : NULL;
	return p && p->owner == call->uid;
}

bool api_sees_published(const struct varlink_call *call, const struct published *p)
{
	uint32_t owner;

	return call->all || (guest_owner(call->daemon, p->guest, &owner) && owner == call->uid);
}

bool api_stream_sees(const struct varlink_stream *s, const struct event *e)
{
	return s->all || e->kind == EVENT_STARTED || (e->guest[0] && e->owner == s->uid);
}

json_t *api_stream_event(const struct varlink_stream *s, const struct event *e)
{
	struct event seen = *e;

	/* It says whose address the guest has taken. */
	if (!s->all && e->kind == EVENT_CONFLICT)
		seen.detail[0] = 0;
	return api_json_event(&seen);
}

/* The holder that a refusal names, if it may be: "port web1/0 of network a", "guest web1/0 of ...".
 */
static bool sees_holder(const struct varlink_call *call, const char *holder)
{
	char what[8], name[NAME_SIZE + 12], text[NAME_SIZE + 12];
	const struct port *p;

	if (sscanf(holder, "%7s %75[^ ,]", what, name) != 2 ||
	    (strcmp(what, "port") != 0 && strcmp(what, "guest") != 0))
		return false;
	for (uint32_t at = 0; (p = port_next(call->daemon, &at));)
		if (p->owner == call->uid && !strcmp(port_text(p, text), name))
			return true;
	return false;
}

const char *api_holder(const struct varlink_call *call, const char *holder)
{
	return call->all || sees_holder(call, holder) ? holder : "somebody else";
}

/* --- networks and status without what is others' --- */

static json_t *seen_names(const struct varlink_call *call, const json_t *names)
{
	json_t *seen = json_array(), *name;
	size_t i;

	json_array_foreach ((json_t *)names, i, name) {
		const struct network *n = network_find(call->daemon, json_string_value(name));

		if (n && api_sees_network(call, n))
			json_array_append(seen, name);
	}
	return seen;
}

json_t *api_json_network_seen(const struct varlink_call *call, const struct network *n)
{
	json_t *o = api_json_network(call->daemon, n);
	struct owner_ports own;

	if (!o || call->all)
		return o;
	own = owner_count(call->daemon, n, call->uid);
	json_object_set_new(o, "ports", json_integer(own.ports));
	json_object_set_new(o, "attached", json_integer(own.attached));
	json_object_set_new(o, "poolUsed", json_integer(own.addresses));
	json_object_set_new(o, "interfaces", json_array());
	json_object_set_new(o, "relays", json_array());
	json_object_set_new(o, "reach", seen_names(call, json_object_get(o, "reach")));
	json_object_set_new(o, "published", api_json_published_seen(call, n, NULL));
	return o;
}

json_t *api_json_networks_seen(const struct varlink_call *call, const char *name)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++) {
		const struct network *n = &call->daemon->network[i];

		if (n->used && (!name || !strcmp(n->config->name, name)) &&
		    api_sees_network(call, n))
			json_array_append_new(list, api_json_network_seen(call, n));
	}
	return list;
}

/* Of the same type, and says nothing. */
static json_t *nothing(const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		return json_object();
	case JSON_ARRAY:
		return json_array();
	case JSON_STRING:
		return json_string("");
	case JSON_INTEGER:
		return json_integer(0);
	case JSON_REAL:
		return json_real(0);
	case JSON_TRUE:
	case JSON_FALSE:
		return json_false();
	case JSON_NULL:
		break;
	}
	return json_null();
}

static unsigned bound_leases(const struct varlink_call *call)
{
	struct daemon *d = call->daemon;
	const struct port *p;
	unsigned n = 0;

	for (uint32_t at = 0; (p = port_next(d, &at));) {
		const struct dhcp_lease *l =
			p->owner == call->uid ? dhcp_lease_by_port(d->dhcp, p->slot) : NULL;

		n += l && l->state == DHCP_LEASE_BOUND;
	}
	return n;
}

json_t *api_json_status_seen(const struct varlink_call *call)
{
	static const char *const for_all[] = { "version", "pid", "started" };
	json_t *o = api_json_status(call->daemon), *seen, *v;
	struct owner_ports own;
	const char *name;

	if (!o || call->all)
		return o;
	seen = json_object();
	json_object_foreach (o, name, v)
		json_object_set_new(seen, name, nothing(v));
	for (size_t i = 0; i < ARRAY_SIZE(for_all); i++)
		json_object_set(seen, for_all[i], json_object_get(o, for_all[i]));
	own = owner_count(call->daemon, NULL, call->uid);
	json_object_set_new(seen, "networks", api_json_networks_seen(call, NULL));
	json_object_set_new(seen, "ports", json_integer(own.ports));
	json_object_set_new(seen, "attached", json_integer(own.attached));
	json_object_set_new(seen, "leases", json_integer(bound_leases(call)));
	json_object_set_new(seen, "clients",
			    json_integer(varlink_clients_of(call->daemon->varlink, call->uid)));
	json_decref(o);
	return seen;
}

/* --- attach and publish --- */

/* Not one of those that a guest gets by itself. */
static bool is_outside(const struct network *n, const struct port *has,
		       const struct attach_request *q)
{
	const struct config_host *host = config_host_find(n->config, q->guest);

	return q->wish.address && n->pool && !config_network_addressless(n->config) &&
	       !(has && has->address == q->wish.address) &&
	       !(host && host->address == q->wish.address) &&
	       !dhcp_pool_contains(n->pool, q->wish.address);
}

static int check_attach(const struct varlink_call *call, const struct network *n,
			const struct attach_request *q, struct err *why)
{
	struct daemon *d = call->daemon;
	const struct port *has = port_find(d, n->slot, q->guest, q->nic);
	struct authorize_attach a = { .network = n->config,
				      .guest = q->guest,
				      .fresh = !has,
				      .ports = owner_count(d, NULL, call->uid).ports,
				      .network_ports = owner_count(d, n, call->uid).ports,
				      .device = q->device,
				      .names_interface = q->interface && q->netns < 0,
				      .user = q->user,
				      .in_namespace = q->netns >= 0,
				      .outside = is_outside(n, has, q) };

	a.owned = guest_owner(d, q->guest, &a.owner);
	if (!has || !mac_equal(&has->mac, &q->wish.mac))
		a.mac = q->wish.mac;
	if (a.in_namespace && peer_namespace_owner(q->netns, &a.namespace_owner))
		return err_set(why, EPERM, "the network namespace cannot be looked at");
	return authorize_attach(d->config, &call->who, &a, why);
}

bool api_may_attach(const struct varlink_call *call, struct attach_request *q)
{
	const struct network *n = network_find_or_default(call->daemon, q->network);
	struct err why;

	/* Of what cannot be, attach.c says why, to those who may do anything at all. */
	if (!n || bridge_name_refusal(q->guest)) {
		if (!api_may_call(call, USER))
			return false;
	} else if (!call->all && !permitted(call, check_attach(call, n, q, &why), &why)) {
		return false;
	}
	q->owner = call->uid;
	guest_owner(call->daemon, q->guest, &q->owner);
	return true;
}

static size_t count_published(const struct varlink_call *call)
{
	const struct publishes *all = &call->daemon->publishes;
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++)
		n += !all->at[i].configured && api_sees_published(call, &all->at[i]);
	return n;
}

bool api_may_publish(const struct varlink_call *call, const struct publish_request *q)
{
	const struct port *p;
	struct err why;

	if (!api_has_guest(call, q->guest, q->nic))
		return false;
	p = port_by_guest(call->daemon, q->guest, q->nic < 0 ? 0 : (uint32_t)q->nic);
	if (call->all || !p)
		return true;
	return permitted(call,
			 authorize_publish(call->daemon->config,
					   call->daemon->network[p->network].config, &call->who,
					   q->port, q->ports, count_published(call), &why),
			 &why);
}

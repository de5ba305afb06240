/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The API's methods. A table says which parameters each has; they are checked before its handler
 * runs, so handlers take what is there for what it should be. Every refusal is a named error with
 * its parameters.
 */
#include <math.h>
#include <stdlib.h>

#include "api.h"
#include "doctor.h"
#include "io_netd_varlink.h"

/* --- parameters --- */

enum type { TEXT, INTEGER, NUMBER, TEXTS, BOOLEAN, ITEMS };

struct parameter {
	const char *name; /* NULL ends the list */
	enum type type;
	bool required;
};

enum { PARAMETERS_MAX = 16 };

struct method {
	const char *name;
	void (*handle)(struct varlink_call *call);
	enum api_privilege privilege;
	struct parameter parameter[PARAMETERS_MAX];
};

static bool has_type(const json_t *v, enum type type)
{
	size_t i;
	json_t *one;

	switch (type) {
	case TEXT:
		return json_is_string(v);
	case INTEGER:
		return json_is_integer(v) && json_integer_value(v) >= 0 &&
		       json_integer_value(v) <= UINT32_MAX;
	case NUMBER:
		return json_is_number(v) && json_number_value(v) >= 0;
	case TEXTS:
		json_array_foreach ((json_t *)v, i, one)
			if (!json_is_string(one))
				return false;
		return json_is_array(v);
	case BOOLEAN:
		return json_is_boolean(v);
	case ITEMS:
		json_array_foreach ((json_t *)v, i, one)
			if (!json_is_object(one))
				return false;
		return json_is_array(v);
	}
	return false;
}

/* The name of the first parameter that is wrong, missing or unknown; NULL when all is well. */
static const char *wrong_parameter(const struct method *m, json_t *given)
{
	const char *name;
	json_t *v;

	for (const struct parameter *p = m->parameter; p->name; p++) {
		v = json_object_get(given, p->name);
		if (json_is_null(v) || !v ? p->required : !has_type(v, p->type))
			return p->name;
	}
	json_object_foreach (given, name, v) {
		const struct parameter *p = m->parameter;

		while (p->name && strcmp(p->name, name))
			p++;
		if (!p->name)
			return name;
	}
	return NULL;
}

const char *api_text(const struct varlink_call *call, const char *name)
{
	return json_string_value(json_object_get(call->parameters, name));
}

int64_t api_integer(const struct varlink_call *call, const char *name, int64_t otherwise)
{
	const json_t *v = json_object_get(call->parameters, name);

	return json_is_integer(v) ? json_integer_value(v) : otherwise;
}

/* --- refusals --- */

void api_bad_value(const struct varlink_call *call, const char *parameter, const char *reason)
{
	varlink_error(call, "io.netd.BadValue",
		      json_pack("{s:s, s:s}", "parameter", parameter, "reason", reason));
}

/* A named error, and what its parameters are called. */
static const struct {
	const char *error, *subject, *holder, *detail;
} refusals[] = {
	[REFUSED_PARAMETER] = { "BadValue", "parameter", "reason", NULL },
	[REFUSED_NO_NETWORK] = { "NoSuchNetwork", "network", NULL, NULL },
	[REFUSED_NETWORK_DOWN] = { "NetworkDown", "network", NULL, "reason" },
	[REFUSED_NO_GUEST] = { "NoSuchGuest", "guest", NULL, NULL },
	[REFUSED_ATTACHED] = { "AlreadyAttached", "port", "holder", NULL },
	[REFUSED_MAC_IN_USE] = { "MacInUse", "mac", "holder", NULL },
	[REFUSED_ADDRESS_IN_USE] = { "AddressInUse", "address", "holder", NULL },
	[REFUSED_ADDRESS_OUTSIDE] = { "AddressOutside", "address", "subnet", NULL },
	[REFUSED_POOL_EXHAUSTED] = { "PoolExhausted", "network", NULL, NULL },
	[REFUSED_TOO_MANY_PORTS] = { "TooManyPorts", NULL, NULL, NULL },
	[REFUSED_NO_VHOST] = { "NoVhost", NULL, NULL, "reason" },
	[REFUSED_STORAGE] = { "StorageFailed", NULL, NULL, "reason" },
	[REFUSED_SYSTEM] = { "SystemFailed", NULL, NULL, "reason" },
	[REFUSED_CONFIGURATION] = { "BadConfiguration", NULL, NULL, "reason" },
	[REFUSED_IN_USE] = { "NetworkInUse", "network", "holder", NULL },
	[REFUSED_PORT_IN_USE] = { "PortInUse", "port", "holder", NULL },
	[REFUSED_EXISTS] = { "NetworkExists", "network", "place", NULL },
	[REFUSED_INTERFACE] = { "InterfaceInUse", "interface", "holder", NULL },
};

/* Who has what was asked for, or why a value is bad. */
static const char *holder_text(const struct varlink_call *call, const struct refusal *r)
{
	bool names = !strcmp(refusals[r->kind].holder, "holder") && r->kind != REFUSED_ATTACHED;

	return names ? api_holder(call, r->holder) : r->holder;
}

void api_refuse(const struct varlink_call *call, const struct refusal *r)
{
	json_t *parameters = json_object();
	char name[64];

	snprintf(name, sizeof(name), "io.netd.%s", refusals[r->kind].error);
	if (refusals[r->kind].subject)
		json_object_set_new(parameters, refusals[r->kind].subject, json_string(r->subject));
	if (refusals[r->kind].holder)
		json_object_set_new(parameters, refusals[r->kind].holder,
				    json_string(holder_text(call, r)));
	if (refusals[r->kind].detail)
		json_object_set_new(
			parameters, refusals[r->kind].detail,
			json_string(r->detail.text[0] ? r->detail.text : "out of memory"));
	varlink_error(call, name, parameters);
}

/* --- lists --- */

struct ticket api_now(const struct varlink_call *call)
{
	return store_ticket(call->daemon->store);
}

static void get_status(struct varlink_call *call)
{
	varlink_reply(call, api_now(call), api_json_status_seen(call));
}

static void list_networks(struct varlink_call *call)
{
	const char *name = api_text(call, "name");
	json_t *list = api_json_networks_seen(call, name);

	if (name && !json_array_size(list)) {
		json_decref(list);
		varlink_error(call, "io.netd.NoSuchNetwork", json_pack("{s:s}", "network", name));
		return;
	}
	varlink_reply(call, api_now(call), json_pack("{s:o}", "networks", list));
}

static void list_guests(struct varlink_call *call)
{
	const char *guest = api_text(call, "guest");
	struct guard_counts *counts = guard_counts(call->daemon);
	json_t *list = json_array();
	struct port *p;

	for (uint32_t at = 0; (p = port_next(call->daemon, &at));)
		if ((!guest || !strcmp(p->guest, guest)) && api_sees_port(call, p))
			json_array_append_new(
				list,
				api_json_port(call->daemon, p, counts ? &counts[p->slot] : NULL));
	free(counts);
	varlink_reply(call, api_now(call), json_pack("{s:o}", "guests", list));
}

struct lease_list {
	const struct varlink_call *call;
	struct {
		uint32_t address;
		char network[NAME_SIZE];
		json_t *lease;
	} * at;
	size_t n, cap;
};

static int add_lease(void *arg, const struct store_lease *l)
{
	struct lease_list *list = arg;

	if (!api_sees_lease(list->call, l))
		return 0;
	if (list->n == list->cap) {
		size_t cap = list->cap ? 2 * list->cap : 64;
		void *grown = realloc(list->at, cap * sizeof(*list->at));

		if (!grown)
			return -ENOMEM;
		list->at = grown;
		list->cap = cap;
	}
	list->at[list->n].address = l->address;
	memcpy(list->at[list->n].network, l->network, sizeof(l->network));
	list->at[list->n++].lease = api_json_lease(list->call->daemon, l);
	return 0;
}

static int compare_leases(const void *a, const void *b)
{
	const __typeof__(((struct lease_list *)0)->at[0]) *x = a, *y = b;
	int order = strcmp(x->network, y->network);

	return order ? order : (x->address > y->address) - (x->address < y->address);
}

static void list_leases(struct varlink_call *call)
{
	const char *network = api_text(call, "network");
	struct lease_list list = { .call = call };
	const struct network *n = network ? network_find(call->daemon, network) : NULL;
	json_t *array = json_array();
	struct err err;
	int rc;

	if (network && (!n || !api_sees_network(call, n))) {
		json_decref(array);
		varlink_error(call, "io.netd.NoSuchNetwork",
			      json_pack("{s:s}", "network", network));
		return;
	}
	rc = store_lease_list(call->daemon->store, network, add_lease, &list, &err);
	if (list.n)
		qsort(list.at, list.n, sizeof(*list.at), compare_leases);
	for (size_t i = 0; i < list.n; i++)
		json_array_append_new(array, list.at[i].lease);
	free(list.at);
	if (!rc) {
		varlink_reply(call, api_now(call), json_pack("{s:o}", "leases", array));
		return;
	}
	json_decref(array);
	varlink_error(call, "io.netd.StorageFailed",
		      json_pack("{s:s}", "reason", rc == -ENOMEM ? "out of memory" : err.text));
}

/* --- waiting and watching --- */

static const char *const waits[] = { "attached", "bound", "gone" };
enum { WAIT_ATTACHED, WAIT_BOUND, WAIT_GONE };

static json_t *poll_wait(struct daemon *d, struct varlink_stream *s, const char **ret_error)
{
	const struct port *there = port_by_guest(d, s->guest, s->nic),
			  *p = there && (s->all || there->owner == s->uid) ? there : NULL;
	const struct dhcp_lease *l = p ? dhcp_lease_by_port(d->dhcp, p->slot) : NULL;
	bool met = s->what == WAIT_ATTACHED ? p && p->state == PORT_ATTACHED :
		   s->what == WAIT_BOUND    ? p && p->ifindex && l && l->state == DHCP_LEASE_BOUND :
					      !p || !p->ifindex;

	struct guard_counts *counts;
	json_t *port = json_null();

	(void)ret_error;
	if (!met)
		return NULL;
	if (p) {
		counts = guard_counts(d);
		port = api_json_port(d, p, counts ? &counts[p->slot] : NULL);
		free(counts);
	}
	return json_pack("{s:o}", "port", port);
}

static void wait_for(struct varlink_call *call)
{
	struct varlink_stream s = {
		.poll = poll_wait, .once = true, .deadline = INT64_MAX, .what = -1
	};
	const json_t *timeout = json_object_get(call->parameters, "timeoutSeconds");
	const char *what = api_text(call, "for");

	for (int i = 0; i < 3; i++)
		if (!strcmp(what, waits[i]))
			s.what = i;
	if (s.what < 0) {
		api_bad_value(call, "for", "it is not attached, bound or gone");
		return;
	}
	if (bridge_name_refusal(api_text(call, "guest"))) {
		api_bad_value(call, "guest", bridge_name_refusal(api_text(call, "guest")));
		return;
	}
	snprintf(s.guest, sizeof(s.guest), "%s", api_text(call, "guest"));
	s.nic = (uint32_t)api_integer(call, "nic", 0);
	if (json_is_number(timeout))
		s.deadline = loop_now(call->daemon->loop) +
			     (int64_t)(fmin(json_number_value(timeout), 1e6) * (double)NS_PER_S);
	varlink_stream(call, &s);
}

static json_t *poll_watch(struct daemon *d, struct varlink_stream *s, const char **ret_error)
{
	uint64_t oldest = events_oldest(&d->events);
	const struct event *e;
	json_int_t lost;

	(void)ret_error;
	if (s->next < oldest) {
		s->lost += oldest - s->next;
		s->next = oldest;
	}
	do
		e = event_get(&d->events, s->next++);
	while (e && !api_stream_sees(s, e));
	if (!e) {
		s->next--;
		return NULL;
	}
	lost = (json_int_t)s->lost;
	s->lost = 0;
	return json_pack("{s:o, s:I}", "event", api_stream_event(s, e), "lost", lost);
}

static void watch(struct varlink_call *call)
{
	struct varlink_stream s = { .poll = poll_watch, .deadline = INT64_MAX };

	if (!call->more) {
		varlink_error(call, "org.varlink.service.ExpectedMore", NULL);
		return;
	}
	s.next = (uint64_t)api_integer(call, "from", (int64_t)call->daemon->events.next);
	if (s.next == 0)
		s.next = 1;
	varlink_stream(call, &s);
}

static void reload(struct varlink_call *call)
{
	struct refusal r;

	if (daemon_reload(call->daemon, &r))
		api_refuse(call, &r);
	else
		varlink_reply(call, api_now(call), NULL);
}

static json_t *finding_json(const struct finding *x)
{
	json_t *o = json_pack("{s:s, s:s}", "severity", finding_severity_text(x->severity), "what",
			      x->what);

	api_json_set_text(o, "network", x->network);
	api_json_set_text(o, "port", x->guest);
	api_json_set_text(o, "why", x->why);
	api_json_set_text(o, "command", x->command);
	return o;
}

static void doctor(struct varlink_call *call)
{
	const char *guest = api_text(call, "guest");
	int64_t nic = api_integer(call, "nic", -1);
	struct findings f = { .max = FINDINGS_MAX, .of_user = !call->all, .uid = call->uid };
	json_t *list = json_array();

	if (guest &&
	    (!port_exists(call->daemon, guest, nic) || !api_sees_guest(call, guest, nic))) {
		json_decref(list);
		varlink_error(call, "io.netd.NoSuchGuest", json_pack("{s:s}", "guest", guest));
		return;
	}
	f.at = calloc(f.max, sizeof(*f.at));
	if (f.at)
		doctor_examine(call->daemon, guest, nic, &f);
	for (unsigned i = 0; i < f.n; i++)
		json_array_append_new(list, finding_json(&f.at[i]));
	free(f.at);
	varlink_reply(call, api_now(call), json_pack("{s:o}", "findings", list));
}

/* --- introspection --- */

static void get_info(struct varlink_call *call)
{
	varlink_reply(call, ticket_no_promise(),
		      json_pack("{s:s, s:s, s:s, s:s, s:[s, s]}", "vendor", "netd", "product",
				"netd", "version", NETD_VERSION, "url", "https://varlink.org/",
				"interfaces", "org.varlink.service", "io.netd"));
}

static const char service_description[] =
	"# The Varlink service interface that every service has.\n"
	"interface org.varlink.service\n\n"
	"method GetInfo() -> (vendor: string, product: string, version: string, url: string, "
	"interfaces: []string)\n\n"
	"method GetInterfaceDescription(interface: string) -> (description: string)\n\n"
	"error InterfaceNotFound (interface: string)\n"
	"error MethodNotFound (method: string)\n"
	"error MethodNotImplemented (method: string)\n"
	"error InvalidParameter (parameter: string)\n"
	"error PermissionDenied ()\n"
	"error ExpectedMore ()\n";

static void get_description(struct varlink_call *call)
{
	const char *interface = api_text(call, "interface");
	const char *text = !strcmp(interface, "io.netd")	     ? io_netd_varlink :
			   !strcmp(interface, "org.varlink.service") ? service_description :
								       NULL;

	if (text)
		varlink_reply(call, ticket_no_promise(), json_pack("{s:s}", "description", text));
	else
		varlink_error(call, "org.varlink.service.InterfaceNotFound",
			      json_pack("{s:s}", "interface", interface));
}

/* --- dispatch --- */

static const struct method methods[] = {
	{ "org.varlink.service.GetInfo", get_info, ANYBODY, { { 0 } } },
	{ "org.varlink.service.GetInterfaceDescription",
	  get_description,
	  ANYBODY,
	  { { "interface", TEXT, true } } },
	{ "io.netd.GetStatus", get_status, USER, { { 0 } } },
	{ "io.netd.ListNetworks", list_networks, USER, { { "name", TEXT, false } } },
	{ "io.netd.ListGuests", list_guests, USER, { { "guest", TEXT, false } } },
	{ "io.netd.ListLeases", list_leases, USER, { { "network", TEXT, false } } },
	{ "io.netd.Attach",
	  api_attach,
	  ANYBODY,
	  { { "network", TEXT, false },
	    { "guest", TEXT, true },
	    { "nic", INTEGER, false },
	    { "mac", TEXT, false },
	    { "addresses", TEXTS, false },
	    { "queues", INTEGER, false },
	    { "vhost", TEXT, false },
	    { "device", TEXT, false },
	    { "interface", TEXT, false },
	    { "user", INTEGER, false },
	    { "networkNamespace", INTEGER, false },
	    { "vnetHeader", BOOLEAN, false } } },
	{ "io.netd.Detach",
	  api_detach,
	  USER,
	  { { "guest", TEXT, true }, { "nic", INTEGER, false } } },
	{ "io.netd.Release",
	  api_release,
	  USER,
	  { { "guest", TEXT, true }, { "nic", INTEGER, false } } },
	{ "io.netd.SetLink",
	  api_set_link,
	  USER,
	  { { "guest", TEXT, true }, { "nic", INTEGER, false }, { "up", BOOLEAN, true } } },
	{ "io.netd.Import",
	  api_import,
	  OPERATOR,
	  { { "network", TEXT, false }, { "items", ITEMS, true }, { "dryRun", BOOLEAN, false } } },
	{ "io.netd.Publish",
	  api_publish,
	  USER,
	  { { "guest", TEXT, true },
	    { "nic", INTEGER, false },
	    { "ports", TEXTS, true },
	    { "address", TEXT, false } } },
	{ "io.netd.Unpublish",
	  api_unpublish,
	  USER,
	  { { "guest", TEXT, true },
	    { "nic", INTEGER, false },
	    { "ports", TEXTS, false },
	    { "address", TEXT, false } } },
	{ "io.netd.ListPublished", api_list_published, USER, { { "guest", TEXT, false } } },
	{ "io.netd.Wait",
	  wait_for,
	  USER,
	  { { "guest", TEXT, true },
	    { "nic", INTEGER, false },
	    { "for", TEXT, true },
	    { "timeoutSeconds", NUMBER, false } } },
	{ "io.netd.Watch", watch, USER, { { "from", INTEGER, false } } },
	{ "io.netd.Reload", reload, OPERATOR, { { 0 } } },
	{ "io.netd.Plan", api_plan, OPERATOR, { { 0 } } },
	{ "io.netd.Metrics", api_metrics, OPERATOR, { { 0 } } },
	{ "io.netd.CreateNetwork",
	  api_create_network,
	  OPERATOR,
	  { { "name", TEXT, true },
	    { "mode", TEXT, false },
	    { "subnet", TEXT, false },
	    { "configuration", TEXT, false } } },
	{ "io.netd.DeleteNetwork",
	  api_delete_network,
	  OPERATOR,
	  { { "name", TEXT, true }, { "force", BOOLEAN, false } } },
	{ "io.netd.Gc", api_gc, OPERATOR, { { "dryRun", BOOLEAN, false } } },
	{ "io.netd.Doctor", doctor, USER, { { "guest", TEXT, false }, { "nic", INTEGER, false } } },
	{ "io.netd.Capture",
	  api_capture,
	  ANYBODY,
	  { { "guest", TEXT, true },
	    { "nic", INTEGER, false },
	    { "filter", TEXT, false },
	    { "snapshotLength", INTEGER, false },
	    { "dropped", BOOLEAN, false } } },
};

void api_methods(api_method_fn fn, void *arg)
{
	static const char *const types[] = {
		[TEXT] = "string",    [INTEGER] = "int",  [NUMBER] = "float",
		[TEXTS] = "[]string", [BOOLEAN] = "bool", [ITEMS] = "[]ImportItem"
	};

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		const struct method *m = &methods[i];

		fn(arg, m->name, NULL, NULL, false);
		for (const struct parameter *p = m->parameter; p->name; p++)
			fn(arg, m->name, p->name, types[p->type], p->required);
	}
}

static void no_such_method(const struct varlink_call *call)
{
	const char *dot = strrchr(call->method, '.');
	size_t len = dot ? (size_t)(dot - call->method) : 0;

	if (dot && ((len == 7 && !strncmp(call->method, "io.netd", len)) ||
		    (len == 19 && !strncmp(call->method, "org.varlink.service", len))))
		varlink_error(call, "org.varlink.service.MethodNotFound",
			      json_pack("{s:s}", "method", call->method));
	else
		varlink_error(call, "org.varlink.service.InterfaceNotFound",
			      json_pack("{s:s%}", "interface", call->method, len));
}

void api_dispatch(struct varlink_call *call)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		const struct method *m = &methods[i];
		const char *wrong;

		if (strcmp(m->name, call->method))
			continue;
		if (!api_may_call(call, m->privilege))
			return;
		wrong = wrong_parameter(m, call->parameters);
		if (wrong)
			varlink_error(call, "org.varlink.service.InvalidParameter",
				      json_pack("{s:s}", "parameter", wrong));
		else
			m->handle(call);
		return;
	}
	no_such_method(call);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ADD, DEL, CHECK, GC, STATUS.
 *
 * ADD is one call of netd's, which leaves nothing when it fails or its answer cannot be delivered.
 * What was attached, and whose runtime was killed before it read the result, goes with the DEL that
 * it has to call (SPEC.md, "Lifecycle & Ordering"), or by GC.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cni.h"

/* --- netd --- */

/* How errors of netd's are told. Others are CNI_REFUSED. */
static enum cni_code code_of(const struct netd *n)
{
	static const struct {
		const char *name;
		enum cni_code code;
	} codes[] = {
		{ "", CNI_TRY_AGAIN }, /* it cannot be reached, or hung up */
		{ "io.netd.TimedOut", CNI_TRY_AGAIN },
		{ "io.netd.TooManyClients", CNI_TRY_AGAIN },
		{ "io.netd.PoolExhausted", CNI_TRY_AGAIN },
		{ "io.netd.TooManyPorts", CNI_TRY_AGAIN },
		{ "io.netd.NetworkDown", CNI_TRY_AGAIN },
		{ "io.netd.StorageFailed", CNI_TRY_AGAIN },
		{ "io.netd.NoSuchNetwork", CNI_BAD_CONFIG },
		{ "io.netd.AddressOutside", CNI_BAD_CONFIG },
		{ "io.netd.BadValue", CNI_BAD_CONFIG },
		{ "org.varlink.service.InvalidParameter", CNI_BAD_CONFIG },
		{ "io.netd.NotPermitted", CNI_NOT_PERMITTED },
		{ "io.netd.AlreadyAttached", CNI_IN_USE },
		{ "io.netd.MacInUse", CNI_IN_USE },
		{ "io.netd.AddressInUse", CNI_IN_USE },
		{ "io.netd.PortInUse", CNI_IN_USE },
	};
	const char *name = netd_error_name(n);

	if (!strcmp(name, "io.netd.BadValue") && !strncmp(netd_error(n), "interface ", 10))
		return CNI_BAD_ENVIRONMENT;
	if (!strcmp(name, "io.netd.BadValue") && !strncmp(netd_error(n), "networkNamespace ", 17))
		return CNI_BAD_NAMESPACE;
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (!strcmp(codes[i].name, name))
			return codes[i].code;
	return CNI_REFUSED;
}

static int fail(const struct netd *n, struct cni_error *e)
{
	enum cni_code code = code_of(n);

	return cni_fail(e, code, "%s%s", code == CNI_BAD_ENVIRONMENT ? "CNI_IFNAME: " : "",
			netd_error(n));
}

/* A list of a reply. *ret_reply is the caller's, also after a failure: then NULL. */
static const json_t *list_of(struct netd *n, const char *method, const char *list, const char *key,
			     const char *value, json_t **ret_reply)
{
	json_t *parameters = value ? json_pack("{s:s}", key, value) : json_object();
	CLEAN_FREE char *text = parameters ? json_dumps(parameters, JSON_COMPACT) : NULL;
	const char *reply;

	json_decref(parameters);
	*ret_reply = NULL;
	if (!text || netd_call(n, method, text, &reply))
		return NULL;
	*ret_reply = json_loads(reply, 0, NULL);
	return json_object_get(*ret_reply, list);
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

static uint32_t nic_of(const json_t *port)
{
	return (uint32_t)json_integer_value(json_object_get(port, "nic"));
}

static bool is_missing(const struct netd *n)
{
	return !strcmp(netd_error_name(n), "io.netd.NoSuchGuest");
}

/* --- ADD --- */

static json_t *dns_of(struct netd *n, const struct cni_request *q, const char *network)
{
	json_t *reply, *dns;
	const json_t *list =
		list_of(n, "io.netd.ListNetworks", "networks", "name", network, &reply);

	dns = cni_dns(q, json_array_get(list, 0));
	json_decref(reply);
	return dns;
}

/* One list of ports for each address. */
static int publish(struct netd *n, const struct cni_request *q, const char *guest, uint32_t nic,
		   struct cni_error *e)
{
	for (unsigned i = 0; i < q->publishes; i++) {
		const struct cni_published *p = &q->published[i];
		json_t *parameters = json_pack("{s:s, s:i, s:[s]}", "guest", guest, "nic", (int)nic,
					       "ports", p->text);
		CLEAN_FREE char *text = NULL;

		if (p->address)
			json_object_set_new(parameters, "address", json_string(p->address));
		text = json_dumps(parameters, JSON_COMPACT);
		json_decref(parameters);
		if (netd_call(n, "io.netd.Publish", text, NULL))
			return fail(n, e);
	}
	return 0;
}

/* Where netd gives a route, it does so unless the container has one already. */
static bool is_routed(const struct cni_request *q, const char *gateway)
{
	struct cni_inside inside;

	if (!gateway[0])
		return false;
	return cni_look_inside(q, &inside, NULL) || !strcmp(inside.gateway, gateway);
}

int cni_add(struct netd *n, const struct cni_request *q, json_t **ret, struct cni_error *e)
{
	char guest[CNI_GUEST_SIZE];
	struct netd_attach wish = { .guest = guest,
				    .network = q->network,
				    .mac = q->mac[0] ? q->mac : NULL,
				    .address = q->address[0] ? q->address : NULL,
				    .vhost = NETD_VHOST_OFF,
				    .device = NETD_VETH,
				    .ifname = q->ifname,
				    .netns = q->netns };
	struct cni_attached a = { .ifname = q->ifname, .netns = q->netns };
	struct netd_port port;

	wish.nic = cni_guest_name(q->name, q->id, q->ifname, q->pod, guest);
	if (cni_netns_check(q, e))
		return -1;
	if (netd_attach(n, &wish, &port))
		return fail(n, e);
	if (publish(n, q, guest, wish.nic, e)) {
		cni_undo_add(n, q);
		return -1;
	}
	a.dns = dns_of(n, q, port.network);
	snprintf(a.interface, sizeof(a.interface), "%s", port.interface);
	snprintf(a.mac, sizeof(a.mac), "%s", port.mac);
	snprintf(a.address, sizeof(a.address), "%s", port.address);
	snprintf(a.gateway, sizeof(a.gateway), "%s", port.gateway);
	a.mtu = port.mtu;
	cni_own_mac(a.interface, a.interface_mac);
	a.routed = is_routed(q, a.gateway);
	*ret = cni_result(q, &a);
	json_decref(a.dns);
	return 0;
}

void cni_undo_add(struct netd *n, const struct cni_request *q)
{
	struct cni_error e;

	if (cni_del(n, q, &e))
		fprintf(stderr, "netd-cni: %s\n", e.details);
}

/* --- DEL and GC --- */

/* Releases those cards of containers that `is_wanted` says. The first failure is told; the others
 * go on. */
static int release_where(struct netd *n, const json_t *guests,
			 bool (*is_wanted)(const json_t *port, const void *arg), const void *arg,
			 struct cni_error *e)
{
	unsigned failed = 0;
	const json_t *port;
	size_t i;

	json_array_foreach (guests, i, port) {
		if (!is_wanted(port, arg) ||
		    !netd_release(n, text_of(port, "guest"), (int)nic_of(port)) || is_missing(n))
			continue;
		if (!failed++)
			cni_fail(e, code_of(n), "%s/%u: %s", text_of(port, "guest"),
				 (unsigned)nic_of(port), netd_error(n));
	}
	return failed ? -1 : 0;
}

struct wanted_one {
	const char *tail;
	uint32_t nic;
};

static bool is_one(const json_t *port, const void *arg)
{
	const char *tail = cni_guest_tail(text_of(port, "guest"));
	const struct wanted_one *w = arg;

	return tail && !strcmp(tail, w->tail) && nic_of(port) == w->nic;
}

int cni_del(struct netd *n, const struct cni_request *q, struct cni_error *e)
{
	char guest[CNI_GUEST_SIZE];
	uint32_t nic = cni_guest_name(q->name, q->id, q->ifname, q->pod, guest);
	struct wanted_one one = { cni_guest_tail(guest), nic };
	const json_t *guests;
	json_t *reply;
	int rc;

	if (!netd_release(n, guest, (int)nic))
		return 0;
	if (!is_missing(n))
		return fail(n, e);
	/* It is gone; or the runtime does not say the pod's name now, which it did then. */
	guests = list_of(n, "io.netd.ListGuests", "guests", NULL, NULL, &reply);
	if (!guests)
		return fail(n, e);
	rc = release_where(n, guests, is_one, &one, e);
	json_decref(reply);
	return rc;
}

static bool is_stale(const json_t *port, const void *arg)
{
	const struct cni_request *q = arg;
	const char *guest = text_of(port, "guest");
	const json_t *item;
	size_t i;

	if (!cni_guest_is_of(guest, q->name))
		return false;
	json_array_foreach (q->valid, i, item) {
		char valid[CNI_GUEST_SIZE];
		uint32_t nic = cni_guest_name(q->name, text_of(item, "containerID"),
					      text_of(item, "ifname"), NULL, valid);

		if (nic == nic_of(port) && !strcmp(cni_guest_tail(valid), cni_guest_tail(guest)))
			return false;
	}
	return true;
}

int cni_gc(struct netd *n, const struct cni_request *q, struct cni_error *e)
{
	json_t *reply;
	const json_t *guests = list_of(n, "io.netd.ListGuests", "guests", NULL, NULL, &reply);
	int rc = guests ? release_where(n, guests, is_stale, q, e) : fail(n, e);

	json_decref(reply);
	return rc;
}

/* --- CHECK --- */

static bool is_address_of(const struct cni_inside *inside, const char *address)
{
	for (unsigned i = 0; i < inside->addresses; i++)
		if (!strcmp(inside->address[i], address))
			return true;
	return false;
}

static int check_inside(const struct cni_request *q, const struct cni_expected *x,
			struct cni_error *e)
{
	struct cni_inside inside;
	struct err err;

	if (cni_look_inside(q, &inside, &err))
		return cni_fail(e, CNI_CHANGED, "%s", err.text);
	if (!inside.there)
		return cni_fail(e, CNI_CHANGED, "%s is not in the container", q->ifname);
	if (!inside.up)
		return cni_fail(e, CNI_CHANGED, "%s is down in the container", q->ifname);
	if (x->mac && strcasecmp(x->mac, inside.mac))
		return cni_fail(e, CNI_CHANGED, "%s has MAC address %s instead of %s", q->ifname,
				inside.mac, x->mac);
	for (unsigned i = 0; i < x->addresses; i++)
		if (!is_address_of(&inside, x->address[i]))
			return cni_fail(e, CNI_CHANGED, "%s has not address %s", q->ifname,
					x->address[i]);
	if (x->gateway && strcmp(inside.gateway, x->gateway))
		return cni_fail(e, CNI_CHANGED, "%s has not its default route by %s", q->ifname,
				x->gateway);
	return 0;
}

static int check_port(const struct cni_request *q, const json_t *port, const struct cni_expected *x,
		      struct cni_error *e)
{
	const char *address =
		json_string_value(json_array_get(json_object_get(port, "addresses"), 0));
	bool found = !address;

	if (strcmp(text_of(port, "state"), "attached") ||
	    strcmp(text_of(port, "guestInterface"), q->ifname))
		return cni_fail(e, CNI_CHANGED, "port %s/%u has no device", text_of(port, "guest"),
				(unsigned)nic_of(port));
	if (x->mac && strcasecmp(x->mac, text_of(port, "mac")))
		return cni_fail(e, CNI_CHANGED, "port %s/%u has MAC address %s instead of %s",
				text_of(port, "guest"), (unsigned)nic_of(port),
				text_of(port, "mac"), x->mac);
	for (unsigned i = 0; !found && i < x->addresses; i++)
		found = !strcmp(address, x->address[i]);
	if (!found)
		return cni_fail(e, CNI_CHANGED,
				"port %s/%u has address %s, which the result of ADD has not",
				text_of(port, "guest"), (unsigned)nic_of(port), address);
	return 0;
}

int cni_check(struct netd *n, const struct cni_request *q, struct cni_error *e)
{
	char guest[CNI_GUEST_SIZE];
	struct wanted_one one = { .nic = cni_guest_name(q->name, q->id, q->ifname, NULL, guest) };
	const json_t *guests, *port, *found = NULL;
	struct cni_expected x;
	json_t *reply;
	size_t i;
	int rc;

	one.tail = cni_guest_tail(guest);
	if (cni_expect(q, &x, e) || cni_netns_check(q, e))
		return -1;
	guests = list_of(n, "io.netd.ListGuests", "guests", NULL, NULL, &reply);
	if (!guests)
		return fail(n, e);
	json_array_foreach (guests, i, port)
		if (is_one(port, &one))
			found = port;
	if (found)
		rc = check_port(q, found, &x, e) || check_inside(q, &x, e) ? -1 : 0;
	else
		rc = cni_fail(e, CNI_CHANGED, "netd has no such container, %s", guest);
	json_decref(reply);
	return rc;
}

/* --- STATUS --- */

/* `default`, or the only one, when none is named, as netd chooses. */
static const json_t *network_of(const json_t *networks, const char *name)
{
	const json_t *n;
	size_t i;

	json_array_foreach (networks, i, n)
		if (!strcmp(text_of(n, "name"), name ? name : "default"))
			return n;
	return !name && json_array_size(networks) == 1 ? json_array_get(networks, 0) : NULL;
}

int cni_status(struct netd *n, const struct cni_request *q, struct cni_error *e)
{
	json_t *reply;
	const json_t *networks = list_of(n, "io.netd.ListNetworks", "networks", NULL, NULL, &reply),
		     *network = network_of(networks, q->network);
	json_int_t size = json_integer_value(json_object_get(network, "poolSize"));
	int rc = 0;

	if (!networks)
		rc = cni_fail(e, CNI_UNAVAILABLE, "%s", netd_error(n));
	else if (!network)
		rc = cni_fail(e, CNI_UNAVAILABLE, "there is no network '%s'",
			      q->network ? q->network : "default");
	else if (!json_is_true(json_object_get(network, "up")))
		rc = cni_fail(e, CNI_LIMITED, "network '%s' is not up: %s",
			      text_of(network, "name"), text_of(network, "reason"));
	else if (size && json_integer_value(json_object_get(network, "poolUsed")) >= size)
		rc = cni_fail(e, CNI_UNAVAILABLE, "network '%s' has no free address",
			      text_of(network, "name"));
	json_decref(reply);
	return rc;
}

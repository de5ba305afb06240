/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Our objects as JSON, in the shapes that io.netd.varlink defines. */
#include <inttypes.h>
#include <stdlib.h>

#include "api.h"
#include "doctor.h"

static json_t *text_or_null(const char *text)
{
	return text && *text ? json_string(text) : json_null();
}

static json_t *ip_text(uint32_t addr)
{
	char text[IP4_TEXT_SIZE];

	return json_string(ip4_text(addr, text));
}

static json_t *mac_json(const struct mac *m)
{
	char text[MAC_TEXT_SIZE];

	return json_string(mac_text(m, text));
}

static json_t *expiry(const struct daemon *d, int64_t boottime)
{
	return boottime == INT64_MAX ? json_null() : json_integer(loop_to_wall(d->loop, boottime));
}

static json_t *port_lease(struct daemon *d, const struct port *p)
{
	const struct dhcp_lease *l = dhcp_lease_by_port(d->dhcp, p->slot);
	enum dhcp_lease_state state = l ? l->state : DHCP_LEASE_FREE;

	return json_pack("{s:s, s:o}", "state", dhcp_lease_state_text(state), "expires",
			 l && state == DHCP_LEASE_BOUND ? expiry(d, l->expires) : json_null());
}

static json_t *port_guard(const struct daemon *d, const struct port *p,
			  const struct guard_counts *counts)
{
	json_t *drops = json_object();

	for (unsigned i = 0; counts && i < NFT_REASONS; i++)
		if (counts->packets[i])
			json_object_set_new(drops, nft_reason_text((enum nft_reason)i),
					    json_integer((json_int_t)counts->packets[i]));
	return json_pack("{s:s, s:o}", "mode",
			 config_guard_text(d->network[p->network].config->guard), "drops", drops);
}

static json_t *bits_or_null(uint64_t bits)
{
	return bits ? json_integer((json_int_t)bits) : json_null();
}

static json_t *port_rate(const struct daemon *d, const struct port *p)
{
	struct rtnl_rate in, out;

	rates_wanted(d, p, &in, &out);
	return json_pack("{s:o, s:o}", "in", bits_or_null(in.bits), "out", bits_or_null(out.bits));
}

static json_t *trunk(const struct rtnl_vlans *v)
{
	json_t *list = json_array();
	char text[CONFIG_VLAN_TEXT];

	for (unsigned i = 0; i < v->n; i++)
		json_array_append_new(list, json_string(config_vlan_text(&v->tagged[i], text)));
	return list;
}

/* Where its bridge filters. */
static void add_vlans(json_t *o, const struct daemon *d, const struct port *p)
{
	const struct rtnl_vlans v = vlans_of(d, p);
	bool filters = vlans_filter(&d->network[p->network]);

	json_object_set_new(o, "vlan", filters && v.native ? json_integer(v.native) : json_null());
	json_object_set_new(o, "trunk", trunk(&v));
}

json_t *api_json_port(struct daemon *d, const struct port *p, const struct guard_counts *counts)
{
	const struct network *n = &d->network[p->network];
	struct ip4_prefix prefix = { .addr = p->address, .len = n->subnet.len };
	char text[IP4_PREFIX_TEXT_SIZE];
	json_t *addresses = json_array(), *o;

	if (p->address)
		json_array_append_new(addresses, json_string(ip4_prefix_text(prefix, text)));
	o = json_pack(
		"{s:s, s:i, s:s, s:s, s:o, s:o, s:s, s:o, s:o, s:o, s:i, s:i, s:b, s:I, s:o, s:o,"
		" s:o, s:s, s:o, s:s, s:o}",
		"guest", p->guest, "nic", (int)p->nic, "network", n->config->name, "state",
		port_state_text(p->state), "interface", text_or_null(p->ifname), "interfaceIndex",
		p->ifindex ? json_integer(p->ifindex) : json_null(), "bridge", n->bridge, "mac",
		mac_json(&p->mac), "addresses", addresses, "gateway",
		network_gateway(d, n) ? ip_text(network_gateway(d, n)) : json_null(), "mtu",
		(int)n->mtu, "queues", (int)p->queues, "vhost", (int)p->vhost, "owner",
		(json_int_t)p->owner, "lease", port_lease(d, p), "guard", port_guard(d, p, counts),
		"published", api_json_port_published(d, p), "device", port_device_text(p->device),
		"guestInterface",
		p->within	       ? json_string(device_tap_name(p)) :
		p->device == PORT_VETH ? text_or_null(p->inside) :
					 json_null(),
		"link", p->unplugged ? "down" : "up", "rate", port_rate(d, p));
	if (o)
		add_vlans(o, d, p);
	return o;
}

static unsigned count_ports(struct daemon *d, const struct network *n)
{
	unsigned count = 0;
	struct port *p;

	for (uint32_t at = 0; (p = port_next(d, &at));)
		count += p->network == n->slot;
	return count;
}

static json_t *interfaces(const struct daemon *d, const struct network *n)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < d->joins; i++) {
		const struct joined *j = &d->joined[i];

		if (j->used && j->network == n->slot)
			json_array_append_new(list, json_pack("{s:s, s:b, s:b, s:b, s:o}", "name",
							      j->name, "present", j->ifindex != 0,
							      "joined", (int)j->in_bridge, "served",
							      (int)j->served, "reason",
							      text_or_null(j->why_not.text)));
	}
	return list;
}

static json_t *relay_subnets(const struct network *n)
{
	json_t *list = json_array();
	char text[IP4_PREFIX_TEXT_SIZE];

	for (unsigned i = 0; i < n->relays; i++) {
		const struct dhcp_relay_subnet *r = &n->relay[i];
		struct ip4_prefix net = { .addr = ip4_network(r->prefix), .len = r->prefix.len };

		json_array_append_new(list,
				      json_pack("{s:s, s:o, s:I, s:I}", "subnet",
						ip4_prefix_text(net, text), "router",
						ip_text(r->prefix.addr), "poolSize",
						(json_int_t)dhcp_pool_size(r->pool), "poolUsed",
						(json_int_t)dhcp_pool_used(r->pool)));
	}
	return list;
}

static json_t *names(const struct config_names *list)
{
	json_t *a = json_array();

	for (unsigned i = 0; i < list->n; i++)
		json_array_append_new(a, json_string(list->at[i]));
	return a;
}

static json_t *services(const struct config_services *list)
{
	char text[CONFIG_SERVICE_SIZE];
	json_t *a = json_array();

	for (unsigned i = 0; i < list->n; i++)
		json_array_append_new(a, json_string(config_service_text(&list->at[i], text)));
	return a;
}

static json_t *rules(const struct config_rules *list)
{
	char text[CONFIG_RULE_SIZE];
	json_t *a = json_array();

	for (unsigned i = 0; i < list->n; i++)
		json_array_append_new(a, json_string(config_rule_text(&list->at[i], text)));
	return a;
}

/* Who reaches whom. */
static void add_policy(json_t *o, const struct config_network *c)
{
	json_object_set_new(o, "isolate", json_boolean(c->isolate));
	json_object_set_new(o, "reach", names(&c->reach));
	json_object_set_new(o, "hostAccess", services(&c->host_access));
	json_object_set_new(o, "maxConnections", json_integer(c->max_connections));
	json_object_set_new(o, "rules", rules(&c->rules));
}

static void add_origin(json_t *o, const struct config_network *c)
{
	char place[200];

	snprintf(place, sizeof(place), "%.180s:%d", c->place.file ? c->place.file : "",
		 c->place.line);
	json_object_set_new(o, "configured",
			    c->made || !c->place.file ? json_null() : json_string(place));
	json_object_set_new(o, "owner", c->made ? json_integer(c->owner) : json_null());
	json_object_set_new(o, "created", c->made ? json_integer(c->created) : json_null());
}

/* What DHCP tells guests, for those that do not ask it. */
static void add_resolver(json_t *o, const struct network *n)
{
	json_t *servers = json_array();
	size_t len = 0;
	const uint8_t *data = n->options ? dhcp_option_set_get(n->options, 6, &len) : NULL;
	struct rd r = rd_init(data, data ? len : 0);

	while (rd_left(&r) >= 4)
		json_array_append_new(servers, ip_text(rd_be32(&r)));
	json_object_set_new(o, "nameServers", servers);
	json_object_set_new(o, "domain", text_or_null(n->config->domain));
}

json_t *api_json_network(struct daemon *d, const struct network *n)
{
	struct ip4_prefix net = { .addr = ip4_network(n->subnet), .len = n->subnet.len };
	char text[IP4_PREFIX_TEXT_SIZE];
	json_t *o;

	o = json_pack("{s:s, s:s, s:b, s:o, s:s, s:o, s:o, s:o, s:i, s:b, s:I, s:I, s:i, s:i,"
		      " s:o, s:o}",
		      "name", n->config->name, "mode", config_mode_text(n->config->mode), "up",
		      (int)n->up, "reason", n->up ? json_null() : text_or_null(n->why_not.text),
		      "bridge", n->bridge, "bridgeMac", mac_json(&n->bridge_mac), "subnet",
		      net.len ? json_string(ip4_prefix_text(net, text)) : json_null(), "gateway",
		      net.len ? ip_text(n->subnet.addr) : json_null(), "mtu", (int)n->mtu, "dhcp",
		      (int)n->config->dhcp, "poolSize", (json_int_t)network_pool_size(n),
		      "poolUsed", (json_int_t)network_pool_used(d, n), "ports",
		      (int)count_ports(d, n), "attached", (int)n->attached, "interfaces",
		      interfaces(d, n), "relays", relay_subnets(n));
	if (!o)
		return NULL;
	add_policy(o, n->config);
	add_origin(o, n->config);
	add_resolver(o, n);
	json_object_set_new(o, "published", api_json_network_published(d, n));
	json_object_set_new(o, "uplink", text_or_null(n->config->uplink));
	return o;
}

static json_t *hexadecimal(const uint8_t *data, size_t len)
{
	char text[3 * 256];
	size_t n = 0;

	if (!data || !len)
		return json_null();
	for (size_t i = 0; i < len && i < 255; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, i ? ":%02x" : "%02x", data[i]);
	return json_string(text);
}

json_t *api_json_lease(struct daemon *d, const struct store_lease *l)
{
	int64_t expires = l->expires_wall;

	/* The wall clock may have been set since; CLOCK_BOOTTIME was not. */
	if (l->same_boot)
		expires = loop_to_wall(d->loop, l->expires);
	return json_pack(
		"{s:s, s:o, s:o, s:o, s:o, s:s, s:o, s:s, s:o}", "network", l->network, "address",
		ip_text(l->address), "mac", mac_json(&l->mac), "clientId",
		hexadecimal(l->client_id, l->client_id_len), "hostname", text_or_null(l->hostname),
		"guest", l->guest, "nic", l->guest[0] ? json_integer(l->nic) : json_null(), "state",
		dhcp_lease_state_text(l->state), "expires",
		l->state == DHCP_LEASE_BOUND && expires != INT64_MAX ? json_integer(expires) :
								       json_null());
}

void api_json_set_text(json_t *o, const char *key, const char *text)
{
	if (*text)
		json_object_set_new(o, key, json_string(text));
}

json_t *api_json_event(const struct event *e)
{
	json_t *o = json_pack("{s:I, s:f, s:s}", "number", (json_int_t)e->number, "time",
			      (double)e->wall_us / 1e6, "event", event_kind_text(e->kind));

	api_json_set_text(o, "network", e->network);
	api_json_set_text(o, "guest", e->guest);
	if (e->guest[0])
		json_object_set_new(o, "nic", json_integer(e->nic));
	api_json_set_text(o, "interface", e->ifname);
	if (!mac_is_zero(&e->mac))
		json_object_set_new(o, "mac", mac_json(&e->mac));
	if (e->address)
		json_object_set_new(o, "address", ip_text(e->address));
	if (e->seconds)
		json_object_set_new(o, "leaseSeconds", json_integer(e->seconds));
	if (e->exchange_ns >= 0)
		json_object_set_new(o, "exchangeMicroseconds", json_integer(e->exchange_ns / 1000));
	api_json_set_text(o, "hostname", e->hostname);
	api_json_set_text(o, "detail", e->detail);
	return o;
}

/* --- status --- */

static json_t *messages(const uint64_t *count)
{
	json_t *o = json_object();

	for (unsigned type = DHCP_DISCOVER; type <= DHCP_INFORM; type++)
		if (count[type])
			json_object_set_new(o, dhcp_type_text(type),
					    json_integer((json_int_t)count[type]));
	return o;
}

static json_t *sent(const uint64_t *count)
{
	json_t *o = messages(count);

	if (count[0])
		json_object_set_new(o, "BOOTREPLY", json_integer((json_int_t)count[0]));
	return o;
}

static json_t *drops(const uint64_t *count)
{
	json_t *o = json_object();

	for (int drop = DHCP_DROP_NONE + 1; drop < DHCP_DROP_MAX; drop++)
		if (count[drop])
			json_object_set_new(o, dhcp_drop_text((enum dhcp_drop)drop),
					    json_integer((json_int_t)count[drop]));
	return o;
}

static json_t *uplinks(const struct daemon *d)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < d->uplinks; i++) {
		const struct uplink *u = &d->uplink[i];
		const char *forwarding =
			d->forwards_for_all ? "for everybody" :
			u->forwarding_ours  ? "switched on by netd, for its networks only" :
					      "as it was";

		json_array_append_new(list,
				      json_pack("{s:s, s:i, s:s}", "interface", u->name, "mtu",
						(int)u->mtu, "forwarding", forwarding));
	}
	return list;
}

static void warn(json_t *list, const char *fmt, ...) ERR_PRINTF(2, 3);

static void warn(json_t *list, const char *fmt, ...)
{
	struct err text;
	va_list ap;

	va_start(ap, fmt);
	err_vset(&text, fmt, ap);
	va_end(ap);
	json_array_append_new(list, json_string(text.text));
}

static json_t *warnings(const struct daemon *d)
{
	json_t *list = json_array();
	struct mtu_trouble small;
	bool outward = false;
	char port[16];

	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++) {
		const struct network *n = &d->network[i];

		if (!n->used)
			continue;
		outward = outward || bridge_mode_routes(n->config->mode);
		if (!n->up)
			warn(list, "network %s is not up: %s", n->config->name, n->why_not.text);
		else if (n->subnet.len && network_pool_used(d, n) == network_pool_size(n))
			warn(list, "network %s has no free address", n->config->name);
		if (n->up && mtu_too_large(d, n, &small))
			warn(list,
			     "network %s: guests' packets can be too large for %s: its MTU is "
			     "%" PRIu32 ", theirs %" PRIu32,
			     n->config->name, small.link, small.mtu, n->mtu);
	}
	for (unsigned i = 0; i < d->joins; i++)
		if (d->joined[i].used && d->joined[i].why_not.text[0])
			warn(list, "interface %s is not in network %s: %s", d->joined[i].name,
			     d->network[d->joined[i].network].config->name,
			     d->joined[i].why_not.text);
	for (unsigned i = 0; i < d->look.n; i++)
		if (d->look.found[i].severity > FINDING_NOTE)
			warn(list, "%s: %s", d->look.found[i].what, d->look.found[i].why);
	for (size_t i = 0; i < d->publishes.n; i++) {
		const struct published *p = &d->publishes.at[i];

		if (p->why_not[0] && !p->leaving)
			warn(list, "port %s of guest %s/%" PRIu32 " is not published: %s",
			     published_port_text(&p->port, p->port.port, port), p->guest, p->nic,
			     p->why_not);
	}
	if (outward && !d->uplinks)
		warn(list, "the host has no default route: guests reach nothing beyond it");
	for (unsigned i = 0; i < d->coexist.findings; i++)
		if (d->coexist.finding[i].severity == FINDING_BREAKS)
			warn(list, "%s; %s", d->coexist.finding[i].what,
			     d->coexist.finding[i].command);
	if (d->storage_failed)
		warn(list, "the state cannot be written: nothing new is promised");
	if (d->links_overflow)
		warn(list, "the host has more interfaces than can be watched; raise max-ports");
	return list;
}

static json_t *networks(struct daemon *d)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++)
		if (d->network[i].used)
			json_array_append_new(list, api_json_network(d, &d->network[i]));
	return list;
}

static unsigned bound_leases(struct daemon *d)
{
	unsigned n = 0;
	struct port *p;

	for (uint32_t at = 0; (p = port_next(d, &at));) {
		const struct dhcp_lease *l = dhcp_lease_by_port(d->dhcp, p->slot);

		n += l && l->state == DHCP_LEASE_BOUND;
	}
	return n;
}

json_t *api_json_status(struct daemon *d)
{
	const struct dhcp_counters *c = dhcp_counters(d->dhcp);
	unsigned attached = 0;

	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++)
		attached += d->network[i].attached;
	return json_pack(
		"{s:s, s:i, s:I, s:o, s:o, s:i, s:i, s:i, s:i, s:o, s:o, s:o, s:I, s:I, s:o}",
		"version", NETD_VERSION, "pid", (int)getpid(), "started", (json_int_t)d->started,
		"networks", networks(d), "uplinks", uplinks(d), "ports", (int)d->ports.used,
		"attached", (int)attached, "leases", (int)bound_leases(d), "clients",
		(int)varlink_clients(d->varlink), "dhcpReceived", messages(c->received), "dhcpSent",
		sent(c->sent), "dhcpDropped", drops(c->dropped), "rulesRestored",
		(json_int_t)d->heal.rules_restored, "healed", (json_int_t)d->heal.healed,
		"warnings", warnings(d));
}

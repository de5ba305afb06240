/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Networks: which subnet, which addresses are free in it, and the bridge that stands for it on the
 * host. Bringing one up is idempotent: what is already so is left alone, and a bridge that bears
 * our mark is taken over.
 */
#include <inttypes.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "daemon.h"
#include "resolv.h"

struct network *network_find(struct daemon *d, const char *name)
{
	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++)
		if (d->network[i].used && !strcmp(d->network[i].config->name, name))
			return &d->network[i];
	return NULL;
}

struct network *network_find_or_default(struct daemon *d, const char *name)
{
	struct network *only = NULL, *n = network_find(d, name ? name : "default");

	if (n || name)
		return n;
	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++) {
		if (!d->network[i].used)
			continue;
		if (only)
			return NULL;
		only = &d->network[i];
	}
	return only;
}

struct network *network_by_bridge(struct daemon *d, uint32_t ifindex)
{
	for (unsigned i = 0; ifindex && i < CONFIG_NETWORKS_MAX; i++)
		if (d->network[i].used && d->network[i].bridge_index == ifindex)
			return &d->network[i];
	return NULL;
}

uint32_t network_gateway(const struct daemon *d, const struct network *n)
{
	return bridge_mode_lan(n->config->mode) || config_network_routes(d->config, n->config) ?
		       n->subnet.addr :
		       0;
}

bool network_stands(const struct network *n)
{
	return n->pool && !n->bridge_foreign && !bridge_mode_lan(n->config->mode);
}

struct network *network_add(struct daemon *d, const struct config_network *c)
{
	for (uint32_t i = 0; i < CONFIG_NETWORKS_MAX; i++) {
		struct network *n = &d->network[i];

		if (n->used)
			continue;
		*n = (struct network){ .used = true, .slot = i, .config = c };
		if (!network_is_macvtap(n))
			bridge_link_name(c->name, n->bridge);
		n->bridge_mac = allocate_bridge_mac(d, c->name);
		return n;
	}
	return NULL;
}

/* --- subnet --- */

static bool in_supernet(const struct config *c, struct ip4_prefix p)
{
	for (unsigned i = 0; i < c->supernet.n; i++)
		if (p.len >= c->supernet.at[i].len && ip4_within(c->supernet.at[i], p.addr))
			return true;
	return false;
}

static bool has_address(const struct daemon *d, uint32_t ifindex, struct ip4_prefix p)
{
	for (size_t i = 0; i < d->addrs; i++)
		if (d->addr[i].index == ifindex && d->addr[i].prefix.addr == p.addr &&
		    d->addr[i].prefix.len == p.len)
			return true;
	return false;
}

/* What is in the way of a prefix: at most one. */
static int find_clash(struct daemon *d, const struct network *n, struct ip4_prefix p,
		      struct bridge_taken *ret, bool *ret_found, struct err *err)
{
	CLEAN_FREE struct bridge_taken *taken = NULL;
	const struct bridge_taken *clash;
	size_t count = 0;
	int rc = network_taken(d, n, &p, &taken, &count, err);

	if (rc)
		return rc;
	clash = bridge_subnet_clash(p, taken, count);
	*ret_found = clash != NULL;
	if (clash)
		*ret = *clash;
	return 0;
}

static int choose_new(struct daemon *d, const struct network *n, struct ip4_prefix *ret,
		      struct err *err)
{
	CLEAN_FREE struct bridge_taken *taken = NULL;
	size_t count = 0;
	int rc = network_taken(d, n, NULL, &taken, &count, err);

	return rc ? rc :
		    bridge_subnet_choose(&d->address_key, n->config->name, d->config->supernet.at,
					 d->config->supernet.n, taken, count, ret, err);
}

/* The one remembered, if it still fits or is in use; else a new one. */
static int choose_auto(struct daemon *d, const struct network *n, struct ip4_prefix *ret,
		       struct err *err)
{
	struct bridge_taken clash;
	struct ip4_prefix old;
	bool clashes;
	int rc = store_subnet_get(d->store, n->config->name, &old, err);

	if (rc && rc != -ENOENT)
		return rc;
	if (rc || !in_supernet(d->config, old))
		return choose_new(d, n, ret, err);
	rc = find_clash(d, n, old, &clash, &clashes, err);
	if (rc)
		return rc;
	if (clashes && has_address(d, n->bridge_index, old))
		log_warning("network %s: its subnet overlaps %s", n->config->name, clash.what);
	if (!clashes || has_address(d, n->bridge_index, old)) {
		*ret = old;
		return 0;
	}
	log_notice("network %s: its former subnet overlaps %s, so it gets another", n->config->name,
		   clash.what);
	return choose_new(d, n, ret, err);
}

static int check_explicit(struct daemon *d, const struct network *n, struct err *err)
{
	char text[IP4_PREFIX_TEXT_SIZE];
	struct bridge_taken clash;
	bool clashes;
	int rc = find_clash(d, n, n->config->subnet, &clash, &clashes, err);

	if (rc || !clashes)
		return rc;
	ip4_prefix_text(n->config->subnet, text);
	/* Guests are running on it: the newcomer is to be mended, not they. */
	if (has_address(d, n->bridge_index, n->config->subnet)) {
		log_warning("network %s: its subnet %s overlaps %s", n->config->name, text,
			    clash.what);
		return 0;
	}
	return err_set(err, EADDRINUSE, "subnet %s overlaps %s", text, clash.what);
}

int network_choose_subnet(struct daemon *d, const struct network *n, struct ip4_prefix *ret,
			  struct err *err)
{
	if (n->config->mistake)
		return err_set(err, EINVAL, "%s", n->config->mistake);
	if (config_network_addressless(n->config)) {
		*ret = (struct ip4_prefix){ 0 };
		return 0;
	}
	/* The host may be on that LAN. */
	if (bridge_mode_lan(n->config->mode)) {
		*ret = n->config->subnet;
		return 0;
	}
	if (n->config->auto_subnet)
		return choose_auto(d, n, ret, err);
	*ret = n->config->subnet;
	return check_explicit(d, n, err);
}

int network_plan(struct daemon *d, struct network *n, struct err *err)
{
	int rc = network_choose_subnet(d, n, &n->subnet, err);

	return rc ? rc : network_make_pools(d, n, err);
}

/* --- DHCP --- */

static int copy_options(struct dhcp_option_set *to, const struct dhcp_option_set *from)
{
	uint8_t code;
	int rc = 0;

	dhcp_option_set_next_server(to, dhcp_option_set_get_next_server(from));
	for (unsigned i = 0; !rc && dhcp_option_set_nth(from, i, &code); i++) {
		size_t len;
		const uint8_t *data = dhcp_option_set_get(from, code, &len);

		rc = dhcp_option_set_put(to, code, data, len);
	}
	return rc;
}

static int put_dns(struct network *n, struct dhcp_option_set *to)
{
	uint32_t server[CONFIG_LIST_MAX];
	unsigned count = resolv_upstreams(server, CONFIG_LIST_MAX);
	uint8_t wire[4 * CONFIG_LIST_MAX];
	struct wr w = wr_init(wire, sizeof(wire));

	for (unsigned i = 0; i < count; i++)
		wr_be32(&w, server[i]);
	if (!count)
		log_warning(
			"network %s: the host has no name server that guests could use; set dns",
			n->config->name);
	return count ? dhcp_option_set_put(to, 6, wire, w.len) : 0;
}

static int make_options(struct network *n, struct err *err)
{
	struct dhcp_option_set *set;
	int rc = dhcp_option_set_new(&set);

	if (rc)
		return err_set(err, ENOMEM, "out of memory");
	rc = copy_options(set, n->config->options.wire);
	if (!rc && n->config->auto_dns && n->config->mode != BRIDGE_MODE_ISOLATED &&
	    !config_network_addressless(n->config))
		rc = put_dns(n, set);
	if (rc) {
		dhcp_option_set_free(set);
		return err_set(err, ENOMEM, "out of memory");
	}
	dhcp_option_set_free(n->options);
	n->options = set;
	return 0;
}

static void add_classes(struct dhcp_net_config *net, const struct config_classes *classes)
{
	for (unsigned i = 0; i < classes->n; i++)
		net->class[net->classes++] = &classes->at[i].match;
}

int network_configure(struct daemon *d, struct network *n, struct err *err)
{
	const struct config_network *c = n->config;
	struct dhcp_net_config net = { .serve = c->dhcp,
				       .identity = c->identity,
				       .authoritative = c->authoritative,
				       .rapid_commit = c->rapid_commit,
				       .subnet_selection = c->subnet_selection,
				       .bootp = c->bootp,
				       .pool = n->pool,
				       .hosts = n->hosts,
				       .relay = n->relay,
				       .relays = n->relays,
				       .keep_leases = c->keep_leases,
				       .clients_max = c->port_leases,
				       .server = n->subnet,
				       .router = network_gateway(d, n),
				       .mac = n->bridge_mac,
				       .mtu = (uint16_t)(n->mtu > UINT16_MAX ? UINT16_MAX : n->mtu),
				       .lease_time = c->lease_time,
				       .min_lease_time = c->min_lease_time,
				       .max_lease_time = c->max_lease_time,
				       .offer_hold = c->offer_hold,
				       .quarantine = c->quarantine };
	int rc = make_options(n, err);

	if (rc)
		return rc;
	if (lan_is(n))
		net.server.addr = lan_server(d, n);
	net.options = n->options;
	net.global = d->config->options.wire;
	for (unsigned i = 0; i < n->relays; i++)
		n->relay[i].options = c->relay[i].options.wire;
	add_classes(&net, &c->classes);
	add_classes(&net, &d->config->classes);
	rc = dhcp_net_set(d->dhcp, n->slot, &net);
	if (rc)
		return err_sys(err, -rc, "cannot configure its DHCP");
	ports_configure(d, n);
	return 0;
}

/* --- the state --- */

struct loading {
	struct daemon *d;
	struct network *n;
	unsigned full;
	struct err *err;
};

static int load_allocation(void *arg, const struct store_allocation *a)
{
	struct loading *l = arg;
	struct port p = { .network = l->n->slot,
			  .nic = a->nic,
			  .mac = a->mac,
			  .mac_given = a->mac_given,
			  .generation = a->generation,
			  .address = a->address,
			  .address_given = a->address_given,
			  .owner = a->owner,
			  .queues = a->queues,
			  .vhost = a->vhost,
			  .user = a->user,
			  .unplugged = a->unplugged,
			  .created = a->created };

	if (port_find(l->d, l->n->slot, a->guest, a->nic))
		return 0;
	memcpy(p.guest, a->guest, sizeof(p.guest));
	memcpy(p.inside, a->inside, sizeof(p.inside));
	if (port_device_parse(a->device, &p.device))
		return err_set(l->err, EBADMSG, "the state has a port of a kind that is not known");
	/* The subnet is another now: the address is chosen anew when all are loaded. */
	if (!ip4_within(l->n->subnet, p.address) || p.address == l->n->subnet.addr)
		p.address = 0;
	l->full += !port_insert(l->d, &p);
	return 0;
}

static void move_strays(struct daemon *d, struct network *n)
{
	struct wish wish = { 0 };
	struct port *p;

	for (uint32_t at = 0; (p = port_next(d, &at));) {
		struct port moved = *p;
		struct refusal r;
		struct err err;

		if (p->network != n->slot || p->address || config_network_addressless(n->config))
			continue;
		if (allocate(d, &moved, &wish, &r) || port_readdress(d, p, &moved) ||
		    port_store(d, p, NULL, &err))
			log_warning("port %s/%" PRIu32
				    ": there is no address for it in the new subnet of network %s",
				    p->guest, p->nic, n->config->name);
	}
}

int network_load(struct daemon *d, struct network *n, struct err *err)
{
	struct loading l = { .d = d, .n = n, .err = err };
	int rc = store_allocation_list(d->store, n->config->name, load_allocation, &l, err);

	if (rc)
		return rc;
	if (l.full)
		log_warning("network %s: %u allocations of the state find no room; raise max-ports",
			    n->config->name, l.full);
	move_strays(d, n);
	rc = serve_load(d, n, err);
	if (!rc)
		rc = published_load(d, n, err);
	n->grown_told = dhcp_pool_grown(n->pool);
	return rc;
}

/* --- the bridge --- */

/* The link that bears the bridge's name. */
struct bridge_search {
	const char *name;
	struct rtnl_link link; /* index 0: there is none */
};

static int search_bridge(void *arg, const struct rtnl_link *link)
{
	struct bridge_search *s = arg;

	if (!strcmp(link->name, s->name))
		s->link = *link;
	return 0;
}

/*
 * A bridge gets its mark right after it was made. One that has our MAC, which nobody else can know,
 * and no mark was made by a netd that was killed in between.
 */
bool network_is_unfinished(const struct network *n, const struct rtnl_link *link)
{
	return !strcmp(link->kind, "bridge") && !link->alias[0] && !link->up &&
	       mac_equal(&link->mac, &n->bridge_mac);
}

int network_make_bridge(struct daemon *d, struct network *n, struct err *err)
{
	struct bridge_search s = { .name = n->bridge };
	struct bridge_mark mark = { 0 };
	char alias[LINK_ALIAS_SIZE];
	struct rtnl_change c = { .alias = alias };
	/* With another MTU than it will have: one that is changed is not lowered by every port that
	 * has less (net/bridge/br_device.c, br_change_mtu). Next to it, since a link with less than
	 * 1280 gets IPv6, and its switch, only when that changes. */
	int rc = d->host->ops->bridge_add(d->host, n->bridge, &n->bridge_mac, n->mtu ^ 1, err);

	if (rc && rc != -EEXIST)
		return rc;
	rc = d->host->ops->link_list(d->host, search_bridge, &s, err);
	if (rc)
		return rc;
	if (!network_is_unfinished(n, &s.link))
		return err_set(err, EEXIST, "interface %s exists and is not netd's", n->bridge);
	memcpy(mark.network, n->config->name, sizeof(mark.network));
	bridge_mark_format(&mark, alias);
	c.index = s.link.index;
	rc = d->host->ops->link_set(d->host, &c, err);
	if (rc)
		return rc;
	n->bridge_index = s.link.index;
	link_seen(d, &s.link);
	return 0;
}

/* The subnet's gateway, and not that of a former subnet. Addresses that others put there stay. */
static int set_gateway(struct daemon *d, struct network *n, struct err *err)
{
	struct ip4_prefix old = { 0 };
	int rc = store_subnet_get(d->store, n->config->name, &old, err);

	if (rc && rc != -ENOENT)
		return rc;
	if (!rc && (old.addr != n->subnet.addr || old.len != n->subnet.len) &&
	    has_address(d, n->bridge_index, old)) {
		rc = d->host->ops->addr_del(d->host, n->bridge_index, old, err);
		if (rc)
			return rc;
	}
	if (old.addr != n->subnet.addr || old.len != n->subnet.len) {
		rc = store_subnet_put(d->store, n->config->name, n->subnet, err);
		if (rc)
			return rc;
	}
	if (has_address(d, n->bridge_index, n->subnet))
		return 0;
	return d->host->ops->addr_add(d->host, n->bridge_index, n->subnet, err);
}

/* Who reaches published ports at 127.0.0.1 is routed to the guests with that address. */
static int set_localnet(struct daemon *d, struct network *n, struct err *err)
{
	bool wanted = published_localnet(d, n), on;
	int rc = d->host->ops->localnet_get(d->host, n->bridge, &on, err);

	if (!rc && on != wanted)
		rc = d->host->ops->localnet_set(d->host, n->bridge, wanted, err);
	if (!rc)
		n->localnet = wanted;
	return rc;
}

/* To write it, even as it is, takes the lock that all changes of links take (net/ipv6/addrconf.c,
 * addrconf_disable_ipv6). */
static int set_ipv6_off(struct daemon *d, const struct network *n, struct err *err)
{
	char path[64];
	int off;

	snprintf(path, sizeof(path), "ipv6/conf/%s/disable_ipv6", n->bridge);
	if (!d->host->ops->sysctl_read(d->host, path, &off, NULL) && off)
		return 0;
	return d->host->ops->ipv6_off(d->host, n->bridge, err);
}

static int set_sysctls(struct daemon *d, struct network *n, struct err *err)
{
	bool forwards = config_network_routes(d->config, n->config), on;
	int rc = set_ipv6_off(d, n, err);

	if (!rc)
		rc = d->host->ops->forwarding_get(d->host, n->bridge, &on, err);
	/* A host that forwards for everybody has it on everywhere; the rules keep an isolated
	 * network to itself. */
	if (!rc && forwards != on && (forwards || !d->forwards_for_all))
		rc = d->host->ops->forwarding_set(d->host, n->bridge, forwards, err);
	if (!rc)
		n->forwards = forwards;
	return rc ? rc : set_localnet(d, n, err);
}

static int bring_up(struct daemon *d, struct network *n, struct err *err)
{
	const struct seen_link *link = n->bridge_index ? link_find(d, n->bridge_index) : NULL;
	struct rtnl_change c = { .up = true };
	int rc = 0;

	if (lan_is(n)) {
		rc = lan_bring_up(d, n, err);
		return rc ? rc : network_configure(d, n, err);
	}
	n->mtu = network_mtu(d, n);
	if (n->bridge_foreign)
		return err_set(err, EEXIST, "interface %s exists and is not netd's", n->bridge);
	if (!link)
		rc = network_make_bridge(d, n, err);
	if (!rc)
		rc = set_sysctls(d, n, err);
	c.index = n->bridge_index;
	c.mtu = n->mtu;
	if (!rc && (!link || !link->up || link->mtu != n->mtu))
		rc = d->host->ops->link_set(d->host, &c, err);
	if (!rc)
		rc = set_gateway(d, n, err);
	return rc ? rc : network_configure(d, n, err);
}

int network_bring_up(struct daemon *d, struct network *n, struct err *err)
{
	int rc = network_is_macvtap(n) ? macvtap_bring_up(d, n, err) : bring_up(d, n, err);
	const char *place = n->bridge[0] ? n->bridge : n->config->uplink;
	char text[IP4_PREFIX_TEXT_SIZE];
	struct event *e;

	if (n->up == (rc == 0))
		return rc;
	n->up = rc == 0;
	e = event_add(d, n->up ? EVENT_NETWORK_UP : EVENT_NETWORK_DOWN);
	memcpy(e->network, n->config->name, sizeof(e->network));
	if (rc) {
		snprintf(e->detail, sizeof(e->detail), "%.180s", err->text);
		return rc;
	}
	if (n->subnet.len)
		ip4_prefix_text(n->subnet, text);
	else
		snprintf(text, sizeof(text), "a LAN");
	snprintf(e->detail, sizeof(e->detail), "%s on %s", text, place);
	log_info("network %s: %s on %s %s, %s", n->config->name, text,
		 n->bridge[0] ? "bridge" : "uplink", place, config_mode_text(n->config->mode));
	return 0;
}

void network_forget(struct daemon *d, struct network *n)
{
	static const struct dhcp_net_config unserved;
	struct port *p;

	if (dhcp_net_set(d->dhcp, n->slot, &unserved))
		log_error("network %s: its DHCP is still configured", n->config->name);
	for (uint32_t at = 0; (p = port_next(d, &at));)
		if (p->network == n->slot)
			port_remove(d, p);
	published_forget(d, n);
	network_free_pools(n);
	n->subnet.len = 0;
	n->up = false;
}

void network_remove(struct daemon *d, struct network *n)
{
	struct err err;
	int rc;

	network_forget(d, n);
	conflict_stop(d, n);
	macvtap_remove(d, n);
	if (lan_is(n) && !lan_remove(d, n))
		n->bridge_index = 0;
	if (n->bridge_index) {
		rc = d->host->ops->link_del(d->host, n->bridge_index, &err);
		if (rc && rc != -ENODEV)
			log_warning("bridge %s: %s", n->bridge, err.text);
		else
			addrs_forget_link(d, n->bridge_index);
	}
	dhcp_option_set_free(n->options);
	*n = (struct network){ 0 };
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What has to be true of a configuration's ports and of the subnets behind relay agents, when all
 * of it was read. Called by config.c alone.
 */
#include "config_keys.h"

/* An interface can be in one bridge only. */
static int check_port(const struct config *c, const struct config_port *p, struct err *err)
{
	unsigned before = 0;

	for (unsigned i = 0; i < c->networks; i++) {
		for (unsigned j = 0; j < c->network[i].ports; j++) {
			const struct config_port *other = &c->network[i].port[j];

			if (other == p)
				return before < CONFIG_PORTS_MAX ?
					       0 :
					       config_wrong(err, p->place, "more than %d ports",
							    CONFIG_PORTS_MAX);
			if (!strcmp(other->name, p->name))
				return config_wrong(err, p->place,
						    "port '%s' stands already at %s:%d", p->name,
						    other->place.file, other->place.line);
			before++;
		}
	}
	return 0;
}

static int overlaps(const struct config_relay *r, struct ip4_prefix with, const char *what,
		    const char *name, struct err *err)
{
	char mine[IP4_PREFIX_TEXT_SIZE], theirs[IP4_PREFIX_TEXT_SIZE];

	return config_wrong(err, r->place, "relay: %s overlaps %s %s%s",
			    ip4_prefix_text(r->prefix, mine), what, ip4_prefix_text(with, theirs),
			    name);
}

/* Which subnet a client is in follows from an address: it can be in one only. */
static int check_relay(const struct config *c, const struct config_network *n, unsigned at,
		       struct err *err)
{
	const struct config_relay *r = &n->relay[at];
	char name[NAME_SIZE + 16];

	if (at == DHCP_RELAY_SUBNETS_MAX)
		return config_wrong(err, r->place, "more than %d subnets behind relay agents",
				    DHCP_RELAY_SUBNETS_MAX);
	for (unsigned i = 0; i < at; i++)
		if (ip4_overlap(r->prefix, n->relay[i].prefix))
			return overlaps(r, n->relay[i].prefix, "relay", "", err);
	for (unsigned i = 0; i < c->networks; i++) {
		const struct config_network *other = &c->network[i];

		snprintf(name, sizeof(name), " of network '%s'", other->name);
		if (!other->auto_subnet && ip4_overlap(r->prefix, other->subnet))
			return overlaps(r, other->subnet, "subnet", name, err);
	}
	return config_ranges_within(&r->ranges, r->prefix, "range", r->range_place, err);
}

int config_subnet_check(const struct config *c, unsigned at, struct err *err)
{
	const struct config_network *n = &c->network[at];
	char mine[IP4_PREFIX_TEXT_SIZE], theirs[IP4_PREFIX_TEXT_SIZE];

	for (unsigned i = 0; i < at && !n->auto_subnet; i++) {
		const struct config_network *other = &c->network[i];

		if (!other->auto_subnet && ip4_overlap(n->subnet, other->subnet))
			return config_wrong(err, n->subnet_place,
					    "subnet: %s overlaps %s of network '%s' at %s:%d",
					    ip4_prefix_text(n->subnet, mine),
					    ip4_prefix_text(other->subnet, theirs), other->name,
					    other->subnet_place.file, other->subnet_place.line);
	}
	return 0;
}

/* Which keys the modes have that are a LAN's, and need. */
static int check_lan(const struct config_network *n, struct err *err)
{
	bool bridge = n->mode == BRIDGE_MODE_BRIDGE;

	if (n->uplink[0] && !bridge_mode_lan(n->mode))
		return config_wrong(err, n->uplink_place,
				    "uplink: it is for modes bridge and macvtap");
	if (n->bridge[0] && !bridge)
		return config_wrong(err, n->bridge_place, "bridge: it is for mode bridge");
	if (n->bridge[0] && n->uplink[0])
		return config_wrong(err, n->bridge_place,
				    "bridge: one that exists has its uplink already");
	if (n->mode == BRIDGE_MODE_MACVTAP && !n->uplink[0])
		return config_wrong(err, n->place, "network '%s': mode macvtap needs an uplink",
				    n->name);
	if (bridge && !n->uplink[0] && !n->bridge[0])
		return config_wrong(err, n->place,
				    "network '%s': mode bridge needs an uplink or a bridge",
				    n->name);
	if (n->dhcp && config_network_addressless(n))
		return config_wrong(err, n->dhcp_place, "dhcp: without a subnet there is no DHCP");
	return config_macvtap_check(n, err);
}

int config_links_check(const struct config *c, const struct config_network *n, struct err *err)
{
	int rc = check_lan(n, err);

	if (!rc)
		rc = config_vlans_check(n, err);

	for (unsigned i = 0; i < n->ports && !rc; i++)
		rc = check_port(c, &n->port[i], err);
	for (unsigned i = 0; i < n->relays && !rc; i++)
		rc = check_relay(c, n, i, err);
	return rc;
}

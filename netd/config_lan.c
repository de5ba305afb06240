/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What networks of a LAN may say beyond what others may not, and what makes no sense there. Called
 * by config.c when all is read. */
#include "config_keys.h"

void config_print_deadline(const struct key *k, const void *section, struct printer *p)
{
	const struct config_network *n = section;

	if (n->mode == BRIDGE_MODE_BRIDGE && n->uplink[0])
		config_print_duration(k, section, p);
}

/* An uplink, or a bridge, serves one network; but a macvtap's can serve several. */
static int check_others(const struct config *c, unsigned at, struct err *err)
{
	const struct config_network *n = &c->network[at];

	for (unsigned i = 0; i < at; i++) {
		const struct config_network *o = &c->network[i];
		bool share = n->mode == BRIDGE_MODE_MACVTAP && o->mode == BRIDGE_MODE_MACVTAP;

		if (n->uplink[0] && !share && !strcmp(n->uplink, o->uplink))
			return config_wrong(
				err, n->uplink_place, "uplink: %s is that of network '%s' at %s:%d",
				n->uplink, o->name, o->uplink_place.file, o->uplink_place.line);
		if (n->bridge[0] && !strcmp(n->bridge, o->bridge))
			return config_wrong(
				err, n->bridge_place, "bridge: %s is that of network '%s' at %s:%d",
				n->bridge, o->name, o->bridge_place.file, o->bridge_place.line);
	}
	return 0;
}

/* A port that joins a bridge, whichever network's, is no uplink. */
static int check_joined(const struct config *c, const struct config_network *n, struct err *err)
{
	for (unsigned i = 0; n->uplink[0] && i < c->networks; i++)
		for (unsigned j = 0; j < c->network[i].ports; j++) {
			const struct config_port *p = &c->network[i].port[j];

			if (!strcmp(p->name, n->uplink))
				return config_wrong(err, p->place,
						    "port '%s': it is the uplink of network '%s' "
						    "at %s:%d",
						    p->name, n->name, n->uplink_place.file,
						    n->uplink_place.line);
		}
	return 0;
}

/* What is about routing; guests of a LAN are not routed by the host. */
static int check_keys(const struct config_network *n, struct err *err)
{
	const struct {
		const char *key;
		bool set;
		struct config_place place;
	} routed[] = {
		{ "reach", n->reach.n, n->reach.place },
		{ "host-access", n->host_access.n, n->place },
		{ "rule", n->rules.n, n->rules.place },
		{ "group", n->groups.n, n->groups.n ? n->groups.at[0].place : n->place },
		{ "snat", n->snat.first, n->snat_place },
		{ "snat-ports", n->snat_ports.first, n->snat_ports_place },
		{ "publish", n->publishes, n->publishes ? n->publish[0].place : n->place },
		{ "relay", n->relays, n->relays ? n->relay[0].place : n->place },
	};

	for (size_t i = 0; i < sizeof(routed) / sizeof(routed[0]); i++)
		if (routed[i].set)
			return config_wrong(err, routed[i].place,
					    "%s: the host does not route for guests of a LAN",
					    routed[i].key);
	for (unsigned i = 0; i < n->hosts; i++)
		if (n->host[i].rules.n || n->host[i].groups.n)
			return config_wrong(err, n->host[i].place,
					    "host '%s': the host does not route for guests of a "
					    "LAN, so there are no rules",
					    n->host[i].name);
	return 0;
}

int config_lan_check(const struct config *c, unsigned at, struct err *err)
{
	const struct config_network *n = &c->network[at];
	int rc;

	if (!bridge_mode_lan(n->mode))
		return 0;
	rc = check_others(c, at, err);
	if (!rc)
		rc = check_joined(c, n, err);
	if (!rc)
		rc = check_keys(n, err);
	if (rc)
		return rc;
	/* Others than netd give addresses of that subnet. */
	if (!n->auto_subnet && !n->ranges.n)
		return config_wrong(err, n->subnet_place,
				    "subnet: on a LAN, range has to say which addresses are netd's "
				    "to give");
	if (n->bridge[0] && n->mtu)
		return config_wrong(err, n->bridge_place,
				    "bridge: one that exists has its MTU already");
	return 0;
}

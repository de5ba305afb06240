/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What only networks of mode macvtap have in the configuration, and what they cannot have. Called
 * by the tables of keys, and by config_links.c. */
#include "config_keys.h"

int config_parse_host_access(const struct key *k, void *section, const char *text, unsigned index,
			     struct err *err)
{
	struct config_network *n = section;
	bool yes = !strcmp(text, "yes");
	struct key services = *k;

	services.offset = offsetof(struct config_network, host_access);
	if (!yes && strcmp(text, "no") != 0)
		return config_parse_services(&services, section, text, index, err);
	if (index)
		return err_set(err, EINVAL, "'%s' does not stand in a list", text);
	n->host_macvlan = yes;
	n->host_access.n = 0;
	return 0;
}

void config_print_host_access(const struct key *k, const void *section, struct printer *p)
{
	const struct config_network *n = section;
	struct key services = *k;

	services.offset = offsetof(struct config_network, host_access);
	if (n->host_macvlan)
		config_keys_item(p, "yes");
	else
		config_print_services(&services, section, p);
}

void config_print_macvtap_mode(const struct key *k, const void *section, struct printer *p)
{
	const struct config_network *n = section;

	if (n->mode == BRIDGE_MODE_MACVTAP)
		config_print_word(k, section, p);
}

static int check_host_access(const struct config_network *n, struct err *err)
{
	if (n->host_macvlan && n->mode != BRIDGE_MODE_MACVTAP)
		return config_wrong(
			err, n->host_access_place,
			"host-access: yes is for mode macvtap; here services are named");
	if (n->host_access.n && n->mode == BRIDGE_MODE_MACVTAP)
		return config_wrong(err, n->host_access_place,
				    "host-access: it is yes or no in mode macvtap, where no rules "
				    "tell services apart");
	if (n->host_macvlan && n->macvtap_mode != RTNL_MACVLAN_BRIDGE)
		return config_wrong(err, n->host_access_place,
				    "host-access: the host is reached with macvtap-mode = bridge "
				    "only");
	return 0;
}

/* Frames pass by netd's bridges and the host's IP: what is done there cannot be had. */
static const char *not_to_be_had(const struct config_network *n)
{
	return n->isolate    ? "isolate: macvtap-mode = private does it" :
	       n->ports	     ? "port: there is no bridge that it could join" :
	       n->relays     ? "relay: there is no DHCP" :
	       n->publishes  ? "publish: guests have addresses of their own on the LAN" :
	       n->reach.n    ? "reach: nothing is routed" :
	       n->rules.n    ? "rule: nothing is routed" :
	       n->snat.first ? "snat: nothing is translated" :
			       NULL;
}

int config_macvtap_check(const struct config_network *n, struct err *err)
{
	const char *what = n->mode == BRIDGE_MODE_MACVTAP ? not_to_be_had(n) : NULL;

	if (what)
		return config_wrong(err, n->place, "network '%s': mode macvtap cannot have %s",
				    n->name, what);
	if (n->mode == BRIDGE_MODE_MACVTAP && n->dhcp)
		return config_wrong(err, n->dhcp_place,
				    "dhcp: mode macvtap leaves it to the LAN's server");
	if (n->mode != BRIDGE_MODE_MACVTAP && n->macvtap_mode_place.line)
		return config_wrong(err, n->macvtap_mode_place,
				    "macvtap-mode: it is for mode macvtap");
	return check_host_access(n, err);
}

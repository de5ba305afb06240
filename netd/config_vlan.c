/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VLANs of ports, as they are written, and which ones hold for a port. Pure. */
#include <ctype.h>
#include <stdlib.h>

#include "config_keys.h"

enum { VLAN_LAST = 4094 }; /* IEEE 802.1Q 9.6 */

/* The number at *at, which is moved behind it; 0: there is none, or it is no VLAN's. */
static uint16_t take_number(const char **at)
{
	unsigned long v;
	char *end;

	if (!isdigit((unsigned char)**at))
		return 0;
	v = strtoul(*at, &end, 10);
	*at = end;
	return v <= VLAN_LAST ? (uint16_t)v : 0;
}

int config_parse_vlan(const struct key *k, void *section, const char *text, unsigned index,
		      struct err *err)
{
	struct config_vlans *v = member(k, section);
	const char *at = text;
	uint16_t number = take_number(&at);

	(void)index;
	if (!number || *at)
		return err_set(err, EINVAL, "'%s' is not a VLAN from 1 to 4094", text);
	v->vlan.native = number;
	return 0;
}

void config_print_vlan(const struct key *k, const void *section, struct printer *p)
{
	const struct config_vlans *v = member_const(k, section);
	char text[16];

	if (!v->vlan.native)
		return;
	snprintf(text, sizeof(text), "%u", v->vlan.native);
	config_keys_item(p, text);
}

int config_parse_trunk(const struct key *k, void *section, const char *text, unsigned index,
		       struct err *err)
{
	struct config_vlans *v = member(k, section);
	const char *at = text;
	struct rtnl_vlan_range r = { .first = take_number(&at) };

	if (index >= RTNL_VLAN_RANGES)
		return err_set(err, EINVAL, "more than %d values", RTNL_VLAN_RANGES);
	r.last = r.first;
	if (r.first && *at == '-') {
		at++;
		r.last = take_number(&at);
	}
	if (!r.first || !r.last || *at || r.last < r.first)
		return err_set(err, EINVAL, "'%s' is not a VLAN from 1 to 4094, or a range of them",
			       text);
	for (unsigned i = 0; i < index; i++)
		if (r.first <= v->vlan.tagged[i].last && v->vlan.tagged[i].first <= r.last)
			return err_set(err, EINVAL, "'%s' overlaps an earlier value", text);
	v->vlan.tagged[index] = r;
	v->vlan.n = index + 1;
	return 0;
}

const char *config_vlan_text(const struct rtnl_vlan_range *r, char buf[CONFIG_VLAN_TEXT])
{
	if (r->first == r->last)
		snprintf(buf, CONFIG_VLAN_TEXT, "%u", r->first);
	else
		snprintf(buf, CONFIG_VLAN_TEXT, "%u-%u", r->first, r->last);
	return buf;
}

void config_print_trunk(const struct key *k, const void *section, struct printer *p)
{
	const struct config_vlans *v = member_const(k, section);
	char text[CONFIG_VLAN_TEXT];

	for (unsigned i = 0; i < v->vlan.n; i++)
		config_keys_item(p, config_vlan_text(&v->vlan.tagged[i], text));
}

/* --- which ones --- */

static bool is_set(const struct config_vlans *v)
{
	return v->vlan.native || v->vlan.n;
}

struct rtnl_vlans config_vlans_of(const struct config_network *n, const struct config_host *h)
{
	static const struct rtnl_vlans untagged = { .native = 1 };

	if (h && is_set(&h->vlans))
		return h->vlans.vlan;
	return is_set(&n->vlans) ? n->vlans.vlan : untagged;
}

struct rtnl_vlans config_vlans_of_port(const struct config_port *p)
{
	static const struct rtnl_vlans untagged = { .native = 1 };

	return is_set(&p->vlans) ? p->vlans.vlan : untagged;
}

bool config_network_filters(const struct config_network *n)
{
	bool filters = is_set(&n->vlans);

	for (unsigned i = 0; i < n->hosts && !filters; i++)
		filters = is_set(&n->host[i].vlans);
	for (unsigned i = 0; i < n->ports && !filters; i++)
		filters = is_set(&n->port[i].vlans);
	return filters;
}

/* --- checks --- */

static int check(const struct config_network *n, const struct config_vlans *v, struct err *err)
{
	if (!is_set(v))
		return 0;
	/* A gateway would have to be in each of them. */
	if (n->mode != BRIDGE_MODE_BRIDGE && n->mode != BRIDGE_MODE_ISOLATED)
		return config_wrong(err, v->place,
				    "vlan, trunk: they are for modes bridge and isolated");
	for (unsigned i = 0; i < v->vlan.n; i++)
		if (v->vlan.native >= v->vlan.tagged[i].first &&
		    v->vlan.native <= v->vlan.tagged[i].last)
			return config_wrong(err, v->place,
					    "trunk: VLAN %u is the one without a tag",
					    v->vlan.native);
	return 0;
}

int config_vlans_check(const struct config_network *n, struct err *err)
{
	int rc = check(n, &n->vlans, err);

	for (unsigned i = 0; i < n->hosts && !rc; i++) {
		const struct config_host *h = &n->host[i];

		if (is_set(&h->vlans) && config_host_is_client(h))
			rc = config_wrong(
				err, h->vlans.place,
				"vlan, trunk: they are for guests; '%s' is a client's reservation",
				h->name);
		else
			rc = check(n, &h->vlans, err);
	}
	for (unsigned i = 0; i < n->ports && !rc; i++)
		rc = check(n, &n->port[i].vlans, err);
	return rc;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VLANs on a network's bridge.
 *
 * Where any port of a network has `vlan` or `trunk`, its bridge filters: netd's own is made to, an
 * existing one has to. A port is a member of what it has, and of VLAN 1 without a tag if it has
 * neither; it joins down, and goes up when that is so, so that nothing of VLAN 1 gets to it before.
 * The uplink of a bridge of netd's carries VLAN 1 without a tag, and all that the ports have with
 * one. A port that leaves its bridge loses its VLANs: what was made is kept with the port only for
 * as long as it is in.
 */
#include <inttypes.h>

#include "daemon.h"

struct rtnl_vlans vlans_of(const struct daemon *d, const struct port *p)
{
	const struct config_network *c = d->network[p->network].config;

	return config_vlans_of(c, config_host_find(c, p->guest));
}

bool vlans_tagged(const struct daemon *d, const struct port *p)
{
	return vlans_of(d, p).n != 0;
}

bool vlans_filter(const struct network *n)
{
	return n->config->mode != BRIDGE_MODE_MACVTAP && config_network_filters(n->config);
}

static bool is_own(const struct network *n)
{
	return !n->config->bridge[0];
}

static bool same(const struct rtnl_vlans *a, const struct rtnl_vlans *b)
{
	if (a->native != b->native || a->n != b->n)
		return false;
	for (unsigned i = 0; i < a->n; i++)
		if (a->tagged[i].first != b->tagged[i].first ||
		    a->tagged[i].last != b->tagged[i].last)
			return false;
	return true;
}

/* --- bridges --- */

static int filter(struct daemon *d, const struct network *n, struct err *err)
{
	const struct seen_link *link = link_find(d, n->bridge_index);
	bool wanted = vlans_filter(n);

	if (!link || link->filters == wanted)
		return 0;
	if (is_own(n))
		return d->host->ops->vlan_filter(d->host, n->bridge_index, wanted, err);
	return wanted ?
		       err_set(err, EINVAL,
			       "bridge %s does not filter VLANs, and is not netd's: ip link set %s "
			       "type bridge vlan_filtering 1",
			       n->bridge, n->bridge) :
		       0;
}

bool vlans_bridge_is_wrong(const struct network *n, const struct rtnl_link *link)
{
	return is_own(n) && link->filters != vlans_filter(n) &&
	       n->config->mode != BRIDGE_MODE_MACVTAP;
}

/* --- ports --- */

int vlans_join(struct daemon *d, struct port *p, struct err *err)
{
	struct network *n = &d->network[p->network];
	struct rtnl_vlans v = vlans_of(d, p);
	int rc = filter(d, n, err);

	if (!rc)
		rc = d->host->ops->vlans_set(d->host, p->ifindex, &v, err);
	if (rc)
		v = (struct rtnl_vlans){ 0 };
	p->vlans = v;
	p->vlans_made = !rc;
	return rc;
}

/* All that the network's ports have. More ranges than the kernel is told of at once are one. */
static void add_range(struct rtnl_vlans *all, struct rtnl_vlan_range r)
{
	struct rtnl_vlan_range *last = &all->tagged[RTNL_VLAN_RANGES - 1];

	/* The uplink has it without a tag. */
	if (r.first == 1)
		r.first = 2;
	if (r.first > r.last)
		return;
	for (unsigned i = 0; i < all->n; i++)
		if (r.first >= all->tagged[i].first && r.last <= all->tagged[i].last)
			return;
	if (all->n < RTNL_VLAN_RANGES) {
		all->tagged[all->n++] = r;
		return;
	}
	last->first = r.first < last->first ? r.first : last->first;
	last->last = r.last > last->last ? r.last : last->last;
}

static void add(struct rtnl_vlans *all, const struct rtnl_vlans *v)
{
	add_range(all,
		  (struct rtnl_vlan_range){ v->native ? v->native : 1, v->native ? v->native : 1 });
	for (unsigned i = 0; i < v->n; i++)
		add_range(all, v->tagged[i]);
}

static struct rtnl_vlans used(const struct config_network *c)
{
	struct rtnl_vlans all = { .native = 1 }, v = config_vlans_of(c, NULL);

	add(&all, &v);
	for (unsigned i = 0; i < c->hosts; i++) {
		v = config_vlans_of(c, &c->host[i]);
		add(&all, &v);
	}
	return all;
}

static void set_link(struct daemon *d, const struct seen_link *link, const struct rtnl_vlans *v)
{
	struct err err;

	if (d->host->ops->vlans_set(d->host, link->index, v, &err))
		log_warning("interface %s: %s", link->name, err.text);
}

/* The uplink, and what else has joined. */
static void set_others(struct daemon *d, const struct network *n)
{
	struct rtnl_vlans all = used(n->config), v;

	for (uint32_t i = 0; i < d->links.fresh; i++)
		if (slots_live(&d->links, i) && d->link[i].master == n->bridge_index &&
		    n->config->uplink[0] && !strcmp(d->link[i].name, n->config->uplink))
			set_link(d, &d->link[i], &all);
	for (unsigned i = 0; i < d->joins; i++) {
		const struct joined *j = &d->joined[i];
		const struct seen_link *link = j->used && j->in_bridge && j->network == n->slot ?
						       link_find(d, j->ifindex) :
						       NULL;

		v = link ? config_vlans_of_port(j->config) : all;
		if (link)
			set_link(d, link, &v);
	}
}

static void set_ports(struct daemon *d, const struct network *n)
{
	struct port *p;

	for (uint32_t at = 0; (p = port_next(d, &at));) {
		struct rtnl_vlans v = vlans_of(d, p);
		struct err err;

		if (p->network == n->slot && p->ifindex &&
		    (!p->vlans_made || !same(&p->vlans, &v)) && vlans_join(d, p, &err))
			log_error("port %s/%" PRIu32 ": %s", p->guest, p->nic, err.text);
	}
}

void vlans_put_right(struct daemon *d)
{
	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++) {
		struct network *n = &d->network[i];
		struct err err;

		if (!n->used || !n->up || n->config->mode == BRIDGE_MODE_MACVTAP)
			continue;
		if (filter(d, n, &err))
			log_error("network %s: %s", n->config->name, err.text);
		else if (vlans_filter(n)) {
			set_ports(d, n);
			if (is_own(n))
				set_others(d, n);
		}
	}
}

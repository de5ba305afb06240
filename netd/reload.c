/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reload: read the configuration anew, see whether everything in it can be, and only then let it
 * replace the old one. Running guests are not touched: what would take a network or its subnet from
 * under them is refused.
 */
#include <stdlib.h>

#include "varlink.h"

static int refuse_in_use(struct daemon *d, const struct network *n, struct refusal *r)
{
	char text[NAME_SIZE + 12];
	struct port *p;

	for (uint32_t at = 0; (p = port_next(d, &at));)
		if (p->network == n->slot && p->ifindex)
			return refuse(r, REFUSED_IN_USE, n->config->name, port_text(p, text));
	return refuse(r, REFUSED_IN_USE, n->config->name, NULL);
}

static int refuse_configuration(struct refusal *r, const struct err *err)
{
	refuse(r, REFUSED_CONFIGURATION, NULL, NULL);
	r->detail = *err;
	return -1;
}

/* The network as it would be: its subnet is checked against the host as at start. */
static int check_subnet(struct daemon *d, const struct network *old, const struct config_network *c,
			struct ip4_prefix *ret, struct refusal *r)
{
	struct network probe = { .slot = CONFIG_NETWORKS_MAX };
	struct err err;

	if (old)
		probe = *old;
	probe.config = c;
	if (!network_choose_subnet(d, &probe, ret, &err))
		return 0;
	err_wrap(&err, 0, "network '%s'", c->name);
	return refuse_configuration(r, &err);
}

static bool same_subnet(const struct network *n, struct ip4_prefix p)
{
	return n->subnet.addr == p.addr && n->subnet.len == p.len;
}

static int check_one(struct daemon *d, const struct config_network *c, struct refusal *r)
{
	const struct network *old = network_find(d, c->name);
	struct ip4_prefix subnet;

	if (check_subnet(d, old, c, &subnet, r))
		return -1;
	if (old && old->attached && !same_subnet(old, subnet))
		return refuse_in_use(d, old, r);
	return 0;
}

static int check(struct daemon *d, const struct config *c, struct refusal *r)
{
	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++) {
		struct network *n = &d->network[i];

		n->leaving = n->used && !config_network_find(c, n->config->name);
		if (n->leaving && n->attached)
			return refuse_in_use(d, n, r);
	}
	for (unsigned i = 0; i < c->networks; i++)
		if (check_one(d, &c->network[i], r))
			return -1;
	return published_check(d, c, r);
}

/* With the new supernets in force, and the old ones again when it is refused. */
static int try(struct daemon *d, struct config *c, struct refusal *r)
{
	struct config *old = d->config;
	int rc;

	d->config = c;
	rc = check(d, c, r);
	d->config = old;
	if (rc)
		for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++)
			d->network[i].leaving = false;
	return rc;
}

/* Nothing in dhcp/ points into the old configuration any more. */
static void configure_dhcp(struct daemon *d)
{
	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++) {
		struct network *n = &d->network[i];
		struct err err;

		if (!n->used || !n->pool || !network_configure(d, n, &err))
			continue;
		log_error("network %s: %s", n->config->name, err.text);
		network_forget(d, n);
	}
}

static void end_strays(struct daemon *d)
{
	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++) {
		const struct network *n = &d->network[i];
		struct err err;

		if (n->used && n->pool && serve_end_strays(d, n, &err))
			log_warning("network %s: ended leases could not be stored: %s",
				    n->config->name, err.text);
	}
}

/* From here on nothing is refused; what the kernel does not let be is a network that is not up. */
static void apply(struct daemon *d, struct config *c)
{
	struct config *old = d->config;

	d->config = c;
	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++) {
		struct network *n = &d->network[i];
		struct ip4_prefix subnet;
		struct err err;

		if (!n->used)
			continue;
		if (n->leaving) {
			network_remove(d, n);
			continue;
		}
		n->config = config_network_find(c, n->config->name);
		if (n->attached)
			ports_configure(d, n);
		else if (network_choose_subnet(d, n, &subnet, &err) || !same_subnet(n, subnet))
			network_forget(d, n);
		if (n->pool && network_plan(d, n, &err))
			network_forget(d, n);
	}
	for (unsigned i = 0; i < c->networks; i++)
		if (!network_find(d, c->network[i].name))
			network_add(d, &c->network[i]);
	joined_configure(d);
	published_configure(d);
	configure_dhcp(d);
	if (d->varlink)
		varlink_reauthorize(d->varlink);
	end_strays(d);
	d->generator.policy = c->mac_policy;
	d->generator.prefix_len = c->mac_prefix_len;
	memcpy(d->generator.prefix, c->mac_prefix, sizeof(d->generator.prefix));
	config_free(old);
	free(d->rules); /* which ports are served may have changed, too */
	d->rules = NULL;
}

static void say_what_waits(const struct config *old, const struct config *c)
{
	if (strcmp(old->socket_path, c->socket_path) ||
	    strcmp(old->socket_group, c->socket_group) || old->socket_mode != c->socket_mode ||
	    strcmp(old->secret, c->secret) || old->trap_group != c->trap_group ||
	    old->max_ports != c->max_ports || old->max_leases != c->max_leases ||
	    old->max_clients != c->max_clients)
		log_notice("socket, secret, trap-group, max-ports, max-leases and max-clients take "
			   "effect at the next start");
}

int daemon_reload(struct daemon *d, struct refusal *r)
{
	struct config *c;
	struct err err;

	if (config_read(d->config_path, d->config_optional, &c, &err))
		return refuse_configuration(r, &err);
	if (try(d, c, r)) {
		config_free(c);
		return -1;
	}
	say_what_waits(d->config, c);
	apply(d, c);
	if (reconcile(d, &err)) {
		refuse(r, REFUSED_SYSTEM, NULL, NULL);
		r->detail = err;
		return -1;
	}
	event_add(d, EVENT_RELOADED);
	coexist_run(d);
	log_info("the configuration was read again");
	return 0;
}

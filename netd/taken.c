/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which prefixes the host uses already: its routes and addresses, and the subnets of other
 * networks. A check of all networks asks for each, so the routes can be held: they are listed once,
 * and of what is in use only that is looked at which can be in the way. Called by networks.c.
 */
#include <stdlib.h>

#include "daemon.h"

/* --- routes --- */

static int keep_route(void *arg, const struct rtnl_route *route)
{
	struct held_routes *held = arg;

	if (held->n == held->cap) {
		size_t cap = held->cap ? 2 * held->cap : 32;
		struct rtnl_route *grown = realloc(held->at, cap * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		held->at = grown;
		held->cap = cap;
	}
	held->at[held->n++] = *route;
	return 0;
}

void routes_hold(struct daemon *d)
{
	d->routes.holders++;
}

void routes_drop(struct daemon *d)
{
	if (--d->routes.holders)
		return;
	free(d->routes.at);
	d->routes = (struct held_routes){ 0 };
}

static int list_routes(struct daemon *d, struct err *err)
{
	int rc;

	if (d->routes.known)
		return 0;
	d->routes.n = 0;
	rc = d->host->ops->route_list(d->host, keep_route, &d->routes, err);
	d->routes.known = !rc;
	return rc == -ENOMEM ? err_set(err, ENOMEM, "out of memory") : rc;
}

/* --- all --- */

struct taken {
	struct daemon *d;
	const struct network *except;
	const struct ip4_prefix *of; /* only what overlaps this; NULL: all */
	struct bridge_taken *at;
	size_t n, cap;
};

static int add_taken(struct taken *t, struct ip4_prefix p, const char *fmt, ...) ERR_PRINTF(3, 4);

static int add_taken(struct taken *t, struct ip4_prefix p, const char *fmt, ...)
{
	va_list ap;

	if (t->n == t->cap) {
		size_t cap = t->cap ? 2 * t->cap : 32;
		struct bridge_taken *grown = realloc(t->at, cap * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		t->at = grown;
		t->cap = cap;
	}
	t->at[t->n].prefix = p;
	va_start(ap, fmt);
	vsnprintf(t->at[t->n].what, sizeof(t->at[t->n].what), fmt, ap);
	va_end(ap);
	t->n++;
	return 0;
}

/* On the bridge of a LAN the host's addresses and routes are its own. */
static bool is_ours(const struct taken *t, uint32_t index)
{
	const struct network *n = network_by_bridge(t->d, index);

	return n && !lan_is(n);
}

static bool concerns(const struct taken *t, struct ip4_prefix p)
{
	return !t->of || ip4_overlap(*t->of, p);
}

static int take_route(struct taken *t, const struct rtnl_route *route)
{
	const struct seen_link *link;
	char text[IP4_PREFIX_TEXT_SIZE];

	/* A default route leads to what no other route knows: it is no use of an address. */
	if (route->dst.len == 0 || !concerns(t, route->dst) || is_ours(t, route->index))
		return 0;
	link = link_find(t->d, route->index);
	return add_taken(t, route->dst, "route %s%s%s", ip4_prefix_text(route->dst, text),
			 link ? " dev " : "", link ? link->name : "");
}

static int take_routes(struct taken *t)
{
	int rc = 0;

	for (size_t i = 0; i < t->d->routes.n && !rc; i++)
		rc = take_route(t, &t->d->routes.at[i]);
	return rc;
}

static int take_addresses(struct taken *t)
{
	char text[IP4_PREFIX_TEXT_SIZE];
	int rc = 0;

	for (size_t i = 0; i < t->d->addrs && !rc; i++) {
		const struct rtnl_addr *a = &t->d->addr[i];
		const struct seen_link *link;

		if (!concerns(t, a->prefix) || is_ours(t, a->index))
			continue;
		link = link_find(t->d, a->index);
		rc = add_taken(t, a->prefix, "address %s of %s", ip4_prefix_text(a->prefix, text),
			       link ? link->name : "a link");
	}
	return rc;
}

static int take_relays(struct taken *t, const struct config_network *c)
{
	char text[IP4_PREFIX_TEXT_SIZE];
	int rc = 0;

	for (unsigned i = 0; i < c->relays && !rc; i++)
		if (concerns(t, c->relay[i].prefix))
			rc = add_taken(t, c->relay[i].prefix, "relay %s of network '%s'",
				       ip4_prefix_text(c->relay[i].prefix, text), c->name);
	return rc;
}

/* Also those of networks that are configured and not up yet. */
static int take_networks(struct taken *t)
{
	char text[IP4_PREFIX_TEXT_SIZE];
	int rc = 0;

	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX && !rc; i++) {
		const struct network *n = &t->d->network[i];
		struct ip4_prefix p;

		if (!n->used || n->leaving || n->slot == t->except->slot)
			continue;
		p = n->subnet.len ? n->subnet : n->config->subnet;
		if (p.len && concerns(t, p))
			rc = add_taken(t, p, "subnet %s of network '%s'", ip4_prefix_text(p, text),
				       n->config->name);
		if (!rc)
			rc = take_relays(t, n->config);
	}
	return rc ? rc : take_relays(t, t->except->config);
}

int network_taken(struct daemon *d, const struct network *except, const struct ip4_prefix *of,
		  struct bridge_taken **ret, size_t *ret_n, struct err *err)
{
	struct taken t = { .d = d, .except = except, .of = of };
	int rc;

	routes_hold(d);
	rc = list_routes(d, err);
	if (!rc && (take_routes(&t) || take_addresses(&t) || take_networks(&t)))
		rc = err_set(err, ENOMEM, "out of memory");
	routes_drop(d);
	if (rc) {
		free(t.at);
		return rc;
	}
	*ret = t.at;
	*ret_n = t.n;
	return 0;
}

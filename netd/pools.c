/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pools of a network: its own and those of the subnets behind relay agents. What is taken in
 * them beside leases, when they grow, and how full they are told to be. Called by networks.c, and
 * by all who give addresses.
 */
#include <inttypes.h>

#include "daemon.h"

void network_free_pools(struct network *n)
{
	dhcp_pool_free(n->pool);
	n->pool = NULL;
	dhcp_hosts_free(n->hosts);
	n->hosts = NULL;
	for (unsigned i = 0; i < n->relays; i++)
		dhcp_pool_free(n->relay[i].pool);
	n->relays = 0;
}

static struct dhcp_pool *pool_of(const struct network *n, uint32_t address)
{
	for (unsigned i = 0; i < n->relays; i++)
		if (ip4_within(n->relay[i].prefix, address))
			return n->relay[i].pool;
	return n->pool;
}

void network_take(struct network *n, uint32_t address)
{
	dhcp_pool_take(pool_of(n, address), address);
}

void network_give(struct network *n, uint32_t address)
{
	if (!dhcp_hosts_at(n->hosts, address))
		dhcp_pool_give(pool_of(n, address), address);
}

/* The pools are dhcp/'s, too, for the clients of the network; it is not served before it is up. */
static int set_pools(struct daemon *d, struct network *n, const struct network *made,
		     struct err *err)
{
	struct dhcp_net_config net = { .server = n->subnet,
				       .identity = n->config->identity,
				       .pool = made->pool,
				       .hosts = made->hosts,
				       .relay = made->relay,
				       .relays = made->relays };

	if (dhcp_net_set(d->dhcp, n->slot, &net))
		return err_set(err, ENOSPC, "there is no room for its DHCP");
	network_free_pools(n);
	n->pool = made->pool;
	n->hosts = made->hosts;
	memcpy(n->relay, made->relay, sizeof(n->relay));
	n->relays = made->relays;
	return 0;
}

void network_take_of_port(struct network *n, const struct port *p)
{
	if (!p->address_given)
		dhcp_pool_reach(pool_of(n, p->address), p->address);
	network_take(n, p->address);
}

/* What is in use stays so over a reload. */
static void open_as_before(struct dhcp_pool *pool, const struct network *n)
{
	for (unsigned i = 0; n->pool && i < n->config->grow.n; i++)
		if (dhcp_pool_is_open(n->pool, n->config->grow.at[i].first))
			dhcp_pool_reach(pool, n->config->grow.at[i].first);
}

/* Pools without anything taken, and reservations; what there is of them after a failure is the
 * caller's as well. */
static int new_pools(const struct daemon *d, const struct network *n, struct network *made,
		     struct err *err)
{
	int rc = config_pool(n->config, n->subnet, &made->pool, err);

	if (!rc)
		rc = config_hosts(n->config, &d->table_key, &made->hosts, err);
	for (unsigned i = 0; i < n->config->relays && !rc; i++) {
		rc = config_relay_pool(&n->config->relay[i], &made->relay[i].pool, err);
		made->relay[i].prefix = n->config->relay[i].prefix;
		made->relays += !rc;
	}
	return rc;
}

static bool is_hosts_own(const struct daemon *d, uint32_t address)
{
	for (size_t i = 0; i < d->addrs; i++)
		if (d->addr[i].prefix.addr == address)
			return true;
	return false;
}

void networks_host_address(struct daemon *d, uint32_t address)
{
	bool own = is_hosts_own(d, address);

	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++) {
		struct network *n = &d->network[i];

		if (!n->used || !n->pool || dhcp_lease_by_addr(d->dhcp, n->slot, address))
			continue;
		if (own)
			network_take(n, address);
		else
			network_give(n, address);
	}
}

/* Reservations are kept for whom they name; ports have theirs, and so has the host; declined ones
 * are nobody's. */
int network_make_pools(struct daemon *d, struct network *n, struct err *err)
{
	struct network made = { 0 };
	struct port *p;
	int rc = new_pools(d, n, &made, err);

	for (unsigned i = 0; i < n->config->hosts && !rc; i++)
		if (n->config->host[i].address)
			network_take(&made, n->config->host[i].address);
	for (size_t i = 0; i < d->addrs && !rc; i++)
		network_take(&made, d->addr[i].prefix.addr);
	for (uint32_t at = 0; !rc && (p = port_next(d, &at));)
		if (p->network == n->slot)
			network_take_of_port(&made, p);
	if (!rc) {
		open_as_before(made.pool, n);
		rc = set_pools(d, n, &made, err);
	}
	if (rc)
		network_free_pools(&made);
	if (!rc && n->grown_told > dhcp_pool_grown(n->pool))
		n->grown_told = dhcp_pool_grown(n->pool);
	return rc;
}

uint32_t network_pool_size(const struct network *n)
{
	return n->pool ? dhcp_pool_open(n->pool) : 0;
}

uint32_t network_pool_used(const struct daemon *d, const struct network *n)
{
	return n->pool ? dhcp_pool_open_used(n->pool) - dhcp_reclaimable(d->dhcp, n->slot) : 0;
}

/* --- how full it is --- */

static unsigned level_of(uint64_t used, uint64_t size)
{
	return used * 100 >= size * 95 ? 95 : used * 100 >= size * 80 ? 80 : 0;
}

/* More of the pool has come into use: `stage` counts from 1, as the ranges of `grow` do from 0. */
static void tell_growth(struct daemon *d, const struct network *n, unsigned stage)
{
	const struct ip4_range *r = &n->config->grow.at[stage - 1];
	char first[IP4_TEXT_SIZE], last[IP4_TEXT_SIZE];
	struct event *e = event_add(d, EVENT_POOL_GROWN);

	memcpy(e->network, n->config->name, sizeof(e->network));
	snprintf(e->detail, sizeof(e->detail), "%s-%s is in use now", ip4_text(r->first, first),
		 ip4_text(r->last, last));
	log_notice("network %s: its pool runs low, so it has grown: %s", n->config->name,
		   e->detail);
}

/* Below the highest level of the gauge, so that it is told only when there is nothing to grow into.
 * dhcp/ has opened the next range by itself where a turn has used up the ones before. */
static void grow(struct daemon *d, struct network *n)
{
	while (level_of(network_pool_used(d, n), network_pool_size(n)) == 95 &&
	       dhcp_pool_grow(n->pool))
		;
	while (n->grown_told < dhcp_pool_grown(n->pool))
		tell_growth(d, n, ++n->grown_told);
}

/* Told again only after it has fallen by so much, so that one address to and fro is one event. */
enum { GAUGE_SLACK = 5 };

static void gauge(struct daemon *d, struct network *n)
{
	uint32_t used = network_pool_used(d, n), size = network_pool_size(n);
	unsigned level = level_of(used, size);
	struct event *e;

	if (level <= n->pool_level) {
		if ((uint64_t)used * 100 + GAUGE_SLACK * (uint64_t)size <
		    (uint64_t)n->pool_level * size)
			n->pool_level = level;
		return;
	}
	n->pool_level = level;
	log_warning("network %s: %" PRIu32 " of %" PRIu32 " addresses are taken", n->config->name,
		    used, size);
	e = event_add(d, EVENT_POOL_LOW);
	memcpy(e->network, n->config->name, sizeof(e->network));
	snprintf(e->detail, sizeof(e->detail), "%" PRIu32 " of %" PRIu32 " addresses are taken",
		 used, size);
}

void networks_gauge(struct daemon *d)
{
	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++)
		/* One whose LAN gives addresses has none. */
		if (d->network[i].up && network_pool_size(&d->network[i])) {
			grow(d, &d->network[i]);
			gauge(d, &d->network[i]);
		}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The source guard, as far as it is netd's: who is behind a port and may send by it, and what the
 * kernel has counted and told. The rules themselves are in bridge/ruleset_guard.c.
 *
 * A port's own MAC and address are elements that come and go with it. Where DHCP clients behind a
 * port have leases of their own (`identity = client-id` or `mac`), each of them is an element, too,
 * from its ACK until its lease ends.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "daemon.h"
#include "summary.h"

/* --- the table of clients --- */

static uint64_t address_hash(const struct daemon *d, uint32_t network, uint32_t address)
{
	uint32_t key[2] = { network, address };

	return siphash(&d->table_key, key, sizeof(key));
}

static uint64_t mac_hash(const struct daemon *d, const struct mac *mac)
{
	return siphash(&d->table_key, mac->octet, sizeof(mac->octet));
}

int guard_init(struct guard *g, uint32_t clients)
{
	g->client = calloc(clients ? clients : 1, sizeof(*g->client));
	return g->client && slots_init(&g->slots, clients) && index_init(&g->by_address, clients) &&
			       index_init(&g->by_mac, clients) ?
		       0 :
		       -ENOMEM;
}

void guard_done(struct guard *g)
{
	slots_done(&g->slots);
	index_done(&g->by_address);
	index_done(&g->by_mac);
	free(g->client);
	*g = (struct guard){ 0 };
}

static struct guard_client *find(struct daemon *d, uint32_t network, uint32_t address)
{
	uint32_t place = UINT32_MAX, i;

	while ((i = index_walk(&d->guard.by_address, address_hash(d, network, address), &place)) !=
	       SLOT_NONE) {
		struct guard_client *c = &d->guard.client[i];

		if (c->network == network && c->source.addr == address)
			return c;
	}
	return NULL;
}

static bool add(struct daemon *d, const struct guard_client *c)
{
	struct guard *g = &d->guard;
	uint32_t i = slots_take(&g->slots);

	if (i == SLOT_NONE)
		return false;
	g->client[i] = *c;
	/* The indexes have room for as many as there are slots. */
	index_add(&g->by_address, address_hash(d, c->network, c->source.addr), i);
	index_add(&g->by_mac, mac_hash(d, &c->source.mac), i);
	return true;
}

static void drop(struct daemon *d, struct guard_client *c)
{
	struct guard *g = &d->guard;
	uint32_t i = (uint32_t)(c - g->client);

	index_del(&g->by_address, address_hash(d, c->network, c->source.addr), i);
	index_del(&g->by_mac, mac_hash(d, &c->source.mac), i);
	slots_give(&g->slots, i);
}

/* --- who may --- */

/* Another client with that MAC, behind the same port or another. */
static const struct guard_client *find_mac(const struct daemon *d, const struct guard_client *c,
					   bool elsewhere)
{
	uint32_t place = UINT32_MAX, i;

	while ((i = index_walk(&d->guard.by_mac, mac_hash(d, &c->source.mac), &place)) !=
	       SLOT_NONE) {
		const struct guard_client *other = &d->guard.client[i];

		if (other != c && mac_equal(&other->source.mac, &c->source.mac) &&
		    (other->ifindex == c->ifindex) != elsewhere &&
		    (other->network != c->network || other->source.addr != c->source.addr))
			return other;
	}
	return NULL;
}

/* A guest chooses what its clients send: nobody becomes another by it. */
static bool mac_is_free(struct daemon *d, const struct guard_client *c)
{
	struct mac_holder who;

	for (unsigned i = 0; mac_index_find(d->macs, &c->source.mac, i, &who); i++)
		if (who.kind != MAC_OF_PORT || d->port[who.id].ifindex != c->ifindex)
			return false;
	return !find_mac(d, c, true);
}

static bool is_ports_mac(struct daemon *d, const struct guard_client *c)
{
	const struct port *p = port_by_link(d, c->ifindex);

	return p && mac_equal(&p->mac, &c->source.mac);
}

/* Who has the address and may send as it, by its lease. */
static bool wanted(struct daemon *d, const struct dhcp_lease *l, struct guard_client *ret)
{
	const struct port *p;

	if (!l || !l->client || l->state != DHCP_LEASE_BOUND || !slots_live(&d->ports, l->port))
		return false;
	p = &d->port[l->port];
	if (!p->ifindex || p->network != l->net ||
	    d->network[l->net].config->guard == NFT_GUARD_OFF)
		return false;
	*ret = (struct guard_client){ .network = l->net,
				      .ifindex = p->ifindex,
				      .source = { .mac = l->mac, .addr = l->addr } };
	return mac_is_free(d, ret);
}

static struct nft_client element(struct daemon *d, const struct guard_client *c)
{
	return (struct nft_client){ .ifindex = c->ifindex,
				    .source = c->source,
				    .mac_known = is_ports_mac(d, c) || find_mac(d, c, false) };
}

static bool same(const struct guard_client *a, const struct guard_client *b)
{
	return a->ifindex == b->ifindex && mac_equal(&a->source.mac, &b->source.mac);
}

static void say_failed(struct daemon *d, const struct err *err)
{
	unsigned held_back;

	if (log_allow(&d->guard_log, loop_now(d->loop), &held_back))
		log_warning("the guard does not follow a lease: %s (%u more like this)", err->text,
			    held_back);
}

void guard_lease(struct daemon *d, uint32_t network, uint32_t address)
{
	struct guard_client *has, wants;
	struct nft_client e;
	struct err err;
	bool may;

	if (!d->network[network].used || /* it went in the same turn */
	    d->network[network].config->identity == DHCP_IDENTITY_PORT)
		return;
	has = find(d, network, address);
	may = wanted(d, dhcp_lease_by_addr(d->dhcp, network, address), &wants);
	if (has && may && same(has, &wants))
		return;
	if (has) {
		e = element(d, has);
		if (d->rules && d->host->ops->rules_client_del(d->host, &e, &err))
			say_failed(d, &err);
		drop(d, has);
	}
	if (!may || !add(d, &wants))
		return;
	e = element(d, &wants);
	if (d->rules && d->host->ops->rules_client_add(d->host, &e, &err))
		say_failed(d, &err);
}

static void add_network(struct daemon *d, uint32_t network)
{
	const struct dhcp_lease *l;
	struct guard_client wants;
	uint32_t at = 0;

	do {
		uint32_t look = UINT32_MAX;

		l = dhcp_lease_next(d->dhcp, network, &at, &look);
		if (l && wanted(d, l, &wants) && !find(d, network, l->addr) && !add(d, &wants))
			return;
	} while (l && at);
}

void guard_leases(struct daemon *d)
{
	for (uint32_t i = 0; i < d->guard.slots.fresh; i++)
		if (slots_live(&d->guard.slots, i))
			drop(d, &d->guard.client[i]);
	for (uint32_t i = 0; i < CONFIG_NETWORKS_MAX; i++)
		if (d->network[i].used && d->network[i].pool &&
		    d->network[i].config->identity != DHCP_IDENTITY_PORT)
			add_network(d, i);
}

void guard_port_gone(struct daemon *d, const struct port *p, uint32_t ifindex)
{
	struct err err;

	if (d->network[p->network].config->identity == DHCP_IDENTITY_PORT)
		return;
	for (uint32_t i = 0; i < d->guard.slots.fresh; i++) {
		struct guard_client *c = &d->guard.client[i];
		struct nft_client e;

		if (!slots_live(&d->guard.slots, i) || c->ifindex != ifindex)
			continue;
		e = element(d, c);
		if (d->rules && d->host->ops->rules_client_del(d->host, &e, &err))
			say_failed(d, &err);
		drop(d, c);
	}
}

void guard_port_here(struct daemon *d, const struct port *p)
{
	const struct network *n = &d->network[p->network];
	const struct dhcp_lease *l;
	uint32_t at = 0;

	if (n->config->identity == DHCP_IDENTITY_PORT || !n->config->keep_leases)
		return;
	do {
		uint32_t look = UINT32_MAX;

		l = dhcp_lease_next(d->dhcp, n->slot, &at, &look);
		if (l && l->port == p->slot)
			guard_lease(d, n->slot, l->addr);
	} while (l && at);
}

const struct guard_client *guard_next(struct daemon *d, uint32_t *at, bool *ret_mac_known)
{
	while (*at < d->guard.slots.fresh) {
		uint32_t i = (*at)++;

		if (!slots_live(&d->guard.slots, i))
			continue;
		/* Elements can be made twice. */
		*ret_mac_known = is_ports_mac(d, &d->guard.client[i]);
		return &d->guard.client[i];
	}
	return NULL;
}

/* --- what is told --- */

void guard_spoof(struct daemon *d, const struct trap_packet *packet)
{
	struct port *p = port_by_link(d, packet->ifindex);
	char summary[SUMMARY_SIZE], text[NAME_SIZE + 12];
	unsigned held_back;
	struct event *e;

	if (!p)
		return;
	p->spoofed = true;
	packet_summary(packet, summary);
	e = event_add_port(d, EVENT_SPOOF, p);
	snprintf(e->detail, sizeof(e->detail), "%s: %s", nft_reason_text(packet->reason), summary);
	if (log_allow(&d->guard_log, loop_now(d->loop), &held_back))
		log_warning("port %s: the guard %s a packet (%s): %s (%u more like this)",
			    port_text(p, text),
			    d->network[p->network].config->guard == NFT_GUARD_ON ? "holds back" :
										   "noticed",
			    nft_reason_text(packet->reason), summary, held_back);
}

/* --- what is counted --- */

void guard_forget_counts(struct daemon *d, struct port *p)
{
	struct err err;

	if (p->spoofed && d->host->ops->drops_forget(d->host, p->ifindex, &err))
		say_failed(d, &err);
	p->held = (struct guard_counts){ { 0 } };
	p->spoofed = false;
}

struct counting {
	struct daemon *d;
	struct guard_counts *by_slot;
};

static void count(void *arg, const struct nft_drops *drops)
{
	struct counting *c = arg;
	const struct port *p = port_by_link(c->d, drops->ifindex);

	if (p)
		c->by_slot[p->slot].packets[drops->reason] += drops->packets;
}

struct guard_counts *guard_counts(struct daemon *d)
{
	struct counting c = { d, calloc(d->ports.fresh + 1, sizeof(*c.by_slot)) };
	struct port *p;
	struct err err;

	if (!c.by_slot)
		return NULL;
	for (uint32_t at = 0; (p = port_next(d, &at));)
		c.by_slot[p->slot] = p->held;
	if (d->host->ops->drops_list(d->host, count, &c, &err))
		say_failed(d, &err);
	return c.by_slot;
}

void guard_keep_counts(struct daemon *d, const struct guard_counts *before)
{
	struct port *p;

	for (uint32_t at = 0; (p = port_next(d, &at));)
		p->held = before[p->slot];
}

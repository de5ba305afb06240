/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Clients that are not the one guest of a port: behind a port that has no address of its own, or
 * beside the guest of one that has (a bridge, a macvlan or a nested guest inside it). They are told
 * apart by identity and get addresses of their network's pool.
 *
 * Theory of operation: a client is found by two keyed hashes of its identity, 128 bits, so that
 * nobody can make two clients meet. Which address it gets first follows from the same hash. When
 * its lease ends, client and address stay together, and the address stays taken, until somebody
 * else needs it: then the one goes whose lease ended first (RFC 2131 4.3.1, "previous binding").
 * All of that costs the same however many there are.
 *
 * Two clients with one identifier, such as machines cloned with their machine id, are told apart
 * when both are live behind different ports: the later one goes by identifier and MAC together.
 * Firmware and what it starts have one card and several identifiers: the lease of a client that
 * says it is firmware is also found by port and MAC, and whoever comes next from there takes it
 * over.
 */
#include "server.h"

enum kind { KIND_IDENTIFIER, KIND_HARDWARE, KIND_CLONE, KIND_BOOT };

/* --- identity --- */

static void hash_end(const struct siphash *common, uint64_t ret[2])
{
	for (uint32_t half = 0; half < 2; half++) {
		struct siphash h = *common;

		siphash_add_u32(&h, half);
		ret[half] = siphash_done(&h);
	}
}

static struct siphash hash_begin(const struct dhcp_server *s, uint32_t net, enum kind kind)
{
	struct siphash h = siphash_init(&s->key);

	siphash_add_u32(&h, net);
	siphash_add_u32(&h, kind);
	return h;
}

/* What identifies a client: the identifier when there is one and it counts, else the hardware
 * address. */
struct identifier {
	const uint8_t *id; /* NULL: none */
	size_t len;
	uint8_t htype, hlen;
	const uint8_t *hardware;
};

static void hash_identity(const struct dhcp_server *s, uint32_t net, const struct identifier *i,
			  bool clone, uint64_t ret[2])
{
	struct siphash h = hash_begin(s, net,
				      clone ? KIND_CLONE :
				      i->id ? KIND_IDENTIFIER :
					      KIND_HARDWARE);

	if (i->id) {
		siphash_add_u32(&h, (uint32_t)i->len);
		siphash_add(&h, i->id, i->len);
	}
	if (!i->id || clone) {
		siphash_add_u32(&h, (uint32_t)i->htype << 8 | i->hlen);
		siphash_add(&h, i->hardware, i->hlen);
	}
	hash_end(&h, ret);
}

static void hash_boot(const struct dhcp_server *s, const struct dhcp_lease *l, uint64_t ret[2])
{
	struct siphash h = hash_begin(s, l->net, KIND_BOOT);

	siphash_add_u32(&h, l->port);
	siphash_add(&h, l->mac.octet, sizeof(l->mac.octet));
	hash_end(&h, ret);
}

static struct lease_slot *find(const struct dhcp_server *s, const uint64_t identity[2])
{
	uint32_t place = UINT32_MAX, i;

	while ((i = index_walk(&s->by_identity, identity[0], &place)) != SLOT_NONE) {
		const struct dhcp_lease *l = &s->lease[i].l;

		if (l->identity[0] == identity[0] && l->identity[1] == identity[1])
			return &s->lease[i];
	}
	return NULL;
}

static struct lease_slot *find_boot(const struct dhcp_server *s, const struct exchange *x)
{
	struct dhcp_lease l = { .net = x->in->net, .port = x->in->port };
	uint32_t place = UINT32_MAX, i;
	uint64_t hash[2];

	memcpy(l.mac.octet, x->m.chaddr, sizeof(l.mac.octet));
	hash_boot(s, &l, hash);
	while ((i = index_walk(&s->by_identity, hash[0], &place)) != SLOT_NONE) {
		const struct dhcp_lease *found = &s->lease[i].l;

		if (found->boot && found->net == l.net && found->port == l.port &&
		    mac_equal(&found->mac, &l.mac))
			return &s->lease[i];
	}
	return NULL;
}

/* The index has room for two entries a slot. */
static void enter_boot(struct dhcp_server *s, struct lease_slot *lease)
{
	uint64_t hash[2];

	hash_boot(s, &lease->l, hash);
	index_add(&s->by_identity, hash[0], (uint32_t)(lease - s->lease));
}

static void enter(struct dhcp_server *s, struct lease_slot *lease)
{
	index_add(&s->by_identity, lease->l.identity[0], (uint32_t)(lease - s->lease));
	if (lease->l.boot)
		enter_boot(s, lease);
}

static void leave(struct dhcp_server *s, struct lease_slot *lease)
{
	uint32_t i = (uint32_t)(lease - s->lease);
	uint64_t hash[2];

	index_del(&s->by_identity, lease->l.identity[0], i);
	hash_boot(s, &lease->l, hash);
	if (lease->l.boot)
		index_del(&s->by_identity, hash[0], i);
}

static bool is_live(const struct dhcp_lease *l)
{
	return l->state == DHCP_LEASE_BOUND || l->state == DHCP_LEASE_OFFERED;
}

/* Another machine has this identifier: its port is there, its lease runs, and it is neither this
 * port nor this card. */
static bool is_other_machine(const struct exchange *x, const struct dhcp_lease *l)
{
	return is_live(l) && l->port != DHCP_PORT_NONE && l->port != x->in->port &&
	       memcmp(l->mac.octet, x->m.chaddr, sizeof(l->mac.octet)) != 0;
}

/* PXE and UEFI HTTP firmware (RFC 4578 2.1, UEFI 24.7), and iPXE. */
static bool is_firmware(const struct exchange *x)
{
	size_t len;
	const uint8_t *p = dhcp_options_get(x->o, OPT_VENDOR_CLASS, &len);

	if (p && ((len >= 9 && !memcmp(p, "PXEClient", 9)) ||
		  (len >= 10 && !memcmp(p, "HTTPClient", 10))))
		return true;
	p = dhcp_options_get(x->o, OPT_USER_CLASS, &len);
	if (p && len >= 4 && !memcmp(p + len - 4, "iPXE", 4))
		return true;
	return dhcp_options_get(x->o, OPT_IPXE, &len) != NULL;
}

void client_find(struct dhcp_server *s, struct exchange *x)
{
	struct identifier i = { .htype = x->m.htype, .hlen = x->m.hlen, .hardware = x->m.chaddr };
	struct lease_slot *lease;
	uint64_t clone[2];

	x->boot = is_firmware(x);
	if (x->net->identity == DHCP_IDENTITY_CLIENT_ID) {
		i.id = dhcp_options_get(x->o, OPT_CLIENT_ID, &i.len);
		if (i.id && i.len < 2) /* no identifier of RFC 2132 9.14 */
			i.id = NULL;
	}
	hash_identity(s, x->in->net, &i, false, x->identity);
	lease = find(s, x->identity);
	if (i.id) {
		struct lease_slot *own;

		hash_identity(s, x->in->net, &i, true, clone);
		own = find(s, clone);
		x->clone = lease && is_other_machine(x, &lease->l);
		if (x->clone || (own && is_live(&own->l))) {
			memcpy(x->identity, clone, sizeof(clone));
			lease = own;
		}
	}
	x->lease = lease ? lease : find_boot(s, x);
}

/* --- lists --- */

static void unlink(struct dhcp_server *s, struct lease_slot *lease)
{
	struct lease_list *list = lease->in;

	if (!list)
		return;
	if (lease->prev == SLOT_NONE)
		list->first = lease->next;
	else
		s->lease[lease->prev].next = lease->next;
	if (lease->next == SLOT_NONE)
		list->last = lease->prev;
	else
		s->lease[lease->next].prev = lease->prev;
	list->n--;
	lease->in = NULL;
}

static void append(struct dhcp_server *s, struct lease_list *list, struct lease_slot *lease)
{
	uint32_t i = (uint32_t)(lease - s->lease);

	lease->in = list;
	lease->next = SLOT_NONE;
	lease->prev = list->last;
	if (list->last == SLOT_NONE)
		list->first = i;
	else
		s->lease[list->last].next = i;
	list->last = i;
	list->n++;
}

void client_place(struct dhcp_server *s, struct lease_slot *lease)
{
	struct lease_slot *port = is_live(&lease->l) && lease->l.port != DHCP_PORT_NONE ?
					  lease_find_port(s, lease->l.port) :
					  NULL;
	struct lease_list *list = port ? &port->clients : NULL;

	if (lease->l.state == DHCP_LEASE_RELEASED || lease->l.state == DHCP_LEASE_EXPIRED)
		list = &s->ended[lease->l.net];
	if (lease->in == list)
		return;
	unlink(s, lease);
	if (list)
		append(s, list, lease);
}

/* --- coming and going --- */

void client_remove(struct dhcp_server *s, struct lease_slot *lease)
{
	struct dhcp_pool *pool = s->net[lease->l.net].pool;

	unlink(s, lease);
	leave(s, lease);
	if (pool)
		dhcp_pool_give(pool, lease->l.addr);
	lease_remove(s, lease);
}

bool dhcp_reclaim(struct dhcp_server *s, uint32_t net)
{
	if (net >= s->nets_cap || s->ended[net].first == SLOT_NONE)
		return false;
	client_remove(s, &s->lease[s->ended[net].first]);
	return true;
}

uint32_t dhcp_reclaimable(const struct dhcp_server *s, uint32_t net)
{
	return net < s->nets_cap ? s->ended[net].n : 0;
}

bool client_has_room(const struct exchange *x)
{
	return !x->net->clients_max || x->port->clients.n < x->net->clients_max;
}

static bool is_ended_client(const struct lease_slot *lease)
{
	return lease && lease->l.client &&
	       (lease->l.state == DHCP_LEASE_RELEASED || lease->l.state == DHCP_LEASE_EXPIRED);
}

bool client_may_have(const struct dhcp_server *s, const struct exchange *x, uint32_t addr)
{
	const struct dhcp_pool *pool = x->net->pool;

	return pool && dhcp_pool_contains(pool, addr) &&
	       (!dhcp_pool_taken(pool, addr) ||
		is_ended_client(lease_find_addr(s, x->in->net, addr)));
}

void client_evict(struct dhcp_server *s, uint32_t net, uint32_t addr)
{
	struct lease_slot *lease = lease_find_addr(s, net, addr);

	if (is_ended_client(lease))
		client_remove(s, lease);
}

static bool choose(struct dhcp_server *s, const struct exchange *x, uint32_t wanted,
		   bool only_wanted, uint32_t *ret)
{
	uint64_t place = x->identity[1];

	/* An address that another had is only taken from it when there is no way around. */
	if (dhcp_pool_take(x->net->pool, wanted)) {
		*ret = wanted;
		return true;
	}
	if (only_wanted) {
		if (!client_may_have(s, x, wanted))
			return false;
		client_evict(s, x->in->net, wanted);
		*ret = wanted;
		return dhcp_pool_take(x->net->pool, wanted);
	}
	if (!dhcp_pool_find(x->net->pool, &place, ret) &&
	    (!dhcp_reclaim(s, x->in->net) || !dhcp_pool_find(x->net->pool, &place, ret)))
		return false;
	return dhcp_pool_take(x->net->pool, *ret);
}

struct lease_slot *client_add(struct dhcp_server *s, struct exchange *x, uint32_t wanted,
			      bool only_wanted, enum dhcp_drop *ret_drop)
{
	struct dhcp_port who = { .net = x->in->net, .port = DHCP_PORT_NONE };
	struct lease_slot *lease;

	*ret_drop = DHCP_DROP_CLIENTS;
	if (!client_has_room(x))
		return NULL;
	*ret_drop = DHCP_DROP_NO_ADDRESS;
	if (!x->net->pool || (s->slots.used == s->slots.cap && !dhcp_reclaim(s, x->in->net)) ||
	    !choose(s, x, wanted, only_wanted, &who.addr))
		return NULL;
	memcpy(who.mac.octet, x->m.chaddr, sizeof(who.mac.octet));
	lease = lease_insert(s, &who);
	lease->l.port = x->in->port;
	lease->l.client = true;
	lease->l.boot = x->boot;
	memcpy(lease->l.identity, x->identity, sizeof(x->identity));
	enter(s, lease);
	*ret_drop = DHCP_DROP_NONE;
	return lease;
}

void client_move(struct dhcp_server *s, struct lease_slot *lease, const struct exchange *x)
{
	unlink(s, lease);
	leave(s, lease);
	memcpy(lease->l.mac.octet, x->m.chaddr, sizeof(lease->l.mac.octet));
	memcpy(lease->l.identity, x->identity, sizeof(x->identity));
	lease->l.port = x->in->port;
	lease->l.boot = x->boot;
	enter(s, lease);
	client_place(s, lease);
}

void client_strip(struct dhcp_server *s, struct lease_slot *lease)
{
	unlink(s, lease);
	leave(s, lease);
	lease->l.client = lease->l.boot = false;
	lease->l.port = DHCP_PORT_NONE;
}

void client_restore(struct dhcp_server *s, struct lease_slot *lease,
		    const struct dhcp_lease *before)
{
	unlink(s, lease);
	if (lease->l.client)
		leave(s, lease);
	lease->l.client = true;
	lease->l.boot = before->boot;
	lease->l.port = before->port;
	lease->l.mac = before->mac;
	memcpy(lease->l.identity, before->identity, sizeof(before->identity));
	enter(s, lease);
}

void client_rehome(struct dhcp_server *s, struct lease_slot *from, struct lease_slot *to)
{
	while (from->clients.first != SLOT_NONE) {
		struct lease_slot *lease = &s->lease[from->clients.first];

		unlink(s, lease);
		if (to) {
			append(s, &to->clients, lease);
		} else if (lease->l.state == DHCP_LEASE_OFFERED) {
			client_remove(s, lease);
		} else {
			leave(s, lease);
			lease->l.port = DHCP_PORT_NONE;
			enter(s, lease);
		}
	}
}

static struct identifier identifier_of(const struct dhcp_net_config *net,
				       const struct dhcp_record *r)
{
	struct identifier i = { .htype = DHCP_HTYPE_ETHERNET,
				.hlen = sizeof(r->mac.octet),
				.hardware = r->mac.octet };

	if (net->identity == DHCP_IDENTITY_CLIENT_ID && r->client_id_len >= 2) {
		i.id = r->client_id;
		i.len = r->client_id_len;
	}
	return i;
}

/*
 * Two records of one client: it had the one before it got the other. What runs counts; of two that
 * run, which clones have, the first keeps the identifier for itself. False: this one says nothing.
 */
static bool make_way(struct dhcp_server *s, const struct dhcp_record *r, const struct identifier *i,
		     uint64_t identity[2])
{
	struct lease_slot *other = find(s, identity);

	if (!other)
		return true;
	if (is_ended_client(other)) {
		client_remove(s, other);
		return true;
	}
	if (r->state != DHCP_LEASE_BOUND || !i->id)
		return false;
	hash_identity(s, r->net, i, true, identity);
	return !find(s, identity);
}

int client_load(struct dhcp_server *s, const struct dhcp_record *r)
{
	const struct dhcp_net_config *net = &s->net[r->net];
	struct dhcp_port who = {
		.net = r->net, .port = DHCP_PORT_NONE, .addr = r->addr, .mac = r->mac
	};
	struct identifier i = identifier_of(net, r);
	struct lease_slot *lease;
	uint64_t identity[2];

	if (net->identity == DHCP_IDENTITY_PORT || !net->pool)
		return -ENOENT;
	hash_identity(s, r->net, &i, false, identity);
	if (!dhcp_pool_contains(net->pool, r->addr) || dhcp_pool_taken(net->pool, r->addr) ||
	    !make_way(s, r, &i, identity))
		return -EEXIST;
	lease = lease_insert(s, &who);
	if (!lease)
		return -ENOSPC;
	dhcp_pool_take(net->pool, r->addr);
	memcpy(lease->l.identity, identity, sizeof(identity));
	lease->l.client = true;
	lease->l.port = r->port;
	enter(s, lease);
	return 0;
}

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
 * Two clients with one identifier are told apart when both are live behind different ports: the
 * later one goes by identifier and MAC together. Behind one port the later one takes the lease
 * over, as a card does that replaces another; when the earlier one is heard again meanwhile, it is
 * told apart. And a guest that sends with the MAC of a client that is live behind another's port is
 * not taken for that client: it goes by identifier, MAC and port. Only from one trusted port to
 * another does a client move while its lease runs.
 *
 * A client of several subnets, behind relay agents, is one of each (RFC 2131 4.3.1: a binding that
 * is not of the network where the client is now is none).
 *
 * Firmware and what it starts have one card and several identifiers: the lease of a client that
 * says it is firmware is also found by port and MAC, and whoever comes next from there takes it
 * over.
 */
#include "server.h"

enum kind { KIND_IDENTIFIER, KIND_HARDWARE, KIND_CLONE, KIND_NAMESAKE, KIND_BOOT, KIND_NOBODY };

/* --- identity --- */

static void hash_end(const struct siphash *common, uint64_t ret[2])
{
	for (uint32_t half = 0; half < 2; half++) {
		struct siphash h = *common;

		siphash_add_u32(&h, half);
		ret[half] = siphash_done(&h);
	}
}

static struct siphash hash_begin(const struct dhcp_server *s, uint32_t net, unsigned subnet,
				 enum kind kind)
{
	struct siphash h = siphash_init(&s->key);

	siphash_add_u32(&h, net);
	siphash_add_u32(&h, subnet << 8 | (uint32_t)kind);
	return h;
}

/* What identifies a client: the identifier when there is one and it counts, else the hardware
 * address. */
struct identifier {
	uint32_t net;
	uint32_t port; /* DHCP_PORT_NONE: one that is no guest's */
	unsigned subnet;
	const uint8_t *id; /* NULL: none */
	size_t len;
	uint8_t htype, hlen;
	const uint8_t *hardware;
};

/* `kind` is that of the identifier or hardware address, or one of those that tell two with the same
 * apart. */
static void hash_identity(const struct dhcp_server *s, const struct identifier *i, enum kind kind,
			  uint64_t ret[2])
{
	struct siphash h = hash_begin(s, i->net, i->subnet, kind);

	if (i->id) {
		siphash_add_u32(&h, (uint32_t)i->len);
		siphash_add(&h, i->id, i->len);
	}
	if (kind != KIND_IDENTIFIER) {
		siphash_add_u32(&h, (uint32_t)i->htype << 8 | i->hlen);
		siphash_add(&h, i->hardware, i->hlen);
	}
	if (kind == KIND_NAMESAKE)
		siphash_add_u32(&h, i->port);
	hash_end(&h, ret);
}

static enum kind plain(const struct identifier *i)
{
	return i->id ? KIND_IDENTIFIER : KIND_HARDWARE;
}

static void hash_boot(const struct dhcp_server *s, const struct dhcp_lease *l, uint64_t ret[2])
{
	unsigned subnet = net_subnet_of(&s->net[l->net].config, l->addr).number;
	struct siphash h = hash_begin(s, l->net, subnet, KIND_BOOT);

	siphash_add_u32(&h, l->port);
	siphash_add(&h, l->mac.octet, sizeof(l->mac.octet));
	hash_end(&h, ret);
}

/* The lease of this identity, which is not `except`. */
static struct lease_slot *find_but(const struct dhcp_server *s, const uint64_t identity[2],
				   const struct lease_slot *except)
{
	uint32_t place = UINT32_MAX, i;

	while ((i = index_walk(&s->by_identity, identity[0], &place)) != SLOT_NONE) {
		struct lease_slot *lease = &s->lease[i];

		if (lease != except && lease->l.identity[0] == identity[0] &&
		    lease->l.identity[1] == identity[1])
			return lease;
	}
	return NULL;
}

static struct lease_slot *find(const struct dhcp_server *s, const uint64_t identity[2])
{
	return find_but(s, identity, NULL);
}

struct lease_slot *client_find_other(const struct dhcp_server *s, const struct lease_slot *lease)
{
	return find_but(s, lease->l.identity, lease);
}

static struct lease_slot *find_boot(const struct dhcp_server *s, const struct exchange *x)
{
	struct dhcp_lease l = { .net = x->in->net,
				.port = x->in->port,
				.addr = x->subnet.prefix.addr };
	uint32_t place = UINT32_MAX, i;
	uint64_t hash[2];

	memcpy(l.mac.octet, x->m.chaddr, sizeof(l.mac.octet));
	hash_boot(s, &l, hash);
	while ((i = index_walk(&s->by_identity, hash[0], &place)) != SLOT_NONE) {
		const struct dhcp_lease *found = &s->lease[i].l;

		if (found->boot && found->net == l.net && found->port == l.port &&
		    mac_equal(&found->mac, &l.mac) && ip4_within(x->subnet.prefix, found->addr))
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
	s->clients++;
	index_add(&s->by_identity, lease->l.identity[0], (uint32_t)(lease - s->lease));
	if (lease->l.boot)
		enter_boot(s, lease);
}

static void leave(struct dhcp_server *s, struct lease_slot *lease)
{
	uint32_t i = (uint32_t)(lease - s->lease);
	uint64_t hash[2];

	s->clients--;
	index_del(&s->by_identity, lease->l.identity[0], i);
	hash_boot(s, &lease->l, hash);
	if (lease->l.boot)
		index_del(&s->by_identity, hash[0], i);
}

/* Whether a port is no guest's; after a start it may be not known, or not there yet. */
static bool is_trusted(const struct dhcp_server *s, uint32_t port)
{
	const struct lease_slot *lease = lease_find_port(s, port);

	return port == DHCP_PORT_NONE || (lease && lease->trusted);
}

/* It had the lease before a card that seemed to replace it (RFC 4361 6.3), and both speak. */
static bool speaks_again(const struct exchange *x, const struct dhcp_lease *l)
{
	return !mac_is_zero(&l->mac_before) &&
	       !memcmp(l->mac_before.octet, x->m.chaddr, sizeof(l->mac_before.octet));
}

/*
 * Another machine goes by this identity: its lease runs, behind another port than this one. The
 * same card there is the same machine only where neither port is a guest's.
 */
bool client_is_other_machine(const struct dhcp_server *s, const struct exchange *x,
			     const struct dhcp_lease *l)
{
	if (!is_live(l))
		return false;
	if (l->port == x->in->port)
		return speaks_again(x, l);
	return memcmp(l->mac.octet, x->m.chaddr, sizeof(l->mac.octet)) != 0 || !x->port->trusted ||
	       !is_trusted(s, l->port);
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

/*
 * The sender's lease by this identity, or NULL. With a reservation there can be two, which can even
 * have become those of two machines: what runs is found before memory, and *ret_other says that
 * only another machine has what runs.
 */
static struct lease_slot *find_senders(const struct dhcp_server *s, const struct exchange *x,
				       const uint64_t identity[2], bool *ret_other)
{
	struct lease_slot *found = NULL;
	uint32_t place = UINT32_MAX, i;

	*ret_other = false;
	while ((i = index_walk(&s->by_identity, identity[0], &place)) != SLOT_NONE) {
		struct lease_slot *lease = &s->lease[i];

		if (lease->l.identity[0] != identity[0] || lease->l.identity[1] != identity[1])
			continue;
		if (client_is_other_machine(s, x, &lease->l))
			*ret_other = true;
		else if (!found || is_live(&lease->l))
			found = lease;
	}
	if (found && is_live(&found->l))
		*ret_other = false;
	return found;
}

enum { KINDS_MAX = 3 };

/* Which kinds of identity a client can go by: the plain one, and then those that tell it apart. */
static unsigned kinds_of(const struct identifier *i, enum kind ret[KINDS_MAX])
{
	unsigned n = 0;

	ret[n++] = plain(i);
	if (i->id)
		ret[n++] = KIND_CLONE;
	ret[n++] = KIND_NAMESAKE;
	return n;
}

/* The client's lease, if any, and the identity that it goes by: one under which it has a lease that
 * runs, so that who was told apart once stays so; else the first that is no other machine's. */
static struct lease_slot *find_own(struct dhcp_server *s, struct exchange *x,
				   const struct identifier *i)
{
	enum kind kind[KINDS_MAX];
	unsigned kinds = kinds_of(i, kind), use = 0;
	struct lease_slot *found[KINDS_MAX] = { NULL };
	uint64_t identity[KINDS_MAX][2];
	bool other[KINDS_MAX] = { false };

	for (unsigned k = 0; k < kinds; k++) {
		hash_identity(s, i, kind[k], identity[k]);
		index_prefetch(&s->by_identity, identity[k][0]);
	}
	for (unsigned k = 0; k < kinds; k++) {
		found[k] = find_senders(s, x, identity[k], &other[k]);
		if (k && found[k] && is_live(&found[k]->l))
			use = k;
	}
	while ((!use || x->clone) && use < kinds - 1 && other[use]) {
		x->clone = true;
		use++;
	}
	x->apart = use > 0;
	memcpy(x->identity, identity[use], sizeof(x->identity));
	return found[use];
}

void client_find(struct dhcp_server *s, struct exchange *x)
{
	struct identifier i = { .net = x->in->net,
				.port = x->port->trusted ? DHCP_PORT_NONE : x->in->port,
				.subnet = x->subnet.number,
				.htype = x->m.htype,
				.hlen = x->m.hlen,
				.hardware = x->m.chaddr };

	x->boot = is_firmware(x);
	if (x->net->identity != DHCP_IDENTITY_MAC) {
		i.id = dhcp_options_get(x->o, OPT_CLIENT_ID, &i.len);
		if (i.id && i.len < 2) /* no identifier of RFC 2132 9.14 */
			i.id = NULL;
	}
	x->lease = find_own(s, x, &i);
	if (!x->lease)
		x->lease = find_boot(s, x);
	reserve_find(s, x, i.id, i.len);
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

static struct subnet subnet_of(const struct dhcp_server *s, const struct lease_slot *lease)
{
	return net_subnet_of(&s->net[lease->l.net].config, lease->l.addr);
}

void client_place(struct dhcp_server *s, struct lease_slot *lease)
{
	struct lease_slot *port = is_live(&lease->l) && lease->l.port != DHCP_PORT_NONE ?
					  lease_find_port(s, lease->l.port) :
					  NULL;
	struct lease_list *list = port ? &port->clients : NULL;

	/* A reserved address is no use to anybody else. */
	if (is_ended_client(lease) && !reserve_is(s, lease->l.net, lease->l.addr))
		list = &s->net[lease->l.net].ended[subnet_of(s, lease).number];
	if (lease->in == list)
		return;
	unlink(s, lease);
	if (list)
		append(s, list, lease);
}

/* --- coming and going --- */

void client_forget(struct dhcp_server *s, struct lease_slot *lease)
{
	unlink(s, lease);
	leave(s, lease);
	lease_remove(s, lease);
}

void client_remove(struct dhcp_server *s, struct lease_slot *lease)
{
	struct dhcp_pool *pool = subnet_of(s, lease).pool;

	if (pool && !reserve_is(s, lease->l.net, lease->l.addr))
		dhcp_pool_give(pool, lease->l.addr);
	client_forget(s, lease);
}

static bool reclaim(struct dhcp_server *s, uint32_t net, unsigned subnet)
{
	uint32_t first = s->net[net].ended[subnet].first;

	if (first != SLOT_NONE)
		client_remove(s, &s->lease[first]);
	return first != SLOT_NONE;
}

bool dhcp_reclaim(struct dhcp_server *s, uint32_t net)
{
	return net < s->nets_cap && reclaim(s, net, 0);
}

bool client_make_room(struct dhcp_server *s, uint32_t net, unsigned subnet)
{
	struct dhcp_pool *pool = net_subnet(&s->net[net].config, subnet).pool;

	return reclaim(s, net, subnet) || (pool && dhcp_pool_grow(pool));
}

bool dhcp_find_free(struct dhcp_server *s, uint32_t net, uint64_t *place, uint32_t *ret_addr)
{
	struct dhcp_pool *pool = net < s->nets_cap ? s->net[net].config.pool : NULL;

	while (pool && !dhcp_pool_find(pool, place, ret_addr))
		if (!client_make_room(s, net, 0))
			return false;
	return pool != NULL;
}

uint32_t dhcp_reclaimable(const struct dhcp_server *s, uint32_t net)
{
	return net < s->nets_cap ? s->net[net].ended[0].n : 0;
}

/* Room for one more client, if need be that of one whose lease has ended, of whichever network. */
static bool make_slot(struct dhcp_server *s, uint32_t net)
{
	bool room = s->slots.used < s->slots.cap && s->clients < s->clients_cap;

	for (uint32_t i = 0; !room && i < s->nets_fresh; i++) {
		uint32_t at = (net + i) % s->nets_fresh;

		for (unsigned j = 0; !room && j <= s->net[at].config.relays; j++)
			room = reclaim(s, at, j);
	}
	return room;
}

bool client_has_room(const struct exchange *x)
{
	/* What it is about to leave does not count. */
	uint32_t n = x->port->clients.n - (x->left && x->left->in == &x->port->clients);
	bool reserved = x->lease && x->lease->l.addr == x->reserved;

	return reserved || !x->net->clients_max || x->port->trusted ||
	       n + x->in->waiting < x->net->clients_max;
}

bool client_may_have(const struct dhcp_server *s, const struct exchange *x, uint32_t addr)
{
	const struct dhcp_pool *pool = x->subnet.pool;

	if (reserve_is_open(s, x))
		return addr == x->reserved;
	return pool && !reserve_is(s, x->in->net, addr) && dhcp_pool_is_open(pool, addr) &&
	       candidate_fits(x, addr) &&
	       (!dhcp_pool_taken(pool, addr) ||
		is_ended_client(lease_find_addr(s, x->in->net, addr)));
}

void client_evict(struct dhcp_server *s, uint32_t net, uint32_t addr)
{
	struct lease_slot *lease = lease_find_addr(s, net, addr);

	if (is_ended_client(lease))
		client_remove(s, lease);
}

struct lease_slot *client_add(struct dhcp_server *s, struct exchange *x, uint32_t wanted,
			      bool only_wanted, enum dhcp_drop *ret_drop)
{
	struct dhcp_port who = { .net = x->in->net, .port = DHCP_PORT_NONE };
	uint32_t left = x->left ? x->left->l.addr : 0;
	struct lease_slot *lease;
	bool room;

	*ret_drop = DHCP_DROP_CLIENTS;
	if (!reserve_is_open(s, x) && !client_has_room(x))
		return NULL;
	*ret_drop = DHCP_DROP_NO_ADDRESS;
	who.addr = wanted;
	if (!x->subnet.pool || !(only_wanted ? client_may_have(s, x, wanted) :
					       candidate_find(s, x, wanted, &who.addr)))
		return NULL;
	if (!candidate_is_known(x, who.addr)) {
		*ret_drop = DHCP_DROP_NONE;
		return NULL;
	}
	if (only_wanted || who.addr == x->reserved)
		client_evict(s, x->in->net, who.addr);
	room = make_slot(s, x->in->net);
	/* That may have been what the client is to leave, had it ended. */
	x->left = left ? lease_find_addr(s, x->in->net, left) : NULL;
	/* What is reserved is taken. */
	if (!room || (who.addr != x->reserved && !dhcp_pool_take(x->subnet.pool, who.addr)))
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
	lease->l.moved |= lease->l.port != x->in->port ||
			  memcmp(lease->l.mac.octet, x->m.chaddr, sizeof(lease->l.mac.octet)) ||
			  memcmp(lease->l.identity, x->identity, sizeof(x->identity));
	unlink(s, lease);
	leave(s, lease);
	if (!is_live(&lease->l))
		lease->l.mac_before = (struct mac){ { 0 } };
	else if (memcmp(lease->l.mac.octet, x->m.chaddr, sizeof(lease->l.mac.octet)) != 0)
		lease->l.mac_before = lease->l.mac;
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

void client_disown(struct dhcp_server *s, struct lease_slot *lease)
{
	struct siphash h = hash_begin(s, lease->l.net, 0, KIND_NOBODY);

	siphash_add_u32(&h, lease->l.addr);
	leave(s, lease);
	lease->l.boot = false;
	hash_end(&h, lease->l.identity);
	enter(s, lease);
}

/* An entry for a lease that has been forgotten; NULL when there is no room or its address is not
 * free. */
static struct lease_slot *insert_again(struct dhcp_server *s, const struct dhcp_lease *before)
{
	struct dhcp_port who = {
		.net = before->net, .port = DHCP_PORT_NONE, .addr = before->addr, .mac = before->mac
	};
	struct dhcp_pool *pool = net_subnet_of(&s->net[before->net].config, before->addr).pool;

	if (s->slots.used == s->slots.cap || (!reserve_is(s, before->net, before->addr) &&
					      !(pool && dhcp_pool_take(pool, before->addr))))
		return NULL;
	return lease_insert(s, &who);
}

/* What a client has got since, whose former lease is to be there again: no two may go by one
 * identity, but for a reserved one beside that which it is to leave. */
static void part_from(struct dhcp_server *s, struct lease_slot *since,
		      const struct dhcp_lease *before)
{
	if (reserve_is(s, since->l.net, since->l.addr))
		return;
	if (since->l.state == DHCP_LEASE_OFFERED)
		client_remove(s, since);
	else if (!reserve_is(s, before->net, before->addr))
		client_disown(s, since);
}

bool client_revive(struct dhcp_server *s, const struct dhcp_lease *before)
{
	struct lease_slot *lease = lease_find_addr(s, before->net, before->addr);
	struct lease_slot *since = find(s, before->identity);

	/* It was offered another one, or took over that of its firmware. */
	if (since && since != lease)
		part_from(s, since, before);
	if (!lease)
		lease = insert_again(s, before);
	if (!lease || (!lease->l.client && lease->l.port != DHCP_PORT_NONE))
		return false;
	unlink(s, lease);
	if (lease->l.client)
		leave(s, lease);
	lease->l.client = true;
	lease->l.moved = before->moved;
	lease->l.boot = before->boot;
	lease->l.port = before->port;
	lease->l.mac = before->mac;
	lease->l.mac_before = before->mac_before;
	memcpy(lease->l.identity, before->identity, sizeof(before->identity));
	enter(s, lease);
	return true;
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

static int by_start(const void *a, const void *b, void *arg)
{
	const struct dhcp_server *s = arg;
	int64_t x = s->lease[*(const uint32_t *)a].l.started;
	int64_t y = s->lease[*(const uint32_t *)b].l.started;

	return (x > y) - (x < y);
}

/* Without memory the order is that of the records. */
static void sort(struct dhcp_server *s, struct lease_list *list)
{
	uint32_t *at = malloc((list->n ? list->n : 1) * sizeof(*at)), n = 0;

	if (!at)
		return;
	for (uint32_t i = list->first; i != SLOT_NONE; i = s->lease[i].next)
		at[n++] = i;
	qsort_r(at, n, sizeof(*at), by_start, s);
	for (uint32_t i = 0; i < n; i++) {
		unlink(s, &s->lease[at[i]]);
		append(s, list, &s->lease[at[i]]);
	}
	free(at);
}

void dhcp_leases_restored(struct dhcp_server *s, uint32_t net)
{
	for (unsigned i = 0; net < s->nets_cap && i <= s->net[net].config.relays; i++)
		sort(s, &s->net[net].ended[i]);
}

static struct identifier identifier_of(const struct dhcp_net_config *net,
				       const struct dhcp_record *r)
{
	struct identifier i = { .net = r->net,
				.port = r->port,
				.subnet = net_subnet_of(net, r->addr).number,
				.htype = DHCP_HTYPE_ETHERNET,
				.hlen = sizeof(r->mac.octet),
				.hardware = r->mac.octet };

	if (net->identity != DHCP_IDENTITY_MAC && r->client_id_len >= 2) {
		i.id = r->client_id;
		i.len = r->client_id_len;
	}
	return i;
}

/* Whether a stored client is the machine that this lease is of, by what tells clones apart. */
static bool is_same_machine(const struct dhcp_server *s, const struct dhcp_record *r,
			    const struct dhcp_lease *l)
{
	return mac_equal(&l->mac, &r->mac) &&
	       (l->port == r->port || (is_trusted(s, l->port) && is_trusted(s, r->port)));
}

/* The record's address is reserved for who has the record's identifier. */
static bool is_meant(const struct dhcp_server *s, const struct dhcp_record *r,
		     const struct identifier *i)
{
	const struct dhcp_host *h = dhcp_hosts_at(s->net[r->net].config.hosts, r->addr);

	return h && h->client_id && i->id && r->state == DHCP_LEASE_BOUND &&
	       h->client_id_len == i->len && !memcmp(h->client_id, i->id, i->len);
}

/* A clone gives the plain identity to another with its identifier. */
static void tell_apart(struct dhcp_server *s, struct lease_slot *clone, struct identifier i)
{
	enum kind kind[KINDS_MAX];
	unsigned kinds = kinds_of(&i, kind);

	i.port = clone->l.port;
	i.hardware = clone->l.mac.octet;
	for (unsigned k = 1; k < kinds; k++) {
		uint64_t identity[2];

		hash_identity(s, &i, kind[k], identity);
		if (find(s, identity))
			continue;
		leave(s, clone);
		memcpy(clone->l.identity, identity, sizeof(identity));
		enter(s, clone);
		return;
	}
	client_remove(s, clone);
}

/* A former record of the same machine, which was read while the plain identity was a clone's. */
static void forget_former(struct dhcp_server *s, const struct dhcp_record *r,
			  const struct identifier *i)
{
	enum kind kind[KINDS_MAX];
	unsigned kinds = kinds_of(i, kind);

	for (unsigned k = 1; k < kinds; k++) {
		struct lease_slot *former;
		uint64_t identity[2];

		hash_identity(s, i, kind[k], identity);
		former = find(s, identity);
		if (former && is_same_machine(s, r, &former->l) && r->started >= former->l.started)
			client_remove(s, former);
	}
}

/*
 * Which identity a stored client goes by. Two records of one: it had the one before it got the
 * other, and what runs counts, of two that run the later. Of clones, all of which run, the first
 * keeps the plain identity for itself, unless a reservation means another. False: this record says
 * nothing.
 */
static bool identity_of(struct dhcp_server *s, const struct dhcp_record *r,
			const struct identifier *i, uint64_t ret[2])
{
	enum kind kind[KINDS_MAX];
	unsigned kinds = kinds_of(i, kind);

	for (unsigned k = 0; k < kinds; k++) {
		struct lease_slot *other;
		bool same;

		hash_identity(s, i, kind[k], ret);
		other = find(s, ret);
		if (!other)
			return true;
		same = is_same_machine(s, r, &other->l);
		if (is_ended_client(other) ||
		    (same && r->state == DHCP_LEASE_BOUND && r->started >= other->l.started)) {
			client_remove(s, other);
			return true;
		}
		if (same || r->state != DHCP_LEASE_BOUND)
			break;
		if (k == 0 && is_meant(s, r, i)) {
			forget_former(s, r, i);
			tell_apart(s, other, *i);
			return true;
		}
	}
	return false;
}

void client_reach(const struct dhcp_server *s, const struct lease_slot *lease)
{
	const struct dhcp_net_config *net = &s->net[lease->l.net].config;
	struct dhcp_pool *pool = net_subnet_of(net, lease->l.addr).pool;

	if (pool && !reserve_is(s, lease->l.net, lease->l.addr))
		dhcp_pool_reach(pool, lease->l.addr);
}

int client_load(struct dhcp_server *s, const struct dhcp_record *r)
{
	const struct dhcp_net_config *net = &s->net[r->net].config;
	struct dhcp_pool *pool = net_subnet_of(net, r->addr).pool;
	struct dhcp_port who = {
		.net = r->net, .port = DHCP_PORT_NONE, .addr = r->addr, .mac = r->mac
	};
	struct identifier i = identifier_of(net, r);
	struct lease_slot *lease;
	uint64_t identity[2];

	if (!pool || (net->identity == DHCP_IDENTITY_PORT && r->port != DHCP_PORT_NONE))
		return -ENOENT;
	if ((!reserve_is(s, r->net, r->addr) &&
	     (!dhcp_pool_contains(pool, r->addr) || dhcp_pool_taken(pool, r->addr))) ||
	    !identity_of(s, r, &i, identity))
		return -EEXIST;
	/* What was promised counts more than limits and the memory of what has ended. */
	if (!make_slot(s, r->net) && r->state != DHCP_LEASE_BOUND)
		return -ENOSPC;
	lease = lease_insert(s, &who);
	if (!lease)
		return -ENOSPC;
	client_reach(s, lease);
	dhcp_pool_take(pool, r->addr);
	memcpy(lease->l.identity, identity, sizeof(identity));
	lease->l.client = true;
	lease->l.port = r->port;
	enter(s, lease);
	return 0;
}

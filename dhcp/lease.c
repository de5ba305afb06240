/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lease table: a fixed array, found by port and by (network, address), with a heap of the
 * states that end by themselves. Pure; called by decide.c for packets and by netd/ for ports that
 * come and go.
 */
#include "base/cleanup.h"
#include "base/container.h"
#include "server.h"

const char *dhcp_lease_state_text(enum dhcp_lease_state state)
{
	switch (state) {
	case DHCP_LEASE_FREE:
		return "free";
	case DHCP_LEASE_OFFERED:
		return "offered";
	case DHCP_LEASE_BOUND:
		return "bound";
	case DHCP_LEASE_RELEASED:
		return "released";
	case DHCP_LEASE_EXPIRED:
		return "expired";
	case DHCP_LEASE_DECLINED:
		return "declined";
	}
	return "?";
}

bool dhcp_lease_state_parse(const char *text, enum dhcp_lease_state *ret)
{
	for (int state = DHCP_LEASE_FREE; state <= DHCP_LEASE_DECLINED; state++) {
		if (!strcmp(text, dhcp_lease_state_text((enum dhcp_lease_state)state))) {
			*ret = (enum dhcp_lease_state)state;
			return true;
		}
	}
	return false;
}

static const struct lease_list no_clients = { .first = SLOT_NONE, .last = SLOT_NONE };

int dhcp_server_new(const struct dhcp_limits *limits, const struct siphash_key *key,
		    struct dhcp_server **ret)
{
	struct dhcp_server *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->key = *key;
	s->nets_cap = limits->nets;
	s->clients_cap = limits->clients ? limits->clients : limits->leases;
	s->net = calloc(limits->nets ? limits->nets : 1, sizeof(*s->net));
	s->lease = calloc(limits->leases ? limits->leases : 1, sizeof(*s->lease));
	s->timers.at = calloc(limits->leases ? limits->leases : 1, sizeof(*s->timers.at));
	if (!slots_init(&s->slots, limits->leases) || !index_init(&s->by_addr, limits->leases) ||
	    !index_init(&s->by_port, limits->leases) ||
	    !index_init(&s->by_identity, 2 * limits->leases) || !s->net || !s->lease ||
	    !s->timers.at) {
		dhcp_server_free(s);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < limits->nets; i++)
		for (unsigned j = 0; j < SUBNETS_MAX; j++)
			s->net[i].ended[j] = no_clients;
	*ret = s;
	return 0;
}

void dhcp_server_free(struct dhcp_server *s)
{
	if (!s)
		return;
	slots_done(&s->slots);
	index_done(&s->by_addr);
	index_done(&s->by_port);
	index_done(&s->by_identity);
	free(s->timers.at);
	free(s->lease);
	free(s->net);
	free(s);
}

struct subnet net_subnet(const struct dhcp_net_config *c, unsigned number)
{
	const struct dhcp_relay_subnet *relay = number ? &c->relay[number - 1] : NULL;

	if (!relay)
		return (struct subnet){ .prefix = c->server, .router = c->router, .pool = c->pool };
	return (struct subnet){ .number = number,
				.prefix = relay->prefix,
				.router = relay->prefix.addr,
				.pool = relay->pool,
				.options = relay->options };
}

struct subnet net_subnet_of(const struct dhcp_net_config *c, uint32_t addr)
{
	for (unsigned i = 0; i < c->relays; i++)
		if (ip4_within(c->relay[i].prefix, addr))
			return net_subnet(c, i + 1);
	return net_subnet(c, 0);
}

/*
 * Reservations have changed, so another address may be the client's, or another client the
 * address's: what was only offered is forgotten. True when the client is.
 */
static bool withdraw_offer(struct dhcp_server *s, struct lease_slot *lease)
{
	bool was_bound = lease->l.started != 0;

	if (!lease->l.client || lease->l.state != DHCP_LEASE_OFFERED)
		return false;
	if (was_bound)
		lease_set(s, lease, DHCP_LEASE_EXPIRED, INT64_MAX);
	else
		client_forget(s, lease);
	return !was_bound;
}

/*
 * Other subnets, pools or reservations: what is given or in quarantine is taken there as well, and
 * clients whose address is not to be had there are forgotten.
 */
static void change_pools(struct dhcp_server *s, uint32_t net, const struct dhcp_net_config *before)
{
	const struct dhcp_net_config *now = &s->net[net].config;

	for (uint32_t i = 0; i < s->slots.fresh; i++) {
		struct lease_slot *lease = &s->lease[i];
		const struct dhcp_pool *old;
		struct dhcp_pool *pool;

		if (!slots_live(&s->slots, i) || lease->l.net != net || !lease->l.addr ||
		    (now->hosts != before->hosts && withdraw_offer(s, lease)))
			continue;
		old = net_subnet_of(before, lease->l.addr).pool;
		pool = net_subnet_of(now, lease->l.addr).pool;
		if (lease->l.client)
			client_reach(s, lease);
		if (pool != old && !(pool && dhcp_pool_take(pool, lease->l.addr)) &&
		    lease->l.client && !reserve_is(s, net, lease->l.addr))
			client_forget(s, lease);
		else if (lease->l.client)
			client_place(s, lease);
	}
}

static bool same_pools(const struct dhcp_net_config *a, const struct dhcp_net_config *b)
{
	bool same = a->pool == b->pool && a->relays == b->relays;

	for (unsigned i = 0; same && i < a->relays; i++)
		same = a->relay[i].pool == b->relay[i].pool &&
		       ip4_network(a->relay[i].prefix) == ip4_network(b->relay[i].prefix) &&
		       a->relay[i].prefix.len == b->relay[i].prefix.len;
	return same;
}

int dhcp_net_set(struct dhcp_server *s, uint32_t net, const struct dhcp_net_config *c)
{
	struct net *n = &s->net[net];
	struct dhcp_relay_subnet relay[DHCP_RELAY_SUBNETS_MAX];
	struct dhcp_net_config before;

	if (net >= s->nets_cap || c->relays > DHCP_RELAY_SUBNETS_MAX)
		return -ENOSPC;
	before = n->config;
	memcpy(relay, n->relay, sizeof(relay));
	before.relay = relay;
	n->config = *c;
	if (net >= s->nets_fresh)
		s->nets_fresh = net + 1;
	if (c->relays)
		memcpy(n->relay, c->relay, c->relays * sizeof(*c->relay));
	n->config.relay = n->relay;
	if (!same_pools(&before, c) || before.hosts != c->hosts)
		change_pools(s, net, &before);
	return 0;
}

static uint64_t addr_hash(const struct dhcp_server *s, uint32_t net, uint32_t addr)
{
	struct siphash h = siphash_init(&s->key);

	siphash_add_u32(&h, net);
	siphash_add_u32(&h, addr);
	return siphash_done(&h);
}

static uint64_t port_hash(const struct dhcp_server *s, uint32_t port)
{
	struct siphash h = siphash_init(&s->key);

	siphash_add_u32(&h, port);
	return siphash_done(&h);
}

struct lease_slot *lease_find_addr(const struct dhcp_server *s, uint32_t net, uint32_t addr)
{
	uint32_t place = UINT32_MAX, i;

	while ((i = index_walk(&s->by_addr, addr_hash(s, net, addr), &place)) != SLOT_NONE)
		if (s->lease[i].l.net == net && s->lease[i].l.addr == addr)
			return &s->lease[i];
	return NULL;
}

struct lease_slot *lease_find_port(const struct dhcp_server *s, uint32_t port)
{
	uint32_t place = UINT32_MAX, i;

	while ((i = index_walk(&s->by_port, port_hash(s, port), &place)) != SLOT_NONE)
		if (s->lease[i].l.port == port)
			return &s->lease[i];
	return NULL;
}

const struct dhcp_lease *dhcp_lease_by_port(const struct dhcp_server *s, uint32_t port)
{
	struct lease_slot *lease = lease_find_port(s, port);

	return lease ? &lease->l : NULL;
}

const struct dhcp_lease *dhcp_lease_by_addr(const struct dhcp_server *s, uint32_t net,
					    uint32_t addr)
{
	struct lease_slot *lease = lease_find_addr(s, net, addr);

	return lease ? &lease->l : NULL;
}

const struct dhcp_lease *dhcp_lease_next(const struct dhcp_server *s, uint32_t net, uint32_t *at,
					 uint32_t *look)
{
	while (*look) {
		uint32_t i = (*at)++;

		--*look;
		if (i >= s->slots.fresh) {
			*at = 0;
			return NULL;
		}
		if (slots_live(&s->slots, i) && s->lease[i].l.net == net)
			return &s->lease[i].l;
	}
	return NULL;
}

struct lease_slot *lease_insert(struct dhcp_server *s, const struct dhcp_port *p)
{
	uint32_t i = slots_take(&s->slots);

	if (i == SLOT_NONE)
		return NULL;
	s->lease[i] = (struct lease_slot){ .l = { .net = p->net,
						  .addr = p->addr,
						  .port = p->port,
						  .mac = p->mac,
						  .expires = INT64_MAX,
						  .hostname = p->hostname,
						  .options = p->options },
					   .clients = no_clients,
					   .trusted = p->trusted };
	/* The indexes have room for as many entries as there are slots. */
	if (p->addr)
		index_add(&s->by_addr, addr_hash(s, p->net, p->addr), i);
	if (p->port != DHCP_PORT_NONE)
		index_add(&s->by_port, port_hash(s, p->port), i);
	return &s->lease[i];
}

static void count_bound(struct dhcp_server *s, struct lease_slot *lease, bool bound)
{
	if (bound && !lease->counted)
		s->net[lease->l.net].bound++;
	if (!bound && lease->counted)
		s->net[lease->l.net].bound--;
	lease->counted = bound;
}

uint32_t dhcp_bound_clients(const struct dhcp_server *s, uint32_t net)
{
	return net < s->nets_cap ? s->net[net].bound : 0;
}

static void detach_port(struct dhcp_server *s, struct lease_slot *lease)
{
	index_del(&s->by_port, port_hash(s, lease->l.port), (uint32_t)(lease - s->lease));
	lease->l.port = DHCP_PORT_NONE;
	lease->l.hostname = NULL;
	lease->l.options = NULL;
}

void lease_remove(struct dhcp_server *s, struct lease_slot *lease)
{
	uint32_t i = (uint32_t)(lease - s->lease);

	count_bound(s, lease, false);
	if (heap_has(&lease->timer))
		heap_remove(&s->timers, &lease->timer);
	if (lease->l.port != DHCP_PORT_NONE && !lease->l.client)
		detach_port(s, lease);
	if (lease->l.addr)
		index_del(&s->by_addr, addr_hash(s, lease->l.net, lease->l.addr), i);
	slots_give(&s->slots, i);
}

/* The other way round. */
static void attach_port(struct dhcp_server *s, struct lease_slot *lease, const struct dhcp_port *p)
{
	lease->l.port = p->port;
	lease->l.mac = p->mac;
	lease->l.hostname = p->hostname;
	lease->l.options = p->options;
	index_add(&s->by_port, port_hash(s, p->port), (uint32_t)(lease - s->lease));
}

static bool is_quarantine_of(const struct lease_slot *lease, const struct mac *mac)
{
	return lease->l.state == DHCP_LEASE_DECLINED && lease->l.port == DHCP_PORT_NONE &&
	       mac_equal(&lease->l.mac, mac);
}

int dhcp_port_add(struct dhcp_server *s, const struct dhcp_port *p)
{
	struct lease_slot *lease;

	client_evict(s, p->net, p->addr);
	lease = p->addr ? lease_find_addr(s, p->net, p->addr) : NULL;
	if (lease_find_port(s, p->port) || (lease && !is_quarantine_of(lease, &p->mac)))
		return -EEXIST;
	if (lease)
		attach_port(s, lease, p);
	else if (!lease_insert(s, p))
		return -ENOSPC;
	return 0;
}

void dhcp_port_del(struct dhcp_server *s, uint32_t port)
{
	struct lease_slot *lease = lease_find_port(s, port);

	if (!lease)
		return;
	client_rehome(s, lease, NULL);
	if (lease->l.state == DHCP_LEASE_DECLINED)
		detach_port(s, lease);
	else
		lease_remove(s, lease);
}

int dhcp_port_move(struct dhcp_server *s, uint32_t port, uint32_t addr)
{
	struct lease_slot *old = lease_find_port(s, port), *lease;
	struct dhcp_port p;

	if (!old)
		return -ENOENT;
	p = (struct dhcp_port){ .net = old->l.net,
				.port = port,
				.addr = addr,
				.mac = old->l.mac,
				.hostname = old->l.hostname,
				.options = old->l.options,
				.trusted = old->trusted };
	client_evict(s, p.net, addr);
	if (lease_find_addr(s, p.net, addr))
		return -EEXIST;
	if (s->slots.used == s->slots.cap)
		return -ENOSPC;
	detach_port(s, old);
	lease = lease_insert(s, &p);
	lease->l.declines = old->l.declines;
	client_rehome(s, old, lease);
	if (old->l.state != DHCP_LEASE_DECLINED)
		lease_remove(s, old);
	return 0;
}

void dhcp_port_doubt(struct dhcp_server *s, uint32_t port)
{
	struct lease_slot *lease = lease_find_port(s, port);

	if (lease)
		lease->in_doubt = true;
}

void dhcp_port_update(struct dhcp_server *s, const struct dhcp_port *p)
{
	struct lease_slot *lease = lease_find_port(s, p->port);

	if (!lease)
		return;
	lease->l.hostname = p->hostname;
	lease->l.options = p->options;
	lease->trusted = p->trusted;
}

static bool ends_by_itself(enum dhcp_lease_state state)
{
	return state == DHCP_LEASE_OFFERED || state == DHCP_LEASE_BOUND ||
	       state == DHCP_LEASE_DECLINED;
}

void lease_set(struct dhcp_server *s, struct lease_slot *lease, enum dhcp_lease_state state,
	       int64_t expires)
{
	if (heap_has(&lease->timer))
		heap_remove(&s->timers, &lease->timer);
	lease->l.state = state;
	lease->l.expires = ends_by_itself(state) ? expires : INT64_MAX;
	if (lease->l.expires != INT64_MAX)
		heap_insert(&s->timers, &lease->timer, expires);
	count_bound(s, lease, lease->l.client && state == DHCP_LEASE_BOUND);
	if (lease->l.client)
		client_place(s, lease);
}

enum dhcp_lease_state lease_lapse(struct dhcp_server *s, struct lease_slot *lease)
{
	enum dhcp_lease_state state =
		lease->l.client && lease->l.started ? DHCP_LEASE_EXPIRED : DHCP_LEASE_FREE;

	if (lease->l.client && state == DHCP_LEASE_FREE)
		client_remove(s, lease);
	else
		lease_set(s, lease, state, INT64_MAX);
	return state;
}

void lease_record(const struct lease_slot *lease, struct dhcp_record *ret)
{
	*ret = (struct dhcp_record){ .net = lease->l.net,
				     .addr = lease->l.addr,
				     .port = lease->l.port,
				     .state = lease->l.state,
				     .seconds = lease->l.seconds,
				     .started = lease->l.started,
				     .expires = lease->l.expires,
				     .mac = lease->l.mac };
}

static int restore_quarantine(struct dhcp_server *s, const struct dhcp_record *r)
{
	struct dhcp_port nobody = {
		.net = r->net, .port = DHCP_PORT_NONE, .addr = r->addr, .mac = r->mac
	};

	return lease_insert(s, &nobody) ? 0 : -ENOSPC;
}

/* A port's own lease, of which this is another's record: the address was that one's before. */
static bool is_of_another(const struct lease_slot *lease, const struct dhcp_record *r)
{
	return lease->l.port != DHCP_PORT_NONE && !lease->l.client &&
	       (lease->l.port != r->port || !mac_equal(&lease->l.mac, &r->mac));
}

int dhcp_lease_restore(struct dhcp_server *s, const struct dhcp_record *r)
{
	struct lease_slot *lease;
	int rc = 0;

	/* Memory of a client whose lease has ended gives way. */
	if (r->state == DHCP_LEASE_DECLINED)
		client_evict(s, r->net, r->addr);
	lease = lease_find_addr(s, r->net, r->addr);
	if (lease && is_of_another(lease, r))
		rc = -EEXIST;
	else if (!lease)
		rc = r->state == DHCP_LEASE_DECLINED ? restore_quarantine(s, r) : client_load(s, r);
	if (rc)
		return rc;
	lease = lease_find_addr(s, r->net, r->addr);
	lease->l.seconds = r->seconds;
	lease->l.started = r->started;
	lease_set(s, lease, r->state, r->expires);
	return 0;
}

/*
 * The port was moved to another address because of what is being undone. False when it has gone
 * since or its former address is another port's now: then there is nothing to go back to.
 */
static bool rejoin_port(struct dhcp_server *s, struct lease_slot *lease,
			const struct dhcp_lease *before)
{
	struct lease_slot *moved = lease_find_port(s, before->port);

	if (!moved || lease->l.port != DHCP_PORT_NONE)
		return false;
	client_rehome(s, moved, lease);
	lease_remove(s, moved);
	attach_port(s, lease,
		    &(struct dhcp_port){ .port = before->port,
					 .mac = before->mac,
					 .hostname = before->hostname,
					 .options = before->options });
	return true;
}

static void put_back(struct dhcp_server *s, const struct dhcp_lease *before)
{
	bool there = !before->client || client_revive(s, before);
	struct lease_slot *lease = lease_find_addr(s, before->net, before->addr);

	if (!there || !lease ||
	    (!before->client && lease->l.port != before->port && !rejoin_port(s, lease, before)))
		return;
	lease_set(s, lease, before->state, before->expires);
	lease->l.seconds = before->seconds;
	lease->l.started = before->started;
	lease->l.discovered = before->discovered;
	lease->l.xid = before->xid;
	lease->l.declines = before->declines;
}

void dhcp_undo(struct dhcp_server *s, const struct dhcp_action *a)
{
	struct lease_slot *lease;

	if (a->change == DHCP_CHANGE_NONE)
		return;
	lease = a->created ? lease_find_addr(s, a->before.net, a->before.addr) : NULL;
	if (lease)
		client_remove(s, lease);
	else if (!a->created)
		put_back(s, &a->before);
	if (a->left)
		put_back(s, &a->left_before);
}

static void end_lease(struct dhcp_server *s, struct lease_slot *lease, struct dhcp_action *ret)
{
	*ret = (struct dhcp_action){
		.change = DHCP_CHANGE_RELEASED, .store = true, .exchange = -1, .before = lease->l
	};
	lease_set(s, lease, DHCP_LEASE_RELEASED, INT64_MAX);
	lease->l.discovered = 0;
	lease_record(lease, &ret->record);
}

/* True when the lease was bound and is so no more. */
static bool end_with_port(struct dhcp_server *s, struct lease_slot *lease, bool keep,
			  struct dhcp_action *ret)
{
	if (lease->l.state == DHCP_LEASE_BOUND && !keep) {
		end_lease(s, lease, ret);
		return true;
	}
	lease->l.discovered = 0;
	if (lease->l.state == DHCP_LEASE_OFFERED)
		lease_lapse(s, lease);
	return false;
}

static bool end_at_port(struct dhcp_server *s, struct lease_slot *lease, bool keep,
			struct dhcp_action *ret)
{
	uint32_t next;

	if (end_with_port(s, lease, keep, ret))
		return true;
	for (uint32_t i = lease->clients.first; i != SLOT_NONE; i = next) {
		/* One that lapses leaves the list, and perhaps the table. */
		next = s->lease[i].next;
		if (end_with_port(s, &s->lease[i], keep, ret))
			return true;
	}
	return false;
}

bool dhcp_port_end(struct dhcp_server *s, uint32_t port, struct dhcp_action *ret)
{
	struct lease_slot *lease = lease_find_port(s, port);

	return lease &&
	       end_at_port(s, lease,
			   lease->l.net < s->nets_cap && s->net[lease->l.net].config.keep_leases,
			   ret);
}

bool dhcp_port_release(struct dhcp_server *s, uint32_t port, struct dhcp_action *ret)
{
	struct lease_slot *lease = lease_find_port(s, port);

	return lease && end_at_port(s, lease, false, ret);
}

bool dhcp_port_conflict(struct dhcp_server *s, uint32_t port, int64_t now, struct dhcp_action *ret)
{
	struct lease_slot *lease = lease_find_port(s, port);

	if (!lease || lease->l.net >= s->nets_cap || lease->l.state == DHCP_LEASE_BOUND ||
	    lease->l.state == DHCP_LEASE_DECLINED || lease->l.declines >= DECLINES_MAX)
		return false;
	*ret = (struct dhcp_action){
		.change = DHCP_CHANGE_CONFLICT, .store = true, .exchange = -1, .before = lease->l
	};
	lease->l.declines++;
	lease_set(s, lease, DHCP_LEASE_DECLINED,
		  now + s->net[lease->l.net].config.quarantine * INT64_C(1000000000));
	lease_record(lease, &ret->record);
	return true;
}

int64_t dhcp_next(const struct dhcp_server *s)
{
	const struct heap_node *first = heap_first(&s->timers);

	return first ? first->key : INT64_MAX;
}

bool dhcp_expire(struct dhcp_server *s, int64_t now, struct dhcp_action *ret)
{
	struct heap_node *first = heap_first(&s->timers);
	struct lease_slot *lease;

	if (!first || first->key > now)
		return false;
	lease = CONTAINER_OF(first, struct lease_slot, timer);
	*ret = (struct dhcp_action){ .exchange = -1, .before = lease->l };
	lease_record(lease, &ret->record);
	ret->record.expires = INT64_MAX;
	if (lease->l.state == DHCP_LEASE_OFFERED) {
		ret->record.state = lease_lapse(s, lease);
		return true;
	}
	ret->store = true;
	ret->change = lease->l.state == DHCP_LEASE_BOUND ? DHCP_CHANGE_EXPIRED : DHCP_CHANGE_FREED;
	ret->record.state =
		lease->l.state == DHCP_LEASE_BOUND ? DHCP_LEASE_EXPIRED : DHCP_LEASE_FREE;
	lease_set(s, lease, ret->record.state, INT64_MAX);
	if (ret->change == DHCP_CHANGE_FREED && lease->l.port == DHCP_PORT_NONE)
		lease_remove(s, lease);
	return true;
}

void dhcp_count_drop(struct dhcp_server *s, enum dhcp_drop drop)
{
	s->count.dropped[drop]++;
}

const struct dhcp_counters *dhcp_counters(const struct dhcp_server *s)
{
	return &s->count;
}

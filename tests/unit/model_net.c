/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The network of the model: its pools, of which one can grow and one is that of a subnet behind a
 * relay agent, its reservations, and its ports. See model_kit.h. */
#include "model_kit.h"

static const struct ip4_range pools[][2] = {
	{ { MODEL_FIRST, MODEL_FIRST + 6 }, { MODEL_FIRST + 7, MODEL_FIRST + 13 } },
	{ { MODEL_FIRST, MODEL_FIRST + 5 }, { MODEL_FIRST + 8, MODEL_FIRST + 9 } },
	{ { MODEL_FIRST, MODEL_FIRST + 2 }, { MODEL_FIRST + 6, MODEL_FIRST + 13 } },
};
static const struct ip4_range far_pool = { MODEL_FIRST + MODEL_NEAR,
					   MODEL_FIRST + MODEL_ADDRS - 1 };
static const uint8_t ids[MODEL_IDS][2] = { { 255, 0 }, { 255, 1 }, { 255, 2 }, { 255, 3 } };

/* --- reservations --- */

bool model_is_reserved(const struct world *w, uint32_t addr)
{
	return dhcp_hosts_at(w->hosts, addr) != NULL;
}

/* Either would do. */
static bool is_host(const struct dhcp_host *h, const struct person *p)
{
	struct mac mac = model_mac(p);

	return mac_equal(&h->mac, &mac) ||
	       (h->client_id && p->id && h->client_id[1] == p->id && !model_is_own(p));
}

bool model_is_reserved_for(const struct world *w, uint32_t addr, const struct person *p)
{
	if (model_is_own(p))
		return addr == MODEL_FIRST && p->port == 0;
	for (unsigned i = MODEL_GUEST_HOSTS; i < w->host_n; i++)
		if (w->host[i].addr == addr && is_host(&w->host[i], p))
			return true;
	return false;
}

bool model_has_reserved_card(const struct world *w, uint8_t card)
{
	for (unsigned i = MODEL_GUEST_HOSTS; i < w->host_n; i++)
		if (!mac_is_zero(&w->host[i].mac) && w->host[i].mac.octet[5] == card)
			return true;
	return false;
}

bool model_stays(const struct world *w, const struct person *p, uint32_t addr)
{
	if (model_is_own(p))
		return true;
	for (unsigned i = MODEL_GUEST_HOSTS; i < w->host_n; i++)
		if ((w->host[i].addr == addr) != is_host(&w->host[i], p))
			return false;
	return !model_is_reserved(w, addr) || model_is_reserved_for(w, addr, p);
}

/* No two of them have anything in common, and no port has their address. */
static bool is_free_for_host(const struct world *w, const struct dhcp_host *h)
{
	for (unsigned i = 0; i < w->host_n; i++) {
		const struct dhcp_host *other = &w->host[i];

		if (other->addr == h->addr ||
		    (!mac_is_zero(&h->mac) && mac_equal(&h->mac, &other->mac)) ||
		    (h->client_id && h->client_id == other->client_id))
			return false;
	}
	for (uint32_t i = 0; i < MODEL_PORTS; i++)
		if (w->port[i].addr == h->addr || w->port[i].stored == h->addr)
			return false;
	return true;
}

/* The first is port 0's, the second that of a guest that never comes; the others are clients'. */
static void choose_hosts(struct world *w)
{
	uint32_t most = model_below(w, MODEL_HOSTS - MODEL_GUEST_HOSTS + 1);

	w->host[0] = (struct dhcp_host){ .addr = MODEL_FIRST };
	w->host[1] = (struct dhcp_host){ .addr = MODEL_FIRST + 1 };
	w->host_n = MODEL_GUEST_HOSTS;
	for (uint32_t i = 0; i < most && w->reserves; i++) {
		struct person p = { .card = (uint8_t)model_below(w, MODEL_CARDS) };
		uint32_t by = 1 + model_below(w, 3), id = 1 + model_below(w, MODEL_IDS - 1);
		struct dhcp_host h = { .addr = MODEL_FIRST + 2 + model_below(w, MODEL_ADDRS - 2) };

		if (by & 1)
			h.mac = model_mac(&p);
		if (by & 2) {
			h.client_id = ids[id];
			h.client_id_len = sizeof(ids[id]);
		}
		if (!is_free_for_host(w, &h))
			continue;
		w->host[w->host_n++] = h;
		model_note(w, "   %u is reserved for card %d id %d", h.addr - MODEL_FIRST,
			   by & 1 ? p.card : -1, by & 2 ? (int)id : -1);
	}
}

/* --- pools --- */

struct dhcp_pool *model_pool_of(const struct world *w, uint32_t addr)
{
	return model_is_far(addr) ? w->relay.pool : w->pool;
}

bool model_is_open(const struct world *w, uint32_t addr)
{
	return model_is_reserved(w, addr) || dhcp_pool_is_open(model_pool_of(w, addr), addr);
}

void model_give(struct world *w, uint32_t addr)
{
	if (!model_is_reserved(w, addr))
		dhcp_pool_give(model_pool_of(w, addr), addr);
}

void model_make_pools(struct world *w, const struct dhcp_pool *former)
{
	static const struct siphash_key key = { "reservations" };
	static const unsigned stages[] = { 1, 2 };
	const struct ip4_range *range = pools[w->pool_kind];

	ck_ok(dhcp_pool_new(range, 2, &w->pool));
	ck_ok(dhcp_pool_new(&far_pool, 1, &w->relay.pool));
	ck_ok(dhcp_hosts_new(w->host, w->host_n, &key, &w->hosts));
	if (w->grows)
		dhcp_pool_stage(w->pool, stages, 2);
	if (former && dhcp_pool_is_open(former, range[1].first))
		dhcp_pool_reach(w->pool, range[1].first);
	for (unsigned i = 0; i < w->host_n; i++)
		dhcp_pool_take(model_pool_of(w, w->host[i].addr), w->host[i].addr);
	for (uint32_t i = 0; i < MODEL_PORTS; i++)
		if (w->port[i].there)
			dhcp_pool_take(w->pool, w->port[i].addr);
	w->k.config.pool = w->pool;
	w->k.config.hosts = w->hosts;
}

void model_free_pools(struct world *w)
{
	dhcp_pool_free(w->pool);
	dhcp_pool_free(w->relay.pool);
	dhcp_hosts_free(w->hosts);
}

void model_net_start(struct world *w)
{
	w->reserves = model_below(w, 2);
	w->grows = model_below(w, 2);
	w->k.config.keep_leases = model_below(w, 4) == 0;
	/* Half of it is the network's own, the other the relay agent's. */
	w->k.config.server.len = 25;
	w->relay.prefix = (struct ip4_prefix){ MODEL_AGENT, 25 };
	w->k.config.relay = &w->relay;
	w->k.config.relays = model_below(w, 2);
	choose_hosts(w);
}

uint32_t model_find_address(struct world *w)
{
	uint64_t place = model_below(w, MODEL_NEAR);
	uint32_t addr;

	return dhcp_find_free(w->k.s, KIT_NET, &place, &addr) ? addr : 0;
}

/* --- ports --- */

void model_add_port(struct world *w, uint32_t port)
{
	struct person own = { .port = port, .card = MODEL_OWN_CARD };
	struct dhcp_port p = { .net = KIT_NET,
			       .port = port,
			       .addr = w->port[port].addr,
			       .mac = model_mac(&own),
			       .trusted = port >= w->trusted };

	kit_must(dhcp_port_add(w->k.s, &p) == 0);
	dhcp_pool_take(w->pool, p.addr);
	w->port[port].there = true;
	w->port[port].stored = p.addr;
}

/* Whether netd/allocate.c would let a port have the address. */
static bool is_free(const struct world *w, uint32_t addr)
{
	const struct dhcp_lease *l = dhcp_lease_by_addr(w->k.s, KIT_NET, addr);

	return !l ||
	       (l->client && (l->state == DHCP_LEASE_RELEASED || l->state == DHCP_LEASE_EXPIRED));
}

static void come(struct world *w, uint32_t port)
{
	uint32_t addr = 0;

	if (port == 0)
		addr = MODEL_FIRST;
	else if (port < MODEL_GUESTS && model_below(w, 2))
		addr = model_find_address(w);
	else if (port < MODEL_GUESTS)
		addr = MODEL_FIRST + 2 + model_below(w, MODEL_NEAR - 2);
	if (port < MODEL_GUESTS &&
	    (!addr || !is_free(w, addr) || (port && model_is_reserved(w, addr))))
		return;
	w->port[port].addr = addr;
	model_note(w, "port %u comes with %d", port, addr ? (int)(addr - MODEL_FIRST) : -1);
	model_add_port(w, port);
}

/* As netd/serve.c serve_end_lease: what the device's clients had is released, unless it is kept. */
static void end_leases(struct world *w, uint32_t port)
{
	struct dhcp_action a;

	model_note(w, "port %u: its device goes", port);
	while (dhcp_port_end(w->k.s, port, &a)) {
		kit_must(a.change == DHCP_CHANGE_RELEASED && a.record.port == port);
		kit_must(!w->k.config.keep_leases);
		if (!w->breaks || model_below(w, 20))
			w->row[a.record.addr - MODEL_FIRST].r.state = a.record.state;
	}
	for (uint32_t i = 0; i < MODEL_ADDRS; i++)
		if (w->promise[i].who.port == port && !w->k.config.keep_leases)
			w->promise[i].until = 0;
}

/* As netd/ports.c port_release. */
static void go(struct world *w, uint32_t port)
{
	struct dhcp_action a;

	model_note(w, "port %u goes", port);
	for (uint32_t i = 0; i < MODEL_ADDRS; i++) {
		if (w->row[i].port == port && w->row[i].r.state != DHCP_LEASE_DECLINED)
			w->row[i].used = false;
		if (w->promise[i].who.port == port && port < w->trusted)
			w->promise[i].until = 0;
	}
	while (port < w->trusted && dhcp_port_release(w->k.s, port, &a))
		kit_must(w->k.config.keep_leases && a.change == DHCP_CHANGE_RELEASED);
	dhcp_port_del(w->k.s, port);
	if (!dhcp_lease_by_addr(w->k.s, KIT_NET, w->port[port].addr))
		model_give(w, w->port[port].addr);
	w->port[port].there = false;
	w->port[port].addr = w->port[port].stored = 0;
}

void model_port_toggle(struct world *w, uint32_t port)
{
	model_end_turn(w, MODEL_STORED);
	if (!w->port[port].there) {
		come(w, port);
		return;
	}
	end_leases(w, port);
	if (model_below(w, 2))
		go(w, port);
}

/* --- a new configuration --- */

/* As netd/serve.c serve_end_strays. */
static void end_strays(struct world *w)
{
	for (uint32_t i = 0; i < MODEL_ADDRS; i++)
		if (w->row[i].used && w->row[i].r.state == DHCP_LEASE_BOUND &&
		    !dhcp_lease_by_addr(w->k.s, KIT_NET, MODEL_FIRST + i) &&
		    (!w->breaks || model_below(w, 20)))
			w->row[i].r.state = DHCP_LEASE_RELEASED;
}

/* Who is to have another address now may be refused his, and whose is in no pool any more is. */
static void revise_promises(struct world *w)
{
	for (uint32_t i = 0; i < MODEL_ADDRS; i++) {
		struct promise *p = &w->promise[i];
		uint32_t addr = MODEL_FIRST + i;

		/* Which of two with one identifier a new reservation means is not known here. */
		if (!model_stays(w, &p->who, addr) ||
		    (model_is_reserved(w, addr) && !model_is_own(&p->who)))
			p->sure = false;
		if (!model_is_own(&p->who) && !model_is_reserved(w, addr) &&
		    !dhcp_pool_contains(model_pool_of(w, addr), addr))
			p->until = 0;
	}
}

void model_reload(struct world *w)
{
	struct world old;

	model_end_turn(w, MODEL_STORED);
	old.pool = w->pool;
	old.relay = w->relay;
	old.hosts = w->hosts;
	w->pool_kind = model_below(w, ARRAY_SIZE(pools));
	model_note(w, "pool %u", w->pool_kind);
	if (model_below(w, 2))
		choose_hosts(w);
	model_make_pools(w, old.pool);
	kit_configure(&w->k);
	model_free_pools(&old);
	end_strays(w);
	revise_promises(w);
	model_allow(w);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See client_kit.h. */
#include "client_kit.h"

void net_stop(struct net *n)
{
	kit_stop(&n->k);
	dhcp_pool_free(n->pool);
	dhcp_hosts_free(n->hosts);
}

void net_start(struct net *n, enum dhcp_identity identity)
{
	static const struct ip4_range range = { FIRST, LAST };
	struct dhcp_port shared = { .net = KIT_NET, .port = SHARED };

	kit_start(&n->k);
	n->hosts = NULL;
	ck_ok(dhcp_pool_new(&range, 1, &n->pool));
	n->k.config.identity = identity;
	n->k.config.pool = n->pool;
	n->k.config.authoritative = true;
	kit_configure(&n->k);
	ck_ok(dhcp_port_add(n->k.s, &shared));
	shared.port = SHARED2;
	ck_ok(dhcp_port_add(n->k.s, &shared));
	n->k.port = SHARED;
}

void net_reserve(struct net *n, const struct dhcp_host *host, unsigned hosts)
{
	static const struct ip4_range range = { FIRST, LAST };
	static const struct siphash_key key = { "reservations" };
	struct dhcp_pool *pool = n->pool;
	struct dhcp_hosts *before = n->hosts;

	ck_ok(dhcp_pool_new(&range, 1, &n->pool));
	ck_ok(dhcp_hosts_new(host, hosts, &key, &n->hosts));
	for (unsigned i = 0; i < hosts; i++)
		dhcp_pool_take(n->pool, host[i].addr);
	n->k.config.pool = n->pool;
	n->k.config.hosts = n->hosts;
	kit_configure(&n->k);
	dhcp_pool_free(pool);
	dhcp_hosts_free(before);
}

const struct who anna = { SHARED, 1, "ff0a", NULL }, berta = { SHARED, 2, "ff0b", NULL },
		 clara = { SHARED, 3, "ff0c", NULL }, dora = { SHARED2, 4, "ff0d", NULL },
		 emma = { SHARED2, 5, "ff0e", NULL };

void speak(struct net *n, const struct who *w, uint8_t type, struct kit_message *c)
{
	uint8_t id[64];

	n->k.port = w->port;
	kit_message(c, &n->k, type);
	c->src = (struct mac){ { 0x52, 0x54, 0, 0, 0, w->card } };
	memcpy(c->m.chaddr, c->src.octet, sizeof(c->src.octet));
	if (w->id)
		kit_add(c, 61, id, kit_hex(w->id, id, sizeof(id)));
	if (w->more)
		kit_add_hex(c, w->more);
}

/* 0: no reply, or one without an address. */
uint32_t yiaddr(const struct net *n)
{
	return n->k.action.reply ? n->k.m.yiaddr : 0;
}

uint32_t discover(struct net *n, const struct who *w, uint32_t wanted)
{
	struct kit_message c;

	speak(n, w, DHCP_DISCOVER, &c);
	if (wanted)
		kit_add_u32(&c, 50, wanted);
	kit_send(&n->k, &c);
	return yiaddr(n);
}

/* Zero leaves a field or option out. Renewing goes to us alone, rebinding to all. */
uint32_t request(struct net *n, const struct who *w, uint32_t server, uint32_t wanted,
		 uint32_t ciaddr)
{
	static uint32_t xid;
	struct kit_message c;

	speak(n, w, DHCP_REQUEST, &c);
	c.m.xid = ++xid;
	c.m.ciaddr = c.saddr = ciaddr;
	if (server)
		kit_add_u32(&c, 54, server);
	if (wanted)
		kit_add_u32(&c, 50, wanted);
	if (ciaddr && w != &emma) /* emma rebinds */
		c.daddr = KIT_SERVER;
	kit_send(&n->k, &c);
	return yiaddr(n);
}

uint32_t lease(struct net *n, const struct who *w)
{
	uint32_t addr = discover(n, w, 0);

	ck_assert_uint_ne(addr, 0);
	ck_assert_uint_eq(request(n, w, KIT_SERVER, addr, 0), addr);
	ck_assert_int_eq(n->k.action.reply, DHCP_ACK);
	return addr;
}

void release(struct net *n, const struct who *w, uint32_t addr)
{
	struct kit_message c;

	speak(n, w, DHCP_RELEASE, &c);
	c.m.ciaddr = c.saddr = addr;
	kit_add_u32(&c, 54, KIT_SERVER);
	kit_send(&n->k, &c);
	ck_assert_int_eq(n->k.action.change, DHCP_CHANGE_RELEASED);
}

void decline(struct net *n, const struct who *w, uint32_t addr)
{
	struct kit_message c;

	speak(n, w, DHCP_DECLINE, &c);
	kit_add_u32(&c, 54, KIT_SERVER);
	kit_add_u32(&c, 50, addr);
	kit_send(&n->k, &c);
}

/* Every address that is taken in the pool has its lease or is reserved: there is no leak. */
void check_pool(const struct net *n)
{
	uint32_t leases = 0, bound = 0, at = 0, look = UINT32_MAX;
	const struct dhcp_lease *l;

	for (uint32_t addr = FIRST; addr <= LAST; addr++) {
		bool known = dhcp_lease_by_addr(n->k.s, KIT_NET, addr) != NULL;

		known = known || dhcp_hosts_at(n->hosts, addr);
		kit_must(known == dhcp_pool_taken(n->pool, addr));
		leases += known;
	}
	kit_must(leases == dhcp_pool_used(n->pool));
	while ((l = dhcp_lease_next(n->k.s, KIT_NET, &at, &look)))
		bound += l->client && l->state == DHCP_LEASE_BOUND;
	kit_must(bound == dhcp_bound_clients(n->k.s, KIT_NET));
}

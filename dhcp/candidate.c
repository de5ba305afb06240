/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which address a client that has none gets, and whether it has to be probed before.
 *
 * Theory of operation: what a client may have is free in the pool, or of a client whose lease has
 * ended, and where addresses are probed nobody has shown to have it and nobody else waits for it
 * (probe.c). When nothing is known about it the packet is not decided: the caller begins the probe,
 * and gives the packet again when that has ended. The address is kept for this client meanwhile, so
 * the second decision is like the first, unless somebody turned out to have it.
 *
 * A client that asks for no address takes one that was probed ahead, where there is one: any would
 * do, and it need not wait. Its former address is worth the wait, and so is one that it asks for.
 *
 * Behind a relay agent only an answer to ping is evidence, and the packets that wait for it are
 * DISCOVERs: the client of a REQUEST may have the address already, and would answer itself.
 *
 * A port's own address was probed when its guest was attached, or it was given to it in a hurry;
 * then the guest's own packet waits.
 */
#include "server.h"

/* ARP does not reach what is behind a relay agent; ping does. */
static const struct dhcp_probes *probes_of(const struct exchange *x)
{
	return x->subnet.number ? x->in->pings : x->in->probes;
}

/* An answer to ping bears no MAC address, so it can be the client's own; but not that of one that
 * is in INIT, where it has no address (RFC 2131 4.4.1). */
static bool may_be_its_own(const struct exchange *x)
{
	return x->subnet.number && x->type != DHCP_DISCOVER;
}

static struct mac client_mac(const struct exchange *x)
{
	struct mac m;

	memcpy(m.octet, x->m.chaddr, sizeof(m.octet));
	return m;
}

bool candidate_fits(const struct exchange *x, uint32_t addr)
{
	const struct dhcp_probes *p = probes_of(x);
	struct mac client = client_mac(x);

	return !p || (dhcp_probe_state(p, x->in->net, addr) != DHCP_PROBE_TAKEN &&
		      !dhcp_probe_for_another(p, x->in->net, addr, &client));
}

bool candidate_is_known(struct exchange *x, uint32_t addr)
{
	const struct dhcp_probes *p = probes_of(x);
	enum dhcp_probe_state state = p ? dhcp_probe_state(p, x->in->net, addr) : DHCP_PROBE_CLEAR;

	if (state == DHCP_PROBE_CLEAR || state == DHCP_PROBE_TAKEN || may_be_its_own(x))
		return true;
	x->wait = addr;
	return false;
}

/* Not what dhcp_pool_find would find, but this address. */
static bool is_free(const struct exchange *x, uint32_t addr)
{
	const struct dhcp_pool *pool = x->subnet.pool;

	return addr && dhcp_pool_is_open(pool, addr) && !dhcp_pool_taken(pool, addr) &&
	       candidate_fits(x, addr);
}

static bool from_stock(const struct exchange *x, uint32_t *ret)
{
	const struct dhcp_probes *p = probes_of(x);
	uint32_t at = DHCP_PROBE_FIRST;
	enum dhcp_probe_state state;

	while (p && dhcp_probe_stock(p, x->in->net, &at, ret, &state))
		if (state == DHCP_PROBE_CLEAR && is_free(x, *ret))
			return true;
	return false;
}

/* Each free address is looked at once. */
static bool from_pool(const struct exchange *x, uint32_t *ret)
{
	struct dhcp_pool *pool = x->subnet.pool;
	uint32_t left = dhcp_pool_open(pool) - dhcp_pool_open_used(pool);
	uint64_t place = x->identity[1];

	for (; left && dhcp_pool_find(pool, &place, ret); left--, place++)
		if (candidate_fits(x, *ret))
			return true;
	return false;
}

bool candidate_find(struct dhcp_server *s, const struct exchange *x, uint32_t wanted, uint32_t *ret)
{
	if (reserve_is_open(s, x)) {
		*ret = x->reserved;
		return true;
	}
	*ret = x->in->waited;
	if (is_free(x, *ret))
		return true;
	*ret = wanted;
	if (is_free(x, *ret) || from_stock(x, ret))
		return true;
	/* An address that another had is only taken from it when there is no way around. */
	while (!from_pool(x, ret))
		if (!client_make_room(s, x->in->net, x->subnet.number))
			return false;
	return true;
}

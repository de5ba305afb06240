/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must hold after every event of the model, and what is shown of it when something does not.
 */
#include "model_kit.h"

static struct world *shown; /* whose notes are printed */

static void show_address(const struct world *w, uint32_t i)
{
	const struct dhcp_lease *l = dhcp_lease_by_addr(w->k.s, KIT_NET, MODEL_FIRST + i);
	const struct promise *p = &w->promise[i];
	int64_t now = model_now(w);

	fprintf(stderr, "  %2u: %8s of port %2d, row %8s", i,
		l ? dhcp_lease_state_text(l->state) : "-", l ? (int)l->port : -1,
		w->row[i].used ? dhcp_lease_state_text(w->row[i].r.state) : "-");
	if (l && l->client)
		fprintf(stderr, ", client %04x card %u%s", (unsigned)(l->identity[0] & 0xffff),
			l->mac.octet[5], l->boot ? " firmware" : "");
	if (p->until > now)
		fprintf(stderr, ", promised to port %u card %u id %u%s%s", p->who.port, p->who.card,
			p->who.id, p->who.firmware ? " firmware" : "", p->sure ? "" : ", not sure");
	fprintf(stderr, "%s\n", w->quarantine[i] > now ? ", in quarantine" : "");
}

static void show_host(const struct dhcp_host *h)
{
	fprintf(stderr, "  %2u is reserved for card %d id %d\n", h->addr - MODEL_FIRST,
		mac_is_zero(&h->mac) ? -1 : h->mac.octet[5], h->client_id ? h->client_id[1] : -1);
}

static void show(void)
{
	unsigned first = shown->notes > MODEL_NOTES ? shown->notes - MODEL_NOTES : 0;

	for (unsigned i = first; i < shown->notes; i++)
		fprintf(stderr, "  %u: %s\n", i, shown->note[i % MODEL_NOTES]);
	for (uint32_t i = 0; i < MODEL_ADDRS; i++)
		show_address(shown, i);
	for (unsigned i = 0; i < shown->host_n; i++)
		show_host(&shown->host[i]);
	fprintf(stderr, "the model fails with NETD_SEED=%llu\n", (unsigned long long)shown->seed);
}

void model_watch(struct world *w)
{
	shown = w;
	kit_witness = w ? show : NULL;
}

static bool is_live(const struct dhcp_lease *l)
{
	return l->state == DHCP_LEASE_BOUND || l->state == DHCP_LEASE_OFFERED;
}

uint32_t model_clients_behind(const struct world *w, uint32_t port)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < MODEL_ADDRS; i++) {
		const struct dhcp_lease *l = dhcp_lease_by_addr(w->k.s, KIT_NET, MODEL_FIRST + i);

		n += l && l->client && l->port == port && !model_is_reserved(w, MODEL_FIRST + i) &&
		     is_live(l);
	}
	return n;
}

static void check_address(const struct world *w, uint32_t i)
{
	uint32_t addr = MODEL_FIRST + i;
	const struct dhcp_lease *l = dhcp_lease_by_addr(w->k.s, KIT_NET, addr), *other;
	const struct dhcp_pool *pool = model_pool_of(w, addr);

	if (w->turn.n)
		return;
	kit_must(dhcp_pool_taken(pool, addr) ==
		 (dhcp_pool_contains(pool, addr) && (l || model_is_reserved(w, addr))));
	kit_must(!l || !l->client || model_is_open(w, addr));
	kit_must(w->quarantine[i] <= model_now(w) || (l && l->state == DHCP_LEASE_DECLINED));
	if (l && l->client && l->state == DHCP_LEASE_BOUND)
		kit_must(w->row[i].used && w->row[i].r.state == DHCP_LEASE_BOUND &&
			 w->row[i].r.expires == l->expires);
	/* Who leaves an address for a reserved one has both, even when a reload ends the
	 * reservation. */
	for (uint32_t j = 0; l && l->client && !w->reserves && j < i; j++) {
		other = dhcp_lease_by_addr(w->k.s, KIT_NET, MODEL_FIRST + j);
		kit_must(!other || !other->client || other->identity[0] != l->identity[0]);
	}
}

static void check_port(struct world *w, uint32_t port)
{
	const struct dhcp_lease *l = dhcp_lease_by_port(w->k.s, port);
	uint32_t most = w->k.config.clients_max, n = model_clients_behind(w, port);

	kit_must(w->port[port].there == (l != NULL));
	kit_must(!l || l->addr == w->port[port].addr);
	kit_must(!l || w->turn.n || l->addr == w->port[port].stored);
	kit_must(!most || port >= w->trusted || n <= most || n <= w->port[port].allowed);
	if (n < w->port[port].allowed)
		w->port[port].allowed = n;
}

void model_check(struct world *w)
{
	uint32_t taken = 0, ended = 0;

	for (uint32_t i = 0; i < MODEL_ADDRS; i++) {
		const struct dhcp_lease *l = dhcp_lease_by_addr(w->k.s, KIT_NET, MODEL_FIRST + i);

		check_address(w, i);
		taken += dhcp_pool_taken(model_pool_of(w, MODEL_FIRST + i), MODEL_FIRST + i);
		ended += l && l->client && !model_is_far(l->addr) &&
			 !model_is_reserved(w, l->addr) &&
			 (l->state == DHCP_LEASE_RELEASED || l->state == DHCP_LEASE_EXPIRED);
	}
	kit_must(taken == dhcp_pool_used(w->pool) + dhcp_pool_used(w->relay.pool));
	kit_must(ended == dhcp_reclaimable(w->k.s, KIT_NET));
	for (uint32_t i = 0; i < MODEL_PORTS; i++)
		check_port(w, i);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Probing addresses before their first use, on networks where others than our guests may be.
 *
 * Theory of operation: the same guest gets the same address, so the stock of addresses that were
 * probed ahead must not decide who gets which. The candidate is always the one that follows from
 * the identity. Where it is known to be clear it is given at once; where it is not, its probe is
 * begun, and the attach has done nothing else: its call is put aside and handled anew when a probe
 * has ended, after 160 ms at most, while others go on. So are the packets of DHCP clients (wait.c),
 * of which a new one takes what is in stock first (dhcp/candidate.c). Only a guest whose own
 * candidate turned out to be somebody else's gets one of the stock, since that one is nobody's
 * choice and would mean to wait once more. The same goes for who cannot wait at all: a port that is
 * moved because of a conflict or a DECLINE. Then, and only when the stock is empty, an address is
 * given without being probed; but the guest does not get it by DHCP before it was.
 *
 * What somebody else has is quarantined like a declined address. That is bounded, and so is the
 * rate at which the stock is filled, since it is guests who answer.
 *
 * `probe = auto` is on where a link that is not ours is in the bridge. Where there are only guests
 * of ours nobody but they can have an address, and the sweep finds those that take a neighbour's.
 */
#include "base/container.h"
#include "varlink.h"

enum {
	KNOWN_MAX = 64, /* addresses of a network that the stock's filling may have known about */
	REFILL_TRIES = 256, /* places of the pool that one filling looks at */
};

static void probe_due(struct loop_timer *t);

static void wake_at(struct daemon *d, int64_t at)
{
	if (loop_timer_set(d->loop, &d->probe, at, probe_due))
		log_error("out of memory: addresses are not probed");
}

/* --- questions of an attach --- */

bool probe_begin(struct daemon *d, const struct network *n, uint32_t address,
		 const struct mac *client)
{
	if (!n->watch.probing ||
	    dhcp_probe_start(d->probes, n->slot, address, client, loop_now(d->loop)))
		return false;
	wake_at(d, loop_now(d->loop));
	return true;
}

enum probe_answer probe_ask(struct daemon *d, const struct network *n, uint32_t address,
			    const struct mac *client, struct probe_wait *wait)
{
	enum dhcp_probe_state state;

	if (!n->watch.probing)
		return PROBE_TAKE;
	state = dhcp_probe_state(d->probes, n->slot, address);
	if (state == DHCP_PROBE_CLEAR)
		return PROBE_TAKE;
	if (state == DHCP_PROBE_TAKEN)
		return PROBE_PASS;
	if (!wait || (wait->address && wait->address != address))
		return PROBE_UNKNOWN;
	if (state == DHCP_PROBE_NONE && wait->probes++ >= PROBE_CANDIDATES)
		return PROBE_PASS;
	if (!probe_begin(d, n, address, client))
		return PROBE_PASS;
	wait->address = address;
	return PROBE_WAIT;
}

bool probe_stock(const struct daemon *d, const struct network *n, uint32_t *at, uint32_t *ret)
{
	enum dhcp_probe_state state;

	while (dhcp_probe_stock(d->probes, n->slot, at, ret, &state))
		if (state == DHCP_PROBE_CLEAR && dhcp_pool_contains(n->pool, *ret))
			return true;
	return false;
}

void probe_forget(struct daemon *d, const struct network *n, uint32_t address)
{
	if (!n->watch.probing || !dhcp_probe_forget(d->probes, n->slot, address))
		return;
	wait_probed(d, n->slot, address);
	wake_at(d, loop_now(d->loop)); /* the stock may be short of it */
}

/* --- the stock --- */

static uint64_t stock_place(const struct daemon *d, const struct network *n)
{
	struct siphash h = siphash_init(&d->address_key);

	siphash_add_text(&h, n->config->name);
	return siphash_done(&h);
}

static unsigned count_stock(const struct daemon *d, const struct network *n, unsigned *ret_known)
{
	enum dhcp_probe_state state;
	uint32_t at = DHCP_PROBE_FIRST, address;
	unsigned have = 0;

	*ret_known = 0;
	while (dhcp_probe_stock(d->probes, n->slot, &at, &address, &state)) {
		++*ret_known;
		have += state != DHCP_PROBE_TAKEN && dhcp_pool_contains(n->pool, address);
	}
	return have;
}

static void refill(struct daemon *d, struct network *n)
{
	static const struct mac nobody;
	uint64_t place = stock_place(d, n);
	unsigned known, have;
	uint32_t address;

	if (!n->watch.probing || !n->up || loop_now(d->loop) < n->watch.refill_next)
		return;
	have = count_stock(d, n, &known);
	for (unsigned i = 0; i < REFILL_TRIES; i++, place++) {
		if (have >= n->config->probe_stock || known >= KNOWN_MAX ||
		    !dhcp_pool_find(n->pool, &place, &address))
			return;
		if (dhcp_probe_state(d->probes, n->slot, address) != DHCP_PROBE_NONE)
			continue;
		if (dhcp_probe_start(d->probes, n->slot, address, &nobody, loop_now(d->loop)))
			return;
		have++;
		known++;
		n->watch.refill_next = loop_now(d->loop) + NS_PER_S;
	}
}

/* --- time --- */

void probe_schedule(struct daemon *d)
{
	int64_t next;

	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++)
		if (d->network[i].used)
			refill(d, &d->network[i]);
	next = dhcp_probe_next(d->probes);
	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++) {
		const struct conflict_watch *w = &d->network[i].watch;

		if (w->probing && w->refill_next > loop_now(d->loop) && w->refill_next < next)
			next = w->refill_next;
	}
	if (next == INT64_MAX)
		loop_timer_cancel(&d->probe);
	else
		wake_at(d, next);
}

/* Who waits for it: attaches are few, and are all tried again. */
static void probe_ended(struct daemon *d, uint32_t net, uint32_t address)
{
	d->probe_news = true;
	wait_probed(d, net, address);
}

static void probe_due(struct loop_timer *t)
{
	struct daemon *d = CONTAINER_OF(t, struct daemon, probe);
	struct dhcp_probe_step step;

	while (dhcp_probe_step(d->probes, loop_now(d->loop), &step)) {
		const struct network *n = &d->network[step.net];

		if (step.todo == DHCP_PROBE_SEND && n->watch.probing)
			conflict_send_probe(d, n, step.addr);
		else if (step.todo != DHCP_PROBE_SEND)
			probe_ended(d, step.net, step.addr);
	}
	if (d->probe_news && d->varlink) {
		d->probe_news = false;
		varlink_wake(d->varlink);
	}
	wait_run(d);
	probe_schedule(d);
}

/* --- evidence --- */

void probe_arp(struct daemon *d, struct network *n, const struct dhcp_arp *a)
{
	const struct dhcp_lease *l;
	uint32_t address;
	unsigned held_back;
	bool quarantined;

	/* Our own probe, which a loop beyond a foreign port brought back, says nothing. */
	if (!n->watch.probing || (!a->sender && mac_equal(&a->sender_mac, &n->bridge_mac)) ||
	    !dhcp_probe_evidence(d->probes, n->slot, a, loop_now(d->loop), &address))
		return;
	probe_ended(d, n->slot, address);
	wake_at(d, loop_now(d->loop));
	l = dhcp_lease_by_addr(d->dhcp, n->slot, address);
	if (l && l->port != DHCP_PORT_NONE && !l->client)
		return; /* it is a port's already, which conflict_arp sees to */
	quarantined = log_allow(&n->watch.quarantines, loop_now(d->loop), &held_back) &&
		      serve_quarantine(d, n, address, &a->sender_mac);
	conflict_tell(d, n, a, address,
		      quarantined ? "it was about to be given, and is in quarantine" :
				    "it was about to be given, and is not for now");
}

void probe_stop(struct daemon *d, const struct network *n)
{
	dhcp_probe_forget_net(d->probes, n->slot);
	/* Who waits for one of them is not to wait for ever. */
	wait_probed_all(d, n->slot);
	d->probe_news = true;
	wake_at(d, loop_now(d->loop));
}

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
 * With `ping = on` the same is done for addresses behind relay agents, by ping instead of ARP, when
 * a client there is to be offered one; nothing is probed ahead there.
 *
 * What somebody else has is quarantined like a declined address. That is bounded, and so is the
 * rate at which the stock is filled, since it is guests who answer.
 *
 * `probe = auto` is on where a link that is not ours is in the bridge. Where there are only guests
 * of ours nobody but they can have an address; the guard, or else the sweep, sees to it that none
 * takes a neighbour's.
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

/* ARP reaches the network's own subnet, and ping what is behind relay agents. */
static bool is_probed(const struct network *n, uint32_t address)
{
	return ip4_within(n->subnet, address) ? n->watch.probing : n->watch.pinging;
}

/* --- questions of an attach --- */

bool probe_begin(struct daemon *d, const struct network *n, uint32_t address,
		 const struct mac *client)
{
	if (!is_probed(n, address) ||
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
	if (!is_probed(n, address) || !dhcp_probe_forget(d->probes, n->slot, address))
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
		*ret_known += ip4_within(n->subnet, address);
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

/* A host without a route there hears nobody either, and the address is given unasked. */
static void send_ping(struct daemon *d, const struct network *n, uint32_t address)
{
	char text[IP4_TEXT_SIZE];
	unsigned held_back;
	struct err err;

	if (d->host->ops->ping(d->host, address, &err) &&
	    log_allow(&d->send_log, loop_now(d->loop), &held_back))
		log_warning("network %s: %s is given without being asked for: %s "
			    "(%u more like this)",
			    n->config->name, ip4_text(address, text), err.text, held_back);
}

static void send_probe(struct daemon *d, const struct network *n, uint32_t address)
{
	if (!is_probed(n, address))
		return;
	if (ip4_within(n->subnet, address))
		conflict_send_probe(d, n, address);
	else
		send_ping(d, n, address);
}

static void probe_due(struct loop_timer *t)
{
	struct daemon *d = CONTAINER_OF(t, struct daemon, probe);
	struct dhcp_probe_step step;

	while (dhcp_probe_step(d->probes, loop_now(d->loop), &step)) {
		if (step.todo == DHCP_PROBE_SEND)
			send_probe(d, &d->network[step.net], step.addr);
		else
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

/* Somebody has what a client or a guest was to get; what becomes of it, as text. */
static const char *take_out(struct daemon *d, struct network *n, uint32_t address,
			    const struct mac *mac)
{
	unsigned held_back;
	bool quarantined = log_allow(&n->watch.quarantines, loop_now(d->loop), &held_back) &&
			   serve_quarantine(d, n, address, mac);

	return quarantined ? "it was about to be given, and is in quarantine" :
			     "it was about to be given, and is not for now";
}

void probe_arp(struct daemon *d, struct network *n, const struct dhcp_arp *a)
{
	const struct dhcp_lease *l;
	uint32_t address;

	/* Our own probe, which a loop beyond a foreign port brought back, says nothing. */
	if (!n->watch.probing || (!a->sender && mac_equal(&a->sender_mac, &n->bridge_mac)) ||
	    !dhcp_probe_evidence(d->probes, n->slot, a, loop_now(d->loop), &address))
		return;
	probe_ended(d, n->slot, address);
	wake_at(d, loop_now(d->loop));
	l = dhcp_lease_by_addr(d->dhcp, n->slot, address);
	if (l && l->port != DHCP_PORT_NONE && !l->client)
		return; /* it is a port's already, which conflict_arp sees to */
	conflict_tell(d, n, a, address, take_out(d, n, address, &a->sender_mac));
}

static void pong_of(struct daemon *d, struct network *n, uint32_t address)
{
	static const struct mac unknown;
	char detail[96];

	if (!n->watch.pinging || ip4_within(n->subnet, address) ||
	    !dhcp_probe_answered(d->probes, n->slot, address, loop_now(d->loop)))
		return;
	probe_ended(d, n->slot, address);
	wake_at(d, loop_now(d->loop));
	snprintf(detail, sizeof(detail), "it answers ping; %s", take_out(d, n, address, &unknown));
	conflict_tell_ping(d, n, address, detail);
}

void probe_pong(void *arg, uint32_t address)
{
	struct daemon *d = arg;

	/* Several networks can ask for the same. */
	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++)
		pong_of(d, &d->network[i], address);
}

void probe_stop(struct daemon *d, const struct network *n)
{
	dhcp_probe_forget_net(d->probes, n->slot);
	/* Who waits for one of them is not to wait for ever. */
	wait_probed_all(d, n->slot);
	d->probe_news = true;
	wake_at(d, loop_now(d->loop));
}

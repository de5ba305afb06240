/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which addresses are probed, and what came of it (RFC 2131 4.1: a server should probe an address
 * before it gives it away).
 *
 * Theory of operation: an address enters the table when somebody wants to know about it. It is
 * RUNNING while PROBES packets are sent, PROBE_GAP apart, and for PROBE_WAIT behind the last; then
 * it is CLEAR, and stays so for PROBE_FRESH, in which it can be given without asking again. Any
 * evidence meanwhile makes it TAKEN for as long: a packet of another MAC than the client's that
 * says it has the address, or that probes for it itself (RFC 5227 2.1.1). Each address runs by
 * itself, so many take no longer than one.
 *
 * RFC 5227 has a host wait up to 1 s, send three probes 1 to 2 s apart and listen for 2 s more:
 * 5 to 9 s, made for hosts that all come up together on a LAN of unknown speed. This is a server on
 * the very bridge that it asks on, where an answer takes microseconds from a guest that runs and
 * some milliseconds from one whose vCPU has to be scheduled first; and what goes unheard the sweep
 * finds later. So two probes, the second for the case that the first met a full queue, and 160 ms
 * in all: a client that waits for its OFFER does not notice.
 *
 * Pure; called by netd/, which sends what dhcp_probe_step says and hands in what it hears.
 */
#include "base/cleanup.h"
#include "base/container.h"
#include "base/heap.h"
#include "dhcp.h"

#define NS_PER_MS INT64_C(1000000)

enum { PROBES = 2 };

static const int64_t PROBE_GAP = 80 * NS_PER_MS, PROBE_WAIT = 80 * NS_PER_MS,
		     PROBE_FRESH = 60000 * NS_PER_MS;

/* RUNNING: the timer is for the next packet while sent < PROBES, then for the end of the wait.
 * CLEAR, TAKEN: for the end of what is known. */
struct probe {
	struct heap_node timer;
	uint32_t net, addr;
	struct mac client; /* zero: nobody's yet */
	unsigned sent;
	enum dhcp_probe_state state;
};

struct dhcp_probes {
	struct siphash_key key;
	struct slots slots;
	struct probe *probe; /* [slots.cap] */
	struct index by_addr;
	struct heap timers;
};

int dhcp_probes_new(uint32_t cap, const struct siphash_key *key, struct dhcp_probes **ret)
{
	struct dhcp_probes *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->key = *key;
	p->probe = calloc(cap ? cap : 1, sizeof(*p->probe));
	p->timers.at = calloc(cap ? cap : 1, sizeof(*p->timers.at));
	if (!slots_init(&p->slots, cap) || !index_init(&p->by_addr, cap) || !p->probe ||
	    !p->timers.at) {
		dhcp_probes_free(p);
		return -ENOMEM;
	}
	*ret = p;
	return 0;
}

void dhcp_probes_free(struct dhcp_probes *p)
{
	if (!p)
		return;
	slots_done(&p->slots);
	index_done(&p->by_addr);
	free(p->timers.at);
	free(p->probe);
	free(p);
}

static uint64_t addr_hash(const struct dhcp_probes *p, uint32_t net, uint32_t addr)
{
	struct siphash h = siphash_init(&p->key);

	siphash_add_u32(&h, net);
	siphash_add_u32(&h, addr);
	return siphash_done(&h);
}

static struct probe *find(const struct dhcp_probes *p, uint32_t net, uint32_t addr)
{
	uint32_t place = UINT32_MAX, i;

	while ((i = index_walk(&p->by_addr, addr_hash(p, net, addr), &place)) != SLOT_NONE)
		if (p->probe[i].net == net && p->probe[i].addr == addr)
			return &p->probe[i];
	return NULL;
}

static void remove_probe(struct dhcp_probes *p, struct probe *probe)
{
	uint32_t i = (uint32_t)(probe - p->probe);

	heap_remove(&p->timers, &probe->timer);
	index_del(&p->by_addr, addr_hash(p, probe->net, probe->addr), i);
	slots_give(&p->slots, i);
}

int dhcp_probe_start(struct dhcp_probes *p, uint32_t net, uint32_t addr, const struct mac *client,
		     int64_t now)
{
	uint32_t i;

	if (find(p, net, addr))
		return 0;
	i = slots_take(&p->slots);
	if (i == SLOT_NONE)
		return -ENOSPC;
	p->probe[i] = (struct probe){
		.net = net, .addr = addr, .client = *client, .state = DHCP_PROBE_RUNNING
	};
	index_add(&p->by_addr, addr_hash(p, net, addr), i); /* has room for every slot */
	heap_insert(&p->timers, &p->probe[i].timer, now);
	return 0;
}

enum dhcp_probe_state dhcp_probe_state(const struct dhcp_probes *p, uint32_t net, uint32_t addr)
{
	const struct probe *probe = find(p, net, addr);

	return probe ? probe->state : DHCP_PROBE_NONE;
}

void dhcp_probe_forget(struct dhcp_probes *p, uint32_t net, uint32_t addr)
{
	struct probe *probe = find(p, net, addr);

	if (probe)
		remove_probe(p, probe);
}

bool dhcp_probe_each(const struct dhcp_probes *p, uint32_t net, uint32_t *at, uint32_t *ret_addr,
		     enum dhcp_probe_state *ret_state)
{
	while (*at < p->slots.fresh) {
		uint32_t i = (*at)++;

		if (!slots_live(&p->slots, i) || p->probe[i].net != net)
			continue;
		*ret_addr = p->probe[i].addr;
		*ret_state = p->probe[i].state;
		return true;
	}
	return false;
}

int64_t dhcp_probe_next(const struct dhcp_probes *p)
{
	const struct heap_node *first = heap_first(&p->timers);

	return first ? first->key : INT64_MAX;
}

static void set_timer(struct dhcp_probes *p, struct probe *probe, int64_t at)
{
	heap_remove(&p->timers, &probe->timer);
	heap_insert(&p->timers, &probe->timer, at);
}

bool dhcp_probe_step(struct dhcp_probes *p, int64_t now, struct dhcp_probe_step *ret)
{
	struct heap_node *first = heap_first(&p->timers);
	struct probe *probe;

	if (!first || first->key > now)
		return false;
	probe = CONTAINER_OF(first, struct probe, timer);
	*ret = (struct dhcp_probe_step){ .net = probe->net, .addr = probe->addr };
	/* Times count from now: a process that was stopped for a while must not hurry through the
	 * wait, which is the others' time to answer. */
	if (probe->state != DHCP_PROBE_RUNNING) {
		ret->todo = DHCP_PROBE_STALE;
		remove_probe(p, probe);
	} else if (probe->sent < PROBES) {
		ret->todo = DHCP_PROBE_SEND;
		probe->sent++;
		set_timer(p, probe, now + (probe->sent < PROBES ? PROBE_GAP : PROBE_WAIT));
	} else {
		ret->todo = DHCP_PROBE_ENDED;
		probe->state = DHCP_PROBE_CLEAR;
		set_timer(p, probe, now + PROBE_FRESH);
	}
	return true;
}

bool dhcp_probe_evidence(struct dhcp_probes *p, uint32_t net, const struct dhcp_arp *a, int64_t now,
			 uint32_t *ret_addr)
{
	uint32_t addr = dhcp_arp_interest(a);
	struct probe *probe = addr ? find(p, net, addr) : NULL;

	if (!probe || probe->state == DHCP_PROBE_TAKEN || mac_equal(&a->sender_mac, &probe->client))
		return false;
	probe->state = DHCP_PROBE_TAKEN;
	set_timer(p, probe, now + PROBE_FRESH);
	*ret_addr = addr;
	return true;
}

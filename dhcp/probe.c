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
 * itself, so many take no longer than one. What ARP does not reach is asked for by ping, whose
 * answer is evidence without a MAC.
 *
 * An address that is probed for a client is kept for it until a moment after the probe has ended,
 * which is when it is decided who gets it. What nobody took by then is nobody's, like what is
 * probed ahead: the stock. A network whose clients or squatters are many cannot use up the table,
 * since it has at most as many places in it as are free.
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
		     PROBE_HOLD = 1000 * NS_PER_MS, PROBE_FRESH = 60000 * NS_PER_MS;

/* RUNNING: the timer is for the next packet while sent < PROBES, then for the end of the wait.
 * CLEAR: for the end of what a client may take it in, then of what is known. TAKEN: for that. */
struct probe {
	struct heap_node timer;
	uint32_t net, addr;
	struct mac client; /* zero: nobody's, so it is in its network's stock */
	unsigned sent;
	enum dhcp_probe_state state;
	uint32_t next, prev; /* in the stock */
};

struct probe_net {
	uint32_t used;
	uint32_t first, last; /* of the stock, oldest first */
};

struct dhcp_probes {
	struct siphash_key key;
	uint32_t nets_cap;
	struct probe_net *net; /* [nets_cap] */
	struct slots slots;
	struct probe *probe; /* [slots.cap] */
	struct index by_addr;
	struct heap timers;
};

int dhcp_probes_new(uint32_t nets, uint32_t cap, const struct siphash_key *key,
		    struct dhcp_probes **ret)
{
	struct dhcp_probes *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->key = *key;
	p->nets_cap = nets;
	p->net = calloc(nets ? nets : 1, sizeof(*p->net));
	p->probe = calloc(cap ? cap : 1, sizeof(*p->probe));
	p->timers.at = calloc(cap ? cap : 1, sizeof(*p->timers.at));
	if (!slots_init(&p->slots, cap) || !index_init(&p->by_addr, cap) || !p->net || !p->probe ||
	    !p->timers.at) {
		dhcp_probes_free(p);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < nets; i++)
		p->net[i].first = p->net[i].last = SLOT_NONE;
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
	free(p->net);
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

/* --- the stock --- */

static bool is_stock(const struct probe *probe)
{
	return mac_is_zero(&probe->client);
}

static void stock_add(struct dhcp_probes *p, struct probe *probe)
{
	struct probe_net *n = &p->net[probe->net];
	uint32_t i = (uint32_t)(probe - p->probe);

	probe->next = SLOT_NONE;
	probe->prev = n->last;
	if (n->last == SLOT_NONE)
		n->first = i;
	else
		p->probe[n->last].next = i;
	n->last = i;
}

static void stock_remove(struct dhcp_probes *p, struct probe *probe)
{
	struct probe_net *n = &p->net[probe->net];

	if (probe->prev == SLOT_NONE)
		n->first = probe->next;
	else
		p->probe[probe->prev].next = probe->next;
	if (probe->next == SLOT_NONE)
		n->last = probe->prev;
	else
		p->probe[probe->next].prev = probe->prev;
}

bool dhcp_probe_stock(const struct dhcp_probes *p, uint32_t net, uint32_t *at, uint32_t *ret_addr,
		      enum dhcp_probe_state *ret_state)
{
	uint32_t i = *at == DHCP_PROBE_FIRST ? p->net[net].first : *at;

	if (i == SLOT_NONE)
		return false;
	*ret_addr = p->probe[i].addr;
	*ret_state = p->probe[i].state;
	*at = p->probe[i].next;
	return true;
}

/* --- addresses --- */

static void remove_probe(struct dhcp_probes *p, struct probe *probe)
{
	uint32_t i = (uint32_t)(probe - p->probe);

	if (is_stock(probe))
		stock_remove(p, probe);
	p->net[probe->net].used--;
	heap_remove(&p->timers, &probe->timer);
	index_del(&p->by_addr, addr_hash(p, probe->net, probe->addr), i);
	slots_give(&p->slots, i);
}

/* A client wants what was probed for nobody. */
static void claim(struct dhcp_probes *p, struct probe *probe, const struct mac *client)
{
	if (!is_stock(probe) || mac_is_zero(client) || probe->state != DHCP_PROBE_RUNNING)
		return;
	stock_remove(p, probe);
	probe->client = *client;
}

int dhcp_probe_start(struct dhcp_probes *p, uint32_t net, uint32_t addr, const struct mac *client,
		     int64_t now)
{
	struct probe *probe = find(p, net, addr);
	uint32_t i;

	if (probe) {
		claim(p, probe, client);
		return 0;
	}
	if (net >= p->nets_cap || p->net[net].used > p->slots.cap - p->slots.used)
		return -ENOSPC;
	i = slots_take(&p->slots);
	if (i == SLOT_NONE)
		return -ENOSPC;
	probe = &p->probe[i];
	*probe = (struct probe){
		.net = net, .addr = addr, .client = *client, .state = DHCP_PROBE_RUNNING
	};
	p->net[net].used++;
	if (is_stock(probe))
		stock_add(p, probe);
	index_add(&p->by_addr, addr_hash(p, net, addr), i); /* has room for every slot */
	heap_insert(&p->timers, &probe->timer, now);
	return 0;
}

enum dhcp_probe_state dhcp_probe_state(const struct dhcp_probes *p, uint32_t net, uint32_t addr)
{
	const struct probe *probe = find(p, net, addr);

	return probe ? probe->state : DHCP_PROBE_NONE;
}

bool dhcp_probe_for_another(const struct dhcp_probes *p, uint32_t net, uint32_t addr,
			    const struct mac *client)
{
	const struct probe *probe = find(p, net, addr);

	return probe && probe->state != DHCP_PROBE_TAKEN && !is_stock(probe) &&
	       !mac_equal(&probe->client, client);
}

bool dhcp_probe_forget(struct dhcp_probes *p, uint32_t net, uint32_t addr)
{
	struct probe *probe = find(p, net, addr);

	if (probe)
		remove_probe(p, probe);
	return probe != NULL;
}

void dhcp_probe_forget_net(struct dhcp_probes *p, uint32_t net)
{
	for (uint32_t i = 0; i < p->slots.fresh; i++)
		if (slots_live(&p->slots, i) && p->probe[i].net == net)
			remove_probe(p, &p->probe[i]);
}

/* --- time --- */

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

/* Nobody took it while it was kept for its client. */
static void to_stock(struct dhcp_probes *p, struct probe *probe, int64_t now)
{
	probe->client = (struct mac){ 0 };
	stock_add(p, probe);
	set_timer(p, probe, now + PROBE_FRESH);
}

/* What is due for one address; false: nothing that the caller has to do. */
static bool advance(struct dhcp_probes *p, struct probe *probe, int64_t now,
		    struct dhcp_probe_step *ret)
{
	*ret = (struct dhcp_probe_step){ .net = probe->net, .addr = probe->addr };
	/* Times count from now: a process that was stopped for a while must not hurry through the
	 * wait, which is the others' time to answer. */
	if (probe->state == DHCP_PROBE_CLEAR && !is_stock(probe)) {
		to_stock(p, probe, now);
		return false;
	}
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
		set_timer(p, probe, now + (is_stock(probe) ? PROBE_FRESH : PROBE_HOLD));
	}
	return true;
}

bool dhcp_probe_step(struct dhcp_probes *p, int64_t now, struct dhcp_probe_step *ret)
{
	struct heap_node *first;

	while ((first = heap_first(&p->timers)) && first->key <= now)
		if (advance(p, CONTAINER_OF(first, struct probe, timer), now, ret))
			return true;
	return false;
}

/* --- evidence --- */

static void take(struct dhcp_probes *p, struct probe *probe, int64_t now)
{
	probe->state = DHCP_PROBE_TAKEN;
	set_timer(p, probe, now + PROBE_FRESH);
}

bool dhcp_probe_evidence(struct dhcp_probes *p, uint32_t net, const struct dhcp_arp *a, int64_t now,
			 uint32_t *ret_addr)
{
	uint32_t addr = dhcp_arp_interest(a);
	struct probe *probe = addr ? find(p, net, addr) : NULL;

	if (!probe || probe->state == DHCP_PROBE_TAKEN || mac_equal(&a->sender_mac, &probe->client))
		return false;
	take(p, probe, now);
	*ret_addr = addr;
	return true;
}

bool dhcp_probe_answered(struct dhcp_probes *p, uint32_t net, uint32_t addr, int64_t now)
{
	struct probe *probe = find(p, net, addr);

	if (!probe || probe->state == DHCP_PROBE_TAKEN)
		return false;
	take(p, probe, now);
	return true;
}

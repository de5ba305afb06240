/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DHCP packets that cannot be decided before an address has been probed.
 *
 * Theory of operation: dhcp/ says which address has to be probed for a packet, and has done nothing
 * else. The packet is copied into a fixed table, and when the probe has ended it is given to dhcp/
 * once more as if it had come then. Each waits for its own address, so all that came at once are
 * answered at once, after 160 ms, and what need not wait passes them by.
 *
 * Behind one link there can be any number of clients that do not exist. So a link may have at most
 * as many packets in the table as it leaves free: one alone gets half of it, and who has none there
 * gets a place as long as there is one.
 */
#include "wait.h"

#include <stdlib.h>

#include "base/container.h"
#include "daemon.h"

struct waiting {
	uint32_t net, ifindex;
	struct waited waited;
	struct mac client;
	struct dhcp_frame frame; /* its payload is in the table */
	bool ready;		 /* it is in the list, and not in by_addr any more */
	uint32_t next;
};

/* A link that packets of the table came by. */
struct waiting_link {
	uint32_t ifindex, n;
};

int waits_init(struct waits *w, const struct siphash_key *key)
{
	w->key = *key;
	w->first = w->last = SLOT_NONE;
	w->at = calloc(WAITS_MAX, sizeof(*w->at));
	w->payload = calloc(WAITS_MAX, sizeof(*w->payload));
	w->link = calloc(WAITS_MAX, sizeof(*w->link));
	if (slots_init(&w->slots, WAITS_MAX) && slots_init(&w->links, WAITS_MAX) &&
	    index_init(&w->by_addr, WAITS_MAX) && index_init(&w->by_link, WAITS_MAX) && w->at &&
	    w->payload && w->link)
		return 0;
	waits_done(w);
	return -ENOMEM;
}

void waits_done(struct waits *w)
{
	loop_timer_cancel(&w->timer);
	slots_done(&w->slots);
	slots_done(&w->links);
	index_done(&w->by_addr);
	index_done(&w->by_link);
	free(w->at);
	free(w->payload);
	free(w->link);
	*w = (struct waits){ 0 };
}

/* --- links --- */

static uint64_t link_hash(const struct waits *w, uint32_t ifindex)
{
	struct siphash h = siphash_init(&w->key);

	siphash_add_u32(&h, ifindex);
	return siphash_done(&h);
}

static struct waiting_link *find_link(const struct waits *w, uint32_t ifindex)
{
	uint32_t place = UINT32_MAX, i;

	while ((i = index_walk(&w->by_link, link_hash(w, ifindex), &place)) != SLOT_NONE)
		if (w->link[i].ifindex == ifindex)
			return &w->link[i];
	return NULL;
}

uint32_t wait_count(const struct daemon *d, uint32_t ifindex)
{
	const struct waiting_link *link =
		d->waits.slots.used ? find_link(&d->waits, ifindex) : NULL;

	return link ? link->n : 0;
}

/* There are as many places for links as for packets. */
static void count_in(struct waits *w, uint32_t ifindex)
{
	struct waiting_link *link = find_link(w, ifindex);

	if (!link) {
		uint32_t i = slots_take(&w->links);

		link = &w->link[i];
		*link = (struct waiting_link){ .ifindex = ifindex };
		index_add(&w->by_link, link_hash(w, ifindex), i);
	}
	link->n++;
}

static void count_out(struct waits *w, uint32_t ifindex)
{
	struct waiting_link *link = find_link(w, ifindex);
	uint32_t i = (uint32_t)(link - w->link);

	if (--link->n)
		return;
	index_del(&w->by_link, link_hash(w, ifindex), i);
	slots_give(&w->links, i);
}

/* --- who waits --- */

static uint64_t addr_hash(const struct waits *w, uint32_t net, uint32_t address)
{
	struct siphash h = siphash_init(&w->key);

	siphash_add_u32(&h, net);
	siphash_add_u32(&h, address);
	return siphash_done(&h);
}

static bool waits_for(const struct waiting *one, uint32_t net, uint32_t address)
{
	return one->net == net && one->waited.address == address;
}

/* The same client sent it again. */
static struct waiting *find_same(const struct waits *w, const struct waiting *other)
{
	uint64_t hash = addr_hash(w, other->net, other->waited.address);
	uint32_t place = UINT32_MAX, i;

	while ((i = index_walk(&w->by_addr, hash, &place)) != SLOT_NONE) {
		struct waiting *one = &w->at[i];

		if (waits_for(one, other->net, other->waited.address) &&
		    one->ifindex == other->ifindex && mac_equal(&one->client, &other->client))
			return one;
	}
	return NULL;
}

static struct waiting *add(struct daemon *d, const struct waiting *new)
{
	struct waits *w = &d->waits;
	uint32_t i;

	if (wait_count(d, new->ifindex) >= WAITS_MAX - w->slots.used)
		return NULL;
	i = slots_take(&w->slots); /* there is one, or the link would have had its share */
	count_in(w, new->ifindex);
	index_add(&w->by_addr, addr_hash(w, new->net, new->waited.address), i);
	w->at[i] = *new;
	return &w->at[i];
}

bool wait_begin(struct daemon *d, const struct network *n, uint32_t ifindex,
		const struct dhcp_frame *f, const struct mac *client, const struct waited *waited)
{
	struct waiting new = {
		.net = n->slot, .ifindex = ifindex, .waited = *waited, .client = *client
	};
	struct waiting *one = find_same(&d->waits, &new);
	uint8_t *payload;

	if (f->len > WAIT_PAYLOAD_MAX || waited->probes >= PROBE_CANDIDATES ||
	    !probe_begin(d, n, waited->address, client))
		return false;
	new.waited.probes++;
	if (!one)
		one = add(d, &new);
	if (!one)
		return false;
	payload = d->waits.payload[one - d->waits.at];
	memcpy(payload, f->payload, f->len);
	one->frame = *f;
	one->frame.payload = payload;
	return true;
}

/* --- who has waited --- */

static void make_ready(struct waits *w, uint32_t i)
{
	struct waiting *one = &w->at[i];

	index_del(&w->by_addr, addr_hash(w, one->net, one->waited.address), i);
	one->ready = true;
	one->next = SLOT_NONE;
	if (w->first == SLOT_NONE)
		w->first = i;
	else
		w->at[w->last].next = i;
	w->last = i;
}

static void due(struct loop_timer *t)
{
	wait_run(CONTAINER_OF(t, struct daemon, waits.timer));
}

static void run_later(struct daemon *d)
{
	if (d->waits.first != SLOT_NONE &&
	    loop_timer_set(d->loop, &d->waits.timer, loop_now(d->loop), due))
		log_error("out of memory: clients are not answered");
}

void wait_probed(struct daemon *d, uint32_t net, uint32_t address)
{
	struct waits *w = &d->waits;
	uint64_t hash = addr_hash(w, net, address);
	uint32_t place = UINT32_MAX, i;

	while ((i = index_walk(&w->by_addr, hash, &place)) != SLOT_NONE) {
		if (!waits_for(&w->at[i], net, address))
			continue;
		make_ready(w, i);
		place = UINT32_MAX; /* the index has changed */
	}
	run_later(d);
}

void wait_probed_all(struct daemon *d, uint32_t net)
{
	struct waits *w = &d->waits;

	for (uint32_t i = 0; i < w->slots.fresh; i++)
		if (slots_live(&w->slots, i) && w->at[i].net == net && !w->at[i].ready)
			make_ready(w, i);
	run_later(d);
}

/* It can wait again, in its own place. */
static void hand_over(struct daemon *d, uint32_t i)
{
	struct waits *w = &d->waits;
	struct waiting one = w->at[i];
	uint8_t payload[WAIT_PAYLOAD_MAX];

	memcpy(payload, one.frame.payload, one.frame.len);
	one.frame.payload = payload;
	w->first = one.next;
	count_out(w, one.ifindex);
	slots_give(&w->slots, i);
	serve_again(d, one.ifindex, &one.frame, &one.waited);
}

void wait_run(struct daemon *d)
{
	/* Half of a turn is left to packets that come in it. */
	while (d->waits.first != SLOT_NONE && outbox_has_frame(&d->outbox) &&
	       d->outbox.frames < OUTBOX_FRAMES / 2)
		hand_over(d, d->waits.first);
	loop_timer_cancel(&d->waits.timer);
	run_later(d);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's links and IPv4 addresses as the kernel last told them. Only what checks of MACs and
 * addresses need, so that an attach does not have to list a thousand interfaces. Filled by lists at
 * start and by notifications since.
 */
#include <stdlib.h>

#include "daemon.h"

static uint64_t link_hash(const struct daemon *d, uint32_t index)
{
	return siphash(&d->table_key, &index, sizeof(index));
}

static uint32_t link_slot(const struct daemon *d, uint32_t index)
{
	uint32_t place = UINT32_MAX, i;

	while ((i = index_walk(&d->link_by_index, link_hash(d, index), &place)) != SLOT_NONE)
		if (d->link[i].index == index)
			return i;
	return SLOT_NONE;
}

const struct seen_link *link_find(const struct daemon *d, uint32_t index)
{
	uint32_t i = link_slot(d, index);

	return i == SLOT_NONE ? NULL : &d->link[i];
}

static struct mac_holder holder(uint32_t index)
{
	return (struct mac_holder){ .kind = MAC_OF_LINK, .id = index };
}

static uint32_t link_insert(struct daemon *d, uint32_t index)
{
	uint32_t i = slots_take(&d->links);

	if (i == SLOT_NONE || !index_add(&d->link_by_index, link_hash(d, index), i)) {
		if (!d->links_overflow)
			log_warning("the host has more than %u interfaces; their MAC addresses are "
				    "no longer all checked",
				    d->links.cap);
		d->links_overflow = true;
		if (i != SLOT_NONE)
			slots_give(&d->links, i);
		return SLOT_NONE;
	}
	d->link[i] = (struct seen_link){ .index = index };
	return i;
}

void link_seen(struct daemon *d, const struct rtnl_link *link)
{
	uint32_t i = link_slot(d, link->index);
	struct mac mac = link->mac;
	struct seen_link *seen;
	struct bridge_mark mark;
	bool ours = bridge_mark_parse(link->alias, &mark);

	if (i == SLOT_NONE)
		i = link_insert(d, link->index);
	if (i == SLOT_NONE)
		return;
	seen = &d->link[i];
	/* A macvtap device of ours bears the MAC of its guest, who is in the index by its port. */
	if (!strcmp(link->kind, "macvtap") && (port_by_link(d, link->index) || ours))
		mac = (struct mac){ 0 };
	if (!mac_equal(&seen->mac, &mac)) {
		mac_index_del(d->macs, &seen->mac, holder(link->index));
		if (!mac_is_zero(&mac) &&
		    mac_index_add(d->macs, &mac, holder(link->index)) == -ENOSPC)
			d->links_overflow = true;
	}
	*seen = (struct seen_link){ .index = link->index,
				    .master = link->master,
				    .mtu = link->mtu,
				    .up = link->up,
				    .isolated = link->isolated,
				    .carrier = link->carrier,
				    .bridge = !strcmp(link->kind, "bridge"),
				    .filters = link->filters,
				    .ours = ours,
				    /* Those without a MAC, as lo, and ifbs ask nobody. */
				    .foreign = link->up && !ours && !mac_is_zero(&link->mac) &&
					       strcmp(link->kind, "ifb"),
				    .mac = mac };
	memcpy(seen->name, link->name, sizeof(seen->name));
}

void link_forget(struct daemon *d, uint32_t index)
{
	uint32_t i = link_slot(d, index);

	if (i == SLOT_NONE)
		return;
	mac_index_del(d->macs, &d->link[i].mac, holder(index));
	index_del(&d->link_by_index, link_hash(d, index), i);
	slots_give(&d->links, i);
}

static bool same_addr(const struct rtnl_addr *a, const struct rtnl_addr *b)
{
	return a->index == b->index && a->prefix.addr == b->prefix.addr &&
	       a->prefix.len == b->prefix.len;
}

void addr_seen(struct daemon *d, const struct rtnl_addr *addr)
{
	for (size_t i = 0; i < d->addrs; i++)
		if (same_addr(&d->addr[i], addr))
			return;
	if (d->addrs == d->addrs_cap) {
		size_t cap = d->addrs_cap ? 2 * d->addrs_cap : 16;
		struct rtnl_addr *grown = realloc(d->addr, cap * sizeof(*grown));

		if (!grown)
			return;
		d->addr = grown;
		d->addrs_cap = cap;
	}
	d->addr[d->addrs++] = *addr;
}

void addr_forget(struct daemon *d, const struct rtnl_addr *addr)
{
	for (size_t i = 0; i < d->addrs; i++) {
		if (same_addr(&d->addr[i], addr)) {
			d->addr[i] = d->addr[--d->addrs];
			return;
		}
	}
}

void addrs_forget_link(struct daemon *d, uint32_t index)
{
	for (size_t i = 0; i < d->addrs;)
		if (d->addr[i].index == index)
			d->addr[i] = d->addr[--d->addrs];
		else
			i++;
}

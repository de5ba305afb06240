/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One MTU for all that is on a network: its bridge, its ports' devices, what guests are told by
 * DHCP and what their VMMs are. It follows from the links that frames leave the network by; that it
 * stays so is reconcile.c's and heal.c's business.
 */
#include <inttypes.h>

#include "daemon.h"

/* The least MTU of the interfaces in the network's bridge that are not netd's; 0: there are none.
 * A bridge does not cut frames into pieces, so all that is behind it has to do with that
 * (net/bridge/br_forward.c, is_skb_forwardable). */
static uint32_t joined_mtu(const struct daemon *d, const struct network *n)
{
	uint32_t least = 0;

	for (unsigned i = 0; i < d->joins; i++) {
		const struct joined *j = &d->joined[i];
		const struct seen_link *link =
			j->used && j->network == n->slot ? link_find(d, j->ifindex) : NULL;

		if (link && !j->why_not.text[0] && (!least || link->mtu < least))
			least = link->mtu;
	}
	return least;
}

uint32_t network_mtu(const struct daemon *d, const struct network *n)
{
	uint32_t mtu = uplinks_mtu(d), joined = joined_mtu(d, n);

	if (n->config->mtu)
		return n->config->mtu;
	if (joined && joined < mtu)
		mtu = joined;
	if (mtu < CONFIG_MTU_MIN)
		mtu = CONFIG_MTU_MIN;
	return mtu < CONFIG_MTU_MAX ? mtu : CONFIG_MTU_MAX;
}

static bool is_joined(const struct daemon *d, const struct joined *j, uint32_t ifindex)
{
	return j->used && j->ifindex == ifindex && !d->network[j->network].config->mtu;
}

bool mtu_follows(const struct daemon *d, uint32_t ifindex)
{
	for (unsigned i = 0; i < d->uplinks; i++)
		if (d->uplink[i].index == ifindex)
			return true;
	for (unsigned i = 0; i < d->joins; i++)
		if (is_joined(d, &d->joined[i], ifindex))
			return true;
	return false;
}

/* --- what does not fit --- */

static void found(struct mtu_trouble *t, const char *link, uint32_t mtu, bool joined)
{
	if (t->mtu && t->mtu <= mtu)
		return;
	*t = (struct mtu_trouble){ .mtu = mtu, .joined = joined };
	snprintf(t->link, sizeof(t->link), "%s", link);
}

bool mtu_too_large(const struct daemon *d, const struct network *n, struct mtu_trouble *ret)
{
	const struct seen_link *uplink =
		lan_is(n) && n->lan.uplink ? link_find(d, n->lan.uplink) : NULL;
	struct mtu_trouble t = { 0 };

	if (uplink && uplink->mtu < n->mtu)
		found(&t, uplink->name, uplink->mtu, true);
	for (unsigned i = 0; bridge_mode_routes(n->config->mode) && i < d->uplinks; i++)
		if (d->uplink[i].mtu < n->mtu)
			found(&t, d->uplink[i].name, d->uplink[i].mtu, false);
	for (unsigned i = 0; i < d->joins; i++) {
		const struct joined *j = &d->joined[i];
		const struct seen_link *link =
			j->used && j->network == n->slot ? link_find(d, j->ifindex) : NULL;

		if (link && j->in_bridge && link->mtu < n->mtu)
			found(&t, link->name, link->mtu, true);
	}
	*ret = t;
	return t.mtu != 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way out of the networks: uplinks and forwarding.
 *
 * An uplink is a link that a default route of the main table leads out by. IPv4 forwards what comes
 * in by an interface whose own `forwarding` is on, so that is switched on for our bridges and the
 * uplinks and for nothing else; the global switch is left alone. Where it was off on an uplink, it
 * was off for a reason: a rule lets the uplink forward to our bridges only, unless the host
 * forwards for everybody.
 */
#include <linux/rtnetlink.h>
#include <stdlib.h>

#include "daemon.h"

enum { MTU_WITHOUT_UPLINK = 1500 };

static bool is_ours(const struct daemon *d, uint32_t ifindex)
{
	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++)
		if (d->network[i].used && d->network[i].bridge_index == ifindex &&
		    !lan_is(&d->network[i])) /* that is the host's own way out */
			return true;
	return false;
}

static int collect_uplink(void *arg, const struct rtnl_route *route)
{
	struct daemon *d = arg;
	const struct seen_link *link = link_find(d, route->index);
	struct uplink *u;

	if (route->dst.len || route->type != RTN_UNICAST || !link || is_ours(d, route->index))
		return 0;
	for (unsigned i = 0; i < d->uplinks; i++)
		if (d->uplink[i].index == route->index)
			return 0;
	if (d->uplinks == UPLINKS_MAX)
		return 0;
	u = &d->uplink[d->uplinks++];
	*u = (struct uplink){ .index = link->index, .mtu = link->mtu, .gateway = route->gateway };
	memcpy(u->name, link->name, sizeof(u->name));
	return 0;
}

static bool any_forwards(const struct daemon *d)
{
	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++)
		if (network_stands(&d->network[i]) &&
		    d->network[i].config->mode != BRIDGE_MODE_ISOLATED)
			return true;
	return false;
}

static struct uplink *uplink_find(struct daemon *d, const char *name)
{
	for (unsigned i = 0; i < d->uplinks; i++)
		if (!strcmp(d->uplink[i].name, name))
			return &d->uplink[i];
	return NULL;
}

static int note_ours(void *arg, const char *link)
{
	struct uplink *u = uplink_find(arg, link);

	if (u)
		u->forwarding_ours = true;
	return 0;
}

/* Whose forwarding it is. Off now: it will be ours, and that is on disk before it is switched on.
 */
static int claim(struct daemon *d, struct uplink *u, struct err *err)
{
	bool on;
	int rc = d->host->ops->forwarding_get(d->host, u->name, &on, err);

	if (rc || on || u->forwarding_ours || !any_forwards(d))
		return rc;
	u->forwarding_ours = true;
	return store_forwarding_put(d->store, u->name, true, err);
}

int uplinks_find(struct daemon *d, struct err *err)
{
	int rc;

	d->uplinks = 0;
	memset(d->uplink, 0, sizeof(d->uplink));
	rc = d->host->ops->forwarding_get(d->host, "all", &d->forwards_for_all, err);
	if (!rc)
		rc = d->host->ops->route_list(d->host, collect_uplink, d, err);
	return rc;
}

int uplinks_claim(struct daemon *d, struct err *err)
{
	int rc = store_forwarding_list(d->store, note_ours, d, err);

	for (unsigned i = 0; i < d->uplinks && !rc; i++)
		rc = claim(d, &d->uplink[i], err);
	return rc;
}

uint32_t uplinks_mtu(const struct daemon *d)
{
	uint32_t mtu = 0;

	for (unsigned i = 0; i < d->uplinks; i++)
		if (!mtu || d->uplink[i].mtu < mtu)
			mtu = d->uplink[i].mtu;
	return mtu ? mtu : MTU_WITHOUT_UPLINK;
}

/* Links that forwarded for us and lead out no more; at most as many at once as there are uplinks.
 */
struct former {
	struct daemon *d;
	char name[UPLINKS_MAX][LINK_NAME_SIZE];
	unsigned n;
};

static int note_former(void *arg, const char *link)
{
	struct former *f = arg;

	if ((uplink_find(f->d, link) && any_forwards(f->d)) || f->n == UPLINKS_MAX)
		return 0;
	snprintf(f->name[f->n++], LINK_NAME_SIZE, "%s", link);
	return 0;
}

/* Off again, as it was; the rule that kept it to our networks is gone already. */
static int give_back(struct daemon *d, const char *link, struct err *err)
{
	int rc = d->host->ops->forwarding_set(d->host, link, false, err);

	if (rc && rc != -ENOENT) /* the link is gone, and its switch with it */
		return rc;
	log_notice("forwarding is off again for %s", link);
	return store_forwarding_put(d->store, link, false, err);
}

static int switch_on(struct daemon *d, const struct uplink *u, struct err *err)
{
	bool on;
	int rc = d->host->ops->forwarding_get(d->host, u->name, &on, err);

	if (rc || on || !u->forwarding_ours)
		return rc;
	rc = d->host->ops->forwarding_set(d->host, u->name, true, err);
	if (!rc)
		log_notice("forwarding is on for %s now, for netd's networks only", u->name);
	return rc;
}

int uplinks_forward(struct daemon *d, struct err *err)
{
	struct former former = { .d = d };
	int rc = store_forwarding_list(d->store, note_former, &former, err);

	for (unsigned i = 0; i < former.n && !rc; i++)
		rc = give_back(d, former.name[i], err);
	for (unsigned i = 0; i < d->uplinks && !rc && any_forwards(d); i++) {
		rc = switch_on(d, &d->uplink[i], err);
		if (rc)
			err_wrap(err, rc, "uplink %s", d->uplink[i].name);
	}
	return rc;
}

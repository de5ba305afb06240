/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ports of guests that reach what is published for themselves also where br_netfilter is at work:
 * which they are, their hairpin_mode, and the elements of the rule that keeps everything else from
 * coming back; theory in bridge/ruleset_reflect.c. Called by publish.c and rules.c.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "daemon.h"

void reflect_look(struct daemon *d)
{
	struct err err;
	int calls = 0;

	if (d->host->ops->sysctl_read(d->host, "bridge/bridge-nf-call-iptables", &calls, &err))
		calls = 0;
	d->bridge_calls = calls != 0;
}

static struct nft_reflect view(const struct port *p)
{
	return (struct nft_reflect){ .ifindex = p->ifindex, .mac = p->mac };
}

/* The chain stays for as long as a port has hairpin_mode. */
bool reflect_plan(struct daemon *d, struct nft_reflect *ret, size_t *ret_n)
{
	const struct port *p;
	size_t n = 0;

	for (uint32_t at = 0; (p = port_next(d, &at));)
		if (p->ifindex && p->hairpin)
			ret[n++] = view(p);
	*ret_n = n;
	return d->bridge_calls || n;
}

static int set_hairpin(struct daemon *d, const struct port *p, bool on, struct err *err)
{
	struct rtnl_change c = { .index = p->ifindex, .hairpin = on, .unhairpin = !on };

	return d->host->ops->link_set(d->host, &c, err);
}

static int switch_on(struct daemon *d, struct port *p, struct err *err)
{
	struct nft_reflect r = view(p);
	int rc = d->host->ops->reflect_change(d->host, &r, true, err);

	if (!rc)
		rc = set_hairpin(d, p, true, err);
	p->hairpin = !rc;
	return rc;
}

static int switch_off(struct daemon *d, struct port *p, struct err *err)
{
	int rc = set_hairpin(d, p, false, err);

	if (!rc)
		reflect_forget(d, p);
	return rc;
}

void reflect_forget(struct daemon *d, struct port *p)
{
	struct nft_reflect r = view(p);
	struct err err;

	if (!p->hairpin)
		return;
	p->hairpin = false;
	if (d->rules && d->reflecting && d->host->ops->reflect_change(d->host, &r, false, &err))
		log_warning("port %s/%" PRIu32 ": %s", p->guest, p->nic, err.text);
}

static bool is_published(const struct daemon *d, const struct port *p)
{
	for (size_t i = 0; i < d->publishes.n; i++) {
		const struct published *one = &d->publishes.at[i];

		if (one->made && one->network == p->network && one->nic == p->nic &&
		    !strcmp(one->guest, p->guest))
			return true;
	}
	return false;
}

/* Of those that have it, the ones that need it no more. */
static int switch_off_others(struct daemon *d, struct err *err)
{
	struct port *p;
	int rc = 0;

	for (uint32_t at = 0; !rc && (p = port_next(d, &at));)
		if (p->ifindex && p->hairpin && (!d->bridge_calls || !is_published(d, p)))
			rc = switch_off(d, p, err);
	return rc;
}

int reflect_sync(struct daemon *d, struct err *err)
{
	int rc = 0;

	if (!d->rules || !d->reflecting)
		return 0;
	for (size_t i = 0; i < d->publishes.n && d->bridge_calls && !rc; i++) {
		const struct published *one = &d->publishes.at[i];
		struct port *p =
			one->made ? port_find(d, one->network, one->guest, one->nic) : NULL;

		if (p && p->ifindex && p->settled && !p->hairpin)
			rc = switch_on(d, p, err);
	}
	return rc || !d->publishes.changed ? rc : switch_off_others(d, err);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How fast packets may go to a guest, and from it.
 *
 * To the guest: what leaves by the port's device is shaped. From the guest: what comes in by it is
 * redirected to an ifb of the port's own, which shapes it. Of a macvtap it is the other way round,
 * since that sends what its guest sends.
 *
 * A port keeps what was made last; reconcile.c's list of links says whether it still is. An ifb
 * bears the port's mark and a suffix. It goes with the port's device, but it is a link of its own,
 * so one can be left behind, by a guest that ended while netd did not run: that goes when its port
 * has no link any more.
 */
#include <inttypes.h>

#include "daemon.h"

/* What is sent at once: 10 ms, so that a busy host has time to come back; at least this much. */
enum { BURST_PART = 100, BURST_MIN = 16384 };
/* What waits beside it: 50 ms. */
enum { WAIT_PART = 20, WAIT_MIN = 65536 };
enum { FRAME_OVERHEAD = 64 }; /* Ethernet and two tags, and what is computed with in its place */

static uint32_t at_most_u32(uint64_t v)
{
	return v < UINT32_MAX ? (uint32_t)v : UINT32_MAX;
}

static struct rtnl_rate make(uint64_t bits, uint32_t burst, uint32_t mtu)
{
	uint64_t octets = bits / 8, wait = octets / WAIT_PART;
	uint64_t b = burst ? burst : octets / BURST_PART;

	if (!bits)
		return (struct rtnl_rate){ 0 };
	if (!burst && b < BURST_MIN)
		b = BURST_MIN;
	/* A frame that is larger would never get through. */
	if (b < mtu + FRAME_OVERHEAD)
		b = mtu + FRAME_OVERHEAD;
	if (wait < WAIT_MIN)
		wait = WAIT_MIN;
	return (struct rtnl_rate){ .bits = bits,
				   .burst = at_most_u32(b),
				   .limit = at_most_u32(b + wait) };
}

void rates_wanted(const struct daemon *d, const struct port *p, struct rtnl_rate *ret_in,
		  struct rtnl_rate *ret_out)
{
	const struct network *n = &d->network[p->network];
	struct config_rate r = config_rate_of(n->config, config_host_find(n->config, p->guest));

	*ret_in = make(r.in, r.burst, n->mtu);
	*ret_out = make(r.out, r.burst, n->mtu);
}

static bool same(const struct rtnl_rate *a, const struct rtnl_rate *b)
{
	return a->bits == b->bits && a->burst == b->burst && a->limit == b->limit;
}

static struct bridge_mark mark_of(const struct daemon *d, const struct port *p)
{
	struct bridge_mark m = { .nic = p->nic };

	memcpy(m.network, d->network[p->network].config->name, sizeof(m.network));
	memcpy(m.guest, p->guest, sizeof(m.guest));
	return m;
}

/* --- ifbs --- */

static void del_ifb(struct daemon *d, uint32_t index, const char *what)
{
	struct err err;
	int rc = d->host->ops->link_del(d->host, index, &err);

	if (rc && rc != -ENODEV)
		log_warning("%s: %s", what, err.text);
}

void rates_forget(struct daemon *d, struct port *p)
{
	char text[NAME_SIZE + 12];

	if (p->rates.ifb)
		del_ifb(d, p->rates.ifb, port_text(p, text));
	p->rates = (struct port_rates){ 0 };
}

static int add_ifb(struct daemon *d, struct port *p, struct err *err)
{
	struct bridge_mark mark = mark_of(d, p);
	char name[LINK_NAME_SIZE], alias[LINK_ALIAS_SIZE];
	struct rtnl_change c = { .alias = alias, .up = true };
	struct mac mac;
	int rc;

	bridge_ifb_name(&d->name_key, mark.network, p->guest, p->nic, name, &mac);
	bridge_ifb_mark_format(&mark, alias);
	rc = d->host->ops->ifb_add(d->host, name, &mac, &c.index, err);
	if (!rc)
		rc = d->host->ops->ipv6_off(d->host, name, err);
	if (!rc)
		rc = d->host->ops->link_set(d->host, &c, err);
	if (!rc)
		p->rates.ifb = c.index;
	else if (c.index)
		del_ifb(d, c.index, name);
	return rc;
}

/* What comes in by the device goes by the ifb, whose rate is set before that. */
static int limit_incoming(struct daemon *d, struct port *p, const struct rtnl_rate *rate,
			  struct err *err)
{
	int rc = 0;

	if (!rate->bits) {
		rc = d->host->ops->redirect_set(d->host, p->ifindex, 0, err);
		if (!rc && p->rates.ifb)
			del_ifb(d, p->rates.ifb, p->ifname);
		p->rates.ifb = rc ? p->rates.ifb : 0;
		return rc;
	}
	if (!p->rates.ifb)
		rc = add_ifb(d, p, err);
	if (!rc)
		rc = d->host->ops->rate_set(d->host, p->rates.ifb, rate, err);
	return rc ? rc : d->host->ops->redirect_set(d->host, p->ifindex, p->rates.ifb, err);
}

/* --- ports --- */

int rates_apply(struct daemon *d, struct port *p, struct err *err)
{
	bool reversed = d->network[p->network].config->mode == BRIDGE_MODE_MACVTAP;
	struct port_rates *now = &p->rates;
	struct rtnl_rate in, out;
	int rc = 0;

	rates_wanted(d, p, &in, &out);
	if (now->unknown || !same(&now->in, &in))
		rc = reversed ? limit_incoming(d, p, &in, err) :
				d->host->ops->rate_set(d->host, p->ifindex, &in, err);
	if (!rc && (now->unknown || !same(&now->out, &out)))
		rc = reversed ? d->host->ops->rate_set(d->host, p->ifindex, &out, err) :
				limit_incoming(d, p, &out, err);
	now->unknown = rc != 0;
	now->failed = now->failed && rc;
	now->in = in;
	now->out = out;
	return rc;
}

void rates_put_right(struct daemon *d)
{
	bool wait = false;
	struct port *p;

	for (uint32_t at = 0; (p = port_next(d, &at));) {
		struct err err;

		if (!p->ifindex || !d->network[p->network].up || !rates_apply(d, p, &err))
			continue;
		if (!p->rates.failed)
			log_error("port %s/%" PRIu32 ": its rate is not limited: %s", p->guest,
				  p->nic, err.text);
		p->rates.failed = true;
		p->hurt |= p->hurt ? HEAL_NOT_YET : 0;
		wait = true;
	}
	d->rates_wait = wait;
}

/* --- what there is --- */

bool rates_is_ours(const struct daemon *d, const struct rtnl_link *link)
{
	struct bridge_mark mark;

	return !strcmp(link->kind, "ifb") &&
	       (bridge_ifb_mark_parse(link->alias, &mark) ||
		bridge_ifb_known(&d->name_key, link->name, &link->mac));
}

/* A link that bears the mark of an ifb's port: that may not be a port of a network that is
 * configured, and then its guest still runs. */
static bool has_link(const struct rtnl_link *link, size_t links, const struct bridge_mark *of)
{
	char alias[LINK_ALIAS_SIZE];

	bridge_mark_format(of, alias);
	for (size_t i = 0; i < links; i++)
		if (!strcmp(link[i].alias, alias))
			return true;
	return false;
}

static struct port *port_of(struct daemon *d, const struct bridge_mark *mark)
{
	const struct network *n = network_find(d, mark->network);
	struct port *p = n ? port_find(d, n->slot, mark->guest, mark->nic) : NULL;

	return p && p->ifindex ? p : NULL;
}

/* Somebody else has changed what was made. */
static void hurt(struct port *p)
{
	if (p->rates.unknown)
		return;
	p->rates.unknown = true;
	p->hurt |= HEAL_RATE;
}

static void take_ifb(struct port *p, const struct rtnl_link *link)
{
	if (p->rates.ifb != link->index)
		p->rates.unknown = true; /* it was just found */
	else if (!link->shaped || !link->up)
		hurt(p);
	p->rates.ifb = link->index;
}

/* Takes over, or removes, one ifb of ours. */
static void find_ifb(struct daemon *d, const struct rtnl_link *link, const struct rtnl_link *all,
		     size_t n)
{
	struct bridge_mark mark;
	struct port *p;

	/* Without its mark it is of a netd that ended before it could be used. */
	if (bridge_ifb_mark_parse(link->alias, &mark)) {
		p = port_of(d, &mark);
		if (p && (!p->rates.ifb || p->rates.ifb == link->index)) {
			take_ifb(p, link);
			return;
		}
		if (has_link(all, n, &mark))
			return;
	}
	del_ifb(d, link->index, link->name);
	log_info("interface %s is gone: its port is", link->name);
}

/* Of one that was just found, what there is says all. */
static void find_port(const struct daemon *d, struct port *p, const struct rtnl_link *link)
{
	bool reversed = d->network[p->network].config->mode == BRIDGE_MODE_MACVTAP;
	bool shaped = reversed ? p->rates.out.bits : p->rates.in.bits;

	if (shaped && !link->shaped)
		hurt(p);
	else if (shaped != link->shaped)
		p->rates.unknown = true;
}

void rates_find(struct daemon *d, const struct rtnl_link *link, size_t links)
{
	struct port *p;

	for (uint32_t at = 0; (p = port_next(d, &at));)
		if (p->rates.ifb && !link_find(d, p->rates.ifb)) {
			hurt(p);
			p->rates.ifb = 0;
		}
	for (size_t i = 0; i < links; i++) {
		p = port_by_link(d, link[i].index);
		if (p)
			find_port(d, p, &link[i]);
		else if (rates_is_ours(d, &link[i]))
			find_ifb(d, &link[i], link, links);
	}
}

bool rates_need(struct daemon *d, const struct rtnl_link *link)
{
	struct bridge_mark mark;
	const struct port *p = bridge_ifb_mark_parse(link->alias, &mark) ? port_of(d, &mark) : NULL;

	return p && p->rates.ifb == link->index;
}

void rates_qdisc_gone(struct daemon *d, const struct rtnl_qdisc *q)
{
	struct port *p;

	for (uint32_t at = 0; (p = port_next(d, &at));) {
		if (!p->ifindex || (p->ifindex != q->index && p->rates.ifb != q->index))
			continue;
		/* What is at the root is seen when links are listed; what is for what comes in is
		 * not. */
		if (q->incoming && p->rates.ifb && p->ifindex == q->index)
			hurt(p);
		if (p->rates.in.bits || p->rates.out.bits)
			reconcile_later(d);
	}
}

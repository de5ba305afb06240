/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Self-healing. Others on the host flush the rules, take ports out of bridges, switch forwarding
 * off; it is put back at once, and told, so that nobody looks for what is not there.
 *
 * Rules: a transaction of somebody else's that touched a table of ours has it replaced as a whole,
 * in the turn that hears of it. Everything else is a matter of reconcile.c, which puts right
 * whatever it finds. What it finds can as well be the work of a reload or of an attach, so what
 * counts as an incident is seen before it begins: a network that was up, a port that was in order,
 * an uplink that forwarded, and is so no more. That is kept as a mask with the object, and told
 * when it is as it should be, once for each.
 *
 * Who breaks it in a loop does not keep the daemon busy: after RATE_BURST times it is put right
 * once a second.
 */
#include "base/container.h"
#include "daemon.h"

#define RATE_NS NS_PER_S

enum { RATE_BURST = 20 };

void heal_init(struct heal *h)
{
	static const struct log_limit hundred_a_minute = { .interval = 60 * NS_PER_S,
							   .burst = 100 },
				      ten_a_minute = { .interval = 60 * NS_PER_S, .burst = 10 };

	*h = (struct heal){ .told = hundred_a_minute, .failed = ten_a_minute };
}

void heal_done(struct heal *h)
{
	loop_timer_cancel(&h->later);
}

/* --- rate --- */

/* 0: it may be done now; else when. */
static int64_t rate_until(const struct heal_rate *r, int64_t now)
{
	int64_t at = r->paid - (RATE_BURST - 1) * RATE_NS;

	return at > now ? at : 0;
}

static void rate_take(struct heal_rate *r, int64_t now)
{
	r->paid = (r->paid > now ? r->paid : now) + RATE_NS;
}

int64_t heal_pause(const struct daemon *d)
{
	return rate_until(&d->heal.host, loop_now(d->loop));
}

/* --- rules --- */

static void by_whom(const struct nft_change *c, char *ret, size_t size)
{
	if (c->process[0])
		snprintf(ret, size, " by %s (pid %u)", c->process, c->pid);
	else
		snprintf(ret, size, " by an unknown process");
}

static void tell_rules(struct daemon *d)
{
	struct heal *h = &d->heal;
	char who[64], more[48] = "";
	unsigned held_back, others;
	struct event *e;

	if (!log_allow(&h->told, loop_now(d->loop), &held_back))
		return;
	others = h->changes - 1 + held_back;
	by_whom(&h->change, who, sizeof(who));
	if (others)
		snprintf(more, sizeof(more), "; and there were %u more changes", others);
	e = event_add(d, EVENT_RULES_RESTORED);
	snprintf(e->detail, sizeof(e->detail), "%s%s%s",
		 h->change.overrun ? "others changed more than could be heard of" : h->change.what,
		 h->change.overrun ? "" : who, more);
	log_warning("rules of nf_tables: %s; they have been put back", e->detail);
}

static void restore_later(struct daemon *d, int64_t at);

/* As a whole: what is left of a table that others have been at is not worth a look. */
static void restore(struct daemon *d)
{
	struct heal *h = &d->heal;
	int64_t now = loop_now(d->loop), at = rate_until(&h->rules, now);
	unsigned held_back;
	struct err err;

	if (at) {
		restore_later(d, at);
		return;
	}
	rate_take(&h->rules, now);
	if (rules_apply(d, true, &err)) {
		if (log_allow(&h->failed, now, &held_back))
			log_error("the rules that others have changed cannot be put back: %s",
				  err.text);
		restore_later(d, now + RATE_NS);
		return;
	}
	h->rules_restored++;
	tell_rules(d);
	h->changes = 0;
}

static void restore_now(struct loop_timer *t)
{
	restore(CONTAINER_OF(t, struct daemon, heal.later));
}

static void restore_later(struct daemon *d, int64_t at)
{
	if (loop_timer_set(d->loop, &d->heal.later, at, restore_now))
		log_error("out of memory: the rules are not put back");
}

void heal_ruleset(void *arg, const struct nft_change *c)
{
	struct daemon *d = arg;

	if (c->others || c->overrun)
		coexist_later(d);
	if (!c->ours && !c->overrun)
		return;
	if (!d->heal.changes++)
		d->heal.change = *c;
	if (!d->heal.later.loop)
		restore(d);
}

/* --- what is not as it was --- */

static bool has_gateway(const struct daemon *d, const struct network *n)
{
	for (size_t i = 0; i < d->addrs; i++)
		if (d->addr[i].index == n->bridge_index &&
		    d->addr[i].prefix.addr == n->subnet.addr &&
		    d->addr[i].prefix.len == n->subnet.len)
			return true;
	return false;
}

static bool forwards(struct daemon *d, const char *link, bool otherwise)
{
	bool on;

	return d->host->ops->forwarding_get(d->host, link, &on, NULL) ? otherwise : on;
}

/* An isolated network's bridge does not forward, but on a host that does so everywhere. */
static bool forwarding_is_wrong(struct daemon *d, const struct network *n)
{
	bool on = forwards(d, n->bridge, n->forwards);

	return on != n->forwards && (n->forwards || !forwards(d, "all", true));
}

static void find_of_bridge(struct daemon *d, struct network *n)
{
	const struct seen_link *link = n->bridge_index ? link_find(d, n->bridge_index) : NULL;

	/* One that is gone has been noted; one that is not up was not in order. One of the host's
	 * is not ours to heal. */
	if (!n->used || !n->up || !link || lan_is_found(n))
		return;
	if (!link->up)
		n->hurt |= HEAL_DOWN;
	if (link->mtu != n->mtu)
		n->hurt |= HEAL_MTU;
	if (lan_is(n)) /* its addresses and its forwarding are the host's */
		return;
	if (!has_gateway(d, n))
		n->hurt |= HEAL_ADDRESS;
	if (forwarding_is_wrong(d, n))
		n->hurt |= HEAL_FORWARDING;
}

static uint32_t mtu_of(const struct daemon *d, uint32_t ifindex)
{
	const struct seen_link *link = link_find(d, ifindex);

	return link ? link->mtu : 0;
}

static unsigned find_of_link(const struct network *n, const struct seen_link *link, bool up)
{
	unsigned hurt = 0;

	/* The ports of a bridge that is deleted leave it: that is one incident, the bridge's. */
	if (link->master != n->bridge_index && n->up)
		hurt |= HEAL_OUT;
	if (link->up != up)
		hurt |= HEAL_DOWN;
	return hurt;
}

static void find_of_ports(struct daemon *d)
{
	struct port *p;

	for (uint32_t at = 0; (p = port_next(d, &at));) {
		const struct seen_link *link = p->ifindex ? link_find(d, p->ifindex) : NULL;
		struct network *n = &d->network[p->network];

		if (!link || !p->settled || n->bridge_foreign)
			continue;
		if (!port_bears(d, p, &link->mac)) { /* and may be out of its bridge for that */
			p->hurt |= HEAL_MAC;
			continue;
		}
		p->hurt |= find_of_link(n, link, !p->unplugged);
		/* One that is out of its bridge is nobody's port. */
		if (link->master && link->master == n->bridge_index &&
		    link->isolated != n->isolates)
			p->hurt |= HEAL_ISOLATION;
		if (link->mtu == n->mtu)
			continue;
		p->hurt |= HEAL_MTU;
		/* A bridge takes the least MTU of its ports (net/bridge/br_if.c,
		 * br_mtu_auto_adjust): that is the port's incident. */
		if (link->mtu == mtu_of(d, n->bridge_index))
			n->hurt &= ~(unsigned)HEAL_MTU;
	}
}

static void find_of_joined(struct daemon *d)
{
	for (unsigned i = 0; i < d->joins; i++) {
		struct joined *j = &d->joined[i];
		const struct seen_link *link =
			j->used && j->in_bridge ? link_find(d, j->ifindex) : NULL;

		if (link)
			j->hurt |= find_of_link(&d->network[j->network], link, true);
	}
}

static void find_of_uplinks(struct daemon *d)
{
	struct heal *h = &d->heal;

	for (unsigned i = 0; i < h->uplinks; i++)
		if (!forwards(d, h->uplink[i].name, true))
			h->uplink[i].hurt = true;
}

void heal_find(struct daemon *d)
{
	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++)
		find_of_bridge(d, &d->network[i]);
	find_of_ports(d);
	find_of_joined(d);
	find_of_uplinks(d);
}

void heal_ipv6(struct daemon *d, uint32_t ifindex)
{
	struct network *n = network_by_bridge(d, ifindex);
	struct port *p = port_by_link(d, ifindex);

	if (n && lan_is(n))
		n = NULL;
	if (n && n->up)
		n->hurt |= HEAL_IPV6;
	if (p && p->settled)
		p->hurt |= HEAL_IPV6;
	if ((n && n->up) || (p && p->settled))
		reconcile_later(d);
}

/* --- what has been put right --- */

/* What is said of each, with the link's name in the place of the first %s; "" where it cannot be.
 */
static void describe(unsigned what, const char *link, const struct network *n, const struct port *p,
		     uint32_t mtu, char *ret, size_t size)
{
	char text[IP4_PREFIX_TEXT_SIZE];

	switch (what) {
	case HEAL_DELETED:
		snprintf(ret, size, "bridge %s was deleted", link);
		break;
	case HEAL_DOWN:
		snprintf(ret, size, "interface %s was set %s", link,
			 p && p->unplugged ? "up" : "down");
		break;
	case HEAL_OUT:
		snprintf(ret, size, "interface %s was taken out of bridge %s", link, n->bridge);
		break;
	case HEAL_MTU:
		snprintf(ret, size, "the MTU of %s was changed to %u", link, mtu);
		break;
	case HEAL_ADDRESS:
		snprintf(ret, size, "address %s was removed from %s",
			 ip4_prefix_text(n->subnet, text), link);
		break;
	case HEAL_FORWARDING:
		snprintf(ret, size, "forwarding of %s was switched %s", link,
			 !n || n->forwards ? "off" : "on");
		break;
	case HEAL_ISOLATION:
		snprintf(ret, size, "isolation of interface %s was switched %s", link,
			 n->isolates ? "off" : "on");
		break;
	case HEAL_IPV6:
		snprintf(ret, size, "IPv6 was switched on for %s", link);
		break;
	case HEAL_MAC:
		snprintf(ret, size, "the MAC address of interface %s was changed", link);
		break;
	case HEAL_RATE:
		snprintf(ret, size, "the rate of interface %s was set free", link);
		break;
	default:
		ret[0] = 0;
	}
}

/* One event for each bit of the mask. n: NULL for an uplink; p: NULL for what is no port. */
static unsigned tell(struct daemon *d, unsigned hurt, const struct network *n, const struct port *p,
		     const char *link, uint32_t mtu)
{
	unsigned told = 0, held_back;
	char text[128], more[48];

	for (unsigned what = HEAL_DELETED; what < HEAL_NOT_YET; what <<= 1) {
		struct event *e;

		if (!(hurt & what))
			continue;
		d->heal.healed++;
		told++;
		if (!log_allow(&d->heal.told, loop_now(d->loop), &held_back))
			continue;
		describe(what, link, n, p, mtu, text, sizeof(text));
		more[0] = 0;
		if (held_back)
			snprintf(more, sizeof(more), " (%u more like this)", held_back);
		e = p ? event_add_port(d, EVENT_HEALED, p) : event_add(d, EVENT_HEALED);
		if (n)
			memcpy(e->network, n->config->name, sizeof(e->network));
		snprintf(e->ifname, sizeof(e->ifname), "%s", link);
		snprintf(e->detail, sizeof(e->detail), "%s%s", text, more);
		log_warning("%s%s; it has been put right", text, more);
	}
	return told;
}

static unsigned tell_ports(struct daemon *d)
{
	unsigned told = 0;
	struct port *p;

	for (uint32_t at = 0; (p = port_next(d, &at));) {
		const struct network *n = &d->network[p->network];

		if (p->hurt & HEAL_NOT_YET || !n->up) {
			d->heal.waits = d->heal.waits || p->hurt;
			p->hurt &= ~(unsigned)HEAL_NOT_YET;
			continue;
		}
		if (p->hurt && p->ifindex)
			told += tell(d, p->hurt, n, p, p->ifname, mtu_of(d, p->ifindex));
		p->hurt = 0;
	}
	return told;
}

static unsigned tell_networks(struct daemon *d)
{
	unsigned told = 0;

	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++) {
		struct network *n = &d->network[i];

		if (!n->used || !n->up)
			continue;
		if (n->hurt)
			told += tell(d, n->hurt, n, NULL, n->bridge, mtu_of(d, n->bridge_index));
		n->hurt = 0;
	}
	return told;
}

/* One that is left where somebody put it is theirs: nothing has been put right. One that waits for
 * the state to say how it was is still to be. */
static unsigned tell_joined(struct daemon *d)
{
	unsigned told = 0;

	for (unsigned i = 0; i < d->joins; i++) {
		struct joined *j = &d->joined[i];

		if (!j->used || !j->hurt)
			continue;
		if (j->in_bridge)
			told += tell(d, j->hurt, &d->network[j->network], NULL, j->name, 0);
		if (j->in_bridge || j->why_not.text[0])
			j->hurt = 0;
	}
	return told;
}

/* And which of them forward now, to be looked at the next time. */
static unsigned tell_uplinks(struct daemon *d)
{
	struct heal *h = &d->heal;
	unsigned told = 0;

	for (unsigned i = 0; i < h->uplinks; i++)
		if (h->uplink[i].hurt && forwards(d, h->uplink[i].name, false))
			told += tell(d, HEAL_FORWARDING, NULL, NULL, h->uplink[i].name, 0);
	h->uplinks = 0;
	for (unsigned i = 0; i < d->uplinks; i++) {
		if (!forwards(d, d->uplink[i].name, false))
			continue;
		memcpy(h->uplink[h->uplinks].name, d->uplink[i].name, LINK_NAME_SIZE);
		h->uplink[h->uplinks++].hurt = false;
	}
	return told;
}

void heal_took(struct daemon *d)
{
	d->heal.healed++;
	rate_take(&d->heal.host, loop_now(d->loop));
}

void heal_tell(struct daemon *d)
{
	d->heal.waits = false;
	if (tell_networks(d) + tell_ports(d) + tell_joined(d) + tell_uplinks(d))
		rate_take(&d->heal.host, loop_now(d->loop));
	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++)
		if (d->network[i].used)
			d->network[i].isolates = d->network[i].config->isolate;
}

bool heal_waits(const struct daemon *d)
{
	return d->heal.waits;
}

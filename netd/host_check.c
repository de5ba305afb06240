/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's own settings that break guests' traffic. They are not netd's, so they are explained
 * and left alone. Called by reconcile.c after each run, when a route comes or goes, and every
 * LOOK_NS, since the kernel tells nobody of most sysctls.
 *
 * A finding that is worth no more than a note is told by an event, and is no warning of the status.
 */
#include "host_check.h"
#include "base/cleanup.h"
#include "base/container.h"
#include "daemon.h"

#define LOOK_NS (10 * NS_PER_S)
#define SOON_NS (NS_PER_S / 100)

/* --- judging --- */

#define SAY(to, ...) snprintf(to, sizeof(to), __VA_ARGS__)

static void judge_forwarding(const struct host_settings *s, struct findings *f)
{
	for (unsigned i = 0; i < s->stills; i++) {
		struct finding *one = findings_add(f, FINDING_BREAKS, s->still[i].network);

		SAY(one->what,
		    "bridge %s does not forward: guests of network %s reach nothing beyond it",
		    s->still[i].bridge, s->still[i].network);
		SAY(one->why, "net.ipv4.conf.%s.forwarding is 0", s->still[i].bridge);
		SAY(one->command, "sysctl net.ipv4.conf.%s.forwarding=1", s->still[i].bridge);
	}
	for (unsigned i = 0; i < s->uplinks; i++) {
		const char *name = s->uplink[i].name;
		struct finding *one;

		if (!s->uplink[i].still)
			continue;
		one = findings_add(f, FINDING_BREAKS, "");
		SAY(one->what, "uplink %s does not forward: no answer gets to guests by it", name);
		SAY(one->why, "net.ipv4.conf.%s.forwarding is 0", name);
		SAY(one->command, "sysctl net.ipv4.conf.%s.forwarding=1", name);
	}
}

/* net/bridge/br_netfilter_hooks.c */
static void judge_bridge_nf(const struct host_settings *s, struct findings *f)
{
	const char *ip = s->nf_call_ip ? " net.bridge.bridge-nf-call-iptables" : "",
		   *ip6 = s->nf_call_ip6 ? " net.bridge.bridge-nf-call-ip6tables" : "",
		   *arp = s->nf_call_arp ? " net.bridge.bridge-nf-call-arptables" : "";
	struct finding *one;

	if (!s->bridges || (!s->nf_call_ip && !s->nf_call_ip6 && !s->nf_call_arp))
		return;
	one = findings_add(f, FINDING_NOTE, "");
	SAY(one->what, "frames between guests of one bridge pass the host's own firewall");
	SAY(one->why,
	    "br_netfilter is there, and 1 is the value of%s%s%s; netd's rules let such frames pass, "
	    "those of others might drop them in chain FORWARD",
	    ip, ip6, arp);
	SAY(one->command, "sysctl%s%s%s%s%s%s", ip, *ip ? "=0" : "", ip6, *ip6 ? "=0" : "", arp,
	    *arp ? "=0" : "");
}

/* The larger of the two counts; 1: the way back has to be the same (RFC 3704 2.2,
 * Documentation/networking/ip-sysctl.rst). */
static void judge_rp_filter(const struct host_settings *s, struct findings *f)
{
	for (unsigned i = 0; i < s->uplinks && s->uplinks > 1; i++) {
		const struct host_uplink *u = &s->uplink[i];
		struct finding *one;

		if ((u->rp_filter > s->rp_filter ? u->rp_filter : s->rp_filter) != 1)
			continue;
		one = findings_add(f, FINDING_NOTE, "");
		SAY(one->what,
		    "what comes by %s and would be answered by another uplink is dropped", u->name);
		SAY(one->why, "the host has %u uplinks, and rp_filter of %s is strict", s->uplinks,
		    u->name);
		SAY(one->command, "sysctl net.ipv4.conf.%s.rp_filter=2", u->name);
	}
}

/* A router ignores router advertisements unless accept_ra is 2, and forgets the default routes that
 * it has by them (net/ipv6/addrconf.c, addrconf_fixup_forwarding). */
static void judge_accept_ra(const struct host_settings *s, struct findings *f)
{
	for (unsigned i = 0; i < s->uplinks; i++) {
		const struct host_uplink *u = &s->uplink[i];
		struct finding *one;

		if (!u->ipv6_autoconf || !u->ipv6_forwarding || u->accept_ra != 1)
			continue;
		one = findings_add(f, FINDING_MAY, "");
		SAY(one->what,
		    "the host has no IPv6 default route by %s any more, or is to lose it", u->name);
		SAY(one->why,
		    "somebody has switched IPv6 forwarding on, and then router advertisements are "
		    "ignored where accept_ra is 1; netd has no need of it");
		SAY(one->command, "sysctl net.ipv6.conf.%s.accept_ra=2", u->name);
	}
}

static void judge_overlap(const struct host_overlap *o, struct findings *f)
{
	char dst[IP4_PREFIX_TEXT_SIZE], net[IP4_PREFIX_TEXT_SIZE], gateway[IP4_TEXT_SIZE];
	struct ip4_prefix subnet = { .addr = ip4_network(o->subnet), .len = o->subnet.len };
	bool hides = o->dst.len > o->subnet.len;
	struct finding *one = findings_add(f, hides ? FINDING_BREAKS : FINDING_MAY, o->network);
	char route[80];

	SAY(route, "%s%s%s%s%s", ip4_prefix_text(o->dst, dst), o->gateway ? " via " : "",
	    o->gateway ? ip4_text(o->gateway, gateway) : "", o->link[0] ? " dev " : "", o->link);
	SAY(one->what, "route %s overlaps subnet %s of network %s", route,
	    ip4_prefix_text(subnet, net), o->network);
	if (hides)
		SAY(one->why, "what is for guests with addresses in %s goes there instead", dst);
	else if (o->dst.len == o->subnet.len)
		SAY(one->why, "which of the two ways is taken depends on their metrics");
	else
		SAY(one->why,
		    "what is there with addresses in %s is not reached: the network has them", net);
	SAY(one->command, "ip route del %s", route);
}

unsigned host_judge(const struct host_settings *s, struct finding *at, unsigned max)
{
	struct findings f = { .at = at, .max = max };

	if (!max)
		return 0;
	judge_forwarding(s, &f);
	for (unsigned i = 0; i < s->overlaps; i++)
		judge_overlap(&s->overlap[i], &f);
	judge_accept_ra(s, &f);
	judge_bridge_nf(s, &f);
	judge_rp_filter(s, &f);
	return f.n;
}

/* --- reading --- */

/* 0 where it cannot be read, too: there is nothing to be said then. */
static int sysctl(struct daemon *d, const char *directory, const char *file)
{
	char path[96];
	int value;

	snprintf(path, sizeof(path), "%s/%s", directory, file);
	return d->host->ops->sysctl_read(d->host, path, &value, NULL) ? 0 : value;
}

static bool forwards(struct daemon *d, const char *link)
{
	bool on;

	return d->host->ops->forwarding_get(d->host, link, &on, NULL) || on;
}

static bool read_networks(struct daemon *d, struct host_settings *s)
{
	bool any = false;

	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++) {
		const struct network *n = &d->network[i];

		if (!n->used || !n->up)
			continue;
		s->bridges = true;
		any = any || n->forwards;
		if (!n->forwards || s->stills == HOST_STILL_MAX || forwards(d, n->bridge))
			continue;
		memcpy(s->still[s->stills].network, n->config->name, NAME_SIZE);
		memcpy(s->still[s->stills++].bridge, n->bridge, LINK_NAME_SIZE);
	}
	return any;
}

static void read_uplink(struct daemon *d, const struct uplink *from, bool needed,
			struct host_uplink *to)
{
	char ipv4[32], ipv6[32];
	bool autoconf;

	memcpy(to->name, from->name, sizeof(to->name));
	to->still = needed && !forwards(d, from->name);
	SAY(ipv4, "ipv4/conf/%s", from->name);
	SAY(ipv6, "ipv6/conf/%s", from->name);
	to->rp_filter = sysctl(d, ipv4, "rp_filter");
	to->ipv6_forwarding = sysctl(d, ipv6, "forwarding");
	to->accept_ra = sysctl(d, ipv6, "accept_ra");
	to->ipv6_autoconf = to->ipv6_forwarding &&
			    !d->host->ops->ipv6_autoconf(d->host, from->name, &autoconf, NULL) &&
			    autoconf;
}

/* A default route, or the halves of one that VPNs make, leads to what no other route knows. */
static const struct network *overlapped(const struct daemon *d, const struct rtnl_route *route)
{
	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX && route->dst.len > 1; i++) {
		const struct network *n = &d->network[i];

		/* Guests of a LAN are where the host is, too. */
		if (n->used && n->up && !bridge_mode_lan(n->config->mode) &&
		    route->index != n->bridge_index && ip4_overlap(route->dst, n->subnet))
			return n;
	}
	return NULL;
}

static int collect_overlap(void *arg, const struct rtnl_route *route)
{
	struct daemon *d = arg;
	struct host_look *l = &d->look;
	const struct network *n = overlapped(d, route);
	const struct seen_link *link = link_find(d, route->index);
	struct host_overlap *o;

	if (!n || l->overlaps == HOST_OVERLAPS_MAX)
		return 0;
	o = &l->overlap[l->overlaps++];
	*o = (struct host_overlap){ .subnet = n->subnet,
				    .dst = route->dst,
				    .gateway = route->gateway };
	memcpy(o->network, n->config->name, sizeof(o->network));
	if (link)
		memcpy(o->link, link->name, sizeof(o->link));
	return 0;
}

/* A host can have a million routes, so they are listed only when they can be others. */
static void read_overlaps(struct daemon *d)
{
	struct host_look *l = &d->look;

	/* The kernel does not tell of routes that go with their link. */
	if (!l->routes_changed && !l->overlaps)
		return;
	l->overlaps = 0;
	l->routes_changed = d->host->ops->route_list(d->host, collect_overlap, d, NULL) != 0;
}

unsigned host_check(struct daemon *d, struct finding *at, unsigned max)
{
	struct host_settings s = { 0 };
	bool needed = read_networks(d, &s);

	s.nf_call_ip = sysctl(d, "bridge", "bridge-nf-call-iptables");
	s.nf_call_ip6 = sysctl(d, "bridge", "bridge-nf-call-ip6tables");
	s.nf_call_arp = sysctl(d, "bridge", "bridge-nf-call-arptables");
	s.rp_filter = sysctl(d, "ipv4/conf/all", "rp_filter");
	for (unsigned i = 0; i < d->uplinks && i < HOST_UPLINKS_MAX; i++)
		read_uplink(d, &d->uplink[i], needed, &s.uplink[s.uplinks++]);
	read_overlaps(d);
	memcpy(s.overlap, d->look.overlap, sizeof(s.overlap));
	s.overlaps = d->look.overlaps;
	return host_judge(&s, at, max);
}

/* --- telling --- */

static bool same(const struct finding *a, const struct finding *b)
{
	return !strcmp(a->what, b->what) && !strcmp(a->why, b->why);
}

static bool is_among(const struct finding *one, const struct finding *at, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (same(one, &at[i]))
			return true;
	return false;
}

/* What is held back is still a finding. */
static void tell(struct daemon *d, const struct finding *one)
{
	unsigned held_back;
	struct event *e;

	/* A note of what was there before netd is nothing that happens. */
	if (one->severity == FINDING_NOTE && !d->look.before) {
		log_notice("%s: %s; %s mends it", one->what, one->why, one->command);
		return;
	}
	if (!log_allow(&d->heal.told, loop_now(d->loop), &held_back))
		return;
	e = event_add(d, EVENT_HOST_SETTING);
	memcpy(e->network, one->network, sizeof(e->network));
	snprintf(e->detail, sizeof(e->detail), "%s; %s mends it", one->what, one->command);
	log_line(one->severity > FINDING_NOTE ? LOG_WARNING : LOG_NOTICE, "%s: %s; %s mends it",
		 one->what, one->why, one->command);
}

static void look_again(struct loop_timer *t)
{
	host_look(CONTAINER_OF(t, struct daemon, look.timer));
}

static void look_at(struct daemon *d, int64_t at)
{
	if (loop_timer_set(d->loop, &d->look.timer, at, look_again))
		log_error("out of memory: the host's settings are not looked at");
}

void host_look(struct daemon *d)
{
	struct finding now[HOST_FINDINGS_MAX];
	struct host_look *l = &d->look;
	unsigned n = host_check(d, now, HOST_FINDINGS_MAX);

	for (unsigned i = 0; i < n; i++)
		if (!is_among(&now[i], l->found, l->n))
			tell(d, &now[i]);
	for (unsigned i = 0; i < l->n; i++)
		if (!is_among(&l->found[i], now, n))
			log_notice("%s: that is so no more", l->found[i].what);
	memcpy(l->found, now, n * sizeof(now[0]));
	l->n = n;
	l->before = true;
	look_at(d, loop_now(d->loop) + LOOK_NS);
}

void host_route(struct daemon *d, const struct rtnl_route *route)
{
	int64_t soon = loop_now(d->loop) + SOON_NS;

	if (!overlapped(d, route))
		return;
	d->look.routes_changed = true;
	if (!d->look.timer.loop || d->look.timer.node.key > soon)
		look_at(d, soon);
}

void host_look_done(struct host_look *l)
{
	loop_timer_cancel(&l->timer);
}

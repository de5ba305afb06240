/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Desired state against observed state. One run lists what the host has, adopts what bears our
 * mark, brings every network up, puts ports right, and replaces the rules if they are not what they
 * should be. It is what happens at start, on reload, and whenever the kernel says something that is
 * not as it should be; doing it once too often does no harm.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/container.h"
#include "daemon.h"

/* Several surprises in a row, such as a deleted bridge's ports, are one. */
#define SETTLE_NS (NS_PER_S / 100)
#define RETRY_NS (10 * NS_PER_S)

/* --- listing --- */

struct survey {
	struct daemon *d;
	struct rtnl_link *link; /* those with our mark, or with the name of a bridge of ours */
	size_t links, cap;
};

static struct network *network_by_bridge_name(struct daemon *d, const char *name)
{
	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++)
		if (d->network[i].used && !strcmp(d->network[i].bridge, name))
			return &d->network[i];
	return NULL;
}

/*
 * The bridge of a network that was being made at run time when netd was killed, before it had its
 * mark, and which is not in the state. Its MAC is that of the name, and nobody else can know it.
 */
static bool is_left_over(struct daemon *d, const struct rtnl_link *link)
{
	struct network n = { 0 };

	if (strncmp(link->name, "nd-", 3) || network_by_bridge_name(d, link->name))
		return false;
	n.bridge_mac = allocate_bridge_mac(d, link->name + 3);
	return network_is_unfinished(&n, link);
}

static int survey_link(void *arg, const struct rtnl_link *link)
{
	struct survey *s = arg;
	struct bridge_mark mark;

	link_seen(s->d, link);
	if (!bridge_mark_parse(link->alias, &mark) && !link->unfinished &&
	    !rates_is_ours(s->d, link) && !network_by_bridge_name(s->d, link->name) &&
	    !is_left_over(s->d, link))
		return 0;
	if (s->links == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 64;
		struct rtnl_link *grown = realloc(s->link, cap * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		s->link = grown;
		s->cap = cap;
	}
	s->link[s->links++] = *link;
	return 0;
}

static int survey_addr(void *arg, const struct rtnl_addr *addr)
{
	addr_seen(arg, addr);
	return 0;
}

static int take_survey(struct survey *s, struct err *err)
{
	struct daemon *d = s->d;
	int rc;

	for (uint32_t i = 0; i < d->links.fresh; i++)
		if (slots_live(&d->links, i))
			link_forget(d, d->link[i].index);
	d->addrs = 0;
	rc = d->host->ops->link_list(d->host, survey_link, s, err);
	if (rc == -ENOMEM)
		return err_set(err, ENOMEM, "out of memory");
	return rc ? rc : d->host->ops->addr_list(d->host, survey_addr, d, err);
}

/* --- bridges --- */

static void bridge_gone(struct network *n)
{
	log_warning("network %s: bridge %s is gone; it is made anew", n->config->name, n->bridge);
	n->bridge_index = 0;
	n->up = false;
	n->hurt = HEAL_DELETED;
	err_set(&n->why_not, ENODEV, "bridge %s is gone", n->bridge);
}

/* Ours by its mark: it is the network's bridge. */
static bool take_over_bridge(struct daemon *d, const struct rtnl_link *link)
{
	struct bridge_mark mark;
	struct network *n;

	if (strcmp(link->kind, "bridge") || !bridge_mark_parse(link->alias, &mark) || mark.guest[0])
		return false;
	n = network_find(d, mark.network);
	if (!n)
		return false;
	n->bridge_index = link->index;
	n->bridge_mac = link->mac;
	memcpy(n->bridge, link->name, sizeof(n->bridge));
	return true;
}

static void find_bridges(struct survey *s)
{
	struct daemon *d = s->d;

	lan_find(d);
	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++) {
		struct network *n = &d->network[i];

		if (n->used && n->bridge_index && !link_find(d, n->bridge_index))
			bridge_gone(n);
		n->bridge_foreign = false;
	}
	for (size_t i = 0; i < s->links; i++) {
		const struct rtnl_link *link = &s->link[i];
		struct network *n;

		if (take_over_bridge(d, link))
			continue;
		n = network_by_bridge_name(d, link->name);
		if (n && !lan_is_found(n) && n->bridge_index != link->index &&
		    !network_is_unfinished(n, link))
			n->bridge_foreign = true;
	}
}

/* The bridge of a network that is configured no more goes, unless something is still plugged into
 * it. */
static void remove_stale_bridges(struct survey *s)
{
	for (size_t i = 0; i < s->links; i++) {
		const struct rtnl_link *link = &s->link[i];
		struct bridge_mark mark;
		bool busy = false;
		struct err err;

		if (macvtap_remove_stale(s->d, link))
			continue;
		if (is_left_over(s->d, link))
			snprintf(mark.network, sizeof(mark.network), "%s", link->name + 3);
		else if (strcmp(link->kind, "bridge") || !bridge_mark_parse(link->alias, &mark) ||
			 mark.guest[0] || network_find(s->d, mark.network) ||
			 !link_find(s->d, link->index)) /* it went with its uplink */
			continue;
		for (uint32_t j = 0; j < s->d->links.fresh; j++)
			busy = busy ||
			       (slots_live(&s->d->links, j) && s->d->link[j].master == link->index);
		if (busy)
			log_warning("bridge %s is of network %s, which is not configured; it "
				    "stays, since it has ports",
				    link->name, mark.network);
		else if (s->d->host->ops->link_del(s->d->host, link->index, &err))
			log_warning("bridge %s: %s", link->name, err.text);
		else {
			addrs_forget_link(s->d, link->index);
			log_info("bridge %s is gone: network %s is not configured", link->name,
				 mark.network);
		}
	}
}

/* Why a network is not up, once for each reason. */
static void say_why_not(struct network *n, const struct err *why)
{
	if (strcmp(n->why_not.text, why->text))
		log_error("network %s: %s", n->config->name, why->text);
	n->why_not = *why;
}

static void plan_networks(struct daemon *d)
{
	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++) {
		struct network *n = &d->network[i];
		struct err err;

		if (!n->used || n->pool)
			continue;
		if (network_plan(d, n, &err)) {
			say_why_not(n, &err);
		} else if (network_load(d, n, &err)) {
			say_why_not(n, &err);
			network_forget(d, n);
		}
	}
}

static void bring_up_networks(struct daemon *d)
{
	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++) {
		struct network *n = &d->network[i];
		struct err err;

		if (!n->used || !n->pool)
			continue;
		if (network_bring_up(d, n, &err))
			say_why_not(n, &err);
		else
			n->why_not.text[0] = 0;
	}
}

/* --- ports --- */

/* A running guest whose row was lost with the state: its MAC is the generated or reserved one, if
 * the rest fits. */
static struct port *recover(struct daemon *d, struct network *n, const struct bridge_mark *mark,
			    const struct rtnl_link *link)
{
	struct port p = { .slot = PORT_NONE,
			  .network = n->slot,
			  .nic = mark->nic,
			  .queues = 1,
			  .device = device_of_link(link),
			  .user = link->user,
			  .created = loop_wall(d->loop) };
	struct wish wish = { 0 };
	struct port *found;
	struct refusal r;
	struct mac host_side;
	struct err err;

	memcpy(p.guest, mark->guest, sizeof(p.guest));
	p.ifindex = link->index; /* behind which the bridge may have seen its MAC */
	if (allocate(d, &p, &wish, &r))
		return NULL;
	p.ifindex = 0;
	host_side = network_is_macvtap(n) ? p.mac : mac_host_side(&p.mac);
	if (!mac_equal(&host_side, &link->mac)) {
		/* It was given another by its user. All but the first octet is known; most given
		 * ones begin with 52. */
		p.mac = link->mac;
		if (!network_is_macvtap(n))
			p.mac.octet[0] = 0x52;
		p.mac_given = true;
	}
	found = port_insert(d, &p);
	if (!found)
		return NULL;
	if (port_store(d, found, NULL, &err))
		log_error("port %s/%" PRIu32 ": %s", found->guest, found->nic, err.text);
	log_notice("port %s/%" PRIu32
		   ": the state does not know it; it was recovered from interface %s",
		   found->guest, found->nic, link->name);
	return found;
}

/* The port that a link's mark names; it becomes ours if it was not, and is known to be there. */
static struct port *adopt_port(struct daemon *d, const struct rtnl_link *link)
{
	struct bridge_mark mark;
	struct network *n;
	struct port *p;
	struct err err;

	if (!bridge_mark_parse(link->alias, &mark) || !mark.guest[0])
		return NULL;
	n = network_find(d, mark.network);
	if (!n || !n->pool)
		return NULL;
	p = port_find(d, n->slot, mark.guest, mark.nic);
	if (!p)
		p = recover(d, n, &mark, link);
	if (!p || p->ifindex == link->index)
		return p;
	if (p->ifindex)
		return NULL; /* two links with one mark: the first that was adopted stays */
	port_set_link(d, p, link->index, link->name, PORT_ATTACHED);
	p->within = p->device == PORT_TAP && device_of_link(link) == PORT_VETH;
	reap_begin(d, p, link->carrier);
	event_add_port(d, EVENT_ADOPTED, p);
	/* When the rules are about to be made, it is among their elements. */
	if (d->rules && rules_add_port(d, p, &err))
		log_warning("port %s/%" PRIu32 ": %s", p->guest, p->nic, err.text);
	return p;
}

static void adopt_ports(struct survey *s)
{
	for (size_t i = 0; i < s->links; i++)
		if (!macvtap_is_left(s->d, &s->link[i]) &&
		    (!s->link[i].unfinished || device_finish_left(s->d, &s->link[i])))
			adopt_port(s->d, &s->link[i]);
}

static void put_ports_right(struct survey *s)
{
	struct daemon *d = s->d;

	for (size_t i = 0; i < s->links; i++) {
		const struct rtnl_link *link = &s->link[i];
		struct port *p = port_by_link(d, link->index);
		const struct network *n = p ? &d->network[p->network] : NULL;
		struct err err;

		if (!n || !n->up ||
		    (link->master == n->bridge_index && link->up == !p->unplugged &&
		     link->mtu == n->mtu && link->isolated == n->config->isolate &&
		     port_bears(d, p, &link->mac) && !(p->hurt & HEAL_IPV6)))
			continue;
		if (port_link_up(d, p, NULL, &err)) {
			log_warning("port %s/%" PRIu32 ": %s", p->guest, p->nic, err.text);
			p->hurt |= p->hurt ? HEAL_NOT_YET : 0;
		}
	}
}

static void end_lost_ports(struct daemon *d)
{
	struct port *p;

	for (uint32_t at = 0; (p = port_next(d, &at));)
		if (p->ifindex && !link_find(d, p->ifindex))
			port_gone(d, p);
}

/* --- the whole --- */

/*
 * Rules come before what they guard: forwarding is switched on, and a port joins its bridge, when
 * they stand. Where they cannot be made, a first start ends without having made anything.
 */
static int put_right(struct survey *s, struct err *err)
{
	struct daemon *d = s->d;
	bool force = d->rules == NULL;
	int rc;

	find_bridges(s);
	end_lost_ports(d);
	heal_find(d);
	rc = uplinks_find(d, err);
	if (rc)
		return rc;
	routes_hold(d);
	plan_networks(d);
	routes_drop(d);
	adopt_ports(s);
	rates_find(d, s->link, s->links);
	joined_find(d);
	published_judge(d);
	reflect_look(d);
	rc = uplinks_claim(d, err);
	if (!rc)
		rc = rules_apply(d, force, err);
	if (rc)
		return rc;
	lan_leave(d);
	bring_up_networks(d);
	if (uplinks_forward(d, err))
		log_error("forwarding: %s", err->text);
	vlans_put_right(d);
	put_ports_right(s);
	rates_put_right(d);
	joined_put_right(d);
	remove_stale_bridges(s);
	conflict_configure(d);
	heal_tell(d);
	reap_schedule(d);
	d->look.routes_changed = true;
	host_look(d);
	return 0;
}

static void reconcile_now(struct loop_timer *t);

static void reconcile_in(struct daemon *d, int64_t ns)
{
	if (!d->reconcile.loop &&
	    loop_timer_set(d->loop, &d->reconcile, loop_now(d->loop) + ns, reconcile_now))
		log_error("out of memory: the host is not put right");
}

/* What is in the way of a network may be gone again without a word. */
static void try_again_later(struct daemon *d)
{
	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++)
		if (d->network[i].used && !d->network[i].up)
			reconcile_in(d, RETRY_NS);
	if (joined_waits(d) || heal_waits(d) || published_waits(d) || d->rates_wait)
		reconcile_in(d, RETRY_NS);
}

int reconcile(struct daemon *d, struct err *err)
{
	struct survey s = { .d = d };
	int rc = take_survey(&s, err);

	if (!rc)
		rc = put_right(&s, err);
	free(s.link);
	if (rc)
		reconcile_in(d, RETRY_NS);
	else
		try_again_later(d);
	coexist_later(d); /* bridges and uplinks can be others */
	return rc;
}

static void reconcile_now(struct loop_timer *t)
{
	struct daemon *d = CONTAINER_OF(t, struct daemon, reconcile);
	struct err err;

	if (reconcile(d, &err))
		log_error("%s", err.text);
}

void reconcile_later(struct daemon *d)
{
	int64_t now = loop_now(d->loop), pause = heal_pause(d), at = now + SETTLE_NS;

	if (at < pause)
		at = pause;
	/* Sooner than a retry that waits. */
	if (d->reconcile.loop && d->reconcile.node.key > at)
		loop_timer_cancel(&d->reconcile);
	reconcile_in(d, at - now);
}

/* --- what the kernel says --- */

static bool is_uplink(const struct daemon *d, uint32_t ifindex)
{
	for (unsigned i = 0; i < d->uplinks; i++)
		if (d->uplink[i].index == ifindex)
			return true;
	return false;
}

/* A link that is no port has left a bridge, or joined one; 0: none. */
static void foreign_port(struct daemon *d, uint32_t left, uint32_t joined)
{
	if (network_by_bridge(d, left) || network_by_bridge(d, joined))
		conflict_configure(d);
}

static bool is_plugged(const struct daemon *d, const struct port *p, bool up, uint32_t master,
		       bool isolated)
{
	const struct network *n = &d->network[p->network];

	return up == !p->unplugged && master == n->bridge_index && isolated == n->config->isolate;
}

/* What is told of a device that is being made lags behind; only one that was in order can get out
 * of it. */
static void settle(struct daemon *d, struct port *p, bool plugged)
{
	if (p->settled && !plugged)
		reconcile_later(d);
	if (plugged)
		p->settled = true;
}

/*
 * Who has a TAP open may give it any MAC address (drivers/net/tun.c, SIOCSIFHWADDR), and its bridge
 * then takes what is sent to that address for the host's own, away from the guest whose it is
 * (net/bridge/br_fdb.c, fdb_add_local). Who does it faster than it may be put right is out of the
 * bridge until then.
 */
static void bears_another(struct daemon *d, const struct port *p)
{
	const struct rtnl_change c = { .index = p->ifindex, .leave = true };
	struct err err;

	if (heal_pause(d) && !network_is_macvtap(&d->network[p->network]) &&
	    d->host->ops->link_set(d->host, &c, &err) && p->ifindex)
		log_debug("interface %s: %s", p->ifname, err.text);
	reconcile_later(d);
}

static void on_port(struct daemon *d, const struct rtnl_link *told)
{
	struct port *p = port_by_link(d, told->index);
	const struct seen_link *link = p ? link_find(d, told->index) : NULL;

	if (link)
		settle(d, p, is_plugged(d, p, link->up, link->master, told->isolated));
}

static void on_link(struct daemon *d, const struct rtnl_link *link)
{
	const struct seen_link *before = link_find(d, link->index);
	const struct network *n = network_by_bridge(d, link->index);
	struct port *p = port_by_link(d, link->index);
	bool new_mtu = before && before->mtu != link->mtu, plugged;
	bool new_filter = before && before->filters != link->filters;
	uint32_t left = before ? before->master : 0;

	lan_link(d, link, before);
	link_seen(d, link);
	if (!p && left != link->master)
		foreign_port(d, left, link->master);
	if (n && n->up && (!link->up || link->mtu != n->mtu))
		reconcile_later(d);
	if (n && n->up && new_filter && vlans_bridge_is_wrong(n, link))
		reconcile_later(d);
	plugged = p && is_plugged(d, p, link->up, link->master, link->isolated);
	if (p && p->settled && link->mtu != d->network[p->network].mtu)
		reconcile_later(d);
	if (p && p->settled && !port_bears(d, p, &link->mac))
		bears_another(d, p);
	if (p) {
		settle(d, p, plugged);
		reap_seen(d, p, link->carrier);
	}
	if (joined_is_wrong(d, link) || macvtap_concerns(d, link))
		reconcile_later(d);
	if (new_mtu && mtu_follows(d, link->index))
		reconcile_later(d);
}

static void on_link_gone(struct daemon *d, const struct rtnl_link *link)
{
	struct port *p = port_by_link(d, link->index);
	struct network *n = network_by_bridge(d, link->index);
	const struct seen_link *before = link_find(d, link->index);
	uint32_t left = before ? before->master : 0;

	link_forget(d, link->index);
	if (!p && left)
		foreign_port(d, left, 0);
	if (p)
		port_gone(d, p);
	joined_gone(d, link->index);
	lan_link_gone(d, link->index);
	if (rates_need(d, link))
		reconcile_later(d);
	if (n && !lan_is_found(n))
		bridge_gone(n);
	if (n || is_uplink(d, link->index) || macvtap_lost(d, link->index))
		reconcile_later(d);
}

/* New interfaces tell theirs, too, so this has to be cheap when nothing is wrong. */
static void on_forwarding(struct daemon *d, const struct rtnl_forwarding *f)
{
	const struct network *n = network_by_bridge(d, f->index);

	if (!f->index ? f->on != d->forwards_for_all :
	    n	      ? n->up && n->forwards != f->on && (n->forwards || !d->forwards_for_all) :
			is_uplink(d, f->index) && !f->on)
		reconcile_later(d);
}

static void on_route(struct daemon *d, const struct rtnl_route *route)
{
	if (route->dst.len == 0)
		reconcile_later(d);
	host_route(d, route);
}

/* A guest's MAC that shows up behind another port, or where there is no port of ours. */
static void on_fdb(struct daemon *d, const struct rtnl_neigh *neigh)
{
	const struct network *n = network_by_bridge(d, neigh->bridge);
	struct mac_holder who;

	if (!n || neigh->local)
		return;
	for (unsigned i = 0; mac_index_find(d->macs, &neigh->mac, i, &who); i++) {
		const struct port *p = who.kind == MAC_OF_PORT ? &d->port[who.id] : NULL;
		const struct port *other = port_by_link(d, neigh->index);
		const struct seen_link *link = link_find(d, neigh->index);
		char text[NAME_SIZE + 12];
		unsigned held_back;
		struct event *e;

		if (!p || p->network != n->slot || !p->ifindex || p->ifindex == neigh->index ||
		    !log_allow(&d->conflict_log, loop_now(d->loop), &held_back))
			continue;
		e = event_add_port(d, EVENT_MAC_CONFLICT, p);
		snprintf(e->detail, sizeof(e->detail), "it was seen behind %s (%u more like this)",
			 other ? port_text(other, text) :
			 link  ? link->name :
				 "another port",
			 held_back);
		log_warning("port %s/%" PRIu32 ": its MAC address was seen behind %s", p->guest,
			    p->nic,
			    other ? text :
			    link  ? link->name :
				    "another port");
	}
}

void reconcile_event(void *arg, const struct rtnl_event *e)
{
	struct daemon *d = arg;

	switch (e->kind) {
	case RTNL_LINK:
		on_link(d, &e->link);
		break;
	case RTNL_LINK_GONE:
		on_link_gone(d, &e->link);
		break;
	case RTNL_PORT:
		on_port(d, &e->link);
		break;
	case RTNL_ADDR:
		addr_seen(d, &e->addr);
		lan_address(d, e->addr.index);
		networks_host_address(d, e->addr.prefix.addr);
		break;
	case RTNL_ADDR_GONE:
		addr_forget(d, &e->addr);
		networks_host_address(d, e->addr.prefix.addr);
		if (network_by_bridge(d, e->addr.index) || network_is_host_link(d, e->addr.index))
			reconcile_later(d);
		break;
	case RTNL_ROUTE:
	case RTNL_ROUTE_GONE:
		on_route(d, &e->route);
		break;
	case RTNL_FDB:
		on_fdb(d, &e->neigh);
		break;
	case RTNL_FORWARDING:
		on_forwarding(d, &e->forwarding);
		break;
	case RTNL_QDISC_GONE:
		rates_qdisc_gone(d, &e->qdisc);
		break;
	case RTNL_IPV6:
		heal_ipv6(d, e->link.index);
		lan_address(d, e->link.index);
		break;
	case RTNL_OVERRUN:
		log_notice("the kernel had more to tell than could be read; everything is listed "
			   "again");
		reconcile_later(d);
		break;
	}
}

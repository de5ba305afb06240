/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An uplink joins its network's bridge, and the bridge takes its place on the host: it gets the
 * uplink's MAC, so that the LAN's ARP caches, DHCP bindings and port security go on, its MTU and
 * settings, its addresses, and the routes that lead out by it.
 *
 * The order is such that the host loses nothing, whenever netd ends, and a connection lives on:
 *
 *	1. what the uplink has is on disk (table uplink)
 *	2. the uplink joins the bridge; what comes in by it is the bridge's from here on
 *	3. the bridge gets the addresses, and then the routes, behind the uplink's own
 *	4. the uplink's routes and addresses go: what the kernel flushes with an address
 *	   (net/ipv4/fib_frontend.c, fib_del_ifaddr: routes from it, and by a link that has none)
 *	   is of the uplink alone by now, and the address is still the host's, the bridge's
 *
 * All of it takes a moment, in one turn; a segment that is lost in it is sent again. Every step can
 * be done twice: who finds the row begins anew at 2. The way back is the same with uplink and
 * bridge exchanged, and the uplink leaves before 4.
 *
 * A gateway that answered before the move has to answer after it, or all goes back: nobody may be
 * able to tell the host so, since its own way out may be gone. Both are asked by the kernel's own
 * neighbour discovery, for IPv4 and IPv6 alike, and waited for by a timer. Before a move is settled
 * no guest is attached.
 */
#include <arpa/inet.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/container.h"
#include "daemon.h"

#define ASK_NS (NS_PER_S / 20)	 /* so often is looked for an answer */
#define BEFORE_NS (3 * NS_PER_S) /* so long is waited for one before the move */
enum { PUT_TRIES = 4 };

#define CLEAN_GOODS CLEANUP(rtnl_goods_free)

/* --- the row --- */

struct row {
	const char *link;
	bool found, moving, answered;
	char network[NAME_SIZE];
	struct rtnl_goods had; /* while moving */
};

static void row_done(struct row *row)
{
	rtnl_goods_free(&row->had);
}

#define CLEAN_ROW CLEANUP(row_done)

static int take_row(void *arg, const struct store_uplink *u)
{
	struct row *row = arg;

	if (strcmp(u->link, row->link) != 0)
		return 0;
	row->found = true;
	row->moving = u->moving;
	row->answered = u->answered;
	memcpy(row->network, u->network, sizeof(row->network));
	row->had.data = malloc(u->had_len + 1);
	if (!row->had.data)
		return -ENOMEM;
	memcpy(row->had.data, u->had, u->had_len);
	row->had.len = u->had_len;
	return rtnl_goods_parse(&row->had);
}

static int find_row(struct daemon *d, const char *link, struct row *ret, struct err *err)
{
	int rc;

	*ret = (struct row){ .link = link };
	rc = store_uplink_list(d->store, take_row, ret, err);
	return rc == -EBADMSG && ret->found ?
		       err_set(err, EBADMSG, "what the state has of %s is damaged", link) :
		       rc;
}

static int put_row(struct daemon *d, const struct network *n, const struct rtnl_goods *had,
		   struct ticket *ret, struct err *err)
{
	struct store_uplink u = { .moving = had != NULL,
				  .answered = n->lan.answered,
				  .had = had ? had->data : NULL,
				  .had_len = had ? had->len : 0 };

	memcpy(u.link, n->config->uplink, sizeof(u.link));
	memcpy(u.network, n->config->name, sizeof(u.network));
	return store_uplink_put(d->store, &u, ret, err);
}

/* --- goods --- */

/* Those that have a gateway come when what leads to it does; which of them leads to another's is
 * found by trying. */
static int put_routes(struct daemon *d, const struct rtnl_goods *g, uint32_t to, struct err *err)
{
	int rc = 0;

	for (unsigned i = 0; i < PUT_TRIES; i++) {
		const void *one;

		rc = 0;
		for (size_t at = 0; (one = rtnl_goods_next(g, &at));) {
			int done =
				rtnl_goods_is_behind(one) ?
					d->host->ops->goods_put(d->host, to, one, rc ? NULL : err) :
					0;

			rc = rc ? rc : done;
		}
		if (!rc)
			return 0;
	}
	return rc;
}

static int put_all(struct daemon *d, const struct rtnl_goods *g, uint32_t to, struct err *err)
{
	const void *one;
	int rc = 0;

	for (unsigned route = 0; route < 2; route++)
		for (size_t at = 0; !rc && (one = rtnl_goods_next(g, &at));)
			if (rtnl_goods_is_route(one) == route && !rtnl_goods_is_behind(one))
				rc = d->host->ops->goods_put(d->host, to, one, err);
	return rc ? rc : put_routes(d, g, to, err);
}

/* Routes first, and the last of all first: with the first address of a subnet the kernel takes the
 * others away. */
static int del_all(struct daemon *d, const struct rtnl_goods *g, uint32_t from, struct err *err)
{
	unsigned n = 0, most = g->addrs + g->routes;
	const void **all = calloc(most + 1, sizeof(*all));
	const void *one;
	int rc = 0;

	if (!all)
		return err_set(err, ENOMEM, "out of memory");
	for (size_t at = 0; n < most && (one = rtnl_goods_next(g, &at));)
		all[n++] = one;
	for (unsigned route = 2; route-- > 0;)
		for (unsigned i = n; i-- > 0 && !rc;)
			if (rtnl_goods_is_route(all[i]) == route)
				rc = d->host->ops->goods_del(d->host, from, all[i], err);
	free(all);
	return rc;
}

/* What the bridge has, for when somebody deletes it. */
static void remember(struct daemon *d, struct network *n)
{
	struct rtnl_goods now = { 0 };
	struct err err;

	if (d->host->ops->goods_list(d->host, n->bridge_index, n->bridge, &n->bridge_mac, &now,
				     &err)) {
		log_warning("network %s: %s", n->config->name, err.text);
		return;
	}
	rtnl_goods_free(&n->lan.had);
	n->lan.had = now;
}

/* --- the links --- */

static void saw_master(struct daemon *d, uint32_t index, uint32_t master)
{
	for (uint32_t i = 0; i < d->links.fresh; i++)
		if (slots_live(&d->links, i) && d->link[i].index == index)
			d->link[i].master = master;
}

/* Another link than the uplink is in the bridge. */
static bool is_used(const struct daemon *d, uint32_t bridge, uint32_t uplink)
{
	for (uint32_t i = 0; i < d->links.fresh; i++)
		if (slots_live(&d->links, i) && d->link[i].master == bridge &&
		    d->link[i].index != uplink)
			return true;
	return false;
}

static bool forwards_for_others(struct daemon *d, const char *link)
{
	bool on;

	for (unsigned i = 0; i < d->uplinks; i++)
		if (!strcmp(d->uplink[i].name, link) && d->uplink[i].forwarding_ours)
			return false;
	return !d->host->ops->forwarding_get(d->host, link, &on, NULL) && on;
}

/* The bridge as it has to be to stand for the uplink. */
static int dress_bridge(struct daemon *d, struct network *n, const struct seen_link *link,
			struct err *err)
{
	struct rtnl_change c = {
		.index = n->bridge_index, .mac = &link->mac, .mtu = n->mtu, .up = true
	};
	int rc = d->host->ops->settings_copy(d->host, link->name, n->bridge, err);

	if (!rc && forwards_for_others(d, link->name))
		rc = d->host->ops->forwarding_set(d->host, n->bridge, true, err);
	if (!rc)
		rc = d->host->ops->link_set(d->host, &c, err);
	if (!rc)
		n->bridge_mac = link->mac;
	return rc;
}

static bool is_dressed(const struct daemon *d, const struct network *n,
		       const struct seen_link *link)
{
	const struct seen_link *bridge = link_find(d, n->bridge_index);

	return bridge && bridge->up && bridge->mtu == n->mtu && mac_equal(&bridge->mac, &link->mac);
}

static int enslave(struct daemon *d, const struct network *n, uint32_t index, struct err *err)
{
	struct rtnl_change c = { .index = index, .master = n->bridge_index, .up = true };
	int rc = d->host->ops->link_set(d->host, &c, err);

	if (rc)
		return err_wrap(err, rc, "%s cannot join bridge %s", n->config->uplink, n->bridge);
	saw_master(d, index, n->bridge_index);
	return 0;
}

/* --- the guard: what stations behind the uplink are heard to have, no guest may --- */

static struct nft_port heard(const struct network *n, uint32_t index)
{
	return (struct nft_port){ .ifindex = index, .joined = true, .network = n->slot };
}

static void hear(struct daemon *d, const struct network *n)
{
	const struct nft_port rules = heard(n, n->lan.uplink);
	struct err err;

	if (d->rules && d->host->ops->rules_port_add(d->host, &rules, &err))
		log_warning("network %s: %s", n->config->name, err.text);
}

static void unhear(struct daemon *d, const struct network *n)
{
	const struct nft_port rules = heard(n, n->lan.uplink);
	struct err err;

	if (d->rules && d->host->ops->rules_port_del(d->host, &rules, &err))
		log_warning("network %s: %s", n->config->name, err.text);
}

/* --- back --- */

static uint32_t bridge_of(struct daemon *d, const char *network, char name[LINK_NAME_SIZE])
{
	const struct network *n = network_find(d, network);
	const struct seen_link *bridge;

	bridge_link_name(network, name);
	if (n && n->bridge_index)
		return n->bridge_index;
	bridge = lan_link_by_name(d, name);
	return bridge && bridge->ours ? bridge->index : 0;
}

static int move_back(struct daemon *d, const struct row *row, uint32_t bridge, const char *name,
		     const struct seen_link *link, struct err *err)
{
	CLEAN_GOODS struct rtnl_goods goods = { 0 };
	struct rtnl_change c = { .index = link->index, .leave = true };
	uint32_t master = link->master;
	int rc = d->host->ops->goods_list(d->host, bridge, name, &link->mac, &goods, err);

	if (!rc)
		rc = put_all(d, &goods, link->index, err);
	if (!rc && row->moving)
		rc = put_all(d, &row->had, link->index, err);
	if (!rc && master == bridge)
		rc = d->host->ops->link_set(d->host, &c, err);
	if (!rc && master == bridge)
		saw_master(d, link->index, 0);
	return rc ? rc : del_all(d, &goods, bridge, err);
}

static void tell_back(struct daemon *d, const struct row *row, const char *why)
{
	struct event *e = event_add(d, EVENT_UPLINK_BACK);

	memcpy(e->network, row->network, sizeof(e->network));
	snprintf(e->ifname, sizeof(e->ifname), "%s", row->link);
	snprintf(e->detail, sizeof(e->detail), "%s", why);
	log_notice("network %s: uplink %s is as it was: %s", row->network, row->link, why);
}

int uplink_back(struct daemon *d, const char *network, const char *uplink, const char *why,
		struct err *err)
{
	const struct seen_link *link = lan_link_by_name(d, uplink);
	CLEAN_ROW struct row row = { 0 };
	char name[LINK_NAME_SIZE];
	uint32_t bridge = bridge_of(d, network, name);
	struct network *n = network_find(d, network);
	int rc = find_row(d, uplink, &row, err);

	if (rc || !row.found || strcmp(row.network, network) != 0)
		return rc;
	if (link && bridge)
		rc = move_back(d, &row, bridge, name, link, err);
	else if (link && row.moving)
		rc = put_all(d, &row.had, link->index, err);
	if (!rc)
		rc = store_uplink_del(d->store, uplink, err);
	if (rc)
		return err_wrap(err, rc, "uplink %s cannot be moved back", uplink);
	if (n && n->lan.phase == LAN_MOVED)
		unhear(d, n);
	tell_back(d, &row, why);
	if (bridge && !is_used(d, bridge, link ? link->index : 0)) {
		rc = d->host->ops->link_del(d->host, bridge, err);
		if (rc && rc != -ENODEV)
			log_warning("bridge %s: %s", name, err->text);
		link_forget(d, bridge);
		if (n)
			n->bridge_index = 0;
	}
	return 0;
}

void uplink_reset(struct network *n)
{
	loop_timer_cancel(&n->lan.timer);
	n->lan.phase = LAN_IDLE;
	n->lan.restoring = n->lan.answered = false;
	n->lan.uplink = 0;
}

/* It has gone back, and is not tried again but after a reload or news of the link. */
static void refuse_uplink(struct daemon *d, struct network *n, const char *why)
{
	struct err err;

	if (uplink_back(d, n->config->name, n->config->uplink, why, &err)) {
		log_error("network %s: %s", n->config->name, err.text);
		reconcile_later(d);
		return;
	}
	loop_timer_cancel(&n->lan.timer);
	n->lan.phase = LAN_REFUSED;
	err_set(&n->lan.why, EHOSTUNREACH, "%s", why);
}

/* --- the gateway --- */

static const char *gateway_text(const struct rtnl_gateway *g, char buf[INET6_ADDRSTRLEN])
{
	return inet_ntop(g->family, g->addr, buf, INET6_ADDRSTRLEN);
}

static void due(struct loop_timer *t);

static void look_later(struct daemon *d, struct network *n)
{
	if (loop_timer_set(d->loop, &n->lan.timer, loop_now(d->loop) + ASK_NS, due))
		log_error("out of memory: uplink %s waits for nothing", n->config->uplink);
}

static int begin_to_ask(struct daemon *d, struct network *n, enum lan_phase phase, uint32_t index,
			struct err *err)
{
	bool answered;
	int rc = d->host->ops->gateway_ask(d->host, index, &n->lan.gateway, true, &answered, err);

	if (rc)
		return rc;
	n->lan.phase = phase;
	n->lan.since = loop_now(d->loop);
	look_later(d, n);
	return 0;
}

static void settle(struct daemon *d, struct network *n);
static int note(struct daemon *d, struct network *n, struct err *err);

static void asked(struct daemon *d, struct network *n, bool answered)
{
	char text[INET6_ADDRSTRLEN];
	struct err err;

	n->lan.answered = answered;
	if (!answered)
		log_warning("network %s: gateway %s does not answer by %s as it is; whether it "
			    "does by the bridge is not looked at",
			    n->config->name, gateway_text(&n->lan.gateway, text),
			    n->config->uplink);
	if (!note(d, n, &err))
		return;
	log_error("network %s: %s", n->config->name, err.text);
	n->lan.phase = LAN_IDLE;
	reconcile_later(d);
}

static void due(struct loop_timer *t)
{
	struct network *n = CONTAINER_OF(t, struct network, lan.timer);
	struct daemon *d = n->lan.daemon;
	bool before = n->lan.phase == LAN_ASKING, answered = false;
	int64_t most = n->config->uplink_deadline * NS_PER_S,
		passed = loop_now(d->loop) - n->lan.since;
	char text[INET6_ADDRSTRLEN], why[160];
	struct err err;

	if (!before && n->lan.phase != LAN_CHECKING)
		return;
	if (d->host->ops->gateway_ask(d->host, before ? n->lan.uplink : n->bridge_index,
				      &n->lan.gateway, false, &answered, &err))
		log_debug("network %s: %s", n->config->name, err.text);
	if (before && (answered || passed >= BEFORE_NS)) {
		asked(d, n, answered);
	} else if (!before && answered) {
		settle(d, n);
		reconcile_later(d);
	} else if (!before && passed >= most) {
		snprintf(why, sizeof(why), "gateway %s did not answer by bridge %s in %u s",
			 gateway_text(&n->lan.gateway, text), n->bridge,
			 n->config->uplink_deadline);
		refuse_uplink(d, n, why);
		reconcile_later(d);
	} else {
		look_later(d, n);
	}
}

/* --- before the move --- */

static int unfit(const struct daemon *d, const struct network *n, const struct seen_link *link,
		 struct err *err)
{
	const struct seen_link *master = link->master ? link_find(d, link->master) : NULL;

	if (link->ours)
		return err_set(err, EINVAL, "interface %s is netd's own", link->name);
	if (mac_is_zero(&link->mac))
		return err_set(err, EINVAL, "interface %s is no Ethernet interface", link->name);
	if (link->bridge)
		return err_set(err, EINVAL,
			       "interface %s is a bridge; that is for bridge = %s, without uplink",
			       link->name, link->name);
	if (link->master && link->master != n->bridge_index)
		return err_set(err, EBUSY, "interface %s is in %s already", link->name,
			       master ? master->name : "another");
	if (!link->up)
		return err_set(err, ENETDOWN, "interface %s is down", link->name);
	return 0;
}

static void say_noted(struct daemon *d, struct outbox_item *item)
{
	struct network *n = item->arg;

	if (!n->used || n->lan.phase != LAN_NOTING)
		return;
	n->lan.phase = LAN_NOTED;
	n->lan.restoring = true;
	reconcile_later(d);
}

static void take_back_note(struct daemon *d, struct outbox_item *item)
{
	struct network *n = item->arg;

	(void)d;
	if (n->used && n->lan.phase == LAN_NOTING)
		n->lan.phase = LAN_IDLE;
}

static int note(struct daemon *d, struct network *n, struct err *err)
{
	CLEAN_GOODS struct rtnl_goods goods = { 0 };
	const struct seen_link *link = link_find(d, n->lan.uplink);
	struct outbox_item *item;
	struct ticket ticket;
	int rc;

	if (!link)
		return err_set(err, ENODEV, "there is no interface %s", n->config->uplink);
	rc = d->host->ops->goods_list(d->host, link->index, link->name, &link->mac, &goods, err);

	if (!rc)
		rc = put_row(d, n, &goods, &ticket, err);
	if (rc)
		return rc;
	item = outbox_add(&d->outbox, ticket);
	if (!item)
		return err_set(err, EAGAIN, "there is too much to do at once");
	item->say = say_noted;
	item->take_back = take_back_note;
	item->arg = n;
	n->lan.phase = LAN_NOTING;
	return 0;
}

static int begin(struct daemon *d, struct network *n, const struct seen_link *link, struct err *err)
{
	CLEAN_GOODS struct rtnl_goods goods = { 0 };
	CLEAN_ROW struct row row = { 0 };
	int rc = find_row(d, link->name, &row, err);

	if (rc)
		return rc;
	if (row.found && !strcmp(row.network, n->config->name)) {
		n->lan.restoring = row.moving;
		n->lan.answered = row.answered;
		n->lan.phase = LAN_NOTED;
		return 0;
	}
	if (row.found)
		return err_set(err, EBUSY, "interface %s is still in the bridge of network %s",
			       link->name, row.network);
	rc = unfit(d, n, link, err);
	if (!rc)
		rc = d->host->ops->goods_list(d->host, link->index, link->name, &link->mac, &goods,
					      err);
	if (rc)
		return rc;
	n->lan.gateway = goods.gateway;
	if (!n->config->uplink_deadline || !goods.gateway.family)
		return note(d, n, err);
	return begin_to_ask(d, n, LAN_ASKING, link->index, err);
}

/* --- the move --- */

/* It has been moved for good. */
static void settle(struct daemon *d, struct network *n)
{
	struct event *e;
	struct err err;

	loop_timer_cancel(&n->lan.timer);
	n->lan.phase = LAN_MOVED;
	if (n->lan.restoring && put_row(d, n, NULL, NULL, &err))
		log_error("network %s: %s", n->config->name, err.text);
	hear(d, n);
	remember(d, n);
	if (!n->lan.restoring)
		return;
	n->lan.restoring = false;
	e = event_add(d, EVENT_UPLINK_MOVED);
	memcpy(e->network, n->config->name, sizeof(e->network));
	memcpy(e->ifname, n->config->uplink, sizeof(e->ifname));
	snprintf(e->detail, sizeof(e->detail),
		 "it is in bridge %s, which has its %u addresses and %u routes", n->bridge,
		 n->lan.had.addrs, n->lan.had.routes);
	log_notice("network %s: uplink %s: %s", n->config->name, n->config->uplink, e->detail);
}

/* What a netd that ended in the middle may have left nowhere. */
static int restore(struct daemon *d, const struct network *n, struct err *err)
{
	CLEAN_ROW struct row row = { 0 };
	int rc = find_row(d, n->config->uplink, &row, err);

	return rc || !row.moving ? rc : put_all(d, &row.had, n->bridge_index, err);
}

static int move(struct daemon *d, struct network *n, const struct seen_link *link, bool *ret_undo,
		struct err *err)
{
	CLEAN_GOODS struct rtnl_goods goods = { 0 };
	bool fresh = !n->bridge_index;
	int rc = fresh ? network_make_bridge(d, n, err) : 0;

	*ret_undo = !rc; /* a bridge that was not finished is the next time */
	if (!rc)
		rc = dress_bridge(d, n, link, err);
	if (!rc)
		rc = enslave(d, n, link->index, err);
	if (!rc && n->lan.restoring)
		rc = restore(d, n, err);
	if (!rc && fresh)
		rc = put_all(d, &n->lan.had, n->bridge_index, err);
	if (!rc)
		rc = d->host->ops->goods_list(d->host, link->index, link->name, &link->mac, &goods,
					      err);
	if (!rc)
		rc = put_all(d, &goods, n->bridge_index, err);
	if (rc)
		return rc;
	*ret_undo = false;
	return del_all(d, &goods, link->index, err);
}

/* Of one whose row had to be found, the gateway is that of the routes which are the bridge's now.
 */
static int know_gateway(struct daemon *d, struct network *n, struct err *err)
{
	CLEAN_GOODS struct rtnl_goods goods = { 0 };
	int rc = d->host->ops->goods_list(d->host, n->bridge_index, n->bridge, &n->bridge_mac,
					  &goods, err);

	if (!rc)
		n->lan.gateway = goods.gateway;
	return rc;
}

static int make_move(struct daemon *d, struct network *n, const struct seen_link *link,
		     struct err *err)
{
	bool undo;
	int rc = move(d, n, link, &undo, err);

	if (rc) {
		if (undo && n->lan.restoring)
			refuse_uplink(d, n, err->text);
		return rc;
	}
	if (n->lan.restoring && n->lan.answered && n->config->uplink_deadline) {
		rc = know_gateway(d, n, err);
		if (!rc && n->lan.gateway.family)
			return begin_to_ask(d, n, LAN_CHECKING, n->bridge_index, err);
	}
	if (!rc)
		settle(d, n);
	return rc;
}

/* --- from then on --- */

static void tell_healed(struct daemon *d, const struct network *n, const char *what)
{
	struct event *e;
	unsigned held_back;

	heal_took(d);
	if (!log_allow(&d->heal.told, loop_now(d->loop), &held_back))
		return;
	e = event_add(d, EVENT_HEALED);
	memcpy(e->network, n->config->name, sizeof(e->network));
	memcpy(e->ifname, n->config->uplink, sizeof(e->ifname));
	snprintf(e->detail, sizeof(e->detail), "%s", what);
	log_warning("network %s: %s; it has been put right", n->config->name, what);
}

/* The uplink is in the bridge, and all that it was given meanwhile, by a DHCP client perhaps, is
 * the bridge's. */
static int keep(struct daemon *d, struct network *n, const struct seen_link *link, struct err *err)
{
	CLEAN_GOODS struct rtnl_goods goods = { 0 };
	const struct seen_link *master = link->master ? link_find(d, link->master) : NULL;
	bool out = link->master != n->bridge_index;
	char what[96];
	bool undo;
	int rc = 0;

	if (out && master && master->index != n->bridge_index)
		return err_set(err, EBUSY, "interface %s is in %s", link->name, master->name);
	if (!n->bridge_index || out) {
		snprintf(what, sizeof(what), "interface %s was taken out of bridge %s", link->name,
			 n->bridge);
		rc = move(d, n, link, &undo, err);
		if (!rc)
			tell_healed(d, n, what);
	} else {
		if (!is_dressed(d, n, link))
			rc = dress_bridge(d, n, link, err);
		if (!rc)
			rc = d->host->ops->goods_list(d->host, link->index, link->name, &link->mac,
						      &goods, err);
		if (!rc && goods.len)
			rc = put_all(d, &goods, n->bridge_index, err);
		if (!rc && goods.len)
			rc = del_all(d, &goods, link->index, err);
		if (!rc && goods.len) {
			snprintf(what, sizeof(what),
				 "interface %s got %u addresses and %u routes, which are %s's",
				 link->name, goods.addrs, goods.routes, n->bridge);
			tell_healed(d, n, what);
		}
	}
	if (!rc)
		remember(d, n);
	return rc;
}

int uplink_bring_up(struct daemon *d, struct network *n, const struct seen_link *link,
		    bool *ret_quiet, struct err *err)
{
	/* Rows of the table of links move when a link is made. */
	const struct seen_link now = *link;
	struct lan *l = &n->lan;
	int rc = 0;

	l->daemon = d;
	if (l->uplink != now.index) {
		uplink_reset(n);
		l->uplink = now.index;
	}
	n->mtu = n->config->mtu ? n->config->mtu : now.mtu;
	if (l->phase == LAN_IDLE)
		rc = begin(d, n, &now, err);
	if (!rc && l->phase == LAN_NOTED)
		rc = make_move(d, n, &now, err);
	else if (!rc && l->phase == LAN_MOVED)
		rc = keep(d, n, &now, err);
	if (rc)
		return rc;
	switch (l->phase) {
	case LAN_MOVED:
		return 0;
	case LAN_REFUSED:
		*err = l->why;
		return -EHOSTUNREACH;
	case LAN_IDLE:
	case LAN_ASKING:
	case LAN_NOTING:
	case LAN_NOTED:
	case LAN_CHECKING:
		break;
	}
	*ret_quiet = true;
	return err_set(err, EINPROGRESS, "uplink %s is on its way into bridge %s", now.name,
		       n->bridge);
}

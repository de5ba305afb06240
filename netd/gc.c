/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is left over: links that bear our mark and are of no port, bridges and rows of networks that
 * are configured no more, TAPs that nobody opens, MAC addresses that have rested. Start and reaping
 * remove most of it by themselves, and leave what somebody could still use; this says all of it,
 * and removes what nobody uses. What bears no mark of ours is looked at only where device.c knows
 * it as its own. Called by api_gc.c.
 */
#include "gc.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/cleanup.h"

enum { GC_ITEMS_MAX = 4096 };

const char *gc_kind_text(enum gc_kind kind)
{
	static const char *const texts[] = { [GC_INTERFACE] = "interface",
					     [GC_BRIDGE] = "bridge",
					     [GC_ROWS] = "rows",
					     [GC_MACS] = "macs" };

	return texts[kind];
}

/* --- the judgement --- */

static void name_item(struct gc_item *i, enum gc_kind kind, const struct rtnl_link *link,
		      const char *network)
{
	*i = (struct gc_item){ .kind = kind, .index = link ? link->index : 0 };
	snprintf(i->name, sizeof(i->name), "%s", link ? link->name : "");
	if (link && !strcmp(link->kind, "veth"))
		snprintf(i->alias, sizeof(i->alias), "%s", link->alias);
	snprintf(i->network, sizeof(i->network), "%s", network);
}

static void not_configured(struct gc_item *i)
{
	snprintf(i->why, sizeof(i->why), "network %s is not configured", i->network);
}

static void keep_what_is_used(const struct gc_link *l, struct gc_item *i)
{
	bool veth = !strcmp(l->link->kind, "veth");

	if (l->holder)
		snprintf(i->kept, sizeof(i->kept), "%s has it open", l->holder);
	else if (!veth && (!l->link->persistent || l->link->carrier))
		snprintf(i->kept, sizeof(i->kept), "somebody has it open");
	else if (veth && !l->configured && l->mark.guest[0])
		snprintf(i->kept, sizeof(i->kept), "its other end may be in use");
}

bool gc_judge_link(const struct gc_link *l, struct gc_item *ret)
{
	const struct bridge_mark *m = &l->mark;
	struct gc_item i;

	/* Other kinds are made by other parts, which know what becomes of them. */
	if (strcmp(l->link->kind, "tun") != 0 && strcmp(l->link->kind, "veth") != 0)
		return false;
	name_item(&i, GC_INTERFACE, l->link, m->network);
	if (l->own) {
		if (l->idle < 0 || l->idle < l->grace || l->holder)
			return false;
		snprintf(i.why, sizeof(i.why), "nobody has had it open for %" PRId64 " s", l->idle);
		*ret = i;
		return true;
	}
	if (l->configured && !l->loaded)
		return false;
	if (!m->guest[0])
		snprintf(i.why, sizeof(i.why), "its attach was not finished");
	else if (!l->configured)
		not_configured(&i);
	else if (l->other)
		snprintf(i.why, sizeof(i.why), "port %.63s/%" PRIu32 " has interface %s", m->guest,
			 m->nic, l->other);
	else
		snprintf(i.why, sizeof(i.why), "%s %.63s/%" PRIu32,
			 l->port ? "it is not of port" : "there is no allocation of", m->guest,
			 m->nic);
	keep_what_is_used(l, &i);
	*ret = i;
	return true;
}

bool gc_judge_bridge(const struct gc_bridge *b, struct gc_item *ret)
{
	if (b->configured)
		return false;
	name_item(ret, GC_BRIDGE, b->link, b->network);
	not_configured(ret);
	if (b->port)
		snprintf(ret->kept, sizeof(ret->kept), "%s is in it", b->port);
	return true;
}

bool gc_judge_rows(const struct gc_rows *r, struct gc_item *ret)
{
	if (r->configured)
		return false;
	name_item(ret, GC_ROWS, NULL, r->network);
	snprintf(ret->why, sizeof(ret->why),
		 "network %s is not configured: %" PRIu32 " allocations, %" PRIu32 " leases",
		 r->network, r->allocations, r->leases);
	if (r->port)
		snprintf(ret->kept, sizeof(ret->kept), "%s is still there", r->port);
	return true;
}

/* --- what there is --- */

struct look {
	struct daemon *d;
	struct gc_list *list;
	struct rtnl_link *link; /* those that bear a mark, or are unfinished */
	size_t links, cap;
};

void gc_list_done(struct gc_list *l)
{
	free(l->item);
	*l = (struct gc_list){ 0 };
}

static int add(struct gc_list *l, const struct gc_item *i)
{
	if (l->n == GC_ITEMS_MAX) /* the next call finds the others */
		return 0;
	if (l->n == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 16;
		struct gc_item *grown = realloc(l->item, cap * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		l->item = grown;
		l->cap = cap;
	}
	l->item[l->n++] = *i;
	return 0;
}

static int see_link(void *arg, const struct rtnl_link *link)
{
	struct look *k = arg;
	struct bridge_mark mark;

	if (!bridge_mark_parse(link->alias, &mark) && !device_is_left_over(link))
		return 0;
	if (k->links == k->cap) {
		size_t cap = k->cap ? 2 * k->cap : 64;
		struct rtnl_link *grown = realloc(k->link, cap * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		k->link = grown;
		k->cap = cap;
	}
	k->link[k->links++] = *link;
	return 0;
}

static int judge_link(struct look *k, const struct rtnl_link *link)
{
	struct daemon *d = k->d;
	struct gc_link l = { .link = link, .idle = -1, .grace = d->config->tap_grace };
	const struct network *n;
	const struct port *p = NULL;
	char who[TAP_HOLDER_SIZE];
	struct gc_item item;

	if (!bridge_mark_parse(link->alias, &l.mark))
		l.mark = (struct bridge_mark){ 0 };
	else if (!l.mark.guest[0])
		return 0; /* a bridge's */
	n = network_find(d, l.mark.network);
	l.configured = n != NULL;
	l.loaded = n && n->pool;
	p = n ? port_find(d, n->slot, l.mark.guest, l.mark.nic) : NULL;
	l.port = p != NULL;
	l.own = port_by_link(d, link->index) != NULL;
	if (p && p->ifindex && !l.own)
		l.other = p->ifname;
	if (l.own && p && p->idle_since)
		l.idle = (loop_now(d->loop) - p->idle_since) / NS_PER_S;
	/* To look at every process takes its time. */
	if ((!l.own || (l.idle >= 0 && l.idle >= l.grace)) && !strcmp(link->kind, "tun") &&
	    !d->host->ops->tap_holder(d->host, link->name, who))
		l.holder = who;
	return gc_judge_link(&l, &item) ? add(k->list, &item) : 0;
}

/* A link that stays and that is in this bridge; of no bridge (0): that is of this network. */
static const char *staying_port(const struct look *k, uint32_t bridge, const char *network)
{
	for (uint32_t i = 0; bridge && i < k->d->links.fresh; i++) {
		const struct seen_link *link = &k->d->link[i];
		bool goes = false;

		if (!slots_live(&k->d->links, i) || link->master != bridge)
			continue;
		for (size_t j = 0; j < k->list->n; j++)
			goes = goes ||
			       (k->list->item[j].index == link->index && !k->list->item[j].kept[0]);
		if (!goes)
			return link->name;
	}
	for (size_t j = 0; !bridge && j < k->list->n; j++)
		if (k->list->item[j].kept[0] && !strcmp(k->list->item[j].network, network))
			return k->list->item[j].name;
	return NULL;
}

static int judge_bridge(struct look *k, const struct rtnl_link *link)
{
	struct gc_bridge b = { .link = link };
	struct bridge_mark mark;
	struct gc_item item;

	if (strcmp(link->kind, "bridge") != 0 || !bridge_mark_parse(link->alias, &mark) ||
	    mark.guest[0])
		return 0;
	b.network = mark.network;
	b.configured = network_find(k->d, mark.network) != NULL;
	b.port = staying_port(k, link->index, mark.network);
	return gc_judge_bridge(&b, &item) ? add(k->list, &item) : 0;
}

static int judge_rows(void *arg, const struct store_rows *rows)
{
	struct look *k = arg;
	struct gc_rows r = { .network = rows->network,
			     .configured = network_find(k->d, rows->network) != NULL,
			     .allocations = rows->allocations,
			     .leases = rows->leases,
			     .port = staying_port(k, 0, rows->network) };
	struct gc_item item;

	return gc_judge_rows(&r, &item) ? add(k->list, &item) : 0;
}

static int judge_macs(struct look *k, struct err *err)
{
	struct gc_item item = { .kind = GC_MACS };
	uint32_t n = 0;
	int rc = store_rested_count(k->d->store, loop_wall(k->d->loop), &n, err);

	if (rc || !n)
		return rc;
	snprintf(item.why, sizeof(item.why), "%" PRIu32 " have rested for long enough", n);
	return add(k->list, &item);
}

static int find(struct look *k, struct err *err)
{
	int rc = k->d->host->ops->link_list(k->d->host, see_link, k, err);

	for (size_t i = 0; !rc && i < k->links; i++)
		rc = judge_link(k, &k->link[i]);
	for (size_t i = 0; !rc && i < k->links; i++)
		rc = judge_bridge(k, &k->link[i]);
	if (!rc)
		rc = store_rows_list(k->d->store, judge_rows, k, err);
	if (!rc)
		rc = judge_macs(k, err);
	return rc == -ENOMEM ? err_set(err, ENOMEM, "out of memory") : rc;
}

int gc_find(struct daemon *d, struct gc_list *ret, struct err *err)
{
	struct gc_list list = { 0 };
	struct look k = { .d = d, .list = &list };
	int rc = find(&k, err);

	free(k.link);
	if (rc)
		gc_list_done(&list);
	else
		*ret = list;
	return rc;
}

/* --- away with it --- */

static int remove_stray(struct daemon *d, const struct gc_item *i, struct err *err)
{
	struct rtnl_link link = { .index = i->index };

	snprintf(link.name, sizeof(link.name), "%.*s", (int)sizeof(link.name) - 1, i->name);
	snprintf(link.alias, sizeof(link.alias), "%s", i->alias);
	snprintf(link.kind, sizeof(link.kind), "%s", i->alias[0] ? "veth" : "");
	return device_remove_link(d, &link, err);
}

static int remove_link(struct daemon *d, const struct gc_item *i, struct err *err)
{
	struct port *p = port_by_link(d, i->index);
	int rc;

	if (p)
		return port_reap(d, p, i->why, err);
	if (i->kind == GC_INTERFACE)
		rc = remove_stray(d, i, err);
	else
		rc = d->host->ops->link_del(d->host, i->index, err);
	return rc == -ENODEV ? 0 : rc;
}

static int remove_item(struct daemon *d, const struct gc_item *i, struct ticket *ticket,
		       struct err *err)
{
	switch (i->kind) {
	case GC_INTERFACE:
	case GC_BRIDGE:
		return remove_link(d, i, err);
	case GC_ROWS:
		return store_network_del(d->store, i->network, ticket, err);
	case GC_MACS:
		return store_rested_del(d->store, loop_wall(d->loop), ticket, err);
	}
	return 0;
}

/* Something of its network before it that was to go and did not. */
static const struct gc_item *failed_before(const struct gc_list *l, size_t n)
{
	for (size_t i = 0; i < n && l->item[n].network[0]; i++)
		if (!l->item[i].removed && !strcmp(l->item[i].network, l->item[n].network))
			return &l->item[i];
	return NULL;
}

void gc_remove(struct daemon *d, struct gc_list *l, struct ticket *ret)
{
	for (size_t n = 0; n < l->n; n++) {
		const struct gc_item *before = failed_before(l, n);
		struct gc_item *i = &l->item[n];
		struct err err;

		if (i->kept[0])
			continue;
		if (i->kind != GC_INTERFACE && before)
			err_set(&err, EBUSY, "%s is still there", before->name);
		else
			i->removed = remove_item(d, i, ret, &err) == 0;
		if (!i->removed)
			snprintf(i->kept, sizeof(i->kept), "%.*s", (int)sizeof(i->kept) - 1,
				 err.text);
		else
			log_info("gc: %s %s: removed: %s", gc_kind_text(i->kind),
				 i->name[0] ? i->name : i->network, i->why);
	}
}

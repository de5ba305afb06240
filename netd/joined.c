/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interfaces that exist, such as a container's veth or a NIC, join a network's bridge, and may have
 * their clients' DHCP served.
 *
 * They are not ours: they bear no mark, and all that is done to them is to be put into the bridge
 * and up. That is written down first, with whether they were up, so that they are put back when the
 * configuration has them no more, also after a restart; a reboot puts everything back by itself. An
 * interface that is in another bridge, or has addresses, which would no more work, is left alone
 * until that has changed.
 *
 * Called by reconcile.c, and by serve.c, for which it is a source of packets like a guest's port.
 */
#include <inttypes.h>

#include "daemon.h"

/* --- finding --- */

static struct joined *find_link(struct daemon *d, uint32_t ifindex)
{
	for (unsigned i = 0; i < d->joins; i++)
		if (d->joined[i].used && d->joined[i].ifindex == ifindex)
			return &d->joined[i];
	return NULL;
}

static struct joined *find_name(struct daemon *d, const char *name)
{
	for (unsigned i = 0; i < d->joins; i++)
		if (d->joined[i].used && !strcmp(d->joined[i].name, name))
			return &d->joined[i];
	return NULL;
}

const struct joined *joined_by_link(const struct daemon *d, uint32_t ifindex)
{
	for (unsigned i = 0; i < d->joins; i++)
		if (d->joined[i].served && d->joined[i].ifindex == ifindex)
			return &d->joined[i];
	return NULL;
}

const struct joined *joined_by_number(const struct daemon *d, uint32_t number)
{
	uint32_t i = number - d->ports.cap;

	return number >= d->ports.cap && i < d->joins && d->joined[i].used ? &d->joined[i] : NULL;
}

static const struct seen_link *link_by_name(const struct daemon *d, const char *name)
{
	for (uint32_t i = 0; i < d->links.fresh; i++)
		if (slots_live(&d->links, i) && !strcmp(d->link[i].name, name))
			return &d->link[i];
	return NULL;
}

static const struct network *network_of(const struct daemon *d, const struct joined *j)
{
	return &d->network[j->network];
}

/* --- DHCP --- */

static struct dhcp_port view(const struct joined *j)
{
	return (struct dhcp_port){ .net = j->network,
				   .port = j->number,
				   .trusted = j->config->trusted };
}

static void unserve(struct daemon *d, struct joined *j)
{
	const struct nft_port rules = { .ifindex = j->ifindex, .dhcp = true };
	struct err err;

	if (!j->served)
		return;
	if (d->host->ops->rules_port_del(d->host, &rules, &err))
		log_warning("interface %s: %s", j->name, err.text);
	serve_end_leases(d, network_of(d, j), j->number);
	dhcp_port_del(d->dhcp, j->number);
	j->served = false;
}

/* The rule comes first: no DHCP message is to get into the bridge. */
static int serve(struct daemon *d, struct joined *j, struct err *err)
{
	const struct nft_port rules = { .ifindex = j->ifindex, .dhcp = true };
	struct dhcp_port port = view(j);
	int rc;

	if (j->served || !j->config->serve || !network_of(d, j)->config->dhcp)
		return 0;
	rc = d->host->ops->rules_port_add(d->host, &rules, err);
	if (rc)
		return rc;
	rc = dhcp_port_add(d->dhcp, &port);
	if (rc)
		return err_sys(err, -rc, "its DHCP cannot be served");
	j->served = true;
	return 0;
}

/* --- the guard --- */

static struct nft_port guard_view(const struct joined *j)
{
	return (struct nft_port){ .ifindex = j->ifindex, .joined = true, .network = j->network };
}

static void unhear(struct daemon *d, struct joined *j)
{
	const struct nft_port rules = guard_view(j);
	struct err err;

	if (j->heard && d->host->ops->rules_port_del(d->host, &rules, &err))
		log_warning("interface %s: %s", j->name, err.text);
	j->heard = false;
}

static int hear(struct daemon *d, struct joined *j, struct err *err)
{
	const struct nft_port rules = guard_view(j);
	int rc = j->heard ? 0 : d->host->ops->rules_port_add(d->host, &rules, err);

	j->heard = !rc;
	return rc;
}

/* --- configuration --- */

static void drop(struct daemon *d, struct joined *j)
{
	unhear(d, j);
	unserve(d, j);
	*j = (struct joined){ 0 };
}

static const struct config_port *find_config(const struct network *n, const char *name)
{
	for (unsigned i = 0; n->used && i < n->config->ports; i++)
		if (!strcmp(n->config->port[i].name, name))
			return &n->config->port[i];
	return NULL;
}

/* What stays keeps its number, and with it its clients' leases. */
static void keep_or_drop(struct daemon *d, struct joined *j)
{
	struct network *n = &d->network[j->network];
	struct dhcp_port port;

	j->config = find_config(n, j->name);
	if (!j->config) {
		drop(d, j);
		return;
	}
	if (!j->config->serve || !n->config->dhcp)
		unserve(d, j);
	port = view(j);
	dhcp_port_update(d->dhcp, &port);
}

static void add(struct daemon *d, const struct network *n, const struct config_port *c)
{
	uint32_t i = 0;

	while (i < d->joins && d->joined[i].used)
		i++;
	/* The configuration has no more of them than there is room for. */
	if (i == JOINED_MAX)
		return;
	if (i == d->joins)
		d->joins++;
	d->joined[i] = (struct joined){
		.used = true, .network = n->slot, .number = d->ports.cap + i, .config = c
	};
	memcpy(d->joined[i].name, c->name, sizeof(d->joined[i].name));
}

void joined_configure(struct daemon *d)
{
	for (unsigned i = 0; i < d->joins; i++)
		if (d->joined[i].used)
			keep_or_drop(d, &d->joined[i]);
	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++) {
		const struct network *n = &d->network[i];

		for (unsigned j = 0; n->used && j < n->config->ports; j++)
			if (!find_name(d, n->config->port[j].name))
				add(d, n, &n->config->port[j]);
	}
}

void joined_leave(struct daemon *d, const struct network *n)
{
	for (unsigned i = 0; i < d->joins; i++)
		if (d->joined[i].used && d->joined[i].network == n->slot)
			drop(d, &d->joined[i]);
}

/* --- the host --- */

static void lost(struct daemon *d, struct joined *j)
{
	if (j->in_bridge)
		log_notice("interface %s is gone", j->name);
	unhear(d, j);
	unserve(d, j);
	j->ifindex = 0;
	j->in_bridge = j->noted = false;
}

void joined_gone(struct daemon *d, uint32_t ifindex)
{
	struct joined *j = find_link(d, ifindex);

	if (j)
		lost(d, j);
}

void joined_find(struct daemon *d)
{
	for (unsigned i = 0; i < d->joins; i++) {
		struct joined *j = &d->joined[i];
		const struct seen_link *link = j->used ? link_by_name(d, j->name) : NULL;

		if (!j->used)
			continue;
		if (j->ifindex && (!link || link->index != j->ifindex))
			lost(d, j);
		if (link)
			j->ifindex = link->index;
	}
}

/* Why an interface is to be left as it is. */
static int check(struct daemon *d, const struct joined *j, const struct seen_link *link,
		 struct err *err)
{
	const struct seen_link *master = link->master ? link_find(d, link->master) : NULL;
	char text[IP4_PREFIX_TEXT_SIZE];

	if (!network_of(d, j)->up)
		return err_set(err, ENETDOWN, "the network is not up");
	if (link->ours)
		return err_set(err, EBUSY, "it is netd's own");
	if (link->master && !network_by_bridge(d, link->master))
		return err_set(err, EBUSY, "it is in %s already",
			       master ? master->name : "a bridge");
	for (size_t i = 0; i < d->addrs; i++)
		if (d->addr[i].index == link->index)
			return err_set(err, EBUSY,
				       "it has the address %s, which would not work in a bridge",
				       ip4_prefix_text(d->addr[i].prefix, text));
	return 0;
}

/* How it was is on disk; now it can be changed. */
static void say_noted(struct daemon *d, struct outbox_item *item)
{
	struct joined *j = item->arg;

	j->noted = j->used && j->ifindex;
	reconcile_later(d);
}

static int note(struct daemon *d, struct joined *j, const struct seen_link *link, struct err *err)
{
	struct outbox_item *item;
	struct ticket ticket;
	int rc = store_joined_put(d->store, j->name, link->up, &ticket, err);

	item = rc ? NULL : outbox_add(&d->outbox, ticket);
	if (item) {
		item->say = say_noted;
		item->arg = j;
	}
	return rc;
}

enum { JOIN_LATER = 1 };

static int join(struct daemon *d, struct joined *j, const struct seen_link *link, struct err *err)
{
	const struct network *n = network_of(d, j);
	struct rtnl_change c = { .index = link->index, .master = n->bridge_index, .up = true };
	int rc = check(d, j, link, err);

	if (!rc)
		rc = hear(d, j, err);
	if (!rc)
		rc = serve(d, j, err);
	if (rc || (link->master == n->bridge_index && link->up))
		return rc;
	if (!link->master && !j->noted) {
		rc = note(d, j, link, err);
		return rc ? rc : JOIN_LATER;
	}
	rc = d->host->ops->link_set(d->host, &c, err);
	if (!rc)
		log_info("interface %s joined bridge %s of network %s", j->name, n->bridge,
			 n->config->name);
	return rc;
}

/* --- back --- */

struct leaving {
	struct daemon *d;
	struct {
		char name[LINK_NAME_SIZE];
		bool was_up;
	} at[JOINED_MAX];
	unsigned n;
};

static int note_leaving(void *arg, const char *name, bool was_up)
{
	struct leaving *l = arg;

	if (find_name(l->d, name) || l->n == JOINED_MAX)
		return 0;
	snprintf(l->at[l->n].name, sizeof(l->at[l->n].name), "%s", name);
	l->at[l->n++].was_up = was_up;
	return 0;
}

/* One that somebody put elsewhere meanwhile is theirs. */
static int put_back(struct daemon *d, const char *name, bool was_up, struct err *err)
{
	const struct seen_link *link = link_by_name(d, name);
	struct rtnl_change c = { .index = link ? link->index : 0, .leave = true, .down = !was_up };
	const struct seen_link *master = link && link->master ? link_find(d, link->master) : NULL;
	int rc = 0;

	if (link && (!link->master || (master && master->ours)))
		rc = d->host->ops->link_set(d->host, &c, err);
	if (rc && rc != -ENODEV)
		return rc;
	log_notice("interface %s is as it was: no network has it", name);
	return store_joined_del(d->store, name, err);
}

static void leave(struct daemon *d)
{
	struct leaving l = { .d = d };
	struct err err;

	if (store_joined_list(d->store, note_leaving, &l, &err))
		log_warning("%s", err.text);
	for (unsigned i = 0; i < l.n; i++)
		if (put_back(d, l.at[i].name, l.at[i].was_up, &err))
			log_warning("interface %s: %s", l.at[i].name, err.text);
}

/* --- the whole --- */

void joined_put_right(struct daemon *d)
{
	leave(d);
	for (unsigned i = 0; i < d->joins; i++) {
		struct joined *j = &d->joined[i];
		const struct seen_link *link =
			j->used && j->ifindex ? link_find(d, j->ifindex) : NULL;
		struct err err = { 0 };
		int rc;

		if (!link)
			continue;
		rc = join(d, j, link, &err);
		j->in_bridge = rc == 0;
		if (rc < 0) {
			if (strcmp(j->why_not.text, err.text))
				log_error("interface %s is not in network %s: %s", j->name,
					  network_of(d, j)->config->name, err.text);
			unhear(d, j);
			unserve(d, j);
		}
		j->why_not = err;
	}
}

bool joined_waits(const struct daemon *d)
{
	for (unsigned i = 0; i < d->joins; i++)
		if (d->joined[i].used && d->joined[i].ifindex && !d->joined[i].in_bridge)
			return true;
	return false;
}

bool joined_is_wrong(struct daemon *d, const struct rtnl_link *link)
{
	const struct joined *j = find_name(d, link->name);
	const struct network *n = j ? network_of(d, j) : NULL;

	return n && n->up &&
	       (j->ifindex != link->index || link->master != n->bridge_index || !link->up);
}

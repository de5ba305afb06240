/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Networks of mode bridge: the guests are stations of a LAN, like the host.
 *
 * With `uplink` the bridge is netd's, and an interface of the host joins it (uplink_move.c). With
 * `bridge` it is one that the host has: guests' ports join it and leave it, and nothing else is
 * done to it; when it is not there the network waits for it. Either way the host's addresses,
 * forwarding and firewall on that bridge are its own affair. The LAN has a router and gives
 * addresses, unless the network has a subnet: then netd plans its guests' addresses from `range`,
 * and with dhcp = on tells them itself, at their ports.
 *
 * Called by networks.c and reconcile.c.
 */
#include <inttypes.h>

#include "daemon.h"

bool lan_is(const struct network *n)
{
	return n->used && n->config->mode == BRIDGE_MODE_BRIDGE;
}

bool lan_is_found(const struct network *n)
{
	return lan_is(n) && n->config->bridge[0];
}

static bool has_uplink(const struct network *n)
{
	return lan_is(n) && n->config->uplink[0];
}

bool lan_moves(const struct network *n)
{
	return has_uplink(n) && n->lan.phase >= LAN_ASKING && n->lan.phase <= LAN_CHECKING;
}

const struct seen_link *lan_link_by_name(const struct daemon *d, const char *name)
{
	for (uint32_t i = 0; i < d->links.fresh; i++)
		if (slots_live(&d->links, i) && !strcmp(d->link[i].name, name))
			return &d->link[i];
	return NULL;
}

/* --- a bridge of the host's --- */

static void find_bridge(struct daemon *d, struct network *n)
{
	const struct seen_link *link = lan_link_by_name(d, n->config->bridge);
	uint32_t index = link && link->bridge && !link->ours ? link->index : 0;

	memcpy(n->bridge, n->config->bridge, sizeof(n->bridge));
	if (n->bridge_index && n->bridge_index != index)
		log_notice("network %s: bridge %s is gone", n->config->name, n->bridge);
	n->bridge_index = index;
}

void lan_find(struct daemon *d)
{
	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++)
		if (lan_is_found(&d->network[i]))
			find_bridge(d, &d->network[i]);
}

static int use_bridge(struct daemon *d, struct network *n, struct err *err)
{
	const struct seen_link *link = lan_link_by_name(d, n->config->bridge);

	if (!link)
		return err_set(err, ENODEV, "there is no bridge %s", n->config->bridge);
	if (!link->bridge)
		return err_set(err, EINVAL, "interface %s is no bridge", link->name);
	if (link->ours)
		return err_set(err, EINVAL, "bridge %s is netd's own", link->name);
	if (!link->up)
		return err_set(err, ENETDOWN, "bridge %s is down", link->name);
	n->bridge_index = link->index;
	n->bridge_mac = link->mac;
	n->mtu = link->mtu;
	return 0;
}

/* --- both --- */

int lan_bring_up(struct daemon *d, struct network *n, struct err *err)
{
	const struct seen_link *link;
	bool quiet = false;
	int rc;

	if (lan_is_found(n))
		return use_bridge(d, n, err);
	if (n->bridge_foreign)
		return err_set(err, EEXIST, "interface %s exists and is not netd's", n->bridge);
	link = lan_link_by_name(d, n->config->uplink);
	if (!link) {
		uplink_reset(n);
		return err_set(err, ENODEV, "there is no interface %s", n->config->uplink);
	}
	rc = uplink_bring_up(d, n, link, &quiet, err);
	if (quiet)
		n->why_not = *err; /* it has been said */
	return rc;
}

uint32_t lan_server(const struct daemon *d, const struct network *n)
{
	for (size_t i = 0; i < d->addrs; i++)
		if (d->addr[i].index == n->bridge_index &&
		    ip4_within(n->subnet, d->addr[i].prefix.addr))
			return d->addr[i].prefix.addr;
	return n->subnet.addr;
}

/* --- back --- */

struct row {
	char link[LINK_NAME_SIZE], network[NAME_SIZE];
};

struct rows {
	struct row at[CONFIG_NETWORKS_MAX];
	unsigned n;
};

static int take_row(void *arg, const struct store_uplink *u)
{
	struct rows *rows = arg;

	if (rows->n == CONFIG_NETWORKS_MAX)
		return 0;
	memcpy(rows->at[rows->n].link, u->link, sizeof(u->link));
	memcpy(rows->at[rows->n++].network, u->network, sizeof(u->network));
	return 0;
}

static bool is_wanted(struct daemon *d, const struct row *row)
{
	const struct network *n = network_find(d, row->network);

	return n && has_uplink(n) && !strcmp(n->config->uplink, row->link);
}

/* Guests of a network that is not configured any more still run on its bridge. */
static bool has_guests(const struct daemon *d, const char *network)
{
	char name[LINK_NAME_SIZE];
	const struct seen_link *bridge;

	bridge_link_name(network, name);
	bridge = lan_link_by_name(d, name);
	for (uint32_t i = 0; bridge && i < d->links.fresh; i++)
		if (slots_live(&d->links, i) && d->link[i].master == bridge->index &&
		    d->link[i].ours)
			return true;
	return false;
}

void lan_leave(struct daemon *d)
{
	struct rows rows = { 0 };
	struct err err;

	if (store_uplink_list(d->store, take_row, &rows, &err))
		log_warning("%s", err.text);
	for (unsigned i = 0; i < rows.n; i++)
		if (!is_wanted(d, &rows.at[i]) && !has_guests(d, rows.at[i].network) &&
		    uplink_back(d, rows.at[i].network, rows.at[i].link, "no network has it", &err))
			log_error("network %s: %s", rows.at[i].network, err.text);
}

bool lan_remove(struct daemon *d, struct network *n)
{
	struct err err;
	int rc = 0;

	if (has_uplink(n))
		rc = uplink_back(d, n->config->name, n->config->uplink, "no network has it", &err);
	if (rc)
		log_error("network %s: %s", n->config->name, err.text);
	uplink_reset(n);
	rtnl_goods_free(&n->lan.had);
	return !rc && !lan_is_found(n);
}

void lan_retry(struct daemon *d)
{
	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++)
		if (has_uplink(&d->network[i]) && d->network[i].lan.phase == LAN_REFUSED)
			uplink_reset(&d->network[i]);
}

void lan_stop(struct daemon *d)
{
	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++) {
		struct network *n = &d->network[i];
		struct err err;

		if (!has_uplink(n))
			continue;
		if (n->attached && n->lan.phase == LAN_MOVED)
			log_notice("network %s: uplink %s stays in bridge %s, since guests are "
				   "attached",
				   n->config->name, n->config->uplink, n->bridge);
		else if (uplink_back(d, n->config->name, n->config->uplink, "netd ends", &err))
			log_error("network %s: %s", n->config->name, err.text);
	}
}

void lan_done(struct daemon *d)
{
	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++) {
		loop_timer_cancel(&d->network[i].lan.timer);
		rtnl_goods_free(&d->network[i].lan.had);
	}
}

/* --- what the kernel says --- */

static void uplink_link(struct daemon *d, struct network *n, const struct rtnl_link *link,
			const struct seen_link *before)
{
	struct lan *l = &n->lan;
	bool rises = !before || (link->up && !before->up) || (link->carrier && !before->carrier);

	if (l->phase == LAN_REFUSED && rises)
		uplink_reset(n);
	if (l->uplink != link->index || rises || !before || before->mtu != link->mtu ||
	    (l->phase == LAN_MOVED && link->master != n->bridge_index))
		reconcile_later(d);
}

void lan_link(struct daemon *d, const struct rtnl_link *link, const struct seen_link *before)
{
	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++) {
		struct network *n = &d->network[i];

		if (has_uplink(n) && !strcmp(n->config->uplink, link->name))
			uplink_link(d, n, link, before);
		if (lan_is_found(n) && !strcmp(n->config->bridge, link->name) &&
		    (!n->up || n->bridge_index != link->index))
			reconcile_later(d);
	}
}

void lan_link_gone(struct daemon *d, uint32_t index)
{
	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++)
		if (has_uplink(&d->network[i]) && d->network[i].lan.uplink == index)
			reconcile_later(d);
}

/* One on an uplink is to move; one of the bridge is remembered, no guest's, and maybe the DHCP
 * server's. */
void lan_address(struct daemon *d, uint32_t index)
{
	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++) {
		const struct network *n = &d->network[i];

		if ((has_uplink(n) && n->lan.phase == LAN_MOVED &&
		     (index == n->lan.uplink || index == n->bridge_index)) ||
		    (lan_is_found(n) && index == n->bridge_index))
			reconcile_later(d);
	}
}

/* --- the doctor --- */

void lan_examine(struct daemon *d, const struct network *n, struct findings *f)
{
	const struct seen_link *link = has_uplink(n) ? link_find(d, n->lan.uplink) : NULL;
	struct finding *x;

	if (link && !link->up) {
		x = findings_add(f, FINDING_BREAKS, n->config->name);
		snprintf(x->what, sizeof(x->what), "uplink %s is down", link->name);
		snprintf(x->why, sizeof(x->why), "somebody has set it down; it is the host's");
		snprintf(x->command, sizeof(x->command), "ip link set %s up", link->name);
	} else if (link && !link->carrier) {
		x = findings_add(f, FINDING_BREAKS, n->config->name);
		snprintf(x->what, sizeof(x->what), "uplink %s has no carrier", link->name);
	}
	if (n->lan.phase == LAN_MOVED && n->lan.had.leased) {
		x = findings_add(f, FINDING_MAY, n->config->name);
		snprintf(x->what, sizeof(x->what), "an address of the host on %s ends by itself",
			 n->bridge);
		snprintf(x->why, sizeof(x->why),
			 "it is from a DHCP client of %s, which may not know that it was moved; "
			 "what it gives to %s is moved, too",
			 n->config->uplink, n->config->uplink);
		snprintf(x->command, sizeof(x->command), "have the host's DHCP client run on %s",
			 n->bridge);
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Networks of mode macvtap: no bridge, but a macvtap device on the uplink for each port, by which
 * its guest is a station of the uplink's LAN. Called by networks.c, reconcile.c, attach.c, device.c
 * and ports.c where they do for a bridge what is done here.
 *
 * Such a device bears the guest's own MAC, and outlives its descriptors: that nobody has them any
 * more is heard (tap/macvtap.c), and then the device is removed as if its VMM had done it. The host
 * cannot reach guests by its uplink, since the uplink's own frames are not shown to the devices on
 * it (drivers/net/macvlan.c). With `host-access = yes` the host gets a macvlan beside them, named
 * as a bridge would be, which says by ARP what its own address is and nothing else: the LAN would
 * come to believe that the uplink's address has moved there.
 */
#include <inttypes.h>

#include "daemon.h"

bool network_is_macvtap(const struct network *n)
{
	return n->config->mode == BRIDGE_MODE_MACVTAP;
}

uint32_t network_wire(const struct network *n)
{
	return network_is_macvtap(n) ? n->lower : n->bridge_index;
}

bool network_is_host_link(const struct daemon *d, uint32_t ifindex)
{
	for (unsigned i = 0; ifindex && i < CONFIG_NETWORKS_MAX; i++)
		if (d->network[i].used && d->network[i].host_link == ifindex)
			return true;
	return false;
}

static const struct seen_link *find_link(const struct daemon *d, const char *name)
{
	for (uint32_t i = 0; i < d->links.fresh; i++)
		if (slots_live(&d->links, i) && !strcmp(d->link[i].name, name))
			return &d->link[i];
	return NULL;
}

/* --- the host's own device --- */

static void host_link_name(const struct network *n, char ret[LINK_NAME_SIZE])
{
	bridge_link_name(n->config->name, ret);
}

/* The link may be there without its mark, when a netd ended in between. */
static int make_host_link(struct daemon *d, struct network *n, const char *name, struct err *err)
{
	const struct seen_link *link = find_link(d, name);
	struct rtnl_macvlan m = {
		.name = name, .lower = n->lower, .mac = &n->bridge_mac, .mtu = n->mtu
	};
	struct bridge_mark mark = { 0 };
	char alias[LINK_ALIAS_SIZE];
	struct rtnl_change c = { .alias = alias, .mtu = n->mtu, .up = true, .finished = true };
	int rc = 0;

	if (link && !link->ours && (link->up || !mac_equal(&link->mac, &n->bridge_mac)))
		return err_set(err, EEXIST, "interface %s exists and is not netd's", name);
	if (link && link->ours && link->up && link->mtu == n->mtu) {
		n->host_link = link->index;
		return 0;
	}
	c.index = link ? link->index : 0;
	if (!link)
		rc = d->host->ops->macvlan_add(d->host, &m, &c.index, err);
	memcpy(mark.network, n->config->name, sizeof(mark.network));
	bridge_mark_format(&mark, alias);
	if (!rc)
		rc = d->host->ops->ipv6_off(d->host, name, err);
	if (!rc)
		rc = d->host->ops->arp_own(d->host, name, err);
	if (!rc)
		rc = d->host->ops->link_set(d->host, &c, err);
	if (!rc)
		n->host_link = c.index;
	return rc;
}

static bool has_address(const struct daemon *d, uint32_t ifindex, uint32_t address)
{
	for (size_t i = 0; i < d->addrs; i++)
		if (d->addr[i].index == ifindex && d->addr[i].prefix.addr == address)
			return true;
	return false;
}

/* The same as before, or one that is free. It is kept where other networks' subnets are. */
static int choose_host_address(struct daemon *d, struct network *n, struct err *err)
{
	struct port host = { .slot = PORT_NONE, .network = n->slot, .mac = n->bridge_mac };
	struct ip4_prefix kept;
	struct refusal r;
	int rc = store_subnet_get(d->store, n->config->name, &kept, err);

	if (rc && rc != -ENOENT)
		return rc;
	if (!rc && ip4_within(n->subnet, kept.addr) && kept.addr != n->subnet.addr) {
		n->host_address = kept.addr;
		return 0;
	}
	if (allocate_other_address(d, &host, &kept.addr, &r))
		return err_set(err, EADDRNOTAVAIL, "there is no free address for the host");
	kept.len = 32;
	rc = store_subnet_put(d->store, n->config->name, kept, err);
	if (!rc)
		n->host_address = kept.addr;
	return rc;
}

static int route_to(struct daemon *d, const struct port *p, bool add, struct err *err)
{
	const struct network *n = &d->network[p->network];
	struct rtnl_host_route route = { .index = n->host_link,
					 .to = p->address,
					 .from = n->host_address };

	if (!network_is_macvtap(n) || !n->host_link || !n->host_address || !p->address)
		return 0;
	return d->host->ops->host_route(d->host, &route, add, err);
}

static int bring_up_host(struct daemon *d, struct network *n, struct err *err)
{
	struct ip4_prefix own = { .len = 32 };
	char name[LINK_NAME_SIZE];
	struct port *p;
	int rc;

	host_link_name(n, name);
	rc = make_host_link(d, n, name, err);
	if (rc || !n->subnet.len)
		return rc;
	if (!n->host_address)
		rc = choose_host_address(d, n, err);
	own.addr = n->host_address;
	if (!rc && !has_address(d, n->host_link, own.addr))
		rc = d->host->ops->addr_add(d->host, n->host_link, own, err);
	if (!rc)
		network_take(n, own.addr);
	for (uint32_t at = 0; !rc && (p = port_next(d, &at));)
		if (p->network == n->slot && p->ifindex)
			rc = route_to(d, p, true, err);
	return rc;
}

/* One that is configured no more, or whose network is not. */
bool macvtap_remove_stale(struct daemon *d, const struct rtnl_link *link)
{
	struct bridge_mark mark;
	struct network *n;
	struct err err;
	int rc;

	if (strcmp(link->kind, "macvlan") || !bridge_mark_parse(link->alias, &mark) ||
	    mark.guest[0])
		return false;
	n = network_find(d, mark.network);
	if (n && network_is_macvtap(n) && n->config->host_macvlan)
		return true;
	rc = d->host->ops->link_del(d->host, link->index, &err);
	if (rc && rc != -ENODEV)
		log_warning("interface %s: %s", link->name, err.text);
	if (n)
		n->host_link = 0;
	return true;
}

/* --- the network --- */

int macvtap_bring_up(struct daemon *d, struct network *n, struct err *err)
{
	const struct config_network *c = n->config;
	const struct seen_link *lower = find_link(d, c->uplink);
	int rc = 0;

	n->lower = 0;
	n->host_link = 0;
	if (!lower)
		return err_set(err, ENODEV, "its uplink %s is not there", c->uplink);
	if (!lower->up)
		return err_set(err, ENETDOWN, "its uplink %s is down", c->uplink);
	if (lower->master)
		return err_set(err, EBUSY, "its uplink %s is part of another interface", c->uplink);
	if (c->mtu > lower->mtu)
		return err_set(err, ERANGE,
			       "its MTU is larger than that of its uplink %s, %" PRIu32, c->uplink,
			       lower->mtu);
	n->lower = lower->index;
	n->lower_mtu = lower->mtu;
	n->mtu = c->mtu ? c->mtu : lower->mtu;
	if (c->host_macvlan)
		rc = bring_up_host(d, n, err);
	return rc ? rc : network_configure(d, n, err);
}

bool macvtap_concerns(const struct daemon *d, const struct rtnl_link *link)
{
	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++) {
		const struct network *n = &d->network[i];

		if (!n->used || !network_is_macvtap(n) || strcmp(n->config->uplink, link->name))
			continue;
		if (n->up ? !link->up || link->index != n->lower || link->mtu != n->lower_mtu :
			    link->up)
			return true;
	}
	return false;
}

bool macvtap_lost(const struct daemon *d, uint32_t index)
{
	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++) {
		const struct network *n = &d->network[i];

		if (n->used && network_is_macvtap(n) &&
		    (n->lower == index || n->host_link == index))
			return true;
	}
	return false;
}

void macvtap_remove(struct daemon *d, struct network *n)
{
	struct err err;
	int rc = n->host_link ? d->host->ops->link_del(d->host, n->host_link, &err) : 0;

	if (rc && rc != -ENODEV)
		log_warning("network %s: %s", n->config->name, err.text);
	n->host_link = 0;
}

/* --- ports --- */

/* With passthru all that the uplink has is one guest's. */
int macvtap_check(struct daemon *d, const struct network *n, struct refusal *r)
{
	char text[NAME_SIZE + 12], why[sizeof(r->holder)];
	struct port *p;

	for (uint32_t at = 0; (p = port_next(d, &at));) {
		const struct network *other = &d->network[p->network];

		if (!p->ifindex || !network_is_macvtap(other) || other->lower != n->lower ||
		    (n->config->macvtap_mode != RTNL_MACVLAN_PASSTHRU &&
		     other->config->macvtap_mode != RTNL_MACVLAN_PASSTHRU))
			continue;
		snprintf(why, sizeof(why), "guest %s has uplink %s%s", port_text(p, text),
			 n->config->uplink,
			 other->config->macvtap_mode == RTNL_MACVLAN_PASSTHRU ?
				 " for itself (macvtap-mode = passthru)" :
				 ", and macvtap-mode = passthru is for one guest alone");
		return refuse(r, REFUSED_PARAMETER, "network", why);
	}
	return 0;
}

void macvtap_note(const struct network *n, char *ret, size_t size)
{
	char text[IP4_TEXT_SIZE];

	if (!n->config->host_macvlan)
		snprintf(ret, size,
			 "host and guest cannot reach one another on a network of mode macvtap; "
			 "host-access = yes gives the host a macvlan%s",
			 n->config->macvtap_mode == RTNL_MACVLAN_BRIDGE ? "" :
									  " with macvtap-mode = "
									  "bridge");
	else if (n->host_address)
		snprintf(ret, size, "guests reach the host at %s", ip4_text(n->host_address, text));
	else
		snprintf(ret, size,
			 "guests reach the host by its interface nd-%.40s when that has an address",
			 n->config->name);
}

int macvtap_make(struct daemon *d, const struct port *p, const char *ifname, int *fds,
		 uint32_t *ret_ifindex, struct err *err)
{
	const struct network *n = &d->network[p->network];
	struct rtnl_macvlan m = { .name = ifname,
				  .tap = true,
				  .mode = n->config->macvtap_mode,
				  .lower = n->lower,
				  .mac = &p->mac,
				  .mtu = n->mtu };
	int rc = d->host->ops->macvlan_add(d->host, &m, ret_ifindex, err);

	/* The kernel says no more (macvlan_common_newlink). */
	if (rc == -EINVAL)
		err_wrap(err, rc, "is there something on uplink %s that wants it for itself",
			 n->config->uplink);
	if (rc)
		return rc;
	rc = d->host->ops->macvtap_open(d->host, ifname, *ret_ifindex, p->queues, fds, err);
	if (rc && d->host->ops->link_del(d->host, *ret_ifindex, NULL))
		log_error("interface %s could not be removed again", ifname);
	return rc;
}

int macvtap_link_up(struct daemon *d, const struct port *p, const char *altname, struct err *err)
{
	const struct network *n = &d->network[p->network];
	struct bridge_mark mark = { .nic = p->nic };
	char alias[LINK_ALIAS_SIZE];
	struct rtnl_change c = { .index = p->ifindex,
				 .mtu = n->mtu,
				 .mac = &p->mac,
				 .alias = alias,
				 .altname = altname,
				 .up = !p->unplugged,
				 .down = p->unplugged };
	int rc = d->host->ops->ipv6_off(d->host, p->ifname, err);

	memcpy(mark.network, n->config->name, sizeof(mark.network));
	memcpy(mark.guest, p->guest, sizeof(mark.guest));
	bridge_mark_format(&mark, alias);
	if (!rc)
		rc = d->host->ops->link_set(d->host, &c, err);
	return rc ? err_wrap(err, rc, "%s cannot be set up", p->ifname) : 0;
}

int macvtap_finish(struct daemon *d, const struct port *p, struct err *err)
{
	return route_to(d, p, true, err);
}

void macvtap_end(struct daemon *d, const struct port *p)
{
	struct err err;

	if (!network_is_macvtap(&d->network[p->network]) || !p->ifindex)
		return;
	d->host->ops->macvtap_forget(d->host, p->ifindex);
	if (route_to(d, p, false, &err))
		log_warning("port %s/%" PRIu32 ": %s", p->guest, p->nic, err.text);
}

/* --- nobody has it open --- */

static void remove_link(struct daemon *d, uint32_t index, const char *name)
{
	struct err err;
	int rc = d->host->ops->link_del(d->host, index, &err);

	if (rc && rc != -ENODEV)
		log_warning("interface %s: %s", name, err.text);
}

void macvtap_unused(void *arg, uint32_t ifindex)
{
	struct daemon *d = arg;
	struct port *p = port_by_link(d, ifindex);

	if (!p || p->state != PORT_ATTACHED)
		return;
	remove_link(d, ifindex, p->ifname);
	port_gone(d, p);
}

bool macvtap_is_left(struct daemon *d, const struct rtnl_link *link)
{
	struct port *p = port_by_link(d, link->index);
	struct bridge_mark mark;
	bool is_open;
	struct err err;

	if (strcmp(link->kind, "macvtap") || (p && p->state != PORT_ATTACHED))
		return false;
	/* As device.c knows those whose attach was not finished. */
	if (!bridge_mark_parse(link->alias, &mark) &&
	    (!link->unfinished || strncmp(link->name, LINK_PORT_PREFIX, strlen(LINK_PORT_PREFIX))))
		return false;
	if (d->host->ops->macvtap_adopt(d->host, link->name, link->index, &is_open, &err)) {
		if (!p)
			log_warning("interface %s stays: %s", link->name, err.text);
		return false;
	}
	if (is_open)
		return false;
	if (p) {
		macvtap_unused(d, link->index);
	} else {
		remove_link(d, link->index, link->name);
		log_info("interface %s is removed: nobody has it open", link->name);
	}
	return true;
}

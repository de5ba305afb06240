/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is particular to a kind of device. Called by attach.c.
 *
 * A TAP that lives by its descriptors needs nothing of this. Others outlive netd, and so are in a
 * group of their own (LINK_GROUP_UNFINISHED) from when they are made until who asked for them is
 * about to be told: a netd that starts finds those that one left behind which ended in between, and
 * that nobody was told of.
 */
#include <ctype.h>
#include <inttypes.h>

#include "daemon.h"

#define INSIDE_DEFAULT "eth0"

/* As the kernel has it (net/core/dev.c, dev_valid_name), and without '%', of which it would make a
 * number. */
static const char *name_refusal(const char *name)
{
	size_t len = strlen(name);

	if (!len || len >= LINK_NAME_SIZE)
		return "it does not have from 1 to 15 characters";
	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return "it is no name of an interface";
	for (const char *c = name; *c; c++)
		if (!isgraph((unsigned char)*c) || strchr("/:%", *c))
			return "it has characters that no name of an interface has";
	return NULL;
}

int device_refuse(struct refusal *r, const char *parameter, const struct err *err)
{
	char why[sizeof(r->holder)];

	snprintf(why, sizeof(why), "%.*s", (int)sizeof(why) - 1, err->text);
	return refuse(r, REFUSED_PARAMETER, parameter, why);
}

static int check_veth(struct daemon *d, const struct attach_request *q, struct refusal *r)
{
	struct err err;

	if (q->netns < 0)
		return refuse(r, REFUSED_PARAMETER, "networkNamespace",
			      "a veth pair has its other end in one, and none was given");
	if (d->host->ops->netns_check(d->host, q->netns, &err))
		return device_refuse(r, "networkNamespace", &err);
	if (q->queues != 1)
		return refuse(r, REFUSED_PARAMETER, "queues", "a veth pair has none");
	if (q->vhost == VHOST_ON)
		return refuse(r, REFUSED_PARAMETER, "vhost", "a veth pair has none");
	return 0;
}

static int check_tap(struct daemon *d, const struct attach_request *q, struct refusal *r)
{
	struct err err;

	if (q->netns >= 0 && d->host->ops->netns_check(d->host, q->netns, &err))
		return device_refuse(r, "networkNamespace", &err);
	if (q->vhost == VHOST_ON)
		return refuse(r, REFUSED_PARAMETER, "vhost",
			      "who opens a TAP by its name opens vhost-net as well");
	return 0;
}

int device_check(struct daemon *d, const struct network *n, const struct attach_request *q,
		 struct refusal *r)
{
	const char *why = q->interface ? name_refusal(q->interface) : NULL;

	if (why)
		return refuse(r, REFUSED_PARAMETER, "interface", why);
	if (q->bare && (q->device != PORT_DESCRIPTORS || q->queues != 1 ||
			n->config->mode == BRIDGE_MODE_MACVTAP))
		return refuse(r, REFUSED_PARAMETER, "vnetHeader",
			      "only a TAP of one queue that is handed over can be without");
	if (q->device != PORT_DESCRIPTORS && n->config->mode == BRIDGE_MODE_MACVTAP)
		return refuse(r, REFUSED_PARAMETER, "device",
			      "a network of mode macvtap has no bridge for it");
	switch (q->device) {
	case PORT_DESCRIPTORS:
		if (q->interface)
			return refuse(
				r, REFUSED_PARAMETER, "interface",
				"its name is not for choice when descriptors are handed over");
		return 0;
	case PORT_TAP:
		return check_tap(d, q, r);
	case PORT_VETH:
		return check_veth(d, q, r);
	}
	return 0;
}

void device_describe(const struct attach_request *q, struct port *p)
{
	const char *inside = q->interface	    ? q->interface :
			     q->device == PORT_VETH ? INSIDE_DEFAULT :
						      "";

	p->device = q->device;
	p->user = q->device == PORT_TAP ? q->user : 0;
	p->within = q->device == PORT_TAP && q->netns >= 0;
	snprintf(p->inside, sizeof(p->inside), "%s", inside);
}

/* Links in a network namespace that lead to a TAP are called like the port but for this. */
#define INNER_END "nv"
#define INNER_BRIDGE "nb"

const char *device_tap_name(const struct port *p)
{
	return p->within && p->inside[0] ? p->inside : p->ifname;
}

static const char *inner_name(const char *ifname, const char *prefix, char ret[LINK_NAME_SIZE])
{
	snprintf(ret, LINK_NAME_SIZE, "%s%.12s", prefix, ifname + strlen(LINK_PORT_PREFIX));
	return ret;
}

int device_make_veth(struct daemon *d, const struct port *p, const struct attach_request *q,
		     const char *ifname, uint32_t *ret_ifindex, struct err *err)
{
	struct mac host_side = mac_host_side(&p->mac);
	struct rtnl_veth v = { .name = ifname,
			       .netns = q->netns,
			       .inside = p->inside,
			       .mac = &host_side,
			       .inside_mac = &p->mac,
			       .mtu = d->network[p->network].mtu };
	char end[LINK_NAME_SIZE];

	if (p->within) { /* the guest's address is behind it */
		v.inside = inner_name(ifname, INNER_END, end);
		v.inside_mac = &host_side;
	}
	return d->host->ops->veth_add(d->host, &v, ret_ifindex, err);
}

/* It is known to be unfinished before it stays. */
static int persist(struct daemon *d, const struct port *p, int fd, struct err *err)
{
	struct rtnl_change c = { .index = p->ifindex, .unfinished = true };
	int rc = d->host->ops->link_set(d->host, &c, err);

	return rc ? rc : d->host->ops->tap_persist(d->host, fd, p->user, err);
}

static void alias_of(const struct daemon *d, const struct port *p, char ret[LINK_ALIAS_SIZE])
{
	struct bridge_mark mark = { .nic = p->nic };

	memcpy(mark.network, d->network[p->network].config->name, sizeof(mark.network));
	memcpy(mark.guest, p->guest, sizeof(mark.guest));
	bridge_mark_format(&mark, ret);
}

/* The TAP and its way to the pair. It bears its mark before it stays. */
static int finish_within(struct daemon *d, const struct port *p, const struct attach_request *q,
			 struct err *err)
{
	char bridge[LINK_NAME_SIZE], end[LINK_NAME_SIZE], alias[LINK_ALIAS_SIZE];
	struct rtnl_inside_tap t = { .bridge = inner_name(p->ifname, INNER_BRIDGE, bridge),
				     .end = inner_name(p->ifname, INNER_END, end),
				     .tap = device_tap_name(p),
				     .alias = alias,
				     .mtu = d->network[p->network].mtu };
	int fds[TAP_QUEUES_MAX],
		rc = d->host->ops->tap_open_in(d->host, q->netns, t.tap, p->queues, fds, err);

	if (rc)
		return rc;
	alias_of(d, p, alias);
	rc = d->host->ops->inside_join(d->host, q->netns, &t, err);
	if (!rc)
		rc = d->host->ops->tap_persist(d->host, fds[0], p->user, err);
	for (unsigned i = 0; i < p->queues; i++)
		close(fds[i]);
	return rc == -EEXIST ? -EBUSY : rc;
}

int device_finish(struct daemon *d, const struct port *p, const struct attach_request *q,
		  int tap_fd, struct err *err)
{
	const struct network *n = &d->network[p->network];
	struct rtnl_inside inside = { .name = p->inside,
				      .address = { .addr = p->address, .len = n->subnet.len },
				      .gateway = p->address ? network_gateway(d, n) : 0 };

	if (p->within)
		return finish_within(d, p, q, err);
	if (p->device == PORT_TAP)
		return persist(d, p, tap_fd, err);
	if (p->device != PORT_VETH)
		return macvtap_finish(d, p, err);
	return d->host->ops->inside_configure(d->host, q->netns, &inside, err);
}

static int remove_inside(struct daemon *d, uint32_t index, const char *ifname, const char *alias,
			 struct err *err)
{
	char bridge[LINK_NAME_SIZE];

	return d->host->ops->inside_remove(d->host, index, alias,
					   inner_name(ifname, INNER_BRIDGE, bridge), err);
}

int device_remove(struct daemon *d, const struct port *p, struct err *err)
{
	char alias[LINK_ALIAS_SIZE];
	int rc = 0;

	alias_of(d, p, alias);
	/* Of one that was recovered it is not known. */
	if (p->within || (p->device == PORT_VETH && !p->inside[0]))
		rc = remove_inside(d, p->ifindex, p->ifname, alias, err);
	return rc ? rc : d->host->ops->link_del(d->host, p->ifindex, err);
}

int device_remove_link(struct daemon *d, const struct rtnl_link *link, struct err *err)
{
	int rc = 0;

	if (!strcmp(link->kind, "veth") && link->alias[0])
		rc = remove_inside(d, link->index, link->name, link->alias, err);
	return rc ? rc : d->host->ops->link_del(d->host, link->index, err);
}

/* Whether it stays when its descriptors are closed. */
static bool outlives(const struct daemon *d, const struct port *p)
{
	return p->device != PORT_DESCRIPTORS || network_is_macvtap(&d->network[p->network]);
}

void device_undo(struct daemon *d, struct port *p)
{
	struct err err;
	int rc = 0;

	if (!p->ifindex)
		return;
	rules_del_port(d, p);
	macvtap_end(d, p);
	if (outlives(d, p))
		rc = device_remove(d, p, &err);
	if (rc && rc != -ENODEV)
		log_error("port %s/%" PRIu32 ": %s", p->guest, p->nic, err.text);
	port_drop_link(d, p);
}

void device_done(struct daemon *d, const struct port *p)
{
	struct rtnl_change c = { .index = p->ifindex, .finished = true };
	struct err err;

	if (outlives(d, p) && d->host->ops->link_set(d->host, &c, &err))
		log_warning("port %s/%" PRIu32 ": %s", p->guest, p->nic, err.text);
}

enum port_device device_of_link(const struct rtnl_link *link)
{
	return !strcmp(link->kind, "veth") ? PORT_VETH :
	       link->persistent		   ? PORT_TAP :
					     PORT_DESCRIPTORS;
}

/* One that bears a mark, or is what device_make_veth makes. */
bool device_is_left_over(const struct rtnl_link *link)
{
	struct bridge_mark mark;

	if (!link->unfinished)
		return false;
	return bridge_mark_parse(link->alias, &mark) ?
		       mark.guest[0] :
		       !link->alias[0] && !link->master &&
			       (!strcmp(link->kind, "veth") || !strcmp(link->kind, "macvtap")) &&
			       !strncmp(link->name, LINK_PORT_PREFIX, strlen(LINK_PORT_PREFIX));
}

/* Those that are handed over can be open although netd ended. */
static bool may_stay(const struct port *p, const struct rtnl_link *link)
{
	return !strcmp(link->kind, "macvtap") && p->device == PORT_DESCRIPTORS;
}

bool device_finish_left(struct daemon *d, const struct rtnl_link *link)
{
	struct bridge_mark mark = { 0 };
	bool marked = bridge_mark_parse(link->alias, &mark);
	const struct network *n = marked ? network_find(d, mark.network) : NULL;
	const struct port *p = n ? port_find(d, n->slot, mark.guest, mark.nic) : NULL;
	struct rtnl_change finished = { .index = link->index, .finished = true };
	struct err err;
	int rc = 0;

	if (port_by_link(d, link->index))
		return true; /* its attach is under way */
	if (!device_is_left_over(link) || (marked && (!n || !n->pool)))
		return false;
	if (p && !p->ifindex && may_stay(p, link))
		rc = d->host->ops->link_set(d->host, &finished, &err);
	else
		p = NULL;
	if (!p) {
		rc = device_remove_link(d, link, &err);
		log_info("interface %s is removed: its attach was not finished", link->name);
	}
	if (rc && rc != -ENODEV)
		log_warning("interface %s: %s", link->name, err.text);
	return p != NULL;
}

void device_add_holder(struct daemon *d, const struct port *p, char *text, size_t size)
{
	size_t len = strlen(text);
	char who[TAP_HOLDER_SIZE];

	if (p->device == PORT_TAP && !d->host->ops->tap_holder(d->host, device_tap_name(p), who))
		snprintf(text + len, size - len, ", opened by %s", who);
}

static const struct port *port_by_ifname(struct daemon *d, const char *name)
{
	const struct port *p;

	for (uint32_t at = 0; (p = port_next(d, &at));)
		if (p->ifindex && !strcmp(p->ifname, name))
			return p;
	return NULL;
}

int device_refuse_name(struct daemon *d, const struct attach_request *q, struct refusal *r)
{
	const char *name = q->interface;
	const struct port *p = q->netns < 0 ? port_by_ifname(d, name) : NULL;
	char text[NAME_SIZE + 12], who[TAP_HOLDER_SIZE], holder[sizeof(r->holder)];
	size_t len;

	if (p)
		snprintf(holder, sizeof(holder), "port %s of network %s", port_text(p, text),
			 d->network[p->network].config->name);
	else
		snprintf(holder, sizeof(holder), "a device of the %s",
			 q->netns < 0 ? "host" : "network namespace");
	len = strlen(holder);
	if (!d->host->ops->tap_holder(d->host, name, who))
		snprintf(holder + len, sizeof(holder) - len, ", opened by %s", who);
	return refuse(r, REFUSED_INTERFACE, name, holder);
}

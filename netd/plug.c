/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Links that are set down on request, and up again.
 *
 * What is down is the port's device, which the bridge then neither sends to nor takes from
 * (net/bridge/br_stp_if.c, br_stp_disable_port), and a TAP gives its user -EIO for what it writes
 * (drivers/net/tun.c). The other end of a veth pair loses its carrier. A port keeps this with its
 * allocation: it holds for every device that the port gets, and reconcile.c and heal.c take it for
 * how the device is to be.
 */
#include <stdlib.h>

#include "daemon.h"

struct plugging {
	struct daemon *daemon;
	bool up;
	size_t n, cap;
	struct handle *port; /* those whose links are another way now */
};

static int refuse_memory(struct refusal *r)
{
	return refuse(r, REFUSED_SYSTEM, NULL, NULL);
}

static int note(struct plugging *g, const struct port *p, struct refusal *r)
{
	if (g->n == g->cap) {
		size_t cap = g->cap ? 2 * g->cap : 8;
		struct handle *grown = realloc(g->port, cap * sizeof(*grown));

		if (!grown)
			return refuse_memory(r);
		g->port = grown;
		g->cap = cap;
	}
	g->port[g->n++] = slots_handle(&g->daemon->ports, p->slot);
	return 0;
}

/* The device, if there is one, as the port wants it. */
static int set_device(struct daemon *d, const struct port *p, struct err *err)
{
	const struct rtnl_change c = { .index = p->ifindex,
				       .up = !p->unplugged,
				       .down = p->unplugged };
	int rc = p->ifindex ? d->host->ops->link_set(d->host, &c, err) : 0;

	return rc == -ENODEV ? 0 : rc; /* it is gone, and we are about to hear of it */
}

/* The row comes first: what is told is on disk. */
static int set_one(struct plugging *g, struct port *p, struct ticket *ticket, struct refusal *r)
{
	struct daemon *d = g->daemon;
	char text[NAME_SIZE + 12];
	struct err err;
	int rc;

	if (p->unplugged == !g->up)
		return 0;
	if (note(g, p, r))
		return -1;
	p->unplugged = !g->up;
	if (port_store_plug(d, p, ticket, &err)) {
		p->unplugged = g->up;
		g->n--;
		return refuse_err(r, REFUSED_STORAGE, &err);
	}
	rc = set_device(d, p, &err);
	if (!rc)
		return 0;
	err_wrap(&err, rc, "port %s", port_text(p, text));
	return refuse_err(r, REFUSED_SYSTEM, &err);
}

static struct port *nth(const struct plugging *g, size_t i)
{
	uint32_t slot = slots_find(&g->daemon->ports, g->port[i]);

	return slot == SLOT_NONE ? NULL : &g->daemon->port[slot];
}

static void end(struct plugging *g)
{
	free(g->port);
	free(g);
}

/* Back to how they were; `stored`: their rows, too. */
static void take_back(struct plugging *g, bool stored)
{
	struct err err;

	for (size_t i = 0; i < g->n; i++) {
		struct port *p = nth(g, i);

		if (!p || p->unplugged == g->up)
			continue;
		p->unplugged = g->up;
		if ((stored && port_store_plug(g->daemon, p, NULL, &err)) ||
		    set_device(g->daemon, p, &err)) {
			log_error("port %s/%u: %s", p->guest, p->nic, err.text);
			reconcile_later(g->daemon);
		}
	}
}

int port_plug(struct daemon *d, const char *guest, int64_t nic, bool up, struct plugging **ret,
	      struct ticket *ticket, struct refusal *r)
{
	struct plugging *g = calloc(1, sizeof(*g));
	bool found = false;
	struct port *p;
	int rc = 0;

	if (!g)
		return refuse_memory(r);
	*g = (struct plugging){ .daemon = d, .up = up };
	for (uint32_t at = 0; !rc && (p = port_next(d, &at));) {
		if (strcmp(p->guest, guest) || (nic >= 0 && p->nic != nic))
			continue;
		found = true;
		rc = set_one(g, p, ticket, r);
	}
	if (!found)
		rc = port_refuse_no_guest(r, guest, nic);
	if (rc) {
		take_back(g, true);
		end(g);
		return -1;
	}
	*ret = g;
	return 0;
}

void port_plugged(struct plugging *g)
{
	for (size_t i = 0; i < g->n; i++) {
		const struct port *p = nth(g, i);

		if (p)
			event_add_port(g->daemon, g->up ? EVENT_LINK_UP : EVENT_LINK_DOWN, p);
	}
	end(g);
}

void port_unplugged(struct plugging *g)
{
	take_back(g, false);
	end(g);
}

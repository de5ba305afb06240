/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Publish and unpublish at run time, step by step: entry, row, elements, reply. When one fails,
 * those before it are undone, and the same happens when it could not be made durable.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "daemon.h"

static int refuse_guest(struct refusal *r, const struct publish_request *q)
{
	char text[NAME_SIZE + 24];

	if (q->nic < 0)
		return refuse(r, REFUSED_NO_GUEST, q->guest, NULL);
	snprintf(text, sizeof(text), "%.63s/%" PRId64, q->guest, q->nic);
	return refuse(r, REFUSED_NO_GUEST, text, NULL);
}

static struct publish_change *change_new(struct daemon *d, size_t n)
{
	struct publish_change *c = calloc(1, sizeof(*c) + n * sizeof(c->id[0]));

	if (c)
		c->daemon = d;
	return c;
}

static void row_of(const struct daemon *d, const struct published *p, struct store_published *ret)
{
	*ret = (struct store_published){ .nic = p->nic,
					 .protocol = p->port.protocol,
					 .address = p->address,
					 .port = p->port.port,
					 .count = p->port.count,
					 .to = p->port.to };
	memcpy(ret->network, d->network[p->network].config->name, sizeof(ret->network));
	memcpy(ret->guest, p->guest, sizeof(ret->guest));
}

/* --- publish --- */

static bool is_host_address(const struct daemon *d, uint32_t address)
{
	if (address >> 24 == 127)
		return true;
	for (size_t i = 0; i < d->addrs; i++)
		if (d->addr[i].prefix.addr == address)
			return true;
	return false;
}

/* Whether all of the table and these are not too many. */
static bool has_room(const struct daemon *d, const struct publish_request *q)
{
	size_t ports = 0;

	for (size_t i = 0; i < d->publishes.n; i++)
		ports += d->publishes.at[i].port.count;
	for (size_t i = 0; i < q->ports; i++)
		ports += q->port[i].count;
	return ports <= CONFIG_PUBLISHED_MAX && d->publishes.n + q->ports <= CONFIG_PUBLISHES_MAX;
}

static int check_publish(struct daemon *d, const struct publish_request *q, const struct port **ret,
			 struct refusal *r)
{
	const struct port *p = port_by_guest(d, q->guest, q->nic < 0 ? 0 : (uint32_t)q->nic);

	if (!p)
		return refuse_guest(r, q);
	if (d->network[p->network].config->mode == BRIDGE_MODE_ISOLATED)
		return refuse(r, REFUSED_PARAMETER, "guest", "its network is isolated");
	if (!q->ports)
		return refuse(r, REFUSED_PARAMETER, "ports", "there is none");
	if (!has_room(d, q))
		return refuse(r, REFUSED_PARAMETER, "ports", "netd publishes too many then");
	if (q->address && !is_host_address(d, q->address))
		return refuse(r, REFUSED_PARAMETER, "address", "it is not an address of this host");
	*ret = p;
	return 0;
}

/* The entry of one port, which nobody else has. */
static int enter(struct daemon *d, const struct port *p, const struct publish_request *q, size_t at,
		 struct publish_change *c, struct refusal *r)
{
	struct published one = { .network = p->network,
				 .nic = p->nic,
				 .address = q->address,
				 .port = q->port[at],
				 .judged = true };
	struct published_holder holder;
	const struct published *made;
	struct err err;
	char text[16];
	int rc = published_holder(d, q->address, &q->port[at], &holder, &err);

	if (!rc)
		return refuse(r, REFUSED_PORT_IN_USE,
			      published_port_text(&q->port[at], holder.port, text), holder.who);
	if (rc != -ENOENT)
		return refuse_err(r, REFUSED_SYSTEM, &err);
	memcpy(one.guest, p->guest, sizeof(one.guest));
	made = published_add(d, &one);
	if (!made)
		return refuse(r, REFUSED_SYSTEM, NULL, NULL);
	c->id[c->n++] = made->id;
	return 0;
}

static int store_all(struct daemon *d, const struct publish_change *c, struct ticket *ticket,
		     size_t *ret_stored, struct refusal *r)
{
	struct store_published row;
	struct err err;

	for (size_t i = 0; i < c->n; i++) {
		row_of(d, published_find(d, c->id[i]), &row);
		if (store_published_put(d->store, &row, ticket, &err))
			return refuse_err(r, REFUSED_STORAGE, &err);
		*ret_stored = i + 1;
	}
	return 0;
}

/* Entries and elements go; what was stored of it is the caller's. */
static void leave(struct publish_change *c)
{
	for (size_t i = 0; i < c->n; i++) {
		struct published *p = published_find(c->daemon, c->id[i]);

		if (p)
			p->leaving = true;
	}
	published_follow(c->daemon);
	for (size_t i = 0; i < c->n; i++)
		published_remove(c->daemon, c->id[i]);
}

static void unstore(struct daemon *d, const struct publish_change *c, size_t stored)
{
	struct store_published row;
	struct err err;

	for (size_t i = stored; i-- > 0;) {
		row_of(d, published_find(d, c->id[i]), &row);
		if (store_published_del(d->store, &row, NULL, &err))
			log_error("port %s/%" PRIu32 ": %s", row.guest, row.nic, err.text);
	}
}

static int change_all(struct daemon *d, const struct port *p, const struct publish_request *q,
		      struct publish_change *c, struct ticket *ticket, struct refusal *r)
{
	size_t stored = 0;
	struct err err;

	for (size_t i = 0; i < q->ports; i++)
		if (enter(d, p, q, i, c, r))
			goto undo;
	if (store_all(d, c, ticket, &stored, r))
		goto undo;
	if (!published_sync(d, &err))
		return 0;
	refuse_err(r, REFUSED_SYSTEM, &err);
undo:
	unstore(d, c, stored);
	leave(c);
	return -1;
}

int publish(struct daemon *d, const struct publish_request *q, struct publish_change **ret,
	    struct ticket *ticket, struct refusal *r)
{
	struct publish_change *c;
	const struct port *p = NULL;

	if (check_publish(d, q, &p, r))
		return -1;
	c = change_new(d, q->ports);
	if (!c)
		return refuse(r, REFUSED_SYSTEM, NULL, NULL);
	if (change_all(d, p, q, c, ticket, r)) {
		free(c);
		return -1;
	}
	*ret = c;
	return 0;
}

/* --- unpublish --- */

static bool is_meant(const struct published *p, const struct publish_request *q)
{
	return !p->leaving && !strcmp(p->guest, q->guest) && (q->nic < 0 || p->nic == q->nic) &&
	       (!q->address || p->address == q->address);
}

static bool is_port(const struct published *p, const struct config_published *port)
{
	return p->port.protocol == port->protocol && p->port.port == port->port &&
	       p->port.count == port->count;
}

/* Marks those of one port; what is configured stays. */
static int pick(struct daemon *d, const struct publish_request *q,
		const struct config_published *port, struct publish_change *c, struct refusal *r)
{
	char text[CONFIG_PUBLISHED_TEXT], why[160];
	bool found = false;

	for (size_t i = 0; i < d->publishes.n; i++) {
		struct published *p = &d->publishes.at[i];

		if (!is_meant(p, q) || (port && !is_port(p, port)))
			continue;
		if (p->configured && !port)
			continue;
		if (p->configured) {
			snprintf(why, sizeof(why), "%s is published by %.90s:%d",
				 config_published_text(port, text), p->place.file, p->place.line);
			return refuse(r, REFUSED_PARAMETER, "ports", why);
		}
		found = true;
		p->leaving = true;
		c->id[c->n++] = p->id;
	}
	if (found || !port)
		return 0;
	snprintf(why, sizeof(why), "%s is not published for that guest",
		 config_published_text(port, text));
	return refuse(r, REFUSED_PARAMETER, "ports", why);
}

static int pick_all(struct daemon *d, const struct publish_request *q, struct publish_change *c,
		    struct refusal *r)
{
	if (!q->ports)
		return pick(d, q, NULL, c, r);
	for (size_t i = 0; i < q->ports; i++)
		if (pick(d, q, &q->port[i], c, r))
			return -1;
	return 0;
}

/* The rows that went before one could not are put back. */
static int unstore_all(struct daemon *d, const struct publish_change *c, struct ticket *ticket,
		       struct refusal *r)
{
	struct store_published row;
	struct err err;
	size_t i = 0;
	int rc = 0;

	for (; i < c->n && !rc; i++) {
		row_of(d, published_find(d, c->id[i]), &row);
		rc = store_published_del(d->store, &row, ticket, &err);
	}
	if (!rc)
		return 0;
	refuse_err(r, REFUSED_STORAGE, &err);
	for (i--; i-- > 0;) {
		row_of(d, published_find(d, c->id[i]), &row);
		if (store_published_put(d->store, &row, NULL, &err))
			log_error("port %s/%" PRIu32 ": %s", row.guest, row.nic, err.text);
	}
	return -1;
}

static void restore(struct publish_change *c)
{
	for (size_t i = 0; i < c->n; i++) {
		struct published *p = published_find(c->daemon, c->id[i]);

		if (p)
			p->leaving = false;
	}
	published_follow(c->daemon);
}

static bool has_guest(struct daemon *d, const struct publish_request *q)
{
	const struct port *p;

	for (uint32_t at = 0; (p = port_next(d, &at));)
		if (!strcmp(p->guest, q->guest) && (q->nic < 0 || p->nic == q->nic))
			return true;
	return false;
}

int unpublish(struct daemon *d, const struct publish_request *q, struct publish_change **ret,
	      struct ticket *ticket, struct refusal *r)
{
	struct publish_change *c;

	if (!has_guest(d, q))
		return refuse_guest(r, q);
	c = change_new(d, d->publishes.n);
	if (!c)
		return refuse(r, REFUSED_SYSTEM, NULL, NULL);
	c->unpublish = true;
	if (pick_all(d, q, c, r) || unstore_all(d, c, ticket, r)) {
		restore(c);
		free(c);
		return -1;
	}
	published_follow(d);
	*ret = c;
	return 0;
}

/* --- the end --- */

static void settle(struct publish_change *c, const struct published *p)
{
	char text[CONFIG_PUBLISHED_TEXT];

	log_info("port %s/%" PRIu32 ": %s is published%s", p->guest, p->nic,
		 config_published_text(&p->port, text), p->leaving ? " no more" : "");
	if (p->leaving)
		published_remove(c->daemon, p->id);
}

void publish_taken_back(struct publish_change *c)
{
	if (c->unpublish)
		restore(c);
	else
		leave(c);
	free(c);
}

void publish_settled(struct publish_change *c)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct published *p = published_find(c->daemon, c->id[i]);

		if (p)
			settle(c, p);
	}
	free(c);
}

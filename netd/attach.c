/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attach.
 *
 * It goes step by step: allocation, row, device, descriptors, rule, reply. When one fails,
 * those before it are undone in reverse, and the same happens when the row could not be made
 * durable or the reply not be delivered: there is then no link, set element, address or row that
 * was not there before.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "daemon.h"

enum { NAME_ATTEMPTS = 8 };

static int check_request(struct daemon *d, const struct attach_request *q, struct network **ret,
			 struct refusal *r)
{
	const char *why = bridge_name_refusal(q->guest);
	struct network *n = network_find_or_default(d, q->network);
	char text[NAME_SIZE + 12], where[LINK_NAME_SIZE + NAME_SIZE + TAP_HOLDER_SIZE + 48];
	struct port *p;

	if (why)
		return refuse(r, REFUSED_PARAMETER, "guest", why);
	if (q->nic > PORT_NIC_MAX)
		return refuse(r, REFUSED_PARAMETER, "nic", "it is larger than 63");
	if (q->queues < 1 || q->queues > TAP_QUEUES_MAX)
		return refuse(r, REFUSED_PARAMETER, "queues", "it is not from 1 to 32");
	if (!n)
		return refuse(r, REFUSED_NO_NETWORK, q->network ? q->network : "default", NULL);
	if (device_check(d, n, q, r))
		return -1;
	if (!n->up) {
		refuse(r, REFUSED_NETWORK_DOWN, n->config->name, NULL);
		r->detail = n->why_not;
		return -1;
	}
	p = port_by_guest(d, q->guest, q->nic);
	if (p && p->ifindex) {
		snprintf(where, sizeof(where), "interface %s on network %s", p->ifname,
			 d->network[p->network].config->name);
		device_add_holder(d, p, where, sizeof(where));
		return refuse(r, REFUSED_ATTACHED, port_text(p, text), where);
	}
	if (network_is_macvtap(n) && macvtap_check(d, n, r))
		return -1;
	*ret = n;
	return 0;
}

/* The port with its allocation in the tables: a new one, or the one that is there, changed as asked
 * for. */
static int enter(struct daemon *d, const struct attach_request *q, struct network *n,
		 struct attachment *a, struct port **ret, struct refusal *r)
{
	struct port *old = port_find(d, n->slot, q->guest, q->nic);
	struct port p = {
		.slot = PORT_NONE, .network = n->slot, .nic = q->nic, .created = loop_wall(d->loop)
	};

	if (old)
		a->before = p = *old;
	snprintf(p.guest, sizeof(p.guest), "%s", q->guest);
	if (allocate(d, &p, &q->wish, r))
		return -1;
	p.owner = q->owner;
	p.queues = q->queues;
	device_describe(q, &p);
	p.vhost = a->vhosts > 0;
	a->new_allocation = !old;
	if (!old)
		old = port_insert(d, &p);
	else if (!port_change(d, old, &p))
		old = NULL;
	*ret = old;
	return old ? 0 : refuse(r, REFUSED_TOO_MANY_PORTS, NULL, NULL);
}

/* Back to the allocation that was there before the attach, or to none. */
static void leave(struct daemon *d, struct port *p, const struct attachment *a)
{
	if (a->new_allocation)
		port_remove(d, p);
	else
		port_change(d, p, &a->before);
}

/* The row as it was before `after`. */
static void leave_row(struct daemon *d, const struct port *after, const struct attachment *a)
{
	struct err err;
	int rc = a->new_allocation ? port_unstore(d, after, 0, NULL, &err) :
				     port_store(d, &a->before, NULL, &err);

	if (rc)
		log_error("port %s/%" PRIu32 ": %s", after->guest, after->nic, err.text);
}

static int create_device(struct daemon *d, const struct port *p, const struct attach_request *q,
			 int *fds, uint32_t *ret_ifindex, char ifname[LINK_NAME_SIZE],
			 struct err *err)
{
	int rc = -EEXIST;

	if (p->device == PORT_TAP && q->interface && !p->within) {
		snprintf(ifname, LINK_NAME_SIZE, "%s", q->interface);
		return d->host->ops->tap_open(d->host, ifname, p->queues, fds, ret_ifindex, err);
	}
	for (unsigned attempt = 0; rc == -EEXIST && attempt < NAME_ATTEMPTS; attempt++) {
		bridge_port_name(&d->name_key, d->network[p->network].config->name, p->guest,
				 p->nic, attempt, ifname);
		if (p->device == PORT_VETH || p->within)
			rc = device_make_veth(d, p, q, ifname, ret_ifindex, err);
		else if (network_is_macvtap(&d->network[p->network]))
			rc = macvtap_make(d, p, ifname, fds, ret_ifindex, err);
		else if (q->bare)
			rc = d->host->ops->tap_open_bare(d->host, ifname, fds, ret_ifindex, err);
		else
			rc = d->host->ops->tap_open(d->host, ifname, p->queues, fds, ret_ifindex,
						    err);
	}
	return rc;
}

static int open_vhost(struct daemon *d, const struct attach_request *q, struct attachment *a,
		      struct refusal *r)
{
	if (q->vhost == VHOST_OFF || q->device != PORT_DESCRIPTORS)
		return 0;
	if (!d->host->ops->vhost_open(d->host, q->queues, a->vhost_fd, &a->vhost_note))
		a->vhosts = q->queues;
	else if (q->vhost == VHOST_ON)
		return refuse_err(r, REFUSED_NO_VHOST, &a->vhost_note);
	return 0;
}

static void close_fds(struct attachment *a)
{
	for (unsigned i = 0; i < a->queues; i++)
		close(a->tap_fd[i]);
	for (unsigned i = 0; i < a->vhosts; i++)
		close(a->vhost_fd[i]);
	a->queues = a->vhosts = 0;
}

/* Device and rule of a port whose allocation stands. What it made is undone by the caller's
 * close_fds. */
static int plug(struct daemon *d, struct port *p, const struct attach_request *q,
		struct attachment *a, struct refusal *r)
{
	char altname[LINK_ALTNAME_SIZE], ifname[LINK_NAME_SIZE], text[NAME_SIZE + 12];
	uint32_t ifindex;
	struct err err;
	int rc = create_device(d, p, q, a->tap_fd, &ifindex, ifname, &err);

	if (!rc) {
		a->queues = p->device == PORT_VETH || p->within ? 0 : p->queues;
		port_set_link(d, p, ifindex, ifname, PORT_CREATED);
		reap_begin(d, p, false);
		/* Who has the other end of a pair has it up, and sends, when it likes. */
		rc = rules_add_port(d, p, &err);
	}
	if (!rc)
		rc = rates_apply(d, p, &err);
	if (!rc) {
		bridge_port_altname(p->guest, p->nic, altname);
		rc = port_link_up(d, p, altname, &err);
	}
	if (!rc)
		rc = device_finish(d, p, q, a->tap_fd[0], &err);
	if (!rc && p->device == PORT_TAP)
		close_fds(a); /* for its user to open */
	if (!rc)
		return 0;
	device_undo(d, p);
	if (rc == -EEXIST && q->interface && p->device == PORT_TAP)
		return device_refuse_name(d, q, r);
	if (rc == -ENOTUNIQ)
		return device_refuse(r, "interface", &err);
	err_wrap(&err, rc, "port %s", port_text(p, text));
	return refuse_err(r, REFUSED_SYSTEM, &err);
}

static int store_new(struct daemon *d, const struct port *p, struct ticket *ticket,
		     struct refusal *r)
{
	char text[IP4_TEXT_SIZE];
	struct err err;
	int rc = port_store(d, p, ticket, &err);

	/* Only the constraints knew of the other holder: a row of a network that is not configured.
	 */
	if (rc == -EEXIST)
		return refuse(r, REFUSED_ADDRESS_IN_USE, ip4_text(p->address, text),
			      "a row of the state");
	return rc ? refuse_err(r, REFUSED_STORAGE, &err) : 0;
}

static int attach(struct daemon *d, const struct attach_request *q, struct attachment *a,
		  struct ticket *ticket, struct refusal *r)
{
	struct network *n = NULL;
	struct port *p = NULL, after;

	if (check_request(d, q, &n, r) || open_vhost(d, q, a, r))
		return -1;
	if (enter(d, q, n, a, &p, r))
		goto undo_fds;
	if (store_new(d, p, ticket, r))
		goto undo_enter;
	if (plug(d, p, q, a, r))
		goto undo_row;
	if (network_is_macvtap(n))
		macvtap_note(n, a->note, sizeof(a->note));
	a->daemon = d;
	a->port = slots_handle(&d->ports, p->slot);
	return 0;

undo_row:
	after = *p;
	leave_row(d, &after, a);
undo_enter:
	leave(d, p, a);
undo_fds: /* the TAP is not persistent: it goes with its last descriptor */
	close_fds(a);
	return -1;
}

int port_attach(struct daemon *d, const struct attach_request *q, struct attachment **ret,
		struct ticket *ticket, struct refusal *r)
{
	struct attachment *a = calloc(1, sizeof(*a));

	if (!a)
		return refuse(r, REFUSED_SYSTEM, NULL, NULL);
	if (attach(d, q, a, ticket, r)) {
		free(a);
		return -1;
	}
	*ret = a;
	return 0;
}

static struct port *attached_port(struct attachment *a)
{
	uint32_t i = slots_find(&a->daemon->ports, a->port);

	return i == SLOT_NONE ? NULL : &a->daemon->port[i];
}

void port_due(struct attachment *a)
{
	const struct port *p = attached_port(a);

	if (p && p->state == PORT_CREATED && !a->finished)
		device_done(a->daemon, p);
	a->finished = true;
}

void port_delivered(struct attachment *a)
{
	struct port *p = attached_port(a);

	port_due(a);
	if (p && p->state == PORT_CREATED) {
		p->state = PORT_ATTACHED;
		event_add_port(a->daemon, EVENT_ATTACHED, p);
	}
	close_fds(a);
	free(a);
}

void port_undelivered(struct attachment *a, bool stored)
{
	struct daemon *d = a->daemon;
	struct port *p = attached_port(a);
	struct port after;

	close_fds(a);
	if (p) {
		after = *p;
		device_undo(d, p);
		if (stored)
			leave_row(d, &after, a);
		leave(d, p, a);
		if (a->new_allocation)
			published_gone(d, &after);
	}
	free(a);
}

int port_reserve(struct daemon *d, const struct network *n, const char *guest,
		 const struct wish *wish, struct port **ret, struct refusal *r)
{
	struct port p = { .slot = PORT_NONE,
			  .network = n->slot,
			  .queues = 1,
			  .created = loop_wall(d->loop) },
		    *made;

	snprintf(p.guest, sizeof(p.guest), "%s", guest);
	if (allocate(d, &p, wish, r))
		return -1;
	made = port_insert(d, &p);
	if (!made)
		return refuse(r, REFUSED_TOO_MANY_PORTS, NULL, NULL);
	*ret = made;
	return 0;
}

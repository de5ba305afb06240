/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DHCP service: from the trap to dhcp/, from dhcp/ to the state and the outbox. A reply leaves when
 * the lease that it speaks of is durable; when it is not, the lease is as it was before the packet,
 * and the client asks again.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/container.h"
#include "daemon.h"

/* --- records --- */

static void set_times(const struct daemon *d, struct store_lease *row, int64_t started,
		      int64_t expires)
{
	row->started = started;
	row->expires = expires;
	row->started_wall = loop_to_wall(d->loop, started);
	row->expires_wall = loop_to_wall(d->loop, expires);
}

/* Where a packet comes from, and its answer goes: behind a guest's port, or an interface of the
 * host that was joined to the network's bridge. */
struct source {
	uint32_t ifindex; /* 0: it is not there any more */
	uint32_t network;
	uint32_t number;   /* for dhcp/ */
	struct port *port; /* or NULL */
	const struct joined *joined;
};

static bool source_by_link(struct daemon *d, uint32_t ifindex, struct source *ret)
{
	struct port *p = port_by_link(d, ifindex);
	const struct joined *j = p ? NULL : joined_by_link(d, ifindex);

	if (!p && !j)
		return false;
	*ret = (struct source){ .ifindex = ifindex,
				.network = p ? p->network : j->network,
				.number = p ? p->slot : j->number,
				.port = p,
				.joined = j };
	return true;
}

/* What a change of a lease is told of. */
static struct source source_by_number(struct daemon *d, uint32_t network, uint32_t number)
{
	struct source s = { .network = network, .number = number };

	if (slots_live(&d->ports, number))
		s.port = &d->port[number];
	else
		s.joined = joined_by_number(d, number);
	return s;
}

/* "port web1/0", "interface veth7" */
static const char *source_text(const struct source *s, char buf[NAME_SIZE + 24])
{
	char text[NAME_SIZE + 12];

	if (s->port)
		snprintf(buf, NAME_SIZE + 24, "port %s", port_text(s->port, text));
	else
		snprintf(buf, NAME_SIZE + 24, "interface %s", s->joined ? s->joined->name : "?");
	return buf;
}

static int store_record(struct daemon *d, const struct dhcp_record *r, const struct port *p,
			struct ticket *ret, struct err *err)
{
	struct store_lease row = { .address = r->addr,
				   .mac = r->mac,
				   .client_id = r->client_id,
				   .client_id_len = r->client_id_len,
				   .hostname = r->hostname,
				   .state = r->state,
				   .seconds = r->seconds };

	set_times(d, &row, r->started, r->expires);
	memcpy(row.network, d->network[r->net].config->name, sizeof(row.network));
	if (p) {
		memcpy(row.guest, p->guest, sizeof(row.guest));
		row.nic = p->nic;
	}
	return store_lease_put(d->store, &row, ret, err);
}

static int store_end(struct daemon *d, const struct dhcp_record *r, struct err *err)
{
	return store_lease_end(d->store, d->network[r->net].config->name, r->addr, r->state, NULL,
			       err);
}

struct loading {
	struct daemon *d;
	struct network *n;
	struct err *err;
};

/* Seconds, and at most as many as a lease has, whatever a row says. */
static int64_t span(int64_t from, int64_t to)
{
	if (to <= from)
		return 0;
	return (uint64_t)to - (uint64_t)from < DHCP_INFINITE ? to - from : DHCP_INFINITE;
}

void serve_former_boot(const struct store_lease *l, int64_t now, int64_t wall,
		       struct dhcp_record *r)
{
	int64_t whole = span(l->started_wall, l->expires_wall);
	int64_t left = span(wall, l->expires_wall);

	if (l->expires_wall == INT64_MAX) {
		r->started = now - span(l->started_wall, wall) * NS_PER_S;
		r->expires = INT64_MAX;
		return;
	}
	r->expires = now + (left < whole ? left : whole) * NS_PER_S;
	/* Of two leases of one client the later counts, also of two that have ended. */
	r->expires -= span(l->expires_wall, wall) * NS_PER_S;
	r->started = r->expires - whole * NS_PER_S;
}

/* The row gets times of this boot: from now on they follow the wall clock when that is set. */
static int adopt_row(struct loading *loading, const struct dhcp_record *r)
{
	struct store_lease row = { .address = r->addr, .state = r->state, .seconds = r->seconds };

	memcpy(row.network, loading->n->config->name, sizeof(row.network));
	set_times(loading->d, &row, r->started, r->expires);
	return store_lease_renew(loading->d->store, &row, NULL, loading->err);
}

static int load_lease(void *arg, const struct store_lease *l)
{
	struct loading *loading = arg;
	struct daemon *d = loading->d;
	const struct port *p =
		l->guest[0] ? port_find(d, loading->n->slot, l->guest, l->nic) : NULL;
	struct dhcp_record r = { .net = loading->n->slot,
				 .addr = l->address,
				 .port = p ? p->slot : DHCP_PORT_NONE,
				 .mac = l->mac,
				 .client_id = l->client_id,
				 .client_id_len = l->client_id_len,
				 .state = l->state,
				 .seconds = l->seconds,
				 .started = l->started,
				 .expires = l->expires };

	/* Of a guest that has gone: no client's where ports are the identity. */
	if (l->guest[0] && !p && l->state != DHCP_LEASE_DECLINED &&
	    loading->n->config->identity == DHCP_IDENTITY_PORT)
		return 0;
	if (!l->same_boot)
		serve_former_boot(l, loop_now(d->loop), loop_wall(d->loop), &r);
	/* The row of an address that its port has no more, and that is no client's, says nothing.
	 */
	if (!dhcp_lease_restore(d->dhcp, &r) && l->state == DHCP_LEASE_DECLINED)
		network_take(loading->n, l->address);
	return l->same_boot ? 0 : adopt_row(loading, &r);
}

int serve_load(struct daemon *d, struct network *n, struct err *err)
{
	struct loading l = { .d = d, .n = n, .err = err };
	int rc = store_lease_list(d->store, n->config->name, load_lease, &l, err);

	dhcp_leases_restored(d->dhcp, n->slot);
	serve_schedule(d);
	return rc;
}

/* Rows that say of a lease that it runs, and the memory knows nothing of it. */
struct strays {
	const struct daemon *d;
	uint32_t net;
	uint32_t *addr;
	size_t n, cap;
};

static int find_stray(void *arg, const struct store_lease *l)
{
	struct strays *s = arg;

	if (l->state != DHCP_LEASE_BOUND || dhcp_lease_by_addr(s->d->dhcp, s->net, l->address))
		return 0;
	if (s->n == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 64;
		uint32_t *grown = realloc(s->addr, cap * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		s->addr = grown;
		s->cap = cap;
	}
	s->addr[s->n++] = l->address;
	return 0;
}

int serve_end_strays(struct daemon *d, const struct network *n, struct err *err)
{
	struct strays s = { .d = d, .net = n->slot };
	int rc = store_lease_list(d->store, n->config->name, find_stray, &s, err);

	for (size_t i = 0; i < s.n && !rc; i++)
		rc = store_lease_end(d->store, n->config->name, s.addr[i], DHCP_LEASE_RELEASED,
				     NULL, err);
	free(s.addr);
	return rc;
}

/* --- events --- */

static struct event *source_event(struct daemon *d, enum event_kind kind, const struct source *s)
{
	struct event *e = s->port ? event_add_port(d, kind, s->port) : event_add(d, kind);

	if (s->port)
		return e;
	memcpy(e->network, d->network[s->network].config->name, sizeof(e->network));
	if (s->joined)
		memcpy(e->ifname, s->joined->name, sizeof(e->ifname));
	return e;
}

static struct event *lease_event(struct daemon *d, enum event_kind kind, const struct source *s,
				 const struct dhcp_action *a)
{
	struct event *e = source_event(d, kind, s);

	e->address = a->record.addr;
	e->mac = a->record.mac;
	e->seconds = a->record.seconds;
	e->exchange_ns = a->exchange;
	snprintf(e->hostname, sizeof(e->hostname), "%.63s", a->record.hostname);
	return e;
}

static void log_bound(const struct source *s, const struct dhcp_action *a)
{
	char text[NAME_SIZE + 24], address[IP4_TEXT_SIZE];

	log_debug("%s: %s for %" PRIu32 " s", source_text(s, text),
		  ip4_text(a->record.addr, address), a->record.seconds);
}

/* By the guest itself, or because of a conflict. */
static void declined_event(struct daemon *d, enum event_kind kind, const struct source *s,
			   const struct dhcp_action *a)
{
	struct event *e = lease_event(d, kind, s, a);
	const struct port *p = s->port;
	char text[IP4_TEXT_SIZE];

	if (!p || a->before.client)
		snprintf(e->detail, sizeof(e->detail), "it is in quarantine");
	else if (p->address == a->record.addr)
		snprintf(e->detail, sizeof(e->detail), "the port has no other");
	else
		snprintf(e->detail, sizeof(e->detail),
			 "it is in quarantine, and the port has %s now",
			 ip4_text(p->address, text));
}

/* What the client had before, it has no more. */
static void left_event(struct daemon *d, const struct source *s, const struct dhcp_action *a)
{
	struct event *e = source_event(d, EVENT_LEASE_RELEASED, s);

	e->address = a->left_record.addr;
	e->mac = a->left_record.mac;
}

/* A guest can ask for what is not its own as often as it likes. */
static bool may_tell_refusal(struct daemon *d, const struct source *s)
{
	struct network *n = &d->network[s->network];
	unsigned held_back;

	if (!n->refused_log.interval)
		n->refused_log = (struct log_limit){ .interval = 60 * NS_PER_S, .burst = 60 };
	return log_allow(&n->refused_log, loop_now(d->loop), &held_back);
}

/* The change is durable. */
static void announce(struct daemon *d, const struct source *s, const struct dhcp_action *a)
{
	switch (a->change) {
	case DHCP_CHANGE_BOUND:
		lease_event(d, EVENT_LEASE_BOUND, s, a);
		log_bound(s, a);
		break;
	case DHCP_CHANGE_RENEWED:
		lease_event(d, EVENT_LEASE_RENEWED, s, a);
		break;
	case DHCP_CHANGE_RELEASED:
		lease_event(d, EVENT_LEASE_RELEASED, s, a);
		break;
	case DHCP_CHANGE_DECLINED:
		declined_event(d, EVENT_LEASE_DECLINED, s, a);
		break;
	case DHCP_CHANGE_CONFLICT:
		declined_event(d, EVENT_QUARANTINED, s, a);
		break;
	case DHCP_CHANGE_EXPIRED:
		lease_event(d, EVENT_LEASE_EXPIRED, s, a);
		break;
	case DHCP_CHANGE_NONE:
	case DHCP_CHANGE_OFFERED:
	case DHCP_CHANGE_FREED:
		break;
	}
	if (a->left && a->left_before.state == DHCP_LEASE_BOUND)
		left_event(d, s, a);
	if (a->clone)
		lease_event(d, EVENT_CLONE, s, a);
	if (a->reply == DHCP_NAK && may_tell_refusal(d, s))
		lease_event(d, EVENT_LEASE_REFUSED, s, a);
}

/* --- leases whose rows are behind --- */

/*
 * Whether an action may be spoken of although it is not stored. A renewal of a port's own address
 * may, in full: the row of the allocation keeps it for this port and nobody else, whatever the row
 * of the lease says, and a restart in between finds a lease that ended sooner. A client's address
 * is kept by its lease alone. A lease that began in this very turn is not there to be renewed: it
 * is about to be taken back.
 */
static bool stands_unstored(const struct dhcp_action *a)
{
	return a->change == DHCP_CHANGE_RENEWED && !a->before.client &&
	       a->before.started != a->record.started;
}

int serve_store_leases(struct daemon *d, struct err *err)
{
	struct port *p;
	int rc = 0;

	for (uint32_t at = 0; !rc && (p = port_next(d, &at));) {
		const struct dhcp_lease *l = dhcp_lease_by_port(d->dhcp, p->slot);

		if (!p->lease_unstored)
			continue;
		if (l && l->state == DHCP_LEASE_BOUND) {
			struct store_lease row = { .address = l->addr,
						   .state = l->state,
						   .seconds = l->seconds };

			memcpy(row.network, d->network[l->net].config->name, sizeof(row.network));
			set_times(d, &row, l->started, l->expires);
			rc = store_lease_renew(d->store, &row, NULL, err);
		}
	}
	return rc;
}

void serve_leases_stored(struct daemon *d)
{
	struct port *p;

	for (uint32_t at = 0; (p = port_next(d, &at));)
		p->lease_unstored = false;
}

/* --- packets --- */

static void say(struct daemon *d, struct outbox_item *item)
{
	const struct dhcp_action *a = &d->outbox.action[item->dhcp.action];
	struct source s;
	char text[NAME_SIZE + 24];
	unsigned held_back;
	int rc = 0;

	if (!source_by_link(d, item->dhcp.ifindex, &s)) /* it went in the same turn */
		return;
	if (item->dhcp.len)
		rc = d->host->ops->send(d->host, item->dhcp.ifindex,
					d->outbox.frame[item->dhcp.frame], item->dhcp.len);
	if (rc && log_allow(&d->send_log, loop_now(d->loop), &held_back))
		log_warning("%s: cannot send a DHCP reply: %s (%u more like this)",
			    source_text(&s, text), strerror(-rc), held_back);
	announce(d, &s, a);
}

/* Who may send as what has changed. */
static void guard_action(struct daemon *d, const struct dhcp_action *a)
{
	if (a->change == DHCP_CHANGE_NONE)
		return;
	if (a->left)
		guard_lease(d, a->left_record.net, a->left_record.addr);
	guard_lease(d, a->record.net, a->record.addr);
}

static void undo(struct daemon *d, const struct dhcp_action *a)
{
	dhcp_undo(d->dhcp, a);
	guard_action(d, a);
}

static void take_back(struct daemon *d, struct outbox_item *item)
{
	const struct dhcp_action *a = &d->outbox.action[item->dhcp.action];
	struct port *p = port_by_link(d, item->dhcp.ifindex);
	const struct dhcp_lease *l;

	if (a->change == DHCP_CHANGE_NONE)
		return;
	if (p && stands_unstored(a)) {
		p->lease_unstored = true;
		item->ticket = ticket_no_promise();
		return;
	}
	undo(d, a);
	l = a->before.client ? NULL : dhcp_lease_by_port(d->dhcp, a->before.port);
	/* The port that had declined its address has it again, unless it went in the same turn. */
	if (l && l->addr == a->before.addr && d->port[l->port].address != l->addr)
		port_undeclined(d, &d->port[l->port], l->addr);
	serve_schedule(d);
}

/* Stores what the action demands. False when that failed: the action is taken back and nothing is
 * said. */
static bool keep(struct daemon *d, struct port *p, const struct dhcp_action *a,
		 struct ticket *ticket)
{
	unsigned held_back;
	struct err err;

	if (!a->store) {
		/* An ACK that repeats another of this turn depends on the same row, and BOOTP on
		 * the allocation. */
		*ticket = a->reply == DHCP_ACK || a->bootp ? store_ticket(d->store) :
							     ticket_no_promise();
		return true;
	}
	/* Last what is granted: an end that was stored alone is mended by the next renewal. */
	if ((!a->left || !store_end(d, &a->left_record, &err)) &&
	    !store_record(d, &a->record, p, ticket, &err))
		return true;
	if (p && stands_unstored(a)) {
		p->lease_unstored = true;
		*ticket = ticket_no_promise();
		return true;
	}
	if (log_allow(&d->storage_log, loop_now(d->loop), &held_back))
		log_error(
			"a lease could not be stored, so it is not granted: %s (%u more like this)",
			err.text, held_back);
	undo(d, a);
	return false;
}

static void log_drop(struct daemon *d, const struct source *s, const struct dhcp_action *a)
{
	char text[NAME_SIZE + 24];
	unsigned held_back;

	if (log_allow(&d->drop_log, loop_now(d->loop), &held_back))
		log_debug("%s: DHCP %s dropped: %s (%u more like this)", source_text(s, text),
			  dhcp_type_text(a->request), dhcp_drop_text(a->drop), held_back);
}

/* The pool is full, which its administrator has to know; clients go on asking, so at most once a
 * minute. */
static void tell_full(struct daemon *d, const struct source *s, const struct mac *mac)
{
	struct network *n = &d->network[s->network];
	char text[NAME_SIZE + 24], mac_buf[MAC_TEXT_SIZE];
	unsigned held_back;
	struct event *e;

	if (!n->full_log.interval)
		n->full_log = (struct log_limit){ .interval = 60 * NS_PER_S, .burst = 1 };
	if (!log_allow(&n->full_log, loop_now(d->loop), &held_back))
		return;
	log_warning("network %s: no address is free for the DHCP client %s behind %s "
		    "(%u more like this)",
		    n->config->name, mac_text(mac, mac_buf), source_text(s, text), held_back);
	e = source_event(d, EVENT_POOL_FULL, s);
	e->mac = *mac;
	e->address = 0;
	snprintf(e->detail, sizeof(e->detail), "no address is free (%u more like this)", held_back);
}

void serve_flood(struct daemon *d, const struct trap_packet *packet)
{
	char text[NAME_SIZE + 24];
	unsigned held_back;
	struct source s;

	if (!source_by_link(d, packet->ifindex, &s) ||
	    !log_allow(&d->flood_log, loop_now(d->loop), &held_back))
		return;
	log_warning("%s: it sends too many DHCP packets, which are dropped (%u more like this)",
		    source_text(&s, text), held_back);
	source_event(d, EVENT_DHCP_FLOOD, &s)->mac = packet->src;
}

/* It is asked first whether somebody has the address. */
static void let_wait(struct daemon *d, const struct source *s, const struct dhcp_frame *f,
		     struct dhcp_action *a, const struct waited *before)
{
	struct waited w = { .address = a->wait,
			    .came = before->address ? before->came : loop_now(d->loop),
			    .probes = before->probes };

	if (wait_begin(d, &d->network[s->network], s->ifindex, f, &a->wait_client, &w))
		return;
	a->drop = before->probes >= PROBE_CANDIDATES ? DHCP_DROP_NO_ADDRESS : DHCP_DROP_WAITING;
	dhcp_count_drop(d->dhcp, a->drop);
	log_drop(d, s, a);
}

static void serve_frame(struct daemon *d, const struct source *s, const struct dhcp_frame *f,
			const struct waited *w)
{
	const struct network *n = &d->network[s->network];
	unsigned i = d->outbox.frames;
	struct dhcp_action *a = &d->outbox.action[i];
	struct dhcp_input in = {
		.net = s->network,
		.port = s->number,
		.now = loop_now(d->loop),
		.frame = f,
		.probes = n->watch.probing ? d->probes : NULL,
		.pings = n->watch.pinging ? d->probes : NULL,
		.waiting = wait_count(d, s->ifindex),
		.waited = w->address,
		.came = w->came,
	};
	struct wr out = wr_init(d->outbox.frame[i], DHCP_FRAME_MAX);
	struct outbox_item *item;
	struct ticket ticket;

	dhcp_input(d->dhcp, &in, &out, a);
	if (s->port && !a->wait)
		s->port->exchange = (struct last_exchange){
			.at = in.now, .request = a->request, .reply = a->reply, .drop = a->drop
		};
	if (a->drop)
		log_drop(d, s, a);
	if (a->turned_away == DHCP_DROP_NO_ADDRESS)
		tell_full(d, s, &f->src);
	if (a->wait) {
		let_wait(d, s, f, a, w);
		return;
	}
	if (a->change == DHCP_CHANGE_NONE && !a->reply && !a->bootp)
		return;
	if (!keep(d, s->port, a, &ticket))
		return;
	guard_action(d, a);
	if (a->change == DHCP_CHANGE_DECLINED && !a->before.client && s->port)
		port_declined(d, s->port);
	if (a->change == DHCP_CHANGE_OFFERED || a->change == DHCP_CHANGE_BOUND)
		probe_forget(d, n, a->record.addr);
	d->outbox.frames++;
	item = outbox_add(&d->outbox, ticket);
	item->say = say;
	item->take_back = take_back;
	item->dhcp.ifindex = s->ifindex;
	item->dhcp.len = out.bad ? 0 : out.len;
	item->dhcp.frame = item->dhcp.action = i;
	serve_schedule(d);
}

void serve_again(struct daemon *d, uint32_t ifindex, const struct dhcp_frame *f,
		 const struct waited *w)
{
	struct source s;

	if (source_by_link(d, ifindex, &s)) /* it has not gone meanwhile */
		serve_frame(d, &s, f, w);
}

void serve_packet(struct daemon *d, const struct trap_packet *packet)
{
	struct dhcp_action dropped = { 0 };
	struct waited not_yet = { 0 };
	struct dhcp_frame f;
	struct source s;

	/* A turn that is full drops the rest, as a full socket buffer would: clients send again. */
	if (!source_by_link(d, packet->ifindex, &s) || !outbox_has_frame(&d->outbox))
		return;
	dropped.drop = packet->vlan ? DHCP_DROP_VLAN :
				      dhcp_frame_parse(&packet->src, &packet->dst, packet->ip,
						       packet->len, &f);
	if (!dropped.drop) {
		serve_frame(d, &s, &f, &not_yet);
		return;
	}
	dhcp_count_drop(d->dhcp, dropped.drop);
	log_drop(d, &s, &dropped);
}

/* --- conflicts --- */

bool serve_conflict(struct daemon *d, struct port *p)
{
	unsigned i = d->outbox.frames;
	struct dhcp_action *a = &d->outbox.action[i];
	struct outbox_item *item;
	struct ticket ticket;
	struct refusal r;
	uint32_t other;

	/* A launcher that is told an address at this moment, or a guest that nothing tells of
	 * another, is not to be left with one that is no more its own; and without another the one
	 * in conflict is better than none. */
	if (p->state != PORT_ATTACHED || !d->network[p->network].config->dhcp || p->address_given ||
	    !outbox_has_frame(&d->outbox) || allocate_other_address(d, p, &other, &r) ||
	    !dhcp_port_conflict(d->dhcp, p->slot, loop_now(d->loop), a) || !keep(d, p, a, &ticket))
		return false;
	port_declined(d, p);
	d->outbox.frames++;
	item = outbox_add(&d->outbox, ticket);
	item->say = say;
	item->take_back = take_back;
	item->dhcp.ifindex = p->ifindex;
	item->dhcp.action = i;
	serve_schedule(d);
	return true;
}

bool serve_quarantine(struct daemon *d, struct network *n, uint32_t address, const struct mac *mac)
{
	int64_t now = loop_now(d->loop);
	struct dhcp_record r = { .net = n->slot,
				 .addr = address,
				 .port = DHCP_PORT_NONE,
				 .mac = *mac,
				 .state = DHCP_LEASE_DECLINED,
				 .started = now,
				 .expires = now + n->config->quarantine * NS_PER_S };
	const struct dhcp_lease *l = dhcp_lease_by_addr(d->dhcp, n->slot, address);
	unsigned held_back;
	struct err err;

	if ((l && !dhcp_lease_is_memory(l)) || dhcp_lease_restore(d->dhcp, &r))
		return false;
	network_take(n, address);
	/* Nothing is promised by it: without its row it ends with the daemon. */
	if (store_record(d, &r, NULL, NULL, &err) &&
	    log_allow(&d->storage_log, loop_now(d->loop), &held_back))
		log_warning("a quarantine could not be stored: %s (%u more like this)", err.text,
			    held_back);
	serve_schedule(d);
	return true;
}

/* --- what ends by itself --- */

static void say_expired(struct daemon *d, struct outbox_item *item)
{
	const struct dhcp_action *a = &d->outbox.action[item->dhcp.action];
	struct source s = source_by_number(d, a->record.net, a->record.port);

	if (!d->network[a->record.net].used) /* it went in the same turn */
		return;
	if (a->change != DHCP_CHANGE_FREED || a->record.port != DHCP_PORT_NONE)
		announce(d, &s, a);
	/* A reload in this turn may have freed it before, and somebody have got it. */
	else if (!dhcp_lease_by_addr(d->dhcp, a->record.net, a->record.addr))
		network_give(&d->network[a->record.net], a->record.addr);
}

/* The memory's view stands; a restart meanwhile finds the old row, whose time is over as well. */
static void expire(struct loop_timer *t)
{
	struct daemon *d = CONTAINER_OF(t, struct daemon, expiry);
	struct err err;

	while (outbox_has_frame(&d->outbox)) {
		struct dhcp_action *a = &d->outbox.action[d->outbox.frames];
		struct ticket ticket = ticket_no_promise();
		struct outbox_item *item;
		const char *network;
		int rc = 0;

		if (!dhcp_expire(d->dhcp, loop_now(d->loop), a))
			break;
		network = d->network[a->record.net].config->name;
		if (a->change == DHCP_CHANGE_FREED)
			rc = store_lease_del(d->store, network, a->record.addr, NULL, &err);
		else if (a->store)
			rc = store_end(d, &a->record, &err);
		if (rc)
			log_warning("an ended lease could not be stored: %s", err.text);
		if (a->change == DHCP_CHANGE_NONE)
			continue;
		guard_action(d, a);
		item = outbox_add(&d->outbox, ticket);
		item->say = say_expired;
		item->dhcp.action = d->outbox.frames++;
	}
	serve_schedule(d);
}

void serve_schedule(struct daemon *d)
{
	int64_t next = dhcp_next(d->dhcp);

	if (next == INT64_MAX)
		loop_timer_cancel(&d->expiry);
	else if (loop_timer_set(d->loop, &d->expiry, next, expire))
		log_error("out of memory: leases do not expire");
}

static void end_leases(struct daemon *d, const struct network *n, uint32_t number,
		       bool (*next)(struct dhcp_server *, uint32_t, struct dhcp_action *))
{
	struct dhcp_action a;
	unsigned held_back;
	struct err err;

	while (next(d->dhcp, number, &a)) {
		guard_lease(d, a.record.net, a.record.addr);
		if (store_lease_end(d->store, n->config->name, a.record.addr, a.record.state, NULL,
				    &err) &&
		    log_allow(&d->storage_log, loop_now(d->loop), &held_back))
			log_warning("an ended lease could not be stored: %s (%u more like this)",
				    err.text, held_back);
	}
	serve_schedule(d);
}

void serve_end_leases(struct daemon *d, const struct network *n, uint32_t number)
{
	end_leases(d, n, number, dhcp_port_end);
}

void serve_release_leases(struct daemon *d, const struct port *p)
{
	end_leases(d, &d->network[p->network], p->slot, dhcp_port_release);
}

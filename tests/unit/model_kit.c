/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See model_kit.h. */
#include <stdarg.h>

#include "daemon.h"
#include "model_kit.h"

void model_note(struct world *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(w->note[w->notes++ % MODEL_NOTES], sizeof(w->note[0]), fmt, ap);
	va_end(ap);
}

uint32_t model_below(struct world *w, uint32_t n)
{
	return sequence_below(&w->r, n);
}

int64_t model_now(const struct world *w)
{
	return w->k.now + w->boot_at;
}

int64_t model_really(const struct world *w, int64_t boottime)
{
	return boottime == INT64_MAX ? INT64_MAX : boottime + w->boot_at;
}

static int64_t wall_at(const struct world *w, int64_t real)
{
	return real == INT64_MAX ? INT64_MAX : w->wall + real / KIT_SECOND;
}

struct mac model_mac(const struct person *p)
{
	return (struct mac){ { 0x52, 0x54, 0, 0, model_is_own(p) ? (uint8_t)(1 + p->port) : 0,
			       p->card } };
}

/* Whether who has a promise and who asks may be one client for the server. */
static bool may_be_same(const struct world *w, const struct person *a, const struct person *b)
{
	bool same_port = a->port == b->port;

	if (model_is_own(a) || model_is_own(b))
		return model_is_own(a) && model_is_own(b) && same_port;
	/* What a guest says is believed of what is behind its own port. */
	if (!same_port && (a->port < w->trusted || b->port < w->trusted))
		return false;
	if (a->card == b->card && model_has_reserved_card(w, a->card))
		return true;
	if (w->k.config.identity == DHCP_IDENTITY_MAC || (!a->id && !b->id))
		return a->card == b->card;
	if (a->firmware && same_port && a->card == b->card)
		return true;
	/* A clone differs in both. */
	return a->id == b->id && (a->card == b->card || same_port);
}

static bool is_he(const struct person *a, const struct person *b)
{
	return a->port == b->port && a->card == b->card && a->id == b->id &&
	       a->firmware == b->firmware;
}

/* --- rows --- */

static void set_row_times(const struct world *w, struct model_row *row, int64_t started,
			  int64_t expires)
{
	row->r.started = started;
	row->r.expires = expires;
	row->boot = w->boot;
	row->boot_at = w->boot_at;
	row->started_wall = wall_at(w, model_really(w, started));
	row->expires_wall = wall_at(w, model_really(w, expires));
}

static struct model_row row_of(const struct world *w, const struct dhcp_record *r, uint32_t port)
{
	struct model_row row = { .used = true,
				 .r = *r,
				 .port = port < w->trusted ? port : DHCP_PORT_NONE };

	set_row_times(w, &row, r->started, r->expires);
	kit_must(r->client_id_len <= sizeof(row.id));
	if (r->client_id)
		memcpy(row.id, r->client_id, r->client_id_len);
	return row;
}

static void apply(struct world *w, const struct model_event *e)
{
	struct model_row *row =
		e->change != MODEL_NO_ROW ? &w->row[e->a.record.addr - MODEL_FIRST] : NULL;

	if (e->moved_to)
		w->port[e->who.port].stored = e->moved_to;
	if (e->a.left)
		w->row[e->a.left_record.addr - MODEL_FIRST].r.state = e->a.left_record.state;
	switch (e->change) {
	case MODEL_NO_ROW:
		break;
	case MODEL_PUT:
		*row = e->row;
		break;
	case MODEL_END:
		row->r.state = e->a.record.state;
		break;
	case MODEL_DEL:
		row->used = false;
		break;
	}
}

/* Rows that are behind, and wall times that are wrong by now. */
static void catch_up(struct world *w)
{
	for (uint32_t i = 0; i < MODEL_PORTS; i++) {
		const struct dhcp_lease *l = dhcp_lease_by_port(w->k.s, i);
		struct model_row *row = l && l->addr ? &w->row[l->addr - MODEL_FIRST] : NULL;

		if (w->port[i].unstored && row && row->used && l->state == DHCP_LEASE_BOUND) {
			row->r.state = l->state;
			row->r.seconds = l->seconds;
			set_row_times(w, row, l->started, l->expires);
		}
		w->port[i].unstored = false;
	}
	for (uint32_t i = 0; i < MODEL_ADDRS; i++) {
		struct model_row *row = &w->row[i];

		if (row->used && row->boot == w->boot)
			set_row_times(w, row, row->r.started, row->r.expires);
	}
}

/* --- what is promised --- */

/* superseded: within the same turn its address went on to somebody else. */
static void hear_offer(struct world *w, const struct model_event *e, struct promise *p,
		       bool superseded)
{
	int64_t now = model_now(w);
	uint32_t i = e->yiaddr - MODEL_FIRST;

	kit_must(w->quarantine[i] <= now);
	kit_must(!model_is_reserved(w, e->yiaddr) || model_is_reserved_for(w, e->yiaddr, &e->who));
	kit_must(model_is_own(&e->who) || model_is_open(w, e->yiaddr));
	for (uint32_t port = 0; port < MODEL_PORTS; port++)
		kit_must(superseded || !w->port[port].there || w->port[port].addr != e->yiaddr ||
			 (model_is_own(&e->who) && e->who.port == port));
	kit_must(!p->sure || p->until <= now || may_be_same(w, &p->who, &e->who));
	if (!is_he(&p->who, &e->who))
		p->sure = false;
	/* Where there are reservations, who is offered another address may be to leave his; and so
	 * may who goes by his name. */
	for (uint32_t j = 0; j < MODEL_ADDRS && w->reserves; j++) {
		struct promise *other = &w->promise[j];

		if (may_be_same(w, &other->who, &e->who) && !is_he(&other->who, &e->who))
			other->sure = false;
	}
}

static void hear_ack(struct world *w, const struct model_event *e, bool superseded)
{
	struct promise *p = &w->promise[e->yiaddr - MODEL_FIRST];
	const struct model_row *row = &w->row[e->yiaddr - MODEL_FIRST];
	struct mac mac = model_mac(&e->who);

	kit_must(superseded || row->used);
	if (!superseded && !e->unstored)
		kit_must(row->r.state == DHCP_LEASE_BOUND && mac_equal(&row->r.mac, &mac) &&
			 row->boot == w->boot && row->r.expires == e->expires);
	*p = (struct promise){ e->who, model_really(w, e->expires),
			       model_stays(w, &e->who, e->yiaddr) };
	for (uint32_t i = 0; i < MODEL_ADDRS; i++)
		kit_must(&w->promise[i] == p || !w->promise[i].sure ||
			 model_is_far(MODEL_FIRST + i) != model_is_far(e->yiaddr) ||
			 w->promise[i].until <= model_now(w) ||
			 !is_he(&w->promise[i].who, &e->who));
	w->acks++;
}

/* Who gives an address back has no promise any more, whatever becomes of his message; and nobody
 * can do that for another. */
static void hear_farewell(struct world *w, const struct model_event *e, uint32_t addr)
{
	struct promise *p = &w->promise[addr - MODEL_FIRST];

	if (p->sure && p->until > model_now(w) && e->a.change != DHCP_CHANGE_CONFLICT)
		kit_must(may_be_same(w, &p->who, &e->who));
	p->until = 0;
}

/* Whether its address went on to something else later in the turn. */
static bool is_superseded(const struct world *w, unsigned i)
{
	uint32_t addr = w->turn.at[i].yiaddr;

	for (unsigned j = i + 1; j < w->turn.n; j++) {
		const struct model_event *later = &w->turn.at[j];

		if (later->moved_to == addr ||
		    (later->a.left && later->a.left_record.addr == addr) ||
		    ((later->change || later->unstored) && later->a.record.addr == addr))
			return true;
	}
	return false;
}

/* It is offered because of something that was taken back when the turn failed; should he ask for
 * it, he is refused. */
static bool is_unfounded(const struct world *w, unsigned i)
{
	for (unsigned j = 0; j < i; j++) {
		const struct model_event *former = &w->turn.at[j];

		if (former->needs_row && former->a.change != DHCP_CHANGE_NONE &&
		    former->a.record.addr == w->turn.at[i].yiaddr)
			return true;
	}
	return false;
}

static void settle(struct world *w, unsigned i, bool stored, bool said)
{
	struct model_event *e = &w->turn.at[i];
	uint32_t at = e->a.record.addr - MODEL_FIRST;
	struct promise *p;

	if (e->a.change == DHCP_CHANGE_RELEASED || e->a.change == DHCP_CHANGE_DECLINED ||
	    e->a.change == DHCP_CHANGE_CONFLICT)
		hear_farewell(w, e, e->a.record.addr);
	if (stored && e->a.left)
		hear_farewell(w, e, e->a.left_record.addr);
	if (stored && e->a.record.state == DHCP_LEASE_DECLINED && e->change == MODEL_PUT)
		w->quarantine[at] = model_really(w, e->a.record.expires);
	if (e->expiry && e->a.change == DHCP_CHANGE_FREED && e->a.record.port == DHCP_PORT_NONE &&
	    !dhcp_lease_by_addr(w->k.s, KIT_NET, e->a.record.addr))
		model_give(w, e->a.record.addr);
	if (!e->yiaddr || (!stored && (e->needs_row || is_unfounded(w, i))))
		return;
	kit_must(e->yiaddr - MODEL_FIRST < MODEL_ADDRS);
	p = &w->promise[e->yiaddr - MODEL_FIRST];
	if (!said) { /* what is on disk is what he asked for, though he does not know */
		p->sure = p->sure && is_he(&p->who, &e->who);
		if (e->a.reply == DHCP_ACK && p->until > model_really(w, e->expires))
			p->until = model_really(w, e->expires);
		return;
	}
	hear_offer(w, e, p, is_superseded(w, i));
	if (e->a.reply == DHCP_ACK)
		hear_ack(w, e, is_superseded(w, i));
}

/* --- a turn --- */

/* As netd/serve.c stands_unstored. */
static bool stands_unstored(const struct dhcp_action *a)
{
	return a->change == DHCP_CHANGE_RENEWED && !a->before.client &&
	       a->before.started != a->record.started;
}

static void take_back(struct world *w, struct model_event *e)
{
	const struct dhcp_lease *l;
	uint32_t port = e->a.before.port;

	if (!e->needs_row || e->a.change == DHCP_CHANGE_NONE)
		return;
	if (stands_unstored(&e->a)) {
		w->port[e->who.port].unstored = e->unstored = true;
		e->needs_row = false;
		return;
	}
	dhcp_undo(w->k.s, &e->a);
	l = dhcp_lease_by_port(w->k.s, port);
	if (l && !e->a.before.client && l->addr == e->a.before.addr &&
	    w->port[port].addr != l->addr) {
		model_give(w, w->port[port].addr);
		w->port[port].addr = l->addr;
	}
}

/* What is there when something failed may be more than what would be granted. */
void model_allow(struct world *w)
{
	for (uint32_t i = 0; i < MODEL_PORTS; i++)
		w->port[i].allowed = model_clients_behind(w, i);
}

static struct model_event *add_event(struct world *w, const struct dhcp_action *a,
				     const struct person *who)
{
	struct model_event *e = &w->turn.at[w->turn.n++];

	kit_must(w->turn.n <= MODEL_TURN_MAX);
	*e = (struct model_event){ .a = *a, .who = *who };
	return e;
}

/* As netd/serve.c expire. */
static void expire(struct world *w)
{
	static const struct person nobody;
	struct dhcp_action a;

	while (dhcp_expire(w->k.s, w->k.now, &a)) {
		struct model_event *e;
		uint32_t i = a.record.addr - MODEL_FIRST;

		if (a.change == DHCP_CHANGE_NONE)
			continue;
		model_note(w, "%u ends", i);
		kit_must(a.change != DHCP_CHANGE_EXPIRED || w->promise[i].until <= model_now(w));
		kit_must(a.change != DHCP_CHANGE_FREED || w->quarantine[i] <= model_now(w));
		e = add_event(w, &a, &nobody);
		e->expiry = true;
		if (!w->breaks || model_below(w, 20))
			e->change = a.change == DHCP_CHANGE_FREED ? MODEL_DEL : MODEL_END;
	}
}

void model_end_turn(struct world *w, enum model_outcome how)
{
	static const char *const text[] = { "stored", "failed", "stored, unsaid", "lost" };
	bool stored = how == MODEL_STORED || how == MODEL_STORED_UNSAID;

	if (w->turn.n)
		model_note(w, "-- turn %s", text[how]);
	for (unsigned i = w->turn.n; how == MODEL_FAILED && i-- > 0;)
		take_back(w, &w->turn.at[i]);
	for (unsigned i = 0; stored && i < w->turn.n; i++)
		apply(w, &w->turn.at[i]);
	if (stored)
		catch_up(w);
	for (unsigned i = 0; i < w->turn.n; i++)
		settle(w, i, stored, how == MODEL_STORED || how == MODEL_FAILED);
	if (how == MODEL_FAILED)
		model_allow(w);
	if (w->turn.n && how != MODEL_LOST)
		w->k.now += KIT_SECOND;
	w->turn.n = 0;
	expire(w);
	for (uint32_t i = 0; i < MODEL_ADDRS; i++)
		if (w->promise[i].until <= model_now(w))
			w->promise[i] = (struct promise){ 0 };
}

/* As netd/ports.c port_declined: a port whose address was asked for keeps it. */
static void move_port(struct world *w, struct model_event *e)
{
	uint32_t port = e->who.port;
	uint32_t addr = port ? model_find_address(w) : 0;

	if (!addr || dhcp_port_move(w->k.s, port, addr))
		return;
	kit_must(dhcp_pool_take(w->pool, addr));
	w->port[port].addr = e->moved_to = addr;
	model_note(w, "port %u moves to %u", port, addr - MODEL_FIRST);
}

/* As netd/serve.c keep. False: it was taken back at once, and nothing is said. */
static bool keep(struct world *w, const struct dhcp_action *a, const struct person *who,
		 struct model_event **ret)
{
	struct model_event *e;
	bool fails = a->store && w->breaks && model_below(w, 50) == 0;

	kit_must(a->record.state != DHCP_LEASE_DECLINED ||
		 a->record.expires == w->k.now + KIT_QUARANTINE * KIT_SECOND);
	if (fails && !stands_unstored(a)) {
		model_note(w, "   its row is refused");
		dhcp_undo(w->k.s, a);
		model_allow(w);
		return false;
	}
	e = add_event(w, a, who);
	if (fails)
		w->port[who->port].unstored = e->unstored = true;
	else if (a->store)
		e->change = MODEL_PUT;
	e->needs_row = !fails && (a->store || a->reply == DHCP_ACK);
	e->row = row_of(w, &a->record, who->port);
	*ret = e;
	return true;
}

void model_message(struct world *w, const struct person *p, uint8_t type, struct kit_message *c)
{
	struct mac mac = model_mac(p);
	uint8_t id[2] = { 255, p->id };

	w->k.port = p->port;
	kit_message(c, &w->k, type);
	c->src = mac;
	memcpy(c->m.chaddr, mac.octet, sizeof(mac.octet));
	if (p->port == MODEL_FAR_PORT && w->k.config.relays) {
		c->m.giaddr = c->saddr = MODEL_AGENT;
		c->m.hops = 1;
		c->daddr = KIT_SERVER;
	}
	c->m.xid = model_below(w, 3);
	if (p->id)
		kit_add(c, 61, id, sizeof(id));
	if (p->firmware)
		kit_add(c, 77, "iPXE", 4);
}

void model_send(struct world *w, const struct person *p, const struct kit_message *c,
		const char *what, uint32_t addr)
{
	const struct dhcp_action *a = &w->k.action;
	const struct dhcp_lease *l;
	struct model_event *e;
	uint32_t seconds;

	kit_send(&w->k, c);
	model_note(w, "port %u card %u id %u%s: %s %d -> %s%s %d", p->port, p->card, p->id,
		   p->firmware ? " firmware" : "", what, addr ? (int)(addr - MODEL_FIRST) : -1,
		   a->reply ? dhcp_type_text(a->reply) : "", a->drop ? dhcp_drop_text(a->drop) : "",
		   a->reply && w->k.m.yiaddr ? (int)(w->k.m.yiaddr - MODEL_FIRST) : -1);
	kit_must(!w->k.out_bad);
	if ((a->change == DHCP_CHANGE_NONE && !a->reply) || !keep(w, a, p, &e))
		return;
	if (a->change == DHCP_CHANGE_DECLINED && !a->before.client)
		move_port(w, e);
	e->yiaddr = a->reply == DHCP_OFFER || a->reply == DHCP_ACK ? w->k.m.yiaddr : 0;
	if (!e->yiaddr)
		return;
	kit_must(model_is_far(e->yiaddr) == (w->k.config.relays && p->port >= w->trusted &&
					     (c->m.giaddr || model_is_far(c->m.ciaddr))));
	kit_must(w->k.m.xid == c->m.xid && !memcmp(w->k.m.chaddr, c->m.chaddr, 16));
	l = dhcp_lease_by_addr(w->k.s, KIT_NET, e->yiaddr);
	kit_must(l && (l->state == DHCP_LEASE_BOUND || a->reply == DHCP_OFFER));
	kit_must(dhcp_options_u32(&w->k.o, 51, &seconds));
	kit_must(a->reply == DHCP_OFFER || (seconds == DHCP_INFINITE && l->expires == INT64_MAX) ||
		 l->expires - l->started >= seconds * KIT_SECOND);
	e->expires = l->expires;
}

void model_conflict(struct world *w, uint32_t port)
{
	struct person own = { .port = port, .card = MODEL_OWN_CARD };
	struct dhcp_action a;
	struct model_event *e;

	/* As netd/serve.c serve_conflict. */
	if (!port || !w->port[port].there || !model_find_address(w) ||
	    !dhcp_port_conflict(w->k.s, port, w->k.now, &a))
		return;
	model_note(w, "port %u: somebody else has %u", port, a.record.addr - MODEL_FIRST);
	if (keep(w, &a, &own, &e))
		move_port(w, e);
}

void model_pass(struct world *w, int64_t seconds)
{
	model_end_turn(w, MODEL_STORED);
	model_note(w, "%lld s pass", (long long)seconds);
	w->k.now += seconds * KIT_SECOND;
	expire(w);
}

/* --- a start --- */

/* Whether the wall clock still says of this row what it did when it was written. */
static bool is_true(const struct world *w, const struct model_row *row)
{
	return row->r.expires == INT64_MAX ||
	       row->expires_wall == wall_at(w, row->r.expires + row->boot_at);
}

/* By a wall clock that was set meanwhile less may be left, and of two rows the wrong one be later.
 */
static void believe(struct world *w, uint32_t i, const struct dhcp_record *r)
{
	int64_t until = model_really(w, r->expires);

	if (w->promise[i].until > until)
		w->promise[i].until = until;
	if (w->quarantine[i] > until)
		w->quarantine[i] = until;
	w->promise[i].sure = false;
}

/* As netd/serve.c load_lease. */
static void load_row(struct world *w, uint32_t i)
{
	struct model_row *row = &w->row[i];
	struct dhcp_record r = row->r;
	bool is_former = row->boot != w->boot;

	if (!row->used)
		return;
	r.client_id = r.client_id ? row->id : NULL;
	r.port = row->port != DHCP_PORT_NONE && w->port[row->port].there ? row->port :
									   DHCP_PORT_NONE;
	if (r.port != row->port && w->k.config.identity == DHCP_IDENTITY_PORT &&
	    r.state != DHCP_LEASE_DECLINED)
		return;
	if (is_former) {
		struct store_lease l = { .started_wall = row->started_wall,
					 .expires_wall = row->expires_wall };

		serve_former_boot(&l, w->k.now, wall_at(w, model_now(w)), &r);
		kit_must(r.expires == INT64_MAX || r.state != DHCP_LEASE_BOUND ||
			 r.expires - w->k.now <= r.seconds * KIT_SECOND);
		if (!is_true(w, row))
			believe(w, i, &r);
	}
	if (!dhcp_lease_restore(w->k.s, &r) && r.state == DHCP_LEASE_DECLINED)
		dhcp_pool_take(model_pool_of(w, r.addr), r.addr);
	if (is_former)
		set_row_times(w, row, r.started, r.expires);
}

static void start_server(struct world *w)
{
	struct dhcp_limits limits = { .nets = 2,
				      .leases = MODEL_PORTS + MODEL_ADDRS,
				      .clients = w->clients };
	static const struct siphash_key key = { "of the model" };
	struct dhcp_net_config plan = { .server = w->k.config.server,
					.identity = w->k.config.identity };
	uint32_t first = model_below(w, MODEL_ADDRS);

	ck_ok(dhcp_server_new(&limits, &key, &w->k.s));
	model_make_pools(w, NULL);
	plan.pool = w->pool;
	plan.hosts = w->hosts;
	plan.relay = w->k.config.relay;
	plan.relays = w->k.config.relays;
	kit_must(dhcp_net_set(w->k.s, KIT_NET, &plan) == 0);
	for (uint32_t i = 0; i < MODEL_PORTS; i++)
		if (w->port[i].there)
			model_add_port(w, i);
	/* In any order: a table has none. */
	for (uint32_t i = 0; i < MODEL_ADDRS; i++)
		load_row(w, (first + i) % MODEL_ADDRS);
	kit_configure(&w->k);
	model_allow(w);
}

void model_crash(struct world *w, bool reboot)
{
	model_end_turn(w, MODEL_LOST);
	model_note(w, "-- %s", reboot ? "the host boots" : "the daemon is killed");
	dhcp_server_free(w->k.s);
	model_free_pools(w);
	if (reboot) {
		w->boot++;
		w->boot_at = model_now(w) + 20 * KIT_SECOND;
		w->k.now = 10 * KIT_SECOND;
	}
	for (uint32_t i = 0; i < MODEL_PORTS; i++) {
		w->port[i].addr = w->port[i].stored;
		w->port[i].unstored = false;
	}
	start_server(w);
	expire(w);
	if (model_below(w, 2))
		model_renew_all(w);
}

void model_start(struct world *w, uint64_t seed)
{
	static const enum dhcp_identity identity[] = { DHCP_IDENTITY_CLIENT_ID, DHCP_IDENTITY_MAC,
						       DHCP_IDENTITY_CLIENT_ID,
						       DHCP_IDENTITY_PORT };

	memset(w, 0, sizeof(*w));
	w->seed = w->r.state = seed;
	model_watch(w);
	kit_start(&w->k);
	dhcp_server_free(w->k.s);
	w->k.config.identity = identity[seed % ARRAY_SIZE(identity)];
	w->k.config.authoritative = model_below(w, 2);
	w->k.config.rapid_commit = model_below(w, 2);
	w->k.config.clients_max = model_below(w, 4);
	w->k.config.max_lease_time = model_below(w, 2) ? KIT_LEASE_MAX : DHCP_INFINITE;
	w->breaks = model_below(w, 4) != 0;
	/* Where the port is the identity a guest's has an address. */
	w->trusted = w->k.config.identity == DHCP_IDENTITY_PORT ? MODEL_GUESTS : MODEL_GUESTS + 1;
	w->clients = model_below(w, 2) ? 5 : 0;
	w->wall = 1700000000;
	for (uint32_t i = 0; i < MODEL_PORTS; i++) {
		w->port[i].there = true;
		w->port[i].addr = w->port[i].stored = i == 0	       ? MODEL_FIRST :
						      i < MODEL_GUESTS ? MODEL_FIRST + 1 + i :
									 0;
	}
	model_net_start(w);
	start_server(w);
}

void model_stop(struct world *w)
{
	model_watch(NULL);
	kit_stop(&w->k);
	model_free_pools(w);
}

/* --- what was promised --- */

static void renew(struct world *w, uint32_t i)
{
	struct person who = w->promise[i].who;
	struct kit_message c;

	model_message(w, &who, DHCP_REQUEST, &c);
	c.m.xid = 7 + model_below(w, 1000);
	c.m.giaddr = 0;
	c.m.ciaddr = c.saddr = MODEL_FIRST + i;
	c.daddr = KIT_SERVER;
	model_send(w, &who, &c, "renewal of", MODEL_FIRST + i);
	kit_must(w->k.action.reply == DHCP_ACK && w->k.m.yiaddr == MODEL_FIRST + i);
	model_end_turn(w, MODEL_STORED);
}

void model_renew_all(struct world *w)
{
	model_end_turn(w, MODEL_STORED);
	for (uint32_t i = 0; i < MODEL_ADDRS; i++)
		if (w->promise[i].sure && w->promise[i].until > model_now(w) &&
		    w->port[w->promise[i].who.port].there)
			renew(w, i);
}

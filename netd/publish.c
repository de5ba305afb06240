/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is published: the table, who has a port, and what of it stands in the rules.
 *
 * An entry asks for ports of the host. It is judged first: as long as a process listens on one of
 * them, or another entry has it, nothing is made of it. Of one that was judged well, elements stand
 * in the rules for as long as its guest has an allocation with an address. That is looked at again
 * at the end of every turn, so nobody has to tell when an allocation comes, changes or goes.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "daemon.h"

/* --- the table --- */

struct published *published_add(struct daemon *d, const struct published *template)
{
	struct publishes *all = &d->publishes;

	if (all->n == all->cap) {
		size_t cap = all->cap ? 2 * all->cap : 16;
		struct published *grown = realloc(all->at, cap * sizeof(*grown));

		if (!grown)
			return NULL;
		all->at = grown;
		all->cap = cap;
	}
	all->at[all->n] = *template;
	all->at[all->n].id = ++all->next;
	return &all->at[all->n++];
}

/* Keeps those that `keep` says, in order. */
static void filter(struct daemon *d, bool (*keep)(const struct published *p, const void *arg),
		   const void *arg)
{
	struct publishes *all = &d->publishes;
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++)
		if (keep(&all->at[i], arg))
			all->at[n++] = all->at[i];
	/* Who waits may have what they had. */
	if (n < all->n && published_waits(d))
		reconcile_later(d);
	all->n = n;
}

static bool is_other(const struct published *p, const void *id)
{
	return p->id != *(const uint64_t *)id;
}

void published_remove(struct daemon *d, uint64_t id)
{
	filter(d, is_other, &id);
}

void published_done(struct daemon *d)
{
	free(d->publishes.at);
	d->publishes = (struct publishes){ 0 };
}

struct published *published_find(const struct daemon *d, uint64_t id)
{
	for (size_t i = 0; i < d->publishes.n; i++)
		if (d->publishes.at[i].id == id)
			return &d->publishes.at[i];
	return NULL;
}

static bool is_for(const struct published *p, uint32_t network, const char *guest, uint32_t nic)
{
	return p->network == network && p->nic == nic && !strcmp(p->guest, guest);
}

/* --- what is configured --- */

/* An entry of the configuration that stands, with just these ports: nobody has to be asked who has
 * them. */
static bool is_held(const struct daemon *d, const struct config_publish *c, unsigned at)
{
	const struct config_published *port = &c->port[at];

	for (size_t i = 0; i < d->publishes.n; i++) {
		const struct published *p = &d->publishes.at[i];

		if (p->configured && p->made && p->address == c->address &&
		    p->port.protocol == port->protocol && p->port.port == port->port &&
		    p->port.count == port->count)
			return true;
	}
	return false;
}

static bool configure_block(struct daemon *d, const struct network *n,
			    const struct config_publish *c)
{
	struct published p = { .network = n->slot,
			       .nic = c->nic,
			       .address = c->address,
			       .configured = true,
			       .place = c->port_place };

	memcpy(p.guest, c->guest, sizeof(p.guest));
	for (unsigned i = 0; i < c->ports; i++) {
		p.port = c->port[i];
		p.judged = is_held(d, c, i);
		if (!published_add(d, &p))
			return false;
	}
	return true;
}

static bool is_current(const struct published *p, const void *last)
{
	return !p->configured || p->id > *(const uint64_t *)last;
}

void published_configure(struct daemon *d)
{
	const uint64_t last = d->publishes.next;
	bool room = true;

	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++) {
		const struct network *n = &d->network[i];

		for (unsigned j = 0; n->used && j < n->config->publishes; j++)
			room = room && configure_block(d, n, &n->config->publish[j]);
	}
	filter(d, is_current, &last);
	if (!room)
		log_error("out of memory: not all is published that the configuration has");
}

/* --- the state --- */

struct loading {
	struct daemon *d;
	const struct network *n;
};

static int load_one(void *arg, const struct store_published *row)
{
	struct loading *l = arg;
	struct published p = { .network = l->n->slot,
			       .nic = row->nic,
			       .address = row->address,
			       .port = { .protocol = row->protocol,
					 .port = row->port,
					 .to = row->to,
					 .count = row->count } };

	memcpy(p.guest, row->guest, sizeof(p.guest));
	return published_add(l->d, &p) ? 0 : -ENOMEM;
}

int published_load(struct daemon *d, const struct network *n, struct err *err)
{
	struct loading l = { .d = d, .n = n };
	int rc = store_published_list(d->store, n->config->name, load_one, &l, err);

	return rc == -ENOMEM ? err_set(err, ENOMEM, "out of memory") : rc;
}

static bool is_kept(const struct published *p, const void *slot)
{
	return p->configured || p->network != *(const uint32_t *)slot;
}

void published_forget(struct daemon *d, const struct network *n)
{
	filter(d, is_kept, &n->slot);
}

/* --- who has a port --- */

static void name_entry(const struct daemon *d, const struct published *p,
		       struct published_holder *ret)
{
	int n = snprintf(ret->who, sizeof(ret->who), "guest %s/%" PRIu32 " of network %s", p->guest,
			 p->nic, d->network[p->network].config->name);

	if (p->configured && n > 0 && (size_t)n < sizeof(ret->who))
		snprintf(ret->who + n, sizeof(ret->who) - (size_t)n, ", %s:%d", p->place.file,
			 p->place.line);
}

/* Of the entries that were judged well. */
static const struct published *find_entry(const struct daemon *d, uint32_t address,
					  const struct config_published *port)
{
	for (size_t i = 0; i < d->publishes.n; i++) {
		const struct published *p = &d->publishes.at[i];

		if (p->judged && !p->leaving &&
		    config_published_overlap(&p->port, p->address, port, address))
			return p;
	}
	return NULL;
}

/* -ENOENT (err untouched): nobody does. */
static int find_listener(struct daemon *d, uint32_t address, const struct config_published *port,
			 bool nameless, struct published_holder *ret, struct err *err)
{
	struct listen_query q = { .protocol = port->protocol,
				  .addr = address,
				  .first = port->port,
				  .last = (uint16_t)(port->port + port->count - 1),
				  .nameless = nameless };
	struct listen_holder holder;
	int rc = d->host->ops->port_listener(d->host, &q, &holder, err);

	if (rc)
		return rc;
	ret->port = holder.port;
	snprintf(ret->who, sizeof(ret->who), "%s", holder.who);
	return 0;
}

int published_holder(struct daemon *d, uint32_t address, const struct config_published *port,
		     struct published_holder *ret, struct err *err)
{
	const struct published *p = find_entry(d, address, port);

	if (!p)
		return find_listener(d, address, port, false, ret, err);
	ret->port = p->port.port > port->port ? p->port.port : port->port;
	name_entry(d, p, ret);
	return 0;
}

const char *published_port_text(const struct config_published *p, uint16_t port, char buf[16])
{
	snprintf(buf, 16, "%s:%u", p->protocol == IPPROTO_TCP ? "tcp" : "udp", port);
	return buf;
}

/* Why it cannot be published; false: it can. */
static bool find_why_not(struct daemon *d, const struct published *p, char ret[PUBLISHED_WHY_SIZE])
{
	struct published_holder holder;
	char text[16];
	struct err err;
	int rc;

	if (d->network[p->network].config->mode == BRIDGE_MODE_ISOLATED) {
		snprintf(ret, PUBLISHED_WHY_SIZE, "the network is isolated");
		return true;
	}
	rc = published_holder(d, p->address, &p->port, &holder, &err);
	if (rc && rc != -ENOENT)
		snprintf(ret, PUBLISHED_WHY_SIZE, "%.*s", PUBLISHED_WHY_SIZE - 1, err.text);
	if (!rc)
		snprintf(ret, PUBLISHED_WHY_SIZE, "%s is taken by %.*s",
			 published_port_text(&p->port, holder.port, text),
			 PUBLISHED_HOLDER_SIZE - 1, holder.who);
	return rc != -ENOENT;
}

/* Of one that a process had when it was judged last. */
static bool is_still_taken(struct daemon *d, const struct published *p)
{
	struct published_holder holder;
	struct err err;

	return p->by_process && !find_listener(d, p->address, &p->port, true, &holder, &err);
}

static void judge(struct daemon *d, struct published *p)
{
	char text[16], why[PUBLISHED_WHY_SIZE];

	if (is_still_taken(d, p))
		return;
	p->judged = !find_why_not(d, p, why);
	if (p->judged) {
		p->why_not[0] = 0;
		return;
	}
	p->by_process = !find_entry(d, p->address, &p->port);
	if (strcmp(why, p->why_not))
		log_warning("port %s/%" PRIu32 ": %s is not published: %s", p->guest, p->nic,
			    published_port_text(&p->port, p->port.port, text), why);
	memcpy(p->why_not, why, sizeof(p->why_not));
}

/* What was promised at run time comes before what was configured since. */
void published_judge(struct daemon *d)
{
	for (int configured = 0; configured < 2; configured++)
		for (size_t i = 0; i < d->publishes.n; i++) {
			struct published *p = &d->publishes.at[i];

			if (!p->judged && !p->leaving && p->configured == configured)
				judge(d, p);
		}
}

bool published_waits(const struct daemon *d)
{
	for (size_t i = 0; i < d->publishes.n; i++)
		if (!d->publishes.at[i].judged && !d->publishes.at[i].leaving)
			return true;
	return false;
}

/* --- reload --- */

/* What was published at run time for a guest of a network that stays. */
static const struct published *find_rival(const struct daemon *d, const struct config *c,
					  const struct config_publish *publish, unsigned at)
{
	for (size_t i = 0; i < d->publishes.n; i++) {
		const struct published *p = &d->publishes.at[i];

		if (!p->configured && !p->leaving && p->judged &&
		    config_published_overlap(&p->port, p->address, &publish->port[at],
					     publish->address) &&
		    config_network_find(c, d->network[p->network].config->name))
			return p;
	}
	return NULL;
}

static int check_port(struct daemon *d, const struct config *c, const struct config_publish *p,
		      unsigned at, struct refusal *r)
{
	const struct published *rival = find_rival(d, c, p, at);
	struct published_holder holder;
	struct err err;
	char text[16];
	int rc = -ENOENT;

	if (rival) {
		holder.port = p->port[at].port;
		if (rival->port.port > holder.port)
			holder.port = rival->port.port;
		name_entry(d, rival, &holder);
	} else if (!is_held(d, p, at)) {
		rc = find_listener(d, p->address, &p->port[at], false, &holder, &err);
	}
	if (!rival && rc == -ENOENT)
		return 0;
	refuse(r, REFUSED_CONFIGURATION, NULL, NULL);
	if (!rival && rc)
		r->detail = err;
	else
		err_put(&r->detail, "%s:%d: port: %s is taken by %s", p->port_place.file,
			p->port_place.line, published_port_text(&p->port[at], holder.port, text),
			holder.who);
	return -1;
}

int published_check(struct daemon *d, const struct config *c, const struct config_network *n,
		    struct refusal *r)
{
	int rc = 0;

	for (unsigned j = 0; j < n->publishes; j++) {
		const struct config_publish *p = &n->publish[j];

		for (unsigned at = 0; at < p->ports && !rc; at++)
			rc = check_port(d, c, p, at, r);
	}
	return rc;
}

/* --- rules --- */

/* What is to stand in the rules of it; false: nothing. */
static bool is_wanted(struct daemon *d, const struct published *p, struct nft_publish *ret)
{
	const struct network *n = &d->network[p->network];
	const struct port *port;

	if (!p->judged || p->leaving || !n->used || !network_stands(n))
		return false;
	port = port_find(d, p->network, p->guest, p->nic);
	if (!port || !port->address)
		return false;
	*ret = (struct nft_publish){ .addr = p->address,
				     .protocol = p->port.protocol,
				     .port = p->port.port,
				     .count = p->port.count,
				     .to = port->address,
				     .to_port = p->port.to };
	return true;
}

size_t published_plan(struct daemon *d, struct nft_publish *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < d->publishes.n; i++)
		n += is_wanted(d, &d->publishes.at[i], &ret[n]);
	return n;
}

void published_planned(struct daemon *d)
{
	for (size_t i = 0; i < d->publishes.n; i++) {
		struct published *p = &d->publishes.at[i];

		p->made = is_wanted(d, p, &p->rule);
	}
	d->publishes.changed = true;
}

/* Elements that go, and that come. */
struct changes {
	struct nft_publish *del, *add;
	size_t dels, adds;
};

static void collect(struct daemon *d, struct changes *c)
{
	for (size_t i = 0; i < d->publishes.n; i++) {
		const struct published *p = &d->publishes.at[i];
		struct nft_publish rule;
		bool wanted = is_wanted(d, p, &rule);

		if (wanted == p->made && (!wanted || rule.to == p->rule.to))
			continue;
		if (p->made)
			c->del[c->dels++] = p->rule;
		if (wanted)
			c->add[c->adds++] = rule;
	}
}

static bool has_changes(struct daemon *d)
{
	for (size_t i = 0; i < d->publishes.n; i++) {
		const struct published *p = &d->publishes.at[i];
		struct nft_publish rule;
		bool wanted = is_wanted(d, p, &rule);

		if (wanted != p->made || (wanted && rule.to != p->rule.to))
			return true;
	}
	return false;
}

static int change_elements(struct daemon *d, struct err *err)
{
	struct nft_publish *all = calloc(2 * d->publishes.n, sizeof(*all));
	struct changes c = { .del = all };
	int rc;

	if (!all)
		return err_set(err, ENOMEM, "out of memory");
	c.add = all + d->publishes.n;
	collect(d, &c);
	rc = d->host->ops->publish_change(d->host, c.del, c.dels, c.add, c.adds, err);
	free(all);
	return rc;
}

/* When the rules are not known they are about to be made, with all that is published. */
static int sync_elements(struct daemon *d, struct err *err)
{
	int rc;

	if (!d->rules || !has_changes(d))
		return 0;
	rc = change_elements(d, err);
	if (!rc) {
		published_planned(d);
		return 0;
	}
	/* They are not what they should be: all are made anew. */
	free(d->rules);
	d->rules = NULL;
	reconcile_later(d);
	return rc;
}

bool published_localnet(const struct daemon *d, const struct network *n)
{
	for (size_t i = 0; i < d->publishes.n; i++)
		if (d->publishes.at[i].made && d->publishes.at[i].network == n->slot)
			return true;
	return false;
}

static int sync_localnet(struct daemon *d, struct err *err)
{
	int rc = 0;

	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX && !rc; i++) {
		struct network *n = &d->network[i];
		bool on;

		if (!n->used || !n->up)
			continue;
		on = published_localnet(d, n);
		if (on == n->localnet)
			continue;
		rc = d->host->ops->localnet_set(d->host, n->bridge, on, err);
		if (!rc)
			n->localnet = on;
		else
			reconcile_later(d);
	}
	return rc;
}

/* In every turn, so this is cheap when nothing is published. */
int published_sync(struct daemon *d, struct err *err)
{
	int rc = sync_elements(d, err);

	if (!rc)
		rc = reflect_sync(d, err);
	if (rc || !d->publishes.changed)
		return rc;
	rc = sync_localnet(d, err);
	d->publishes.changed = rc != 0;
	coexist_later(d); /* somebody's firewall may be in the way of what is new */
	return rc;
}

void published_follow(struct daemon *d)
{
	struct err err;
	unsigned held_back;

	if (published_sync(d, &err) && log_allow(&d->publish_log, loop_now(d->loop), &held_back))
		log_error("published ports: %s (%u more like this)", err.text, held_back);
}

/* --- ports --- */

static void mark(struct daemon *d, const struct port *p, bool leaving)
{
	for (size_t i = 0; i < d->publishes.n; i++) {
		struct published *one = &d->publishes.at[i];

		if (!one->configured && is_for(one, p->network, p->guest, p->nic))
			one->leaving = leaving;
	}
}

void published_leave(struct daemon *d, const struct port *p)
{
	mark(d, p, true);
}

void published_stay(struct daemon *d, const struct port *p)
{
	mark(d, p, false);
}

static bool is_not_left(const struct published *p, const void *port)
{
	const struct port *of = port;

	return !p->leaving || !is_for(p, of->network, of->guest, of->nic);
}

/* First what still stands in the rules. */
void published_gone(struct daemon *d, const struct port *p)
{
	published_follow(d);
	filter(d, is_not_left, p);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fake host: rules of nf_tables, and what listens and is published on the host. */
#include <string.h>

#include "base/cleanup.h"
#include "fake_ops.h"

static void add_element(struct fake_host *f, const struct nft_port *port)
{
	for (unsigned i = 0; i < f->elements; i++)
		if (f->element[i] == port->ifindex)
			return;
	if (!port->dhcp)
		return;
	fake_must(f->elements < FAKE_ELEMENTS, "no room for an element");
	f->element[f->elements++] = port->ifindex;
}

int fake_rules_replace(struct host *h, const struct nft_plan *plan, struct err *err)
{
	struct fake_host *f = fake_of(h);
	int rc = fake_maybe_fail(h, err);

	if (rc)
		return rc;
	f->rules = plan != NULL;
	f->replaced++;
	f->networks = plan ? (unsigned)plan->networks : 0;
	if (plan && f->see_plan)
		f->see_plan(plan);
	f->elements = f->publishes = 0;
	for (size_t i = 0; plan && i < plan->publishes; i++)
		f->published[f->publishes++] = plan->publish[i];
	for (size_t i = 0; plan && i < plan->ports; i++)
		add_element(f, &plan->port[i]);
	f->drops = f->clients = 0;
	for (size_t i = 0; plan && i < plan->clients; i++)
		f->client[f->clients++] = plan->client[i];
	memset(f->captured, 0, sizeof(f->captured));
	for (size_t i = 0; plan && i < plan->captures; i++)
		f->captured[plan->captured[i] % FAKE_LINKS] = true;
	return 0;
}

int fake_rules_port_add(struct host *h, const struct nft_port *port, struct err *err)
{
	struct fake_host *f = fake_of(h);
	int rc = fake_maybe_fail(h, err);

	if (rc)
		return rc;
	add_element(f, port);
	if (f->see_port)
		f->see_port(port, true);
	return 0;
}

int fake_rules_port_del(struct host *h, const struct nft_port *port, struct err *err)
{
	struct fake_host *f = fake_of(h);

	(void)err; /* undoing is not made to fail: what could not be undone is logged, and
		      reconciled later */
	for (unsigned i = 0; i < f->elements && port->dhcp; i++)
		if (f->element[i] == port->ifindex)
			f->element[i] = f->element[--f->elements];
	if (f->see_port)
		f->see_port(port, false);
	return 0;
}

int fake_rules_port_move(struct host *h, const struct nft_port *from, const struct nft_port *to,
			 struct err *err)
{
	int rc = fake_rules_port_del(h, from, err);

	return rc ? rc : fake_rules_port_add(h, to, err);
}

int fake_rules_owner_del(struct host *h, const struct nft_owner *owner, struct err *err)
{
	(void)h;
	(void)owner;
	(void)err;
	return 0;
}

int fake_rules_client_add(struct host *h, const struct nft_client *c, struct err *err)
{
	struct fake_host *f = fake_of(h);
	int rc = fake_maybe_fail(h, err);

	if (rc)
		return rc;
	fake_must(f->clients < FAKE_ELEMENTS, "no room for a client");
	f->client[f->clients++] = *c;
	return 0;
}

int fake_rules_client_del(struct host *h, const struct nft_client *c, struct err *err)
{
	struct fake_host *f = fake_of(h);

	(void)err;
	for (unsigned i = 0; i < f->clients; i++)
		if (f->client[i].ifindex == c->ifindex &&
		    f->client[i].source.addr == c->source.addr)
			f->client[i] = f->client[--f->clients];
	return 0;
}

int fake_drops_list(struct host *h, nft_drops_fn fn, void *arg, struct err *err)
{
	struct fake_host *f = fake_of(h);

	(void)err;
	for (unsigned i = 0; i < f->drops; i++)
		fn(arg, &f->drop[i]);
	return 0;
}

int fake_drops_forget(struct host *h, uint32_t ifindex, struct err *err)
{
	struct fake_host *f = fake_of(h);

	(void)err;
	for (unsigned i = f->drops; i-- > 0;)
		if (f->drop[i].ifindex == ifindex)
			f->drop[i] = f->drop[--f->drops];
	return 0;
}

static struct nft_publish *find_published(struct fake_host *f, const struct nft_publish *p)
{
	for (unsigned i = 0; i < f->publishes; i++)
		if (f->published[i].addr == p->addr && f->published[i].protocol == p->protocol &&
		    f->published[i].port == p->port)
			return &f->published[i];
	return NULL;
}

/* As nf_tables does: what is taken away has to be there, what is added must not. */
int fake_publish_change(struct host *h, const struct nft_publish *del, size_t dels,
			const struct nft_publish *put, size_t puts, struct err *err)
{
	struct fake_host *f = fake_of(h);
	int rc = fake_maybe_fail(h, err);

	for (size_t i = 0; i < dels && !rc; i++) {
		struct nft_publish *p = find_published(f, &del[i]);

		fake_must(p && p->to == del[i].to, "what is not published is taken away");
		*p = f->published[--f->publishes];
	}
	for (size_t i = 0; i < puts && !rc; i++) {
		fake_must(!find_published(f, &put[i]), "a port is published twice");
		fake_must(f->publishes < FAKE_ELEMENTS, "no room for a published port");
		f->published[f->publishes++] = put[i];
	}
	return rc;
}

int fake_reflect_change(struct host *h, const struct nft_reflect *reflect, bool on, struct err *err)
{
	int rc = fake_maybe_fail(h, err);

	if (!rc)
		fake_of(h)->reflected[reflect->ifindex % FAKE_LINKS] = on;
	return rc;
}

int fake_port_listener(struct host *h, const struct listen_query *q, struct listen_holder *ret,
		       struct err *err)
{
	const struct listen_query *l = &fake_of(h)->listening;
	int rc = fake_maybe_fail(h, err);

	if (rc)
		return rc;
	if (l->protocol != q->protocol || l->last < q->first || q->last < l->first ||
	    (l->addr && q->addr && l->addr != q->addr))
		return -ENOENT;
	ret->port = l->first > q->first ? l->first : q->first;
	snprintf(ret->who, sizeof(ret->who), "process nginx (pid 812)");
	return 0;
}

int fake_localnet_get(struct host *h, const char *link, bool *ret, struct err *err)
{
	int rc = fake_maybe_fail(h, err);

	if (!rc)
		*ret = fake_of(h)->localnet[fake_forwarding_slot(h, link)];
	return rc;
}

int fake_localnet_set(struct host *h, const char *link, bool on, struct err *err)
{
	int rc = fake_maybe_fail(h, err);

	if (!rc)
		fake_of(h)->localnet[fake_forwarding_slot(h, link)] = on;
	return rc;
}

/* The link is there for as long as the test does not say otherwise; descriptors are real, to be
 * counted. */

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lease table against a model that is too simple to be wrong, with random operations. */
#include "dhcp_kit.h"

enum { NETS = 2, PORTS = 24, ADDRS = 20, CAP = 24 };

struct entry {
	bool used;
	uint32_t net, addr, port;
	enum dhcp_lease_state state;
	int64_t expires;
};

/* The table as a list that is searched from end to end. */
struct model {
	struct dhcp_server *s;
	struct entry at[CAP];
	unsigned n;
	int64_t now;
};

static struct entry *by_port(struct model *m, uint32_t port)
{
	for (unsigned i = 0; i < CAP; i++)
		if (m->at[i].used && m->at[i].port == port)
			return &m->at[i];
	return NULL;
}

static struct entry *by_addr(struct model *m, uint32_t net, uint32_t addr)
{
	for (unsigned i = 0; i < CAP; i++)
		if (m->at[i].used && m->at[i].net == net && m->at[i].addr == addr)
			return &m->at[i];
	return NULL;
}

static void put(struct model *m, struct entry e)
{
	unsigned i = 0;

	while (m->at[i].used)
		i++;
	m->at[i] = e;
	m->at[i].used = true;
	m->n++;
}

static void drop(struct model *m, struct entry *e)
{
	e->used = false;
	m->n--;
}

static void step_add(struct model *m, uint32_t net, uint32_t port, uint32_t addr)
{
	struct dhcp_port p = { .net = net, .port = port, .addr = addr };
	int want = by_port(m, port) || by_addr(m, net, addr) ? -EEXIST : m->n == CAP ? -ENOSPC : 0;

	kit_must(dhcp_port_add(m->s, &p) == want);
	if (!want)
		put(m,
		    (struct entry){ .net = net, .addr = addr, .port = port, .expires = INT64_MAX });
}

static void step_del(struct model *m, uint32_t port)
{
	struct entry *e = by_port(m, port);

	dhcp_port_del(m->s, port);
	if (e)
		drop(m, e);
}

static void step_move(struct model *m, uint32_t port, uint32_t addr)
{
	struct entry *e = by_port(m, port);
	int want = !e ? -ENOENT : by_addr(m, e->net, addr) ? -EEXIST : m->n == CAP ? -ENOSPC : 0;

	kit_must(dhcp_port_move(m->s, port, addr) == want);
	if (want)
		return;
	put(m, (struct entry){ .net = e->net, .addr = addr, .port = port, .expires = INT64_MAX });
	e->port = DHCP_PORT_NONE;
	if (e->state != DHCP_LEASE_DECLINED)
		drop(m, e);
}

static void step_restore(struct model *m, uint32_t net, uint32_t addr, enum dhcp_lease_state state,
			 int64_t expires)
{
	struct dhcp_record r = { .net = net, .addr = addr, .state = state, .expires = expires };
	struct entry *e = by_addr(m, net, addr);
	int want = e ? 0 : state != DHCP_LEASE_DECLINED ? -ENOENT : m->n == CAP ? -ENOSPC : 0;

	/* Nothing but a quarantine is ever stored of an address without a port. */
	if (e && e->port == DHCP_PORT_NONE && state != DHCP_LEASE_DECLINED)
		return;
	kit_must(dhcp_lease_restore(m->s, &r) == want);
	if (want)
		return;
	if (!e) {
		put(m, (struct entry){ .net = net, .addr = addr, .port = DHCP_PORT_NONE });
		e = by_addr(m, net, addr);
	}
	e->state = state;
	e->expires = state == DHCP_LEASE_BOUND || state == DHCP_LEASE_DECLINED ||
				     state == DHCP_LEASE_OFFERED ?
			     expires :
			     INT64_MAX;
}

static int64_t model_next(const struct model *m)
{
	int64_t next = INT64_MAX;

	for (unsigned i = 0; i < CAP; i++)
		if (m->at[i].used && m->at[i].expires < next)
			next = m->at[i].expires;
	return next;
}

static void step_expire(struct model *m)
{
	int64_t next = model_next(m);
	struct dhcp_action a;
	struct entry *e;

	kit_must(dhcp_next(m->s) == next);
	kit_must(dhcp_expire(m->s, m->now, &a) == (next <= m->now));
	if (next > m->now)
		return;
	e = by_addr(m, a.before.net, a.before.addr);
	kit_must(e && e->expires == next && e->state == a.before.state);
	e->expires = INT64_MAX;
	e->state = e->state == DHCP_LEASE_BOUND ? DHCP_LEASE_EXPIRED : DHCP_LEASE_FREE;
	kit_must(a.record.state == e->state);
	if (e->port == DHCP_PORT_NONE)
		drop(m, e);
}

static void same(const struct dhcp_lease *l, const struct entry *e)
{
	kit_must((l != NULL) == (e != NULL));
	if (l)
		kit_must(l->net == e->net && l->addr == e->addr && l->port == e->port &&
			 l->state == e->state && l->expires == e->expires);
}

static void compare(struct model *m)
{
	for (uint32_t port = 0; port < PORTS; port++)
		same(dhcp_lease_by_port(m->s, port), by_port(m, port));
	for (uint32_t net = 0; net < NETS; net++)
		for (uint32_t addr = 1; addr <= ADDRS; addr++)
			same(dhcp_lease_by_addr(m->s, net, addr), by_addr(m, net, addr));
}

static void step(struct model *m, struct kit_random *r)
{
	uint32_t net = kit_below(r, NETS), port = kit_below(r, PORTS),
		 addr = 1 + kit_below(r, ADDRS);
	int64_t expires = m->now + kit_below(r, 50);

	switch (kit_below(r, 8)) {
	case 0:
	case 1:
	case 2:
		step_add(m, net, port, addr);
		break;
	case 3:
		step_del(m, port);
		break;
	case 4:
		step_move(m, port, addr);
		break;
	case 5:
	case 6:
		step_restore(m, net, addr, (enum dhcp_lease_state)kit_below(r, 6), expires);
		break;
	default:
		m->now += kit_below(r, 20);
		step_expire(m);
		break;
	}
}

START_TEST(random_operations)
{
	static const struct siphash_key key = { { 3 } };
	static const struct dhcp_limits limits = { .nets = NETS, .leases = CAP };
	struct kit_random r = { (uint64_t)_i + 1 };
	struct model m = { .now = 1 };

	ck_ok(dhcp_server_new(&limits, &key, &m.s));
	for (unsigned round = 0; round < 5000; round++) {
		step(&m, &r);
		compare(&m);
	}
	dhcp_server_free(m.s);
}
END_TEST

UNIT_SUITE(dhcp_lease_model)
{
	tcase_add_loop_test(tc, random_operations, 0, 4);
}

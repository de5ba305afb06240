/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Clients that do things at random, against what they were promised: nobody is given an address
 * that another may still use, and the pool knows of each.
 */
#include "client_kit.h"
#include "sequence.h"

enum { PEOPLE = 12, STEPS = 4000 };

/* What a client was told: until then the address is its own. */
struct promise {
	uint32_t addr;
	int64_t until;
};

static void keep_promises(const struct promise *p, unsigned who, uint32_t addr, int64_t now)
{
	for (unsigned i = 0; i < PEOPLE; i++)
		kit_must(i == who || p[i].addr != addr || p[i].until <= now);
}

static void random_step(struct net *n, struct sequence *r, struct promise *p)
{
	unsigned i = sequence_below(r, PEOPLE);
	const struct who w = { i % 2 ? SHARED : SHARED2, (uint8_t)(i + 1), NULL, NULL };
	uint32_t any = FIRST + sequence_below(r, POOL + 1), addr = 0;
	struct dhcp_action a;

	switch (sequence_below(r, 8)) {
	case 0:
	case 1:
		addr = discover(n, &w, any);
		break;
	case 2:
	case 3:
		addr = request(n, &w, KIT_SERVER, any, 0);
		break;
	case 4:
		addr = request(n, &w, 0, 0, p[i].addr ? p[i].addr : any);
		break;
	case 5:
		if (!p[i].addr || p[i].until <= n->k.now)
			break;
		release(n, &w, p[i].addr);
		p[i].addr = 0;
		break;
	case 6:
		kit_pass(&n->k, sequence_below(r, 900));
		break;
	default:
		if (sequence_below(r, 20))
			break;
		while (dhcp_port_end(n->k.s, SHARED, &a))
			;
		for (unsigned j = 1; j < PEOPLE; j += 2)
			p[j].addr = 0;
		break;
	}
	if (!addr)
		return;
	keep_promises(p, i, addr, n->k.now);
	if (n->k.action.reply != DHCP_ACK)
		return;
	if (n->k.action.store && sequence_below(r, 5) == 0) { /* it could not be stored */
		dhcp_undo(n->k.s, &n->k.action);
		return;
	}
	p[i] = (struct promise){ addr, n->k.now + KIT_LEASE_TIME * KIT_SECOND };
}

START_TEST(promises_are_kept)
{
	struct sequence r = { .state = (uint64_t)_i };
	struct promise p[PEOPLE] = { 0 };
	struct net n CLEAN_NET;

	net_start(&n, DHCP_IDENTITY_MAC);
	for (unsigned step = 0; step < STEPS; step++) {
		random_step(&n, &r, p);
		check_pool(&n);
	}
}
END_TEST

UNIT_SUITE(dhcp_client_model)
{
	tcase_add_loop_test(tc, promises_are_kept, 0, 16);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server against a model of what it has promised, with random events: turns of several packets
 * whose commit works, fails or is never reached, daemons that are killed and hosts that boot,
 * clocks that are set, ports and pools that change.
 *
 * The model (model_kit.c) knows who was acknowledged which address until when, which are in
 * quarantine and reserved, and which rows are on disk; from these rows a killed server is built
 * again, with the calls that netd makes. Here are the events.
 *
 * NETD_SEED=n replays one run, NETD_EVENTS=n makes each that long. A run that fails prints its seed
 * and its last events.
 */
#include "model_kit.h"

enum { RUNS = 24, EVENTS = 8000, DAY = 86400 };

/* --- packets --- */

static struct person anybody(struct world *w)
{
	struct person p = { .port = model_below(w, MODEL_PORTS),
			    .card = (uint8_t)model_below(w, MODEL_CARDS),
			    .id = (uint8_t)model_below(w, MODEL_IDS),
			    .firmware = model_below(w, 6) == 0 };

	if (p.port < MODEL_GUESTS && model_below(w, 2))
		p = (struct person){ .port = p.port, .card = MODEL_OWN_CARD };
	return p;
}

/* Mostly somebody who has an address, in *ret_addr, and has something to lose. */
static struct person somebody(struct world *w, uint32_t *ret_addr)
{
	uint32_t i = model_below(w, MODEL_ADDRS);

	*ret_addr = MODEL_FIRST + i;
	if (model_below(w, 4) && w->promise[i].until > model_now(w) &&
	    w->port[w->promise[i].who.port].there)
		return w->promise[i].who;
	return anybody(w);
}

static void say_discover(struct world *w, const struct person *p, uint32_t addr)
{
	struct kit_message c;

	model_message(w, p, DHCP_DISCOVER, &c);
	if (model_below(w, 2))
		kit_add_u32(&c, 50, addr);
	if (model_below(w, 8) == 0)
		kit_add(&c, 80, "", 0);
	if (model_below(w, 8) == 0)
		kit_add_u8(&c, 116, 1);
	model_send(w, p, &c, "DISCOVER", addr);
}

static void say_request(struct world *w, const struct person *p, uint32_t addr)
{
	enum { SELECTING, OTHERS, INIT_REBOOT, RENEWING, REBINDING, KINDS };
	uint32_t kind = model_below(w, KINDS);
	struct kit_message c;

	model_message(w, p, DHCP_REQUEST, &c);
	if (kind == SELECTING || kind == OTHERS)
		kit_add_u32(&c, 54, kind == SELECTING ? KIT_SERVER : KIT_SERVER + 1);
	if (kind == RENEWING || kind == REBINDING)
		c.m.ciaddr = c.saddr = addr;
	else
		kit_add_u32(&c, 50, addr);
	if (kind == RENEWING) { /* that is routed */
		c.m.giaddr = 0;
		c.daddr = KIT_SERVER;
	}
	if (model_below(w, 8) == 0)
		kit_add_u32(&c, 51, model_below(w, 4) ? model_below(w, 4000) : UINT32_MAX);
	model_send(w, p, &c, "REQUEST", addr);
}

static void say_farewell(struct world *w, const struct person *p, uint8_t type, uint32_t addr)
{
	struct kit_message c;

	model_message(w, p, type, &c);
	if (type == DHCP_INFORM || type == DHCP_RELEASE) {
		c.m.giaddr = 0;
		c.m.ciaddr = c.saddr = addr;
	} else {
		kit_add_u32(&c, 50, addr);
	}
	if (model_below(w, 16))
		kit_add_u32(&c, 54, KIT_SERVER);
	model_send(w, p, &c, dhcp_type_text(type), addr);
}

/* What has been offered to somebody, taken. */
static void say_exchange(struct world *w, const struct person *p)
{
	struct kit_message c;
	uint32_t addr;

	model_message(w, p, DHCP_DISCOVER, &c);
	model_send(w, p, &c, "DISCOVER", 0);
	addr = w->k.action.reply == DHCP_OFFER ? w->k.m.yiaddr : 0;
	if (!addr)
		return;
	if (model_below(w, 6) == 0)
		model_end_turn(w, model_below(w, 8) ? MODEL_STORED : MODEL_FAILED);
	model_message(w, p, DHCP_REQUEST, &c);
	kit_add_u32(&c, 54, KIT_SERVER);
	kit_add_u32(&c, 50, addr);
	model_send(w, p, &c, "REQUEST", addr);
}

/* Many cards that nobody has, behind one port. */
static void flood(struct world *w, uint8_t type)
{
	struct person p = anybody(w);

	for (unsigned i = 0; i < 8; i++) {
		p.card = (uint8_t)(MODEL_CARDS + model_below(w, 64));
		p.id = 0;
		if (type == DHCP_DISCOVER)
			say_discover(w, &p, MODEL_FIRST + model_below(w, MODEL_ADDRS));
		else
			say_farewell(w, &p, type, MODEL_FIRST + model_below(w, MODEL_ADDRS));
	}
}

/* No DHCP at all, but for its first octets. */
static void babble(struct world *w)
{
	struct person p = anybody(w);
	uint8_t octets[300];
	struct kit_message c;

	model_message(w, &p, 0, &c);
	memset(octets, 0, sizeof(octets));
	for (unsigned i = 0; i < sizeof(octets); i += 1 + model_below(w, 30))
		octets[i] = (uint8_t)model_below(w, 256);
	octets[0] = 1;
	kit_send_payload(&w->k, &c, octets, 200 + model_below(w, 101));
	kit_must(!w->k.action.reply && w->k.action.change == DHCP_CHANGE_NONE);
}

static void packet(struct world *w)
{
	uint32_t addr;
	struct person p = somebody(w, &addr);

	switch (model_below(w, 16)) {
	case 0:
	case 1:
	case 2:
		say_discover(w, &p, addr);
		break;
	case 3:
	case 4:
	case 5:
	case 6:
	case 7:
		say_request(w, &p, addr);
		break;
	case 8:
	case 9:
	case 10:
		say_exchange(w, &p);
		break;
	case 11:
	case 12:
		say_farewell(w, &p, DHCP_RELEASE, addr);
		break;
	case 13:
		say_farewell(w, &p, DHCP_INFORM, addr);
		break;
	case 14:
		if (model_below(w, 3) == 0)
			flood(w, model_below(w, 4) ? DHCP_DISCOVER : DHCP_DECLINE);
		else
			babble(w);
		break;
	default:
		say_farewell(w, &p, DHCP_DECLINE, addr);
		break;
	}
}

/* --- everything else --- */

/* The turn ends, mostly well, and sometimes with the daemon. */
static void end_turn(struct world *w)
{
	uint32_t how = model_below(w, 200);

	if (how < 2) {
		model_crash(w, false);
	} else if (how < 4) {
		model_end_turn(w, MODEL_STORED_UNSAID);
		model_crash(w, false);
	} else if (how < 7) {
		model_end_turn(w, MODEL_STORED);
		model_crash(w, how == 6);
	} else {
		model_end_turn(w, how < 15 && w->breaks ? MODEL_FAILED : MODEL_STORED);
	}
}

static void pass_time(struct world *w)
{
	static const uint32_t most[] = { 3, 20, 60, 400, 1200, 5000, 3 * DAY };
	uint32_t i = model_below(w, 60);

	model_pass(w, 1 + model_below(w, most[i < ARRAY_SIZE(most) ? i : i % 4]));
}

static void step_wall(struct world *w)
{
	w->wall += model_below(w, 2) ? DAY : -DAY;
	model_note(w, "the wall clock is set to %+lld s", (long long)w->wall);
}

static void step(struct world *w)
{
	uint32_t what = model_below(w, 100);

	if (what < 78)
		packet(w);
	else if (what < 82)
		model_conflict(w, model_below(w, MODEL_GUESTS));
	else if (what < 92)
		pass_time(w);
	else if (what < 96)
		model_port_toggle(w, model_below(w, MODEL_PORTS));
	else if (what < 97)
		step_wall(w);
	else if (what < 98)
		model_reload(w);
	else
		model_renew_all(w);
	if (w->turn.n == MODEL_TURN || model_below(w, 3))
		end_turn(w);
	model_check(w);
}

static uint64_t number_of(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

START_TEST(promises_are_kept)
{
	uint64_t seed = number_of("NETD_SEED", (uint64_t)_i),
		 events = number_of("NETD_EVENTS", EVENTS);
	struct world w CLEAN_MODEL;

	if (_i && getenv("NETD_SEED")) /* one is enough */
		seed = events = 0;
	model_start(&w, seed);
	for (uint64_t i = 0; i < events; i++)
		step(&w);
	model_end_turn(&w, MODEL_STORED);
	model_crash(&w, true);
	model_renew_all(&w);
	kit_must(w.acks >= events / 40); /* it was not all refusals */
}
END_TEST

UNIT_SUITE(dhcp_model)
{
	tcase_set_timeout(tc, 0); /* NETD_EVENTS takes as long as it takes */
	tcase_add_loop_test(tc, promises_are_kept, 0, RUNS);
}

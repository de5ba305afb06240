/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What becomes of a guest's packet in chains of others: no, maybe, yes. */
#include <linux/netfilter/nf_conntrack_common.h>

#include "foreign_kit.h"
#include "unit.h"

static struct foreign *f;
static struct foreign_chain *base;
static struct foreign_packet packet;

static void know(struct foreign_octets *o, unsigned at, const void *data, size_t len)
{
	memcpy(o->at + at, data, len);
	memset(o->known + at, 0xff, len);
}

/* A new connection from 10.77.0.0/24 on nd-default to up0, of any protocol, to anywhere. */
static void setup(void)
{
	f = foreign_new();
	ck_assert_ptr_nonnull(f);
	base = foreign_kit_chain(f, "ip filter FORWARD forward 0 accept");
	packet = (struct foreign_packet){ .state = NF_CT_STATE_BIT(IP_CT_NEW), .iif_ours = true };
	know(&packet.iif, 0, "nd-default\0\0\0\0\0", 16);
	know(&packet.oif, 0, "up0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	know(&packet.network, FOREIGN_AT_SOURCE, "\x0a\x4d\0", 3);
}

static void teardown(void)
{
	foreign_free(f);
}

static struct foreign_fate walk(void)
{
	struct foreign_fate fate;

	foreign_walk(f, base, &packet, NULL, &fate);
	return fate;
}

/* "-" nothing drops it, "?" something may, "!" something does unless something accepts it, "X" it
 * is dropped. */
static char sign(const struct foreign_fate *fate)
{
	if (!fate->may_drop)
		return '-';
	if (!fate->may_accept)
		return 'X';
	return fate->policy || fate->certain ? '!' : '?';
}

/* --- one rule --- */

static const struct {
	const char *rule;
	char sign;
} rules[] = {
	{ "drop", 'X' },
	{ "counter log drop", 'X' },
	{ "accept", '-' },
	{ "reject", 'X' },
	{ "iif nd-default drop", 'X' },
	{ "iif nd-* drop", 'X' },
	{ "iif nd-x* drop", '-' },
	{ "iif nd-defaul drop", '-' },
	{ "iif nd-default2 drop", '-' },
	{ "! iif nd-default drop", '-' },
	{ "! iif eth0 drop", 'X' },
	{ "iif nd-default oif up0 drop", 'X' },
	{ "iif nd-default oif up1 drop", '-' },
	{ "saddr 10.77.0.0/24 drop", 'X' },
	{ "saddr 10.0.0.0/8 drop", 'X' },
	{ "saddr 0.0.0.0/0 drop", 'X' },
	{ "saddr 10.77.0.0/25 drop", '?' },
	{ "saddr 10.77.0.9/32 drop", '?' },
	{ "saddr 10.77.1.9/32 drop", '-' },
	{ "! saddr 10.77.0.9/32 drop", '?' },
	{ "! saddr 10.77.1.0/24 drop", 'X' },
	{ "! saddr 10.77.0.0/24 drop", '-' },
	{ "daddr 192.168.0.0/16 drop", '-' }, /* whoever drops those means to */
	{ "daddr 192.168.0.7/32 proto tcp reject", '-' },
	{ "! daddr 192.168.0.0/16 drop", '?' },
	{ "proto tcp drop", '?' },
	{ "proto tcp dport 25 drop", '?' },
	{ "state new drop", 'X' },
	{ "state established drop", '-' },
	{ "state invalid drop", '-' },
	{ "! state established drop", 'X' },
	{ "dnat drop", '-' },
	{ "mark 1 drop", '?' },
	{ "limit drop", '?' },
	{ "unknown drop", '?' },
	{ "fib drop", '?' },
	{ "xt comment drop", 'X' },
	{ "xt recent drop", '?' },
	{ "xt-state new drop", 'X' },
	{ "xt-state related drop", '-' },
	{ "! xt-state established drop", 'X' },
	{ "xt-local drop", '-' },
	{ "! xt-local drop", 'X' },
	{ "target REJECT", 'X' },
	{ "target LOG", '-' },
	{ "iif eth0 target REJECT", '-' },
	{ "limit target REJECT", '?' },
	{ "target NFQUEUE", '?' },
	{ "target XYZ", '?' },
	{ "queue", '?' },
	{ "jump NOWHERE", '?' },
};

START_TEST(rule)
{
	struct foreign_fate fate;

	foreign_kit_rule(f, base, rules[_i].rule);
	fate = walk();
	ck_assert_msg(sign(&fate) == rules[_i].sign, "%s: %c", rules[_i].rule, sign(&fate));
}
END_TEST

/* --- what is known of ports --- */

static const struct {
	const char *rule;
	char sign;
} port_rules[] = {
	{ "proto udp dport 53 drop", 'X' }, { "proto udp dport 54 drop", '-' },
	{ "proto tcp dport 53 drop", '-' }, { "dport> 52 drop", 'X' },
	{ "dport> 53 drop", '-' },	    { "dports 50 60 drop", 'X' },
	{ "dports 54 60 drop", '-' },	    { "! dports 54 60 drop", 'X' },
	{ "proto icmp icmp 8 drop", '-' },  { "! dport 53 drop", '-' },
	{ "daddr 10.77.0.1/32 drop", 'X' }, { "daddr 10.77.0.2/32 drop", '-' },
};

START_TEST(ports)
{
	struct foreign_fate fate;

	know(&packet.network, FOREIGN_AT_PROTOCOL, "\x11", 1);
	know(&packet.network, FOREIGN_AT_DESTINATION, "\x0a\x4d\0\x01", 4);
	know(&packet.transport, 2, "\0\x35", 2);
	foreign_kit_rule(f, base, port_rules[_i].rule);
	fate = walk();
	ck_assert_msg(sign(&fate) == port_rules[_i].sign, "%s: %c", port_rules[_i].rule,
		      sign(&fate));
}
END_TEST

/* --- chains --- */

struct scenario {
	bool drop;		     /* the policy */
	const char *rules[6];	     /* of FORWARD */
	const char *one[4], *two[4]; /* of chains ONE and TWO */
	char sign;
	unsigned culprit; /* handle of the rule that drops for certain, or else maybe; 0: policy */
	bool meant;
};

static const struct scenario scenarios[] = {
	{ .drop = true, .sign = 'X' },
	{ .drop = true, .rules = { "iif nd-* accept" }, .sign = '-' },
	{ .drop = true, .rules = { "daddr 8.8.8.8/32 accept" }, .sign = '!' },
	{ .drop = true, .rules = { "iif nd-* proto tcp accept" }, .sign = '!', .meant = true },
	{ .drop = true, .rules = { "oif up0 proto tcp accept" }, .sign = '!' },
	{ .rules = { "proto tcp accept", "drop" }, .sign = '!', .culprit = 2 },
	{ .rules = { "proto tcp drop", "accept" }, .sign = '?', .culprit = 1 },
	{ .rules = { "accept", "drop" }, .sign = '-' },
	{ .rules = { "drop", "accept" }, .sign = 'X', .culprit = 1 },
	{ .rules = { "return", "drop" }, .sign = '-' },
	{ .drop = true, .rules = { "return", "accept" }, .sign = 'X' },
	{ .rules = { "mark 1 return", "drop" }, .sign = '!', .culprit = 2 },
	{ .drop = true, .rules = { "mark 1 return", "drop" }, .sign = 'X', .culprit = 2 },
	{ .rules = { "jump ONE", "drop" }, .one = { "accept" }, .sign = '-' },
	{ .rules = { "jump ONE", "drop" },
	  .one = { "return", "accept" },
	  .sign = 'X',
	  .culprit = 2 },
	{ .rules = { "jump ONE", "drop" }, .one = { "mark 1 accept" }, .sign = '!', .culprit = 2 },
	{ .rules = { "jump ONE", "accept" }, .one = { "drop" }, .sign = 'X', .culprit = 3 },
	{ .rules = { "mark 1 jump ONE", "accept" }, .one = { "drop" }, .sign = '?', .culprit = 3 },
	{ .rules = { "iif eth0 jump ONE", "accept" }, .one = { "drop" }, .sign = '-' },
	{ .rules = { "goto ONE", "drop" }, .one = { "iif eth0 drop" }, .sign = '-' },
	{ .drop = true, .rules = { "goto ONE", "accept" }, .sign = 'X' },
	{ .drop = true, .rules = { "mark 1 goto ONE", "accept" }, .sign = '!' },
	{ .rules = { "jump ONE", "drop" },
	  .one = { "goto TWO", "accept" },
	  .sign = 'X',
	  .culprit = 2 },
	{ .rules = { "jump ONE", "drop" },
	  .one = { "jump TWO" },
	  .two = { "accept" },
	  .sign = '-' },
	{ .rules = { "jump ONE", "jump ONE", "accept" },
	  .one = { "mark 1 drop" },
	  .sign = '?',
	  .culprit = 4 },
	{ .drop = true,
	  .rules = { "iif nd-default jump ONE" },
	  .one = { "proto tcp accept" },
	  .sign = '!',
	  .meant = true },
	{ .drop = true,
	  .rules = { "jump ONE" },
	  .one = { "saddr 10.77.0.0/24 proto tcp accept" },
	  .sign = '!',
	  .meant = true },
	{ .drop = true, .rules = { "saddr 10.78.0.0/24 proto tcp accept" }, .sign = 'X' },
	{ .rules = { "daddr 192.168.0.7/32 jump ONE", "accept" }, .one = { "drop" }, .sign = '-' },
	{ .drop = true,
	  .rules = { "daddr 192.168.0.7/32 jump ONE" },
	  .one = { "accept" },
	  .sign = '!' },
	{ .drop = true, .rules = { "target NFQUEUE" }, .sign = '?' },
	{ .drop = true, .rules = { "queue" }, .sign = '?' },
	{ .drop = true, .rules = { "proto tcp queue" }, .sign = '!' },
	/* The kernel allows none, but a reader must end. */
	{ .rules = { "jump ONE" }, .one = { "jump TWO" }, .two = { "jump ONE" }, .sign = '?' },
};

static void add_rules(struct foreign_chain *c, const char *const *text, size_t most)
{
	for (size_t i = 0; i < most && text[i]; i++)
		foreign_kit_rule(f, c, text[i]);
}

START_TEST(scenario)
{
	const struct scenario *s = &scenarios[_i];
	struct foreign_chain *one = foreign_kit_chain(f, "ip filter ONE");
	struct foreign_chain *two = foreign_kit_chain(f, "ip filter TWO");
	const struct foreign_rule *culprit;
	struct foreign_fate fate;

	base->policy = s->drop ? NF_DROP : NF_ACCEPT;
	add_rules(base, s->rules, ARRAY_SIZE(s->rules));
	add_rules(one, s->one, ARRAY_SIZE(s->one));
	add_rules(two, s->two, ARRAY_SIZE(s->two));
	fate = walk();
	ck_assert_msg(sign(&fate) == s->sign, "scenario %d: %c", _i, sign(&fate));
	if (s->sign == '-')
		return;
	culprit = fate.certain ? fate.certain : fate.perhaps;
	ck_assert_uint_eq(fate.policy || !culprit ? 0 : culprit->handle, s->culprit);
	ck_assert_int_eq(fate.meant, s->meant);
}
END_TEST

/* Whoever opens a chain gets through when it comes before what drops. */
START_TEST(opened_chain)
{
	struct foreign_fate fate;

	base->policy = NF_DROP;
	foreign_kit_chain(f, "ip filter USER");
	foreign_kit_rule(f, base, "iif eth0 drop");
	foreign_kit_rule(f, base, "jump USER");
	foreign_walk(f, base, &packet, "USER", &fate);
	ck_assert_int_eq(sign(&fate), '-');
	foreign_walk(f, base, &packet, "OTHER", &fate);
	ck_assert_int_eq(sign(&fate), 'X');
	foreign_kit_rule(f, base, "drop");
	foreign_walk(f, base, &packet, "USER", &fate);
	ck_assert_int_eq(sign(&fate), '-');
}
END_TEST

/* What was not read can have let it through. */
START_TEST(cut_chain)
{
	struct foreign_fate fate;

	base->policy = NF_DROP;
	base->cut = true;
	fate = walk();
	ck_assert_int_eq(sign(&fate), '!');
	ck_assert(fate.meant);
}
END_TEST

/* --- sets --- */

static void set_of_names(const char *name, const char *const *member, size_t n)
{
	struct foreign_set *s = foreign_kit_set(f, base, name, LINK_NAME_SIZE, 0);

	for (size_t i = 0; i < n; i++) {
		char padded[LINK_NAME_SIZE] = "";

		snprintf(padded, sizeof(padded), "%s", member[i]);
		foreign_kit_element(f, s, padded);
	}
}

static void expect(const char *text, char wanted)
{
	struct foreign_fate fate;

	base->rule = NULL;
	base->last = &base->rule;
	foreign_kit_rule(f, base, text);
	fate = walk();
	ck_assert_msg(sign(&fate) == wanted, "%s: %c", text, sign(&fate));
}

START_TEST(plain_set)
{
	static const char *const with[] = { "eth0", "nd-default" }, *const without[] = { "eth0" };

	set_of_names("with", with, 2);
	set_of_names("without", without, 1);
	set_of_names("empty", NULL, 0);
	expect("iif@ with drop", 'X');
	expect("! iif@ with drop", '-');
	expect("iif@ without drop", '-');
	expect("! iif@ without drop", 'X');
	expect("iif@ empty drop", '-');
	expect("iif@ nowhere drop", '?');
	foreign_set_find(f, NFPROTO_IPV4, "filter", "with")->known = false;
	expect("iif@ with drop", '?');
}
END_TEST

static const struct {
	const char *first, *beyond; /* octets of IPv4 */
	char sign;
} intervals[] = {
	{ "\x0a\0\0\0", "\x0b\0\0\0", 'X' },
	{ "\x0a\x4d\0\0", "\x0a\x4d\1\0", 'X' },
	{ "\x0a\x4d\0\0", "\x0a\x4d\0\x80", '?' },
	{ "\x0a\x4d\0\x80", "\x0a\x4e\0\0", '?' },
	{ "\x0a\x4d\1\0", "\x0a\x4e\0\0", '-' },
	{ "\x0a\x4c\0\0", "\x0a\x4d\0\0", '-' },
	{ "\x0a\x4d\0\0", NULL, 'X' }, /* to the last there is */
	{ "\x0a\x4d\1\0", NULL, '-' },
};

START_TEST(interval)
{
	struct foreign_set *s = foreign_kit_set(f, base, "set", 4, NFT_SET_INTERVAL);

	/* The kernel lists them from the last to the first. */
	foreign_kit_element(f, s, intervals[_i].first);
	if (intervals[_i].beyond)
		foreign_kit_element(f, s, intervals[_i].beyond);
	foreign_kit_element(f, s, "\0\0\0\0")->interval_end = true;
	expect("saddr@ set drop", intervals[_i].sign);
	expect("daddr@ set drop", '-');
}
END_TEST

static struct foreign_element *state_element(struct foreign_set *s, uint32_t bits, int verdict)
{
	struct foreign_element *e = foreign_kit_element(f, s, bits ? &bits : NULL);

	e->has_verdict = true;
	e->verdict = (uint32_t)verdict;
	return e;
}

START_TEST(verdict_map)
{
	struct foreign_set *s = foreign_kit_set(f, base, "map", 4, NFT_SET_MAP);

	state_element(s, NF_CT_STATE_BIT(IP_CT_ESTABLISHED), NF_ACCEPT);
	state_element(s, NF_CT_STATE_INVALID_BIT, NF_DROP);
	expect("state: map", '-');
	state_element(s, 0, NF_DROP);
	expect("state: map", '?');
	packet.state = NF_CT_STATE_INVALID_BIT;
	expect("state: map", 'X');
	packet.state = NF_CT_STATE_BIT(IP_CT_ESTABLISHED);
	expect("state: map", '-');
	packet.state = 0;
	expect("state: map", '?');
	expect("state: nowhere", '?');
}
END_TEST

START_TEST(jump_by_map)
{
	struct foreign_chain *one = foreign_kit_chain(f, "ip filter ONE");
	struct foreign_set *s = foreign_kit_set(f, base, "map", LINK_NAME_SIZE, NFT_SET_MAP);
	struct foreign_element *e = foreign_kit_element(f, s, "nd-default\0\0\0\0\0");

	e->has_verdict = true;
	e->verdict = (uint32_t)NFT_JUMP;
	e->chain_name = "ONE";
	foreign_kit_rule(f, one, "iif eth0 drop");
	e = foreign_kit_element(f, s, NULL);
	e->has_verdict = true; /* of all others: drop */
	expect("iif: map", '-');
	expect("oif: map", '?');
	foreign_kit_rule(f, one, "drop");
	expect("iif: map", 'X');
}
END_TEST

/* Registers are octets: an address of three, and one behind a name. */
START_TEST(registers)
{
	struct foreign_rule *r = foreign_kit_rule(f, base, "saddr 10.77.0.0/24 drop");

	r->expr[0].len = r->expr[1].len = 3;
	r->expr[2].len = 3;
	ck_assert(walk().may_drop && !walk().may_accept);
	expect("saddr 10.77.0.0/24 drop", 'X');
	r = base->rule;
	r->expr[0].dreg = r->expr[1].sreg = 60;
	r->expr[1].dreg = r->expr[2].sreg = 60;
	ck_assert(walk().may_drop && !walk().may_accept);
	r->expr[2].sreg = 62; /* two octets are beyond the last register */
	ck_assert(walk().may_drop && walk().may_accept);
	r->expr[0].dreg = r->expr[1].sreg = r->expr[2].sreg = 200;
	ck_assert(walk().may_drop && walk().may_accept);
}
END_TEST

UNIT_SUITE(bridge_foreign)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, rule, 0, ARRAY_SIZE(rules));
	tcase_add_loop_test(tc, ports, 0, ARRAY_SIZE(port_rules));
	tcase_add_loop_test(tc, scenario, 0, ARRAY_SIZE(scenarios));
	tcase_add_test(tc, opened_chain);
	tcase_add_test(tc, cut_chain);
	tcase_add_test(tc, plain_set);
	tcase_add_loop_test(tc, interval, 0, ARRAY_SIZE(intervals));
	tcase_add_test(tc, verdict_map);
	tcase_add_test(tc, jump_by_map);
	tcase_add_test(tc, registers);
}

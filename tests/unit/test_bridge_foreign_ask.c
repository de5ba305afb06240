/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What netd asks about guests' packets, what it says of rules that drop them, and the text of
 * rules. */
#include <linux/netfilter/nf_conntrack_common.h>

#include "foreign_kit.h"
#include "unit.h"

static struct foreign *f;
static struct foreign_report report;
static struct foreign_network network;
static const struct foreign_uplink uplink = { "up0", 3 };

static void setup(void)
{
	f = foreign_new();
	ck_assert_ptr_nonnull(f);
	network = (struct foreign_network){ .name = "default",
					    .bridge = "nd-default",
					    .bridge_index = 7,
					    .subnet = { 0x0a4d0001, 24 } };
}

static void teardown(void)
{
	foreign_free(f);
}

static void find(void)
{
	struct foreign_ask ask = {
		.network = &network, .networks = 1, .uplink = &uplink, .uplinks = 1
	};

	foreign_find(f, &ask, &report);
}

/* --- what is said, and the command --- */

struct host {
	enum bridge_mode mode;
	bool published, dns, bridge_nf;
	const char *chain[4]; /* the first one has the rules, and is jumped to from none */
	const char *rules[4];
	const char *what; /* NULL: nothing is found */
	const char *command;
	enum foreign_severity severity;
};

#define FORWARD_DROP "ip filter FORWARD forward 0 drop"
#define SENT "what guests of default send out"

static const struct host hosts[] = {
	{ .chain = { FORWARD_DROP },
	  .what = "table ip filter chain FORWARD policy drop drops " SENT " and the answers to it",
	  .command = "iptables -I FORWARD -i nd-default -j ACCEPT && "
		     "iptables -I FORWARD -o nd-default -j ACCEPT",
	  .severity = FOREIGN_BREAKS },
	{ .chain = { FORWARD_DROP }, .mode = BRIDGE_MODE_ISOLATED },
	{ .chain = { FORWARD_DROP },
	  .mode = BRIDGE_MODE_ISOLATED,
	  .bridge_nf = true,
	  .what = "table ip filter chain FORWARD policy drop drops what guests of default send one "
		  "another",
	  .command = "iptables -I FORWARD -i nd-default -j ACCEPT",
	  .severity = FOREIGN_BREAKS },
	{ .chain = { FORWARD_DROP },
	  .rules = { "state established accept" },
	  .what = "table ip filter chain FORWARD policy drop drops " SENT,
	  .command = "iptables -I FORWARD -i nd-default -j ACCEPT",
	  .severity = FOREIGN_BREAKS },
	{ .chain = { FORWARD_DROP },
	  .rules = { "iif nd-default accept" },
	  .what = "table ip filter chain FORWARD policy drop drops the answers to guests of default",
	  .command = "iptables -I FORWARD -o nd-default -j ACCEPT",
	  .severity = FOREIGN_BREAKS },
	{ .chain = { FORWARD_DROP },
	  .rules = { "iif nd-* accept", "oif nd-* state established accept" } },
	{ .chain = { FORWARD_DROP },
	  .rules = { "iif nd-* accept", "oif nd-* state established accept" },
	  .published = true,
	  .what = "table ip filter chain FORWARD policy drop drops what comes to published ports of "
		  "default",
	  .command = "iptables -I FORWARD -o nd-default -j ACCEPT",
	  .severity = FOREIGN_BREAKS },
	{ .chain = { FORWARD_DROP },
	  .rules = { "iif nd-* accept", "oif nd-* state established accept", "dnat accept" },
	  .published = true },
	{ .chain = { "inet x fwd forward 0 drop" },
	  .rules = { "state established accept" },
	  .mode = BRIDGE_MODE_ROUTE,
	  .what = "table inet x chain fwd policy drop drops " SENT
		  " and what is sent to guests of default",
	  .command = "nft 'insert rule inet x fwd iifname \"nd-default\" accept; "
		     "insert rule inet x fwd oifname \"nd-default\" accept'",
	  .severity = FOREIGN_BREAKS },
	{ .chain = { FORWARD_DROP, "ip filter DOCKER-USER" },
	  .rules = { "jump DOCKER-USER", "state established accept" },
	  .what = "table ip filter chain FORWARD policy drop drops " SENT,
	  .command = "iptables -I DOCKER-USER -i nd-default -j ACCEPT",
	  .severity = FOREIGN_BREAKS },
	/* What drops it before Docker's chain is not mended there. */
	{ .chain = { FORWARD_DROP, "ip filter DOCKER-USER" },
	  .rules = { "state established accept", "iif nd-* drop", "jump DOCKER-USER" },
	  .what = "table ip filter chain FORWARD handle 2 drops " SENT,
	  .command = "iptables -I FORWARD -i nd-default -j ACCEPT",
	  .severity = FOREIGN_BREAKS },
	{ .chain = { FORWARD_DROP, "ip filter ufw-user-forward" },
	  .rules = { "jump ufw-user-forward" },
	  .what = "table ip filter chain FORWARD policy drop drops " SENT " and the answers to it",
	  .command = "ufw route allow in on nd-default && ufw route allow out on nd-default",
	  .severity = FOREIGN_BREAKS },
	{ .chain = { "ip filter INPUT input 0 drop", "ip filter ufw-user-input" },
	  .rules = { "proto icmp accept", "jump ufw-user-input" },
	  .dns = true,
	  .what = "table ip filter chain INPUT policy drop drops DNS queries of guests of default to "
		  "the host",
	  .command = "ufw allow in on nd-default",
	  .severity = FOREIGN_BREAKS },
	{ .chain = { "inet firewalld filter_FORWARD forward 10 accept" },
	  .rules = { "state established accept", "reject" },
	  .what = "table inet firewalld chain filter_FORWARD handle 2 drops " SENT,
	  .command = "firewall-cmd --permanent --zone=trusted --add-interface=nd-default && "
		     "firewall-cmd --reload",
	  .severity = FOREIGN_BREAKS },
	{ .chain = { "ip filter OUTPUT output 0 drop" },
	  .what = "table ip filter chain OUTPUT policy drop drops what the host sends to guests of "
		  "default",
	  .command = "iptables -I OUTPUT -o nd-default -j ACCEPT",
	  .severity = FOREIGN_BREAKS },
	{ .chain = { "ip raw PREROUTING prerouting -300 accept" },
	  .rules = { "iif up0 drop" },
	  .what = "table ip raw chain PREROUTING handle 1 drops the answers to guests of default",
	  .command = "nft delete rule ip raw PREROUTING handle 1",
	  .severity = FOREIGN_BREAKS },
	{ .chain = { "bridge filter FORWARD forward 0 drop" },
	  .what = "table bridge filter chain FORWARD policy drop drops what guests of default send one "
		  "another",
	  .command = "ebtables -I FORWARD -i nt+ -j ACCEPT",
	  .severity = FOREIGN_BREAKS },
	{ .chain = { "bridge x in input 0 drop" }, .rules = { "iif nt* accept" } },
	{ .chain = { "inet x post postrouting 0 drop" },
	  .rules = { "oif nd-* accept" },
	  .what = "table inet x chain post policy drop drops " SENT,
	  .command = "nft 'insert rule inet x post ip saddr 10.77.0.0/24 accept'",
	  .severity = FOREIGN_BREAKS },
	{ .chain = { "inet x post postrouting 0 drop" },
	  .rules = { "oif nd-* accept", "iif nd-* accept" } },
	{ .chain = { "bridge x post postrouting 0 drop" },
	  .rules = { "iif nt* accept", "oif eth0 accept" },
	  .mode = BRIDGE_MODE_ISOLATED,
	  .what = "table bridge x chain post policy drop drops what guests of default send one another "
		  "and what the host sends to guests of default",
	  .command = "nft 'insert rule bridge x post oifname \"nt*\" accept'",
	  .severity = FOREIGN_BREAKS },
	{ .chain = { "inet x fwd forward 0 accept" },
	  .rules = { "iif nd-* proto tcp dport 25 drop" },
	  .what = "table inet x chain fwd handle 1 may drop " SENT,
	  .command = "nft 'insert rule inet x fwd iifname \"nd-default\" accept'",
	  .severity = FOREIGN_MAY },
	{ .chain = { "inet x fwd forward 0 drop" },
	  .rules = { "state established accept", "iif nd-* proto tcp dport 443 accept" },
	  .what = "table inet x chain fwd policy drop may drop " SENT,
	  .command = "nft 'insert rule inet x fwd iifname \"nd-default\" accept'",
	  .severity = FOREIGN_MAY },
};

START_TEST(host)
{
	const struct host *h = &hosts[_i];
	struct foreign_chain *c[4];

	network.mode = h->mode;
	network.published = h->published;
	network.host_dns = h->dns;
	f->bridge_nf = h->bridge_nf;
	for (size_t i = 0; i < ARRAY_SIZE(c) && h->chain[i]; i++)
		c[i] = foreign_kit_chain(f, h->chain[i]);
	for (size_t i = 0; i < ARRAY_SIZE(h->rules) && h->rules[i]; i++)
		foreign_kit_rule(f, c[0], h->rules[i]);
	find();
	if (!h->what) {
		ck_assert_msg(!report.findings, "host %d: %s", _i, report.finding[0].what);
		return;
	}
	ck_assert_msg(report.findings == 1, "host %d: %u findings, %s; %s", _i, report.findings,
		      report.finding[0].what, report.finding[1].what);
	ck_assert_str_eq(report.finding[0].what, h->what);
	ck_assert_str_eq(report.finding[0].command, h->command);
	ck_assert_int_eq(report.finding[0].severity, h->severity);
	ck_assert_uint_eq(report.finding[0].network, 0);
}
END_TEST

/* What a person types in its netdev chain is not what goes through the host's other links. */
START_TEST(ingress_of_a_device)
{
	struct foreign_chain *c = foreign_kit_chain(f, "netdev x in ingress 0 drop");

	c->device[c->devices++] = "eth9";
	find();
	ck_assert_uint_eq(report.findings, 0);
	c->device[0] = "up0";
	find();
	ck_assert_uint_eq(report.findings, 1);
	ck_assert_str_eq(report.finding[0].what, "table netdev x chain in policy drop drops the "
						 "answers to guests of default");
	ck_assert_str_eq(report.finding[0].command, "nft 'chain netdev x in { policy accept; }'");
}
END_TEST

/* Such as break come first, and no more than there is room for. */
START_TEST(many)
{
	char text[64];

	foreign_kit_rule(f, foreign_kit_chain(f, "inet a fwd forward 0 accept"), "mark 1 drop");
	for (unsigned i = 0; i < 2 * FOREIGN_FINDINGS_MAX; i++) {
		snprintf(text, sizeof(text), "inet t%u fwd forward 0 drop", i);
		foreign_kit_chain(f, text);
	}
	f->legacy = true;
	find();
	ck_assert_uint_eq(report.findings, FOREIGN_FINDINGS_MAX);
	for (unsigned i = 0; i < report.findings; i++)
		ck_assert_int_eq(report.finding[i].severity, FOREIGN_BREAKS);
}
END_TEST

START_TEST(notes)
{
	f->legacy = f->incomplete = true;
	find();
	ck_assert_uint_eq(report.findings, 2);
	ck_assert_str_eq(
		report.finding[0].what,
		"there are more than 20000 rules of nf_tables, of which not all were read");
	ck_assert_str_eq(report.finding[1].what,
			 "iptables-legacy is in use, whose rules are not looked at");
	ck_assert_uint_eq(report.finding[1].network, FOREIGN_NO_NETWORK);
}
END_TEST

/* Half a command is none. */
START_TEST(long_names)
{
	char text[300];

	snprintf(text, sizeof(text), "inet %.*s %.*s forward 0 drop", 60,
		 "ttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt", 60,
		 "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc");
	foreign_kit_chain(f, text);
	find();
	ck_assert_uint_eq(report.findings, 1);
	ck_assert_str_eq(report.finding[0].command, "");
}
END_TEST

/* --- rules as text --- */

static const struct {
	const char *rule, *text;
} texts[] = {
	{ "drop", "drop" },
	{ "counter log target REJECT", "counter log prefix \"x: \" xt target \"REJECT\"" },
	{ "iif nd-* ! oif eth0 drop", "iifname \"nd-*\" oifname != \"eth0\" drop" },
	{ "saddr 10.0.0.0/8 daddr 192.0.2.1/32 reject",
	  "ip saddr 10.0.0.0/8 ip daddr 192.0.2.1 reject" },
	{ "proto tcp dport 22 accept", "tcp dport 22 accept" },
	{ "proto udp accept", "meta l4proto udp accept" },
	{ "proto tcp ! dport 22 drop", "tcp dport != 22 drop" },
	{ "proto udp dports 1000 2000 drop", "udp dport 1000-2000 drop" },
	{ "dport> 1023 drop", "th dport > 1023 drop" },
	{ "proto icmp icmp 8 accept", "icmp type echo-request accept" },
	{ "proto tcp saddr 10.0.0.0/8 drop", "meta l4proto tcp ip saddr 10.0.0.0/8 drop" },
	{ "state established return", "ct state established return" },
	{ "! state new drop", "ct state ! new drop" },
	{ "xt-state established accept", "ct state established accept" },
	{ "! xt-state new drop", "ct state != new drop" },
	{ "xt recent drop", "xt match \"recent\" drop" },
	{ "dnat accept", "ct status dnat accept" },
	{ "mark 16 drop", "meta mark 0x10 drop" },
	{ "limit drop", "limit rate 5/second drop" },
	{ "unknown drop", "quota drop" },
	{ "fib drop", "fib 0x00000001 drop" },
	{ "jump ONE", "jump ONE" },
	{ "saddr@ good drop", "ip saddr @good drop" },
	{ "! saddr@ ranges drop",
	  "ip saddr != { 10.0.0.0/8, 192.0.2.1, 192.0.2.5-192.0.2.8 } drop" },
	{ "state: map", "ct state vmap { invalid : drop, established : jump ONE }" },
	{ "queue", "queue" },
};

static void make_sets(struct foreign_chain *c)
{
	static const char *const ends[] = { "\x0a\0\0\0", "\x0b\0\0\0", "\xc0\0\2\1",
					    "\xc0\0\2\2", "\xc0\0\2\5", "\xc0\0\2\x09" };
	struct foreign_set *s =
		foreign_kit_set(f, c, "ranges", 4, NFT_SET_INTERVAL | NFT_SET_ANONYMOUS);
	uint32_t state = NF_CT_STATE_BIT(IP_CT_ESTABLISHED);
	struct foreign_element *e;

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		foreign_kit_element(f, s, ends[i]);
	s = foreign_kit_set(f, c, "map", 4, NFT_SET_MAP | NFT_SET_ANONYMOUS);
	e = foreign_kit_element(f, s, &(uint32_t){ NF_CT_STATE_INVALID_BIT });
	e->has_verdict = true;
	e = foreign_kit_element(f, s, &state);
	e->has_verdict = true;
	e->verdict = (uint32_t)NFT_JUMP;
	e->chain_name = "ONE";
	foreign_kit_set(f, c, "good", 4, 0);
}

START_TEST(text)
{
	struct foreign_chain *c = foreign_kit_chain(f, FORWARD_DROP);
	char buf[320], wanted[320];

	make_sets(c);
	foreign_rule_text(c, foreign_kit_rule(f, c, texts[_i].rule), buf, sizeof(buf));
	snprintf(wanted, sizeof(wanted), "table ip filter, chain FORWARD, handle 1: %s",
		 texts[_i].text);
	ck_assert_str_eq(buf, wanted);
}
END_TEST

START_TEST(text_of_a_policy)
{
	char buf[320];

	foreign_rule_text(foreign_kit_chain(f, "bridge x y forward 0 drop"), NULL, buf,
			  sizeof(buf));
	ck_assert_str_eq(buf, "table bridge x, chain y: policy drop");
}
END_TEST

/* A rule can be longer than the room, at every length. */
START_TEST(text_is_cut)
{
	struct foreign_chain *c = foreign_kit_chain(f, FORWARD_DROP);
	struct foreign_rule *r;
	char whole[320], buf[320];

	make_sets(c);
	r = foreign_kit_rule(f, c, "iif nd-* proto tcp saddr@ ranges xt recent limit state: map");
	r->comment = "of \"somebody\"";
	foreign_rule_text(c, r, whole, sizeof(whole));
	for (size_t size = 1; size < strlen(whole); size++) {
		memset(buf, 'x', sizeof(buf));
		foreign_rule_text(c, r, buf, size);
		ck_assert_uint_lt(strlen(buf), size);
		ck_assert_int_eq(buf[size], 'x');
	}
}
END_TEST

UNIT_SUITE(bridge_foreign_ask)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, host, 0, ARRAY_SIZE(hosts));
	tcase_add_test(tc, ingress_of_a_device);
	tcase_add_test(tc, many);
	tcase_add_test(tc, notes);
	tcase_add_test(tc, long_names);
	tcase_add_loop_test(tc, text, 0, ARRAY_SIZE(texts));
	tcase_add_test(tc, text_of_a_policy);
	tcase_add_test(tc, text_is_cut);
}

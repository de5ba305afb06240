/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DHCP of our ports is logged to netd and dropped, before any other bridge table's rules, so that
 * neither another guest nor the host's firewall ever sees it. What a server other than netd sends
 * is logged, by whichever port it comes. All that is logged goes through one socket buffer, in
 * which a guest that floods would leave no room for the others': so each has a rate of its own,
 * beyond which its packets are only dropped, and netd is told of that once a minute.
 */
#include <arpa/inet.h>

#include "ruleset.h"
#include "trap.h"

enum {
	RATES_MAX = 1 << 16,
};

/* A guest may send so many DHCP packets a second, and that many at once: more than a hundred nested
 * guests do that start together. */
enum { GUEST_RATE = 200, GUEST_BURST = 400, SERVER_RATE = 10, SERVER_BURST = 20 };

#define SET_DHCP "dhcp_ports"
#define CHAIN "dhcp"

void ruleset_rate_set(struct batch *b, const char *name, uint32_t id, uint32_t idle_ms)
{
	batch_set(b, &(struct batch_set){ .family = NFPROTO_BRIDGE,
					  .name = name,
					  .id = id,
					  .key_type = TYPE_IFINDEX,
					  .key_len = sizeof(uint32_t),
					  .flags = NFT_SET_EVAL,
					  .timeout_ms = idle_ms,
					  .size = RATES_MAX });
}

void ruleset_match_link_rate(struct rule *rule, const struct rule_rate *r)
{
	rule_meta(rule, NFT_META_IIF, REG(0));
	rule_rate(rule, r);
}

static struct rule begin(struct batch *b)
{
	return rule_begin(b, NFPROTO_BRIDGE, CHAIN);
}

static void match_port(struct rule *rule, uint16_t port)
{
	uint16_t to = htons(port);

	rule_payload(rule, NFT_PAYLOAD_TRANSPORT_HEADER, 2, sizeof(to), REG(0));
	rule_cmp(rule, REG(0), NFT_CMP_EQ, &to, sizeof(to));
}

/* From a port whose DHCP is ours to this destination port. */
static void match_trapped(struct rule *rule, uint16_t port)
{
	match_port(rule, port);
	rule_meta(rule, NFT_META_IIF, REG(0));
	rule_lookup(rule, REG(0), SET_DHCP, SET_DHCP_PORTS, false);
}

/* Of the ports that netd made only: an interface of the host may lead to many relay agents. */
static void limit_guests(struct batch *b)
{
	static const struct rule_rate rate = { "dhcp_rates", SET_RATES, GUEST_RATE, 1,
					       GUEST_BURST,  true };
	struct rule rule = begin(b);

	match_trapped(&rule, 67);
	match_meta(&rule, NFT_META_IIFNAME, NFT_CMP_EQ, LINK_PORT_PREFIX,
		   sizeof(LINK_PORT_PREFIX) - 1);
	ruleset_match_link_rate(&rule, &rate);
	rule_jump(&rule, "flood");
	rule_end(&rule);
}

/* What is too much is dropped, but for a packet a minute that says so. */
static void flood_rules(struct batch *b, uint16_t group)
{
	static const struct rule_rate told = { "dhcp_floods", SET_FLOODS, 1, 60, 1, false };
	struct rule rule = rule_begin(b, NFPROTO_BRIDGE, "flood");

	ruleset_match_link_rate(&rule, &told);
	rule_log(&rule, group, TRAP_FLOOD_PREFIX);
	rule_end(&rule);
	ruleset_guard_show(b, "flood", group, "dhcp-rate");
	rule = rule_begin(b, NFPROTO_BRIDGE, "flood");
	rule_counter(&rule);
	rule_verdict(&rule, NF_DROP);
	rule_end(&rule);
}

/* A DHCP server's packet to a client, on any bridge: which one it is would take an expression
 * (meta ibrname) that not every kernel has, so netd looks itself. */
static void tell_of_servers(struct batch *b, uint16_t group)
{
	static const struct rule_rate servers = { "dhcp_servers", SET_SERVERS, SERVER_RATE, 1,
						  SERVER_BURST,	  false };
	uint32_t ports = htonl(67 << 16 | 68);
	struct rule rule = begin(b);

	rule_payload(&rule, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 4, REG(0));
	rule_cmp(&rule, REG(0), NFT_CMP_EQ, &ports, sizeof(ports));
	ruleset_match_link_rate(&rule, &servers);
	rule_log(&rule, group, TRAP_SERVER_PREFIX);
	rule_end(&rule);
}

void ruleset_trap_sets(struct batch *b)
{
	static const struct batch_set dhcp = { .family = NFPROTO_BRIDGE,
					       .name = SET_DHCP,
					       .id = SET_DHCP_PORTS,
					       .key_type = TYPE_IFINDEX,
					       .key_len = sizeof(uint32_t) };

	batch_set(b, &dhcp);
	ruleset_rate_set(b, "dhcp_rates", SET_RATES, RATES_IDLE_MS);
	ruleset_rate_set(b, "dhcp_floods", SET_FLOODS, RATES_IDLE_MS);
	ruleset_rate_set(b, "dhcp_servers", SET_SERVERS, RATES_IDLE_MS);
}

void ruleset_trap(struct batch *b, uint16_t group, bool guarded)
{
	struct rule rule;

	batch_chain(b, NFPROTO_BRIDGE, "flood");
	batch_chain(b, NFPROTO_BRIDGE, CHAIN);
	/* What has a tag is for another LAN's server; we answer without. */
	rule = begin(b);
	match_port(&rule, 67);
	ruleset_match_tagged(&rule);
	rule_verdict(&rule, NFT_RETURN);
	rule_end(&rule);
	limit_guests(b);
	flood_rules(b, group);
	rule = begin(b);
	match_trapped(&rule, 67);
	rule_log(&rule, group, NULL);
	rule_verdict(&rule, NF_DROP);
	rule_end(&rule);
	tell_of_servers(b, group);
	/* No guest plays DHCP server, which the guard counts; nor does anybody where we are it. */
	if (guarded) {
		rule = begin(b);
		match_port(&rule, 68);
		ruleset_match_guarded(&rule);
		ruleset_guard_drop(&rule, NFT_REASON_DHCP_SERVER);
	}
	rule = begin(b);
	match_trapped(&rule, 68);
	rule_verdict(&rule, NF_DROP);
	rule_end(&rule);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * table bridge netd: DHCP of our ports is logged to netd and dropped, before any other bridge
 * table's rules, so that neither another guest nor the host's firewall ever sees it; and no guest
 * plays DHCP server. What a server other than netd sends is logged, by whichever port it comes. All
 * that is logged goes through one socket buffer, in which a guest that floods would leave no room
 * for the others': so each has a rate of its own, beyond which its packets are only dropped, and
 * netd is told of that once a minute.
 */
#include <arpa/inet.h>

#include "ruleset.h"
#include "trap.h"

#include <linux/if_ether.h>
#include <linux/netfilter_bridge.h>

enum {
	RATES_MAX = 1 << 16,
	RATES_IDLE_MS = 60000, /* then a link's bucket is full again, and is forgotten */
};

/* A guest may send so many DHCP packets a second, and that many at once: more than a hundred nested
 * guests do that start together. */
enum { GUEST_RATE = 200, GUEST_BURST = 400, SERVER_RATE = 10, SERVER_BURST = 20 };

#define SET_DHCP "dhcp_ports"

/* A set of links, each with a bucket of its own, which is filled in by the rules. */
static void rate_set(struct batch *b, const char *name, uint32_t id)
{
	batch_set(b, &(struct batch_set){ .family = NFPROTO_BRIDGE,
					  .name = name,
					  .id = id,
					  .key_type = TYPE_IFINDEX,
					  .key_len = sizeof(uint32_t),
					  .flags = NFT_SET_EVAL,
					  .timeout_ms = RATES_IDLE_MS,
					  .size = RATES_MAX });
}

static void match_link_rate(struct rule *rule, const struct rule_rate *r)
{
	rule_meta(rule, NFT_META_IIF, REG(0));
	rule_rate(rule, r);
}

static void match_ipv4_udp(struct rule *rule)
{
	uint16_t ethertype = htons(ETH_P_IP);

	match_meta(rule, NFT_META_PROTOCOL, NFT_CMP_EQ, &ethertype, sizeof(ethertype));
	match_l4(rule, NFT_CMP_EQ, IPPROTO_UDP);
}

/* An IPv4 UDP packet from one of our ports to this destination port. */
static void match_guest_udp(struct rule *rule, uint16_t port)
{
	uint16_t to = htons(port);

	rule_meta(rule, NFT_META_IIF, REG(0));
	rule_lookup(rule, REG(0), SET_DHCP, SET_DHCP_PORTS, false);
	match_ipv4_udp(rule);
	rule_payload(rule, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, REG(0));
	rule_cmp(rule, REG(0), NFT_CMP_EQ, &to, sizeof(to));
}

/* A DHCP server's packet to a client, on any bridge: which one it is would take an expression
 * (meta ibrname) that not every kernel has, so netd looks itself. */
static void match_server(struct rule *rule)
{
	uint32_t ports = htonl(67 << 16 | 68);

	match_ipv4_udp(rule);
	rule_payload(rule, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 4, REG(0));
	rule_cmp(rule, REG(0), NFT_CMP_EQ, &ports, sizeof(ports));
}

/* Of the ports that netd made only: an interface of the host may lead to many relay agents. */
static void limit_guests(struct batch *b)
{
	static const struct rule_rate rate = { "dhcp_rates", SET_RATES, GUEST_RATE, 1,
					       GUEST_BURST,  true };
	struct rule rule = rule_begin(b, NFPROTO_BRIDGE, "trap");

	match_meta(&rule, NFT_META_IIFNAME, NFT_CMP_EQ, LINK_PORT_PREFIX,
		   sizeof(LINK_PORT_PREFIX) - 1);
	match_guest_udp(&rule, 67);
	match_link_rate(&rule, &rate);
	rule_jump(&rule, "flood");
	rule_end(&rule);
}

/* What is too much is dropped, but for a packet a minute that says so. */
static void flood_rules(struct batch *b, uint16_t group)
{
	static const struct rule_rate told = { "dhcp_floods", SET_FLOODS, 1, 60, 1, false };
	struct rule rule = rule_begin(b, NFPROTO_BRIDGE, "flood");

	match_link_rate(&rule, &told);
	rule_log(&rule, group, TRAP_FLOOD_PREFIX);
	rule_end(&rule);
	rule = rule_begin(b, NFPROTO_BRIDGE, "flood");
	rule_counter(&rule);
	rule_verdict(&rule, NF_DROP);
	rule_end(&rule);
}

void ruleset_guard(struct batch *b, const struct nft_plan *plan)
{
	static const struct rule_rate servers = { "dhcp_servers", SET_SERVERS, SERVER_RATE, 1,
						  SERVER_BURST,	  false };
	static const struct batch_set dhcp = { .family = NFPROTO_BRIDGE,
					       .name = SET_DHCP,
					       .id = SET_DHCP_PORTS,
					       .key_type = TYPE_IFINDEX,
					       .key_len = sizeof(uint32_t) };
	struct rule rule;

	batch_set(b, &dhcp);
	rate_set(b, "dhcp_rates", SET_RATES);
	rate_set(b, "dhcp_floods", SET_FLOODS);
	rate_set(b, "dhcp_servers", SET_SERVERS);
	batch_chain(b, NFPROTO_BRIDGE, "flood");
	batch_base_chain(b, NFPROTO_BRIDGE, "trap", "filter", NF_BR_PRE_ROUTING, PRIORITY_TRAP);
	limit_guests(b);
	flood_rules(b, plan->trap_group);
	rule = rule_begin(b, NFPROTO_BRIDGE, "trap");
	match_guest_udp(&rule, 67);
	rule_log(&rule, plan->trap_group, NULL);
	rule_verdict(&rule, NF_DROP);
	rule_end(&rule);
	rule = rule_begin(b, NFPROTO_BRIDGE, "trap");
	match_server(&rule);
	match_link_rate(&rule, &servers);
	rule_log(&rule, plan->trap_group, TRAP_SERVER_PREFIX);
	rule_end(&rule);
	rule = rule_begin(b, NFPROTO_BRIDGE, "trap");
	match_guest_udp(&rule, 68);
	rule_verdict(&rule, NF_DROP);
	rule_end(&rule);
}

void ruleset_guard_ports(struct batch *b, uint16_t type, const struct nft_port *port, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (port[i].dhcp)
			batch_keys(b, type, NFPROTO_BRIDGE, SET_DHCP, &port[i].ifindex,
				   sizeof(port[i].ifindex), 1);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The chains of table inet netd that say what guests have of the host itself: ping, DNS, DHCP, and
 * what the network's host-access opens. And how many connections a guest may have: each is an entry
 * of the host's one table of them, which a guest alone could fill.
 *
 * The kernel looks at all connections of a key when it counts one more (net/netfilter/
 * nf_conncount.c), on some kernels for each packet. So many are counted in several buckets, into
 * which they fall by a hash, each with its share; and a guest that has too many is not counted
 * for again until a tenth of a second later.
 */
#include <arpa/inet.h>

#include "ruleset.h"

#include <linux/icmp.h>
#include <linux/netfilter/nf_conntrack_common.h>

enum { NAME = RULESET_NAME_SIZE, DNS = 53, DHCP = 67 };
enum { KEYS_MAX = 1 << 16, BUCKET = 2048, FULL_MS = 100 };

void ruleset_access_cap(struct batch *b, const char *chain, const struct nft_network *n)
{
	char cap[NAME];
	struct rule rule;

	if (!n->max_connections)
		return;
	rule = rule_begin(b, NFPROTO_INET, chain);
	match_ct_state(&rule, NF_CT_STATE_BIT(IP_CT_NEW));
	match_ipv4(&rule);
	/* The first packet only: others that find no answer yet would be counted again. What is
	 * dropped here never gets into the table. */
	match_ct_status(&rule, NFT_CMP_EQ, IPS_CONFIRMED);
	match_prefix(&rule, IP_SOURCE, NFT_CMP_EQ, n->subnet);
	rule_jump(&rule, ruleset_name(cap, "cap", n));
	rule_end(&rule);
}

static void load_source(struct rule *rule)
{
	rule_payload(rule, NFT_PAYLOAD_NETWORK_HEADER, IP_SOURCE, 4, REG(0));
}

/* Connections fall into buckets by where they go, and by their ports where they have some. */
static void count_connection(struct rule *rule, const struct nft_network *n, bool ports)
{
	uint32_t buckets = (n->max_connections + BUCKET - 1) / BUCKET;

	match_ipv4(rule); /* all is that comes here; nft(8) then knows the fields by name */
	rule_payload(rule, NFT_PAYLOAD_NETWORK_HEADER, IP_DESTINATION, 4, REG(2));
	if (ports)
		rule_payload(rule, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 4, REG(3));
	rule_hash(rule, REG(2), ports ? 8 : 4, buckets, REG(1));
	load_source(rule);
	rule_connections_over(rule, "connections", SET_CONNECTIONS, n->max_connections / buckets);
	rule_remember(rule, "full", SET_FULL);
	rule_end_drop(rule);
}

/* Only TCP and UDP surely have ports: what has not would match no rule, and go uncounted. */
static void cap_rules(struct batch *b, const struct nft_network *n)
{
	static const uint8_t with_ports[] = { IPPROTO_TCP, IPPROTO_UDP };
	char chain[NAME];
	struct rule rule;

	if (!n->max_connections)
		return;
	batch_chain(b, NFPROTO_INET, ruleset_name(chain, "cap", n));
	rule = rule_begin(b, NFPROTO_INET, chain);
	match_ipv4(&rule);
	load_source(&rule);
	rule_lookup(&rule, REG(0), "full", SET_FULL, false);
	rule_end_drop(&rule);
	for (size_t i = 0; i < sizeof(with_ports); i++) {
		rule = rule_begin(b, NFPROTO_INET, chain);
		match_l4(&rule, NFT_CMP_EQ, with_ports[i]);
		count_connection(&rule, n, true);
	}
	rule = rule_begin(b, NFPROTO_INET, chain);
	for (size_t i = 0; i < sizeof(with_ports); i++)
		match_l4(&rule, NFT_CMP_NEQ, with_ports[i]);
	count_connection(&rule, n, false);
}

static void accept_service(struct batch *b, const char *chain, const struct nft_service *s)
{
	for (unsigned i = 0; i == 0 || i < s->ports; i++) {
		struct rule rule = rule_begin(b, NFPROTO_INET, chain);

		ruleset_rules_service(&rule, s, i);
		rule_verdict(&rule, NF_ACCEPT);
		rule_end(&rule);
	}
}

static void accept_ping(struct batch *b, const char *chain)
{
	uint8_t echo = ICMP_ECHO;
	struct rule rule = rule_begin(b, NFPROTO_INET, chain);

	match_l4(&rule, NFT_CMP_EQ, IPPROTO_ICMP);
	rule_payload(&rule, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1, REG(0));
	rule_cmp(&rule, REG(0), NFT_CMP_EQ, &echo, sizeof(echo));
	rule_verdict(&rule, NF_ACCEPT);
	rule_end(&rule);
}

/* DHCP is here where it was not trapped: a network's that netd does not serve. */
static void host_rules(struct batch *b, const struct nft_network *n)
{
	static const struct nft_service always[] = {
		{ .protocol = IPPROTO_UDP, .ports = 2, .port = { { DNS, DNS }, { DHCP, DHCP } } },
		{ .protocol = IPPROTO_TCP, .ports = 1, .port = { { DNS, DNS } } },
	};
	struct rule rule;
	char chain[NAME];

	ruleset_name(chain, "host", n);
	ruleset_accept_known(b, chain);
	ruleset_access_cap(b, chain, n);
	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		accept_service(b, chain, &always[i]);
	accept_ping(b, chain);
	for (size_t i = 0; i < n->services; i++)
		accept_service(b, chain, &n->service[i]);
	rule = rule_begin(b, NFPROTO_INET, chain);
	rule_end_drop(&rule);
}

void ruleset_access_sets(struct batch *b, const struct nft_plan *plan)
{
	static const struct batch_set connections = { .family = NFPROTO_INET,
						      .name = "connections",
						      .id = SET_CONNECTIONS,
						      .key_type = TYPE_CONCAT(TYPE_IP, TYPE_MARK),
						      .key_len = 2 * sizeof(uint32_t),
						      .flags = NFT_SET_EVAL,
						      .size = KEYS_MAX },
				      full = { .family = NFPROTO_INET,
					       .name = "full",
					       .id = SET_FULL,
					       .key_type = TYPE_IP,
					       .key_len = sizeof(uint32_t),
					       .key_big_endian = true,
					       .flags = NFT_SET_EVAL,
					       .timeout_ms = FULL_MS,
					       .size = KEYS_MAX };

	batch_set(b, &connections);
	batch_set(b, &full);
	for (size_t i = 0; i < plan->networks; i++)
		cap_rules(b, &plan->network[i]);
}

void ruleset_access(struct batch *b, const struct nft_plan *plan)
{
	ruleset_policy_chains(b, plan, "host", SET_HOST);
	for (size_t i = 0; i < plan->networks; i++)
		host_rules(b, &plan->network[i]);
	batch_base_chain(b, NFPROTO_INET, "input", "filter", NF_INET_LOCAL_IN, PRIORITY_FILTER);
	ruleset_policy_find(b, "input", NFT_META_IIFNAME, "host", SET_HOST);
}

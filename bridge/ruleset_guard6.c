/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IPv6 of guarded ports. An allocation has no IPv6 address yet, so guests have link-local ones
 *only, which they make up themselves, by the MAC (RFC 4291 A) or so that nobody can foresee them
 *(RFC 7217); where their LAN is not netd's, also those that its routers' prefixes make. The first
 *is a port's own from the start. Any other belongs to who uses it first, as in RFC 6620: the
 *kernel's sets remember it, without netd.
 *
 *	sources6  link . MAC . address	what passes by one lookup
 *	bound6	  MAC . address		whose an address is, also when the guest has another link
 *after a restart owned6	  network . address	that it is somebody's
 *
 * Elements that the rules make end by themselves a day after the guest was last heard to speak of
 * the address in neighbour discovery (RFC 4861), and a port may make only so many.
 */
#include <arpa/inet.h>

#include "ruleset.h"

#include <linux/if_ether.h>

enum {
	AT_SOURCE_MAC = 6,
	AT_SOURCE = 8,	/* of an IPv6 header */
	AT_TARGET = 8,	/* of a neighbour solicitation or advertisement */
	ADDRESS = 16,	/* octets of an address */
	FRAGMENT = 44,	/* next header */
	KEPT_S = 86400, /* an address that nobody speaks of */
	BOUND_MAX = 1 << 16,
};

/* Addresses that a port may bind at once, and so many more an hour. */
enum { BIND_BURST = 16, BIND_AN_HOUR = 6 };
/* Packets of neighbour discovery a second, and at once. */
enum { ND_RATE = 100, ND_BURST = 500 };
/* RFC 4861 4, RFC 2710 3, RFC 3810 5 */
enum {
	MLD_REPORT = 131,
	MLD_DONE = 132,
	ROUTER_SOLICITATION = 133,
	ADVERTISEMENT_ROUTER = 134,
	SOLICITATION = 135,
	ADVERTISEMENT = 136,
	REDIRECT = 137,
	MLD2_REPORT = 143,
};

#define CHAIN_ICMP "guard_icmp6"
#define CHAIN_ND "guard_nd"
#define CHAIN_SOURCE "source6"
#define CHAIN_TARGET "target6"
#define CHAIN_DAD "dad6"
#define BOUND GUARD_SET_BOUND6
#define OWNED GUARD_SET_OWNED6
#define CHAIN_FIRST "first6"
#define CHAIN_HEARD "heard6"
#define NETWORKS "networks"

static const uint8_t unspecified[ADDRESS], link_local_net[8] = { 0xfe, 0x80 }; /* RFC 4291 2.5.6 */

static struct rule begin(struct batch *b, const char *chain)
{
	return rule_begin(b, NFPROTO_BRIDGE, chain);
}

static void match_type(struct rule *rule, uint8_t type)
{
	rule_payload(rule, NFT_PAYLOAD_TRANSPORT_HEADER, 0, sizeof(type), REG(0));
	rule_cmp(rule, REG(0), NFT_CMP_EQ, &type, sizeof(type));
}

static void match_no_source(struct rule *rule)
{
	rule_payload(rule, NFT_PAYLOAD_NETWORK_HEADER, AT_SOURCE, ADDRESS, REG(0));
	rule_cmp(rule, REG(0), NFT_CMP_EQ, unspecified, sizeof(unspecified));
}

/* --- whose an address is --- */

/* Where in a packet the address stands that has to be the port's own, and what is done if it is. */
struct claim {
	const char *chain;
	uint32_t base, offset;
	const char *next; /* a chain; NULL: it passes */
	enum nft_reason reason;
	bool refresh; /* the guest speaks of it in neighbour discovery */
};

static void load_address(struct rule *rule, const struct claim *c, uint32_t reg)
{
	rule_payload(rule, c->base, c->offset, ADDRESS, reg);
}

static void load_mac(struct rule *rule, uint32_t reg)
{
	rule_payload(rule, NFT_PAYLOAD_LL_HEADER, AT_SOURCE_MAC, ETH_ALEN, reg);
}

static void load_source_key(struct rule *rule, const struct claim *c)
{
	rule_meta(rule, NFT_META_IIF, REG(0));
	load_mac(rule, REG(1));
	load_address(rule, c, REG(3));
}

static void load_bound_key(struct rule *rule, const struct claim *c)
{
	load_mac(rule, REG(0));
	load_address(rule, c, REG(2));
}

static void load_owned_key(struct rule *rule, const struct claim *c)
{
	rule_meta(rule, NFT_META_MARK, REG(0));
	load_address(rule, c, REG(1));
}

/* All three elements, made or kept for another day. */
static void remember(struct rule *rule, const struct claim *c)
{
	static const struct rule_keep owned = { OWNED, SET_OWNED6, KEPT_S },
				      bound = { BOUND, SET_BOUND6, KEPT_S },
				      source = { GUARD_SET_SOURCES6, SET_SOURCES6, KEPT_S };

	load_owned_key(rule, c);
	rule_keep(rule, &owned);
	load_bound_key(rule, c);
	rule_keep(rule, &bound);
	load_source_key(rule, c);
	rule_keep(rule, &source);
}

static void mark_network(struct batch *b, const struct claim *c)
{
	struct rule rule = begin(b, c->chain);

	rule_meta(&rule, NFT_META_IIF, REG(0));
	rule_map(&rule, REG(0), NETWORKS, SET_NETWORKS, REG(0));
	rule_meta_set(&rule, NFT_META_MARK, REG(0));
	rule_end(&rule);
}

static void good(struct rule *rule, const struct claim *c)
{
	static const uint32_t none = 0;

	rule_set(rule, REG(0), &none, sizeof(none));
	rule_meta_set(rule, NFT_META_MARK, REG(0));
	if (c->next)
		rule_goto(rule, c->next);
	else
		rule_verdict(rule, NF_ACCEPT);
	rule_end(rule);
}

static void match_bound(struct rule *rule, const struct claim *c)
{
	load_bound_key(rule, c);
	rule_lookup(rule, REG(0), BOUND, SET_BOUND6, false);
}

static void claim_rules(struct batch *b, const struct claim *c)
{
	static const struct rule_rate rate = { "bind_rates", SET_BIND_RATES, BIND_AN_HOUR,
					       3600,	     BIND_BURST,     true };
	struct rule rule;

	batch_chain(b, NFPROTO_BRIDGE, c->chain);
	mark_network(b, c);
	if (!c->refresh) {
		rule = begin(b, c->chain);
		load_source_key(&rule, c);
		rule_lookup(&rule, REG(0), GUARD_SET_SOURCES6, SET_SOURCES6, false);
		good(&rule, c);
	}
	rule = begin(b, c->chain);
	match_bound(&rule, c);
	remember(&rule, c);
	good(&rule, c);
	if (c->refresh) { /* the one that follows from the MAC */
		rule = begin(b, c->chain);
		load_source_key(&rule, c);
		rule_lookup(&rule, REG(0), GUARD_SET_SOURCES6, SET_SOURCES6, false);
		good(&rule, c);
	}
	rule = begin(b, c->chain);
	rule_payload(&rule, c->base, c->offset, sizeof(link_local_net), REG(0));
	rule_cmp(&rule, REG(0), NFT_CMP_NEQ, link_local_net, sizeof(link_local_net));
	rule_meta(&rule, NFT_META_IIF, REG(0));
	rule_lookup(&rule, REG(0), GUARD_SET_STATIONS, SET_STATIONS, true);
	ruleset_guard_drop(&rule, c->reason);
	rule = begin(b, c->chain);
	load_owned_key(&rule, c);
	rule_lookup(&rule, REG(0), OWNED, SET_OWNED6, false);
	ruleset_guard_drop(&rule, c->reason);
	rule = begin(b, c->chain);
	ruleset_match_link_rate(&rule, &rate);
	ruleset_guard_drop(&rule, c->reason);
	rule = begin(b, c->chain);
	remember(&rule, c);
	good(&rule, c);
	rule = begin(b, c->chain); /* too short, or the sets are full */
	ruleset_guard_drop(&rule, c->reason);
}

/* --- neighbour discovery --- */

static void nd_rules(struct batch *b)
{
	static const struct rule_rate rate = {
		"nd_rates", SET_ND_RATES, ND_RATE, 1, ND_BURST, true
	};
	struct rule rule;

	batch_chain(b, NFPROTO_BRIDGE, CHAIN_ND);
	rule = begin(b, CHAIN_ND);
	ruleset_match_link_rate(&rule, &rate);
	ruleset_guard_drop(&rule, NFT_REASON_ND_RATE);
	rule = begin(b, CHAIN_ND);
	match_type(&rule, ADVERTISEMENT);
	rule_goto(&rule, CHAIN_TARGET);
	rule_end(&rule);
	/* Duplicate address detection (RFC 4862 5.4): for another's address it would make that one
	 * give it up. */
	rule = begin(b, CHAIN_ND);
	match_no_source(&rule);
	rule_goto(&rule, CHAIN_DAD);
	rule_end(&rule);
	rule = begin(b, CHAIN_ND);
	rule_goto(&rule, CHAIN_SOURCE);
	rule_end(&rule);
}

static void go_by_type(struct batch *b, uint8_t type, const char *chain)
{
	struct rule rule = begin(b, CHAIN_ICMP);

	match_type(&rule, type);
	rule_goto(&rule, chain);
	rule_end(&rule);
}

static void drop_by_type(struct batch *b, uint8_t type, enum nft_reason reason)
{
	struct rule rule = begin(b, CHAIN_ICMP);

	match_type(&rule, type);
	ruleset_guard_drop(&rule, reason);
}

/* Reports of groups come before an address, too (RFC 3590), as does the question for routers (RFC
 * 4861 4.1). */
static void pass_early(struct batch *b)
{
	static const uint8_t type[] = { MLD_REPORT, MLD_DONE, MLD2_REPORT, ROUTER_SOLICITATION };

	for (size_t i = 0; i < sizeof(type); i++) {
		struct rule rule = begin(b, CHAIN_ICMP);

		match_type(&rule, type[i]);
		match_no_source(&rule);
		rule_verdict(&rule, NF_ACCEPT);
		rule_end(&rule);
	}
}

static void icmp_rules(struct batch *b)
{
	struct rule rule;

	batch_chain(b, NFPROTO_BRIDGE, CHAIN_ICMP);
	/* What is in the second fragment cannot be seen in the first; nobody needs it (RFC 6980),
	 * but those who want to get past us (RFC 7113). */
	rule = begin(b, CHAIN_ICMP);
	rule_has_header(&rule, FRAGMENT);
	ruleset_guard_drop(&rule, NFT_REASON_FRAGMENT);
	drop_by_type(b, ADVERTISEMENT_ROUTER, NFT_REASON_RA);
	drop_by_type(b, REDIRECT, NFT_REASON_REDIRECT);
	go_by_type(b, SOLICITATION, CHAIN_ND);
	go_by_type(b, ADVERTISEMENT, CHAIN_ND);
	pass_early(b);
	rule = begin(b, CHAIN_ICMP);
	rule_goto(&rule, CHAIN_SOURCE);
	rule_end(&rule);
}

static void ip6_rules(struct batch *b)
{
	struct rule rule;

	batch_chain(b, NFPROTO_BRIDGE, GUARD_CHAIN_IP6);
	rule = begin(b, GUARD_CHAIN_IP6);
	match_l4(&rule, NFT_CMP_EQ, IPPROTO_ICMPV6);
	rule_goto(&rule, CHAIN_ICMP);
	rule_end(&rule);
	/* Whatever it is, the kernel knows it; the rule matches nothing else. */
	rule = begin(b, GUARD_CHAIN_IP6);
	match_l4(&rule, NFT_CMP_GTE, 0);
	rule_goto(&rule, CHAIN_SOURCE);
	rule_end(&rule);
	rule = begin(b, GUARD_CHAIN_IP6);
	ruleset_guard_drop(&rule, NFT_REASON_FRAGMENT);
}

void ruleset_guard6(struct batch *b)
{
	static const struct claim source = { .chain = CHAIN_SOURCE,
					     .base = NFT_PAYLOAD_NETWORK_HEADER,
					     .offset = AT_SOURCE,
					     .reason = NFT_REASON_IP6 },
				  target = { .chain = CHAIN_TARGET,
					     .base = NFT_PAYLOAD_TRANSPORT_HEADER,
					     .offset = AT_TARGET,
					     .next = CHAIN_SOURCE,
					     .reason = NFT_REASON_ND,
					     .refresh = true },
				  dad = { .chain = CHAIN_DAD,
					  .base = NFT_PAYLOAD_TRANSPORT_HEADER,
					  .offset = AT_TARGET,
					  .reason = NFT_REASON_ND,
					  .refresh = true };

	claim_rules(b, &source);
	claim_rules(b, &target);
	claim_rules(b, &dad);
	nd_rules(b);
	icmp_rules(b);
	ip6_rules(b);
}

/* --- of any port --- */

/* A first fragment that ends before the ports hides them (RFC 7112 has all headers in it). */
static void first_fragments(struct batch *b, const char *chain)
{
	static const uint8_t offset[2] = { 0xff, 0xf8 }, none[8];
	struct rule rule;

	batch_chain(b, NFPROTO_BRIDGE, CHAIN_FIRST);
	rule = begin(b, CHAIN_FIRST);
	rule_payload(&rule, NFT_PAYLOAD_TRANSPORT_HEADER, 0, sizeof(none), REG(0));
	rule_cmp(&rule, REG(0), NFT_CMP_GTE, none, sizeof(none));
	rule_verdict(&rule, NFT_RETURN);
	rule_end(&rule);
	rule = begin(b, CHAIN_FIRST);
	ruleset_guard_drop(&rule, NFT_REASON_FRAGMENT);
	rule = begin(b, chain);
	rule_load_header(&rule, FRAGMENT, 2, sizeof(offset));
	rule_mask(&rule, REG(0), offset, sizeof(offset));
	rule_cmp(&rule, REG(0), NFT_CMP_EQ, none, sizeof(offset));
	ruleset_match_guarded(&rule);
	rule_jump(&rule, CHAIN_FIRST);
	rule_end(&rule);
}

/* What is behind an interface of the host's is nobody's to guard, but its link-local addresses are
 * its own. */
static void hear_joined(struct batch *b, const char *chain)
{
	static const struct claim source = { .base = NFT_PAYLOAD_NETWORK_HEADER,
					     .offset = AT_SOURCE };
	static const struct rule_keep owned = { OWNED, SET_OWNED6, KEPT_S };
	static const uint8_t first = SOLICITATION, last = ADVERTISEMENT;
	static const uint32_t none = 0;
	struct rule rule;

	batch_chain(b, NFPROTO_BRIDGE, CHAIN_HEARD);
	rule = begin(b, chain);
	match_l4(&rule, NFT_CMP_EQ, IPPROTO_ICMPV6);
	rule_payload(&rule, NFT_PAYLOAD_TRANSPORT_HEADER, 0, sizeof(first), REG(0));
	rule_cmp(&rule, REG(0), NFT_CMP_GTE, &first, sizeof(first));
	rule_cmp(&rule, REG(0), NFT_CMP_LTE, &last, sizeof(last));
	rule_meta(&rule, NFT_META_IIF, REG(0));
	rule_lookup(&rule, REG(0), "joined", SET_JOINED, false);
	rule_goto(&rule, CHAIN_HEARD);
	rule_end(&rule);
	rule = begin(b, CHAIN_HEARD);
	rule_payload(&rule, source.base, source.offset, sizeof(link_local_net), REG(0));
	rule_cmp(&rule, REG(0), NFT_CMP_NEQ, link_local_net, sizeof(link_local_net));
	rule_verdict(&rule, NFT_RETURN);
	rule_end(&rule);
	rule = begin(b, CHAIN_HEARD);
	rule_meta(&rule, NFT_META_IIF, REG(0));
	rule_map(&rule, REG(0), NETWORKS, SET_NETWORKS, REG(0));
	rule_meta_set(&rule, NFT_META_MARK, REG(0));
	rule_end(&rule);
	rule = begin(b, CHAIN_HEARD);
	load_owned_key(&rule, &source);
	rule_keep(&rule, &owned);
	rule_end(&rule);
	rule = begin(b, CHAIN_HEARD);
	rule_set(&rule, REG(0), &none, sizeof(none));
	rule_meta_set(&rule, NFT_META_MARK, REG(0));
	rule_end(&rule);
}

void ruleset_guard6_any(struct batch *b, const char *chain)
{
	first_fragments(b, chain);
	hear_joined(b, chain);
}

/* --- sets and elements --- */

/* As the kernel has them in its registers: each member begins with a word of its own. */
struct source6_key {
	uint32_t ifindex;
	struct mac mac;
	uint8_t pad[2];
	uint8_t addr[ADDRESS];
};

struct owned6_key {
	uint32_t network;
	uint8_t addr[ADDRESS];
};

static void address_set(struct batch *b, const char *name, uint32_t id, uint32_t type, uint32_t len)
{
	batch_set(b, &(struct batch_set){ .family = NFPROTO_BRIDGE,
					  .name = name,
					  .id = id,
					  .key_type = TYPE_CONCAT(type, TYPE_IP6),
					  .key_len = len + ADDRESS,
					  .flags = NFT_SET_EVAL | NFT_SET_TIMEOUT,
					  .size = BOUND_MAX });
}

void ruleset_guard6_sets(struct batch *b)
{
	static const struct batch_set joined = { .family = NFPROTO_BRIDGE,
						 .name = "joined",
						 .id = SET_JOINED,
						 .key_type = TYPE_IFINDEX,
						 .key_len = sizeof(uint32_t) };
	static const struct batch_set networks = { .family = NFPROTO_BRIDGE,
						   .name = NETWORKS,
						   .id = SET_NETWORKS,
						   .key_type = TYPE_IFINDEX,
						   .key_len = sizeof(uint32_t),
						   .data_type = TYPE_MARK,
						   .data_len = sizeof(uint32_t) };

	batch_set(b, &networks);
	batch_set(b, &joined);
	address_set(b, GUARD_SET_SOURCES6, SET_SOURCES6, TYPE_CONCAT(TYPE_IFINDEX, TYPE_ETHER), 12);
	address_set(b, BOUND, SET_BOUND6, TYPE_ETHER, 8);
	address_set(b, OWNED, SET_OWNED6, TYPE_MARK, 4);
	ruleset_rate_set(b, "nd_rates", SET_ND_RATES, RATES_IDLE_MS);
	ruleset_rate_set(b, "bind_rates", SET_BIND_RATES, BIND_BURST * 3600 / BIND_AN_HOUR * 1000U);
}

/* RFC 4291 A: fe80:: and the MAC with ff:fe in its middle and the universal bit turned. */
static void link_local(const struct mac *mac, uint8_t addr[ADDRESS])
{
	memset(addr, 0, ADDRESS);
	addr[0] = 0xfe;
	addr[1] = 0x80;
	memcpy(addr + 8, mac->octet, 3);
	addr[8] ^= 2;
	addr[11] = 0xff;
	addr[12] = 0xfe;
	memcpy(addr + 13, mac->octet + 3, 3);
}

static void owned_element(struct batch *b, uint16_t type, uint32_t network, const struct mac *mac)
{
	struct owned6_key owned = { .network = network };

	link_local(mac, owned.addr);
	batch_keys(b, type, NFPROTO_BRIDGE, OWNED, &owned, sizeof(owned), 1);
}

static void network_element(struct batch *b, uint16_t type, const struct nft_port *port)
{
	struct batch_element network = { .key = &port->ifindex,
					 .data = &port->network,
					 .data_len = sizeof(port->network) };

	batch_elements(b, type, NFPROTO_BRIDGE, NETWORKS, sizeof(port->ifindex), &network, 1);
}

/*
 * Those of the first MAC, the guest's own. That its link-local address is owned stays when the port
 * goes, so that nobody has it when the guest comes back: the element goes with the allocation.
 */
void ruleset_guard6_ports(struct batch *b, uint16_t type, const struct nft_port *port)
{
	struct source6_key source = { .ifindex = port->ifindex };

	network_element(b, type, port);
	if (!port->sources)
		return;
	source.mac = port->source[0].mac;
	link_local(&source.mac, source.addr);
	batch_keys(b, type, NFPROTO_BRIDGE, GUARD_SET_SOURCES6, &source, sizeof(source), 1);
	if (type == NFT_MSG_NEWSETELEM)
		owned_element(b, type, port->network, &source.mac);
}

void ruleset_guard6_joined(struct batch *b, uint16_t type, const struct nft_port *port)
{
	network_element(b, type, port);
	batch_keys(b, type, NFPROTO_BRIDGE, "joined", &port->ifindex, sizeof(port->ifindex), 1);
}

void ruleset_guard6_owners(struct batch *b, uint16_t type, const struct nft_owner *owner, size_t n)
{
	for (size_t i = 0; i < n; i++)
		owned_element(b, type, owner[i].network, &owner[i].mac);
}

void ruleset_guard6_claims(struct batch *b, const struct guard_claim *claim, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct batch_element e = { .key = claim[i].key, .timeout_ms = claim[i].left_ms };

		batch_elements(b, NFT_MSG_NEWSETELEM, NFPROTO_BRIDGE, claim[i].set, claim[i].len,
			       &e, 1);
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The source guard, in table bridge netd, where a frame enters its bridge and before the bridge has
 * learned from it (net/bridge/br_input.c, br_handle_frame): a guest sends only as itself.
 *
 * Nearly all that a guest sends is IP from its own MAC and address. The first rules of the base
 * chain let that pass by one lookup, of the link, the MAC and the address together. What they do
 * not know, and what needs a closer look whoever sends it (DHCP, ICMP), goes on, and if it came by
 * a guarded port, to the chain "guard", where it has to be good for something: ARP, a DHCP client's
 * first packets, IPv6 (ruleset_guard6.c). The rest ends in the chain of the reason for which it is
 * not: netd is told of the first of them, they are counted by link and reason, and dropped, or, for
 * a port whose guard only logs, let go.
 *
 * What an expression costs is mostly whether the kernel calls a function for it. Loads of up to
 * four octets at their place from behind the link layer's header, masks and comparisons of them are
 * done where they stand (net/netfilter/nf_tables_core.c, nft_do_chain): on an EPYC with retpolines
 * and safe returns a rule of those takes 12 ns, while the link takes 40, a load from the frame's
 * header 45, a lookup by 4 octets 50, by 8 or more 105, in either kind of hash, and to accept 20.
 * So the rules that all frames meet first guess by what is cheap, and look closer only at what is
 * left; and the MAC and the EtherType are one load. Where no port is guarded there are no rules of
 * the guard.
 *
 * What 64-byte frames take more than on a bare bridge, in ns: 84 without a guard, 280 to 300 with
 * it; 260 with a map of links to chains of their own, which each port would have to make; 225 with
 * a classifier in BPF (clsact) and a mark for what it does not know, 163 with tcx, which is Linux
 * 6.6's.
 *
 * A guest whose LAN gives it an IPv4 address that is not known has any but the host's and the
 * router's; then its MAC has to be its own, also where ARP says it. Its frames pass as the others
 * do, but later.
 *
 * VLAN tags are seen in the header itself: the kernel has taken an outer tag out of the frame, and
 * `meta protocol` is then of what was inside; a load at the place of the EtherType puts the tag
 * back (net/netfilter/nft_payload.c, nft_payload_copy_vlan).
 */
#include <arpa/inet.h>

#include "ruleset.h"
#include "trap.h"

#include <linux/if_ether.h>
#include <linux/netfilter_bridge.h>

enum {
	AT_SOURCE = 6,	   /* of a frame; the EtherType is behind it */
	AT_ETHERTYPE = 12, /* of a frame */
	AT_PROTOCOL = 9,   /* of an IPv4 header */
	AT_OPERATION = 6,  /* of ARP, RFC 826 */
	AT_SENDER = 8,	   /* hardware address; the protocol address is behind it */
	AT_SENDER_IP = 14,
	AT_TARGET_IP = 24,
};

/* Packets a second, and at once. A guest that asks for a whole /24 in one go still can. */
enum { ARP_RATE = 100, ARP_BURST = 500 };

#define BASE "guard_in"
#define CHAIN "guard"
#define CHAIN_ARP "guard_arp"
#define CHAIN_UDP "low_ports"
#define CHAIN_ODD6 "guard_odd6"
#define CHAIN_TAGGED "guard_tagged"
#define GUARDED "guarded"
#define LOGGED "logged"
#define CAPTURED "captured"
#define TRUNKS "trunks"
#define MACS "macs"
#define SOURCES "sources"
#define ANY_IP "any_ip"	  /* links with an IPv4 address that is not known */
#define KEPT_IP "kept_ip" /* and addresses that those do not have */

static struct rule begin(struct batch *b, const char *chain)
{
	return rule_begin(b, NFPROTO_BRIDGE, chain);
}

static void match_ethertype(struct rule *rule, uint16_t ethertype)
{
	uint16_t type = htons(ethertype);

	rule_payload(rule, NFT_PAYLOAD_LL_HEADER, AT_ETHERTYPE, sizeof(type), REG(0));
	rule_cmp(rule, REG(0), NFT_CMP_EQ, &type, sizeof(type));
}

void ruleset_match_guarded(struct rule *rule)
{
	rule_meta(rule, NFT_META_IIF, REG(0));
	rule_lookup(rule, REG(0), GUARDED, SET_GUARDED, false);
}

/* --- reasons --- */

static const char *reason_chain(enum nft_reason reason, char ret[REASON_CHAIN_SIZE])
{
	return ruleset_reason_chain("held", reason, ret);
}

void ruleset_guard_drop(struct rule *rule, enum nft_reason reason)
{
	char name[REASON_CHAIN_SIZE];

	rule_goto(rule, reason_chain(reason, name));
	rule_end(rule);
}

void ruleset_guard_show(struct batch *b, const char *chain, uint16_t group, const char *reason)
{
	struct rule rule = begin(b, chain);
	char prefix[64];

	rule_meta(&rule, NFT_META_IIF, REG(0));
	rule_lookup(&rule, REG(0), CAPTURED, SET_CAPTURED, false);
	snprintf(prefix, sizeof(prefix), TRAP_DROP_PREFIX "%s", reason);
	rule_log(&rule, (uint16_t)(group + 1), prefix);
	rule_end(&rule);
}

static void reason_rules(struct batch *b, enum nft_reason reason, uint16_t group)
{
	static const uint32_t none = 0;
	char name[REASON_CHAIN_SIZE];
	struct rule rule;

	ruleset_reason_begin(b, NFPROTO_BRIDGE, reason_chain(reason, name), reason, group);
	rule = begin(b, name);
	rule_meta(&rule, NFT_META_IIF, REG(0));
	rule_lookup(&rule, REG(0), LOGGED, SET_LOGGED, false);
	if (reason == NFT_REASON_IP6 || reason == NFT_REASON_ND) {
		/* ruleset_guard6.c has lent it. */
		rule_set(&rule, REG(0), &none, sizeof(none));
		rule_meta_set(&rule, NFT_META_MARK, REG(0));
	}
	rule_verdict(&rule, NF_ACCEPT);
	rule_end(&rule);
	ruleset_guard_show(b, name, group, nft_reason_text(reason));
	rule = begin(b, name);
	rule_verdict(&rule, NF_DROP);
	rule_end(&rule);
}

/* --- what is good --- */

/* A guess by the first octet, which the kernel reads by itself; who matches has to look closer. */
static void guess_version(struct rule *rule, uint8_t version)
{
	static const uint8_t nibble = 0xf0;
	uint8_t first = (uint8_t)(version << 4);

	rule_payload(rule, NFT_PAYLOAD_NETWORK_HEADER, 0, sizeof(first), REG(0));
	rule_mask(rule, REG(0), &nibble, sizeof(nibble));
	rule_cmp(rule, REG(0), NFT_CMP_EQ, &first, sizeof(first));
}

/* link . MAC of the frame and its EtherType, in one load . IPv4 source */
static void pass_ip_sources(struct batch *b)
{
	struct rule rule = begin(b, BASE);

	rule_meta(&rule, NFT_META_IIF, REG(0));
	rule_payload(&rule, NFT_PAYLOAD_LL_HEADER, AT_SOURCE, ETH_ALEN + 2, REG(1));
	rule_payload(&rule, NFT_PAYLOAD_NETWORK_HEADER, IP_SOURCE, 4, REG(3));
	rule_lookup(&rule, REG(0), SOURCES, SET_SOURCES, false);
	rule_verdict(&rule, NF_ACCEPT);
	rule_end(&rule);
}

/* Whatever is not ICMPv6, which is looked at more closely; a packet whose upper layer cannot be
 * found does not pass here. */
static void pass_ip6_sources(struct batch *b)
{
	struct rule rule = begin(b, BASE);

	guess_version(&rule, 6);
	match_ethertype(&rule, ETH_P_IPV6);
	match_l4(&rule, NFT_CMP_NEQ, IPPROTO_ICMPV6);
	rule_meta(&rule, NFT_META_IIF, REG(0));
	rule_payload(&rule, NFT_PAYLOAD_LL_HEADER, AT_SOURCE, ETH_ALEN, REG(1));
	rule_payload(&rule, NFT_PAYLOAD_NETWORK_HEADER, 8, 16, REG(3));
	rule_lookup(&rule, REG(0), GUARD_SET_SOURCES6, SET_SOURCES6, false);
	rule_verdict(&rule, NF_ACCEPT);
	rule_end(&rule);
}

/* --- what needs a closer look, whoever sends it --- */

/* Of UDP, and of what comes with it: TCP's, say. It is the kernel's quickest test that misses
 * nothing. */
static void find_low_ports(struct batch *b)
{
	uint16_t bits = htons(0xfd80), none = 0; /* to 0-127 or 512-639 */
	struct rule rule = begin(b, BASE);

	rule_payload(&rule, NFT_PAYLOAD_TRANSPORT_HEADER, 2, sizeof(bits), REG(0));
	rule_mask(&rule, REG(0), &bits, sizeof(bits));
	rule_cmp(&rule, REG(0), NFT_CMP_EQ, &none, sizeof(none));
	rule_jump(&rule, CHAIN_UDP);
	rule_end(&rule);
}

static void low_port_rules(struct batch *b, bool guarded)
{
	uint16_t first = htons(67), last = htons(68), client6 = htons(546);
	struct rule rule = begin(b, CHAIN_UDP);

	match_l4(&rule, NFT_CMP_NEQ, IPPROTO_UDP);
	rule_verdict(&rule, NFT_RETURN);
	rule_end(&rule);
	rule = begin(b, CHAIN_UDP);
	rule_payload(&rule, NFT_PAYLOAD_TRANSPORT_HEADER, 2, sizeof(first), REG(0));
	rule_cmp(&rule, REG(0), NFT_CMP_LTE, &last, sizeof(last));
	rule_cmp(&rule, REG(0), NFT_CMP_GTE, &first, sizeof(first));
	rule_jump(&rule, "dhcp");
	rule_end(&rule);
	if (!guarded)
		return;
	rule = begin(b, CHAIN_UDP);
	rule_payload(&rule, NFT_PAYLOAD_TRANSPORT_HEADER, 2, sizeof(client6), REG(0));
	rule_cmp(&rule, REG(0), NFT_CMP_EQ, &client6, sizeof(client6));
	ruleset_match_guarded(&rule);
	ruleset_guard_drop(&rule, NFT_REASON_DHCP_SERVER);
}

/* ICMP redirects would lead the neighbours' traffic to their sender (RFC 792). What is not ICMP
 * is found out by the first comparison, or, where it is no IPv4 either, by the second. */
static void hold_redirects(struct batch *b)
{
	uint8_t icmp = IPPROTO_ICMP, redirect = 5;
	struct rule rule = begin(b, BASE);

	rule_payload(&rule, NFT_PAYLOAD_NETWORK_HEADER, AT_PROTOCOL, sizeof(icmp), REG(0));
	rule_cmp(&rule, REG(0), NFT_CMP_EQ, &icmp, sizeof(icmp));
	match_l4(&rule, NFT_CMP_EQ, IPPROTO_ICMP);
	rule_payload(&rule, NFT_PAYLOAD_TRANSPORT_HEADER, 0, sizeof(redirect), REG(0));
	rule_cmp(&rule, REG(0), NFT_CMP_EQ, &redirect, sizeof(redirect));
	ruleset_match_guarded(&rule);
	ruleset_guard_drop(&rule, NFT_REASON_REDIRECT);
}

/* --- what is left --- */

/* link . sender's MAC . an address of the packet. The set has keys of IPv4 frames: where those have
 * the EtherType, here are two more octets, which are made the same. */
static void match_claim(struct rule *rule, uint32_t address)
{
	static const uint8_t mac[ETH_ALEN + 2] = { 255, 255, 255, 255, 255, 255 };
	static const uint8_t type[ETH_ALEN + 2] = { [ETH_ALEN] = ETH_P_IP >> 8, ETH_P_IP & 0xff };

	rule_meta(rule, NFT_META_IIF, REG(0));
	rule_payload(rule, NFT_PAYLOAD_NETWORK_HEADER, AT_SENDER, sizeof(mac), REG(1));
	rule_bits(rule, REG(1), mac, type, sizeof(mac));
	rule_payload(rule, NFT_PAYLOAD_NETWORK_HEADER, address, 4, REG(3));
	rule_lookup(rule, REG(0), SOURCES, SET_SOURCES, false);
}

static void match_any_ip(struct rule *rule)
{
	rule_meta(rule, NFT_META_IIF, REG(0));
	rule_lookup(rule, REG(0), ANY_IP, SET_ANY_IP, false);
}

static void match_kept_ip(struct rule *rule, uint32_t address)
{
	rule_payload(rule, NFT_PAYLOAD_NETWORK_HEADER, address, 4, REG(0));
	rule_lookup(rule, REG(0), KEPT_IP, SET_KEPT_IP, false);
}

static void arp_rules(struct batch *b)
{
	static const struct rule_rate rate = { "arp_rates", SET_ARP_RATES, ARP_RATE,
					       1,	    ARP_BURST,	   true };
	static const uint8_t header[6] = { 0, 1, 8, 0, ETH_ALEN, 4 };
	static const uint32_t nobody = 0;
	uint16_t request = htons(1), reply = htons(2);
	struct rule rule = begin(b, CHAIN_ARP);

	ruleset_match_link_rate(&rule, &rate);
	ruleset_guard_drop(&rule, NFT_REASON_ARP_RATE);
	rule = begin(b, CHAIN_ARP);
	rule_payload(&rule, NFT_PAYLOAD_NETWORK_HEADER, 0, sizeof(header), REG(0));
	rule_cmp(&rule, REG(0), NFT_CMP_NEQ, header, sizeof(header));
	ruleset_guard_drop(&rule, NFT_REASON_ARP);
	/* Who says that it has an address has it; both as the frame's MAC says, and the packet's.
	 */
	rule = begin(b, CHAIN_ARP);
	rule_payload(&rule, NFT_PAYLOAD_NETWORK_HEADER, AT_OPERATION, sizeof(reply), REG(0));
	rule_cmp(&rule, REG(0), NFT_CMP_LTE, &reply, sizeof(reply));
	match_claim(&rule, AT_SENDER_IP);
	rule_verdict(&rule, NF_ACCEPT);
	rule_end(&rule);
	/* A probe (RFC 5227 2.1.1) for an address of its own: for another's it would make that one
	 * give it up. */
	rule = begin(b, CHAIN_ARP);
	rule_payload(&rule, NFT_PAYLOAD_NETWORK_HEADER, AT_OPERATION, sizeof(request), REG(0));
	rule_cmp(&rule, REG(0), NFT_CMP_EQ, &request, sizeof(request));
	rule_payload(&rule, NFT_PAYLOAD_NETWORK_HEADER, AT_SENDER_IP, sizeof(nobody), REG(0));
	rule_cmp(&rule, REG(0), NFT_CMP_EQ, &nobody, sizeof(nobody));
	match_claim(&rule, AT_TARGET_IP);
	rule_verdict(&rule, NF_ACCEPT);
	rule_end(&rule);
	rule = begin(b, CHAIN_ARP);
	match_kept_ip(&rule, AT_SENDER_IP);
	ruleset_guard_drop(&rule, NFT_REASON_ARP);
	rule = begin(b, CHAIN_ARP);
	rule_payload(&rule, NFT_PAYLOAD_NETWORK_HEADER, AT_SENDER_IP, sizeof(nobody), REG(0));
	rule_cmp(&rule, REG(0), NFT_CMP_EQ, &nobody, sizeof(nobody));
	match_kept_ip(&rule, AT_TARGET_IP);
	ruleset_guard_drop(&rule, NFT_REASON_ARP);
	rule = begin(b, CHAIN_ARP);
	match_any_ip(&rule);
	rule_payload(&rule, NFT_PAYLOAD_NETWORK_HEADER, AT_OPERATION, sizeof(reply), REG(0));
	rule_cmp(&rule, REG(0), NFT_CMP_LTE, &reply, sizeof(reply));
	rule_meta(&rule, NFT_META_IIF, REG(0));
	rule_payload(&rule, NFT_PAYLOAD_NETWORK_HEADER, AT_SENDER, ETH_ALEN, REG(1));
	rule_lookup(&rule, REG(0), MACS, SET_MACS, false);
	rule_verdict(&rule, NF_ACCEPT);
	rule_end(&rule);
	rule = begin(b, CHAIN_ARP);
	ruleset_guard_drop(&rule, NFT_REASON_ARP);
}

/* To a DHCP server elsewhere, from a client without an address; where DHCP is ours it has been
 * taken out before. */
static void pass_dhcp_client(struct rule *rule)
{
	uint32_t ports = htonl(68 << 16 | 67), addresses[2] = { 0, UINT32_MAX };

	rule_payload(rule, NFT_PAYLOAD_NETWORK_HEADER, IP_SOURCE, sizeof(addresses), REG(0));
	rule_cmp(rule, REG(0), NFT_CMP_EQ, addresses, sizeof(addresses));
	match_l4(rule, NFT_CMP_EQ, IPPROTO_UDP);
	rule_payload(rule, NFT_PAYLOAD_TRANSPORT_HEADER, 0, sizeof(ports), REG(0));
	rule_cmp(rule, REG(0), NFT_CMP_EQ, &ports, sizeof(ports));
	rule_verdict(rule, NF_ACCEPT);
	rule_end(rule);
}

/* Where the LAN gives addresses: any source but those that are known to be others'. */
static void pass_lan_ip(struct batch *b, const char *chain,
			void (*match)(struct rule *rule, uint16_t ethertype))
{
	struct rule rule = begin(b, chain);

	match(&rule, ETH_P_IP);
	match_kept_ip(&rule, IP_SOURCE);
	ruleset_guard_drop(&rule, NFT_REASON_IP);
	rule = begin(b, chain);
	match(&rule, ETH_P_IP);
	match_any_ip(&rule);
	rule_verdict(&rule, NF_ACCEPT);
	rule_end(&rule);
}

static void go_by_type(struct batch *b, uint16_t ethertype, const char *chain)
{
	struct rule rule = begin(b, CHAIN);

	match_ethertype(&rule, ethertype);
	rule_goto(&rule, chain);
	rule_end(&rule);
}

/* --- what has a tag --- */

void ruleset_match_tagged(struct rule *rule)
{
	match_ethertype(rule, ETH_P_8021Q);
	rule_meta(rule, NFT_META_IIF, REG(0));
	rule_lookup(rule, REG(0), TRUNKS, SET_TRUNKS, false);
}

/* The protocol that a tagged frame is of: the kernel has taken the tag out. */
static void match_inner(struct rule *rule, uint16_t ethertype)
{
	uint16_t type = htons(ethertype);

	rule_meta(rule, NFT_META_PROTOCOL, REG(0));
	rule_cmp(rule, REG(0), NFT_CMP_EQ, &type, sizeof(type));
}

static void go_by_inner(struct batch *b, uint16_t ethertype, const char *chain)
{
	struct rule rule = begin(b, CHAIN_TAGGED);

	match_inner(&rule, ethertype);
	rule_goto(&rule, chain);
	rule_end(&rule);
}

/* link . sender's MAC . IPv4 source, where the EtherType is the tag's: it is made what the set's
 * keys have. */
static void pass_tagged_sources(struct batch *b)
{
	static const uint8_t mac[ETH_ALEN + 2] = { 255, 255, 255, 255, 255, 255 };
	static const uint8_t type[ETH_ALEN + 2] = { [ETH_ALEN] = ETH_P_IP >> 8, ETH_P_IP & 0xff };
	struct rule rule = begin(b, CHAIN_TAGGED);

	match_inner(&rule, ETH_P_IP);
	rule_meta(&rule, NFT_META_IIF, REG(0));
	rule_payload(&rule, NFT_PAYLOAD_LL_HEADER, AT_SOURCE, ETH_ALEN + 2, REG(1));
	rule_bits(&rule, REG(1), mac, type, sizeof(mac));
	rule_payload(&rule, NFT_PAYLOAD_NETWORK_HEADER, IP_SOURCE, 4, REG(3));
	rule_lookup(&rule, REG(0), SOURCES, SET_SOURCES, false);
	rule_verdict(&rule, NF_ACCEPT);
	rule_end(&rule);
}

/* Of trunks, with one tag: which tags are good its bridge says, that comes after us. What is inside
 * has to be good as it would have to be without. */
static void tagged_rules(struct batch *b)
{
	char name[REASON_CHAIN_SIZE];
	struct rule rule = begin(b, CHAIN_TAGGED);

	rule_meta(&rule, NFT_META_IIF, REG(0));
	rule_payload(&rule, NFT_PAYLOAD_LL_HEADER, AT_SOURCE, ETH_ALEN, REG(1));
	rule_lookup(&rule, REG(0), MACS, SET_MACS, true);
	ruleset_guard_drop(&rule, NFT_REASON_MAC);
	pass_tagged_sources(b);
	go_by_inner(b, ETH_P_ARP, CHAIN_ARP);
	go_by_inner(b, ETH_P_IPV6, GUARD_CHAIN_IP6);
	rule = begin(b, CHAIN_TAGGED);
	match_inner(&rule, ETH_P_IP);
	pass_dhcp_client(&rule);
	pass_lan_ip(b, CHAIN_TAGGED, match_inner);
	go_by_inner(b, ETH_P_IP, reason_chain(NFT_REASON_IP, name));
	reason_chain(NFT_REASON_VLAN, name);
	go_by_inner(b, ETH_P_8021Q, name);
	go_by_inner(b, ETH_P_8021AD, name);
	rule = begin(b, CHAIN_TAGGED);
	ruleset_guard_drop(&rule, NFT_REASON_ETHERTYPE);
}

static void guard_rules(struct batch *b)
{
	char name[REASON_CHAIN_SIZE];
	struct rule rule;

	rule = begin(b, CHAIN);
	ruleset_match_tagged(&rule);
	rule_goto(&rule, CHAIN_TAGGED);
	rule_end(&rule);
	reason_chain(NFT_REASON_VLAN, name);
	go_by_type(b, ETH_P_8021Q, name);
	go_by_type(b, ETH_P_8021AD, name);
	rule = begin(b, CHAIN);
	rule_meta(&rule, NFT_META_IIF, REG(0));
	rule_payload(&rule, NFT_PAYLOAD_LL_HEADER, AT_SOURCE, ETH_ALEN, REG(1));
	rule_lookup(&rule, REG(0), MACS, SET_MACS, true);
	ruleset_guard_drop(&rule, NFT_REASON_MAC);
	go_by_type(b, ETH_P_ARP, CHAIN_ARP);
	go_by_type(b, ETH_P_IPV6, GUARD_CHAIN_IP6);
	rule = begin(b, CHAIN);
	match_ethertype(&rule, ETH_P_IP);
	pass_dhcp_client(&rule);
	pass_lan_ip(b, CHAIN, match_ethertype);
	go_by_type(b, ETH_P_IP, reason_chain(NFT_REASON_IP, name));
	rule = begin(b, CHAIN);
	ruleset_guard_drop(&rule, NFT_REASON_ETHERTYPE);
}

static void base_rules(struct batch *b, bool guarded)
{
	struct rule rule;

	batch_base_chain(b, NFPROTO_BRIDGE, BASE, "filter", NF_BR_PRE_ROUTING, PRIORITY_TRAP);
	find_low_ports(b);
	if (!guarded)
		return;
	hold_redirects(b);
	pass_ip_sources(b);
	rule = begin(b, BASE);
	guess_version(&rule, 6);
	match_l4(&rule, NFT_CMP_NEQ, IPPROTO_TCP);
	rule_jump(&rule, CHAIN_ODD6);
	rule_end(&rule);
	pass_ip6_sources(b);
	rule = begin(b, BASE);
	ruleset_match_guarded(&rule);
	rule_goto(&rule, CHAIN);
	rule_end(&rule);
}

/* --- sets --- */

static void link_set(struct batch *b, const char *name, uint32_t id)
{
	batch_set(b, &(struct batch_set){ .family = NFPROTO_BRIDGE,
					  .name = name,
					  .id = id,
					  .key_type = TYPE_IFINDEX,
					  .key_len = sizeof(uint32_t) });
}

/* As the kernel has them in its registers: each member begins with a word of its own. */
struct mac_key {
	uint32_t ifindex;
	struct mac mac;
	uint16_t type; /* in a source's, of the frame; else it is padding */
};

struct source_key {
	struct mac_key mac;
	uint32_t addr;
};

void ruleset_guard_sets(struct batch *b)
{
	static const struct batch_set macs = { .family = NFPROTO_BRIDGE,
					       .name = MACS,
					       .id = SET_MACS,
					       .key_type = TYPE_CONCAT(TYPE_IFINDEX, TYPE_ETHER),
					       .key_len = sizeof(struct mac_key) },
				      sources = { .family = NFPROTO_BRIDGE,
						  .name = SOURCES,
						  .id = SET_SOURCES,
						  .key_type = TYPE_CONCAT(
							  TYPE_CONCAT(TYPE_IFINDEX, TYPE_ETHER),
							  TYPE_IP),
						  .key_len = sizeof(struct source_key) };

	link_set(b, GUARDED, SET_GUARDED);
	link_set(b, LOGGED, SET_LOGGED);
	link_set(b, CAPTURED, SET_CAPTURED);
	link_set(b, GUARD_SET_STATIONS, SET_STATIONS);
	link_set(b, ANY_IP, SET_ANY_IP);
	batch_set(b, &(struct batch_set){ .family = NFPROTO_BRIDGE,
					  .name = KEPT_IP,
					  .id = SET_KEPT_IP,
					  .key_type = TYPE_IP,
					  .key_len = sizeof(uint32_t),
					  .key_big_endian = true });
	link_set(b, TRUNKS, SET_TRUNKS);
	batch_set(b, &macs);
	batch_set(b, &sources);
	ruleset_reason_sets(b, NFPROTO_BRIDGE);
	ruleset_rate_set(b, "arp_rates", SET_ARP_RATES, RATES_IDLE_MS);
}

static void guard_chains(struct batch *b, uint16_t group)
{
	for (unsigned i = 0; i < NFT_REASONS; i++)
		reason_rules(b, (enum nft_reason)i, group);
	batch_chain(b, NFPROTO_BRIDGE, CHAIN_ARP);
	arp_rules(b);
	ruleset_guard6(b);
	batch_chain(b, NFPROTO_BRIDGE, CHAIN_ODD6);
	ruleset_guard6_any(b, CHAIN_ODD6);
	batch_chain(b, NFPROTO_BRIDGE, CHAIN_TAGGED);
	tagged_rules(b);
	batch_chain(b, NFPROTO_BRIDGE, CHAIN);
	guard_rules(b);
}

static void kept_elements(struct batch *b, const struct nft_plan *plan)
{
	for (size_t i = 0; i < plan->kepts; i++) {
		uint32_t address = htonl(plan->kept[i]);

		batch_keys(b, NFT_MSG_NEWSETELEM, NFPROTO_BRIDGE, KEPT_IP, &address,
			   sizeof(address), 1);
	}
}

void ruleset_guard(struct batch *b, const struct nft_plan *plan)
{
	ruleset_trap_sets(b);
	ruleset_guard_sets(b);
	kept_elements(b, plan);
	ruleset_guard6_sets(b);
	batch_chain(b, NFPROTO_BRIDGE, CHAIN_UDP);
	if (plan->guarded)
		guard_chains(b, plan->trap_group);
	ruleset_trap(b, plan->trap_group, plan->guarded);
	low_port_rules(b, plan->guarded);
	base_rules(b, plan->guarded);
}

/* --- elements --- */

static void mac_element(struct batch *b, uint16_t type, uint32_t ifindex, const struct mac *mac)
{
	struct mac_key key = { .ifindex = ifindex, .mac = *mac };

	batch_keys(b, type, NFPROTO_BRIDGE, MACS, &key, sizeof(key), 1);
}

static void source_element(struct batch *b, uint16_t type, uint32_t ifindex,
			   const struct nft_source *s)
{
	struct source_key key = {
		.mac = { .ifindex = ifindex, .mac = s->mac, .type = htons(ETH_P_IP) },
		.addr = htonl(s->addr)
	};

	if (s->addr)
		batch_keys(b, type, NFPROTO_BRIDGE, SOURCES, &key, sizeof(key), 1);
}

void ruleset_guard_client(struct batch *b, uint16_t type, const struct nft_client *c)
{
	source_element(b, type, c->ifindex, &c->source);
	if (!c->mac_known)
		mac_element(b, type, c->ifindex, &c->source.mac);
}

/* A MAC once, whatever addresses it has. */
static bool mac_before(const struct nft_port *port, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (mac_equal(&port->source[i].mac, &port->source[at].mac))
			return true;
	return false;
}

static void source_elements(struct batch *b, uint16_t type, const struct nft_port *port)
{
	for (size_t i = 0; i < port->sources; i++) {
		if (!mac_before(port, i))
			mac_element(b, type, port->ifindex, &port->source[i].mac);
		source_element(b, type, port->ifindex, &port->source[i]);
	}
}

static void link_element(struct batch *b, uint16_t type, const char *set,
			 const struct nft_port *port)
{
	batch_keys(b, type, NFPROTO_BRIDGE, set, &port->ifindex, sizeof(port->ifindex), 1);
}

static bool has_any_ip(const struct nft_port *port)
{
	for (size_t i = 0; i < port->sources; i++)
		if (port->source[i].addr)
			return false;
	return port->lan;
}

static void port_elements(struct batch *b, uint16_t type, const struct nft_port *port)
{
	if (port->dhcp)
		link_element(b, type, "dhcp_ports", port);
	if (port->joined)
		ruleset_guard6_joined(b, type, port);
	if (port->trunk)
		link_element(b, type, TRUNKS, port);
	if (port->guard == NFT_GUARD_OFF)
		return;
	source_elements(b, type, port);
	ruleset_guard6_ports(b, type, port);
	if (port->guard == NFT_GUARD_LOG)
		link_element(b, type, LOGGED, port);
	if (port->lan)
		link_element(b, type, GUARD_SET_STATIONS, port);
	if (has_any_ip(port))
		link_element(b, type, ANY_IP, port);
	link_element(b, type, GUARDED, port);
}

void ruleset_guard_ports(struct batch *b, uint16_t type, const struct nft_port *port, size_t n)
{
	for (size_t i = 0; i < n; i++)
		port_elements(b, type, &port[i]);
}

void ruleset_guard_captured(struct batch *b, uint16_t type, const uint32_t *ifindex, size_t n)
{
	batch_keys(b, type, NFPROTO_BRIDGE, CAPTURED, ifindex, sizeof(*ifindex), n);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The source guard of ports that are in no bridge, in table netdev netd: where a macvtap device
 * hands a guest's frame on (drivers/net/tap.c, tap_get_user, by dev_queue_xmit), which is egress to
 * the kernel, and before it reaches the uplink or another guest. Linux 5.16,
 * CONFIG_NETFILTER_EGRESS.
 *
 * Each port has a base chain of its own, bound to its device and named like it, with its MAC and
 * addresses in the rules: the kernel can bind a chain to more devices later since 6.4 only. What it
 * does not decide by these it leaves to chains that all ports share. The IPv6 sources of a guest
 * are not netd's to know here; that it sends none of a router's or server's packets is looked at.
 *
 * A guest that is only watched goes through the same rules, whose ends are others.
 */
#include <arpa/inet.h>

#include "ruleset.h"
#include "trap.h"

#include <linux/if_ether.h>

enum {
	FAMILY = NFPROTO_NETDEV,
	AT_SOURCE = 6,
	AT_ETHERTYPE = 12,
	AT_SENDER = 8, /* of ARP */
	AT_SENDER_IP = 14,
	AT_TARGET_IP = 24,
	ICMP_REDIRECT = 5,
	ROUTER_ADVERTISEMENT = 134,
	REDIRECT6 = 137,
	FRAGMENT_HEADER = 44,
	NO_PROTOCOL = 255, /* reserved */
};

static const char *reason_chain(enum nft_reason reason, bool on, char ret[REASON_CHAIN_SIZE])
{
	return ruleset_reason_chain(on ? "held" : "noticed", reason, ret);
}

static void end_held(struct rule *rule, enum nft_reason reason, bool on)
{
	char name[REASON_CHAIN_SIZE];

	rule_goto(rule, reason_chain(reason, on, name));
	rule_end(rule);
}

static struct rule begin(struct batch *b, const char *chain)
{
	return rule_begin(b, FAMILY, chain);
}

static void match_ethertype(struct rule *rule, uint32_t op, uint16_t ethertype)
{
	uint16_t type = htons(ethertype);

	rule_payload(rule, NFT_PAYLOAD_LL_HEADER, AT_ETHERTYPE, sizeof(type), REG(0));
	rule_cmp(rule, REG(0), op, &type, sizeof(type));
}

static void match_transport(struct rule *rule, uint8_t protocol, uint32_t offset, const void *data,
			    uint32_t len)
{
	match_l4(rule, NFT_CMP_EQ, protocol);
	rule_payload(rule, NFT_PAYLOAD_TRANSPORT_HEADER, offset, len, REG(0));
	rule_cmp(rule, REG(0), NFT_CMP_EQ, data, len);
}

/* --- what all ports share --- */

static void reason_rules(struct batch *b, enum nft_reason reason, bool on, uint16_t group)
{
	char name[REASON_CHAIN_SIZE];
	struct rule rule;

	ruleset_reason_begin(b, FAMILY, reason_chain(reason, on, name), reason, group);
	rule = begin(b, name);
	rule_verdict(&rule, on ? NF_DROP : NF_ACCEPT);
	rule_end(&rule);
}

static void hold_transport(struct batch *b, const char *chain, bool on, uint8_t protocol,
			   uint32_t offset, uint16_t port, enum nft_reason reason)
{
	uint16_t wire = htons(port);
	struct rule rule = begin(b, chain);

	match_transport(&rule, protocol, offset, &wire, sizeof(wire));
	end_held(&rule, reason, on);
}

static void hold_type(struct batch *b, const char *chain, bool on, uint8_t protocol, uint8_t type,
		      enum nft_reason reason)
{
	struct rule rule = begin(b, chain);

	match_transport(&rule, protocol, 0, &type, sizeof(type));
	end_held(&rule, reason, on);
}

static const char *ip4_chain(bool on)
{
	return on ? "ip4" : "ip4_watched";
}

static const char *ip6_chain(bool on)
{
	return on ? "ip6" : "ip6_watched";
}

/* Who has no address asks a DHCP server for one; the rest goes back to the port's own chain. */
static void ip4_rules(struct batch *b, bool on)
{
	uint32_t ports = htonl(68 << 16 | 67), addresses[2] = { 0, UINT32_MAX };
	const char *chain = ip4_chain(on);
	struct rule rule;

	batch_chain(b, FAMILY, chain);
	hold_transport(b, chain, on, IPPROTO_UDP, 0, 67, NFT_REASON_DHCP_SERVER);
	hold_transport(b, chain, on, IPPROTO_UDP, 2, 68, NFT_REASON_DHCP_SERVER);
	hold_type(b, chain, on, IPPROTO_ICMP, ICMP_REDIRECT, NFT_REASON_REDIRECT);
	rule = begin(b, chain);
	rule_payload(&rule, NFT_PAYLOAD_NETWORK_HEADER, IP_SOURCE, sizeof(addresses), REG(0));
	rule_cmp(&rule, REG(0), NFT_CMP_EQ, addresses, sizeof(addresses));
	match_transport(&rule, IPPROTO_UDP, 0, &ports, sizeof(ports));
	rule_verdict(&rule, NF_ACCEPT);
	rule_end(&rule);
}

/* ICMPv6 in fragments hides what it is (RFC 6980 5), and so does what has no end in sight. */
static void ip6_rules(struct batch *b, bool on)
{
	static const uint8_t none = NO_PROTOCOL;
	const char *chain = ip6_chain(on);
	struct rule rule;

	batch_chain(b, FAMILY, chain);
	rule = begin(b, chain);
	match_l4(&rule, NFT_CMP_EQ, IPPROTO_ICMPV6);
	rule_has_header(&rule, FRAGMENT_HEADER);
	end_held(&rule, NFT_REASON_FRAGMENT, on);
	hold_transport(b, chain, on, IPPROTO_UDP, 2, 546, NFT_REASON_DHCP_SERVER);
	hold_type(b, chain, on, IPPROTO_ICMPV6, ROUTER_ADVERTISEMENT, NFT_REASON_RA);
	hold_type(b, chain, on, IPPROTO_ICMPV6, REDIRECT6, NFT_REASON_REDIRECT);
	rule = begin(b, chain);
	match_meta(&rule, NFT_META_L4PROTO, NFT_CMP_NEQ, &none, sizeof(none));
	rule_verdict(&rule, NF_ACCEPT);
	rule_end(&rule);
	rule = begin(b, chain);
	end_held(&rule, NFT_REASON_FRAGMENT, on);
}

void ruleset_macvtap(struct batch *b, uint16_t group)
{
	batch_table(b, NFT_MSG_NEWTABLE, FAMILY);
	batch_table(b, NFT_MSG_DELTABLE, FAMILY);
	batch_table(b, NFT_MSG_NEWTABLE, FAMILY);
	ruleset_reason_sets(b, FAMILY);
	for (int on = 0; on < 2; on++) {
		for (unsigned i = 0; i < NFT_REASONS; i++)
			reason_rules(b, (enum nft_reason)i, on, group);
		ip4_rules(b, on);
		ip6_rules(b, on);
	}
}

/* --- a port --- */

static void hold_mac(struct batch *b, const struct nft_port *p, bool on)
{
	struct rule rule = begin(b, p->egress);

	rule_payload(&rule, NFT_PAYLOAD_LL_HEADER, AT_SOURCE, ETH_ALEN, REG(0));
	rule_cmp(&rule, REG(0), NFT_CMP_NEQ, p->source[0].mac.octet, ETH_ALEN);
	end_held(&rule, NFT_REASON_MAC, on);
}

static void pass_arp(struct batch *b, const struct nft_port *p, uint32_t sender, uint32_t target)
{
	uint32_t from = htonl(sender), about = htonl(target);
	struct rule rule = begin(b, p->egress);

	match_ethertype(&rule, NFT_CMP_EQ, ETH_P_ARP);
	rule_payload(&rule, NFT_PAYLOAD_NETWORK_HEADER, AT_SENDER_IP, sizeof(from), REG(0));
	rule_cmp(&rule, REG(0), NFT_CMP_EQ, &from, sizeof(from));
	if (target) {
		rule_payload(&rule, NFT_PAYLOAD_NETWORK_HEADER, AT_TARGET_IP, sizeof(about),
			     REG(0));
		rule_cmp(&rule, REG(0), NFT_CMP_EQ, &about, sizeof(about));
	}
	rule_verdict(&rule, NF_ACCEPT);
	rule_end(&rule);
}

/* Who says that it has an address has it, or probes it (RFC 5227 2.1.1). */
static void arp_rules(struct batch *b, const struct nft_port *p, bool on, bool known)
{
	static const uint8_t header[6] = { 0, 1, 8, 0, ETH_ALEN, 4 };
	struct rule rule = begin(b, p->egress);

	match_ethertype(&rule, NFT_CMP_EQ, ETH_P_ARP);
	rule_payload(&rule, NFT_PAYLOAD_NETWORK_HEADER, 0, sizeof(header), REG(0));
	rule_cmp(&rule, REG(0), NFT_CMP_NEQ, header, sizeof(header));
	end_held(&rule, NFT_REASON_ARP, on);
	rule = begin(b, p->egress);
	match_ethertype(&rule, NFT_CMP_EQ, ETH_P_ARP);
	rule_payload(&rule, NFT_PAYLOAD_NETWORK_HEADER, AT_SENDER, ETH_ALEN, REG(0));
	rule_cmp(&rule, REG(0), NFT_CMP_NEQ, p->source[0].mac.octet, ETH_ALEN);
	end_held(&rule, NFT_REASON_ARP, on);
	for (size_t i = 0; known && i < p->sources; i++) {
		if (!p->source[i].addr)
			continue;
		pass_arp(b, p, p->source[i].addr, 0);
		pass_arp(b, p, 0, p->source[i].addr);
	}
	rule = begin(b, p->egress);
	match_ethertype(&rule, NFT_CMP_EQ, ETH_P_ARP);
	if (known) {
		end_held(&rule, NFT_REASON_ARP, on);
		return;
	}
	rule_verdict(&rule, NF_ACCEPT);
	rule_end(&rule);
}

static void ip_rules(struct batch *b, const struct nft_port *p, bool on, bool known)
{
	struct rule rule = begin(b, p->egress);

	match_ethertype(&rule, NFT_CMP_EQ, ETH_P_IP);
	rule_jump(&rule, ip4_chain(on));
	rule_end(&rule);
	for (size_t i = 0; i < p->sources; i++) {
		if (!p->source[i].addr)
			continue;
		rule = begin(b, p->egress);
		match_ethertype(&rule, NFT_CMP_EQ, ETH_P_IP);
		match_prefix(&rule, IP_SOURCE, NFT_CMP_EQ,
			     (struct ip4_prefix){ p->source[i].addr, 32 });
		rule_verdict(&rule, NF_ACCEPT);
		rule_end(&rule);
	}
	rule = begin(b, p->egress);
	match_ethertype(&rule, NFT_CMP_EQ, ETH_P_IP);
	if (known) {
		end_held(&rule, NFT_REASON_IP, on);
		return;
	}
	rule_verdict(&rule, NF_ACCEPT);
	rule_end(&rule);
}

void ruleset_macvtap_port(struct batch *b, const struct nft_port *p)
{
	bool on = p->guard == NFT_GUARD_ON, known = false;
	struct rule rule;

	for (size_t i = 0; i < p->sources; i++)
		known = known || p->source[i].addr;
	batch_device_chain(b, p->egress, p->egress, NF_NETDEV_EGRESS, PRIORITY_FILTER);
	hold_mac(b, p, on);
	ip_rules(b, p, on, known);
	arp_rules(b, p, on, known);
	rule = begin(b, p->egress);
	match_ethertype(&rule, NFT_CMP_EQ, ETH_P_IPV6);
	rule_goto(&rule, ip6_chain(on));
	rule_end(&rule);
	rule = begin(b, p->egress);
	match_ethertype(&rule, NFT_CMP_EQ, ETH_P_8021Q);
	end_held(&rule, NFT_REASON_VLAN, on);
	rule = begin(b, p->egress);
	match_ethertype(&rule, NFT_CMP_EQ, ETH_P_8021AD);
	end_held(&rule, NFT_REASON_VLAN, on);
	rule = begin(b, p->egress);
	end_held(&rule, NFT_REASON_ETHERTYPE, on);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules of guests, groups and networks, in table inet netd. All of one list and direction are a
 * chain, which ends without a word when none matches: a guest's chain has its own rules, jumps to
 * those of its groups and its network, and drops what is left.
 *
 *	out/<bridge>		rules of a network for what its guests begin; in/…: what others do
 *	out/group/<name>	those of a group; out/group/<bridge>/<name>: of a group of a network
 *	out/<bridge>/<host>	those of a guest
 *
 * A guest is elements: its addresses in the set policy-<number> of its policy, and in
 *group-<number> of each of its groups. So a connection that begins costs a lookup for each policy
 *of the network, of which guests that differ in nothing have one. A map from address to chain would
 *be one lookup; but then the kernel walks through the chains of all guests whenever one comes
 * (net/netfilter/nf_tables_api.c, nft_table_validate).
 */
#include <arpa/inet.h>

#include "ruleset.h"

enum { NAME = 48 + NAME_SIZE, SET_NAME = 24 };

static const char *set_name(char buf[SET_NAME], const char *kind, uint32_t number)
{
	snprintf(buf, SET_NAME, "%s-%u", kind, number);
	return buf;
}

/* --- one rule --- */

void ruleset_rules_service(struct rule *rule, const struct nft_service *s, unsigned which)
{
	uint16_t first = htons(s->port[which].first), last = htons(s->port[which].last);

	if (s->protocol)
		match_l4(rule, NFT_CMP_EQ, s->protocol);
	if (!s->ports)
		return;
	rule_payload(rule, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, REG(0));
	if (first == last) {
		rule_cmp(rule, REG(0), NFT_CMP_EQ, &first, sizeof(first));
		return;
	}
	rule_cmp(rule, REG(0), NFT_CMP_GTE, &first, sizeof(first));
	rule_cmp(rule, REG(0), NFT_CMP_LTE, &last, sizeof(last));
}

/* IPv4 is all that comes here; where the rule says so, nft(8) knows the fields by their names. */
static void match_peer(struct rule *rule, const struct nft_rule *r)
{
	uint32_t offset = r->out ? IP_DESTINATION : IP_SOURCE;
	char set[SET_NAME];

	if (r->peer != NFT_PEER_ANY)
		match_ipv4(rule);
	switch (r->peer) {
	case NFT_PEER_ANY:
		break;
	case NFT_PEER_PREFIX:
		match_prefix(rule, offset, NFT_CMP_EQ, r->prefix);
		break;
	case NFT_PEER_GROUP:
		rule_payload(rule, NFT_PAYLOAD_NETWORK_HEADER, offset, 4, REG(0));
		rule_lookup(rule, REG(0), set_name(set, "group", r->group), SET_GROUP + r->group,
			    false);
		break;
	}
}

static void one_rule(struct batch *b, const char *chain, const struct nft_rule *r)
{
	for (unsigned i = 0; i == 0 || i < r->service.ports; i++) {
		struct rule rule = rule_begin(b, NFPROTO_INET, chain);

		match_peer(&rule, r);
		ruleset_rules_service(&rule, &r->service, i);
		if (!r->allow)
			rule_counter(&rule);
		rule_verdict(&rule, r->allow ? NF_ACCEPT : NF_DROP);
		rule_end(&rule);
	}
}

/* --- lists of them --- */

static bool any_rule(const struct nft_rule *r, size_t n, bool out)
{
	for (size_t i = 0; i < n; i++)
		if (r[i].out == out)
			return true;
	return false;
}

static void all_rules(struct batch *b, const char *chain, const struct nft_rule *r, size_t n,
		      bool out)
{
	for (size_t i = 0; i < n; i++)
		if (r[i].out == out)
			one_rule(b, chain, &r[i]);
}

static const char *direction(bool out)
{
	return out ? "out" : "in";
}

static const char *network_chain(char buf[NAME], const struct nft_network *n, bool out)
{
	snprintf(buf, NAME, "%s/%s", direction(out), n->bridge);
	return buf;
}

static const char *group_chain(char buf[NAME], const struct nft_group *g, bool out)
{
	snprintf(buf, NAME, "%s/group/%s%s%s", direction(out), g->network, g->network[0] ? "/" : "",
		 g->name);
	return buf;
}

static const char *policy_chain(char buf[NAME], const struct nft_plan *plan,
				const struct nft_policy *p, bool out)
{
	snprintf(buf, NAME, "%s/%s/%s", direction(out), plan->network[p->network].bridge, p->name);
	return buf;
}

static void jump(struct batch *b, const char *chain, const char *to)
{
	struct rule rule = rule_begin(b, NFPROTO_INET, chain);

	rule_jump(&rule, to);
	rule_end(&rule);
}

static void drop(struct batch *b, const char *chain)
{
	struct rule rule = rule_begin(b, NFPROTO_INET, chain);

	rule_end_drop(&rule);
}

/* --- policies --- */

static bool policy_decides(const struct nft_plan *plan, const struct nft_policy *p, bool out)
{
	const struct nft_network *n = &plan->network[p->network];
	bool any = any_rule(p->rule, p->rules, out) || any_rule(n->rule, n->rules, out);

	for (size_t i = 0; i < p->groups && !any; i++) {
		const struct nft_group *g = &plan->group[p->group[i] - 1];

		any = any_rule(g->rule, g->rules, out);
	}
	return any;
}

static void policy_rules(struct batch *b, const struct nft_plan *plan, const struct nft_policy *p,
			 bool out)
{
	const struct nft_network *n = &plan->network[p->network];
	char chain[NAME], to[NAME];

	if (!policy_decides(plan, p, out))
		return;
	policy_chain(chain, plan, p, out);
	batch_chain(b, NFPROTO_INET, chain);
	all_rules(b, chain, p->rule, p->rules, out);
	for (size_t i = 0; i < p->groups; i++) {
		const struct nft_group *g = &plan->group[p->group[i] - 1];

		if (any_rule(g->rule, g->rules, out))
			jump(b, chain, group_chain(to, g, out));
	}
	if (any_rule(n->rule, n->rules, out))
		jump(b, chain, network_chain(to, n, out));
	drop(b, chain);
}

static void go_to_policy(struct batch *b, const char *chain, const struct nft_plan *plan,
			 const struct nft_policy *p, bool out)
{
	char set[SET_NAME], to[NAME];
	struct rule rule = rule_begin(b, NFPROTO_INET, chain);

	match_ipv4(&rule);
	rule_payload(&rule, NFT_PAYLOAD_NETWORK_HEADER, out ? IP_SOURCE : IP_DESTINATION, 4,
		     REG(0));
	rule_lookup(&rule, REG(0), set_name(set, "policy", p->number), SET_POLICY + p->number,
		    false);
	rule_goto(&rule, policy_chain(to, plan, p, out));
	rule_end(&rule);
}

void ruleset_rules_decide(struct batch *b, const char *chain, const struct nft_plan *plan,
			  size_t network, bool out)
{
	const struct nft_network *n = &plan->network[network];
	char to[NAME];

	for (size_t i = 0; i < plan->policies; i++)
		if (plan->policy[i].network == network &&
		    policy_decides(plan, &plan->policy[i], out))
			go_to_policy(b, chain, plan, &plan->policy[i], out);
	if (any_rule(n->rule, n->rules, out)) {
		jump(b, chain, network_chain(to, n, out));
		drop(b, chain);
	}
}

/* --- the whole --- */

/* The chains of lists come first, so that others can jump there. */
static void direction_chains(struct batch *b, const struct nft_plan *plan, bool out)
{
	char chain[NAME];

	for (size_t i = 0; i < plan->groups; i++) {
		const struct nft_group *g = &plan->group[i];

		if (!any_rule(g->rule, g->rules, out))
			continue;
		batch_chain(b, NFPROTO_INET, group_chain(chain, g, out));
		all_rules(b, chain, g->rule, g->rules, out);
	}
	for (size_t i = 0; i < plan->networks; i++) {
		const struct nft_network *n = &plan->network[i];

		if (!any_rule(n->rule, n->rules, out))
			continue;
		batch_chain(b, NFPROTO_INET, network_chain(chain, n, out));
		all_rules(b, chain, n->rule, n->rules, out);
	}
	for (size_t i = 0; i < plan->policies; i++)
		policy_rules(b, plan, &plan->policy[i], out);
}

static void addresses(struct batch *b, const char *kind, uint32_t id, uint32_t number)
{
	char name[SET_NAME];

	batch_set(b, &(struct batch_set){ .family = NFPROTO_INET,
					  .name = set_name(name, kind, number),
					  .id = id + number,
					  .key_type = TYPE_IP,
					  .key_len = sizeof(uint32_t),
					  .key_big_endian = true });
}

void ruleset_rules_sets(struct batch *b, const struct nft_plan *plan)
{
	for (size_t i = 0; i < plan->groups; i++)
		addresses(b, "group", SET_GROUP, (uint32_t)i + 1);
	for (size_t i = 0; i < plan->policies; i++)
		addresses(b, "policy", SET_POLICY, plan->policy[i].number);
	direction_chains(b, plan, true);
	direction_chains(b, plan, false);
}

/* --- ports --- */

static void put_source(struct batch *b, uint16_t type, const struct nft_port *p, uint32_t addr)
{
	uint32_t wire = htonl(addr);
	char set[SET_NAME];

	if (p->policy)
		batch_keys(b, type, NFPROTO_INET, set_name(set, "policy", p->policy), &wire,
			   sizeof(wire), 1);
	for (size_t i = 0; i < p->groups; i++)
		batch_keys(b, type, NFPROTO_INET, set_name(set, "group", p->group[i]), &wire,
			   sizeof(wire), 1);
}

void ruleset_rules_ports(struct batch *b, uint16_t type, const struct nft_port *port, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t s = 0; s < port[i].sources; s++)
			if (port[i].source[s].addr)
				put_source(b, type, &port[i], port[i].source[s].addr);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may reach whom: from the configuration, and the subnets that networks have by now, to the
 * plan of the rules. A network that has no subnet yet is nobody's peer: a rule that names it
 * matches nothing, and is left out. Called by rules.c.
 */
#include <stdlib.h>

#include "policy.h"

void policy_port(const struct daemon *d, const struct port *p, struct nft_port *ret)
{
	const struct config_host *h = config_host_find(d->network[p->network].config, p->guest);

	if (!h)
		return;
	ret->policy = h->policy;
	ret->group = h->groups.number;
	ret->groups = h->groups.n;
}

/* --- how much there is --- */

struct sizes {
	size_t groups, policies, rules, reaches;
};

static void count_groups(const struct config_groups *groups, struct sizes *s)
{
	s->groups += groups->n;
	for (unsigned i = 0; i < groups->n; i++)
		s->rules += groups->at[i].rules.n;
}

static struct sizes count(const struct config *c)
{
	struct sizes s = { 0 };

	count_groups(&c->groups, &s);
	for (unsigned i = 0; i < c->networks; i++) {
		const struct config_network *n = &c->network[i];

		count_groups(&n->groups, &s);
		s.reaches += n->reach.n;
		s.rules += n->rules.n;
		for (unsigned h = 0; h < n->hosts; h++) {
			s.policies += n->host[h].policy != 0;
			s.rules += n->host[h].rules.n;
		}
	}
	return s;
}

/* --- plans --- */

struct planning {
	struct daemon *d;
	struct nft_plan *plan;
	const uint32_t *slot;
	struct policy_plan *to;
	size_t rules, reaches;
};

/* The rules as the plan has them, one behind the other; how many in *ret_n. */
static const struct nft_rule *put_rules(struct planning *p, const struct config_rules *rules,
					size_t *ret_n)
{
	struct nft_rule *first = &p->to->rule[p->rules];

	for (unsigned i = 0; i < rules->n; i++) {
		const struct config_rule *from = &rules->at[i];
		const struct network *n = NULL;
		struct nft_rule r = from->nft;

		if (from->peer == CONFIG_PEER_NETWORK) {
			n = network_find(p->d, from->name);
			if (!n || !network_stands(n))
				continue;
			r.prefix = n->subnet;
		}
		p->to->rule[p->rules++] = r;
	}
	*ret_n = (size_t)(&p->to->rule[p->rules] - first);
	return first;
}

/* Of a network that has no bridge, too: their numbers count on it. */
static void put_groups(struct planning *p, const struct config_groups *groups, const char *bridge)
{
	for (unsigned i = 0; i < groups->n; i++) {
		struct nft_group *g = &p->to->group[p->plan->groups++];

		snprintf(g->network, sizeof(g->network), "%s", bridge);
		snprintf(g->name, sizeof(g->name), "%s", groups->at[i].name);
		g->rule = put_rules(p, &groups->at[i].rules, &g->rules);
	}
}

/* Numbers rise from one guest to the next, but for those that an earlier one of the network has. */
static bool shared(const struct planning *p, uint32_t number, size_t network)
{
	const struct nft_policy *last =
		p->plan->policies ? &p->to->policy[p->plan->policies - 1] : NULL;

	return last && last->network == network && last->number >= number;
}

static void put_host(struct planning *p, const struct config_host *h, size_t network)
{
	struct nft_policy *to;

	if (!h->policy || shared(p, h->policy, network))
		return;
	to = &p->to->policy[p->plan->policies++];
	*to = (struct nft_policy){ .number = h->policy,
				   .network = network,
				   .group = h->groups.number,
				   .groups = h->groups.n };
	snprintf(to->name, sizeof(to->name), "%s", h->name);
	to->rule = put_rules(p, &h->rules, &to->rules);
}

static bool planned(const struct planning *p, const char *name, uint32_t *ret)
{
	for (uint32_t i = 0; i < p->plan->networks; i++) {
		if (!strcmp(p->d->network[p->slot[i]].config->name, name)) {
			*ret = i;
			return true;
		}
	}
	return false;
}

static void put_network(struct planning *p, struct nft_network *to, size_t at)
{
	const struct network *n = &p->d->network[p->slot[at]];
	const struct config_network *c = n->config;

	to->mac = n->bridge_mac;
	to->isolate = c->isolate;
	to->max_connections = c->max_connections;
	to->service = c->host_access.at;
	to->services = c->host_access.n;
	to->rule = put_rules(p, &c->rules, &to->rules);
	to->reach = &p->to->reach[p->reaches];
	for (unsigned i = 0; i < c->reach.n; i++)
		p->reaches += planned(p, c->reach.at[i], &p->to->reach[p->reaches]);
	to->reaches = (size_t)(&p->to->reach[p->reaches] - to->reach);
	for (unsigned h = 0; h < c->hosts; h++)
		put_host(p, &c->host[h], at);
}

static int allocate_for(struct policy_plan *to, const struct sizes *s)
{
	to->group = calloc(s->groups + 1, sizeof(*to->group));
	to->policy = calloc(s->policies + 1, sizeof(*to->policy));
	to->rule = calloc(s->rules + 1, sizeof(*to->rule));
	to->reach = calloc(s->reaches + 1, sizeof(*to->reach));
	return to->group && to->policy && to->rule && to->reach ? 0 : -ENOMEM;
}

/* The configuration is walked in the order that its groups are numbered in. */
int policy_plan(struct daemon *d, struct nft_plan *plan, struct nft_network *network,
		const uint32_t *slot, struct policy_plan *ret)
{
	const struct config *c = d->config;
	struct planning p = { .d = d, .plan = plan, .slot = slot, .to = ret };
	struct sizes sizes = count(c);

	if (allocate_for(ret, &sizes))
		return -ENOMEM;
	plan->group = ret->group;
	plan->policy = ret->policy;
	put_groups(&p, &c->groups, "");
	for (unsigned i = 0; i < c->networks; i++) {
		const struct network *n = network_find(d, c->network[i].name);

		put_groups(&p, &c->network[i].groups, n ? n->bridge : "");
	}
	for (size_t i = 0; i < plan->networks; i++)
		put_network(&p, &network[i], i);
	return 0;
}

void policy_done(struct policy_plan *p)
{
	free(p->group);
	free(p->policy);
	free(p->rule);
	free(p->reach);
}

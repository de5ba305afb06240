/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules of nf_tables: what they are made from. Their structure follows from the configuration,
 * and is replaced when that, or the host, makes another of it; a port is elements, which come and
 * go with it.
 */
#include <stdlib.h>

#include "daemon.h"
#include "policy.h"

/* --- ports --- */

/* The elements of one port. */
struct port_rules {
	struct nft_port nft;
	struct nft_source source[1 + CONFIG_LIST_MAX];
};

static void port_rules(const struct daemon *d, const struct port *p, struct port_rules *ret)
{
	const struct config_network *c = d->network[p->network].config;
	const struct config_host *host = p->nic == 0 ? config_host_find(c, p->guest) : NULL;
	size_t n = 1;

	ret->source[0] = (struct nft_source){ .mac = p->mac, .addr = p->address };
	if (host && config_network_addressless(c))
		ret->source[0].addr = host->address;
	for (unsigned i = 0; host && i < host->also.n; i++)
		if (host->also.at[i] != p->address)
			ret->source[n++] =
				(struct nft_source){ .mac = p->mac, .addr = host->also.at[i] };
	ret->nft = (struct nft_port){ .ifindex = p->ifindex,
				      .dhcp = c->dhcp,
				      .guard = c->guard,
				      .egress = c->mode == BRIDGE_MODE_MACVTAP ? p->ifname : NULL,
				      .lan = bridge_mode_lan(c->mode),
				      .trunk = vlans_tagged(d, p),
				      .network = p->network,
				      .source = ret->source,
				      .sources = n };
	policy_port(d, p, &ret->nft);
}

int rules_add_port(struct daemon *d, const struct port *p, struct err *err)
{
	struct port_rules rules;
	int rc;

	/* What is in the kernel may know nothing of its guest's policy. */
	if (!d->rules)
		return rules_apply(d, true, err);
	port_rules(d, p, &rules);
	rc = d->host->ops->rules_port_add(d->host, &rules.nft, err);
	/* Somebody else has deleted the table a moment ago, and we are about to hear of it. */
	if (rc == -ENOENT)
		rc = rules_apply(d, true, err);
	if (!rc)
		guard_port_here(d, p);
	return rc;
}

void rules_del_port(struct daemon *d, const struct port *p)
{
	struct port_rules rules;
	struct err err;

	guard_port_gone(d, p, p->ifindex);
	port_rules(d, p, &rules);
	if (d->host->ops->rules_port_del(d->host, &rules.nft, &err))
		log_warning("port %s/%u: %s", p->guest, p->nic, err.text);
}

void rules_forget_mac(struct daemon *d, const struct port *p)
{
	const struct nft_owner owner = { .network = p->network, .mac = p->mac };
	struct err err;

	if (d->rules && d->network[p->network].config->guard != NFT_GUARD_OFF &&
	    d->host->ops->rules_owner_del(d->host, &owner, &err))
		log_warning("port %s/%u: %s", p->guest, p->nic, err.text);
}

void rules_move_port(struct daemon *d, const struct port *p, uint32_t before)
{
	struct port was = *p;
	struct port_rules from, to;
	struct err err;

	if (!p->ifindex || !d->rules || p->address == before)
		return;
	was.address = before;
	port_rules(d, &was, &from);
	port_rules(d, p, &to);
	if (d->host->ops->rules_port_move(d->host, &from.nft, &to.nft, &err))
		log_warning("port %s/%u: %s", p->guest, p->nic, err.text);
}

/* --- the whole --- */

enum { KEPT_MAX = 256 };

struct plan {
	struct nft_plan nft;
	struct nft_network network[CONFIG_NETWORKS_MAX];
	struct nft_lan lan[CONFIG_NETWORKS_MAX];
	uint32_t slot[CONFIG_NETWORKS_MAX]; /* of each of its networks */
	char uplink[UPLINKS_MAX][LINK_NAME_SIZE];
	struct policy_plan policy;
	uint32_t kept[KEPT_MAX];
	uint32_t captured[CAPTURES_MAX];
	struct nft_port *port;
	struct port_rules *rules;
	struct nft_client *client;
	struct nft_owner *owner;
	struct nft_publish *publish;
	struct nft_reflect *reflect;
};

static void plan_networks(const struct daemon *d, struct plan *plan)
{
	plan->nft.network = plan->network;
	plan->nft.lan = plan->lan;
	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++) {
		const struct network *n = &d->network[i];
		struct nft_network *to = &plan->network[plan->nft.networks];

		plan->nft.macvtap = plan->nft.macvtap || (n->used && network_is_macvtap(n));
		if (lan_is(n) && n->pool) {
			plan->lan[plan->nft.lans].mac = n->bridge_mac;
			memcpy(plan->lan[plan->nft.lans++].bridge, n->bridge, LINK_NAME_SIZE);
			plan->nft.guarded = plan->nft.guarded || n->config->guard != NFT_GUARD_OFF;
		}
		if (!network_stands(n))
			continue;
		memcpy(to->bridge, n->bridge, sizeof(to->bridge));
		to->subnet = n->subnet;
		to->mode = n->config->mode;
		to->snat.addr = n->config->snat;
		to->snat.first = n->config->snat_ports.first;
		to->snat.last = n->config->snat_ports.last;
		plan->nft.guarded = plan->nft.guarded || n->config->guard != NFT_GUARD_OFF;
		plan->slot[plan->nft.networks++] = i;
	}
	plan->nft.uplink = plan->uplink;
	for (unsigned i = 0; i < d->uplinks; i++)
		if (d->uplink[i].forwarding_ours && !d->forwards_for_all)
			memcpy(plan->uplink[plan->nft.uplinks++], d->uplink[i].name,
			       LINK_NAME_SIZE);
}

static bool is_lans(const struct daemon *d, uint32_t index)
{
	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++)
		if (lan_is(&d->network[i]) && index && d->network[i].bridge_index == index)
			return true;
	return false;
}

static void keep(struct plan *plan, uint32_t address)
{
	for (size_t i = 0; i < plan->nft.kepts; i++)
		if (plan->kept[i] == address)
			return;
	if (address && plan->nft.kepts < KEPT_MAX)
		plan->kept[plan->nft.kepts++] = address;
}

/* The host's own addresses on a LAN, and its routers'. */
static void plan_kept(const struct daemon *d, struct plan *plan)
{
	plan->nft.kept = plan->kept;
	for (size_t i = 0; i < d->addrs; i++)
		if (is_lans(d, d->addr[i].index))
			keep(plan, d->addr[i].prefix.addr);
	for (unsigned i = 0; i < d->uplinks; i++)
		if (is_lans(d, d->uplink[i].index))
			keep(plan, d->uplink[i].gateway);
}

static int plan_ports(struct daemon *d, struct plan *plan)
{
	size_t most = d->ports.used + d->joins + plan->nft.lans + 1, n = 0;
	struct port *p;

	plan->port = calloc(most, sizeof(*plan->port));
	plan->rules = calloc(most, sizeof(*plan->rules));
	if (!plan->port || !plan->rules)
		return -ENOMEM;
	for (uint32_t at = 0; (p = port_next(d, &at));) {
		if (!p->ifindex)
			continue;
		port_rules(d, p, &plan->rules[n]);
		plan->port[n] = plan->rules[n].nft;
		n++;
	}
	for (unsigned i = 0; i < d->joins; i++)
		if (d->joined[i].served || d->joined[i].heard)
			plan->port[n++] = (struct nft_port){ .ifindex = d->joined[i].ifindex,
							     .dhcp = d->joined[i].served,
							     .joined = d->joined[i].heard,
							     .network = d->joined[i].network };
	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++)
		if (lan_is(&d->network[i]) && d->network[i].lan.phase == LAN_MOVED)
			plan->port[n++] = (struct nft_port){ .ifindex = d->network[i].lan.uplink,
							     .joined = true,
							     .network = i };
	plan->nft.port = plan->port;
	plan->nft.ports = n;
	return 0;
}

static int plan_clients(struct daemon *d, struct plan *plan)
{
	const struct guard_client *c;
	size_t n = 0;
	bool known;

	guard_leases(d);
	plan->client = calloc(d->guard.slots.used + 1, sizeof(*plan->client));
	if (!plan->client)
		return -ENOMEM;
	for (uint32_t at = 0; (c = guard_next(d, &at, &known));)
		plan->client[n++] = (struct nft_client){ .ifindex = c->ifindex,
							 .source = c->source,
							 .mac_known = known };
	plan->nft.client = plan->client;
	plan->nft.clients = n;
	return 0;
}

static int plan_owners(struct daemon *d, struct plan *plan)
{
	size_t n = 0;
	struct port *p;

	plan->owner = calloc(d->ports.used + plan->nft.networks + plan->nft.lans + 1,
			     sizeof(*plan->owner));
	if (!plan->owner)
		return -ENOMEM;
	for (size_t i = 0; i < plan->nft.networks; i++)
		plan->owner[n++] =
			(struct nft_owner){ .network = plan->slot[i],
					    .mac = d->network[plan->slot[i]].bridge_mac };
	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++)
		if (lan_is(&d->network[i]) && d->network[i].pool)
			plan->owner[n++] =
				(struct nft_owner){ .network = i, .mac = d->network[i].bridge_mac };
	for (uint32_t at = 0; (p = port_next(d, &at));)
		if (!p->ifindex)
			plan->owner[n++] =
				(struct nft_owner){ .network = p->network, .mac = p->mac };
	plan->nft.owner = plan->owner;
	plan->nft.owners = n;
	return 0;
}

static int plan_publishes(struct daemon *d, struct plan *plan)
{
	plan->publish = calloc(d->publishes.n + 1, sizeof(*plan->publish));
	plan->reflect = calloc(d->ports.used + 1, sizeof(*plan->reflect));
	if (!plan->publish || !plan->reflect)
		return -ENOMEM;
	plan->nft.publish = plan->publish;
	plan->nft.publishes = published_plan(d, plan->publish);
	plan->nft.reflect = plan->reflect;
	plan->nft.reflecting = reflect_plan(d, plan->reflect, &plan->nft.reflects);
	return 0;
}

static void plan_free(struct plan *plan)
{
	if (!plan)
		return;
	free(plan->owner);
	policy_done(&plan->policy);
	free(plan->client);
	free(plan->publish);
	free(plan->reflect);
	free(plan->port);
	free(plan->rules);
	free(plan);
}

static struct plan *plan_new(struct daemon *d)
{
	struct plan *plan = calloc(1, sizeof(*plan));

	if (!plan)
		return NULL;
	plan->nft.trap_group = (uint16_t)d->config->trap_group;
	plan->nft.captured = plan->captured;
	plan->nft.captures = captures_links(d, plan->captured);
	plan_networks(d, plan);
	plan_kept(d, plan);
	if (!policy_plan(d, &plan->nft, plan->network, plan->slot, &plan->policy) &&
	    !plan_ports(d, plan) && !plan_clients(d, plan) && !plan_owners(d, plan) &&
	    !plan_publishes(d, plan))
		return plan;
	plan_free(plan);
	return NULL;
}

/* Tells one structure of the rules from another. Ports, and what is published, are elements, which
 * come and go by themselves. */
static char *fingerprint(const struct daemon *d, const struct plan *plan, size_t *ret_len)
{
	uint64_t hash;
	char *text = nft_plan_hash(&plan->nft, &d->table_key, &hash) ? NULL : malloc(sizeof(hash));

	if (text)
		memcpy(text, &hash, sizeof(hash));
	*ret_len = sizeof(hash);
	return text;
}

static bool is_new(const struct daemon *d, const char *text, size_t len)
{
	return !d->rules || len != d->rules_len || memcmp(text, d->rules, len);
}

static int replace(struct daemon *d, const struct plan *plan, struct err *err)
{
	struct guard_counts *before = guard_counts(d);
	int rc;

	if (!before)
		return err_set(err, ENOMEM, "out of memory");
	rc = d->host->ops->rules_replace(
		d->host,
		plan->nft.networks || plan->nft.lans || plan->nft.macvtap ? &plan->nft : NULL, err);
	if (!rc) {
		guard_keep_counts(d, before);
		published_planned(d);
		d->reflecting = plan->nft.reflecting;
	}
	free(before);
	return rc;
}

int rules_apply(struct daemon *d, bool force, struct err *err)
{
	struct plan *plan = plan_new(d);
	char *text = NULL;
	size_t len = 0;
	int rc = 0;

	if (plan)
		text = fingerprint(d, plan, &len);
	if (!text)
		rc = err_set(err, ENOMEM, "out of memory");
	else if (force || is_new(d, text, len))
		rc = replace(d, plan, err);
	plan_free(plan);
	if (rc) {
		free(text);
		text = NULL;
	}
	free(d->rules);
	d->rules = text;
	d->rules_len = text ? len : 0;
	return rc;
}

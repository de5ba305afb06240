/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which packets of its guests netd asks about, through which hooks they pass, and what it finds:
 * chains of somebody else's that drop them. What one rule, or one policy, does to a network is one
 * finding, whichever packets it is about.
 */
#include <linux/netfilter/nf_conntrack_common.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "foreign.h"

enum { CULPRITS_MAX = 256 };

enum flow {
	FLOW_OUT,	/* a guest begins a connection with the outside */
	FLOW_REPLY,	/* and is answered */
	FLOW_IN,	/* the outside begins one with a guest's own address */
	FLOW_PUBLISHED, /* or with an address of the host */
	FLOW_WITHIN,
	FLOW_PING, /* a guest pings the gateway's address */
	FLOW_DNS,
	FLOW_FROM_HOST,
	FLOWS
};

enum layer { LAYER_LINK, LAYER_BRIDGE, LAYER_IP, LAYER_BRIDGED_IP };

/* What is not known, or different, at a hook. */
enum {
	NO_IIF = 1,	    /* a bridge does not tell where it came from */
	NO_DESTINATION = 2, /* not that of the guest yet, where addresses are translated */
	STEPS_MAX = 6,
};

/* A hook that packets of a flow pass; the last one has no `by`. */
struct step {
	enum layer layer;
	uint8_t hook;
	uint8_t by; /* FOREIGN_BY_…, of which a rule that lets them through would make use */
	uint8_t unknown;
};

/* net/bridge/br_netfilter_hooks.c: with bridge-nf-call-iptables what is bridged passes the hooks of
 * IPv4 with the bridge as both interfaces. */
static const struct step steps[FLOWS][STEPS_MAX + 1] = {
	[FLOW_OUT] = { { LAYER_LINK, NF_NETDEV_INGRESS, FOREIGN_BY_IIF, 0 },
		       { LAYER_BRIDGE, NF_INET_PRE_ROUTING, FOREIGN_BY_PORT_IN, 0 },
		       { LAYER_BRIDGE, NF_INET_LOCAL_IN, FOREIGN_BY_PORT_IN, 0 },
		       { LAYER_IP, NF_INET_PRE_ROUTING, FOREIGN_BY_IIF, 0 },
		       { LAYER_IP, NF_INET_FORWARD, FOREIGN_BY_IIF, 0 },
		       { LAYER_IP, NF_INET_POST_ROUTING, FOREIGN_BY_SOURCE, 0 } },
	[FLOW_REPLY] = { { LAYER_LINK, NF_NETDEV_INGRESS, FOREIGN_BY_REPLY, NO_DESTINATION },
			 { LAYER_IP, NF_INET_PRE_ROUTING, FOREIGN_BY_REPLY, NO_DESTINATION },
			 { LAYER_IP, NF_INET_FORWARD, FOREIGN_BY_OIF, 0 },
			 { LAYER_IP, NF_INET_POST_ROUTING, FOREIGN_BY_OIF, 0 },
			 { LAYER_BRIDGE, NF_INET_LOCAL_OUT, FOREIGN_BY_PORT_OUT, 0 },
			 { LAYER_BRIDGE, NF_INET_POST_ROUTING, FOREIGN_BY_PORT_OUT, 0 } },
	[FLOW_IN] = { { LAYER_IP, NF_INET_PRE_ROUTING, FOREIGN_BY_DESTINATION, 0 },
		      { LAYER_IP, NF_INET_FORWARD, FOREIGN_BY_OIF, 0 },
		      { LAYER_IP, NF_INET_POST_ROUTING, FOREIGN_BY_OIF, 0 } },
	[FLOW_PUBLISHED] = { { LAYER_IP, NF_INET_FORWARD, FOREIGN_BY_OIF, 0 },
			     { LAYER_IP, NF_INET_POST_ROUTING, FOREIGN_BY_OIF, 0 } },
	[FLOW_WITHIN] = { { LAYER_BRIDGE, NF_INET_PRE_ROUTING, FOREIGN_BY_PORT_IN, 0 },
			  { LAYER_BRIDGE, NF_INET_FORWARD, FOREIGN_BY_PORT_IN, 0 },
			  { LAYER_BRIDGE, NF_INET_POST_ROUTING, FOREIGN_BY_PORT_OUT, NO_IIF },
			  { LAYER_BRIDGED_IP, NF_INET_PRE_ROUTING, FOREIGN_BY_IIF, 0 },
			  { LAYER_BRIDGED_IP, NF_INET_FORWARD, FOREIGN_BY_IIF, 0 },
			  { LAYER_BRIDGED_IP, NF_INET_POST_ROUTING, FOREIGN_BY_OIF, NO_IIF } },
	[FLOW_PING] = { { LAYER_BRIDGE, NF_INET_LOCAL_IN, FOREIGN_BY_PORT_IN, 0 },
			{ LAYER_IP, NF_INET_PRE_ROUTING, FOREIGN_BY_IIF, 0 },
			{ LAYER_IP, NF_INET_LOCAL_IN, FOREIGN_BY_IIF, 0 } },
	[FLOW_DNS] = { { LAYER_IP, NF_INET_PRE_ROUTING, FOREIGN_BY_IIF, 0 },
		       { LAYER_IP, NF_INET_LOCAL_IN, FOREIGN_BY_IIF, 0 } },
	[FLOW_FROM_HOST] = { { LAYER_IP, NF_INET_LOCAL_OUT, FOREIGN_BY_OIF, 0 },
			     { LAYER_IP, NF_INET_POST_ROUTING, FOREIGN_BY_OIF, 0 },
			     { LAYER_BRIDGE, NF_INET_LOCAL_OUT, FOREIGN_BY_PORT_OUT, 0 },
			     { LAYER_BRIDGE, NF_INET_POST_ROUTING, FOREIGN_BY_PORT_OUT, 0 } },
};

/* --- packets --- */

static void know(struct foreign_octets *o, unsigned at, const void *data, size_t len)
{
	memcpy(o->at + at, data, len);
	memset(o->known + at, 0xff, len);
}

static void know_name(struct foreign_octets *o, const char *name)
{
	char padded[LINK_NAME_SIZE] = "";

	snprintf(padded, sizeof(padded), "%s", name);
	know(o, 0, padded, sizeof(padded));
}

static void know_address(struct foreign_octets *o, unsigned at, struct ip4_prefix p)
{
	for (unsigned i = 0; i < 4; i++) {
		unsigned shift = 24 - 8 * i;

		o->known[at + i] = (uint8_t)(ip4_mask(p.len) >> shift);
		o->at[at + i] = (uint8_t)(p.addr >> shift) & o->known[at + i];
	}
}

/* A flow of a network, by one of the uplinks; NULL: there is none. */
struct question {
	struct foreign *f;
	const struct foreign_network *network;
	const struct foreign_uplink *uplink;
	uint32_t index; /* of the network */
	enum flow flow;
	struct foreign_culprit *culprit;
	unsigned *culprits;
};

/* The names of ports begin alike. */
static void know_port(struct foreign_octets *o)
{
	know(o, 0, LINK_PORT_PREFIX, strlen(LINK_PORT_PREFIX));
}

static bool from_guest(enum flow flow)
{
	return flow == FLOW_OUT || flow == FLOW_WITHIN || flow == FLOW_PING || flow == FLOW_DNS;
}

static bool to_guest(enum flow flow)
{
	return !from_guest(flow) || flow == FLOW_WITHIN;
}

static void interfaces(const struct question *q, enum layer layer, struct foreign_packet *p)
{
	const struct foreign_network *n = q->network;
	bool in = from_guest(q->flow), out = to_guest(q->flow), outside = q->flow <= FLOW_PUBLISHED;

	if (layer == LAYER_BRIDGE) {
		if (in)
			know_port(&p->iif);
		if (in)
			know_name(&p->bridge_in, n->bridge);
		if (out)
			know_port(&p->oif);
		if (out)
			know_name(&p->bridge_out, n->bridge);
		return;
	}
	p->iif_ours = in;
	p->oif_ours = out;
	if (in)
		know_name(&p->iif, n->bridge);
	if (out)
		know_name(&p->oif, n->bridge);
	p->iif_index = in ? n->bridge_index : 0;
	p->oif_index = out ? n->bridge_index : 0;
	/* The host's own end has no interface. */
	if (!outside && !in)
		know_name(&p->iif, "");
	if (!outside && !out)
		know_name(&p->oif, "");
	if (outside && q->uplink) {
		know_name(in ? &p->oif : &p->iif, q->uplink->name);
		*(in ? &p->oif_index : &p->iif_index) = q->uplink->index;
	}
}

static void addresses(const struct question *q, struct foreign_packet *p)
{
	const struct foreign_network *n = q->network;
	struct ip4_prefix gateway = { .addr = n->subnet.addr, .len = 32 };

	if (from_guest(q->flow))
		know_address(&p->network, FOREIGN_AT_SOURCE, n->subnet);
	if (to_guest(q->flow))
		know_address(&p->network, FOREIGN_AT_DESTINATION, n->subnet);
	if (q->flow == FLOW_PING || q->flow == FLOW_DNS)
		know_address(&p->network, FOREIGN_AT_DESTINATION, gateway);
	if (q->flow == FLOW_FROM_HOST)
		know_address(&p->network, FOREIGN_AT_SOURCE, gateway);
}

static void protocol(const struct question *q, struct foreign_packet *p)
{
	static const uint8_t echo_request[2] = { 8, 0 }, dns_port[2] = { 0, 53 };
	static const uint8_t icmp = IPPROTO_ICMP, udp = IPPROTO_UDP;

	if (q->flow == FLOW_PING) {
		know(&p->network, FOREIGN_AT_PROTOCOL, &icmp, 1);
		know(&p->transport, 0, echo_request, sizeof(echo_request));
	} else if (q->flow == FLOW_DNS) {
		know(&p->network, FOREIGN_AT_PROTOCOL, &udp, 1);
		know(&p->transport, 2, dns_port, sizeof(dns_port));
	}
}

/* Whether it is for the host shows when it has been routed. */
static enum foreign_truth is_local(const struct step *s)
{
	if (s->layer != LAYER_IP || s->hook == NF_INET_PRE_ROUTING)
		return FOREIGN_MAYBE;
	return s->hook == NF_INET_LOCAL_IN ? FOREIGN_YES : FOREIGN_NO;
}

/* Before connection tracking has seen it nothing is known of its connection. */
static void connection(const struct question *q, const struct step *s,
		       const struct foreign_chain *c, struct foreign_packet *p)
{
	bool tracked = (s->layer == LAYER_IP || s->layer == LAYER_BRIDGED_IP) &&
		       c->priority > NF_IP_PRI_CONNTRACK;

	p->reply = p->dnat = FOREIGN_MAYBE;
	if (!tracked)
		return;
	p->state = NF_CT_STATE_BIT(q->flow == FLOW_REPLY ? IP_CT_ESTABLISHED : IP_CT_NEW);
	p->reply = q->flow == FLOW_REPLY ? FOREIGN_YES : FOREIGN_NO;
	p->dnat = q->flow == FLOW_PUBLISHED ? FOREIGN_YES : FOREIGN_NO;
}

static void make_packet(const struct question *q, const struct step *s,
			const struct foreign_chain *c, struct foreign_packet *p)
{
	static const struct ip4_prefix nothing;

	memset(p, 0, sizeof(*p));
	p->network.at[0] = 0x40; /* version 4, whatever options it has */
	p->network.known[0] = 0xf0;
	interfaces(q, s->layer, p);
	addresses(q, p);
	protocol(q, p);
	connection(q, s, c, p);
	p->local = is_local(s);
	if (s->unknown & NO_IIF) {
		p->iif = p->bridge_in = (struct foreign_octets){ 0 };
		p->iif_index = 0;
	}
	if (s->unknown & NO_DESTINATION && q->network->mode == BRIDGE_MODE_NAT)
		know_address(&p->network, FOREIGN_AT_DESTINATION, nothing);
}

/* --- chains --- */

static bool has_device(const struct question *q, const struct foreign_chain *c)
{
	const char *name = from_guest(q->flow) ? q->network->bridge :
			   q->uplink	       ? q->uplink->name :
						 "";

	for (unsigned i = 0; i < c->devices; i++)
		if (!strcmp(c->device[i], name))
			return true;
	return false;
}

/* Whether the kernel calls the chain with such packets. Chains that translate addresses see the
 * first packet of a connection only, and drop none. */
static bool is_passed(const struct question *q, const struct step *s, const struct foreign_chain *c)
{
	if (!c->base || c->hook != s->hook || !strcmp(c->type, "nat"))
		return false;
	switch (s->layer) {
	case LAYER_LINK:
		return c->family == NFPROTO_NETDEV && has_device(q, c);
	case LAYER_BRIDGE:
		return c->family == NFPROTO_BRIDGE;
	case LAYER_IP:
		return c->family == NFPROTO_IPV4 || c->family == NFPROTO_INET;
	case LAYER_BRIDGED_IP:
		return (c->family == NFPROTO_IPV4 || c->family == NFPROTO_INET) && q->f->bridge_nf;
	}
	return false;
}

static bool same(const struct foreign_culprit *a, const struct foreign_culprit *b)
{
	return a->base == b->base && a->rule == b->rule && a->network == b->network &&
	       a->certain == b->certain;
}

static void note(const struct question *q, const struct foreign_culprit *c)
{
	for (unsigned i = 0; i < *q->culprits; i++) {
		struct foreign_culprit *known = &q->culprit[i];

		if (!same(known, c))
			continue;
		known->flows |= c->flows;
		known->by |= c->by;
		known->docker = known->docker && c->docker;
		known->ufw = known->ufw && c->ufw;
		return;
	}
	if (*q->culprits < CULPRITS_MAX)
		q->culprit[(*q->culprits)++] = *c;
}

static bool is_certain(const struct foreign_fate *fate)
{
	return (fate->policy || fate->certain) && !(fate->may_accept && fate->meant);
}

/* Whether a rule in that chain could let such packets through. */
static bool would_do(const struct question *q, const struct foreign_chain *base,
		     const struct foreign_packet *p, const char *chain)
{
	struct foreign_fate fate;

	if (!foreign_chain_find(q->f, base->family, base->table, chain))
		return false;
	foreign_walk(q->f, base, p, chain, &fate);
	return !fate.policy && !fate.certain;
}

static void ask(const struct question *q, const struct step *s, const struct foreign_chain *base)
{
	struct foreign_culprit c = {
		.base = base, .network = q->index, .flows = 1U << q->flow, .by = s->by
	};
	struct foreign_fate fate;
	struct foreign_packet p;

	make_packet(q, s, base, &p);
	foreign_walk(q->f, base, &p, NULL, &fate);
	if (!fate.may_drop)
		return;
	c.certain = is_certain(&fate);
	if (fate.policy || fate.certain) {
		c.rule = fate.policy ? NULL : fate.certain;
		c.chain = fate.policy ? base : fate.certain_chain;
	} else if (fate.perhaps) {
		c.rule = fate.perhaps;
		c.chain = fate.perhaps_chain;
	} else {
		return; /* a queue's reader, or what was not read: nobody to name */
	}
	c.docker = would_do(q, base, &p, FOREIGN_DOCKER_CHAIN);
	c.ufw = would_do(q, base, &p,
			 base->hook == NF_INET_FORWARD ? "ufw-user-forward" : "ufw-user-input");
	note(q, &c);
}

static void ask_flow(struct question *q, enum flow flow, const struct foreign_uplink *uplink)
{
	q->flow = flow;
	q->uplink = uplink;
	for (const struct step *s = steps[flow]; s->by; s++)
		for (const struct foreign_chain *c = q->f->chain; c; c = c->next)
			if (is_passed(q, s, c))
				ask(q, s, c);
}

static void ask_outside(struct question *q, const struct foreign_uplink *uplink)
{
	if (q->network->mode == BRIDGE_MODE_ISOLATED)
		return;
	ask_flow(q, FLOW_OUT, uplink);
	ask_flow(q, FLOW_REPLY, uplink);
	if (q->network->mode == BRIDGE_MODE_ROUTE)
		ask_flow(q, FLOW_IN, uplink);
	if (q->network->published)
		ask_flow(q, FLOW_PUBLISHED, uplink);
}

static void ask_network(struct question *q, const struct foreign_ask *ask)
{
	for (size_t i = 0; i < ask->uplinks; i++)
		ask_outside(q, &ask->uplink[i]);
	if (!ask->uplinks)
		ask_outside(q, NULL);
	ask_flow(q, FLOW_WITHIN, NULL);
	ask_flow(q, FLOW_PING, NULL);
	if (q->network->host_dns)
		ask_flow(q, FLOW_DNS, NULL);
	ask_flow(q, FLOW_FROM_HOST, NULL);
}

/* --- findings --- */

static const struct {
	const char *before, *behind; /* the name of the network */
} flow_text[FLOWS] = {
	[FLOW_OUT] = { "what guests of ", " send out" },
	[FLOW_REPLY] = { "the answers to guests of ", "" },
	[FLOW_IN] = { "what is sent to guests of ", "" },
	[FLOW_PUBLISHED] = { "what comes to published ports of ", "" },
	[FLOW_WITHIN] = { "what guests of ", " send one another" },
	[FLOW_PING] = { "pings of guests of ", " to the host" },
	[FLOW_DNS] = { "DNS queries of guests of ", " to the host" },
	[FLOW_FROM_HOST] = { "what the host sends to guests of ", "" },
};

static void append(char *buf, size_t size, const char *text)
{
	size_t n = strlen(buf);

	snprintf(buf + n, size - n, "%s", text);
}

/* "table ip filter chain FORWARD policy drop drops what guests of default send out" */
static void put_what(const struct foreign_culprit *c, const struct foreign_network *n, char *buf,
		     size_t size)
{
	unsigned left = c->flows, first = 1;
	char words[160];

	snprintf(buf, size, "table %s %s chain %s ", foreign_family_text(c->base->family),
		 c->base->table, c->rule ? c->chain->name : c->base->name);
	if (c->rule)
		snprintf(words, sizeof(words), "handle %llu", (unsigned long long)c->rule->handle);
	append(buf, size, c->rule ? words : "policy drop");
	append(buf, size, c->certain ? " drops " : " may drop ");
	for (enum flow flow = 0; flow < FLOWS; flow++) {
		if (!(left & 1U << flow))
			continue;
		left &= ~(1U << flow);
		if (flow == FLOW_REPLY && !first)
			snprintf(words, sizeof(words), "the answers to it");
		else
			snprintf(words, sizeof(words), "%s%s%s", flow_text[flow].before, n->name,
				 flow_text[flow].behind);
		append(buf, size, first ? "" : left ? ", " : " and ");
		append(buf, size, words);
		first = 0;
	}
}

static struct foreign_finding *add(struct foreign_report *r, enum foreign_severity severity)
{
	struct foreign_finding *f;

	if (r->findings == FOREIGN_FINDINGS_MAX)
		return NULL;
	f = &r->finding[r->findings++];
	memset(f, 0, sizeof(*f));
	f->severity = severity;
	f->network = FOREIGN_NO_NETWORK;
	return f;
}

static void add_culprit(struct foreign_report *r, const struct foreign_culprit *c,
			const struct foreign_network *n)
{
	struct foreign_finding *f = add(r, c->certain ? FOREIGN_BREAKS : FOREIGN_MAY);

	if (!f)
		return;
	f->network = c->network;
	put_what(c, n, f->what, sizeof(f->what));
	foreign_rule_text(c->rule ? c->chain : c->base, c->rule, f->rule, sizeof(f->rule));
	foreign_mend(c, n, f->command, sizeof(f->command));
}

static void add_notes(struct foreign_report *r, const struct foreign *f)
{
	struct foreign_finding *to = f->incomplete ? add(r, FOREIGN_NOTE) : NULL;

	if (to)
		snprintf(to->what, sizeof(to->what),
			 "there are more than %d rules of nf_tables, of which not all were read",
			 FOREIGN_RULES_MAX);
	to = f->legacy ? add(r, FOREIGN_NOTE) : NULL;
	if (to) {
		snprintf(to->what, sizeof(to->what),
			 "iptables-legacy is in use, whose rules are not looked at");
		snprintf(to->command, sizeof(to->command), "iptables-legacy-save");
	}
}

void foreign_find(struct foreign *f, const struct foreign_ask *ask, struct foreign_report *ret)
{
	struct foreign_culprit *culprit = calloc(CULPRITS_MAX, sizeof(*culprit));
	unsigned culprits = 0;

	ret->findings = 0;
	for (size_t i = 0; culprit && i < ask->networks; i++) {
		struct question q = { .f = f,
				      .network = &ask->network[i],
				      .index = (uint32_t)i,
				      .culprit = culprit,
				      .culprits = &culprits };

		ask_network(&q, ask);
	}
	for (int certain = 1; certain >= 0; certain--)
		for (unsigned i = 0; i < culprits; i++)
			if (culprit[i].certain == certain)
				add_culprit(ret, &culprit[i], &ask->network[culprit[i].network]);
	add_notes(ret, f);
	free(culprit);
}

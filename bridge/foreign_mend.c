/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one command by which a person has somebody else's firewall let guests' packets through, in
 * the language of the tool that made the chain.
 */
#include <ctype.h>
#include <inttypes.h>

#include "base/cleanup.h"
#include "foreign.h"

struct out {
	char *buf;
	size_t size, len;
	bool cut;
};

ERR_PRINTF(2, 3) static void put(struct out *o, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(o->buf + o->len, o->size - o->len, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= o->size - o->len)
		o->cut = true;
	else
		o->len += (size_t)n;
}

/* What stands behind a criterion. Ports are told by what their names begin with, since to match on
 * their bridge takes a module of its own (nft_meta_bridge). */
enum operand { OPERAND_NONE, OPERAND_BRIDGE, OPERAND_PORTS, OPERAND_SUBNET };

/* How the tools say by what a packet is known. */
static const struct {
	unsigned by;
	enum operand operand;
	const char *tables, *nft;
} criteria[] = {
	{ FOREIGN_BY_IIF, OPERAND_BRIDGE, "-i", "iifname" },
	{ FOREIGN_BY_OIF, OPERAND_BRIDGE, "-o", "oifname" },
	{ FOREIGN_BY_PORT_IN, OPERAND_PORTS, "-i", "iifname" },
	{ FOREIGN_BY_PORT_OUT, OPERAND_PORTS, "-o", "oifname" },
	{ FOREIGN_BY_SOURCE, OPERAND_SUBNET, "-s", "ip saddr" },
	{ FOREIGN_BY_DESTINATION, OPERAND_SUBNET, "-d", "ip daddr" },
	{ FOREIGN_BY_REPLY, OPERAND_NONE, "-m conntrack --ctstate RELATED,ESTABLISHED",
	  "ct state established,related" },
};

static void put_operand(struct out *o, enum operand operand, const struct foreign_network *n,
			bool nft)
{
	struct ip4_prefix subnet = { ip4_network(n->subnet), n->subnet.len };
	char text[IP4_PREFIX_TEXT_SIZE];

	switch (operand) {
	case OPERAND_NONE:
		break;
	case OPERAND_BRIDGE:
		put(o, nft ? " \"%s\"" : " %s", n->bridge);
		break;
	case OPERAND_PORTS:
		put(o, "%s", nft ? " \"" LINK_PORT_PREFIX "*\"" : " " LINK_PORT_PREFIX "+");
		break;
	case OPERAND_SUBNET:
		put(o, " %s", ip4_prefix_text(subnet, text));
		break;
	}
}

/* One command a criterion; a shell stops at the first that fails. */
static void put_tables(struct out *o, const struct foreign_culprit *c,
		       const struct foreign_network *n, const char *tool, const char *chain)
{
	const char *and = "";

	for (size_t i = 0; i < ARRAY_SIZE(criteria); i++) {
		if (!(c->by & criteria[i].by))
			continue;
		put(o, "%s%s", and, tool);
		if (strcmp(c->base->table, "filter"))
			put(o, " -t %s", c->base->table);
		put(o, " -I %s %s", chain, criteria[i].tables);
		put_operand(o, criteria[i].operand, n, false);
		put(o, " -j ACCEPT");
		and = " && ";
	}
}

/* All in one transaction. */
static void put_nft(struct out *o, const struct foreign_culprit *c, const struct foreign_network *n)
{
	const char *and = "nft '";

	for (size_t i = 0; i < ARRAY_SIZE(criteria); i++) {
		if (!(c->by & criteria[i].by))
			continue;
		put(o, "%sinsert rule %s %s %s %s", and, foreign_family_text(c->base->family),
		    c->base->table, c->base->name, criteria[i].nft);
		put_operand(o, criteria[i].operand, n, true);
		put(o, " accept");
		and = "; ";
	}
	put(o, "'");
}

/* Where nothing tells the network's packets from others', the rule itself has to go. */
static void put_removal(struct out *o, const struct foreign_culprit *c)
{
	const char *family = foreign_family_text(c->base->family);

	if (c->rule)
		put(o, "nft delete rule %s %s %s handle %" PRIu64, family, c->base->table,
		    c->chain->name, c->rule->handle);
	else
		put(o, "nft 'chain %s %s %s { policy accept; }'", family, c->base->table,
		    c->base->name);
}

static void put_ufw(struct out *o, const struct foreign_culprit *c, const struct foreign_network *n)
{
	const char *route = c->base->hook == NF_INET_FORWARD ? "route " : "";

	if (c->by & FOREIGN_BY_IIF)
		put(o, "ufw %sallow in on %s", route, n->bridge);
	if (c->by & FOREIGN_BY_OIF)
		put(o, "%sufw %sallow out on %s", c->by & FOREIGN_BY_IIF ? " && " : "", route,
		    n->bridge);
}

/* Whether iptables-nft, or ebtables-nft, made the chain: they name theirs by the hook. */
static bool is_of_tables(const struct foreign_chain *c)
{
	static const char *const tables[] = {
		"filter", "mangle", "raw", "security", "nat", "broute"
	};
	bool known = false;

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		known = known || !strcmp(c->table, tables[i]);
	for (const char *at = c->name; *at; at++)
		known = known && (isupper((unsigned char)*at) || *at == '_');
	return known && (c->family == NFPROTO_IPV4 || c->family == NFPROTO_BRIDGE);
}

static bool is_nameless(const struct foreign_culprit *c)
{
	return c->base->family == NFPROTO_NETDEV ||
	       (c->by & FOREIGN_BY_REPLY && c->base->priority <= NF_IP_PRI_CONNTRACK);
}

void foreign_mend(const struct foreign_culprit *c, const struct foreign_network *n, char *buf,
		  size_t size)
{
	struct out o = { .buf = buf, .size = size };

	if (is_nameless(c))
		put_removal(&o, c);
	else if (!strcmp(c->base->table, "firewalld"))
		put(&o,
		    "firewall-cmd --permanent --zone=trusted --add-interface=%s && firewall-cmd "
		    "--reload",
		    n->bridge);
	else if (c->docker)
		put_tables(&o, c, n, "iptables", FOREIGN_DOCKER_CHAIN);
	else if (c->ufw)
		put_ufw(&o, c, n);
	else if (is_of_tables(c->base))
		put_tables(&o, c, n, c->base->family == NFPROTO_BRIDGE ? "ebtables" : "iptables",
			   c->base->name);
	else
		put_nft(&o, c, n);
	if (o.cut)
		buf[0] = 0;
}

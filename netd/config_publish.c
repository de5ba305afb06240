/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Published ports and fixed source addresses: how they are written, and what has to be true of them
 * when all of a configuration was read. Knows no file and no line but those that it is handed.
 */
#include <ctype.h>
#include <inttypes.h>
#include <netinet/in.h>

#include "config_keys.h"

enum { NIC_MAX = 63 };

/* --- ports --- */

/* A number of up to five digits; moves *at behind it. */
static bool take_number(const char **at, uint32_t *ret)
{
	size_t digits = strspn(*at, "0123456789");

	if (!digits || digits > 5)
		return false;
	*ret = (uint32_t)strtoul(*at, NULL, 10);
	*at += digits;
	return true;
}

/* "80" or "80-89"; moves *at behind it. */
static int take_ports(const char *text, const char **at, struct config_ports *ret, struct err *err)
{
	uint32_t first, last;

	if (!take_number(at, &first))
		return err_set(err, EINVAL, "'%s' has no port where one should be", text);
	last = first;
	if (**at == '-') {
		++*at;
		if (!take_number(at, &last))
			return err_set(err, EINVAL, "'%s' has no port where one should be", text);
	}
	if (!first || first > UINT16_MAX || !last || last > UINT16_MAX)
		return err_set(err, EINVAL, "'%s' has a port that is not from 1 to 65535", text);
	if (last < first)
		return err_set(err, EINVAL, "'%s' has a range that ends before it begins", text);
	*ret = (struct config_ports){ (uint16_t)first, (uint16_t)last };
	return 0;
}

static unsigned count_of(struct config_ports p)
{
	return p.last - p.first + 1U;
}

static int bad_published(const char *text, struct err *err)
{
	return err_set(err, EINVAL, "'%s' is not PROTOCOL:PORT:GUESTPORT like tcp:8080:80", text);
}

int config_published_parse(const char *text, struct config_published *ret, struct err *err)
{
	struct config_ports from, to;
	const char *at = text + 4;
	int rc;

	if (strncmp(text, "tcp:", 4) && strncmp(text, "udp:", 4))
		return bad_published(text, err);
	rc = take_ports(text, &at, &from, err);
	to = from;
	if (!rc && *at == ':') {
		at++;
		rc = take_ports(text, &at, &to, err);
	}
	if (rc)
		return rc;
	if (*at)
		return bad_published(text, err);
	if (count_of(from) != count_of(to))
		return err_set(err, EINVAL, "'%s' has %u ports of the host and %u of the guest",
			       text, count_of(from), count_of(to));
	if (count_of(from) > CONFIG_PUBLISH_RANGE)
		return err_set(err, EINVAL, "'%s' is more than %d ports", text,
			       CONFIG_PUBLISH_RANGE);
	*ret = (struct config_published){ .protocol = *text == 't' ? IPPROTO_TCP : IPPROTO_UDP,
					  .port = from.first,
					  .to = to.first,
					  .count = (uint16_t)count_of(from) };
	return 0;
}

const char *config_published_text(const struct config_published *p, char buf[CONFIG_PUBLISHED_TEXT])
{
	const char *protocol = p->protocol == IPPROTO_TCP ? "tcp" : "udp";
	unsigned more = p->count - 1U;

	if (more)
		snprintf(buf, CONFIG_PUBLISHED_TEXT, "%s:%u-%u:%u-%u", protocol, p->port,
			 p->port + more, p->to, p->to + more);
	else
		snprintf(buf, CONFIG_PUBLISHED_TEXT, "%s:%u:%u", protocol, p->port, p->to);
	return buf;
}

bool config_published_overlap(const struct config_published *a, uint32_t a_address,
			      const struct config_published *b, uint32_t b_address)
{
	return a->protocol == b->protocol && a->port < b->port + (uint32_t)b->count &&
	       b->port < a->port + (uint32_t)a->count &&
	       (!a_address || !b_address || a_address == b_address);
}

bool config_address_usable(uint32_t address)
{
	return address >> 24 && address >> 29 != 7;
}

/* --- keys of a publish block --- */

static int parse_guest(const struct key *k, void *section, const char *text, unsigned index,
		       struct err *err)
{
	struct config_publish *p = section;
	const char *why = bridge_name_refusal(text);

	(void)k;
	(void)index;
	if (why)
		return err_set(err, EINVAL, "'%s' is not a name for a guest: %s", text, why);
	snprintf(p->guest, sizeof(p->guest), "%s", text);
	return 0;
}

static void print_guest(const struct key *k, const void *section, struct printer *p)
{
	(void)k;
	config_keys_item(p, ((const struct config_publish *)section)->guest);
}

static int parse_nic(const struct key *k, void *section, const char *text, unsigned index,
		     struct err *err)
{
	const char *at = text;
	uint32_t nic;

	(void)k;
	(void)index;
	if (!take_number(&at, &nic) || *at || nic > NIC_MAX)
		return err_set(err, EINVAL, "'%s' is not a number from 0 to %d", text, NIC_MAX);
	((struct config_publish *)section)->nic = nic;
	return 0;
}

static void print_nic(const struct key *k, const void *section, struct printer *p)
{
	char text[16];

	(void)k;
	snprintf(text, sizeof(text), "%" PRIu32, ((const struct config_publish *)section)->nic);
	config_keys_item(p, text);
}

static int parse_port(const struct key *k, void *section, const char *text, unsigned index,
		      struct err *err)
{
	struct config_publish *p = section;
	int rc;

	(void)k;
	if (index >= CONFIG_LIST_MAX)
		return err_set(err, EINVAL, "more than %d values", CONFIG_LIST_MAX);
	rc = config_published_parse(text, &p->port[index], err);
	if (!rc)
		p->ports = index + 1;
	return rc;
}

static void print_port(const struct key *k, const void *section, struct printer *p)
{
	const struct config_publish *publish = section;
	char text[CONFIG_PUBLISHED_TEXT];

	(void)k;
	for (unsigned i = 0; i < publish->ports; i++)
		config_keys_item(p, config_published_text(&publish->port[i], text));
}

static int parse_address(const struct key *k, void *section, const char *text, unsigned index,
			 struct err *err)
{
	struct config_publish *p = section;

	(void)k;
	(void)index;
	if (!ip4_parse(text, &p->address))
		return err_set(err, EINVAL, "'%s' is not an IPv4 address", text);
	if (!config_address_usable(p->address))
		return err_set(err, EINVAL, "'%s' is not an address that a host can have", text);
	return 0;
}

static void print_address(const struct key *k, const void *section, struct printer *p)
{
	const struct config_publish *publish = section;
	char text[IP4_TEXT_SIZE];

	(void)k;
	if (publish->address)
		config_keys_item(p, ip4_text(publish->address, text));
}

#define PAIR(fn) .parse = parse_##fn, .print = print_##fn

const struct key config_keys_publish[] = {
	{ "guest", PAIR(guest) },
	{ "nic", PAIR(nic) },
	{ "address", PAIR(address), .place = offsetof(struct config_publish, address_place) },
	{ "port", .list = true, PAIR(port), .place = offsetof(struct config_publish, port_place) },
	{ 0 },
};

/* --- keys of a network --- */

int config_parse_snat(const struct key *k, void *section, const char *text, unsigned index,
		      struct err *err)
{
	char first[IP4_TEXT_SIZE], last[IP4_TEXT_SIZE], rest;
	int n = sscanf(text, "%15[0-9.]-%15[0-9.]%c", first, last, &rest);
	struct ip4_range r;

	(void)index;
	if (n < 1 || n > 2 || (n == 1 && strcmp(first, text)) || !ip4_parse(first, &r.first) ||
	    !ip4_parse(n == 2 ? last : first, &r.last))
		return err_set(err, EINVAL,
			       "'%s' is neither an address nor a range like 192.0.2.10-192.0.2.13",
			       text);
	if (r.first > r.last)
		return err_set(err, EINVAL, "'%s' ends before it begins", text);
	if (!config_address_usable(r.first) || !config_address_usable(r.last) ||
	    (r.first < 0x80000000 && r.last >= 0x7f000000 && r.first >> 24 <= 0x7f))
		return err_set(err, EINVAL, "'%s' is not what a host sends from", text);
	*(struct ip4_range *)member(k, section) = r;
	return 0;
}

void config_print_snat(const struct key *k, const void *section, struct printer *p)
{
	const struct ip4_range *r = member_const(k, section);
	char first[IP4_TEXT_SIZE], last[IP4_TEXT_SIZE], text[2 * IP4_TEXT_SIZE];

	if (!r->first)
		return;
	ip4_text(r->first, first);
	if (r->first == r->last)
		snprintf(text, sizeof(text), "%s", first);
	else
		snprintf(text, sizeof(text), "%s-%s", first, ip4_text(r->last, last));
	config_keys_item(p, text);
}

int config_parse_ports(const struct key *k, void *section, const char *text, unsigned index,
		       struct err *err)
{
	struct config_ports ports;
	const char *at = text;
	int rc = take_ports(text, &at, &ports, err);

	(void)index;
	if (rc)
		return rc;
	if (*at)
		return err_set(err, EINVAL, "'%s' is not a range like 20000-29999", text);
	*(struct config_ports *)member(k, section) = ports;
	return 0;
}

void config_print_ports(const struct key *k, const void *section, struct printer *p)
{
	const struct config_ports *ports = member_const(k, section);
	char text[16];

	if (!ports->first)
		return;
	snprintf(text, sizeof(text), "%u-%u", ports->first, ports->last);
	config_keys_item(p, text);
}

/* --- checks --- */

static int check_snat(const struct config *c, const struct config_network *n, struct err *err)
{
	char text[IP4_PREFIX_TEXT_SIZE];

	if (n->snat.first && n->mode != BRIDGE_MODE_NAT)
		return config_wrong(err, n->snat_place, "snat: network '%s' is not of mode nat",
				    n->name);
	if (n->snat_ports.first && n->mode != BRIDGE_MODE_NAT)
		return config_wrong(err, n->snat_ports_place,
				    "snat-ports: network '%s' is not of mode nat", n->name);
	for (unsigned i = 0; i < c->networks && n->snat.first; i++) {
		const struct config_network *other = &c->network[i];

		if (!other->auto_subnet && n->snat.first <= ip4_broadcast(other->subnet) &&
		    n->snat.last >= ip4_network(other->subnet))
			return config_wrong(err, n->snat_place,
					    "snat: it is in subnet %s of network '%s'",
					    ip4_prefix_text(other->subnet, text), other->name);
	}
	return 0;
}

/* The at-th port of a block against those of a block that stands before it, or is the same. */
static int check_against(const struct config_publish *p, unsigned at,
			 const struct config_publish *other, unsigned ports, struct err *err)
{
	char text[CONFIG_PUBLISHED_TEXT];

	for (unsigned i = 0; i < ports; i++)
		if (config_published_overlap(&p->port[at], p->address, &other->port[i],
					     other->address))
			return config_wrong(err, p->port_place,
					    "port: %s is published for '%s' at %s:%d",
					    config_published_text(&p->port[at], text), other->guest,
					    other->port_place.file, other->port_place.line);
	return 0;
}

static unsigned count_ports(const struct config_publish *p)
{
	unsigned n = 0;

	for (unsigned i = 0; i < p->ports; i++)
		n += p->port[i].count;
	return n;
}

static int check_ports(const struct config *c, const struct config_publish *p, struct err *err)
{
	unsigned all = count_ports(p), publishes = p->ports;
	int rc = 0;

	for (unsigned i = 0; i < c->networks; i++) {
		for (unsigned j = 0; j < c->network[i].publishes && !rc; j++) {
			const struct config_publish *other = &c->network[i].publish[j];

			if (other == p &&
			    (all > CONFIG_PUBLISHED_MAX || publishes > CONFIG_PUBLISHES_MAX))
				return config_wrong(err, p->port_place,
						    "port: more than %d ports, or %d values, are "
						    "published",
						    CONFIG_PUBLISHED_MAX, CONFIG_PUBLISHES_MAX);
			for (unsigned at = 0; at < p->ports && !rc; at++)
				rc = check_against(p, at, other, other == p ? at : other->ports,
						   err);
			if (other == p)
				return rc;
			all += count_ports(other);
			publishes += other->ports;
		}
	}
	return rc;
}

/* An address of a network's subnet is the host's only if it is the gateway's. */
static int check_address(const struct config *c, const struct config_publish *p, struct err *err)
{
	char address[IP4_TEXT_SIZE], subnet[IP4_PREFIX_TEXT_SIZE];

	for (unsigned i = 0; i < c->networks; i++) {
		const struct config_network *n = &c->network[i];

		if (!n->auto_subnet && ip4_within(n->subnet, p->address) &&
		    p->address != n->subnet.addr)
			return config_wrong(err, p->address_place,
					    "address: %s is in subnet %s of network '%s', and not "
					    "its gateway's",
					    ip4_text(p->address, address),
					    ip4_prefix_text(n->subnet, subnet), n->name);
	}
	return 0;
}

static int check_publish(const struct config *c, const struct config_network *n,
			 const struct config_publish *p, struct err *err)
{
	int rc;

	if (!p->guest[0])
		return config_wrong(err, p->place, "publish: it has no guest");
	if (!p->ports)
		return config_wrong(err, p->place, "publish: it has no port");
	if (n->mode == BRIDGE_MODE_ISOLATED)
		return config_wrong(err, p->place, "publish: network '%s' is isolated", n->name);
	rc = check_address(c, p, err);
	return rc ? rc : check_ports(c, p, err);
}

int config_publish_check(const struct config *c, const struct config_network *n, struct err *err)
{
	int rc = check_snat(c, n, err);

	for (unsigned i = 0; i < n->publishes && !rc; i++)
		rc = check_publish(c, n, &n->publish[i], err);
	return rc;
}

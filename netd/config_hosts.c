/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reservations: whom they are for, that no two are for one thing, and the table of them that dhcp/
 * has. Called by config.c when all of a network was read, and by the rest of netd.
 */
#include <stdlib.h>

#include "config_keys.h"

const struct config_host *config_host_find(const struct config_network *n, const char *guest)
{
	for (unsigned i = 0; i < n->hosts; i++)
		if (!strcmp(n->host[i].name, guest) && !config_host_is_client(&n->host[i]))
			return &n->host[i];
	return NULL;
}

bool config_host_is_client(const struct config_host *h)
{
	return !mac_is_zero(&h->match_mac) || h->match_id.len;
}

/* A guest's has only an address that is no client's. */
static struct dhcp_host dhcp_view(const struct config_host *h)
{
	if (!config_host_is_client(h))
		return (struct dhcp_host){ .addr = h->address };
	return (struct dhcp_host){ .addr = h->address,
				   .mac = h->match_mac,
				   .client_id = h->match_id.len ? h->match_id.octet : NULL,
				   .client_id_len = h->match_id.len,
				   .hostname = h->hostname[0] ? h->hostname : NULL,
				   .options = h->options.wire };
}

/* Several guests may have one. */
static bool also_before(const struct config_network *n, unsigned at, uint32_t address)
{
	for (unsigned i = 0; i < at; i++)
		for (unsigned j = 0; j < n->host[i].also.n; j++)
			if (n->host[i].also.at[j] == address)
				return true;
	return false;
}

int config_hosts(const struct config_network *n, const struct siphash_key *key,
		 struct dhcp_hosts **ret, struct err *err)
{
	struct dhcp_host *host = calloc(n->hosts * (1 + CONFIG_LIST_MAX) + 1, sizeof(*host));
	unsigned count = 0;
	int rc;

	if (!host)
		return err_set(err, ENOMEM, "out of memory");
	for (unsigned i = 0; i < n->hosts; i++) {
		const struct config_host *h = &n->host[i];

		host[count++] = dhcp_view(h);
		for (unsigned j = 0; j < h->also.n; j++)
			if (!also_before(n, i, h->also.at[j]))
				host[count++] = (struct dhcp_host){ .addr = h->also.at[j] };
	}
	rc = dhcp_hosts_new(host, count, key, ret);
	free(host);
	return rc ? err_sys(err, -rc, "cannot make its reservations") : 0;
}

/* --- checks --- */

/* The MAC that a reservation is for, or gives. */
static const struct mac *host_mac(const struct config_host *h)
{
	return mac_is_zero(&h->match_mac) ? &h->mac : &h->match_mac;
}

static bool same_id(const struct config_id *a, const struct config_id *b)
{
	return a->len && a->len == b->len && !memcmp(a->octet, b->octet, a->len);
}

/* Two reservations of one thing. */
static int check_two(const struct config_host *h, const struct config_host *other, struct err *err)
{
	bool by_mac = !mac_is_zero(&h->match_mac);
	char text[IP4_TEXT_SIZE];

	if (h->address && h->address == other->address)
		return config_wrong(err, h->address_place,
				    "address: %s is reserved for '%s' at %s:%d",
				    ip4_text(h->address, text), other->name,
				    other->address_place.file, other->address_place.line);
	if (!mac_is_zero(host_mac(h)) && mac_equal(host_mac(h), host_mac(other)))
		return config_wrong(err, by_mac ? h->match_mac_place : h->mac_place,
				    "%s: it is reserved for '%s' at %s:%d",
				    by_mac ? "match-mac" : "mac", other->name, other->place.file,
				    other->place.line);
	if (same_id(&h->match_id, &other->match_id))
		return config_wrong(
			err, h->match_id_place, "match-client-id: it is reserved for '%s' at %s:%d",
			other->name, other->match_id_place.file, other->match_id_place.line);
	return 0;
}

/* A client can be behind a relay agent, a guest cannot. */
static struct ip4_prefix host_subnet(const struct config_network *n, const struct config_host *h)
{
	for (unsigned i = 0; i < n->relays && config_host_is_client(h); i++)
		if (ip4_within(n->relay[i].prefix, h->address))
			return n->relay[i].prefix;
	return n->subnet;
}

static bool is_host(struct ip4_prefix in, uint32_t address)
{
	return ip4_within(in, address) && address != ip4_network(in) &&
	       address != ip4_broadcast(in);
}

/* Two guests may share one, as VRRP has it (RFC 9568); it is nobody's own. */
static int check_also(const struct config_network *n, const struct config_host *h, struct err *err)
{
	char text[IP4_TEXT_SIZE], subnet[IP4_PREFIX_TEXT_SIZE];

	if (h->also.n && n->auto_subnet)
		return config_wrong(err, h->also_place,
				    "also: a subnet that is auto has no further addresses");
	if (h->also.n && config_host_is_client(h))
		return config_wrong(err, h->also_place,
				    "also: it is for guests; '%s' is a client's reservation",
				    h->name);
	for (unsigned i = 0; i < h->also.n; i++) {
		if (!is_host(n->subnet, h->also.at[i]) || h->also.at[i] == n->subnet.addr)
			return config_wrong(err, h->also_place,
					    "also: %s is not a guest's address of the subnet %s",
					    ip4_text(h->also.at[i], text),
					    ip4_prefix_text(n->subnet, subnet));
		for (unsigned j = 0; j < n->hosts; j++)
			if (n->host[j].address == h->also.at[i])
				return config_wrong(err, h->also_place,
						    "also: %s is reserved for '%s' at %s:%d",
						    ip4_text(h->also.at[i], text), n->host[j].name,
						    n->host[j].address_place.file,
						    n->host[j].address_place.line);
	}
	return 0;
}

int config_host_check(const struct config_network *n, unsigned at, struct err *err)
{
	const struct config_host *h = &n->host[at];
	struct ip4_prefix in = host_subnet(n, h);
	int rc = 0;
	char text[IP4_TEXT_SIZE], subnet[IP4_PREFIX_TEXT_SIZE];
	/* What it has of its LAN; the guard alone wants to know. */
	bool lans = config_network_addressless(n);

	if (h->address && !lans && n->auto_subnet && in.addr == n->subnet.addr)
		return config_wrong(err, h->address_place,
				    "address: a subnet that is auto has no reservations");
	if (h->address && !lans && !is_host(in, h->address))
		return config_wrong(err, h->address_place,
				    "address: %s is not a host of the subnet %s",
				    ip4_text(h->address, text), ip4_prefix_text(in, subnet));
	if (h->address && !lans && h->address == in.addr)
		return config_wrong(err, h->address_place, "address: %s is the gateway's",
				    ip4_text(h->address, text));
	if (config_host_is_client(h) && !mac_is_zero(&h->mac))
		return config_wrong(err, h->mac_place,
				    "mac: it is for guests; '%s' is a client's reservation",
				    h->name);
	if (config_host_is_client(h) && config_rate_is_set(&h->rate))
		return config_wrong(err, h->rate.place,
				    "rate: it is for guests; '%s' is a client's reservation",
				    h->name);
	if (h->match_id.len && n->identity == DHCP_IDENTITY_MAC)
		return config_wrong(err, h->match_id_place,
				    "match-client-id: with identity = mac no identifier counts");
	for (unsigned i = 0; i < at && !rc; i++)
		rc = check_two(h, &n->host[i], err);
	return rc ? rc : check_also(n, h, err);
}

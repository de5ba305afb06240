/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which MAC and address a port gets. Candidates follow from a keyed hash of the identity, so that
 * the same guest gets the same ones again even when the state was lost; each is checked against all
 * that is known: ports of every network, reservations, resting MACs, the host's links and
 * addresses, the bridges' FDBs and the neighbour table, and, on a network that is probed, by what
 * the wire says (probe.c). What passes is checked once more by the state's constraints when it is
 * stored.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "daemon.h"

enum { ADDRESS_ATTEMPTS = 256 };

/* --- keys --- */

static bool read_machine_id(char id[64])
{
	CLEAN_FILE FILE *in = fopen("/etc/machine-id", "re");

	if (!in || !fgets(id, 64, in))
		return false;
	id[strcspn(id, "\n")] = 0;
	return strspn(id, "0123456789abcdef") == 32 && strlen(id) == 32;
}

int allocate_keys(struct daemon *d, struct err *err)
{
	struct siphash_key own;
	char source[256];
	int rc;

	if (d->config->secret[0]) {
		snprintf(source, sizeof(source), "%s", d->config->secret);
	} else if (!read_machine_id(source)) {
		log_notice("this host has no machine id and the configuration no secret: the MAC "
			   "addresses of guests follow "
			   "from a random secret in the state and change if it is lost");
		rc = store_secret(d->store, &own, err);
		if (rc)
			return rc;
		for (size_t i = 0; i < sizeof(own.octet); i++)
			snprintf(source + 2 * i, 3, "%02x", own.octet[i]);
	}
	d->generator.policy = d->config->mac_policy;
	d->generator.secret = mac_derive_key(source, "mac");
	memcpy(d->generator.prefix, d->config->mac_prefix, sizeof(d->generator.prefix));
	d->generator.prefix_len = d->config->mac_prefix_len;
	d->address_key = mac_derive_key(source, "address");
	d->name_key = mac_derive_key(source, "name");
	return 0;
}

struct mac allocate_bridge_mac(const struct daemon *d, const char *network)
{
	struct mac_generator g = { .policy = MAC_POLICY_HASH, .secret = d->name_key };
	struct mac_identity id = { .guest = network };

	return mac_candidate(&g, &id, 0);
}

/* The host's own address for policy `host`: that of the first uplink. */
static void set_host_mac(struct daemon *d)
{
	const struct seen_link *link = d->uplinks ? link_find(d, d->uplink[0].index) : NULL;

	if (link)
		d->generator.host = link->mac;
}

/* --- who has it already --- */

/* A search for a holder: `text` names it when there is one. */
struct holder {
	struct daemon *d;
	const struct port *p;	/* for whom; its slot is PORT_NONE while it is in no table */
	bool same_network_only; /* a MAC that the user gave may stand on another network */
	char text[sizeof(((struct refusal *)0)->holder)];
	struct mac mac; /* that is searched for */
};

static void say_port(struct holder *h, const struct port *other)
{
	char text[NAME_SIZE + 12];

	snprintf(h->text, sizeof(h->text), "port %s of network %s", port_text(other, text),
		 h->d->network[other->network].config->name);
}

static bool mac_in_tables(struct holder *h, const struct mac *m)
{
	struct mac_holder who;

	for (unsigned n = 0; mac_index_find(h->d->macs, m, n, &who); n++) {
		const struct port *other = who.kind == MAC_OF_PORT ? &h->d->port[who.id] : NULL;
		const struct seen_link *link =
			who.kind == MAC_OF_LINK ? link_find(h->d, who.id) : NULL;

		if (other && other->slot != h->p->slot &&
		    (!h->same_network_only || other->network == h->p->network)) {
			say_port(h, other);
			return true;
		}
		if (link) {
			snprintf(h->text, sizeof(h->text), "the host's interface %s", link->name);
			return true;
		}
	}
	return false;
}

static bool mac_is_reserved(struct holder *h, const struct mac *m)
{
	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++) {
		const struct network *n = &h->d->network[i];

		for (unsigned j = 0; n->used && j < n->config->hosts; j++) {
			const struct config_host *host = &n->config->host[j];
			bool client = config_host_is_client(host);

			if (!mac_equal(client ? &host->match_mac : &host->mac, m) ||
			    (!client && i == h->p->network && !strcmp(host->name, h->p->guest)) ||
			    (h->same_network_only && i != h->p->network))
				continue;
			snprintf(h->text, sizeof(h->text), "the reservation for %s in network %s",
				 host->name, n->config->name);
			return true;
		}
	}
	return false;
}

static int mac_rests(struct holder *h, const struct mac *m, struct err *err)
{
	char guest[NAME_SIZE];
	uint32_t nic;
	bool rests;
	int rc = store_mac_rests(h->d->store, m, loop_wall(h->d->loop), guest, &nic, &rests, err);

	if (rc || !rests || (!strcmp(guest, h->p->guest) && nic == h->p->nic))
		return rc;
	snprintf(h->text, sizeof(h->text), "%s/%" PRIu32 ", which was released less than a day ago",
		 guest, nic);
	return 1;
}

/* Behind another port than the one in question. */
static int mac_in_fdbs(struct holder *h, const struct mac *m, struct err *err)
{
	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++) {
		const struct network *n = &h->d->network[i];
		const struct seen_link *link;
		uint32_t port;
		int rc;

		/* Where all are guarded, only MACs of ports are seen, which are in the tables; one
		 * that was asked for by name is looked up all the same. */
		if (!n->up || !n->bridge_index ||
		    (h->same_network_only ? i != h->p->network : !n->watch.open))
			continue;
		rc = h->d->host->ops->fdb_find(h->d->host, n->bridge_index, m, &port, err);
		if (rc == -ENOENT || (!rc && h->p->ifindex && port == h->p->ifindex))
			continue;
		if (rc)
			return rc;
		link = link_find(h->d, port);
		snprintf(h->text, sizeof(h->text), "a station behind %s on bridge %s",
			 link ? link->name : "a port", n->bridge);
		return 1;
	}
	return 0;
}

/* On our own bridges the FDB says better than a neighbour entry, which outlives its guest, who is
 * there. */
static int find_mac_neighbour(void *arg, const struct rtnl_neigh *neigh)
{
	struct holder *h = arg;
	const struct seen_link *link = link_find(h->d, neigh->index);

	if (!h->text[0] && mac_equal(&neigh->mac, &h->mac) &&
	    !network_by_bridge(h->d, neigh->index) && !network_is_host_link(h->d, neigh->index))
		snprintf(h->text, sizeof(h->text), "a neighbour of the host on %s",
			 link ? link->name : "a link");
	return 0;
}

/* The links on which the host can have neighbours that are not on netd's bridges; how many there
 * are, also when that is more than `max`. */
static unsigned foreign_links(struct daemon *d, uint32_t *at, unsigned max)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < d->links.fresh && n <= max; i++) {
		const struct seen_link *link = &d->link[i], *master;

		if (!slots_live(&d->links, i) || !link->foreign ||
		    network_by_bridge(d, link->index) || network_is_host_link(d, link->index) ||
		    port_by_link(d, link->index))
			continue;
		/* The neighbours of a bridge's port are the bridge's. */
		master = link->master ? link_find(d, link->master) : NULL;
		if (master && master->bridge)
			continue;
		if (n < max)
			at[n] = link->index;
		n++;
	}
	return n;
}

/* Guests that the host talks to are its neighbours, too: they are not listed at each attach, as
 * long as there are few links but netd's. */
static int mac_among_neighbours(struct holder *h, const struct mac *m, struct err *err)
{
	enum { FOREIGN_MAX = 8 };
	uint32_t index[FOREIGN_MAX];
	unsigned n = foreign_links(h->d, index, FOREIGN_MAX);
	const struct host_ops *ops = h->d->host->ops;
	int rc = 0;

	h->mac = *m;
	if (n > FOREIGN_MAX || h->d->links_overflow)
		rc = ops->neigh_list(h->d->host, 0, find_mac_neighbour, h, err);
	else
		for (unsigned i = 0; i < n && !rc; i++)
			rc = ops->neigh_list(h->d->host, index[i], find_mac_neighbour, h, err);
	return rc ? rc : h->text[0] != 0;
}

/* A neighbour that no port leads to any more is gone. */
static int address_among_neighbours(struct holder *h, uint32_t address, struct err *err)
{
	const struct network *n = &h->d->network[h->p->network];
	const struct host_ops *ops = h->d->host->ops;
	char text[MAC_TEXT_SIZE];
	uint32_t port;
	struct mac mac;
	int rc;

	if (!n->bridge_index)
		return 0;
	rc = ops->neigh_find(h->d->host, n->bridge_index, address, &mac, err);
	if (!rc && mac_equal(&mac, &h->p->mac))
		return 0;
	if (!rc)
		rc = ops->fdb_find(h->d->host, n->bridge_index, &mac, &port, err);
	if (rc)
		return rc == -ENOENT ? 0 : rc;
	snprintf(h->text, sizeof(h->text), "%s, a neighbour on %s", mac_text(&mac, text),
		 n->bridge);
	return 1;
}

/* 0: free, 1: h->text says who has it. */
static int mac_taken(void *arg, const struct mac *m, struct err *err)
{
	struct holder *h = arg;
	int rc;

	h->text[0] = 0;
	if (mac_in_tables(h, m) || mac_is_reserved(h, m))
		return 1;
	rc = mac_rests(h, m, err);
	if (!rc)
		rc = mac_in_fdbs(h, m, err);
	return rc ? rc : mac_among_neighbours(h, m, err);
}

static bool address_in_tables(struct holder *h, uint32_t address)
{
	const struct network *n = &h->d->network[h->p->network];
	const struct dhcp_lease *lease = dhcp_lease_by_addr(h->d->dhcp, n->slot, address);

	if (lease && lease->client) {
		char mac[MAC_TEXT_SIZE];

		/* Memory of one whose lease has ended gives way. */
		if (dhcp_lease_is_memory(lease))
			return false;
		snprintf(h->text, sizeof(h->text), "the DHCP client %s",
			 mac_text(&lease->mac, mac));
		return true;
	}
	if (lease && lease->port == DHCP_PORT_NONE) {
		snprintf(h->text, sizeof(h->text), "quarantine, since somebody else uses it");
		return true;
	}
	if (lease && lease->port != h->p->slot) {
		say_port(h, &h->d->port[lease->port]);
		return true;
	}
	for (unsigned i = 0; i < n->config->hosts; i++) {
		const struct config_host *host = &n->config->host[i];

		if (host->address != address ||
		    (!config_host_is_client(host) && !strcmp(host->name, h->p->guest)))
			continue;
		snprintf(h->text, sizeof(h->text), "the reservation %s %s",
			 config_host_is_client(host) ? "of the client" : "for", host->name);
		return true;
	}
	for (unsigned i = 0; i < n->config->hosts; i++) {
		const struct config_host *host = &n->config->host[i];

		for (unsigned j = 0; j < host->also.n; j++) {
			if (host->also.at[j] != address)
				continue;
			snprintf(h->text, sizeof(h->text), "the reservation for %s, of `also`",
				 host->name);
			return true;
		}
	}
	for (size_t i = 0; i < h->d->addrs; i++) {
		const struct seen_link *link = link_find(h->d, h->d->addr[i].index);

		if (h->d->addr[i].prefix.addr != address)
			continue;
		snprintf(h->text, sizeof(h->text), "the host's interface %s",
			 link ? link->name : "?");
		return true;
	}
	return false;
}

static int address_taken(struct holder *h, uint32_t address, struct err *err)
{
	h->text[0] = 0;
	if (address_in_tables(h, address))
		return 1;
	return address_among_neighbours(h, address, err);
}

/* --- choosing --- */

static int generate_mac(struct daemon *d, struct port *p, struct refusal *r)
{
	struct holder h = { .d = d, .p = p };
	struct mac_identity id = { .guest = p->guest, .nic = p->nic, .generation = p->generation };
	struct err err;

	set_host_mac(d);
	if (getrandom(&id.random, sizeof(id.random), 0) != (ssize_t)sizeof(id.random)) {
		err_sys(&err, errno, "no random numbers");
		return refuse_err(r, REFUSED_SYSTEM, &err);
	}
	if (mac_choose(&d->generator, &id, mac_taken, &h, &p->mac, &err))
		return refuse_err(r, REFUSED_SYSTEM, &err);
	p->mac_given = false;
	return 0;
}

static void warn_of_other_networks(struct daemon *d, const struct port *p)
{
	struct holder h = { .d = d, .p = p };
	char mac[MAC_TEXT_SIZE], text[NAME_SIZE + 12];

	if (mac_in_tables(&h, &p->mac))
		log_warning("port %s: its MAC address %s, which was asked for, is also that of %s",
			    port_text(p, text), mac_text(&p->mac, mac), h.text);
}

static int take_mac(struct daemon *d, struct port *p, const struct mac *m, struct refusal *r)
{
	struct holder h = { .d = d, .p = p, .same_network_only = true };
	char text[MAC_TEXT_SIZE];
	struct err err;
	int rc;

	if (mac_refusal(m))
		return refuse(r, REFUSED_PARAMETER, "mac", mac_refusal(m));
	rc = mac_in_tables(&h, m) || mac_is_reserved(&h, m) ? 1 : mac_in_fdbs(&h, m, &err);
	if (rc < 0)
		return refuse_err(r, REFUSED_SYSTEM, &err);
	if (rc)
		return refuse(r, REFUSED_MAC_IN_USE, mac_text(m, text), h.text);
	p->mac = *m;
	p->mac_given = true;
	warn_of_other_networks(d, p);
	return 0;
}

static uint64_t first_place(const struct daemon *d, const struct port *p)
{
	struct siphash h = siphash_init(&d->address_key);

	siphash_add_text(&h, d->network[p->network].config->name);
	siphash_add_text(&h, p->guest);
	siphash_add_u32(&h, p->nic);
	return siphash_done(&h);
}

/* One of the stock that was probed ahead; *ret stays as it is when there is none. */
static int take_from_stock(struct holder *h, uint32_t *ret, struct err *err)
{
	const struct network *n = &h->d->network[h->p->network];
	uint32_t at = DHCP_PROBE_FIRST, address;

	while (probe_stock(h->d, n, &at, &address)) {
		int rc = address_taken(h, address, err);

		if (rc < 0)
			return rc;
		if (rc == 0) {
			*ret = address;
			return 1;
		}
	}
	return 0;
}

/* What the wire says about a candidate that all tables call free: as probe_ask, but PROBE_UNKNOWN
 * for one that is to be given all the same. It may be replaced by one of the stock. */
static int settle(struct holder *h, uint32_t *address, struct probe_wait *wait,
		  enum probe_answer *ret, struct err *err)
{
	const struct network *n = &h->d->network[h->p->network];
	int rc;

	*ret = PROBE_PASS;
	if (!dhcp_probe_for_another(h->d->probes, n->slot, *address, &h->p->mac))
		*ret = probe_ask(h->d, n, *address, &h->p->mac, wait);
	if (*ret != PROBE_UNKNOWN)
		return 0;
	rc = take_from_stock(h, address, err);
	if (rc < 0)
		return rc;
	if (rc == 0 && wait) {
		wait->address = 0;
		*ret = probe_ask(h->d, n, *address, &h->p->mac, wait);
	}
	return 0;
}

/* The first free address of the pool from the place of the identity's hash on. */
static int search_address(struct daemon *d, const struct port *p, struct probe_wait *wait,
			  uint32_t *ret, struct refusal *r)
{
	const struct network *n = &d->network[p->network];
	struct holder h = { .d = d, .p = p };
	enum probe_answer answer = PROBE_PASS;
	uint64_t place = first_place(d, p);
	struct err err;

	for (unsigned i = 0; i < ADDRESS_ATTEMPTS; i++, place++) {
		uint32_t address;
		int rc;

		/* A client whose lease has ended gives way to a guest. */
		if (!dhcp_find_free(d->dhcp, n->slot, &place, &address))
			break;
		rc = address_taken(&h, address, &err);
		if (rc == 0)
			rc = settle(&h, &address, wait, &answer, &err);
		else
			answer = PROBE_PASS;
		if (rc < 0)
			return refuse_err(r, REFUSED_SYSTEM, &err);
		if (answer == PROBE_WAIT)
			return refuse(r, REFUSED_WAIT, NULL, NULL);
		if (answer != PROBE_PASS) {
			*ret = address;
			return 0;
		}
	}
	return refuse(r, REFUSED_POOL_EXHAUSTED, n->config->name, NULL);
}

static int take_address(struct daemon *d, struct port *p, uint32_t address, struct probe_wait *wait,
			struct refusal *r)
{
	const struct network *n = &d->network[p->network];
	char text[IP4_TEXT_SIZE], subnet[IP4_PREFIX_TEXT_SIZE];
	struct holder h = { .d = d, .p = p };
	struct err err;
	int rc;

	ip4_text(address, text);
	if (!ip4_within(n->subnet, address) || address == ip4_network(n->subnet) ||
	    address == ip4_broadcast(n->subnet))
		return refuse(r, REFUSED_ADDRESS_OUTSIDE, text, ip4_prefix_text(n->subnet, subnet));
	if (address == n->subnet.addr)
		return refuse(r, REFUSED_ADDRESS_IN_USE, text, "the gateway");
	rc = address_taken(&h, address, &err);
	if (rc < 0)
		return refuse_err(r, REFUSED_SYSTEM, &err);
	if (rc)
		return refuse(r, REFUSED_ADDRESS_IN_USE, text, h.text);
	switch (probe_ask(d, n, address, &p->mac, wait)) {
	case PROBE_WAIT:
		return refuse(r, REFUSED_WAIT, NULL, NULL);
	case PROBE_PASS:
		return refuse(r, REFUSED_ADDRESS_IN_USE, text, "a station that answers ARP for it");
	case PROBE_TAKE:
	case PROBE_UNKNOWN:
		break;
	}
	p->address = address;
	p->address_given = true;
	return 0;
}

static int choose_mac(struct daemon *d, struct port *p, const struct mac *wished,
		      const struct config_host *host, struct refusal *r)
{
	/* A reservation is for the guest's first card. */
	const struct mac *m = !mac_is_zero(wished)			      ? wished :
			      host && p->nic == 0 && !mac_is_zero(&host->mac) ? &host->mac :
										NULL;

	if (m)
		return mac_equal(m, &p->mac) ? 0 : take_mac(d, p, m, r);
	return mac_is_zero(&p->mac) ? generate_mac(d, p, r) : 0;
}

/* The guest's reservation; 0: none, or a client has held that address since before it was reserved.
 * That one is refused it at its next renewal; until it has gone the guest makes do with another. */
static uint32_t reserved_address(struct daemon *d, const struct port *p,
				 const struct config_host *host)
{
	uint32_t address = host && p->nic == 0 ? host->address : 0;
	const struct dhcp_lease *l = dhcp_lease_by_addr(d->dhcp, p->network, address);
	char text[NAME_SIZE + 12], ip[IP4_TEXT_SIZE], mac[MAC_TEXT_SIZE];

	if (!address || !l || !l->client || l->state != DHCP_LEASE_BOUND)
		return address;
	log_notice("port %s: the DHCP client %s still has %s, which is reserved for it",
		   port_text(p, text), mac_text(&l->mac, mac), ip4_text(address, ip));
	return 0;
}

static int choose_address(struct daemon *d, struct port *p, const struct wish *wish,
			  const struct config_host *host, struct refusal *r)
{
	uint32_t address = wish->address ? wish->address : reserved_address(d, p, host);

	if (config_network_addressless(d->network[p->network].config)) {
		p->address = 0;
		return wish->address ?
			       refuse(r, REFUSED_PARAMETER, "addresses",
				      "the network has no subnet; its LAN gives addresses") :
			       0;
	}
	if (address)
		return address == p->address ? 0 : take_address(d, p, address, wish->wait, r);
	if (p->address)
		return 0;
	p->address_given = false;
	return search_address(d, p, wish->wait, &p->address, r);
}

int allocate(struct daemon *d, struct port *p, const struct wish *wish, struct refusal *r)
{
	const struct config_host *host = config_host_find(d->network[p->network].config, p->guest);
	int rc = choose_mac(d, p, &wish->mac, host, r);

	return rc ? rc : choose_address(d, p, wish, host, r);
}

int allocate_other_address(struct daemon *d, struct port *p, uint32_t *ret, struct refusal *r)
{
	return search_address(d, p, NULL, ret, r);
}

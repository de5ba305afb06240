/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who else uses the addresses of a network.
 *
 * Theory of operation: on each network that is swept or probed the ARP packets that reach the
 * bridge are heard: all broadcasts, and what is sent to the bridge itself. Each says "this MAC has
 * this address"; where the address is given and the MAC is not its port's, somebody squats on it.
 * What two guests say to each other alone is not heard. So the sweep asks for one given address
 * after the other, guests' and DHCP clients', by a probe, which changes nobody's cache, and whose
 * answers come to the bridge. One round takes `sweep`, its questions are spread evenly over it, and
 * there is never more than one in SWEEP_GAP: each goes to every port, so the cost grows with the
 * square of the guests. Where all that is in the bridge is guarded nobody can answer for another,
 * and nothing is asked.
 *
 * What is done about a conflict depends on whether the guest uses its address. Where it has a lease
 * or was itself heard to have the address, it keeps it: to move it would do the squatter's work,
 * and the event tells who that is. Where it does not, yet, the address is put into quarantine and
 * the port gets another, just as if the guest had found the conflict and declined it (RFC 2131
 * 4.4.1), and bounded like that: DECLINEs and these count together. An address that was asked for
 * by name is never exchanged for another, nor one on a network without DHCP, where nothing would
 * tell the guest.
 *
 * A DHCP server that is not us would give addresses of its own: nf_tables logs what one sends, by
 * whichever port, and it is told of.
 *
 * Guests write these packets, so all that they can cause is bounded: what is read at a time
 * (host_direct_read.c), addresses in quarantine, events a port and a network.
 */
#include <inttypes.h>

#include "base/container.h"
#include "daemon.h"

#define SWEEP_GAP_NS (NS_PER_S / 10)
enum { SWEEP_LOOK = 1024 }; /* leases looked at in order to find one that is asked for */
/* A conflict that lasts is told again only after this time. */
#define TOLD_NS (60 * NS_PER_S)

/* --- telling --- */

/* A port of the bridge: ours, or just a link. */
static void name_port(struct daemon *d, uint32_t ifindex, struct event *e)
{
	const struct seen_link *link = link_find(d, ifindex);
	const struct port *p = port_by_link(d, ifindex);

	if (p) {
		memcpy(e->guest, p->guest, sizeof(e->guest));
		e->nic = p->nic;
		e->owner = p->owner;
		memcpy(e->ifname, p->ifname, sizeof(e->ifname));
	} else if (link) {
		memcpy(e->ifname, link->name, sizeof(e->ifname));
	}
}

/* The port behind which the sender is, where the bridge knows. */
static void find_sender(struct daemon *d, const struct network *n, const struct mac *src,
			struct event *e)
{
	uint32_t ifindex;
	struct err err;

	if (d->host->ops->fdb_find(d->host, n->bridge_index, src, &ifindex, &err) == 0)
		name_port(d, ifindex, e);
}

/* A conflict lasts, and the sweep finds it again. */
static bool was_told(const struct network *n, uint32_t address, int64_t now)
{
	for (unsigned i = 0; i < CONFLICT_TOLD; i++)
		if (n->watch.told_of[i].address == address &&
		    now - n->watch.told_of[i].at < TOLD_NS)
			return true;
	return false;
}

static bool may_tell(struct daemon *d, struct network *n, uint32_t address, unsigned *ret_held_back)
{
	int64_t now = loop_now(d->loop);

	if (was_told(n, address, now) || !log_allow(&n->watch.told, now, ret_held_back))
		return false;
	n->watch.told_of[n->watch.tolds].address = address;
	n->watch.told_of[n->watch.tolds].at = now;
	n->watch.tolds = (n->watch.tolds + 1) % CONFLICT_TOLD;
	return true;
}

static struct event *add_event(struct daemon *d, const struct network *n, uint32_t address,
			       const char *detail, unsigned held_back)
{
	struct event *e = event_add(d, EVENT_CONFLICT);

	memcpy(e->network, n->config->name, sizeof(e->network));
	e->address = address;
	snprintf(e->detail, sizeof(e->detail), "%s (%u more like this)", detail, held_back);
	return e;
}

void conflict_tell(struct daemon *d, struct network *n, const struct dhcp_arp *a, uint32_t address,
		   const char *detail)
{
	char text[IP4_TEXT_SIZE], mac[MAC_TEXT_SIZE];
	unsigned held_back;
	struct event *e;

	if (!may_tell(d, n, address, &held_back))
		return;
	e = add_event(d, n, address, detail, held_back);
	e->mac = a->sender_mac;
	find_sender(d, n, &a->src, e);
	log_warning("network %s: %s is used by %s behind %s%s%s: %s", n->config->name,
		    ip4_text(e->address, text), mac_text(&e->mac, mac),
		    e->ifname[0] ? e->ifname : "an unknown port", e->guest[0] ? " of guest " : "",
		    e->guest, e->detail);
}

void conflict_tell_ping(struct daemon *d, struct network *n, uint32_t address, const char *detail)
{
	char text[IP4_TEXT_SIZE];
	unsigned held_back;
	struct event *e;

	if (!may_tell(d, n, address, &held_back))
		return;
	e = add_event(d, n, address, detail, held_back);
	log_warning("network %s: %s is used: %s", n->config->name, ip4_text(e->address, text),
		    e->detail);
}

/* --- evidence --- */

static bool uses_its_address(struct daemon *d, const struct port *p)
{
	const struct dhcp_lease *l = dhcp_lease_by_port(d->dhcp, p->slot);

	return p->address_used || (l && l->state == DHCP_LEASE_BOUND);
}

static void port_conflict(struct daemon *d, struct network *n, struct port *p,
			  const struct dhcp_arp *a)
{
	char text[NAME_SIZE + 12], detail[NAME_SIZE + 64];
	const char *consequence;

	if (!p->ifindex)
		consequence = ", which is not attached";
	else if (uses_its_address(d, p))
		consequence = ", which uses it and keeps it";
	else if (serve_conflict(d, p))
		consequence = ", which gets another";
	else
		consequence = ", which keeps it";
	snprintf(detail, sizeof(detail), "it is %s's%s", port_text(p, text), consequence);
	conflict_tell(d, n, a, dhcp_arp_claim(a), detail);
}

/* A client's address is kept by its lease; who squats on it is told of. */
static void client_conflict(struct daemon *d, struct network *n, const struct dhcp_lease *l,
			    const struct dhcp_arp *a)
{
	char mac[MAC_TEXT_SIZE], detail[64];

	snprintf(detail, sizeof(detail), "it is the DHCP client %s's", mac_text(&l->mac, mac));
	conflict_tell(d, n, a, l->addr, detail);
}

/* Not one behind a relay agent, whose ARP is none of ours. */
static bool is_clients(const struct network *n, const struct dhcp_lease *l)
{
	return l->client && (l->state == DHCP_LEASE_BOUND || l->state == DHCP_LEASE_OFFERED) &&
	       ip4_within(n->subnet, l->addr);
}

static struct network *network_heard(struct daemon *d, uint32_t ifindex)
{
	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++)
		if (d->network[i].watch.ifindex == ifindex && d->network[i].up)
			return &d->network[i];
	return NULL;
}

void conflict_arp(void *arg, uint32_t ifindex, const uint8_t *frame, size_t len)
{
	struct daemon *d = arg;
	struct network *n = network_heard(d, ifindex);
	const struct dhcp_lease *l;
	struct dhcp_arp a;
	uint32_t claim;

	if (!n || !dhcp_arp_parse(frame, len, &a))
		return;
	probe_arp(d, n, &a);
	/* A probe is a question: the holder of a given address answers it itself. */
	claim = dhcp_arp_claim(&a);
	if (claim == n->subnet.addr && !bridge_mode_lan(n->config->mode)) {
		conflict_tell(d, n, &a, claim, "it is the gateway's");
		return;
	}
	l = claim ? dhcp_lease_by_addr(d->dhcp, n->slot, claim) : NULL;
	if (!l)
		return;
	if (l->client) {
		if (is_clients(n, l) && !mac_equal(&l->mac, &a.sender_mac))
			client_conflict(d, n, l, &a);
		return;
	}
	if (l->port == DHCP_PORT_NONE)
		return;
	if (mac_equal(&l->mac, &a.sender_mac))
		d->port[l->port].address_used = true;
	else
		port_conflict(d, n, &d->port[l->port], &a);
}

/* --- other DHCP servers --- */

static struct network *network_of_link(struct daemon *d, const struct port *p, uint32_t ifindex)
{
	const struct seen_link *link = link_find(d, ifindex);

	if (p)
		return &d->network[p->network];
	return link ? network_by_bridge(d, link->master) : NULL;
}

/* A guest that plays server is told of once a minute, and does not use up what others may. */
static bool may_tell_server(struct daemon *d, struct network *n, struct port *p,
			    unsigned *ret_held_back)
{
	static const struct log_limit ten_a_minute = { .interval = TOLD_NS, .burst = 10 };
	int64_t now = loop_now(d->loop);

	if (p && p->server_told && now - p->server_told < TOLD_NS)
		return false;
	if (p)
		p->server_told = now;
	if (!n->server_log.interval)
		n->server_log = ten_a_minute;
	return log_allow(&n->server_log, now, ret_held_back);
}

void conflict_server(struct daemon *d, const struct trap_packet *packet)
{
	struct port *p = port_by_link(d, packet->ifindex);
	struct network *n = network_of_link(d, p, packet->ifindex);
	struct rd r = rd_init(packet->ip, packet->len);
	char text[IP4_TEXT_SIZE], mac[MAC_TEXT_SIZE];
	unsigned held_back;
	struct event *e;

	if (!n || !n->up || !n->config->dhcp || (!p && lan_is(n)) ||
	    !may_tell_server(d, n, p, &held_back))
		return;
	e = event_add(d, EVENT_FOREIGN_DHCP);
	memcpy(e->network, n->config->name, sizeof(e->network));
	name_port(d, packet->ifindex, e);
	e->mac = packet->src;
	rd_bytes(&r, 12);
	e->address = rd_be32(&r); /* the source */
	snprintf(e->detail, sizeof(e->detail), "%s (%u more like this)",
		 p || joined_by_link(d, packet->ifindex) ? "what it sends is dropped" :
							   "its clients can hear it",
		 held_back);
	log_warning("network %s: %s at %s behind %s plays DHCP server: %s", n->config->name,
		    ip4_text(e->address, text), mac_text(&e->mac, mac), e->ifname, e->detail);
}

/* --- the sweep --- */

/* A guest that has a device, or a client. */
static bool is_asked_for(const struct daemon *d, const struct network *n,
			 const struct dhcp_lease *l)
{
	if (l->client)
		return is_clients(n, l);
	return l->addr && l->port != DHCP_PORT_NONE && d->port[l->port].ifindex;
}

/* The next address of the network that is in use, around and around; 0: none was found soon. */
static uint32_t next_address(struct daemon *d, struct network *n)
{
	uint32_t look = SWEEP_LOOK;

	while (look) {
		const struct dhcp_lease *l =
			dhcp_lease_next(d->dhcp, n->slot, &n->watch.sweep_at, &look);

		if (l && is_asked_for(d, n, l))
			return l->addr;
	}
	return 0;
}

/* One that cannot be sent reaches nobody who could answer; the sweep sends it again. */
void conflict_send_probe(struct daemon *d, const struct network *n, uint32_t address)
{
	uint8_t frame[DHCP_ARP_SIZE];
	struct wr w = wr_init(frame, sizeof(frame));
	/* To another's MAC than the uplink's own no answer would come. */
	const struct seen_link *lower = network_is_macvtap(n) ? link_find(d, n->lower) : NULL;

	dhcp_arp_probe_write(&w, lower ? &lower->mac : &n->bridge_mac, address);
	(void)d->host->ops->send(d->host, network_wire(n), frame, w.len);
}

static int64_t sweep_interval(const struct network *n)
{
	return n->config->sweep * NS_PER_S;
}

static void sweep_one(struct daemon *d, struct network *n)
{
	uint32_t address = next_address(d, n);
	uint32_t given = n->attached + dhcp_bound_clients(d->dhcp, n->slot);
	int64_t gap = sweep_interval(n) / (given ? given : 1);

	if (address)
		conflict_send_probe(d, n, address);
	n->watch.sweep_next = loop_now(d->loop) + (gap > SWEEP_GAP_NS ? gap : SWEEP_GAP_NS);
}

static bool is_swept(const struct network *n)
{
	return n->watch.ifindex && n->up && n->watch.asking;
}

static void sweep_schedule(struct daemon *d);

static void sweep_due(struct loop_timer *t)
{
	struct daemon *d = CONTAINER_OF(t, struct daemon, sweep);

	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++)
		if (is_swept(&d->network[i]) && d->network[i].watch.sweep_next <= loop_now(d->loop))
			sweep_one(d, &d->network[i]);
	sweep_schedule(d);
}

static void sweep_schedule(struct daemon *d)
{
	int64_t next = INT64_MAX;

	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++)
		if (is_swept(&d->network[i]) && d->network[i].watch.sweep_next < next)
			next = d->network[i].watch.sweep_next;
	if (next == INT64_MAX)
		loop_timer_cancel(&d->sweep);
	else if (loop_timer_set(d->loop, &d->sweep, next, sweep_due))
		log_error("out of memory: addresses are not swept");
}

/* --- listening --- */

void conflict_stop(struct daemon *d, struct network *n)
{
	if (n->watch.ifindex)
		d->host->ops->arp_unwatch(d->host, n->watch.ifindex);
	if (n->watch.probing || n->watch.pinging)
		probe_stop(d, n);
	n->watch = (struct conflict_watch){ 0 };
}

static void listen_to(struct daemon *d, struct network *n)
{
	struct err err;

	if (d->host->ops->arp_watch(d->host, network_wire(n), &err)) {
		log_warning("network %s: nobody looks for conflicts: %s", n->config->name,
			    err.text);
		return;
	}
	n->watch = (struct conflict_watch){
		.ifindex = network_wire(n),
		.sweep_next = loop_now(d->loop) + sweep_interval(n),
	};
}

static void limit(struct network *n)
{
	n->watch.told = (struct log_limit){ .interval = TOLD_NS, .burst = CONFLICT_TOLD };
	n->watch.quarantines =
		(struct log_limit){ .interval = n->config->quarantine * NS_PER_S, .burst = 32 };
}

/* A link in the bridge that is neither a port nor marked as one. Without a bridge all the LAN is.
 */
static bool has_foreign_port(const struct daemon *d, const struct network *n)
{
	if (network_is_macvtap(n))
		return true;
	for (uint32_t i = 0; i < d->links.fresh; i++)
		if (slots_live(&d->links, i) && d->link[i].master == n->bridge_index &&
		    !d->link[i].ours)
			return true;
	return false;
}

static bool is_probed(const struct daemon *d, const struct network *n)
{
	switch (n->config->probe) {
	case CONFIG_PROBE_AUTO:
		return has_foreign_port(d, n);
	case CONFIG_PROBE_ON:
		return true;
	case CONFIG_PROBE_OFF:
		return false;
	}
	return false;
}

static void configure_network(struct daemon *d, struct network *n)
{
	bool up = n->used && n->up && n->subnet.len, probing = up && is_probed(d, n);
	bool pinging = up && n->config->ping && n->config->relays;
	uint32_t wanted = up && (probing || n->config->sweep) ? network_wire(n) : 0;

	if (n->watch.ifindex != wanted) {
		conflict_stop(d, n);
		if (wanted)
			listen_to(d, n);
	}
	probing = probing && n->watch.ifindex;
	if ((n->watch.probing && !probing) || (n->watch.pinging && !pinging))
		probe_stop(d, n);
	n->watch.open = n->used && (n->config->guard != NFT_GUARD_ON || has_foreign_port(d, n));
	n->watch.asking = up && n->config->sweep && n->watch.open;
	n->watch.probing = probing;
	n->watch.pinging = pinging;
	if (!n->watch.told.interval && (n->watch.ifindex || pinging))
		limit(n);
}

void conflict_configure(struct daemon *d)
{
	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++)
		configure_network(d, &d->network[i]);
	sweep_schedule(d);
	probe_schedule(d);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a person would otherwise dig for: what is wrong, or could be, with the host, its networks
 * and their ports, why, and the command that mends it. Looks and changes nothing; what netd can
 * mend itself it has mended, or is about to.
 */
#include <inttypes.h>

#include "daemon.h"
#include "doctor.h"
#include "resolv.h"

enum { OFFER_TAKEN_S = 10 }; /* a guest that was offered an address has taken it by then */

const char *finding_severity_text(enum finding_severity severity)
{
	switch (severity) {
	case FINDING_NOTE:
		return "note";
	case FINDING_MAY:
		return "warning";
	case FINDING_BREAKS:
		return "error";
	}
	return "?";
}

struct finding *findings_add(struct findings *f, enum finding_severity severity,
			     const char *network)
{
	struct finding *x = &f->at[f->n < f->max ? f->n++ : f->max - 1];

	*x = (struct finding){ .severity = severity };
	snprintf(x->network, sizeof(x->network), "%s", network);
	return x;
}

static struct finding *add(struct findings *f, enum finding_severity severity,
			   const struct network *n, const struct port *p)
{
	struct finding *x = findings_add(f, severity, n ? n->config->name : "");

	if (p)
		port_text(p, x->guest);
	return x;
}

static ERR_PRINTF(2, 3) void what(struct finding *x, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(x->what, sizeof(x->what), fmt, ap);
	va_end(ap);
}

static ERR_PRINTF(2, 3) void why(struct finding *x, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(x->why, sizeof(x->why), fmt, ap);
	va_end(ap);
}

static ERR_PRINTF(2, 3) void mend(struct finding *x, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(x->command, sizeof(x->command), fmt, ap);
	va_end(ap);
}

/* --- the host --- */

static bool leads_out(const struct network *n)
{
	return n->used && bridge_mode_routes(n->config->mode);
}

static void examine_host(struct daemon *d, struct findings *f)
{
	struct finding *x;
	bool outward = false;

	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++)
		outward = outward || leads_out(&d->network[i]);
	if (outward && !d->uplinks) {
		x = add(f, FINDING_BREAKS, NULL, NULL);
		what(x, "guests reach nothing beyond the host");
		why(x, "the host has no default route in its main table");
		mend(x, "ip route add default via GATEWAY");
	}
	if (d->storage_failed) {
		x = add(f, FINDING_BREAKS, NULL, NULL);
		what(x, "nothing new is promised to guests");
		why(x, "the state cannot be written; netd's log says why");
	}
	if (!d->rules) {
		x = add(f, FINDING_BREAKS, NULL, NULL);
		what(x, "the rules of nf_tables are not as they should be");
		why(x, "the kernel has refused them; netd's log says why");
		mend(x, "netdctl reload");
	}
}

/* --- a network --- */

static void examine_mtu(struct daemon *d, const struct network *n, struct findings *f)
{
	const struct seen_link *bridge = link_find(d, n->bridge_index);
	struct mtu_trouble small;
	struct finding *x;

	if (bridge && bridge->mtu != n->mtu) {
		x = add(f, FINDING_BREAKS, n, NULL);
		what(x, "bridge %s has another MTU than its guests are told", n->bridge);
		why(x, "it is %" PRIu32 ", and they are told %" PRIu32, bridge->mtu, n->mtu);
		mend(x, "ip link set %s mtu %" PRIu32, n->bridge, n->mtu);
	}
	if (!mtu_too_large(d, n, &small))
		return;
	x = add(f, FINDING_MAY, n, NULL);
	what(x, "guests' packets can be too large for %s", small.link);
	why(x, "its MTU is %" PRIu32 ", theirs %" PRIu32, small.mtu, n->mtu);
	mend(x, "set mtu = auto for network %s in netd.conf, and run netdctl reload",
	     n->config->name);
}

static void examine_dns(const struct network *n, struct findings *f)
{
	uint32_t server[CONFIG_LIST_MAX];
	struct finding *x;

	if (!n->config->dhcp || !n->config->auto_dns || n->config->mode == BRIDGE_MODE_ISOLATED ||
	    resolv_upstreams(server, CONFIG_LIST_MAX))
		return;
	x = add(f, FINDING_MAY, n, NULL);
	what(x, "guests are told no name server");
	why(x, "the host has none but a loopback stub, which no guest reaches");
	mend(x, "set dns = { ADDRESS } for network %s in netd.conf, and run netdctl reload",
	     n->config->name);
}

static void examine_joined(struct daemon *d, const struct network *n, struct findings *f)
{
	for (unsigned i = 0; i < d->joins; i++) {
		const struct joined *j = &d->joined[i];
		struct finding *x;

		if (!j->used || j->network != n->slot || (j->ifindex && !j->why_not.text[0]))
			continue;
		x = add(f, FINDING_BREAKS, n, NULL);
		what(x, "interface %s is not in the network's bridge", j->name);
		why(x, "%.300s", j->ifindex ? j->why_not.text : "there is no such interface");
	}
}

static void examine_network(struct daemon *d, const struct network *n, struct findings *f)
{
	struct finding *x;

	if (!n->up) {
		x = add(f, FINDING_BREAKS, n, NULL);
		what(x, "network %s is not up", n->config->name);
		why(x, "%.300s", n->why_not.text);
		return;
	}
	if (n->subnet.len && network_pool_used(d, n) == network_pool_size(n)) {
		x = add(f, FINDING_MAY, n, NULL);
		what(x, "there is no free address");
		why(x, "all %" PRIu32 " are given, reserved or in quarantine",
		    network_pool_size(n));
		mend(x, "set a larger range for network %s in netd.conf, and run netdctl reload",
		     n->config->name);
	}
	examine_mtu(d, n, f);
	examine_dns(n, f);
	examine_joined(d, n, f);
	lan_examine(d, n, f);
}

/* --- a port --- */

static void examine_link(struct daemon *d, const struct network *n, const struct port *p,
			 struct findings *f)
{
	const struct seen_link *link = link_find(d, p->ifindex);
	struct finding *x;

	if (link && link->up == !p->unplugged && link->master == n->bridge_index &&
	    link->mtu == n->mtu)
		return;
	x = add(f, FINDING_BREAKS, n, p);
	if (!link) {
		what(x, "interface %s is gone", p->ifname);
		why(x, "somebody has deleted it, or its VMM has ended just now");
	} else if (link->master != n->bridge_index) {
		what(x, "interface %s is not in bridge %s", p->ifname, n->bridge);
		mend(x, "ip link set %s master %s", p->ifname, n->bridge);
	} else if (link->up == p->unplugged) {
		what(x, "interface %s is %s", p->ifname, link->up ? "up" : "down");
		mend(x, "ip link set %s %s", p->ifname, link->up ? "down" : "up");
	} else {
		what(x, "interface %s has another MTU than its guest was told", p->ifname);
		why(x, "it is %" PRIu32 ", and the network's %" PRIu32, link->mtu, n->mtu);
		mend(x, "ip link set %s mtu %" PRIu32, p->ifname, n->mtu);
	}
}

static const char *reason_means(enum nft_reason reason)
{
	switch (reason) {
	case NFT_REASON_MAC:
		return "the guest sends with another MAC address than its card's";
	case NFT_REASON_IP:
		return "it sends from another IPv4 address than its own; what else it is to have "
		       "goes into `also`";
	case NFT_REASON_ARP:
		return "it says by ARP that it has an address which it does not have";
	case NFT_REASON_ARP_RATE:
		return "it sends more than 100 ARP packets a second";
	case NFT_REASON_IP6:
		return "it sends from an IPv6 address that is not its own";
	case NFT_REASON_ND:
		return "its neighbour discovery is about an address that is not its own";
	case NFT_REASON_ND_RATE:
		return "it sends more than 100 packets of neighbour discovery a second";
	case NFT_REASON_DHCP_SERVER:
		return "it plays DHCP server";
	case NFT_REASON_RA:
		return "it plays router";
	case NFT_REASON_REDIRECT:
		return "it sends redirects";
	case NFT_REASON_VLAN:
		return "its frames have VLAN tags";
	case NFT_REASON_ETHERTYPE:
		return "it sends what is neither IPv4, IPv6 nor ARP";
	case NFT_REASON_FRAGMENT:
		return "it sends IPv6 in fragments that hide what they are";
	}
	return "?";
}

static void examine_guard(struct daemon *d, const struct network *n, const struct port *p,
			  const struct guard_counts *counts, struct findings *f)
{
	char text[NAME_SIZE + 12];

	(void)d;
	for (unsigned i = 0; i < NFT_REASONS; i++) {
		struct finding *x;

		if (!counts->packets[i])
			continue;
		x = add(f, FINDING_MAY, n, p);
		what(x, "the guard has %s %" PRIu64 " packets (%s)",
		     n->config->guard == NFT_GUARD_ON ? "held back" : "noticed", counts->packets[i],
		     nft_reason_text((enum nft_reason)i));
		why(x, "%s", reason_means((enum nft_reason)i));
		mend(x, "netdctl capture %s --dropped", port_text(p, text));
	}
}

/* How its last exchange with us ended, if that was not well. */
static void examine_exchange(struct daemon *d, const struct network *n, const struct port *p,
			     struct findings *f)
{
	const struct last_exchange *last = &p->exchange;
	const struct dhcp_lease *l = dhcp_lease_by_port(d->dhcp, p->slot);
	bool bound = l && l->state == DHCP_LEASE_BOUND;
	int64_t ago = (loop_now(d->loop) - last->at) / NS_PER_S;
	struct finding *x;

	if (!last->at) {
		if (bound)
			return;
		x = add(f, FINDING_NOTE, n, p);
		what(x, "its guest has not asked for an address");
		why(x, "no DHCP packet has come since the device was made, or netd started");
	} else if (last->drop) {
		x = add(f, FINDING_MAY, n, p);
		what(x, "its last %s, %" PRId64 " s ago, was not answered",
		     dhcp_type_text(last->request), ago);
		why(x, "%s", dhcp_drop_text(last->drop));
	} else if (last->reply == DHCP_NAK) {
		x = add(f, FINDING_MAY, n, p);
		what(x, "its last %s, %" PRId64 " s ago, was refused (NAK)",
		     dhcp_type_text(last->request), ago);
		why(x, "it asked for an address that is not its own; it has to start over");
	} else if (last->reply == DHCP_OFFER && !bound && ago >= OFFER_TAKEN_S) {
		x = add(f, FINDING_MAY, n, p);
		what(x, "it was offered an address %" PRId64 " s ago and has not taken it", ago);
		why(x, "the OFFER does not reach its guest, or another server's was taken");
		mend(x, "netdctl capture %s", x->guest);
	}
}

static void examine_port(struct daemon *d, const struct port *p, const struct guard_counts *counts,
			 struct findings *f)
{
	const struct network *n = &d->network[p->network];
	struct finding *x;

	if (!p->address && !config_network_addressless(n->config)) {
		x = add(f, FINDING_BREAKS, n, p);
		what(x, "it has no address");
		why(x, "none could be found for it in the network's subnet");
	}
	if (!p->ifindex) {
		x = add(f, FINDING_NOTE, n, p);
		what(x, "it is not attached");
		why(x, "it has an allocation, and no device");
		return;
	}
	if (p->unplugged) {
		x = add(f, FINDING_NOTE, n, p);
		what(x, "its link is down, and nothing passes");
		why(x, "somebody has asked for it");
		mend(x, "netdctl link %s up", x->guest);
	}
	examine_link(d, n, p, f);
	examine_guard(d, n, p, counts, f);
	if (n->config->dhcp)
		examine_exchange(d, n, p, f);
}

/* --- the whole --- */

static bool concerns(const struct port *p, const char *guest, int64_t nic)
{
	return !guest || (!strcmp(p->guest, guest) && (nic < 0 || p->nic == nic));
}

/* Rules of others; `network` says which networks, NULL: all. */
static void examine_firewall(const struct daemon *d, const bool *network, struct findings *f)
{
	unsigned n;
	const struct finding *found = coexist_findings(d, &n);

	for (unsigned i = 0; i < n; i++) {
		bool wanted = !network || !found[i].network[0];

		for (unsigned j = 0; j < CONFIG_NETWORKS_MAX && !wanted; j++)
			wanted =
				network[j] && !strcmp(d->network[j].config->name, found[i].network);
		if (wanted)
			*findings_add(f, found[i].severity, found[i].network) = found[i];
	}
}

/* The host and the networks. */
static void examine_rest(struct daemon *d, const char *guest, int64_t nic, struct findings *f)
{
	bool network[CONFIG_NETWORKS_MAX] = { false };
	struct port *p;

	examine_host(d, f);
	f->n += host_check(d, f->at + f->n, f->max - f->n);
	for (uint32_t at = 0; (p = port_next(d, &at));)
		if (concerns(p, guest, nic))
			network[p->network] = true;
	examine_firewall(d, guest ? network : NULL, f);
	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++)
		if (d->network[i].used && (!guest || network[i]))
			examine_network(d, &d->network[i], f);
}

void doctor_examine(struct daemon *d, const char *guest, int64_t nic, struct findings *f)
{
	static const struct guard_counts none;
	struct guard_counts *counts = guard_counts(d);
	struct port *p;

	if (!f->of_user)
		examine_rest(d, guest, nic, f);
	for (uint32_t at = 0; (p = port_next(d, &at));)
		if (concerns(p, guest, nic) && (!f->of_user || p->owner == f->uid))
			examine_port(d, p, counts ? &counts[p->slot] : &none, f);
	free(counts);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Clients and reserved addresses: which of its leases a client is to have, and which it is to
 * leave. Pure; called by decide.c and client.c.
 *
 * Theory of operation: a lease does not know whether it is a reservation's; that follows from its
 * address each time, so that a new configuration has nothing to put right. A client has one lease,
 * or two while it is about to leave one of them: `x->lease`, which it is to have, and `x->left`. It
 * has two from the OFFER of the new one, since it may still use the old one, to the ACK, which ends
 * the old one in the same step; or until either runs out. Both are found by the client's identity,
 * and so is no third.
 *
 * An address that is reserved is taken in its pool by who made that, and stays so whatever becomes
 * of leases: nobody who looks for a free address finds it.
 */
#include "server.h"

bool reserve_is(const struct dhcp_server *s, uint32_t net, uint32_t addr)
{
	return dhcp_hosts_at(s->net[net].config.hosts, addr) != NULL;
}

/* What was told apart from another machine with its identifier is not meant by that. */
static const struct dhcp_host *host_of(const struct exchange *x, const uint8_t *id, size_t len)
{
	bool ethernet = x->m.htype == DHCP_HTYPE_ETHERNET && x->m.hlen == 6;
	struct mac mac;

	memcpy(mac.octet, x->m.chaddr, sizeof(mac.octet));
	return dhcp_hosts_find(x->net->hosts, ethernet ? &mac : NULL, x->apart ? NULL : id, len);
}

/*
 * The lease of the reserved address is this client's: it goes by the same identity, or a
 * reservation for a card is met by that card, whatever system it has started (RFC 2131 4.2 would
 * tell these apart).
 */
static bool is_own(const struct dhcp_server *s, const struct exchange *x,
		   const struct dhcp_lease *l)
{
	const struct mac *mac = &x->host->mac;
	bool same_card = !mac_is_zero(mac) && mac_equal(mac, &l->mac) &&
			 !memcmp(mac->octet, x->m.chaddr, sizeof(mac->octet));

	return l->client && !client_is_other_machine(s, x, l) &&
	       (same_card || !memcmp(l->identity, x->identity, sizeof(l->identity)));
}

/* Its address is reserved, and not for who has it. */
static bool is_stray(const struct dhcp_server *s, const struct exchange *x,
		     const struct lease_slot *lease)
{
	return lease->l.addr != x->reserved && reserve_is(s, x->in->net, lease->l.addr);
}

void reserve_find(struct dhcp_server *s, struct exchange *x, const uint8_t *id, size_t len)
{
	struct lease_slot *own = NULL;

	x->host = host_of(x, id, len);
	if (x->host && ip4_within(x->subnet.prefix, x->host->addr)) {
		x->reserved = x->host->addr;
		own = lease_find_addr(s, x->in->net, x->reserved);
	}
	if (own && own != x->lease && is_own(s, x, &own->l)) {
		x->left = x->lease;
		x->lease = own;
	} else if (x->lease) {
		x->left = client_find_other(s, x->lease);
	}
	if (x->lease && x->left && is_stray(s, x, x->lease)) {
		struct lease_slot *stray = x->lease;

		x->lease = x->left;
		x->left = stray;
	}
}

bool reserve_is_open(const struct dhcp_server *s, const struct exchange *x)
{
	const struct lease_slot *lease =
		x->reserved ? lease_find_addr(s, x->in->net, x->reserved) : NULL;

	return x->reserved && (!lease || lease == x->lease || is_ended_client(lease)) &&
	       candidate_fits(x, x->reserved);
}

bool reserve_moves(const struct dhcp_server *s, const struct exchange *x)
{
	if (!x->lease || !x->lease->l.client)
		return false;
	return is_stray(s, x, x->lease) ||
	       (x->lease->l.addr != x->reserved && reserve_is_open(s, x));
}

void reserve_leave(struct dhcp_server *s, struct exchange *x)
{
	struct lease_slot *lease = x->lease;

	if (!reserve_moves(s, x))
		return;
	x->lease = NULL;
	if (lease->l.state == DHCP_LEASE_OFFERED && lease_lapse(s, lease) == DHCP_LEASE_FREE)
		return;
	if (!x->left)
		x->left = lease;
}

void reserve_quit(struct dhcp_server *s, struct exchange *x, struct dhcp_action *a)
{
	struct lease_slot *lease = x->left;

	x->left = NULL;
	if (!lease || client_is_other_machine(s, x, &lease->l) ||
	    (lease->l.state == DHCP_LEASE_OFFERED && lease_lapse(s, lease) == DHCP_LEASE_FREE))
		return;
	a->left = true;
	a->left_before = lease->l;
	if (is_live(&lease->l))
		lease_set(s, lease, DHCP_LEASE_RELEASED, INT64_MAX);
	client_disown(s, lease);
	lease_record(lease, &a->left_record);
}

struct lease_slot *reserve_refused(const struct dhcp_server *s, const struct exchange *x,
				   uint32_t addr)
{
	struct lease_slot *lease = x->left && x->left->l.addr == addr ? x->left :
				   reserve_moves(s, x)		      ? x->lease :
									NULL;

	return lease && lease->l.addr == addr && lease->l.state == DHCP_LEASE_BOUND &&
			       !client_is_other_machine(s, x, &lease->l) ?
		       lease :
		       NULL;
}

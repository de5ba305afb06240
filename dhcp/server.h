/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What lease.c, client.c, decide.c and reply.c share. */
#ifndef DHCP_SERVER_INTERNAL_H
#define DHCP_SERVER_INTERNAL_H

#include "base/heap.h"
#include "dhcp.h"

/* Option codes that the server itself handles (RFC 2132; 77: RFC 3004; 93, 97: RFC 4578; 108: RFC
 * 8925; 121: RFC 3442; 175: iPXE's own). */
enum {
	OPT_SUBNET_MASK = 1,
	OPT_ROUTER = 3,
	OPT_DNS = 6,
	OPT_HOST_NAME = 12,
	OPT_DOMAIN_NAME = 15,
	OPT_MTU = 26,
	OPT_BROADCAST = 28,
	OPT_STATIC_ROUTES = 33,
	OPT_REQUESTED_ADDRESS = 50,
	OPT_LEASE_TIME = 51,
	OPT_MESSAGE_TYPE = 53,
	OPT_SERVER_ID = 54,
	OPT_REQUEST_LIST = 55,
	OPT_MESSAGE = 56,
	OPT_MAX_SIZE = 57,
	OPT_T1 = 58,
	OPT_T2 = 59,
	OPT_VENDOR_CLASS = 60,
	OPT_CLIENT_ID = 61,
	OPT_BOOT_FILE = 67,
	OPT_USER_CLASS = 77,
	OPT_RAPID_COMMIT = 80,
	OPT_FQDN = 81, /* RFC 4702 */
	OPT_AGENT = 82,
	OPT_ARCH = 93,
	OPT_MACHINE_ID = 97,
	OPT_IPV6_ONLY = 108,
	OPT_AUTO_CONFIGURE = 116,   /* RFC 2563 */
	OPT_SUBNET_SELECTION = 118, /* RFC 3011 */
	OPT_CLASSLESS_ROUTES = 121,
	OPT_IPXE = 175,
	OPT_MS_CLASSLESS_ROUTES = 249, /* [MS-DHCPE] 2.2.8 */
};

/* A list of slots. A client's lease is in that of its port while it is OFFERED or BOUND and the
 * port is known, and in that of its network's ended ones, oldest first, when it is RELEASED or
 * EXPIRED.
 */
struct lease_list {
	uint32_t first, last; /* SLOT_NONE: empty */
	uint32_t n;
};

enum { DECLINES_MAX = 4 }; /* addresses that one port may have quarantined over its life */

struct lease_slot {
	struct heap_node timer; /* in the heap while the state ends by itself; key: expires */
	struct dhcp_lease l;
	struct lease_list *in;	   /* a client's: the list that it is in, or NULL */
	uint32_t next, prev;	   /* in that list */
	struct lease_list clients; /* a port's */
	bool trusted;		   /* a port's */
	bool counted;		   /* among its network's bound clients */
	bool in_doubt;		   /* a port's, whose address was given without being probed */
};

/* Where a client is, or what an address is of: the network's own subnet or one behind relay agents.
 */
struct subnet {
	unsigned number; /* 0: the network's own; n: config.relay[n - 1] */
	struct ip4_prefix prefix;
	uint32_t router;		       /* 0: none */
	struct dhcp_pool *pool;		       /* NULL: nobody gets an address of it */
	const struct dhcp_option_set *options; /* NULL: none but the network's */
};

enum { SUBNETS_MAX = 1 + DHCP_RELAY_SUBNETS_MAX };

struct net {
	struct dhcp_net_config config; /* its `relay` points to what follows */
	struct dhcp_relay_subnet relay[DHCP_RELAY_SUBNETS_MAX];
	struct lease_list ended[SUBNETS_MAX];
	uint32_t bound; /* clients */
};

struct dhcp_server {
	struct siphash_key key;
	uint32_t nets_cap;
	struct net *net;     /* [nets_cap] */
	uint32_t nets_fresh; /* those from here on were never configured */
	struct slots slots;
	struct lease_slot *lease; /* [slots.cap] */
	uint32_t clients, clients_cap;
	struct index by_addr, by_port, by_identity;
	struct heap timers;
	struct dhcp_counters count;
	struct dhcp_options options; /* of the packet at hand */
};

/* One packet while it is handled. */
struct exchange {
	const struct dhcp_input *in;
	const struct dhcp_net_config *net;
	struct dhcp_message m;
	const struct dhcp_options *o;
	uint8_t type;
	struct subnet subnet;	  /* where the client is */
	bool selected;		  /* by its option 118 */
	uint32_t server_id;	  /* what the client is to know us by */
	struct lease_slot *port;  /* the port that it came in by */
	struct lease_slot *lease; /* the sender's; NULL: it is a client without one */
	uint64_t identity[2];	  /* of a client */
	bool boot, clone;	  /* a client that is firmware; one whose identifier another has */
	bool apart;		  /* a client that goes by more than its identifier or MAC */
	const struct dhcp_host *host; /* a client's reservation, or NULL */
	uint32_t reserved;	      /* its address, where that is of this subnet; else 0 */
	struct lease_slot *left;      /* a client's other lease, which it is to leave; or NULL */
	bool bootp;		      /* it is not DHCP: type is 0 */
	uint32_t bootp_addr;	      /* what it is to be told */
	uint32_t wait; /* nothing is decided before this address has been probed; 0: it is */
};

struct lease_slot *lease_find_port(const struct dhcp_server *s, uint32_t port);

/* Puts the lease into a state, with its timer; expires is INT64_MAX where the state does not end by
 * itself. */
void lease_set(struct dhcp_server *s, struct lease_slot *lease, enum dhcp_lease_state state,
	       int64_t expires);

/* An offer ends without a binding; a client that never had one is forgotten. Returns the state that
 * this leaves. */
enum dhcp_lease_state lease_lapse(struct dhcp_server *s, struct lease_slot *lease);

/* The record of a lease as it is now. */
void lease_record(const struct lease_slot *lease, struct dhcp_record *ret);

/* A new entry of the table in state FREE, by its address and, when it is a port's, by its port;
 * NULL when the table is full. */
struct lease_slot *lease_insert(struct dhcp_server *s, const struct dhcp_port *p);
void lease_remove(struct dhcp_server *s, struct lease_slot *lease);
struct lease_slot *lease_find_addr(const struct dhcp_server *s, uint32_t net, uint32_t addr);

/* The subnet of this number. */
struct subnet net_subnet(const struct dhcp_net_config *c, unsigned number);
/* The one that an address would be of; that of the network itself when it is in none. */
struct subnet net_subnet_of(const struct dhcp_net_config *c, uint32_t addr);

/* --- relay.c --- */

/*
 * Finds out where the client is and what it knows us by: sets x->subnet, selected and server_id.
 * A drop reason when the port is not one to believe it of, or there is no such subnet.
 */
enum dhcp_drop relay_find(const struct dhcp_server *s, struct exchange *x);
/* Whether a server identifier (option 54) is ours. */
bool relay_names_us(const struct exchange *x, uint32_t server);
/* The relay agent's UDP port (RFC 8357). */
uint16_t relay_port(const struct exchange *x);

static inline bool is_live(const struct dhcp_lease *l)
{
	return l->state == DHCP_LEASE_BOUND || l->state == DHCP_LEASE_OFFERED;
}

static inline bool is_ended_client(const struct lease_slot *lease)
{
	return lease && dhcp_lease_is_memory(&lease->l);
}

/* --- reserve.c --- */

/* Whether an address is reserved, for whomever. */
bool reserve_is(const struct dhcp_server *s, uint32_t net, uint32_t addr);
/* The reservation of a client whose lease has been found, and identifier (NULL: none): sets
 * x->host, reserved and left, and x->lease to the one that it is to have. */
void reserve_find(struct dhcp_server *s, struct exchange *x, const uint8_t *id, size_t len);
/* Whether the client has its reserved address, or can have it now. */
bool reserve_is_open(const struct dhcp_server *s, const struct exchange *x);
/* Whether the lease that the client has is not to stay: its address is reserved for another, or its
 * own reserved one is to be had. */
bool reserve_moves(const struct dhcp_server *s, const struct exchange *x);
/* Such a lease becomes x->left, and the client is without one. */
void reserve_leave(struct dhcp_server *s, struct exchange *x);
/* The client has another lease now: x->left ends. */
void reserve_quit(struct dhcp_server *s, struct exchange *x, struct dhcp_action *a);
/* The client's binding to this address, if it is one that it is to leave; else NULL. */
struct lease_slot *reserve_refused(const struct dhcp_server *s, const struct exchange *x,
				   uint32_t addr);

/* --- client.c --- */

/* Who sent this, when it is not the port's own guest: sets x->lease, identity, boot, clone, apart,
 * and what reserve_find sets. */
void client_find(struct dhcp_server *s, struct exchange *x);
/*
 * A lease for a client that has none, with address `wanted` where that is free; where it is not,
 * another one, unless `only_wanted`. NULL with the reason in *ret_drop, or in x->wait.
 */
struct lease_slot *client_add(struct dhcp_server *s, struct exchange *x, uint32_t wanted,
			      bool only_wanted, enum dhcp_drop *ret_drop);
/* Whether one more client behind this port may have a lease, or wait for one. */
bool client_has_room(const struct exchange *x);
/* The client is behind this port now, with this MAC. */
void client_move(struct dhcp_server *s, struct lease_slot *lease, const struct exchange *x);
/* Whether the network could give the address to this client, now or after taking it from one whose
 * lease has ended. */
bool client_may_have(const struct dhcp_server *s, const struct exchange *x, uint32_t addr);
/* Whether another machine, which is live elsewhere, has this lease. */
bool client_is_other_machine(const struct dhcp_server *s, const struct exchange *x,
			     const struct dhcp_lease *l);
/* Another lease of the client that has this one; or NULL. */
struct lease_slot *client_find_other(const struct dhcp_server *s, const struct lease_slot *lease);
/* The lease stays, and is nobody's who could come back. */
void client_disown(struct dhcp_server *s, struct lease_slot *lease);
/* Puts the lease back as it was; where it has been forgotten since, it is there again if its
 * address is free. False when it is not. */
bool client_revive(struct dhcp_server *s, const struct dhcp_lease *before);
/* Takes an address from a client whose lease has ended. */
void client_evict(struct dhcp_server *s, uint32_t net, uint32_t addr);
/* All that is open of a subnet's pool is taken: frees the address of the client that had no lease
 * for longest, and forgets that client, or opens more of the pool. False when neither can be. */
bool client_make_room(struct dhcp_server *s, uint32_t net, unsigned subnet);
/* Forgets a client, whose address is free again. */
void client_remove(struct dhcp_server *s, struct lease_slot *lease);
/* Forgets one whose address is not its own in any pool. */
void client_forget(struct dhcp_server *s, struct lease_slot *lease);
/* Its state, or the subnet that its address is of, has changed: puts it into the list where it
 * belongs. */
void client_place(struct dhcp_server *s, struct lease_slot *lease);
/* Its address goes into quarantine, and it is without one. */
void client_strip(struct dhcp_server *s, struct lease_slot *lease);
/* The leases of one port are another's now: `to` is where that port lives from now on, or NULL when
 * it has gone. */
void client_rehome(struct dhcp_server *s, struct lease_slot *from, struct lease_slot *to);
/* A range of the pool that a client has an address from is in use, unless it is a reserved one. */
void client_reach(const struct dhcp_server *s, const struct lease_slot *lease);
/* A client's lease from its record. */
MUST_CHECK int client_load(struct dhcp_server *s, const struct dhcp_record *r);

/* --- candidate.c --- */

/* An address for a client that has none, `wanted` where it can be; false when there is none. It is
 * not taken yet. */
bool candidate_find(struct dhcp_server *s, const struct exchange *x, uint32_t wanted,
		    uint32_t *ret);
/* Nobody has shown to have the address, and nobody else waits for it. */
bool candidate_fits(const struct exchange *x, uint32_t addr);
/* What is to be known about it is known; where not, that is what x waits for. */
bool candidate_is_known(struct exchange *x, uint32_t addr);

/* The largest IPv4 datagram that this client takes (RFC 2131 2, RFC 2132 9.10), as a UDP payload
 * size. */
size_t reply_max_payload(const struct exchange *x);

/*
 * Writes our answer to option 81: that we update no DNS (RFC 4702 4), and the name, which is
 * `hostname`, or when that is NULL what the client said, with `domain`, which can be empty, behind
 * it. False when there is nothing to answer.
 */
bool fqdn_answer(const struct dhcp_options *o, const char *hostname, const char *domain,
		 struct wr *w);

/*
 * Writes OFFER, ACK or NAK of this exchange as a frame. `seconds` is the lease time, 0 in the
 * answer to an INFORM, and in an OFFER of no address (RFC 2563); `why` is the text of a NAK, NULL
 * otherwise.
 */
void reply_write(const struct exchange *x, enum dhcp_type type, uint32_t seconds, const char *why,
		 struct wr *out);

/* Writes a BOOTREPLY that tells x->bootp_addr, as a frame (RFC 951, RFC 1497, RFC 1542). */
void reply_write_bootp(const struct exchange *x, struct wr *out);

#endif

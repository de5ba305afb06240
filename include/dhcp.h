/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dhcp: what is its address? The DHCPv4 wire formats, address pools, leases, and the server's
 * decisions.
 *
 * Sans I/O: bytes, state and time come in; decisions, bytes to send and records to store come out.
 * There is no socket, clock, log or allocation in the packet path. The server cannot send: it
 * returns an action whose reply may leave only after the action's record is on stable storage (RFC
 * 2131 2.1, 4.1), and that is the caller's business, as is taking an action back with dhcp_undo
 * when storing failed.
 *
 * IPv4 addresses are in host byte order; times are CLOCK_BOOTTIME in nanoseconds unless they say
 * wall.
 */
#ifndef NETD_DHCP_H
#define NETD_DHCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/ip4.h"
#include "base/siphash.h"
#include "base/table.h"
#include "dhcp_wire.h"
#include "mac.h"

/* --- pool: which addresses are free --- */

/*
 * A bitmap over one or more ranges with two levels of summary, so that finding a free address costs
 * the same from the first to the last.
 */
struct dhcp_pool;

/* Ranges must not overlap, 2^20 addresses in all at most: -EINVAL, -E2BIG, -ENOMEM. Copies the
 * ranges. */
MUST_CHECK int dhcp_pool_new(const struct ip4_range *range, unsigned n, struct dhcp_pool **ret);
void dhcp_pool_free(struct dhcp_pool *p);
uint32_t dhcp_pool_size(const struct dhcp_pool *p);
uint32_t dhcp_pool_used(const struct dhcp_pool *p);
bool dhcp_pool_contains(const struct dhcp_pool *p, uint32_t addr);
/* False also when the address is outside. */
bool dhcp_pool_taken(const struct dhcp_pool *p, uint32_t addr);
/* False when the address is outside or was taken already. */
bool dhcp_pool_take(struct dhcp_pool *p, uint32_t addr);
/* Nothing happens when it is outside or was free. */
void dhcp_pool_give(struct dhcp_pool *p, uint32_t addr);
/*
 * The free address nearest to a place, upwards and around, of those that are open: place is taken
 * modulo the size of the first stage unless it is an open one, and set to where the address was
 * found, so that place + 1 goes on from there. False when all are taken.
 */
bool dhcp_pool_find(struct dhcp_pool *p, uint64_t *place, uint32_t *ret_addr);
/* Words of the bitmap that all searches have looked at so far: what they cost, without a clock. */
uint64_t dhcp_pool_looks(const struct dhcp_pool *p);

/*
 * A pool can be used in stages: addresses of a stage that is not open yet belong to it and can be
 * taken, but are not found. Without dhcp_pool_stage there is one stage, and it is open.
 */
#define DHCP_POOL_STAGES 32

/* Stage i has the ranges from where the one before it ended up to, and without, ranges[i]; n, from
 * 1 to DHCP_POOL_STAGES, of which the last has the rest. All but the first are closed. */
void dhcp_pool_stage(struct dhcp_pool *p, const unsigned *ranges, unsigned n);
/* Opens the next stage; false when all are open. */
bool dhcp_pool_grow(struct dhcp_pool *p);
/* Opens all stages up to that of an address that is in use. */
void dhcp_pool_reach(struct dhcp_pool *p, uint32_t addr);
/* How many stages have been opened beside the first. */
unsigned dhcp_pool_grown(const struct dhcp_pool *p);
/* Inside, and in a stage that is open. */
bool dhcp_pool_is_open(const struct dhcp_pool *p, uint32_t addr);
/* How many addresses are open, and how many of those are taken. */
uint32_t dhcp_pool_open(const struct dhcp_pool *p);
uint32_t dhcp_pool_open_used(const struct dhcp_pool *p);

/* --- ARP: who else uses an address? (RFC 826, RFC 5227) --- */

enum dhcp_arp_op { DHCP_ARP_REQUEST = 1, DHCP_ARP_REPLY = 2 };

#define DHCP_ARP_SIZE 42 /* of a frame with its Ethernet header, without padding and FCS */

struct dhcp_arp {
	struct mac src; /* of the Ethernet frame: what a bridge learns */
	enum dhcp_arp_op op;
	struct mac sender_mac, target_mac;
	uint32_t sender, target;
};

/* Parses an Ethernet frame. False when it is not a whole ARP packet of one of the two operations
 * for IPv4 over Ethernet, or its sender's MAC is one that no station can have. */
MUST_CHECK bool dhcp_arp_parse(const uint8_t *frame, size_t len, struct dhcp_arp *ret);

/*
 * Writes a broadcast ARP Probe: who has `addr`? Its sender's IP is 0 and its target's MAC is 0, so
 * nobody's cache is changed by it (RFC 5227 2.1.1).
 */
void dhcp_arp_probe_write(struct wr *w, const struct mac *ours, uint32_t addr);

/* The address that the sender says it has; 0: none. */
uint32_t dhcp_arp_claim(const struct dhcp_arp *a);
/* The address that the sender has, or asks for in order to have it: an ARP Probe; 0: none. */
uint32_t dhcp_arp_interest(const struct dhcp_arp *a);

/* --- probes: is an address in use already? --- */

/* Addresses that are being probed, or were a short while ago; theory in probe.c. */
struct dhcp_probes;

enum dhcp_probe_state {
	DHCP_PROBE_NONE,    /* not known, or not any more */
	DHCP_PROBE_RUNNING, /* asked for; no evidence yet */
	DHCP_PROBE_CLEAR,   /* nobody answered, and nobody has shown up since */
	DHCP_PROBE_TAKEN,   /* somebody did */
};

/* Room for `cap` addresses of `nets` networks together. -ENOMEM. */
MUST_CHECK int dhcp_probes_new(uint32_t nets, uint32_t cap, const struct siphash_key *key,
			       struct dhcp_probes **ret);
void dhcp_probes_free(struct dhcp_probes *p);

/*
 * Begins to probe an address for a client, whose own packets are no evidence and for whom it is
 * kept (zero: for nobody yet). What is in the table already stays as it is, but for one that is
 * being probed for nobody. -ENOSPC when the table is full, or has as many of this network as it has
 * free places.
 */
MUST_CHECK int dhcp_probe_start(struct dhcp_probes *p, uint32_t net, uint32_t addr,
				const struct mac *client, int64_t now);
enum dhcp_probe_state dhcp_probe_state(const struct dhcp_probes *p, uint32_t net, uint32_t addr);
/* It is being probed for somebody else, or was a moment ago and is clear. */
bool dhcp_probe_for_another(const struct dhcp_probes *p, uint32_t net, uint32_t addr,
			    const struct mac *client);
/* The address was given, or is not wanted any more. Says whether it was in the table. */
bool dhcp_probe_forget(struct dhcp_probes *p, uint32_t net, uint32_t addr);
void dhcp_probe_forget_net(struct dhcp_probes *p, uint32_t net);
/* The next address of a network that is nobody's, oldest first, and its state; false when there are
 * no more. Begin with *at = DHCP_PROBE_FIRST; the table must not change meanwhile. */
#define DHCP_PROBE_FIRST (UINT32_MAX - 1)
bool dhcp_probe_stock(const struct dhcp_probes *p, uint32_t net, uint32_t *at, uint32_t *ret_addr,
		      enum dhcp_probe_state *ret_state);

enum dhcp_probe_todo {
	DHCP_PROBE_SEND,  /* send a probe for the address now */
	DHCP_PROBE_ENDED, /* it is clear */
	DHCP_PROBE_STALE, /* what is known is too old; it is not in the table any more */
};

struct dhcp_probe_step {
	enum dhcp_probe_todo todo;
	uint32_t net, addr;
};

/* When dhcp_probe_step has something to do next; INT64_MAX: never. */
int64_t dhcp_probe_next(const struct dhcp_probes *p);
/* One thing that is due; false when nothing is. */
bool dhcp_probe_step(struct dhcp_probes *p, int64_t now, struct dhcp_probe_step *ret);

/*
 * An ARP packet was seen on a network. True when it is the first evidence against an address in the
 * table, *ret_addr: somebody else has it, or is about to.
 */
bool dhcp_probe_evidence(struct dhcp_probes *p, uint32_t net, const struct dhcp_arp *a, int64_t now,
			 uint32_t *ret_addr);
/* Whoever has the address answered a ping. True when that is the first evidence against it, as
 * above. */
bool dhcp_probe_answered(struct dhcp_probes *p, uint32_t net, uint32_t addr, int64_t now);

/* --- reserved hosts: whose is an address for ever? --- */

/*
 * A reservation. One for a client is met by what sends this client identifier, and by what has this
 * MAC; one with neither is somebody else's, such as a guest's, and says only that its address is no
 * client's.
 */
struct dhcp_host {
	uint32_t addr;	/* 0: none in particular */
	struct mac mac; /* zero: it goes by the identifier alone */
	const uint8_t
		*client_id; /* option 61, two octets or more; NULL: it goes by the MAC alone */
	size_t client_id_len;
	const char *hostname;		       /* option 12, or NULL */
	const struct dhcp_option_set *options; /* the narrowest scope, or NULL */
};

/* A table of them, found by identifier, MAC and address by keyed hashes. */
struct dhcp_hosts;

/* Copies the hosts, but not what they point to. No two of them have the same address, MAC or
 * identifier. -ENOMEM. */
MUST_CHECK int dhcp_hosts_new(const struct dhcp_host *host, uint32_t n,
			      const struct siphash_key *key, struct dhcp_hosts **ret);
void dhcp_hosts_free(struct dhcp_hosts *h);
/*
 * Whose client is this? Where one reservation names its identifier and another its MAC, the
 * identifier counts, since that is what the client was told to send. NULL: nobody's, or `h` is.
 * Each of mac and id may be NULL.
 */
const struct dhcp_host *dhcp_hosts_find(const struct dhcp_hosts *h, const struct mac *mac,
					const uint8_t *id, size_t len);
/* The reservation of an address; NULL: there is none, or `h` is. */
const struct dhcp_host *dhcp_hosts_at(const struct dhcp_hosts *h, uint32_t addr);

/* --- server --- */

#define DHCP_INFINITE UINT32_MAX /* a lease time without end (RFC 2131 3.3) */
#define DHCP_PORT_NONE UINT32_MAX

/*
 * Who a client is. Behind a port of its own, the port's MAC gets the port's address whatever else
 * it says of itself. Others behind it are not served under IDENTITY_PORT. They, and those behind a
 * port without an address, are told apart by what they send, and get addresses of a pool.
 */
enum dhcp_identity {
	DHCP_IDENTITY_PORT,	 /* the port; where that has no address, as by CLIENT_ID */
	DHCP_IDENTITY_CLIENT_ID, /* option 61, else the hardware address (RFC 2131 4.2, RFC 6842) */
	DHCP_IDENTITY_MAC,	 /* the hardware address */
};

/* A subnet behind relay agents, which their giaddr or option 82.5 is an address of (RFC 2131 4.1,
 * RFC 3527). */
struct dhcp_relay_subnet {
	struct ip4_prefix prefix; /* with the address of its router, which is option 3 */
	/* Owned by the caller, who keeps them while the network stands. */
	struct dhcp_pool *pool;
	const struct dhcp_option_set *options; /* or NULL */
};

enum { DHCP_RELAY_SUBNETS_MAX = 16 };

struct dhcp_net_config {
	bool serve; /* false: packets of this network are ignored */
	enum dhcp_identity identity;
	bool authoritative;	/* clients that it does not know are refused, not ignored (RFC 2131
				   4.3.2) */
	bool rapid_commit;	/* option 80 is answered with an ACK (RFC 4039) */
	bool bootp;		/* who has an address for ever gets it by BOOTP, too (RFC 1534) */
	bool subnet_selection;	/* option 118 chooses the subnet (RFC 3011), by a trusted port */
	struct dhcp_pool *pool; /* where clients' addresses come from; owned by the caller, who may
				   take and give as well; NULL under DHCP_IDENTITY_PORT */
	bool keep_leases;	/* they outlive their port's device, until they end by themselves */
	uint32_t clients_max;	/* addresses that the clients behind one port may have; 0: no limit
				 */
	struct ip4_prefix
		server; /* our address in the subnet, which is option 54, and the subnet's length */
	uint32_t router; /* option 3; 0: none */
	struct mac mac;	 /* source of replies: the bridge's */
	uint16_t mtu;	 /* option 26 */
	uint32_t lease_time, min_lease_time,
		max_lease_time;		 /* seconds; max DHCP_INFINITE allows infinite ones */
	uint32_t offer_hold, quarantine; /* seconds */
	/* All are owned by the caller, who keeps them while the network stands. */
	const struct dhcp_option_set *options; /* of the network, or NULL */
	const struct dhcp_option_set *global;  /* of all networks, or NULL */
	/* Or NULL. Their addresses are taken in the pools by the caller, and stay so. Changed
	 * together with the pools. */
	const struct dhcp_hosts *hosts;
	const struct dhcp_class *class[DHCP_CLASSES_MAX]; /* the first that matches wins */
	unsigned classes;
	/* They overlap neither one another nor the network's own. Copied. */
	const struct dhcp_relay_subnet *relay;
	unsigned relays; /* DHCP_RELAY_SUBNETS_MAX at most */
};

/* State of a lease. Which fields are valid: expires in OFFERED, BOUND and DECLINED; started in
 * BOUND. */
enum dhcp_lease_state {
	DHCP_LEASE_FREE,     /* nothing was promised over DHCP */
	DHCP_LEASE_OFFERED,  /* in memory only */
	DHCP_LEASE_BOUND,    /* acknowledged; stored */
	DHCP_LEASE_RELEASED, /* given back by the client */
	DHCP_LEASE_EXPIRED,  /* ran out */
	DHCP_LEASE_DECLINED, /* the client found another user of the address */
};

const char *dhcp_lease_state_text(enum dhcp_lease_state state);
bool dhcp_lease_state_parse(const char *text, enum dhcp_lease_state *ret);

struct dhcp_lease {
	uint32_t net;
	uint32_t addr;
	uint32_t port; /* the port whose allocation this address is; DHCP_PORT_NONE: an address in
			  quarantine; of a client: the port that it is behind, or DHCP_PORT_NONE */
	bool client;   /* a client's, found by identity; else a port's own */
	bool boot;  /* a client's that is firmware: what the same card starts next takes it over */
	bool moved; /* a client's that was acknowledged as another's: by identity, card or port */
	uint64_t identity[2]; /* of a client: what it is found by */
	struct mac mac;
	struct mac mac_before; /* of a client: the card that the running lease was with before */
	enum dhcp_lease_state state;
	uint32_t seconds;   /* as granted */
	int64_t started;    /* when the ACK was decided */
	int64_t expires;    /* INT64_MAX: never */
	int64_t discovered; /* when the first DISCOVER of the exchange came; 0: none */
	uint32_t xid;	    /* of the last ACK */
	uint32_t declines;  /* since the port was added */
	const char
		*hostname; /* option 12 for this client, owned by whoever added the port; or NULL */
	const struct dhcp_option_set *options; /* of this host; owned by the caller; or NULL */
};

/* Only remembered for a client whose lease has ended: it gives way to whoever needs the address. */
static inline bool dhcp_lease_is_memory(const struct dhcp_lease *l)
{
	return l->client && (l->state == DHCP_LEASE_RELEASED || l->state == DHCP_LEASE_EXPIRED);
}

struct dhcp_limits {
	uint32_t nets, leases;
	uint32_t clients; /* leases that are not ports' own, of all networks; 0: as many as there is
			     room for */
};

struct dhcp_server;
struct dhcp_action;

MUST_CHECK int dhcp_server_new(const struct dhcp_limits *limits, const struct siphash_key *key,
			       struct dhcp_server **ret);
void dhcp_server_free(struct dhcp_server *s);

/*
 * Sets or replaces the configuration of network `net`, a number below limits.nets: -ENOSPC. Leases
 * whose address is in another pool than before are taken from that, and a client whose address is
 * not to be had is forgotten. The pools before are not touched. With other reserved hosts, offers
 * lapse, and a client whose address is reserved now keeps its lease until it speaks of it.
 *
 * A reservation beats a lease. A client with a reserved address is offered that, whatever it asks
 * for and whatever it has, and nobody else ever is; what it has besides ends when it takes it. Who
 * holds an address that has been reserved for another meanwhile is refused (NAK) when it next asks
 * for it, in whatever state it does, and its lease ends with that. Until then, or until it releases
 * it or lets it run out, or while the address is a port's or in quarantine, the reserved client is
 * given one of the pool; once the address is free, it is refused that at its next renewal, so that
 * it starts over and gets its own. So no address is ever two clients'.
 */
MUST_CHECK int dhcp_net_set(struct dhcp_server *s, uint32_t net, const struct dhcp_net_config *c);

struct dhcp_port {
	uint32_t net;
	uint32_t port; /* a number that means something to the caller; one lease a port */
	uint32_t addr; /* 0: the port has no address of its own, and its clients are served by
			  identity */
	struct mac mac;
	const char *hostname;
	const struct dhcp_option_set *options;
	bool trusted; /* no guest's: relay agents behind it are believed, and the clients behind it
			 are not limited in number */
};

/*
 * From now on the port's client is served with this address, or, where this client has declined it,
 * when its quarantine ends. -EEXIST when the address or port is there, -ENOSPC.
 */
MUST_CHECK int dhcp_port_add(struct dhcp_server *s, const struct dhcp_port *p);
/* Forgets port and lease. The address, if it was declined, stays out of use until its quarantine
 * ends. */
void dhcp_port_del(struct dhcp_server *s, uint32_t port);
/*
 * Gives the port another address. The old one, if it was declined, stays out of use until its
 * quarantine ends. -ENOENT, -EEXIST when the address is another's, -ENOSPC; nothing changes then.
 */
MUST_CHECK int dhcp_port_move(struct dhcp_server *s, uint32_t port, uint32_t addr);
/* The port's address was not probed before it was given: that is to be done before its guest is
 * told of it. */
void dhcp_port_doubt(struct dhcp_server *s, uint32_t port);
/* New configuration for a port that is there; its address and MAC stay. */
void dhcp_port_update(struct dhcp_server *s, const struct dhcp_port *p);

/*
 * The port's device is gone: its lease is released, and those of the clients behind it, unless
 * their network keeps them; offers end either way. To be called until it returns false; each time
 * that it returns true there is a record to store.
 */
bool dhcp_port_end(struct dhcp_server *s, uint32_t port, struct dhcp_action *ret);
/* The same where the port itself is to go for good: nothing is kept. */
bool dhcp_port_release(struct dhcp_server *s, uint32_t port, struct dhcp_action *ret);

/*
 * Somebody else has the port's address, and its client is not bound to it: it goes into quarantine,
 * as by a DECLINE of the client (RFC 2131 4.3.3), and to be stored like one. False, and nothing is
 * changed, when the client is bound, or has had as many addresses quarantined as a port may.
 */
bool dhcp_port_conflict(struct dhcp_server *s, uint32_t port, int64_t now, struct dhcp_action *ret);

/* NULL when there is none. Valid until the next call that adds or deletes. */
const struct dhcp_lease *dhcp_lease_by_port(const struct dhcp_server *s, uint32_t port);
const struct dhcp_lease *dhcp_lease_by_addr(const struct dhcp_server *s, uint32_t net,
					    uint32_t addr);

/*
 * The next lease of a network from place *at of the table on, of which *look at most are looked at,
 * and counted down. NULL: there is none among them; *at is 0 when that was the end of the table.
 */
const struct dhcp_lease *dhcp_lease_next(const struct dhcp_server *s, uint32_t net, uint32_t *at,
					 uint32_t *look);

/* How many clients of a network are bound. */
uint32_t dhcp_bound_clients(const struct dhcp_server *s, uint32_t net);

/* What has to be on stable storage before the action's reply leaves. Pointers are valid until the
 * next dhcp_input. */
struct dhcp_record {
	uint32_t net;
	uint32_t addr;
	uint32_t port;
	enum dhcp_lease_state state;
	uint32_t seconds;
	int64_t started, expires;
	struct mac mac;
	const uint8_t *client_id; /* option 61; NULL: none */
	size_t client_id_len;
	char hostname[DHCP_NAME_SIZE]; /* cleaned; empty: none */
};

/*
 * Puts a stored lease back at start, when ports and networks are there. An address that is no
 * port's is a client's, whose identity follows from MAC and client_id, or is in quarantine. -ENOENT
 * when it can be neither, -EEXIST when the address is neither reserved nor to be had from the pool,
 * is a port's now whose record this is not, or another record of this client counts more, -ENOSPC.
 */
MUST_CHECK int dhcp_lease_restore(struct dhcp_server *s, const struct dhcp_record *r);

/*
 * Frees the address, in the network's own pool, of the client that had no lease for longest, and
 * forgets that client. False when there is no such client.
 */
bool dhcp_reclaim(struct dhcp_server *s, uint32_t net);

/*
 * All stored leases of a network were put back. From now on those that have ended count as ended in
 * the order in which they were last granted, which is what their records say of it.
 */
void dhcp_leases_restored(struct dhcp_server *s, uint32_t net);

/*
 * dhcp_pool_find in the pool of a network, for a new client or port. When nothing is free there the
 * client goes that dhcp_reclaim names; when there is none, the pool grows.
 */
bool dhcp_find_free(struct dhcp_server *s, uint32_t net, uint64_t *place, uint32_t *ret_addr);

/* How many addresses of a network dhcp_reclaim could free. */
uint32_t dhcp_reclaimable(const struct dhcp_server *s, uint32_t net);

enum dhcp_change {
	DHCP_CHANGE_NONE,
	DHCP_CHANGE_OFFERED, /* in memory only; record is not to be stored */
	DHCP_CHANGE_BOUND,
	DHCP_CHANGE_RENEWED,
	DHCP_CHANGE_RELEASED,
	DHCP_CHANGE_DECLINED,
	DHCP_CHANGE_CONFLICT, /* declined by us, since somebody else has the address */
	DHCP_CHANGE_EXPIRED,
	DHCP_CHANGE_FREED, /* a quarantine is over */
};

struct dhcp_input {
	uint32_t net;
	uint32_t port;
	int64_t now;
	const struct dhcp_frame *frame;
	/* What clients get has to be probed: addresses of the network's own subnet, and those
	 * behind relay agents. NULL: not on this network. */
	const struct dhcp_probes *probes, *pings;
	uint32_t waiting; /* clients behind the port that wait for a probe */
	/* Of a packet that waited itself: for which address, and when it came. */
	uint32_t waited;
	int64_t came;
};

struct dhcp_action {
	enum dhcp_drop drop;
	/* Nothing was decided: the packet is to be given again when this address, whose probe is to
	 * be begun for this client, was probed. 0: it was decided. */
	uint32_t wait;
	struct mac wait_client;
	bool created; /* the lease was not there before: dhcp_undo removes it */
	bool clone;   /* another client with the same identifier is live behind another port */
	enum dhcp_drop turned_away; /* why a client got no address, also when it was told that */
	uint8_t request;	    /* enum dhcp_type of what came, 0 when it was not understood */
	uint8_t reply;		    /* enum dhcp_type of what was written, 0: nothing */
	bool bootp;		    /* a BOOTREPLY was written; reply is 0 */
	enum dhcp_change change;
	bool store;		   /* record must be stored before the reply leaves */
	struct dhcp_record record; /* valid when change is not DHCP_CHANGE_NONE */
	int64_t exchange; /* DHCP_CHANGE_BOUND: nanoseconds since the DISCOVER, -1 when none was
			     seen */
	struct dhcp_lease before; /* valid when change is not DHCP_CHANGE_NONE; for dhcp_undo */
	/* The client has left another address for this one: that lease has ended, and is to be
	 * stored in the same transaction. */
	bool left;
	struct dhcp_record left_record; /* net, address and state count */
	struct dhcp_lease left_before;	/* for dhcp_undo */
};

/*
 * Takes one packet, decides, and writes the frame of the answer, if any, to `out` (DHCP_FRAME_MAX
 * octets make room for every reply). Decisions follow RFC 2131 4.3 for a server that is
 * authoritative for its ports.
 */
void dhcp_input(struct dhcp_server *s, const struct dhcp_input *in, struct wr *out,
		struct dhcp_action *ret);

/* The action was not stored: the lease is as it was before, and its port's, also after
 * dhcp_port_move. In reverse order. Nothing happens when the port has gone since. */
void dhcp_undo(struct dhcp_server *s, const struct dhcp_action *a);

/* When dhcp_expire has something to do next; INT64_MAX: never. */
int64_t dhcp_next(const struct dhcp_server *s);

/*
 * Ends one offer, lease or quarantine whose time is over; false when there is none. An ended lease
 * or quarantine gives a change and a record to store, an ended offer DHCP_CHANGE_NONE.
 */
bool dhcp_expire(struct dhcp_server *s, int64_t now, struct dhcp_action *ret);

struct dhcp_counters {
	uint64_t received[DHCP_INFORM + 1]; /* by enum dhcp_type; [0]: BOOTP, or not understood */
	uint64_t sent[DHCP_INFORM + 1];	    /* [0]: BOOTREPLYs */
	uint64_t dropped[DHCP_DROP_MAX];
};

const struct dhcp_counters *dhcp_counters(const struct dhcp_server *s);
/* A packet that was dropped before dhcp_input: by dhcp_frame_parse, say. */
void dhcp_count_drop(struct dhcp_server *s, enum dhcp_drop drop);

#endif

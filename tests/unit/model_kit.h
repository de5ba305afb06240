/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A DHCP server on a small network, and what it has promised, in its simplest form: arrays by
 * address. What netd does around dhcp/ is done here as well: turns with a commit, rows, the pool
 * that ports and clients share, ports that move when they decline.
 *
 * Three times: CLOCK_BOOTTIME, which is w->k.now; the wall clock, which can be set; and the time
 * that really passes, which nobody can read and in which promises are kept.
 */
#ifndef TESTS_MODEL_KIT_H
#define TESTS_MODEL_KIT_H

#include "dhcp_kit.h"
#include "sequence.h"

enum {
	MODEL_GUESTS = 3, /* the first ports have an address each; that of port 0 is reserved */
	MODEL_PORTS = 6,
	MODEL_FAR_PORT = 5, /* behind it is a relay agent */
	MODEL_NEAR = 14,    /* addresses of the network's own */
	MODEL_ADDRS = 17,   /* and then those of the relay agent's subnet */
	MODEL_CARDS = 6,
	MODEL_OWN_CARD = 255, /* the one that a guest's port was made for */
	MODEL_IDS = 4,	      /* 0: none */
	MODEL_TURN = 5,	      /* packets, before it has to end */
	MODEL_TURN_MAX = 32,  /* events of one turn in all */
	MODEL_GUEST_HOSTS = 2,
	MODEL_HOSTS = 5,  /* reservations */
	MODEL_NOTES = 32, /* that are printed when it fails */
};

#define MODEL_FIRST KIT_IP(10, 77, 0, 114)
#define MODEL_AGENT KIT_IP(10, 77, 0, 254)

struct person {
	uint32_t port;
	uint8_t card, id;
	bool firmware;
};

/* Until then the address is his, as far as he was told. */
struct promise {
	struct person who;
	int64_t until; /* really */
	bool sure;     /* nobody that could be the same client has shown up for it since */
};

/* A row on disk: it survives. */
struct model_row {
	bool used;
	struct dhcp_record r; /* times of the boot that wrote it */
	uint8_t id[2];
	uint32_t port; /* by which it came; DHCP_PORT_NONE: no guest's */
	unsigned boot;
	int64_t boot_at;		    /* when that boot began, really */
	int64_t started_wall, expires_wall; /* seconds */
};

enum model_change { MODEL_NO_ROW, MODEL_PUT, MODEL_END, MODEL_DEL };

/* One event of a turn: what is to be stored and said, and how it is taken back. */
struct model_event {
	struct dhcp_action a;
	struct person who;
	uint32_t yiaddr;
	int64_t expires;   /* of the lease that the reply speaks of */
	uint32_t moved_to; /* the port's new address; 0: it has the same */
	bool needs_row, unstored, expiry;
	enum model_change change;
	struct model_row row;
};

struct world {
	struct kit k;
	struct dhcp_pool *pool;
	struct dhcp_relay_subnet relay;
	struct dhcp_host host[MODEL_HOSTS];
	unsigned host_n;
	struct dhcp_hosts *hosts;
	bool grows, reserves; /* its pool has a second stage; there are reservations for clients */
	struct sequence r;
	uint64_t seed, acks;
	bool breaks; /* storage fails now and then */
	unsigned pool_kind, boot;
	uint32_t trusted; /* from this one on ports are interfaces of the host, not guests' */
	int64_t boot_at;  /* when this boot began, really */
	int64_t wall;	  /* the wall clock's seconds when nothing had passed yet */
	uint32_t clients; /* that the server has room for; 0: for all */
	struct {
		bool there, unstored;
		uint32_t addr, stored; /* and as it is on disk */
		uint32_t allowed;      /* clients that it may have, or has since something failed */
	} port[MODEL_PORTS];
	struct promise promise[MODEL_ADDRS];
	int64_t quarantine[MODEL_ADDRS]; /* really */
	struct model_row row[MODEL_ADDRS];
	struct {
		struct model_event at[MODEL_TURN_MAX];
		unsigned n;
	} turn;
	char note[MODEL_NOTES][112];
	unsigned notes;
};

void model_start(struct world *w, uint64_t seed);
void model_stop(struct world *w);
#define CLEAN_MODEL CLEANUP(model_stop)

uint32_t model_below(struct world *w, uint32_t n);
int64_t model_now(const struct world *w);
/* For whoever reads about a failure. */
__attribute__((format(printf, 2, 3))) void model_note(struct world *w, const char *fmt, ...);

/* A packet of this person, and what the daemon does with it up to the commit. */
void model_message(struct world *w, const struct person *p, uint8_t type, struct kit_message *c);
void model_send(struct world *w, const struct person *p, const struct kit_message *c,
		const char *what, uint32_t addr);

/* How a turn ends: its transaction is stored and its replies leave; it fails; it is stored, and the
 * daemon dies before it says so; the daemon dies before it is stored. */
enum model_outcome { MODEL_STORED, MODEL_FAILED, MODEL_STORED_UNSAID, MODEL_LOST };
void model_end_turn(struct world *w, enum model_outcome how);

/* The daemon dies, and another starts; after a reboot, when CLOCK_BOOTTIME begins anew. */
void model_crash(struct world *w, bool reboot);
void model_pass(struct world *w, int64_t seconds);
/* Somebody else was heard to have the address of this port. */
void model_conflict(struct world *w, uint32_t port);
/* Everybody renews what he has, and gets it. */
void model_renew_all(struct world *w);

/* When a moment of CLOCK_BOOTTIME really is. */
int64_t model_really(const struct world *w, int64_t boottime);
struct mac model_mac(const struct person *p);
/* From now on each port may have the clients that it has, if that is more than would be granted. */
void model_allow(struct world *w);

static inline bool model_is_own(const struct person *p)
{
	return p->card == MODEL_OWN_CARD;
}

/* Of the subnet behind the relay agent. */
static inline bool model_is_far(uint32_t addr)
{
	return addr >= MODEL_FIRST + MODEL_NEAR;
}

/* --- model_net.c --- */

/* What a network is configured as for the whole run, and its first reservations. */
void model_net_start(struct world *w);
/* Pools and reservations as a new configuration has them; `former` is the pool that it had, or
 * NULL. */
void model_make_pools(struct world *w, const struct dhcp_pool *former);
void model_free_pools(struct world *w);
struct dhcp_pool *model_pool_of(const struct world *w, uint32_t addr);
/* Clients may have it. */
bool model_is_open(const struct world *w, uint32_t addr);
/* As netd/networks.c network_give. */
void model_give(struct world *w, uint32_t addr);
/* As netd/allocate.c, for a port: a free address, or that of a client whose lease has ended; 0:
 * none. */
uint32_t model_find_address(struct world *w);
void model_add_port(struct world *w, uint32_t port);
bool model_is_reserved(const struct world *w, uint32_t addr);
/* For this person, as far as what he says goes. */
bool model_is_reserved_for(const struct world *w, uint32_t addr, const struct person *p);
bool model_has_reserved_card(const struct world *w, uint8_t card);
/* No reservation says that he is to have another address, or another person this one. */
bool model_stays(const struct world *w, const struct person *p, uint32_t addr);
/* It comes, goes, or its device does. */
void model_port_toggle(struct world *w, uint32_t port);
/* The network is configured anew, with other ranges and reservations. */
void model_reload(struct world *w);

/* --- model_check.c --- */

/* What must hold after every event. */
void model_check(struct world *w);
/* How many clients of a port have a lease or an offer, and no reservation. */
uint32_t model_clients_behind(const struct world *w, uint32_t port);
/* A check that fails shows this world from now on; NULL: none. */
void model_watch(struct world *w);

#endif

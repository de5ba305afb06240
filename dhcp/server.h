/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What lease.c, decide.c and reply.c share. */
#ifndef DHCP_SERVER_INTERNAL_H
#define DHCP_SERVER_INTERNAL_H

#include "base/heap.h"
#include "dhcp.h"

/* Option codes that the server itself handles (RFC 2132; 108: RFC 8925; 121: RFC 3442). */
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
	OPT_CLIENT_ID = 61,
	OPT_AGENT = 82,
	OPT_IPV6_ONLY = 108,
	OPT_CLASSLESS_ROUTES = 121,
};

struct lease_slot {
	struct heap_node timer; /* in the heap while the state ends by itself; key: expires */
	struct dhcp_lease l;
};

struct dhcp_server {
	struct siphash_key key;
	uint32_t nets_cap;
	struct dhcp_net_config *net; /* [nets_cap] */
	struct slots slots;
	struct lease_slot *lease; /* [slots.cap] */
	struct index by_addr, by_port;
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
	struct lease_slot *lease;
};

struct lease_slot *lease_find_port(const struct dhcp_server *s, uint32_t port);

/* Puts the lease into a state, with its timer; expires is INT64_MAX where the state does not end by
 * itself. */
void lease_set(struct dhcp_server *s, struct lease_slot *lease, enum dhcp_lease_state state,
	       int64_t expires);

/* The record of a lease as it is now. */
void lease_record(const struct lease_slot *lease, struct dhcp_record *ret);

/* The largest IPv4 datagram that this client takes (RFC 2131 2, RFC 2132 9.10), as a UDP payload
 * size. */
size_t reply_max_payload(const struct exchange *x);

/*
 * Writes OFFER, ACK or NAK of this exchange as a frame. `seconds` is the lease time, 0 in the
 * answer to an INFORM; `why` is the text of a NAK, NULL otherwise.
 */
void reply_write(const struct exchange *x, enum dhcp_type type, uint32_t seconds, const char *why,
		 struct wr *out);

#endif

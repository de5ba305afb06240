/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the dhcp tests share: a server with one network, two ports and a virtual clock; messages as
 * a client would send them; the server's reply, taken apart by code that shares nothing with the
 * code under test as far as Ethernet, IPv4 and UDP go.
 */
#ifndef TESTS_DHCP_KIT_H
#define TESTS_DHCP_KIT_H

#include "dhcp.h"
#include "unit.h"

#define KIT_IP(a, b, c, d)                                                                         \
	((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))
#define KIT_SERVER KIT_IP(10, 77, 0, 1) /* /24; also the router */
#define KIT_ADDR KIT_IP(10, 77, 0, 10)
#define KIT_ADDR2 KIT_IP(10, 77, 0, 11)
#define KIT_SECOND INT64_C(1000000000)
#define KIT_XID 0x5f3759dfu

enum {
	KIT_NET = 1,
	KIT_PORT = 7,  /* has KIT_ADDR and kit_mac */
	KIT_PORT2 = 8, /* has KIT_ADDR2 and kit_mac2 */
	KIT_LEASES = 16,
	KIT_LEASE_TIME = 3600,
	KIT_LEASE_MIN = 120,
	KIT_LEASE_MAX = 86400,
	KIT_OFFER_HOLD = 30,
	KIT_QUARANTINE = 600,
};

extern const struct mac kit_mac, kit_mac2, kit_server_mac;

/* Every state; all but the last, which is DECLINED, give the client its address. */
enum { KIT_STATES = 6, KIT_STATES_SERVED = 5 };
extern const enum dhcp_lease_state kit_states[KIT_STATES];

struct kit {
	struct dhcp_server *s;
	struct dhcp_net_config config;
	struct dhcp_option_set *options; /* of the network; empty at start */
	int64_t now;
	uint32_t port;	      /* that the next message comes in by */
	struct dhcp_input in; /* what else is said of it: probes, waiting, waited, came */

	/* After kit_send: what the server did. The reply's parts are valid when action.reply is
	 * set. */
	struct dhcp_action action;
	uint8_t out[DHCP_FRAME_MAX];
	size_t out_len;
	bool out_bad; /* the reply did not fit */
	struct dhcp_frame frame;
	struct dhcp_message m;
	struct dhcp_options o;
};

#define CLEAN_KIT CLEANUP(kit_stop)

/* A check for inner loops: libcheck writes to a file for each of its own that passes. */
#define kit_must(condition)                                                                        \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			if (kit_witness)                                                           \
				kit_witness();                                                     \
			ck_abort_msg("Assertion '%s' failed", #condition);                         \
		}                                                                                  \
	} while (0)

/* Tells more of what failed than the check does; or NULL. */
extern void (*kit_witness)(void);

void kit_start(struct kit *k);
void kit_stop(struct kit *k);
/* Gives k->config to the server. */
void kit_configure(struct kit *k);
/* Relay agents behind KIT_PORT are believed. */
void kit_trust(struct kit *k);
/* Lets time pass, and everything end that ends. */
void kit_pass(struct kit *k, int64_t seconds);

const struct dhcp_lease *kit_lease(const struct kit *k);
/* Takes k->port's client to this state by messages and by waiting. */
void kit_prepare(struct kit *k, enum dhcp_lease_state state);

/* A message under construction; not to be copied, since `options` points into it. */
struct kit_message {
	struct dhcp_message m;
	struct mac src, dst;
	uint32_t saddr, daddr;
	struct wr options;
	uint8_t octets[DHCP_PAYLOAD_MAX];
	uint8_t file[128], sname[64];
	size_t least; /* the payload is padded to this size */
};

/* The message of a client that has no address yet, with option 53 and nothing else; 0: not even
 * that. */
void kit_message(struct kit_message *c, const struct kit *k, uint8_t type);
void kit_add(struct kit_message *c, uint8_t code, const void *data, size_t len);
void kit_add_u8(struct kit_message *c, uint8_t code, uint8_t v);
void kit_add_u16(struct kit_message *c, uint8_t code, uint16_t v);
void kit_add_u32(struct kit_message *c, uint8_t code, uint32_t v);
/* Octets as they are, no option around them. */
void kit_add_hex(struct kit_message *c, const char *hex);

/* The UDP payload: fixed part, cookie, options, End, padding. Returns its length. */
size_t kit_payload(const struct kit_message *c, uint8_t *to, size_t size);

/*
 * Gives the frame to the server, by k->port at k->now, takes the reply apart, and checks what must
 * hold for every action.
 */
void kit_input(struct kit *k, const struct dhcp_frame *f);

/* The same with this message in a frame. */
void kit_send(struct kit *k, const struct kit_message *c);
/* The same with this UDP payload in the frame of c. */
void kit_send_payload(struct kit *k, const struct kit_message *c, const uint8_t *p, size_t len);

/* What an ordinary client sends; KIT_IP(0, 0, 0, 0) leaves the field or option out. */
void kit_discover(struct kit *k);
void kit_request(struct kit *k, uint32_t server, uint32_t wanted, uint32_t ciaddr);
void kit_release(struct kit *k, uint32_t server, uint32_t ciaddr);
void kit_decline(struct kit *k, uint32_t server, uint32_t wanted);
void kit_inform(struct kit *k, uint32_t ciaddr);

/* Configures an option of the network; octets as kit_hex reads them. */
enum { KIT_VALUE_MAX = 1100 };
void kit_put(struct kit *k, uint8_t code, const char *hex);
/* A DISCOVER, REQUEST or INFORM for KIT_ADDR with these codes in option 55; NULL: without it. */
void kit_ask(struct kit *k, uint8_t type, const char *list);

/* The last message was answered so, or dropped for this reason; a test that finds otherwise fails
 * with `what` in front. */
void kit_expect(const struct kit *k, enum dhcp_type reply, const char *what);
void kit_expect_drop(const struct kit *k, enum dhcp_drop drop, const char *what);

/* DISCOVER and REQUEST both get their answers, whatever was before. */
void kit_expect_service(struct kit *k);

bool kit_has(const struct kit *k, uint8_t code);
/* The option of the reply, which must be there and have this length. */
uint32_t kit_u32(const struct kit *k, uint8_t code);
/* The option of the reply has exactly these octets; NULL: it is absent. */
void kit_expect_option(const struct kit *k, uint8_t code, const void *data, size_t len);
void kit_expect_hex(const struct kit *k, uint8_t code, const char *hex);
/* The codes of the reply's options field in their order, without Pad and End. Returns how many. */
size_t kit_order(const struct kit *k, uint8_t codes[256]);
/* These are the codes. */
void kit_expect_order(const struct kit *k, const char *hex, const char *what);

/* The octets of a text of hexadecimal digits, spaces between them ignored; a digit may be followed
 * by "*n", which repeats the octet. Returns how many. */
size_t kit_hex(const char *text, uint8_t *to, size_t size);

/* A copy in memory of exactly its size, so that a sanitizer sees every octet read too many; free
 * it.
 */
uint8_t *kit_copy(const void *p, size_t len);

/* Ones' complement sum of big-endian words (RFC 1071), folded. */
uint16_t kit_sum(uint32_t start, const uint8_t *p, size_t len);

/* A deterministic generator for tests with many random cases (xorshift64*). */
struct kit_random {
	uint64_t state;
};

uint32_t kit_random(struct kit_random *r);
/* Below n, which is not 0. */
uint32_t kit_below(struct kit_random *r, uint32_t n);

#endif

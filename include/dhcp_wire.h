/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What dhcp.h speaks of that is on the wire: frames, messages, options, names, classes. Included by
 * it alone.
 */
#ifndef NETD_DHCP_WIRE_H
#define NETD_DHCP_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "mac.h"

#define DHCP_SERVER_PORT 67
#define DHCP_CLIENT_PORT 68

/* Why a packet was not answered. The names in dhcp_drop_text are those of the counters that users
 * see. */
enum dhcp_drop {
	DHCP_DROP_NONE,		/* it was answered, or needs no answer */
	DHCP_DROP_NOT_IPV4,	/* no IPv4 header, or one that is broken */
	DHCP_DROP_FRAGMENT,	/* an IP fragment */
	DHCP_DROP_NOT_UDP,	/* another protocol, or not to port 67 */
	DHCP_DROP_LENGTH,	/* IP or UDP length disagrees with the frame */
	DHCP_DROP_CHECKSUM,	/* bad UDP checksum */
	DHCP_DROP_VLAN,		/* a tagged frame on an untagged port */
	DHCP_DROP_SHORT,	/* fewer octets than a BOOTP message has, or more than any has */
	DHCP_DROP_NOT_REQUEST,	/* op is not BOOTREQUEST */
	DHCP_DROP_HARDWARE,	/* a hardware type and length that cannot be */
	DHCP_DROP_NO_COOKIE,	/* BOOTP, from one without a reservation */
	DHCP_DROP_OPTIONS,	/* an option that runs past its area */
	DHCP_DROP_TYPE,		/* no message type, or one that only servers send */
	DHCP_DROP_NOT_SERVED,	/* nobody serves this network or port */
	DHCP_DROP_NOT_PORT_MAC, /* chaddr is not the MAC that the port was given */
	DHCP_DROP_RELAY, /* a relay agent's giaddr or option 82, from a port that is to have none */
	DHCP_DROP_RELAY_LOOP,	/* giaddr is an address of ours */
	DHCP_DROP_NO_SUBNET,	/* no subnet is configured for the relay agent */
	DHCP_DROP_SOURCE_PORT,	/* not from a DHCP port, and no relay agent's (RFC 8357) */
	DHCP_DROP_OTHER_SERVER, /* the client chose or addressed another server */
	DHCP_DROP_MALFORMED,	/* fields that contradict RFC 2131 table 5 */
	DHCP_DROP_NOT_HELD, /* RELEASE, DECLINE or rebinding of an address that the client does not
			       hold */
	DHCP_DROP_DECLINES, /* more DECLINEs than one port may send */
	DHCP_DROP_QUARANTINE, /* the port's address was declined and no other was found for it */
	DHCP_DROP_NO_ADDRESS, /* the pool has no free address, or the table no room */
	DHCP_DROP_CLIENTS, /* the clients behind this port have all addresses that they may have */
	DHCP_DROP_WAITING, /* too many packets wait for their address to be probed */
	DHCP_DROP_UNKNOWN, /* a client without a record, where the server is not authoritative */
	DHCP_DROP_MAX
};

const char *dhcp_drop_text(enum dhcp_drop drop);

/* --- frame: Ethernet, IPv4, UDP --- */

#define DHCP_FRAME_MAX 1514   /* what we send, without FCS */
#define DHCP_PAYLOAD_MAX 9188 /* UDP payload that we accept: a 9,216-octet jumbo frame's */

struct dhcp_frame {
	struct mac src, dst;
	uint32_t saddr, daddr;
	uint16_t sport, dport;
	const uint8_t *payload; /* len octets, owned by whoever owns the frame */
	size_t len;
};

/*
 * Parses an IPv4 packet (RFC 791, RFC 768) whose Ethernet addresses came separately. A UDP checksum
 * of 0 is accepted, as is the folded sum of the pseudo-header alone, which is what a guest with
 * checksum offload leaves in a frame that never crosses a wire (CHECKSUM_PARTIAL, linux/skbuff.h).
 */
MUST_CHECK enum dhcp_drop dhcp_frame_parse(const struct mac *src, const struct mac *dst,
					   const uint8_t *ip, size_t len, struct dhcp_frame *ret);

/* Writes the frame with full IP and UDP checksums. The payload must not lie inside the writer's
 * buffer. */
void dhcp_frame_write(struct wr *w, const struct dhcp_frame *f);

/* --- message: the fixed part of RFC 2131 2 --- */

enum { DHCP_OP_REQUEST = 1, DHCP_OP_REPLY = 2 };
enum { DHCP_HTYPE_ETHERNET = 1 };
#define DHCP_FLAG_BROADCAST 0x8000
#define DHCP_FIXED_SIZE 236 /* octets before the cookie */
#define DHCP_COOKIE 0x63825363

enum dhcp_type { /* RFC 2132 9.6 */
		 DHCP_DISCOVER = 1,
		 DHCP_OFFER,
		 DHCP_REQUEST,
		 DHCP_DECLINE,
		 DHCP_ACK,
		 DHCP_NAK,
		 DHCP_RELEASE,
		 DHCP_INFORM,
};

/* "DISCOVER", …; "?" for a number that is none of the eight. */
const char *dhcp_type_text(unsigned type);

struct dhcp_message {
	uint8_t op, htype, hlen, hops;
	uint32_t xid;
	uint16_t secs, flags;
	uint32_t ciaddr, yiaddr, siaddr, giaddr;
	uint8_t chaddr[16];
	const uint8_t *sname;	/* 64 octets in the packet */
	const uint8_t *file;	/* 128 octets in the packet */
	const uint8_t *options; /* behind the cookie; NULL when there is no cookie */
	size_t options_len;
};

MUST_CHECK enum dhcp_drop dhcp_message_parse(const uint8_t *p, size_t len,
					     struct dhcp_message *ret);

/* Writes the 236 octets, sname and file zero where they are NULL, and the cookie. */
void dhcp_message_write(struct wr *w, const struct dhcp_message *m);

/* --- options: walker and writer (RFC 2132, RFC 3396) --- */

/*
 * All options of a message, each the concatenation of its pieces in the order options, file, sname.
 * Zero length and absent are told apart by `present`.
 */
struct dhcp_options {
	uint64_t present[4]; /* bit per code */
	uint16_t at[256];    /* offset in data, where present */
	uint16_t len[256];
	uint8_t data[DHCP_PAYLOAD_MAX];
};

/* DHCP_DROP_OPTIONS when an option runs past its area; a missing End is accepted. */
MUST_CHECK enum dhcp_drop dhcp_options_parse(const struct dhcp_message *m,
					     struct dhcp_options *ret);

/* The option's octets (length in *ret_len, may be 0), or NULL when it is absent. */
const uint8_t *dhcp_options_get(const struct dhcp_options *o, uint8_t code, size_t *ret_len);

/* False, and *ret untouched, when the option is absent or has another length (RFC 2132: fixed
 * lengths). */
bool dhcp_options_u8(const struct dhcp_options *o, uint8_t code, uint8_t *ret);
bool dhcp_options_u16(const struct dhcp_options *o, uint8_t code, uint16_t *ret);
bool dhcp_options_u32(const struct dhcp_options *o, uint8_t code, uint32_t *ret);

/*
 * A sub-option of an option whose value is codes, lengths and data (RFC 2132 8.4, RFC 3046 2.0):
 * its first occurrence, or NULL when it is absent or runs past the end.
 */
const uint8_t *dhcp_suboption(const uint8_t *data, size_t len, uint8_t sub, size_t *ret_len);

#define DHCP_OUT_MAX 96

struct dhcp_out {
	uint8_t code;
	uint16_t len;
	bool left_out;	     /* set by dhcp_outs_write */
	const uint8_t *data; /* len octets that outlive the writing */
};

/* Options of a reply in order of priority. */
struct dhcp_outs {
	struct dhcp_out at[DHCP_OUT_MAX];
	unsigned n;
	uint64_t present[4];
	uint8_t inline_data[DHCP_FRAME_MAX]; /* values made for one reply */
	size_t inline_len;
};

/* Adds an option unless its code is there already or there is no room in the list. */
void dhcp_outs_add(struct dhcp_outs *o, uint8_t code, const void *data, size_t len);
/* The same for a value that is copied. */
void dhcp_outs_add_copy(struct dhcp_outs *o, uint8_t code, const void *data, size_t len);
void dhcp_outs_add_u8(struct dhcp_outs *o, uint8_t code, uint8_t v);
void dhcp_outs_add_u32(struct dhcp_outs *o, uint8_t code, uint32_t v);
bool dhcp_outs_has(const struct dhcp_outs *o, uint8_t code);

/*
 * Writes a whole message: m's fixed part, then the options in order. What does not fit in `max`
 * octets goes to file and sname by option 52 (RFC 2132 9.3) where m leaves these empty; what fits
 * nowhere is left out, last ones first, and 53, 54, 51, 1, 3 and 121 last of all. Values over 255
 * octets are split (RFC 3396 6). Option 82 goes last and never into file or sname, and is left out
 * where the whole of it does not fit (RFC 3046 2.2). Padded to 300 octets (RFC 1542 2.1). Returns
 * how many options were left out, and marks them.
 */
unsigned dhcp_outs_write(struct wr *w, const struct dhcp_message *m, struct dhcp_outs *o,
			 size_t max);

/* --- the option table --- */

enum dhcp_option_type {
	DHCP_OPT_BYTES,	   /* hexadecimal octets, "01:a0:ff" */
	DHCP_OPT_IP,	   /* one IPv4 address */
	DHCP_OPT_IPS,	   /* one or more */
	DHCP_OPT_IP_PAIRS, /* pairs of addresses, "10.0.0.0 255.0.0.0" */
	DHCP_OPT_BOOL,	   /* "yes" or "no" */
	DHCP_OPT_U8,
	DHCP_OPT_U8S,
	DHCP_OPT_U16,
	DHCP_OPT_U16S,
	DHCP_OPT_U32,
	DHCP_OPT_I32,
	DHCP_OPT_TEXT,	  /* octets without NUL */
	DHCP_OPT_URI,	  /* RFC 3986, in ASCII without blanks */
	DHCP_OPT_DOMAIN,  /* a host or domain name as text */
	DHCP_OPT_DOMAINS, /* RFC 1035 encoded names, RFC 3397 */
	DHCP_OPT_ROUTES,  /* RFC 3442: "10.0.0.0/8 via 10.77.0.2" */
	/* RFC 2132 8.4: code, type and value, "1 ip 10.77.0.1"; a sub-option of PXE, "pxe-boot-menu
	 * 0 Local boot"; "end" for a code 255 behind the last one; or octets */
	DHCP_OPT_SUBS,
	/* RFC 3925: enterprise, code, type and value, "3561 1 ip 10.77.0.1"; or octets */
	DHCP_OPT_VENDOR_SUBS,
};

/* "bytes", "ip", …: the names of types in configuration and documentation. */
const char *dhcp_option_type_text(enum dhcp_option_type type);

enum {
	DHCP_OPT_PROTOCOL =
		1, /* set by the server from the exchange itself; never from configuration */
	DHCP_OPT_SUBNET = 2, /* follows from the network's own keys; configuration refuses it with
				that hint */
};

struct dhcp_option_info {
	const char *name; /* lower case with dashes, unique; NULL: unassigned, handled as bytes */
	enum dhcp_option_type type;
	uint8_t flags;
	const char *key; /* DHCP_OPT_SUBNET: the configuration key that sets it */
};

/* The descriptor of a code; never NULL. */
const struct dhcp_option_info *dhcp_option_info(uint8_t code);

/* For sentences: "42 (ntp-servers)", or the number alone where there is no name. Returns buf. */
#define DHCP_OPTION_TEXT_SIZE 48
const char *dhcp_option_text(uint8_t code, char buf[DHCP_OPTION_TEXT_SIZE]);

/* A code from its number or name; false when there is none. */
bool dhcp_option_lookup(const char *text, uint8_t *ret_code);

/* Writes the values, n texts of the option's type, in wire form. -EINVAL with the offending value
 * in err. */
MUST_CHECK int dhcp_option_encode(uint8_t code, const char *const *values, unsigned n, struct wr *w,
				  struct err *err);

/*
 * Prints a wire value: list elements separated by ", ", octets that are not printable ASCII
 * escaped, so that it is safe in a log. What the type cannot explain is printed as octets. Returns
 * buf.
 */
const char *dhcp_option_decode(uint8_t code, const uint8_t *data, size_t len, char *buf,
			       size_t size);

/* --- configured options --- */

/*
 * A set of encoded options, and the header field siaddr, which is one in all but form; each scope
 * of the configuration can have one. Owns its memory.
 */
struct dhcp_option_set;

MUST_CHECK int dhcp_option_set_new(struct dhcp_option_set **ret);
void dhcp_option_set_free(struct dhcp_option_set *s);
/* Copies the value; an earlier one of this code is replaced. */
MUST_CHECK int dhcp_option_set_put(struct dhcp_option_set *s, uint8_t code, const void *data,
				   size_t len);
/* Where the boot file is (RFC 2131 2: siaddr); 0: it does not say. */
void dhcp_option_set_next_server(struct dhcp_option_set *s, uint32_t addr);
uint32_t dhcp_option_set_get_next_server(const struct dhcp_option_set *s);
/* NULL when the set is NULL or has none of this code. */
const uint8_t *dhcp_option_set_get(const struct dhcp_option_set *s, uint8_t code, size_t *ret_len);
/* The n-th option in order of code; false when there are no more. */
bool dhcp_option_set_nth(const struct dhcp_option_set *s, unsigned n, uint8_t *ret_code);

/* --- names --- */

/*
 * A host name that a client sent, made harmless: letters, digits, dashes and dots, lower case,
 * labels of at most 63 octets, 253 in all, one trailing NUL taken off. Empty when nothing is left
 * of it. Returns buf.
 */
#define DHCP_NAME_SIZE 254
const char *dhcp_name_clean(const uint8_t *data, size_t len, char buf[DHCP_NAME_SIZE]);

/* The name that a client says it has, made harmless: that of option 81 (RFC 4702), else of option
 * 12; empty when there is none. Returns buf. */
const char *dhcp_client_name(const struct dhcp_options *o, char buf[DHCP_NAME_SIZE]);

/* --- classes: what a client says of itself --- */

enum {
	DHCP_PATTERN_SIZE = 128,
	DHCP_CLASS_ARCHS = 16,
	DHCP_CLASSES_MAX = 32, /* that a network has, those of all networks included */
};

/*
 * Criteria, all of which must hold, and the options of a client that meets them. Patterns are like
 * a shell's, with `*` and `?`; an empty one is no criterion.
 */
struct dhcp_class {
	char vendor_class[DHCP_PATTERN_SIZE]; /* option 60 */
	/* Option 77: one of its classes (RFC 3004), or the whole of it. Who sends option 175 is of
	 * class iPXE. */
	char user_class[DHCP_PATTERN_SIZE];
	char hostname[DHCP_PATTERN_SIZE]; /* of dhcp_client_name, so in lower case */
	/* RFC 3046 3.1 and 3.2, of what came through a relay agent. */
	char circuit_id[DHCP_PATTERN_SIZE], remote_id[DHCP_PATTERN_SIZE];
	uint16_t arch[DHCP_CLASS_ARCHS]; /* option 93: one of these; archs 0: no criterion */
	unsigned archs;
	uint8_t mac_prefix[6]; /* of chaddr */
	unsigned mac_prefix_len;
	const struct dhcp_option_set *options; /* owned by the caller; or NULL */
};

/* The whole value matches; case counts. */
bool dhcp_pattern_match(const char *pattern, const uint8_t *data, size_t len);

bool dhcp_class_match(const struct dhcp_class *c, const struct dhcp_message *m,
		      const struct dhcp_options *o);

#endif

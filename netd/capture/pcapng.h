/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes pcapng, a block at a time (IETF draft-ietf-opsawg-pcapng): one section with one Ethernet
 * interface, big-endian, times in nanoseconds. Pure.
 */
#ifndef NETD_PCAPNG_H
#define NETD_PCAPNG_H

#include "base/buf.h"

/* What a packet's block takes beside its data, with a comment of PCAPNG_COMMENT_MAX octets. */
enum { PCAPNG_COMMENT_MAX = 128, PCAPNG_PACKET_OVERHEAD = 256 };

struct pcapng_interface {
	const char *application; /* "netd 0.1.0" */
	const char *name;	 /* the interface's */
	const char *description; /* NULL: none; of what follows, too */
	const char *filter;	 /* in libpcap's words */
	uint32_t snapshot;	 /* octets of a packet that are kept at most */
};

enum pcapng_direction { PCAPNG_UNKNOWN, PCAPNG_INBOUND, PCAPNG_OUTBOUND };

struct pcapng_packet {
	uint64_t time; /* nanoseconds since 1970 */
	uint32_t len;  /* on the wire */
	uint32_t kept; /* octets at data */
	const void *data;
	enum pcapng_direction direction;
	const char *comment; /* NULL: none; cut to PCAPNG_COMMENT_MAX octets */
};

struct pcapng_statistics {
	uint64_t time;
	uint64_t received; /* packets that passed the filter, those that were lost included */
	uint64_t lost;	   /* for want of room */
};

/* The section's header and its interface. */
void pcapng_begin(struct wr *w, const struct pcapng_interface *i);
void pcapng_packet(struct wr *w, const struct pcapng_packet *p);
void pcapng_statistics(struct wr *w, const struct pcapng_statistics *s);

#endif

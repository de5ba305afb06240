/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What netd and a capture's process, netd-capture, say to each other: on the line, a socket, a
 *datagram at a time. The process is started with
 *
 *	netd-capture INTERFACE PORT SNAPSHOT passed|dropped FILTER
 *
 * and, as descriptors CAPTURE_STREAM_FD and CAPTURE_LINE_FD, the stream socket that pcapng goes to
 *and the line. It ends when the line's other end is closed.
 */
#ifndef NETD_CAPTURE_LINE_H
#define NETD_CAPTURE_LINE_H

#include <stdint.h>

#define CAPTURE_PASSED "passed"	  /* the packets come from the interface, */
#define CAPTURE_DROPPED "dropped" /* or from netd, which the guard had dropped them for */

enum {
	CAPTURE_STREAM_FD = 3,
	CAPTURE_LINE_FD = 4,
	CAPTURE_SNAPSHOT_MAX = 262144,
	CAPTURE_TEXT_MAX = 256,
};

/* From the process, once: that it captures, or why not. The text is behind it. */
enum capture_word {
	CAPTURE_SAYS_READY = 'r',
	CAPTURE_SAYS_BAD_FILTER = 'f', /* in libpcap's words */
	CAPTURE_SAYS_FAILED = 's',
};

/* From netd: a packet that was dropped; its frame is behind it. */
struct capture_dropped {
	int64_t time;	 /* nanoseconds since 1970 */
	uint64_t lost;	 /* packets before this one for which there was no room */
	char reason[64]; /* NUL-terminated */
};

#endif

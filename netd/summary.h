/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A packet in a line, for a person. */
#ifndef NETD_SUMMARY_H
#define NETD_SUMMARY_H

#include "bridge.h"

enum { SUMMARY_SIZE = 160 };

/* Who sends what to whom, as far as it can be seen; whatever the octets are, the text is printable
 * and one line. Returns buf. */
const char *packet_summary(const struct trap_packet *p, char buf[SUMMARY_SIZE]);

#endif

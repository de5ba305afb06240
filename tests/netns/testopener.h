/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opens a TAP by its name as VMMs do that know no other way. */
#ifndef TESTS_TESTOPENER_H
#define TESTS_TESTOPENER_H

#include <stdbool.h>

enum { OPENER_HEADER = 12 }; /* octets before a frame: struct virtio_net_hdr_v1 */

/* Whether text is VMM=NAME:QUEUES:UID, and not descriptors. */
bool opener_knows(const char *text);
/* Opens the queues into fds, as that user, and returns how many; ends the program when it cannot.
 */
unsigned opener_open(char *text, int *fds, unsigned max);

#endif

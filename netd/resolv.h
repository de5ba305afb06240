/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's name servers, so far as guests can use them. */
#ifndef NETD_RESOLV_H
#define NETD_RESOLV_H

#include <stdint.h>
#include <stdio.h>

/*
 * Collects the IPv4 name servers of a resolv.conf(5) stream, at most `most`, in order; loopback
 * ones are left out: they are a stub that no guest can reach. Returns how many there are.
 */
unsigned resolv_read(FILE *in, uint32_t *ret, unsigned most);

/* From /etc/resolv.conf, or, when that names only a stub, from where systemd-resolved keeps the
 * real ones. */
unsigned resolv_upstreams(uint32_t *ret, unsigned most);

#endif

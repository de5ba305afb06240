/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Settings and routes of the host that are bad for its guests, or for itself because of them. */
#ifndef NETD_HOST_CHECK_H
#define NETD_HOST_CHECK_H

#include "doctor.h"
#include "loop.h"

struct daemon;

enum { HOST_FINDINGS_MAX = 24, HOST_OVERLAPS_MAX = 12, HOST_UPLINKS_MAX = 16, HOST_STILL_MAX = 8 };

/* A route that leads into a network's subnet, and not by its bridge. */
struct host_overlap {
	char network[NAME_SIZE];
	struct ip4_prefix subnet, dst;
	uint32_t gateway;	   /* 0: none */
	char link[LINK_NAME_SIZE]; /* empty: none */
};

struct host_uplink {
	char name[LINK_NAME_SIZE];
	bool still; /* it does not forward, and networks need it */
	int rp_filter;
	int ipv6_forwarding, accept_ra;
	bool ipv6_autoconf; /* it has an address by router advertisement or DHCPv6 */
};

/* What is judged. Sysctls that there are not: 0. */
struct host_settings {
	bool bridges; /* there are networks */
	int nf_call_ip, nf_call_ip6, nf_call_arp;
	int rp_filter; /* of `all` */
	struct host_uplink uplink[HOST_UPLINKS_MAX];
	unsigned uplinks;
	struct {
		char network[NAME_SIZE], bridge[LINK_NAME_SIZE];
	} still[HOST_STILL_MAX]; /* bridges that do not forward, and should */
	unsigned stills;
	struct host_overlap overlap[HOST_OVERLAPS_MAX];
	unsigned overlaps;
};

/* The findings that follow, at most max of them; how many. Without I/O. */
unsigned host_judge(const struct host_settings *s, struct finding *at, unsigned max);

/* Reads the settings as they are now, and judges them. */
unsigned host_check(struct daemon *d, struct finding *at, unsigned max);

/* What was found when it was looked last. */
struct host_look {
	struct loop_timer timer;
	struct finding found[HOST_FINDINGS_MAX];
	unsigned n;
	struct host_overlap overlap[HOST_OVERLAPS_MAX];
	unsigned overlaps;
	bool routes_changed;
	bool before; /* it was looked before */
};

/* Looks, tells of what is new by events, and looks again from time to time. */
void host_look(struct daemon *d);
/* A route has come or gone. */
void host_route(struct daemon *d, const struct rtnl_route *route);
void host_look_done(struct host_look *l);

#endif

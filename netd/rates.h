/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How fast packets may go to a guest, and from it. The theory is in rates.c. */
#ifndef NETD_RATES_H
#define NETD_RATES_H

#include "bridge.h"

struct daemon;
struct port;

/* What was made last of a port's rates. */
struct port_rates {
	bool unknown; /* nothing of it can be relied on */
	bool failed;  /* and that it cannot be made has been told */
	struct rtnl_rate in, out;
	uint32_t ifb; /* the link by which `out` is limited; 0: there is none */
};

/* How fast packets may go to a guest and from it, as it is configured and can be. */
void rates_wanted(const struct daemon *d, const struct port *p, struct rtnl_rate *ret_in,
		  struct rtnl_rate *ret_out);
/* Makes it so for a port that has a device; nothing is done where it is. */
MUST_CHECK int rates_apply(struct daemon *d, struct port *p, struct err *err);
/* The device goes, or has gone. */
void rates_forget(struct daemon *d, struct port *p);
/* Whether a port needs this link, which is gone. */
bool rates_need(struct daemon *d, const struct rtnl_link *link);
/* Somebody has taken a qdisc off a link, and it was of a kind that limits rates. */
void rates_qdisc_gone(struct daemon *d, const struct rtnl_qdisc *q);
/* Whether a link is one of those by which rates are limited. */
bool rates_is_ours(const struct daemon *d, const struct rtnl_link *link);
/* What a list of links says of rates: of all ports' devices, and of all that are ours. Those of
 * ours that no port needs any more go. */
void rates_find(struct daemon *d, const struct rtnl_link *link, size_t links);
/* All ports that have a device. */
void rates_put_right(struct daemon *d);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a reload is made of. Plan, and networks that are made at run time, use the same parts. */
#ifndef NETD_RELOAD_H
#define NETD_RELOAD_H

#include "daemon.h"

/* Files, and networks of the state, as they are now; config_free releases it. */
MUST_CHECK int reload_read(struct daemon *d, struct config **ret, struct refusal *r);

struct reload_check {
	/* For each thing that cannot be: of this network and this key of it (either may be empty).
	 * What it returns is the check's end unless it is 0. */
	int (*refused)(void *arg, const char *network, const char *key, const struct refusal *r);
	void *arg;
	struct ip4_prefix subnet[CONFIG_NETWORKS_MAX]; /* that each network would have; len 0: none
							*/
};

/* Whether all of a configuration can be, as things are. Changes nothing. */
MUST_CHECK int reload_check(struct daemon *d, struct config *c, struct reload_check *check);

/* Whether a network would be taken down and made anew. */
bool reload_replaces(const struct config_network *before, const struct config_network *now);

/*
 * Puts c in the place of the configuration in force, which is released. What the kernel does not
 * let be is a network that is not up. The host follows with the next reconcile().
 */
void reload_apply(struct daemon *d, struct config *c);

/* Fills r, saying who is attached. */
int reload_refuse_in_use(struct daemon *d, const struct network *n, struct refusal *r);

#endif

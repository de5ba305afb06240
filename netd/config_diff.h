/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two configurations compared, key by key. */
#ifndef NETD_CONFIG_DIFF_H
#define NETD_CONFIG_DIFF_H

#include "config.h"

/* Texts are valid during the callback. */
struct config_change {
	const char *network;	  /* empty: of none, or of all */
	const char *block;	  /* within it: "host web1", or empty */
	const char *key;	  /* empty: the whole block, or network, comes or goes */
	const char *before, *now; /* canonical; NULL: it is not there */
};

typedef int (*config_change_fn)(void *arg, const struct config_change *change);

/*
 * Calls fn for all that is not the same in the canonical forms of both, in the order of these. What
 * can be there more than once, such as rules, is one key with all of its values. -ENOMEM, or what
 * fn returned.
 */
MUST_CHECK int config_diff(const struct config *before, const struct config *now,
			   config_change_fn fn, void *arg);

#endif

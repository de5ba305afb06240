/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What config.c, which reads files, and config_blocks.c, which reads their blocks, share. */
#ifndef NETD_CONFIG_READ_H
#define NETD_CONFIG_READ_H

#include <confuse.h>

#include "config_keys.h"
#include "config_text.h"

enum { CONFIG_MARK = '\037' }; /* between the line of a value and its text */

/* One reading of one file. libconfuse's callbacks have no argument of the caller's, hence the one
 * static pointer. */
struct reading {
	struct config *config;
	const char *file;
	struct err *err;
	bool failed;
	struct seen { /* keys that were assigned, and where first */
		cfg_opt_t *opt;
		int line;
	} * seen;
	size_t seens;
	struct config_blocks blocks;
	size_t block; /* how many of them have ended */
};

/* The keys of a section, in `section`; errors say where. */
MUST_CHECK int config_take_keys(struct reading *r, cfg_t *cfg, const struct key *table,
				void *section);
/* All of a file. */
MUST_CHECK int config_take_tree(struct reading *r, cfg_t *cfg);
/* A network with its defaults; NULL: out of memory. */
struct config_network *config_add_network(struct config *c);

#endif

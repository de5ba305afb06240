/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What config.c, which reads files, and config_blocks.c, which reads their blocks, share. */
#ifndef NETD_CONFIG_READ_H
#define NETD_CONFIG_READ_H

#include <confuse.h>

#include "config_keys.h"
#include "config_text.h"

/*
 * libconfuse takes the end of the file for the end of every open block. This key is put behind the
 * text: where it turns up inside a block, that block was not closed.
 */
#define CONFIG_LAST_KEY "end-of-file"

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
	size_t block;			 /* how many of them have ended */
	const struct config_block *made; /* the text is this; NULL: a file's */
};

/* The keys of a section, in `section`; errors say where. */
MUST_CHECK int config_take_keys(struct reading *r, cfg_t *cfg, const struct key *table,
				void *section);
/* All of a file. */
MUST_CHECK int config_take_tree(struct reading *r, cfg_t *cfg);
/* With nothing but defaults; NULL: out of memory. */
struct config *config_new(void);
/* Reads a text, which `file` names in errors. made: it is that block. */
MUST_CHECK int config_read_text(struct config *c, const char *file, const char *text,
				const struct config_block *made, struct err *err);
/* The network `default`, where there is no file. */
MUST_CHECK int config_add_builtin(struct config *c, struct err *err);
/* Checks what concerns more than one key, when all is read. */
MUST_CHECK int config_finish(struct config *c, struct err *err);
/* A sentence can quote what was written, and that can be anything. */
void config_one_line(struct err *err);
/* A network with its defaults; NULL: out of memory. */
struct config_network *config_add_network(struct config *c);

#endif

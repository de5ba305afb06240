/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What libconfuse does not tell of a configuration's text: where its comments and blocks are. */
#ifndef NETD_CONFIG_TEXT_H
#define NETD_CONFIG_TEXT_H

#include <stddef.h>

#include "base/err.h"

/* The lines in which blocks begin, in the order in which they end. */
struct config_blocks {
	int *line;
	size_t n;
};

/* Blanks the comments of a text in place, and collects its blocks; config_blocks_done releases
 * them. -ENOMEM. */
MUST_CHECK int config_text_prepare(char *text, struct config_blocks *ret);
void config_blocks_done(struct config_blocks *b);

#endif

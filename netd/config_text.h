/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What libconfuse does not tell of a configuration's text, and cannot read of it: where its
 * comments and blocks are, and rules. */
#ifndef NETD_CONFIG_TEXT_H
#define NETD_CONFIG_TEXT_H

#include <stddef.h>

#include "base/err.h"

/* The lines in which blocks begin, in the order in which they end. */
struct config_blocks {
	int *line;
	size_t n;
	/* Of the words of each rule, from the brace that opens to the one that closes it. */
	struct config_span {
		size_t open, close;
	} * rule;
	size_t rules;
	int open_rule; /* line of one that is not closed; 0: there is none */
};

/* Blanks the comments of a text in place, and collects its blocks; config_blocks_done releases
 * them. -ENOMEM. */
MUST_CHECK int config_text_prepare(char *text, struct config_blocks *ret);
/*
 * The text with each `rule { words }` as `rule+='words'`, which libconfuse reads as one more value
 * of a list; the lines that the words took follow them, so that they all stand in that of the
 * opening brace. Room for `more` characters is left behind it. The caller's; NULL: out of memory.
 */
char *config_text_quote(const char *text, const struct config_blocks *b, size_t more);
void config_blocks_done(struct config_blocks *b);

#endif

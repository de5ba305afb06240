/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libconfuse 3.3 counts a comment as two or three lines (src/lexer.l: qput, qend), and knows of a
 * block only the line in which it ends. Since every error has to name the right line, comments are
 * turned into spaces before it reads the text, and the first lines of blocks are collected. Quotes
 * and words are told apart as its lexer does; what is wrong with them is left for it to say.
 */
#include <stdbool.h>
#include <stdlib.h>

#include "config_text.h"

enum { DEPTH = 8 }; /* libconfuse refuses to go so deep: no block of ours contains itself */

struct scan {
	int line;
	bool assigned;	 /* the last token was an equal sign: a brace begins a list */
	int open[DEPTH]; /* lines of the blocks that are open; 0: a list */
	unsigned depth;
	struct config_blocks *blocks;
};

/* Of a text in quotes, and to the end of all where it is not closed. */
static size_t quoted_length(const char *at)
{
	size_t n = 1;

	while (at[n] && at[n] != *at)
		n += at[n] == '\\' && at[n + 1] ? 2 : 1;
	return at[n] ? n + 1 : n;
}

/* 0 where no comment begins, or one that does not end. */
static size_t comment_length(const char *at)
{
	const char *end;

	if (*at == '#' || !strncmp(at, "//", 2))
		return strcspn(at, "\n");
	end = strncmp(at, "/*", 2) ? NULL : strstr(at + 2, "*/");
	return end ? (size_t)(end + 2 - at) : 0;
}

static int close_brace(struct scan *s)
{
	struct config_blocks *b = s->blocks;
	int *grown, line = 0;

	if (s->depth && --s->depth < DEPTH)
		line = s->open[s->depth];
	if (!line)
		return 0;
	grown = realloc(b->line, (b->n + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	b->line = grown;
	b->line[b->n++] = line;
	return 0;
}

static int take_mark(struct scan *s, char c)
{
	if (c == '{') {
		if (s->depth < DEPTH)
			s->open[s->depth] = s->assigned ? 0 : s->line;
		s->depth++;
	}
	if (strchr("{}(),=", c))
		s->assigned = c == '=';
	return c == '}' ? close_brace(s) : 0;
}

/* One token, comment or space from `at` on; its length in *ret. */
static int take_token(struct scan *s, char *at, size_t *ret)
{
	size_t comment = comment_length(at), word = strcspn(at, " #\"'\t\n\r={}()+,*");

	*ret = 1;
	if (comment) {
		*ret = comment;
		for (size_t i = 0; i < comment; i++)
			if (at[i] != '\n')
				at[i] = ' ';
	} else if (*at == '"' || *at == '\'' || word) {
		*ret = word ? word : quoted_length(at);
		s->assigned = false;
	} else {
		return take_mark(s, *at);
	}
	return 0;
}

int config_text_prepare(char *text, struct config_blocks *ret)
{
	struct scan s = { .line = 1, .blocks = ret };
	size_t n;

	*ret = (struct config_blocks){ 0 };
	for (char *at = text; *at; at += n) {
		if (take_token(&s, at, &n)) {
			config_blocks_done(ret);
			return -ENOMEM;
		}
		for (size_t i = 0; i < n; i++)
			s.line += at[i] == '\n';
	}
	return 0;
}

void config_blocks_done(struct config_blocks *b)
{
	free(b->line);
	*b = (struct config_blocks){ 0 };
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libconfuse 3.3 counts a comment as two or three lines (src/lexer.l: qput, qend), and knows of a
 * block only the line in which it ends. Since every error has to name the right line, comments are
 * turned into spaces before it reads the text, and the first lines of blocks are collected. Quotes
 * and words are told apart as its lexer does; what is wrong with them is left for it to say.
 *
 * It has no block of mere words either, so the words of a rule become a text in quotes.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "config_text.h"

enum { DEPTH = 8 }; /* libconfuse refuses to go so deep: no block of ours contains itself */

struct scan {
	int line;
	bool assigned;	/* the last token was an equal sign: a brace begins a list */
	unsigned words; /* since the last mark or value: a key, then its title */
	bool rule;	/* the only one of them is `rule` */
	char *text;
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

/* What is between the braces is taken as it is, but for comments. */
static int take_rule(struct scan *s, char *at, size_t *ret)
{
	struct config_blocks *b = s->blocks;
	struct config_span *grown = realloc(b->rule, (b->rules + 1) * sizeof(*grown));
	size_t n = 1;

	if (!grown)
		return -ENOMEM;
	b->rule = grown;
	while (at[n] && at[n] != '}') {
		size_t comment = comment_length(at + n);

		for (size_t i = 0; i < comment; i++)
			if (at[n + i] != '\n')
				at[n + i] = ' ';
		n += comment ? comment : 1;
	}
	if (!at[n]) {
		b->open_rule = s->line;
	} else {
		size_t open = (size_t)(at - s->text);

		b->rule[b->rules++] = (struct config_span){ open, open + n };
		n++;
	}
	*ret = n;
	s->words = 0;
	return 0;
}

static int take_mark(struct scan *s, char c)
{
	if (c == '{') {
		if (s->depth < DEPTH)
			s->open[s->depth] = s->assigned ? 0 : s->line;
		s->depth++;
	}
	if (strchr("{}(),=+", c)) {
		s->assigned = c == '=';
		s->words = 0;
	}
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
		s->words = s->assigned ? 0 : s->words + 1;
		s->rule = word == strlen("rule") && !strncmp(at, "rule", word);
		s->assigned = false;
	} else if (*at == '{' && s->words == 1 && s->rule) {
		return take_rule(s, at, ret);
	} else {
		return take_mark(s, *at);
	}
	return 0;
}

int config_text_prepare(char *text, struct config_blocks *ret)
{
	struct scan s = { .line = 1, .text = text, .blocks = ret };
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

/* The words in quotes, then their lines; returns its end. */
static char *quote(char *to, const char *text, size_t n)
{
	unsigned lines = 0;

	*to++ = '+';
	*to++ = '=';
	*to++ = '\'';
	for (size_t i = 0; i < n; i++) {
		if (text[i] == '\'' || text[i] == '\\')
			*to++ = '\\';
		lines += text[i] == '\n';
		*to++ = text[i] == '\n' ? ' ' : text[i];
	}
	*to++ = '\'';
	while (lines--)
		*to++ = '\n';
	return to;
}

char *config_text_quote(const char *text, const struct config_blocks *b, size_t more)
{
	size_t len = strlen(text), from = 0;
	/* Each character of a rule can become two, or leave its line behind. */
	char *made = malloc(2 * len + 4 * b->rules + more + 1), *to = made;

	if (!made)
		return NULL;
	for (size_t i = 0; i < b->rules; i++) {
		size_t open = b->rule[i].open, close = b->rule[i].close;

		memcpy(to, text + from, open - from);
		to = quote(to + (open - from), text + open + 1, close - open - 1);
		from = close + 1;
	}
	memcpy(to, text + from, len - from + 1);
	return made;
}

void config_blocks_done(struct config_blocks *b)
{
	free(b->line);
	free(b->rule);
	*b = (struct config_blocks){ 0 };
}

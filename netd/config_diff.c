/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two configurations compared. Their canonical forms are: one line a key, blocks within braces on
 * lines of their own. So this knows nothing of what keys there are. Pure.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config_diff.h"

/* A key, or a block with what is in it. */
struct node {
	const char *name, *value; /* value NULL: a block that has a name */
	struct node *first, *last, *next, *parent;
};

struct tree {
	char *text; /* what the nodes point to */
	struct node *node;
	size_t nodes;
	struct node root;
};

static void tree_done(struct tree *t)
{
	free(t->text);
	free(t->node);
}

/* --- reading --- */

static struct node *add(struct tree *t, struct node *parent, const char *name, const char *value)
{
	struct node *n = &t->node[t->nodes++];

	*n = (struct node){ .name = name, .value = value, .parent = parent };
	if (parent->last)
		parent->last->next = n;
	else
		parent->first = n;
	parent->last = n;
	return n;
}

/* "key = value", or "option x { … }" and "rule { … }", which are one line as well. */
static void add_key(struct tree *t, struct node *parent, char *line)
{
	char *equals = strstr(line, " = "), *brace = strstr(line, " {");
	char *end = equals && (!brace || equals < brace) ? equals : brace;

	if (!end) {
		add(t, parent, line, "");
		return;
	}
	*end = 0;
	add(t, parent, line, end == equals ? end + 3 : end + 1);
}

static bool opens(const char *line)
{
	size_t len = strlen(line);

	return len > 2 && !strcmp(line + len - 2, " {");
}

/* The line that closes the block whose first line begins at `at`; NULL: none does. */
static char *find_close(char *at)
{
	for (unsigned depth = 1; *at;) {
		char *line = at + strspn(at, "\t"), *end = strchr(at, '\n');

		if (!end)
			return NULL;
		if (*line == '}' && line + 1 == end && --depth == 0)
			return line;
		if (end - line > 2 && !strncmp(end - 2, " {", 2))
			depth++;
		at = end + 1;
	}
	return NULL;
}

/*
 * A block without a name, such as `publish`, is a key whose value is all that is in it, since there
 * can be several. The value is put together in place: lines become blanks. Returns what follows.
 */
static char *add_nameless(struct tree *t, struct node *parent, char *name, char *brace, char *next)
{
	char *end = next ? find_close(next) : NULL, *to = brace + 1;
	bool blank = false;

	brace[-1] = 0;
	if (!end)
		return next;
	for (const char *from = brace + 1; from < end; from++) {
		if (!*from || *from == '\n' || *from == '\t') {
			blank = true;
			continue;
		}
		if (blank)
			*to++ = ' ';
		blank = false;
		*to++ = *from;
	}
	memcpy(to, " }", 3);
	add(t, parent, name, brace);
	return end + 2;
}

static void take_lines(struct tree *t)
{
	struct node *at = &t->root;

	for (char *line = t->text, *next; line && *line; line = next) {
		char *end = strchr(line, '\n');

		next = end ? end + 1 : NULL;
		if (end)
			*end = 0;
		line += strspn(line, "\t");
		if (!strcmp(line, "}")) {
			at = at->parent ? at->parent : at;
		} else if (!opens(line)) {
			add_key(t, at, line);
		} else if (at == &t->root || strchr(line, ' ') != line + strlen(line) - 2) {
			line[strlen(line) - 2] = 0;
			at = add(t, at, line, NULL);
		} else {
			next = add_nameless(t, at, line, line + strlen(line) - 1, next);
		}
	}
}

static int tree_read(struct tree *t, const struct config *c)
{
	size_t len, lines = 1;
	FILE *out = open_memstream(&t->text, &len);

	if (!out)
		return -ENOMEM;
	config_print(c, out);
	if (fclose(out))
		return -ENOMEM;
	for (const char *s = t->text; *s; s++)
		lines += *s == '\n';
	t->node = calloc(lines, sizeof(*t->node));
	if (!t->node)
		return -ENOMEM;
	take_lines(t);
	return 0;
}

/* --- comparing --- */

static const struct node *find(const struct node *first, const char *name)
{
	for (const struct node *n = first; n; n = n->next)
		if (!strcmp(n->name, name))
			return n;
	return NULL;
}

static void write_node(const struct node *n, FILE *out)
{
	if (n->value) {
		fputs(n->value, out);
		return;
	}
	fputs("{", out);
	for (const struct node *child = n->first; child; child = child->next) {
		fprintf(out, " %s%s", child->name,
			child->value && *child->value == '{' ? " " :
			child->value			     ? " = " :
							       " ");
		write_node(child, out);
	}
	fputs(" }", out);
}

static bool has_value(const struct node *n, const struct node *like)
{
	for (n = find(n, like->name); n; n = find(n->next, like->name))
		if (n->value && like->value && !strcmp(n->value, like->value))
			return true;
	return false;
}

/* All of that name among n and what follows it, but for what is also among `but`; *ret stays NULL
 * where there is none at all. */
static int values(const struct node *n, const char *name, const struct node *but, char **ret)
{
	const char *between = "";
	size_t len;
	FILE *out;

	n = find(n, name);
	if (!n)
		return 0;
	out = open_memstream(ret, &len);
	if (!out)
		return -ENOMEM;
	for (; n; n = find(n->next, name)) {
		if (has_value(but, n))
			continue;
		fputs(between, out);
		between = " ";
		write_node(n, out);
	}
	return fclose(out) ? -ENOMEM : 0;
}

/* The values that only one of both has; all, where they differ in their order alone. */
static int different(const struct node *a, const struct node *b, const char *name, char **ret_a,
		     char **ret_b)
{
	if (values(a, name, b, ret_a) || values(b, name, a, ret_b))
		return -ENOMEM;
	if (!*ret_a || !*ret_b || **ret_a || **ret_b)
		return 0;
	free(take_ptr(*ret_a));
	free(take_ptr(*ret_b));
	return values(a, name, NULL, ret_a) || values(b, name, NULL, ret_b) ? -ENOMEM : 0;
}

/* What there is nothing of is not there. */
static const char *or_null(const char *text)
{
	return text && *text ? text : NULL;
}

struct diff {
	config_change_fn fn;
	void *arg;
};

/* What stands in both, or in one, by this name. */
static int compare_name(const struct diff *d, struct config_change where, const struct node *a,
			const struct node *b, const char *name)
{
	CLEAN_FREE char *before = NULL, *now = NULL;
	const struct node *any = find(a, name) ? find(a, name) : find(b, name);

	if (different(a, b, name, &before, &now))
		return -ENOMEM;
	if (before && now && !strcmp(before, now))
		return 0;
	where.before = or_null(before);
	where.now = or_null(now);
	if (any->value)
		where.key = name;
	else
		where.block = name;
	return d->fn(d->arg, &where);
}

static int compare(const struct diff *d, struct config_change where, const struct node *a,
		   const struct node *b);

static int compare_network(const struct diff *d, struct config_change where, const struct node *a,
			   const struct node *b, const char *name)
{
	const struct node *before = find(a, name), *now = find(b, name);

	where.network = name + strlen("network ");
	if (before && now)
		return compare(d, where, before->first, now->first);
	where.before = before ? "" : NULL;
	where.now = now ? "" : NULL;
	return d->fn(d->arg, &where);
}

static int compare_one(const struct diff *d, struct config_change where, const struct node *a,
		       const struct node *b, const char *name)
{
	const struct node *before = find(a, name), *now = find(b, name);

	if (!*where.network && !strncmp(name, "network ", strlen("network ")))
		return compare_network(d, where, a, b, name);
	if (!before || !now || before->value || now->value || *where.block)
		return compare_name(d, where, a, b, name);
	where.block = name;
	return compare(d, where, before->first, now->first);
}

/* Those of b in its order, and then what only a has; each name once. */
static int compare(const struct diff *d, struct config_change where, const struct node *a,
		   const struct node *b)
{
	int rc = 0;

	for (const struct node *n = b; n && !rc; n = n->next)
		if (find(b, n->name) == n)
			rc = compare_one(d, where, a, b, n->name);
	for (const struct node *n = a; n && !rc; n = n->next)
		if (find(a, n->name) == n && !find(b, n->name))
			rc = compare_one(d, where, a, b, n->name);
	return rc;
}

int config_diff(const struct config *before, const struct config *now, config_change_fn fn,
		void *arg)
{
	struct tree a = { 0 }, b = { 0 };
	const struct diff d = { fn, arg };
	const struct config_change where = { "", "", "", NULL, NULL };

	int rc = tree_read(&a, before) || tree_read(&b, now) ?
			 -ENOMEM :
			 compare(&d, where, a.root.first, b.root.first);

	tree_done(&a);
	tree_done(&b);
	return rc;
}

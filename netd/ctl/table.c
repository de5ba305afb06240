/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Output for people: aligned columns, and times relative to now. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "ctl.h"

struct ctl_table {
	unsigned columns;
	char **cell;
	size_t cells, cap;
};

struct ctl_table *ctl_table_new(const char *const *headings, unsigned columns)
{
	struct ctl_table *t = calloc(1, sizeof(*t));

	if (!t)
		ctl_fail("out of memory");
	t->columns = columns;
	for (unsigned i = 0; i < columns; i++)
		ctl_table_add(t, headings[i]);
	return t;
}

void ctl_table_add(struct ctl_table *t, const char *text)
{
	if (t->cells == t->cap) {
		t->cap = t->cap ? 2 * t->cap : 64;
		t->cell = realloc(t->cell, t->cap * sizeof(*t->cell));
		if (!t->cell)
			ctl_fail("out of memory");
	}
	t->cell[t->cells] = strdup(text && *text ? text : "-");
	if (!t->cell[t->cells++])
		ctl_fail("out of memory");
}

static int width(const struct ctl_table *t, unsigned column)
{
	size_t most = 0;

	for (size_t i = column; i < t->cells; i += t->columns)
		if (strlen(t->cell[i]) > most)
			most = strlen(t->cell[i]);
	return (int)most;
}

void ctl_table_print_and_free(struct ctl_table *t)
{
	for (size_t i = 0; i < t->cells; i++) {
		unsigned column = (unsigned)(i % t->columns);

		if (column == t->columns - 1)
			printf("%s\n", t->cell[i]);
		else
			printf("%-*s  ", width(t, column), t->cell[i]);
	}
	for (size_t i = 0; i < t->cells; i++)
		free(t->cell[i]);
	free(t->cell);
	free(t);
}

const char *ctl_when(const json_t *seconds, char buf[32])
{
	static const struct {
		char letter;
		long seconds;
	} units[] = { { 'd', 86400 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 } };
	long left = json_is_integer(seconds) ? (long)(json_integer_value(seconds) - time(NULL)) : 0;
	long size = labs(left);
	size_t i = 0;

	if (!json_is_integer(seconds)) {
		snprintf(buf, 32, "never");
		return buf;
	}
	while (i < ARRAY_SIZE(units) - 1 && size < 2 * units[i].seconds)
		i++;
	snprintf(buf, 32, left < 0 ? "%ld%c ago" : "in %ld%c", size / units[i].seconds,
		 units[i].letter);
	return buf;
}

void ctl_print_json(const json_t *v)
{
	json_dumpf(v, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	putchar('\n');
}

const char *ctl_text(const json_t *o, const char *key)
{
	const char *v = json_string_value(json_object_get(o, key));

	return v ? v : "";
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state's table of networks that were made at run time. */
#include "store_db.h"

int store_network_put(struct store *s, const struct store_network *n, struct ticket *ret,
		      struct err *err)
{
	CLEAN_STATEMENT sqlite3_stmt *st = NULL;
	int rc = store_get_change(s, NETWORK_PUT, &st, err);

	if (rc)
		return rc;
	bind_text(st, 1, n->name);
	sqlite3_bind_int64(st, 2, n->owner);
	sqlite3_bind_int64(st, 3, n->created);
	bind_text(st, 4, n->configuration);
	return store_finish(s, st, ret, err);
}

static int del(struct store *s, enum store_statement which, const char *name, struct ticket *ret,
	       struct err *err)
{
	CLEAN_STATEMENT sqlite3_stmt *st = NULL;
	int rc = store_get_change(s, which, &st, err);

	if (rc)
		return rc;
	bind_text(st, 1, name);
	return store_finish(s, st, ret, err);
}

/* Several tables, so a savepoint. */
int store_network_del(struct store *s, const char *name, struct ticket *ret, struct err *err)
{
	static const enum store_statement tables[] = { NETWORK_ALLOCATIONS_DEL, NETWORK_LEASES_DEL,
						       NETWORK_SUBNET_DEL, NETWORK_DEL };
	CLEAN_STATEMENT sqlite3_stmt *savepoint = NULL;
	int rc = store_get_change(s, SAVEPOINT, &savepoint, err);

	if (!rc)
		rc = store_finish(s, savepoint, NULL, err);
	if (rc)
		return rc;
	for (size_t i = 0; i < ARRAY_SIZE(tables) && !rc; i++)
		rc = del(s, tables[i], name, ret, err);
	if (rc && s->open)
		store_run(s, ROLLBACK_TO, NULL);
	if (s->open)
		store_run(s, RELEASE, NULL);
	return rc;
}

static bool read_row(sqlite3_stmt *st, struct store_network *n)
{
	const char *name = (const char *)sqlite3_column_text(st, 0);

	*n = (struct store_network){ .owner = (uint32_t)sqlite3_column_int64(st, 1),
				     .created = sqlite3_column_int64(st, 2),
				     .configuration = (const char *)sqlite3_column_text(st, 3) };
	if (!name || bridge_name_refusal(name) || !n->configuration)
		return false;
	snprintf(n->name, sizeof(n->name), "%s", name);
	return true;
}

int store_network_list(struct store *s, store_network_fn fn, void *arg, struct err *err)
{
	CLEAN_STATEMENT sqlite3_stmt *st = NULL;
	int rc = store_get(s, NETWORK_LIST, &st, err), step;

	if (rc)
		return rc;
	while ((step = sqlite3_step(st)) == SQLITE_ROW) {
		struct store_network n;

		if (!read_row(st, &n))
			return err_set(err, EBADMSG,
				       "state %s: it is damaged: a row of table network cannot be "
				       "understood",
				       s->path);
		rc = fn(arg, &n);
		if (rc)
			return rc;
	}
	return step == SQLITE_DONE ? 0 : store_fail(s, err);
}

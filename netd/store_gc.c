/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of the state that may be left over: which there are, and away with them. */
#include "store_db.h"

int store_rows_list(struct store *s, store_rows_fn fn, void *arg, struct err *err)
{
	CLEAN_STATEMENT sqlite3_stmt *st = NULL;
	int rc = store_get(s, ROWS_LIST, &st, err), step = SQLITE_DONE;

	while (!rc && (step = sqlite3_step(st)) == SQLITE_ROW) {
		struct store_rows rows = { .network = (const char *)sqlite3_column_text(st, 0),
					   .allocations = (uint32_t)sqlite3_column_int64(st, 1),
					   .leases = (uint32_t)sqlite3_column_int64(st, 2) };

		/* A name that is too long is none of ours. */
		if (rows.network && strlen(rows.network) < NAME_SIZE)
			rc = fn(arg, &rows);
	}
	if (rc)
		return rc;
	return step == SQLITE_DONE ? 0 : store_fail(s, err);
}

int store_rested_count(struct store *s, int64_t now, uint32_t *ret, struct err *err)
{
	CLEAN_STATEMENT sqlite3_stmt *st = NULL;
	int rc = store_get(s, RESTED_COUNT, &st, err);

	if (rc)
		return rc;
	sqlite3_bind_int64(st, 1, now);
	if (sqlite3_step(st) != SQLITE_ROW)
		return store_fail(s, err);
	*ret = (uint32_t)sqlite3_column_int64(st, 0);
	return 0;
}

int store_rested_del(struct store *s, int64_t now, struct ticket *ret, struct err *err)
{
	CLEAN_STATEMENT sqlite3_stmt *st = NULL;
	int rc = store_get_change(s, REST_EXPIRE, &st, err);

	if (rc)
		return rc;
	sqlite3_bind_int64(st, 1, now);
	return store_finish(s, st, ret, err);
}

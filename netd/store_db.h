/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What store.c, which has the database, and store_*.c, which have its tables, share. */
#ifndef NETD_STORE_DB_H
#define NETD_STORE_DB_H

#include <sqlite3.h>

#include "base/cleanup.h"
#include "store.h"

enum { BOOT_ID_SIZE = 40 };

enum store_statement {
	BEGIN,
	COMMIT,
	ROLLBACK,
	SAVEPOINT,
	RELEASE,
	ROLLBACK_TO,
	ALLOCATION_PUT,
	ALLOCATION_DEL,
	ALLOCATION_LIST,
	ADDRESS_PUT,
	ADDRESS_DEL,
	REST_PUT,
	REST_GET,
	REST_EXPIRE,
	LEASE_PUT,
	LEASE_RENEW,
	LEASE_WALL,
	LEASE_END,
	LEASE_DEL,
	LEASE_DEL_PORT,
	LEASE_LIST,
	SUBNET_GET,
	SUBNET_PUT,
	FORWARDING_LIST,
	FORWARDING_PUT,
	FORWARDING_DEL,
	JOINED_LIST,
	JOINED_PUT,
	JOINED_DEL,
	SECRET_GET,
	SECRET_PUT,
	PUBLISHED_PUT,
	PUBLISHED_DEL,
	PUBLISHED_LIST,
	NETWORK_PUT,
	NETWORK_DEL,
	NETWORK_LIST,
	NETWORK_ALLOCATIONS_DEL,
	NETWORK_LEASES_DEL,
	NETWORK_SUBNET_DEL,
	ROWS_LIST,
	RESTED_COUNT,
	UPLINK_LIST,
	UPLINK_PUT,
	UPLINK_DEL,
	UNPLUGGED_PUT,
	UNPLUGGED_DEL,
	STATEMENTS
};

extern const char *const store_sql[STATEMENTS];

struct store {
	sqlite3 *db;
	char *path;
	char boot[BOOT_ID_SIZE];
	sqlite3_stmt *st[STATEMENTS];
	uint64_t turn;
	bool open;	/* a transaction is under way */
	int broken;	/* -errno: it was lost, and nothing of this turn will be stored */
	struct err why; /* while it is broken */
};

/* SQLite's error as one of ours. */
int store_fail(struct store *s, struct err *err);

/* A prepared statement, ready to bind. With CLEAN_STATEMENT it is reset when its variable goes out
 * of scope. */
int store_get(struct store *s, enum store_statement which, sqlite3_stmt **ret, struct err *err);
/* The same for one that changes something: opens the turn's transaction first. */
int store_get_change(struct store *s, enum store_statement which, sqlite3_stmt **ret,
		     struct err *err);
/* Runs it to its end. */
int store_finish(struct store *s, sqlite3_stmt *st, struct ticket *ret, struct err *err);
/* Gets and runs one without parameters. */
int store_run(struct store *s, enum store_statement which, struct err *err);

static inline void store_reset(sqlite3_stmt **st)
{
	if (*st) {
		sqlite3_reset(*st);
		sqlite3_clear_bindings(*st);
	}
}

#define CLEAN_STATEMENT CLEANUP(store_reset)

/* The text has to stay until the statement is reset. */
static inline void bind_text(sqlite3_stmt *st, int at, const char *text)
{
	sqlite3_bind_text(st, at, text, -1, SQLITE_STATIC);
}

#endif

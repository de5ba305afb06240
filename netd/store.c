/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state in SQLite: write-ahead log, synchronous=FULL, one transaction a turn. The constraints
 * of the schema are the last check of every address and MAC, whatever the tables in memory say.
 *
 * The database is locked for as long as it is open: two daemons on one state would promise the same
 * address twice. Times are kept twice, as wall clock for after a reboot, and as CLOCK_BOOTTIME with
 * the boot's id, which nobody can set back, for a restart of the daemon.
 *
 * A lease of many changes one page of its table, which is in the log first: that is moved into the
 * database only when it is 16 MB long, by when most pages have changed more than once.
 */
#include <sys/stat.h>

#include "store_db.h"

enum { SCHEMA_VERSION = 4, APPLICATION_ID = 0x6e657464 /* "netd" */ };

static const char schema_1[] =
	"CREATE TABLE allocation ("
	" network TEXT NOT NULL, guest TEXT NOT NULL, nic INTEGER NOT NULL,"
	" mac TEXT NOT NULL, mac_given INTEGER NOT NULL, generation INTEGER NOT NULL,"
	" owner INTEGER NOT NULL, queues INTEGER NOT NULL, vhost INTEGER NOT NULL,"
	" created INTEGER NOT NULL,"
	" PRIMARY KEY (network, guest, nic), UNIQUE (network, mac)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE address ("
	" network TEXT NOT NULL, address TEXT NOT NULL,"
	" guest TEXT NOT NULL, nic INTEGER NOT NULL, given INTEGER NOT NULL,"
	" PRIMARY KEY (network, address),"
	" FOREIGN KEY (network, guest, nic) REFERENCES allocation ON DELETE CASCADE)"
	" STRICT, WITHOUT ROWID;"
	"CREATE INDEX address_of ON address (network, guest, nic);"
	"CREATE TABLE lease ("
	" network TEXT NOT NULL, address TEXT NOT NULL, mac TEXT NOT NULL,"
	" client_id BLOB, hostname TEXT, guest TEXT NOT NULL, nic INTEGER NOT NULL,"
	" state TEXT NOT NULL, seconds INTEGER NOT NULL,"
	" started_wall INTEGER NOT NULL, expires_wall INTEGER NOT NULL,"
	" started INTEGER NOT NULL, expires INTEGER NOT NULL, boot TEXT NOT NULL,"
	" PRIMARY KEY (network, address)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX lease_of ON lease (network, guest, nic);"
	"CREATE TABLE resting_mac ("
	" mac TEXT PRIMARY KEY, guest TEXT NOT NULL, nic INTEGER NOT NULL,"
	" until INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE TABLE subnet (network TEXT PRIMARY KEY, prefix TEXT NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE TABLE forwarding (link TEXT PRIMARY KEY, boot TEXT NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE TABLE secret (id INTEGER PRIMARY KEY CHECK (id = 1), key BLOB NOT NULL) STRICT;";

/* What makes version i + 1 of version i; 0 is an empty database. */
static const char *const schema[SCHEMA_VERSION] = {
	schema_1,
	"CREATE TABLE joined (link TEXT PRIMARY KEY, boot TEXT NOT NULL, up INTEGER NOT NULL)"
	" STRICT, WITHOUT ROWID;"
	"DROP INDEX lease_of;"
	"CREATE INDEX lease_of ON lease (network, guest, nic) WHERE guest <> '';",
	"CREATE TABLE published ("
	" protocol TEXT NOT NULL, address TEXT NOT NULL, port INTEGER NOT NULL,"
	" count INTEGER NOT NULL, guest_port INTEGER NOT NULL,"
	" network TEXT NOT NULL, guest TEXT NOT NULL, nic INTEGER NOT NULL,"
	" PRIMARY KEY (protocol, address, port),"
	" FOREIGN KEY (network, guest, nic) REFERENCES allocation ON DELETE CASCADE)"
	" STRICT, WITHOUT ROWID;"
	"CREATE INDEX published_of ON published (network, guest, nic);",
	"ALTER TABLE allocation ADD COLUMN device TEXT NOT NULL DEFAULT 'descriptors';"
	"ALTER TABLE allocation ADD COLUMN user INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE allocation ADD COLUMN inside TEXT NOT NULL DEFAULT '';"
	"CREATE TABLE network ("
	" name TEXT PRIMARY KEY, owner INTEGER NOT NULL, created INTEGER NOT NULL,"
	" configuration TEXT NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE TABLE uplink ("
	" link TEXT PRIMARY KEY, network TEXT NOT NULL, boot TEXT NOT NULL, had TEXT NOT NULL)"
	" STRICT, WITHOUT ROWID;"
	"CREATE TABLE unplugged ("
	" network TEXT NOT NULL, guest TEXT NOT NULL, nic INTEGER NOT NULL,"
	" PRIMARY KEY (network, guest, nic),"
	" FOREIGN KEY (network, guest, nic) REFERENCES allocation ON DELETE CASCADE)"
	" STRICT, WITHOUT ROWID;",
};

static int describe_failure(struct store *s, struct err *err)
{
	int code = sqlite3_errcode(s->db), extended = sqlite3_extended_errcode(s->db);
	int system = sqlite3_system_errno(s->db);
	const char *words = sqlite3_errmsg(s->db);

	if (code == SQLITE_CONSTRAINT)
		return err_set(err, EEXIST, "state %s: %s", s->path, words);
	if (code == SQLITE_FULL)
		return err_set(err, ENOSPC, "state %s: %s", s->path, words);
	if (code == SQLITE_BUSY)
		return err_set(err, EBUSY, "state %s: another process uses it", s->path);
	if (code == SQLITE_IOERR && system)
		return err_set(err, EIO, "state %s: %s: %s", s->path, words, strerror(system));
	if (code == SQLITE_CANTOPEN && system)
		return err_set(err, system, "state %s: %s: %s", s->path, words, strerror(system));
	return err_set(err, code == SQLITE_READONLY ? EROFS : EIO, "state %s: %s (%d)", s->path,
		       words, extended);
}

int store_fail(struct store *s, struct err *err)
{
	struct err why;
	int rc = describe_failure(s, &why);

	/*
	 * Some errors, a full disk among them, end the transaction
	 * (https://sqlite.org/lang_transaction.html).
	 */
	if (s->open && sqlite3_get_autocommit(s->db)) {
		s->open = false;
		s->broken = rc;
		s->why = why;
	}
	return err_set(err, -rc, "%s", why.text);
}

/* --- statements --- */

int store_get(struct store *s, enum store_statement which, sqlite3_stmt **ret, struct err *err)
{
	if (!s->st[which] &&
	    sqlite3_prepare_v3(s->db, store_sql[which], -1, SQLITE_PREPARE_PERSISTENT,
			       &s->st[which], NULL) != SQLITE_OK)
		return store_fail(s, err);
	*ret = s->st[which];
	return 0;
}

int store_run(struct store *s, enum store_statement which, struct err *err)
{
	CLEAN_STATEMENT sqlite3_stmt *st = NULL;
	int rc = store_get(s, which, &st, err);

	if (rc)
		return rc;
	return sqlite3_step(st) == SQLITE_DONE ? 0 : store_fail(s, err);
}

/* Opens the turn's transaction when it is not. A turn that could not begin is lost like any other.
 */
static int begin(struct store *s, struct err *err)
{
	if (!s->open && !s->broken) {
		s->broken = store_run(s, BEGIN, &s->why);
		s->open = !s->broken;
	}
	return s->broken ? err_set(err, -s->broken, "%s", s->why.text) : 0;
}

int store_get_change(struct store *s, enum store_statement which, sqlite3_stmt **ret,
		     struct err *err)
{
	int rc = begin(s, err);

	return rc ? rc : store_get(s, which, ret, err);
}

int store_finish(struct store *s, sqlite3_stmt *st, struct ticket *ret, struct err *err)
{
	if (sqlite3_step(st) != SQLITE_DONE)
		return store_fail(s, err);
	if (ret)
		*ret = store_ticket(s);
	return 0;
}

/* --- opening --- */

static int read_boot_id(char boot[BOOT_ID_SIZE], struct err *err)
{
	CLEAN_FILE FILE *in = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (!in || !fgets(boot, BOOT_ID_SIZE, in))
		return err_sys(err, errno, "/proc/sys/kernel/random/boot_id");
	boot[strcspn(boot, "\n")] = 0;
	return 0;
}

static int pragma(struct store *s, const char *text, sqlite3_int64 *ret, struct err *err)
{
	sqlite3_stmt *st = NULL;
	int rc = 0, step;

	if (sqlite3_prepare_v2(s->db, text, -1, &st, NULL) != SQLITE_OK)
		return store_fail(s, err);
	step = sqlite3_step(st);
	if (step == SQLITE_ROW && ret)
		*ret = sqlite3_column_int64(st, 0);
	else if (step != SQLITE_ROW && step != SQLITE_DONE)
		rc = store_fail(s, err);
	sqlite3_finalize(st);
	return rc;
}

/*
 * Not quick_check: every MAC and address is in an index as well as in its table, and only the whole
 * check compares the two, so that a bit that was flipped in one of them is seen.
 */
static int check_integrity(struct store *s, struct err *err)
{
	sqlite3_stmt *st = NULL;
	int rc = 0;

	if (sqlite3_prepare_v2(s->db, "PRAGMA integrity_check(1)", -1, &st, NULL) != SQLITE_OK)
		return store_fail(s, err);
	if (sqlite3_step(st) != SQLITE_ROW)
		rc = store_fail(s, err);
	else if (strcmp((const char *)sqlite3_column_text(st, 0), "ok"))
		rc = err_set(err, EBADMSG, "state %s: it is damaged: %s", s->path,
			     sqlite3_column_text(st, 0));
	sqlite3_finalize(st);
	return rc;
}

static int run_text(struct store *s, const char *text, struct err *err)
{
	return sqlite3_exec(s->db, text, NULL, NULL, NULL) == SQLITE_OK ? 0 : store_fail(s, err);
}

/* In one transaction; what fails half way is rolled back when the database is closed. */
static int upgrade(struct store *s, int version, struct err *err)
{
	char end[96];
	int rc = run_text(s, "BEGIN", err);

	for (int i = version; i < SCHEMA_VERSION && !rc; i++)
		rc = run_text(s, schema[i], err);
	snprintf(end, sizeof(end), "PRAGMA application_id=%d; PRAGMA user_version=%d; COMMIT",
		 APPLICATION_ID, SCHEMA_VERSION);
	return rc ? rc : run_text(s, end, err);
}

/*
 * SQLite takes what is missing of the last page for zeros, and a file of one octet for an empty
 * one. Only while there is a log may the file end anywhere: a page can be on its way from there.
 */
static int check_length(struct store *s, struct err *err)
{
	sqlite3_int64 page = 0;
	CLEAN_FREE char *log = NULL;
	struct stat db, wal;
	int rc = pragma(s, "PRAGMA page_size", &page, err);

	if (rc)
		return rc;
	if (asprintf(&log, "%s-wal", s->path) < 0) {
		log = NULL;
		return err_set(err, ENOMEM, "state %s: out of memory", s->path);
	}
	if (page < 1 || stat(s->path, &db) || db.st_size % page == 0 ||
	    (!stat(log, &wal) && wal.st_size))
		return 0;
	return err_set(err, EBADMSG, "state %s: it is damaged: its last page is cut off", s->path);
}

static int check_schema(struct store *s, int *ret_version, struct err *err)
{
	sqlite3_int64 version = 0, application = 0, tables = 0;
	int rc = pragma(s, "PRAGMA user_version", &version, err);

	if (!rc)
		rc = pragma(s, "PRAGMA application_id", &application, err);
	if (!rc)
		rc = pragma(s, "SELECT count(*) FROM sqlite_schema", &tables, err);
	if (!rc)
		rc = check_length(s, err);
	if (rc)
		return rc;
	*ret_version = 0;
	if (!tables && !version && !application)
		return 0;
	if (application != APPLICATION_ID)
		return err_set(err, EINVAL, "state %s: it is a database, but not netd's", s->path);
	if (version > SCHEMA_VERSION)
		return err_set(err, EINVAL,
			       "state %s: a newer netd made it (version %lld, this one knows %d)",
			       s->path, (long long)version, SCHEMA_VERSION);
	if (version < 1)
		return err_set(err, EINVAL, "state %s: it has no version", s->path);
	*ret_version = (int)version;
	return check_integrity(s, err);
}

/*
 * What the file is comes first: one that is not ours, or from a newer netd, is left octet by octet
 * as it is.
 */
static int prepare_database(struct store *s, struct err *err)
{
	static const char *const settings[] = { "PRAGMA journal_mode=WAL",
						"PRAGMA synchronous=FULL",
						"PRAGMA wal_autocheckpoint=4000",
						"PRAGMA foreign_keys=ON" };
	int version = 0, rc;

	/* SQLite opens such a file all the same, and then fails at the lock. */
	if (sqlite3_db_readonly(s->db, "main") > 0)
		return err_set(err, EROFS, "state %s: it can be read, but not written", s->path);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	rc = pragma(s, "PRAGMA locking_mode=EXCLUSIVE", NULL, err);
	if (!rc)
		rc = check_schema(s, &version, err);
	if (rc)
		return rc;
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(settings) && !rc; i++)
		rc = pragma(s, settings[i], NULL, err);
	if (!rc && version < SCHEMA_VERSION)
		rc = upgrade(s, version, err);
	/* Takes the lock for good, and shows at once whether the file can be written. */
	if (!rc)
		rc = store_run(s, BEGIN, err);
	return rc ? rc : store_run(s, COMMIT, err);
}

int store_open(const char *path, struct store **ret, struct err *err)
{
	struct store *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return err_set(err, ENOMEM, "state %s: out of memory", path);
	/* One thread, and no bookkeeping of what SQLite allocates; refused, as it may be, once it
	 * is in use. */
	sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	s->turn = 1;
	s->path = strdup(path);
	rc = s->path ? read_boot_id(s->boot, err) :
		       err_set(err, ENOMEM, "state %s: out of memory", path);
	if (!rc && sqlite3_open_v2(path, &s->db,
				   SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
				   NULL) != SQLITE_OK)
		rc = store_fail(s, err);
	if (!rc)
		rc = prepare_database(s, err);
	if (rc) {
		store_close(s);
		return rc;
	}
	*ret = s;
	return 0;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(s->st[i]);
	sqlite3_close(s->db);
	free(s->path);
	free(s);
}

struct ticket store_ticket(const struct store *s)
{
	return (struct ticket){ .turn = s->turn };
}

bool store_dirty(const struct store *s)
{
	return s->open || s->broken;
}

/* SQLite writes this number also when it is the one that is there. */
int store_touch(struct store *s, struct err *err)
{
	char text[64];
	int rc = begin(s, err);

	snprintf(text, sizeof(text), "PRAGMA user_version=%d", SCHEMA_VERSION);
	return rc ? rc : pragma(s, text, NULL, err);
}

int store_commit(struct store *s, struct err *err)
{
	int rc = 0;

	if (s->broken)
		rc = err_set(err, -s->broken, "%s", s->why.text);
	else if (s->open)
		rc = store_run(s, COMMIT, err);
	/* SQLITE_BUSY and some I/O errors leave the transaction open. */
	if (rc && !sqlite3_get_autocommit(s->db))
		store_run(s, ROLLBACK, NULL);
	/* What waits in the log to be moved into the database takes space that the next turn may
	 * need. */
	if (rc == -ENOSPC)
		sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	s->open = false;
	s->broken = 0;
	s->turn++;
	return rc;
}

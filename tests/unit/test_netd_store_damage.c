/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state when the world is bad to it: files cut off, overwritten, somebody else's; crashes;
 * disks that are full, or not to be written. What cannot be trusted is refused in words that name
 * the file, and left as it is, for whoever wants to save what is in it.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sequence.h"
#include "store_kit.h"

enum { PAGE = 4096, ROWS = 600 };

/* A state of many pages, closed. Returns its octets. */
static char *make_state(size_t *ret_len)
{
	struct store *s = store_must_open(STATE);
	struct siphash_key key;

	ck_ok(store_secret(s, &key, &unit_err));
	store_must_put(s, 0, ROWS);
	for (uint32_t i = 0; i < ROWS; i++) {
		struct store_allocation a = store_sample("default", i);
		struct store_lease l = { .network = "default",
					 .address = a.address,
					 .mac = a.mac,
					 .hostname = a.guest,
					 .state = DHCP_LEASE_BOUND };

		ck_ok(store_lease_put(s, &l, NULL, &unit_err));
	}
	ck_ok(store_commit(s, &unit_err));
	store_close(s);
	return scratch_read(STATE, ret_len);
}

/* --- what the file is --- */

START_TEST(empty_file_is_a_new_state)
{
	CLEAN_STORE struct store *s = NULL;

	scratch_write(STATE, "", 0);
	s = store_must_open(STATE);
	store_must_put(s, 0, 3);
	ck_assert_uint_eq(store_count(s, "default"), 3);
}
END_TEST

START_TEST(garbage)
{
	static const size_t sizes[] = { 1, 2, 16, 100, 512, PAGE - 1, PAGE, 3 * PAGE, 10001 };
	struct sequence q = { .state = (uint64_t)_i };
	size_t len = sizes[_i];
	static char data[3 * PAGE];

	for (size_t i = 0; i < len; i++)
		data[i] = (char)sequence_next(&q);
	scratch_write(STATE, data, len);
	store_must_leave_alone(STATE, len == 1 ? EBADMSG : EIO,
			       len == 1 ? "it is damaged" : "file is not a database");
}
END_TEST

START_TEST(text_file)
{
	scratch_write_text(STATE, "network default {\n\tmode = nat\n}\n");
	store_must_leave_alone(STATE, EIO, "file is not a database");
}
END_TEST

START_TEST(newer_netd)
{
	size_t len;

	free(make_state(&len));
	store_meddle(STATE, "PRAGMA user_version = 1000");
	store_must_leave_alone(STATE, EINVAL,
			       "a newer netd made it (version 1000, this one knows ");
}
END_TEST

static int count_link(void *arg, const char *link, bool was_up)
{
	ck_assert_str_eq(link, "veth7");
	ck_assert(was_up);
	++*(unsigned *)arg;
	return 0;
}

static int count_published(void *arg, const struct store_published *p)
{
	ck_assert_uint_eq(p->port, 8080);
	++*(unsigned *)arg;
	return 0;
}

#define BEFORE_4                                                                                   \
	"DROP TABLE network; DROP TABLE uplink; DROP TABLE unplugged;"                             \
	"ALTER TABLE allocation DROP COLUMN device; ALTER TABLE allocation DROP COLUMN user;"      \
	"ALTER TABLE allocation DROP COLUMN inside;"

/* Versions 1 to 3 of version 4. */
static const char *const downgrades[] = {
	BEFORE_4 "DROP TABLE published; DROP TABLE joined; DROP INDEX lease_of;"
		 "CREATE INDEX lease_of ON lease (network, guest, nic); PRAGMA user_version = 1",
	BEFORE_4 "DROP TABLE published; PRAGMA user_version = 2",
	BEFORE_4 "PRAGMA user_version = 3",
};

/* What an older version lacks is added, and all that it has is there. */
START_TEST(older_netd)
{
	static const struct store_published p = { .network = "default",
						  .guest = "guest-2.of_many",
						  .nic = 2,
						  .protocol = 6,
						  .port = 8080,
						  .count = 1,
						  .to = 80 };
	CLEAN_STORE struct store *s = store_must_open(STATE);
	unsigned links = 0, published = 0;

	store_must_put(s, 1, 3);
	store_close(s);
	store_meddle(STATE, downgrades[_i]);
	for (unsigned i = 0; i < 2; i++) {
		s = store_must_open(STATE);
		ck_assert_uint_eq(store_count(s, "default"), 3);
		ck_ok(store_joined_put(s, "veth7", true, NULL, &unit_err));
		if (!i)
			ck_ok(store_published_put(s, &p, NULL, &unit_err));
		ck_ok(store_commit(s, &unit_err));
		ck_ok(store_joined_list(s, count_link, &links, &unit_err));
		ck_assert_uint_eq(links, i + 1);
		ck_ok(store_published_list(s, "default", count_published, &published, &unit_err));
		ck_assert_uint_eq(published, i + 1);
		if (!i)
			store_close(s);
	}
}
END_TEST

/* Another program's, with and without a write-ahead log, empty or not. */
START_TEST(foreign_database)
{
	static const char *const makes[] = {
		"CREATE TABLE t (a); INSERT INTO t VALUES (1)",
		"PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES (1)",
		"PRAGMA application_id = 7",
		"PRAGMA user_version = 1",
		"PRAGMA user_version = 1000; PRAGMA application_id = 7",
	};

	store_meddle(STATE, makes[_i]);
	store_must_leave_alone(STATE, EINVAL, "it is a database, but not netd's");
}
END_TEST

START_TEST(no_place_for_a_file)
{
	ck_assert_int_eq(mkdir(STATE, 0700), 0);
	store_must_refuse(STATE, EISDIR, "unable to open database file: Is a directory");
	store_must_refuse(scratch_path("none/state.db"), ENOENT,
			  "unable to open database file: No such file or directory");
	scratch_write_text(scratch_path("file"), "");
	store_must_refuse(scratch_path("file/state.db"), ENOTDIR,
			  "unable to open database file: Not a directory");
}
END_TEST

/* --- damage --- */

/* A state that ends too soon, at whatever octet, is never taken for a whole one, or a new one. */
static void refuse_cut_off(const char *data, size_t len)
{
	struct store *s = NULL;
	size_t after_len;
	CLEAN_FREE char *after = NULL;
	struct err err;
	char begin[600];

	snprintf(begin, sizeof(begin), "state %s: ", STATE);
	scratch_write(STATE, data, len);
	ck_assert_msg(store_open(STATE, &s, &err) < 0, "%zu octets were opened", len);
	ck_assert_mem_eq(err.text, begin, strlen(begin));
	after = scratch_read(STATE, &after_len);
	ck_assert_uint_eq(after_len, len);
	ck_assert(memcmp(after, data, len) == 0);
}

START_TEST(cut_off)
{
	size_t len;
	CLEAN_FREE char *data = make_state(&len);

	ck_assert_uint_gt(len, 20 * PAGE);
	for (size_t at = 1; at < 200; at++)
		refuse_cut_off(data, at);
	for (size_t at = PAGE; at < len; at += PAGE) {
		refuse_cut_off(data, at - 1);
		refuse_cut_off(data, at);
		refuse_cut_off(data, at + 1);
	}
	for (size_t at = len - 200; at < len; at++)
		refuse_cut_off(data, at);
}
END_TEST

static void spoil(char *page, size_t len, int how)
{
	struct sequence q = { .state = (uint64_t)how };

	for (size_t i = 0; i < len; i++)
		page[i] = how == 0 ? 0 : how == 1 ? (char)0xff : (char)sequence_next(&q);
}

/* Every page in turn is overwritten, as a disk or a stray write would. */
START_TEST(damaged_page)
{
	size_t len;
	CLEAN_FREE char *whole = make_state(&len), *data = malloc(len);

	for (size_t at = 0; at < len; at += PAGE) {
		struct store *s = NULL;
		struct err err;

		memcpy(data, whole, len);
		spoil(data + at, PAGE, _i);
		scratch_write(STATE, data, len);
		ck_assert_msg(store_open(STATE, &s, &err) < 0, "page %zu", at / PAGE + 1);
		store_must_leave_alone(STATE, at ? EBADMSG : EIO,
				       at ? "it is damaged: " : "file is not a database");
	}
	scratch_write(STATE, whole, len);
	store_close(store_must_open(STATE)); /* it was the damage */
}
END_TEST

/* Who has which MAC and address: as store_must_put has put it. */
static int check_identity(void *arg, const struct store_allocation *a)
{
	struct store_allocation b = store_sample("default", a->address - 0x0a4d0000);
	unsigned *n = arg;

	ck_assert_str_eq(a->guest, b.guest);
	ck_assert_uint_eq(a->nic, b.nic);
	ck_assert(mac_equal(&a->mac, &b.mac));
	++*n;
	return 0;
}

/*
 * A bit flips somewhere. Most of a page is not in use, and a time or a count has nothing to be
 * compared with; but whose address is which is never told wrong.
 */
START_TEST(flipped_bit)
{
	enum { FEW = 40, STRIDE = 61 };
	struct store *s = store_must_open(STATE);
	CLEAN_FREE char *data = NULL;
	unsigned refused = 0;
	size_t len;

	store_must_put(s, 0, FEW);
	store_close(s);
	data = scratch_read(STATE, &len);
	for (size_t at = (size_t)_i; at < len; at += STRIDE) {
		char bit = (char)(1 << (at / STRIDE % 8));
		unsigned n = 0;
		struct err err;
		int rc;

		data[at] ^= bit;
		scratch_write(STATE, data, len);
		data[at] ^= bit;
		s = NULL;
		rc = store_open(STATE, &s, &err);
		if (!rc)
			rc = store_allocation_list(s, "default", check_identity, &n, &err);
		store_close(s);
		if (!rc)
			ck_assert_msg(n == FEW, "%u of them with octet %zu flipped", n, at);
		else
			ck_assert_ptr_nonnull(strstr(err.text, STATE));
		refused += rc != 0;
	}
	ck_assert_uint_gt(refused, 0);
}
END_TEST

static int ignore_allocation(void *arg, const struct store_allocation *a)
{
	(void)arg;
	(void)a;
	return 0;
}

static int ignore_lease(void *arg, const struct store_lease *l)
{
	(void)arg;
	(void)l;
	return 0;
}

static int list_allocations(struct store *s, struct err *err)
{
	return store_allocation_list(s, "default", ignore_allocation, NULL, err);
}

static int list_leases(struct store *s, struct err *err)
{
	return store_lease_list(s, NULL, ignore_lease, NULL, err);
}

static int ignore_published(void *arg, const struct store_published *p)
{
	(void)arg;
	(void)p;
	return 0;
}

static int list_published(struct store *s, struct err *err)
{
	return store_published_list(s, "default", ignore_published, NULL, err);
}

static int get_subnet(struct store *s, struct err *err)
{
	struct ip4_prefix p;

	return store_subnet_get(s, "default", &p, err);
}

/* A row that SQLite is content with, and nobody else. */
static const struct {
	const char *sql;
	int (*read)(struct store *s, struct err *err);
	const char *table;
} bad_rows[] = {
	{ "UPDATE allocation SET mac = 'x' WHERE guest = 'guest-7.of_many'", list_allocations,
	  "allocation" },
	{ "UPDATE address SET address = '10.77.0.256' WHERE guest = 'guest-7.of_many'",
	  list_allocations, "allocation" },
	{ "UPDATE lease SET mac = '' WHERE address = '10.77.0.7'", list_leases, "lease" },
	{ "UPDATE lease SET address = 'x' WHERE address = '10.77.0.7'", list_leases, "lease" },
	{ "UPDATE lease SET state = 'x' WHERE address = '10.77.0.7'", list_leases, "lease" },
	{ "INSERT INTO subnet VALUES ('default', '10.77.0.1')", get_subnet, "subnet" },
	{ "INSERT INTO published VALUES ('sctp', '0.0.0.0', 1, 1, 1, 'default', 'g', 0)",
	  list_published, "published" },
	{ "INSERT INTO published VALUES ('tcp', '0.0.0', 1, 1, 1, 'default', 'g', 0)",
	  list_published, "published" },
	{ "INSERT INTO published VALUES ('tcp', '0.0.0.0', 65535, 2, 1, 'default', 'g', 0)",
	  list_published, "published" },
	{ "INSERT INTO published VALUES ('udp', '0.0.0.0', 1, 1, 0, 'default', 'g', 0)",
	  list_published, "published" },
};

START_TEST(bad_row)
{
	CLEAN_STORE struct store *s = NULL;
	char expected[600];
	struct err err;
	size_t len;

	free(make_state(&len));
	store_meddle(STATE, bad_rows[_i].sql);
	s = store_must_open(STATE);
	ck_assert_int_eq(bad_rows[_i].read(s, &err), -EBADMSG);
	snprintf(expected, sizeof(expected),
		 "state %s: it is damaged: a row of table %s cannot be understood", STATE,
		 bad_rows[_i].table);
	ck_assert_str_eq(err.text, expected);
}
END_TEST

/* --- crashes --- */

enum { TURNS = 12, ROWS_A_TURN = 3 };

/* How many rows a netd finds that starts on these files. */
static unsigned rows_after_crash(const char *db, size_t db_len, const char *wal, size_t wal_len)
{
	const char *path = scratch_path("crashed.db"), *log = scratch_path("crashed.db-wal");
	struct store *s;
	unsigned n;

	scratch_write(path, db, db_len);
	scratch_write(log, wal, wal_len);
	s = store_must_open(path);
	n = store_count(s, "default");
	store_close(s);
	unlink(path);
	unlink(log);
	return n;
}

/*
 * The files as they are while netd runs, the log cut off at any octet, as a crash would leave it:
 * whole turns are there, the first so and so many, and of all that was committed nothing is missing
 * in the whole log.
 */
START_TEST(crash)
{
	CLEAN_STORE struct store *s = store_must_open(STATE);
	CLEAN_FREE char *db = NULL, *wal = NULL;
	size_t db_len, wal_len;
	unsigned last = 0;

	for (uint32_t i = 0; i < TURNS; i++)
		store_must_put(s, i * ROWS_A_TURN, ROWS_A_TURN);
	db = scratch_read(STATE, &db_len);
	wal = scratch_read(scratch_path("state.db-wal"), &wal_len);
	ck_assert_uint_gt(wal_len, TURNS * PAGE);
	for (size_t cut = 0; cut <= wal_len; cut += cut % PAGE < 128 ? 13 : 509) {
		unsigned n = rows_after_crash(db, db_len, wal, cut);

		ck_assert_uint_eq(n % ROWS_A_TURN, 0);
		ck_assert_uint_ge(n, last);
		last = n;
	}
	ck_assert_uint_eq(rows_after_crash(db, db_len, wal, wal_len), TURNS * ROWS_A_TURN);
}
END_TEST

/* An octet of the log is another: what was written before it is there, whole turns, and nothing
 * that was never written. */
START_TEST(damaged_log)
{
	CLEAN_STORE struct store *s = store_must_open(STATE);
	CLEAN_FREE char *db = NULL, *wal = NULL;
	size_t db_len, wal_len;
	unsigned last = 0;

	for (uint32_t i = 0; i < TURNS; i++)
		store_must_put(s, i * ROWS_A_TURN, ROWS_A_TURN);
	db = scratch_read(STATE, &db_len);
	wal = scratch_read(scratch_path("state.db-wal"), &wal_len);
	for (size_t at = 32; at < wal_len; at += 311) {
		unsigned n;

		wal[at] ^= 0x10;
		n = rows_after_crash(db, db_len, wal, wal_len);
		wal[at] ^= 0x10;
		ck_assert_uint_eq(n % ROWS_A_TURN, 0);
		ck_assert_uint_ge(n, last);
		last = n;
	}
	ck_assert_uint_lt(last, TURNS * ROWS_A_TURN);
}
END_TEST

/* --- disks --- */

/* Writes to `path` until the disk is full. */
static void fill_disk(const char *path)
{
	CLEAN_FD int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	char block[PAGE] = { 0 };
	ssize_t n;

	ck_assert_int_ge(fd, 0);
	while ((n = write(fd, block, sizeof(block))) > 0)
		;
	ck_assert_int_eq(n, -1);
	ck_assert_int_eq(errno, ENOSPC);
}

static int put_many(struct store *s, uint32_t first, uint32_t n, struct err *err)
{
	int rc = 0;

	for (uint32_t i = first; i < first + n && !rc; i++) {
		struct store_allocation a = store_sample("default", i);

		rc = store_allocation_put(s, &a, NULL, err);
	}
	return rc;
}

/* A turn of n rows that cannot be stored: nothing of it is. */
static void fail_to_store(struct store *s, uint32_t first, uint32_t n)
{
	struct ticket before = store_ticket(s);
	struct err put, commit;
	int rc = put_many(s, first, n, &put), committed = store_commit(s, &commit);

	ck_assert_int_lt(committed, 0);
	ck_assert_msg((rc ? rc : committed) == -ENOSPC, "%s", rc ? put.text : commit.text);
	ck_assert_ptr_nonnull(strstr(rc ? put.text : commit.text, "database or disk is full"));
	ck_assert_uint_eq(store_ticket(s).turn, before.turn + 1);
	ck_assert(!store_dirty(s));
}

/*
 * The disk fills up while netd runs. One row waits in SQLite's cache and fails at the commit; many
 * do not fit there, and end the transaction in the middle.
 */
START_TEST(disk_full)
{
	const uint32_t rows = (uint32_t[]){ 1, 60, 20000 }[_i];
	const char *path = scratch_path("disk/state.db"), *filler = scratch_path("disk/filler");
	CLEAN_STORE struct store *s = NULL;

	if (!scratch_mount("disk", "size=16m"))
		return;
	s = store_must_open(path);
	store_must_put(s, 0, 100);
	fill_disk(filler);
	fail_to_store(s, 1000, rows);
	ck_assert_uint_eq(store_count(s, "default"), 100);
	ck_assert_int_eq(unlink(filler), 0);
	store_must_put(s, 100, 50);
	store_close(s);
	s = store_must_open(path);
	ck_assert_uint_eq(store_count(s, "default"), 150);
}
END_TEST

/* Nothing is promised for as long as it lasts; and then all is as if nothing had been. */
START_TEST(disk_full_for_long)
{
	const char *path = scratch_path("disk/state.db"), *filler = scratch_path("disk/filler");
	CLEAN_STORE struct store *s = NULL;
	uint32_t stored = 100;

	if (!scratch_mount("disk", "size=2m"))
		return;
	s = store_must_open(path);
	store_must_put(s, 0, 100);
	fill_disk(filler);
	/* Some turns may find room that was freed by moving the log into the database. */
	for (unsigned i = 0; i < 300; i++) {
		int rc = put_many(s, stored, 10, NULL), committed = store_commit(s, NULL);

		if (!rc && !committed)
			stored += 10;
		ck_assert_uint_eq(store_count(s, "default"), stored);
	}
	ck_assert_uint_lt(stored, 100 + 300 * 10);
	ck_assert_int_eq(unlink(filler), 0);
	store_must_put(s, stored, 50);
	store_close(s);
	s = store_must_open(path);
	ck_assert_uint_eq(store_count(s, "default"), stored + 50);
}
END_TEST

/* A state cannot be made, or opened, on a full disk; nor is it harmed. */
START_TEST(disk_full_at_start)
{
	const char *path = scratch_path("disk/state.db"), *filler = scratch_path("disk/filler");
	CLEAN_STORE struct store *s = NULL;

	if (!scratch_mount("disk", "size=1m"))
		return;
	fill_disk(filler);
	store_must_refuse(path, ENOSPC, "database or disk is full");
	ck_assert_int_eq(unlink(filler), 0);
	s = store_must_open(path);
	store_must_put(s, 0, 100);
	store_close(s);
	s = NULL;
	fill_disk(filler);
	if (store_open(path, &s, NULL) == 0)
		ck_assert_uint_eq(store_count(s, "default"), 100);
	store_close(s);
	ck_assert_int_eq(unlink(filler), 0);
	s = store_must_open(path);
	ck_assert_uint_eq(store_count(s, "default"), 100);
}
END_TEST

START_TEST(disk_read_only)
{
	const char *path = scratch_path("disk/state.db");
	struct store *s;

	if (!scratch_mount("disk", "size=1m"))
		return;
	s = store_must_open(path);
	store_must_put(s, 0, 100);
	store_close(s);
	scratch_mount_read_only("disk");
	store_must_leave_alone(path, EROFS, "it can be read, but not written");
}
END_TEST

UNIT_SUITE(netd_store_damage)
{
	scratch_use(tc);
	tcase_add_test(tc, empty_file_is_a_new_state);
	tcase_add_loop_test(tc, garbage, 0, 9);
	tcase_add_test(tc, text_file);
	tcase_add_test(tc, newer_netd);
	tcase_add_loop_test(tc, older_netd, 0, ARRAY_SIZE(downgrades));
	tcase_add_loop_test(tc, foreign_database, 0, 5);
	tcase_add_test(tc, no_place_for_a_file);
	tcase_add_test(tc, cut_off);
	tcase_add_loop_test(tc, damaged_page, 0, 3);
	tcase_add_loop_test(tc, flipped_bit, 0, 4);
	tcase_add_loop_test(tc, bad_row, 0, ARRAY_SIZE(bad_rows));
	tcase_add_test(tc, crash);
	tcase_add_test(tc, damaged_log);
	tcase_add_loop_test(tc, disk_full, 0, 3);
	tcase_add_test(tc, disk_full_for_long);
	tcase_add_test(tc, disk_full_at_start);
	tcase_add_test(tc, disk_read_only);
}

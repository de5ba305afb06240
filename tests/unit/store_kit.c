/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>

#include "store_kit.h"

struct store *store_must_open(const char *path)
{
	struct store *s = NULL;

	ck_ok(store_open(path, &s, &unit_err));
	return s;
}

struct store_allocation store_sample(const char *network, uint32_t n)
{
	struct store_allocation a = { .nic = n % 8,
				      .mac = { { 2, 0, 0, 0, (uint8_t)(n >> 8), (uint8_t)n } },
				      .mac_given = n & 1,
				      .generation = n * 3,
				      .address = 0x0a4d0000 + n,
				      .address_given = n & 2,
				      .owner = UINT32_MAX - n,
				      .queues = n % 32 + 1,
				      .vhost = n & 4,
				      .created = 1700000000 + n };

	snprintf(a.network, sizeof(a.network), "%s", network);
	snprintf(a.guest, sizeof(a.guest), "guest-%u.of_many", n);
	return a;
}

void store_must_put(struct store *s, uint32_t first, uint32_t n)
{
	for (uint32_t i = first; i < first + n; i++) {
		struct store_allocation a = store_sample("default", i);

		ck_ok(store_allocation_put(s, &a, NULL, &unit_err));
	}
	ck_ok(store_commit(s, &unit_err));
}

static int check_sample(void *arg, const struct store_allocation *a)
{
	struct store_allocation b = store_sample(a->network, a->address - 0x0a4d0000);
	unsigned *count = arg;

	ck_assert_str_eq(a->guest, b.guest);
	ck_assert_uint_eq(a->nic, b.nic);
	ck_assert(mac_equal(&a->mac, &b.mac));
	ck_assert(a->mac_given == b.mac_given && a->address_given == b.address_given);
	ck_assert_uint_eq(a->generation, b.generation);
	ck_assert_uint_eq(a->owner, b.owner);
	ck_assert_uint_eq(a->queues, b.queues);
	ck_assert(a->vhost == b.vhost);
	ck_assert_int_eq(a->created, b.created);
	++*count;
	return 0;
}

unsigned store_count(struct store *s, const char *network)
{
	unsigned n = 0;

	ck_ok(store_allocation_list(s, network, check_sample, &n, &unit_err));
	return n;
}

void store_meddle(const char *path, const char *sql)
{
	sqlite3 *db;
	char *words = NULL;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_exec(db, sql, NULL, NULL, &words);
	ck_assert_msg(words == NULL, "%s: %s", sql, words);
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

void store_must_refuse(const char *path, int code, const char *words)
{
	struct store *s = NULL;
	char begin[600];
	struct err err;
	int rc = store_open(path, &s, &err);

	ck_assert_msg(rc == -code, "%s: %d %s", path, rc, rc ? err.text : "was opened");
	ck_assert_ptr_null(s);
	snprintf(begin, sizeof(begin), "state %s: ", path);
	ck_assert_msg(!strncmp(err.text, begin, strlen(begin)) && strstr(err.text, words),
		      "not '%s…%s' but '%s'", begin, words, err.text);
}

void store_must_leave_alone(const char *path, int code, const char *words)
{
	size_t before_len, after_len;
	CLEAN_FREE char *before = scratch_read(path, &before_len), *after = NULL;

	store_must_refuse(path, code, words);
	after = scratch_read(path, &after_len);
	ck_assert_uint_eq(after_len, before_len);
	ck_assert(memcmp(after, before, before_len) == 0);
}

void store_break(bool broken)
{
	struct rlimit limit = { broken ? 0 : RLIM_INFINITY, RLIM_INFINITY };

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of the state, and how rows become structs. Times, states and addresses are texts and
 * numbers that sqlite3(1) shows as they are. */
#include <sys/random.h>

#include "store_db.h"

const char *const store_sql[STATEMENTS] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
	[SAVEPOINT] = "SAVEPOINT one",
	[RELEASE] = "RELEASE one",
	[ROLLBACK_TO] = "ROLLBACK TO one",
	[ALLOCATION_PUT] = "INSERT INTO allocation"
			   " VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)"
			   " ON CONFLICT (network, guest, nic) DO UPDATE SET mac=?4, mac_given=?5,"
			   " generation=?6, owner=?7, queues=?8, vhost=?9, device=?11,"
			   " user=?12, inside=?13",
	[ALLOCATION_DEL] = "DELETE FROM allocation WHERE network=?1 AND guest=?2 AND nic=?3",
	[ALLOCATION_LIST] = "SELECT network, guest, nic, mac, mac_given, generation, owner, queues,"
			    " vhost, created, ifnull(address, '0.0.0.0'), ifnull(given, 0),"
			    " device, user, inside, unplugged.nic IS NOT NULL"
			    " FROM allocation LEFT JOIN address USING (network, guest, nic)"
			    " LEFT JOIN unplugged USING (network, guest, nic)"
			    " WHERE network=?1 ORDER BY guest, nic",
	[ADDRESS_PUT] = "INSERT INTO address VALUES (?1,?2,?3,?4,?5)",
	[ADDRESS_DEL] = "DELETE FROM address WHERE network=?1 AND guest=?2 AND nic=?3",
	[REST_PUT] = "INSERT OR REPLACE INTO resting_mac VALUES (?1,?2,?3,?4)",
	[REST_GET] = "SELECT guest, nic FROM resting_mac WHERE mac=?1 AND until>?2",
	[ROWS_LIST] = "SELECT network, sum(a), sum(l) FROM ("
		      " SELECT network, 1 AS a, 0 AS l FROM allocation"
		      " UNION ALL SELECT network, 0, 1 FROM lease"
		      " UNION ALL SELECT network, 0, 0 FROM subnet) GROUP BY network",
	[RESTED_COUNT] = "SELECT count(*) FROM resting_mac WHERE until<=?1",
	[REST_EXPIRE] = "DELETE FROM resting_mac WHERE until<=?1",
	[LEASE_PUT] = "INSERT INTO lease VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14)"
		      " ON CONFLICT (network, address) DO UPDATE SET mac=?3, client_id=?4,"
		      " hostname=?5, guest=?6, nic=?7, state=?8, seconds=?9, started_wall=?10,"
		      " expires_wall=?11, started=?12, expires=?13, boot=?14",
	[LEASE_RENEW] = "UPDATE lease SET state=?8, seconds=?9, started_wall=?10, expires_wall=?11,"
			" started=?12, expires=?13, boot=?14 WHERE network=?1 AND address=?2",
	[LEASE_WALL] = "UPDATE lease SET started_wall=started/1000000000+?2,"
		       " expires_wall=iif(expires=9223372036854775807, expires,"
		       " expires/1000000000+?2)"
		       " WHERE boot=?1 AND abs(started_wall-started/1000000000-?2)>?3",
	[LEASE_END] = "UPDATE lease SET state=?3 WHERE network=?1 AND address=?2",
	[LEASE_DEL] = "DELETE FROM lease WHERE network=?1 AND address=?2",
	[LEASE_DEL_PORT] = "DELETE FROM lease"
			   " WHERE network=?1 AND guest=?2 AND nic=?3 AND guest <> ''"
			   " AND state <> 'declined'",
	[LEASE_LIST] = "SELECT network, address, mac, client_id, hostname, guest, nic, state,"
		       " seconds, started_wall, expires_wall, started, expires, boot"
		       " FROM lease WHERE ?1 IS NULL OR network=?1",
	[SUBNET_GET] = "SELECT prefix FROM subnet WHERE network=?1",
	[SUBNET_PUT] = "INSERT OR REPLACE INTO subnet VALUES (?1,?2)",
	[FORWARDING_LIST] = "SELECT link FROM forwarding WHERE boot=?1",
	[FORWARDING_PUT] = "INSERT OR REPLACE INTO forwarding VALUES (?1,?2)",
	[FORWARDING_DEL] = "DELETE FROM forwarding WHERE link=?1",
	[JOINED_LIST] = "SELECT link, up FROM joined WHERE boot=?1",
	[JOINED_PUT] = "INSERT OR REPLACE INTO joined VALUES (?1,?2,?3)",
	[JOINED_DEL] = "DELETE FROM joined WHERE link=?1",
	[SECRET_GET] = "SELECT key FROM secret",
	[SECRET_PUT] = "INSERT INTO secret VALUES (1,?1)",
	[PUBLISHED_PUT] = "INSERT INTO published VALUES (?1,?2,?3,?4,?5,?6,?7,?8)",
	[PUBLISHED_DEL] = "DELETE FROM published WHERE protocol=?1 AND address=?2 AND port=?3",
	[PUBLISHED_LIST] = "SELECT protocol, address, port, count, guest_port, network, guest, nic"
			   " FROM published WHERE network=?1 ORDER BY protocol, address, port",
	[NETWORK_PUT] = "INSERT INTO network VALUES (?1,?2,?3,?4)",
	[NETWORK_DEL] = "DELETE FROM network WHERE name=?1",
	[NETWORK_LIST] = "SELECT name, owner, created, configuration FROM network"
			 " ORDER BY created, name",
	[NETWORK_ALLOCATIONS_DEL] = "DELETE FROM allocation WHERE network=?1",
	[NETWORK_LEASES_DEL] = "DELETE FROM lease WHERE network=?1",
	[NETWORK_SUBNET_DEL] = "DELETE FROM subnet WHERE network=?1",
	[UPLINK_LIST] = "SELECT link, network, had FROM uplink WHERE boot=?1 ORDER BY link",
	[UPLINK_PUT] = "INSERT OR REPLACE INTO uplink VALUES (?1,?2,?3,?4)",
	[UPLINK_DEL] = "DELETE FROM uplink WHERE link=?1",
	[UNPLUGGED_PUT] = "INSERT OR IGNORE INTO unplugged VALUES (?1,?2,?3)",
	[UNPLUGGED_DEL] = "DELETE FROM unplugged WHERE network=?1 AND guest=?2 AND nic=?3",
};

static void bind_mac(sqlite3_stmt *st, int at, const struct mac *m)
{
	char text[MAC_TEXT_SIZE];

	sqlite3_bind_text(st, at, mac_text(m, text), -1, SQLITE_TRANSIENT);
}

static void bind_ip(sqlite3_stmt *st, int at, uint32_t addr)
{
	char text[IP4_TEXT_SIZE];

	sqlite3_bind_text(st, at, ip4_text(addr, text), -1, SQLITE_TRANSIENT);
}

static void column_text(sqlite3_stmt *st, int at, char *to, size_t size)
{
	const char *text = (const char *)sqlite3_column_text(st, at);

	snprintf(to, size, "%s", text ? text : "");
}

static bool column_mac(sqlite3_stmt *st, int at, struct mac *ret)
{
	const char *text = (const char *)sqlite3_column_text(st, at);

	return text && mac_parse(text, ret);
}

static bool column_ip(sqlite3_stmt *st, int at, uint32_t *ret)
{
	const char *text = (const char *)sqlite3_column_text(st, at);

	return text && ip4_parse(text, ret);
}

static uint32_t column_u32(sqlite3_stmt *st, int at)
{
	return (uint32_t)sqlite3_column_int64(st, at);
}

/* --- allocations --- */

static int put_address(struct store *s, const struct store_allocation *a, struct ticket *ret,
		       struct err *err)
{
	CLEAN_STATEMENT sqlite3_stmt *del = NULL, *put = NULL;
	int rc = store_get_change(s, ADDRESS_DEL, &del, err);

	if (rc)
		return rc;
	bind_text(del, 1, a->network);
	bind_text(del, 2, a->guest);
	sqlite3_bind_int64(del, 3, a->nic);
	rc = store_finish(s, del, a->address ? NULL : ret, err);
	if (rc || !a->address)
		return rc;
	rc = store_get_change(s, ADDRESS_PUT, &put, err);
	if (rc)
		return rc;
	bind_text(put, 1, a->network);
	bind_ip(put, 2, a->address);
	bind_text(put, 3, a->guest);
	sqlite3_bind_int64(put, 4, a->nic);
	sqlite3_bind_int(put, 5, a->address_given);
	return store_finish(s, put, ret, err);
}

static int put_row(struct store *s, const struct store_allocation *a, struct err *err)
{
	CLEAN_STATEMENT sqlite3_stmt *st = NULL;
	int rc = store_get_change(s, ALLOCATION_PUT, &st, err);

	if (rc)
		return rc;
	bind_text(st, 1, a->network);
	bind_text(st, 2, a->guest);
	sqlite3_bind_int64(st, 3, a->nic);
	bind_mac(st, 4, &a->mac);
	sqlite3_bind_int(st, 5, a->mac_given);
	sqlite3_bind_int64(st, 6, a->generation);
	sqlite3_bind_int64(st, 7, a->owner);
	sqlite3_bind_int64(st, 8, a->queues);
	sqlite3_bind_int(st, 9, a->vhost);
	sqlite3_bind_int64(st, 10, a->created);
	bind_text(st, 11, a->device ? a->device : "descriptors");
	sqlite3_bind_int64(st, 12, a->user);
	bind_text(st, 13, a->inside);
	return store_finish(s, st, NULL, err);
}

/* Two tables, so a savepoint: a refused address leaves no row without one. */
int store_allocation_put(struct store *s, const struct store_allocation *a, struct ticket *ret,
			 struct err *err)
{
	CLEAN_STATEMENT sqlite3_stmt *savepoint = NULL;
	int rc = store_get_change(s, SAVEPOINT, &savepoint, err);

	if (!rc)
		rc = store_finish(s, savepoint, NULL, err);
	if (rc)
		return rc;
	rc = put_row(s, a, err);
	if (!rc)
		rc = put_address(s, a, ret, err);
	if (rc && s->open)
		store_run(s, ROLLBACK_TO, NULL);
	if (s->open)
		store_run(s, RELEASE, NULL);
	return rc;
}

static int by_port(struct store *s, enum store_statement which, const struct store_allocation *a,
		   struct ticket *ret, struct err *err)
{
	CLEAN_STATEMENT sqlite3_stmt *st = NULL;
	int rc = store_get_change(s, which, &st, err);

	if (rc)
		return rc;
	bind_text(st, 1, a->network);
	bind_text(st, 2, a->guest);
	sqlite3_bind_int64(st, 3, a->nic);
	return store_finish(s, st, ret, err);
}

int store_unplugged_put(struct store *s, const struct store_allocation *a, struct ticket *ret,
			struct err *err)
{
	return by_port(s, UNPLUGGED_PUT, a, ret, err);
}

int store_unplugged_del(struct store *s, const struct store_allocation *a, struct ticket *ret,
			struct err *err)
{
	return by_port(s, UNPLUGGED_DEL, a, ret, err);
}

static int rest_mac(struct store *s, const struct store_allocation *a, int64_t now, int64_t rest,
		    struct err *err)
{
	CLEAN_STATEMENT sqlite3_stmt *expire = NULL, *put = NULL;
	int rc = store_get_change(s, REST_EXPIRE, &expire, err);

	if (rc)
		return rc;
	sqlite3_bind_int64(expire, 1, now);
	rc = store_finish(s, expire, NULL, err);
	if (!rc)
		rc = store_get_change(s, REST_PUT, &put, err);
	if (rc)
		return rc;
	bind_mac(put, 1, &a->mac);
	bind_text(put, 2, a->guest);
	sqlite3_bind_int64(put, 3, a->nic);
	sqlite3_bind_int64(put, 4, now + rest);
	return store_finish(s, put, NULL, err);
}

int store_allocation_del(struct store *s, const struct store_allocation *a, int64_t now,
			 int64_t rest, struct ticket *ret, struct err *err)
{
	int rc = by_port(s, LEASE_DEL_PORT, a, NULL, err);

	if (!rc && rest)
		rc = rest_mac(s, a, now, rest, err);
	return rc ? rc : by_port(s, ALLOCATION_DEL, a, ret, err);
}

int store_mac_rests(struct store *s, const struct mac *m, int64_t now, char ret_guest[NAME_SIZE],
		    uint32_t *ret_nic, bool *ret_rests, struct err *err)
{
	CLEAN_STATEMENT sqlite3_stmt *st = NULL;
	int rc = store_get(s, REST_GET, &st, err), step;

	if (rc)
		return rc;
	bind_mac(st, 1, m);
	sqlite3_bind_int64(st, 2, now);
	step = sqlite3_step(st);
	if (step != SQLITE_ROW && step != SQLITE_DONE)
		return store_fail(s, err);
	*ret_rests = step == SQLITE_ROW;
	if (*ret_rests) {
		column_text(st, 0, ret_guest, NAME_SIZE);
		*ret_nic = column_u32(st, 1);
	}
	return 0;
}

/* A row whose texts do not parse cannot be trusted: that is damage, too. */
static int bad_row(struct store *s, const char *table, struct err *err)
{
	return err_set(err, EBADMSG,
		       "state %s: it is damaged: a row of table %s cannot be understood", s->path,
		       table);
}

int store_allocation_list(struct store *s, const char *network, store_allocation_fn fn, void *arg,
			  struct err *err)
{
	CLEAN_STATEMENT sqlite3_stmt *st = NULL;
	int rc = store_get(s, ALLOCATION_LIST, &st, err), step;

	if (rc)
		return rc;
	bind_text(st, 1, network);
	while ((step = sqlite3_step(st)) == SQLITE_ROW) {
		struct store_allocation a = { .nic = column_u32(st, 2),
					      .mac_given = column_u32(st, 4),
					      .generation = column_u32(st, 5),
					      .owner = column_u32(st, 6),
					      .queues = column_u32(st, 7),
					      .vhost = column_u32(st, 8),
					      .created = sqlite3_column_int64(st, 9),
					      .address_given = column_u32(st, 11),
					      .device = (const char *)sqlite3_column_text(st, 12),
					      .user = column_u32(st, 13) };

		column_text(st, 0, a.network, sizeof(a.network));
		column_text(st, 1, a.guest, sizeof(a.guest));
		column_text(st, 14, a.inside, sizeof(a.inside));
		a.unplugged = column_u32(st, 15);
		if (!column_mac(st, 3, &a.mac) || !column_ip(st, 10, &a.address))
			return bad_row(s, "allocation", err);
		rc = fn(arg, &a);
		if (rc)
			return rc;
	}
	return step == SQLITE_DONE ? 0 : store_fail(s, err);
}

/* --- leases --- */

/* The columns from `state` on. */
static void bind_times(struct store *s, sqlite3_stmt *st, const struct store_lease *l)
{
	bind_text(st, 8, dhcp_lease_state_text(l->state));
	sqlite3_bind_int64(st, 9, l->seconds);
	sqlite3_bind_int64(st, 10, l->started_wall);
	sqlite3_bind_int64(st, 11, l->expires_wall);
	sqlite3_bind_int64(st, 12, l->started);
	sqlite3_bind_int64(st, 13, l->expires);
	bind_text(st, 14, s->boot);
}

int store_lease_put(struct store *s, const struct store_lease *l, struct ticket *ret,
		    struct err *err)
{
	CLEAN_STATEMENT sqlite3_stmt *st = NULL;
	int rc = store_get_change(s, LEASE_PUT, &st, err);

	if (rc)
		return rc;
	bind_text(st, 1, l->network);
	bind_ip(st, 2, l->address);
	bind_mac(st, 3, &l->mac);
	if (l->client_id)
		sqlite3_bind_blob(st, 4, l->client_id, (int)l->client_id_len, SQLITE_STATIC);
	if (l->hostname && *l->hostname)
		bind_text(st, 5, l->hostname);
	bind_text(st, 6, l->guest);
	sqlite3_bind_int64(st, 7, l->nic);
	bind_times(s, st, l);
	return store_finish(s, st, ret, err);
}

int store_lease_renew(struct store *s, const struct store_lease *l, struct ticket *ret,
		      struct err *err)
{
	CLEAN_STATEMENT sqlite3_stmt *st = NULL;
	int rc = store_get_change(s, LEASE_RENEW, &st, err);

	if (rc)
		return rc;
	bind_text(st, 1, l->network);
	bind_ip(st, 2, l->address);
	bind_times(s, st, l);
	return store_finish(s, st, ret, err);
}

int store_lease_set_wall(struct store *s, int64_t wall, int64_t slack, struct err *err)
{
	CLEAN_STATEMENT sqlite3_stmt *st = NULL;
	int rc = store_get_change(s, LEASE_WALL, &st, err);

	if (rc)
		return rc;
	bind_text(st, 1, s->boot);
	sqlite3_bind_int64(st, 2, wall);
	sqlite3_bind_int64(st, 3, slack);
	return store_finish(s, st, NULL, err);
}

int store_lease_end(struct store *s, const char *network, uint32_t address,
		    enum dhcp_lease_state state, struct ticket *ret, struct err *err)
{
	CLEAN_STATEMENT sqlite3_stmt *st = NULL;
	int rc = store_get_change(s, LEASE_END, &st, err);

	if (rc)
		return rc;
	bind_text(st, 1, network);
	bind_ip(st, 2, address);
	bind_text(st, 3, dhcp_lease_state_text(state));
	return store_finish(s, st, ret, err);
}

int store_lease_del(struct store *s, const char *network, uint32_t address, struct ticket *ret,
		    struct err *err)
{
	CLEAN_STATEMENT sqlite3_stmt *st = NULL;
	int rc = store_get_change(s, LEASE_DEL, &st, err);

	if (rc)
		return rc;
	bind_text(st, 1, network);
	bind_ip(st, 2, address);
	return store_finish(s, st, ret, err);
}

static bool read_lease(struct store *s, sqlite3_stmt *st, struct store_lease *l)
{
	const char *boot = (const char *)sqlite3_column_text(st, 13);
	const char *state = (const char *)sqlite3_column_text(st, 7);

	*l = (struct store_lease){ .client_id = sqlite3_column_blob(st, 3),
				   .client_id_len = (size_t)sqlite3_column_bytes(st, 3),
				   .hostname = (const char *)sqlite3_column_text(st, 4),
				   .nic = column_u32(st, 6),
				   .seconds = column_u32(st, 8),
				   .started_wall = sqlite3_column_int64(st, 9),
				   .expires_wall = sqlite3_column_int64(st, 10),
				   .started = sqlite3_column_int64(st, 11),
				   .expires = sqlite3_column_int64(st, 12),
				   .same_boot = boot && !strcmp(boot, s->boot) };
	if (!l->hostname)
		l->hostname = "";
	column_text(st, 0, l->network, sizeof(l->network));
	column_text(st, 5, l->guest, sizeof(l->guest));
	return column_ip(st, 1, &l->address) && column_mac(st, 2, &l->mac) && state &&
	       dhcp_lease_state_parse(state, &l->state);
}

int store_lease_list(struct store *s, const char *network, store_lease_fn fn, void *arg,
		     struct err *err)
{
	CLEAN_STATEMENT sqlite3_stmt *st = NULL;
	int rc = store_get(s, LEASE_LIST, &st, err), step;

	if (rc)
		return rc;
	if (network)
		bind_text(st, 1, network);
	while ((step = sqlite3_step(st)) == SQLITE_ROW) {
		struct store_lease l;

		if (!read_lease(s, st, &l))
			return bad_row(s, "lease", err);
		rc = fn(arg, &l);
		if (rc)
			return rc;
	}
	return step == SQLITE_DONE ? 0 : store_fail(s, err);
}

/* --- small things --- */

int store_subnet_get(struct store *s, const char *network, struct ip4_prefix *ret, struct err *err)
{
	CLEAN_STATEMENT sqlite3_stmt *st = NULL;
	int rc = store_get(s, SUBNET_GET, &st, err), step;

	if (rc)
		return rc;
	bind_text(st, 1, network);
	step = sqlite3_step(st);
	if (step == SQLITE_DONE)
		return -ENOENT;
	if (step != SQLITE_ROW)
		return store_fail(s, err);
	return ip4_prefix_parse((const char *)sqlite3_column_text(st, 0), ret) ?
		       0 :
		       bad_row(s, "subnet", err);
}

int store_subnet_put(struct store *s, const char *network, struct ip4_prefix p, struct err *err)
{
	CLEAN_STATEMENT sqlite3_stmt *st = NULL;
	int rc = store_get_change(s, SUBNET_PUT, &st, err);
	char text[IP4_PREFIX_TEXT_SIZE];

	if (rc)
		return rc;
	bind_text(st, 1, network);
	bind_text(st, 2, ip4_prefix_text(p, text));
	return store_finish(s, st, NULL, err);
}

int store_forwarding_list(struct store *s, int (*fn)(void *arg, const char *link), void *arg,
			  struct err *err)
{
	CLEAN_STATEMENT sqlite3_stmt *st = NULL;
	int rc = store_get(s, FORWARDING_LIST, &st, err), step;

	if (rc)
		return rc;
	bind_text(st, 1, s->boot);
	while ((step = sqlite3_step(st)) == SQLITE_ROW) {
		rc = fn(arg, (const char *)sqlite3_column_text(st, 0));
		if (rc)
			return rc;
	}
	return step == SQLITE_DONE ? 0 : store_fail(s, err);
}

int store_forwarding_put(struct store *s, const char *link, bool ours, struct err *err)
{
	CLEAN_STATEMENT sqlite3_stmt *st = NULL;
	int rc = store_get_change(s, ours ? FORWARDING_PUT : FORWARDING_DEL, &st, err);

	if (rc)
		return rc;
	bind_text(st, 1, link);
	if (ours)
		bind_text(st, 2, s->boot);
	return store_finish(s, st, NULL, err);
}

int store_joined_list(struct store *s, int (*fn)(void *arg, const char *link, bool was_up),
		      void *arg, struct err *err)
{
	CLEAN_STATEMENT sqlite3_stmt *st = NULL;
	int rc = store_get(s, JOINED_LIST, &st, err), step;

	if (rc)
		return rc;
	bind_text(st, 1, s->boot);
	while ((step = sqlite3_step(st)) == SQLITE_ROW) {
		rc = fn(arg, (const char *)sqlite3_column_text(st, 0),
			sqlite3_column_int(st, 1) != 0);
		if (rc)
			return rc;
	}
	return step == SQLITE_DONE ? 0 : store_fail(s, err);
}

int store_joined_put(struct store *s, const char *link, bool was_up, struct ticket *ret,
		     struct err *err)
{
	CLEAN_STATEMENT sqlite3_stmt *st = NULL;
	int rc = store_get_change(s, JOINED_PUT, &st, err);

	if (rc)
		return rc;
	bind_text(st, 1, link);
	bind_text(st, 2, s->boot);
	sqlite3_bind_int(st, 3, was_up);
	return store_finish(s, st, ret, err);
}

int store_joined_del(struct store *s, const char *link, struct err *err)
{
	CLEAN_STATEMENT sqlite3_stmt *st = NULL;
	int rc = store_get_change(s, JOINED_DEL, &st, err);

	if (rc)
		return rc;
	bind_text(st, 1, link);
	return store_finish(s, st, NULL, err);
}

int store_secret(struct store *s, struct siphash_key *ret, struct err *err)
{
	CLEAN_STATEMENT sqlite3_stmt *old = NULL, *put = NULL;
	struct siphash_key key;
	int rc = store_get(s, SECRET_GET, &old, err);

	if (rc)
		return rc;
	if (sqlite3_step(old) == SQLITE_ROW && sqlite3_column_bytes(old, 0) == (int)sizeof(key)) {
		memcpy(ret, sqlite3_column_blob(old, 0), sizeof(*ret));
		return 0;
	}
	if (getrandom(&key, sizeof(key), 0) != (ssize_t)sizeof(key))
		return err_sys(err, errno, "no random numbers");
	rc = store_get_change(s, SECRET_PUT, &put, err);
	if (rc)
		return rc;
	sqlite3_bind_blob(put, 1, &key, sizeof(key), SQLITE_TRANSIENT);
	rc = store_finish(s, put, NULL, err);
	if (!rc)
		*ret = key;
	return rc;
}

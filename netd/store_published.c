/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state's table of ports that were published at run time. The database removes the rows of an
 * allocation with it. */
#include <netinet/in.h>

#include "store_db.h"

static void bind_key(sqlite3_stmt *st, const struct store_published *p)
{
	char text[IP4_TEXT_SIZE];

	bind_text(st, 1, p->protocol == IPPROTO_TCP ? "tcp" : "udp");
	sqlite3_bind_text(st, 2, ip4_text(p->address, text), -1, SQLITE_TRANSIENT);
	sqlite3_bind_int(st, 3, p->port);
}

int store_published_put(struct store *s, const struct store_published *p, struct ticket *ret,
			struct err *err)
{
	CLEAN_STATEMENT sqlite3_stmt *st = NULL;
	int rc = store_get_change(s, PUBLISHED_PUT, &st, err);

	if (rc)
		return rc;
	bind_key(st, p);
	sqlite3_bind_int(st, 4, p->count);
	sqlite3_bind_int(st, 5, p->to);
	bind_text(st, 6, p->network);
	bind_text(st, 7, p->guest);
	sqlite3_bind_int64(st, 8, p->nic);
	return store_finish(s, st, ret, err);
}

int store_published_del(struct store *s, const struct store_published *p, struct ticket *ret,
			struct err *err)
{
	CLEAN_STATEMENT sqlite3_stmt *st = NULL;
	int rc = store_get_change(s, PUBLISHED_DEL, &st, err);

	if (rc)
		return rc;
	bind_key(st, p);
	return store_finish(s, st, ret, err);
}

/* A range that ends within the ports that there are. */
static bool is_range(sqlite3_int64 first, sqlite3_int64 count)
{
	return first >= 1 && count >= 1 && first <= UINT16_MAX && count <= UINT16_MAX &&
	       first + count - 1 <= UINT16_MAX;
}

static bool read_row(sqlite3_stmt *st, struct store_published *p)
{
	const char *protocol = (const char *)sqlite3_column_text(st, 0);
	const char *address = (const char *)sqlite3_column_text(st, 1);
	sqlite3_int64 port = sqlite3_column_int64(st, 2), count = sqlite3_column_int64(st, 3),
		      to = sqlite3_column_int64(st, 4);

	*p = (struct store_published){ .port = (uint16_t)port,
				       .count = (uint16_t)count,
				       .to = (uint16_t)to,
				       .nic = (uint32_t)sqlite3_column_int64(st, 7) };
	snprintf(p->network, sizeof(p->network), "%s", sqlite3_column_text(st, 5));
	snprintf(p->guest, sizeof(p->guest), "%s", sqlite3_column_text(st, 6));
	if (!protocol || (strcmp(protocol, "tcp") && strcmp(protocol, "udp")))
		return false;
	p->protocol = *protocol == 't' ? IPPROTO_TCP : IPPROTO_UDP;
	return address && ip4_parse(address, &p->address) && is_range(port, count) &&
	       is_range(to, count);
}

int store_published_list(struct store *s, const char *network, store_published_fn fn, void *arg,
			 struct err *err)
{
	CLEAN_STATEMENT sqlite3_stmt *st = NULL;
	int rc = store_get(s, PUBLISHED_LIST, &st, err), step;

	if (rc)
		return rc;
	bind_text(st, 1, network);
	while ((step = sqlite3_step(st)) == SQLITE_ROW) {
		struct store_published p;

		if (!read_row(st, &p))
			return err_set(
				err, EBADMSG,
				"state %s: it is damaged: a row of table published cannot be "
				"understood",
				s->path);
		rc = fn(arg, &p);
		if (rc)
			return rc;
	}
	return step == SQLITE_DONE ? 0 : store_fail(s, err);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state's table of uplinks that were moved. What one had is text: how far the move is, whether
 * its gateway answered, and while it is under way the addresses and routes, in hexadecimal.
 */
#include <stdlib.h>

#include "store_db.h"

#define MOVING "moving"
#define MOVED "moved"
#define ANSWERED "answered"
#define SILENT "silent"

static char *had_text(const struct store_uplink *u)
{
	static const char digit[] = "0123456789abcdef";
	char head[32], *text;
	size_t len, n = u->moving ? u->had_len : 0;

	snprintf(head, sizeof(head), "%s %s ", u->moving ? MOVING : MOVED,
		 u->answered ? ANSWERED : SILENT);
	len = strlen(head);
	text = malloc(len + 2 * n + 1);
	if (!text)
		return NULL;
	memcpy(text, head, len);
	for (size_t i = 0; i < n; i++) {
		text[len++] = digit[u->had[i] >> 4];
		text[len++] = digit[u->had[i] & 15];
	}
	text[len] = 0;
	return text;
}

static int nibble(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Sets had to octets that are the caller's. -EBADMSG when it cannot be understood. */
static int parse_had(const char *text, struct store_uplink *u, uint8_t **ret)
{
	char phase[16], gateway[16];
	int at = 0;
	size_t len;
	uint8_t *octets;

	if (!text || sscanf(text, "%15s %15s %n", phase, gateway, &at) != 2)
		return -EBADMSG;
	u->moving = !strcmp(phase, MOVING);
	u->answered = !strcmp(gateway, ANSWERED);
	if ((!u->moving && strcmp(phase, MOVED) != 0) ||
	    (!u->answered && strcmp(gateway, SILENT) != 0))
		return -EBADMSG;
	text += at;
	len = strlen(text);
	if (len % 2 || len > 2 * (size_t)RTNL_GOODS_MAX)
		return -EBADMSG;
	octets = malloc(len / 2 + 1);
	if (!octets)
		return -ENOMEM;
	for (size_t i = 0; i < len / 2; i++) {
		int high = nibble(text[2 * i]), low = nibble(text[2 * i + 1]);

		if (high < 0 || low < 0) {
			free(octets);
			return -EBADMSG;
		}
		octets[i] = (uint8_t)(high << 4 | low);
	}
	u->had = octets;
	u->had_len = len / 2;
	*ret = octets;
	return 0;
}

int store_uplink_list(struct store *s, int (*fn)(void *arg, const struct store_uplink *u),
		      void *arg, struct err *err)
{
	CLEAN_STATEMENT sqlite3_stmt *st = NULL;
	int rc = store_get(s, UPLINK_LIST, &st, err), step;

	if (rc)
		return rc;
	bind_text(st, 1, s->boot);
	while ((step = sqlite3_step(st)) == SQLITE_ROW) {
		CLEAN_FREE uint8_t *octets = NULL;
		struct store_uplink u = { 0 };

		snprintf(u.link, sizeof(u.link), "%s", sqlite3_column_text(st, 0));
		snprintf(u.network, sizeof(u.network), "%s", sqlite3_column_text(st, 1));
		rc = parse_had((const char *)sqlite3_column_text(st, 2), &u, &octets);
		if (rc == -EBADMSG)
			return err_set(err, EBADMSG,
				       "state %s: it is damaged: a row of table uplink cannot be "
				       "understood",
				       s->path);
		if (!rc)
			rc = fn(arg, &u);
		if (rc)
			return rc == -ENOMEM ? err_set(err, ENOMEM, "out of memory") : rc;
	}
	return step == SQLITE_DONE ? 0 : store_fail(s, err);
}

static int put(struct store *s, const struct store_uplink *u, const char *had, struct ticket *ret,
	       struct err *err)
{
	CLEAN_STATEMENT sqlite3_stmt *st = NULL;
	int rc = store_get_change(s, UPLINK_PUT, &st, err);

	if (rc)
		return rc;
	bind_text(st, 1, u->link);
	bind_text(st, 2, u->network);
	bind_text(st, 3, s->boot);
	bind_text(st, 4, had);
	return store_finish(s, st, ret, err);
}

int store_uplink_put(struct store *s, const struct store_uplink *u, struct ticket *ret,
		     struct err *err)
{
	char *had = had_text(u);
	int rc = had ? put(s, u, had, ret, err) : err_set(err, ENOMEM, "out of memory");

	free(had);
	return rc;
}

int store_uplink_del(struct store *s, const char *link, struct err *err)
{
	CLEAN_STATEMENT sqlite3_stmt *st = NULL;
	int rc = store_get_change(s, UPLINK_DEL, &st, err);

	if (rc)
		return rc;
	bind_text(st, 1, link);
	return store_finish(s, st, NULL, err);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Networks that are made and deleted at run time.
 *
 * Each is a row of the state that has the text of its block. What is in force is always what one
 * reading makes of the configuration's files and these texts, and becomes so by the same steps as
 * at a reload: a change is a row that comes or goes, and then that reading. So undoing one is
 * another row and another reading, whatever else has been made in the same turn.
 *
 * Its subnet is cut when it is made, and stands in the block: it stays as it is for as long as the
 * network does.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "config_keys.h"
#include "networks_made.h"
#include "reload.h"

enum { BLOCK_MAX = 49152 };

/* --- the state --- */

struct blocks {
	struct config_block *at;
	size_t n;
};

static void blocks_done(struct blocks *b)
{
	for (size_t i = 0; i < b->n; i++)
		free(b->at[i].text);
	free(b->at);
}

#define CLEAN_BLOCKS CLEANUP(blocks_done)

static int add_block(void *arg, const struct store_network *row)
{
	struct blocks *b = arg;
	struct config_block *all = realloc(b->at, (b->n + 1) * sizeof(*all));

	if (!all)
		return -ENOMEM;
	b->at = all;
	all += b->n;
	*all = (struct config_block){ .owner = row->owner,
				      .created = row->created,
				      .text = strdup(row->configuration) };
	memcpy(all->name, row->name, sizeof(all->name));
	if (!all->text)
		return -ENOMEM;
	b->n++;
	return 0;
}

static int read_blocks(struct daemon *d, struct blocks *b, struct err *err)
{
	int rc = store_network_list(d->store, add_block, b, err);

	return rc == -ENOMEM ? err_set(err, ENOMEM, "out of memory") : rc;
}

int made_read(struct daemon *d, const struct config *files, struct config **ret, struct err *err)
{
	CLEAN_BLOCKS struct blocks b = { 0 };
	int rc = read_blocks(d, &b, err);

	return rc ? rc : config_read_again(files, b.at, b.n, ret, err);
}

static void say_left_out(const struct config *c, const struct blocks *b)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct config_network *n = config_network_find(c, b->at[i].name);

		if (n && !n->made)
			log_warning("network %s: the one that was made at run time is left out, "
				    "since %s:%d has one of that name",
				    n->name, n->place.file, n->place.line);
	}
}

int made_load(struct daemon *d, struct err *err)
{
	CLEAN_BLOCKS struct blocks b = { 0 };
	struct config *c;
	int rc = read_blocks(d, &b, err);

	if (rc || !b.n)
		return rc;
	rc = config_read_again(d->config, b.at, b.n, &c, err);
	if (rc)
		return rc;
	config_free(d->config);
	d->config = c;
	say_left_out(c, &b);
	return 0;
}

/* --- what is in force --- */

/* A network that was as it should be, and would not be so any more; NULL: there is none. */
static const struct config_network *find_broken(const struct daemon *d, const struct config *c)
{
	for (unsigned i = 0; i < c->networks; i++) {
		const struct config_network *old =
			config_network_find(d->config, c->network[i].name);

		if (c->network[i].mistake && !(old && old->mistake))
			return &c->network[i];
	}
	return NULL;
}

/* What the state has now, in force. */
static int follow_state(struct daemon *d, struct err *err)
{
	struct config *c;
	int rc = made_read(d, d->config, &c, err);

	if (rc)
		return rc;
	reload_apply(d, c);
	return reconcile(d, err);
}

static void follow_state_back(struct daemon *d)
{
	struct err err;

	if (follow_state(d, &err))
		log_error("%s", err.text);
}

/* --- the text --- */

static char *block_text(const struct network_request *q)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	fprintf(out, "network %s {\n\tmode = ", q->name);
	config_write_text(q->mode ? q->mode : "nat", out);
	fputs("\n\tsubnet = ", out);
	config_write_text(q->subnet ? q->subnet : "auto", out);
	fprintf(out, "\n%s\n}\n", q->configuration ? q->configuration : "");
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

static char *canonical_text(const struct config_network *n)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	config_network_print(n, out);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

/* The configuration in force, with this block behind the others; a mistake of it is an error. */
static int read_with(struct daemon *d, const struct network_request *q, const char *text,
		     struct config **ret, struct err *err)
{
	struct blocks b = { 0 };
	struct store_network row = { .owner = q->owner,
				     .created = loop_wall(d->loop),
				     .configuration = text };
	const struct config_network *wrong;
	struct config *c;
	int rc = read_blocks(d, &b, err);

	snprintf(row.name, sizeof(row.name), "%s", q->name);
	if (!rc && add_block(&b, &row))
		rc = err_set(err, ENOMEM, "out of memory");
	if (!rc)
		rc = config_read_again(d->config, b.at, b.n, &c, err);
	blocks_done(&b);
	if (rc)
		return rc;
	wrong = find_broken(d, c);
	if (!wrong && config_network_find(c, q->name)) {
		*ret = c;
		return 0;
	}
	rc = wrong ? err_set(err, EINVAL, "%s", wrong->mistake) :
		     err_set(err, ENOSPC, "there are %d networks, which is all there can be",
			     CONFIG_NETWORKS_MAX);
	config_free(c);
	return rc;
}

/* The one that was read last. */
static struct config_network *newest(struct config *c)
{
	return &c->network[c->networks - 1];
}

/* The lowest /24 of the supernet that nothing else uses. */
static int cut_subnet(struct daemon *d, struct config_network *c, struct err *err)
{
	CLEAN_FREE struct bridge_taken *taken = NULL;
	struct network probe = { .slot = CONFIG_NETWORKS_MAX, .config = c };
	size_t count = 0;
	int rc;

	if (!c->auto_subnet || bridge_mode_lan(c->mode))
		return 0;
	rc = network_taken(d, &probe, NULL, &taken, &count, err);
	if (!rc)
		rc = bridge_subnet_next(d->config->supernet.at, d->config->supernet.n, taken, count,
					&c->subnet, err);
	c->auto_subnet = rc != 0;
	return rc;
}

/* The block as the configuration would have it, with its subnet. */
static int make_text(struct daemon *d, const struct network_request *q, char **ret,
		     struct refusal *r)
{
	CLEAN_FREE char *text = block_text(q);
	struct config *c;
	struct err err;

	if (!text)
		return refuse(r, REFUSED_SYSTEM, NULL, NULL);
	if (strlen(text) > BLOCK_MAX)
		return refuse(r, REFUSED_PARAMETER, "configuration", "it is too long");
	if (read_with(d, q, text, &c, &err))
		return refuse_err(r, REFUSED_CONFIGURATION, &err);
	if (cut_subnet(d, newest(c), &err)) {
		config_free(c);
		err_wrap(&err, 0, "network '%s'", q->name);
		return refuse_err(r, REFUSED_SYSTEM, &err);
	}
	*ret = canonical_text(newest(c));
	config_free(c);
	return *ret ? 0 : refuse(r, REFUSED_SYSTEM, NULL, NULL);
}

/* --- create --- */

static const char *place_text(const struct config_network *n, char *buf, size_t size)
{
	if (n->made)
		snprintf(buf, size, "the state, where it was made at run time");
	else if (n->place.file)
		snprintf(buf, size, "%.120s:%d", n->place.file, n->place.line);
	else
		snprintf(buf, size, "the built-in configuration");
	return buf;
}

static int check_create(struct daemon *d, const struct network_request *q, struct refusal *r)
{
	const char *why = bridge_name_refusal(q->name);
	const struct config_network *old;
	char place[200];

	if (why)
		return refuse(r, REFUSED_PARAMETER, "name", why);
	old = config_network_find(d->config, q->name);
	if (old)
		return refuse(r, REFUSED_EXISTS, q->name, place_text(old, place, sizeof(place)));
	return 0;
}

struct collected {
	const char *network;
	struct refusal *r;
};

/* What is wrong with others was so before. */
static int keep_own(void *arg, const char *network, const char *key, const struct refusal *r)
{
	const struct collected *own = arg;

	(void)key;
	if (strcmp(network, own->network))
		return 0;
	*own->r = *r;
	return -1;
}

static int check_reading(struct daemon *d, const char *name, struct config *c, struct refusal *r)
{
	struct collected own = { name, r };
	struct reload_check check = { .refused = keep_own, .arg = &own };

	return reload_check(d, c, &check);
}

static int store(struct daemon *d, const struct network_request *q, const char *text,
		 struct ticket *ticket, struct refusal *r)
{
	struct store_network row = { .owner = q->owner,
				     .created = loop_wall(d->loop),
				     .configuration = text };
	struct err err;
	int rc;

	snprintf(row.name, sizeof(row.name), "%s", q->name);
	rc = store_network_put(d->store, &row, ticket, &err);
	if (rc == -EEXIST)
		return refuse(r, REFUSED_EXISTS, q->name,
			      "the state, where it was made at run time");
	return rc ? refuse_err(r, REFUSED_STORAGE, &err) : 0;
}

/* Takes c over. */
static int bring_up(struct daemon *d, const char *name, struct config *c, struct refusal *r)
{
	const struct network *n;
	struct err err;

	reload_apply(d, c);
	if (reconcile(d, &err))
		return refuse_err(r, REFUSED_SYSTEM, &err);
	n = network_find(d, name);
	/* Its uplink's gateway may take its time to answer. */
	if (n && (n->up || lan_moves(n)))
		return 0;
	refuse(r, REFUSED_NETWORK_DOWN, name, NULL);
	if (n)
		r->detail = n->why_not;
	return -1;
}

static void unstore(struct daemon *d, const char *name)
{
	struct err err;

	if (store_network_del(d->store, name, NULL, &err))
		log_error("network %s: %s", name, err.text);
}

static int create(struct daemon *d, const struct network_request *q, struct ticket *ticket,
		  struct refusal *r)
{
	CLEAN_FREE char *text = NULL;
	struct config *c;
	struct err err;

	if (check_create(d, q, r) || make_text(d, q, &text, r))
		return -1;
	if (read_with(d, q, text, &c, &err))
		return refuse_err(r, REFUSED_CONFIGURATION, &err);
	if (check_reading(d, q->name, c, r) || store(d, q, text, ticket, r)) {
		config_free(c);
		return -1;
	}
	if (!bring_up(d, q->name, c, r))
		return 0;
	unstore(d, q->name);
	follow_state_back(d);
	return -1;
}

static struct network_change *change_new(struct daemon *d, const char *name, bool deleted)
{
	struct network_change *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->daemon = d;
	c->deleted = deleted;
	snprintf(c->name, sizeof(c->name), "%s", name);
	return c;
}

int network_create(struct daemon *d, const struct network_request *q, struct network_change **ret,
		   struct ticket *ticket, struct refusal *r)
{
	struct network_change *c = change_new(d, q->name, false);

	if (!c)
		return refuse(r, REFUSED_SYSTEM, NULL, NULL);
	if (create(d, q, ticket, r)) {
		free(c);
		return -1;
	}
	*ret = c;
	return 0;
}

/* --- delete --- */

/* NULL: it is refused. */
static struct network *check_delete(struct daemon *d, const char *name, bool force,
				    struct refusal *r)
{
	struct network *n = network_find(d, name);
	char place[140], why[220];

	if (!n) {
		refuse(r, REFUSED_NO_NETWORK, name, NULL);
		return NULL;
	}
	if (!n->config->made) {
		snprintf(why, sizeof(why), "network '%.60s' stands at %s", name,
			 place_text(n->config, place, sizeof(place)));
		refuse(r, REFUSED_PARAMETER, "name", why);
		return NULL;
	}
	if (n->attached && !force) {
		reload_refuse_in_use(d, n, r);
		return NULL;
	}
	return n;
}

/* Who names it would be wrong without it. */
static int check_without(struct daemon *d, const char *name, struct refusal *r)
{
	CLEAN_BLOCKS struct blocks b = { 0 };
	const struct config_network *wrong;
	struct config *c;
	struct err err;
	size_t at = 0;

	if (read_blocks(d, &b, &err))
		return refuse_err(r, REFUSED_STORAGE, &err);
	while (at < b.n && strcmp(b.at[at].name, name))
		at++;
	if (at < b.n) {
		free(b.at[at].text);
		memmove(&b.at[at], &b.at[at + 1], (b.n - at - 1) * sizeof(*b.at));
		b.n--;
	}
	if (config_read_again(d->config, b.at, b.n, &c, &err))
		return refuse_err(r, REFUSED_CONFIGURATION, &err);
	wrong = find_broken(d, c);
	if (wrong)
		err_put(&err, "%s", wrong->mistake);
	config_free(c);
	return wrong ? refuse_err(r, REFUSED_CONFIGURATION, &err) : 0;
}

static int detach_all(struct daemon *d, const struct network *n, struct refusal *r)
{
	struct port *p;

	for (uint32_t at = 0; (p = port_next(d, &at));)
		if (p->network == n->slot && p->ifindex && port_detach(d, p->guest, p->nic, r))
			return -1;
	return 0;
}

static int delete (struct daemon *d, const char *name, bool force, struct ticket *ticket,
		   struct refusal *r)
{
	const struct network *n = check_delete(d, name, force, r);
	struct err err;

	if (!n || check_without(d, name, r) || detach_all(d, n, r))
		return -1;
	if (store_network_del(d->store, name, ticket, &err))
		return refuse_err(r, REFUSED_STORAGE, &err);
	/* It is gone; what the host has left of it, and could not be removed, is found again. */
	follow_state_back(d);
	return 0;
}

int network_delete(struct daemon *d, const char *name, bool force, struct network_change **ret,
		   struct ticket *ticket, struct refusal *r)
{
	struct network_change *c = change_new(d, name, true);

	if (!c)
		return refuse(r, REFUSED_SYSTEM, NULL, NULL);
	if (delete (d, name, force, ticket, r)) {
		free(c);
		return -1;
	}
	*ret = c;
	return 0;
}

/* --- the end --- */

static void tell(const struct network_change *c)
{
	const struct network *n = network_find(c->daemon, c->name);
	char text[IP4_PREFIX_TEXT_SIZE];
	struct event *e =
		event_add(c->daemon, c->deleted ? EVENT_NETWORK_DELETED : EVENT_NETWORK_CREATED);

	memcpy(e->network, c->name, sizeof(e->network));
	if (!c->deleted && n)
		snprintf(e->detail, sizeof(e->detail), "%s, %s", config_mode_text(n->config->mode),
			 n->subnet.len ? ip4_prefix_text(n->subnet, text) : "no subnet");
	log_info("network %s is %s", c->name, c->deleted ? "deleted" : "made");
}

void network_change_end(struct network_change *c, enum network_change_end end)
{
	struct daemon *d = c->daemon;

	switch (end) {
	case NETWORK_CHANGE_UNKNOWN:
		if (!c->deleted) {
			unstore(d, c->name);
			follow_state_back(d);
			break;
		}
		/* fall through */
	case NETWORK_CHANGE_KNOWN:
		tell(c);
		break;
	case NETWORK_CHANGE_TAKEN_BACK:
		follow_state_back(d);
		break;
	}
	free(c);
}

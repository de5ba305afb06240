/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration together with the networks that were made at run time: the texts of its files,
 * as they were read, and then one text for each such network, by the same reader. Called by those
 * who have the state.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "config_read.h"

enum { SOURCE_NAME_SIZE = NAME_SIZE + 8 };

static const char *source_name(const struct config_block *b, char buf[SOURCE_NAME_SIZE])
{
	snprintf(buf, SOURCE_NAME_SIZE, "state:%s", b->name);
	return buf;
}

/* One that is wrong keeps its name, so that nothing of it is taken for nobody's. */
static int add_mistaken(struct config *c, const struct config_block *b, const char *mistake,
			struct err *err)
{
	struct config_network *n;

	if (config_network_find(c, b->name) || c->networks == CONFIG_NETWORKS_MAX)
		return 0;
	n = config_add_network(c);
	if (!n)
		return err_set(err, ENOMEM, "out of memory");
	memcpy(n->name, b->name, sizeof(n->name));
	n->mode = BRIDGE_MODE_ISOLATED;
	n->dhcp = false;
	n->made = true;
	n->owner = b->owner;
	n->created = b->created;
	n->mistake = strdup(mistake);
	return n->mistake ? 0 : err_set(err, ENOMEM, "out of memory");
}

static int read_all(struct config *c, const struct config *old, const struct config_block *block,
		    size_t n, const struct err *mistake, struct err *err)
{
	char name[SOURCE_NAME_SIZE];
	int rc = 0;

	for (unsigned i = 0; i < old->sources && !rc; i++)
		rc = config_read_text(c, old->source[i].file, old->source[i].text, NULL, err);
	if (!rc && !old->sources)
		rc = config_add_builtin(c, err);
	for (size_t i = 0; i < n && !rc; i++)
		rc = mistake[i].text[0] ? add_mistaken(c, &block[i], mistake[i].text, err) :
					  config_read_text(c, source_name(&block[i], name),
							   block[i].text, &block[i], err);
	return rc ? rc : config_finish(c, err);
}

/* It can be read again from what is read now. */
static int keep_sources(struct config *c, const struct config *old)
{
	c->source = calloc(old->sources + 1, sizeof(*c->source));
	if (!c->source)
		return -ENOMEM;
	for (; c->sources < old->sources; c->sources++) {
		struct config_source *s = &c->source[c->sources];

		s->text = strdup(old->source[c->sources].text);
		if (!s->text)
			return -ENOMEM;
		s->file = c->file[c->sources]; /* the files were read first, and in this order */
	}
	return 0;
}

static int attempt(const struct config *old, const struct config_block *block, size_t n,
		   const struct err *mistake, struct config **ret, struct err *err)
{
	struct config *c = config_new();
	int rc = c ? read_all(c, old, block, n, mistake, err) : -ENOMEM;

	if (!rc)
		rc = keep_sources(c, old);
	if (!rc) {
		*ret = c;
		return 0;
	}
	config_free(c);
	config_one_line(err);
	return rc == -ENOMEM ? err_set(err, ENOMEM, "out of memory") : rc;
}

/* The block that an error is of, as it says itself; n: of none that is still taken for good. */
static size_t find_named(const struct config_block *block, size_t n, const struct err *mistake,
			 const struct err *err)
{
	char name[SOURCE_NAME_SIZE];

	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(source_name(&block[i], name));

		if (!mistake[i].text[0] && !strncmp(err->text, name, len) && err->text[len] == ':')
			return i;
	}
	return n;
}

/* The first with which those before it cannot be read any more. */
static size_t find_culprit(const struct config *old, const struct config_block *block, size_t n,
			   const struct err *mistake, struct err *err)
{
	size_t named = find_named(block, n, mistake, err), i = 0;
	struct config *c;

	if (named < n)
		return named;
	for (; i < n; i++) {
		int rc = mistake[i].text[0] ? 0 : attempt(old, block, i + 1, mistake, &c, err);

		if (rc)
			return i;
		if (!mistake[i].text[0])
			config_free(c);
	}
	return n;
}

int config_read_again(const struct config *old, const struct config_block *block, size_t n,
		      struct config **ret, struct err *err)
{
	struct err *mistake = calloc(n + 1, sizeof(*mistake)), why = { 0 };
	int rc = mistake ? attempt(old, NULL, 0, mistake, ret, err) :
			   err_set(err, ENOMEM, "out of memory");

	if (rc || !n) {
		free(mistake);
		return rc;
	}
	config_free(*ret);
	while ((rc = attempt(old, block, n, mistake, ret, &why)) && rc != -ENOMEM) {
		size_t i = find_culprit(old, block, n, mistake, &why);

		if (i == n)
			break;
		mistake[i] = why;
	}
	free(mistake);
	return rc ? err_set(err, -rc, "%s", why.text) : 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bridge.conf, as QEMU's qemu-bridge-helper.c understands it: lines `allow NAME`, `deny NAME` and
 * `include FILE`, NAME `all` for every bridge; '#' begins a comment where a line does. What is
 * allowed and not denied, in whatever order, is allowed. A line is at most 4,095 octets; more of it
 * is another line. A name that is too long for a link's is a mistake.
 *
 * Files that include one another are read once each, which gives the same rules.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "helper.h"

enum { LINE_SIZE = 4096, DEPTH_MAX = 64, FILES_MAX = 4096 };

struct seen_file {
	dev_t dev;
	ino_t ino;
};

struct reader {
	struct acl *acl;
	struct seen_file *seen;
	size_t n;
	unsigned depth;
	bool over; /* a limit of ours, or memory: a rule that denies could be missing */
};

static int read_file(struct reader *r, const char *path, struct err *err);

/* Whether this file is to be read: a regular one that was not read yet. */
static int enter_file(struct reader *r, FILE *f, const char *path, bool *ret_again, struct err *err)
{
	struct seen_file *grown;
	struct stat st;

	if (fstat(fileno(f), &st) < 0)
		return err_sys(err, errno, "cannot look at %s", path);
	if (S_ISDIR(st.st_mode))
		return err_sys(err, EISDIR, "cannot read %s", path);
	for (size_t i = 0; i < r->n; i++)
		if (r->seen[i].dev == st.st_dev && r->seen[i].ino == st.st_ino)
			*ret_again = true;
	if (*ret_again)
		return 0;
	grown = r->n < FILES_MAX ? realloc(r->seen, (r->n + 1) * sizeof(*grown)) : NULL;
	if (!grown) {
		r->over = true;
		return err_set(err, ELOOP, "%s: there are too many included files", path);
	}
	r->seen = grown;
	r->seen[r->n++] = (struct seen_file){ st.st_dev, st.st_ino };
	return 0;
}

static int add_rule(struct reader *r, bool deny, const char *name, struct err *err)
{
	struct acl *a = r->acl;
	struct acl_rule *grown = realloc(a->rule, (a->n + 1) * sizeof(*grown));

	if (!grown) {
		r->over = true;
		return err_set(err, ENOMEM, "out of memory");
	}
	a->rule = grown;
	grown += a->n++;
	*grown = (struct acl_rule){ .deny = deny, .all = !strcmp(name, "all") };
	snprintf(grown->name, sizeof(grown->name), "%s", name);
	return 0;
}

/* A limit that was reached is the end. Anything else leaves what was read until then. */
static int include(struct reader *r, const char *path, struct err *err)
{
	int rc = read_file(r, path, err);

	if (r->over)
		return rc;
	if (rc && r->acl->warn)
		r->acl->warn(err->text);
	return 0;
}

static char *skip_spaces(char *text)
{
	while (isspace((unsigned char)*text))
		text++;
	return text;
}

/* The word behind the first blank, or else the first tab, of a line, which ends there. NULL: there
 * is none. */
static char *split(char *line)
{
	char *arg = strchr(line, ' '), *end;

	if (!arg)
		arg = strchr(line, '\t');
	if (!arg)
		return NULL;
	*arg = 0;
	arg = skip_spaces(arg + 1);
	end = arg + strlen(arg);
	while (end != arg && isspace((unsigned char)end[-1]))
		end--;
	*end = 0;
	return arg;
}

static int read_line(struct reader *r, char *line, const char *path, unsigned number,
		     struct err *err)
{
	char *command = skip_spaces(line), *arg;

	if (!*command || *command == '#')
		return 0;
	arg = split(command);
	if (!arg)
		return err_set(err, EINVAL, "%s:%u: '%.*s' is not followed by a name", path, number,
			       (int)strcspn(command, "\n"), command);
	if (strcmp(command, "include") && strlen(arg) >= IFNAMSIZ)
		return err_set(err, EINVAL, "%s:%u: name '%s' is longer than %d characters", path,
			       number, arg, IFNAMSIZ - 1);
	if (!strcmp(command, "deny") || !strcmp(command, "allow"))
		return add_rule(r, *command == 'd', arg, err);
	if (!strcmp(command, "include"))
		return include(r, arg, err);
	return err_set(err, EINVAL, "%s:%u: '%s' is not allow, deny or include", path, number,
		       command);
}

static int read_lines(struct reader *r, FILE *f, const char *path, struct err *err)
{
	char line[LINE_SIZE];
	unsigned number = 0;
	int rc = 0;

	while (!rc && fgets(line, sizeof(line), f))
		rc = read_line(r, line, path, ++number, err);
	return rc;
}

static int read_file(struct reader *r, const char *path, struct err *err)
{
	CLEAN_FILE FILE *f = NULL;
	bool again = false;
	int rc;

	if (r->depth == DEPTH_MAX) {
		r->over = true;
		return err_set(err, ELOOP, "%s: files are included more than %d deep", path,
			       DEPTH_MAX);
	}
	f = fopen(path, "re");
	if (!f)
		return err_sys(err, errno, "cannot read %s", path);
	rc = enter_file(r, f, path, &again, err);
	if (rc || again)
		return rc;
	r->depth++;
	rc = read_lines(r, f, path, err);
	r->depth--;
	return rc;
}

int acl_read(struct acl *a, const char *path, struct err *err)
{
	struct reader r = { .acl = a };
	int rc = read_file(&r, path, err);

	free(r.seen);
	return rc;
}

void acl_done(struct acl *a)
{
	free(a->rule);
	a->rule = NULL;
	a->n = 0;
}

static bool matches(const struct acl *a, bool deny, const char *name)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->rule[i].deny == deny && (a->rule[i].all || !strcmp(a->rule[i].name, name)))
			return true;
	return false;
}

bool acl_denies(const struct acl *a, const char *name)
{
	return matches(a, true, name);
}

bool acl_allows(const struct acl *a, const char *name)
{
	return matches(a, false, name) && !acl_denies(a, name);
}

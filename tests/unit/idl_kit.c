/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>

#include "idl_kit.h"
#include "scratch.h"

#define FILE_NAME "netd/io.netd.varlink"

/* The text that is left; of one process, that of the test. */
static const char *at;

static void skip_space(void)
{
	while (isspace((unsigned char)*at) || *at == '#')
		at += *at == '#' ? strcspn(at, "\n") : 1;
}

static bool take(const char *token)
{
	skip_space();
	if (strncmp(at, token, strlen(token)))
		return false;
	at += strlen(token);
	return true;
}

static void must_take(const char *token)
{
	ck_assert_msg(take(token), FILE_NAME ": no '%s' before '%.40s'", token, at);
}

/* Letters, digits, and whatever else is said. */
static void take_word(const char *also, char *ret, size_t size)
{
	size_t n = 0;

	skip_space();
	while (isalnum((unsigned char)at[n]) || (at[n] && strchr(also, at[n])))
		n++;
	ck_assert_msg(n && n < size, FILE_NAME ": no name before '%.40s'", at);
	memcpy(ret, at, n);
	ret[n] = 0;
	at += n;
}

static void take_type(struct idl_member *m)
{
	m->optional = take("?");
	if (take("(")) {
		strcpy(m->type, "()");
		at += strcspn(at, ")");
		must_take(")");
		return;
	}
	take_word("[]", m->type, sizeof(m->type));
}

/* Members in parentheses; those of an enum have no type. Says whether it is one. */
static bool take_members(struct idl_members *ret)
{
	bool is_enum = false;

	must_take("(");
	while (!take(")")) {
		struct idl_member *m = &ret->at[ret->n++];

		ck_assert_uint_lt(ret->n, IDL_MEMBERS);
		take_word("_", m->name, sizeof(m->name));
		if (take(":"))
			take_type(m);
		else
			is_enum = true;
		if (!take(",")) {
			must_take(")");
			break;
		}
	}
	return is_enum;
}

static struct idl_entry *add_entry(struct idl_entry *entries, unsigned *n)
{
	struct idl_entry *e = &entries[(*n)++];

	ck_assert_uint_lt(*n, IDL_ENTRIES);
	take_word("", e->name, sizeof(e->name));
	ck_assert(isupper((unsigned char)e->name[0]));
	ck_assert_ptr_eq(idl_find(entries, *n, e->name), e); /* no second of the name */
	e->is_enum = take_members(&e->in);
	return e;
}

const struct idl *idl_read(void)
{
	static struct idl idl;
	size_t len;
	CLEAN_FREE char *text = scratch_read(FILE_NAME, &len);

	memset(&idl, 0, sizeof(idl));
	at = text;
	must_take("interface");
	take_word(".", idl.interface, sizeof(idl.interface));
	for (skip_space(); *at; skip_space()) {
		if (take("type ")) {
			add_entry(idl.type, &idl.types);
		} else if (take("error ")) {
			add_entry(idl.error, &idl.errors);
		} else {
			struct idl_entry *e;

			must_take("method ");
			e = add_entry(idl.method, &idl.methods);
			must_take("->");
			take_members(&e->out);
		}
	}
	at = NULL;
	return &idl;
}

const struct idl_entry *idl_find(const struct idl_entry *entries, unsigned n, const char *name)
{
	for (unsigned i = 0; i < n; i++)
		if (!strcmp(entries[i].name, name))
			return &entries[i];
	return NULL;
}

const struct idl_member *idl_member(const struct idl_members *m, const char *name)
{
	for (unsigned i = 0; i < m->n; i++)
		if (!strcmp(m->at[i].name, name))
			return &m->at[i];
	return NULL;
}

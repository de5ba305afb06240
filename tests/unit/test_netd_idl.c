/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The interface definition, which clients are written from, and the methods as netd has them. */
#include <ctype.h>

#include "api.h"
#include "idl_kit.h"

static const struct idl *idl;

static void read_idl(void)
{
	idl = idl_read();
}

/* The type of an IDL member on the wire, in words of the table. */
static const char *wire_type(const struct idl_member *m)
{
	const struct idl_entry *named = idl_find(idl->type, idl->types, m->type);

	return !strcmp(m->type, "()") || (named && named->is_enum) ? "string" : m->type;
}

/* --- from the table to the definition --- */

static const char prefix[] = "io.netd.";

static void check_parameter(void *arg, const char *method, const char *name, const char *type,
			    bool required)
{
	const struct idl_entry *defined;
	const struct idl_member *m;

	(void)arg;
	if (strncmp(method, prefix, strlen(prefix)))
		return;
	defined = idl_find(idl->method, idl->methods, method + strlen(prefix));
	ck_assert_msg(defined != NULL, "%s is not defined", method);
	if (!name)
		return;
	m = idl_member(&defined->in, name);
	ck_assert_msg(m != NULL, "%s: parameter %s is not defined", method, name);
	ck_assert_msg(!strcmp(wire_type(m), type), "%s: %s is a %s, and defined as %s", method,
		      name, type, m->type);
	ck_assert_msg(m->optional == !required, "%s: %s is %s", method, name,
		      required ? "required" : "optional");
}

START_TEST(methods_are_defined)
{
	api_methods(check_parameter, NULL);
}
END_TEST

/* --- and back --- */

struct wanted {
	const char *method; /* without prefix */
	const char *name;   /* NULL: the method itself */
	bool found;
};

static void look_for(void *arg, const char *method, const char *name, const char *type,
		     bool required)
{
	struct wanted *w = arg;
	bool same = !name || !w->name ? name == w->name : !strcmp(name, w->name);

	(void)type;
	(void)required;
	if (same && !strncmp(method, prefix, strlen(prefix)) &&
	    !strcmp(method + strlen(prefix), w->method))
		w->found = true;
}

START_TEST(definitions_have_methods)
{
	ck_assert_str_eq(idl->interface, "io.netd");
	ck_assert_uint_gt(idl->methods, 9);
	for (unsigned i = 0; i < idl->methods; i++) {
		const struct idl_entry *e = &idl->method[i];
		struct wanted w = { .method = e->name };

		api_methods(look_for, &w);
		ck_assert_msg(w.found, "there is no method %s", e->name);
		for (unsigned m = 0; m < e->in.n; m++) {
			w = (struct wanted){ .method = e->name, .name = e->in.at[m].name };
			api_methods(look_for, &w);
			ck_assert_msg(w.found, "%s has no parameter %s", e->name, w.name);
		}
	}
}
END_TEST

/* --- org.varlink.service, whose definition is not ours --- */

static void add_service(void *arg, const char *method, const char *name, const char *type,
			bool required)
{
	char *text = arg;

	if (strncmp(method, "org.varlink.service.", 20))
		return;
	if (name)
		sprintf(text + strlen(text), "(%s: %s%s)", name, required ? "" : "?", type);
	else
		sprintf(text + strlen(text), " %s", method + 20);
}

START_TEST(service_interface)
{
	char text[256] = "";

	api_methods(add_service, text);
	ck_assert_str_eq(text, " GetInfo GetInterfaceDescription(interface: string)");
}
END_TEST

/* --- the definition itself --- */

/* Of [], [string] and the like, what is behind the brackets. */
static const char *element(const char *type)
{
	const char *end = strrchr(type, ']');

	return end ? end + 1 : type;
}

static void check_members(const char *where, const struct idl_members *m)
{
	static const char *const builtin[] = { "bool", "int", "float", "string", "object", "()" };

	for (unsigned i = 0; i < m->n; i++) {
		const char *type = element(m->at[i].type);
		bool known = idl_find(idl->type, idl->types, type) != NULL;

		for (size_t b = 0; b < ARRAY_SIZE(builtin); b++)
			known = known || !strcmp(type, builtin[b]);
		ck_assert_msg(known, "%s: %s is a %s, which is nothing", where, m->at[i].name,
			      type);
		ck_assert_msg(islower((unsigned char)m->at[i].name[0]) &&
				      !strchr(m->at[i].name, '_'),
			      "%s: %s", where, m->at[i].name);
		ck_assert_ptr_eq(idl_member(m, m->at[i].name), &m->at[i]); /* no second */
	}
}

START_TEST(definition_is_sound)
{
	for (unsigned i = 0; i < idl->types; i++)
		if (!idl->type[i].is_enum)
			check_members(idl->type[i].name, &idl->type[i].in);
	for (unsigned i = 0; i < idl->methods; i++) {
		check_members(idl->method[i].name, &idl->method[i].in);
		check_members(idl->method[i].name, &idl->method[i].out);
	}
	for (unsigned i = 0; i < idl->errors; i++)
		check_members(idl->error[i].name, &idl->error[i].in);
}
END_TEST

UNIT_SUITE(netd_idl)
{
	tcase_add_checked_fixture(tc, read_idl, NULL);
	tcase_add_test(tc, methods_are_defined);
	tcase_add_test(tc, definitions_have_methods);
	tcase_add_test(tc, service_interface);
	tcase_add_test(tc, definition_is_sound);
}

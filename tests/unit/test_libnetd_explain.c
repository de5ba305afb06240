/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every error that netd can name has a sentence for people, and an errno for programs. */
#include "client.h"
#include "idl_kit.h"

/* --- all errors of the interface --- */

/* Parameters of an error as netd would send them: each text says which it is, numbers count. */
static json_t *sample_parameters(const struct idl_entry *e)
{
	json_t *o = json_object();

	for (unsigned i = 0; i < e->in.n; i++) {
		const struct idl_member *m = &e->in.at[i];
		json_t *v = strcmp(m->type, "int") ? json_sprintf("<%s>", m->name) :
						     json_integer(7000 + (int)i);

		ck_assert_int_eq(json_object_set_new(o, m->name, v), 0);
	}
	return o;
}

/* What append_value writes for a placeholder that is no parameter is a question mark. */
START_TEST(has_a_sentence)
{
	const struct idl *idl = idl_read();

	ck_assert_uint_gt(idl->errors, 15);
	for (unsigned i = 0; i < idl->errors; i++) {
		json_t *parameters = sample_parameters(&idl->error[i]);
		char name[80];
		struct err err;

		snprintf(name, sizeof(name), "%s.%s", idl->interface, idl->error[i].name);
		client_explain(name, parameters, &err);
		ck_assert_msg(!strstr(err.text, name), "%s has no sentence", name);
		ck_assert_msg(err.text[0] && !strpbrk(err.text, "?{}"), "%s: %s", name, err.text);
		json_decref(parameters);
	}
}
END_TEST

/* What netd says of an error is not kept from the user: each parameter is in the sentence. */
START_TEST(names_every_parameter)
{
	const struct idl *idl = idl_read();

	for (unsigned i = 0; i < idl->errors; i++) {
		const struct idl_entry *e = &idl->error[i];
		json_t *parameters = sample_parameters(e);
		char name[80], value[64];
		struct err err;

		snprintf(name, sizeof(name), "%s.%s", idl->interface, e->name);
		client_explain(name, parameters, &err);
		for (unsigned m = 0; m < e->in.n; m++) {
			if (strcmp(e->in.at[m].type, "int"))
				snprintf(value, sizeof(value), "<%s>", e->in.at[m].name);
			else
				snprintf(value, sizeof(value), "%u", 7000 + m);
			ck_assert_msg(strstr(err.text, value) != NULL, "%s: no %s in '%s'", name,
				      e->in.at[m].name, err.text);
		}
		json_decref(parameters);
	}
}
END_TEST

START_TEST(has_an_errno)
{
	const struct idl *idl = idl_read();

	for (unsigned i = 0; i < idl->errors; i++) {
		char name[80];
		int code;

		snprintf(name, sizeof(name), "%s.%s", idl->interface, idl->error[i].name);
		code = client_errno(name);
		ck_assert_msg(code > 0 && code != EPROTO, "%s: %d", name, code);
	}
}
END_TEST

/* --- sentences --- */

static const struct {
	const char *name, *parameters;
	int code;
	const char *sentence;
} rows[] = {
	{ "io.netd.AddressInUse", "{\"address\": \"10.77.0.5\", \"holder\": \"guest web1\"}",
	  EADDRINUSE, "address 10.77.0.5 is in use by guest web1" },
	{ "io.netd.TooManyClients", "{\"limit\": 512}", EAGAIN,
	  "netd serves 512 clients already, which is all it may (max-clients)" },
	{ "io.netd.TimedOut", "{}", ETIMEDOUT, "it did not happen in time" },
	{ "io.netd.SystemFailed", "{\"reason\": \"{network} %s\"}", EIO, "{network} %s" },
	{ "org.varlink.service.MethodNotFound", "{\"method\": \"io.netd.X\"}", ENOSYS,
	  "netd has no method io.netd.X" },
	{ "org.varlink.service.InterfaceNotFound", "{\"interface\": \"x\"}", ENOSYS,
	  "netd has no interface x" },
	{ "org.varlink.service.InvalidParameter", "{\"parameter\": \"nic\"}", EINVAL,
	  "parameter 'nic' is missing, unknown or of a wrong type" },
	{ "org.varlink.service.ExpectedMore", "{}", EINVAL, "the method replies more than once" },

	/* a daemon that says less, or something else, than it should */
	{ "io.netd.NoSuchGuest", "{}", ENOENT, "there is no guest '?'" },
	{ "io.netd.NoSuchGuest", "null", ENOENT, "there is no guest '?'" },
	{ "io.netd.NoSuchGuest", "{\"guest\": [1]}", ENOENT, "there is no guest '?'" },
	{ "io.netd.FromTheFuture", "{\"a\": 1}", EPROTO, "io.netd.FromTheFuture {\"a\":1}" },
	{ "com.example.Other", "null", EPROTO, "com.example.Other " },
	{ "", "{}", EPROTO, " {}" },
};

START_TEST(sentence)
{
	json_t *parameters = json_loads(rows[_i].parameters, JSON_DECODE_ANY, NULL);
	struct err err;

	ck_assert_ptr_nonnull(parameters);
	client_explain(rows[_i].name, parameters, &err);
	ck_assert_str_eq(err.text, rows[_i].sentence);
	ck_assert_int_eq(client_errno(rows[_i].name), rows[_i].code);
	json_decref(parameters);
}
END_TEST

START_TEST(without_parameters)
{
	struct err err;

	client_explain("io.netd.NoSuchGuest", NULL, &err);
	ck_assert_str_eq(err.text, "there is no guest '?'");
	client_explain("io.netd.FromTheFuture", NULL, &err);
	ck_assert_str_eq(err.text, "io.netd.FromTheFuture ");
}
END_TEST

START_TEST(cuts_what_is_too_long)
{
	char text[2000];
	json_t *parameters;
	struct err err;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	parameters = json_pack("{s:s, s:s}", "mac", text, "holder", text);
	client_explain("io.netd.MacInUse", parameters, &err);
	ck_assert_uint_eq(strlen(err.text), sizeof(err.text) - 1);
	client_explain("io.netd.FromTheFuture", parameters, &err);
	ck_assert_uint_eq(strlen(err.text), sizeof(err.text) - 1);
	json_decref(parameters);
}
END_TEST

UNIT_SUITE(libnetd_explain)
{
	tcase_add_test(tc, has_a_sentence);
	tcase_add_test(tc, names_every_parameter);
	tcase_add_test(tc, has_an_errno);
	tcase_add_loop_test(tc, sentence, 0, ARRAY_SIZE(rows));
	tcase_add_test(tc, without_parameters);
	tcase_add_test(tc, cuts_what_is_too_long);
}

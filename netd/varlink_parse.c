/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a client's message says. Called by varlink.c. */
#include "varlink.h"

/* Brackets outside strings count. */
bool varlink_too_deep(const char *text)
{
	unsigned depth = 0;
	bool in_string = false;

	for (const char *at = text; *at; at++) {
		if (in_string) {
			if (*at == '\\' && at[1])
				at++;
			else if (*at == '"')
				in_string = false;
		} else if (*at == '"') {
			in_string = true;
		} else if (*at == '{' || *at == '[') {
			if (++depth > VARLINK_DEPTH_MAX)
				return true;
		} else if ((*at == '}' || *at == ']') && depth) {
			depth--;
		}
	}
	return false;
}

bool varlink_parse_call(json_t *message, struct varlink_call *call)
{
	json_t *method = json_object_get(message, "method");
	json_t *parameters = json_object_get(message, "parameters");
	json_t *more = json_object_get(message, "more"),
	       *oneway = json_object_get(message, "oneway");

	if (!json_is_string(method) ||
	    (parameters && !json_is_object(parameters) && !json_is_null(parameters)) ||
	    (more && !json_is_boolean(more)) || (oneway && !json_is_boolean(oneway)))
		return false;
	call->method = json_string_value(method);
	call->parameters = json_is_object(parameters) ? parameters : NULL;
	call->more = json_is_true(more);
	call->oneway = json_is_true(oneway);
	return true;
}

/* SPDX-License-Identifier: MIT */
/*
 * Errors: a function that can fail returns 0 or -errno and, as its last parameter, takes a
 *caller-owned struct err that it fills with one sentence. No heap. The sentence grows on the way
 *up, outermost object first, innermost cause last:
 *
 *	network 'default': port web1/0: cannot join bridge nd-default: Device or resource busy
 *
 * A NULL struct err is allowed everywhere: the code alone is then returned.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct err {
	char text[480]; /* NUL-terminated, no newline; valid only after a function failed */
};

#define ERR_PRINTF(a, b) __attribute__((format(printf, a, b)))
#define MUST_CHECK __attribute__((warn_unused_result))

static inline void err_vset(struct err *err, const char *fmt, va_list ap)
{
	if (err)
		vsnprintf(err->text, sizeof(err->text), fmt, ap);
}

/* Sets the sentence and returns -code; code is a positive errno. */
ERR_PRINTF(3, 4) static inline int err_set(struct err *err, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	err_vset(err, fmt, ap);
	va_end(ap);
	return -code;
}

/* As err_set, with ": " and the text of code behind the sentence. */
ERR_PRINTF(3, 4) static inline int err_sys(struct err *err, int code, const char *fmt, ...)
{
	va_list ap;
	size_t n;

	if (!err)
		return -code;
	va_start(ap, fmt);
	err_vset(err, fmt, ap);
	va_end(ap);
	n = strlen(err->text);
	snprintf(err->text + n, sizeof(err->text) - n, ": %s", strerror(code));
	return -code;
}

/* Puts the given words and ": " in front of the sentence that is there; returns rc as it came. */
ERR_PRINTF(3, 4) static inline int err_wrap(struct err *err, int rc, const char *fmt, ...)
{
	char inner[sizeof(err->text)];
	va_list ap;
	size_t n;

	if (!err)
		return rc;
	memcpy(inner, err->text, sizeof(inner));
	va_start(ap, fmt);
	err_vset(err, fmt, ap);
	va_end(ap);
	n = strlen(err->text);
	snprintf(err->text + n, sizeof(err->text) - n, ": %s", inner);
	return rc;
}

#endif

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

ERR_PRINTF(2, 0) static inline void err_vset(struct err *err, const char *fmt, va_list ap)
{
	if (err)
		vsnprintf(err->text, sizeof(err->text), fmt, ap);
}

ERR_PRINTF(2, 3) static inline void err_put(struct err *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	err_vset(err, fmt, ap);
	va_end(ap);
}

ERR_PRINTF(3, 4) static inline void err_put_sys(struct err *err, int code, const char *fmt, ...)
{
	va_list ap;
	size_t n;

	if (!err)
		return;
	va_start(ap, fmt);
	err_vset(err, fmt, ap);
	va_end(ap);
	n = strlen(err->text);
	snprintf(err->text + n, sizeof(err->text) - n, ": %s", strerror(code));
}

ERR_PRINTF(2, 3) static inline void err_put_front(struct err *err, const char *fmt, ...)
{
	char inner[sizeof(err->text)];
	va_list ap;
	size_t n;

	if (!err)
		return;
	memcpy(inner, err->text, sizeof(inner));
	va_start(ap, fmt);
	err_vset(err, fmt, ap);
	va_end(ap);
	n = strlen(err->text);
	snprintf(err->text + n, sizeof(err->text) - n, ": %s", inner);
}

/* These are macros so that compilers and analysers see which value a call gives. */

/* Sets the sentence (printf) and gives -code; code is a positive errno. */
#define err_set(err, code, ...)                                                                    \
	({                                                                                         \
		int code_ = (code);                                                                \
		err_put(err, __VA_ARGS__);                                                         \
		-code_;                                                                            \
	})

/* The same, with ": " and the text of code behind the sentence. */
#define err_sys(err, code, ...)                                                                    \
	({                                                                                         \
		int code_ = (code);                                                                \
		err_put_sys(err, code_, __VA_ARGS__);                                              \
		-code_;                                                                            \
	})

/* Puts the given words and ": " in front of the sentence that is there; gives rc as it came. */
#define err_wrap(err, rc, ...)                                                                     \
	({                                                                                         \
		int rc_ = (rc);                                                                    \
		err_put_front(err, __VA_ARGS__);                                                   \
		rc_;                                                                               \
	})

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Names made of text that others chose. The same text always gives the same name, on every host and
 * in every version, since what is allocated to a guest is found again by it.
 */
#ifndef BASE_SLUG_H
#define BASE_SLUG_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "siphash.h"

/* No secret: it only has to tell texts apart. */
static inline uint64_t slug_hash(const char *text)
{
	const struct siphash_key key = { { 0 } };

	return siphash(&key, text, strlen(text));
}

static inline bool slug_is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/*
 * Letters, digits, '.', '_' and '-' of text, at most size - 1, with '_' for everything else; what
 * is in front of the first letter or digit is left out. Returns whether it is the whole text as it
 * was. size is not 0.
 */
static inline bool slug_copy(const char *text, char *to, size_t size)
{
	size_t n = 0;
	bool same = true;

	for (; *text && n + 1 < size; text++) {
		bool good = slug_is_alnum(*text) || (n && strchr("._-", *text));

		same = same && good;
		if (good || n)
			to[n++] = good ? *text : '_';
	}
	to[n] = 0;
	return same && !*text;
}

/* As slug_copy, with nine more characters from a hash of the text when it is not as it was, so that
 * different texts have different names. Of a text without letters and digits there is nothing else
 * left. size is more than 10. */
static inline void slug_name(const char *text, char *to, size_t size)
{
	size_t n;

	if (slug_copy(text, to, size) && *to)
		return;
	n = strlen(to);
	if (n + 10 > size)
		n = size - 10;
	snprintf(to + n, size - n, n ? "-%08" PRIx32 : "x%08" PRIx32, (uint32_t)slug_hash(text));
}

#endif

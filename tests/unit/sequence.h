/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers for tests that try many things: the same on every run, another sequence for each seed
 * (Steele, Lea and Flood 2014, splitmix64). A loop test takes its index as the seed, so that a
 * failure names it. */
#ifndef TESTS_SEQUENCE_H
#define TESTS_SEQUENCE_H

#include <stdint.h>

struct sequence {
	uint64_t state;
};

static inline uint64_t sequence_next(struct sequence *s)
{
	uint64_t v = s->state += 0x9e3779b97f4a7c15u;

	v = (v ^ (v >> 30)) * 0xbf58476d1ce4e5b9u;
	v = (v ^ (v >> 27)) * 0x94d049bb133111ebu;
	return v ^ (v >> 31);
}

/* From 0 to n - 1. */
static inline uint32_t sequence_below(struct sequence *s, uint32_t n)
{
	return (uint32_t)(sequence_next(s) % n);
}

#endif

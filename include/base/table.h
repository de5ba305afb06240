/* SPDX-License-Identifier: MIT */
/*
 * Fixed tables and hash indexes over them.
 *
 * struct slots hands out indices below a capacity that was set once. An index is reused, so whoever
 * keeps one across events keeps a handle: index and generation. A handle whose slot was given back
 * finds nothing.
 *
 * struct index maps a 64-bit hash, which the caller computes with a secret key, to slot numbers:
 * open addressing, linear probing, deletion by shifting back, at most half full. The caller
 * compares the objects.
 */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define SLOT_NONE UINT32_MAX

struct handle {
	uint32_t slot;
	uint32_t generation; /* odd while the slot is in use; 0 is the handle of nothing */
};

struct slots {
	uint32_t *generation;		 /* [cap]; odd: in use */
	uint32_t *next;			 /* [cap]; free list, valid while the generation is even */
	uint32_t cap, used, free, fresh; /* slots from fresh on were never used */
};

static inline bool slots_init(struct slots *s, uint32_t cap)
{
	*s = (struct slots){ .cap = cap, .free = SLOT_NONE };
	s->generation = (uint32_t *)calloc(cap ? cap : 1, sizeof(*s->generation));
	s->next = (uint32_t *)calloc(cap ? cap : 1, sizeof(*s->next));
	return s->generation && s->next;
}

static inline void slots_done(struct slots *s)
{
	free(s->generation);
	free(s->next);
	*s = (struct slots){ .free = SLOT_NONE };
}

/* A slot number, or SLOT_NONE when all are in use. */
static inline uint32_t slots_take(struct slots *s)
{
	uint32_t i = s->free;

	if (i != SLOT_NONE)
		s->free = s->next[i];
	else if (s->fresh < s->cap)
		i = s->fresh++;
	else
		return SLOT_NONE;
	s->generation[i]++;
	s->used++;
	return i;
}

static inline void slots_give(struct slots *s, uint32_t i)
{
	s->generation[i]++;
	s->next[i] = s->free;
	s->free = i;
	s->used--;
}

static inline bool slots_live(const struct slots *s, uint32_t i)
{
	return i < s->cap && (s->generation[i] & 1);
}

static inline struct handle slots_handle(const struct slots *s, uint32_t i)
{
	return (struct handle){ .slot = i, .generation = s->generation[i] };
}

/* The slot number behind a handle, or SLOT_NONE when that object is gone. */
static inline uint32_t slots_find(const struct slots *s, struct handle h)
{
	return slots_live(s, h.slot) && s->generation[h.slot] == h.generation ? h.slot : SLOT_NONE;
}

struct index_entry {
	uint32_t hash;
	uint32_t slot; /* SLOT_NONE: empty */
};

struct index {
	struct index_entry *at;
	uint32_t mask;
	uint32_t used;
};

/* Room for cap entries. */
static inline bool index_init(struct index *x, uint32_t cap)
{
	uint32_t n = 16;

	while (n / 2 < cap && n < (1u << 31))
		n *= 2;
	*x = (struct index){ .mask = n - 1 };
	x->at = (struct index_entry *)malloc((size_t)n * sizeof(*x->at));
	if (!x->at)
		return false;
	for (uint32_t i = 0; i < n; i++)
		x->at[i] = (struct index_entry){ 0, SLOT_NONE };
	return true;
}

static inline void index_done(struct index *x)
{
	free(x->at);
	*x = (struct index){ 0 };
}

/*
 * Walks the entries of one hash: start with *place = UINT32_MAX, and go on until SLOT_NONE. The
 * index must not change during a walk.
 */
static inline uint32_t index_walk(const struct index *x, uint64_t hash, uint32_t *place)
{
	uint32_t h = (uint32_t)(hash ^ (hash >> 32));
	uint32_t i = *place == UINT32_MAX ? h & x->mask : (*place + 1) & x->mask;

	for (; x->at[i].slot != SLOT_NONE; i = (i + 1) & x->mask) {
		if (x->at[i].hash == h) {
			*place = i;
			return x->at[i].slot;
		}
	}
	return SLOT_NONE;
}

/* Has the memory that a walk begins with brought near, for several walks that wait together. */
static inline void index_prefetch(const struct index *x, uint64_t hash)
{
	__builtin_prefetch(&x->at[(uint32_t)(hash ^ (hash >> 32)) & x->mask]);
}

/* False when the index is full. */
static inline bool index_add(struct index *x, uint64_t hash, uint32_t slot)
{
	uint32_t h = (uint32_t)(hash ^ (hash >> 32));
	uint32_t i = h & x->mask;

	if (x->used > x->mask / 2)
		return false;
	while (x->at[i].slot != SLOT_NONE)
		i = (i + 1) & x->mask;
	x->at[i] = (struct index_entry){ h, slot };
	x->used++;
	return true;
}

/* Removes the entry of this hash and slot; nothing happens when there is none. */
static inline void index_del(struct index *x, uint64_t hash, uint32_t slot)
{
	uint32_t place = UINT32_MAX, hole, i;

	for (;;) {
		uint32_t s = index_walk(x, hash, &place);

		if (s == SLOT_NONE)
			return;
		if (s == slot)
			break;
	}
	x->used--;
	for (hole = place, i = (place + 1) & x->mask; x->at[i].slot != SLOT_NONE;
	     i = (i + 1) & x->mask) {
		uint32_t home = x->at[i].hash & x->mask;

		if (((i - home) & x->mask) >= ((i - hole) & x->mask)) {
			x->at[hole] = x->at[i];
			hole = i;
		}
	}
	x->at[hole].slot = SLOT_NONE;
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A binary min-heap of intrusive nodes ordered by a 64-bit key. The array of pointers belongs to
 * the caller, who makes it large enough before heap_insert; a node remembers its place, so any node
 * can be moved or removed in O(log n).
 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_node {
	int64_t key;
	size_t place; /* index in the array plus 1; 0: in no heap */
};

struct heap {
	struct heap_node **at;
	size_t len;
};

static inline bool heap_has(const struct heap_node *n)
{
	return n->place != 0;
}

static inline void heap_put(struct heap *h, size_t i, struct heap_node *n)
{
	h->at[i] = n;
	n->place = i + 1;
}

static inline void heap_up(struct heap *h, size_t i)
{
	struct heap_node *n = h->at[i];

	while (i && h->at[(i - 1) / 2]->key > n->key) {
		heap_put(h, i, h->at[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	heap_put(h, i, n);
}

static inline void heap_down(struct heap *h, size_t i)
{
	struct heap_node *n = h->at[i];

	for (size_t child; (child = 2 * i + 1) < h->len; i = child) {
		if (child + 1 < h->len && h->at[child + 1]->key < h->at[child]->key)
			child++;
		if (h->at[child]->key >= n->key)
			break;
		heap_put(h, i, h->at[child]);
	}
	heap_put(h, i, n);
}

static inline void heap_insert(struct heap *h, struct heap_node *n, int64_t key)
{
	n->key = key;
	h->at[h->len] = n;
	h->len++;
	heap_up(h, h->len - 1);
}

static inline void heap_remove(struct heap *h, struct heap_node *n)
{
	size_t i = n->place - 1;
	struct heap_node *last = h->at[--h->len];

	n->place = 0;
	if (last == n)
		return;
	heap_put(h, i, last);
	heap_up(h, i);
	heap_down(h, last->place - 1);
}

static inline struct heap_node *heap_first(const struct heap *h)
{
	return h->len ? h->at[0] : NULL;
}

#endif

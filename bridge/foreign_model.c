/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Puts somebody else's rules together in memory: chains with their rules, sets with their elements,
 * and what refers to what. All of it is freed at once.
 */
#include <stdlib.h>

#include "foreign.h"

enum { BLOCK_SIZE = 1 << 16 };

struct foreign_block {
	struct foreign_block *next;
	size_t used, size;
	_Alignas(max_align_t) char at[];
};

struct foreign *foreign_new(void)
{
	struct foreign *f = calloc(1, sizeof(*f));

	if (f)
		f->last_chain = &f->chain;
	return f;
}

void foreign_free(struct foreign *f)
{
	if (!f)
		return;
	while (f->block) {
		struct foreign_block *next = f->block->next;

		free(f->block);
		f->block = next;
	}
	free(f->sorted_chain);
	free(f->sorted_set);
	free(f);
}

/* Zeroed. */
void *foreign_alloc(struct foreign *f, size_t size)
{
	struct foreign_block *b = f->block;
	void *at;

	size = (size + sizeof(max_align_t) - 1) & ~(sizeof(max_align_t) - 1);
	if (!b || b->size - b->used < size) {
		size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;

		b = calloc(1, sizeof(*b) + room);
		if (!b)
			return NULL;
		b->size = room;
		b->next = f->block;
		f->block = b;
	}
	at = b->at + b->used;
	b->used += size;
	return at;
}

uint8_t *foreign_octets(struct foreign *f, const void *data, size_t len)
{
	uint8_t *copy = foreign_alloc(f, len);

	if (copy)
		memcpy(copy, data, len);
	return copy;
}

char *foreign_text(struct foreign *f, const char *text)
{
	return (char *)foreign_octets(f, text, strlen(text) + 1);
}

struct foreign_chain *foreign_chain_add(struct foreign *f, uint16_t family, const char *table,
					const char *name)
{
	struct foreign_chain *c = foreign_alloc(f, sizeof(*c));

	if (!c)
		return NULL;
	c->family = family;
	c->table = foreign_text(f, table);
	c->name = foreign_text(f, name);
	c->policy = NF_ACCEPT;
	c->last = &c->rule;
	if (!c->table || !c->name)
		return NULL;
	*f->last_chain = c;
	f->last_chain = &c->next;
	f->chains++;
	return c;
}

struct foreign_rule *foreign_rule_add(struct foreign *f, struct foreign_chain *c, uint64_t handle,
				      unsigned exprs)
{
	struct foreign_rule *r = foreign_alloc(f, sizeof(*r));

	if (!r)
		return NULL;
	r->handle = handle;
	r->expr = foreign_alloc(f, exprs * sizeof(*r->expr));
	if (!r->expr)
		return NULL;
	*c->last = r;
	c->last = &r->next;
	f->rules++;
	return r;
}

struct foreign_set *foreign_set_add(struct foreign *f, uint16_t family, const char *table,
				    const char *name)
{
	struct foreign_set *s = foreign_alloc(f, sizeof(*s));

	if (!s)
		return NULL;
	s->family = family;
	s->table = foreign_text(f, table);
	s->name = foreign_text(f, name);
	if (!s->table || !s->name)
		return NULL;
	s->next = f->set;
	f->set = s;
	f->sets++;
	return s;
}

struct foreign_element *foreign_element_add(struct foreign *f, struct foreign_set *set)
{
	if (set->elements == set->cap) {
		unsigned cap = set->cap ? 2 * set->cap : 4;
		struct foreign_element *grown = foreign_alloc(f, cap * sizeof(*grown));

		if (!grown)
			return NULL;
		if (set->elements)
			memcpy(grown, set->element, set->elements * sizeof(*grown));
		set->element = grown;
		set->cap = cap;
	}
	f->elements++;
	return &set->element[set->elements++];
}

/* --- who is meant by a name --- */

static int compare(uint16_t family_a, const char *table_a, const char *name_a, uint16_t family_b,
		   const char *table_b, const char *name_b)
{
	int by = (int)family_a - (int)family_b;

	if (!by)
		by = strcmp(table_a, table_b);
	return by ? by : strcmp(name_a, name_b);
}

static int compare_chains(const void *a, const void *b)
{
	const struct foreign_chain *x = *(struct foreign_chain *const *)a,
				   *y = *(struct foreign_chain *const *)b;

	return compare(x->family, x->table, x->name, y->family, y->table, y->name);
}

static int compare_sets(const void *a, const void *b)
{
	const struct foreign_set *x = *(struct foreign_set *const *)a,
				 *y = *(struct foreign_set *const *)b;

	return compare(x->family, x->table, x->name, y->family, y->table, y->name);
}

int foreign_sort(struct foreign *f)
{
	unsigned n = 0;

	free(f->sorted_chain);
	free(f->sorted_set);
	f->sorted_chain = calloc(f->chains + 1, sizeof(struct foreign_chain *));
	f->sorted_set = calloc(f->sets + 1, sizeof(struct foreign_set *));
	if (!f->sorted_chain || !f->sorted_set)
		return -ENOMEM;
	for (struct foreign_chain *c = f->chain; c; c = c->next)
		f->sorted_chain[n++] = c;
	n = 0;
	for (struct foreign_set *s = f->set; s; s = s->next)
		f->sorted_set[n++] = s;
	qsort(f->sorted_chain, f->chains, sizeof(struct foreign_chain *), compare_chains);
	qsort(f->sorted_set, f->sets, sizeof(struct foreign_set *), compare_sets);
	return 0;
}

struct foreign_chain *foreign_chain_find(const struct foreign *f, uint16_t family,
					 const char *table, const char *name)
{
	const struct foreign_chain wanted = { .family = family, .table = table, .name = name },
				   *key = &wanted;
	struct foreign_chain **found =
		f->sorted_chain ? bsearch(&key, f->sorted_chain, f->chains,
					  sizeof(struct foreign_chain *), compare_chains) :
				  NULL;

	return found ? *found : NULL;
}

struct foreign_set *foreign_set_find(const struct foreign *f, uint16_t family, const char *table,
				     const char *name)
{
	const struct foreign_set wanted = { .family = family, .table = table, .name = name },
				 *key = &wanted;
	struct foreign_set **found = f->sorted_set ?
					     bsearch(&key, f->sorted_set, f->sets,
						     sizeof(struct foreign_set *), compare_sets) :
					     NULL;

	return found ? *found : NULL;
}

static void link_rule(const struct foreign *f, const struct foreign_chain *c,
		      struct foreign_rule *r)
{
	for (unsigned i = 0; i < r->exprs; i++) {
		struct foreign_expr *e = &r->expr[i];

		if (e->kind == FOREIGN_VERDICT && e->name)
			e->chain = foreign_chain_find(f, c->family, c->table, e->name);
		if (e->kind == FOREIGN_LOOKUP && e->name)
			e->set = foreign_set_find(f, c->family, c->table, e->name);
	}
}

/* Of two that are equal, the end of a range is before the beginning of the next. */
static int compare_elements(const void *a, const void *b, void *len)
{
	const struct foreign_element *x = a, *y = b;
	int by;

	if (!x->key || !y->key)
		return (y->key != NULL) - (x->key != NULL);
	by = memcmp(x->key, y->key, *(const uint32_t *)len);
	return by ? by : (int)y->interval_end - (int)x->interval_end;
}

void foreign_link(struct foreign *f)
{
	for (struct foreign_set *s = f->set; s; s = s->next)
		if (s->flags & NFT_SET_INTERVAL && s->elements)
			qsort_r(s->element, s->elements, sizeof(*s->element), compare_elements,
				&s->key_len);
	for (struct foreign_chain *c = f->chain; c; c = c->next)
		for (struct foreign_rule *r = c->rule; r; r = r->next)
			link_rule(f, c, r);
	for (struct foreign_set *s = f->set; s; s = s->next)
		for (unsigned i = 0; i < s->elements; i++)
			if (s->element[i].chain_name)
				s->element[i].chain = foreign_chain_find(f, s->family, s->table,
									 s->element[i].chain_name);
}

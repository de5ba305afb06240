/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which addresses of a network's ranges are free.
 *
 * Theory of operation: the ranges are laid end to end, so an address has a place 0 … size-1. Level
 * 0 has a bit per place, set while it is taken; level n+1 has a bit per word of level n, set while
 * that word is full. A search goes up from the word of its start until a level shows a word with
 * room, and down again, so it touches at most two words a level however full the pool is. Bits
 * behind the last place are set for good.
 *
 * Places belong to stages, which open in their order, so those that are open are the first ones. A
 * search ends with them, and begins where it would in the first stage alone: what a hash chooses
 * first stays the same when the pool grows. Pure; called by netd/ and client.c when an address is
 * chosen.
 */
#include "base/cleanup.h"
#include "dhcp.h"

enum { LEVELS = 4, MAX_ADDRESSES = 1 << 20 }; /* 64^4 is more than 2^20 */

struct dhcp_pool {
	struct ip4_range *range;
	unsigned ranges;
	uint32_t size, used;
	uint32_t stage[DHCP_POOL_STAGES]; /* the first place that is not the stage's any more */
	unsigned stages, grown;
	uint32_t open, open_used; /* places of open stages */
	uint64_t looks;
	uint64_t *level[LEVELS];
	uint32_t words[LEVELS];
};

static void fill(struct dhcp_pool *p, uint32_t place)
{
	for (unsigned l = 0; l < LEVELS; l++, place /= 64) {
		uint64_t *word = &p->level[l][place / 64];

		*word |= (uint64_t)1 << (place % 64);
		if (*word != UINT64_MAX)
			return;
	}
}

static void clear(struct dhcp_pool *p, uint32_t place)
{
	for (unsigned l = 0; l < LEVELS; l++, place /= 64) {
		uint64_t *word = &p->level[l][place / 64];
		bool was_full = *word == UINT64_MAX;

		*word &= ~((uint64_t)1 << (place % 64));
		if (!was_full)
			return;
	}
}

int dhcp_pool_new(const struct ip4_range *range, unsigned n, struct dhcp_pool **ret)
{
	struct dhcp_pool *p;
	uint64_t size = 0;

	for (unsigned i = 0; i < n; i++) {
		if (range[i].first > range[i].last)
			return -EINVAL;
		size += (uint64_t)range[i].last - range[i].first + 1;
		for (unsigned j = 0; j < i; j++)
			if (range[i].first <= range[j].last && range[j].first <= range[i].last)
				return -EINVAL;
	}
	if (size > MAX_ADDRESSES)
		return -E2BIG;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->size = p->open = p->stage[0] = (uint32_t)size;
	p->stages = 1;
	p->ranges = n;
	p->range = malloc((n ? n : 1) * sizeof(*range));
	for (uint32_t l = 0, bits = p->size; l < LEVELS; l++, bits = p->words[l - 1]) {
		p->words[l] = bits ? (bits + 63) / 64 : 1;
		p->level[l] = calloc(p->words[l], sizeof(uint64_t));
		if (!p->level[l] || !p->range) {
			dhcp_pool_free(p);
			return -ENOMEM;
		}
	}
	if (n)
		memcpy(p->range, range, n * sizeof(*range));
	for (unsigned l = LEVELS; l-- > 1;)
		for (uint32_t i = p->words[l - 1]; i < p->words[l] * 64; i++)
			p->level[l][i / 64] |= (uint64_t)1 << (i % 64);
	for (uint32_t i = p->size; i < p->words[0] * 64; i++)
		fill(p, i);
	*ret = p;
	return 0;
}

void dhcp_pool_free(struct dhcp_pool *p)
{
	if (!p)
		return;
	for (unsigned l = 0; l < LEVELS; l++)
		free(p->level[l]);
	free(p->range);
	free(p);
}

uint32_t dhcp_pool_size(const struct dhcp_pool *p)
{
	return p->size;
}

uint32_t dhcp_pool_used(const struct dhcp_pool *p)
{
	return p->used;
}

uint32_t dhcp_pool_open(const struct dhcp_pool *p)
{
	return p->open;
}

uint32_t dhcp_pool_open_used(const struct dhcp_pool *p)
{
	return p->open_used;
}

uint64_t dhcp_pool_looks(const struct dhcp_pool *p)
{
	return p->looks;
}

static bool place_of(const struct dhcp_pool *p, uint32_t addr, uint32_t *ret)
{
	uint32_t before = 0;

	for (unsigned i = 0; i < p->ranges; i++) {
		if (addr >= p->range[i].first && addr <= p->range[i].last) {
			*ret = before + (addr - p->range[i].first);
			return true;
		}
		before += p->range[i].last - p->range[i].first + 1;
	}
	return false;
}

static uint32_t addr_of(const struct dhcp_pool *p, uint32_t place)
{
	unsigned i = 0;

	while (place > p->range[i].last - p->range[i].first) {
		place -= p->range[i].last - p->range[i].first + 1;
		i++;
	}
	return p->range[i].first + place;
}

bool dhcp_pool_contains(const struct dhcp_pool *p, uint32_t addr)
{
	uint32_t place;

	return place_of(p, addr, &place);
}

static bool is_taken(const struct dhcp_pool *p, uint32_t place)
{
	return p->level[0][place / 64] >> (place % 64) & 1;
}

bool dhcp_pool_taken(const struct dhcp_pool *p, uint32_t addr)
{
	uint32_t place;

	return place_of(p, addr, &place) && is_taken(p, place);
}

bool dhcp_pool_take(struct dhcp_pool *p, uint32_t addr)
{
	uint32_t place;

	if (!place_of(p, addr, &place) || is_taken(p, place))
		return false;
	fill(p, place);
	p->used++;
	p->open_used += place < p->open;
	return true;
}

void dhcp_pool_give(struct dhcp_pool *p, uint32_t addr)
{
	uint32_t place;

	if (!place_of(p, addr, &place) || !is_taken(p, place))
		return;
	clear(p, place);
	p->used--;
	p->open_used -= place < p->open;
}

/* --- stages --- */

static void open_to(struct dhcp_pool *p, uint32_t end)
{
	p->open_used = 0;
	for (uint32_t at = 0; at < end; at += 64) {
		uint64_t word = p->level[0][at / 64];

		if (end - at < 64)
			word &= ((uint64_t)1 << (end - at)) - 1;
		p->open_used += (uint32_t)__builtin_popcountll(word);
	}
	p->open = end;
}

void dhcp_pool_stage(struct dhcp_pool *p, const unsigned *ranges, unsigned n)
{
	uint32_t end = 0;

	for (unsigned i = 0, stage = 0; stage < n; stage++) {
		for (; i < ranges[stage] && i < p->ranges; i++)
			end += p->range[i].last - p->range[i].first + 1;
		p->stage[stage] = end;
	}
	p->stages = n;
	p->grown = 0;
	open_to(p, p->stage[0]);
}

bool dhcp_pool_grow(struct dhcp_pool *p)
{
	if (p->grown + 1 >= p->stages) /* an empty pool has no stage */
		return false;
	open_to(p, p->stage[++p->grown]);
	return true;
}

unsigned dhcp_pool_grown(const struct dhcp_pool *p)
{
	return p->grown;
}

bool dhcp_pool_is_open(const struct dhcp_pool *p, uint32_t addr)
{
	uint32_t place;

	return place_of(p, addr, &place) && place < p->open;
}

void dhcp_pool_reach(struct dhcp_pool *p, uint32_t addr)
{
	uint32_t place;

	if (!place_of(p, addr, &place))
		return;
	while (place >= p->open && dhcp_pool_grow(p))
		;
}

/* --- search --- */

/* The first clear bit of a level at or behind bit `from`, by way of the levels above; UINT32_MAX:
 * none. */
static uint32_t find_from(struct dhcp_pool *p, unsigned l, uint32_t from)
{
	uint32_t word = from / 64, above;
	uint64_t open;

	if (word >= p->words[l])
		return UINT32_MAX;
	p->looks++;
	open = ~p->level[l][word] & (UINT64_MAX << (from % 64));
	if (!open) {
		above = l + 1 < LEVELS ? find_from(p, l + 1, word + 1) : UINT32_MAX;
		if (above == UINT32_MAX)
			return UINT32_MAX;
		word = above;
		p->looks++;
		open = ~p->level[l][word];
	}
	return word * 64 + (uint32_t)__builtin_ctzll(open);
}

static uint32_t begin_at(const struct dhcp_pool *p, uint64_t place)
{
	if (place < p->open)
		return (uint32_t)place;
	/* Behind the last one, where a walk came from, the first one follows. */
	return place == p->open || !p->stage[0] ? 0 : (uint32_t)(place % p->stage[0]);
}

bool dhcp_pool_find(struct dhcp_pool *p, uint64_t *place, uint32_t *ret_addr)
{
	uint32_t at;

	if (p->open_used == p->open)
		return false;
	at = find_from(p, 0, begin_at(p, *place));
	if (at >= p->open)
		at = find_from(p, 0, 0);
	*place = at;
	*ret_addr = addr_of(p, at);
	return true;
}

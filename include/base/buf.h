/* SPDX-License-Identifier: MIT */
/*
 * Bounded reader and writer for wire formats. Every access is checked here and nowhere else.
 * Failure is sticky: after the first access out of bounds `bad` is set, reads give 0 or NULL and
 * writes do nothing, so a caller reads several fields and tests once.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct rd {
	const uint8_t *p;
	size_t len; /* octets at p */
	size_t pos; /* octets consumed, never more than len */
	bool bad;
};

struct wr {
	uint8_t *p;
	size_t cap; /* octets at p that may be written */
	size_t len; /* octets written, never more than cap */
	bool bad;
};

static inline struct rd rd_init(const void *p, size_t len)
{
	return (struct rd){ .p = (const uint8_t *)p, .len = len };
}

static inline size_t rd_left(const struct rd *r)
{
	return r->bad ? 0 : r->len - r->pos;
}

/* The next n octets, which stay the buffer's, or NULL. A request for 0 octets gives a pointer that
 * must not be read. */
static inline const uint8_t *rd_bytes(struct rd *r, size_t n)
{
	const uint8_t *at;

	if (r->bad || n > r->len - r->pos) {
		r->bad = true;
		return NULL;
	}
	at = r->p + r->pos;
	r->pos += n;
	return at;
}

static inline uint8_t rd_u8(struct rd *r)
{
	const uint8_t *b = rd_bytes(r, 1);

	return b ? b[0] : 0;
}

static inline uint16_t rd_be16(struct rd *r)
{
	const uint8_t *b = rd_bytes(r, 2);

	return (uint16_t)(b ? (b[0] << 8) | b[1] : 0);
}

static inline uint32_t rd_be32(struct rd *r)
{
	const uint8_t *b = rd_bytes(r, 4);

	return b ? ((uint32_t)b[0] << 24) | ((uint32_t)b[1] << 16) | ((uint32_t)b[2] << 8) | b[3] :
		   0;
}

/* Copies n octets to `to`, or zeroes it. */
static inline void rd_copy(struct rd *r, void *to, size_t n)
{
	const uint8_t *b = rd_bytes(r, n);

	if (b)
		memcpy(to, b, n);
	else
		memset(to, 0, n);
}

static inline struct wr wr_init(void *p, size_t cap)
{
	return (struct wr){ .p = (uint8_t *)p, .cap = cap };
}

static inline size_t wr_left(const struct wr *w)
{
	return w->bad ? 0 : w->cap - w->len;
}

/* Room for n octets, to be filled by the caller, or NULL. */
static inline uint8_t *wr_room(struct wr *w, size_t n)
{
	uint8_t *at;

	if (w->bad || n > w->cap - w->len) {
		w->bad = true;
		return NULL;
	}
	at = w->p + w->len;
	w->len += n;
	return at;
}

static inline void wr_u8(struct wr *w, uint8_t v)
{
	uint8_t *b = wr_room(w, 1);

	if (b)
		b[0] = v;
}

static inline void wr_be16(struct wr *w, uint16_t v)
{
	uint8_t *b = wr_room(w, 2);

	if (b) {
		b[0] = (uint8_t)(v >> 8);
		b[1] = (uint8_t)v;
	}
}

static inline void wr_be32(struct wr *w, uint32_t v)
{
	uint8_t *b = wr_room(w, 4);

	if (b) {
		b[0] = (uint8_t)(v >> 24);
		b[1] = (uint8_t)(v >> 16);
		b[2] = (uint8_t)(v >> 8);
		b[3] = (uint8_t)v;
	}
}

static inline void wr_bytes(struct wr *w, const void *from, size_t n)
{
	uint8_t *b = wr_room(w, n);

	if (b && n)
		memcpy(b, from, n);
}

static inline void wr_zero(struct wr *w, size_t n)
{
	uint8_t *b = wr_room(w, n);

	if (b && n)
		memset(b, 0, n);
}

#endif

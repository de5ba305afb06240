/* SPDX-License-Identifier: MIT */
/*
 * SipHash-2-4 (Aumasson and Bernstein, 2012), fed in parts. Everything that a guest or a client can
 * choose and that becomes a place in a table is hashed with a secret key. Results must be the same
 * on every host and in every version, since addresses and MACs follow from them.
 */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct siphash_key {
	uint8_t octet[16];
};

struct siphash {
	uint64_t v[4];
	uint64_t tail; /* octets not yet mixed, little endian, in its low (total & 7) octets */
	size_t total;
};

static inline uint64_t siphash_rotl(uint64_t x, int b)
{
	return (x << b) | (x >> (64 - b));
}

static inline uint64_t siphash_load(const uint8_t *p)
{
	uint64_t v = 0;

	for (int i = 7; i >= 0; i--)
		v = (v << 8) | p[i];
	return v;
}

static inline void siphash_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = siphash_rotl(v[1], 13) ^ v[0];
	v[0] = siphash_rotl(v[0], 32);
	v[2] += v[3];
	v[3] = siphash_rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = siphash_rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = siphash_rotl(v[1], 17) ^ v[2];
	v[2] = siphash_rotl(v[2], 32);
}

static inline void siphash_mix(struct siphash *h, uint64_t m)
{
	h->v[3] ^= m;
	siphash_round(h->v);
	siphash_round(h->v);
	h->v[0] ^= m;
}

static inline struct siphash siphash_init(const struct siphash_key *key)
{
	uint64_t k0 = siphash_load(key->octet);
	uint64_t k1 = siphash_load(key->octet + 8);

	return (struct siphash){ .v = { k0 ^ 0x736f6d6570736575u, k1 ^ 0x646f72616e646f6du,
					k0 ^ 0x6c7967656e657261u, k1 ^ 0x7465646279746573u } };
}

static inline void siphash_add(struct siphash *h, const void *data, size_t len)
{
	const uint8_t *p = (const uint8_t *)data;

	for (; len && (h->total & 7); len--) {
		h->tail |= (uint64_t)*p++ << (8 * (h->total & 7));
		if (!(++h->total & 7)) {
			siphash_mix(h, h->tail);
			h->tail = 0;
		}
	}
	for (; len >= 8; len -= 8, p += 8, h->total += 8)
		siphash_mix(h, siphash_load(p));
	for (; len; len--)
		h->tail |= (uint64_t)*p++ << (8 * (h->total++ & 7));
}

/* Length first, so that ("ab", "c") and ("a", "bc") differ. */
static inline void siphash_add_text(struct siphash *h, const char *text)
{
	uint8_t n[2];
	size_t len = strlen(text);

	n[0] = (uint8_t)len;
	n[1] = (uint8_t)(len >> 8);
	siphash_add(h, n, sizeof(n));
	siphash_add(h, text, len);
}

static inline void siphash_add_u32(struct siphash *h, uint32_t v)
{
	uint8_t b[4] = { (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24) };

	siphash_add(h, b, sizeof(b));
}

static inline uint64_t siphash_done(struct siphash *h)
{
	siphash_mix(h, h->tail | ((uint64_t)(h->total & 0xff) << 56));
	h->v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		siphash_round(h->v);
	return h->v[0] ^ h->v[1] ^ h->v[2] ^ h->v[3];
}

static inline uint64_t siphash(const struct siphash_key *key, const void *data, size_t len)
{
	struct siphash h = siphash_init(key);

	siphash_add(&h, data, len);
	return siphash_done(&h);
}

#endif

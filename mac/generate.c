/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The MAC generator. Candidates are a pure function of (secret, identity, attempt), so a guest gets
 * the same MAC on every host that shares the secret, and again after the state was lost. Random
 * suffixes collide by the birthday bound: 24 bits 2.9 % at 1,000 NICs, 44 bits 2.8e-6 at 10,000;
 * hence the default of 44 bits, and the check of every candidate against what is known. Called by
 * netd/ when a guest's allocation is made.
 */
#include "mac.h"

static uint64_t identity_hash(const struct mac_generator *g, const struct mac_identity *id,
			      uint32_t attempt)
{
	struct siphash h = siphash_init(&g->secret);

	siphash_add_text(&h, "mac");
	if (g->policy == MAC_POLICY_RANDOM) {
		siphash_add_u32(&h, (uint32_t)id->random);
		siphash_add_u32(&h, (uint32_t)(id->random >> 32));
	} else {
		siphash_add_text(&h, id->guest);
		siphash_add_u32(&h, id->nic);
		siphash_add_u32(&h, id->generation);
	}
	siphash_add_u32(&h, attempt);
	return siphash_done(&h);
}

/*
 * The serial of a guest is 24 bits of its keyed hash and not a counter, which would be forgotten
 * with the state; two guests with one serial are told apart by the attempt, as with the other
 * policies.
 */
static struct mac host_candidate(const struct mac_generator *g, uint64_t hash)
{
	static const uint8_t classic[3] = { 0x00, 0x1a, 0x9b };
	struct mac m;

	memcpy(m.octet, g->prefix_len ? g->prefix : classic, 3);
	for (unsigned i = 3; i < 6; i++)
		m.octet[i] = (uint8_t)(g->host.octet[i] ^ (hash >> (8 * i)));
	return m;
}

struct mac mac_candidate(const struct mac_generator *g, const struct mac_identity *id,
			 uint32_t attempt)
{
	uint64_t hash = identity_hash(g, id, attempt);
	struct mac m;

	if (g->policy == MAC_POLICY_HOST)
		return host_candidate(g, hash);
	for (unsigned i = 0; i < 6; i++)
		m.octet[i] = (uint8_t)(hash >> (8 * i));
	if (g->prefix_len)
		memcpy(m.octet, g->prefix, g->prefix_len);
	else /* low nibble 2: locally administered, unicast, the AAI quadrant */
		m.octet[0] = (uint8_t)((m.octet[0] & 0xf0) | 0x02);
	return m;
}

int mac_choose(const struct mac_generator *g, const struct mac_identity *id, mac_taken_fn taken,
	       void *arg, struct mac *ret, struct err *err)
{
	for (uint32_t attempt = 0; attempt < MAC_ATTEMPTS; attempt++) {
		struct mac m = mac_candidate(g, id, attempt);
		int rc;

		if (mac_refusal(&m))
			continue;
		rc = taken(arg, &m, err);
		if (rc < 0)
			return rc;
		if (rc == 0) {
			*ret = m;
			return 0;
		}
	}
	return err_set(err, EADDRNOTAVAIL, "no free MAC address among %d candidates", MAC_ATTEMPTS);
}

struct siphash_key mac_derive_key(const char *source, const char *purpose)
{
	/* Only separates this use of SipHash from others; nothing about it is secret. */
	static const struct siphash_key domain = { "netd derived key" };
	struct siphash_key key;

	for (uint32_t half = 0; half < 2; half++) {
		struct siphash h = siphash_init(&domain);
		uint64_t v;

		siphash_add_u32(&h, half);
		siphash_add_text(&h, purpose);
		siphash_add_text(&h, source);
		v = siphash_done(&h);
		for (unsigned i = 0; i < 8; i++)
			key.octet[8 * half + i] = (uint8_t)(v >> (8 * i));
	}
	return key;
}

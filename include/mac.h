/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mac: who is it? MAC addresses, their generator, and the index of those that are known.
 *
 * Nothing here does I/O: secrets and random numbers come in as parameters, and what is taken is
 * asked through a callback.
 */
#ifndef NETD_MAC_H
#define NETD_MAC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/siphash.h"

#define MAC_TEXT_SIZE 18 /* aa:bb:cc:dd:ee:ff and NUL */

struct mac {
	uint8_t octet[6];
};

static inline bool mac_equal(const struct mac *a, const struct mac *b)
{
	return memcmp(a->octet, b->octet, sizeof(a->octet)) == 0;
}

static inline bool mac_is_zero(const struct mac *m)
{
	static const struct mac zero;

	return mac_equal(m, &zero);
}

/* Six octets of one or two hexadecimal digits between colons (or all between dashes). */
bool mac_parse(const char *text, struct mac *ret);

/* Writes lower case with colons; returns buf. */
const char *mac_text(const struct mac *m, char buf[MAC_TEXT_SIZE]);

/*
 * NULL when a guest may bear this address, else why not: multicast, zero, the ranges of bridges and
 * IP multicast (IEEE 802.1Q table 8-1, RFC 1112, RFC 2464), VRRP's virtual routers (RFC 9568 7.3),
 * and first octet fe, which is that of the host's side of our ports.
 */
const char *mac_refusal(const struct mac *m);

/* The MAC of the host's end of a port: the guest's with first octet fe, so that a bridge never
 * picks it as its own. */
struct mac mac_host_side(const struct mac *guest);

/* --- generator --- */

enum mac_policy {
	MAC_POLICY_HASH,   /* a keyed hash of the identity: the same guest, the same MAC */
	MAC_POLICY_RANDOM, /* random, remembered only by the state */
	MAC_POLICY_HOST, /* fixed OUI, then the host's own last three octets XOR the guest's serial
			  */
};

struct mac_generator {
	enum mac_policy policy;
	struct siphash_key secret;
	uint8_t prefix[5];
	uint8_t prefix_len; /* octets of prefix, 0…5; 0: a 44-bit locally administered AAI (IEEE
			       802c, RFC 9542 2.1) */
	struct mac host;    /* MAC_POLICY_HOST: the host's own address */
};

struct mac_identity {
	const char *guest;
	uint32_t nic;
	uint32_t generation; /* counts how often this identity was given a new MAC on purpose */
	uint64_t
		random; /* MAC_POLICY_RANDOM: from getrandom(2), new for every call of mac_choose */
};

/* The candidate of one attempt; attempt 0, 1, … give an endless sequence. It may be one that
 * mac_refusal refuses. */
struct mac mac_candidate(const struct mac_generator *g, const struct mac_identity *id,
			 uint32_t attempt);

/* Says whether a MAC is taken: 0 free, 1 taken, or -errno with err set. */
typedef int (*mac_taken_fn)(void *arg, const struct mac *m, struct err *err);

#define MAC_ATTEMPTS 64

/*
 * The first candidate that is neither refused nor taken. -EADDRNOTAVAIL after MAC_ATTEMPTS, or what
 * `taken` failed with.
 */
MUST_CHECK int mac_choose(const struct mac_generator *g, const struct mac_identity *id,
			  mac_taken_fn taken, void *arg, struct mac *ret, struct err *err);

/*
 * A secret for one purpose from a longer-lived one (the 32 hexadecimal digits of /etc/machine-id,
 * or a configured phrase), so that the source itself is never used or shown.
 */
struct siphash_key mac_derive_key(const char *source, const char *purpose);

/* --- index --- */

/*
 * Known MACs and who has them. A MAC can have several holders (a row of one network, a host
 * interface); each is a kind and a number that mean something to the caller. Keyed, since guests
 * choose MACs.
 */
struct mac_index;

struct mac_holder {
	uint32_t kind;
	uint32_t id;
};

/* Room for cap entries, never more. */
MUST_CHECK int mac_index_new(uint32_t cap, const struct siphash_key *key, struct mac_index **ret);
void mac_index_free(struct mac_index *x);

/* -ENOSPC when full, -EEXIST when this holder has this MAC already. */
MUST_CHECK int mac_index_add(struct mac_index *x, const struct mac *m, struct mac_holder who);

/* Nothing happens when the entry is not there. */
void mac_index_del(struct mac_index *x, const struct mac *m, struct mac_holder who);

/* The n-th holder of a MAC, n from 0; false when there are no more. */
bool mac_index_find(const struct mac_index *x, const struct mac *m, unsigned n,
		    struct mac_holder *ret);

#endif

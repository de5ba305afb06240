/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The index of known MACs: a fixed table and a keyed hash index over it. Pure; one owner, no
 * locking. */
#include "base/table.h"
#include "mac.h"

struct entry {
	struct mac mac;
	struct mac_holder who;
};

struct mac_index {
	struct siphash_key key;
	struct slots slots;
	struct index index;
	struct entry *entry; /* [slots.cap] */
};

int mac_index_new(uint32_t cap, const struct siphash_key *key, struct mac_index **ret)
{
	struct mac_index *x = calloc(1, sizeof(*x));

	if (!x)
		return -ENOMEM;
	x->key = *key;
	x->entry = calloc(cap ? cap : 1, sizeof(*x->entry));
	if (!slots_init(&x->slots, cap) || !index_init(&x->index, cap) || !x->entry) {
		mac_index_free(x);
		return -ENOMEM;
	}
	*ret = x;
	return 0;
}

void mac_index_free(struct mac_index *x)
{
	if (!x)
		return;
	slots_done(&x->slots);
	index_done(&x->index);
	free(x->entry);
	free(x);
}

static uint64_t mac_hash(const struct mac_index *x, const struct mac *m)
{
	return siphash(&x->key, m->octet, sizeof(m->octet));
}

/* The slot of this MAC and holder, or SLOT_NONE. */
static uint32_t find(const struct mac_index *x, const struct mac *m, struct mac_holder who)
{
	uint32_t place = UINT32_MAX, i;

	while ((i = index_walk(&x->index, mac_hash(x, m), &place)) != SLOT_NONE) {
		const struct entry *e = &x->entry[i];

		if (mac_equal(&e->mac, m) && e->who.kind == who.kind && e->who.id == who.id)
			return i;
	}
	return SLOT_NONE;
}

int mac_index_add(struct mac_index *x, const struct mac *m, struct mac_holder who)
{
	uint32_t i;

	if (find(x, m, who) != SLOT_NONE)
		return -EEXIST;
	i = slots_take(&x->slots);
	if (i == SLOT_NONE)
		return -ENOSPC;
	if (!index_add(&x->index, mac_hash(x, m), i)) {
		slots_give(&x->slots, i);
		return -ENOSPC;
	}
	x->entry[i] = (struct entry){ .mac = *m, .who = who };
	return 0;
}

void mac_index_del(struct mac_index *x, const struct mac *m, struct mac_holder who)
{
	uint32_t i = find(x, m, who);

	if (i == SLOT_NONE)
		return;
	index_del(&x->index, mac_hash(x, m), i);
	slots_give(&x->slots, i);
}

bool mac_index_find(const struct mac_index *x, const struct mac *m, unsigned n,
		    struct mac_holder *ret)
{
	uint32_t place = UINT32_MAX, i;

	while ((i = index_walk(&x->index, mac_hash(x, m), &place)) != SLOT_NONE) {
		if (!mac_equal(&x->entry[i].mac, m))
			continue;
		if (n-- == 0) {
			*ret = x->entry[i].who;
			return true;
		}
	}
	return false;
}

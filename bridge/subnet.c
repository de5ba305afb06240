/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which subnet a network gets when it is free to choose, and what a chosen one hits. Pure. */
#include "bridge.h"

enum { AUTO_LEN = 24 };

const struct bridge_taken *bridge_subnet_clash(struct ip4_prefix p,
					       const struct bridge_taken *taken, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ip4_overlap(p, taken[i].prefix))
			return &taken[i];
	return NULL;
}

/* How many /24s a supernet has. */
static uint32_t slices(struct ip4_prefix super)
{
	return super.len > AUTO_LEN ? 0 : 1u << (AUTO_LEN - super.len);
}

static struct ip4_prefix slice(const struct ip4_prefix *super, size_t supers, uint64_t place)
{
	for (size_t i = 0; i < supers; i++) {
		if (place < slices(super[i]))
			return (struct ip4_prefix){ .addr = ip4_network(super[i]) +
							    ((uint32_t)place << 8) + 1,
						    .len = AUTO_LEN };
		place -= slices(super[i]);
	}
	return (struct ip4_prefix){ 0 };
}

/* The first that is free from the `start`-th on, round the end. */
static int choose_from(uint64_t start, uint64_t total, const struct ip4_prefix *super,
		       size_t supers, const struct bridge_taken *taken, size_t n,
		       struct ip4_prefix *ret, struct err *err)
{
	const struct bridge_taken *clash = NULL;

	for (uint64_t i = 0; i < total; i++) {
		struct ip4_prefix p = slice(super, supers, (start + i) % total);

		clash = bridge_subnet_clash(p, taken, n);
		if (!clash) {
			*ret = p;
			return 0;
		}
	}
	if (!total)
		return err_set(err, EADDRNOTAVAIL, "no supernet is as large as a /%d", AUTO_LEN);
	return err_set(err, EADDRNOTAVAIL, "every /%d of the supernet is in use, the last by %s",
		       AUTO_LEN, clash->what);
}

static uint64_t all_slices(const struct ip4_prefix *super, size_t supers)
{
	uint64_t total = 0;

	for (size_t i = 0; i < supers; i++)
		total += slices(super[i]);
	return total;
}

int bridge_subnet_next(const struct ip4_prefix *super, size_t supers,
		       const struct bridge_taken *taken, size_t n, struct ip4_prefix *ret,
		       struct err *err)
{
	return choose_from(0, all_slices(super, supers), super, supers, taken, n, ret, err);
}

int bridge_subnet_choose(const struct siphash_key *key, const char *network,
			 const struct ip4_prefix *super, size_t supers,
			 const struct bridge_taken *taken, size_t n, struct ip4_prefix *ret,
			 struct err *err)
{
	struct siphash h = siphash_init(key);
	uint64_t total = all_slices(super, supers);

	siphash_add_text(&h, "subnet");
	siphash_add_text(&h, network);
	return choose_from(total ? siphash_done(&h) % total : 0, total, super, supers, taken, n,
			   ret, err);
}

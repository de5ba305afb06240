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

int bridge_subnet_choose(const struct siphash_key *key, const char *network,
			 const struct ip4_prefix *super, size_t supers,
			 const struct bridge_taken *taken, size_t n, struct ip4_prefix *ret,
			 struct err *err)
{
	struct siphash h = siphash_init(key);
	uint64_t total = 0, start;
	const struct bridge_taken *clash = NULL;

	for (size_t i = 0; i < supers; i++)
		total += slices(super[i]);
	if (!total)
		return err_set(err, EADDRNOTAVAIL, "no supernet is as large as a /%d", AUTO_LEN);
	siphash_add_text(&h, "subnet");
	siphash_add_text(&h, network);
	start = siphash_done(&h) % total;
	for (uint64_t i = 0; i < total; i++) {
		struct ip4_prefix p = slice(super, supers, (start + i) % total);

		clash = bridge_subnet_clash(p, taken, n);
		if (!clash) {
			*ret = p;
			return 0;
		}
	}
	return err_set(err, EADDRNOTAVAIL, "every /%d of the supernet is in use, the last by %s",
		       AUTO_LEN, clash->what);
}

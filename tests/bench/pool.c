/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What it costs to choose an address in a /16, from an empty one to one with a single address left:
 * a line for each, with how many are taken, nanoseconds for finding one, for taking and giving it
 * back, and words of the bitmap that a search has looked at, on the average. Places to begin at,
 * and what is taken, are random and the same in each run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "dhcp.h"

enum { SIZE = 1 << 16, SEARCHES = 2000000 };

/* 1, 50, 90, 99 and 99.9 of a hundred, and all but one. */
static const uint32_t taken[] = { 655, 32768, 58982, 64881, 65470, SIZE - 1 };

static uint64_t state = 1;

/* xorshift64* */
static uint64_t any(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * UINT64_C(2685821657736338717);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

/* Nanoseconds for one. What is found is taken and given back where `take` says so, which leaves the
 * pool as it was. */
static double search(struct dhcp_pool *p, bool take)
{
	double start = now();

	for (unsigned i = 0; i < SEARCHES; i++) {
		uint64_t place = any();
		uint32_t addr;

		if (!dhcp_pool_find(p, &place, &addr) || (take && !dhcp_pool_take(p, addr)))
			abort();
		if (take)
			dhcp_pool_give(p, addr);
	}
	return (now() - start) / SEARCHES;
}

int main(void)
{
	static const struct ip4_range whole = { 0x0a000000, 0x0a000000 + SIZE - 1 };
	struct dhcp_pool *p;

	if (dhcp_pool_new(&whole, 1, &p))
		return 1;
	printf("%8s %8s %10s %16s %8s\n", "taken", "%", "find, ns", "with take, ns", "words");
	for (unsigned i = 0; i < sizeof(taken) / sizeof(*taken); i++) {
		uint64_t looks;
		double find, whole_trip;

		while (dhcp_pool_used(p) < taken[i])
			dhcp_pool_take(p, whole.first + (uint32_t)(any() % SIZE));
		looks = dhcp_pool_looks(p);
		find = search(p, false);
		looks = dhcp_pool_looks(p) - looks;
		whole_trip = search(p, true);
		printf("%8u %8.3f %10.1f %16.1f %8.2f\n", taken[i], 100.0 * taken[i] / SIZE, find,
		       whole_trip, (double)looks / SEARCHES);
	}
	dhcp_pool_free(p);
	return 0;
}

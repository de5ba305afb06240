/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Somebody else's rules in memory, from a short text. */
#ifndef TESTS_FOREIGN_KIT_H
#define TESTS_FOREIGN_KIT_H

#include "foreign.h"

/* "ip filter FORWARD forward 0 drop" is a base chain of that hook, priority and policy; "ip filter
 * DOCKER" one that is jumped to. */
struct foreign_chain *foreign_kit_chain(struct foreign *f, const char *text);

/*
 * Appends a rule and links all. Words: iif NAME, oif NAME, saddr PREFIX, daddr PREFIX, proto NAME,
 * dport N, dport> N, dports N N, icmp N, state NAME, dnat, mark N, limit, unknown, counter, log,
 * fib; xt NAME, xt-state NAME, xt-local; accept, drop, return, queue, reject, jump CHAIN, goto
 * CHAIN, target NAME. A name that ends in '*' is a prefix; "!" before a word inverts it. SELECTOR@
 * SET looks into a set, SELECTOR: MAP into a map of verdicts.
 */
struct foreign_rule *foreign_kit_rule(struct foreign *f, struct foreign_chain *c, const char *text);

/* A set of the chain's table; octets of each key. Ranges: a first and the first that is not within,
 * in turn. */
struct foreign_set *foreign_kit_set(struct foreign *f, const struct foreign_chain *c,
				    const char *name, uint32_t key_len, uint32_t flags);
struct foreign_element *foreign_kit_element(struct foreign *f, struct foreign_set *s,
					    const void *key);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest that a container is. A plugin keeps nothing itself: DEL, CHECK and GC find what ADD
 * made by the name alone, which netd keeps. Pure.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/slug.h"
#include "cni.h"

enum { MARK_LENGTH = 5, NET_LENGTH = 6, HASH_LENGTH = 12, SHORT_ID = 12, NICS = 64 };

static_assert(MARK_LENGTH + NET_LENGTH + 1 + HASH_LENGTH + 1 == CNI_TAIL_SIZE, "-cni-N-H");

/* Which card, and what is in front of its number: eth0 is of "eth", and anything else of itself. A
 * slash keeps the two apart: no interface has one in its name. */
static uint32_t split(const char *ifname, char stem[32])
{
	size_t len = strlen(ifname), digits = 0;
	unsigned long nic;

	while (digits < len && ifname[len - digits - 1] >= '0' && ifname[len - digits - 1] <= '9')
		digits++;
	nic = strtoul(ifname + len - digits, NULL, 10);
	if (!digits || digits > 2 || nic >= NICS || (digits == 2 && nic < 10)) {
		snprintf(stem, 32, "%s", ifname);
		return 0;
	}
	snprintf(stem, 32, "%.*s/", (int)(len - digits), ifname);
	return (uint32_t)nic;
}

static bool is_hexadecimal(const char *text)
{
	return text[strspn(text, "0123456789abcdef")] == 0;
}

static void make_tail(const char *network, const char *id, const char *stem,
		      char ret[CNI_TAIL_SIZE])
{
	const struct siphash_key key = { { 0 } };
	struct siphash h = siphash_init(&key);

	siphash_add_text(&h, network);
	siphash_add_text(&h, id);
	siphash_add_text(&h, stem);
	snprintf(ret, CNI_TAIL_SIZE, "-cni-%06" PRIx64 "-%012" PRIx64,
		 slug_hash(network) & 0xffffff, siphash_done(&h) & 0xffffffffffff);
}

uint32_t cni_guest_name(const char *network, const char *id, const char *ifname, const char *pod,
			char ret[CNI_GUEST_SIZE])
{
	char front[CNI_GUEST_SIZE - CNI_TAIL_SIZE + 1], tail[CNI_TAIL_SIZE], stem[32];
	uint32_t nic = split(ifname, stem);

	make_tail(network, id, stem, tail);
	slug_copy(pod && *pod ? pod : id, front, sizeof(front));
	/* Of an id like podman's or containerd's, what they show of it themselves. */
	if (!(pod && *pod) && strlen(id) > SHORT_ID && is_hexadecimal(id))
		front[SHORT_ID] = 0;
	snprintf(ret, CNI_GUEST_SIZE, "%s%s", *front ? front : "x", tail);
	return nic;
}

const char *cni_guest_tail(const char *guest)
{
	size_t len = strlen(guest);
	const char *tail = guest + len - (CNI_TAIL_SIZE - 1);

	if (len < CNI_TAIL_SIZE || strncmp(tail, "-cni-", MARK_LENGTH) ||
	    tail[MARK_LENGTH + NET_LENGTH] != '-' ||
	    strspn(tail + MARK_LENGTH, "0123456789abcdef") != NET_LENGTH ||
	    strspn(tail + MARK_LENGTH + NET_LENGTH + 1, "0123456789abcdef") != HASH_LENGTH)
		return NULL;
	return tail;
}

bool cni_guest_is_of(const char *guest, const char *network)
{
	const char *tail = cni_guest_tail(guest);
	char want[CNI_TAIL_SIZE];

	make_tail(network, "", "", want);
	return tail && !strncmp(tail, want, MARK_LENGTH + NET_LENGTH + 1);
}

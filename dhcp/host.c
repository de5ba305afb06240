/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of reserved hosts. It does not change once it is made; a new configuration makes a new
 * one. Pure; filled by netd/, asked by reserve.c.
 */
#include "server.h"

struct dhcp_hosts {
	struct siphash_key key;
	struct dhcp_host *host;
	struct index by_addr, by_mac, by_id;
};

enum by { BY_ADDR, BY_MAC, BY_ID };

static uint64_t hash(const struct dhcp_hosts *h, enum by by, const void *data, size_t len)
{
	struct siphash hash = siphash_init(&h->key);

	siphash_add_u32(&hash, by);
	siphash_add(&hash, data, len);
	return siphash_done(&hash);
}

static void enter(struct dhcp_hosts *h, uint32_t i)
{
	const struct dhcp_host *host = &h->host[i];

	/* The indexes have room for all hosts. */
	if (host->addr)
		index_add(&h->by_addr, hash(h, BY_ADDR, &host->addr, sizeof(host->addr)), i);
	if (!mac_is_zero(&host->mac))
		index_add(&h->by_mac, hash(h, BY_MAC, &host->mac, sizeof(host->mac)), i);
	if (host->client_id)
		index_add(&h->by_id, hash(h, BY_ID, host->client_id, host->client_id_len), i);
}

int dhcp_hosts_new(const struct dhcp_host *host, uint32_t n, const struct siphash_key *key,
		   struct dhcp_hosts **ret)
{
	struct dhcp_hosts *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	h->key = *key;
	h->host = calloc(n ? n : 1, sizeof(*h->host));
	if (!index_init(&h->by_addr, n) || !index_init(&h->by_mac, n) ||
	    !index_init(&h->by_id, n) || !h->host) {
		dhcp_hosts_free(h);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < n; i++) {
		h->host[i] = host[i];
		enter(h, i);
	}
	*ret = h;
	return 0;
}

void dhcp_hosts_free(struct dhcp_hosts *h)
{
	if (!h)
		return;
	index_done(&h->by_addr);
	index_done(&h->by_mac);
	index_done(&h->by_id);
	free(h->host);
	free(h);
}

static const struct dhcp_host *find_id(const struct dhcp_hosts *h, const uint8_t *id, size_t len)
{
	uint64_t sum = hash(h, BY_ID, id, len);
	uint32_t place = UINT32_MAX, i;

	while ((i = index_walk(&h->by_id, sum, &place)) != SLOT_NONE)
		if (h->host[i].client_id_len == len && !memcmp(h->host[i].client_id, id, len))
			return &h->host[i];
	return NULL;
}

static const struct dhcp_host *find_mac(const struct dhcp_hosts *h, const struct mac *mac)
{
	uint64_t sum = hash(h, BY_MAC, mac, sizeof(*mac));
	uint32_t place = UINT32_MAX, i;

	while ((i = index_walk(&h->by_mac, sum, &place)) != SLOT_NONE)
		if (mac_equal(&h->host[i].mac, mac))
			return &h->host[i];
	return NULL;
}

const struct dhcp_host *dhcp_hosts_find(const struct dhcp_hosts *h, const struct mac *mac,
					const uint8_t *id, size_t len)
{
	const struct dhcp_host *found = NULL;

	if (h && id && h->by_id.used)
		found = find_id(h, id, len);
	if (!found && h && mac && h->by_mac.used)
		found = find_mac(h, mac);
	return found;
}

const struct dhcp_host *dhcp_hosts_at(const struct dhcp_hosts *h, uint32_t addr)
{
	uint32_t place = UINT32_MAX, i;
	uint64_t sum;

	if (!h || !h->by_addr.used)
		return NULL;
	sum = hash(h, BY_ADDR, &addr, sizeof(addr));
	while ((i = index_walk(&h->by_addr, sum, &place)) != SLOT_NONE)
		if (h->host[i].addr == addr)
			return &h->host[i];
	return NULL;
}

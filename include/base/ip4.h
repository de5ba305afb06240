/* SPDX-License-Identifier: MIT */
/* IPv4 addresses and prefixes in host byte order, and their text forms. */
#ifndef BASE_IP4_H
#define BASE_IP4_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IP4_TEXT_SIZE 16 /* 255.255.255.255 and NUL */
#define IP4_PREFIX_TEXT_SIZE 20

struct ip4_prefix {
	uint32_t addr; /* host part kept: 10.77.0.1/24 names an address and its subnet */
	uint8_t len;   /* 0…32 */
};

struct ip4_range {
	uint32_t first, last; /* both included, first <= last */
};

static inline uint32_t ip4_mask(uint8_t len)
{
	return len ? UINT32_MAX << (32 - len) : 0;
}

static inline uint32_t ip4_network(struct ip4_prefix p)
{
	return p.addr & ip4_mask(p.len);
}

static inline uint32_t ip4_broadcast(struct ip4_prefix p)
{
	return p.addr | ~ip4_mask(p.len);
}

static inline bool ip4_within(struct ip4_prefix p, uint32_t addr)
{
	return ((addr ^ p.addr) & ip4_mask(p.len)) == 0;
}

static inline bool ip4_overlap(struct ip4_prefix a, struct ip4_prefix b)
{
	return ((a.addr ^ b.addr) & ip4_mask(a.len < b.len ? a.len : b.len)) == 0;
}

/* Dotted quad only, four decimal numbers. */
static inline bool ip4_parse(const char *text, uint32_t *ret_addr)
{
	struct in_addr in;

	if (inet_pton(AF_INET, text, &in) != 1)
		return false;
	*ret_addr = ntohl(in.s_addr);
	return true;
}

static inline const char *ip4_text(uint32_t addr, char buf[IP4_TEXT_SIZE])
{
	snprintf(buf, IP4_TEXT_SIZE, "%u.%u.%u.%u", addr >> 24, (addr >> 16) & 255,
		 (addr >> 8) & 255, addr & 255);
	return buf;
}

/* "10.77.0.1/24"; a missing length is an error. */
static inline bool ip4_prefix_parse(const char *text, struct ip4_prefix *ret)
{
	char addr[IP4_TEXT_SIZE];
	const char *slash = strchr(text, '/');
	unsigned long len;
	char *end;
	uint32_t a;

	if (!slash || (size_t)(slash - text) >= sizeof(addr) || slash[1] < '0' || slash[1] > '9')
		return false;
	memcpy(addr, text, (size_t)(slash - text));
	addr[slash - text] = 0;
	len = strtoul(slash + 1, &end, 10);
	if (*end || len > 32 || !ip4_parse(addr, &a))
		return false;
	*ret = (struct ip4_prefix){ .addr = a, .len = (uint8_t)len };
	return true;
}

static inline const char *ip4_prefix_text(struct ip4_prefix p, char buf[IP4_PREFIX_TEXT_SIZE])
{
	char addr[IP4_TEXT_SIZE];

	snprintf(buf, IP4_PREFIX_TEXT_SIZE, "%s/%u", ip4_text(p.addr, addr), p.len);
	return buf;
}

#endif

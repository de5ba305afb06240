/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pcapng's blocks and options. The sections that are cited are draft-ietf-opsawg-pcapng's. */
#include "pcapng.h"

enum {
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_INTERFACE = 1,
	BLOCK_STATISTICS = 5,
	BLOCK_PACKET = 6,
	BYTE_ORDER_MAGIC = 0x1a2b3c4d,
	LINKTYPE_ETHERNET = 1,
};

/* Codes of options, some of which mean another thing in each block. */
enum {
	OPTION_END = 0,
	OPTION_COMMENT = 1,
	SECTION_APPLICATION = 4,
	INTERFACE_NAME = 2,
	INTERFACE_DESCRIPTION = 3,
	INTERFACE_TIME_RESOLUTION = 9,
	INTERFACE_FILTER = 11,
	PACKET_FLAGS = 2,
	STATISTICS_RECEIVED = 4,
	STATISTICS_LOST = 5,
};

/* A block under way: where it began. */
static size_t block_begin(struct wr *w, uint32_t type)
{
	size_t at = w->len;

	wr_be32(w, type);
	wr_be32(w, 0); /* its length, when that is known */
	return at;
}

/* Section 3.1: the length stands at both ends. */
static void block_end(struct wr *w, size_t at)
{
	uint32_t len = (uint32_t)(w->len - at) + 4;
	struct wr front;

	wr_be32(w, len);
	if (w->bad)
		return;
	front = wr_init(w->p + at + 4, 4);
	wr_be32(&front, len);
}

/* To the next multiple of four octets. */
static void pad(struct wr *w, size_t len)
{
	wr_zero(w, (4 - len % 4) % 4);
}

static void option(struct wr *w, uint16_t code, const void *value, size_t len)
{
	wr_be16(w, code);
	wr_be16(w, (uint16_t)len);
	wr_bytes(w, value, len);
	pad(w, len);
}

static void option_text(struct wr *w, uint16_t code, const char *text)
{
	if (text)
		option(w, code, text, strlen(text));
}

static void option_u64(struct wr *w, uint16_t code, uint64_t v)
{
	wr_be16(w, code);
	wr_be16(w, 8);
	wr_be32(w, (uint32_t)(v >> 32));
	wr_be32(w, (uint32_t)v);
}

static void options_end(struct wr *w)
{
	wr_be16(w, OPTION_END);
	wr_be16(w, 0);
}

static void time_stamp(struct wr *w, uint64_t time)
{
	wr_be32(w, (uint32_t)(time >> 32));
	wr_be32(w, (uint32_t)time);
}

/* Section 4.2 and its table of options; a filter is said to be libpcap's by an octet 0. */
static void interface_block(struct wr *w, const struct pcapng_interface *i)
{
	static const uint8_t nanoseconds = 9;
	size_t at = block_begin(w, BLOCK_INTERFACE), len = i->filter ? strlen(i->filter) : 0;

	wr_be16(w, LINKTYPE_ETHERNET);
	wr_be16(w, 0);
	wr_be32(w, i->snapshot);
	option_text(w, INTERFACE_NAME, i->name);
	option_text(w, INTERFACE_DESCRIPTION, i->description);
	option(w, INTERFACE_TIME_RESOLUTION, &nanoseconds, 1);
	if (len) {
		wr_be16(w, INTERFACE_FILTER);
		wr_be16(w, (uint16_t)(1 + len));
		wr_u8(w, 0);
		wr_bytes(w, i->filter, len);
		pad(w, 1 + len);
	}
	options_end(w);
	block_end(w, at);
}

void pcapng_begin(struct wr *w, const struct pcapng_interface *i)
{
	size_t at = block_begin(w, BLOCK_SECTION);

	wr_be32(w, BYTE_ORDER_MAGIC);
	wr_be16(w, 1); /* version 1.0 */
	wr_be16(w, 0);
	wr_be32(w, UINT32_MAX); /* how long the section is, is not known */
	wr_be32(w, UINT32_MAX);
	option_text(w, SECTION_APPLICATION, i->application);
	options_end(w);
	block_end(w, at);
	interface_block(w, i);
}

/* Section 4.3 */
void pcapng_packet(struct wr *w, const struct pcapng_packet *p)
{
	size_t at = block_begin(w, BLOCK_PACKET);

	wr_be32(w, 0); /* the first interface, and only one */
	time_stamp(w, p->time);
	wr_be32(w, p->kept);
	wr_be32(w, p->len);
	wr_bytes(w, p->data, p->kept);
	pad(w, p->kept);
	if (p->comment)
		option(w, OPTION_COMMENT, p->comment, strnlen(p->comment, PCAPNG_COMMENT_MAX));
	if (p->direction != PCAPNG_UNKNOWN) {
		wr_be16(w, PACKET_FLAGS);
		wr_be16(w, 4);
		wr_be32(w, (uint32_t)p->direction); /* bits 0 and 1 */
	}
	if (p->comment || p->direction != PCAPNG_UNKNOWN)
		options_end(w);
	block_end(w, at);
}

/* Section 4.6 */
void pcapng_statistics(struct wr *w, const struct pcapng_statistics *s)
{
	size_t at = block_begin(w, BLOCK_STATISTICS);

	wr_be32(w, 0);
	time_stamp(w, s->time);
	option_u64(w, STATISTICS_RECEIVED, s->received);
	option_u64(w, STATISTICS_LOST, s->lost);
	options_end(w);
	block_end(w, at);
}

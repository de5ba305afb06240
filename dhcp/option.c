/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one walker and the one writer of DHCP options. Pure, no allocation.
 *
 * Theory of operation of the walker: a message has up to three areas (options, then file and sname
 * when option 52 says so), and a code can occur many times, in all of them; its value is the
 * concatenation (RFC 3396). The areas are walked twice, once to add up the length of each code,
 * which gives every code its place in `data`, and once to copy. Option 52 counts only in the first
 * area, so it is looked for before the others are entered.
 *
 * Theory of operation of the writer: options come in order of priority. If all fit in the message,
 * they are written one after the other. Otherwise three octets are set aside for option 52, and
 * each option, those first that no client can do without, goes to the first area that has room for
 * the whole of it; one that fits nowhere is left out, and a shorter one after it may still go in.
 */
#include "dhcp.h"

enum { PAD = 0, OVERLOAD = 52, AGENT = 82, END = 255 };
enum { OVERLOAD_FILE = 1, OVERLOAD_SNAME = 2, OVERLOAD_OCTETS = 3 };
enum { FILE_SIZE = 128, SNAME_SIZE = 64, MESSAGE_MIN = 300 };

static bool bit_test(const uint64_t set[4], uint8_t code)
{
	return set[code >> 6] >> (code & 63) & 1;
}

static void bit_set(uint64_t set[4], uint8_t code)
{
	set[code >> 6] |= (uint64_t)1 << (code & 63);
}

/* The next option of an area; false at its end. Sets r->bad when an option runs past the area. */
static bool walk(struct rd *r, uint8_t *code, const uint8_t **data, uint8_t *len)
{
	do {
		if (rd_left(r) == 0)
			return false;
		*code = rd_u8(r);
	} while (*code == PAD);
	if (*code == END)
		return false;
	*len = rd_u8(r);
	*data = rd_bytes(r, *len);
	return !r->bad;
}

struct area {
	const uint8_t *p;
	size_t len;
};

static bool measure(const struct area *a, bool first, struct dhcp_options *o, uint8_t *overload)
{
	struct rd r = rd_init(a->p, a->len);
	const uint8_t *data;
	uint8_t code, len;

	while (walk(&r, &code, &data, &len)) {
		if (code == OVERLOAD) {
			if (first && !bit_test(o->present, code) && len == 1)
				*overload = data[0];
			if (!first)
				continue;
		}
		bit_set(o->present, code);
		o->len[code] = (uint16_t)(o->len[code] + len);
	}
	return !r.bad;
}

static void collect(const struct area *a, bool first, struct dhcp_options *o)
{
	struct rd r = rd_init(a->p, a->len);
	const uint8_t *data;
	uint8_t code, len;

	while (walk(&r, &code, &data, &len)) {
		if (code == OVERLOAD && !first)
			continue;
		memcpy(o->data + o->at[code] + o->len[code], data, len);
		o->len[code] = (uint16_t)(o->len[code] + len);
	}
}

enum dhcp_drop dhcp_options_parse(const struct dhcp_message *m, struct dhcp_options *o)
{
	struct area area[3] = { { m->options, m->options_len } };
	unsigned areas = 1;
	uint8_t overload = 0;
	uint16_t at = 0;

	memset(o->present, 0, sizeof(o->present));
	memset(o->len, 0, sizeof(o->len));
	if (!m->options)
		return DHCP_DROP_NO_COOKIE;
	if (!measure(&area[0], true, o, &overload))
		return DHCP_DROP_OPTIONS;
	if (overload == OVERLOAD_FILE || overload == (OVERLOAD_FILE | OVERLOAD_SNAME))
		area[areas++] = (struct area){ m->file, FILE_SIZE };
	if (overload == OVERLOAD_SNAME || overload == (OVERLOAD_FILE | OVERLOAD_SNAME))
		area[areas++] = (struct area){ m->sname, SNAME_SIZE };
	for (unsigned i = 1; i < areas; i++)
		if (!measure(&area[i], false, o, &overload))
			return DHCP_DROP_OPTIONS;
	/* All areas lie in one message of at most DHCP_PAYLOAD_MAX octets, so the sum of lengths is
	 * less than that. */
	for (unsigned code = 0; code < 256; code++) {
		o->at[code] = at;
		at = (uint16_t)(at + o->len[code]);
		o->len[code] = 0;
	}
	for (unsigned i = 0; i < areas; i++)
		collect(&area[i], i == 0, o);
	return DHCP_DROP_NONE;
}

const uint8_t *dhcp_options_get(const struct dhcp_options *o, uint8_t code, size_t *ret_len)
{
	if (!bit_test(o->present, code))
		return NULL;
	*ret_len = o->len[code];
	return o->data + o->at[code];
}

/* The value as a big-endian number if it has exactly `size` octets. */
static bool get_number(const struct dhcp_options *o, uint8_t code, size_t size, uint32_t *ret)
{
	size_t len;
	const uint8_t *p = dhcp_options_get(o, code, &len);
	uint32_t v = 0;

	if (!p || len != size)
		return false;
	for (size_t i = 0; i < size; i++)
		v = (v << 8) | p[i];
	*ret = v;
	return true;
}

bool dhcp_options_u8(const struct dhcp_options *o, uint8_t code, uint8_t *ret)
{
	uint32_t v;

	if (!get_number(o, code, 1, &v))
		return false;
	*ret = (uint8_t)v;
	return true;
}

bool dhcp_options_u16(const struct dhcp_options *o, uint8_t code, uint16_t *ret)
{
	uint32_t v;

	if (!get_number(o, code, 2, &v))
		return false;
	*ret = (uint16_t)v;
	return true;
}

bool dhcp_options_u32(const struct dhcp_options *o, uint8_t code, uint32_t *ret)
{
	return get_number(o, code, 4, ret);
}

const uint8_t *dhcp_suboption(const uint8_t *data, size_t len, uint8_t sub, size_t *ret_len)
{
	struct rd r = rd_init(data, len);

	while (rd_left(&r)) {
		uint8_t code = rd_u8(&r), n = rd_u8(&r);
		const uint8_t *at = rd_bytes(&r, n);

		if (r.bad || code != sub)
			continue;
		*ret_len = n;
		return at;
	}
	return NULL;
}

/* --- writer --- */

bool dhcp_outs_has(const struct dhcp_outs *o, uint8_t code)
{
	return bit_test(o->present, code);
}

void dhcp_outs_add(struct dhcp_outs *o, uint8_t code, const void *data, size_t len)
{
	if (o->n == DHCP_OUT_MAX || len > UINT16_MAX || bit_test(o->present, code))
		return;
	o->at[o->n++] = (struct dhcp_out){ .code = code, .len = (uint16_t)len, .data = data };
	bit_set(o->present, code);
}

void dhcp_outs_add_copy(struct dhcp_outs *o, uint8_t code, const void *data, size_t len)
{
	uint8_t *at = o->inline_data + o->inline_len;

	if (len > sizeof(o->inline_data) - o->inline_len || o->n == DHCP_OUT_MAX ||
	    bit_test(o->present, code))
		return;
	if (len)
		memcpy(at, data, len);
	o->inline_len += len;
	dhcp_outs_add(o, code, at, len);
}

void dhcp_outs_add_u8(struct dhcp_outs *o, uint8_t code, uint8_t v)
{
	dhcp_outs_add_copy(o, code, &v, 1);
}

void dhcp_outs_add_u32(struct dhcp_outs *o, uint8_t code, uint32_t v)
{
	uint8_t b[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };

	dhcp_outs_add_copy(o, code, b, sizeof(b));
}

static size_t wire_size(const struct dhcp_out *out)
{
	size_t pieces = out->len ? (out->len + 254u) / 255 : 1;

	return out->len + 2 * pieces;
}

static void write_one(struct wr *w, const struct dhcp_out *out)
{
	size_t done = 0;

	do {
		size_t piece = out->len - done < 255 ? out->len - done : 255;

		wr_u8(w, out->code);
		wr_u8(w, (uint8_t)piece);
		wr_bytes(w, out->len ? out->data + done : NULL, piece);
		done += piece;
	} while (done < out->len);
}

/* Where options can go: room is what is left before the End of that area. */
struct room {
	struct wr w;
	size_t reserved;
};

static bool place(struct room *room, const struct dhcp_out *out)
{
	if (room->w.cap - room->w.len < room->reserved + wire_size(out))
		return false;
	write_one(&room->w, out);
	return true;
}

/* Message type, server, lease time, subnet mask, router, and what stands in for it (RFC 3442). */
static bool is_essential(uint8_t code)
{
	return code == 53 || code == 54 || code == 51 || code == 1 || code == 3 || code == 121;
}

static unsigned write_overloaded(struct room *options, const struct dhcp_message *m,
				 struct dhcp_outs *o, uint8_t file[FILE_SIZE],
				 uint8_t sname[SNAME_SIZE])
{
	struct room area[2] = { { wr_init(file, m->file ? 0 : FILE_SIZE), 1 },
				{ wr_init(sname, m->sname ? 0 : SNAME_SIZE), 1 } };
	uint8_t overload = 0;
	unsigned left_out = 0;

	if (!m->file || !m->sname)
		options->reserved += OVERLOAD_OCTETS;
	for (unsigned i = 0; i < 2 * o->n; i++) {
		struct dhcp_out *out = &o->at[i % o->n];

		if (out->code == AGENT || is_essential(out->code) != (i < o->n) ||
		    place(options, out))
			continue;
		if (area[0].w.cap && place(&area[0], out))
			overload |= OVERLOAD_FILE;
		else if (area[1].w.cap && place(&area[1], out))
			overload |= OVERLOAD_SNAME;
		else
			out->left_out = true;
		left_out += out->left_out;
	}
	if (overload) {
		wr_u8(&options->w, OVERLOAD);
		wr_u8(&options->w, 1);
		wr_u8(&options->w, overload);
	}
	for (unsigned i = 0; i < 2; i++)
		if (area[i].w.len)
			wr_u8(&area[i].w, END);
	return left_out;
}

unsigned dhcp_outs_write(struct wr *w, const struct dhcp_message *m, struct dhcp_outs *o,
			 size_t max)
{
	uint8_t file[FILE_SIZE] = { 0 }, sname[SNAME_SIZE] = { 0 };
	size_t start = w->len, need = 1;
	struct dhcp_message fixed = *m;
	struct dhcp_out *agent = NULL;
	struct room room;
	unsigned left_out = 0;
	uint8_t area[DHCP_FRAME_MAX];
	size_t cap = max > DHCP_FIXED_SIZE + 4 ? max - DHCP_FIXED_SIZE - 4 : 0;

	if (cap > sizeof(area))
		cap = sizeof(area);
	room = (struct room){ .w = wr_init(area, cap), .reserved = 1 };
	for (unsigned i = 0; i < o->n; i++) {
		o->at[i].left_out = false;
		need += wire_size(&o->at[i]);
		if (o->at[i].code == AGENT)
			agent = &o->at[i];
	}
	/* RFC 3046 2.2: the reply goes without it where the whole of it cannot be copied. */
	if (agent && wire_size(agent) + OVERLOAD_OCTETS + 1 > cap) {
		need -= wire_size(agent);
		agent->left_out = true;
		agent = NULL;
		left_out++;
	}
	if (agent)
		room.reserved += wire_size(agent);
	if (need <= cap) {
		for (unsigned i = 0; i < o->n; i++)
			if (o->at[i].code != AGENT)
				write_one(&room.w, &o->at[i]);
	} else {
		left_out += write_overloaded(&room, m, o, file, sname);
		fixed.file = m->file ? m->file : file;
		fixed.sname = m->sname ? m->sname : sname;
	}
	if (agent)
		write_one(&room.w, agent);
	wr_u8(&room.w, END);
	dhcp_message_write(w, &fixed);
	wr_bytes(w, area, room.w.len);
	if (room.w.bad)
		w->bad = true;
	if (!w->bad && w->len - start < MESSAGE_MIN)
		wr_zero(w, MESSAGE_MIN - (w->len - start));
	return left_out;
}

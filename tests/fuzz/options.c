/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the option writer writes, the walker reads back: the input is a limit and a list of (code,
 * length, octets), and each option that was not left out comes back as it went in. The same input
 * is also the text of a value, behind its code: what it encodes to is printed as a text that
 * encodes to the same.
 */
#include <stdio.h>
#include <stdlib.h>

#include "dhcp.h"
#include "fuzz.h"

static void round_trip(struct dhcp_outs *outs, size_t max)
{
	static uint8_t buf[DHCP_FRAME_MAX];
	static struct dhcp_options o;
	struct wr w = wr_init(buf, sizeof(buf));
	struct dhcp_message m = { .op = DHCP_OP_REPLY }, back;
	unsigned left_out = dhcp_outs_write(&w, &m, outs, max), found = 0;

	if (w.bad) {
		fuzz_check(max < 300 ||
			   dhcp_outs_has(outs, 82)); /* an agent's option that fits nowhere */
		return;
	}
	fuzz_check(w.len >= 300 && (w.len <= max || w.len == 300));
	fuzz_check(dhcp_message_parse(buf, w.len, &back) == DHCP_DROP_NONE);
	fuzz_check(dhcp_options_parse(&back, &o) == DHCP_DROP_NONE);
	for (unsigned i = 0; i < outs->n; i++) {
		size_t len;
		const uint8_t *p = dhcp_options_get(&o, outs->at[i].code, &len);

		fuzz_check((p == NULL) == outs->at[i].left_out);
		if (!p)
			continue;
		found++;
		fuzz_check(len == outs->at[i].len && memcmp(p, outs->at[i].data, len) == 0);
	}
	fuzz_check(found + left_out == outs->n);
}

/* The values of a list, split where they are printed with ", " between them. Returns how many. */
static unsigned split(char *text, char *value[], unsigned max)
{
	unsigned n = 0;

	while (n < max) {
		char *comma = strstr(text, ", ");

		value[n++] = text;
		if (!comma)
			return n;
		*comma = 0;
		text = comma + 2;
	}
	return 0;
}

/* Encodes a list of values; false when it is refused. */
static bool encode(uint8_t code, char *text, struct wr *w)
{
	char *value[256];
	unsigned n = split(text, value, 256);
	struct err err = { 0 };

	if (!dhcp_option_encode(code, (const char *const *)value, n, w, &err))
		return true;
	fuzz_check(err.text[0]);
	return false;
}

/* The input as text of a value: what it encodes to, printed, encodes to the same octets. */
static void text_round_trip(const uint8_t *data, size_t size)
{
	static char text[4 * DHCP_FRAME_MAX];
	uint8_t first[1024], second[1024];
	struct wr w = wr_init(first, sizeof(first)), again = wr_init(second, sizeof(second));
	enum dhcp_option_type type;

	if (size < 2 || size > sizeof(text))
		return;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = 0;
	if (!encode(data[0], text, &w))
		return;
	dhcp_option_decode(data[0], first, w.len, text, sizeof(text));
	for (const char *c = text; *c; c++)
		fuzz_check(*c >= 0x20 && *c < 0x7f);
	type = dhcp_option_info(data[0])->type;
	if (type == DHCP_OPT_TEXT || type == DHCP_OPT_URI)
		return; /* printed with escapes, which are not read */
	fuzz_check(encode(data[0], text, &again));
	fuzz_check(again.len == w.len && memcmp(first, second, w.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rd r = rd_init(data, size);
	struct dhcp_outs outs = { 0 };
	size_t max = 300 + rd_be16(&r) % 1200;

	text_round_trip(data, size);
	while (rd_left(&r) > 3) {
		uint8_t code = rd_u8(&r);
		size_t len = rd_be16(&r) % 700;

		if (len > rd_left(&r))
			len = rd_left(&r);
		/* 0, 52 and 255 are the writer's own. */
		if (code && code != 52 && code != 255)
			dhcp_outs_add(&outs, code, rd_bytes(&r, len), len);
		else
			rd_bytes(&r, len);
	}
	round_trip(&outs, max);
	return 0;
}

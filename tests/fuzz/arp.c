/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A sequence of ARP frames against addresses that are being probed: each piece of the input is one
 * octet of time that passes, in units of 10 ms, one of length, and a frame. Whatever comes, only a
 * packet that names an address is evidence against it, and it is told once.
 */
#include <stdio.h>
#include <stdlib.h>

#include "dhcp.h"
#include "fuzz.h"

enum { ADDRESSES = 4, FIRST = 0x0a4d0002 };

static void pass(struct dhcp_probes *p, int64_t now)
{
	struct dhcp_probe_step step;

	while (dhcp_probe_step(p, now, &step)) {
		enum dhcp_probe_state state = dhcp_probe_state(p, step.net, step.addr);

		fuzz_check(step.addr - FIRST < ADDRESSES);
		fuzz_check(state == (step.todo == DHCP_PROBE_SEND  ? DHCP_PROBE_RUNNING :
				     step.todo == DHCP_PROBE_ENDED ? DHCP_PROBE_CLEAR :
								     DHCP_PROBE_NONE));
	}
	fuzz_check(dhcp_probe_next(p) > now);
}

static void hear(struct dhcp_probes *p, const uint8_t *frame, size_t len, int64_t now)
{
	struct dhcp_arp a;
	uint32_t addr;

	if (!dhcp_arp_parse(frame, len, &a))
		return;
	fuzz_check(len >= DHCP_ARP_SIZE && !(a.sender_mac.octet[0] & 1));
	if (!dhcp_probe_evidence(p, 0, &a, now, &addr))
		return;
	fuzz_check(addr == a.sender || (!a.sender && addr == a.target));
	fuzz_check(dhcp_probe_state(p, 0, addr) == DHCP_PROBE_TAKEN);
	fuzz_check(!dhcp_probe_evidence(p, 0, &a, now, &addr));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct siphash_key key = { "fuzzing the arps" };
	static const struct mac client = { { 2, 0, 0, 0, 1, 1 } };
	struct rd r = rd_init(data, size);
	struct dhcp_probes *p;
	int64_t now = 0;

	fuzz_check(dhcp_probes_new(1, 2 * ADDRESSES, &key, &p) == 0);
	while (rd_left(&r)) {
		size_t len;
		const uint8_t *frame;

		now += rd_u8(&r) * INT64_C(10000000);
		len = rd_u8(&r);
		frame = rd_bytes(&r, len);
		for (uint32_t i = 0; i < ADDRESSES; i++)
			fuzz_check(dhcp_probe_start(p, 0, FIRST + i, &client, now) == 0);
		pass(p, now);
		if (frame)
			hear(p, frame, len, now);
	}
	dhcp_probes_free(p);
	return 0;
}

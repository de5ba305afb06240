/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A sequence of frames from a guest's port against a populated lease table: each piece of the input
 * is two octets of length, one of seconds that pass, and an IPv4 packet. Whatever comes, the table
 * stays whole: the port has its one lease at its one address, a bound lease has a record to store,
 * and a reply is a frame that parses.
 */
#include <stdio.h>
#include <stdlib.h>

#include "dhcp.h"
#include "fuzz.h"

enum { PORTS = 3, SERVER = 0x0a4d0001 };

static struct dhcp_option_set *new_options(uint8_t mark)
{
	static const uint8_t routes[] = { 8, 10, 10, 77, 0, 2 }, wait[] = { 0, 0, 7, 8 };
	struct dhcp_option_set *set;
	uint8_t large[300];

	memset(large, mark, sizeof(large));
	fuzz_check(dhcp_option_set_new(&set) == 0);
	dhcp_option_set_next_server(set, SERVER);
	fuzz_check(!dhcp_option_set_put(set, 15, "vm.internal", 11) &&
		   !dhcp_option_set_put(set, 67, "boot.efi", 8) &&
		   !dhcp_option_set_put(set, 108, wait, sizeof(wait)) &&
		   !dhcp_option_set_put(set, 114, "x:y", 3) &&
		   !dhcp_option_set_put(set, 121, routes, sizeof(routes)) &&
		   !dhcp_option_set_put(set, mark, large, sizeof(large)));
	return set;
}

/* What a reply draws on, made once: nothing changes it. */
static void configure(struct dhcp_net_config *net)
{
	static struct dhcp_option_set *network, *class_options;
	static struct dhcp_class class[] = {
		{ .vendor_class = "*Client*:?*" },
		{ .user_class = "i*X*" },
		{ .hostname = "*a*b*" },
		{ .arch = { 0, 7 }, .archs = 2 },
		{ .mac_prefix = { 2 }, .mac_prefix_len = 1, .circuit_id = "*", .remote_id = "?*" },
	};

	if (!network) {
		network = new_options(200);
		class_options = new_options(201);
	}
	net->options = network;
	for (unsigned i = 0; i < sizeof(class) / sizeof(class[0]); i++) {
		class[i].options = class_options;
		net->class[net->classes++] = &class[i];
	}
}

static struct dhcp_server *new_server(void)
{
	static const struct siphash_key key = { "fuzzing the dhcp" };
	struct dhcp_limits limits = { .nets = 1, .leases = 2 * PORTS };
	struct dhcp_net_config net = { .serve = true,
				       .bootp = true,
				       .server = { SERVER, 24 },
				       .router = SERVER,
				       .mac = { { 2, 0, 0, 0, 0, 1 } },
				       .mtu = 1500,
				       .lease_time = 3600,
				       .min_lease_time = 60,
				       .max_lease_time = 86400,
				       .offer_hold = 60,
				       .quarantine = 600 };
	struct dhcp_server *s;

	configure(&net);
	fuzz_check(dhcp_server_new(&limits, &key, &s) == 0);
	fuzz_check(dhcp_net_set(s, 0, &net) == 0);
	for (uint32_t i = 0; i < PORTS; i++) {
		struct dhcp_port p = { .port = i,
				       .addr = SERVER + 1 + i,
				       .mac = { { 2, 0, 0, 0, 1, (uint8_t)i } },
				       .hostname = i ? "web" : NULL };

		fuzz_check(dhcp_port_add(s, &p) == 0);
	}
	return s;
}

static void check_reply(const struct wr *out, const struct dhcp_action *a)
{
	struct rd r = rd_init(out->p, out->len);
	struct dhcp_message m;
	static struct dhcp_options o;

	fuzz_check(!out->bad && out->len >= 14 + 20 + 8 + 300 && out->len <= DHCP_FRAME_MAX);
	rd_bytes(&r, 14 + 20 + 8);
	fuzz_check(dhcp_message_parse(r.p + r.pos, rd_left(&r), &m) == DHCP_DROP_NONE);
	fuzz_check(m.op == DHCP_OP_REPLY && dhcp_options_parse(&m, &o) == DHCP_DROP_NONE);
	fuzz_check(a->reply == DHCP_NAK || m.yiaddr == 0 ||
		   (m.yiaddr > SERVER && m.yiaddr <= SERVER + PORTS));
}

static void check_table(const struct dhcp_server *s)
{
	for (uint32_t i = 0; i < PORTS; i++) {
		const struct dhcp_lease *l = dhcp_lease_by_port(s, i);

		fuzz_check(l && l->addr == SERVER + 1 + i &&
			   l == dhcp_lease_by_addr(s, 0, l->addr));
		fuzz_check(l->state != DHCP_LEASE_BOUND || l->expires > l->started);
	}
}

static void print_options(const uint8_t *payload, size_t len)
{
	static struct dhcp_options o;
	struct dhcp_message m;
	char text[512];

	if (dhcp_message_parse(payload, len, &m) || dhcp_options_parse(&m, &o))
		return;
	for (unsigned code = 0; code < 256; code++) {
		size_t n;
		const uint8_t *data = dhcp_options_get(&o, (uint8_t)code, &n);

		if (!data)
			continue;
		dhcp_option_decode((uint8_t)code, data, n, text, sizeof(text));
		for (const char *c = text; *c; c++)
			fuzz_check(*c >= 0x20 && *c < 0x7f);
	}
}

static void one_packet(struct dhcp_server *s, uint32_t port, int64_t now, const uint8_t *ip,
		       size_t len)
{
	struct mac src = { { 2, 0, 0, 0, 1, (uint8_t)port } },
		   dst = { { 255, 255, 255, 255, 255, 255 } };
	uint8_t buf[DHCP_FRAME_MAX];
	struct wr out = wr_init(buf, sizeof(buf));
	struct dhcp_input in = { .port = port, .now = now };
	struct dhcp_action a;
	struct dhcp_frame f;

	if (dhcp_frame_parse(&src, &dst, ip, len, &f)) {
		/* What the frame hides is tried all the same. */
		f = (struct dhcp_frame){
			.src = src, .dst = dst, .sport = 68, .dport = 67, .payload = ip, .len = len
		};
	}
	print_options(f.payload, f.len);
	in.frame = &f;
	dhcp_input(s, &in, &out, &a);
	if (a.reply || a.bootp)
		check_reply(&out, &a);
	fuzz_check(!a.drop || (!a.reply && !a.bootp));
	fuzz_check(a.change != DHCP_CHANGE_BOUND || a.store);
	check_table(s);
	if (a.store && (len & 1)) {
		dhcp_undo(s, &a);
		check_table(s);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dhcp_server *s = new_server();
	struct rd r = rd_init(data, size);
	int64_t now = 1000000000;

	while (rd_left(&r) > 3) {
		size_t len = rd_be16(&r);
		uint8_t wait = rd_u8(&r);
		struct dhcp_action a;

		if (len > rd_left(&r))
			len = rd_left(&r);
		now += (int64_t)wait * wait * 1000000000;
		while (dhcp_expire(s, now, &a))
			check_table(s);
		one_packet(s, wait % PORTS, now, rd_bytes(&r, len), len);
	}
	dhcp_server_free(s);
	return 0;
}

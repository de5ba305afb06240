/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See dhcp_kit.h. */
#include <ctype.h>

#include "dhcp_kit.h"

const struct mac kit_mac = { { 0x52, 0x54, 0x00, 0x12, 0x34, 0x56 } };
const struct mac kit_mac2 = { { 0x52, 0x54, 0x00, 0x12, 0x34, 0x57 } };
const struct mac kit_server_mac = { { 0x52, 0x54, 0x00, 0xaa, 0xbb, 0xcc } };

const enum dhcp_lease_state kit_states[KIT_STATES] = { DHCP_LEASE_FREE,	   DHCP_LEASE_OFFERED,
						       DHCP_LEASE_BOUND,   DHCP_LEASE_RELEASED,
						       DHCP_LEASE_EXPIRED, DHCP_LEASE_DECLINED };

void (*kit_witness)(void);

static const struct mac everyone = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };

/* --- server --- */

void kit_configure(struct kit *k)
{
	ck_ok(dhcp_net_set(k->s, KIT_NET, &k->config));
}

void kit_start(struct kit *k)
{
	static const struct siphash_key key = { "fixed for tests" };
	static const struct dhcp_limits limits = { .nets = 2, .leases = KIT_LEASES };
	struct dhcp_port one = {
		.net = KIT_NET, .port = KIT_PORT, .addr = KIT_ADDR, .mac = kit_mac
	};
	struct dhcp_port two = {
		.net = KIT_NET, .port = KIT_PORT2, .addr = KIT_ADDR2, .mac = kit_mac2
	};

	*k = (struct kit){ .now = 1000 * KIT_SECOND, .port = KIT_PORT };
	ck_ok(dhcp_option_set_new(&k->options));
	k->config = (struct dhcp_net_config){ .serve = true,
					      .server = { KIT_SERVER, 24 },
					      .router = KIT_SERVER,
					      .mac = kit_server_mac,
					      .mtu = 1500,
					      .lease_time = KIT_LEASE_TIME,
					      .min_lease_time = KIT_LEASE_MIN,
					      .max_lease_time = KIT_LEASE_MAX,
					      .offer_hold = KIT_OFFER_HOLD,
					      .quarantine = KIT_QUARANTINE,
					      .options = k->options };
	ck_ok(dhcp_server_new(&limits, &key, &k->s));
	kit_configure(k);
	ck_ok(dhcp_port_add(k->s, &one));
	ck_ok(dhcp_port_add(k->s, &two));
}

void kit_stop(struct kit *k)
{
	dhcp_server_free(k->s);
	dhcp_option_set_free(k->options);
}

void kit_trust(struct kit *k)
{
	struct dhcp_port p = { .net = KIT_NET, .port = KIT_PORT, .trusted = true };

	dhcp_port_update(k->s, &p);
}

void kit_pass(struct kit *k, int64_t seconds)
{
	struct dhcp_action a;

	k->now += seconds * KIT_SECOND;
	while (dhcp_expire(k->s, k->now, &a))
		;
}

const struct dhcp_lease *kit_lease(const struct kit *k)
{
	return dhcp_lease_by_port(k->s, k->port);
}

void kit_prepare(struct kit *k, enum dhcp_lease_state state)
{
	uint32_t addr = kit_lease(k)->addr;

	if (state != DHCP_LEASE_FREE)
		kit_discover(k);
	if (state != DHCP_LEASE_FREE && state != DHCP_LEASE_OFFERED)
		kit_request(k, KIT_SERVER, addr, 0);
	if (state == DHCP_LEASE_RELEASED)
		kit_release(k, KIT_SERVER, addr);
	if (state == DHCP_LEASE_DECLINED)
		kit_decline(k, KIT_SERVER, addr);
	if (state == DHCP_LEASE_EXPIRED)
		kit_pass(k, KIT_LEASE_TIME);
	ck_assert_int_eq(kit_lease(k)->state, state);
}

/* --- messages to the server --- */

void kit_message(struct kit_message *c, const struct kit *k, uint8_t type)
{
	const struct dhcp_lease *lease = kit_lease(k);

	*c = (struct kit_message){ .m = { .op = DHCP_OP_REQUEST,
					  .htype = DHCP_HTYPE_ETHERNET,
					  .hlen = 6,
					  .xid = KIT_XID },
				   .src = lease ? lease->mac : kit_mac,
				   .dst = everyone,
				   .daddr = UINT32_MAX,
				   .least = 300 };
	memcpy(c->m.chaddr, c->src.octet, sizeof(c->src.octet));
	c->options = wr_init(c->octets, sizeof(c->octets));
	if (type)
		kit_add_u8(c, 53, type);
}

void kit_add(struct kit_message *c, uint8_t code, const void *data, size_t len)
{
	kit_must(len <= 255);
	wr_u8(&c->options, code);
	wr_u8(&c->options, (uint8_t)len);
	wr_bytes(&c->options, data, len);
}

void kit_add_u8(struct kit_message *c, uint8_t code, uint8_t v)
{
	kit_add(c, code, &v, 1);
}

void kit_add_u16(struct kit_message *c, uint8_t code, uint16_t v)
{
	uint8_t b[2] = { (uint8_t)(v >> 8), (uint8_t)v };

	kit_add(c, code, b, sizeof(b));
}

void kit_add_u32(struct kit_message *c, uint8_t code, uint32_t v)
{
	uint8_t b[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };

	kit_add(c, code, b, sizeof(b));
}

void kit_add_hex(struct kit_message *c, const char *hex)
{
	c->options.len +=
		kit_hex(hex, c->octets + c->options.len, sizeof(c->octets) - c->options.len);
}

size_t kit_payload(const struct kit_message *c, uint8_t *to, size_t size)
{
	struct wr w = wr_init(to, size);
	struct dhcp_message m = c->m;

	m.file = c->file;
	m.sname = c->sname;
	dhcp_message_write(&w, &m);
	wr_bytes(&w, c->octets, c->options.len);
	wr_u8(&w, 255);
	if (w.len < c->least)
		wr_zero(&w, c->least - w.len);
	kit_must(!w.bad && !c->options.bad);
	return w.len;
}

/* --- the reply --- */

uint16_t kit_sum(uint32_t start, const uint8_t *p, size_t len)
{
	uint32_t sum = start;

	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (sum > 0xffff)
		sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t)sum;
}

static uint32_t pseudo_sum(const uint8_t *ip, size_t udp_len)
{
	return (uint32_t)kit_sum(0, ip + 12, 8) + 17 + (uint32_t)udp_len;
}

/* RFC 791, RFC 768: a frame without IP options, with both checksums right, from port 67. */
static void read_frame(struct kit *k)
{
	const uint8_t *p = k->out, *ip = p + 14, *udp = p + 34;
	size_t total = k->out_len - 14;
	struct rd r = rd_init(ip + 12, 8);

	kit_must(k->out_len >= 14 + 20 + 8 + 300);
	memcpy(k->frame.dst.octet, p, 6);
	memcpy(k->frame.src.octet, p + 6, 6);
	kit_must(!memcmp(p + 12, "\x08\x00\x45\x00", 4));
	kit_must((size_t)(ip[2] << 8 | ip[3]) == total);
	kit_must(!memcmp(ip + 4, "\x00\x00\x40\x00\x40\x11", 6));
	kit_must(kit_sum(0, ip, 20) == 0xffff);
	kit_must(!memcmp(udp, "\x00\x43", 2));
	kit_must((size_t)(udp[4] << 8 | udp[5]) == total - 20);
	kit_must(udp[6] || udp[7]);
	kit_must(kit_sum(pseudo_sum(ip, total - 20), udp, total - 20) == 0xffff);
	k->frame.saddr = rd_be32(&r);
	k->frame.daddr = rd_be32(&r);
	k->frame.sport = DHCP_SERVER_PORT;
	k->frame.dport = (uint16_t)(udp[2] << 8 | udp[3]);
	k->frame.payload = udp + 8;
	k->frame.len = total - 28;
}

static void read_reply(struct kit *k)
{
	uint8_t type;

	read_frame(k);
	kit_must(dhcp_message_parse(k->frame.payload, k->frame.len, &k->m) == DHCP_DROP_NONE);
	kit_must(dhcp_options_parse(&k->m, &k->o) == DHCP_DROP_NONE);
	kit_must(k->m.op == DHCP_OP_REPLY);
	kit_must(k->m.giaddr || k->frame.dport == DHCP_CLIENT_PORT);
	if (k->action.bootp) {
		kit_must(!kit_has(k, 53));
		return;
	}
	kit_must(dhcp_options_u8(&k->o, 53, &type));
	kit_must(type == k->action.reply);
}

/* What holds for every action, whatever came in. */
static void check_action(const struct kit *k)
{
	const struct dhcp_action *a = &k->action;
	const struct dhcp_lease *l;

	kit_must((a->reply || a->bootp) == (k->out_len != 0 || k->out_bad));
	kit_must(!a->drop || (!a->reply && !a->bootp));
	kit_must(!a->bootp || (!a->reply && !a->request && a->change == DHCP_CHANGE_NONE));
	kit_must(!a->left || a->store);
	kit_must(!a->wait || (!a->drop && !a->reply && a->change == DHCP_CHANGE_NONE));
	kit_must(!a->store || (a->change != DHCP_CHANGE_NONE && a->change != DHCP_CHANGE_OFFERED));
	if (a->change == DHCP_CHANGE_NONE)
		return;
	l = dhcp_lease_by_addr(k->s, KIT_NET, a->record.addr);
	kit_must(l ? l->state == a->record.state : a->record.state == DHCP_LEASE_FREE);
	if (k->config.identity == DHCP_IDENTITY_PORT && kit_lease(k)->addr)
		kit_must(a->before.port == k->port && a->record.port == k->port &&
			 a->record.addr == kit_lease(k)->addr);
}

void kit_input(struct kit *k, const struct dhcp_frame *f)
{
	struct dhcp_input in = k->in;
	struct wr out = wr_init(k->out, sizeof(k->out));

	in.net = KIT_NET;
	in.port = k->port;
	in.now = k->now;
	in.frame = f;
	memset(k->out, 0xa5, sizeof(k->out));
	dhcp_input(k->s, &in, &out, &k->action);
	k->out_len = out.len;
	k->out_bad = out.bad;
	check_action(k);
	if ((k->action.reply || k->action.bootp) && !out.bad)
		read_reply(k);
}

void kit_send_payload(struct kit *k, const struct kit_message *c, const uint8_t *p, size_t len)
{
	uint8_t *exact CLEAN_FREE = kit_copy(p, len);
	struct dhcp_frame f = { .src = c->src,
				.dst = c->dst,
				.saddr = c->saddr,
				.daddr = c->daddr,
				.sport = DHCP_CLIENT_PORT,
				.dport = DHCP_SERVER_PORT,
				.payload = exact,
				.len = len };

	kit_input(k, &f);
}

void kit_send(struct kit *k, const struct kit_message *c)
{
	uint8_t payload[DHCP_PAYLOAD_MAX];
	size_t len = kit_payload(c, payload, sizeof(payload));

	kit_send_payload(k, c, payload, len);
}

void kit_discover(struct kit *k)
{
	struct kit_message c;

	kit_message(&c, k, DHCP_DISCOVER);
	kit_send(k, &c);
}

void kit_request(struct kit *k, uint32_t server, uint32_t wanted, uint32_t ciaddr)
{
	struct kit_message c;

	kit_message(&c, k, DHCP_REQUEST);
	c.m.ciaddr = c.saddr = ciaddr;
	if (server)
		kit_add_u32(&c, 54, server);
	if (wanted)
		kit_add_u32(&c, 50, wanted);
	kit_send(k, &c);
}

void kit_release(struct kit *k, uint32_t server, uint32_t ciaddr)
{
	struct kit_message c;

	kit_message(&c, k, DHCP_RELEASE);
	c.m.ciaddr = c.saddr = ciaddr;
	if (server)
		kit_add_u32(&c, 54, server);
	kit_send(k, &c);
}

void kit_decline(struct kit *k, uint32_t server, uint32_t wanted)
{
	struct kit_message c;

	kit_message(&c, k, DHCP_DECLINE);
	if (server)
		kit_add_u32(&c, 54, server);
	if (wanted)
		kit_add_u32(&c, 50, wanted);
	kit_send(k, &c);
}

void kit_inform(struct kit *k, uint32_t ciaddr)
{
	struct kit_message c;

	kit_message(&c, k, DHCP_INFORM);
	c.m.ciaddr = c.saddr = ciaddr;
	kit_send(k, &c);
}

void kit_put(struct kit *k, uint8_t code, const char *hex)
{
	uint8_t value[KIT_VALUE_MAX];

	ck_ok(dhcp_option_set_put(k->options, code, value, kit_hex(hex, value, sizeof(value))));
}

void kit_ask(struct kit *k, uint8_t type, const char *list)
{
	struct kit_message c;
	uint8_t codes[255];

	kit_message(&c, k, type);
	if (type == DHCP_REQUEST)
		kit_add_u32(&c, 50, KIT_ADDR);
	if (type == DHCP_INFORM)
		c.m.ciaddr = c.saddr = KIT_ADDR;
	if (list)
		kit_add(&c, 55, codes, kit_hex(list, codes, sizeof(codes)));
	kit_send(k, &c);
}

/* --- expectations --- */

void kit_expect(const struct kit *k, enum dhcp_type reply, const char *what)
{
	ck_assert_msg(k->action.reply == reply && !k->out_bad,
		      "%s: %s instead of %s (drop: %s, fits: %d)", what,
		      dhcp_type_text(k->action.reply), dhcp_type_text(reply),
		      dhcp_drop_text(k->action.drop), !k->out_bad);
}

void kit_expect_drop(const struct kit *k, enum dhcp_drop drop, const char *what)
{
	ck_assert_msg(k->action.drop == drop && !k->action.reply, "%s: drop %s, not %s; reply %s",
		      what, dhcp_drop_text(k->action.drop), dhcp_drop_text(drop),
		      dhcp_type_text(k->action.reply));
}

void kit_expect_service(struct kit *k)
{
	uint32_t addr = kit_lease(k)->addr;

	kit_discover(k);
	kit_expect(k, DHCP_OFFER, "service");
	ck_assert_uint_eq(k->m.yiaddr, addr);
	kit_request(k, KIT_SERVER, addr, 0);
	kit_expect(k, DHCP_ACK, "service");
	ck_assert_uint_eq(k->m.yiaddr, addr);
}

bool kit_has(const struct kit *k, uint8_t code)
{
	size_t len;

	return dhcp_options_get(&k->o, code, &len) != NULL;
}

uint32_t kit_u32(const struct kit *k, uint8_t code)
{
	uint32_t v = 0;

	ck_assert_msg(dhcp_options_u32(&k->o, code, &v), "no option %u of four octets", code);
	return v;
}

void kit_expect_option(const struct kit *k, uint8_t code, const void *data, size_t len)
{
	size_t got_len = 0;
	const uint8_t *got = dhcp_options_get(&k->o, code, &got_len);

	ck_assert_msg((got != NULL) == (data != NULL), "option %u is %s", code,
		      got ? "there" : "absent");
	if (!data)
		return;
	ck_assert_msg(got_len == len && !memcmp(got, data, len), "option %u differs (%zu octets)",
		      code, got_len);
}

void kit_expect_hex(const struct kit *k, uint8_t code, const char *hex)
{
	uint8_t value[KIT_VALUE_MAX];
	size_t len = hex ? kit_hex(hex, value, sizeof(value)) : 0;

	kit_expect_option(k, code, hex ? value : NULL, len);
}

size_t kit_order(const struct kit *k, uint8_t codes[256])
{
	size_t n = 0;

	for (size_t i = 0; i < k->m.options_len && k->m.options[i] != 255;) {
		if (k->m.options[i] == 0) {
			i++;
			continue;
		}
		ck_assert_uint_lt(n, 256);
		codes[n++] = k->m.options[i];
		i += 2u + k->m.options[i + 1];
	}
	return n;
}

void kit_expect_order(const struct kit *k, const char *hex, const char *what)
{
	uint8_t got[256], want[256];
	size_t n = kit_order(k, got), want_n = kit_hex(hex, want, sizeof(want));

	ck_assert_msg(n == want_n && !memcmp(got, want, n), "%s: %zu options, not in order %s",
		      what, n, hex);
}

/* --- octets --- */

static unsigned digit(char c)
{
	return isdigit((unsigned char)c) ? (unsigned)(c - '0') : (unsigned)(c - 'a' + 10);
}

size_t kit_hex(const char *text, uint8_t *to, size_t size)
{
	size_t n = 0;

	while (*text) {
		unsigned long times = 1;
		char *end;
		uint8_t v;

		if (*text == ' ') {
			text++;
			continue;
		}
		ck_assert_msg(isxdigit((unsigned char)text[0]) && isxdigit((unsigned char)text[1]),
			      "bad octets in a test: %s", text);
		v = (uint8_t)(digit(text[0]) << 4 | digit(text[1]));
		text += 2;
		if (*text == '*') {
			times = strtoul(text + 1, &end, 10);
			text = end;
		}
		ck_assert_uint_le(times, size - n);
		memset(to + n, v, times);
		n += times;
	}
	return n;
}

uint8_t *kit_copy(const void *p, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	if (!copy)
		ck_abort_msg("out of memory");
	if (len)
		memcpy(copy, p, len);
	return copy;
}

uint32_t kit_random(struct kit_random *r)
{
	r->state += r->state == 0;
	r->state ^= r->state >> 12;
	r->state ^= r->state << 25;
	r->state ^= r->state >> 27;
	return (uint32_t)((r->state * UINT64_C(0x2545f4914f6cdd1d)) >> 32);
}

uint32_t kit_below(struct kit_random *r, uint32_t n)
{
	return kit_random(r) % n;
}

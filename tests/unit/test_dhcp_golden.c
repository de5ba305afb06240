/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whole exchanges with real clients, octet by octet.
 *
 * tests/golden/<client>-<exchange>.pcap have the frames that udhcpc 1.35, dhclient 4.4 and dhcpcd
 * 9.4 sent in a network namespace, and behind each the frame that this server answers with. A
 * client's frame is given to the server at the time that the file says; what comes out must be the
 * next frame of the file. Times are round ones, "again" has frames twice, and dhcpcd's vendor class
 * names another kernel than it did; the rest is as it was sent, checksums that were left to the
 * device included.
 *
 * After a change of the replies on purpose, UNIT_GOLDEN=write build/tests/unit/unit dhcp_golden
 * keeps the clients' frames and writes the server's anew; read the difference with tcpdump -nvr
 * before it is committed. A new exchange starts as a file with the client's frames alone. The files
 * are found beside the source, so the runner is started where it was compiled.
 */
#include <pcap/pcap.h>

#include "dhcp_kit.h"

enum { FRAMES_MAX = 16, ETHERNET = 14, REPLIES_MAX = 6, REPLY_AFTER_US = 100 };

static const struct exchange {
	const char *file;
	uint8_t replies[REPLIES_MAX]; /* to the client's frames in turn; 0: no answer */
	unsigned frames;	      /* of the client */
	enum dhcp_lease_state end;
} exchanges[] = {
	{ "udhcpc-dora", { DHCP_OFFER, DHCP_ACK }, 2, DHCP_LEASE_BOUND },
	{ "udhcpc-renew", { DHCP_OFFER, DHCP_ACK, DHCP_ACK }, 3, DHCP_LEASE_BOUND },
	{ "udhcpc-release", { DHCP_OFFER, DHCP_ACK, 0 }, 3, DHCP_LEASE_RELEASED },
	{ "udhcpc-decline", { DHCP_OFFER, DHCP_ACK, 0, 0, DHCP_OFFER }, 5, DHCP_LEASE_OFFERED },
	{ "dhclient-dora", { DHCP_OFFER, DHCP_ACK }, 2, DHCP_LEASE_BOUND },
	{ "dhclient-again", { DHCP_OFFER, DHCP_OFFER, DHCP_ACK, DHCP_ACK }, 4, DHCP_LEASE_BOUND },
	{ "dhclient-init-reboot", { DHCP_ACK }, 1, DHCP_LEASE_BOUND },
	{ "dhclient-nak", { DHCP_NAK, DHCP_OFFER, DHCP_ACK }, 3, DHCP_LEASE_BOUND },
	{ "dhcpcd-dora", { DHCP_OFFER, DHCP_ACK }, 2, DHCP_LEASE_BOUND },
	{ "dhcpcd-inform", { DHCP_ACK }, 1, DHCP_LEASE_FREE },
};

struct frame {
	struct timeval when;
	size_t len;
	uint8_t octets[DHCP_FRAME_MAX];
};

struct recording {
	struct frame frame[FRAMES_MAX];
	unsigned n;
};

static void path_of(const struct exchange *e, char *to, size_t size)
{
	const char *slash = strrchr(__FILE__, '/');
	int dir = slash ? (int)(slash - __FILE__) : 0;

	snprintf(to, size, "%.*s/../golden/%s.pcap", dir, __FILE__, e->file);
}

static void load(const struct exchange *e, struct recording *r)
{
	char path[256], text[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *h;
	const u_char *octets;
	pcap_t *p;
	int rc;

	path_of(e, path, sizeof(path));
	p = pcap_open_offline(path, text);
	ck_assert_msg(p, "%s", text);
	ck_assert_int_eq(pcap_datalink(p), DLT_EN10MB);
	while ((rc = pcap_next_ex(p, &h, &octets)) == 1) {
		struct frame *f = &r->frame[r->n++];

		ck_assert_uint_le(r->n, FRAMES_MAX);
		ck_assert(h->caplen == h->len && h->len <= sizeof(f->octets));
		f->when = h->ts;
		f->len = h->len;
		memcpy(f->octets, octets, h->len);
	}
	ck_assert_msg(rc == PCAP_ERROR_BREAK, "%s: %s", path, pcap_geterr(p));
	pcap_close(p);
}

static void save(const struct exchange *e, const struct recording *r)
{
	char path[256];
	pcap_t *p = pcap_open_dead(DLT_EN10MB, 65535);
	pcap_dumper_t *to;

	path_of(e, path, sizeof(path));
	ck_assert_ptr_nonnull(p);
	to = pcap_dump_open(p, path);
	ck_assert_msg(to, "%s", pcap_geterr(p));
	for (unsigned i = 0; i < r->n; i++) {
		struct pcap_pkthdr h = { .ts = r->frame[i].when,
					 .caplen = (bpf_u_int32)r->frame[i].len,
					 .len = (bpf_u_int32)r->frame[i].len };

		pcap_dump((u_char *)to, &h, r->frame[i].octets);
	}
	ck_assert_int_eq(pcap_dump_flush(to), 0);
	pcap_dump_close(to);
	pcap_close(p);
}

static bool is_client(const struct frame *f)
{
	return f->len > ETHERNET && !memcmp(f->octets + 6, kit_mac.octet, 6);
}

/* The network that the files were written with. */
static void start(struct kit *k)
{
	struct dhcp_port p = { .net = KIT_NET, .port = KIT_PORT, .hostname = "web1" };

	kit_start(k);
	dhcp_port_update(k->s, &p);
	kit_put(k, 6, "0a4d0001 01010101");
	kit_put(k, 15, "766d2e696e7465726e616c"); /* vm.internal */
	kit_put(k, 42, "0a4d0001");
	kit_put(k, 119, "02766d 08696e7465726e616c 00");
	kit_put(k, 121, "08 0a 0a4d0002"); /* 10.0.0.0/8 via 10.77.0.2 */
}

/* One frame of the client, as it comes from the trap: Ethernet's addresses apart. */
static void receive(struct kit *k, const struct frame *f)
{
	struct dhcp_frame parsed;
	struct mac dst, src;

	memcpy(dst.octet, f->octets, 6);
	memcpy(src.octet, f->octets + 6, 6);
	ck_assert_mem_eq(f->octets + 12, "\x08\x00", 2);
	ck_assert_int_eq(
		dhcp_frame_parse(&src, &dst, f->octets + ETHERNET, f->len - ETHERNET, &parsed),
		DHCP_DROP_NONE);
	k->now = f->when.tv_sec * KIT_SECOND + f->when.tv_usec * (KIT_SECOND / 1000000);
	kit_pass(k, 0);
	kit_input(k, &parsed);
}

static void append(struct recording *r, const struct frame *f)
{
	ck_assert_uint_lt(r->n, FRAMES_MAX);
	r->frame[r->n++] = *f;
}

static void append_reply(struct recording *r, const struct kit *k, struct timeval when)
{
	struct frame f = { .when = when, .len = k->out_len };

	f.when.tv_usec += REPLY_AFTER_US;
	memcpy(f.octets, k->out, k->out_len);
	append(r, &f);
}

/* Plays the client's frames; `made` gets all frames as they should be in the file. */
static void play(const struct exchange *e, const struct recording *r, struct recording *made)
{
	struct kit k CLEAN_KIT;
	unsigned n = 0;

	start(&k);
	for (unsigned i = 0; i < r->n; i++) {
		if (!is_client(&r->frame[i]))
			continue;
		ck_assert_msg(n < e->frames, "%s: more frames than are expected", e->file);
		receive(&k, &r->frame[i]);
		ck_assert_msg(k.action.reply == e->replies[n], "%s: %s to frame %u", e->file,
			      dhcp_type_text(k.action.reply), n);
		append(made, &r->frame[i]);
		if (k.action.reply)
			append_reply(made, &k, r->frame[i].when);
		n++;
	}
	ck_assert_uint_eq(n, e->frames);
	ck_assert_int_eq(kit_lease(&k)->state, e->end);
}

static void compare(const struct exchange *e, const struct recording *r,
		    const struct recording *made)
{
	for (unsigned i = 0; i < r->n && i < made->n; i++) {
		const struct frame *is = &made->frame[i], *should = &r->frame[i];
		size_t at = 0;

		while (at < is->len && at < should->len && is->octets[at] == should->octets[at])
			at++;
		ck_assert_msg(is->len == should->len && at == is->len,
			      "%s: frame %u differs from octet %zu (%zu octets, not %zu)", e->file,
			      i, at, is->len, should->len);
		ck_assert(is->when.tv_sec == should->when.tv_sec &&
			  is->when.tv_usec == should->when.tv_usec);
	}
	ck_assert_msg(r->n == made->n, "%s: %u frames, not %u", e->file, made->n, r->n);
}

START_TEST(exchange)
{
	static struct recording r, made;
	const char *mode = getenv("UNIT_GOLDEN");

	r.n = made.n = 0;
	load(&exchanges[_i], &r);
	play(&exchanges[_i], &r, &made);
	if (mode && !strcmp(mode, "write"))
		save(&exchanges[_i], &made);
	else
		compare(&exchanges[_i], &r, &made);
}
END_TEST

UNIT_SUITE(dhcp_golden)
{
	tcase_add_loop_test(tc, exchange, 0, ARRAY_SIZE(exchanges));
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ARP packets octet by octet: what we write, what we believe of what others write. */
#include "dhcp_kit.h"

enum { ETHERNET = 14, PADDED = 60 };

static const struct mac ours = { { 0x02, 0xaa, 0, 0, 0, 1 } };
static const struct mac theirs = { { 0x52, 0x54, 0, 0, 0, 0x77 } };

/* A reply of theirs to us: 10.77.0.10 is at theirs. */
static const uint8_t reply[DHCP_ARP_SIZE] = {
	0x02, 0xaa, 0,	  0, 0, 1, 0x52, 0x54, 0,  0, 0,  0x77, 0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0,
	2,    0x52, 0x54, 0, 0, 0, 0x77, 10,   77, 0, 10, 0x02, 0xaa, 0,    0, 0, 1,	0, 0, 0, 0,
};

/* It changes nobody's cache: sender's IP 0, target's MAC 0 (RFC 5227 2.1.1). */
START_TEST(t_dhcp_030)
{
	static const uint8_t want[DHCP_ARP_SIZE] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, /* to all */
		0x02, 0xaa, 0,	  0,	0,    1,    /* from us */
		0x08, 0x06, 0,	  1,	0x08, 0,    6, 4,
		0,    1,    0x02, 0xaa, 0,    0,    0, 1, /* sender: us */
		0,    0,    0,	  0,			  /* sender's IP: none */
		0,    0,    0,	  0,	0,    0,	  /* target's MAC: none */
		10,   77,   0,	  10,
	};
	uint8_t frame[DHCP_ARP_SIZE];
	struct wr w = wr_init(frame, sizeof(frame));
	struct dhcp_arp a;

	dhcp_arp_probe_write(&w, &ours, KIT_ADDR);
	ck_assert(!w.bad);
	ck_assert_uint_eq(w.len, sizeof(want));
	ck_assert_mem_eq(frame, want, sizeof(want));
	/* And it is read as what it is. */
	ck_assert(dhcp_arp_parse(frame, sizeof(frame), &a));
	ck_assert_uint_eq(dhcp_arp_claim(&a), 0);
	ck_assert_uint_eq(dhcp_arp_interest(&a), KIT_ADDR);
	for (size_t room = 0; room < sizeof(frame); room++) {
		w = wr_init(frame, room);
		dhcp_arp_probe_write(&w, &ours, KIT_ADDR);
		ck_assert(w.bad);
	}
}
END_TEST

START_TEST(reply_is_read)
{
	uint8_t padded[PADDED] = { 0 };
	struct dhcp_arp a;

	memcpy(padded, reply, sizeof(reply));
	for (size_t len = sizeof(reply); len <= PADDED; len++) {
		ck_assert(dhcp_arp_parse(padded, len, &a));
		ck_assert_int_eq(a.op, DHCP_ARP_REPLY);
		ck_assert(mac_equal(&a.src, &theirs));
		ck_assert(mac_equal(&a.sender_mac, &theirs));
		ck_assert(mac_equal(&a.target_mac, &ours));
		ck_assert_uint_eq(a.sender, KIT_ADDR);
		ck_assert_uint_eq(a.target, 0);
	}
}
END_TEST

/* One octet of a good reply is another: then it is no ARP packet that we know. */
static const struct {
	const char *name;
	unsigned at;
	uint8_t value;
} wrong[] = {
	{ "IPv4", 13, 0x00 },
	{ "RARP", 12, 0x80 },
	{ "a VLAN tag", 12, 0x81 },
	{ "hardware 0", ETHERNET + 1, 0 },
	{ "hardware 6, IEEE 802", ETHERNET + 1, 6 },
	{ "hardware 257", ETHERNET, 1 },
	{ "another protocol", ETHERNET + 2, 0x86 },
	{ "protocol 0x0801", ETHERNET + 3, 1 },
	{ "MACs of 0 octets", ETHERNET + 4, 0 },
	{ "MACs of 8 octets", ETHERNET + 4, 8 },
	{ "MACs of 255 octets", ETHERNET + 4, 255 },
	{ "IPs of 0 octets", ETHERNET + 5, 0 },
	{ "IPs of 16 octets", ETHERNET + 5, 16 },
	{ "operation 0", ETHERNET + 7, 0 },
	{ "operation 3, RARP", ETHERNET + 7, 3 },
	{ "operation 8, InARP", ETHERNET + 7, 8 },
	{ "operation 258", ETHERNET + 6, 1 },
	{ "a group as sender", ETHERNET + 8, 0x53 },
};

START_TEST(wrong_is_refused)
{
	struct dhcp_arp a = { .sender = 1 };
	uint8_t frame[DHCP_ARP_SIZE];

	memcpy(frame, reply, sizeof(frame));
	frame[wrong[_i].at] = wrong[_i].value;
	ck_assert_msg(!dhcp_arp_parse(frame, sizeof(frame), &a), "%s", wrong[_i].name);
	ck_assert_uint_eq(a.sender, 1);
}
END_TEST

START_TEST(nobody_as_sender_is_refused)
{
	uint8_t frame[DHCP_ARP_SIZE];
	struct dhcp_arp a;

	memcpy(frame, reply, sizeof(frame));
	memset(frame + ETHERNET + 8, 0, 6);
	ck_assert(!dhcp_arp_parse(frame, sizeof(frame), &a));
	memset(frame + ETHERNET + 8, 0xff, 6);
	ck_assert(!dhcp_arp_parse(frame, sizeof(frame), &a));
}
END_TEST

/* On the heap, octet for octet, so that a sanitizer sees a read behind the end. */
START_TEST(cut_short_is_refused)
{
	struct dhcp_arp a;

	for (size_t len = 0; len < sizeof(reply); len++) {
		uint8_t *cut = malloc(len ? len : 1);

		ck_assert_ptr_nonnull(cut);
		memcpy(cut, reply, len);
		ck_assert(!dhcp_arp_parse(cut, len, &a));
		free(cut);
	}
}
END_TEST

/* RFC 5227 1.1: what a packet says about which address. */
static const struct {
	const char *name;
	enum dhcp_arp_op op;
	uint32_t sender, target, claim, interest;
} meanings[] = {
	{ "question", DHCP_ARP_REQUEST, 5, 6, 5, 5 },
	{ "probe", DHCP_ARP_REQUEST, 0, 6, 0, 6 },
	{ "announcement", DHCP_ARP_REQUEST, 5, 5, 5, 5 },
	{ "announcement by a reply", DHCP_ARP_REPLY, 5, 5, 5, 5 },
	{ "answer", DHCP_ARP_REPLY, 5, 6, 5, 5 },
	{ "answer to a probe", DHCP_ARP_REPLY, 5, 0, 5, 5 },
	{ "answer of nobody", DHCP_ARP_REPLY, 0, 6, 0, 0 },
};

START_TEST(meaning)
{
	struct dhcp_arp a = { .op = meanings[_i].op,
			      .sender = meanings[_i].sender,
			      .target = meanings[_i].target };

	ck_assert_msg(dhcp_arp_claim(&a) == meanings[_i].claim, "%s", meanings[_i].name);
	ck_assert_msg(dhcp_arp_interest(&a) == meanings[_i].interest, "%s", meanings[_i].name);
}
END_TEST

UNIT_SUITE(dhcp_arp)
{
	tcase_add_test(tc, t_dhcp_030);
	tcase_add_test(tc, reply_is_read);
	tcase_add_loop_test(tc, wrong_is_refused, 0, ARRAY_SIZE(wrong));
	tcase_add_test(tc, nobody_as_sender_is_refused);
	tcase_add_test(tc, cut_short_is_refused);
	tcase_add_loop_test(tc, meaning, 0, ARRAY_SIZE(meanings));
}

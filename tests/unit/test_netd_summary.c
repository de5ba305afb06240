/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets in a line: the octets are a guest's, whatever they are and wherever they end. */
#include <ctype.h>
#include <linux/if_ether.h>

#include "base/cleanup.h"
#include "summary.h"
#include "unit.h"

#define MACS "52:54:00:00:00:01 > ff:ff:ff:ff:ff:ff, "
#define IP4(protocol, fragment)                                                                    \
	"\x45\0\0\x24\0\0" fragment "\x40" protocol "\0\0\x0a\x4d\0\x09\x0a\x4d\0\x01"
#define IP6(next)                                                                                  \
	"\x60\0\0\0\0\x08" next "\xff\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\xff\x02\0\0\0\0\0\0\0" \
	"\0\0\0\0\0\0\x02"

static const struct row {
	uint16_t ethertype;
	bool vlan;
	const char *octets;
	size_t len;
	const char *text;
} rows[] = {
#define OCTETS(text) text, sizeof(text) - 1
	{ ETH_P_ARP, false,
	  OCTETS("\0\1\x08\0\6\4\0\2\x52\x54\0\0\0\1\x0a\x4d\0\1\0\0\0\0\0\0\x0a\x4d\0\2"),
	  MACS "ARP, 10.77.0.1 is at 52:54:00:00:00:01" },
	{ ETH_P_ARP, false,
	  OCTETS("\0\1\x08\0\6\4\0\1\x52\x54\0\0\0\1\0\0\0\0\0\0\0\0\0\0\x0a\x4d\0\2"),
	  MACS "ARP, who has 10.77.0.2, tell 0.0.0.0 (52:54:00:00:00:01)" },
	{ ETH_P_IP, false, OCTETS(IP4("\x11", "\0\0") "\0\x43\0\x44"),
	  MACS "10.77.0.9 > 10.77.0.1, UDP 67 > 68" },
	{ ETH_P_IP, true, OCTETS(IP4("\x06", "\0\0") "\x13\x88\0\x16"),
	  MACS "VLAN tag, 10.77.0.9 > 10.77.0.1, TCP 5000 > 22" },
	{ ETH_P_IP, false, OCTETS(IP4("\x11", "\0\x10") "\0\x43\0\x44"),
	  MACS "10.77.0.9 > 10.77.0.1, fragment, UDP" },
	{ ETH_P_IP, false, OCTETS(IP4("\x01", "\0\0") "\x05"),
	  MACS "10.77.0.9 > 10.77.0.1, ICMP type 5" },
	{ ETH_P_IP, false, OCTETS(IP4("\x84", "\0\0")),
	  MACS "10.77.0.9 > 10.77.0.1, protocol 132" },
	{ ETH_P_IPV6, false, OCTETS(IP6("\x3a") "\x86"),
	  MACS "fe80::1 > ff02::2, ICMPv6 type 134" },
	{ 0x88cc, false, OCTETS("\x02\x07"), MACS "type 0x88cc" },
	{ 0x0026, false, OCTETS("\x42\x42\x03"), MACS "length 0x0026" },
};

static struct trap_packet packet(const struct row *r, const uint8_t *octets, size_t len)
{
	return (struct trap_packet){ .src = { { 0x52, 0x54, 0, 0, 0, 1 } },
				     .dst = { { 255, 255, 255, 255, 255, 255 } },
				     .ip = octets,
				     .len = len,
				     .vlan = r->vlan,
				     .ethertype = r->ethertype };
}

START_TEST(said)
{
	const struct row *r = &rows[_i];
	struct trap_packet p = packet(r, (const uint8_t *)r->octets, r->len);
	char buf[SUMMARY_SIZE];

	ck_assert_str_eq(packet_summary(&p, buf), r->text);
}
END_TEST

/* Cut anywhere, in memory of exactly that size: a line all the same, and it says of whom. */
START_TEST(cut)
{
	const struct row *r = &rows[_i];

	for (size_t len = 0; len < r->len; len++) {
		CLEAN_FREE uint8_t *octets = malloc(len ? len : 1);
		struct trap_packet p = packet(r, octets, len);
		char buf[SUMMARY_SIZE];

		memcpy(octets, r->octets, len);
		packet_summary(&p, buf);
		ck_assert_int_eq(strncmp(buf, MACS, sizeof(MACS) - 1), 0);
	}
}
END_TEST

/* Any octet in the place of any other: printable, and one line. */
START_TEST(odd)
{
	const struct row *r = &rows[_i];
	CLEAN_FREE uint8_t *octets = malloc(r->len);

	memcpy(octets, r->octets, r->len);
	for (size_t at = 0; at < r->len; at++) {
		for (unsigned octet = 0; octet < 256; octet++) {
			struct trap_packet p = packet(r, octets, r->len);
			char buf[SUMMARY_SIZE];

			octets[at] = (uint8_t)octet;
			for (const char *c = packet_summary(&p, buf); *c; c++)
				ck_assert(isprint((unsigned char)*c));
		}
		octets[at] = (uint8_t)r->octets[at];
	}
}
END_TEST

UNIT_SUITE(netd_summary)
{
	tcase_add_loop_test(tc, said, 0, ARRAY_SIZE(rows));
	tcase_add_loop_test(tc, cut, 0, ARRAY_SIZE(rows));
	tcase_add_loop_test(tc, odd, 0, ARRAY_SIZE(rows));
}

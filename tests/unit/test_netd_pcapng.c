/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pcapng, byte for byte, and as libpcap reads it. */
#include <pcap/pcap.h>

#include "pcapng.h"
#include "unit.h"

static uint8_t buf[1024];

static struct wr begin(void)
{
	memset(buf, 0xee, sizeof(buf));
	return wr_init(buf, sizeof(buf));
}

static void check(const struct wr *w, const uint8_t *want, size_t len)
{
	ck_assert(!w->bad);
	ck_assert_uint_eq(w->len, len);
	ck_assert_mem_eq(buf, want, len);
}

#define CHECK(w, ...)                                                                              \
	do {                                                                                       \
		static const uint8_t want_[] = { __VA_ARGS__ };                                    \
		check(w, want_, sizeof(want_));                                                    \
	} while (0)

static const struct pcapng_interface plain = { .application = "netd",
					       .name = "nt0",
					       .snapshot = 262144 };

/* clang-format off */
START_TEST(section_and_interface)
{
	struct wr w = begin();

	pcapng_begin(&w, &plain);
	CHECK(&w,
	      0x0a, 0x0d, 0x0d, 0x0a, 0, 0, 0, 40, 0x1a, 0x2b, 0x3c, 0x4d, 0, 1, 0, 0,
	      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 4, 0, 4, 'n', 'e', 't', 'd',
	      0, 0, 0, 0, 0, 0, 0, 40,
	      0, 0, 0, 1, 0, 0, 0, 40, 0, 1, 0, 0, 0, 4, 0, 0, 0, 2, 0, 3, 'n', 't', '0', 0,
	      0, 9, 0, 1, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 40);
}
END_TEST

START_TEST(description_and_filter)
{
	struct pcapng_interface i = plain;
	struct wr w = begin();

	i.description = "web1/0";
	i.filter = "ip";
	i.snapshot = 96;
	pcapng_begin(&w, &i);
	ck_assert_uint_eq(w.len, 40 + 60);
	memmove(buf, buf + 40, 60);
	w.len = 60;
	CHECK(&w,
	      0, 0, 0, 1, 0, 0, 0, 60, 0, 1, 0, 0, 0, 0, 0, 96, 0, 2, 0, 3, 'n', 't', '0', 0,
	      0, 3, 0, 6, 'w', 'e', 'b', '1', '/', '0', 0, 0, 0, 9, 0, 1, 9, 0, 0, 0,
	      0, 11, 0, 3, 0, 'i', 'p', 0, 0, 0, 0, 0, 0, 0, 0, 60);
}
END_TEST

START_TEST(packet)
{
	struct wr w = begin();

	pcapng_packet(&w, &(struct pcapng_packet){ .time = 0x0102030405060708, .len = 1514,
						   .kept = 5, .data = "abcde",
						   .direction = PCAPNG_OUTBOUND,
						   .comment = "mac" });
	CHECK(&w,
	      0, 0, 0, 6, 0, 0, 0, 60, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 5,
	      0, 0, 5, 0xea, 'a', 'b', 'c', 'd', 'e', 0, 0, 0, 0, 1, 0, 3, 'm', 'a', 'c', 0,
	      0, 2, 0, 4, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 60);
}
END_TEST

START_TEST(packet_without_options)
{
	struct wr w = begin();

	pcapng_packet(&w, &(struct pcapng_packet){ .time = 1, .len = 4, .kept = 4,
						   .data = "abcd" });
	CHECK(&w,
	      0, 0, 0, 6, 0, 0, 0, 36, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 4,
	      0, 0, 0, 4, 'a', 'b', 'c', 'd', 0, 0, 0, 36);
}
END_TEST

START_TEST(statistics)
{
	struct wr w = begin();

	pcapng_statistics(&w, &(struct pcapng_statistics){ .time = 0x100000002,
							   .received = 0x300000004,
							   .lost = 5 });
	CHECK(&w,
	      0, 0, 0, 5, 0, 0, 0, 52, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2,
	      0, 4, 0, 8, 0, 0, 0, 3, 0, 0, 0, 4, 0, 5, 0, 8, 0, 0, 0, 0, 0, 0, 0, 5,
	      0, 0, 0, 0, 0, 0, 0, 52);
}
END_TEST
/* clang-format on */

/* Nothing is written past the end, and that it was too much is told. */
START_TEST(no_room)
{
	struct pcapng_packet p = { .kept = 4, .data = "abcd", .comment = "why" };

	for (size_t cap = 0;; cap++) {
		struct wr w = begin();

		w.cap = cap;
		pcapng_packet(&w, &p);
		for (size_t i = cap; i < sizeof(buf); i++)
			ck_assert_uint_eq(buf[i], 0xee);
		if (!w.bad) {
			ck_assert_uint_eq(cap, 48);
			return;
		}
	}
}
END_TEST

/* A packet's block has no more than was said, whatever its length and its comment's. */
START_TEST(overhead)
{
	char comment[2 * PCAPNG_COMMENT_MAX];

	memset(comment, 'x', sizeof(comment) - 1);
	comment[sizeof(comment) - 1] = 0;
	for (uint32_t kept = 0; kept < 8; kept++) {
		struct wr w = begin();

		pcapng_packet(&w, &(struct pcapng_packet){ .kept = kept,
							   .data = "abcdefgh",
							   .direction = PCAPNG_INBOUND,
							   .comment = comment });
		ck_assert_uint_eq(w.len % 4, 0);
		ck_assert_uint_gt(w.len, PCAPNG_COMMENT_MAX + kept);
		ck_assert_uint_le(w.len, PCAPNG_PACKET_OVERHEAD + kept);
	}
}
END_TEST

START_TEST(as_libpcap_reads_it)
{
	struct wr w = begin();
	struct pcap_pkthdr *h;
	const u_char *data;
	char why[PCAP_ERRBUF_SIZE];
	FILE *in;
	pcap_t *p;

	pcapng_begin(&w, &plain);
	pcapng_packet(&w, &(struct pcapng_packet){ .time = 1700000000123456789,
						   .len = 1514,
						   .kept = 5,
						   .data = "abcde",
						   .direction = PCAPNG_INBOUND,
						   .comment = "a reason" });
	pcapng_packet(&w,
		      &(struct pcapng_packet){ .time = 2, .len = 4, .kept = 4, .data = "fghi" });
	pcapng_statistics(&w, &(struct pcapng_statistics){ .received = 2 });
	in = fmemopen(buf, w.len, "r");
	p = pcap_fopen_offline_with_tstamp_precision(in, PCAP_TSTAMP_PRECISION_NANO, why);
	ck_assert_msg(p != NULL, "%s", why);
	ck_assert_int_eq(pcap_datalink(p), DLT_EN10MB);
	ck_assert_int_eq(pcap_snapshot(p), 262144);
	ck_assert_int_eq(pcap_next_ex(p, &h, &data), 1);
	ck_assert_int_eq(h->ts.tv_sec, 1700000000);
	ck_assert_int_eq(h->ts.tv_usec, 123456789);
	ck_assert_uint_eq(h->len, 1514);
	ck_assert_uint_eq(h->caplen, 5);
	ck_assert_mem_eq(data, "abcde", 5);
	ck_assert_int_eq(pcap_next_ex(p, &h, &data), 1);
	ck_assert_mem_eq(data, "fghi", 4);
	ck_assert_msg(pcap_next_ex(p, &h, &data) == PCAP_ERROR_BREAK, "%s", pcap_geterr(p));
	pcap_close(p);
}
END_TEST

UNIT_SUITE(netd_pcapng)
{
	tcase_add_test(tc, section_and_interface);
	tcase_add_test(tc, description_and_filter);
	tcase_add_test(tc, packet);
	tcase_add_test(tc, packet_without_options);
	tcase_add_test(tc, statistics);
	tcase_add_test(tc, no_room);
	tcase_add_test(tc, overhead);
	tcase_add_test(tc, as_libpcap_reads_it);
}

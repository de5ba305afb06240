/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses and MACs follow from this hash, so it has to be SipHash-2-4 to the last bit. */
#include "base/siphash.h"
#include "unit.h"

/* Of the octets 00 01 02 … under the key 00 01 … 0f: the authors' vectors
 * (github.com/veorq/SipHash, vectors.h), read as little-endian numbers. */
static const uint64_t vectors[64] = {
	0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a, 0x85676696d7fb7e2d,
	0xcf2794e0277187b7, 0x18765564cd99a68d, 0xcbc9466e58fee3ce, 0xab0200f58b01d137,
	0x93f5f5799a932462, 0x9e0082df0ba9e4b0, 0x7a5dbbc594ddb9f3, 0xf4b32f46226bada7,
	0x751e8fbc860ee5fb, 0x14ea5627c0843d90, 0xf723ca908e7af2ee, 0xa129ca6149be45e5,
	0x3f2acc7f57c29bdb, 0x699ae9f52cbe4794, 0x4bc1b3f0968dd39c, 0xbb6dc91da77961bd,
	0xbed65cf21aa2ee98, 0xd0f2cbb02e3b67c7, 0x93536795e3a33e88, 0xa80c038ccd5ccec8,
	0xb8ad50c6f649af94, 0xbce192de8a85b8ea, 0x17d835b85bbb15f3, 0x2f2e6163076bcfad,
	0xde4daaaca71dc9a5, 0xa6a2506687956571, 0xad87a3535c49ef28, 0x32d892fad841c342,
	0x7127512f72f27cce, 0xa7f32346f95978e3, 0x12e0b01abb051238, 0x15e034d40fa197ae,
	0x314dffbe0815a3b4, 0x027990f029623981, 0xcadcd4e59ef40c4d, 0x9abfd8766a33735c,
	0x0e3ea96b5304a7d0, 0xad0c42d6fc585992, 0x187306c89bc215a9, 0xd4a60abcf3792b95,
	0xf935451de4f21df2, 0xa9538f0419755787, 0xdb9acddff56ca510, 0xd06c98cd5c0975eb,
	0xe612a3cb9ecba951, 0xc766e62cfcadaf96, 0xee64435a9752fe72, 0xa192d576b245165a,
	0x0a8787bf8ecb74b2, 0x81b3e73d20b49b6f, 0x7fa8220ba3b2ecea, 0x245731c13ca42499,
	0xb78dbfaf3a8d83bd, 0xea1ad565322a1a0b, 0x60e61c23a3795013, 0x6606d7e446282b93,
	0x6ca4ecb15c5f91e1, 0x9f626da15c9625f3, 0xe51b38608ef25f57, 0x958a324ceb064572,
};

static struct siphash_key key;
static uint8_t octets[64];

static void count_up(void)
{
	for (unsigned i = 0; i < sizeof(key.octet); i++)
		key.octet[i] = (uint8_t)i;
	for (unsigned i = 0; i < sizeof(octets); i++)
		octets[i] = (uint8_t)i;
}

START_TEST(official_vectors)
{
	for (size_t len = 0; len < ARRAY_SIZE(vectors); len++)
		ck_assert_uint_eq(siphash(&key, octets, len), vectors[len]);
}
END_TEST

static uint64_t in_three(size_t a, size_t b, size_t len)
{
	struct siphash h = siphash_init(&key);

	siphash_add(&h, octets, a);
	siphash_add(&h, octets + a, b - a);
	siphash_add(&h, octets + b, len - b);
	return siphash_done(&h);
}

START_TEST(parts)
{
	for (size_t len = 0; len < 40; len++)
		for (size_t b = 0; b <= len; b++)
			for (size_t a = 0; a <= b; a++)
				ck_assert_uint_eq(in_three(a, b, len), vectors[len]);
}
END_TEST

START_TEST(octet_by_octet)
{
	struct siphash h = siphash_init(&key);

	for (size_t i = 0; i < 63; i++)
		siphash_add(&h, &octets[i], 1);
	ck_assert_uint_eq(siphash_done(&h), vectors[63]);
}
END_TEST

static uint64_t of_texts(const char *a, const char *b)
{
	struct siphash h = siphash_init(&key);

	siphash_add_text(&h, a);
	siphash_add_text(&h, b);
	return siphash_done(&h);
}

/* What text and number are in octets is as fixed as the hash. */
START_TEST(layout)
{
	static const char wire[] = "\x03\x00web\x00\x00\x04\x03\x02\x01";
	struct siphash h = siphash_init(&key);

	siphash_add_text(&h, "web");
	siphash_add_text(&h, "");
	siphash_add_u32(&h, 0x01020304);
	ck_assert_uint_eq(siphash_done(&h), siphash(&key, wire, sizeof(wire) - 1));
}
END_TEST

START_TEST(texts_do_not_run_together)
{
	ck_assert_uint_ne(of_texts("ab", "c"), of_texts("a", "bc"));
	ck_assert_uint_ne(of_texts("abc", ""), of_texts("", "abc"));
}
END_TEST

/* The length takes two octets. */
START_TEST(long_text)
{
	struct siphash h = siphash_init(&key), g = siphash_init(&key);
	char text[300];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	siphash_add(&h, "\x2b\x01", 2); /* 299 */
	siphash_add(&h, text, sizeof(text) - 1);
	siphash_add_text(&g, text);
	ck_assert_uint_eq(siphash_done(&g), siphash_done(&h));
}
END_TEST

START_TEST(every_bit_of_the_key_counts)
{
	uint64_t before = siphash(&key, octets, 8);

	for (unsigned bit = 0; bit < 128; bit++) {
		struct siphash_key other = key;

		other.octet[bit / 8] ^= (uint8_t)(1 << (bit % 8));
		ck_assert_uint_ne(siphash(&other, octets, 8), before);
	}
}
END_TEST

UNIT_SUITE(base_siphash)
{
	tcase_add_checked_fixture(tc, count_up, NULL);
	tcase_add_test(tc, official_vectors);
	tcase_add_test(tc, parts);
	tcase_add_test(tc, octet_by_octet);
	tcase_add_test(tc, layout);
	tcase_add_test(tc, texts_do_not_run_together);
	tcase_add_test(tc, long_text);
	tcase_add_test(tc, every_bit_of_the_key_counts);
}

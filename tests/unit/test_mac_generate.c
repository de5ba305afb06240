/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The generator: who gets which MAC must never change by accident, and none that is refused may
 * come out. */
#include "mac.h"
#include "unit.h"

static const struct siphash_key secret = { "0123456789abcdef" };

static const struct mac host_mac = { { 0x3c, 0xec, 0xef, 0x11, 0x22, 0x33 } };

static struct mac_generator generator(enum mac_policy policy, unsigned prefix_len)
{
	static const uint8_t prefix[5] = { 0x52, 0x54, 0x00, 0xab, 0xcd };
	struct mac_generator g = { .policy = policy,
				   .secret = secret,
				   .prefix_len = (uint8_t)prefix_len,
				   .host = host_mac };

	memcpy(g.prefix, prefix, prefix_len);
	return g;
}

static struct mac_identity identity(const char *guest, uint32_t nic)
{
	return (struct mac_identity){ .guest = guest, .nic = nic, .random = 0x1122334455667788 };
}

/* --- what comes out --- */

/*
 * Computed by another implementation. Should one of these fail, guests would change their addresses
 * with the next release: that is a decision, and not to be made by changing the row.
 */
static const struct {
	enum mac_policy policy;
	unsigned prefix_len;
	const char *guest;
	uint32_t nic, generation, attempt;
	const char *mac;
} golden[] = {
	{ MAC_POLICY_HASH, 0, "web1", 0, 0, 0, "c2:52:15:15:38:a3" },
	{ MAC_POLICY_HASH, 0, "web1", 0, 0, 1, "22:38:05:d4:0d:dd" },
	{ MAC_POLICY_HASH, 0, "web1", 0, 1, 0, "12:aa:63:e2:e8:6d" },
	{ MAC_POLICY_HASH, 0, "web1", 1, 0, 0, "12:0f:13:b1:ca:46" },
	{ MAC_POLICY_HASH, 0, "web2", 0, 0, 0, "72:e1:1e:24:bb:03" },
	{ MAC_POLICY_HASH, 1, "web1", 0, 0, 0, "52:52:15:15:38:a3" },
	{ MAC_POLICY_HASH, 3, "web1", 0, 0, 0, "52:54:00:15:38:a3" },
	{ MAC_POLICY_HASH, 5, "web1", 0, 0, 0, "52:54:00:ab:cd:a3" },
	{ MAC_POLICY_RANDOM, 0, "web1", 0, 0, 0, "82:19:5c:39:d1:1c" },
	{ MAC_POLICY_RANDOM, 3, "web1", 0, 0, 7, "52:54:00:0a:16:99" },
	{ MAC_POLICY_HOST, 0, "web1", 0, 0, 0, "00:1a:9b:04:1a:90" },
	{ MAC_POLICY_HOST, 3, "web1", 0, 0, 0, "52:54:00:04:1a:90" },
	{ MAC_POLICY_HOST, 3, "web1", 4294967295, 0, 63, "52:54:00:08:72:b8" },
};

START_TEST(golden_vector)
{
	struct mac_generator g = generator(golden[_i].policy, golden[_i].prefix_len);
	struct mac_identity id = identity(golden[_i].guest, golden[_i].nic);
	char text[MAC_TEXT_SIZE];
	struct mac m;

	id.generation = golden[_i].generation;
	m = mac_candidate(&g, &id, golden[_i].attempt);
	ck_assert_str_eq(mac_text(&m, text), golden[_i].mac);
}
END_TEST

static const enum mac_policy policies[] = { MAC_POLICY_HASH, MAC_POLICY_RANDOM, MAC_POLICY_HOST };

/* The prefix is kept, and what is behind it varies in every octet. */
START_TEST(keeps_its_prefix)
{
	unsigned len = (unsigned)_i % 5 + 1;
	struct mac_generator g = generator(policies[_i / 5], len);
	struct mac_identity id = identity("web1", 0);
	uint8_t any[6] = { 0 };

	for (uint32_t attempt = 0; attempt < 64; attempt++) {
		struct mac m = mac_candidate(&g, &id, attempt);

		ck_assert_mem_eq(m.octet, g.prefix, len);
		for (unsigned i = 0; i < 6; i++)
			any[i] |= m.octet[i] ^ mac_candidate(&g, &id, 0).octet[i];
	}
	for (unsigned i = len; i < 6; i++)
		ck_assert_uint_eq(any[i], 0xff);
}
END_TEST

/* IEEE 802c: locally administered, unicast, quadrant AAI; the other 44 bits vary. */
START_TEST(default_is_aai)
{
	struct mac_generator g = generator(policies[_i], 0);
	uint8_t ones[6] = { 0 }, zeros[6] = { 0 };

	for (uint32_t nic = 0; nic < 256; nic++) {
		struct mac_identity id = identity("web1", nic);
		struct mac m;

		id.random = 0x0123456789abcdefu * nic;
		m = mac_candidate(&g, &id, 0);
		ck_assert_uint_eq(m.octet[0] & 0x0f, 0x02);
		for (unsigned i = 0; i < 6; i++) {
			ones[i] |= m.octet[i];
			zeros[i] |= (uint8_t)~m.octet[i];
		}
	}
	ck_assert_uint_eq(ones[0] & zeros[0], 0xf0);
	for (unsigned i = 1; i < 6; i++)
		ck_assert_uint_eq(ones[i] & zeros[i], 0xff);
}
END_TEST

/* The classic scheme without a prefix of the operator's. */
START_TEST(host_policy_has_an_oui)
{
	struct mac_generator g = generator(MAC_POLICY_HOST, 0);
	struct mac_identity id = identity("web1", 0);
	struct mac m = mac_candidate(&g, &id, 0), n;

	ck_assert_mem_eq(m.octet, "\x00\x1a\x9b", 3);
	memset(&g.host, 0, sizeof(g.host));
	n = mac_candidate(&g, &id, 0);
	for (unsigned i = 3; i < 6; i++)
		ck_assert_uint_eq(m.octet[i], n.octet[i] ^ host_mac.octet[i]);
}
END_TEST

/* --- what it depends on --- */

static struct mac changed(enum mac_policy policy, int what)
{
	struct mac_generator g = generator(policy, 0);
	struct mac_identity id = identity(what == 1 ? "web2" : "web1", what == 2);

	id.generation = what == 3;
	id.random += what == 4;
	g.secret.octet[0] ^= what == 5;
	return mac_candidate(&g, &id, what == 6);
}

/* For each policy: whether guest, nic, generation, random number, secret, attempt change the MAC.
 */
static const bool matters[][7] = {
	[MAC_POLICY_HASH] = { false, true, true, true, false, true, true },
	[MAC_POLICY_RANDOM] = { false, false, false, false, true, true, true },
	[MAC_POLICY_HOST] = { false, true, true, true, false, true, true },
};

START_TEST(depends_on)
{
	enum mac_policy policy = policies[_i / 7];
	struct mac before = changed(policy, 0), after = changed(policy, _i % 7);

	ck_assert(mac_equal(&before, &after) == !matters[policy][_i % 7]);
}
END_TEST

/* "ab" 1 and "a" b1 must not be the same identity. */
START_TEST(names_do_not_run_into_numbers)
{
	struct mac_generator g = generator(MAC_POLICY_HASH, 0);
	struct mac_identity a = identity("web", 1), b = identity("web\001", 0);
	struct mac m = mac_candidate(&g, &a, 0), n = mac_candidate(&g, &b, 0);

	ck_assert(!mac_equal(&m, &n));
}
END_TEST

/* --- choosing --- */

struct taken {
	uint32_t first;	   /* so many are taken */
	uint32_t asked;	   /* counts the calls */
	uint32_t fails_at; /* this call fails; 0: none */
};

static int is_taken(void *arg, const struct mac *m, struct err *err)
{
	struct taken *t = arg;

	ck_assert_ptr_null(mac_refusal(m));
	t->asked++;
	if (t->asked == t->fails_at)
		return err_set(err, EIO, "the state cannot be read");
	return t->asked <= t->first;
}

START_TEST(chooses_the_first_that_is_free)
{
	struct mac_generator g = generator(policies[_i / 4], 0);
	struct mac_identity id = identity("web1", 0);
	struct taken t = { .first = (uint32_t[]){ 0, 1, 5, 63 }[_i % 4] };
	struct mac m, expected = mac_candidate(&g, &id, t.first);

	ck_ok(mac_choose(&g, &id, is_taken, &t, &m, &unit_err));
	ck_assert(mac_equal(&m, &expected));
	ck_assert_uint_eq(t.asked, t.first + 1);
}
END_TEST

START_TEST(gives_up)
{
	struct mac_generator g = generator(MAC_POLICY_HASH, 5);
	struct mac_identity id = identity("web1", 0);
	struct taken t = { .first = UINT32_MAX };
	struct mac m = host_mac;
	struct err err;

	ck_assert_int_eq(mac_choose(&g, &id, is_taken, &t, &m, &err), -EADDRNOTAVAIL);
	ck_assert_str_eq(err.text, "no free MAC address among 64 candidates");
	ck_assert_uint_eq(t.asked, MAC_ATTEMPTS);
	ck_assert(mac_equal(&m, &host_mac));
}
END_TEST

START_TEST(passes_on_what_failed)
{
	struct mac_generator g = generator(MAC_POLICY_HASH, 0);
	struct mac_identity id = identity("web1", 0);
	struct taken t = { .first = UINT32_MAX, .fails_at = 3 };
	struct mac m = host_mac;
	struct err err;

	ck_assert_int_eq(mac_choose(&g, &id, is_taken, &t, &m, &err), -EIO);
	ck_assert_str_eq(err.text, "the state cannot be read");
	ck_assert_uint_eq(t.asked, 3);
	ck_assert(mac_equal(&m, &host_mac));
}
END_TEST

/* A prefix all of whose addresses are refused: the callback is not even asked. */
static const uint8_t refused[][5] = {
	{ 0x01, 0x00, 0x5e, 0x00, 0x00 }, { 0x33, 0x33, 0x00, 0x00, 0x00 },
	{ 0x01, 0x80, 0xc2, 0x00, 0x00 }, { 0x00, 0x00, 0x5e, 0x00, 0x01 },
	{ 0x00, 0x00, 0x5e, 0x00, 0x02 }, { 0xfe, 0x54, 0x00, 0x00, 0x00 },
	{ 0xff, 0xff, 0xff, 0xff, 0xff },
};

START_TEST(chooses_none_that_is_refused)
{
	struct mac_generator g = generator(policies[_i % 2], 5);
	struct mac_identity id = identity("web1", 0);
	struct taken t = { 0 };
	struct mac m;

	memcpy(g.prefix, refused[_i / 2], 5);
	ck_assert_int_eq(mac_choose(&g, &id, is_taken, &t, &m, NULL), -EADDRNOTAVAIL);
	ck_assert_uint_eq(t.asked, 0);
}
END_TEST

/* Some of a prefix's addresses are refused: those are passed over. is_taken checks each. */
START_TEST(passes_over_what_is_refused)
{
	static const uint8_t prefix[5] = { 0, 0, 0, 0, 0 };
	struct mac_generator g = generator(MAC_POLICY_HASH, 0);
	unsigned passed_over = 0;

	memcpy(g.prefix, prefix, sizeof(prefix));
	g.prefix_len = 5;
	for (uint32_t nic = 0; nic < 2048; nic++) {
		struct mac_identity id = identity("web1", nic);
		struct mac first = mac_candidate(&g, &id, 0), m;
		struct taken t = { 0 };

		ck_ok(mac_choose(&g, &id, is_taken, &t, &m, &unit_err));
		ck_assert_ptr_null(mac_refusal(&m));
		passed_over += !mac_equal(&m, &first);
	}
	ck_assert_uint_gt(passed_over, 0); /* 00:00:00:00:00:00 came up */
}
END_TEST

/* The default has no candidate that would be refused, whoever asks. */
START_TEST(default_is_never_refused)
{
	struct mac_generator g = generator(policies[_i], 0);

	for (uint32_t nic = 0; nic < 10000; nic++) {
		struct mac_identity id = identity("web1", nic);
		struct mac m;

		id.random = nic;
		m = mac_candidate(&g, &id, nic);
		ck_assert_ptr_null(mac_refusal(&m));
	}
}
END_TEST

/* --- derived keys --- */

START_TEST(derived_key)
{
	static const char source[] = "b08dfa6083e7567a1921a715000001fb";
	struct siphash_key a = mac_derive_key(source, "mac"), b = mac_derive_key(source, "mac");
	struct siphash_key other = mac_derive_key(source, "name");
	struct siphash_key elsewhere = mac_derive_key("c08dfa6083e7567a1921a715000001fb", "mac");

	ck_assert_mem_eq(&a, &b, sizeof(a));
	ck_assert_mem_ne(a.octet, other.octet, sizeof(a.octet));
	ck_assert_mem_ne(a.octet, elsewhere.octet, sizeof(a.octet));
	ck_assert_mem_ne(a.octet, a.octet + 8, 8);
}
END_TEST

START_TEST(derived_key_is_golden)
{
	static const uint8_t expected[16] = { 0x82, 0x95, 0xec, 0x0f, 0xfe, 0x98, 0xe3, 0xe8,
					      0x76, 0x93, 0x7e, 0x70, 0xa3, 0x9d, 0x39, 0x0b };
	struct siphash_key key = mac_derive_key("b08dfa6083e7567a1921a715000001fb", "mac");

	ck_assert_mem_eq(key.octet, expected, sizeof(expected));
}
END_TEST

UNIT_SUITE(mac_generate)
{
	tcase_add_loop_test(tc, golden_vector, 0, ARRAY_SIZE(golden));
	tcase_add_loop_test(tc, keeps_its_prefix, 0, 10);
	tcase_add_loop_test(tc, default_is_aai, 0, 2);
	tcase_add_test(tc, host_policy_has_an_oui);
	tcase_add_loop_test(tc, depends_on, 0, 21);
	tcase_add_test(tc, names_do_not_run_into_numbers);
	tcase_add_loop_test(tc, chooses_the_first_that_is_free, 0, 12);
	tcase_add_test(tc, gives_up);
	tcase_add_test(tc, passes_on_what_failed);
	tcase_add_loop_test(tc, chooses_none_that_is_refused, 0, 2 * ARRAY_SIZE(refused));
	tcase_add_test(tc, passes_over_what_is_refused);
	tcase_add_loop_test(tc, default_is_never_refused, 0, ARRAY_SIZE(policies));
	tcase_add_test(tc, derived_key);
	tcase_add_test(tc, derived_key_is_golden);
}

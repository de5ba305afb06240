/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows of uplinks: what they say over a restart, and that damaged ones are no surprise. */
#include "store_kit.h"

static const uint8_t had[] = { 0, 1, 0x7f, 0xa5, 0xff };

static int compare(void *arg, const struct store_uplink *u)
{
	const struct store_uplink *expected = arg;

	ck_assert_str_eq(u->link, expected->link);
	ck_assert_str_eq(u->network, expected->network);
	ck_assert_int_eq(u->moving, expected->moving);
	ck_assert_int_eq(u->answered, expected->answered);
	ck_assert_uint_eq(u->had_len, expected->had_len);
	ck_assert_int_eq(memcmp(u->had, had, u->had_len), 0);
	return 7;
}

START_TEST(rows)
{
	struct store_uplink u = { .link = "eth0",
				  .network = "lan",
				  .moving = true,
				  .answered = true,
				  .had = had,
				  .had_len = sizeof(had) };
	struct store *s = store_must_open(STATE);

	ck_ok(store_uplink_put(s, &u, NULL, &unit_err));
	ck_assert_int_eq(store_uplink_list(s, compare, &u, &unit_err), 7);
	ck_ok(store_commit(s, &unit_err));
	store_close(s);
	s = store_must_open(STATE);
	ck_assert_int_eq(store_uplink_list(s, compare, &u, &unit_err), 7);
	/* When it is moved there is no need to know what it had. */
	u.moving = u.answered = false;
	ck_ok(store_uplink_put(s, &u, NULL, &unit_err));
	u.had_len = 0;
	ck_assert_int_eq(store_uplink_list(s, compare, &u, &unit_err), 7);
	ck_ok(store_uplink_del(s, "eth0", &unit_err));
	ck_ok(store_uplink_list(s, compare, &u, &unit_err));
	store_close(s);
}
END_TEST

/* A reboot has put it back. */
START_TEST(former_boot)
{
	struct store_uplink u = { .link = "eth0", .network = "lan" };
	struct store *s = store_must_open(STATE);

	ck_ok(store_uplink_put(s, &u, NULL, &unit_err));
	ck_ok(store_commit(s, &unit_err));
	store_close(s);
	store_meddle(STATE, "UPDATE uplink SET boot='before'");
	s = store_must_open(STATE);
	ck_ok(store_uplink_list(s, compare, &u, &unit_err));
	store_close(s);
}
END_TEST

START_TEST(damaged)
{
	static const char *const values[] = { "",
					      "moving",
					      "gone answered ",
					      "moving deaf 00",
					      "moving answered 0",
					      "moving answered 0g" };

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		struct store_uplink u = { .link = "eth0", .network = "lan" };
		struct store *s = store_must_open(STATE);
		char sql[128];

		ck_ok(store_uplink_put(s, &u, NULL, &unit_err));
		ck_ok(store_commit(s, &unit_err));
		store_close(s);
		snprintf(sql, sizeof(sql), "UPDATE uplink SET had='%s'", values[i]);
		store_meddle(STATE, sql);
		s = store_must_open(STATE);
		ck_assert_int_eq(store_uplink_list(s, compare, &u, &unit_err), -EBADMSG);
		ck_assert_ptr_nonnull(strstr(unit_err.text, "a row of table uplink"));
		store_close(s);
	}
}
END_TEST

/* What the octets of a row say is not believed. */
START_TEST(goods)
{
	static const struct {
		size_t len;
		uint8_t octets[48];
	} bad[] = {
		{ 4, { 4, 0, 0, 0 } },
		{ 24, { 0xff, 0xff, 0xff, 0x7f, 20 } },
		{ 24, { 0, 0, 0, 0, 20 } },
		{ 24, { 16, 0, 0, 0, 20 } }, /* RTM_NEWADDR without a body */
		{ 24, { 24, 0, 0, 0, 99 } },
		{ 24, { 24, 0, 0, 0, 24 } }, /* RTM_NEWROUTE, too short */
		{ 23, { 23, 0, 0, 0, 20 } },
	};
	uint8_t octets[48] = { 24, 0, 0, 0, 20 };
	struct rtnl_goods g = { .data = octets, .len = 24 };
	size_t at = 0;

	ck_assert_int_eq(rtnl_goods_parse(&g), 0);
	ck_assert_uint_eq(g.addrs, 1);
	ck_assert_ptr_eq(rtnl_goods_next(&g, &at), octets);
	ck_assert_ptr_null(rtnl_goods_next(&g, &at));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		memcpy(octets, bad[i].octets, sizeof(octets));
		g.len = bad[i].len;
		ck_assert_int_eq(rtnl_goods_parse(&g), -EBADMSG);
	}
}
END_TEST

UNIT_SUITE(netd_store_uplinks)
{
	scratch_use(tc);
	tcase_add_test(tc, rows);
	tcase_add_test(tc, former_boot);
	tcase_add_test(tc, damaged);
	tcase_add_test(tc, goods);
}

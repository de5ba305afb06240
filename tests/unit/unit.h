/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What unit tests share: a suite registers itself, and the runner (main.c) finds it. */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <check.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/err.h"

/* One test case for each test file; all its tests have the name of the file in front. */
struct unit_suite {
	const char *name;
	void (*fill)(TCase *tc);
	struct unit_suite *next;
};

void unit_register(struct unit_suite *s);

/*
 *	UNIT_SUITE(mac_text)
 *	{
 *		tcase_add_test(tc, parses);
 *		tcase_add_loop_test(tc, table, 0, ARRAY_SIZE(rows));
 *	}
 */
#define UNIT_SUITE(suite)                                                                          \
	static void fill_##suite(TCase *tc);                                                       \
	__attribute__((constructor)) static void register_##suite(void)                            \
	{                                                                                          \
		static struct unit_suite s = { #suite, fill_##suite, NULL };                       \
		unit_register(&s);                                                                 \
	}                                                                                          \
	static void fill_##suite(TCase *tc)

/* A call that must succeed; its error is shown when it does not. */
#define ck_ok(call)                                                                                \
	do {                                                                                       \
		struct err *shown_ = &unit_err;                                                    \
		unit_err.text[0] = 0;                                                              \
		int rc_ = (call);                                                                  \
		ck_assert_msg(rc_ == 0, "%s: %d %s", #call, rc_, shown_->text);                    \
	} while (0)

/* For the err parameter of the calls above. */
extern struct err unit_err;

#endif

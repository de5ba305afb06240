/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs every suite, or those whose names are given. CK_FORK=no keeps them in one process, for a
 * debugger. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"

struct err unit_err;

static struct unit_suite *first;

void unit_register(struct unit_suite *s)
{
	struct unit_suite **at = &first;

	while (*at && strcmp((*at)->name, s->name) < 0)
		at = &(*at)->next;
	s->next = *at;
	*at = s;
}

static bool wanted(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], name))
			return true;
	return argc == 1;
}

int main(int argc, char **argv)
{
	Suite *suite = suite_create("unit");
	SRunner *runner;
	int run, failed;

	for (struct unit_suite *s = first; s; s = s->next) {
		TCase *tc;

		if (!wanted(s->name, argc, argv))
			continue;
		tc = tcase_create(s->name);
		tcase_set_timeout(tc, 60);
		s->fill(tc);
		suite_add_tcase(suite, tc);
	}
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	run = srunner_ntests_run(runner);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	if (!run) {
		fprintf(stderr, "no suite of that name\n");
		return 2;
	}
	return failed ? 1 : 0;
}

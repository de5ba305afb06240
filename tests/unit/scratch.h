/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of tests: each test has an empty directory of its own, which is removed at the end however
 * the test ends. */
#ifndef TESTS_SCRATCH_H
#define TESTS_SCRATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "unit.h"

/* Gives every test of this case its directory. */
void scratch_use(TCase *tc);

/* A path inside the directory; valid until the eighth call from now. */
const char *scratch_path(const char *leaf);

void scratch_write(const char *path, const void *data, size_t len);
void scratch_write_text(const char *path, const char *text);

/* The whole of a file, and a NUL behind it; the caller's. The test fails when there is none. */
char *scratch_read(const char *path, size_t *ret_len);

/*
 * Mounts an empty tmpfs with these options (tmpfs(5)) on the directory `leaf`, for this process
 * alone. False, and a line on stderr, where that is not permitted: the test is then skipped.
 */
bool scratch_mount(const char *leaf, const char *options);
/* Makes what was mounted read-only. */
void scratch_mount_read_only(const char *leaf);

#endif

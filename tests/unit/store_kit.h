/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tests of the state share. They need scratch_use(). */
#ifndef TESTS_STORE_KIT_H
#define TESTS_STORE_KIT_H

#include "scratch.h"
#include "store.h"

CLEANUP_DEFINE(store, struct store, store_close)
#define CLEAN_STORE CLEANUP(cleanup_store)

/* The file of most tests. */
#define STATE scratch_path("state.db")

/* Opens it, or the test fails. */
struct store *store_must_open(const char *path);

/* The n-th allocation, different from all others in every member that must be, n up to 60,000. */
struct store_allocation store_sample(const char *network, uint32_t n);

/* Puts samples first … first + n - 1 of network "default" and commits, or the test fails. */
void store_must_put(struct store *s, uint32_t first, uint32_t n);

/* How many allocations a network has; the test fails when one differs from its sample. */
unsigned store_count(struct store *s, const char *network);

/* Runs SQL on a state that is not open, behind netd's back. */
void store_meddle(const char *path, const char *sql);

/* From now on no file can grow: every commit fails, as on a disk that is broken; or it can again.
 */
void store_break(bool broken);

/* Opening must fail with -code, and say this (behind "state PATH: "; a part of it will do). */
void store_must_refuse(const char *path, int code, const char *words);

/* The same, and the file stays octet by octet what it is. */
void store_must_leave_alone(const char *path, int code, const char *words);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tests of the configuration share. They need scratch_use(). */
#ifndef TESTS_CONFIG_KIT_H
#define TESTS_CONFIG_KIT_H

#include "config_keys.h"
#include "scratch.h"

CLEANUP_DEFINE(config, struct config, config_free)
#define CLEAN_CONFIG CLEANUP(cleanup_config)

#define IN_NETWORK(text) "network a {\n" text "\n}\n"

/* A configuration with every key that there is. */
extern const char config_everything[];

/* Writes the text as netd.conf and reads it; both succeed, or the test fails. */
struct config *config_must_read(const char *text);

/* The same, which fails, with the file's name and this sentence behind it. A %s in it is the name
 * again. */
void config_must_refuse(const char *text, const char *sentence);

/* The canonical form; the caller's. */
char *config_printed(const struct config *c);

#endif

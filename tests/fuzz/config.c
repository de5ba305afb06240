/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A configuration file: it is refused with a sentence, or its canonical form is read back and
 * prints the same, without a difference. As the block of a network that was made at run time it is
 * that network, or one with a mistake, and never anything else. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "config_diff.h"
#include "fuzz.h"

static char path[64];

static void remove_file(void)
{
	unlink(path);
}

static void write_file(const void *data, size_t size)
{
	FILE *out;

	if (!path[0]) {
		snprintf(path, sizeof(path), "/tmp/netd-fuzz-config-%d", (int)getpid());
		atexit(remove_file);
	}
	out = fopen(path, "w");
	fuzz_check(out && fwrite(data, 1, size, out) == size && fclose(out) == 0);
}

static char *print(const struct config *c)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fuzz_check(out != NULL);
	config_print(c, out);
	fuzz_check(fclose(out) == 0);
	return text;
}

static int no_change(void *arg, const struct config_change *change)
{
	(void)arg;
	(void)change;
	return -1;
}

static void read_again(const struct config *c)
{
	CLEAN_FREE char *first = print(c), *again = NULL;
	struct config *same;
	struct err err;

	fuzz_check(config_read_again(c, NULL, 0, &same, &err) == 0);
	again = print(same);
	fuzz_check(!strcmp(first, again) && config_diff(c, same, no_change, NULL) == 0);
	config_free(same);
}

static void read_block(const uint8_t *data, size_t size)
{
	CLEAN_FREE char *text = strndup((const char *)data, size);
	const struct config_block block = { .name = "a", .text = text };
	const struct config nothing = { 0 };
	const struct config_network *made;
	struct config *c;
	struct err err;

	fuzz_check(text && config_read_again(&nothing, &block, 1, &c, &err) == 0);
	made = config_network_find(c, "a");
	fuzz_check(made && made->made && c->networks == 2);
	fuzz_check(!made->mistake || (*made->mistake && !strchr(made->mistake, '\n')));
	config_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = { 0 };
	CLEAN_FREE char *first = NULL, *second = NULL;
	struct config *c;

	read_block(data, size);
	write_file(data, size);
	if (config_read(path, false, &c, &err)) {
		fuzz_check(err.text[0] && !strchr(err.text, '\n'));
		return 0;
	}
	first = print(c);
	config_free(c);
	write_file(first, strlen(first));
	if (config_read(path, false, &c, &err)) {
		fprintf(stderr, "%s\n%s", err.text, first);
		abort();
	}
	second = print(c);
	read_again(c);
	config_free(c);
	fuzz_check(strcmp(first, second) == 0);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A configuration file: it is refused with a sentence, or its canonical form is read back and
 * prints the same. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "config.h"
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = { 0 };
	CLEAN_FREE char *first = NULL, *second = NULL;
	struct config *c;

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
	config_free(c);
	fuzz_check(strcmp(first, second) == 0);
	return 0;
}

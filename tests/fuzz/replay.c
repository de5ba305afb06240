/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a fuzz target over files, without a fuzzer: the corpus in `make check`, or one finding in a
 * debugger. */
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"

enum { MOST = 1 << 20 };

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		/* To its size, so that a sanitizer sees what lies behind. */
		FILE *in = fopen(argv[i], "rb");
		uint8_t *whole = malloc(MOST), *data;
		size_t n;

		if (!in || !whole) {
			perror(argv[i]);
			return 1;
		}
		n = fread(whole, 1, MOST, in);
		fclose(in);
		data = realloc(whole, n ? n : 1);
		LLVMFuzzerTestOneInput(data ? data : whole, n);
		free(data ? data : whole);
	}
	return 0;
}

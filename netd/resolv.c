/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads resolv.conf(5). Called when a network with `dns = auto` is configured. */
#include "resolv.h"
#include "base/cleanup.h"
#include "base/ip4.h"

unsigned resolv_read(FILE *in, uint32_t *ret, unsigned most)
{
	char text[IP4_TEXT_SIZE +
		  1]; /* one more, so that what is too long is not cut to an address */
	CLEAN_FREE char *line = NULL;
	size_t size = 0;
	unsigned n = 0;

	while (n < most && getline(&line, &size, in) >= 0) {
		uint32_t addr;

		if (sscanf(line, " nameserver%*[ \t]%16s", text) != 1 || !ip4_parse(text, &addr))
			continue;
		if (addr >> 24 == 127 || addr == 0)
			continue;
		ret[n++] = addr;
	}
	return n;
}

unsigned resolv_upstreams(uint32_t *ret, unsigned most)
{
	static const char *const paths[] = { "/etc/resolv.conf",
					     "/run/systemd/resolve/resolv.conf" };

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		CLEAN_FILE FILE *in = fopen(paths[i], "re");
		unsigned n = in ? resolv_read(in, ret, most) : 0;

		if (n)
			return n;
	}
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A lease file of another DHCP server: what is taken from it is a MAC address, an IPv4 address, and
 * a guest's name or none, each a text that is what it says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "fuzz.h"
#include "mac.h"

#include "base/ip4.h"

static void check_entry(const struct lease_entry *e)
{
	static const char fit[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				  "._-";
	struct mac mac;
	uint32_t addr;

	fuzz_check(e->number > 0);
	if (e->mistake)
		return;
	fuzz_check(mac_parse(e->mac, &mac) && ip4_parse(e->address, &addr));
	fuzz_check(strlen(e->guest) < sizeof(e->guest));
	fuzz_check(strspn(e->guest, fit) == strlen(e->guest));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lease_file f;
	const char *why;

	if (!lease_file_parse((const char *)data, size, &f, &why)) {
		fuzz_check(why != NULL && !f.entry && !f.entries);
		return 0;
	}
	for (size_t i = 0; i < f.entries; i++)
		check_entry(&f.entry[i]);
	lease_file_done(&f);
	return 0;
}

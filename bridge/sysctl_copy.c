/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The settings of a link that another one needs which takes its place. */
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "bridge.h"

/* That of IPv6 as a whole comes last: its addresses are made by the others. */
static const struct setting {
	const char *family, *name;
} copied[] = {
	{ "ipv4", "rp_filter" },	   { "ipv4", "arp_ignore" },
	{ "ipv4", "arp_announce" },	   { "ipv4", "arp_filter" },
	{ "ipv4", "arp_notify" },	   { "ipv4", "arp_accept" },
	{ "ipv4", "accept_redirects" },	   { "ipv4", "secure_redirects" },
	{ "ipv4", "send_redirects" },	   { "ipv4", "shared_media" },
	{ "ipv4", "proxy_arp" },	   { "ipv4", "accept_source_route" },
	{ "ipv4", "log_martians" },	   { "ipv4", "promote_secondaries" },
	{ "ipv4", "src_valid_mark" },	   { "ipv6", "forwarding" },
	{ "ipv6", "accept_ra" },	   { "ipv6", "accept_ra_defrtr" },
	{ "ipv6", "accept_ra_pinfo" },	   { "ipv6", "accept_redirects" },
	{ "ipv6", "accept_source_route" }, { "ipv6", "autoconf" },
	{ "ipv6", "use_tempaddr" },	   { "ipv6", "addr_gen_mode" },
	{ "ipv6", "accept_dad" },	   { "ipv6", "keep_addr_on_down" },
	{ "ipv6", "proxy_ndp" },	   { "ipv6", "disable_ipv6" },
};

static int open_one(const struct setting *s, const char *link, int flags, char path[128])
{
	snprintf(path, 128, "/proc/sys/net/%s/conf/%s/%s", s->family, link, s->name);
	return open(path, flags | O_CLOEXEC);
}

/* What a kernel does not have, or does not let be set, is nothing that both could have. */
static int copy_one(const struct setting *s, const char *from, const char *to, struct err *err)
{
	char path[128], value[64], there[64];
	CLEAN_FD int in = open_one(s, from, O_RDONLY, path);
	CLEAN_FD int out = open_one(s, to, O_RDWR, path);
	ssize_t n, m;

	if (in < 0 || out < 0)
		return 0;
	n = read(in, value, sizeof(value));
	m = read(out, there, sizeof(there));
	if (n <= 0 || (n == m && !memcmp(value, there, (size_t)n)))
		return 0;
	if (pwrite(out, value, (size_t)n, 0) < 0 && errno != EACCES && errno != EPERM)
		return err_sys(err, errno, "%s", path);
	return 0;
}

int sysctl_copy(const char *from, const char *to, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(copied) && !rc; i++)
		rc = copy_one(&copied[i], from, to, err);
	return rc;
}

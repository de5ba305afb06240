/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The few sysctls that netd reads and writes. The files are those of the calling process's network
 * namespace. */
#include <fcntl.h>
#include <linux/if_addr.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "bridge.h"

static int write_value(const char *path, const char *value, struct err *err)
{
	CLEAN_FD int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, errno, "%s", path);
	if (write(fd, value, strlen(value)) < 0)
		return err_sys(err, errno, "%s", path);
	return 0;
}

static void forwarding_path(const char *link, char *path, size_t size)
{
	snprintf(path, size, "/proc/sys/net/ipv4/conf/%s/forwarding", link);
}

static void localnet_path(const char *link, char *path, size_t size)
{
	snprintf(path, size, "/proc/sys/net/ipv4/conf/%s/route_localnet", link);
}

static int read_switch(const char *path, bool *ret, struct err *err)
{
	CLEAN_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	char value;

	if (fd < 0)
		return err_sys(err, errno, "%s", path);
	if (read(fd, &value, 1) != 1)
		return err_sys(err, EIO, "%s", path);
	*ret = value != '0';
	return 0;
}

int sysctl_forwarding_get(const char *link, bool *ret, struct err *err)
{
	char path[96];

	forwarding_path(link, path, sizeof(path));
	return read_switch(path, ret, err);
}

int sysctl_forwarding_set(const char *link, bool on, struct err *err)
{
	char path[96];

	forwarding_path(link, path, sizeof(path));
	return write_value(path, on ? "1" : "0", err);
}

int sysctl_ipv6_off(const char *link, struct err *err)
{
	char path[96];
	int rc;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6", link);
	rc = write_value(path, "1", err);
	return rc == -ENOENT ? 0 : rc;
}

int sysctl_read(const char *path, int *ret, struct err *err)
{
	char full[128], text[32] = "";
	CLEAN_FD int fd = -1;

	snprintf(full, sizeof(full), "/proc/sys/net/%s", path);
	fd = open(full, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, errno, "%s", full);
	if (read(fd, text, sizeof(text) - 1) < 1)
		return err_sys(err, EIO, "%s", full);
	*ret = (int)strtol(text, NULL, 10);
	return 0;
}

/* A line of /proc/net/if_inet6: address, index, prefix length, scope, flags, link
 * (net/ipv6/addrconf.c, if6_seq_show). What is given for a time only is not permanent. */
static bool is_autoconf(const char *line, const char *link)
{
	unsigned scope, flags;
	char name[32];

	return sscanf(line, "%*32s %*x %*x %x %x %31s", &scope, &flags, name) == 3 && !scope &&
	       !(flags & IFA_F_PERMANENT) && !strcmp(name, link);
}

int sysctl_ipv6_autoconf(const char *link, bool *ret, struct err *err)
{
	static const char path[] = "/proc/net/if_inet6";
	FILE *f = fopen(path, "re");
	char line[128];

	*ret = false;
	if (!f)
		return errno == ENOENT ? 0 : err_sys(err, errno, "%s", path);
	while (!*ret && fgets(line, sizeof(line), f))
		*ret = is_autoconf(line, link);
	fclose(f);
	return 0;
}

int sysctl_localnet_get(const char *link, bool *ret, struct err *err)
{
	char path[96];

	localnet_path(link, path, sizeof(path));
	return read_switch(path, ret, err);
}

int sysctl_localnet_set(const char *link, bool on, struct err *err)
{
	char path[96];

	localnet_path(link, path, sizeof(path));
	return write_value(path, on ? "1" : "0", err);
}

int sysctl_arp_own(const char *link, struct err *err)
{
	char path[96];
	int rc;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/arp_ignore", link);
	rc = write_value(path, "1", err);
	if (rc)
		return rc;
	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/arp_announce", link);
	return write_value(path, "2", err);
}

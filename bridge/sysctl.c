/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The few sysctls that netd reads and writes. The files are those of the calling process's network
 * namespace. */
#include <fcntl.h>
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

int sysctl_forwarding_get(const char *link, bool *ret, struct err *err)
{
	CLEAN_FD int fd = -1;
	char path[96], value;

	forwarding_path(link, path, sizeof(path));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, errno, "%s", path);
	if (read(fd, &value, 1) != 1)
		return err_sys(err, EIO, "%s", path);
	*ret = value != '0';
	return 0;
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

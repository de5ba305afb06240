/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who has a TAP open. The kernel tells of each descriptor of /dev/net/tun which interface it is of,
 * by name (drivers/net/tun.c, tun_chr_show_fdinfo). Called by netd/ through the kernel seam.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/if.h>
#include <string.h>

#include "base/cleanup.h"
#include "tap.h"

CLEANUP_DEFINE(dir, DIR, closedir)
#define CLEAN_DIR CLEANUP(cleanup_dir)

/* Less than `size` octets of a small file. */
static bool read_text(int dir, const char *path, char *to, size_t size)
{
	CLEAN_FD int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, to, size - 1);

	to[n < 0 ? 0 : n] = 0;
	return n > 0;
}

/* By its path, wherever a jail has put it: to look at a file itself can take for ever, as of a
 * server that does not answer. */
static bool may_be_tun(int proc, const char *fd)
{
	static const char end[] = "/tun";
	char path[32], target[512];
	ssize_t n, len = sizeof(end) - 1;

	snprintf(path, sizeof(path), "fd/%.16s", fd);
	n = readlinkat(proc, path, target, sizeof(target));
	return n == sizeof(target) || (n >= len && !memcmp(target + n - len, end, (size_t)len));
}

/* One of its descriptors is of the interface. */
static bool is_of(int proc, const char *fd, const char *name)
{
	char path[32], info[512], line[LINK_NAME_SIZE + 8];

	snprintf(path, sizeof(path), "fdinfo/%.16s", fd);
	snprintf(line, sizeof(line), "iff:\t%s\n", name);
	return read_text(proc, path, info, sizeof(info)) && strstr(info, line);
}

static bool has_open(int proc, const char *name)
{
	int fd = openat(proc, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN_DIR DIR *list = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	if (!list && fd >= 0)
		close(fd);
	while (list && (e = readdir(list)))
		if (isdigit((unsigned char)e->d_name[0]) && may_be_tun(proc, e->d_name) &&
		    is_of(proc, e->d_name, name))
			return true;
	return false;
}

static void describe(int proc, const char *pid, char ret[TAP_HOLDER_SIZE])
{
	char comm[20];

	read_text(proc, "comm", comm, sizeof(comm));
	comm[strcspn(comm, "\n")] = 0;
	for (char *c = comm; *c; c++)
		if (!isprint((unsigned char)*c))
			*c = '?';
	snprintf(ret, TAP_HOLDER_SIZE, "%s (pid %.16s)", comm, pid);
}

int tap_holder(const char *name, char ret[TAP_HOLDER_SIZE])
{
	CLEAN_DIR DIR *list = opendir("/proc");
	const struct dirent *e;

	while (list && (e = readdir(list))) {
		CLEAN_FD int proc = -1;

		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		proc = openat(dirfd(list), e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (proc < 0 || !has_open(proc, name))
			continue;
		describe(proc, e->d_name, ret);
		return 0;
	}
	return -ENOENT;
}

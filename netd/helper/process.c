/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What /proc tells of the QEMU that runs this program. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "helper.h"

/* A shell stands in between when `helper=` is a command line (net/tap.c, net_bridge_run_helper). */
enum { SHELLS_MAX = 4, LINE_MAX_SIZE = 4 << 20, PATH_SIZE = 64 };

/* A file of /proc, of which fstat does not tell the size; the caller frees it. NULL: it cannot be
 * read, or is too long. */
static char *read_file(int pid, const char *name, size_t *ret_len)
{
	CLEAN_FREE char *text = NULL;
	size_t len = 0, size = 0;
	char path[PATH_SIZE];
	CLEAN_FD int fd = -1;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0) {
		ssize_t n;

		if (len == size) {
			char *grown = size < LINE_MAX_SIZE ? realloc(text, 2 * size + 4096) : NULL;

			if (!grown)
				return NULL;
			text = grown;
			size = 2 * size + 4096;
		}
		n = read(fd, text + len, size - len);
		if (n < 0)
			return NULL;
		if (!n)
			break;
		len += (size_t)n;
	}
	*ret_len = len;
	return take_ptr(text);
}

static int parent_of(int pid)
{
	size_t len;
	CLEAN_FREE char *text = read_file(pid, "stat", &len);
	const char *end = text ? memrchr(text, ')', len) : NULL;
	char state;
	int parent;

	/* Its name is in parentheses, and may have some itself. */
	if (!end || len - (size_t)(end - text) < 8 || sscanf(end, ") %c %d", &state, &parent) != 2)
		return 0;
	return parent;
}

static const char *program_of(const char *line, size_t len)
{
	const char *slash = memrchr(line, '/', strnlen(line, len));

	return slash ? slash + 1 : line;
}

static bool is_shell(const char *program)
{
	static const char *const shells[] = { "sh", "dash", "bash", "busybox", "ksh", "zsh" };

	for (size_t i = 0; i < ARRAY_SIZE(shells); i++)
		if (!strcmp(program, shells[i]))
			return true;
	return false;
}

int process_find_machine(struct qemu_machine *ret, bool *ret_known)
{
	int pid = getppid();

	*ret_known = false;
	for (int i = 0; i < SHELLS_MAX && pid > 0; i++) {
		size_t len = 0;
		CLEAN_FREE char *line = read_file(pid, "cmdline", &len);

		if (!line || !len || line[len - 1])
			return pid;
		if (is_shell(program_of(line, len))) {
			pid = parent_of(pid);
			continue;
		}
		*ret_known = qemu_read(line, len, ret) &&
			     (ret->cards || strstr(program_of(line, len), "qemu") ||
			      strstr(program_of(line, len), "kvm"));
		return pid;
	}
	return pid;
}

/* fdinfo of a TAP's descriptor has its name (drivers/net/tun.c, tun_chr_show_fdinfo). */
static bool is_device(int pid, const char *fd, const char *ifname)
{
	char path[PATH_SIZE], want[64];
	CLEAN_FREE char *text = NULL;
	size_t len;

	snprintf(path, sizeof(path), "fdinfo/%.20s", fd);
	snprintf(want, sizeof(want), "iff:\t%s\n", ifname);
	text = read_file(pid, path, &len);
	return text && memmem(text, len, want, strlen(want));
}

int process_holds(int pid, const char *ifname)
{
	const struct dirent *entry;
	char path[PATH_SIZE];
	int found = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo", pid);
	dir = opendir(path);
	if (!dir)
		return -errno;
	while (!found && (entry = readdir(dir)))
		found = is_device(pid, entry->d_name, ifname);
	closedir(dir);
	return found;
}

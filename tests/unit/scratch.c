/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A test that fails never returns, so it cannot tidy up. The directory of all tests of a case is
 * therefore made and removed by unchecked fixtures, which libcheck runs in the parent process.
 */
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "scratch.h"

enum { PATH_SIZE = 512, PATHS = 8 };

static char all[64];	    /* the directory of the case */
static char one[PATH_SIZE]; /* of the test, inside it */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st;
	(void)type;
	(void)walk;
	return remove(path);
}

static void make_all(void)
{
	snprintf(all, sizeof(all), "/tmp/netd-unit.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(all));
}

static void remove_all(void)
{
	nftw(all, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

static void make_one(void)
{
	snprintf(one, sizeof(one), "%s/XXXXXX", all);
	ck_assert_ptr_nonnull(mkdtemp(one));
}

void scratch_use(TCase *tc)
{
	tcase_add_unchecked_fixture(tc, make_all, remove_all);
	tcase_add_checked_fixture(tc, make_one, NULL);
}

const char *scratch_path(const char *leaf)
{
	static char path[PATHS][PATH_SIZE];
	static unsigned next;
	char *to = path[next++ % PATHS];

	ck_assert_int_lt(snprintf(to, PATH_SIZE, "%s/%s", one, leaf), PATH_SIZE);
	return to;
}

void scratch_write(const char *path, const void *data, size_t len)
{
	FILE *out = fopen(path, "we");

	ck_assert_msg(out != NULL, "%s: %s", path, strerror(errno));
	ck_assert_uint_eq(fwrite(data, 1, len, out), len);
	ck_assert_int_eq(fclose(out), 0);
}

void scratch_write_text(const char *path, const char *text)
{
	scratch_write(path, text, strlen(text));
}

char *scratch_read(const char *path, size_t *ret_len)
{
	CLEAN_FILE FILE *in = fopen(path, "re");
	struct stat st;
	char *data;

	ck_assert_msg(in != NULL, "%s: %s", path, strerror(errno));
	ck_assert_int_eq(fstat(fileno(in), &st), 0);
	data = malloc((size_t)st.st_size + 1);
	ck_assert_ptr_nonnull(data);
	*ret_len = fread(data, 1, (size_t)st.st_size, in);
	ck_assert_uint_eq(*ret_len, (size_t)st.st_size);
	data[*ret_len] = 0;
	return data;
}

/* --- file systems --- */

static bool write_map(const char *path, unsigned id)
{
	CLEAN_FD int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && dprintf(fd, "0 %u 1\n", id) > 0;
}

/* Root may do without a user namespace, and some systems forbid these. */
static bool own_mounts(void)
{
	unsigned uid = geteuid(), gid = getegid();

	if (unshare(CLONE_NEWNS)) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
			return false;
		scratch_write_text("/proc/self/setgroups", "deny");
		if (!write_map("/proc/self/uid_map", uid) || !write_map("/proc/self/gid_map", gid))
			return false;
	}
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

bool scratch_mount(const char *leaf, const char *options)
{
	const char *path = scratch_path(leaf);

	ck_assert_int_eq(mkdir(path, 0700), 0);
	if (own_mounts() && mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, options) == 0)
		return true;
	fprintf(stderr, "SKIPPED, no tmpfs can be mounted (%s): a test of %s\n", strerror(errno),
		leaf);
	return false;
}

void scratch_mount_read_only(const char *leaf)
{
	ck_assert_int_eq(mount(NULL, scratch_path(leaf), NULL,
			       MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL),
			 0);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The socket that netd listens on. Called by varlink.c. */
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "varlink.h"

enum { BACKLOG = 512 };

static int set_owner(const char *path, mode_t mode, const char *group, struct err *err)
{
	const struct group *g = *group ? getgrnam(group) : NULL;

	if (*group && !g)
		return err_set(err, ENOENT, "socket %s: there is no group '%s'", path, group);
	if (g && chown(path, (uid_t)-1, g->gr_gid) < 0)
		return err_sys(err, errno, "socket %s: cannot give it to group '%s'", path, group);
	if (chmod(path, mode) < 0)
		return err_sys(err, errno, "socket %s", path);
	return 0;
}

/* A socket that nobody listens on is left over from a daemon that was killed. */
static int remove_stale(const char *path, const struct sockaddr_un *sun, struct err *err)
{
	CLEAN_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return err_sys(err, errno, "socket %s", path);
	if (connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) == 0 || errno == EAGAIN)
		return err_set(err, EADDRINUSE, "socket %s: another netd serves it", path);
	if (errno == ECONNREFUSED && unlink(path) < 0)
		return err_sys(err, errno, "socket %s", path);
	return 0;
}

/* So that a bare `netd` works; a service manager has made it. */
static int make_parent(const char *path, struct err *err)
{
	char directory[CONFIG_PATH_SIZE];
	char *slash;

	snprintf(directory, sizeof(directory), "%s", path);
	slash = strrchr(directory, '/');
	if (!slash || slash == directory)
		return 0;
	*slash = 0;
	if (mkdir(directory, 0755) < 0 && errno != EEXIST)
		return err_sys(err, errno, "cannot make directory %s", directory);
	return 0;
}

int varlink_listen(const char *path, mode_t mode, const char *group, int *ret_fd, struct err *err)
{
	CLEAN_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	mode_t old;
	int rc;

	if (fd < 0)
		return err_sys(err, errno, "socket %s", path);
	if (strlen(path) >= sizeof(sun.sun_path))
		return err_set(err, ENAMETOOLONG, "socket %s: the path is too long", path);
	memcpy(sun.sun_path, path, strlen(path));
	rc = make_parent(path, err);
	if (!rc)
		rc = remove_stale(path, &sun, err);
	if (rc)
		return rc;
	old = umask(0777); /* nobody connects before owner and mode are right */
	rc = bind(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0 ?
		     err_sys(err, errno, "socket %s", path) :
		     0;
	umask(old);
	if (!rc && listen(fd, BACKLOG) < 0)
		rc = err_sys(err, errno, "socket %s", path);
	if (!rc)
		rc = set_owner(path, mode, group, err);
	if (!rc)
		*ret_fd = take_fd(&fd);
	return rc;
}

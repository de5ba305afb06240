/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Readiness and socket activation, from their documentation; a library for them would be larger
 * than its use. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "log.h"
#include "systemd.h"

enum { LISTEN_FD = 3 };

void systemd_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	CLEAN_FD int fd = -1;
	size_t len = path ? strlen(path) : 0;

	if (!len || len >= sizeof(sun.sun_path) || (*path != '/' && *path != '@'))
		return;
	memcpy(sun.sun_path, path, len);
	if (*path == '@')
		sun.sun_path[0] = 0;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&sun,
			     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		log_warning("cannot tell the service manager: %s", strerror(errno));
}

static int check_socket(int fd, struct err *err)
{
	int type = 0, listening = 0, domain = 0;
	socklen_t len = sizeof(int);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0 || domain != AF_UNIX ||
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 || type != SOCK_STREAM ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) < 0 || !listening)
		return err_set(err, EINVAL,
			       "what the service manager handed over is not a listening UNIX "
			       "stream socket");
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return err_sys(err, errno, "the socket that the service manager handed over");
	return 0;
}

int systemd_listen_fd(int *ret_fd, struct err *err)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	bool ours = pid && strtol(pid, NULL, 10) == getpid();
	long n = fds && ours ? strtol(fds, NULL, 10) : 0;

	*ret_fd = -1;
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	if (n <= 0)
		return 0;
	if (n > 1)
		return err_set(err, EINVAL,
			       "the service manager handed over %ld sockets; one is wanted", n);
	*ret_fd = LISTEN_FD;
	return check_socket(LISTEN_FD, err);
}

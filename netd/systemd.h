/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two things that a service manager and its service say to each other (sd_notify(3),
 * sd_listen_fds(3)). */
#ifndef NETD_SYSTEMD_H
#define NETD_SYSTEMD_H

#include "base/err.h"

/* Sends a state such as "READY=1" to $NOTIFY_SOCKET; nothing happens when there is none. */
void systemd_notify(const char *state);

/*
 * The one listening UNIX stream socket that was handed over, or -1 when none was. -EINVAL (as
 * *ret_fd -1) when what was handed over is not that. Unsets the environment variables.
 */
MUST_CHECK int systemd_listen_fd(int *ret_fd, struct err *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vhost-net descriptors. Called by netd/ through the kernel seam. */
#include <fcntl.h>

#include "base/cleanup.h"
#include "tap.h"

#define VHOST_PATH "/dev/vhost-net"

int tap_vhost_open(unsigned queues, int *ret_fds, struct err *err)
{
	int fds[TAP_QUEUES_MAX];

	if (queues < 1 || queues > TAP_QUEUES_MAX)
		return err_set(err, EINVAL, "a port has 1 to %d queues", TAP_QUEUES_MAX);
	for (unsigned n = 0; n < queues; n++) {
		fds[n] = open(VHOST_PATH, O_RDWR | O_CLOEXEC);
		if (fds[n] < 0) {
			int rc = err_sys(err, errno, "cannot open " VHOST_PATH);

			while (n--)
				close(fds[n]);
			return rc;
		}
	}
	memcpy(ret_fds, fds, queues * sizeof(*fds));
	return 0;
}

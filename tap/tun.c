/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TAP interfaces by /dev/net/tun. Called by netd/ through the kernel seam. */
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "tap.h"

#define TUN_PATH "/dev/net/tun"

static int open_queue(const char *name, short flags, int *ret_fd, struct err *err)
{
	CLEAN_FD int fd = open(TUN_PATH, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	struct ifreq ifr = { .ifr_flags = flags };

	if (fd < 0)
		return err_sys(err, errno, "cannot open " TUN_PATH);
	memcpy(ifr.ifr_name, name, strnlen(name, sizeof(ifr.ifr_name) - 1));
	/* EBUSY: a TAP of that name that is someone's; EINVAL: a link of that name that is no TAP.
	 */
	if (ioctl(fd, TUNSETIFF, &ifr) < 0) {
		int code = errno == EBUSY || errno == EINVAL ? EEXIST : errno;

		return err_sys(err, code, "cannot create TAP %s", name);
	}
	*ret_fd = take_fd(&fd);
	return 0;
}

static void close_all(int *fds, unsigned n)
{
	while (n--)
		cleanup_fd(&fds[n]);
}

/* The socket stays: whose network namespace it is in is the same for as long as the process is. */
static int index_of(const char *name, uint32_t *ret, struct err *err)
{
	static int fd = -1;
	struct ifreq ifr = { 0 };

	if (fd < 0)
		fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	memcpy(ifr.ifr_name, name, strnlen(name, sizeof(ifr.ifr_name) - 1));
	if (fd < 0 || ioctl(fd, SIOCGIFINDEX, &ifr) < 0)
		return err_sys(err, errno, "cannot find TAP %s", name);
	*ret = (uint32_t)ifr.ifr_ifindex;
	return 0;
}

static int flags_for(unsigned queues)
{
	return IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (queues > 1 ? IFF_MULTI_QUEUE : 0);
}

static int open_queues(const char *name, int flags, unsigned queues, int *ret_fds, struct err *err)
{
	int fds[TAP_QUEUES_MAX], rc = 0;

	if (queues < 1 || queues > TAP_QUEUES_MAX)
		return err_set(err, EINVAL, "a TAP has 1 to %d queues", TAP_QUEUES_MAX);
	memset(fds, -1, sizeof(fds));
	for (unsigned n = 0; n < queues && !rc; n++) {
		/* The first queue must create the interface; the others join the one that it made.
		 */
		rc = open_queue(name, (short)(flags | (n == 0 ? IFF_TUN_EXCL : 0)), &fds[n], err);
	}
	if (rc) {
		close_all(fds, queues);
		return rc;
	}
	memcpy(ret_fds, fds, queues * sizeof(*fds));
	return 0;
}

static int find_opened(const char *name, unsigned queues, int *fds, uint32_t *ret_ifindex,
		       struct err *err)
{
	int rc = index_of(name, ret_ifindex, err);

	if (rc)
		close_all(fds, queues);
	return rc;
}

int tap_open(const char *name, unsigned queues, int *ret_fds, uint32_t *ret_ifindex,
	     struct err *err)
{
	int rc = open_queues(name, flags_for(queues), queues, ret_fds, err);

	return rc ? rc : find_opened(name, queues, ret_fds, ret_ifindex, err);
}

int tap_open_bare(const char *name, int *ret_fd, uint32_t *ret_ifindex, struct err *err)
{
	int rc = open_queues(name, IFF_TAP | IFF_NO_PI, 1, ret_fd, err);

	return rc ? rc : find_opened(name, 1, ret_fd, ret_ifindex, err);
}

int tap_persist(int fd, uint32_t user, struct err *err)
{
	if (ioctl(fd, TUNSETOWNER, (unsigned long)user) < 0)
		return err_sys(err, errno, "cannot give the TAP to user %u", user);
	if (ioctl(fd, TUNSETPERSIST, 1UL) < 0)
		return err_sys(err, errno, "cannot make the TAP persistent");
	return 0;
}

/* --- in another network namespace --- */

struct wanted {
	const char *name;
	unsigned queues;
	int *fds;
};

static int open_wanted(void *arg, struct err *err)
{
	const struct wanted *w = arg;

	return open_queues(w->name, flags_for(w->queues), w->queues, w->fds, err);
}

int tap_open_in(int netns, const char *name, unsigned queues, int *ret_fds, struct err *err)
{
	struct wanted w = { .name = name, .queues = queues, .fds = ret_fds };

	return rtnl_netns_call(netns, open_wanted, &w, err);
}

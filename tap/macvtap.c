/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The character devices of macvtap interfaces, and who has them open. Called by netd/ through the
 * kernel seam.
 *
 * Theory of operation: a macvtap interface outlives its descriptors, and nothing of it tells how
 * many there are (drivers/net/tap.c). But each of them holds the file's name in the kernel's cache,
 * and the kernel says IN_DELETE_SELF of an inode without a name when the last holder lets go of it
 * (fs/dcache.c, dentry_unlink_inode), be it a process, a message on its way, or vhost. So each port
 * has a node of its own beside /dev/net/tun, which keeps its name until a first descriptor is
 * closed. Then the name is taken away, and the end is heard exactly once, when the last one is.
 *
 * A netd that starts finds the node by its name, takes that away, and knows at once. Where it was
 * taken away before, it looks for a process that has the device open, and hears of the end by that
 * one's descriptor, which leads to the same inode.
 *
 * The kernel's own node, /dev/tap<ifindex>, is made in the first /dev only, and goes with the
 * interface: it is not used.
 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "base/cleanup.h"
#include "tap.h"

#define NODE_DIRECTORY "/dev/net"
#define NODE_PREFIX "netd-tap-"

enum { PATH_SIZE = 64, NODE_MODE = 0600, SCAN_AGE_S = 1 };

/* One interface whose last descriptor is waited for. */
struct holder {
	int watch;
	uint32_t ifindex;
	dev_t device;
	bool named; /* its node has its name still */
};

/* A descriptor of a macvtap device that some process has. */
struct sight {
	dev_t device;
	char path[PATH_SIZE];
};

struct macvtap {
	int inotify;
	struct holder *holder;
	size_t holders, holders_cap;
	struct sight *sight; /* as the last look into /proc found them */
	size_t sights, sights_cap;
	bool partial; /* some process did not show what it has */
	time_t looked;
};

/* Device files whose interface has gone while nobody was there to hear of it. */
static void remove_stale_nodes(void)
{
	DIR *nodes = opendir(NODE_DIRECTORY);
	unsigned major_number, minor_number;
	struct dirent *entry;
	char path[PATH_SIZE];

	while (nodes && (entry = readdir(nodes))) {
		if (sscanf(entry->d_name, NODE_PREFIX "%u-%u", &major_number, &minor_number) != 2)
			continue;
		/* Every device, of whichever network namespace. */
		snprintf(path, sizeof(path), "/sys/dev/char/%u:%u", major_number, minor_number);
		if (access(path, F_OK) < 0 && errno == ENOENT)
			unlinkat(dirfd(nodes), entry->d_name, 0);
	}
	if (nodes)
		closedir(nodes);
}

int macvtap_new(struct macvtap **ret, struct err *err)
{
	struct macvtap *m = calloc(1, sizeof(*m));

	if (!m)
		return err_set(err, ENOMEM, "out of memory");
	m->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (m->inotify < 0) {
		int code = errno;

		free(m);
		return err_sys(err, code, "cannot watch device files");
	}
	remove_stale_nodes();
	*ret = m;
	return 0;
}

void macvtap_free(struct macvtap *m)
{
	if (!m)
		return;
	close(m->inotify);
	free(m->holder);
	free(m->sight);
	free(m);
}

int macvtap_fd(const struct macvtap *m)
{
	return m->inotify;
}

/* --- the device --- */

static char *node_path(dev_t device, char buf[PATH_SIZE])
{
	snprintf(buf, PATH_SIZE, NODE_DIRECTORY "/" NODE_PREFIX "%u-%u", major(device),
		 minor(device));
	return buf;
}

/* sysfs of our own network namespace: what is mounted at /sys may be another's. */
static int open_own_sysfs(void)
{
	CLEAN_FD int fs = fsopen("sysfs", FSOPEN_CLOEXEC);

	if (fs < 0 || fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -1;
	return fsmount(fs, FSMOUNT_CLOEXEC, 0);
}

static int read_number(int directory, const char *path, dev_t *ret)
{
	CLEAN_FD int fd = openat(directory, path, O_RDONLY | O_CLOEXEC);
	unsigned major_number, minor_number;
	char text[32] = { 0 };

	if (fd < 0)
		return -errno;
	if (read(fd, text, sizeof(text) - 1) < 0)
		return -errno;
	if (sscanf(text, "%u:%u", &major_number, &minor_number) != 2)
		return -EBADMSG;
	*ret = makedev(major_number, minor_number);
	return 0;
}

/* By the interface's name, which is no other's in whichever namespace /sys is of. */
static int find_device(const char *name, uint32_t ifindex, dev_t *ret, struct err *err)
{
	char path[PATH_SIZE + LINK_NAME_SIZE];
	CLEAN_FD int directory = -1;
	int rc;

	snprintf(path, sizeof(path), "class/net/%s/tap%u/dev", name, ifindex);
	directory = open("/sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
	rc = directory < 0 ? -errno : read_number(directory, path, ret);
	if (rc) {
		cleanup_fd(&directory);
		directory = open_own_sysfs();
		if (directory >= 0)
			rc = read_number(directory, path, ret);
	}
	return rc ? err_sys(err, -rc, "cannot find the device file of %s in /sys", name) : 0;
}

/* --- who is waited for --- */

static struct holder *find_holder(struct macvtap *m, uint32_t ifindex)
{
	for (size_t i = 0; i < m->holders; i++)
		if (m->holder[i].ifindex == ifindex)
			return &m->holder[i];
	return NULL;
}

static struct holder *find_watch(struct macvtap *m, int watch)
{
	for (size_t i = 0; i < m->holders; i++)
		if (m->holder[i].watch == watch)
			return &m->holder[i];
	return NULL;
}

static int add_holder(struct macvtap *m, const char *path, struct holder holder, struct err *err)
{
	uint32_t events = IN_DELETE_SELF | (holder.named ? IN_CLOSE : 0);

	if (m->holders == m->holders_cap) {
		size_t cap = m->holders_cap ? 2 * m->holders_cap : 16;
		struct holder *grown = realloc(m->holder, cap * sizeof(*grown));

		if (!grown)
			return err_set(err, ENOMEM, "out of memory");
		m->holder = grown;
		m->holders_cap = cap;
	}
	holder.watch = inotify_add_watch(m->inotify, path, events);
	if (holder.watch < 0)
		return err_sys(err, errno, "cannot watch %s", path);
	m->holder[m->holders++] = holder;
	return 0;
}

/* From now on only the end is told. */
static void take_name(struct macvtap *m, struct holder *h)
{
	char path[PATH_SIZE];

	if (!h->named)
		return;
	h->named = false;
	/* The same watch with another mask, so that what is closed after this is not told. */
	inotify_add_watch(m->inotify, node_path(h->device, path), IN_DELETE_SELF);
	unlink(path);
}

void macvtap_forget(struct macvtap *m, uint32_t ifindex)
{
	struct holder *h = find_holder(m, ifindex);

	if (!h)
		return;
	take_name(m, h);
	inotify_rm_watch(m->inotify, h->watch);
	*h = m->holder[--m->holders];
}

/* --- opening --- */

static int open_queue(const char *path, const char *name, short flags, int *ret_fd, struct err *err)
{
	CLEAN_FD int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	struct ifreq ifr = { .ifr_flags = flags }, is = { 0 };

	if (fd < 0)
		return err_sys(err, errno, "cannot open %s", path);
	if (ioctl(fd, TUNSETIFF, &ifr) < 0 || ioctl(fd, TUNGETIFF, &is) < 0)
		return err_sys(err, errno, "cannot set up a queue of %s", name);
	if (strncmp(is.ifr_name, name, sizeof(is.ifr_name)) != 0)
		return err_set(err, ENODEV, "%s is not the device file of %s", path, name);
	*ret_fd = take_fd(&fd);
	return 0;
}

static int open_queues(const char *path, const char *name, unsigned queues, int *ret_fds,
		       struct err *err)
{
	int flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (queues > 1 ? IFF_MULTI_QUEUE : 0);
	int fds[TAP_QUEUES_MAX], rc = 0;

	memset(fds, -1, sizeof(fds));
	for (unsigned n = 0; n < queues && !rc; n++)
		rc = open_queue(path, name, (short)flags, &fds[n], err);
	if (!rc)
		memcpy(ret_fds, fds, queues * sizeof(*fds));
	for (unsigned n = 0; rc && n < queues; n++)
		cleanup_fd(&fds[n]);
	return rc;
}

int macvtap_open(struct macvtap *m, const char *name, uint32_t ifindex, unsigned queues,
		 int *ret_fds, struct err *err)
{
	struct holder h = { .ifindex = ifindex, .named = true };
	char path[PATH_SIZE];
	int rc;

	if (queues < 1 || queues > TAP_QUEUES_MAX)
		return err_set(err, EINVAL, "a macvtap device has 1 to %d queues", TAP_QUEUES_MAX);
	macvtap_forget(m, ifindex); /* one that had the index before */
	rc = find_device(name, ifindex, &h.device, err);
	if (rc)
		return rc;
	/* One that a netd left behind that was killed in between, of a device that is no more. */
	unlink(node_path(h.device, path));
	if (mknod(path, S_IFCHR | NODE_MODE, h.device) < 0)
		return err_sys(err, errno, "cannot make the device file %s", path);
	rc = add_holder(m, path, h, err);
	if (rc) {
		unlink(path);
		return rc;
	}
	rc = open_queues(path, name, queues, ret_fds, err);
	if (rc)
		macvtap_forget(m, ifindex);
	return rc;
}

/* --- after a restart --- */

/* Whether it is a character device, and which. The kernel is asked for what it knows: whoever
 * serves the files that other processes have open may never answer (AT_STATX_DONT_SYNC,
 * fs/fuse/dir.c). */
static bool read_device(int directory, const char *path, dev_t *ret)
{
	struct statx st;

	if (statx(directory, path, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_TYPE, &st) < 0 ||
	    !S_ISCHR(st.stx_mode))
		return false;
	*ret = makedev(st.stx_rdev_major, st.stx_rdev_minor);
	return true;
}

static bool is_device(const char *path, dev_t device)
{
	dev_t is;

	return read_device(AT_FDCWD, path, &is) && is == device;
}

static bool add_sight(struct macvtap *m, dev_t device, const char *process, const char *fd)
{
	if (m->sights == m->sights_cap) {
		size_t cap = m->sights_cap ? 2 * m->sights_cap : 64;
		struct sight *grown = realloc(m->sight, cap * sizeof(*grown));

		if (!grown)
			return false;
		m->sight = grown;
		m->sights_cap = cap;
	}
	m->sight[m->sights].device = device;
	snprintf(m->sight[m->sights++].path, PATH_SIZE, "/proc/%.16s/fd/%.16s", process, fd);
	return true;
}

static void look_at_process(struct macvtap *m, const char *process, unsigned major_number)
{
	char path[PATH_SIZE];
	struct dirent *entry;
	dev_t device;
	DIR *fds;

	snprintf(path, sizeof(path), "/proc/%.16s/fd", process);
	fds = opendir(path);
	if (!fds) {
		m->partial = m->partial || errno != ENOENT;
		return;
	}
	while ((entry = readdir(fds)))
		if (entry->d_name[0] != '.' && read_device(dirfd(fds), entry->d_name, &device) &&
		    major(device) == major_number && !add_sight(m, device, process, entry->d_name))
			m->partial = true;
	closedir(fds);
}

static void look(struct macvtap *m, unsigned major_number, time_t now)
{
	DIR *processes = opendir("/proc");
	struct dirent *entry;

	m->sights = 0;
	m->partial = !processes;
	m->looked = now;
	if (!processes)
		return;
	while ((entry = readdir(processes)))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			look_at_process(m, entry->d_name, major_number);
	closedir(processes);
}

/* Waits for the end of one that some process was seen to have; false when it has it no more. */
static bool follow_sight(struct macvtap *m, const struct holder *h)
{
	struct err err;

	for (size_t i = 0; i < m->sights; i++) {
		const char *path = m->sight[i].path;

		if (m->sight[i].device != h->device || add_holder(m, path, *h, &err))
			continue;
		/* The process can have opened something else in its place. */
		if (is_device(path, h->device))
			return true;
		macvtap_forget(m, h->ifindex);
	}
	return false;
}

/* What was seen a moment ago is good for finding, but not for saying that there is nobody. */
static int adopt_nameless(struct macvtap *m, const struct holder *h, bool *ret_open,
			  struct err *err)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	*ret_open = m->looked && now.tv_sec - m->looked <= SCAN_AGE_S && follow_sight(m, h);
	if (*ret_open)
		return 0;
	look(m, major(h->device), now.tv_sec);
	*ret_open = follow_sight(m, h);
	if (*ret_open || !m->partial)
		return 0;
	return err_set(err, EACCES, "not all processes show which device files they have open");
}

/* Takes the node's name away and says whether that was its end. */
static int test_name(const char *path, bool *ret_open, struct err *err)
{
	CLEAN_FD int once = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	char event[sizeof(struct inotify_event)];

	if (once < 0 || inotify_add_watch(once, path, IN_DELETE_SELF) < 0 || unlink(path) < 0)
		return err_sys(err, errno, "cannot look at %s", path);
	*ret_open = read(once, event, sizeof(event)) < 0;
	return 0;
}

int macvtap_adopt(struct macvtap *m, const char *name, uint32_t ifindex, bool *ret_open,
		  struct err *err)
{
	struct holder h = { .ifindex = ifindex };
	char path[PATH_SIZE];
	int rc;

	if (find_holder(m, ifindex)) {
		*ret_open = true;
		return 0;
	}
	rc = find_device(name, ifindex, &h.device, err);
	if (rc)
		return rc;
	if (!is_device(node_path(h.device, path), h.device))
		return adopt_nameless(m, &h, ret_open, err);
	rc = add_holder(m, path, h, err);
	if (!rc)
		rc = test_name(path, ret_open, err);
	if (rc || !*ret_open)
		macvtap_forget(m, ifindex);
	return rc;
}

/* --- what is heard --- */

/* Too much was told at once, and some of it was lost: each is looked at as after a restart. */
static void look_at_all(struct macvtap *m, macvtap_fn fn, void *arg)
{
	for (size_t i = m->holders; i-- > 0;) {
		struct holder h = m->holder[i];
		bool is_open = true;
		struct err err;

		take_name(m, &m->holder[i]);
		macvtap_forget(m, h.ifindex);
		h.named = false;
		if (adopt_nameless(m, &h, &is_open, &err) == 0 && !is_open)
			fn(arg, h.ifindex);
	}
}

static void hear(struct macvtap *m, const struct inotify_event *e, macvtap_fn fn, void *arg)
{
	struct holder *h = find_watch(m, e->wd);

	if (e->mask & IN_Q_OVERFLOW) {
		look_at_all(m, fn, arg);
	} else if (h && e->mask & IN_DELETE_SELF) {
		uint32_t ifindex = h->ifindex;

		*h = m->holder[--m->holders];
		fn(arg, ifindex);
	} else if (h && e->mask & IN_CLOSE) {
		take_name(m, h);
	}
}

int macvtap_read(struct macvtap *m, unsigned most, macvtap_fn fn, void *arg)
{
	_Alignas(struct inotify_event) char buf[4096];

	for (unsigned n = 0; n < most;) {
		ssize_t len = read(m->inotify, buf, sizeof(buf));

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return -errno;
		for (ssize_t at = 0; at < len; n++) {
			const struct inotify_event *e = (const struct inotify_event *)(buf + at);

			at += (ssize_t)(sizeof(*e) + e->len);
			hear(m, e, fn, arg);
		}
	}
	return 0;
}

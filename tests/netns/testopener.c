/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What VMMs do to a TAP that they are given the name of, in their order:
 *
 *	firecracker       src/vmm/src/devices/virtio/net/tap.rs open_named, device.rs new, activate
 *	cloud-hypervisor  net_util/src/open_tap.rs check_mq_support, open_tap_rx_q_0, open_tap
 *	crosvm            net_util/src/sys/linux/tap.rs new_with_name, into_mq_taps,
 *	                  devices/src/virtio/net/sys/linux.rs validate_and_configure_tap
 *
 * Then they say what the guest can do of checksums.
 */
#include "testopener.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

struct opener {
	const char *name;
	unsigned queues;
	int socket;
};

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "testopener: %s: %s\n", what, strerror(errno));
	exit(1);
}

static struct ifreq request(const struct opener *o, short flags)
{
	struct ifreq ifr = { .ifr_flags = flags };

	memcpy(ifr.ifr_name, o->name, strnlen(o->name, IFNAMSIZ - 1));
	return ifr;
}

static short tap_flags(const struct opener *o)
{
	return (short)(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (o->queues > 1 ? IFF_MULTI_QUEUE : 0));
}

static int open_tun(void)
{
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	must(fd >= 0, "/dev/net/tun");
	return fd;
}

static struct ifreq set_iff(const struct opener *o, int fd)
{
	struct ifreq ifr = request(o, tap_flags(o));

	must(ioctl(fd, TUNSETIFF, &ifr) == 0, "TUNSETIFF");
	return ifr;
}

static void set_header(int fd)
{
	int size = OPENER_HEADER;

	must(ioctl(fd, TUNSETVNETHDRSZ, &size) == 0, "TUNSETVNETHDRSZ");
}

/* It knows one queue. */
static int firecracker(const struct opener *o, unsigned queue)
{
	int fd = open_tun();

	(void)queue;
	set_iff(o, fd);
	set_header(fd);
	return fd;
}

/* The kernel's files show the namespace in which they were mounted, so it can be that there are
 * none. */
static void check_queues(const struct opener *o)
{
	char path[64];
	unsigned flags;
	FILE *in;

	snprintf(path, sizeof(path), "/sys/class/net/%s/tun_flags", o->name);
	in = fopen(path, "r");
	if (!in)
		return;
	must(fscanf(in, "%x", &flags) == 1, path);
	fclose(in);
	must(!(flags & IFF_MULTI_QUEUE) == (o->queues <= 1), "the TAP has other queues");
}

static int cloud_hypervisor(const struct opener *o, unsigned queue)
{
	struct ifreq ifr = request(o, 0);
	unsigned features;
	int fd;

	if (queue == 0)
		check_queues(o);
	fd = open_tun();
	must(ioctl(fd, TUNGETFEATURES, &features) == 0, "TUNGETFEATURES");
	set_iff(o, fd);
	if (queue == 0) {
		must(ioctl(o->socket, SIOCGIFHWADDR, &ifr) == 0, "SIOCGIFHWADDR");
		ifr = request(o, 0);
		must(ioctl(o->socket, SIOCGIFFLAGS, &ifr) == 0, "SIOCGIFFLAGS");
		must(ifr.ifr_flags & IFF_UP, "the TAP is down"); /* else it would set it up */
	}
	set_header(fd);
	return fd;
}

/* Further queues it sets up again, which takes CAP_NET_ADMIN. */
static int crosvm(const struct opener *o, unsigned queue)
{
	int fd = open_tun();
	struct ifreq ifr = set_iff(o, fd);

	must((ifr.ifr_flags & tap_flags(o)) == tap_flags(o), "flags are missing");
	if (queue) {
		ifr = request(o, IFF_UP | IFF_RUNNING);
		must(ioctl(o->socket, SIOCSIFFLAGS, &ifr) == 0, "SIOCSIFFLAGS");
	}
	set_header(fd);
	return fd;
}

static const struct {
	const char *vmm;
	int (*open)(const struct opener *o, unsigned queue);
} openers[] = {
	{ "firecracker", firecracker },
	{ "cloud-hypervisor", cloud_hypervisor },
	{ "crosvm", crosvm },
};

bool opener_knows(const char *text)
{
	return strchr(text, '=') != NULL;
}

unsigned opener_open(char *text, int *fds, unsigned max)
{
	struct opener o = { .socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) };
	const char *vmm = strtok(text, "="), *queues, *uid;

	o.name = strtok(NULL, ":");
	queues = strtok(NULL, ":");
	uid = strtok(NULL, ":");
	must(o.socket >= 0 && o.name && queues && uid, "usage");
	o.queues = (unsigned)atoi(queues);
	must(o.queues >= 1 && o.queues <= max, "queues");
	must(seteuid((uid_t)atoi(uid)) == 0, "seteuid");
	for (size_t i = 0; i < sizeof(openers) / sizeof(openers[0]); i++)
		for (unsigned q = 0; !strcmp(openers[i].vmm, vmm) && q < o.queues; q++)
			fds[q] = openers[i].open(&o, q);
	must(seteuid(0) == 0, "seteuid");
	close(o.socket);
	return o.queues;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * testvmm FDS MAC [IFNAME]: the smallest VMM there is. FDS are TAP descriptors, as netdctl run
 * hands them over; or VMM=NAME:QUEUES:UID, and it opens a TAP by its name as that VMM does. Its
 * guest is a network namespace of its own, whose network card (eth0) is a TAP as well; frames are
 * copied between the two with their virtio headers, so that the guest's partial checksums reach the
 * host as those of a real one do. A test enters the namespace by this process. Prints "ready" when
 * the card is up, and runs until it is killed.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mac.h"
#include "testopener.h"

enum { QUEUES = 32, FRAME = 70000, ETHERNET = 1 };

static void die(const char *what)
{
	fprintf(stderr, "testvmm: %s: %s\n", what, strerror(errno));
	exit(1);
}

static unsigned parse_fds(char *text, int *fds)
{
	unsigned n = 0;

	for (char *at = strtok(text, ":"); at && n < QUEUES; at = strtok(NULL, ":"))
		fds[n++] = atoi(at);
	return n;
}

/* header: octets before a frame; 0: the usual ones */
static int open_guest_queue(const char *name, bool multi, int header)
{
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	struct ifreq ifr = { .ifr_flags = (short)(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR |
						  (multi ? IFF_MULTI_QUEUE : 0)) };

	memcpy(ifr.ifr_name, name, strnlen(name, IFNAMSIZ - 1));
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) < 0)
		die("cannot create the guest's card");
	if (header && ioctl(fd, TUNSETVNETHDRSZ, &header) < 0)
		die("TUNSETVNETHDRSZ");
	if (ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM) < 0)
		die("TUNSETOFFLOAD");
	return fd;
}

/* mac NULL: as it is. */
static void bring_up(const char *name, const char *mac)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = { 0 };
	struct mac m;

	memcpy(ifr.ifr_name, name, strnlen(name, IFNAMSIZ - 1));
	ifr.ifr_hwaddr.sa_family = ETHERNET;
	if (mac && !mac_parse(mac, &m)) {
		fprintf(stderr, "testvmm: '%s' is not a MAC address\n", mac);
		exit(1);
	}
	if (mac)
		memcpy(ifr.ifr_hwaddr.sa_data, m.octet, sizeof(m.octet));
	if (mac && ioctl(fd, SIOCSIFHWADDR, &ifr) < 0)
		die("SIOCSIFHWADDR");
	ifr.ifr_flags = IFF_UP;
	if (ioctl(fd, SIOCSIFFLAGS, &ifr) < 0)
		die("SIOCSIFFLAGS");
	close(fd);
}

/* One frame; a full or closed other side loses it, as a real one would. */
static void copy(int from, int to)
{
	static char frame[FRAME];
	ssize_t n = read(from, frame, sizeof(frame));

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		die("read");
	if (n > 0 && write(to, frame, (size_t)n) < 0 && errno == EBADFD)
		die("write");
}

int main(int argc, char **argv)
{
	const char *name = argc > 3 ? argv[3] : "eth0";
	struct pollfd all[2 * QUEUES];
	bool named = argc > 2 && opener_knows(argv[1]);
	int host[QUEUES];
	unsigned n = 0;

	if (argc > 2)
		n = named ? opener_open(argv[1], host, QUEUES) : parse_fds(argv[1], host);
	if (!n) {
		fprintf(stderr, "usage: testvmm FDS MAC [IFNAME]\n");
		return 2;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that dies leaves no guest */
	if (unshare(CLONE_NEWNET) < 0)
		die("cannot make a network namespace");
	for (unsigned i = 0; i < n; i++) {
		if (ioctl(host[i], TUNSETOFFLOAD, TUN_F_CSUM) < 0)
			die("TUNSETOFFLOAD");
		all[2 * i] = (struct pollfd){ .fd = host[i], .events = POLLIN };
		all[2 * i + 1] = (struct pollfd){ .fd = open_guest_queue(name, n > 1,
									 named ? OPENER_HEADER : 0),
						  .events = POLLIN };
	}
	bring_up("lo", NULL);
	bring_up(name, argv[2]);
	puts("ready");
	fflush(stdout);
	while (poll(all, 2 * n, -1) >= 0 || errno == EINTR)
		for (unsigned i = 0; i < 2 * n; i++)
			if (all[i].revents)
				copy(all[i].fd, all[i ^ 1].fd);
	die("poll");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The devices of ports, made with no more requests to the kernel than it takes. */
#include "floor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

struct message {
	struct nlmsghdr h;
	char body[512];
};

static void die(const char *what)
{
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	exit(1);
}

static struct message begin(uint16_t type, uint16_t flags, const void *body, size_t len)
{
	struct message m = { .h = { .nlmsg_len = (uint32_t)NLMSG_LENGTH(len),
				    .nlmsg_type = type,
				    .nlmsg_flags =
					    (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags) } };

	memcpy(m.body, body, len);
	return m;
}

static struct rtattr *put(struct message *m, uint16_t type, const void *data, size_t len)
{
	struct rtattr *a = (void *)((char *)m + NLMSG_ALIGN(m->h.nlmsg_len));

	a->rta_type = type;
	a->rta_len = (uint16_t)RTA_LENGTH(len);
	if (len)
		memcpy(RTA_DATA(a), data, len);
	m->h.nlmsg_len = (uint32_t)(NLMSG_ALIGN(m->h.nlmsg_len) + RTA_ALIGN(a->rta_len));
	return a;
}

static void end_nest(struct message *m, struct rtattr *a)
{
	a->rta_len = (uint16_t)((char *)m + m->h.nlmsg_len - (char *)a);
}

static void ask(int netlink, struct message *m, const char *what)
{
	struct {
		struct nlmsghdr h;
		struct nlmsgerr e;
		char rest[512];
	} answer;

	if (send(netlink, m, m->h.nlmsg_len, 0) < 0 ||
	    recv(netlink, &answer, sizeof(answer), 0) < 0)
		die(what);
	if (answer.h.nlmsg_type == NLMSG_ERROR && answer.e.error) {
		errno = -answer.e.error;
		die(what);
	}
}

int floor_socket(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		die("rtnetlink");
	return fd;
}

static void name_of(char name[IFNAMSIZ], unsigned i)
{
	snprintf(name, IFNAMSIZ, "floor%u", i);
}

static void join(int netlink, unsigned bridge, unsigned index)
{
	struct ifinfomsg ifi = { .ifi_index = (int)index,
				 .ifi_flags = IFF_UP,
				 .ifi_change = IFF_UP };
	struct message m = begin(RTM_SETLINK, 0, &ifi, sizeof(ifi));

	put(&m, IFLA_MASTER, &bridge, sizeof(bridge));
	ask(netlink, &m, "RTM_SETLINK");
}

unsigned floor_bridge(void)
{
	unsigned index = if_nametoindex("benchbr");
	struct ifinfomsg ifi = { .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
	struct message m = begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &ifi, sizeof(ifi));
	struct rtattr *info, *data;
	uint32_t no_delay = 0;
	uint8_t no_snooping = 0;
	int netlink;

	if (index)
		return index;
	netlink = floor_socket();
	put(&m, IFLA_IFNAME, "benchbr", sizeof("benchbr"));
	info = put(&m, IFLA_LINKINFO, NULL, 0);
	put(&m, IFLA_INFO_KIND, "bridge", sizeof("bridge"));
	data = put(&m, IFLA_INFO_DATA, NULL, 0);
	put(&m, IFLA_BR_FORWARD_DELAY, &no_delay, sizeof(no_delay));
	put(&m, IFLA_BR_MCAST_SNOOPING, &no_snooping, sizeof(no_snooping));
	end_nest(&m, data);
	end_nest(&m, info);
	ask(netlink, &m, "bridge benchbr");
	close(netlink);
	return if_nametoindex("benchbr");
}

static int make_tap(unsigned i, int keep)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	name_of(ifr.ifr_name, i);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) < 0)
		die("TUNSETIFF");
	if (keep && (ioctl(fd, TUNSETOWNER, 0L) < 0 || ioctl(fd, TUNSETPERSIST, 1L) < 0))
		die("TUNSETPERSIST");
	return fd;
}

static void make_pair(int netlink, unsigned i, int ns)
{
	struct ifinfomsg ifi = { 0 };
	struct message m = begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &ifi, sizeof(ifi));
	struct rtattr *info, *data, *peer;
	char name[IFNAMSIZ];

	name_of(name, i);
	put(&m, IFLA_IFNAME, name, strlen(name) + 1);
	info = put(&m, IFLA_LINKINFO, NULL, 0);
	put(&m, IFLA_INFO_KIND, "veth", sizeof("veth"));
	data = put(&m, IFLA_INFO_DATA, NULL, 0);
	peer = put(&m, VETH_INFO_PEER, &ifi, sizeof(ifi));
	put(&m, IFLA_IFNAME, "eth0", sizeof("eth0"));
	put(&m, IFLA_NET_NS_FD, &ns, sizeof(ns));
	end_nest(&m, peer);
	end_nest(&m, data);
	end_nest(&m, info);
	ask(netlink, &m, "veth");
}

/* What a container's end needs, by a socket that was opened in its namespace. */
static void set_inside(int ns, unsigned i)
{
	int here = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC), netlink;
	struct ifaddrmsg ifa = { .ifa_family = AF_INET, .ifa_prefixlen = 20 };
	struct ifinfomsg ifi = { .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
	uint32_t address = htonl(0x0a400010 + i);
	struct message m;

	if (here < 0 || setns(ns, CLONE_NEWNET) < 0)
		die("setns");
	netlink = floor_socket();
	ifa.ifa_index = if_nametoindex("eth0");
	ifi.ifi_index = (int)ifa.ifa_index;
	if (setns(here, CLONE_NEWNET) < 0)
		die("setns");
	close(here);
	m = begin(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &ifa, sizeof(ifa));
	put(&m, IFA_LOCAL, &address, sizeof(address));
	put(&m, IFA_ADDRESS, &address, sizeof(address));
	ask(netlink, &m, "RTM_NEWADDR");
	m = begin(RTM_SETLINK, 0, &ifi, sizeof(ifi));
	ask(netlink, &m, "RTM_SETLINK");
	close(netlink);
}

int floor_attach(enum floor_kind kind, int netlink, unsigned bridge, unsigned i, int ns)
{
	char name[IFNAMSIZ];
	int fd = -1;

	name_of(name, i);
	if (kind == FLOOR_VETH)
		make_pair(netlink, i, ns);
	else
		fd = make_tap(i, kind == FLOOR_TAP);
	join(netlink, bridge, if_nametoindex(name));
	if (kind == FLOOR_VETH)
		set_inside(ns, i);
	if (kind == FLOOR_TAP) {
		close(fd);
		fd = -1;
	}
	return fd;
}

void floor_detach(enum floor_kind kind, int netlink, unsigned i, int fd)
{
	struct ifinfomsg ifi = { 0 };
	struct message m;
	char name[IFNAMSIZ];

	if (kind == FLOOR_DESCRIPTORS) {
		close(fd);
		return;
	}
	name_of(name, i);
	ifi.ifi_index = (int)if_nametoindex(name);
	m = begin(RTM_DELLINK, 0, &ifi, sizeof(ifi));
	ask(netlink, &m, "RTM_DELLINK");
}

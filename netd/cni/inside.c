/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an interface is like, here and in a container's network namespace. Changes nothing. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "cni.h"

static void print_mac(const unsigned char *octet, char ret[18])
{
	snprintf(ret, 18, "%02x:%02x:%02x:%02x:%02x:%02x", octet[0], octet[1], octet[2], octet[3],
		 octet[4], octet[5]);
}

void cni_own_mac(const char *ifname, char ret[18])
{
	CLEAN_FD int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = { 0 };

	ret[0] = 0;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	if (fd >= 0 && !ioctl(fd, SIOCGIFHWADDR, &ifr) && ifr.ifr_hwaddr.sa_family == ARPHRD_ETHER)
		print_mac((const unsigned char *)ifr.ifr_hwaddr.sa_data, ret);
}

int cni_netns_check(const struct cni_request *q, struct cni_error *e)
{
	struct stat it, own;

	if (stat(q->netns, &it) < 0)
		return cni_fail(e, CNI_BAD_NAMESPACE, "CNI_NETNS %.256s: %s", q->netns,
				strerror(errno));
	if (!q->any_netns && !stat("/proc/self/ns/net", &own) && it.st_dev == own.st_dev &&
	    it.st_ino == own.st_ino)
		return cni_fail(e, CNI_BAD_NAMESPACE,
				"CNI_NETNS %.256s is the namespace of the runtime itself",
				q->netns);
	return 0;
}

static void add_address(const struct ifaddrs *a, struct cni_inside *ret)
{
	const struct sockaddr_in *addr = (const void *)a->ifa_addr,
				 *mask = (const void *)a->ifa_netmask;
	char text[INET_ADDRSTRLEN];

	if (ret->addresses == ARRAY_SIZE(ret->address) || !mask ||
	    !inet_ntop(AF_INET, &addr->sin_addr, text, sizeof(text)))
		return;
	snprintf(ret->address[ret->addresses++], sizeof(ret->address[0]), "%s/%d", text,
		 __builtin_popcount(mask->sin_addr.s_addr));
}

static int read_interface(const char *ifname, struct cni_inside *ret, struct err *err)
{
	struct ifaddrs *list;

	if (getifaddrs(&list) < 0)
		return err_sys(err, errno, "cannot list addresses");
	for (const struct ifaddrs *a = list; a; a = a->ifa_next) {
		if (strcmp(a->ifa_name, ifname) || !a->ifa_addr)
			continue;
		if (a->ifa_addr->sa_family == AF_PACKET) {
			const struct sockaddr_ll *ll = (const void *)a->ifa_addr;

			ret->there = true;
			ret->up = a->ifa_flags & IFF_UP;
			if (ll->sll_halen == 6)
				print_mac(ll->sll_addr, ret->mac);
		} else if (a->ifa_addr->sa_family == AF_INET) {
			add_address(a, ret);
		}
	}
	freeifaddrs(list);
	return 0;
}

/* /proc/net/route: interface, destination, gateway, flags, … , mask, in hexadecimal, in the order
 * of the host's octets (net/ipv4/fib_trie.c). */
static int read_route(const char *ifname, struct cni_inside *ret, struct err *err)
{
	CLEAN_FILE FILE *f = fopen("/proc/self/net/route", "re");
	char line[256];

	if (!f)
		return err_sys(err, errno, "cannot read /proc/self/net/route");
	while (fgets(line, sizeof(line), f)) {
		unsigned destination, gateway, mask;
		struct in_addr addr;
		char name[IFNAMSIZ];

		if (sscanf(line, "%15s %x %x %*x %*d %*d %*d %x", name, &destination, &gateway,
			   &mask) != 4 ||
		    strcmp(name, ifname) || destination || mask || !gateway)
			continue;
		addr.s_addr = gateway;
		inet_ntop(AF_INET, &addr, ret->gateway, sizeof(ret->gateway));
		return 0;
	}
	return 0;
}

int cni_look_inside(const struct cni_request *q, struct cni_inside *ret, struct err *err)
{
	CLEAN_FD int fd = open(q->netns, O_RDONLY | O_CLOEXEC);
	int rc;

	*ret = (struct cni_inside){ 0 };
	if (fd < 0)
		return err_sys(err, errno, "cannot open network namespace %s", q->netns);
	if (setns(fd, CLONE_NEWNET) < 0)
		return err_sys(err, errno, "cannot enter network namespace %s", q->netns);
	rc = read_interface(q->ifname, ret, err);
	return rc ? rc : read_route(q->ifname, ret, err);
}

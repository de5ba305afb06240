/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ARP as it arrives at a link: a packet socket bound to that link and to ARP, so that links that
 * nobody asked about cost nothing. Knows nothing of what the packets say. Called by netd/ for the
 * bridges of networks that are probed or swept.
 */
#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "bridge.h"

enum { FRAME_SIZE = 64, RECEIVE_BUFFER = 1 << 17 };

/*
 * A frame with a VLAN tag is of another network. By the octets it cannot be told: the kernel takes
 * the tag off, and marks what no VLAN device has taken as somebody else's (check_vlan_id in
 * net/core/dev.c).
 */
static int attach_filter(int fd)
{
	static struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OTHERHOST, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, FRAME_SIZE),
	};
	static const struct sock_fprog filter = { .len = ARRAY_SIZE(code), .filter = code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) < 0 ? -errno :
											   0;
}

int arp_open(uint32_t ifindex, int *ret_fd, struct err *err)
{
	static const int size = RECEIVE_BUFFER;
	struct sockaddr_ll link = { .sll_family = AF_PACKET,
				    .sll_protocol = htons(ETH_P_ARP),
				    .sll_ifindex = (int)ifindex };
	/* Without a protocol it receives nothing until it is bound. */
	CLEAN_FD int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int rc;

	if (fd < 0)
		return err_sys(err, errno, "cannot open a packet socket");
	rc = attach_filter(fd);
	if (rc)
		return err_sys(err, -rc, "cannot filter a packet socket");
	/* Small: a flood loses packets rather than memory. */
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (bind(fd, (struct sockaddr *)&link, sizeof(link)) < 0)
		return err_sys(err, errno, "cannot listen to a link's ARP");
	*ret_fd = take_fd(&fd);
	return 0;
}

int arp_read(int fd, uint32_t ifindex, unsigned most, arp_fn fn, void *arg)
{
	uint8_t frame[FRAME_SIZE];

	for (; most; most--) {
		ssize_t n = recv(fd, frame, sizeof(frame), MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		fn(arg, ifindex, frame, (size_t)n);
	}
	return 0;
}

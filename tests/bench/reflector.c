/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reflector BRIDGE PORT PREFIX: the floor under a DHCP server. It traps DHCP at the port with
 * netd's rules and reads and sends with netd's code, but has no lease logic: every DISCOVER is
 * answered with an OFFER and every REQUEST with an ACK, of an address that is a hash of chaddr, in
 * PREFIX (10.90.0.1/16, whose address is the server's). The options are always the same, and
 * nothing is parsed but the message type. Replies go to where the packet came from, as to a relay
 * agent, or to everybody when it has giaddr 0.
 *
 * Prints "ready" when it serves, and ends by a signal.
 */
#include <arpa/inet.h>
#include <err.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bridge.h"

enum { GROUP = 67, BATCH = 64, DISCOVER = 1, OFFER, REQUEST, ACK = 5 };
enum { AT_IP = ETH_HLEN, AT_UDP = AT_IP + 20, AT_DHCP = AT_UDP + 8, AT_OPTIONS = AT_DHCP + 240 };
enum { DHCP_OPTIONS = 240, PACKET_MIN = 28 + DHCP_OPTIONS + 3 };
enum { AT_GIADDR = 24, AT_CHADDR = 28, AT_SNAME = 44 };

static struct {
	struct trap *trap;
	struct ip4_prefix prefix;
	struct mac mac; /* the bridge's */
} self;

static uint8_t frame[1500];
static size_t frame_len;

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static uint8_t *put_option(uint8_t *p, uint8_t code, uint32_t v)
{
	p[0] = code;
	p[1] = 4;
	put32(p + 2, v);
	return p + 6;
}

/* All of the frame that is the same in every reply; the message type is the first option. */
static void prepare_frame(void)
{
	uint8_t *o = frame + AT_OPTIONS;

	memcpy(frame + ETH_ALEN, self.mac.octet, ETH_ALEN);
	put16(frame + 2 * ETH_ALEN, ETH_P_IP);
	frame[AT_IP] = 0x45;
	frame[AT_IP + 8] = 64;
	frame[AT_IP + 9] = IPPROTO_UDP;
	put32(frame + AT_IP + 12, self.prefix.addr);
	put16(frame + AT_UDP, 67);
	put32(frame + AT_OPTIONS - 4, 0x63825363);
	memcpy(o, (uint8_t[]){ 53, 1, 0 }, 3);
	o = put_option(o + 3, 54, self.prefix.addr);
	o = put_option(o, 51, 3600);
	o = put_option(o, 1, ip4_mask(self.prefix.len));
	o = put_option(o, 3, self.prefix.addr);
	*o++ = 255;
	frame_len = (size_t)(o - frame);
	put16(frame + AT_IP + 2, (uint32_t)frame_len - AT_IP);
	put16(frame + AT_UDP + 4, (uint32_t)frame_len - AT_UDP);
}

static uint32_t sum(const uint8_t *p, size_t len, uint32_t s)
{
	for (; len > 1; len -= 2, p += 2)
		s += (uint32_t)p[0] << 8 | p[1];
	if (len)
		s += (uint32_t)p[0] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

/* Both in full, as netd does. */
static void put_checksums(void)
{
	size_t udp = frame_len - AT_UDP;

	put16(frame + AT_IP + 10, 0);
	put16(frame + AT_IP + 10, ~sum(frame + AT_IP, 20, 0));
	put16(frame + AT_UDP + 6, 0);
	put16(frame + AT_UDP + 6,
	      ~sum(frame + AT_UDP, udp, sum(frame + AT_IP + 12, 8, IPPROTO_UDP + (uint32_t)udp)));
}

/* Not .0 and not .1 of any /24. */
static uint32_t address_of(const uint8_t *chaddr)
{
	uint64_t x = 0;
	uint32_t h;

	for (unsigned i = 0; i < 6; i++)
		x = (x ^ chaddr[i]) * 0x9e3779b97f4a7c15U;
	h = (uint32_t)(x >> 32);
	return (self.prefix.addr & ip4_mask(self.prefix.len)) |
	       (h & ~ip4_mask(self.prefix.len) & ~0xffU) | (2 + h % 253);
}

static void reflect(void *arg, const struct trap_packet *p)
{
	const uint8_t *m = p->ip + 28;
	uint8_t type;

	(void)arg;
	if (p->server || p->len < PACKET_MIN || p->ip[0] != 0x45 || m[DHCP_OPTIONS] != 53)
		return;
	type = m[DHCP_OPTIONS + 2];
	if (type != DISCOVER && type != REQUEST)
		return;
	memcpy(frame + AT_DHCP, m, AT_SNAME);
	frame[AT_DHCP] = 2;
	put32(frame + AT_DHCP + 16, address_of(m + AT_CHADDR));
	frame[AT_OPTIONS + 2] = type == DISCOVER ? OFFER : ACK;
	if (m[AT_GIADDR]) {
		memcpy(frame, p->src.octet, ETH_ALEN);
		memcpy(frame + AT_IP + 16, m + AT_GIADDR, 4);
		put16(frame + AT_UDP + 2, 67);
	} else {
		memset(frame, 0xff, ETH_ALEN);
		memset(frame + AT_IP + 16, 0xff, 4);
		put16(frame + AT_UDP + 2, 68);
	}
	put_checksums();
	if (trap_send(self.trap, p->ifindex, frame, frame_len))
		warnx("cannot send");
}

static int read_mac(const char *link, struct mac *ret)
{
	struct ifreq ifr = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc;

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", link);
	rc = ioctl(fd, SIOCGIFHWADDR, &ifr);
	memcpy(ret->octet, ifr.ifr_hwaddr.sa_data, ETH_ALEN);
	close(fd);
	return rc;
}

static void open_trap(const char *bridge, uint32_t port)
{
	struct nft_network network = { .subnet = self.prefix, .mode = BRIDGE_MODE_ISOLATED };
	struct nft_port trapped = { .ifindex = port, .dhcp = true };
	struct nft_plan plan = { .network = &network,
				 .networks = 1,
				 .port = &trapped,
				 .ports = 1,
				 .trap_group = GROUP };
	struct err why = { 0 };
	struct nft *nft;

	snprintf(network.bridge, sizeof(network.bridge), "%s", bridge);
	if (nft_open(&nft, &why) || nft_replace(nft, &plan, &why) ||
	    trap_open(GROUP, &self.trap, &why))
		errx(1, "%s", why.text);
	nft_free(nft);
}

int main(int argc, char **argv)
{
	struct pollfd ready = { .events = POLLIN };
	uint32_t port = argc == 4 ? if_nametoindex(argv[2]) : 0;

	if (argc != 4)
		errx(2, "usage: reflector BRIDGE PORT PREFIX");
	if (!port || read_mac(argv[1], &self.mac) || !ip4_prefix_parse(argv[3], &self.prefix))
		errx(1, "there is no such bridge, port or prefix");
	prepare_frame();
	open_trap(argv[1], port);
	puts("ready");
	fflush(stdout);
	ready.fd = trap_fd(self.trap);
	while (poll(&ready, 1, -1) >= 0)
		if (trap_read(self.trap, BATCH, reflect, NULL) == -ENOBUFS)
			warnx("packets were lost");
	return 1;
}

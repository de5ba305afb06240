/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * burst INTERFACE COUNT SERIAL: that many new DHCP clients at once. Sends a DISCOVER of each back
 * to back, and again after 4, 8 and 16 seconds (RFC 2131 4.1) where there was no OFFER, and prints
 * how many were answered, and the median, the 99th percentile and the longest time from a client's
 * first DISCOVER to its first OFFER, in milliseconds. Clients of another SERIAL are others.
 *
 * burst INTERFACE first SERIAL: sends a DISCOVER every millisecond, each of a client of its own,
 * and prints the time of CLOCK_MONOTONIC, in seconds, at which the first OFFER came.
 *
 * Either ends without success after a minute. It shares no code with dhcp/.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { COUNT_MAX = 1000, FIRST_MAX = 60000, BUFFER = 1 << 23 };
enum { AT_IP = ETH_HLEN, AT_UDP = AT_IP + 20, AT_DHCP = AT_UDP + 8, AT_OPTIONS = AT_DHCP + 240 };
enum { AT_XID = AT_DHCP + 4, AT_FLAGS = AT_DHCP + 10, AT_CHADDR = AT_DHCP + 28 };

struct client {
	double sent, again, offered; /* ms; when the next DISCOVER is due; offered 0: not yet */
	double wait;
};

static struct client client[FIRST_MAX];
static unsigned clients, offers;
static uint8_t serial;
static int fd;

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put_ip_checksum(uint8_t *p)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < 20; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	put16(p + 10, ~sum & 0xffff);
}

/* Client i's number is its xid, and within its MAC and its client identifier. No UDP checksum (RFC
 * 768). */
static void send_discover(unsigned i)
{
	uint8_t f[AT_OPTIONS + 32] = { 0 }, *o = f + AT_OPTIONS;
	uint8_t mac[ETH_ALEN] = { 0x02, 0xbe, serial, 0, (uint8_t)(i >> 8), (uint8_t)i };
	unsigned len;

	memset(f, 0xff, ETH_ALEN);
	memcpy(f + ETH_ALEN, mac, ETH_ALEN);
	put16(f + 2 * ETH_ALEN, ETH_P_IP);
	f[AT_DHCP] = f[AT_DHCP + 1] = 1;
	f[AT_DHCP + 2] = ETH_ALEN;
	f[AT_XID] = serial;
	put16(f + AT_XID + 2, i);
	f[AT_FLAGS] = 0x80;
	memcpy(f + AT_CHADDR, mac, ETH_ALEN);
	memcpy(f + AT_OPTIONS - 4, (uint8_t[]){ 0x63, 0x82, 0x53, 0x63 }, 4);
	memcpy(o, (uint8_t[]){ 53, 1, 1, 61, 7, 1 }, 6);
	memcpy(o + 6, mac, ETH_ALEN);
	memcpy(o + 12, (uint8_t[]){ 55, 3, 1, 3, 6, 255 }, 6);
	len = (unsigned)(o + 18 - f);
	f[AT_IP] = 0x45;
	put16(f + AT_IP + 2, len - AT_IP);
	f[AT_IP + 8] = 64;
	f[AT_IP + 9] = IPPROTO_UDP;
	memset(f + AT_IP + 16, 0xff, 4);
	put_ip_checksum(f + AT_IP);
	put16(f + AT_UDP, 68);
	put16(f + AT_UDP + 2, 67);
	put16(f + AT_UDP + 4, len - AT_UDP);
	if (send(fd, f, len, 0) < 0 && errno != ENOBUFS)
		err(1, "cannot send");
}

/* RFC 2131 4.1 */
static void discover(unsigned i)
{
	struct client *c = &client[i];
	double t = now();

	if (c->sent <= 0)
		c->sent = t;
	c->wait = c->wait > 0 ? 2 * c->wait : 4e3;
	c->again = t + c->wait;
	send_discover(i);
}

static bool is_offer(const uint8_t *f, ssize_t len)
{
	return len > AT_OPTIONS + 3 && f[AT_IP + 9] == IPPROTO_UDP && f[AT_UDP + 1] == 67 &&
	       f[AT_DHCP] == 2 && f[AT_OPTIONS] == 53 && f[AT_OPTIONS + 2] == 2 &&
	       f[AT_XID] == serial;
}

/* Takes what has come off the wire, within `patience` ms. */
static void hear(double patience)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	struct timespec wait = { .tv_nsec = (long)(patience * 1e6) };
	uint8_t f[2048];
	ssize_t n;

	if (ppoll(&ready, 1, &wait, NULL) < 0)
		err(1, "poll");
	while ((n = recv(fd, f, sizeof(f), MSG_DONTWAIT)) > 0) {
		unsigned i = (unsigned)f[AT_XID + 2] << 8 | f[AT_XID + 3];

		if (!is_offer(f, n) || i >= clients || client[i].offered > 0)
			continue;
		client[i].offered = now();
		offers++;
	}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int burst(unsigned count)
{
	static double took[COUNT_MAX];
	double end = now() + 60e3;
	unsigned n = 0;

	for (clients = 0; clients < count; clients++)
		discover(clients);
	while (offers < count && now() < end) {
		hear(10);
		for (unsigned i = 0; i < count; i++)
			if (client[i].offered <= 0 && client[i].again <= now())
				discover(i);
	}
	for (unsigned i = 0; i < count; i++)
		if (client[i].offered > 0)
			took[n++] = client[i].offered - client[i].sent;
	if (!n)
		errx(1, "there was no OFFER");
	qsort(took, n, sizeof(*took), compare);
	printf("%u %.3f %.3f %.3f\n", n, took[n / 2], took[n - 1 - n / 100], took[n - 1]);
	return n < count;
}

static int first(void)
{
	while (!offers && clients < FIRST_MAX) {
		send_discover(clients++);
		hear(1);
	}
	if (!offers)
		errx(1, "there was no OFFER");
	for (unsigned i = 0; i < clients; i++)
		if (client[i].offered > 0) {
			printf("%.6f\n", client[i].offered / 1e3);
			break;
		}
	return 0;
}

static void open_socket(const char *link)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETH_P_IP),
				  .sll_ifindex = (int)if_nametoindex(link) };
	static const int size = BUFFER;

	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_IP));
	if (fd < 0 || !at.sll_ifindex || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		err(1, "%s", link);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
}

int main(int argc, char **argv)
{
	unsigned count = argc == 4 ? (unsigned)atoi(argv[2]) : 0;
	bool only_first = argc == 4 && !strcmp(argv[2], "first");

	if (argc != 4 || (!only_first && (count < 1 || count > COUNT_MAX)))
		errx(2, "usage: burst INTERFACE COUNT|first SERIAL");
	serial = (uint8_t)atoi(argv[3]);
	open_socket(argv[1]);
	return only_first ? first() : burst(count);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hold SOCKET COUNT: attaches so many guests (three at least) through libnetd and holds them, and
 *has the first send the second a packet every millisecond. Says `ready`, and then does what stands
 *on stdin:
 *
 *	discover   the last guest asks for an address every millisecond until it is offered one:
 *`offer MICROSECONDS` stop       `stream SENT RECEIVED`, and it ends
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "netd.h"

enum { MOST = 4096, VNET = 10, FRAME = 2048, STREAM_PORT = 9 };

struct frame {
	uint8_t vnet[VNET];
	struct ether_header eth;
	struct iphdr ip;
	struct udphdr udp;
	uint8_t data[300];
} __attribute__((packed));

static struct netd_port port[MOST];

static void die(const char *what)
{
	fprintf(stderr, "hold: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static void mac_of(const struct netd_port *p, uint8_t mac[6])
{
	unsigned o[6];

	if (sscanf(p->mac, "%x:%x:%x:%x:%x:%x", &o[0], &o[1], &o[2], &o[3], &o[4], &o[5]) != 6)
		die(p->mac);
	for (unsigned i = 0; i < 6; i++)
		mac[i] = (uint8_t)o[i];
}

static uint32_t address_of(const struct netd_port *p)
{
	char text[46];
	uint32_t addr;

	snprintf(text, sizeof(text), "%s", p->address);
	*strchrnul(text, '/') = 0;
	if (inet_pton(AF_INET, text, &addr) != 1)
		die(text);
	return addr;
}

static uint16_t sum(const void *data, size_t len)
{
	const uint8_t *at = data;
	uint32_t total = 0;

	for (size_t i = 0; i < len; i += 2)
		total += (uint32_t)(at[i] << 8 | at[i + 1]);
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return htons((uint16_t)~total);
}

static struct frame udp(const uint8_t from[6], const uint8_t to[6], uint32_t saddr, uint32_t daddr,
			uint16_t sport, uint16_t dport, size_t len)
{
	struct frame f = { .ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP } };

	memcpy(f.eth.ether_shost, from, 6);
	memcpy(f.eth.ether_dhost, to, 6);
	f.eth.ether_type = htons(ETHERTYPE_IP);
	f.ip.saddr = saddr;
	f.ip.daddr = daddr;
	f.ip.tot_len = htons((uint16_t)(sizeof(f.ip) + sizeof(f.udp) + len));
	f.ip.check = sum(&f.ip, sizeof(f.ip));
	f.udp.source = htons(sport);
	f.udp.dest = htons(dport);
	f.udp.len = htons((uint16_t)(sizeof(f.udp) + len));
	return f;
}

static size_t frame_size(size_t len)
{
	return offsetof(struct frame, data) + len;
}

static struct frame discover(const struct netd_port *p)
{
	static const uint8_t everybody[6] = { 255, 255, 255, 255, 255, 255 };
	static const uint8_t options[] = { 0x63, 0x82, 0x53, 0x63, 53, 1, 1, 255 };
	struct frame f;
	uint8_t mac[6];

	mac_of(p, mac);
	f = udp(mac, everybody, 0, INADDR_BROADCAST, 68, 67, sizeof(f.data));
	f.data[0] = 1; /* BOOTREQUEST, RFC 2131 2 */
	f.data[1] = 1;
	f.data[2] = 6;
	f.data[4] = 0x6e;
	memcpy(f.data + 28, mac, 6);
	memcpy(f.data + 236, options, sizeof(options));
	return f;
}

static bool is_udp(const uint8_t *frame, ssize_t len, uint16_t dport)
{
	struct frame f;

	if (len < (ssize_t)offsetof(struct frame, data))
		return false;
	memcpy(&f, frame, offsetof(struct frame, data));
	return f.eth.ether_type == htons(ETHERTYPE_IP) && f.ip.protocol == IPPROTO_UDP &&
	       f.udp.dest == htons(dport);
}

/* How many packets for that port have come. */
static unsigned drain(int fd, uint16_t dport)
{
	uint8_t frame[FRAME];
	unsigned n = 0;
	ssize_t len;

	while ((len = read(fd, frame, sizeof(frame))) > 0)
		n += is_udp(frame, len, dport);
	return n;
}

static void attach(struct netd *netd, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		char name[32];
		struct netd_attach a = { .guest = name, .vhost = NETD_VHOST_OFF };

		snprintf(name, sizeof(name), "held%u", i);
		if (netd_attach(netd, &a, &port[i])) {
			fprintf(stderr, "hold: %s\n", netd_error(netd));
			exit(1);
		}
	}
}

struct state {
	struct frame stream, discover;
	unsigned sent, received;
	double asked; /* 0: no address is asked for */
	int first, second, last;
};

static void tick(struct state *s)
{
	s->sent += write(s->first, &s->stream, frame_size(sizeof(uint32_t))) > 0;
	if (s->asked > 0 && write(s->last, &s->discover, frame_size(sizeof(s->discover.data))) < 0)
		die("DISCOVER");
}

static bool command(struct state *s)
{
	char line[64];

	if (!fgets(line, sizeof(line), stdin) || !strcmp(line, "stop\n")) {
		usleep(50000); /* what is under way */
		s->received += drain(s->second, STREAM_PORT);
		printf("stream %u %u\n", s->sent, s->received);
		return false;
	}
	if (!strcmp(line, "discover\n")) {
		drain(s->last, 68);
		s->asked = now();
	}
	return true;
}

static void serve(struct state *s)
{
	struct itimerspec ms = { { 0, 1000000 }, { 0, 1000000 } };
	struct pollfd fds[] = { { .fd = 0, .events = POLLIN },
				{ .fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC),
				  .events = POLLIN },
				{ .fd = s->second, .events = POLLIN },
				{ .fd = s->last, .events = POLLIN } };
	uint64_t ticks;

	if (fds[1].fd < 0 || timerfd_settime(fds[1].fd, 0, &ms, NULL) < 0)
		die("timer");
	for (;;) {
		if (poll(fds, 4, -1) < 0)
			die("poll");
		if (fds[1].revents && read(fds[1].fd, &ticks, sizeof(ticks)) > 0)
			tick(s);
		s->received += drain(s->second, STREAM_PORT);
		if (drain(s->last, 68) && s->asked > 0) {
			printf("offer %.0f\n", now() - s->asked);
			fflush(stdout);
			s->asked = 0;
		}
		if (fds[0].revents && !command(s))
			return;
	}
}

int main(int argc, char **argv)
{
	struct rlimit files = { 2 * MOST, 2 * MOST };
	unsigned count = argc == 3 ? (unsigned)atoi(argv[2]) : 0;
	struct state s = { 0 };
	uint8_t from[6], to[6];
	struct netd *netd;

	if (count < 3 || count > MOST) {
		fprintf(stderr, "usage: hold SOCKET COUNT\n");
		return 2;
	}
	setrlimit(RLIMIT_NOFILE, &files);
	setvbuf(stdin, NULL, _IONBF, 0);
	if (netd_connect(argv[1], &netd)) {
		fprintf(stderr, "hold: %s\n", netd_error(netd));
		return 1;
	}
	attach(netd, count);
	netd_close(netd);
	mac_of(&port[0], from);
	mac_of(&port[1], to);
	s.stream = udp(from, to, address_of(&port[0]), address_of(&port[1]), STREAM_PORT,
		       STREAM_PORT, sizeof(uint32_t));
	s.discover = discover(&port[count - 1]);
	s.first = port[0].tap_fd[0];
	s.second = port[1].tap_fd[0];
	s.last = port[count - 1].tap_fd[0];
	puts("ready");
	fflush(stdout);
	serve(&s);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * testload SOCKET GUESTS: many guests that ask for leases as fast as they are answered. It attaches
 * each by libnetd and is its DHCP client itself, writing to the TAP and reading from it, so that
 * the ports outlive the daemon and no guest needs a namespace. It shares no code with dhcp/.
 *
 * Every REQUEST asks for one second more than the guest's last: the number in a row of the state
 * then says whether a certain ACK was stored, without a clock.
 *
 * It prints "ready" and reads commands: "go N" starts all clients, and prints "now" after N frames;
 * the load goes on until "stop". That reads what is left on the wires and prints, for each guest
 * that has seen an ACK, "MAC ADDRESS SECONDS", and at the end ".". At the end of its input it ends.
 *
 * "flood N" has the first guest send N DISCOVERs and as many DECLINEs, each from another card, as
 * fast as it can, while all others get a lease once. It prints for each of these "MAC MICROSECONDS
 * TRIES", "flooded MICROSECONDS", and at the end ".".
 */
#include <arpa/inet.h>
#include <err.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mac.h"
#include "netd.h"

enum { GUESTS_MAX = 250, VNET_HEADER = 10, FRAME_MAX = 2048, FIRST_SECONDS = 3600 };
enum { FLOOD_PATIENCE_MS = 10000 };
enum { PATIENCE_MS = 250 }; /* then every guest starts again: what was sent met no daemon */
enum { DISCOVER = 1, OFFER, REQUEST, DECLINE, ACK };
enum { AT_IP = 14, AT_UDP = AT_IP + 20, AT_DHCP = AT_UDP + 8, AT_OPTIONS = AT_DHCP + 240 };

struct guest {
	struct netd_port port;
	struct mac mac;
	uint32_t address;	 /* what the attach promised */
	uint32_t xid;		 /* of the message that it waits for an answer to */
	uint32_t asked, granted; /* seconds; granted 0: it has seen no ACK */
	unsigned tries;		 /* DISCOVERs during a flood */
};

static struct guest guest[GUESTS_MAX];
static unsigned guests, frames, frames_wanted;

/* --- frames --- */

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint8_t *put_option32(uint8_t *p, uint8_t code, uint32_t v)
{
	p[0] = code;
	p[1] = 4;
	put32(p + 2, v);
	return p + 6;
}

static unsigned ip_checksum(const uint8_t *p)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < 20; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

static void count_frame(void)
{
	if (++frames == frames_wanted) {
		puts("now");
		fflush(stdout);
	}
}

/* Headers around the message that ends at `end`, and out. No UDP checksum (RFC 768). */
static void send_frame(const struct guest *g, const struct mac *mac, uint8_t *buf,
		       const uint8_t *end)
{
	uint8_t *f = buf + VNET_HEADER;
	unsigned len = (unsigned)(end - f);

	memset(f, 0xff, 6);
	memcpy(f + 6, mac->octet, 6);
	put16(f + 12, 0x0800);
	f[AT_IP] = 0x45;
	put16(f + AT_IP + 2, len - AT_IP);
	f[AT_IP + 8] = 64;
	f[AT_IP + 9] = IPPROTO_UDP;
	put32(f + AT_IP + 16, INADDR_BROADCAST);
	put16(f + AT_IP + 10, ip_checksum(f + AT_IP));
	put16(f + AT_UDP, 68);
	put16(f + AT_UDP + 2, 67);
	put16(f + AT_UDP + 4, len - AT_UDP);
	if (write(g->port.tap_fd[0], buf, VNET_HEADER + len) < 0)
		err(1, "%s", g->port.interface);
	count_frame();
}

/* --- a client --- */

/* server 0: none is named. mac: the guest's, or one inside it. */
static void say_as(struct guest *g, const struct mac *mac, uint8_t type, uint32_t ciaddr,
		   uint32_t server)
{
	uint8_t buf[FRAME_MAX] = { 0 }, *m = buf + VNET_HEADER + AT_DHCP, *o = m + 240;

	g->xid++;
	m[0] = m[1] = 1;
	m[2] = 6;
	put32(m + 4, g->xid);
	put32(m + 12, ciaddr);
	memcpy(m + 28, mac->octet, 6);
	put32(m + 236, 0x63825363);
	memcpy(o, (uint8_t[]){ 53, 1, type }, 3);
	o += 3;
	if (type == REQUEST)
		o = put_option32(o, 51, ++g->asked);
	if (server) {
		o = put_option32(o, 54, server);
		o = put_option32(o, 50, g->address);
	}
	*o++ = 255;
	send_frame(g, mac, buf, o);
}

static void say(struct guest *g, uint8_t type, uint32_t ciaddr, uint32_t server)
{
	say_as(g, &g->mac, type, ciaddr, server);
}

struct answer {
	uint8_t type;
	uint32_t xid, yiaddr, server, seconds;
};

static bool read_answer(const uint8_t *f, size_t len, struct answer *ret)
{
	const uint8_t *o = f + AT_OPTIONS, *end = f + len;

	if (len < AT_OPTIONS || f[12] != 0x08 || f[13] || f[AT_IP + 9] != IPPROTO_UDP ||
	    f[AT_UDP + 1] != 67 || f[AT_DHCP] != 2)
		return false;
	*ret = (struct answer){ .xid = get32(f + AT_DHCP + 4), .yiaddr = get32(f + AT_DHCP + 16) };
	while (o + 2 <= end && *o != 255 && o + 2 + o[1] <= end) {
		if (o[0] == 53)
			ret->type = o[2];
		else if (o[0] == 54)
			ret->server = get32(o + 2);
		else if (o[0] == 51)
			ret->seconds = get32(o + 2);
		o += 2 + o[1];
	}
	return true;
}

static void hear(struct guest *g, const struct answer *a, bool go_on)
{
	if (a->xid != g->xid)
		return;
	if (a->yiaddr != g->address || (a->type != OFFER && a->type != ACK))
		errx(1, "%s: message %u for another address", g->port.mac, a->type);
	if (a->type == ACK && a->seconds != g->asked)
		errx(1, "%s: asked for %u s, got %u", g->port.mac, g->asked, a->seconds);
	if (a->type == ACK)
		g->granted = a->seconds;
	if (!go_on)
		return;
	if (a->type == OFFER)
		say(g, REQUEST, 0, a->server);
	else if (g->granted % 3) /* REBINDING twice, then all over again */
		say(g, REQUEST, g->address, 0);
	else
		say(g, DISCOVER, 0, 0);
}

/* Takes everything off a guest's wire. */
static void drain(struct guest *g, bool go_on)
{
	uint8_t buf[FRAME_MAX];
	struct answer a;
	ssize_t n;

	while ((n = read(g->port.tap_fd[0], buf, sizeof(buf))) > VNET_HEADER)
		if (read_answer(buf + VNET_HEADER, (size_t)n - VNET_HEADER, &a)) {
			count_frame();
			hear(g, &a, go_on);
		}
}

/* The same up to an ACK. */
static void drain_lease(struct guest *g)
{
	uint8_t buf[FRAME_MAX];
	struct answer a;
	ssize_t n;

	while (!g->granted && (n = read(g->port.tap_fd[0], buf, sizeof(buf))) > VNET_HEADER)
		if (read_answer(buf + VNET_HEADER, (size_t)n - VNET_HEADER, &a))
			hear(g, &a, a.type == OFFER);
}

/* --- all of them --- */

static void attach_all(const char *path)
{
	struct netd *n = NULL;

	if (netd_connect(path, &n))
		errx(1, "%s", netd_error(n));
	for (unsigned i = 0; i < guests; i++) {
		struct guest *g = &guest[i];
		char name[16], *slash;

		snprintf(name, sizeof(name), "load%u", i);
		if (netd_attach(n, &(struct netd_attach){ .guest = name, .vhost = NETD_VHOST_OFF },
				&g->port))
			errx(1, "%s", netd_error(n));
		slash = strchr(g->port.address, '/');
		*slash = 0;
		if (!mac_parse(g->port.mac, &g->mac) ||
		    inet_pton(AF_INET, g->port.address, &g->address) != 1)
			errx(1, "netd's answer: %s, %s", g->port.mac, g->port.address);
		g->address = ntohl(g->address);
		g->asked = FIRST_SECONDS;
		g->xid = i << 24;
	}
	netd_close(n);
}

static void start_all(void)
{
	for (unsigned i = 0; i < guests; i++)
		say(&guest[i], DISCOVER, 0, 0);
}

static void stop_all(void)
{
	for (unsigned i = 0; i < guests; i++) {
		struct guest *g = &guest[i];

		drain(g, false);
		if (g->granted)
			printf("%s %s %u\n", g->port.mac, g->port.address, g->granted);
	}
	puts(".");
	fflush(stdout);
}

/* --- a flood --- */

static long long now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000LL + ts.tv_nsec / 1000;
}

/* In a process of its own, so that it waits for nobody. Returns when half of it has been sent. */
static pid_t start_flood(unsigned n)
{
	int halfway[2];
	pid_t pid;
	char c;

	if (pipe(halfway) < 0)
		err(1, "pipe");
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid) {
		close(halfway[1]);
		if (read(halfway[0], &c, 1) != 1)
			errx(1, "the flood ended before its time");
		close(halfway[0]);
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	frames = frames_wanted = 0;
	for (unsigned i = 0; i < n; i++) {
		struct mac mac = { { 2, 0xf1, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i } };

		if (i == n / 2 && write(halfway[1], "", 1) != 1)
			err(1, "pipe");
		say_as(&guest[0], &mac, DISCOVER, 0, 0);
		say_as(&guest[0], &mac, DECLINE, 0, 0x0a4d0001);
	}
	_exit(0);
}

static bool all_granted(void)
{
	for (unsigned i = 1; i < guests; i++)
		if (!guest[i].granted)
			return false;
	return true;
}

static void ask_again(void)
{
	for (unsigned i = 1; i < guests; i++) {
		if (guest[i].granted)
			continue;
		guest[i].tries++;
		say(&guest[i], DISCOVER, 0, 0);
	}
}

/* Reads until each has its ACK, and goes no further. */
static void flood(unsigned n, struct pollfd *all)
{
	long long flooding = now_us(), start;
	pid_t pid = start_flood(n);

	start = now_us();
	for (unsigned i = 1; i < guests; i++)
		guest[i].granted = guest[i].tries = 0;
	ask_again();
	while (!all_granted()) {
		if (poll(all + 2, guests - 1, FLOOD_PATIENCE_MS) == 0)
			ask_again();
		for (unsigned i = 1; i < guests; i++) {
			if (!all[i + 1].revents || guest[i].granted)
				continue;
			drain_lease(&guest[i]);
			if (guest[i].granted)
				printf("%s %lld %u\n", guest[i].port.mac, now_us() - start,
				       guest[i].tries);
		}
	}
	waitpid(pid, NULL, 0);
	printf("flooded %lld\n.\n", now_us() - flooding);
	fflush(stdout);
}

/* One command; false at the end of the input. */
static bool obey(bool *going, struct pollfd *all)
{
	char line[64];
	unsigned n;

	if (!fgets(line, sizeof(line), stdin))
		return false;
	if (sscanf(line, "flood %u", &n) == 1) {
		flood(n, all);
		return true;
	}
	*going = sscanf(line, "go %u", &frames_wanted) == 1;
	if (*going) {
		frames = 0;
		start_all();
	} else {
		stop_all();
	}
	return true;
}

int main(int argc, char **argv)
{
	struct pollfd all[GUESTS_MAX + 1] = { { .fd = STDIN_FILENO, .events = POLLIN } };
	bool going = false;

	guests = argc == 3 ? (unsigned)atoi(argv[2]) : 0;
	if (!guests || guests > GUESTS_MAX)
		errx(2, "usage: testload SOCKET GUESTS");
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that dies leaves no guests */
	attach_all(argv[1]);
	for (unsigned i = 0; i < guests; i++)
		all[i + 1] = (struct pollfd){ .fd = guest[i].port.tap_fd[0], .events = POLLIN };
	puts("ready");
	fflush(stdout);
	for (;;) {
		int n = poll(all, guests + 1, going ? PATIENCE_MS : -1);

		if (n == 0)
			start_all();
		for (unsigned i = 0; n > 0 && i < guests; i++)
			if (all[i + 1].revents)
				drain(&guest[i], going);
		if (n > 0 && all[0].revents && !obey(&going, all))
			return 0;
	}
}

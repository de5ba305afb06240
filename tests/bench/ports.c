/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ports SOCKET DIRECTORY COUNT...: what attach and detach cost through libnetd, for that many ports
 * in one bridge, beside the kernel's own floor in the same run: TUNSETIFF and one RTM_SETLINK that
 * joins a bridge like netd's and goes up, and closing the descriptor. Also what one durable write
 * of a page costs in DIRECTORY, and what the ip command takes. Prints one line a measurement: name,
 * count, median and 99th percentile in microseconds. To be run in the network namespace of the
 * daemon.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "netd.h"

enum { MOST = 4096, SINGLE_ROUNDS = 200, IP_ROUNDS = 30, SYNC_ROUNDS = 500, PAGE = 4096 };

static double sample[2][MOST];

static void die(const char *what)
{
	fprintf(stderr, "ports: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void report(const char *name, unsigned count, double *of, unsigned n)
{
	qsort(of, n, sizeof(*of), compare);
	printf("%s %u %.1f %.1f\n", name, count, of[n / 2], of[n - 1 - n / 100]);
	fflush(stdout);
}

/* --- the floor --- */

static struct {
	int netlink;
	uint32_t bridge;
} floor_state;

static void set_link(uint32_t index)
{
	struct {
		struct nlmsghdr h;
		struct ifinfomsg ifi;
		struct rtattr attr;
		uint32_t master;
	} m = { .h = { .nlmsg_len = sizeof(m),
		       .nlmsg_type = RTM_SETLINK,
		       .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK },
		.ifi = { .ifi_index = (int)index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP },
		.attr = { .rta_len = sizeof(struct rtattr) + 4, .rta_type = IFLA_MASTER },
		.master = floor_state.bridge };
	char answer[256];

	if (send(floor_state.netlink, &m, sizeof(m), 0) < 0 ||
	    recv(floor_state.netlink, answer, sizeof(answer), 0) < 0)
		die("RTM_SETLINK");
}

static int floor_attach(unsigned i)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "floor%u", i);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) < 0)
		die("TUNSETIFF");
	set_link(if_nametoindex(ifr.ifr_name));
	return fd;
}

static void measure_floor(unsigned count)
{
	static int fds[MOST];
	unsigned rounds = count == 1 ? SINGLE_ROUNDS : 1, n = 0;

	for (unsigned r = 0; r < rounds; r++) {
		for (unsigned i = 0; i < count; i++) {
			double begin = now();

			fds[i] = floor_attach(i);
			sample[0][n + i] = now() - begin;
		}
		for (unsigned i = 0; i < count; i++) {
			double begin = now();

			close(fds[i]);
			sample[1][n + i] = now() - begin;
		}
		n += count;
	}
	report("floor-attach", count, sample[0], n);
	report("floor-detach", count, sample[1], n);
}

/* --- netd --- */

static void check(struct netd *netd, int rc)
{
	if (rc) {
		fprintf(stderr, "ports: %s\n", netd_error(netd));
		exit(1);
	}
}

/* Guests that are new to netd: choosing MAC and address is part of what is measured. */
static void measure_netd(struct netd *netd, unsigned count)
{
	static struct netd_port port[MOST];
	static unsigned serial;
	unsigned rounds = count == 1 ? SINGLE_ROUNDS : 1, n = 0;

	for (unsigned r = 0; r < rounds; r++) {
		unsigned first = serial;
		char name[32];

		for (unsigned i = 0; i < count; i++) {
			struct netd_attach a = { .guest = name, .vhost = NETD_VHOST_OFF };
			double begin;

			snprintf(name, sizeof(name), "bench%u", serial++);
			begin = now();
			check(netd, netd_attach(netd, &a, &port[i]));
			sample[0][n + i] = now() - begin;
		}
		for (unsigned i = 0; i < count; i++) {
			double begin;

			snprintf(name, sizeof(name), "bench%u", first + i);
			begin = now();
			check(netd, netd_detach(netd, name, 0));
			sample[1][n + i] = now() - begin;
			netd_port_close(&port[i]);
		}
		for (unsigned i = 0; i < count; i++) {
			snprintf(name, sizeof(name), "bench%u", first + i);
			check(netd, netd_release(netd, name, 0));
		}
		n += count;
	}
	report("netd-attach", count, sample[0], n);
	report("netd-detach", count, sample[1], n);
}

/* --- what else there is --- */

static void measure_sync(const char *directory)
{
	static char page[PAGE];
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/bench-sync", directory);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		die(path);
	for (unsigned i = 0; i < SYNC_ROUNDS; i++) {
		double begin = now();

		if (write(fd, page, sizeof(page)) < 0 || fdatasync(fd) < 0)
			die(path);
		sample[0][i] = now() - begin;
	}
	close(fd);
	unlink(path);
	report("durable-write", 1, sample[0], SYNC_ROUNDS);
}

static void run(const char *const *argv)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || status)
		die(argv[0]);
}

static void measure_ip(void)
{
	static const char *const add[] = { "ip",      "tuntap", "add", "dev",
					   "benchip", "mode",	"tap", NULL };
	static const char *const set[] = { "ip",     "link",	"set", "benchip",
					   "master", "benchbr", "up",  NULL };
	static const char *const del[] = { "ip", "link", "del", "benchip", NULL };

	for (unsigned i = 0; i < IP_ROUNDS; i++) {
		double begin = now();

		run(add);
		run(set);
		sample[0][i] = now() - begin;
		begin = now();
		run(del);
		sample[1][i] = now() - begin;
	}
	report("ip-attach", 1, sample[0], IP_ROUNDS);
	report("ip-detach", 1, sample[1], IP_ROUNDS);
}

int main(int argc, char **argv)
{
	static const char *const bridge[] = {
		"ip", "link",		"add", "benchbr", "type", "bridge", "forward_delay",
		"0",  "mcast_snooping", "0",   NULL
	};
	static const char *const up[] = { "ip", "link", "set", "benchbr", "up", NULL };
	struct rlimit files = { 2 * MOST, 2 * MOST };
	struct netd *netd;
	int rc;

	if (argc < 4) {
		fprintf(stderr, "usage: ports SOCKET DIRECTORY COUNT...\n");
		return 2;
	}
	setrlimit(RLIMIT_NOFILE, &files);
	run(bridge);
	run(up);
	floor_state.bridge = if_nametoindex("benchbr");
	floor_state.netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (!floor_state.bridge || floor_state.netlink < 0)
		die("rtnetlink");
	rc = netd_connect(argv[1], &netd);
	check(netd, rc);
	measure_sync(argv[2]);
	measure_ip();
	for (int i = 3; i < argc; i++) {
		unsigned count = (unsigned)atoi(argv[i]);

		if (count < 1 || count > MOST)
			die("COUNT");
		measure_floor(count);
		measure_netd(netd, count);
	}
	netd_close(netd);
	return 0;
}

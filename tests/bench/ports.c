/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What attach and detach cost through libnetd, beside the kernel's own floor (floor.c), and beside
 *the programs that do the like. To be run in the network namespace of the daemon.
 *
 *	ports sync DIRECTORY                  one durable write of a page there
 *	ports each SOCKET KIND COUNT WINDOW   COUNT ports of descriptors, tap or veth, one after the
 *other ports many SOCKET CLIENTS COUNT       so many by CLIENTS at once ports ip ROUNDS ip tuntap
 *add, ip link set; ip link del ports helper PATH BRIDGE ROUNDS       qemu-bridge-helper, and what
 *speaks as it does ports cni PATH CONFIGURATION ROUNDS   a CNI plugin
 *
 * Prints one line a measurement: its name, and median and 99th percentile in microseconds, or ports
 *a second. `each` measures those of the first WINDOW and of the last.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "floor.h"
#include "netd.h"

enum { MOST = 4096, SYNC_ROUNDS = 500, PAGE = 4096, THREADS = 64 };

static double sample[2][MOST];
static int space[MOST]; /* namespaces, for veths */

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

static void report(const char *name, const char *part, const double *of, unsigned n)
{
	static double sorted[MOST];

	memcpy(sorted, of, n * sizeof(*of));
	qsort(sorted, n, sizeof(*sorted), compare);
	printf("%s%s %.1f %.1f\n", name, part, sorted[n / 2], sorted[n - 1 - n / 100]);
	fflush(stdout);
}

static unsigned number(const char *text, unsigned most)
{
	unsigned v = (unsigned)atoi(text);

	if (v < 1 || v > most) {
		fprintf(stderr, "ports: '%s' is not from 1 to %u\n", text, most);
		exit(2);
	}
	return v;
}

static void check(struct netd *netd, int rc)
{
	if (rc) {
		fprintf(stderr, "ports: %s\n", netd_error(netd));
		exit(1);
	}
}

static int empty_space(void)
{
	int here = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC), there;

	if (here < 0 || unshare(CLONE_NEWNET) < 0)
		die("a network namespace");
	there = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (there < 0 || setns(here, CLONE_NEWNET) < 0)
		die("a network namespace");
	close(here);
	return there;
}

/* --- one after the other --- */

static enum floor_kind kind_of(const char *text)
{
	return !strcmp(text, "tap")  ? FLOOR_TAP :
	       !strcmp(text, "veth") ? FLOOR_VETH :
				       FLOOR_DESCRIPTORS;
}

static void report_windows(const char *who, const char *kind, unsigned count, unsigned window)
{
	static const char *const what[] = { "attach", "detach" };
	char name[64];

	for (unsigned i = 0; i < 2; i++) {
		snprintf(name, sizeof(name), "%s-%s-%s", who, kind, what[i]);
		report(name, "-first", sample[i], window);
		report(name, "-last", sample[i] + count - window, window);
	}
}

static void each_floor(const char *kind, unsigned count)
{
	static int fds[MOST];
	unsigned bridge = floor_bridge();
	int netlink = floor_socket();

	for (unsigned i = 0; i < count; i++) {
		double begin = now();

		fds[i] = floor_attach(kind_of(kind), netlink, bridge, i, space[i]);
		sample[0][i] = now() - begin;
	}
	for (unsigned i = 0; i < count; i++) {
		double begin = now();

		floor_detach(kind_of(kind), netlink, i, fds[i]);
		sample[1][i] = now() - begin;
	}
	close(netlink);
}

static void attach(struct netd *netd, const char *kind, unsigned i, struct netd_port *ret)
{
	static const enum netd_device device[] = { [FLOOR_DESCRIPTORS] = NETD_DESCRIPTORS,
						   [FLOOR_TAP] = NETD_TAP,
						   [FLOOR_VETH] = NETD_VETH };
	char name[32], path[64];
	struct netd_attach a = { .guest = name,
				 .vhost = NETD_VHOST_OFF,
				 .device = device[kind_of(kind)] };

	snprintf(name, sizeof(name), "%s%u", kind, i);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", space[i]);
	if (a.device == NETD_VETH)
		a.netns = path;
	check(netd, netd_attach(netd, &a, ret));
}

/* Guests that are new to netd: choosing MAC and address is part of what is measured. */
static void each_netd(const char *path, const char *kind, unsigned count)
{
	static struct netd_port port[MOST];
	struct netd *netd;
	char name[32];
	int rc = netd_connect(path, &netd);

	check(netd, rc);
	for (unsigned i = 0; i < count; i++) {
		double begin = now();

		attach(netd, kind, i, &port[i]);
		sample[0][i] = now() - begin;
	}
	for (unsigned i = 0; i < count; i++) {
		double begin;

		snprintf(name, sizeof(name), "%s%u", kind, i);
		begin = now();
		check(netd, netd_detach(netd, name, 0));
		sample[1][i] = now() - begin;
		netd_port_close(&port[i]);
	}
	for (unsigned i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "%s%u", kind, i);
		check(netd, netd_release(netd, name, 0));
	}
	netd_close(netd);
}

static int each(char **argv)
{
	unsigned count = number(argv[2], MOST), window = number(argv[3], count);

	for (unsigned i = 0; i < count && kind_of(argv[1]) == FLOOR_VETH; i++)
		space[i] = empty_space();
	each_floor(argv[1], count);
	report_windows("floor", argv[1], count, window);
	each_netd(argv[0], argv[1], count);
	report_windows("netd", argv[1], count, window);
	return 0;
}

/* --- many at once --- */

struct client {
	pthread_t thread;
	pthread_barrier_t *start;
	const char *path; /* NULL: the floor */
	unsigned first, count;
	double end;
	int *fd;
};

static void *client_netd(void *arg)
{
	struct client *c = arg;
	struct netd *netd;
	int rc = netd_connect(c->path, &netd);

	check(netd, rc);
	pthread_barrier_wait(c->start);
	for (unsigned i = c->first; i < c->first + c->count; i++) {
		struct netd_port port;

		attach(netd, "many", i, &port);
		c->fd[i] = port.tap_fd[0];
	}
	c->end = now();
	netd_close(netd);
	return NULL;
}

static void *client_floor(void *arg)
{
	struct client *c = arg;
	unsigned bridge = floor_bridge();
	int netlink = floor_socket();

	pthread_barrier_wait(c->start);
	for (unsigned i = c->first; i < c->first + c->count; i++)
		c->fd[i] = floor_attach(FLOOR_DESCRIPTORS, netlink, bridge, i, -1);
	c->end = now();
	close(netlink);
	return NULL;
}

static void at_once(const char *path, unsigned clients, unsigned count)
{
	static struct client client[THREADS];
	static int fds[MOST];
	pthread_barrier_t start;
	double begin, end = 0;

	floor_bridge();
	if (pthread_barrier_init(&start, NULL, clients + 1))
		die("barrier");
	for (unsigned i = 0; i < clients; i++) {
		client[i] = (struct client){ .start = &start,
					     .path = path,
					     .first = i * (count / clients),
					     .count = count / clients,
					     .fd = fds };
		if (pthread_create(&client[i].thread, NULL, path ? client_netd : client_floor,
				   &client[i]))
			die("thread");
	}
	pthread_barrier_wait(&start);
	begin = now();
	for (unsigned i = 0; i < clients; i++) {
		pthread_join(client[i].thread, NULL);
		end = client[i].end > end ? client[i].end : end;
	}
	count -= count % clients;
	printf("%s-many %.1f %.1f\n", path ? "netd" : "floor", count * 1e6 / (end - begin),
	       (end - begin) / count);
	fflush(stdout);
	for (unsigned i = 0; i < count; i++)
		close(fds[i]);
}

static int many(char **argv)
{
	unsigned clients = number(argv[1], THREADS), count = number(argv[2], MOST);

	at_once(NULL, clients, count);
	at_once(argv[0], clients, count);
	return 0;
}

/* --- what else there is --- */

static int sync_page(char **argv)
{
	static char page[PAGE];
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/bench-sync", argv[0]);
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
	report("durable-write", "", sample[0], SYNC_ROUNDS);
	return 0;
}

/* in: a file for stdin, or NULL. What it prints is of no interest. */
static pid_t start(char *const *argv, const char *in)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	if (in) {
		int fd = open(in, O_RDONLY), nothing = open("/dev/null", O_WRONLY);

		if (fd < 0 || dup2(fd, 0) < 0 || dup2(nothing, 1) < 0)
			_exit(126);
	}
	execvp(argv[0], argv);
	_exit(127);
}

static void finish(pid_t pid, const char *what)
{
	int status = 0;

	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		die(what);
	if (status) {
		fprintf(stderr, "ports: %s has failed (%d)\n", what, status);
		exit(1);
	}
}

static void run(const char *const *argv)
{
	finish(start((char *const *)argv, NULL), argv[0]);
}

static int with_ip(char **argv)
{
	unsigned rounds = number(argv[0], MOST);
	char name[16];

	floor_bridge();
	for (unsigned i = 0; i < 2 * rounds; i++) {
		const char *const add[] = {
			"ip", "tuntap", "add", "dev", name, "mode", "tap", NULL
		};
		const char *const set[] = { "ip",     "link",	 "set", name,
					    "master", "benchbr", "up",	NULL };
		const char *const del[] = { "ip", "link", "del", name, NULL };
		double begin = now();

		snprintf(name, sizeof(name), "benchip%u", i % rounds);
		if (i < rounds) {
			run(add);
			run(set);
		} else {
			run(del);
		}
		sample[i >= rounds][i % rounds] = now() - begin;
	}
	report("ip-attach", "", sample[0], rounds);
	report("ip-detach", "", sample[1], rounds);
	return 0;
}

static int receive_fd(int socket)
{
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	char octet;
	struct iovec iov = { &octet, 1 };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	int fd;

	if (recvmsg(socket, &m, MSG_CMSG_CLOEXEC) != 1 || !CMSG_FIRSTHDR(&m))
		die("no descriptor came");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

/* As QEMU does it (net/tap.c). */
static int helper(char **argv)
{
	unsigned rounds = number(argv[2], MOST);
	static int fds[MOST];

	floor_bridge();
	for (unsigned i = 0; i < rounds; i++) {
		char fd[32], bridge[64], *command[] = { argv[0], "--use-vnet", fd, bridge, NULL };
		double begin = now();
		int pair[2];
		pid_t pid;

		if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
			die("socketpair");
		snprintf(fd, sizeof(fd), "--fd=%d", pair[1]);
		snprintf(bridge, sizeof(bridge), "--br=%s", argv[1]);
		pid = start(command, NULL);
		close(pair[1]);
		fds[i] = receive_fd(pair[0]);
		finish(pid, argv[0]);
		sample[0][i] = now() - begin;
		close(pair[0]);
	}
	for (unsigned i = 0; i < rounds; i++) {
		double begin = now();

		close(fds[i]);
		sample[1][i] = now() - begin;
	}
	report("helper-attach", "", sample[0], rounds);
	report("helper-detach", "", sample[1], rounds);
	return 0;
}

static void set_container(const char *command, unsigned i)
{
	char id[32], path[64];

	snprintf(id, sizeof(id), "container%u", i);
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), space[i]);
	setenv("CNI_COMMAND", command, 1);
	setenv("CNI_CONTAINERID", id, 1);
	setenv("CNI_NETNS", path, 1);
	setenv("CNI_IFNAME", "eth0", 1);
}

static int cni(char **argv)
{
	unsigned rounds = number(argv[2], MOST);
	char *command[] = { argv[0], NULL }, path[4096];

	snprintf(path, sizeof(path), "%s", argv[0]);
	*strrchr(path, '/') = 0;
	setenv("CNI_PATH", path, 1);
	for (unsigned i = 0; i < rounds; i++)
		space[i] = empty_space();
	for (unsigned i = 0; i < 2 * rounds; i++) {
		double begin = now();

		set_container(i < rounds ? "ADD" : "DEL", i % rounds);
		finish(start(command, argv[1]), argv[0]);
		sample[i >= rounds][i % rounds] = now() - begin;
	}
	report("cni-attach", "", sample[0], rounds);
	report("cni-detach", "", sample[1], rounds);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(char **argv);
		int args;
	} all[] = { { "sync", sync_page, 1 }, { "each", each, 4 },     { "many", many, 3 },
		    { "ip", with_ip, 1 },     { "helper", helper, 3 }, { "cni", cni, 3 } };
	struct rlimit files = { 4 * MOST, 4 * MOST };

	setrlimit(RLIMIT_NOFILE, &files);
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (argc == all[i].args + 2 && !strcmp(argv[1], all[i].name))
			return all[i].run(argv + 2);
	fprintf(stderr, "usage: ports sync|each|many|ip|helper|cni ARGUMENT...\n");
	return 2;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guard load SOCKET|bare BRIDGE OUTSIDE: sends frames from port to port of a bridge, and from a
 * port to the world, and says how fast. To be run in the network namespace of the bridge; OUTSIDE
 * is the process that holds the other end of its uplink (net0). Ports are attached through libnetd,
 * or, for "bare", made here, with the same flags, and joined to BRIDGE. Prints "ready", then
 * answers each command on its standard input with a line:
 *
 *	run ports|nat 64|1500|gso QUEUES MS	frames a second, octets a frame, sent, delivered
 *	others COUNT	attaches ports until there are so many beside the first; how many there
 *			are, and the median of the nanoseconds that each new one took
 *	spoof		of one frame under another's address, how many passed
 *
 * guard elements COUNT...: what the nf_tables transaction of one attach takes where so many ports
 * are attached already; lines of count, median and 99th percentile in microseconds. To be run in a
 * network namespace of its own.
 *
 * What is measured. A write to a TAP carries the frame all the way within the call: through the
 * bridge and its hooks into the ring of the receiving TAP, or through routing and NAT into the
 * other namespace (drivers/net/tun.c, tun_rx_batched). So the time of the writes is the cost of the
 * path, and the rate is what a sender reaches that does nothing else. Each thread writes a batch
 * that the ring has room for, takes its time, and then empties the ring of the other port itself:
 * nothing is lost for want of a reader, and nobody is woken, whose wake-ups would be measured too.
 * The rate is that of the median batch, which a neighbour on the same processor does not move. With
 * two queues there are two threads and two flows; their rates are added.
 *
 * A frame is given to the kernel as a guest's driver gives it: with a virtio header and a checksum
 * that is left to the card. Of one that is read, the beginning is enough: the rest is not copied.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bridge.h"
#include "netd.h"

enum { QUEUES = 2, OTHERS_MAX = 4000, BATCHES_MAX = 1 << 18, PROBES = 10, PROBE_MS = 1000 };
enum { SETTLE_MS = 100, CLOSERS = 32 };
enum { ELEMENT_ROUNDS = 1000, ELEMENT_PORTS_MAX = 4000, TRAP_GROUP = 67 };

enum {
	VNET = sizeof(struct virtio_net_hdr),
	AT_IP = VNET + ETH_HLEN,
	AT_L4 = AT_IP + 20,
	UDP_HEADER = 8,
	TCP_HEADER = 20,
	MSS = 1460,
	SEGMENTS = 44, /* the most that an IPv4 packet has room for */
	GSO_LEN = ETH_HLEN + 20 + TCP_HEADER + SEGMENTS * MSS,
	HEAD = AT_IP + 4, /* addresses and the packet's length: whether it is the one sent */
	READ_LEN = 64,
};

/* No guest has it, and the world throws away what comes for it. */
static const uint32_t world = 0xcb007109; /* 203.0.113.9 */

/*
 * What is sent. The super-segments are TCP's: every kernel takes those from a TAP, while those of
 * UDP came with Linux 6.2. Through NAT no handshake precedes them, and the same one comes again and
 * again: conntrack takes a connection up in the middle and finds a retransmission always in its
 * window (net/netfilter/nf_conntrack_proto_tcp.c; nf_conntrack_tcp_loose is 1 by default).
 */
struct kind {
	const char *name;
	size_t len; /* of the frame, without virtio header and FCS */
	uint8_t protocol;
	uint16_t gso_size; /* 0: one packet */
	unsigned batch;	   /* so many, from both threads, that a ring of 500 holds them */
};

static const struct kind kinds[] = {
	{ "64", 64, IPPROTO_UDP, 0, 64 },
	{ "1500", ETH_HLEN + 1500, IPPROTO_UDP, 0, 64 },
	{ "gso", GSO_LEN, IPPROTO_TCP, MSS, 16 },
};

struct frame {
	size_t len; /* with the virtio header */
	uint8_t octet[VNET + GSO_LEN];
};

/* A guest's card. */
struct end {
	struct mac mac;
	uint32_t addr;
	unsigned queues;
	int fd[NETD_QUEUES_MAX];
};

/* Two guests; one sends to the other. */
struct pair {
	struct end from, to;
};

struct worker {
	pthread_t thread;
	pthread_barrier_t *barrier;
	unsigned cpu, batch, ms;
	const struct frame *frame;
	int send, drain; /* drain -1: the frames leave the namespace */
	uint64_t sent, received;
	size_t batches;
	double *took; /* microseconds */
};

static struct {
	struct netd *netd; /* NULL: bare */
	const char *bridge;
	const char *outside; /* process */
	struct mac gateway;
	struct pair pair[QUEUES]; /* of ports with one queue and with two */
	struct end other[OTHERS_MAX];
	unsigned others;
} self;

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

/* --- frames --- */

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

static uint32_t sum(const uint8_t *p, size_t len, uint32_t s)
{
	for (; len > 1; len -= 2, p += 2)
		s += (uint32_t)p[0] << 8 | p[1];
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

static void put_virtio(struct frame *f, const struct kind *k)
{
	bool tcp = k->protocol == IPPROTO_TCP;
	struct virtio_net_hdr h = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
				    .csum_start = AT_L4 - VNET,
				    .csum_offset = tcp ? 16 : 6 };

	if (k->gso_size) {
		h.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
		h.gso_size = k->gso_size;
		h.hdr_len = AT_L4 - VNET + TCP_HEADER;
	}
	memcpy(f->octet, &h, sizeof(h));
}

static void put_ip(struct frame *f, const struct kind *k, uint32_t from, uint32_t to)
{
	uint8_t *ip = f->octet + AT_IP;

	ip[0] = 0x45;
	put16(ip + 2, (uint32_t)k->len - ETH_HLEN);
	put16(ip + 6, 0x4000); /* DF */
	ip[8] = 64;
	ip[9] = k->protocol;
	put32(ip + 12, from);
	put32(ip + 16, to);
	put16(ip + 10, ~sum(ip, 20, 0));
}

/* The checksum is the pseudo-header's, for the card to add the rest to. */
static void put_l4(struct frame *f, const struct kind *k, uint16_t from, uint16_t to)
{
	uint8_t *l4 = f->octet + AT_L4;
	uint32_t len = (uint32_t)(f->len - AT_L4);
	uint32_t pseudo = sum(f->octet + AT_IP + 12, 8, k->protocol + len);

	put16(l4, from);
	put16(l4 + 2, to);
	if (k->protocol == IPPROTO_TCP) {
		put32(l4 + 4, 1);
		put32(l4 + 8, 1);
		l4[12] = TCP_HEADER / 4 << 4;
		l4[13] = 0x10; /* ACK */
		put16(l4 + 14, UINT16_MAX);
		put16(l4 + 16, pseudo);
	} else {
		put16(l4 + 4, len);
		put16(l4 + 6, pseudo);
	}
}

/* A flow is told by its number; `back`: the other way. */
static void frame_make(struct frame *f, const struct kind *k, const struct end *from,
		       const struct mac *mac, uint32_t to, unsigned flow, bool back)
{
	uint16_t near = (uint16_t)(40000 + flow), far = (uint16_t)(50000 + flow);

	memset(f, 0, sizeof(*f));
	f->len = VNET + k->len;
	put_virtio(f, k);
	memcpy(f->octet + VNET, mac->octet, ETH_ALEN);
	memcpy(f->octet + VNET + ETH_ALEN, from->mac.octet, ETH_ALEN);
	put16(f->octet + AT_IP - 2, ETH_P_IP);
	put_ip(f, k, from->addr, to);
	put_l4(f, k, back ? far : near, back ? near : far);
}

static void frame_send(int fd, const struct frame *f)
{
	if (write(fd, f->octet, f->len) != (ssize_t)f->len)
		err(1, "write to a TAP");
}

/* Empties a ring; how many were this frame, whole. */
static unsigned frames_read(int fd, const struct frame *f)
{
	uint8_t got[READ_LEN];
	unsigned n = 0;

	for (;;) {
		ssize_t len = read(fd, got, sizeof(got));

		if (len < 0 && errno == EAGAIN)
			return n;
		if (len < 0)
			err(1, "read from a TAP");
		n += len >= HEAD && !memcmp(got + VNET, f->octet + VNET, HEAD - VNET);
	}
}

/* --- ports --- */

static void check(int rc)
{
	if (rc)
		errx(1, "%s", netd_error(self.netd));
}

static void attach_netd(struct end *e, const char *guest, unsigned queues)
{
	struct netd_attach a = { .guest = guest, .queues = queues, .vhost = NETD_VHOST_OFF };
	struct ip4_prefix address;
	struct netd_port port;

	check(netd_attach(self.netd, &a, &port));
	if (!mac_parse(port.mac, &e->mac) || !ip4_prefix_parse(port.address, &address))
		errx(1, "netd gave MAC '%s' and address '%s'", port.mac, port.address);
	e->addr = address.addr;
	e->queues = port.queues;
	memcpy(e->fd, port.tap_fd, sizeof(e->fd));
}

static void link_ioctl(unsigned long request, struct ifreq *ifr, const char *what)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, request, ifr) < 0)
		err(1, "%s %s", what, ifr->ifr_name);
	close(fd);
}

static void bridge_join(const char *name)
{
	struct ifreq bridge = { .ifr_ifindex = (int)if_nametoindex(name) };
	struct ifreq up = { .ifr_flags = IFF_UP };

	snprintf(bridge.ifr_name, sizeof(bridge.ifr_name), "%s", self.bridge);
	link_ioctl(SIOCBRADDIF, &bridge, "cannot join");
	snprintf(up.ifr_name, sizeof(up.ifr_name), "%s", name);
	link_ioctl(SIOCSIFFLAGS, &up, "cannot set up");
}

/* As tap/tun.c makes them; MAC and address are whatever nobody else has. */
static void attach_bare(struct end *e, unsigned queues)
{
	static unsigned serial;
	struct ifreq ifr = { .ifr_flags = (short)(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR |
						  (queues > 1 ? IFF_MULTI_QUEUE : 0)) };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "bare%u", serial);
	e->mac = (struct mac){ { 0x02, 0, 0, 0, (uint8_t)(serial >> 8), (uint8_t)serial } };
	e->addr = 0x0a400100 + serial++; /* 10.64.1.0 */
	e->queues = queues;
	for (unsigned i = 0; i < queues; i++) {
		e->fd[i] = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
		if (e->fd[i] < 0 || ioctl(e->fd[i], TUNSETIFF, &ifr) < 0)
			err(1, "cannot create TAP %s", ifr.ifr_name);
	}
	bridge_join(ifr.ifr_name);
}

/* Microseconds that it took. */
static double attach(struct end *e, const char *guest, unsigned queues)
{
	double took = now();

	if (self.netd)
		attach_netd(e, guest, queues);
	else
		attach_bare(e, queues);
	took = now() - took;
	/* What a VMM says for a guest that can take checksums and super-segments. */
	if (ioctl(e->fd[0], TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4) < 0)
		err(1, "TUNSETOFFLOAD");
	return took;
}

/* The guests are new to netd, which chooses MAC and address. */
static void attach_others(unsigned count)
{
	static double took[OTHERS_MAX];
	unsigned n = 0;

	while (self.others < count && self.others < OTHERS_MAX) {
		char guest[32];

		snprintf(guest, sizeof(guest), "other%u", self.others);
		took[n++] = attach(&self.other[self.others++], guest, 1);
	}
	qsort(took, n, sizeof(*took), compare);
	printf("%u %.0f\n", self.others, n ? took[n / 2] * 1e3 : 0);
}

static void *close_some(void *next)
{
	for (;;) {
		unsigned i = __atomic_fetch_add((unsigned *)next, 1, __ATOMIC_RELAXED);

		if (i >= self.others)
			return NULL;
		close(self.other[i].fd[0]);
	}
}

/* A device that goes makes its closer wait for all processors, 20 ms here; but many wait together.
 */
static void close_others(void)
{
	pthread_t thread[CLOSERS];
	unsigned next = 0, n = 0;

	while (n < CLOSERS && !pthread_create(&thread[n], NULL, close_some, &next))
		n++;
	while (n)
		pthread_join(thread[--n], NULL);
}

/* --- before a measurement: the way is open, and known --- */

/*
 * Each end sends something, so that the bridge knows both and floods nothing. What the receiver
 * sends on a queue also tells its TAP that this flow's frames belong there (tun_flow_update); that
 * is forgotten after three seconds.
 */
static void open_ports(const struct pair *p, const struct kind *k)
{
	const struct kind back = { "back", 64, k->protocol, 0, 0 };
	static struct frame f;

	for (unsigned i = 0; i < p->to.queues; i++) {
		unsigned came = 0;

		frame_make(&f, &back, &p->to, &p->from.mac, p->from.addr, i, true);
		frame_send(p->to.fd[i], &f);
		for (unsigned j = 0; j < p->from.queues; j++)
			came += frames_read(p->from.fd[j], &f);
		if (came != 1)
			errx(1, "no answer passes from port to port");
		frame_make(&f, k, &p->from, &p->to.mac, p->to.addr, i, false);
		frame_send(p->from.fd[i], &f);
		if (frames_read(p->to.fd[i], &f) != 1)
			errx(1, "no %s frame passes to queue %u of the other port", k->name, i);
	}
}

static int packets_open(void)
{
	char path[64];
	struct sockaddr_ll link = { .sll_family = AF_PACKET };
	int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), there, fd;

	snprintf(path, sizeof(path), "/proc/%s/ns/net", self.outside);
	there = open(path, O_RDONLY | O_CLOEXEC);
	if (here < 0 || there < 0 || setns(there, CLONE_NEWNET) < 0)
		err(1, "%s", path);
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, htons(ETH_P_IP));
	link.sll_protocol = htons(ETH_P_IP);
	link.sll_ifindex = (int)if_nametoindex("net0");
	if (fd < 0 || !link.sll_ifindex || bind(fd, (struct sockaddr *)&link, sizeof(link)) < 0)
		err(1, "a packet socket outside");
	if (setns(here, CLONE_NEWNET) < 0)
		err(1, "setns");
	close(here);
	close(there);
	return fd;
}

/* Whether this frame's packet came, whole, under another's address; its headers are in ret. */
static bool came_translated(int fd, const struct frame *f, uint8_t ret[READ_LEN])
{
	const uint8_t *ip = ret + ETH_HLEN, *sent = f->octet + AT_IP;

	while (recv(fd, ret, READ_LEN, 0) >= ETH_HLEN + 20)
		if (!memcmp(ip + 2, sent + 2, 2) && !memcmp(ip + 16, sent + 16, 4) &&
		    memcmp(ip + 12, sent + 12, 4) != 0)
			return true;
	return false;
}

/* The world answers a packet: then the connection is established, as most are. */
static void answer(int fd, const uint8_t packet[READ_LEN], const struct kind *k)
{
	const struct kind back = { "back", 64, k->protocol, 0, 0 };
	struct end there = { .addr = world };
	static struct frame f;
	uint8_t *l4 = f.octet + AT_L4;
	struct mac host;
	uint32_t addr;

	memcpy(&there.mac, packet, ETH_ALEN);
	memcpy(&host, packet + ETH_ALEN, ETH_ALEN);
	memcpy(&addr, packet + ETH_HLEN + 12, sizeof(addr));
	frame_make(&f, &back, &there, &host, ntohl(addr), 0, true);
	memcpy(l4, packet + ETH_HLEN + 20 + 2, 2);
	memcpy(l4 + 2, packet + ETH_HLEN + 20, 2);
	put16(l4 + (k->protocol == IPPROTO_TCP ? 16 : 6), ~sum(l4, f.len - AT_L4, 0));
	if (send(fd, f.octet + VNET, f.len - VNET, 0) < 0)
		err(1, "send outside");
}

/* The host need not ask for the guest's MAC. */
static void be_known(const struct end *e)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr = { htonl(e->addr) } };
	struct arpreq req = { .arp_ha.sa_family = ARPHRD_ETHER, .arp_flags = ATF_COM | ATF_PERM };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(&req.arp_pa, &sin, sizeof(sin));
	memcpy(req.arp_ha.sa_data, &e->mac, ETH_ALEN);
	snprintf(req.arp_dev, sizeof(req.arp_dev), "%s", self.bridge);
	if (fd < 0 || ioctl(fd, SIOCSARP, &req) < 0)
		err(1, "SIOCSARP");
	close(fd);
}

/* Whether something with the world's address came to the guest. */
static bool was_answered(const struct end *e)
{
	uint8_t got[READ_LEN], source[4];

	put32(source, world);
	for (unsigned n = 0; n < PROBE_MS * e->queues; n++) {
		while (read(e->fd[n % e->queues], got, sizeof(got)) >= HEAD)
			if (!memcmp(got + AT_IP + 12, source, sizeof(source)))
				return true;
		poll(NULL, 0, 1);
	}
	return false;
}

/* The first ones may wait for the host to learn its gateway's MAC. */
static void open_world(const struct end *from, const struct kind *k)
{
	static struct frame f;
	uint8_t packet[READ_LEN];

	be_known(from);
	for (unsigned i = 0; i < from->queues; i++) {
		int fd = packets_open();
		struct pollfd ready = { .fd = fd, .events = POLLIN };
		bool came = false;

		frame_make(&f, k, from, &self.gateway, world, i, false);
		for (unsigned n = 0; n < PROBES && !came; n++) {
			frame_send(from->fd[i], &f);
			poll(&ready, 1, PROBE_MS);
			came = came_translated(fd, &f, packet);
		}
		if (!came)
			errx(1, "no %s frame passes to the world, translated", k->name);
		answer(fd, packet, k);
		if (!was_answered(from))
			errx(1, "the world's answer to a %s frame does not pass", k->name);
		close(fd);
	}
}

/* --- measurement --- */

static uint64_t outside_received(void)
{
	char path[64], line[512];
	unsigned long long octets, packets = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%s/net/dev", self.outside);
	file = fopen(path, "re");
	if (!file)
		err(1, "%s", path);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, " net0: %llu %llu", &octets, &packets) == 2)
			break;
	fclose(file);
	return packets;
}

/* How many have come since; the last ones may be on their way (ksoftirqd). */
static uint64_t outside_wait(uint64_t before, uint64_t expected)
{
	uint64_t n = outside_received() - before;

	for (unsigned i = 0; i < SETTLE_MS && n < expected; i++) {
		poll(NULL, 0, 1);
		n = outside_received() - before;
	}
	return n;
}

static void pin(unsigned nth)
{
	cpu_set_t may, one;
	size_t cpu = CPU_SETSIZE;

	if (sched_getaffinity(0, sizeof(may), &may) < 0)
		return;
	/* From the last on: the first has most of the interrupts. */
	for (unsigned left = nth % (unsigned)CPU_COUNT(&may) + 1; left;)
		left -= CPU_ISSET(--cpu, &may) ? 1 : 0;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	sched_setaffinity(0, sizeof(one), &one);
}

static void *work(void *arg)
{
	struct worker *w = arg;
	double end;

	pin(w->cpu);
	pthread_barrier_wait(w->barrier);
	end = now() + w->ms * 1e3;
	for (;;) {
		double begin = now();

		if (begin >= end || w->batches == BATCHES_MAX)
			return NULL;
		for (unsigned i = 0; i < w->batch; i++)
			frame_send(w->send, w->frame);
		w->took[w->batches++] = now() - begin;
		w->sent += w->batch;
		if (w->drain >= 0)
			w->received += frames_read(w->drain, w->frame);
	}
}

/* Frames a second. */
static double worker_rate(struct worker *w)
{
	qsort(w->took, w->batches, sizeof(*w->took), compare);
	return w->batches ? w->batch / w->took[w->batches / 2] * 1e6 : 0;
}

static void run_workers(struct worker *w, unsigned n)
{
	pthread_barrier_t barrier;

	pthread_barrier_init(&barrier, NULL, n);
	for (unsigned i = 0; i < n; i++) {
		w[i].barrier = &barrier;
		if (pthread_create(&w[i].thread, NULL, work, &w[i]))
			errx(1, "cannot start a thread");
	}
	for (unsigned i = 0; i < n; i++)
		pthread_join(w[i].thread, NULL);
	pthread_barrier_destroy(&barrier);
}

static void measure(const struct pair *p, const struct kind *k, bool nat, unsigned ms)
{
	static struct frame frame[QUEUES];
	static double took[QUEUES][BATCHES_MAX];
	struct worker w[QUEUES] = { 0 };
	unsigned n = p->from.queues;
	uint64_t sent = 0, received = 0, before = nat ? outside_received() : 0;
	double rate = 0;

	for (unsigned i = 0; i < n; i++) {
		frame_make(&frame[i], k, &p->from, nat ? &self.gateway : &p->to.mac,
			   nat ? world : p->to.addr, i, false);
		w[i] = (struct worker){ .cpu = i,
					.batch = k->batch,
					.ms = ms,
					.frame = &frame[i],
					.send = p->from.fd[i],
					.drain = nat ? -1 : p->to.fd[i],
					.took = took[i] };
	}
	run_workers(w, n);
	for (unsigned i = 0; i < n; i++) {
		rate += worker_rate(&w[i]);
		sent += w[i].sent;
		/* What the other thread has sent here, should the TAP have decided so. */
		received += w[i].received + (nat ? 0 : frames_read(p->to.fd[i], &frame[i]));
	}
	if (nat)
		received = outside_wait(before, sent);
	printf("%.0f %zu %ju %ju\n", rate, k->len, (uintmax_t)sent, (uintmax_t)received);
}

/* --- commands --- */

static const struct kind *kind_find(const char *name)
{
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(kinds[i].name, name))
			return &kinds[i];
	errx(2, "there is no kind of frame '%s'", name);
}

static void run(const char *path, const char *kind, unsigned queues, unsigned ms)
{
	const struct kind *k = kind_find(kind);
	const struct pair *p = &self.pair[queues - 1];
	bool nat = !strcmp(path, "nat");

	if (nat)
		open_world(&p->from, k);
	else
		open_ports(p, k);
	measure(p, k, nat, ms);
}

/* Whether there is a guard at all. */
static void spoof(void)
{
	const struct pair *p = &self.pair[0];
	struct end liar = p->from;
	static struct frame f;

	liar.addr = p->from.addr ^ 1;
	open_ports(p, &kinds[0]);
	frame_make(&f, &kinds[0], &liar, &p->to.mac, p->to.addr, 0, false);
	frame_send(liar.fd[0], &f);
	printf("%u\n", frames_read(p->to.fd[0], &f));
}

static void serve(void)
{
	char line[128], path[16], kind[16];
	unsigned queues, ms, count;

	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "run %15s %15s %u %u", path, kind, &queues, &ms) == 4 &&
		    queues >= 1 && queues <= QUEUES)
			run(path, kind, queues, ms);
		else if (sscanf(line, "others %u", &count) == 1)
			attach_others(count);
		else if (!strcmp(line, "spoof\n"))
			spoof();
		else
			errx(2, "not a command: %s", line);
		fflush(stdout);
	}
}

static int load(char **argv)
{
	struct ifreq bridge = { 0 };

	self.bridge = argv[1];
	self.outside = argv[2];
	if (strcmp(argv[0], "bare") != 0)
		check(netd_connect(argv[0], &self.netd));
	for (unsigned i = 0; i < QUEUES; i++) {
		attach(&self.pair[i].from, i ? "from2" : "from1", i + 1);
		attach(&self.pair[i].to, i ? "to2" : "to1", i + 1);
	}
	snprintf(bridge.ifr_name, sizeof(bridge.ifr_name), "%s", self.bridge);
	link_ioctl(SIOCGIFHWADDR, &bridge, "no MAC of");
	memcpy(self.gateway.octet, bridge.ifr_hwaddr.sa_data, ETH_ALEN);
	puts("ready");
	fflush(stdout);
	serve();
	close_others();
	netd_close(self.netd);
	return 0;
}

/* --- elements --- */

static void must(int rc, const struct err *why)
{
	if (rc)
		errx(1, "%s", why->text);
}

static void measure_elements(struct nft *nft, unsigned count)
{
	static double sample[ELEMENT_ROUNDS];
	static struct nft_source source[ELEMENT_PORTS_MAX + 1];
	static struct nft_port port[ELEMENT_PORTS_MAX + 1];
	const struct nft_network network = { .bridge = "br0",
					     .subnet = { .addr = 0x0a400001, .len = 20 },
					     .mode = BRIDGE_MODE_NAT };
	const struct nft_plan plan = { .network = &network,
				       .networks = 1,
				       .port = port,
				       .ports = count,
				       .trap_group = TRAP_GROUP,
				       .guarded = true };
	struct err why = { 0 };

	for (unsigned i = 0; i <= count; i++) {
		source[i] = (struct nft_source){ .mac = { { 0x02, 0, 0, 0, (uint8_t)(i >> 8),
							    (uint8_t)i } },
						 .addr = 0x0a400100 + i };
		port[i] = (struct nft_port){ .ifindex = 100 + i,
					     .dhcp = true,
					     .guard = NFT_GUARD_ON,
					     .network = 1,
					     .source = &source[i],
					     .sources = 1 };
	}
	must(nft_replace(nft, &plan, &why), &why);
	for (unsigned i = 0; i < ELEMENT_ROUNDS; i++) {
		double begin = now();

		must(nft_port_add(nft, &port[count], &why), &why);
		sample[i] = now() - begin;
		must(nft_port_del(nft, &port[count], &why), &why);
	}
	qsort(sample, ELEMENT_ROUNDS, sizeof(*sample), compare);
	printf("%u %.1f %.1f\n", count, sample[ELEMENT_ROUNDS / 2],
	       sample[ELEMENT_ROUNDS - 1 - ELEMENT_ROUNDS / 100]);
}

static int elements(char **argv)
{
	struct err why = { 0 };
	struct nft *nft;

	pin(0);
	must(nft_open(&nft, &why), &why);
	for (; *argv; argv++) {
		unsigned count = (unsigned)atoi(*argv);

		if (count < 1 || count > ELEMENT_PORTS_MAX)
			errx(2, "COUNT is 1 to %d", ELEMENT_PORTS_MAX);
		measure_elements(nft, count);
	}
	must(nft_remove(nft, &why), &why);
	nft_free(nft);
	return 0;
}

int main(int argc, char **argv)
{
	struct rlimit files = { 2 * OTHERS_MAX, 2 * OTHERS_MAX };

	setrlimit(RLIMIT_NOFILE, &files);
	if (argc == 5 && !strcmp(argv[1], "load"))
		return load(argv + 2);
	if (argc > 2 && !strcmp(argv[1], "elements"))
		return elements(argv + 2);
	fprintf(stderr, "usage: guard load SOCKET|bare BRIDGE OUTSIDE\n"
			"       guard elements COUNT...\n");
	return 2;
}

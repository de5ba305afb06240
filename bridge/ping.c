/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Echo requests and what answers them (RFC 792): a raw socket, since the kernel's own for ping is
 * for the groups of net.ipv4.ping_group_range, which the administrator may have closed.
 *
 * Theory of operation: a raw socket hears the answers to everybody's echo requests, and any host
 * can send some that nobody asked for. So the identifier is random, and the kernel drops what has
 * another. What passes has to bring back the octets that were sent to its source, a keyed hash of
 * that address: nobody can say of another address that it answered. Nothing is remembered of what
 * was sent. Called by netd/ for addresses that ARP does not reach.
 */
#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/icmp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "bridge.h"

enum { TOKEN_SIZE = 8, ECHO_SIZE = 8 + TOKEN_SIZE, PACKET_SIZE = 128 };

struct ping {
	int fd;
	uint16_t id;
	struct siphash_key key;
};

/* What arrives begins with its IP header. */
static int attach_filter(int fd, uint16_t id)
{
	static const struct icmp_filter replies = { .data = ~(UINT32_C(1) << ICMP_ECHOREPLY) };
	struct sock_filter code[] = {
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, id, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, PACKET_SIZE),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog filter = { .len = ARRAY_SIZE(code), .filter = code };

	if (setsockopt(fd, SOL_RAW, ICMP_FILTER, &replies, sizeof(replies)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) < 0)
		return -errno;
	return 0;
}

static bool take_random(struct ping *p)
{
	return getrandom(&p->key, sizeof(p->key), 0) == (ssize_t)sizeof(p->key) &&
	       getrandom(&p->id, sizeof(p->id), 0) == (ssize_t)sizeof(p->id);
}

int ping_open(struct ping **ret, struct err *err)
{
	CLEAN_FREE struct ping *p = calloc(1, sizeof(*p));
	CLEAN_FD int fd = -1;
	int rc;

	if (!p)
		return err_set(err, ENOMEM, "out of memory");
	if (!take_random(p))
		return err_sys(err, errno, "no random numbers");
	fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMP);
	if (fd < 0)
		return err_sys(err, errno, "cannot open an ICMP socket");
	rc = attach_filter(fd, p->id);
	if (rc)
		return err_sys(err, -rc, "cannot filter an ICMP socket");
	p->fd = take_fd(&fd);
	*ret = take_ptr(p);
	return 0;
}

void ping_free(struct ping *p)
{
	if (!p)
		return;
	close(p->fd);
	free(p);
}

int ping_fd(const struct ping *p)
{
	return p->fd;
}

static uint64_t token(const struct ping *p, uint32_t addr)
{
	struct siphash h = siphash_init(&p->key);

	siphash_add_u32(&h, addr);
	return siphash_done(&h);
}

/* RFC 1071. */
static uint16_t checksum(const uint8_t *data, size_t len)
{
	struct rd r = rd_init(data, len);
	uint32_t sum = 0;

	while (rd_left(&r))
		sum += rd_be16(&r);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~((sum & 0xffff) + (sum >> 16));
}

static void echo_write(const struct ping *p, uint32_t addr, uint16_t sum, uint8_t *out)
{
	struct wr w = wr_init(out, ECHO_SIZE);
	uint64_t t = token(p, addr);

	wr_u8(&w, ICMP_ECHO);
	wr_u8(&w, 0);
	wr_be16(&w, sum);
	wr_be16(&w, p->id);
	wr_be16(&w, 0);
	wr_be32(&w, (uint32_t)(t >> 32));
	wr_be32(&w, (uint32_t)t);
}

int ping_send(struct ping *p, uint32_t addr, struct err *err)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr = { htonl(addr) } };
	uint8_t echo[ECHO_SIZE];

	echo_write(p, addr, 0, echo);
	echo_write(p, addr, checksum(echo, sizeof(echo)), echo);
	if (sendto(p->fd, echo, sizeof(echo), 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		return err_sys(err, errno, "cannot send an echo request");
	return 0;
}

/* The source of an answer that is one; 0: it is none. */
static uint32_t parse(const struct ping *p, const uint8_t *packet, size_t len)
{
	struct rd ip = rd_init(packet, len), icmp;
	size_t header = (size_t)(rd_u8(&ip) & 15) * 4;
	uint32_t source;
	uint64_t t;

	rd_bytes(&ip, 11);
	source = rd_be32(&ip);
	if (ip.bad || header > len)
		return 0;
	icmp = rd_init(packet + header, len - header);
	rd_bytes(&icmp, 8); /* the kernel has compared type and identifier */
	t = (uint64_t)rd_be32(&icmp) << 32;
	t |= rd_be32(&icmp);
	return icmp.bad || t != token(p, source) ? 0 : source;
}

int ping_read(struct ping *p, unsigned most, ping_fn fn, void *arg)
{
	uint8_t packet[PACKET_SIZE];

	for (; most; most--) {
		ssize_t n = recv(p->fd, packet, sizeof(packet), MSG_DONTWAIT);
		uint32_t source;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		source = parse(p, packet, (size_t)n);
		if (source)
			fn(arg, source);
	}
	return 0;
}

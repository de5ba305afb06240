/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netd-capture, a capture's process, which netd starts (line.h). It opens the packet sockets, gives
 * up every privilege, compiles the filter, says on the line whether it captures, and then copies
 * packets to the stream until the line, the stream's reader or the interface ends. Everything that
 * is libpcap's is here.
 *
 * Theory of operation: an interface is captured by two handles, one of what comes in (from the
 * guest) and one of what goes out (to it), since libpcap does not say of an Ethernet packet which
 * it was. Each hands out blocks of packets, RETIRE_MS after their first one at the latest, so a
 * packet is held until the other handle has an earlier one or can have none any more: the stream is
 * in the order of time. The stream is never waited for: while it is full nothing is taken from the
 * handles, and the kernel drops, and counts, what finds no room there.
 *
 * At the end what the handles still have is written, and how many packets were lost. A reader who
 * does not read then is given FINISH_MS, and one who does, FINISH_MS at a time, LEAVE_MS in all.
 */
#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

#include <grp.h>
#include <pcap/pcap.h>

#include "base/cleanup.h"
#include "line.h"
#include "pcapng.h"

#ifndef NETD_VERSION
#define NETD_VERSION "unknown"
#endif

#define NS_PER_MS 1000000LL

enum {
	RING = 2 << 20, /* octets of a handle's packets */
	RETIRE_MS = 10, /* after which it hands out what it has */
	HOLD_MS = 40,	/* after which no earlier one comes; the kernel's timer is coarse */
	FINISH_MS = 1000,
	LEAVE_MS = 30000,
	START_S = 10, /* a filter's names have to be found within it */
	NOBODY = 65534,
	BUFFER = 1 << 20,
	FRAME = 1 << 17,
};

/* A packet that is next of its handle; valid until that is asked again. */
struct head {
	struct pcap_pkthdr *h;
	const u_char *data;
	bool full;
};

struct side {
	pcap_t *pcap; /* NULL: none, or it has failed */
	struct head head;
	enum pcapng_direction direction;
};

enum { IN, OUT, SIDES };

struct job {
	const char *interface, *port, *filter;
	uint32_t snapshot;
	bool dropped;
};

struct child {
	const struct job *job;
	struct side side[SIDES];
	struct bpf_program program; /* for what comes from netd */
	uint64_t received, lost;    /* of what does */
	struct wr out;
	size_t sent; /* of out */
	bool ending;
	int64_t ended;	  /* the wall clock's time; later packets are not taken */
	int64_t end_at;	  /* when the handles have all the others */
	bool finished;	  /* nothing more is written to out */
	int64_t leave_at; /* unless the reader reads until then */
	uint8_t *frame;
};

static int64_t now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000 * NS_PER_MS + t.tv_nsec;
}

/* --- the start --- */

__attribute__((noreturn)) static void say(enum capture_word word, const char *text)
{
	char message[1 + CAPTURE_TEXT_MAX];
	int len = snprintf(message, sizeof(message), "%c%s", word, text);

	if (len > (int)sizeof(message) - 1)
		len = (int)sizeof(message) - 1;
	/* Without netd it ends all the same. */
	_exit(send(CAPTURE_LINE_FD, message, (size_t)len, MSG_NOSIGNAL) < 0);
}

/*
 * The user and groups that own nothing, no capabilities, and no way to get any. Where netd may not
 * change its user, as in a user namespace with one user only, it is the capabilities that go.
 */
static bool drop_privileges(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { 0 };
	static const struct rlimit nothing = { 0, 0 };
	bool other = setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
		     setresuid(NOBODY, NOBODY, NOBODY) == 0;

	return (other || errno == EPERM || errno == EINVAL) &&
	       prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       syscall(SYS_capset, &head, none) == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 &&
	       setrlimit(RLIMIT_NPROC, &nothing) == 0 && setrlimit(RLIMIT_FSIZE, &nothing) == 0;
}

__attribute__((noreturn)) static void fail(pcap_t *pcap, int rc)
{
	const char *text = pcap ? pcap_geterr(pcap) : "";

	say(CAPTURE_SAYS_FAILED, *text ? text : pcap_statustostr(rc));
}

static void open_side(struct child *c, struct side *side, enum pcapng_direction direction)
{
	char text[PCAP_ERRBUF_SIZE];
	pcap_t *p = pcap_create(c->job->interface, text);
	int rc;

	if (!p)
		say(CAPTURE_SAYS_FAILED, text);
	pcap_set_snaplen(p, (int)c->job->snapshot);
	pcap_set_promisc(p, 0);
	pcap_set_timeout(p, RETIRE_MS);
	pcap_set_buffer_size(p, RING);
	pcap_set_tstamp_precision(p, PCAP_TSTAMP_PRECISION_NANO);
	rc = pcap_activate(p);
	if (rc < 0)
		fail(p, rc);
	if (pcap_datalink(p) != DLT_EN10MB)
		say(CAPTURE_SAYS_FAILED, "the interface is no Ethernet");
	rc = pcap_setnonblock(p, 1, text);
	if (rc < 0)
		say(CAPTURE_SAYS_FAILED, text);
	rc = pcap_setdirection(p, direction == PCAPNG_INBOUND ? PCAP_D_IN : PCAP_D_OUT);
	if (rc < 0)
		fail(p, rc);
	*side = (struct side){ .pcap = p, .direction = direction };
}

/*
 * The kernel's copy of the filter looks at the direction first, so that a handle has room for its
 * own packets alone. libpcap's is left as it is: that one is also run on what came before. When the
 * kernel does not take it, libpcap drops the other direction's packets later.
 */
static void filter_direction(const struct side *side, const struct bpf_program *program)
{
	bool in = side->direction == PCAPNG_INBOUND;
	static struct sock_filter code[BPF_MAXINSNS];
	size_t n = program->bf_len + 3;
	struct sock_fprog all = { .len = (unsigned short)n, .filter = code };

	if (n > BPF_MAXINSNS)
		return;
	code[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_H | BPF_ABS,
					       (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE));
	code[1] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING,
					       in ? 0 : 1, in ? 1 : 0);
	code[2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
	for (size_t i = 0; i < program->bf_len; i++)
		code[3 + i] = (struct sock_filter){ .code = program->bf_insns[i].code,
						    .jt = program->bf_insns[i].jt,
						    .jf = program->bf_insns[i].jf,
						    .k = program->bf_insns[i].k };
	if (setsockopt(pcap_fileno(side->pcap), SOL_SOCKET, SO_ATTACH_FILTER, &all, sizeof(all)) <
	    0)
		return;
}

static void set_filter(struct child *c, struct side *side)
{
	struct bpf_program program;

	if (pcap_compile(side->pcap, &program, c->job->filter, 1, PCAP_NETMASK_UNKNOWN) < 0)
		say(CAPTURE_SAYS_BAD_FILTER, pcap_geterr(side->pcap));
	if (pcap_setfilter(side->pcap, &program) < 0)
		fail(side->pcap, PCAP_ERROR);
	filter_direction(side, &program);
	pcap_freecode(&program);
}

static void compile_filter(struct child *c)
{
	pcap_t *dead = pcap_open_dead(DLT_EN10MB, (int)c->job->snapshot);

	if (!dead)
		say(CAPTURE_SAYS_FAILED, "out of memory");
	if (pcap_compile(dead, &c->program, c->job->filter, 1, PCAP_NETMASK_UNKNOWN) < 0)
		say(CAPTURE_SAYS_BAD_FILTER, pcap_geterr(dead));
	pcap_close(dead);
}

static void begin_stream(struct child *c)
{
	char description[CAPTURE_TEXT_MAX];
	struct pcapng_interface i = { .application = "netd " NETD_VERSION,
				      .name = c->job->interface,
				      .description = description,
				      .filter = c->job->filter,
				      .snapshot = c->job->snapshot };

	snprintf(description, sizeof(description), "%sport %s of netd",
		 c->job->dropped ? "what the guard dropped of " : "", c->job->port);
	pcapng_begin(&c->out, &i);
}

static void start(struct child *c)
{
	uint8_t *buffer = malloc(BUFFER);

	c->frame = malloc(FRAME);
	if (!buffer || !c->frame)
		say(CAPTURE_SAYS_FAILED, "out of memory");
	c->out = wr_init(buffer, BUFFER);
	if (!c->job->dropped) {
		open_side(c, &c->side[IN], PCAPNG_INBOUND);
		open_side(c, &c->side[OUT], PCAPNG_OUTBOUND);
	}
	if (!drop_privileges())
		say(CAPTURE_SAYS_FAILED, "the capture's privileges cannot be given up");
	if (c->job->dropped)
		compile_filter(c);
	else
		for (int i = 0; i < SIDES; i++)
			set_filter(c, &c->side[i]);
	begin_stream(c);
}

/* --- the end --- */

static void end(struct child *c)
{
	if (c->ending)
		return;
	c->ending = true;
	c->ended = now(CLOCK_REALTIME);
	c->end_at = now(CLOCK_MONOTONIC) + HOLD_MS * NS_PER_MS;
	c->leave_at = c->end_at + FINISH_MS * NS_PER_MS;
}

static void finish(struct child *c)
{
	struct pcapng_statistics s = { .time = (uint64_t)now(CLOCK_REALTIME),
				       .received = c->received + c->lost,
				       .lost = c->lost };

	for (int i = 0; i < SIDES; i++) {
		struct pcap_stat one;

		if (!c->side[i].pcap || pcap_stats(c->side[i].pcap, &one) < 0)
			continue;
		s.received += one.ps_recv;
		s.lost += one.ps_drop;
	}
	pcapng_statistics(&c->out, &s);
	c->finished = true;
}

/* --- packets from the interface --- */

static bool has_room(const struct child *c)
{
	return wr_left(&c->out) >= CAPTURE_SNAPSHOT_MAX + PCAPNG_PACKET_OVERHEAD;
}

static uint64_t time_of(const struct pcap_pkthdr *h)
{
	/* In nanoseconds, as was asked for, in spite of the member's name. */
	return (uint64_t)h->ts.tv_sec * 1000000000 + (uint64_t)h->ts.tv_usec;
}

static void look(struct child *c, struct side *side)
{
	int rc;

	if (!side->pcap || side->head.full)
		return;
	rc = pcap_next_ex(side->pcap, &side->head.h, &side->head.data);
	side->head.full = rc == 1;
	if (rc < 0)
		end(c); /* the interface is gone */
}

/* Of the packets that are next the earlier; of one alone, if no earlier one can come. NULL: wait.
 */
static struct side *next_side(struct child *c)
{
	struct side *in = &c->side[IN], *out = &c->side[OUT], *next;
	int64_t age;

	look(c, in);
	look(c, out);
	if (!in->head.full && !out->head.full)
		return NULL;
	if (in->head.full && out->head.full)
		next = time_of(in->head.h) <= time_of(out->head.h) ? in : out;
	else
		next = in->head.full ? in : out;
	if (c->ending && time_of(next->head.h) > (uint64_t)c->ended)
		return NULL;
	age = now(CLOCK_REALTIME) - (int64_t)time_of(next->head.h);
	/* One from the future: the clock was set. */
	return (in->head.full && out->head.full) || age < 0 || age >= HOLD_MS * NS_PER_MS ? next :
											    NULL;
}

static void write_head(struct child *c, struct side *side)
{
	pcapng_packet(&c->out, &(struct pcapng_packet){ .time = time_of(side->head.h),
							.len = side->head.h->len,
							.kept = side->head.h->caplen,
							.data = side->head.data,
							.direction = side->direction });
	side->head.full = false;
}

static void read_interface(struct child *c)
{
	struct side *side;

	while (has_room(c) && (side = next_side(c)))
		write_head(c, side);
}

/* --- packets from netd --- */

static void write_dropped(struct child *c, const struct capture_dropped *d, size_t len)
{
	struct pcap_pkthdr h = { .len = (bpf_u_int32)len, .caplen = (bpf_u_int32)len };
	uint32_t kept = len < c->job->snapshot ? (uint32_t)len : c->job->snapshot;

	c->lost = d->lost;
	if (!pcap_offline_filter(&c->program, &h, c->frame))
		return;
	c->received++;
	pcapng_packet(&c->out, &(struct pcapng_packet){ .time = (uint64_t)d->time,
							.len = (uint32_t)len,
							.kept = kept,
							.data = c->frame,
							.direction = PCAPNG_INBOUND,
							.comment = d->reason });
}

static void read_line(struct child *c)
{
	struct capture_dropped d;
	struct iovec iov[] = { { &d, sizeof(d) }, { c->frame, FRAME } };
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = ARRAY_SIZE(iov) };
	ssize_t n;

	while (has_room(c) && (n = recvmsg(CAPTURE_LINE_FD, &mh, MSG_DONTWAIT)) > 0)
		if ((size_t)n > sizeof(d))
			write_dropped(c, &d, (size_t)n - sizeof(d));
}

/* --- the loop --- */

/* It has read something. */
static void wait_for_reader(struct child *c)
{
	int64_t last = c->end_at + LEAVE_MS * NS_PER_MS;

	c->leave_at = now(CLOCK_MONOTONIC) + FINISH_MS * NS_PER_MS;
	if (c->leave_at > last)
		c->leave_at = last;
}

/* False when nobody reads any more. */
static bool flush(struct child *c)
{
	while (c->sent < c->out.len) {
		ssize_t n = send(CAPTURE_STREAM_FD, c->out.p + c->sent, c->out.len - c->sent,
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0)
			return false;
		c->sent += (size_t)n;
		wait_for_reader(c);
	}
	c->out.len -= c->sent;
	memmove(c->out.p, c->out.p + c->sent, c->out.len);
	c->sent = 0;
	return true;
}

/* In milliseconds, rounded up; -1: for ever. */
static int patience(const struct child *c)
{
	int64_t left;

	/* What is held will have waited long enough. */
	if (!c->ending)
		return c->side[IN].head.full || c->side[OUT].head.full ? RETIRE_MS : -1;
	left = c->end_at - now(CLOCK_MONOTONIC);
	if (left <= 0)
		left = c->leave_at - now(CLOCK_MONOTONIC);
	return left > 0 ? (int)(left / NS_PER_MS) + 1 : 0;
}

/* False when nobody reads any more. */
static bool wait_for_more(struct child *c)
{
	struct pollfd fds[2 + SIDES] = {
		{ .fd = CAPTURE_STREAM_FD, .events = c->ending ? 0 : POLLRDHUP },
		{ .fd = c->ending ? -1 : CAPTURE_LINE_FD },
	};

	if (c->out.len)
		fds[0].events |= POLLOUT;
	if (c->job->dropped && has_room(c))
		fds[1].events = POLLIN;
	for (int i = 0; i < SIDES; i++) {
		const struct side *side = &c->side[i];
		bool wants = side->pcap && !side->head.full && !c->ending && has_room(c);

		fds[2 + i] = (struct pollfd){ .fd = wants ? pcap_get_selectable_fd(side->pcap) : -1,
					      .events = POLLIN };
	}
	if (poll(fds, ARRAY_SIZE(fds), patience(c)) < 0)
		return errno == EINTR;
	if (fds[0].revents & (POLLERR | POLLHUP | POLLNVAL))
		return false;
	if (fds[0].revents & POLLRDHUP || fds[1].revents & (POLLERR | POLLHUP | POLLNVAL))
		end(c);
	return true;
}

static void take_packets(struct child *c)
{
	if (c->job->dropped)
		read_line(c);
	else
		read_interface(c);
	/* With room left there was nothing more. */
	if (c->ending && has_room(c) && now(CLOCK_MONOTONIC) >= c->end_at)
		finish(c);
}

static void capture(struct child *c)
{
	for (;;) {
		if (!c->finished)
			take_packets(c);
		if (!flush(c) || (c->finished && !c->out.len))
			return;
		if (c->ending && now(CLOCK_MONOTONIC) >= c->leave_at)
			return;
		if (!wait_for_more(c))
			return;
	}
}

int main(int argc, char **argv)
{
	static const char ready = CAPTURE_SAYS_READY;
	struct job job;
	struct child c = { .job = &job };

	if (argc != 6) {
		fputs("netd-capture is run by netd\n", stderr);
		return 2;
	}
	job = (struct job){ .interface = argv[1],
			    .port = argv[2],
			    .snapshot = (uint32_t)strtoul(argv[3], NULL, 10),
			    .dropped = strcmp(argv[4], CAPTURE_DROPPED) == 0,
			    .filter = argv[5] };
	alarm(START_S);
	start(&c);
	if (send(CAPTURE_LINE_FD, &ready, 1, MSG_NOSIGNAL) < 0)
		return 1;
	alarm(0);
	capture(&c);
	return 0;
}

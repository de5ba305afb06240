/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel seam's sockets that guests can fill: ARP, ping, DHCP packets, what the guard drops.
 * How much of each is read in a turn, and when the next. */
#include "base/cleanup.h"
#include "host_direct.h"

enum { PACKETS_A_TURN = 64, ARP_A_TURN = 64, PONGS_A_TURN = 64, TRAP_TOGETHER = 32 };

/* After a full batch the next is read a moment later, and the kernel drops what comes meanwhile: no
 * guest keeps the daemon busy with ARP. */
#define ARP_PAUSE_NS (NS_PER_S / 100)

/* DHCP that comes more often than this is read that often only: then a wake-up, a commit and the
 * sync that it waits for serve several clients. A client alone is answered at once. What comes so
 * often that more would wait than TRAP_TOGETHER is read sooner: one relay agent gets the answers,
 * and its socket has room for about 150. */
#define TRAP_PAUSE_NS (NS_PER_S / 250)

struct arp_watch {
	struct arp_watch *next;
	struct direct *direct;
	uint32_t ifindex;
	struct loop_io io;
	struct loop_timer pause;
};

static void arp_resume(struct loop_timer *t)
{
	struct arp_watch *w = CONTAINER_OF(t, struct arp_watch, pause);

	if (loop_io_change(&w->io, EPOLLIN) < 0)
		return; /* only without memory, and then for this link alone */
}

static void arp_ready(struct loop_io *io, uint32_t events)
{
	struct arp_watch *w = CONTAINER_OF(io, struct arp_watch, io);
	struct direct *d = w->direct;

	(void)events;
	/* Nothing but a full batch ends without an error. */
	if (arp_read(io->fd, w->ifindex, ARP_A_TURN, d->listener.arp, d->listener.arg) == 0 &&
	    loop_timer_set(d->loop, &w->pause, loop_now(d->loop) + ARP_PAUSE_NS, arp_resume) == 0 &&
	    loop_io_change(io, 0) < 0)
		loop_timer_cancel(&w->pause);
}

static void arp_watch_end(struct arp_watch *w)
{
	int fd = w->io.fd;

	loop_timer_cancel(&w->pause);
	loop_io_del(&w->io);
	close(fd);
	free(w);
}

int direct_watch_arp(struct host *h, uint32_t ifindex, struct err *err)
{
	struct direct *d = direct(h);
	struct arp_watch *w = calloc(1, sizeof(*w));
	CLEAN_FD int fd = -1;
	int rc;

	if (!w)
		return err_set(err, ENOMEM, "out of memory");
	*w = (struct arp_watch){ .next = d->arp, .direct = d, .ifindex = ifindex };
	rc = arp_open(ifindex, &fd, err);
	if (!rc) {
		rc = loop_io_add(d->loop, &w->io, fd, EPOLLIN, arp_ready);
		if (rc)
			err_sys(err, -rc, "cannot watch a packet socket");
	}
	if (rc) {
		free(w);
		return rc;
	}
	take_fd(&fd);
	d->arp = w;
	return 0;
}

void direct_unwatch_arp(struct host *h, uint32_t ifindex)
{
	for (struct arp_watch **at = &direct(h)->arp; *at; at = &(*at)->next) {
		struct arp_watch *w = *at;

		if (w->ifindex != ifindex)
			continue;
		*at = w->next;
		arp_watch_end(w);
		return;
	}
}

void direct_unwatch_all_arp(struct direct *d)
{
	while (d->arp)
		direct_unwatch_arp(&d->host, d->arp->ifindex);
}

static void ping_ready(struct loop_io *io, uint32_t events)
{
	struct direct *d = CONTAINER_OF(io, struct direct, ping_io);

	(void)events;
	if (ping_read(d->ping, PONGS_A_TURN, d->listener.pong, d->listener.arg) < 0)
		return;
}

static int start_ping(struct direct *d, struct err *err)
{
	int rc = ping_open(&d->ping, err);

	if (rc)
		return rc;
	rc = loop_io_add(d->loop, &d->ping_io, ping_fd(d->ping), EPOLLIN, ping_ready);
	if (rc) {
		ping_free(d->ping);
		d->ping = NULL;
		return err_sys(err, -rc, "cannot watch an ICMP socket");
	}
	return 0;
}

/* Most hosts have no use for it. */
int direct_send_ping(struct host *h, uint32_t addr, struct err *err)
{
	struct direct *d = direct(h);
	int rc = d->ping ? 0 : start_ping(d, err);

	return rc ? rc : ping_send(d->ping, addr, err);
}

/* --- what the guard drops --- */

static void dropped_resume(struct loop_timer *t)
{
	struct direct *d = CONTAINER_OF(t, struct direct, dropped_pause);

	if (loop_io_change(&d->dropped_io, EPOLLIN) < 0)
		return; /* only without memory, and then captures hear no more of it */
}

/* After a full batch as with ARP: a guest that floods keeps nobody busy. */
static void dropped_ready(struct loop_io *io, uint32_t events)
{
	struct direct *d = CONTAINER_OF(io, struct direct, dropped_io);

	(void)events;
	if (trap_read(d->dropped, PACKETS_A_TURN, d->listener.dropped, d->listener.arg) == 0 &&
	    loop_timer_set(d->loop, &d->dropped_pause, loop_now(d->loop) + ARP_PAUSE_NS,
			   dropped_resume) == 0 &&
	    loop_io_change(io, 0) < 0)
		loop_timer_cancel(&d->dropped_pause);
}

void direct_stop_dropped(struct direct *d)
{
	loop_timer_cancel(&d->dropped_pause);
	loop_io_del(&d->dropped_io);
	trap_free(d->dropped);
	d->dropped = NULL;
}

static int start_dropped(struct direct *d, struct err *err)
{
	int rc = trap_listen((uint16_t)(d->trap_group + 1), &d->dropped, err);

	if (rc)
		return rc;
	rc = loop_io_add(d->loop, &d->dropped_io, trap_fd(d->dropped), EPOLLIN, dropped_ready);
	if (rc) {
		direct_stop_dropped(d);
		err_sys(err, -rc, "cannot watch an nfnetlink_log socket");
	}
	return rc;
}

static unsigned find_captured(const struct direct *d, uint32_t ifindex)
{
	unsigned i = 0;

	while (i < d->captures && d->captured[i] != ifindex)
		i++;
	return i;
}

static int capture_on(struct direct *d, uint32_t ifindex, struct err *err)
{
	int rc = 0;

	if (d->captures == HOST_CAPTURED_MAX)
		return err_set(err, ENOSPC, "too many links are captured");
	if (!d->dropped)
		rc = start_dropped(d, err);
	if (!rc)
		rc = nft_capture(d->nft, ifindex, true, err);
	if (!rc)
		d->captured[d->captures++] = ifindex;
	else if (!d->captures && d->dropped)
		direct_stop_dropped(d);
	return rc;
}

int direct_capture_dropped(struct host *h, uint32_t ifindex, bool on, struct err *err)
{
	struct direct *d = direct(h);
	unsigned i = find_captured(d, ifindex);
	int rc;

	if (on)
		return i < d->captures ? 0 : capture_on(d, ifindex, err);
	if (i == d->captures)
		return 0;
	d->captured[i] = d->captured[--d->captures];
	rc = nft_capture(d->nft, ifindex, false, err);
	if (!d->captures)
		direct_stop_dropped(d);
	return rc;
}

/* --- DHCP packets --- */

static void count_packet(void *arg, const struct trap_packet *p)
{
	struct direct *d = arg;

	d->trapped++;
	d->listener.packet(d->listener.arg, p);
}

/* Whether the trap was emptied, and had something in it. */
static bool empty_trap(struct direct *d)
{
	int64_t now = loop_now(d->loop), since = now - d->trap_read_at, pause = TRAP_PAUSE_NS;
	bool empty;

	d->trapped = 0;
	d->trap_read_at = now;
	empty = trap_read(d->trap, PACKETS_A_TURN, count_packet, d) < 0;
	if (d->trapped && since * TRAP_TOGETHER / d->trapped < pause)
		pause = since * TRAP_TOGETHER / d->trapped;
	d->trap_next_read = now + pause;
	return empty && d->trapped;
}

static void trap_resume(struct loop_timer *t);

static bool pause_trap(struct direct *d)
{
	return loop_timer_set(d->loop, &d->trap_pause, d->trap_next_read, trap_resume) == 0;
}

static void trap_resume(struct loop_timer *t)
{
	struct direct *d = CONTAINER_OF(t, struct direct, trap_pause);

	if (empty_trap(d) && pause_trap(d))
		return;
	if (loop_io_change(&d->trap_io, EPOLLIN) < 0)
		pause_trap(d);
}

void direct_trap_ready(struct loop_io *io, uint32_t events)
{
	struct direct *d = CONTAINER_OF(io, struct direct, trap_io);
	bool often = loop_now(d->loop) - d->trap_read_at < TRAP_PAUSE_NS;

	(void)events;
	if (empty_trap(d) && often && pause_trap(d) && loop_io_change(io, 0) < 0)
		loop_timer_cancel(&d->trap_pause);
}

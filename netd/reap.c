/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TAPs that are opened by name stay when their VMM dies. The kernel takes the carrier of one away
 * when the last descriptor of it is closed, and gives it back when somebody opens it
 * (drivers/net/tun.c, __tun_detach and tun_set_iff). One that has had none for `tap-grace` is
 * removed; so is one that nobody has opened for so long since it was made, or since netd started. A
 * carrier can be taken away by others, too, so the processes are looked at before; of one that is
 * in a network namespace nothing else is heard, and they are looked at each time. The allocation
 * stays. Called by attach.c and reconcile.c.
 */
#include <inttypes.h>

#include "base/container.h"
#include "daemon.h"

static int64_t grace(const struct daemon *d)
{
	return (int64_t)d->config->tap_grace * NS_PER_S;
}

static void reap_one(struct daemon *d, struct port *p)
{
	char who[TAP_HOLDER_SIZE], why[64];
	struct err err;

	p->idle_since = loop_now(d->loop); /* for another try */
	if (p->state != PORT_ATTACHED ||
	    !d->host->ops->tap_holder(d->host, device_tap_name(p), who))
		return;
	snprintf(why, sizeof(why), "nobody has had it open for %" PRIu32 " s",
		 d->config->tap_grace);
	if (port_reap(d, p, why, &err))
		log_warning("port %s/%" PRIu32 ": %s", p->guest, p->nic, err.text);
}

static void reap(struct loop_timer *t)
{
	struct daemon *d = CONTAINER_OF(t, struct daemon, reap);
	struct port *p;

	for (uint32_t at = 0; (p = port_next(d, &at));)
		if (p->ifindex && p->idle_since && loop_now(d->loop) - p->idle_since >= grace(d))
			reap_one(d, p);
	reap_schedule(d);
}

static void set_timer(struct daemon *d, int64_t at)
{
	if (loop_timer_set(d->loop, &d->reap, at, reap))
		log_error("out of memory: TAPs that nobody has open are not removed");
}

void reap_schedule(struct daemon *d)
{
	int64_t first = INT64_MAX;
	struct port *p;

	for (uint32_t at = 0; (p = port_next(d, &at));)
		if (p->ifindex && p->idle_since && p->idle_since < first)
			first = p->idle_since;
	if (first == INT64_MAX)
		loop_timer_cancel(&d->reap);
	else
		set_timer(d, first + grace(d));
}

void reap_seen(struct daemon *d, struct port *p, bool open)
{
	if (p->device != PORT_TAP || p->within)
		return;
	if (open)
		p->idle_since = 0;
	else if (!p->idle_since)
		reap_begin(d, p, false);
}

void reap_begin(struct daemon *d, struct port *p, bool open)
{
	p->idle_since = p->device != PORT_TAP || (open && !p->within) ? 0 : loop_now(d->loop);
	/* A timer that is set is for one that is idle for longer. */
	if (p->idle_since && !d->reap.loop)
		set_timer(d, p->idle_since + grace(d));
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ring of events, and their lines in the log. Watchers read the ring at their own pace; see
 * varlink.c. */
#include <stdlib.h>
#include <time.h>

#include "daemon.h"

const char *event_kind_text(enum event_kind kind)
{
	switch (kind) {
	case EVENT_STARTED:
		return "started";
	case EVENT_NETWORK_UP:
		return "network-up";
	case EVENT_NETWORK_DOWN:
		return "network-down";
	case EVENT_ATTACHED:
		return "attached";
	case EVENT_ADOPTED:
		return "adopted";
	case EVENT_DETACHED:
		return "detached";
	case EVENT_GONE:
		return "gone";
	case EVENT_REAPED:
		return "reaped";
	case EVENT_RELEASED:
		return "released";
	case EVENT_LINK_DOWN:
		return "link-down";
	case EVENT_LINK_UP:
		return "link-up";
	case EVENT_LEASE_BOUND:
		return "lease-bound";
	case EVENT_LEASE_RENEWED:
		return "lease-renewed";
	case EVENT_LEASE_RELEASED:
		return "lease-released";
	case EVENT_LEASE_EXPIRED:
		return "lease-expired";
	case EVENT_LEASE_DECLINED:
		return "lease-declined";
	case EVENT_LEASE_REFUSED:
		return "lease-refused";
	case EVENT_MAC_CONFLICT:
		return "mac-conflict";
	case EVENT_CLONE:
		return "clone";
	case EVENT_CONFLICT:
		return "conflict";
	case EVENT_QUARANTINED:
		return "quarantined";
	case EVENT_POOL_LOW:
		return "pool-low";
	case EVENT_POOL_GROWN:
		return "pool-grown";
	case EVENT_POOL_FULL:
		return "pool-full";
	case EVENT_DHCP_FLOOD:
		return "dhcp-flood";
	case EVENT_SPOOF:
		return "spoof";
	case EVENT_FOREIGN_DHCP:
		return "foreign-dhcp";
	case EVENT_FOREIGN_FIREWALL:
		return "foreign-firewall";
	case EVENT_RELOADED:
		return "reloaded";
	case EVENT_STORAGE_FAILED:
		return "storage-failed";
	case EVENT_STORAGE_RECOVERED:
		return "storage-recovered";
	case EVENT_RULES_RESTORED:
		return "rules-restored";
	case EVENT_HEALED:
		return "healed";
	case EVENT_HOST_SETTING:
		return "host-setting";
	case EVENT_NETWORK_CREATED:
		return "network-created";
	case EVENT_NETWORK_DELETED:
		return "network-deleted";
	case EVENT_UPLINK_MOVED:
		return "uplink-moved";
	case EVENT_UPLINK_BACK:
		return "uplink-back";
	}
	return "?";
}

int events_init(struct events *e)
{
	*e = (struct events){ .next = 1 };
	e->ring = calloc(EVENTS_KEPT, sizeof(*e->ring));
	return e->ring ? 0 : -ENOMEM;
}

void events_done(struct events *e)
{
	free(e->ring);
	*e = (struct events){ 0 };
}

struct event *event_add(struct daemon *d, enum event_kind kind)
{
	struct event *e = &d->events.ring[d->events.next % EVENTS_KEPT];
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	*e = (struct event){ .number = d->events.next++,
			     .wall_us = ts.tv_sec * 1000000LL + ts.tv_nsec / 1000,
			     .kind = kind,
			     .exchange_ns = -1 };
	return e;
}

struct event *event_add_port(struct daemon *d, enum event_kind kind, const struct port *p)
{
	struct event *e = event_add(d, kind);

	memcpy(e->guest, p->guest, sizeof(e->guest));
	e->nic = p->nic;
	e->owner = p->owner;
	memcpy(e->ifname, p->ifname, sizeof(e->ifname));
	if (d->network[p->network].used) /* it can have gone in the same turn */
		memcpy(e->network, d->network[p->network].config->name, sizeof(e->network));
	e->mac = p->mac;
	e->address = p->address;
	return e;
}

uint64_t events_oldest(const struct events *e)
{
	return e->next > EVENTS_KEPT ? e->next - EVENTS_KEPT : 1;
}

const struct event *event_get(const struct events *e, uint64_t number)
{
	if (number < events_oldest(e) || number >= e->next)
		return NULL;
	return &e->ring[number % EVENTS_KEPT];
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose guests are. A guest has one owner, on all networks: whom its reservation names, or else who
 * attached it first. The owner is in each of its rows, and follows the configuration.
 */
#include <inttypes.h>

#include "daemon.h"

bool guest_owner(struct daemon *d, const char *guest, uint32_t *ret)
{
	const struct config_owner *o = config_owner_find(d->config, guest);

	if (o) {
		*ret = o->uid;
		return true;
	}
	for (uint32_t nic = 0; nic <= PORT_NIC_MAX; nic++) {
		const struct port *p = port_by_guest(d, guest, nic);

		if (!p)
			continue;
		*ret = p->owner;
		return true;
	}
	return false;
}

bool guest_is_of(struct daemon *d, const char *guest, int64_t nic, uint32_t uid)
{
	const struct port *p;
	bool found = false;

	for (uint32_t at = 0; (p = port_next(d, &at));) {
		if (strcmp(p->guest, guest) != 0)
			continue;
		if (p->owner != uid)
			return false;
		found = found || nic < 0 || p->nic == nic;
	}
	return found;
}

struct owner_ports owner_count(struct daemon *d, const struct network *n, uint32_t uid)
{
	struct owner_ports count = { 0 };
	const struct port *p;

	for (uint32_t at = 0; (p = port_next(d, &at));) {
		if (p->owner != uid || (n && p->network != n->slot))
			continue;
		count.ports++;
		count.attached += p->ifindex != 0;
		count.addresses += p->address != 0;
	}
	return count;
}

void owner_of_new(struct daemon *d, struct port *p)
{
	const struct config_owner *o = config_owner_find(d->config, p->guest);

	if (o)
		p->owner = o->uid;
}

void owner_configure(struct daemon *d, struct port *p)
{
	uint32_t before = p->owner;
	struct err err;

	owner_of_new(d, p);
	if (p->owner == before)
		return;
	log_info("port %s/%" PRIu32 ": it is user %" PRIu32 "'s from now on, instead of %" PRIu32,
		 p->guest, p->nic, p->owner, before);
	if (port_store(d, p, NULL, &err))
		log_error("port %s/%" PRIu32 ": %s", p->guest, p->nic, err.text);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* netdctl attach: devices that stay when it ends. */
#include <stdio.h>

#include "ctl.h"

void ctl_read_device(const struct ctl_device *in, struct netd_attach *ret)
{
	if (in->tap && in->ifname)
		ctl_usage("--ifname is of a veth pair; a TAP's name goes behind --tap");
	if (in->owner && !in->tap && !in->format)
		ctl_usage("--owner is of a named TAP, --tap");
	if (in->ifname && !in->netns)
		ctl_usage("--ifname is of a veth pair, --netns PATH");
	ret->device = in->tap ? NETD_TAP : in->netns ? NETD_VETH : NETD_DESCRIPTORS;
	ret->ifname = in->tap ? in->name : in->ifname;
	ret->user = in->owner;
	ret->netns = in->netns;
}

void ctl_tell_device(const struct netd_attach *q, const struct netd_port *p)
{
	const char *inside = p->guest_interface;

	printf("port %s/%u: %s on %s, MAC %s, address %s%s%s\n", q->guest, q->nic, p->interface,
	       p->network, p->mac, p->address[0] ? p->address : "none",
	       *inside ? ", in the namespace " : "", inside);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* netdctl attach: devices that stay when it ends. */
#include <stdio.h>
#include <string.h>

#include "ctl.h"

void ctl_read_device(const struct ctl_device *in, struct netd_attach *ret)
{
	if (in->tap && in->ifname)
		ctl_usage("--ifname is of a veth pair; a TAP's name goes behind --tap");
	if (in->owner && !in->tap && !in->format)
		ctl_usage("--owner is of a named TAP, --tap");
	if (in->macvtap && (in->tap || in->netns))
		ctl_usage("--macvtap, --tap and --netns are kinds of devices, and there is one");
	if (in->ifname && !in->netns)
		ctl_usage("--ifname is of a veth pair, --netns PATH");
	ret->device = in->tap ? NETD_TAP : in->netns ? NETD_VETH : NETD_DESCRIPTORS;
	ret->ifname = in->tap ? in->name : in->ifname;
	ret->user = in->owner;
	ret->netns = in->netns;
}

void ctl_choose_macvtap(struct ctl *c, struct netd_attach *q)
{
	json_t *reply = ctl_call(c, "io.netd.ListNetworks", NULL),
	       *networks = json_object_get(reply, "networks");
	const char *found = NULL;
	const json_t *n;
	size_t i;

	json_array_foreach (networks, i, n) {
		const char *name = json_string_value(json_object_get(n, "name")),
			   *mode = json_string_value(json_object_get(n, "mode"));
		bool good = name && mode && !strcmp(mode, "macvtap");

		if (q->network && name && !strcmp(name, q->network) && !good)
			ctl_fail(
				"network %s is of mode %s, and --macvtap is for one of mode macvtap",
				name, mode ? mode : "?");
		if (!good || q->network)
			continue;
		if (found)
			ctl_fail(
				"there is more than one network of mode macvtap: say which by --network");
		found = name;
	}
	if (!q->network && !found)
		ctl_fail("there is no network of mode macvtap");
	if (!q->network)
		q->network = strdup(found);
	json_decref(reply);
}

void ctl_tell_device(const struct netd_attach *q, const struct netd_port *p)
{
	const char *inside = p->guest_interface;

	printf("port %s/%u: %s on %s, MAC %s, address %s%s%s\n", q->guest, q->nic, p->interface,
	       p->network, p->mac, p->address[0] ? p->address : "none",
	       *inside ? ", in the namespace " : "", inside);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* macvtap devices of the fake host, which outlive a daemon, and who has them open. */
#include "fake_ops.h"

#include <fcntl.h>

int fake_macvlan_add(struct host *h, const struct rtnl_macvlan *m, uint32_t *ret_index,
		     struct err *err)
{
	const struct rtnl_link *lower = fake_find(h, m->lower);
	struct rtnl_link *link;
	int rc = fake_maybe_fail(h, err);

	if (rc)
		return rc;
	if (!lower)
		return err_set(err, ENODEV, "No such device");
	if (fake_find_name(h, m->name))
		return err_set(err, EEXIST, "cannot create %s: File exists", m->name);
	link = fake_add(h, m->name, m->tap ? "macvtap" : "macvlan");
	link->mac = m->mode == RTNL_MACVLAN_PASSTHRU ? lower->mac : *m->mac;
	link->mtu = m->mtu;
	link->unfinished = true;
	fake_of(h)->macvtap_mode = m->mode;
	*ret_index = link->index;
	return 0;
}

int fake_macvtap_open(struct host *h, const char *name, uint32_t ifindex, unsigned queues,
		      int *ret_fds, struct err *err)
{
	int rc = fake_maybe_fail(h, err);

	(void)name;
	if (rc)
		return rc;
	for (unsigned i = 0; i < queues; i++)
		ret_fds[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
	fake_of(h)->open[ifindex % FAKE_LINKS] = true;
	return 0;
}

int fake_macvtap_adopt(struct host *h, const char *name, uint32_t ifindex, bool *ret_open,
		       struct err *err)
{
	int rc = fake_maybe_fail(h, err);

	(void)name;
	if (!rc)
		*ret_open = fake_of(h)->open[ifindex % FAKE_LINKS];
	return rc;
}

void fake_macvtap_forget(struct host *h, uint32_t ifindex)
{
	fake_of(h)->open[ifindex % FAKE_LINKS] = false;
}

int fake_host_route(struct host *h, const struct rtnl_host_route *route, bool add, struct err *err)
{
	struct fake_host *f = fake_of(h);
	int rc = fake_maybe_fail(h, err);
	unsigned i = 0;

	if (rc)
		return rc;
	while (i < f->host_routes && f->host_route[i].to != route->to)
		i++;
	if (add && i == f->host_routes) {
		fake_must(i < FAKE_ROUTES, "no room for a route");
		f->host_route[f->host_routes++] = *route;
	} else if (!add && i < f->host_routes) {
		f->host_route[i] = f->host_route[--f->host_routes];
	}
	return 0;
}

int fake_arp_own(struct host *h, const char *link, struct err *err)
{
	(void)link;
	return fake_maybe_fail(h, err);
}

void fake_macvtap_closed(uint32_t ifindex)
{
	fake_host->open[ifindex % FAKE_LINKS] = false;
	fake_host->listener.unused(fake_host->listener.arg, ifindex);
}

struct rtnl_link *fake_add_kind(const char *name, const char *kind)
{
	return fake_add(&fake_host->host, name, kind);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices of the fake host that outlive a daemon. A descriptor is that of a network namespace when
 * it is FAKE_NETNS. */
#include "fake_ops.h"

#include <fcntl.h>

int fake_netns_check(struct host *h, int fd, struct err *err)
{
	int rc = fake_maybe_fail(h, err);

	if (rc)
		return rc;
	return fd == FAKE_NETNS ? 0 : err_set(err, EINVAL, "it is no network namespace");
}

int fake_veth_add(struct host *h, const struct rtnl_veth *v, uint32_t *ret_index, struct err *err)
{
	struct rtnl_link *link;
	int rc = fake_maybe_fail(h, err);

	if (rc)
		return rc;
	if (fake_find_name(h, v->name))
		return err_set(err, EEXIST, "there is an interface %s already", v->name);
	if (!strcmp(fake_of(h)->inside, v->inside))
		return err_set(err, ENOTUNIQ, "the network namespace has an interface %s already",
			       v->inside);
	link = fake_add(h, v->name, "veth");
	link->mac = *v->mac;
	link->mtu = v->mtu;
	link->unfinished = true;
	*ret_index = link->index;
	return 0;
}

int fake_inside_configure(struct host *h, int netns, const struct rtnl_inside *inside,
			  struct err *err)
{
	int rc = fake_maybe_fail(h, err);

	if (rc)
		return rc;
	fake_must(netns == FAKE_NETNS, "no network namespace");
	fake_of(h)->configured = *inside;
	return 0;
}

/* The TAP that was made last. */
int fake_tap_persist(struct host *h, int fd, uint32_t user, struct err *err)
{
	struct rtnl_link *link = fake_find(h, fake_of(h)->next_index - 1);
	int rc = fake_maybe_fail(h, err);

	(void)fd;
	if (rc)
		return rc;
	if (!link || strcmp(link->kind, "tun") != 0) /* the pair of one that is elsewhere */
		return 0;
	link->persistent = true;
	link->user = user;
	return 0;
}

int fake_tap_holder(struct host *h, const char *name, char ret[TAP_HOLDER_SIZE])
{
	(void)name;
	if (!fake_of(h)->opener)
		return -ENOENT;
	snprintf(ret, TAP_HOLDER_SIZE, "%s", fake_of(h)->opener);
	return 0;
}

int fake_tap_open_in(struct host *h, int netns, const char *name, unsigned queues, int *ret_fds,
		     struct err *err)
{
	int rc = fake_maybe_fail(h, err);

	if (rc)
		return rc;
	fake_must(netns == FAKE_NETNS, "no network namespace");
	if (!strcmp(fake_of(h)->inside, name))
		return err_set(err, EEXIST, "cannot create TAP %s", name);
	for (unsigned i = 0; i < queues; i++)
		ret_fds[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
	return 0;
}

int fake_inside_join(struct host *h, int netns, const struct rtnl_inside_tap *t, struct err *err)
{
	int rc = fake_maybe_fail(h, err);

	if (rc)
		return rc;
	fake_must(netns == FAKE_NETNS && t->alias[0], "no network namespace, or no mark");
	fake_of(h)->joined++;
	return 0;
}

int fake_inside_remove(struct host *h, uint32_t index, const char *alias, const char *bridge,
		       struct err *err)
{
	int rc = fake_maybe_fail(h, err);

	(void)bridge;
	if (rc)
		return rc;
	fake_must(fake_find(h, index) && alias[0], "no pair, or no mark");
	fake_of(h)->joined = 0;
	return 0;
}

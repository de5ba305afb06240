/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fake host's rates of links. */
#include "fake_ops.h"

#include "base/cleanup.h"

static int find(struct host *h, uint32_t index, struct rtnl_link **ret, struct err *err)
{
	int rc = fake_maybe_fail(h, err);

	if (rc)
		return rc;
	*ret = fake_find(h, index);
	return *ret ? 0 : err_set(err, ENODEV, "No such device");
}

int fake_rate_set(struct host *h, uint32_t index, const struct rtnl_rate *rate, struct err *err)
{
	struct rtnl_link *link;
	int rc = find(h, index, &link, err);

	if (rc)
		return rc;
	fake_of(h)->rate[index % FAKE_LINKS] = *rate;
	link->shaped = rate->bits != 0;
	return 0;
}

int fake_ifb_add(struct host *h, const char *name, const struct mac *mac, uint32_t *ret_index,
		 struct err *err)
{
	struct rtnl_link *link;
	int rc = fake_maybe_fail(h, err);

	if (rc)
		return rc;
	if (fake_find_name(h, name))
		return err_set(err, EEXIST, "cannot create interface %s (ifb): File exists", name);
	link = fake_add(h, name, "ifb");
	link->mac = *mac;
	*ret_index = link->index;
	return 0;
}

int fake_redirect_set(struct host *h, uint32_t index, uint32_t to, struct err *err)
{
	struct rtnl_link *link, *ifb;
	int rc = find(h, index, &link, err);

	if (rc)
		return rc;
	ifb = fake_find(h, to);
	if (to && (!ifb || strcmp(ifb->kind, "ifb") != 0))
		return err_set(err, EINVAL, "Invalid argument");
	fake_of(h)->redirect[index % FAKE_LINKS] = to;
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fake host's VLANs. */
#include "fake_ops.h"

#include "base/cleanup.h"

int fake_vlan_filter(struct host *h, uint32_t bridge, bool on, struct err *err)
{
	struct rtnl_link *link = fake_find(h, bridge);
	int rc = fake_maybe_fail(h, err);

	if (rc)
		return rc;
	if (!link)
		return err_set(err, ENODEV, "No such device");
	link->filters = on;
	return 0;
}

int fake_vlans_set(struct host *h, uint32_t index, const struct rtnl_vlans *v, struct err *err)
{
	const struct rtnl_link *link = fake_find(h, index);
	int rc = fake_maybe_fail(h, err);

	if (rc)
		return rc;
	if (!link || !link->master)
		return err_set(err, EINVAL, "Invalid argument");
	fake_of(h)->vlans[index % FAKE_LINKS] = *v;
	fake_of(h)->set_up[index % FAKE_LINKS] = link->up;
	return 0;
}

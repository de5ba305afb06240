/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ranges of a network against its subnet and one another. Called by config.c alone. */
#include "base/cleanup.h"
#include "config_keys.h"

int config_ranges_within(const struct config_ranges *list, struct ip4_prefix subnet,
			 const char *key, struct config_place place, struct err *err)
{
	char text[IP4_TEXT_SIZE], prefix[IP4_PREFIX_TEXT_SIZE];

	for (unsigned i = 0; i < list->n; i++) {
		uint32_t outside = ip4_within(subnet, list->at[i].first) ? list->at[i].last :
									   list->at[i].first;

		if (!ip4_within(subnet, outside))
			return config_wrong(err, place, "%s: %s is outside the subnet %s", key,
					    ip4_text(outside, text),
					    ip4_prefix_text(subnet, prefix));
	}
	return 0;
}

static int check_list(const struct config_network *n, const char *key,
		      const struct config_ranges *list, struct config_place place, struct err *err)
{
	if (list->n && n->auto_subnet)
		return config_wrong(err, place, "%s: a subnet that is auto has none", key);
	return config_ranges_within(list, n->subnet, key, place, err);
}

static int check_growth(const struct config_network *n, struct err *err)
{
	char text[IP4_TEXT_SIZE];

	if (n->grow.n && !n->ranges.n)
		return config_wrong(err, n->grow_place,
				    "grow: without range the whole subnet is in use already");
	for (unsigned i = 0; i < n->grow.n; i++)
		for (unsigned j = 0; j < n->ranges.n; j++)
			if (n->grow.at[i].first <= n->ranges.at[j].last &&
			    n->ranges.at[j].first <= n->grow.at[i].last)
				return config_wrong(err, n->grow_place,
						    "grow: the range from %s on overlaps range",
						    ip4_text(n->grow.at[i].first, text));
	return 0;
}

int config_ranges_check(const struct config_network *n, struct err *err)
{
	int rc = check_list(n, "range", &n->ranges, n->range_place, err);

	if (!rc)
		rc = check_list(n, "grow", &n->grow, n->grow_place, err);
	if (!rc)
		rc = check_list(n, "exclude", &n->exclude, n->exclude_place, err);
	return rc ? rc : check_growth(n, err);
}

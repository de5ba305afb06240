/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What links of the fake host have: addresses and routes that are told apart by a number. */
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "fake_ops.h"

struct good {
	struct nlmsghdr h;
	union {
		struct rtmsg route;
		struct ifaddrmsg addr;
	};
	uint32_t number;
};

static struct good message(bool route, uint32_t number)
{
	struct good g = { .h = { .nlmsg_len = sizeof(g),
				 .nlmsg_type = route ? RTM_NEWROUTE : RTM_NEWADDR },
			  .number = number };

	if (route)
		g.route.rtm_family = AF_INET;
	else
		g.addr.ifa_family = AF_INET;
	return g;
}

static unsigned place(const struct fake_host *f, uint32_t index, uint32_t number)
{
	unsigned i = 0;

	while (i < f->goods && (f->good[i].index != index || f->good[i].number != number))
		i++;
	return i;
}

void fake_good(uint32_t index, bool route, uint32_t number)
{
	struct fake_host *f = fake_host;

	if (place(f, index, number) < f->goods)
		return;
	fake_must(f->goods < FAKE_GOODS, "no room for an address or route");
	f->good[f->goods].index = index;
	f->good[f->goods].route = route;
	f->good[f->goods++].number = number;
}

bool fake_has_good(uint32_t index, uint32_t number)
{
	return place(fake_host, index, number) < fake_host->goods;
}

static void take(struct fake_host *f, unsigned i)
{
	/* In order, as the kernel has them. */
	for (f->goods--; i < f->goods; i++)
		f->good[i] = f->good[i + 1];
}

void fake_goods_gone(struct fake_host *f, uint32_t index)
{
	for (unsigned i = f->goods; i-- > 0;)
		if (f->good[i].index == index)
			take(f, i);
}

int fake_goods_list(struct host *h, uint32_t index, const char *name, const struct mac *mac,
		    struct rtnl_goods *ret, struct err *err)
{
	struct fake_host *f = fake_of(h);
	int rc = fake_maybe_fail(h, err);

	(void)name;
	(void)mac;
	if (rc)
		return rc;
	*ret = (struct rtnl_goods){ .data = calloc(FAKE_GOODS, sizeof(struct good)) };
	fake_must(ret->data != NULL, "no memory");
	for (unsigned i = 0; i < f->goods; i++) {
		struct good g = message(f->good[i].route, f->good[i].number);

		if (f->good[i].index != index)
			continue;
		memcpy(ret->data + ret->len, &g, sizeof(g));
		ret->len += sizeof(g);
		ret->addrs += !f->good[i].route;
		ret->routes += f->good[i].route;
	}
	if (ret->routes)
		ret->gateway = (struct rtnl_gateway){ AF_INET, { 192, 0, 2, 1 } };
	return 0;
}

int fake_goods_put(struct host *h, uint32_t index, const void *one, struct err *err)
{
	const struct good *g = one;
	int rc = fake_maybe_fail(h, err);

	fake_must(fake_find(h, index) != NULL, "no link for an address or route");
	if (!rc)
		fake_good(index, g->h.nlmsg_type == RTM_NEWROUTE, g->number);
	return rc;
}

int fake_goods_del(struct host *h, uint32_t index, const void *one, struct err *err)
{
	const struct good *g = one;
	struct fake_host *f = fake_of(h);
	unsigned i = place(f, index, g->number);
	int rc = fake_maybe_fail(h, err);

	if (!rc && i < f->goods)
		take(f, i);
	return rc;
}

int fake_gateway_ask(struct host *h, uint32_t index, const struct rtnl_gateway *gw, bool anew,
		     bool *ret_answered, struct err *err)
{
	struct fake_host *f = fake_of(h);
	const struct rtnl_link *link = fake_find(h, index);
	bool bridge = link && !strcmp(link->kind, "bridge");
	int rc = fake_maybe_fail(h, err);

	(void)gw;
	if (rc)
		return rc;
	f->asked_gateway++;
	*ret_answered = !anew && (bridge ? f->answers_bridge : f->answers_uplink);
	return 0;
}

int fake_settings_copy(struct host *h, const char *from, const char *to, struct err *err)
{
	(void)from;
	(void)to;
	return fake_maybe_fail(h, err);
}

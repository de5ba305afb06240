/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the fake host share: its rows, and its operations, which fake_host.c has a
 * table of. */
#ifndef TESTS_FAKE_OPS_H
#define TESTS_FAKE_OPS_H

#include "fake_host.h"

struct fake_host *fake_of(struct host *h);
/* Whether this is the operation that a test wants to fail; each operation that can fail begins with
 * it. */
int fake_maybe_fail(struct host *h, struct err *err);
/* NULL: there is none. */
struct rtnl_link *fake_find(struct host *h, uint32_t index);
struct rtnl_link *fake_find_name(struct host *h, const char *name);
struct rtnl_link *fake_add(struct host *h, const char *name, const char *kind);

/* Its place in the arrays by index. */
unsigned fake_forwarding_slot(struct host *h, const char *name);

/* --- fake_devices.c --- */

int fake_tap_persist(struct host *h, int fd, uint32_t user, struct err *err);
int fake_tap_holder(struct host *h, const char *name, char ret[TAP_HOLDER_SIZE]);
int fake_tap_open_in(struct host *h, int netns, const char *name, unsigned queues, int *ret_fds,
		     struct err *err);
int fake_inside_join(struct host *h, int netns, const struct rtnl_inside_tap *t, struct err *err);
int fake_inside_remove(struct host *h, uint32_t index, const char *alias, const char *bridge,
		       struct err *err);
int fake_netns_check(struct host *h, int fd, struct err *err);
int fake_veth_add(struct host *h, const struct rtnl_veth *v, uint32_t *ret_index, struct err *err);
int fake_inside_configure(struct host *h, int netns, const struct rtnl_inside *inside,
			  struct err *err);

/* --- fake_macvtap.c --- */

int fake_macvlan_add(struct host *h, const struct rtnl_macvlan *m, uint32_t *ret_index,
		     struct err *err);
int fake_macvtap_open(struct host *h, const char *name, uint32_t ifindex, unsigned queues,
		      int *ret_fds, struct err *err);
int fake_macvtap_adopt(struct host *h, const char *name, uint32_t ifindex, bool *ret_open,
		       struct err *err);
void fake_macvtap_forget(struct host *h, uint32_t ifindex);
int fake_host_route(struct host *h, const struct rtnl_host_route *route, bool add, struct err *err);
int fake_arp_own(struct host *h, const char *link, struct err *err);

/* --- fake_lan.c --- */

void fake_goods_gone(struct fake_host *f, uint32_t index);
int fake_goods_list(struct host *h, uint32_t index, const char *name, const struct mac *mac,
		    struct rtnl_goods *ret, struct err *err);
int fake_goods_put(struct host *h, uint32_t index, const void *one, struct err *err);
int fake_goods_del(struct host *h, uint32_t index, const void *one, struct err *err);
int fake_gateway_ask(struct host *h, uint32_t index, const struct rtnl_gateway *gw, bool anew,
		     bool *ret_answered, struct err *err);
int fake_settings_copy(struct host *h, const char *from, const char *to, struct err *err);

/* --- fake_rates.c --- */

int fake_rate_set(struct host *h, uint32_t index, const struct rtnl_rate *rate, struct err *err);
int fake_ifb_add(struct host *h, const char *name, const struct mac *mac, uint32_t *ret_index,
		 struct err *err);
int fake_redirect_set(struct host *h, uint32_t index, uint32_t to, struct err *err);

/* --- fake_vlans.c --- */

int fake_vlan_filter(struct host *h, uint32_t bridge, bool on, struct err *err);
int fake_vlans_set(struct host *h, uint32_t index, const struct rtnl_vlans *v, struct err *err);

/* --- fake_rules.c --- */

int fake_rules_replace(struct host *h, const struct nft_plan *plan, struct err *err);
int fake_rules_port_add(struct host *h, const struct nft_port *port, struct err *err);
int fake_rules_port_del(struct host *h, const struct nft_port *port, struct err *err);
int fake_rules_port_move(struct host *h, const struct nft_port *from, const struct nft_port *to,
			 struct err *err);
int fake_rules_owner_del(struct host *h, const struct nft_owner *owner, struct err *err);
int fake_rules_client_add(struct host *h, const struct nft_client *c, struct err *err);
int fake_rules_client_del(struct host *h, const struct nft_client *c, struct err *err);
int fake_drops_list(struct host *h, nft_drops_fn fn, void *arg, struct err *err);
int fake_drops_forget(struct host *h, uint32_t ifindex, struct err *err);
int fake_publish_change(struct host *h, const struct nft_publish *del, size_t dels,
			const struct nft_publish *put, size_t puts, struct err *err);
int fake_reflect_change(struct host *h, const struct nft_reflect *reflect, bool on,
			struct err *err);
int fake_port_listener(struct host *h, const struct listen_query *q, struct listen_holder *ret,
		       struct err *err);
int fake_localnet_get(struct host *h, const char *link, bool *ret, struct err *err);
int fake_localnet_set(struct host *h, const char *link, bool on, struct err *err);

#endif

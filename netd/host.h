/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel seam: all that netd does to the host, and all that it hears from it, goes through
 * struct host. The direct implementation calls bridge/ and tap/; tests put a fake one in its place.
 * Callers do not know which.
 */
#ifndef NETD_HOST_H
#define NETD_HOST_H

#include "bridge.h"
#include "loop.h"
#include "tap.h"

struct host;

enum { HOST_CAPTURED_MAX = 16 };

/* Functions are documented where their direct implementations are declared: bridge.h and tap.h. */
struct host_ops {
	void (*free)(struct host *h);
	int (*link_list)(struct host *h, rtnl_link_fn fn, void *arg, struct err *err);
	int (*addr_list)(struct host *h, rtnl_addr_fn fn, void *arg, struct err *err);
	int (*route_list)(struct host *h, rtnl_route_fn fn, void *arg, struct err *err);
	int (*neigh_list)(struct host *h, uint32_t index, rtnl_neigh_fn fn, void *arg,
			  struct err *err);
	int (*neigh_find)(struct host *h, uint32_t index, uint32_t addr, struct mac *ret,
			  struct err *err);
	int (*fdb_find)(struct host *h, uint32_t bridge, const struct mac *mac, uint32_t *ret_port,
			struct err *err);
	int (*bridge_add)(struct host *h, const char *name, const struct mac *mac, uint32_t mtu,
			  struct err *err);
	int (*link_set)(struct host *h, const struct rtnl_change *c, struct err *err);
	int (*rate_set)(struct host *h, uint32_t index, const struct rtnl_rate *rate,
			struct err *err);
	int (*ifb_add)(struct host *h, const char *name, const struct mac *mac, uint32_t *ret_index,
		       struct err *err);
	int (*redirect_set)(struct host *h, uint32_t index, uint32_t to, struct err *err);
	int (*vlan_filter)(struct host *h, uint32_t bridge, bool on, struct err *err);
	int (*vlans_set)(struct host *h, uint32_t index, const struct rtnl_vlans *v,
			 struct err *err);
	int (*link_del)(struct host *h, uint32_t index, struct err *err);
	int (*addr_add)(struct host *h, uint32_t index, struct ip4_prefix p, struct err *err);
	int (*addr_del)(struct host *h, uint32_t index, struct ip4_prefix p, struct err *err);
	int (*forwarding_get)(struct host *h, const char *link, bool *ret, struct err *err);
	int (*forwarding_set)(struct host *h, const char *link, bool on, struct err *err);
	int (*localnet_get)(struct host *h, const char *link, bool *ret, struct err *err);
	int (*localnet_set)(struct host *h, const char *link, bool on, struct err *err);
	int (*ipv6_off)(struct host *h, const char *link, struct err *err);
	int (*rules_replace)(struct host *h, const struct nft_plan *plan,
			     struct err *err); /* plan NULL: none */
	int (*rules_port_add)(struct host *h, const struct nft_port *port, struct err *err);
	int (*rules_port_del)(struct host *h, const struct nft_port *port, struct err *err);
	int (*rules_port_move)(struct host *h, const struct nft_port *from,
			       const struct nft_port *to, struct err *err);
	int (*rules_owner_del)(struct host *h, const struct nft_owner *owner, struct err *err);
	int (*rules_client_add)(struct host *h, const struct nft_client *c, struct err *err);
	int (*rules_client_del)(struct host *h, const struct nft_client *c, struct err *err);
	int (*drops_list)(struct host *h, nft_drops_fn fn, void *arg, struct err *err);
	int (*drops_forget)(struct host *h, uint32_t ifindex, struct err *err);
	int (*publish_change)(struct host *h, const struct nft_publish *del, size_t dels,
			      const struct nft_publish *add, size_t adds, struct err *err);
	int (*reflect_change)(struct host *h, const struct nft_reflect *reflect, bool add,
			      struct err *err);
	int (*port_listener)(struct host *h, const struct listen_query *q,
			     struct listen_holder *ret, struct err *err);
	int (*tap_open)(struct host *h, const char *name, unsigned queues, int *ret_fds,
			uint32_t *ret_ifindex, struct err *err);
	int (*tap_open_bare)(struct host *h, const char *name, int *ret_fd, uint32_t *ret_ifindex,
			     struct err *err);
	int (*tap_persist)(struct host *h, int fd, uint32_t user, struct err *err);
	int (*tap_holder)(struct host *h, const char *name, char ret[TAP_HOLDER_SIZE]);
	int (*netns_check)(struct host *h, int fd, struct err *err);
	int (*veth_add)(struct host *h, const struct rtnl_veth *v, uint32_t *ret_index,
			struct err *err);
	int (*inside_configure)(struct host *h, int netns, const struct rtnl_inside *inside,
				struct err *err);
	int (*tap_open_in)(struct host *h, int netns, const char *name, unsigned queues,
			   int *ret_fds, struct err *err);
	int (*inside_join)(struct host *h, int netns, const struct rtnl_inside_tap *t,
			   struct err *err);
	int (*inside_remove)(struct host *h, uint32_t index, const char *alias, const char *bridge,
			     struct err *err);
	int (*macvlan_add)(struct host *h, const struct rtnl_macvlan *m, uint32_t *ret_index,
			   struct err *err);
	int (*macvtap_open)(struct host *h, const char *name, uint32_t ifindex, unsigned queues,
			    int *ret_fds, struct err *err);
	int (*macvtap_adopt)(struct host *h, const char *name, uint32_t ifindex, bool *ret_open,
			     struct err *err);
	void (*macvtap_forget)(struct host *h, uint32_t ifindex);
	int (*host_route)(struct host *h, const struct rtnl_host_route *route, bool add,
			  struct err *err);
	int (*arp_own)(struct host *h, const char *link, struct err *err);
	int (*vhost_open)(struct host *h, unsigned queues, int *ret_fds, struct err *err);
	int (*send)(struct host *h, uint32_t ifindex, const void *frame, size_t len);
	/* Has the listener hear the ARP packets that arrive at a link, or no more. */
	int (*arp_watch)(struct host *h, uint32_t ifindex, struct err *err);
	void (*arp_unwatch)(struct host *h, uint32_t ifindex);
	/* Has the listener hear it when the address answers. */
	int (*ping)(struct host *h, uint32_t addr, struct err *err);
	int (*sysctl_read)(struct host *h, const char *path, int *ret, struct err *err);
	int (*ipv6_autoconf)(struct host *h, const char *link, bool *ret, struct err *err);
	/* Rules of nf_tables that are not netd's. */
	int (*foreign_check)(struct host *h, const struct foreign_ask *ask,
			     struct foreign_report *ret, struct err *err);
	int (*foreign_docker)(struct host *h, const char (*bridge)[LINK_NAME_SIZE], size_t bridges,
			      bool *ret_changed, struct err *err);
	/* Has the listener hear what the guard drops of a link, or no more; of at most
	 * HOST_CAPTURED_MAX links at once. 0 also when it is so already. */
	int (*capture_dropped)(struct host *h, uint32_t ifindex, bool on, struct err *err);
	int (*goods_list)(struct host *h, uint32_t index, const char *name, const struct mac *mac,
			  struct rtnl_goods *ret, struct err *err);
	int (*goods_put)(struct host *h, uint32_t index, const void *one, struct err *err);
	int (*goods_del)(struct host *h, uint32_t index, const void *one, struct err *err);
	int (*gateway_ask)(struct host *h, uint32_t index, const struct rtnl_gateway *gw, bool anew,
			   bool *ret_answered, struct err *err);
	int (*settings_copy)(struct host *h, const char *from, const char *to, struct err *err);
};

struct host {
	const struct host_ops *ops;
};

/* What the host tells netd; called from the loop's dispatch phase. */
struct host_listener {
	rtnl_event_fn event;
	trap_fn packet;
	arp_fn arp;
	ping_fn pong;
	nft_change_fn ruleset;
	trap_fn dropped;
	macvtap_fn unused; /* nobody has this macvtap device open any more */
	void *arg;
};

/* Opens the kernel's sockets and watches them in the loop. */
MUST_CHECK int host_open_direct(struct loop *loop, uint16_t trap_group,
				const struct host_listener *listener, struct host **ret,
				struct err *err);

static inline void host_free(struct host *h)
{
	if (h)
		h->ops->free(h);
}

#endif

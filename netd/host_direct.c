/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel seam, straight to the kernel. Decides nothing. */
#include "host_direct.h"

enum { EVENTS_A_TURN = 64, RULES_A_TURN = 64, UNUSED_A_TURN = 64 };

static int link_list(struct host *h, rtnl_link_fn fn, void *arg, struct err *err)
{
	return rtnl_link_list(direct(h)->rtnl, fn, arg, err);
}

static int addr_list(struct host *h, rtnl_addr_fn fn, void *arg, struct err *err)
{
	return rtnl_addr_list(direct(h)->rtnl, fn, arg, err);
}

static int route_list(struct host *h, rtnl_route_fn fn, void *arg, struct err *err)
{
	return rtnl_route_list(direct(h)->rtnl, fn, arg, err);
}

static int neigh_list(struct host *h, uint32_t index, rtnl_neigh_fn fn, void *arg, struct err *err)
{
	return rtnl_neigh_list(direct(h)->rtnl, index, fn, arg, err);
}

static int neigh_find(struct host *h, uint32_t index, uint32_t addr, struct mac *ret,
		      struct err *err)
{
	return rtnl_neigh_find(direct(h)->rtnl, index, addr, ret, err);
}

static int fdb_find(struct host *h, uint32_t bridge, const struct mac *mac, uint32_t *ret_port,
		    struct err *err)
{
	return rtnl_fdb_find(direct(h)->rtnl, bridge, mac, ret_port, err);
}

static int bridge_add(struct host *h, const char *name, const struct mac *mac, uint32_t mtu,
		      struct err *err)
{
	return rtnl_bridge_add(direct(h)->rtnl, name, mac, mtu, err);
}

static int link_set(struct host *h, const struct rtnl_change *c, struct err *err)
{
	return rtnl_link_set(direct(h)->rtnl, c, err);
}

static int rate_set(struct host *h, uint32_t index, const struct rtnl_rate *rate, struct err *err)
{
	return rtnl_rate_set(direct(h)->rtnl, index, rate, err);
}

static int ifb_add(struct host *h, const char *name, const struct mac *mac, uint32_t *ret_index,
		   struct err *err)
{
	return rtnl_ifb_add(direct(h)->rtnl, name, mac, ret_index, err);
}

static int redirect_set(struct host *h, uint32_t index, uint32_t to, struct err *err)
{
	return rtnl_redirect_set(direct(h)->rtnl, index, to, err);
}

static int vlan_filter(struct host *h, uint32_t bridge, bool on, struct err *err)
{
	return rtnl_vlan_filter(direct(h)->rtnl, bridge, on, err);
}

static int vlans_set(struct host *h, uint32_t index, const struct rtnl_vlans *v, struct err *err)
{
	return rtnl_vlans_set(direct(h)->rtnl, index, v, err);
}

static int link_del(struct host *h, uint32_t index, struct err *err)
{
	return rtnl_link_del(direct(h)->rtnl, index, err);
}

static int addr_add(struct host *h, uint32_t index, struct ip4_prefix p, struct err *err)
{
	return rtnl_addr_add(direct(h)->rtnl, index, p, err);
}

static int addr_del(struct host *h, uint32_t index, struct ip4_prefix p, struct err *err)
{
	return rtnl_addr_del(direct(h)->rtnl, index, p, err);
}

static int forwarding_get(struct host *h, const char *link, bool *ret, struct err *err)
{
	(void)h;
	return sysctl_forwarding_get(link, ret, err);
}

static int forwarding_set(struct host *h, const char *link, bool on, struct err *err)
{
	(void)h;
	return sysctl_forwarding_set(link, on, err);
}

static int ipv6_off(struct host *h, const char *link, struct err *err)
{
	(void)h;
	return sysctl_ipv6_off(link, err);
}

static int rules_replace(struct host *h, const struct nft_plan *plan, struct err *err)
{
	return plan ? nft_replace(direct(h)->nft, plan, err) : nft_remove(direct(h)->nft, err);
}

static int rules_port_add(struct host *h, const struct nft_port *port, struct err *err)
{
	return nft_port_add(direct(h)->nft, port, err);
}

static int rules_port_del(struct host *h, const struct nft_port *port, struct err *err)
{
	return nft_port_del(direct(h)->nft, port, err);
}

static int rules_port_move(struct host *h, const struct nft_port *from, const struct nft_port *to,
			   struct err *err)
{
	return nft_port_move(direct(h)->nft, from, to, err);
}

static int rules_owner_del(struct host *h, const struct nft_owner *owner, struct err *err)
{
	return nft_owner_del(direct(h)->nft, owner, err);
}

static int rules_client_add(struct host *h, const struct nft_client *c, struct err *err)
{
	return nft_client_add(direct(h)->nft, c, err);
}

static int rules_client_del(struct host *h, const struct nft_client *c, struct err *err)
{
	return nft_client_del(direct(h)->nft, c, err);
}

static int drops_list(struct host *h, nft_drops_fn fn, void *arg, struct err *err)
{
	return nft_drops_list(direct(h)->nft, fn, arg, err);
}

static int drops_forget(struct host *h, uint32_t ifindex, struct err *err)
{
	return nft_drops_forget(direct(h)->nft, ifindex, err);
}

static int localnet_get(struct host *h, const char *link, bool *ret, struct err *err)
{
	(void)h;
	return sysctl_localnet_get(link, ret, err);
}

static int localnet_set(struct host *h, const char *link, bool on, struct err *err)
{
	(void)h;
	return sysctl_localnet_set(link, on, err);
}

static int publish_change(struct host *h, const struct nft_publish *del, size_t dels,
			  const struct nft_publish *add, size_t adds, struct err *err)
{
	return nft_publish_change(direct(h)->nft, del, dels, add, adds, err);
}

static int reflect_change(struct host *h, const struct nft_reflect *reflect, bool add,
			  struct err *err)
{
	return nft_reflect_change(direct(h)->nft, reflect, add, err);
}

static int port_listener(struct host *h, const struct listen_query *q, struct listen_holder *ret,
			 struct err *err)
{
	(void)h;
	return listen_find(q, ret, err);
}

static int open_tap(struct host *h, const char *name, unsigned queues, int *ret_fds,
		    uint32_t *ret_ifindex, struct err *err)
{
	(void)h;
	return tap_open(name, queues, ret_fds, ret_ifindex, err);
}

static int open_bare_tap(struct host *h, const char *name, int *ret_fd, uint32_t *ret_ifindex,
			 struct err *err)
{
	(void)h;
	return tap_open_bare(name, ret_fd, ret_ifindex, err);
}

static int persist_tap(struct host *h, int fd, uint32_t user, struct err *err)
{
	(void)h;
	return tap_persist(fd, user, err);
}

static int find_tap_holder(struct host *h, const char *name, char ret[TAP_HOLDER_SIZE])
{
	(void)h;
	return tap_holder(name, ret);
}

static int netns_check(struct host *h, int fd, struct err *err)
{
	(void)h;
	return rtnl_netns_check(fd, err);
}

static int veth_add(struct host *h, const struct rtnl_veth *v, uint32_t *ret_index, struct err *err)
{
	return rtnl_veth_add(direct(h)->rtnl, v, ret_index, err);
}

static int inside_configure(struct host *h, int netns, const struct rtnl_inside *inside,
			    struct err *err)
{
	(void)h;
	return rtnl_inside_configure(netns, inside, err);
}

static int open_tap_in(struct host *h, int netns, const char *name, unsigned queues, int *ret_fds,
		       struct err *err)
{
	(void)h;
	return tap_open_in(netns, name, queues, ret_fds, err);
}

static int inside_join(struct host *h, int netns, const struct rtnl_inside_tap *t, struct err *err)
{
	(void)h;
	return rtnl_inside_join(netns, t, err);
}

static int inside_remove(struct host *h, uint32_t index, const char *alias, const char *bridge,
			 struct err *err)
{
	return rtnl_inside_remove(direct(h)->rtnl, index, alias, bridge, err);
}

static int add_macvlan(struct host *h, const struct rtnl_macvlan *m, uint32_t *ret_index,
		       struct err *err)
{
	return rtnl_macvlan_add(direct(h)->rtnl, m, ret_index, err);
}

static int open_macvtap(struct host *h, const char *name, uint32_t ifindex, unsigned queues,
			int *ret_fds, struct err *err)
{
	return macvtap_open(direct(h)->macvtap, name, ifindex, queues, ret_fds, err);
}

static int adopt_macvtap(struct host *h, const char *name, uint32_t ifindex, bool *ret_open,
			 struct err *err)
{
	return macvtap_adopt(direct(h)->macvtap, name, ifindex, ret_open, err);
}

static void forget_macvtap(struct host *h, uint32_t ifindex)
{
	macvtap_forget(direct(h)->macvtap, ifindex);
}

static int change_host_route(struct host *h, const struct rtnl_host_route *route, bool add,
			     struct err *err)
{
	return rtnl_host_route(direct(h)->rtnl, route, add, err);
}

static int arp_own(struct host *h, const char *link, struct err *err)
{
	(void)h;
	return sysctl_arp_own(link, err);
}

static int vhost_open(struct host *h, unsigned queues, int *ret_fds, struct err *err)
{
	(void)h;
	return tap_vhost_open(queues, ret_fds, err);
}

static int send_frame(struct host *h, uint32_t ifindex, const void *frame, size_t len)
{
	return trap_send(direct(h)->trap, ifindex, frame, len);
}

static int read_sysctl(struct host *h, const char *path, int *ret, struct err *err)
{
	(void)h;
	return sysctl_read(path, ret, err);
}

static int ipv6_autoconf(struct host *h, const char *link, bool *ret, struct err *err)
{
	(void)h;
	return sysctl_ipv6_autoconf(link, ret, err);
}

static int check_foreign(struct host *h, const struct foreign_ask *ask, struct foreign_report *ret,
			 struct err *err)
{
	return foreign_check(direct(h)->foreign, ask, ret, err);
}

static int keep_docker(struct host *h, const char (*bridge)[LINK_NAME_SIZE], size_t bridges,
		       bool *ret_changed, struct err *err)
{
	return foreign_docker(direct(h)->foreign, bridge, bridges, ret_changed, err);
}

static int list_goods(struct host *h, uint32_t index, const char *name, const struct mac *mac,
		      struct rtnl_goods *ret, struct err *err)
{
	return rtnl_goods_list(direct(h)->rtnl, index, name, mac, ret, err);
}

static int put_goods(struct host *h, uint32_t index, const void *one, struct err *err)
{
	return rtnl_goods_put(direct(h)->rtnl, index, one, err);
}

static int del_goods(struct host *h, uint32_t index, const void *one, struct err *err)
{
	return rtnl_goods_del(direct(h)->rtnl, index, one, err);
}

static int ask_gateway(struct host *h, uint32_t index, const struct rtnl_gateway *gw, bool anew,
		       bool *ret_answered, struct err *err)
{
	return rtnl_gateway_ask(direct(h)->rtnl, index, gw, anew, ret_answered, err);
}

static int copy_settings(struct host *h, const char *from, const char *to, struct err *err)
{
	(void)h;
	return sysctl_copy(from, to, err);
}

static void free_direct(struct host *h)
{
	struct direct *d = direct(h);

	direct_unwatch_all_arp(d);
	loop_io_del(&d->watch_io);
	loop_io_del(&d->nft_watch_io);
	loop_timer_cancel(&d->trap_pause);
	loop_io_del(&d->trap_io);
	loop_io_del(&d->ping_io);
	loop_io_del(&d->macvtap_io);
	macvtap_free(d->macvtap);
	rtnl_watch_free(d->watch);
	rtnl_free(d->rtnl);
	nft_watch_free(d->nft_watch);
	nft_free(d->nft);
	trap_free(d->trap);
	ping_free(d->ping);
	foreign_close(d->foreign);
	direct_stop_dropped(d);
	free(d);
}

static const struct host_ops ops = {
	.free = free_direct,
	.link_list = link_list,
	.addr_list = addr_list,
	.route_list = route_list,
	.neigh_list = neigh_list,
	.neigh_find = neigh_find,
	.fdb_find = fdb_find,
	.bridge_add = bridge_add,
	.link_set = link_set,
	.rate_set = rate_set,
	.ifb_add = ifb_add,
	.redirect_set = redirect_set,
	.vlan_filter = vlan_filter,
	.vlans_set = vlans_set,
	.link_del = link_del,
	.addr_add = addr_add,
	.addr_del = addr_del,
	.forwarding_get = forwarding_get,
	.forwarding_set = forwarding_set,
	.ipv6_off = ipv6_off,
	.rules_replace = rules_replace,
	.rules_port_add = rules_port_add,
	.rules_port_del = rules_port_del,
	.rules_port_move = rules_port_move,
	.rules_owner_del = rules_owner_del,
	.rules_client_add = rules_client_add,
	.rules_client_del = rules_client_del,
	.drops_list = drops_list,
	.drops_forget = drops_forget,
	.publish_change = publish_change,
	.reflect_change = reflect_change,
	.port_listener = port_listener,
	.localnet_get = localnet_get,
	.localnet_set = localnet_set,
	.tap_open = open_tap,
	.tap_open_bare = open_bare_tap,
	.tap_persist = persist_tap,
	.tap_holder = find_tap_holder,
	.netns_check = netns_check,
	.veth_add = veth_add,
	.inside_configure = inside_configure,
	.tap_open_in = open_tap_in,
	.inside_join = inside_join,
	.inside_remove = inside_remove,
	.macvlan_add = add_macvlan,
	.macvtap_open = open_macvtap,
	.macvtap_adopt = adopt_macvtap,
	.macvtap_forget = forget_macvtap,
	.host_route = change_host_route,
	.arp_own = arp_own,
	.vhost_open = vhost_open,
	.send = send_frame,
	.arp_watch = direct_watch_arp,
	.arp_unwatch = direct_unwatch_arp,
	.ping = direct_send_ping,
	.sysctl_read = read_sysctl,
	.ipv6_autoconf = ipv6_autoconf,
	.foreign_check = check_foreign,
	.foreign_docker = keep_docker,
	.capture_dropped = direct_capture_dropped,
	.goods_list = list_goods,
	.goods_put = put_goods,
	.goods_del = del_goods,
	.gateway_ask = ask_gateway,
	.settings_copy = copy_settings,
};

/* What is left unread stays ready, so the next turn goes on with it. */
static void watch_ready(struct loop_io *io, uint32_t events)
{
	struct direct *d = CONTAINER_OF(io, struct direct, watch_io);

	(void)events;
	if (rtnl_watch_read(d->watch, EVENTS_A_TURN, d->listener.event, d->listener.arg) < 0)
		return;
}

static void macvtap_ready(struct loop_io *io, uint32_t events)
{
	struct direct *d = CONTAINER_OF(io, struct direct, macvtap_io);

	(void)events;
	if (macvtap_read(d->macvtap, UNUSED_A_TURN, d->listener.unused, d->listener.arg) < 0)
		return;
}

static void nft_watch_ready(struct loop_io *io, uint32_t events)
{
	struct direct *d = CONTAINER_OF(io, struct direct, nft_watch_io);

	(void)events;
	if (nft_watch_read(d->nft_watch, RULES_A_TURN, d->listener.ruleset, d->listener.arg) < 0)
		return;
}

int host_open_direct(struct loop *loop, uint16_t trap_group, const struct host_listener *listener,
		     struct host **ret, struct err *err)
{
	struct direct *d = calloc(1, sizeof(*d));
	int rc;

	if (!d)
		return err_set(err, ENOMEM, "out of memory");
	d->host.ops = &ops;
	d->listener = *listener;
	d->loop = loop;
	d->trap_group = trap_group;
	rc = rtnl_open(&d->rtnl, err);
	if (!rc)
		rc = rtnl_watch_open(&d->watch, err);
	if (!rc)
		rc = nft_open(&d->nft, err);
	if (!rc)
		rc = nft_watch_open(d->nft, &d->nft_watch, err);
	if (!rc)
		rc = foreign_open(&d->foreign, err);
	if (!rc)
		rc = trap_open(trap_group, &d->trap, err);
	if (!rc)
		rc = macvtap_new(&d->macvtap, err);
	if (!rc)
		rc = loop_io_add(loop, &d->watch_io, rtnl_watch_fd(d->watch), EPOLLIN, watch_ready);
	if (!rc)
		rc = loop_io_add(loop, &d->nft_watch_io, nft_watch_fd(d->nft_watch), EPOLLIN,
				 nft_watch_ready);
	if (!rc)
		rc = loop_io_add(loop, &d->trap_io, trap_fd(d->trap), EPOLLIN, direct_trap_ready);
	if (!rc)
		rc = loop_io_add(loop, &d->macvtap_io, macvtap_fd(d->macvtap), EPOLLIN,
				 macvtap_ready);
	if (rc) {
		free_direct(&d->host);
		return rc;
	}
	*ret = &d->host;
	return 0;
}

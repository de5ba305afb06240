/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fake_ops.h"

#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/container.h"

struct fake_host *fake_host;

void fake_must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "the fake host: %s\n", what);
	abort();
}

struct fake_host *fake_of(struct host *h)
{
	return CONTAINER_OF(h, struct fake_host, host);
}

/* To be called by every operation that changes something or asks for something. */
int fake_maybe_fail(struct host *h, struct err *err)
{
	struct fake_host *f = fake_of(h);

	if (f->fail_at &&
	    (++f->operations == f->fail_at || (f->fail_from && f->operations > f->fail_at)))
		return err_set(err, EIO, "operation %u was made to fail", f->fail_at);
	return 0;
}

struct rtnl_link *fake_find(struct host *h, uint32_t index)
{
	struct fake_host *f = fake_of(h);

	for (unsigned i = 0; i < FAKE_LINKS; i++)
		if (index && f->link[i].index == index)
			return &f->link[i];
	return NULL;
}

struct rtnl_link *fake_find_name(struct host *h, const char *name)
{
	struct fake_host *f = fake_of(h);

	for (unsigned i = 0; i < FAKE_LINKS; i++)
		if (f->link[i].index && !strcmp(f->link[i].name, name))
			return &f->link[i];
	return NULL;
}

struct rtnl_link *fake_add(struct host *h, const char *name, const char *kind)
{
	struct fake_host *f = fake_of(h);

	for (unsigned i = 0; i < FAKE_LINKS; i++) {
		if (f->link[i].index)
			continue;
		f->link[i] = (struct rtnl_link){ .index = f->next_index++, .mtu = 1500 };
		f->redirect[f->link[i].index % FAKE_LINKS] = 0;
		snprintf(f->link[i].name, sizeof(f->link[i].name), "%s", name);
		snprintf(f->link[i].kind, sizeof(f->link[i].kind), "%s", kind);
		return &f->link[i];
	}
	fake_must(false, "no room for a link");
	return NULL;
}

/* --- operations --- */

static int link_list(struct host *h, rtnl_link_fn fn, void *arg, struct err *err)
{
	int rc = fake_maybe_fail(h, err);

	for (unsigned i = 0; i < FAKE_LINKS && !rc; i++)
		if (fake_of(h)->link[i].index)
			rc = fn(arg, &fake_of(h)->link[i]);
	return rc;
}

static int addr_list(struct host *h, rtnl_addr_fn fn, void *arg, struct err *err)
{
	int rc = fake_maybe_fail(h, err);

	for (unsigned i = 0; i < fake_of(h)->addrs && !rc; i++)
		rc = fn(arg, &fake_of(h)->addr[i]);
	return rc;
}

static int route_list(struct host *h, rtnl_route_fn fn, void *arg, struct err *err)
{
	const struct rtnl_link *uplink = fake_find_name(h, "eth0");
	struct rtnl_route route = { .gateway = 0xc0000201,
				    .table = RT_TABLE_MAIN,
				    .type = RTN_UNICAST };
	int rc = fake_maybe_fail(h, err);

	if (rc || !uplink)
		return rc;
	route.index = uplink->index;
	rc = fn(arg, &route);
	for (unsigned i = 0; i < fake_of(h)->routes && !rc; i++)
		rc = fn(arg, &fake_of(h)->route[i]);
	return rc;
}

static int neigh_list(struct host *h, uint32_t index, rtnl_neigh_fn fn, void *arg, struct err *err)
{
	struct fake_host *f = fake_of(h);
	struct rtnl_neigh n = { .index = f->neigh_index,
				.addr = f->neigh_addr,
				.mac = f->neigh_mac };
	int rc = fake_maybe_fail(h, err);

	if (index)
		f->neigh_asked++;
	else
		f->neigh_listed++;
	if (rc || !f->neigh_index || (index && index != f->neigh_index))
		return rc;
	return fn(arg, &n);
}

static int neigh_find(struct host *h, uint32_t index, uint32_t addr, struct mac *ret,
		      struct err *err)
{
	const struct fake_host *f = fake_of(h);
	int rc = fake_maybe_fail(h, err);

	if (rc)
		return rc;
	if (!index || f->neigh_index != index || f->neigh_addr != addr)
		return -ENOENT;
	*ret = f->neigh_mac;
	return 0;
}

static int fdb_find(struct host *h, uint32_t bridge, const struct mac *mac, uint32_t *ret_port,
		    struct err *err)
{
	int rc = fake_maybe_fail(h, err);

	(void)bridge;
	if (rc)
		return rc;
	if (!fake_of(h)->fdb_port || !mac_equal(mac, &fake_of(h)->fdb_mac))
		return -ENOENT;
	*ret_port = fake_of(h)->fdb_port;
	return 0;
}

static int bridge_add(struct host *h, const char *name, const struct mac *mac, uint32_t mtu,
		      struct err *err)
{
	struct rtnl_link *link;
	int rc = fake_maybe_fail(h, err);

	if (rc)
		return rc;
	if (fake_find_name(h, name))
		return err_set(err, EEXIST, "cannot create bridge %s: File exists", name);
	link = fake_add(h, name, "bridge");
	link->mac = *mac;
	link->mtu = mtu;
	return 0;
}

static int link_set(struct host *h, const struct rtnl_change *c, struct err *err)
{
	struct rtnl_link *link = fake_find(h, c->index);
	int rc = fake_maybe_fail(h, err);

	if (rc)
		return rc;
	if (!link)
		return err_set(err, ENODEV, "No such device");
	if (c->master || c->leave)
		link->master = c->master;
	if (c->mtu)
		link->mtu = c->mtu;
	if (c->mac)
		link->mac = *c->mac;
	if (c->alias)
		snprintf(link->alias, sizeof(link->alias), "%s", c->alias);
	link->up = (link->up || c->up) && !c->down;
	link->unfinished = (link->unfinished || c->unfinished) && !c->finished;
	if (c->hairpin || c->unhairpin)
		fake_of(h)->hairpin[link->index % FAKE_LINKS] = c->hairpin;
	link->isolated = (link->isolated || c->isolate) && !c->unisolate && link->master;
	return 0;
}

static int link_del(struct host *h, uint32_t index, struct err *err)
{
	struct rtnl_link *link = fake_find(h, index);
	int rc = fake_maybe_fail(h, err);

	if (rc)
		return rc;
	if (!link)
		return err_set(err, ENODEV, "No such device");
	fake_goods_gone(fake_of(h), index);
	*link = (struct rtnl_link){ 0 };
	/* Its addresses go with it. */
	for (unsigned i = 0; i < fake_of(h)->addrs;)
		if (fake_of(h)->addr[i].index == index)
			fake_of(h)->addr[i] = fake_of(h)->addr[--fake_of(h)->addrs];
		else
			i++;
	return 0;
}

static int addr_add(struct host *h, uint32_t index, struct ip4_prefix p, struct err *err)
{
	struct fake_host *f = fake_of(h);
	int rc = fake_maybe_fail(h, err);

	if (rc)
		return rc;
	fake_must(f->addrs < FAKE_ADDRS, "no room for an address");
	f->addr[f->addrs++] = (struct rtnl_addr){ .index = index, .prefix = p };
	return 0;
}

static int addr_del(struct host *h, uint32_t index, struct ip4_prefix p, struct err *err)
{
	struct fake_host *f = fake_of(h);
	int rc = fake_maybe_fail(h, err);

	for (unsigned i = 0; i < f->addrs && !rc; i++)
		if (f->addr[i].index == index && f->addr[i].prefix.addr == p.addr)
			f->addr[i] = f->addr[--f->addrs];
	return rc;
}

unsigned fake_forwarding_slot(struct host *h, const char *name)
{
	const struct rtnl_link *link = fake_find_name(h, name);

	return link ? link->index % FAKE_LINKS : 0;
}

static int forwarding_get(struct host *h, const char *link, bool *ret, struct err *err)
{
	int rc = fake_maybe_fail(h, err);

	if (!rc)
		*ret = fake_of(h)->forwarding[fake_forwarding_slot(h, link)];
	return rc;
}

static int forwarding_set(struct host *h, const char *link, bool on, struct err *err)
{
	int rc = fake_maybe_fail(h, err);

	if (!rc)
		fake_of(h)->forwarding[fake_forwarding_slot(h, link)] = on;
	return rc;
}

static int ipv6_off(struct host *h, const char *link, struct err *err)
{
	(void)link;
	return fake_maybe_fail(h, err);
}

/* Of the rules' set of DHCP ports; nothing happens when it is there. */
static int open_tap(struct host *h, const char *name, unsigned queues, int *ret_fds,
		    uint32_t *ret_ifindex, struct err *err)
{
	int rc = fake_maybe_fail(h, err);

	if (rc)
		return rc;
	if (fake_find_name(h, name))
		return err_set(err, EEXIST, "cannot create TAP %s", name);
	for (unsigned i = 0; i < queues; i++)
		ret_fds[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
	*ret_ifindex = fake_add(h, name, "tun")->index;
	return 0;
}

static int open_bare_tap(struct host *h, const char *name, int *ret_fd, uint32_t *ret_ifindex,
			 struct err *err)
{
	fake_of(h)->bare = true;
	return open_tap(h, name, 1, ret_fd, ret_ifindex, err);
}

static int vhost_open(struct host *h, unsigned queues, int *ret_fds, struct err *err)
{
	int rc = fake_maybe_fail(h, err);

	if (rc)
		return rc;
	if (!fake_of(h)->vhost)
		return err_set(err, ENOENT,
			       "cannot open /dev/vhost-net: No such file or directory");
	for (unsigned i = 0; i < queues; i++)
		ret_fds[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
	return 0;
}

static bool record_probe(struct fake_host *f, uint32_t ifindex, const void *frame, size_t len)
{
	struct dhcp_arp a;

	if (!dhcp_arp_parse(frame, len, &a))
		return false;
	f->probe[f->probes % FAKE_PROBES].ifindex = ifindex;
	f->probe[f->probes++ % FAKE_PROBES].addr = a.target;
	return true;
}

static int send_frame(struct host *h, uint32_t ifindex, const void *frame, size_t len)
{
	struct fake_host *f = fake_of(h);

	if (record_probe(f, ifindex, frame, len))
		return 0;
	fake_must(f->frames < FAKE_FRAMES, "no room for a frame");
	f->sent[f->frames].ifindex = ifindex;
	f->sent[f->frames].len = len;
	memcpy(f->sent[f->frames++].data, frame, len);
	return 0;
}

static int arp_watch(struct host *h, uint32_t ifindex, struct err *err)
{
	struct fake_host *f = fake_of(h);
	int rc = fake_maybe_fail(h, err);

	if (rc)
		return rc;
	fake_must(f->arp_watches < FAKE_LINKS, "no room for a watch");
	f->arp_watched[f->arp_watches++] = ifindex;
	return 0;
}

static void arp_unwatch(struct host *h, uint32_t ifindex)
{
	struct fake_host *f = fake_of(h);

	for (unsigned i = 0; i < f->arp_watches; i++)
		if (f->arp_watched[i] == ifindex)
			f->arp_watched[i] = f->arp_watched[--f->arp_watches];
}

static int ping(struct host *h, uint32_t addr, struct err *err)
{
	struct fake_host *f = fake_of(h);
	int rc = fake_maybe_fail(h, err);

	if (rc)
		return rc;
	f->ping[f->pings++ % FAKE_PROBES] = addr;
	return 0;
}

static int read_sysctl(struct host *h, const char *path, int *ret, struct err *err)
{
	const struct fake_host *f = fake_of(h);

	for (unsigned i = 0; i < f->sysctls; i++) {
		if (strcmp(f->sysctl[i].path, path) != 0)
			continue;
		*ret = f->sysctl[i].value;
		return 0;
	}
	return err_sys(err, ENOENT, "%s", path);
}

static int ipv6_autoconf(struct host *h, const char *link, bool *ret, struct err *err)
{
	(void)link;
	(void)err;
	*ret = fake_of(h)->ipv6_autoconf;
	return 0;
}

static int foreign_checked(struct host *h, const struct foreign_ask *ask,
			   struct foreign_report *ret, struct err *err)
{
	struct fake_host *f = fake_of(h);
	int rc = fake_maybe_fail(h, err);

	if (rc)
		return rc;
	f->checks++;
	for (size_t i = 0; i < ask->networks && i < ARRAY_SIZE(f->asked); i++)
		f->asked[i] = ask->network[i];
	*ret = f->report;
	return 0;
}

static int docker_rules(struct host *h, const char (*bridge)[LINK_NAME_SIZE], size_t bridges,
			bool *ret_changed, struct err *err)
{
	struct fake_host *f = fake_of(h);
	int rc = fake_maybe_fail(h, err);

	(void)bridge;
	if (rc)
		return rc;
	*ret_changed = f->docker != bridges;
	f->docker = (unsigned)bridges;
	return 0;
}

static int capture_dropped(struct host *h, uint32_t ifindex, bool on, struct err *err)
{
	int rc = on ? fake_maybe_fail(h, err) : 0;

	if (!rc)
		fake_of(h)->captured[ifindex % FAKE_LINKS] = on;
	return rc;
}

static void free_fake(struct host *h)
{
	/* The host outlives the daemon. */
	fake_of(h)->arp_watches = 0;
}

static const struct host_ops ops = {
	.free = free_fake,
	.link_list = link_list,
	.addr_list = addr_list,
	.route_list = route_list,
	.neigh_list = neigh_list,
	.neigh_find = neigh_find,
	.fdb_find = fdb_find,
	.bridge_add = bridge_add,
	.link_set = link_set,
	.rate_set = fake_rate_set,
	.ifb_add = fake_ifb_add,
	.redirect_set = fake_redirect_set,
	.vlan_filter = fake_vlan_filter,
	.vlans_set = fake_vlans_set,
	.link_del = link_del,
	.addr_add = addr_add,
	.addr_del = addr_del,
	.forwarding_get = forwarding_get,
	.forwarding_set = forwarding_set,
	.ipv6_off = ipv6_off,
	.rules_replace = fake_rules_replace,
	.rules_port_add = fake_rules_port_add,
	.rules_port_del = fake_rules_port_del,
	.rules_port_move = fake_rules_port_move,
	.rules_owner_del = fake_rules_owner_del,
	.rules_client_add = fake_rules_client_add,
	.rules_client_del = fake_rules_client_del,
	.drops_list = fake_drops_list,
	.drops_forget = fake_drops_forget,
	.publish_change = fake_publish_change,
	.reflect_change = fake_reflect_change,
	.port_listener = fake_port_listener,
	.localnet_get = fake_localnet_get,
	.localnet_set = fake_localnet_set,
	.tap_open = open_tap,
	.tap_open_bare = open_bare_tap,
	.tap_persist = fake_tap_persist,
	.tap_holder = fake_tap_holder,
	.netns_check = fake_netns_check,
	.veth_add = fake_veth_add,
	.inside_configure = fake_inside_configure,
	.tap_open_in = fake_tap_open_in,
	.inside_join = fake_inside_join,
	.inside_remove = fake_inside_remove,
	.macvlan_add = fake_macvlan_add,
	.macvtap_open = fake_macvtap_open,
	.macvtap_adopt = fake_macvtap_adopt,
	.macvtap_forget = fake_macvtap_forget,
	.host_route = fake_host_route,
	.arp_own = fake_arp_own,
	.vhost_open = vhost_open,
	.send = send_frame,
	.arp_watch = arp_watch,
	.arp_unwatch = arp_unwatch,
	.ping = ping,
	.sysctl_read = read_sysctl,
	.ipv6_autoconf = ipv6_autoconf,
	.foreign_check = foreign_checked,
	.foreign_docker = docker_rules,
	.capture_dropped = capture_dropped,
	.goods_list = fake_goods_list,
	.goods_put = fake_goods_put,
	.goods_del = fake_goods_del,
	.gateway_ask = fake_gateway_ask,
	.settings_copy = fake_settings_copy,
};

int fake_open_host(struct loop *loop, uint16_t group, const struct host_listener *listener,
		   struct host **ret, struct err *err)
{
	(void)loop;
	(void)group;
	(void)err;
	if (!fake_host) {
		fake_host = calloc(1, sizeof(*fake_host));
		fake_host->next_index = 2;
		fake_host->host.ops = &ops;
		fake_add(&fake_host->host, "eth0", "")->up = true;
		fake_find_name(&fake_host->host, "eth0")->mac =
			(struct mac){ { 0x00, 0x16, 0x3e, 0, 0, 0x10 } };
	}
	fake_host->listener = *listener;
	*ret = &fake_host->host;
	return 0;
}

/* --- for tests --- */

void fake_fail(unsigned n)
{
	fake_host->fail_at = n;
	fake_host->operations = 0;
}

void fake_link_gone(uint32_t index)
{
	struct rtnl_link *link = fake_find(&fake_host->host, index);
	struct rtnl_event e = { .kind = RTNL_LINK_GONE };

	fake_must(link != NULL, "no such link");
	e.link = *link;
	fake_goods_gone(fake_host, index);
	*link = (struct rtnl_link){ 0 };
	fake_host->listener.event(fake_host->listener.arg, &e);
}

struct rtnl_link *fake_link_add(const char *name)
{
	return fake_add(&fake_host->host, name, "veth");
}

struct rtnl_link *fake_link_find(const char *name)
{
	return fake_find_name(&fake_host->host, name);
}

void fake_link_told(const struct rtnl_link *link)
{
	struct rtnl_event e = { .kind = RTNL_LINK, .link = *link };

	fake_host->listener.event(fake_host->listener.arg, &e);
}

void fake_told(const struct rtnl_event *e)
{
	fake_host->listener.event(fake_host->listener.arg, e);
}

void fake_ruleset(const struct nft_change *c)
{
	fake_host->listener.ruleset(fake_host->listener.arg, c);
}

void fake_sysctl(const char *path, int value)
{
	struct fake_host *f = fake_host;
	unsigned i = 0;

	while (i < f->sysctls && strcmp(f->sysctl[i].path, path) != 0)
		i++;
	fake_must(i < FAKE_SYSCTLS, "no room for a sysctl");
	f->sysctls += i == f->sysctls;
	snprintf(f->sysctl[i].path, sizeof(f->sysctl[i].path), "%s", path);
	f->sysctl[i].value = value;
}

void fake_packet(uint32_t index, const struct dhcp_frame *f)
{
	uint8_t frame[DHCP_FRAME_MAX];
	struct wr w = wr_init(frame, sizeof(frame));
	struct trap_packet packet = { .ifindex = index, .src = f->src, .dst = f->dst };

	dhcp_frame_write(&w, f);
	fake_must(!w.bad, "a message that is too large");
	packet.ip = frame + 14;
	packet.len = w.len - 14;
	fake_host->listener.packet(fake_host->listener.arg, &packet);
}

void fake_arp(uint32_t index, const struct dhcp_arp *a)
{
	uint8_t frame[DHCP_ARP_SIZE];
	struct wr w = wr_init(frame, sizeof(frame));
	bool heard = false;

	wr_bytes(&w, a->target_mac.octet, sizeof(a->target_mac.octet));
	wr_bytes(&w, a->src.octet, sizeof(a->src.octet));
	wr_be16(&w, 0x0806);
	wr_be32(&w, 0x00010800);
	wr_be16(&w, 0x0604);
	wr_be16(&w, (uint16_t)a->op);
	wr_bytes(&w, a->sender_mac.octet, sizeof(a->sender_mac.octet));
	wr_be32(&w, a->sender);
	wr_bytes(&w, a->target_mac.octet, sizeof(a->target_mac.octet));
	wr_be32(&w, a->target);
	for (unsigned i = 0; i < fake_host->arp_watches; i++)
		heard = heard || fake_host->arp_watched[i] == index;
	if (heard)
		fake_host->listener.arp(fake_host->listener.arg, index, frame, w.len);
}

static unsigned open_descriptors(void)
{
	unsigned n = 0;

	for (int fd = 3; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

const char *fake_dump(char *buf, size_t size)
{
	unsigned links = 0;

	for (unsigned i = 0; i < FAKE_LINKS; i++)
		links += fake_host->link[i].index != 0;
	snprintf(buf, size,
		 "%u links, %u addresses, %u elements, %u networks in rules, %u published, "
		 "%u descriptors, %u joined",
		 links, fake_host->addrs, fake_host->elements, fake_host->networks,
		 fake_host->publishes, open_descriptors(), fake_host->joined);
	return buf;
}

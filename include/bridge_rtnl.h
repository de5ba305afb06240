/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bridge's side of rtnetlink: links, addresses, routes, neighbours, qdiscs, and what the kernel
 * tells of them. Part of bridge.h, whose head says what holds for all functions.
 */
#ifndef NETD_BRIDGE_RTNL_H
#define NETD_BRIDGE_RTNL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/ip4.h"
#include "mac.h"

#define LINK_NAME_SIZE 16     /* IFNAMSIZ */
#define LINK_ALIAS_SIZE 256   /* IFALIASZ */
#define LINK_ALTNAME_SIZE 128 /* ALTIFNAMSIZ */

struct rtnl;

struct rtnl_link {
	uint32_t index;
	uint32_t master; /* 0: none */
	uint32_t mtu;
	bool up, carrier;
	bool isolated;	 /* as a port of its bridge */
	bool unfinished; /* netd made it and has not said so yet: LINK_GROUP_UNFINISHED */
	bool persistent; /* a TAP that stays when nobody has it open */
	uint32_t user;	 /* then: who may open it */
	bool filters;	 /* a bridge that filters VLANs */
	bool shaped;	 /* what leaves by it is limited by a token bucket */
	struct mac mac;	 /* zero when it has none of six octets */
	char name[LINK_NAME_SIZE];
	char alias[LINK_ALIAS_SIZE];
	char kind[16]; /* "bridge", "tun", …; empty: none */
};

struct rtnl_addr {
	uint32_t index;
	struct ip4_prefix prefix; /* the address itself and the length of its subnet */
};

struct rtnl_route {
	struct ip4_prefix dst;
	uint32_t index;	  /* output interface, 0: none; one callback a next hop */
	uint32_t gateway; /* 0: none */
	uint32_t table;
	uint8_t type; /* RTN_UNICAST, … */
};

struct rtnl_neigh {
	uint32_t index;	 /* of the interface, or of the bridge port for an FDB entry */
	uint32_t bridge; /* FDB entry: index of the bridge */
	uint32_t addr;	 /* IPv4 neighbour; 0 for an FDB entry */
	struct mac mac;
	bool local; /* FDB entry: the port's or bridge's own address */
};

/* Opens the socket for requests. -errno. */
MUST_CHECK int rtnl_open(struct rtnl **ret, struct err *err);
void rtnl_free(struct rtnl *r);

/* What a list calls for each object; a negative return ends the list and is returned. */
typedef int (*rtnl_link_fn)(void *arg, const struct rtnl_link *link);
typedef int (*rtnl_addr_fn)(void *arg, const struct rtnl_addr *addr);
typedef int (*rtnl_route_fn)(void *arg, const struct rtnl_route *route);
typedef int (*rtnl_neigh_fn)(void *arg, const struct rtnl_neigh *neigh);

/* The calls can repeat objects when the kernel's tables changed meanwhile: a list then starts over.
 */
MUST_CHECK int rtnl_link_list(struct rtnl *r, rtnl_link_fn fn, void *arg, struct err *err);
MUST_CHECK int rtnl_addr_list(struct rtnl *r, rtnl_addr_fn fn, void *arg, struct err *err);
/* IPv4 unicast, blackhole, unreachable and prohibit routes of the main table, and local ones of
 * none. */
MUST_CHECK int rtnl_route_list(struct rtnl *r, rtnl_route_fn fn, void *arg, struct err *err);
/* IPv4 neighbours that have a link-layer address, on one link or (index 0) on all. */
MUST_CHECK int rtnl_neigh_list(struct rtnl *r, uint32_t index, rtnl_neigh_fn fn, void *arg,
			       struct err *err);

/* The port of a bridge behind which a MAC was seen. -ENOENT (err untouched) when it was not. */
MUST_CHECK int rtnl_fdb_find(struct rtnl *r, uint32_t bridge, const struct mac *mac,
			     uint32_t *ret_port, struct err *err);

/* The MAC of an IPv4 neighbour on a link. -ENOENT (err untouched) when it is none, or not known. */
MUST_CHECK int rtnl_neigh_find(struct rtnl *r, uint32_t index, uint32_t addr, struct mac *ret,
			       struct err *err);

/*
 * A bridge, down, without STP and forward delay, and without a mark: the kernel takes no alias when
 * it makes a link. It does not snoop multicast: with snooping, a guest that plays querier decides
 * which groups its neighbours get (RFC 4541 3), and without a querier nothing is pruned anyhow
 * (net/bridge/br_multicast.c). -EEXIST when the name is taken.
 */
MUST_CHECK int rtnl_bridge_add(struct rtnl *r, const char *name, const struct mac *mac,
			       uint32_t mtu, struct err *err);

/*
 * The group of devices (ip-link(8), "group") that a device which outlives netd is in until its
 * attach has been answered. It can be given as the device is made, when the kernel takes no alias
 * yet: so a device is found that a netd left behind which ended in between. "netd" in ASCII.
 */
#define LINK_GROUP_UNFINISHED 0x6e657464

/* What to change about a link; a member that is zero or NULL stays as it is. */
struct rtnl_change {
	uint32_t index;	  /* which link; or, when 0, */
	const char *name; /* by its name */
	uint32_t master;  /* joins this bridge */
	uint32_t mtu;
	const struct mac *mac;
	const char *alias;
	const char *altname; /* added; one that is taken already is no error */
	bool up, down;
	bool leave; /* the bridge that it is in, if any */
	/* As a port of its bridge: isolated from the others that are, or no more. */
	bool isolate, unisolate;
	/* The same: frames may leave by it that came by it, or no more. */
	bool hairpin, unhairpin;
	bool unfinished, finished; /* in LINK_GROUP_UNFINISHED, or no more */
};

/* Joining and going up are one request; the alternative name, and what concerns the port of a
 * bridge, travel in the same datagram. */
MUST_CHECK int rtnl_link_set(struct rtnl *r, const struct rtnl_change *c, struct err *err);
/* A link by its name. -ENODEV (err untouched) when there is none. */
MUST_CHECK int rtnl_link_find(struct rtnl *r, const char *name, struct rtnl_link *ret,
			      struct err *err);
/* -ENODEV when it is gone already. */
MUST_CHECK int rtnl_link_del(struct rtnl *r, uint32_t index, struct err *err);
/* 0 also when the address is there already. */
MUST_CHECK int rtnl_addr_add(struct rtnl *r, uint32_t index, struct ip4_prefix p, struct err *err);
MUST_CHECK int rtnl_addr_del(struct rtnl *r, uint32_t index, struct ip4_prefix p, struct err *err);

/* A pair of veth devices: one end here, down, in no bridge, in LINK_GROUP_UNFINISHED and without a
 * mark; the other, down too, in a network namespace. */
struct rtnl_veth {
	const char *name;   /* of the end that is here */
	int netns;	    /* descriptor of the other's namespace */
	const char *inside; /* of the other end */
	const struct mac *mac, *inside_mac;
	uint32_t mtu;
};

/* -EEXIST when the name is taken here, -ENOTUNIQ when the other is there. */
MUST_CHECK int rtnl_veth_add(struct rtnl *r, const struct rtnl_veth *v, uint32_t *ret_index,
			     struct err *err);

/* What the end of a pair gets in its network namespace. */
struct rtnl_inside {
	const char *name;
	struct ip4_prefix address; /* addr 0: none */
	uint32_t gateway;	   /* of a default route; 0: none */
};

/* Whether a descriptor, which anybody may have sent, is that of a network namespace. */
bool rtnl_netns_is(int fd);
/* And of another than our own: 0, or -EINVAL with the reason. */
MUST_CHECK int rtnl_netns_check(int fd, struct err *err);
/* Has fn do what has to be done in a network namespace, in a thread that ends with it: no other one
 * is ever there. The result is fn's. */
typedef int (*rtnl_netns_fn)(void *arg, struct err *err);
MUST_CHECK int rtnl_netns_call(int netns, rtnl_netns_fn fn, void *arg, struct err *err);
/* Gives it its address, has it go up, and makes the default route unless the namespace has one. The
 * caller stays in its own namespace. */
MUST_CHECK int rtnl_inside_configure(int netns, const struct rtnl_inside *inside, struct err *err);

/* A TAP in a network namespace, and the end of a pair that is there, which a bridge joins. */
struct rtnl_inside_tap {
	const char *bridge; /* is made */
	const char *end, *tap;
	const char *alias; /* of bridge and TAP */
	uint32_t mtu;
};

/* Joins them, up and without IPv6 of their own. The caller stays in its own namespace. -EEXIST when
 * the bridge's name is taken there. */
MUST_CHECK int rtnl_inside_join(int netns, const struct rtnl_inside_tap *t, struct err *err);
/*
 * Removes the links of the namespace that the other end of a pair is in which bear this alias, and
 * the bridge of this name. index: of our end. 0 also when there are none. The kernel knows the
 * namespace by the pair (IFLA_LINK_NETNSID, net/core/rtnetlink.c).
 */
MUST_CHECK int rtnl_inside_remove(struct rtnl *r, uint32_t index, const char *alias,
				  const char *bridge, struct err *err);

/* What devices on one uplink do with frames for one another (Linux drivers/net/macvlan.c). */
enum rtnl_macvlan_mode {
	RTNL_MACVLAN_BRIDGE,   /* they reach one another */
	RTNL_MACVLAN_PRIVATE,  /* they do not */
	RTNL_MACVLAN_VEPA,     /* by way of the switch behind the uplink, if that sends them back */
	RTNL_MACVLAN_PASSTHRU, /* there is one only, and the uplink has its MAC meanwhile */
};

/* A macvtap or macvlan device: down, in LINK_GROUP_UNFINISHED and without a mark. */
struct rtnl_macvlan {
	const char *name;
	bool tap;
	enum rtnl_macvlan_mode mode;
	uint32_t lower;	       /* index of the uplink */
	const struct mac *mac; /* of the device; with passthru the uplink's is taken at first */
	uint32_t mtu;	       /* not more than the uplink's */
};

/* -EEXIST when the name is taken. */
MUST_CHECK int rtnl_macvlan_add(struct rtnl *r, const struct rtnl_macvlan *m, uint32_t *ret_index,
				struct err *err);

/* A route to one address, in the main table. */
struct rtnl_host_route {
	uint32_t index; /* of the interface that it leads out by */
	uint32_t to;
	uint32_t from; /* the host's address that packets have */
};

/* 0 also when there is one already, or none any more. */
MUST_CHECK int rtnl_host_route(struct rtnl *r, const struct rtnl_host_route *route, bool add,
			       struct err *err);

enum { RTNL_VLAN_RANGES = 16 };

struct rtnl_vlan_range {
	uint16_t first, last; /* from 1 to 4094 */
};

/* Of which VLANs (IEEE 802.1Q) a bridge's port is a member. */
struct rtnl_vlans {
	uint16_t native; /* whose frames have no tag on the port; 0: such frames are dropped */
	struct rtnl_vlan_range tagged[RTNL_VLAN_RANGES];
	unsigned n;
};

/* Whether a bridge filters VLANs. Kernels that cannot do it take no notice. */
MUST_CHECK int rtnl_vlan_filter(struct rtnl *r, uint32_t bridge, bool on, struct err *err);
/* Of a bridge's port: these VLANs and no others. Those that it has all the time are not
 * interrupted. */
MUST_CHECK int rtnl_vlans_set(struct rtnl *r, uint32_t index, const struct rtnl_vlans *v,
			      struct err *err);

/* How fast packets may leave by a link. */
struct rtnl_rate {
	uint64_t bits;	/* a second, of whole Ethernet frames; 0: no limit */
	uint32_t burst; /* octets that may leave at once; a larger frame is cut (GSO) or dropped */
	uint32_t limit; /* octets that wait; what is more is dropped */
};

/* Of a link, by a qdisc at its root that has our handle; another there is replaced. One that is
 * there is changed in place. No limit: the link gets the default of the kernel. 0 also when it is
 * so already. */
MUST_CHECK int rtnl_rate_set(struct rtnl *r, uint32_t index, const struct rtnl_rate *rate,
			     struct err *err);
/* A link of kind ifb, down and without a mark. -EEXIST when the name is taken. */
MUST_CHECK int rtnl_ifb_add(struct rtnl *r, const char *name, const struct mac *mac,
			    uint32_t *ret_index, struct err *err);
/* What comes in by a link goes out by an ifb, which is `to`, first; 0: no more. 0 also when it is
 * so already. */
MUST_CHECK int rtnl_redirect_set(struct rtnl *r, uint32_t index, uint32_t to, struct err *err);

struct rtnl_forwarding {
	uint32_t index; /* 0: all interfaces */
	bool on;
};

struct rtnl_qdisc {
	uint32_t index; /* of its link */
	bool incoming;	/* it was for what comes in; else it was the one that rtnl_rate_set makes */
};

enum rtnl_event_kind {
	RTNL_LINK, /* new or changed */
	RTNL_LINK_GONE,
	RTNL_PORT, /* a bridge's port was changed: of `link` only index and isolated are valid */
	RTNL_ADDR,
	RTNL_ADDR_GONE,
	RTNL_ROUTE,
	RTNL_ROUTE_GONE,
	RTNL_FDB,	 /* an FDB entry that is new or moved to another port */
	RTNL_FORWARDING, /* an interface's, or all interfaces', IPv4 forwarding, changed or told */
	RTNL_IPV6,	 /* an interface, of which link has the index only, has IPv6 at work */
	RTNL_QDISC_GONE, /* a qdisc was removed, by us or others, that limits a rate */
	RTNL_OVERRUN,	 /* notifications were lost: list everything again */
};

struct rtnl_event {
	enum rtnl_event_kind kind;
	union {
		struct rtnl_link link;
		struct rtnl_addr addr;
		struct rtnl_route route;
		struct rtnl_neigh neigh;
		struct rtnl_forwarding forwarding;
		struct rtnl_qdisc qdisc;
	};
};

typedef void (*rtnl_event_fn)(void *arg, const struct rtnl_event *e);

struct rtnl_watch;

/* Subscribes to links, IPv4 addresses, routes and forwarding, FDBs, and to where IPv6 is. Not
 * blocking. */
MUST_CHECK int rtnl_watch_open(struct rtnl_watch **ret, struct err *err);
void rtnl_watch_free(struct rtnl_watch *w);
int rtnl_watch_fd(const struct rtnl_watch *w);
/* Calls fn for what has come, at most for `most` datagrams. -EAGAIN when there was nothing more. */
MUST_CHECK int rtnl_watch_read(struct rtnl_watch *w, unsigned most, rtnl_event_fn fn, void *arg);

/* --- what is a link's, and can be moved to another (rtnl_move.c) --- */

/*
 * The addresses of a link, and the routes of all tables that lead out by it, of IPv4 and IPv6; not
 * those that the kernel makes by itself: link-local addresses, and the routes that follow from an
 * address. Each is a netlink message with all its attributes, in which the link's index is 0.
 */
struct rtnl_goods {
	uint8_t *data;
	size_t len;
	unsigned addrs, routes;
	bool leased; /* an IPv4 address ends by itself, unless a DHCP client goes on */
	struct rtnl_gateway {
		uint8_t family; /* AF_INET, AF_INET6; 0: there is none */
		uint8_t addr[16];
	} gateway; /* of the default route of the main table; IPv4's if there is one */
};

enum { RTNL_GOODS_MAX = 1 << 20 }; /* octets; who has more is not moved */

/* name, mac: the link's. -EOPNOTSUPP for a route that cannot be moved, since it goes by a nexthop
 * object that others may share. */
MUST_CHECK int rtnl_goods_list(struct rtnl *r, uint32_t index, const char *name,
			       const struct mac *mac, struct rtnl_goods *ret, struct err *err);
void rtnl_goods_free(struct rtnl_goods *g);
/* The one at *at, which is moved on to the next; NULL at the end. Begin with 0. */
const void *rtnl_goods_next(const struct rtnl_goods *g, size_t *at);
bool rtnl_goods_is_route(const void *one);
/* Whether a route has a gateway, so that another has to lead there first. */
bool rtnl_goods_is_behind(const void *one);
/* From data and len, which are the caller's; -EBADMSG when they are damaged. */
MUST_CHECK int rtnl_goods_parse(struct rtnl_goods *g);
/* 0 also when the link has it; then an address gets the lifetimes of this one. */
MUST_CHECK int rtnl_goods_put(struct rtnl *r, uint32_t index, const void *one, struct err *err);
/* 0 also when it does not. */
MUST_CHECK int rtnl_goods_del(struct rtnl *r, uint32_t index, const void *one, struct err *err);

/* Whether a neighbour on the link has answered since it was first asked for, which this does when
 * it is not known; anew: what was known of it is forgotten. */
MUST_CHECK int rtnl_gateway_ask(struct rtnl *r, uint32_t index, const struct rtnl_gateway *gw,
				bool anew, bool *ret_answered, struct err *err);

#endif

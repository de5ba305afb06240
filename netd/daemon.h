/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's objects and who does what with them.
 *
 * A network is configured, has a bridge, a subnet and a pool. A port is what is plugged in for one
 * network card of a guest, and the allocation that it has been promised: that comes first, is
 * durable, and outlives the device.
 *
 *	main.c       arguments, signals; daemon.c puts the parts together
 *	loop.c       what is ready, timers
 *	log.c        lines in the log
 *	systemd.c    readiness, sockets that are handed over
 *	config*.c    the configuration: config.h, and config_keys.h for its keys
 *	resolv.c     resolv.conf(5)
 *	store*.c     the state: store.h
 *	host_direct*.c  the kernel, behind host.h
 *
 *	allocate.c   which MAC and address
 *	attach.c     attach
 *	device.c     what is particular to a kind of device
 *	ports.c      the table of ports, detach, release
 *	owners.c     whose guests are
 *	plug.c       links that are set down, and up again
 *	rates.c      how fast packets may go to a guest, and from it
 *	reap.c       TAPs that nobody has open
 *
 *	networks.c   bridges, subnets
 *	taken.c      prefixes that are in use
 *	networks_made.c  networks that are made and deleted at run time
 *	pools.c      which addresses are taken
 *	joined.c     interfaces that are not netd's in its bridges
 *	lan.c        networks of mode bridge
 *	uplink_move.c  an uplink into its network's bridge, and back
 *	macvtap.c    networks without a bridge
 *	vlans.c      VLANs on the networks' bridges
 *	mtu.c        one MTU for all of a network
 *
 *	uplinks.c    the way out: routes, forwarding
 *	rules.c      what the rules of nf_tables are made from
 *	policy.c     who may reach whom, in those rules
 *	guard.c      what guests may send as, and what was held back
 *	publish.c    ports of the host that lead to guests
 *	publish_request.c  publish and unpublish
 *	reflect.c    guests that reach what is published for themselves
 *
 *	serve.c      DHCP packets and leases
 *	wait.c       DHCP packets that wait for a probe
 *	probe.c      is an address free before its first use
 *	conflict.c   who else uses an address
 *
 *	links.c      what the host has, as last heard
 *	reconcile.c  start, reload, and what the kernel says
 *	reload.c     another configuration
 *	plan.c       what it would change
 *	heal.c       what others did to what is netd's
 *	gc.c         what is left over
 *	coexist.c    the host's own firewall
 *	host_check.c the host's settings that are bad for guests
 *	doctor.c     what is wrong, and what mends it
 *
 *	outbox.c     what may be said when
 *	events.c     what happened, for those who watch
 *	summary.c    packets in words
 *	capture.c    who captures what passes at a port
 *	varlink*.c   the socket's protocol; peers.c: who the clients are
 *	api*.c       its methods; authorize.c: who may call them
 */
#ifndef NETD_DAEMON_H
#define NETD_DAEMON_H

#include "base/table.h"
#include "capture.h"
#include "coexist.h"
#include "config.h"
#include "conflict.h"
#include "events.h"
#include "guard.h"
#include "heal.h"
#include "host.h"
#include "host_check.h"
#include "joined.h"
#include "lan.h"
#include "log.h"
#include "loop.h"
#include "macvtap.h"
#include "outbox.h"
#include "publish.h"
#include "rates.h"
#include "store.h"
#include "wait.h"

enum { UPLINKS_MAX = 16, PORT_NONE = DHCP_PORT_NONE, PORT_NIC_MAX = 63 };

struct network {
	bool used;
	uint32_t slot; /* its place in daemon.network and its number for dhcp/ */
	const struct config_network *config;
	bool up;	    /* the members below are valid, and guests can be attached */
	struct err why_not; /* while it is not up */
	char bridge[LINK_NAME_SIZE];
	uint32_t bridge_index;
	bool bridge_foreign; /* somebody else's link has the bridge's name */
	struct mac bridge_mac;
	struct ip4_prefix
		subnet; /* the gateway's address and the subnet's length; len 0: not chosen yet */
	uint32_t mtu;
	struct dhcp_pool *pool;
	struct dhcp_relay_subnet relay[DHCP_RELAY_SUBNETS_MAX];
	unsigned relays;
	struct dhcp_hosts *hosts; /* made and freed with the pools */
	struct dhcp_option_set *options;
	unsigned grown_told; /* ranges of `grow` that are known to be in use */
	unsigned pool_level; /* 0, or which of the levels it was last told to have passed: 80, 95 */
	uint32_t attached;   /* ports with a device */
	struct conflict_watch watch;
	struct log_limit server_log;  /* of other DHCP servers */
	struct log_limit full_log;    /* of clients for whom there was no address */
	struct log_limit refused_log; /* of those that were refused one */
	bool leaving;		      /* a reload is about to remove it */
	bool trial;		      /* it stands here only while a reload is checked */
	bool forwards;		      /* its bridge was last set to do so, or not to */
	bool isolates;		      /* its ports were last set to be isolated, or not to */
	unsigned hurt;		      /* enum heal_what */
	bool localnet;		      /* route_localnet of the bridge is on */
	/* Mode macvtap, which has no bridge: index and MTU of the uplink; index of the host's own
	 * macvlan on it, and its address; 0: none. */
	uint32_t lower, lower_mtu, host_link, host_address;
	struct lan lan; /* of mode bridge */
};

/*
 * PORT_RESERVED: an allocation, no device; ifindex is 0 and ifname is empty. PORT_CREATED: the
 * device is there, and the reply that hands it over has not been delivered. PORT_ATTACHED: it was.
 */
enum port_state { PORT_RESERVED, PORT_CREATED, PORT_ATTACHED };

/* What an attach makes, and who holds it. */
enum port_device {
	PORT_DESCRIPTORS, /* a TAP, or macvtap, that lives as long as the descriptors that were
			     handed over */
	PORT_TAP,	  /* a TAP that stays, and is opened by name by its user */
	PORT_VETH,	  /* one end in a network namespace, the other in the bridge */
};

/* How a guest's last DHCP packet was answered. */
struct last_exchange {
	int64_t at; /* 0: none came */
	uint8_t request, reply;
	enum dhcp_drop drop;
};

struct port {
	uint32_t slot;
	uint32_t network; /* slot of its network */
	char guest[NAME_SIZE];
	uint32_t nic;
	enum port_state state;
	struct mac mac;
	bool mac_given;
	uint32_t generation;
	uint32_t address; /* 0: none could be found yet, or its network gives none */
	bool address_given;
	uint32_t owner; /* uid; the same for all ports of a guest */
	uint32_t queues;
	bool vhost;
	enum port_device device;
	uint32_t user;		     /* PORT_TAP: uid that may open it */
	char inside[LINK_NAME_SIZE]; /* PORT_VETH: the guest's end; PORT_TAP: its name that was
					asked for, or in a namespace; else empty */
	int64_t created;
	uint32_t ifindex;
	int64_t idle_since;  /* PORT_TAP: CLOCK_BOOTTIME; 0: somebody has it open */
	bool within;	     /* PORT_TAP: it is in a network namespace, behind a veth pair */
	bool lease_unstored; /* the row of its lease has older times than the memory */
	bool hairpin;	     /* frames may leave by the device that came by it */
	bool settled;	     /* the kernel has told that the device is up and in its bridge, and
				isolated there or not, as wanted */
	char ifname[LINK_NAME_SIZE];
	char hostname[DHCP_NAME_SIZE]; /* option 12 */
	bool address_used;	       /* the guest was heard to have it, by ARP */
	int64_t server_told; /* when it was told that the guest plays DHCP server; 0: never */
	struct last_exchange exchange;
	struct guard_counts held; /* before the rules were made that there are */
	bool spoofed;		  /* the rules count something of it */
	unsigned hurt;		  /* enum heal_what */
	struct port_rates rates;
	bool vlans_made; /* its bridge has it in `vlans` */
	struct rtnl_vlans vlans;
	bool unplugged; /* its link is down, as somebody has asked for */
};

struct uplink {
	uint32_t index;
	uint32_t gateway; /* 0: none, or not known */
	char name[LINK_NAME_SIZE];
	uint32_t mtu;
	bool forwarding_ours; /* switched on by us, for us */
};

/* A link of the host as last heard. */
struct seen_link {
	uint32_t index;
	uint32_t master;
	uint32_t mtu;
	bool up;
	bool ours; /* by its mark */
	bool carrier;
	bool bridge;   /* by its kind */
	bool isolated; /* as a port of its bridge */
	bool filters;  /* a bridge that filters VLANs */
	bool foreign;  /* up, not ours, and there can be neighbours on it */
	struct mac mac;
	char name[LINK_NAME_SIZE];
};

/* The host's routes while somebody holds them. */
struct held_routes {
	struct rtnl_route *at;
	size_t n, cap;
	unsigned holders;
	bool known; /* they were listed */
};

struct varlink_server;

struct daemon {
	struct loop *loop;
	struct config *config;
	const char *config_path;
	bool config_optional;
	struct store *store;
	struct host *host;
	struct dhcp_server *dhcp;
	struct mac_generator generator;
	struct siphash_key address_key, name_key; /* the same on every start */
	struct siphash_key table_key;		  /* of this run */
	struct mac_index *macs;			  /* of ports and of the host's links */
	struct network network[CONFIG_NETWORKS_MAX];
	struct slots ports;
	struct port *port; /* [ports.cap] */
	struct index port_by_name, port_by_link;
	struct joined joined[JOINED_MAX];
	unsigned joins; /* those from here on were never used */
	struct slots links;
	struct seen_link *link; /* [links.cap] */
	struct index link_by_index;
	struct held_routes routes;
	struct rtnl_addr *addr; /* the host's IPv4 addresses */
	size_t addrs, addrs_cap;
	struct uplink uplink[UPLINKS_MAX];
	unsigned uplinks;
	bool forwards_for_all; /* net.ipv4.conf.all.forwarding */
	char *rules;	       /* what the rules in the kernel were made from; NULL: unknown */
	size_t rules_len;
	bool links_overflow;
	struct publishes publishes;
	bool bridge_calls; /* br_netfilter has bridges call IPv4's rules */
	bool rates_wait;   /* some could not be set as they are to be */
	bool reflecting;   /* the rules know of ports with hairpin_mode */
	struct outbox outbox;
	struct events events;
	struct varlink_server *varlink;
	struct loop_timer expiry, reconcile, storage, sweep, probe, reap;
	struct dhcp_probes *probes;
	struct guard guard;
	struct waits waits;
	struct captures captures;
	bool probe_news; /* since those who wait were told last */
	bool reconcile_soon;
	struct log_limit drop_log, storage_log, conflict_log, send_log, flood_log, guard_log,
		publish_log;
	struct heal heal;
	struct host_look look;
	struct coexist coexist;
	bool storage_failed;
	bool catching_up;  /* the turn at hand has all that was granted meanwhile */
	int64_t started;   /* wall clock */
	int64_t boot_wall; /* that of CLOCK_BOOTTIME 0, as the state has it; 0: not known */
};

enum { MAC_OF_PORT, MAC_OF_LINK }; /* kinds of holders in daemon.macs */

/* --- refusals: what the API says when it does not do what it was asked --- */

enum refusal_kind {
	REFUSED_PARAMETER,	 /* subject: parameter, holder: why */
	REFUSED_NO_NETWORK,	 /* subject: network */
	REFUSED_NETWORK_DOWN,	 /* subject: network, detail: why */
	REFUSED_NO_GUEST,	 /* subject: guest[/nic] */
	REFUSED_ATTACHED,	 /* subject: guest/nic, holder: interface and network */
	REFUSED_MAC_IN_USE,	 /* subject: MAC, holder */
	REFUSED_ADDRESS_IN_USE,	 /* subject: address, holder */
	REFUSED_ADDRESS_OUTSIDE, /* subject: address, holder: the subnet */
	REFUSED_POOL_EXHAUSTED,	 /* subject: network */
	REFUSED_TOO_MANY_PORTS,
	REFUSED_NO_VHOST,      /* detail: why */
	REFUSED_STORAGE,       /* detail: why */
	REFUSED_SYSTEM,	       /* detail: why */
	REFUSED_CONFIGURATION, /* detail: why */
	REFUSED_IN_USE,	       /* subject: network, holder: guest/nic */
	REFUSED_PORT_IN_USE,   /* subject: port, holder */
	REFUSED_EXISTS,	       /* subject: network, holder: where it stands */
	REFUSED_INTERFACE,     /* subject: name, holder */
	REFUSED_WAIT,	       /* nothing was done; to be tried again when a probe has ended */
};

struct refusal {
	enum refusal_kind kind;
	char subject[160], holder[224];
	struct err detail;
};

/* Fills r and returns -1. */
static inline int refuse(struct refusal *r, enum refusal_kind kind, const char *subject,
			 const char *holder)
{
	r->kind = kind;
	snprintf(r->subject, sizeof(r->subject), "%s", subject ? subject : "");
	snprintf(r->holder, sizeof(r->holder), "%s", holder ? holder : "");
	r->detail.text[0] = 0;
	return -1;
}

/* The same, with err as why. */
static inline int refuse_err(struct refusal *r, enum refusal_kind kind, const struct err *err)
{
	refuse(r, kind, NULL, NULL);
	r->detail = *err;
	return -1;
}

/* --- allocate.c --- */

/* What was asked for beyond the identity; zero members: nothing. */
struct wish {
	struct mac mac;
	uint32_t address;
	struct probe_wait *wait; /* of one who can try again after REFUSED_WAIT; NULL: cannot */
};

/*
 * Finds MAC and address for a port whose network, guest and nic are set, checked against everything
 * known, and sets them. A port that has some keeps them unless a wish or a reservation says
 * otherwise. Nothing is stored.
 */
MUST_CHECK int allocate(struct daemon *d, struct port *p, const struct wish *wish,
			struct refusal *r);
/* Another address than the present one, which was declined. */
MUST_CHECK int allocate_other_address(struct daemon *d, struct port *p, uint32_t *ret,
				      struct refusal *r);
/* The keys and the generator from configuration, machine id or state. */
MUST_CHECK int allocate_keys(struct daemon *d, struct err *err);
struct mac allocate_bridge_mac(const struct daemon *d, const char *network);

/* --- attach.c --- */

enum vhost_wish { VHOST_AUTO, VHOST_ON, VHOST_OFF };

struct attach_request {
	const char *network; /* NULL: `default`, or the only one */
	const char *guest;
	uint32_t nic;
	uint32_t queues;
	enum vhost_wish vhost;
	struct wish wish;
	uint32_t owner; /* uid */
	enum port_device device;
	const char *interface; /* PORT_TAP: its name, PORT_VETH: of the guest's end; NULL: chosen */
	uint32_t user;	       /* PORT_TAP: uid that may open it */
	int netns;	       /* descriptor of the namespace that the device goes to; -1: none */
	bool bare;	       /* PORT_DESCRIPTORS: a TAP without IFF_VNET_HDR, of one queue */
};

/* What an attach made: descriptors to hand over, and what to undo should that fail. */
struct attachment {
	struct daemon *daemon;
	struct handle port;
	bool new_allocation;
	struct port before; /* of an allocation that was there */
	unsigned queues, vhosts;
	int tap_fd[TAP_QUEUES_MAX], vhost_fd[TAP_QUEUES_MAX];
	bool finished;	       /* port_due was called */
	struct err vhost_note; /* why there is no vhost; empty text: there is, or it was not asked
				  for */
	char note[256];	       /* what else is to be said; empty: nothing */
};

/* Everything but the delivery. The result is the caller's, who ends it by one of the two calls
 * below. */
MUST_CHECK int port_attach(struct daemon *d, const struct attach_request *q,
			   struct attachment **ret, struct ticket *ticket, struct refusal *r);
/* It is durable, and about to be delivered: from now on a netd that ends leaves the device. */
void port_due(struct attachment *a);
void port_delivered(struct attachment *a);
/* The reply could not be delivered, or was never durable (stored is false): nothing is left of it.
 */
void port_undelivered(struct attachment *a, bool stored);

/* An allocation without a device for the first card of a guest that has none, root's. It is in the
 * tables, and not stored. */
MUST_CHECK int port_reserve(struct daemon *d, const struct network *n, const char *guest,
			    const struct wish *wish, struct port **ret, struct refusal *r);

/* --- device.c --- */

/* Whether a request fits the kind of device that it asks for, and the network. */
MUST_CHECK int device_check(struct daemon *d, const struct network *n,
			    const struct attach_request *q, struct refusal *r);
/* Fills r with a parameter and why it is not acceptable, and returns -1. */
int device_refuse(struct refusal *r, const char *parameter, const struct err *err);
/* Sets what the port will have of it. */
void device_describe(const struct attach_request *q, struct port *p);
/* -EEXIST when the name is taken here, -ENOTUNIQ when that of the other end is there. */
MUST_CHECK int device_make_veth(struct daemon *d, const struct port *p,
				const struct attach_request *q, const char *ifname,
				uint32_t *ret_ifindex, struct err *err);
/* The last of an attach: it is in the bridge, and its rules stand. */
MUST_CHECK int device_finish(struct daemon *d, const struct port *p, const struct attach_request *q,
			     int tap_fd, struct err *err);
/* Removes the device of a port, with what belongs to it elsewhere. */
MUST_CHECK int device_remove(struct daemon *d, const struct port *p, struct err *err);
/* The same of a link of ours that is of no port. */
MUST_CHECK int device_remove_link(struct daemon *d, const struct rtnl_link *link, struct err *err);
/* What its TAP is called. */
const char *device_tap_name(const struct port *p);
/* Takes back the rules and the device; one that lives by its descriptors goes with them. */
void device_undo(struct daemon *d, struct port *p);
/* Who asked for it is about to be told of it. */
void device_done(struct daemon *d, const struct port *p);
/* What kind a link of ours is. */
enum port_device device_of_link(const struct rtnl_link *link);
/* Whether an unfinished link is what an attach leaves that ended in between. */
bool device_is_left_over(const struct rtnl_link *link);
/* A link that is unfinished, which a netd left behind that ended while it made it, and so before
 * anybody was told of it: it is removed, and the result is false. One of macvtap, which somebody
 * has open, stays when its port is known by its row. */
bool device_finish_left(struct daemon *d, const struct rtnl_link *link);

/* The name that was asked for is taken: says by whom. */
int device_refuse_name(struct daemon *d, const struct attach_request *q, struct refusal *r);
/* Adds to a text who has a port's TAP open, if it is opened by its name and somebody has. */
void device_add_holder(struct daemon *d, const struct port *p, char *text, size_t size);

/* --- reap.c --- */

/* A TAP that is opened by name is open, or it is not. */
void reap_seen(struct daemon *d, struct port *p, bool open);
/* When the device was made, or found. */
void reap_begin(struct daemon *d, struct port *p, bool open);
/* Sets the timer anew, as after the configuration has changed. */
void reap_schedule(struct daemon *d);

/* --- ports.c --- */

/* All ports of a guest, or one: nic < 0 means all. The devices go; allocations stay. */
MUST_CHECK int port_detach(struct daemon *d, const char *guest, int64_t nic, struct refusal *r);
/*
 * The allocations go, too. What was released is in the tables no more and is the caller's, also
 * after a failure half way, who ends it by one of the two calls below.
 */
struct release {
	struct release *next;
	struct port port;
};
MUST_CHECK int port_release(struct daemon *d, const char *guest, int64_t nic, struct release **ret,
			    struct ticket *ticket, struct refusal *r);
void port_released(struct daemon *d, struct release *release);
/* It was not durable: the allocations are back, the devices are not. */
void port_unreleased(struct daemon *d, struct release *release);

struct port *port_find(struct daemon *d, uint32_t network, const char *guest, uint32_t nic);
struct port *port_by_link(struct daemon *d, uint32_t ifindex);
/* The port of a guest's nic that has a device, else one that is allocated, else NULL. */
struct port *port_by_guest(struct daemon *d, const char *guest, uint32_t nic);
/* Whether a guest has an allocation, or this card of it (nic < 0: any). */
bool port_exists(struct daemon *d, const char *guest, int64_t nic);
/* The n-th port that exists, from slot *at on; NULL at the end. Begin with *at = 0. */
struct port *port_next(struct daemon *d, uint32_t *at);
/* "web1/0" */
const char *port_text(const struct port *p, char buf[NAME_SIZE + 12]);
const char *port_state_text(enum port_state state);
const char *port_device_text(enum port_device device);
/* -ENOENT when it is none. */
MUST_CHECK int port_device_parse(const char *text, enum port_device *ret);

/* Puts a port into the tables from a row or a mark; NULL when they are full. */
struct port *port_insert(struct daemon *d, const struct port *template);
/* Takes it out of the tables again. */
void port_remove(struct daemon *d, struct port *p);
/* The device is no more: the port is reserved again. */
void port_drop_link(struct daemon *d, struct port *p);
/* Gives a port in the tables another MAC and address. False, and nothing changed, when the tables
 * refuse. */
bool port_change(struct daemon *d, struct port *p, const struct port *to);
/* Takes the port's row out; its MAC rests for so many seconds. */
MUST_CHECK int port_unstore(struct daemon *d, const struct port *p, int64_t rest,
			    struct ticket *ret, struct err *err);
/* The MAC and address that `to` says, in the tables. -1 when they refuse. */
MUST_CHECK int port_readdress(struct daemon *d, struct port *p, const struct port *to);
/* Host names and options of a network's ports from its configuration. */
void ports_configure(struct daemon *d, struct network *n);
/* The device is there: found at start, or just made. */
void port_set_link(struct daemon *d, struct port *p, uint32_t ifindex, const char *ifname,
		   enum port_state state);
/* The device is gone, whoever removed it. */
void port_gone(struct daemon *d, struct port *p);
/* Removes the device, of which nobody makes use. */
MUST_CHECK int port_reap(struct daemon *d, struct port *p, const char *why, struct err *err);
/* Writes the port's allocation. */
MUST_CHECK int port_store(struct daemon *d, const struct port *p, struct ticket *ret,
			  struct err *err);
/* Whether a MAC address is the one that its device is to have, on the host's side. */
bool port_bears(const struct daemon *d, const struct port *p, const struct mac *mac);
/* Joins the device to its bridge, up, with its marks. */
MUST_CHECK int port_link_up(struct daemon *d, const struct port *p, const char *altname,
			    struct err *err);
/* A declined address is replaced by another, unless the port asked for it or there is none. Says
 * whether it was. */
bool port_declined(struct daemon *d, struct port *p);
/* That was not durable, and dhcp_undo has been called: the port has its former address. */
void port_undeclined(struct daemon *d, struct port *p, uint32_t address);
/* Fills r with who is not there and returns -1. */
int port_refuse_no_guest(struct refusal *r, const char *guest, int64_t nic);
/* Writes whether its link is down. */
MUST_CHECK int port_store_plug(struct daemon *d, const struct port *p, struct ticket *ret,
			       struct err *err);

/* --- owners.c --- */

/* Whose a guest is, or is to be by its reservation; false (*ret untouched): there is no such guest,
 * and no reservation names its owner. */
bool guest_owner(struct daemon *d, const char *guest, uint32_t *ret);
/* Whether there is such a guest, with this card (nic < 0: any), and all of it is this user's. */
bool guest_is_of(struct daemon *d, const char *guest, int64_t nic, uint32_t uid);
/* What a user has, on one network or (NULL) on all. */
struct owner_ports {
	unsigned ports, attached, addresses;
};
struct owner_ports owner_count(struct daemon *d, const struct network *n, uint32_t uid);
/* A port that comes into the tables has the owner that its reservation says. */
void owner_of_new(struct daemon *d, struct port *p);
/* The same for one that is there, and its row. */
void owner_configure(struct daemon *d, struct port *p);

/* --- plug.c --- */

/*
 * The links of all ports of a guest, or of one (nic < 0: all), go up or down: nothing passes by one
 * that is down, attached now or later, until it goes up again. The result is the caller's, who ends
 * it by one of the two calls below.
 */
struct plugging;
MUST_CHECK int port_plug(struct daemon *d, const char *guest, int64_t nic, bool up,
			 struct plugging **ret, struct ticket *ticket, struct refusal *r);
void port_plugged(struct plugging *g);
/* It was not durable: the links are as they were. */
void port_unplugged(struct plugging *g);

/* --- vlans.c --- */

struct rtnl_vlans vlans_of(const struct daemon *d, const struct port *p);
/* Whether the guest may send frames with tags. */
bool vlans_tagged(const struct daemon *d, const struct port *p);
/* Whether the network's bridge filters VLANs, or is to. */
bool vlans_filter(const struct network *n);
/* A port that is in a bridge that filters becomes a member of its VLANs. */
MUST_CHECK int vlans_join(struct daemon *d, struct port *p, struct err *err);
/* Whether what is told of a network's bridge is not as it should be. */
bool vlans_bridge_is_wrong(const struct network *n, const struct rtnl_link *link);
/* All bridges, and all that is in those that filter. */
void vlans_put_right(struct daemon *d);

/* --- mtu.c --- */

/* The MTU that all of a network is to have, as it is configured, or as its uplinks and the
 * interfaces in its bridge have. */
uint32_t network_mtu(const struct daemon *d, const struct network *n);
/* Whether some network's MTU follows this link's. */
bool mtu_follows(const struct daemon *d, uint32_t ifindex);
/* A link by which not all frames of a network leave. */
struct mtu_trouble {
	char link[LINK_NAME_SIZE];
	uint32_t mtu;
	bool joined; /* it is in the bridge; else it is an uplink */
};
/* Whether there is one; that with the least MTU. */
bool mtu_too_large(const struct daemon *d, const struct network *n, struct mtu_trouble *ret);

/* --- networks.c --- */

struct network *network_find(struct daemon *d, const char *name);
/* The one whose bridge this is; NULL: none's, as 0. */
struct network *network_by_bridge(struct daemon *d, uint32_t ifindex);
/* Of NULL: `default`, or the only network. */
struct network *network_find_or_default(struct daemon *d, const char *name);
/* Its guests' router; 0: they have none, or netd does not know it. */
uint32_t network_gateway(const struct daemon *d, const struct network *n);
/* Whether it gets rules of routing, and forwarding: it has a subnet, its bridge is ours to make,
 * and no LAN's. */
bool network_stands(const struct network *n);
/* Whether a link with the bridge's name and no mark was made by a netd that ended in between. */
bool network_is_unfinished(const struct network *n, const struct rtnl_link *link);
/* The bridge, down and with its mark. */
MUST_CHECK int network_make_bridge(struct daemon *d, struct network *n, struct err *err);
/* Chooses the subnet, without touching host, state or network. */
MUST_CHECK int network_choose_subnet(struct daemon *d, const struct network *n,
				     struct ip4_prefix *ret, struct err *err);
/* Chooses the subnet and makes the pool, without touching the host. */
MUST_CHECK int network_plan(struct daemon *d, struct network *n, struct err *err);
/* Takes ports and pool out of memory, for network_plan and network_load to begin anew. */
void network_forget(struct daemon *d, struct network *n);
/* Brings bridge, address, sysctls, DHCP in line with what is wanted; n->up says whether it worked.
 */
MUST_CHECK int network_bring_up(struct daemon *d, struct network *n, struct err *err);
/* The bridge and all memory of the network go. */
void network_remove(struct daemon *d, struct network *n);
/* A slot for a configured network; NULL when all are in use. */
struct network *network_add(struct daemon *d, const struct config_network *c);
/* Options, times and reservations from n->config to dhcp/. */
MUST_CHECK int network_configure(struct daemon *d, struct network *n, struct err *err);
/* Allocations and leases of the state into the tables. */
MUST_CHECK int network_load(struct daemon *d, struct network *n, struct err *err);

/* --- taken.c --- */

/* The prefixes that the host uses, those of other networks included, that overlap `of` (NULL: all);
 * freed by the caller. */
MUST_CHECK int network_taken(struct daemon *d, const struct network *except,
			     const struct ip4_prefix *of, struct bridge_taken **ret, size_t *ret_n,
			     struct err *err);
/* Until the last drop the host's routes are those that were listed first: for checks of many
 * networks, in between which nothing is changed that has routes. */
void routes_hold(struct daemon *d);
void routes_drop(struct daemon *d);

/* --- pools.c --- */

/* Makes the pools and reservations that the configuration has, in place of those that there are;
 * nothing is changed when it fails. */
MUST_CHECK int network_make_pools(struct daemon *d, struct network *n, struct err *err);
void network_free_pools(struct network *n);

/* Marks an address as taken, or free again unless it is reserved, in the pool of the subnet that it
 * is of. */
void network_take(struct network *n, uint32_t address);
void network_give(struct network *n, uint32_t address);
/* The same for that of a port. A range that ports were given addresses from is in use; one that was
 * asked for by name says nothing of that. */
void network_take_of_port(struct network *n, const struct port *p);

/* The host has got this address, or has it no more: no client gets what the host itself has. */
void networks_host_address(struct daemon *d, uint32_t address);

/* Addresses of the network's own pool, without the ranges that it has not grown into; 0: there is
 * none. */
uint32_t network_pool_size(const struct network *n);
/* Those of them that are given, reserved or in quarantine; not those of clients whose lease has
 * ended, which are to be had. */
uint32_t network_pool_used(const struct daemon *d, const struct network *n);
/* Has pools grow that run low, and says when one becomes full. */
void networks_gauge(struct daemon *d);

/* --- uplinks.c --- */

/* Which links lead out, and their MTU; whether the host forwards for everybody. */
MUST_CHECK int uplinks_find(struct daemon *d, struct err *err);
/* Which of them forward, or will, for our networks only: the rules have to say so first. */
MUST_CHECK int uplinks_claim(struct daemon *d, struct err *err);
/* Forwarding of the uplinks, as narrowly as IPv4 allows, and of former ones no more. */
MUST_CHECK int uplinks_forward(struct daemon *d, struct err *err);
uint32_t uplinks_mtu(const struct daemon *d);

/* --- rules.c --- */

/* Replaces the rules if what they are made from has changed, or when `force`. */
MUST_CHECK int rules_apply(struct daemon *d, bool force, struct err *err);
/* The elements of a port that has a device; 0 also when they are there. */
MUST_CHECK int rules_add_port(struct daemon *d, const struct port *p, struct err *err);
void rules_del_port(struct daemon *d, const struct port *p);
/* Its allocation goes, or has another MAC from now on. */
void rules_forget_mac(struct daemon *d, const struct port *p);
/* It has another address than before. */
void rules_move_port(struct daemon *d, const struct port *p, uint32_t before);

/* --- serve.c --- */

void serve_packet(struct daemon *d, const struct trap_packet *p);
/* A packet that had to wait for a probe, which has ended. */
void serve_again(struct daemon *d, uint32_t ifindex, const struct dhcp_frame *f,
		 const struct waited *w);
/* This packet was dropped, since its guest sends too many. */
void serve_flood(struct daemon *d, const struct trap_packet *p);
/* Sets the timer for what dhcp/ has to end next. */
void serve_schedule(struct daemon *d);
MUST_CHECK int serve_load(struct daemon *d, struct network *n, struct err *err);
/* Ends the rows of leases that a reload has ended, since their address is in no pool any more. Were
 * they left, a restart could find them before those that their clients have got since. */
MUST_CHECK int serve_end_strays(struct daemon *d, const struct network *n, struct err *err);
/*
 * Sets the times of a row of a former boot, since when CLOCK_BOOTTIME began anew: what is left is
 * what the wall clock says is left, and what has ended did so as long ago as that says. It may have
 * been set meanwhile, so what is left is never more than the whole time that was granted.
 */
void serve_former_boot(const struct store_lease *l, int64_t now, int64_t wall,
		       struct dhcp_record *r);
/* Puts the leases whose rows have older times than the memory. */
MUST_CHECK int serve_store_leases(struct daemon *d, struct err *err);
/* They are durable. */
void serve_leases_stored(struct daemon *d);
/* The leases that end because the port, or joined interface, of this number for dhcp/ did. */
void serve_end_leases(struct daemon *d, const struct network *n, uint32_t number);
/* Those that were kept when its device went, of a port that is to go itself. */
void serve_release_leases(struct daemon *d, const struct port *p);
/* Somebody else has the address of a port whose guest does not use it yet: as if the guest had
 * declined it. False when it stays as it is: it was asked for, nothing tells the guest, there is no
 * other, or there were too many. */
bool serve_conflict(struct daemon *d, struct port *p);
/* A free address goes into quarantine, since `mac` has it. False when it cannot. */
bool serve_quarantine(struct daemon *d, struct network *n, uint32_t address, const struct mac *mac);

/* --- links.c --- */

void link_seen(struct daemon *d, const struct rtnl_link *link);
void link_forget(struct daemon *d, uint32_t index);
const struct seen_link *link_find(const struct daemon *d, uint32_t index);
void addr_seen(struct daemon *d, const struct rtnl_addr *addr);
void addr_forget(struct daemon *d, const struct rtnl_addr *addr);
/* Those of a link that was just deleted, of which the kernel is about to tell. */
void addrs_forget_link(struct daemon *d, uint32_t index);

/* --- reconcile.c --- */

/* Brings the host in line with the configuration: at start, and after every surprise. */
MUST_CHECK int reconcile(struct daemon *d, struct err *err);
void reconcile_later(struct daemon *d);
/* What the kernel says. */
void reconcile_event(void *arg, const struct rtnl_event *e);

/* --- reload.c --- */

/* Reads the configuration again and applies it; when it is refused everything stays as it was. */
MUST_CHECK int daemon_reload(struct daemon *d, struct refusal *r);

/* --- daemon.c --- */

struct daemon_options {
	const char *config_path;
	bool config_optional;
	const char *state_path;
	const char *socket_path;    /* NULL: the configuration's, */
	const char *socket_default; /* or this */
	int socket_fd;		    /* from socket activation; -1: none */
	struct clock clock;
	/* host_open_direct, or a fake's. */
	int (*open_host)(struct loop *loop, uint16_t trap_group,
			 const struct host_listener *listener, struct host **ret, struct err *err);
};

/* Everything up to serving; what it opened is closed again on failure. */
MUST_CHECK int daemon_start(const struct daemon_options *o, struct daemon **ret, struct err *err);
/* Leaves bridges, rules and guests as they are; an uplink whose network has no guest goes back. */
void daemon_stop(struct daemon *d);

#endif

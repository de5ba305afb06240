/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bridge: a guest's network. Names and marks of what is ours, the choice of subnets, and the
 * kernel's side of it: rtnetlink (rtnl_, in bridge_rtnl.h), nf_tables (nft_), the DHCP trap on
 * nfnetlink_log and the way back out (trap_), sysctls.
 *
 * Functions that talk to the kernel do so synchronously and return the kernel's own words in struct
 * err, extended acks included. IPv4 addresses are in host byte order.
 */
#ifndef NETD_BRIDGE_H
#define NETD_BRIDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/ip4.h"
#include "base/siphash.h"
#include "bridge_rtnl.h"
#include "mac.h"

#define NAME_SIZE 64 /* of a network or guest, with NUL */

enum bridge_mode {
	BRIDGE_MODE_NAT,      /* guests go out under the uplink's address */
	BRIDGE_MODE_ROUTE,    /* guests go out, and are reached, under their own */
	BRIDGE_MODE_ISOLATED, /* guests reach one another and the host */
	BRIDGE_MODE_BRIDGE,   /* guests are stations of the LAN that an uplink, or a bridge of the
				 host's, leads to */
	BRIDGE_MODE_MACVTAP,  /* the same by macvtap devices on an uplink, without a bridge */
};

/* Whether guests go out through the host's IP. */
static inline bool bridge_mode_routes(enum bridge_mode mode)
{
	return mode == BRIDGE_MODE_NAT || mode == BRIDGE_MODE_ROUTE;
}

/* Whether guests are stations of a LAN, whose router is none of netd's. */
static inline bool bridge_mode_lan(enum bridge_mode mode)
{
	return mode == BRIDGE_MODE_BRIDGE || mode == BRIDGE_MODE_MACVTAP;
}

/* --- names and marks --- */

/* NULL for a good name of a network or guest: 1 to 63 of letters, digits, '.', '_', '-', a letter
 * or digit first. */
const char *bridge_name_refusal(const char *name);

/* The bridge of a network: nd-<network>, or a hash behind as much of it as fits. */
void bridge_link_name(const char *network, char ret[LINK_NAME_SIZE]);

#define LINK_PORT_PREFIX "nt" /* what the names of ports begin with */

/* The interface of a port: "nt" and 12 characters of a keyed hash; attempt 0, 1, … for names that
 * are taken. */
void bridge_port_name(const struct siphash_key *key, const char *network, const char *guest,
		      uint32_t nic, unsigned attempt, char ret[LINK_NAME_SIZE]);

/* The readable second name of a port: <guest>.<nic>. */
void bridge_port_altname(const char *guest, uint32_t nic, char ret[LINK_ALTNAME_SIZE]);

/* The mark that makes a link ours: ifalias netd:<network>/<guest>/<nic> on a port, netd:<network>
 * on a bridge. */
struct bridge_mark {
	char network[NAME_SIZE];
	char guest[NAME_SIZE]; /* empty: the mark of a bridge */
	uint32_t nic;
};

/* The ifb by which what a port's guest sends is limited: its name, "ni" and 12 characters of a
 * keyed hash, and its MAC, of the same key, by which it is known while it has no mark yet. */
void bridge_ifb_name(const struct siphash_key *key, const char *network, const char *guest,
		     uint32_t nic, char ret[LINK_NAME_SIZE], struct mac *ret_mac);
/* Whether a link's name and MAC are such an ifb's. */
bool bridge_ifb_known(const struct siphash_key *key, const char *name, const struct mac *mac);
/* Its mark: the port's, and "#ifb", which no port's has. */
void bridge_ifb_mark_format(const struct bridge_mark *m, char ret[LINK_ALIAS_SIZE]);
bool bridge_ifb_mark_parse(const char *alias, struct bridge_mark *ret);

void bridge_mark_format(const struct bridge_mark *m, char ret[LINK_ALIAS_SIZE]);
/* False for an alias that is not our mark. */
bool bridge_mark_parse(const char *alias, struct bridge_mark *ret);

/* --- subnets --- */

/* A prefix that is in use, and by what, in words: "route 10.64.0.0/16 dev eth0". */
struct bridge_taken {
	struct ip4_prefix prefix;
	char what[96];
};

/* The first of n taken prefixes that overlaps, or NULL. */
const struct bridge_taken *bridge_subnet_clash(struct ip4_prefix p,
					       const struct bridge_taken *taken, size_t n);

/*
 * The /24 for `subnet = auto`: from a place in the supernets that is a keyed hash of the network's
 * name, so that it is the same again when the state was lost, upwards and around to the first that
 * overlaps nothing. The result names the gateway, the first host of the subnet. -EADDRNOTAVAIL when
 * all overlap.
 */
MUST_CHECK int bridge_subnet_choose(const struct siphash_key *key, const char *network,
				    const struct ip4_prefix *super, size_t supers,
				    const struct bridge_taken *taken, size_t n,
				    struct ip4_prefix *ret, struct err *err);
/* The same, but the lowest that is free, in the order of the supernets. */
MUST_CHECK int bridge_subnet_next(const struct ip4_prefix *super, size_t supers,
				  const struct bridge_taken *taken, size_t n,
				  struct ip4_prefix *ret, struct err *err);

/* --- nf_tables --- */

struct nft;

enum { NFT_SERVICE_PORTS = 16 };

/* What is spoken: a protocol of IPv4, and for TCP and UDP the destination's ports. */
struct nft_service {
	uint8_t protocol; /* 0: any */
	unsigned ports;	  /* 0: any */
	struct {
		uint16_t first, last;
	} port[NFT_SERVICE_PORTS];
};

enum nft_peer { NFT_PEER_ANY, NFT_PEER_PREFIX, NFT_PEER_GROUP };

/* What a guest may, or may not, begin with others (out), or others with it. */
struct nft_rule {
	bool allow, out;
	struct nft_service service;
	enum nft_peer peer;	  /* the other side */
	struct ip4_prefix prefix; /* NFT_PEER_PREFIX */
	uint32_t group;		  /* NFT_PEER_GROUP: number of a group, of whose guests it is one */
};

/* What guests of a network of mode nat go out under. */
struct nft_snat {
	struct ip4_range addr; /* first 0: the uplink's address */
	uint16_t first, last;  /* ports; 0: any */
};

struct nft_network {
	char bridge[LINK_NAME_SIZE];
	struct ip4_prefix subnet;
	enum bridge_mode mode;
	struct mac mac;			   /* of the bridge */
	bool isolate;			   /* guests do not reach one another */
	uint32_t max_connections;	   /* of one guest at a time; 0: no limit */
	const struct nft_service *service; /* those of the host that its guests reach, beside ping,
					      DNS and DHCP */
	size_t services;
	const uint32_t *reach; /* networks that its guests reach, as indices of the plan's */
	size_t reaches;
	const struct nft_rule *rule; /* of all its guests; the first that matches decides */
	size_t rules;
	struct nft_snat snat;
};

/* Rules that several guests share. */
struct nft_group {
	char network[LINK_NAME_SIZE]; /* its bridge; empty: a group for all networks */
	char name[NAME_SIZE];
	const struct nft_rule *rule;
	size_t rules;
};

/* What holds for guests that have rules or groups: first those rules, then the groups', then the
 * network's. */
struct nft_policy {
	uint32_t number; /* by which ports name it; not 0 */
	size_t network;	 /* index of the plan's */
	char name[NAME_SIZE];
	const struct nft_rule *rule;
	size_t rules;
	const uint32_t *group; /* numbers, each an index of the plan's groups and 1 */
	size_t groups;
};

/* Ports of the host that lead to a guest's: `count` of them, one to one. */
struct nft_publish {
	uint32_t addr;	  /* of the host; 0: any of its */
	uint8_t protocol; /* IPPROTO_TCP or IPPROTO_UDP */
	uint16_t port, count;
	uint32_t to;	  /* the guest's address, */
	uint16_t to_port; /* and the first of its ports */
};

/* A port with hairpin_mode, by which nothing comes back but what is for its guest's MAC. */
struct nft_reflect {
	uint32_t ifindex;
	struct mac mac;
};

/* What a guest's port may send. */
enum nft_guard {
	NFT_GUARD_OFF, /* anything */
	NFT_GUARD_LOG, /* anything, but what is not its own is counted and told */
	NFT_GUARD_ON,  /* what is its own */
};

/* What is a port's own: packets from this MAC and IPv4 address. */
struct nft_source {
	struct mac mac;
	uint32_t addr; /* 0: none; only the MAC */
};

/* Why the guard lets a packet not pass. */
enum nft_reason {
	NFT_REASON_MAC,		/* the source MAC is not the port's */
	NFT_REASON_IP,		/* nor is the IPv4 source */
	NFT_REASON_ARP,		/* nor is the sender, or it is no good ARP */
	NFT_REASON_ARP_RATE,	/* more ARP than a port may send */
	NFT_REASON_IP6,		/* the IPv6 source is not the port's */
	NFT_REASON_ND,		/* nor is what neighbour discovery is about */
	NFT_REASON_ND_RATE,	/* more of it than a port may send */
	NFT_REASON_DHCP_SERVER, /* what only a DHCP server sends */
	NFT_REASON_RA,		/* what only a router sends */
	NFT_REASON_REDIRECT,
	NFT_REASON_VLAN,      /* it has a tag */
	NFT_REASON_ETHERTYPE, /* neither IPv4, IPv6 nor ARP */
	NFT_REASON_FRAGMENT,  /* IPv6 whose upper layer cannot be seen, or fragmented ICMPv6 */
};
enum { NFT_REASONS = NFT_REASON_FRAGMENT + 1 };

const char *nft_reason_text(enum nft_reason reason);

/* A port, or an interface that has joined. */
struct nft_port {
	uint32_t ifindex;
	bool dhcp; /* its DHCP is trapped */
	enum nft_guard guard;
	const char *egress; /* in no bridge, but a macvtap device of this name; NULL: a bridge's */
	bool trunk;	    /* its frames may have one tag (802.1Q); which, its bridge says */
	bool joined;	    /* no guest's: what it says by neighbour discovery, no guest may say */
	bool lan;	    /* its network's LAN gives addresses that we do not know: IPv6, and IPv4
			       where the sources have none */
	uint32_t network;   /* a number that only ports of the same network have */
	const struct nft_source *source;
	size_t sources;
	uint32_t policy;       /* number of its guest's; 0: its network's rules alone */
	const uint32_t *group; /* numbers of the groups that its guest is in */
	size_t groups;
};

/* What one who is behind a port, such as a nested guest, may send by it. */
struct nft_client {
	uint32_t ifindex;
	struct nft_source source;
	bool mac_known; /* the MAC is the port's, or another's behind it: of one that goes, it stays
			 */
};

/* Whose link-local address (RFC 4291 A) no other port of the network may use: the bridge's, and
 * those of guests whose device is not there. */
struct nft_owner {
	uint32_t network;
	struct mac mac;
};

/* The bridge of a LAN, which may be an uplink. */
struct nft_lan {
	char bridge[LINK_NAME_SIZE];
	struct mac mac;
};

/* All that the tables named netd (families bridge, inet, and netdev) are made of. */
struct nft_plan {
	const struct nft_network *network;
	size_t networks;
	const struct nft_port *port;
	size_t ports;
	const struct nft_client *client;
	size_t clients;
	const struct nft_owner *owner;
	size_t owners;
	const char (*uplink)[LINK_NAME_SIZE]; /* padded with NULs; where forwarding was switched on
						 for our networks alone */
	size_t uplinks;
	const struct nft_lan *lan; /* networks of LANs, which have no rules but those of ports */
	size_t lans;
	const uint32_t *kept; /* addresses that no guest has whose address is not known */
	size_t kepts;
	uint16_t trap_group; /* of nfnetlink_log */
	bool guarded;	     /* some ports are, or may be; false: guard is NFT_GUARD_OFF in all */
	bool macvtap;	     /* there can be ports in no bridge */
	const struct nft_group *group;
	size_t groups;
	const struct nft_policy *policy;
	size_t policies;
	const uint32_t *captured; /* links of which somebody captures what is dropped */
	size_t captures;
	const struct nft_publish *publish; /* no port twice */
	size_t publishes;
	bool reflecting; /* whether there can be any of these */
	const struct nft_reflect *reflect;
	size_t reflects;
};

/* Of all that nft_replace would make of the plan but its elements: two plans with the same hash
 * have the same structure. -ENOMEM. */
MUST_CHECK int nft_plan_hash(const struct nft_plan *plan, const struct siphash_key *key,
			     uint64_t *ret);

MUST_CHECK int nft_open(struct nft **ret, struct err *err);
void nft_free(struct nft *n);
/* Replaces both tables in one transaction: packets see the old rules or the new. */
MUST_CHECK int nft_replace(struct nft *n, const struct nft_plan *plan, struct err *err);
/* Removes both tables; 0 also when there are none. */
MUST_CHECK int nft_remove(struct nft *n, struct err *err);
/* The elements of a port. Of one that is added: 0 also when they are there; of one that is removed:
 * when they are not. One that is removed is as it was added. */
MUST_CHECK int nft_port_add(struct nft *n, const struct nft_port *port, struct err *err);
MUST_CHECK int nft_port_del(struct nft *n, const struct nft_port *port, struct err *err);
/* From what it was added as to what it is now, in one transaction. */
MUST_CHECK int nft_port_move(struct nft *n, const struct nft_port *from, const struct nft_port *to,
			     struct err *err);
/* Nobody has that MAC any more: its link-local address is anybody's. 0 also when it was. */
MUST_CHECK int nft_owner_del(struct nft *n, const struct nft_owner *owner, struct err *err);
MUST_CHECK int nft_client_add(struct nft *n, const struct nft_client *c, struct err *err);
MUST_CHECK int nft_client_del(struct nft *n, const struct nft_client *c, struct err *err);

/* What the guard has held back, or counted, of one port since the rules were made. */
struct nft_drops {
	uint32_t ifindex;
	enum nft_reason reason;
	uint64_t packets;
};
typedef void (*nft_drops_fn)(void *arg, const struct nft_drops *drops);
/* All of them; none, and 0, when there are no rules. */
MUST_CHECK int nft_drops_list(struct nft *n, nft_drops_fn fn, void *arg, struct err *err);
/* Those of a port that is gone. */
MUST_CHECK int nft_drops_forget(struct nft *n, uint32_t ifindex, struct err *err);
/* What the kernel calls the socket that our transactions come from. */
uint32_t nft_portid(const struct nft *n);

/* A transaction on the rules that was not ours, when it has taken effect. */
struct nft_change {
	bool overrun;	  /* notifications were lost: anything may have changed, and no more is
			     known */
	bool ours;	  /* something of a table named netd, family bridge or inet */
	bool others;	  /* something of another table */
	char what[128];	  /* if ours: "table bridge netd was deleted" */
	char process[16]; /* whose it was, as plain text; empty: not known */
	uint32_t pid;	  /* of it, in the kernel's own pid namespace; 0: not known */
};

typedef void (*nft_change_fn)(void *arg, const struct nft_change *c);

struct nft_watch;

/* Hears every transaction but those of `own`. Not blocking. */
MUST_CHECK int nft_watch_open(const struct nft *own, struct nft_watch **ret, struct err *err);
void nft_watch_free(struct nft_watch *w);
int nft_watch_fd(const struct nft_watch *w);
/* Calls fn for what has come, at most for `most` datagrams. -EAGAIN when there was nothing more. */
MUST_CHECK int nft_watch_read(struct nft_watch *w, unsigned most, nft_change_fn fn, void *arg);
/* Has what the guard drops of a link logged to the group behind the trap's, or no more. 0 also when
 * it is so already. */
MUST_CHECK int nft_capture(struct nft *n, uint32_t ifindex, bool on, struct err *err);
/* The elements of a port with hairpin_mode, as those of ports above. */
MUST_CHECK int nft_reflect_change(struct nft *n, const struct nft_reflect *reflect, bool add,
				  struct err *err);
/* Takes away the elements of what was published, which are there, and adds others, in one
 * transaction. */
MUST_CHECK int nft_publish_change(struct nft *n, const struct nft_publish *del, size_t dels,
				  const struct nft_publish *add, size_t adds, struct err *err);

/* --- foreign rules: those of nf_tables that are not netd's --- */

struct foreign_network {
	char name[NAME_SIZE];
	char bridge[LINK_NAME_SIZE];
	uint32_t bridge_index;
	struct ip4_prefix subnet; /* the gateway's address */
	enum bridge_mode mode;
	bool published; /* some port of a guest is reached by an address of the host */
	bool host_dns;	/* guests are told that the gateway answers DNS */
};

struct foreign_uplink {
	char name[LINK_NAME_SIZE];
	uint32_t index;
};

/* Whose packets are to get through. */
struct foreign_ask {
	const struct foreign_network *network;
	size_t networks;
	const struct foreign_uplink *uplink;
	size_t uplinks;
};

enum foreign_severity {
	FOREIGN_NOTE, /* something could not be looked at */
	FOREIGN_MAY,  /* packets are dropped on a condition of which we do not know whether it holds
		       */
	FOREIGN_BREAKS, /* packets are dropped, or all that no rule excepts */
};

enum { FOREIGN_FINDINGS_MAX = 64, FOREIGN_NO_NETWORK = UINT32_MAX };

struct foreign_finding {
	enum foreign_severity severity;
	uint32_t network;  /* index in foreign_ask.network, or FOREIGN_NO_NETWORK */
	char what[216];	   /* a sentence, without a full stop */
	char rule[320];	   /* the text of the rule that does it; empty: there is none */
	char command[256]; /* for a shell, as root; empty: there is none */
};

/* At most so many findings; there can be more. */
struct foreign_report {
	struct foreign_finding finding[FOREIGN_FINDINGS_MAX];
	unsigned findings;
};

struct foreign_reader;

MUST_CHECK int foreign_open(struct foreign_reader **ret, struct err *err);
void foreign_close(struct foreign_reader *r);
/* Reads all rules that are not in tables named netd, and says what they do to the networks'
 * packets. -EAGAIN when they change all the time. */
MUST_CHECK int foreign_check(struct foreign_reader *r, const struct foreign_ask *ask,
			     struct foreign_report *ret, struct err *err);

/*
 * Has chain DOCKER-USER of tables `filter` (ip and inet) accept what comes from these bridges and
 * what goes to them, by rules with the comment "netd", and has such rules for others removed. Names
 * are padded with NULs. 0 also when there is no such chain, and when nothing had to be done;
 * *ret_changed says whether it had.
 */
MUST_CHECK int foreign_docker(struct foreign_reader *r, const char (*bridge)[LINK_NAME_SIZE],
			      size_t bridges, bool *ret_changed, struct err *err);

/* --- trap --- */

struct trap;

struct trap_packet {
	uint32_t ifindex; /* of the port that it came in by */
	struct mac src, dst;
	const uint8_t *ip; /* from the network header on; valid during the callback */
	size_t len;
	bool vlan;   /* the frame bore a tag */
	bool server; /* from a DHCP server that is not us, on any bridge of the host; what came by a
			port of ours was dropped */
	bool flood;  /* the guest sends too many; this one of them was dropped, as were others */
	bool spoof;  /* the guard held it back, or counted it, because of `reason` */
	enum nft_reason reason;
	uint16_t ethertype;
	const uint8_t *ethernet; /* TRAP_ETHERNET octets, without the tag */
	uint8_t tag[4];		 /* TPID and TCI, when vlan */
	const char *dropped;	 /* why, of one that is dropped and captured; else NULL */
	int64_t time;		 /* nanoseconds since 1970; 0: the kernel did not say */
	uint32_t lost;		 /* trap_listen: packets before it that found no room */
};

enum { TRAP_MACS = 12, TRAP_ETHERNET = 14 };

typedef void (*trap_fn)(void *arg, const struct trap_packet *p);

/* Binds to the nfnetlink_log group; -EPERM also when another process has it. Not blocking. */
MUST_CHECK int trap_open(uint16_t group, struct trap **ret, struct err *err);
/* The same for one that only reads: to close a packet socket would take the kernel some time
 * (net/packet/af_packet.c, packet_release). */
MUST_CHECK int trap_listen(uint16_t group, struct trap **ret, struct err *err);
void trap_free(struct trap *t);
int trap_fd(const struct trap *t);
/* Calls fn for at most `most` packets. -EAGAIN when there was nothing more. */
MUST_CHECK int trap_read(struct trap *t, unsigned most, trap_fn fn, void *arg);
/* Sends an Ethernet frame out of a port. -errno. */
MUST_CHECK int trap_send(struct trap *t, uint32_t ifindex, const void *frame, size_t len);

/* --- ARP --- */

/* A whole Ethernet frame that arrived at a link; longer ones are cut. */
typedef void (*arp_fn)(void *arg, uint32_t ifindex, const uint8_t *frame, size_t len);

/*
 * Opens a socket that hears the ARP packets that arrive at a link, its own excepted and those with
 * a VLAN tag: for a bridge, what its ports broadcast or send to the bridge itself. Not blocking;
 * the caller closes it.
 */
MUST_CHECK int arp_open(uint32_t ifindex, int *ret_fd, struct err *err);
/* Calls fn for at most `most` packets. -EAGAIN when there was nothing more. */
MUST_CHECK int arp_read(int fd, uint32_t ifindex, unsigned most, arp_fn fn, void *arg);

/* --- ping --- */

struct ping;

/* An address answered our echo request. */
typedef void (*ping_fn)(void *arg, uint32_t addr);

/* Opens a socket that hears the answers to its own echo requests (RFC 792) only. Not blocking. */
MUST_CHECK int ping_open(struct ping **ret, struct err *err);
void ping_free(struct ping *p);
int ping_fd(const struct ping *p);
/* Sends one, the way that the host's routes say. */
MUST_CHECK int ping_send(struct ping *p, uint32_t addr, struct err *err);
/* Calls fn for at most `most` packets. -EAGAIN when there was nothing more. */
MUST_CHECK int ping_read(struct ping *p, unsigned most, ping_fn fn, void *arg);

/* --- sysctl --- */

/* /proc/sys/net/ipv4/conf/<link>/forwarding; link "all" is the host's. */
MUST_CHECK int sysctl_forwarding_get(const char *link, bool *ret, struct err *err);
MUST_CHECK int sysctl_forwarding_set(const char *link, bool on, struct err *err);
/* No IPv6 on a link, so that no guest configures the host by router advertisements; 0 where there
 * is no IPv6. */
MUST_CHECK int sysctl_ipv6_off(const char *link, struct err *err);
/* A link whose ARP is about its own addresses only: arp_ignore 1, arp_announce 2. */
MUST_CHECK int sysctl_arp_own(const char *link, struct err *err);
/* A number in a file below /proc/sys/net: "ipv4/ip_forward". -ENOENT when there is no such file. */
MUST_CHECK int sysctl_read(const char *path, int *ret, struct err *err);
/* Whether a link has an IPv6 address beyond the link that router advertisements, or DHCPv6, gave.
 */
MUST_CHECK int sysctl_ipv6_autoconf(const char *link, bool *ret, struct err *err);
/* /proc/sys/net/ipv4/conf/<link>/route_localnet: 127.0.0.0/8 can be routed by the link. */
MUST_CHECK int sysctl_localnet_get(const char *link, bool *ret, struct err *err);
MUST_CHECK int sysctl_localnet_set(const char *link, bool on, struct err *err);
/* A link is to take another's place: it gets those settings that say how the host behaves on it,
 * IPv4's forwarding excepted. */
MUST_CHECK int sysctl_copy(const char *from, const char *to, struct err *err);

/* --- listeners --- */

/* Ports of an address of the host. */
struct listen_query {
	uint8_t protocol; /* IPPROTO_TCP or IPPROTO_UDP */
	uint32_t addr;	  /* 0: any of the host's */
	uint16_t first, last;
	bool nameless; /* only whether there is one: to find a process can take long */
};

struct listen_holder {
	uint16_t port; /* the first that is taken */
	char who[64]; /* "process nginx (pid 812)", or of which service and user when it is not seen
		       */
};

/*
 * The socket that gets what is sent to one of the ports: of TCP one that listens, of UDP one that
 * is bound and not connected; of IPv6, too, unless it is for that alone. Of the calling process's
 * network namespace. -ENOENT (err untouched) when there is none.
 */
MUST_CHECK int listen_find(const struct listen_query *q, struct listen_holder *ret,
			   struct err *err);

#endif

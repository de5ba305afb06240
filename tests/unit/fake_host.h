/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host in memory behind the kernel seam: links, addresses, rules and descriptors are table rows,
 * and any operation can be made to fail. And a daemon on it, with a clock that a test moves.
 */
#ifndef TESTS_FAKE_HOST_H
#define TESTS_FAKE_HOST_H

#include "api.h"

enum {
	FAKE_LINKS = 64,
	FAKE_ADDRS = 16,
	FAKE_ELEMENTS = 64,
	FAKE_FRAMES = 1024,
	FAKE_PROBES = 2048,
	FAKE_ROUTES = 8,
	FAKE_SYSCTLS = 16,
	FAKE_NETNS = 10000,
	FAKE_GOODS = 64
};

struct fake_host {
	struct host host;
	struct host_listener listener;
	struct rtnl_link link[FAKE_LINKS]; /* index 0: free */
	uint32_t next_index;
	struct rtnl_addr addr[FAKE_ADDRS];
	unsigned addrs;
	uint32_t element[FAKE_ELEMENTS]; /* of the rules' set of DHCP ports */
	unsigned elements, networks;	 /* networks in the rules */
	bool rules;
	struct nft_client client[FAKE_ELEMENTS]; /* who is behind ports, in the rules */
	unsigned clients;
	struct nft_drops drop[FAKE_ELEMENTS]; /* what the guard has counted */
	unsigned drops;
	void (*see_plan)(
		const struct nft_plan *plan); /* of rules that are replaced; NULL: nobody */
	/* One whose elements are added, or removed. */
	void (*see_port)(const struct nft_port *port, bool added);
	struct nft_publish published[FAKE_ELEMENTS]; /* in the rules */
	unsigned publishes;
	bool reflected[FAKE_LINKS], hairpin[FAKE_LINKS]; /* by index */
	bool localnet[FAKE_LINKS];			 /* by index */
	struct rtnl_rate rate[FAKE_LINKS];		 /* by index: of what leaves */
	uint32_t redirect[FAKE_LINKS];			 /* by index: to which ifb; 0: none */
	struct rtnl_vlans vlans[FAKE_LINKS];		 /* by index: as they were set */
	bool set_up[FAKE_LINKS];			 /* by index: it was up when they were */
	struct listen_query listening; /* a process listens on these; protocol 0: none does */
	bool forwarding[FAKE_LINKS];   /* by index; [0]: all */
	bool vhost;		       /* there is vhost-net */
	bool bare;		       /* a TAP without IFF_VNET_HDR was made */
	struct mac fdb_mac;	       /* seen behind link fdb_port */
	uint32_t fdb_port;
	uint32_t neigh_addr; /* a neighbour on link neigh_index, with neigh_mac */
	uint32_t neigh_index;
	struct mac neigh_mac;
	unsigned neigh_asked, neigh_listed; /* lists of one link's neighbours, and of all */
	unsigned fail_at;		    /* the how many-th operation fails; 0: none */
	unsigned operations;		    /* since fail_at was set */
	bool fail_from;			    /* as do all behind it */
	struct {
		uint32_t ifindex;
		size_t len;
		uint8_t data[DHCP_FRAME_MAX];
	} sent[FAKE_FRAMES];
	unsigned frames;
	struct { /* ARP probes that were sent; the last FAKE_PROBES of them */
		uint32_t ifindex;
		uint32_t addr;
	} probe[FAKE_PROBES];
	unsigned probes;		  /* all that were */
	uint32_t ping[FAKE_PROBES];	  /* addresses that were pinged; the last of them */
	unsigned pings;			  /* all that were */
	struct foreign_report report;	  /* what is said of others' rules */
	unsigned checks;		  /* how often that was asked */
	struct foreign_network asked[2];  /* of what networks last, the first of them */
	unsigned docker;		  /* bridges in chain DOCKER-USER */
	uint32_t arp_watched[FAKE_LINKS]; /* links whose ARP the daemon hears */
	unsigned arp_watches;
	struct rtnl_route route[FAKE_ROUTES]; /* beside the default route */
	unsigned routes;
	struct {
		char path[64];
		int value;
	} sysctl[FAKE_SYSCTLS]; /* those that there are, but for forwarding */
	unsigned sysctls;
	char inside[LINK_NAME_SIZE];   /* the name of an interface in every network namespace */
	unsigned joined;	       /* TAPs in network namespaces */
	struct rtnl_inside configured; /* what was given last in one */
	const char *opener;	       /* who has every TAP open; NULL: nobody */
	bool ipv6_autoconf;	       /* every link has such an address */
	unsigned replaced;	       /* how often the rules were, or were removed */
	bool captured[FAKE_LINKS];     /* by index: the daemon hears what is dropped of the link */
	bool open[FAKE_LINKS];	       /* by index: somebody has this macvtap device open */
	enum rtnl_macvlan_mode macvtap_mode; /* of the device that was made last */
	struct rtnl_host_route host_route[FAKE_ROUTES];
	unsigned host_routes;
	struct {
		uint32_t index, number;
		bool route;
	} good[FAKE_GOODS]; /* addresses and routes of links, in their order */
	unsigned goods;
	bool answers_uplink, answers_bridge; /* the gateway does, by a link and by a bridge */
	unsigned asked_gateway;
};

/* The host of the daemon that was opened last; its uplink is eth0. */
extern struct fake_host *fake_host;

/* Ends the program unless it is so. Not libcheck's, since fuzz targets use this as well. */
void fake_must(bool good, const char *what);
/* For daemon_options: makes the host, or hands over the one that there is. */
MUST_CHECK int fake_open_host(struct loop *loop, uint16_t group,
			      const struct host_listener *listener, struct host **ret,
			      struct err *err);

/* Makes all operations work again, or the n-th from now on fail. */
void fake_fail(unsigned n);

/* What a test compares: the number of links, addresses, elements, and so on, as text. */
const char *fake_dump(char *buf, size_t size);

/* A TAP's descriptors were all closed, or somebody deleted the link: tells the daemon, as the
 * kernel does. */
void fake_link_gone(uint32_t index);

/* The last descriptor of a macvtap device is closed, which the kernel tells. */
void fake_macvtap_closed(uint32_t ifindex);

/* Somebody makes a link, down and in no bridge, or changes one, and the kernel tells of it. Returns
 * the link, whose members the caller may set before fake_link_told. */
struct rtnl_link *fake_link_add(const char *name);
struct rtnl_link *fake_add_kind(const char *name, const char *kind);
struct rtnl_link *fake_link_find(const char *name); /* NULL: there is none */
void fake_link_told(const struct rtnl_link *link);

/* A link has this address or route; each has a number of its own. */
void fake_good(uint32_t index, bool route, uint32_t number);
bool fake_has_good(uint32_t index, uint32_t number);

/* The kernel tells of something else, of which the test has seen to it that it is so. */
void fake_told(const struct rtnl_event *e);
/* Somebody else has changed rules of nf_tables. */
void fake_ruleset(const struct nft_change *c);
/* Makes a sysctl, or sets it to another value. */
void fake_sysctl(const char *path, int value);

/* A DHCP message arrives at a link, as the trap hands it over; its UDP payload and where it is from
 * and to are in f. */
void fake_packet(uint32_t index, const struct dhcp_frame *f);

/* An ARP packet arrives at a link; the daemon hears it if it listens there. */
void fake_arp(uint32_t index, const struct dhcp_arp *a);

struct fake_daemon;

/* All guests' devices go, and their allocations. */
void fake_forget_ports(struct fake_daemon *f);

struct fake_daemon {
	struct daemon *d;
	char directory[64];
	char config[96], state[96], socket[96];
	int64_t boottime, wall; /* nanoseconds */
};

/* Starts a daemon with this configuration in a directory of its own; a second start finds the state
 * of the first. */
void fake_start(struct fake_daemon *f, const char *config);
MUST_CHECK int fake_try_start(struct fake_daemon *f, const char *config, struct err *err);
void fake_stop(struct fake_daemon *f);
/* Another configuration, which is read again. */
MUST_CHECK int fake_reload(struct fake_daemon *f, const char *config, struct refusal *r);
/* Removes the directory. */
void fake_remove(struct fake_daemon *f);
/* Attaches a guest's first card, address 0: whichever; its reply is delivered. */
struct port *fake_attach(struct fake_daemon *f, const char *guest, uint32_t address);
/* Dispatches what is ready, commits and transmits. */
void fake_turn(struct fake_daemon *f);
/* Moves both clocks, by nanoseconds and by seconds. */
void fake_tick(struct fake_daemon *f, int64_t ns);
void fake_pass(struct fake_daemon *f, int64_t seconds);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration as it was written, checked, and with its defaults filled in. */
#ifndef NETD_CONFIG_H
#define NETD_CONFIG_H

#include <stdio.h>
#include <sys/types.h>

#include "bridge.h"
#include "dhcp.h"
#include "mac.h"

enum {
	CONFIG_NETWORKS_MAX = 256,
	CONFIG_LIST_MAX = 16,	/* values of a list */
	CONFIG_PORTS_MAX = 256, /* of all networks together */
	CONFIG_PATH_SIZE = 108, /* of sun_path */
	CONFIG_MTU_MIN = 576,	/* what every host has to take (RFC 791 3.1) */
	CONFIG_MTU_MAX = 65521, /* a TAP's (drivers/net/tun.c, tun_net_initialize) */
};

/* Whose rules of nf_tables netd's may be put into. */
enum config_coexist { CONFIG_COEXIST_NONE, CONFIG_COEXIST_DOCKER };

/* Where something was written. */
struct config_place {
	const char *file; /* owned by the config; NULL: built in */
	int line;
};

struct config_ips {
	uint32_t at[CONFIG_LIST_MAX];
	unsigned n;
};

struct config_ranges {
	struct ip4_range at[CONFIG_LIST_MAX];
	unsigned n;
};

struct config_prefixes {
	struct ip4_prefix at[CONFIG_LIST_MAX];
	unsigned n;
};

/* Names, as they were written. */
struct config_names {
	char (*at)[NAME_SIZE];
	uint32_t *number; /* of the groups that they are of, when all is read; NULL: of no groups */
	unsigned n;
	struct config_place place;
};

/* What is spoken with the host. */
struct config_services {
	struct nft_service at[CONFIG_LIST_MAX];
	unsigned n;
};

/* Whose address the other side of a rule has. */
enum config_peer { CONFIG_PEER_PREFIX, CONFIG_PEER_NETWORK, CONFIG_PEER_GROUP };

struct config_rule {
	struct nft_rule
		nft; /* its peer, when all is read; the prefix of a network is known later */
	enum config_peer peer;
	char name[NAME_SIZE]; /* of the peer, unless CONFIG_PEER_PREFIX */
	struct config_place place;
};

struct config_rules {
	struct config_rule *at;
	unsigned n;
	struct config_place place; /* of the last */
};

/* Rules that guests share. */
struct config_group {
	char name[NAME_SIZE];
	struct config_rules rules;
	uint32_t number; /* among all groups, from 1 on: those of all networks, then each network's
			  */
	struct config_place place;
};

struct config_groups {
	struct config_group *at;
	unsigned n;
};

/* One option block: its values as text, for printing; the wire form is in the scope's option set.
 */
struct config_option {
	uint8_t code;
	unsigned n;
	char *value[CONFIG_LIST_MAX];
};

enum { CONFIG_BOOT_FILE_SIZE = 256 }; /* of one option, and NUL */

struct config_options {
	struct config_option *at;
	unsigned n;
	uint32_t next_server;		       /* 0: none */
	char boot_file[CONFIG_BOOT_FILE_SIZE]; /* empty: none */
	struct config_place boot_place;
	struct dhcp_option_set *wire; /* what is above, and what keys like dns say; NULL: nothing */
};

/* A DHCP client's identifier (RFC 2132 9.14). */
struct config_id {
	uint8_t octet[255];
	uint8_t len; /* 0: none */
};

/* A user or group of the host. */
struct config_account {
	char name[64]; /* as it was written, which can be a number */
	uint32_t id;
};

struct config_accounts {
	struct config_account at[CONFIG_LIST_MAX];
	unsigned n;
};

/* VLANs; native 0 and n 0: not set. */
struct config_vlans {
	struct rtnl_vlans vlan;
	struct config_place place;
};

/* Bits a second to a guest and from it; 0: not set. */
#define CONFIG_RATE_UNLIMITED UINT64_MAX
struct config_rate {
	uint64_t in, out;
	uint32_t burst; /* octets; 0: not set */
	struct config_place place;
};

/* A reservation: for the guest of that name, or for the DHCP client that one of the two keys
 * matches. */
struct config_host {
	char name[NAME_SIZE];
	struct mac match_mac; /* zero: not by this */
	struct config_id match_id;
	struct mac mac;		       /* of a guest; zero: generated */
	uint32_t address;	       /* 0: from the pool */
	char hostname[DHCP_NAME_SIZE]; /* empty: the guest's name */
	struct config_ips also;	       /* further addresses of a guest's first card */
	struct config_options options;
	struct config_names groups;
	struct config_rules rules;
	uint32_t policy; /* number, when all is read; 0: it has neither groups nor rules */
	struct config_account owner; /* of a guest; name empty: not by this */
	struct config_rate rate;
	struct config_vlans vlans;
	struct config_place place, address_place, mac_place, match_mac_place, match_id_place,
		also_place, owner_place;
};

struct config_class {
	char name[NAME_SIZE];
	struct dhcp_class match; /* its options are those below */
	struct config_options options;
	struct config_place place;
};

struct config_classes {
	struct config_class *at;
	unsigned n;
};

/* An interface of the host that joins the network's bridge. */
struct config_port {
	char name[LINK_NAME_SIZE];
	bool serve;   /* its clients get DHCP */
	bool trusted; /* relay agents behind it are believed, and its clients not limited */
	struct config_vlans vlans;
	struct config_place place;
};

/* A subnet behind a relay agent. */
struct config_relay {
	struct ip4_prefix prefix;    /* with the address of its router */
	struct config_ranges ranges; /* empty: all but the router */
	struct config_options options;
	struct config_place place, range_place;
};

enum config_probe {
	CONFIG_PROBE_AUTO, /* where a link that is not ours is in the bridge */
	CONFIG_PROBE_ON,
	CONFIG_PROBE_OFF,
};

/* Ports of the host that lead to a guest's, one to one. */
struct config_published {
	uint8_t protocol; /* IPPROTO_TCP or IPPROTO_UDP */
	uint16_t port, to;
	uint16_t count;
};

enum {
	CONFIG_PUBLISH_RANGE = 1024,  /* ports of one */
	CONFIG_PUBLISHED_MAX = 16384, /* of all together */
	CONFIG_PUBLISHES_MAX = 1024,  /* values of all `port` keys together */
	CONFIG_PUBLISHED_TEXT = 32,
};

/* One publish block. */
struct config_publish {
	char guest[NAME_SIZE];
	uint32_t nic;
	uint32_t address; /* of the host; 0: any of its */
	struct config_published port[CONFIG_LIST_MAX];
	unsigned ports;
	struct config_place place, address_place, port_place;
};

struct config_ports {
	uint16_t first, last; /* 0: any */
};

enum { CONFIG_DEVICES = 3 }; /* kinds of them: enum port_device */

/* Who may use the network that it stands in, or all, and how. It is for each of the users and
 * groups. */
struct config_allow {
	struct config_accounts users, groups;
	uint32_t max_ports; /* allocations of one user */
	uint8_t mac_prefix[5];
	unsigned mac_prefix_len; /* 0: any MAC */
	unsigned devices;	 /* 1 << enum port_device of each */
	struct config_ports publish[CONFIG_LIST_MAX];
	unsigned publishes;
	struct config_place place;
};

struct config_allows {
	struct config_allow *at;
	unsigned n;
};

/* Whose a guest is by its reservation. */
struct config_owner {
	char guest[NAME_SIZE];
	uint32_t uid;
	struct config_place place;
};

struct config_network {
	char name[NAME_SIZE];
	enum bridge_mode mode;
	char uplink[LINK_NAME_SIZE]; /* mode bridge: joins our bridge; macvtap: what is below;
					empty: none */
	char bridge[LINK_NAME_SIZE]; /* mode bridge: one of the host's; empty: none */
	enum rtnl_macvlan_mode macvtap_mode;
	bool host_macvlan;     /* mode macvtap: host-access = yes */
	struct ip4_range snat; /* first 0: the uplink's address */
	struct config_ports snat_ports;
	struct config_publish *publish;
	unsigned publishes;
	bool auto_subnet;
	struct ip4_prefix subnet;    /* unless auto_subnet; the address is the gateway's */
	struct config_ranges ranges; /* empty: all but the gateway */
	struct config_ranges grow;   /* more of them, each when what is before it runs low */
	struct config_ranges exclude;
	bool keep_leases; /* of ports whose device is gone */
	uint32_t lease_time, min_lease_time, max_lease_time, offer_hold, quarantine; /* seconds */
	bool auto_dns;
	struct config_ips dns; /* unless auto_dns */
	char domain[DHCP_NAME_SIZE];
	uint32_t mtu; /* 0: auto */
	bool dhcp;
	enum nft_guard guard;
	enum dhcp_identity identity;
	bool authoritative, rapid_commit, bootp;
	uint32_t port_leases; /* that the clients behind one port may have beside it; 0: no limit */
	enum config_probe probe;
	uint32_t probe_stock; /* addresses that are probed ahead */
	bool ping;	      /* addresses behind relay agents are asked for */
	uint32_t sweep;	      /* seconds that a round over all given addresses takes; 0: none */
	bool isolate;
	uint32_t uplink_deadline;  /* seconds in which the gateway has to answer; 0: not asked */
	struct config_names reach; /* networks */
	struct config_services host_access;
	uint32_t max_connections; /* of a guest; 0: no limit */
	struct config_rules rules;
	struct config_groups groups;
	struct config_rate rate;   /* of each of its ports */
	struct config_vlans vlans; /* the same */
	struct config_host *host;
	unsigned hosts;
	struct config_port *port;
	unsigned ports;
	bool subnet_selection;
	struct config_relay *relay;
	unsigned relays;
	struct config_options options;
	struct config_classes classes;
	struct config_place place, subnet_place, range_place, grow_place, exclude_place;
	struct config_place snat_place, snat_ports_place;
	struct config_place uplink_place, bridge_place, dhcp_place;
	struct config_place macvtap_mode_place, host_access_place;
	struct config_allows allows;
	bool made;	 /* at run time: it is the state's; then also: */
	uint32_t owner;	 /* uid that made it */
	int64_t created; /* wall clock, seconds */
	char *mistake;	 /* why it cannot be; only the name is valid then. NULL: it can */
};

/* A file as it was read. */
struct config_source {
	const char *file; /* owned by the config */
	char *text;
};

struct config {
	char socket_path[CONFIG_PATH_SIZE]; /* empty: the built-in place */
	char socket_group[64];		    /* empty: none */
	uint32_t socket_mode;
	struct config_prefixes supernet;
	enum mac_policy mac_policy;
	uint8_t mac_prefix[5];
	uint8_t mac_prefix_len;
	struct config_place mac_prefix_place;
	char secret[256]; /* empty: from /etc/machine-id */
	uint32_t trap_group;
	uint32_t max_ports;
	uint32_t max_leases; /* beside those of the ports */
	uint32_t max_clients;
	uint32_t tap_grace; /* seconds */
	enum config_coexist coexist;
	struct config_options options; /* of all networks, as are the classes and groups */
	struct config_classes classes;
	struct config_groups groups;
	struct config_network *network;
	unsigned networks;
	uint32_t max_clients_per_user, max_waiting_per_user; /* not of root and operators */
	struct config_accounts operators;		     /* groups */
	struct config_allows allows;			     /* for all networks */
	struct config_owner *owner; /* in the order of their guests' names */
	unsigned owners;
	char **file; /* names of the files read, which places point to */
	unsigned files;
	struct config_source *source; /* those of them that are files */
	unsigned sources;
};

/* A network that was made at run time: the text of its block, as config_network_print has it. */
struct config_block {
	char name[NAME_SIZE];
	uint32_t owner;
	int64_t created;
	char *text;
};

/*
 * Reads `path` and, beside it, networks.d/ *.conf in order of name. A path that does not exist is
 * an error unless `optional`, and then, with no file at all, the result is the built-in
 * configuration: one network `default`. Errors read "file:line: what is wrong".
 */
MUST_CHECK int config_read(const char *path, bool optional, struct config **ret, struct err *err);
/*
 * What is configured in `old`, as it was read then, and these blocks, each of which is read as if
 * it were a file `state:NAME`. The configuration stands by itself: it cannot name their networks. A
 * block that is wrong does not keep the others from being: it becomes a network with a mistake; one
 * of a name that is configured is left out.
 */
MUST_CHECK int config_read_again(const struct config *old, const struct config_block *block,
				 size_t n, struct config **ret, struct err *err);
void config_free(struct config *c);

/* The canonical form: every key, in one order, so that what is read from it prints the same. */
void config_print(const struct config *c, FILE *out);
void config_network_print(const struct config_network *n, FILE *out);

const struct config_network *config_network_find(const struct config *c, const char *name);
/* The reservation for a guest. */
const struct config_host *config_host_find(const struct config_network *n, const char *guest);
/* Whether it is for a client, and its name says nothing. */
bool config_host_is_client(const struct config_host *h);
/* What holds for a port: of each member the guest's (h; NULL: it has no reservation), or the
 * network's. Members that are 0 are not limited. */
struct config_rate config_rate_of(const struct config_network *n, const struct config_host *h);
bool config_rate_is_set(const struct config_rate *r);
/* The VLANs of a port: the guest's (h; NULL: it has no reservation), or the network's, or 1. */
struct rtnl_vlans config_vlans_of(const struct config_network *n, const struct config_host *h);
/* The same of an interface that joins; 1 where it says nothing. */
struct rtnl_vlans config_vlans_of_port(const struct config_port *p);
/* Whether the network's bridge has to filter VLANs. */
bool config_network_filters(const struct config_network *n);
/* "100" or "200-209" */
enum { CONFIG_VLAN_TEXT = 16 };
const char *config_vlan_text(const struct rtnl_vlan_range *r, char buf[CONFIG_VLAN_TEXT]);
/* The reservations of a network as dhcp/ wants them, pointing into the configuration; freed by
 * dhcp_hosts_free. -ENOMEM. */
MUST_CHECK int config_hosts(const struct config_network *n, const struct siphash_key *key,
			    struct dhcp_hosts **ret, struct err *err);

/* The pool of a network whose subnet is known: its ranges, or the whole subnet, and a stage for
 * each range that it can grow into; gateway, ends and what is excluded taken out. */
MUST_CHECK int config_pool(const struct config_network *n, struct ip4_prefix subnet,
			   struct dhcp_pool **ret, struct err *err);

/* The same for a subnet behind a relay agent. */
MUST_CHECK int config_relay_pool(const struct config_relay *relay, struct dhcp_pool **ret,
				 struct err *err);

const char *config_mode_text(enum bridge_mode mode);
const char *config_guard_text(enum nft_guard guard);

/* Whether netd gives its guests no addresses: the LAN does. */
static inline bool config_network_addressless(const struct config_network *n)
{
	return bridge_mode_lan(n->mode) && n->auto_subnet;
}

/* Whether the network's guests have to do with anything by routing: an isolated one does where it
 * reaches another, or is reached. */
bool config_network_routes(const struct config *c, const struct config_network *n);

/* Longest texts, with NUL, of a service and a rule in their canonical forms. */
enum { CONFIG_SERVICE_SIZE = 16 + 12 * NFT_SERVICE_PORTS, CONFIG_RULE_SIZE = 320 };
const char *config_service_text(const struct nft_service *s, char buf[CONFIG_SERVICE_SIZE]);
const char *config_rule_text(const struct config_rule *r, char buf[CONFIG_RULE_SIZE]);

/* "tcp:8080:80", "udp:5000-5009:6000-6009", or "tcp:443" where the guest's is the same. */
MUST_CHECK int config_published_parse(const char *text, struct config_published *ret,
				      struct err *err);
/* The longest of the forms above. */
const char *config_published_text(const struct config_published *p,
				  char buf[CONFIG_PUBLISHED_TEXT]);
/* Whether it is one that a host can have. */
bool config_address_usable(uint32_t address);
/* Whether what comes to a port of one can be for the other, too. */
bool config_published_overlap(const struct config_published *a, uint32_t a_address,
			      const struct config_published *b, uint32_t b_address);

/* Whose the guest of that name is by its reservation; NULL: none says. */
const struct config_owner *config_owner_find(const struct config *c, const char *guest);

enum { CONFIG_DEVICES_TEXT = 32, CONFIG_ALLOW_PUBLISH_TEXT = 14 * CONFIG_LIST_MAX };
/* "descriptors, tap" */
const char *config_devices_text(unsigned mask, char buf[CONFIG_DEVICES_TEXT]);
/* "8000-8999, 9090"; empty where no port may be published. */
const char *config_allow_publish_text(const struct config_allow *a,
				      char buf[CONFIG_ALLOW_PUBLISH_TEXT]);

#endif

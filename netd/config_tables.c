/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which keys each section has: the tables by which they are read and printed. */
#include <assert.h>

#include "config_keys.h"

static const char *const modes[] = {
	[BRIDGE_MODE_NAT] = "nat",	     [BRIDGE_MODE_ROUTE] = "route",
	[BRIDGE_MODE_ISOLATED] = "isolated", [BRIDGE_MODE_BRIDGE] = "bridge",
	[BRIDGE_MODE_MACVTAP] = "macvtap",   NULL
};
static const char *const macvtap_modes[] = { [RTNL_MACVLAN_BRIDGE] = "bridge",
					     [RTNL_MACVLAN_PRIVATE] = "private",
					     [RTNL_MACVLAN_VEPA] = "vepa",
					     [RTNL_MACVLAN_PASSTHRU] = "passthru",
					     NULL };
static const char *const policies[] = {
	[MAC_POLICY_HASH] = "hash", [MAC_POLICY_RANDOM] = "random", [MAC_POLICY_HOST] = "host", NULL
};
static const char *const identities[] = { [DHCP_IDENTITY_PORT] = "port",
					  [DHCP_IDENTITY_CLIENT_ID] = "client-id",
					  [DHCP_IDENTITY_MAC] = "mac",
					  NULL };
static const char *const guards[] = {
	[NFT_GUARD_OFF] = "off", [NFT_GUARD_LOG] = "log", [NFT_GUARD_ON] = "on", NULL
};
static const char *const probes[] = {
	[CONFIG_PROBE_AUTO] = "auto", [CONFIG_PROBE_ON] = "on", [CONFIG_PROBE_OFF] = "off", NULL
};

static const char *const coexists[] = {
	[CONFIG_COEXIST_NONE] = "none", [CONFIG_COEXIST_DOCKER] = "docker", NULL
};

const char *config_mode_text(enum bridge_mode mode)
{
	return modes[mode];
}

const char *config_guard_text(enum nft_guard guard)
{
	return guards[guard];
}

/* One of the key's words, of which the n-th stands for n in an enum. */
static_assert(sizeof(enum bridge_mode) == sizeof(unsigned) &&
		      sizeof(enum mac_policy) == sizeof(unsigned) &&
		      sizeof(enum dhcp_identity) == sizeof(unsigned) &&
		      sizeof(enum config_probe) == sizeof(unsigned) &&
		      sizeof(enum nft_guard) == sizeof(unsigned) &&
		      sizeof(enum rtnl_macvlan_mode) == sizeof(unsigned),
	      "words are read and written as numbers");

#define PAIR(fn) .parse = config_parse_##fn, .print = config_print_##fn

/* Those of a boot server, which every scope of options has. */
#define BOOT(section)                                                                              \
	{ "next-server", .offset = offsetof(section, options.next_server), PAIR(ip) },             \
	{                                                                                          \
		"boot-file", .offset = offsetof(section, options.boot_file), PAIR(text),           \
			     .max = CONFIG_BOOT_FILE_SIZE,                                         \
			     .place = offsetof(section, options.boot_place)                        \
	}

/* One key for each block `rule`, as config_text.c leaves them. */
#define RULES(section)                                                                             \
	{                                                                                          \
		"rule", .list = true, .offset = offsetof(section, rules), PAIR(rule),              \
			.place = offsetof(section, rules.place)                                    \
	}

/* Of which VLANs a port is. */
#define VLANS(section)                                                                             \
	{ "vlan", .offset = offsetof(section, vlans), PAIR(vlan),                                  \
	  .place = offsetof(section, vlans.place) },                                               \
	{                                                                                          \
		"trunk", .list = true, .offset = offsetof(section, vlans), PAIR(trunk),            \
			 .place = offsetof(section, vlans.place)                                   \
	}

const struct key config_keys_top[] = {
	{ "supernet", .list = true, .offset = offsetof(struct config, supernet), PAIR(supernet) },
	{ "trap-group", .offset = offsetof(struct config, trap_group), PAIR(number), .min = 1,
	  .max = 65534 }, /* the next one is used, too: capture.c */
	{ "max-ports", .offset = offsetof(struct config, max_ports), PAIR(number), .min = 1,
	  .max = 65536 },
	{ "max-leases", .offset = offsetof(struct config, max_leases), PAIR(number),
	  .max = 1048576 },
	{ "max-clients", .offset = offsetof(struct config, max_clients), PAIR(number), .min = 8,
	  .max = 4096 },
	{ "tap-grace", .offset = offsetof(struct config, tap_grace), PAIR(duration), .min = 1,
	  .max = 31 * 86400 },
	{ "coexist", .offset = offsetof(struct config, coexist), PAIR(word), .words = coexists },
	{ "max-clients-per-user", .offset = offsetof(struct config, max_clients_per_user),
	  PAIR(number), .min = 1, .max = 4096 },
	{ "max-waiting-per-user", .offset = offsetof(struct config, max_waiting_per_user),
	  PAIR(number), .min = 1, .max = 4096 },
	{ "operators", .list = true, .offset = offsetof(struct config, operators), PAIR(groups) },
	{ 0 },
};

const struct key config_keys_socket[] = {
	{ "path", .offset = offsetof(struct config, socket_path), .parse = config_parse_path,
	  .print = config_print_text, .max = CONFIG_PATH_SIZE },
	{ "group", .offset = offsetof(struct config, socket_group), PAIR(text), .max = 64 },
	{ "mode", .offset = offsetof(struct config, socket_mode), PAIR(mode_bits) },
	{ 0 },
};

const struct key config_keys_mac[] = {
	{ "policy", .offset = offsetof(struct config, mac_policy), PAIR(word), .words = policies },
	{ "prefix", PAIR(mac_prefix), .place = offsetof(struct config, mac_prefix_place) },
	{ "secret", .offset = offsetof(struct config, secret), PAIR(text),
	  .max = sizeof(((struct config *)0)->secret) },
	{ 0 },
};

#define NETWORK(m) offsetof(struct config_network, m)
#define DURATION(m) .offset = NETWORK(m), PAIR(duration)

const struct key config_keys_network[] = {
	{ "mode", .offset = NETWORK(mode), PAIR(word), .words = modes },
	{ "uplink", .offset = NETWORK(uplink), PAIR(link), .place = NETWORK(uplink_place) },
	{ "uplink-deadline", .offset = NETWORK(uplink_deadline), .parse = config_parse_duration,
	  .print = config_print_deadline, .min = 0, .max = 600 },
	{ "bridge", .offset = NETWORK(bridge), PAIR(link), .place = NETWORK(bridge_place) },
	{ "macvtap-mode", .offset = NETWORK(macvtap_mode), .parse = config_parse_word,
	  .print = config_print_macvtap_mode, .words = macvtap_modes,
	  .place = NETWORK(macvtap_mode_place) },
	{ "subnet", PAIR(subnet), .place = NETWORK(subnet_place) },
	{ "range", .list = true, .offset = NETWORK(ranges), PAIR(range),
	  .place = NETWORK(range_place) },
	{ "grow", .list = true, .offset = NETWORK(grow), PAIR(range),
	  .place = NETWORK(grow_place) },
	{ "exclude", .list = true, .offset = NETWORK(exclude), PAIR(range),
	  .place = NETWORK(exclude_place) },
	{ "lease-time", DURATION(lease_time), .min = 30, .max = DHCP_INFINITE },
	{ "min-lease-time", DURATION(min_lease_time), .min = 30, .max = DHCP_INFINITE },
	{ "max-lease-time", DURATION(max_lease_time), .min = 30, .max = DHCP_INFINITE },
	{ "offer-hold", DURATION(offer_hold), .min = 1, .max = 3600 },
	{ "quarantine", DURATION(quarantine), .min = 1, .max = 31 * 86400 },
	{ "keep-leases", .offset = NETWORK(keep_leases), PAIR(bool) },
	{ "dns", .list = true, PAIR(dns) },
	{ "domain", .offset = NETWORK(domain), .parse = config_parse_name,
	  .print = config_print_text, .max = DHCP_NAME_SIZE },
	{ "mtu", .offset = NETWORK(mtu), PAIR(mtu), .min = CONFIG_MTU_MIN, .max = CONFIG_MTU_MAX },
	{ "dhcp", .offset = NETWORK(dhcp), PAIR(bool), .place = NETWORK(dhcp_place) },
	{ "guard", .offset = NETWORK(guard), PAIR(word), .words = guards },
	{ "identity", .offset = NETWORK(identity), PAIR(word), .words = identities },
	{ "port-leases", .offset = NETWORK(port_leases), PAIR(number), .max = 1048576 },
	{ "authoritative", .offset = NETWORK(authoritative), PAIR(bool) },
	{ "rapid-commit", .offset = NETWORK(rapid_commit), PAIR(bool) },
	{ "subnet-selection", .offset = NETWORK(subnet_selection), PAIR(bool) },
	{ "bootp", .offset = NETWORK(bootp), PAIR(bool) },
	{ "probe", .offset = NETWORK(probe), PAIR(word), .words = probes },
	{ "probe-stock", .offset = NETWORK(probe_stock), PAIR(number), .min = 0, .max = 32 },
	{ "ping", .offset = NETWORK(ping), PAIR(bool) },
	{ "sweep", DURATION(sweep), .min = 0, .max = 86400 },
	{ "isolate", .offset = NETWORK(isolate), PAIR(bool) },
	{ "reach", .list = true, .offset = NETWORK(reach), PAIR(names),
	  .place = NETWORK(reach.place) },
	{ "host-access", .list = true, PAIR(host_access), .place = NETWORK(host_access_place) },
	{ "max-connections", .offset = NETWORK(max_connections), PAIR(number), .max = 1048576 },
	VLANS(struct config_network),
	RULES(struct config_network),
	{ "snat", .offset = NETWORK(snat), PAIR(snat), .place = NETWORK(snat_place) },
	{ "snat-ports", .offset = NETWORK(snat_ports), PAIR(ports),
	  .place = NETWORK(snat_ports_place) },
	BOOT(struct config_network),
	{ 0 },
};

const struct key config_keys_host[] = {
	{ "match-mac", .offset = offsetof(struct config_host, match_mac), PAIR(mac),
	  .place = offsetof(struct config_host, match_mac_place) },
	{ "match-client-id", .offset = offsetof(struct config_host, match_id), PAIR(client_id),
	  .place = offsetof(struct config_host, match_id_place) },
	{ "mac", .offset = offsetof(struct config_host, mac), PAIR(mac),
	  .place = offsetof(struct config_host, mac_place) },
	{ "address", .offset = offsetof(struct config_host, address), PAIR(ip),
	  .place = offsetof(struct config_host, address_place) },
	{ "also", .list = true, .offset = offsetof(struct config_host, also), PAIR(ips),
	  .place = offsetof(struct config_host, also_place) },
	{ "hostname", .offset = offsetof(struct config_host, hostname), .parse = config_parse_name,
	  .print = config_print_text, .max = DHCP_NAME_SIZE },
	{ "groups", .list = true, .offset = offsetof(struct config_host, groups), PAIR(names),
	  .place = offsetof(struct config_host, groups.place) },
	VLANS(struct config_host),
	RULES(struct config_host),
	BOOT(struct config_host),
	{ "owner", .offset = offsetof(struct config_host, owner), PAIR(user),
	  .place = offsetof(struct config_host, owner_place) },
	{ 0 },
};

const struct key config_keys_port[] = {
	{ "serve", .offset = offsetof(struct config_port, serve), PAIR(bool) },
	{ "trusted", .offset = offsetof(struct config_port, trusted), PAIR(bool) },
	VLANS(struct config_port),
	{ 0 },
};

#define RATE(m)                                                                                    \
	.offset = offsetof(struct config_rate, m), .place = offsetof(struct config_rate, place)

const struct key config_keys_rate[] = {
	{ "in", RATE(in), PAIR(rate) },
	{ "out", RATE(out), PAIR(rate) },
	{ "burst", RATE(burst), PAIR(burst) },
	{ 0 },
};

const struct key config_keys_relay[] = {
	{ "range", .list = true, .offset = offsetof(struct config_relay, ranges), PAIR(range),
	  .place = offsetof(struct config_relay, range_place) },
	BOOT(struct config_relay),
	{ 0 },
};

const struct key config_keys_group[] = {
	RULES(struct config_group),
	{ 0 },
};

#define PATTERN(m)                                                                                 \
	.offset = offsetof(struct config_class, match.m), .max = DHCP_PATTERN_SIZE,                \
	.print = config_print_text

const struct key config_keys_class[] = {
	{ "vendor-class", PATTERN(vendor_class), .parse = config_parse_pattern },
	{ "user-class", PATTERN(user_class), .parse = config_parse_pattern },
	{ "hostname", PATTERN(hostname), .parse = config_parse_name_pattern },
	{ "circuit-id", PATTERN(circuit_id), .parse = config_parse_pattern },
	{ "remote-id", PATTERN(remote_id), .parse = config_parse_pattern },
	{ "arch", .list = true, .offset = offsetof(struct config_class, match), PAIR(arch) },
	{ "mac-prefix", .offset = offsetof(struct config_class, match), PAIR(class_mac) },
	BOOT(struct config_class),
	{ 0 },
};

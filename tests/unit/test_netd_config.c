/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration: what each key does, that the canonical form is one, and networks.d.
 * What is said of mistakes is in test_netd_config_mistakes.c.
 */
#include <sys/stat.h>

#include "config_kit.h"

/* --- keys --- */

static const char everything_printed[] =
	"supernet = { 10.128.0.0/9, 192.168.0.0/16 }\n"
	"trap-group = 7\n"
	"max-ports = 100\n"
	"max-leases = 0\n"
	"max-clients = 10\n"
	"tap-grace = 90s\n"
	"coexist = docker\n"
	"max-clients-per-user = 64\n"
	"max-waiting-per-user = 32\n"
	"socket {\n"
	"	path = /run/x/netd.sock\n"
	"	group = kvm\n"
	"	mode = 0600\n"
	"}\n"
	"mac {\n"
	"	policy = random\n"
	"	prefix = 52:54:00\n"
	"	secret = 'a b\\'c\\\\d'\n"
	"}\n"
	"option ntp-servers { value = { 10.9.9.9 } }\n"
	"class first {\n"
	"	vendor-class = 'PXEClient*'\n"
	"	user-class = iPXE\n"
	"	hostname = 'web-?'\n"
	"	circuit-id = 'port *'\n"
	"	remote-id = x\n"
	"	arch = { 7, 9 }\n"
	"	mac-prefix = 52:54:00\n"
	"	next-server = 10.0.0.1\n"
	"	option boot-file-name { value = { a.efi } }\n"
	"}\n"
	"group front {\n"
	"	rule { allow in icmp from network blue }\n"
	"	rule { deny in any from 192.0.2.1 }\n"
	"}\n"
	"network blue {\n"
	"	mode = route\n"
	"	subnet = 10.77.0.1/24\n"
	"	range = { 10.77.0.50-10.77.0.199, 10.77.0.7-10.77.0.7 }\n"
	"	grow = { 10.77.0.240-10.77.0.249, 10.77.0.8-10.77.0.9 }\n"
	"	exclude = { 10.77.0.60-10.77.0.60, 10.77.0.70-10.77.0.79 }\n"
	"	lease-time = 2h\n"
	"	min-lease-time = 90s\n"
	"	max-lease-time = infinite\n"
	"	offer-hold = 10s\n"
	"	quarantine = 36h\n"
	"	keep-leases = on\n"
	"	dns = { 1.1.1.1, 9.9.9.9 }\n"
	"	domain = vm.internal\n"
	"	mtu = 1400\n"
	"	dhcp = off\n"
	"	guard = log\n"
	"	identity = client-id\n"
	"	port-leases = 0\n"
	"	authoritative = off\n"
	"	rapid-commit = on\n"
	"	subnet-selection = on\n"
	"	bootp = off\n"
	"	probe = on\n"
	"	probe-stock = 3\n"
	"	ping = on\n"
	"	sweep = 90s\n"
	"	isolate = on\n"
	"	host-access = { tcp:8000, udp:9000-9010, icmp }\n"
	"	max-connections = 100\n"
	"	rule { allow in tcp:22,80 from 10.0.0.0/8 }\n"
	"	rule { deny out any }\n"
	"	next-server = 10.77.0.9\n"
	"	option ntp-servers { value = { 10.77.0.1, 10.77.0.2 } }\n"
	"	option boot-file-name { value = { 'it\\'s a.efi' } }\n"
	"	rate {\n"
	"		in = 100mbit\n"
	"		out = 1500kbit\n"
	"	}\n"
	"	class any {\n"
	"		mac-prefix = 02:00:00:00:00:01\n"
	"	}\n"
	"	group back {\n"
	"		rule { allow in tcp:5432 from group front }\n"
	"	}\n"
	"	host web1 {\n"
	"		mac = 52:54:00:12:34:56\n"
	"		address = 10.77.0.10\n"
	"		also = { 10.77.0.200, 10.77.0.201 }\n"
	"		hostname = web\n"
	"		boot-file = 'a b.efi'\n"
	"		option tftp-server-name { value = { tftp.example } }\n"
	"		rate {\n"
	"			out = unlimited\n"
	"			burst = 64kb\n"
	"		}\n"
	"	}\n"
	"	host db.1 {\n"
	"		groups = { back, front }\n"
	"		rule { allow out udp:53 }\n"
	"	}\n"
	"	host printer {\n"
	"		match-mac = 02:00:00:00:00:09\n"
	"		match-client-id = 6c:61:73:65:72:20:37\n"
	"		address = 10.77.0.11\n"
	"	}\n"
	"	host web2 {\n"
	"		match-client-id = 01:0a:ff\n"
	"		address = 10.9.0.20\n"
	"	}\n"
	"	port eth9 {\n"
	"		serve = on\n"
	"		trusted = off\n"
	"	}\n"
	"	port veth7 {\n"
	"		serve = off\n"
	"		trusted = on\n"
	"	}\n"
	"	relay 10.9.0.1/24 {\n"
	"		range = { 10.9.0.100-10.9.0.199 }\n"
	"		option ntp-servers { value = { 10.9.0.2 } }\n"
	"	}\n"
	"}\n";

START_TEST(prints_everything)
{
	CLEAN_CONFIG struct config *c = config_must_read(config_everything);
	CLEAN_FREE char *text = config_printed(c);

	ck_assert_str_eq(text, everything_printed);
}
END_TEST

START_TEST(reads_the_daemons_keys)
{
	CLEAN_CONFIG struct config *c = config_must_read(config_everything);

	ck_assert_str_eq(c->socket_path, "/run/x/netd.sock");
	ck_assert_str_eq(c->socket_group, "kvm");
	ck_assert_uint_eq(c->socket_mode, 0600);
	ck_assert_uint_eq(c->supernet.n, 2);
	ck_assert_uint_eq(c->supernet.at[1].addr, 0xc0a80000);
	ck_assert_uint_eq(c->supernet.at[1].len, 16);
	ck_assert_uint_eq(c->trap_group, 7);
	ck_assert_uint_eq(c->max_ports, 100);
	ck_assert_uint_eq(c->max_clients, 10);
	ck_assert_uint_eq(c->tap_grace, 90);
	ck_assert_int_eq(c->coexist, CONFIG_COEXIST_DOCKER);
	ck_assert_int_eq(c->mac_policy, MAC_POLICY_RANDOM);
	ck_assert_uint_eq(c->mac_prefix_len, 3);
	ck_assert_mem_eq(c->mac_prefix, "\x52\x54\x00", 3);
	ck_assert_str_eq(c->secret, "a b'c\\d");
	ck_assert_uint_eq(c->networks, 1);
	ck_assert_uint_eq(c->files, 1);
}
END_TEST

START_TEST(reads_a_networks_keys)
{
	CLEAN_CONFIG struct config *c = config_must_read(config_everything);
	const struct config_network *n = config_network_find(c, "blue");

	ck_assert_ptr_nonnull(n);
	ck_assert_int_eq(n->mode, BRIDGE_MODE_ROUTE);
	ck_assert(!n->auto_subnet && !n->auto_dns && !n->dhcp);
	ck_assert_uint_eq(n->subnet.addr, 0x0a4d0001);
	ck_assert_uint_eq(n->ranges.n, 2);
	ck_assert_uint_eq(n->ranges.at[0].last, 0x0a4d00c7);
	ck_assert_uint_eq(n->ranges.at[1].first, n->ranges.at[1].last);
	ck_assert_uint_eq(n->lease_time, 7200);
	ck_assert_uint_eq(n->min_lease_time, 90);
	ck_assert_uint_eq(n->max_lease_time, DHCP_INFINITE);
	ck_assert_uint_eq(n->offer_hold, 10);
	ck_assert_uint_eq(n->quarantine, 129600);
	ck_assert(n->keep_leases);
	ck_assert_uint_eq(n->grow.n, 2);
	ck_assert_uint_eq(n->grow.at[1].last, 0x0a4d0009);
	ck_assert_uint_eq(n->exclude.n, 2);
	ck_assert_uint_eq(n->exclude.at[0].last, 0x0a4d003c);
	ck_assert_uint_eq(n->dns.n, 2);
	ck_assert_uint_eq(n->dns.at[0], 0x01010101);
	ck_assert_str_eq(n->domain, "vm.internal");
	ck_assert_uint_eq(n->mtu, 1400);
	ck_assert(!n->bootp);
	ck_assert_uint_eq(n->hosts, 4);
	ck_assert_ptr_null(config_network_find(c, "Blue"));
}
END_TEST

/* The line in which the block begins, comments and all. */
START_TEST(remembers_places)
{
	CLEAN_CONFIG struct config *c = config_must_read(config_everything);
	const struct config_network *n = &c->network[0];

	ck_assert_str_eq(n->place.file, scratch_path("netd.conf"));
	ck_assert_int_eq(n->place.line, 11);
	ck_assert_int_eq(n->subnet_place.line, 13);
	ck_assert_int_eq(n->range_place.line, 14);
	ck_assert_int_eq(n->grow_place.line, 14);
	ck_assert_int_eq(n->exclude_place.line, 14);
	ck_assert_int_eq(n->host[0].place.line, 35);
	ck_assert_int_eq(n->host[0].mac_place.line, 36);
	ck_assert_int_eq(n->host[0].address_place.line, 37);
	ck_assert_int_eq(n->host[1].place.line, 42);
	ck_assert_int_eq(n->host[2].match_mac_place.line, 44);
	ck_assert_int_eq(n->host[2].match_id_place.line, 44);
}
END_TEST

static void assert_option(const struct config_options *o, uint8_t code, const char *data,
			  size_t len)
{
	size_t is;
	const uint8_t *at = dhcp_option_set_get(o->wire, code, &is);

	ck_assert_ptr_nonnull(at);
	ck_assert_uint_eq(is, len);
	ck_assert_mem_eq(at, data, len);
}

/* In wire form: what option blocks say, and what keys say that are options. */
START_TEST(encodes_options)
{
	CLEAN_CONFIG struct config *c = config_must_read(config_everything);
	const struct config_network *n = &c->network[0];
	size_t len;

	assert_option(&c->options, 42, "\x0a\x09\x09\x09", 4);
	assert_option(&n->options, 42, "\x0a\x4d\x00\x01\x0a\x4d\x00\x02", 8);
	assert_option(&n->options, 67, "it's a.efi", 10);
	assert_option(&n->options, 6, "\1\1\1\1\x09\x09\x09\x09", 8);
	assert_option(&n->options, 15, "vm.internal", 11);
	ck_assert_ptr_null(dhcp_option_set_get(n->options.wire, 66, &len));
	assert_option(&n->host[0].options, 67, "a b.efi", 7);
	ck_assert_uint_eq(dhcp_option_set_get_next_server(n->options.wire), 0x0a4d0009);
	ck_assert_uint_eq(dhcp_option_set_get_next_server(n->host[0].options.wire), 0);
	assert_option(&n->host[0].options, 66, "tftp.example", 12);
	ck_assert_ptr_null(n->host[1].options.wire);
}
END_TEST

/* As dhcp/ matches them: in the order of the file, each with its options. */
START_TEST(reads_classes)
{
	CLEAN_CONFIG struct config *c = config_must_read(config_everything);
	const struct config_class *first = &c->classes.at[0], *any = &c->network[0].classes.at[0];

	ck_assert_uint_eq(c->classes.n, 1);
	ck_assert_uint_eq(c->network[0].classes.n, 1);
	ck_assert_str_eq(first->match.vendor_class, "PXEClient*");
	ck_assert_str_eq(first->match.hostname, "web-?");
	ck_assert_uint_eq(first->match.archs, 2);
	ck_assert_uint_eq(first->match.arch[1], 9);
	ck_assert_uint_eq(first->match.mac_prefix_len, 3);
	ck_assert_mem_eq(first->match.mac_prefix, "\x52\x54\x00", 3);
	ck_assert_ptr_eq(first->match.options, first->options.wire);
	assert_option(&first->options, 67, "a.efi", 5);
	ck_assert_uint_eq(any->match.mac_prefix_len, 6);
	ck_assert_ptr_null(any->match.options);
}
END_TEST

START_TEST(finds_hosts)
{
	CLEAN_CONFIG struct config *c = config_must_read(config_everything);
	const struct config_network *n = &c->network[0];

	ck_assert_ptr_eq(config_host_find(n, "web1"), &n->host[0]);
	ck_assert_ptr_eq(config_host_find(n, "db.1"), &n->host[1]);
	ck_assert_ptr_null(config_host_find(n, "web"));
	ck_assert_uint_eq(n->host[0].address, 0x0a4d000a);
	ck_assert_str_eq(n->host[0].hostname, "web");
	ck_assert(mac_is_zero(&n->host[1].mac));
	ck_assert_uint_eq(n->host[1].address, 0);
	ck_assert_str_eq(n->host[1].hostname, "");
	/* A client's is not a guest's, whatever its name. */
	ck_assert_ptr_null(config_host_find(n, "printer"));
	ck_assert_ptr_null(config_host_find(n, "web2"));
}
END_TEST

/* As dhcp/ wants them: clients by what matches them, guests' addresses as nobody's. */
START_TEST(makes_hosts)
{
	static const struct siphash_key key = { "hosts" };
	CLEAN_CONFIG struct config *c = config_must_read(config_everything);
	const struct mac mac = { { 2, 0, 0, 0, 0, 9 } };
	const struct dhcp_host *host;
	struct dhcp_hosts *hosts;

	ck_ok(config_hosts(&c->network[0], &key, &hosts, &unit_err));
	host = dhcp_hosts_find(hosts, &mac, NULL, 0);
	ck_assert_ptr_nonnull(host);
	ck_assert_uint_eq(host->addr, 0x0a4d000b);
	ck_assert_ptr_eq(dhcp_hosts_find(hosts, NULL, (const uint8_t *)"laser 7", 7), host);
	ck_assert_ptr_eq(dhcp_hosts_at(hosts, 0x0a4d000b), host);
	host = dhcp_hosts_find(hosts, NULL, (const uint8_t *)"\x01\x0a\xff", 3);
	ck_assert_ptr_nonnull(host);
	ck_assert_uint_eq(host->addr, 0x0a090014);
	host = dhcp_hosts_at(hosts, 0x0a4d000a);
	ck_assert_ptr_nonnull(host);
	ck_assert_ptr_null(host->client_id);
	ck_assert(mac_is_zero(&host->mac));
	dhcp_hosts_free(hosts);
}
END_TEST

/* --- defaults --- */

#define DEFAULTS_PRINTED                                                                           \
	"supernet = { 10.64.0.0/10 }\n"                                                            \
	"trap-group = 28260\n"                                                                     \
	"max-ports = 4096\n"                                                                       \
	"max-leases = 4096\n"                                                                      \
	"max-clients = 512\n"                                                                      \
	"tap-grace = 1m\n"                                                                         \
	"coexist = none\n"                                                                         \
	"max-clients-per-user = 64\n"                                                              \
	"max-waiting-per-user = 32\n"                                                              \
	"socket {\n"                                                                               \
	"	mode = 0660\n"                                                                           \
	"}\n"                                                                                      \
	"mac {\n"                                                                                  \
	"	policy = hash\n"                                                                         \
	"}\n"

#define DEFAULT_NETWORK_PRINTED                                                                    \
	"network default {\n"                                                                      \
	"	mode = nat\n"                                                                            \
	"	subnet = auto\n"                                                                         \
	"	lease-time = 1h\n"                                                                       \
	"	min-lease-time = 2m\n"                                                                   \
	"	max-lease-time = 1d\n"                                                                   \
	"	offer-hold = 1m\n"                                                                       \
	"	quarantine = 1h\n"                                                                       \
	"	keep-leases = off\n"                                                                     \
	"	dns = { auto }\n"                                                                        \
	"	mtu = auto\n"                                                                            \
	"	dhcp = on\n"                                                                             \
	"	guard = on\n"                                                                            \
	"	identity = port\n"                                                                       \
	"	port-leases = 16\n"                                                                      \
	"	authoritative = on\n"                                                                    \
	"	rapid-commit = off\n"                                                                    \
	"	subnet-selection = off\n"                                                                \
	"	bootp = on\n"                                                                            \
	"	probe = auto\n"                                                                          \
	"	probe-stock = 8\n"                                                                       \
	"	ping = off\n"                                                                            \
	"	sweep = 5s\n"                                                                            \
	"	isolate = off\n"                                                                         \
	"	max-connections = 16384\n"                                                               \
	"}\n"

/* A file without networks has none; without a file there is one. */
START_TEST(empty_file)
{
	static const char *const empty[] = { "", "\n", "# nothing", "/* nothing */",
					     "\n\n\n// x\n" };
	CLEAN_CONFIG struct config *c = config_must_read(empty[_i]);
	CLEAN_FREE char *text = config_printed(c);

	ck_assert_str_eq(text, DEFAULTS_PRINTED);
}
END_TEST

START_TEST(no_file)
{
	CLEAN_CONFIG struct config *c = NULL;
	CLEAN_FREE char *text = NULL;

	ck_ok(config_read(scratch_path("none.conf"), true, &c, &unit_err));
	text = config_printed(c);
	ck_assert_str_eq(text, DEFAULTS_PRINTED DEFAULT_NETWORK_PRINTED);
	ck_assert_uint_eq(c->files, 0);
	ck_assert_ptr_null(c->network[0].place.file);
}
END_TEST

/* The built-in network is as one that is written without any key. */
START_TEST(network_without_keys)
{
	CLEAN_CONFIG struct config *c = config_must_read("network default {}");
	CLEAN_FREE char *text = config_printed(c);

	ck_assert_str_eq(text, DEFAULTS_PRINTED DEFAULT_NETWORK_PRINTED);
}
END_TEST

static void cannot_read(const char *path, int code, const char *why)
{
	struct config *c = NULL;
	char expected[600];
	struct err err;

	ck_assert_int_eq(config_read(path, false, &c, &err), -code);
	snprintf(expected, sizeof(expected), "%s: %s", path, why);
	ck_assert_str_eq(err.text, expected);
	ck_assert_ptr_null(c);
}

START_TEST(file_that_cannot_be_read)
{
	const char *big = scratch_path("big.conf"), *bytes = scratch_path("bytes.conf");
	CLEAN_FREE char *spaces = malloc((1 << 20) + 1);

	memset(spaces, ' ', (1 << 20) + 1);
	scratch_write(big, spaces, (1 << 20) + 1);
	scratch_write(bytes, "# a\0b\n", 6);
	cannot_read(scratch_path("none.conf"), ENOENT, "No such file or directory");
	cannot_read(scratch_path("."), EISDIR, "Is a directory");
	cannot_read(big, EINVAL, "larger than 1 MiB");
	cannot_read(bytes, EINVAL, "not a text file");
}
END_TEST

/* --- values --- */

/* A key of a network and what its value prints as. */
static const struct {
	const char *key, *printed;
} values[] = {
	{ "lease-time = 30", "lease-time = 30s\n\tmin-lease-time = 30s" },
	{ "lease-time = 119s", "lease-time = 119s\n\tmin-lease-time = 119s" },
	{ "lease-time = 60m", "lease-time = 1h" },
	{ "lease-time = 1h30m", "lease-time = 90m" },
	{ "lease-time = 7d", "lease-time = 1w\n\tmin-lease-time = 2m\n\tmax-lease-time = 1w" },
	{ "lease-time = 1w1d1h1m1s", "lease-time = 694861s" },
	{ "lease-time = infinite",
	  "lease-time = infinite\n\tmin-lease-time = 2m\n\tmax-lease-time = infinite" },
	{ "lease-time = 4294967294", "lease-time = 4294967294s" },
	{ "min-lease-time = 1h", "min-lease-time = 1h" },
	{ "max-lease-time = 1h", "max-lease-time = 1h" },
	{ "offer-hold = 1", "offer-hold = 1s" },
	{ "offer-hold = 1h", "offer-hold = 1h" },
	{ "quarantine = 31d", "quarantine = 31d" },
	{ "mode = nat", "mode = nat" },
	{ "mode = isolated", "mode = isolated" },
	{ "subnet = auto", "subnet = auto" },
	{ "subnet = 10.0.0.1/8", "subnet = 10.0.0.1/8" },
	{ "subnet = 10.0.0.2/30", "subnet = 10.0.0.2/30" },
	{ "subnet = 10.77.0.254/24", "subnet = 10.77.0.254/24" },
	{ "dns = auto", "dns = { auto }" },
	{ "dns = 1.1.1.1", "dns = { 1.1.1.1 }" },
	{ "dns = { 1.1.1.1 }\n dns += { 2.2.2.2 }", "dns = { 1.1.1.1, 2.2.2.2 }" },
	{ "dns = { 1.1.1.1, }", "dns = { 1.1.1.1 }" },
	{ "domain = a", "domain = a" },
	{ "mtu = auto", "mtu = auto" },
	{ "mtu = 576", "mtu = 576" },
	{ "mtu = 65521", "mtu = 65521" },
	{ "dhcp = on", "dhcp = on" },
	{ "guard = log", "guard = log" },
	{ "guard = off", "guard = off" },
	{ "dhcp = yes", "dhcp = on" },
	{ "dhcp = true", "dhcp = on" },
	{ "dhcp = off", "dhcp = off" },
	{ "dhcp = no", "dhcp = off" },
	{ "dhcp = false", "dhcp = off" },
	{ "probe = auto", "probe = auto" },
	{ "probe = off", "probe = off" },
	{ "probe-stock = 0", "probe-stock = 0" },
	{ "ping = yes", "ping = on" },
	{ "ping = off", "ping = off" },
	{ "sweep = 0", "sweep = 0s" },
	{ "sweep = 1", "sweep = 1s" },
	{ "sweep = 24h", "sweep = 1d" },
	{ "mode='route'", "mode = route" },
	{ "option 42 { value = 1.1.1.1 }", "option ntp-servers { value = { 1.1.1.1 } }" },
	{ "option 200 { value = 01:02 }", "option 200 { value = { 01:02 } }" },
};

START_TEST(value)
{
	char text[256], line[256];
	CLEAN_CONFIG struct config *c = NULL;
	CLEAN_FREE char *out = NULL;

	snprintf(text, sizeof(text), IN_NETWORK("%s"), values[_i].key);
	c = config_must_read(text);
	out = config_printed(c);
	snprintf(line, sizeof(line), "\n\t%s\n", values[_i].printed);
	ck_assert_msg(strstr(out, line) != NULL, "no '%s' in:\n%s", values[_i].printed, out);
}
END_TEST

START_TEST(mac_prefix_of_any_length)
{
	static const char *const prefixes[] = { "2", "52:54", "52:54:00", "a:b:c:d", "2:2:3:4:5" };
	static const char *const texts[] = { "02", "52:54", "52:54:00", "0a:0b:0c:0d",
					     "02:02:03:04:05" };
	char text[64], line[64];
	CLEAN_CONFIG struct config *c = NULL;
	CLEAN_FREE char *out = NULL;

	snprintf(text, sizeof(text), "mac { prefix = %s }", prefixes[_i]);
	c = config_must_read(text);
	ck_assert_uint_eq(c->mac_prefix_len, (unsigned)_i + 1);
	out = config_printed(c);
	snprintf(line, sizeof(line), "\tprefix = %s\n", texts[_i]);
	ck_assert_ptr_nonnull(strstr(out, line));
}
END_TEST

/* --- canonical form --- */

static const char *const corpus[] = {
	"",
	config_everything,
	everything_printed,
	DEFAULTS_PRINTED DEFAULT_NETWORK_PRINTED,
	"network a { } network b { mode = isolated } network c { mode = route mtu = 9000 }",
	"socket { path = \"//run/netd.sock\" group = \"a,b\" }",
	"socket { path = '/run/a b' mode = 0 }",
	"mac { secret = '' }",
	"mac { secret = \"'\\\\'\" }",
	"mac { secret = '\"${HOME}\" $x # /* no */ // {a} = b' }",
	"mac { secret = \"\xc3\xa4\xff\" policy = host prefix = 2:3:4 }",
	"mac { secret = 'a\\nb' }",
	"network a { subnet = 10.0.0.1/8 range = { 10.0.0.0-10.255.255.255 } }",
	"network a { option 67 { value = \"a\\nb\\tc\\x01 'd' \\\\e\" } }",
	"network a { option 67 { value = \"//x\" } option 66 { value = \" \" } }",
	"network a { option 43 { value = 01:a0:ff } option domain-search { value = { a.b, c } } }",
	"network a { option 121 { value = { '10.0.0.0/8 via 10.77.0.2', '0.0.0.0/0 via 1.1.1.1' } } }",
	"network a { option 43 { value = { 'pxe-boot-menu 0 a', '7 ip 1.1.1.1', end } } }",
	"network a { option 125 { value = '9 1 u8 1' } option 175 { value = '176 u8 1' } }",
	"network a { host b { option 67 { value = ',' } hostname = B.C } host c { } }",
	"network a { lease-time = infinite } network b { lease-time = 45s }",
	"network a { next-server = 1.1.1.1 class b { arch = 1 next-server = 2.2.2.2 boot-file = x } }",
	"class a { arch = 0 } network a { class a { vendor-class = \"a\\xff\" } class b { arch = 1 } }",
	"option 42 { value = 1.1.1.1 } option 100 { value = 'a b' } network a { }",
	"network a { max-lease-time = 1w min-lease-time = 30 lease-time = 1d1s }",
	"network a { snat = 192.0.2.10-192.0.2.13 snat-ports = 20000-29999 }",
	"network a { snat = 192.0.2.10 snat-ports = 7 publish { guest = b port = udp:53 } }",
	"network a { publish { guest = b nic = 1 address = 127.0.0.1 port = { tcp:80:8080,"
	" tcp:1024-2047:64512-65535 } } publish { guest = b port = udp:80 address = 192.0.2.2 } }",
};

START_TEST(canonical)
{
	CLEAN_CONFIG struct config *c = config_must_read(corpus[_i]), *again = NULL, *third = NULL;
	CLEAN_FREE char *once = config_printed(c), *twice = NULL, *thrice = NULL;

	again = config_must_read(once);
	twice = config_printed(again);
	ck_assert_str_eq(twice, once);
	third = config_must_read(twice);
	thrice = config_printed(third);
	ck_assert_str_eq(thrice, twice);
	ck_assert_uint_eq(again->networks, c->networks);
	for (unsigned i = 0; i < c->networks; i++)
		ck_assert_uint_eq(again->network[i].options.n, c->network[i].options.n);
	ck_assert_uint_eq(again->options.n, c->options.n);
	ck_assert_str_eq(again->secret, c->secret);
	ck_assert_str_eq(again->socket_path, c->socket_path);
}
END_TEST

static void check_character(char c)
{
	char two[3] = { c, 'x', 0 }, text[64];
	CLEAN_CONFIG struct config *config = NULL;
	size_t size;
	char *quoted;
	FILE *out = open_memstream(&quoted, &size);

	config_write_text(two, out);
	fclose(out);
	snprintf(text, sizeof(text), "network a { option 67 { value = %s } }", quoted);
	free(quoted);
	config = config_must_read(text);
	assert_option(&config->network[0].options, 67, two, 2);
}

/* Printed and read again, a text is what it was, whatever is in it. */
START_TEST(every_character)
{
	for (int c = 1; c < 256; c++)
		check_character((char)c);
}
END_TEST

/* --- networks.d --- */

static void write_network(const char *leaf, const char *text)
{
	char path[64];

	mkdir(scratch_path("networks.d"), 0700);
	snprintf(path, sizeof(path), "networks.d/%s", leaf);
	scratch_write_text(scratch_path(path), text);
}

/* In order of name, after the file itself; what is not *.conf, or hidden, is left alone. */
START_TEST(directory_in_order)
{
	static const char *const order[] = { "main", "ten", "nine", "B", "a" };
	CLEAN_CONFIG struct config *c = NULL;

	write_network("a.conf", "network a { }");
	write_network("B.conf", "network B { }");
	write_network("10-ten.conf", "network ten { }");
	write_network("9-nine.conf", "network nine { }");
	write_network(".hidden.conf", "network hidden { }");
	write_network(".conf", "network hidden { }");
	write_network("a.conf~", "network backup { }");
	write_network("README", "see netd.conf(5)");
	c = config_must_read("network main { }");
	ck_assert_uint_eq(c->networks, ARRAY_SIZE(order));
	for (unsigned i = 0; i < ARRAY_SIZE(order); i++)
		ck_assert_str_eq(c->network[i].name, order[i]);
	ck_assert_str_eq(c->network[4].place.file, scratch_path("networks.d/a.conf"));
	ck_assert_uint_eq(c->files, 5);
}
END_TEST

/* Then there is a file, and so no built-in network. */
START_TEST(directory_alone)
{
	CLEAN_CONFIG struct config *c = NULL;

	write_network("a.conf", "network a { }");
	ck_ok(config_read(scratch_path("netd.conf"), true, &c, &unit_err));
	ck_assert_uint_eq(c->networks, 1);
	ck_assert_str_eq(c->network[0].name, "a");
}
END_TEST

START_TEST(directory_that_is_empty)
{
	CLEAN_CONFIG struct config *c = NULL;

	ck_assert_int_eq(mkdir(scratch_path("networks.d"), 0700), 0);
	ck_ok(config_read(scratch_path("netd.conf"), true, &c, &unit_err));
	ck_assert_str_eq(c->network[0].name, "default");
}
END_TEST

/* Networks must not vanish because their directory could not be read. */
START_TEST(directory_that_is_none)
{
	struct config *c = NULL;
	char expected[600];
	struct err err;

	scratch_write_text(scratch_path("netd.conf"), "");
	scratch_write_text(scratch_path("networks.d"), "");
	ck_assert_int_eq(config_read(scratch_path("netd.conf"), false, &c, &err), -ENOTDIR);
	snprintf(expected, sizeof(expected), "%s: Not a directory", scratch_path("networks.d"));
	ck_assert_str_eq(err.text, expected);
}
END_TEST

/* A path is a path and no pattern. */
START_TEST(directory_with_a_strange_name)
{
	CLEAN_CONFIG struct config *c = NULL;

	ck_assert_int_eq(mkdir(scratch_path("[a]*?"), 0700), 0);
	ck_assert_int_eq(mkdir(scratch_path("[a]*?/networks.d"), 0700), 0);
	scratch_write_text(scratch_path("[a]*?/networks.d/a.conf"), "network a { }");
	ck_ok(config_read(scratch_path("[a]*?/netd.conf"), true, &c, &unit_err));
	ck_assert_str_eq(c->network[0].name, "a");
}
END_TEST

/* Mistakes that concern another file than netd.conf, or both: `where` is networks.d/a.conf. */
static const struct {
	const char *main, *other, *where, *also; /* also: "" or where netd.conf comes in */
} contradictions[] = {
	{ "\nnetwork a {\n}\n", "# a\nnetwork a {\n\n}", ":2: network 'a' stands already at ",
	  ":2" },
	{ "network a {\n\nsubnet = 10.77.0.1/24 }", "network b { subnet = 10.64.0.1/10 }",
	  ":1: subnet: 10.64.0.1/10 overlaps 10.77.0.1/24 of network 'a' at ", ":3" },
	{ "", "network a { colour = 1 }", ":1: no such option 'colour'", "" },
	{ "", "\nnetwork a { mtu = 1 }", ":2: mtu: '1' is not a number from 576 to 65521", "" },
	{ "", "network a {", ":1: the file ends inside a block", "" },
};

START_TEST(contradiction)
{
	const char *path = scratch_path("netd.conf"), *also = contradictions[_i].also;
	struct config *c = NULL;
	char expected[1200];
	struct err err;

	write_network("a.conf", contradictions[_i].other);
	write_network("b.conf", "network z { }");
	scratch_write_text(path, contradictions[_i].main);
	ck_assert_int_eq(config_read(path, false, &c, &err), -EINVAL);
	snprintf(expected, sizeof(expected), "%s%s%s%s", scratch_path("networks.d/a.conf"),
		 contradictions[_i].where, *also ? path : "", also);
	ck_assert_str_eq(err.text, expected);
}
END_TEST

/* --- words --- */

START_TEST(mode_texts)
{
	ck_assert_str_eq(config_mode_text(BRIDGE_MODE_NAT), "nat");
	ck_assert_str_eq(config_mode_text(BRIDGE_MODE_ROUTE), "route");
	ck_assert_str_eq(config_mode_text(BRIDGE_MODE_ISOLATED), "isolated");
}
END_TEST

UNIT_SUITE(netd_config)
{
	scratch_use(tc);
	tcase_add_test(tc, prints_everything);
	tcase_add_test(tc, reads_the_daemons_keys);
	tcase_add_test(tc, reads_a_networks_keys);
	tcase_add_test(tc, remembers_places);
	tcase_add_test(tc, encodes_options);
	tcase_add_test(tc, reads_classes);
	tcase_add_test(tc, finds_hosts);
	tcase_add_test(tc, makes_hosts);
	tcase_add_loop_test(tc, empty_file, 0, 5);
	tcase_add_test(tc, no_file);
	tcase_add_test(tc, network_without_keys);
	tcase_add_test(tc, file_that_cannot_be_read);
	tcase_add_loop_test(tc, value, 0, ARRAY_SIZE(values));
	tcase_add_loop_test(tc, mac_prefix_of_any_length, 0, 5);
	tcase_add_loop_test(tc, canonical, 0, ARRAY_SIZE(corpus));
	tcase_add_test(tc, every_character);
	tcase_add_test(tc, directory_in_order);
	tcase_add_test(tc, directory_alone);
	tcase_add_test(tc, directory_that_is_empty);
	tcase_add_test(tc, directory_that_is_none);
	tcase_add_test(tc, directory_with_a_strange_name);
	tcase_add_loop_test(tc, contradiction, 0, ARRAY_SIZE(contradictions));
	tcase_add_test(tc, mode_texts);
}

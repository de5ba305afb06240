/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each key of the configuration: its name, how one value is read into the struct of its section,
 * and how it is printed. Knows no file and no line; config.c puts those in front of an error.
 */
#include <assert.h>
#include <ctype.h>
#include <inttypes.h>

#include "base/cleanup.h"
#include "config_keys.h"

/* --- printing --- */

void config_print_text(const char *text, FILE *out)
{
	bool plain = *text != 0;

	for (const char *c = text; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("._-/:@,", *c))
			plain = false;
	/* What begins with two slashes would be a comment. */
	if (plain && !strchr(text, ',') && strncmp(text, "//", 2)) {
		fputs(text, out);
		return;
	}
	/* Single quotes: libconfuse would replace ${…} within double ones. */
	fputc('\'', out);
	for (const char *c = text; *c; c++) {
		if (*c == '\'' || *c == '\\')
			fputc('\\', out);
		fputc(*c, out);
	}
	fputc('\'', out);
}

void config_keys_item(struct printer *p, const char *text)
{
	if (p->items++ == 0)
		fprintf(p->out, "%s%s = %s", p->indent, p->key->name, p->key->list ? "{ " : "");
	else
		fputs(", ", p->out);
	config_print_text(text, p->out);
}

void config_keys_print(const struct key *table, const void *section, const char *indent, FILE *out)
{
	for (const struct key *k = table; k->name; k++) {
		struct printer p = { .out = out, .indent = indent, .key = k };

		k->print(k, section, &p);
		if (p.items)
			fputs(k->list ? " }\n" : "\n", out);
	}
}

/* --- numbers --- */

static int parse_number(const struct key *k, void *section, const char *text, unsigned index,
			struct err *err)
{
	unsigned long long v;
	char *end;

	(void)index;
	errno = 0;
	v = strtoull(text, &end, 10);
	if (errno || *end || !isdigit((unsigned char)*text) || v < k->min || v > k->max)
		return err_set(err, EINVAL, "'%s' is not a number from %" PRIu32 " to %" PRIu32,
			       text, k->min, k->max);
	*(uint32_t *)member(k, section) = (uint32_t)v;
	return 0;
}

static void print_number(const struct key *k, const void *section, struct printer *p)
{
	char text[16];

	snprintf(text, sizeof(text), "%" PRIu32, *(const uint32_t *)member_const(k, section));
	config_keys_item(p, text);
}

static int parse_mode_bits(const struct key *k, void *section, const char *text, unsigned index,
			   struct err *err)
{
	unsigned long v;
	char *end;

	(void)index;
	v = strtoul(text, &end, 8);
	if (*end || !isdigit((unsigned char)*text) || v > 0777)
		return err_set(err, EINVAL, "'%s' is not a file mode like 0660", text);
	*(uint32_t *)member(k, section) = (uint32_t)v;
	return 0;
}

static void print_mode_bits(const struct key *k, const void *section, struct printer *p)
{
	char text[16];

	snprintf(text, sizeof(text), "0%03" PRIo32, *(const uint32_t *)member_const(k, section));
	config_keys_item(p, text);
}

static const struct {
	char letter;
	uint32_t seconds;
} units[] = { { 'w', 604800 }, { 'd', 86400 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 } };

static uint32_t unit_of(char letter)
{
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (units[i].letter == letter)
			return units[i].seconds;
	return 0;
}

/* "90", "1h", "1h30m", and "infinite" where the key allows it. */
static int parse_duration(const struct key *k, void *section, const char *text, unsigned index,
			  struct err *err)
{
	unsigned long long total = 0;
	const char *at = text;

	(void)index;
	if (!strcmp(text, "infinite") && k->max == DHCP_INFINITE) {
		*(uint32_t *)member(k, section) = DHCP_INFINITE;
		return 0;
	}
	do {
		char *end;
		unsigned long long v;

		if (!isdigit((unsigned char)*at))
			return err_set(err, EINVAL, "'%s' is not a time like 90s, 1h30m or 7d",
				       text);
		errno = 0;
		v = strtoull(at, &end, 10);
		if (errno || v > UINT32_MAX || (*end && !unit_of(*end)))
			return err_set(err, EINVAL, "'%s' is not a time like 90s, 1h30m or 7d",
				       text);
		total += v * (*end ? unit_of(*end) : 1);
		at = *end ? end + 1 : end;
	} while (*at && total <= UINT32_MAX);
	if (total < k->min || total > k->max || total == DHCP_INFINITE)
		return err_set(err, EINVAL, "'%s' is not from %" PRIu32 " to %" PRIu32 " seconds",
			       text, k->min, k->max == DHCP_INFINITE ? k->max - 1 : k->max);
	*(uint32_t *)member(k, section) = (uint32_t)total;
	return 0;
}

static void print_duration(const struct key *k, const void *section, struct printer *p)
{
	uint32_t v = *(const uint32_t *)member_const(k, section);
	char text[16];
	size_t i = 0;

	if (v == DHCP_INFINITE) {
		config_keys_item(p, "infinite");
		return;
	}
	while (v % units[i].seconds || (v == 0 && units[i].seconds > 1))
		i++;
	snprintf(text, sizeof(text), "%" PRIu32 "%c", v / units[i].seconds, units[i].letter);
	config_keys_item(p, text);
}

static int parse_bool(const struct key *k, void *section, const char *text, unsigned index,
		      struct err *err)
{
	bool on = !strcmp(text, "on") || !strcmp(text, "yes") || !strcmp(text, "true");

	(void)index;
	if (!on && strcmp(text, "off") && strcmp(text, "no") && strcmp(text, "false"))
		return err_set(err, EINVAL, "'%s' is neither on nor off", text);
	*(bool *)member(k, section) = on;
	return 0;
}

static void print_bool(const struct key *k, const void *section, struct printer *p)
{
	config_keys_item(p, *(const bool *)member_const(k, section) ? "on" : "off");
}

static int parse_mtu(const struct key *k, void *section, const char *text, unsigned index,
		     struct err *err)
{
	if (!strcmp(text, "auto")) {
		*(uint32_t *)member(k, section) = 0;
		return 0;
	}
	return parse_number(k, section, text, index, err);
}

static void print_mtu(const struct key *k, const void *section, struct printer *p)
{
	if (*(const uint32_t *)member_const(k, section))
		print_number(k, section, p);
	else
		config_keys_item(p, "auto");
}

/* --- texts --- */

static int copy_text(char *to, size_t size, const char *text, struct err *err)
{
	if (strlen(text) >= size)
		return err_set(err, EINVAL, "'%.40s...' is longer than %zu characters", text,
			       size - 1);
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return err_set(err, EINVAL, "it has a control character");
	memcpy(to, text, strlen(text) + 1);
	return 0;
}

/* The size of a text member is in max. */
static int parse_text(const struct key *k, void *section, const char *text, unsigned index,
		      struct err *err)
{
	(void)index;
	return copy_text(member(k, section), k->max, text, err);
}

static void print_text(const struct key *k, const void *section, struct printer *p)
{
	const char *text = member_const(k, section);

	if (*text)
		config_keys_item(p, text);
}

static int parse_name(const struct key *k, void *section, const char *text, unsigned index,
		      struct err *err)
{
	char clean[DHCP_NAME_SIZE];

	(void)index;
	dhcp_name_clean((const uint8_t *)text, strlen(text), clean);
	if (strcasecmp(clean, text) || !*clean)
		return err_set(err, EINVAL, "'%s' is not a host or domain name", text);
	return copy_text(member(k, section), k->max, clean, err);
}

static int parse_path(const struct key *k, void *section, const char *text, unsigned index,
		      struct err *err)
{
	if (*text != '/')
		return err_set(err, EINVAL, "'%s' is not an absolute path", text);
	return parse_text(k, section, text, index, err);
}

/* --- addresses --- */

static int parse_ip(const struct key *k, void *section, const char *text, unsigned index,
		    struct err *err)
{
	(void)index;
	if (!ip4_parse(text, member(k, section)))
		return err_set(err, EINVAL, "'%s' is not an IPv4 address", text);
	return 0;
}

static void print_ip(const struct key *k, const void *section, struct printer *p)
{
	uint32_t addr = *(const uint32_t *)member_const(k, section);
	char text[IP4_TEXT_SIZE];

	if (addr)
		config_keys_item(p, ip4_text(addr, text));
}

static int list_full(struct err *err)
{
	return err_set(err, EINVAL, "more than %d values", CONFIG_LIST_MAX);
}

static int parse_ips(const struct key *k, void *section, const char *text, unsigned index,
		     struct err *err)
{
	struct config_ips *list = member(k, section);

	if (index >= CONFIG_LIST_MAX)
		return list_full(err);
	if (!ip4_parse(text, &list->at[index]))
		return err_set(err, EINVAL, "'%s' is not an IPv4 address", text);
	list->n = index + 1;
	return 0;
}

static void print_ips(const struct key *k, const void *section, struct printer *p)
{
	const struct config_ips *list = member_const(k, section);
	char text[IP4_TEXT_SIZE];

	for (unsigned i = 0; i < list->n; i++)
		config_keys_item(p, ip4_text(list->at[i], text));
}

static int parse_dns(const struct key *k, void *section, const char *text, unsigned index,
		     struct err *err)
{
	struct config_network *n = section;

	if (!strcmp(text, "auto") && index == 0) {
		n->auto_dns = true;
		return 0;
	}
	if (n->auto_dns && index)
		return err_set(err, EINVAL, "it is either auto or addresses");
	if (index >= CONFIG_LIST_MAX)
		return list_full(err);
	if (!ip4_parse(text, &n->dns.at[index]))
		return err_set(err, EINVAL, "'%s' is not an IPv4 address", text);
	n->auto_dns = false;
	n->dns.n = index + 1;
	(void)k;
	return 0;
}

static void print_dns(const struct key *k, const void *section, struct printer *p)
{
	const struct config_network *n = section;
	char text[IP4_TEXT_SIZE];

	(void)k;
	if (n->auto_dns)
		config_keys_item(p, "auto");
	for (unsigned i = 0; i < n->dns.n; i++)
		config_keys_item(p, ip4_text(n->dns.at[i], text));
}

static int parse_range(const struct key *k, void *section, const char *text, unsigned index,
		       struct err *err)
{
	struct config_ranges *r = member(k, section);
	char first[IP4_TEXT_SIZE], last[IP4_TEXT_SIZE], rest;
	struct ip4_range range;
	int n = sscanf(text, "%15[0-9.]-%15[0-9.]%c", first, last, &rest);

	if (index >= CONFIG_LIST_MAX)
		return list_full(err);
	if (n < 1 || n > 2 || (n == 1 && strcmp(first, text)) || !ip4_parse(first, &range.first) ||
	    !ip4_parse(n == 2 ? last : first, &range.last))
		return err_set(err, EINVAL, "'%s' is not a range like 10.77.0.50-10.77.0.199",
			       text);
	if (range.first > range.last)
		return err_set(err, EINVAL, "'%s' ends before it begins", text);
	for (unsigned i = 0; i < index; i++)
		if (range.first <= r->at[i].last && r->at[i].first <= range.last)
			return err_set(err, EINVAL, "'%s' overlaps an earlier range", text);
	r->at[index] = range;
	r->n = index + 1;
	return 0;
}

static void print_range(const struct key *k, const void *section, struct printer *p)
{
	const struct config_ranges *r = member_const(k, section);
	char first[IP4_TEXT_SIZE], last[IP4_TEXT_SIZE], text[2 * IP4_TEXT_SIZE];

	for (unsigned i = 0; i < r->n; i++) {
		snprintf(text, sizeof(text), "%s-%s", ip4_text(r->at[i].first, first),
			 ip4_text(r->at[i].last, last));
		config_keys_item(p, text);
	}
}

static int parse_subnet(const struct key *k, void *section, const char *text, unsigned index,
			struct err *err)
{
	struct config_network *n = section;
	struct ip4_prefix p;

	(void)k;
	(void)index;
	n->auto_subnet = !strcmp(text, "auto");
	if (n->auto_subnet)
		return 0;
	if (!ip4_prefix_parse(text, &p))
		return err_set(err, EINVAL,
			       "'%s' is neither auto nor an address with a prefix length like "
			       "10.77.0.1/24",
			       text);
	if (p.len < 8 || p.len > 30)
		return err_set(err, EINVAL, "'%s' has a prefix length that is not from 8 to 30",
			       text);
	if (p.addr == ip4_network(p) || p.addr == ip4_broadcast(p))
		return err_set(
			err, EINVAL,
			"'%s' is not the address of a gateway: it is the subnet's %s address", text,
			p.addr == ip4_network(p) ? "network" : "broadcast");
	n->subnet = p;
	return 0;
}

static void print_subnet(const struct key *k, const void *section, struct printer *p)
{
	const struct config_network *n = section;
	char text[IP4_PREFIX_TEXT_SIZE];

	(void)k;
	config_keys_item(p, n->auto_subnet ? "auto" : ip4_prefix_text(n->subnet, text));
}

static int parse_supernet(const struct key *k, void *section, const char *text, unsigned index,
			  struct err *err)
{
	struct config_prefixes *l = member(k, section);
	struct ip4_prefix p;

	if (index >= CONFIG_LIST_MAX)
		return list_full(err);
	if (!ip4_prefix_parse(text, &p) || p.len < 8 || p.len > 24 || p.addr != ip4_network(p))
		return err_set(err, EINVAL,
			       "'%s' is not a prefix of length 8 to 24 like 10.64.0.0/10", text);
	l->at[index] = p;
	l->n = index + 1;
	return 0;
}

static void print_supernet(const struct key *k, const void *section, struct printer *p)
{
	const struct config_prefixes *l = member_const(k, section);
	char text[IP4_PREFIX_TEXT_SIZE];

	for (unsigned i = 0; i < l->n; i++)
		config_keys_item(p, ip4_prefix_text(l->at[i], text));
}

/* --- classes --- */

static int parse_pattern(const struct key *k, void *section, const char *text, unsigned index,
			 struct err *err)
{
	return *text ? parse_text(k, section, text, index, err) :
		       err_set(err, EINVAL, "an empty pattern");
}

/* Names are compared in lower case. */
static int parse_name_pattern(const struct key *k, void *section, const char *text, unsigned index,
			      struct err *err)
{
	int rc = parse_pattern(k, section, text, index, err);

	if (!rc)
		for (char *c = member(k, section); *c; c++)
			*c = (char)tolower((unsigned char)*c);
	return rc;
}

static int parse_arch(const struct key *k, void *section, const char *text, unsigned index,
		      struct err *err)
{
	struct dhcp_class *c = member(k, section);
	uint32_t arch;
	struct key number = { .max = UINT16_MAX };
	int rc = parse_number(&number, &arch, text, index, err);

	if (rc)
		return rc;
	if (index >= DHCP_CLASS_ARCHS)
		return list_full(err);
	c->arch[index] = (uint16_t)arch;
	c->archs = index + 1;
	return 0;
}

static void print_arch(const struct key *k, const void *section, struct printer *p)
{
	const struct dhcp_class *c = member_const(k, section);
	char text[16];

	for (unsigned i = 0; i < c->archs; i++) {
		snprintf(text, sizeof(text), "%u", c->arch[i]);
		config_keys_item(p, text);
	}
}

/* --- words --- */

static const char *const modes[] = { [BRIDGE_MODE_NAT] = "nat",
				     [BRIDGE_MODE_ROUTE] = "route",
				     [BRIDGE_MODE_ISOLATED] = "isolated",
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
		      sizeof(enum nft_guard) == sizeof(unsigned),
	      "words are read and written as numbers");

static int parse_word(const struct key *k, void *section, const char *text, unsigned index,
		      struct err *err)
{
	char list[128] = "";

	(void)index;
	for (unsigned i = 0; k->words[i]; i++) {
		size_t len = strlen(list);

		if (!strcmp(text, k->words[i])) {
			memcpy(member(k, section), &i, sizeof(i));
			return 0;
		}
		snprintf(list + len, sizeof(list) - len, "%s%s",
			 i == 0		 ? "" :
			 k->words[i + 1] ? ", " :
					   " or ",
			 k->words[i]);
	}
	return err_set(err, EINVAL, "'%s' is not %s", text, list);
}

static void print_word(const struct key *k, const void *section, struct printer *p)
{
	unsigned i;

	memcpy(&i, member_const(k, section), sizeof(i));
	config_keys_item(p, k->words[i]);
}

/* --- the tables --- */

#define PAIR(fn) .parse = parse_##fn, .print = print_##fn
#define OCTETS(fn) .parse = config_parse_##fn, .print = config_print_##fn

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
		"rule", .list = true, .offset = offsetof(section, rules), OCTETS(rule),            \
			.place = offsetof(section, rules.place)                                    \
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
	{ "coexist", .offset = offsetof(struct config, coexist), PAIR(word), .words = coexists },
	{ 0 },
};

const struct key config_keys_socket[] = {
	{ "path", .offset = offsetof(struct config, socket_path), .parse = parse_path,
	  .print = print_text, .max = CONFIG_PATH_SIZE },
	{ "group", .offset = offsetof(struct config, socket_group), PAIR(text), .max = 64 },
	{ "mode", .offset = offsetof(struct config, socket_mode), PAIR(mode_bits) },
	{ 0 },
};

const struct key config_keys_mac[] = {
	{ "policy", .offset = offsetof(struct config, mac_policy), PAIR(word), .words = policies },
	{ "prefix", OCTETS(mac_prefix), .place = offsetof(struct config, mac_prefix_place) },
	{ "secret", .offset = offsetof(struct config, secret), PAIR(text),
	  .max = sizeof(((struct config *)0)->secret) },
	{ 0 },
};

#define NETWORK(m) offsetof(struct config_network, m)
#define DURATION(m) .offset = NETWORK(m), PAIR(duration)

const struct key config_keys_network[] = {
	{ "mode", .offset = NETWORK(mode), PAIR(word), .words = modes },
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
	{ "domain", .offset = NETWORK(domain), .parse = parse_name, .print = print_text,
	  .max = DHCP_NAME_SIZE },
	{ "mtu", .offset = NETWORK(mtu), PAIR(mtu), .min = 576, .max = 65535 },
	{ "dhcp", .offset = NETWORK(dhcp), PAIR(bool) },
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
	{ "reach", .list = true, .offset = NETWORK(reach), OCTETS(names),
	  .place = NETWORK(reach.place) },
	{ "host-access", .list = true, .offset = NETWORK(host_access), OCTETS(services) },
	{ "max-connections", .offset = NETWORK(max_connections), PAIR(number), .max = 1048576 },
	RULES(struct config_network),
	{ "snat", .offset = NETWORK(snat), OCTETS(snat), .place = NETWORK(snat_place) },
	{ "snat-ports", .offset = NETWORK(snat_ports), OCTETS(ports),
	  .place = NETWORK(snat_ports_place) },
	BOOT(struct config_network),
	{ 0 },
};

const struct key config_keys_host[] = {
	{ "match-mac", .offset = offsetof(struct config_host, match_mac), OCTETS(mac),
	  .place = offsetof(struct config_host, match_mac_place) },
	{ "match-client-id", .offset = offsetof(struct config_host, match_id), OCTETS(client_id),
	  .place = offsetof(struct config_host, match_id_place) },
	{ "mac", .offset = offsetof(struct config_host, mac), OCTETS(mac),
	  .place = offsetof(struct config_host, mac_place) },
	{ "address", .offset = offsetof(struct config_host, address), PAIR(ip),
	  .place = offsetof(struct config_host, address_place) },
	{ "also", .list = true, .offset = offsetof(struct config_host, also), PAIR(ips),
	  .place = offsetof(struct config_host, also_place) },
	{ "hostname", .offset = offsetof(struct config_host, hostname), .parse = parse_name,
	  .print = print_text, .max = DHCP_NAME_SIZE },
	{ "groups", .list = true, .offset = offsetof(struct config_host, groups), OCTETS(names),
	  .place = offsetof(struct config_host, groups.place) },
	RULES(struct config_host),
	BOOT(struct config_host),
	{ 0 },
};

const struct key config_keys_port[] = {
	{ "serve", .offset = offsetof(struct config_port, serve), PAIR(bool) },
	{ "trusted", .offset = offsetof(struct config_port, trusted), PAIR(bool) },
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
	.print = print_text

const struct key config_keys_class[] = {
	{ "vendor-class", PATTERN(vendor_class), .parse = parse_pattern },
	{ "user-class", PATTERN(user_class), .parse = parse_pattern },
	{ "hostname", PATTERN(hostname), .parse = parse_name_pattern },
	{ "circuit-id", PATTERN(circuit_id), .parse = parse_pattern },
	{ "remote-id", PATTERN(remote_id), .parse = parse_pattern },
	{ "arch", .list = true, .offset = offsetof(struct config_class, match), PAIR(arch) },
	{ "mac-prefix", .offset = offsetof(struct config_class, match), OCTETS(class_mac) },
	BOOT(struct config_class),
	{ 0 },
};

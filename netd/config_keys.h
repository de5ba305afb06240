/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keys of the configuration as tables, by which it is parsed and printed. */
#ifndef NETD_CONFIG_KEYS_H
#define NETD_CONFIG_KEYS_H

#include "config.h"

struct key;

/* A key's value while it is printed: items are collected, then written as `key = item` or `key = {
 * item, … }`. */
struct printer {
	FILE *out;
	const char *indent;
	const struct key *key;
	unsigned items;
};

struct key {
	const char *name; /* NULL ends a table */
	bool list;
	size_t offset; /* in the struct of its section, of what it sets */
	/* Sets the member from the text of one value, the index-th of a list. Errors say what is
	 * wrong with it. */
	int (*parse)(const struct key *k, void *section, const char *text, unsigned index,
		     struct err *err);
	/* Prints one item for each value; none where the key is unset. */
	void (*print)(const struct key *k, const void *section, struct printer *p);
	uint32_t min, max;	  /* of numbers */
	const char *const *words; /* of words: by their numbers, and NULL */
	size_t place; /* offset of a struct config_place that remembers where it was set; 0: none */
};

/* What a key sets, in the struct of its section. */
static inline void *member(const struct key *k, void *section)
{
	return (char *)section + k->offset;
}

static inline const void *member_const(const struct key *k, const void *section)
{
	return (const char *)section + k->offset;
}

extern const struct key config_keys_top[], config_keys_socket[], config_keys_mac[],
	config_keys_network[], config_keys_host[], config_keys_class[], config_keys_port[],
	config_keys_relay[], config_keys_group[], config_keys_publish[], config_keys_allow[],
	config_keys_rate[];

/* Prints all keys of a section that are set. */
void config_keys_print(const struct key *table, const void *section, const char *indent, FILE *out);

/* One value of the key that is printed. */
void config_keys_item(struct printer *p, const char *text);

/* Writes a text so that it is read back as it is: quoted where it must be. */
void config_write_text(const char *text, FILE *out);

/* An error about something that stands at this place. */
int config_wrong(struct err *err, struct config_place p, const char *fmt, ...) ERR_PRINTF(3, 4);

/* Checks the at-th network's subnet against those before it. */
MUST_CHECK int config_subnet_check(const struct config *c, unsigned at, struct err *err);

/* Checks ports and relay agents' subnets when all is read. */
MUST_CHECK int config_links_check(const struct config *c, const struct config_network *n,
				  struct err *err);

/* Checks the at-th network if it is of a LAN. */
MUST_CHECK int config_lan_check(const struct config *c, unsigned at, struct err *err);

/* Checks the at-th reservation of a network against the subnet and those before it. */
MUST_CHECK int config_host_check(const struct config_network *n, unsigned at, struct err *err);

/* Checks publish blocks and fixed source addresses when all is read. */
MUST_CHECK int config_publish_check(const struct config *c, const struct config_network *n,
				    struct err *err);

/* Checks options and classes when all is read, and puts keys that are options among these. */
MUST_CHECK int config_options_finish(struct config *c, struct err *err);
/* Whether all ranges of a key are in the subnet. */
MUST_CHECK int config_ranges_within(const struct config_ranges *list, struct ip4_prefix subnet,
				    const char *key, struct config_place place, struct err *err);
/* Checks ranges, those to grow into and exclusions. */
MUST_CHECK int config_ranges_check(const struct config_network *n, struct err *err);
void config_options_done(struct config_options *o);
void config_classes_done(struct config_classes *classes);

/* --- config_keys.c: what the tables name; PAIR of config_tables.c --- */

/* Whether a name can be an interface's. */
bool config_link_name_good(const char *name);
int config_parse_arch(const struct key *k, void *section, const char *text, unsigned index,
		      struct err *err);
void config_print_arch(const struct key *k, const void *section, struct printer *p);
int config_parse_bool(const struct key *k, void *section, const char *text, unsigned index,
		      struct err *err);
void config_print_bool(const struct key *k, const void *section, struct printer *p);
int config_parse_dns(const struct key *k, void *section, const char *text, unsigned index,
		     struct err *err);
void config_print_dns(const struct key *k, const void *section, struct printer *p);
int config_parse_duration(const struct key *k, void *section, const char *text, unsigned index,
			  struct err *err);
void config_print_duration(const struct key *k, const void *section, struct printer *p);
int config_parse_ip(const struct key *k, void *section, const char *text, unsigned index,
		    struct err *err);
void config_print_ip(const struct key *k, const void *section, struct printer *p);
int config_parse_ips(const struct key *k, void *section, const char *text, unsigned index,
		     struct err *err);
void config_print_ips(const struct key *k, const void *section, struct printer *p);
int config_parse_link(const struct key *k, void *section, const char *text, unsigned index,
		      struct err *err);
void config_print_link(const struct key *k, const void *section, struct printer *p);
int config_parse_mode_bits(const struct key *k, void *section, const char *text, unsigned index,
			   struct err *err);
void config_print_mode_bits(const struct key *k, const void *section, struct printer *p);
int config_parse_mtu(const struct key *k, void *section, const char *text, unsigned index,
		     struct err *err);
void config_print_mtu(const struct key *k, const void *section, struct printer *p);
int config_parse_name(const struct key *k, void *section, const char *text, unsigned index,
		      struct err *err);
int config_parse_name_pattern(const struct key *k, void *section, const char *text, unsigned index,
			      struct err *err);
int config_parse_number(const struct key *k, void *section, const char *text, unsigned index,
			struct err *err);
void config_print_number(const struct key *k, const void *section, struct printer *p);
int config_parse_path(const struct key *k, void *section, const char *text, unsigned index,
		      struct err *err);
int config_parse_pattern(const struct key *k, void *section, const char *text, unsigned index,
			 struct err *err);
int config_parse_range(const struct key *k, void *section, const char *text, unsigned index,
		       struct err *err);
void config_print_range(const struct key *k, const void *section, struct printer *p);
int config_parse_subnet(const struct key *k, void *section, const char *text, unsigned index,
			struct err *err);
void config_print_subnet(const struct key *k, const void *section, struct printer *p);
int config_parse_supernet(const struct key *k, void *section, const char *text, unsigned index,
			  struct err *err);
void config_print_supernet(const struct key *k, const void *section, struct printer *p);
int config_parse_text(const struct key *k, void *section, const char *text, unsigned index,
		      struct err *err);
void config_print_text(const struct key *k, const void *section, struct printer *p);
int config_parse_word(const struct key *k, void *section, const char *text, unsigned index,
		      struct err *err);
void config_print_word(const struct key *k, const void *section, struct printer *p);

/* --- config_lan.c: what the tables name --- */

void config_print_deadline(const struct key *k, const void *section, struct printer *p);

/* --- config_macvtap.c --- */

/* Of a network: services, or yes or no. */
int config_parse_host_access(const struct key *k, void *section, const char *text, unsigned index,
			     struct err *err);
void config_print_host_access(const struct key *k, const void *section, struct printer *p);
void config_print_macvtap_mode(const struct key *k, const void *section, struct printer *p);
/* What mode macvtap alone has, and what it cannot have. */
MUST_CHECK int config_macvtap_check(const struct config_network *n, struct err *err);

/* --- config_octets.c --- */

/* How many octets a MAC address begins with in this text, the rest of it zero; 0: none or more than
 * six. */
unsigned config_octets_parse(const char *text, struct mac *ret);
void config_octets_print(const uint8_t *octet, unsigned n, struct printer *p);

int config_parse_mac(const struct key *k, void *section, const char *text, unsigned index,
		     struct err *err);
void config_print_mac(const struct key *k, const void *section, struct printer *p);
int config_parse_mac_prefix(const struct key *k, void *section, const char *text, unsigned index,
			    struct err *err);
void config_print_mac_prefix(const struct key *k, const void *section, struct printer *p);
int config_parse_client_id(const struct key *k, void *section, const char *text, unsigned index,
			   struct err *err);
void config_print_client_id(const struct key *k, const void *section, struct printer *p);
int config_parse_class_mac(const struct key *k, void *section, const char *text, unsigned index,
			   struct err *err);
void config_print_class_mac(const struct key *k, const void *section, struct printer *p);

/* --- config_rules.c --- */

int config_parse_rule(const struct key *k, void *section, const char *text, unsigned index,
		      struct err *err);
void config_print_rule(const struct key *k, const void *section, struct printer *p);
int config_parse_names(const struct key *k, void *section, const char *text, unsigned index,
		       struct err *err);
void config_print_names(const struct key *k, const void *section, struct printer *p);
int config_parse_services(const struct key *k, void *section, const char *text, unsigned index,
			  struct err *err);
void config_print_services(const struct key *k, const void *section, struct printer *p);
/* Finds the networks and groups that are named, and numbers groups and policies, when all is read.
 */
MUST_CHECK int config_rules_finish(struct config *c, struct err *err);
void config_names_done(struct config_names *names);
void config_rules_done(struct config_rules *rules);
void config_groups_done(struct config_groups *groups);
/* --- config_publish.c: what the tables name --- */

int config_parse_snat(const struct key *k, void *section, const char *text, unsigned index,
		      struct err *err);
void config_print_snat(const struct key *k, const void *section, struct printer *p);
int config_parse_ports(const struct key *k, void *section, const char *text, unsigned index,
		       struct err *err);
void config_print_ports(const struct key *k, const void *section, struct printer *p);

/* --- config_allow.c --- */

int config_parse_users(const struct key *k, void *section, const char *text, unsigned index,
		       struct err *err);
void config_print_users(const struct key *k, const void *section, struct printer *p);
int config_parse_groups(const struct key *k, void *section, const char *text, unsigned index,
			struct err *err);
void config_print_groups(const struct key *k, const void *section, struct printer *p);
int config_parse_user(const struct key *k, void *section, const char *text, unsigned index,
		      struct err *err);
void config_print_user(const struct key *k, const void *section, struct printer *p);

/* One with its defaults at the end of the list; NULL: out of memory. */
struct config_allow *config_add_allow(struct config_allows *list, struct config_place place);
void config_print_allows(const struct config_allows *list, const char *indent, FILE *out);
/* Checks allow blocks, and finds out whose guests are, when all is read. */
MUST_CHECK int config_allow_finish(struct config *c, struct err *err);

/* --- config_rate.c: what the tables name --- */

int config_parse_rate(const struct key *k, void *section, const char *text, unsigned index,
		      struct err *err);
void config_print_rate(const struct key *k, const void *section, struct printer *p);
int config_parse_burst(const struct key *k, void *section, const char *text, unsigned index,
		       struct err *err);
void config_print_burst(const struct key *k, const void *section, struct printer *p);

/* --- config_vlan.c: what the tables name --- */

int config_parse_vlan(const struct key *k, void *section, const char *text, unsigned index,
		      struct err *err);
void config_print_vlan(const struct key *k, const void *section, struct printer *p);
int config_parse_trunk(const struct key *k, void *section, const char *text, unsigned index,
		       struct err *err);
void config_print_trunk(const struct key *k, const void *section, struct printer *p);
/* Checks those of a network, its guests and its ports when all is read. */
MUST_CHECK int config_vlans_check(const struct config_network *n, struct err *err);

#endif

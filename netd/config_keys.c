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

void config_write_text(const char *text, FILE *out)
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
	config_write_text(text, p->out);
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

int config_parse_number(const struct key *k, void *section, const char *text, unsigned index,
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

void config_print_number(const struct key *k, const void *section, struct printer *p)
{
	char text[16];

	snprintf(text, sizeof(text), "%" PRIu32, *(const uint32_t *)member_const(k, section));
	config_keys_item(p, text);
}

int config_parse_mode_bits(const struct key *k, void *section, const char *text, unsigned index,
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

void config_print_mode_bits(const struct key *k, const void *section, struct printer *p)
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
int config_parse_duration(const struct key *k, void *section, const char *text, unsigned index,
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

void config_print_duration(const struct key *k, const void *section, struct printer *p)
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

int config_parse_bool(const struct key *k, void *section, const char *text, unsigned index,
		      struct err *err)
{
	bool on = !strcmp(text, "on") || !strcmp(text, "yes") || !strcmp(text, "true");

	(void)index;
	if (!on && strcmp(text, "off") && strcmp(text, "no") && strcmp(text, "false"))
		return err_set(err, EINVAL, "'%s' is neither on nor off", text);
	*(bool *)member(k, section) = on;
	return 0;
}

void config_print_bool(const struct key *k, const void *section, struct printer *p)
{
	config_keys_item(p, *(const bool *)member_const(k, section) ? "on" : "off");
}

int config_parse_mtu(const struct key *k, void *section, const char *text, unsigned index,
		     struct err *err)
{
	if (!strcmp(text, "auto")) {
		*(uint32_t *)member(k, section) = 0;
		return 0;
	}
	return config_parse_number(k, section, text, index, err);
}

void config_print_mtu(const struct key *k, const void *section, struct printer *p)
{
	if (*(const uint32_t *)member_const(k, section))
		config_print_number(k, section, p);
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
int config_parse_text(const struct key *k, void *section, const char *text, unsigned index,
		      struct err *err)
{
	(void)index;
	return copy_text(member(k, section), k->max, text, err);
}

void config_print_text(const struct key *k, const void *section, struct printer *p)
{
	const char *text = member_const(k, section);

	if (*text)
		config_keys_item(p, text);
}

int config_parse_name(const struct key *k, void *section, const char *text, unsigned index,
		      struct err *err)
{
	char clean[DHCP_NAME_SIZE];

	(void)index;
	dhcp_name_clean((const uint8_t *)text, strlen(text), clean);
	if (strcasecmp(clean, text) || !*clean)
		return err_set(err, EINVAL, "'%s' is not a host or domain name", text);
	return copy_text(member(k, section), k->max, clean, err);
}

int config_parse_path(const struct key *k, void *section, const char *text, unsigned index,
		      struct err *err)
{
	if (*text != '/')
		return err_set(err, EINVAL, "'%s' is not an absolute path", text);
	return config_parse_text(k, section, text, index, err);
}

/* What the kernel takes for an interface's name (net/core/dev.c, dev_valid_name). */
bool config_link_name_good(const char *name)
{
	return *name && strlen(name) < LINK_NAME_SIZE && !strpbrk(name, "/: \t\n") &&
	       strcmp(name, ".") && strcmp(name, "..");
}

int config_parse_link(const struct key *k, void *section, const char *text, unsigned index,
		      struct err *err)
{
	(void)index;
	if (!config_link_name_good(text))
		return err_set(err, EINVAL, "'%s' is not the name of an interface", text);
	return copy_text(member(k, section), LINK_NAME_SIZE, text, err);
}

void config_print_link(const struct key *k, const void *section, struct printer *p)
{
	config_print_text(k, section, p);
}

/* --- addresses --- */

int config_parse_ip(const struct key *k, void *section, const char *text, unsigned index,
		    struct err *err)
{
	(void)index;
	if (!ip4_parse(text, member(k, section)))
		return err_set(err, EINVAL, "'%s' is not an IPv4 address", text);
	return 0;
}

void config_print_ip(const struct key *k, const void *section, struct printer *p)
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

int config_parse_ips(const struct key *k, void *section, const char *text, unsigned index,
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

void config_print_ips(const struct key *k, const void *section, struct printer *p)
{
	const struct config_ips *list = member_const(k, section);
	char text[IP4_TEXT_SIZE];

	for (unsigned i = 0; i < list->n; i++)
		config_keys_item(p, ip4_text(list->at[i], text));
}

int config_parse_dns(const struct key *k, void *section, const char *text, unsigned index,
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

void config_print_dns(const struct key *k, const void *section, struct printer *p)
{
	const struct config_network *n = section;
	char text[IP4_TEXT_SIZE];

	(void)k;
	if (n->auto_dns)
		config_keys_item(p, "auto");
	for (unsigned i = 0; i < n->dns.n; i++)
		config_keys_item(p, ip4_text(n->dns.at[i], text));
}

int config_parse_range(const struct key *k, void *section, const char *text, unsigned index,
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

void config_print_range(const struct key *k, const void *section, struct printer *p)
{
	const struct config_ranges *r = member_const(k, section);
	char first[IP4_TEXT_SIZE], last[IP4_TEXT_SIZE], text[2 * IP4_TEXT_SIZE];

	for (unsigned i = 0; i < r->n; i++) {
		snprintf(text, sizeof(text), "%s-%s", ip4_text(r->at[i].first, first),
			 ip4_text(r->at[i].last, last));
		config_keys_item(p, text);
	}
}

int config_parse_subnet(const struct key *k, void *section, const char *text, unsigned index,
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

void config_print_subnet(const struct key *k, const void *section, struct printer *p)
{
	const struct config_network *n = section;
	char text[IP4_PREFIX_TEXT_SIZE];

	(void)k;
	config_keys_item(p, n->auto_subnet ? "auto" : ip4_prefix_text(n->subnet, text));
}

int config_parse_supernet(const struct key *k, void *section, const char *text, unsigned index,
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

void config_print_supernet(const struct key *k, const void *section, struct printer *p)
{
	const struct config_prefixes *l = member_const(k, section);
	char text[IP4_PREFIX_TEXT_SIZE];

	for (unsigned i = 0; i < l->n; i++)
		config_keys_item(p, ip4_prefix_text(l->at[i], text));
}

/* --- classes --- */

int config_parse_pattern(const struct key *k, void *section, const char *text, unsigned index,
			 struct err *err)
{
	return *text ? config_parse_text(k, section, text, index, err) :
		       err_set(err, EINVAL, "an empty pattern");
}

/* Names are compared in lower case. */
int config_parse_name_pattern(const struct key *k, void *section, const char *text, unsigned index,
			      struct err *err)
{
	int rc = config_parse_pattern(k, section, text, index, err);

	if (!rc)
		for (char *c = member(k, section); *c; c++)
			*c = (char)tolower((unsigned char)*c);
	return rc;
}

int config_parse_arch(const struct key *k, void *section, const char *text, unsigned index,
		      struct err *err)
{
	struct dhcp_class *c = member(k, section);
	uint32_t arch;
	struct key number = { .max = UINT16_MAX };
	int rc = config_parse_number(&number, &arch, text, index, err);

	if (rc)
		return rc;
	if (index >= DHCP_CLASS_ARCHS)
		return list_full(err);
	c->arch[index] = (uint16_t)arch;
	c->archs = index + 1;
	return 0;
}

void config_print_arch(const struct key *k, const void *section, struct printer *p)
{
	const struct dhcp_class *c = member_const(k, section);
	char text[16];

	for (unsigned i = 0; i < c->archs; i++) {
		snprintf(text, sizeof(text), "%u", c->arch[i]);
		config_keys_item(p, text);
	}
}

/* --- words --- */

int config_parse_word(const struct key *k, void *section, const char *text, unsigned index,
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

void config_print_word(const struct key *k, const void *section, struct printer *p)
{
	unsigned i;

	memcpy(&i, member_const(k, section), sizeof(i));
	config_keys_item(p, k->words[i]);
}

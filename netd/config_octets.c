/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys whose values are octets: MAC addresses, what they begin with, and client identifiers. Called
 * by config_keys.c, whose tables name these.
 */
#include <ctype.h>

#include "config_keys.h"

/* --- MACs --- */

int config_parse_mac(const struct key *k, void *section, const char *text, unsigned index,
		     struct err *err)
{
	const char *why;
	struct mac m;

	(void)index;
	if (!mac_parse(text, &m))
		return err_set(err, EINVAL, "'%s' is not a MAC address", text);
	why = mac_refusal(&m);
	if (why)
		return err_set(err, EINVAL, "'%s' cannot be a guest's MAC address: %s", text, why);
	*(struct mac *)member(k, section) = m;
	return 0;
}

void config_print_mac(const struct key *k, const void *section, struct printer *p)
{
	const struct mac *m = member_const(k, section);
	char text[MAC_TEXT_SIZE];

	if (!mac_is_zero(m))
		config_keys_item(p, mac_text(m, text));
}

/* --- client identifiers --- */

/* Two octets or more such as 01:52:54:00:12:34:56, two digits each; the number of them, 0: it is
 * not that. */
static size_t parse_octets(const char *text, uint8_t *to, size_t size)
{
	size_t n = 0;

	for (const char *at = text; n < size; at += 3) {
		if (!isxdigit((unsigned char)at[0]) || !isxdigit((unsigned char)at[1]) ||
		    (at[2] && at[2] != ':'))
			return 0;
		to[n++] = (uint8_t)strtoul((char[3]){ at[0], at[1] }, NULL, 16);
		if (!at[2])
			return n > 1 ? n : 0;
	}
	return 0;
}

/* Octets, or any other text, whose octets are meant. */
int config_parse_client_id(const struct key *k, void *section, const char *text, unsigned index,
			   struct err *err)
{
	struct config_id id = { .len = 0 };
	size_t len = parse_octets(text, id.octet, sizeof(id.octet));

	(void)index;
	if (!len) {
		len = strlen(text);
		memcpy(id.octet, text, len < sizeof(id.octet) ? len : sizeof(id.octet));
	}
	if (len < 2 || len > sizeof(id.octet))
		return err_set(err, EINVAL,
			       "'%.40s' is not a client identifier of 2 to 255 octets like "
			       "01:52:54:00:12:34:56",
			       text);
	id.len = (uint8_t)len;
	*(struct config_id *)member(k, section) = id;
	return 0;
}

void config_print_client_id(const struct key *k, const void *section, struct printer *p)
{
	const struct config_id *id = member_const(k, section);
	char text[3 * sizeof(id->octet) + 1];

	for (unsigned i = 0; i < id->len; i++)
		snprintf(text + 3 * i, 4, "%02x:", id->octet[i]);
	if (!id->len)
		return;
	text[3 * id->len - 1] = 0;
	config_keys_item(p, text);
}

unsigned config_octets_parse(const char *text, struct mac *ret)
{
	char whole[MAC_TEXT_SIZE + 1];
	unsigned octets = 1;

	for (const char *at = text; *at; at++)
		octets += *at == ':';
	snprintf(whole, sizeof(whole), "%s%s", text,
		 octets < 6 ? &":0:0:0:0:0"[2 * (octets - 1)] : "");
	return octets <= 6 && strlen(text) <= 3 * octets - 1 && mac_parse(whole, ret) ? octets : 0;
}

int config_parse_mac_prefix(const struct key *k, void *section, const char *text, unsigned index,
			    struct err *err)
{
	struct config *c = section;
	struct mac m;
	unsigned octets = config_octets_parse(text, &m);

	(void)k;
	(void)index;
	if (!octets || octets > 5)
		return err_set(err, EINVAL, "'%s' is not one to five octets like 52:54:00", text);
	/* It has to begin a MAC that a guest may bear. */
	m.octet[5] = 1;
	if (mac_refusal(&m))
		return err_set(err, EINVAL, "'%s' cannot begin a guest's MAC address: %s", text,
			       mac_refusal(&m));
	memcpy(c->mac_prefix, m.octet, octets);
	c->mac_prefix_len = (uint8_t)octets;
	return 0;
}

void config_octets_print(const uint8_t *octet, unsigned n, struct printer *p)
{
	struct mac m = { 0 };
	char text[MAC_TEXT_SIZE];

	if (!n)
		return;
	memcpy(m.octet, octet, n);
	mac_text(&m, text);
	text[3 * n - 1] = 0;
	config_keys_item(p, text);
}

void config_print_mac_prefix(const struct key *k, const void *section, struct printer *p)
{
	const struct config *c = section;

	(void)k;
	config_octets_print(c->mac_prefix, c->mac_prefix_len, p);
}

int config_parse_class_mac(const struct key *k, void *section, const char *text, unsigned index,
			   struct err *err)
{
	struct dhcp_class *c = member(k, section);
	struct mac m;
	unsigned octets = config_octets_parse(text, &m);

	(void)index;
	if (!octets)
		return err_set(err, EINVAL, "'%s' is not one to six octets like 52:54:00", text);
	memcpy(c->mac_prefix, m.octet, octets);
	c->mac_prefix_len = octets;
	return 0;
}

void config_print_class_mac(const struct key *k, const void *section, struct printer *p)
{
	const struct dhcp_class *c = member_const(k, section);

	config_octets_print(c->mac_prefix, c->mac_prefix_len, p);
}

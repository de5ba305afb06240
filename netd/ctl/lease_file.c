/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What other DHCP servers have promised, from their files. Pure, and for any octets: the file may
 * be broken, and so may the names in it, which guests have chosen.
 *
 * dnsmasq (src/lease.c): lines of expiry, MAC address, address, host name or *, client identifier
 * or *; behind a line `duid …` those of DHCPv6. libvirt (src/network/leaseshelper.c): a JSON list
 * of objects with mac-address, ip-address, hostname, expiry-time; those of IPv6 have an iaid.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/ip4.h"
#include "ctl.h"

enum { FIELDS = 5, FIELD_SIZE = 256 };

/* NULL: the table has no room. */
static struct lease_entry *add(struct lease_file *f, unsigned number)
{
	struct lease_entry *grown = f->entry;

	/* Room for a power of two, so it is full when there are as many. */
	if (!(f->entries & (f->entries - 1)))
		grown = realloc(grown, (f->entries ? 2 * f->entries : 1) * sizeof(*grown));
	if (!grown)
		return NULL;
	f->entry = grown;
	grown += f->entries++;
	*grown = (struct lease_entry){ .number = number };
	return grown;
}

/* Six octets of two digits between colons; dnsmasq puts "06-" and the like before other hardware's.
 */
static bool is_mac(const char *text)
{
	for (unsigned i = 0; i < 17; i++)
		if (i % 3 == 2 ? text[i] != ':' : !isxdigit((unsigned char)text[i]))
			return false;
	return !text[17];
}

/* A name that netd has for a guest (netd.h), or nothing. */
static void take_name(const char *name, char ret[64])
{
	static const char fit[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				  "._-";
	size_t len = strlen(name);

	if (len < 64 && isalnum((unsigned char)name[0]) && strspn(name, fit) == len)
		memcpy(ret, name, len + 1);
}

static void fill(struct lease_entry *e, const char *mac, const char *address, const char *name)
{
	uint32_t addr;

	if (!is_mac(mac))
		e->mistake = "its MAC address is none of Ethernet";
	else if (!ip4_parse(address, &addr))
		e->mistake = "its address is not an IPv4 address";
	if (e->mistake)
		return;
	memcpy(e->mac, mac, sizeof(e->mac));
	ip4_text(addr, e->address);
	take_name(name, e->guest);
}

/* --- dnsmasq --- */

/* Words of a line that is not a string; says how many there are, of which the first are kept. */
static unsigned split(const char *line, size_t len, char field[FIELDS][FIELD_SIZE])
{
	unsigned n = 0;

	for (size_t at = 0; at < len;) {
		size_t end = at;

		while (end < len && line[end] != ' ')
			end++;
		if (end > at && n < FIELDS)
			snprintf(field[n], FIELD_SIZE, "%.*s", (int)(end - at), line + at);
		n += end > at;
		at = end + 1;
	}
	return n;
}

static bool is_number(const char *text)
{
	return *text && text[strspn(text, "0123456789")] == 0;
}

/* False without memory. *v6: DHCPv6 has begun. */
static bool take_line(struct lease_file *f, unsigned number, const char *line, size_t len, bool *v6)
{
	char field[FIELDS][FIELD_SIZE] = { "" };
	unsigned n = split(line, len, field);
	struct lease_entry *e;

	if (!n)
		return true;
	if (n == 2 && !strcmp(field[0], "duid")) {
		*v6 = true;
		return true;
	}
	if (*v6) {
		f->skipped++;
		return true;
	}
	e = add(f, number);
	if (!e)
		return false;
	if (n != FIELDS || !is_number(field[0]))
		e->mistake = "it is not a line of dnsmasq's";
	else
		fill(e, field[1], field[2], field[3]);
	return true;
}

static bool parse_lines(struct lease_file *f, const char *text, size_t len)
{
	bool v6 = false;
	unsigned number = 0;

	for (size_t at = 0; at < len;) {
		const char *newline = memchr(text + at, '\n', len - at);
		size_t end = newline ? (size_t)(newline - text) : len;

		if (!take_line(f, ++number, text + at, end - at, &v6))
			return false;
		at = end + 1;
	}
	return true;
}

/* --- libvirt --- */

static const char *text_of(const json_t *o, const char *key)
{
	const char *v = json_string_value(json_object_get(o, key));

	return v ? v : "";
}

static bool parse_list(struct lease_file *f, const json_t *list)
{
	const json_t *o;
	size_t i;

	json_array_foreach (list, i, o) {
		struct lease_entry *e;

		if (json_object_get(o, "iaid") || strchr(text_of(o, "ip-address"), ':')) {
			f->skipped++;
			continue;
		}
		e = add(f, (unsigned)i + 1);
		if (!e)
			return false;
		fill(e, text_of(o, "mac-address"), text_of(o, "ip-address"),
		     text_of(o, "hostname"));
	}
	return true;
}

bool lease_file_parse(const char *text, size_t len, struct lease_file *ret, const char **ret_why)
{
	struct lease_file f = { 0 };
	size_t blank = 0;
	json_t *list = NULL;
	bool done;

	while (blank < len && isspace((unsigned char)text[blank]))
		blank++;
	f.json = blank < len && text[blank] == '[';
	if (f.json)
		list = json_loadb(text, len, 0, NULL);
	*ret = (struct lease_file){ 0 };
	*ret_why = "it begins like a list in JSON, and is none";
	if (f.json && !list)
		return false;
	done = f.json ? parse_list(&f, list) : parse_lines(&f, text, len);
	json_decref(list);
	if (done) {
		*ret = f;
		return true;
	}
	lease_file_done(&f);
	*ret_why = "out of memory";
	return false;
}

void lease_file_done(struct lease_file *f)
{
	free(f->entry);
	*f = (struct lease_file){ 0 };
}

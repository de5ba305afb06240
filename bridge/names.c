/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What our links are called and how they are marked. The mark alone says that a link is ours: names
 * can be taken by others, and hashed ones say nothing to a reader. Pure.
 */
#include <ctype.h>
#include <inttypes.h>

#include "bridge.h"

#define MARK "netd:"
#define IFB_PREFIX "ni"
#define IFB_MARK "#ifb"

const char *bridge_name_refusal(const char *name)
{
	size_t len = strlen(name);

	if (!len)
		return "it is empty";
	if (len >= NAME_SIZE)
		return "it is longer than 63 characters";
	if (!isalnum((unsigned char)name[0]))
		return "it does not begin with a letter or digit";
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("._-", *c))
			return "it has other characters than letters, digits, '.', '_' and '-'";
	return NULL;
}

/* Five bits a character, none of them easily mistaken for another (RFC 4648's base32hex has such
 * pairs). */
static void hash_text(uint64_t hash, char *to, size_t n)
{
	static const char digits[33] = "0123456789abcdefghjkmnpqrstvwxyz";

	for (size_t i = 0; i < n; i++, hash >>= 5)
		to[i] = digits[hash & 31];
	to[n] = 0;
}

void bridge_link_name(const char *network, char ret[LINK_NAME_SIZE])
{
	static const struct siphash_key key = { "netd bridge name" };
	char hash[5];

	if (strlen(network) + 3 < LINK_NAME_SIZE) {
		snprintf(ret, LINK_NAME_SIZE, "nd-%.12s", network);
		return;
	}
	hash_text(siphash(&key, network, strlen(network)), hash, 4);
	snprintf(ret, LINK_NAME_SIZE, "nd-%.7s-%s", network, hash);
}

void bridge_port_name(const struct siphash_key *key, const char *network, const char *guest,
		      uint32_t nic, unsigned attempt, char ret[LINK_NAME_SIZE])
{
	struct siphash h = siphash_init(key);

	siphash_add_text(&h, "port");
	siphash_add_text(&h, network);
	siphash_add_text(&h, guest);
	siphash_add_u32(&h, nic);
	siphash_add_u32(&h, attempt);
	memcpy(ret, LINK_PORT_PREFIX, sizeof(LINK_PORT_PREFIX) - 1);
	hash_text(siphash_done(&h), ret + sizeof(LINK_PORT_PREFIX) - 1, 12);
}

void bridge_port_altname(const char *guest, uint32_t nic, char ret[LINK_ALTNAME_SIZE])
{
	snprintf(ret, LINK_ALTNAME_SIZE, "%s.%" PRIu32, guest, nic);
}

void bridge_mark_format(const struct bridge_mark *m, char ret[LINK_ALIAS_SIZE])
{
	if (m->guest[0])
		snprintf(ret, LINK_ALIAS_SIZE, MARK "%s/%s/%" PRIu32, m->network, m->guest, m->nic);
	else
		snprintf(ret, LINK_ALIAS_SIZE, MARK "%s", m->network);
}

/* Copies up to `end` into a name; false when it is not a good one. */
static bool take_name(const char *from, const char *end, char to[NAME_SIZE])
{
	if ((size_t)(end - from) >= NAME_SIZE)
		return false;
	memcpy(to, from, (size_t)(end - from));
	to[end - from] = 0;
	return bridge_name_refusal(to) == NULL;
}

bool bridge_mark_parse(const char *alias, struct bridge_mark *ret)
{
	struct bridge_mark m = { 0 };
	const char *at = alias + strlen(MARK), *slash;
	unsigned long nic;
	char *end;

	if (strncmp(alias, MARK, strlen(MARK)))
		return false;
	slash = strchr(at, '/');
	if (!take_name(at, slash ? slash : at + strlen(at), m.network))
		return false;
	if (slash) {
		at = slash + 1;
		slash = strchr(at, '/');
		if (!slash || !take_name(at, slash, m.guest) || !isdigit((unsigned char)slash[1]))
			return false;
		errno = 0;
		nic = strtoul(slash + 1, &end, 10);
		/* A leading zero is not of our writing. */
		if (*end || errno || nic > UINT32_MAX || (slash[1] == '0' && slash[2]))
			return false;
		m.nic = (uint32_t)nic;
	}
	*ret = m;
	return true;
}

/* --- ifbs --- */

static struct mac ifb_mac(const struct siphash_key *key, const char *name)
{
	struct siphash h = siphash_init(key);
	struct mac mac = { .octet = { 0x02 } }; /* locally administered */
	uint64_t hash;

	siphash_add_text(&h, "ifb mac");
	siphash_add_text(&h, name);
	hash = siphash_done(&h);
	for (unsigned i = 1; i < sizeof(mac.octet); i++, hash >>= 8)
		mac.octet[i] = (uint8_t)hash;
	return mac;
}

void bridge_ifb_name(const struct siphash_key *key, const char *network, const char *guest,
		     uint32_t nic, char ret[LINK_NAME_SIZE], struct mac *ret_mac)
{
	struct siphash h = siphash_init(key);

	siphash_add_text(&h, "ifb");
	siphash_add_text(&h, network);
	siphash_add_text(&h, guest);
	siphash_add_u32(&h, nic);
	memcpy(ret, IFB_PREFIX, sizeof(IFB_PREFIX) - 1);
	hash_text(siphash_done(&h), ret + sizeof(IFB_PREFIX) - 1, 12);
	*ret_mac = ifb_mac(key, ret);
}

bool bridge_ifb_known(const struct siphash_key *key, const char *name, const struct mac *mac)
{
	struct mac known = ifb_mac(key, name);

	return !strncmp(name, IFB_PREFIX, strlen(IFB_PREFIX)) && mac_equal(&known, mac);
}

void bridge_ifb_mark_format(const struct bridge_mark *m, char ret[LINK_ALIAS_SIZE])
{
	char port[LINK_ALIAS_SIZE];

	bridge_mark_format(m, port);
	snprintf(ret, LINK_ALIAS_SIZE, "%.*s" IFB_MARK, LINK_ALIAS_SIZE - (int)sizeof(IFB_MARK),
		 port);
}

bool bridge_ifb_mark_parse(const char *alias, struct bridge_mark *ret)
{
	size_t len = strlen(alias), end = strlen(IFB_MARK);
	char port[LINK_ALIAS_SIZE];
	struct bridge_mark m;

	if (len <= end || len >= sizeof(port) || strcmp(alias + len - end, IFB_MARK))
		return false;
	memcpy(port, alias, len - end);
	port[len - end] = 0;
	if (!bridge_mark_parse(port, &m) || !m.guest[0])
		return false;
	*ret = m;
	return true;
}

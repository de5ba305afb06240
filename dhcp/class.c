/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Classes: whether what a client says of itself meets what was configured. Patterns are the
 * operator's, values are hostile octets; a value longer than one option can be matches nothing,
 * which bounds the work for a packet. Pure; called by reply.c when it looks for options.
 */
#include "server.h"

enum { VALUE_MAX = 255 };
enum { AGENT_CIRCUIT_ID = 1, AGENT_REMOTE_ID = 2 };

bool dhcp_pattern_match(const char *pattern, const uint8_t *data, size_t len)
{
	const char *behind_star = NULL;
	size_t i = 0, retry = 0;

	while (i < len) {
		if (*pattern == '*') {
			behind_star = ++pattern;
			retry = i;
		} else if (*pattern && (*pattern == '?' || (uint8_t)*pattern == data[i])) {
			pattern++;
			i++;
		} else if (behind_star) { /* the last star takes one octet more */
			pattern = behind_star;
			i = ++retry;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

/* A value of a pattern that is set; NULL: there is none. */
static bool value_matches(const char *pattern, const uint8_t *data, size_t len)
{
	return data && len <= VALUE_MAX && dhcp_pattern_match(pattern, data, len);
}

/* NULs at the end of a text are no part of it (RFC 2132 2). */
static size_t text_length(const uint8_t *data, size_t len)
{
	while (len && !data[len - 1])
		len--;
	return len;
}

static bool vendor_class_matches(const char *pattern, const struct dhcp_options *o)
{
	size_t len = 0;
	const uint8_t *data = dhcp_options_get(o, OPT_VENDOR_CLASS, &len);

	return value_matches(pattern, data, data ? text_length(data, len) : 0);
}

/* One of the classes that are in the option behind their lengths (RFC 3004 4). */
static bool user_class_of_list_matches(const char *pattern, const uint8_t *data, size_t len)
{
	struct rd r = rd_init(data, len);
	bool found = false;

	while (rd_left(&r)) {
		size_t n = rd_u8(&r);
		const uint8_t *class = rd_bytes(&r, n);

		found = found || value_matches(pattern, class, n);
	}
	return found && !r.bad;
}

/* iPXE, and others before it, send the bare text; iPXE also has an option of its own. */
static bool user_class_matches(const char *pattern, const struct dhcp_options *o)
{
	size_t len;
	const uint8_t *data = dhcp_options_get(o, OPT_USER_CLASS, &len);

	if (data && len <= VALUE_MAX &&
	    (value_matches(pattern, data, text_length(data, len)) ||
	     user_class_of_list_matches(pattern, data, len)))
		return true;
	return dhcp_options_get(o, OPT_IPXE, &len) &&
	       dhcp_pattern_match(pattern, (const uint8_t *)"iPXE", 4);
}

static bool hostname_matches(const char *pattern, const struct dhcp_options *o)
{
	char name[DHCP_NAME_SIZE];

	dhcp_client_name(o, name);
	return name[0] && value_matches(pattern, (const uint8_t *)name, strlen(name));
}

/* What a guest says in a relay agent's name is not believed (RFC 3046 2.1). */
static bool agent_matches(const char *pattern, uint8_t sub, const struct dhcp_message *m,
			  const struct dhcp_options *o)
{
	size_t len;
	const uint8_t *data = m->giaddr ? dhcp_options_get(o, OPT_AGENT, &len) : NULL;

	if (data)
		data = dhcp_suboption(data, len, sub, &len);
	return data && value_matches(pattern, data, len);
}

/* RFC 4578 2.1: the option has one architecture or more. */
static bool arch_matches(const struct dhcp_class *c, const struct dhcp_options *o)
{
	size_t len = 0;
	const uint8_t *data = dhcp_options_get(o, OPT_ARCH, &len);
	struct rd r = rd_init(data, len);

	while (rd_left(&r)) {
		uint16_t arch = rd_be16(&r);

		for (unsigned i = 0; i < c->archs && !r.bad; i++)
			if (c->arch[i] == arch)
				return true;
	}
	return false;
}

bool dhcp_class_match(const struct dhcp_class *c, const struct dhcp_message *m,
		      const struct dhcp_options *o)
{
	if (m->hlen < c->mac_prefix_len || memcmp(m->chaddr, c->mac_prefix, c->mac_prefix_len))
		return false;
	if (c->vendor_class[0] && !vendor_class_matches(c->vendor_class, o))
		return false;
	if (c->user_class[0] && !user_class_matches(c->user_class, o))
		return false;
	if (c->hostname[0] && !hostname_matches(c->hostname, o))
		return false;
	if (c->circuit_id[0] && !agent_matches(c->circuit_id, AGENT_CIRCUIT_ID, m, o))
		return false;
	if (c->remote_id[0] && !agent_matches(c->remote_id, AGENT_REMOTE_ID, m, o))
		return false;
	return !c->archs || arch_matches(c, o);
}

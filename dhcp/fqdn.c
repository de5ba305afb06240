/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a client says its name is, by the Client FQDN option (RFC 4702) or the Host Name option, and
 * our answer to the former. We update no DNS, and say so. Pure; called by decide.c, class.c and
 * reply.c.
 */
#include "server.h"

enum { FQDN_FIXED = 3 }; /* flags, RCODE1, RCODE2 */
enum { FLAG_S = 0x01, FLAG_O = 0x02, FLAG_E = 0x04, FLAG_N = 0x08 };

/*
 * Labels as text, dots between them; 0 where they are broken. The last zero is missing in a partial
 * name, and there is no compression (RFC 4702 2.3).
 */
static size_t labels_to_text(const uint8_t *data, size_t len, char buf[DHCP_NAME_SIZE])
{
	struct rd r = rd_init(data, len);
	size_t n = 0;

	while (rd_left(&r)) {
		uint8_t label = rd_u8(&r);
		const uint8_t *p = rd_bytes(&r, label);

		if (!label)
			break;
		if (r.bad || label > 63 || n + label + 1 > DHCP_NAME_SIZE)
			return 0;
		memcpy(buf + n, p, label);
		n += label;
		buf[n++] = '.';
	}
	return n;
}

/* The name of option 81, made harmless; empty when it has none that could be used. */
static void fqdn_name(const uint8_t *data, size_t len, char buf[DHCP_NAME_SIZE])
{
	char text[DHCP_NAME_SIZE];

	if (data[0] & FLAG_E) {
		len = labels_to_text(data + FQDN_FIXED, len - FQDN_FIXED, text);
		dhcp_name_clean((const uint8_t *)text, len, buf);
	} else {
		dhcp_name_clean(data + FQDN_FIXED, len - FQDN_FIXED, buf);
	}
}

const char *dhcp_client_name(const struct dhcp_options *o, char buf[DHCP_NAME_SIZE])
{
	size_t len;
	const uint8_t *data = dhcp_options_get(o, OPT_FQDN, &len);

	buf[0] = 0;
	if (data && len >= FQDN_FIXED)
		fqdn_name(data, len, buf);
	if (buf[0]) /* RFC 4702: the host name does not count beside it */
		return buf;
	data = dhcp_options_get(o, OPT_HOST_NAME, &len);
	return data ? dhcp_name_clean(data, len, buf) : buf;
}

static void write_labels(struct wr *w, const char *name)
{
	bool complete = strchr(name, '.') != NULL;

	while (*name) {
		size_t label = strcspn(name, ".");

		wr_u8(w, (uint8_t)label);
		wr_bytes(w, name, label);
		name += label + (name[label] == '.');
	}
	if (complete)
		wr_u8(w, 0);
}

bool fqdn_answer(const struct dhcp_options *o, const char *hostname, const char *domain,
		 struct wr *w)
{
	char whole[2 * DHCP_NAME_SIZE + 1], name[DHCP_NAME_SIZE];
	size_t len;
	const uint8_t *data = dhcp_options_get(o, OPT_FQDN, &len);

	if (!data || len < FQDN_FIXED)
		return false;
	if (!hostname)
		hostname = dhcp_client_name(o, name);
	if (!*hostname)
		return false;
	snprintf(whole, sizeof(whole), "%s%s%s", hostname,
		 *domain && !strchr(hostname, '.') ? "." : "", strchr(hostname, '.') ? "" : domain);
	dhcp_name_clean((const uint8_t *)whole, strlen(whole), name);
	/* RFC 4702 4: N, hence not S; O where the client wanted S; the client's encoding. */
	wr_u8(w, FLAG_N | (data[0] & FLAG_E) | (data[0] & FLAG_S ? FLAG_O : 0));
	wr_u8(w, 255);
	wr_u8(w, 255);
	if (data[0] & FLAG_E)
		write_labels(w, name);
	else
		wr_bytes(w, name, strlen(name));
	return !w->bad;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MAC addresses as text, and which of them a guest may bear. Pure; called by every module. */
#include <stdio.h>

#include "mac.h"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool mac_parse(const char *text, struct mac *ret)
{
	char separator = 0;
	struct mac m;

	for (unsigned i = 0; i < sizeof(m.octet); i++) {
		int v = hex_digit(*text), low;

		if (v < 0)
			return false;
		text++;
		low = hex_digit(*text);
		if (low >= 0) {
			v = v * 16 + low;
			text++;
		}
		m.octet[i] = (uint8_t)v;
		if (i == sizeof(m.octet) - 1)
			break;
		if (i == 0)
			separator = *text;
		if ((separator != ':' && separator != '-') || *text != separator)
			return false;
		text++;
	}
	if (*text)
		return false;
	*ret = m;
	return true;
}

const char *mac_text(const struct mac *m, char buf[MAC_TEXT_SIZE])
{
	const uint8_t *o = m->octet;

	snprintf(buf, MAC_TEXT_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", o[0], o[1], o[2], o[3], o[4],
		 o[5]);
	return buf;
}

const char *mac_refusal(const struct mac *m)
{
	const uint8_t *o = m->octet;

	if (mac_is_zero(m))
		return "it is zero";
	if (o[0] & 1)
		return "it is a multicast address";
	if (o[0] == 0 && o[1] == 0 && o[2] == 0x5e && o[3] == 0 && (o[4] == 1 || o[4] == 2))
		return "it is a VRRP virtual router's";
	if (o[0] == 0xfe)
		return "first octet fe is kept for the host's side of ports";
	return NULL;
}

struct mac mac_host_side(const struct mac *guest)
{
	struct mac m = *guest;

	m.octet[0] = 0xfe;
	return m;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Host names that clients send. They end up in the state, in output and perhaps in a zone or a
 * script, so nothing but the letters, digits, dashes and dots of RFC 1123 2.1 gets through. Pure.
 */
#include "dhcp.h"

static bool is_name_octet(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

/* Appends one label without leading or trailing dashes; an empty one adds nothing. */
static size_t add_label(char *buf, size_t n, const char *label, size_t len)
{
	while (len && label[0] == '-') {
		label++;
		len--;
	}
	while (len && label[len - 1] == '-')
		len--;
	if (!len || n + 1 + len >= DHCP_NAME_SIZE)
		return n;
	if (n)
		buf[n++] = '.';
	memcpy(buf + n, label, len);
	return n + len;
}

const char *dhcp_name_clean(const uint8_t *data, size_t len, char buf[DHCP_NAME_SIZE])
{
	char label[63];
	size_t n = 0, in_label = 0;

	for (size_t i = 0; i < len && data[i]; i++) {
		uint8_t c = data[i] >= 'A' && data[i] <= 'Z' ? (uint8_t)(data[i] + 32) : data[i];

		if (c == '.') {
			n = add_label(buf, n, label, in_label);
			in_label = 0;
		} else if (is_name_octet(c) && in_label < sizeof(label)) {
			label[in_label++] = (char)c;
		}
	}
	n = add_label(buf, n, label, in_label);
	buf[n] = 0;
	return buf;
}

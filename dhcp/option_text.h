/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What option_text.c and option_subs.c share. */
#ifndef DHCP_OPTION_TEXT_H
#define DHCP_OPTION_TEXT_H

#include "dhcp.h"

/* A bounded text writer: what does not fit is cut, and buf is always terminated. */
struct text {
	char *buf;
	size_t size, len;
};

ERR_PRINTF(2, 3) void text_add(struct text *t, const char *fmt, ...);
void text_octets(struct text *t, const uint8_t *data, size_t len);

/* One value of a type other than sub-options, or one element where the type is a list. */
MUST_CHECK int option_value_encode(enum dhcp_option_type type, const char *text, struct wr *w,
				   struct err *err);
bool option_type_is_list(enum dhcp_option_type type);

/* --- option_subs.c --- */

/* The values of option `code`, whose type is DHCP_OPT_SUBS or DHCP_OPT_VENDOR_SUBS. */
MUST_CHECK int option_subs_encode(uint8_t code, const char *const *values, unsigned n, struct wr *w,
				  struct err *err);
/* Prints them as option_subs_encode reads them; false, and something may have been printed, when
 * the data are not sub-options that it could have made. */
bool option_subs_decode(enum dhcp_option_type type, struct text *t, const uint8_t *data,
			size_t len);

#endif

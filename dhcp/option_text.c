/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Option values between text and wire, by the type in the option table. Encoding serves
 * configuration, which an operator wrote: errors are sentences. Decoding serves logs and output of
 * what anybody sent: it never fails and its result is printable ASCII. Pure.
 */
#include <ctype.h>
#include <inttypes.h>

#include "base/cleanup.h"
#include "option_text.h"

/* --- text to wire --- */

static int encode_number(const char *text, uint64_t max, unsigned octets, struct wr *w,
			 struct err *err)
{
	unsigned long long v;
	char *end;

	errno = 0;
	v = strtoull(text, &end, !strncmp(text, "0x", 2) ? 16 : 10);
	if (errno || *end || !isdigit((unsigned char)*text) || v > max)
		return err_set(err, EINVAL, "'%s' is not a number from 0 to %" PRIu64, text, max);
	while (octets--)
		wr_u8(w, (uint8_t)(v >> (8 * octets)));
	return 0;
}

static int encode_signed(const char *text, struct wr *w, struct err *err)
{
	long long v;
	char *end;

	errno = 0;
	v = strtoll(text, &end, 0);
	if (errno || *end || (*text != '-' && !isdigit((unsigned char)*text)) || v < INT32_MIN ||
	    v > INT32_MAX)
		return err_set(err, EINVAL, "'%s' is not a number of 32 bits", text);
	wr_be32(w, (uint32_t)v);
	return 0;
}

static int encode_ip(const char *text, struct wr *w, struct err *err)
{
	uint32_t addr;

	if (!ip4_parse(text, &addr))
		return err_set(err, EINVAL, "'%s' is not an IPv4 address", text);
	wr_be32(w, addr);
	return 0;
}

static int encode_ip_pair(const char *text, struct wr *w, struct err *err)
{
	char first[IP4_TEXT_SIZE], second[IP4_TEXT_SIZE], rest;
	uint32_t a, b;

	if (sscanf(text, "%15s%*[ \t]%15s %c", first, second, &rest) != 2 ||
	    !ip4_parse(first, &a) || !ip4_parse(second, &b))
		return err_set(err, EINVAL, "'%s' is not a pair of IPv4 addresses", text);
	wr_be32(w, a);
	wr_be32(w, b);
	return 0;
}

static int encode_bool(const char *text, struct wr *w, struct err *err)
{
	bool yes = !strcmp(text, "yes") || !strcmp(text, "on") || !strcmp(text, "true") ||
		   !strcmp(text, "1");
	bool no = !strcmp(text, "no") || !strcmp(text, "off") || !strcmp(text, "false") ||
		  !strcmp(text, "0");

	if (!yes && !no)
		return err_set(err, EINVAL, "'%s' is neither yes nor no", text);
	wr_u8(w, yes);
	return 0;
}

static int encode_bytes(const char *text, struct wr *w, struct err *err)
{
	const char *at = text;

	while (*at) {
		char digits[3] = { at[0], at[1], 0 };

		if (!isxdigit((unsigned char)at[0]) || !isxdigit((unsigned char)at[1]))
			return err_set(err, EINVAL, "'%s' is not pairs of hexadecimal digits",
				       text);
		wr_u8(w, (uint8_t)strtoul(digits, NULL, 16));
		at += 2;
		if (*at == ':' && at[1])
			at++;
	}
	return 0;
}

static int check_domain(const char *text, struct err *err)
{
	size_t label = 0, len = strlen(text);

	if (!len || len > 253)
		return err_set(err, EINVAL, "'%.64s' is not a domain name of 1 to 253 characters",
			       text);
	for (const char *c = text; *c; c++) {
		if (*c == '.' ? label == 0 : !isalnum((unsigned char)*c) && *c != '-' && *c != '_')
			return err_set(err, EINVAL, "'%s' is not a domain name", text);
		label = *c == '.' ? 0 : label + 1;
		if (label > 63)
			return err_set(err, EINVAL, "'%s' has a label of more than 63 characters",
				       text);
	}
	return 0;
}

static int encode_text(const char *text, struct wr *w, struct err *err)
{
	if (!*text)
		return err_set(err, EINVAL, "an empty text");
	wr_bytes(w, text, strlen(text));
	return 0;
}

/* RFC 3986 3: a scheme and something behind it. */
static int encode_uri(const char *text, struct wr *w, struct err *err)
{
	size_t scheme = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789+-.");

	if (!isalpha((unsigned char)*text) || text[scheme] != ':' || !text[scheme + 1])
		return err_set(err, EINVAL, "'%s' is not a URI", text);
	for (const char *c = text; *c; c++)
		if (*c <= ' ' || *c >= 0x7f)
			return err_set(err, EINVAL, "'%s' is not a URI", text);
	return encode_text(text, w, err);
}

static int encode_domain(const char *text, struct wr *w, struct err *err)
{
	int rc = check_domain(text, err);

	return rc ? rc : encode_text(text, w, err);
}

/* RFC 1035 3.1, without compression. */
static int encode_dns_name(const char *text, struct wr *w, struct err *err)
{
	int rc = check_domain(text, err);

	if (rc)
		return rc;
	while (*text) {
		size_t label = strcspn(text, ".");

		wr_u8(w, (uint8_t)label);
		wr_bytes(w, text, label);
		text += label;
		if (*text == '.')
			text++;
	}
	wr_u8(w, 0);
	return 0;
}

/* RFC 3442: width of the prefix, its significant octets, the router. */
static int encode_route(const char *text, struct wr *w, struct err *err)
{
	char prefix[IP4_PREFIX_TEXT_SIZE], via[IP4_TEXT_SIZE], rest;
	struct ip4_prefix p;
	uint32_t router;

	if (sscanf(text, "%18s%*[ \t]via%*[ \t]%15s %c", prefix, via, &rest) != 2 ||
	    !ip4_prefix_parse(prefix, &p) || !ip4_parse(via, &router))
		return err_set(err, EINVAL, "'%s' is not a route like 10.0.0.0/8 via 10.77.0.2",
			       text);
	if (p.addr != ip4_network(p))
		return err_set(err, EINVAL, "'%s' has bits behind its prefix", text);
	wr_u8(w, p.len);
	for (unsigned i = 0; i < (p.len + 7u) / 8; i++)
		wr_u8(w, (uint8_t)(p.addr >> (24 - 8 * i)));
	wr_be32(w, router);
	return 0;
}

int option_value_encode(enum dhcp_option_type type, const char *text, struct wr *w, struct err *err)
{
	switch (type) {
	case DHCP_OPT_BYTES:
		return encode_bytes(text, w, err);
	case DHCP_OPT_IP:
	case DHCP_OPT_IPS:
		return encode_ip(text, w, err);
	case DHCP_OPT_IP_PAIRS:
		return encode_ip_pair(text, w, err);
	case DHCP_OPT_BOOL:
		return encode_bool(text, w, err);
	case DHCP_OPT_U8:
	case DHCP_OPT_U8S:
		return encode_number(text, UINT8_MAX, 1, w, err);
	case DHCP_OPT_U16:
	case DHCP_OPT_U16S:
		return encode_number(text, UINT16_MAX, 2, w, err);
	case DHCP_OPT_U32:
		return encode_number(text, UINT32_MAX, 4, w, err);
	case DHCP_OPT_I32:
		return encode_signed(text, w, err);
	case DHCP_OPT_TEXT:
		return encode_text(text, w, err);
	case DHCP_OPT_URI:
		return encode_uri(text, w, err);
	case DHCP_OPT_DOMAIN:
		return encode_domain(text, w, err);
	case DHCP_OPT_DOMAINS:
		return encode_dns_name(text, w, err);
	case DHCP_OPT_ROUTES:
		return encode_route(text, w, err);
	case DHCP_OPT_SUBS:
	case DHCP_OPT_VENDOR_SUBS:
		break; /* those are no single value's */
	}
	return err_set(err, EINVAL, "no such type");
}

bool option_type_is_list(enum dhcp_option_type type)
{
	return type == DHCP_OPT_IPS || type == DHCP_OPT_IP_PAIRS || type == DHCP_OPT_U8S ||
	       type == DHCP_OPT_U16S || type == DHCP_OPT_DOMAINS || type == DHCP_OPT_ROUTES;
}

static int encode_all(uint8_t code, const char *const *values, unsigned n, struct wr *w,
		      struct err *err)
{
	const struct dhcp_option_info *info = dhcp_option_info(code);
	int rc = 0;

	if (info->type == DHCP_OPT_SUBS || info->type == DHCP_OPT_VENDOR_SUBS)
		return option_subs_encode(code, values, n, w, err);
	for (unsigned i = 0; i < n && !rc; i++)
		rc = option_value_encode(info->type, values[i], w, err);
	return rc;
}

static bool takes_many(enum dhcp_option_type type)
{
	return option_type_is_list(type) || type == DHCP_OPT_SUBS || type == DHCP_OPT_VENDOR_SUBS;
}

int dhcp_option_encode(uint8_t code, const char *const *values, unsigned n, struct wr *w,
		       struct err *err)
{
	const struct dhcp_option_info *info = dhcp_option_info(code);
	char text[DHCP_OPTION_TEXT_SIZE];
	int rc;

	dhcp_option_text(code, text);
	if (info->flags & DHCP_OPT_PROTOCOL)
		return err_set(err, EINVAL, "the server sets option %s itself", text);
	if (info->flags & DHCP_OPT_SUBNET)
		return err_set(err, EINVAL, "option %s is set by the key '%s'", text, info->key);
	if (n == 0 || (n > 1 && !takes_many(info->type)))
		return err_set(err, EINVAL, "option %s takes %s", text,
			       n ? "one value" : "a value");
	rc = encode_all(code, values, n, w, err);
	if (rc)
		return err_wrap(err, rc, "option %s", text);
	if (w->bad)
		return err_set(err, EINVAL, "option %s is too long", text);
	return 0;
}

/* --- wire to text --- */

ERR_PRINTF(2, 3) void text_add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->buf + t->len, t->size - t->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		t->len = (size_t)n < t->size - t->len ? t->len + (size_t)n : t->size - 1;
}

void text_octets(struct text *t, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		text_add(t, i ? ":%02x" : "%02x", data[i]);
}

static void text_string(struct text *t, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		text_add(t, data[i] >= 0x20 && data[i] < 0x7f && data[i] != '\\' ? "%c" : "\\x%02x",
			 data[i]);
}

static bool decode_numbers(struct text *t, const uint8_t *data, size_t len, size_t octets,
			   bool is_signed)
{
	if (len == 0 || len % octets)
		return false;
	for (size_t at = 0; at < len; at += octets) {
		uint32_t v = 0;

		for (size_t i = 0; i < octets; i++)
			v = (v << 8) | data[at + i];
		text_add(t, at ? ", " : "%s", "");
		if (is_signed)
			text_add(t, "%" PRId32, (int32_t)v);
		else
			text_add(t, "%" PRIu32, v);
	}
	return true;
}

static bool decode_ips(struct text *t, const uint8_t *data, size_t len, bool pairs)
{
	struct rd r = rd_init(data, len);
	char buf[IP4_TEXT_SIZE];

	if (len == 0 || len % (pairs ? 8 : 4))
		return false;
	for (unsigned i = 0; rd_left(&r); i++)
		text_add(t, "%s%s",
			 i == 0		? "" :
			 pairs && i % 2 ? " " :
					  ", ",
			 ip4_text(rd_be32(&r), buf));
	return true;
}

static bool decode_routes(struct text *t, const uint8_t *data, size_t len)
{
	struct rd r = rd_init(data, len);
	char net[IP4_TEXT_SIZE], via[IP4_TEXT_SIZE];

	for (unsigned n = 0; rd_left(&r); n++) {
		uint8_t width = rd_u8(&r);
		uint32_t addr = 0, router;

		if (width > 32)
			return false;
		for (unsigned i = 0; i < (width + 7u) / 8; i++)
			addr |= (uint32_t)rd_u8(&r) << (24 - 8 * i);
		router = rd_be32(&r);
		if (r.bad)
			return false;
		text_add(t, "%s%s/%u via %s", n ? ", " : "", ip4_text(addr, net), width,
			 ip4_text(router, via));
	}
	return len > 0;
}

/*
 * One possibly compressed name (RFC 1035 4.1.4, RFC 3397 2). A pointer must go backwards, so there
 * is no loop, and a name has at most 255 octets (RFC 1035 2.3.4). Returns where the name ended in
 * the data, or 0 when it is broken.
 */
static size_t decode_dns_name(struct text *t, const uint8_t *data, size_t len, size_t at)
{
	size_t end = 0, limit = at, size = 1; /* size: of the name without compression */

	for (;;) {
		uint8_t n;

		if (at >= len)
			return 0;
		n = data[at];
		if (n == 0)
			break;
		if ((n & 0xc0) == 0xc0) {
			size_t to;

			if (at + 1 >= len)
				return 0;
			to = (size_t)((n & 0x3f) << 8) | data[at + 1];
			end = end ? end : at + 2;
			if (to >= limit)
				return 0;
			limit = at = to;
			continue;
		}
		if (n > 63 || n >= len - at || size + 1 + n > 255)
			return 0;
		if (size > 1)
			text_add(t, ".");
		size += 1u + n;
		text_string(t, data + at + 1, n);
		at += 1u + n;
	}
	return end ? end : at + 1;
}

static bool decode_dns_names(struct text *t, const uint8_t *data, size_t len)
{
	for (size_t at = 0; at < len;) {
		if (at)
			text_add(t, ", ");
		at = decode_dns_name(t, data, len, at);
		if (!at)
			return false;
	}
	return len > 0;
}

/* Octets of the types that have one value; 0: of those that can have more, or any length. */
static size_t scalar_size(enum dhcp_option_type type)
{
	if (type == DHCP_OPT_IP || type == DHCP_OPT_U32 || type == DHCP_OPT_I32)
		return 4;
	if (type == DHCP_OPT_U16)
		return 2;
	return type == DHCP_OPT_U8 || type == DHCP_OPT_BOOL;
}

static bool decode_value(enum dhcp_option_type type, struct text *t, const uint8_t *data,
			 size_t len)
{
	if (scalar_size(type) && len != scalar_size(type))
		return false;
	switch (type) {
	case DHCP_OPT_BYTES:
		return false;
	case DHCP_OPT_IP:
	case DHCP_OPT_IPS:
		return decode_ips(t, data, len, false);
	case DHCP_OPT_IP_PAIRS:
		return decode_ips(t, data, len, true);
	case DHCP_OPT_BOOL:
		if (data[0] > 1)
			return false;
		text_add(t, "%s", data[0] ? "yes" : "no");
		return true;
	case DHCP_OPT_U8:
	case DHCP_OPT_U8S:
		return decode_numbers(t, data, len, 1, false);
	case DHCP_OPT_U16:
	case DHCP_OPT_U16S:
		return decode_numbers(t, data, len, 2, false);
	case DHCP_OPT_U32:
		return decode_numbers(t, data, len, 4, false);
	case DHCP_OPT_I32:
		return decode_numbers(t, data, len, 4, true);
	case DHCP_OPT_TEXT:
	case DHCP_OPT_URI:
	case DHCP_OPT_DOMAIN:
		text_string(t, data, len);
		return true;
	case DHCP_OPT_DOMAINS:
		return decode_dns_names(t, data, len);
	case DHCP_OPT_ROUTES:
		return decode_routes(t, data, len);
	case DHCP_OPT_SUBS:
	case DHCP_OPT_VENDOR_SUBS:
		return option_subs_decode(type, t, data, len);
	}
	return false;
}

const char *dhcp_option_decode(uint8_t code, const uint8_t *data, size_t len, char *buf,
			       size_t size)
{
	struct text t = { .buf = buf, .size = size };

	if (!size)
		return buf;
	buf[0] = 0;
	if (!decode_value(dhcp_option_info(code)->type, &t, data, len)) {
		t.len = 0;
		buf[0] = 0;
		text_octets(&t, data, len);
	}
	return buf;
}

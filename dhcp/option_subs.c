/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options whose value is sub-options: codes, lengths and data (RFC 2132 8.4), and the same under
 * the number of an enterprise (RFC 3925 4). Each value of such an option is a text: a code, a type
 * and a value of that type, "1 ip 10.77.0.1", with the enterprise's number in front where there are
 * several. For the sub-options of PXE (PXE 2.1) there are names, since no type has their form.
 * Values of one sub-option stand together on the wire, wherever they were written. Pure; called by
 * option_text.c.
 */
#include <ctype.h>
#include <inttypes.h>

#include "base/cleanup.h"
#include "option_text.h"

enum { SUB_MAX = 254 /* 0 is padding, 255 the end */, SUB_LEN_MAX = 255, END = 255 };

/* --- PXE's --- */

static bool take_word(const char **at, char word[32])
{
	size_t n = strcspn(*at, " \t");

	if (!n || n >= 32)
		return false;
	memcpy(word, *at, n);
	word[n] = 0;
	*at += n;
	*at += strspn(*at, " \t");
	return true;
}

static int encode_control(const char *value, struct wr *w, struct err *err)
{
	return option_value_encode(DHCP_OPT_U8, value, w, err);
}

static int encode_multicast(const char *value, struct wr *w, struct err *err)
{
	return option_value_encode(DHCP_OPT_IP, value, w, err);
}

/* A type of boot server, how many there are, and their addresses. */
static int encode_boot_server(const char *value, struct wr *w, struct err *err)
{
	uint8_t address[4 * 62], count = 0;
	struct wr addresses = wr_init(address, sizeof(address));
	const char *at = value;
	char word[32];
	int rc;

	if (!take_word(&at, word) || !*at)
		return err_set(err, EINVAL, "'%s' is not a boot server like '0 10.77.0.1'", value);
	rc = option_value_encode(DHCP_OPT_U16, word, w, err);
	for (; !rc && *at; count++)
		rc = take_word(&at, word) ?
			     option_value_encode(DHCP_OPT_IP, word, &addresses, err) :
			     err_set(err, EINVAL, "'%s' is not an IPv4 address", at);
	if (!rc && addresses.bad)
		return err_set(err, EINVAL, "more boot servers than fit");
	wr_u8(w, count);
	wr_bytes(w, address, addresses.len);
	return rc;
}

/* A type of boot server, and what the menu calls it. */
static int encode_menu(const char *value, struct wr *w, struct err *err)
{
	const char *at = value;
	char word[32];
	int rc;

	if (!take_word(&at, word) || !*at || strlen(at) > SUB_LEN_MAX)
		return err_set(err, EINVAL, "'%.64s' is not a line of a menu like '0 Local boot'",
			       value);
	rc = option_value_encode(DHCP_OPT_U16, word, w, err);
	wr_u8(w, (uint8_t)strlen(at));
	wr_bytes(w, at, strlen(at));
	return rc;
}

/* Seconds until the first line is taken, 255 for ever, and the text before the menu is shown. */
static int encode_prompt(const char *value, struct wr *w, struct err *err)
{
	const char *at = value;
	char word[32];
	int rc;

	if (!take_word(&at, word) || !*at)
		return err_set(err, EINVAL, "'%s' is not a prompt like '10 Press F8'", value);
	rc = option_value_encode(DHCP_OPT_U8, word, w, err);
	wr_bytes(w, at, strlen(at));
	return rc;
}

static const struct pxe {
	const char *name;
	uint8_t code;
	bool list;
	int (*encode)(const char *value, struct wr *w, struct err *err);
} pxe[] = {
	{ "pxe-discovery-control", 6, false, encode_control },
	{ "pxe-multicast-address", 7, false, encode_multicast },
	{ "pxe-boot-server", 8, true, encode_boot_server },
	{ "pxe-boot-menu", 9, true, encode_menu },
	{ "pxe-menu-prompt", 10, false, encode_prompt },
};

/* --- one value --- */

struct sub {
	uint32_t enterprise; /* 0: none */
	uint8_t code;
	enum dhcp_option_type type;
	const struct pxe *pxe; /* instead of a type */
	const char *value;
};

static const struct pxe *pxe_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(pxe); i++)
		if (!strcmp(pxe[i].name, name))
			return &pxe[i];
	return NULL;
}

static bool parse_number(const char *text, uint32_t max, uint32_t *ret)
{
	unsigned long long v;
	char *end;

	errno = 0;
	v = strtoull(text, &end, 10);
	if (errno || *end || !isdigit((unsigned char)*text) || v < 1 || v > max)
		return false;
	*ret = (uint32_t)v;
	return true;
}

static bool parse_type(const char *text, enum dhcp_option_type *ret)
{
	for (int type = DHCP_OPT_BYTES; type < DHCP_OPT_SUBS; type++) {
		if (!strcmp(text, dhcp_option_type_text((enum dhcp_option_type)type))) {
			*ret = (enum dhcp_option_type)type;
			return true;
		}
	}
	return false;
}

/* Option 43 is PXE's, too. */
static int parse_sub(uint8_t option, const char *text, struct sub *ret, struct err *err)
{
	bool vendor = dhcp_option_info(option)->type == DHCP_OPT_VENDOR_SUBS;
	struct sub sub = { .value = text };
	uint32_t code;
	char word[32];

	if (!take_word(&sub.value, word))
		word[0] = 0;
	sub.pxe = option == 43 ? pxe_find(word) : NULL;
	if (sub.pxe) {
		sub.code = sub.pxe->code;
		*ret = sub;
		return 0;
	}
	if ((vendor &&
	     (!parse_number(word, UINT32_MAX, &sub.enterprise) || !take_word(&sub.value, word))) ||
	    !parse_number(word, SUB_MAX, &code) || !take_word(&sub.value, word))
		return err_set(err, EINVAL, "'%s' is not a sub-option like '%s1 ip 10.77.0.1'",
			       text, vendor ? "3561 " : "");
	if (!parse_type(word, &sub.type))
		return err_set(err, EINVAL, "'%s': there is no type '%s'", text, word);
	sub.code = (uint8_t)code;
	*ret = sub;
	return 0;
}

/* --- all values --- */

struct subs {
	uint8_t option;
	const char *const *values;
	unsigned n;
};

static bool same_sub(const struct sub *a, const struct sub *b)
{
	return a->enterprise == b->enterprise && a->code == b->code;
}

/* Whether an earlier value is of the same sub-option, or of the same enterprise. What is wrong with
 * it was said when it was its turn. */
static bool is_done(const struct subs *s, unsigned i, const struct sub *sub, bool whole_enterprise)
{
	for (unsigned j = 0; j < i; j++) {
		struct sub earlier;

		if (!parse_sub(s->option, s->values[j], &earlier, NULL) &&
		    (whole_enterprise ? earlier.enterprise == sub->enterprise :
					same_sub(&earlier, sub)))
			return true;
	}
	return false;
}

static int add_value(const struct sub *sub, struct wr *w, struct err *err)
{
	return sub->pxe ? sub->pxe->encode(sub->value, w, err) :
			  option_value_encode(sub->type, sub->value, w, err);
}

/* The sub-option that begins with value i, with all later values of it. */
static int add_sub(const struct subs *s, unsigned i, const struct sub *sub, struct wr *w,
		   struct err *err)
{
	bool list = sub->pxe ? sub->pxe->list : option_type_is_list(sub->type);
	uint8_t data[SUB_LEN_MAX];
	struct wr d = wr_init(data, sizeof(data));
	int rc = add_value(sub, &d, err);

	for (unsigned j = i + 1; j < s->n && !rc; j++) {
		struct sub more;

		rc = parse_sub(s->option, s->values[j], &more, err);
		if (rc || !same_sub(&more, sub))
			continue;
		if (!list || more.type != sub->type || more.pxe != sub->pxe)
			return err_set(err, EINVAL, "sub-option %u is set twice", sub->code);
		rc = add_value(&more, &d, err);
	}
	if (!rc && d.bad)
		return err_set(err, EINVAL, "sub-option %u is longer than 255 octets", sub->code);
	wr_u8(w, sub->code);
	wr_u8(w, (uint8_t)d.len);
	wr_bytes(w, data, d.len);
	return rc;
}

/* The sub-options of an enterprise, of which value i is the first; 0: all that there are. */
static int add_subs(const struct subs *s, unsigned i, uint32_t enterprise, struct wr *w,
		    struct err *err)
{
	int rc = 0;

	for (; i < s->n && !rc; i++) {
		struct sub sub;

		rc = parse_sub(s->option, s->values[i], &sub, err);
		if (!rc && sub.enterprise == enterprise && !is_done(s, i, &sub, false))
			rc = add_sub(s, i, &sub, w, err);
	}
	return rc;
}

static int add_enterprises(const struct subs *s, struct wr *w, struct err *err)
{
	int rc = 0;

	for (unsigned i = 0; i < s->n && !rc; i++) {
		uint8_t data[SUB_LEN_MAX];
		struct wr d = wr_init(data, sizeof(data));
		struct sub sub;

		rc = parse_sub(s->option, s->values[i], &sub, err);
		if (rc || is_done(s, i, &sub, true))
			continue;
		rc = add_subs(s, i, sub.enterprise, &d, err);
		if (!rc && d.bad)
			return err_set(err, EINVAL,
				       "enterprise %" PRIu32 " has more than 255 octets",
				       sub.enterprise);
		wr_be32(w, sub.enterprise);
		wr_u8(w, (uint8_t)d.len);
		wr_bytes(w, data, d.len);
	}
	return rc;
}

static bool has_pxe(const struct subs *s)
{
	for (unsigned i = 0; i < s->n; i++)
		if (s->option == 43 && !strncmp(s->values[i], "pxe-", 4))
			return true;
	return false;
}

int option_subs_encode(uint8_t code, const char *const *values, unsigned n, struct wr *w,
		       struct err *err)
{
	struct subs s = { .option = code, .values = values, .n = n };
	bool end;
	int rc;

	/* Octets as they are have no blanks. */
	if (n == 1 && strcmp(values[0], "end") && !strpbrk(values[0], " \t"))
		return option_value_encode(DHCP_OPT_BYTES, values[0], w, err);
	if (dhcp_option_info(code)->type == DHCP_OPT_VENDOR_SUBS)
		return add_enterprises(&s, w, err);
	end = !strcmp(values[n - 1], "end");
	s.n -= end;
	rc = add_subs(&s, 0, 0, w, err);
	/* PXE clients look for it (PXE 2.1); others need not have it (RFC 2132 8.4). */
	if (end || has_pxe(&s))
		wr_u8(w, END);
	return rc;
}

/* --- printing --- */

static bool decode_subs(struct text *t, uint32_t enterprise, struct rd *r, bool end_allowed)
{
	uint64_t seen[4] = { 0 };

	for (unsigned n = 0; rd_left(r); n++) {
		uint8_t code = rd_u8(r), len;
		const uint8_t *data;

		text_add(t, n ? ", " : "%s", "");
		if (code == END && end_allowed) {
			text_add(t, "end");
			return !rd_left(r);
		}
		len = rd_u8(r);
		data = rd_bytes(r, len);
		if (r->bad || code < 1 || code > SUB_MAX || seen[code / 64] >> (code % 64) & 1)
			return false;
		seen[code / 64] |= (uint64_t)1 << (code % 64);
		if (enterprise)
			text_add(t, "%" PRIu32 " ", enterprise);
		text_add(t, len ? "%u bytes " : "%u bytes", code);
		text_octets(t, data, len);
	}
	return true;
}

static bool has_enterprise(const uint8_t *data, size_t len, uint32_t enterprise)
{
	struct rd r = rd_init(data, len);

	while (rd_left(&r)) {
		if (rd_be32(&r) == enterprise)
			return true;
		rd_bytes(&r, rd_u8(&r));
	}
	return false;
}

static bool decode_enterprises(struct text *t, const uint8_t *data, size_t len)
{
	struct rd r = rd_init(data, len);

	while (rd_left(&r)) {
		size_t before = r.pos;
		uint32_t enterprise = rd_be32(&r);
		uint8_t n = rd_u8(&r);
		const uint8_t *p = rd_bytes(&r, n);
		struct rd subs = rd_init(p, n);

		if (before)
			text_add(t, ", ");
		if (r.bad || !n || !enterprise || has_enterprise(data, before, enterprise) ||
		    !decode_subs(t, enterprise, &subs, false))
			return false;
	}
	return true;
}

bool option_subs_decode(enum dhcp_option_type type, struct text *t, const uint8_t *data, size_t len)
{
	struct rd r = rd_init(data, len);

	return len && (type == DHCP_OPT_VENDOR_SUBS ? decode_enterprises(t, data, len) :
						      decode_subs(t, 0, &r, true));
}

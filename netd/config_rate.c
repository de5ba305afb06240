/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rates of ports, as they are written: a number and its unit, in powers of ten. Which one holds for
 * a port. Pure. */
#include <ctype.h>
#include <inttypes.h>

#include "config_keys.h"

static const struct unit {
	const char *text;
	uint64_t factor;
} bit_units[] = { { "gbit", 1000000000 }, { "mbit", 1000000 }, { "kbit", 1000 }, { NULL, 0 } },
  octet_units[] = { { "mb", 1000000 }, { "kb", 1000 }, { NULL, 0 } };

enum { BURST_MIN = 2000, BURST_MAX = 1000000000 };

#define RATE_MIN UINT64_C(8000)
#define RATE_MAX UINT64_C(400000000000)
#define UNLIMITED "unlimited"

/* "100mbit"; false for what is none, or larger than `max`. */
static bool parse(const struct unit *units, const char *text, uint64_t max, uint64_t *ret)
{
	unsigned long long v;
	char *end;

	errno = 0;
	v = strtoull(text, &end, 10);
	if (errno || !isdigit((unsigned char)*text))
		return false;
	for (const struct unit *u = units; u->text; u++)
		if (!strcmp(end, u->text) && v <= max / u->factor) {
			*ret = v * u->factor;
			return true;
		}
	return false;
}

/* In the largest unit that is whole. */
static void print(const struct unit *units, uint64_t v, struct printer *p)
{
	const struct unit *u = units;
	char text[32];

	while (u[1].text && v % u->factor)
		u++;
	snprintf(text, sizeof(text), "%" PRIu64 "%s", v / u->factor, u->text);
	config_keys_item(p, text);
}

int config_parse_rate(const struct key *k, void *section, const char *text, unsigned index,
		      struct err *err)
{
	uint64_t v = 0;

	(void)index;
	if (!strcmp(text, UNLIMITED))
		v = CONFIG_RATE_UNLIMITED;
	else if (!parse(bit_units, text, RATE_MAX, &v) || v < RATE_MIN)
		return err_set(
			err, EINVAL,
			"'%s' is not a rate from 8kbit to 400gbit like 100mbit, or unlimited",
			text);
	*(uint64_t *)member(k, section) = v;
	return 0;
}

void config_print_rate(const struct key *k, const void *section, struct printer *p)
{
	uint64_t v = *(const uint64_t *)member_const(k, section);

	if (v == CONFIG_RATE_UNLIMITED)
		config_keys_item(p, UNLIMITED);
	else if (v)
		print(bit_units, v, p);
}

int config_parse_burst(const struct key *k, void *section, const char *text, unsigned index,
		       struct err *err)
{
	uint64_t v = 0;

	(void)index;
	if (!parse(octet_units, text, BURST_MAX, &v) || v < BURST_MIN)
		return err_set(err, EINVAL, "'%s' is not a size from 2kb to 1000mb like 256kb",
			       text);
	*(uint32_t *)member(k, section) = (uint32_t)v;
	return 0;
}

void config_print_burst(const struct key *k, const void *section, struct printer *p)
{
	uint32_t v = *(const uint32_t *)member_const(k, section);

	if (v)
		print(octet_units, v, p);
}

bool config_rate_is_set(const struct config_rate *r)
{
	return r->in || r->out || r->burst;
}

static uint64_t limit(uint64_t own, uint64_t general)
{
	uint64_t v = own ? own : general;

	return v == CONFIG_RATE_UNLIMITED ? 0 : v;
}

struct config_rate config_rate_of(const struct config_network *n, const struct config_host *h)
{
	static const struct config_rate none;
	const struct config_rate *own = h ? &h->rate : &none;

	return (struct config_rate){ .in = limit(own->in, n->rate.in),
				     .out = limit(own->out, n->rate.out),
				     .burst = own->burst ? own->burst : n->rate.burst };
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configured options in wire form, sorted by code. Filled when configuration is loaded, read for
 * each packet. */
#include "base/cleanup.h"
#include "dhcp.h"

struct entry {
	uint8_t code;
	uint16_t len;
	uint8_t *data;
};

struct dhcp_option_set {
	struct entry *at;
	unsigned n, cap;
	uint32_t next_server;
};

int dhcp_option_set_new(struct dhcp_option_set **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

void dhcp_option_set_free(struct dhcp_option_set *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < s->n; i++)
		free(s->at[i].data);
	free(s->at);
	free(s);
}

/* The place of a code, or where it would go. */
static unsigned find(const struct dhcp_option_set *s, uint8_t code)
{
	unsigned i = 0;

	while (i < s->n && s->at[i].code < code)
		i++;
	return i;
}

int dhcp_option_set_put(struct dhcp_option_set *s, uint8_t code, const void *data, size_t len)
{
	unsigned i = find(s, code);
	uint8_t *copy;

	if (len > UINT16_MAX)
		return -EINVAL;
	copy = malloc(len ? len : 1);
	if (!copy)
		return -ENOMEM;
	if (len)
		memcpy(copy, data, len);
	if (i < s->n && s->at[i].code == code) {
		free(s->at[i].data);
	} else {
		if (s->n == s->cap) {
			unsigned cap = s->cap ? 2 * s->cap : 8;
			struct entry *at = realloc(s->at, cap * sizeof(*at));

			if (!at) {
				free(copy);
				return -ENOMEM;
			}
			s->at = at;
			s->cap = cap;
		}
		memmove(s->at + i + 1, s->at + i, (s->n - i) * sizeof(*s->at));
		s->n++;
	}
	s->at[i] = (struct entry){ .code = code, .len = (uint16_t)len, .data = copy };
	return 0;
}

void dhcp_option_set_next_server(struct dhcp_option_set *s, uint32_t addr)
{
	s->next_server = addr;
}

uint32_t dhcp_option_set_get_next_server(const struct dhcp_option_set *s)
{
	return s ? s->next_server : 0;
}

const uint8_t *dhcp_option_set_get(const struct dhcp_option_set *s, uint8_t code, size_t *ret_len)
{
	unsigned i;

	if (!s)
		return NULL;
	i = find(s, code);
	if (i == s->n || s->at[i].code != code)
		return NULL;
	*ret_len = s->at[i].len;
	return s->at[i].data;
}

bool dhcp_option_set_nth(const struct dhcp_option_set *s, unsigned n, uint8_t *ret_code)
{
	if (!s || n >= s->n)
		return false;
	*ret_code = s->at[n].code;
	return true;
}

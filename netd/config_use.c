/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the rest of netd asks of a configuration: find, print, and make a pool. */
#include "base/cleanup.h"
#include "config_keys.h"

const struct config_network *config_network_find(const struct config *c, const char *name)
{
	for (unsigned i = 0; i < c->networks; i++)
		if (!strcmp(c->network[i].name, name))
			return &c->network[i];
	return NULL;
}

/* --- canonical form --- */

static void print_options(const struct config_options *options, const char *indent, FILE *out)
{
	for (unsigned i = 0; i < options->n; i++) {
		const struct config_option *o = &options->at[i];

		fprintf(out, "%soption %u { value = { ", indent, o->code);
		for (unsigned j = 0; j < o->n; j++) {
			fputs(j ? ", " : "", out);
			config_print_text(o->value[j], out);
		}
		fputs(" } }\n", out);
	}
}

static void print_classes(const struct config_classes *classes, const char *indent, FILE *out)
{
	char inner[8];

	snprintf(inner, sizeof(inner), "%s\t", indent);
	for (unsigned i = 0; i < classes->n; i++) {
		const struct config_class *c = &classes->at[i];

		fprintf(out, "%sclass %s {\n", indent, c->name);
		config_keys_print(config_keys_class, c, inner, out);
		print_options(&c->options, inner, out);
		fprintf(out, "%s}\n", indent);
	}
}

static void print_links(const struct config_network *n, FILE *out)
{
	char text[IP4_PREFIX_TEXT_SIZE];

	for (unsigned i = 0; i < n->ports; i++) {
		fputs("\tport ", out);
		config_print_text(n->port[i].name, out);
		fputs(" {\n", out);
		config_keys_print(config_keys_port, &n->port[i], "\t\t", out);
		fputs("\t}\n", out);
	}
	for (unsigned i = 0; i < n->relays; i++) {
		fprintf(out, "\trelay %s {\n", ip4_prefix_text(n->relay[i].prefix, text));
		config_keys_print(config_keys_relay, &n->relay[i], "\t\t", out);
		print_options(&n->relay[i].options, "\t\t", out);
		fputs("\t}\n", out);
	}
}

static void print_network(const struct config_network *n, FILE *out)
{
	fprintf(out, "network %s {\n", n->name);
	config_keys_print(config_keys_network, n, "\t", out);
	print_options(&n->options, "\t", out);
	print_classes(&n->classes, "\t", out);
	for (unsigned i = 0; i < n->hosts; i++) {
		fprintf(out, "\thost %s {\n", n->host[i].name);
		config_keys_print(config_keys_host, &n->host[i], "\t\t", out);
		print_options(&n->host[i].options, "\t\t", out);
		fputs("\t}\n", out);
	}
	print_links(n, out);
	fputs("}\n", out);
}

void config_print(const struct config *c, FILE *out)
{
	config_keys_print(config_keys_top, c, "", out);
	fputs("socket {\n", out);
	config_keys_print(config_keys_socket, c, "\t", out);
	fputs("}\nmac {\n", out);
	config_keys_print(config_keys_mac, c, "\t", out);
	fputs("}\n", out);
	print_options(&c->options, "", out);
	print_classes(&c->classes, "", out);
	for (unsigned i = 0; i < c->networks; i++)
		print_network(&c->network[i], out);
}

/* --- pools --- */

/* Appends a range less one address. */
static void add_without(struct ip4_range *to, unsigned *n, struct ip4_range r, uint32_t addr)
{
	if (addr < r.first || addr > r.last) {
		to[(*n)++] = r;
		return;
	}
	if (addr > r.first)
		to[(*n)++] = (struct ip4_range){ r.first, addr - 1 };
	if (addr < r.last)
		to[(*n)++] = (struct ip4_range){ addr + 1, r.last };
}

/* What is in the ranges, or in the whole subnet where there are none; without the router's address.
 */
static int make_pool(const struct config_ranges *ranges, struct ip4_prefix subnet,
		     struct dhcp_pool **ret, struct err *err)
{
	struct ip4_range whole = { ip4_network(subnet) + 1, ip4_broadcast(subnet) - 1 };
	const struct ip4_range *from = ranges->n ? ranges->at : &whole;
	unsigned count = ranges->n ? ranges->n : 1, len = 0;
	struct ip4_range range[2 * CONFIG_LIST_MAX];
	int rc;

	for (unsigned i = 0; i < count; i++) {
		struct ip4_range r = from[i];

		if (r.first < whole.first)
			r.first = whole.first;
		if (r.last > whole.last)
			r.last = whole.last;
		if (r.first <= r.last)
			add_without(range, &len, r, subnet.addr);
	}
	rc = dhcp_pool_new(range, len, ret);
	if (rc == -E2BIG)
		return err_set(err, E2BIG, "its pool has more than 2^20 addresses; set a range");
	return rc ? err_sys(err, -rc, "cannot make its pool") : 0;
}

int config_pool(const struct config_network *n, struct ip4_prefix subnet, struct dhcp_pool **ret,
		struct err *err)
{
	return make_pool(&n->ranges, subnet, ret, err);
}

int config_relay_pool(const struct config_relay *relay, struct dhcp_pool **ret, struct err *err)
{
	char text[IP4_PREFIX_TEXT_SIZE];
	int rc = make_pool(&relay->ranges, relay->prefix, ret, err);

	return rc ? err_wrap(err, rc, "relay %s", ip4_prefix_text(relay->prefix, text)) : 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the rest of netd asks of a configuration: find, print, and make a pool. */
#include <assert.h>

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

		const char *name = dhcp_option_info(o->code)->name;

		if (name)
			fprintf(out, "%soption %s { value = { ", indent, name);
		else
			fprintf(out, "%soption %u { value = { ", indent, o->code);
		for (unsigned j = 0; j < o->n; j++) {
			fputs(j ? ", " : "", out);
			config_write_text(o->value[j], out);
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

static void print_groups(const struct config_groups *groups, const char *indent, FILE *out)
{
	char inner[8];

	snprintf(inner, sizeof(inner), "%s\t", indent);
	for (unsigned i = 0; i < groups->n; i++) {
		fprintf(out, "%sgroup %s {\n", indent, groups->at[i].name);
		config_keys_print(config_keys_group, &groups->at[i], inner, out);
		fprintf(out, "%s}\n", indent);
	}
}

static void print_rate(const struct config_rate *r, const char *indent, FILE *out)
{
	char inner[8];

	if (!config_rate_is_set(r))
		return;
	snprintf(inner, sizeof(inner), "%s\t", indent);
	fprintf(out, "%srate {\n", indent);
	config_keys_print(config_keys_rate, r, inner, out);
	fprintf(out, "%s}\n", indent);
}

static void print_links(const struct config_network *n, FILE *out)
{
	char text[IP4_PREFIX_TEXT_SIZE];

	for (unsigned i = 0; i < n->ports; i++) {
		fputs("\tport ", out);
		config_write_text(n->port[i].name, out);
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

void config_network_print(const struct config_network *n, FILE *out)
{
	fprintf(out, "network %s {\n", n->name);
	config_keys_print(config_keys_network, n, "\t", out);
	print_options(&n->options, "\t", out);
	print_rate(&n->rate, "\t", out);
	print_classes(&n->classes, "\t", out);
	print_groups(&n->groups, "\t", out);
	for (unsigned i = 0; i < n->hosts; i++) {
		fprintf(out, "\thost %s {\n", n->host[i].name);
		config_keys_print(config_keys_host, &n->host[i], "\t\t", out);
		print_options(&n->host[i].options, "\t\t", out);
		print_rate(&n->host[i].rate, "\t\t", out);
		fputs("\t}\n", out);
	}
	print_links(n, out);
	for (unsigned i = 0; i < n->publishes; i++) {
		fputs("\tpublish {\n", out);
		config_keys_print(config_keys_publish, &n->publish[i], "\t\t", out);
		fputs("\t}\n", out);
	}
	config_print_allows(&n->allows, "\t", out);
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
	print_groups(&c->groups, "", out);
	config_print_allows(&c->allows, "", out);
	for (unsigned i = 0; i < c->networks; i++)
		config_network_print(&c->network[i], out);
}

/* --- pools --- */

/* Ranges of a pool while it is put together. Each exclusion, and the gateway, can cut one in two.
 */
struct pieces {
	struct ip4_range at[3 * CONFIG_LIST_MAX + 2];
	unsigned n;
	unsigned stage[1 + CONFIG_LIST_MAX]; /* pieces up to the end of each */
	unsigned stages;
};

static_assert(1 + CONFIG_LIST_MAX <= DHCP_POOL_STAGES, "a stage for each range to grow into");

static void cut_out(struct pieces *p, unsigned from, struct ip4_range cut)
{
	const struct pieces whole = *p;

	p->n = from;
	for (unsigned i = from; i < whole.n; i++) {
		struct ip4_range r = whole.at[i];

		if (cut.last < r.first || cut.first > r.last) {
			p->at[p->n++] = r;
			continue;
		}
		if (cut.first > r.first)
			p->at[p->n++] = (struct ip4_range){ r.first, cut.first - 1 };
		if (cut.last < r.last)
			p->at[p->n++] = (struct ip4_range){ cut.last + 1, r.last };
	}
}

/* A stage of the pool with these ranges, as far as they are in the subnet; without the gateway's
 * address. */
static void add_stage(struct pieces *p, struct ip4_prefix subnet, const struct ip4_range *range,
		      unsigned count, const struct config_ranges *exclude)
{
	struct ip4_range whole = { ip4_network(subnet) + 1, ip4_broadcast(subnet) - 1 };
	unsigned from = p->n;

	for (unsigned i = 0; i < count; i++) {
		struct ip4_range r = range[i];

		if (r.first < whole.first)
			r.first = whole.first;
		if (r.last > whole.last)
			r.last = whole.last;
		if (r.first <= r.last)
			p->at[p->n++] = r;
	}
	cut_out(p, from, (struct ip4_range){ subnet.addr, subnet.addr });
	for (unsigned i = 0; i < exclude->n; i++)
		cut_out(p, from, exclude->at[i]);
	p->stage[p->stages++] = p->n;
}

/* What is in the ranges, or in the whole subnet where there are none. */
static void add_ranges(struct pieces *p, struct ip4_prefix subnet,
		       const struct config_ranges *ranges, const struct config_ranges *exclude)
{
	struct ip4_range whole = { ip4_network(subnet), ip4_broadcast(subnet) };

	add_stage(p, subnet, ranges->n ? ranges->at : &whole, ranges->n ? ranges->n : 1, exclude);
}

static int make_pool(const struct pieces *p, struct dhcp_pool **ret, struct err *err)
{
	int rc = dhcp_pool_new(p->at, p->n, ret);

	if (rc == -E2BIG)
		return err_set(err, E2BIG, "its pool has more than 2^20 addresses; set a range");
	if (rc)
		return err_sys(err, -rc, "cannot make its pool");
	dhcp_pool_stage(*ret, p->stage, p->stages);
	return 0;
}

int config_pool(const struct config_network *n, struct ip4_prefix subnet, struct dhcp_pool **ret,
		struct err *err)
{
	struct pieces p = { 0 };

	if (config_network_addressless(n))
		return make_pool(&p, ret, err);
	add_ranges(&p, subnet, &n->ranges, &n->exclude);
	for (unsigned i = 0; i < n->grow.n; i++)
		add_stage(&p, subnet, &n->grow.at[i], 1, &n->exclude);
	return make_pool(&p, ret, err);
}

int config_relay_pool(const struct config_relay *relay, struct dhcp_pool **ret, struct err *err)
{
	static const struct config_ranges nothing;
	char text[IP4_PREFIX_TEXT_SIZE];
	struct pieces p = { 0 };
	int rc;

	add_ranges(&p, relay->prefix, &relay->ranges, &nothing);
	rc = make_pool(&p, ret, err);
	return rc ? err_wrap(err, rc, "relay %s", ip4_prefix_text(relay->prefix, text)) : 0;
}

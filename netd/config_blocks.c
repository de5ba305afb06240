/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From libconfuse's tree to our structs, block by block. Called by config.c alone. */
#include "base/cleanup.h"
#include "config_read.h"

enum { OPTION_SIZE = 1024 };

/* A value without its mark, and the line that the mark says. */
static const char *unmark(const char *marked, int *line)
{
	const char *at = strchr(marked, CONFIG_MARK);

	*line = (int)strtol(marked, NULL, 10);
	return at + 1;
}

static int at_place(struct err *err, int rc, const char *file, int line, const char *key)
{
	return err_wrap(err, rc, "%s:%d: %s", file, line, key);
}

static int take_key(struct reading *r, cfg_t *cfg, const struct key *k, void *section)
{
	unsigned n = cfg_size(cfg, k->name);

	for (unsigned i = 0; i < n; i++) {
		int line, rc;
		const char *text = unmark(cfg_getnstr(cfg, k->name, i), &line);

		if (k->place)
			*(struct config_place *)(void *)((char *)section + k->place) =
				(struct config_place){ .file = r->file, .line = line };
		rc = k->parse(k, section, text, i, r->err);
		if (rc)
			return at_place(r->err, rc, r->file, line, k->name);
	}
	return 0;
}

int config_take_keys(struct reading *r, cfg_t *cfg, const struct key *table, void *section)
{
	int rc = 0;

	for (const struct key *k = table; k->name && !rc; k++)
		rc = take_key(r, cfg, k, section);
	return rc;
}

static int no_memory(struct err *err)
{
	return err_set(err, ENOMEM, "out of memory");
}

static int take_option(struct reading *r, cfg_t *cfg, struct config_options *options)
{
	const char *title = cfg_title(cfg);
	const char *values[CONFIG_LIST_MAX];
	unsigned n = cfg_size(cfg, "value");
	struct config_option o = { .n = n };
	uint8_t wire[OPTION_SIZE];
	struct wr w = wr_init(wire, sizeof(wire));
	struct config_option *at;
	char text[DHCP_OPTION_TEXT_SIZE];
	int line = cfg->line, rc;

	if (!dhcp_option_lookup(title, &o.code))
		return err_set(r->err, EINVAL, "%s:%d: there is no DHCP option '%s'", r->file, line,
			       title);
	if (n > CONFIG_LIST_MAX)
		return err_set(r->err, EINVAL, "%s:%d: more than %d values", r->file, line,
			       CONFIG_LIST_MAX);
	for (unsigned i = 0; i < n; i++)
		values[i] = unmark(cfg_getnstr(cfg, "value", i), &line);
	for (unsigned i = 0; i < options->n; i++)
		if (options->at[i].code == o.code)
			return err_set(r->err, EINVAL, "%s:%d: option %s is set twice", r->file,
				       line, dhcp_option_text(o.code, text));
	rc = dhcp_option_encode(o.code, values, n, &w, r->err);
	if (rc)
		return err_wrap(r->err, rc, "%s:%d", r->file, line);
	if (!options->wire && dhcp_option_set_new(&options->wire))
		return no_memory(r->err);
	if (dhcp_option_set_put(options->wire, o.code, wire, w.len))
		return no_memory(r->err);
	at = realloc(options->at, (options->n + 1) * sizeof(*at));
	if (!at)
		return no_memory(r->err);
	options->at = at;
	for (unsigned i = 0; i < n; i++) {
		o.value[i] = strdup(values[i]);
		if (!o.value[i])
			o.n = 0;
	}
	options->at[options->n++] = o;
	return o.n ? 0 : no_memory(r->err);
}

static int take_options(struct reading *r, cfg_t *cfg, struct config_options *options)
{
	int rc = 0;

	for (unsigned i = 0; i < cfg_size(cfg, "option") && !rc; i++)
		rc = take_option(r, cfg_getnsec(cfg, "option", i), options);
	return rc;
}

static int check_title(struct reading *r, cfg_t *cfg, const char *what, char name[NAME_SIZE])
{
	const char *title = cfg_title(cfg), *why = bridge_name_refusal(title);

	if (why)
		return err_set(r->err, EINVAL, "%s:%d: '%s' is not a name for a %s: %s", r->file,
			       cfg->line, title, what, why);
	snprintf(name, NAME_SIZE, "%s", title);
	return 0;
}

static int take_rate(struct reading *r, cfg_t *cfg, struct config_rate *rate)
{
	return cfg_size(cfg, "rate") ?
		       config_take_keys(r, cfg_getsec(cfg, "rate"), config_keys_rate, rate) :
		       0;
}

static int take_host(struct reading *r, cfg_t *cfg, struct config_network *n)
{
	struct config_host *host = realloc(n->host, (n->hosts + 1) * sizeof(*host));
	int rc;

	if (!host)
		return no_memory(r->err);
	n->host = host;
	host += n->hosts++;
	*host = (struct config_host){ .place = { r->file, cfg->line } };
	rc = check_title(r, cfg, "guest", host->name);
	if (!rc)
		rc = config_take_keys(r, cfg, config_keys_host, host);
	if (!rc)
		rc = take_rate(r, cfg, &host->rate);
	return rc ? rc : take_options(r, cfg, &host->options);
}

static int take_class(struct reading *r, cfg_t *cfg, struct config_classes *classes)
{
	struct config_class *c;
	int rc;

	for (unsigned i = 0; i < classes->n; i++)
		if (!strcmp(classes->at[i].name, cfg_title(cfg)))
			return err_set(r->err, EINVAL, "%s:%d: class '%s' stands already at %s:%d",
				       r->file, cfg->line, cfg_title(cfg),
				       classes->at[i].place.file, classes->at[i].place.line);
	c = realloc(classes->at, (classes->n + 1) * sizeof(*c));
	if (!c)
		return no_memory(r->err);
	classes->at = c;
	c += classes->n++;
	*c = (struct config_class){ .place = { r->file, cfg->line } };
	rc = check_title(r, cfg, "class", c->name);
	if (!rc)
		rc = config_take_keys(r, cfg, config_keys_class, c);
	return rc ? rc : take_options(r, cfg, &c->options);
}

static int take_classes(struct reading *r, cfg_t *cfg, struct config_classes *classes)
{
	int rc = 0;

	for (unsigned i = 0; i < cfg_size(cfg, "class") && !rc; i++)
		rc = take_class(r, cfg_getnsec(cfg, "class", i), classes);
	return rc;
}

static int take_group(struct reading *r, cfg_t *cfg, struct config_groups *groups)
{
	struct config_group *g;
	int rc;

	for (unsigned i = 0; i < groups->n; i++)
		if (!strcmp(groups->at[i].name, cfg_title(cfg)))
			return err_set(r->err, EINVAL, "%s:%d: group '%s' stands already at %s:%d",
				       r->file, cfg->line, cfg_title(cfg), groups->at[i].place.file,
				       groups->at[i].place.line);
	g = realloc(groups->at, (groups->n + 1) * sizeof(*g));
	if (!g)
		return no_memory(r->err);
	groups->at = g;
	g += groups->n++;
	*g = (struct config_group){ .place = { r->file, cfg->line } };
	rc = check_title(r, cfg, "group", g->name);
	return rc ? rc : config_take_keys(r, cfg, config_keys_group, g);
}

static int take_groups(struct reading *r, cfg_t *cfg, struct config_groups *groups)
{
	int rc = 0;

	for (unsigned i = 0; i < cfg_size(cfg, "group") && !rc; i++)
		rc = take_group(r, cfg_getnsec(cfg, "group", i), groups);
	return rc;
}

static int take_port(struct reading *r, cfg_t *cfg, struct config_network *n)
{
	struct config_port *p = realloc(n->port, (n->ports + 1) * sizeof(*p));
	const char *name = cfg_title(cfg);

	if (!p)
		return no_memory(r->err);
	n->port = p;
	p += n->ports;
	*p = (struct config_port){ .trusted = true, .place = { r->file, cfg->line } };
	if (!config_link_name_good(name))
		return err_set(r->err, EINVAL, "%s:%d: '%s' is not the name of an interface",
			       r->file, cfg->line, name);
	snprintf(p->name, sizeof(p->name), "%s", name);
	n->ports++;
	return config_take_keys(r, cfg, config_keys_port, p);
}

static int take_relay(struct reading *r, cfg_t *cfg, struct config_network *n)
{
	struct config_relay *relay = realloc(n->relay, (n->relays + 1) * sizeof(*relay));
	const char *title = cfg_title(cfg);
	int rc;

	if (!relay)
		return no_memory(r->err);
	n->relay = relay;
	relay += n->relays++;
	*relay = (struct config_relay){ .place = { r->file, cfg->line } };
	if (!ip4_prefix_parse(title, &relay->prefix) || relay->prefix.len > 30 ||
	    relay->prefix.addr == ip4_network(relay->prefix) ||
	    relay->prefix.addr == ip4_broadcast(relay->prefix))
		return err_set(r->err, EINVAL,
			       "%s:%d: '%s' is not a router's address and prefix length like "
			       "10.9.0.1/24",
			       r->file, cfg->line, title);
	rc = config_take_keys(r, cfg, config_keys_relay, relay);
	return rc ? rc : take_options(r, cfg, &relay->options);
}

static int take_publish(struct reading *r, cfg_t *cfg, struct config_network *n)
{
	struct config_publish *p = realloc(n->publish, (n->publishes + 1) * sizeof(*p));

	if (!p)
		return no_memory(r->err);
	n->publish = p;
	p += n->publishes++;
	*p = (struct config_publish){ .place = { r->file, cfg->line } };
	return config_take_keys(r, cfg, config_keys_publish, p);
}

static int take_allows(struct reading *r, cfg_t *cfg, struct config_allows *allows)
{
	int rc = 0;

	for (unsigned i = 0; i < cfg_size(cfg, "allow") && !rc; i++) {
		cfg_t *block = cfg_getnsec(cfg, "allow", i);
		struct config_allow *a =
			config_add_allow(allows, (struct config_place){ r->file, block->line });

		rc = a ? config_take_keys(r, block, config_keys_allow, a) : no_memory(r->err);
	}
	return rc;
}

static void network_defaults(struct config_network *n)
{
	*n = (struct config_network){ .auto_subnet = true,
				      .lease_time = 3600,
				      .offer_hold = 60,
				      .quarantine = 3600,
				      .probe_stock = 8,
				      .sweep = 5,
				      .uplink_deadline = 10,
				      .auto_dns = true,
				      .dhcp = true,
				      .guard = NFT_GUARD_ON,
				      .port_leases = 16,
				      .max_connections = 16384,
				      .bootp = true,
				      .authoritative = true };
}

struct config_network *config_add_network(struct config *c)
{
	struct config_network *all = realloc(c->network, (c->networks + 1) * sizeof(*all));

	if (!all)
		return NULL;
	c->network = all;
	network_defaults(&all[c->networks]);
	return &all[c->networks++];
}

static int take_network(struct reading *r, cfg_t *cfg)
{
	const struct config_network *other = config_network_find(r->config, cfg_title(cfg));
	struct config_network *n;
	int rc;

	if (other)
		return err_set(r->err, EINVAL, "%s:%d: network '%s' stands already at %s:%d",
			       r->file, cfg->line, other->name, other->place.file,
			       other->place.line);
	if (r->config->networks == CONFIG_NETWORKS_MAX)
		return err_set(r->err, EINVAL, "%s:%d: more than %d networks", r->file, cfg->line,
			       CONFIG_NETWORKS_MAX);
	n = config_add_network(r->config);
	if (!n)
		return no_memory(r->err);
	n->place = (struct config_place){ r->file, cfg->line };
	rc = check_title(r, cfg, "network", n->name);
	if (!rc)
		rc = config_take_keys(r, cfg, config_keys_network, n);
	/* A LAN has its server. */
	if (!n->dhcp_place.line)
		n->dhcp = !bridge_mode_lan(n->mode);
	if (!rc)
		rc = take_rate(r, cfg, &n->rate);
	if (!rc)
		rc = take_options(r, cfg, &n->options);
	if (!rc)
		rc = take_classes(r, cfg, &n->classes);
	if (!rc)
		rc = take_groups(r, cfg, &n->groups);
	for (unsigned i = 0; i < cfg_size(cfg, "host") && !rc; i++)
		rc = take_host(r, cfg_getnsec(cfg, "host", i), n);
	for (unsigned i = 0; i < cfg_size(cfg, "port") && !rc; i++)
		rc = take_port(r, cfg_getnsec(cfg, "port", i), n);
	for (unsigned i = 0; i < cfg_size(cfg, "relay") && !rc; i++)
		rc = take_relay(r, cfg_getnsec(cfg, "relay", i), n);
	for (unsigned i = 0; i < cfg_size(cfg, "publish") && !rc; i++)
		rc = take_publish(r, cfg_getnsec(cfg, "publish", i), n);
	return rc ? rc : take_allows(r, cfg, &n->allows);
}

/* What was made at run time is one network of its name, and nothing beside it. */
static int take_made(struct reading *r, cfg_t *cfg)
{
	struct config_network *n;
	cfg_t *block;
	int rc;

	for (cfg_opt_t *o = cfg->opts; o->name; o++)
		if (cfg_opt_size(o) && strcmp(o->name, "network") &&
		    strcmp(o->name, CONFIG_LAST_KEY))
			return err_set(r->err, EINVAL, "%s: '%s' stands outside of the network",
				       r->file, o->name);
	block = cfg_getnsec(cfg, "network", 0);
	if (cfg_size(cfg, "network") != 1 || strcmp(cfg_title(block), r->made->name))
		return err_set(r->err, EINVAL, "%s: it is more than the one network", r->file);
	rc = take_network(r, block);
	if (rc)
		return rc;
	n = &r->config->network[r->config->networks - 1];
	n->made = true;
	n->owner = r->made->owner;
	n->created = r->made->created;
	return 0;
}

int config_take_tree(struct reading *r, cfg_t *cfg)
{
	int rc;

	if (r->made)
		return take_made(r, cfg);
	rc = config_take_keys(r, cfg, config_keys_top, r->config);
	if (!rc && cfg_size(cfg, "socket"))
		rc = config_take_keys(r, cfg_getsec(cfg, "socket"), config_keys_socket, r->config);
	if (!rc && cfg_size(cfg, "mac"))
		rc = config_take_keys(r, cfg_getsec(cfg, "mac"), config_keys_mac, r->config);
	if (!rc)
		rc = take_options(r, cfg, &r->config->options);
	if (!rc)
		rc = take_classes(r, cfg, &r->config->classes);
	if (!rc)
		rc = take_groups(r, cfg, &r->config->groups);
	if (!rc)
		rc = take_allows(r, cfg, &r->config->allows);
	for (unsigned i = 0; i < cfg_size(cfg, "network") && !rc; i++)
		rc = take_network(r, cfg_getnsec(cfg, "network", i));
	return rc;
}

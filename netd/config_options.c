/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options and classes of a configuration, when all of it was read: keys that are options under
 * another name are put into their scope's set, and what concerns several classes is checked. Called
 * by config.c alone.
 */
#include "base/cleanup.h"
#include "config_keys.h"

static int no_memory(struct err *err)
{
	return err_set(err, ENOMEM, "out of memory");
}

static int put_option(struct config_options *o, uint8_t code, const void *data, size_t len,
		      struct err *err)
{
	if (!o->wire && dhcp_option_set_new(&o->wire))
		return no_memory(err);
	return dhcp_option_set_put(o->wire, code, data, len) ? no_memory(err) : 0;
}

/* Keys that are options under another name. */
static int encode_keys(struct config_network *n, struct err *err)
{
	uint8_t dns[4 * CONFIG_LIST_MAX];
	struct wr w = wr_init(dns, sizeof(dns));
	int rc = 0;

	for (unsigned i = 0; i < n->dns.n; i++)
		wr_be32(&w, n->dns.at[i]);
	if (w.len)
		rc = put_option(&n->options, 6, dns, w.len, err);
	if (!rc && n->domain[0])
		rc = put_option(&n->options, 15, n->domain, strlen(n->domain), err);
	return rc;
}

/* The same of any scope: where and what to boot. */
static int encode_boot(struct config_options *o, struct err *err)
{
	size_t len;
	int rc = 0;

	if (o->boot_file[0] && dhcp_option_set_get(o->wire, 67, &len))
		return config_wrong(err, o->boot_place,
				    "boot-file: it is option 67, which is set as well");
	if (!o->wire && o->next_server && dhcp_option_set_new(&o->wire))
		return no_memory(err);
	if (o->next_server)
		dhcp_option_set_next_server(o->wire, o->next_server);
	if (o->boot_file[0])
		rc = put_option(o, 67, o->boot_file, strlen(o->boot_file), err);
	return rc;
}

static bool has_criterion(const struct dhcp_class *m)
{
	return m->vendor_class[0] || m->user_class[0] || m->hostname[0] || m->circuit_id[0] ||
	       m->remote_id[0] || m->archs || m->mac_prefix_len;
}

/* What a class matches is whole when its options are. */
static int finish_classes(struct config_classes *classes, struct err *err)
{
	for (unsigned i = 0; i < classes->n; i++) {
		struct config_class *c = &classes->at[i];
		int rc = encode_boot(&c->options, err);

		if (rc)
			return rc;
		if (!has_criterion(&c->match))
			return config_wrong(err, c->place, "class '%s' says nothing of its clients",
					    c->name);
		c->match.options = c->options.wire;
	}
	return 0;
}

static int check_classes(const struct config *c, const struct config_network *n, struct err *err)
{
	if (n->classes.n + c->classes.n > DHCP_CLASSES_MAX)
		return config_wrong(err, n->place, "network '%s': more than %d classes", n->name,
				    DHCP_CLASSES_MAX);
	return 0;
}

int config_options_finish(struct config *c, struct err *err)
{
	int rc = finish_classes(&c->classes, err);

	for (unsigned i = 0; i < c->networks && !rc; i++) {
		struct config_network *n = &c->network[i];

		rc = check_classes(c, n, err);
		if (!rc)
			rc = finish_classes(&n->classes, err);
		if (!rc)
			rc = encode_keys(n, err);
		if (!rc)
			rc = encode_boot(&n->options, err);
		for (unsigned h = 0; h < n->hosts && !rc; h++)
			rc = encode_boot(&n->host[h].options, err);
		for (unsigned j = 0; j < n->relays && !rc; j++)
			rc = encode_boot(&n->relay[j].options, err);
	}
	return rc;
}

void config_options_done(struct config_options *o)
{
	for (unsigned i = 0; i < o->n; i++)
		for (unsigned j = 0; j < o->at[i].n; j++)
			free(o->at[i].value[j]);
	free(o->at);
	dhcp_option_set_free(o->wire);
}

void config_classes_done(struct config_classes *classes)
{
	for (unsigned i = 0; i < classes->n; i++)
		config_options_done(&classes->at[i].options);
	free(classes->at);
}

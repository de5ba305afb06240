/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reload: read the configuration anew, see whether everything in it can be, and only then let it
 * replace the old one. Running guests are not touched: what would take a network or its subnet from
 * under them is refused.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "networks_made.h"
#include "reload.h"
#include "varlink.h"

/* --- refusals --- */

static void append_port(char *to, size_t size, unsigned n, const struct port *p)
{
	char text[NAME_SIZE + 12];
	size_t len = strlen(to);

	snprintf(to + len, size - len, "%s%s", n ? ", " : "", port_text(p, text));
}

int reload_refuse_in_use(struct daemon *d, const struct network *n, struct refusal *r)
{
	enum { NAMED = 2 };
	char who[sizeof(r->holder)] = "";
	unsigned count = 0;
	struct port *p;
	size_t len;

	for (uint32_t at = 0; (p = port_next(d, &at));)
		if (p->network == n->slot && p->ifindex && count++ < NAMED)
			append_port(who, sizeof(who), count - 1, p);
	len = strlen(who);
	if (count > NAMED)
		snprintf(who + len, sizeof(who) - len, " and %u more", count - NAMED);
	return refuse(r, REFUSED_IN_USE, n->config->name, who);
}

/* --- check --- */

struct checking {
	struct daemon *d;
	const struct config *c;
	struct reload_check *check;
	int rc;
};

static bool tell(struct checking *x, const char *network, const char *key, const struct refusal *r)
{
	x->rc = x->check->refused(x->check->arg, network, key, r);
	return x->rc != 0;
}

/* The network as it would be: its subnet is checked against the host as at start. */
static int check_subnet(struct checking *x, const struct network *old, unsigned i,
			struct refusal *r)
{
	const struct config_network *c = &x->c->network[i];
	struct network probe = { .slot = CONFIG_NETWORKS_MAX };
	struct err err;

	if (old)
		probe = *old;
	probe.config = c;
	if (!network_choose_subnet(x->d, &probe, &x->check->subnet[i], &err))
		return 0;
	err_wrap(&err, 0, "network '%s'", c->name);
	return refuse_err(r, REFUSED_CONFIGURATION, &err);
}

static bool same_subnet(const struct network *n, struct ip4_prefix p)
{
	return n->subnet.addr == p.addr && n->subnet.len == p.len;
}

/* What is below its ports is another: their devices cannot follow. */
static const char *find_replaced(const struct config_network *a, const struct config_network *b)
{
	bool lan = bridge_mode_lan(a->mode) || bridge_mode_lan(b->mode);

	if (lan && a->mode != b->mode)
		return "mode";
	if (strcmp(a->uplink, b->uplink))
		return "uplink";
	return strcmp(a->bridge, b->bridge) ? "bridge" : NULL;
}

bool reload_replaces(const struct config_network *before, const struct config_network *now)
{
	return find_replaced(before, now) || (before->mistake != NULL) != (now->mistake != NULL);
}

/* A client that would not be known again; NULL: there is none. */
static const struct dhcp_lease *find_client(const struct daemon *d, const struct network *n)
{
	const struct dhcp_lease *l;
	uint32_t at = 0, look = UINT32_MAX;

	while ((l = dhcp_lease_next(d->dhcp, n->slot, &at, &look)))
		if (l->client && l->state == DHCP_LEASE_BOUND)
			return l;
	return NULL;
}

static bool check_identity(struct checking *x, const struct network *old,
			   const struct config_network *c)
{
	const struct dhcp_lease *l =
		old->config->identity != c->identity ? find_client(x->d, old) : NULL;
	char address[IP4_TEXT_SIZE], mac[MAC_TEXT_SIZE], who[96];
	struct refusal r;

	if (!l)
		return false;
	snprintf(who, sizeof(who), "DHCP client %s with the lease of %s", mac_text(&l->mac, mac),
		 ip4_text(l->addr, address));
	refuse(&r, REFUSED_IN_USE, c->name, who);
	return tell(x, c->name, "identity", &r);
}

/* A network that there is; true: that is enough. */
static bool check_old(struct checking *x, struct network *old, unsigned i)
{
	const struct config_network *c = &x->c->network[i];
	const char *key = find_replaced(old->config, c);
	struct refusal r;

	if (!old->attached)
		return check_identity(x, old, c);
	if (!same_subnet(old, x->check->subnet[i]) && !c->mistake) {
		reload_refuse_in_use(x->d, old, &r);
		if (tell(x, c->name, key ? key : "subnet", &r))
			return true;
	} else if (key) {
		reload_refuse_in_use(x->d, old, &r);
		if (tell(x, c->name, key, &r))
			return true;
	}
	return check_identity(x, old, c);
}

/* What was made at run time stays what it is. */
static bool check_made(struct checking *x, const struct network *old,
		       const struct config_network *c)
{
	struct refusal r;
	struct err err;

	if (c->mistake && !(old && old->config->mistake)) {
		err_put(&err, "%s", c->mistake);
		refuse_err(&r, REFUSED_CONFIGURATION, &err);
		return tell(x, c->name, "", &r);
	}
	if (old && old->config->made && !c->made) {
		err_put(&err,
			"%s:%d: network '%s' was made at run time: delete it (netdctl network "
			"delete), or give this one another name",
			c->place.file, c->place.line, c->name);
		refuse_err(&r, REFUSED_CONFIGURATION, &err);
		return tell(x, c->name, "", &r);
	}
	return false;
}

/* A network that would be new stands among the others for as long as they are checked, so that no
 * two of them get one subnet. */
static void stand_in(struct checking *x, unsigned i)
{
	struct network *n = network_add(x->d, &x->c->network[i]);

	if (!n)
		return;
	n->subnet = x->check->subnet[i];
	n->trial = true;
}

static void end_trial(struct daemon *d)
{
	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++) {
		if (d->network[i].trial)
			d->network[i] = (struct network){ 0 };
		d->network[i].leaving = false;
	}
}

static bool check_one(struct checking *x, unsigned i)
{
	const struct config_network *c = &x->c->network[i];
	struct network *old = network_find(x->d, c->name);
	struct refusal r;

	if (check_made(x, old, c))
		return true;
	if (c->mistake)
		return false;
	if (published_check(x->d, x->c, c, &r) && tell(x, c->name, "publish", &r))
		return true;
	if (check_subnet(x, old, i, &r))
		return tell(x, c->name, "subnet", &r);
	if (old)
		return check_old(x, old, i);
	stand_in(x, i);
	return false;
}

static bool check_leaving(struct checking *x)
{
	struct refusal r;

	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++) {
		struct network *n = &x->d->network[i];

		n->leaving = n->used && !config_network_find(x->c, n->config->name);
		if (!n->leaving || !n->attached)
			continue;
		reload_refuse_in_use(x->d, n, &r);
		if (tell(x, n->config->name, "", &r))
			return true;
	}
	return false;
}

static void check_all(struct checking *x)
{
	if (check_leaving(x))
		return;
	for (unsigned i = 0; i < x->c->networks; i++)
		if (check_one(x, i))
			return;
}

/* With the new supernets in force, and then the old ones again. */
int reload_check(struct daemon *d, struct config *c, struct reload_check *check)
{
	struct checking x = { .d = d, .c = c, .check = check };
	struct config *old = d->config;

	memset(check->subnet, 0, sizeof(check->subnet));
	d->config = c;
	routes_hold(d);
	check_all(&x);
	routes_drop(d);
	d->config = old;
	end_trial(d);
	return x.rc;
}

/* --- apply --- */

/* Nothing in dhcp/ points into the old configuration any more. */
static void configure_dhcp(struct daemon *d)
{
	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++) {
		struct network *n = &d->network[i];
		struct err err;

		if (!n->used || !n->pool || !network_configure(d, n, &err))
			continue;
		log_error("network %s: %s", n->config->name, err.text);
		network_forget(d, n);
	}
}

static void end_strays(struct daemon *d)
{
	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++) {
		const struct network *n = &d->network[i];
		struct err err;

		if (n->used && n->pool && serve_end_strays(d, n, &err))
			log_warning("network %s: ended leases could not be stored: %s",
				    n->config->name, err.text);
	}
}

static void apply_one(struct daemon *d, struct network *n, const struct config_network *now)
{
	struct ip4_prefix subnet;
	struct err err;

	n->config = now;
	if (n->attached)
		ports_configure(d, n);
	else if (network_choose_subnet(d, n, &subnet, &err) || !same_subnet(n, subnet))
		network_forget(d, n);
	if (n->pool && network_plan(d, n, &err))
		network_forget(d, n);
}

/* Those that go are gone before another network can have what was theirs. */
static void remove_leaving(struct daemon *d, const struct config *c)
{
	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++) {
		struct network *n = &d->network[i];
		const struct config_network *now =
			n->used ? config_network_find(c, n->config->name) : NULL;

		if (!n->used || (now && (n->attached || !reload_replaces(n->config, now))))
			continue;
		joined_leave(d, n);
		network_remove(d, n);
	}
}

static void say_what_waits(const struct config *old, const struct config *c)
{
	if (strcmp(old->socket_path, c->socket_path) ||
	    strcmp(old->socket_group, c->socket_group) || old->socket_mode != c->socket_mode ||
	    strcmp(old->secret, c->secret) || old->trap_group != c->trap_group ||
	    old->max_ports != c->max_ports || old->max_leases != c->max_leases ||
	    old->max_clients != c->max_clients)
		log_notice("socket, secret, trap-group, max-ports, max-leases and max-clients take "
			   "effect at the next start");
}

void reload_apply(struct daemon *d, struct config *c)
{
	struct config *old = d->config;

	d->config = c;
	remove_leaving(d, c);
	routes_hold(d);
	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++)
		if (d->network[i].used)
			apply_one(d, &d->network[i],
				  config_network_find(c, d->network[i].config->name));
	routes_drop(d);
	for (unsigned i = 0; i < c->networks; i++)
		if (!network_find(d, c->network[i].name))
			network_add(d, &c->network[i]);
	lan_retry(d);
	joined_configure(d);
	published_configure(d);
	configure_dhcp(d);
	if (d->varlink)
		varlink_reauthorize(d->varlink);
	end_strays(d);
	d->generator.policy = c->mac_policy;
	d->generator.prefix_len = c->mac_prefix_len;
	memcpy(d->generator.prefix, c->mac_prefix, sizeof(d->generator.prefix));
	say_what_waits(old, c);
	config_free(old);
	free(d->rules); /* which ports are served may have changed, too */
	d->rules = NULL;
}

/* --- reload --- */

int reload_read(struct daemon *d, struct config **ret, struct refusal *r)
{
	struct config *files;
	struct err err;
	int rc = config_read(d->config_path, d->config_optional, &files, &err);

	if (!rc) {
		rc = made_read(d, files, ret, &err);
		config_free(files);
	}
	return rc ? refuse_err(r, REFUSED_CONFIGURATION, &err) : 0;
}

/* The first is enough. */
static int keep_refusal(void *arg, const char *network, const char *key, const struct refusal *r)
{
	(void)network;
	(void)key;
	*(struct refusal *)arg = *r;
	return -1;
}

/* Takes c over. What the kernel refuses as a whole is as if it had not been asked for. */
static int apply_or_back(struct daemon *d, struct config *c, struct refusal *r)
{
	struct config *back;
	struct err err, again;

	if (made_read(d, d->config, &back, &err)) {
		config_free(c);
		return refuse_err(r, REFUSED_CONFIGURATION, &err);
	}
	reload_apply(d, c);
	if (!reconcile(d, &err)) {
		config_free(back);
		return 0;
	}
	reload_apply(d, back);
	if (reconcile(d, &again))
		log_error("%s", again.text);
	refuse(r, REFUSED_SYSTEM, NULL, NULL);
	r->detail = err;
	return -1;
}

int daemon_reload(struct daemon *d, struct refusal *r)
{
	struct reload_check check = { .refused = keep_refusal, .arg = r };
	struct config *c;

	if (reload_read(d, &c, r))
		return -1;
	if (reload_check(d, c, &check)) {
		config_free(c);
		return -1;
	}
	if (apply_or_back(d, c, r))
		return -1;
	event_add(d, EVENT_RELOADED);
	coexist_run(d);
	log_info("the configuration was read again");
	return 0;
}

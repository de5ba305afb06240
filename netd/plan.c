/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a reload would change: the configuration in force against the one that is in the files, key
 * by key, and what reload's own check says of it. Called by the API; changes nothing.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "config_diff.h"
#include "plan.h"
#include "reload.h"

const char *plan_effect_text(enum plan_effect effect)
{
	static const char *const texts[] = { [PLAN_LIVE] = "live",
					     [PLAN_NEXT_ATTACH] = "next-attach",
					     [PLAN_NEXT_START] = "next-start",
					     [PLAN_REFUSED] = "refused" };

	return texts[effect];
}

void plan_done(struct plan_changes *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->at[i].network);
		free(p->at[i].key);
		free(p->at[i].before);
		free(p->at[i].now);
		free(p->at[i].host);
		free(p->at[i].reason);
	}
	free(p->at);
	*p = (struct plan_changes){ 0 };
}

struct planning {
	struct daemon *d;
	const struct config *now;
	const struct reload_check *check;
	struct plan_changes *to;
	bool no_memory;
};

/* A copy; NULL stays NULL. */
static char *copy(struct planning *x, const char *text)
{
	char *made = text ? strdup(text) : NULL;

	x->no_memory = x->no_memory || (text && !made);
	return made;
}

static ERR_PRINTF(2, 3) char *print(struct planning *x, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0) {
		text = NULL;
		x->no_memory = true;
	}
	va_end(ap);
	return text;
}

static struct plan_change *add(struct planning *x, const char *network)
{
	struct plan_change *all = realloc(x->to->at, (x->to->n + 1) * sizeof(*all));

	if (!all) {
		x->no_memory = true;
		return NULL;
	}
	x->to->at = all;
	all += x->to->n++;
	*all = (struct plan_change){ .network = *network ? copy(x, network) : NULL };
	return all;
}

/* --- when it takes effect --- */

static bool is_for_next_start(const struct config_change *c)
{
	static const char *const keys[] = { "trap-group", "max-ports", "max-leases",
					    "max-clients" };

	if (*c->network)
		return false;
	if (!strcmp(c->block, "socket") || (!strcmp(c->block, "mac") && !strcmp(c->key, "secret")))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (!*c->block && !strcmp(c->key, keys[i]))
			return true;
	return false;
}

/* MAC and address of a guest that runs: it keeps what it has for as long as it does. */
static bool is_for_next_attach(struct daemon *d, const struct config_network *now,
			       const struct config_change *c)
{
	const struct network *n = network_find(d, c->network);
	const char *guest = c->block + strlen("host ");
	const struct config_host *before, *after;
	const struct port *p;

	if (!n || !now || strncmp(c->block, "host ", strlen("host ")))
		return false;
	if (*c->key && strcmp(c->key, "mac") && strcmp(c->key, "address"))
		return false;
	p = port_find(d, n->slot, guest, 0);
	if (!p || !p->ifindex)
		return false;
	before = config_host_find(n->config, guest);
	after = config_host_find(now, guest);
	return (after && after->address && after->address != p->address) ||
	       (after && !mac_is_zero(&after->mac) && !mac_equal(&after->mac, &p->mac)) ||
	       (!after && before && (before->address || !mac_is_zero(&before->mac)));
}

/* A device keeps the mode that it was made with. */
static bool is_for_new_devices(struct daemon *d, const struct config_change *c)
{
	const struct network *n = network_find(d, c->network);

	return n && n->attached && network_is_macvtap(n) && !*c->block &&
	       !strcmp(c->key, "macvtap-mode");
}

/* --- what the host would have --- */

static struct ip4_prefix subnet_of(const struct planning *x, const char *network)
{
	for (unsigned i = 0; i < x->now->networks; i++)
		if (!strcmp(x->now->network[i].name, network))
			return x->check->subnet[i];
	return (struct ip4_prefix){ 0 };
}

static char *new_host(struct planning *x, const struct config_network *now)
{
	struct ip4_prefix subnet = subnet_of(x, now->name);
	char text[IP4_PREFIX_TEXT_SIZE], bridge[LINK_NAME_SIZE];

	bridge_link_name(now->name, bridge);
	if (!subnet.len)
		return bridge_mode_lan(now->mode) ? print(x, "%s is made", bridge) : NULL;
	return print(x, "bridge %s with %s is made", bridge, ip4_prefix_text(subnet, text));
}

static char *old_host(struct planning *x, const struct network *n)
{
	char text[IP4_PREFIX_TEXT_SIZE];

	if (!n->subnet.len)
		return print(x, "%s is removed", n->bridge);
	return print(x, "bridge %s with %s is removed", n->bridge,
		     ip4_prefix_text(n->subnet, text));
}

static char *moved_host(struct planning *x, const struct network *n)
{
	struct ip4_prefix subnet = subnet_of(x, n->config->name);
	char from[IP4_PREFIX_TEXT_SIZE], to[IP4_PREFIX_TEXT_SIZE];

	if (!subnet.len || !n->subnet.len ||
	    (subnet.addr == n->subnet.addr && subnet.len == n->subnet.len))
		return NULL;
	return print(x, "%s on %s instead of %s", ip4_prefix_text(subnet, to), n->bridge,
		     ip4_prefix_text(n->subnet, from));
}

static char *port_host(struct planning *x, const struct network *n, const struct config_change *c)
{
	const char *name = c->block + strlen("port ");
	bool port = !strncmp(c->block, "port ", strlen("port "));

	if (!port || *c->key)
		return NULL;
	return print(x, "%s %s %s", name, c->now ? "joins" : "leaves", n->bridge);
}

static char *host_of(struct planning *x, const struct config_change *c)
{
	const struct config_network *now = config_network_find(x->now, c->network);
	const struct network *n = *c->network ? network_find(x->d, c->network) : NULL;

	if (!*c->network)
		return NULL;
	if (!*c->block && !*c->key)
		return now ? new_host(x, now) : n ? old_host(x, n) : NULL;
	if (!n || !now)
		return NULL;
	if (*c->block)
		return port_host(x, n, c);
	if (!strcmp(c->key, "subnet"))
		return moved_host(x, n);
	if (!strcmp(c->key, "mode") || !strcmp(c->key, "uplink") || !strcmp(c->key, "bridge"))
		return reload_replaces(n->config, now) ?
			       print(x, "%s is removed and made anew", n->bridge) :
			       NULL;
	return NULL;
}

/* --- changes --- */

static int add_change(void *arg, const struct config_change *c)
{
	struct planning *x = arg;
	struct plan_change *p = add(x, c->network);

	if (!p)
		return -ENOMEM;
	if (*c->block || *c->key)
		p->key = print(x, "%s%s%s", c->block, *c->block && *c->key ? " " : "", c->key);
	p->before = *c->block || *c->key ? copy(x, c->before) : NULL;
	p->now = *c->block || *c->key ? copy(x, c->now) : NULL;
	p->host = host_of(x, c);
	if (is_for_next_start(c)) {
		p->effect = PLAN_NEXT_START;
	} else if (is_for_next_attach(x->d, config_network_find(x->now, c->network), c)) {
		p->effect = PLAN_NEXT_ATTACH;
		p->reason = print(x, "the guest is attached");
	} else if (is_for_new_devices(x->d, c)) {
		p->effect = PLAN_NEXT_ATTACH;
		p->reason = print(x, "guests that are attached keep theirs");
	}
	return x->no_memory ? -ENOMEM : 0;
}

/* Another supernet can move a network whose own keys stay as they are. */
static void add_moved(struct planning *x, const struct network *n)
{
	struct ip4_prefix subnet = subnet_of(x, n->config->name);
	const struct config_network *now = config_network_find(x->now, n->config->name);
	char from[IP4_PREFIX_TEXT_SIZE], to[IP4_PREFIX_TEXT_SIZE];
	struct plan_change *p;

	if (!now || !now->auto_subnet || !n->config->auto_subnet || !subnet.len || !n->subnet.len ||
	    n->attached || subnet.addr == n->subnet.addr)
		return;
	p = add(x, n->config->name);
	if (!p)
		return;
	p->key = copy(x, "subnet");
	p->before = copy(x, ip4_prefix_text(n->subnet, from));
	p->now = copy(x, ip4_prefix_text(subnet, to));
	p->host = moved_host(x, n);
}

/* --- refusals --- */

struct refused {
	char network[NAME_SIZE], key[32];
	struct refusal r;
	struct refused *next;
};

struct collecting {
	struct refused *first, **last;
};

static int collect(void *arg, const char *network, const char *key, const struct refusal *r)
{
	struct collecting *all = arg;
	struct refused *one = calloc(1, sizeof(*one));

	if (!one)
		return -ENOMEM;
	snprintf(one->network, sizeof(one->network), "%s", network);
	snprintf(one->key, sizeof(one->key), "%s", key);
	one->r = *r;
	*all->last = one;
	all->last = &one->next;
	return 0;
}

static void collecting_done(struct collecting *all)
{
	while (all->first) {
		struct refused *next = all->first->next;

		free(all->first);
		all->first = next;
	}
}

static bool is_of(const struct plan_change *p, const struct refused *one)
{
	return p->network && !strcmp(p->network, one->network) &&
	       (!p->key || !strcmp(p->key, one->key));
}

static void refuse_change(struct planning *x, struct plan_change *p, const struct refused *one)
{
	p->effect = PLAN_REFUSED;
	free(p->reason);
	p->reason = one->r.kind == REFUSED_IN_USE ? print(x, "%s is in the way", one->r.holder) :
						    copy(x, one->r.detail.text);
}

/* What is refused is a change of the file, or follows from several: then it is one of its own. */
static void add_refused(struct planning *x, const struct refused *one)
{
	struct plan_change *p;

	for (size_t i = 0; i < x->to->n; i++)
		if (is_of(&x->to->at[i], one)) {
			refuse_change(x, &x->to->at[i], one);
			return;
		}
	p = add(x, one->network);
	if (!p)
		return;
	p->key = *one->key ? copy(x, one->key) : NULL;
	refuse_change(x, p, one);
}

static int make(struct planning *x, const struct collecting *all)
{
	int rc = config_diff(x->d->config, x->now, add_change, x);

	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX && !rc; i++)
		if (x->d->network[i].used)
			add_moved(x, &x->d->network[i]);
	for (const struct refused *one = all->first; one && !rc; one = one->next)
		add_refused(x, one);
	return rc || x->no_memory ? -ENOMEM : 0;
}

int plan_make(struct daemon *d, struct plan_changes *ret, struct refusal *r)
{
	struct collecting all = { .last = &all.first };
	struct reload_check check = { .refused = collect, .arg = &all };
	struct planning x = { .d = d, .to = ret, .check = &check };
	struct config *now;
	int rc;

	*ret = (struct plan_changes){ 0 };
	if (reload_read(d, &now, r))
		return -1;
	x.now = now;
	rc = reload_check(d, now, &check);
	if (!rc)
		rc = make(&x, &all);
	collecting_done(&all);
	config_free(now);
	if (!rc)
		return 0;
	plan_done(ret);
	return refuse(r, REFUSED_SYSTEM, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decides who may do what. Called by api_allow.c, which knows who calls and what there is.
 *
 * A refusal tells the caller which line of the configuration is in the way, so that it can be shown
 * to who may change it. It names no guest but the one that was asked about.
 */
#include <assert.h>
#include <inttypes.h>

#include "authorize.h"
#include "daemon.h"

static_assert(PORT_DESCRIPTORS == 0 && PORT_TAP == 1 && PORT_VETH == 2 && CONFIG_DEVICES == 3,
	      "devices are numbered as in config_allow.c");

enum { PLACE_SIZE = 160, BLOCKS_NAMED = 3 };

/* --- who --- */

static bool in_group(const struct credentials *who, uint32_t gid)
{
	if (who->gid == gid)
		return true;
	for (unsigned i = 0; i < who->groups; i++)
		if (who->group[i] == gid)
			return true;
	return false;
}

static bool in_groups(const struct credentials *who, const struct config_accounts *groups)
{
	for (unsigned i = 0; i < groups->n; i++)
		if (in_group(who, groups->at[i].id))
			return true;
	return false;
}

static bool is_for(const struct config_allow *a, const struct credentials *who)
{
	for (unsigned i = 0; i < a->users.n; i++)
		if (a->users.at[i].id == who->uid)
			return true;
	return in_groups(who, &a->groups);
}

bool authorize_operator(const struct config *c, const struct credentials *who)
{
	return who->uid == 0 || in_groups(who, &c->operators);
}

static bool any_for(const struct config_allows *list, const struct credentials *who)
{
	for (unsigned i = 0; i < list->n; i++)
		if (is_for(&list->at[i], who))
			return true;
	return false;
}

bool authorize_network(const struct config *c, const struct config_network *n,
		       const struct credentials *who)
{
	bool found = any_for(&c->allows, who) || (n && any_for(&n->allows, who));

	for (unsigned i = 0; !n && !found && i < c->networks; i++)
		found = any_for(&c->network[i].allows, who);
	return found;
}

/* The blocks about a network, its own first. NULL at the end. */
static const struct config_allow *block(const struct config *c, const struct config_network *n,
					unsigned at)
{
	if (at < n->allows.n)
		return &n->allows.at[at];
	at -= n->allows.n;
	return at < c->allows.n ? &c->allows.at[at] : NULL;
}

static bool is_of_network(const struct config_network *n, const struct config_allow *a)
{
	return a >= n->allows.at && a < n->allows.at + n->allows.n;
}

/* --- refusals --- */

static const char *place_text(struct config_place p, char buf[PLACE_SIZE])
{
	if (p.file)
		snprintf(buf, PLACE_SIZE, "%.140s:%d", p.file, p.line);
	else
		snprintf(buf, PLACE_SIZE, "there is no configuration file");
	return buf;
}

ERR_PRINTF(2, 3) static int refuse_with(struct err *why, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	err_vset(why, fmt, ap);
	va_end(ap);
	return -EPERM;
}

static void add_text(struct err *why, const char *text)
{
	size_t len = strlen(why->text);

	snprintf(why->text + len, sizeof(why->text) - len, "%s", text);
}

/* "a.conf:14 allows group kvm" */
static void add_block(struct err *why, const struct config_allow *a)
{
	bool user = a->users.n;
	const struct config_accounts *list = user ? &a->users : &a->groups;
	char text[PLACE_SIZE + sizeof(list->at[0].name) + 64], place[PLACE_SIZE];

	snprintf(text, sizeof(text), "%s allows %s %s%s", place_text(a->place, place),
		 user ? "user" : "group", list->at[0].name,
		 a->users.n + a->groups.n > 1 ? " and others" : "");
	add_text(why, text);
}

static int refuse_network(const struct config *c, const struct config_network *n,
			  const struct credentials *who, struct err *why)
{
	const struct config_allow *a;
	char place[PLACE_SIZE];

	if (!block(c, n, 0))
		return refuse_with(why,
				   "user %" PRIu32
				   " may not use network '%s', which has no allow block (%s)",
				   who->uid, n->name, place_text(n->place, place));
	refuse_with(why, "user %" PRIu32 " may not use network '%s': ", who->uid, n->name);
	for (unsigned i = 0; (a = block(c, n, i)) && i < BLOCKS_NAMED; i++) {
		if (i)
			add_text(why, ", ");
		add_block(why, a);
	}
	if (a)
		add_text(why, ", ...");
	return -EPERM;
}

/* --- attach --- */

/* A name that the configuration gives something to, and does not say to whom. Whoever takes it on
 * another network has it on all. */
static bool find_reserved(const struct config *c, const char *guest, struct config_place *ret)
{
	for (unsigned i = 0; i < c->networks; i++) {
		const struct config_network *n = &c->network[i];
		const struct config_host *h = config_host_find(n, guest);

		if (h) {
			*ret = h->place;
			return true;
		}
		for (unsigned j = 0; j < n->publishes; j++) {
			if (strcmp(n->publish[j].guest, guest) != 0)
				continue;
			*ret = n->publish[j].place;
			return true;
		}
	}
	return false;
}

static int check_guest(const struct config *c, const struct credentials *who,
		       const struct authorize_attach *q, struct err *why)
{
	struct config_place place;
	char text[PLACE_SIZE];

	if (q->owned && q->owner == who->uid)
		return 0;
	if (q->owned)
		return refuse_with(why, "guest '%s' belongs to another user", q->guest);
	if (find_reserved(c, q->guest, &place))
		return refuse_with(why, "guest '%s' is reserved at %s, and has no owner there",
				   q->guest, place_text(place, text));
	return 0;
}

/* What no block allows. */
static int check_rest(const struct credentials *who, const struct authorize_attach *q,
		      struct err *why)
{
	char text[PLACE_SIZE];

	if (q->outside)
		return refuse_with(why,
				   "an address outside the ranges of network '%s' (%s) is only "
				   "for its reservations",
				   q->network->name, place_text(q->network->place, text));
	if (q->names_interface)
		return refuse_with(why, "only root and operators name interfaces of the host");
	if (q->device == PORT_TAP && q->user != who->uid)
		return refuse_with(why, "a TAP of user %" PRIu32 " is for no other user", who->uid);
	if (q->in_namespace && q->namespace_owner != who->uid)
		return refuse_with(
			why, "the network namespace is not of a user namespace of user %" PRIu32,
			who->uid);
	return 0;
}

/* How far the request gets with one block. */
enum step { STEP_DEVICE, STEP_MAC, STEP_PORTS, STEP_ALLOWED };

static bool has_prefix(const struct config_allow *a, const struct mac *m)
{
	return !memcmp(a->mac_prefix, m->octet, a->mac_prefix_len);
}

static enum step try_block(const struct config_allow *a, const struct authorize_attach *q)
{
	unsigned ports = is_of_network(q->network, a) ? q->network_ports : q->ports;

	if (!(a->devices & (1U << q->device)))
		return STEP_DEVICE;
	if (!mac_is_zero(&q->mac) && !has_prefix(a, &q->mac))
		return STEP_MAC;
	if (q->fresh && ports >= a->max_ports)
		return STEP_PORTS;
	return STEP_ALLOWED;
}

static int refuse_step(const struct config_allow *a, enum step step, const struct credentials *who,
		       const struct authorize_attach *q, struct err *why)
{
	char place[PLACE_SIZE], devices[CONFIG_DEVICES_TEXT], mac[MAC_TEXT_SIZE];
	struct mac prefix = { 0 };

	place_text(a->place, place);
	switch (step) {
	case STEP_DEVICE:
		return refuse_with(
			why, "user %" PRIu32 " may not have a device of kind %s: %s allows %s",
			who->uid, port_device_text((enum port_device)q->device), place,
			config_devices_text(a->devices, devices));
	case STEP_MAC:
		memcpy(prefix.octet, a->mac_prefix, a->mac_prefix_len);
		mac_text(&prefix, mac);
		mac[3 * a->mac_prefix_len - 1] = 0;
		return refuse_with(why,
				   "user %" PRIu32
				   " may not choose that MAC address: %s allows mac-prefix = %s",
				   who->uid, place, mac);
	case STEP_PORTS:
		return refuse_with(why, "max-ports = %" PRIu32 " of %s is reached", a->max_ports,
				   place);
	case STEP_ALLOWED:
		break;
	}
	return 0;
}

int authorize_attach(const struct config *c, const struct credentials *who,
		     const struct authorize_attach *q, struct err *why)
{
	const struct config_allow *a, *nearest = NULL;
	enum step best = STEP_DEVICE;
	int rc;

	if (!authorize_network(c, q->network, who))
		return refuse_network(c, q->network, who, why);
	rc = check_guest(c, who, q, why);
	if (!rc)
		rc = check_rest(who, q, why);
	if (rc)
		return rc;
	for (unsigned i = 0; (a = block(c, q->network, i)); i++) {
		enum step step;

		if (!is_for(a, who))
			continue;
		step = try_block(a, q);
		if (step == STEP_ALLOWED)
			return 0;
		if (!nearest || step > best) {
			nearest = a;
			best = step;
		}
	}
	return nearest ? refuse_step(nearest, best, who, q, why) :
			 refuse_network(c, q->network, who, why);
}

/* --- publish --- */

static bool has_ports(const struct config_allow *a, const struct config_published *port)
{
	for (unsigned i = 0; i < a->publishes; i++)
		if (port->port >= a->publish[i].first &&
		    port->port + (uint32_t)port->count - 1 <= a->publish[i].last)
			return true;
	return false;
}

/* The last block for the caller that does not allow it; NULL: one does. */
static const struct config_allow *find_against(const struct config *c,
					       const struct config_network *n,
					       const struct credentials *who,
					       const struct config_published *port)
{
	const struct config_allow *a, *against = NULL;

	for (unsigned i = 0; (a = block(c, n, i)); i++) {
		if (!is_for(a, who))
			continue;
		if (has_ports(a, port))
			return NULL;
		if (!against || a->publishes)
			against = a;
	}
	return against;
}

int authorize_publish(const struct config *c, const struct config_network *network,
		      const struct credentials *who, const struct config_published *port, size_t n,
		      size_t published, struct err *why)
{
	char text[CONFIG_PUBLISHED_TEXT], place[PLACE_SIZE], allowed[CONFIG_ALLOW_PUBLISH_TEXT];

	if (!authorize_network(c, network, who))
		return refuse_network(c, network, who, why);
	for (size_t i = 0; i < n; i++) {
		const struct config_allow *a = find_against(c, network, who, &port[i]);

		if (!a)
			continue;
		return refuse_with(why, "user %" PRIu32 " may not publish %s: %s allows %.200s",
				   who->uid, config_published_text(&port[i], text),
				   place_text(a->place, place),
				   a->publishes ? config_allow_publish_text(a, allowed) : "none");
	}
	if (published + n > AUTHORIZE_PUBLISHED_MAX)
		return refuse_with(why,
				   "user %" PRIu32 " has as many published ports as one may: %d",
				   who->uid, AUTHORIZE_PUBLISHED_MAX);
	return 0;
}

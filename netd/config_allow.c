/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may do what: `allow` blocks, operators, and whose a guest is by its reservation. Names of
 * users and groups are looked up while the configuration is read, and once: what the host's tables
 * of users say later counts after a reload. authorize.c decides by what is read here.
 */
#include <ctype.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>

#include "config_keys.h"

/* In the order of enum port_device. */
static const char *const devices[CONFIG_DEVICES] = { "descriptors", "tap", "veth" };

/* --- users and groups --- */

/* A number that no user and no group can have stands for "as it is" in chown(2) and setresuid(2).
 */
static bool parse_id(const char *text, uint32_t *ret)
{
	unsigned long long v;
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	v = strtoull(text, &end, 10);
	if (errno || *end || v >= UINT32_MAX)
		return false;
	*ret = (uint32_t)v;
	return true;
}

static bool find_user(const char *name, uint32_t *ret)
{
	const struct passwd *p = getpwnam(name);

	if (p)
		*ret = p->pw_uid;
	return p != NULL;
}

static bool find_group(const char *name, uint32_t *ret)
{
	const struct group *g = getgrnam(name);

	if (g)
		*ret = g->gr_gid;
	return g != NULL;
}

static int take_account(const char *what, bool (*find)(const char *name, uint32_t *ret),
			const char *text, struct config_account *ret, struct err *err)
{
	if (strlen(text) >= sizeof(ret->name))
		return err_set(err, EINVAL, "'%.40s...' is longer than %zu characters", text,
			       sizeof(ret->name) - 1);
	if (!parse_id(text, &ret->id) && !find(text, &ret->id))
		return err_set(err, EINVAL, "there is no %s '%s'", what, text);
	snprintf(ret->name, sizeof(ret->name), "%s", text);
	return 0;
}

static int take_accounts(const char *what, bool (*find)(const char *name, uint32_t *ret),
			 const char *text, unsigned index, struct config_accounts *list,
			 struct err *err)
{
	int rc;

	if (index >= CONFIG_LIST_MAX)
		return err_set(err, EINVAL, "more than %d values", CONFIG_LIST_MAX);
	rc = take_account(what, find, text, &list->at[index], err);
	if (!rc)
		list->n = index + 1;
	return rc;
}

int config_parse_users(const struct key *k, void *section, const char *text, unsigned index,
		       struct err *err)
{
	return take_accounts("user", find_user, text, index, member(k, section), err);
}

int config_parse_groups(const struct key *k, void *section, const char *text, unsigned index,
			struct err *err)
{
	return take_accounts("group", find_group, text, index, member(k, section), err);
}

static void print_accounts(const struct key *k, const void *section, struct printer *p)
{
	const struct config_accounts *list = member_const(k, section);

	for (unsigned i = 0; i < list->n; i++)
		config_keys_item(p, list->at[i].name);
}

void config_print_users(const struct key *k, const void *section, struct printer *p)
{
	print_accounts(k, section, p);
}

void config_print_groups(const struct key *k, const void *section, struct printer *p)
{
	print_accounts(k, section, p);
}

int config_parse_user(const struct key *k, void *section, const char *text, unsigned index,
		      struct err *err)
{
	(void)index;
	return take_account("user", find_user, text, member(k, section), err);
}

void config_print_user(const struct key *k, const void *section, struct printer *p)
{
	const struct config_account *a = member_const(k, section);

	if (a->name[0])
		config_keys_item(p, a->name);
}

/* --- what a block allows --- */

static int parse_prefix(const struct key *k, void *section, const char *text, unsigned index,
			struct err *err)
{
	struct config_allow *a = section;
	struct mac m;
	unsigned octets = config_octets_parse(text, &m);

	(void)k;
	(void)index;
	if (!octets || octets > 5)
		return err_set(err, EINVAL, "'%s' is not one to five octets like 52:54:00", text);
	memcpy(a->mac_prefix, m.octet, octets);
	a->mac_prefix_len = octets;
	return 0;
}

static void print_prefix(const struct key *k, const void *section, struct printer *p)
{
	const struct config_allow *a = section;

	(void)k;
	config_octets_print(a->mac_prefix, a->mac_prefix_len, p);
}

static int parse_device(const struct key *k, void *section, const char *text, unsigned index,
			struct err *err)
{
	struct config_allow *a = section;

	(void)k;
	if (index == 0)
		a->devices = 0;
	for (unsigned i = 0; i < CONFIG_DEVICES; i++)
		if (!strcmp(text, devices[i])) {
			a->devices |= 1U << i;
			return 0;
		}
	return err_set(err, EINVAL, "'%s' is not descriptors, tap or veth", text);
}

static void print_devices(const struct key *k, const void *section, struct printer *p)
{
	const struct config_allow *a = section;

	(void)k;
	for (unsigned i = 0; i < CONFIG_DEVICES; i++)
		if (a->devices & (1U << i))
			config_keys_item(p, devices[i]);
}

static int parse_publish(const struct key *k, void *section, const char *text, unsigned index,
			 struct err *err)
{
	struct config_allow *a = section;
	struct key one = { .name = k->name };
	int rc;

	if (index >= CONFIG_LIST_MAX)
		return err_set(err, EINVAL, "more than %d values", CONFIG_LIST_MAX);
	rc = config_parse_ports(&one, &a->publish[index], text, 0, err);
	if (!rc)
		a->publishes = index + 1;
	return rc;
}

static const char *ports_text(struct config_ports ports, char buf[16])
{
	if (ports.first == ports.last)
		snprintf(buf, 16, "%u", ports.first);
	else
		snprintf(buf, 16, "%u-%u", ports.first, ports.last);
	return buf;
}

static void print_publish(const struct key *k, const void *section, struct printer *p)
{
	const struct config_allow *a = section;
	char text[16];

	(void)k;
	for (unsigned i = 0; i < a->publishes; i++)
		config_keys_item(p, ports_text(a->publish[i], text));
}

#define ALLOW(m) offsetof(struct config_allow, m)
#define PAIR(fn) .parse = parse_##fn, .print = print_##fn

const struct key config_keys_allow[] = {
	{ "user", .list = true, .offset = ALLOW(users), .parse = config_parse_users,
	  .print = config_print_users },
	{ "group", .list = true, .offset = ALLOW(groups), .parse = config_parse_groups,
	  .print = config_print_groups },
	{ "max-ports", .offset = ALLOW(max_ports), .parse = config_parse_number,
	  .print = config_print_number, .max = 65536 },
	{ "mac-prefix", .parse = parse_prefix, .print = print_prefix },
	{ "devices", .list = true, .parse = parse_device, .print = print_devices },
	{ "publish", .list = true, .parse = parse_publish, .print = print_publish },
	{ 0 },
};

struct config_allow *config_add_allow(struct config_allows *list, struct config_place place)
{
	struct config_allow *at = realloc(list->at, (list->n + 1) * sizeof(*at));

	if (!at)
		return NULL;
	list->at = at;
	at[list->n] = (struct config_allow){ .max_ports = 64, .devices = 1, .place = place };
	return &at[list->n++];
}

void config_print_allows(const struct config_allows *list, const char *indent, FILE *out)
{
	char inner[8];

	snprintf(inner, sizeof(inner), "%s\t", indent);
	for (unsigned i = 0; i < list->n; i++) {
		fprintf(out, "%sallow {\n", indent);
		config_keys_print(config_keys_allow, &list->at[i], inner, out);
		fprintf(out, "%s}\n", indent);
	}
}

/* --- as words, for refusals --- */

const char *config_devices_text(unsigned mask, char buf[CONFIG_DEVICES_TEXT])
{
	size_t len = 0;

	buf[0] = 0;
	for (unsigned i = 0; i < CONFIG_DEVICES; i++)
		if (mask & (1U << i))
			len += (size_t)snprintf(buf + len, CONFIG_DEVICES_TEXT - len, "%s%s",
						len ? ", " : "", devices[i]);
	return buf;
}

const char *config_allow_publish_text(const struct config_allow *a,
				      char buf[CONFIG_ALLOW_PUBLISH_TEXT])
{
	size_t len = 0;
	char text[16];

	buf[0] = 0;
	for (unsigned i = 0; i < a->publishes; i++)
		len += (size_t)snprintf(buf + len, CONFIG_ALLOW_PUBLISH_TEXT - len, "%s%s",
					len ? ", " : "", ports_text(a->publish[i], text));
	return buf;
}

/* --- whose guests are --- */

static int compare_owners(const void *a, const void *b)
{
	const struct config_owner *x = a, *y = b;

	return strcmp(x->guest, y->guest);
}

const struct config_owner *config_owner_find(const struct config *c, const char *guest)
{
	unsigned low = 0, high = c->owners;

	while (low < high) {
		unsigned middle = low + (high - low) / 2;
		int order = strcmp(c->owner[middle].guest, guest);

		if (!order)
			return &c->owner[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static int add_owner(struct config *c, const struct config_host *h, struct err *err)
{
	struct config_owner *o;

	if (config_host_is_client(h))
		return config_wrong(err, h->owner_place,
				    "owner: it is for guests; '%s' is a client's reservation",
				    h->name);
	o = realloc(c->owner, (c->owners + 1) * sizeof(*o));
	if (!o)
		return err_set(err, ENOMEM, "out of memory");
	c->owner = o;
	o += c->owners++;
	*o = (struct config_owner){ .uid = h->owner.id, .place = h->owner_place };
	memcpy(o->guest, h->name, sizeof(o->guest));
	return 0;
}

static int collect_owners(struct config *c, struct err *err)
{
	int rc = 0;

	for (unsigned i = 0; i < c->networks; i++)
		for (unsigned j = 0; j < c->network[i].hosts && !rc; j++)
			if (c->network[i].host[j].owner.name[0])
				rc = add_owner(c, &c->network[i].host[j], err);
	return rc;
}

/* A guest has one owner, on however many networks its cards are. */
static int check_owners(const struct config *c, struct err *err)
{
	for (unsigned i = 1; i < c->owners; i++) {
		const struct config_owner *o = &c->owner[i], *other = &c->owner[i - 1];

		if (!strcmp(o->guest, other->guest) && o->uid != other->uid)
			return config_wrong(err, o->place, "owner: '%s' is another's at %s:%d",
					    o->guest, other->place.file, other->place.line);
	}
	return 0;
}

static int check_allows(const struct config_allows *list, struct err *err)
{
	for (unsigned i = 0; i < list->n; i++)
		if (!list->at[i].users.n && !list->at[i].groups.n)
			return config_wrong(err, list->at[i].place,
					    "allow: it has neither user nor group");
	return 0;
}

int config_allow_finish(struct config *c, struct err *err)
{
	int rc = check_allows(&c->allows, err);

	c->owners = 0;
	for (unsigned i = 0; i < c->networks && !rc; i++)
		rc = check_allows(&c->network[i].allows, err);
	if (!rc)
		rc = collect_owners(c, err);
	if (rc || !c->owners)
		return rc;
	qsort(c->owner, c->owners, sizeof(*c->owner), compare_owners);
	return check_owners(c, err);
}

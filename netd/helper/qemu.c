/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU's command line, as far as it says which cards ask a helper for their TAP, and which MAC each
 * will have. Pure.
 *
 * Network backends are made in this order (net/net.c, net_init_clients): those given as JSON, the
 * other -netdev, -nic, -net. Cards get their MACs in this one: -nic and -net nic when they are
 * read, -device when the machine is made, and of those the ones given as JSON last (system/vl.c).
 */
#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "helper.h"

enum { CLIENTS_MAX = 256, CARDS_MAX = 256, PAIRS_MAX = 64, MAC_FIRST = 0x56, MAC_END = 0xff };

/* Where something stands in QEMU's order. */
enum stage { STAGE_JSON, STAGE_NETDEV, STAGE_NIC, STAGE_NET, STAGE_DEVICE, STAGE_DEVICE_JSON };

/* A network backend. */
struct client {
	enum stage stage;
	unsigned number; /* of its option on the line */
	bool helper;
	char id[QEMU_TEXT_SIZE];
	char bridge[QEMU_TEXT_SIZE];
};

/* A network card. */
struct nic {
	enum stage stage;
	unsigned number;
	char client[QEMU_TEXT_SIZE]; /* id of its backend; empty: none, or a hub */
	bool has_mac;
	uint8_t mac[6];
};

struct line {
	struct qemu_machine *machine;
	struct client client[CLIENTS_MAX];
	struct nic nic[CARDS_MAX];
	unsigned clients, nics, number;
	bool full;
};

/* Members of an option: "type,key=value,…" or JSON. */
struct options {
	json_t *values;
	bool json;
};

/* --- one option --- */

/* Up to the next comma; two of them are one (util/qemu-option.c, get_opt_value). */
static const char *next_member(const char *text, char *to, size_t size)
{
	size_t n = 0;

	for (; *text; text++) {
		if (*text == ',' && text[1] != ',')
			return text + 1;
		text += *text == ',';
		if (n + 1 < size)
			to[n++] = *text;
	}
	to[n] = 0;
	return text;
}

static json_t *read_members(const char *text, const char *implied)
{
	json_t *o = json_object();
	char member[4096];

	for (bool first = true; *text; first = false) {
		char *equals;

		memset(member, 0, sizeof(member));
		text = next_member(text, member, sizeof(member));
		equals = strchr(member, '=');
		if (equals) {
			*equals = 0;
			json_object_set_new(o, member, json_string(equals + 1));
		} else if (first) {
			json_object_set_new(o, implied, json_string(member));
		}
	}
	return o;
}

static struct options read_options(const char *text, const char *implied)
{
	struct options o = { .json = *text == '{' };

	o.values = o.json ? json_loads(text, 0, NULL) : read_members(text, implied);
	if (!json_is_object(o.values)) {
		json_decref(o.values);
		o.values = json_object();
	}
	return o;
}

static const char *value_of(const struct options *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o->values, key));

	return text ? text : "";
}

static bool is(const struct options *o, const char *key, const char *value)
{
	return !strcmp(value_of(o, key), value);
}

static void copy(char to[QEMU_TEXT_SIZE], const char *from)
{
	snprintf(to, QEMU_TEXT_SIZE, "%s", from);
}

/* Six octets in hexadecimal between colons, or dashes, as QEMU's properties have them. */
static bool read_mac(const char *text, uint8_t ret[6])
{
	static const uint8_t none[6];
	uint8_t mac[6];

	if (strlen(text) != 17)
		return false;
	for (unsigned i = 0; i < 6; i++, text += 3) {
		char digits[3] = { text[0], text[1], 0 };

		if (!isxdigit((unsigned char)text[0]) || !isxdigit((unsigned char)text[1]) ||
		    (i < 5 && text[2] != ':' && text[2] != '-'))
			return false;
		mac[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	if (!memcmp(mac, none, 6)) /* as if none were given */
		return false;
	memcpy(ret, mac, 6);
	return true;
}

/* --- the options that matter --- */

/*
 * The bridge that the helper of a backend is told (net/tap.c, net_bridge_run_helper): a helper that
 * is a command line may name it itself.
 */
static void set_bridge(struct client *c, const struct options *o)
{
	const char *helper = value_of(o, "helper"), *bridge = value_of(o, "br"),
		   *own = strpbrk(helper, " \t") ? strstr(helper, "--br=") : NULL;

	c->helper = is(o, "type", "bridge") || (is(o, "type", "tap") && *helper);
	if (own)
		snprintf(c->bridge, sizeof(c->bridge), "%.*s", (int)strcspn(own + 5, " \t'\""),
			 own + 5);
	else
		copy(c->bridge, *bridge ? bridge : "br0");
}

static void add_client(struct line *l, const struct options *o, enum stage stage, const char *id)
{
	struct client *c = &l->client[l->clients];

	if (l->clients == CLIENTS_MAX) {
		l->full = true;
		return;
	}
	*c = (struct client){ .stage = stage, .number = l->number };
	copy(c->id, id);
	set_bridge(c, o);
	l->clients++;
}

static void add_nic(struct line *l, enum stage stage, const char *client, const char *mac)
{
	struct nic *nic = &l->nic[l->nics];

	if (l->nics == CARDS_MAX) {
		l->full = true;
		return;
	}
	*nic = (struct nic){ .stage = stage, .number = l->number };
	copy(nic->client, client);
	nic->has_mac = read_mac(mac, nic->mac);
	l->nics++;
}

static void read_netdev(struct line *l, const char *text)
{
	struct options o = read_options(text, "type");

	add_client(l, &o, o.json ? STAGE_JSON : STAGE_NETDEV, value_of(&o, "id"));
	json_decref(o.values);
}

/* A backend and its card in one. */
static void read_nic(struct line *l, const char *text)
{
	struct options o = read_options(text, "type");
	char id[32];

	snprintf(id, sizeof(id), "#nic%u", l->number);
	if (!is(&o, "type", "none")) {
		add_client(l, &o, STAGE_NIC, id);
		add_nic(l, STAGE_NIC, id, value_of(&o, "mac"));
	}
	json_decref(o.values);
}

/* The old way, where a hub is between backends and cards. */
static void read_net(struct line *l, const char *text)
{
	struct options o = read_options(text, "type");
	const char *netdev = value_of(&o, "netdev");

	if (is(&o, "type", "nic"))
		add_nic(l, STAGE_NET, *netdev ? netdev : "#hub", value_of(&o, "macaddr"));
	else if (!is(&o, "type", "none"))
		add_client(l, &o, STAGE_NET, "#hub");
	json_decref(o.values);
}

/* Cards that have no backend get a MAC, too. */
static bool is_card(const char *driver)
{
	static const char *const drivers[] = { "virtio-net", "e1000",	"rtl8139", "ne2k_",
					       "pcnet",	     "vmxnet3", "i82",	   "usb-net",
					       "igb",	     "tulip",	"sungem",  "sunhme",
					       "spapr-vlan", "xen-net" };

	for (size_t i = 0; i < ARRAY_SIZE(drivers); i++)
		if (!strncmp(driver, drivers[i], strlen(drivers[i])))
			return true;
	return false;
}

static void read_device(struct line *l, const char *text)
{
	struct options o = read_options(text, "driver");

	if (*value_of(&o, "netdev") || is_card(value_of(&o, "driver")))
		add_nic(l, o.json ? STAGE_DEVICE_JSON : STAGE_DEVICE, value_of(&o, "netdev"),
			value_of(&o, "mac"));
	json_decref(o.values);
}

static void read_name(struct line *l, const char *text)
{
	struct options o = read_options(text, "guest");

	if (*value_of(&o, "guest"))
		copy(l->machine->name, value_of(&o, "guest"));
	json_decref(o.values);
}

static void read_uuid(struct line *l, const char *text)
{
	snprintf(l->machine->uuid, sizeof(l->machine->uuid), "%s", text);
}

static const struct {
	const char *name;
	void (*read)(struct line *l, const char *text);
} readers[] = {
	{ "netdev", read_netdev }, { "nic", read_nic },	  { "net", read_net },
	{ "device", read_device }, { "name", read_name }, { "uuid", read_uuid },
};

/* Options without an argument, of any version (qemu-options.hx). */
static bool takes_no_argument(const char *name)
{
	static const char *const flags[] = {
		"h",
		"help",
		"version",
		"S",
		"s",
		"snapshot",
		"nographic",
		"enable-kvm",
		"no-reboot",
		"no-shutdown",
		"daemonize",
		"nodefaults",
		"no-user-config",
		"usb",
		"full-screen",
		"no-acpi",
		"no-hpet",
		"win2k-hack",
		"no-fd-bootchk",
		"portrait",
		"mem-prealloc",
		"audio-help",
		"singlestep",
		"one-insn-per-tb",
		"preconfig",
		"xen-attach",
		"xen-domid-restrict",
		"only-migratable",
		"async-teardown",
		"enable-sync-profile",
		"alt-grab",
		"ctrl-grab",
		"no-frame",
		"no-quit",
		"curses",
		"sdl",
		"no-kvm",
		"no-kvm-irqchip",
		"no-kvm-pit",
		"no-kvm-pit-reinjection",
		"enable-fips",
		"enable-hax",
		"semihosting",
		"old-param",
		"nodefconfig",
		"tdf",
		"no-sandbox",
	};

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		if (!strcmp(name, flags[i]))
			return true;
	return false;
}

/* --- the whole line --- */

static const char *next_word(const char *word, const char *end)
{
	return word + strnlen(word, (size_t)(end - word)) + 1;
}

static void read_words(struct line *l, const char *word, const char *end)
{
	for (word = next_word(word, end); word < end; word = next_word(word, end)) {
		const char *name = word + 1 + (word[0] == '-' && word[1] == '-');

		if (word[0] != '-' || takes_no_argument(name))
			continue;
		word = next_word(word, end);
		if (word >= end)
			return;
		l->number++;
		for (size_t i = 0; i < ARRAY_SIZE(readers); i++)
			if (!strcmp(name, readers[i].name))
				readers[i].read(l, word);
	}
}

static int order(enum stage a_stage, unsigned a_number, enum stage b_stage, unsigned b_number)
{
	if (a_stage != b_stage)
		return a_stage < b_stage ? -1 : 1;
	return a_number < b_number ? -1 : a_number > b_number;
}

static int compare_clients(const void *a, const void *b)
{
	const struct client *x = a, *y = b;

	return order(x->stage, x->number, y->stage, y->number);
}

static int compare_nics(const void *a, const void *b)
{
	const struct nic *x = a, *y = b;

	return order(x->stage, x->number, y->stage, y->number);
}

/* One that was asked for takes its place only when its card is made. */
static void give_macs(struct line *l)
{
	static const uint8_t base[5] = { 0x52, 0x54, 0x00, 0x12, 0x34 };
	bool used[256] = { false };

	for (unsigned i = 0; i < l->nics; i++) {
		struct nic *nic = &l->nic[i];
		unsigned last = MAC_FIRST;

		while (!nic->has_mac && last < MAC_END && used[last])
			last++;
		if (!nic->has_mac && last < MAC_END) {
			memcpy(nic->mac, base, sizeof(base));
			nic->mac[5] = (uint8_t)last;
			nic->has_mac = true;
		}
		if (!memcmp(nic->mac, base, sizeof(base)))
			used[nic->mac[5]] = true;
	}
}

/* The only card of a backend; NULL: there is none, or several share a hub. */
static const struct nic *card_of(const struct line *l, const struct client *c)
{
	const struct nic *found = NULL;

	for (unsigned i = 0; *c->id && i < l->nics; i++) {
		if (strcmp(l->nic[i].client, c->id))
			continue;
		if (found)
			return NULL;
		found = &l->nic[i];
	}
	return found;
}

static void add_card(struct line *l, const struct client *c)
{
	const struct nic *nic = card_of(l, c);
	struct qemu_machine *m = l->machine;
	struct qemu_card *card = &m->card[m->cards];

	if (m->cards == QEMU_CARDS_MAX) {
		l->full = true;
		return;
	}
	*card = (struct qemu_card){ 0 };
	copy(card->bridge, c->bridge);
	if (nic && nic->has_mac) {
		card->has_mac = true;
		memcpy(card->mac, nic->mac, 6);
	}
	m->cards++;
}

bool qemu_read(const char *line, size_t len, struct qemu_machine *ret)
{
	struct line *l;
	bool full;

	*ret = (struct qemu_machine){ 0 };
	if (!len || line[len - 1])
		return false;
	l = calloc(1, sizeof(*l));
	if (!l)
		return false;
	l->machine = ret;
	read_words(l, line, line + len);
	qsort(l->client, l->clients, sizeof(l->client[0]), compare_clients);
	qsort(l->nic, l->nics, sizeof(l->nic[0]), compare_nics);
	give_macs(l);
	for (unsigned i = 0; i < l->clients; i++)
		if (l->client[i].helper)
			add_card(l, &l->client[i]);
	full = l->full;
	free(l);
	return !full;
}

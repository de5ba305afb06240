/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ports: the table, rows, and detach and release. attach.c has how they begin. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "daemon.h"

enum { MAC_REST_S = 86400 };

/* --- the table --- */

static uint64_t name_hash(const struct daemon *d, const char *guest, uint32_t nic)
{
	struct siphash h = siphash_init(&d->table_key);

	siphash_add_text(&h, guest);
	siphash_add_u32(&h, nic);
	return siphash_done(&h);
}

static uint64_t link_hash(const struct daemon *d, uint32_t ifindex)
{
	return siphash(&d->table_key, &ifindex, sizeof(ifindex));
}

struct port *port_find(struct daemon *d, uint32_t network, const char *guest, uint32_t nic)
{
	uint32_t place = UINT32_MAX, i;

	while ((i = index_walk(&d->port_by_name, name_hash(d, guest, nic), &place)) != SLOT_NONE) {
		struct port *p = &d->port[i];

		if (p->network == network && p->nic == nic && !strcmp(p->guest, guest))
			return p;
	}
	return NULL;
}

struct port *port_by_guest(struct daemon *d, const char *guest, uint32_t nic)
{
	uint32_t place = UINT32_MAX, i;
	struct port *found = NULL;

	while ((i = index_walk(&d->port_by_name, name_hash(d, guest, nic), &place)) != SLOT_NONE) {
		struct port *p = &d->port[i];

		if (p->nic == nic && !strcmp(p->guest, guest) && (!found || p->ifindex))
			found = p;
	}
	return found;
}

struct port *port_by_link(struct daemon *d, uint32_t ifindex)
{
	uint32_t place = UINT32_MAX, i;

	while ((i = index_walk(&d->port_by_link, link_hash(d, ifindex), &place)) != SLOT_NONE)
		if (d->port[i].ifindex == ifindex)
			return &d->port[i];
	return NULL;
}

struct port *port_next(struct daemon *d, uint32_t *at)
{
	while (*at < d->ports.fresh) {
		uint32_t i = (*at)++;

		if (slots_live(&d->ports, i))
			return &d->port[i];
	}
	return NULL;
}

const char *port_text(const struct port *p, char buf[NAME_SIZE + 12])
{
	snprintf(buf, NAME_SIZE + 12, "%s/%" PRIu32, p->guest, p->nic);
	return buf;
}

const char *port_state_text(enum port_state state)
{
	switch (state) {
	case PORT_RESERVED:
		return "reserved";
	case PORT_CREATED:
		return "created";
	case PORT_ATTACHED:
		return "attached";
	}
	return "?";
}

static const char *const devices[] = {
	[PORT_DESCRIPTORS] = "descriptors", [PORT_TAP] = "tap", [PORT_VETH] = "veth"
};

const char *port_device_text(enum port_device device)
{
	return devices[device];
}

int port_device_parse(const char *text, enum port_device *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		if (!strcmp(devices[i], text)) {
			*ret = (enum port_device)i;
			return 0;
		}
	return -ENOENT;
}

static struct mac_holder mac_holder(const struct port *p)
{
	return (struct mac_holder){ .kind = MAC_OF_PORT, .id = p->slot };
}

/* The name that the guest is told: the reservation's, or its own, which is a host name or is not
 * told. */
static void set_hostname(struct daemon *d, struct port *p)
{
	const struct config_host *host = config_host_find(d->network[p->network].config, p->guest);
	const char *name = host && host->hostname[0] ? host->hostname : p->guest;
	char clean[DHCP_NAME_SIZE];

	dhcp_name_clean((const uint8_t *)name, strlen(name), clean);
	snprintf(p->hostname, sizeof(p->hostname), "%s", strcasecmp(clean, name) ? "" : clean);
}

static struct dhcp_port dhcp_view(struct daemon *d, struct port *p)
{
	const struct config_host *host = config_host_find(d->network[p->network].config, p->guest);

	set_hostname(d, p);
	return (struct dhcp_port){ .net = p->network,
				   .port = p->slot,
				   .addr = p->address,
				   .mac = p->mac,
				   .hostname = p->hostname[0] ? p->hostname : NULL,
				   .options = host && p->nic == 0 ? host->options.wire : NULL };
}

static bool enter_tables(struct daemon *d, struct port *p)
{
	struct dhcp_port view = dhcp_view(d, p);

	if (mac_index_add(d->macs, &p->mac, mac_holder(p)))
		return false;
	if (p->address && dhcp_port_add(d->dhcp, &view)) {
		mac_index_del(d->macs, &p->mac, mac_holder(p));
		return false;
	}
	network_take_of_port(&d->network[p->network], p);
	probe_forget(d, &d->network[p->network], p->address);
	return true;
}

static void leave_tables(struct daemon *d, struct port *p)
{
	dhcp_port_del(d->dhcp, p->slot);
	/* One that was declined stays in quarantine. */
	if (!dhcp_lease_by_addr(d->dhcp, p->network, p->address))
		network_give(&d->network[p->network], p->address);
	mac_index_del(d->macs, &p->mac, mac_holder(p));
}

struct port *port_insert(struct daemon *d, const struct port *template)
{
	uint32_t i = slots_take(&d->ports);
	struct port *p;

	if (i == SLOT_NONE)
		return NULL;
	p = &d->port[i];
	*p = *template;
	p->slot = i;
	owner_of_new(d, p);
	if (!index_add(&d->port_by_name, name_hash(d, p->guest, p->nic), i)) {
		slots_give(&d->ports, i);
		return NULL;
	}
	if (!enter_tables(d, p)) {
		index_del(&d->port_by_name, name_hash(d, p->guest, p->nic), i);
		slots_give(&d->ports, i);
		return NULL;
	}
	return p;
}

void port_drop_link(struct daemon *d, struct port *p)
{
	if (!p->ifindex)
		return;
	captures_end_link(d, p->ifindex);
	rates_forget(d, p);
	index_del(&d->port_by_link, link_hash(d, p->ifindex), p->slot);
	d->network[p->network].attached--;
	reflect_forget(d, p);
	p->ifindex = 0;
	p->ifname[0] = 0;
	p->state = PORT_RESERVED;
}

void port_remove(struct daemon *d, struct port *p)
{
	rules_forget_mac(d, p);
	port_drop_link(d, p);
	leave_tables(d, p);
	published_leave(d, p);
	index_del(&d->port_by_name, name_hash(d, p->guest, p->nic), p->slot);
	slots_give(&d->ports, p->slot);
}

void port_set_link(struct daemon *d, struct port *p, uint32_t ifindex, const char *ifname,
		   enum port_state state)
{
	port_drop_link(d, p);
	p->ifindex = ifindex;
	snprintf(p->ifname, sizeof(p->ifname), "%s", ifname);
	p->state = state;
	p->settled = state == PORT_ATTACHED;
	p->rates = (struct port_rates){ 0 };
	p->vlans_made = false;
	p->address_used = false;
	p->exchange = (struct last_exchange){ 0 };
	d->network[p->network].attached++;
	/* The index has room for as many ports as there are slots. */
	index_add(&d->port_by_link, link_hash(d, ifindex), p->slot);
}

/* --- rows --- */

static void row_of(struct daemon *d, const struct port *p, struct store_allocation *a)
{
	*a = (struct store_allocation){ .nic = p->nic,
					.mac = p->mac,
					.mac_given = p->mac_given,
					.generation = p->generation,
					.address = p->address,
					.address_given = p->address_given,
					.owner = p->owner,
					.queues = p->queues,
					.vhost = p->vhost,
					.created = p->created,
					.user = p->user,
					.device = port_device_text(p->device) };
	memcpy(a->inside, p->inside, sizeof(a->inside));
	memcpy(a->network, d->network[p->network].config->name, sizeof(a->network));
	memcpy(a->guest, p->guest, sizeof(a->guest));
}

int port_store(struct daemon *d, const struct port *p, struct ticket *ret, struct err *err)
{
	struct store_allocation row;

	row_of(d, p, &row);
	return store_allocation_put(d->store, &row, ret, err);
}

int port_unstore(struct daemon *d, const struct port *p, int64_t rest, struct ticket *ret,
		 struct err *err)
{
	struct store_allocation row;

	row_of(d, p, &row);
	return store_allocation_del(d->store, &row, loop_wall(d->loop), rest, ret, err);
}

int port_store_plug(struct daemon *d, const struct port *p, struct ticket *ret, struct err *err)
{
	struct store_allocation row;

	row_of(d, p, &row);
	return p->unplugged ? store_unplugged_put(d->store, &row, ret, err) :
			      store_unplugged_del(d->store, &row, ret, err);
}

/* --- changes --- */

/* Gives a port in the tables another MAC and address. False, and nothing changed, when the tables
 * refuse. */
bool port_change(struct daemon *d, struct port *p, const struct port *to)
{
	struct port before = *p;

	if (mac_equal(&p->mac, &to->mac) && p->address == to->address) {
		*p = *to;
		return true;
	}
	if (!mac_equal(&p->mac, &to->mac))
		rules_forget_mac(d, p);
	leave_tables(d, p);
	*p = *to;
	if (enter_tables(d, p))
		return true;
	*p = before;
	if (!enter_tables(d, p))
		log_error("port %s/%" PRIu32 ": its allocation could not be put back", p->guest,
			  p->nic);
	return false;
}

int port_readdress(struct daemon *d, struct port *p, const struct port *to)
{
	return port_change(d, p, to) ? 0 : -1;
}

void ports_configure(struct daemon *d, struct network *n)
{
	struct port *p;

	for (uint32_t at = 0; (p = port_next(d, &at));) {
		struct dhcp_port view;

		if (p->network != n->slot)
			continue;
		owner_configure(d, p);
		view = dhcp_view(d, p);
		dhcp_port_update(d->dhcp, &view);
	}
}

/* Down while it joins a bridge that filters: it would be in VLAN 1. */
static int go_up_in_vlans(struct daemon *d, struct port *p, struct err *err)
{
	const struct rtnl_change c = { .index = p->ifindex, .up = true };
	int rc = vlans_join(d, p, err);

	return rc || p->unplugged ? rc : d->host->ops->link_set(d->host, &c, err);
}

bool port_bears(const struct daemon *d, const struct port *p, const struct mac *mac)
{
	struct mac own = mac_host_side(&p->mac);

	/* That of a macvtap device is not kept with its link. */
	return network_is_macvtap(&d->network[p->network]) ?
		       mac_is_zero(mac) || mac_equal(mac, &p->mac) :
		       mac_equal(mac, &own);
}

int port_link_up(struct daemon *d, const struct port *p, const char *altname, struct err *err)
{
	const struct network *n = &d->network[p->network];
	struct mac host_side = mac_host_side(&p->mac);
	struct bridge_mark mark = { .nic = p->nic };
	char alias[LINK_ALIAS_SIZE];
	struct rtnl_change c = { .index = p->ifindex,
				 .master = n->bridge_index,
				 .mtu = n->mtu,
				 .mac = &host_side,
				 .alias = alias,
				 .altname = altname,
				 .up = !p->unplugged && !vlans_filter(n),
				 .down = p->unplugged || vlans_filter(n),
				 .isolate = n->config->isolate,
				 /* A device that was just made is not. */
				 .unisolate = !n->config->isolate && !altname };
	int rc;

	if (network_is_macvtap(n))
		return macvtap_link_up(d, p, altname, err);
	/* Before it goes up: the host has no address on it, and the kernel none of the work. */
	rc = d->host->ops->ipv6_off(d->host, p->ifname, err);

	memcpy(mark.network, n->config->name, sizeof(mark.network));
	memcpy(mark.guest, p->guest, sizeof(mark.guest));
	bridge_mark_format(&mark, alias);
	if (!rc)
		rc = d->host->ops->link_set(d->host, &c, err);
	if (!rc && vlans_filter(n))
		rc = go_up_in_vlans(d, &d->port[p->slot], err);
	return rc ? err_wrap(err, rc, "%s cannot join bridge %s", p->ifname, n->bridge) : 0;
}

/* --- detach, release, gone --- */

/* The rule and all memory of a device that is gone or about to go. */
static void unplug(struct daemon *d, struct port *p)
{
	rules_del_port(d, p);
	macvtap_end(d, p);
	guard_forget_counts(d, p);
	serve_end_leases(d, &d->network[p->network], p->slot);
	port_drop_link(d, p);
}

void port_gone(struct daemon *d, struct port *p)
{
	struct port was = *p;

	unplug(d, p);
	event_add_port(d, EVENT_GONE, &was);
	log_info("port %s/%" PRIu32 ": interface %s is gone", was.guest, was.nic, was.ifname);
}

int port_reap(struct daemon *d, struct port *p, const char *why, struct err *err)
{
	struct port was = *p;
	struct event *e;
	int rc = device_remove(d, p, err);

	if (rc && rc != -ENODEV)
		return rc;
	unplug(d, p);
	e = event_add_port(d, EVENT_REAPED, &was);
	snprintf(e->detail, sizeof(e->detail), "%s", why);
	log_info("port %s/%" PRIu32 ": interface %s is removed: %s", was.guest, was.nic, was.ifname,
		 why);
	return 0;
}

static int detach_one(struct daemon *d, struct port *p, struct refusal *r)
{
	struct port was = *p;
	struct err err;
	int rc;

	if (!p->ifindex)
		return 0;
	rc = device_remove(d, p, &err);
	if (rc && rc != -ENODEV)
		return refuse_err(r, REFUSED_SYSTEM, &err);
	unplug(d, p);
	event_add_port(d, EVENT_DETACHED, &was);
	return 0;
}

static bool matches(const struct port *p, const char *guest, int64_t nic)
{
	return !strcmp(p->guest, guest) && (nic < 0 || p->nic == nic);
}

bool port_exists(struct daemon *d, const char *guest, int64_t nic)
{
	struct port *p;

	for (uint32_t at = 0; (p = port_next(d, &at));)
		if (matches(p, guest, nic))
			return true;
	return false;
}

int port_refuse_no_guest(struct refusal *r, const char *guest, int64_t nic)
{
	char text[NAME_SIZE + 24];

	if (nic < 0)
		return refuse(r, REFUSED_NO_GUEST, guest, NULL);
	snprintf(text, sizeof(text), "%.63s/%" PRId64, guest, nic);
	return refuse(r, REFUSED_NO_GUEST, text, NULL);
}

int port_detach(struct daemon *d, const char *guest, int64_t nic, struct refusal *r)
{
	struct port *p;
	unsigned n = 0;

	for (uint32_t at = 0; (p = port_next(d, &at));) {
		if (!matches(p, guest, nic))
			continue;
		n++;
		if (detach_one(d, p, r))
			return -1;
	}
	return n ? 0 : port_refuse_no_guest(r, guest, nic);
}

static int release_one(struct daemon *d, struct port *p, struct ticket *ticket, struct refusal *r)
{
	struct err err;

	if (detach_one(d, p, r))
		return -1;
	if (port_unstore(d, p, MAC_REST_S, ticket, &err))
		return refuse_err(r, REFUSED_STORAGE, &err);
	/* Their rows have gone with the port's. */
	serve_release_leases(d, p);
	return 0;
}

int port_release(struct daemon *d, const char *guest, int64_t nic, struct release **ret,
		 struct ticket *ticket, struct refusal *r)
{
	struct release *release = NULL;
	struct port *p;
	int rc = 0;

	for (uint32_t at = 0; !rc && (p = port_next(d, &at));) {
		struct release *one;

		if (!matches(p, guest, nic))
			continue;
		one = malloc(sizeof(*one));
		if (!one) {
			rc = refuse(r, REFUSED_SYSTEM, NULL, NULL);
			break;
		}
		rc = release_one(d, p, ticket, r);
		if (rc) {
			free(one);
			break;
		}
		*one = (struct release){ .next = release, .port = *p };
		release = one;
		port_remove(d, p);
	}
	if (!release && !rc)
		rc = port_refuse_no_guest(r, guest, nic);
	*ret = release;
	return rc;
}

void port_released(struct daemon *d, struct release *release)
{
	while (release) {
		struct release *next = release->next;

		event_add_port(d, EVENT_RELEASED, &release->port);
		published_gone(d, &release->port);
		free(release);
		release = next;
	}
}

void port_unreleased(struct daemon *d, struct release *release)
{
	while (release) {
		struct release *next = release->next;
		const struct port *p = &release->port;

		/* Its network was deleted in the same turn, and is back with all that the state
		 * has. */
		if (!d->network[p->network].pool || port_find(d, p->network, p->guest, p->nic))
			;
		else if (!port_insert(d, &release->port))
			log_error("port %s/%" PRIu32 ": its allocation could not be put back",
				  release->port.guest, release->port.nic);
		else
			published_stay(d, &release->port);
		free(release);
		release = next;
	}
}

/* Nobody could wait until it was probed; its guest's DHCP does. */
static bool move_to(struct daemon *d, struct port *p, uint32_t address)
{
	const struct network *n = &d->network[p->network];
	bool clear = dhcp_probe_state(d->probes, n->slot, address) == DHCP_PROBE_CLEAR;

	if (dhcp_port_move(d->dhcp, p->slot, address))
		return false;
	dhcp_pool_take(n->pool, address);
	probe_forget(d, n, address);
	if (!clear)
		dhcp_port_doubt(d->dhcp, p->slot);
	return true;
}

bool port_declined(struct daemon *d, struct port *p)
{
	struct port before = *p;
	struct refusal r;
	struct err err;
	uint32_t address;

	if (p->address_given || allocate_other_address(d, p, &address, &r))
		return false;
	p->address = address;
	if (!port_store(d, p, NULL, &err)) {
		if (move_to(d, p, address)) {
			rules_move_port(d, p, before.address);
			return true;
		}
		err_set(&err, ENOSPC, "the lease table is full");
		if (port_store(d, &before, NULL, NULL))
			log_error("port %s/%" PRIu32 ": its row could not be put back", p->guest,
				  p->nic);
	}
	log_error("port %s/%" PRIu32 ": %s", p->guest, p->nic, err.text);
	*p = before;
	return false;
}

void port_undeclined(struct daemon *d, struct port *p, uint32_t address)
{
	uint32_t before = p->address;

	network_give(&d->network[p->network], p->address);
	p->address = address;
	rules_move_port(d, p, before);
}

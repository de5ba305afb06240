/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Puts the parts together, and takes them apart again. The phases of a turn are here. */
#include <stdlib.h>
#include <sys/random.h>

#include "api.h"
#include "base/container.h"
#include "networks_made.h"

#define STORAGE_RETRY_NS (5 * NS_PER_S)

enum { EXTRA_LINKS = 16384, WALL_SLACK_S = 2, PROBES_MAX = 4096 };

/* --- phases --- */

static void try_storage(struct loop_timer *t);

static void try_storage_later(struct daemon *d)
{
	if (loop_timer_set(d->loop, &d->storage, loop_now(d->loop) + STORAGE_RETRY_NS, try_storage))
		log_error("out of memory: the state is not tried again");
}

/*
 * Puts what was granted from memory while the state could not be written, and at least something,
 * so that the commit shows whether it can be again.
 */
static void catch_up(struct daemon *d)
{
	struct err err;

	d->catching_up = !serve_store_leases(d, &err) && !store_touch(d->store, &err);
	try_storage_later(d);
}

static void try_storage(struct loop_timer *t)
{
	catch_up(CONTAINER_OF(t, struct daemon, storage));
}

static void storage_fails(struct daemon *d, const struct err *err)
{
	unsigned held_back;
	struct event *e;

	if (log_allow(&d->storage_log, loop_now(d->loop), &held_back))
		log_error("%s; nothing of it is promised (%u more like this)", err->text,
			  held_back);
	d->catching_up = false;
	if (d->storage_failed)
		return;
	d->storage_failed = true;
	d->boot_wall = 0;
	e = event_add(d, EVENT_STORAGE_FAILED);
	snprintf(e->detail, sizeof(e->detail), "%.190s", err->text);
	try_storage_later(d);
}

/* Something could be stored again. It has recovered when nothing is in memory alone. */
static void storage_works(struct daemon *d)
{
	if (!d->catching_up) {
		catch_up(d);
		return;
	}
	d->catching_up = d->storage_failed = false;
	serve_leases_stored(d);
	loop_timer_cancel(&d->storage);
	event_add(d, EVENT_STORAGE_RECOVERED);
	log_notice("the state can be written again");
}

static void commit_once(struct daemon *d)
{
	bool dirty = store_dirty(d->store);
	struct err err;
	int rc;

	published_follow(d);
	rc = store_commit(d->store, &err);

	if (rc)
		storage_fails(d, &err);
	else if (dirty && d->storage_failed)
		storage_works(d);
	outbox_settle(d, rc == 0);
}

/*
 * What is in the state has to be right after a reboot, when only the wall clock is left: when that
 * was set, the leases' wall times are, too.
 */
static void follow_wall_clock(struct daemon *d)
{
	int64_t wall = loop_to_wall(d->loop, 0);
	struct err err;

	if (d->storage_failed || llabs(wall - d->boot_wall) <= WALL_SLACK_S)
		return;
	d->boot_wall = wall;
	if (store_lease_set_wall(d->store, wall, WALL_SLACK_S, &err))
		log_warning("the leases could not follow the wall clock: %s", err.text);
}

static void commit(void *arg)
{
	struct daemon *d = arg;

	follow_wall_clock(d);
	/* Saying something, or finding that nobody listens, can change the state once more. */
	for (unsigned i = 0; i == 0 || (i < 4 && store_dirty(d->store)); i++)
		commit_once(d);
}

static void transmit(void *arg)
{
	struct daemon *d = arg;

	published_follow(d); /* what was taken back, too */
	networks_gauge(d);
	if (d->varlink)
		varlink_poll(d->varlink);
}

static void packet(void *arg, const struct trap_packet *p)
{
	if (p->server)
		conflict_server(arg, p);
	else if (p->flood)
		serve_flood(arg, p);
	else if (p->spoof)
		guard_spoof(arg, p);
	else
		serve_packet(arg, p);
}

/* --- start --- */

static int make_tables(struct daemon *d, struct err *err)
{
	uint32_t ports = d->config->max_ports, links = ports + EXTRA_LINKS;
	struct dhcp_limits limits = { .nets = CONFIG_NETWORKS_MAX,
				      .leases = 2 * ports + JOINED_MAX + d->config->max_leases,
				      .clients = d->config->max_leases };
	static const struct log_limit ten_a_minute = { .interval = 60 * NS_PER_S, .burst = 10 };

	if (getrandom(&d->table_key, sizeof(d->table_key), 0) != (ssize_t)sizeof(d->table_key))
		return err_sys(err, errno, "no random numbers");
	d->drop_log = d->storage_log = d->conflict_log = ten_a_minute;
	d->send_log = d->flood_log = d->guard_log = d->publish_log = ten_a_minute;
	heal_init(&d->heal);
	coexist_init(&d->coexist);
	d->port = calloc(ports, sizeof(*d->port));
	d->link = calloc(links, sizeof(*d->link));
	if (!d->port || !d->link || !slots_init(&d->ports, ports) ||
	    !index_init(&d->port_by_name, ports) || !index_init(&d->port_by_link, ports) ||
	    !slots_init(&d->links, links) || !index_init(&d->link_by_index, links) ||
	    outbox_init(&d->outbox) || events_init(&d->events) ||
	    mac_index_new(ports + links, &d->table_key, &d->macs) ||
	    dhcp_server_new(&limits, &d->table_key, &d->dhcp) ||
	    dhcp_probes_new(CONFIG_NETWORKS_MAX, PROBES_MAX, &d->table_key, &d->probes) ||
	    guard_init(&d->guard, d->config->max_leases) || waits_init(&d->waits, &d->table_key))
		return err_set(err, ENOMEM, "out of memory");
	return 0;
}

static int add_networks(struct daemon *d, struct err *err)
{
	for (unsigned i = 0; i < d->config->networks; i++)
		if (!network_add(d, &d->config->network[i]))
			return err_set(err, ENOSPC, "more than %d networks", CONFIG_NETWORKS_MAX);
	joined_configure(d);
	published_configure(d);
	return 0;
}

static int open_api(struct daemon *d, const struct daemon_options *o, struct err *err)
{
	const char *path = o->socket_path	     ? o->socket_path :
			   d->config->socket_path[0] ? d->config->socket_path :
						       o->socket_default;

	return varlink_server_new(d, path, (mode_t)d->config->socket_mode, d->config->socket_group,
				  o->socket_fd, api_dispatch, &d->varlink, err);
}

static int start(struct daemon *d, const struct daemon_options *o, struct err *err)
{
	struct loop_phases phases = { .commit = commit, .transmit = transmit, .arg = d };
	struct host_listener listener = { .event = reconcile_event,
					  .packet = packet,
					  .arp = conflict_arp,
					  .pong = probe_pong,
					  .ruleset = heal_ruleset,
					  .dropped = captures_packet,
					  .unused = macvtap_unused,
					  .arg = d };
	int rc = config_read(o->config_path, o->config_optional, &d->config, err);

	if (!rc)
		rc = make_tables(d, err);
	if (!rc && loop_new(&o->clock, &phases, &d->loop))
		rc = err_set(err, ENOMEM, "cannot make an event loop");
	if (!rc)
		rc = store_open(o->state_path, &d->store, err);
	if (!rc)
		rc = made_load(d, err);
	if (!rc)
		rc = allocate_keys(d, err);
	if (!rc)
		rc = o->open_host(d->loop, (uint16_t)d->config->trap_group, &listener, &d->host,
				  err);
	if (!rc)
		rc = add_networks(d, err);
	/* Before anything is changed: a second netd ends here. */
	if (!rc)
		rc = open_api(d, o, err);
	if (!rc)
		rc = reconcile(d, err);
	if (!rc)
		rc = store_commit(d->store, err);
	return rc;
}

int daemon_start(const struct daemon_options *o, struct daemon **ret, struct err *err)
{
	struct daemon *d = calloc(1, sizeof(*d));
	int rc;

	if (!d)
		return err_set(err, ENOMEM, "out of memory");
	d->config_path = o->config_path;
	d->config_optional = o->config_optional;
	captures_init(d);
	rc = start(d, o, err);
	if (rc) {
		daemon_stop(d);
		return rc;
	}
	d->started = loop_wall(d->loop);
	event_add(d, EVENT_STARTED);
	coexist_run(d);
	*ret = d;
	return 0;
}

void daemon_stop(struct daemon *d)
{
	if (!d)
		return;
	varlink_server_free(d->varlink);
	d->varlink = NULL;
	if (d->store && d->storage_failed)
		catch_up(d);
	if (d->store)
		commit(d);
	loop_timer_cancel(&d->storage);
	loop_timer_cancel(&d->expiry);
	loop_timer_cancel(&d->reconcile);
	loop_timer_cancel(&d->sweep);
	loop_timer_cancel(&d->probe);
	loop_timer_cancel(&d->reap);
	lan_done(d);
	heal_done(&d->heal);
	host_look_done(&d->look);
	coexist_done(&d->coexist);
	waits_done(&d->waits);
	guard_done(&d->guard);
	captures_done(d);
	host_free(d->host);
	store_close(d->store);
	loop_free(d->loop);
	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++) {
		network_free_pools(&d->network[i]);
		dhcp_option_set_free(d->network[i].options);
	}
	dhcp_server_free(d->dhcp);
	dhcp_probes_free(d->probes);
	mac_index_free(d->macs);
	events_done(&d->events);
	outbox_done(&d->outbox);
	slots_done(&d->ports);
	slots_done(&d->links);
	index_done(&d->port_by_name);
	index_done(&d->port_by_link);
	index_done(&d->link_by_index);
	free(d->port);
	free(d->link);
	free(d->addr);
	free(d->rules);
	published_done(d);
	config_free(d->config);
	free(d);
}

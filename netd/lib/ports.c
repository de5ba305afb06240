/* SPDX-License-Identifier: MIT */
/* The typed calls of libnetd. */
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "client.h"

static void set_text(json_t *o, const char *key, const char *value)
{
	if (value)
		json_object_set_new(o, key, json_string(value));
}

static json_t *attach_parameters(const struct netd_attach *a, bool netns)
{
	static const char *const devices[] = {
		[NETD_DESCRIPTORS] = "descriptors", [NETD_TAP] = "tap", [NETD_VETH] = "veth"
	};
	static const char *const vhost[] = {
		[NETD_VHOST_AUTO] = "auto", [NETD_VHOST_ON] = "on", [NETD_VHOST_OFF] = "off"
	};
	json_t *p = json_object();

	set_text(p, "guest", a->guest ? a->guest : "");
	set_text(p, "network", a->network);
	set_text(p, "mac", a->mac);
	if (a->address)
		json_object_set_new(p, "addresses", json_pack("[s]", a->address));
	if (a->nic)
		json_object_set_new(p, "nic", json_integer(a->nic));
	if (a->queues)
		json_object_set_new(p, "queues", json_integer(a->queues));
	if ((unsigned)a->vhost < ARRAY_SIZE(vhost))
		set_text(p, "vhost", vhost[a->vhost]);
	if (a->device && (unsigned)a->device < ARRAY_SIZE(devices))
		set_text(p, "device", devices[a->device]);
	set_text(p, "interface", a->ifname);
	if (a->bare)
		json_object_set_new(p, "vnetHeader", json_false());
	if (netns)
		json_object_set_new(p, "networkNamespace", json_integer(0));
	return p;
}

/* A name, or a number. */
static int add_user(struct netd *n, const char *user, json_t *p)
{
	const struct passwd *pw = getpwnam(user);
	unsigned long uid = pw ? pw->pw_uid : 0;
	char *end;

	errno = 0;
	if (!pw) {
		uid = strtoul(user, &end, 10);
		if (errno || *end || *user < '0' || *user > '9' || uid >= UINT32_MAX)
			return err_set(&n->err, ENOENT, "there is no user '%s'", user);
	}
	json_object_set_new(p, "user", json_integer((json_int_t)uid));
	return 0;
}

static void get_text(const json_t *o, const char *key, char *to, size_t size)
{
	const char *text = json_string_value(json_object_get(o, key));

	snprintf(to, size, "%s", text ? text : "");
}

static uint32_t get_number(const json_t *o, const char *key)
{
	return (uint32_t)json_integer_value(json_object_get(o, key));
}

/* Moves the descriptors that a list of indices names from the connection to the port. */
static int take_fds(struct netd *n, const json_t *indices, int *to, uint32_t *ret_count)
{
	size_t count = json_array_size(indices);

	if (count > NETD_QUEUES_MAX)
		return -EBADMSG;
	for (size_t i = 0; i < count; i++) {
		json_int_t at = json_integer_value(json_array_get(indices, i));

		if (at < 0 || at >= n->fds_len || n->fds[at] < 0)
			return -EBADMSG;
		to[i] = take_fd(&n->fds[at]);
		*ret_count = (uint32_t)i + 1;
	}
	return 0;
}

static int read_port(struct netd *n, const json_t *reply, bool fds, struct netd_port *p)
{
	const json_t *port = json_object_get(reply, "port"),
		     *addresses = json_object_get(port, "addresses");
	const char *address = json_string_value(json_array_get(addresses, 0));
	int rc = take_fds(n, json_object_get(reply, "tapFileDescriptors"), p->tap_fd, &p->queues);

	if (!rc)
		rc = take_fds(n, json_object_get(reply, "vhostFileDescriptors"), p->vhost_fd,
			      &p->vhosts);
	client_close_fds(n);
	if (rc || (fds && !p->queues))
		return err_set(&n->err, EBADMSG, "netd's reply is without its descriptors");
	get_text(port, "network", p->network, sizeof(p->network));
	get_text(port, "interface", p->interface, sizeof(p->interface));
	get_text(port, "guestInterface", p->guest_interface, sizeof(p->guest_interface));
	get_text(port, "mac", p->mac, sizeof(p->mac));
	get_text(port, "gateway", p->gateway, sizeof(p->gateway));
	get_text(reply, "vhostNote", p->vhost_note, sizeof(p->vhost_note));
	get_text(reply, "note", p->note, sizeof(p->note));
	snprintf(p->address, sizeof(p->address), "%s", address ? address : "");
	p->interface_index = get_number(port, "interfaceIndex");
	p->mtu = get_number(port, "mtu");
	return 0;
}

int netd_attach(struct netd *n, const struct netd_attach *a, struct netd_port *ret)
{
	CLEAN_FD int netns = a->netns ? open(a->netns, O_RDONLY | O_CLOEXEC) : -1;
	json_t *reply, *parameters = attach_parameters(a, netns >= 0);
	struct netd_port p = { 0 };
	int rc = 0;

	n->err.text[0] = n->error_name[0] = 0;
	if (a->netns && netns < 0)
		rc = err_sys(&n->err, errno, "cannot open network namespace %s", a->netns);
	if (!rc && a->user)
		rc = add_user(n, a->user, parameters);
	if (rc) {
		json_decref(parameters);
		return rc;
	}
	rc = client_call_fds(n, "io.netd.Attach", parameters, &netns, netns >= 0, &reply);
	if (rc) {
		client_close_fds(n);
		return rc;
	}
	rc = read_port(n, reply, a->device == NETD_DESCRIPTORS, &p);
	json_decref(reply);
	if (rc) {
		netd_port_close(&p);
		return rc;
	}
	*ret = p;
	return 0;
}

void netd_port_close(struct netd_port *p)
{
	while (p->queues)
		close(p->tap_fd[--p->queues]);
	while (p->vhosts)
		close(p->vhost_fd[--p->vhosts]);
}

static int call_plain(struct netd *n, const char *method, json_t *parameters)
{
	json_t *reply;
	int rc = client_call(n, method, parameters, &reply);

	if (!rc)
		json_decref(reply);
	client_close_fds(n);
	return rc;
}

static json_t *port_parameters(const char *guest, int nic)
{
	json_t *p = json_pack("{s:s}", "guest", guest);

	if (nic >= 0)
		json_object_set_new(p, "nic", json_integer(nic));
	return p;
}

int netd_detach(struct netd *n, const char *guest, int nic)
{
	return call_plain(n, "io.netd.Detach", port_parameters(guest, nic));
}

int netd_release(struct netd *n, const char *guest, int nic)
{
	return call_plain(n, "io.netd.Release", port_parameters(guest, nic));
}

int netd_wait(struct netd *n, const char *guest, uint32_t nic, const char *what, int timeout_ms)
{
	json_t *p = port_parameters(guest, (int)nic);

	set_text(p, "for", what);
	if (timeout_ms >= 0)
		json_object_set_new(p, "timeoutSeconds", json_real(timeout_ms / 1e3));
	return call_plain(n, "io.netd.Wait", p);
}

/* --- import --- */

enum { IMPORT_BATCH = 256 }; /* of at most some 180 octets each: a call has room for 65536 */

static json_t *import_parameters(const char *network, const struct netd_import *items, size_t count,
				 int dry_run)
{
	json_t *list = json_array(), *p = json_object();

	for (size_t i = 0; i < count; i++) {
		json_t *item = json_object();

		set_text(item, "mac", items[i].mac ? items[i].mac : "");
		set_text(item, "address", items[i].address ? items[i].address : "");
		set_text(item, "guest", items[i].guest);
		json_array_append_new(list, item);
	}
	set_text(p, "network", network);
	json_object_set_new(p, "items", list);
	json_object_set_new(p, "dryRun", json_boolean(dry_run));
	return p;
}

static int import_batch(struct netd *n, const char *network, struct netd_import *items,
			size_t count, int dry_run)
{
	const json_t *results;
	json_t *reply;
	int rc = client_call(n, "io.netd.Import", import_parameters(network, items, count, dry_run),
			     &reply);

	client_close_fds(n);
	if (rc)
		return rc;
	results = json_object_get(reply, "results");
	if (json_array_size(results) != count)
		rc = err_set(&n->err, EBADMSG, "netd's reply is not about what was asked");
	for (size_t i = 0; !rc && i < count; i++) {
		const json_t *result = json_array_get(results, i);

		get_text(result, "guest", items[i].imported_as, sizeof(items[i].imported_as));
		get_text(result, "reason", items[i].reason, sizeof(items[i].reason));
	}
	json_decref(reply);
	return rc;
}

int netd_import(struct netd *n, const char *network, struct netd_import *items, size_t count,
		int dry_run)
{
	int rc = 0;

	for (size_t i = 0; i < count; i++)
		items[i].imported_as[0] = items[i].reason[0] = 0;
	for (size_t i = 0; !rc && i < count; i += IMPORT_BATCH)
		rc = import_batch(n, network, items + i,
				  count - i < IMPORT_BATCH ? count - i : IMPORT_BATCH, dry_run);
	return rc;
}

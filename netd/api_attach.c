/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The API's methods that begin and end ports. */
#include <stdlib.h>

#include "api.h"

static bool parse_netns(const struct varlink_call *call, struct attach_request *q)
{
	int64_t at = api_integer(call, "networkNamespace", -1);

	if (at >= (int64_t)call->n) {
		api_bad_value(call, "networkNamespace", "no such descriptor came with the call");
		return false;
	}
	if (at >= 0)
		q->netns = call->fds[at];
	return true;
}

static bool parse_attach(const struct varlink_call *call, struct attach_request *q)
{
	static const char *const vhost_words[] = {
		[VHOST_AUTO] = "auto", [VHOST_ON] = "on", [VHOST_OFF] = "off"
	};
	const char *mac = api_text(call, "mac"), *vhost = api_text(call, "vhost"), *address,
		   *device = api_text(call, "device");
	const json_t *addresses = json_object_get(call->parameters, "addresses");

	*q = (struct attach_request){ .network = api_text(call, "network"),
				      .guest = api_text(call, "guest"),
				      .nic = (uint32_t)api_integer(call, "nic", 0),
				      .queues = (uint32_t)api_integer(call, "queues", 1),
				      .owner = call->uid };
	q->interface = api_text(call, "interface");
	q->user = (uint32_t)api_integer(call, "user", call->uid);
	q->netns = -1;
	q->bare = json_is_false(json_object_get(call->parameters, "vnetHeader"));
	if (!parse_netns(call, q))
		return false;
	if (device && port_device_parse(device, &q->device)) {
		api_bad_value(call, "device", "it is not descriptors, tap or veth");
		return false;
	}
	if (q->netns >= 0 && q->device == PORT_DESCRIPTORS) {
		api_bad_value(call, "networkNamespace",
			      "descriptors are of no network namespace but netd's");
		return false;
	}
	if (mac && !mac_parse(mac, &q->wish.mac)) {
		api_bad_value(call, "mac", "it is not a MAC address");
		return false;
	}
	if (json_array_size(addresses) > 1) {
		api_bad_value(call, "addresses", "there is more than one");
		return false;
	}
	address = json_string_value(json_array_get(addresses, 0));
	if (address && !ip4_parse(address, &q->wish.address)) {
		api_bad_value(call, "addresses", "it is not an IPv4 address");
		return false;
	}
	for (unsigned i = 0; vhost && i < 3; i++)
		if (!strcmp(vhost, vhost_words[i])) {
			q->vhost = (enum vhost_wish)i;
			return true;
		}
	if (vhost)
		api_bad_value(call, "vhost", "it is not auto, on or off");
	return !vhost;
}

static void attached(void *arg, enum varlink_outcome outcome)
{
	if (outcome == VARLINK_DELIVERED)
		port_delivered(arg);
	else
		port_undelivered(arg, outcome != VARLINK_TAKEN_BACK);
}

static void due(void *arg)
{
	port_due(arg);
}

static json_t *numbers(unsigned first, unsigned n)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < n; i++)
		json_array_append_new(list, json_integer(first + i));
	return list;
}

void api_attach(struct varlink_call *call)
{
	struct attach_request q;
	struct attachment *a;
	struct ticket ticket;
	struct refusal r;
	int fds[2 * TAP_QUEUES_MAX];
	json_t *parameters;

	if (!parse_attach(call, &q) || !api_may_attach(call, &q))
		return;
	q.wish.wait = &call->wait;
	if (port_attach(call->daemon, &q, &a, &ticket, &r)) {
		if (r.kind == REFUSED_WAIT)
			varlink_park(call);
		else
			api_refuse(call, &r);
		return;
	}
	memcpy(fds, a->tap_fd, a->queues * sizeof(*fds));
	memcpy(fds + a->queues, a->vhost_fd, a->vhosts * sizeof(*fds));
	parameters = json_pack(
		"{s:o, s:o, s:o, s:o, s:o}", "port",
		api_json_port(call->daemon, port_by_guest(call->daemon, q.guest, q.nic), NULL),
		"tapFileDescriptors", numbers(0, a->queues), "vhostFileDescriptors",
		numbers(a->queues, a->vhosts), "vhostNote",
		a->vhost_note.text[0] ? json_string(a->vhost_note.text) : json_null(), "note",
		a->note[0] ? json_string(a->note) : json_null());
	call->due = due;
	varlink_reply_fds(call, ticket, parameters, fds, a->queues + a->vhosts, attached, a);
}

void api_detach(struct varlink_call *call)
{
	struct refusal r;

	if (!api_has_guest(call, api_text(call, "guest"), api_integer(call, "nic", -1)))
		return;
	if (port_detach(call->daemon, api_text(call, "guest"), api_integer(call, "nic", -1), &r))
		api_refuse(call, &r);
	else
		varlink_reply(call, api_now(call), NULL);
}

struct released {
	struct daemon *d;
	struct release *release;
};

static void released(void *arg, enum varlink_outcome outcome)
{
	struct released *r = arg;

	if (outcome == VARLINK_TAKEN_BACK)
		port_unreleased(r->d, r->release);
	else
		port_released(r->d, r->release);
	free(r);
}

void api_release(struct varlink_call *call)
{
	struct ticket ticket = ticket_no_promise();
	struct released *done;
	struct refusal r;

	if (!api_has_guest(call, api_text(call, "guest"), api_integer(call, "nic", -1)))
		return;
	done = malloc(sizeof(*done));
	if (!done) {
		refuse(&r, REFUSED_SYSTEM, NULL, NULL);
		api_refuse(call, &r);
		return;
	}
	*done = (struct released){ .d = call->daemon };
	if (port_release(call->daemon, api_text(call, "guest"), api_integer(call, "nic", -1),
			 &done->release, &ticket, &r)) {
		/* What was released before the failure stays released. */
		port_released(call->daemon, done->release);
		free(done);
		api_refuse(call, &r);
		return;
	}
	varlink_reply_fds(call, ticket, NULL, NULL, 0, released, done);
}

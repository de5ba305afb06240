/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The methods Publish, Unpublish and ListPublished. */
#include <netinet/in.h>
#include <stdlib.h>

#include "api.h"

/* --- as JSON --- */

json_t *api_json_published(struct daemon *d, const struct published *p)
{
	char address[IP4_TEXT_SIZE], to[IP4_TEXT_SIZE], place[160] = "";

	if (p->configured)
		snprintf(place, sizeof(place), "%.140s:%d", p->place.file, p->place.line);
	return json_pack("{s:s, s:s, s:i, s:s, s:o, s:i, s:i, s:i, s:o, s:o, s:o}", "network",
			 d->network[p->network].config->name, "guest", p->guest, "nic", (int)p->nic,
			 "protocol", p->port.protocol == IPPROTO_TCP ? "tcp" : "udp", "address",
			 p->address ? json_string(ip4_text(p->address, address)) : json_null(),
			 "port", (int)p->port.port, "guestPort", (int)p->port.to, "count",
			 (int)p->port.count, "target",
			 p->made ? json_string(ip4_text(p->rule.to, to)) : json_null(),
			 "configured", p->configured ? json_string(place) : json_null(), "reason",
			 p->why_not[0] ? json_string(p->why_not) : json_null());
}

/* Those that `is` says, of all that are not on their way out. */
static json_t *list(struct daemon *d, bool (*is)(const struct published *p, const void *arg),
		    const void *arg)
{
	json_t *list = json_array();

	for (size_t i = 0; i < d->publishes.n; i++) {
		const struct published *p = &d->publishes.at[i];

		if (!p->leaving && is(p, arg))
			json_array_append_new(list, api_json_published(d, p));
	}
	return list;
}

static bool is_of_network(const struct published *p, const void *network)
{
	return p->network == ((const struct network *)network)->slot;
}

json_t *api_json_network_published(struct daemon *d, const struct network *n)
{
	return list(d, is_of_network, n);
}

static bool is_of_port(const struct published *p, const void *port)
{
	const struct port *of = port;

	return p->network == of->network && p->nic == of->nic && !strcmp(p->guest, of->guest);
}

json_t *api_json_port_published(struct daemon *d, const struct port *p)
{
	return list(d, is_of_port, p);
}

/* --- methods --- */

struct seen {
	const struct varlink_call *call;
	const struct network *network; /* NULL: any */
	const char *guest;	       /* NULL: any */
};

static bool is_seen(const struct published *p, const void *arg)
{
	const struct seen *s = arg;

	return (!s->network || p->network == s->network->slot) &&
	       (!s->guest || !strcmp(p->guest, s->guest)) && api_sees_published(s->call, p);
}

json_t *api_json_published_seen(const struct varlink_call *call, const struct network *n,
				const char *guest)
{
	const struct seen s = { .call = call, .network = n, .guest = guest };

	return list(call->daemon, is_seen, &s);
}

void api_list_published(struct varlink_call *call)
{
	const char *guest = json_string_value(json_object_get(call->parameters, "guest"));

	varlink_reply(call, store_ticket(call->daemon->store),
		      json_pack("{s:o}", "published", api_json_published_seen(call, NULL, guest)));
}

static bool parse_ports(const struct varlink_call *call, struct config_published *ret)
{
	const json_t *ports = json_object_get(call->parameters, "ports");
	struct err err;
	size_t i;
	json_t *one;

	json_array_foreach ((json_t *)ports, i, one) {
		if (config_published_parse(json_string_value(one), &ret[i], &err)) {
			api_bad_value(call, "ports", err.text);
			return false;
		}
	}
	return true;
}

/* Fills q; its ports are the caller's, and are freed by it. */
static bool parse_request(const struct varlink_call *call, struct publish_request *q,
			  struct config_published **ret_ports)
{
	const json_t *nic = json_object_get(call->parameters, "nic");
	const char *address = json_string_value(json_object_get(call->parameters, "address"));
	size_t n = json_array_size(json_object_get(call->parameters, "ports"));

	*ret_ports = NULL;
	*q = (struct publish_request){ .guest = json_string_value(
					       json_object_get(call->parameters, "guest")),
				       .nic = json_is_integer(nic) ? json_integer_value(nic) : -1,
				       .ports = n };
	if (address && (!ip4_parse(address, &q->address) || !config_address_usable(q->address))) {
		api_bad_value(call, "address", "it is not an IPv4 address that a host can have");
		return false;
	}
	if (n > CONFIG_PUBLISHES_MAX) {
		api_bad_value(call, "ports", "there are too many");
		return false;
	}
	q->port = *ret_ports = calloc(n + 1, sizeof(**ret_ports));
	if (*ret_ports)
		return parse_ports(call, *ret_ports);
	varlink_error(call, "io.netd.SystemFailed", json_pack("{s:s}", "reason", "out of memory"));
	return false;
}

static void settled(void *arg, enum varlink_outcome outcome)
{
	if (outcome == VARLINK_TAKEN_BACK)
		publish_taken_back(arg);
	else
		publish_settled(arg);
}

static json_t *changed(const struct publish_change *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->n; i++)
		json_array_append_new(
			list, api_json_published(c->daemon, published_find(c->daemon, c->id[i])));
	return json_pack("{s:o}", "published", list);
}

static void change(struct varlink_call *call, bool more)
{
	struct ticket ticket = ticket_no_promise();
	struct config_published *ports;
	struct publish_change *c;
	struct publish_request q;
	struct refusal r;
	int rc;

	if (parse_request(call, &q, &ports) &&
	    (more ? api_may_publish(call, &q) : api_has_guest(call, q.guest, q.nic))) {
		rc = more ? publish(call->daemon, &q, &c, &ticket, &r) :
			    unpublish(call->daemon, &q, &c, &ticket, &r);
		if (rc)
			api_refuse(call, &r);
		else
			varlink_reply_fds(call, ticket, changed(c), NULL, 0, settled, c);
	}
	free(ports);
}

void api_publish(struct varlink_call *call)
{
	change(call, true);
}

void api_unpublish(struct varlink_call *call)
{
	change(call, false);
}

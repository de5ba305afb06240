/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The method Capture. Its handler runs twice: it starts the capture, and it answers
 * when the capture has said whether it captures.
 */
#include "api.h"

/* --- the second time --- */

static void delivered(void *arg, enum varlink_outcome outcome)
{
	(void)outcome; /* who has not got the descriptor has no other copy */
	capture_delivered(arg);
}

static void refuse_capture(const struct varlink_call *call, struct capture *c)
{
	if (c->bad_filter)
		varlink_error(
			call, "io.netd.BadFilter",
			json_pack("{s:s, s:s}", "filter", c->job.filter, "reason", c->why.text));
	else
		varlink_error(call, "io.netd.CaptureFailed",
			      json_pack("{s:s, s:s}", "interface", c->job.interface, "reason",
					c->why.text));
	capture_answered(c);
	capture_delivered(c);
}

static void go_on(struct varlink_call *call, struct capture *c)
{
	if (c->state == CAPTURE_STARTING) {
		varlink_park(call);
	} else if (c->state == CAPTURE_FAILED) {
		refuse_capture(call, c);
	} else {
		capture_answered(c);
		varlink_reply_fds(
			call, ticket_no_promise(),
			json_pack("{s:i, s:s}", "fileDescriptor", 0, "interface", c->job.interface),
			&c->stream_fd, 1, delivered, c);
	}
}

/* --- the first time --- */

static int refuse_guest(const char *guest, const json_t *nic, struct refusal *r)
{
	char text[NAME_SIZE + 24];

	if (!json_is_integer(nic))
		return refuse(r, REFUSED_NO_GUEST, guest, NULL);
	snprintf(text, sizeof(text), "%.63s/%lld", guest, (long long)json_integer_value(nic));
	return refuse(r, REFUSED_NO_GUEST, text, NULL);
}

static int parse(const struct varlink_call *call, struct capture_request *q, struct refusal *r)
{
	const json_t *nic = json_object_get(call->parameters, "nic"),
		     *snapshot = json_object_get(call->parameters, "snapshotLength");
	const char *guest = api_text(call, "guest"), *filter = api_text(call, "filter");
	const struct port *p =
		port_by_guest(call->daemon, guest, (uint32_t)json_integer_value(nic));

	if (!p || !api_sees_port(call, p))
		return refuse_guest(guest, nic, r);
	*q = (struct capture_request){
		.port = p,
		.caller = call->conn,
		.uid = call->uid,
		.filter = filter ? filter : "",
		.snapshot = CAPTURE_SNAPSHOT_MAX,
		.dropped = json_is_true(json_object_get(call->parameters, "dropped")),
	};
	if (json_is_integer(snapshot))
		q->snapshot = (uint32_t)json_integer_value(snapshot);
	if (q->snapshot < 1 || q->snapshot > CAPTURE_SNAPSHOT_MAX)
		return refuse(r, REFUSED_PARAMETER, "snapshotLength", "it is not from 1 to 262144");
	if (strlen(q->filter) >= CAPTURE_FILTER_MAX)
		return refuse(r, REFUSED_PARAMETER, "filter", "it is longer than 1023 octets");
	return 0;
}

static void start(struct varlink_call *call, const struct capture_request *q)
{
	struct refusal r;
	int rc;

	refuse(&r, REFUSED_SYSTEM, NULL, NULL);
	rc = capture_start(call->daemon, q, &r.detail);
	if (!rc)
		varlink_park(call);
	else if (rc == -EUSERS)
		varlink_error(call, "io.netd.TooManyCaptures", NULL);
	else
		api_refuse(call, &r);
}

void api_capture(struct varlink_call *call)
{
	struct capture *c = capture_of_caller(call->daemon, call->conn);
	struct capture_request q;
	char text[NAME_SIZE + 12];
	struct refusal r;

	if (c)
		go_on(call, c);
	else if (parse(call, &q, &r))
		api_refuse(call, &r);
	else if (!q.port->ifindex)
		varlink_error(call, "io.netd.NotAttached",
			      json_pack("{s:s}", "port", port_text(q.port, text)));
	else
		start(call, &q);
}

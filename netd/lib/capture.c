/* SPDX-License-Identifier: MIT */
/* The call that captures. */
#include "base/cleanup.h"
#include "client.h"

static json_t *capture_parameters(const struct netd_capture *c)
{
	json_t *p = json_pack("{s:s}", "guest", c->guest ? c->guest : "");

	if (c->nic)
		json_object_set_new(p, "nic", json_integer(c->nic));
	if (c->filter)
		json_object_set_new(p, "filter", json_string(c->filter));
	if (c->snapshot_length)
		json_object_set_new(p, "snapshotLength", json_integer(c->snapshot_length));
	if (c->dropped)
		json_object_set_new(p, "dropped", json_true());
	return p;
}

int netd_capture(struct netd *n, const struct netd_capture *c, int *ret_fd)
{
	json_t *reply;
	json_int_t at;
	int rc = client_call(n, "io.netd.Capture", capture_parameters(c), &reply), fd = -1;

	if (!rc) {
		at = json_integer_value(json_object_get(reply, "fileDescriptor"));
		if (at >= 0 && at < n->fds_len)
			fd = take_fd(&n->fds[at]);
		json_decref(reply);
		if (fd < 0)
			rc = err_set(&n->err, EBADMSG, "netd's reply is without its descriptor");
		else
			*ret_fd = fd;
	}
	client_close_fds(n);
	return rc;
}

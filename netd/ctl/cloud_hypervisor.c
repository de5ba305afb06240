/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A card plugged into cloud-hypervisor over its HTTP socket: PUT vm.add-net, with the descriptors
 * in the message that has the request's first octet; and vm.remove-device.
 *
 * From its source: the descriptors of a request are those of the card (vmm/src/api/http/
 * http_endpoint.rs VmAddNet), and numbers of descriptors in the body are ignored; what is added to
 * a VM that runs is answered with 200 and where it is, before the boot with 204. There is no "mtu"
 * in the body: it would have cloud-hypervisor set the TAP's, which needs CAP_NET_ADMIN
 * (virtio-devices/src/net.rs from_tap_fds), and the guest is told the TAP's own in any case
 * (new_with_tap). A refusal's body is a list of causes, the innermost last, or in older versions a
 * text. vm.remove-device returns before the guest has let go; then the descriptors are closed
 * (vmm/src/device_manager.rs eject_device).
 */
#include <ctype.h>
#include <jansson.h>
#include <limits.h>

#include "base/cleanup.h"
#include "hotplug.h"

struct response {
	unsigned status;
	char *body; /* NUL-terminated; the caller's */
	size_t body_len;
};

/* --- HTTP --- */

/* The value of a header, behind the status line; NULL: it is not there. */
static const char *find_header(const char *head, const char *end, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = head; line < end;) {
		const char *next = memmem(line, (size_t)(end - line), "\r\n", 2);

		if ((size_t)(end - line) > len && !strncasecmp(line, name, len) && line[len] == ':')
			return line + len + 1;
		if (!next)
			break;
		line = next + 2;
	}
	return NULL;
}

static int parse_length(const char *value, size_t *ret)
{
	size_t n = 0;

	while (*value == ' ' || *value == '\t')
		value++;
	if (!isdigit((unsigned char)*value))
		return -EBADMSG;
	for (; isdigit((unsigned char)*value); value++) {
		n = n * 10 + (size_t)(*value - '0');
		if (n > PEER_MAX)
			return -EBADMSG;
	}
	*ret = n;
	return 0;
}

/* The head's length with the empty line, once it is there. */
static int receive_head(struct peer *p, size_t *ret_len, struct err *err)
{
	const char *end;

	while (!(end = p->len ? memmem(p->in, p->len, "\r\n\r\n", 4) : NULL)) {
		int rc = peer_receive(p, err);

		if (rc)
			return rc;
	}
	*ret_len = (size_t)(end + 4 - p->in);
	return 0;
}

static int parse_head(const struct peer *p, size_t len, struct response *r, struct err *err)
{
	const char *head = p->in, *end = p->in + len - 2, *length;
	char text[13] = { 0 };

	/* "HTTP/1.1 200 " */
	snprintf(text, sizeof(text), "%.12s", head);
	if (strncmp(text, "HTTP/1.", 7) != 0 || sscanf(text + 8, " %3u", &r->status) != 1)
		return err_set(err, EBADMSG, "%s answers with what is not HTTP", p->path);
	length = find_header(head, end, "Content-Length");
	r->body_len = 0;
	if (length && parse_length(length, &r->body_len))
		return err_set(err, EBADMSG, "%s answers with a wrong Content-Length", p->path);
	return 0;
}

static int receive_response(struct peer *p, struct response *r, struct err *err)
{
	size_t head;
	int rc = receive_head(p, &head, err);

	if (!rc)
		rc = parse_head(p, head, r, err);
	while (!rc && p->len < head + r->body_len)
		rc = peer_receive(p, err);
	if (rc)
		return rc;
	r->body = strndup(p->in + head, r->body_len);
	peer_consume(p, head + r->body_len);
	if (!r->body)
		return err_set(err, ENOMEM, "out of memory");
	r->body_len = strlen(r->body);
	return 0;
}

/* The innermost cause in a refusal's body. */
static void explain(const struct response *r, char *to, size_t size)
{
	json_t *causes = json_loadb(r->body, r->body_len, JSON_DECODE_ANY, NULL);
	const char *text = NULL;
	size_t n = json_array_size(causes);

	if (n)
		text = json_string_value(json_array_get(causes, n - 1));
	else if (json_is_string(causes))
		text = json_string_value(causes);
	snprintf(to, size, "%s", text ? text : r->body);
	json_decref(causes);
	peer_make_printable(to);
}

/* Takes body over (NULL: none). -EREMOTEIO when it is refused, with the status in *ret_status. */
static int request(struct peer *p, const char *method, const char *what, json_t *body,
		   const int *fds, unsigned fds_len, unsigned *ret_status, struct err *err)
{
	CLEAN_FREE char *json = body ? json_dumps(body, JSON_COMPACT) : NULL;
	CLEAN_FREE char *text = NULL;
	struct response r = { 0 };
	char cause[300], length[48] = "";
	int rc, len;

	json_decref(body);
	if (json)
		snprintf(length, sizeof(length), "Content-Length: %zu\r\n", strlen(json));
	len = asprintf(&text,
		       "%s /api/v1/%s HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n%s\r\n%s",
		       method, what, length, json ? json : "");
	if (len < 0) {
		text = NULL;
		return err_set(err, ENOMEM, "out of memory");
	}
	rc = peer_send(p, text, (size_t)len, fds, fds_len, err);
	if (!rc)
		rc = receive_response(p, &r, err);
	if (rc)
		return err_wrap(err, rc, "%s", what);
	*ret_status = r.status;
	if (r.status < 200 || r.status > 299) {
		explain(&r, cause, sizeof(cause));
		rc = err_set(err, EREMOTEIO, "cloud-hypervisor refuses %s with %u%s%s", what,
			     r.status, cause[0] ? ": " : "", cause);
	}
	free(r.body);
	return rc;
}

/* --- cards --- */

int ch_ping(struct peer *p, struct err *err)
{
	unsigned status;

	return request(p, "GET", "vmm.ping", NULL, NULL, 0, &status, err);
}

int ch_plug(struct peer *p, const struct hotplug *h, struct err *err)
{
	const struct netd_port *port = h->card.port;
	unsigned status;
	char id[96];

	hotplug_id(&h->card, id);
	return request(p, "PUT", "vm.add-net",
		       json_pack("{s:s, s:s, s:i}", "id", id, "mac", port->mac, "num_queues",
				 (int)(2 * port->queues)),
		       port->tap_fd, port->queues, &status, err);
}

int ch_unplug(struct peer *p, const struct hotplug *h, int *ret_found, struct err *err)
{
	unsigned status = 0;
	char id[96];
	int rc;

	hotplug_id(&h->card, id);
	rc = request(p, "PUT", "vm.remove-device", json_pack("{s:s}", "id", id), NULL, 0, &status,
		     err);
	*ret_found = status != 404;
	/* Older versions say 500 for an id that they do not know; that is a failure like others. */
	return status == 404 ? 0 : rc;
}

/* SPDX-License-Identifier: MIT */
/* The connection of libnetd: Varlink messages out and in, descriptors with them. */
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/fds.h"
#include "client.h"

enum { READ_SIZE = 65536, REPLY_MAX = 256 << 20 };

static int connect_to(struct netd *n, const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(sun.sun_path))
		return err_set(&n->err, ENAMETOOLONG, "socket %s: the path is too long", path);
	memcpy(sun.sun_path, path, strlen(path));
	n->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (n->fd < 0)
		return err_sys(&n->err, errno, "cannot make a socket");
	if (connect(n->fd, (struct sockaddr *)&sun, sizeof(sun)) < 0)
		return err_sys(&n->err, errno, "cannot reach netd at %s", path);
	return 0;
}

int netd_connect(const char *path, struct netd **ret)
{
	struct netd *n = calloc(1, sizeof(*n));

	if (!n)
		return -ENOMEM;
	n->fd = -1;
	*ret = n;
	if (!path)
		path = getenv("NETD_SOCKET");
	return connect_to(n, path && *path ? path : NETD_SOCKET_PATH);
}

void netd_close(struct netd *n)
{
	if (!n)
		return;
	client_close_fds(n);
	if (n->fd >= 0)
		close(n->fd);
	free(n->text);
	free(n->in);
	free(n);
}

const char *netd_error(const struct netd *n)
{
	return n ? n->err.text : "out of memory";
}

const char *netd_error_name(const struct netd *n)
{
	return n ? n->error_name : "";
}

int netd_fd(const struct netd *n)
{
	return n->fd;
}

void client_close_fds(struct netd *n)
{
	while (n->fds_len) {
		int fd = n->fds[--n->fds_len];

		if (fd >= 0)
			close(fd);
	}
}

/* --- out --- */

/* The descriptors travel with the first octet. */
static int send_all(struct netd *n, const char *text, size_t len, const int *fds, unsigned count)
{
	while (len) {
		ssize_t sent = fds_send(n->fd, text, len, fds, count, 0);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno == EPIPE)
			return 0; /* it hung up, and may have said why: that is read next */
		if (sent < 0)
			return err_sys(&n->err, errno, "cannot write to netd");
		text += sent;
		len -= (size_t)sent;
		count = 0;
	}
	return 0;
}

/* Takes parameters over. */
static int send_call(struct netd *n, const char *method, json_t *parameters, bool more,
		     const int *fds, unsigned count)
{
	json_t *m = json_pack("{s:s, s:o}", "method", method, "parameters",
			      parameters ? parameters : json_object());
	CLEAN_FREE char *text = NULL;

	n->err.text[0] = n->error_name[0] = 0;
	client_close_fds(n);
	if (m && more)
		json_object_set_new(m, "more", json_true());
	text = m ? json_dumps(m, JSON_COMPACT) : NULL;
	json_decref(m);
	if (!text)
		return err_set(&n->err, ENOMEM, "out of memory");
	if (count > CLIENT_CALL_FDS_MAX)
		return err_set(&n->err, EINVAL, "too many descriptors");
	return send_all(n, text, strlen(text) + 1, fds, count);
}

/* --- in --- */

static void keep_fds(struct netd *n, struct msghdr *mh)
{
	for (struct cmsghdr *h = CMSG_FIRSTHDR(mh); h; h = CMSG_NXTHDR(mh, h)) {
		size_t count = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(h) + i * sizeof(int), sizeof(fd));
			if (n->fds_len < CLIENT_FDS_MAX)
				n->fds[n->fds_len++] = fd;
			else
				close(fd);
		}
	}
}

static int receive_some(struct netd *n)
{
	char control[CMSG_SPACE(sizeof(int) * CLIENT_FDS_MAX)];
	struct iovec iov;
	struct msghdr mh = { .msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control,
			     .msg_controllen = sizeof(control) };
	ssize_t got;

	if (n->in_cap - n->in_len < READ_SIZE) {
		size_t cap = n->in_cap * 2 + READ_SIZE;
		char *grown = cap < REPLY_MAX ? realloc(n->in, cap) : NULL;

		if (!grown)
			return err_set(&n->err, ENOMEM, "out of memory");
		n->in = grown;
		n->in_cap = cap;
	}
	iov = (struct iovec){ n->in + n->in_len, n->in_cap - n->in_len };
	do {
		got = recvmsg(n->fd, &mh, MSG_CMSG_CLOEXEC);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return err_sys(&n->err, errno, "cannot read from netd");
	keep_fds(n, &mh);
	if (got == 0)
		return err_set(&n->err, ECONNRESET, "netd closed the connection");
	n->in_len += (size_t)got;
	return 0;
}

/* One message off the front of n->in, as JSON. */
static int receive_message(struct netd *n, json_t **ret)
{
	size_t seen = 0;
	json_error_t e;
	json_t *m;
	char *end;

	while (!(end = n->in ? memchr(n->in + seen, 0, n->in_len - seen) : NULL)) {
		int rc;

		seen = n->in_len;
		rc = receive_some(n);
		if (rc)
			return rc;
	}
	m = json_loads(n->in, 0, &e);
	n->in_len -= (size_t)(end + 1 - n->in);
	memmove(n->in, end + 1, n->in_len);
	if (!json_is_object(m)) {
		json_decref(m);
		return err_set(&n->err, EBADMSG, "netd sent what is no Varlink reply");
	}
	*ret = m;
	return 0;
}

/* Its parameters as a new reference, and whether more follow; an error reply is a failure. */
static int receive_reply(struct netd *n, json_t **ret, bool *ret_continues)
{
	json_t *m, *parameters;
	const char *name;
	int rc = receive_message(n, &m);

	if (rc)
		return rc;
	parameters = json_object_get(m, "parameters");
	name = json_string_value(json_object_get(m, "error"));
	if (name) {
		snprintf(n->error_name, sizeof(n->error_name), "%s", name);
		client_explain(name, parameters, &n->err);
		rc = -client_errno(name);
	} else {
		*ret_continues = json_is_true(json_object_get(m, "continues"));
		*ret = json_is_object(parameters) ? json_incref(parameters) : json_object();
	}
	json_decref(m);
	return rc;
}

int client_call_fds(struct netd *n, const char *method, json_t *parameters, const int *fds,
		    unsigned count, json_t **ret)
{
	bool continues;
	int rc = send_call(n, method, parameters, false, fds, count);

	return rc ? rc : receive_reply(n, ret, &continues);
}

int client_call(struct netd *n, const char *method, json_t *parameters, json_t **ret)
{
	return client_call_fds(n, method, parameters, NULL, 0, ret);
}

/* --- any method --- */

static int parse_parameters(struct netd *n, const char *text, json_t **ret)
{
	json_error_t e;

	*ret = text ? json_loads(text, 0, &e) : json_object();
	if (json_is_object(*ret))
		return 0;
	json_decref(*ret);
	return err_set(&n->err, EINVAL, "the parameters are not a JSON object");
}

static int hand_out(struct netd *n, json_t *reply, const char **ret)
{
	free(n->text);
	n->text = json_dumps(reply, JSON_COMPACT);
	json_decref(reply);
	if (!n->text)
		return err_set(&n->err, ENOMEM, "out of memory");
	if (ret)
		*ret = n->text;
	return 0;
}

int netd_call(struct netd *n, const char *method, const char *parameters, const char **ret_reply)
{
	json_t *p, *reply;
	int rc = parse_parameters(n, parameters, &p);

	if (!rc)
		rc = client_call(n, method, p, &reply);
	client_close_fds(n);
	return rc ? rc : hand_out(n, reply, ret_reply);
}

int netd_more(struct netd *n, const char *method, const char *parameters)
{
	json_t *p;
	int rc = parse_parameters(n, parameters, &p);

	return rc ? rc : send_call(n, method, p, true, NULL, 0);
}

int netd_next(struct netd *n, const char **ret_reply)
{
	bool continues;
	json_t *reply;
	int rc = receive_reply(n, &reply, &continues);

	client_close_fds(n);
	if (!rc)
		rc = hand_out(n, reply, ret_reply);
	return rc ? rc : continues;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A card plugged into QEMU over QMP: getfd for each descriptor, netdev_add, device_add; and out
 * again. A step that fails has those before it undone in reverse.
 *
 * From QEMU's source: a name given to getfd must not begin with a digit (monitor/fds.c), and is
 * taken from the monitor by whatever uses it, so that closefd is for those that nothing has used;
 * they outlive the connection. With fds= and vhostfds= there are names instead of numbers
 * (net/tap.c). device_del only asks the guest; DEVICE_DELETED says that it has let go, and
 * DEVICE_UNPLUG_GUEST_ERROR (since 6.2) that it refuses (qapi/qdev.json). A monitor has one client
 * at a time; another waits for the greeting.
 */
#include <jansson.h>
#include <stdbool.h>

#include "base/cleanup.h"
#include "hotplug.h"

enum { UNDO_SECONDS = 5 };

void hotplug_id(const struct vmm_card *card, char ret[96])
{
	snprintf(ret, 96, "netd-%s-%u", card->guest, card->nic);
}

/* --- messages --- */

/* One line as an object, a new reference. */
static int receive(struct qmp *q, json_t **ret, struct err *err)
{
	struct peer *p = &q->peer;
	size_t seen = 0;
	json_t *m;
	char *end;

	while (!(end = p->len > seen ? memchr(p->in + seen, '\n', p->len - seen) : NULL)) {
		int rc;

		seen = p->len;
		rc = peer_receive(p, err);
		if (rc)
			return rc;
	}
	m = json_loadb(p->in, (size_t)(end - p->in), 0, NULL);
	peer_consume(p, (size_t)(end + 1 - p->in));
	if (!json_is_object(m)) {
		json_decref(m);
		return err_set(err, EBADMSG, "%s says what is not QMP", p->path);
	}
	*ret = m;
	return 0;
}

static void see_event(struct qmp *q, const json_t *m)
{
	const char *event = json_string_value(json_object_get(m, "event"));
	const char *device =
		json_string_value(json_object_get(json_object_get(m, "data"), "device"));

	if (!event || !device || !q->watched || strcmp(device, q->watched) != 0)
		return;
	if (!strcmp(event, "DEVICE_DELETED"))
		q->deleted = 1;
	else if (!strcmp(event, "DEVICE_UNPLUG_GUEST_ERROR"))
		q->refused = 1;
}

static int explain(struct qmp *q, const char *command, const json_t *error, struct err *err)
{
	const char *class = json_string_value(json_object_get(error, "class"));
	const char *desc = json_string_value(json_object_get(error, "desc"));
	char text[400];

	snprintf(q->class_text, sizeof(q->class_text), "%s", class ? class : "");
	snprintf(text, sizeof(text), "%s", desc ? desc : "it does not say why");
	peer_make_printable(text);
	return err_set(err, EREMOTEIO, "QEMU refuses %s: %s", command, text);
}

/* The reply to the last command; what happens meanwhile is seen. */
static int receive_reply(struct qmp *q, const char *command, struct err *err)
{
	for (;;) {
		const json_t *error;
		json_t *m;
		int rc = receive(q, &m, err);

		if (rc)
			return err_wrap(err, rc, "%s", command);
		see_event(q, m);
		error = json_object_get(m, "error");
		if (json_integer_value(json_object_get(m, "id")) != q->id ||
		    (!error && !json_object_get(m, "return"))) {
			json_decref(m);
			continue;
		}
		rc = error ? explain(q, command, error, err) : 0;
		json_decref(m);
		return rc;
	}
}

/* Takes the arguments over (NULL: none). fd -1: none goes along. */
static int execute(struct qmp *q, const char *command, json_t *arguments, int fd, struct err *err)
{
	json_t *m = json_pack("{s:s, s:i}", "execute", command, "id", (int)++q->id);
	CLEAN_FREE char *text = NULL;
	int rc;

	q->class_text[0] = 0;
	if (arguments)
		json_object_set_new(m, "arguments", arguments);
	text = m ? json_dumps(m, JSON_COMPACT) : NULL;
	json_decref(m);
	if (!text)
		return err_set(err, ENOMEM, "out of memory");
	rc = peer_send(&q->peer, text, strlen(text), &fd, fd >= 0, err);
	if (!rc)
		rc = peer_send(&q->peer, "\n", 1, NULL, 0, err);
	return rc ? err_wrap(err, rc, "%s", command) : receive_reply(q, command, err);
}

int qmp_begin(struct qmp *q, struct peer *peer, struct err *err)
{
	json_t *greeting = NULL;
	int rc;

	*q = (struct qmp){ .peer = *peer };
	peer->fd = -1;
	rc = receive(q, &greeting, err);
	if (rc == -ETIMEDOUT)
		err_put(err, "%s does not greet: is somebody else connected to it?", q->peer.path);
	else if (!rc && !json_object_get(greeting, "QMP"))
		rc = err_set(err, EBADMSG, "%s does not greet as QMP does", q->peer.path);
	else if (!rc)
		rc = execute(q, "qmp_capabilities", NULL, -1, err);
	json_decref(greeting);
	if (rc)
		qmp_done(q);
	return rc;
}

int qmp_open(struct qmp *q, const char *path, double timeout, struct err *err)
{
	struct peer peer;
	int rc = peer_open(&peer, path, timeout, err);

	if (!rc)
		return qmp_begin(q, &peer, err);
	*q = (struct qmp){ .peer = peer };
	return rc;
}

void qmp_done(struct qmp *q)
{
	peer_done(&q->peer);
}

/* --- plugging in --- */

/* "netd-web1-0-tap3" */
static void fd_name(const struct vmm_card *card, const char *kind, uint32_t i, char ret[112])
{
	char id[96];

	hotplug_id(card, id);
	snprintf(ret, 112, "%s-%s%u", id, kind, i);
}

/* How far a card has come; what is undone goes the same way back. */
struct progress {
	uint32_t taps, vhosts; /* descriptors that QEMU has, by name */
	bool netdev, device;
};

static int give(struct qmp *q, const struct vmm_card *card, const char *kind, const int *fds,
		uint32_t n, uint32_t *ret_given, struct err *err)
{
	for (uint32_t i = 0; i < n; i++) {
		char name[112];
		int rc;

		fd_name(card, kind, i, name);
		/* Also when the reply is lost: it may have come. */
		*ret_given = i + 1;
		rc = execute(q, "getfd", json_pack("{s:s}", "fdname", name), fds[i], err);
		if (rc)
			return rc;
	}
	return 0;
}

/* "a:b" of the names of n descriptors, as a new reference. */
static json_t *names(const struct vmm_card *card, const char *kind, uint32_t n)
{
	char text[NETD_QUEUES_MAX * 112] = "";
	size_t len = 0;

	for (uint32_t i = 0; i < n; i++) {
		char name[112];

		fd_name(card, kind, i, name);
		len += (size_t)snprintf(text + len, sizeof(text) - len, i ? ":%s" : "%s", name);
	}
	return json_string(text);
}

static int add_netdev(struct qmp *q, const struct vmm_card *card, struct err *err)
{
	const struct netd_port *p = card->port;
	json_t *arguments;
	char id[96];

	hotplug_id(card, id);
	arguments = json_pack("{s:s, s:s, s:o}", "type", "tap", "id", id, "fds",
			      names(card, "tap", p->queues));
	if (p->vhosts) {
		json_object_set_new(arguments, "vhost", json_true());
		json_object_set_new(arguments, "vhostfds", names(card, "vhost", p->vhosts));
	}
	return execute(q, "netdev_add", arguments, -1, err);
}

static int add_device(struct qmp *q, const struct hotplug *h, struct err *err)
{
	const struct netd_port *p = h->card.port;
	json_t *arguments;
	char id[96];

	hotplug_id(&h->card, id);
	arguments = json_pack("{s:s, s:s, s:s, s:s, s:i}", "driver", "virtio-net-pci", "id", id,
			      "netdev", id, "mac", p->mac, "host_mtu", (int)p->mtu);
	if (p->queues > 1) {
		json_object_set_new(arguments, "mq", json_true());
		json_object_set_new(arguments, "vectors", json_integer(2 * p->queues + 2));
	}
	if (h->bus)
		json_object_set_new(arguments, "bus", json_string(h->bus));
	return execute(q, "device_add", arguments, -1, err);
}

static int close_named(struct qmp *q, const struct vmm_card *card, const char *kind, uint32_t i)
{
	char name[112];

	fd_name(card, kind, i, name);
	return execute(q, "closefd", json_pack("{s:s}", "fdname", name), -1, NULL);
}

/* Until the device has gone, or the guest refuses. */
static int wait_deleted(struct qmp *q, struct err *err)
{
	while (!q->deleted && !q->refused) {
		json_t *m;
		int rc = receive(q, &m, err);

		if (rc)
			return rc;
		see_event(q, m);
		json_decref(m);
	}
	return 0;
}

/* An answer of QEMU's, whatever it is, is as good as success here: what is not there needs no
 * undoing. */
static void undo(struct qmp *q, const struct hotplug *h, const struct progress *done)
{
	char id[96];

	hotplug_id(&h->card, id);
	peer_set_timeout(&q->peer, UNDO_SECONDS);
	q->watched = id;
	q->deleted = q->refused = 0;
	if (done->device && !execute(q, "device_del", json_pack("{s:s}", "id", id), -1, NULL))
		(void)!wait_deleted(q, NULL);
	q->watched = NULL;
	peer_set_timeout(&q->peer, UNDO_SECONDS);
	if (done->netdev)
		(void)!execute(q, "netdev_del", json_pack("{s:s}", "id", id), -1, NULL);
	for (uint32_t i = done->vhosts; i-- > 0;)
		(void)!close_named(q, &h->card, "vhost", i);
	for (uint32_t i = done->taps; i-- > 0;)
		(void)!close_named(q, &h->card, "tap", i);
}

int qmp_plug(struct qmp *q, const struct hotplug *h, struct err *err)
{
	const struct netd_port *p = h->card.port;
	struct progress done = { 0 };
	int rc = give(q, &h->card, "tap", p->tap_fd, p->queues, &done.taps, err);

	if (!rc)
		rc = give(q, &h->card, "vhost", p->vhost_fd, p->vhosts, &done.vhosts, err);
	if (!rc) {
		/* Refused, it is not there; without an answer it may be. */
		rc = add_netdev(q, &h->card, err);
		done.netdev = rc != -EREMOTEIO;
	}
	if (!rc) {
		rc = add_device(q, h, err);
		done.device = rc != -EREMOTEIO;
	}
	if (rc)
		undo(q, h, &done);
	return rc;
}

void qmp_undo(struct qmp *q, const struct hotplug *h)
{
	const struct progress all = {
		.taps = h->card.queues, .vhosts = h->card.queues, .netdev = true, .device = true
	};

	undo(q, h, &all);
}

/* --- unplugging --- */

static bool is_class(const struct qmp *q, const char *class)
{
	return !strcmp(q->class_text, class);
}

/*
 * A device that is on its way out already is refused, too, with GenericError
 * (softmmu/qdev-monitor.c qdev_unplug: "already in the process of unplug"); then there is only to
 * wait.
 */
static int ask_device(struct qmp *q, const char *id, int *ret_found, struct err *err)
{
	struct err local = { 0 };
	int rc = execute(q, "device_del", json_pack("{s:s}", "id", id), -1, &local);

	if (rc == -EREMOTEIO && is_class(q, "DeviceNotFound")) {
		q->deleted = 1;
		return 0;
	}
	*ret_found = 1;
	if (rc == -EREMOTEIO && strstr(local.text, "in the process of unplug"))
		return 0;
	if (rc && err)
		*err = local;
	return rc;
}

int qmp_unplug(struct qmp *q, const struct hotplug *h, int *ret_found, struct err *err)
{
	struct err local = { 0 };
	char id[96];
	int rc;

	hotplug_id(&h->card, id);
	*ret_found = 0;
	q->watched = id;
	q->deleted = q->refused = 0;
	rc = ask_device(q, id, ret_found, err);
	if (!rc) {
		rc = wait_deleted(q, err);
		if (rc == -ETIMEDOUT)
			err_put(err, "the guest does not let the card go in time; it stays");
		else if (!rc && q->refused && !q->deleted)
			rc = err_set(err, EBUSY, "the guest refuses to let the card go; it stays");
	}
	q->watched = NULL;
	if (rc)
		return rc;
	rc = execute(q, "netdev_del", json_pack("{s:s}", "id", id), -1, &local);
	if (!rc)
		*ret_found = 1;
	if (!rc || (rc == -EREMOTEIO && !*ret_found))
		return 0;
	return err_set(err, -rc, "%s", local.text);
}

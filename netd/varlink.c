/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections of the API.
 *
 * A connection is read until one whole message is there, and not on until that is answered, so a
 * client can have one request under way and what it sends meanwhile stays in its socket. Replies go
 * out at the end of the turn. A client that does not read is not written to: its one reply waits,
 * and a watcher finds out how many events it missed.
 *
 * No user takes what others need: peers.c counts for each its connections, its calls that wait, the
 * octets that it does not read, and the calls of a turn; an eighth of all connections is for root
 * and operators. One who calls faster than its share is read later, and so waits in its own socket.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/container.h"
#include "base/fds.h"
#include "peers.h"
#include "varlink.h"
#include "varlink_fds.h"

enum { FDS_MAX = 2 * TAP_QUEUES_MAX, STREAM_BURST = 64, ACCEPTS_A_TURN = 64 };

/* A reply on its way. */
struct reply {
	struct handle conn;
	char *text; /* with its NUL; size octets; NULL: the call was oneway */
	size_t size, sent;
	int fds[FDS_MAX];
	unsigned n;
	varlink_done_fn done;
	void (*due)(void *arg); /* as that of its call */
	void *arg;
};

struct conn {
	struct loop_io io; /* of fd */
	struct varlink_server *server;
	struct handle handle;
	struct peer *peer;
	bool all;      /* root, netd's own user, an operator */
	bool as_user;  /* among server.users */
	bool waits;    /* its call is among peer.waiting */
	size_t queued; /* of `out`, among peer.queued */
	char *in;      /* [VARLINK_MESSAGE_MAX + 1], made with the first octet */
	size_t in_len;
	struct reply *out; /* not wholly written yet */
	struct varlink_fds fds;
	bool answering; /* a call is under way */
	bool streaming;
	bool parked; /* the first message of `in` is to be handled again */
	struct probe_wait wait;
	bool closing; /* when `out` is written */
	struct varlink_stream stream;
	struct loop_timer deadline;
};

struct varlink_server {
	struct daemon *daemon;
	struct loop_io io;
	char *path; /* to be removed at the end; NULL: handed over by the service manager */
	varlink_dispatch_fn dispatch;
	struct slots slots;
	struct conn *conn; /* [slots.cap] */
	struct peers peers;
	uint32_t users; /* connections of those who are not to have all */
	uint64_t turn;
};

static struct conn *find(struct varlink_server *s, struct handle h)
{
	uint32_t i = slots_find(&s->slots, h);

	return i == SLOT_NONE ? NULL : &s->conn[i];
}

static void reply_free(struct reply *r, enum varlink_outcome outcome)
{
	if (!r)
		return;
	if (r->done)
		r->done(r->arg, outcome);
	free(r->text);
	free(r);
}

/* --- a user's share --- */

static void release_queued(struct conn *c)
{
	c->peer->queued -= c->queued;
	c->queued = 0;
}

/* False when its user has too much that it does not read. */
static bool hold_queued(struct conn *c, const struct reply *r)
{
	c->queued = r->size;
	c->peer->queued += r->size;
	return c->all || c->peer->queued <= PEER_QUEUED_MAX;
}

/* The call at hand is answered, or as good as. */
static void answered(struct conn *c)
{
	c->answering = false;
	c->peer->waiting -= c->waits;
	c->waits = false;
}

/* Whether one more call of its user may wait, and then counts it. */
static bool may_wait(struct conn *c)
{
	if (c->waits)
		return true;
	if (!c->all && c->peer->waiting >= c->server->daemon->config->max_waiting_per_user)
		return false;
	c->waits = true;
	c->peer->waiting++;
	return true;
}

static void refuse_wait(const struct varlink_call *call)
{
	varlink_error(call, "io.netd.TooManyWaiting",
		      json_pack("{s:i}", "limit", (int)call->daemon->config->max_waiting_per_user));
}

static bool is_all(const struct daemon *d, const struct credentials *who)
{
	return who->uid == geteuid() || authorize_operator(d->config, who);
}

static void conn_close(struct conn *c)
{
	struct reply *out = take_ptr(c->out);
	int fd = c->io.fd;

	varlink_fds_close(&c->fds);
	loop_io_del(&c->io);
	loop_timer_cancel(&c->deadline);
	close(fd);
	free(c->in);
	c->in = NULL;
	answered(c);
	release_queued(c);
	c->server->users -= c->as_user;
	peer_leave(&c->server->peers, c->peer);
	slots_give(&c->server->slots, c->handle.slot);
	reply_free(out, VARLINK_LOST);
}

/* --- writing --- */

/* False when the connection is closed. */
static bool flush(struct conn *c)
{
	struct reply *r = c->out;

	while (r && r->sent < r->size) {
		/* The descriptors travel with the first octet. */
		ssize_t n = fds_send(c->io.fd, r->text + r->sent, r->size - r->sent, r->fds,
				     r->sent ? 0 : r->n, MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return true;
		if (n < 0) {
			conn_close(c);
			return false;
		}
		r->sent += (size_t)n;
	}
	c->out = NULL;
	release_queued(c);
	reply_free(r, VARLINK_DELIVERED);
	if (c->closing) {
		conn_close(c);
		return false;
	}
	return true;
}

/*
 * A call that was read along with the one before it is taken up in the next turn: the socket can be
 * written to at once. Hanging up is told in any case.
 */
static void watch_for(struct conn *c)
{
	bool idle = !c->answering && !c->out;
	uint32_t events = 0;

	if (c->out || (idle && c->in_len && memchr(c->in, 0, c->in_len)))
		events = EPOLLOUT;
	else if (idle)
		events = EPOLLIN;
	if (loop_io_change(&c->io, events))
		conn_close(c);
}

/* Takes the reply over. */
static void enqueue(struct conn *c, struct reply *r)
{
	c->out = r;
	if (!flush(c))
		return;
	if (c->out && !hold_queued(c, r))
		conn_close(c);
	else
		watch_for(c);
}

/* --- replies --- */

static char *message_text(const char *error, json_t *parameters, bool continues)
{
	json_t *m = json_object();
	char *text;

	if (!parameters)
		parameters = json_object();
	if (error)
		json_object_set_new(m, "error", json_string(error));
	json_object_set_new(m, "parameters", parameters);
	if (continues)
		json_object_set_new(m, "continues", json_true());
	text = json_dumps(m, JSON_COMPACT);
	json_decref(m);
	return text;
}

static struct reply *reply_new(struct handle conn, const char *error, json_t *parameters,
			       bool continues)
{
	struct reply *r = calloc(1, sizeof(*r));
	char *text = message_text(error, parameters, continues);

	if (!r || !text) {
		free(r);
		free(text);
		return NULL;
	}
	r->conn = conn;
	r->text = text;
	r->size = strlen(text) + 1;
	return r;
}

static void say(struct daemon *d, struct outbox_item *item)
{
	struct reply *r = item->arg;
	struct conn *c = find(d->varlink, r->conn);

	if (c)
		answered(c);
	if (c && r->text) {
		if (r->due)
			r->due(r->arg);
		enqueue(c, r);
		return;
	}
	reply_free(r, VARLINK_LOST);
	if (c)
		watch_for(c);
}

/* What was to be promised is not on disk: the client is told so instead. */
static void take_back(struct daemon *d, struct outbox_item *item)
{
	struct reply *r = item->arg;
	struct conn *c = find(d->varlink, r->conn);
	struct handle conn = r->conn;

	reply_free(r, VARLINK_TAKEN_BACK);
	if (!c)
		return;
	answered(c);
	r = reply_new(
		conn, "io.netd.StorageFailed",
		json_pack("{s:s}", "reason", "the state could not be written; see netd's log"),
		false);
	if (r)
		enqueue(c, r);
	else
		conn_close(c);
}

/* The reply of this call goes out, or is taken back, after the commit. Takes over parameters. */
static void post(const struct varlink_call *call, struct ticket ticket, const char *error,
		 json_t *parameters, const struct reply *more)
{
	struct outbox_item *item = outbox_add(&call->daemon->outbox, ticket);
	struct reply *r = call->oneway ? calloc(1, sizeof(*r)) :
					 reply_new(call->conn, error, parameters, false);
	struct conn *c = find(call->daemon->varlink, call->conn);

	if (call->oneway)
		json_decref(parameters);
	if (item && r) {
		r->conn = call->conn;
		if (more) {
			memcpy(r->fds, more->fds, sizeof(r->fds));
			r->n = more->n;
			r->done = more->done;
			r->arg = more->arg;
			r->due = call->due;
		}
		item->say = say;
		item->take_back = take_back;
		item->arg = r;
		return;
	}
	/* There is room for as many replies as a turn reads calls; without memory the connection is
	 * all that can go. */
	reply_free(r, VARLINK_LOST);
	if (more && more->done)
		more->done(more->arg, VARLINK_LOST);
	if (c)
		conn_close(c);
}

void varlink_reply_fds(const struct varlink_call *call, struct ticket ticket, json_t *parameters,
		       const int *fds, unsigned n, varlink_done_fn done, void *arg)
{
	struct reply more = { .n = n, .done = done, .arg = arg };

	if (n)
		memcpy(more.fds, fds, n * sizeof(*fds));
	post(call, ticket, NULL, parameters, &more);
}

void varlink_reply(const struct varlink_call *call, struct ticket ticket, json_t *parameters)
{
	post(call, ticket, NULL, parameters, NULL);
}

void varlink_error(const struct varlink_call *call, const char *name, json_t *parameters)
{
	post(call, ticket_no_promise(), name, parameters, NULL);
}

/* --- streams --- */

static void timed_out(struct loop_timer *t)
{
	struct conn *c = CONTAINER_OF(t, struct conn, deadline);
	struct reply *r = reply_new(c->handle, "io.netd.TimedOut", NULL, false);

	c->streaming = false;
	answered(c);
	if (r)
		enqueue(c, r);
	else
		conn_close(c);
}

void varlink_stream(const struct varlink_call *call, const struct varlink_stream *stream)
{
	struct conn *c = find(call->daemon->varlink, call->conn);

	if (!may_wait(c)) {
		refuse_wait(call);
		return;
	}
	c->stream = *stream;
	c->stream.uid = c->peer->uid;
	c->stream.all = c->all;
	c->streaming = true;
	if (stream->deadline != INT64_MAX &&
	    loop_timer_set(call->daemon->loop, &c->deadline, stream->deadline, timed_out))
		conn_close(c);
}

/* One more reply of a stream, if there is one. False when there was none, or the connection is
 * gone. */
static bool stream_one(struct conn *c)
{
	struct handle h = c->handle;
	const char *error = NULL;
	json_t *parameters = c->stream.poll(c->server->daemon, &c->stream, &error);
	struct reply *r;

	if (!parameters)
		return false;
	r = reply_new(h, error, parameters, !error && !c->stream.once);
	if (error || c->stream.once) {
		c->streaming = false;
		answered(c);
		loop_timer_cancel(&c->deadline);
	}
	if (!r) {
		conn_close(c);
		return false;
	}
	enqueue(c, r);
	return find(c->server, h) != NULL;
}

static void poll_stream(struct conn *c)
{
	for (unsigned i = 0; i < STREAM_BURST; i++)
		if (!c->streaming || c->out || !stream_one(c))
			return;
	/* One who has much to catch up with goes on in the next turn: its socket can be written to.
	 */
	if (c->streaming && !c->out && loop_io_change(&c->io, EPOLLOUT))
		conn_close(c);
}

void varlink_poll(struct varlink_server *s)
{
	s->turn++;
	for (uint32_t i = 0; i < s->slots.fresh; i++)
		if (slots_live(&s->slots, i) && s->conn[i].streaming)
			poll_stream(&s->conn[i]);
}

/* --- reading --- */

static void refuse_message(struct conn *c, const char *why)
{
	struct reply *r = reply_new(c->handle, "io.netd.BadMessage",
				    json_pack("{s:s}", "reason", why), false);

	c->closing = true;
	if (r)
		enqueue(c, r);
	else
		conn_close(c);
}

static void handle_message(struct conn *c, const char *text)
{
	struct varlink_call call = { .daemon = c->server->daemon,
				     .conn = c->handle,
				     .uid = c->peer->uid,
				     .who.uid = c->peer->uid,
				     .all = c->all,
				     .wait = c->wait };
	json_t *message, *empty = NULL;
	json_error_t e;
	char why[JSON_ERROR_TEXT_LENGTH + 32];

	/* Only those who are not to have all are looked at more closely. */
	if (!c->all && peers_credentials(&c->server->peers, c->io.fd, &call.who)) {
		conn_close(c);
		return;
	}
	if (varlink_too_deep(text)) {
		snprintf(why, sizeof(why), "nested more than %d deep", VARLINK_DEPTH_MAX);
		refuse_message(c, why);
		return;
	}
	message = json_loads(text, JSON_REJECT_DUPLICATES, &e);
	if (!message || !varlink_parse_call(message, &call)) {
		snprintf(why, sizeof(why), "%s", message ? "not a Varlink call" : e.text);
		json_decref(message);
		refuse_message(c, why);
		return;
	}
	if (c->fds.n && c->fds.at == 0) {
		call.fds = c->fds.fd;
		call.n = c->fds.n;
	}
	c->answering = true;
	if (!call.parameters)
		call.parameters = empty = json_object();
	c->server->dispatch(&call);
	json_decref(message);
	json_decref(empty);
}

/* The first call of the buffer is done with. */
static void consume(struct conn *c, size_t len)
{
	if (c->fds.at == 0)
		varlink_fds_close(&c->fds);
	else
		c->fds.at -= len;
	c->in_len -= len;
	memmove(c->in, c->in + len, c->in_len);
}

static void next_message(struct conn *c)
{
	struct handle h = c->handle;
	struct varlink_server *s = c->server;
	char *end;

	end = c->in ? memchr(c->in, 0, c->in_len) : NULL;
	if (!end) {
		if (c->in_len == VARLINK_MESSAGE_MAX)
			refuse_message(c, "longer than 65536 octets");
		return;
	}
	handle_message(c, c->in);
	c = find(s, h);
	if (!c)
		return;
	if (!c->parked) {
		c->wait = (struct probe_wait){ 0 };
		consume(c, (size_t)(end + 1 - c->in));
	}
	if (!c->closing)
		watch_for(c);
}

void varlink_park(const struct varlink_call *call)
{
	struct conn *c = find(call->daemon->varlink, call->conn);

	if (!may_wait(c)) {
		refuse_wait(call);
		return;
	}
	c->parked = true;
	c->wait = call->wait;
}

void varlink_wake(struct varlink_server *s)
{
	for (uint32_t i = 0; i < s->slots.fresh; i++) {
		struct conn *c = &s->conn[i];

		if (!slots_live(&s->slots, i) || !c->parked)
			continue;
		c->parked = c->answering = false;
		next_message(c);
	}
}

/* Not from those who can do nothing with them, and least of all when they cannot be got rid of. */
static bool takes_fds(struct conn *c)
{
	struct credentials who;

	return c->all ||
	       (!varlink_fds_stuck() && !peers_credentials(&c->server->peers, c->io.fd, &who) &&
		authorize_network(c->server->daemon->config, NULL, &who));
}

static void read_ready(struct conn *c)
{
	struct varlink_fds came = { 0 };
	bool truncated = false;
	const char *why;
	ssize_t n;

	if (!c->in)
		c->in = malloc(VARLINK_MESSAGE_MAX);
	if (!c->in) {
		conn_close(c);
		return;
	}
	n = varlink_fds_receive(c->io.fd, c->in + c->in_len, VARLINK_MESSAGE_MAX - c->in_len,
				takes_fds(c), &came, &truncated);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		varlink_fds_close(&came);
		conn_close(c);
		return;
	}
	c->in_len += (size_t)n;
	why = truncated ? "more than 16 descriptors came with a call, or none are taken from this "
			  "user, or too many are open" :
			  varlink_fds_keep(&c->fds, &came, c->in, c->in_len);
	varlink_fds_close(&came);
	if (why)
		refuse_message(c, why);
	else
		next_message(c);
}

/* One whose user has had its share of this turn is told of again in the next. */
static bool has_call(struct conn *c)
{
	return c->all || peer_has_call(c->peer, c->server->turn);
}

static void conn_ready(struct loop_io *io, uint32_t events)
{
	struct conn *c = CONTAINER_OF(io, struct conn, io);

	/* What a peer sent before it hung up is read first. */
	if (events & EPOLLIN) {
		if (has_call(c))
			read_ready(c);
	} else if (events & (EPOLLHUP | EPOLLERR)) {
		conn_close(c);
	} else if (events & EPOLLOUT && flush(c)) {
		if (c->out || c->answering || !c->in_len)
			watch_for(c);
		else if (has_call(c))
			next_message(c);
	}
}

/* --- accepting --- */

static void turn_away(int fd, const char *error, uint32_t limit)
{
	json_t *parameters = json_pack("{s:i}", "limit", (int)limit);
	char *text = message_text(error, parameters, false);

	/* A new socket's buffer has room for this; if the peer is gone already, so be it. */
	if (text && send(fd, text, strlen(text) + 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		log_debug("a client was turned away and is gone");
	free(text);
	close(fd);
}

/* Puts a connection into the table, which has room. */
static int enter(struct varlink_server *s, int fd, struct peer *peer, bool all)
{
	uint32_t i = slots_take(&s->slots);
	struct conn *c = &s->conn[i];
	int rc;

	*c = (struct conn){ .server = s,
			    .handle = slots_handle(&s->slots, i),
			    .peer = peer,
			    .all = all,
			    .as_user = !all };
	rc = loop_io_add(s->daemon->loop, &c->io, fd, EPOLLIN, conn_ready);
	if (rc)
		slots_give(&s->slots, i);
	else
		s->users += c->as_user;
	return rc;
}

static void accept_one(struct varlink_server *s, int fd)
{
	uint32_t cap = s->slots.cap, most = s->daemon->config->max_clients_per_user;
	struct credentials who;
	struct peer *peer;
	bool all;

	if (s->slots.used == cap) {
		turn_away(fd, "io.netd.TooManyClients", cap);
		return;
	}
	if (peers_credentials(&s->peers, fd, &who)) {
		close(fd);
		return;
	}
	all = is_all(s->daemon, &who);
	peer = peer_enter(&s->peers, who.uid);
	if (!all && peer->clients > most)
		turn_away(fd, "io.netd.TooManyClientsOfUser", most);
	else if (!all && s->users >= cap - cap / 8)
		turn_away(fd, "io.netd.TooManyClients", cap - cap / 8);
	else if (enter(s, fd, peer, all))
		close(fd);
	else
		return;
	peer_leave(&s->peers, peer);
}

static void accept_ready(struct loop_io *io, uint32_t events)
{
	struct varlink_server *s = CONTAINER_OF(io, struct varlink_server, io);

	(void)events;
	for (unsigned i = 0; i < ACCEPTS_A_TURN; i++) {
		int fd = accept4(io->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0)
			return;
		accept_one(s, fd);
	}
}

/* --- the server --- */

int varlink_server_new(struct daemon *d, const char *path, mode_t mode, const char *group, int fd,
		       varlink_dispatch_fn dispatch, struct varlink_server **ret, struct err *err)
{
	struct varlink_server *s = calloc(1, sizeof(*s));
	uint32_t clients = d->config->max_clients;
	int rc = 0;

	if (!s || !slots_init(&s->slots, clients) ||
	    peers_init(&s->peers, clients, &d->table_key) ||
	    !(s->conn = calloc(clients, sizeof(*s->conn)))) {
		varlink_server_free(s);
		return err_set(err, ENOMEM, "out of memory");
	}
	s->daemon = d;
	s->dispatch = dispatch;
	if (fd < 0) {
		rc = varlink_listen(path, mode, group, &fd, err);
		s->path = rc ? NULL : strdup(path);
	}
	if (!rc) {
		rc = loop_io_add(d->loop, &s->io, fd, EPOLLIN, accept_ready);
		if (rc)
			err_sys(err, -rc, "socket");
	}
	if (rc) {
		varlink_server_free(s);
		return rc;
	}
	*ret = s;
	return 0;
}

void varlink_server_free(struct varlink_server *s)
{
	int fd;

	if (!s)
		return;
	for (uint32_t i = 0; s->conn && i < s->slots.fresh; i++)
		if (slots_live(&s->slots, i) && s->conn[i].peer)
			conn_close(&s->conn[i]);
	if (s->io.loop) {
		fd = s->io.fd;
		loop_io_del(&s->io);
		close(fd);
	}
	if (s->path)
		unlink(s->path);
	free(s->path);
	slots_done(&s->slots);
	peers_done(&s->peers);
	free(s->conn);
	free(s);
}

void varlink_reauthorize(struct varlink_server *s)
{
	struct credentials who;

	for (uint32_t i = 0; i < s->slots.fresh; i++) {
		struct conn *c = &s->conn[i];

		if (slots_live(&s->slots, i))
			c->stream.all = c->all = !peers_credentials(&s->peers, c->io.fd, &who) &&
						 is_all(s->daemon, &who);
	}
}

unsigned varlink_clients_of(struct varlink_server *s, uid_t uid)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < s->slots.fresh; i++)
		n += slots_live(&s->slots, i) && s->conn[i].peer->uid == uid;
	return n;
}

unsigned varlink_clients(const struct varlink_server *s)
{
	return s->slots.used;
}

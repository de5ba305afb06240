/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * attach and detach with --qmp and --ch-api: a card of a VMM that runs.
 *
 * Once a VMM has been given descriptors, they do not end with this process any more. So that
 * nothing is left also of a netdctl that is killed half way, a child of it, the guard, waits at a
 * pipe: when that ends without a word, it takes the card out of the VMM, however far it came, and
 * detaches the port. A failure that netdctl lives to see it undoes itself.
 */
#include "hotplug.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "plug.h"

enum { PLUG_SECONDS = 10, UNPLUG_SECONDS = 30, UNDO_SECONDS = 5 };

/* What is told over which socket. */
struct vmm_socket {
	const char *path;
	bool ch; /* cloud-hypervisor's, else QEMU's */
};

static struct vmm_socket choose(const char *qmp, const char *ch_api)
{
	if (qmp && ch_api)
		ctl_usage("--qmp and --ch-api are of different VMMs");
	return (struct vmm_socket){ .path = qmp ? qmp : ch_api, .ch = !qmp };
}

/* --- taking back --- */

/* Whatever there is of the card, over a new connection; then the device, whoever has it open. */
static void undo_all(const struct ctl *c, const struct vmm_socket *s, const struct hotplug *h)
{
	struct netd *n = NULL;
	struct qmp q;
	int found;

	if (s->ch) {
		struct peer p;

		if (!peer_open(&p, s->path, UNDO_SECONDS, NULL)) {
			(void)!ch_unplug(&p, h, &found, NULL);
			peer_done(&p);
		}
	} else if (!qmp_open(&q, s->path, UNDO_SECONDS, NULL)) {
		qmp_undo(&q, h);
		qmp_done(&q);
	}
	if (!netd_connect(c->socket, &n))
		(void)netd_detach(n, h->card.guest, (int)h->card.nic);
	netd_close(n);
}

struct guard {
	pid_t pid;
	int fd; /* the pipe; a word ends the guard, its end has it undo */
};

/* The guard itself. It keeps nothing open but the pipe: neither what the caller of netdctl waits
 * for, nor the device, nor the VMM's socket, which may take one client only. */
__attribute__((noreturn)) static void stand_guard(const struct ctl *c, const struct vmm_socket *s,
						  const struct hotplug *h, int in)
{
	static const int ignored[] = { SIGHUP, SIGINT, SIGTERM, SIGPIPE };
	int null = open("/dev/null", O_RDWR);
	char word;

	/* What ends netdctl at a terminal does not end its guard. */
	setsid();
	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		signal(ignored[i], SIG_IGN);
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	dup2(in, 3);
	close_range(4, ~0U, 0);
	if (read(3, &word, 1) != 1)
		undo_all(c, s, h);
	_exit(0);
}

static void guard_begin(struct guard *g, const struct ctl *c, const struct vmm_socket *s,
			const struct hotplug *h)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		ctl_fail("cannot make a pipe: %s", strerror(errno));
	g->pid = fork();
	if (g->pid < 0)
		ctl_fail("cannot fork: %s", strerror(errno));
	if (!g->pid)
		stand_guard(c, s, h, ends[0]);
	close(ends[0]);
	g->fd = ends[1];
}

static void guard_end(struct guard *g)
{
	if (write(g->fd, "", 1) == 1)
		waitpid(g->pid, NULL, 0);
	close(g->fd);
}

/* --- attach --- */

/* An open dialogue with either VMM. */
struct dialogue {
	struct qmp qmp;
	struct peer ch;
};

static int begin(const struct vmm_socket *s, double timeout, struct dialogue *d, struct err *err)
{
	int rc;

	if (!s->ch)
		return qmp_open(&d->qmp, s->path, timeout, err);
	rc = peer_open(&d->ch, s->path, timeout, err);
	if (!rc) {
		rc = ch_ping(&d->ch, err);
		if (rc)
			peer_done(&d->ch);
	}
	return rc;
}

static void end(const struct vmm_socket *s, struct dialogue *d)
{
	if (s->ch)
		peer_done(&d->ch);
	else
		qmp_done(&d->qmp);
}

/* vhost-net is QEMU's alone. */
static void suit(const struct vmm_socket *s, struct netd_attach *q)
{
	if (s->ch && q->vhost == NETD_VHOST_ON)
		ctl_usage("cloud-hypervisor does not take vhost-net's descriptors");
	if (s->ch)
		q->vhost = NETD_VHOST_OFF;
}

void plug_into_vmm(struct ctl *c, const struct plug_options *o, struct plug_cards *cards)
{
	const struct vmm_socket s = choose(o->qmp, o->ch_api);
	double timeout = o->timeout ? ctl_parse_seconds(o->timeout) : PLUG_SECONDS;
	struct hotplug h = { .bus = o->bus };
	struct dialogue d = { 0 };
	struct guard guard;
	struct err err;
	int rc;

	if (cards->n > 1)
		ctl_usage("one card at a time is plugged in");
	if (cards->request[0].device != NETD_DESCRIPTORS)
		ctl_usage("a card is plugged in by descriptors, without --tap and --netns");
	if (o->format || (s.ch && o->bus))
		ctl_usage("--%s has no meaning here", o->format ? "format" : "bus");
	suit(&s, &cards->request[0]);
	/* A VMM that is not there is found out before anything is made. */
	if (begin(&s, timeout, &d, &err))
		ctl_fail("%s", err.text);
	plug_attach(c, cards);
	/* The attach may have waited for what is none of the VMM's. */
	peer_set_timeout(s.ch ? &d.ch : &d.qmp.peer, timeout);
	h.card = cards->card[0];
	guard_begin(&guard, c, &s, &h);
	rc = s.ch ? ch_plug(&d.ch, &h, &err) : qmp_plug(&d.qmp, &h, &err);
	end(&s, &d);
	netd_port_close(&cards->port[0]);
	/* What a VMM that did not answer has made of it is not known. */
	if (rc)
		undo_all(c, &s, &h);
	guard_end(&guard);
	if (rc)
		ctl_fail("%s", err.text);
	plug_tell(cards);
}

/* --- detach --- */

/* Its interface; "" when it has no device; NULL: there is no such port. */
static const char *interface_of(const json_t *guests, uint32_t nic)
{
	const json_t *p;
	size_t i;

	json_array_foreach (guests, i, p)
		if (json_integer_value(json_object_get(p, "nic")) == nic) {
			const char *name = json_string_value(json_object_get(p, "interface"));

			return name ? name : "";
		}
	return NULL;
}

/* cloud-hypervisor closes the descriptors when the guest has let go, and the device goes. */
static int wait_gone(struct ctl *c, const struct hotplug *h, double timeout, struct err *err)
{
	int rc = netd_wait(c->netd, h->card.guest, h->card.nic, "gone", (int)(timeout * 1000));

	if (rc == -ETIMEDOUT)
		return err_set(err, ETIMEDOUT, "the guest does not let the card go in time");
	return rc ? err_set(err, -rc, "%s", netd_error(c->netd)) : 0;
}

static void unplug(struct ctl *c, const struct vmm_socket *s, double timeout,
		   const struct hotplug *h, bool has_device)
{
	struct dialogue d = { 0 };
	struct err err;
	int found = 0, rc;

	rc = begin(s, timeout, &d, &err);
	if (rc)
		ctl_fail("%s", err.text);
	rc = s->ch ? ch_unplug(&d.ch, h, &found, &err) : qmp_unplug(&d.qmp, h, &found, &err);
	end(s, &d);
	if (!rc && !found && has_device)
		ctl_fail(
			"the VMM has no card %s/%u that netdctl plugged in; it is detached without "
			"--%s",
			h->card.guest, h->card.nic, s->ch ? "ch-api" : "qmp");
	if (!rc && s->ch && found && has_device)
		rc = wait_gone(c, h, timeout, &err);
	if (rc)
		ctl_fail("card %s/%u: %s", h->card.guest, h->card.nic, err.text);
}

static void unplug_cards(struct ctl *c, const struct vmm_socket *s, double timeout,
			 const struct ctl_port *p)
{
	json_t *reply = ctl_call(c, "io.netd.ListGuests", json_pack("{s:s}", "guest", p->guest));
	const json_t *guests = json_object_get(reply, "guests");

	for (uint32_t nic = 0; nic < 64; nic++) {
		const char *interface = interface_of(guests, nic);
		struct hotplug h = { .card = { .guest = p->guest, .nic = nic } };

		if (interface && (p->nic < 0 || (uint32_t)p->nic == nic))
			unplug(c, s, timeout, &h, *interface);
	}
	json_decref(reply);
}

int ctl_detach(struct ctl *c, int argc, char **argv)
{
	const char *qmp = NULL, *ch_api = NULL, *timeout = NULL;
	const struct ctl_option options[] = { { "qmp", &qmp, NULL },
					      { "ch-api", &ch_api, NULL },
					      { "timeout", &timeout, NULL },
					      { 0 } };
	struct ctl_args a;
	struct ctl_port p;

	ctl_parse(c, argc, argv, options, &a);
	ctl_expect(&a, 1, 1, false,
		   "detach GUEST[/NIC] [--qmp PATH|--ch-api PATH] [--timeout SECONDS]");
	p = ctl_parse_port(a.plain[0]);
	if (timeout && !qmp && !ch_api)
		ctl_usage("--timeout goes with --qmp or --ch-api");
	ctl_connect(c);
	if (qmp || ch_api) {
		const struct vmm_socket s = choose(qmp, ch_api);

		unplug_cards(c, &s, timeout ? ctl_parse_seconds(timeout) : UNPLUG_SECONDS, &p);
	}
	if (netd_detach(c->netd, p.guest, p.nic))
		ctl_fail("%s", netd_error(c->netd));
	return EXIT_DONE;
}

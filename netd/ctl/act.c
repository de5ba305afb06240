/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The subcommands that do something. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl.h"

/* --- run and attach --- */

struct attach_args {
	const char *network, *nic, *queues, *vhost, *mac, *address;
};

static void read_attach_args(const struct attach_args *in, const char *guest,
			     struct netd_attach *ret)
{
	struct ctl_port p = ctl_parse_port(guest);

	if (p.nic >= 0 && in->nic)
		ctl_usage("the NIC is given twice");
	*ret = (struct netd_attach){ .guest = strdup(p.guest),
				     .network = in->network,
				     .nic = p.nic >= 0 ? (uint32_t)p.nic : 0,
				     .mac = in->mac,
				     .address = in->address,
				     .queues = 1 };
	if (in->nic)
		ret->nic = ctl_parse_number(in->nic, 63, "--nic");
	if (in->queues)
		ret->queues = ctl_parse_number(in->queues, NETD_QUEUES_MAX, "--queues");
	if (!in->vhost || !strcmp(in->vhost, "auto"))
		ret->vhost = NETD_VHOST_AUTO;
	else if (!strcmp(in->vhost, "on"))
		ret->vhost = NETD_VHOST_ON;
	else if (!strcmp(in->vhost, "off"))
		ret->vhost = NETD_VHOST_OFF;
	else
		ctl_usage("--vhost is auto, on or off");
}

static void attach(struct ctl *c, int argc, char **argv, bool run, struct ctl_args *a,
		   struct netd_attach *q, struct netd_port *ret)
{
	struct attach_args in = { 0 };
	const struct ctl_option options[] = {
		{ "network", &in.network, NULL },
		{ "nic", &in.nic, NULL },
		{ "queues", &in.queues, NULL },
		{ "vhost", &in.vhost, NULL },
		{ "mac", &in.mac, NULL },
		{ "address", &in.address, NULL },
		{ 0 },
	};

	ctl_parse(c, argc, argv, options, a);
	ctl_expect(a, 1, 1, run,
		   run ? "run GUEST [OPTION]... -- VMM [ARG]..." : "attach GUEST [OPTION]...");
	read_attach_args(&in, a->plain[0], q);
	if (run && !vmm_is_known(a->rest))
		ctl_fail("how %s takes a network card is not known; say it with placeholders such "
			 "as {fds} and {mac}",
			 a->rest[0]);
	ctl_connect(c);
	if (netd_attach(c->netd, q, ret))
		ctl_fail("%s", netd_error(c->netd));
}

/* Said on stderr: stdout is the VMM's. */
static void tell(const struct netd_attach *q, const struct netd_port *p)
{
	fprintf(stderr, "netdctl: port %s/%u: %s on %s, MAC %s, address %s, vhost %s%s%s\n",
		q->guest, q->nic, p->interface, p->network, p->mac, p->address,
		p->vhosts ? "on" : "off", p->vhost_note[0] ? ": " : "", p->vhost_note);
}

static void keep_across_exec(const int *fds, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (fcntl(fds[i], F_SETFD, 0) < 0)
			ctl_fail("cannot hand over descriptor %d: %s", fds[i], strerror(errno));
}

int ctl_run(struct ctl *c, int argc, char **argv)
{
	struct netd_attach q;
	struct netd_port p;
	struct ctl_args a;
	char **command;

	attach(c, argc, argv, true, &a, &q, &p);
	command = vmm_command(a.rest, &p);
	tell(&q, &p);
	keep_across_exec(p.tap_fd, p.queues);
	keep_across_exec(p.vhost_fd, p.vhosts);
	execvp(command[0], command);
	ctl_fail("cannot run %s: %s", command[0], strerror(errno));
}

static void print_port(struct ctl *c, const char *guest, uint32_t nic)
{
	json_t *reply = ctl_call(c, "io.netd.ListGuests", json_pack("{s:s}", "guest", guest));
	const json_t *p;
	size_t i;

	json_array_foreach (json_object_get(reply, "guests"), i, p)
		if (json_integer_value(json_object_get(p, "nic")) == nic)
			ctl_print_json(p);
	json_decref(reply);
	fflush(stdout);
}

int ctl_attach(struct ctl *c, int argc, char **argv)
{
	struct netd_attach q;
	struct netd_port p;
	struct ctl_args a;
	sigset_t ends;
	int signo;

	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGHUP);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	attach(c, argc, argv, false, &a, &q, &p);
	tell(&q, &p);
	if (c->json)
		print_port(c, q.guest, q.nic);
	sigwait(&ends, &signo);
	netd_port_close(&p);
	return EXIT_DONE;
}

/* --- detach, release, wait, reload --- */

static int end_port(struct ctl *c, int argc, char **argv, const char *usage,
		    int (*end)(struct netd *n, const char *guest, int nic))
{
	struct ctl_args a;
	struct ctl_port p;

	ctl_parse(c, argc, argv, NULL, &a);
	ctl_expect(&a, 1, 1, false, usage);
	p = ctl_parse_port(a.plain[0]);
	ctl_connect(c);
	if (end(c->netd, p.guest, p.nic))
		ctl_fail("%s", netd_error(c->netd));
	return EXIT_DONE;
}

int ctl_detach(struct ctl *c, int argc, char **argv)
{
	return end_port(c, argc, argv, "detach GUEST[/NIC]", netd_detach);
}

int ctl_release(struct ctl *c, int argc, char **argv)
{
	return end_port(c, argc, argv, "release GUEST[/NIC]", netd_release);
}

static double parse_seconds(const char *text)
{
	char *end;
	double v = strtod(text, &end);

	if (*end || end == text || !isfinite(v) || v < 0)
		ctl_usage("--timeout '%s' is not a number of seconds", text);
	return v;
}

int ctl_wait(struct ctl *c, int argc, char **argv)
{
	const char *what = NULL, *timeout = NULL;
	const struct ctl_option options[] = { { "for", &what, NULL },
					      { "timeout", &timeout, NULL },
					      { 0 } };
	json_t *parameters, *reply;
	struct ctl_args a;
	struct ctl_port p;

	ctl_parse(c, argc, argv, options, &a);
	ctl_expect(&a, 1, 1, false,
		   "wait GUEST[/NIC] [--for bound|attached|gone] [--timeout SECONDS]");
	p = ctl_parse_port(a.plain[0]);
	if (what && strcmp(what, "bound") && strcmp(what, "attached") && strcmp(what, "gone"))
		ctl_usage("--for is bound, attached or gone");
	parameters = json_pack("{s:s, s:i, s:s}", "guest", p.guest, "nic", p.nic < 0 ? 0 : p.nic,
			       "for", what ? what : "bound");
	if (timeout)
		json_object_set_new(parameters, "timeoutSeconds",
				    json_real(parse_seconds(timeout)));
	reply = ctl_call(c, "io.netd.Wait", parameters);
	if (c->json)
		ctl_print_json(json_object_get(reply, "port"));
	json_decref(reply);
	return EXIT_DONE;
}

int ctl_reload(struct ctl *c, int argc, char **argv)
{
	struct ctl_args a;

	ctl_parse(c, argc, argv, NULL, &a);
	ctl_expect(&a, 0, 0, false, "reload");
	json_decref(ctl_call(c, "io.netd.Reload", NULL));
	return EXIT_DONE;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lives beside the host's own firewall: finds rules that drop guests' packets, by the reading of
 * them in bridge/, keeps what it found, and tells when something new is in the way and when it is
 * no more. With `coexist = docker` it keeps rules in the chain that Docker has for others.
 *
 * Runs at start, on reload, after the host was put right, and when somebody has changed rules. Who
 * changes them all the time is looked at no more often than that it costs a twentieth of a core.
 */
#include <stdlib.h>
#include <time.h>

#include "base/container.h"
#include "daemon.h"
#include "doctor.h"

#define SETTLE_NS (NS_PER_S / 5)
#define REST_NS NS_PER_S

enum { REST_FACTOR = 20 };

/* --- what is asked --- */

struct question {
	struct foreign_network network[CONFIG_NETWORKS_MAX];
	struct foreign_uplink uplink[UPLINKS_MAX];
	char bridge[CONFIG_NETWORKS_MAX][LINK_NAME_SIZE]; /* of networks that go out */
	size_t bridges;
	struct foreign_ask ask;
	struct foreign_report report;
};

/* Whether guests are told to ask the gateway's address. */
static bool has_host_dns(const struct network *n)
{
	const struct config_network *c = n->config;

	for (unsigned i = 0; !c->auto_dns && i < c->dns.n; i++)
		if (c->dns.at[i] == n->subnet.addr)
			return true;
	return false;
}

static bool has_published(const struct daemon *d, const struct network *n)
{
	for (size_t i = 0; i < d->publishes.n; i++)
		if (d->publishes.at[i].network == n->slot && d->publishes.at[i].made)
			return true;
	return false;
}

static void add_network(const struct daemon *d, struct question *q, const struct network *n)
{
	struct foreign_network *to = &q->network[q->ask.networks++];

	memcpy(to->name, n->config->name, sizeof(to->name));
	memcpy(to->bridge, n->bridge, sizeof(to->bridge));
	to->bridge_index = n->bridge_index;
	to->subnet = n->subnet;
	to->mode = n->config->mode;
	to->host_dns = has_host_dns(n);
	to->published = has_published(d, n);
	if (to->mode != BRIDGE_MODE_ISOLATED)
		memcpy(q->bridge[q->bridges++], n->bridge, sizeof(n->bridge));
}

static struct question *make_question(const struct daemon *d)
{
	struct question *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	q->ask.network = q->network;
	q->ask.uplink = q->uplink;
	for (unsigned i = 0; i < CONFIG_NETWORKS_MAX; i++)
		if (network_stands(&d->network[i]))
			add_network(d, q, &d->network[i]);
	for (unsigned i = 0; i < d->uplinks; i++) {
		struct foreign_uplink *to = &q->uplink[q->ask.uplinks++];

		memcpy(to->name, d->uplink[i].name, sizeof(to->name));
		to->index = d->uplink[i].index;
	}
	return q;
}

/* --- what is found --- */

static void take_finding(struct finding *to, const struct foreign_finding *from,
			 const struct question *q)
{
	static const enum finding_severity severities[] = { [FOREIGN_NOTE] = FINDING_NOTE,
							    [FOREIGN_MAY] = FINDING_MAY,
							    [FOREIGN_BREAKS] = FINDING_BREAKS };

	*to = (struct finding){ .severity = severities[from->severity] };
	if (from->network != FOREIGN_NO_NETWORK)
		memcpy(to->network, q->network[from->network].name, sizeof(to->network));
	snprintf(to->what, sizeof(to->what), "%s", from->what);
	snprintf(to->why, sizeof(to->why), "%s", from->rule);
	snprintf(to->command, sizeof(to->command), "%s", from->command);
}

/* A rule that was put elsewhere drops the same packets by another command. */
static bool is_among(const struct finding *f, const struct finding *list, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (!strcmp(list[i].what, f->what) && list[i].severity == f->severity)
			return true;
	return false;
}

static void tell(struct daemon *d, const struct finding *f, bool gone)
{
	struct event *e;
	unsigned held_back;

	if (f->severity != FINDING_BREAKS)
		return;
	e = event_add(d, EVENT_FOREIGN_FIREWALL);
	memcpy(e->network, f->network, sizeof(e->network));
	if (gone)
		snprintf(e->detail, sizeof(e->detail), "%s: no longer", f->what);
	else
		snprintf(e->detail, sizeof(e->detail), "%s%s%s", f->what, f->command[0] ? "; " : "",
			 f->command);
	if (!log_allow(&d->coexist.log, loop_now(d->loop), &held_back))
		return;
	if (gone)
		log_notice("network %s: %s", f->network, e->detail);
	else
		log_warning("network %s: %s (%s)", f->network, e->detail, f->why);
}

static void replace(struct daemon *d, struct finding *finding, unsigned n)
{
	struct coexist *c = &d->coexist;

	for (unsigned i = 0; i < c->findings; i++)
		if (!is_among(&c->finding[i], finding, n))
			tell(d, &c->finding[i], true);
	for (unsigned i = 0; i < n; i++)
		if (!is_among(&finding[i], c->finding, c->findings))
			tell(d, &finding[i], false);
	free(c->finding);
	c->finding = finding;
	c->findings = n;
}

/* What cannot be read is said once, and tried again; what was found before stays. */
static void say_failed(struct daemon *d, const struct err *err)
{
	if (!d->coexist.failed)
		log_warning("whether rules of others are in the way is not known: %s", err->text);
	d->coexist.failed = true;
}

static void check(struct daemon *d, struct question *q)
{
	struct finding *finding;
	struct err err;

	if (d->host->ops->foreign_check(d->host, &q->ask, &q->report, &err)) {
		say_failed(d, &err);
		d->coexist.again = true;
		return;
	}
	d->coexist.failed = false;
	finding = calloc(q->report.findings + 1, sizeof(*finding));
	if (!finding)
		return;
	for (unsigned i = 0; i < q->report.findings; i++)
		take_finding(&finding[i], &q->report.finding[i], q);
	replace(d, finding, q->report.findings);
}

/* --- Docker --- */

static void keep_docker(struct daemon *d, const struct question *q)
{
	bool wanted = d->config->coexist == CONFIG_COEXIST_DOCKER, changed;
	struct err err;

	if (!wanted && !d->coexist.docker)
		return;
	if (d->host->ops->foreign_docker(d->host, q->bridge, wanted ? q->bridges : 0, &changed,
					 &err)) {
		log_warning("%s", err.text);
		return;
	}
	d->coexist.docker = wanted;
	if (changed && wanted)
		log_notice("Docker's chain DOCKER-USER accepts what guests send and are sent now");
	else if (changed)
		log_notice("netd's rules in Docker's chain DOCKER-USER are gone");
}

/* --- when --- */

static int64_t monotonic(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

void coexist_run(struct daemon *d)
{
	struct question *q = make_question(d);
	int64_t began = monotonic(), rest = REST_NS;

	loop_timer_cancel(&d->coexist.timer);
	if (!q)
		return;
	keep_docker(d, q);
	check(d, q);
	free(q);
	if ((monotonic() - began) * REST_FACTOR > rest)
		rest = (monotonic() - began) * REST_FACTOR;
	d->coexist.ready = loop_now(d->loop) + rest;
	if (d->coexist.again)
		coexist_later(d);
	d->coexist.again = false;
}

static void on_time(struct loop_timer *t)
{
	coexist_run(CONTAINER_OF(t, struct daemon, coexist.timer));
}

void coexist_later(struct daemon *d)
{
	struct coexist *c = &d->coexist;
	int64_t at = loop_now(d->loop) + SETTLE_NS;

	if (c->timer.loop)
		return;
	if (at < c->ready)
		at = c->ready;
	if (loop_timer_set(d->loop, &c->timer, at, on_time))
		log_error("out of memory: the rules of others are not looked at");
}

const struct finding *coexist_findings(const struct daemon *d, unsigned *ret_n)
{
	*ret_n = d->coexist.findings;
	return d->coexist.finding;
}

void coexist_init(struct coexist *c)
{
	/* Those of a netd before this one. */
	c->docker = true;
	c->log = (struct log_limit){ .interval = 60 * NS_PER_S, .burst = 20 };
}

void coexist_done(struct coexist *c)
{
	loop_timer_cancel(&c->timer);
	free(c->finding);
	c->finding = NULL;
	c->findings = 0;
}

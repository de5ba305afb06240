/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The subcommands that only look. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "ctl.h"

static long long number(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

/* --- networks --- */

static void add_network_row(struct ctl_table *t, const json_t *n)
{
	char pool[64], attached[32];

	snprintf(pool, sizeof(pool), "%lld/%lld", number(n, "poolUsed"), number(n, "poolSize"));
	snprintf(attached, sizeof(attached), "%lld", number(n, "attached"));
	ctl_table_add(t, ctl_text(n, "name"));
	ctl_table_add(t, ctl_text(n, "mode"));
	ctl_table_add(t, json_is_true(json_object_get(n, "up")) ? "up" : "down");
	ctl_table_add(t, ctl_text(n, "bridge"));
	ctl_table_add(t, ctl_text(n, "subnet"));
	ctl_table_add(t, ctl_text(n, "gateway"));
	ctl_table_add(t, pool);
	ctl_table_add(t, attached);
}

static void print_networks(const json_t *list)
{
	static const char *const headings[] = { "NETWORK", "MODE",    "STATE", "BRIDGE",
						"SUBNET",  "GATEWAY", "POOL",  "ATTACHED" };
	struct ctl_table *t = ctl_table_new(headings, ARRAY_SIZE(headings));
	const json_t *n;
	size_t i;

	json_array_foreach (list, i, n)
		add_network_row(t, n);
	ctl_table_print_and_free(t);
	json_array_foreach (list, i, n)
		if (*ctl_text(n, "reason"))
			printf("%s is down: %s\n", ctl_text(n, "name"), ctl_text(n, "reason"));
}

int ctl_networks(struct ctl *c, int argc, char **argv)
{
	struct ctl_args a;
	json_t *reply;

	ctl_parse(c, argc, argv, NULL, &a);
	ctl_expect(&a, 0, 0, false, "networks");
	reply = ctl_call(c, "io.netd.ListNetworks", NULL);
	if (c->json)
		ctl_print_json(json_object_get(reply, "networks"));
	else
		print_networks(json_object_get(reply, "networks"));
	json_decref(reply);
	return EXIT_DONE;
}

void ctl_print_members(const json_t *o)
{
	const char *key;
	json_t *v;

	json_object_foreach ((json_t *)o, key, v) {
		CLEAN_FREE char *value = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);

		if (json_is_string(v))
			printf("%-14s  %s\n", key, json_string_value(v));
		else
			printf("%-14s  %s\n", key, json_is_null(v) ? "-" : value);
	}
}

/* --- guests --- */

static void add_guest_row(struct ctl_table *t, const json_t *p)
{
	const json_t *lease = json_object_get(p, "lease");
	char name[96], expires[32], state[64];

	snprintf(name, sizeof(name), "%s/%lld", ctl_text(p, "guest"), number(p, "nic"));
	ctl_table_add(t, name);
	ctl_table_add(t, ctl_text(p, "network"));
	snprintf(state, sizeof(state), "%s%s", ctl_text(p, "state"),
		 strcmp(ctl_text(p, "link"), "down") ? "" : ", down");
	ctl_table_add(t, state);
	ctl_table_add(t, ctl_text(p, "interface"));
	ctl_table_add(t, ctl_text(p, "mac"));
	ctl_table_add(t, json_string_value(json_array_get(json_object_get(p, "addresses"), 0)));
	ctl_table_add(t, json_is_true(json_object_get(p, "vhost")) ? "yes" : "no");
	if (!strcmp(ctl_text(lease, "state"), "bound"))
		snprintf(state, sizeof(state), "bound, ends %s",
			 ctl_when(json_object_get(lease, "expires"), expires));
	else
		snprintf(state, sizeof(state), "%s", ctl_text(lease, "state"));
	ctl_table_add(t, state);
}

static void print_guests(const json_t *list)
{
	static const char *const headings[] = { "GUEST", "NETWORK", "STATE", "INTERFACE",
						"MAC",	 "ADDRESS", "VHOST", "LEASE" };
	struct ctl_table *t = ctl_table_new(headings, ARRAY_SIZE(headings));
	const json_t *p;
	size_t i;

	json_array_foreach (list, i, p)
		add_guest_row(t, p);
	ctl_table_print_and_free(t);
}

int ctl_guests(struct ctl *c, int argc, char **argv)
{
	struct ctl_args a;
	json_t *reply;

	ctl_parse(c, argc, argv, NULL, &a);
	ctl_expect(&a, 0, 0, false, "guests");
	reply = ctl_call(c, "io.netd.ListGuests", NULL);
	if (c->json)
		ctl_print_json(json_object_get(reply, "guests"));
	else
		print_guests(json_object_get(reply, "guests"));
	json_decref(reply);
	return EXIT_DONE;
}

/* --- leases --- */

static void print_leases(const json_t *list)
{
	static const char *const headings[] = { "NETWORK",  "ADDRESS", "MAC", "GUEST",
						"HOSTNAME", "STATE",   "ENDS" };
	struct ctl_table *t = ctl_table_new(headings, ARRAY_SIZE(headings));
	const json_t *l;
	size_t i;

	json_array_foreach (list, i, l) {
		char name[96] = "", expires[32];

		if (*ctl_text(l, "guest"))
			snprintf(name, sizeof(name), "%s/%lld", ctl_text(l, "guest"),
				 number(l, "nic"));
		ctl_table_add(t, ctl_text(l, "network"));
		ctl_table_add(t, ctl_text(l, "address"));
		ctl_table_add(t, ctl_text(l, "mac"));
		ctl_table_add(t, name);
		ctl_table_add(t, ctl_text(l, "hostname"));
		ctl_table_add(t, ctl_text(l, "state"));
		ctl_table_add(t, strcmp(ctl_text(l, "state"), "bound") ?
					 "-" :
					 ctl_when(json_object_get(l, "expires"), expires));
	}
	ctl_table_print_and_free(t);
}

static const char *text_or_star(const json_t *o, const char *key)
{
	return *ctl_text(o, key) ? ctl_text(o, key) : "*";
}

/* Its lease file has the leases that are held, and 0 for one without an end. */
static void print_dnsmasq(const json_t *list)
{
	const json_t *l;
	size_t i;

	json_array_foreach (list, i, l)
		if (!strcmp(ctl_text(l, "state"), "bound"))
			printf("%lld %s %s %s %s\n", number(l, "expires"), ctl_text(l, "mac"),
			       ctl_text(l, "address"), text_or_star(l, "hostname"),
			       text_or_star(l, "clientId"));
}

int ctl_leases(struct ctl *c, int argc, char **argv)
{
	const char *format = NULL;
	const struct ctl_option options[] = { { "format", &format, NULL }, { 0 } };
	struct ctl_args a;
	json_t *reply;

	ctl_parse(c, argc, argv, options, &a);
	ctl_expect(&a, 0, 1, false, "leases [--format dnsmasq] [NETWORK]");
	if (format && strcmp(format, "dnsmasq"))
		ctl_usage("--format is dnsmasq");
	reply = ctl_call(c, "io.netd.ListLeases",
			 a.plains ? json_pack("{s:s}", "network", a.plain[0]) : NULL);
	if (c->json)
		ctl_print_json(json_object_get(reply, "leases"));
	else if (format)
		print_dnsmasq(json_object_get(reply, "leases"));
	else
		print_leases(json_object_get(reply, "leases"));
	json_decref(reply);
	return EXIT_DONE;
}

/* --- status --- */

static void print_counts(const char *title, const json_t *counts)
{
	const char *key;
	json_t *v;

	if (!json_object_size(counts))
		return;
	printf("%s:", title);
	json_object_foreach ((json_t *)counts, key, v)
		printf(" %s %" JSON_INTEGER_FORMAT, key, json_integer_value(v));
	putchar('\n');
}

static void print_status(const json_t *s)
{
	const json_t *warning, *uplink;
	char started[32];
	size_t i;

	printf("netd %s, pid %lld, started %s\n", ctl_text(s, "version"), number(s, "pid"),
	       ctl_when(json_object_get(s, "started"), started));
	printf("%lld ports, %lld attached, %lld leases, %lld clients\n", number(s, "ports"),
	       number(s, "attached"), number(s, "leases"), number(s, "clients"));
	print_networks(json_object_get(s, "networks"));
	json_array_foreach (json_object_get(s, "uplinks"), i, uplink)
		printf("uplink %s, MTU %lld, forwarding %s\n", ctl_text(uplink, "interface"),
		       number(uplink, "mtu"), ctl_text(uplink, "forwarding"));
	print_counts("DHCP received", json_object_get(s, "dhcpReceived"));
	print_counts("DHCP sent", json_object_get(s, "dhcpSent"));
	print_counts("DHCP dropped", json_object_get(s, "dhcpDropped"));
	if (number(s, "rulesRestored") || number(s, "healed"))
		printf("put back after others: rules %lld, the rest %lld\n",
		       number(s, "rulesRestored"), number(s, "healed"));
	json_array_foreach (json_object_get(s, "warnings"), i, warning)
		printf("warning: %s\n", json_string_value(warning));
}

int ctl_status(struct ctl *c, int argc, char **argv)
{
	struct ctl_args a;
	json_t *reply;

	ctl_parse(c, argc, argv, NULL, &a);
	ctl_expect(&a, 0, 0, false, "status");
	reply = ctl_call(c, "io.netd.GetStatus", NULL);
	if (c->json)
		ctl_print_json(reply);
	else
		print_status(reply);
	json_decref(reply);
	return EXIT_DONE;
}

/* --- events --- */

static void print_event(const json_t *e)
{
	double at = json_number_value(json_object_get(e, "time"));
	time_t seconds = (time_t)at;
	struct tm tm;
	char when[32];

	localtime_r(&seconds, &tm);
	strftime(when, sizeof(when), "%F %T", &tm);
	printf("%s.%03d %s", when, (int)((at - (double)seconds) * 1000), ctl_text(e, "event"));
	if (*ctl_text(e, "guest"))
		printf(" %s/%lld", ctl_text(e, "guest"), number(e, "nic"));
	if (*ctl_text(e, "network"))
		printf(" on %s", ctl_text(e, "network"));
	if (*ctl_text(e, "interface"))
		printf(" %s", ctl_text(e, "interface"));
	if (*ctl_text(e, "mac"))
		printf(" %s", ctl_text(e, "mac"));
	if (*ctl_text(e, "address"))
		printf(" %s", ctl_text(e, "address"));
	if (json_object_get(e, "exchangeMicroseconds"))
		printf(" in %.1f ms", (double)number(e, "exchangeMicroseconds") / 1e3);
	if (*ctl_text(e, "detail"))
		printf(": %s", ctl_text(e, "detail"));
	putchar('\n');
}

static void show_event(const struct ctl *c, const char *reply)
{
	json_t *v = json_loads(reply, 0, NULL);
	const json_t *e = json_object_get(v, "event");
	long long lost = number(v, "lost");

	if (lost)
		fprintf(stderr, "netdctl: %lld events before this one are not kept any more\n",
			lost);
	if (c->json) {
		json_dumpf(e, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
		putchar('\n');
	} else {
		print_event(e);
	}
	json_decref(v);
	if (fflush(stdout))
		exit(EXIT_FAILED); /* whoever read it is gone */
}

int ctl_events(struct ctl *c, int argc, char **argv)
{
	const char *since = NULL, *reply;
	const struct ctl_option options[] = { { "since", &since, NULL }, { 0 } };
	char parameters[64] = "{\"from\":1}";
	struct ctl_args a;
	int rc;

	ctl_parse(c, argc, argv, options, &a);
	ctl_expect(&a, 0, 0, false, "events [--since now|NUMBER]");
	if (since && !strcmp(since, "now"))
		snprintf(parameters, sizeof(parameters), "{}");
	else if (since)
		snprintf(parameters, sizeof(parameters), "{\"from\":%u}",
			 ctl_parse_number(since, UINT32_MAX, "the event"));
	ctl_connect(c);
	rc = netd_more(c->netd, "io.netd.Watch", parameters);
	while (!rc && (rc = netd_next(c->netd, &reply)) > 0) {
		show_event(c, reply);
		rc = 0;
	}
	if (rc)
		ctl_fail("%s", netd_error(c->netd));
	return EXIT_DONE;
}

int ctl_metrics(struct ctl *c, int argc, char **argv)
{
	struct ctl_args a;
	json_t *reply;

	ctl_parse(c, argc, argv, NULL, &a);
	ctl_expect(&a, 0, 0, false, "metrics");
	reply = ctl_call(c, "io.netd.Metrics", NULL);
	if (c->json)
		ctl_print_json(reply);
	else
		fputs(json_string_value(json_object_get(reply, "text")), stdout);
	json_decref(reply);
	return EXIT_DONE;
}

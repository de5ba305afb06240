/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The method Metrics: what GetStatus says, and what the guard holds back, in Prometheus' text
 * format (https://prometheus.io/docs/instrumenting/exposition_formats/). Values of labels are names
 * and words of ours, which need no escapes.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "api.h"
#include "base/cleanup.h"

static void head(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP netd_%s %s\n# TYPE netd_%s %s\n", name, help, name, type);
}

static json_int_t number(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	return json_is_boolean(v) ? json_is_true(v) : json_integer_value(v);
}

/* Members of the status that are one number each. */
static const struct {
	const char *name, *type, *key, *help;
} singles[] = {
	{ "start_time_seconds", "gauge", "started",
	  "When netd was started, in seconds since 1970." },
	{ "ports", "gauge", "ports", "Allocations, with and without a device." },
	{ "ports_attached", "gauge", "attached", "Ports with a device." },
	{ "leases", "gauge", "leases", "DHCP leases of ports." },
	{ "clients", "gauge", "clients", "Connections to netd's socket." },
	{ "rules_restored_total", "counter", "rulesRestored",
	  "How often rules were put back since others had changed them." },
	{ "healed_total", "counter", "healed", "Other changes of others' that were put right." },
};

/* Members that are numbers by a word. */
static const struct {
	const char *name, *key, *label, *help;
} words[] = {
	{ "dhcp_received_total", "dhcpReceived", "message", "DHCP messages that came, by type." },
	{ "dhcp_sent_total", "dhcpSent", "message", "DHCP messages that were sent, by type." },
	{ "dhcp_dropped_total", "dhcpDropped", "reason", "DHCP packets that were not answered." },
};

/* Members of each network. */
static const struct {
	const char *name, *key, *help;
} of_networks[] = {
	{ "network_up", "up", "Whether guests can be attached." },
	{ "network_mtu_bytes", "mtu", "Its MTU." },
	{ "network_ports", "ports", "Allocations, with and without a device." },
	{ "network_ports_attached", "attached", "Ports with a device." },
	{ "network_pool_addresses", "poolSize", "Addresses of the ranges that are in use." },
	{ "network_pool_addresses_used", "poolUsed",
	  "Those that are given, reserved or in quarantine." },
};

static void print_status(FILE *out, const json_t *status)
{
	const char *word;
	json_t *value;

	head(out, "info", "gauge", "The version.");
	fprintf(out, "netd_info{version=\"%s\"} 1\n",
		json_string_value(json_object_get(status, "version")));
	for (size_t i = 0; i < ARRAY_SIZE(singles); i++) {
		head(out, singles[i].name, singles[i].type, singles[i].help);
		fprintf(out, "netd_%s %" JSON_INTEGER_FORMAT "\n", singles[i].name,
			number(status, singles[i].key));
	}
	head(out, "warnings", "gauge", "What netdctl status warns of.");
	fprintf(out, "netd_warnings %zu\n", json_array_size(json_object_get(status, "warnings")));
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		head(out, words[i].name, "counter", words[i].help);
		json_object_foreach (json_object_get(status, words[i].key), word, value)
			fprintf(out, "netd_%s{%s=\"%s\"} %" JSON_INTEGER_FORMAT "\n", words[i].name,
				words[i].label, word, json_integer_value(value));
	}
}

static void print_networks(FILE *out, const json_t *networks)
{
	const json_t *n;
	size_t at;

	for (size_t i = 0; i < ARRAY_SIZE(of_networks); i++) {
		head(out, of_networks[i].name, "gauge", of_networks[i].help);
		json_array_foreach (networks, at, n)
			fprintf(out,
				"netd_%s{network=\"%s\",mode=\"%s\"} %" JSON_INTEGER_FORMAT "\n",
				of_networks[i].name, json_string_value(json_object_get(n, "name")),
				json_string_value(json_object_get(n, "mode")),
				number(n, of_networks[i].key));
	}
}

/* By port, so that a counter ends with its port instead of going back. */
static void print_guard(FILE *out, struct daemon *d)
{
	struct guard_counts *counts = guard_counts(d);
	struct port *p;

	head(out, "guard_packets_total", "counter",
	     "Packets that were not the port's own, held back or, where the guard only logs, noticed.");
	for (uint32_t at = 0; counts && (p = port_next(d, &at));)
		for (unsigned i = 0; i < NFT_REASONS; i++)
			if (counts[p->slot].packets[i])
				fprintf(out,
					"netd_guard_packets_total{network=\"%s\",guest=\"%s\",nic=\"%" PRIu32
					"\",reason=\"%s\"} %" PRIu64 "\n",
					d->network[p->network].config->name, p->guest, p->nic,
					nft_reason_text((enum nft_reason)i),
					counts[p->slot].packets[i]);
	free(counts);
}

/* Its name is that of Prometheus' client libraries. */
static void print_process(FILE *out)
{
	struct rusage u;

	if (getrusage(RUSAGE_SELF, &u))
		return;
	fprintf(out,
		"# HELP process_cpu_seconds_total CPU time of netd.\n"
		"# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total %.2f\n",
		(double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
			(double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6);
}

void api_metrics(struct varlink_call *call)
{
	json_t *status = api_json_status(call->daemon);
	CLEAN_FREE char *text = NULL;
	size_t size;
	FILE *out = status ? open_memstream(&text, &size) : NULL;
	struct refusal r;

	if (out) {
		print_status(out, status);
		print_networks(out, json_object_get(status, "networks"));
		print_guard(out, call->daemon);
		print_process(out);
	}
	json_decref(status);
	if (out && !fclose(out)) {
		varlink_reply(call, api_now(call), json_pack("{s:s}", "text", text));
		return;
	}
	refuse(&r, REFUSED_SYSTEM, NULL, NULL);
	api_refuse(call, &r);
}

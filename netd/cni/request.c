/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the runtime asks for: environment and configuration (SPEC.md, section 2). Pure. */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cni.h"

int cni_fail(struct cni_error *e, enum cni_code code, const char *fmt, ...)
{
	va_list ap;

	e->code = code;
	va_start(ap, fmt);
	vsnprintf(e->details, sizeof(e->details), fmt, ap);
	va_end(ap);
	return -1;
}

/* --- versions --- */

static const char *const versions[CNI_VERSIONS] = {
	[CNI_0_3_1] = "0.3.1",
	[CNI_0_4_0] = "0.4.0",
	[CNI_1_0_0] = "1.0.0",
	[CNI_1_1_0] = "1.1.0",
};

const char *cni_version_text(enum cni_version v)
{
	return versions[v];
}

static const struct {
	const char *name;
	enum cni_version since;
	bool id, netns; /* whether it needs them */
} commands[] = {
	[CNI_ADD] = { "ADD", CNI_0_3_1, true, true },
	[CNI_DEL] = { "DEL", CNI_0_3_1, true, false },
	[CNI_CHECK] = { "CHECK", CNI_0_4_0, true, true },
	[CNI_GC] = { "GC", CNI_1_1_0, false, false },
	[CNI_STATUS] = { "STATUS", CNI_1_1_0, false, false },
	[CNI_VERSION] = { "VERSION", CNI_0_3_1, false, false },
};

/* VERSION is answered whatever the version. */
static int read_version(struct cni_request *q, struct cni_error *e)
{
	const json_t *v = json_object_get(q->config, "cniVersion");
	const char *text = json_string_value(v);
	int found = -1;

	for (int i = 0; text && i < CNI_VERSIONS; i++)
		if (!strcmp(versions[i], text))
			found = i;
	if (found >= 0)
		q->version = (enum cni_version)found;
	if (q->command == CNI_VERSION)
		return 0;
	if (v && !text && !json_is_null(v))
		return cni_fail(e, CNI_UNREADABLE, "cniVersion is not a string");
	if (found < 0)
		return cni_fail(e, CNI_BAD_VERSION,
				"cniVersion is %s; 0.3.1, 0.4.0, 1.0.0 and 1.1.0 are supported",
				text ? text : "missing");
	if (q->version < commands[q->command].since)
		return cni_fail(e, CNI_BAD_VERSION, "cniVersion is %s; %s needs %s", text,
				commands[q->command].name, versions[commands[q->command].since]);
	return 0;
}

/* --- environment --- */

static bool is_set(const char *text)
{
	return text && *text;
}

/* A letter or digit, and then those and '_', '.', '-'. */
static bool is_name(const char *text)
{
	if (!isalnum((unsigned char)*text))
		return false;
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && !strchr("_.-", *text))
			return false;
	return true;
}

static bool is_ifname(const char *text)
{
	if (strlen(text) > 15 || !strcmp(text, ".") || !strcmp(text, ".."))
		return false;
	for (; *text; text++)
		if (isspace((unsigned char)*text) || strchr("/:", *text))
			return false;
	return true;
}

static int read_environment(const struct cni_environment *env, struct cni_request *q,
			    struct cni_error *e)
{
	bool id = commands[q->command].id, netns = commands[q->command].netns;

	if ((id && (!is_set(env->id) || !is_set(env->ifname))) || (netns && !is_set(env->netns)))
		return cni_fail(e, CNI_BAD_ENVIRONMENT, "%s needs%s%s%s", commands[q->command].name,
				is_set(env->id) ? "" : " CNI_CONTAINERID",
				netns && !is_set(env->netns) ? " CNI_NETNS" : "",
				is_set(env->ifname) ? "" : " CNI_IFNAME");
	if (id && !is_name(env->id))
		return cni_fail(e, CNI_BAD_ENVIRONMENT, "CNI_CONTAINERID '%.128s' is not a name",
				env->id);
	if (id && !is_ifname(env->ifname))
		return cni_fail(e, CNI_BAD_ENVIRONMENT,
				"CNI_IFNAME '%.128s' is not the name of an interface", env->ifname);
	q->id = env->id;
	q->ifname = env->ifname;
	q->netns = is_set(env->netns) ? env->netns : NULL;
	q->any_netns = env->netns_override && (!strcmp(env->netns_override, "1") ||
					       !strcasecmp(env->netns_override, "true"));
	return 0;
}

/* --- CNI_ARGS --- */

/* "KEY=VALUE;KEY=VALUE": what a key has, "" when it is not there. */
static void find_arg(const char *args, const char *key, char *to, size_t size)
{
	size_t len = strlen(key);

	to[0] = 0;
	while (args && *args) {
		size_t n = strcspn(args, ";");

		if (n > len && !strncmp(args, key, len) && args[len] == '=')
			snprintf(to, size, "%.*s", (int)(n - len - 1), args + len + 1);
		args += n + (args[n] == ';');
	}
}

static int check_args(const char *args, struct cni_error *e)
{
	while (args && *args) {
		size_t n = strcspn(args, ";");

		if (n && !memchr(args, '=', n))
			return cni_fail(e, CNI_BAD_ENVIRONMENT, "CNI_ARGS: '%.*s' is not KEY=VALUE",
					n > 128 ? 128 : (int)n, args);
		args += n + (args[n] == ';');
	}
	return 0;
}

/* --- configuration --- */

static int take_text(const json_t *o, const char *key, const char **ret, struct cni_error *e)
{
	const json_t *v = json_object_get(o, key);

	if (!v || json_is_null(v))
		return 0;
	if (!json_is_string(v))
		return cni_fail(e, CNI_BAD_CONFIG, "%s is not a string", key);
	*ret = json_string_value(v);
	return 0;
}

/* The same, into buf. */
static int copy_text(const json_t *o, const char *key, char *to, size_t size, struct cni_error *e)
{
	const char *text = NULL;

	if (take_text(o, key, &text, e))
		return -1;
	if (text && strlen(text) >= size)
		return cni_fail(e, CNI_BAD_CONFIG, "%s '%.128s' is too long", key, text);
	if (text)
		snprintf(to, size, "%s", text);
	return 0;
}

/* One IPv4 address of a list, of which a prefix length is left out: netd knows the subnet's. */
static int take_address(struct cni_request *q, const char *text, struct cni_error *e)
{
	struct in_addr addr;
	char plain[64];

	snprintf(plain, sizeof(plain), "%.*s", (int)strcspn(text, "/"), text);
	if (inet_pton(AF_INET, plain, &addr) != 1)
		return cni_fail(e, CNI_BAD_CONFIG, "'%.128s' is not an IPv4 address", text);
	if (q->address[0])
		return cni_fail(e, CNI_BAD_CONFIG, "%s and %s: netd gives one address a card",
				q->address, plain);
	snprintf(q->address, sizeof(q->address), "%s", plain);
	return 0;
}

static int take_addresses(struct cni_request *q, const json_t *o, struct cni_error *e)
{
	const json_t *list = json_object_get(o, "ips"), *item;
	size_t i;

	if (list && !json_is_array(list) && !json_is_null(list))
		return cni_fail(e, CNI_BAD_CONFIG, "ips is not a list");
	json_array_foreach (list, i, item) {
		if (!json_is_string(item))
			return cni_fail(e, CNI_BAD_CONFIG, "ips has what is not a string");
		if (take_address(q, json_string_value(item), e))
			return -1;
	}
	return 0;
}

/* What the runtime asks for by its newest way goes before what it says by an older one, and that
 * before what the network's configuration has (CONVENTIONS.md). */
static int read_wishes(struct cni_request *q, const char *args, struct cni_error *e)
{
	const json_t *runtime = json_object_get(q->config, "runtimeConfig"),
		     *cni = json_object_get(json_object_get(q->config, "args"), "cni");
	const char *address = NULL;
	char ip[64];

	if (check_args(args, e) || copy_text(runtime, "mac", q->mac, sizeof(q->mac), e) ||
	    take_addresses(q, runtime, e))
		return -1;
	if (!q->mac[0] && copy_text(cni, "mac", q->mac, sizeof(q->mac), e))
		return -1;
	if (!q->address[0] && take_addresses(q, cni, e))
		return -1;
	find_arg(args, "K8S_POD_NAME", q->pod, sizeof(q->pod));
	find_arg(args, "IP", ip, sizeof(ip));
	if (!q->mac[0])
		find_arg(args, "MAC", q->mac, sizeof(q->mac));
	if (!q->address[0] && ip[0] && take_address(q, ip, e))
		return -1;
	if (!q->mac[0] && copy_text(q->config, "mac", q->mac, sizeof(q->mac), e))
		return -1;
	if (q->address[0])
		return 0;
	return take_text(q->config, "address", &address, e) ||
			       (address && take_address(q, address, e)) ?
		       -1 :
		       0;
}

static bool is_port(const json_t *v)
{
	return json_is_integer(v) && json_integer_value(v) > 0 && json_integer_value(v) < 65536;
}

static int read_published(struct cni_request *q, struct cni_error *e)
{
	const json_t *runtime = json_object_get(q->config, "runtimeConfig"), *item;
	size_t i;

	json_array_foreach (json_object_get(runtime, "portMappings"), i, item) {
		const json_t *host = json_object_get(item, "hostPort"),
			     *guest = json_object_get(item, "containerPort");
		const char *protocol = "tcp", *address = NULL;
		struct cni_published *p = &q->published[q->publishes];

		if (take_text(item, "protocol", &protocol, e) ||
		    take_text(item, "hostIP", &address, e))
			return -1;
		if (json_is_integer(host) && !json_integer_value(host))
			continue; /* a port that is only named */
		if (!is_port(host) || !is_port(guest) ||
		    (strcasecmp(protocol, "tcp") && strcasecmp(protocol, "udp")))
			return cni_fail(e, CNI_BAD_CONFIG,
					"portMappings: number %zu is not of a TCP or UDP port", i);
		if (q->publishes == CNI_PORTS_MAX)
			return cni_fail(e, CNI_BAD_CONFIG, "portMappings has more than %d ports",
					CNI_PORTS_MAX);
		snprintf(p->text, sizeof(p->text), "%s:%d:%d",
			 strcasecmp(protocol, "tcp") ? "udp" : "tcp", (int)json_integer_value(host),
			 (int)json_integer_value(guest));
		if (is_set(address) && strcmp(address, "0.0.0.0"))
			p->address = address;
		q->publishes++;
	}
	return 0;
}

/* Addresses are netd's business; nobody is to think that somebody else's plugin gives them. */
static int refuse_unsupported(const struct cni_request *q, struct cni_error *e)
{
	const json_t *ipam = json_object_get(q->config, "ipam");
	const char *type = json_string_value(json_object_get(ipam, "type"));

	if (is_set(type))
		return cni_fail(e, CNI_UNSUPPORTED,
				"ipam: {\"type\": \"%s\"}: netd gives addresses", type);
	return 0;
}

static int read_attachments(struct cni_request *q, struct cni_error *e)
{
	q->valid = json_object_get(q->config, "cni.dev/valid-attachments");
	if (!q->valid)
		q->valid = json_object_get(q->config, "cni.dev/attachments");
	if (!q->valid || (!json_is_array(q->valid) && !json_is_null(q->valid)))
		return cni_fail(e, CNI_BAD_CONFIG, "cni.dev/valid-attachments is not a list");
	return 0;
}

static int read_config(struct cni_request *q, const char *args, struct cni_error *e)
{
	q->prev = json_object_get(q->config, "prevResult");
	if (json_is_null(q->prev))
		q->prev = NULL;
	if (take_text(q->config, "name", &q->name, e) ||
	    take_text(q->config, "network", &q->network, e) ||
	    take_text(q->config, "socket", &q->socket, e))
		return -1;
	if (!is_set(q->name) || !is_name(q->name))
		return cni_fail(e, CNI_BAD_CONFIG, "name is %s%.128s",
				is_set(q->name) ? "not one: " : "missing", q->name ? q->name : "");
	if (q->prev && !json_is_object(q->prev))
		return cni_fail(e, CNI_BAD_CONFIG, "prevResult is not an object");
	switch (q->command) {
	case CNI_ADD:
		return refuse_unsupported(q, e) || read_wishes(q, args, e) || read_published(q, e) ?
			       -1 :
			       0;
	case CNI_CHECK:
		if (!q->prev)
			return cni_fail(e, CNI_BAD_CONFIG, "prevResult is missing");
		return 0;
	case CNI_DEL:
		find_arg(args, "K8S_POD_NAME", q->pod, sizeof(q->pod));
		return 0;
	case CNI_GC:
		return read_attachments(q, e);
	case CNI_STATUS:
	case CNI_VERSION:
		return 0;
	}
	return 0;
}

static int read_command(const char *text, enum cni_command *ret, struct cni_error *e)
{
	for (size_t i = 0; is_set(text) && i < ARRAY_SIZE(commands); i++) {
		if (!strcmp(commands[i].name, text)) {
			*ret = (enum cni_command)i;
			return 0;
		}
	}
	return cni_fail(
		e, CNI_BAD_ENVIRONMENT,
		"CNI_COMMAND is %s%.128s; it is to be ADD, DEL, CHECK, GC, STATUS or VERSION",
		is_set(text) ? "" : "missing", is_set(text) ? text : "");
}

int cni_request_read(const struct cni_environment *env, const char *text, struct cni_request *ret,
		     struct cni_error *e)
{
	json_error_t mistake;

	*ret = (struct cni_request){ .version = CNI_1_1_0 };
	if (read_command(env->command, &ret->command, e))
		return -1;
	ret->config = json_loads(text, JSON_REJECT_DUPLICATES, &mistake);
	if (ret->command == CNI_VERSION)
		return read_version(ret, e);
	if (!ret->config)
		return cni_fail(e, CNI_UNREADABLE, "network configuration: line %d: %s",
				mistake.line, mistake.text);
	if (!json_is_object(ret->config))
		return cni_fail(e, CNI_UNREADABLE, "network configuration: it is not an object");
	return read_version(ret, e) || read_environment(env, ret, e) ||
			       read_config(ret, env->args, e) ?
		       -1 :
		       0;
}

void cni_request_done(struct cni_request *q)
{
	json_decref(q->config);
	q->config = NULL;
}

static bool is_known(const char *key, const char *const *known)
{
	while (*known && strcmp(key, *known))
		known++;
	return *known || !strncmp(key, "cni.dev/", 8);
}

static const char *unknown_in(json_t *o, const char *const *known, unsigned *n)
{
	const char *key;
	json_t *v;

	json_object_foreach (o, key, v)
		if (!is_known(key, known) && !(*n)--)
			return key;
	return NULL;
}

const char *cni_request_unknown(const struct cni_request *q, unsigned n)
{
	static const char *const known[] = { "cniVersion",
					     "cniVersions",
					     "name",
					     "type",
					     "disableCheck",
					     "disableGC",
					     "loadOnlyInlinedPlugins",
					     "capabilities",
					     "ipMasq",
					     "ipam",
					     "dns",
					     "args",
					     "runtimeConfig",
					     "prevResult",
					     "network",
					     "socket",
					     "mac",
					     "address",
					     NULL },
				 *const capabilities[] = { "mac", "ips",	"portMappings",
							   "dns", "cgroupPath", NULL };
	const char *key = unknown_in(q->config, known, &n);

	return key ? key :
		     unknown_in(json_object_get(q->config, "runtimeConfig"), capabilities, &n);
}

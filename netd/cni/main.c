/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netd-cni: a CNI plugin, which plugs containers into netd's networks. One run is one command: it
 * comes by the environment and standard input, and is answered on standard output.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cni.h"

static void print_help(void)
{
	fputs("usage: netd-cni --help | --version\n"
	      "\n"
	      "A CNI plugin: what a container runtime runs, with CNI_COMMAND and the like in the\n"
	      "environment and a network configuration on standard input, to plug a container into a\n"
	      "network of netd. Link it into the runtime's directory of plugins, /opt/cni/bin say, and\n"
	      "name it in /etc/cni/net.d/netd.conflist:\n"
	      "\n"
	      "  { \"cniVersion\": \"1.0.0\", \"name\": \"vms\", \"plugins\": [\n"
	      "      { \"type\": \"netd-cni\", \"network\": \"default\" } ] }\n"
	      "\n"
	      "See netd-cni(8).\n",
	      stdout);
}

/* All of standard input, NUL-terminated; the caller frees it. */
static char *read_input(struct cni_error *e)
{
	size_t len = 0, size = 65536;
	char *text = malloc(size + 1);

	while (text) {
		ssize_t n = read(STDIN_FILENO, text + len, size - len);
		char *grown;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			cni_fail(e, CNI_IO, "cannot read the network configuration: %s",
				 strerror(errno));
			free(text);
			return NULL;
		}
		len += (size_t)n;
		text[len] = 0;
		if (!n)
			return text;
		if (len < size)
			continue;
		grown = size < CNI_CONFIG_MAX ? realloc(text, 2 * size + 1) : NULL;
		if (!grown)
			free(text);
		text = grown;
		size *= 2;
	}
	cni_fail(e, CNI_IO, "the network configuration is larger than %d octets", CNI_CONFIG_MAX);
	return NULL;
}

static int print(json_t *v)
{
	int rc = json_dumpf(v, stdout, JSON_INDENT(2)) || putchar('\n') == EOF || fflush(stdout);

	return rc ? -1 : 0;
}

/* Nobody has the result: nothing is attached then. */
static int deliver(struct netd *n, const struct cni_request *q, json_t *result, struct cni_error *e)
{
	int rc = result ? print(result) : 0;

	json_decref(result);
	if (!rc)
		return 0;
	cni_fail(e, CNI_IO, "cannot write the result: %s", strerror(errno));
	cni_undo_add(n, q);
	return -1;
}

static int run(struct netd *n, const struct cni_request *q, json_t **ret, struct cni_error *e)
{
	switch (q->command) {
	case CNI_ADD:
		return cni_add(n, q, ret, e);
	case CNI_DEL:
		return cni_del(n, q, e);
	case CNI_CHECK:
		return cni_check(n, q, e);
	case CNI_GC:
		return cni_gc(n, q, e);
	case CNI_STATUS:
		return cni_status(n, q, e);
	case CNI_VERSION:
		break;
	}
	return 0;
}

static int carry_out(const struct cni_request *q, struct cni_error *e)
{
	json_t *result = NULL;
	struct netd *n = NULL;
	const char *key;
	int rc;

	if (q->command == CNI_VERSION) {
		result = cni_versions(q->version);
		rc = print(result);
		json_decref(result);
		return rc ? cni_fail(e, CNI_IO, "cannot write the result: %s", strerror(errno)) : 0;
	}
	for (unsigned i = 0; (key = cni_request_unknown(q, i)); i++)
		fprintf(stderr, "netd-cni: network '%s': '%s' is not known, and ignored\n", q->name,
			key);
	if (netd_connect(q->socket, &n))
		rc = cni_fail(e, q->command == CNI_STATUS ? CNI_UNAVAILABLE : CNI_TRY_AGAIN, "%s",
			      netd_error(n));
	else
		rc = run(n, q, &result, e);
	if (!rc)
		rc = deliver(n, q, result, e);
	netd_close(n);
	return rc;
}

int main(int argc, char **argv)
{
	const struct cni_environment env = { .command = getenv("CNI_COMMAND"),
					     .id = getenv("CNI_CONTAINERID"),
					     .netns = getenv("CNI_NETNS"),
					     .ifname = getenv("CNI_IFNAME"),
					     .args = getenv("CNI_ARGS"),
					     .netns_override = getenv("CNI_NETNS_OVERRIDE") };
	struct cni_request q = { .version = CNI_1_1_0 };
	struct cni_error e = { .code = CNI_IO };
	char *text;
	json_t *failure;
	int rc = -1;

	if (argc == 2 && !strcmp(argv[1], "--help")) {
		print_help();
		return EXIT_SUCCESS;
	}
	if (argc == 2 && !strcmp(argv[1], "--version")) {
		puts("netd-cni " NETD_VERSION);
		return EXIT_SUCCESS;
	}
	signal(SIGPIPE, SIG_IGN);
	text = env.command && *env.command ? read_input(&e) : strdup("");
	if (text && !cni_request_read(&env, text, &q, &e))
		rc = carry_out(&q, &e);
	if (rc) {
		failure = cni_error_result(&e, q.version);
		print(failure);
		json_decref(failure);
	}
	cni_request_done(&q);
	free(text);
	return rc ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* netdctl: the table of subcommands, and what they all need. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl.h"

#ifndef NETD_VERSION
#define NETD_VERSION "unknown"
#endif

static const struct {
	const char *name;
	int (*fn)(struct ctl *c, int argc, char **argv);
	const char *usage, *what;
} commands[] = {
	{ "status", ctl_status, "", "daemon, networks, counts, warnings" },
	{ "networks", ctl_networks, "", "every network" },
	{ "network", ctl_network, "NAME", "one network, whole" },
	{ "network create", ctl_network,
	  "NAME [--mode MODE] [--subnet ADDRESS/LEN] [--set KEY=VALUE]... [-- TEXT...]",
	  "make a network, which stays until it is deleted" },
	{ "network delete", ctl_network, "NAME [--force]", "one that was made so, with all of it" },
	{ "guests", ctl_guests, "", "every port: guest, interface, addresses, state" },
	{ "leases", ctl_leases, "[--format dnsmasq] [NETWORK]", "every DHCP lease" },
	{ "run", ctl_run, "GUEST [OPTION]... -- VMM [ARG]...", "attach, and become the VMM" },
	{ "attach", ctl_attach,
	  "GUEST [OPTION]... [--tap [NAME] --owner USER | --macvtap] [--netns PATH [--ifname NAME]]",
	  "attach, and hold the device until ended; a named TAP and a veth pair stay" },
	{ "detach", ctl_detach, "GUEST[/NIC] [--qmp PATH|--ch-api PATH] [--timeout SECONDS]",
	  "the device goes, the allocation stays" },
	{ "release", ctl_release, "GUEST[/NIC]", "the allocation goes, too" },
	{ "link", ctl_link, "GUEST[/NIC] up|down", "what passes by its port: all, or nothing" },
	{ "wait", ctl_wait, "GUEST[/NIC] [--for bound|attached|gone] [--timeout SECONDS]",
	  "until that is so" },
	{ "events", ctl_events, "[--since now|NUMBER]", "what happened, and what happens" },
	{ "capture", ctl_capture,
	  "GUEST[/NIC] [-w FILE|-] [--dropped] [--count N] [--snaplen N] [FILTER...]",
	  "what passes at its port, as pcapng" },
	{ "import", ctl_import, "[--network NAME] [--dry-run] FILE",
	  "what dnsmasq or libvirt has promised, as allocations" },
	{ "publish", ctl_publish, "GUEST[/NIC] PROTO:PORT:GUESTPORT... [--address ADDRESS]",
	  "ports of the host that lead to the guest's" },
	{ "unpublish", ctl_unpublish, "GUEST[/NIC] [PROTO:PORT:GUESTPORT]... [--address ADDRESS]",
	  "they lead there no more; without a port: none does" },
	{ "published", ctl_published, "[GUEST]", "every port that is published" },
	{ "reload", ctl_reload, "", "read the configuration again" },
	{ "plan", ctl_plan, "", "what reload would change, and nothing is done" },
	{ "gc", ctl_gc, "[--dry-run]", "what is left over goes, or is only listed" },
	{ "doctor", ctl_doctor, "[GUEST[/NIC]]", "what is wrong, why, and what mends it" },
	{ "metrics", ctl_metrics, "", "numbers for a monitoring system (Prometheus)" },
};

static void print_usage(FILE *out)
{
	fputs("usage: netdctl [-s PATH] [--json] COMMAND [ARG]...\n\n", out);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "  %s %s\n        %s\n", commands[i].name, commands[i].usage,
			commands[i].what);
	fputs("\nOPTIONs of run and attach:\n"
	      "  --network NAME  --nic INDEX  --queues COUNT  --vhost auto|on|off  --mac MAC  "
	      "--address ADDRESS\n"
	      "  --format qemu|cloud-hypervisor|crosvm|lkvm|firecracker|libvirt|json|shell\n"
	      "and of attach, to plug into a VMM that runs:\n"
	      "  --qmp PATH [--bus BUS]  --ch-api PATH  --timeout SECONDS\n\n"
	      "  -s, --socket PATH   netd's socket ($NETD_SOCKET, or " NETD_SOCKET_PATH ")\n"
	      "      --json          print JSON\n"
	      "  -h, --help          this text\n"
	      "      --version       the version\n\n"
	      "Exit code: 0 done, 1 failed, 2 usage. See netdctl(1).\n",
	      out);
}

void ctl_usage(const char *fmt, ...)
{
	va_list ap;

	fputs("netdctl: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs("; see netdctl --help\n", stderr);
	exit(EXIT_USAGE);
}

void ctl_fail(const char *fmt, ...)
{
	va_list ap;

	fputs("netdctl: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(EXIT_FAILED);
}

void ctl_connect(struct ctl *c)
{
	if (!c->netd && netd_connect(c->socket, &c->netd))
		ctl_fail("%s", netd_error(c->netd));
}

json_t *ctl_call(struct ctl *c, const char *method, json_t *parameters)
{
	CLEAN_FREE char *text = parameters ? json_dumps(parameters, JSON_COMPACT) : NULL;
	const char *reply;
	json_t *v;

	json_decref(parameters);
	ctl_connect(c);
	if (netd_call(c->netd, method, text, &reply))
		ctl_fail("%s", netd_error(c->netd));
	v = json_loads(reply, 0, NULL);
	if (!v)
		ctl_fail("netd's reply cannot be understood");
	return v;
}

unsigned ctl_parse_number(const char *text, unsigned max, const char *what)
{
	unsigned long v;
	char *end;

	errno = 0;
	v = strtoul(text, &end, 10);
	if (errno || *end || *text < '0' || *text > '9' || v > max)
		ctl_usage("%s '%s' is not a number from 0 to %u", what, text, max);
	return (unsigned)v;
}

struct ctl_port ctl_parse_port(const char *text)
{
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	struct ctl_port p = { .nic = -1 };

	if (!len || len >= sizeof(p.guest))
		ctl_usage("'%s' is not GUEST or GUEST/NIC", text);
	memcpy(p.guest, text, len);
	if (slash)
		p.nic = (int)ctl_parse_number(slash + 1, 63, "the NIC");
	return p;
}

/* --- arguments --- */

static const struct ctl_option *find_option(const struct ctl_option *options, const char *name,
					    size_t len)
{
	for (const struct ctl_option *o = options; o && o->name; o++)
		if (strlen(o->name) == len && !strncmp(o->name, name, len))
			return o;
	return NULL;
}

/* One option at argv[i]; returns how many arguments it took. */
static int take_option(struct ctl *c, int argc, char **argv, int i,
		       const struct ctl_option *options)
{
	int dashes = argv[i][1] == '-' ? 2 : 1;
	const char *name = argv[i] + dashes, *equals = strchr(name, '=');
	size_t len = equals ? (size_t)(equals - name) : strlen(name);
	const struct ctl_option *o = find_option(options, name, len);

	/* One letter has one dash, and its value behind it. */
	if ((dashes == 1) != (len == 1))
		o = NULL;
	if (!o && !strcmp(argv[i], "--json")) {
		c->json = true;
		return 1;
	}
	if (!o)
		ctl_usage("unknown option '%s'", argv[i]);
	if (o->flag && !o->value) {
		if (equals)
			ctl_usage("option %.*s takes no value", dashes + (int)len, argv[i]);
		*o->flag = true;
		return 1;
	}
	if (*o->value || (o->flag && *o->flag))
		ctl_usage("option %.*s is given twice", dashes + (int)len, argv[i]);
	if (o->flag)
		*o->flag = true;
	if (equals) {
		*o->value = equals + 1;
		return 1;
	}
	if (o->flag && (i + 1 >= argc || argv[i + 1][0] == '-'))
		return 1;
	if (i + 1 >= argc)
		ctl_usage("option %s needs a value", argv[i]);
	*o->value = argv[i + 1];
	return 2;
}

/* The same for one that may be given more than once; 0 when it is none. */
static int take_listed(int argc, char **argv, int i, struct ctl_list *lists)
{
	const char *name = argv[i] + 2, *equals = strchr(argv[i], '=');
	size_t len = equals ? (size_t)(equals - name) : strlen(argv[i]) - 2;
	struct ctl_list *l = lists;

	if (argv[i][1] != '-')
		return 0;
	while (l && l->name && (strlen(l->name) != len || strncmp(l->name, name, len) != 0))
		l++;
	if (!l || !l->name)
		return 0;
	if (l->n == ARRAY_SIZE(l->at))
		ctl_usage("option --%s is given too often", l->name);
	if (!equals && i + 1 >= argc)
		ctl_usage("option %s needs a value", argv[i]);
	l->at[l->n++] = equals ? equals + 1 : argv[i + 1];
	return equals ? 1 : 2;
}

void ctl_parse_lists(struct ctl *c, int argc, char **argv, const struct ctl_option *options,
		     struct ctl_list *lists, struct ctl_args *ret)
{
	*ret = (struct ctl_args){ 0 };
	for (int i = 1; i < argc;) {
		int took;

		if (!strcmp(argv[i], "--")) {
			ret->rest = argv + i + 1;
			return;
		}
		if (argv[i][0] == '-' && argv[i][1]) {
			took = take_listed(argc, argv, i, lists);
			i += took ? took : take_option(c, argc, argv, i, options);
			continue;
		}
		if (ret->plains == (int)ARRAY_SIZE(ret->plain))
			ctl_usage("too many arguments");
		ret->plain[ret->plains++] = argv[i++];
	}
}

void ctl_parse(struct ctl *c, int argc, char **argv, const struct ctl_option *options,
	       struct ctl_args *ret)
{
	ctl_parse_lists(c, argc, argv, options, NULL, ret);
}

void ctl_expect(const struct ctl_args *a, int min, int max, bool rest, const char *usage)
{
	if (a->plains < min || a->plains > max || (a->rest && !rest) ||
	    (rest && (!a->rest || !a->rest[0])))
		ctl_usage("usage: netdctl %s", usage);
}

/* --- main --- */

static int run_command(struct ctl *c, int argc, char **argv)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i].name, argv[0]))
			return commands[i].fn(c, argc, argv);
	ctl_usage("there is no command '%s'", argv[0]);
}

int main(int argc, char **argv)
{
	struct ctl c = { 0 };
	int i = 1, rc;

	for (; i < argc && argv[i][0] == '-'; i++) {
		if (!strcmp(argv[i], "-h") || !strcmp(argv[i], "--help")) {
			print_usage(stdout);
			return EXIT_DONE;
		}
		if (!strcmp(argv[i], "--version")) {
			puts("netdctl " NETD_VERSION);
			return EXIT_DONE;
		}
		if (!strcmp(argv[i], "--json"))
			c.json = true;
		else if ((!strcmp(argv[i], "-s") || !strcmp(argv[i], "--socket")) && i + 1 < argc)
			c.socket = argv[++i];
		else if (!strncmp(argv[i], "--socket=", 9))
			c.socket = argv[i] + 9;
		else
			ctl_usage("unknown option '%s'", argv[i]);
	}
	if (i == argc) {
		print_usage(stderr);
		return EXIT_USAGE;
	}
	rc = run_command(&c, argc - i, argv + i);
	netd_close(c.netd);
	if (fflush(stdout) || ferror(stdout))
		ctl_fail("cannot write: %s", strerror(errno));
	return rc;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* netd: arguments, signals, and the word that it is ready. */
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "api.h"
#include "systemd.h"

#define BUILTIN_CONFIG "/etc/netd/netd.conf"
#define BUILTIN_STATE "/var/lib/netd"
#define BUILTIN_SOCKET "/run/netd/netd.sock"

struct arguments {
	char config[PATH_MAX], state[PATH_MAX], socket[CONFIG_PATH_SIZE],
		socket_default[CONFIG_PATH_SIZE];
	bool config_given, check, debug;
};

static const char usage_text[] =
	"usage: netd [-c FILE] [--state DIR] [--socket PATH] [--debug]\n"
	"       netd [-c FILE] --check\n"
	"\n"
	"The network of a host's guests: see netd(8). It stays in the foreground and logs to "
	"stderr.\n"
	"\n"
	"  -c, --config FILE   configuration (" BUILTIN_CONFIG
	"; without one, a built-in network `default`)\n"
	"      --state DIR     where the state is kept (" BUILTIN_STATE ")\n"
	"      --socket PATH   where to listen (" BUILTIN_SOCKET ")\n"
	"      --check         read the configuration, print its canonical form, and exit\n"
	"      --debug         log more\n"
	"  -h, --help          this text\n"
	"      --version       the version\n";

/* $NAME/leaf where the service manager says where such things are, else builtin. */
static void default_path(char *to, size_t size, const char *variable, const char *leaf,
			 const char *builtin)
{
	const char *directory = getenv(variable);

	if (directory && *directory == '/')
		snprintf(to, size, "%.*s%s", (int)strcspn(directory, ":"), directory, leaf);
	else
		snprintf(to, size, "%s", builtin);
}

static int copy(char *to, size_t size, const char *from, const char *option)
{
	if (strlen(from) < size) {
		memcpy(to, from, strlen(from) + 1);
		return 0;
	}
	fprintf(stderr, "netd: %s: the path is too long\n", option);
	return -1;
}

/* 0: go on; otherwise the exit code plus 1. */
static int parse(int argc, char **argv, struct arguments *a)
{
	enum { STATE = 256, SOCKET, CHECK, DEBUG, VERSION };
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "state", required_argument, NULL, STATE },
		{ "socket", required_argument, NULL, SOCKET },
		{ "check", no_argument, NULL, CHECK },
		{ "debug", no_argument, NULL, DEBUG },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, VERSION },
		{ 0 },
	};
	int c, rc = 0;

	while (!rc && (c = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			a->config_given = true;
			rc = copy(a->config, sizeof(a->config), optarg, "--config") ? 3 : 0;
			break;
		case STATE:
			rc = copy(a->state, sizeof(a->state), optarg, "--state") ? 3 : 0;
			break;
		case SOCKET:
			rc = copy(a->socket, sizeof(a->socket), optarg, "--socket") ? 3 : 0;
			break;
		case CHECK:
			a->check = true;
			break;
		case DEBUG:
			a->debug = true;
			break;
		case 'h':
			fputs(usage_text, stdout);
			return 1;
		case VERSION:
			puts("netd " NETD_VERSION);
			return 1;
		default:
			fputs(usage_text, stderr);
			return 3;
		}
	}
	if (!rc && optind < argc) {
		fprintf(stderr, "netd: unexpected argument '%s'\n", argv[optind]);
		return 3;
	}
	return rc;
}

static int check(const struct arguments *a)
{
	struct config *c;
	struct err err;

	if (config_read(a->config, !a->config_given, &c, &err)) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	config_print(c, stdout);
	config_free(c);
	return fflush(stdout) ? 1 : 0;
}

static void on_signal(void *arg, int signo)
{
	struct daemon *d = arg;
	struct refusal r = { 0 };

	if (signo != SIGHUP) {
		loop_stop(d->loop, 0);
		return;
	}
	systemd_notify("RELOADING=1");
	if (daemon_reload(d, &r) && r.kind == REFUSED_IN_USE)
		log_error("the configuration stays as it was: %s is on network %s", r.holder,
			  r.subject);
	else if (r.detail.text[0])
		log_error("the configuration stays as it was: %s", r.detail.text);
	systemd_notify("READY=1");
}

static int serve(const struct arguments *a, struct err *err)
{
	char state[PATH_MAX + 16];
	struct daemon_options o = { .config_path = a->config,
				    .config_optional = !a->config_given,
				    .state_path = state,
				    .socket_path = a->socket[0] ? a->socket : NULL,
				    .socket_default = a->socket_default,
				    .clock = clock_system,
				    .open_host = host_open_direct };
	struct daemon *d;
	sigset_t signals;
	int rc = systemd_listen_fd(&o.socket_fd, err);

	snprintf(state, sizeof(state), "%s/state.db", a->state);
	/* The directory is made when it is missing, so that a bare `netd` works. */
	if (!rc && mkdir(a->state, 0700) < 0 && errno != EEXIST)
		rc = err_sys(err, errno, "cannot make directory %s", a->state);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals,
		    NULL); /* one that comes early is taken when the loop runs */
	signal(SIGPIPE, SIG_IGN);
	if (!rc)
		rc = daemon_start(&o, &d, err);
	if (rc)
		return rc;
	rc = loop_signals(d->loop, &signals, on_signal, d);
	if (rc)
		err_sys(err, -rc, "cannot watch signals");
	if (!rc) {
		log_info("netd " NETD_VERSION " is ready");
		systemd_notify("READY=1");
		rc = loop_run(d->loop);
		systemd_notify("STOPPING=1");
		lan_stop(d);
	}
	daemon_stop(d);
	return rc;
}

int main(int argc, char **argv)
{
	struct arguments a = { 0 };
	struct err err;
	int rc;

	default_path(a.config, sizeof(a.config), "CONFIGURATION_DIRECTORY", "/netd.conf",
		     BUILTIN_CONFIG);
	default_path(a.state, sizeof(a.state), "STATE_DIRECTORY", "", BUILTIN_STATE);
	default_path(a.socket_default, sizeof(a.socket_default), "RUNTIME_DIRECTORY", "/netd.sock",
		     BUILTIN_SOCKET);
	rc = parse(argc, argv, &a);
	if (rc)
		return rc - 1;
	if (a.check)
		return check(&a);
	log_open(STDERR_FILENO, a.debug);
	if (serve(&a, &err)) {
		log_error("%s", err.text);
		return 1;
	}
	return 0;
}

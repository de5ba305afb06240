/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A daemon on the host in memory, with a directory and clocks of its own. */
#include <unistd.h>

#include "base/cleanup.h"
#include "fake_host.h"

static int64_t fake_boottime(void *arg)
{
	return ((struct fake_daemon *)arg)->boottime;
}

static int64_t fake_wall(void *arg)
{
	return ((struct fake_daemon *)arg)->wall;
}

static void fake_advance(void *arg, int64_t until)
{
	struct fake_daemon *f = arg;

	f->wall += until - f->boottime;
	f->boottime = until;
}

static void write_config(const struct fake_daemon *f, const char *text)
{
	FILE *out = fopen(f->config, "w");

	fake_must(out != NULL, "no configuration file");
	fputs(text, out);
	fake_must(fclose(out) == 0, "no configuration file");
}

int fake_try_start(struct fake_daemon *f, const char *config, struct err *err)
{
	struct daemon_options o = { .config_path = f->config,
				    .state_path = f->state,
				    .socket_path = f->socket,
				    .socket_fd = -1,
				    .clock = { fake_boottime, fake_wall, fake_advance, f },
				    .open_host = fake_open_host };

	if (!f->directory[0]) {
		snprintf(f->directory, sizeof(f->directory), "/tmp/netd-unit-XXXXXX");
		fake_must(mkdtemp(f->directory) != NULL, "no directory");
		snprintf(f->config, sizeof(f->config), "%s/netd.conf", f->directory);
		snprintf(f->state, sizeof(f->state), "%s/state.db", f->directory);
		snprintf(f->socket, sizeof(f->socket), "%s/socket", f->directory);
		f->boottime = 1000 * NS_PER_S;
		f->wall = 1800000000 * NS_PER_S;
		log_open(-1, false);
	}
	write_config(f, config);
	return daemon_start(&o, &f->d, err);
}

void fake_start(struct fake_daemon *f, const char *config)
{
	struct err err;

	fake_must(fake_try_start(f, config, &err) == 0, "the daemon does not start");
}

void fake_stop(struct fake_daemon *f)
{
	daemon_stop(f->d);
	f->d = NULL;
}

int fake_reload(struct fake_daemon *f, const char *config, struct refusal *r)
{
	int rc;

	write_config(f, config);
	rc = daemon_reload(f->d, r);
	fake_turn(f);
	return rc;
}

void fake_remove(struct fake_daemon *f)
{
	static const char *const leaf[] = { "netd.conf", "state.db", "state.db-wal", "state.db-shm",
					    "socket" };
	char path[128];

	for (size_t i = 0; i < ARRAY_SIZE(leaf); i++) {
		snprintf(path, sizeof(path), "%s/%s", f->directory, leaf[i]);
		unlink(path);
	}
	rmdir(f->directory);
	free(fake_host);
	fake_host = NULL;
}

void fake_turn(struct fake_daemon *f)
{
	loop_turn(f->d->loop, false);
}

struct port *fake_attach(struct fake_daemon *f, const char *guest, uint32_t address)
{
	struct attach_request q = {
		.guest = guest, .queues = 1, .vhost = VHOST_OFF, .wish.address = address
	};
	struct attachment *a;
	struct ticket ticket;
	struct refusal r;

	fake_must(port_attach(f->d, &q, &a, &ticket, &r) == 0, "an attach is refused");
	fake_turn(f);
	port_delivered(a);
	return port_find(f->d, 0, guest, 0);
}

void fake_tick(struct fake_daemon *f, int64_t ns)
{
	f->boottime += ns;
	f->wall += ns;
	fake_turn(f);
}

void fake_pass(struct fake_daemon *f, int64_t seconds)
{
	fake_tick(f, seconds * NS_PER_S);
}

void fake_forget_ports(struct fake_daemon *f)
{
	struct port *p;

	for (unsigned i = 0; i < FAKE_LINKS; i++)
		if (!strcmp(fake_host->link[i].kind, "tun"))
			fake_link_gone(fake_host->link[i].index);
	for (uint32_t at = 0; (p = port_next(f->d, &at));) {
		struct release *release;
		struct ticket ticket;
		struct refusal r;

		fake_must(port_release(f->d, p->guest, p->nic, &release, &ticket, &r) == 0,
			  "no release");
		port_released(f->d, release);
	}
	fake_turn(f);
}

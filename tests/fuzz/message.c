/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Octets of a client on the API's socket: the daemon answers or closes, and goes on serving. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fake_host.h"
#include "fuzz.h"

static struct fake_daemon f;

static void stop(void)
{
	fake_stop(&f);
	fake_remove(&f);
}

static int connect_to(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	fuzz_check(fd >= 0 && connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0);
	return fd;
}

/* All that the daemon has to say now. */
static size_t drain(int fd, char *buf, size_t size)
{
	size_t n = 0;

	for (;;) {
		ssize_t got = recv(fd, buf + n, size - 1 - n, 0);

		if (got <= 0)
			break;
		n += (size_t)got;
		if (n == size - 1)
			n = 0;
	}
	buf[n] = 0;
	return n;
}

static void check_alive(void)
{
	static const char call[] = "{\"method\":\"org.varlink.service.GetInfo\"}";
	static char answer[65536];
	int fd = connect_to(f.socket);

	fuzz_check(send(fd, call, sizeof(call), MSG_NOSIGNAL) == (ssize_t)sizeof(call));
	for (unsigned i = 0; i < 3; i++)
		fake_turn(&f);
	fuzz_check(drain(fd, answer, sizeof(answer)) > 0 && strstr(answer, "\"netd\""));
	close(fd);
	for (unsigned i = 0; i < 3; i++)
		fake_turn(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char answer[65536];
	int fd;

	if (!f.d) {
		fake_start(
			&f,
			"mac { secret = s }\nnetwork default { subnet = 10.77.0.1/24 dns = 192.0.2.53 }\n");
		atexit(stop);
	}
	fd = connect_to(f.socket);
	/* What the socket's buffer does not take is lost, which a client's end would do as well. */
	if (send(fd, data, size, MSG_NOSIGNAL) < 0)
		size = 0;
	for (unsigned i = 0; i < 12; i++) {
		fake_turn(&f);
		drain(fd, answer, sizeof(answer));
	}
	close(fd);
	for (unsigned i = 0; i < 3; i++)
		fake_turn(&f);
	check_alive();
	fake_forget_ports(&f);
	return 0;
}

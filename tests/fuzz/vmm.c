/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is at the other end of a VMM's socket says this and hangs up. The first octet chooses what
 * is asked of it. Whatever it says, there is an end, and a sentence when it is a failure, fit for a
 * terminal; and a hang-up is never taken for more than it is.
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "hotplug.h"

enum { MOST = 64 << 10, SECONDS = 10 };

static const struct netd_port port = { .mac = "52:54:00:12:34:56",
				       .mtu = 1500,
				       .queues = 2,
				       .tap_fd = { 0, 0 },
				       .vhosts = 2,
				       .vhost_fd = { 0, 0 } };

static int talk_qmp(struct peer *p, const struct hotplug *h, bool plug, struct err *err)
{
	struct qmp q;
	int found = -1, rc = qmp_begin(&q, p, err);

	if (!rc && plug)
		rc = qmp_plug(&q, h, err);
	else if (!rc)
		rc = qmp_unplug(&q, h, &found, err);
	fuzz_check(q.peer.len <= MOST);
	qmp_done(&q);
	return rc;
}

static int talk_ch(struct peer *p, const struct hotplug *h, bool plug, struct err *err)
{
	int found = -1, rc = ch_ping(p, err);

	if (!rc && plug)
		rc = ch_plug(p, h, err);
	else if (!rc)
		rc = ch_unplug(p, h, &found, err);
	peer_done(p);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct hotplug h = {
		.card = { .guest = "web1", .nic = 0, .queues = 2, .port = &port }
	};
	struct err err = { 0 };
	struct peer p;
	int ends[2], rc;

	if (!size || size > MOST)
		return 0;
	fuzz_check(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
	fuzz_check(write(ends[1], data + 1, size - 1) == (ssize_t)size - 1);
	shutdown(ends[1], SHUT_WR);
	peer_init(&p, ends[0], "vmm", SECONDS);
	rc = data[0] & 1 ? talk_ch(&p, &h, data[0] & 2, &err) : talk_qmp(&p, &h, data[0] & 2, &err);
	fuzz_check(!rc || (rc < 0 && err.text[0]));
	for (const char *c = err.text; *c; c++)
		fuzz_check(*c >= ' ' && *c <= '~');
	close(ends[1]);
	return 0;
}

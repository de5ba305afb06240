/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The dialogues with a VMM that runs, against one that says what it was told to beforehand,
 * whatever it is asked. What it was asked is compared as a whole.
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hotplug.h"
#include "unit.h"

#define TIMEOUT 0.05 /* of a peer that says nothing more */

static const struct netd_port one_queue = {
	.mac = "52:54:00:12:34:56", .mtu = 1400, .queues = 1, .tap_fd = { 0 }
};

static struct hotplug card_of(const struct netd_port *p)
{
	return (struct hotplug){
		.card = { .guest = "web1", .nic = 0, .queues = p->queues, .port = p }
	};
}

/* The VMM's end of a connection. */
struct other {
	int fd;
	struct peer peer;
};

/* It says the text, and then nothing, or hangs up. */
static struct other other_that_says(const char *text, bool hangs_up)
{
	struct other o;
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends),
			 0);
	ck_assert_int_eq(write(ends[1], text, strlen(text)), (ssize_t)strlen(text));
	if (hangs_up)
		ck_assert_int_eq(shutdown(ends[1], SHUT_WR), 0);
	peer_init(&o.peer, ends[0], "PATH", TIMEOUT);
	o.fd = ends[1];
	return o;
}

/* What it was asked, and how many descriptors came along. */
static void check_asked(struct other *o, const char *expected, unsigned expected_fds)
{
	static char got[1 << 16];
	char control[CMSG_SPACE(sizeof(int) * 64)];
	unsigned fds = 0;
	size_t len = 0;
	ssize_t n;

	do {
		struct iovec iov = { got + len, sizeof(got) - 1 - len };
		struct msghdr mh = { .msg_iov = &iov,
				     .msg_iovlen = 1,
				     .msg_control = control,
				     .msg_controllen = sizeof(control) };

		n = recvmsg(o->fd, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		len += n > 0 ? (size_t)n : 0;
		for (struct cmsghdr *h = n > 0 ? CMSG_FIRSTHDR(&mh) : NULL; h;
		     h = CMSG_NXTHDR(&mh, h))
			for (size_t i = 0; i < (h->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
				int fd;

				memcpy(&fd, CMSG_DATA(h) + i * sizeof(int), sizeof(fd));
				close(fd);
				fds++;
			}
	} while (n > 0);
	got[len] = 0;
	ck_assert_str_eq(got, expected);
	ck_assert_uint_eq(fds, expected_fds);
	close(o->fd);
}

/* --- QEMU --- */

#define HELLO "{\"QMP\": {\"version\": {}, \"capabilities\": [\"oob\"]}}\r\n"
#define OK(id) "{\"return\": {}, \"id\": " #id "}\r\n"
#define NO(id, why)                                                                                \
	"{\"id\": " #id ", \"error\": {\"class\": \"GenericError\", \"desc\": \"" why "\"}}\r\n"
#define GONE(id)                                                                                   \
	"{\"id\": " #id ", \"error\": {\"class\": \"DeviceNotFound\", \"desc\": \"not found\"}}\r\n"
#define EVENT(name, device)                                                                        \
	"{\"timestamp\": {}, \"event\": \"" name "\", \"data\": {\"device\": \"" device            \
	"\", \"path\": \"/x\"}}\r\n"

#define ASK(command, id) "{\"execute\":\"" command "\",\"id\":" #id "}\n"
#define ASK_WITH(command, id, arguments)                                                           \
	"{\"execute\":\"" command "\",\"id\":" #id ",\"arguments\":{" arguments "}}\n"
#define CAPABILITIES ASK("qmp_capabilities", 1)
#define GETFD(id) ASK_WITH("getfd", id, "\"fdname\":\"netd-web1-0-tap0\"")
#define CLOSEFD(id) ASK_WITH("closefd", id, "\"fdname\":\"netd-web1-0-tap0\"")
#define NETDEV_ADD(id)                                                                             \
	ASK_WITH("netdev_add", id,                                                                 \
		 "\"type\":\"tap\",\"id\":\"netd-web1-0\",\"fds\":\"netd-web1-0-tap0\"")
#define DEVICE_ADD(id)                                                                             \
	ASK_WITH(                                                                                  \
		"device_add", id,                                                                  \
		"\"driver\":\"virtio-net-pci\",\"id\":\"netd-web1-0\",\"netdev\":\"netd-web1-0\"," \
		"\"mac\":\"52:54:00:12:34:56\",\"host_mtu\":1400")
#define NETDEV_DEL(id) ASK_WITH("netdev_del", id, "\"id\":\"netd-web1-0\"")
#define DEVICE_DEL(id) ASK_WITH("device_del", id, "\"id\":\"netd-web1-0\"")

static const struct {
	const char *says;
	bool hangs_up;
	const char *why; /* NULL: it succeeds */
	const char *asked;
	unsigned fds;
} plugs[] = {
	{ HELLO OK(1) OK(2) OK(3) OK(4), false, NULL,
	  CAPABILITIES GETFD(2) NETDEV_ADD(3) DEVICE_ADD(4), 1 },
	/* what happens meanwhile, replies to others, and what is unknown, are passed over */
	{ HELLO EVENT("DEVICE_DELETED", "netd-web1-0") OK(1) OK(77) "{}\r\n" OK(2) EVENT("NIC", "x")
		  OK(3) "{\"id\": 4}\r\n" OK(4),
	  false, NULL, CAPABILITIES GETFD(2) NETDEV_ADD(3) DEVICE_ADD(4), 1 },

	/* it refuses: undone in reverse */
	{ HELLO NO(1, "\\u001b[31mno\\nway"), false, "QEMU refuses qmp_capabilities:  [31mno way",
	  CAPABILITIES, 0 },
	{ HELLO NO(1, "no"), false, "QEMU refuses qmp_capabilities: no", CAPABILITIES, 0 },
	{ HELLO OK(1) NO(2, "no") OK(3), false, "QEMU refuses getfd: no",
	  CAPABILITIES GETFD(2) CLOSEFD(3), 1 },
	{ HELLO OK(1) OK(2) NO(3, "Duplicate ID") OK(4), false,
	  "QEMU refuses netdev_add: Duplicate ID", CAPABILITIES GETFD(2) NETDEV_ADD(3) CLOSEFD(4),
	  1 },
	{ HELLO OK(1) OK(2) OK(3) NO(4, "Bus 'pcie.0' does not support hotplugging") OK(5) OK(6),
	  false, "QEMU refuses device_add: Bus 'pcie.0' does not support hotplugging",
	  CAPABILITIES GETFD(2) NETDEV_ADD(3) DEVICE_ADD(4) NETDEV_DEL(5) CLOSEFD(6), 1 },
	{ HELLO OK(1) OK(2) OK(3) "{\"id\": 4, \"error\": 7}\r\n" OK(5) OK(6), false,
	  "QEMU refuses device_add: it does not say why",
	  CAPABILITIES GETFD(2) NETDEV_ADD(3) DEVICE_ADD(4) NETDEV_DEL(5) CLOSEFD(6), 1 },

	/* it hangs up: what it may have is asked back, in vain here */
	{ "", true, "PATH was closed", "", 0 },
	{ HELLO OK(1) OK(2), true, "netdev_add: PATH was closed",
	  CAPABILITIES GETFD(2) NETDEV_ADD(3) NETDEV_DEL(4) CLOSEFD(5), 1 },
	{ HELLO OK(1) OK(2) OK(3), true, "device_add: PATH was closed",
	  CAPABILITIES GETFD(2) NETDEV_ADD(3) DEVICE_ADD(4) DEVICE_DEL(5) NETDEV_DEL(6) CLOSEFD(7),
	  1 },

	/* it is not QEMU, or does not go on */
	{ "", false, "PATH does not greet: is somebody else connected to it?", "", 0 },
	{ "{\"QMP\": {}}", false, "PATH does not greet: is somebody else connected to it?", "", 0 },
	{ "HTTP/1.1 400 \r\n", false, "PATH says what is not QMP", "", 0 },
	{ "[]\r\n", false, "PATH says what is not QMP", "", 0 },
	{ "{\"hello\": 1}\r\n", false, "PATH does not greet as QMP does", "", 0 },
	{ HELLO, false, "qmp_capabilities: PATH does not answer in time", CAPABILITIES, 0 },
	{ HELLO OK(1) "x\r\n", true, "getfd: PATH says what is not QMP",
	  CAPABILITIES GETFD(2) CLOSEFD(3), 1 },
};

START_TEST(plug)
{
	struct other o = other_that_says(plugs[_i].says, plugs[_i].hangs_up);
	struct hotplug h = card_of(&one_queue);
	struct err err = { 0 };
	struct qmp q;
	int rc = qmp_begin(&q, &o.peer, &err);

	if (!rc)
		rc = qmp_plug(&q, &h, &err);
	if (plugs[_i].why) {
		ck_assert_int_lt(rc, 0);
		ck_assert_str_eq(err.text, plugs[_i].why);
	} else {
		ck_assert_msg(!rc, "%s", err.text);
	}
	qmp_done(&q);
	check_asked(&o, plugs[_i].asked, plugs[_i].fds);
}
END_TEST

/* TAP and vhost descriptors go in the order in which their names are given then. */
START_TEST(plug_vhost)
{
	struct netd_port p = one_queue;
	struct hotplug h = card_of(&p);
	struct other o = other_that_says(HELLO OK(1) OK(2) OK(3) OK(4) OK(5) OK(6) OK(7), false);
	struct err err = { 0 };
	struct qmp q;

	p.queues = p.vhosts = h.card.queues = 2;
	h.bus = "hot0";
	ck_assert_int_eq(qmp_begin(&q, &o.peer, &err), 0);
	ck_assert_int_eq(qmp_plug(&q, &h, &err), 0);
	qmp_done(&q);
	check_asked(
		&o,
		CAPABILITIES ASK_WITH("getfd", 2, "\"fdname\":\"netd-web1-0-tap0\"")
			ASK_WITH("getfd", 3, "\"fdname\":\"netd-web1-0-tap1\"") ASK_WITH(
				"getfd", 4, "\"fdname\":\"netd-web1-0-vhost0\"")
				ASK_WITH("getfd", 5, "\"fdname\":\"netd-web1-0-vhost1\"") ASK_WITH(
					"netdev_add", 6,
					"\"type\":\"tap\",\"id\":\"netd-web1-0\","
					"\"fds\":\"netd-web1-0-tap0:netd-web1-0-tap1\","
					"\"vhost\":true,"
					"\"vhostfds\":\"netd-web1-0-vhost0:netd-web1-0-vhost1\"")
					ASK_WITH(
						"device_add", 7,
						"\"driver\":\"virtio-net-pci\",\"id\":\"netd-web1-0\","
						"\"netdev\":\"netd-web1-0\","
						"\"mac\":\"52:54:00:12:34:56\",\"host_mtu\":1400,"
						"\"mq\":true,\"vectors\":6,\"bus\":\"hot0\""),
		4);
}
END_TEST

static const struct {
	const char *says;
	bool hangs_up;
	const char *why;
	int found;
	const char *asked;
} unplugs[] = {
	{ HELLO OK(1) OK(2) EVENT("DEVICE_DELETED", "netd-web1-0") OK(3), false, NULL, 1,
	  CAPABILITIES DEVICE_DEL(2) NETDEV_DEL(3) },
	/* it may go before the reply comes */
	{ HELLO OK(1) EVENT("DEVICE_DELETED", "netd-web1-0") OK(2) OK(3), false, NULL, 1,
	  CAPABILITIES DEVICE_DEL(2) NETDEV_DEL(3) },
	/* it was asked before */
	{ HELLO OK(1) NO(2, "Device netd-web1-0 is already in the process of unplug")
		  EVENT("DEVICE_DELETED", "netd-web1-0") OK(3),
	  false, NULL, 1, CAPABILITIES DEVICE_DEL(2) NETDEV_DEL(3) },
	/* there is none, or no more of it than its backend */
	{ HELLO OK(1) GONE(2) GONE(3), false, NULL, 0, CAPABILITIES DEVICE_DEL(2) NETDEV_DEL(3) },
	{ HELLO OK(1) GONE(2) OK(3), false, NULL, 1, CAPABILITIES DEVICE_DEL(2) NETDEV_DEL(3) },

	{ HELLO OK(1) OK(2) EVENT("DEVICE_UNPLUG_GUEST_ERROR", "netd-web1-0"), false,
	  "the guest refuses to let the card go; it stays", 1, CAPABILITIES DEVICE_DEL(2) },
	{ HELLO OK(1) OK(2) EVENT("DEVICE_DELETED", "netd-web1-1") EVENT("DEVICE_DELETED", "web1"),
	  false, "the guest does not let the card go in time; it stays", 1,
	  CAPABILITIES DEVICE_DEL(2) },
	{ HELLO OK(1) NO(2, "no"), false, "QEMU refuses device_del: no", 1,
	  CAPABILITIES DEVICE_DEL(2) },
	{ HELLO OK(1) OK(2) EVENT("DEVICE_DELETED", "netd-web1-0") NO(3, "no"), false,
	  "QEMU refuses netdev_del: no", 1, CAPABILITIES DEVICE_DEL(2) NETDEV_DEL(3) },
	{ HELLO OK(1) OK(2), true, "PATH was closed", 1, CAPABILITIES DEVICE_DEL(2) },
};

START_TEST(unplug)
{
	struct other o = other_that_says(unplugs[_i].says, unplugs[_i].hangs_up);
	struct hotplug h = card_of(&one_queue);
	struct err err = { 0 };
	struct qmp q;
	int found = -1, rc;

	ck_assert_int_eq(qmp_begin(&q, &o.peer, &err), 0);
	rc = qmp_unplug(&q, &h, &found, &err);
	if (unplugs[_i].why) {
		ck_assert_int_lt(rc, 0);
		ck_assert_str_eq(err.text, unplugs[_i].why);
	} else {
		ck_assert_msg(!rc, "%s", err.text);
	}
	ck_assert_int_eq(found, unplugs[_i].found);
	qmp_done(&q);
	check_asked(&o, unplugs[_i].asked, 0);
}
END_TEST

/* A child that sends without end: a line, or events that are of no interest. */
static struct peer flood(const char *first, const char *again, pid_t *ret_pid)
{
	struct peer p;
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	*ret_pid = fork();
	if (!*ret_pid) {
		close(ends[0]);
		(void)!write(ends[1], first, strlen(first));
		while (write(ends[1], again, strlen(again)) > 0)
			;
		_exit(0);
	}
	close(ends[1]);
	peer_init(&p, ends[0], "PATH", 0.3);
	return p;
}

START_TEST(floods)
{
	static const struct {
		const char *first, *again, *why;
	} rows[] = {
		{ "", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
		  "PATH sends too much" },
		{ HELLO, EVENT("NIC_RX_FILTER_CHANGED", "netd-web1-0"),
		  "qmp_capabilities: PATH does not answer in time" },
	};
	struct err err = { 0 };
	struct peer p;
	struct qmp q;
	pid_t pid;

	p = flood(rows[_i].first, rows[_i].again, &pid);
	/* A line without an end has as long as it takes to be too long. */
	if (!_i)
		peer_set_timeout(&p, 60);
	ck_assert_int_lt(qmp_begin(&q, &p, &err), 0);
	ck_assert_str_eq(err.text, rows[_i].why);
	waitpid(pid, NULL, 0);
}
END_TEST

/* --- cloud-hypervisor --- */

#define REQUEST(method, what)                                                                      \
	method " /api/v1/" what " HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n"
#define ADD_NET                                                                                    \
	REQUEST("PUT", "vm.add-net")                                                               \
	"Content-Length: 61\r\n\r\n"                                                               \
	"{\"id\":\"netd-web1-0\",\"mac\":\"52:54:00:12:34:56\",\"num_queues\":2}"

static const struct {
	const char *says;
	bool hangs_up;
	const char *why;
} adds[] = {
	{ "HTTP/1.1 200 \r\nServer: Cloud Hypervisor API\r\nContent-Length: 2\r\n\r\n{}", false,
	  NULL },
	{ "HTTP/1.1 204 \r\n\r\n", false, NULL },
	{ "HTTP/1.1 200 OK\r\ncontent-length:\t3\r\n\r\nabc and more", false, NULL },
	{ "HTTP/1.1 500 \r\nContent-Length: 35\r\n\r\n[\"The request failed\",\"no\\nqueues\"]",
	  false, "cloud-hypervisor refuses vm.add-net with 500: no queues" },
	{ "HTTP/1.1 400 \r\nContent-Length: 8\r\n\r\nbad\x1b body", false,
	  "cloud-hypervisor refuses vm.add-net with 400: bad  bod" },
	{ "HTTP/1.1 404 \r\n\r\n", false, "cloud-hypervisor refuses vm.add-net with 404" },
	{ "HTTP/1.1 302 \r\n\r\n", false, "cloud-hypervisor refuses vm.add-net with 302" },
	{ "", false, "vm.add-net: PATH does not answer in time" },
	{ "", true, "vm.add-net: PATH was closed" },
	{ "HTTP/1.1 200 \r\n", true, "vm.add-net: PATH was closed" },
	{ "HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\nabc", true, "vm.add-net: PATH was closed" },
	{ "HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\nabc", false,
	  "vm.add-net: PATH does not answer in time" },
	{ "HTTP/1.1 200 \r\nContent-Length: 99999999999999999999\r\n\r\n", false,
	  "vm.add-net: PATH answers with a wrong Content-Length" },
	{ "HTTP/1.1 200 \r\nContent-Length: -1\r\n\r\n", false,
	  "vm.add-net: PATH answers with a wrong Content-Length" },
	{ "HTTP/1.1\r\n\r\n", false, "vm.add-net: PATH answers with what is not HTTP" },
	{ "\r\n\r\n", false, "vm.add-net: PATH answers with what is not HTTP" },
	{ "{\"QMP\": {}}\r\n\r\n", false, "vm.add-net: PATH answers with what is not HTTP" },
};

START_TEST(add_net)
{
	struct other o = other_that_says(adds[_i].says, adds[_i].hangs_up);
	struct hotplug h = card_of(&one_queue);
	struct err err = { 0 };
	int rc = ch_plug(&o.peer, &h, &err);

	if (adds[_i].why) {
		ck_assert_int_lt(rc, 0);
		ck_assert_str_eq(err.text, adds[_i].why);
	} else {
		ck_assert_msg(!rc, "%s", err.text);
	}
	peer_done(&o.peer);
	check_asked(&o, ADD_NET, 1);
}
END_TEST

/* Two requests on one connection. */
START_TEST(remove_device)
{
	struct other o = other_that_says("HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\n{}"
					 "HTTP/1.1 204 \r\n\r\n"
					 "HTTP/1.1 404 \r\nContent-Length: 2\r\n\r\n[]"
					 "HTTP/1.1 500 \r\nContent-Length: 6\r\n\r\n[\"no\"]",
					 false);
	struct hotplug h = card_of(&one_queue);
	struct err err = { 0 };
	int found = -1;

	ck_assert_int_eq(ch_ping(&o.peer, &err), 0);
	ck_assert_int_eq(ch_unplug(&o.peer, &h, &found, &err), 0);
	ck_assert_int_eq(found, 1);
	ck_assert_int_eq(ch_unplug(&o.peer, &h, &found, &err), 0);
	ck_assert_int_eq(found, 0);
	ck_assert_int_eq(ch_unplug(&o.peer, &h, &found, &err), -EREMOTEIO);
	ck_assert_str_eq(err.text, "cloud-hypervisor refuses vm.remove-device with 500: no");
	peer_done(&o.peer);
#define REMOVE                                                                                     \
	REQUEST("PUT", "vm.remove-device") "Content-Length: 20\r\n\r\n{\"id\":\"netd-web1-0\"}"
	check_asked(&o, REQUEST("GET", "vmm.ping") "\r\n" REMOVE REMOVE REMOVE, 0);
}
END_TEST

UNIT_SUITE(netd_hotplug)
{
	tcase_add_loop_test(tc, plug, 0, ARRAY_SIZE(plugs));
	tcase_add_test(tc, plug_vhost);
	tcase_add_loop_test(tc, unplug, 0, ARRAY_SIZE(unplugs));
	tcase_add_loop_test(tc, floods, 0, 2);
	tcase_add_loop_test(tc, add_net, 0, ARRAY_SIZE(adds));
	tcase_add_test(tc, remove_device);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netd-bridge-helper: what QEMU runs for `-netdev bridge`, with the arguments, the protocol and the
 * bridge.conf of its own qemu-bridge-helper. It attaches a card by netd, hands the TAP over, and
 * ends.
 *
 * It needs no privileges, and gives up those that it may have been installed with: who asks is
 * known to netd by SO_PEERCRED.
 */
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fds.h"
#include "helper.h"
#include "netd.h"

#ifndef QEMU_CONFDIR
#define QEMU_CONFDIR "/etc/qemu"
#endif

struct arguments {
	const char *bridge, *acl;
	bool use_vnet;
	int fd;
};

/* Who asks, and for what. */
struct asker {
	int pid; /* of QEMU */
	bool known;
	struct qemu_machine machine;
	char guest[GUEST_NAME_SIZE];
	char network[64];
	struct choice choice;
	bool new_allocation;
};

__attribute__((format(printf, 1, 2))) static void say(const char *fmt, ...)
{
	va_list ap;

	fputs("netd-bridge-helper: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

static void warn(const char *sentence)
{
	say("%s; the rest of that file is ignored", sentence);
}

static void print_usage(FILE *out)
{
	fputs("usage: netd-bridge-helper [--use-vnet] --br=NAME --fd=DESCRIPTOR\n"
	      "\n"
	      "What QEMU runs for -netdev bridge,br=NAME,helper=PATH: attaches a card of the machine by\n"
	      "netd, and sends its TAP over a socket. NAME is a network of netd, or its bridge.\n"
	      "\n"
	      "  --acl=FILE   instead of " QEMU_CONFDIR "/bridge.conf; not when it is set-uid\n"
	      "  --help       this text\n"
	      "  --version    the version\n"
	      "\n"
	      "$NETD_SOCKET is netd's socket, $NETD_GUEST the guest's name. See netd-bridge-helper(8).\n",
	      out);
}

/* --- privileges and arguments --- */

/* Back to the user who runs it. False when the kernel refuses. */
static bool drop_privileges(void)
{
	uid_t uid = getuid();
	gid_t gid = getgid();

	if (gid != getegid() && setresgid(gid, gid, gid) < 0)
		return false;
	if (uid != geteuid() && setresuid(uid, uid, uid) < 0)
		return false;
	return geteuid() == uid && getegid() == gid;
}

/* False: it is none that there is. */
static bool take_argument(const char *word, struct arguments *a)
{
	if (!strcmp(word, "--use-vnet"))
		a->use_vnet = true;
	else if (!strncmp(word, "--br=", 5))
		a->bridge = word + 5;
	else if (!strncmp(word, "--fd=", 5))
		a->fd = atoi(word + 5); /* NOLINT(cert-err34-c): as QEMU's reads it */
	else if (!strncmp(word, "--acl=", 6) && !getauxval(AT_SECURE))
		a->acl = word + 6;
	else
		return false;
	return true;
}

/* --- the network --- */

static json_t *call(struct netd *n, const char *method, const char *key, const char *value)
{
	json_t *parameters = key ? json_pack("{s:s}", key, value) : json_object();
	CLEAN_FREE char *text = parameters ? json_dumps(parameters, JSON_COMPACT) : NULL;
	const char *reply;

	json_decref(parameters);
	if (!text || netd_call(n, method, text, &reply))
		return NULL;
	return json_loads(reply, 0, NULL);
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

/* The network whose bridge has this name, or else that has it itself. */
static const json_t *network_of(const json_t *networks, const char *name)
{
	static const char *const keys[] = { "bridge", "name" };
	const json_t *n;
	size_t i;

	for (size_t k = 0; *name && k < ARRAY_SIZE(keys); k++)
		json_array_foreach (networks, i, n)
			if (!strcmp(text_of(n, keys[k]), name))
				return n;
	return NULL;
}

/* What is denied by one of its names is not to be had by the other. */
static int find_network(struct netd *n, const struct acl *acl, const char *bridge, struct asker *k)
{
	json_t *reply = call(n, "io.netd.ListNetworks", NULL, NULL);
	const json_t *network = network_of(json_object_get(reply, "networks"), bridge);
	int rc = -1;

	if (!reply)
		say("%s", netd_error(n));
	else if (!network)
		say("netd has no network '%s', and none with a bridge of that name", bridge);
	else if (acl_denies(acl, text_of(network, "name")) ||
		 acl_denies(acl, text_of(network, "bridge")))
		say("access denied by acl file: %s is network '%s' with bridge '%s'", bridge,
		    text_of(network, "name"), text_of(network, "bridge"));
	else
		rc = 0;
	if (!rc)
		snprintf(k->network, sizeof(k->network), "%s", text_of(network, "name"));
	json_decref(reply);
	return rc;
}

/* --- the guest --- */

static bool read_mac(const char *text, uint8_t mac[6])
{
	unsigned v[6];

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x", v, v + 1, v + 2, v + 3, v + 4, v + 5) != 6)
		return false;
	for (unsigned i = 0; i < 6; i++)
		mac[i] = (uint8_t)v[i];
	return true;
}

/* Its ports. -1, and told why, when it is another process's. */
static int known_ports(const json_t *guests, const struct asker *k, struct known_port *ret)
{
	const json_t *p;
	size_t i;

	json_array_foreach (guests, i, p) {
		const char *ifname = text_of(p, "interface");

		ret[i] = (struct known_port){
			.nic = (uint32_t)json_integer_value(json_object_get(p, "nic")),
			.attached = *ifname != 0,
			.here = !strcmp(text_of(p, "network"), k->network),
		};
		if (!read_mac(text_of(p, "mac"), ret[i].mac))
			return -1;
		if (!*ifname || strcmp(text_of(p, "device"), "descriptors") ||
		    process_holds(k->pid, ifname))
			continue;
		say("guest '%s' is running already: its interface %s, MAC %s, is not of process %d; "
		    "give this machine a name (-name) and a MAC address of its own",
		    k->guest, ifname, text_of(p, "mac"), k->pid);
		return -1;
	}
	return 0;
}

/* As which nic, and with which MAC. */
static int choose_of(const char *bridge, struct asker *k, const struct known_port *port,
		     size_t ports)
{
	if (!choose_card(k->known ? &k->machine : NULL, bridge, port, ports, &k->choice)) {
		say("guest '%s' has 64 cards already", k->guest);
		return -1;
	}
	k->new_allocation = true;
	for (size_t i = 0; i < ports; i++)
		if (port[i].here && port[i].nic == k->choice.nic)
			k->new_allocation = false;
	return 0;
}

static int choose(struct netd *n, const char *bridge, struct asker *k)
{
	json_t *reply = call(n, "io.netd.ListGuests", "guest", k->guest);
	const json_t *guests = json_object_get(reply, "guests");
	size_t count = json_array_size(guests);
	struct known_port *port;
	int rc;

	if (!reply && strcmp(netd_error_name(n), "io.netd.NoSuchGuest")) {
		say("%s", netd_error(n));
		return -1;
	}
	port = calloc(count + 1, sizeof(*port));
	if (!port)
		say("out of memory");
	rc = port ? known_ports(guests, k, port) : -1;
	if (!rc)
		rc = choose_of(bridge, k, port, count);
	free(port);
	json_decref(reply);
	return rc;
}

/* --- the device --- */

/* QEMU reads one octet, and the descriptor with it (net/tap.c, recv_fd). */
static int send_fd(int to, int fd)
{
	ssize_t sent;

	do {
		sent = fds_send(to, "", 1, &fd, 1, 0);
	} while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

static void tell_generated(const struct asker *k, const char *bridge, const struct netd_port *p)
{
	const char *why =
		k->choice.none_left	     ? "all its cards have their device already" :
		k->known && k->machine.cards ? "its card is not on its command line" :
					       "its command line does not say which card it is for";

	say("port %s/%u on %s: process %d asks for %s, and %s; only a card with MAC %s will get "
	    "through",
	    k->guest, (unsigned)k->choice.nic, p->network, k->pid, bridge, why, p->mac);
}

static int attach(struct netd *n, const struct arguments *a, const struct asker *k)
{
	struct netd_attach q = { .guest = k->guest,
				 .nic = k->choice.nic,
				 .network = k->network,
				 .vhost = NETD_VHOST_OFF,
				 .bare = !a->use_vnet };
	const uint8_t *m = k->choice.mac;
	struct netd_port p;
	char mac[18];
	int rc;

	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4],
		 m[5]);
	if (k->choice.has_mac)
		q.mac = mac;
	if (netd_attach(n, &q, &p)) {
		say("%s%s", netd_error(n),
		    strcmp(netd_error_name(n), "io.netd.MacInUse") ?
			    "" :
			    "; give the card one of its own: -device ...,mac=");
		return -1;
	}
	if (!k->choice.has_mac)
		tell_generated(k, a->bridge, &p);
	rc = send_fd(a->fd, p.tap_fd[0]);
	netd_port_close(&p);
	if (!rc)
		return 0;
	say("cannot send the device's descriptor to descriptor %d: %s", a->fd, strerror(-rc));
	if (k->new_allocation && netd_release(n, k->guest, (int)k->choice.nic))
		say("%s", netd_error(n));
	return -1;
}

static int serve(const struct arguments *a, const struct acl *acl, struct asker *k)
{
	const char *guest = getenv("NETD_GUEST");
	struct netd *n = NULL;
	int rc = -1;

	k->pid = process_find_machine(&k->machine, &k->known);
	if (guest && strlen(guest) >= sizeof(k->guest)) {
		say("the guest's name, $NETD_GUEST, is longer than %d characters",
		    GUEST_NAME_SIZE - 1);
		return -1;
	}
	if (guest && *guest)
		snprintf(k->guest, sizeof(k->guest), "%s", guest);
	else
		choose_name(k->known ? &k->machine : NULL, getuid(), k->guest);
	if (netd_connect(NULL, &n))
		say("%s", netd_error(n));
	else if (!find_network(n, acl, a->bridge, k) && !choose(n, a->bridge, k))
		rc = attach(n, a, k);
	netd_close(n);
	return rc;
}

int main(int argc, char **argv)
{
	struct arguments a = { .fd = -1, .acl = QEMU_CONFDIR "/bridge.conf" };
	struct acl acl = { .warn = warn };
	static struct asker asker;
	struct err err;
	int rc = -1;

	if (!drop_privileges()) {
		say("cannot give up privileges: %s", strerror(errno));
		return EXIT_FAILURE;
	}
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--help")) {
			print_usage(stdout);
			return EXIT_SUCCESS;
		}
		if (!strcmp(argv[i], "--version")) {
			puts("netd-bridge-helper " NETD_VERSION);
			return EXIT_SUCCESS;
		}
		if (!take_argument(argv[i], &a)) {
			print_usage(stderr);
			return EXIT_FAILURE;
		}
	}
	if (!a.bridge || a.fd == -1) {
		print_usage(stderr);
		return EXIT_FAILURE;
	}
	signal(SIGPIPE, SIG_IGN);
	if (strlen(a.bridge) >= IFNAMSIZ)
		say("name '%s' is longer than %d characters", a.bridge, IFNAMSIZ - 1);
	else if (acl_read(&acl, a.acl, &err))
		say("access denied: %s", err.text);
	else if (!acl_allows(&acl, a.bridge))
		say("access denied by acl file: %s does not allow %s", a.acl, a.bridge);
	else
		rc = serve(&a, &acl, &asker);
	acl_done(&acl);
	return rc ? EXIT_FAILURE : EXIT_SUCCESS;
}

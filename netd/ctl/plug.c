/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netdctl run and attach: one card or several, on one network or several.
 *
 * A device that comes as descriptors lives as long as they do, so that nothing is left of a run or
 * attach that fails or is killed. One that is opened by name stays until netd finds that nobody has
 * it open; it is detached here when what was to open it cannot be started.
 */
#include "plug.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/cleanup.h"

enum { CONFIGURATION_MAX = 4 << 20 };

/* --- options --- */

/* The value for card i of n; one value is for all cards, unless each has to have its own. */
static const char *pick(const struct ctl_list *list, unsigned i, unsigned n, bool each)
{
	if (!list->n)
		return NULL;
	if (list->n != n && (each || list->n != 1))
		ctl_usage("--%s is given %s, for %u card%s", list->name,
			  list->n == 1 ? "once" : "more than once", n, n == 1 ? "" : "s");
	return list->at[list->n == 1 ? 0 : i];
}

/* "auto" is as if nothing were said, for a card among others that have one. */
static const char *unless_auto(const char *text)
{
	return text && !strcmp(text, "auto") ? NULL : text;
}

static enum netd_vhost parse_vhost(const char *text)
{
	if (!text || !strcmp(text, "auto"))
		return NETD_VHOST_AUTO;
	if (!strcmp(text, "on"))
		return NETD_VHOST_ON;
	if (!strcmp(text, "off"))
		return NETD_VHOST_OFF;
	ctl_usage("--vhost is auto, on or off");
}

void plug_read(const struct plug_options *o, const char *guest, struct plug_cards *ret)
{
	const struct ctl_list *l = o->list;
	unsigned n = l[PLUG_NETWORK].n ? l[PLUG_NETWORK].n : 1;
	struct ctl_port p = ctl_parse_port(guest);

	if (p.nic >= 0 && l[PLUG_NIC].n)
		ctl_usage("the NIC is given twice");
	*ret = (struct plug_cards){ .n = n };
	memcpy(ret->guest, p.guest, sizeof(ret->guest));
	for (unsigned i = 0; i < n; i++) {
		const char *nic = pick(&l[PLUG_NIC], i, n, true);
		const char *queues = pick(&l[PLUG_QUEUES], i, n, false);
		struct netd_attach *q = &ret->request[i];

		q->guest = ret->guest;
		q->nic = nic ? ctl_parse_number(nic, 63, "--nic") :
			       (p.nic >= 0 ? (uint32_t)p.nic : 0) + i;
		q->network = pick(&l[PLUG_NETWORK], i, n, false);
		q->mac = unless_auto(pick(&l[PLUG_MAC], i, n, true));
		q->address = unless_auto(pick(&l[PLUG_ADDRESS], i, n, true));
		q->queues = queues ? ctl_parse_number(queues, NETD_QUEUES_MAX, "--queues") : 1;
		q->vhost = parse_vhost(pick(&l[PLUG_VHOST], i, n, false));
	}
}

/* What a VMM can't use is not asked for, or refused when it was. */
static void suit(const struct vmm *v, struct plug_cards *cards)
{
	for (unsigned i = 0; i < cards->n; i++) {
		struct netd_attach *q = &cards->request[i];

		if (v->single_queue && q->queues > 1)
			ctl_usage("%s takes a card of one queue from netdctl, not of %u", v->name,
				  q->queues);
		if (v->vhost == VMM_VHOST_NONE && q->vhost == NETD_VHOST_ON)
			ctl_usage("%s does not take vhost-net's descriptors", v->name);
		if (v->vhost == VMM_VHOST_NONE ||
		    (v->vhost == VMM_VHOST_OWN && q->vhost == NETD_VHOST_AUTO &&
		     access("/dev/vhost-net", R_OK | W_OK) < 0))
			q->vhost = NETD_VHOST_OFF;
		if (v->by_name)
			q->device = NETD_TAP;
	}
}

/* --- attaching --- */

void plug_undo(struct ctl *c, struct plug_cards *cards)
{
	for (unsigned i = cards->n; i-- > 0;) {
		netd_port_close(&cards->port[i]);
		if (cards->request[i].device != NETD_DESCRIPTORS)
			(void)netd_detach(c->netd, cards->guest, (int)cards->request[i].nic);
	}
}

void plug_attach(struct ctl *c, struct plug_cards *cards)
{
	unsigned n = cards->n;

	ctl_connect(c);
	for (unsigned i = 0; i < n; i++) {
		struct netd_attach *q = &cards->request[i];
		struct err err;

		if (cards->macvtap)
			ctl_choose_macvtap(c, q);
		cards->card[i] = (struct vmm_card){ .guest = cards->guest,
						    .nic = q->nic,
						    .queues = q->queues,
						    .port = &cards->port[i] };
		if (!netd_attach(c->netd, q, &cards->port[i]))
			continue;
		err_put(&err, "%s", netd_error(c->netd));
		cards->n = i;
		plug_undo(c, cards);
		if (n > 1)
			ctl_fail("card %s/%u: %s", cards->guest, q->nic, err.text);
		ctl_fail("%s", err.text);
	}
}

void plug_tell(const struct plug_cards *cards)
{
	for (unsigned i = 0; i < cards->n; i++) {
		const struct netd_port *p = &cards->port[i];

		fprintf(stderr, "netdctl: port %s/%u: %s on %s, MAC %s, address %s, vhost %s%s%s\n",
			cards->guest, cards->request[i].nic, p->interface, p->network, p->mac,
			p->address, p->vhosts ? "on" : "off", p->vhost_note[0] ? ": " : "",
			p->vhost_note);
		if (p->note[0])
			fprintf(stderr, "netdctl: %s\n", p->note);
	}
}

__attribute__((format(printf, 3, 4), noreturn)) static void give_up(struct ctl *c,
								    struct plug_cards *cards,
								    const char *fmt, ...)
{
	struct err err;
	va_list ap;

	va_start(ap, fmt);
	err_vset(&err, fmt, ap);
	va_end(ap);
	plug_undo(c, cards);
	ctl_fail("%s", err.text);
}

/* --- run --- */

static void keep_across_exec(const int *fds, uint32_t n, bool blocking)
{
	for (uint32_t i = 0; i < n; i++) {
		int flags = fcntl(fds[i], F_GETFL);

		if (fcntl(fds[i], F_SETFD, 0) < 0 ||
		    (blocking && fcntl(fds[i], F_SETFL, flags & ~O_NONBLOCK) < 0))
			ctl_fail("cannot hand over descriptor %d: %s", fds[i], strerror(errno));
	}
}

static void hand_over(const struct vmm *v, const struct plug_cards *cards)
{
	for (unsigned i = 0; i < cards->n; i++) {
		const struct netd_port *p = &cards->port[i];

		keep_across_exec(p->tap_fd, p->queues, v && v->blocking);
		if (!v || v->vhost == VMM_VHOST_DESCRIPTORS)
			keep_across_exec(p->vhost_fd, p->vhosts, false);
	}
}

/* The argument behind --config-file; what is behind "--" is not firecracker's own. */
static char **find_configuration(char **argv)
{
	for (; *argv && strcmp(*argv, "--") != 0; argv++)
		if (!strcmp(*argv, "--config-file") && argv[1])
			return argv + 1;
	return NULL;
}

/* Octets of a file, at most CONFIGURATION_MAX + 1 of them; -1 with errno. */
static ssize_t read_all(int fd, char *to)
{
	size_t len = 0;
	ssize_t n;

	while (len <= CONFIGURATION_MAX &&
	       (n = read(fd, to + len, CONFIGURATION_MAX + 1 - len)) != 0) {
		if (n < 0)
			return -1;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

static char *read_configuration(const char *path)
{
	CLEAN_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = fd < 0 ? NULL : malloc(CONFIGURATION_MAX + 2);
	ssize_t len = text ? read_all(fd, text) : -1;

	if (len < 0 || len > CONFIGURATION_MAX) {
		free(text);
		ctl_fail("cannot read %s: %s", path, len < 0 ? strerror(errno) : "it is too large");
	}
	text[len] = 0;
	return text;
}

/* The configuration with the cards in it, in a file without a name that firecracker opens as one:
 * nothing is left behind. Replaces *path. */
static void give_configuration(struct ctl *c, struct plug_cards *cards, const char *text,
			       char **path)
{
	CLEAN_FREE char *merged = NULL;
	struct err err;
	size_t done = 0, len;
	int fd;

	if (vmm_firecracker_merge(text, cards->card, cards->n, &merged, &err))
		give_up(c, cards, "%s: %s", *path, err.text);
	fd = memfd_create("netd-firecracker", 0);
	for (len = strlen(merged); fd >= 0 && done < len;) {
		ssize_t n = write(fd, merged + done, len - done);

		if (n < 0)
			break;
		done += (size_t)n;
	}
	if (fd < 0 || done < len)
		give_up(c, cards, "cannot write a configuration: %s", strerror(errno));
	if (asprintf(path, "/proc/self/fd/%d", fd) < 0)
		give_up(c, cards, "out of memory");
}

/* Which VMM it is, by its name or by --format; NULL with *ret_shell for one that looks at its
 * environment, and for one that has placeholders. */
static const struct vmm *choose(const struct plug_options *o, char *const *argv, unsigned n,
				bool *ret_shell)
{
	const struct vmm *v = o->format ? vmm_by_name(o->format) : vmm_by_program(argv);

	*ret_shell = o->format && !strcmp(o->format, "shell");
	if (o->format && !v && !*ret_shell)
		ctl_usage("run --format is qemu, cloud-hypervisor, crosvm, lkvm, firecracker or "
			  "shell");
	if (!v && !*ret_shell && !vmm_uses_placeholders(argv, n))
		ctl_fail("how %s takes a network card is not known; say it with placeholders such "
			 "as {fds} and {mac}",
			 argv[0]);
	return v;
}

static void parse_command(struct ctl *c, int argc, char **argv, bool run, struct ctl_args *a,
			  struct plug_options *o, struct plug_cards *cards)
{
	static const struct ctl_list lists[PLUG_LISTS] = {
		[PLUG_NETWORK] = { .name = "network" }, [PLUG_NIC] = { .name = "nic" },
		[PLUG_QUEUES] = { .name = "queues" },	[PLUG_VHOST] = { .name = "vhost" },
		[PLUG_MAC] = { .name = "mac" },		[PLUG_ADDRESS] = { .name = "address" },
	};
	const struct ctl_option options[] = {
		{ "format", &o->format, NULL },
		{ "macvtap", NULL, &o->device.macvtap },
		/* from here on of attach alone */
		{ run ? NULL : "qmp", &o->qmp, NULL },
		{ "ch-api", &o->ch_api, NULL },
		{ "bus", &o->bus, NULL },
		{ "timeout", &o->timeout, NULL },
		{ "tap", &o->device.name, &o->device.tap },
		{ "owner", &o->device.owner, NULL },
		{ "netns", &o->device.netns, NULL },
		{ "ifname", &o->device.ifname, NULL },
		{ 0 },
	};

	*o = (struct plug_options){ 0 };
	memcpy(o->list, lists, sizeof(lists));
	ctl_parse_lists(c, argc, argv, options, o->list, a);
	ctl_expect(a, 1, 1, run,
		   run ? "run GUEST [OPTION]... -- VMM [ARG]..." : "attach GUEST [OPTION]...");
	plug_read(o, a->plain[0], cards);
	o->device.format = o->format;
	cards->macvtap = o->device.macvtap;
	for (unsigned i = 0; i < cards->n; i++)
		ctl_read_device(&o->device, &cards->request[i]);
	if (cards->n > 1 && cards->request[0].ifname)
		ctl_usage("one name is given, for %u cards", cards->n);
}

int ctl_run(struct ctl *c, int argc, char **argv)
{
	char *configuration = NULL;
	struct plug_cards cards;
	struct plug_options o;
	const struct vmm *v;
	struct ctl_args a;
	bool shell, placeholders;
	char **command, **path = NULL;

	parse_command(c, argc, argv, true, &a, &o, &cards);
	v = choose(&o, a.rest, cards.n, &shell);
	placeholders = vmm_uses_placeholders(a.rest, cards.n);
	if (v && (v->by_name || !placeholders))
		suit(v, &cards);
	if (v && v->by_name && !placeholders) {
		path = find_configuration(a.rest);
		if (!path)
			ctl_fail(
				"%s has a network card in its configuration: there is no --config-file "
				"to put it in; see also netdctl attach --format %s",
				a.rest[0], v->name);
		configuration = read_configuration(*path);
	}
	plug_attach(c, &cards);
	if (configuration)
		give_configuration(c, &cards, configuration, path);
	free(configuration);
	command = vmm_command(shell ? NULL : v, a.rest, cards.card, cards.n);
	if (shell)
		vmm_set_environment(cards.card, cards.n);
	plug_tell(&cards);
	hand_over(v, &cards);
	execvp(command[0], command);
	give_up(c, &cards, "cannot run %s: %s", command[0], strerror(errno));
}

/* --- attach --- */

/* The port as netd has it, a new reference; NULL: it has gone already. */
static json_t *port_object(struct ctl *c, const struct netd_attach *q)
{
	json_t *reply = ctl_call(c, "io.netd.ListGuests", json_pack("{s:s}", "guest", q->guest));
	json_t *p, *found = NULL;
	size_t i;

	json_array_foreach (json_object_get(reply, "guests"), i, p)
		if (json_integer_value(json_object_get(p, "nic")) == q->nic)
			found = json_incref(p);
	json_decref(reply);
	return found;
}

static json_t *numbers(const int *fds, uint32_t n)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < n; i++)
		json_array_append_new(list, json_integer(fds[i]));
	return list;
}

/* One object, or a list of several. With the descriptors there is who has them: pidfd_getfd(2). */
static void print_json(struct ctl *c, const struct plug_cards *cards, bool descriptors)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < cards->n; i++) {
		const struct netd_port *p = &cards->port[i];
		json_t *o = port_object(c, &cards->request[i]);

		if (o && descriptors && p->queues) {
			json_object_set_new(o, "tapFileDescriptors", numbers(p->tap_fd, p->queues));
			json_object_set_new(o, "vhostFileDescriptors",
					    numbers(p->vhost_fd, p->vhosts));
			json_object_set_new(o, "pid", json_integer(getpid()));
		}
		if (o)
			json_array_append_new(list, o);
	}
	if (json_array_size(list) == 1)
		ctl_print_json(json_array_get(list, 0));
	else if (json_array_size(list))
		ctl_print_json(list);
	json_decref(list);
}

/* One argument a line: none has a newline in it. */
static void print_arguments(const struct vmm *v, const struct plug_cards *cards)
{
	struct vmm_arguments a = { 0 };

	v->append(&a, cards->card, cards->n);
	for (size_t i = 0; i < a.n; i++)
		puts(a.at[i]);
	vmm_arguments_done(&a);
}

static void print_format(struct ctl *c, const char *format, const struct plug_cards *cards)
{
	const struct vmm *v = format ? vmm_by_name(format) : NULL;

	if (v && v->append) {
		print_arguments(v, cards);
	} else if (v) {
		json_t *o = vmm_firecracker(cards->card, cards->n);

		ctl_print_json(o);
		json_decref(o);
	} else if (format && !strcmp(format, "libvirt")) {
		vmm_print_libvirt(stdout, cards->card, cards->n);
	} else if (format && !strcmp(format, "shell")) {
		vmm_print_shell(stdout, cards->card, cards->n);
		if (cards->port[0].queues)
			printf("NETD_PID='%d'\n", getpid());
	} else if (format || c->json) {
		print_json(c, cards, format);
	}
	if (fflush(stdout) || ferror(stdout))
		ctl_fail("cannot write: %s", strerror(errno));
}

static void check_format(const char *format, struct plug_cards *cards)
{
	static const struct vmm libvirt = { .name = "libvirt", .by_name = true };
	const struct vmm *v = vmm_by_name(format);

	if (v && !v->by_name && cards->request[0].device != NETD_DESCRIPTORS)
		ctl_usage("--format %s is of descriptors, not of a device that stays", format);
	if (v)
		suit(v, cards);
	else if (!strcmp(format, "libvirt"))
		suit(&libvirt, cards);
	else if (strcmp(format, "json") != 0 && strcmp(format, "shell") != 0)
		ctl_usage("--format is qemu, cloud-hypervisor, crosvm, lkvm, firecracker, libvirt, "
			  "json or shell");
}

int ctl_attach(struct ctl *c, int argc, char **argv)
{
	struct plug_cards cards;
	struct plug_options o;
	struct ctl_args a;
	sigset_t ends;
	int signo;

	parse_command(c, argc, argv, false, &a, &o, &cards);
	if (o.qmp || o.ch_api) {
		plug_into_vmm(c, &o, &cards);
		print_format(c, NULL, &cards);
		return EXIT_DONE;
	}
	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGHUP);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	if (o.bus || o.timeout)
		ctl_usage("--bus and --timeout go with --qmp or --ch-api");
	if (o.format)
		check_format(o.format, &cards);
	plug_attach(c, &cards);
	if (cards.request[0].device == NETD_DESCRIPTORS || o.format)
		plug_tell(&cards);
	else if (!c->json)
		for (unsigned i = 0; i < cards.n; i++)
			ctl_tell_device(&cards.request[i], &cards.port[i]);
	print_format(c, o.format, &cards);
	if (cards.request[0].device != NETD_DESCRIPTORS)
		return EXIT_DONE;
	sigwait(&ends, &signo);
	plug_undo(c, &cards);
	return EXIT_DONE;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A port as other programs want it written. Pure, but for vmm_set_environment.
 *
 * Firecracker: src/vmm/src/vmm_config/net.rs NetworkInterfaceConfig denies fields that it does not
 * know, so there is none that only newer versions have (mtu). libvirt: src/qemu/qemu_interface.c
 * qemuInterfaceEthernetConnect: with managed='no' the device has to be there, and is opened by its
 * name, with IFF_MULTI_QUEUE when there is more than one queue.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl.h"
#include "vmm.h"

static json_t *firecracker_card(const struct vmm_card *card, unsigned i)
{
	char id[16];

	snprintf(id, sizeof(id), "netd%u", i);
	return json_pack("{s:s, s:s, s:s}", "iface_id", id, "guest_mac", card->port->mac,
			 "host_dev_name", card->port->interface);
}

static json_t *firecracker_cards(const struct vmm_card *cards, unsigned n)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < n; i++)
		json_array_append_new(list, firecracker_card(&cards[i], i));
	return list;
}

json_t *vmm_firecracker(const struct vmm_card *cards, unsigned n)
{
	return json_pack("{s:o}", "network-interfaces", firecracker_cards(cards, n));
}

static int merge(json_t *configuration, const struct vmm_card *cards, unsigned n, struct err *err)
{
	json_t *list = json_object_get(configuration, "network-interfaces");
	const json_t *other;
	size_t i;

	if (list && !json_is_array(list))
		return err_set(err, EINVAL, "its network-interfaces are not a list");
	if (!list) {
		list = json_array();
		json_object_set_new(configuration, "network-interfaces", list);
	}
	json_array_foreach (list, i, other) {
		const char *id = json_string_value(json_object_get(other, "iface_id"));
		unsigned number;
		int end = 0;

		if (id && sscanf(id, "netd%u%n", &number, &end) == 1 && !id[end] && number < n)
			return err_set(err, EEXIST, "it has an interface '%s' already", id);
	}
	for (unsigned k = 0; k < n; k++)
		json_array_append_new(list, firecracker_card(&cards[k], k));
	return 0;
}

int vmm_firecracker_merge(const char *text, const struct vmm_card *cards, unsigned n,
			  char **ret_text, struct err *err)
{
	json_error_t e;
	json_t *configuration = json_loads(text, JSON_REJECT_DUPLICATES, &e);
	char *merged;
	int rc;

	if (!configuration)
		return err_set(err, EINVAL, "line %d: %s", e.line, e.text);
	if (!json_is_object(configuration))
		rc = err_set(err, EINVAL, "it is not an object");
	else
		rc = merge(configuration, cards, n, err);
	merged = rc ? NULL : json_dumps(configuration, JSON_INDENT(2));
	json_decref(configuration);
	if (rc)
		return rc;
	if (!merged)
		return err_set(err, ENOMEM, "out of memory");
	*ret_text = merged;
	return 0;
}

/* Nothing of this needs quoting: a MAC address, a name that netd chose or checked, numbers. */
void vmm_print_libvirt(FILE *out, const struct vmm_card *cards, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const struct netd_port *p = cards[i].port;

		fprintf(out,
			"<interface type='ethernet'>\n"
			"  <mac address='%s'/>\n"
			"  <target dev='%s' managed='no'/>\n"
			"  <model type='virtio'/>\n"
			"  <mtu size='%u'/>\n",
			p->mac, p->interface, p->mtu);
		if (cards[i].queues > 1)
			fprintf(out, "  <driver queues='%u'/>\n", cards[i].queues);
		fputs("</interface>\n", out);
	}
}

/* --- shell --- */

static void join_text(const int *fds, uint32_t n, char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = 0;
	for (uint32_t i = 0; i < n && len < size; i++)
		len += (size_t)snprintf(buf + len, size - len, i ? ":%d" : "%d", fds[i]);
}

/* Calls set for each variable of a card. */
static void each_variable(const struct vmm_card *card, unsigned i,
			  void (*set)(void *arg, const char *name, const char *value), void *arg)
{
	const struct netd_port *p = card->port;
	char fds[400], vhostfds[400], address[64], mtu[16], nic[16], queues[16];
	const struct {
		const char *name, *value;
	} all[] = {
		{ "GUEST", card->guest },  { "NIC", nic },
		{ "NETWORK", p->network }, { "INTERFACE", p->interface },
		{ "MAC", p->mac },	   { "ADDRESS", address },
		{ "GATEWAY", p->gateway }, { "MTU", mtu },
		{ "QUEUES", queues },	   { "FDS", fds },
		{ "VHOSTFDS", vhostfds },
	};

	join_text(p->tap_fd, p->queues, fds, sizeof(fds));
	join_text(p->vhost_fd, p->vhosts, vhostfds, sizeof(vhostfds));
	snprintf(address, sizeof(address), "%.*s", (int)strcspn(p->address, "/"), p->address);
	snprintf(mtu, sizeof(mtu), "%u", p->mtu);
	snprintf(nic, sizeof(nic), "%u", card->nic);
	snprintf(queues, sizeof(queues), "%u", card->queues);
	for (size_t k = 0; k < ARRAY_SIZE(all); k++) {
		char name[40];

		snprintf(name, sizeof(name), i ? "NETD_%s_%u" : "NETD_%s", all[k].name, i);
		set(arg, name, all[k].value);
	}
}

/* In single quotes nothing is special but the quote itself: POSIX shell, 2.2.2. */
static void print_variable(void *arg, const char *name, const char *value)
{
	FILE *out = arg;

	fprintf(out, "%s='", name);
	for (; *value; value++) {
		if (*value == '\'')
			fputs("'\\''", out);
		else
			fputc(*value, out);
	}
	fputs("'\n", out);
}

void vmm_print_shell(FILE *out, const struct vmm_card *cards, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		each_variable(&cards[i], i, print_variable, out);
}

static void export_variable(void *arg, const char *name, const char *value)
{
	(void)arg;
	if (setenv(name, value, 1) < 0)
		ctl_fail("out of memory");
}

void vmm_set_environment(const struct vmm_card *cards, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		each_variable(&cards[i], i, export_variable, NULL);
}
